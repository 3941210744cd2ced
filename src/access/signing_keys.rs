//! Our own signing keys (RSA) and their rotation. A new key is published for a day before it signs, so that other
//! servers know it by then, and an old one until its last token has expired.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::secret::ServerSecret;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::db::keys::SigningKeyRow;
use crate::error::{Error, Result};
use crate::types::Millis;

/// How long a key is published before it signs.
const PUBLISHED_AHEAD: Duration = Duration::from_hours(24);

/// Interval at which each replica reads the keys.
const RELOAD: Duration = Duration::from_mins(1);

/// An unknown key id makes a replica read the keys, but not more often than this.
const RELOAD_UNKNOWN: Duration = Duration::from_secs(5);

/// The signing keys of this installation, which all replicas share.
pub struct SigningKeys {
    db: Db,
    secret: Arc<ServerSecret>,
    clock: Clock,
    /// Age at which a key is replaced; `None` for never.
    key_age: Option<Duration>,
    /// Longest lifetime of a token.
    longest: Duration,
    /// Newest first; never empty.
    keys: RwLock<Arc<Vec<SigningKey>>>,
    /// When an unknown key id was the reason for reading them.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

struct SigningKey {
    kid: String,
    signing: RsaKeyPair,
    pem: String,
    public: Jwk,
    signs_from: Millis,
    retires_at: Option<Millis>,
}

impl SigningKeys {
    /// Loads the keys; generates one at the first start.
    pub(super) async fn load(config: &Config, db: &Db, secret: &Arc<ServerSecret>, clock: &Clock) -> Result<Self> {
        let mut rows = db.read().await?.signing_keys().await?;
        if rows.is_empty() {
            let (kid, der, public) = crate::blocking(make_key).await??;
            let mut tx = db.write().await?;
            // Two replicas may start at the same time: the first key wins, and the second replica must be able to
            // decrypt it.
            tx.lock_signing_keys().await?;
            if tx.signing_keys().await?.is_empty() {
                tx.insert_signing_key(&kid, &secret.seal(&kid, &der)?, &public, clock.now(), Millis(0)).await?;
                tx.commit().await?;
            }
            rows = db.read().await?.signing_keys().await?;
        }
        let keys = open_all(secret, &rows)?;
        Ok(Self {
            db: db.clone(),
            secret: secret.clone(),
            clock: clock.clone(),
            key_age: config.oauth.key_age(),
            longest: Duration::from_secs(config.ttl.jwt.max(config.oauth.access_seconds)),
            keys: RwLock::new(Arc::new(keys)),
            asked: tokio::sync::Mutex::new(None),
        })
    }

    fn keys(&self) -> Arc<Vec<SigningKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the public keys as a JSON Web Key Set (RFC 7517): the current one, the next one, and those whose tokens
    /// may still be valid.
    pub fn published(&self) -> JwkSet {
        let now = self.clock.now();
        let keys = self.keys();
        let published = keys.iter().filter(|key| key.retires_at.is_none_or(|end| end > now));
        JwkSet { keys: published.map(|key| key.public.clone()).collect() }
    }

    /// Returns the public key of the current signing key as PEM (RFC 7468 §13).
    pub fn public_pem(&self) -> Result<String> {
        Ok(current(&self.keys(), self.clock.now())?.pem.clone())
    }

    /// Signs claims with the current key, as a token of this type (`typ`).
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String> {
        let keys = self.keys();
        let key = current(&keys, self.clock.now())?;
        let mut header = Header::new(Algorithm::RS256);
        header.typ = Some(kind.to_owned());
        header.kid = Some(key.kid.clone());
        // By ring, which takes half as long as the crate `rsa`.
        let part = |json: serde_json::Result<Vec<u8>>| json.map(|json| BASE64.encode(json)).map_err(Error::internal);
        let mut token = [part(serde_json::to_vec(&header))?, part(serde_json::to_vec(claims))?].join(".");
        let mut signature = vec![0; key.signing.public().modulus_len()];
        let signed = key.signing.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature);
        signed.map_err(|_| Error::internal("cannot sign a token"))?;
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Reads the keys again if there is none with this id: another replica may have added it.
    pub(super) async fn expect(&self, kid: &str) {
        if self.keys().iter().any(|key| key.kid == kid) {
            return;
        }
        // Requests do not queue here: all but the first go on with the keys that are known.
        let Ok(mut asked) = self.asked.try_lock() else { return };
        if asked.is_some_and(|at| at.elapsed() < RELOAD_UNKNOWN) {
            return;
        }
        *asked = Some(Instant::now());
        if let Err(error) = self.reload().await {
            tracing::warn!(%error, "cannot read the signing keys; using those that are known");
        }
    }

    /// Reads the keys periodically until `stop`, because any replica may rotate them.
    pub async fn keep_current(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(RELOAD)).await.is_some() {
            if let Err(error) = self.reload().await {
                tracing::warn!(%error, "cannot read the signing keys; using those that are known");
            }
        }
    }

    async fn reload(&self) -> Result<()> {
        let rows = self.db.read().await?.signing_keys().await?;
        let known = self.keys();
        let changed = rows.len() != known.len()
            || rows.iter().zip(known.iter()).any(|(row, key)| row.kid != key.kid || row.retires_at != key.retires_at);
        if changed && !rows.is_empty() {
            let keys = Arc::new(open_all(&self.secret, &rows)?);
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        Ok(())
    }

    /// Adds a key if the newest is old, and deletes those that have retired.
    pub async fn rotate(&self) -> Result<()> {
        let is_due = |rows: &[SigningKeyRow], now: Millis| {
            let newest = rows.iter().map(|row| row.created_at).max();
            self.key_age.is_some_and(|age| newest.is_none_or(|newest| newest.plus(age) <= now))
        };
        let now = self.clock.now();
        let rows = self.db.read().await?.signing_keys().await?;
        let made = if is_due(&rows, now) { Some(crate::blocking(make_key).await??) } else { None };
        let mut tx = self.db.write().await?;
        tx.lock_signing_keys().await?;
        // Another replica may have been faster.
        let rows = tx.signing_keys().await?;
        if let Some((kid, der, public)) = made.filter(|_| is_due(&rows, now)) {
            let signs_from = now.plus(PUBLISHED_AHEAD);
            tx.insert_signing_key(&kid, &self.secret.seal(&kid, &der)?, &public, now, signs_from).await?;
            // Replicas may notice it a little later.
            tx.retire_signing_keys(&kid, signs_from.plus(self.longest).plus(RELOAD * 2)).await?;
            tracing::info!(kid, "added a signing key; it signs from tomorrow");
        }
        tx.forget_signing_keys(now).await?;
        tx.commit().await?;
        self.reload().await
    }
}

/// Returns the key that signs at this time: the newest of those that have begun.
fn current(keys: &[SigningKey], now: Millis) -> Result<&SigningKey> {
    let begun = keys.iter().find(|key| key.signs_from <= now).or(keys.last());
    begun.ok_or_else(|| Error::internal("no signing key"))
}

fn open_all(secret: &ServerSecret, rows: &[SigningKeyRow]) -> Result<Vec<SigningKey>> {
    if rows.is_empty() {
        return Err(Error::internal("no signing key"));
    }
    rows.iter().map(|row| open(secret, row)).collect()
}

fn open(secret: &ServerSecret, row: &SigningKeyRow) -> Result<SigningKey> {
    let der = secret.open(&row.kid, &row.sealed)?;
    let private = rsa::RsaPrivateKey::from_pkcs1_der(&der).map_err(Error::internal)?;
    Ok(SigningKey {
        kid: row.kid.clone(),
        signing: RsaKeyPair::from_der(&der).map_err(|error| Error::internal(error.to_string()))?,
        pem: private.to_public_key().to_public_key_pem(LineEnding::LF).map_err(Error::internal)?,
        public: serde_json::from_str(&row.public).map_err(Error::internal)?,
        signs_from: row.signs_from,
        retires_at: row.retires_at,
    })
}

/// Generates a 2048-bit RSA key. Returns its id (RFC 7638 thumbprint), PKCS#1 DER and public JWK.
fn make_key() -> Result<(String, Vec<u8>, String)> {
    let key = rsa::RsaPrivateKey::new(&mut rand_core::OsRng, 2048).map_err(Error::internal)?;
    let der = key.to_pkcs1_der().map_err(Error::internal)?.as_bytes().to_vec();
    rsa::RsaPrivateKey::from_pkcs1_der(&der).map_err(Error::internal)?;
    let mut jwk =
        Jwk::from_encoding_key(&EncodingKey::from_rsa_der(&der), Algorithm::RS256).map_err(Error::internal)?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(Error::internal)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((kid, der, serde_json::to_string(&jwk).map_err(Error::internal)?))
}
