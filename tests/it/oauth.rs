//! The OAuth 2.1 provider: each test names the security rule that it checks.

mod compatibility;
mod exceptions;
mod files;
mod grants;
mod lockout;
mod logout;
mod resources;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use std::time::Duration;

use rutter::app::App;
use rutter::types::{Role, Visibility};
use rutter_testing::{PASSWORD, Person, Reply, Server, story};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const REDIRECT: &str = "https://app.example.org/cb";
const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters";

/// An application and its secret.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
}

pub(crate) async fn client(server: &Server, token: &str, changes: Value) -> Client {
    let mut body = json!({
        "name": "Notes", "redirects": [REDIRECT],
        "scopes": ["openid", "profile", "email", "offline_access", "read", "write"],
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let reply = server.call(Some(token), "POST", "/api/v1/clients", body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let made = reply.json();
    Client { id: made["id"].as_str().unwrap().to_owned(), secret: made["secret"].as_str().map(str::to_owned) }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The query of an authorization request, changed as the test says; an empty value removes a parameter.
pub(crate) fn query(client: &Client, changes: &[(&str, &str)]) -> String {
    let challenge = BASE64.encode(Sha256::digest(VERIFIER));
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", &client.id),
        ("redirect_uri", REDIRECT),
        ("scope", "openid read"),
        ("state", "a state/ä&="),
        ("nonce", "a nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    encoded(&pairs)
}

/// Opens the authorization page in a browser.
pub(crate) async fn open(server: &Server, cookie: Option<&str>, query: &str) -> Reply {
    Reply::of(server.request("GET", &format!("/oauth/authorize?{query}"), cookie)).await
}

/// A value in the query of a redirect.
pub(crate) fn param(location: &str, name: &str) -> Option<String> {
    let (_, query) = location.split_once('?')?;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Allows a request in the browser; returns where it goes.
pub(crate) async fn allow(server: &Server, cookie: &str, query: &str) -> String {
    let reply = open(server, Some(cookie), query).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let location = reply.header("location");
    let Some(ticket) = location.strip_prefix("/oauth/consent#") else { return location.to_owned() };
    let url = format!("/api/v1/oauth/requests/{ticket}");
    let reply = server.call(Some(cookie), "POST", &url, json!({"allow": true})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["location"].as_str().unwrap().to_owned()
}

async fn form(server: &Server, url: &str, client: &Client, pairs: &[(&str, &str)]) -> Reply {
    let mut pairs = pairs.to_vec();
    let request = server.http.post(format!("{}{url}", server.url));
    let request = if let Some(secret) = &client.secret {
        request.basic_auth(&client.id, Some(secret))
    } else {
        pairs.push(("client_id", &client.id));
        request
    };
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    Reply::of(request.body(encoded(&pairs))).await
}

pub(crate) async fn exchange(server: &Server, client: &Client, code: &str, changes: &[(&str, &str)]) -> Reply {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    form(server, "/oauth/token", client, &pairs).await
}

pub(crate) async fn refresh(server: &Server, client: &Client, token: &str) -> Reply {
    form(server, "/oauth/token", client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// The tokens of a new login.
pub(crate) async fn login(server: &Server, client: &Client, cookie: &str, scope: &str) -> Value {
    let location = allow(server, cookie, &query(client, &[("scope", scope)])).await;
    let reply = exchange(server, client, &param(&location, "code").unwrap(), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

async fn bearer(server: &Server, method: &str, url: &str, token: &str, body: Value) -> Reply {
    let request = server.http.request(method.parse().unwrap(), format!("{}{url}", server.url)).bearer_auth(token);
    Reply::of(if body.is_null() { request } else { request.json(&body) }).await
}

/// Whether an access token works.
pub(crate) async fn works(server: &Server, tokens: &Value) -> bool {
    let reply = bearer(server, "GET", "/oauth/userinfo", text(tokens, "access_token"), Value::Null).await;
    assert!(matches!(reply.status, 200 | 401), "{}", reply.text());
    reply.status == 200
}

pub(crate) fn is_invalid_grant(reply: &Reply) -> bool {
    reply.status == 400 && reply.json()["error"] == "invalid_grant"
}

story! {
    async fn rule_1_a_code_works_once_and_its_replay_ends_the_login(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let location = allow(&server, &cookie, &query(&client, &[])).await;
        assert_eq!(param(&location, "state").unwrap(), "a state/ä&=", "rule 16");
        assert_eq!(param(&location, "iss").unwrap(), server.app.oauth.issuer());
        let code = param(&location, "code").unwrap();
        let reply = exchange(&server, &client, &code, &[]).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{}", reply.text());
        let tokens = reply.json();
        assert!(works(&server, &tokens).await);
        assert!(is_invalid_grant(&exchange(&server, &client, &code, &[]).await));
        assert!(!works(&server, &tokens).await);
        assert!(is_invalid_grant(&refresh(&server, &client, text(&tokens, "refresh_token")).await));
        // The user was asked before, so this one comes at once; it expires.
        let location = open(&server, Some(&cookie), &query(&client, &[])).await.header("location").to_owned();
        server.clock.advance(Duration::from_secs(61));
        assert!(is_invalid_grant(&exchange(&server, &client, &param(&location, "code").unwrap(), &[]).await));
    }
}

story! {
    async fn rule_2_a_code_is_bound_to_client_redirect_and_verifier(server: Server) {
        let ada = server.person("ada").await;
        let other = client(&server, &ada.token, json!({"name": "Other"})).await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let code = async || param(&allow(&server, &cookie, &query(&client, &[])).await, "code").unwrap();
        assert!(is_invalid_grant(&exchange(&server, &other, &code().await, &[]).await));
        for wrong in [
            ("code_verifier", "another-verifier-of-more-than-forty-three-characters"),
            ("code_verifier", "short"),
            ("redirect_uri", "https://app.example.org/cb/"),
        ] {
            let code = code().await;
            assert!(is_invalid_grant(&exchange(&server, &client, &code, &[wrong]).await), "{wrong:?}");
            assert!(is_invalid_grant(&exchange(&server, &client, &code, &[]).await), "no second guess");
        }
        let wrong = Client { id: client.id.clone(), secret: Some("rcs_wrong".into()) };
        let none = Client { id: client.id.clone(), secret: None };
        for client in [&wrong, &none] {
            let reply = exchange(&server, client, &code().await, &[]).await;
            assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("invalid_client")));
        }
        let challenge = BASE64.encode(Sha256::digest(VERIFIER));
        for changes in [
            vec![("code_challenge_method", "plain"), ("code_challenge", VERIFIER)],
            vec![("code_challenge_method", "plain"), ("code_challenge", challenge.as_str())],
            vec![("code_challenge_method", "")],
            vec![("code_challenge", "")],
        ] {
            let reply = open(&server, Some(&cookie), &query(&client, &changes)).await;
            assert_eq!(param(reply.header("location"), "error").unwrap(), "invalid_request", "{changes:?}");
        }
    }
}

story! {
    async fn rule_3_a_wrong_redirect_is_never_followed(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        for wrong in [
            "https://app.example.org/cb/", "https://app.example.org/CB", "https://App.example.org/cb",
            "https://app.example.org:443/cb", "http://app.example.org/cb", "https://app.example.org/cb?a",
            "https://app.example.orq/cb", "https://evil.example/", "",
        ] {
            for cookie in [None, Some(cookie.as_str())] {
                let reply = open(&server, cookie, &query(&client, &[("redirect_uri", wrong)])).await;
                assert_eq!((reply.status, reply.header("location")), (422, ""), "{wrong}");
                assert!(reply.header("content-type").starts_with("text/html") && reply.text().contains("it has not registered"));
                assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
            }
        }
        let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", query(&client, &[]));
        assert_eq!(open(&server, Some(&cookie), &twice).await.status, 422);
        let unknown = Client { id: server.clock.id().to_string(), secret: None };
        assert_eq!(open(&server, Some(&cookie), &query(&unknown, &[])).await.status, 422);
        for bad in ["javascript:alert(1)", "http://app.example.org/", "https://a@b.example/", "https://a.example/#f"] {
            let body = json!({"name": "x", "redirects": [bad], "scopes": ["openid"]});
            assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/clients", body).await.status, 422, "{bad}");
        }
    }
}

story! {
    async fn rule_4_reuse_of_a_refresh_token_ends_the_login(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let replica = App::open_at(server.app.config.clone(), server.clock.clone()).await.unwrap();
        let first = login(&server, &client, &cookie, "openid read").await;
        let token = text(&first, "refresh_token");
        let (one, two) = tokio::join!(refresh(&server, &client, token), refresh(&server, &client, token));
        let (one, two) = (one.json(), two.json());
        assert_eq!(text(&one, "refresh_token"), text(&two, "refresh_token"), "the response may have been lost");
        let row = replica.oauth.enabled_client(&client.id).await.unwrap().unwrap();
        let secret = rutter::types::Secret::new(token.to_owned());
        assert!(replica.oauth.refresh(&row, &secret, None, &[]).await.is_ok(), "at another replica, too");
        let next = refresh(&server, &client, text(&one, "refresh_token")).await.json();
        assert!(works(&server, &next).await);
        server.clock.advance(Duration::from_secs(31));
        assert!(is_invalid_grant(&refresh(&server, &client, token).await));
        assert!(!works(&server, &next).await);
        assert!(is_invalid_grant(&refresh(&server, &client, text(&next, "refresh_token")).await));
        let email = server.email_to("ada@example.org", 1).await;
        assert!(email.text.contains("\"Notes\" was used a second time"), "{}", email.text);
    }
}

story! {
    async fn rule_5_the_database_has_no_usable_secret(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let tokens = login(&server, &client, &cookie, "openid read").await;
        let row = server.app.oauth.enabled_client(&client.id).await.unwrap().unwrap();
        let dump = format!("{row:?}");
        assert!(!dump.contains(client.secret.as_ref().unwrap()));
        // The hash is no secret either.
        let stolen = Client { id: client.id.clone(), secret: row.secret.clone() };
        assert_eq!(refresh(&server, &stolen, text(&tokens, "refresh_token")).await.status, 401);
        let mut forged = text(&tokens, "access_token").to_owned();
        forged.replace_range(4..5, if forged[4..].starts_with('A') { "B" } else { "A" });
        assert!(!works(&server, &json!({"access_token": forged})).await);
    }
}

story! {
    async fn rule_6_revocation_holds_at_the_next_request(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let client = client(&server, &bob.token, json!({})).await;
        let cookie = server.cookie("ada").await;
        let gone = async |tokens: &Value| {
            assert!(!works(&server, tokens).await);
            assert!(is_invalid_grant(&refresh(&server, &client, text(tokens, "refresh_token")).await));
        };
        // The application itself.
        let tokens = login(&server, &client, &cookie, "openid read").await;
        assert_eq!(form(&server, "/oauth/revoke", &client, &[("token", text(&tokens, "access_token"))]).await.status, 200);
        gone(&tokens).await;
        // The consent.
        let tokens = login(&server, &client, &cookie, "openid read").await;
        let items = server.get(&ada, "/api/v1/user/consents").await["items"].clone();
        assert_eq!((&items[0]["name"], &items[0]["scopes"]), (&json!("Notes"), &json!(["openid", "read"])));
        let url = format!("/api/v1/user/consents/{}", client.id);
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        gone(&tokens).await;
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 404);
        // A disabled application.
        let tokens = login(&server, &client, &cookie, "openid read").await;
        let url = format!("/api/v1/clients/{}", client.id);
        let switch = async |disabled: bool| {
            server.ok(&bob, "PATCH", &url, json!({"disabled": disabled})).await;
        };
        switch(true).await;
        assert!(!works(&server, &tokens).await);
        assert_eq!(refresh(&server, &client, text(&tokens, "refresh_token")).await.status, 401);
        switch(false).await;
        assert!(works(&server, &tokens).await);
        // The browser session; not with `offline_access`.
        let offline = login(&server, &client, &cookie, "openid read offline_access").await;
        assert_eq!(server.call(Some(&cookie), "DELETE", "/api/v1/session", Value::Null).await.status, 204);
        gone(&tokens).await;
        assert!(works(&server, &offline).await);
        // The user.
        server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        assert!(!works(&server, &offline).await);
    }
}

story! {
    async fn a_new_password_ends_all_logins(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let tokens = login(&server, &client, &cookie, "openid offline_access").await;
        let change = json!({"current": PASSWORD, "new": "another password"});
        let reply = server.call(Some(&cookie), "PUT", "/api/v1/user/password", change).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        assert!(!works(&server, &tokens).await);
    }
}

story! {
    async fn rule_7_and_8_id_tokens_and_forged_tokens_open_nothing(server: Server) {
        let ada = server.person("ada").await;
        let other = client(&server, &ada.token, json!({"name": "Other"})).await;
        let public = client(&server, &ada.token, json!({"public": true})).await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let tokens = login(&server, &client, &cookie, "openid email profile read").await;
        let id_token = text(&tokens, "id_token");
        let part = |index: usize| BASE64.decode(id_token.split('.').nth(index).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&part(1)).unwrap();
        assert_eq!((&claims["nonce"], &claims["aud"]), (&json!("a nonce"), &json!(client.id)));
        assert_eq!((&claims["preferred_username"], &claims["email"]), (&json!("ada"), &json!("ada@example.org")));
        let unsigned = |header: Value| {
            format!("{}.{}.", BASE64.encode(header.to_string()), id_token.split('.').nth(1).unwrap())
        };
        let refresh_token = text(&tokens, "refresh_token");
        let forged = [unsigned(json!({"alg": "none"})), unsigned(json!({"alg": "HS256", "kid": "x"}))];
        for token in [id_token, refresh_token, &forged[0], &forged[1]] {
            for url in ["/api/v1/user/tokens", "/oauth/userinfo", "/api/v1/datasets/ada/drive"] {
                assert_eq!(bearer(&server, "GET", url, token, Value::Null).await.status, 401, "{url}");
            }
        }
        // Only the application that has a token can look into it, or revoke it.
        for token in [text(&tokens, "access_token"), refresh_token] {
            let asked = async |client: &Client| form(&server, "/oauth/introspect", client, &[("token", token)]).await;
            assert_eq!(asked(&client).await.json()["active"], true);
            assert_eq!(asked(&other).await.json(), json!({"active": false}));
            assert_eq!(asked(&public).await.status, 401);
            assert_eq!(form(&server, "/oauth/revoke", &other, &[("token", token)]).await.status, 200);
        }
        assert!(works(&server, &tokens).await);
        assert!(is_invalid_grant(&refresh(&server, &other, refresh_token).await));
    }
}

story! {
    async fn rule_10_an_application_reads_and_writes_but_owns_nothing(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("org", &[(&ada, Role::Writer), (&bob, Role::Owner)]).await;
        server.dataset("org/data", Visibility::Private).await;
        server.dataset("bob/data", Visibility::Private).await;
        let (client, cookie) = (client(&server, &bob.token, json!({})).await, server.cookie("ada").await);
        let write = login(&server, &client, &cookie, "openid read write").await;
        let read = login(&server, &client, &cookie, "openid read").await;
        let only = login(&server, &client, &cookie, "openid").await;
        let ask = async |tokens: &Value, method: &str, url: &str, body: Value| {
            bearer(&server, method, url, text(tokens, "access_token"), body).await.status
        };
        for (method, url, body) in [
            ("GET", "/api/v1/user", Value::Null),
            ("GET", "/api/v1/user/tokens", Value::Null),
            ("POST", "/api/v1/user/tokens", json!({"name": "x", "scopes": ["own"]})),
            ("GET", "/api/v1/user/sessions", Value::Null),
            ("GET", "/api/v1/user/consents", Value::Null),
            ("GET", "/api/v1/clients", Value::Null),
            ("POST", "/api/v1/clients", json!({"name": "x", "redirects": [REDIRECT], "scopes": ["openid"]})),
            ("GET", "/api/v1/organisations", Value::Null),
            ("DELETE", "/api/v1/datasets/org/data", Value::Null),
            ("POST", "/api/v1/datasets/org/data/shares", json!({"with": {"user": "bob"}, "right": "view"})),
            ("GET", "/api/v1/organisations/org", Value::Null),
            ("GET", "/api/v1/datasets/bob/data", Value::Null),
        ] {
            let status = ask(&write, method, url, body).await;
            assert!(matches!(status, 403 | 404), "{method} {url}: {status}");
        }
        let commit = json!({"message": "x", "operations": [{"op": "put", "path": "a.txt", "text": "x"}]});
        for (tokens, right, expected) in [(&only, "read", 404), (&read, "read", 200), (&write, "read", 200)] {
            assert_eq!(ask(tokens, "GET", "/api/v1/datasets/org/data", Value::Null).await, expected, "{right}");
        }
        let batch = json!({"operation": "upload", "objects": [{"oid": lfs::Oid::of(b"x"), "size": 1}]});
        let git = async |tokens: &Value, service: &str| {
            let url = format!("{}/org/data.git/info/refs?service={service}", server.url);
            Reply::of(server.http.get(url).basic_auth("ada", Some(text(tokens, "access_token")))).await.status
        };
        let lfs = async |tokens: &Value| {
            server.batch(Some(text(tokens, "access_token")), "org/data", &batch).await.0
        };
        assert_eq!((git(&read, "git-upload-pack").await, git(&read, "git-receive-pack").await), (200, 403));
        assert_eq!((git(&write, "git-upload-pack").await, git(&write, "git-receive-pack").await), (200, 200));
        assert_eq!((lfs(&read).await, lfs(&write).await), (403, 200));
        assert_ne!(ask(&read, "POST", "/api/v1/datasets/org/data/commits", commit).await / 100, 2);
        // Leaving the organisation holds at once.
        server.app.accounts.set_member(&"org".parse().unwrap(), &"ada".parse().unwrap(), None).await.unwrap();
        assert_eq!(ask(&write, "GET", "/api/v1/datasets/org/data", Value::Null).await, 404);
        assert_eq!((git(&write, "git-upload-pack").await, lfs(&write).await), (404, 404));
    }
}

story! {
    async fn rule_11_and_12_scopes_never_grow_and_clients_belong_to_their_owner(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let first = client(&server, &bob.token, json!({"scopes": ["openid", "read"]})).await;
        let cookie = server.cookie("ada").await;
        let reply = open(&server, Some(&cookie), &query(&first, &[("scope", "write own")])).await;
        assert_eq!(param(reply.header("location"), "error").unwrap(), "invalid_scope");
        // What it may not ask for is ignored, and the response says so.
        let tokens = login(&server, &first, &cookie, "openid write address").await;
        assert_eq!(tokens["scope"], "openid");
        let pairs = |scope| {
            [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token")), ("scope", scope)]
        };
        for wider in ["openid read", "read", "own", " "] {
            let reply = form(&server, "/oauth/token", &first, &pairs(wider)).await;
            assert_eq!(reply.json()["error"], "invalid_scope", "{wider}");
        }
        // Two applications of one name are two.
        let second = client(&server, &ada.token, json!({})).await;
        assert_ne!(first.id, second.id);
        let url = format!("/api/v1/clients/{}", first.id);
        for (method, url, body) in [
            ("GET", url.clone(), Value::Null),
            ("PATCH", url.clone(), json!({"redirects": ["https://evil.example/"]})),
            ("POST", format!("{url}/secret"), Value::Null),
            ("DELETE", url.clone(), Value::Null),
        ] {
            assert_eq!(server.call(Some(&ada.token), method, &url, body).await.status, 404, "{method}");
        }
        // A new secret; the one before works for a day.
        let new = server.ok(&bob, "POST", &format!("{url}/secret"), Value::Null).await;
        let renewed = Client { id: first.id.clone(), secret: Some(text(&new, "secret").to_owned()) };
        let inspect = async |client: &Client| form(&server, "/oauth/introspect", client, &[("token", "x")]).await.status;
        assert_eq!((inspect(&first).await, inspect(&renewed).await), (200, 200));
        server.clock.advance(Duration::from_hours(25));
        assert_eq!((inspect(&first).await, inspect(&renewed).await), (401, 200));
    }
}

story! {
    async fn rule_14_consent_takes_the_browser_that_began(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let reply = open(&server, Some(&cookie), &query(&client, &[])).await;
        let ticket = reply.header("location").strip_prefix("/oauth/consent#").unwrap().to_owned();
        let url = format!("/api/v1/oauth/requests/{ticket}");
        let mallory = (server.person("mallory").await, server.cookie("mallory").await);
        let elsewhere = server.another_cookie("ada").await;
        for (caller, status) in [(&mallory.1, 404), (&elsewhere, 404), (&mallory.0.token, 403), (&ada.token, 403)] {
            for (method, body) in [("GET", Value::Null), ("POST", json!({"allow": true}))] {
                assert_eq!(server.call(Some(caller), method, &url, body).await.status, status, "{method}");
            }
        }
        // Not from a page of another site.
        let request = server.http.post(format!("{}{url}", server.url)).header("cookie", format!("rutter={cookie}"));
        let request = request.header("origin", "https://evil.example").json(&json!({"allow": true}));
        assert_eq!(Reply::of(request).await.status, 403);
        let page = Reply::of(server.request("GET", "/oauth/consent", None)).await;
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(page.header("x-frame-options"), "DENY");
        // Refused, once.
        let asked = server.call(Some(&cookie), "GET", &url, Value::Null).await.json();
        assert_eq!((&asked["name"], &asked["scopes"]), (&json!("Notes"), &json!(["openid", "read"])));
        let reply = server.call(Some(&cookie), "POST", &url, json!({"allow": false})).await.json();
        assert_eq!(param(text(&reply, "location"), "error").unwrap(), "access_denied");
        assert_eq!(server.call(Some(&cookie), "POST", &url, json!({"allow": true})).await.status, 404);
    }
}

story! {
    async fn rule_16_next_is_a_path_of_ours(server: Server) {
        let ada = server.person("ada").await;
        let client = client(&server, &ada.token, json!({})).await;
        let sent = query(&client, &[]);
        let reply = open(&server, None, &sent).await;
        let location = reply.header("location").to_owned();
        assert!(location.starts_with("/login?next="), "{location}");
        assert_eq!(param(&location, "next").unwrap(), format!("/oauth/authorize?{sent}"));
        let evil = format!("{sent}&next=https%3A%2F%2Fevil.example");
        let location = open(&server, None, &evil).await.header("location").to_owned();
        assert!(param(&location, "next").unwrap().starts_with("/oauth/authorize?"));
        let reply = open(&server, None, &query(&client, &[("prompt", "none")])).await;
        assert_eq!(param(reply.header("location"), "error").unwrap(), "login_required");
        // By POST, too: only to ourselves.
        let request = server.http.post(format!("{}/oauth/authorize", server.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(sent.clone());
        assert_eq!(Reply::of(request).await.header("location"), format!("/oauth/authorize?{sent}"));
        // The issuer never comes from the request.
        let request = server.http.get(format!("{}/.well-known/openid-configuration", server.url));
        let reply = Reply::of(request.header("host", "evil.example")).await;
        assert!(!reply.text().contains("evil.example"));
    }
}
