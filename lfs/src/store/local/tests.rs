use std::{convert::Infallible, time::Instant};

use futures::{
    StreamExt, TryStreamExt,
    channel::mpsc,
    stream::{self, BoxStream},
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A store in a temporary directory.
pub(super) struct Fixture {
    pub(super) store: LocalStore,
    pub(super) folder: TempDir,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = LocalStore::open(folder.path().join("objects")).unwrap();
        Self { store, folder }
    }

    pub(super) async fn put(&self, content: &[u8]) -> Oid {
        let oid = Oid::of(content);
        self.store.put(&oid, content.len() as u64, frames(content, 10_000)).await.unwrap();
        oid
    }

    pub(super) async fn read(&self, oid: &Oid, range: Range<u64>) -> io::Result<Vec<u8>> {
        let blocks = self.store.get(oid).await.unwrap().stream(range);
        let read = blocks.try_fold(Vec::new(), |mut content, block| async move {
            assert!(!block.is_empty());
            content.extend_from_slice(&block);
            Ok(content)
        });
        read.await
    }

    pub(super) async fn size(&self, oid: &Oid) -> Option<u64> {
        self.store.stat(oid).await.unwrap().map(|stamp| stamp.size)
    }

    pub(super) async fn list(&self) -> Vec<Oid> {
        let mut oids = Vec::new();
        for first in 0..=u8::MAX {
            oids.extend(self.store.list(first).await.unwrap());
        }
        oids
    }

    /// Lists every file below the directories of objects, including temporary ones.
    pub(super) fn files(&self) -> Vec<String> {
        fn collect(folder: &Path, files: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, files);
                } else {
                    files.push(path.file_name().unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let mut files = Vec::new();
        collect(self.folder.path(), &mut files);
        files.retain(|name| name != MARK);
        files
    }
}

pub(super) fn frames(content: &[u8], length: usize) -> BoxStream<'static, Result<Bytes, Infallible>> {
    let frames: Vec<_> = content.chunks(length).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    stream::iter(frames).boxed()
}

/// Bytes without a repeating pattern that could hide misplaced blocks.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(step).collect()
}

#[tokio::test]
async fn stored_objects_are_read_back() {
    let fixture = Fixture::new();
    for length in [0, 1, 32 * 1024, 32 * 1024 + 1, 128 * 1024, 256 * 1024, 256 * 1024 + 1, 3_000_000] {
        let content = noise(length);
        let (oid, size) = (Oid::of(&content), length as u64);
        assert_eq!(fixture.size(&oid).await, None);
        assert!(matches!(fixture.store.get(&oid).await, Err(Error::NotFound(missing)) if missing == oid));

        fixture.store.put(&oid, size, frames(&content, 10_000)).await.unwrap();
        assert_eq!(fixture.size(&oid).await, Some(size));
        assert_eq!(fixture.store.get(&oid).await.unwrap().size(), size);
        assert_eq!(fixture.read(&oid, 0..size).await.unwrap(), content);
        assert!(fixture.store.rehash(&oid).await.unwrap());
    }
}

#[tokio::test]
async fn the_layout_on_the_disk() {
    let fixture = Fixture::new();
    let oid = fixture.put(b"").await;
    let path = fixture.folder.path().join("objects/e3/b0").join(oid.to_string());
    assert_eq!(fs::metadata(path).unwrap().len(), 0);
    assert_eq!(fixture.files(), [oid.to_string()]);
}

#[tokio::test]
async fn wrong_content_leaves_nothing() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    let oid = Oid::of(&content);
    let mut other = content.clone();
    other[999_999] ^= 1;

    let size = content.len() as u64;
    let result = fixture.store.put(&oid, size, frames(&other, 70_000)).await;
    assert!(
        matches!(result, Err(Error::WrongHash { expected, actual }) if expected == oid && actual == Oid::of(&other))
    );
    assert!(fixture.files().is_empty());

    // The right content with a wrong size, and bodies that are too short and too long.
    for (announced, sent) in
        [(size + 1, &content[..]), (size - 1, &content), (size, &content[..999_999]), (0, &content[..1])]
    {
        let result = fixture.store.put(&oid, announced, frames(sent, 70_000)).await;
        let Err(Error::WrongSize { expected, actual }) = result else { panic!("{result:?}") };
        assert_eq!(expected, announced);
        assert_eq!(actual > announced, sent.len() as u64 > announced);
        assert!(fixture.files().is_empty());
    }
}

#[tokio::test]
async fn the_oid_may_be_known_only_at_the_end() {
    let fixture = Fixture::new();
    for length in [0, 1, 100, 200_000, 3_000_000] {
        let content = noise(length);
        let (oid, size) = (Oid::of(&content), length as u64);
        let added = fixture.store.add(0..=size + 300_000, frames(&content, 10_000)).await.unwrap();
        assert_eq!(added, (oid, size));
        assert_eq!(fixture.read(&oid, 0..size).await.unwrap(), content);
        // Again, and in a directory that was removed.
        fs::remove_dir_all(fixture.store.root().join(&oid.to_string()[..2])).unwrap();
        assert_eq!(fixture.store.add(size..=size, frames(&content, 999)).await.unwrap(), (oid, size));
        assert_eq!(fixture.size(&oid).await, Some(size));
    }

    let files = fixture.files();
    for sizes in [0..=999_999, 1_000_001..=2_000_000] {
        let result = fixture.store.add(sizes, frames(&noise(1_000_000), 70_000)).await;
        assert!(matches!(result, Err(Error::WrongSize { .. })), "{result:?}");
    }
    let body = frames(&noise(500_000), 50_000).map_err(io::Error::other);
    let result = fixture.store.add(0..=600_000, body.chain(stream::iter([Err(io::Error::other("gone"))]))).await;
    assert!(matches!(result, Err(Error::Interrupted(_))), "{result:?}");
    assert_eq!(fixture.files(), files);
}

#[tokio::test]
async fn a_range_is_read_at_once() {
    let fixture = Fixture::new();
    for length in [1000, 300_000] {
        let content = noise(length);
        let oid = fixture.put(&content).await;
        for range in [0..length, 0..0, 7..900, 500..length + 1, length..length + 9, length + 5..length + 9] {
            let read = fixture.store.read(&oid, range.start as u64..range.end as u64, |bytes| bytes).await.unwrap();
            assert_eq!(read, content[range.start.min(length)..range.end.min(length)]);
        }
    }
    assert!(matches!(fixture.store.read(&Oid::of(b"x"), 0..1, |_| ()).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    let fixture = Fixture::new();
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![0; 65_536])));
    let result = fixture.store.put(&Oid::EMPTY, 1_000_000, endless).await;
    assert!(matches!(result, Err(Error::WrongSize { expected: 1_000_000, actual: 1_048_576 })), "{result:?}");
    assert!(fixture.files().is_empty());
}

#[tokio::test]
async fn an_interrupted_body_leaves_nothing() {
    let fixture = Fixture::new();
    for before in [0, 1, 300_000, 2_000_000] {
        let content = noise(before);
        let body = frames(&content, 50_000).map_err(io::Error::other);
        let body = body.chain(stream::iter([Err(io::Error::other("gone"))]));
        let result = fixture.store.put(&Oid::of(b"x"), 5_000_000, body).await;
        assert!(matches!(&result, Err(Error::Interrupted(cause)) if cause.to_string() == "gone"), "{result:?}");
        assert!(fixture.files().is_empty());
    }
}

#[tokio::test]
async fn an_existing_object_is_verified_and_rewritten() {
    let fixture = Fixture::new();
    let content = noise(700_000);
    let oid = fixture.put(&content).await;
    let stamp = fixture.store.stat(&oid).await.unwrap();

    let size = content.len() as u64;
    let result = fixture.store.put(&oid, size, frames(&noise(700_001)[1..], 9_999)).await;
    assert!(matches!(result, Err(Error::WrongHash { .. })), "an existing oid is no proof of its content");
    assert!(fixture.store.put(&oid, size, frames(&[], 1)).await.is_err());
    assert_eq!(fixture.store.stat(&oid).await.unwrap(), stamp);

    // Damage that does not change the size.
    fs::write(fixture.store.shared.object(&oid), vec![0; content.len()]).unwrap();
    let damaged = fixture.store.stat(&oid).await.unwrap();
    fixture.store.put(&oid, size, frames(&content, 9_999)).await.unwrap();
    assert_ne!(fixture.store.stat(&oid).await.unwrap(), damaged, "another file has another stamp");
    assert!(fixture.store.rehash(&oid).await.unwrap());
    assert_eq!(fixture.files(), [oid.to_string()]);
}

#[tokio::test]
async fn a_damaged_file_is_replaced() {
    let fixture = Fixture::new();
    let content = noise(100_000);
    let oid = fixture.put(&content).await;
    let path = fixture.store.shared.object(&oid);
    fs::write(&path, &content[..50_000]).unwrap();
    assert!(!fixture.store.rehash(&oid).await.unwrap());
    fixture.store.put(&oid, 100_000, frames(&content, 5_000)).await.unwrap();
    assert!(fixture.store.rehash(&oid).await.unwrap());
}

#[tokio::test]
async fn two_uploads_at_once_both_succeed() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    let (oid, size) = (Oid::of(&content), content.len() as u64);
    let uploads: Vec<_> = (0..2)
        .map(|_| {
            let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
            let store = fixture.store.clone();
            (sender, tokio::spawn(async move { store.put(&oid, size, body).await }))
        })
        .collect();
    for frame in content.chunks(100_000) {
        for (sender, _) in &uploads {
            sender.unbounded_send(Ok(Bytes::copy_from_slice(frame))).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(fixture.files().len(), 2, "each writes its own temporary file");
    assert_eq!(fixture.size(&oid).await, None, "nothing is visible before completion");
    for (sender, upload) in uploads {
        drop(sender);
        upload.await.unwrap().unwrap();
    }
    assert_eq!(fixture.files(), [oid.to_string()]);
    assert!(fixture.store.rehash(&oid).await.unwrap());
}

#[tokio::test]
async fn many_uploads_at_once() {
    let fixture = Fixture::new();
    let contents: Vec<_> = (0..40).map(|index| noise(index * 30_000 / 2)).collect();
    // Everything twice, so that some uploads run at the same time.
    let uploads = contents.iter().chain(&contents).map(|content| fixture.put(content));
    let oids = futures::future::join_all(uploads).await;
    assert_eq!(oids[..40], oids[40..]);
    assert_eq!(fixture.files().len(), 40);
    for oid in oids {
        assert!(fixture.store.rehash(&oid).await.unwrap());
    }
}

#[tokio::test]
async fn an_upload_dropped_in_the_middle_leaves_nothing() {
    let fixture = Fixture::new();
    for frames_before in [1, 3, 20] {
        let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
        let store = fixture.store.clone();
        let upload = tokio::spawn(async move { store.put(&Oid::EMPTY, 1 << 30, body).await });
        for _ in 0..frames_before {
            sender.unbounded_send(Ok(Bytes::from(noise(150_000)))).unwrap();
        }
        // From two blocks on there is a file by now; with less, none was created.
        let begun = Instant::now();
        while frames_before > 1 && fixture.files().is_empty() && begun.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(fixture.files().len(), usize::from(frames_before > 1));
        upload.abort();
        assert!(upload.await.unwrap_err().is_cancelled());
        let dropped = Instant::now();
        while !fixture.files().is_empty() {
            assert!(dropped.elapsed() < Duration::from_secs(10), "{:?}", fixture.files());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[test]
fn a_runtime_that_ends_during_an_upload_leaves_nothing() {
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = fixture.store.clone();
    let body = frames(&noise(1_000_000), 50_000).chain(stream::pending());
    runtime.spawn(async move { store.put(&Oid::EMPTY, 1 << 30, body).await });
    let begun = Instant::now();
    while fixture.files().is_empty() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!(fixture.files().len(), 1);
    drop(runtime);
    assert!(fixture.files().is_empty());
}

#[tokio::test]
async fn deleted_folders_are_created_again() {
    let fixture = Fixture::new();
    let oid = fixture.put(b"one").await;
    fs::remove_dir_all(fixture.store.shared.folder(&oid).parent().unwrap()).unwrap();
    assert_eq!(fixture.size(&oid).await, None);
    assert_eq!(fixture.put(b"one").await, oid);
    assert_eq!(fixture.files(), [oid.to_string()]);
}

#[tokio::test]
async fn an_unavailable_store_reports_no_loss() {
    let fixture = Fixture::new();
    let oid = fixture.put(b"one").await;
    let (root, aside) = (fixture.folder.path().join("objects"), fixture.folder.path().join("aside"));
    fs::rename(&root, &aside).unwrap();
    fs::create_dir(&root).unwrap();
    assert!(matches!(fixture.store.stat(&oid).await, Err(Error::Away)));
    assert!(matches!(fixture.store.get(&oid).await, Err(Error::Away)));
    assert!(matches!(fixture.store.rehash(&oid).await, Err(Error::Away)));
    assert!(matches!(fixture.store.put(&oid, 3, frames(b"one", 3)).await, Err(Error::Away)));
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0, "nothing is written to an unmounted store");
    fs::remove_dir(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    assert!(fixture.store.rehash(&oid).await.unwrap());
}

#[tokio::test]
async fn uploads_without_space_are_refused_early() {
    let fixture = Fixture::new();
    let body = futures::stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, Infallible>>> {
        panic!("the body was polled")
    });
    let upload = fixture.store.put(&Oid::EMPTY, crate::MAX_SIZE, body).await;
    assert!(matches!(upload, Err(Error::Full)));
}

#[tokio::test]
async fn ranges_of_large_and_small_objects() {
    let fixture = Fixture::new();
    for length in [20_000u64, 400_000] {
        let content = noise(usize::try_from(length).unwrap());
        let oid = fixture.put(&content).await;
        for range in [0..1, 0..length, 1..length, length - 1..length, 5_000..15_000, 5_000..5_000, length..length] {
            let expected = &content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert_eq!(fixture.read(&oid, range).await.unwrap(), expected);
        }
        // Ranges are truncated to the object.
        assert_eq!(fixture.read(&oid, length - 1..u64::MAX).await.unwrap(), &content[content.len() - 1..]);
        assert_eq!(fixture.read(&oid, u64::MAX - 1..u64::MAX).await.unwrap(), b"");
    }
}

#[tokio::test]
async fn open_streams_of_a_removed_object_complete() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    let oid = fixture.put(&content).await;
    let object = fixture.store.get(&oid).await.unwrap();
    assert!(fixture.store.remove(&oid).await.unwrap());
    assert!(!fixture.store.remove(&oid).await.unwrap());
    assert_eq!(fixture.size(&oid).await, None);
    assert!(matches!(fixture.store.rehash(&oid).await, Err(Error::NotFound(_))));
    let blocks: Vec<Bytes> = object.stream(0..1_000_000).try_collect().await.unwrap();
    assert_eq!(blocks.concat(), content);
}

#[tokio::test]
async fn a_file_cut_while_it_is_read_is_an_error() {
    let fixture = Fixture::new();
    let oid = fixture.put(&noise(1_000_000)).await;
    let mut blocks = Box::pin(fixture.store.get(&oid).await.unwrap().stream(0..1_000_000));
    assert_eq!(blocks.next().await.unwrap().unwrap().len(), 128 * 1024);
    let file = File::options().write(true).open(fixture.store.shared.object(&oid)).unwrap();
    file.set_len(500_000).unwrap();
    let mut rest: Vec<_> = blocks.collect().await;
    let last = rest.pop().unwrap();
    assert_eq!(last.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(rest.iter().all(Result::is_ok));
}

#[tokio::test]
async fn damage_is_found_by_hashing() {
    let fixture = Fixture::new();
    let mut content = noise(500_000);
    let oid = fixture.put(&content).await;
    content[250_000] ^= 128;
    fs::write(fixture.store.shared.object(&oid), &content).unwrap();
    assert_eq!(fixture.size(&oid).await, Some(500_000));
    assert!(!fixture.store.rehash(&oid).await.unwrap());
}

#[tokio::test]
async fn lists_are_ordered_and_hold_objects_only() {
    let fixture = Fixture::new();
    assert_eq!(fixture.list().await, []);
    let mut expected = Vec::new();
    for length in 0..50 {
        expected.push(fixture.put(&noise(length)).await);
    }
    expected.sort_unstable();

    let root = fixture.folder.path().join("objects");
    let folder = fixture.store.shared.folder(&Oid::EMPTY);
    fs::write(root.join("README"), "x").unwrap();
    fs::write(root.join("00"), "a file, not a directory").unwrap();
    fs::write(folder.join("notes.txt"), "x").unwrap();
    fs::write(folder.join(format!(".{}.1-1.part", Oid::EMPTY)), "x").unwrap();
    fs::write(folder.join(Oid::of(b"in the wrong folder").to_string()), "x").unwrap();
    fs::create_dir(folder.join(format!("e3b0{}", "0".repeat(60)))).unwrap();

    assert_eq!(fixture.list().await, expected);
    let missing = format!("e3b0{}", "0".repeat(60)).parse().unwrap();
    assert_eq!(fixture.size(&missing).await, None, "a directory is not an object");
    assert!(matches!(fixture.store.get(&missing).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn dead_uploads_are_reaped_by_age() {
    let fixture = Fixture::new();
    let oid = fixture.put(b"kept").await;
    let folder = fixture.store.shared.folder(&oid);
    let hour = Duration::from_hours(1);
    let age = |name: &str, age: Duration| {
        let file = File::create(folder.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - age).unwrap();
    };
    age(&format!(".{oid}.1-1.part"), hour * 3);
    age(&format!(".{oid}.1-2.part"), hour);
    age("old.part", hour * 3);
    age(".old", hour * 3);
    File::open(folder.join(oid.to_string())).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();

    assert_eq!(fixture.store.reap(hour * 2).await.unwrap(), 1);
    assert_eq!(fixture.store.reap(hour * 2).await.unwrap(), 0);
    let mut files = fixture.files();
    files.sort();
    let mut expected = [".old".to_owned(), format!(".{oid}.1-2.part"), oid.to_string(), "old.part".to_owned()];
    expected.sort();
    assert_eq!(files, expected);
    assert_eq!(fixture.store.reap(Duration::ZERO).await.unwrap(), 1);
}

#[tokio::test]
async fn temporary_names_of_an_earlier_process_do_not_collide() {
    let fixture = Fixture::new();
    let oid = Oid::of(b"content");
    let folder = fixture.store.shared.folder(&oid);
    fs::create_dir_all(&folder).unwrap();
    for serial in 0..3 {
        fs::write(folder.join(format!(".{oid}.{}-{serial}.part", std::process::id())), "old").unwrap();
    }
    assert_eq!(fixture.put(b"content").await, oid);
    assert!(fixture.store.rehash(&oid).await.unwrap());
    assert_eq!(fixture.files().len(), 4);
}

#[test]
fn a_full_disk_has_its_own_error() {
    for number in [28, 122] {
        assert!(matches!(Error::from(io::Error::from_raw_os_error(number)), Error::Full));
    }
    assert!(matches!(Error::from(io::Error::from_raw_os_error(5)), Error::Io(_)));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error() {
    let fixture = Fixture::new();
    fs::write(fixture.folder.path().join("objects/e3"), "in the way").unwrap();
    let result = fixture.store.put(&Oid::EMPTY, 0, frames(&[], 1)).await;
    assert!(matches!(result, Err(Error::Io(_))), "{result:?}");
    assert!(LocalStore::open(fixture.folder.path().join("objects/e3")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_framing_is_the_same_content(
        length in 0usize..700_000,
        frame in 1usize..300_000,
        range in (0u64..700_000, 0u64..700_000),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new();
            let content = noise(length);
            let oid = Oid::of(&content);
            let frame = frame.max(length / 2000);
            let put = fixture.store.put(&oid, length as u64, frames(&content, frame)).await;
            put.unwrap();
            let range = range.0.min(length as u64)..range.1.min(length as u64);
            let expected = content.get(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap());
            assert_eq!(fixture.read(&oid, range).await.unwrap(), expected.unwrap_or_default());
        });
    }
}
