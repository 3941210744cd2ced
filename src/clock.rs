//! Time and randomness. The only module that asks the system for either, so that tests can advance the clock and
//! reviewers can find every random value.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::types::{Id, Millis};

/// The system clock, which tests can advance.
#[derive(Clone, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the current time, in milliseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "the only caller")]
    pub fn now(&self) -> Millis {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(0).plus(since_epoch).plus(Duration::from_millis(self.ahead.load(Ordering::Relaxed).unsigned_abs()))
    }

    /// Advances this clock, and all its clones, relative to the system's.
    pub fn advance(&self, span: Duration) {
        self.ahead.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Returns a new identifier, unique and ordered by creation time.
    #[expect(clippy::disallowed_methods, reason = "the only caller")]
    pub fn id(&self) -> Id {
        Id::new(uuid::Uuid::now_v7())
    }
}

/// Returns random bytes from the operating system, suitable for keys and tokens.
#[expect(clippy::disallowed_methods, reason = "the only caller")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a source of randomness");
    bytes
}
