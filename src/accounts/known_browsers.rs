//! Browsers that a user has signed in with before: a cookie says so, with a MAC for each user. A sign-in with another
//! browser is announced by e-mail. Nothing is stored, and the cookie opens nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::access::secret::ServerSecret;
use crate::types::{Id, Secret};

/// Number of users that a cookie can name: people share computers.
const MAX_USERS: usize = 5;

/// Creates and verifies the cookies.
#[derive(Clone)]
pub(super) struct KnownBrowsers(Hmac<Sha256>);

impl KnownBrowsers {
    pub(super) fn new(secret: &ServerSecret) -> Self {
        Self(Hmac::new_from_slice(&secret.derive("known browsers")).expect("HMAC takes keys of any length"))
    }

    fn mark(&self, user: Id) -> String {
        let mac = self.0.clone().chain_update(user.as_bytes()).finalize().into_bytes();
        BASE64.encode(&mac[..16])
    }

    /// Returns true if the user has signed in with the browser that has this cookie.
    pub(super) fn knows(&self, cookie: Option<&Secret>, user: Id) -> bool {
        let mark = self.mark(user);
        cookie.is_some_and(|cookie| cookie.expose().split('.').take(MAX_USERS).any(|known| known == mark))
    }

    /// Returns the cookie with this user in addition.
    pub(super) fn with(&self, cookie: Option<&Secret>, user: Id) -> Secret {
        let mark = self.mark(user);
        let others = cookie.map(Secret::expose).unwrap_or_default().split('.');
        let others = others.filter(|known| known.len() == mark.len() && *known != mark).take(MAX_USERS - 1);
        Secret::new(std::iter::once(mark.as_str()).chain(others).collect::<Vec<_>>().join("."))
    }
}

/// Returns the names of browser and system in a `User-Agent`, for people. Never text of the client.
pub(super) fn described(agent: &str) -> String {
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name);
    // Most browsers name others, too: the more special first.
    let browser = find(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "an unknown program".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;

    #[test]
    fn a_cookie_names_the_last_users_of_a_browser() {
        let config = Config { secret: Some(Secret::new("s".repeat(32))), ..Config::default() };
        let browsers = KnownBrowsers::new(&ServerSecret::load(&config).unwrap());
        let clock = Clock::default();
        let users: Vec<Id> = (0..7).map(|_| clock.id()).collect();
        let mut cookie = Some(Secret::new("forged.!.".into()));
        for user in &users {
            assert!(!browsers.knows(cookie.as_ref(), *user));
            cookie = Some(browsers.with(cookie.as_ref(), *user));
            assert_eq!(browsers.with(cookie.as_ref(), *user).expose(), cookie.as_ref().unwrap().expose());
        }
        let known = users.iter().map(|user| browsers.knows(cookie.as_ref(), *user)).collect::<Vec<_>>();
        assert_eq!(known, [false, false, true, true, true, true, true]);
        assert!(!browsers.knows(None, users[6]));
    }

    #[test]
    fn browsers_have_names() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36 \
                 Edg/156.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19 Safari/604",
                "Safari on iOS",
            ),
            ("curl/8", "an unknown program"),
            ("visit https://evil.example", "an unknown program"),
        ] {
            assert_eq!(described(agent), name);
        }
    }
}
