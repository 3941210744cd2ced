//! OAuth 2.1 authorization server and OpenID Connect provider: applications that act for users.
//!
//! A user sends an application to `/oauth/authorize`, and allows it some scopes; the application exchanges the code that
//! it gets for tokens, and acts with the user's rights, restricted to those scopes.

pub mod app_password;
mod audience;
pub mod authorize;
pub mod claims;
pub mod clients;
pub mod consent;
pub mod device;
mod failure;
pub mod logout;
pub mod platform_config;
pub mod redirect;
pub mod resources;
pub mod roles;
pub mod token;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

pub use self::failure::{Answer, Failure};
use crate::access::{Access, Actor};
use crate::clock::{Clock, random};
use crate::config::{Config, Makers, OAuthConfig};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::types::Secret;

/// Grant types, beside `authorization_code` and `refresh_token`.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";
/// See [`device`].
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The client id of the command line of this program.
pub const COMMAND_LINE: &str = "00000000-0000-7000-8000-000000000001";

/// How long an ended login is kept, so that the use of an old refresh token is recognized.
const ENDED_LOGIN_TTL: Duration = Duration::from_hours(24);

/// The authorization server. Cheap to clone.
#[derive(Clone)]
pub struct OAuth {
    db: Db,
    clock: Clock,
    access: Access,
    rules: OAuthConfig,
    session_idle: Duration,
    /// Who can create organisations.
    organisations: Makers,
    issuer: String,
}

impl OAuth {
    /// Creates the service.
    pub fn new(config: &Config, db: Db, clock: Clock, access: Access) -> Self {
        let (rules, accounts) = (config.oauth.clone(), &config.accounts);
        let (session_idle, organisations) = (accounts.session_idle(), accounts.organisations);
        Self { db, clock, access, rules, session_idle, organisations, issuer: config.link_base() }
    }

    /// Returns the issuer (RFC 8414): the URL of this server.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Deletes expired logins, requests and codes.
    pub async fn forget(&self) -> Result<()> {
        let (now, mut tx) = (self.clock.now(), self.db.write().await?);
        tx.forget_app_logins(now.minus(ENDED_LOGIN_TTL)).await?;
        for kind in [authorize::REQUEST, device::DEVICE_CODE, device::USER_CODE] {
            tx.forget_tickets_of(kind, now).await?;
        }
        // Used ones are recognized for a while.
        tx.forget_tickets_of(authorize::CODE, now.minus(ENDED_LOGIN_TTL)).await?;
        tx.commit().await
    }

    async fn audit(&self, tx: &mut Tx, by: &str, action: &str, subject: &str, detail: &str) -> Result<()> {
        let (id, now, request) = (self.clock.id(), self.clock.now(), crate::request::id());
        tx.insert_audit(id, now, by, action, subject, detail, &request).await
    }

    async fn audit_by(&self, tx: &mut Tx, actor: &Actor, action: &str, subject: &str, detail: &str) -> Result<()> {
        self.audit(tx, &actor.key(), action, subject, detail).await
    }
}

/// Generates a secret with this prefix.
fn generate(prefix: &str) -> Secret {
    Secret::new(format!("{prefix}{}", BASE64.encode(random::<32>())))
}

/// Splits a list whose items are separated by spaces.
fn words(list: &str) -> Vec<&str> {
    list.split_ascii_whitespace().collect()
}

/// Compares two hashes in constant time.
fn is_same(one: &str, other: &str) -> bool {
    let difference = one.bytes().zip(other.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}
