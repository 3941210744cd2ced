//! Sign-in with GitHub, which has OAuth 2.0 but no OpenID Connect: the user is read from its API.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _, TokenUrl, http,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::http::HttpClient;
use super::{ExternalUser, Handshake, ProviderError, invalid};
use crate::config::SignInProvider;
use crate::error::{Error, Result};
use crate::types::{Email, Secret};

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// GitHub, or a GitHub Enterprise Server.
pub(super) struct GitHub {
    client: Client,
    scopes: Vec<Scope>,
    /// Base URL of the REST API.
    api: String,
    http: HttpClient,
}

/// `GET /user`.
#[derive(Deserialize)]
struct User {
    /// Stable id; the login can be changed, and then be taken by others.
    id: u64,
    login: String,
    name: Option<String>,
}

/// An element of `GET /user/emails`.
#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    pub(super) fn new(
        config: &SignInProvider,
        secret: Option<Secret>,
        redirect: &str,
        http: HttpClient,
    ) -> Result<Self> {
        let wrong = |error: oauth2::url::ParseError| {
            Error::invalid(format!("sign_in `{}`: issuer is not a URL: {error}", config.name))
        };
        let site = config.issuer();
        let secret = secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
        let client = BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret))
            .set_auth_uri(AuthUrl::new(format!("{site}/login/oauth/authorize")).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(format!("{site}/login/oauth/access_token")).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(wrong)?)
            .set_auth_type(AuthType::RequestBody);
        let scopes = match config.scopes.as_slice() {
            [] => ["read:user", "user:email"].map(|scope| Scope::new(scope.to_owned())).to_vec(),
            some => some.iter().cloned().map(Scope::new).collect(),
        };
        // GitHub Enterprise Server has its API below the same host.
        let api = match site {
            "https://github.com" => "https://api.github.com".to_owned(),
            site => format!("{site}/api/v3"),
        };
        Ok(Self { client, scopes, api, http })
    }

    pub(super) fn authorize_url(&self, state: &Secret, with: &Handshake, again: bool) -> String {
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(with.verifier.clone()));
        let state = state.expose().to_owned();
        let mut request = self.client.authorize_url(move || CsrfToken::new(state));
        if again {
            // GitHub cannot ask for the password.
            request = request.add_extra_param("prompt", "select_account");
        }
        request.add_scopes(self.scopes.iter().cloned()).set_pkce_challenge(challenge).url().0.to_string()
    }

    pub(super) async fn user(&self, code: &str, with: &Handshake) -> Result<ExternalUser, ProviderError> {
        let request = self.client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(with.verifier.clone()));
        let tokens = request.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::Request(error) => ProviderError::from(error),
            // Without what was received, which may contain tokens.
            other => invalid(other),
        })?;
        let token = tokens.access_token().secret();
        let user: User = self.get("/user", token).await?;
        let addresses: Vec<Address> = self.get("/user/emails", token).await?;
        let primary = addresses.iter().find(|address| address.primary && address.verified);
        Ok(ExternalUser {
            subject: user.id.to_string(),
            email: primary.and_then(|address| address.email.parse::<Email>().ok()),
            login: user.login,
            name: user.name.unwrap_or_default(),
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, ProviderError> {
        let request: HttpRequest = http::Request::get(format!("{}{path}", self.api))
            .header(http::header::ACCEPT, "application/vnd.github+json")
            .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Vec::new())
            .map_err(invalid)?;
        let response = self.http.send(request).await?;
        if !response.status().is_success() {
            return Err(ProviderError::Invalid(format!("{path} answered {}", response.status())));
        }
        serde_json::from_slice(response.body()).map_err(|error| invalid(format!("{path}: {error}")))
    }
}
