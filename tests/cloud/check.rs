//! Every fault in a bucket is found and named, and a push restores lost objects.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lfs::Oid;
use rutter_testing::{Tree, noise, text};
use serde_json::Value;

use crate::cluster::{Cloud, Cluster, story};

/// What is in the dataset.
const OBJECTS: [(u64, usize); 4] = [(1, 1), (2, 1000), (3, 70_001), (4, 20_000)];

/// A dataset with objects, and packs that are too large for a row.
fn dataset_with_objects(cluster: &Cluster) -> Tree {
    let work = cluster.installation.tree("work");
    work.git(&["init", "-q", "-b", "main"]);
    work.with_lfs(&cluster.installation.remote("ada/data"));
    for (seed, size) in OBJECTS {
        work.write(&format!("{seed}.bin"), noise(seed, size));
    }
    work.write("table.csv", noise(9, 100_000));
    work.commit("Objects, and a table");
    work.git(&["push", "-q", "origin", "main"]);
    work
}

/// Runs `rutter fsck`, and returns exit code and report.
fn fsck(cluster: &Cluster, arguments: &[&str]) -> (i32, Value) {
    let output = cluster.installation.rutter(&[&["fsck", "--json"], arguments].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    (output.status.code().unwrap(), report)
}

/// Everything is intact, and everything was checked.
fn expect_clean(cluster: &Cluster) {
    let (code, report) = fsck(cluster, &[]);
    assert_eq!((code, &report["clean"]), (0, &Value::Bool(true)), "{report}");
    for list in ["problems", "notes", "unchecked"] {
        assert_eq!(report[list].as_array().map(Vec::len), Some(0), "{list}: {report}");
    }
    let bytes: usize = OBJECTS.iter().map(|(_, size)| size).sum();
    assert_eq!(report["checked"]["objects"], OBJECTS.len(), "{report}");
    assert_eq!(report["checked"]["bytes"], bytes, "{report}");
    assert_eq!((&report["checked"]["packs"], &report["checked"]["datasets"]), (&1.into(), &1.into()), "{report}");
}

/// What is wrong with each object or pack, as the report has it; it says what heals it, and whose it is.
fn problems(report: &Value, healed_by: &str) -> BTreeMap<String, String> {
    let problems = report["problems"].as_array().unwrap().iter().map(|problem| {
        assert_eq!(problem["healed_by"], healed_by, "{problem}");
        assert_eq!(problem["store"], "default", "{problem}");
        let whose = if healed_by == "push" { &problem["held_by"][0] } else { &problem["dataset"] };
        assert_eq!(whose, "ada/data", "{problem}");
        let what = problem["oid"].as_str().or(problem["pack"].as_str()).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(what) || healed_by == "restore", "{problem}");
        (what.to_owned(), problem["kind"].as_str().unwrap().to_owned())
    });
    problems.collect()
}

/// With one bit the other way round.
fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << (at % 8);
    bytes
}

story! {
    each async fn lost_and_corrupted_objects_are_found_and_a_push_restores_them(cloud: Cloud) {
        let cluster = cloud.cluster(1, &[]).await;
        let (ada, work) = (cluster.ada(), dataset_with_objects(&cluster));
        expect_clean(&cluster);

        let oids = OBJECTS.map(|(seed, size)| Oid::of(&noise(seed, size)));
        let objects = cluster.bucket.objects().await;
        let key = |number: usize| objects[&oids[number].to_string()][0].clone();
        cluster.bucket.delete(&key(0)).await;
        cluster.bucket.write(&key(1), noise(2, 999)).await;
        cluster.bucket.write(&key(2), flipped(&noise(3, 70_001), 70_000)).await;
        let wrong = |kinds: [&str; 3]| -> BTreeMap<String, String> {
            oids.iter().zip(kinds).map(|(oid, kind)| (oid.to_string(), kind.to_owned())).collect()
        };

        // Without reading, by name and size, and only the given dataset.
        let (code, report) = fsck(&cluster, &["--quick", "ada/data"]);
        let found = problems(&report, "push");
        assert_eq!((code, found.len()), (1, 2), "{report}");
        let all = wrong(["object-missing", "object-size", "object-bytes"]);
        assert!(found.iter().all(|(oid, kind)| all[oid] == *kind), "{report}");
        // Everything; what was found before is still quarantined.
        let (code, report) = fsck(&cluster, &[]);
        assert_eq!((code, &report["clean"]), (1, &Value::Bool(false)), "{report}");
        assert_eq!(problems(&report, "push"), wrong(["object-quarantined", "object-quarantined", "object-bytes"]));
        let (code, report) = fsck(&cluster, &[]);
        assert_eq!((code, problems(&report, "push")), (1, wrong(["object-quarantined"; 3])));
        for ((seed, size), oid) in OBJECTS.into_iter().zip(oids) {
            let got = ada.download("ada/data", oid, size).await;
            assert!(got == (seed == 4).then(|| noise(4, 20_000)), "{seed}");
        }
        let database = cluster.installation.database().await;
        let events = database.texts("SELECT subject FROM audit WHERE action = 'object.quarantined'").await;
        database.0.close().await;
        let damaged: BTreeSet<String> = oids[..3].iter().map(|oid| format!("default/{oid}")).collect();
        assert_eq!((events.len(), events.into_iter().collect()), (3, damaged));

        work.git(&["lfs", "push", "--all", "origin"]);
        expect_clean(&cluster);
        let clone = cluster.installation.tree("clone");
        clone.git(&["clone", "-q", &cluster.installation.remote("ada/data"), "."]);
        for (seed, size) in OBJECTS {
            assert!(clone.read(&format!("{seed}.bin")) == noise(seed, size));
        }
        // The corrupted ones have other keys than those that were uploaded again.
        cluster.expect_clean_after_grace_period().await;
        expect_clean(&cluster);
    }
}

story! {
    real async fn any_flipped_bit_of_a_pack_is_found() {
        let cluster = Cloud::shared().await.cluster(1, &[]).await;
        dataset_with_objects(&cluster);
        let keys = cluster.bucket.keys().await;
        let ending = |ending: &str| keys.keys().find(|key| key.ends_with(ending)).unwrap().clone();
        let (pack, index) = (ending(".pack"), ending(".idx"));
        let mut seen = BTreeSet::new();
        for (key, place) in [(&pack, 0), (&pack, 5), (&pack, 10), (&index, 3), (&index, 9)] {
            let bytes = cluster.bucket.read(key).await;
            cluster.bucket.write(key, flipped(&bytes, place * (bytes.len() - 1) / 10)).await;
            let (code, report) = fsck(&cluster, &[]);
            let found = problems(&report, "restore");
            assert_eq!((code, found.values().map(String::as_str).collect()), (1, vec!["pack-damaged"]), "{report}");
            seen.extend(found.into_keys());
            cluster.bucket.write(key, bytes.into()).await;
        }
        assert_eq!(seen.len(), 1);
        let bytes = cluster.bucket.read(&index).await;
        cluster.bucket.delete(&index).await;
        let (code, report) = fsck(&cluster, &["--quick"]);
        let found = problems(&report, "restore");
        assert_eq!((code, found.values().map(String::as_str).collect()), (1, vec!["pack-missing"]), "{report}");
        assert!(report["problems"][0]["detail"].as_str().unwrap().contains(&index), "{report}");
        cluster.bucket.write(&index, bytes.into()).await;
        expect_clean(&cluster);
    }
}

story! {
    each async fn old_keys_without_a_row_are_reported(cloud: Cloud) {
        let cluster = cloud.cluster(1, &[]).await;
        dataset_with_objects(&cluster);
        let keys = cluster.bucket.keys().await;
        let (folder, _) = keys.keys().find(|key| key.starts_with("packs/")).unwrap().rsplit_once('/').unwrap();
        let stray = noise(50, 3000);
        let oid = Oid::of(&stray).to_string();
        let object = format!("{}/{}/{oid}.{}", &oid[..2], &oid[2..4], "5a".repeat(8));
        // One that a dataset holds, but at another key.
        let known = Oid::of(&noise(3, 70_001)).to_string();
        let second = format!("{}/{}/{known}.{}", &known[..2], &known[2..4], "5a".repeat(8));
        let staged = format!("staging/{}", "5a".repeat(16));
        let pack = format!("{folder}/{}.pack", rutter::clock::Clock::default().id());
        for key in [&object, &second, &staged, &pack] {
            cluster.bucket.write(key, stray.clone()).await;
        }
        // It may be an upload under way.
        expect_clean(&cluster);

        let noted = async |span: Duration| {
            let report = cluster.after(span).await.checker.run(None, true, |_| {}).await.unwrap();
            assert!(report.clean, "{report:?}");
            let report = serde_json::to_value(&report).unwrap();
            let notes = report["notes"].as_array().unwrap().iter().map(|note| {
                assert_eq!((&note["store"], &note["bytes"]), (&"default".into(), &3000.into()), "{note}");
                (note["key"].as_str().unwrap().to_owned(), note["kind"].as_str().unwrap().to_owned())
            });
            notes.collect::<BTreeMap<String, String>>()
        };
        let note = |key: &String, kind: &str| (key.clone(), kind.to_owned());
        let mut expected: BTreeMap<String, String> =
            [note(&object, "object-stray"), note(&second, "object-stray"), note(&pack, "pack-stray")].into();
        assert_eq!(noted(Duration::from_hours(2)).await, expected);
        // What is staged may wait for as long as an upload may take.
        expected.extend([note(&staged, "object-stray")]);
        assert_eq!(noted(Duration::from_hours(4 * 24)).await, expected);

        cluster.expect_clean_after_grace_period().await;
        expect_clean(&cluster);
    }
}
