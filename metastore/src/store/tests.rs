use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures::StreamExt as _;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, path::Path as At,
};

use super::*;
use crate::{Error, PackBytes};

fn repo() -> RepoKey {
    "r".parse().unwrap()
}

#[tokio::test]
async fn a_local_store_starts_a_retry_anew_and_ignores_strangers() {
    let folder = tempfile::tempdir().unwrap();
    let store = PackStore::local(&folder.path().join("a/b")).unwrap();
    store.put_bytes(&repo(), "k", PackFileKind::Pack, Bytes::from_static(b"pack")).await.unwrap();
    store.put_bytes(&repo(), "k", PackFileKind::Idx, Bytes::from_static(b"idx")).await.unwrap();
    let source = folder.path().join("made");
    std::fs::write(&source, "packs").unwrap();
    store.put_file(&repo(), "k", PackFileKind::Pack, &source).await.unwrap();
    // Hard-linked now, and still not written through.
    store.put_bytes(&repo(), "k", PackFileKind::Pack, Bytes::from_static(b"pack")).await.unwrap();
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

fn row(bytes: &PackBytes, id: crate::PackId) -> Pack {
    let (pack_bytes, idx_bytes) = (bytes.pack.len() as u64, bytes.idx.len() as u64);
    Pack { id, key: "k".into(), pack_bytes, idx_bytes, objects: 1, inline: false }
}

/// A pack of one random blob, with its row.
fn pack(length: u32) -> (PackBytes, Pack) {
    let data: Vec<u8> = (0..length).flat_map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let kind = gix::objs::Kind::Blob;
    let object = crate::pack::Object { id: crate::pack::hash_object(kind, &data).unwrap(), kind, data };
    let (id, bytes) = crate::pack::encode(&[object]).unwrap();
    let row = row(&bytes, id);
    (bytes, row)
}

async fn put(store: &PackStore, bytes: &PackBytes) {
    store.put_bytes(&repo(), "k", PackFileKind::Pack, bytes.pack.clone()).await.unwrap();
    store.put_bytes(&repo(), "k", PackFileKind::Idx, bytes.idx.clone()).await.unwrap();
}

fn target(folder: &tempfile::TempDir) -> PackFile {
    let place = tempfile::tempdir_in(folder).unwrap().keep();
    PackFile { pack: place.join("target.pack"), idx: place.join("target.idx") }
}

/// A bucket that disconnects, loses objects, stalls and fails, as configured.
#[derive(Debug)]
struct Moody {
    inner: object_store::memory::InMemory,
    mood: Mutex<Mood>,
    gets: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Fine,
    /// Every download fails after this many bytes.
    BreaksOffAfter(usize),
    /// The first requests fail, this many.
    RefusesTimes(usize),
    Refuses,
    Stalls,
    /// Time that storing an object takes.
    Ponders(Duration),
    /// Stalls once in the middle of a download.
    Garbles,
}

impl Moody {
    fn new() -> Arc<Self> {
        let inner = object_store::memory::InMemory::new();
        Arc::new(Self { inner, mood: Mutex::new(Mood::Fine), gets: AtomicUsize::new(0) })
    }

    fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    async fn check(&self) -> object_store::Result<()> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Refuses => return Err(refusal()),
            Mood::RefusesTimes(0) => self.be(Mood::Fine),
            Mood::RefusesTimes(left) => {
                self.be(Mood::RefusesTimes(left - 1));
                return Err(refusal());
            }
            Mood::Stalls => std::future::pending().await,
            Mood::Fine | Mood::BreaksOffAfter(_) | Mood::Ponders(_) | Mood::Garbles => {}
        }
        Ok(())
    }
}

fn refusal() -> object_store::Error {
    object_store::Error::Generic { store: "moody", source: "no".into() }
}

impl std::fmt::Display for Moody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("moody")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Moody {
    async fn put_opts(&self, at: &At, bytes: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.check().await?;
        let mood = *self.mood.lock().unwrap();
        if let Mood::Ponders(span) = mood {
            tokio::time::sleep(span).await;
        }
        self.inner.put_opts(at, bytes, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &At,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.check().await?;
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &At, options: GetOptions) -> object_store::Result<GetResult> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.check().await?;
        let mut answer = self.inner.get_opts(at, options).await?;
        let (meta, range) = (answer.meta.clone(), answer.range.clone());
        let (attributes, extensions) = (answer.attributes.clone(), answer.extensions.clone());
        let mood = *self.mood.lock().unwrap();
        let mut bytes = answer.bytes().await?.to_vec();
        let mut blocks = Vec::new();
        match mood {
            Mood::BreaksOffAfter(count) if count < bytes.len() => {
                bytes.truncate(count);
                blocks.push(Ok(bytes.into()));
                blocks.push(Err(refusal()));
            }
            Mood::Garbles => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                self.be(Mood::Fine);
                blocks.push(Ok(bytes.into()));
            }
            _ => blocks.push(Ok(bytes.into())),
        }
        let payload = GetResultPayload::Stream(futures::stream::iter(blocks).boxed());
        answer = GetResult { payload, meta, range, attributes, extensions };
        Ok(answer)
    }

    fn delete_stream(
        &self,
        places: BoxStream<'static, object_store::Result<At>>,
    ) -> BoxStream<'static, object_store::Result<At>> {
        if *self.mood.lock().unwrap() == Mood::Refuses {
            return futures::stream::iter([Err(refusal())]).boxed();
        }
        self.inner.delete_stream(places)
    }

    fn list(&self, prefix: Option<&At>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        match *self.mood.lock().unwrap() {
            Mood::Refuses => futures::stream::iter([Err(refusal())]).boxed(),
            Mood::Stalls => futures::stream::pending().boxed(),
            _ => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&At>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &At, to: &At, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_lost_pack_is_corrupt_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let local = PackStore::local(&folder.path().join("store")).unwrap();
    let remote = PackStore::remote(Moody::new());
    let (bytes, row) = pack(100);
    for store in [local, remote] {
        for half in [PackFileKind::Pack, PackFileKind::Idx] {
            put(&store, &bytes).await;
            store.fetch(&repo(), &row, &target(&folder)).await.unwrap();
            store.delete(&repo(), "k").await.unwrap();
            let (other, kept) = match half {
                PackFileKind::Pack => (PackFileKind::Idx, bytes.idx.clone()),
                PackFileKind::Idx => (PackFileKind::Pack, bytes.pack.clone()),
            };
            store.put_bytes(&repo(), "k", other, kept).await.unwrap();
            let result = store.fetch(&repo(), &row, &target(&folder)).await;
            let name = format!("packs/r/k.{}", half.extension());
            assert!(matches!(&result, Err(Error::Corrupt(text)) if text.contains(&name)), "{result:?}");
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_the_row_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let local = PackStore::local(&folder.path().join("store")).unwrap();
    let remote = PackStore::remote(Moody::new());
    let (bytes, row) = pack(100);
    let (other, other_row) = pack(101);
    let flipped = |bytes: &Bytes, at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 4;
        Bytes::from(bytes)
    };
    let (pack, idx) = (&bytes.pack, &bytes.idx);
    let cases = [
        (flipped(pack, 50), idx.clone()),
        (flipped(pack, pack.len() - 1), idx.clone()),
        (pack.clone(), flipped(idx, 1050)),
        (pack.clone(), flipped(idx, idx.len() - 30)),
        (pack.slice(..pack.len() - 1), idx.clone()),
        (pack.clone(), idx.slice(1..)),
        (Bytes::new(), idx.clone()),
        (other.pack.clone(), other.idx.clone()),
    ];
    for store in [local, remote] {
        for (pack, idx) in cases.clone() {
            put(&store, &PackBytes { pack, idx }).await;
            let result = store.fetch(&repo(), &row, &target(&folder)).await;
            assert!(matches!(result, Err(Error::Corrupt(_))), "{result:?}");
        }
        // Two valid files that do not belong together.
        put(&store, &PackBytes { pack: bytes.pack.clone(), idx: other.idx.clone() }).await;
        let mixed = Pack { idx_bytes: other_row.idx_bytes, ..row.clone() };
        let result = store.fetch(&repo(), &mixed, &target(&folder)).await;
        assert!(matches!(result, Err(Error::Corrupt(_))), "{result:?}");
        put(&store, &bytes).await;
        store.fetch(&repo(), &row, &target(&folder)).await.unwrap();
    }
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Moody::new();
    let store = PackStore::remote(Arc::clone(&bucket) as Arc<dyn ObjectStore>);
    let (bytes, row) = pack(5000);
    put(&store, &bytes).await;
    bucket.be(Mood::BreaksOffAfter(3000));
    let place = target(&folder);
    store.fetch(&repo(), &row, &place).await.unwrap();
    assert_eq!(std::fs::read(&place.pack).unwrap(), bytes.pack);
    assert_eq!(std::fs::read(&place.idx).unwrap(), bytes.idx);
    // Seven parts for 20,000 random bytes, one for the index.
    assert_eq!(bucket.gets.load(Ordering::Relaxed), bytes.pack.len().div_ceil(3000) + 1);
    // Damaged in transit only.
    bucket.be(Mood::Garbles);
    store.fetch(&repo(), &row, &target(&folder)).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_is_away_is_not_available_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Moody::new();
    let timeout = Duration::from_millis(1500);
    let store = PackStore::remote(Arc::clone(&bucket) as Arc<dyn ObjectStore>).with_timeout(timeout);
    let (bytes, row) = pack(5000);
    put(&store, &bytes).await;
    for mood in [Mood::Refuses, Mood::Stalls] {
        bucket.be(mood);
        let mut waited = Vec::new();
        for _ in 0..2 {
            let began = std::time::Instant::now();
            let result = store.fetch(&repo(), &row, &target(&folder)).await;
            assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
            waited.push(began.elapsed());
        }
        assert!(waited[0] >= timeout / 2, "no second attempt: {waited:?}");
        // Requests after the first do not wait for the full timeout.
        assert!(waited[1] < timeout / 2, "{waited:?}");
        let listed = store.list(&repo()).await;
        assert!(matches!(listed, Err(Error::Unavailable(_))), "{listed:?}");
        let all: Result<Vec<_>> = futures::TryStreamExt::try_collect(store.list_all()).await;
        assert!(matches!(all, Err(Error::Unavailable(_))), "{all:?}");
        let stored = store.put_bytes(&repo(), "other", PackFileKind::Pack, Bytes::new()).await;
        assert!(matches!(stored, Err(Error::Unavailable(_))), "{stored:?}");
        if mood == Mood::Refuses {
            assert!(matches!(store.delete(&repo(), "k").await, Err(Error::Unavailable(_))));
        }
        bucket.be(Mood::Fine);
        store.fetch(&repo(), &row, &target(&folder)).await.unwrap();
    }
    bucket.be(Mood::RefusesTimes(2));
    store.fetch(&repo(), &row, &target(&folder)).await.unwrap();
    bucket.be(Mood::RefusesTimes(2));
    put(&store, &bytes).await;
}

#[tokio::test]
async fn an_upload_may_take_long_but_not_in_a_bucket_that_is_silent() {
    let bucket = Moody::new();
    let timeout = Duration::from_secs(1);
    let store = PackStore::remote(Arc::clone(&bucket) as Arc<dyn ObjectStore>).with_timeout(timeout);
    let (bytes, _) = pack(100);
    bucket.be(Mood::Ponders(4 * timeout));
    put(&store, &bytes).await;
    bucket.be(Mood::Stalls);
    let began = std::time::Instant::now();
    let stored = store.put_bytes(&repo(), "other", PackFileKind::Pack, bytes.pack.clone()).await;
    assert!(matches!(stored, Err(Error::Unavailable(_))), "{stored:?}");
    assert!((timeout..10 * timeout).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_folder_whose_disk_is_away_has_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = PackStore::local(&root).unwrap();
    let (bytes, row) = pack(100);
    put(&store, &bytes).await;
    std::fs::rename(&root, folder.path().join("unmounted")).unwrap();
    for mount_point_is_there in [false, true] {
        if mount_point_is_there {
            std::fs::create_dir(&root).unwrap();
        }
        let fetched = store.fetch(&repo(), &row, &target(&folder)).await;
        assert!(matches!(fetched, Err(Error::Unavailable(_))), "{fetched:?}");
        assert!(matches!(store.list(&repo()).await, Err(Error::Unavailable(_))));
        assert!(matches!(store.delete(&repo(), "k").await, Err(Error::Unavailable(_))));
        let stored = store.put_bytes(&repo(), "other", PackFileKind::Pack, Bytes::new()).await;
        assert!(matches!(stored, Err(Error::Unavailable(_))), "{stored:?}");
    }
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::rename(folder.path().join("unmounted"), &root).unwrap();
    store.fetch(&repo(), &row, &target(&folder)).await.unwrap();
}

#[tokio::test]
async fn a_listing_of_everything_tells_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let local = PackStore::local(folder.path()).unwrap();
    let remote = PackStore::remote(Moody::new());
    std::fs::write(folder.path().join("packs/notes.txt"), "").unwrap();
    std::fs::create_dir(folder.path().join("packs/Not_a_repo")).unwrap();
    for store in [local, remote] {
        let mut expected = Vec::new();
        for (repo, key, half) in
            [("a", "k1", PackFileKind::Pack), ("a", "k1", PackFileKind::Idx), ("a-b", "k2", PackFileKind::Pack)]
        {
            let repo: RepoKey = repo.parse().unwrap();
            store.put_bytes(&repo, key, half, Bytes::from_static(b"four")).await.unwrap();
            expected.push((repo, key.to_owned(), half.extension().to_owned(), 4));
        }
        let listed: Vec<_> = futures::TryStreamExt::try_collect(store.list_all()).await.unwrap();
        let mut found: Vec<_> =
            listed.into_iter().map(|(repo, file)| (repo, file.key, file.extension, file.bytes)).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
