//! Web interface: serves the single-page application in `ui/`, which is embedded in the executable and uses the API
//! like any other client. All page URLs return the same document, which selects the view by the URL; only its title and
//! description differ for public datasets and for owners. Frames on other sites (`/embed`) are rendered here, without scripts.

mod dataset_url;
mod document;
mod embed;
mod preview;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse as _, Response};

pub(super) use self::dataset_url::nothing;
use self::document::{Encoded, document};
use super::http::{AnonymousVisitor, BaseUrl, Routes};
use crate::app::App;
use crate::error::{Error, Result};

/// The pages of datasets.
const DATASETS: &str = "/d/{*rest}";

/// The URLs of pages. Their first segments are reserved and cannot be names of owners.
const PAGES: &[&str] = &[
    "/",
    "/help",
    "/login",
    "/signup",
    "/verify",
    "/reset",
    "/setup",
    "/invite",
    "/email",
    "/new",
    "/oauth/consent",
    "/oauth/device",
    "/oauth/sign-out",
    "/drive",
    "/drive/{*rest}",
    "/trash",
    "/shared",
    "/shared/{*rest}",
    "/search",
    "/account",
    "/account/clients",
    "/account/notifications",
    "/apps",
    "/apps/{*rest}",
    "/o/{*rest}",
    "/admin",
    "/admin/{*rest}",
    DATASETS,
    "/s",
];

pub(super) fn routes(routes: Routes) -> Routes {
    let routes =
        PAGES.iter().filter(|path| **path != DATASETS).fold(routes, |routes, path| routes.add(Method::GET, path, page));
    let routes = routes.add(Method::GET, DATASETS, dataset_page);
    let routes = routes.add(Method::GET, "/robots.txt", robots).add(Method::GET, "/favicon.ico", favicon);
    embed::routes(dataset_url::routes(routes.add(Method::GET, "/_app/{*path}", asset)))
}

/// Returns true for the URL of a page or of one of its files. The rest of the path can look like a git URL.
pub(super) fn is_below(path: &str) -> bool {
    ["/apps/", "/d/", "/embed/", "/o/", "/drive/", "/shared/", "/admin/", "/_app/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// Serves the document.
async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    document(&app, &headers)
}

/// Serves the document of a dataset's page. If everybody may read the dataset, it has its title and description, for sites
/// that show links and for search engines, which run no scripts. It does not depend on the caller.
async fn dataset_page(
    State(app): State<App>,
    visitor: AnonymousVisitor,
    base: Result<BaseUrl>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preview = match base {
        Ok(BaseUrl(base)) => preview::find(&app, &visitor, &base, uri.path()).await,
        Err(_) => None,
    };
    preview.map_or_else(|| document(&app, &headers), |preview| document::with_preview(&app, &headers, &preview))
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

/// How long crawlers and browsers may cache these files.
const DAY: &str = "public, max-age=86400";

/// Tells crawlers what not to read (RFC 9309).
async fn robots() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, DAY)];
    (headers, include_str!("pages/robots.txt")).into_response()
}

/// Serves the icon to programs that do not read it from the document.
async fn favicon() -> Response {
    let headers = [(header::CONTENT_TYPE, "image/x-icon"), (header::CACHE_CONTROL, DAY)];
    (headers, include_bytes!("pages/favicon.ico").as_slice()).into_response()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

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
                    // `/{owner}` is in `dataset_url`.
                    assert!(url == "/x" || PAGES.iter().any(served), "{url} of ui/src/routes is missing in PAGES");
                    found += 1;
                }
            }
        }
        assert!(found > 20, "{found} pages");
    }
}
