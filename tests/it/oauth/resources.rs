//! Access tokens for other servers (resource indicators).

use super::*;

const AUDIENCE: &str = "https://warehouse.example.org";

/// The server that the tokens are for, and an application that asks for them.
async fn applications(server: &Server, token: &str) -> (Client, Client) {
    let warehouse = client(server, token, json!({"name": "Warehouse", "audience": AUDIENCE})).await;
    let notes = client(server, token, json!({"resources": [AUDIENCE]})).await;
    (warehouse, notes)
}

async fn introspect(server: &Server, client: &Client, token: &str) -> Value {
    form(server, "/oauth/introspect", client, &[("token", token)]).await.json()
}

fn claims(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap_or_default()));
    (parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap())
}

story! {
    async fn rule_7_a_token_for_another_server_opens_nothing_here(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.dataset("ada/data", Visibility::Private).await;
        let (warehouse, notes) = applications(&server, &eve.token).await;
        let cookie = server.cookie("ada").await;

        let asked = query(&notes, &[("resource", AUDIENCE), ("scope", "openid profile read offline_access")]);
        let location = open(&server, Some(&cookie), &asked).await.header("location").to_owned();
        let ticket = location.strip_prefix("/oauth/consent#").unwrap();
        let shown = server.call(Some(&cookie), "GET", &format!("/api/v1/oauth/requests/{ticket}"), Value::Null).await.json();
        assert_eq!(shown["resource"], json!({"audience": AUDIENCE, "name": "Warehouse"}));
        let code = param(&allow(&server, &cookie, &asked).await, "code").unwrap();
        let tokens = exchange(&server, &notes, &code, &[("resource", AUDIENCE)]).await.json();
        let token = text(&tokens, "access_token");

        // RFC 9068.
        let (header, payload) = claims(token);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("RS256")));
        assert_eq!((&payload["aud"], &payload["client_id"]), (&json!(AUDIENCE), &json!(notes.id)));
        assert_eq!((&payload["iss"], &payload["scope"]), (&json!(server.app.oauth.issuer()), &json!("openid profile offline_access read")));
        for claim in ["sub", "exp", "iat", "jti", "sid"] {
            assert!(!payload[claim].is_null(), "{claim}: {payload}");
        }
        for url in ["/oauth/userinfo", "/api/v1/datasets/ada/data", "/api/v1/user", "/api/v1/oauth/paths"] {
            assert_eq!(bearer(&server, "GET", url, token, Value::Null).await.status, 401, "{url}");
        }
        let url = format!("{}/ada/data.git/info/refs?service=git-upload-pack", server.url);
        assert_eq!(Reply::of(server.http.get(&url).basic_auth("ada", Some(token))).await.status, 401);
        let batch = json!({"operation": "download", "objects": []});
        let url = "/ada/data.git/info/lfs/objects/batch";
        assert_eq!(bearer(&server, "POST", url, token, batch).await.status, 401);

        // Its server and its application can ask about it; others cannot.
        let described = introspect(&server, &warehouse, token).await;
        assert_eq!((&described["active"], &described["username"], &described["aud"]), (&json!(true), &json!("ada"), &json!(AUDIENCE)));
        assert_eq!(described["client_id"], json!(notes.id));
        assert_eq!(introspect(&server, &notes, token).await["active"], true);
        let other = client(&server, &eve.token, json!({"audience": "https://other.example.org"})).await;
        assert_eq!(introspect(&server, &other, token).await, json!({"active": false}));
        assert_eq!(introspect(&server, &warehouse, text(&tokens, "refresh_token")).await, json!({"active": false}));
        // Nor is another token of the same application for the warehouse.
        let usual = login(&server, &notes, &cookie, "openid").await;
        assert_eq!(introspect(&server, &warehouse, text(&usual, "access_token")).await, json!({"active": false}));
        let flipped = format!("{}{}", &token[..token.len() - 2], if token.ends_with("AA") { "BB" } else { "AA" });
        assert_eq!(introspect(&server, &warehouse, &flipped).await, json!({"active": false}));
        // An ID token is no access token.
        assert_eq!(introspect(&server, &notes, text(&tokens, "id_token")).await, json!({"active": false}));

        // What ends the login, ends it there, too.
        let refreshed = refresh(&server, &notes, text(&tokens, "refresh_token")).await.json();
        assert_eq!(claims(text(&refreshed, "access_token")).1["aud"], AUDIENCE);
        server.clock.advance(Duration::from_secs(901));
        assert_eq!(introspect(&server, &warehouse, token).await, json!({"active": false}), "expired");
        let tokens = refresh(&server, &notes, text(&refreshed, "refresh_token")).await.json();
        let token = text(&tokens, "access_token");
        assert_eq!(introspect(&server, &warehouse, token).await["active"], true);
        assert_eq!(form(&server, "/oauth/revoke", &notes, &[("token", token)]).await.status, 200);
        assert_eq!(introspect(&server, &warehouse, token).await, json!({"active": false}));
        assert_eq!(refresh(&server, &notes, text(&tokens, "refresh_token")).await.status, 400);
        let _ = ada;
    }
}

story! {
    async fn rule_11_a_resource_is_never_wider_than_the_consent(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        let root = server.administrator("root").await;
        let (warehouse, notes) = applications(&server, &eve.token).await;
        let cookie = server.cookie("ada").await;
        let code = async |changes: &[(&str, &str)]| allow(&server, &cookie, &query(&notes, changes)).await;

        // One that it is not registered for, two, and one that is not in the request.
        let target = |location: &str| param(location, "error").unwrap_or_default();
        assert_eq!(target(&code(&[("resource", "https://other.example.org")]).await), "invalid_target");
        let two = format!("{}&resource=https%3A%2F%2Fother.example.org", query(&notes, &[("resource", AUDIENCE)]));
        assert_eq!(target(&allow(&server, &cookie, &two).await), "invalid_target");
        let plain = param(&code(&[]).await, "code").unwrap();
        let reply = exchange(&server, &notes, &plain, &[("resource", AUDIENCE)]).await;
        assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_target")));
        assert_eq!(exchange(&server, &notes, &plain, &[]).await.status, 400, "the code is used");
        let usual = login(&server, &notes, &cookie, "openid read offline_access").await;
        let refresh_with = [("grant_type", "refresh_token"), ("refresh_token", text(&usual, "refresh_token")), ("resource", AUDIENCE)];
        assert_eq!(form(&server, "/oauth/token", &notes, &refresh_with).await.json()["error"], "invalid_target");
        // This server itself is no other resource.
        let own = param(&code(&[("resource", &format!("{}/", server.app.oauth.issuer()))]).await, "code").unwrap();
        let own = exchange(&server, &notes, &own, &[("resource", server.app.oauth.issuer())]).await.json();
        assert!(works(&server, &own).await);

        // The user is asked for each resource, although the scopes are allowed, and once.
        let asked = query(&notes, &[("resource", AUDIENCE)]);
        let opened = |reply: Reply| reply.header("location").starts_with("/oauth/consent#");
        assert!(opened(open(&server, Some(&cookie), &asked).await));
        allow(&server, &cookie, &asked).await;
        assert!(!opened(open(&server, Some(&cookie), &asked).await));
        let consents = server.get(&ada, "/api/v1/user/consents").await;
        assert_eq!(consents["items"][0]["resources"], json!([AUDIENCE]));

        // Scopes at another server open nothing here without being asked for, and the other way round.
        let write = [("scope", "openid write")];
        let there = query(&notes, &[write[0], ("resource", AUDIENCE)]);
        let tokens = exchange(&server, &notes, &param(&allow(&server, &cookie, &there).await, "code").unwrap(), &[]).await.json();
        assert_eq!(tokens["scope"], "openid write");
        assert!(opened(open(&server, Some(&cookie), &query(&notes, &write)).await));
        assert_eq!(server.get(&ada, "/api/v1/user/consents").await["items"][0]["scopes"], json!(["openid", "offline_access", "read"]));
        login(&server, &notes, &cookie, "openid email").await;
        assert!(opened(open(&server, Some(&cookie), &query(&notes, &[("scope", "openid email"), ("resource", AUDIENCE)])).await));
        // It is connected also if it has no rights here, until the user disconnects it.
        let consent = format!("/api/v1/user/consents/{}", notes.id);
        server.ok(&ada, "DELETE", &consent, Value::Null).await;
        assert_eq!(introspect(&server, &warehouse, text(&tokens, "access_token")).await, json!({"active": false}));
        let location = allow(&server, &cookie, &asked).await;
        let connected = server.get(&ada, "/api/v1/user/consents").await["items"][0].clone();
        assert_eq!((&connected["scopes"], &connected["resources"]), (&json!([]), &json!([AUDIENCE])));
        let files = query(&notes, &[("scope", "files"), ("resource", AUDIENCE)]);
        assert_eq!(target(&allow(&server, &cookie, &files).await), "invalid_scope");

        // While the server is disabled, there are no tokens for it.
        let tokens = exchange(&server, &notes, &param(&location, "code").unwrap(), &[]).await.json();
        server.ok(&eve, "PATCH", &format!("/api/v1/clients/{}", warehouse.id), json!({"disabled": true})).await;
        let refused = refresh(&server, &notes, text(&tokens, "refresh_token")).await;
        assert_eq!(refused.json()["error"], "invalid_grant");
        assert_eq!(introspect(&server, &notes, text(&tokens, "access_token")).await, json!({"active": false}));
        server.ok(&eve, "PATCH", &format!("/api/v1/clients/{}", warehouse.id), json!({"disabled": false})).await;
        let tokens = refresh(&server, &notes, text(&tokens, "refresh_token")).await.json();
        assert_eq!(introspect(&server, &warehouse, text(&tokens, "access_token")).await["active"], true);
        // Nor for an application that may no longer ask for it.
        let url = format!("/api/v1/clients/{}", notes.id);
        assert_eq!(server.ok(&eve, "PATCH", &url, json!({"name": "Notes"})).await["resources"], json!([AUDIENCE]));
        server.ok(&eve, "PATCH", &url, json!({"resources": []})).await;
        assert_eq!(introspect(&server, &warehouse, text(&tokens, "access_token")).await, json!({"active": false}));
        server.ok(&eve, "PATCH", &url, json!({"resources": [AUDIENCE]})).await;

        // Audiences are unique; only administrators name those of others.
        let body = |more: Value| {
            let mut body = json!({"name": "Other", "redirects": [REDIRECT], "scopes": ["openid"]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for (token, more, expected) in [
            (&ada.token, json!({"audience": AUDIENCE}), 409),
            (&ada.token, json!({"audience": server.app.oauth.issuer()}), 422),
            (&ada.token, json!({"audience": "warehouse"}), 422),
            (&ada.token, json!({"resources": [AUDIENCE]}), 404),
            (&eve.token, json!({"resources": ["https://missing.example.org"]}), 404),
            (&root.token, json!({"resources": [AUDIENCE]}), 201),
        ] {
            let reply = server.call(Some(token), "POST", "/api/v1/clients", body(more.clone())).await;
            assert_eq!(reply.status, expected, "{more}: {}", reply.text());
        }

        // A server that gets the audience of another one is not that one.
        server.ok(&eve, "DELETE", &format!("/api/v1/clients/{}", warehouse.id), Value::Null).await;
        let other = super::client(&server, &ada.token, json!({"name": "Other", "audience": AUDIENCE})).await;
        assert_eq!(introspect(&server, &other, text(&tokens, "access_token")).await, json!({"active": false}));
        assert_eq!(target(&code(&[("resource", AUDIENCE)]).await), "invalid_target");
        assert_eq!(server.get(&eve, &url).await["resources"], json!([]));
    }
}

story! {
    async fn a_program_gets_tokens_for_another_server_with_client_credentials(server: Server) {
        let eve = server.person("eve").await;
        let settings = json!({"name": "Warehouse", "audience": AUDIENCE, "redirects": [], "grants": [], "scopes": []});
        let warehouse = client(&server, &eve.token, settings).await;
        let robot = client(&server, &eve.token, json!({
            "grants": ["client_credentials"], "acts_as": "eve", "scopes": ["read"], "resources": [AUDIENCE],
        })).await;
        let pairs = [("grant_type", "client_credentials"), ("resource", AUDIENCE)];
        let tokens = form(&server, "/oauth/token", &robot, &pairs).await.json();
        let described = introspect(&server, &warehouse, text(&tokens, "access_token")).await;
        assert_eq!((&described["active"], &described["username"]), (&json!(true), &json!("eve")));
        let pairs = [("grant_type", "client_credentials"), ("resource", "https://other.example.org")];
        assert_eq!(form(&server, "/oauth/token", &robot, &pairs).await.json()["error"], "invalid_target");
    }
}
