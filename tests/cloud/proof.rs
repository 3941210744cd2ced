//! Objects that are taken on their size, for they are too large to be hashed while their sender waits: a job finds out
//! what they are.

use lfs::Oid;

use crate::client::{Client, action};
use crate::harness::{eventually, noise};
use crate::parts::BARE;
use crate::scene::{Scene, story};

/// What is larger is taken on its size.
const HASHED: (&str, &str) = ("RUTTER_LIMITS__VERIFY_BEFORE_COMMIT_MAX", "10000");

/// Sends bytes for an object that may be another. Gives the status of what is said of it then.
async fn send(client: &Client, dataset: &str, object: &[u8], bytes: &[u8]) -> u16 {
    let (upload, verify) = client.offer(dataset, object).await;
    assert!([200, 201].contains(&client.put(&upload, bytes).await.unwrap()));
    client.verify(&verify, Oid::of(object), object.len()).await.unwrap().status().as_u16()
}

/// As many bytes, of which one is another.
fn bent(bytes: &[u8]) -> Vec<u8> {
    let mut bent = bytes.to_vec();
    bent[bytes.len() / 2] ^= 1;
    bent
}

/// What the audit trail says of an object that is out of use.
async fn events(scene: &Scene, oid: Oid) -> Vec<String> {
    let database = scene.house.database().await;
    let query = format!("SELECT detail FROM audit WHERE action = 'object.quarantined' AND subject = 'default/{oid}'");
    let events = database.texts(&query).await;
    database.0.close().await;
    events
}

async fn state(scene: &Scene, oid: Oid) -> String {
    let database = scene.house.database().await;
    let mut states = database.texts(&format!("SELECT state FROM object WHERE oid = '{oid}'")).await;
    database.0.close().await;
    states.pop().unwrap_or_default()
}

story! {
    each async fn a_large_object_that_is_another_is_found_out(cloud: Cloud) {
        let scene = cloud.scene(2, &[HASHED]).await;
        let azure = matches!(scene.bucket.cloud, crate::bucket::Cloud::Azure);
        // S3 itself refuses what a client sends that minds the headers.
        let clients = if azure { vec![scene.ada(), scene.ada().called(BARE)] } else { vec![scene.ada().called(BARE)] };
        let objects: Vec<_> = clients.iter().zip(1..).map(|(_, seed)| noise(seed, 30_000)).collect();
        for (client, object) in clients.iter().zip(&objects) {
            assert_eq!(send(client, "ada/data", object, &bent(object)).await, 200, "it is taken on its size");
        }
        for (client, object) in clients.iter().zip(&objects) {
            let (oid, size) = (Oid::of(object), object.len());
            eventually("it is out of use", async || state(&scene, oid).await == "quarantined").await;
            assert_eq!(events(&scene, oid).await, ["SHA-256 mismatch"]);
            assert_eq!(client.download("ada/data", oid, size).await, None, "nobody is given these bytes");

            // It is asked for again, and this time it is what it should be.
            assert_eq!(send(client, "ada/data", object, object).await, 200);
            assert!(client.download("ada/data", oid, size).await.as_ref() == Some(object));
            eventually("it is proven", async || state(&scene, oid).await == "ready").await;
            let again = client.object("upload", "ada/data", oid, size).await.unwrap();
            assert!(action(&again, "upload").is_none(), "it is there: {again}");
            assert_eq!(events(&scene, oid).await.len(), 1);
        }
        scene.expect_clean_later().await;
    }
}

story! {
    each async fn a_large_object_that_others_hold_is_hashed_at_once(cloud: Cloud) {
        let scene = cloud.scene(1, &[HASHED]).await;
        let (ada, bea, object) = (scene.ada().called(BARE), scene.person("bea").called(BARE), noise(1, 30_000));
        let (oid, size) = (Oid::of(&object), object.len());
        assert_eq!(send(&ada, "ada/data", &object, &object).await, 200);
        // Whether it is proven by now makes no difference: the bytes of one are not those of the other.
        assert_eq!(send(&bea, "bea/data", &object, &bent(&object)).await, 422);
        assert_eq!(bea.download("bea/data", oid, size).await, None);
        assert!(ada.download("ada/data", oid, size).await.as_ref() == Some(&object));
        assert_eq!(send(&bea, "bea/data", &object, &object).await, 200);
        for (client, dataset) in [(&ada, "ada/data"), (&bea, "bea/data")] {
            assert!(client.download(dataset, oid, size).await.as_ref() == Some(&object));
        }
        eventually("it is proven", async || state(&scene, oid).await == "ready").await;
        assert_eq!(events(&scene, oid).await, Vec::<String>::new());

        // A lie about what nobody else has, and somebody else with the truth: that heals it for both.
        let other = noise(2, 30_000);
        let (oid, size) = (Oid::of(&other), other.len());
        assert_eq!(send(&ada, "ada/data", &other, &bent(&other)).await, 200);
        assert_eq!(send(&bea, "bea/data", &other, &other).await, 200);
        eventually("it is proven", async || state(&scene, oid).await == "ready").await;
        for (client, dataset) in [(&ada, "ada/data"), (&bea, "bea/data")] {
            assert!(client.download(dataset, oid, size).await.as_ref() == Some(&other), "{dataset}");
        }
        scene.expect_clean_later().await;
    }
}
