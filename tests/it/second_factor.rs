//! Two-factor authentication: one-time codes, recovery codes, and attacks on them. Numbers of rules are those of the
//! security rules for signing in.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rutter::accounts::sessions::ClientInfo;
use rutter::app::App;
use rutter::clock::Clock;
use rutter::config::{Rates, SecondFactor};
use rutter::types::{Secret, Visibility};
use rutter_testing::{PASSWORD, Reply, Server, story};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::db::count;

const SESSION: &str = "/api/v1/session";
const FACTORS: &str = "/api/v1/user/factors";
const TOTP: &str = "/api/v1/user/factors/totp";
const CODES: &str = "/api/v1/user/factors/codes";

/// A user with two-factor authentication.
struct Enrolled {
    name: String,
    cookie: String,
    app: Authenticator,
    recovery: Vec<String>,
}

/// An authenticator app, written independently of the server.
pub(crate) struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Reads the secret as a user types it.
    pub(crate) fn new(base32: &str) -> Self {
        let mut bits = String::new();
        for c in base32.chars() {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
            bits.push_str(&format!("{value:05b}"));
        }
        let bytes = bits.as_bytes().chunks_exact(8).map(|byte| std::str::from_utf8(byte).unwrap());
        Self(bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect())
    }

    /// Returns the code of the present, or of another time step.
    pub(crate) fn code(&self, clock: &Clock, steps: i64) -> String {
        let step = clock.now().0 / 30_000 + steps;
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let at = usize::from(hash[19] & 0xf);
        let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// Returns a code that is not valid now.
    fn wrong(&self, clock: &Clock) -> String {
        let valid: Vec<String> = (-1..=1).map(|steps| self.code(clock, steps)).collect();
        (0..4).map(|digit| digit.to_string().repeat(6)).find(|code| !valid.contains(code)).unwrap()
    }
}

/// Goes on to a time at which no code was used yet.
fn next_step(server: &Server) {
    server.clock.advance(Duration::from_secs(90));
}

async fn post(server: &Server, body: &Value) -> Reply {
    server.call(None, "POST", SESSION, body.clone()).await
}

async fn password(server: &Server, name: &str) -> Reply {
    post(server, &json!({"login": name, "password": PASSWORD})).await
}

/// Enters the password; returns the ticket for the second step.
async fn ticket(server: &Server, name: &str) -> String {
    let reply = password(server, name).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.headers.contains_key("set-cookie"), "no session for the password alone");
    assert_eq!(reply.json()["second"]["kinds"], json!(["totp", "recovery"]));
    assert!(reply.json()["user"].is_null());
    reply.json()["second"]["ticket"].as_str().unwrap().to_owned()
}

async fn enter(server: &Server, ticket: &str, code: &str) -> Reply {
    post(server, &json!({"ticket": ticket, "code": code})).await
}

/// Signs in with both steps; returns the cookie.
async fn sign_in(server: &Server, name: &str, code: &str) -> String {
    cookie_of(&enter(server, &ticket(server, name).await, code).await)
}

fn cookie_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.header("set-cookie").split_once('=').unwrap().1.split(';').next().unwrap().to_owned()
}

/// Creates a secret and confirms it.
async fn enrol(server: &Server, name: &str, cookie: &str) -> Enrolled {
    let (status, made) = server.json(Some(cookie), "POST", TOTP, Value::Null).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"].as_str().unwrap();
    let (site, rest) = made["url"].as_str().unwrap().strip_prefix("otpauth://totp/").unwrap().split_once(':').unwrap();
    assert_eq!(rest, format!("{name}?secret={secret}&issuer={site}"));
    let app = Authenticator::new(secret);
    assert_eq!(app.0.len(), 20);
    let (status, codes) = server.json(Some(cookie), "PUT", TOTP, json!({"code": app.code(&server.clock, 0)})).await;
    assert_eq!(status, 200, "{codes}");
    let recovery: Vec<String> = serde_json::from_value(codes["codes"].clone()).unwrap();
    assert_eq!(recovery.len(), 10);
    Enrolled { name: name.to_owned(), cookie: cookie.to_owned(), app, recovery }
}

/// Adds a user with two-factor authentication.
async fn enrolled(server: &Server, name: &str) -> Enrolled {
    server.person(name).await;
    let cookie = server.cookie(name).await;
    enrol(server, name, &cookie).await
}

async fn state(server: &Server, cookie: &str) -> Value {
    let (status, state) = server.json(Some(cookie), "GET", FACTORS, Value::Null).await;
    assert_eq!(status, 200, "{state}");
    state
}

/// The user of a session; null for an anonymous one.
async fn user_of(server: &Server, cookie: &str) -> Value {
    server.json(Some(cookie), "GET", SESSION, Value::Null).await.1["user"]["name"].clone()
}

story! {
    async fn a_user_turns_two_factor_authentication_on_and_off(server: Server) {
        server.person("ada").await;
        let (cookie, elsewhere) = (server.cookie("ada").await, server.another_cookie("ada").await);
        let off = json!({"totp": null, "recovery_codes": 0, "must_enrol": false, "fresh": true});
        assert_eq!(state(&server, &cookie).await, off);
        for (method, url) in [("DELETE", TOTP), ("POST", CODES), ("PUT", TOTP)] {
            let status = server.json(Some(&cookie), method, url, json!({"code": "123456"})).await.0;
            assert!(matches!(status, 404 | 409), "{method} {url}: {status}");
        }
        // A secret that is not confirmed changes nothing, and the next one replaces it.
        let first = server.json(Some(&cookie), "POST", TOTP, Value::Null).await.1;
        assert_eq!(password(&server, "ada").await.json()["user"]["name"], "ada");
        let ada = enrol(&server, "ada", &cookie).await;
        let first = Authenticator::new(first["secret"].as_str().unwrap());
        assert_ne!(first.0, ada.app.0);
        assert_eq!(server.json(Some(&cookie), "POST", TOTP, Value::Null).await.0, 409, "it is on");
        assert_eq!(server.json(Some(&cookie), "PUT", TOTP, json!({"code": ada.app.code(&server.clock, 1)})).await.0, 409);
        let on = state(&server, &cookie).await;
        assert!(on["totp"].is_string() && on["recovery_codes"] == 10, "{on}");
        assert!(user_of(&server, &elsewhere).await.is_null(), "sessions without a second factor end");
        server.email_to("ada@example.org", 1).await;

        next_step(&server);
        let cookie = sign_in(&server, "ada", &ada.app.code(&server.clock, 0)).await;
        let sessions = server.json(Some(&cookie), "GET", "/api/v1/user/sessions", Value::Null).await.1;
        assert!(sessions["items"].as_array().unwrap().iter().all(|one| one["second_factor"] == true), "{sessions}");
        // New recovery codes replace the old ones.
        let (status, codes) = server.json(Some(&cookie), "POST", CODES, Value::Null).await;
        assert_eq!(status, 200, "{codes}");
        assert_eq!(enter(&server, &ticket(&server, "ada").await, &ada.recovery[0]).await.status, 401);
        let code = codes["codes"][0].as_str().unwrap().to_uppercase().replace('-', " ");
        let cookie = sign_in(&server, "ada", &code).await;
        assert_eq!(state(&server, &cookie).await["recovery_codes"], 9);
        assert_eq!(server.json(Some(&cookie), "DELETE", TOTP, Value::Null).await.0, 204);
        assert_eq!(state(&server, &cookie).await, off);
        assert_eq!(password(&server, "ada").await.json()["user"]["name"], "ada");
        for (entries, expected) in [
            ("SELECT COUNT(*) FROM audit WHERE action LIKE 'factor.%'", 5),
            ("SELECT COUNT(DISTINCT action) FROM audit WHERE action LIKE 'factor.%'", 5),
        ] {
            assert_eq!(count(&server.app.db, entries).await, expected);
        }
    }
}

story! {
    async fn rule_21_a_code_works_once(server: Server) {
        let ada = enrolled(&server, "ada").await;
        let clock = &server.clock;
        let tried = async |code: &str| enter(&server, &ticket(&server, "ada").await, code).await.status;
        assert_eq!(tried(&ada.app.code(clock, 0)).await, 401, "it confirmed the secret");
        next_step(&server);
        let code = ada.app.code(clock, 0);
        assert_eq!(tried(&code).await, 200);
        assert_eq!(tried(&code).await, 401, "replayed");
        assert_eq!(tried(&ada.app.code(clock, -1)).await, 401, "nor an earlier one");
        assert_eq!(tried(&ada.app.code(clock, 1)).await, 200, "the clock of the device may be fast");
        next_step(&server);
        assert_eq!(tried(&ada.app.code(clock, -1)).await, 200, "or slow");
        next_step(&server);
        for steps in [-2, 2] {
            assert_eq!(tried(&ada.app.code(clock, steps)).await, 401, "{steps}");
        }
        assert_eq!(tried(&ada.recovery[0]).await, 200);
        assert_eq!(tried(&ada.recovery[0]).await, 401);
        assert_eq!(tried(&ada.recovery[1]).await, 200);
        server.emails_to("ada@example.org", 3).await;
    }
}

story! {
    async fn rule_21_a_code_works_once_at_two_replicas_too(server: Server) {
        let ada = enrolled(&server, "ada").await;
        let other = App::open_at(server.app.config.clone(), server.clock.clone()).await.unwrap();
        let visit = ClientInfo::default();
        for round in 0..4 {
            next_step(&server);
            let code = if round % 2 == 0 { ada.app.code(&server.clock, 0) } else { ada.recovery[round].clone() };
            let code = Secret::new(code);
            let (one, two) = (ticket(&server, "ada").await, ticket(&server, "ada").await);
            let (one, two) = (Secret::new(one), Secret::new(two));
            let (one, two) = tokio::join!(
                server.app.accounts.sign_in_with_code(&one, &code, &visit),
                other.accounts.sign_in_with_code(&two, &code, &visit)
            );
            assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "round {round}");
        }
        // Nor does one ticket give two sessions.
        next_step(&server);
        let both = Secret::new(ticket(&server, "ada").await);
        let (code, recovery) = (Secret::new(ada.app.code(&server.clock, 0)), Secret::new(ada.recovery[0].clone()));
        let (one, two) = tokio::join!(
            server.app.accounts.sign_in_with_code(&both, &code, &visit),
            other.accounts.sign_in_with_code(&both, &recovery, &visit)
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    }
}

story! {
    async fn rule_22_after_a_password_alone_nothing_but_the_second_step_accepts_the_ticket(server: Server) {
        let ada = enrolled(&server, "ada").await;
        let eve = enrolled(&server, "eve").await;
        server.dataset("ada/secret", Visibility::Private).await;
        next_step(&server);
        let open = ticket(&server, "ada").await;
        // Not as a cookie, a token or a password.
        for url in ["/api/v1/user", FACTORS, "/api/v1/datasets/ada/secret", "/ada/secret.git/info/refs?service=git-upload-pack"] {
            for cookie in [format!("rutter={open}"), format!("__Host-rutter={open}")] {
                let request = server.http.get(format!("{}{url}", server.url)).header("cookie", cookie);
                assert!(matches!(Reply::of(request).await.status, 401 | 404), "{url}");
            }
            let status = Reply::of(server.http.get(format!("{}{url}", server.url)).bearer_auth(&open)).await.status;
            assert_eq!(status, 401, "{url}");
            let basic = server.http.get(format!("{}{url}", server.url)).basic_auth("ada", Some(&open));
            assert_eq!(Reply::of(basic).await.status, 401, "{url}");
        }
        // Not in place of the token of an e-mail.
        for page in ["reset/confirm", "verify", "email/confirm", "setup"] {
            let body = match page {
                "email/confirm" => json!({"token": open}),
                "setup" => json!({"token": open, "name": "root", "email": "root@example.org", "password": "a new horse"}),
                _ => json!({"token": open, "password": "a new horse"}),
            };
            let status = server.json(None, "POST", &format!("/api/v1/accounts/{page}"), body).await.0;
            assert!(matches!(status, 403 | 404), "{page}: {status}");
        }
        // Not with the codes of another user, nor with a password.
        assert_eq!(enter(&server, &open, &eve.app.code(&server.clock, 0)).await.status, 401);
        assert_eq!(enter(&server, &open, &eve.recovery[0]).await.status, 401);
        assert_eq!(enter(&server, &open, PASSWORD).await.status, 401);
        let mixed = json!({"login": "ada", "password": PASSWORD, "ticket": open, "code": ada.app.code(&server.clock, 0)});
        assert_eq!(post(&server, &mixed).await.status, 422);
        for partial in [json!({"ticket": open}), json!({"code": "123456"}), json!({"login": "ada", "code": "123456"})] {
            assert_eq!(post(&server, &partial).await.status, 422, "{partial}");
        }
        // Once.
        let code = ada.app.code(&server.clock, 0);
        let done = enter(&server, &open, &code).await;
        assert_eq!(user_of(&server, &cookie_of(&done)).await, "ada");
        assert_eq!(enter(&server, &open, &ada.recovery[0]).await.status, 404);
        // Of another kind: a link to reset the password.
        server.json(None, "POST", "/api/v1/accounts/reset", json!({"email": "ada@example.org"})).await;
        let emails = server.emails_to("ada@example.org", 2).await;
        let reset = emails.iter().find(|email| email.text.contains("/reset#")).unwrap().token_in_link("reset");
        assert_eq!(enter(&server, &reset, &ada.recovery[0]).await.status, 404);
        assert_eq!(enter(&server, "ruk_forged", &ada.recovery[0]).await.status, 404);
        // For ten minutes.
        let late = ticket(&server, "ada").await;
        server.clock.advance(Duration::from_mins(10));
        assert_eq!(enter(&server, &late, &ada.recovery[0]).await.status, 404);
        // A sign-in of another site's page is refused.
        let request = server.request("POST", SESSION, None).header("origin", "https://evil.example");
        let body = json!({"ticket": ticket(&server, "ada").await, "code": ada.recovery[0]}).to_string();
        let forged = Reply::of(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(forged.status, 403);
    }
}

story! {
    async fn a_ticket_ends_with_what_locks_an_intruder_out(server: Server) {
        let root = server.administrator("root").await;
        for act in ["password", "reset", "operator", "others", "suspend", "admin", "remove"] {
            let name = format!("ada{act}");
            let ada = enrolled(&server, &name).await;
            let stolen = ticket(&server, &name).await;
            let user = name.parse().unwrap();
            let done = match act {
                "password" => {
                    let body = json!({"current": PASSWORD, "new": "another horse"});
                    server.json(Some(&ada.cookie), "PUT", "/api/v1/user/password", body).await.0
                }
                "reset" => {
                    let address = format!("{name}@example.org");
                    server.json(None, "POST", "/api/v1/accounts/reset", json!({"email": address})).await;
                    let emails = server.emails_to(&address, 2).await;
                    let link = emails.iter().find(|email| email.text.contains("/reset#")).unwrap().token_in_link("reset");
                    let body = json!({"token": link, "password": "another horse"});
                    server.json(None, "POST", "/api/v1/accounts/reset/confirm", body).await.0
                }
                "operator" => {
                    server.app.accounts.set_password(&user, Secret::new("another horse".into())).await.unwrap();
                    204
                }
                "others" => server.json(Some(&ada.cookie), "DELETE", "/api/v1/user/sessions", Value::Null).await.0,
                "suspend" => {
                    server.app.accounts.suspend(&user).await.unwrap();
                    server.app.accounts.resume(&user).await.unwrap();
                    204
                }
                "admin" => {
                    let url = format!("/api/v1/admin/users/{name}/factors");
                    server.json(Some(&root.token), "DELETE", &url, Value::Null).await.0
                }
                _ => server.json(Some(&ada.cookie), "DELETE", TOTP, Value::Null).await.0,
            };
            assert_eq!(done, 204, "{act}");
            assert_eq!(enter(&server, &stolen, &ada.recovery[0]).await.status, 404, "{act}");
            // A new password does not remove the second factor, and does not skip it.
            if matches!(act, "reset" | "operator" | "password") {
                let body = json!({"login": name, "password": "another horse"});
                let reply = post(&server, &body).await;
                assert!(reply.json()["second"]["ticket"].is_string(), "{act}: {}", reply.text());
                assert!(!reply.headers.contains_key("set-cookie"));
            }
        }
    }
}

story! {
    async fn a_closed_account_is_reopened_only_by_both_steps(server: Server) {
        let ada = enrolled(&server, "ada").await;
        let closed = server.json(Some(&ada.cookie), "DELETE", "/api/v1/user", json!({"password": PASSWORD})).await;
        assert_eq!(closed.0, 202, "{}", closed.1);
        let open = ticket(&server, &ada.name).await;
        let closed = "SELECT COUNT(*) FROM account WHERE closed_at IS NOT NULL";
        assert_eq!(count(&server.app.db, closed).await, 1);
        let cookie = cookie_of(&enter(&server, &open, &ada.recovery[0]).await);
        assert_eq!(user_of(&server, &cookie).await, "ada");
        assert_eq!(count(&server.app.db, closed).await, 0);
    }
}

story! {
    async fn rule_24_changing_factors_takes_a_fresh_sign_in(server: Server) {
        let ada = enrolled(&server, "ada").await;
        let ben = server.person("ben").await;
        let fresh = server.cookie("ben").await;
        let changes = [("POST", TOTP), ("PUT", TOTP), ("DELETE", TOTP), ("POST", CODES)];
        server.clock.advance(Duration::from_mins(10));
        for cookie in [&ada.cookie, &fresh] {
            assert_eq!(state(&server, cookie).await["fresh"], false);
            for (method, url) in changes {
                let (status, said) = server.json(Some(cookie), method, url, json!({"code": "123456"})).await;
                assert_eq!(status, 403, "{method} {url}");
                assert!(said["detail"].as_str().unwrap().contains("sign in again"), "{said}");
            }
        }
        // Use does not make a session fresh; tokens never are, and cannot even look.
        for (method, url) in changes.into_iter().chain([("GET", FACTORS)]) {
            assert_eq!(server.json(Some(&ben.token), method, url, json!({"code": "123456"})).await.0, 403, "{method} {url}");
            assert_eq!(server.json(None, method, url, json!({"code": "123456"})).await.0, 401, "{method} {url}");
        }
        // A password alone does not make one either.
        assert_eq!(state(&server, &ada.cookie).await["recovery_codes"], 10);
        let open = ticket(&server, "ada").await;
        assert_eq!(server.json(Some(&ada.cookie), "DELETE", TOTP, Value::Null).await.0, 403);
        let again = cookie_of(&enter(&server, &open, &ada.app.code(&server.clock, 0)).await);
        assert_eq!(server.json(Some(&again), "DELETE", TOTP, Value::Null).await.0, 204);
    }
}

story! {
    async fn rule_25_an_administrator_without_a_required_second_factor_can_do_nothing_but_enrol(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.second_factor = SecondFactor::Admins).await;
        let root = server.administrator("root").await;
        server.person("ada").await;
        server.dataset("root/data", Visibility::Private).await;
        server.dataset("ada/private", Visibility::Private).await;
        server.dataset("ada/open", Visibility::Public).await;
        let cookie = server.cookie("root").await;
        let session = server.json(Some(&cookie), "GET", SESSION, Value::Null).await.1;
        assert_eq!((&session["user"]["name"], &session["must_enrol"]), (&json!("root"), &json!(true)));
        assert_eq!(state(&server, &cookie).await["must_enrol"], true);
        let users = "/api/v1/admin/users";
        let routes = [
            ("GET", users), ("PATCH", "/api/v1/admin/users/ada"), ("DELETE", "/api/v1/admin/users/ada/factors"),
            ("GET", "/api/v1/user"), ("PATCH", "/api/v1/user"), ("GET", "/api/v1/user/tokens"), ("POST", "/api/v1/user/tokens"),
            ("PUT", "/api/v1/user/password"), ("DELETE", "/api/v1/user"), ("GET", "/api/v1/user/sessions"),
            ("GET", "/api/v1/datasets"), ("GET", "/api/v1/datasets/ada/open"), ("GET", "/api/v1/datasets/root/data"),
            ("GET", "/api/v1/organisations"), ("POST", "/api/v1/organisations"),
            ("GET", "/api/whoami-v2"), ("GET", "/root/data.git/info/refs?service=git-upload-pack"),
            ("POST", "/api/3/action/authz_authorize"),
        ];
        for (method, url) in routes {
            let reply = server.call(Some(&cookie), method, url, json!({})).await;
            assert_eq!(reply.status, 403, "{method} {url}: {}", reply.text());
        }
        let said = server.json(Some(&cookie), "GET", users, Value::Null).await.1;
        assert!(said["detail"].as_str().unwrap().contains("two-factor authentication"), "{said}");

        // Tokens work, but cannot administer; and see what a user without the role sees.
        let status = async |method, url: &str, token: &str| server.call(Some(token), method, url, Value::Null).await.status;
        let signed = server.app.access.issue(&"root".parse().unwrap(), "ds:*/*:read obj:*/*:read", 600).unwrap();
        for token in [&root.token, &signed] {
            assert_eq!(status("GET", "/api/v1/datasets/root/data", token).await, 200);
            assert_eq!(status("GET", "/root/data.git/info/refs?service=git-upload-pack", token).await, 200);
            assert_eq!(status("GET", users, token).await, 403);
            assert_eq!(status("GET", "/api/v1/datasets/ada/private", token).await, 404);
        }
        server.upload(&root.token, "root/data", b"by Git LFS").await;
        let said = server.json(Some(&root.token), "GET", users, Value::Null).await.1;
        assert!(said["detail"].as_str().unwrap().contains("two-factor authentication"), "{said}");

        // Others are not concerned.
        let ada = server.cookie("ada").await;
        assert_eq!(server.json(Some(&ada), "GET", SESSION, Value::Null).await.1["must_enrol"], false);
        assert_eq!(status("GET", "/api/v1/user", &ada).await, 200);

        // With a second factor, all is as before, for tokens too; without it again, not.
        enrol(&server, "root", &cookie).await;
        for token in [&cookie, &root.token] {
            assert_eq!(status("GET", users, token).await, 200);
            assert_eq!(status("GET", "/api/v1/datasets/ada/private", token).await, 200);
        }
        assert_eq!(status("DELETE", TOTP, &cookie).await, 204);
        assert_eq!(status("GET", users, &cookie).await, 403);
        // A new administrator can do nothing until they enrol, except sign out.
        server.app.accounts.add_user(&"sue".parse().unwrap(), &"sue@example.org".parse().unwrap(), None, true).await.unwrap();
        let sue = server.cookie("sue").await;
        assert_eq!(status("GET", "/api/v1/user", &sue).await, 403);
        assert_eq!(status("DELETE", SESSION, &sue).await, 204);
        assert!(user_of(&server, &sue).await.is_null());
    }
}

story! {
    async fn rule_25_a_site_can_require_a_second_factor_of_all(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.second_factor = SecondFactor::All).await;
        let ada = server.person("ada").await;
        let cookie = server.cookie("ada").await;
        assert_eq!(server.json(Some(&cookie), "GET", "/api/v1/user", Value::Null).await.0, 403);
        assert_eq!(server.json(Some(&ada.token), "GET", "/api/v1/user", Value::Null).await.0, 200, "sessions only");
        // Not even what everybody can see, and not by an old session.
        assert_eq!(server.json(Some(&cookie), "GET", "/api/v1/datasets", Value::Null).await.0, 403);
        server.clock.advance(Duration::from_mins(10));
        assert_eq!(server.json(Some(&cookie), "POST", TOTP, Value::Null).await.0, 403);
        let cookie = server.another_cookie("ada").await;
        enrol(&server, "ada", &cookie).await;
        assert_eq!(server.json(Some(&cookie), "GET", "/api/v1/user", Value::Null).await.0, 200);
    }
}

story! {
    async fn guessing_codes_is_slowed_down(engine: Engine) {
        let rates = Rates { failures_account: 5, failures_address: 1000, ..Rates::off() };
        let server = Server::start_with(engine, |config| config.rates = rates).await;
        let ada = enrolled(&server, "ada").await;
        next_step(&server);
        // The right password in between does not help.
        let mut statuses = Vec::new();
        for _ in 0..12 {
            let wrong = ada.app.wrong(&server.clock);
            let reply = password(&server, "ada").await;
            if reply.status == 429 {
                statuses.push(429);
                break;
            }
            let open = reply.json()["second"]["ticket"].as_str().unwrap().to_owned();
            statuses.push(enter(&server, &open, &wrong).await.status);
        }
        assert!(statuses.contains(&429), "{statuses:?}");
        assert!((5..8).contains(&statuses.iter().filter(|status| **status == 401).count()), "{statuses:?}");
    }
}

story! {
    async fn a_ticket_allows_five_codes_and_an_account_twenty_wrong_ones_an_hour(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let ada = enrolled(&server, "ada").await;
        next_step(&server);
        for _ in 0..4 {
            let open = ticket(&server, "ada").await;
            for _ in 0..5 {
                assert_eq!(enter(&server, &open, &ada.app.wrong(&server.clock)).await.status, 401);
            }
            let right = ada.app.code(&server.clock, 0);
            assert_eq!(enter(&server, &open, &right).await.status, 404, "the password is required again");
        }
        let open = ticket(&server, "ada").await;
        let right = ada.app.code(&server.clock, 0);
        let refused = enter(&server, &open, &right).await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        // Recovery codes cannot be guessed, and let the user in.
        assert_eq!(enter(&server, &open, &ada.recovery[0]).await.status, 200);
        // Others are not affected, nor is the user an hour later.
        let ben = enrolled(&server, "ben").await;
        next_step(&server);
        sign_in(&server, "ben", &ben.app.code(&server.clock, 0)).await;
        server.clock.advance(Duration::from_hours(1));
        sign_in(&server, "ada", &ada.app.code(&server.clock, 0)).await;
    }
}

story! {
    async fn a_password_over_basic_authentication_does_not_skip_the_second_step(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let ada = enrolled(&server, "ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        next_step(&server);
        let code = ada.app.code(&server.clock, 0);
        for secret in [PASSWORD.to_owned(), format!("{PASSWORD}{code}"), code, ada.recovery[0].clone()] {
            for url in [
                "/ada/data.git/info/refs?service=git-upload-pack",
                "/ada/data.git/info/refs?service=git-receive-pack",
                "/api/v1/user",
                "/api/v1/datasets/ada/data",
                "/api/whoami-v2",
                FACTORS,
            ] {
                let request = server.http.get(format!("{}{url}", server.url)).basic_auth("ada", Some(&secret));
                let reply = Reply::of(request).await;
                assert_eq!(reply.status, 401, "{url}");
                assert!(reply.text().contains("personal token"), "{url}: {}", reply.text());
            }
            let url = format!("{}/ada/data.git/info/lfs/objects/batch", server.url);
            let body = json!({"operation": "download", "objects": []}).to_string();
            let request = server.http.post(url).basic_auth("ada", Some(&secret));
            let reply = Reply::of(request.header("content-type", "application/vnd.git-lfs+json").body(body)).await;
            assert_eq!(reply.status, 401);
        }
        // Personal tokens work as before.
        let token = server.token("ada", &[]).await;
        assert_eq!(server.json(Some(&token), "GET", "/api/v1/datasets/ada/data", Value::Null).await.0, 200);
    }
}

story! {
    async fn an_administrator_removes_a_lost_second_factor(server: Server) {
        let root = server.administrator("root").await;
        let ada = enrolled(&server, "ada").await;
        let eve = server.person("eve").await;
        let url = "/api/v1/admin/users/ada/factors";
        for token in [eve.token, server.cookie("eve").await, server.token("root", &["write"]).await] {
            assert_eq!(server.json(Some(&token), "DELETE", url, Value::Null).await.0, 403);
        }
        let listed = server.json(Some(&root.token), "GET", "/api/v1/admin/users", Value::Null).await.1;
        let second = |name: &str| {
            let users = listed["items"].as_array().unwrap();
            users.iter().find(|user| user["name"] == name).unwrap()["second_factor"].clone()
        };
        assert_eq!((second("ada"), second("eve")), (json!(true), json!(false)));
        assert_eq!(server.json(Some(&root.token), "DELETE", "/api/v1/admin/users/eve/factors", Value::Null).await.0, 404);
        assert_eq!(server.json(Some(&root.token), "DELETE", url, Value::Null).await.0, 204);
        assert_eq!(server.json(Some(&root.token), "DELETE", url, Value::Null).await.0, 404);
        assert_eq!(password(&server, &ada.name).await.json()["user"]["name"], "ada");
        server.emails_to("ada@example.org", 2).await;
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM audit WHERE action = 'factor.remove' AND subject = 'ada'").await, 1);
        // For their own account, a token of an administrator is not enough.
        let cookie = server.cookie("root").await;
        enrol(&server, "root", &cookie).await;
        for token in [&root.token, &cookie] {
            assert_eq!(server.json(Some(token), "DELETE", "/api/v1/admin/users/root/factors", Value::Null).await.0, 409);
        }
        // The operator of the server can.
        server.app.accounts.remove_second_factor(&"root".parse().unwrap()).await.unwrap();
        assert_eq!(password(&server, "root").await.json()["user"]["name"], "root");
    }
}

story! {
    async fn the_database_has_no_usable_secret_or_code(server: Server) {
        let ada = enrolled(&server, "ada").await;
        let mut tx = server.app.db.read().await.unwrap();
        let user = tx.user(&"ada".parse().unwrap()).await.unwrap().unwrap();
        let stored = tx.totp(user.id).await.unwrap().unwrap();
        drop(tx);
        assert!(stored.secret.len() > 40, "sealed");
        for code in &ada.recovery {
            let bare = code.replace('-', "");
            assert!(!stored.codes.contains(code) && !stored.codes.to_lowercase().contains(&bare));
        }
        // A sealed secret of one user does not work for another.
        let eve = enrolled(&server, "eve").await;
        next_step(&server);
        let mut tx = server.app.db.write().await.unwrap();
        let victim = tx.user(&"eve".parse().unwrap()).await.unwrap().unwrap();
        tx.delete_totp(victim.id).await.unwrap();
        tx.put_totp(victim.id, &stored.secret).await.unwrap();
        tx.confirm_totp(victim.id, 1, "[]", server.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let open = ticket(&server, "eve").await;
        assert!(enter(&server, &open, &ada.app.code(&server.clock, 0)).await.status >= 400);
        assert!(enter(&server, &open, &eve.recovery[0]).await.status >= 400);
    }
}
