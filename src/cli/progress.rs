//! Progress of long work.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// A line on a terminal, rewritten in place.
pub(super) struct Progress(Option<Instant>);

impl Progress {
    /// Creates a line that is empty at first; it always is where standard error is not a terminal.
    pub(super) fn new() -> Self {
        Self(std::io::stderr().is_terminal().then(Instant::now))
    }

    /// Returns true if a user sees it.
    pub(super) fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// Shows a text, unless the one before was shown a moment ago.
    pub(super) fn show(&mut self, text: impl FnOnce() -> String) {
        if let Some(last) = self.0.as_mut().filter(|last| last.elapsed() >= Duration::from_millis(200)) {
            *last = Instant::now();
            eprint!("\r\x1b[K{}", text());
            let _ = std::io::stderr().flush();
        }
    }

    /// Clears the line.
    pub(super) fn end(&self) {
        if self.0.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
