//! The error of a request, as the server sees it.

use std::error::Error as StdError;
use std::fmt;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;
use tables_wire::{Failure, FailureKind};

/// The result of a part of a request.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed. The message is for the client, except for internal errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

impl Error {
    /// Creates the error of an invalid table or request.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Invalid, message: message.into() }
    }

    /// Creates the error of an exceeded limit.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Limit, message: message.into() }
    }

    /// Creates the error of a failed read, whose cause the server knows.
    pub(crate) fn read() -> Self {
        Self { kind: FailureKind::Read, message: "the file cannot be read at the moment; try again".to_owned() }
    }

    /// Creates the error of a bug.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self { kind: FailureKind::Internal, message: message.to_string() }
    }

    /// Returns true if a request was stopped since it needs too much memory.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        *self == out_of_memory()
    }

    /// Adds the name of the file to the message, if the file is to blame.
    #[must_use]
    pub(crate) fn in_file(mut self, name: &str) -> Self {
        if matches!(self.kind, FailureKind::Invalid | FailureKind::Limit) {
            self.message = format!("{name}: {}", self.message);
        }
        self
    }

    /// Returns the message that ends a request.
    pub(crate) fn into_failure(self) -> Failure {
        Failure { kind: self.kind, message: self.message }
    }

    /// Returns the error of an exceeded limit of memory or disk space, if it is one.
    pub(crate) fn of_limit(error: &DataFusionError) -> Option<Self> {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(why) => Some(exhausted(why)),
            root @ (DataFusionError::IoError(_) | DataFusionError::ArrowError(..)) => {
                let why = root.strip_backtrace();
                why.contains("used disk space").then(|| exhausted(&why))
            }
            _ => None,
        }
    }

    /// Returns the error of ours that caused `error`, if there is one.
    fn of_source(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(own) = error.downcast_ref::<Self>() {
                return Some(own.clone());
            }
            next = match error.downcast_ref() {
                // Errors that several tasks share, which `source` skips.
                Some(DataFusionError::Shared(shared)) => Some(&**shared),
                Some(DataFusionError::ArrowError(error, _)) => Some(&**error),
                Some(DataFusionError::ParquetError(error)) => Some(&**error),
                Some(DataFusionError::External(error)) => Some(&**error),
                Some(DataFusionError::Context(_, error)) => Some(&**error),
                _ => match error.downcast_ref() {
                    Some(ArrowError::ExternalError(error)) => Some(&**error),
                    _ => match error.downcast_ref() {
                        Some(ParquetError::External(error)) => Some(&**error),
                        _ => error.source(),
                    },
                },
            };
        }
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Error {}

/// Cuts a text for a message.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns the first line of a library's message, without what follows from where the library was compiled.
fn cleaned(message: &str) -> String {
    shortened(message.lines().next().unwrap_or_default().trim_end_matches('.'), 500)
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        if let Some(own) = Self::of_source(&error) {
            return own;
        }
        match error {
            ArrowError::MemoryError(_) => out_of_memory(),
            ArrowError::DivideByZero => Self::invalid("division by zero"),
            ArrowError::ArithmeticOverflow(why) | ArrowError::CastError(why) | ArrowError::ParseError(why) => {
                Self::invalid(cleaned(&why))
            }
            ArrowError::IpcError(why) => Self::invalid(format!("not a readable Arrow file: {}", cleaned(&why))),
            ArrowError::ParquetError(why) => Self::invalid(format!("not a readable Parquet file: {}", cleaned(&why))),
            ArrowError::NotYetImplemented(why) => Self::invalid(format!("not supported: {}", cleaned(&why))),
            other => Self::invalid(cleaned(&other.to_string())),
        }
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        if let Some(own) = Self::of_source(&error) {
            return own;
        }
        let why = match &error {
            ParquetError::General(why) | ParquetError::EOF(why) | ParquetError::ArrowError(why) => why.clone(),
            ParquetError::NYI(why) => format!("not supported: {why}"),
            other => other.to_string(),
        };
        Self::invalid(format!("not a readable Parquet file: {}", cleaned(&why)))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let Some(own) = Self::of_source(&error) {
            return own;
        }
        if let Some(limit) = Self::of_limit(&error) {
            return limit;
        }
        match error {
            DataFusionError::ArrowError(error, _) => (*error).into(),
            DataFusionError::ParquetError(error) => (*error).into(),
            DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => (*error).into(),
            DataFusionError::Shared(error) => Self::invalid(cleaned(&error.find_root().strip_backtrace())),
            DataFusionError::Internal(why) => Self::internal(why),
            DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Self::internal(error),
            DataFusionError::Plan(why) | DataFusionError::Execution(why) => Self::invalid(cleaned(&why)),
            DataFusionError::NotImplemented(why) => Self::invalid(format!("not supported: {}", cleaned(&why))),
            other => Self::invalid(cleaned(&other.strip_backtrace())),
        }
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<Error> for ArrowError {
    fn from(error: Error) -> Self {
        Self::ExternalError(Box::new(error))
    }
}

impl From<Error> for ParquetError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

fn exhausted(why: &str) -> Error {
    if why.contains("disk") || why.contains("temporary") { out_of_disk() } else { out_of_memory() }
}

fn out_of_disk() -> Error {
    Error::limit("the request needs more disk space than `tables.scratch_bytes` allows; read fewer rows or columns")
}

fn out_of_memory() -> Error {
    Error::limit("the request needs more memory than `tables.memory_bytes` allows; read fewer rows or columns")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn our_errors_come_back_from_libraries() {
        let own = Error::limit("too much");
        let wrapped = DataFusionError::from(ArrowError::from(own.clone()));
        assert_eq!(Error::from(wrapped), own);
        let shared = DataFusionError::Shared(Arc::new(ParquetError::from(own.clone()).into()));
        assert_eq!(Error::from(DataFusionError::Context("in a task".to_owned(), Box::new(shared))), own);
        assert_eq!(Error::from(ParquetError::from(own.clone())), own);
        assert_eq!(Error::from(ArrowError::from(own.clone())), own);
    }

    #[test]
    fn exhausted_resources_name_their_key() {
        let memory = DataFusionError::ResourcesExhausted("Failed to allocate 9 bytes for TopK".to_owned());
        let memory = Error::from(DataFusionError::Shared(Arc::new(memory)));
        assert!(memory.kind == FailureKind::Limit && memory.message.contains("tables.memory_bytes"), "{memory}");
        let disk = "The used disk space during the spilling process has exceeded the allowable limit of 9 bytes";
        let disk = Error::from(DataFusionError::ResourcesExhausted(disk.to_owned()));
        assert!(disk.message.contains("tables.scratch_bytes"), "{disk}");
        let disk = std::io::Error::other("The used disk space during the spilling process has exceeded 9 bytes");
        let disk = Error::from(DataFusionError::from(ArrowError::IoError(disk.to_string(), disk)));
        assert!(disk.message.contains("tables.scratch_bytes"), "{disk}");
    }

    #[test]
    fn only_faults_of_the_file_name_it() {
        assert_eq!(Error::invalid("no rows").in_file("a.csv").message, "a.csv: no rows");
        assert_eq!(Error::read().in_file("a.csv"), Error::read());
        assert_eq!(shortened("äöü", 2), "äö…");
    }
}
