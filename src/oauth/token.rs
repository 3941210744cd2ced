//! The token endpoint (RFC 6749 §3.2), revocation (RFC 7009) and introspection (RFC 7662).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::authorize::{AuthorizationRequest, CODE};
use super::clients::{ClientRow, has_grant, requested};
use super::failure::{Answer, Failure};
use super::{CLIENT_CREDENTIALS, OAuth, is_same};
use crate::access::app_tokens::{AccessToken, AppLogin, AppScopes, RefreshToken, looks_like_access};
use crate::access::tokens;
use crate::db::Tx;
use crate::db::oauth::NewAppLogin;
use crate::error::{Error, Kind, Result};
use crate::mail::{self, OutgoingEmail};
use crate::types::{Id, Millis, Secret};

/// The tokens of a login (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

/// How a login begins.
pub(super) struct Login<'a> {
    pub(super) grant_type: &'static str,
    pub(super) user: Id,
    /// It ends with this browser session, unless it has the scope `offline_access`.
    pub(super) session: Option<Id>,
    pub(super) scopes: &'a str,
    /// The server that the access tokens are for; `None` for this one.
    pub(super) resource: Option<Id>,
    pub(super) auth_at: Millis,
    pub(super) amr: &'a str,
}

/// A code, and what an application sends with it.
pub struct CodeExchange<'a> {
    /// The code.
    pub code: Secret,
    /// The redirect URL of the authorization request. OAuth 2.1 does not send it: PKCE does more.
    pub redirect: Option<&'a str>,
    /// The PKCE verifier; empty without PKCE.
    pub verifier: &'a str,
    /// The resources; empty for that of the authorization request.
    pub resources: &'a [String],
}

/// Checks a PKCE verifier. An application without PKCE must not send one: that would be a sign that someone has removed
/// the challenge from its request (RFC 9700 §4.8.2).
fn is_verified(challenge: Option<&str>, verifier: &str) -> bool {
    let Some(challenge) = challenge else { return verifier.is_empty() };
    let hash = BASE64.encode(Sha256::digest(verifier.as_bytes()));
    (43..=128).contains(&verifier.len()) && is_same(&hash, challenge)
}

impl OAuth {
    /// Exchanges a code for tokens. A code that was used before ends the login that came of it.
    pub async fn exchange(&self, client: &ClientRow, sent: &CodeExchange<'_>) -> Answer<Tokens> {
        let (hash, now) = (tokens::hash(&sent.code), self.clock.now());
        let mut tx = self.db.write().await?;
        let Some(row) = tx.use_ticket(CODE, &hash, now).await? else {
            if let Some(login) = tx.used_ticket(CODE, &hash).await? {
                self.end(&mut tx, login, "oauth.replay").await?;
                tx.commit().await?;
            }
            return Err(Failure::invalid_grant());
        };
        let request: AuthorizationRequest = serde_json::from_str(&row.subject).map_err(Error::internal)?;
        let fits = request.client == client.id.to_string()
            && sent.redirect.map_or(request.challenge.is_some(), |redirect| redirect == request.redirect)
            && is_verified(request.challenge.as_deref(), sent.verifier);
        if !fits {
            // It is used up: its holder may try no other verifier.
            tx.commit().await?;
            return Err(Failure::invalid_grant());
        }
        let resource = request.resource.as_deref().map(str::parse).transpose()?;
        if let Err(failure) = self.check_resource(&mut tx, client, resource, sent.resources).await {
            tx.commit().await?;
            return Err(failure);
        }
        let login = Login {
            grant_type: "authorization_code",
            user: request.user.parse()?,
            session: Some(request.session.parse()?),
            scopes: &request.scopes,
            resource,
            auth_at: request.auth_at,
            amr: &request.amr,
        };
        // The login has the id of the code, by which a replay finds it.
        let login = self.begin_login(&mut tx, row.id, client, &login).await?;
        tx.commit().await?;
        self.issue(client, &login, request.nonce.as_deref()).await
    }

    /// Adds a login.
    pub(super) async fn begin_login(
        &self,
        tx: &mut Tx,
        id: Id,
        client: &ClientRow,
        new: &Login<'_>,
    ) -> Answer<AppLogin> {
        let (now, scopes) = (self.clock.now(), new.scopes.parse::<AppScopes>()?);
        tx.lock_account(new.user).await?;
        // If the session has ended since the user allowed this, for example by a new password, someone was locked out.
        if let Some(session) = new.session
            && !tx.has_session(new.user, session).await?
        {
            return Err(Failure::invalid_grant());
        }
        let row = NewAppLogin {
            id,
            client: client.id,
            user: new.user,
            grant_type: new.grant_type,
            session: new.session.filter(|_| !scopes.has(AppScopes::OFFLINE)),
            scopes: new.scopes,
            resource: new.resource,
            auth_at: new.auth_at,
            amr: new.amr,
        };
        // With client credentials there is no refresh token, so the login ends with the access token.
        let ends =
            if new.grant_type == CLIENT_CREDENTIALS { now.plus(self.rules.access()) } else { self.expiry(now, now) };
        tx.insert_app_login(&row, now, ends).await?;
        let login = tx.app_login(id).await?.and_then(|row| self.access.alive(row));
        let login = login.ok_or_else(Failure::invalid_grant)?;
        let by = format!("user:{}", new.user);
        self.audit(tx, &by, "oauth.login", &client.id.to_string(), new.scopes).await?;
        Ok(login)
    }

    /// Returns the first tokens of a login.
    pub(super) async fn issue(&self, client: &ClientRow, login: &AppLogin, nonce: Option<&str>) -> Answer<Tokens> {
        let mut issued = self.tokens(login, login.scopes, has_grant(client, "refresh_token").then_some(0)).await?;
        if login.scopes.has(AppScopes::OPENID) {
            let access_token = Secret::new(issued.access_token.clone());
            let ends = self.clock.now().plus(self.rules.access());
            issued.id_token = Some(self.id_token(login, nonce, &access_token, ends).await?);
        }
        Ok(issued)
    }

    /// Issues an access token to an application that acts as an account of its own (RFC 6749 §4.4).
    pub async fn by_client_credentials(
        &self,
        client: &ClientRow,
        scope: Option<&str>,
        resources: &[String],
    ) -> Answer<Tokens> {
        let user = client.acts_as.filter(|_| has_grant(client, CLIENT_CREDENTIALS) && client.secret.is_some());
        let user = user.ok_or_else(Failure::unauthorized_client)?;
        let scopes = match scope {
            Some(scope) => requested(client, scope)?,
            None => client.scopes.parse()?,
        };
        let now = self.clock.now();
        let most = AppScopes::READ.with(AppScopes::WRITE).with(AppScopes::PROFILE).with(AppScopes::EMAIL);
        let scopes = if client.install_id.is_some() {
            // An installed app has what its owner gave it.
            let consent = self.db.read().await?.consent(user, client.id).await?;
            let given = consent.map_or(Ok(AppScopes::default()), |consent| consent.scopes.parse())?;
            scopes.and(most.with(AppScopes::FILES)).and(given)
        } else {
            scopes.and(most)
        };
        if scopes.is_empty() {
            return Err(Failure::new(
                "invalid_scope",
                "with client credentials, ask for read, write, profile or email; an installed app gets what its owner gave it",
            ));
        }
        let mut tx = self.db.write().await?;
        let resource = self.requested_resource(&mut tx, client, resources).await?;
        let login = Login {
            grant_type: CLIENT_CREDENTIALS,
            user,
            session: None,
            scopes: &scopes.to_string(),
            resource,
            auth_at: now,
            amr: "",
        };
        let login = self.begin_login(&mut tx, self.clock.id(), client, &login).await?;
        tx.commit().await?;
        Ok(self.tokens(&login, login.scopes, None).await?)
    }

    /// Exchanges a refresh token for new tokens, optionally with fewer scopes. The use of a token that was replaced
    /// ends the login, except within the grace period, when a response may have been lost.
    pub async fn refresh(
        &self,
        client: &ClientRow,
        token: &Secret,
        scope: Option<&str>,
        resources: &[String],
    ) -> Answer<Tokens> {
        let opened = self.access.keys().apps().open_refresh(token).ok_or_else(Failure::invalid_grant)?;
        let now = self.clock.now();
        // Before the transaction, which other writers wait for. What has changed since, counts when the tokens are used.
        let row = self.db.app_login(opened.login).await?.ok_or_else(Failure::invalid_grant)?;
        if row.client_id != client.id || !has_grant(client, "refresh_token") {
            return Err(Failure::invalid_grant());
        }
        let login = self.access.alive(row).ok_or_else(Failure::invalid_grant)?;
        if !resources.is_empty() {
            let mut tx = self.db.read().await?;
            self.check_resource(&mut tx, client, login.row.resource_id, resources).await?;
        }
        let scopes = match scope.map(str::parse::<AppScopes>) {
            None => login.scopes,
            Some(Ok(asked)) if login.scopes.has(asked) && !asked.is_empty() => asked,
            Some(_) => return Err(Failure::new("invalid_scope", "the login does not have these scopes")),
        };
        let expires_at = self.expiry(login.row.created_at, now);
        let mut tx = self.db.write().await?;
        let generation = if tx.rotate_app_login(opened.login, opened.generation, now, expires_at).await? {
            opened.generation + 1
        } else {
            let row = tx.app_login(opened.login).await?.filter(|row| row.ended_at.is_none());
            let row = row.ok_or_else(Failure::invalid_grant)?;
            if opened.generation + 1 != row.generation || row.rotated_at.plus(self.rules.grace()) <= now {
                self.end(&mut tx, opened.login, "oauth.reuse").await?;
                self.report_reuse(&mut tx, client, login.row.user_id).await?;
                tx.commit().await?;
                return Err(Failure::invalid_grant());
            }
            // The response may have been lost: the same token once more.
            row.generation
        };
        tx.commit().await?;
        Ok(self.tokens(&login, scopes, Some(generation)).await?)
    }

    /// Revokes the login of an access or refresh token of this application; other tokens are ignored.
    pub async fn revoke(&self, client: &ClientRow, token: &Secret) -> Result<()> {
        let apps = self.access.keys().apps();
        let opened = apps.open_access(token).map(|token| token.login);
        let id = match opened.or_else(|| apps.open_refresh(token).map(|token| token.login)) {
            Some(id) => Some(id),
            None => self.by_resource_token(token).await?.map(|(login, _)| login.row.id),
        };
        let Some(id) = id else { return Ok(()) };
        let mut tx = self.db.write().await?;
        if tx.app_login(id).await?.is_some_and(|row| row.client_id == client.id) {
            self.end(&mut tx, id, "oauth.revoke").await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Describes a token of this application, or one for its audience. `{"active": false}` for any other.
    pub async fn introspect(&self, client: &ClientRow, token: &Secret) -> Result<Value> {
        let inactive = json!({"active": false});
        let (login, expires_at, kind) = if looks_like_access(token) {
            let login = match self.access.by_access_token(token).await {
                Ok(login) => login,
                Err(error) if error.kind() == Kind::Unauthenticated => return Ok(inactive),
                Err(error) => return Err(error),
            };
            let opened = self.access.keys().apps().open_access(token);
            (login, opened.map_or(Millis(0), |token| token.expires_at), "Bearer")
        } else if let Some((login, expires_at)) = self.by_resource_token(token).await? {
            (login, expires_at, "Bearer")
        } else {
            let Some(opened) = self.access.keys().apps().open_refresh(token) else { return Ok(inactive) };
            let login = self.access.app_login(opened.login).await?;
            let Some(login) = login.filter(|login| login.row.generation == opened.generation) else {
                return Ok(inactive);
            };
            let expires_at = login.row.expires_at;
            (login, expires_at, "refresh_token")
        };
        let is_audience = login.row.resource_id == Some(client.id) && kind == "Bearer";
        if login.row.client_id != client.id && !is_audience {
            return Ok(inactive);
        }
        let mut described = json!({
            "active": true,
            "client_id": login.row.client_id.to_string(),
            "sub": login.row.user_id.to_string(),
            "username": login.row.user_name,
            "scope": login.scopes.to_string(),
            "token_type": kind,
            "exp": expires_at.seconds(),
            "iss": self.issuer,
        });
        if let Some(resource) = &login.row.resource {
            described["aud"] = json!(resource);
        }
        Ok(described)
    }

    /// Queues an e-mail to a user whose login was ended because a refresh token was used again.
    async fn report_reuse(&self, tx: &mut Tx, client: &ClientRow, user: Id) -> Result<()> {
        let Some(user) = tx.user_by_id(user).await? else { return Ok(()) };
        let (name, application, base) = (user.name, &client.name, &self.issuer);
        let text = format!(
            "Hello {name},\n\n\
             a token of the application \"{application}\" was used a second time, after it had been replaced. Another \
             program may have a copy of it, so {base} has signed the application out. It can sign in again.\n\n\
             If this happens more than once, disconnect the application, and ask its developers:\n{base}/account\n"
        );
        let email =
            OutgoingEmail { to: user.email.parse()?, subject: "An application was signed out".to_owned(), text };
        mail::enqueue_email(tx, &self.clock, &email).await
    }

    async fn end(&self, tx: &mut Tx, login: Id, why: &str) -> Result<()> {
        if tx.end_app_login(login, self.clock.now()).await? {
            self.audit(tx, "anonymous", why, &login.to_string(), "").await?;
        }
        Ok(())
    }

    /// Returns when a login ends that began then and is used now.
    fn expiry(&self, created_at: Millis, now: Millis) -> Millis {
        now.plus(self.rules.refresh_idle()).min(created_at.plus(self.rules.refresh_longest()))
    }

    /// `generation` is that of the refresh token, if there is to be one.
    async fn tokens(&self, login: &AppLogin, scopes: AppScopes, generation: Option<i64>) -> Result<Tokens> {
        let apps = self.access.keys().apps();
        let (id, lifetime) = (login.row.id, self.rules.access());
        let access = match &login.row.resource {
            Some(resource) => self.resource_token(login, resource, scopes).await?,
            None => apps.seal_access(&AccessToken { login: id, expires_at: self.clock.now().plus(lifetime), scopes }),
        };
        let refresh = |generation| apps.seal_refresh(&RefreshToken { login: id, generation }).expose().to_owned();
        Ok(Tokens {
            access_token: access.expose().to_owned(),
            token_type: "Bearer",
            expires_in: lifetime.as_secs(),
            refresh_token: generation.map(refresh),
            scope: scopes.to_string(),
            id_token: None,
        })
    }
}
