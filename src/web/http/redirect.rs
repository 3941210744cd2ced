//! Redirects of browsers.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::error::{Error, Result};

/// Maximum length of a path that a browser returns to, in bytes. The longest is a request of an application to
/// `/oauth/authorize`.
const MAX_PATH_BYTES: usize = 8 << 10;

/// Redirects a browser, whatever the method of its request (303).
///
/// # Errors
/// Malformed for a URL with control characters.
pub(crate) fn see_other(location: &str) -> Result<Response> {
    let location = HeaderValue::from_str(location).map_err(|_| Error::malformed("invalid URL"))?;
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Returns a path that a browser wants to return to, without anything that browsers read as another host (an open
/// redirect); otherwise `/`.
pub(crate) fn own_path(path: &str) -> &str {
    let is_path = path.len() <= MAX_PATH_BYTES
        && path.starts_with('/')
        && !path.starts_with("//")
        // Browsers drop control characters, and read `\` as `/`.
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_return_to_paths_only() {
        for path in ["/", "/drive", "/oauth/authorize?a=b&c=%2F%2Fx", "/d/ada/census#files"] {
            assert_eq!(own_path(path), path);
        }
        let long = format!("/{}", "x".repeat(MAX_PATH_BYTES));
        for bad in [
            "",
            "a",
            "//elsewhere",
            "https://elsewhere",
            "/\\elsewhere",
            "\\/elsewhere",
            "/a b",
            "/\t/x",
            "/\r\nx",
            &long,
        ] {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
    }
}
