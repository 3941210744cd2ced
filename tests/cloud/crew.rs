//! People at work on one installation, and what they were promised.

use std::sync::Arc;

use lfs::Oid;

use crate::audit;
use crate::client::Client;
use crate::harness::text;
use crate::house::House;
use crate::ledger::Ledger;
use crate::people::{Author, Dice, Doom};
use crate::scene::Scene;

/// Four who push, one who clones, two who upload.
pub(crate) struct Crew {
    house: Arc<House>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) doom: Doom,
    people: Vec<Person>,
    uploads: Vec<tokio::task::JoinHandle<()>>,
}

impl Crew {
    /// They begin, and go on until they are told to end.
    pub(crate) fn begin(scene: &Scene, dice: &mut Dice) -> Self {
        let (house, ledger, doom) = (Arc::clone(&scene.house), Arc::new(Ledger::default()), Doom::default());
        let mut people = Vec::new();
        for mut author in authors(&house, dice) {
            assert!(author.push_one(&ledger, &doom));
            people.push(thread(&house, &ledger, &doom, move |house, ledger, doom| author.persist(house, ledger, doom)));
        }
        let mut reader = Dice(dice.next());
        people.push(thread(&house, &ledger, &doom, move |house, ledger, doom| {
            clone_until(&mut reader, house, ledger, doom);
        }));
        let uploads = (0..2)
            .map(|_| tokio::spawn(upload_until(scene.ada(), Arc::clone(&ledger), doom.clone(), Dice(dice.next()))));
        Self { uploads: uploads.collect(), house, ledger, doom, people }
    }

    /// What happens while they work. It ends at once where one of them has failed.
    pub(crate) async fn while_they_work(&self, story: impl Future<Output = ()>) {
        tokio::select! {
            () = story => {}
            () = self.doom.failure() => panic!("somebody has failed, and said why"),
        }
    }

    /// They end.
    pub(crate) async fn end(&mut self) {
        self.doom.strike();
        for upload in self.uploads.drain(..) {
            upload.await.unwrap();
        }
        for person in self.people.drain(..) {
            person.await_end().await;
        }
    }

    /// All that they were promised is there, and nothing else is to be seen.
    pub(crate) async fn audit(&self, scene: &Scene, dice: &mut Dice) {
        audit::look_around(&self.house, &self.ledger, dice).await;
        audit::look_at_everything(&self.house, &self.ledger).await;
        content_is_whole(&self.house, "ada/shared");
        scene.compare_bucket_and_rows().await;
        let tally = self.ledger.book().tally.clone();
        for (what, count) in &tally {
            println!("{count:6} {what}");
        }
        let done = ["pushes acknowledged", "clones", "uploads acknowledged"].map(|what| tally.get(what).copied());
        assert!(done[0] > Some(5) && done[1] > Some(0) && done[2] > Some(0), "hardly anything was done: {tally:?}");
    }
}

impl Drop for Crew {
    /// A story that has failed ends, and they with it.
    fn drop(&mut self) {
        self.doom.strike();
    }
}

/// Two with LFS in one dataset, two without in another.
fn authors(house: &House, dice: &mut Dice) -> Vec<Author> {
    [
        ("ada", "ada/shared", true, 300_000),
        ("bea", "ada/shared", true, 3_000),
        ("cleo", "ada/plain", false, 150_000),
        ("dora", "ada/plain", false, 500),
    ]
    .map(|(name, dataset, lfs, size)| Author::new(house, name, dataset, lfs, size, Dice(dice.next())))
    .into()
}

/// A thread for somebody who runs programs.
struct Person(tokio::sync::oneshot::Receiver<()>, std::thread::JoinHandle<()>);

fn thread(
    house: &Arc<House>,
    ledger: &Arc<Ledger>,
    doom: &Doom,
    work: impl FnOnce(&House, &Ledger, &Doom) + Send + 'static,
) -> Person {
    let (house, ledger, doom) = (Arc::clone(house), Arc::clone(ledger), doom.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let handle = std::thread::spawn(move || {
        // Dropped at the end, also of a panic.
        let (_sender, _witness) = (sender, doom.witness());
        work(&house, &ledger, &doom);
    });
    Person(receiver, handle)
}

impl Person {
    async fn await_end(self) {
        let _ = self.0.await;
        if let Err(panic) = self.1.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Clones again and again. What was acknowledged before a clone began is in it.
fn clone_until(dice: &mut Dice, house: &House, ledger: &Ledger, doom: &Doom) {
    for number in 0.. {
        if doom.struck() {
            return;
        }
        let dataset = if dice.one_in(2) { "ada/plain" } else { "ada/shared" };
        let author = if dataset == "ada/plain" { "cleo" } else { "ada" };
        let promised = ledger.book().at(dataset, &format!("refs/heads/{author}")).unwrap();
        let clone = house.tree(&format!("clone-{number}"));
        let disturbances = doom.disturbances();
        let output = clone.try_git(&["clone", "-q", "-b", author, &house.remote(dataset), "."]);
        if output.status.success() {
            clone.git(&["fsck", "--strict"]);
            clone.git(&["merge-base", "--is-ancestor", &promised, "HEAD"]);
            ledger.book().count("clones");
        } else {
            doom.blame(disturbances, &text(&output));
            ledger.book().count("clones cut off");
        }
        std::fs::remove_dir_all(&clone.folder).unwrap();
    }
}

/// A program that uploads until the end.
async fn upload_until(client: Client, ledger: Arc<Ledger>, doom: Doom, mut dice: Dice) {
    let _witness = doom.witness();
    while !doom.struck() {
        let magnitude = 10 + dice.below(12);
        let length = 1 + dice.below(1 << magnitude);
        let bytes = dice.bytes(length);
        let object = ("ada/shared".to_owned(), Oid::of(&bytes));
        let disturbances = doom.disturbances();
        ledger.book().begun.insert(object.clone(), length);
        match client.upload("ada/shared", &bytes).await {
            Ok(true) => {
                let mut book = ledger.book();
                book.count("uploads acknowledged");
                book.held.insert(object, length);
            }
            outcome => {
                doom.blame(disturbances, &format!("an upload: {outcome:?}"));
                ledger.book().count("uploads cut off");
            }
        }
    }
}

/// Every branch of a dataset, with all content.
fn content_is_whole(house: &House, dataset: &str) {
    let clone = house.tree(&format!("whole/{dataset}"));
    clone.git(&["clone", "-q", &house.remote(dataset), "."]);
    clone.git(&["lfs", "fetch", "--all"]);
    for branch in clone.git(&["for-each-ref", "--format=%(refname:short)", "refs/remotes/origin"]).lines() {
        clone.git(&["lfs", "fsck", "--objects", branch]);
    }
}
