//! JSON Web Tokens: our own (RS256, keys at `/.well-known/jwks.json`) and those of configured issuers, such as a CKAN
//! site.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use super::app_tokens::AppTokens;
use super::secret::ServerSecret;
use super::signing_keys::SigningKeys;
use crate::clock::Clock;
use crate::config::{Config, Issuer, OUR_ISSUER};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::types::Millis;

/// Cache lifetime of the keys of a remote issuer.
const JWKS_FRESH: Duration = Duration::from_mins(10);
/// An unknown key id refreshes the keys, but not more often than this.
const JWKS_RETRY: Duration = Duration::from_secs(30);

/// The claims we read and write (RFC 7519 §4.1, and ckanext-authz-service).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    #[serde(default)]
    pub iss: String,
    /// Subject: a user name; absent for anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Audience: one, or a list.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub aud: serde_json::Value,
    /// Expiry time, in seconds since the epoch. Required.
    pub exp: u64,
    /// Not valid before, in seconds since the epoch.
    #[serde(default)]
    pub nbf: u64,
    /// Issued at, in seconds since the epoch.
    #[serde(default)]
    pub iat: u64,
    /// Scopes: one space-separated string, or a list.
    #[serde(default, deserialize_with = "scopes")]
    pub scopes: String,
    /// Token id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

fn scopes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scopes {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Option::<Scopes>::deserialize(deserializer)? {
        None => String::new(),
        Some(Scopes::One(text)) => text,
        Some(Scopes::Many(list)) => list.join(" "),
    })
}

/// All keys that can sign accepted tokens.
pub struct Keys {
    ours: SigningKeys,
    apps: AppTokens,
    issuers: HashMap<String, Trusted>,
    http: reqwest::Client,
    clock: Clock,
}

struct Trusted {
    config: Issuer,
    /// Key from the configured file; a URL fills `remote`.
    fixed: Option<(DecodingKey, Vec<Algorithm>)>,
    /// Never locked while keys are fetched: requests with a cached key do not wait.
    remote: Mutex<Remote>,
    /// Serializes fetches of the keys.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Remote {
    keys: Arc<Vec<Jwk>>,
    asked_at: Option<Millis>,
}

impl Trusted {
    fn remote(&self) -> Remote {
        self.remote.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Remote)) {
        change(&mut self.remote.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Remote {
    /// Returns true if the keys were fetched within this time.
    fn is_fresh(&self, clock: &Clock, limit: Duration) -> bool {
        let age = self.asked_at.map(|at| clock.now().0 - at.0);
        age.is_some_and(|age| u128::from(age.unsigned_abs()) < limit.as_millis())
    }
}

impl Keys {
    /// Loads the keys of this installation; generates the signing key at the first start.
    pub async fn load(config: &Config, db: &Db, secret: &Arc<ServerSecret>, clock: &Clock) -> Result<Self> {
        lfs::store::install_tls_provider();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            // `Config::load` checked the configured URL; the target of a redirect may be unsafe.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        let mut issuers = HashMap::new();
        for issuer in &config.issuers {
            let fixed = issuer.public_key_file.as_deref().map(read_public_key).transpose()?;
            let (remote, asking) = (Mutex::default(), tokio::sync::Mutex::default());
            issuers.insert(issuer.issuer.clone(), Trusted { config: issuer.clone(), fixed, remote, asking });
        }
        let ours = SigningKeys::load(config, db, secret, clock).await?;
        Ok(Self { ours, apps: AppTokens::new(secret), issuers, http, clock: clock.clone() })
    }

    /// Returns the keys of the tokens of applications.
    pub fn apps(&self) -> &AppTokens {
        &self.apps
    }

    /// Returns our own keys.
    pub fn ours(&self) -> &SigningKeys {
        &self.ours
    }

    /// Verifies the signature, issuer, audience and times. Returns the issuer (`None` for this server) and the
    /// claims.
    ///
    /// # Errors
    /// Unauthenticated, with the check that failed, but never how close a signature was.
    pub async fn verify(&self, token: &str) -> Result<(Option<String>, Claims)> {
        let refuse = |why: &str| Error::unauthenticated(format!("invalid token: {why}"));
        let header = jsonwebtoken::decode_header(token).map_err(|_| refuse("it is not a JSON Web Token"))?;
        let claimed: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| refuse("its claims are malformed, or `exp` is missing"))?;
        let (leeway, audience) = if claimed.iss == OUR_ISSUER {
            (0, None)
        } else {
            let trusted = self.issuers.get(&claimed.iss).ok_or_else(|| refuse("unknown issuer"))?;
            (trusted.config.leeway, trusted.config.audience.as_deref())
        };
        let candidates = self.candidates(&claimed.iss, header.kid.as_deref(), header.alg).await?;
        let claims = candidates
            .iter()
            .find_map(|key| {
                let mut validation = Validation::new(header.alg);
                // Times and audience are checked below, with our clock and for both a list and a single value.
                validation.validate_exp = false;
                validation.validate_aud = false;
                validation.required_spec_claims.clear();
                jsonwebtoken::decode::<Claims>(token, key, &validation).ok()
            })
            .ok_or_else(|| refuse("its signature does not match any key of its issuer"))?
            .claims;
        let now = self.clock.now().seconds();
        if now >= claims.exp.saturating_add(leeway) {
            return Err(refuse("it has expired"));
        }
        if claims.nbf > now.saturating_add(leeway) {
            return Err(refuse("it is not valid yet"));
        }
        if let Some(audience) = audience {
            let fits = match &claims.aud {
                serde_json::Value::String(one) => one == audience,
                serde_json::Value::Array(many) => many.iter().any(|one| one == audience),
                _ => false,
            };
            if !fits {
                return Err(refuse("it is for another audience"));
            }
        }
        let issuer = (claims.iss != OUR_ISSUER).then(|| claims.iss.clone());
        Ok((issuer, claims))
    }

    /// Returns the claims of a token of this type (`typ`) that this server signed, expired or not; `None` for any other.
    pub async fn own_claims(&self, kind: &str, token: &str) -> Option<serde_json::Value> {
        let header = jsonwebtoken::decode_header(token).ok().filter(|header| header.alg == Algorithm::RS256)?;
        if header.typ.as_deref() != Some(kind) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let keys = self.candidates(OUR_ISSUER, header.kid.as_deref(), header.alg).await.ok()?;
        keys.iter().find_map(|key| jsonwebtoken::decode(token, key, &validation).ok()).map(|data| data.claims)
    }

    /// Returns the keys of the issuer that can verify this algorithm. Never a shared-secret (HMAC) algorithm: a
    /// public key is not a secret.
    async fn candidates(&self, issuer: &str, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>> {
        if algorithm.family() == AlgorithmFamily::Hmac {
            return Err(Error::unauthenticated("invalid token: sign it with an asymmetric key (RS256, ES256, EdDSA)"));
        }
        if issuer == OUR_ISSUER {
            if let Some(kid) = kid {
                self.ours.expect(kid).await;
            }
            return Ok(fitting(&self.ours.published().keys, kid, algorithm));
        }
        let Some(trusted) = self.issuers.get(issuer) else { return Ok(Vec::new()) };
        if let Some((key, algorithms)) = &trusted.fixed {
            return Ok(if algorithms.contains(&algorithm) { vec![key.clone()] } else { Vec::new() });
        }
        let known = trusted.remote();
        let found = fitting(&known.keys, kid, algorithm);
        let limit = if found.is_empty() { JWKS_RETRY } else { JWKS_FRESH };
        if !known.is_fresh(&self.clock, limit) {
            self.ask(trusted, limit).await;
        }
        let keys = trusted.remote().keys;
        if keys.is_empty() { Err(away()) } else { Ok(fitting(&keys, kid, algorithm)) }
    }

    /// Fetches the keys of the issuer, unless another request did so within `limit`, possibly while this one waited.
    async fn ask(&self, trusted: &Trusted, limit: Duration) {
        let url = trusted.config.jwks_url.as_deref().unwrap_or_default();
        let _asking = trusted.asking.lock().await;
        if trusted.remote().is_fresh(&self.clock, limit) {
            return;
        }
        let answer =
            async { self.http.get(url).send().await?.error_for_status()?.json::<serde_json::Value>().await }.await;
        let now = self.clock.now();
        match answer {
            Ok(json) => {
                // One unsupported key must not hide the others.
                let keys = json["keys"].as_array().into_iter().flatten();
                let keys = Arc::new(keys.filter_map(|key| serde_json::from_value(key.clone()).ok()).collect());
                trusted.change(|remote| *remote = Remote { keys, asked_at: Some(now) });
            }
            Err(error) => {
                tracing::warn!(url, %error, "cannot fetch the keys of the issuer; using the cached ones, if any");
                trusted.change(|remote| remote.asked_at = Some(now));
            }
        }
    }
}

/// Not an authentication error: git deletes a stored password after a 401.
fn away() -> Error {
    Error::unavailable("cannot fetch the keys of the token's issuer; try again in a moment")
}

fn fitting(keys: &[Jwk], kid: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
    keys.iter()
        .filter(|key| kid.is_none() || key.common.key_id.is_none() || key.common.key_id.as_deref() == kid)
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .filter(|key| key.family() == algorithm.family())
        .collect()
}

fn read_public_key(file: &std::path::Path) -> Result<(DecodingKey, Vec<Algorithm>)> {
    let pem = std::fs::read(file)
        .map_err(|error| Error::invalid(format!("cannot read the public key {}: {error}", file.display())))?;
    if let Ok(key) = DecodingKey::from_rsa_pem(&pem) {
        return Ok((key, vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256]));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(&pem) {
        return Ok((key, vec![Algorithm::ES256, Algorithm::ES384]));
    }
    if let Ok(key) = DecodingKey::from_ed_pem(&pem) {
        return Ok((key, vec![Algorithm::EdDSA]));
    }
    Err(Error::invalid(format!("{} is not a public key in PEM (RSA, EC or Ed25519)", file.display())))
}
