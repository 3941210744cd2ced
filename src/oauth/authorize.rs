//! Authorization requests (RFC 6749 §4.1.1, with PKCE and `iss`): which are valid, and whether the user must be asked, or
//! sign in again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clients::{self, ClientRow, FREE_QUERY, NO_PKCE, TRUSTED, has_trait, requested};
use super::redirect::{self, with_query};
use super::{Answer, Failure, OAuth, generate};
use crate::access::app_tokens::AppScopes;
use crate::access::{SessionGrant, tokens};
use crate::db::Tx;
use crate::db::consents::ConsentRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};

/// Lifetimes of a code and of a request for consent, in seconds.
const CODE_SECONDS: u64 = 60;
const REQUEST_SECONDS: u64 = 600;

pub(super) const CODE: &str = "oauth-code";
pub(super) const REQUEST: &str = "oauth-request";

/// Maximum length of `state` and of `nonce`, in bytes: both come back in URLs and tokens.
const MAX_VALUE_BYTES: usize = 2048;

/// Maximum length of a request, in bytes. It also comes back in a URL, from the sign-in page.
const MAX_QUERY_BYTES: usize = 7 << 10;

/// Parameter that this server adds to a request whose user has to sign in again, with the time of the request, in
/// milliseconds since the Unix epoch: a later sign-in is new enough. Applications must check `auth_time`, since users can change
/// requests.
const SIGNED_IN_AFTER: &str = "signed_in_after";

/// A valid authorization request of a signed-in user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AuthorizationRequest {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) redirect: String,
    pub(super) scopes: String,
    /// Id of the server that the access tokens are for; `None` for this one.
    pub(super) resource: Option<String>,
    /// `None` for an application that does not use PKCE.
    pub(super) challenge: Option<String>,
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

/// Returns true for a redirect URL of an application.
pub(super) fn is_registered(client: &ClientRow, redirect: &str) -> Result<bool> {
    let registered = clients::urls(&client.redirects)?;
    Ok(if has_trait(client, FREE_QUERY) {
        let registered: Vec<String> = registered.iter().map(|url| redirect::without_query(url).to_owned()).collect();
        let (url, query) = redirect.split_once('?').unwrap_or((redirect, ""));
        // Applications may take the first value of a parameter.
        let is_ours = |name: &str| ["code", "state", "iss", "response"].contains(&name) || name.starts_with("error");
        redirect::check(redirect).is_ok()
            && redirect::is_registered(url, &registered)
            && !form_urlencoded::parse(query.as_bytes()).any(|(name, _)| is_ours(&name))
    } else {
        redirect::is_registered(redirect, &registered)
    })
}

fn respond(redirect: &str, issuer: &str, state: Option<&str>, pairs: &[(&str, &str)]) -> String {
    let mut all = pairs.to_vec();
    all.extend(state.map(|state| ("state", state)));
    all.push(("iss", issuer));
    with_query(redirect, &all)
}

/// Returns the scopes that a user allows an application at another server.
pub(super) async fn scopes_at(tx: &mut Tx, user: Id, client: Id, server: Id) -> Result<AppScopes> {
    let rows = tx.consent_resources(user, Some(client)).await?;
    rows.into_iter().find(|row| row.server_id == server).map_or(Ok(AppScopes::default()), |row| row.scopes.parse())
}

/// Returns true if the user has allowed all of this before.
async fn is_allowed(
    tx: &mut Tx,
    user: Id,
    consent: &ConsentRow,
    scopes: AppScopes,
    resource: Option<Id>,
) -> Result<bool> {
    let allowed = match resource {
        Some(server) => scopes_at(tx, user, consent.client_id, server).await?,
        None => consent.scopes.parse()?,
    };
    // The user may have removed the last file.
    Ok(allowed.has(scopes) && !(scopes.has(AppScopes::FILES) && tx.consent_paths(consent.id).await?.is_empty()))
}

/// What the browser does next.
pub enum Next {
    /// Return to the application, at this URL.
    Return(String),
    /// Sign in first, and then continue with this query.
    SignIn(String),
    /// Sign in again, although there is a session, and then continue with this query.
    SignInAgain(String),
    /// Ask the user, in the request with this ticket.
    Ask(Secret),
}

/// The parameters of an authorization request.
struct Parameters {
    values: BTreeMap<String, String>,
    /// The only parameter that can be repeated (RFC 8707 §2).
    resources: Vec<String>,
    is_repeated: bool,
}

impl Parameters {
    fn parse(query: &str) -> Self {
        let mut parsed = Self { values: BTreeMap::new(), resources: Vec::new(), is_repeated: false };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name == "resource" {
                parsed.resources.push(value.into_owned());
            } else {
                parsed.is_repeated |= parsed.values.insert(name.into_owned(), value.into_owned()).is_some();
            }
        }
        parsed
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the PKCE challenge; `None` without one.
    fn challenge(&self, client: &ClientRow) -> Answer<Option<String>> {
        let sent = self.get("code_challenge");
        if sent.is_none() && has_trait(client, NO_PKCE) {
            return Ok(None);
        }
        let is_s256 = self.get("code_challenge_method") == Some("S256");
        match sent.filter(|challenge| is_s256 && challenge.len() == 43) {
            Some(challenge) => Ok(Some(challenge.to_owned())),
            None => Err(invalid("PKCE is required: code_challenge with code_challenge_method=S256")),
        }
    }

    /// Checks what this server does not support.
    fn check(&self) -> Answer<()> {
        if self.get("response_type") != Some("code") {
            return Err(Failure::new("unsupported_response_type", "response_type must be code"));
        }
        if self.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(invalid("response_mode must be query"));
        }
        for (name, code) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
            if self.get(name).is_some() {
                return Err(Failure::new(code, "request objects are not supported"));
            }
        }
        Ok(())
    }
}

fn invalid(why: &str) -> Failure {
    Failure::new("invalid_request", why)
}

/// What the application wants the user to do (OpenID Connect Core §3.1.2.1).
#[derive(Default)]
struct Prompt {
    is_silent: bool,
    wants_consent: bool,
    wants_sign_in: bool,
}

impl Prompt {
    fn parse(text: &str) -> Answer<Self> {
        let mut prompt = Self::default();
        for word in text.split_ascii_whitespace() {
            match word {
                "none" => prompt.is_silent = true,
                "consent" => prompt.wants_consent = true,
                // The sign-in page is also where users choose another account.
                "login" | "select_account" => prompt.wants_sign_in = true,
                _ => return Err(invalid("prompt must be none, login, consent or select_account")),
            }
        }
        if prompt.is_silent && (prompt.wants_consent || prompt.wants_sign_in) {
            return Err(invalid("prompt=none must be the only prompt"));
        }
        Ok(prompt)
    }
}

/// Whether the user signed in recently enough.
#[derive(PartialEq, Eq)]
enum SignInAge {
    /// The user must sign in again.
    TooOld,
    /// The user has signed in again for this request.
    Renewed,
    Fitting,
}

/// A request whose application is known, so that errors are sent to it.
struct KnownRequest<'a> {
    client: &'a ClientRow,
    redirect: &'a str,
    query: &'a str,
    parameters: &'a Parameters,
}

impl OAuth {
    /// Decides an authorization request.
    ///
    /// # Errors
    /// Invalid for an unknown application or redirect URL: these are shown to the user, never sent to the URL.
    pub async fn authorize(&self, query: &str, seat: Option<&SessionGrant>) -> Result<Next> {
        let parameters = Parameters::parse(query);
        let client = match parameters.get("client_id") {
            Some(id) => self.enabled_client(id).await?,
            None => None,
        };
        let client = client.ok_or_else(|| Error::invalid("this application is not registered here, or is disabled"))?;
        let redirect = parameters.get("redirect_uri").unwrap_or_default();
        if parameters.is_repeated || !is_registered(&client, redirect)? {
            return Err(Error::invalid("the application sent a redirect URL that it has not registered"));
        }
        let (state, nonce) = (parameters.get("state"), parameters.get("nonce"));
        let is_long = [state, nonce].into_iter().flatten().any(|value| value.len() > MAX_VALUE_BYTES);
        if is_long || query.len() > MAX_QUERY_BYTES {
            return Err(Error::invalid("the application sent a request that is too long"));
        }
        let request = KnownRequest { client: &client, redirect, query, parameters: &parameters };
        match self.decide(&request, seat).await {
            Ok(next) => Ok(next),
            Err(Failure::Protocol(code, why)) => {
                let pairs = [("error", code), ("error_description", &why)];
                Ok(Next::Return(respond(redirect, &self.issuer, state, &pairs)))
            }
            Err(Failure::Server(error)) => Err(error),
        }
    }

    async fn decide(&self, known: &KnownRequest<'_>, seat: Option<&SessionGrant>) -> Answer<Next> {
        let KnownRequest { client, parameters, .. } = *known;
        let owned = |name: &str| parameters.get(name).map(str::to_owned);
        parameters.check()?;
        let challenge = parameters.challenge(client)?;
        let mut scopes = requested(client, parameters.get("scope").unwrap_or("openid"))?;
        if !clients::has_grant(client, "authorization_code") {
            return Err(Failure::unauthorized_client());
        }
        let prompt = Prompt::parse(parameters.get("prompt").unwrap_or_default())?;
        let hinted = self.hinted_user(client, parameters).await?;
        let mut tx = self.db.read().await?;
        let resource = self.requested_resource(&mut tx, client, &parameters.resources).await?;
        if resource.is_some() {
            // Files are chosen here.
            scopes = scopes.without(AppScopes::FILES);
            if scopes.is_empty() {
                return Err(Failure::new("invalid_scope", "the scope `files` has no meaning at another server"));
            }
        }
        let refused = |why: &str| Failure::new("login_required", why);
        let Some(seat) = seat else {
            let why = "the user is not signed in";
            return if prompt.is_silent {
                Err(refused(why))
            } else {
                Ok(Next::SignIn(self.after_sign_in(known, &prompt)))
            };
        };
        let Some((auth_at, amr)) = tx.session_began(seat.user(), seat.session()).await? else {
            return Ok(Next::SignIn(self.after_sign_in(known, &prompt)));
        };
        let age = self.age(parameters, &prompt, auth_at)?;
        let is_other = hinted.is_some_and(|user| user != seat.user().to_string());
        if age == SignInAge::TooOld || (is_other && age != SignInAge::Renewed) {
            return if prompt.is_silent {
                Err(refused("the user signed in too long ago, or is another one"))
            } else {
                Ok(Next::SignInAgain(self.after_sign_in(known, &prompt)))
            };
        }
        if is_other {
            return Err(refused("another user is signed in"));
        }
        if !self.is_admitted(&mut tx, client, seat.user()).await? {
            let why = "the user's platform role does not allow this application";
            return Err(Failure::new("access_denied", why));
        }
        let consent = tx.consent(seat.user(), client.id).await?;
        let was_disconnected = consent.as_ref().is_some_and(|row| !row.is_given());
        let is_allowed = match consent {
            Some(consent) => is_allowed(&mut tx, seat.user(), &consent, scopes, resource).await?,
            None => false,
        };
        drop(tx);
        let request = AuthorizationRequest {
            client: client.id.to_string(),
            user: seat.user().to_string(),
            session: seat.session().to_string(),
            redirect: known.redirect.to_owned(),
            scopes: scopes.to_string(),
            resource: resource.map(|server| server.to_string()),
            challenge,
            state: owned("state"),
            nonce: owned("nonce"),
            auth_at,
            amr,
        };
        // Users have chosen no files for an application that they were not asked about.
        let is_trusted = has_trait(client, TRUSTED) && !scopes.has(AppScopes::FILES) && !was_disconnected;
        // Any program can listen on a loopback address, so there the user is asked each time (RFC 8252 §8.6).
        let is_certain = !redirect::is_loopback(known.redirect) || (is_trusted && client.secret.is_some());
        if (is_allowed || is_trusted) && is_certain && !prompt.wants_consent {
            let mut tx = self.db.write().await?;
            if !is_allowed {
                self.put_consent(&mut tx, seat.user(), client.id, &request, &[]).await?;
            }
            let code = self.issue_code(&mut tx, seat.user(), &request).await?;
            tx.commit().await?;
            return Ok(Next::Return(request.respond(&self.issuer, &[("code", code.expose())])));
        }
        if prompt.is_silent {
            return Err(Failure::new("consent_required", "the user must be asked first"));
        }
        Ok(self.ask(seat, &request).await?)
    }

    /// Returns the user that the application expects, by an ID token that it has got before.
    async fn hinted_user(&self, client: &ClientRow, parameters: &Parameters) -> Answer<Option<String>> {
        let Some(token) = parameters.get("id_token_hint") else { return Ok(None) };
        let claims = self.access.keys().own_claims("JWT", token).await;
        let claims = claims.filter(|claims| claims["iss"] == self.issuer && claims["aud"] == client.id.to_string());
        let claims = claims.ok_or_else(|| invalid("id_token_hint is not an ID token of this application"))?;
        Ok(claims["sub"].as_str().map(str::to_owned))
    }

    fn age(&self, parameters: &Parameters, prompt: &Prompt, auth_at: Millis) -> Answer<SignInAge> {
        let number = |name: &str| match parameters.get(name).map(str::parse::<i64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(invalid(&format!("{name} must be a number"))),
        };
        let age = (self.clock.now().0 - auth_at.0) / 1000;
        let is_old = number("max_age")?.is_some_and(|most| age > most);
        let is_new = number(SIGNED_IN_AFTER)?.is_some_and(|time| auth_at.0 > time);
        Ok(match (is_new, prompt.wants_sign_in || is_old) {
            (true, _) => SignInAge::Renewed,
            (false, true) => SignInAge::TooOld,
            (false, false) => SignInAge::Fitting,
        })
    }

    /// Returns the query to continue with after signing in. It says since when, if any earlier sign-in may be too old.
    fn after_sign_in(&self, known: &KnownRequest<'_>, prompt: &Prompt) -> String {
        if !prompt.wants_sign_in && ["max_age", "id_token_hint"].iter().all(|name| known.parameters.get(name).is_none())
        {
            return known.query.to_owned();
        }
        let rest = form_urlencoded::parse(known.query.as_bytes()).filter(|(name, _)| name != SIGNED_IN_AFTER);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(rest).append_pair(SIGNED_IN_AFTER, &self.clock.now().0.to_string());
        query.finish()
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
