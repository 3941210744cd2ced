//! Organisations, their groups, and invitations by e-mail, over HTTP.

use std::time::Duration;

use rutter::config::{Makers, SignUp};
use rutter::types::{Role, Visibility};
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

const ROOT: &str = "/api/v1/organisations";

async fn members_of(server: &Server, person: &Person, organisation: &str) -> Vec<String> {
    let said = server.ok(person, "GET", &format!("{ROOT}/{organisation}/members"), Value::Null).await;
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let items = said["items"].as_array().unwrap();
    items.iter().map(|item| format!("{} {}", text(item, "name"), text(item, "role"))).collect()
}

story! {
    async fn an_organisation_has_members_with_roles_and_always_an_owner(server: Server) {
        let [ada, ben, cleo] = ["ada", "ben", "cleo"];
        let (ada, ben, cleo) = (server.person(ada).await, server.person(ben).await, server.person(cleo).await);
        let made = server.ok(&ada, "POST", ROOT, json!({"name": "Ministry"})).await;
        assert_eq!((&made["name"], &made["role"], &made["datasets"]), (&json!("ministry"), &json!("owner"), &json!(0)));
        assert_eq!(server.status(&ben, "POST", ROOT, json!({"name": "ministry"})).await, 409, "the name is taken");
        assert_eq!(server.status(&ben, "POST", ROOT, json!({"name": "ada"})).await, 409, "also by a user");
        assert_eq!(server.status(&ben, "POST", ROOT, json!({"name": "admin"})).await, 422, "some names are reserved");

        // A change of role is effective immediately.
        let member = |user: &str| format!("{ROOT}/ministry/members/{user}");
        server.dataset("ministry/data", Visibility::Private).await;
        let commit = async |person: &Person, name: &str| {
            let body = json!({"message": "m", "operations": [{"operation": "put", "path": name, "content": "x"}]});
            server.status(person, "POST", "/api/v1/datasets/ministry/data/commits", body).await
        };
        assert_eq!(commit(&ben, "a").await, 404);
        server.ok(&ada, "PUT", &member("ben"), json!({"role": "reader"})).await;
        assert_eq!(commit(&ben, "a").await, 403);
        server.ok(&ada, "PUT", &member("ben"), json!({"role": "writer"})).await;
        assert_eq!(commit(&ben, "a").await, 201);
        assert_eq!(members_of(&server, &ben, "ministry").await, ["ada owner", "ben writer"]);
        let mine = server.ok(&ben, "GET", ROOT, Value::Null).await;
        assert_eq!(mine["items"], json!([{"name": "ministry", "role": "writer", "members": 2}]));
        assert_eq!(server.status(&ada, "PUT", &member("ben"), json!({"role": "king"})).await, 422);
        assert_eq!(server.status(&ada, "PUT", &member("missing"), json!({"role": "reader"})).await, 404);

        // One owner has to stay.
        assert_eq!(server.status(&ada, "DELETE", &member("ada"), Value::Null).await, 409);
        assert_eq!(server.status(&ada, "PUT", &member("ada"), json!({"role": "writer"})).await, 409);
        server.ok(&ada, "PUT", &member("cleo"), json!({"role": "owner"})).await;
        server.ok(&cleo, "PUT", &member("ada"), json!({"role": "writer"})).await;
        assert_eq!(server.status(&ada, "PUT", &member("ben"), json!({"role": "owner"})).await, 403);
        // Members may leave, in any role; only owners may remove others.
        assert_eq!(server.status(&ada, "DELETE", &member("ben"), Value::Null).await, 403);
        server.ok(&ada, "DELETE", &member("ada"), Value::Null).await;
        assert_eq!(server.status(&ada, "GET", &format!("{ROOT}/ministry"), Value::Null).await, 404);
        assert_eq!(server.status(&cleo, "DELETE", &member("ada"), Value::Null).await, 404);
        server.ok(&cleo, "DELETE", &member("ben"), Value::Null).await;
        assert_eq!(commit(&ben, "b").await, 404);

        // It can be deleted when it is empty; the same user may use its name again.
        assert_eq!(server.status(&cleo, "DELETE", &format!("{ROOT}/ministry"), Value::Null).await, 409);
        server.ok(&cleo, "DELETE", "/api/v1/datasets/ministry/data", Value::Null).await;
        server.ok(&cleo, "DELETE", &format!("{ROOT}/ministry"), Value::Null).await;
        server.ok(&cleo, "POST", ROOT, json!({"name": "ministry"})).await;
    }
}

story! {
    async fn two_owners_that_remove_each_other_leave_one(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        for round in 0..8 {
            let organisation = format!("org{round}");
            server.organisation(&organisation, &[(&ada, Role::Owner), (&ben, Role::Owner)]).await;
            let member = |user: &str| format!("{ROOT}/{organisation}/members/{user}");
            let (one, other) = (member("ben"), member("ada"));
            let (one, other) = tokio::join!(
                server.status(&ada, "PUT", &one, json!({"role": "reader"})),
                server.status(&ben, "DELETE", &other, Value::Null)
            );
            let owners = server.app.accounts.members(&organisation.parse().unwrap()).await.unwrap();
            let owners = owners.iter().filter(|(_, role)| role == "owner").count();
            assert_eq!(owners, 1, "{one} {other}");
        }
    }
}

story! {
    async fn nested_organisations_belong_to_the_owners_of_the_outer_one(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.organisations = Makers::Admins).await;
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        let root = server.administrator("root").await;
        assert_eq!(server.status(&ada, "POST", ROOT, json!({"name": "a"})).await, 403);
        server.ok(&root, "POST", ROOT, json!({"name": "a"})).await;
        server.ok(&root, "PUT", &format!("{ROOT}/a/members/ada"), json!({"role": "owner"})).await;
        assert_eq!(server.status(&eve, "POST", ROOT, json!({"name": "a/b"})).await, 404);
        assert_eq!(server.status(&ada, "POST", ROOT, json!({"name": "ada/b"})).await, 404, "a user holds no organisations");
        server.ok(&ada, "POST", ROOT, json!({"name": "a/b"})).await;
        assert_eq!(server.ok(&ada, "GET", &format!("{ROOT}/a%2Fb"), Value::Null).await["name"], "a/b");
        assert_eq!(members_of(&server, &ada, "a%2Fb").await, ["ada owner"]);
        assert_eq!(server.status(&ada, "DELETE", &format!("{ROOT}/a"), Value::Null).await, 409);
        server.ok(&ada, "DELETE", &format!("{ROOT}/a%2Fb"), Value::Null).await;
        server.dataset("a/data", Visibility::Private).await;
        assert_eq!(server.status(&ada, "POST", ROOT, json!({"name": "a/data"})).await, 409, "a dataset has the name");
    }
}

story! {
    async fn groups_consist_of_members_of_the_organisation(server: Server) {
        let (ada, ben, eve) = (server.person("ada").await, server.person("ben").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        let groups = format!("{ROOT}/org/groups");
        assert_eq!(server.status(&ben, "POST", &groups, json!({"name": "field"})).await, 403);
        server.ok(&ada, "POST", &groups, json!({"name": "Field"})).await;
        assert_eq!(server.status(&ada, "POST", &groups, json!({"name": "field"})).await, 409);
        assert_eq!(server.status(&ada, "POST", &groups, json!({"name": "a/b"})).await, 422);
        let member = |group: &str, user: &str| format!("{groups}/{group}/members/{user}");
        server.ok(&ada, "PUT", &member("field", "ben"), Value::Null).await;
        server.ok(&ada, "PUT", &member("field", "ben"), Value::Null).await;
        assert_eq!(server.status(&ada, "PUT", &member("field", "eve"), Value::Null).await, 409, "no member");
        assert_eq!(server.status(&ada, "PUT", &member("field", "missing"), Value::Null).await, 404);
        assert_eq!(server.status(&ada, "PUT", &member("none", "ben"), Value::Null).await, 404);
        assert_eq!(server.status(&ben, "PUT", &member("field", "ada"), Value::Null).await, 403);
        assert_eq!(server.status(&eve, "GET", &groups, Value::Null).await, 404);
        let answer = server.ok(&ben, "GET", &groups, Value::Null).await;
        assert_eq!(answer["items"], json!([{"name": "field", "members": 1}]));
        let people = server.ok(&ben, "GET", &format!("{groups}/field/members"), Value::Null).await;
        assert_eq!(people["items"], json!([{"name": "ben", "display_name": null, "avatar": null, "role": "reader"}]));
        let user = async |name: &str| server.app.accounts.active(&name.parse().unwrap()).await.unwrap().id;
        let ben_id = user("ben").await;
        let count = async || server.app.db.read().await.unwrap().groups_of(ben_id).await.unwrap().len();
        assert_eq!(count().await, 1);

        // Leaving the organisation leaves its groups, also after joining again.
        server.ok(&ben, "DELETE", &format!("{ROOT}/org/members/ben"), Value::Null).await;
        assert_eq!(count().await, 0);
        server.ok(&ada, "PUT", &format!("{ROOT}/org/members/ben"), json!({"role": "reader"})).await;
        assert_eq!(server.ok(&ada, "GET", &groups, Value::Null).await["items"][0]["members"], 0);
        server.ok(&ada, "PUT", &member("field", "ben"), Value::Null).await;
        server.ok(&ada, "DELETE", &member("field", "ben"), Value::Null).await;
        assert_eq!(server.status(&ada, "DELETE", &member("field", "ben"), Value::Null).await, 404);
        server.ok(&ada, "DELETE", &format!("{groups}/field"), Value::Null).await;
        assert_eq!(server.status(&ada, "DELETE", &format!("{groups}/field"), Value::Null).await, 404);
    }
}

story! {
    async fn a_stranger_is_invited_by_email_and_creates_an_account(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let invitations = format!("{ROOT}/org/invitations");
        let body = json!({"email": "New.Comer@Example.org", "role": "writer"});
        let sent = server.ok(&ada, "POST", &invitations, body.clone()).await;
        assert_eq!((&sent["email"], &sent["role"]), (&json!("new.comer@example.org"), &json!("writer")));
        let email = server.email_to("new.comer@example.org", 1).await;
        assert!(email.subject.contains("ada invites you to org"), "{}", email.subject);
        let first = email.token_in_link("invite");
        // Invited again: the first link no longer works.
        server.ok(&ada, "POST", &invitations, body).await;
        let emails = server.emails_to("new.comer@example.org", 2).await;
        let ticket = emails.iter().map(|email| email.token_in_link("invite")).find(|ticket| *ticket != first).unwrap();
        let show = async |ticket: &str| {
            server.json(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await
        };
        assert_eq!(show(&first).await.0, 404);
        let open = server.ok(&ada, "GET", &invitations, Value::Null).await;
        assert_eq!(open["items"].as_array().unwrap().len(), 1);
        let (status, shown) = show(&ticket).await;
        assert_eq!(status, 200);
        let expected = json!({"organisation": "org", "role": "writer", "email": "new.comer@example.org",
            "account": false, "suggested_name": "new.comer"});
        assert_eq!(shown, expected);

        let accept = async |token: Option<&str>, body: Value| {
            server.json(token, "POST", "/api/v1/invitations/accept", body).await
        };
        assert_eq!(accept(None, json!({"token": ticket})).await.0, 422, "a name and a password are needed");
        for (name, password, status) in
            [("ada", "correct horse", 409), ("new", "short", 422), ("org/new", "correct horse", 422), ("login", "correct horse", 422)]
        {
            let body = json!({"token": ticket, "name": name, "password": password});
            assert_eq!(accept(None, body).await.0, status, "{name}");
        }
        // The link works once.
        let body = json!({"token": ticket, "name": "newcomer", "password": "correct horse"});
        let request = server.request("POST", "/api/v1/invitations/accept", None);
        let reply = Reply::of(request.header("content-type", "application/json").body(body.to_string())).await;
        assert_eq!((reply.status, reply.json()), (201, json!({"user": "newcomer", "organisation": "org"})));
        let cookie = reply.header("set-cookie").strip_prefix("rutter=").unwrap().split(';').next().unwrap().to_owned();
        let (_, session) = server.json(Some(&cookie), "GET", "/api/v1/session", Value::Null).await;
        assert_eq!(session["user"]["name"], "newcomer", "who has accepted is signed in");
        assert_eq!(accept(None, body).await.0, 404);
        assert_eq!(members_of(&server, &ada, "org").await, ["ada owner", "newcomer writer"]);
        assert_eq!(server.ok(&ada, "GET", &invitations, Value::Null).await["items"], json!([]));

        // Withdrawn, expired and forged links get the same answer.
        for email in ["a@example.org", "b@example.org"] {
            server.ok(&ada, "POST", &invitations, json!({"email": email, "role": "reader"})).await;
        }
        let withdrawn = server.email_to("a@example.org", 1).await.token_in_link("invite");
        let old = server.email_to("b@example.org", 1).await.token_in_link("invite");
        let list = server.ok(&ada, "GET", &invitations, Value::Null).await;
        let id = list["items"].as_array().unwrap().iter().find(|item| item["email"] == "a@example.org").unwrap()["id"].clone();
        let one = format!("{invitations}/{}", id.as_str().unwrap());
        assert_eq!(server.status(&eve, "DELETE", &one, Value::Null).await, 404);
        server.ok(&ada, "DELETE", &one, Value::Null).await;
        assert_eq!(server.status(&ada, "DELETE", &one, Value::Null).await, 404);
        server.clock.advance(Duration::from_hours(15 * 24));
        let forged = show("ruk_forged").await.1["detail"].clone();
        for ticket in [&withdrawn, &old] {
            let (status, said) = show(ticket).await;
            assert_eq!((status, &said["detail"]), (404, &forged));
        }
        assert_eq!(server.ok(&ada, "GET", &invitations, Value::Null).await["items"], json!([]));
    }
}

story! {
    async fn a_signed_in_user_accepts_an_invitation(server: Server) {
        let (ada, ben, eve) = (server.person("ada").await, server.person("ben").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let invitations = format!("{ROOT}/org/invitations");
        // The answer does not tell whether there is an account.
        let known = server.ok(&ada, "POST", &invitations, json!({"email": "ben@example.org", "role": "reader"})).await;
        let unknown = server.ok(&ada, "POST", &invitations, json!({"email": "missing@example.org", "role": "reader"})).await;
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&known), keys(&unknown));
        let ticket = server.email_to("ben@example.org", 1).await.token_in_link("invite");
        let (_, shown) = server.json(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await;
        assert_eq!((&shown["account"], shown.get("suggested_name")), (&json!(true), None));

        let url = "/api/v1/invitations/accept";
        let body = json!({"token": ticket});
        assert_eq!(server.json(None, "POST", url, body.clone()).await.0, 401);
        let taking = json!({"token": ticket, "name": "mallory", "password": "correct horse"});
        assert_eq!(server.json(None, "POST", url, taking).await.0, 401, "the account that is there has to sign in");
        assert_eq!(server.status(&eve, "POST", url, body.clone()).await, 403, "the link alone does not make a member");
        let narrow = server.token("ben", &["read"]).await;
        assert_eq!(server.json(Some(&narrow), "POST", url, body.clone()).await.0, 403);
        let joined = server.ok(&ben, "POST", url, body.clone()).await;
        assert_eq!(joined, json!({"user": "ben", "organisation": "org"}));
        assert_eq!(server.status(&ben, "POST", url, body).await, 404, "once");

        // An invitation never lowers a role.
        server.ok(&ada, "PUT", &format!("{ROOT}/org/members/ben"), json!({"role": "owner"})).await;
        server.ok(&ada, "POST", &invitations, json!({"email": "ben@example.org", "role": "reader"})).await;
        let ticket = server.emails_to("ben@example.org", 2).await[1].token_in_link("invite");
        server.ok(&ben, "POST", url, json!({"token": ticket})).await;
        assert_eq!(members_of(&server, &ada, "org").await, ["ada owner", "ben owner"]);
    }
}

story! {
    async fn a_closed_site_accepts_no_new_users(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.sign_up = SignUp::Closed).await;
        let ada = server.person("ada").await;
        let root = server.administrator("root").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let body = json!({"email": "new@example.org", "role": "reader"});
        server.ok(&ada, "POST", &format!("{ROOT}/org/invitations"), body).await;
        let ticket = server.email_to("new@example.org", 1).await.token_in_link("invite");
        let body = json!({"token": ticket, "name": "newbie", "password": "correct horse"});
        assert_eq!(server.json(None, "POST", "/api/v1/invitations/accept", body).await.0, 403);
        assert_eq!(server.status(&root, "POST", "/api/v1/admin/invitations", json!({"email": "n@example.org"})).await, 403);
    }
}

story! {
    async fn an_outsider_learns_nothing_about_an_organisation(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        server.ok(&ada, "POST", &format!("{ROOT}/org/groups"), json!({"name": "field"})).await;
        let invited = json!({"email": "new@example.org", "role": "reader"});
        let invited = server.ok(&ada, "POST", &format!("{ROOT}/org/invitations"), invited).await;
        let id = invited["id"].as_str().unwrap();
        let role = json!({"role": "owner"});
        let doors = [
            ("GET", String::new(), Value::Null),
            ("DELETE", String::new(), Value::Null),
            ("GET", "/members".into(), Value::Null),
            ("PUT", "/members/eve".into(), role.clone()),
            ("PUT", "/members/ada".into(), json!({"role": "reader"})),
            ("DELETE", "/members/ada".into(), Value::Null),
            ("DELETE", "/members/eve".into(), Value::Null),
            ("GET", "/invitations".into(), Value::Null),
            ("POST", "/invitations".into(), json!({"email": "eve@example.org", "role": "owner"})),
            ("DELETE", format!("/invitations/{id}"), Value::Null),
            ("GET", "/groups".into(), Value::Null),
            ("POST", "/groups".into(), json!({"name": "mine"})),
            ("DELETE", "/groups/field".into(), Value::Null),
            ("GET", "/groups/field/members".into(), Value::Null),
            ("PUT", "/groups/field/members/eve".into(), Value::Null),
            ("DELETE", "/groups/field/members/ada".into(), Value::Null),
        ];
        let narrow = server.token("ada", &["own:org/data"]).await;
        for (method, tail, body) in &doors {
            let mut answer = Vec::new();
            for name in ["org", "nothing", "adam", "ada", "%2e%2e", "org%00"] {
                let (status, said) =
                    server.json(Some(&eve.token), method, &format!("{ROOT}/{name}{tail}"), body.clone()).await;
                assert_eq!(status, 404, "{method} {name}{tail}");
                answer.push(said["detail"].as_str().unwrap().replace(&format!("`{name}`"), "NAME"));
            }
            assert!(answer[..4].windows(2).all(|pair| pair[0] == pair[1]), "{answer:?}");
            let (status, _) = server.json(None, method, &format!("{ROOT}/org{tail}"), body.clone()).await;
            assert_eq!(status, 401, "{method} {tail}");
            // A token of the owner, for one dataset.
            let (status, _) = server.json(Some(&narrow), method, &format!("{ROOT}/org{tail}"), body.clone()).await;
            assert_eq!(status, 404, "{method} {tail}");
        }
        assert_eq!(members_of(&server, &ada, "org").await, ["ada owner"]);
        // A token that reads sees, and changes nothing.
        let reading = server.token("ada", &["read"]).await;
        assert_eq!(server.json(Some(&reading), "GET", &format!("{ROOT}/org/members"), Value::Null).await.0, 200);
        for (method, tail, body) in doors.iter().filter(|(method, ..)| *method != "GET") {
            let (status, _) = server.json(Some(&reading), method, &format!("{ROOT}/org{tail}"), body.clone()).await;
            assert_eq!(status, 403, "{method} {tail}");
        }
    }
}
