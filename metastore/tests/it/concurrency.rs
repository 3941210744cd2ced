//! Many writers at once.

use std::sync::Arc;

use metastore::{Error, consolidation};

use crate::support::{World, changeset, git, put};

/// Commits one file to `main`, again and again until the swap is won. Returns the number of attempts.
async fn insist(world: &World, file: String, take_turns: bool) -> usize {
    for attempt in 1..1000 {
        let _turn = if take_turns { Some(world.engine.writer(&world.repo).await) } else { None };
        let changes = changeset("main", vec![put(&file, file.clone())]);
        let (_, landing) = world.snapshot().await.read(move |reader| reader.commit_changes(&changes)).await.unwrap();
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
