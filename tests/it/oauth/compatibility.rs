//! What libraries for clients rely on.

use super::*;

story! {
    async fn pages_of_other_sites_read_discovery_and_keys(server: Server) {
        for url in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
            let request = server.http.get(format!("{}{url}", server.url)).header("origin", "https://app.example.org");
            let reply = Reply::of(request).await;
            assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "*"), "{url}");
        }
    }
}

story! {
    async fn userinfo_has_a_challenge_where_a_token_does_not_suffice(server: Server) {
        let ada = server.person("ada").await;
        let (client, cookie) = (client(&server, &ada.token, json!({})).await, server.cookie("ada").await);
        let tokens = login(&server, &client, &cookie, "read").await;
        for (token, status, reason) in
            [("wrong", 401, "invalid_token"), (text(&tokens, "access_token"), 403, "insufficient_scope")]
        {
            let reply = bearer(&server, "GET", "/oauth/userinfo", token, Value::Null).await;
            let challenge = reply.header("www-authenticate");
            assert_eq!(reply.status, status, "{challenge}");
            assert!(challenge.starts_with("Bearer ") && challenge.contains(&format!("error=\"{reason}\"")), "{challenge}");
        }
    }
}

story! {
    async fn scopes_that_an_application_may_not_have_are_ignored(server: Server) {
        let ada = server.person("ada").await;
        let client = client(&server, &ada.token, json!({"scopes": ["openid", "read"]})).await;
        let cookie = server.cookie("ada").await;
        let tokens = login(&server, &client, &cookie, "openid read offline_access address").await;
        assert_eq!(tokens["scope"], "openid read");
        let next = refresh(&server, &client, text(&tokens, "refresh_token")).await.json();
        assert_eq!(next["scope"], "openid read");
        // It did not get `offline_access`.
        assert_eq!(server.call(Some(&cookie), "DELETE", "/api/v1/session", Value::Null).await.status, 204);
        assert!(!works(&server, &next).await);
    }
}

story! {
    async fn a_code_with_pkce_needs_no_redirect_url(server: Server) {
        let ada = server.person("ada").await;
        let client = client(&server, &ada.token, json!({"traits": ["no-pkce"]})).await;
        let cookie = server.cookie("ada").await;
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        for (changes, verifier, status) in [(&[][..], Some(VERIFIER), 200), (&without[..], None, 400)] {
            let code = param(&allow(&server, &cookie, &query(&client, changes)).await, "code").unwrap();
            let mut pairs = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
            pairs.extend(verifier.map(|verifier| ("code_verifier", verifier)));
            let reply = form(&server, "/oauth/token", &client, &pairs).await;
            assert_eq!(reply.status, status, "{changes:?}: {}", reply.text());
        }
    }
}

story! {
    async fn an_application_names_the_user_that_it_expects(server: Server) {
        let (ada, _) = (server.person("ada").await, server.person("ben").await);
        let client = client(&server, &ada.token, json!({})).await;
        let (cookie, other) = (server.cookie("ada").await, server.cookie("ben").await);
        let tokens = login(&server, &client, &cookie, "openid read").await;
        login(&server, &client, &other, "openid read").await;
        let hint = text(&tokens, "id_token");
        for (cookie, hint, error) in [
            (&cookie, hint, None),
            (&other, hint, Some("login_required")),
            (&cookie, "malformed", Some("invalid_request")),
            (&cookie, text(&tokens, "access_token"), Some("invalid_request")),
        ] {
            let asked = query(&client, &[("prompt", "none"), ("id_token_hint", hint)]);
            let location = open(&server, Some(cookie), &asked).await.header("location").to_owned();
            assert_eq!(param(&location, "error").as_deref(), error, "{location}");
            assert_eq!(param(&location, "code").is_some(), error.is_none(), "{location}");
        }
    }
}
