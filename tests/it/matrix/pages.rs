//! Requests for the pages: everybody gets the same document.

use super::Sample;

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/", ""),
    ("GET", "/help", ""),
    ("GET", "/login", ""),
    ("GET", "/signup", ""),
    ("GET", "/verify", ""),
    ("GET", "/reset", ""),
    ("GET", "/setup", ""),
    ("GET", "/invite", ""),
    ("GET", "/email", ""),
    ("GET", "/new", ""),
    ("GET", "/oauth/consent", ""),
    ("GET", "/oauth/device", ""),
    ("GET", "/oauth/sign-out", ""),
    ("GET", "/drive", ""),
    ("GET", "/drive/{*rest}", ""),
    ("GET", "/trash", ""),
    ("GET", "/shared", ""),
    ("GET", "/shared/{*rest}", ""),
    ("GET", "/search", ""),
    ("GET", "/account", ""),
    ("GET", "/account/clients", ""),
    ("GET", "/account/notifications", ""),
    ("GET", "/apps", ""),
    ("GET", "/apps/{*rest}", ""),
    ("GET", "/o/{*rest}", ""),
    ("GET", "/admin", ""),
    ("GET", "/admin/{*rest}", ""),
    ("GET", "/d/{*rest}", ""),
    ("GET", "/s", ""),
    ("GET", "/robots.txt", ""),
    ("GET", "/favicon.ico", ""),
    ("GET", "/_app/{*path}", ""),
];

/// Whether it is the route of a page or of one of its files.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, known, _)| *known == route)
}

/// A URL of the route. No build has a file of that name.
pub(super) fn url(route: &str) -> String {
    route.replace("{*rest}", "any/thing").replace("{*path}", "nothing.js")
}
