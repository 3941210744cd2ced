//! What a garbage collection drops, and what it never drops; compared with git's own walk.

#![expect(clippy::format_push_string, clippy::format_collect, reason = "a test need not save allocations")]

use std::collections::{BTreeMap, BTreeSet};

use metastore::{Error, Garbage, Keep, ObjectId, RefEdit, RefName, RefTransaction, Snapshot, State};
use proptest::prelude::*;

use crate::support::{
    World, ada, all_objects, blobs, delete, git, git_in, oid, put, real_repository, rename, try_git, types,
};

/// Returns every object reachable from the refs and `roots`, according to git.
pub(crate) fn reached(snapshot: &Snapshot, roots: &[ObjectId]) -> BTreeSet<String> {
    let roots = types(snapshot.git_dir(), roots.iter().map(ToString::to_string));
    let roots: String = roots.iter().map(|(_, id)| format!("{id}\n")).collect();
    let arguments = ["rev-list", "--objects", "--no-object-names", "--all", "--stdin"];
    git_in(snapshot.git_dir(), &arguments, roots.as_bytes()).lines().map(str::to_owned).collect()
}

/// Returns the number and size of the objects not in `reached`, pack by pack, according to git.
fn garbage_by_git(snapshot: &Snapshot, reached: &BTreeSet<String>) -> Garbage {
    let mut garbage = Garbage::default();
    for pack in &snapshot.state().packs {
        let idx = format!("objects/pack/pack-{}.idx", pack.id);
        let before = garbage.objects;
        for line in git(snapshot.git_dir(), &["verify-pack", "-v", &idx]).lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if words.len() >= 5 && words[0].len() == 40 && !reached.contains(words[0]) {
                garbage.objects += 1;
                garbage.bytes += words[3].parse::<u64>().unwrap();
            }
        }
        if garbage.objects > before {
            garbage.packs.push(pack.id);
        }
    }
    garbage
}

fn sorted(mut garbage: Garbage) -> Garbage {
    garbage.packs.sort_unstable();
    garbage
}

/// Counts and collects, and compares both with git. Returns the remaining objects.
async fn collect_and_compare(world: &World, keep: &Keep) -> BTreeSet<String> {
    let snapshot = world.snapshot().await;
    let reached = reached(&snapshot, &keep.roots);
    let expected = sorted(garbage_by_git(&snapshot, &reached));
    let found = world.engine.find_garbage(&snapshot, keep).await.unwrap();
    assert_eq!(sorted(found), expected);
    let dropped = world.collect(keep).await;
    assert_eq!(dropped.map(sorted), Some(expected).filter(|garbage| garbage.objects > 0));
    let left: BTreeSet<String> = world.objects().await.into_iter().collect();
    assert_eq!(left, reached);
    world.assert_clean().await;
    left
}

fn branch(name: &str) -> RefName {
    RefName::branch(name).unwrap()
}

#[tokio::test]
async fn what_only_a_deleted_branch_reached_is_dropped() {
    let world = World::new();
    world.commit(vec![put("a", "1"), put("folder/b", "2")]).await.unwrap();
    let orphan = world.commit_to("deleted", vec![put("only here", "secret")]).await.unwrap();
    assert_eq!(world.collect(&Keep::default()).await, None, "nothing is garbage yet");
    world.delete_ref(branch("deleted")).await;
    let roots = vec![orphan, oid(&"12".repeat(20))];
    assert_eq!(world.collect(&Keep { roots, ..Keep::default() }).await, None, "the ref log still names it");
    collect_and_compare(&world, &Keep::default()).await;
    let snapshot = world.snapshot().await;
    assert!(!snapshot.read(move |reader| reader.contains(orphan)).await.unwrap());
    assert_eq!(snapshot.state().epoch, 1);
    assert_eq!(world.collect(&Keep::default()).await, None, "all of it is gone");
    // Nothing remains of a repository without refs.
    world.delete_ref(branch("main")).await;
    assert!(collect_and_compare(&world, &Keep::default()).await.is_empty());
    assert!(world.database.state().packs.is_empty());
}

#[tokio::test]
async fn packs_without_garbage_stay_as_they_are() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let before = world.database.state().packs.clone();
    world.commit_to("deleted", vec![put("b", "2")]).await.unwrap();
    world.commit(vec![put("c", "3")]).await.unwrap();
    world.delete_ref(branch("deleted")).await;
    let garbage = world.collect(&Keep::default()).await.unwrap();
    assert_eq!(garbage.packs.len(), 1);
    assert_eq!(garbage.objects, 3, "a commit, its tree, its file");
    let after = world.database.state().packs;
    assert!(before.iter().all(|pack| after.contains(pack)));
    assert_eq!(after.len(), 2, "the third had nothing else in it");
}

#[tokio::test]
async fn a_young_pack_keeps_all_it_has_and_all_that_leads_to() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    world.commit_to("deleted", vec![put("b", "2")]).await.unwrap();
    world.merge_all().await;
    let tip = world.commit_to("deleted", vec![put("c", "3")]).await.unwrap();
    let young = world.database.state().packs.last().unwrap().id;
    world.delete_ref(branch("deleted")).await;
    let keep = Keep { packs: vec![young], ..Keep::default() };
    assert_eq!(world.engine.find_garbage(&world.snapshot().await, &keep).await.unwrap(), Garbage::default());
    assert_eq!(world.collect(&keep).await, None);
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["cat-file", "blob", &format!("{tip}:b")]), "2");
    assert_eq!(world.collect(&Keep::default()).await.unwrap().packs.len(), 2);
}

/// Trap: a push that was checked against the old packs is committed after they have lost objects it depends on.
#[tokio::test]
async fn a_write_that_began_before_a_collection_is_refused() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let tip = world.commit_to("deleted", vec![put("b", "2")]).await.unwrap();
    world.delete_ref(branch("deleted")).await;
    let state = world.database.state();
    let edit = RefEdit { name: branch("back"), old: None, new: Some(tip), peeled: None };
    let landing = RefTransaction { generation: state.generation, epoch: state.epoch, pack: None, edits: vec![edit] };
    world.collect(&Keep::default()).await.unwrap();
    assert!(matches!(world.land(&landing).await, Err(Error::Conflict(_))));
    world.assert_clean().await;
}

#[tokio::test]
async fn a_collection_lands_late_only_where_nothing_of_it_is_needed_again() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let tip = world.commit_to("deleted", vec![put("b", "2")]).await.unwrap();
    world.merge_all().await;
    world.delete_ref(branch("deleted")).await;
    let repacked = world.engine.collect_garbage(&world.snapshot().await, &Keep::default()).await.unwrap().unwrap();
    let gone = oid(&"12".repeat(20));

    world.commit(vec![put("later", "3")]).await.unwrap();
    let newer = world.snapshot().await;
    assert!(world.engine.still_garbage(&repacked, &newer, &[gone]).await.unwrap());
    assert!(!world.engine.still_garbage(&repacked, &newer, &[tip]).await.unwrap(), "the ref log refers to it");
    let edit = |old, new| RefEdit { name: branch("back"), old, new, peeled: None };
    let landing = |edit| RefTransaction {
        generation: newer.state().generation,
        epoch: newer.state().epoch,
        pack: None,
        edits: vec![edit],
    };
    world.land(&landing(edit(None, Some(tip)))).await.unwrap();
    assert!(!world.engine.still_garbage(&repacked, &world.snapshot().await, &[]).await.unwrap());
    world.land(&landing(edit(Some(tip), None))).await.unwrap();

    let newest = world.snapshot().await;
    assert!(world.engine.still_garbage(&repacked, &newest, &[]).await.unwrap());
    world.engine.store(&world.repo, repacked.pack.as_ref().unwrap()).await.unwrap();
    world.database.collect(&repacked, newest.state().generation).unwrap();
    assert_eq!(world.objects().await.into_iter().collect::<BTreeSet<_>>(), reached(&newest, &[]));
    world.assert_clean().await;
    assert!(!world.engine.still_garbage(&repacked, &world.snapshot().await, &[]).await.unwrap(), "it has landed");
}

#[tokio::test]
async fn nothing_is_dropped_from_a_repository_that_is_not_whole() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    world.commit_to("deleted", vec![put("b", "2")]).await.unwrap();
    world.commit(vec![put("c", "3")]).await.unwrap();
    world.delete_ref(branch("deleted")).await;
    world.database.edit(|state| drop(state.packs.remove(0)));
    let snapshot = world.snapshot().await;
    for result in [
        world.engine.find_garbage(&snapshot, &Keep::default()).await.map(drop),
        world.engine.collect_garbage(&snapshot, &Keep::default()).await.map(drop),
    ] {
        assert!(matches!(&result, Err(Error::Corrupt(text)) if text.contains("missing")), "{result:?}");
    }
    // An object missing from a deleted ref does not matter.
    world.delete_ref(branch("main")).await;
    let roots = vec![snapshot.state().refs[0].target];
    assert!(world.collect(&Keep { roots, ..Keep::default() }).await.is_some());
}

/// Tags of everything, submodules, symbolic links, merges, deltas, a commit without files.
#[tokio::test]
async fn the_walk_is_that_of_git() {
    let mut stream = String::from("blob\nmark :1\ndata 4\nlink\n");
    let mut text = String::new();
    for version in 0..60 {
        text.push_str(&format!("line {version} of a file that grows, so that git stores changes\n"));
        let from = if version > 0 { format!("from :{}\n", 99 + version) } else { String::new() };
        stream.push_str(&format!(
            "commit refs/heads/main\nmark :{}\ncommitter A <a@b> {} +0000\ndata 1\nx\n{from}M 644 inline deep/er/file\ndata {}\n{text}\nM 120000 :1 link\nM 100755 inline run{}\ndata 3\nrun\nM 160000 {} sub\n",
            100 + version, 1_700_000_000 + version, text.len(), version % 7, "ab".repeat(20),
        ));
    }
    stream.push_str("commit refs/heads/empty\nmark :200\ncommitter A <a@b> 1700000000 +0000\ndata 1\ne\n\n");
    stream.push_str("commit refs/heads/merged\nmark :201\ncommitter A <a@b> 1700001000 +0000\ndata 1\nm\nfrom :120\nmerge :159\nmerge :200\nM 644 inline merged\ndata 1\nm\n");
    let real = real_repository(&stream);
    let main = git(real.path(), &["rev-parse", "main"]).trim().to_owned();
    for (name, target) in [("tree", "main~3^{tree}"), ("blob", "main~5:deep/er/file"), ("commit", "main~7")] {
        git(real.path(), &["tag", "-a", "-m", name, &format!("of-{name}"), target]);
        git(real.path(), &["update-ref", &format!("refs/plain/{name}"), &format!("of-{name}^{{}}")]);
    }
    git(real.path(), &["tag", "-a", "-m", "t", "of-tag", "of-tree"]);
    git(real.path(), &["repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    let world = World::new();
    world.import(real.path());
    let packed = git(real.path(), &["count-objects", "-v"]);
    assert!(packed.contains("packs: 1"), "{packed}");

    let whole = collect_and_compare(&world, &Keep::default()).await;
    assert_eq!(whole, reached(&*world.snapshot().await, &[]));
    // Ref by ref, each time leaving something else behind.
    while let Some(name) = world.database.state().refs.last().map(|each| each.name.clone()) {
        world.delete_ref(name).await;
        let keep = Keep { roots: vec![oid(&main)], ..Keep::default() };
        collect_and_compare(&world, &keep).await;
    }
    assert!(collect_and_compare(&world, &Keep::default()).await.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Put {
        branch: u8,
        file: u8,
        content: u8,
    },
    Delete {
        branch: u8,
        file: u8,
    },
    Rename {
        branch: u8,
        from: u8,
        to: u8,
    },
    Drop {
        branch: u8,
    },
    /// Creates a branch at the position of another one, current or past.
    Branch {
        branch: u8,
        at: u8,
    },
    Tag {
        at: u8,
    },
    Merge,
    Collect {
        roots: u8,
        young: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let branch = 0u8..4;
    let file = 0u8..6;
    prop_oneof![
        6 => (branch.clone(), file.clone(), 0u8..4).prop_map(|(branch, file, content)| Step::Put { branch, file, content }),
        2 => (branch.clone(), file.clone()).prop_map(|(branch, file)| Step::Delete { branch, file }),
        1 => (branch.clone(), file.clone(), file).prop_map(|(branch, from, to)| Step::Rename { branch, from, to }),
        3 => branch.clone().prop_map(|branch| Step::Drop { branch }),
        2 => (branch, any::<u8>()).prop_map(|(branch, at)| Step::Branch { branch, at }),
        1 => any::<u8>().prop_map(|at| Step::Tag { at }),
        1 => Just(Step::Merge),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(roots, young)| Step::Collect { roots, young }),
    ]
}

/// Builds a random history and remembers everything that ever existed.
struct Player {
    world: World,
    /// Every commit ever made, with its files.
    made: Vec<(ObjectId, BTreeMap<String, String>)>,
    tags: usize,
}

impl Player {
    fn target(&self, name: &RefName) -> Option<ObjectId> {
        self.world.database.state().find(name).map(|each| each.target)
    }

    async fn write(
        &mut self,
        branch_name: &str,
        edit: metastore::Edit,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) {
        let tip = self.target(&branch(branch_name));
        let Ok(id) = self.world.commit_to(branch_name, vec![edit]).await else { return };
        let mut files = tip
            .and_then(|tip| self.made.iter().rev().find(|(id, _)| *id == tip))
            .map(|(_, files)| files.clone())
            .unwrap_or_default();
        change(&mut files);
        self.made.push((id, files));
    }

    /// Returns true if git still has a complete commit.
    async fn is_there(&self, id: ObjectId) -> bool {
        let snapshot = self.world.snapshot().await;
        try_git(snapshot.git_dir(), &["rev-list", "--objects", "--quiet", &id.to_string()], b"").0
    }

    async fn play(&mut self, step: Step) {
        let file =
            |number: u8| if number.is_multiple_of(2) { format!("f{number}") } else { format!("folder/f{number}") };
        match step {
            Step::Put { branch, file: number, content } => {
                let (path, text) = (file(number), format!("content {content}"));
                let edit = put(&path, text.clone());
                self.write(&format!("b{branch}"), edit, |files| drop(files.insert(path, text))).await;
            }
            Step::Delete { branch, file: number } => {
                let path = file(number);
                self.write(&format!("b{branch}"), delete(&path), |files| drop(files.remove(&path))).await;
            }
            Step::Rename { branch, from, to } => {
                let (from, to) = (file(from), file(to));
                let change = |files: &mut BTreeMap<String, String>| {
                    let content = files.remove(&from).unwrap();
                    files.insert(to.clone(), content);
                };
                self.write(&format!("b{branch}"), rename(&from, &to), change).await;
            }
            Step::Drop { branch: number } => {
                let name = branch(&format!("b{number}"));
                if self.target(&name).is_some() {
                    self.world.delete_ref(name).await;
                }
            }
            Step::Branch { branch: number, at } => {
                let Some((id, _)) = self.made.get(usize::from(at) % self.made.len().max(1)).cloned() else { return };
                let name = branch(&format!("b{number}"));
                // As in a push: only complete commits can become reachable.
                if self.target(&name).is_none() && self.is_there(id).await {
                    let edit = RefEdit { name, old: None, new: Some(id), peeled: None };
                    let State { generation, epoch, .. } = self.world.database.state();
                    self.world
                        .land(&RefTransaction { generation, epoch, pack: None, edits: vec![edit] })
                        .await
                        .unwrap();
                }
            }
            Step::Tag { at } => {
                let Some((id, _)) = self.made.get(usize::from(at) % self.made.len().max(1)).cloned() else { return };
                if self.is_there(id).await {
                    self.tags += 1;
                    let name = RefName::tag(&format!("t{}", self.tags)).unwrap();
                    let snapshot = self.world.snapshot().await;
                    let tag = snapshot.read(move |reader| reader.tag(&name, id, "tag", &ada())).await;
                    self.world.land(&tag.unwrap().1).await.unwrap();
                }
            }
            Step::Merge => {
                if !self.world.database.state().packs.is_empty() {
                    self.world.merge_all().await;
                }
            }
            Step::Collect { roots, young } => {
                let roots = self.made.iter().enumerate().filter(|(number, _)| number % 8 == usize::from(roots % 8));
                let roots: Vec<_> = roots.map(|(_, (id, _))| *id).collect();
                let packs = self.world.database.state().packs;
                let young: Vec<_> = packs
                    .iter()
                    .skip(packs.len() - usize::from(young % 4).min(packs.len()))
                    .map(|pack| pack.id)
                    .collect();
                self.collect(&Keep { roots, packs: young }).await;
            }
        }
    }

    async fn collect(&mut self, keep: &Keep) {
        let before = self.world.snapshot().await;
        let needed = reached(&before, &[]);
        let mut kept = Vec::new();
        for root in &keep.roots {
            // An incomplete root is not kept complete, but its remaining objects are.
            if self.is_there(*root).await {
                kept.push(*root);
            }
        }
        let with_roots = reached(&before, &kept);
        let young: BTreeSet<String> = keep
            .packs
            .iter()
            .flat_map(|id| {
                let index = std::fs::read(before.git_dir().join(format!("objects/pack/pack-{id}.idx"))).unwrap();
                let count = u32::from_be_bytes(index[1028..1032].try_into().unwrap()) as usize;
                (0..count)
                    .map(move |at| ObjectId::from_bytes_or_panic(&index[1032 + at * 20..][..20]).to_string())
                    .collect::<Vec<_>>()
            })
            .collect();
        let all: BTreeSet<String> = all_objects(before.git_dir()).into_iter().collect();
        self.world.collect(keep).await;
        let left: BTreeSet<String> = self.world.objects().await.into_iter().collect();
        assert!(left.is_subset(&all));
        assert!(needed.is_subset(&left), "what a ref reaches was dropped");
        assert!(with_roots.is_subset(&left), "what the ref log reaches was dropped");
        assert!(young.is_subset(&left), "what is young was dropped");
        if keep.packs.is_empty() && kept.len() == keep.roots.len() {
            assert_eq!(left, with_roots, "garbage was left");
        }
        self.world.assert_clean().await;
        self.compare_contents().await;
    }

    /// Checks that every branch still has exactly the files that were written.
    async fn compare_contents(&self) {
        let snapshot = self.world.snapshot().await;
        for each in snapshot.state().refs.iter().filter(|each| each.name.is_branch()) {
            let (_, files) = self.made.iter().rev().find(|(id, _)| *id == each.target).unwrap();
            let listed = git(snapshot.git_dir(), &["ls-tree", "-r", "--name-only", each.name.as_str()]);
            assert_eq!(listed.lines().collect::<BTreeSet<_>>(), files.keys().map(String::as_str).collect());
            let found = blobs(snapshot.git_dir(), files.keys().map(|path| format!("{}:{path}", each.target)));
            assert!(found.iter().eq(files.values()), "{found:?} is not {files:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn in_any_history_what_is_reachable_stays(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut player = Player { world: World::new(), made: Vec::new(), tags: 0 };
            for step in steps {
                player.play(step).await;
            }
            player.collect(&Keep::default()).await;
        });
    }
}
