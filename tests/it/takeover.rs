//! Attempts to take over accounts and organisations, and the last administrators and owners.

use std::time::Duration;

use rutter::config::SignUp;
use rutter::types::{Role, Secret, Visibility};
use rutter_testing::{PASSWORD, Person, Server, eventually, story};
use serde_json::{Value, json};

use crate::db::count;

const USER: &str = "/api/v1/user";
const ORGANISATIONS: &str = "/api/v1/organisations";

async fn request_email_change(server: &Server, cookie: &str, to: &str) -> u16 {
    let body = json!({"email": to, "password": PASSWORD});
    server.json(Some(cookie), "PUT", &format!("{USER}/email"), body).await.0
}

async fn change_password(server: &Server, cookie: &str, new: &str) -> u16 {
    let body = json!({"current": PASSWORD, "new": new});
    server.json(Some(cookie), "PUT", &format!("{USER}/password"), body).await.0
}

async fn close_account(server: &Server, cookie: &str) -> (u16, Value) {
    server.json(Some(cookie), "DELETE", USER, json!({"password": PASSWORD})).await
}

async fn confirm(server: &Server, page: &str, ticket: &str) -> u16 {
    let body = match page {
        "reset" => json!({"token": ticket, "password": "a horse of the intruder"}),
        _ => json!({"token": ticket}),
    };
    server.json(None, "POST", &format!("/api/v1/accounts/{page}/confirm"), body).await.0
}

story! {
    async fn requests_by_an_intruder_end_when_the_owner_reacts(server: Server) {
        let root = server.administrator("root").await;
        let accounts = &server.app.accounts;
        for act in ["password", "set-password", "reset", "suspend", "suspend-by-admin", "others", "session", "close"] {
            let name = format!("ada-{act}");
            let owner = name.parse().unwrap();
            server.person(&name).await;
            let (own, intruder) = (server.cookie(&name).await, server.another_cookie(&name).await);
            let (address, evil) = (format!("{name}@example.org"), format!("evil-{act}@example.org"));
            assert_eq!(request_email_change(&server, &intruder, &evil).await, 202);
            let change = server.email_to(&evil, 1).await.token_in_link("email");
            server.json(None, "POST", "/api/v1/accounts/reset", json!({"email": address})).await;
            let reset = server.emails_to(&address, 2).await;
            let reset = reset.iter().find(|email| email.text.contains("/reset#")).unwrap().token_in_link("reset");
            match act {
                "password" => assert_eq!(change_password(&server, &own, "another horse").await, 204),
                "set-password" => accounts.set_password(&owner, Secret::new("another horse".into())).await.unwrap(),
                "reset" => {
                    let body = json!({"token": reset, "password": "another horse"});
                    assert_eq!(server.json(None, "POST", "/api/v1/accounts/reset/confirm", body).await.0, 204);
                }
                "suspend" => {
                    accounts.suspend(&owner).await.unwrap();
                    accounts.resume(&owner).await.unwrap();
                }
                "suspend-by-admin" => {
                    for suspended in [true, false] {
                        let url = format!("/api/v1/admin/users/{name}");
                        server.ok(&root, "PATCH", &url, json!({"suspended": suspended})).await;
                    }
                }
                "others" => {
                    let url = format!("{USER}/sessions");
                    assert_eq!(server.json(Some(&own), "DELETE", &url, Value::Null).await.0, 204);
                }
                "session" => {
                    let list = server.json(Some(&own), "GET", &format!("{USER}/sessions"), Value::Null).await.1;
                    let other = list["items"].as_array().unwrap().iter().find(|one| one["current"] == false).unwrap();
                    let url = format!("{USER}/sessions/{}", other["id"].as_str().unwrap());
                    assert_eq!(server.json(Some(&own), "DELETE", &url, Value::Null).await.0, 204);
                }
                _ => {
                    assert_eq!(close_account(&server, &own).await.0, 202);
                    server.another_cookie(&name).await;
                }
            }
            assert_eq!(confirm(&server, "email", &change).await, 404, "{act}: the address is not the intruder's");
            assert_eq!(confirm(&server, "reset", &reset).await, 404, "{act}: nor is the password");
        }
    }
}

story! {
    async fn an_intruder_cannot_use_a_password_while_it_changes(server: Server) {
        for round in 0..4 {
            let name = format!("ada-{round}");
            server.person(&name).await;
            let (own, intruder) = (server.cookie(&name).await, server.another_cookie(&name).await);
            let evil = format!("evil-{round}@example.org");
            let (asked, changed) =
                tokio::join!(request_email_change(&server, &intruder, &evil), change_password(&server, &own, "another horse"));
            assert!(matches!((asked, changed), (202 | 401 | 403, 204)), "{asked} {changed}");
            let left = count(&server.app.db, "SELECT COUNT(*) FROM one_time_token WHERE kind = 'email'").await;
            assert_eq!(left, 0, "asked {asked}");
        }
    }
}

story! {
    async fn invitations_to_one_address_are_limited(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        for (owner, name) in [(&ada, "x1"), (&ada, "x2"), (&eve, "x3")] {
            server.organisation(name, &[(owner, Role::Owner)]).await;
        }
        let invite = async |person: &Person, name: &str, to: &str| {
            let body = json!({"email": to, "role": "reader"});
            server.status(person, "POST", &format!("{ORGANISATIONS}/{name}/invitations"), body).await
        };
        let victim = "victim@example.org";
        for name in ["x1", "x1", "x2", "x2", "x1"] {
            assert_eq!(invite(&ada, name, victim).await, 201);
        }
        // Not by another organisation, nor by another user.
        for (person, name) in [(&ada, "x1"), (&ada, "x2"), (&eve, "x3")] {
            assert_eq!(invite(person, name, victim).await, 429, "{name}");
        }
        server.emails_to(victim, 5).await;
        assert_eq!(invite(&eve, "x3", "other@example.org").await, 201, "others are invited");
        server.clock.advance(Duration::from_hours(2));
        for _ in 0..5 {
            assert_eq!(invite(&ada, "x1", victim).await, 201);
        }
        server.clock.advance(Duration::from_hours(2));
        assert_eq!(invite(&ada, "x1", victim).await, 429, "ten a day");

        // Nor does one user write to everybody.
        let mut sent = 0;
        while invite(&eve, "x3", &format!("someone-{sent}@example.org")).await == 201 {
            sent += 1;
        }
        assert_eq!(sent, 100);
        assert_eq!(invite(&ada, "x1", "someone@example.org").await, 201, "others go on");
    }
}

story! {
    async fn an_invitation_ends_when_its_author_loses_the_right_to_invite(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner), (&eve, Role::Owner)]).await;
        let invite = async |person: &Person, to: &str| {
            let body = json!({"email": to, "role": "owner"});
            server.ok(person, "POST", &format!("{ORGANISATIONS}/org/invitations"), body).await;
            server.email_to(to, 1).await.token_in_link("invite")
        };
        let (by_eve, by_ada) = (invite(&eve, "eve2@example.org").await, invite(&ada, "ben@example.org").await);
        server.ok(&ada, "PUT", &format!("{ORGANISATIONS}/org/members/eve"), json!({"role": "reader"})).await;
        let answer = async |ticket: &str, name: &str| {
            let body = json!({"token": ticket, "name": name, "password": PASSWORD});
            let shown = server.json(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await.0;
            (shown, server.json(None, "POST", "/api/v1/invitations/accept", body).await.0)
        };
        assert_eq!(answer(&by_eve, "eve2").await, (404, 404));
        assert_eq!(answer(&by_ada, "ben").await, (200, 201));
    }
}

story! {
    async fn the_setup_link_ends_when_there_is_an_administrator(server: Server) {
        let accounts = &server.app.accounts;
        let ticket = async || {
            let link = accounts.set_up_link().await.unwrap();
            link.map(|link| link.expose().split_once('#').unwrap().1.to_owned())
        };
        let set_up = async |ticket: &str, name: &str| {
            let email = format!("{name}@example.org");
            let body = json!({"token": ticket, "name": name, "email": email, "password": PASSWORD,
                "display_name": "Käthe Müller"});
            server.json(None, "POST", "/api/v1/accounts/setup", body).await.0
        };
        // Of two that are opened at one time, one makes an administrator.
        let (one, two) = (ticket().await.unwrap(), ticket().await.unwrap());
        let late = ticket().await.unwrap();
        let done = tokio::join!(set_up(&one, "ada"), set_up(&two, "ben"));
        assert!(matches!(done, (201, 404) | (404, 201)), "{done:?}");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM account WHERE admin").await, 1);
        let named = "SELECT COUNT(*) FROM account WHERE display_name = 'Käthe Müller'";
        assert_eq!(count(&server.app.db, named).await, 1);
        assert_eq!(set_up(&late, "eve").await, 404);
        // That the only one is suspended does not make the server a new one.
        let first = if done.0 == 201 { "ada" } else { "ben" };
        accounts.suspend(&first.parse().unwrap()).await.unwrap();
        assert_eq!(ticket().await, None);
        let session = server.json(None, "GET", "/api/v1/session", Value::Null).await.1;
        assert_eq!(session["set_up"], false);
    }
}

story! {
    async fn the_operator_or_an_administrator_ends_the_setup_link(server: Server) {
        let link = server.app.accounts.set_up_link().await.unwrap().unwrap();
        let ticket = link.expose().split_once('#').unwrap().1.to_owned();
        server.administrator("root").await;
        let body = json!({"token": ticket, "name": "eve", "email": "eve@example.org", "password": PASSWORD});
        assert_eq!(server.json(None, "POST", "/api/v1/accounts/setup", body).await.0, 404);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM one_time_token").await, 0);
    }
}

story! {
    async fn the_last_administrator_and_the_last_owner_cannot_leave(server: Server) {
        server.administrator("root").await;
        let root = server.cookie("root").await;
        let (status, said) = close_account(&server, &root).await;
        assert_eq!(status, 409, "{said}");
        assert!(said["detail"].as_str().unwrap().contains("last administrator"), "{said}");
        // A suspended user does not count as an administrator.
        server.administrator("kit").await;
        server.app.accounts.suspend(&"kit".parse().unwrap()).await.unwrap();
        assert_eq!(close_account(&server, &root).await.0, 409);
        server.app.accounts.resume(&"kit".parse().unwrap()).await.unwrap();
        let kit = server.cookie("kit").await;
        // Of two who leave at one time, one stays.
        let both = tokio::join!(close_account(&server, &root), close_account(&server, &kit));
        assert_eq!(usize::from(both.0.0 == 202) + usize::from(both.1.0 == 202), 1, "{both:?}");

        let (ada, ben, cleo) = (server.person("ada").await, server.person("ben").await, server.person("cleo").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Owner), (&cleo, Role::Owner)]).await;
        server.app.accounts.suspend(&"cleo".parse().unwrap()).await.unwrap();
        let (a, b) = (server.cookie("ada").await, server.cookie("ben").await);
        let both = tokio::join!(close_account(&server, &a), close_account(&server, &b));
        assert_eq!(usize::from(both.0.0 == 202) + usize::from(both.1.0 == 202), 1, "{both:?}");
        let (left, status) = if both.0.0 == 202 { (&ben, &both.1) } else { (&ada, &both.0) };
        assert_eq!(status.0, 409);
        // The one who is left cannot go either way: one of the others is suspended, one has left.
        let own = format!("{ORGANISATIONS}/org/members/{}", left.name);
        assert_eq!(server.status(left, "PUT", &own, json!({"role": "reader"})).await, 409);
        assert_eq!(server.status(left, "DELETE", &own, Value::Null).await, 409);
        let (organisation, user) = ("org".parse().unwrap(), left.name.parse().unwrap());
        let by_operator = server.app.accounts.set_member(&organisation, &user, None).await;
        assert!(by_operator.unwrap_err().to_string().contains("only active owner"));
        server.ok(left, "DELETE", &format!("{ORGANISATIONS}/org/members/cleo"), Value::Null).await;
    }
}

story! {
    async fn the_name_of_a_removed_account_is_not_reused(engine: Engine) {
        let server = Server::start_without_workers(engine, |config| {
            config.accounts.sign_up = SignUp::Open;
            config.accounts.grace_days = 0;
        })
        .await;
        let (eve, ben) = (server.person("eve").await, server.person("ben").await);
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        assert_eq!(close_account(&server, &cookie).await.0, 202);
        server.clock.advance(Duration::from_secs(1));
        server.app.worker.run_due().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM owner WHERE name = 'ada'").await, 0);
        let sign_up = json!({"name": "ada", "email": "eve2@example.org"});
        let (status, said) = server.json(None, "POST", "/api/v1/accounts", sign_up).await;
        assert_eq!(status, 409, "{said}");
        assert_eq!(server.status(&eve, "POST", ORGANISATIONS, json!({"name": "ada"})).await, 409);
        // The name of an organisation can be reused only by the user that deleted it.
        server.ok(&ben, "POST", ORGANISATIONS, json!({"name": "club"})).await;
        server.ok(&ben, "DELETE", &format!("{ORGANISATIONS}/club"), Value::Null).await;
        assert_eq!(server.status(&eve, "POST", ORGANISATIONS, json!({"name": "club"})).await, 409);
        server.ok(&ben, "POST", ORGANISATIONS, json!({"name": "club"})).await;
        // The operator decides.
        server.person("ada").await;
    }
}

story! {
    async fn a_token_for_one_dataset_cannot_manage_the_account(server: Server) {
        let ada = server.person("ada").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        server.dataset("org/data", Visibility::Private).await;
        let scope = format!("obj:org/data/{}:read", lfs::Oid::of(b"x"));
        let one = server.app.access.issue(&"ada".parse().unwrap(), &scope, 600).unwrap();
        let narrow = server.token("ada", &["read:org/data"]).await;
        for token in [&one, &narrow] {
            let (status, said) = server.json(Some(token), "GET", USER, Value::Null).await;
            assert_eq!(status, 403, "{said}");
            let (status, session) = server.json(Some(token), "GET", "/api/v1/session", Value::Null).await;
            assert_eq!((status, &session["user"], &session["version"]), (200, &Value::Null, &Value::Null));
            let (status, who) = server.json(Some(token), "GET", "/api/whoami-v2", Value::Null).await;
            assert_eq!((status, &who["orgs"]), (200, &json!([])), "{who}");
        }
        let read = server.token("ada", &["read"]).await;
        assert_eq!(server.json(Some(&read), "GET", USER, Value::Null).await.1["email"], "ada@example.org");
        let session = server.json(Some(&read), "GET", "/api/v1/session", Value::Null).await.1;
        assert_eq!(session["version"], env!("CARGO_PKG_VERSION"));
        let stranger = server.json(None, "GET", "/api/v1/session", Value::Null).await.1;
        assert_eq!(stranger["version"], Value::Null);
        let document = server.json(None, "GET", "/api/openapi.json", Value::Null).await.1;
        assert_eq!(document["info"]["version"], "1", "that of the API");
    }
}

story! {
    async fn display_names_allow_any_characters_and_user_names_state_which(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.sign_up = SignUp::Open).await;
        let sign_up = async |name: &str, display: &str| {
            let body = json!({"name": name, "email": "kathe@example.org", "display_name": display});
            server.json(None, "POST", "/api/v1/accounts", body).await
        };
        for (name, said) in [("Käthe Müller", "spaces"), ("käthe", "without accents"), ("kathe muller", "spaces")] {
            let (status, refusal) = sign_up(name, "Käthe Müller").await;
            assert_eq!(status, 422);
            assert!(refusal["detail"].as_str().unwrap().contains(said), "{name}: {refusal}");
        }
        assert_eq!(sign_up("kathe", &"x".repeat(101)).await.0, 422);
        assert_eq!(sign_up("kathe", "a\u{1b}b").await.0, 422);
        assert_eq!(sign_up("kathe", " Käthe Müller ").await.0, 202);
        let ticket = server.email_to("kathe@example.org", 1).await.token_in_link("verify");
        let body = json!({"token": ticket, "password": PASSWORD});
        let (status, made) = server.json(None, "POST", "/api/v1/accounts/verify", body).await;
        assert_eq!((status, &made["user"]["display_name"]), (201, &json!("Käthe Müller")), "{made}");

        let root = server.administrator("root").await;
        server.ok(&root, "POST", "/api/v1/admin/invitations", json!({"email": "jose@example.org"})).await;
        let ticket = server.email_to("jose@example.org", 1).await.token_in_link("invite");
        let body = json!({"token": ticket, "name": "jose", "password": PASSWORD, "display_name": "José"});
        assert_eq!(server.json(None, "POST", "/api/v1/invitations/accept", body).await.0, 201);
        let jose = server.token("jose", &[]).await;
        assert_eq!(server.json(Some(&jose), "GET", USER, Value::Null).await.1["display_name"], "José");
    }
}

story! {
    async fn the_first_visit_to_a_drive_is_not_audited_as_refused(server: Server) {
        let ada = server.person("ada").await;
        assert_eq!(server.ok(&ada, "GET", "/api/v1/drive", Value::Null).await["dataset"], "ada/drive");
        assert_eq!(server.ok(&ada, "GET", "/api/v1/drive", Value::Null).await["dataset"], "ada/drive");
        // Notes are written in order: behind this one there is none of before.
        assert_eq!(server.status(&ada, "GET", "/api/v1/datasets/ben/data", Value::Null).await, 404);
        let refused = "SELECT COUNT(*) FROM audit WHERE action = 'access.refused'";
        eventually("the refusal is in the trail", async || count(&server.app.db, refused).await > 0).await;
        assert_eq!(count(&server.app.db, refused).await, 1);

        let cookie = server.cookie("ada").await;
        let sessions = format!("{USER}/sessions");
        server.clock.advance(Duration::from_mins(2));
        eventually("the use is written down", async || {
            let list = server.json(Some(&cookie), "GET", &sessions, Value::Null).await.1;
            let used = list["items"][0]["last_used"].as_str().unwrap().to_owned();
            used.as_str() > server.clock.now().minus(Duration::from_mins(1)).rfc3339().as_str()
        })
        .await;
    }
}
