//! Looking whether everything is as it was promised.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lfs::Oid;
use rutter::clock::Clock;

use crate::harness::{assert_success, text};
use crate::house::{House, files_below};
use crate::ledger::{Ledger, Refs};
use crate::people::Dice;

/// After a restart: what the crash may have touched, and a few other things.
pub(crate) async fn look_around(house: &House, ledger: &Ledger, dice: &mut Dice) {
    let mut datasets = ledger.book().unsure();
    datasets.extend(pick(&ledger.book().datasets(), 1, dice));
    for dataset in datasets {
        let refs = refs_after_fetch(house, &dataset);
        ledger.book().compare(&dataset, &refs);
    }
    let (begun, never, held) = {
        let mut book = ledger.book();
        let mut begun = std::mem::take(&mut book.begun);
        begun.retain(|object, _| !book.held.contains_key(object));
        let held: Vec<_> = book.held.clone().into_iter().collect();
        (begun, std::mem::take(&mut book.never), pick(&held, 3, dice))
    };
    for ((dataset, oid), size) in never {
        assert!(!download(house, &dataset, oid, size).await, "{oid} is visible, but its last byte was never sent");
    }
    for ((dataset, oid), size) in begun {
        let arrived = download(house, &dataset, oid, size).await;
        ledger.book().count(if arrived {
            "objects that arrived unacknowledged"
        } else {
            "objects that did not arrive"
        });
    }
    for ((dataset, oid), size) in held {
        assert!(download(house, &dataset, oid, size).await, "{oid} of {dataset} is lost");
    }
}

/// At the end: everything.
pub(crate) async fn look_at_everything(house: &House, ledger: &Ledger) {
    let datasets = ledger.book().datasets();
    for dataset in datasets {
        let tree = house.tree(&format!("fresh/{dataset}"));
        tree.git(&["clone", "-q", "--mirror", &house.remote(&dataset), "."]);
        let complaints = tree.git(&["fsck", "--strict", "--full"]);
        assert!(complaints.is_empty(), "{dataset}: {complaints}");
        ledger.book().compare(&dataset, &refs_in(&tree));
    }
    let held: Vec<_> = ledger.book().held.clone().into_iter().collect();
    for ((dataset, oid), size) in &held {
        assert!(download(house, dataset, *oid, *size).await, "{oid} of {dataset} is lost");
    }
    let check = house.rutter(&["fsck"]);
    assert_success(&check, "rutter fsck");
    // What was killed before its row was written lies there, and nobody sees it: a note, not a fault.
    let said = text(&check);
    assert_eq!(said.lines().filter(|line| !line.starts_with("note: ")).collect::<Vec<_>>(), ["clean"], "{said}");
}

/// Whether a dataset gives an object away. If it does, it is the right one.
async fn download(house: &House, dataset: &str, oid: Oid, size: u64) -> bool {
    let Ok(reply) = house.batch("download", dataset, &[(oid, size)]).await else { return false };
    let Some(href) = reply[0]["actions"]["download"]["href"].as_str() else {
        assert_eq!(reply[0]["error"]["code"], 404, "{}", reply[0]);
        return false;
    };
    let response = house.http.get(href).send().await.unwrap();
    assert_eq!(response.status(), 200, "{oid} of {dataset} was offered");
    let bytes = response.bytes().await.unwrap();
    assert_eq!((Oid::of(&bytes), bytes.len() as u64), (oid, size), "{dataset}");
    true
}

/// Brings a mirror up to date. git takes only what is complete.
fn refs_after_fetch(house: &House, dataset: &str) -> Refs {
    let mirror = house.tree(&format!("mirror/{dataset}"));
    if !mirror.folder.join("HEAD").exists() {
        mirror.git(&["init", "-q", "--bare"]);
    }
    let output = mirror.try_git(&["fetch", "-q", "--prune", &house.remote(dataset), "+refs/*:refs/*"]);
    if text(&output).contains("not found") {
        return Refs::new();
    }
    assert_success(&output, &format!("git fetch {dataset}"));
    refs_in(&mirror)
}

fn refs_in(mirror: &crate::harness::Tree) -> Refs {
    let listed = mirror.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    let pair = |line: &str| line.split_once(' ').map(|(name, id)| (name.to_owned(), id.to_owned()));
    listed.lines().filter_map(pair).collect()
}

/// Waits until the server has done all that is due.
pub(crate) async fn await_jobs(house: &House, parked: &str) {
    let database = house.database().await;
    for _ in 0..3000 {
        let now = Clock::default().now().0;
        // What comes round again and again is always in the queue.
        let due = format!(
            "SELECT COUNT(*) FROM job WHERE subject <> '{parked}'
             AND (run_at <= {now} OR kind NOT IN ('sweep', 'scrub', 'collect', 'look'))"
        );
        if database.count(&due).await == 0 {
            database.0.close().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!(
        "the work that is due is never done: {:?}",
        database.texts("SELECT kind || ' ' || COALESCE(last_error, '') FROM job").await
    );
}

/// The store has what rows name, and nothing half.
pub(crate) async fn compare_store_and_rows(house: &House) {
    let database = house.database().await;
    let store = house.data().join("store");
    assert_eq!(database.count("SELECT COUNT(*) FROM git_upload").await, 0, "uploads that never ended are swept");
    let keys = database.texts("SELECT repo_id || '/' || object_key FROM git_pack WHERE inline_pack IS NULL").await;
    let expected: BTreeSet<_> = keys.iter().flat_map(|key| [format!("{key}.idx"), format!("{key}.pack")]).collect();
    let mut stored = below(&store.join("packs"));
    assert!(stored.remove(".rutter-packs"), "the mark of the packs");
    assert_eq!(stored, expected, "packs");

    assert_eq!(database.count("SELECT COUNT(*) FROM object WHERE state <> 'ready'").await, 0, "nothing was damaged");
    let oids = database.texts("SELECT oid FROM object").await;
    let expected: BTreeSet<_> = oids.iter().map(|oid| format!("{}/{}/{oid}", &oid[..2], &oid[2..4])).collect();
    // A kill between the last byte and the row leaves a whole object that no dataset holds: nobody
    // sees it, and the next upload of it finds it. Never the other way round, and never half a one.
    let mut stored = below(&store.join("objects"));
    assert!(stored.remove(".rutter-store"), "the mark of the store");
    let missing: Vec<_> = expected.difference(&stored).collect();
    assert!(missing.is_empty(), "rows without their objects: {missing:?}");
    for file in &stored {
        let name = file.rsplit('/').next().unwrap_or_default();
        let bytes = std::fs::read(store.join("objects").join(file)).unwrap();
        assert_eq!(lfs::Oid::of(&bytes).to_string(), name, "what is in the store is what its name says");
    }
    database.0.close().await;
}

fn below(folder: &Path) -> BTreeSet<String> {
    files_below(folder).iter().map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
}

/// A few of many.
fn pick<T: Clone>(all: &[T], count: u64, dice: &mut Dice) -> Vec<T> {
    let count = count.min(all.len() as u64);
    (0..count).map(|_| all[usize::try_from(dice.below(all.len() as u64)).unwrap()].clone()).collect()
}
