//! Platform roles: which users may sign in to the applications of an organisation, and what claims say about them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rutter::types::Role;
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

use crate::db::count;
use crate::oauth::{
    Client, allow, client, exchange, is_invalid_grant, login, open, param, query, refresh, text, works,
};

const ALL: [&str; 5] = ["admin", "engineer", "scientist", "analyst", "viewer"];
const SCOPES: &str = "openid profile email groups";

/// An application of the organisation `org`.
async fn application(server: &Server, owner: &Person, changes: Value) -> Client {
    let mut body = json!({"owner": "org", "scopes": ["openid", "profile", "email", "groups", "offline_access"]});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    client(server, &owner.token, body).await
}

fn role_of(user: &str) -> String {
    format!("/api/v1/organisations/org/roles/{user}")
}

async fn set(server: &Server, owner: &Person, user: &str, role: &str) {
    server.ok(owner, "PUT", &role_of(user), json!({"role": role})).await;
}

/// The platform roles and memberships of the organisation.
async fn roles(server: &Server, person: &Person) -> Vec<String> {
    let list = server.get(person, "/api/v1/organisations/org/roles").await["items"].clone();
    let line = |item: &Value| format!("{} {} {}", text(item, "name"), text(item, "role"), text(item, "membership"));
    list.as_array().unwrap().iter().map(line).collect()
}

/// Sends a file of roles.
async fn import(server: &Server, token: &str, dry_run: bool, file: &str) -> Reply {
    let url = format!("/api/v1/organisations/org/roles?dry_run={dry_run}");
    Reply::of(server.request("PUT", &url, Some(token)).body(file.to_owned())).await
}

/// Why the application gets no code; `None` if it gets one.
async fn refusal(server: &Server, client: &Client, cookie: &str) -> Option<String> {
    let location = allow(server, cookie, &query(client, &[("scope", SCOPES)])).await;
    assert_eq!(param(&location, "error").is_none(), param(&location, "code").is_some(), "{location}");
    param(&location, "error")
}

/// The claims of the userinfo endpoints, which are the same.
async fn claims(server: &Server, tokens: &Value) -> Value {
    let ask = async |url: &str| {
        let request = server.http.get(format!("{}{url}", server.url)).bearer_auth(text(tokens, "access_token"));
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let claims = ask("/oauth/userinfo").await;
    assert_eq!(claims, ask("/oauth/openid-connect/userinfo").await);
    claims
}

/// What a database asks: status and body.
async fn basic(server: &Server, client: &str, user: &str, password: &str) -> (u16, Value) {
    let request = server.http.get(format!("{}/oauth/basic/{client}", server.url)).basic_auth(user, Some(password));
    let reply = Reply::of(request).await;
    (reply.status, if reply.status == 200 { reply.json() } else { Value::Null })
}

story! {
    async fn rule_44_a_role_that_the_matrix_leaves_empty_is_refused(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner), (&eve, Role::Owner)]).await;
        let mut cookies = Vec::new();
        for role in ALL {
            let name = format!("the-{role}");
            server.person(&name).await;
            set(&server, &ada, &name, role).await;
            cookies.push(server.cookie(&name).await);
        }
        let without = server.cookie("eve").await;
        for (name, admitted) in [
            ("superset", &ALL[..]),
            ("airflow", &ALL[..4]),
            ("jupyterhub", &ALL[..3]),
            ("clickhouse", &ALL[..4]),
        ] {
            let client = application(&server, &ada, json!({"application": name})).await;
            for (role, cookie) in ALL.iter().zip(&cookies) {
                let expected = (!admitted.contains(role)).then(|| "access_denied".to_owned());
                assert_eq!(refusal(&server, &client, cookie).await, expected, "{role} at {name}");
            }
            // An owner of the organisation, without a platform role.
            assert_eq!(refusal(&server, &client, &without).await.unwrap(), "access_denied");
        }
    }
}

story! {
    async fn rule_44_a_role_that_is_removed_ends_at_the_next_request(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        set(&server, &ada, "ben", "scientist").await;
        let hub = application(&server, &ada, json!({"application": "jupyterhub"})).await;
        let cookie = server.cookie("ben").await;
        let tokens = login(&server, &hub, &cookie, "openid groups offline_access").await;
        assert_eq!(claims(&server, &tokens).await["groups"], json!(["platform:scientist", "org"]));
        // A code that was issued before is worth nothing afterwards.
        let location = open(&server, Some(&cookie), &query(&hub, &[("scope", "openid")])).await.header("location").to_owned();
        set(&server, &ada, "ben", "analyst").await;
        assert!(is_invalid_grant(&exchange(&server, &hub, &param(&location, "code").unwrap(), &[]).await));
        assert!(!works(&server, &tokens).await);
        assert!(is_invalid_grant(&refresh(&server, &hub, text(&tokens, "refresh_token")).await));
        assert_eq!(refusal(&server, &hub, &cookie).await.unwrap(), "access_denied", "also where the user was asked before");
        // Not a punishment: with the role, the login is valid again.
        set(&server, &ada, "ben", "engineer").await;
        let tokens = refresh(&server, &hub, text(&tokens, "refresh_token")).await.json();
        assert_eq!(claims(&server, &tokens).await["roles"], json!(["engineer"]));
        server.ok(&ada, "DELETE", &role_of("ben"), Value::Null).await;
        assert!(!works(&server, &tokens).await);
        assert_eq!(server.status(&ada, "DELETE", &role_of("ben"), Value::Null).await, 404);
        let members = server.get(&ben, "/api/v1/organisations/org/members").await;
        assert!(members["items"].as_array().unwrap().iter().any(|one| one["name"] == "ben"), "still a member");
    }
}

story! {
    async fn rule_44_a_list_of_roles_restricts_any_application(server: Server) {
        let ada = server.person("ada").await;
        server.person("ben").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        set(&server, &ada, "ben", "engineer").await;
        let any = application(&server, &ada, json!({})).await;
        let listed = application(&server, &ada, json!({"roles": ["viewer", "admin", "viewer"]})).await;
        let both = application(&server, &ada, json!({"application": "airflow", "roles": ["viewer"]})).await;
        let cookie = server.cookie("ben").await;
        assert_eq!(refusal(&server, &any, &cookie).await, None);
        for (role, at_listed, at_both) in [("engineer", false, false), ("viewer", true, false), ("admin", true, false)] {
            set(&server, &ada, "ben", role).await;
            assert_eq!(refusal(&server, &listed, &cookie).await.is_none(), at_listed, "{role}");
            assert_eq!(refusal(&server, &both, &cookie).await.is_none(), at_both, "{role}");
        }
        // Changed by owners of the organisation; a user's own application has no platform roles to ask for.
        let url = format!("/api/v1/clients/{}", listed.id);
        let shown = server.ok(&ada, "PATCH", &url, json!({"roles": [], "application": "superset"})).await;
        assert_eq!((&shown["roles"], &shown["application"]), (&json!([]), &json!("superset")));
        let shown = server.ok(&ada, "PATCH", &url, json!({"application": "", "roles": ["admin", "viewer"]})).await;
        assert_eq!((&shown["roles"], &shown["application"]), (&json!(["admin", "viewer"]), &Value::Null));
        let eve = server.person("eve").await;
        server.ok(&ada, "PUT", "/api/v1/organisations/org/members/eve", json!({"role": "writer"})).await;
        assert_eq!(server.status(&eve, "PATCH", &url, json!({"roles": []})).await, 404);
        let own = client(&server, &eve.token, json!({})).await;
        for change in [json!({"roles": ["viewer"]}), json!({"application": "superset"})] {
            assert_eq!(server.status(&eve, "PATCH", &format!("/api/v1/clients/{}", own.id), change).await, 403);
        }
        for change in [json!({"roles": ["king"]}), json!({"application": "word"})] {
            assert_eq!(server.status(&ada, "PATCH", &url, change).await, 422);
        }
    }
}

story! {
    async fn rule_45_no_claim_names_a_role_of_another_organisation(server: Server) {
        let (ada, ben, eve) = (server.person("ada").await, server.person("ben").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        server.organisation("org/lab", &[(&ada, Role::Owner), (&ben, Role::Writer)]).await;
        // An organisation of the attacker, who makes ben its administrator, and has an application there.
        server.organisation("trap", &[(&eve, Role::Owner)]).await;
        server.ok(&eve, "PUT", "/api/v1/organisations/trap/roles/ben", json!({"role": "admin"})).await;
        server.ok(&ada, "PUT", "/api/v1/organisations/org%2Flab/roles/ben", json!({"role": "scientist"})).await;
        set(&server, &ada, "ben", "viewer").await;
        for (organisation, group) in [("org", "field"), ("org%2Flab", "night")] {
            let groups = format!("/api/v1/organisations/{organisation}/groups");
            server.ok(&ada, "POST", &groups, json!({"name": group})).await;
            server.ok(&ada, "PUT", &format!("{groups}/{group}/members/ben"), Value::Null).await;
        }
        let cookie = server.cookie("ben").await;
        let seen = async |owner: &Person, changes: Value| {
            let client = application(&server, owner, changes).await;
            let tokens = login(&server, &client, &cookie, SCOPES).await;
            let claims = claims(&server, &tokens).await;
            let id_token = BASE64.decode(text(&tokens, "id_token").split('.').nth(1).unwrap()).unwrap();
            let id_token: Value = serde_json::from_slice(&id_token).unwrap();
            assert_eq!((&id_token["groups"], &id_token["roles"]), (&claims["groups"], &claims["roles"]));
            (claims["groups"].clone(), claims["roles"].clone())
        };
        let (groups, roles) = seen(&ada, json!({})).await;
        assert_eq!((groups, roles), (json!(["platform:viewer", "org", "org:field"]), json!(["viewer"])));
        let (groups, roles) = seen(&ada, json!({"owner": "org/lab"})).await;
        assert_eq!((groups, roles), (json!(["platform:scientist", "org/lab", "org/lab:night"]), json!(["scientist"])));
        let (groups, roles) = seen(&eve, json!({"owner": "trap"})).await;
        assert_eq!((groups, roles), (json!(["platform:admin", "trap"]), json!(["admin"])));
        // An application of a user is of no organisation: it sees groups, and no role of any.
        let (groups, roles) = seen(&eve, json!({"owner": "eve"})).await;
        let expected = json!(["org", "org/lab", "trap", "org/lab:night", "org:field"]);
        assert_eq!((groups, roles), (expected, json!([])));
        // An attacker names an organisation and its group so that together they look like a role.
        server.organisation("platform", &[(&eve, Role::Owner), (&ben, Role::Reader)]).await;
        server.ok(&eve, "POST", "/api/v1/organisations/platform/groups", json!({"name": "admin"})).await;
        server.ok(&eve, "PUT", "/api/v1/organisations/platform/groups/admin/members/ben", Value::Null).await;
        for owner in ["platform", "eve"] {
            let (groups, roles) = seen(&eve, json!({"owner": owner})).await;
            assert!(!groups.to_string().contains("platform:"), "{groups}");
            assert_eq!(roles, json!([]));
        }
        // Without the scope, nothing.
        let client = application(&server, &ada, json!({})).await;
        let tokens = login(&server, &client, &cookie, "openid profile").await;
        let claims = claims(&server, &tokens).await;
        assert!(claims.get("groups").is_none() && claims.get("roles").is_none(), "{claims}");
        assert_eq!(claims["given_name"], "ben");
    }
}

story! {
    async fn rule_45_leaving_the_organisation_ends_the_role(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        set(&server, &ada, "ben", "engineer").await;
        assert_eq!(roles(&server, &ben).await, ["ben engineer writer"], "the role makes a member");
        let client = application(&server, &ada, json!({"application": "superset"})).await;
        let cookie = server.cookie("ben").await;
        let tokens = login(&server, &client, &cookie, SCOPES).await;
        server.ok(&ben, "DELETE", "/api/v1/organisations/org/members/ben", Value::Null).await;
        assert!(!works(&server, &tokens).await);
        assert!(is_invalid_grant(&refresh(&server, &client, text(&tokens, "refresh_token")).await));
        // Coming back does not bring the role back.
        server.ok(&ada, "PUT", "/api/v1/organisations/org/members/ben", json!({"role": "owner"})).await;
        assert_eq!(refusal(&server, &client, &cookie).await.unwrap(), "access_denied");
        assert_eq!(roles(&server, &ada).await, Vec::<String>::new());
        // A role raises the membership, and never lowers it; taking it away changes nothing.
        for (user, role, expected) in [
            ("ben", "viewer", "ben viewer owner"),
            ("ben", "admin", "ben admin owner"),
        ] {
            set(&server, &ada, user, role).await;
            assert_eq!(roles(&server, &ada).await, [expected]);
        }
        // The organisation ends, and its roles.
        server.ok(&ada, "DELETE", "/api/v1/organisations/org", Value::Null).await;
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM platform_role").await, 0);
    }
}

story! {
    async fn rule_46_a_role_file_with_one_bad_line_changes_nothing(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        for name in ["cleo", "dan.d"] {
            server.person(name).await;
        }
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        set(&server, &ada, "ben", "viewer").await;
        for (bad, said) in [
            ("[roles]\ncleo = \"admin\"\nmissing = \"viewer\"\n", "line 3: there is no user `missing`"),
            ("[roles]\ncleo = \"admin\"\norg = \"viewer\"\n", "line 3: there is no user `org`"),
            ("[roles]\ncleo = \"admin\"\nben = \"king\"\n", "line 3: `king` is not a platform role"),
            ("[roles]\ncleo = \"admin\"\ndan.d = \"viewer\"\n", "line 3: a name with a dot must be in quotes"),
            ("[roles]\ncleo = \"admin\"\n[more]\n", "line 3: unknown field"),
            ("[roles]\ncleo = \"admin\"\ncleo = \"viewer\"\n", "line 3: duplicate key"),
            ("roles", "line 1: "),
        ] {
            for dry_run in [true, false] {
                let reply = import(&server, &ada.token, dry_run, bad).await;
                assert_eq!(reply.status, 422, "{bad}");
                assert!(text(&reply.json(), "detail").contains(said), "{}", reply.text());
            }
            assert_eq!(roles(&server, &ada).await, ["ben viewer reader"], "{bad}");
        }
        let file = "[roles]\nada = \"analyst\"\ncleo = \"engineer\"\n\"Dan.D\" = \"admin\"\n";
        let expected = json!([
            {"user": "ada", "from": null, "to": "analyst", "membership": null},
            {"user": "ben", "from": "viewer", "to": null, "membership": null},
            {"user": "cleo", "from": null, "to": "engineer", "membership": "writer"},
            {"user": "dan.d", "from": null, "to": "admin", "membership": "owner"},
        ]);
        assert_eq!(import(&server, &ada.token, true, file).await.json()["items"], expected);
        assert_eq!(roles(&server, &ada).await, ["ben viewer reader"], "only shown");
        assert_eq!(import(&server, &ada.token, false, file).await.json()["items"], expected);
        assert_eq!(roles(&server, &ada).await, ["ada analyst owner", "cleo engineer writer", "dan.d admin owner"]);
        assert_eq!(import(&server, &ada.token, false, file).await.json()["items"], json!([]), "nothing is left to change");
        // A member sees the roles, and changes none; a stranger sees nothing.
        let eve = server.person("eve").await;
        assert_eq!(import(&server, &ben.token, false, file).await.status, 403);
        assert_eq!(server.status(&ben, "PUT", &role_of("ben"), json!({"role": "admin"})).await, 403);
        assert_eq!(server.status(&ben, "DELETE", &role_of("cleo"), Value::Null).await, 403);
        assert_eq!(import(&server, &eve.token, false, file).await.status, 404);
        assert_eq!(server.status(&eve, "GET", "/api/v1/organisations/org/roles", Value::Null).await, 404);
        let request = server.request("PUT", "/api/v1/organisations/org/roles", Some(&ada.token));
        assert_eq!(Reply::of(request.body(vec![0xff, 0xfe])).await.status, 400, "not UTF-8");
        assert_eq!(server.status(&ada, "PUT", &role_of("missing"), json!({"role": "viewer"})).await, 404);
        assert_eq!(server.status(&ada, "PUT", &role_of("org"), json!({"role": "viewer"})).await, 404);
        // The audit trail has each change.
        let root = server.administrator("root").await;
        let audit = server.get(&root, "/api/v1/admin/audit?action=role&limit=100").await;
        let lines: Vec<String> = audit["items"].as_array().unwrap().iter()
            .map(|line| format!("{} {} {}", text(line, "action"), text(line, "subject"), text(line, "detail"))).collect();
        for line in ["role.set org ben viewer", "role.remove org ben", "role.set org dan.d admin"] {
            assert!(lines.iter().any(|one| one == line), "{line}: {lines:?}");
        }
        assert_eq!(lines.len(), 5, "{lines:?}");
    }
}

story! {
    async fn a_database_asks_whether_a_user_may_sign_in(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates.failures_address = 20).await;
        let (ada, ben, eve) = (server.person("ada").await, server.person("ben").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Owner), (&eve, Role::Reader)]).await;
        set(&server, &ada, "ben", "analyst").await;
        let database = application(&server, &ada, json!({"application": "clickhouse"})).await;
        let other = application(&server, &ada, json!({"application": "superset"})).await;
        let cookie = server.cookie("ben").await;
        let tokens = login(&server, &database, &cookie, "openid").await;
        let token = text(&tokens, "access_token");
        assert_eq!(basic(&server, &database.id, "ben", token).await, (200, json!({"settings": {"readonly": "2"}})));
        set(&server, &ada, "ben", "scientist").await;
        assert_eq!(basic(&server, &database.id, "ben", token).await, (200, json!({"settings": {}})));
        // Another user's name, another application, and other tokens.
        let elsewhere = login(&server, &other, &cookie, "openid").await;
        for (client, user, password, status) in [
            (&database.id, "ada", token, 403),
            (&database.id, "", token, 403),
            (&database.id, "BEN", token, 403),
            (&database.id, "ben", text(&elsewhere, "access_token"), 403),
            (&other.id, "ben", token, 403),
            (&database.id, "ben", &ben.token, 403),
            (&database.id, "ben", text(&tokens, "refresh_token"), 401),
            (&database.id, "ben", "wrong", 401),
            (&"unknown".to_owned(), "ben", token, 403),
        ] {
            assert_eq!(basic(&server, client, user, password).await.0, status, "{user} {password}");
        }
        // A browser session is no access token.
        let request = server.request("GET", &format!("/oauth/basic/{}", database.id), Some(&cookie));
        assert_eq!(Reply::of(request).await.status, 403);
        set(&server, &ada, "ben", "viewer").await;
        assert_eq!(basic(&server, &database.id, "ben", token).await.0, 401, "the matrix leaves viewers out");
        // Guesses are counted.
        let mut last = 0;
        for guess in 0..25 {
            last = basic(&server, &database.id, "eve", &format!("rat_guess{guess}")).await.0;
        }
        assert_eq!(last, 429);
    }
}

story! {
    async fn configuration_is_generated_without_secrets(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Writer)]).await;
        for (user, role) in [("ada", "admin"), ("ben", "scientist")] {
            set(&server, &ada, user, role).await;
        }
        let config = async |changes: Value| {
            let client = application(&server, &ada, changes).await;
            let made = server.get(&ada, &format!("/api/v1/clients/{}/config", client.id)).await;
            let secret = client.secret.clone().unwrap_or_else(|| "rcs_".into());
            assert!(!made.to_string().contains(&secret), "no secret");
            assert!(!made.to_string().contains("{{"), "{made}");
            (client, made)
        };
        let (superset, made) = config(json!({"application": "superset"})).await;
        assert_eq!((&made["files"][0]["name"], &made["environment"]), (&json!("superset_config.py"), &json!(["RUTTER_CLIENT_SECRET"])));
        let file = text(&made["files"][0], "text");
        for line in [
            r#"    "platform:engineer": ["Alpha","sql_lab"],"#,
            r#"    "platform:viewer": ["Gamma"],"#,
            r#"AUTH_USER_REGISTRATION_ROLE = "Public""#,
            &format!(r#"            "client_id": "{}","#, superset.id),
        ] {
            assert!(file.lines().any(|one| one == line), "{line}: {file}");
        }
        let (_, made) = config(json!({"application": "airflow", "roles": ["admin", "viewer"]})).await;
        let file = text(&made["files"][0], "text");
        assert!(file.contains(r#""platform:admin": ["Admin"]"#) && !file.contains("platform:viewer"), "{file}");
        assert!(!file.contains("platform:engineer"), "the list of roles counts, too");
        let (_, made) = config(json!({"application": "jupyterhub"})).await;
        let file = text(&made["files"][0], "text");
        assert!(file.contains(r#"admin_groups = set(["platform:admin"])"#), "{file}");
        assert!(file.contains(r#"["platform:admin","platform:engineer","platform:scientist"]"#), "{file}");
        let (_, made) = config(json!({"application": "clickhouse", "public": true})).await;
        let sql = text(&made["files"][1], "text");
        for line in [
            "CREATE USER IF NOT EXISTS `ben` IDENTIFIED WITH http SERVER 'rutter' SCHEME 'BASIC';",
            "GRANT platform_read TO `ben`;",
            "GRANT ALL ON `ben`.* TO `ben`;",
            "GRANT platform_admin TO `ada`;",
            "REVOKE ALL ON `ada`.* FROM `ada`;",
            "GRANT SELECT, SHOW, dictGet ON `org`.* TO platform_read;",
        ] {
            assert!(sql.lines().any(|one| one == line), "{line}: {sql}");
        }
        // What is missing is said.
        for (changes, said) in [
            (json!({}), "set `application` first"),
            (json!({"application": "superset", "scopes": ["openid", "profile"]}), "add the scope `groups`"),
            (json!({"application": "superset", "public": true}), "a public application has no secret"),
        ] {
            let client = application(&server, &ada, changes).await;
            let url = format!("/api/v1/clients/{}/config", client.id);
            let reply = server.call(Some(&ada.token), "GET", &url, Value::Null).await;
            assert_eq!(reply.status, 409);
            assert!(reply.text().contains(said), "{}", reply.text());
            assert_eq!(server.status(&ben, "GET", &url, Value::Null).await, 404);
        }
    }
}

story! {
    async fn claims_are_bounded(server: Server) {
        let ada = server.person("ada").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        set(&server, &ada, "ada", "admin").await;
        let (organisation, user) = {
            let mut tx = server.app.db.read().await.unwrap();
            let organisation = tx.owner(&"org".parse().unwrap()).await.unwrap().unwrap().id;
            (organisation, tx.user(&"ada".parse().unwrap()).await.unwrap().unwrap().id)
        };
        let mut tx = server.app.db.write().await.unwrap();
        for number in 0..300 {
            let (id, name) = (server.clock.id(), format!("{number:03}{}", "x".repeat(80)).parse().unwrap());
            tx.insert_group(id, organisation, &name, server.clock.now()).await.unwrap();
            tx.put_group_member(id, user).await.unwrap();
        }
        tx.commit().await.unwrap();
        let client = application(&server, &ada, json!({"application": "superset"})).await;
        let tokens = login(&server, &client, &server.cookie("ada").await, SCOPES).await;
        let claims = claims(&server, &tokens).await;
        let groups = claims["groups"].as_array().unwrap();
        assert_eq!((&groups[0], &groups[1]), (&json!("platform:admin"), &json!("org")));
        assert!((50..120).contains(&groups.len()), "{}", groups.len());
        assert!(text(&tokens, "id_token").len() < 16 << 10);
    }
}
