//! Authorization requests (RFC 6749 §4.1.1, with PKCE and `iss`): which are valid, and whether the user must be asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clients::{self, requested};
use super::redirect::{self, with_query};
use super::{Failure, OAuth, generate};
use crate::access::app_tokens::AppScopes;
use crate::access::{SessionGrant, tokens};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};

/// Lifetimes of a code and of a request for consent, in seconds.
const CODE_SECONDS: u64 = 60;
const REQUEST_SECONDS: u64 = 600;

pub(super) const CODE: &str = "oauth-code";
pub(super) const REQUEST: &str = "oauth-request";

/// Maximum length of `state` and of `nonce`, in bytes: both come back in URLs and tokens.
const MAX_VALUE_BYTES: usize = 2048;

/// A valid authorization request of a signed-in user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AuthorizationRequest {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) redirect: String,
    pub(super) scopes: String,
    pub(super) challenge: String,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) auth_at: Millis,
    pub(super) amr: String,
}

impl AuthorizationRequest {
    /// Returns the URL that sends the browser back to the application.
    pub(super) fn respond(&self, issuer: &str, pairs: &[(&str, &str)]) -> String {
        respond(&self.redirect, issuer, self.state.as_deref(), pairs)
    }
}

fn respond(redirect: &str, issuer: &str, state: Option<&str>, pairs: &[(&str, &str)]) -> String {
    let mut all = pairs.to_vec();
    all.extend(state.map(|state| ("state", state)));
    all.push(("iss", issuer));
    with_query(redirect, &all)
}

/// What the browser does next.
pub enum Next {
    /// Return to the application, at this URL.
    Return(String),
    /// Sign in first.
    SignIn,
    /// Ask the user, in the request with this ticket.
    Ask(Secret),
}

impl OAuth {
    /// Decides an authorization request.
    ///
    /// # Errors
    /// Invalid for an unknown application or redirect URL: these are shown to the user, never sent to the URL.
    pub async fn authorize(&self, query: &str, seat: Option<&SessionGrant>) -> Result<Next> {
        let mut repeated = false;
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            repeated |= parameters.insert(name.into_owned(), value.into_owned()).is_some();
        }
        let get = |name: &str| parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let client = match get("client_id") {
            Some(id) => self.enabled_client(id).await?,
            None => None,
        };
        let client = client.ok_or_else(|| Error::invalid("this application is not registered here, or is disabled"))?;
        let redirect = get("redirect_uri").unwrap_or_default();
        if repeated || !redirect::is_registered(redirect, &clients::urls(&client.redirects)?) {
            return Err(Error::invalid("the application sent a redirect URL that it has not registered"));
        }
        let state = get("state");
        let fail = |code: &str, why: &str| {
            let pairs = [("error", code), ("error_description", why)];
            Ok(Next::Return(respond(redirect, &self.issuer, state, &pairs)))
        };
        let nonce = get("nonce");
        if [state, nonce].into_iter().flatten().any(|value| value.len() > MAX_VALUE_BYTES) {
            return Err(Error::invalid("the application sent a request that is too long"));
        }
        if get("response_type") != Some("code") {
            return fail("unsupported_response_type", "response_type must be code");
        }
        if get("response_mode").is_some_and(|mode| mode != "query") {
            return fail("invalid_request", "response_mode must be query");
        }
        if get("request").is_some() {
            return fail("request_not_supported", "request objects are not supported");
        }
        if get("request_uri").is_some() {
            return fail("request_uri_not_supported", "request objects are not supported");
        }
        let challenge = get("code_challenge").filter(|_| get("code_challenge_method") == Some("S256"));
        let Some(challenge) = challenge.filter(|challenge| challenge.len() == 43) else {
            return fail("invalid_request", "PKCE is required: code_challenge with code_challenge_method=S256");
        };
        let scopes = match requested(&client, get("scope").unwrap_or("openid")) {
            Ok(scopes) => scopes,
            Err(Failure::Protocol(code, why)) => return fail(code, &why),
            Err(Failure::Server(error)) => return Err(error),
        };
        if !clients::has_grant(&client, "authorization_code") {
            return fail("unauthorized_client", "the application is not registered for this grant type");
        }
        let prompt: Vec<&str> = get("prompt").unwrap_or_default().split_ascii_whitespace().collect();
        let is_silent = prompt == ["none"];
        if !is_silent && prompt.iter().any(|one| *one != "consent") {
            return fail("invalid_request", "prompt must be none or consent");
        }
        let Some(seat) = seat else {
            return if is_silent { fail("login_required", "the user is not signed in") } else { Ok(Next::SignIn) };
        };
        let mut tx = self.db.read().await?;
        let Some((auth_at, amr)) = tx.session_began(seat.user(), seat.session()).await? else {
            return Ok(Next::SignIn);
        };
        if !self.is_admitted(&mut tx, &client, seat.user()).await? {
            return fail("access_denied", "the user's platform role does not allow this application");
        }
        let mut is_known = false;
        if let Some(row) = tx.consent(seat.user(), client.id).await? {
            // The user may have removed the last file.
            is_known = row.scopes.parse::<AppScopes>()?.has(scopes)
                && !(scopes.has(AppScopes::FILES) && tx.consent_paths(row.id).await?.is_empty());
        }
        drop(tx);
        let age = self.clock.now().seconds().saturating_sub(auth_at.seconds());
        if get("max_age").is_some_and(|most| most.parse::<u64>().is_ok_and(|most| age > most)) {
            return fail("login_required", "the user signed in too long ago: ask them to sign out and in again");
        }
        let request = AuthorizationRequest {
            client: client.id.to_string(),
            user: seat.user().to_string(),
            session: seat.session().to_string(),
            redirect: redirect.to_owned(),
            scopes: scopes.to_string(),
            challenge: challenge.to_owned(),
            state: state.map(str::to_owned),
            nonce: nonce.map(str::to_owned),
            auth_at,
            amr,
        };
        // Any program can listen on a loopback address, so there the user is asked each time (RFC 8252 §8.6).
        if is_known && !redirect::is_loopback(redirect) && !prompt.contains(&"consent") {
            let mut tx = self.db.write().await?;
            let code = self.issue_code(&mut tx, seat.user(), &request).await?;
            tx.commit().await?;
            return Ok(Next::Return(request.respond(&self.issuer, &[("code", code.expose())])));
        }
        if is_silent {
            return fail("consent_required", "the user must be asked first");
        }
        self.ask(seat, &request).await
    }

    async fn ask(&self, seat: &SessionGrant, request: &AuthorizationRequest) -> Result<Next> {
        let ticket = generate("ror_");
        let mut tx = self.db.write().await?;
        self.keep(&mut tx, REQUEST, &ticket, seat.user(), request, REQUEST_SECONDS).await?;
        tx.commit().await?;
        Ok(Next::Ask(ticket))
    }

    /// Issues a code for a request that the user allowed.
    pub(super) async fn issue_code(&self, tx: &mut Tx, user: Id, request: &AuthorizationRequest) -> Result<Secret> {
        let code = generate("roc_");
        self.keep(tx, CODE, &code, user, request, CODE_SECONDS).await?;
        Ok(code)
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        kind: &str,
        secret: &Secret,
        user: Id,
        request: &AuthorizationRequest,
        seconds: u64,
    ) -> Result<()> {
        let (id, now) = (self.clock.id(), self.clock.now());
        let subject = serde_json::to_string(request).map_err(Error::internal)?;
        let ends = now.plus(std::time::Duration::from_secs(seconds));
        tx.insert_ticket(id, kind, &tokens::hash(secret), &subject, Some(user), now, ends).await
    }
}
