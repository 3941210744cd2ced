//! Grant types without a browser on the same device: device codes and client credentials.

use super::*;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(server: &Server, client: &Client, scope: &str) -> Value {
    let reply = form(server, "/oauth/device_authorization", client, &[("scope", scope)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn poll(server: &Server, client: &Client, begun: &Value) -> Reply {
    form(server, "/oauth/token", client, &[("grant_type", DEVICE_CODE), ("device_code", text(begun, "device_code"))])
        .await
}

fn error(reply: &Reply) -> String {
    assert_eq!(reply.status, 400, "{}", reply.text());
    reply.json()["error"].as_str().unwrap().to_owned()
}

fn page(begun: &Value) -> String {
    format!("/api/v1/oauth/devices/{}", text(begun, "user_code"))
}

story! {
    async fn rule_15_a_device_gets_tokens_once_the_user_allows_it(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        let device = json!({
            "public": true, "grants": ["refresh_token", DEVICE_CODE], "redirects": [],
            "scopes": ["openid", "profile", "read", "offline_access"],
        });
        let other = client(&server, &eve.token, device.clone()).await;
        let client = client(&server, &eve.token, device).await;
        let cookie = server.cookie("ada").await;
        assert_eq!(error(&form(&server, "/oauth/device_authorization", &client, &[("scope", "write")]).await), "invalid_scope");
        let begun = begin(&server, &client, "openid profile read offline_access").await;
        assert!(text(&begun, "verification_uri_complete").ends_with(&format!("/oauth/device#{}", text(&begun, "user_code"))));
        assert_eq!(error(&poll(&server, &client, &begun).await), "authorization_pending");
        assert_eq!(error(&poll(&server, &client, &begun).await), "slow_down");
        server.clock.advance(Duration::from_secs(5));
        assert_eq!(error(&poll(&server, &client, &begun).await), "authorization_pending");
        // The page names the program; users may write the code as they like.
        let typed = text(&begun, "user_code").to_lowercase().replace('-', "");
        let shown = server.call(Some(&cookie), "GET", &format!("/api/v1/oauth/devices/{typed}"), Value::Null).await.json();
        assert_eq!((&shown["name"], &shown["user"], &shown["owner"]), (&json!("Notes"), &json!("ada"), &json!("eve")));
        assert_eq!(shown["address"], "127.0.0.1");
        // Tokens do not answer, and wrong codes look like used ones.
        assert_eq!(server.call(Some(&ada.token), "POST", &page(&begun), json!({"allow": true})).await.status, 403);
        assert_eq!(server.call(Some(&cookie), "GET", "/api/v1/oauth/devices/BCDF-BCDF", Value::Null).await.status, 404);
        assert_eq!(server.call(Some(&cookie), "POST", &page(&begun), json!({"allow": true})).await.status, 204);
        assert_eq!(server.call(Some(&cookie), "POST", &page(&begun), json!({"allow": true})).await.status, 404);
        assert_eq!(error(&poll(&server, &other, &begun).await), "invalid_grant");
        let tokens = poll(&server, &client, &begun).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
        let tokens = tokens.json();
        assert!(works(&server, &tokens).await && tokens["id_token"].is_string());
        assert_eq!(error(&poll(&server, &client, &begun).await), "expired_token");
        assert_eq!(refresh(&server, &client, text(&tokens, "refresh_token")).await.status, 200);

        let begun = begin(&server, &client, "openid").await;
        assert_eq!(server.call(Some(&cookie), "POST", &page(&begun), json!({"allow": false})).await.status, 204);
        assert_eq!(error(&poll(&server, &client, &begun).await), "access_denied");
        assert_eq!(error(&poll(&server, &client, &begun).await), "expired_token");
        let begun = begin(&server, &client, "openid").await;
        server.clock.advance(Duration::from_secs(601));
        assert_eq!(server.call(Some(&cookie), "GET", &page(&begun), Value::Null).await.status, 404);
        assert_eq!(error(&poll(&server, &client, &begun).await), "expired_token");

        // An application that is not registered for it cannot begin: a user could be led to allow it by a stranger.
        let usual = super::client(&server, &eve.token, json!({})).await;
        assert_eq!(error(&form(&server, "/oauth/device_authorization", &usual, &[]).await), "unauthorized_client");
        let reply = open(&server, Some(&cookie), &query(&client, &[("scope", "openid")])).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
    }
}

story! {
    async fn rule_15_guesses_of_device_codes_are_limited(server: Server) {
        server.person("ada").await;
        let cookie = server.cookie("ada").await;
        let mut limited = false;
        for i in 0..200 {
            let url = format!("/api/v1/oauth/devices/BCDFBC{}{}", char::from(b'B' + i % 20), char::from(b'B' + i / 20));
            let reply = server.call(Some(&cookie), "GET", &url, Value::Null).await;
            limited = reply.status == 429;
            if limited {
                break;
            }
            assert_eq!(reply.status, 404, "{}", reply.text());
        }
        assert!(limited, "an attacker can try all codes");
    }
}

async fn by_credentials(server: &Server, client: &Client, scope: Option<&str>) -> Reply {
    let mut pairs = vec![("grant_type", "client_credentials")];
    pairs.extend(scope.map(|scope| ("scope", scope)));
    form(server, "/oauth/token", client, &pairs).await
}

story! {
    async fn rule_13_client_credentials_act_as_their_own_account(server: Server) {
        let (ada, ben, root) = (server.person("ada").await, server.person("ben").await, server.administrator("root").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Owner)]).await;
        server.dataset("ada/data", Visibility::Private).await;
        server.dataset("ben/data", Visibility::Private).await;
        let settings = |acts_as: &str| json!({
            "name": "Robot", "redirects": [], "grants": ["client_credentials"], "scopes": ["read", "openid", "offline_access"],
            "acts_as": acts_as,
        });
        let robot = client(&server, &ada.token, settings("ada")).await;
        let reply = by_credentials(&server, &robot, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let tokens = reply.json();
        assert!(tokens["refresh_token"].is_null() && tokens["id_token"].is_null() && tokens["scope"] == "read", "{tokens}");
        let ask = async |tokens: &Value, url: &str| bearer(&server, "GET", url, text(tokens, "access_token"), Value::Null).await.status;
        assert_eq!((ask(&tokens, "/api/v1/datasets/ada/data").await, ask(&tokens, "/api/v1/datasets/ben/data").await), (200, 404));
        assert_eq!(error(&by_credentials(&server, &robot, Some("write")).await), "invalid_scope");

        // Another account takes an administrator; so does any account for an application that others manage, too.
        for (token, owner, account, expected) in [
            (&ada.token, "ada", "ben", 403),
            (&ada.token, "org", "ada", 403),
            (&ada.token, "ada", "missing", 403),
            (&root.token, "root", "missing", 404),
            (&root.token, "root", "ada", 201),
        ] {
            let mut body = settings(account);
            body["owner"] = json!(owner);
            let reply = server.call(Some(token), "POST", "/api/v1/clients", body).await;
            assert_eq!(reply.status, expected, "{owner} {account}: {}", reply.text());
        }
        let mut public = settings("ada");
        public["public"] = json!(true);
        let mut none = settings("ada");
        none["acts_as"] = json!("");
        for body in [public, none] {
            assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/clients", body).await.status, 422);
        }
        // An application of the usual kind has no account of its own.
        let usual = client(&server, &ada.token, json!({})).await;
        assert_eq!(error(&by_credentials(&server, &usual, None).await), "unauthorized_client");

        // Whatever changes, holds for tokens that exist.
        let url = format!("/api/v1/clients/{}", robot.id);
        server.ok(&ada, "PATCH", &url, json!({"scopes": ["profile"]})).await;
        assert_eq!(ask(&tokens, "/api/v1/datasets/ada/data").await, 401);
        server.ok(&ada, "PATCH", &url, json!({"scopes": ["read"]})).await;
        assert_eq!(ask(&tokens, "/api/v1/datasets/ada/data").await, 200);
        server.ok(&ada, "PATCH", &url, json!({"acts_as": "", "grants": ["refresh_token"]})).await;
        assert_eq!(ask(&tokens, "/api/v1/datasets/ada/data").await, 401);
        assert_eq!(error(&by_credentials(&server, &robot, None).await), "unauthorized_client");
    }
}
