//! Revisions, trees and blobs, compared with git.

use metastore::{EntryKind, Error, RefName, Side};

use crate::support::{World, ada, git, oid, path, put, real_repository, try_git};

async fn resolve(world: &World, expression: &str) -> Result<String, Error> {
    let expression = expression.to_owned();
    let id = world.snapshot().await.read(move |reader| reader.resolve(&expression)).await?;
    Ok(id.to_string())
}

#[tokio::test]
async fn revisions_are_what_git_says() {
    let world = World::new();
    let mut last = world.commit(vec![put("a", "0")]).await.unwrap();
    for number in 1..5 {
        last = world.commit(vec![put("a", number.to_string())]).await.unwrap();
    }
    world.commit_to("feature/x", vec![put("b", "1")]).await.unwrap();
    let tag = RefName::tag("v1").unwrap();
    let (_, landing) = world.snapshot().await.read(move |reader| reader.tag(&tag, last, "m", &ada())).await.unwrap();
    world.land(&landing).await.unwrap();
    // A branch and a tag of the same name, and a branch that looks like an abbreviated ID.
    let same = RefName::tag("feature/x").unwrap();
    world.database.edit(|state| state.refs.push(metastore::Ref { name: same, target: last, peeled: None }));
    world.commit_to("abcd", vec![put("c", "1")]).await.unwrap();

    let snapshot = world.snapshot().await;
    let short = &last.to_string()[..7];
    for expression in [
        "HEAD",
        "main",
        "heads/main",
        "refs/heads/main",
        "feature/x",
        "refs/heads/feature/x",
        "v1",
        "tags/v1",
        "abcd",
        &last.to_string(),
        short,
        "main~2",
        "main^",
        "main^^",
        "main~1^1~1",
        "v1~3",
        "HEAD~0",
        "main^0",
        "v1^{commit}",
        "v1^{}",
        "main~",
        "main~~",
        "@nothing",
        "nothing",
        "main~5",
        "main^2",
        "abc",
        "ffffffff",
        "0000",
        &"1".repeat(40),
        &last.to_string().to_uppercase(),
        "",
    ] {
        let commit = format!("{expression}^{{commit}}");
        let (known, expected, _) = try_git(snapshot.git_dir(), &["rev-parse", "--verify", "-q", &commit], b"");
        let known = known && !expression.is_empty();
        let found = resolve(&world, expression).await;
        match found {
            Ok(id) => assert!(known && id == expected.trim(), "{expression}: {id} and {expected}"),
            Err(Error::NotFound(_)) => assert!(!known, "{expression} is {expected}"),
            Err(other) => panic!("{expression}: {other}"),
        }
    }
    for malformed in ["main~x", "main^x", "main^{tree", "main~99999999999", "main^{/text}"] {
        assert!(matches!(resolve(&world, malformed).await, Err(Error::Invalid(_))), "{malformed}");
    }
    let tree = git(snapshot.git_dir(), &["rev-parse", "main^{tree}"]);
    assert!(matches!(resolve(&world, tree.trim()).await, Err(Error::NotFound(_))), "a tree is no revision");
}

#[tokio::test]
async fn hidden_refs_name_nothing() {
    let world = World::new();
    let head = world.commit(vec![put("a", "0")]).await.unwrap();
    let name: RefName = "refs/internal/keep".parse().unwrap();
    world.database.edit(|state| state.refs.push(metastore::Ref { name, target: head, peeled: None }));
    for expression in ["refs/internal/keep", "internal/keep"] {
        assert!(matches!(resolve(&world, expression).await, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn abbreviations_of_several_commits_are_refused() {
    // Enough commits that some share their first four digits.
    let commit =
        |number| format!("commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata 1\nm\n", 1_700_000_000 + number);
    let stream = (0..1500).map(commit).collect::<Vec<_>>().concat();
    let source = real_repository(&stream);
    let world = World::new();
    world.import(source.path());
    let mut ids: Vec<_> = git(source.path(), &["rev-list", "main"]).lines().map(str::to_owned).collect();
    ids.sort();
    let twins = ids.windows(2).find(|pair| pair[0][..4] == pair[1][..4]).expect("1500 commits, 65536 prefixes");
    assert!(matches!(resolve(&world, &twins[0][..4]).await, Err(Error::Invalid(_))));
    assert_eq!(resolve(&world, &twins[0][..12]).await.unwrap(), twins[0]);
}

#[tokio::test]
async fn trees_are_what_git_lists() {
    let stream = "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\n\
        M 100644 inline a.b\ndata 3\nabc\n\
        M 100644 inline a/x\ndata 0\n\n\
        M 100755 inline a/run\ndata 2\nhi\n\
        M 120000 inline a/link\ndata 1\nx\n\
        M 100644 inline a-b\ndata 1\n1\n\
        M 100644 inline deep/er/file\ndata 1\n1\n\
        M 160000 1111111111111111111111111111111111111111 sub\n";
    let source = real_repository(stream);
    let world = World::new();
    world.import(source.path());
    let head = oid(git(source.path(), &["rev-parse", "main"]).trim());
    let snapshot = world.snapshot().await;
    for (at, recursive, spec) in [
        (None, false, vec!["main"]),
        (None, true, vec!["-r", "main"]),
        (Some("a"), false, vec!["main", "a/"]),
        (Some("deep"), true, vec!["-r", "main", "deep/"]),
    ] {
        let folder = at.map(path);
        let entries = snapshot.read(move |reader| reader.tree(head, folder.as_ref(), recursive)).await.unwrap();
        let found: Vec<_> = entries
            .iter()
            .map(|entry| {
                let mode = match entry.kind {
                    EntryKind::Folder => "040000 tree",
                    EntryKind::File => "100644 blob",
                    EntryKind::Executable => "100755 blob",
                    EntryKind::Link => "120000 blob",
                    EntryKind::Submodule => "160000 commit",
                };
                let size = entry.size.map_or("-".to_owned(), |size| size.to_string());
                format!("{mode} {} {size:>7}\t{}", entry.id, entry.path)
            })
            .collect();
        let expected = git(source.path(), &[vec!["ls-tree", "-l"], spec].concat());
        assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{at:?}");
    }
    for wrong in ["a.b", "nothing", "a/x/y"] {
        let result = snapshot.read(move |reader| reader.tree(head, Some(&path(wrong)), false)).await;
        assert!(matches!(result, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn blobs_have_a_limit() {
    let world = World::new();
    let head = world.commit(vec![put("f", "0123456789")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let entry = snapshot.read(move |reader| reader.entry(head, &path("f"))).await.unwrap();
    assert_eq!((entry.size, entry.pointer), (Some(10), None));
    let blob = entry.id;
    assert_eq!(snapshot.read(move |reader| reader.blob(blob, 10)).await.unwrap(), "0123456789");
    assert!(matches!(snapshot.read(move |reader| reader.blob(blob, 9)).await, Err(Error::TooLarge(_))));
    assert!(matches!(snapshot.read(move |reader| reader.blob(head, 9)).await, Err(Error::NotFound(_))));
    assert!(matches!(snapshot.read(move |reader| reader.commit(blob)).await, Err(Error::NotFound(_))));
    assert!(matches!(snapshot.read(move |reader| reader.entry(head, &path("g"))).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn many_paths_are_looked_up_at_once() {
    let world = World::new();
    let files = ["a", "d/b", "d/c", "d/e/f", "d.x", "ü/g"];
    let head = world.commit(files.iter().map(|file| put(file, *file)).collect()).await.unwrap();
    let asked =
        ["d/e/f", "nothing", "d", "a", "d/c", "a/x", "d/e", "d/c", "d/nothing", "ü/g", "d.x", "d/e/f/g"].map(path);
    let snapshot = world.snapshot().await;
    snapshot
        .read(move |reader| {
            let found = reader.sides(head, &asked)?;
            for (path, side) in asked.iter().zip(found) {
                let alone = match reader.entry(head, path) {
                    Ok(entry) => Some(Side { kind: entry.kind, id: entry.id }),
                    Err(Error::NotFound(_)) => None,
                    Err(error) => return Err(error),
                };
                assert_eq!(side, alone, "{path}");
            }
            assert!(reader.sides(head, &[])?.is_empty());
            let folder = reader.entry(head, &path("d"))?.id;
            assert_eq!((reader.count_entries(head)?, reader.count_entries(folder)?), (4, 3));
            // The root has 4 entries, the folders in it 3 and 1, and `d/e` one.
            assert_eq!(reader.summary(head, None, Some(9))?, reader.summary(head, None, None)?);
            assert_eq!(reader.summary(head, None, None)?.whole.files, 6);
            assert!(matches!(reader.summary(head, None, Some(8)), Err(Error::TooLarge(_))));
            Ok(())
        })
        .await
        .unwrap();
}

/// All of this passes `git fsck --strict`, so a push may contain it.
#[tokio::test]
async fn strange_but_valid_commits_can_be_read() {
    let world = World::new();
    let source = real_repository("commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\n");
    let tree = git(source.path(), &["rev-parse", "main^{tree}"]);
    let raw = [
        format!("tree {tree}author ").as_bytes(),
        b"\xc5dne  <> 0 +0000\ncommitter J\xf6rg , <x y@z> 99999999999 -1159\nencoding ISO-8859-1\n",
        b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n\xe4 message\xff",
    ]
    .concat();
    let id = crate::support::git_in(source.path(), &["hash-object", "-t", "commit", "-w", "--stdin"], &raw);
    git(source.path(), &["update-ref", "refs/heads/odd", id.trim()]);
    git(source.path(), &["fsck", "--strict"]);
    world.import(source.path());
    let id = oid(id.trim());
    let commit = world.snapshot().await.read(move |reader| reader.commit(id)).await.unwrap();
    assert_eq!(commit.message, "\u{fffd} message\u{fffd}");
    assert_eq!((commit.author.name.as_str(), commit.author.seconds), ("\u{fffd}dne", 0));
    assert_eq!((commit.committer.seconds, commit.committer.offset_minutes), (99_999_999_999, -719));
    let log = world.snapshot().await.read(move |reader| reader.log(id, 10, None, None)).await.unwrap();
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn names_that_are_not_text_are_shown_with_replacements() {
    let source = real_repository(
        "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\n\
         M 100644 inline \"d/\\377.bin\"\ndata 1\nx\nM 100644 inline \"back\\\\slash\"\ndata 1\ny\n",
    );
    let world = World::new();
    world.import(source.path());
    let head = oid(git(source.path(), &["rev-parse", "main"]).trim());
    let snapshot = world.snapshot().await;
    let entries = snapshot.read(move |reader| reader.tree(head, None, true)).await.unwrap();
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["back\\slash", "d/\u{fffd}.bin"]);
    let changes = snapshot.read(move |reader| reader.diff(None, head, true)).await.unwrap();
    assert_eq!(changes.len(), 2);
    // A commit next to them leaves them unchanged.
    world.commit(vec![put("d/new", "z")]).await.unwrap();
    let snapshot = world.snapshot().await;
    let listed = git(snapshot.git_dir(), &["ls-tree", "-r", "--name-only", "main"]);
    assert_eq!(listed, "\"back\\\\slash\"\nd/new\n\"d/\\377.bin\"\n");
}
