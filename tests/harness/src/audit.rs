//! Checks that everything acknowledged is there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lfs::Oid;
use rutter::clock::Clock;

use crate::{Installation, Ledger, Random, Refs, Tree, assert_success, files_below, text};

/// After a restart: checks everything that the crash may have affected, and a sample of the rest.
pub async fn check_affected(installation: &Installation, ledger: &Ledger, random: &mut Random) {
    let mut datasets = ledger.entries().datasets_with_open_pushes();
    datasets.extend(pick(&ledger.entries().datasets(), 1, random));
    for dataset in datasets {
        let refs = refs_after_fetch(installation, &dataset);
        ledger.entries().compare(&dataset, &refs);
    }
    let (begun, incomplete, held) = {
        let mut entries = ledger.entries();
        let mut begun = std::mem::take(&mut entries.begun);
        begun.retain(|object, _| !entries.held.contains_key(object));
        let held: Vec<_> = entries.held.clone().into_iter().collect();
        (begun, std::mem::take(&mut entries.incomplete), pick(&held, 3, random))
    };
    for ((dataset, oid), size) in incomplete {
        assert!(
            !download(installation, &dataset, oid, size).await,
            "{oid} is visible, but its last byte was never sent"
        );
    }
    for ((dataset, oid), size) in begun {
        let arrived = download(installation, &dataset, oid, size).await;
        ledger.entries().count(if arrived {
            "objects that arrived unacknowledged"
        } else {
            "objects that did not arrive"
        });
    }
    for ((dataset, oid), size) in held {
        assert!(download(installation, &dataset, oid, size).await, "{oid} of {dataset} is lost");
    }
}

/// At the end: checks everything.
pub async fn check_all(installation: &Installation, ledger: &Ledger) {
    let datasets = ledger.entries().datasets();
    for dataset in datasets {
        let tree = installation.tree(&format!("fresh/{dataset}"));
        tree.git(&["clone", "-q", "--mirror", &installation.remote(&dataset), "."]);
        let complaints = tree.git(&["fsck", "--strict", "--full"]);
        assert!(complaints.is_empty(), "{dataset}: {complaints}");
        ledger.entries().compare(&dataset, &refs_in(&tree));
    }
    let held: Vec<_> = ledger.entries().held.clone().into_iter().collect();
    for ((dataset, oid), size) in &held {
        assert!(download(installation, dataset, *oid, *size).await, "{oid} of {dataset} is lost");
    }
    let check = installation.rutter(&["fsck"]);
    assert_success(&check, "rutter fsck");
    // A kill before the row is written leaves an invisible object: a note, not a fault.
    let said = text(&check);
    assert_eq!(said.lines().filter(|line| !line.starts_with("note: ")).collect::<Vec<_>>(), ["clean"], "{said}");
}

/// Whether an object can be downloaded; checks its bytes.
async fn download(installation: &Installation, dataset: &str, oid: Oid, size: u64) -> bool {
    let Ok(reply) = installation.batch("download", dataset, &[(oid, size)]).await else { return false };
    let Some(href) = reply[0]["actions"]["download"]["href"].as_str() else {
        assert_eq!(reply[0]["error"]["code"], 404, "{}", reply[0]);
        return false;
    };
    let response = installation.http.get(href).send().await.unwrap();
    assert_eq!(response.status(), 200, "{oid} of {dataset} was offered");
    let bytes = response.bytes().await.unwrap();
    assert_eq!((Oid::of(&bytes), bytes.len() as u64), (oid, size), "{dataset}");
    true
}

/// Updates a mirror. git accepts only complete packs.
fn refs_after_fetch(installation: &Installation, dataset: &str) -> Refs {
    let mirror = installation.tree(&format!("mirror/{dataset}"));
    if !mirror.folder.join("HEAD").exists() {
        mirror.git(&["init", "-q", "--bare"]);
    }
    let output = mirror.try_git(&["fetch", "-q", "--prune", &installation.remote(dataset), "+refs/*:refs/*"]);
    if text(&output).contains("not found") {
        return Refs::new();
    }
    assert_success(&output, &format!("git fetch {dataset}"));
    refs_in(&mirror)
}

fn refs_in(mirror: &Tree) -> Refs {
    let listed = mirror.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    let pair = |line: &str| line.split_once(' ').map(|(name, id)| (name.to_owned(), id.to_owned()));
    listed.lines().filter_map(pair).collect()
}

/// Waits until all due jobs are done.
pub async fn wait_for_jobs(installation: &Installation, parked: &str) {
    let database = installation.database().await;
    for _ in 0..3000 {
        let now = Clock::default().now().0;
        // Periodic jobs are always in the queue.
        let due = format!(
            "SELECT COUNT(*) FROM job WHERE subject <> '{parked}'
             AND (run_at <= {now} OR kind NOT IN ('sweep', 'scrub', 'collect', 'look', 'pack', 'keys', 'logouts', 'apps'))"
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

/// Waits until the server has deleted what interrupted uploads left in the store. The job that does it is periodic.
pub async fn wait_for_sweep(installation: &Installation) {
    let objects = installation.data().join("store/objects");
    for _ in 0..3000 {
        if below(&objects).iter().all(|file| Path::new(file).extension() != Some("part".as_ref())) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("partial objects are never deleted: {:?}", below(&objects));
}

/// The store has all objects of the rows, and no partial ones.
pub async fn compare_store_and_rows(installation: &Installation) {
    let database = installation.database().await;
    let store = installation.data().join("store");
    assert_eq!(database.count("SELECT COUNT(*) FROM git_upload").await, 0, "uploads that never ended are swept");
    let keys = database.texts("SELECT repo_id || '/' || object_key FROM git_pack WHERE inline_pack IS NULL").await;
    let expected: BTreeSet<_> = keys.iter().flat_map(|key| [format!("{key}.idx"), format!("{key}.pack")]).collect();
    let mut stored = below(&store.join("packs"));
    assert!(stored.remove(".rutter-packs"), "the mark of the packs");
    assert_eq!(stored, expected, "packs");

    assert_eq!(database.count("SELECT COUNT(*) FROM object WHERE state <> 'ready'").await, 0, "nothing was damaged");
    let oids = database.texts("SELECT oid FROM object WHERE form <> 'packed'").await;
    let expected: BTreeSet<_> = oids.iter().map(|oid| format!("{}/{}/{oid}", &oid[..2], &oid[2..4])).collect();
    // A kill between the last byte and the row leaves a complete object without a dataset: no user
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
fn pick<T: Clone>(all: &[T], count: u64, random: &mut Random) -> Vec<T> {
    let count = count.min(all.len() as u64);
    (0..count).map(|_| all[usize::try_from(random.below(all.len() as u64)).unwrap()].clone()).collect()
}
