//! The cache: limited in size, shared, and deleted under running requests.

use std::{
    collections::HashSet,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use metastore::{Engine, Keep, PackStore, Snapshot, State};
use object_store::{ObjectStore, memory::InMemory};

use crate::support::{World, git, put, try_git};

fn noise(words: u32, seed: u32) -> Vec<u8> {
    (0..words).flat_map(|at| (at ^ seed).wrapping_mul(2_654_435_761).rotate_left(at % 31).to_be_bytes()).collect()
}

fn in_a_bucket() -> World {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    World::on(|_| PackStore::remote(objects))
}

/// Returns the size of a folder in bytes, counting each file once.
fn bytes_of(folder: &Path) -> u64 {
    let (mut seen, mut bytes, mut folders) = (HashSet::new(), 0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if seen.insert(metadata.ino()) {
                bytes += metadata.len();
            }
        }
    }
    bytes
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

/// Returns the same (inline) packs as another repository.
fn as_repo(state: &State, number: usize) -> State {
    State { repo: format!("other-{number}").parse().unwrap(), ..state.clone() }
}

#[tokio::test]
async fn the_cache_stays_below_its_limit_and_keeps_what_is_used() {
    let world = World::new();
    for seed in 0..3 {
        world.commit(vec![put("noise", noise(10_000, seed))]).await.unwrap();
    }
    let state = world.database.state();
    assert!(state.packs.iter().all(|pack| pack.inline));
    let one: u64 = state.packs.iter().map(|pack| pack.pack_bytes + pack.idx_bytes).sum();
    let cache = world.folder.path().join("bounded");
    let mut options = world.options();
    options.cache = cache.clone();
    options.cache_bytes = Some(one * 5);
    let engine = Engine::open(options).unwrap();

    let leased = engine.snapshot(as_repo(&state, 0)).await.unwrap();
    for number in 1..30 {
        drop(engine.snapshot(as_repo(&state, number)).await.unwrap());
        // Used all the time, though not held.
        assert!(engine.cached(&as_repo(&state, 1).repo, state.generation).is_some(), "the one used last went first");
        eventually("the cache grows beyond its limit", || bytes_of(&cache) < one * 6).await;
    }
    assert!(leased.git_dir().exists());
    assert_eq!(git(leased.git_dir(), &["cat-file", "-s", "main:noise"]).trim(), "40000");
    assert!(engine.cached(&as_repo(&state, 2).repo, state.generation).is_none(), "the one unused longest stays");
    let counted = engine.cache_stats();
    assert_eq!((counted.snapshot_misses, counted.pack_hits, counted.pack_misses), (30, 0, 90));
    assert!(counted.evictions >= 20 * 6 && counted.evicted_bytes >= 20 * one, "{counted:?}");
    assert!(counted.bytes < one * 6, "{counted:?}");
}

#[tokio::test]
async fn a_limit_below_a_single_lease_blocks_no_reader() {
    let world = in_a_bucket();
    for seed in 0..4 {
        world.commit(vec![put("noise", noise(30_000, seed))]).await.unwrap();
    }
    let cache = world.folder.path().join("tiny");
    let mut options = world.options();
    options.cache = cache.clone();
    options.cache_bytes = Some(1);
    let engine = Engine::open(options).unwrap();
    for _ in 0..5 {
        let snapshot = engine.snapshot(world.database.state()).await.unwrap();
        assert_eq!(snapshot.fsck().await.unwrap(), Vec::<String>::new());
    }
    drop(engine.snapshot(world.database.state()).await.unwrap());
    world.commit(vec![put("small", "1")]).await.unwrap();
    drop(engine.snapshot(world.database.state()).await.unwrap());
    eventually("the cache shrinks once unused", || bytes_of(&cache) < 100_000).await;
}

#[tokio::test]
async fn links_are_counted_once_and_those_of_a_local_store_not_at_all() {
    let world = in_a_bucket();
    for seed in 0..2 {
        world.commit(vec![put("noise", noise(30_000, seed))]).await.unwrap();
    }
    let first = world.snapshot().await;
    world.commit(vec![put("small", "1")]).await.unwrap();
    let second = world.snapshot().await;
    // Temporary folders are removed in the background.
    let counted = || world.another_engine().cache_stats().bytes;
    eventually("what is counted is not what is there", || counted().abs_diff(bytes_of(&world.cache())) < 100).await;
    assert!(counted() > 200_000);
    drop((first, second));

    let world = World::new();
    world.commit(vec![put("noise", noise(30_000, 1))]).await.unwrap();
    let mut options = world.options();
    options.cache = world.folder.path().join("another");
    let engine = Engine::open(options).unwrap();
    let _snapshot = engine.snapshot(world.database.state()).await.unwrap();
    assert!(bytes_of(&world.folder.path().join("another")) > 100_000);
    let mut options = world.options();
    options.cache = world.folder.path().join("another");
    let counted = Engine::open(options).unwrap().cache_stats().bytes;
    assert!(counted < 5_000, "{counted}");
}

#[tokio::test]
async fn hits_and_misses_are_counted() {
    let world = in_a_bucket();
    world.commit(vec![put("noise", noise(30_000, 1))]).await.unwrap();
    world.commit(vec![put("small", "1")]).await.unwrap();
    let before = world.engine.cache_stats();
    assert_eq!((before.downloaded_bytes, before.pack_misses), (0, 0), "what was made here is at hand");
    let engine = world.another_engine();
    engine.forget(&world.repo).await.unwrap();
    let state = world.database.state();
    engine.snapshot(state.clone()).await.unwrap();
    engine.snapshot(state.clone()).await.unwrap();
    assert!(engine.cached(&world.repo, state.generation).is_some());
    assert!(engine.cached(&world.repo, 999).is_none());
    let counted = engine.cache_stats();
    assert_eq!((counted.snapshot_hits, counted.snapshot_misses), (2, 1));
    assert_eq!((counted.pack_hits, counted.pack_misses), (0, 2));
    let stored: u64 = state.packs.iter().filter(|pack| !pack.inline).map(|pack| pack.pack_bytes + pack.idx_bytes).sum();
    assert_eq!(counted.downloaded_bytes, stored);
}

/// Does everything that requests do with a snapshot.
async fn use_all(world: &World, snapshot: &Arc<Snapshot>) {
    let tip = snapshot.read(|reader| reader.resolve("main")).await.unwrap();
    let log = snapshot.read(move |reader| reader.log(tip, 99, None, None)).await.unwrap();
    assert_eq!(log.len(), 6);
    assert_eq!(snapshot.fsck().await.unwrap(), Vec::<String>::new());
    let packs: Vec<_> = snapshot.state().packs.iter().map(|pack| pack.id).collect();
    world.engine.consolidate(snapshot, &packs).await.unwrap();
    assert_eq!(world.engine.find_garbage(snapshot, &Keep::default()).await.unwrap().objects, 0);
    let pointers: Vec<_> = futures::TryStreamExt::try_collect(snapshot.reachable_pointers(Vec::new())).await.unwrap();
    assert!(pointers.is_empty());
}

#[tokio::test]
async fn a_lease_outlives_its_folder() {
    let world = in_a_bucket();
    for seed in 0..6 {
        world.commit(vec![put("noise", noise(20_000 * (seed % 2), seed))]).await.unwrap();
    }
    let snapshot = world.snapshot().await;
    let pack = snapshot.git_dir().join("objects/pack");
    let some_file = || std::fs::read_dir(&pack).unwrap().next().unwrap().unwrap().path();
    for damage in 0..6 {
        match damage {
            0 => std::fs::remove_dir_all(world.cache()).unwrap(),
            1 => std::fs::remove_file(some_file()).unwrap(),
            2 => std::fs::remove_dir_all(&pack).unwrap(),
            3 => std::fs::remove_file(snapshot.git_dir().join("packed-refs")).unwrap(),
            4 => std::fs::remove_dir_all(snapshot.git_dir().join("refs")).unwrap(),
            _ => std::fs::remove_dir_all(snapshot.git_dir()).unwrap(),
        }
        use_all(&world, &snapshot).await;
        assert_eq!(git(snapshot.git_dir(), &["rev-list", "--count", "main"]).trim(), "6");
    }
    assert_eq!(world.engine.cache_stats().rebuilds, 6);
    world.commit(vec![put("after", "all of that")]).await.unwrap();
    world.assert_clean().await;
}

/// A recreated run folder needs its lock file again, or the next process takes it for dead.
#[tokio::test]
async fn who_lost_the_folder_is_still_alive_to_others() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    drop(world.snapshot().await);
    std::fs::remove_dir_all(world.cache()).unwrap();
    let snapshot = world.snapshot().await;
    assert!(snapshot.git_dir().exists());
    for _ in 0..3 {
        let other = world.another_engine();
        assert!(snapshot.git_dir().exists(), "taken for dead");
        other.snapshot(world.database.state()).await.unwrap();
    }
    // Once its process is dead, the folder is removed.
    let folder = snapshot.git_dir().parent().unwrap().to_owned();
    let World { folder: home, database, store, engine, repo: _ } = world;
    drop((snapshot, engine));
    eventually("the folder of the dead stays", || !folder.exists()).await;
    drop((home, database, store));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_succeed_while_the_cache_is_deleted_repeatedly() {
    let world = Arc::new(in_a_bucket());
    for seed in 0..6 {
        world.commit(vec![put(&format!("f{seed}"), noise(20_000 * (seed % 2), seed))]).await.unwrap();
    }
    let other = world.another_engine();
    let (done, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let vandal = {
        let (cache, done, rounds) = (world.cache(), Arc::clone(&done), Arc::clone(&rounds));
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let _ = std::fs::remove_dir_all(&cache);
                rounds.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        })
    };
    let readers: Vec<_> = (0..4)
        .map(|number| {
            let world = Arc::clone(&world);
            let engine = if number % 2 == 0 { world.engine.clone() } else { other.clone() };
            let rounds = Arc::clone(&rounds);
            tokio::spawn(async move {
                // Fast readers go on until the cache was deleted a few times.
                let mut reads = 0;
                while reads < 40 || rounds.load(Ordering::Relaxed) < 4 {
                    reads += 1;
                    let snapshot = engine.snapshot(world.database.state()).await.unwrap();
                    let tip = snapshot.read(|reader| reader.resolve("main")).await.unwrap();
                    let log = snapshot.read(move |reader| reader.log(tip, 99, None, None)).await.unwrap();
                    assert!(log.len() >= 6);
                    let listed = snapshot.read(move |reader| reader.tree(tip, None, true)).await.unwrap();
                    assert!(listed.len() >= 6);
                }
            })
        })
        .collect();
    for number in 0..20 {
        world.commit(vec![put("written meanwhile", number.to_string())]).await.unwrap();
    }
    for reader in readers {
        reader.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    vandal.join().unwrap();
    world.assert_clean().await;
    let snapshot = world.snapshot().await;
    assert!(try_git(snapshot.git_dir(), &["fsck", "--full"], b"").0);
}
