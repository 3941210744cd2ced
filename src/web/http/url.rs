//! Building and filtering URLs.

use form_urlencoded::Serializer;

pub(crate) use crate::types::{query_value, url_segment as segment};

/// Returns the query for the link to the next page: that of the request, with another `cursor` and without credentials,
/// because links are stored.
pub(crate) fn next_query(query: &str, cursor: &str) -> String {
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !["cursor", "jwt"].contains(&&**name));
    Serializer::new(String::new()).extend_pairs(kept).append_pair("cursor", cursor).finish()
}
