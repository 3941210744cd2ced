//! Users at work on one installation, and what the server acknowledged.

use std::sync::Arc;

use lfs::Oid;
use rutter_testing::{Author, Installation, Ledger, Random, StopSignal, audit, text};

use crate::client::Client;
use crate::cluster::Cluster;

/// Four who push, one who clones, two who upload.
pub(crate) struct Workload {
    installation: Arc<Installation>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) signal: StopSignal,
    people: Vec<Person>,
    uploads: Vec<tokio::task::JoinHandle<()>>,
}

impl Workload {
    /// Starts them; they work until `end`.
    pub(crate) fn begin(cluster: &Cluster, random: &mut Random) -> Self {
        let (installation, ledger, signal) =
            (Arc::clone(&cluster.installation), Arc::new(Ledger::default()), StopSignal::default());
        let mut people = Vec::new();
        for mut author in authors(&installation, random) {
            assert!(author.push_one(&ledger, &signal));
            people.push(thread(&installation, &ledger, &signal, move |installation, ledger, signal| {
                author.work_through_outages(installation, ledger, signal);
            }));
        }
        let mut reader = Random(random.next_u64());
        people.push(thread(&installation, &ledger, &signal, move |installation, ledger, signal| {
            clone_until_stopped(&mut reader, installation, ledger, signal);
        }));
        let uploads = (0..2).map(|_| {
            tokio::spawn(upload_until_stopped(
                cluster.ada(),
                Arc::clone(&ledger),
                signal.clone(),
                Random(random.next_u64()),
            ))
        });
        Self { uploads: uploads.collect(), installation, ledger, signal, people }
    }

    /// Runs `story` while they work; panics as soon as one of them has.
    pub(crate) async fn while_they_work(&self, story: impl Future<Output = ()>) {
        tokio::select! {
            () = story => {}
            () = self.signal.wait_for_panic() => panic!("a worker has panicked, see above"),
        }
    }

    /// Stops them.
    pub(crate) async fn end(&mut self) {
        self.signal.stop();
        for upload in self.uploads.drain(..) {
            upload.await.unwrap();
        }
        for person in self.people.drain(..) {
            person.await_end().await;
        }
    }

    /// Everything acknowledged is there, and nothing else is visible.
    pub(crate) async fn audit(&self, cluster: &Cluster, random: &mut Random) {
        audit::check_affected(&self.installation, &self.ledger, random).await;
        audit::check_all(&self.installation, &self.ledger).await;
        assert_content_complete(&self.installation, "ada/shared");
        cluster.compare_bucket_and_rows().await;
        let counts = self.ledger.entries().counts.clone();
        for (what, count) in &counts {
            println!("{count:6} {what}");
        }
        let done = ["pushes acknowledged", "clones", "uploads acknowledged"].map(|what| counts.get(what).copied());
        assert!(done[0] > Some(5) && done[1] > Some(0) && done[2] > Some(0), "hardly anything was done: {counts:?}");
    }
}

impl Drop for Workload {
    /// Stops them also after a failure.
    fn drop(&mut self) {
        self.signal.stop();
    }
}

/// Two with LFS in one dataset, two without in another.
fn authors(installation: &Installation, random: &mut Random) -> Vec<Author> {
    [
        ("ada", "ada/shared", true, 300_000),
        ("bea", "ada/shared", true, 3_000),
        ("cleo", "ada/plain", false, 150_000),
        ("dora", "ada/plain", false, 500),
    ]
    .map(|(name, dataset, lfs, size)| Author::new(installation, name, dataset, lfs, size, Random(random.next_u64())))
    .into()
}

/// A thread of a user that runs programs.
struct Person(tokio::sync::oneshot::Receiver<()>, std::thread::JoinHandle<()>);

fn thread(
    installation: &Arc<Installation>,
    ledger: &Arc<Ledger>,
    signal: &StopSignal,
    work: impl FnOnce(&Installation, &Ledger, &StopSignal) + Send + 'static,
) -> Person {
    let (installation, ledger, signal) = (Arc::clone(installation), Arc::clone(ledger), signal.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let handle = std::thread::spawn(move || {
        // Dropped at the end, also of a panic.
        let (_sender, _guard) = (sender, signal.stop_on_panic());
        work(&installation, &ledger, &signal);
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
fn clone_until_stopped(random: &mut Random, installation: &Installation, ledger: &Ledger, signal: &StopSignal) {
    for number in 0.. {
        if signal.is_stopped() {
            return;
        }
        let dataset = if random.one_in(2) { "ada/plain" } else { "ada/shared" };
        let author = if dataset == "ada/plain" { "cleo" } else { "ada" };
        let promised = ledger.entries().at(dataset, &format!("refs/heads/{author}")).unwrap();
        let clone = installation.tree(&format!("clone-{number}"));
        let disturbances = signal.disturbances();
        let output = clone.try_git(&["clone", "-q", "-b", author, &installation.remote(dataset), "."]);
        if output.status.success() {
            clone.git(&["fsck", "--strict"]);
            clone.git(&["merge-base", "--is-ancestor", &promised, "HEAD"]);
            ledger.entries().count("clones");
        } else {
            signal.assert_excused(disturbances, &text(&output));
            ledger.entries().count("clones cut off");
        }
        std::fs::remove_dir_all(&clone.folder).unwrap();
    }
}

/// A program that uploads until the end.
async fn upload_until_stopped(client: Client, ledger: Arc<Ledger>, signal: StopSignal, mut random: Random) {
    let _guard = signal.stop_on_panic();
    while !signal.is_stopped() {
        let magnitude = 10 + random.below(12);
        let length = 1 + random.below(1 << magnitude);
        let bytes = random.bytes(length);
        let object = ("ada/shared".to_owned(), Oid::of(&bytes));
        let disturbances = signal.disturbances();
        ledger.entries().begun.insert(object.clone(), length);
        match client.upload("ada/shared", &bytes).await {
            Ok(true) => {
                let mut entries = ledger.entries();
                entries.count("uploads acknowledged");
                entries.held.insert(object, length);
            }
            outcome => {
                signal.assert_excused(disturbances, &format!("an upload: {outcome:?}"));
                ledger.entries().count("uploads cut off");
            }
        }
    }
}

/// Every branch of a dataset, with all content.
fn assert_content_complete(installation: &Installation, dataset: &str) {
    let clone = installation.tree(&format!("whole/{dataset}"));
    clone.git(&["clone", "-q", &installation.remote(dataset), "."]);
    clone.git(&["lfs", "fetch", "--all"]);
    for branch in clone.git(&["for-each-ref", "--format=%(refname:short)", "refs/remotes/origin"]).lines() {
        clone.git(&["lfs", "fsck", "--objects", branch]);
    }
}
