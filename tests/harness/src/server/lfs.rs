//! The LFS API as clients use it.

use serde_json::{Value, json};

use crate::{LFS_JSON, Reply, Server};

impl Server {
    /// Sends an LFS batch; returns status and body.
    pub async fn batch(&self, token: Option<&str>, path: &str, body: &Value) -> (u16, Value) {
        let response = self
            .request("POST", &format!("/{path}.git/info/lfs/objects/batch"), token)
            .header("content-type", "application/vnd.git-lfs+json")
            .header("accept", "application/vnd.git-lfs+json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Uploads bytes through the batch API; returns their oid.
    pub async fn upload(&self, token: &str, path: &str, bytes: &[u8]) -> String {
        let oid = lfs::Oid::of(bytes).to_string();
        let body = json!({"operation": "upload", "objects": [{"oid": oid, "size": bytes.len()}]});
        let (status, reply) = self.batch(Some(token), path, &body).await;
        assert_eq!(status, 200, "{reply}");
        if let Some(href) = reply["objects"][0]["actions"]["upload"]["href"].as_str() {
            let response = self.http.put(href).body(bytes.to_vec()).send().await.unwrap();
            assert_eq!(response.status(), 200);
        }
        oid
    }

    /// Sends JSON to the LFS API of a dataset; `tail` comes after `/info/lfs/`.
    pub async fn lfs(&self, token: Option<&str>, path: &str, tail: &str, body: &Value) -> Reply {
        let request = self.request("POST", &format!("/{path}.git/info/lfs/{tail}"), token);
        let request = request.header("content-type", LFS_JSON).header("accept", LFS_JSON);
        Reply::of(request.body(body.to_string())).await
    }

    /// What an upload batch answers for one object: the signed URLs of upload and verify.
    pub async fn upload_urls(&self, token: &str, path: &str, bytes: &[u8]) -> (String, String) {
        let oid = lfs::Oid::of(bytes).to_string();
        let body = json!({"operation": "upload", "objects": [{"oid": oid, "size": bytes.len()}]});
        let (status, reply) = self.batch(Some(token), path, &body).await;
        let href = |verb: &str| reply["objects"][0]["actions"][verb]["href"].as_str().map(str::to_owned);
        let urls = href("upload").zip(href("verify"));
        urls.unwrap_or_else(|| panic!("no upload was offered: {status} {reply}"))
    }

    /// The signed URL of a download.
    pub async fn download_url(&self, token: &str, path: &str, bytes: &[u8]) -> String {
        self.download_url_of(token, path, &json!({"oid": lfs::Oid::of(bytes), "size": bytes.len()})).await
    }

    /// The same for an entry with further fields.
    pub async fn download_url_of(&self, token: &str, path: &str, object: &Value) -> String {
        let body = json!({"operation": "download", "objects": [object]});
        let (status, reply) = self.batch(Some(token), path, &body).await;
        let href = reply["objects"][0]["actions"]["download"]["href"].as_str();
        href.unwrap_or_else(|| panic!("no download was offered: {status} {reply}")).to_owned()
    }

    /// Where the object's bytes are in the store.
    pub fn stored(&self, oid: &str) -> std::path::PathBuf {
        self.app.config.data.join("store").join("objects").join(&oid[..2]).join(&oid[2..4]).join(oid)
    }
}
