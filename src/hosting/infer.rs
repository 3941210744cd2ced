//! What the columns of a table are, told from the table itself: from its beginning, or from the footer of Parquet.

use std::ops::Range;
use std::str::FromStr;

use bytes::Bytes;
use metastore::FilePath;
use metastore::infer::{self, Inferred, Limits};

use super::Hosting;
use crate::access::{Fetch, Grant};
use crate::drive::browse::Located;
use crate::drive::is_empty;
use crate::error::{Error, Result};
use crate::storage::part::gathered;

/// Bytes that a Parquet file ends in, which say where its footer is.
const TAIL: u64 = 8;

/// What a table is written in.
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
    /// As Data Package calls it.
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
                "columns are told from csv, tsv, jsonl, ndjson and parquet, and not from {other:?}; if the file is one \
                 of these, say so with `format`"
            ))),
        }
    }
}

impl Hosting {
    /// The schema of the table in a file of a revision; the format is that of its name unless one is given. At most a
    /// few MiB of it are read, wherever it is kept.
    ///
    /// # Errors
    /// Not found for the revision or the file; invalid for what is no table, or not of its format; too large for too
    /// many columns.
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
            (None, None) => return Err(Error::invalid(format!("say with `format` what {path} is written in"))),
        };
        let limits = Limits::default();
        let inferred = if format == TableFormat::Parquet {
            let tail = self.part(grant, &located, size.saturating_sub(TAIL)..size).await?;
            let tail = <[u8; 8]>::try_from(&tail[..]);
            let tail = tail.map_err(|_| Error::invalid(format!("{path} is not Parquet: it is too short for that")))?;
            let range = infer::parquet_range(tail, size).map_err(|error| told(path, error))?;
            let footer = self.part(grant, &located, range).await?;
            crate::blocking(move || infer::parquet_footer(&footer)).await?
        } else {
            // One byte more, which tells that there is more.
            let head = self.part(grant, &located, 0..size.min(limits.bytes as u64 + 1)).await?;
            let is_csv = format == TableFormat::Csv;
            let read = move || {
                if is_csv { infer::csv(&head[..], limits) } else { infer::json_lines(&head[..], limits) }
            };
            crate::blocking(read).await?
        };
        Ok((format, inferred.map_err(|error| told(path, error))?))
    }

    /// Bytes of a file, from the repository or from the store of objects.
    async fn part(&self, grant: &Grant<Fetch>, located: &Located, range: Range<u64>) -> Result<Bytes> {
        match &located.entry.pointer {
            Some(pointer) if is_empty(pointer) => Ok(Bytes::new()),
            Some(pointer) => self.0.storage.part(grant, pointer.oid, range).await,
            None => Ok(gathered(self.0.drive.open(located).await?.stream(range)).await?),
        }
    }
}

/// What is wrong with a table, and which.
fn told(path: &FilePath, error: metastore::Error) -> Error {
    match error {
        metastore::Error::Invalid(why) => Error::invalid(format!("the columns of {path} cannot be told: {why}")),
        metastore::Error::TooLarge(why) => Error::invalid(format!("the columns of {path} are not told: {why}")),
        other => other.into(),
    }
}
