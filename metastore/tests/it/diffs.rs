//! Diffs, compared with `git diff --raw -M`.

use std::{collections::BTreeMap, fmt::Write as _};

use metastore::{Change, ChangeKind, EntryKind, Side};
use proptest::prelude::*;

use crate::support::{World, git, oid, real_repository};

fn mode(side: Option<Side>) -> &'static str {
    match side.map(|side| side.kind) {
        None => "000000",
        Some(EntryKind::Folder) => "040000",
        Some(EntryKind::File) => "100644",
        Some(EntryKind::Executable) => "100755",
        Some(EntryKind::Link) => "120000",
        Some(EntryKind::Submodule) => "160000",
    }
}

/// Formats the change as `git diff --raw --no-abbrev` does, without the similarity of a rename.
fn raw(change: &Change) -> String {
    let id = |side: Option<Side>| side.map_or(oid(&"0".repeat(40)), |side| side.id);
    let (old, new) = (change.old, change.new);
    let family = |side: Option<Side>| &mode(side)[..2];
    let mark = match &change.kind {
        ChangeKind::Added => "A",
        ChangeKind::Removed => "D",
        ChangeKind::Renamed { .. } => "R",
        ChangeKind::Modified | ChangeKind::ModeChanged if family(old) != family(new) => "T",
        ChangeKind::Modified | ChangeKind::ModeChanged => "M",
    };
    let from = match &change.kind {
        ChangeKind::Renamed { from } => format!("{from}\t"),
        _ => String::new(),
    };
    format!(":{} {} {} {} {mark}\t{from}{}", mode(old), mode(new), id(old), id(new), change.path)
}

fn without_scores(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| {
            let (head, paths) = line.split_once('\t').unwrap();
            format!("{}\t{paths}", head.trim_end_matches(|mark: char| mark.is_ascii_digit()))
        })
        .collect();
    lines.sort_by(|left, right| left.rsplit('\t').next().cmp(&right.rsplit('\t').next()));
    lines
}

async fn compare(world: &World, source: &std::path::Path, old: &str, new: &str, renames: bool) {
    let flag = if renames { "-M" } else { "--no-renames" };
    let expected = without_scores(&git(source, &["diff", "--raw", "--no-abbrev", flag, old, new]));
    let resolve = |name: &str| oid(git(source, &["rev-parse", name]).trim());
    let (left, right) = (resolve(old), resolve(new));
    let changes = world.snapshot().await.read(move |reader| reader.diff(Some(left), right, renames)).await.unwrap();
    let found: Vec<_> = changes.iter().map(raw).collect();
    assert_eq!(found, expected, "{old}..{new}, renames: {renames}");
}

type Files = BTreeMap<String, (&'static str, String)>;

fn stream(states: &[Files]) -> String {
    let mut text = String::new();
    for files in states {
        text += "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\ndeleteall\n";
        for (name, (mode, content)) in files {
            let _ = write!(text, "M {mode} inline {name}\ndata {}\n{content}\n", content.len());
        }
    }
    text
}

fn body(seed: u32, lines: u32) -> String {
    let line = |line: u32| format!("line {} of {seed}\n", line * 7919 + seed * 104_729);
    (0..lines).map(line).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn renames_edits_modes_and_types_are_those_of_git() {
    let plain = |content: String| ("100644", content);
    let mut old = Files::new();
    old.insert("same.csv".into(), plain(body(1, 50)));
    old.insert("moved/whole.csv".into(), plain(body(2, 50)));
    old.insert("moved/edited.csv".into(), plain(body(3, 100)));
    old.insert("moved/rewritten.csv".into(), plain(body(4, 50)));
    old.insert("script".into(), plain("#!/bin/sh\n".into()));
    old.insert("link".into(), plain("target".into()));
    old.insert("folder/a".into(), plain(body(5, 20)));
    old.insert("swap".into(), plain(body(6, 20)));
    old.insert("ünï cödé".into(), plain(body(7, 20)));
    let mut new = Files::new();
    new.insert("same.csv".into(), plain(body(1, 50)));
    new.insert("elsewhere/whole.csv".into(), plain(body(2, 50)));
    new.insert("elsewhere/edited.csv".into(), plain(body(3, 100) + &body(99, 10)));
    new.insert("elsewhere/fresh.csv".into(), plain(body(40, 50)));
    new.insert("script".into(), ("100755", "#!/bin/sh\n".into()));
    new.insert("link".into(), ("120000", "target".into()));
    // A folder became a file, and a file a folder.
    new.insert("folder".into(), plain(body(8, 20)));
    new.insert("swap/inside".into(), plain(body(9, 20)));
    new.insert("ünï cödé".into(), plain(body(10, 20)));
    let source = real_repository(&stream(&[old, new]));
    git(source.path(), &["config", "core.quotePath", "false"]);
    let world = World::new();
    world.import(source.path());
    for renames in [false, true] {
        compare(&world, source.path(), "main~1", "main", renames).await;
        compare(&world, source.path(), "main", "main~1", renames).await;
        compare(&world, source.path(), "main", "main", renames).await;
    }
    let tip = oid(git(source.path(), &["rev-parse", "main"]).trim());
    let all = world.snapshot().await.read(move |reader| reader.diff(None, tip, true)).await.unwrap();
    assert!(all.iter().all(|change| change.kind == ChangeKind::Added && change.old.is_none()));
    assert_eq!(all.len(), git(source.path(), &["ls-tree", "-r", "main"]).lines().count());
}

#[tokio::test]
async fn a_submodule_is_a_change_like_any_other() {
    let text = "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\nM 100644 inline a\ndata 1\nx\n\
        commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\nM 160000 1111111111111111111111111111111111111111 sub\n";
    let source = real_repository(text);
    let world = World::new();
    world.import(source.path());
    compare(&world, source.path(), "main~1", "main", true).await;
    let tip = oid(git(source.path(), &["rev-parse", "main"]).trim());
    let entries = world.snapshot().await.read(move |reader| reader.tree(tip, None, true)).await.unwrap();
    assert_eq!((entries[1].kind, entries[1].size), (EntryKind::Submodule, None));
}

fn any_files() -> impl Strategy<Value = BTreeMap<String, u8>> {
    prop::collection::btree_map("[abc]|[de]/[abc]|[de]/f/[ab]|a-b", 0u8..5, 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_trees_differ_as_git_says(states in prop::collection::vec(any_files(), 2..4)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let states: Vec<Files> = states
                .into_iter()
                .map(|files| {
                    // `a` may be a file or a folder, not both: fast-import replaces one with the other.
                    files.into_iter().map(|(name, content)| {
                        let mode = if content == 4 { "100755" } else { "100644" };
                        (name, (mode, content.to_string()))
                    }).collect()
                })
                .collect();
            let source = real_repository(&stream(&states));
            let world = World::new();
            world.import(source.path());
            let commits = git(source.path(), &["rev-list", "main"]);
            let commits: Vec<_> = commits.lines().collect();
            for pair in commits.windows(2) {
                compare(&world, source.path(), pair[0], pair[1], false).await;
                compare(&world, source.path(), pair[1], pair[0], false).await;
            }
        });
    }

    /// Contents are unique, so that the source of every rename is unambiguous.
    #[test]
    fn random_moves_are_renames(
        places in prop::collection::vec(("[a-d]/[a-d]{2}", "[a-d]/[a-d]{2}", 0u8..3), 1..12),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (mut old, mut new) = (Files::new(), Files::new());
            for (seed, (from, to, what)) in (0u32..).zip(places) {
                let content = body(seed, 40);
                if old.contains_key(&from) || new.contains_key(&from) || old.contains_key(&to) || new.contains_key(&to) {
                    continue;
                }
                old.insert(from, ("100644", content.clone()));
                match what {
                    0 => new.insert(to, ("100644", content)),
                    1 => new.insert(to, ("100644", content + "one more line\n")),
                    _ => None,
                };
            }
            let source = real_repository(&stream(&[old, new]));
            let world = World::new();
            world.import(source.path());
            compare(&world, source.path(), "main~1", "main", true).await;
        });
    }
}

#[tokio::test]
async fn unrelated_small_pointers_are_no_rename() {
    let pointer = |mark: &str| {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n", mark.repeat(64))
    };
    let mut old = Files::new();
    old.insert("a.bin".into(), ("100644", pointer("a")));
    let mut new = Files::new();
    new.insert("b.bin".into(), ("100644", pointer("b")));
    let source = real_repository(&stream(&[old, new]));
    let world = World::new();
    world.import(source.path());
    compare(&world, source.path(), "main~1", "main", true).await;
}
