use super::*;

fn repo() -> RepoKey {
    "r".parse().unwrap()
}

#[tokio::test]
async fn a_local_store_starts_a_retry_anew_and_ignores_strangers() {
    let folder = tempfile::tempdir().unwrap();
    let store = PackStore::local(&folder.path().join("a/b")).unwrap();
    store.put_bytes(&repo(), "k", Half::Pack, Bytes::from_static(b"pack")).await.unwrap();
    store.put_bytes(&repo(), "k", Half::Idx, Bytes::from_static(b"idx")).await.unwrap();
    let source = folder.path().join("made");
    std::fs::write(&source, "packs").unwrap();
    store.put_file(&repo(), "k", Half::Pack, &source).await.unwrap();
    // Linked now, and yet not written through.
    store.put_bytes(&repo(), "k", Half::Pack, Bytes::from_static(b"pack")).await.unwrap();
    assert_eq!(std::fs::read(&source).unwrap(), b"packs");
    let place = folder.path().join("a/b/packs/r");
    std::fs::write(place.join("notes.txt"), "").unwrap();
    let listed = store.list(&repo()).await.unwrap();
    assert_eq!(listed.iter().map(|file| file.bytes).collect::<Vec<_>>(), [3, 4]);
    store.delete(&repo(), "k").await.unwrap();
    store.delete(&repo(), "k").await.unwrap();
    assert!(store.list(&repo()).await.unwrap().is_empty());
    assert!(store.list(&"empty".parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_fetch_of_nothing_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let local = PackStore::local(folder.path()).unwrap();
    let remote = PackStore::remote(Arc::new(object_store::memory::InMemory::new()));
    for store in [local, remote] {
        let result = store.fetch(&repo(), "k", Half::Pack, &folder.path().join("target")).await;
        assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    }
}
