//! People and their accounts: how they come, sign in, stay and go. Beside them somebody who guesses, steals and listens.

use std::time::Duration;

use rutter::accounts::one_time_tokens::{self, Purpose};
use rutter::accounts::sessions::ClientInfo;
use rutter::config::{Rates, SignUp};
use rutter::jobs::{self, Kind};
use rutter::types::{Role, Secret, Visibility};
use serde_json::{Value, json};

use crate::api::Reply;
use crate::db::count;
use crate::harness::{Engine, Person, Server, story};

const PASSWORD: &str = "correct horse battery";

impl Server {
    /// Gives somebody a password, and a browser where they are signed in; gives what its cookie holds.
    pub(crate) async fn cookie(&self, name: &str) -> String {
        self.app.accounts.set_password(&name.parse().unwrap(), secret(PASSWORD)).await.unwrap();
        self.another_cookie(name).await
    }

    /// A further browser.
    async fn another_cookie(&self, name: &str) -> String {
        let visit = ClientInfo { agent: "test".into(), address: "127.0.0.1".into() };
        let signed_in = self.app.accounts.sign_in(name, secret(PASSWORD), &visit).await.unwrap();
        signed_in.cookie.expose().to_owned()
    }

    /// A session and a token of somebody, by their ids.
    pub(crate) async fn elsewhere(&self, person: &Person) -> (String, String) {
        let first = async |url: &str| {
            let list = self.call("GET", url, Some(&person.token), &Value::Null).await;
            list.json()["items"][0]["id"].as_str().unwrap().to_owned()
        };
        (first("/api/v1/user/sessions").await, first("/api/v1/user/tokens").await)
    }

    async fn call(&self, method: &str, url: &str, token: Option<&str>, body: &Value) -> Reply {
        let request = self.request(method, url, token);
        if body.is_null() {
            return Reply::of(request).await;
        }
        Reply::of(request.header("content-type", "application/json").body(body.to_string())).await
    }

    async fn post_json(&self, url: &str, body: &Value) -> Reply {
        self.call("POST", url, None, body).await
    }

    async fn log_in(&self, login: &str, password: &str) -> Reply {
        self.post_json("/api/v1/session", &json!({"login": login, "password": password})).await
    }

    /// Who the server takes it for; null for nobody.
    async fn who_is(&self, cookie: Option<&str>) -> Value {
        let reply = self.call("GET", "/api/v1/session", cookie, &Value::Null).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["user"]["name"].clone()
    }

    async fn open_to_all(engine: Engine) -> Self {
        Self::start_with(engine, |config| config.accounts.sign_up = SignUp::Open).await
    }

    /// Tries out what a session can see.
    async fn status_of(&self, method: &str, url: &str, token: &str) -> u16 {
        self.call(method, url, Some(token), &Value::Null).await.status
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// What the cookie of an answer holds.
fn cookie_of(reply: &Reply) -> String {
    let line = reply.header("set-cookie");
    let (name, rest) = line.split_once('=').unwrap_or_else(|| panic!("no cookie: {} {}", reply.status, reply.text()));
    assert_eq!(name, "rutter");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/;", "; Max-Age=7776000;"] {
        assert!(line.contains(attribute), "{line}");
    }
    rest.split(';').next().unwrap().to_owned()
}

/// The ticket in a link that the server told.
fn behind_hash(link: &Secret) -> String {
    link.expose().split_once('#').unwrap().1.to_owned()
}

story! {
    async fn a_ticket_is_good_for_one_thing_once_and_for_a_time(server: Server) {
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
        // What fails half way leaves it good.
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
    async fn the_first_administrator_is_made_with_a_link_that_works_once(server: Server) {
        let link = server.app.accounts.set_up_link().await.unwrap().unwrap();
        let other = server.app.accounts.set_up_link().await.unwrap().unwrap();
        assert_eq!(server.call("GET", "/api/v1/session", None, &Value::Null).await.json()["set_up"], true);
        let set_up = async |link: &Secret, name: &str, password: &str| {
            let email = format!("{name}@example.org");
            let body = json!({"token": behind_hash(link), "name": name, "email": email, "password": password});
            server.post_json("/api/v1/accounts/setup", &body).await
        };
        // A mistake does not use it up.
        assert_eq!(set_up(&link, "root", "short").await.status, 422);
        assert_eq!(set_up(&link, "api", PASSWORD).await.status, 422);
        let made = set_up(&link, "root", PASSWORD).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.json()["user"], json!({"name": "root", "email": "root@example.org", "display_name": null, "admin": true}));
        assert_eq!(server.who_is(Some(&cookie_of(&made))).await, "root");
        // Not again, nor with another link that was told before; and none is told any more.
        assert_eq!(set_up(&link, "eve", PASSWORD).await.status, 404);
        assert_eq!(set_up(&other, "eve", PASSWORD).await.status, 404);
        assert!(server.app.accounts.set_up_link().await.unwrap().is_none());
        let session = server.call("GET", "/api/v1/session", None, &Value::Null).await.json();
        assert_eq!((&session["set_up"], &session["user"], &session["sign_up"]), (&json!(false), &json!(null), &json!("invitation")));
    }
}

story! {
    async fn people_sign_up_by_a_letter_and_an_address_is_told_to_nobody_else(engine: Engine) {
        let server = Server::open_to_all(engine).await;
        server.person("ben").await;
        let ask = async |name: &str, email: &str| {
            server.post_json("/api/v1/accounts", &json!({"name": name, "email": email})).await
        };
        let (new, used) = (ask("ada", "Ada@example.org").await, ask("carl", "ben@example.org").await);
        assert_eq!((new.status, new.text()), (202, String::new()));
        assert_eq!((used.status, used.text()), (202, String::new()), "nothing differs");
        let taken = ask("ben", "other@example.org").await;
        assert_eq!(taken.status, 409, "names are public");
        assert_eq!(ask("a/b", "other@example.org").await.status, 422);
        assert_eq!(ask("login", "other@example.org").await.status, 422);

        let letter = server.letter_to("ben@example.org", 1).await;
        assert!(letter.text.contains("`ben`") && !letter.text.contains("/verify#"), "{}", letter.text);
        let ticket = server.letter_to("ada@example.org", 1).await.ticket("verify");
        let verify = async |password: &str| {
            server.post_json("/api/v1/accounts/verify", &json!({"token": ticket, "password": password})).await
        };
        assert_eq!(server.log_in("ada", PASSWORD).await.status, 401, "no account before the link");
        assert_eq!(verify("short").await.status, 422);
        let made = verify(PASSWORD).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(server.who_is(Some(&cookie_of(&made))).await, "ada");
        assert_eq!(verify(PASSWORD).await.status, 404, "once");
        // By name and by address, however written.
        for login in ["ada", "ADA ", "ada@example.org", "Ada@Example.org"] {
            assert_eq!(server.log_in(login, PASSWORD).await.status, 200, "{login}");
        }
    }
}

story! {
    async fn nobody_fills_a_mailbox(engine: Engine) {
        let server = Server::open_to_all(engine).await;
        for number in 0..8 {
            let body = json!({"name": format!("name-{number}"), "email": "victim@example.org"});
            assert_eq!(server.post_json("/api/v1/accounts", &body).await.status, 202);
        }
        server.letters_to("victim@example.org", 5).await;
    }
}

story! {
    async fn where_accounts_are_by_invitation_or_closed_nobody_signs_up(engine: Engine) {
        for (rule, said) in [(SignUp::Invitation, "by invitation"), (SignUp::Closed, "sign-up is disabled")] {
            let server = Server::start_with(engine, |config| config.accounts.sign_up = rule).await;
            let body = json!({"name": "ada", "email": "ada@example.org"});
            let refused = server.post_json("/api/v1/accounts", &body).await;
            assert_eq!(refused.status, 403);
            assert!(refused.text().contains(said), "{}", refused.text());
            assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM letter").await, 0);
        }
    }
}

story! {
    async fn every_failure_to_sign_in_is_told_alike(server: Server) {
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
            ("nobody", PASSWORD),
            ("nobody@example.org", PASSWORD),
            ("not an@address@", PASSWORD),
            ("tokens-only", PASSWORD),
            ("tokens-only", ""),
            ("sue", PASSWORD),
            ("", ""),
        ] {
            let reply = server.log_in(login, password).await;
            assert!(!reply.headers.contains_key("set-cookie"));
            answers.push((reply.status, reply.json()["detail"].as_str().unwrap().to_owned()));
        }
        assert_eq!(answers[0].0, 401);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        // Nor does a password let in where tokens do.
        let basic = server.request("GET", "/api/v1/user", None).basic_auth("ada", Some(PASSWORD));
        assert_eq!(Reply::of(basic).await.status, 401);
    }
}

story! {
    async fn who_guesses_a_password_is_slowed(engine: Engine) {
        let rates = Rates { failures_account: 5, failures_address: 1000, ..Rates::off() };
        let server = Server::start_with(engine, |config| config.rates = rates).await;
        server.person("ada").await;
        server.cookie("ada").await;
        // Dots do not make a guess look like a signed token.
        let guesses = async |login: &str| {
            let mut heard = 0;
            for number in 0..20 {
                match server.log_in(login, &format!("guess.number.{number}")).await {
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
        // Others are not disturbed, and who knows the password may do it often.
        server.person("ben").await;
        server.cookie("ben").await;
        for _ in 0..10 {
            assert_eq!(server.log_in("ben", PASSWORD).await.status, 200);
        }
    }
}

story! {
    async fn strangers_who_guess_a_password_lock_nobody_out(engine: Engine) {
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
        assert_eq!(from(away, "ada", PASSWORD).await, 429, "not even a right guess is told from a wrong one");
        // Where she signed in before she does so again, and in her session she does what takes the password.
        assert_eq!(from(home, "ada", PASSWORD).await, 200);
        let new = "another horse battery";
        let change = json!({"current": PASSWORD, "new": new});
        assert_eq!(server.call("PUT", "/api/v1/user/password", Some(&cookie), &change).await.status, 204);
        // Guesses are counted there as well.
        let mut heard = 0;
        for _ in 0..10 {
            heard += u32::from(from(home, "ada", "guess").await == 401);
        }
        assert!((5..8).contains(&heard), "{heard}");
        let wrong = json!({"current": "guess", "new": new});
        let mut heard = 0;
        for _ in 0..10 {
            heard += u32::from(server.call("PUT", "/api/v1/user/password", Some(&cookie), &wrong).await.status == 403);
        }
        assert!((5..8).contains(&heard), "{heard}");
    }
}

story! {
    async fn a_session_ends_when_it_is_not_used_when_it_is_old_and_when_it_is_told_to(server: Server) {
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        let day = Duration::from_hours(24);
        // Used now and then it lasts, but not for ever.
        for _ in 0..8 {
            server.clock.advance(day * 10);
            assert_eq!(server.who_is(Some(&cookie)).await, "ada");
            crate::harness::eventually("the use is written down", async || {
                let now = server.clock.now();
                let sessions = server.call("GET", "/api/v1/user/sessions", Some(&cookie), &Value::Null).await.json();
                sessions["items"][0]["last_used"].as_str().unwrap()[..10] == now.rfc3339()[..10]
            })
            .await;
        }
        server.clock.advance(day * 11);
        assert_eq!(server.who_is(Some(&cookie)).await, Value::Null);

        let idle = server.another_cookie("ada").await;
        server.clock.advance(day * 14);
        assert_eq!(server.who_is(Some(&idle)).await, Value::Null);
        // A dead cookie is no credential, and is taken away; without a dialog of the browser.
        let dead = server.call("GET", "/api/v1/user", Some(&idle), &Value::Null).await;
        assert_eq!((dead.status, dead.header("www-authenticate")), (401, "Bearer realm=\"rutter\""));
        assert!(dead.header("set-cookie").contains("Max-Age=0"), "{}", dead.header("set-cookie"));

        let cookie = server.another_cookie("ada").await;
        let out = server.call("DELETE", "/api/v1/session", Some(&cookie), &Value::Null).await;
        assert_eq!(out.status, 204);
        assert!(out.header("set-cookie").contains("Max-Age=0"));
        assert_eq!(server.who_is(Some(&cookie)).await, Value::Null);
        assert_eq!(server.call("DELETE", "/api/v1/session", Some(&cookie), &Value::Null).await.status, 204);
        // What has ended is forgotten.
        server.app.accounts.forget().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM session").await, 0);
    }
}

story! {
    async fn a_stolen_cookie_is_of_no_use_once_its_session_is_ended(server: Server) {
        server.person("ada").await;
        let (own, stolen) = (server.cookie("ada").await, server.another_cookie("ada").await);
        let list = server.call("GET", "/api/v1/user/sessions", Some(&own), &Value::Null).await.json();
        let other = list["items"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
        assert_eq!(other["address"], "127.0.0.1");
        let url = format!("/api/v1/user/sessions/{}", other["id"].as_str().unwrap());
        // Nobody else can end it.
        server.person("eve").await;
        let eve = server.cookie("eve").await;
        assert_eq!(server.status_of("DELETE", &url, &eve).await, 404);
        assert_eq!(server.who_is(Some(&stolen)).await, "ada");
        assert_eq!(server.status_of("DELETE", &url, &own).await, 204);
        assert_eq!(server.who_is(Some(&stolen)).await, Value::Null);
        assert_eq!(server.status_of("GET", "/api/v1/user", &stolen).await, 401);
        // Or all at once, but one's own.
        let (one, two) = (server.another_cookie("ada").await, server.another_cookie("ada").await);
        assert_eq!(server.status_of("DELETE", "/api/v1/user/sessions", &own).await, 204);
        for (cookie, who) in [(&one, Value::Null), (&two, Value::Null), (&own, json!("ada")), (&eve, json!("eve"))] {
            assert_eq!(server.who_is(Some(cookie)).await, who);
        }
        // What the database has lets nobody in.
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
        // A program with a token says nothing of where it comes from; the token wins over the cookie.
        let token = format!("Bearer {}", ada.token);
        assert_eq!(put(&[("authorization", &token)]).await.status, 200);
        assert_eq!(put(&[("authorization", "Bearer rut_wrong"), ("origin", &own)]).await.status, 401);
        // Looking is no change.
        let look = server.http.get(format!("{}/api/v1/datasets/ada/data/branches", server.url));
        let look = look.header("cookie", format!("rutter={cookie}")).header("sec-fetch-site", "cross-site");
        assert_eq!(Reply::of(look).await.status, 200);
        // Nobody is signed in as somebody else by a page of another site.
        let login = server.http.post(format!("{}/api/v1/session", server.url)).header("origin", "https://evil.example");
        let login = login.header("content-type", "application/json");
        let login = login.body(json!({"login": "ada", "password": PASSWORD}).to_string());
        let reply = Reply::of(login).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (403, ""));
    }
}

story! {
    async fn behind_tls_the_cookie_is_for_this_host_alone(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.public_url = Some("https://drive.example.org".into());
        })
        .await;
        server.person("ada").await;
        server.cookie("ada").await;
        let login = server.log_in("ada", PASSWORD).await;
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
        // One that a neighbouring site, or somebody on the way, could have set.
        assert_eq!(ask("rutter").await, Value::Null);
        // In a letter stands what clients put before the path.
        server.post_json("/api/v1/accounts/reset", &json!({"email": "ada@example.org"})).await;
        let letter = server.letter_to("ada@example.org", 1).await;
        assert!(letter.text.contains("https://drive.example.org/reset#ruk_"), "{}", letter.text);
    }
}

story! {
    async fn without_tls_nothing_is_said_of_it(server: Server) {
        let plain = server.call("GET", "/api/v1/session", None, &Value::Null).await;
        assert_eq!(plain.header("strict-transport-security"), "");
        let forged = server.request("GET", "/api/v1/session", None).header("x-forwarded-proto", "https");
        assert_eq!(Reply::of(forged).await.header("strict-transport-security"), "", "not a proxy of ours");
    }
}

story! {
    async fn who_is_suspended_is_out_at_once(server: Server) {
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        assert_eq!(server.who_is(Some(&cookie)).await, "ada");
        server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(server.who_is(Some(&cookie)).await, Value::Null);
        assert_eq!(server.status_of("GET", "/api/v1/user", &cookie).await, 401);
        // The end of it gives no session back, and a letter brings nobody in meanwhile.
        server.app.accounts.forgot(&"ada@example.org".parse().unwrap()).await.unwrap();
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM ticket").await, 0);
        server.app.accounts.resume(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(server.who_is(Some(&cookie)).await, Value::Null);
        assert_eq!(server.log_in("ada", PASSWORD).await.status, 200);
    }
}

story! {
    async fn a_forgotten_password_is_chosen_anew_and_all_browsers_are_signed_out(server: Server) {
        let ada = server.person("ada").await;
        let cookie = server.cookie("ada").await;
        for email in ["ada@example.org", "nobody@example.org"] {
            let reply = server.post_json("/api/v1/accounts/reset", &json!({"email": email})).await;
            assert_eq!((reply.status, reply.text()), (202, String::new()));
        }
        let letter = server.letter_to("ada@example.org", 1).await;
        assert!(server.letters().iter().all(|letter| letter.to == "ada@example.org"));
        let ticket = letter.ticket("reset");
        let confirm = async |password: &str| {
            let body = json!({"token": ticket, "password": password});
            server.post_json("/api/v1/accounts/reset/confirm", &body).await.status
        };
        assert_eq!(server.who_is(Some(&cookie)).await, "ada", "a letter alone changes nothing");
        assert_eq!(confirm("short").await, 422);
        assert_eq!(confirm("another horse").await, 204);
        assert_eq!(confirm("yet another horse").await, 404, "once");
        assert_eq!(server.who_is(Some(&cookie)).await, Value::Null);
        assert_eq!(server.log_in("ada", PASSWORD).await.status, 401);
        assert_eq!(server.log_in("ada", "another horse").await.status, 200);
        assert_eq!(server.status_of("GET", "/api/v1/user", &ada.token).await, 200, "tokens are as good as before");
        assert!(server.letter_to("ada@example.org", 2).await.subject.contains("changed"));

        // An hour later a link is good no more.
        server.post_json("/api/v1/accounts/reset", &json!({"email": "ada@example.org"})).await;
        let ticket = server.letter_to("ada@example.org", 3).await.ticket("reset");
        server.clock.advance(Duration::from_hours(1));
        let late = json!({"token": ticket, "password": "too late a horse"});
        assert_eq!(server.post_json("/api/v1/accounts/reset/confirm", &late).await.status, 404);
    }
}

story! {
    async fn password_and_address_change_only_for_who_knows_the_password(server: Server) {
        let ada = server.person("ada").await;
        let (here, there) = (server.cookie("ada").await, server.another_cookie("ada").await);
        let change = async |token: &str, current: &str, new: &str| {
            let body = json!({"current": current, "new": new});
            server.call("PUT", "/api/v1/user/password", Some(token), &body).await.status
        };
        assert_eq!(change(&ada.token, PASSWORD, "another horse").await, 403, "a token is not a browser");
        assert_eq!(change(&here, "wrong horse", "another horse").await, 403);
        assert_eq!(change(&here, PASSWORD, "short").await, 422);
        assert_eq!(change(&here, PASSWORD, "another horse").await, 204);
        assert_eq!(server.who_is(Some(&here)).await, "ada");
        assert_eq!(server.who_is(Some(&there)).await, Value::Null);
        server.letter_to("ada@example.org", 1).await;

        server.person("ben").await;
        let mail = async |to: &str, password: &str| {
            let body = json!({"email": to, "password": password});
            server.call("PUT", "/api/v1/user/email", Some(&here), &body).await.status
        };
        assert_eq!(mail("new@example.org", "wrong horse").await, 403);
        assert_eq!(mail("ben@example.org", "another horse").await, 202, "whether it is in use is not told");
        assert!(!server.letter_to("ben@example.org", 1).await.text.contains("/email#"));
        assert_eq!(mail("new@example.org", "another horse").await, 202);
        let told = server.letter_to("ada@example.org", 3).await;
        assert!(told.text.contains("new@example.org"), "{}", told.text);
        let ticket = server.letter_to("new@example.org", 1).await.ticket("email");
        let email = async || {
            server.call("GET", "/api/v1/user", Some(&here), &Value::Null).await.json()["email"].clone()
        };
        assert_eq!(email().await, "ada@example.org", "not before it is confirmed");
        let confirm = async || server.post_json("/api/v1/accounts/email/confirm", &json!({"token": ticket})).await.status;
        assert_eq!((confirm().await, confirm().await), (204, 404));
        assert_eq!(email().await, "new@example.org");
        assert_eq!(server.log_in("new@example.org", "another horse").await.status, 200);
        assert_eq!(server.log_in("ada@example.org", "another horse").await.status, 401);
        // A reset stops a change that waits.
        assert_eq!(mail("thief@example.org", "another horse").await, 202);
        let waiting = server.letter_to("thief@example.org", 1).await.ticket("email");
        server.post_json("/api/v1/accounts/reset", &json!({"email": "new@example.org"})).await;
        let mut tickets = server.letters_to("new@example.org", 3).await;
        let body = json!({"token": tickets.pop().unwrap().ticket("reset"), "password": PASSWORD});
        assert_eq!(server.post_json("/api/v1/accounts/reset/confirm", &body).await.status, 204);
        let late = server.post_json("/api/v1/accounts/email/confirm", &json!({"token": waiting})).await;
        assert_eq!(late.status, 404);
    }
}

story! {
    async fn tokens_are_made_and_revoked_in_a_browser_and_do_what_they_are_for(server: Server) {
        server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.dataset("ada/other", Visibility::Private).await;
        let cookie = server.cookie("ada").await;
        let make = async |token: &str, body: Value| server.call("POST", "/api/v1/user/tokens", Some(token), &body).await;
        let laptop = make(&cookie, json!({"name": "laptop", "scopes": ["read:ada/data"], "expires_in_days": 2})).await;
        assert_eq!(laptop.status, 201, "{}", laptop.text());
        let narrow = laptop.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(server.status_of("GET", "/api/v1/datasets/ada/data", &narrow).await, 200);
        assert_eq!(server.status_of("GET", "/api/v1/datasets/ada/other", &narrow).await, 404);
        let write = json!({"patterns": []});
        let protect = server.call("PUT", "/api/v1/datasets/ada/data/protection", Some(&narrow), &write).await;
        assert_eq!(protect.status, 403);
        // Nor is it the whole account.
        for url in ["/api/v1/user/tokens", "/api/v1/user/sessions"] {
            assert_eq!(server.status_of("GET", url, &narrow).await, 403, "{url}");
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
        let list = server.call("GET", "/api/v1/user/tokens", Some(&cookie), &Value::Null).await;
        assert!(!list.text().contains("rut_"), "shown once");
        let list = list.json();
        let names: Vec<&str> = list["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["more", "all", "laptop", "test"]);
        assert_eq!(list["items"][2]["scopes"], json!(["read:ada/data"]));
        // Another's token is as if it were not there.
        let url = format!("/api/v1/user/tokens/{}", everything["id"].as_str().unwrap());
        server.person("eve").await;
        assert_eq!(server.status_of("DELETE", &url, &server.cookie("eve").await).await, 404);
        assert_eq!(server.status_of("GET", "/api/v1/user", all).await, 200);
        assert_eq!(server.status_of("DELETE", &url, &cookie).await, 204);
        assert_eq!(server.status_of("GET", "/api/v1/user", all).await, 401);
        assert_eq!(server.status_of("DELETE", &url, &cookie).await, 404);
        server.clock.advance(Duration::from_hours(48));
        assert_eq!(server.status_of("GET", "/api/v1/datasets/ada/data", &narrow).await, 401);
    }
}

story! {
    async fn an_account_says_what_it_is(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", b"eleven byte").await;
        let cookie = server.cookie("ada").await;
        let name = json!({"display_name": " Ada Lovelace "});
        let updated = server.call("PATCH", "/api/v1/user", Some(&cookie), &name).await;
        let shown = server.call("GET", "/api/v1/user", Some(&cookie), &Value::Null).await.json();
        assert_eq!(updated.json(), shown);
        assert_eq!(shown["display_name"], "Ada Lovelace");
        assert_eq!((&shown["bytes"], &shown["datasets"], &shown["quota_bytes"]), (&json!(11), &json!(1), &json!(null)));
        for bad in ["x".repeat(101), "a\u{1b}[31mb".to_owned()] {
            let refused = server.call("PATCH", "/api/v1/user", Some(&cookie), &json!({"display_name": bad})).await;
            assert_eq!(refused.status, 422);
        }
        // The session lets in wherever its user may.
        assert_eq!(server.status_of("GET", "/api/v1/datasets/ada/data/branches", &cookie).await, 200);
        let oid = lfs::Oid::of(b"eleven byte");
        let body = json!({"operation": "download", "objects": [{"oid": oid, "size": 11}]});
        let (status, reply) = server.batch(Some(&cookie), "ada/data", &body).await;
        assert_eq!(status, 200, "{reply}");
    }
}

story! {
    async fn a_closed_account_can_be_opened_again_until_it_is_removed(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", b"some bytes").await;
        let close = async |token: &str, password: &str| {
            let body = json!({"password": password});
            server.call("DELETE", "/api/v1/user", Some(token), &body).await
        };
        let cookie = server.cookie("ada").await;
        assert_eq!(close(&ada.token, PASSWORD).await.status, 403, "no token closes an account");
        assert_eq!(close(&cookie, "wrong horse").await.status, 403);
        let day = Duration::from_hours(24);
        let ends = server.clock.now().plus(day * 14).rfc3339();
        let closed = close(&cookie, PASSWORD).await;
        assert_eq!(closed.status, 202, "{}", closed.text());
        assert_eq!(closed.json()["ends"].as_str().unwrap()[..15], ends[..15]);
        assert_eq!(server.who_is(Some(&cookie)).await, Value::Null);
        assert_eq!(server.status_of("GET", "/api/v1/user", &ada.token).await, 401);

        server.clock.advance(day * 13);
        server.app.worker.run_due().await.unwrap();
        assert!(server.letter_to("ada@example.org", 1).await.text.contains("reopen"));
        assert_eq!(server.log_in("ada", PASSWORD).await.status, 200);
        assert_eq!(server.status_of("GET", "/api/v1/user", &ada.token).await, 200, "tokens are good again");
        // Who came back stays; and closes it again a day later.
        server.clock.advance(day / 2);
        let again = server.another_cookie("ada").await;
        assert_eq!(close(&again, PASSWORD).await.status, 202);
        server.clock.advance(day);
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM dataset").await, 1, "the grace begins anew");
        server.clock.advance(day * 13);
        assert_eq!(server.log_in("ada", PASSWORD).await.status, 401, "too late");
        server.app.worker.run_due().await.unwrap();
        for table in ["SELECT COUNT(*) FROM owner", "SELECT COUNT(*) FROM dataset", "SELECT COUNT(*) FROM token"] {
            assert_eq!(count(&server.app.db, table).await, 0, "{table}");
        }
        assert!(server.letter_to("ada@example.org", 3).await.text.contains("deleted"));
        // Nothing is left that could be done twice.
        let mut tx = server.app.db.write().await.unwrap();
        jobs::enqueue(&mut tx, &server.clock, Kind::PurgeAccount, &server.clock.id().to_string(), Duration::ZERO).await.unwrap();
        tx.commit().await.unwrap();
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE kind = 'remove'").await, 0);
    }
}

story! {
    async fn datasets_that_others_need_go_to_an_organisation(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&ben, Role::Writer)]).await;
        server.organisation("club", &[(&ada, Role::Writer), (&ben, Role::Owner)]).await;
        for path in ["ada/data", "ada/survey", "lab/survey"] {
            server.dataset(path, Visibility::Private).await;
        }
        let cookie = server.cookie("ada").await;
        let close = async |to: &str| {
            let body = json!({"password": PASSWORD, "transfer_to": to});
            server.call("DELETE", "/api/v1/user", Some(&cookie), &body).await
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
        assert_eq!(server.who_is(Some(&cookie)).await, "ada", "nothing was closed");
        assert_eq!(close("lab").await.status, 202);
        for path in ["lab/data", "lab/survey", "lab/ada-survey"] {
            assert_eq!(server.status_of("GET", &format!("/api/v1/datasets/{path}"), &ben.token).await, 200, "{path}");
        }
    }
}
