//! Concurrent writers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use metastore::{Error, Keep, ObjectId, RefEdit, RefName, RefTransaction, State, consolidation};

use crate::support::{World, changeset, commit, git, put, try_git};

/// Commits one file to `main`, retrying until the compare-and-swap succeeds. Returns the number of attempts.
async fn insist(world: &World, file: String, take_turns: bool) -> usize {
    for attempt in 1..1000 {
        let _turn = if take_turns { Some(world.engine.writer(&world.repo).await) } else { None };
        let changes = changeset("main", vec![put(&file, file.clone())]);
        let (_, landing) = world.snapshot().await.read(move |reader| commit(reader, &changes)).await.unwrap();
        match world.land(&landing).await {
            Ok(()) => return attempt,
            Err(Error::Conflict(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    panic!("starved");
}

async fn fifty_writers(take_turns: bool) -> usize {
    let world = Arc::new(World::new());
    let writers: Vec<_> = (0..50)
        .map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { insist(&world, format!("file{number}"), take_turns).await })
        })
        .collect();
    let mut attempts = 0;
    for writer in writers {
        attempts += writer.await.unwrap();
    }
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["rev-list", "--count", "main"]).trim(), "50");
    assert_eq!(git(snapshot.git_dir(), &["ls-tree", "-r", "main"]).lines().count(), 50);
    world.assert_clean().await;
    attempts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_writers_of_one_branch_lose_nothing() {
    fifty_writers(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_take_turns_never_retry() {
    assert_eq!(fifty_writers(true).await, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_readers_and_consolidation_at_once() {
    let world = Arc::new(World::new());
    world.commit(vec![put("start", "0")]).await.unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for number in 0..25 {
                    insist(&world, format!("w{writer}/f{number}"), true).await;
                }
            })
        })
        .collect();
    let keeper = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut swaps = 0;
            while git(world.snapshot().await.git_dir(), &["rev-list", "--count", "main"]).trim() != "101" {
                let snapshot = world.snapshot().await;
                let mut inputs: Vec<_> = snapshot.state().packs.iter().map(|pack| pack.id).collect();
                if let Some(chosen) = consolidation(&snapshot.state().packs) {
                    inputs = chosen;
                } else if inputs.len() < 10 {
                    continue;
                }
                let merged = world.engine.consolidate(&snapshot, &inputs).await.unwrap();
                world.engine.store(&world.repo, &merged).await.unwrap();
                world.database.swap(&inputs, &merged).unwrap();
                swaps += 1;
                world.engine.forget(&world.repo).await.unwrap();
            }
            swaps
        })
    };
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(keeper.await.unwrap() > 0);
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["ls-tree", "-r", "main"]).lines().count(), 101);
    world.assert_clean().await;
}

/// A deterministic pseudo-random number generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Updates a branch as a push does: checks in a snapshot that the new target is connected, then commits with
/// the epoch of that snapshot. Returns `false` if the target is no longer complete.
async fn push(world: &World, name: &RefName, target: Option<ObjectId>) -> bool {
    loop {
        let snapshot = world.snapshot().await;
        if let Some(target) = target {
            let walk = ["rev-list", "--objects", "--quiet", &target.to_string()];
            if !try_git(snapshot.git_dir(), &walk, b"").0 {
                return false;
            }
        }
        // Gives a concurrent collection time to run.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let State { generation, epoch, .. } = *snapshot.state();
        let old = snapshot.state().find(name).map(|each| each.target);
        let edits = vec![RefEdit { name: name.clone(), old, new: target, peeled: None }];
        if world.land(&RefTransaction { generation, epoch, pack: None, edits }).await.is_ok() {
            return true;
        }
    }
}

/// Commits, deletes, and restores deleted commits. Returns what must exist in the end.
async fn live(world: Arc<World>, number: u64, collections: Arc<AtomicUsize>) -> (RefName, Option<(ObjectId, String)>) {
    let (short, mut dice) = (format!("w{number}"), Dice(number));
    let name = RefName::branch(&short).unwrap();
    let (mut made, mut now) = (Vec::new(), None);
    for step in 0..60 {
        if step >= 25 && collections.load(Ordering::Relaxed) >= 3 {
            break;
        }
        match dice.below(10) {
            0..5 => {
                let text = format!("content {} of {number}", dice.below(20));
                loop {
                    let _turn = world.engine.writer(&world.repo).await;
                    let changes = changeset(&short, vec![put("file", text.clone()), put("step", step.to_string())]);
                    let commit = world.snapshot().await.read(move |reader| commit(reader, &changes)).await;
                    let (id, landing) = commit.unwrap();
                    if world.land(&landing).await.is_ok() {
                        made.push((id, text.clone()));
                        now = Some((id, text));
                        break;
                    }
                }
            }
            5..7 => {
                push(&world, &name, None).await;
                now = None;
            }
            _ if made.is_empty() => {}
            _ => {
                let old = made[dice.below(made.len())].clone();
                if push(&world, &name, Some(old.0)).await {
                    now = Some(old);
                }
            }
        }
    }
    (name, now)
}

/// Collects garbage as the server does: concurrent changes are checked before the result is committed.
async fn collect(world: &World) -> bool {
    let Some(repacked) = world.engine.collect_garbage(&world.snapshot().await, &Keep::default()).await.unwrap() else {
        return false;
    };
    if let Some(pack) = &repacked.pack {
        world.engine.store(&world.repo, pack).await.unwrap();
    }
    // Writers that take turns wait; others may still be faster.
    let _turn = world.engine.writer(&world.repo).await;
    for _ in 0..20 {
        let newer = world.snapshot().await;
        let generation = newer.state().generation;
        if generation != repacked.generation && !world.engine.still_garbage(&repacked, &newer, &[]).await.unwrap() {
            return false;
        }
        if world.database.collect(&repacked, generation).is_ok() {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn garbage_is_collected_under_writers_who_delete_and_come_back() {
    let world = Arc::new(World::new());
    let collections = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> =
        (1..4).map(|number| tokio::spawn(live(Arc::clone(&world), number, Arc::clone(&collections)))).collect();
    while writers.iter().any(|writer| !writer.is_finished()) {
        collections.fetch_add(usize::from(collect(&world).await), Ordering::Relaxed);
    }
    assert!(collections.load(Ordering::Relaxed) > 0);
    let snapshot = world.snapshot().await;
    for writer in writers {
        let (name, expected) = writer.await.unwrap();
        let found = snapshot.state().find(&name).map(|each| each.target);
        assert_eq!(found, expected.as_ref().map(|(id, _)| *id), "{name}");
        if let Some((id, text)) = expected {
            assert_eq!(git(snapshot.git_dir(), &["cat-file", "blob", &format!("{id}:file")]), text);
        }
    }
    world.assert_clean().await;
    while collect(&world).await {}
    let left: std::collections::BTreeSet<_> = world.objects().await.into_iter().collect();
    assert_eq!(left, crate::garbage::reached(&*world.snapshot().await, &[]));
    world.assert_clean().await;
}
