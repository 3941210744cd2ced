//! Media types of the API.

/// The type of every JSON message, errors included: the official client does not read messages of another type
/// (`docs/api/README.md`).
pub const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";

/// Returns true if a request body of this `Content-Type` is accepted as JSON. Parameters are ignored; plain JSON
/// is accepted too, and so is a missing type, because scripts leave it out.
pub fn is_json(content_type: Option<&str>) -> bool {
    content_type.is_none_or(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.is_empty()
            || essence.eq_ignore_ascii_case(MEDIA_TYPE)
            || essence.eq_ignore_ascii_case("application/json")
    })
}

/// Returns true if a client with this `Accept` accepts our JSON (RFC 9110 §12.5.1); otherwise the response is
/// 406.
pub fn accepts_json(accept: Option<&str>) -> bool {
    accept.is_none_or(|value| {
        let mut ranges = value.split(',').map(str::trim).filter(|range| !range.is_empty()).peekable();
        ranges.peek().is_none() || ranges.any(takes_json)
    })
}

/// Returns true if a media range includes our types with a weight above zero.
fn takes_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let named = [MEDIA_TYPE, "application/json", "application/*", "*/*"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known));
    let refused = parts.any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
        })
    });
    named && !refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        for taken in [
            None,
            Some(""),
            Some(MEDIA_TYPE),
            Some("application/vnd.git-lfs+json; charset=utf-8"),
            Some("Application/JSON"),
            Some("application/json;charset=utf-8"),
        ] {
            assert!(is_json(taken), "{taken:?}");
        }
        for refused in ["text/plain", "application/octet-stream", "application/json5", "json"] {
            assert!(!is_json(Some(refused)), "{refused}");
        }
    }

    #[test]
    fn accepted_types() {
        for taken in [
            None,
            Some(""),
            Some("*/*"),
            Some("application/*"),
            Some("application/vnd.git-lfs+json; charset=utf-8"),
            Some("text/html, application/json;q=0.1"),
            Some("text/html,*/*;q=0.8"),
        ] {
            assert!(accepts_json(taken), "{taken:?}");
        }
        for refused in ["text/html", "application/json;q=0", "text/*, image/png", "application/json; Q=0.000"] {
            assert!(!accepts_json(Some(refused)), "{refused}");
        }
    }
}
