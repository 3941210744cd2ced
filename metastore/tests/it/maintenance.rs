//! Consolidation, fsck, and deletion of unused packs.

use metastore::{Error, PackData, RefName, consolidation};

use crate::support::{World, commit, git, put};

/// Trap: a repack by reachability loses objects that a concurrent write depends on.
#[tokio::test]
async fn consolidation_keeps_what_only_a_deleted_branch_reached() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let orphan = world.commit_to("deleted", vec![put("only here", "precious")]).await.unwrap();
    world.delete_ref(RefName::branch("deleted").unwrap()).await;
    let before = world.objects().await;
    world.merge_all().await;
    assert_eq!(world.database.state().packs.len(), 1);
    assert_eq!(world.objects().await, before);
    let snapshot = world.snapshot().await;
    assert!(snapshot.read(move |reader| reader.contains(orphan)).await.unwrap());
    let content = git(snapshot.git_dir(), &["cat-file", "blob", &format!("{orphan}:only here")]);
    assert_eq!(content, "precious");
    world.assert_clean().await;
}

#[tokio::test]
async fn writers_that_began_before_a_merge_land_after_it() {
    let world = World::new();
    for number in 0..5 {
        world.commit(vec![put("a", number.to_string())]).await.unwrap();
    }
    let changes = crate::support::changeset("main", vec![put("b", "late")]);
    let (_, landing) = world.snapshot().await.read(move |reader| commit(reader, &changes)).await.unwrap();
    world.merge_all().await;
    world.land(&landing).await.unwrap();
    assert_eq!(world.database.state().packs.len(), 2);
    world.assert_clean().await;
}

#[tokio::test]
async fn of_two_merges_of_the_same_packs_one_wins() {
    let world = World::new();
    for number in 0..4 {
        world.commit(vec![put("a", number.to_string())]).await.unwrap();
    }
    let snapshot = world.snapshot().await;
    let inputs: Vec<_> = snapshot.state().packs.iter().map(|pack| pack.id).collect();
    let (left, right) =
        tokio::join!(world.engine.consolidate(&snapshot, &inputs), world.engine.consolidate(&snapshot, &inputs[1..]));
    world.database.swap(&inputs, &left.unwrap()).unwrap();
    assert!(matches!(world.database.swap(&inputs[1..], &right.unwrap()), Err(Error::Conflict(_))));
    world.assert_clean().await;
}

#[tokio::test]
async fn only_live_packs_are_merged() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let stranger = "1".repeat(40).parse().unwrap();
    for inputs in [vec![], vec![stranger]] {
        let result = world.engine.consolidate(&snapshot, &inputs).await;
        assert!(matches!(result, Err(Error::Invalid(_))));
    }
}

#[tokio::test]
async fn merging_moves_rows_into_the_store() {
    let world = World::new();
    for number in 0..30u32 {
        let noise: Vec<u8> =
            (0..1200u32).flat_map(|at| (at * 7 + number).wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        world.commit(vec![put(&format!("f{number}"), noise)]).await.unwrap();
    }
    assert!(world.database.state().packs.iter().all(|pack| pack.inline));
    world.merge_all().await;
    let pack = world.database.state().packs[0].clone();
    assert!(!pack.inline);
    let stored = world.engine.list_packs(&world.repo).await.unwrap();
    let sizes: Vec<_> = stored.iter().map(|file| (file.key.as_str(), file.extension.as_str(), file.bytes)).collect();
    assert_eq!(sizes, [(&*pack.key, "idx", pack.idx_bytes), (&*pack.key, "pack", pack.pack_bytes)]);
    world.engine.forget(&world.repo).await.unwrap();
    world.assert_clean().await;
}

#[tokio::test]
async fn the_rule_keeps_the_number_of_packs_low() {
    let world = World::new();
    let mut most = 0;
    for number in 0..120 {
        world.commit(vec![put(&format!("f{}", number % 7), number.to_string())]).await.unwrap();
        let snapshot = world.snapshot().await;
        if let Some(inputs) = consolidation(&snapshot.state().packs) {
            let merged = world.engine.consolidate(&snapshot, &inputs).await.unwrap();
            world.engine.store(&world.repo, &merged).await.unwrap();
            world.database.swap(&inputs, &merged).unwrap();
        }
        most = most.max(world.database.state().packs.len());
    }
    assert!(most <= 17, "{most}");
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["rev-list", "--count", "main"]).trim(), "120");
    world.assert_clean().await;
}

#[tokio::test]
async fn fsck_finds_what_is_missing() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let second = world.commit(vec![put("a", "2")]).await.unwrap();
    // The object cache does not outlive the epoch.
    world.database.edit(|state| {
        state.packs.remove(0);
        state.epoch += 1;
    });
    let problems = world.snapshot().await.fsck().await.unwrap();
    assert!(problems.iter().any(|line| line.contains("missing") || line.contains("broken")), "{problems:?}");
    // Reading the missing object is an error, not a panic.
    let log = world.snapshot().await.read(move |reader| reader.log(second, 10, None, None)).await;
    assert!(matches!(log, Err(Error::Corrupt(_))), "{log:?}");
}

#[tokio::test]
async fn a_pack_that_never_landed_is_deleted_without_a_trace() {
    let world = World::new();
    let noise: Vec<u8> = (0..30_000u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    world.commit(vec![put("big", noise.clone())]).await.unwrap();
    let live = world.database.state().packs[0].key.clone();
    let changes = crate::support::changeset("main", vec![put("big", noise.iter().rev().copied().collect::<Vec<_>>())]);
    let (_, landing) = world.snapshot().await.read(move |reader| commit(reader, &changes)).await.unwrap();
    let orphan = landing.pack.unwrap();
    world.engine.store(&world.repo, &orphan).await.unwrap();
    assert!(matches!(orphan.data, PackData::Memory(_)));

    let stored = world.engine.list_packs(&world.repo).await.unwrap();
    assert_eq!(stored.iter().filter(|file| file.key == orphan.key).count(), 2, "a pack and its index");
    world.engine.delete_pack(&world.repo, &orphan.key).await.unwrap();
    assert!(world.engine.list_packs(&world.repo).await.unwrap().iter().all(|file| file.key == live));
    world.engine.forget(&world.repo).await.unwrap();
    world.assert_clean().await;
    world.engine.delete_pack(&world.repo, &orphan.key).await.unwrap();
}
