//! Headers on their way to an app and back: what is ours is taken off, what describes the connection is set by us.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::cookies::{self, Cookies};
use crate::access::Credentials;
use crate::apps::Apps;
use crate::apps::installs::InstallRow;
use crate::config::OUR_ISSUER;
use crate::error::{Error, Result};
use crate::types::Secret;

/// Headers of one connection (RFC 9110 §7.6.1), and those that only proxies understand.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// Headers that say to an app who the client is.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const USER: HeaderName = HeaderName::from_static("x-rutter-user");

/// Prefixes of our tokens: personal tokens, access and refresh tokens, cookies, one-time tokens, secrets of applications.
const TOKENS: [&str; 7] = ["rut_", "rat_", "rrt_", "rus_", "rua_", "ruk_", "rcs_"];

/// Returns the secret parts of an `Authorization` header.
fn authorization(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        return Some((password.to_owned(), Some(user.to_owned())));
    }
    Some((rest.to_owned(), None))
}

/// Returns true for a token that we issued for ourselves.
fn is_ours(token: &str) -> bool {
    let token = token.strip_prefix("hf_").unwrap_or(token);
    TOKENS.iter().any(|prefix| token.starts_with(prefix)) || is_own_jwt(token)
}

/// Returns true for a JSON Web Token of ours, but for access tokens for other servers, which are for apps.
fn is_own_jwt(token: &str) -> bool {
    let part = |number| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(number)?).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok()
    };
    let Some((head, claims)) = part(0).zip(part(1)) else { return false };
    let is_access_token = head["typ"].as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"));
    claims["iss"].as_str() == Some(OUR_ISSUER) && !is_access_token
}

/// Returns a personal token in `Authorization`. Other tokens of ours do not authenticate here.
///
/// # Errors
/// Malformed for more than one such header.
pub(super) fn token_of_ours(headers: &HeaderMap) -> Result<Option<Credentials>> {
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return Err(Error::malformed("more than one Authorization header"));
    }
    let Some((secret, user)) = authorization(headers) else { return Ok(None) };
    if !secret.strip_prefix("hf_").unwrap_or(&secret).starts_with("rut_") {
        return Ok(None);
    }
    let secret = Secret::new(secret.strip_prefix("hf_").unwrap_or(&secret).to_owned());
    Ok(Some(match user {
        Some(user) => Credentials::Basic { user: Secret::new(user), password: secret },
        None => Credentials::Bearer(secret),
    }))
}

/// Returns true unless a page of another origin sent the request: cookies do not count then. Opening a link is allowed.
pub(super) fn is_of_own_page(request: &Parts, app_url: &str) -> bool {
    let headers = &request.headers;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = text("origin") {
        let own = crate::config::Origin::of(app_url).map(|own| own.to_string());
        return own.is_some_and(|own| own == origin);
    }
    match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => true,
        Some(_) => {
            let is_safe = matches!(request.method, Method::GET | Method::HEAD);
            is_safe && text("sec-fetch-mode") == Some("navigate") && text("sec-fetch-dest") == Some("document")
        }
    }
}

/// Takes off what is ours or of this connection, and says who the client is.
pub(super) fn prepare_request(
    request: &mut Parts,
    client: &IpAddr,
    scheme: &'static str,
    base: &str,
    user: Option<&str>,
) -> Result<()> {
    let host = super::target::host_header(request);
    let headers = &mut request.headers;
    remove_hop_by_hop(headers);
    let ours: Vec<HeaderName> = headers.keys().filter(|name| says_who(name.as_str())).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
    if authorization(headers).is_some_and(|(secret, user)| is_ours(&secret) || user.is_some_and(|user| is_ours(&user)))
    {
        headers.remove(header::AUTHORIZATION);
    }
    take_cookies(headers);
    let value = |text: &str| HeaderValue::from_str(text).map_err(Error::internal);
    headers.insert(FORWARDED_FOR, value(&client.to_string())?);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    if let Some(host) = host {
        headers.insert(FORWARDED_HOST, host.clone());
        // HTTP/2 has it in the URL.
        headers.insert(header::HOST, host);
    }
    if !base.is_empty() {
        headers.insert(FORWARDED_PREFIX, value(base)?);
    }
    if let Some(user) = user {
        headers.insert(USER, value(user)?);
    }
    Ok(())
}

/// Returns true for a header that says who the client or the user is.
fn says_who(name: &str) -> bool {
    // Some servers read `_` as `-`.
    let is = |text: &str, read: &str| {
        text.len() == read.len() && text.bytes().zip(read.bytes()).all(|(a, b)| a == b || (a == b'_' && b == b'-'))
    };
    let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|begin| is(begin, prefix));
    begins("x-forwarded-") || begins("x-rutter-") || is(name, "forwarded") || is(name, "x-real-ip")
}

/// Removes our cookies; the app gets its own.
fn take_cookies(headers: &mut HeaderMap) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    headers.remove(header::COOKIE);
    let mut kept = Vec::new();
    for line in &lines {
        // Bytes, since values of apps need not be ASCII.
        for pair in line.as_bytes().split(|b| *b == b';') {
            let name = pair.split(|b| *b == b'=').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            if !pair.trim_ascii().is_empty() && !cookies::is_ours(&name) {
                kept.push(pair.trim_ascii().to_vec());
            }
        }
    }
    if !kept.is_empty()
        && let Ok(value) = HeaderValue::from_bytes(&kept.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, value);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let listed: Vec<HeaderName> =
        lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in listed {
        // The framing of the body is not of the connection.
        if name != header::CONTENT_LENGTH && name != header::HOST {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Sets the path for the app's server: without the prefix that browsers see, and without a host.
pub(super) fn set_target(request: &mut Parts, strip: &str) -> Result<()> {
    let invalid = |_| Error::malformed("invalid path");
    let full = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let path = full.strip_prefix(strip).unwrap_or(full);
    let path: PathAndQuery = match request.uri.path_and_query() {
        Some(same) if path.len() == full.len() && path.starts_with('/') => same.clone(),
        _ if path.starts_with('/') => path.parse().map_err(invalid)?,
        _ => format!("/{path}").parse().map_err(invalid)?,
    };
    request.uri = path.into();
    request.version = Version::HTTP_11;
    Ok(())
}

/// Takes off what an app must not set.
pub(super) fn prepare_response(
    response: &mut Response,
    apps: &Apps,
    install: &InstallRow,
    base: &str,
    cookies: &Cookies,
) {
    *response.version_mut() = Version::HTTP_11;
    let headers = response.headers_mut();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // The length does not count then (RFC 9112 §6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    remove_hop_by_hop(headers);
    // It would move the traffic of this host to another port.
    headers.remove("alt-svc");
    // It deletes the cookies of all hosts of the site, also ours.
    headers.remove("clear-site-data");
    let set: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    if !set.is_empty() {
        headers.remove(header::SET_COOKIE);
    }
    for cookie in set {
        let allowed = cookie.to_str().ok().and_then(|cookie| cookies.allowed(cookie));
        if let Some(Ok(value)) = allowed.map(HeaderValue::try_from) {
            headers.append(header::SET_COOKIE, value);
        }
    }
    if base.is_empty() {
        return;
    }
    // Other apps of the owner are on the same host.
    headers.remove("service-worker-allowed");
    let own = apps.url(install);
    let location = headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
    if let Some(location) = location.and_then(|location| below(location, base, &own))
        && let Ok(value) = HeaderValue::try_from(location)
    {
        headers.insert(header::LOCATION, value);
    }
}

/// Returns a redirect to a path of the app with the prefix that browsers see; `None` to leave it.
fn below(location: &str, base: &str, own: &str) -> Option<String> {
    let origin = own.strip_suffix(base)?;
    let path = location.strip_prefix(origin).filter(|path| path.starts_with('/')).unwrap_or(location);
    let is_path = path.starts_with('/') && !path.starts_with("//");
    let is_below = path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    (is_path && !is_below).then(|| format!("{base}{path}"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn request(pairs: &[(&str, &str)]) -> Parts {
        let (mut request, ()) = Request::new(()).into_parts();
        for (name, value) in pairs {
            request.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        request
    }

    fn prepared(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut request = request(pairs);
        prepare_request(&mut request, &IpAddr::from([203, 0, 113, 7]), "https", "", None).unwrap();
        request.headers
    }

    #[test]
    fn nothing_of_ours_reaches_an_app() {
        let jwt =
            |head: &str, claims: &str| format!("{}.{}.x", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let own = jwt(r#"{"alg":"RS256"}"#, &format!(r#"{{"iss":"{OUR_ISSUER}"}}"#));
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for value in [
            "Bearer rut_x",
            "bearer rat_x",
            "rut_x",
            "Bearer hf_rut_x",
            "Bearer rus_x",
            "Bearer rcs_x",
            &basic("ada:rut_x"),
            &basic("rut_x:"),
            &format!("Bearer {own}"),
            &basic(&format!("_jwt:{own}")),
        ] {
            assert!(!prepared(&[("authorization", value)]).contains_key("authorization"), "{value}");
        }
        let foreign = jwt(r#"{"alg":"RS256"}"#, r#"{"iss":"https://elsewhere"}"#);
        for value in ["Bearer abc", &basic("ada:secret"), &format!("Bearer {foreign}"), "Digest x=y"] {
            assert!(prepared(&[("authorization", value)]).contains_key("authorization"), "{value}");
        }
        let headers = prepared(&[
            ("cookie", "rutter=1; a=b; __Host-rutter=2"),
            ("cookie", "__Host-rutter-app=3; c=d; RUTTER-APP=4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x_forwarded_host", "evil"),
            ("forwarded", "for=1.2.3.4"),
            ("x-rutter-user", "admin"),
            ("x_rutter_user", "admin"),
            ("x-real-ip", "1.2.3.4"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("host", "notes--ada.apps.example.org"),
        ]);
        assert_eq!(headers["cookie"], "a=b; c=d");
        assert_eq!(headers["x-forwarded-for"], "203.0.113.7");
        assert_eq!(headers["x-forwarded-host"], "notes--ada.apps.example.org");
        for name in
            ["x-rutter-user", "x_rutter_user", "forwarded", "x-real-ip", "x_forwarded_host", "x-private", "connection"]
        {
            assert!(!headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn cookies_count_only_for_the_pages_of_an_app() {
        let app = "https://notes--ada.apps.example.org";
        let own = |pairs: &[(&str, &str)]| is_of_own_page(&request(pairs), app);
        assert!(own(&[]) && own(&[("origin", app)]) && own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("sec-fetch-site", "none")]));
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(own(&link), "opening a link");
        for refused in [
            &[("origin", "https://other--eve.apps.example.org")][..],
            &[("origin", "https://data.example.org")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")],
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        ] {
            assert!(!own(refused), "{refused:?}");
        }
        let mut post = request(&link);
        post.method = Method::POST;
        assert!(!is_of_own_page(&post, app));
        let mut post = request(&[("origin", "null")]);
        post.method = Method::POST;
        assert!(!is_of_own_page(&post, app));
    }

    #[test]
    fn redirects_stay_below_the_path_of_an_app() {
        let base = "/user/ada/notes";
        let below = |location| below(location, base, "https://apps.example.org/user/ada/notes");
        assert_eq!(below("/login?x=1").unwrap(), "/user/ada/notes/login?x=1");
        assert_eq!(below("https://apps.example.org/login").unwrap(), "/user/ada/notes/login");
        for left in ["/user/ada/notes/x", "/user/ada/notes", "https://elsewhere/x", "//elsewhere/x", "relative"] {
            assert_eq!(below(left), None, "{left}");
        }
        assert!(below("/user/ada/notes2").is_some());
    }
}
