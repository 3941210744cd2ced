//! Tokens of applications (OAuth 2.1). Access tokens (`rat_`) and refresh tokens (`rrt_`) are MACs over a login: nothing
//! of them is stored, and a copy of the database opens nothing. What a token may do is decided at each request from the
//! login, the consent, the application and the user as they are then.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::applications;
use super::apps::AppGrant;
use super::secret::ServerSecret;
use super::tokens::TokenScope;
use super::{Access, Actor, CredentialScope, Identity};
use crate::db::oauth::AppLoginRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};

const ACCESS: &str = "rat_";
const REFRESH: &str = "rrt_";
/// Length of the MAC, in bytes.
const MAC: usize = 16;

/// A set of OAuth scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AppScopes(u8);

impl AppScopes {
    /// The user's id (OpenID Connect).
    pub const OPENID: Self = Self(1);
    /// The user's name.
    pub const PROFILE: Self = Self(2);
    /// The user's e-mail address.
    pub const EMAIL: Self = Self(4);
    /// Access after the browser session has ended.
    pub const OFFLINE: Self = Self(8);
    /// Reading everything that the user can read.
    pub const READ: Self = Self(16);
    /// Changing everything that the user can change.
    pub const WRITE: Self = Self(32);
    /// The files, folders and datasets that the user chooses.
    pub const FILES: Self = Self(64);
    /// The user's organisations, groups and platform role.
    pub const GROUPS: Self = Self(128);

    /// All scopes, by name.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::OPENID, "openid"),
        (Self::PROFILE, "profile"),
        (Self::EMAIL, "email"),
        (Self::GROUPS, "groups"),
        (Self::OFFLINE, "offline_access"),
        (Self::READ, "read"),
        (Self::WRITE, "write"),
        (Self::FILES, "files"),
    ];

    /// Returns the scopes of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the scopes of either set.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the scopes of this set that are not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns true if this set contains all of `other`.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns true if there are no scopes.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Parses names that are separated by spaces, without those that are unknown.
    pub fn known(text: &str) -> Self {
        let all = text.split_ascii_whitespace().filter_map(|name| Self::ALL.iter().find(|(_, known)| *known == name));
        all.fold(Self::default(), |scopes, (scope, _)| scopes.with(*scope))
    }

    /// Returns the names of the scopes.
    pub fn names(self) -> Vec<&'static str> {
        Self::ALL.iter().filter(|(scope, _)| self.has(*scope)).map(|(_, name)| *name).collect()
    }
}

impl FromStr for AppScopes {
    type Err = Error;

    /// Parses names that are separated by spaces.
    fn from_str(text: &str) -> Result<Self> {
        text.split_ascii_whitespace().try_fold(Self::default(), |scopes, name| {
            let known = Self::ALL.iter().find(|(_, known)| *known == name);
            let (scope, _) = known.ok_or_else(|| {
                let names = Self::ALL.map(|(_, name)| name).join(", ");
                Error::invalid(format!("`{}` is not a scope: use some of {names}", name.escape_debug()))
            })?;
            Ok(scopes.with(*scope))
        })
    }
}

impl fmt::Display for AppScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}

/// The content of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessToken {
    /// The login.
    pub login: Id,
    /// Expiry.
    pub expires_at: Millis,
    /// The scopes.
    pub scopes: AppScopes,
}

/// The content of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The login.
    pub login: Id,
    /// Grows with each refresh.
    pub generation: i64,
}

/// Creates and verifies tokens of applications.
pub struct AppTokens {
    access: Hmac<Sha256>,
    refresh: Hmac<Sha256>,
}

impl AppTokens {
    pub(super) fn new(secret: &ServerSecret) -> Self {
        let mac = |purpose| Hmac::new_from_slice(&secret.derive(purpose)).expect("HMAC takes keys of any length");
        Self { access: mac("OAuth access tokens"), refresh: mac("OAuth refresh tokens") }
    }

    /// Creates an access token.
    pub fn seal_access(&self, token: &AccessToken) -> Secret {
        let mut claim = token.login.as_bytes().to_vec();
        claim.extend_from_slice(&token.expires_at.0.to_be_bytes());
        claim.push(token.scopes.0);
        seal(&self.access, ACCESS, claim)
    }

    /// Creates a refresh token.
    pub fn seal_refresh(&self, token: &RefreshToken) -> Secret {
        let mut claim = token.login.as_bytes().to_vec();
        claim.extend_from_slice(&token.generation.to_be_bytes());
        seal(&self.refresh, REFRESH, claim)
    }

    /// Opens an access token, expired or not. `None` if it is forged.
    pub fn open_access(&self, token: &Secret) -> Option<AccessToken> {
        let claim: [u8; 25] = open(&self.access, ACCESS, token)?.try_into().ok()?;
        let (login, rest) = claim.split_first_chunk::<16>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let expires_at = Millis(i64::from_be_bytes(*expires));
        Some(AccessToken { login: Id::from_bytes(*login), expires_at, scopes: AppScopes(*rest.first()?) })
    }

    /// Opens a refresh token, used or not. `None` if it is forged.
    pub fn open_refresh(&self, token: &Secret) -> Option<RefreshToken> {
        let claim: [u8; 24] = open(&self.refresh, REFRESH, token)?.try_into().ok()?;
        let (login, rest) = claim.split_first_chunk::<16>()?;
        Some(RefreshToken { login: Id::from_bytes(*login), generation: i64::from_be_bytes(rest.try_into().ok()?) })
    }
}

fn seal(key: &Hmac<Sha256>, prefix: &str, mut claim: Vec<u8>) -> Secret {
    let mac = key.clone().chain_update(&claim).finalize().into_bytes();
    claim.extend_from_slice(&mac[..MAC]);
    Secret::new(format!("{prefix}{}", BASE64.encode(claim)))
}

fn open(key: &Hmac<Sha256>, prefix: &str, token: &Secret) -> Option<Vec<u8>> {
    let text = token.expose().strip_prefix(prefix).filter(|text| text.len() < 100)?;
    let mut claim = BASE64.decode(text).ok()?;
    let mac = claim.split_off(claim.len().checked_sub(MAC)?);
    key.clone().chain_update(&claim).verify_truncated_left(&mac).ok()?;
    Some(claim)
}

/// Returns true if this has the form of an access token.
pub fn looks_like_access(token: &Secret) -> bool {
    token.expose().starts_with(ACCESS)
}

/// A login at an application that is valid now, with the scopes that it has now.
#[derive(Debug, Clone)]
pub struct AppLogin {
    /// The row.
    pub row: AppLoginRow,
    /// What both the login and the user's consent allow.
    pub scopes: AppScopes,
}

impl Access {
    /// Returns a login at an application; `None` if it has ended, or if the application, the user, the user's platform
    /// role, the consent or the browser session no longer allow it.
    pub async fn app_login(&self, id: Id) -> Result<Option<AppLogin>> {
        let row = self.db.app_login(id).await?;
        Ok(row.and_then(|row| self.alive(row)))
    }

    /// Checks a login that was read in a transaction, as [`Access::app_login`].
    pub fn alive(&self, row: AppLoginRow) -> Option<AppLogin> {
        let now = self.clock.now();
        let sits = match (row.session_id, row.session_expires_at, row.session_used_at) {
            (None, ..) => true,
            (Some(_), Some(expires), Some(used)) => expires > now && used.plus(self.session_idle) > now,
            (Some(_), ..) => false,
        };
        let barred = [row.ended_at, row.disabled_at, row.suspended_at, row.closed_at];
        let is_admitted = applications::admits(row.application.as_deref(), &row.roles, row.platform_role);
        if !sits || !is_admitted || !row.is_resource_open || row.expires_at <= now || barred.iter().any(Option::is_some)
        {
            return None;
        }
        let parse = |scopes: &str| scopes.parse::<AppScopes>().ok();
        let scopes = parse(&row.scopes)?.and(parse(&row.allowed)?).and(parse(&row.client_scopes)?);
        (!scopes.is_empty()).then_some(AppLogin { row, scopes })
    }

    /// Verifies an access token. Returns its login, restricted to the scopes of the token.
    ///
    /// # Errors
    /// Unauthenticated for a token that is forged, expired or revoked, with the same message for all.
    pub async fn by_access_token(&self, token: &Secret) -> Result<AppLogin> {
        let refused = || Error::unauthenticated("the access token is invalid, expired or revoked");
        let opened = self.keys.apps().open_access(token).ok_or_else(refused)?;
        if opened.expires_at <= self.clock.now() {
            return Err(refused());
        }
        let mut login = self.app_login(opened.login).await?.ok_or_else(refused)?;
        login.scopes = login.scopes.and(opened.scopes);
        Ok(login)
    }

    /// Authenticates an application that acts for a user: the user's rights, restricted to the scopes `read` and
    /// `write` and to what the user chose for `files`. It has no rights of administrators, who can read the datasets of
    /// all users.
    pub(super) async fn by_app(&self, token: &Secret) -> Result<Actor> {
        let AppLogin { row, scopes } = self.by_access_token(token).await?;
        let given = [(AppScopes::READ, "read"), (AppScopes::WRITE, "write")];
        let given = given.into_iter().filter(|(scope, _)| scopes.has(*scope));
        let given: Vec<TokenScope> = given.map(|(_, name)| name.parse()).collect::<Result<_>>()?;
        let paths = match row.consent_id {
            Some(consent) if scopes.has(AppScopes::FILES) => self.db.read().await?.consent_paths(consent).await?,
            _ => Vec::new(),
        };
        Ok(Actor {
            identity: Identity::User { id: row.user_id, name: row.user_name, admin: false },
            limit: CredentialScope::App(AppGrant::new(row.client_id.to_string(), given).with_paths(paths)),
            session: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;

    fn tokens() -> AppTokens {
        let config = Config { secret: Some(Secret::new("s".repeat(32))), ..Config::default() };
        AppTokens::new(&ServerSecret::load(&config).unwrap())
    }

    #[test]
    fn scopes_have_names() {
        let scopes: AppScopes = "write openid read".parse().unwrap();
        assert_eq!(scopes.to_string(), "openid read write");
        assert!("own".parse::<AppScopes>().is_err() && "".parse::<AppScopes>().unwrap().is_empty());
        let all = AppScopes::ALL.iter().fold(AppScopes::default(), |all, (scope, _)| all.with(*scope));
        assert_eq!(all.to_string().parse::<AppScopes>().unwrap(), all);
    }

    #[test]
    fn a_token_of_one_kind_is_not_one_of_the_other() {
        let (tokens, login) = (tokens(), Clock::default().id());
        let refresh = tokens.seal_refresh(&RefreshToken { login, generation: 7 });
        assert_eq!(tokens.open_refresh(&refresh).unwrap().generation, 7);
        let other = Secret::new(refresh.expose().replace(REFRESH, ACCESS));
        assert!(tokens.open_access(&other).is_none() && tokens.open_refresh(&other).is_none());
    }

    proptest! {
        #[test]
        fn damaged_tokens_are_refused(expires in any::<i64>(), at in 4usize..60, c in "[A-Za-z0-9_=.-]") {
            let (tokens, login) = (tokens(), Clock::default().id());
            let token = AccessToken { login, expires_at: Millis(expires), scopes: AppScopes::READ };
            let sealed = tokens.seal_access(&token);
            prop_assert_eq!(tokens.open_access(&sealed), Some(token));
            let text = sealed.expose();
            prop_assume!(at < text.len());
            let damaged = format!("{}{c}{}", &text[..at], &text[at + 1..]);
            // The last character has unused bits, which must be zero.
            prop_assert!(damaged == text || tokens.open_access(&Secret::new(damaged)).is_none());
        }
    }
}
