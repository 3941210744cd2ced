//! Garbage is deleted in steps that can be undone; used objects are never deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use lfs::Oid;
use rutter::collect::{Line, Summary};
use rutter::storage::collect::GcState;
use rutter::types::Visibility;
use rutter_testing::{
    Engine, Person, Pusher, Random, Server, Tree, environment, noise, object_from_pool, pointers, story, text,
};
use serde_json::json;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::db::{count, execute};

/// A server that collects only on request.
async fn server_without_collector(engine: Engine) -> (Server, Person) {
    let server = Server::start_with(engine, |config| config.gc.enabled = false).await;
    let ada = server.person("ada").await;
    (server, ada)
}

async fn collect_dry_run(server: &Server) -> (Summary, Vec<Line>) {
    let mut lines = Vec::new();
    let summary = server.app.collector.run(None, true, |line| lines.push(line)).await.unwrap();
    assert_eq!(summary.problems, Vec::<String>::new());
    (summary, lines)
}

/// Whether the repository has this git object in any pack.
async fn has_git_object(server: &Server, path: &str, id: &str) -> bool {
    let snapshot = server.app.datasets.snapshot(&server.read_grant(path).await).await.unwrap();
    let id = id.parse().unwrap();
    snapshot.read(move |reader| reader.contains(id)).await.unwrap()
}

/// The state of each object.
fn states(lines: &[Line]) -> BTreeMap<String, GcState> {
    lines.iter().map(|line| (line.oid.to_string(), line.fate)).collect()
}

fn size(bytes: &[u8]) -> (u64, u64) {
    (1, bytes.len() as u64)
}

/// A tree with LFS and a remote.
fn tree(server: &Server, person: &Person, path: &str, name: &str) -> Tree {
    let tree = server.tree(name);
    tree.with_lfs(&server.remote(person, path));
    tree
}

/// A commit that has this object in a file, and nothing else that is new.
fn commit(tree: &Tree, bytes: &[u8]) -> String {
    tree.write("data.bin", bytes);
    tree.commit(&Oid::of(bytes).to_string())
}

story! {
    async fn objects_named_by_any_revision_are_never_marked(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let tree = tree(&server, &ada, "ada/data", "work");
        let objects: Vec<Vec<u8>> = (0..7).map(|number| noise(number, 5000)).collect();
        commit(&tree, &objects[0]);
        // Replaced, then deleted: two revisions of history have them.
        commit(&tree, &objects[1]);
        tree.git(&["rm", "-q", "data.bin"]);
        tree.commit("Nothing");
        // Only an annotated tag has this one; only a tag of a file the next; a merge the one after.
        tree.git(&["checkout", "-q", "-b", "side"]);
        commit(&tree, &objects[2]);
        tree.git(&["tag", "-a", "-m", "Kept", "kept"]);
        tree.git(&["checkout", "-q", "main"]);
        tree.git(&["branch", "-q", "-D", "side"]);
        tree.write("other.bin", &objects[3]);
        tree.git(&["add", "other.bin"]);
        tree.git(&["tag", "file", &tree.git(&["rev-parse", ":other.bin"])]);
        tree.git(&["reset", "-q", "--hard"]);
        tree.git(&["checkout", "-q", "-b", "merged"]);
        commit(&tree, &objects[4]);
        tree.git(&["checkout", "-q", "main"]);
        tree.write("main.bin", &objects[5]);
        tree.commit("Beside");
        tree.git(&["merge", "-q", "-m", "Merge", "merged"]);
        // The hook looks at commits only.
        tree.git(&["lfs", "push", "--object-id", "origin", &Oid::of(&objects[3]).to_string()]);
        tree.git(&["push", "-q", "origin", "main", "kept", "file"]);
        // One unused object, so that something is marked at all.
        server.upload(&ada.token, "ada/data", &objects[6]).await;

        let mut seen = Vec::new();
        for _ in 0..4 {
            let (summary, lines) = server.collect().await;
            assert_eq!(summary.git, (0, 0));
            seen.extend(lines);
            server.pass_grace_period();
        }
        assert!(!seen.is_empty());
        assert!(seen.iter().all(|line| line.oid == Oid::of(&objects[6])), "{seen:?}");
        for object in &objects[..6] {
            assert!(server.can_download(&ada, "ada/data", object).await);
        }
        let mirror = server.assert_mirror_complete(&ada, "ada/data", "mirror").await;
        assert_eq!(pointers(&mirror).len(), 6);
    }
}

story! {
    async fn objects_left_by_a_forced_push_are_deleted_in_steps(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let tree = tree(&server, &ada, "ada/data", "work");
        let (kept, old, new) = (noise(1, 4000), noise(2, 5000), noise(3, 6000));
        commit(&tree, &kept);
        let base = tree.git(&["rev-parse", "HEAD"]);
        let left = commit(&tree, &old);
        tree.git(&["push", "-q", "origin", "main"]);
        tree.git(&["reset", "-q", "--hard", &base]);
        commit(&tree, &new);
        tree.git(&["push", "-q", "--force", "origin", "main"]);
        let oid = Oid::of(&old).to_string();

        // The old branch counts during the grace period.
        server.clock.advance(server.app.collector.grace().checked_sub(Duration::from_mins(1)).unwrap());
        let (summary, lines) = server.collect().await;
        assert!(lines.is_empty() && summary.git == (0, 0), "{summary:?}");
        assert!(has_git_object(&server, "ada/data", &left).await);
        // Then it is marked, and git drops the commit, its tree and its blob.
        server.clock.advance(Duration::from_mins(2));
        let (summary, lines) = server.collect().await;
        assert_eq!(states(&lines), BTreeMap::from([(oid.clone(), GcState::Unused)]));
        assert_eq!((summary.unused, summary.released, summary.deleted), (size(&old), (0, 0), (0, 0)));
        assert_eq!(summary.git.0, 3, "{summary:?}");
        assert!(!has_git_object(&server, "ada/data", &left).await);
        let late = server.clock.now().plus(server.app.collector.grace()).0 - lines[0].due.unwrap().0;
        assert!((0..60_000).contains(&late), "{late}");
        // Half of the period is not enough.
        server.clock.advance(server.app.collector.grace() / 2);
        let (_, lines) = server.collect().await;
        assert!(matches!(states(&lines)[&oid], GcState::Waiting(_)), "{lines:?}");
        assert!(server.can_download(&ada, "ada/data", &old).await);
        // The whole period is.
        server.pass_grace_period();
        let usage = "SELECT CAST(SUM(bytes) AS BIGINT) FROM usage";
        assert_eq!(count(&server.app.db, usage).await, 15_000);
        let (summary, lines) = server.collect().await;
        assert_eq!(states(&lines), BTreeMap::from([(oid.clone(), GcState::Released)]));
        assert_eq!(summary.released, size(&old));
        assert!(!server.can_download(&ada, "ada/data", &old).await);
        assert!(server.stored(&oid).exists(), "that can be undone");
        assert_eq!(count(&server.app.db, usage).await, 10_000);

        // After an undo it is as if it had just been found.
        assert_eq!(server.app.storage.restore(None).await.unwrap(), 1);
        assert_eq!(server.app.storage.restore(None).await.unwrap(), 0);
        assert!(server.can_download(&ada, "ada/data", &old).await);
        assert_eq!(count(&server.app.db, usage).await, 15_000);
        let (_, lines) = server.collect().await;
        assert_eq!(states(&lines), BTreeMap::from([(oid.clone(), GcState::Unused)]));
        server.pass_grace_period();
        let (_, lines) = server.collect().await;
        assert_eq!(states(&lines), BTreeMap::from([(oid.clone(), GcState::Released)]));
        server.clock.advance(server.app.collector.grace() / 2);
        let (summary, _) = server.collect().await;
        assert_eq!(summary.deleted, (0, 0));
        assert!(server.stored(&oid).exists());
        server.pass_grace_period();
        let (summary, lines) = server.collect().await;
        assert_eq!(states(&lines), BTreeMap::from([(oid.clone(), GcState::Deleted)]));
        assert_eq!(summary.deleted, size(&old));
        assert!(!server.stored(&oid).exists());
        assert_eq!(server.app.storage.restore(None).await.unwrap(), 0, "it is too late");
        let (summary, lines) = server.collect().await;
        assert!(lines.is_empty() && summary.git == (0, 0), "{lines:?}");

        // A client that still has it can restore it, history included.
        tree.git(&["push", "-q", "--force", "origin", &format!("{left}:refs/heads/main")]);
        assert!(server.can_download(&ada, "ada/data", &old).await);
        assert_eq!(count(&server.app.db, usage).await, 15_000);
        let mirror = server.assert_mirror_complete(&ada, "ada/data", "mirror").await;
        assert_eq!(mirror.git(&["rev-parse", "main"]), left);
    }
}

story! {
    async fn unreachable_git_objects_are_dropped_and_clones_are_unchanged(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let tree = tree(&server, &ada, "ada/data", "work");
        tree.write("README.md", "# Data\n");
        tree.commit("Begin");
        tree.git(&["push", "-q", "origin", "main"]);
        let mut gone = Vec::new();
        for number in 0..3 {
            // A branch with a large file of git's own, so that its pack is a file.
            tree.git(&["checkout", "-q", "-b", &format!("branch-{number}"), "main"]);
            tree.write("large.txt", hex::encode(noise(number, 200_000)));
            tree.write("data.bin", noise(100 + number, 3000));
            gone.push(tree.commit("Large"));
            tree.git(&["push", "-q", "origin", &format!("branch-{number}")]);
            // And something that stays, in a pack of its own.
            tree.git(&["checkout", "-q", "main"]);
            tree.write(&format!("{number}.txt"), hex::encode(noise(50 + number, 50_000)));
            tree.write(&format!("{number}.bin"), noise(200 + number, 3000));
            tree.commit("Stays");
            tree.git(&["push", "-q", "origin", "main"]);
        }
        tree.git(&["push", "-q", "origin", "--delete", "branch-0", "branch-1"]);
        tree.git(&["tag", "safe", "branch-2"]);
        tree.git(&["push", "-q", "origin", "safe"]);
        tree.git(&["push", "-q", "origin", "--delete", "branch-2"]);
        let all = |clone: &Tree| clone.git(&["rev-list", "--objects", "--all"]);
        let before = server.assert_mirror_complete(&ada, "ada/data", "before").await;

        server.pass_grace_period();
        let (summary, lines) = server.collect().await;
        assert_eq!(summary.unused.0, 2, "{lines:?}");
        assert!(summary.git.0 >= 8 && summary.git.1 > 200_000, "{summary:?}");
        for (number, commit) in gone.iter().enumerate() {
            assert_eq!(has_git_object(&server, "ada/data", commit).await, number == 2, "{number}");
        }
        let after = server.assert_mirror_complete(&ada, "ada/data", "after").await;
        assert_eq!(all(&after), all(&before));
        assert_eq!(after.git(&["show-ref"]), before.git(&["show-ref"]));
        // A second run finds nothing, and a cold cache the same.
        let (summary, _) = server.collect().await;
        assert_eq!(summary.git, (0, 0));
        server.pass_grace_period();
        server.app.worker.run_due().await.unwrap();
        let key = server.read_grant("ada/data").await.id().to_string().parse().unwrap();
        server.app.datasets.engine().forget(&key).await.unwrap();
        let cold = server.assert_mirror_complete(&ada, "ada/data", "cold").await;
        assert_eq!(all(&cold), all(&before));

        // Commits on top of deleted ones are pushed with them.
        tree.git(&["checkout", "-q", "branch-0"]);
        commit(&tree, &noise(300, 3000));
        tree.git(&["push", "-q", "origin", "branch-0"]);
        let last = server.assert_mirror_complete(&ada, "ada/data", "last").await;
        assert_eq!(last.git(&["rev-parse", "branch-0~1"]), gone[0]);
    }
}

/// Numbers that change when a collection changes anything.
async fn fingerprint(server: &Server) -> Vec<i64> {
    let mut numbers = Vec::new();
    for query in [
        "SELECT COUNT(*) FROM holding",
        "SELECT COUNT(unused_since) FROM holding",
        "SELECT COUNT(released_at) FROM holding",
        "SELECT COUNT(*) FROM object",
        "SELECT COUNT(orphaned_at) FROM object",
        "SELECT CAST(SUM(generation + gc_epoch) AS BIGINT) FROM dataset",
        "SELECT COUNT(*) FROM git_pack",
        "SELECT COUNT(retired_at) FROM git_pack",
        "SELECT CAST(SUM(bytes + objects) AS BIGINT) FROM usage",
        "SELECT COUNT(*) FROM token",
        "SELECT COUNT(*) FROM upload_session",
    ] {
        numbers.push(count(&server.app.db, query).await);
    }
    numbers
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.to_str().unwrap().to_owned());
        }
    }
    found
}

/// The program, beside the server.
fn rutter(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
    command.env_clear().env("PATH", environment("PATH").unwrap_or_default()).env("HOME", server.folder.path());
    command.env("RUTTER_DATABASE_URL", server.app.config.database_url().expose());
    command.arg("--data").arg(&server.app.config.data).args(arguments).output().unwrap()
}

fn output_of(server: &Server, arguments: &[&str]) -> String {
    let output = rutter(server, arguments);
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Makes everything a week and a bit older, because the program has no other clock.
async fn age_by_weeks(server: &Server) {
    for statement in [
        "UPDATE holding SET unused_since = unused_since - 700000000, released_at = released_at - 700000000",
        "UPDATE object SET orphaned_at = orphaned_at - 700000000",
        "UPDATE git_ref_log SET at = at - 700000000",
        "UPDATE git_pack SET added_at = added_at - 700000000, retired_at = retired_at - 700000000",
    ] {
        execute(&server.app.db, statement).await;
    }
}

story! {
    async fn a_dry_run_shows_what_a_collection_deletes(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let tree = tree(&server, &ada, "ada/data", "work");
        let (kept, old) = (noise(1, 4000), noise(2, 5000));
        commit(&tree, &kept);
        let base = tree.git(&["rev-parse", "HEAD"]);
        commit(&tree, &old);
        tree.git(&["push", "-q", "origin", "main"]);
        tree.git(&["push", "-q", "--force", "origin", &format!("{base}:main")]);
        server.dataset("ada/other", Visibility::Private).await;
        let stray = noise(3, 2000);
        server.upload(&ada.token, "ada/other", &stray).await;
        let (oid, other) = (Oid::of(&old).to_string(), Oid::of(&stray).to_string());
        let line = |said: &str, oid: &str| said.lines().find(|line| line.starts_with(oid)).unwrap_or("").to_owned();
        let store = server.app.config.data.join("store");

        age_by_weeks(&server).await;
        // A dry run changes nothing.
        for words in ["would be marked", "unused since", "would be removed", "would be deleted"] {
            let (before, had) = (fingerprint(&server).await, files(&store));
            let said = output_of(&server, &["gc", "--dry-run"]);
            let without_times = |said: &str| {
                said.split_inclusive('\n').map(|line| line.split(" after 2").next().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(without_times(&said), without_times(&output_of(&server, &["gc", "--dry-run"])));
            assert_eq!((fingerprint(&server).await, files(&store)), (before, had), "{words}");
            assert!(line(&said, &oid).contains(words), "{words}: {said}");
            assert!(line(&said, &other).contains(words), "{words}: {said}");
            assert!(line(&said, &Oid::of(&kept).to_string()).is_empty(), "{said}");
            assert!(line(&said, &oid).contains("5000"), "{said}");
            assert!(said.starts_with("OBJECT"), "{said}");
            match words {
                "would be marked" => {
                    assert!(line(&said, &oid).contains("ada/data") && line(&said, &other).contains("ada/other"));
                    assert!(said.contains(" 3 git objects would be deleted"), "{said}");
                    // One dataset only: the other is left alone.
                    let said = output_of(&server, &["gc", "ada/other"]);
                    assert!(said.contains(" 1 unused objects"), "{said}");
                    assert_eq!(count(&server.app.db, "SELECT COUNT(unused_since) FROM holding").await, 1);
                    let said = output_of(&server, &["gc"]);
                    assert!(said.contains(" 2 unused objects") && said.contains(" 3 git objects deleted"), "{said}");
                }
                "unused since" => {
                    age_by_weeks(&server).await;
                }
                "would be removed" => {
                    let said = output_of(&server, &["gc"]);
                    assert!(said.contains(" 2 objects removed from their datasets"), "{said}");
                    assert!(!server.can_download(&ada, "ada/data", &old).await);
                    assert_eq!(output_of(&server, &["gc", "--undo", "ada/data"]), "restored 1 objects\n");
                    assert!(server.can_download(&ada, "ada/data", &old).await);
                    assert!(!server.can_download(&ada, "ada/other", &stray).await);
                    assert_eq!(output_of(&server, &["gc", "--undo"]), "restored 1 objects\n");
                    assert!(server.can_download(&ada, "ada/other", &stray).await);
                    for _ in 0..2 {
                        output_of(&server, &["gc"]);
                        age_by_weeks(&server).await;
                    }
                }
                _ => {
                    let said = output_of(&server, &["gc"]);
                    assert!(said.contains(" 2 objects deleted, 7000 bytes"), "{said}");
                    assert!(!server.stored(&oid).exists() && !server.stored(&other).exists());
                    assert!(server.stored(&Oid::of(&kept).to_string()).exists());
                }
            }
        }
        server.assert_mirror_complete(&ada, "ada/data", "mirror").await;
        let said = text(&rutter(&server, &["gc", "--undo", "--dry-run"]));
        assert!(said.contains("cannot be used with"), "{said}");
        let unknown = rutter(&server, &["gc", "ada/nothing"]);
        assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown));
    }
}

story! {
    async fn objects_of_a_deleted_dataset_are_deleted_unless_another_dataset_has_them(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let (shared, own) = (noise(1, 4000), noise(2, 5000));
        for name in ["one", "two"] {
            let tree = tree(&server, &ada, &format!("ada/{name}"), name);
            commit(&tree, &shared);
            tree.git(&["push", "-q", "origin", "main"]);
        }
        server.upload(&ada.token, "ada/one", &own).await;
        let (shared_oid, own_oid) = (Oid::of(&shared).to_string(), Oid::of(&own).to_string());
        server.delete_dataset("ada/one").await;

        let (summary, _) = server.collect().await;
        assert_eq!(summary.deleted, (0, 0));
        server.clock.advance(server.app.collector.grace() / 2);
        let (summary, _) = server.collect().await;
        assert_eq!(summary.deleted, (0, 0));
        assert!(server.stored(&own_oid).exists());
        server.pass_grace_period();
        let (summary, lines) = collect_dry_run(&server).await;
        assert_eq!(summary.deleted, size(&own), "{lines:?}");
        let (summary, lines) = server.collect().await;
        assert_eq!(states(&lines), BTreeMap::from([(own_oid.clone(), GcState::Deleted)]));
        assert_eq!(lines[0].dataset, None);
        assert_eq!(summary.deleted, size(&own));
        assert!(!server.stored(&own_oid).exists());
        server.assert_mirror_complete(&ada, "ada/two", "two-mirror").await;

        server.delete_dataset("ada/two").await;
        server.collect().await;
        // Just before its deletion the same bytes are uploaded.
        server.pass_grace_period();
        let tree = tree(&server, &ada, "ada/three", "three");
        commit(&tree, &shared);
        tree.git(&["push", "-q", "origin", "main"]);
        let (summary, _) = server.collect().await;
        assert_eq!(summary.deleted, (0, 0));
        server.assert_mirror_complete(&ada, "ada/three", "three-mirror").await;
        server.delete_dataset("ada/three").await;
        server.collect().await;
        server.pass_grace_period();
        let (summary, _) = server.collect().await;
        assert_eq!(summary.deleted, size(&shared));
        assert!(!server.stored(&shared_oid).exists());
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object").await, 0);
    }
}

story! {
    async fn an_object_referenced_again_in_time_is_kept(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let tree = tree(&server, &ada, "ada/data", "work");
        let (kept, object) = (noise(1, 4000), noise(2, 5000));
        commit(&tree, &kept);
        tree.git(&["push", "-q", "origin", "main"]);
        server.upload(&ada.token, "ada/data", &object).await;
        server.collect().await;
        server.pass_grace_period();
        // Due, but a push references it before the next run.
        commit(&tree, &object);
        tree.git(&["push", "-q", "origin", "main"]);
        for _ in 0..3 {
            let (summary, lines) = server.collect().await;
            assert!(lines.is_empty(), "{summary:?}");
            server.pass_grace_period();
        }
        assert_eq!(count(&server.app.db, "SELECT COUNT(unused_since) FROM holding").await, 0);

        // The server reports that it has it; then it is deleted; then a push references it.
        let late = noise(3, 6000);
        server.upload(&ada.token, "ada/data", &late).await;
        server.collect().await;
        server.pass_grace_period();
        commit(&tree, &late);
        let body = json!({"operation": "upload", "objects": [{"oid": Oid::of(&late), "size": late.len()}]});
        let (_, reply) = server.batch(Some(&ada.token), "ada/data", &body).await;
        assert!(reply["objects"][0]["actions"].is_null(), "{reply}");
        let (summary, _) = server.collect().await;
        assert_eq!(summary.released, size(&late));
        let said = tree.git_fails(&["push", "--no-verify", "origin", "main"]);
        assert!(said.contains("missing on the server") && said.contains("data.bin"), "{said}");
        // Pushed as always, it is sent again.
        tree.git(&["push", "-q", "origin", "main"]);
        assert!(server.can_download(&ada, "ada/data", &late).await);
        server.pass_grace_period();
        server.collect().await;
        server.assert_mirror_complete(&ada, "ada/data", "mirror").await;
    }
}

story! {
    async fn old_records_are_deleted(engine: Engine) {
        let (server, ada) = server_without_collector(engine).await;
        let admin = server.person("bob").await;
        let expire = [rutter::access::tokens::TokenScope::ALL];
        let (name, label) = ("bob".parse().unwrap(), "short".parse().unwrap());
        let hour = Some(Duration::from_hours(1));
        server.app.accounts.add_token(&name, &label, &expire, hour).await.unwrap();
        let tokens = "SELECT COUNT(*) FROM token";
        assert_eq!(count(&server.app.db, tokens).await, 3);
        server.clock.advance(Duration::from_hours(2));
        server.collect().await;
        assert_eq!(count(&server.app.db, tokens).await, 3, "its owner may wonder");
        server.pass_grace_period();
        collect_dry_run(&server).await;
        assert_eq!(count(&server.app.db, tokens).await, 3);
        server.collect().await;
        assert_eq!(count(&server.app.db, tokens).await, 2);
        for person in [&ada, &admin] {
            let reply = server.request("GET", "/ada/nothing.git/info/refs?service=git-upload-pack", Some(&person.token));
            assert_ne!(reply.send().await.unwrap().status(), 401);
        }
    }
}

/// SQLite cannot empty its log under a reader, and every look-up is slower the longer that is.
#[tokio::test(flavor = "multi_thread")]
async fn no_database_reader_stays_open_during_a_collection() {
    let (server, ada) = server_without_collector(Engine::Sqlite).await;
    let tree = tree(&server, &ada, "ada/data", "work");
    commit(&tree, &noise(1, 4000));
    tree.git(&["push", "-q", "origin", "main"]);
    commit(&tree, &noise(2, 5000));
    tree.git(&["push", "-q", "origin", "HEAD:side"]);
    tree.git(&["push", "-q", "origin", ":side"]);
    server.pass_grace_period();
    let url = server.app.config.database_url();
    let mut emptied = Vec::new();
    let runtime = tokio::runtime::Handle::current();
    let empty = async || {
        let options: SqliteConnectOptions = url.expose().parse().unwrap();
        let mut alone = options.busy_timeout(Duration::from_millis(200)).connect().await.unwrap();
        sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut alone).await.unwrap()
    };
    let answer = |_| {
        let done = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(empty())).join());
        emptied.push(done.unwrap());
    };
    server.app.collector.run(None, false, answer).await.unwrap();
    assert_eq!(emptied, [0], "another change interfered");
}

/// One random schedule: three people push to one dataset, another makes and deletes datasets with the same objects,
/// while garbage is collected and weeks go by.
#[expect(clippy::disallowed_methods, reason = "git runs on threads of the test, not of the server")]
async fn schedule(engine: Engine, seed: u64) {
    eprintln!("seed {seed}");
    let (server, ada) = server_without_collector(engine).await;
    // The default branch cannot be deleted, so it is not one of theirs.
    let main = tree(&server, &ada, "ada/data", "main");
    let begin = commit(&main, &noise(999, 1000));
    main.git(&["push", "-q", "origin", "main"]);
    let mut pushers: Vec<Pusher> = (0..3)
        .map(|number| {
            let tree = tree(&server, &ada, "ada/data", &format!("pusher-{number}"));
            Pusher::new(tree, seed * 1000 + number, &format!("ref-{number}"))
        })
        .collect();
    let ended = tokio_util::sync::CancellationToken::new();
    let collecting = async {
        let mut random = Random(seed * 1000 + 10);
        let (mut runs, mut released, mut deleted, mut dropped) = (0, 0, 0, 0);
        while !ended.is_cancelled() {
            let span = server.app.collector.grace() * u32::try_from(random.below(3)).unwrap() / 2;
            server.clock.advance(span + Duration::from_secs(1));
            let (summary, _) = server.collect().await;
            runs += 1;
            released += summary.released.0;
            deleted += summary.deleted.0;
            dropped += summary.git.0;
            match random.below(4) {
                0 => drop(server.app.storage.restore(None).await.unwrap()),
                1 => drop(server.app.worker.run_due().await.unwrap()),
                _ => tokio::time::sleep(Duration::from_millis(random.below(200))).await,
            }
        }
        eprintln!("{runs} runs released {released} and deleted {deleted} objects, and dropped {dropped} of git");
    };
    let deleting = async {
        let mut random = Random(seed * 1000 + 20);
        let mut number = 0;
        while !ended.is_cancelled() {
            let path = format!("ada/other-{number}");
            number += 1;
            server.dataset(&path, Visibility::Private).await;
            for _ in 0..=random.below(3) {
                let bytes = object_from_pool(&mut random);
                let body = json!({"operation": "upload", "objects": [{"oid": Oid::of(&bytes), "size": bytes.len()}]});
                let (_, reply) = server.batch(Some(&ada.token), &path, &body).await;
                let Some(href) = reply["objects"][0]["actions"]["upload"]["href"].as_str() else { continue };
                let status = server.http.put(href).body(bytes).send().await.unwrap().status().as_u16();
                assert!([200, 403, 503].contains(&status), "{status}");
            }
            tokio::time::sleep(Duration::from_millis(random.below(300))).await;
            server.delete_dataset(&path).await;
        }
    };
    let pushing = async {
        let acting = pushers.drain(..).map(|mut pusher| {
            tokio::task::spawn_blocking(move || {
                (0..10).for_each(|_| pusher.change_at_random());
                pusher
            })
        });
        let mut done = Vec::new();
        for task in acting.collect::<Vec<_>>() {
            done.push(task.await.unwrap());
        }
        ended.cancel();
        done
    };
    let (mut pushers, (), ()) = tokio::join!(pushing, collecting, deleting);

    let refused: usize = pushers.iter().map(|pusher| pusher.refused).sum();
    eprintln!("{refused} pushes had to be tried again");
    // Without interference all can push; and once more weeks go by.
    for pusher in &mut pushers {
        let before = pusher.refused;
        pusher.tree.write("last.bin", object_from_pool(&mut pusher.random));
        let commit = pusher.tree.commit("Last");
        pusher.push(&format!("refs/heads/{}", pusher.name), Some(commit));
        assert_eq!(pusher.refused, before, "without interference");
    }
    for round in 0..3 {
        let mirror = server.assert_mirror_complete(&ada, "ada/data", &format!("mirror-{round}")).await;
        let refs = mirror.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let refs: BTreeMap<String, String> =
            refs.lines().map(|line| line.split_once(' ').unwrap()).map(|(a, b)| (a.into(), b.into())).collect();
        let mut acknowledged: BTreeMap<String, String> =
            pushers.iter().flat_map(|pusher| pusher.refs.clone()).collect();
        acknowledged.insert("refs/heads/main".to_owned(), begin.clone());
        assert_eq!(refs, acknowledged, "what was acknowledged is there, and nothing else");
        server.pass_grace_period();
        server.collect().await;
    }
    // In the end only objects of refs are left.
    let mirror = server.assert_mirror_complete(&ada, "ada/data", "mirror-last").await;
    server.pass_grace_period();
    server.collect().await;
    let named = pointers(&mirror).len();
    let (_, lines) = collect_dry_run(&server).await;
    assert!(lines.is_empty(), "{lines:?}");
    assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object").await, i64::try_from(named).unwrap());
    let kept = files(&server.app.config.data.join("store").join("objects"));
    // Beside them, a note for readers of the folder.
    assert_eq!(kept.iter().filter(|path| path.rsplit('/').next().unwrap().len() == 64).count(), named, "{kept:?}");
}

story! {
    async fn a_collection_races_with_pushes_reverts_and_deletions(engine: Engine) {
        // More of them: RUTTER_TEST_SCHEDULES=100.
        let wanted = environment("RUTTER_TEST_SCHEDULES").and_then(|number| number.parse().ok());
        let first = u64::from(std::process::id());
        for seed in first..first + wanted.unwrap_or(2) {
            schedule(engine, seed).await;
        }
    }
}
