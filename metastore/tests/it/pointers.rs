//! LFS pointers over all history, compared with git and git-lfs.

#![expect(clippy::format_push_string, reason = "a test need not save allocations")]

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use lfs::{Oid, Pointer};
use metastore::{Error, ObjectId, RefName, Snapshot};
use proptest::prelude::*;

use crate::{
    garbage::reached,
    support::{World, blobs, git, git_in, oid, put, real_repository, types},
};

type Found = BTreeSet<(String, u64)>;

async fn pointers(world: &World, roots: Vec<ObjectId>) -> Found {
    let batches: Vec<_> = world.snapshot().await.reachable_pointers(roots).try_collect().await.unwrap();
    batches.into_iter().flatten().map(|(oid, size)| (oid.to_string(), size)).collect()
}

/// Returns what git-lfs finds in all refs.
fn by_git_lfs(snapshot: &Snapshot) -> Found {
    let mut found = Found::new();
    let mut size = 0;
    for line in git(snapshot.git_dir(), &["lfs", "ls-files", "--all", "--debug"]).lines() {
        match line.trim().split_once(": ").map(|(key, value)| (key, value.trim())) {
            Some(("size", value)) => size = value.parse().unwrap(),
            Some(("oid", value)) => drop(found.insert((value.trim_start_matches("sha256 ").to_owned(), size))),
            _ => {}
        }
    }
    found
}

/// Returns what our own parser finds in every blob that git finds.
fn by_git(snapshot: &Snapshot, roots: &[ObjectId]) -> Found {
    let objects = types(snapshot.git_dir(), reached(snapshot, roots));
    let ids = objects.into_iter().filter(|(kind, _)| kind == "blob").map(|(_, id)| id);
    let pointers = blobs(snapshot.git_dir(), ids).into_iter().filter_map(|text| Pointer::parse(text.as_bytes()).ok());
    pointers.map(|pointer| (pointer.oid.to_string(), pointer.size)).collect()
}

fn pointer(number: u64) -> String {
    // git-lfs does not list empty objects.
    Pointer::new(Oid::of(&number.to_le_bytes()), number + 1).to_string()
}

#[tokio::test]
async fn what_git_lfs_finds_in_all_history() {
    let mut stream = String::new();
    for version in 0..40u64 {
        let from = if version > 0 { format!("from :{version}\n") } else { String::new() };
        stream.push_str(&format!(
            "commit refs/heads/main\nmark :{}\ncommitter A <a@b> {} +0000\ndata 1\nx\n{from}",
            version + 1,
            1_700_000_000 + version
        ));
        for file in 0..5 {
            let text = pointer(version * 5 + file);
            stream.push_str(&format!("M 644 inline data/{file}.bin\ndata {}\n{text}\n", text.len()));
        }
        // Not pointers: ordinary text, and files that are too long.
        let long = format!("{}{}", pointer(9999), "\n".repeat(1024));
        stream.push_str(&format!("M 644 inline README\ndata 8\nhello {version:02}\n"));
        stream.push_str(&format!("M 644 inline long\ndata {}\n{long}\n", long.len()));
    }
    stream.push_str("commit refs/heads/side\ncommitter A <a@b> 1700000000 +0000\ndata 1\ns\nfrom :3\n");
    let text = pointer(5000);
    stream.push_str(&format!("M 644 inline side.bin\ndata {}\n{text}\n", text.len()));
    let real = real_repository(&stream);
    git(real.path(), &["tag", "-a", "-m", "t", "old", "main~20"]);
    git(real.path(), &["repack", "-q", "-a", "-d", "-f"]);
    let world = World::new();
    world.import(real.path());
    let snapshot = world.snapshot().await;
    let theirs = by_git_lfs(&snapshot);
    assert_eq!(theirs.len(), 201);
    assert_eq!(pointers(&world, Vec::new()).await, theirs);

    // A deleted branch that is still in the ref log.
    let side = snapshot.state().find(&RefName::branch("side").unwrap()).unwrap().target;
    world.delete_ref(RefName::branch("side").unwrap()).await;
    assert_eq!(pointers(&world, Vec::new()).await, by_git_lfs(&*world.snapshot().await));
    assert_eq!(pointers(&world, Vec::new()).await.len(), 200);
    let gone = oid(&"12".repeat(20));
    assert_eq!(pointers(&world, vec![gone, side]).await, theirs);

    // More packs, and objects that are in several of them.
    world.commit(vec![put("new.bin", pointer(6000)), put("again.bin", pointer(0))]).await.unwrap();
    let found = pointers(&world, Vec::new()).await;
    assert_eq!(found, by_git_lfs(&*world.snapshot().await));
    assert_eq!(found.len(), 201);
}

#[tokio::test]
async fn a_blob_or_tree_that_a_ref_names_counts() {
    let real = real_repository("");
    let text = pointer(7);
    let blob = git_in(real.path(), &["hash-object", "-w", "--stdin"], text.as_bytes());
    let tree = git_in(real.path(), &["mktree"], format!("100644 blob {}\tx.bin\n", blob.trim()).as_bytes());
    git(real.path(), &["update-ref", "refs/plain/blob", blob.trim()]);
    let world = World::new();
    world.import(real.path());
    assert_eq!(pointers(&world, Vec::new()).await.len(), 1);
    git(real.path(), &["update-ref", "-d", "refs/plain/blob"]);
    git(real.path(), &["update-ref", "refs/plain/tree", tree.trim()]);
    let world = World::new();
    world.import(real.path());
    assert_eq!(pointers(&world, Vec::new()).await.len(), 1);
}

/// A truncated stream must end with an error, or callers that delete unlisted objects would delete live ones.
#[tokio::test]
async fn a_walk_that_ends_early_says_so() {
    let world = World::new();
    world.commit(vec![put("a.bin", pointer(1))]).await.unwrap();
    world.commit(vec![put("b.bin", pointer(2))]).await.unwrap();
    world.database.edit(|state| drop(state.packs.remove(0)));
    let outcome: Result<Vec<_>, _> = world.snapshot().await.reachable_pointers(Vec::new()).try_collect().await;
    assert!(matches!(outcome, Err(Error::Corrupt(_))), "{outcome:?}");
}

/// A slow consumer of pointers can consolidate packs meanwhile without deadlock.
#[tokio::test]
async fn a_slow_taker_stops_no_maintenance() {
    let world = World::new();
    let mut stream = String::from("commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n");
    for number in 0..20_000 {
        let text = pointer(number);
        stream.push_str(&format!("M 644 inline d{}/{number}\ndata {}\n{text}\n", number % 50, text.len()));
    }
    world.import(real_repository(&stream).path());
    let mut batches = world.snapshot().await.reachable_pointers(Vec::new());
    let first = batches.try_next().await.unwrap().unwrap();
    world.merge_all().await;
    let rest: Vec<_> = batches.try_collect().await.unwrap();
    assert_eq!(first.len() + rest.iter().map(Vec::len).sum::<usize>(), 20_000);
}

#[tokio::test]
async fn an_empty_repository_has_none() {
    assert!(pointers(&World::new(), Vec::new()).await.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn any_history_tells_what_git_reaches(
        commits in prop::collection::vec((0u8..3, 0u8..6, 0u64..30, any::<bool>()), 1..25),
        deleted in 0u8..4,
        merge_at in 0usize..25,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let mut roots = Vec::new();
            for (number, (branch, file, content, is_pointer)) in commits.into_iter().enumerate() {
                let text = if is_pointer { pointer(content) } else { format!("text {content}") };
                let id = world.commit_to(&format!("b{branch}"), vec![put(&format!("d{}/f{file}", file % 2), text)]).await;
                roots.extend(id.ok());
                if number == merge_at {
                    world.merge_all().await;
                }
            }
            let name = RefName::branch(&format!("b{deleted}")).unwrap();
            if world.database.state().find(&name).is_some() {
                world.delete_ref(name).await;
            }
            let snapshot = world.snapshot().await;
            assert_eq!(pointers(&world, Vec::new()).await, by_git(&snapshot, &[]));
            let roots: Vec<_> = roots.into_iter().step_by(3).collect();
            assert_eq!(pointers(&world, roots.clone()).await, by_git(&snapshot, &roots));
        });
    }
}
