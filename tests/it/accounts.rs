//! Accounts: sign-up, sessions, passwords, tokens and closing; and attacks on them.

use std::time::Duration;

use rutter::accounts::one_time_tokens::{self, Purpose};
use rutter::config::{Rates, SignUp};
use rutter::jobs::{self, Kind};
use rutter::types::{Role, Secret, Visibility};
use rutter_testing::{Engine, PASSWORD, Reply, Server, story};
use serde_json::{Value, json};

use crate::db::count;

async fn post(server: &Server, url: &str, body: &Value) -> Reply {
    server.call(None, "POST", url, body.clone()).await
}

async fn log_in(server: &Server, login: &str, password: &str) -> Reply {
    post(server, "/api/v1/session", &json!({"login": login, "password": password})).await
}

/// The user of a session; null for an anonymous one.
async fn user_of_session(server: &Server, cookie: Option<&str>) -> Value {
    let reply = server.call(cookie, "GET", "/api/v1/session", Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["user"]["name"].clone()
}

/// The status of a request with a token or a cookie.
async fn status_of(server: &Server, method: &str, url: &str, token: &str) -> u16 {
    server.call(Some(token), method, url, Value::Null).await.status
}

async fn server_with_open_sign_up(engine: Engine) -> Server {
    Server::start_with(engine, |config| config.accounts.sign_up = SignUp::Open).await
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The value of the cookie in an answer.
fn cookie_of(reply: &Reply) -> String {
    let line = reply.header("set-cookie");
    let (name, rest) = line.split_once('=').unwrap_or_else(|| panic!("no cookie: {} {}", reply.status, reply.text()));
    assert_eq!(name, "rutter");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/;", "; Max-Age=7776000;"] {
        assert!(line.contains(attribute), "{line}");
    }
    rest.split(';').next().unwrap().to_owned()
}

/// The one-time token in a link of the server.
fn token_after_hash(link: &Secret) -> String {
    link.expose().split_once('#').unwrap().1.to_owned()
}

story! {
    async fn a_one_time_token_works_once_for_one_purpose_until_it_expires(server: Server) {
        let (db, clock) = (&server.app.db, &server.clock);
        let issue = async |purpose| {
            let mut tx = db.write().await.unwrap();
            let hour = Duration::from_hours(1);
            let (_, ticket) = one_time_tokens::issue(&mut tx, clock, purpose, &"ada@example.org", None, hour).await.unwrap();
            tx.commit().await.unwrap();
            ticket
        };
        let redeem = async |purpose, ticket: &Secret, commit: bool| {
            let mut tx = db.write().await.unwrap();
            let redeemed = one_time_tokens::redeem::<String>(&mut tx, clock, purpose, ticket).await;
            if commit && redeemed.is_ok() {
                tx.commit().await.unwrap();
            }
            redeemed.map(|ticket| ticket.subject).map_err(|error| error.to_string())
        };
        let ticket = issue(Purpose::Reset).await;
        let refusal = redeem(Purpose::SignUp, &ticket, true).await.unwrap_err();
        // A failed transaction leaves it valid.
        assert_eq!(redeem(Purpose::Reset, &ticket, false).await.unwrap(), "ada@example.org");
        assert_eq!(redeem(Purpose::Reset, &ticket, true).await.unwrap(), "ada@example.org");
        assert_eq!(redeem(Purpose::Reset, &ticket, true).await.unwrap_err(), refusal);
        assert_eq!(redeem(Purpose::Reset, &secret("ruk_x"), true).await.unwrap_err(), refusal);

        let (late, both) = (issue(Purpose::Email).await, issue(Purpose::Email).await);
        let (first, second) =
            tokio::join!(redeem(Purpose::Email, &both, true), redeem(Purpose::Email, &both, true));
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
        clock.advance(Duration::from_hours(1));
        assert_eq!(redeem(Purpose::Email, &late, true).await.unwrap_err(), refusal);
    }
}

story! {
    async fn the_first_administrator_is_created_with_a_link_that_works_once(server: Server) {
        let link = server.app.accounts.set_up_link().await.unwrap().unwrap();
        let other = server.app.accounts.set_up_link().await.unwrap().unwrap();
        assert_eq!(server.call(None, "GET", "/api/v1/session", Value::Null).await.json()["set_up"], true);
        let set_up = async |link: &Secret, name: &str, password: &str| {
            let email = format!("{name}@example.org");
            let body = json!({"token": token_after_hash(link), "name": name, "email": email, "password": password});
            post(&server, "/api/v1/accounts/setup", &body).await
        };
        // An invalid request does not use it up.
        assert_eq!(set_up(&link, "root", "short").await.status, 422);
        assert_eq!(set_up(&link, "api", PASSWORD).await.status, 422);
        let made = set_up(&link, "root", PASSWORD).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.json()["user"], json!({"name": "root", "email": "root@example.org", "display_name": null, "avatar": null, "admin": true}));
        assert_eq!(user_of_session(&server, Some(&cookie_of(&made))).await, "root");
        // Not again, nor with another link from before; and no further link is printed.
        assert_eq!(set_up(&link, "eve", PASSWORD).await.status, 404);
        assert_eq!(set_up(&other, "eve", PASSWORD).await.status, 404);
        assert!(server.app.accounts.set_up_link().await.unwrap().is_none());
        let session = server.call(None, "GET", "/api/v1/session", Value::Null).await.json();
        assert_eq!((&session["set_up"], &session["user"], &session["sign_up"]), (&json!(false), &json!(null), &json!("invitation")));
    }
}

story! {
    async fn users_sign_up_by_email_and_an_address_is_disclosed_to_no_other_user(engine: Engine) {
        let server = server_with_open_sign_up(engine).await;
        server.person("ben").await;
        let ask = async |name: &str, email: &str| {
            post(&server, "/api/v1/accounts", &json!({"name": name, "email": email})).await
        };
        let (new, used) = (ask("ada", "Ada@example.org").await, ask("carl", "ben@example.org").await);
        assert_eq!((new.status, new.text()), (202, String::new()));
        assert_eq!((used.status, used.text()), (202, String::new()), "nothing differs");
        let taken = ask("ben", "other@example.org").await;
        assert_eq!(taken.status, 409, "names are public");
        assert_eq!(ask("a/b", "other@example.org").await.status, 422);
        assert_eq!(ask("login", "other@example.org").await.status, 422);

        let email = server.email_to("ben@example.org", 1).await;
        assert!(email.text.contains("`ben`") && !email.text.contains("/verify#"), "{}", email.text);
        let ticket = server.email_to("ada@example.org", 1).await.token_in_link("verify");
        let verify = async |password: &str| {
            post(&server, "/api/v1/accounts/verify", &json!({"token": ticket, "password": password})).await
        };
        assert_eq!(log_in(&server, "ada", PASSWORD).await.status, 401, "no account before the link");
        assert_eq!(verify("short").await.status, 422);
        let made = verify(PASSWORD).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(user_of_session(&server, Some(&cookie_of(&made))).await, "ada");
        assert_eq!(verify(PASSWORD).await.status, 404, "once");
        // By name and by address, in any case.
        for login in ["ada", "ADA ", "ada@example.org", "Ada@Example.org"] {
            assert_eq!(log_in(&server, login, PASSWORD).await.status, 200, "{login}");
        }
    }
}

story! {
    async fn emails_to_one_address_are_limited(engine: Engine) {
        let server = server_with_open_sign_up(engine).await;
        for number in 0..8 {
            let body = json!({"name": format!("name-{number}"), "email": "victim@example.org"});
            assert_eq!(post(&server, "/api/v1/accounts", &body).await.status, 202);
        }
        server.emails_to("victim@example.org", 5).await;
    }
}

story! {
    async fn no_user_signs_up_if_sign_up_is_by_invitation_or_closed(engine: Engine) {
        for (rule, said) in [(SignUp::Invitation, "by invitation"), (SignUp::Closed, "sign-up is disabled")] {
            let server = Server::start_with(engine, |config| config.accounts.sign_up = rule).await;
            let body = json!({"name": "ada", "email": "ada@example.org"});
            let refused = post(&server, "/api/v1/accounts", &body).await;
            assert_eq!(refused.status, 403);
            assert!(refused.text().contains(said), "{}", refused.text());
            assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM email").await, 0);
        }
    }
}

story! {
    async fn every_failure_to_sign_in_looks_the_same(server: Server) {
        server.person("ada").await;
        server.cookie("ada").await;
        server.person("tokens-only").await;
        server.person("sue").await;
        server.cookie("sue").await;
        server.app.accounts.suspend(&"sue".parse().unwrap()).await.unwrap();
        let mut answers = Vec::new();
        for (login, password) in [
            ("ada", "wrong horse"),
            ("ada", ""),
            ("missing", PASSWORD),
            ("missing@example.org", PASSWORD),
            ("not an@address@", PASSWORD),
            ("tokens-only", PASSWORD),
            ("tokens-only", ""),
            ("sue", PASSWORD),
            ("", ""),
        ] {
            let reply = log_in(&server, login, password).await;
            assert!(!reply.headers.contains_key("set-cookie"));
            answers.push((reply.status, reply.json()["detail"].as_str().unwrap().to_owned()));
        }
        assert_eq!(answers[0].0, 401);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        // A password is not accepted in place of a token.
        let basic = server.request("GET", "/api/v1/user", None).basic_auth("ada", Some(PASSWORD));
        assert_eq!(Reply::of(basic).await.status, 401);
    }
}

story! {
    async fn guessing_a_password_is_slowed_down(engine: Engine) {
        let rates = Rates { failures_account: 5, failures_address: 1000, ..Rates::off() };
        let server = Server::start_with(engine, |config| config.rates = rates).await;
        server.person("ada").await;
        server.cookie("ada").await;
        // A guess with dots is not taken for a signed token.
        let guesses = async |login: &str| {
            let mut heard = 0;
            for number in 0..20 {
                match log_in(&server, login, &format!("guess.number.{number}")).await {
                    reply if reply.status == 401 => heard += 1,
                    reply => {
                        assert_eq!(reply.status, 429, "{}", reply.text());
                        assert!((1..=60).contains(&reply.header("retry-after").parse::<u64>().unwrap()));
                        return heard;
                    }
                }
            }
            heard
        };
        assert!((5..8).contains(&guesses("ada").await));
        assert!(guesses("ADA").await < 2, "the same account");
        // Other users are not affected, and the right password works any number of times.
        server.person("ben").await;
        server.cookie("ben").await;
        for _ in 0..10 {
            assert_eq!(log_in(&server, "ben", PASSWORD).await.status, 200);
        }
    }
}

story! {
    async fn guessing_a_password_does_not_lock_the_user_out(engine: Engine) {
        let rates = Rates { failures_account: 5, failures_address: 1000, ..Rates::off() };
        let server = Server::start_with(engine, |config| {
            config.rates = rates;
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        let from = async |address: &str, login: &str, password: &str| {
            let request = server.request("POST", "/api/v1/session", None).header("x-forwarded-for", address);
            let body = json!({"login": login, "password": password}).to_string();
            Reply::of(request.header("content-type", "application/json").body(body)).await.status
        };
        let (home, away) = ("203.0.113.5", "198.51.100.7");
        assert_eq!(from(home, "ada", PASSWORD).await, 200);
        // The name and the address are one account.
        let mut heard = 0;
        for number in 0..10 {
            let login = if number % 2 == 0 { "ada" } else { " Ada@example.org" };
            heard += u32::from(from(away, login, "guess").await == 401);
        }
        assert!((5..8).contains(&heard), "{heard}");
        assert_eq!(from(away, "ada", PASSWORD).await, 429, "a right guess looks like a wrong one");
        // At a known address she can still sign in, and use the password in her session.
        assert_eq!(from(home, "ada", PASSWORD).await, 200);
        let new = "another horse battery";
        let change = json!({"current": PASSWORD, "new": new});
        assert_eq!(server.call(Some(&cookie), "PUT", "/api/v1/user/password", change.clone()).await.status, 204);
        // Guesses count there as well.
        let mut heard = 0;
        for _ in 0..10 {
            heard += u32::from(from(home, "ada", "guess").await == 401);
        }
        assert!((5..8).contains(&heard), "{heard}");
        let wrong = json!({"current": "guess", "new": new});
        let mut heard = 0;
        for _ in 0..10 {
            heard += u32::from(server.call(Some(&cookie), "PUT", "/api/v1/user/password", wrong.clone()).await.status == 403);
        }
        assert!((5..8).contains(&heard), "{heard}");
    }
}

story! {
    async fn a_session_ends_when_idle_when_old_and_when_the_user_ends_it(server: Server) {
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        let day = Duration::from_hours(24);
        // Regular use prolongs it, up to a limit.
        for _ in 0..8 {
            server.clock.advance(day * 10);
            assert_eq!(user_of_session(&server, Some(&cookie)).await, "ada");
            rutter_testing::eventually("the use is written down", async || {
                let now = server.clock.now();
                let sessions = server.call(Some(&cookie), "GET", "/api/v1/user/sessions", Value::Null).await.json();
                sessions["items"][0]["last_used"].as_str().unwrap()[..10] == now.rfc3339()[..10]
            })
            .await;
        }
        server.clock.advance(day * 11);
        assert_eq!(user_of_session(&server, Some(&cookie)).await, Value::Null);

        let idle = server.another_cookie("ada").await;
        server.clock.advance(day * 14);
        assert_eq!(user_of_session(&server, Some(&idle)).await, Value::Null);
        // An ended session is no credential, and its cookie is deleted; without a dialog of the browser.
        let dead = server.call(Some(&idle), "GET", "/api/v1/user", Value::Null).await;
        assert_eq!((dead.status, dead.header("www-authenticate")), (401, "Bearer realm=\"rutter\""));
        assert!(dead.header("set-cookie").contains("Max-Age=0"), "{}", dead.header("set-cookie"));

        let cookie = server.another_cookie("ada").await;
        let out = server.call(Some(&cookie), "DELETE", "/api/v1/session", Value::Null).await;
        assert_eq!(out.status, 204);
        assert!(out.header("set-cookie").contains("Max-Age=0"));
        assert_eq!(user_of_session(&server, Some(&cookie)).await, Value::Null);
        assert_eq!(server.call(Some(&cookie), "DELETE", "/api/v1/session", Value::Null).await.status, 204);
        // Ended sessions are deleted.
        server.app.accounts.forget().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM session").await, 0);
    }
}

story! {
    async fn a_stolen_cookie_is_useless_once_its_session_has_ended(server: Server) {
        server.person("ada").await;
        let (own, stolen) = (server.cookie("ada").await, server.another_cookie("ada").await);
        let list = server.call(Some(&own), "GET", "/api/v1/user/sessions", Value::Null).await.json();
        let other = list["items"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
        assert_eq!(other["address"], "127.0.0.1");
        let url = format!("/api/v1/user/sessions/{}", other["id"].as_str().unwrap());
        // No other user can end it.
        server.person("eve").await;
        let eve = server.cookie("eve").await;
        assert_eq!(status_of(&server, "DELETE", &url, &eve).await, 404);
        assert_eq!(user_of_session(&server, Some(&stolen)).await, "ada");
        assert_eq!(status_of(&server, "DELETE", &url, &own).await, 204);
        assert_eq!(user_of_session(&server, Some(&stolen)).await, Value::Null);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", &stolen).await, 401);
        // Or all at once, except the current one.
        let (one, two) = (server.another_cookie("ada").await, server.another_cookie("ada").await);
        assert_eq!(status_of(&server, "DELETE", "/api/v1/user/sessions", &own).await, 204);
        for (cookie, who) in [(&one, Value::Null), (&two, Value::Null), (&own, json!("ada")), (&eve, json!("eve"))] {
            assert_eq!(user_of_session(&server, Some(cookie)).await, who);
        }
        // The stored hash is no credential.
        let hash = count(&server.app.db, "SELECT COUNT(*) FROM session WHERE hash LIKE 'rus_%'").await;
        assert_eq!(hash, 0);
    }
}

story! {
    async fn a_page_of_another_site_changes_nothing(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let cookie = server.cookie("ada").await;
        let own = server.url.clone();
        let put = async |headers: &[(&str, &str)]| {
            let request = server.http.put(format!("{}/api/v1/datasets/ada/data/protection", server.url));
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let request = request.header("content-type", "application/json").body("{\"patterns\":[]}");
            Reply::of(request.header("cookie", format!("other=1; rutter={cookie}"))).await
        };
        for refused in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[],
        ] {
            let reply = put(refused).await;
            assert_eq!(reply.status, 403, "{refused:?}");
            assert!(reply.text().contains("cross-site request"), "{}", reply.text());
        }
        assert_eq!(put(&[("origin", &own)]).await.status, 200);
        assert_eq!(put(&[("sec-fetch-site", "same-origin")]).await.status, 200);
        // A program with a token sends no origin; the token takes precedence over the cookie.
        let token = format!("Bearer {}", ada.token);
        assert_eq!(put(&[("authorization", &token)]).await.status, 200);
        assert_eq!(put(&[("authorization", "Bearer rut_wrong"), ("origin", &own)]).await.status, 401);
        // Reads are allowed.
        let look = server.http.get(format!("{}/api/v1/datasets/ada/data/branches", server.url));
        let look = look.header("cookie", format!("rutter={cookie}")).header("sec-fetch-site", "cross-site");
        assert_eq!(Reply::of(look).await.status, 200);
        // A page of another site cannot sign a user in as another one.
        let login = server.http.post(format!("{}/api/v1/session", server.url)).header("origin", "https://evil.example");
        let login = login.header("content-type", "application/json");
        let login = login.body(json!({"login": "ada", "password": PASSWORD}).to_string());
        let reply = Reply::of(login).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (403, ""));
    }
}

story! {
    async fn behind_tls_the_cookie_is_bound_to_this_host(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.public_url = Some("https://drive.example.org".into());
        })
        .await;
        server.person("ada").await;
        server.cookie("ada").await;
        let login = log_in(&server, "ada", PASSWORD).await;
        let line = login.header("set-cookie");
        assert!(line.starts_with("__Host-rutter=rus_") && line.contains("; Secure;"), "{line}");
        assert_eq!(login.header("strict-transport-security"), "max-age=31536000");
        assert_eq!(login.header("x-content-type-options"), "nosniff");
        let value = line.split(['=', ';']).nth(1).unwrap();
        let ask = async |name: &str| {
            let request = server.http.get(format!("{}/api/v1/session", server.url));
            Reply::of(request.header("cookie", format!("{name}={value}"))).await.json()["user"]["name"].clone()
        };
        assert_eq!(ask("__Host-rutter").await, "ada");
        // One that a neighbouring site, or an attacker on the network, could have set.
        assert_eq!(ask("rutter").await, Value::Null);
        // An e-mail contains the base URL of the server.
        post(&server, "/api/v1/accounts/reset", &json!({"email": "ada@example.org"})).await;
        let email = server.email_to("ada@example.org", 1).await;
        assert!(email.text.contains("https://drive.example.org/reset#ruk_"), "{}", email.text);
    }
}

story! {
    async fn without_tls_there_is_no_hsts_and_no_secure_cookie(server: Server) {
        let plain = server.call(None, "GET", "/api/v1/session", Value::Null).await;
        assert_eq!(plain.header("strict-transport-security"), "");
        let forged = server.request("GET", "/api/v1/session", None).header("x-forwarded-proto", "https");
        assert_eq!(Reply::of(forged).await.header("strict-transport-security"), "", "not a proxy of ours");
    }
}

story! {
    async fn a_suspended_user_is_signed_out_immediately(server: Server) {
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        assert_eq!(user_of_session(&server, Some(&cookie)).await, "ada");
        server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(user_of_session(&server, Some(&cookie)).await, Value::Null);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", &cookie).await, 401);
        // Its end restores no session, and a reset meanwhile signs no user in.
        server.app.accounts.forgot(&"ada@example.org".parse().unwrap()).await.unwrap();
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM one_time_token").await, 0);
        server.app.accounts.resume(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(user_of_session(&server, Some(&cookie)).await, Value::Null);
        assert_eq!(log_in(&server, "ada", PASSWORD).await.status, 200);
    }
}

story! {
    async fn a_password_reset_signs_out_all_browsers(server: Server) {
        let ada = server.person("ada").await;
        let cookie = server.cookie("ada").await;
        for email in ["ada@example.org", "missing@example.org"] {
            let reply = post(&server, "/api/v1/accounts/reset", &json!({"email": email})).await;
            assert_eq!((reply.status, reply.text()), (202, String::new()));
        }
        let email = server.email_to("ada@example.org", 1).await;
        assert!(server.emails().iter().all(|email| email.to == "ada@example.org"));
        let ticket = email.token_in_link("reset");
        let confirm = async |password: &str| {
            let body = json!({"token": ticket, "password": password});
            post(&server, "/api/v1/accounts/reset/confirm", &body).await.status
        };
        assert_eq!(user_of_session(&server, Some(&cookie)).await, "ada", "an e-mail alone changes nothing");
        assert_eq!(confirm("short").await, 422);
        assert_eq!(confirm("another horse").await, 204);
        assert_eq!(confirm("yet another horse").await, 404, "once");
        assert_eq!(user_of_session(&server, Some(&cookie)).await, Value::Null);
        assert_eq!(log_in(&server, "ada", PASSWORD).await.status, 401);
        assert_eq!(log_in(&server, "ada", "another horse").await.status, 200);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", &ada.token).await, 200, "tokens are as good as before");
        assert!(server.email_to("ada@example.org", 2).await.subject.contains("changed"));

        // An hour later a link has expired.
        post(&server, "/api/v1/accounts/reset", &json!({"email": "ada@example.org"})).await;
        let ticket = server.email_to("ada@example.org", 3).await.token_in_link("reset");
        server.clock.advance(Duration::from_hours(1));
        let late = json!({"token": ticket, "password": "too late a horse"});
        assert_eq!(post(&server, "/api/v1/accounts/reset/confirm", &late).await.status, 404);
    }
}

story! {
    async fn changing_password_or_address_requires_the_password(server: Server) {
        let ada = server.person("ada").await;
        let (here, there) = (server.cookie("ada").await, server.another_cookie("ada").await);
        let change = async |token: &str, current: &str, new: &str| {
            let body = json!({"current": current, "new": new});
            server.call(Some(token), "PUT", "/api/v1/user/password", body.clone()).await.status
        };
        assert_eq!(change(&ada.token, PASSWORD, "another horse").await, 403, "a token is not a browser");
        assert_eq!(change(&here, "wrong horse", "another horse").await, 403);
        assert_eq!(change(&here, PASSWORD, "short").await, 422);
        assert_eq!(change(&here, PASSWORD, "another horse").await, 204);
        assert_eq!(user_of_session(&server, Some(&here)).await, "ada");
        assert_eq!(user_of_session(&server, Some(&there)).await, Value::Null);
        server.email_to("ada@example.org", 1).await;

        server.person("ben").await;
        let mail = async |to: &str, password: &str| {
            let body = json!({"email": to, "password": password});
            server.call(Some(&here), "PUT", "/api/v1/user/email", body.clone()).await.status
        };
        assert_eq!(mail("new@example.org", "wrong horse").await, 403);
        assert_eq!(mail("ben@example.org", "another horse").await, 202, "whether it is in use is not disclosed");
        assert!(!server.email_to("ben@example.org", 1).await.text.contains("/email#"));
        assert_eq!(mail("new@example.org", "another horse").await, 202);
        let answer = server.email_to("ada@example.org", 3).await;
        assert!(answer.text.contains("new@example.org"), "{}", answer.text);
        let ticket = server.email_to("new@example.org", 1).await.token_in_link("email");
        let email = async || {
            server.call(Some(&here), "GET", "/api/v1/user", Value::Null).await.json()["email"].clone()
        };
        assert_eq!(email().await, "ada@example.org", "not before it is confirmed");
        let confirm = async || post(&server, "/api/v1/accounts/email/confirm", &json!({"token": ticket})).await.status;
        assert_eq!((confirm().await, confirm().await), (204, 404));
        assert_eq!(email().await, "new@example.org");
        assert_eq!(log_in(&server, "new@example.org", "another horse").await.status, 200);
        assert_eq!(log_in(&server, "ada@example.org", "another horse").await.status, 401);
        // A reset cancels a pending change.
        assert_eq!(mail("thief@example.org", "another horse").await, 202);
        let waiting = server.email_to("thief@example.org", 1).await.token_in_link("email");
        post(&server, "/api/v1/accounts/reset", &json!({"email": "new@example.org"})).await;
        let mut tickets = server.emails_to("new@example.org", 3).await;
        let body = json!({"token": tickets.pop().unwrap().token_in_link("reset"), "password": PASSWORD});
        assert_eq!(post(&server, "/api/v1/accounts/reset/confirm", &body).await.status, 204);
        let late = post(&server, "/api/v1/accounts/email/confirm", &json!({"token": waiting})).await;
        assert_eq!(late.status, 404);
    }
}

story! {
    async fn tokens_are_created_and_revoked_in_a_browser_and_limited_to_their_scopes(server: Server) {
        server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.dataset("ada/other", Visibility::Private).await;
        let cookie = server.cookie("ada").await;
        let make = async |token: &str, body: Value| server.call(Some(token), "POST", "/api/v1/user/tokens", body.clone()).await;
        let laptop = make(&cookie, json!({"name": "laptop", "scopes": ["read:ada/data"], "expires_in_days": 2})).await;
        assert_eq!(laptop.status, 201, "{}", laptop.text());
        let narrow = laptop.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(status_of(&server, "GET", "/api/v1/datasets/ada/data", &narrow).await, 200);
        assert_eq!(status_of(&server, "GET", "/api/v1/datasets/ada/other", &narrow).await, 404);
        let write = json!({"patterns": []});
        let protect = server.call(Some(&narrow), "PUT", "/api/v1/datasets/ada/data/protection", write.clone()).await;
        assert_eq!(protect.status, 403);
        // Nor can it manage the account.
        for url in ["/api/v1/user/tokens", "/api/v1/user/sessions"] {
            assert_eq!(status_of(&server, "GET", url, &narrow).await, 403, "{url}");
        }
        assert_eq!(make(&narrow, json!({"name": "more", "scopes": ["own"]})).await.status, 403);
        let everything = make(&cookie, json!({"name": "all", "scopes": ["own"]})).await.json();
        let all = everything["token"].as_str().unwrap();
        assert_eq!(make(all, json!({"name": "more", "scopes": ["read"]})).await.status, 201);

        for bad in [
            json!({"name": "x", "scopes": []}),
            json!({"name": "x", "scopes": ["everything"]}),
            json!({"name": "", "scopes": ["read"]}),
            json!({"name": "x", "scopes": ["read"], "expires_in_days": 0}),
            json!({"name": "x", "scopes": ["read"], "expires_in_days": 3651}),
            json!({"name": "x"}),
        ] {
            assert_eq!(make(&cookie, bad.clone()).await.status, 422, "{bad}");
        }
        let list = server.call(Some(&cookie), "GET", "/api/v1/user/tokens", Value::Null).await;
        assert!(!list.text().contains("rut_"), "shown once");
        let list = list.json();
        let names: Vec<&str> = list["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["more", "all", "laptop", "test"]);
        assert_eq!(list["items"][2]["scopes"], json!(["read:ada/data"]));
        // A token of another user looks missing.
        let url = format!("/api/v1/user/tokens/{}", everything["id"].as_str().unwrap());
        server.person("eve").await;
        assert_eq!(status_of(&server, "DELETE", &url, &server.cookie("eve").await).await, 404);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", all).await, 200);
        assert_eq!(status_of(&server, "DELETE", &url, &cookie).await, 204);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", all).await, 401);
        assert_eq!(status_of(&server, "DELETE", &url, &cookie).await, 404);
        server.clock.advance(Duration::from_hours(48));
        assert_eq!(status_of(&server, "GET", "/api/v1/datasets/ada/data", &narrow).await, 401);
    }
}

story! {
    async fn an_account_describes_itself(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", b"eleven byte").await;
        let cookie = server.cookie("ada").await;
        let name = json!({"display_name": " Ada Lovelace "});
        let updated = server.call(Some(&cookie), "PATCH", "/api/v1/user", name.clone()).await;
        let shown = server.call(Some(&cookie), "GET", "/api/v1/user", Value::Null).await.json();
        assert_eq!(updated.json(), shown);
        assert_eq!(shown["display_name"], "Ada Lovelace");
        assert_eq!((&shown["bytes"], &shown["datasets"], &shown["quota_bytes"]), (&json!(11), &json!(1), &json!(null)));
        for bad in ["x".repeat(101), "a\u{1b}[31mb".to_owned()] {
            let refused = server.call(Some(&cookie), "PATCH", "/api/v1/user", json!({"display_name": bad})).await;
            assert_eq!(refused.status, 422);
        }
        // The session works wherever its user has access.
        assert_eq!(status_of(&server, "GET", "/api/v1/datasets/ada/data/branches", &cookie).await, 200);
        let oid = lfs::Oid::of(b"eleven byte");
        let body = json!({"operation": "download", "objects": [{"oid": oid, "size": 11}]});
        let (status, reply) = server.batch(Some(&cookie), "ada/data", &body).await;
        assert_eq!(status, 200, "{reply}");
    }
}

story! {
    async fn a_closed_account_can_be_reopened_until_it_is_removed(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", b"some bytes").await;
        let close = async |token: &str, password: &str| {
            let body = json!({"password": password});
            server.call(Some(token), "DELETE", "/api/v1/user", body.clone()).await
        };
        let cookie = server.cookie("ada").await;
        assert_eq!(close(&ada.token, PASSWORD).await.status, 403, "no token closes an account");
        assert_eq!(close(&cookie, "wrong horse").await.status, 403);
        let day = Duration::from_hours(24);
        let ends = server.clock.now().plus(day * 14).rfc3339();
        let closed = close(&cookie, PASSWORD).await;
        assert_eq!(closed.status, 202, "{}", closed.text());
        assert_eq!(closed.json()["ends"].as_str().unwrap()[..15], ends[..15]);
        assert_eq!(user_of_session(&server, Some(&cookie)).await, Value::Null);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", &ada.token).await, 401);

        server.clock.advance(day * 13);
        server.app.worker.run_due().await.unwrap();
        assert!(server.email_to("ada@example.org", 1).await.text.contains("reopen"));
        assert_eq!(log_in(&server, "ada", PASSWORD).await.status, 200);
        assert_eq!(status_of(&server, "GET", "/api/v1/user", &ada.token).await, 200, "tokens are good again");
        // A reopened account stays; and is closed again a day later.
        server.clock.advance(day / 2);
        let again = server.another_cookie("ada").await;
        assert_eq!(close(&again, PASSWORD).await.status, 202);
        server.clock.advance(day);
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM dataset").await, 1, "the grace begins anew");
        server.clock.advance(day * 13);
        assert_eq!(log_in(&server, "ada", PASSWORD).await.status, 401, "too late");
        server.app.worker.run_due().await.unwrap();
        for table in ["SELECT COUNT(*) FROM owner", "SELECT COUNT(*) FROM dataset", "SELECT COUNT(*) FROM token"] {
            assert_eq!(count(&server.app.db, table).await, 0, "{table}");
        }
        assert!(server.email_to("ada@example.org", 5).await.text.contains("deleted"));
        // Repeating it changes nothing.
        let mut tx = server.app.db.write().await.unwrap();
        jobs::enqueue(&mut tx, &server.clock, Kind::PurgeAccount, &server.clock.id().to_string(), Duration::ZERO).await.unwrap();
        tx.commit().await.unwrap();
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'remove'").await, 0);
    }
}

story! {
    async fn datasets_of_a_closed_account_can_move_to_an_organisation(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&ben, Role::Writer)]).await;
        server.organisation("club", &[(&ada, Role::Writer), (&ben, Role::Owner)]).await;
        for path in ["ada/data", "ada/survey", "lab/survey"] {
            server.dataset(path, Visibility::Private).await;
        }
        let cookie = server.cookie("ada").await;
        let close = async |to: &str| {
            let body = json!({"password": PASSWORD, "transfer_to": to});
            server.call(Some(&cookie), "DELETE", "/api/v1/user", body.clone()).await
        };
        let last = close("lab").await;
        assert_eq!(last.status, 409);
        assert!(last.text().contains("last owner of lab"), "{}", last.text());
        let set = |name: &str, role| {
            let (organisation, user) = ("lab".parse().unwrap(), name.parse().unwrap());
            let accounts = server.app.accounts.clone();
            async move { accounts.set_member(&organisation, &user, Some(role)).await.unwrap() }
        };
        set("ben", Role::Owner).await;
        for not_own in ["club", "nothing", "ben"] {
            assert_eq!(close(not_own).await.status, 403, "{not_own}");
        }
        assert_eq!(user_of_session(&server, Some(&cookie)).await, "ada", "nothing was closed");
        assert_eq!(close("lab").await.status, 202);
        for path in ["lab/data", "lab/survey", "lab/ada-survey"] {
            assert_eq!(status_of(&server, "GET", &format!("/api/v1/datasets/{path}"), &ben.token).await, 200, "{path}");
        }
    }
}
