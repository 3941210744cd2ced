//! Objects that are accepted by size, because they are too large to be hashed during the request: a job verifies
//! their bytes.

use lfs::Oid;
use rutter_testing::{eventually, noise};

use crate::client::{Client, action};
use crate::cluster::{Cluster, story};
use crate::parts::HUB_AGENT;

/// Larger objects are accepted by size.
const HASH_LIMIT: (&str, &str) = ("RUTTER_LIMITS__VERIFY_BEFORE_COMMIT_MAX", "10000");

/// Sends bytes that may not match the object, and returns the status of the verification.
async fn send(client: &Client, dataset: &str, object: &[u8], bytes: &[u8]) -> u16 {
    let (upload, verify) = client.offer(dataset, object).await;
    assert!([200, 201].contains(&client.put(&upload, bytes).await.unwrap()));
    client.verify(&verify, Oid::of(object), object.len()).await.unwrap().status().as_u16()
}

/// The same bytes with one changed.
fn corrupted(bytes: &[u8]) -> Vec<u8> {
    let mut corrupted = bytes.to_vec();
    corrupted[bytes.len() / 2] ^= 1;
    corrupted
}

/// What the audit trail says about a quarantined object.
async fn events(cluster: &Cluster, oid: Oid) -> Vec<String> {
    let database = cluster.installation.database().await;
    let query = format!("SELECT detail FROM audit WHERE action = 'object.quarantined' AND subject = 'default/{oid}'");
    let events = database.texts(&query).await;
    database.0.close().await;
    events
}

async fn state(cluster: &Cluster, oid: Oid) -> String {
    let database = cluster.installation.database().await;
    let mut states = database.texts(&format!("SELECT state FROM object WHERE oid = '{oid}'")).await;
    database.0.close().await;
    states.pop().unwrap_or_default()
}

story! {
    each async fn a_large_object_with_wrong_bytes_is_detected(cloud: Cloud) {
        let cluster = cloud.cluster(2, &[HASH_LIMIT]).await;
        let azure = matches!(cluster.bucket.provider, crate::bucket::Provider::Azure);
        // S3 itself refuses what a client sends that minds the headers.
        let clients = if azure { vec![cluster.ada(), cluster.ada().with_user_agent(HUB_AGENT)] } else { vec![cluster.ada().with_user_agent(HUB_AGENT)] };
        let objects: Vec<_> = clients.iter().zip(1..).map(|(_, seed)| noise(seed, 30_000)).collect();
        for (client, object) in clients.iter().zip(&objects) {
            assert_eq!(send(client, "ada/data", object, &corrupted(object)).await, 200, "it is taken on its size");
        }
        for (client, object) in clients.iter().zip(&objects) {
            let (oid, size) = (Oid::of(object), object.len());
            eventually("it is out of use", async || state(&cluster, oid).await == "quarantined").await;
            assert_eq!(events(&cluster, oid).await, ["SHA-256 mismatch"]);
            assert_eq!(client.download("ada/data", oid, size).await, None, "these bytes are not served");

            // It is requested again, and this time the bytes are right.
            assert_eq!(send(client, "ada/data", object, object).await, 200);
            assert!(client.download("ada/data", oid, size).await.as_ref() == Some(object));
            eventually("it is proven", async || state(&cluster, oid).await == "ready").await;
            let again = client.object("upload", "ada/data", oid, size).await.unwrap();
            assert!(action(&again, "upload").is_none(), "it is there: {again}");
            assert_eq!(events(&cluster, oid).await.len(), 1);
        }
        cluster.expect_clean_after_grace_period().await;
    }
}

story! {
    each async fn a_large_object_that_another_dataset_has_is_hashed_immediately(cloud: Cloud) {
        let cluster = cloud.cluster(1, &[HASH_LIMIT]).await;
        let (ada, bea, object) = (cluster.ada().with_user_agent(HUB_AGENT), cluster.person("bea").with_user_agent(HUB_AGENT), noise(1, 30_000));
        let (oid, size) = (Oid::of(&object), object.len());
        assert_eq!(send(&ada, "ada/data", &object, &object).await, 200);
        // Whether it is verified by now makes no difference: knowing an object does not give it.
        assert_eq!(send(&bea, "bea/data", &object, &corrupted(&object)).await, 422);
        assert_eq!(bea.download("bea/data", oid, size).await, None);
        assert!(ada.download("ada/data", oid, size).await.as_ref() == Some(&object));
        assert_eq!(send(&bea, "bea/data", &object, &object).await, 200);
        for (client, dataset) in [(&ada, "ada/data"), (&bea, "bea/data")] {
            assert!(client.download(dataset, oid, size).await.as_ref() == Some(&object));
        }
        eventually("it is proven", async || state(&cluster, oid).await == "ready").await;
        assert_eq!(events(&cluster, oid).await, Vec::<String>::new());

        // One user uploads wrong bytes, another one the right ones: that restores it for both.
        let other = noise(2, 30_000);
        let (oid, size) = (Oid::of(&other), other.len());
        assert_eq!(send(&ada, "ada/data", &other, &corrupted(&other)).await, 200);
        assert_eq!(send(&bea, "bea/data", &other, &other).await, 200);
        eventually("it is proven", async || state(&cluster, oid).await == "ready").await;
        for (client, dataset) in [(&ada, "ada/data"), (&bea, "bea/data")] {
            assert!(client.download(dataset, oid, size).await.as_ref() == Some(&other), "{dataset}");
        }
        cluster.expect_clean_after_grace_period().await;
    }
}
