//! A push of a few kilobytes can name gigabytes: readers stay within their limits, whatever the repository contains.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use metastore::{Effort, EntryKind, Error, ObjectId};
use tempfile::TempDir;

use crate::support::{World, git, git_in, oid, path, put};

fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare"]);
    folder
}

/// 25,000 files with paths of about 12,000 bytes: 300 MB of paths, in a few kilobytes.
fn long_names() -> TempDir {
    let real = repository();
    let name = "n".repeat(1000);
    let blob = git_in(real.path(), &["hash-object", "-w", "--stdin"], b"x");
    let (mut entry, mut tree) = (format!("100644 blob {}", blob.trim()), String::new());
    for count in [100, 250, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] {
        let mut listing = String::new();
        for number in 0..count {
            writeln!(listing, "{entry}\t{name}{number:03}").unwrap();
        }
        git_in(real.path(), &["mktree"], listing.as_bytes()).trim().clone_into(&mut tree);
        entry = format!("040000 tree {tree}");
    }
    let commit = git(real.path(), &["commit-tree", "-m", "long", &tree]);
    git(real.path(), &["update-ref", "refs/heads/main", commit.trim()]);
    real
}

async fn head(world: &World) -> ObjectId {
    world.snapshot().await.state().refs[0].target
}

#[tokio::test]
async fn listings_are_bounded_by_the_bytes_of_their_paths() {
    let world = World::new();
    world.import(long_names().path());
    let head = head(&world).await;
    let snapshot = world.snapshot().await;
    snapshot
        .read(move |reader| {
            assert!(matches!(reader.tree(head, None, true), Err(Error::TooLarge(_))));
            assert!(matches!(reader.diff(None, head, true), Err(Error::TooLarge(_))));
            assert!(matches!(reader.paths(head, 50_001, 16 << 20), Err(Error::TooLarge(_))));
            // `visit` does not hold the paths, so it needs no such limit.
            let mut files = 0;
            reader.visit(head, None, &mut |_, kind, _| {
                files += usize::from(kind == EntryKind::File);
                true
            })?;
            assert_eq!(files, 25_000);
            assert_eq!(reader.summary(head, None, None)?.whole.files, 25_000);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn pages_are_bounded_by_the_bytes_of_their_paths_and_go_on() {
    let world = World::new();
    world.import(long_names().path());
    let head = head(&world).await;
    let snapshot = world.snapshot().await;
    snapshot
        .read(move |reader| {
            let (mut after, mut last, mut seen) = (None, String::new(), 0);
            for _ in 0..5 {
                let page = reader.tree_page(head, None, true, after.as_deref(), 1000)?;
                let bytes: usize = page.entries.iter().map(|entry| entry.path.len()).sum();
                assert!(bytes <= 1000 * 4096, "{bytes}");
                for entry in &page.entries {
                    assert!(entry.path > last);
                    last.clone_from(&entry.path);
                }
                seen += page.entries.len();
                after = page.next;
                assert!(after.is_some());
            }
            assert!((1000..2000).contains(&seen), "{seen}");
            // Each page has at least one entry, or paging would make no progress.
            assert_eq!(reader.tree_page(head, None, true, after.as_deref(), 1)?.entries.len(), 1);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_too_large_to_be_read_is_named_and_not_read() {
    let world = World::new();
    let real = repository();
    let tree = git_in(real.path(), &["mktree"], b"");
    let commit = |parents: &str, message: &str| {
        let text = format!(
            "tree {}\n{parents}author A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n\n{message}",
            tree.trim()
        );
        git_in(real.path(), &["hash-object", "-t", "commit", "-w", "--stdin"], text.as_bytes()).trim().to_owned()
    };
    let large = commit("", &"m".repeat(2 << 20));
    let small = commit(&format!("parent {large}\n"), "small\n");
    let tag = format!("object {small}\ntype commit\ntag t\ntagger A <a@b> 1700000000 +0000\n\n{}", "m".repeat(2 << 20));
    let tag = git_in(real.path(), &["hash-object", "-t", "tag", "-w", "--stdin"], tag.as_bytes()).trim().to_owned();
    let mut wide = Vec::new();
    for number in 0..960_000 {
        wide.extend_from_slice(format!("100644 {number:07}\0").as_bytes());
        wide.extend_from_slice(&[7; 20]);
    }
    assert!(wide.len() > 32 << 20);
    let wide =
        git_in(real.path(), &["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], &wide).trim().to_owned();
    git(real.path(), &["update-ref", "refs/heads/main", &small]);
    git(real.path(), &["update-ref", "refs/tags/t", &tag]);
    let pack = format!("{large}\n{small}\n{tag}\n{wide}\n{tree}");
    world.import_objects(real.path(), &pack);
    let [large, small, tag, wide] = [large, small, tag, wide].map(|id| oid(&id));
    let snapshot = world.snapshot().await;
    snapshot
        .read(move |reader| {
            let refused = |id: ObjectId, result: Result<(), Error>| match result {
                Err(Error::TooLarge(why)) => assert!(why.contains(&id.to_string()), "{why}"),
                other => panic!("{id}: {other:?}"),
            };
            refused(large, reader.commit(large).map(drop));
            refused(large, reader.log(small, 2, None, None).map(drop));
            refused(large, reader.log(small, 2, Some(&path("x")), None).map(drop));
            refused(large, reader.resolve("main~1~1").map(drop));
            refused(large, reader.tree(large, None, true).map(drop));
            refused(tag, reader.annotation(tag).map(drop));
            refused(tag, reader.peeled(tag).map(drop));
            refused(wide, reader.tree(wide, None, false).map(drop));
            refused(wide, reader.entry(wide, &path("0000001")).map(drop));
            refused(wide, reader.tree_page(wide, None, false, None, 10).map(drop));
            assert_eq!(reader.log(small, 1, None, None)?[0].message, "small\n");
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn messages_are_bounded_together() {
    let world = World::new();
    let mut stream = String::new();
    let message = "m".repeat(1_000_000);
    for number in 0..40 {
        write!(
            stream,
            "commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata {}\n{message}\n",
            1_700_000_000 + number,
            message.len()
        )
        .unwrap();
    }
    let real = repository();
    git_in(real.path(), &["fast-import", "--quiet"], stream.as_bytes());
    world.import(real.path());
    let head = head(&world).await;
    let snapshot = world.snapshot().await;
    snapshot
        .read(move |reader| {
            assert!(matches!(reader.log(head, 40, None, None), Err(Error::TooLarge(why)) if why.contains("smaller")));
            assert_eq!(reader.log(head, 30, None, None)?.len(), 30);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_large_file_that_is_a_delta_of_another_is_read() {
    let world = World::new();
    let real = repository();
    let mut content = vec![0; 60 << 20];
    let old = git_in(real.path(), &["hash-object", "-w", "--stdin"], &content);
    content.push(1);
    let new = git_in(real.path(), &["hash-object", "-w", "--stdin"], &content);
    let listing = format!("100644 blob {}\ta\n100644 blob {}\tb\n", old.trim(), new.trim());
    let tree = git_in(real.path(), &["mktree"], listing.as_bytes());
    let commit = git(real.path(), &["commit-tree", "-m", "two", tree.trim()]);
    git(real.path(), &["update-ref", "refs/heads/main", commit.trim()]);
    git(real.path(), &["config", "core.bigFileThreshold", "1g"]);
    world.import(real.path());
    let (old, new) = (oid(old.trim()), oid(new.trim()));
    let snapshot = world.snapshot().await;
    let sizes = snapshot.read(move |reader| Ok((reader.blob(old, 1 << 30)?.len(), reader.blob(new, 1 << 30)?.len())));
    assert_eq!(sizes.await.unwrap(), (60 << 20, (60 << 20) + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_ends_when_its_client_is_gone() {
    let world = World::new();
    let head = world.commit(vec![put("a", "1")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    let began = Instant::now();
    let reading = snapshot.read(move |reader| {
        let read = loop {
            // Long enough to notice that the work was not cancelled.
            if began.elapsed() > Duration::from_secs(20) {
                break Ok(());
            }
            if let Err(error) = reader.commit(head) {
                break Err(error);
            }
        };
        flag.store(read.is_err(), Ordering::SeqCst);
        read
    });
    assert!(tokio::time::timeout(Duration::from_millis(50), reading).await.is_err());
    while !ended.load(Ordering::SeqCst) {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_long_reads_are_limited() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let (go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let mut running = Vec::new();
    for _ in 0..4 {
        let (snapshot, wait) = (Arc::clone(&snapshot), Arc::clone(&wait));
        running.push(tokio::spawn(async move {
            snapshot.read_long(move |_| wait.lock().unwrap().recv().map_err(|_| Error::NotFound(String::new()))).await
        }));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let fifth = tokio::time::timeout(Duration::from_millis(100), snapshot.read_long(|_| Ok(()))).await;
    assert!(fifth.is_err(), "it waits for its turn");
    assert!(snapshot.read(|_| Ok(())).await.is_ok(), "others do not");
    for _ in 0..4 {
        go.send(()).unwrap();
    }
    for each in running {
        each.await.unwrap().unwrap();
    }
    snapshot.read_long(|_| Ok(())).await.unwrap();
}

#[tokio::test]
async fn what_is_read_is_counted() {
    let world = World::new();
    for number in 0..30 {
        world.commit(vec![put("a", number.to_string())]).await.unwrap();
    }
    let snapshot = world.snapshot().await;
    let cost = async |expression: &'static str| {
        let effort = Effort::default();
        effort.scope(snapshot.read(move |reader| reader.resolve(expression))).await.unwrap();
        effort.spent()
    };
    assert!(cost("main~25").await >= cost("main~5").await + 20 * 32);
}

#[tokio::test]
async fn steps_back_have_a_bound() {
    let world = World::new();
    let mut stream = String::new();
    for number in 0..50_100 {
        write!(stream, "commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata 1\nx\n", 1_600_000_000 + number)
            .unwrap();
    }
    let real = repository();
    git_in(real.path(), &["fast-import", "--quiet"], stream.as_bytes());
    world.import(real.path());
    let snapshot = world.snapshot().await;
    snapshot
        .read(|reader| {
            assert!(reader.resolve("main~40000").is_ok());
            for far in ["main~50050", "main~30000~20050", "main~4000000000"] {
                assert!(matches!(reader.resolve(far), Err(Error::TooLarge(_))), "{far}");
            }
            Ok(())
        })
        .await
        .unwrap();
}
