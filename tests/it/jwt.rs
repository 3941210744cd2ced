//! JSON Web Tokens: our own, and those of issuers that the operator trusts.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lfs::Oid;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::EncodePublicKey as _;
use rutter::app::App;
use rutter::config::Issuer;
use rutter::types::{Role, Visibility};
use rutter_testing::{LFS_JSON, Reply, Server, story};
use serde_json::{Value, json};

const HERE: &[u8] = b"an object that is here";
const FRESH: &[u8] = b"an object that is not";

/// A key pair of an issuer.
struct Key {
    kid: String,
    signing: EncodingKey,
    pem: String,
    public: Value,
}

impl Key {
    fn make(kid: &str) -> Self {
        let key = rsa::RsaPrivateKey::new(&mut rand_core::OsRng, 2048).unwrap();
        let signing = EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
        let pem = key.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap();
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).unwrap();
        public.common.key_id = Some(kid.to_owned());
        Self { kid: kid.to_owned(), signing, pem, public: serde_json::to_value(public).unwrap() }
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }
}

/// The claims of a guest who may read, changed as the test says.
fn claims(server: &Server, changes: &Value) -> Value {
    let now = server.clock.now().seconds();
    let mut claims = json!({
        "iss": "https://ckan.example.org", "sub": "guest-17", "name": "Gesa",
        "iat": now, "nbf": now, "exp": now + 600, "scopes": "obj:org/data/*:read",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn body(operation: &str, objects: &[&[u8]]) -> String {
    let objects: Vec<Value> = objects.iter().map(|bytes| json!({"oid": Oid::of(bytes), "size": bytes.len()})).collect();
    json!({"operation": operation, "objects": objects}).to_string()
}

async fn batch_with(server: &Server, token: &str, operation: &str, objects: &[&[u8]]) -> Reply {
    let url = format!("{}/org/data.git/info/lfs/objects/batch", server.url);
    let request = server.http.post(url).bearer_auth(token).header("content-type", LFS_JSON);
    Reply::of(request.body(body(operation, objects))).await
}

/// The status of a download with this token.
async fn download_status(server: &Server, token: &str) -> u16 {
    batch_with(server, token, "download", &[HERE]).await.status
}

/// An organisation with a private dataset that holds one object; ada writes, rita reads.
async fn private_dataset(server: &Server) {
    let (ada, rita) = (server.person("ada").await, server.person("rita").await);
    server.organisation("org", &[(&ada, Role::Owner), (&rita, Role::Reader)]).await;
    server.dataset("org/data", Visibility::Private).await;
    server.upload(&ada.token, "org/data", HERE).await;
}

story! {
    async fn our_token_is_accepted_in_every_header(server: Server) {
        private_dataset(&server).await;
        let token = server.app.access.issue(&"ada".parse().unwrap(), "obj:org/data/*:read", 600).unwrap();
        let url = format!("{}/org/data.git/info/lfs/objects/batch", server.url);
        let ask = async |request: reqwest::RequestBuilder, operation| {
            Reply::of(request.body(body(operation, &[HERE]))).await.status
        };
        let ways = || {
            [
                server.http.post(&url).bearer_auth(&token),
                server.http.post(format!("{url}?jwt={token}")),
                server.http.post(format!("{url}?a=b&jwt={token}&c")),
                server.http.post(&url).basic_auth("_jwt", Some(&token)),
            ]
        };
        for way in ways() {
            assert_eq!(ask(way, "download").await, 200);
        }
        for way in ways() {
            assert_eq!(ask(way, "upload").await, 403, "it may only read");
        }
        // git sends it like a password.
        let refs = format!("{}/org/data.git/info/refs?service=git-upload-pack", server.url);
        assert_eq!(Reply::of(server.http.get(&refs).basic_auth("_jwt", Some(&token))).await.status, 200);
        assert_eq!(Reply::of(server.http.get(format!("{refs}&jwt={token}"))).await.status, 200);
        // The Authorization header takes precedence.
        let both = server.http.post(format!("{url}?jwt={token}")).bearer_auth("rut_wrong");
        assert_eq!(ask(both, "download").await, 401);

        server.clock.advance(Duration::from_secs(599 - 30));
        for way in ways() {
            assert_eq!(ask(way, "download").await, 200);
        }
        server.clock.advance(Duration::from_secs(31));
        for way in ways() {
            assert_eq!(ask(way, "download").await, 401, "expired");
        }
    }
}

story! {
    on(sqlite) async fn scopes_grant_exactly_what_they_name(server: Server) {
        private_dataset(&server).await;
        server.dataset("org/other", Visibility::Private).await;
        let scopes = [
            "obj:org/data/*:read",
            "obj:org/data/*:write",
            "obj:org/data/*:read,write",
            "obj:org/data/*",
            "obj:org/data/*:metadata:read",
            "obj:org/data/*:data:read",
            "obj:org/data/*:verify",
            "obj:org/*:read",
            "obj:*:read",
            "obj",
            "obj:org/other/*:read",
            "obj:org/dat:read",
            "obj:org/data/*:read obj:org/data/*:write",
            "ds:org/data:read",
            "ds:org/data:metadata:read",
            "ds:org/data:update",
            "ds:org/data:read,update",
            "ds:org/data",
            "ds:org/other",
            "org:org",
            "res:org/data/x:read",
            "nonsense",
            "",
        ];
        let mut table = format!("{:<44}{:>6}{:>6}{:>10}{:>8}{:>7}\n", "", "clone", "push", "download", "upload", "locks");
        for scope in scopes {
            let token = server.app.access.issue(&"ada".parse().unwrap(), scope, 600).unwrap();
            let get = async |tail: &str| {
                let url = format!("{}/org/data.git/{tail}", server.url);
                Reply::of(server.http.get(url).bearer_auth(&token)).await.status
            };
            let cells = [
                get("info/refs?service=git-upload-pack").await,
                get("info/refs?service=git-receive-pack").await,
                download_status(&server, &token).await,
                batch_with(&server, &token, "upload", &[FRESH]).await.status,
                get("info/lfs/locks").await,
            ];
            let [clone, push, download, upload, locks] = cells;
            writeln!(table, "{scope:<44}{clone:>6}{push:>6}{download:>10}{upload:>8}{locks:>7}").unwrap();
        }
        insta::assert_snapshot!("scopes", table);
    }
}

story! {
    on(sqlite) async fn a_scope_of_one_object_grants_only_that_object(server: Server) {
        private_dataset(&server).await;
        let issue = |scopes: String| server.app.access.issue(&"ada".parse().unwrap(), &scopes, 600).unwrap();
        let (here, fresh) = (Oid::of(HERE), Oid::of(FRESH));
        let read = issue(format!("obj:org/data/{here}:read"));
        assert_eq!(download_status(&server, &read).await, 200);
        assert_eq!(batch_with(&server, &read, "download", &[FRESH]).await.status, 404);
        assert_eq!(batch_with(&server, &read, "download", &[HERE, FRESH]).await.status, 404, "all or nothing");
        assert_eq!(batch_with(&server, &read, "upload", &[HERE]).await.status, 404);
        let refs = format!("{}/org/data.git/info/refs?service=git-upload-pack", server.url);
        assert_eq!(Reply::of(server.http.get(refs).bearer_auth(&read)).await.status, 404, "no history");

        let write = issue(format!("obj:org/data/{fresh}:write obj:org/data/{here}:read"));
        assert_eq!(batch_with(&server, &write, "upload", &[FRESH]).await.status, 200);
        assert_eq!(batch_with(&server, &write, "upload", &[FRESH, HERE]).await.status, 404);
        assert_eq!(download_status(&server, &write).await, 200);

        // It cannot create a dataset either.
        let url = format!("{}/org/new.git/info/lfs/objects/batch", server.url);
        let new = issue(format!("obj:org/new/{fresh}:write"));
        let reply = Reply::of(server.http.post(url).bearer_auth(new).body(body("upload", &[FRESH]))).await;
        assert_eq!(reply.status, 404);
    }
}

story! {
    async fn a_token_grants_no_more_than_the_account_has(server: Server) {
        private_dataset(&server).await;
        server.person("eve").await;
        let issue = |user: &str| server.app.access.issue(&user.parse().unwrap(), "obj:* ds:*", 600).unwrap();
        let rita = issue("rita");
        assert_eq!(download_status(&server, &rita).await, 200);
        assert_eq!(batch_with(&server, &rita, "upload", &[FRESH]).await.status, 403);
        assert_eq!(download_status(&server, &issue("eve")).await, 404);
        assert_eq!(download_status(&server, &issue("missing")).await, 401, "there is no such account");
    }
}

story! {
    on(sqlite) async fn our_published_keys_verify_our_tokens(server: Server) {
        let token = server.app.access.issue(&"ada".parse().unwrap(), "obj:org/data/*:read", 600).unwrap();
        let reply = Reply::of(server.request("GET", "/.well-known/jwks.json", None)).await;
        assert_eq!(reply.header("content-type"), "application/json");
        let keys = reply.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 1);
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(keys[0].get(private).is_none(), "{private} is not for the public");
        }
        let keys: JwkSet = serde_json::from_slice(&reply.body).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.alg, Algorithm::RS256);
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&["rutter"]);
        let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "ada");
        assert_eq!(claims["scopes"], "obj:org/data/*:read");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
    }
}

fn with_file(folder: &Path, key: &Key, audience: Option<&str>) -> Issuer {
    let file = folder.join("issuer.pem");
    std::fs::write(&file, &key.pem).unwrap();
    Issuer {
        issuer: "https://ckan.example.org".into(),
        public_key_file: Some(file),
        jwks_url: None,
        audience: audience.map(str::to_owned),
        leeway: 10,
    }
}

story! {
    on(sqlite) async fn tokens_of_an_issuer_with_a_key_file_are_accepted(engine: Engine) {
        let (key, folder) = (Key::make("file"), tempfile::tempdir().unwrap());
        let issuer = with_file(folder.path(), &key, None);
        let server = Server::start_with(engine, |config| config.issuers = vec![issuer]).await;
        private_dataset(&server).await;
        let good = key.sign(&claims(&server, &json!({})));
        assert_eq!(download_status(&server, &good).await, 200);
        assert_eq!(batch_with(&server, &good, "upload", &[FRESH]).await.status, 403);
        let list = json!({"scopes": ["obj:org/data/*:read", "obj:org/data/*:write"]});
        let writer = key.sign(&claims(&server, &list));
        assert_eq!(batch_with(&server, &writer, "upload", &[FRESH]).await.status, 200, "scopes may be a list");
        for scopes in [json!("obj:org/other/*:read"), json!(""), json!(null), json!([])] {
            let token = key.sign(&claims(&server, &json!({"scopes": scopes})));
            assert_eq!(download_status(&server, &token).await, 404, "{scopes}");
        }
        // A guest has a name, by which others know it.
        let token = key.sign(&claims(&server, &json!({"scopes": "ds:org/data"})));
        let locks = format!("{}/org/data.git/info/lfs/locks", server.url);
        let lock = Reply::of(server.http.post(&locks).bearer_auth(&token).body(r#"{"path":"a.csv"}"#)).await;
        assert_eq!((lock.status, &lock.json()["lock"]["owner"]["name"]), (201, &json!("Gesa")));
        // A subject is a guest, even if a user has that name.
        let claimed = key.sign(&claims(&server, &json!({"sub": "ada", "scopes": "obj:org/other/*:read"})));
        assert_eq!(download_status(&server, &claimed).await, 404);
    }
}

story! {
    on(sqlite) async fn token_times_are_checked_with_the_leeway_of_the_issuer(engine: Engine) {
        let (key, folder) = (Key::make("file"), tempfile::tempdir().unwrap());
        let issuer = with_file(folder.path(), &key, None);
        let server = Server::start_with(engine, |config| config.issuers = vec![Issuer { leeway: 600, ..issuer }]).await;
        private_dataset(&server).await;
        let now = server.clock.now().seconds();
        // Half a leeway apart, for slow machines.
        for (changes, expected) in [
            (json!({"exp": now - 300}), 200),
            (json!({"exp": now - 601}), 401),
            (json!({"nbf": now + 300}), 200),
            (json!({"nbf": now + 1200}), 401),
            (json!({"iat": now + 1200}), 200),
            (json!({"nbf": 0, "iat": 0}), 200),
        ] {
            let reply = batch_with(&server, &key.sign(&claims(&server, &changes)), "download", &[HERE]).await;
            assert_eq!(reply.status, expected, "{changes}: {}", reply.text());
        }
    }
}

story! {
    on(sqlite) async fn the_audience_must_be_this_server(engine: Engine) {
        let (key, folder) = (Key::make("file"), tempfile::tempdir().unwrap());
        let issuer = with_file(folder.path(), &key, Some("rutter.example.org"));
        let server = Server::start_with(engine, |config| config.issuers = vec![issuer]).await;
        private_dataset(&server).await;
        for (audience, expected) in [
            (json!("rutter.example.org"), 200),
            (json!(["giftless", "rutter.example.org"]), 200),
            (json!("giftless"), 401),
            (json!(["giftless"]), 401),
            (json!([]), 401),
            (json!(null), 401),
        ] {
            let token = key.sign(&claims(&server, &json!({"aud": audience})));
            assert_eq!(download_status(&server, &token).await, expected, "{audience}");
        }
    }
}

story! {
    on(sqlite) async fn tokens_not_signed_by_the_issuer_are_refused(engine: Engine) {
        let (key, other, folder) = (Key::make("file"), Key::make("file"), tempfile::tempdir().unwrap());
        let issuer = with_file(folder.path(), &key, None);
        let server = Server::start_with(engine, |config| config.issuers = vec![issuer]).await;
        private_dataset(&server).await;
        let guest = claims(&server, &json!({}));
        let good = key.sign(&guest);
        let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
        let base64 = |text: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        };
        let wider = base64(&claims(&server, &json!({"scopes": "obj"})).to_string());
        let none = base64(r#"{"alg":"none","typ":"JWT"}"#);
        // Anyone could sign these with the public key, if it were accepted as a shared secret.
        let shared = EncodingKey::from_secret(key.pem.as_bytes());
        let hs256 = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &guest, &shared).unwrap();
        let ours = claims(&server, &json!({"iss": "rutter", "sub": "ada"}));
        let mut endless = guest.clone();
        endless.as_object_mut().unwrap().remove("exp");
        let refused = [
            ("another key", other.sign(&guest)),
            ("an unknown issuer", key.sign(&claims(&server, &json!({"iss": "https://evil.example.org"})))),
            ("no issuer", key.sign(&claims(&server, &json!({"iss": ""})))),
            ("our name, their key", key.sign(&ours)),
            ("a shared secret", hs256),
            ("no signature at all", format!("{none}.{payload}.")),
            ("no signature, and one", format!("{none}.{payload}.{signature}")),
            ("other claims", format!("{head}.{wider}.{signature}")),
            ("half a signature", format!("{head}.{payload}.{}", &signature[..100])),
            ("no end", key.sign(&endless)),
            ("an end that is no number", key.sign(&claims(&server, &json!({"exp": "tomorrow"})))),
            ("an end in the past", key.sign(&claims(&server, &json!({"exp": 1})))),
            ("dots", "..".to_owned()),
            ("not a token", "a.b.c".to_owned()),
        ];
        for (what, token) in refused {
            let reply = batch_with(&server, &token, "download", &[HERE]).await;
            assert_eq!(reply.status, 401, "{what}: {}", reply.text());
            assert!(reply.headers.contains_key("lfs-authenticate"), "{what}");
        }
        assert_eq!(download_status(&server, &good).await, 200);
    }
}

/// The place where an issuer publishes its keys.
#[derive(Clone, Default)]
struct Jwks(Arc<Mutex<Published>>);

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    away: bool,
    asked: usize,
    /// How long an answer takes.
    slow: Duration,
}

impl Jwks {
    /// Publishes on a free port; returns the URL.
    async fn publish(&self) -> String {
        let published = self.clone();
        let answer = async move || {
            let slow = published.0.lock().unwrap().slow;
            tokio::time::sleep(slow).await;
            let mut published = published.0.lock().unwrap();
            published.asked += 1;
            let status = if published.away { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
            (status, Json(json!({"keys": published.keys})))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks", get(answer))).await });
        url
    }

    fn set(&self, keys: &[&Key], away: bool) {
        let mut published = self.0.lock().unwrap();
        published.keys = keys.iter().map(|key| key.public.clone()).collect();
        published.away = away;
    }

    fn requests(&self) -> usize {
        self.0.lock().unwrap().asked
    }
}

async fn with_url(engine: rutter_testing::Engine, jwks: &Jwks) -> Server {
    let url = jwks.publish().await;
    let issuer = Issuer {
        issuer: "https://ckan.example.org".into(),
        public_key_file: None,
        jwks_url: Some(url),
        audience: None,
        leeway: 10,
    };
    let server = Server::start_with(engine, |config| config.issuers = vec![issuer]).await;
    private_dataset(&server).await;
    server
}

story! {
    on(sqlite) async fn key_rotation_of_an_issuer_is_followed(engine: Engine) {
        let (old, new, forger) = (Key::make("old"), Key::make("new"), Key::make("new"));
        let jwks = Jwks::default();
        jwks.set(&[&old], false);
        let server = with_url(engine, &jwks).await;
        let by = |key: &Key| key.sign(&claims(&server, &json!({"exp": server.clock.now().seconds() + 86_400})));
        for _ in 0..3 {
            assert_eq!(download_status(&server, &by(&old)).await, 200);
        }
        assert_eq!(jwks.requests(), 1, "keys are kept");

        jwks.set(&[&old, &new], false);
        for _ in 0..3 {
            assert_eq!(download_status(&server, &by(&new)).await, 401, "it was asked a moment ago");
        }
        assert_eq!(jwks.requests(), 1, "tokens with invented keys do not make us ask again and again");
        server.clock.advance(Duration::from_secs(31));
        assert_eq!(download_status(&server, &by(&new)).await, 200);
        assert_eq!(download_status(&server, &by(&old)).await, 200, "both are good");
        assert_eq!(download_status(&server, &by(&forger)).await, 401, "a name of a key is not the key");
        assert_eq!(jwks.requests(), 2);

        jwks.set(&[&new], false);
        server.clock.advance(Duration::from_secs(601));
        assert_eq!(download_status(&server, &by(&old)).await, 401, "withdrawn");
        assert_eq!(download_status(&server, &by(&new)).await, 200);
    }
}

story! {
    on(sqlite) async fn an_unreachable_issuer_is_answered_with_503(engine: Engine) {
        let key = Key::make("one");
        let jwks = Jwks::default();
        jwks.set(&[], true);
        let server = with_url(engine, &jwks).await;
        let token = key.sign(&claims(&server, &json!({"exp": server.clock.now().seconds() + 86_400})));
        // Not 401: git would forget the password.
        for _ in 0..3 {
            let away = batch_with(&server, &token, "download", &[HERE]).await;
            assert_eq!((away.status, away.header("content-type")), (503, LFS_JSON), "{}", away.text());
            assert_eq!(away.header("retry-after"), "2");
        }
        assert_eq!(jwks.requests(), 1);
        jwks.set(&[&key], false);
        server.clock.advance(Duration::from_secs(31));
        assert_eq!(download_status(&server, &token).await, 200, "it came back");
        jwks.set(&[], true);
        server.clock.advance(Duration::from_secs(3600));
        assert_eq!(download_status(&server, &token).await, 200, "what was known stays good");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_issuer_is_asked_once_and_delays_no_known_key() {
    let (key, invented) = (Key::make("one"), Key::make("invented"));
    let jwks = Jwks::default();
    jwks.set(&[&key], false);
    let server = with_url(rutter_testing::Engine::Sqlite, &jwks).await;
    let by = |key: &Key| key.sign(&claims(&server, &json!({"exp": server.clock.now().seconds() + 86_400})));
    let (good, bad) = (by(&key), by(&invented));
    assert_eq!(download_status(&server, &good).await, 200);
    server.clock.advance(Duration::from_secs(31));
    jwks.0.lock().unwrap().slow = Duration::from_millis(1500);
    let began = std::time::Instant::now();
    let strangers = async {
        let statuses = futures::future::join_all((0..5).map(|_| download_status(&server, &bad))).await;
        (statuses, began.elapsed())
    };
    let known = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        (download_status(&server, &good).await, began.elapsed())
    };
    let ((statuses, all), (status, one)) = tokio::join!(strangers, known);
    assert_eq!((statuses, status), (vec![401; 5], 200));
    assert!(one < Duration::from_secs(1), "{one:?}");
    assert!(all < Duration::from_secs(3), "{all:?}");
    assert_eq!(jwks.requests(), 2, "once at the beginning, and once for all of them");
}

story! {
    on(sqlite) async fn an_unreadable_key_does_not_hide_the_others(engine: Engine) {
        let key = Key::make("one");
        let jwks = Jwks::default();
        jwks.set(&[&key], false);
        jwks.0.lock().unwrap().keys.insert(0, json!({"kty": "PQC", "alg": "ML-DSA-65", "kid": "future"}));
        jwks.0.lock().unwrap().keys.insert(0, json!("nonsense"));
        let server = with_url(engine, &jwks).await;
        assert_eq!(download_status(&server, &key.sign(&claims(&server, &json!({})))).await, 200);
    }
}

/// The ids of the published keys.
async fn published(server: &Server) -> Vec<String> {
    let reply = Reply::of(server.request("GET", "/.well-known/jwks.json", None)).await.json();
    reply["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn signer(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

story! {
    async fn rule_17_keys_are_published_before_they_sign_and_until_their_last_token_has_expired(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        private_dataset(&server).await;
        let day = Duration::from_hours(24);
        let issue = |app: &App| app.access.issue(&"ada".parse().unwrap(), "obj:org/data/*:read", 900).unwrap();
        let rotate = async || server.app.access.keys().ours().rotate().await.unwrap();
        let first = published(&server).await;
        assert_eq!(first.len(), 1);
        // Another replica, with its own copy of the keys.
        let replica = App::open_at(server.app.config.clone(), server.clock.clone()).await.unwrap();
        server.clock.advance(day * 89);
        rotate().await;
        assert_eq!(published(&server).await, first);

        server.clock.advance(day * 2);
        rotate().await;
        rotate().await;
        let both = published(&server).await;
        assert_eq!((both.len(), &both[1]), (2, &first[0]), "the next key is published");
        let old = issue(&server.app);
        assert_eq!(signer(&old), first[0], "the next key does not sign yet");

        server.clock.advance(day);
        let new = issue(&server.app);
        assert_eq!(signer(&new), both[0]);
        for token in [&old, &new] {
            // An unknown key id makes the replica read the keys.
            let valid = replica.access.examine(token).await.unwrap();
            assert_eq!(valid.is_ok(), token == &new, "{valid:?}");
        }
        assert_eq!(signer(&issue(&replica)), both[0]);
        assert_eq!(download_status(&server, &new).await, 200);

        // The last token of the old key was signed just before.
        assert_eq!(published(&server).await, both);
        server.clock.advance(Duration::from_mins(18));
        assert_eq!(published(&server).await, both[..1]);
        rotate().await;
        assert_eq!(published(&server).await, both[..1]);
        let restarted = App::open_at(server.app.config.clone(), server.clock.clone()).await.unwrap();
        assert_eq!(restarted.access.keys().ours().published().keys.len(), 1);
    }
}

story! {
    async fn replicas_that_rotate_together_add_one_key(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let replica = App::open_at(server.app.config.clone(), server.clock.clone()).await.unwrap();
        server.clock.advance(Duration::from_hours(24 * 91));
        let (one, two) = tokio::join!(server.app.access.keys().ours().rotate(), replica.access.keys().ours().rotate());
        one.unwrap();
        two.unwrap();
        assert_eq!(published(&server).await.len(), 2);
    }
}

story! {
    on(sqlite) async fn keys_are_kept_where_rotation_is_off(engine: Engine) {
        let server = Server::start_without_workers(engine, |config| config.oauth.key_days = 0).await;
        server.clock.advance(Duration::from_hours(24 * 4000));
        server.app.access.keys().ours().rotate().await.unwrap();
        assert_eq!(published(&server).await.len(), 1);
    }
}
