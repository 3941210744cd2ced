//! Sign-in with an OpenID Connect provider: discovery, authorization code flow with PKCE, verification of the ID token.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError,
    EndUserEmail, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, LocalizedClaim, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse as _, UserInfoError,
};

use super::http::{FetchError, HttpClient};
use super::{ExternalUser, Handshake, ProviderError, invalid};
use crate::clock::Clock;
use crate::config::SignInProvider;
use crate::error::{Error, Result};
use crate::types::{Millis, Secret};

/// Cache lifetime of the provider's metadata and keys.
const FRESH: Duration = Duration::from_mins(10);
/// An unknown key refreshes them, but not more often than this.
const RETRY: Duration = Duration::from_secs(30);

/// Accepted signatures: with a public key only. `none` and those with a shared secret are refused, whatever the
/// provider's metadata says.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// An OpenID Connect provider.
pub(super) struct OpenIdConnect {
    issuer: IssuerUrl,
    client_id: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    http: HttpClient,
    clock: Clock,
    discovered: Mutex<Option<(Millis, Arc<CoreProviderMetadata>)>>,
}

impl OpenIdConnect {
    pub(super) fn new(
        config: &SignInProvider,
        secret: Option<Secret>,
        redirect: &str,
        http: HttpClient,
        clock: Clock,
    ) -> Result<Self> {
        let wrong = |error: openidconnect::url::ParseError| {
            Error::invalid(format!("sign_in `{}`: issuer is not a URL: {error}", config.name))
        };
        let scopes = match config.scopes.as_slice() {
            [] => ["profile", "email"].map(|scope| Scope::new(scope.to_owned())).to_vec(),
            // The library adds it itself.
            some => some.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new).collect(),
        };
        Ok(Self {
            issuer: IssuerUrl::new(config.issuer().to_owned()).map_err(wrong)?,
            client_id: ClientId::new(config.client_id.clone()),
            secret: secret.map(|secret| ClientSecret::new(secret.expose().to_owned())),
            redirect: RedirectUrl::new(redirect.to_owned()).map_err(wrong)?,
            scopes,
            http,
            clock,
            discovered: Mutex::default(),
        })
    }

    /// Returns the provider's metadata and keys, which are at most `age` old.
    async fn metadata(&self, age: Duration) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let now = self.clock.now();
        let known = self.discovered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, metadata)) = known
            && u128::from((now.0 - at.0).unsigned_abs()) < age.as_millis()
        {
            return Ok(metadata);
        }
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = Arc::new(found.map_err(|error| match error {
            DiscoveryError::Request(error) => ProviderError::from(error),
            other => invalid(other),
        })?);
        *self.discovered.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, metadata.clone()));
        Ok(metadata)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        // Basic is what a provider supports that does not say (OpenID Connect Discovery §3).
        let methods = metadata.token_endpoint_auth_methods_supported();
        let only_post = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let auth = if only_post { AuthType::RequestBody } else { AuthType::BasicAuth };
        CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), self.secret.clone())
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(auth)
    }

    pub(super) async fn authorize_url(
        &self,
        state: &Secret,
        with: &Handshake,
        again: bool,
    ) -> Result<String, ProviderError> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(with.verifier.clone()));
        let (state, nonce) = (state.expose().to_owned(), with.nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge);
        if again {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(std::time::Duration::ZERO);
        }
        Ok(request.url().0.to_string())
    }

    pub(super) async fn user(&self, code: &str, with: &Handshake) -> Result<ExternalUser, ProviderError> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata);
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(invalid)?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(with.verifier.clone()));
        let tokens = request.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::Request(error) => ProviderError::from(error),
            // Without what was received, which may contain tokens.
            other => invalid(other),
        })?;
        let user = match self.claims(&client, &tokens, with) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                // The provider may have a new key.
                let metadata = self.metadata(RETRY).await?;
                self.claims(&self.client(&metadata), &tokens, with)
            }
            user => user,
        };
        let user = user.map_err(invalid)?;
        if user.email.is_some() {
            return Ok(user);
        }
        self.with_user_info(&client, &tokens, user).await
    }

    /// Returns the user of an ID token, after verifying signature, issuer, audience, nonce and times.
    fn claims(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        with: &Handshake,
    ) -> Result<ExternalUser, ClaimsVerificationError> {
        let missing = || ClaimsVerificationError::Other("there is no ID token".to_owned());
        let token = tokens.id_token().ok_or_else(missing)?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock.now().seconds());
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now.into());
        let claims = token.claims(&verifier, &Nonce::new(with.nonce.clone()))?;
        Ok(ExternalUser {
            subject: claims.subject().to_string(),
            email: verified(claims.email(), claims.email_verified()),
            login: claims.preferred_username().map(|name| name.to_string()).unwrap_or_default(),
            name: first(claims.name()),
        })
    }

    /// Adds what the provider tells only at its `UserInfo` endpoint (OpenID Connect Core §5.3), if it has one.
    async fn with_user_info(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        user: ExternalUser,
    ) -> Result<ExternalUser, ProviderError> {
        let subject = openidconnect::SubjectIdentifier::new(user.subject.clone());
        let Ok(request) = client.user_info(tokens.access_token().clone(), Some(subject)) else { return Ok(user) };
        let found: Result<CoreUserInfoClaims, UserInfoError<FetchError>> = request.request_async(&self.http).await;
        let claims = found.map_err(|error| match error {
            UserInfoError::Request(error) => ProviderError::from(error),
            other => invalid(other),
        })?;
        let or = |known: String, other: String| if known.is_empty() { other } else { known };
        let login = claims.preferred_username().map(|name| name.to_string()).unwrap_or_default();
        Ok(ExternalUser {
            email: verified(claims.email(), claims.email_verified()),
            login: or(user.login, login),
            name: or(user.name, first(claims.name())),
            subject: user.subject,
        })
    }
}

/// Returns an address only if the provider has verified it.
fn verified(email: Option<&EndUserEmail>, is_verified: Option<bool>) -> Option<crate::types::Email> {
    email.filter(|_| is_verified == Some(true))?.parse().ok()
}

fn first(name: Option<&LocalizedClaim<openidconnect::EndUserName>>) -> String {
    name.and_then(|name| name.get(None)).map(|name| name.to_string()).unwrap_or_default()
}
