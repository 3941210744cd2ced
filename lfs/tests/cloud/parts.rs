//! Multipart uploads.

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use lfs::{
    Error, Oid,
    store::{CloudStore, PartsId},
};

use crate::{
    for_each_cloud,
    stores::{self, LIFETIME, noise, now, object, put, put_well, staging},
};

const PART: usize = 5 << 20;

for_each_cloud! {
    async fn parts_come_in_any_order_and_are_one(store: CloudStore) {
        let bytes = noise(2 * PART + 1000);
        let (key, id) = begin(&store).await;
        assert_eq!(store.parts(&key, &id).await.unwrap(), Some(Vec::new()));
        let signer = store.signer(now(), LIFETIME).await.unwrap();

        // From the client, repeated after a wrong part, and from the server.
        put_well(&signer.part(&key, &id, 3), bytes.slice(2 * PART..)).await;
        put_well(&signer.part(&key, &id, 1), noise(PART)).await;
        put_well(&signer.part(&key, &id, 1), bytes.slice(..PART)).await;
        let parts = store.parts(&key, &id).await.unwrap().unwrap();
        assert_eq!(parts.iter().map(|part| (part.number, part.size)).collect::<Vec<_>>(), [(1, PART as u64), (3, 1000)]);
        let sent = store.put_part(&key, &id, 2, bytes.slice(PART..2 * PART)).await.unwrap();
        let parts = store.parts(&key, &id).await.unwrap().unwrap();
        assert_eq!(parts[1], sent);
        assert_eq!(store.stat(&key).await.unwrap(), None, "nothing is visible before completion");

        store.complete_parts(&key, &id, &parts).await.unwrap();
        assert_eq!(store.hash(&key).await.unwrap(), Some((Oid::of(&bytes), bytes.len() as u64)));
        // A response may have been lost.
        store.complete_parts(&key, &id, &parts).await.unwrap();
        assert_eq!(store.hash(&key).await.unwrap(), Some((Oid::of(&bytes), bytes.len() as u64)));

        let (_, object) = object(&bytes);
        assert!(store.promote(&key, &object).await.unwrap());
        put(&signer.part(&key, &id, 1), noise(1)).await;
        assert_eq!(store.hash(&object).await.unwrap(), Some((Oid::of(&bytes), bytes.len() as u64)));
    }
}

for_each_cloud! {
    async fn what_is_aborted_is_gone(store: CloudStore) {
        let (key, id) = begin(&store).await;
        store.put_part(&key, &id, 1, noise(1000)).await.unwrap();
        let parts = store.parts(&key, &id).await.unwrap().unwrap();
        assert_eq!(parts.len(), 1);
        store.abort_parts(&key, &id).await.unwrap();
        assert_eq!(store.parts(&key, &id).await.unwrap().unwrap_or_default(), []);
        let end = store.complete_parts(&key, &id, &parts).await;
        assert!(matches!(end, Err(Error::UploadGone | Error::Invalid(_))), "{end:?}");
        store.abort_parts(&key, &id).await.unwrap();
        assert_eq!(store.stat(&key).await.unwrap(), None);
    }
}

for_each_cloud! {
    async fn more_parts_than_a_page_are_listed(store: CloudStore) {
        let (key, id) = begin(&store).await;
        let numbers = 1..=1050_u32;
        let sent: Vec<_> = stream::iter(numbers.clone())
            .map(|number| store.put_part(&key, &id, number, Bytes::from(number.to_string())))
            .buffered(16)
            .map(Result::unwrap)
            .collect()
            .await;
        let listed = store.parts(&key, &id).await.unwrap().unwrap();
        assert!(listed.iter().map(|part| part.number).eq(numbers));
        assert_eq!(listed, sent);
        store.abort_parts(&key, &id).await.unwrap();
    }
}

for_each_cloud! {
    async fn uploads_of_one_key_do_not_mix(store: CloudStore) {
        let (key, first) = begin(&store).await;
        let second = store.begin_parts(&key).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(first.to_string().parse::<PartsId>().unwrap(), first);
        store.put_part(&key, &first, 1, "first".into()).await.unwrap();
        store.put_part(&key, &second, 1, "second".into()).await.unwrap();
        let parts = store.parts(&key, &second).await.unwrap().unwrap();
        assert_eq!(parts.len(), 1);
        store.complete_parts(&key, &second, &parts).await.unwrap();
        assert_eq!(store.hash(&key).await.unwrap(), Some((Oid::of(b"second"), 6)));
    }
}

for_each_cloud! {
    async fn parts_that_are_not_there_are_no_whole(store: CloudStore) {
        let (key, id) = begin(&store).await;
        let mut parts = vec![store.put_part(&key, &id, 1, noise(1000)).await.unwrap()];
        parts.push(lfs::store::Part { number: 2, ..parts[0].clone() });
        let end = store.complete_parts(&key, &id, &parts).await;
        assert!(matches!(end, Err(Error::Invalid(_))), "{end:?}");
        assert_eq!(store.stat(&key).await.unwrap(), None);
    }
}

/// Uploads of other tests are younger than a minute.
#[tokio::test]
async fn forgotten_uploads_are_aborted() {
    for store in [stores::s3(), crate::shim::gcs().await] {
        let mut begun = Vec::new();
        for _ in 0..3 {
            begun.push(begin(&store).await);
        }
        assert_eq!(store.abort_forgotten(now() - 60).await.unwrap(), 0);
        let (key, id) = &begun[0];
        assert!(store.parts(key, id).await.unwrap().is_some());
        assert_eq!(store.abort_forgotten(now() + 60).await.unwrap(), 3);
        for (key, id) in &begun {
            assert_eq!(store.parts(key, id).await.unwrap(), None);
        }
        assert_eq!(store.abort_forgotten(now() + 60).await.unwrap(), 0);
    }
    assert_eq!(stores::azure().abort_forgotten(now() + 60).await.unwrap(), 0);
}

#[tokio::test]
async fn a_completed_s3_upload_accepts_no_more_parts() {
    let store = stores::s3();
    let (key, id) = begin(&store).await;
    let part = store.put_part(&key, &id, 1, "one".into()).await.unwrap();
    store.complete_parts(&key, &id, &[part]).await.unwrap();
    assert_eq!(store.parts(&key, &id).await.unwrap(), None);
    let url = store.signer(now(), LIFETIME).await.unwrap().part(&key, &id, 1);
    assert_eq!(put(&url, "two".into()).await.status(), 404);
    assert!(matches!(store.put_part(&key, &id, 1, "two".into()).await, Err(Error::UploadGone)));
    assert_eq!(store.hash(&key).await.unwrap(), Some((Oid::of(b"one"), 3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_are_copied_in_parts() {
    let store = stores::s3();
    let (key, id) = begin(&store).await;
    // 300 MiB, of which no two parts are equal.
    let mut whole = Vec::new();
    for number in 1..=10 {
        let mut bytes = vec![0; 30 << 20];
        bytes[usize::try_from(number).unwrap()] = 1;
        whole.extend_from_slice(&bytes);
        store.put_part(&key, &id, number, bytes.into()).await.unwrap();
    }
    let parts = store.parts(&key, &id).await.unwrap().unwrap();
    store.complete_parts(&key, &id, &parts).await.unwrap();
    let (oid, object) = object(&whole);
    assert!(store.promote(&key, &object).await.unwrap());
    assert_eq!(store.hash(&object).await.unwrap(), Some((oid, whole.len() as u64)));
    store.remove_all(&[key, object]).await.unwrap();
}

async fn begin(store: &CloudStore) -> (lfs::store::Key, PartsId) {
    let key = staging();
    let id = store.begin_parts(&key).await.unwrap();
    (key, id)
}
