//! What the database keeps, and what happens in the background.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use rutter::access::{Actor, DatasetGrant, Own};
use rutter::app::App;
use rutter::clock::Clock;
use rutter::db::{Db, Tx};
use rutter::error::Error;
use rutter::jobs::{self, Kind, Wakers, Worker};
use rutter::types::{Role, Secret, Visibility};
use rutter_testing::{Engine, Person, Reply, Server, eventually, story};
use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

/// Runs a statement.
pub(crate) async fn execute(db: &Db, statement: &'static str) {
    let mut tx = db.write().await.unwrap();
    match &mut tx {
        Tx::Sqlite(transaction) => {
            sqlx::query(statement).execute(&mut **transaction).await.unwrap();
        }
        Tx::Postgres(transaction) => {
            sqlx::query(statement).execute(&mut **transaction).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

pub(crate) async fn count(db: &Db, query: &'static str) -> i64 {
    match &mut db.read().await.unwrap() {
        Tx::Sqlite(transaction) => sqlx::query_scalar(query).fetch_one(&mut **transaction).await.unwrap(),
        Tx::Postgres(transaction) => sqlx::query_scalar(query).fetch_one(&mut **transaction).await.unwrap(),
    }
}

story! {
    async fn tables_are_created_once_and_kept(server: Server) {
        server.person("ada").await;
        let url = server.app.config.database_url();
        let again = Db::connect(&url).await.unwrap();
        assert_eq!(count(&again, "SELECT COUNT(*) FROM owner WHERE name = 'ada'").await, 1);

        // Two replicas may start at once.
        let (one, two) = tokio::join!(Db::connect(&url), Db::connect(&url));
        assert!(one.is_ok() && two.is_ok());
    }
}

story! {
    async fn a_database_of_a_newer_version_is_not_touched(server: Server) {
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     SELECT version + 10000000000000, 'the future', success, checksum, 0 FROM _sqlx_migrations
                     ORDER BY version DESC LIMIT 1";
        execute(&server.app.db, newer).await;
        let refused = Db::connect(&server.app.config.database_url()).await.err().unwrap();
        assert!(refused.to_string().contains("migrations failed"), "{refused}");
    }
}

/// The migrations before `version`, as an earlier release had them.
async fn migrations_before(engine: Engine, version: i64) -> Migrator {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let own = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let mut found = Vec::new();
    for folder in [home.clone(), home.join(own)] {
        let all = Migrator::new(folder).await.unwrap();
        found.extend(all.iter().filter(|migration| migration.version < version).cloned());
    }
    Migrator::with_migrations(found)
}

/// Rows of an installation from before tables had plain names.
const OLD_ROWS: &str = "
    INSERT INTO owner (id, name, kind, created_at) VALUES ('u', 'ada', 'user', 1), ('o', 'org', 'organisation', 1);
    INSERT INTO account (owner_id, email, admin) VALUES ('u', 'ada@example.org', FALSE);
    INSERT INTO member (organisation_id, user_id, role) VALUES ('o', 'u', 'reader');
    INSERT INTO dataset (id, owner_id, name, visibility, head, protected, generation, gc_epoch, created_at)
        VALUES ('d', 'o', 'data', 'private', 'refs/heads/main', '[]', 0, 0, 1);
    INSERT INTO git_upload (object_key, repo_id, created_at, doomed_at) VALUES ('kept', 'd', 1, NULL), ('gone', 'd', 1, 2);
    INSERT INTO letter (id, recipient, subject, body, created_at, attempts) VALUES ('l', 'ada@example.org', 's', 'b', 1, 3);
    INSERT INTO ticket (id, kind, hash, subject, user_id, created_at, expires_at) VALUES ('t', 'reset', 'h', '{}', 'u', 1, 9);
    INSERT INTO team (id, organisation_id, name, created_at) VALUES ('g', 'o', 'crew', 1);
    INSERT INTO team_member (team_id, user_id) VALUES ('g', 'u');
    INSERT INTO share (id, repo_id, path, kind, team_id, level, downloads, downloads_most, created_at, creator)
        VALUES ('s', 'd', '', 'dataset', 'g', 'view', 1, 5, 1, 'ada');
    INSERT INTO share_opening (hash, share_id, expires_at) VALUES ('b', 's', 9);
    INSERT INTO share_download (opening, subject) VALUES ('b', 'x');
    INSERT INTO commit_key (repo_id, actor, name, digest, revision, created_at) VALUES ('d', 'user:u', 'k', 'x', 'r', 1);
    INSERT INTO scrub (part, begun_at, last) VALUES ('packs', 7, 'n');
";

story! {
    async fn a_database_of_an_earlier_version_is_upgraded_with_its_data(engine: Engine) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("old.db");
        let url = engine.database_url().await.unwrap_or_else(|| format!("sqlite:{}", file.display()));
        let old = migrations_before(engine, 19).await;
        match engine {
            Engine::Sqlite => {
                let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                old.run(&mut connection).await.unwrap();
                sqlx::raw_sql(OLD_ROWS).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                old.run(&mut connection).await.unwrap();
                sqlx::raw_sql(OLD_ROWS).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
        let db = Db::connect(&Secret::new(url)).await.unwrap();
        let kept = [
            "SELECT COUNT(*) FROM git_upload WHERE object_key = 'gone' AND deleted_at = 2",
            "SELECT COUNT(*) FROM git_upload WHERE object_key = 'kept' AND deleted_at IS NULL",
            "SELECT COUNT(*) FROM email WHERE id = 'l' AND attempts = 3",
            "SELECT COUNT(*) FROM one_time_token WHERE hash = 'h' AND user_id = 'u'",
            "SELECT COUNT(*) FROM member_group g JOIN group_member m ON m.group_id = g.id WHERE g.name = 'crew'",
            "SELECT COUNT(*) FROM share WHERE group_id = 'g' AND max_downloads = 5",
            "SELECT COUNT(*) FROM share_session p JOIN share_download c ON c.session = p.hash WHERE p.share_id = 's'",
            "SELECT COUNT(*) FROM idempotency_key WHERE name = 'k' AND revision = 'r'",
            "SELECT COUNT(*) FROM scrub WHERE part = 'packs' AND started_at = 7",
        ];
        for query in kept {
            assert_eq!(count(&db, query).await, 1, "{query}");
        }
        // Rows still go with those that they belong to.
        execute(&db, "DELETE FROM member_group").await;
        for query in ["SELECT COUNT(*) FROM group_member", "SELECT COUNT(*) FROM share", "SELECT COUNT(*) FROM share_download"] {
            assert_eq!(count(&db, query).await, 0, "{query}");
        }
        execute(&db, "DELETE FROM account").await;
        execute(&db, "DELETE FROM dataset").await;
        execute(&db, "DELETE FROM owner").await;
        for query in ["SELECT COUNT(*) FROM one_time_token", "SELECT COUNT(*) FROM idempotency_key"] {
            assert_eq!(count(&db, query).await, 0, "{query}");
        }
        db.close().await;
    }
}

story! {
    async fn changes_by_another_process_are_effective_immediately(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        server.dataset("org/data", Visibility::Private).await;
        let other = App::open_at(server.app.config.clone(), server.clock.clone()).await.unwrap();
        let (organisation, user) = ("org".parse().unwrap(), "ben".parse().unwrap());
        let grant: DatasetGrant<Own> = other.access.authorize(&Actor::operator(), &"org/data".parse().unwrap()).await.unwrap();
        let locks = async |token| Reply::of(server.request("GET", "/org/data.git/info/lfs/locks", token)).await.status;
        for _ in 0..20 {
            other.accounts.set_member(&organisation, &user, None).await.unwrap();
            assert_eq!(locks(Some(&ben.token)).await, 404);
            other.accounts.set_member(&organisation, &user, Some(Role::Reader)).await.unwrap();
            assert_eq!(locks(Some(&ben.token)).await, 200);
            other.datasets.set_visibility(&grant, Visibility::Public).await.unwrap();
            assert_eq!(locks(None).await, 200);
            other.datasets.set_visibility(&grant, Visibility::Private).await.unwrap();
            assert_eq!(locks(None).await, 401);
        }
        let token = other.accounts.tokens(&user).await.unwrap().remove(0);
        other.accounts.revoke_token(token.id).await.unwrap();
        assert_eq!(locks(Some(&ben.token)).await, 401);
        other.db.close().await;
    }
}

story! {
    async fn a_name_belongs_to_an_organisation_or_to_a_dataset(server: Server) {
        let ada = server.person("ada").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        let app = &server.app;
        for round in 0..10 {
            let name = format!("org/both{round}");
            let creation = app.access.creation(&Actor::operator(), &name.parse().unwrap()).await.unwrap();
            let organisation = name.parse().unwrap();
            let (dataset, organisation) = tokio::join!(
                app.datasets.create(&creation, Visibility::Private, "default"),
                app.accounts.add_organisation(&organisation)
            );
            assert_ne!(dataset.is_ok(), organisation.is_ok(), "one of them");
        }
    }
}

/// A worker of a later time, whose jobs the server's own does not see yet,
/// and what it did. It fails `failures` times.
fn later_worker(server: &Server, failures: usize) -> (Arc<Worker>, Clock, Arc<Mutex<Vec<String>>>) {
    let clock = Clock::default();
    clock.advance(Duration::from_secs(365 * 86_400));
    let done = Arc::new(Mutex::new(Vec::new()));
    let failures = Arc::new(Mutex::new(failures));
    let list = done.clone();
    let perform = move |kind, subject: String| {
        let (list, failures) = (list.clone(), failures.clone());
        async move {
            if kind != Kind::RepackPacks {
                return Ok(());
            }
            let mut left = failures.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(Error::unavailable("not now"));
            }
            list.lock().unwrap().push(subject);
            Ok(())
        }
        .boxed()
    };
    (Arc::new(Worker::new(server.app.db.clone(), clock.clone(), Wakers::default(), Box::new(perform))), clock, done)
}

async fn enqueue(server: &Server, clock: &Clock, subject: &str, delay: Duration) {
    let mut tx = server.app.db.write().await.unwrap();
    jobs::enqueue(&mut tx, clock, Kind::RepackPacks, subject, delay).await.unwrap();
    tx.commit().await.unwrap();
}

story! {
    async fn a_job_queued_while_it_runs_runs_again(server: Server) {
        let clock = Clock::default();
        clock.advance(Duration::from_secs(365 * 86_400));
        let done = Arc::new(Mutex::new(0));
        let (db, later, count) = (server.app.db.clone(), clock.clone(), done.clone());
        let perform = move |kind, _: String| {
            let (db, clock, count) = (db.clone(), later.clone(), count.clone());
            async move {
                if kind != Kind::RepackPacks {
                    return Ok(());
                }
                *count.lock().unwrap() += 1;
                let first = *count.lock().unwrap() == 1;
                if first {
                    let mut tx = db.write().await?;
                    jobs::enqueue(&mut tx, &clock, Kind::RepackPacks, "a", Duration::ZERO).await?;
                    tx.commit().await?;
                }
                assert!(*count.lock().unwrap() != 2, "a panic is a failure like any other");
                Ok(())
            }
            .boxed()
        };
        let worker = Worker::new(server.app.db.clone(), clock.clone(), Wakers::default(), Box::new(perform));
        enqueue(&server, &clock, "a", Duration::ZERO).await;
        worker.run_due().await.unwrap();
        clock.advance(Duration::from_secs(1));
        worker.run_due().await.unwrap();
        assert_eq!(*done.lock().unwrap(), 2, "once more, for what came meanwhile");
        clock.advance(Duration::from_secs(3600));
        worker.run_due().await.unwrap();
        assert_eq!(*done.lock().unwrap(), 3, "and again after the panic");
        clock.advance(Duration::from_secs(3600));
        worker.run_due().await.unwrap();
        assert_eq!(*done.lock().unwrap(), 3);
    }
}

story! {
    async fn a_waiting_job_is_not_queued_twice(server: Server) {
        let (worker, clock, done) = later_worker(&server, 0);
        for _ in 0..3 {
            enqueue(&server, &clock, "a", Duration::ZERO).await;
        }
        enqueue(&server, &clock, "b", Duration::from_secs(60)).await;
        worker.run_due().await.unwrap();
        assert_eq!(*done.lock().unwrap(), ["a"], "once, and b is not due yet");
        enqueue(&server, &clock, "a", Duration::ZERO).await;
        clock.advance(Duration::from_secs(61));
        worker.run_due().await.unwrap();
        assert_eq!(done.lock().unwrap()[1..], ["a", "b"], "what is done may be queued again");
    }
}

story! {
    async fn a_job_is_queued_only_if_its_transaction_commits(server: Server) {
        let (worker, clock, done) = later_worker(&server, 0);
        let mut tx = server.app.db.write().await.unwrap();
        jobs::enqueue(&mut tx, &clock, Kind::RepackPacks, "a", Duration::ZERO).await.unwrap();
        drop(tx);
        worker.run_due().await.unwrap();
        assert!(done.lock().unwrap().is_empty());
    }
}

story! {
    async fn a_failed_job_is_retried_with_growing_delays(server: Server) {
        let (worker, clock, done) = later_worker(&server, 3);
        enqueue(&server, &clock, "a", Duration::ZERO).await;
        for pause in [5, 10, 20] {
            worker.run_due().await.unwrap();
            worker.run_due().await.unwrap();
            assert!(done.lock().unwrap().is_empty());
            assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE last_error = 'not now'").await, 1);
            clock.advance(Duration::from_secs(pause));
        }
        worker.run_due().await.unwrap();
        assert_eq!(*done.lock().unwrap(), ["a"]);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM job WHERE subject = 'a'").await, 0);
    }
}

story! {
    async fn the_job_of_a_dead_replica_is_taken_over(server: Server) {
        let (worker, clock, done) = later_worker(&server, 0);
        enqueue(&server, &clock, "a", Duration::ZERO).await;
        // A worker claims it and disappears.
        let mut tx = server.app.db.write().await.unwrap();
        let (now, end) = (clock.now(), clock.now().plus(Duration::from_secs(900)));
        while tx.claim_job(now, end, "derive", false).await.unwrap().unwrap().2 != "a" {}
        tx.commit().await.unwrap();
        worker.run_due().await.unwrap();
        assert!(done.lock().unwrap().is_empty(), "it is taken");
        clock.advance(Duration::from_secs(901));
        worker.run_due().await.unwrap();
        assert_eq!(*done.lock().unwrap(), ["a"]);
    }
}

story! {
    async fn several_workers_share_the_work(server: Server) {
        let (worker, clock, done) = later_worker(&server, 0);
        for number in 0..30 {
            enqueue(&server, &clock, &format!("{number:02}"), Duration::ZERO).await;
        }
        let workers = (0..4).map(|_| {
            let worker = worker.clone();
            tokio::spawn(async move { worker.run_due().await.unwrap() })
        });
        futures::future::join_all(workers).await;
        let done = done.lock().unwrap();
        assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), 30, "everything was done");
        assert_eq!(done.len(), 30, "and nothing twice");
    }
}

story! {
    async fn refusals_are_audited(server: Server) {
        let (ada, eve) = (server.person("ada").await, server.person("eve").await);
        server.organisation("org", &[(&ada, Role::Reader)]).await;
        server.dataset("org/data", Visibility::Private).await;
        let ask = async |person: Option<&Person>, operation: &str| {
            let body = json!({"operation": operation, "objects": [{"oid": lfs::Oid::of(b"x"), "size": 1}]});
            server.batch(person.map(|person| person.token.as_str()), "org/data", &body).await.0
        };
        assert_eq!(ask(None, "download").await, 401);
        assert_eq!(ask(Some(&ada), "download").await, 200);
        assert_eq!(ask(Some(&ada), "upload").await, 403);
        assert_eq!(ask(Some(&eve), "download").await, 404);
        let trail = async || server.app.db.read().await.unwrap().audit("org/data").await.unwrap();
        eventually("both refusals are in the trail", async || trail().await.len() >= 3).await;
        let mut names = Vec::new();
        for person in [&ada, &eve] {
            let user = server.app.db.read().await.unwrap().user(&person.name.parse().unwrap()).await.unwrap().unwrap();
            names.push(format!("user:{}", user.id));
        }
        let trail = trail().await;
        let of = |actor: &str, action: &str, detail: &str| (actor.to_owned(), action.to_owned(), detail.to_owned());
        assert_eq!(trail[0], of("operator", "dataset.create", "private"));
        // Anonymous requests are not audited: anyone could fill the disk.
        let refused: BTreeSet<_> = trail[1..].iter().cloned().collect();
        let expected =
            [of(&names[0], "access.refused", "upload to"), of(&names[1], "access.refused", "download from")];
        assert_eq!(refused, expected.into_iter().collect());
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM audit WHERE action = 'access.refused' AND request_id = ''").await, 0);
    }
}

story! {
    async fn the_last_use_of_a_token_is_known_to_the_minute(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let used = async || {
            let tokens = server.app.accounts.tokens(&"ada".parse().unwrap()).await.unwrap();
            tokens[0].last_used_at
        };
        let knock = async || {
            let request = server.request("GET", "/ada/data.git/info/lfs/locks", Some(&ada.token));
            assert_eq!(Reply::of(request).await.status, 200);
        };
        assert_eq!(used().await, None);
        let before = server.clock.now();
        knock().await;
        eventually("the first use is noted", async || used().await.is_some()).await;
        let first = used().await.unwrap();
        assert!(before <= first && first <= server.clock.now());
        server.clock.advance(Duration::from_secs(61));
        knock().await;
        eventually("a later one too", async || used().await.unwrap() > first.plus(Duration::from_secs(60))).await;
    }
}

story! {
    async fn abandoned_uploads_are_swept_from_the_object_store(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let oid = server.upload(&ada.token, "ada/data", b"bytes").await;
        let object = server.stored(&oid);
        let [old, young] = ["old", "young"].map(|name| object.with_file_name(format!(".{oid}.{name}.part")));
        for file in [&old, &young] {
            std::fs::write(file, "half").unwrap();
        }
        let day_ago = std::fs::metadata(&young).unwrap().modified().unwrap() - Duration::from_secs(86_400);
        for file in [&old, &object] {
            std::fs::File::options().write(true).open(file).unwrap().set_modified(day_ago).unwrap();
        }
        // The server sweeps when it has started, and may have been quicker.
        assert!(server.app.storage.reap().await.unwrap() <= 1);
        assert!(!old.exists() && young.exists() && object.exists());
    }
}

story! {
    async fn names_are_unique(server: Server) {
        let ada = server.person("ada").await;
        let accounts = &server.app.accounts;
        let conflict = |error: Error| assert_eq!(error.kind(), rutter::error::Kind::Conflict, "{error}");
        let email = |text: &str| text.parse().unwrap();
        conflict(accounts.add_user(&"ada".parse().unwrap(), &email("b@example.org"), None, false).await.unwrap_err());
        conflict(accounts.add_user(&"ben".parse().unwrap(), &email("ADA@example.org"), None, false).await.unwrap_err());
        conflict(accounts.add_organisation(&"Ada".parse().unwrap()).await.unwrap_err());
        accounts.add_user(&"ben".parse().unwrap(), &email("ben@example.org"), None, false).await.unwrap();
        // A dataset and an organisation of one path exclude each other.
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        server.dataset("org/data", Visibility::Private).await;
        conflict(accounts.add_organisation(&"org/data".parse().unwrap()).await.unwrap_err());
        server.organisation("org/inner", &[]).await;
        let creation = server.app.access.creation(&Actor::operator(), &"org/inner".parse().unwrap()).await.unwrap();
        conflict(server.app.datasets.create(&creation, Visibility::Private, "default").await.unwrap_err());
        // Failed requests left nothing behind.
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM owner").await, 4);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM account").await, 2);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM dataset").await, 1);
    }
}

story! {
    async fn a_cancelled_request_leaves_no_transaction_behind(server: Server) {
        let timeout = Duration::from_secs(5);
        let db = Db::connect_with(&server.app.config.database_url(), 1, timeout).await.unwrap();
        let (id, now) = (server.clock.id(), server.clock.now());
        let mut given_up = 0;
        for number in 0..400 {
            // Shorter than a timer can be.
            let (answer, enough) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_micros(number * 10));
                answer.send(())
            });
            let reading = async { db.read().await?.packs(id).await };
            let (writing, left) = (db.clone(), format!("left {number}"));
            let writing = async move {
                let mut tx = writing.write().await?;
                tx.insert_upload(&left, id, now).await
            };
            given_up += tokio::select! {
                _ = enough => 1,
                both = async { (reading.await, writing.await) } => {
                    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
                    0
                }
            };
            // The next request gets neither its answers nor its transaction.
            let mut tx = db.write().await.unwrap();
            tx.insert_upload(&format!("kept {number}"), id, now).await.unwrap();
            tx.ping().await.unwrap();
            tx.commit().await.unwrap();
        }
        assert!(given_up > 0, "no request was cancelled half way");
        assert_eq!(count(&db, "SELECT COUNT(*) FROM git_upload WHERE object_key LIKE 'kept %'").await, 400);
        assert_eq!(count(&db, "SELECT COUNT(*) FROM git_upload WHERE object_key LIKE 'left %'").await, 0);
        db.close().await;
    }
}
