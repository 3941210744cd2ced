//! Logout: begun by applications, and reported to them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use rutter::config::Makers;

use super::*;

const AFTER: &str = "https://app.example.org/bye";

async fn log_out(server: &Server, cookie: Option<&str>, pairs: &[(&str, &str)]) -> Reply {
    Reply::of(server.request("GET", &format!("/oauth/logout?{}", encoded(pairs)), cookie)).await
}

async fn is_signed_in(server: &Server, cookie: &str) -> bool {
    server.call(Some(cookie), "GET", "/api/v1/user", Value::Null).await.status == 200
}

story! {
    async fn an_application_ends_the_session_of_its_user_only(server: Server) {
        let (ada, _) = (server.person("ada").await, server.person("ben").await);
        let client = client(&server, &ada.token, json!({"logout_redirects": [AFTER]})).await;
        let cookie = server.cookie("ada").await;
        let tokens = login(&server, &client, &cookie, "openid").await;
        let hint = text(&tokens, "id_token").to_owned();
        // Not to a URL that is not registered, with or without a session.
        for cookie in [None, Some(cookie.as_str())] {
            for url in [REDIRECT, "https://evil.example/", "https://app.example.org/bye/"] {
                let reply = log_out(&server, cookie, &[("id_token_hint", &hint), ("post_logout_redirect_uri", url)]).await;
                assert_eq!((reply.status, reply.header("location")), (422, ""), "{url}");
            }
        }
        let reply = log_out(&server, None, &[("post_logout_redirect_uri", AFTER)]).await;
        assert_eq!(reply.status, 422, "of no application");
        // Without proof that the application knows the user, the user is asked.
        let mut forged = hint.clone();
        forged.replace_range(forged.len() - 4.., "AAAA");
        let other = login(&server, &client, &server.cookie("ben").await, "openid").await;
        for hint in [None, Some(forged.as_str()), Some(text(&other, "id_token"))] {
            let mut pairs = vec![("client_id", client.id.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "s/t")];
            pairs.extend(hint.map(|hint| ("id_token_hint", hint)));
            let reply = log_out(&server, Some(&cookie), &pairs).await;
            assert!(reply.header("location").starts_with("/oauth/sign-out#"), "{}", reply.header("location"));
            assert!(is_signed_in(&server, &cookie).await);
            // Once signed out, the page opens the same address again.
            assert_eq!(log_out(&server, None, &pairs).await.header("location"), format!("{AFTER}?state=s%2Ft"));
        }
        let wrong = log_out(&server, Some(&cookie), &[("id_token_hint", &hint), ("client_id", "x")]).await;
        assert_eq!(wrong.status, 422);
        // An expired ID token is proof enough.
        server.clock.advance(Duration::from_hours(2));
        let reply = log_out(&server, Some(&cookie), &[("id_token_hint", &hint), ("post_logout_redirect_uri", AFTER)]).await;
        assert_eq!((reply.status, reply.header("location")), (303, AFTER));
        assert!(reply.header("set-cookie").contains("Max-Age=0"), "{}", reply.header("set-cookie"));
        assert!(!is_signed_in(&server, &cookie).await);
        assert!(is_invalid_grant(&refresh(&server, &client, text(&tokens, "refresh_token")).await));
        // By a form, the cookie comes along only after the redirect.
        let body = encoded(&[("client_id", &client.id)]);
        let request = server.http.post(format!("{}/oauth/logout", server.url)).body(body.clone());
        let reply = Reply::of(request.header("content-type", "application/x-www-form-urlencoded")).await;
        assert_eq!(reply.header("location"), format!("/oauth/logout?{body}"));
    }
}

/// Failures to come, and the bodies of requests.
type Heard = Arc<Mutex<(usize, Vec<String>)>>;

/// An application that is notified of logouts; it fails as often as the test says.
async fn listener(fails: usize) -> (String, Heard) {
    let heard = Arc::new(Mutex::new((fails, Vec::new())));
    let hear = |State(heard): State<Heard>, body: String| async move {
        let mut heard = heard.lock().unwrap();
        if heard.0 > 0 {
            heard.0 -= 1;
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        heard.1.push(body);
        StatusCode::OK
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/logout", listener.local_addr().unwrap());
    let router = Router::new().route("/logout", post(hear)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, heard)
}

story! {
    async fn rule_18_applications_are_notified_when_logins_end(engine: Engine) {
        let server = Server::start_with(engine, |config| config.accounts.organisations = Makers::Admins).await;
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let (url, heard) = listener(1).await;
        let client = client(&server, &ada.token, json!({"owner": "org", "logout_url": url})).await;
        let cookie = server.cookie("ben").await;
        let session = login(&server, &client, &cookie, "openid").await;
        let offline = login(&server, &client, &cookie, "openid offline_access").await;
        let run = async || {
            server.clock.advance(Duration::from_secs(16));
            server.app.worker.run_due().await.unwrap();
        };
        run().await;
        assert!(heard.lock().unwrap().1.is_empty());
        // The first try fails; the second follows.
        assert_eq!(server.call(Some(&cookie), "DELETE", "/api/v1/session", Value::Null).await.status, 204);
        run().await;
        run().await;
        run().await;
        let received = std::mem::take(&mut heard.lock().unwrap().1);
        assert_eq!(received.len(), 1, "once");
        let token = param(&format!("?{}", received[0]), "logout_token").unwrap();
        let decoded = |token: &str, part: usize| -> Value {
            serde_json::from_slice(&BASE64.decode(token.split('.').nth(part).unwrap()).unwrap()).unwrap()
        };
        let sid = |tokens: &Value| decoded(text(tokens, "id_token"), 1)["sid"].clone();
        let claims = decoded(&token, 1);
        assert_eq!(decoded(&token, 0)["typ"], "logout+jwt");
        assert_eq!((&claims["sid"], &claims["aud"]), (&sid(&session), &json!(client.id)));
        assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object() && claims["nonce"].is_null());
        // Rule 7: it opens nothing.
        assert_eq!(bearer(&server, "GET", "/api/v1/user", &token, Value::Null).await.status, 401);

        let consent = format!("/api/v1/user/consents/{}", client.id);
        assert_eq!(server.call(Some(&ben.token), "DELETE", &consent, Value::Null).await.status, 204);
        run().await;
        let received = std::mem::take(&mut heard.lock().unwrap().1);
        let token = param(&format!("?{}", received[0]), "logout_token").unwrap();
        assert_eq!((received.len(), &decoded(&token, 1)["sid"]), (1, &sid(&offline)));
    }
}

story! {
    async fn rule_18_applications_of_users_are_not_notified_at_private_addresses(server: Server) {
        let ada = server.person("ada").await;
        // Where each user can create one, an organisation is not trusted more than its users.
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let (url, heard) = listener(0).await;
        let cookie = server.cookie("ada").await;
        for owner in ["ada", "org"] {
            let client = client(&server, &ada.token, json!({"owner": owner, "logout_url": url})).await;
            login(&server, &client, &cookie, "openid").await;
        }
        assert_eq!(server.call(Some(&cookie), "DELETE", "/api/v1/session", Value::Null).await.status, 204);
        for _ in 0..3 {
            server.clock.advance(Duration::from_secs(60));
            server.app.worker.run_due().await.unwrap();
        }
        assert!(heard.lock().unwrap().1.is_empty());
        let bad = json!({"name": "x", "redirects": [REDIRECT], "scopes": ["openid"], "logout_url": "http://app.example.org/"});
        assert_eq!(server.call(Some(&ada.token), "POST", "/api/v1/clients", bad).await.status, 422);
    }
}
