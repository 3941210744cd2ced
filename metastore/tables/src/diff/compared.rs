//! The common form of two columns' values, in which equal values are equal bytes.

use arrow::datatypes::DataType;

/// How the values of a column are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// Values of both columns have this type, or are converted to it without loss.
    Same(DataType),
}

impl Form {
    /// Returns how values of these types are compared.
    pub(super) fn of(from: &DataType, _to: &DataType) -> Self {
        Self::Same(from.clone())
    }
}
