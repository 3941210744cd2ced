//! External identity providers (OAuth 2.0, OpenID Connect): where users are sent to sign in, and the user that
//! an authorization code belongs to.

mod github;
mod http;
mod oidc;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use self::github::GitHub;
use self::http::HttpClient;
use self::oidc::OpenIdConnect;
use crate::clock::{Clock, random};
use crate::config::{Config, ProviderKind, SignInProvider};
use crate::error::Result;
use crate::types::{Email, Secret};

/// Maximum length of a subject, in bytes (OpenID Connect Core §2 allows 255).
const MAX_SUBJECT_BYTES: usize = 255;

/// What this server must remember of a sign-in until the user comes back.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Handshake {
    /// Value in the ID token (OpenID Connect Core §3.1.2.1).
    nonce: String,
    /// PKCE code verifier (RFC 7636).
    verifier: String,
}

impl Handshake {
    fn generate() -> Self {
        let text = || BASE64.encode(random::<32>());
        Self { nonce: text(), verifier: text() }
    }
}

/// A user of an external provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExternalUser {
    /// Stable id there.
    pub(super) subject: String,
    /// The address, if the provider has verified it.
    pub(super) email: Option<Email>,
    /// User name there; may be empty. It can change hands, so it identifies no one.
    pub(super) login: String,
    /// Display name; may be empty.
    pub(super) name: String,
}

/// Why a provider did not say who the user is.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    /// It cannot be reached, or did not answer in time.
    #[error("the provider cannot be reached: {0}")]
    Unavailable(String),
    /// It answered, but not with what the protocol requires.
    #[error("the provider's answer is not valid: {0}")]
    Invalid(String),
}

/// One external provider.
pub(super) struct Provider {
    pub(super) config: SignInProvider,
    protocol: Protocol,
}

enum Protocol {
    GitHub(Box<GitHub>),
    Oidc(Box<OpenIdConnect>),
}

/// All configured providers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Providers(Arc<[Provider]>);

impl Providers {
    /// Reads the client secrets. Providers are contacted when they are used first.
    ///
    /// # Errors
    /// Invalid for a secret that cannot be read.
    pub(super) fn new(config: &Config, clock: &Clock) -> Result<Self> {
        let open = |provider: &SignInProvider| -> Result<Provider> {
            let (http, secret) = (HttpClient::new()?, provider.client_secret()?);
            let redirect = format!("{}/login/{}/callback", config.link_base(), provider.name);
            let protocol = match provider.kind {
                ProviderKind::GitHub => Protocol::GitHub(Box::new(GitHub::new(provider, secret, &redirect, http)?)),
                ProviderKind::Oidc => {
                    Protocol::Oidc(Box::new(OpenIdConnect::new(provider, secret, &redirect, http, clock.clone())?))
                }
            };
            Ok(Provider { config: provider.clone(), protocol })
        };
        Ok(Self(config.sign_in.iter().map(open).collect::<Result<_>>()?))
    }

    /// Returns the provider with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.config.name == name)
    }

    /// Returns all providers, in the order of the configuration.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

impl Provider {
    /// Returns the URL at the provider where the user signs in, and what must be remembered until they come back. With
    /// `again`, a session there is not enough, as far as the provider can do that.
    pub(super) async fn begin(&self, state: &Secret, again: bool) -> Result<(String, Handshake), ProviderError> {
        let handshake = Handshake::generate();
        let url = match &self.protocol {
            Protocol::GitHub(github) => github.authorize_url(state, &handshake, again),
            Protocol::Oidc(oidc) => oidc.authorize_url(state, &handshake, again).await?,
        };
        Ok((url, handshake))
    }

    /// Returns the user that an authorization code belongs to.
    pub(super) async fn finish(&self, code: &str, handshake: &Handshake) -> Result<ExternalUser, ProviderError> {
        let user = match &self.protocol {
            Protocol::GitHub(github) => github.user(code, handshake).await?,
            Protocol::Oidc(oidc) => oidc.user(code, handshake).await?,
        };
        if user.subject.is_empty() || user.subject.len() > MAX_SUBJECT_BYTES {
            return Err(ProviderError::Invalid("the user has no usable id".to_owned()));
        }
        Ok(user)
    }

    /// Returns true if this address may have an account: its whole domain is listed.
    pub(super) fn admits(&self, email: &Email) -> bool {
        let domains = &self.config.allowed_domains;
        let domain = email.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
        domains.is_empty() || domains.iter().any(|allowed| allowed.to_lowercase() == domain)
    }
}

fn invalid(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::Invalid(error.to_string())
}
