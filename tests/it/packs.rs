//! Repositories as rows and packs: what is committed, merged and swept.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metastore::{Content, Edit, FilePath, RefName, RepoKey};
use rutter::access::{Actor, Credentials, DatasetGrant, Own, Write};
use rutter::app::App;
use rutter::config::Config;
use rutter::datasets::Datasets;
use rutter::datasets::revisions::CommitMeta;
use rutter::db::packs::PackInsert;
use rutter::error::{Error, Kind};
use rutter::types::{Id, Millis, Role, Secret, Visibility};
use rutter_testing::{Database, Engine, Person, Reply, Server, eventually, noise, story};
use serde_json::json;

use crate::db::{count, execute};

/// One file of its own, too large for a row.
fn put(number: u64) -> Edit {
    Edit::Put {
        path: format!("files/{number}.noise").parse::<FilePath>().unwrap(),
        content: Content::Bytes(noise(number, 70_000).into()),
        executable: false,
    }
}

async fn try_commit(datasets: &Datasets, grant: &DatasetGrant<Write>, edit: Edit) -> Result<(), Error> {
    let done = datasets.commit_operations(grant, vec![edit], CommitMeta::default(), None).await;
    done.map(drop).map_err(|refusal| refusal.error)
}

async fn commit(server: &Server, grant: &DatasetGrant<Write>, number: u64) {
    try_commit(&server.app.datasets, grant, put(number)).await.unwrap();
}

async fn write_grant(server: &Server, path: &str) -> (DatasetGrant<Write>, RepoKey) {
    let grant: DatasetGrant<Write> =
        server.app.access.authorize(&Actor::operator(), &path.parse().unwrap()).await.unwrap();
    let key = grant.id().to_string().parse().unwrap();
    (grant, key)
}

/// The keys of all pack files of a repository.
async fn files(server: &Server, repo: &RepoKey) -> BTreeSet<String> {
    server.app.datasets.engine().list_packs(repo).await.unwrap().into_iter().map(|file| file.key).collect()
}

/// The keys of its live packs.
async fn live(server: &Server, grant: &DatasetGrant<Write>) -> BTreeSet<String> {
    live_in(&server.app, grant.id()).await
}

async fn live_in(app: &App, id: Id) -> BTreeSet<String> {
    let packs = app.db.read().await.unwrap().packs(id).await.unwrap();
    packs.into_iter().filter(|pack| !pack.inline).map(|pack| pack.object_key).collect()
}

const GRACE: Duration = Duration::from_secs(7 * 86_400);

story! {
    async fn the_sweep_deletes_only_retired_and_uncommitted_packs(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.dataset("ada/other", Visibility::Private).await;
        let (grant, repo) = write_grant(&server, "ada/data").await;
        let (other, other_repo) = write_grant(&server, "ada/other").await;
        commit(&server, &other, 99).await;
        for number in 0..34 {
            commit(&server, &grant, number).await;
        }
        let many = files(&server, &repo).await;
        assert_eq!(many.len(), 34);
        eventually("the packs are merged", async || {
            server.app.worker.run_due().await.unwrap();
            live(&server, &grant).await.len() < 34
        })
        .await;
        let merged = live(&server, &grant).await;
        let all = files(&server, &repo).await;
        assert!(all.is_superset(&many) && all.is_superset(&merged), "readers may still need the old ones");

        // An upload that died before it could land, and one that is under way when the sweep comes.
        let stray = |key: &str| server.app.config.data.join("store").join(format!("packs/{repo}/{key}.pack"));
        let announce = async |key: &str, at: Millis| {
            let mut tx = server.app.db.write().await.unwrap();
            tx.insert_upload(key, grant.id(), at).await.unwrap();
            tx.commit().await.unwrap();
            std::fs::write(stray(key), "half a pack").unwrap();
        };
        let some = all.iter().next().unwrap();
        assert!(stray(some).exists(), "the layout of the store: {}", stray(some).display());
        announce("dead", server.clock.now()).await;
        server.app.datasets.sweep(GRACE).await.unwrap();
        assert_eq!(files(&server, &repo).await.len(), all.len() + 1, "all of it is within the grace period");

        server.clock.advance(GRACE + Duration::from_secs(60));
        announce("alive", server.clock.now()).await;
        eventually("what is over is deleted", async || {
            server.app.datasets.sweep(GRACE).await.unwrap();
            files(&server, &repo).await.len() == merged.len() + 1
        })
        .await;
        let mut expected = merged.clone();
        expected.insert("alive".to_owned());
        assert_eq!(files(&server, &repo).await, expected);
        assert_eq!(live(&server, &grant).await, merged);
        assert_eq!(files(&server, &other_repo).await, live(&server, &other).await);

        // Nothing is missing, also to a server that has nothing in its cache.
        server.app.datasets.engine().forget(&repo).await.unwrap();
        assert_eq!(server.app.datasets.check(grant.id()).await.unwrap(), Vec::<String>::new());
        let snapshot = server.app.datasets.snapshot(&grant.narrow()).await.unwrap();
        let count = snapshot.read(|reader| {
            let head = reader.find_ref(&RefName::branch("main")?).unwrap().target;
            Ok(reader.tree(head, None, true)?.len())
        });
        assert_eq!(count.await.unwrap(), 34);
    }
}

story! {
    async fn a_pack_is_recorded_or_swept_but_never_both(engine: Engine) {
        // Without background jobs, whose sweep would delete the rows of this test.
        let folder = tempfile::tempdir().unwrap();
        let database_url = engine.database_url().await.map(Secret::new);
        let config = Config { data: folder.path().join("data"), database_url, ..Config::default() };
        let app = App::open(config).await.unwrap();
        app.accounts.add_user(&"ada".parse().unwrap(), &"ada@example.org".parse().unwrap(), None, false).await.unwrap();
        let creation = app.access.creation(&Actor::operator(), &"ada/data".parse().unwrap()).await.unwrap();
        let id = app.datasets.create(&creation, Visibility::Private, "default").await.unwrap();
        let now = app.clock.now();
        let pack = |pack_id, object_key| PackInsert { pack_id, object_key, pack_bytes: 1, idx_bytes: 1, objects: 1, inline: None };
        let mut tx = app.db.write().await.unwrap();
        for key in ["late", "first", "second"] {
            tx.insert_upload(key, id, now).await.unwrap();
        }
        tx.commit().await.unwrap();

        // Recorded in time: the sweep leaves it alone.
        let mut tx = app.db.write().await.unwrap();
        tx.insert_pack(id, &pack("aa", "first"), now).await.unwrap();
        tx.commit().await.unwrap();
        let later = now.plus(Duration::from_secs(60));
        let mut tx = app.db.write().await.unwrap();
        tx.mark_for_deletion(later, later).await.unwrap();
        tx.commit().await.unwrap();
        let marked = app.db.read().await.unwrap().marked_uploads("", 10).await.unwrap();
        assert_eq!(marked.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["late", "second"]);

        // Too late: its file may be gone already.
        for key in ["late", "never announced"] {
            let mut tx = app.db.write().await.unwrap();
            let error = tx.insert_pack(id, &pack("bb", key), later).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Busy, "{error}");
        }

        // A retired pack that is pushed again gets a new key; the old file stays marked for deletion.
        let mut tx = app.db.write().await.unwrap();
        assert!(tx.retire_pack(id, "aa", later).await.unwrap());
        assert!(!tx.retire_pack(id, "aa", later).await.unwrap(), "another server was faster");
        tx.insert_upload("third", id, later).await.unwrap();
        assert_eq!(tx.insert_pack(id, &pack("aa", "third"), later).await.unwrap(), "third");
        tx.insert_upload("fourth", id, later).await.unwrap();
        assert_eq!(tx.insert_pack(id, &pack("aa", "fourth"), later).await.unwrap(), "third", "it is live");
        tx.commit().await.unwrap();
        assert_eq!(live_in(&app, id).await, BTreeSet::from(["third".to_owned()]));
        assert_eq!(count(&app.db, "SELECT COUNT(*) FROM git_upload").await, 4, "late, second, first, fourth");
    }
}

story! {
    async fn a_push_prepared_before_a_collection_is_refused(server: Server) {
        server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let (grant, _) = write_grant(&server, "ada/data").await;
        commit(&server, &grant, 1).await;
        server.app.datasets.snapshot(&grant.narrow()).await.unwrap();
        // As a collection of another replica would, between this one's snapshot and its transaction.
        execute(&server.app.db, "UPDATE dataset SET gc_epoch = gc_epoch + 1").await;
        let error = try_commit(&server.app.datasets, &grant, put(2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Busy, "{error}");
        execute(&server.app.db, "UPDATE dataset SET generation = generation + 1").await;
        commit(&server, &grant, 2).await;
    }
}

/// A commit, a tree and a file.
const GARBAGE: u64 = 3;

/// A dataset with one pack, of which a part is what no branch has any more.
fn half_garbage(server: &Server, person: &Person, path: &str) {
    let tree = server.tree(path);
    tree.git(&["remote", "add", "origin", &server.remote(person, path)]);
    tree.write("kept.noise", noise(1, 80_000));
    tree.commit("Kept");
    tree.git(&["checkout", "-q", "-b", "side"]);
    tree.write("gone.noise", noise(2, 80_000));
    tree.commit("Gone");
    tree.git(&["push", "-q", "origin", "main", "side"]);
    tree.git(&["push", "-q", "origin", "--delete", "side"]);
}

/// Makes another replica the faster one in taking a pack out of use, as long as no more than `uploads` were announced.
async fn let_others_be_faster(server: &Server, engine: Engine, uploads: i64) {
    let statements = match engine {
        Engine::Sqlite => vec![
            "DROP TRIGGER IF EXISTS faster".to_owned(),
            format!(
                "CREATE TRIGGER faster BEFORE UPDATE OF retired_at ON git_pack
                 WHEN (SELECT COUNT(*) FROM git_upload) <= {uploads} BEGIN SELECT RAISE(IGNORE); END"
            ),
        ],
        Engine::Postgres => vec![
            "DROP TRIGGER IF EXISTS faster ON git_pack".to_owned(),
            format!(
                "CREATE OR REPLACE FUNCTION faster() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN IF (SELECT COUNT(*) FROM git_upload) <= {uploads} THEN RETURN NULL; END IF; RETURN NEW; END'"
            ),
            "CREATE TRIGGER faster BEFORE UPDATE OF retired_at ON git_pack FOR EACH ROW EXECUTE FUNCTION faster()"
                .to_owned(),
        ],
    };
    Database(server.app.db.clone()).execute(&statements).await;
}

story! {
    async fn collection_of_a_busy_dataset_is_retried_and_then_skipped(engine: Engine) {
        let server = Server::start_with(engine, |config| config.gc.enabled = false).await;
        let ada = server.person("ada").await;
        for name in ["busy", "quiet"] {
            half_garbage(&server, &ada, &format!("ada/{name}"));
        }
        server.clock.advance(server.app.collector.grace() + Duration::from_secs(1));
        let announced = "SELECT COUNT(*) FROM git_upload";

        // Other changes always interrupt it.
        let_others_be_faster(&server, engine, i64::MAX).await;
        let summary = server.app.collector.run(None, false, |_| {}).await.unwrap();
        assert_eq!((summary.git, &summary.problems[..]), ((0, 0), &[][..]));
        let changing = "too many concurrent changes to this dataset; try again in a moment";
        let left = ["ada/busy", "ada/quiet"].map(|path| format!("{path}: {changing}"));
        assert_eq!(summary.left, left);
        let attempts = count(&server.app.db, announced).await;
        assert!(attempts >= 4, "each was tried more than once, with a pack each time: {attempts}");

        // They interrupt it once.
        let_others_be_faster(&server, engine, attempts + 1).await;
        let summary = server.app.collector.run(None, false, |_| {}).await.unwrap();
        assert_eq!((summary.git.0, &summary.left[..], &summary.problems[..]), (2 * GARBAGE, &[][..], &[][..]));
        assert_eq!(count(&server.app.db, announced).await, attempts + 1, "one of the datasets was tried twice");
        for name in ["busy", "quiet"] {
            let (grant, _) = write_grant(&server, &format!("ada/{name}")).await;
            assert_eq!(server.app.datasets.check(grant.id()).await.unwrap(), Vec::<String>::new());
            server.clone(&ada, &format!("ada/{name}"), &format!("{name}-clone")).git(&["fsck", "--strict"]);
        }
    }
}

story! {
    async fn garbage_is_collected_while_another_server_commits(engine: Engine) {
        let server = Server::start_with(engine, |config| config.gc.enabled = false).await;
        let ada = server.person("ada").await;
        half_garbage(&server, &ada, "ada/data");
        server.clock.advance(server.app.collector.grace() + Duration::from_secs(1));
        let mut config = server.app.config.clone();
        config.cache = Some(config.data.join("second-cache"));
        let second = App::open_at(config, server.clock.clone()).await.unwrap();
        let (grant, _) = write_grant(&server, "ada/data").await;
        let (done, writing) = (Arc::new(AtomicBool::new(false)), grant.clone());
        let stop = Arc::clone(&done);
        let writer = tokio::spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                match try_commit(&second.datasets, &writing, put(number)).await {
                    Ok(_) => number += 1,
                    // A commit prepared before the collection starts again.
                    Err(error) => assert_eq!(error.kind(), Kind::Busy, "{error}"),
                }
            }
            number
        });
        let mut dropped = 0;
        for _ in 0..3 {
            let summary = server.app.collector.run(None, false, |_| {}).await.unwrap();
            assert_eq!(summary.problems, Vec::<String>::new());
            dropped += summary.git.0;
        }
        done.store(true, Ordering::Relaxed);
        let commits = writer.await.unwrap();
        eventually("all of it is gone", async || {
            // What is merged by now is in a young pack, and has to wait again.
            server.clock.advance(server.app.collector.grace() + Duration::from_secs(1));
            dropped += server.app.collector.run(None, false, |_| {}).await.unwrap().git.0;
            dropped == GARBAGE
        })
        .await;
        assert_eq!(server.app.datasets.check(grant.id()).await.unwrap(), Vec::<String>::new());
        let snapshot = server.app.datasets.snapshot(&grant.narrow()).await.unwrap();
        let files = snapshot.read(|reader| {
            let head = reader.find_ref(&RefName::branch("main")?).unwrap().target;
            Ok(reader.tree(head, None, true)?.len() as u64)
        });
        assert_eq!(files.await.unwrap(), commits + 1, "every revision is there");
    }
}

story! {
    async fn two_servers_on_one_database_see_each_others_commits(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let mut config = server.app.config.clone();
        config.cache = Some(config.data.join("second-cache"));
        let second = App::open(config).await.unwrap();
        let (grant, _) = write_grant(&server, "ada/data").await;
        for number in 0..40 {
            let app = if number % 2 == 0 { &server.app } else { &second };
            try_commit(&app.datasets, &grant, put(number)).await.unwrap();
        }
        // Both want to merge the packs; one of them does.
        let (one, other) = tokio::join!(server.app.datasets.consolidate(grant.id()), second.datasets.consolidate(grant.id()));
        one.unwrap();
        other.unwrap();
        assert!(live(&server, &grant).await.len() < 10);
        for app in [&server.app, &second] {
            let snapshot = app.datasets.snapshot(&grant.narrow()).await.unwrap();
            let count = snapshot.read(|reader| {
                let head = reader.find_ref(&RefName::branch("main")?).unwrap().target;
                Ok(reader.tree(head, None, true)?.len())
            });
            assert_eq!(count.await.unwrap(), 40);
            assert_eq!(app.datasets.check(grant.id()).await.unwrap(), Vec::<String>::new());
        }
    }
}

story! {
    async fn a_commit_respects_locks_and_requires_its_objects(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("lab", &[(&ada, Role::Writer), (&ben, Role::Writer)]).await;
        server.dataset("lab/data", Visibility::Private).await;
        let path = "lab/data".parse().unwrap();
        let as_ben = server.app.access.authenticate(Credentials::Bearer(Secret::new(ben.token.clone()))).await.unwrap();
        let grant: DatasetGrant<Write> = server.app.access.authorize(&as_ben, &path).await.unwrap();
        commit(&server, &grant, 1).await;
        let locked = server.lfs(Some(&ada.token), "lab/data", "locks", &json!({"path": "files/2.noise"})).await;
        assert_eq!(locked.status, 201);
        for edit in [
            put(2),
            Edit::Delete { path: "files".parse().unwrap() },
            Edit::Move { from: "files".parse().unwrap(), to: "moved".parse().unwrap() },
            Edit::Copy { from: "files/1.noise".parse().unwrap(), to: "files/2.noise".parse().unwrap() },
        ] {
            let error = try_commit(&server.app.datasets, &grant, edit.clone()).await.unwrap_err();
            assert_eq!(error.to_string(), "`files/2.noise` is locked by ada; ask them to unlock it", "{edit:?}");
        }
        commit(&server, &grant, 3).await;
    }
}

story! {
    async fn a_deleted_dataset_leaves_no_rows_and_finally_no_files(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.dataset("ada/kept", Visibility::Private).await;
        let (kept, kept_repo) = write_grant(&server, "ada/kept").await;
        commit(&server, &kept, 1).await;
        let (grant, repo) = write_grant(&server, "ada/data").await;
        commit(&server, &grant, 1).await;
        let href = {
            server.upload(&ada.token, "ada/data", b"bytes").await;
            server.download_url(&ada.token, "ada/data", b"bytes").await
        };
        let lock = server.lfs(Some(&ada.token), "ada/data", "locks", &json!({"path": "a.csv"})).await;
        assert_eq!(lock.status, 201);

        let owner: DatasetGrant<Own> = server.app.access.authorize(&Actor::operator(), &"ada/data".parse().unwrap()).await.unwrap();
        server.app.datasets.delete(&owner).await.unwrap();
        for (query, expected) in [
            ("SELECT COUNT(*) FROM dataset", 1),
            ("SELECT COUNT(*) FROM git_ref", 1),
            ("SELECT COUNT(*) FROM git_pack", 1),
            ("SELECT COUNT(*) FROM git_ref_log", 1),
            ("SELECT COUNT(*) FROM holding", 0),
            ("SELECT COUNT(*) FROM lfs_lock", 0),
        ] {
            assert_eq!(count(&server.app.db, query).await, expected, "{query}");
        }
        assert_eq!(Reply::of(server.http.get(&href)).await.status, 404, "URLs that are still good open nothing");
        assert_eq!(Reply::of(server.request("GET", "/ada/data.git/info/lfs/locks", Some(&ada.token))).await.status, 404);
        assert_eq!(files(&server, &repo).await.len(), 1, "the files wait for the end of the grace period");
        server.clock.advance(GRACE + Duration::from_secs(60));
        eventually("they are deleted", async || {
            server.app.datasets.sweep(GRACE).await.unwrap();
            files(&server, &repo).await.is_empty()
        })
        .await;
        assert_eq!(files(&server, &kept_repo).await.len(), 1);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM git_upload").await, 0);

        // The name is free; a new dataset there is another one.
        server.dataset("ada/data", Visibility::Private).await;
        let body = json!({"operation": "download", "objects": [{"oid": lfs::Oid::of(b"bytes"), "size": 5}]});
        let (_, reply) = server.batch(Some(&ada.token), "ada/data", &body).await;
        assert_eq!(reply["objects"][0]["error"]["code"], 404, "{reply}");
    }
}
