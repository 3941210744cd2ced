//! Organisations, their groups, and invitations by letter, over HTTP.

use std::time::Duration;

use rutter::config::{Makers, SignUp};
use rutter::types::{Role, Visibility};
use serde_json::{Value, json};

use crate::api::Reply;
use crate::harness::{Person, Server, story};

const ROOT: &str = "/api/v1/organisations";

impl Server {
    /// Status and body of a request with JSON in both directions.
    pub(crate) async fn says(&self, token: Option<&str>, method: &str, url: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, url, token);
        let reply = Reply::of(match body {
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        })
        .await;
        let said = if reply.body.is_empty() { Value::Null } else { reply.json() };
        (reply.status, said)
    }

    /// What somebody does must succeed.
    pub(crate) async fn done(&self, person: &Person, method: &str, url: &str, body: Value) -> Value {
        let (status, said) = self.says(Some(&person.token), method, url, body).await;
        assert!(status < 300, "{method} {url}: {status} {said}");
        said
    }

    /// The status of what somebody tries.
    pub(crate) async fn tries(&self, person: &Person, method: &str, url: &str, body: Value) -> u16 {
        self.says(Some(&person.token), method, url, body).await.0
    }

    async fn members_of(&self, person: &Person, organisation: &str) -> Vec<String> {
        let said = self.done(person, "GET", &format!("{ROOT}/{organisation}/members"), Value::Null).await;
        let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
        let items = said["items"].as_array().unwrap();
        items.iter().map(|item| format!("{} {}", text(item, "name"), text(item, "role"))).collect()
    }
}

story! {
    async fn an_organisation_has_members_with_roles_and_always_an_owner(server: Server) {
        let [ada, ben, cleo] = ["ada", "ben", "cleo"];
        let (ada, ben, cleo) = (server.person(ada).await, server.person(ben).await, server.person(cleo).await);
        let made = server.done(&ada, "POST", ROOT, json!({"name": "Ministry"})).await;
        assert_eq!((&made["name"], &made["role"], &made["datasets"]), (&json!("ministry"), &json!("owner"), &json!(0)));
        assert_eq!(server.tries(&ben, "POST", ROOT, json!({"name": "ministry"})).await, 409, "the name is taken");
        assert_eq!(server.tries(&ben, "POST", ROOT, json!({"name": "ada"})).await, 409, "also by a user");
        assert_eq!(server.tries(&ben, "POST", ROOT, json!({"name": "admin"})).await, 422, "some names are reserved");

        // Roles change, and what one may do changes at once.
        let member = |user: &str| format!("{ROOT}/ministry/members/{user}");
        server.dataset("ministry/data", Visibility::Private).await;
        let commit = async |person: &Person, name: &str| {
            let body = json!({"message": "m", "operations": [{"operation": "put", "path": name, "content": "x"}]});
            server.tries(person, "POST", "/api/v1/datasets/ministry/data/commits", body).await
        };
        assert_eq!(commit(&ben, "a").await, 404);
        server.done(&ada, "PUT", &member("ben"), json!({"role": "reader"})).await;
        assert_eq!(commit(&ben, "a").await, 403);
        server.done(&ada, "PUT", &member("ben"), json!({"role": "writer"})).await;
        assert_eq!(commit(&ben, "a").await, 201);
        assert_eq!(server.members_of(&ben, "ministry").await, ["ada owner", "ben writer"]);
        let mine = server.done(&ben, "GET", ROOT, Value::Null).await;
        assert_eq!(mine["items"], json!([{"name": "ministry", "role": "writer", "members": 2}]));
        assert_eq!(server.tries(&ada, "PUT", &member("ben"), json!({"role": "king"})).await, 422);
        assert_eq!(server.tries(&ada, "PUT", &member("nobody"), json!({"role": "reader"})).await, 404);

        // Somebody has to stay.
        assert_eq!(server.tries(&ada, "DELETE", &member("ada"), Value::Null).await, 409);
        assert_eq!(server.tries(&ada, "PUT", &member("ada"), json!({"role": "writer"})).await, 409);
        server.done(&ada, "PUT", &member("cleo"), json!({"role": "owner"})).await;
        server.done(&cleo, "PUT", &member("ada"), json!({"role": "writer"})).await;
        assert_eq!(server.tries(&ada, "PUT", &member("ben"), json!({"role": "owner"})).await, 403);
        // One may leave, in any role, and nobody else may be sent away but by an owner.
        assert_eq!(server.tries(&ada, "DELETE", &member("ben"), Value::Null).await, 403);
        server.done(&ada, "DELETE", &member("ada"), Value::Null).await;
        assert_eq!(server.tries(&ada, "GET", &format!("{ROOT}/ministry"), Value::Null).await, 404);
        assert_eq!(server.tries(&cleo, "DELETE", &member("ada"), Value::Null).await, 404);
        server.done(&cleo, "DELETE", &member("ben"), Value::Null).await;
        assert_eq!(commit(&ben, "b").await, 404);

        // It goes when it is empty; whoever deleted it may use its name again.
        assert_eq!(server.tries(&cleo, "DELETE", &format!("{ROOT}/ministry"), Value::Null).await, 409);
        server.done(&cleo, "DELETE", "/api/v1/datasets/ministry/data", Value::Null).await;
        server.done(&cleo, "DELETE", &format!("{ROOT}/ministry"), Value::Null).await;
        server.done(&cleo, "POST", ROOT, json!({"name": "ministry"})).await;
    }
}

story! {
    async fn two_owners_who_end_each_other_leave_one(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        for round in 0..8 {
            let organisation = format!("org{round}");
            server.organisation(&organisation, &[(&ada, Role::Owner), (&ben, Role::Owner)]).await;
            let member = |user: &str| format!("{ROOT}/{organisation}/members/{user}");
            let (one, other) = (member("ben"), member("ada"));
            let (one, other) = tokio::join!(
                server.tries(&ada, "PUT", &one, json!({"role": "reader"})),
                server.tries(&ben, "DELETE", &other, Value::Null)
            );
            let owners = server.app.accounts.members(&organisation.parse().unwrap()).await.unwrap();
            let owners = owners.iter().filter(|(_, role)| role == "owner").count();
            assert_eq!(owners, 1, "{one} {other}");
        }
    }
}

story! {
    async fn organisations_within_others_belong_to_their_owners(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.organisations = Makers::Admins).await;
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        let root = server.administrator("root").await;
        assert_eq!(server.tries(&ada, "POST", ROOT, json!({"name": "a"})).await, 403);
        server.done(&root, "POST", ROOT, json!({"name": "a"})).await;
        server.done(&root, "PUT", &format!("{ROOT}/a/members/ada"), json!({"role": "owner"})).await;
        assert_eq!(server.tries(&eve, "POST", ROOT, json!({"name": "a/b"})).await, 404);
        assert_eq!(server.tries(&ada, "POST", ROOT, json!({"name": "ada/b"})).await, 404, "a user holds no organisations");
        server.done(&ada, "POST", ROOT, json!({"name": "a/b"})).await;
        assert_eq!(server.done(&ada, "GET", &format!("{ROOT}/a%2Fb"), Value::Null).await["name"], "a/b");
        assert_eq!(server.members_of(&ada, "a%2Fb").await, ["ada owner"]);
        assert_eq!(server.tries(&ada, "DELETE", &format!("{ROOT}/a"), Value::Null).await, 409);
        server.done(&ada, "DELETE", &format!("{ROOT}/a%2Fb"), Value::Null).await;
        server.dataset("a/data", Visibility::Private).await;
        assert_eq!(server.tries(&ada, "POST", ROOT, json!({"name": "a/data"})).await, 409, "a dataset has the name");
    }
}

story! {
    async fn groups_are_of_members_and_go_with_them(server: Server) {
        let (ada, ben, eve) = (server.person("ada").await, server.person("ben").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        let groups = format!("{ROOT}/org/groups");
        assert_eq!(server.tries(&ben, "POST", &groups, json!({"name": "field"})).await, 403);
        server.done(&ada, "POST", &groups, json!({"name": "Field"})).await;
        assert_eq!(server.tries(&ada, "POST", &groups, json!({"name": "field"})).await, 409);
        assert_eq!(server.tries(&ada, "POST", &groups, json!({"name": "a/b"})).await, 422);
        let member = |group: &str, user: &str| format!("{groups}/{group}/members/{user}");
        server.done(&ada, "PUT", &member("field", "ben"), Value::Null).await;
        server.done(&ada, "PUT", &member("field", "ben"), Value::Null).await;
        assert_eq!(server.tries(&ada, "PUT", &member("field", "eve"), Value::Null).await, 409, "no member");
        assert_eq!(server.tries(&ada, "PUT", &member("field", "nobody"), Value::Null).await, 404);
        assert_eq!(server.tries(&ada, "PUT", &member("none", "ben"), Value::Null).await, 404);
        assert_eq!(server.tries(&ben, "PUT", &member("field", "ada"), Value::Null).await, 403);
        assert_eq!(server.tries(&eve, "GET", &groups, Value::Null).await, 404);
        let told = server.done(&ben, "GET", &groups, Value::Null).await;
        assert_eq!(told["items"], json!([{"name": "field", "members": 1}]));
        let people = server.done(&ben, "GET", &format!("{groups}/field/members"), Value::Null).await;
        assert_eq!(people["items"], json!([{"name": "ben", "display_name": null, "role": "reader"}]));
        let user = async |name: &str| server.app.accounts.active(&name.parse().unwrap()).await.unwrap().id;
        let ben_id = user("ben").await;
        let count = async || server.app.db.read().await.unwrap().groups_of(ben_id).await.unwrap().len();
        assert_eq!(count().await, 1);

        // Who leaves the organisation has left its groups, also when they come back.
        server.done(&ben, "DELETE", &format!("{ROOT}/org/members/ben"), Value::Null).await;
        assert_eq!(count().await, 0);
        server.done(&ada, "PUT", &format!("{ROOT}/org/members/ben"), json!({"role": "reader"})).await;
        assert_eq!(server.done(&ada, "GET", &groups, Value::Null).await["items"][0]["members"], 0);
        server.done(&ada, "PUT", &member("field", "ben"), Value::Null).await;
        server.done(&ada, "DELETE", &member("field", "ben"), Value::Null).await;
        assert_eq!(server.tries(&ada, "DELETE", &member("field", "ben"), Value::Null).await, 404);
        server.done(&ada, "DELETE", &format!("{groups}/field"), Value::Null).await;
        assert_eq!(server.tries(&ada, "DELETE", &format!("{groups}/field"), Value::Null).await, 404);
    }
}

story! {
    async fn a_stranger_is_invited_by_letter_and_makes_an_account(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let invitations = format!("{ROOT}/org/invitations");
        let body = json!({"email": "New.Comer@Example.org", "role": "writer"});
        let sent = server.done(&ada, "POST", &invitations, body.clone()).await;
        assert_eq!((&sent["email"], &sent["role"]), (&json!("new.comer@example.org"), &json!("writer")));
        let letter = server.letter_to("new.comer@example.org", 1).await;
        assert!(letter.subject.contains("ada invites you to org"), "{}", letter.subject);
        let first = letter.ticket("invite");
        // Asked again: the first link is good no more.
        server.done(&ada, "POST", &invitations, body).await;
        let letters = server.letters_to("new.comer@example.org", 2).await;
        let ticket = letters.iter().map(|letter| letter.ticket("invite")).find(|ticket| *ticket != first).unwrap();
        let show = async |ticket: &str| {
            server.says(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await
        };
        assert_eq!(show(&first).await.0, 404);
        let open = server.done(&ada, "GET", &invitations, Value::Null).await;
        assert_eq!(open["items"].as_array().unwrap().len(), 1);
        let (status, shown) = show(&ticket).await;
        assert_eq!(status, 200);
        let expected = json!({"organisation": "org", "role": "writer", "email": "new.comer@example.org",
            "account": false, "suggested_name": "new.comer"});
        assert_eq!(shown, expected);

        let accept = async |token: Option<&str>, body: Value| {
            server.says(token, "POST", "/api/v1/invitations/accept", body).await
        };
        assert_eq!(accept(None, json!({"token": ticket})).await.0, 422, "a name and a password are needed");
        for (name, password, status) in
            [("ada", "correct horse", 409), ("new", "short", 422), ("org/new", "correct horse", 422), ("login", "correct horse", 422)]
        {
            let body = json!({"token": ticket, "name": name, "password": password});
            assert_eq!(accept(None, body).await.0, status, "{name}");
        }
        // The link stays good, and is good once.
        let body = json!({"token": ticket, "name": "newcomer", "password": "correct horse"});
        let request = server.request("POST", "/api/v1/invitations/accept", None);
        let reply = Reply::of(request.header("content-type", "application/json").body(body.to_string())).await;
        assert_eq!((reply.status, reply.json()), (201, json!({"user": "newcomer", "organisation": "org"})));
        let cookie = reply.header("set-cookie").strip_prefix("rutter=").unwrap().split(';').next().unwrap().to_owned();
        let (_, session) = server.says(Some(&cookie), "GET", "/api/v1/session", Value::Null).await;
        assert_eq!(session["user"]["name"], "newcomer", "who has accepted is signed in");
        assert_eq!(accept(None, body).await.0, 404);
        assert_eq!(server.members_of(&ada, "org").await, ["ada owner", "newcomer writer"]);
        assert_eq!(server.done(&ada, "GET", &invitations, Value::Null).await["items"], json!([]));

        // What is withdrawn, or too old, or forged, is all the same.
        for email in ["a@example.org", "b@example.org"] {
            server.done(&ada, "POST", &invitations, json!({"email": email, "role": "reader"})).await;
        }
        let withdrawn = server.letter_to("a@example.org", 1).await.ticket("invite");
        let old = server.letter_to("b@example.org", 1).await.ticket("invite");
        let list = server.done(&ada, "GET", &invitations, Value::Null).await;
        let id = list["items"].as_array().unwrap().iter().find(|item| item["email"] == "a@example.org").unwrap()["id"].clone();
        let one = format!("{invitations}/{}", id.as_str().unwrap());
        assert_eq!(server.tries(&eve, "DELETE", &one, Value::Null).await, 404);
        server.done(&ada, "DELETE", &one, Value::Null).await;
        assert_eq!(server.tries(&ada, "DELETE", &one, Value::Null).await, 404);
        server.clock.advance(Duration::from_hours(15 * 24));
        let forged = show("ruk_forged").await.1["detail"].clone();
        for ticket in [&withdrawn, &old] {
            let (status, said) = show(ticket).await;
            assert_eq!((status, &said["detail"]), (404, &forged));
        }
        assert_eq!(server.done(&ada, "GET", &invitations, Value::Null).await["items"], json!([]));
    }
}

story! {
    async fn a_user_is_invited_and_joins_signed_in(server: Server) {
        let (ada, ben, eve) = (server.person("ada").await, server.person("ben").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let invitations = format!("{ROOT}/org/invitations");
        // The answer does not tell whether there is an account.
        let known = server.done(&ada, "POST", &invitations, json!({"email": "ben@example.org", "role": "reader"})).await;
        let unknown = server.done(&ada, "POST", &invitations, json!({"email": "nobody@example.org", "role": "reader"})).await;
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&known), keys(&unknown));
        let ticket = server.letter_to("ben@example.org", 1).await.ticket("invite");
        let (_, shown) = server.says(None, "POST", "/api/v1/invitations/show", json!({"token": ticket})).await;
        assert_eq!((&shown["account"], shown.get("suggested_name")), (&json!(true), None));

        let url = "/api/v1/invitations/accept";
        let body = json!({"token": ticket});
        assert_eq!(server.says(None, "POST", url, body.clone()).await.0, 401);
        let taking = json!({"token": ticket, "name": "mallory", "password": "correct horse"});
        assert_eq!(server.says(None, "POST", url, taking).await.0, 401, "the account that is there has to sign in");
        assert_eq!(server.tries(&eve, "POST", url, body.clone()).await, 403, "the link alone does not make a member");
        let narrow = server.token("ben", &["read"]).await;
        assert_eq!(server.says(Some(&narrow), "POST", url, body.clone()).await.0, 403);
        let joined = server.done(&ben, "POST", url, body.clone()).await;
        assert_eq!(joined, json!({"user": "ben", "organisation": "org"}));
        assert_eq!(server.tries(&ben, "POST", url, body).await, 404, "once");

        // Nobody is less than before for having been invited.
        server.done(&ada, "PUT", &format!("{ROOT}/org/members/ben"), json!({"role": "owner"})).await;
        server.done(&ada, "POST", &invitations, json!({"email": "ben@example.org", "role": "reader"})).await;
        let ticket = server.letters_to("ben@example.org", 2).await[1].ticket("invite");
        server.done(&ben, "POST", url, json!({"token": ticket})).await;
        assert_eq!(server.members_of(&ada, "org").await, ["ada owner", "ben owner"]);
    }
}

story! {
    async fn a_closed_site_takes_nobody(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.sign_up = SignUp::Closed).await;
        let ada = server.person("ada").await;
        let root = server.administrator("root").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let body = json!({"email": "new@example.org", "role": "reader"});
        server.done(&ada, "POST", &format!("{ROOT}/org/invitations"), body).await;
        let ticket = server.letter_to("new@example.org", 1).await.ticket("invite");
        let body = json!({"token": ticket, "name": "newbie", "password": "correct horse"});
        assert_eq!(server.says(None, "POST", "/api/v1/invitations/accept", body).await.0, 403);
        assert_eq!(server.tries(&root, "POST", "/api/v1/admin/invitations", json!({"email": "n@example.org"})).await, 403);
    }
}

story! {
    async fn an_outsider_learns_nothing_of_an_organisation(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        server.done(&ada, "POST", &format!("{ROOT}/org/groups"), json!({"name": "field"})).await;
        let invited = json!({"email": "new@example.org", "role": "reader"});
        let invited = server.done(&ada, "POST", &format!("{ROOT}/org/invitations"), invited).await;
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
            let mut told = Vec::new();
            for name in ["org", "nothing", "adam", "ada", "%2e%2e", "org%00"] {
                let (status, said) =
                    server.says(Some(&eve.token), method, &format!("{ROOT}/{name}{tail}"), body.clone()).await;
                assert_eq!(status, 404, "{method} {name}{tail}");
                told.push(said["detail"].as_str().unwrap().replace(&format!("`{name}`"), "NAME"));
            }
            assert!(told[..4].windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
            let (status, _) = server.says(None, method, &format!("{ROOT}/org{tail}"), body.clone()).await;
            assert_eq!(status, 401, "{method} {tail}");
            // A token of the owner, for one dataset.
            let (status, _) = server.says(Some(&narrow), method, &format!("{ROOT}/org{tail}"), body.clone()).await;
            assert_eq!(status, 404, "{method} {tail}");
        }
        assert_eq!(server.members_of(&ada, "org").await, ["ada owner"]);
        // A token that reads sees, and changes nothing.
        let reading = server.token("ada", &["read"]).await;
        assert_eq!(server.says(Some(&reading), "GET", &format!("{ROOT}/org/members"), Value::Null).await.0, 200);
        for (method, tail, body) in doors.iter().filter(|(method, ..)| *method != "GET") {
            let (status, _) = server.says(Some(&reading), method, &format!("{ROOT}/org{tail}"), body.clone()).await;
            assert_eq!(status, 403, "{method} {tail}");
        }
    }
}
