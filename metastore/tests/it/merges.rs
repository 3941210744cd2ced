//! Merges, compared with `git merge-tree`.

use std::collections::BTreeMap;

use lfs::{Oid, Pointer};
use metastore::{Change, Changeset, ConflictKind, Content, Edit, Error, Manifest, Merge, ObjectId, RefName, Result};
use proptest::prelude::*;

use crate::support::{World, changeset, commit, delete, git, path, put, try_git};

const NONE: Manifest = Manifest {
    name: "datapackage.json",
    plan: |_, _| Ok(metastore::ManagedFiles::default()),
    merge: |_, _, _, _| None,
};

async fn merge_into(world: &World, into: &str, from: &str) -> Result<Merge> {
    let state = world.database.state();
    let head = |branch: &str| state.find(&RefName::branch(branch).unwrap()).unwrap().target;
    let (ours, theirs) = (head(into), head(from));
    world.snapshot().await.read(move |reader| Ok(reader.merge(ours, theirs, &NONE)?.1)).await
}

/// Commits a merge; returns its tree.
async fn land_merge(world: &World, into: &str, from: &str, edits: Vec<Edit>) -> (ObjectId, String) {
    let state = world.database.state();
    let theirs = state.find(&RefName::branch(from).unwrap()).unwrap().target;
    let changes = Changeset { merged: Some(theirs), ..changeset(into, edits) };
    let (id, landing) = world.snapshot().await.read(move |reader| commit(reader, &changes)).await.unwrap();
    world.land(&landing).await.unwrap();
    let snapshot = world.snapshot().await;
    let tree = git(snapshot.git_dir(), &["rev-parse", &format!("{id}^{{tree}}")]).trim().to_owned();
    (id, tree)
}

async fn branch(world: &World, name: &str, from: &str) {
    let state = world.database.state();
    let target = state.find(&RefName::branch(from).unwrap()).unwrap().target;
    let edit = metastore::RefEdit { name: RefName::branch(name).unwrap(), old: None, new: Some(target), peeled: None };
    let landing = world.snapshot().await.read(move |reader| reader.move_refs(vec![edit.clone()])).await.unwrap();
    world.land(&landing).await.unwrap();
}

fn found(merge: &Merge) -> Vec<(String, ConflictKind)> {
    let Merge::Conflicts(conflicts) = merge else { panic!("{merge:?}") };
    conflicts.iter().map(|conflict| (conflict.path.clone(), conflict.kind)).collect()
}

/// The tree of the merge according to git; `None` if there are conflicts.
fn tree_by_git(clone: &std::path::Path, ours: &str, theirs: &str) -> Option<String> {
    let config = ["-c", "merge.renames=false", "-c", "merge.directoryRenames=false"];
    let arguments = [&config[..], &["merge-tree", "--write-tree", ours, theirs]].concat();
    let (is_clean, out, error) = try_git(clone, &arguments, b"");
    assert_eq!(error, "");
    is_clean.then(|| out.trim().to_owned())
}

async fn cloned(world: &World) -> tempfile::TempDir {
    let (folder, snapshot) = (tempfile::tempdir().unwrap(), world.snapshot().await);
    git(folder.path(), &["clone", "-q", "--bare", snapshot.git_dir().to_str().unwrap(), "."]);
    folder
}

#[tokio::test]
async fn a_branch_that_is_behind_moves_forward() {
    let world = World::new();
    world.commit(vec![put("a", "1\n"), put("d/b", "1\n")]).await.unwrap();
    branch(&world, "work", "main").await;
    assert!(matches!(merge_into(&world, "main", "work").await.unwrap(), Merge::UpToDate));
    world.commit_to("work", vec![put("a", "2\n"), delete("d")]).await.unwrap();
    assert!(matches!(merge_into(&world, "work", "main").await.unwrap(), Merge::UpToDate));
    let Merge::FastForward(edits) = merge_into(&world, "main", "work").await.unwrap() else { panic!() };
    let changed: Vec<&str> = edits.iter().flat_map(Edit::paths).map(metastore::FilePath::as_str).collect();
    assert_eq!(changed, ["d/b", "a"]);
}

#[tokio::test]
async fn a_merge_has_two_parents_even_if_it_changes_nothing() {
    let world = World::new();
    world.commit(vec![put("a", "1\n")]).await.unwrap();
    branch(&world, "work", "main").await;
    let ours = world.commit(vec![put("a", "2\n")]).await.unwrap();
    world.commit_to("work", vec![put("a", "3\n")]).await.unwrap();
    let theirs = world.commit_to("work", vec![put("a", "2\n")]).await.unwrap();
    let Merge::Clean(edits) = merge_into(&world, "main", "work").await.unwrap() else { panic!() };
    assert!(edits.is_empty());
    let (id, _) = land_merge(&world, "main", "work", edits).await;
    let snapshot = world.snapshot().await;
    let parents = git(snapshot.git_dir(), &["log", "-1", "--format=%P", &id.to_string()]);
    assert_eq!(parents.trim(), format!("{ours} {theirs}"));
    assert!(matches!(merge_into(&world, "main", "work").await.unwrap(), Merge::UpToDate));
    world.assert_clean().await;
}

#[tokio::test]
async fn each_kind_of_conflict_names_its_file() {
    let world = World::new();
    let pointer = |text: &str| Content::Pointer(Pointer::new(Oid::of(text.as_bytes()), 3));
    let large = |text: &str| Edit::Put { path: path("large.bin"), content: pointer(text), executable: false };
    let base = vec![
        put("both", "1\n"),
        put("gone-here", "1\n"),
        put("gone-there", "1\n"),
        put("binary", &b"1\0"[..]),
        put("fine", "1\n2\n3\n4\n5\n"),
        put("folder/x", "1\n"),
        put("to-folder", "1\n"),
        large("one"),
    ];
    world.commit(base).await.unwrap();
    branch(&world, "work", "main").await;
    let here = vec![
        put("both", "2\n"),
        delete("gone-here"),
        put("gone-there", "2\n"),
        put("binary", &b"2\0"[..]),
        put("added", "1\n"),
        put("fine", "X\n2\n3\n4\n5\n"),
        put("folder/new", "1\n"),
        put("place", "a file\n"),
        large("two"),
    ];
    world.commit(here).await.unwrap();
    let there = vec![
        put("both", "3\n"),
        put("gone-here", "3\n"),
        delete("gone-there"),
        put("binary", &b"3\0"[..]),
        put("added", "2\n"),
        put("fine", "1\n2\n3\n4\nY\n"),
        delete("folder"),
        put("folder", "a file\n"),
        put("place/x", "in a folder\n"),
        delete("to-folder"),
        put("to-folder/x", "1\n"),
        large("six"),
    ];
    world.commit_to("work", there).await.unwrap();
    let merge = merge_into(&world, "main", "work").await.unwrap();
    let expected = [
        ("added", ConflictKind::BothAdded),
        ("binary", ConflictKind::BothChanged),
        ("both", ConflictKind::BothChanged),
        ("folder", ConflictKind::FileAndFolder),
        ("gone-here", ConflictKind::DeletedByUs),
        ("gone-there", ConflictKind::DeletedByThem),
        ("large.bin", ConflictKind::BothChanged),
        ("place", ConflictKind::FileAndFolder),
    ];
    let expected: Vec<_> = expected.iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect();
    assert_eq!(found(&merge), expected);
    assert_eq!(tree_by_git(cloned(&world).await.path(), "main", "work"), None);
}

#[tokio::test]
async fn attributes_of_both_sides_are_kept() {
    let world = World::new();
    let block = |own: &str, paths: &[&str]| {
        let lines = paths
            .iter()
            .fold(String::new(), |text, path| text + &format!("/{path} filter=lfs diff=lfs merge=lfs -text\n"));
        let begin = "# rutter: files that Git LFS keeps; these lines are rewritten on every save";
        format!("{own}{begin}\n{lines}# rutter: end\n")
    };
    world.commit(vec![put(".gitattributes", block("*.txt text\n", &["a.bin", "b.bin"]))]).await.unwrap();
    branch(&world, "work", "main").await;
    let ours = block("*.txt text\n*.md text\n", &["a.bin", "b.bin", "c.bin"]);
    world.commit(vec![put(".gitattributes", ours)]).await.unwrap();
    let theirs = block("*.txt text\n*.rst text\n", &["b.bin", "d.bin"]);
    world.commit_to("work", vec![put(".gitattributes", theirs)]).await.unwrap();
    let Merge::Clean(edits) = merge_into(&world, "main", "work").await.unwrap() else { panic!() };
    let [Edit::Put { content: Content::Bytes(text), .. }] = &edits[..] else { panic!("{edits:?}") };
    assert_eq!(text, &block("*.txt text\n*.md text\n*.rst text\n", &["b.bin", "c.bin", "d.bin"]));
    // A line that one side changed is not two lines.
    world.commit(vec![put(".gitattributes", "*.txt text eol=lf\n")]).await.unwrap();
    world.commit_to("work", vec![put(".gitattributes", "*.txt -text\n")]).await.unwrap();
    assert_eq!(found(&merge_into(&world, "main", "work").await.unwrap()).len(), 1);
}

#[tokio::test]
async fn histories_that_cross_are_merged_as_git_does() {
    let world = World::new();
    world.commit(vec![put("a", "1\n"), put("b", "1\n"), put("c", "1\n")]).await.unwrap();
    branch(&world, "work", "main").await;
    world.commit(vec![put("a", "2\n")]).await.unwrap();
    world.commit_to("work", vec![put("b", "2\n")]).await.unwrap();
    branch(&world, "main-before", "main").await;
    let Merge::Clean(edits) = merge_into(&world, "main", "work").await.unwrap() else { panic!() };
    land_merge(&world, "main", "work", edits).await;
    let Merge::Clean(edits) = merge_into(&world, "work", "main-before").await.unwrap() else { panic!() };
    land_merge(&world, "work", "main-before", edits).await;
    // With either of the two bases alone, this would be a conflict of `a` or `b`.
    world.commit(vec![put("a", "3\n")]).await.unwrap();
    world.commit_to("work", vec![put("b", "3\n"), put("c", "3\n")]).await.unwrap();
    let Merge::Clean(edits) = merge_into(&world, "main", "work").await.unwrap() else { panic!() };
    let by_git = tree_by_git(cloned(&world).await.path(), "main", "work");
    let (_, tree) = land_merge(&world, "main", "work", edits).await;
    assert_eq!(Some(tree), by_git);

    // Two merges that resolved the same conflict in different ways.
    branch(&world, "one", "main").await;
    branch(&world, "other", "main").await;
    world.commit_to("one", vec![put("a", "one\n")]).await.unwrap();
    world.commit_to("other", vec![put("a", "other\n")]).await.unwrap();
    branch(&world, "one-before", "one").await;
    land_merge(&world, "one", "other", vec![put("a", "both\n")]).await;
    land_merge(&world, "other", "one-before", vec![put("a", "BOTH\n")]).await;
    let crossed = merge_into(&world, "one", "other").await.unwrap();
    assert!(matches!(&crossed, Merge::Unrelated(why) if why.contains("with git")), "{crossed:?}");
    assert_eq!(tree_by_git(cloned(&world).await.path(), "one", "other"), None);
}

#[tokio::test]
async fn unrelated_histories_are_not_merged() {
    let world = World::new();
    world.commit(vec![put("a", "1\n")]).await.unwrap();
    world.commit_to("other", vec![put("b", "1\n")]).await.unwrap();
    let merge = merge_into(&world, "main", "other").await.unwrap();
    assert!(matches!(&merge, Merge::Unrelated(why) if why.contains("no revision in common")), "{merge:?}");
}

#[tokio::test]
async fn paths_that_only_git_can_write_are_refused() {
    let stream = "blob\nmark :1\ndata 1\nx\n\
                  commit refs/heads/main\nmark :2\ncommitter A <a@b> 1 +0000\ndata 1\n1\nM 100644 :1 a\n\
                  commit refs/heads/work\ncommitter A <a@b> 2 +0000\ndata 1\n2\nfrom :2\nM 100644 :1 \"w\\377rong\"\n\
                  commit refs/heads/main\ncommitter A <a@b> 3 +0000\ndata 1\n3\nfrom :2\nM 100644 :1 b\n";
    let world = World::new();
    world.import(crate::support::real_repository(stream).path());
    assert!(matches!(merge_into(&world, "main", "work").await, Err(Error::Invalid(_))));
    let Merge::Clean(edits) = merge_into(&world, "work", "main").await.unwrap() else { panic!() };
    assert_eq!(edits.len(), 1, "on our own side, such a path is no obstacle");
}

/// Files by name; the content is what the lines say.
type Files = BTreeMap<&'static str, (Vec<u8>, bool)>;

fn any_content() -> impl Strategy<Value = Vec<u8>> {
    // No line twice: of several shortest diffs, git may take another one.
    prop::sample::subsequence(b"abcdefgh".to_vec(), 0..=8).prop_shuffle()
}

fn any_changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    // Few different lines, so that changes repeat each other.
    prop::collection::vec((0..12usize, 0..5u8, prop::sample::select(b"xyz".to_vec())), 0..3)
}

/// What a side makes of a file: `None` deletes it.
fn any_change() -> impl Strategy<Value = Option<Vec<(usize, u8, u8)>>> {
    prop_oneof![1 => Just(None), 8 => any_changes().prop_map(Some)]
}

fn changed(content: &[u8], changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut lines = content.to_vec();
    for (at, what, line) in changes {
        let at = if lines.is_empty() { 0 } else { at % lines.len() };
        match what {
            0 if !lines.is_empty() => _ = lines.remove(at),
            1 | 2 => lines.insert(at, *line),
            _ if !lines.is_empty() => lines[at] = *line,
            _ => {}
        }
    }
    lines
}

fn text(lines: &[u8]) -> Vec<u8> {
    lines.iter().flat_map(|line| [*line, b'\n']).collect()
}

const NAMES: [&str; 6] = ["a", "b", "d", "d/x", "d/y", "e/x"];

fn edits(before: &Files, after: &Files) -> Vec<Edit> {
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| delete(name));
    let come = after.iter().filter(|(name, file)| before.get(*name) != Some(*file));
    let come = come.map(|(name, (lines, executable))| Edit::Put {
        path: path(name),
        content: Content::Bytes(text(lines).into()),
        executable: *executable,
    });
    gone.chain(come).collect()
}

/// A name is a file or a folder: of `d` and `d/x`, the one that comes first stays.
fn possible(files: Files) -> Files {
    let has_file = files.contains_key("d");
    files.into_iter().filter(|(name, _)| !(has_file && name.starts_with("d/"))).collect()
}

/// What a side makes of the file with this number: the changes of its lines (see [`changed`]), and whether it is executable.
type FileChange = (usize, Option<Vec<(usize, u8, u8)>>, bool);

fn side(base: &Files, changes: &[FileChange]) -> Files {
    let mut files = base.clone();
    for (name, change, executable) in changes {
        let name = NAMES[*name];
        match change {
            None => _ = files.remove(name),
            Some(changes) => {
                let before = files.get(name).map(|(lines, _)| lines.clone()).unwrap_or_default();
                files.insert(name, (changed(&before, changes), *executable));
            }
        }
    }
    possible(files)
}

fn any_side() -> impl Strategy<Value = Vec<FileChange>> {
    prop::collection::vec((0..NAMES.len(), any_change(), prop::bool::weighted(0.1)), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_merges_are_those_of_git(
        base in prop::collection::btree_map(0..NAMES.len(), (any_content(), any::<bool>()), 1..5),
        sides in prop::collection::vec((any_side(), any_side()), 1..4),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let base: Files = possible(base.into_iter().map(|(name, file)| (NAMES[name], file)).collect());
            world.commit(edits(&Files::new(), &base)).await.unwrap();
            let mut pairs = Vec::new();
            for (number, (one, other)) in sides.iter().enumerate() {
                for (name, changes) in [("ours", one), ("theirs", other)] {
                    let branch_name = format!("{name}-{number}");
                    branch(&world, &branch_name, "main").await;
                    let edits = edits(&base, &side(&base, changes));
                    if !edits.is_empty() {
                        world.commit_to(&branch_name, edits).await.unwrap();
                    }
                }
                pairs.push((format!("ours-{number}"), format!("theirs-{number}")));
            }
            let clone = cloned(&world).await;
            for (ours, theirs) in pairs {
                let by_git = tree_by_git(clone.path(), &ours, &theirs);
                let tree_of = |branch: &str| git(clone.path(), &["rev-parse", &format!("{branch}^{{tree}}")]).trim().to_owned();
                let merge = merge_into(&world, &ours, &theirs).await.unwrap();
                let ours_to_theirs = match &merge {
                    Merge::UpToDate => Some(tree_of(&ours)),
                    Merge::FastForward(_) => Some(tree_of(&theirs)),
                    Merge::Clean(edits) => Some(land_merge(&world, &ours, &theirs, edits.clone()).await.1),
                    Merge::Conflicts(conflicts) => {
                        assert!(!conflicts.is_empty());
                        None
                    }
                    Merge::Unrelated(why) => panic!("{why}"),
                };
                assert_eq!(ours_to_theirs, by_git, "{merge:?}");
            }
            world.assert_clean().await;
        });
    }
}

/// The edits of a fast-forward are those that the policy is checked against: they must be all of them.
#[tokio::test]
async fn a_fast_forward_names_all_that_changes() {
    let world = World::new();
    world.commit(vec![put("a", "1\n"), put("b", "1\n")]).await.unwrap();
    branch(&world, "work", "main").await;
    world.commit_to("work", vec![put("c", "1\n"), delete("a")]).await.unwrap();
    let last = world.commit_to("work", vec![put("b", "2\n")]).await.unwrap();
    let Merge::FastForward(edits) = merge_into(&world, "main", "work").await.unwrap() else { panic!() };
    world.commit_to("main", edits).await.unwrap();
    let head = world.database.state().find(&RefName::branch("main").unwrap()).unwrap().target;
    let changes: Vec<Change> =
        world.snapshot().await.read(move |reader| reader.diff(Some(head), last, false)).await.unwrap();
    assert_eq!(changes, []);
}
