//! Building snapshots, with concurrent changes.

use std::sync::Arc;

use metastore::{Engine, Error, Options, RefName};

use crate::support::{World, ada, all_objects, changeset, commit, git, put, try_git};

#[tokio::test]
async fn an_empty_repository_is_a_repository() {
    let world = World::new();
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["for-each-ref"]), "");
    assert_eq!(git(snapshot.git_dir(), &["symbolic-ref", "HEAD"]).trim(), "refs/heads/main");
    world.assert_clean().await;
    let missing = snapshot.read(|reader| reader.resolve("HEAD")).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn git_sees_the_refs_of_the_state_with_what_tags_peel_to() {
    let world = World::new();
    let head = world.commit(vec![put("a", "1")]).await.unwrap();
    for name in ["z", "a-b", "a.b", "ab"] {
        world.commit_to(name, vec![put("b", name.to_owned())]).await.unwrap();
    }
    let tag = RefName::tag("v1").unwrap();
    let snapshot = world.snapshot().await;
    let (tag_id, landing) = snapshot.read(move |reader| reader.tag(&tag, head, "one", &ada())).await.unwrap();
    world.land(&landing).await.unwrap();

    let snapshot = world.snapshot().await;
    let shown = git(snapshot.git_dir(), &["show-ref", "-d"]);
    assert!(shown.contains(&format!("{tag_id} refs/tags/v1\n{head} refs/tags/v1^{{}}\n")), "{shown}");
    assert_eq!(shown.lines().count(), 7);
    let text = std::fs::read_to_string(snapshot.git_dir().join("packed-refs")).unwrap();
    // Rewriting the file with git changes nothing: it is already sorted and peeled as git requires.
    let copy = tempfile::tempdir().unwrap();
    git(copy.path(), &["clone", "-q", "--mirror", snapshot.git_dir().to_str().unwrap(), "m.git"]);
    git(&copy.path().join("m.git"), &["pack-refs", "--all"]);
    assert_eq!(text, std::fs::read_to_string(copy.path().join("m.git/packed-refs")).unwrap());
    world.assert_clean().await;
}

/// gix loads as many packs as it saw when it opened the folder, and fails if there are more.
#[tokio::test]
async fn packs_that_appear_later_never_break_a_reader() {
    let world = World::new();
    let first = world.commit(vec![put("start", "0")]).await.unwrap();
    let old = world.snapshot().await;
    old.read(move |reader| reader.commit(first)).await.unwrap();
    let mut last = first;
    for number in 0..60 {
        last = world.commit(vec![put("file", number.to_string())]).await.unwrap();
        // The old generation stays readable, and does not see later changes.
        let (seen, unseen) =
            old.read(move |reader| Ok((reader.contains(first)?, reader.contains(last)?))).await.unwrap();
        assert!(seen && !unseen);
    }
    let new = world.snapshot().await;
    assert_eq!(new.state().packs.len(), 61);
    let log = new.read(move |reader| reader.log(last, 100, None, None)).await.unwrap();
    assert_eq!(log.len(), 61);
}

/// A look-up of a missing object must not rescan the pack folder, which takes 14 ms with many packs.
#[tokio::test]
async fn a_missing_object_costs_no_scan() {
    let world = World::new();
    world.commit(vec![put("file", "old")]).await.unwrap();
    let old = world.snapshot().await;
    let late = world.commit(vec![put("file", "new")]).await.unwrap();
    let new = world.snapshot().await;
    let found = old
        .clone()
        .read(move |reader| {
            let before = reader.contains(late)?;
            // A rescan would find these.
            for entry in std::fs::read_dir(new.git_dir().join("objects/pack"))? {
                let entry = entry?;
                let _ = std::fs::hard_link(entry.path(), old.git_dir().join("objects/pack").join(entry.file_name()));
            }
            Ok((before, reader.contains(late)?, reader.resolve("main").is_ok()))
        })
        .await
        .unwrap();
    assert_eq!(found, (false, false, true));
}

#[tokio::test]
async fn readers_are_safe_while_packs_are_swapped_and_deleted() {
    let world = Arc::new(World::new());
    for number in 0..40 {
        world.commit(vec![put(&format!("f{number}"), format!("content {number}"))]).await.unwrap();
    }
    let old = world.snapshot().await;
    let expected = all_objects(old.git_dir());
    let reader = {
        let (old, expected) = (Arc::clone(&old), expected.clone());
        std::thread::spawn(move || {
            for _ in 0..8 {
                assert_eq!(all_objects(old.git_dir()), expected);
                git(old.git_dir(), &["rev-list", "--objects", "--all", "--quiet"]);
            }
        })
    };
    let inputs: Vec<_> = old.state().packs.iter().map(|pack| pack.id).collect();
    let merged = world.engine.consolidate(&old, &inputs).await.unwrap();
    world.engine.store(&world.repo, &merged).await.unwrap();
    world.database.swap(&inputs, &merged).unwrap();
    // No grace period: all cached packs are removed at once.
    world.engine.forget(&world.repo).await.unwrap();
    let new = world.snapshot().await;
    assert_eq!(new.state().packs.len(), 1);
    assert_eq!(all_objects(new.git_dir()), expected);
    reader.join().unwrap();
    let tip = old.read(|reader| reader.resolve("main")).await.unwrap();
    assert_eq!(old.read(move |reader| reader.log(tip, 99, None, None)).await.unwrap().len(), 40);
}

#[tokio::test]
async fn the_folder_of_an_old_generation_goes_with_its_last_lease() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let old = world.snapshot().await;
    let folder = old.git_dir().to_owned();
    world.commit(vec![put("a", "2")]).await.unwrap();
    let new = world.snapshot().await;
    assert!(folder.exists(), "a reader still holds it");
    let same = world.engine.cached(&world.repo, old.state().generation).expect("leased generations are shared");
    assert!(Arc::ptr_eq(&same, &old));
    drop((old, same));
    for _ in 0..200 {
        if !folder.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!folder.exists(), "no reader holds it any more");
    assert!(new.git_dir().exists());
}

#[tokio::test]
async fn many_tasks_share_one_build() {
    let world = World::new();
    for number in 0..5 {
        world.commit(vec![put("a", number.to_string())]).await.unwrap();
    }
    world.engine.forget(&world.repo).await.unwrap();
    let before = world.database.loads();
    let state = world.database.state();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (engine, state) = (world.engine.clone(), state.clone());
            tokio::spawn(async move { engine.snapshot(state).await.unwrap() })
        })
        .collect();
    let mut folders = std::collections::HashSet::new();
    for task in tasks {
        folders.insert(task.await.unwrap().git_dir().to_owned());
    }
    assert_eq!(folders.len(), 1);
    assert_eq!(world.database.loads() - before, 5, "every pack is loaded once");
}

#[tokio::test]
async fn a_build_survives_the_caller_who_started_it() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    world.engine.forget(&world.repo).await.unwrap();
    let state = world.database.state();
    let generation = state.generation;
    drop(tokio::time::timeout(std::time::Duration::from_nanos(1), world.engine.snapshot(state)).await);
    for _ in 0..200 {
        if world.engine.cached(&world.repo, generation).is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // The timeout may also have occurred before the build started; then a retry must work.
    world.snapshot().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_engines_share_one_cache_folder() {
    let world = World::new();
    let other = world.another_engine();
    for round in 0..10 {
        let tip = world.commit(vec![put("a", round.to_string())]).await.unwrap();
        let state = world.database.state();
        let both = [world.engine.clone(), other.clone()].map(|engine| {
            let state = state.clone();
            tokio::spawn(async move {
                let snapshot = engine.snapshot(state).await.unwrap();
                snapshot.read(move |reader| reader.commit(tip)).await.unwrap()
            })
        });
        for task in both {
            task.await.unwrap();
        }
        if round % 3 == 0 {
            // One forgets while the other builds: files may disappear at any time.
            let (left, right) = tokio::join!(other.forget(&world.repo), world.engine.snapshot(state));
            left.unwrap();
            right.unwrap();
        }
    }
    let first = world.snapshot().await;
    let second = other.snapshot(world.database.state()).await.unwrap();
    assert_ne!(first.git_dir(), second.git_dir());
    let third = world.another_engine();
    assert!(first.git_dir().exists() && second.git_dir().exists(), "opening buries the dead only");
    drop((first, third));
    assert_eq!(second.fsck().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_dead_process_left_is_removed() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let alive = world.snapshot().await;
    let dead = world.cache().join("run-dead");
    std::fs::create_dir_all(dead.join("q-1/objects/pack")).unwrap();
    std::fs::write(dead.join("q-1/objects/pack/tmp_pack_x"), "half").unwrap();
    std::fs::write(world.cache().join("run-dead.lock"), "").unwrap();
    let unlocked = world.cache().join("run-older");
    std::fs::create_dir_all(&unlocked).unwrap();
    let _other = world.another_engine();
    assert!(!dead.exists() && !world.cache().join("run-dead.lock").exists() && !unlocked.exists());
    assert!(alive.git_dir().exists());
}

/// A power failure may truncate a cached file.
#[tokio::test]
async fn a_damaged_cached_pack_is_fetched_again() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    drop(world.snapshot().await);
    let packs = world.cache().join("packs/repo-1");
    for extension in ["pack", "idx"] {
        let file = std::fs::read_dir(&packs)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|found| found == extension))
            .unwrap();
        let size = std::fs::metadata(&file).unwrap().len();
        for damage in [0, size - 1] {
            let broken = std::fs::read(&file).unwrap()[..usize::try_from(damage).unwrap()].to_vec();
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, broken).unwrap();
            let fresh = world.another_engine();
            let snapshot = fresh.snapshot(world.database.state()).await.unwrap();
            assert_eq!(snapshot.fsck().await.unwrap(), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn bytes_that_are_not_what_the_row_says_are_refused() {
    let world = World::new();
    let noise: Vec<u8> = (0..200_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    world.commit(vec![put("big", noise)]).await.unwrap();
    let pack = world.database.state().packs[0].clone();
    assert!(!pack.inline);
    let file = world.folder.path().join(format!("store/packs/repo-1/{}.pack", pack.key));
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    bad[1000] ^= 1;
    let short = good[..good.len() - 1].to_vec();
    for damaged in [bad, short, Vec::new()] {
        world.engine.forget(&world.repo).await.unwrap();
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, damaged).unwrap();
        let result = world.engine.snapshot(world.database.state()).await;
        assert!(matches!(result, Err(Error::Corrupt(_))), "{result:?}");
    }
    std::fs::remove_file(&file).unwrap();
    let result = world.engine.snapshot(world.database.state()).await;
    assert!(matches!(&result, Err(Error::Corrupt(text)) if text.contains(&pack.key)), "{result:?}");
    std::fs::write(&file, good).unwrap();
    world.assert_clean().await;
}

#[tokio::test]
async fn idle_packs_beyond_the_limit_leave_the_cache() {
    let world = World::new();
    let mut options: Options = world.options();
    options.cache_bytes = Some(4096);
    let engine = Engine::open(options).unwrap();
    for number in 0..40 {
        world.commit(vec![put("a", number.to_string())]).await.unwrap();
        world.engine.forget(&world.repo).await.unwrap();
    }
    for step in (0..40).step_by(4) {
        let mut state = world.database.state();
        state.generation = step;
        state.packs = state.packs.split_off(usize::try_from(step).unwrap());
        state.refs.clear();
        engine.snapshot(state).await.unwrap();
    }
    let idle: u64 = std::fs::read_dir(world.cache().join("packs/repo-1"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap())
        .filter(|metadata| std::os::unix::fs::MetadataExt::nlink(metadata) == 1)
        .map(|metadata| metadata.len())
        .sum();
    // A trim runs with each download once the limit is near; the last snapshots may have become idle since.
    assert!(idle < 200_000, "{idle} idle bytes");
    let snapshot = engine.snapshot(world.database.state()).await.unwrap();
    assert_eq!(snapshot.fsck().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_database_set_back_does_not_get_the_wrong_snapshot() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let backup = world.database.state();
    let lost = world.commit(vec![put("a", "lost")]).await.unwrap();
    world.snapshot().await;
    world.database.edit(|state| {
        *state = backup.clone();
        state.generation = backup.generation;
    });
    // The same generation number again, with different refs.
    let snapshot = world.snapshot().await;
    assert!(snapshot.state().refs.iter().all(|each| each.target != lost));
    assert!(!snapshot.read(move |reader| reader.contains(lost)).await.unwrap());
}

#[tokio::test]
async fn a_losing_pack_is_never_visible() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let prepare = |text: &'static str| {
        let changes = changeset("main", vec![put("a", text)]);
        let snapshot = Arc::clone(&snapshot);
        async move { snapshot.read(move |reader| commit(reader, &changes)).await.unwrap() }
    };
    let (winner, first) = prepare("winner").await;
    let (loser, second) = prepare("loser").await;
    world.land(&first).await.unwrap();
    assert!(matches!(world.land(&second).await, Err(Error::Conflict(_))));
    // Even if it is in the cache of this process, a pack without a row is not part of any snapshot.
    world.engine.cache_pack(&world.repo, second.pack.as_ref().unwrap()).await.unwrap();
    let now = world.snapshot().await;
    assert!(try_git(now.git_dir(), &["cat-file", "-e", &winner.to_string()], b"").0);
    assert!(!try_git(now.git_dir(), &["cat-file", "-e", &loser.to_string()], b"").0);
}

#[tokio::test]
async fn ten_thousand_refs_are_no_problem() {
    let world = World::new();
    let tip = world.commit(vec![put("a", "1")]).await.unwrap();
    world.database.edit(|state| {
        for number in 0..10_000 {
            let name = RefName::tag(&format!("t{number}")).unwrap();
            state.refs.push(metastore::Ref { name, target: tip, peeled: None });
        }
    });
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["for-each-ref"]).lines().count(), 10_001);
    let found = snapshot.read(|reader| reader.resolve("t9999")).await.unwrap();
    assert_eq!(found, tip);
}
