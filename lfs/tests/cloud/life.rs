//! The life cycle of an object: upload, verification, download, removal.

use futures::TryStreamExt as _;
use lfs::{
    Oid,
    store::{CloudStore, Key},
};
use reqwest::Method;

use crate::{
    for_each_cloud,
    stores::{self, LIFETIME, get, headers, noise, now, object, put, put_well, send, staging},
};

for_each_cloud! {
    async fn what_is_staged_is_looked_at_and_promoted(store: CloudStore) {
        for bytes in [noise(0), noise(1), noise(100_000)] {
            let (oid, key) = object(&bytes);
            let staged = staging();
            assert_eq!(store.stat(&staged).await.unwrap(), None);
            assert_eq!(store.hash(&staged).await.unwrap(), None);
            assert!(!store.promote(&staged, &key).await.unwrap());
            assert_eq!(store.stat(&key).await.unwrap(), None);

            let signer = store.signer(now(), LIFETIME).await.unwrap();
            put_well(&signer.stage(&staged), bytes.clone()).await;
            assert_eq!(store.stat(&staged).await.unwrap().unwrap().size, bytes.len() as u64);
            assert!(store.promote(&staged, &key).await.unwrap());
            assert_eq!(store.hash(&key).await.unwrap(), Some((oid, bytes.len() as u64)));
            // Later writes to staging change nothing.
            put_well(&signer.stage(&staged), noise(10)).await;
            assert_eq!(store.hash(&key).await.unwrap(), Some((oid, bytes.len() as u64)));

            store.remove(&staged).await.unwrap();
            store.remove(&staged).await.unwrap();
            assert_eq!(store.stat(&staged).await.unwrap(), None);
            let answer = get(&signer.download(&key, None), None).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.bytes().await.unwrap(), bytes);
        }
    }
}

for_each_cloud! {
    async fn downloads_are_named_and_never_shown(store: CloudStore) {
        let bytes = noise(1000);
        let (_, key) = object(&bytes);
        let signer = store.signer(now(), LIFETIME).await.unwrap();
        put_well(&signer.stage(&key), bytes.clone()).await;
        let disposition = "attachment; filename=\"a b.csv\"; filename*=UTF-8''%C3%A4%20b.csv";
        let answer = get(&signer.download(&key, Some(disposition)), None).await;
        let found = headers(&answer);
        assert_eq!(found["content-disposition"], disposition);
        assert_eq!(found["content-type"], "application/octet-stream");
        assert_eq!(answer.bytes().await.unwrap(), bytes);
        let answer = get(&signer.download(&key, Some(disposition)), Some("bytes=10-19")).await;
        assert_eq!(answer.status(), 206);
        assert_eq!(answer.bytes().await.unwrap(), bytes[10..20]);
    }
}

for_each_cloud! {
    async fn a_url_permits_what_it_says_and_no_more(store: CloudStore) {
        let bytes = noise(1000);
        let (_, key) = object(&bytes);
        let (_, other) = object(b"other");
        let signer = store.signer(now(), LIFETIME).await.unwrap();
        let (stage, download) = (signer.stage(&key), signer.download(&key, Some("attachment")));
        put_well(&stage, bytes.clone()).await;

        let refused = |status: reqwest::StatusCode| (400..=404).contains(&status.as_u16());
        // Another key, another operation, another time.
        let mut elsewhere = stage.clone();
        elsewhere.href = stage.href.replace(&key.to_string(), &other.to_string());
        assert!(refused(put(&elsewhere, bytes.clone()).await.status()));
        assert!(refused(get(&stage, None).await.status()));
        assert!(refused(send(Method::DELETE, &stage, "".into()).await.status()));
        assert!(refused(put(&download, bytes.clone()).await.status()));
        assert!(refused(send(Method::DELETE, &download, "".into()).await.status()));
        let mut inline = download.clone();
        inline.href = download.href.replace("attachment", "inline");
        assert!(refused(get(&inline, None).await.status()));
        let past = store.signer(now() - 600, LIFETIME).await.unwrap();
        assert!(refused(get(&past.download(&key, None), None).await.status()));
        assert!(refused(put(&past.stage(&key), bytes.clone()).await.status()));

        assert_eq!(store.stat(&other).await.unwrap(), None);
        assert_eq!(store.hash(&key).await.unwrap(), Some((Oid::of(&bytes), 1000)));
    }
}

for_each_cloud! {
    async fn ranges_are_read_as_they_are(store: CloudStore) {
        // More than the store reads in one request.
        let bytes = noise(9 << 20);
        let (oid, key) = object(&bytes);
        put_well(&store.signer(now(), LIFETIME).await.unwrap().stage(&key), bytes.clone()).await;
        let size = bytes.len() as u64;
        assert_eq!(store.hash(&key).await.unwrap(), Some((oid, size)));
        for range in [0..0, 0..1, 5..5, 1..size, 0..u64::MAX, size - 1..size + 5, size..size + 5, (4 << 20) - 1..(8 << 20) + 1] {
            let pieces = store.read(&key, range.clone()).await.unwrap().unwrap();
            let read: Vec<bytes::Bytes> = pieces.try_collect().await.unwrap();
            let (start, end) = (range.start.min(size), range.end.min(size));
            let expected = &bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
            assert!(read.concat() == expected, "{range:?}");
        }
        assert!(store.read(&staging(), 0..10).await.unwrap().is_none());
    }
}

for_each_cloud! {
    async fn stamps_tell_versions_apart(store: CloudStore) {
        let (_, key) = object(b"one");
        let stage = store.signer(now(), LIFETIME).await.unwrap().stage(&key);
        put_well(&stage, "one".into()).await;
        let first = store.stat(&key).await.unwrap();
        assert_eq!(store.stat(&key).await.unwrap(), first);
        put_well(&stage, "two".into()).await;
        assert_ne!(store.stat(&key).await.unwrap(), first);
    }
}

for_each_cloud! {
    async fn what_is_listed_is_what_is_there(store: CloudStore) {
        let signer = store.signer(now(), LIFETIME).await.unwrap();
        let mut expected = Vec::new();
        for size in 0..5_u8 {
            let bytes = vec![size; usize::from(size)];
            for key in [staging(), object(&bytes).1] {
                put_well(&signer.stage(&key), bytes.clone().into()).await;
                expected.push((key, u64::from(size)));
            }
        }
        let listed = async |folder: &str| {
            let listed: Vec<_> = store.list(folder).try_collect().await.unwrap();
            let mut keys: Vec<_> = listed.iter().map(|found| (found.key.clone(), found.size)).collect();
            assert!(listed.iter().all(|found| found.modified.abs_diff(now()) < 60));
            assert!(keys.is_sorted());
            keys.sort();
            keys
        };
        let wanted = |filter: fn(&Key) -> bool| {
            let keys = expected.iter().filter(|(key, _)| filter(key));
            let mut keys: Vec<_> = keys.map(|(key, size)| (key.to_string(), *size)).collect();
            keys.sort();
            keys
        };
        assert_eq!(listed("").await, wanted(|_| true));
        assert_eq!(listed("staging").await, wanted(Key::is_staging));
        assert_eq!(listed("nothing").await, []);

        let gone: Vec<_> = expected.iter().map(|(key, _)| key.clone()).filter(|key| !key.is_staging()).collect();
        store.remove_all(&gone).await.unwrap();
        assert_eq!(listed("").await, wanted(Key::is_staging));
        store.remove_all(&gone).await.unwrap();
        store.remove_all(&[]).await.unwrap();
    }
}

for_each_cloud! {
    async fn a_folder_is_below_the_prefix(store: CloudStore) {
        use object_store::ObjectStoreExt as _;

        store.folder("packs").put(&"a/b".into(), "pack".into()).await.unwrap();
        let listed: Vec<_> = store.list("").try_collect().await.unwrap();
        assert_eq!(listed[0].key, "packs/a/b");
    }
}

#[tokio::test]
async fn s3_accepts_only_the_announced_bytes() {
    let store = stores::s3();
    assert!(store.proves_uploads());
    let bytes = noise(100_000);
    let (oid, key) = object(&bytes);
    let signer = store.signer(now(), LIFETIME).await.unwrap();
    let upload = signer.upload(&key, &oid).unwrap();

    assert_eq!(put(&upload, noise(100_000)).await.status(), 400);
    let mut bare = upload.clone();
    bare.headers.clear();
    assert!(put(&bare, bytes.clone()).await.status().is_client_error());
    assert!(put(&bare, noise(5)).await.status().is_client_error());
    let mut lying = upload.clone();
    let wrong = noise(100_000);
    lying.headers[0].1 = signer.upload(&key, &Oid::of(&wrong)).unwrap().headers[0].1.clone();
    assert!(put(&lying, wrong).await.status().is_client_error());
    assert_eq!(store.stat(&key).await.unwrap(), None);

    put_well(&upload, bytes.clone()).await;
    assert_eq!(store.hash(&key).await.unwrap(), Some((oid, 100_000)));
}

#[tokio::test]
async fn other_stores_verify_nothing() {
    let (oid, key) = object(b"some");
    for store in [
        stores::azure(),
        crate::shim::gcs().await,
        CloudStore::s3(lfs::store::S3Bucket { trust_checksums: false, ..stores::s3_options() }).unwrap(),
    ] {
        assert!(!store.proves_uploads());
        assert_eq!(store.signer(now(), LIFETIME).await.unwrap().upload(&key, &oid), None);
    }
}
