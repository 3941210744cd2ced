//! The server is killed while users
//! work, and then restarted on its data. Nothing that it acknowledged may
//! be missing, and nothing unfinished may be visible.
//!
//! `RUTTER_TEST_CRASHES` sets how often, `RUTTER_TEST_SEED` repeats the
//! choices of an earlier run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cache;
mod convert;
mod merge;
mod pack;

use std::sync::Arc;
use std::time::Duration;

use rutter_testing::{
    Author, Database, Installation, Ledger, Random, ServerProcess, StopSignal, audit, environment, story,
    upload_until_stopped,
};

/// Takes some seconds; `.ci/run` asks for more.
const CRASHES: u64 = 8;

story! {
    async fn everything_acknowledged_survives_kill_9(engine: Engine) {
        let number = |name: &str| environment(name).and_then(|text| text.parse().ok());
        let crashes = number("RUTTER_TEST_CRASHES").unwrap_or(CRASHES);
        let seed = number("RUTTER_TEST_SEED").unwrap_or_else(|| u64::from_le_bytes(rutter::clock::random()));
        println!("{crashes} crashes, RUTTER_TEST_SEED={seed}");
        let mut random = Random(seed);
        let installation = Arc::new(Installation::new(engine).await);
        let mut workload = Workload::start(&installation, &mut random).await;

        for crash in 1..=crashes {
            if random.one_in(2) {
                workload.prepare_restart(crash).await;
            }
            let running = installation.start();
            if random.one_in(4) {
                // Killed during start, recovery, or pending jobs.
                tokio::time::sleep(Duration::from_millis(random.below(600))).await;
                running.kill();
            } else {
                workload.work_until_crash(running, &mut random).await;
            }
        }

        // Time for interrupted jobs to run again, then for the grace period to end.
        for _ in 0..2 {
            installation.age_by_nine_hours().await;
            let _running = installation.serve().await;
            audit::check_affected(&installation, &workload.ledger, &mut random).await;
            audit::wait_for_jobs(&installation, &workload.template).await;
        }
        let running = installation.serve().await;
        audit::check_all(&installation, &workload.ledger).await;
        workload.assert_merged().await;
        running.kill();
        audit::compare_store_and_rows(&installation).await;
        for (what, count) in &workload.ledger.entries().counts {
            println!("{count:6} {what}");
        }
    }
}

/// An installation with users at work.
struct Workload {
    installation: Arc<Installation>,
    ledger: Arc<Ledger>,
    authors: Vec<Author>,
    /// A dataset with so many small packs that they should be merged, which
    /// is queued for the year 2100.
    template: String,
}

impl Workload {
    async fn start(installation: &Arc<Installation>, random: &mut Random) -> Self {
        let ledger = Arc::new(Ledger::default());
        let running = installation.serve().await;
        let mut many = Author::new(installation, "many", "ada/many", false, 6_000, Random(random.next_u64()));
        let nothing_ends = StopSignal::default();
        assert!(many.push_one(&ledger, &nothing_ends));
        let database = installation.database().await;
        let template = database.texts("SELECT id FROM dataset WHERE name = 'many'").await.remove(0);
        database.execute(&[queue("consolidate", &template, 4_102_444_800_000)]).await;
        for _ in 0..35 {
            assert!(many.push_one(&ledger, &nothing_ends));
        }
        let mut authors = vec![
            Author::new(installation, "ada", "ada/shared", true, 300_000, Random(random.next_u64())),
            Author::new(installation, "bea", "ada/shared", true, 3_000, Random(random.next_u64())),
            Author::new(installation, "cleo", "ada/plain", false, 150_000, Random(random.next_u64())),
            Author::new(installation, "dora", "ada/plain", false, 500, Random(random.next_u64())),
        ];
        for author in &mut authors {
            assert!(author.push_one(&ledger, &nothing_ends));
        }
        database.0.close().await;
        running.kill();
        Self { installation: Arc::clone(installation), ledger, authors, template }
    }

    /// While no server runs: ages the data, adds datasets whose packs are to be merged, may delete the cache.
    async fn prepare_restart(&self, crash: u64) {
        let database = self.installation.database().await;
        let now = rutter::clock::Clock::default().now().0;
        for kind in database.texts(&format!("SELECT kind FROM job WHERE leased_until > {now}")).await {
            self.ledger.entries().count(if kind == "sweep" { "sweeps cut off" } else { "merges cut off" });
        }
        for part in 0..4 {
            self.copy_template(&database, &format!("merge-{crash}-{part}")).await;
        }
        database.0.close().await;
        self.installation.age_by_nine_hours().await;
        if crash.is_multiple_of(5) {
            std::fs::remove_dir_all(self.installation.data().join("cache")).unwrap();
        }
    }

    /// Copies the template, and queues the merging of its packs.
    async fn copy_template(&self, database: &Database, name: &str) {
        let (id, template) = (Database::new_id(), &self.template);
        database
            .execute(&[
                format!(
                    "INSERT INTO dataset (id, owner_id, name, visibility, head, protected, generation, gc_epoch, created_at)
                     SELECT '{id}', owner_id, '{name}', visibility, head, protected, generation, gc_epoch, created_at
                     FROM dataset WHERE id = '{template}'"
                ),
                format!(
                    "INSERT INTO git_ref (repo_id, name, target, peeled)
                     SELECT '{id}', name, target, peeled FROM git_ref WHERE repo_id = '{template}'"
                ),
                format!(
                    "INSERT INTO git_pack (repo_id, pack_id, object_key, pack_bytes, idx_bytes, objects,
                                           inline_pack, inline_idx, added_at)
                     SELECT '{id}', pack_id, object_key || '-{name}', pack_bytes, idx_bytes, objects,
                            inline_pack, inline_idx, added_at
                     FROM git_pack WHERE repo_id = '{template}'"
                ),
                queue("consolidate", &id, 0),
            ])
            .await;
        let mut entries = self.ledger.entries();
        let head = entries.at("ada/many", "refs/heads/many").unwrap();
        entries.set_refs(&format!("ada/{name}"), [("refs/heads/many".to_owned(), head)].into());
    }

    /// All users work until the server is killed.
    async fn work_until_crash(&mut self, mut running: ServerProcess, random: &mut Random) {
        self.installation.wait_until_ready(&mut running).await;
        audit::check_affected(&self.installation, &self.ledger, random).await;
        let signal = StopSignal::default();
        let uploads: Vec<_> = (0..2)
            .map(|_| {
                let (installation, ledger) = (Arc::clone(&self.installation), Arc::clone(&self.ledger));
                let random = Random(random.next_u64());
                tokio::spawn(upload_until_stopped(
                    signal.clone(),
                    installation,
                    ledger,
                    "ada/shared".to_owned(),
                    random,
                ))
            })
            .collect();
        let (installation, ledger) = (&self.installation, &self.ledger);
        let moment = Duration::from_millis(random.below(1500));
        std::thread::scope(|scope| {
            for author in &mut self.authors {
                let signal = signal.clone();
                scope.spawn(move || author.work(installation, ledger, &signal));
            }
            std::thread::sleep(moment);
            signal.stop();
            running.kill();
        });
        for upload in uploads {
            upload.await.unwrap();
        }
    }

    /// Interrupted merges were completed.
    async fn assert_merged(&self) {
        let database = self.installation.database().await;
        let live = "SELECT repo_id FROM git_pack WHERE retired_at IS NULL GROUP BY repo_id HAVING COUNT(*) > 50";
        assert_eq!(database.texts(live).await, Vec::<String>::new());
        let copies =
            "SELECT MAX(packs) FROM (SELECT COUNT(*) AS packs FROM git_pack p JOIN dataset d ON d.id = p.repo_id
                      WHERE d.name LIKE 'merge-%' AND p.retired_at IS NULL GROUP BY repo_id) AS counted";
        assert_eq!(database.count(copies).await, 1);
        database.0.close().await;
    }
}

/// A row of the queue.
fn queue(kind: &str, subject: &str, run_at: u64) -> String {
    let id = Database::new_id();
    format!("INSERT INTO job (id, kind, subject, run_at, attempts) VALUES ('{id}', '{kind}', '{subject}', {run_at}, 0)")
}
