//! The server is killed, as by a power switch for processes, while people
//! work; then it comes up again on what it left. Nothing that it promised may
//! be missing, and nothing may be visible that it did not finish.
//!
//! `RUTTER_TEST_CRASHES` sets how often, `RUTTER_TEST_SEED` repeats the
//! choices of an earlier run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod cache;
#[path = "../it/harness.rs"]
mod harness;
#[expect(dead_code, reason = "the tests of several servers use the rest")]
mod house;
mod ledger;
#[expect(dead_code, reason = "the tests of several servers use the rest")]
mod people;

use std::sync::Arc;
use std::time::Duration;

use self::harness::story;
use self::house::{House, Running, environment};
use self::ledger::Ledger;
use self::people::{Author, Dice, Doom, upload_until};

/// So many in some seconds; `.ci/run` asks for enough to meet every kind of moment.
const CRASHES: u64 = 8;

story! {
    async fn everything_acknowledged_survives_kill_nine(engine: Engine) {
        let number = |name: &str| environment(name).and_then(|text| text.parse().ok());
        let crashes = number("RUTTER_TEST_CRASHES").unwrap_or(CRASHES);
        let seed = number("RUTTER_TEST_SEED").unwrap_or_else(|| u64::from_le_bytes(rutter::clock::random()));
        println!("{crashes} crashes, RUTTER_TEST_SEED={seed}");
        let mut dice = Dice(seed);
        let house = Arc::new(House::new(engine).await);
        let mut scene = Scene::set(&house, &mut dice).await;

        for crash in 1..=crashes {
            if dice.one_in(2) {
                scene.interlude(crash).await;
            }
            let running = house.start();
            if dice.one_in(4) {
                // Opening, recovering, and the jobs that were left over.
                tokio::time::sleep(Duration::from_millis(dice.below(600))).await;
                running.kill();
            } else {
                scene.work_until_crash(running, &mut dice).await;
            }
        }

        // Time for what was cut off to be done again, then for the grace to end.
        for _ in 0..2 {
            house.let_a_night_pass().await;
            let _running = house.serve().await;
            audit::look_around(&house, &scene.ledger, &mut dice).await;
            audit::await_jobs(&house, &scene.template).await;
        }
        let running = house.serve().await;
        audit::look_at_everything(&house, &scene.ledger).await;
        scene.everything_is_merged().await;
        running.kill();
        audit::compare_store_and_rows(&house).await;
        for (what, count) in &scene.ledger.book().tally {
            println!("{count:6} {what}");
        }
    }
}

/// An installation with people at work.
struct Scene {
    house: Arc<House>,
    ledger: Arc<Ledger>,
    authors: Vec<Author>,
    /// A dataset with so many small packs that they should be merged, which
    /// the queue is told to do in a hundred years.
    template: String,
}

impl Scene {
    async fn set(house: &Arc<House>, dice: &mut Dice) -> Self {
        let ledger = Arc::new(Ledger::default());
        let running = house.serve().await;
        let mut many = Author::new(house, "many", "ada/many", false, 6_000, Dice(dice.next()));
        let nothing_ends = Doom::default();
        assert!(many.push_one(&ledger, &nothing_ends));
        let database = house.database().await;
        let template = database.texts("SELECT id FROM dataset WHERE name = 'many'").await.remove(0);
        database.execute(&[queue("consolidate", &template, 4_102_444_800_000)]).await;
        for _ in 0..35 {
            assert!(many.push_one(&ledger, &nothing_ends));
        }
        let mut authors = vec![
            Author::new(house, "ada", "ada/shared", true, 300_000, Dice(dice.next())),
            Author::new(house, "bea", "ada/shared", true, 3_000, Dice(dice.next())),
            Author::new(house, "cleo", "ada/plain", false, 150_000, Dice(dice.next())),
            Author::new(house, "dora", "ada/plain", false, 500, Dice(dice.next())),
        ];
        for author in &mut authors {
            assert!(author.push_one(&ledger, &nothing_ends));
        }
        database.0.close().await;
        running.kill();
        Self { house: Arc::clone(house), ledger, authors, template }
    }

    /// While nobody serves: a night passes, datasets in need of merging appear, the cache may go.
    async fn interlude(&self, crash: u64) {
        let database = self.house.database().await;
        let now = rutter::clock::Clock::default().now().0;
        for kind in database.texts(&format!("SELECT kind FROM job WHERE leased_until > {now}")).await {
            self.ledger.book().count(if kind == "sweep" { "sweeps cut off" } else { "merges cut off" });
        }
        for part in 0..4 {
            self.multiply(&database, &format!("merge-{crash}-{part}")).await;
        }
        database.0.close().await;
        self.house.let_a_night_pass().await;
        if crash.is_multiple_of(5) {
            std::fs::remove_dir_all(self.house.data().join("cache")).unwrap();
        }
    }

    /// Makes a dataset like the template, and queues the merging of its packs.
    async fn multiply(&self, database: &house::Database, name: &str) {
        let (id, template) = (house::Database::new_id(), &self.template);
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
        let mut book = self.ledger.book();
        let head = book.at("ada/many", "refs/heads/many").unwrap();
        book.adopt(&format!("ada/{name}"), [("refs/heads/many".to_owned(), head)].into());
    }

    /// Everybody works, until the server dies in the middle of it.
    async fn work_until_crash(&mut self, mut running: Running, dice: &mut Dice) {
        self.house.await_ready(&mut running).await;
        audit::look_around(&self.house, &self.ledger, dice).await;
        let doom = Doom::default();
        let uploads: Vec<_> = (0..2)
            .map(|_| {
                let (house, ledger) = (Arc::clone(&self.house), Arc::clone(&self.ledger));
                let dice = Dice(dice.next());
                tokio::spawn(upload_until(doom.clone(), house, ledger, "ada/shared".to_owned(), dice))
            })
            .collect();
        let (house, ledger) = (&self.house, &self.ledger);
        let moment = Duration::from_millis(dice.below(1500));
        std::thread::scope(|scope| {
            for author in &mut self.authors {
                let doom = doom.clone();
                scope.spawn(move || author.work(house, ledger, &doom));
            }
            std::thread::sleep(moment);
            doom.strike();
            running.kill();
        });
        for upload in uploads {
            upload.await.unwrap();
        }
    }

    /// Merging was taken up again wherever it was cut off.
    async fn everything_is_merged(&self) {
        let database = self.house.database().await;
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
    let id = house::Database::new_id();
    format!("INSERT INTO job (id, kind, subject, run_at, attempts) VALUES ('{id}', '{kind}', '{subject}', {run_at}, 0)")
}
