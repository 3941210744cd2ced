//! Rows in the formats of responses.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::tables::{Column, Output, TableResult, TableSource};
use crate::web::http::disposition;

/// Names the datasets and revisions that a response was computed from.
pub(in crate::web::api) const SOURCES: &str = "rutter-sources";

/// The format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web::api) enum RowFormat {
    Json,
    Csv,
    Parquet,
    Arrow,
}

impl RowFormat {
    /// The media types that choose a format.
    const MEDIA: [(Self, &'static str); 4] = [
        (Self::Json, "application/json"),
        (Self::Csv, "text/csv"),
        (Self::Parquet, "application/vnd.apache.parquet"),
        (Self::Arrow, "application/vnd.apache.arrow.stream"),
    ];

    pub(in crate::web::api) fn media(self) -> &'static str {
        Self::MEDIA.iter().find(|(format, _)| *format == self).map_or("", |(_, media)| media)
    }

    /// Returns the format that the client accepts first; JSON if it accepts none of ours.
    pub(in crate::web::api) fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let mut wanted = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
        let find = |wanted: &str| Self::MEDIA.iter().find(|(_, media)| media.eq_ignore_ascii_case(wanted));
        wanted.find_map(find).map_or(Self::Json, |(format, _)| *format)
    }

    pub(in crate::web::api) fn output(self) -> Output {
        match self {
            Self::Json => Output::Json,
            Self::Csv => Output::Csv,
            Self::Parquet => Output::Parquet,
            Self::Arrow => Output::Arrow,
        }
    }

    pub(in crate::web::api) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrows",
        }
    }
}

/// A column of a table.
#[derive(Serialize, ToSchema)]
pub(in crate::web::api) struct TableColumn {
    /// The name of the column.
    name: String,
    /// The type of the column (Table Schema).
    r#type: String,
    /// The format of the type: `binary` for bytes, which are in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
}

impl From<Column> for TableColumn {
    fn from(Column { name, r#type, format }: Column) -> Self {
        Self { name, r#type, format }
    }
}

/// Streams rows that are downloaded as a file, named after the table.
pub(in crate::web::api) fn stream(table: &str, format: RowFormat, result: TableResult) -> Result<Response> {
    let stem = table.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = stem.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("rows");
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, format.media())
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(SOURCES, sources(&result.sources));
    if let Some(disposition) = disposition(&format!("{stem}.{}", format.extension()), false) {
        response = response.header(header::CONTENT_DISPOSITION, disposition);
    }
    response.body(Body::from_stream(result.stream())).map_err(Error::internal)
}

/// Returns JSON that an engine wrote as a part of a document.
pub(in crate::web::api) fn raw(json: Vec<u8>) -> Result<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(json).map_err(Error::internal)?).map_err(Error::internal)
}

/// Returns the header that names the revisions that a response was computed from.
pub(in crate::web::api) fn sources(tables: &[TableSource]) -> HeaderValue {
    let mut all: Vec<String> = tables.iter().map(|table| format!("{}@{}", table.dataset, table.commit)).collect();
    let mut seen = HashSet::new();
    all.retain(|source| seen.insert(source.clone()));
    // Names of owners and datasets are ASCII.
    HeaderValue::from_str(&all.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
