//! Session cookies of browsers, and CSRF protection: cross-site requests cannot use them.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;

use super::address::BaseUrl;
use crate::access::Credentials;
use crate::accounts::sessions::{ClientInfo, SignedIn};
use crate::app::App;
use crate::error::{Error, ErrorDetails, Result};
use crate::types::Secret;

/// The cookie name with TLS: browsers do not accept this prefix from other hosts (RFC 6265bis §4.1.3.2).
const SECURE: &str = "__Host-rutter";
/// The cookie name without TLS, as on a local machine.
const PLAIN: &str = "rutter";

/// Returns true if the client is a browser, not a program.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
    headers.contains_key("sec-fetch-site") || agent.starts_with(b"Mozilla/") || has_cookie(headers)
}

fn has_cookie(headers: &HeaderMap) -> bool {
    [SECURE, PLAIN].iter().any(|name| cookie(headers, name).is_some())
}

/// Returns the value of a cookie (RFC 6265 §4.2.1).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
}

/// Removes what would make a browser show its own password prompt. Also removes the session cookie if it is no longer
/// valid.
pub(crate) fn without_dialog(response: &mut Response) {
    let ended = response.extensions().get::<ErrorDetails>().is_some_and(|details| details.ends_session);
    let headers = response.headers_mut();
    if headers.contains_key(header::WWW_AUTHENTICATE) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rutter\""));
        headers.remove("lfs-authenticate");
    }
    if ended {
        take_cookie(headers);
    }
}

/// Lifetime of [`SignInCookie::KnownUsers`], in seconds: 400 days, the most that browsers allow.
const KNOWN_SECONDS: u64 = 400 * 86_400;

/// Sets the cookies of a user who has signed in.
pub(crate) fn give_cookies(is_secure: bool, headers: &mut HeaderMap, signed_in: &SignedIn) {
    SignInCookie::Session.give(is_secure, headers, &signed_in.cookie, signed_in.seconds);
    SignInCookie::KnownUsers.give(is_secure, headers, &signed_in.known_users, KNOWN_SECONDS);
}

/// A cookie that has to do with signing in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SignInCookie {
    /// The session.
    Session,
    /// The users who have signed in with this browser before.
    KnownUsers,
    /// The state of the request to an external provider, which binds it to the browser that began it.
    External,
    /// The token of a new user of an external provider who has to choose a name.
    SignUp,
}

impl SignInCookie {
    /// Returns the name, with and without TLS.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Session => [SECURE, PLAIN],
            Self::KnownUsers => ["__Host-rutter-users", "rutter-users"],
            Self::External => ["__Host-rutter-sign-in", "rutter-sign-in"],
            Self::SignUp => ["__Host-rutter-sign-up", "rutter-sign-up"],
        }
    }

    /// Returns the value that the browser sent.
    pub(crate) fn read(self, is_secure: bool, headers: &HeaderMap) -> Option<Secret> {
        let [secure, plain] = self.names();
        cookie(headers, if is_secure { secure } else { plain }).map(|value| Secret::new(value.to_owned()))
    }

    /// Sets the cookie, with a maximum age in seconds. It must be `Lax`, because providers and applications send the
    /// browser here.
    pub(crate) fn give(self, is_secure: bool, headers: &mut HeaderMap, value: &Secret, seconds: u64) {
        let [secure, plain] = self.names();
        let (name, attribute) = if is_secure { (secure, " Secure;") } else { (plain, "") };
        let value = value.expose();
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds};{attribute} HttpOnly; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    /// Deletes the cookie.
    pub(crate) fn take(self, is_secure: bool, headers: &mut HeaderMap) {
        self.give(is_secure, headers, &Secret::new(String::new()), 0);
    }
}

/// Returns the browser of a request that signs in. `agent` and `address` are shown to the user.
pub(crate) fn visit(is_secure: bool, headers: &HeaderMap, (agent, address): (String, String)) -> ClientInfo {
    let read = |cookie: SignInCookie| cookie.read(is_secure, headers);
    ClientInfo { agent, address, session: read(SignInCookie::Session), known_users: read(SignInCookie::KnownUsers) }
}

/// Deletes the session cookie, under both names.
pub(crate) fn take_cookie(headers: &mut HeaderMap) {
    for cookie in [
        "__Host-rutter=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
        "rutter=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ] {
        headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
}

/// Returns the credentials in the session cookie, if there is one.
///
/// # Errors
/// Forbidden if the request changes something and is not known to come from one of our own pages (CSRF).
pub(crate) fn credentials(parts: &Parts, app: &App) -> Result<Credentials> {
    if !has_cookie(&parts.headers) {
        return Ok(Credentials::None);
    }
    let BaseUrl(base) = BaseUrl::of(parts, app)?;
    let name = if base.starts_with("https://") { SECURE } else { PLAIN };
    let Some(value) = cookie(&parts.headers, name) else { return Ok(Credentials::None) };
    let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && origin(&parts.headers, &base) != SameOrigin::Own {
        return Err(Error::forbidden(
            "cross-site request rejected: with a session cookie, changes must come from a page of this server; \
             programs should use a token",
        ));
    }
    Ok(Credentials::Session(Secret::new(value.to_owned())))
}

/// The origin of a request, according to the browser.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SameOrigin {
    Own,
    Other,
    /// Not sent by a current browser.
    Unknown,
}

/// Returns the origin of a request to a server with this base URL.
pub(crate) fn origin(headers: &HeaderMap, base: &str) -> SameOrigin {
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = origin.to_str().is_ok_and(|origin| normal(origin).is_some_and(|it| Some(it) == normal(base)));
        return if own { SameOrigin::Own } else { SameOrigin::Other };
    }
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => SameOrigin::Own,
        Some(_) => SameOrigin::Other,
        None => SameOrigin::Unknown,
    }
}

/// Returns scheme, host and port of a URL (RFC 6454 §4). Returns `None` for `null` and for anything that is not an
/// origin.
fn normal(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next().filter(|authority| !authority.is_empty())?;
    let usual = match scheme {
        "https" => ":443",
        _ => ":80",
    };
    let authority = authority.strip_suffix(usual).unwrap_or(authority);
    Some(format!("{scheme}://{authority}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let sent = headers(&[("cookie", "a=b; xrutter=no; rutter=yes=; __Host-rutter=secure")]);
        assert_eq!(cookie(&sent, PLAIN), Some("yes="));
        assert_eq!(cookie(&sent, SECURE), Some("secure"));
        assert_eq!(cookie(&headers(&[("cookie", "rutter=; Rutter=x;rutter2=y")]), PLAIN), None);
        assert_eq!(cookie(&headers(&[]), PLAIN), None);
        assert_eq!(cookie(&headers(&[("cookie", "=;;; =x; rutter")]), PLAIN), None);
    }

    #[test]
    fn only_our_own_origin_is_trusted() {
        let from = |pairs: &[(&'static str, &str)], base| origin(&headers(pairs), base);
        for (origin, base) in [
            ("https://drive.example.org", "https://drive.example.org"),
            ("https://drive.example.org", "https://Drive.example.org:443/below"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]", "http://[::1]:80"),
        ] {
            assert_eq!(from(&[("origin", origin)], base), SameOrigin::Own, "{origin} {base}");
        }
        for origin in [
            "null",
            "http://drive.example.org",
            "https://drive.example.org:8443",
            "https://drive.example.org.evil.example",
            "https://evil.example/https://drive.example.org",
            "https://evil-drive.example.org",
            "",
        ] {
            // Other headers do not make up for it.
            let pairs = [("origin", origin), ("sec-fetch-site", "same-origin")];
            assert_eq!(from(&pairs, "https://drive.example.org"), SameOrigin::Other, "{origin}");
        }
        let base = "https://drive.example.org";
        assert_eq!(from(&[("sec-fetch-site", "same-origin")], base), SameOrigin::Own);
        assert_eq!(from(&[("sec-fetch-site", "none")], base), SameOrigin::Own);
        assert_eq!(from(&[("sec-fetch-site", "same-site")], base), SameOrigin::Other);
        assert_eq!(from(&[("sec-fetch-site", "cross-site")], base), SameOrigin::Other);
        assert_eq!(from(&[], base), SameOrigin::Unknown);
    }

    #[test]
    fn browsers_are_recognised_by_their_headers() {
        assert!(is_browser(&headers(&[("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")])));
        assert!(is_browser(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_browser(&headers(&[("cookie", "rutter=x")])));
        for agent in ["git/2.47.0", "git-lfs/3.6.1", "curl/8.0", "Wget/1.21", "huggingface_hub/0.30", ""] {
            assert!(!is_browser(&headers(&[("user-agent", agent)])), "{agent}");
        }
    }
}
