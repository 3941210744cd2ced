//! File downloads over HTTP: range requests and conditional requests (RFC 9110 §13, §14). Stored content must never
//! execute as a page of this server.

use std::ops::Range;

use axum::body::Body;
use axum::http::response::Builder;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use lfs::range::{self, Answer, Conditions};

use crate::error::{Error, Result};

/// Metadata of a file download.
pub(crate) struct Content<'a> {
    /// The strong entity tag, without quotes.
    pub(crate) tag: &'a str,
    /// The size in bytes.
    pub(crate) size: u64,
    /// The media type.
    pub(crate) media: &'static str,
    /// The `Content-Disposition` header.
    pub(crate) disposition: Option<HeaderValue>,
    /// The `Cache-Control` header.
    pub(crate) cache: &'static str,
}

impl Content<'_> {
    /// Returns the response head and the range of bytes to send; `None` for HEAD and for responses without content.
    pub(crate) fn answer(self, method: &Method, headers: &HeaderMap) -> (Builder, Option<Range<u64>>) {
        let Self { tag, size, .. } = self;
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let conditions = Conditions {
            // Defined only for GET (RFC 9110 §14.2).
            range: text(header::RANGE).filter(|_| method == Method::GET),
            if_range: text(header::IF_RANGE),
            if_none_match: text(header::IF_NONE_MATCH),
        };
        let (status, wanted) = match range::evaluate(tag, size, &conditions) {
            Answer::Full => (StatusCode::OK, 0..size),
            Answer::Partial(range) => (StatusCode::PARTIAL_CONTENT, range),
            Answer::NotModified => (StatusCode::NOT_MODIFIED, 0..0),
            Answer::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
        };
        let mut answer = Response::builder()
            .status(status)
            .header(header::ETAG, format!("\"{tag}\""))
            .header(header::ACCEPT_RANGES, "bytes")
            .header(header::CACHE_CONTROL, self.cache);
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            answer = answer.header(header::CONTENT_RANGE, format!("bytes */{size}"));
        }
        if !status.is_success() {
            return (answer, None);
        }
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {}-{}/{size}", wanted.start, wanted.end - 1);
            answer = answer.header(header::CONTENT_RANGE, range);
        }
        answer = answer
            .header(header::CONTENT_TYPE, self.media)
            .header(header::CONTENT_LENGTH, wanted.end - wanted.start)
            .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
        if let Some(disposition) = self.disposition {
            answer = answer.header(header::CONTENT_DISPOSITION, disposition);
        }
        (answer, (method != Method::HEAD).then_some(wanted))
    }
}

/// Returns a response without a body.
pub(crate) fn bare(answer: Builder) -> Result<Response> {
    answer.body(Body::empty()).map_err(Error::internal)
}

/// Builds a `Content-Disposition` header for a file name.
pub(crate) fn disposition(filename: &str, inline: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&range::content_disposition(filename, inline)).ok()
}

/// Returns the media type for a file name if browsers do not execute that type; otherwise that of arbitrary bytes.
pub(crate) fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "csv" => "text/csv; charset=utf-8",
        "tsv" => "text/tab-separated-values; charset=utf-8",
        "txt" | "log" => "text/plain; charset=utf-8",
        "md" | "markdown" => "text/markdown; charset=utf-8",
        "json" => "application/json",
        "geojson" => "application/geo+json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "yaml" | "yml" => "application/yaml",
        "parquet" => "application/vnd.apache.parquet",
        "arrow" => "application/vnd.apache.arrow.file",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "gz" => "application/gzip",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

/// Returns the media type and whether to display the file inline. Types that browsers do not execute are displayed. PDF
/// and SVG keep their type but are saved; HTML and scripts are sent as bytes.
pub(crate) fn shown(name: &str) -> (&'static str, bool) {
    match media_of(name) {
        media @ ("application/pdf" | "image/svg+xml") => (media, false),
        "text/html"
        | "application/xhtml+xml"
        | "application/xml"
        | "text/javascript"
        | "text/css"
        | "application/octet-stream" => ("application/octet-stream", false),
        media => (media, true),
    }
}

/// Guesses the media type from a file name. For information only: do not trust it.
pub(crate) fn media_of(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "html" | "htm" => "text/html",
        "xhtml" => "application/xhtml+xml",
        "xml" | "xsl" | "xslt" | "rdf" | "kml" | "gml" => "application/xml",
        "svg" => "image/svg+xml",
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        "pdf" => "application/pdf",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "ico" => "image/vnd.microsoft.icon",
        "tif" | "tiff" => "image/tiff",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "ogg" | "oga" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt" => "application/vnd.oasis.opendocument.text",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "tar" => "application/x-tar",
        "sqlite" | "sqlite3" => "application/vnd.sqlite3",
        _ => media_type(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_types_are_never_sent() {
        for name in
            ["a.html", "a.HTM", "a.svg", "a.xhtml", "a.xml", "a.js", "a.mjs", "a.css", "a.pdf", "html", ".csv.", ""]
        {
            assert_eq!(media_type(name), "application/octet-stream", "{name}");
        }
        assert_eq!(media_type("Data.CSV"), "text/csv; charset=utf-8");
    }

    #[test]
    fn active_content_is_not_shown_inline() {
        for name in
            ["a.html", "a.HTM", "a.svg", "a.xhtml", "a.xml", "a.xsl", "a.js", "a.mjs", "a.css", "a.pdf", "a", "a.exe"]
        {
            let (media, inline) = shown(name);
            assert!(!inline, "{name}");
            assert!(["application/octet-stream", "application/pdf", "image/svg+xml"].contains(&media), "{name}");
        }
        assert_eq!(shown("a.PNG"), ("image/png", true));
        assert_eq!(shown("a.mp4"), ("video/mp4", true));
        assert_eq!(media_of("a.html"), "text/html");
    }
}
