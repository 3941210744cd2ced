//! Passkeys (WebAuthn): discoverable credentials that verify their user, bound to the host of `public_url`. One counts as
//! two factors: the device, and the PIN or the finger that opens it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{
    CreationChallengeResponse, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::one_time_tokens::{self, Purpose};
use super::sessions::{ClientInfo, SignInMethod, SignedIn, by};
use super::{Accounts, emails};
use crate::access::FactorChangeGrant;
use crate::config::Config;
pub use crate::db::passkeys::PasskeyRow;
use crate::error::{Error, Kind, Result};
use crate::mail;
use crate::types::{Id, Secret};

/// How long an answer to a challenge may take. A sign-in page may be open for some time before the user signs in.
const CHALLENGE: Duration = Duration::from_mins(10);

/// Maximum number of passkeys of a user.
const MAX_PASSKEYS: usize = 20;

/// Maximum length of the name of a passkey, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Subject of the token of a registration.
#[derive(Serialize, Deserialize)]
struct PendingPasskey {
    user: String,
    session: String,
    state: PasskeyRegistration,
}

/// A challenge, and the one-time token to be sent with its answer.
pub struct Challenge {
    /// The one-time token.
    pub ticket: Secret,
    /// Options for the browser's `navigator.credentials`.
    pub options: Value,
}

/// The relying party (WebAuthn). Cheap to clone.
#[derive(Clone)]
pub(super) struct RelyingParty(Option<Arc<(Webauthn, String)>>);

impl RelyingParty {
    /// Returns the relying party of this site. Without `public_url`, or if its host is an IP address, the site has no
    /// passkeys: browsers bind them to a host name.
    pub(super) fn new(config: &Config) -> Self {
        let open = |url: &str| -> Option<(Webauthn, String)> {
            let url = Url::parse(url).ok()?;
            let host = url.domain()?.to_owned();
            let webauthn = WebauthnBuilder::new(&host, &url).ok()?.rp_name(&host).timeout(CHALLENGE).build().ok()?;
            Some((webauthn, host))
        };
        Self(config.public_url.as_deref().and_then(open).map(Arc::new))
    }

    /// Returns the host; `None` if the site has no passkeys.
    pub(super) fn host(&self) -> Option<&str> {
        self.0.as_deref().map(|(_, host)| host.as_str())
    }

    fn get(&self) -> Result<(&Webauthn, &str)> {
        let party = self.0.as_deref().map(|(webauthn, host)| (webauthn, host.as_str()));
        party.ok_or_else(|| Error::not_found("this site has no passkeys: `public_url` has no host name"))
    }
}

impl Accounts {
    /// Returns true if users can sign in with passkeys.
    pub fn has_passkeys(&self) -> bool {
        self.relying_party.host().is_some()
    }

    /// Creates a challenge to sign in with a passkey.
    ///
    /// # Errors
    /// Not found if the site has no passkeys.
    pub async fn begin_passkey_sign_in(&self) -> Result<Challenge> {
        let (webauthn, _) = self.relying_party.get()?;
        let (mut options, state) = webauthn.start_discoverable_authentication().map_err(|error| failed(&error))?;
        // The page decides whether it shows a dialog.
        options.mediation = None;
        let (clock, purpose) = (&self.clock, Purpose::PasskeySignIn);
        let mut tx = self.db.write().await?;
        let issued = one_time_tokens::issue(&mut tx, clock, purpose, &state, None, CHALLENGE).await?;
        tx.commit().await?;
        Ok(Challenge { ticket: issued.1, options: serde_json::to_value(options).map_err(Error::internal)? })
    }

    /// Starts a session for the user of a passkey, by the answer to a challenge. Reopens a closed account.
    ///
    /// # Errors
    /// Not found for a challenge that is not valid, also if it was answered before; unauthenticated for a wrong answer.
    pub async fn sign_in_with_passkey(&self, ticket: &Secret, answer: Value, visit: &ClientInfo) -> Result<SignedIn> {
        let (webauthn, host) = self.relying_party.get()?;
        let wrong = || Error::unauthenticated("this passkey is not registered here, or its answer is not valid");
        let mut tx = self.db.write().await?;
        let redeemed =
            one_time_tokens::redeem::<DiscoverableAuthentication>(&mut tx, &self.clock, Purpose::PasskeySignIn, ticket);
        let state = redeemed.await.map_err(over)?.subject;
        // Whatever comes of it, the challenge was used.
        tx.commit().await?;
        let answer: PublicKeyCredential = serde_json::from_value(answer).map_err(|_| wrong())?;
        let (handle, credential) = webauthn.identify_discoverable_authentication(&answer).map_err(|_| wrong())?;
        let user = Id::from_bytes(*handle.as_bytes());
        let credential = BASE64.encode(credential);
        let mut tx = self.db.write().await?;
        tx.lock_account(user).await?;
        let stored = tx.passkey_by_credential(&credential).await?;
        let stored = stored.filter(|row| row.user_id == user && row.host == host).ok_or_else(wrong)?;
        let mut key: Passkey = serde_json::from_str(&stored.key).map_err(Error::internal)?;
        let verified = webauthn.finish_discoverable_authentication_v2(&answer, state, &key).map_err(|error| {
            tracing::info!(%error, "a passkey's answer was refused");
            wrong()
        })?;
        if !verified.user_verified() {
            return Err(wrong());
        }
        let row = tx.login(user).await?.filter(|row| row.is_open(self.clock.now())).ok_or_else(wrong)?;
        key.update_credential(&verified);
        let after = serde_json::to_string(&key).map_err(Error::internal)?;
        if !tx.use_passkey(stored.id, &stored.key, &after, self.clock.now()).await? {
            return Err(wrong());
        }
        if row.closed_at.is_some() {
            self.reopen(&mut tx, &row).await?;
        }
        let signed_in = self.begin_session(&mut tx, user, visit, SignInMethod::Passkey).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Creates a challenge to register a passkey of the user.
    ///
    /// # Errors
    /// Not found if the site has no passkeys; conflict if the user has too many.
    pub async fn begin_passkey(&self, grant: &FactorChangeGrant) -> Result<Challenge> {
        let (webauthn, host) = self.relying_party.get()?;
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        let known = tx.passkeys(user.id, host).await?;
        if known.len() >= MAX_PASSKEYS {
            return Err(Error::conflict(format!("you have {MAX_PASSKEYS} passkeys: remove one first")));
        }
        let known = known.iter().map(|row| serde_json::from_str::<Passkey>(&row.key).map_err(Error::internal));
        let known = known.map(|key| key.map(|key| key.cred_id().clone())).collect::<Result<Vec<_>>>()?;
        let shown = if user.display_name.is_empty() { &user.name } else { &user.display_name };
        let handle = Uuid::from_bytes(*user.id.as_bytes());
        let begun = webauthn.start_passkey_registration(handle, &user.name, shown, Some(known));
        let (options, state) = begun.map_err(|error| failed(&error))?;
        let subject = PendingPasskey { user: user.id.to_string(), session: grant.session().to_string(), state };
        let (clock, purpose) = (&self.clock, Purpose::NewPasskey);
        let issued = one_time_tokens::issue(&mut tx, clock, purpose, &subject, Some(user.id), CHALLENGE).await?;
        tx.commit().await?;
        Ok(Challenge { ticket: issued.1, options: discoverable(options)? })
    }

    /// Registers a passkey of the user, by the answer to a challenge.
    ///
    /// # Errors
    /// Not found for a challenge that is not valid; forbidden for a wrong answer; conflict if the passkey is registered.
    pub async fn finish_passkey(
        &self,
        grant: &FactorChangeGrant,
        ticket: &Secret,
        name: &str,
        answer: Value,
    ) -> Result<PasskeyRow> {
        let (webauthn, host) = self.relying_party.get()?;
        let name = checked_name(name)?;
        let wrong = || Error::forbidden("the answer of this passkey is not valid: try again");
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        let redeemed = one_time_tokens::redeem::<PendingPasskey>(&mut tx, &self.clock, Purpose::NewPasskey, ticket);
        let pending = redeemed.await.map_err(over)?.subject;
        if (pending.user, pending.session) != (user.id.to_string(), grant.session().to_string()) {
            return Err(over(one_time_tokens::gone()));
        }
        let answer: RegisterPublicKeyCredential = serde_json::from_value(answer).map_err(|_| wrong())?;
        let key = webauthn.finish_passkey_registration(&answer, &pending.state).map_err(|error| {
            tracing::info!(%error, "a new passkey's answer was refused");
            wrong()
        })?;
        let row = PasskeyRow {
            id: self.clock.id(),
            user_id: user.id,
            name,
            host: host.to_owned(),
            key: serde_json::to_string(&key).map_err(Error::internal)?,
            created_at: self.clock.now(),
            last_used_at: None,
        };
        tx.insert_passkey(&row, &BASE64.encode(key.cred_id())).await?;
        // The user has just proven to have it.
        tx.add_session_amr(grant.session(), SignInMethod::Passkey.amr()).await?;
        self.audit_by(&mut tx, &by(user.id), "passkey.add", &format!("{} {}", user.name, row.id)).await?;
        let way = format!("the passkey \"{}\"", row.name);
        let notice = emails::sign_in_added(&self.base, &user.email.parse()?, &user.name, &way);
        mail::enqueue_email(&mut tx, &self.clock, &notice).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Renames a passkey of the user.
    ///
    /// # Errors
    /// Not found if the user has no such passkey; invalid for a bad name.
    pub async fn rename_passkey(&self, grant: &FactorChangeGrant, id: Id, name: &str) -> Result<()> {
        let name = checked_name(name)?;
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        if !tx.rename_passkey(user.id, id, &name).await? {
            return Err(Error::not_found("passkey not found"));
        }
        tx.commit().await
    }

    /// Removes a passkey of the user.
    ///
    /// # Errors
    /// Not found if the user has no such passkey; conflict if the user could not sign in any more.
    pub async fn remove_passkey(&self, grant: &FactorChangeGrant, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        let name = tx.delete_passkey(user.id, id).await?.ok_or_else(|| Error::not_found("passkey not found"))?;
        self.expect_way_in(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &by(user.id), "passkey.remove", &format!("{} {id}", user.name)).await?;
        let way = format!("the passkey \"{name}\"");
        let notice = emails::sign_in_removed(&self.base, &user.email.parse()?, &user.name, &way);
        mail::enqueue_email(&mut tx, &self.clock, &notice).await?;
        tx.commit().await
    }
}

/// Returns the options of a registration, which ask for a credential that is found without a user name.
fn discoverable(options: CreationChallengeResponse) -> Result<Value> {
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    let selection = &mut options["publicKey"]["authenticatorSelection"];
    selection["residentKey"] = "required".into();
    selection["requireResidentKey"] = true.into();
    Ok(options)
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!("the name of a passkey must have 1 to {MAX_NAME_CHARS} characters")));
    }
    Ok(name.to_owned())
}

fn failed(error: &WebauthnError) -> Error {
    Error::internal(error.to_string())
}

fn over(error: Error) -> Error {
    match error.kind() {
        Kind::NotFound => Error::not_found("the request has expired, or was used before: try again"),
        _ => error,
    }
}
