//! Text tables: delimited text and JSON lines, read as streams of rows.
//!
//! Bytes are decompressed, converted to UTF-8 and split into rows; then cells are converted to the types of their
//! columns. Quoted cells may contain line breaks, so a file is never read from several places at once.

mod batch;
mod cell;
mod charset;
mod file;
mod index;
mod json;
mod known;
mod lenient;
mod reader;
mod table;
mod unpack;

pub(crate) use self::batch::convert;
#[cfg(test)]
pub(crate) use self::charset::Charset;
pub(crate) use self::file::TextFile;
pub(crate) use self::lenient::{JsonWriter, strings, written};
pub(crate) use self::reader::RowReader;
pub(crate) use self::table::TextTable;
#[cfg(test)]
pub(crate) use self::unpack::tests::packed;
