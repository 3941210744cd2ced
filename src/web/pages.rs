//! Web interface: serves the single-page application in `ui/`, which is embedded in the executable and uses the API
//! like any other client. All page URLs return the same document, which selects the view by the URL.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{Embed, EmbeddedFile};

use super::Routes;
use crate::app::App;
use crate::error::{Error, Result};

/// The output of `make ui`; empty if it was not built. Debug builds read the directory at run time.
#[derive(Embed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Built;

/// The page shown if the web interface was not built.
const UNBUILT: &str = include_str!("pages.html");

/// The URLs of pages. Their first segments are reserved and cannot be names of owners.
const PAGES: &[&str] = &[
    "/",
    "/login",
    "/signup",
    "/verify",
    "/reset",
    "/setup",
    "/invite",
    "/email",
    "/new",
    "/drive",
    "/drive/{*rest}",
    "/trash",
    "/shared",
    "/shared/{*rest}",
    "/search",
    "/account",
    "/o/{*rest}",
    "/admin",
    "/admin/{*rest}",
    "/d/{*rest}",
    "/s",
];

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = PAGES.iter().fold(routes, |routes, path| routes.add(Method::GET, path, page));
    routes.add(Method::GET, "/_app/{*path}", asset)
}

/// Returns true for the URL of a page or of one of its files. The rest of the path can look like a git URL.
pub(super) fn is_below(path: &str) -> bool {
    ["/d/", "/o/", "/drive/", "/shared/", "/admin/", "/_app/"].iter().any(|folder| path.starts_with(folder))
}

/// Returns the document.
async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    document(&app, &headers)
}

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

fn document(app: &App, headers: &HeaderMap) -> Response {
    let mut response = match Encoded::find("index.html", headers) {
        // It references files by hash, so it must not outlive them.
        Some(document) => document.answer("no-cache"),
        None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], UNBUILT).into_response(),
    };
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

/// Serves a file. Files with a hash in their name never change.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response> {
    let unchanging = path.starts_with("immutable/");
    let found = Encoded::find(&format!("_app/{path}"), &headers).ok_or_else(|| {
        Error::not_found("file not found; it may belong to an older version of the page: reload the page")
    })?;
    let mut response = found.answer(if unchanging { "public, max-age=31536000, immutable" } else { "no-cache" });
    // A worker has the policy of its own file, and the hashing worker needs WebAssembly.
    let policy = HeaderValue::from_static("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// A file with its content encoding.
struct Encoded {
    file: EmbeddedFile,
    media: &'static str,
    encoding: Option<&'static str>,
    /// True if the client already has this version.
    known: bool,
}

impl Encoded {
    /// Selects the best encoding that the client accepts. Compressed variants are created when the pages are built.
    fn find(name: &str, headers: &HeaderMap) -> Option<Self> {
        let takes = |coding: &str| {
            let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
            accepted.unwrap_or_default().split(',').any(|one| {
                let (name, weight) = one.split_once(';').unwrap_or((one, ""));
                name.trim().eq_ignore_ascii_case(coding) && !matches!(weight.trim(), "q=0" | "q=0.0")
            })
        };
        let forms = [("br", "br"), ("gzip", "gz")].into_iter().filter(|(coding, _)| takes(coding));
        let compressed = forms
            .into_iter()
            .find_map(|(coding, end)| Built::get(&format!("{name}.{end}")).map(|file| (file, Some(coding))));
        let (file, encoding) = compressed.or_else(|| Built::get(name).map(|file| (file, None)))?;
        let tag = tag(&file);
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
        Some(Self { file, media: media(name), encoding, known })
    }

    fn answer(self, caching: &'static str) -> Response {
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
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "webmanifest" => "application/json",
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
    use std::path::Path;

    use super::*;

    #[test]
    fn a_policy_lets_pages_reach_the_stores_and_nothing_else() {
        let policy = policy(&["https://objects.example:9000".into()]);
        assert!(policy.contains("connect-src 'self' https://objects.example:9000;"), "{policy}");
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';") && !policy.contains("unsafe-inline"));
    }

    #[test]
    fn owners_cannot_have_the_names_of_pages() {
        for page in PAGES {
            let first = page[1..].split('/').next().unwrap_or_default();
            assert!(first.is_empty() || first.parse::<crate::types::OwnerName>().is_err(), "{first}");
        }
    }
    #[test]
    fn every_page_can_be_loaded_by_its_url() {
        let mut folders = vec![(Path::new("ui/src/routes").to_owned(), String::new())];
        let mut found = 0;
        while let Some((folder, url)) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if entry.path().is_dir() {
                    // A segment in brackets matches anything.
                    let segment = if name.starts_with('[') { "x" } else { &name };
                    folders.push((entry.path(), format!("{url}/{segment}")));
                } else if name.starts_with("+page") {
                    let served = |page: &&str| match page.strip_suffix("{*rest}") {
                        Some(below) => url.starts_with(below) && is_below(&url),
                        None => page.trim_end_matches('/') == url,
                    };
                    assert!(PAGES.iter().any(served), "{url} of ui/src/routes is missing in PAGES");
                    found += 1;
                }
            }
        }
        assert!(found > 20, "{found} pages");
    }
}
