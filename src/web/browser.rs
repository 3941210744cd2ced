//! Browser sessions: the session cookie, and CSRF protection (cross-site requests cannot use it).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;

use super::extract::{BaseUrl, Peer};
use super::rate_limit::{Client, PasswordAttempt, client_address};
use crate::access::{Credentials, SessionGrant};
use crate::accounts::sessions::{ClientInfo, SignedIn};
use crate::app::App;
use crate::error::{Error, ErrorDetails, Kind, Result};
use crate::types::{Email, Secret};

/// The cookie name with TLS: browsers do not accept this prefix from other hosts (RFC 6265bis §4.1.3.2).
const SECURE: &str = "__Host-rutter";
/// The cookie name without TLS, as on a local machine.
const PLAIN: &str = "rutter";

/// The maximum length of the stored user agent in characters.
const AGENT: usize = 300;

/// Returns true if the client is a browser, not a program.
pub(super) fn is_one(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
    headers.contains_key("sec-fetch-site") || agent.starts_with(b"Mozilla/") || has_cookie(headers)
}

fn has_cookie(headers: &HeaderMap) -> bool {
    [SECURE, PLAIN].iter().any(|name| cookie(headers, name).is_some())
}

/// Returns the value of a cookie (RFC 6265 §4.2.1).
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
}

/// Removes what would make a browser show its own password prompt. Also removes the session cookie if it is no longer
/// valid.
pub(super) fn without_dialog(response: &mut Response) {
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

/// Deletes the session cookie, under both names.
pub(super) fn take_cookie(headers: &mut HeaderMap) {
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
pub(super) fn credentials(parts: &Parts, app: &App) -> Result<Credentials> {
    if !has_cookie(&parts.headers) {
        return Ok(Credentials::None);
    }
    let BaseUrl(base) = BaseUrl::of(parts, app)?;
    let name = if base.starts_with("https://") { SECURE } else { PLAIN };
    let Some(value) = cookie(&parts.headers, name) else { return Ok(Credentials::None) };
    let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && site(&parts.headers, &base) != SameOrigin::Own {
        return Err(Error::forbidden(
            "cross-site request rejected: with a session cookie, changes must come from a page of this server; \
             programs should use a token",
        ));
    }
    Ok(Credentials::Session(Secret::new(value.to_owned())))
}

/// The origin of a request, according to the browser.
#[derive(Debug, PartialEq, Eq)]
enum SameOrigin {
    Own,
    Other,
    /// Not sent by a current browser.
    Unknown,
}

fn site(headers: &HeaderMap, base: &str) -> SameOrigin {
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

/// A client that signs in or requests an e-mail. Requests from pages of other sites are rejected: they could sign the
/// browser in to another account (login CSRF).
pub(super) struct BrowserClient {
    /// Recorded in the list of sessions.
    pub(super) visit: ClientInfo,
    is_secure: bool,
    client: Option<Client>,
}

impl FromRequestParts<App> for BrowserClient {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let BaseUrl(base) = BaseUrl::of(parts, app)?;
        if site(&parts.headers, &base) == SameOrigin::Other {
            return Err(Error::forbidden("cross-site request rejected: use a page of this server"));
        }
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let agent = agent.chars().filter(|email| !email.is_control()).take(AGENT).collect();
        let peer = parts.extensions.get::<Peer>();
        let address = peer.map(|Peer(peer)| client_address(peer.ip(), &parts.headers, &app.config.trusted_proxies));
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        let client = parts.extensions.get::<Client>().cloned();
        Ok(Self { visit: ClientInfo { agent, address }, is_secure: base.starts_with("https://"), client })
    }
}

impl BrowserClient {
    /// Signs in with a password, with rate-limited attempts. User name and e-mail address of an account count as one.
    pub(super) async fn sign_in(&self, app: &App, login: &str, password: Secret) -> Result<SignedIn> {
        let of = match app.accounts.whose(login).await? {
            Some(user) => format!("password of {user}"),
            None => format!("password of {}", login.trim().to_lowercase()),
        };
        let guess = self.guess(&of)?;
        let outcome = app.accounts.sign_in(login, password, &self.visit).await;
        match (guess, &outcome) {
            (Some(guess), Ok(_)) => guess.remember(),
            (Some(guess), Err(error)) if error.kind() != Kind::Unauthenticated => guess.forget(),
            (_, Ok(_) | Err(_)) => {}
        }
        outcome
    }

    /// Runs an action that requires a session and its password, with rate-limited attempts. Only attempts from sessions
    /// of the account count, so others cannot lock the owner out.
    pub(super) async fn confirm<T>(&self, seat: &SessionGrant, done: impl Future<Output = Result<T>>) -> Result<T> {
        let guess = self.guess(&format!("confirmation by {}", seat.user()))?;
        let outcome = done.await;
        if let Some(guess) = guess
            && !outcome.as_ref().is_err_and(|error| error.kind() == Kind::Forbidden)
        {
            guess.forget();
        }
        outcome
    }

    /// Counts an e-mail requested by an anonymous client against a rate limit.
    ///
    /// # Errors
    /// Busy if there were too many.
    pub(super) fn request_email(&self, to: &Email) -> Result<()> {
        self.guess(&format!("e-mails to {to}")).map(drop)
    }

    fn guess(&self, of: &str) -> Result<Option<PasswordAttempt>> {
        self.client.as_ref().map(|client| client.guess(of)).transpose()
    }

    /// Sets the session cookie, with a maximum age in seconds.
    pub(super) fn give_cookie(&self, headers: &mut HeaderMap, value: &Secret, seconds: u64) {
        let (name, secure) = if self.is_secure { (SECURE, " Secure;") } else { (PLAIN, "") };
        let value = value.expose();
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds};{secure} HttpOnly; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
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
        let from = |pairs: &[(&'static str, &str)], base| site(&headers(pairs), base);
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
        assert!(is_one(&headers(&[("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")])));
        assert!(is_one(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_one(&headers(&[("cookie", "rutter=x")])));
        for agent in ["git/2.47.0", "git-lfs/3.6.1", "curl/8.0", "Wget/1.21", "huggingface_hub/0.30", ""] {
            assert!(!is_one(&headers(&[("user-agent", agent)])), "{agent}");
        }
    }
}
