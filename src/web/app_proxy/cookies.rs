//! The cookies of the proxy: which browser may use an app, and the state of a browser that is about to. They are on the
//! host of the app, and the app never sees them.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::apps::Apps;
use crate::types::Secret;
use crate::web::http::read_cookie;

/// Lifetime of the session cookie, in seconds: that of the browser's session, which it depends on, is shorter.
const SESSION_SECONDS: u64 = 400 * 86_400;
/// Lifetime of the state, in seconds: the time to sign in.
const STATE_SECONDS: u64 = 3600;

/// The cookies of one app.
pub(super) struct Cookies {
    is_secure: bool,
    /// True if the app has a host of its own.
    has_host: bool,
    base: String,
}

/// Returns a new state, which is secret.
pub(super) fn new_state() -> Secret {
    Secret::new(BASE64.encode(crate::clock::random::<16>()))
}

/// Returns true for the name of a cookie of ours, on any host.
pub(super) fn is_ours(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let bare = name.strip_prefix("__host-").or_else(|| name.strip_prefix("__secure-")).unwrap_or(&name);
    bare == "rutter" || bare.starts_with("rutter-")
}

impl Cookies {
    pub(super) fn new(apps: &Apps, base: &str) -> Self {
        let is_secure = apps.origin().is_some_and(crate::config::Origin::is_secure);
        Self { is_secure, has_host: apps.has_wildcard(), base: base.to_owned() }
    }

    /// Returns the path below which the app is.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Browsers accept these prefixes only with `Secure`, and `__Host-` only for all paths of one host.
    fn name(&self, what: &str) -> String {
        let prefix = match (self.is_secure, self.has_host) {
            (true, true) => "__Host-",
            (true, false) => "__Secure-",
            (false, _) => "",
        };
        format!("{prefix}rutter-{what}")
    }

    fn read(&self, headers: &HeaderMap, what: &str) -> Option<Secret> {
        read_cookie(headers, &self.name(what)).map(|value| Secret::new(value.to_owned()))
    }

    fn give(&self, headers: &mut HeaderMap, what: &str, value: &Secret, seconds: u64) {
        let secure = if self.is_secure { " Secure;" } else { "" };
        let (name, value, base) = (self.name(what), value.expose(), &self.base);
        let cookie = format!("{name}={value}; Path={base}/; Max-Age={seconds};{secure} HttpOnly; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    pub(super) fn session(&self, headers: &HeaderMap) -> Option<Secret> {
        self.read(headers, "app")
    }

    pub(super) fn give_session(&self, headers: &mut HeaderMap, value: &Secret) {
        self.give(headers, "app", value, SESSION_SECONDS);
    }

    pub(super) fn state(&self, headers: &HeaderMap) -> Option<Secret> {
        self.read(headers, "app-state")
    }

    pub(super) fn give_state(&self, headers: &mut HeaderMap, value: &Secret) {
        self.give(headers, "app-state", value, STATE_SECONDS);
    }

    /// Returns a cookie that an app sets, as it may be set; `None` if it may not. It stays on the host of the app and, if
    /// apps share a host, below its path.
    pub(super) fn allowed(&self, cookie: &str) -> Option<String> {
        let mut parts = cookie.split(';');
        let pair = parts.next()?;
        let name = pair.split('=').next()?;
        // Browsers send a cookie without a name as its value alone.
        let nameless = if name.trim().is_empty() { pair.split_once('=').map_or("", |(_, value)| value) } else { "" };
        if is_ours(name) || is_ours(nameless.split('=').next().unwrap_or_default()) {
            return None;
        }
        let mut kept = vec![pair.trim().to_owned()];
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (key.trim(), value.trim());
            if key.eq_ignore_ascii_case("domain") && !value.is_empty() {
                return None;
            }
            if key.eq_ignore_ascii_case("path") && !self.has_host {
                continue;
            }
            kept.push(attribute.trim().to_owned());
        }
        if !self.has_host {
            let path = cookie.split(';').skip(1).filter_map(|attribute| attribute.split_once('='));
            let path = path.filter(|(key, _)| key.trim().eq_ignore_ascii_case("path")).last();
            let path = path.map(|(_, value)| value.trim()).filter(|path| path.starts_with(&format!("{}/", self.base)));
            kept.push(format!("Path={}", path.unwrap_or(&format!("{}/", self.base))));
        }
        Some(kept.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(has_host: bool) -> Cookies {
        let base = if has_host { String::new() } else { "/user/ada/notes".to_owned() };
        Cookies { is_secure: true, has_host, base }
    }

    #[test]
    fn an_app_sets_cookies_for_itself_only() {
        let own = cookies(true);
        assert_eq!(own.allowed("a=b; Path=/x; HttpOnly").unwrap(), "a=b; Path=/x; HttpOnly");
        for refused in [
            "rutter=x",
            "__Host-rutter=x; Path=/; Secure",
            "__Secure-rutter-app=x",
            "RUTTER-APP=x",
            " rutter-app-state=x",
            "=rutter-app=x",
            "a=b; Domain=example.org",
            "a=b; domain=.apps.example.org; Path=/",
            "a=b;DOMAIN=example.org",
        ] {
            assert_eq!(own.allowed(refused), None, "{refused}");
        }
        assert!(own.allowed("rutters=x").is_some() && own.allowed("a=b; Domain=").is_some());
    }

    #[test]
    fn on_a_shared_host_cookies_stay_below_the_path_of_the_app() {
        let shared = cookies(false);
        for (sent, path) in [
            ("a=b", "/user/ada/notes/"),
            ("a=b; Path=/", "/user/ada/notes/"),
            ("a=b; path=/user/ada/other/", "/user/ada/notes/"),
            ("a=b; Path=/user/ada/notes", "/user/ada/notes/"),
            ("a=b; Path=/user/ada/notes2/", "/user/ada/notes/"),
            ("a=b; Path=/user/ada/notes/x", "/user/ada/notes/x"),
            ("a=b; Path=/user/ada/notes/x; Path=/", "/user/ada/notes/"),
        ] {
            assert_eq!(shared.allowed(sent).unwrap(), format!("a=b; Path={path}"), "{sent}");
        }
        assert_eq!(shared.name("app"), "__Secure-rutter-app");
        assert_eq!(cookies(true).name("app"), "__Host-rutter-app");
    }
}
