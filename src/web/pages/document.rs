//! The document of all pages and the files that it needs, as embedded in the executable.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest as _, Sha256};

use super::preview::Preview;
use crate::app::App;
use crate::web::http::compression;

/// The output of `make ui`; empty if it was not built. Builds with debug assertions read the
/// directory at run time.
#[derive(Embed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Built;

const HTML: &str = "text/html; charset=utf-8";

/// What the description of all pages begins with; the title is after it.
const DESCRIPTION: &str = "<meta name=\"description\"";

/// The page shown if the web interface was not built.
const UNBUILT: &str = include_str!("../pages.html");

/// Returns the document for an unknown URL; it shows a not-found page.
pub(super) fn missing(app: &App, headers: &HeaderMap) -> Response {
    // Ignore conditional headers: a cached response would be one of success.
    let mut headers = headers.clone();
    headers.remove(header::IF_NONE_MATCH);
    let mut response = document(app, &headers);
    response.headers_mut().remove(header::ETAG);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Returns the document.
pub(super) fn document(app: &App, headers: &HeaderMap) -> Response {
    let response = match Encoded::find("index.html", headers) {
        // It references files by hash, so it must not outlive them.
        Some(document) => document.answer("no-cache"),
        None => ([(header::CONTENT_TYPE, HTML)], UNBUILT).into_response(),
    };
    with_policy(app, response)
}

/// Returns the document with the title and the description of a page.
pub(super) fn with_preview(app: &App, headers: &HeaderMap, preview: &Preview) -> Response {
    let built = Built::get("index.html");
    let document = built.as_ref().map_or(UNBUILT.as_bytes(), |file| file.data.as_ref());
    let Some(html) = std::str::from_utf8(document).ok().and_then(|html| replace_head(html, &preview.html())) else {
        return self::document(app, headers);
    };
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&html)[..16]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
    let body = if known { StatusCode::NOT_MODIFIED.into_response() } else { html.into_response() };
    // As for the document of other pages, which has several encodings.
    let caching = [
        (header::CONTENT_TYPE, HTML),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept-Encoding"),
        (header::ETAG, tag.as_str()),
    ];
    with_policy(app, (caching, body).into_response())
}

/// Replaces title and description of the document, from the first `<meta name="description"` to the end of the title.
fn replace_head(html: &str, head: &str) -> Option<String> {
    let (before, rest) = html.split_once(DESCRIPTION)?;
    let (_, after) = rest.split_once("</title>")?;
    Some(format!("{before}{head}{after}"))
}

fn with_policy(app: &App, mut response: Response) -> Response {
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy(&app.storage.origins())) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    } else {
        tracing::error!("the URL of a store is not valid in a header; the web interface cannot reach it");
    }
    for (name, value) in [
        // Our own pages may see the referrer.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// Returns the Content Security Policy (Level 3) of the document. Hashing needs WebAssembly; uploads and media go
/// directly to the stores.
fn policy(stores: &[String]) -> String {
    let mut origins = String::from("'self'");
    for store in stores {
        let _ = write!(origins, " {store}");
    }
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
         img-src {origins} data: blob:; media-src {origins} blob:; connect-src {origins}; worker-src 'self'; \
         frame-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// A file with its content encoding.
pub(super) struct Encoded {
    file: EmbeddedFile,
    media: &'static str,
    encoding: Option<&'static str>,
    /// True if the client already has this version.
    known: bool,
}

impl Encoded {
    /// Selects the best encoding that the client accepts. Compressed variants are created when the pages are built.
    pub(super) fn find(name: &str, headers: &HeaderMap) -> Option<Self> {
        let forms =
            [("br", "br"), ("gzip", "gz")].into_iter().filter(|(coding, _)| compression::accepts(headers, coding));
        let compressed = forms
            .into_iter()
            .find_map(|(coding, end)| Built::get(&format!("{name}.{end}")).map(|file| (file, Some(coding))));
        let (file, encoding) = compressed.or_else(|| Built::get(name).map(|file| (file, None)))?;
        let tag = tag(&file);
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
        Some(Self { file, media: media(name), encoding, known })
    }

    /// Returns the response, with this `Cache-Control`.
    pub(super) fn answer(self, caching: &'static str) -> Response {
        let tag = tag(&self.file);
        let mut response = if self.known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            match self.file.data {
                Cow::Borrowed(bytes) => bytes.into_response(),
                Cow::Owned(bytes) => bytes.into_response(),
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(encoding) = self.encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// Returns a strong entity tag: each encoding has its own (RFC 9110 §8.8.3).
fn tag(file: &EmbeddedFile) -> String {
    format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]))
}

/// Returns the media type of a built file.
fn media(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => HTML,
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_one_title_and_description_to_replace() {
        for html in [UNBUILT, include_str!("../../../ui/src/app.html")] {
            assert_eq!((html.matches(DESCRIPTION).count(), html.matches("</title>").count()), (1, 1));
            let replaced = replace_head(html, "<title>Other</title>").unwrap();
            assert!(replaced.contains("<title>Other</title>") && !replaced.contains("<title>rutter</title>"));
            assert_eq!(replaced.matches("og:").count(), 0, "{replaced}");
        }
    }

    #[test]
    fn a_policy_lets_pages_reach_the_stores_and_nothing_else() {
        let policy = policy(&["https://objects.example:9000".into()]);
        assert!(policy.contains("connect-src 'self' https://objects.example:9000;"), "{policy}");
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';") && !policy.contains("unsafe-inline"));
    }
}
