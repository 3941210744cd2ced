//! Schema inference: the columns of a table, from its first rows or from the footer of a Parquet file.

use std::str::FromStr;

use bytes::Bytes;
use datapackage::infer::{self, Inferred, Limits};
use metastore::FilePath;

use super::{Files, Opened};
use crate::access::{DatasetGrant, Fetch};
use crate::error::{Error, Result};
use crate::storage::read_range::gathered;

/// Bytes at the end of a Parquet file that locate its footer.
const TAIL: u64 = 8;

/// How much of a text table is examined. Schemas and row pages have the same types, because both use these limits.
const LIMITS: Limits = Limits { bytes: 1 << 20, rows: 10_000 };

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableFormat {
    /// Delimited text (RFC 4180), whatever the delimiter.
    Csv,
    /// A JSON object a line (jsonlines.org).
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl TableFormat {
    /// Returns the Data Package name of the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for TableFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" => Ok(Self::Csv),
            "jsonl" | "ndjson" | "jsonlines" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            other => Err(Error::invalid(format!(
                "schema inference supports csv, tsv, jsonl, ndjson and parquet, not {other:?}; if the file has one of \
                 these formats, set `format`"
            ))),
        }
    }
}

/// The beginning of a table.
pub(super) struct Head {
    pub bytes: Bytes,
    /// True if it is the whole table.
    pub is_all: bool,
}

impl Head {
    /// Infers the schema of the table, which is not Parquet.
    pub(super) fn infer(&self, format: TableFormat) -> datapackage::Result<Inferred> {
        match format {
            TableFormat::JsonLines => infer::json_lines(&self.bytes[..], LIMITS),
            TableFormat::Csv | TableFormat::Parquet => infer::csv(&self.bytes[..], LIMITS),
        }
    }
}

impl Files {
    /// Infers the schema of the table in a file of a revision. The format is taken from the file extension unless it is
    /// given. At most a few MiB are read, wherever the file is stored.
    ///
    /// # Errors
    /// Not found if the revision or the file does not exist; invalid for a file that is not a table of that format; too
    /// large for too many columns.
    pub async fn infer(
        &self,
        grant: &DatasetGrant<Fetch>,
        revision: &str,
        path: &FilePath,
        format: Option<TableFormat>,
    ) -> Result<(TableFormat, Inferred)> {
        let located = self.0.drive.locate(&grant.narrow().at(path.clone()), Some(revision)).await?;
        let file = Opened::of(grant.dataset(), located)?;
        let format = match (format, path.name().rsplit_once('.')) {
            (Some(format), _) => format,
            (None, Some((_, extension))) => extension.parse()?,
            (None, None) => return Err(Error::invalid(format!("{path} has no file extension; set `format`"))),
        };
        let inferred = if format == TableFormat::Parquet {
            let tail = gathered(self.read(&file, file.size.saturating_sub(TAIL)..file.size).await?).await?;
            let tail = <[u8; 8]>::try_from(&tail[..]);
            let tail = tail.map_err(|_| Error::invalid(format!("{path} is not a Parquet file: it is too short")))?;
            let range = infer::parquet_range(tail, file.size).map_err(|error| describe(path, error))?;
            let footer = gathered(self.read(&file, range).await?).await?;
            crate::blocking(move || infer::parquet_footer(&footer)).await?
        } else {
            let head = self.head(&file).await?;
            crate::blocking(move || head.infer(format)).await?
        };
        Ok((format, inferred.map_err(|error| describe(path, error))?))
    }

    /// Reads the beginning of a table: as much as inference uses.
    pub(super) async fn head(&self, file: &Opened) -> Result<Head> {
        let end = head_len(file);
        let bytes = gathered(self.read(file, 0..end).await?).await?;
        Ok(Head { bytes, is_all: end == file.size })
    }
}

/// Returns the number of bytes that [`Files::head`] reads. One extra byte shows whether there is more.
pub(super) fn head_len(file: &Opened) -> u64 {
    file.size.min(LIMITS.bytes as u64 + 1)
}

/// Adds the path of the table to an error.
fn describe(path: &FilePath, error: datapackage::Error) -> Error {
    match error {
        datapackage::Error::Invalid(why) => Error::invalid(format!("cannot infer the columns of {path}: {why}")),
        datapackage::Error::TooLarge(why) => {
            Error::invalid(format!("cannot infer the columns of {path}, a limit is exceeded: {why}"))
        }
        other @ datapackage::Error::Internal(_) => other.into(),
    }
}
