//! Small HTML pages without scripts. All other pages are those of `ui/`.

use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::error_format::replace_body;
use crate::error::ErrorDetails;

/// The content security policy of these pages.
pub(crate) const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Escapes text for HTML content and attribute values.
pub(crate) fn escape_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// Renders an error for a person whom another site or application has sent here.
pub(crate) fn error_page(details: &ErrorDetails, response: &mut Response) {
    let mut detail = details.detail.chars();
    let detail: String = detail.next().into_iter().flat_map(char::to_uppercase).chain(detail).collect();
    let page = include_str!("error.html")
        .replace("{detail}", &escape_html(&detail))
        .replace("{request}", &escape_html(&crate::request::id()));
    replace_body(response, "text/html; charset=utf-8", page);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
}
