//! Inspection of a push before it is committed, compared with real git.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use metastore::{
    Error, ObjectId, PackData, Snapshot,
    wire::{self, Capabilities, Command, Progress, Push, Quarantine, ReceiveLimits},
};

use crate::{
    client::{Clone, Desk, lines, noise},
    raw::empty_pack,
    server::Server,
};

const LIMITS: ReceiveLimits = ReceiveLimits { max_pack_bytes: 1 << 30 };

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).expect("hex")
}

fn command(name: &str, old: Option<&str>, new: Option<&str>) -> Command {
    Command { name: name.into(), old: old.map(id), new: new.map(id) }
}

async fn receive(snapshot: &Arc<Snapshot>, commands: Vec<Command>, pack: &[u8]) -> Result<Quarantine, Error> {
    let push = Push { commands, capabilities: Capabilities::default(), options: Vec::new() };
    wire::receive(snapshot, &push, &mut &pack[..], LIMITS, &Progress::silent()).await
}

/// Returns a pack of everything that `work` has and the server does not.
async fn pack(work: &Clone) -> Vec<u8> {
    let revisions = work.git(["rev-parse", "--branches", "--tags", "--not", "--remotes"]).await + "\n";
    work.pipe(["pack-objects", "--thin", "--revs", "--stdout", "-q"], revisions.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pointers_are_found_among_the_new_blobs() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let pointer = |number: u64| lfs::Pointer::new(lfs::Oid::of(&number.to_le_bytes()), number + 1);
    for number in 0..50 {
        work.write(&format!("old/{number}.bin"), pointer(number).to_string());
    }
    work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.landed()[0].pointers.len(), 50);
    for number in 100..300 {
        work.write(&format!("new/{number}.bin"), pointer(number).to_string());
    }
    work.write("copy-of-an-old-one.bin", pointer(7).to_string());
    // Not a pointer: too long, or not in the exact format.
    work.write("long.txt", format!("{}{}", pointer(400), "x".repeat(1024)));
    work.write("similar.txt", pointer(401).to_string().replace("oid sha256", "oid md5"));
    work.write("empty.txt", "");
    let head = work.commit("b.txt", "two\n").await;
    let snapshot = server.snapshot().await;
    let old = server.target("refs/heads/main");
    let moved = command("refs/heads/main", old.as_deref(), Some(&head));
    let quarantine = receive(&snapshot, vec![moved], &pack(&work).await).await.expect("a good push");
    let found: BTreeSet<_> =
        quarantine.pointers().await.expect("pointers").into_iter().map(|(_, pointer)| pointer.size).collect();
    let expected: BTreeSet<_> = (100..300).map(|number| number + 1).collect();
    assert_eq!(found, expected);
    drop(quarantine);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pointers_that_were_left_behind_are_found_when_they_become_reachable_again() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    let pointer = lfs::Pointer::new(lfs::Oid::of(b"x"), 1);
    let head = work.commit("x.bin", pointer.to_string()).await;
    work.git(["push", "-q", "origin", "main:side"]).await;
    work.git(["push", "-q", "origin", ":side"]).await;
    let made = vec![command("refs/heads/again", None, Some(&head))];
    let sent = work.pipe(["pack-objects", "--revs", "--stdout", "-q"], format!("{head}\n^main~1\n").as_bytes()).await;
    for pack in [empty_pack(), sent] {
        let quarantine = receive(&server.snapshot().await, made.clone(), &pack).await.expect("a good push");
        let found = quarantine.pointers().await.expect("pointers");
        assert_eq!(found.iter().map(|(_, pointer)| pointer).collect::<Vec<_>>(), [&pointer]);
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_sees_old_and_new_objects_and_is_invisible_outside() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let old = work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    let new = work.commit("big.bin", noise(200_000, 1)).await;
    let blob = work.git(["rev-parse", "HEAD:big.bin"]).await;
    let snapshot = server.snapshot().await;
    let moved = command("refs/heads/main", Some(&old), Some(&new));
    let quarantine = receive(&snapshot, vec![moved], &pack(&work).await).await.expect("a good push");
    let (old, new) = (id(&old), id(&new));
    let seen = quarantine.read(move |reader| Ok((reader.contains(old)?, reader.contains(new)?))).await;
    assert_eq!(seen.expect("read"), (true, true));
    let seen = snapshot.read(move |reader| Ok((reader.contains(old)?, reader.contains(new)?))).await;
    assert_eq!(seen.expect("read"), (true, false));
    let paths = quarantine.paths_of(&[id(&blob), id(&"12".repeat(20))]).await.expect("paths");
    assert_eq!(paths, [(id(&blob), "big.bin".to_owned())]);
    assert_eq!(server.quarantines().len(), 1);

    // trap 5.6: besides the old packs there are the two files of the new one, and no .rev or .keep.
    let landing = quarantine.into_transaction(&[Ok(())]).expect("a landing");
    let new_pack = landing.pack.as_ref().expect("a pack");
    let PackData::Files(files) = &new_pack.data else { panic!("too small") };
    let folder = std::fs::read_dir(files.pack().parent().expect("a folder")).expect("the folder");
    let names: Vec<_> = folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().all(|name| matches!(name.rsplit_once('.'), Some((_, "pack" | "idx")))), "{names:?}");
    assert_eq!(names.len(), 4);
    assert_eq!(files.pack().file_name().expect("a name").to_string_lossy(), format!("pack-{}.pack", new_pack.id));
    assert_eq!((landing.generation, landing.epoch), (snapshot.state().generation, 0));

    // The folder exists as long as its pack is needed.
    assert_eq!(server.quarantines().len(), 1);
    drop(landing);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_accepted_commands_are_in_the_landing() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("a.txt", "one\n").await;
    work.git(["tag", "-a", "-m", "one", "v1"]).await;
    let tag = work.git(["rev-parse", "v1"]).await;
    let snapshot = server.snapshot().await;
    let commands = || {
        vec![
            command("refs/heads/main", None, Some(&head)),
            command("refs/tags/v1", None, Some(&tag)),
            command("refs/heads/no", None, Some(&head)),
        ]
    };
    let sent = pack(&work).await;
    let quarantine = receive(&snapshot, commands(), &sent).await.expect("a good push");
    let landing = quarantine.into_transaction(&[Ok(()), Ok(()), Err("no".to_owned())]).expect("a landing");
    let names: Vec<_> = landing.edits.iter().map(|edit| edit.name.as_str()).collect();
    assert_eq!(names, ["refs/heads/main", "refs/tags/v1"]);
    assert_eq!(landing.edits[0].peeled, None);
    assert_eq!(landing.edits[1].peeled, Some(id(&head)));
    assert!(landing.pack.expect("a pack").inline().is_some());

    let quarantine = receive(&snapshot, commands(), &sent).await.expect("a good push");
    let landing = quarantine.into_transaction(&["a", "b", "c"].map(|why| Err(why.to_owned()))).expect("a landing");
    assert!(landing.edits.is_empty() && landing.pack.is_none());
    server.finish().await;
}

/// Creates a history with every kind of change; all its branches except `main` are new to the server.
async fn eventful(work: &Clone) {
    for number in 0..40 {
        work.write(&format!("data/{}/{number}.txt", number % 4), format!("{number}\n").repeat(20));
    }
    work.commit("readme.md", "hello\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    work.git(["mv", "data/0/4.txt", "moved.txt"]).await;
    std::fs::remove_file(work.path.join("data/1/5.txt")).expect("the file");
    work.write("data/2/2.txt", "changed\n");
    work.commit("new/deep/er.txt", "x\n").await;
    // A file becomes a folder, and a folder a file.
    std::fs::remove_file(work.path.join("readme.md")).expect("the file");
    std::fs::remove_dir_all(work.path.join("data/3")).expect("the folder");
    work.write("readme.md/inside.md", "y\n");
    work.commit("data/3", "a file now\n").await;
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(work.path.join("moved.txt"), executable).expect("permissions");
    work.git(["commit", "-q", "-a", "-m", "executable"]).await;
    work.git(["checkout", "-q", "-b", "side", "HEAD~2"]).await;
    work.commit("side.txt", "s\n").await;
    work.commit("data/2/6.txt", "side's\n").await;
    work.git(["checkout", "-q", "main"]).await;
    work.commit("main-only.txt", "m\n").await;
    // A merge with changes of its own.
    work.git(["merge", "-q", "--no-commit", "--no-ff", "side"]).await;
    work.write("data/2/6.txt", "both\n");
    work.commit("evil.txt", "only in the merge\n").await;
    work.git(["checkout", "-q", "-b", "topic", "main"]).await;
    work.commit("topic.txt", "t\n").await;
    work.git(["checkout", "-q", "--orphan", "pages", "main"]).await;
    work.git(["rm", "-r", "-q", "-f", "."]).await;
    work.commit("index.html", "<p>\n").await;
    work.git(["checkout", "-q", "-f", "main"]).await;
}

fn sorted(lines: &str) -> BTreeSet<String> {
    lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_paths_are_those_of_git() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    eventful(&work).await;
    let old = server.target("refs/heads/main").expect("main");
    let heads = ["main", "side", "topic", "pages"];
    let mut commands = Vec::new();
    for name in heads {
        let new = work.git(["rev-parse", name]).await;
        commands.push(command(&format!("refs/heads/as-new-{name}"), None, Some(&new)));
    }
    let main = work.head().await;
    commands.push(command("refs/heads/main", Some(&old), Some(&main)));
    let snapshot = server.snapshot().await;
    let quarantine = receive(&snapshot, commands.clone(), &pack(&work).await).await.expect("a good push");
    assert!(quarantine.check_ref_edits().iter().all(Result::is_ok));

    for (name, made) in heads.iter().zip(&commands) {
        let oracle = ["log", "-c", "--root", "--no-renames", "--name-only", "--format=", name, "--not", "origin/main"];
        let expected = sorted(&work.git(oracle).await);
        assert!(!expected.is_empty());
        assert_eq!(quarantine.changed_paths(made, true).await.expect("paths"), expected, "{name}");
    }
    let expected = sorted(&work.git(["diff", "--no-renames", "--name-only", &old, &main]).await);
    assert!(expected.len() > 10, "{expected:?}");
    let main_commits = quarantine.changed_paths(&commands[0], false).await.expect("paths");
    let all = quarantine.changed_paths(&commands[4], true).await.expect("paths");
    assert_eq!(all, expected.union(&main_commits).cloned().collect());
    assert_eq!(quarantine.changed_paths(&commands[4], false).await.expect("paths"), main_commits);
    let backwards = command("refs/heads/main", Some(&main), Some(&old));
    assert_eq!(quarantine.changed_paths(&backwards, true).await.expect("paths"), expected);
    let pages = commands[3].new.map(|id| id.to_string());
    let expected = sorted(&work.git(["diff", "--no-renames", "--name-only", "main", "pages"]).await);
    let unrelated = command("refs/heads/main", Some(&main), pages.as_deref());
    assert_eq!(quarantine.changed_paths(&unrelated, true).await.expect("paths"), expected);
    let deleted = command("refs/heads/main", Some(&old), None);
    assert!(quarantine.changed_paths(&deleted, true).await.expect("paths").is_empty());
    let unchanged = command("refs/heads/copy", None, Some(&old));
    assert!(quarantine.changed_paths(&unchanged, true).await.expect("paths").is_empty());
    drop(quarantine);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rewriting_is_judged_as_git_does() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    eventful(&work).await;
    work.git(["push", "-q", "origin", "--all"]).await;
    work.git(["tag", "-a", "-m", "one", "v1", "main"]).await;
    work.git(["tag", "-a", "-m", "two", "v2", "main"]).await;
    let names = ["main", "main~1", "main~3", "side", "topic", "pages", "origin/main"];
    let (mut commands, mut expected) = (Vec::new(), Vec::new());
    for old in names {
        for new in names {
            let is_ancestor = work.run(["merge-base", "--is-ancestor", old, new]).await.status.success();
            expected.push(!is_ancestor);
            let (old, new) = (work.git(["rev-parse", old]).await, work.git(["rev-parse", new]).await);
            commands.push(command("refs/heads/any", Some(&old), Some(&new)));
        }
    }
    let tags = [work.git(["rev-parse", "v1"]).await, work.git(["rev-parse", "v2"]).await];
    for (old, new, rewrites) in [(0, 1, true), (0, 0, false)] {
        commands.push(command("refs/tags/v", Some(&tags[old]), Some(&tags[new])));
        expected.push(rewrites);
    }
    commands.push(command("refs/heads/new", None, Some(&work.head().await)));
    commands.push(command("refs/heads/gone", Some(&work.head().await), None));
    commands.push(command("refs/heads/odd", Some(&"12".repeat(20)), Some(&work.head().await)));
    expected.extend([false, false, true]);
    let snapshot = server.snapshot().await;
    let quarantine = receive(&snapshot, commands, &pack(&work).await).await.expect("a good push");
    assert_eq!(quarantine.rewrites().await.expect("answers"), expected);
    drop(quarantine);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_trees_that_name_billions_of_paths_do_no_harm() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let pointer = lfs::Pointer::new(lfs::Oid::of(b"x"), 1).to_string();
    let blob = String::from_utf8(work.pipe(["hash-object", "-w", "--stdin"], pointer.as_bytes()).await).expect("hex");
    let (mut kind, mut inner) = ("100644 blob", blob.trim().to_owned());
    for _ in 0..10 {
        let entries = lines(10, |number| format!("{kind} {inner}\td{number}"));
        inner = String::from_utf8(work.pipe(["mktree"], entries.as_bytes()).await).expect("hex").trim().to_owned();
        kind = "040000 tree";
    }
    let head = work.git(["commit-tree", "-m", "a bomb", &inner]).await;
    work.git(["branch", "bomb", &head]).await;
    let started = Instant::now();
    let snapshot = server.snapshot().await;
    let made = command("refs/heads/bomb", None, Some(&head));
    let quarantine = receive(&snapshot, vec![made.clone()], &pack(&work).await).await.expect("it is well formed");
    assert_eq!(quarantine.pointers().await.expect("pointers").len(), 1);
    assert_eq!(quarantine.paths_of(&[id(blob.trim())]).await.expect("paths").len(), 1);
    assert!(matches!(quarantine.changed_paths(&made, true).await, Err(Error::TooLarge(_))));
    assert!(started.elapsed().as_secs() < 20);
    drop(quarantine);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_pack_is_checked_like_any_other() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    let snapshot = server.snapshot().await;
    let made = vec![command("refs/heads/copy", None, Some(&head))];
    let quarantine = receive(&snapshot, made.clone(), &empty_pack()).await.expect("a good push");
    assert_eq!(quarantine.check_ref_edits(), [Ok(())]);
    let landing = quarantine.into_transaction(&[Ok(())]).expect("a landing");
    assert!(landing.pack.is_none());
    assert_eq!(landing.edits.len(), 1);
    let mut wrong = empty_pack();
    wrong[31] ^= 1;
    assert!(matches!(receive(&snapshot, made, &wrong).await, Err(Error::Invalid(_))));
    server.finish().await;
}
