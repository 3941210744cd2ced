//! An application with the crate `openidconnect`.

use std::collections::BTreeMap;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse as _,
};
use serde_json::{Value, json};

/// A browser with a cookie that names its user, who allows everything.
struct Browser {
    http: reqwest::Client,
    issuer: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(http: &reqwest::Client, provider: &Value) -> Self {
        let (name, value) = provider["cookie"].as_str().unwrap().split_once('=').unwrap();
        let issuer = provider["issuer"].as_str().unwrap().to_owned();
        Self { http: http.clone(), issuer, cookies: BTreeMap::from([(name.to_owned(), value.to_owned())]) }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("cookie", cookies.join("; ")).header("origin", &self.issuer);
        let response = request.send().await.unwrap();
        for sent in response.headers().get_all("set-cookie") {
            let pair = sent.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }

    /// Opens a URL of the provider. Returns where the browser leaves the provider.
    async fn open(&mut self, url: reqwest::Url) -> reqwest::Url {
        let (mut url, home) = (url, reqwest::Url::parse(&self.issuer).unwrap());
        while url.origin() == home.origin() {
            if let Some(ticket) = url.fragment() {
                let answer = format!("{}/api/v1/oauth/requests/{ticket}", self.issuer);
                let response = self.send(self.http.post(answer).json(&json!({"allow": true}))).await;
                let answer: Value = response.error_for_status().unwrap().json().await.unwrap();
                url = answer["location"].as_str().unwrap().parse().unwrap();
            } else {
                let response = self.send(self.http.get(url.clone())).await;
                let Some(location) = response.headers().get("location") else {
                    panic!("{url}: {}", response.text().await.unwrap());
                };
                url = url.join(location.to_str().unwrap()).unwrap();
            }
        }
        url
    }
}

async fn fetch(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let response = http.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut read = HttpResponse::new(response.bytes().await?.to_vec());
    *read.status_mut() = status;
    *read.headers_mut() = headers;
    Ok(read)
}

/// Signs in with a provider: discovery, code with PKCE and nonce, ID token, userinfo, refresh.
pub(super) async fn sign_in(provider: Value) {
    let text = |pointer: &str| provider.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let http = |request| fetch(client.clone(), request);
    let issuer = IssuerUrl::new(text("/issuer")).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer.clone(), &http).await.unwrap();
    let secret = ClientSecret::new(text("/clients/basic/secret"));
    let app = CoreClient::from_provider_metadata(metadata, ClientId::new(text("/clients/basic/id")), Some(secret))
        .set_redirect_uri(RedirectUrl::new(text("/redirect")).unwrap());

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = app
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let back = Browser::new(&client, &provider).open(url).await;
    let query: BTreeMap<String, String> = back.query_pairs().into_owned().collect();
    assert!(back.as_str().starts_with(&text("/redirect")), "{back}");
    assert_eq!((query["state"].as_str(), query["iss"].as_str()), (state.secret().as_str(), issuer.as_str()), "{back}");
    let code = AuthorizationCode::new(query["code"].clone());
    let request = app.exchange_code(code).unwrap().set_pkce_verifier(verifier);
    let tokens = request.request_async(&http).await.unwrap();

    let verifier = app.id_token_verifier();
    let signed = tokens.id_token().unwrap();
    let claims = signed.claims(&verifier, &nonce).unwrap();
    assert!(signed.claims(&verifier, &Nonce::new("another".to_owned())).is_err());
    // Optional with a code.
    if let Some(expected) = claims.access_token_hash() {
        let (algorithm, key) = (signed.signing_alg().unwrap(), signed.signing_key(&verifier).unwrap());
        assert_eq!(&AccessTokenHash::from_token(tokens.access_token(), algorithm, key).unwrap(), expected);
    }
    let request = app.user_info(tokens.access_token().clone(), Some(claims.subject().clone())).unwrap();
    let user: CoreUserInfoClaims = request.request_async(&http).await.unwrap();
    assert_eq!(user.preferred_username().unwrap().as_str(), "ada");
    assert_eq!((user.email().unwrap().as_str(), user.email_verified()), ("ada@example.org", Some(true)));

    let before = tokens.refresh_token().unwrap();
    let tokens = app.exchange_refresh_token(before).unwrap().request_async(&http).await.unwrap();
    assert_ne!(tokens.refresh_token().unwrap().secret(), before.secret());
    let request = app.user_info(tokens.access_token().clone(), Some(claims.subject().clone())).unwrap();
    let again: CoreUserInfoClaims = request.request_async(&http).await.unwrap();
    assert_eq!(again.subject(), user.subject());
}
