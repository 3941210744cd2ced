//! Signing in with external identity providers, and attacks on it. Numbers of rules are those of the security rules for
//! signing in.

mod browser;
mod new_browser;
mod provider;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rutter::accounts::sessions::ClientInfo;
use rutter::config::{ProviderKind, SecondFactor, SignInProvider, SignUp};
use rutter::types::Secret;
use rutter_testing::{Engine, PASSWORD, Server, story};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::browser::Browser;
use self::provider::{Answer, Provider, SECRET};
use crate::db::count;

/// A server, and a provider of which the test decides the answers: `example` by OpenID Connect, `github`, and `other`,
/// which is the first one again under another name.
async fn start(engine: Engine, change: impl FnOnce(&mut rutter::config::Config)) -> (Server, Provider) {
    let provider = Provider::start(Arc::new(Server::start(Engine::Sqlite).await)).await;
    let sign_in = vec![
        provider.config("example", ProviderKind::Oidc),
        provider.config("github", ProviderKind::GitHub),
        provider.config("other", ProviderKind::Oidc),
    ];
    let server = Server::start_public_with(engine, |config| {
        config.sign_in = sign_in;
        change(config);
    });
    (server.await, provider)
}

/// A value in the query of a URL.
#[track_caller]
fn param(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap_or_else(|| panic!("no query: {url}"));
    let query = query.split('#').next().unwrap();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name}: {url}")).1.into_owned()
}

/// Begins to sign in; returns the URL at the provider.
async fn begin(browser: &mut Browser<'_>, provider: &str) -> String {
    browser.follow(&format!("/login/{provider}?next=%2Fdrive%3Fa%3D1")).await
}

/// Comes back from the provider with a code.
async fn come_back(browser: &mut Browser<'_>, provider: &str, location: &str) -> String {
    browser.follow(&format!("/login/{provider}/callback?code=a-code&state={}", param(location, "state"))).await
}

/// Signs in as this user of the provider; returns where that leads.
async fn sign_in(browser: &mut Browser<'_>, provider: &Provider, subject: &str, email: &str) -> String {
    let location = begin(browser, "example").await;
    let claims = provider.claims(subject, email, &param(&location, "nonce"));
    provider.script(|script| script.claims = claims);
    come_back(browser, "example", &location).await
}

/// Signs up as this user of the provider.
async fn sign_up(browser: &mut Browser<'_>, provider: &Provider, name: &str) {
    let email = format!("{name}@example.com");
    assert_eq!(sign_in(browser, provider, name, &email).await, "/signup?with=example&next=%2Fdrive%3Fa%3D1");
    let reply = browser.send("POST", "/api/v1/accounts/external", json!({"name": name})).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[track_caller]
fn problem(location: &str) -> String {
    param(location, "problem")
}

async fn ways(browser: &mut Browser<'_>) -> Value {
    browser.get("/api/v1/user/identities").await.json()
}

/// Begins to link an account at a provider; returns the URL there.
async fn begin_link(browser: &mut Browser<'_>, provider: &str) -> String {
    let reply = browser.send("POST", &format!("/api/v1/user/identities/{provider}"), Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["location"].as_str().unwrap().to_owned()
}

/// Links an account of the provider.
async fn link(browser: &mut Browser<'_>, provider: &Provider, subject: &str) -> String {
    let location = begin_link(browser, "example").await;
    let claims = provider.claims(subject, "anyone@elsewhere.example", &param(&location, "nonce"));
    provider.script(|script| script.claims = claims);
    come_back(browser, "example", &location).await
}

story! {
    /// A real provider: another rutter.
    async fn users_sign_in_with_another_rutter(engine: Engine) {
        let upstream = Server::start_public(Engine::Sqlite).await;
        let ada = upstream.person("ada").await;
        let at_work = upstream.cookie("ada").await;
        let made = upstream.ok(&ada, "POST", "/api/v1/clients", json!({
            // Any port of the loopback interface (RFC 8252 §7.3).
            "name": "Drive", "redirects": ["http://127.0.0.1/login/work/callback"],
            "scopes": ["openid", "profile", "email"],
        })).await;
        let secret = upstream.folder.path().join("client-secret");
        std::fs::write(&secret, made["secret"].as_str().unwrap()).unwrap();
        let work = SignInProvider {
            name: "work".into(), label: None, kind: ProviderKind::Oidc, issuer: Some(upstream.url.clone()),
            client_id: made["id"].as_str().unwrap().to_owned(), client_secret_file: Some(secret), scopes: vec![],
            allowed_domains: vec!["Example.org".into()], create: true,
        };
        let server = Server::start_public_with(engine, |config| config.sign_in = vec![work]).await;
        let mut browser = Browser::new(&server);
        let page = browser.get("/api/v1/session").await.json();
        assert_eq!((&page["providers"], &page["passwords"]), (&json!([{"name": "work", "label": "work"}]), &json!(true)));

        // The user allows it there, and comes back.
        let asked = async |location: String| {
            let path = location.strip_prefix(&upstream.url).unwrap().to_owned();
            let reply = upstream.call(Some(&at_work), "GET", &path, Value::Null).await;
            let location = reply.header("location").to_owned();
            let Some(ticket) = location.strip_prefix("/oauth/consent#") else { return location };
            let url = format!("/api/v1/oauth/requests/{ticket}");
            let reply = upstream.call(Some(&at_work), "POST", &url, json!({"allow": true})).await;
            reply.json()["location"].as_str().unwrap().to_owned()
        };
        let next = "/oauth/authorize?client_id=x&state=%2F%26";
        let start = format!("/login/work?{}", form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish());
        let back = asked(browser.follow(&start).await).await;
        assert!(back.starts_with(&format!("{}/login/work/callback?", server.url)), "{back}");
        let page = browser.follow(&back).await;
        assert_eq!((param(&page, "with"), param(&page, "next")), ("work".into(), next.into()), "rule 16: {page}");
        assert!(!page.contains("ruk_"), "the token is in no URL");
        let new = browser.get("/api/v1/accounts/external").await.json();
        assert_eq!((&new["provider"], &new["email"], &new["suggested_name"]), (&json!("work"), &json!("ada@example.org"), &json!("ada")));
        let reply = browser.send("POST", "/api/v1/accounts/external", json!({"name": "ada2", "display_name": "Ada"})).await;
        assert_eq!((reply.status, &reply.json()["user"]["email"]), (201, &json!("ada@example.org")), "{}", reply.text());
        assert_eq!(browser.user().await, "ada2");
        assert_eq!(browser.cookies.len(), 2, "session and known users: {:?}", browser.cookies.keys());
        assert_eq!(browser.get("/api/v1/accounts/external").await.status, 404, "it was used");

        // The next time, in another browser, the account is known.
        let mut elsewhere = Browser::new(&server);
        let back = asked(elsewhere.follow(&start).await).await;
        assert_eq!(elsewhere.follow(&back).await, next, "rule 16");
        assert_eq!(elsewhere.user().await, "ada2");
        let sessions = elsewhere.get("/api/v1/user/sessions").await.json();
        assert_eq!((&sessions["items"][0]["external"], &sessions["items"][0]["second_factor"]), (&json!(true), &json!(false)));
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM session WHERE amr = 'fed'").await, 2);

        // An account without a password: the first one is set without, shortly after signing in.
        let ways = ways(&mut elsewhere).await;
        assert_eq!((&ways["password"], &ways["last"], &ways["fresh"]), (&json!(false), &json!(true), &json!(true)), "{ways}");
        assert_eq!(ways["identities"][0]["label"], "ada@example.org");
        assert_eq!(elsewhere.send("DELETE", "/api/v1/user/identities/work", Value::Null).await.status, 409, "rule 24");
        let set = json!({"new": PASSWORD});
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(elsewhere.send("PUT", "/api/v1/user/password", set.clone()).await.status, 403);
        assert_eq!(elsewhere.send("DELETE", "/api/v1/user/identities/work", Value::Null).await.status, 403, "rule 24");
        upstream.clock.advance(Duration::from_mins(11));
        let back = asked(elsewhere.follow("/login/work").await).await;
        assert_eq!(elsewhere.follow(&back).await, "/");
        let reply = elsewhere.send("PUT", "/api/v1/user/password", set).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        assert_eq!(elsewhere.send("PUT", "/api/v1/user/password", json!({"new": "other password"})).await.status, 403);
        assert_eq!(elsewhere.send("DELETE", "/api/v1/user/identities/work", Value::Null).await.status, 204);
        server.email_to("ada@example.org", 2).await;
        // Now the address has an account, which is never taken over.
        let back = asked(browser.follow("/login/work").await).await;
        assert_eq!(problem(&browser.follow(&back).await), "taken", "rule 19");
    }
}

story! {
    async fn rule_20_a_sign_in_belongs_to_the_browser_that_began_it(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let mut ada = Browser::new(&server);
        sign_up(&mut ada, &provider, "ada").await;

        // Mallory begins to sign in, and sends Ada the URL that ends it: Ada would work in Mallory's account.
        let (mut mallory, mut victim) = (Browser::new(&server), Browser::new(&server));
        let location = begin(&mut mallory, "example").await;
        let claims = provider.claims("mallory", "mallory@example.com", &param(&location, "nonce"));
        provider.script(|script| script.claims = claims);
        let requested = provider.script(|script| script.requested.len());
        let page = come_back(&mut victim, "example", &location).await;
        assert_eq!((problem(&page).as_str(), param(&page, "next").as_str()), ("state", "/"));
        // A victim who is signing in, too, has another state.
        begin(&mut victim, "example").await;
        assert_eq!(problem(&come_back(&mut victim, "example", &location).await), "state");
        assert_eq!(provider.script(|script| script.requested.len()), requested, "no code was sent to the provider");
        assert_eq!(victim.user().await, Value::Null);

        // Mallory's own browser may, once.
        assert!(come_back(&mut mallory, "example", &location).await.starts_with("/signup"));
        let state = param(&location, "state");
        mallory.cookies.insert("rutter-sign-in".into(), state);
        assert_eq!(problem(&come_back(&mut mallory, "example", &location).await), "state", "replayed");
        // The token of the new account is in a cookie, so it cannot be sent to Ada either.
        assert_eq!(victim.send("POST", "/api/v1/accounts/external", json!({"name": "trap"})).await.status, 404);

        // It cannot end at another provider, after ten minutes, or as one of another kind.
        let mut ada = Browser::new(&server);
        let location = begin(&mut ada, "example").await;
        assert_eq!(problem(&come_back(&mut ada, "other", &location).await), "state");
        let location = begin(&mut ada, "example").await;
        let url = format!("/login/example/callback?code=x&iss=https%3A%2F%2Fevil.example&state={}", param(&location, "state"));
        assert_eq!(problem(&ada.follow(&url).await), "state");
        let location = begin(&mut ada, "example").await;
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(problem(&come_back(&mut ada, "example", &location).await), "state");
        let ticket = param(&location, "state");
        assert_eq!(server.call(None, "POST", "/api/v1/session", json!({"ticket": ticket, "code": "123456"})).await.status, 404);
        ada.cookies.insert("rutter-sign-in".into(), "ruk_forged".into());
        assert_eq!(problem(&ada.follow("/login/example/callback?code=x&state=ruk_forged").await), "state");
        ada.cookies.insert("rutter-sign-up".into(), ticket);
        assert_eq!(ada.get("/api/v1/accounts/external").await.status, 404);
        // An empty state is not one.
        ada.cookies.clear();
        assert_eq!(problem(&ada.follow("/login/example/callback?code=x").await), "state");
        assert_eq!(ada.get("/login/unknown").await.status, 404);
        assert_eq!(ada.get("/login/unknown/callback?code=x").await.status, 404);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM account").await, 1);
        // Unfinished ones are deleted once they have expired.
        server.clock.advance(Duration::from_mins(11));
        server.app.accounts.forget().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM one_time_token WHERE kind = 'external-sign-in'").await, 0);
    }
}

story! {
    async fn rule_16_no_user_is_led_to_another_site(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let mut browser = Browser::new(&server);
        sign_up(&mut browser, &provider, "ada").await;
        for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"] {
            let next = next.replace("%09", "\t");
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
            let location = browser.follow(&format!("/login/example?{query}")).await;
            let claims = provider.claims("ada", "ada@example.com", &param(&location, "nonce"));
            provider.script(|script| script.claims = claims);
            assert_eq!(come_back(&mut browser, "example", &location).await, "/", "{next}");
        }
        let location = begin(&mut browser, "example").await;
        assert_eq!(param(&location, "redirect_uri"), format!("{}/login/example/callback", server.url));
        // Whatever the request says of itself.
        let request = server.http.get(format!("{}/login/example", server.url)).header("x-forwarded-host", "evil.example");
        let location = request.send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(param(&location, "redirect_uri"), format!("{}/login/example/callback", server.url));
        // To sign in again, a session at the provider is not enough.
        assert!(!location.contains("prompt="), "{location}");
        assert_eq!(param(&browser.follow("/login/example?again=true&next=%2F").await, "prompt"), "login");
        assert_eq!(param(&browser.follow("/login/github?again=true&next=%2F").await, "prompt"), "select_account");
    }
}

story! {
    async fn rule_19_no_account_is_found_by_its_address(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let mut owner = Browser::new(&server);
        sign_up(&mut owner, &provider, "ada").await;
        server.app.accounts.add_user(&"bob".parse().unwrap(), &"bob@example.com".parse().unwrap(), None, false).await.unwrap();
        let mut mallory = Browser::new(&server);
        for (email, why) in [
            ("ada@example.com", "taken"),
            ("ADA@Example.COM", "taken"),
            ("bob@example.com", "taken"),
            ("m@evil-example.com", "domain"),
            ("m@example.com.evil.example", "domain"),
            ("m@sub.example.com", "domain"),
            ("m@example.co", "domain"),
            ("m@examp\u{2060}le.com", "domain"),
            ("not an address", "email"),
            ("a@example.com@evil.example", "email"),
        ] {
            assert_eq!(problem(&sign_in(&mut mallory, &provider, "mallory", email).await), why, "{email}");
        }
        // An address counts only if the provider has verified it.
        for verified in [json!(false), Value::Null] {
            let location = begin(&mut mallory, "example").await;
            let mut claims = provider.claims("mallory", "new@example.com", &param(&location, "nonce"));
            claims["email_verified"] = verified;
            provider.script(|script| script.claims = claims);
            assert_eq!(problem(&come_back(&mut mallory, "example", &location).await), "email");
        }
        assert_eq!(mallory.user().await, Value::Null);
        // The same user under another provider's name is another one.
        let location = begin(&mut mallory, "other").await;
        let claims = provider.claims("ada", "ada@example.com", &param(&location, "nonce"));
        provider.script(|script| script.claims = claims);
        assert_eq!(problem(&come_back(&mut mallory, "other", &location).await), "taken");
        // And the user that is known stays so, whatever address they have now.
        let mut ada = Browser::new(&server);
        assert_eq!(sign_in(&mut ada, &provider, "ada", "bob@example.com").await, "/drive?a=1");
        assert_eq!(ada.user().await, "ada");
        // New users cannot choose the name of another user, nor have an address that was taken meanwhile.
        let mut carol = Browser::new(&server);
        assert!(sign_in(&mut carol, &provider, "carol", "carol@example.com").await.starts_with("/signup"));
        let create = async |browser: &mut Browser<'_>, name: &str| {
            browser.send("POST", "/api/v1/accounts/external", json!({"name": name})).await.status
        };
        assert_eq!(create(&mut carol, "ada").await, 409);
        assert_eq!(create(&mut carol, "a/b").await, 422);
        server.app.accounts.add_user(&"eve".parse().unwrap(), &"carol@example.com".parse().unwrap(), None, false).await.unwrap();
        assert_eq!(create(&mut carol, "carol").await, 409);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM identity").await, 1);
    }
}

story! {
    async fn answers_of_a_provider_that_are_not_its_own_are_refused(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let mut browser = Browser::new(&server);
        let changes: &[(&str, Value)] = &[
            ("aud", json!("another-client")),
            ("aud", json!(["another-client"])),
            ("aud", json!(["drive", "another-client"])),
            ("iss", json!("https://evil.example")),
            ("nonce", json!("of another sign-in")),
            ("nonce", Value::Null),
            ("exp", json!(1)),
            ("sub", json!("")),
            ("sub", json!("x".repeat(256))),
        ];
        for (name, value) in changes {
            let location = begin(&mut browser, "example").await;
            let mut claims = provider.claims("ada", "ada@example.com", &param(&location, "nonce"));
            claims[name] = value.clone();
            provider.script(|script| script.claims = claims);
            let page = come_back(&mut browser, "example", &location).await;
            assert!(page.contains("?problem=provider&"), "{name} {value}: {page}");
        }
        // Tokens that the provider has not signed, or that are missing.
        let stranger = stranger_key();
        for forgery in ["none", "by the client secret", "another signature", "by a stranger", "nonsense", ""] {
            let location = begin(&mut browser, "example").await;
            let claims = provider.claims("ada", "ada@example.com", &param(&location, "nonce"));
            let token = match forgery {
                "none" => format!("{}.", unsigned(&claims, "none")),
                "by the client secret" => {
                    let head = unsigned(&claims, "HS256");
                    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                    mac.update(head.as_bytes());
                    format!("{head}.{}", BASE64.encode(mac.finalize().into_bytes()))
                }
                "another signature" => {
                    let signed = provider.sign(claims).await;
                    format!("{}.{}", signed.rsplit_once('.').unwrap().0, BASE64.encode([7; 256]))
                }
                "by a stranger" => jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &stranger).unwrap(),
                "nonsense" => "nonsense".to_owned(),
                // This one is accepted, so the others were refused for what they are.
                _ => provider.sign(claims).await,
            };
            provider.script(|script| script.token = Some(token));
            let page = come_back(&mut browser, "example", &location).await;
            match forgery {
                "" => assert!(page.starts_with("/signup"), "{page}"),
                forgery => assert!(page.contains("?problem=provider&"), "{forgery}: {page}"),
            }
        }
        provider.script(|script| (script.token, script.claims) = (None, Value::Null));
        let location = begin(&mut browser, "example").await;
        assert_eq!(problem(&come_back(&mut browser, "example", &location).await), "provider");

        // The provider says no, or the user does.
        let location = begin(&mut browser, "example").await;
        let url = format!("/login/example/callback?error=access_denied&state={}", param(&location, "state"));
        let page = browser.follow(&url).await;
        assert_eq!((problem(&page).as_str(), param(&page, "next").as_str()), ("denied", "/drive?a=1"));
        let location = begin(&mut browser, "example").await;
        let url = format!("/login/example/callback?error=%3Cscript%3E&code=x&state={}", param(&location, "state"));
        assert_eq!(problem(&browser.follow(&url).await), "denied", "no text of others reaches a page");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM session").await, 0);
    }
}

/// A key that is not the provider's.
fn stranger_key() -> EncodingKey {
    let key = rsa::RsaPrivateKey::new(&mut rand_core::OsRng, 2048).unwrap();
    EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes())
}

/// The head and the claims of a token, without a signature.
fn unsigned(claims: &Value, algorithm: &str) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT"});
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

story! {
    async fn a_slow_or_endless_provider_is_given_up(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let mut browser = Browser::new(&server);
        let discovery = "/.well-known/openid-configuration";
        for (url, answer, why) in [
            (discovery, Answer::Failure, "unavailable"),
            (discovery, Answer::Redirect, "unavailable"),
            (discovery, Answer::Huge, "unavailable"),
            ("/keys", Answer::Huge, "unavailable"),
            (discovery, Answer::Late, "unavailable"),
        ] {
            provider.script(|script| script.answer = (url, answer));
            let began = std::time::Instant::now();
            assert_eq!(problem(&browser.follow("/login/example").await), why);
            assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        }
        for (url, answer, why) in [
            ("/token", Answer::Failure, "provider"),
            ("/token", Answer::Redirect, "provider"),
            ("/token", Answer::Huge, "provider"),
            ("/token", Answer::Late, "unavailable"),
        ] {
            provider.script(|script| script.answer = (url, answer));
            let began = std::time::Instant::now();
            let page = sign_in(&mut browser, &provider, "ada", "ada@example.com").await;
            assert_eq!(problem(&page), why, "{url}");
            assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        }
        let redirected = provider.script(|script| script.requested.iter().any(|url| url == "/elsewhere"));
        assert!(!redirected);
        // It works again, and asks for the metadata once in ten minutes only.
        provider.script(|script| (script.answer, script.requested) = (("", Answer::Normal), Vec::new()));
        sign_up(&mut browser, &provider, "ada").await;
        sign_in(&mut browser, &provider, "ada", "ada@example.com").await;
        assert_eq!(provider.script(|script| script.requested.clone()), ["/token", "/token"]);
        server.clock.advance(Duration::from_mins(11));
        begin(&mut browser, "example").await;
        assert_eq!(provider.script(|script| script.requested.len()), 4);
    }
}

story! {
    async fn what_the_id_token_lacks_is_read_from_user_info(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let info = |subject: &str| json!({"sub": subject, "email": "ada@example.com", "email_verified": true, "name": "Ada L"});
        let mut browser = Browser::new(&server);
        let mut go = async |said: Value| {
            let location = begin(&mut browser, "example").await;
            let mut claims = provider.claims("ada", "", &param(&location, "nonce"));
            for name in ["email", "email_verified", "name"] {
                claims.as_object_mut().unwrap().remove(name);
            }
            provider.script(|script| (script.claims, script.user_info) = (claims, said));
            // The metadata names the endpoint.
            server.clock.advance(Duration::from_mins(11));
            let location = begin(&mut browser, "example").await;
            provider.script(|script| script.claims["nonce"] = param(&location, "nonce").into());
            let now = server.clock.now().seconds();
            provider.script(|script| (script.claims["exp"], script.claims["iat"]) = (json!(now + 300), json!(now)));
            come_back(&mut browser, "example", &location).await
        };
        assert_eq!(problem(&go(info("mallory")).await), "provider", "of another user");
        assert_eq!(problem(&go(json!({"sub": "ada"})).await), "email");
        assert!(go(info("ada")).await.starts_with("/signup"));
        assert_eq!(browser.get("/api/v1/accounts/external").await.json(), json!({
            "provider": "Example", "email": "ada@example.com", "suggested_name": "ada", "display_name": "Ada L",
        }));
    }
}

story! {
    async fn users_sign_in_with_github(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let addresses = json!([
            {"email": "old@example.com", "primary": false, "verified": true, "visibility": null},
            {"email": "octo@example.com", "primary": true, "verified": true, "visibility": "public"},
        ]);
        let user = json!({"id": 583_231, "login": "Octo-Cat", "name": null, "email": "forged@example.com"});
        provider.script(|script| script.github = (user.clone(), addresses));
        let mut browser = Browser::new(&server);
        let location = begin(&mut browser, "github").await;
        assert!(location.starts_with(&format!("{}/login/oauth/authorize?", provider.url)), "{location}");
        assert_eq!(param(&location, "scope"), "read:user user:email");
        assert_eq!(param(&location, "code_challenge_method"), "S256");
        assert!(come_back(&mut browser, "github", &location).await.starts_with("/signup?with=github"));
        let form = provider.script(|script| script.posted.pop().unwrap());
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((field("client_id"), field("client_secret"), field("code")), (Some("drive"), Some(SECRET), Some("a-code")));
        let challenge = BASE64.encode(Sha256::digest(field("code_verifier").unwrap()));
        assert_eq!(param(&location, "code_challenge"), challenge);
        let new = browser.get("/api/v1/accounts/external").await.json();
        assert_eq!((&new["email"], &new["suggested_name"]), (&json!("octo@example.com"), &json!("octo-cat")));
        let reply = browser.send("POST", "/api/v1/accounts/external", json!({"name": "octo"})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());

        // The number counts: a login can be given up, and taken by another user.
        let other = json!({"id": 583_232, "login": "Octo-Cat", "name": null});
        let mut mallory = Browser::new(&server);
        for (user, addresses, why) in [
            (other.clone(), json!([{"email": "octo@example.com", "primary": true, "verified": true}]), "taken"),
            (other.clone(), json!([{"email": "new@example.com", "primary": true, "verified": false}]), "email"),
            (other.clone(), json!([{"email": "new@example.com", "primary": false, "verified": true}]), "email"),
            (other.clone(), json!([]), "email"),
            (other.clone(), json!({"message": "Bad credentials"}), "provider"),
            (json!({"login": "Octo-Cat"}), json!([]), "provider"),
        ] {
            provider.script(|script| script.github = (user, addresses));
            let location = begin(&mut mallory, "github").await;
            assert_eq!(problem(&come_back(&mut mallory, "github", &location).await), why);
        }
        // What GitHub says of a wrong code, with status 200.
        provider.script(|script| script.github = (user, json!([])));
        let location = begin(&mut mallory, "github").await;
        provider.script(|script| script.answer = ("/login/oauth/access_token", Answer::Huge));
        assert_eq!(problem(&come_back(&mut mallory, "github", &location).await), "provider");
        provider.script(|script| script.answer = ("/api/v3/user", Answer::Failure));
        let location = begin(&mut mallory, "github").await;
        assert_eq!(problem(&come_back(&mut mallory, "github", &location).await), "provider");
        provider.script(|script| script.answer = ("", Answer::Normal));
        // A renamed user without a public address is the same one.
        let renamed = json!({"id": 583_231, "login": "somewhere", "name": "O"});
        provider.script(|script| script.github = (renamed, json!([])));
        let location = begin(&mut mallory, "github").await;
        assert_eq!(come_back(&mut mallory, "github", &location).await, "/drive?a=1");
        assert_eq!(mallory.user().await, "octo");
    }
}

story! {
    async fn rule_24_an_account_is_linked_by_its_owner_shortly_after_signing_in(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let (ada, _) = (server.person("ada").await, server.person("bob").await);
        let mut browser = Browser::of(&server, "ada").await;
        assert_eq!(link(&mut browser, &provider, "ada at work").await, "/account?linked=true");
        server.email_to("ada@example.org", 1).await;
        let ways = ways(&mut browser).await;
        assert_eq!((&ways["password"], &ways["last"]), (&json!(true), &json!(false)));
        assert_eq!(ways["identities"][0]["label"], "anyone@elsewhere.example", "any address may be linked");
        let mut elsewhere = Browser::new(&server);
        assert_eq!(sign_in(&mut elsewhere, &provider, "ada at work", "x@elsewhere.example").await, "/drive?a=1");
        assert_eq!(elsewhere.user().await, "ada");
        // One account there, for one account here.
        let reply = browser.send("POST", "/api/v1/user/identities/example", Value::Null).await;
        assert_eq!(reply.status, 409, "{}", reply.text());
        let mut bob = Browser::of(&server, "bob").await;
        assert_eq!(link(&mut bob, &provider, "ada at work").await, "/account?problem=linked");
        assert_eq!(browser.send("POST", "/api/v1/user/identities/unknown", Value::Null).await.status, 404);

        // Mallory has Ada open the URL that ends a link of Mallory's: Ada's data would be open to Mallory.
        server.person("mallory").await;
        let mut mallory = Browser::of(&server, "mallory").await;
        let location = begin_link(&mut mallory, "example").await;
        let claims = provider.claims("mallory at work", "m@example.com", &param(&location, "nonce"));
        provider.script(|script| script.claims = claims);
        assert_eq!(problem(&come_back(&mut bob, "example", &location).await), "state");
        // Even with the cookie, it takes the session that began it.
        bob.cookies.insert("rutter-sign-in".into(), param(&location, "state"));
        assert_eq!(come_back(&mut bob, "example", &location).await, "/account?problem=state");
        let location = begin_link(&mut mallory, "example").await;
        let claims = provider.claims("mallory at work", "m@example.com", &param(&location, "nonce"));
        provider.script(|script| script.claims = claims);
        server.cookie("mallory").await; // ends all sessions
        assert_eq!(come_back(&mut mallory, "example", &location).await, "/account?problem=state");
        // A page of another site cannot begin it, and no token can.
        let request = server.http.post(format!("{}/api/v1/user/identities/example", server.url));
        let session = format!("rutter={}", bob.cookies["rutter"]);
        let reply = request.header("cookie", session).header("origin", "https://evil.example").send().await.unwrap();
        assert_eq!(reply.status(), 403);
        for (method, url) in [("POST", "/api/v1/user/identities/example"), ("DELETE", "/api/v1/user/identities/example"),
            ("GET", "/api/v1/user/identities")] {
            assert_eq!(server.call(Some(&ada.token), method, url, Value::Null).await.status, 403, "{method}");
            assert_eq!(server.call(None, method, url, Value::Null).await.status, 401, "{method}");
        }

        server.clock.advance(Duration::from_mins(11));
        let reply = browser.send("DELETE", "/api/v1/user/identities/example", Value::Null).await;
        assert_eq!(reply.status, 403, "rule 24: {}", reply.text());
        assert_eq!(bob.send("POST", "/api/v1/user/identities/example", Value::Null).await.status, 403, "rule 24");
        let mut browser = Browser::of(&server, "ada").await;
        assert_eq!(browser.send("DELETE", "/api/v1/user/identities/example", Value::Null).await.status, 204);
        assert_eq!(browser.send("DELETE", "/api/v1/user/identities/example", Value::Null).await.status, 404);
        assert_eq!(problem(&sign_in(&mut elsewhere, &provider, "ada at work", "ada@example.org").await), "domain");
    }
}

story! {
    /// Rule 22 holds for a sign-in elsewhere as it does for a password.
    async fn the_second_factor_is_asked_for_after_a_provider_too(engine: Engine) {
        let (server, provider) = start(engine, |config| config.accounts.second_factor = SecondFactor::All).await;
        let mut browser = Browser::new(&server);
        sign_up(&mut browser, &provider, "ada").await;
        // As after a password, this session can do nothing but set one up.
        assert_eq!(browser.get("/api/v1/session").await.json()["must_enrol"], true);
        assert_eq!(browser.get("/api/v1/user").await.status, 403);
        for (method, url) in [("POST", "other"), ("DELETE", "example")] {
            let reply = browser.send(method, &format!("/api/v1/user/identities/{url}"), Value::Null).await;
            assert_eq!(reply.status, 403, "{method}");
        }
        let secret = browser.send("POST", "/api/v1/user/factors/totp", Value::Null).await.json();
        let app = crate::second_factor::Authenticator::new(secret["secret"].as_str().unwrap());
        let reply = browser.send("PUT", "/api/v1/user/factors/totp", json!({"code": app.code(&server.clock, 0)})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(browser.get("/api/v1/user").await.status, 200);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM session WHERE amr = 'fed otp'").await, 1);

        server.clock.advance(Duration::from_secs(90));
        let mut elsewhere = Browser::new(&server);
        let page = sign_in(&mut elsewhere, &provider, "ada", "ada@example.com").await;
        let (page, ticket) = page.split_once('#').unwrap();
        assert_eq!(page, "/login?next=%2Fdrive%3Fa%3D1");
        assert!(elsewhere.cookies.is_empty(), "no session for the first step alone");
        let wrong = elsewhere.send("POST", "/api/v1/session", json!({"ticket": ticket, "code": "wrong"})).await;
        assert_eq!(wrong.status, 401);
        let code = app.code(&server.clock, 0);
        let reply = elsewhere.send("POST", "/api/v1/session", json!({"ticket": ticket, "code": code})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(elsewhere.user().await, "ada");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM session WHERE amr = 'fed otp'").await, 2);
        assert_eq!(elsewhere.get("/api/v1/user").await.status, 200);
    }
}

story! {
    async fn who_gets_an_account_is_decided_here(engine: Engine) {
        let (server, provider) = start(engine, |config| {
            config.sign_in.iter_mut().for_each(|provider| provider.create = false);
            config.sign_in[0].allowed_domains.clear();
        }).await;
        server.administrator("root").await;
        let root = server.cookie("root").await;
        let mut browser = Browser::new(&server);
        assert_eq!(server.app.config.accounts.sign_up, SignUp::Invitation);
        let email = "ada@anywhere.example";
        assert_eq!(problem(&sign_in(&mut browser, &provider, "ada", email).await), "closed");
        // An invitation to the address lets its owner in, unless who sent it may not invite any more.
        let reply = server.call(Some(&root), "POST", "/api/v1/admin/invitations", json!({"email": email})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        server.administrator("boss").await;
        let (root_name, boss) = ("root".parse().unwrap(), server.cookie("boss").await);
        server.app.accounts.suspend(&root_name).await.unwrap();
        assert_eq!(problem(&sign_in(&mut browser, &provider, "ada", email).await), "closed");
        server.app.accounts.resume(&root_name).await.unwrap();
        assert!(sign_in(&mut browser, &provider, "ada", email).await.starts_with("/signup"));
        // It is withdrawn while the name is chosen.
        let list = server.call(Some(&boss), "GET", "/api/v1/admin/invitations", Value::Null).await.json();
        let id = list["items"][0]["id"].as_str().unwrap();
        let reply = server.call(Some(&boss), "DELETE", &format!("/api/v1/admin/invitations/{id}"), Value::Null).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        let create = json!({"name": "ada"});
        assert_eq!(browser.send("POST", "/api/v1/accounts/external", create.clone()).await.status, 403);
        let reply = server.call(Some(&boss), "POST", "/api/v1/admin/invitations", json!({"email": email})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(browser.send("POST", "/api/v1/accounts/external", create).await.status, 201);

        // Suspended: not even with a session of the provider. Closed: signing in reopens it.
        let ada = "ada".parse().unwrap();
        server.app.accounts.suspend(&ada).await.unwrap();
        assert_eq!(problem(&sign_in(&mut browser, &provider, "ada", email).await), "suspended");
        server.app.accounts.resume(&ada).await.unwrap();
        assert_eq!(sign_in(&mut browser, &provider, "ada", email).await, "/drive?a=1");
        let reply = browser.send("DELETE", "/api/v1/user", json!({})).await;
        assert_eq!(reply.status, 202, "an account without a password: {}", reply.text());
        assert_eq!(browser.user().await, Value::Null);
        assert_eq!(sign_in(&mut browser, &provider, "ada", email).await, "/drive?a=1");
        assert_eq!(browser.user().await, "ada");
        // Without a password, an address is changed shortly after signing in.
        let change = json!({"email": "new@anywhere.example"});
        assert_eq!(browser.send("PUT", "/api/v1/user/email", change.clone()).await.status, 202);
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(browser.send("PUT", "/api/v1/user/email", change).await.status, 403);
    }
}

story! {
    async fn a_site_without_passwords(engine: Engine) {
        let (server, provider) = start(engine, |config| {
            config.accounts.passwords = false;
            config.accounts.sign_up = SignUp::Open;
        }).await;
        server.person("bob").await;
        let (bob, visit) = ("bob".parse().unwrap(), ClientInfo::default());
        server.app.accounts.set_password(&bob, Secret::new(PASSWORD.into())).await.unwrap();
        let refused = server.app.accounts.sign_in("bob", Secret::new(PASSWORD.into()), &visit).await.err().unwrap();
        assert!(refused.to_string().contains("sign in with Example"), "{refused}");
        let (email, password) = ("new@example.com", "a new password");
        for (url, body) in [
            ("/api/v1/session", json!({"login": "bob", "password": PASSWORD})),
            ("/api/v1/accounts", json!({"name": "nina", "email": email})),
            ("/api/v1/accounts/verify", json!({"token": "ruk_forged", "password": password})),
            ("/api/v1/accounts/reset", json!({"email": "bob@example.org"})),
            ("/api/v1/accounts/reset/confirm", json!({"token": "ruk_forged", "password": password})),
        ] {
            let reply = server.call(None, "POST", url, body).await;
            assert_eq!(reply.status, 403, "{url}: {}", reply.text());
        }
        let mut browser = Browser::new(&server);
        sign_up(&mut browser, &provider, "ada").await;
        assert_eq!(browser.get("/api/v1/session").await.json()["passwords"], false);
        assert_eq!(browser.send("PUT", "/api/v1/user/password", json!({"new": password})).await.status, 403);
        // A password that is left from before is no way in.
        server.app.accounts.set_password(&"ada".parse().unwrap(), Secret::new(PASSWORD.into())).await.unwrap();
        assert_eq!(sign_in(&mut browser, &provider, "ada", "ada@example.com").await, "/drive?a=1");
        assert_eq!(ways(&mut browser).await["password"], false);
        assert_eq!(browser.send("DELETE", "/api/v1/user/identities/example", Value::Null).await.status, 409, "rule 24");
    }
}

story! {
    on(sqlite) async fn another_server_under_the_same_name_has_other_users(engine: Engine) {
        let (server, provider) = start(engine, |_| {}).await;
        let mut browser = Browser::new(&server);
        sign_up(&mut browser, &provider, "ada").await;
        // The operator has replaced the provider; there, the id belongs to another person.
        crate::db::execute(&server.app.db, "UPDATE identity SET issuer = 'https://before.example'").await;
        assert_eq!(problem(&sign_in(&mut browser, &provider, "ada", "ada@example.com").await), "taken");
        assert_eq!(ways(&mut browser).await["identities"], json!([]));
        let mut browser = Browser::of(&server, "ada").await;
        assert_eq!(link(&mut browser, &provider, "another id").await, "/account?linked=true");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM identity").await, 1);
    }
}
