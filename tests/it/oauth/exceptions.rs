//! Exceptions for single applications (traits), signing in again, and dynamic registration.

use super::*;
use rutter::config::Registration;

fn error(location: &str) -> String {
    param(location, "error").unwrap_or_else(|| panic!("{location}"))
}

story! {
    async fn rule_13_users_are_not_asked_for_a_trusted_application(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        let (root, boss) = (server.administrator("root").await, server.administrator("boss").await);
        server.dataset("ada/data", Visibility::Private).await;
        let trusted = json!({"traits": ["trusted"], "scopes": ["openid", "read", "files", "offline_access"]});
        let mut body = json!({"name": "Notes", "redirects": [REDIRECT], "traits": ["trusted"], "scopes": ["openid"]});
        assert_eq!(server.call(Some(&eve.token), "POST", "/api/v1/clients", body.clone()).await.status, 403);
        body["traits"] = json!(["trusting"]);
        assert_eq!(server.call(Some(&eve.token), "POST", "/api/v1/clients", body).await.status, 422);

        let client = client(&server, &root.token, trusted).await;
        let cookie = server.cookie("ada").await;
        let location = open(&server, Some(&cookie), &query(&client, &[])).await.header("location").to_owned();
        let tokens = exchange(&server, &client, &param(&location, "code").unwrap(), &[]).await.json();
        assert!(works(&server, &tokens).await);
        // The user sees it, and can end it; at the next sign-in it is connected again.
        assert_eq!(server.get(&ada, "/api/v1/user/consents").await["items"][0]["scopes"], json!(["openid", "read"]));
        server.ok(&ada, "DELETE", &format!("/api/v1/user/consents/{}", client.id), Value::Null).await;
        assert!(!works(&server, &tokens).await);
        let reply = open(&server, Some(&cookie), &query(&client, &[])).await;
        assert!(reply.header("location").starts_with("/oauth/consent#"), "a user who has disconnected it is asked");
        allow(&server, &cookie, &query(&client, &[])).await;
        // Files must be chosen, and an application that wants the user to be asked gets that.
        for changes in [[("scope", "openid files")], [("prompt", "consent")]] {
            let reply = open(&server, Some(&cookie), &query(&client, &changes)).await;
            assert!(reply.header("location").starts_with("/oauth/consent#"), "{changes:?}");
        }

        // Others can only remove the trait: users would not be asked about wider scopes.
        let url = format!("/api/v1/clients/{}", client.id);
        server.ok(&boss, "PATCH", "/api/v1/admin/users/root", json!({"admin": false})).await;
        for (change, expected) in [
            (json!({"scopes": ["openid", "write"]}), 403), (json!({"disabled": true}), 200), (json!({"disabled": false}), 403),
            (json!({"traits": [], "disabled": false}), 200),
        ] {
            let reply = server.call(Some(&root.token), "PATCH", &url, change).await;
            assert_eq!(reply.status, expected, "{}", reply.text());
        }
    }
}

story! {
    async fn rule_13_an_application_that_acts_as_another_account_is_changed_by_administrators(server: Server) {
        let (ada, root) = (server.person("ada").await, server.administrator("root").await);
        server.person("ben").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let robot = client(&server, &root.token, json!({
            "owner": "org", "redirects": [], "grants": ["client_credentials"], "acts_as": "ben", "scopes": ["profile"],
        })).await;
        let url = format!("/api/v1/clients/{}", robot.id);
        for (change, expected) in [
            (json!({"scopes": ["read", "write"]}), 403), (json!({"resources": []}), 403),
            (json!({"acts_as": "", "grants": ["refresh_token"]}), 200), (json!({"scopes": ["read", "write"]}), 200),
        ] {
            let reply = server.call(Some(&ada.token), "PATCH", &url, change).await;
            assert_eq!(reply.status, expected, "{}", reply.text());
        }
    }
}

story! {
    async fn rule_11_what_an_application_may_no_longer_ask_for_ends(server: Server) {
        let eve = server.person("eve").await;
        server.person("ada").await;
        let client = client(&server, &eve.token, json!({})).await;
        let cookie = server.cookie("ada").await;
        let tokens = login(&server, &client, &cookie, "openid read offline_access").await;
        let url = format!("/api/v1/clients/{}", client.id);
        server.ok(&eve, "PATCH", &url, json!({"scopes": ["openid", "offline_access"]})).await;
        let refused = bearer(&server, "GET", "/api/v1/user/tokens", text(&tokens, "access_token"), Value::Null).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let refreshed = refresh(&server, &client, text(&tokens, "refresh_token")).await.json();
        assert_eq!(refreshed["scope"], "openid offline_access");
    }
}

story! {
    async fn forged_hints_hold_up_no_one(server: Server) {
        let eve = server.person("eve").await;
        let client = client(&server, &eve.token, json!({})).await;
        // More than there are connections to the database, each with an unknown key.
        let asked = (0..16).map(async |i| {
            let header = BASE64.encode(format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{i}"}}"#));
            let hint = format!("{header}.e30.AAAA");
            error(open(&server, None, &query(&client, &[("id_token_hint", &hint)])).await.header("location"))
        });
        for outcome in futures::future::join_all(asked).await {
            assert_eq!(outcome, "invalid_request");
        }
    }
}

story! {
    async fn rule_2_only_confidential_applications_do_without_pkce(server: Server) {
        let eve = server.person("eve").await;
        server.person("ada").await;
        let public = json!({"name": "Notes", "redirects": [REDIRECT], "traits": ["no-pkce"], "scopes": ["openid"], "public": true});
        assert_eq!(server.call(Some(&eve.token), "POST", "/api/v1/clients", public).await.status, 422);
        let client = client(&server, &eve.token, json!({"traits": ["no-pkce"]})).await;
        let cookie = server.cookie("ada").await;
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        let code = async |changes: &[(&str, &str)]| {
            param(&allow(&server, &cookie, &query(&client, changes)).await, "code").unwrap()
        };
        let tokens = exchange(&server, &client, &code(&without).await, &[("code_verifier", "")]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
        // A challenge that was sent counts, and one that an attacker has removed is missed.
        assert_eq!(exchange(&server, &client, &code(&[]).await, &[("code_verifier", "")]).await.status, 400);
        assert_eq!(exchange(&server, &client, &code(&without).await, &[]).await.status, 400);
        let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
        assert_eq!(error(&allow(&server, &cookie, &query(&client, &plain)).await), "invalid_request");
    }
}

story! {
    async fn rule_3_a_free_query_is_all_that_may_differ(server: Server) {
        let eve = server.person("eve").await;
        server.person("ada").await;
        let client = client(&server, &eve.token, json!({"traits": ["free-query"]})).await;
        let cookie = server.cookie("ada").await;
        let redirect = format!("{REDIRECT}?_target_url=%2Fwork%3Fa%3D1");
        let location = allow(&server, &cookie, &query(&client, &[("redirect_uri", &redirect)])).await;
        assert!(location.starts_with(&format!("{redirect}&code=")), "{location}");
        let code = param(&location, "code").unwrap();
        assert_eq!(exchange(&server, &client, &code, &[]).await.status, 400, "the URL of the request, with its query");
        let code = param(&allow(&server, &cookie, &query(&client, &[("redirect_uri", &redirect)])).await, "code").unwrap();
        assert_eq!(exchange(&server, &client, &code, &[("redirect_uri", &redirect)]).await.status, 200);
        for bad in [
            "https://app.example.org/cb?code=x", "https://app.example.org/cb?a&state=x", "https://app.example.org/cb?error=x",
            "https://app.example.org/cb/?x", "https://app.example.org/c?b", "https://app.example.org:444/cb?x",
            "https://app.example.org/cb?x#y", "https://app.example.org/cb?\r\nx: y", "https://evil.example/cb?x",
            "https://app.example.org@evil.example/cb?x",
        ] {
            let reply = open(&server, Some(&cookie), &query(&client, &[("redirect_uri", bad)])).await;
            assert_eq!(reply.status, 422, "{bad:?}");
        }
    }
}

story! {
    async fn users_sign_in_again_when_an_application_asks(server: Server) {
        let eve = server.person("eve").await;
        server.person("ada").await;
        let client = client(&server, &eve.token, json!({})).await;
        let cookie = server.cookie("ada").await;
        let other = login(&server, &client, &cookie, "openid").await;
        allow(&server, &cookie, &query(&client, &[])).await;
        server.clock.advance(Duration::from_secs(100));
        let go = async |cookie: &str, query: &str| open(&server, Some(cookie), query).await.header("location").to_owned();

        assert!(go(&cookie, &query(&client, &[("max_age", "200")])).await.starts_with(REDIRECT));
        for (changes, silent) in [([("max_age", "50")], [("max_age", "50"), ("prompt", "none")])] {
            assert_eq!(error(&go(&cookie, &query(&client, &silent)).await), "login_required");
            let location = go(&cookie, &query(&client, &changes)).await;
            assert!(location.starts_with("/login?again=true&next="), "{location}");
        }
        for (name, value) in [("prompt", "none login"), ("prompt", "create"), ("max_age", "soon")] {
            assert_eq!(error(&go(&cookie, &query(&client, &[(name, value)])).await), "invalid_request", "{name}={value}");
        }

        let mut cookie = cookie;
        for changes in [[("max_age", "0")], [("prompt", "login")], [("prompt", "select_account")], [("max_age", "99")]] {
            let location = go(&cookie, &query(&client, &changes)).await;
            let next = param(&location, "next").unwrap_or_else(|| panic!("{changes:?}: {location}"));
            let asked = next.strip_prefix("/oauth/authorize?").unwrap().to_owned();
            // Coming back without signing in leads there again; an earlier sign-in is not enough.
            assert!(go(&cookie, &asked).await.starts_with("/login?again=true"), "{changes:?}");
            server.clock.advance(Duration::from_secs(3));
            let password = json!({"login": "ada", "password": PASSWORD});
            let request = server.request("POST", "/api/v1/session", Some(&cookie)).json(&password);
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let given = reply.header("set-cookie").to_owned();
            let before = std::mem::replace(&mut cookie, given.split(['=', ';']).nth(1).unwrap().to_owned());
            let location = go(&cookie, &asked).await;
            assert!(location.starts_with(REDIRECT), "{changes:?}: {location}");
            let tokens = exchange(&server, &client, &param(&location, "code").unwrap(), &[]).await.json();
            assert!(works(&server, &tokens).await);
            // It is the same session with another cookie: applications that depend on it go on.
            assert!(go(&before, &query(&client, &[])).await.starts_with("/login?next="));
            assert!(works(&server, &other).await);
            server.clock.advance(Duration::from_secs(100));
        }
        let ada = server.call(Some(&cookie), "GET", "/api/v1/user/sessions", Value::Null).await.json();
        assert_eq!(ada["items"].as_array().unwrap().len(), 1, "{ada}");

        // Without a session, the sign-in that follows is new enough.
        let location = open(&server, None, &query(&client, &[("max_age", "0")])).await.header("location").to_owned();
        assert!(param(&location, "next").unwrap().contains("signed_in_after="), "{location}");
        let location = open(&server, None, &query(&client, &[])).await.header("location").to_owned();
        assert!(!param(&location, "next").unwrap().contains("signed_in_after="), "{location}");
    }
}

story! {
    on(sqlite) async fn rule_13_registration_is_off_unless_configured(engine: Engine) {
        let metadata = json!({
            "client_name": "Notes", "redirect_uris": [REDIRECT], "grant_types": ["authorization_code", "refresh_token", "implicit"],
            "token_endpoint_auth_method": "client_secret_post", "scope": "openid read", "logo_uri": "https://app.example.org/logo",
        });
        let server = Server::start(engine).await;
        let ada = server.person("ada").await;
        assert_eq!(bearer(&server, "POST", "/oauth/register", &ada.token, metadata.clone()).await.status, 403);
        let discovery = "/.well-known/openid-configuration";
        assert!(server.call(None, "GET", discovery, Value::Null).await.json()["registration_endpoint"].is_null());

        let server = Server::start_with(engine, |config| config.oauth.registration = Registration::Token).await;
        let ada = server.person("ada").await;
        assert!(server.call(None, "GET", discovery, Value::Null).await.json()["registration_endpoint"].is_string());
        assert_eq!(server.call(None, "POST", "/oauth/register", metadata.clone()).await.status, 401);
        let narrow = server.ok(&ada, "POST", "/api/v1/user/tokens", json!({"name": "narrow", "scopes": ["read"]})).await;
        let refused = bearer(&server, "POST", "/oauth/register", text(&narrow, "token"), metadata.clone()).await;
        assert_eq!(refused.status, 403, "{}", refused.text());

        let reply = bearer(&server, "POST", "/oauth/register", &ada.token, metadata.clone()).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let made = reply.json();
        assert_eq!((&made["client_name"], &made["client_secret_expires_at"]), (&json!("Notes"), &json!(0)));
        assert_eq!(made["grant_types"], json!(["authorization_code", "refresh_token"]));
        let client = Client { id: text(&made, "client_id").into(), secret: Some(text(&made, "client_secret").into()) };
        let cookie = server.cookie("ada").await;
        let tokens = login(&server, &client, &cookie, "openid read").await;
        assert!(works(&server, &tokens).await);
        // A token of an application registers none.
        let refused = bearer(&server, "POST", "/oauth/register", text(&tokens, "access_token"), metadata.clone()).await;
        assert_eq!(refused.status, 403, "{}", refused.text());

        for (name, value, expected) in [
            ("redirect_uris", json!(["http://app.example.org/"]), "invalid_redirect_uri"),
            ("redirect_uris", json!([]), "invalid_client_metadata"),
            ("redirect_uris", json!("https://app.example.org/"), "invalid_client_metadata"),
            ("grant_types", json!(["implicit"]), "invalid_client_metadata"),
            ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
            ("response_types", json!(["token"]), "invalid_client_metadata"),
            ("scope", json!("own"), "invalid_client_metadata"),
            ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
        ] {
            let mut wrong = metadata.clone();
            wrong[name] = value;
            let reply = bearer(&server, "POST", "/oauth/register", &ada.token, wrong).await;
            assert_eq!((reply.status, &reply.json()["error"]), (400, &json!(expected)), "{name}: {}", reply.text());
        }
        // With the least: a public client, whose name is its host.
        let least = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"});
        let made = bearer(&server, "POST", "/oauth/register", &ada.token, least).await.json();
        assert_eq!((&made["client_name"], &made["client_secret"]), (&json!("app.example.org"), &Value::Null));
    }
}
