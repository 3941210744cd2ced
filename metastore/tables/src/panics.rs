//! Panics end the process, so that the server sees them at once; except in a library that is known to panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::abort;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Makes panics write one line to standard error and end the process.
pub(crate) fn end_process() {
    set_hook(Box::new(|panic| {
        if IS_CAUGHT.get() {
            return;
        }
        let message = panic.to_string();
        let lines: Vec<_> = message.lines().map(str::trim).collect();
        eprintln!("rutter-tables: {}", lines.join(" "));
        abort();
    }));
}

/// Calls a function of a library that panics on malformed input. Returns `None` if it did.
pub(crate) fn catch<T>(function: impl FnOnce() -> T) -> Option<T> {
    let before = IS_CAUGHT.replace(true);
    // What the function worked on is dropped with its error.
    let result = catch_unwind(AssertUnwindSafe(function)).ok();
    IS_CAUGHT.set(before);
    result
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn panics_of_libraries_are_errors() {
        assert_eq!(catch(|| 1), Some(1));
        assert_eq!(catch(|| catch(|| Vec::<u8>::new()[0]).is_none()), Some(true));
        assert!(!IS_CAUGHT.get());
    }

    #[test]
    fn panics_end_a_confined_process_with_one_line() {
        let test = std::env::current_exe().unwrap();
        let arguments = ["--exact", "panics::tests::panicking", "--ignored", "--nocapture", "--test-threads=1"];
        let output = Command::new(test).args(arguments).output().unwrap();
        assert_eq!(output.status.signal(), Some(6), "{output:?}");
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.starts_with("rutter-tables: ") && log.ends_with("first second\n"), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }

    #[test]
    #[ignore = "it ends the process; the test above runs it"]
    fn panicking() {
        end_process();
        crate::confine::confine(64 << 20, None).unwrap();
        panic!("first\nsecond");
    }
}
