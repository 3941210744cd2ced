//! What ends when someone is locked out, or an application is stopped, while something is under way.

use super::*;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

story! {
    async fn rule_6_what_a_session_has_allowed_ends_with_it(server: Server) {
        let eve = server.person("eve").await;
        server.person("ada").await;
        let settings = json!({
            "public": true, "grants": ["authorization_code", "refresh_token", DEVICE_CODE],
            "scopes": ["openid", "read", "offline_access"],
        });
        let client = client(&server, &eve.token, settings).await;
        let cookie = server.cookie("ada").await;
        // An intruder allows a device and gets a code, but does not use them yet.
        let begun = form(&server, "/oauth/device_authorization", &client, &[("scope", "openid read offline_access")]).await.json();
        let page = format!("/api/v1/oauth/devices/{}", text(&begun, "user_code"));
        assert_eq!(server.call(Some(&cookie), "POST", &page, json!({"allow": true})).await.status, 204);
        let location = allow(&server, &cookie, &query(&client, &[("scope", "openid read offline_access")])).await;
        // The user ends the other sessions.
        let own = server.another_cookie("ada").await;
        assert_eq!(server.call(Some(&own), "DELETE", "/api/v1/user/sessions", Value::Null).await.status, 204);
        let polled = form(&server, "/oauth/token", &client, &[("grant_type", DEVICE_CODE), ("device_code", text(&begun, "device_code"))]).await;
        assert_eq!((polled.status, &polled.json()["error"]), (400, &json!("invalid_grant")));
        let exchanged = exchange(&server, &client, &param(&location, "code").unwrap(), &[]).await;
        assert_eq!((exchanged.status, &exchanged.json()["error"]), (400, &json!("invalid_grant")));
    }
}

story! {
    async fn rule_6_an_application_ends_with_its_owner(server: Server) {
        let (eve, root) = (server.person("eve").await, server.administrator("root").await);
        server.person("ada").await;
        let client = client(&server, &eve.token, json!({})).await;
        let cookie = server.cookie("ada").await;
        let tokens = login(&server, &client, &cookie, "openid read offline_access").await;
        let name = "eve".parse().unwrap();
        server.app.accounts.suspend(&name).await.unwrap();
        assert!(!works(&server, &tokens).await);
        assert!(form(&server, "/oauth/introspect", &client, &[("token", "x")]).await.status == 401);
        assert_eq!(open(&server, Some(&cookie), &query(&client, &[])).await.status, 422);
        server.app.accounts.resume(&name).await.unwrap();
        assert!(works(&server, &tokens).await);
        // Administrators can stop it alone.
        let url = format!("/api/v1/clients/{}", client.id);
        assert_eq!(server.ok(&root, "PATCH", &url, json!({"disabled": true})).await["owner"], "eve");
        assert!(!works(&server, &tokens).await);
    }
}

story! {
    async fn a_request_is_answered_as_the_application_is_then(server: Server) {
        let eve = server.person("eve").await;
        server.person("ada").await;
        let client = client(&server, &eve.token, json!({})).await;
        let (cookie, url) = (server.cookie("ada").await, format!("/api/v1/clients/{}", client.id));
        for change in [json!({"scopes": ["openid"]}), json!({"redirects": ["https://app.example.org/new"]})] {
            let location = open(&server, Some(&cookie), &query(&client, &[])).await.header("location").to_owned();
            let page = format!("/api/v1/oauth/requests/{}", location.strip_prefix("/oauth/consent#").unwrap());
            server.ok(&eve, "PATCH", &url, change).await;
            assert_eq!(server.call(Some(&cookie), "POST", &page, json!({"allow": true})).await.status, 404);
            server.ok(&eve, "PATCH", &url, json!({"scopes": ["openid", "read"], "redirects": [REDIRECT]})).await;
        }
    }
}

story! {
    async fn a_change_does_not_undo_another(server: Server) {
        let eve = server.person("eve").await;
        let client = client(&server, &eve.token, json!({})).await;
        let url = format!("/api/v1/clients/{}", client.id);
        for i in 0..10 {
            let (disabled, renamed) = tokio::join!(
                server.ok(&eve, "PATCH", &url, json!({"disabled": i % 2 == 0})),
                server.ok(&eve, "PATCH", &url, json!({"name": format!("Notes {i}")})),
            );
            let now = server.get(&eve, &url).await;
            let expected = (json!(i % 2 == 0), json!(format!("Notes {i}")));
            assert_eq!((now["disabled"].clone(), now["name"].clone()), expected, "{disabled} {renamed}");
        }
    }
}

story! {
    async fn names_of_applications_show_what_they_are(server: Server) {
        let eve = server.person("eve").await;
        for name in ["rutter \u{202e}gnp.exe", "a\u{200b}b", "\u{2066}admin", "a\u{feff}", "a\u{ad}b"] {
            let body = json!({"name": name, "redirects": [REDIRECT], "scopes": ["openid"]});
            assert_eq!(server.call(Some(&eve.token), "POST", "/api/v1/clients", body).await.status, 422, "{name:?}");
        }
        client(&server, &eve.token, json!({"name": "Größe – 図書館"})).await;
    }
}
