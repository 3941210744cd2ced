//! Issues our signed tokens (JSON Web Tokens), and verifies them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::jwt::Claims;
use super::rights::Right;
use super::scopes::{Granted, Scope};
use super::{Access, Actor, CredentialScope, DatasetGrant, Identity};
use crate::clock::random;
use crate::config::OUR_ISSUER;
use crate::error::{Error, Kind, Result};
use crate::types::{Millis, OwnerName};

impl Access {
    /// Issues a signed token for a user, with these scopes.
    pub fn issue(&self, user: &OwnerName, scopes: &str, lifetime_seconds: u64) -> Result<String> {
        let claims = Self::claims(Some(user.to_string()), scopes, self.clock.now(), lifetime_seconds);
        self.keys.ours().sign("JWT", &claims)
    }

    fn claims(user: Option<String>, scopes: &str, now: Millis, lifetime_seconds: u64) -> Claims {
        Claims {
            iss: OUR_ISSUER.into(),
            sub: user.clone(),
            name: user,
            exp: now.seconds() + lifetime_seconds,
            nbf: now.seconds(),
            iat: now.seconds(),
            scopes: scopes.into(),
            jti: Some(BASE64.encode(random::<6>())),
            ..Claims::default()
        }
    }

    /// Issues a signed token for the actor with these scopes, and returns it with its expiry time. Anyone may request
    /// one, so signing is limited by a semaphore and runs off the async threads.
    pub async fn issue_to(&self, actor: &Actor, scopes: &[Scope], lifetime_seconds: u64) -> Result<(String, Millis)> {
        let user = match (&actor.identity, &actor.limit) {
            (Identity::User { name, .. }, CredentialScope::Nothing | CredentialScope::Token(_)) => Some(name.clone()),
            // Anonymous: we cannot attest who it is.
            _ => None,
        };
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let now = self.clock.now();
        let ends = Millis::from_seconds(now.seconds() + lifetime_seconds);
        let claims = Self::claims(user, &scopes.join(" "), now, lifetime_seconds);
        Ok((self.sign_claims("JWT", serde_json::to_value(claims).map_err(Error::internal)?).await?, ends))
    }

    /// Signs claims with our current key, as a token of this type (`typ`), in turn with other tokens, off the async
    /// threads.
    pub async fn sign_claims(&self, kind: &'static str, claims: serde_json::Value) -> Result<String> {
        let turn = self.signing.clone().acquire_owned().await.map_err(Error::internal)?;
        let keys = self.keys.clone();
        crate::blocking(move || {
            let token = keys.ours().sign(kind, &claims);
            drop(turn);
            token
        })
        .await?
    }

    /// Issues a signed token for the objects of a dataset, with those of the actor's rights. `None` if the actor's own
    /// credential cannot be exchanged.
    pub async fn issue_for_objects<R: Right>(
        &self,
        grant: &DatasetGrant<R>,
        lifetime_seconds: u64,
    ) -> Result<Option<(String, Millis)>> {
        match self.scope_of_objects(grant).await? {
            Some(scope) => self.issue_to(grant.actor(), &[scope], lifetime_seconds).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns true if a token can be issued for the objects of a dataset.
    pub async fn can_issue_for_objects<R: Right>(&self, grant: &DatasetGrant<R>) -> Result<bool> {
        Ok(self.scope_of_objects(grant).await?.is_some())
    }

    async fn scope_of_objects<R: Right>(&self, grant: &DatasetGrant<R>) -> Result<Option<Scope>> {
        let scope: Scope = format!("obj:{}/*:read,write", grant.full_name()).parse()?;
        match self.grant_scope(grant.actor(), &scope).await? {
            Granted::Scope(scope) => Ok(Some(scope)),
            Granted::Nothing | Granted::Resource(..) => Ok(None),
        }
    }

    /// Verifies a token that was issued here: the signature and the validity period. The inner error says why it is
    /// invalid.
    ///
    /// # Errors
    /// Fails if the keys of an external issuer cannot be fetched.
    pub async fn examine(&self, token: &str) -> Result<std::result::Result<(), String>> {
        match self.keys.verify(token).await {
            Ok(_) => Ok(Ok(())),
            Err(error) if error.kind() == Kind::Unauthenticated => Ok(Err(error.detail().to_owned())),
            Err(error) => Err(error),
        }
    }
}
