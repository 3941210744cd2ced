//! Schema inference: the columns of a table, from its first rows or from the footer of a Parquet file.

use std::ops::Range;
use std::str::FromStr;

use bytes::Bytes;
use datapackage::infer::{self, Inferred, Limits};
use metastore::FilePath;

use super::GitService;
use crate::access::{Fetch, Grant};
use crate::datasets::browse::ResolvedEntry;
use crate::datasets::is_empty;
use crate::error::{Error, Result};
use crate::storage::read_range::gathered;

/// Bytes at the end of a Parquet file that locate its footer.
const TAIL: u64 = 8;

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl GitService {
    /// Infers the schema of the table in a file of a revision. The format is taken from the file extension unless it is
    /// given. At most a few MiB are read, wherever the file is stored.
    ///
    /// # Errors
    /// Not found if the revision or the file does not exist; invalid for a file that is not a table of that format; too
    /// large for too many columns.
    pub async fn infer(
        &self,
        grant: &Grant<Fetch>,
        revision: &str,
        path: &FilePath,
        format: Option<TableFormat>,
    ) -> Result<(TableFormat, Inferred)> {
        let located = self.0.drive.locate(&grant.narrow(), revision, path).await?;
        let entry = &located.entry;
        let size = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
        let size = size.ok_or_else(|| Error::not_found(format!("{path} is not a file")))?;
        let format = match (format, path.name().rsplit_once('.')) {
            (Some(format), _) => format,
            (None, Some((_, extension))) => extension.parse()?,
            (None, None) => return Err(Error::invalid(format!("{path} has no file extension; set `format`"))),
        };
        let limits = Limits::default();
        let inferred = if format == TableFormat::Parquet {
            let tail = self.part(grant, &located, size.saturating_sub(TAIL)..size).await?;
            let tail = <[u8; 8]>::try_from(&tail[..]);
            let tail = tail.map_err(|_| Error::invalid(format!("{path} is not a Parquet file: it is too short")))?;
            let range = infer::parquet_range(tail, size).map_err(|error| describe(path, error))?;
            let footer = self.part(grant, &located, range).await?;
            crate::blocking(move || infer::parquet_footer(&footer)).await?
        } else {
            // One extra byte shows whether there is more.
            let head = self.part(grant, &located, 0..size.min(limits.bytes as u64 + 1)).await?;
            let is_csv = format == TableFormat::Csv;
            let read = move || {
                if is_csv { infer::csv(&head[..], limits) } else { infer::json_lines(&head[..], limits) }
            };
            crate::blocking(read).await?
        };
        Ok((format, inferred.map_err(|error| describe(path, error))?))
    }

    /// Reads a range of a file, from the repository or from the object store.
    async fn part(&self, grant: &Grant<Fetch>, located: &ResolvedEntry, range: Range<u64>) -> Result<Bytes> {
        match &located.entry.pointer {
            Some(pointer) if is_empty(pointer) => Ok(Bytes::new()),
            Some(pointer) => self.0.storage.part(grant, pointer.oid, range).await,
            None => Ok(gathered(self.0.drive.open(located).await?.stream(range)).await?),
        }
    }
}

/// Adds the path of the table to an error.
fn describe(path: &FilePath, error: datapackage::Error) -> Error {
    match error {
        datapackage::Error::Invalid(why) => Error::invalid(format!("cannot infer the columns of {path}: {why}")),
        datapackage::Error::TooLarge(why) => {
            Error::invalid(format!("cannot infer the columns of {path}, a limit is exceeded: {why}"))
        }
        other => other.into(),
    }
}
