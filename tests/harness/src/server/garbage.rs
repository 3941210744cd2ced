//! Garbage collection, and what it must not take.

use std::time::Duration;

use lfs::Oid;
use rutter::access::{Actor, DatasetGrant, Own};
use rutter::collect::{Line, Summary};
use serde_json::json;

use crate::{Person, Server, Tree, pointers};

impl Server {
    pub async fn collect(&self) -> (Summary, Vec<Line>) {
        let mut lines = Vec::new();
        let summary = self.app.collector.run(None, false, |line| lines.push(line)).await.unwrap();
        assert_eq!(summary.problems, Vec::<String>::new());
        (summary, lines)
    }

    pub async fn delete_dataset(&self, path: &str) {
        let grant: DatasetGrant<Own> =
            self.app.access.authorize(&Actor::operator(), &path.parse().unwrap()).await.unwrap();
        self.app.datasets.delete(&grant).await.unwrap();
    }

    /// Advances the clock by the grace period.
    pub fn pass_grace_period(&self) {
        self.clock.advance(self.app.collector.grace() + Duration::from_secs(1));
    }

    /// Whether an object can be downloaded; checks its bytes.
    pub async fn can_download(&self, person: &Person, path: &str, bytes: &[u8]) -> bool {
        let object = json!({"oid": Oid::of(bytes), "size": bytes.len()});
        let body = json!({"operation": "download", "objects": [object]});
        let (status, reply) = self.batch(Some(&person.token), path, &body).await;
        assert_eq!(status, 200, "{reply}");
        let Some(href) = reply["objects"][0]["actions"]["download"]["href"].as_str() else {
            assert_eq!(reply["objects"][0]["error"]["code"], 404, "{reply}");
            return false;
        };
        let response = self.http.get(href).send().await.unwrap();
        assert_eq!(response.status(), 200, "what is offered is there");
        assert!(response.bytes().await.unwrap() == bytes, "what is offered is right");
        true
    }

    /// Everything that any ref reaches is complete: git's objects, and the bytes of every pointer.
    pub async fn assert_mirror_complete(&self, person: &Person, path: &str, name: &str) -> Tree {
        let mirror = self.clone_with(person, path, name, &["--mirror"]);
        mirror.git(&["fsck", "--strict", "--no-dangling"]);
        for bytes in pointers(&mirror) {
            let body = json!({"operation": "download", "objects": [{"oid": bytes.0, "size": bytes.1}]});
            let (_, reply) = self.batch(Some(&person.token), path, &body).await;
            let href = reply["objects"][0]["actions"]["download"]["href"].as_str();
            let href = href.unwrap_or_else(|| panic!("a ref names {bytes:?}, but: {reply}"));
            let got = self.http.get(href).send().await.unwrap().bytes().await.unwrap();
            assert_eq!(Oid::of(&got).to_string(), bytes.0);
        }
        let id = self.read_grant(path).await.id();
        assert_eq!(self.app.datasets.check(id).await.unwrap(), Vec::<String>::new());
        assert_eq!(self.app.storage.check(true).await.unwrap(), Vec::<String>::new());
        mirror
    }
}
