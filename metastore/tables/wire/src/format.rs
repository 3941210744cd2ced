//! File formats of tables, by file name.

use serde::{Deserialize, Serialize};

/// The format of the files of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text (RFC 4180), whatever the delimiter.
    Csv,
    /// A JSON object per line (jsonlines.org).
    #[serde(rename = "jsonl")]
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC file, also called Feather version 2.
    Arrow,
}

/// The compression of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// gzip (RFC 1952), also of several members.
    Gzip,
    /// Zstandard (RFC 8878), also of several frames.
    Zstd,
}

impl Format {
    /// The extensions of all formats, for messages.
    pub const EXTENSIONS: &'static str =
        "csv, tsv, tab, jsonl, ndjson, jsonlines (each also with .gz or .zst), parquet, arrow and feather";

    /// Returns the Data Package name of the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// Returns the format that a file extension or the `format` of a Data Package resource stands for, in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" => Self::Csv,
            "jsonl" | "ndjson" | "jsonlines" => Self::JsonLines,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "feather" => Self::Arrow,
            _ => return None,
        })
    }

    /// Returns format and compression of a file with this name; `None` if it is not a table.
    pub fn from_name(name: &str) -> Option<(Self, Option<Compression>)> {
        let (stem, compression) = Compression::split(name);
        let format = Self::from_extension(stem.rsplit_once('.')?.1)?;
        (compression.is_none() || format.is_text()).then_some((format, compression))
    }

    /// Returns true for text, which may be compressed as a whole.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::JsonLines)
    }
}

impl Compression {
    /// Splits the extension of a compressed file off its name.
    pub fn split(name: &str) -> (&str, Option<Self>) {
        match name.rsplit_once('.') {
            Some((stem, extension)) if extension.eq_ignore_ascii_case("gz") => (stem, Some(Self::Gzip)),
            Some((stem, extension)) if extension.eq_ignore_ascii_case("zst") => (stem, Some(Self::Zstd)),
            _ => (name, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_format_and_compression() {
        for (name, expected) in [
            ("a.csv", Some((Format::Csv, None))),
            ("A.TSV", Some((Format::Csv, None))),
            ("a.jsonl.gz", Some((Format::JsonLines, Some(Compression::Gzip)))),
            ("a.b.csv.ZST", Some((Format::Csv, Some(Compression::Zstd)))),
            ("a.parquet", Some((Format::Parquet, None))),
            ("a.feather", Some((Format::Arrow, None))),
            ("a.parquet.gz", None),
            ("a.json", None),
            ("csv", None),
            ("a.gz", None),
        ] {
            assert_eq!(Format::from_name(name), expected, "{name}");
        }
    }
}
