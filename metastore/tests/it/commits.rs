//! Commits made by the server.

use std::collections::{BTreeMap, BTreeSet};

use lfs::{Oid, Pointer};
use metastore::{
    Changeset, Content, Edit, Error, FilePath, ObjectId, RefEdit, RefName, RefTransaction, Result, Signature,
};
use proptest::prelude::*;

use crate::support::{World, ada, changeset, commit, copy, delete, git, git_in, path, put, rename};

async fn listing(world: &World) -> String {
    let snapshot = world.snapshot().await;
    git(snapshot.git_dir(), &["ls-tree", "-r", "--name-only", "main"])
}

async fn attempt(world: &World, edits: Vec<Edit>) -> Result<(ObjectId, RefTransaction)> {
    let changes = changeset("main", edits);
    world.snapshot().await.read(move |reader| commit(reader, &changes)).await
}

#[tokio::test]
async fn a_commit_is_what_git_would_have_made() {
    let world = World::new();
    let mut changes = changeset("main", vec![put("dir/a.txt", "hello\n"), put("b", "")]);
    changes.message = "\n\nTitle\n\nBody  \n\n".into();
    let script = Edit::Put { path: path("run.sh"), content: Content::Bytes("#!/bin/sh\n".into()), executable: true };
    changes.edits.push(script);
    let (id, landing) = world.snapshot().await.read(move |reader| commit(reader, &changes)).await.unwrap();
    world.land(&landing).await.unwrap();
    let snapshot = world.snapshot().await;
    let raw = git(snapshot.git_dir(), &["cat-file", "-p", &id.to_string()]);
    let person = "Ada <ada@example.org> 1700000000 +0130";
    let tree = raw.lines().next().unwrap().to_owned();
    assert_eq!(raw, format!("{tree}\nauthor {person}\ncommitter {person}\n\nTitle\n\nBody\n"));
    let tree = git(snapshot.git_dir(), &["ls-tree", "-r", "main"]);
    assert_eq!(
        tree,
        "100644 blob e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\tb\n\
         100644 blob ce013625030ba8dba906f756967f9e9ca394464a\tdir/a.txt\n\
         100755 blob 1a2485251c33a70432394c93fb89330ef214bfc9\trun.sh\n"
    );
    world.assert_clean().await;
}

#[tokio::test]
async fn a_pack_holds_exactly_the_new_objects() {
    let world = World::new();
    world.commit(vec![put("a/x", "1"), put("b/y", "2"), put("c", "3")]).await.unwrap();
    let steps = vec![put("a/x", "draft"), put("a/x", "final"), put("d", "3"), put("gone", "?"), delete("gone")];
    let (_, landing) = attempt(&world, steps).await.unwrap();
    let pack = landing.pack.unwrap();
    // The commit, the root, the folder a, and one blob: not the intermediate tree, not the blob that c has.
    assert_eq!(pack.objects, 4);
}

#[tokio::test]
async fn moves_and_copies_of_files_and_folders() {
    let world = World::new();
    world.commit(vec![put("d/a", "1"), put("d/e/b", "2"), put("top", "3")]).await.unwrap();
    world
        .commit(vec![
            put("d/new", "4"),
            copy("d", "copy"),
            rename("d/e", "moved"),
            copy("top", "copy/e/top"),
            rename("top", "d/bottom"),
            copy("copy", "copy/inner"),
        ])
        .await
        .unwrap();
    let expected = [
        "copy/a",
        "copy/e/b",
        "copy/e/top",
        "copy/inner/a",
        "copy/inner/e/b",
        "copy/inner/e/top",
        "copy/inner/new",
        "copy/new",
        "d/a",
        "d/bottom",
        "d/new",
        "moved/b",
    ];
    assert_eq!(listing(&world).await.lines().collect::<Vec<_>>(), expected);
    world.commit(vec![delete("copy"), rename("d/a", "a"), rename("a", "d/a/b")]).await.unwrap();
    assert_eq!(listing(&world).await.lines().collect::<Vec<_>>(), ["d/a/b", "d/bottom", "d/new", "moved/b"]);
    world.assert_clean().await;
}

/// Trap: the editor of gix silently accepts all of these.
#[tokio::test]
async fn contradictions_are_errors() {
    let world = World::new();
    world.commit(vec![put("dir/file", "1"), put("file", "2")]).await.unwrap();
    for (edits, expected) in [
        (vec![put("dir", "x")], "conflict"),
        (vec![put("file/child", "x")], "conflict"),
        (vec![put("dir/file/a/b", "x")], "conflict"),
        (vec![delete("missing")], "missing"),
        (vec![delete("file/child")], "missing"),
        (vec![delete("dir/other")], "missing"),
        (vec![delete("file"), delete("file")], "missing"),
        (vec![rename("missing", "x")], "missing"),
        (vec![rename("file", "dir")], "conflict"),
        (vec![rename("file", "dir/file")], "conflict"),
        (vec![rename("file", "file")], "invalid"),
        (vec![rename("dir", "dir/sub")], "invalid"),
        (vec![copy("missing", "x")], "missing"),
        (vec![copy("file", "dir/file/x")], "conflict"),
        (vec![put("new/a", "x"), put("new", "x")], "conflict"),
        (vec![put("file", "2")], "unchanged"),
        (vec![put("x", "x"), delete("x")], "unchanged"),
        (vec![], "unchanged"),
    ] {
        let result = attempt(&world, edits.clone()).await;
        let fits = match expected {
            "conflict" => matches!(result, Err(Error::Conflict(_))),
            "missing" => matches!(result, Err(Error::NotFound(_))),
            "invalid" => matches!(result, Err(Error::Invalid(_))),
            _ => matches!(result, Err(Error::Unchanged)),
        };
        assert!(fits, "{edits:?}: {result:?}");
    }
}

/// Trap: git stores no empty folder, but a commit may have the empty tree, and its pack must contain it.
#[tokio::test]
async fn the_last_file_can_go() {
    let world = World::new();
    world.commit(vec![put("a/b/c", "1"), put("a/d", "2")]).await.unwrap();
    world.commit(vec![delete("a/b/c")]).await.unwrap();
    assert_eq!(listing(&world).await, "a/d\n");
    world.commit(vec![delete("a/d")]).await.unwrap();
    assert_eq!(listing(&world).await, "");
    let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    assert!(world.objects().await.iter().any(|id| id == empty));
    world.assert_clean().await;
    world.commit(vec![put("again", "3")]).await.unwrap();
    assert_eq!(listing(&world).await, "again\n");
    let first = World::new();
    assert!(matches!(attempt(&first, vec![]).await, Err(Error::Unchanged)));
}

#[tokio::test]
async fn an_expected_parent_must_be_there() {
    let world = World::new();
    let head = world.commit(vec![put("a", "1")]).await.unwrap();
    let with = |branch: &str, parent| Changeset { parent: Some(parent), ..changeset(branch, vec![put("a", "2")]) };
    let snapshot = world.snapshot().await;
    let mut results = Vec::new();
    for changes in [
        with("main", Some(head)),
        with("other", None),
        with("main", None),
        with("other", Some(head)),
        with("main", Some(ObjectId::from_hex(&[b'1'; 40]).unwrap())),
    ] {
        results.push(snapshot.read(move |reader| commit(reader, &changes)).await);
    }
    assert!(results[0].is_ok() && results[1].is_ok());
    assert!(results[2..].iter().all(|result| matches!(result, Err(Error::Conflict(_)))));
    let mut on_tag = changeset("main", vec![put("a", "2")]);
    on_tag.branch = RefName::tag("v1").unwrap();
    let result = snapshot.read(move |reader| commit(reader, &on_tag)).await;
    assert!(matches!(result, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_branch_cannot_be_the_folder_of_another() {
    let world = World::new();
    world.commit_to("a/b", vec![put("f", "1")]).await.unwrap();
    for clash in ["a", "a/b/c"] {
        let result = world.commit_to(clash, vec![put("f", "1")]).await;
        assert!(matches!(result, Err(Error::Conflict(_))), "{clash}: {result:?}");
    }
    // Prepared concurrently, the transaction decides.
    let changes = ["x", "x/y"].map(|branch| changeset(branch, vec![put("f", "1")]));
    let snapshot = world.snapshot().await;
    let mut outcomes = Vec::new();
    for changes in changes {
        let (_, landing) = snapshot.read(move |reader| commit(reader, &changes)).await.unwrap();
        outcomes.push(world.land(&landing).await);
    }
    assert!(outcomes[0].is_ok() && matches!(outcomes[1], Err(Error::Conflict(_))));
    world.assert_clean().await;
}

#[tokio::test]
async fn pointers_and_existing_blobs() {
    let world = World::new();
    let pointer = Pointer::new(Oid::of(b"data"), 4);
    let place = |at: &str, content| Edit::Put { path: path(at), content, executable: false };
    let head = world.commit(vec![place("data.bin", Content::Pointer(pointer.clone())), put("t", "x")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let entry = snapshot.read(move |reader| reader.entry(head, &path("data.bin"))).await.unwrap();
    assert_eq!(entry.pointer, Some(pointer.clone()));
    let blob = entry.id;
    let shown = git(snapshot.git_dir(), &["cat-file", "blob", &blob.to_string()]);
    assert_eq!(shown, pointer.to_string());
    world.commit(vec![place("again.bin", Content::Existing(blob))]).await.unwrap();
    assert_eq!(listing(&world).await, "again.bin\ndata.bin\nt\n");

    let absent = ObjectId::from_hex(&[b'1'; 40]).unwrap();
    let result = attempt(&world, vec![place("x", Content::Existing(absent))]).await;
    assert!(matches!(result, Err(Error::NotFound(_))));
    let result = attempt(&world, vec![place("x", Content::Existing(head))]).await;
    assert!(matches!(result, Err(Error::Invalid(_))), "a commit is no blob");
}

#[tokio::test]
async fn what_git_fsck_would_refuse_is_refused() {
    let world = World::new();
    let long = "*.bin ".to_owned() + &"x".repeat(3000);
    world.commit(vec![put("long.txt", long.clone()), put("fine", "1")]).await.unwrap();
    for edits in [
        vec![put(".gitmodules", "[submodule \"a\"]\n\tpath = a\n\turl = -u./evil\n")],
        vec![put("deep/.GitModules", "")],
        vec![rename("fine", "gitmod~1")],
        vec![put(".gitattributes", long.clone())],
        vec![put("sub/.gitattributes", long)],
        vec![copy("long.txt", ".gitattributes")],
        vec![rename("long.txt", "d/.gitattributes")],
    ] {
        let result = attempt(&world, edits.clone()).await;
        assert!(matches!(result, Err(Error::Refused(_))), "{edits:?}: {result:?}");
    }
    world.commit(vec![put(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")]).await.unwrap();
    world.assert_clean().await;
}

#[tokio::test]
async fn people_and_messages_are_checked() {
    let world = World::new();
    let snapshot = world.snapshot().await;
    let good = changeset("main", vec![put("a", "1")]);
    let mut bad = Vec::new();
    for name in ["", "A <b>", "A\nB", " A", "A\0"] {
        bad.push(Changeset { author: Signature { name: name.into(), ..ada() }, ..good.clone() });
    }
    for email in ["a>b", "a\nb", "<"] {
        bad.push(Changeset { committer: Signature { email: email.into(), ..ada() }, ..good.clone() });
    }
    for (seconds, offset_minutes) in [(-1, 0), (i64::MAX, 0), (0, 1440), (0, i32::MIN)] {
        bad.push(Changeset { author: Signature { seconds, offset_minutes, ..ada() }, ..good.clone() });
    }
    for message in ["", " \n", "a\0b"] {
        bad.push(Changeset { message: message.into(), ..good.clone() });
    }
    for changes in bad {
        let shown = format!("{changes:?}");
        let result = snapshot.read(move |reader| commit(reader, &changes)).await;
        assert!(matches!(result, Err(Error::Invalid(_))), "{shown}");
    }
    let edge = Signature { name: "Ünï".into(), email: String::new(), seconds: 0, offset_minutes: -1439 };
    let changes = Changeset { author: edge.clone(), committer: edge, ..good };
    let (_, landing) = snapshot.read(move |reader| commit(reader, &changes)).await.unwrap();
    world.land(&landing).await.unwrap();
    world.assert_clean().await;
}

#[tokio::test]
async fn annotated_tags() {
    let world = World::new();
    let head = world.commit(vec![put("a", "1")]).await.unwrap();
    let tag = |name: &'static str, target| {
        let snapshot = world.snapshot();
        async move {
            let name = RefName::tag(name).unwrap();
            snapshot.await.read(move |reader| reader.tag(&name, target, "Version one\n", &ada())).await
        }
    };
    let (id, landing) = tag("v1", head).await.unwrap();
    assert_eq!(landing.edits[0].peeled, Some(head));
    world.land(&landing).await.unwrap();
    let (outer, landing) = tag("meta/v1", id).await.unwrap();
    assert_eq!(landing.edits[0].peeled, Some(head), "through the inner tag");
    world.land(&landing).await.unwrap();
    let snapshot = world.snapshot().await;
    let raw = git(snapshot.git_dir(), &["cat-file", "-p", "v1"]);
    let tagger = "tagger Ada <ada@example.org> 1700000000 +0130";
    assert_eq!(raw, format!("object {head}\ntype commit\ntag v1\n{tagger}\n\nVersion one\n"));
    let read = snapshot.read(move |reader| reader.annotation(outer)).await.unwrap();
    assert_eq!((read.target, read.tagger.unwrap(), read.message.as_str()), (id, ada(), "Version one\n"));
    assert!(matches!(tag("v1", head).await, Err(Error::Conflict(_))));
    assert!(matches!(tag("v1/x", head).await, Err(Error::Conflict(_))));
    let absent = ObjectId::from_hex(&[b'1'; 40]).unwrap();
    assert!(matches!(tag("v2", absent).await, Err(Error::NotFound(_))));
    world.assert_clean().await;
}

#[tokio::test]
async fn a_landing_from_before_a_garbage_collection_does_not_land() {
    let world = World::new();
    world.commit(vec![put("a", "1")]).await.unwrap();
    let (_, landing) = attempt(&world, vec![put("a", "2")]).await.unwrap();
    world.database.edit(|state| state.epoch += 1);
    assert!(matches!(world.land(&landing).await, Err(Error::Conflict(_))));
    world.commit(vec![put("a", "2")]).await.unwrap();
}

#[tokio::test]
async fn copies_of_copies_stay_small() {
    let world = World::new();
    let mut edits: Vec<_> = (0..20).map(|number| put(&format!("a/f{number}"), number.to_string())).collect();
    // Each step doubles the number of files; 2^40 files are 40 trees.
    edits.extend((0..40).map(|step| copy("a", &format!("a/c{step}"))));
    let (_, landing) = attempt(&world, edits).await.unwrap();
    assert!(landing.pack.as_ref().unwrap().objects < 80);
    world.land(&landing).await.unwrap();
    let tip = landing.edits[0].new.unwrap();
    let snapshot = world.snapshot().await;
    let listed = snapshot.read(move |reader| reader.tree(tip, None, true)).await;
    assert!(matches!(listed, Err(Error::TooLarge(_))));
    for renames in [false, true] {
        let compared = snapshot.read(move |reader| reader.diff(None, tip, renames)).await;
        assert!(matches!(compared, Err(Error::TooLarge(_))));
    }
    assert_eq!(snapshot.read(move |reader| reader.tree(tip, None, false)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn folders_nested_as_deep_as_paths_allow() {
    let world = World::new();
    let deep = "d/".repeat(255) + "file";
    let head = world.commit(vec![put(&deep, "1")]).await.unwrap();
    world.commit(vec![rename("d", "e")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let entries = snapshot.read(move |reader| reader.tree(head, None, true)).await.unwrap();
    assert_eq!(entries[0].path, deep);
    for edit in [rename("e", "x/e"), copy("e", "x/e"), rename("e", "e2/x")] {
        assert!(matches!(attempt(&world, vec![edit]).await, Err(Error::Invalid(_))));
    }
    world.assert_clean().await;
    world.commit(vec![delete(&deep.replacen('d', "e", 1))]).await.unwrap();
    assert_eq!(listing(&world).await, "");
    let name = "n".repeat(255);
    world.commit(vec![put(&[&*name; 15].join("/"), "1")]).await.unwrap();
    let long = attempt(&world, vec![rename(&name, &format!("{name}{}", "/x".repeat(200)).replacen('n', "m", 1))]).await;
    assert!(matches!(long, Err(Error::Invalid(_))), "{long:?}");
}

/// Returns the tree that git creates from these files, in a separate object database.
fn tree_by_git(folder: &std::path::Path, files: &BTreeMap<String, String>) -> String {
    git(folder, &["read-tree", "--empty"]);
    let line = |(path, content): (&String, &String)| {
        let blob = git_in(folder, &["hash-object", "-w", "--stdin"], content.as_bytes());
        format!("100644 {}\t{path}\n", blob.trim())
    };
    let index: Vec<_> = files.iter().map(line).collect();
    git_in(folder, &["update-index", "--add", "--index-info"], index.concat().as_bytes());
    git(folder, &["write-tree"]).trim().to_owned()
}

/// Applies an edit to a map of files: `None` if they contradict each other.
fn model(files: &mut BTreeMap<String, String>, edit: &Edit) -> Option<()> {
    let below = |files: &BTreeMap<String, String>, at: &str| -> Vec<String> {
        files.keys().filter(|file| *file == at || file.starts_with(&format!("{at}/"))).cloned().collect()
    };
    let blocked = |files: &BTreeMap<String, String>, at: &str| {
        at.match_indices('/').any(|(end, _)| files.contains_key(&at[..end]))
    };
    match edit {
        Edit::Put { path, content: Content::Bytes(bytes), .. } => {
            let path = path.as_str();
            let folder = files.keys().any(|file| file.starts_with(&format!("{path}/")));
            (!folder && !blocked(files, path)).then_some(())?;
            files.insert(path.into(), String::from_utf8(bytes.to_vec()).unwrap());
        }
        Edit::Put { .. } | Edit::Restore { .. } | Edit::Graft { .. } | Edit::Merge { .. } => {
            unreachable!("the strategy makes none")
        }
        Edit::Delete { path } => {
            let gone = below(files, path.as_str());
            (!gone.is_empty()).then_some(())?;
            files.retain(|file, _| !gone.contains(file));
        }
        Edit::Move { from, to } | Edit::Copy { from, to } => {
            let moves = matches!(edit, Edit::Move { .. });
            let sources = below(files, from.as_str());
            let into_itself = moves && (to == from || to.is_inside(from));
            (!sources.is_empty() && !into_itself).then_some(())?;
            let taken: Vec<_> = sources.iter().map(|file| (file.clone(), files[file].clone())).collect();
            if moves {
                files.retain(|file, _| !sources.contains(file));
            }
            (below(files, to.as_str()).is_empty() && !blocked(files, to.as_str())).then_some(())?;
            for (file, content) in taken {
                files.insert(file.replacen(from.as_str(), to.as_str(), 1), content);
            }
        }
    }
    Some(())
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let place =
        || "[ab]|[abc](/[ab.-]x?){1,3}|a-b|a\\.b".prop_filter("a path", |text| text.parse::<FilePath>().is_ok());
    prop_oneof![
        4 => (place(), "[xyz]{0,3}").prop_map(|(at, content)| put(&at, content)),
        1 => place().prop_map(|at| delete(&at)),
        1 => (place(), place()).prop_map(|(from, to)| rename(&from, &to)),
        1 => (place(), place()).prop_map(|(from, to)| copy(&from, &to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_changesets_give_the_tree_of_git(commits in prop::collection::vec(prop::collection::vec(any_edit(), 1..6), 1..6)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let oracle = tempfile::tempdir().unwrap();
            git(oracle.path(), &["init", "-q", "--bare", "."]);
            let mut files = BTreeMap::new();
            for edits in commits {
                let mut next = files.clone();
                let possible = edits.iter().all(|edit| model(&mut next, edit).is_some());
                let result = world.commit(edits.clone()).await;
                if possible && next != files {
                    let head = result.unwrap_or_else(|error| panic!("{edits:?} on {files:?}: {error}"));
                    let snapshot = world.snapshot().await;
                    let tree = git(snapshot.git_dir(), &["rev-parse", &format!("{head}^{{tree}}")]);
                    assert_eq!(tree.trim(), tree_by_git(oracle.path(), &next), "{edits:?} on {files:?}");
                    files = next;
                } else if possible {
                    assert!(matches!(result, Err(Error::Unchanged)), "{edits:?} on {files:?}: {result:?}");
                } else {
                    assert!(matches!(result, Err(Error::Conflict(_) | Error::NotFound(_) | Error::Invalid(_))));
                }
            }
            world.assert_clean().await;
        });
    }
}

#[tokio::test]
async fn ref_edits_need_no_pack() {
    let world = World::new();
    let head = world.commit(vec![put("a", "1")]).await.unwrap();
    let state = world.database.state();
    let edits = vec![RefEdit { name: RefName::branch("copy").unwrap(), old: None, new: Some(head), peeled: None }];
    world.land(&RefTransaction { generation: state.generation, epoch: 0, pack: None, edits }).await.unwrap();
    world.delete_ref(RefName::branch("main").unwrap()).await;
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["branch", "--list"]).trim(), "copy");
    world.assert_clean().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever path is accepted, git accepts it too and `git fsck` has no complaints.
    #[test]
    fn random_paths_that_pass_are_fine_with_git(
        names in prop::collection::vec(
            "\\PC{1,12}|\\PC{1,4}/\\PC{1,4}|\\.?[gG][iI]?[tT]?~?[0-9 .:]{0,3}|\\.git[a-z]{0,11}|[a-c .~:*?<>|-]{1,5}(/[.a]{1,3}){0,2}",
            1..40,
        ),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let paths: BTreeSet<_> = names.iter().filter_map(|name| name.parse::<FilePath>().ok()).collect();
            // Skips conflicts with earlier names, and files with a meaning to git.
            let snapshot = world.snapshot().await;
            let accepted = snapshot.read(move |reader| {
                let mut edits = Vec::new();
                for path in &paths {
                    edits.push(put(path.as_str(), path.to_string()));
                    if commit(reader, &changeset("main", edits.clone())).is_err() {
                        edits.pop();
                    }
                }
                Ok(edits)
            });
            let accepted = accepted.await.unwrap();
            let name = |edit: &Edit| match edit {
                Edit::Put { path, .. } => path.to_string(),
                _ => unreachable!("only puts were made"),
            };
            let expected: BTreeSet<_> = accepted.iter().map(name).collect();
            if expected.is_empty() {
                return;
            }
            world.commit(accepted).await.unwrap();
            world.assert_clean().await;
            let snapshot = world.snapshot().await;
            let listed = git(snapshot.git_dir(), &["ls-tree", "-r", "-z", "--name-only", "main"]);
            let listed: BTreeSet<_> = listed.split_terminator('\0').map(str::to_owned).collect();
            assert_eq!(listed, expected);
            // Into an index with protection for every file system: git skips names it rejects.
            let oracle = tempfile::tempdir().unwrap();
            git(oracle.path(), &["init", "-q", "--bare", "."]);
            let lines: Vec<_> = expected.iter().map(|name| format!("100644 {}\t{name}\0", "1".repeat(40))).collect();
            let strict = ["-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", "update-index", "--add", "-z", "--index-info"];
            git_in(oracle.path(), &strict, lines.concat().as_bytes());
            assert_eq!(git(oracle.path(), &["ls-files", "-z"]).split_terminator('\0').count(), expected.len());
        });
    }
}
