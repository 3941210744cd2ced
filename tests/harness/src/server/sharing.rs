//! Shares and links.

use serde_json::{Value, json};

use crate::{Person, Reply, Server};

impl Server {
    /// Shares something of a dataset; returns the share.
    pub async fn share(&self, owner: &Person, dataset: &str, body: Value) -> Value {
        self.ok(owner, "POST", &format!("/api/v1/datasets/{dataset}/shares"), body).await
    }

    /// Creates a link; returns its id and its secret.
    pub async fn create_link(&self, owner: &Person, dataset: &str, mut body: Value) -> (String, String) {
        body["with"] = json!({"link": true});
        let share = self.share(owner, dataset, body).await;
        let url = share["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/s#rsl_", self.url)), "{url}");
        (share["id"].as_str().unwrap().to_owned(), url.split_once('#').unwrap().1.to_owned())
    }

    /// Opens a link.
    pub async fn open_link(&self, link: &str, password: Option<&str>) -> Reply {
        let mut body = json!({"token": link});
        if let Some(password) = password {
            body["password"] = password.into();
        }
        self.call(None, "POST", "/api/v1/links/open", body).await
    }

    /// Opens a link; returns the token that this gives.
    pub async fn link_token(&self, link: &str) -> String {
        let reply = self.open_link(link, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["token"].as_str().unwrap().to_owned()
    }
}
