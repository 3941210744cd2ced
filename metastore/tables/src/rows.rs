//! Rows of text: how delimited text and lines are split.

mod batch;
mod dialect;
mod split;

pub(crate) use self::batch::{RowBuffer, Rows};
pub(crate) use self::dialect::Dialect;
pub(crate) use self::split::{Splitter, Step, all_rows};
