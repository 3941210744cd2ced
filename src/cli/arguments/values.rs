//! Values of arguments: lifetimes and scopes of tokens.

use std::time::Duration;

use rutter::access::claims::{self, ClaimRights, TokenClaim};
use rutter::types::RepoPath;

/// Parses a lifetime such as `30d`, `12h`, `15m` or `90s`.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    match rutter::config::duration(text) {
        // More than a century is a typo.
        Some(duration) if (1..=3_155_760_000).contains(&duration.as_secs()) => Ok(duration),
        _ => Err("use a number and a unit, such as 15m, 12h or 30d".into()),
    }
}

/// Parses one scope of a JSON Web Token. Unlike scopes from other issuers, it must grant something: otherwise it is a
/// typo.
pub(super) fn claim(text: &str) -> Result<String, String> {
    let refusal =
        || Err("the scope grants nothing: use a form like obj:OWNER/NAME/*:read or ds:OWNER/NAME:update".to_owned());
    if text.contains(char::is_whitespace) {
        return Err("one scope at a time: repeat --scope".into());
    }
    // A dataset that the scope matches, with `any` in the place of wildcards.
    let id = text.split(':').nth(1).unwrap_or_default();
    let mut segments: Vec<&str> = id.split('/').map(|segment| if segment == "*" { "any" } else { segment }).collect();
    segments.retain(|segment| !segment.is_empty());
    segments.resize(segments.len().max(2), "any");
    let Ok(path) = segments.join("/").parse::<RepoPath>() else { return refusal() };
    if claims::open(&[TokenClaim::parse(text)], &path) == ClaimRights::default() {
        return refusal();
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_must_grant_something() {
        let oid = "0".repeat(64);
        for good in [
            "obj:ada/census/*:read",
            "obj:ada/census:read,write",
            "obj:ada/*:read",
            "obj:*:read",
            "obj",
            "obj:ministry/statistics/census/*:metadata:read",
            &format!("obj:ada/census/{oid}:read"),
            "ds:ada/census:update",
            "ds:ada/census",
        ] {
            assert_eq!(claim(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "read",
            "write:ada/census",
            "obj:ada/census/*:raed",
            "obj:ada/census/*:delete",
            "obj:ada/census/*:foo:read",
            "obj:ada/census:a:b:c",
            "obj:../census:read",
            "obj:api/census:read",
            "org:ada:read",
            "obj:ada/census:read obj:ada/other:read",
        ] {
            assert!(claim(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(lifetime("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(lifetime("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in ["", "d", "30", "0m", "-1d", "99999999999999999999d", "1000000d"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
