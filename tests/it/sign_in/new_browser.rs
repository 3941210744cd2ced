//! E-mails about sign-ins with a browser that the user has not used before.

use super::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36";

async fn sign_in(browser: &mut Browser<'_>, user: &str) {
    browser.cookies.remove("rutter");
    let reply = browser.send("POST", "/api/v1/session", json!({"login": user, "password": PASSWORD})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

story! {
    async fn a_sign_in_with_a_new_browser_is_announced(server: Server) {
        server.person("ada").await;
        server.person("ben").await;
        // Sets their passwords.
        for user in ["ada", "ben"] {
            server.cookie(user).await;
        }
        let number = async |expected: usize| {
            server.app.worker.run_due().await.unwrap();
            let emails = server.emails().into_iter().filter(|email| email.to == "ada@example.org").count();
            assert_eq!(emails, expected);
        };
        // A new account has no browser yet.
        let mut firefox = Browser::new(&server);
        firefox.agent = FIREFOX;
        sign_in(&mut firefox, "ada").await;
        number(0).await;
        server.clock.advance(Duration::from_hours(1));
        // The browser is known after its session has ended.
        assert_eq!(firefox.send("DELETE", "/api/v1/session", Value::Null).await.status, 204);
        sign_in(&mut firefox, "ada").await;
        number(0).await;
        assert_eq!(firefox.send("DELETE", "/api/v1/session", Value::Null).await.status, 204);

        let mut chrome = Browser::new(&server);
        chrome.agent = CHROME;
        sign_in(&mut chrome, "ada").await;
        number(1).await;
        let email = server.email_to("ada@example.org", 1).await;
        assert!(email.text.contains("Chrome on Windows, from 127.0.0.1"), "{email:?}");
        // A program that keeps no cookies is not announced each time.
        chrome.cookies.clear();
        sign_in(&mut chrome, "ada").await;
        number(1).await;

        // The mark of one user says nothing about another, and cannot be forged.
        let mut shared = Browser::new(&server);
        shared.agent = "another/1.0";
        sign_in(&mut shared, "ben").await;
        sign_in(&mut shared, "ada").await;
        number(2).await;
        let mut forged = Browser::new(&server);
        forged.agent = "forged/1.0 https://evil.example";
        forged.cookies.insert("rutter-users".into(), "AAAAAAAAAAAAAAAAAAAAAA".into());
        sign_in(&mut forged, "ada").await;
        number(3).await;
        let email = server.email_to("ada@example.org", 3).await;
        assert!(!email.text.contains("evil") && email.text.contains("an unknown program"), "{email:?}");
        // Both are known now.
        for user in ["ben", "ada"] {
            sign_in(&mut shared, user).await;
        }
        number(3).await;
        // The cookie opens nothing.
        shared.cookies.remove("rutter");
        assert_eq!(shared.user().await, Value::Null);
    }
}
