//! Whatever is wrong in the store is found and named, what is lost comes back with a push, and what cannot be
//! seen is not taken for lost.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use lfs::Oid;
use rutter::access::{Actor, Read};
use rutter::check::{Checker, NoteKind, ProblemKind, Remedy, Report};
use rutter::types::Visibility;
use serde_json::Value;

use crate::db::{count, execute};
use crate::harness::{Engine, Person, Server, Tree, environment, noise, story, text};

/// A server that collects only when it is told to, with a dataset that has objects, and packs of all kinds.
async fn furnished(engine: Engine) -> (Server, Person, Tree) {
    let server =
        Server::start_with(engine, |config| (config.gc.enabled, config.scrub.interval_days) = (false, 0)).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    let tree = server.tree("ada");
    tree.with_lfs(&server.remote(&ada, "ada/data"));
    // Two packs that are files, as they are too large for a row.
    for seed in 0..2 {
        tree.write(&format!("{seed}.txt"), noise(seed, 100_000));
        tree.write(&format!("{seed}.bin"), noise(seed + 10, 1 + usize::try_from(seed).unwrap() * 70_001));
        tree.commit("large");
        tree.git(&["push", "-q", "origin", "main"]);
    }
    tree.write("small.bin", noise(20, 1000));
    tree.commit("small");
    tree.git(&["push", "-q", "origin", "main"]);
    assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM git_pack WHERE inline_pack IS NULL").await, 2);
    assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM git_pack WHERE inline_pack IS NOT NULL").await, 1);
    (server, ada, tree)
}

impl Server {
    async fn checked(&self) -> Report {
        self.app.checker.run(None, true, |_| {}).await.unwrap()
    }

    /// Runs the program on the data of this server, and reads its report.
    fn fsck(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.fsck_says(&[&["--json"], arguments].concat());
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
        (output.status.code().unwrap(), report)
    }

    fn fsck_says(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
        command.env_clear().env("PATH", environment("PATH").unwrap_or_default());
        command.env("RUTTER_DATABASE_URL", self.app.config.database_url().expose());
        command.arg("--data").arg(&self.app.config.data).arg("fsck").args(arguments).output().unwrap()
    }

    fn store(&self) -> PathBuf {
        self.app.config.data.join("store")
    }

    /// The files of the store that hold what people sent.
    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.store()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.file_name().unwrap().to_str().unwrap().starts_with('.') {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    async fn events(&self, action: &'static str) -> i64 {
        match action {
            "pack.damaged" => count(&self.app.db, "SELECT COUNT(*) FROM audit WHERE action = 'pack.damaged'").await,
            _ => count(&self.app.db, "SELECT COUNT(*) FROM audit WHERE action = 'object.quarantined'").await,
        }
    }
}

/// Flips bits of the byte at this place, in the file itself and not in a new one.
fn flip(path: &Path, at: u64, bits: u8) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ bits], at).unwrap();
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

fn age(path: &Path, hours: u64) {
    let file = File::options().write(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap() - Duration::from_hours(hours);
    file.set_modified(modified).unwrap();
}

story! {
    async fn any_byte_that_flips_is_found(engine: Engine) {
        let (server, _, _) = furnished(engine).await;
        let (code, clean) = server.fsck(&[]);
        assert_eq!((code, &clean["clean"]), (0, &true.into()), "{clean}");
        let checked = serde_json::json!({"objects": 3, "bytes": 1 + 70_002 + 1000, "packs": 3, "datasets": 1});
        assert_eq!(clean["checked"], checked);
        assert_eq!((&clean["problems"], &clean["notes"], &clean["unchecked"]), (&Value::Array(vec![]), &Value::Array(vec![]), &Value::Array(vec![])));

        let files = server.files();
        assert_eq!(files.len(), 3 + 2 * 2, "{files:?}");
        for (index, path) in files.iter().cycle().take(2 * files.len()).enumerate() {
            let random = noise(index as u64 + 100, 16);
            let size = std::fs::metadata(path).unwrap().len();
            let at = u64::from_le_bytes(random[..8].try_into().unwrap()) % size;
            let bits = random[8].max(1);
            flip(path, at, bits);
            let (code, report) = server.fsck(&[]);
            let story = format!("byte {at} of {}: {report:#}", path.display());
            let problems = report["problems"].as_array().unwrap();
            assert_eq!((code, problems.len(), &report["clean"]), (1, 1, &false.into()), "{story}");
            let problem = &problems[0];
            assert_eq!(problem["store"], "default", "{story}");
            if path.extension().is_some() {
                assert_eq!((&problem["kind"], &problem["healed_by"]), (&"pack-damaged".into(), &"restore".into()), "{story}");
                assert_eq!(problem["dataset"], "ada/data", "{story}");
                assert!(problem["detail"].as_str().unwrap().contains(stem(path)), "{story}");
                assert_eq!(problem["pack"].as_str().unwrap().len(), 40, "{story}");
            } else {
                assert_eq!((&problem["kind"], &problem["healed_by"]), (&"object-bytes".into(), &"push".into()), "{story}");
                assert_eq!(problem["oid"], stem(path), "{story}");
                assert_eq!(problem["held_by"], serde_json::json!(["ada/data"]), "{story}");
                assert_eq!(server.fsck(&["--quick"]).1["problems"][0]["kind"], "object-quarantined");
            }
            flip(path, at, bits);
        }
        // What is sound again is used again.
        assert_eq!(server.fsck(&[]).0, 0);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object WHERE state = 'ready'").await, 3);
        assert_eq!(server.events("object.quarantined").await, 2 * 3);
    }
}

story! {
    async fn what_is_lost_is_found_without_reading_and_a_push_heals_it(engine: Engine) {
        let (server, ada, tree) = furnished(engine).await;
        let files = server.files();
        let (packs, objects): (Vec<_>, Vec<_>) = files.iter().partition(|path| path.extension().is_some());
        std::fs::remove_file(objects[0]).unwrap();
        File::options().write(true).open(objects[1]).unwrap().set_len(0).unwrap();
        for arguments in [&["--quick"][..], &["--quick", "ada/data"]] {
            let (code, report) = server.fsck(arguments);
            assert_eq!((code, report["problems"].as_array().unwrap().len()), (1, 2), "{report:#}");
        }
        assert_eq!(server.events("object.quarantined").await, 2, "each is taken out of use once");
        tree.git(&["lfs", "push", "--all", "origin"]);
        let report = server.checked().await;
        assert!(report.clean, "{report:?}");
        let clone = server.clone(&ada, "ada/data", "clone");
        assert!(clone.read("1.bin") == noise(11, 70_002));

        // Packs come back from where they were copied to.
        for lost in packs {
            let aside = server.folder.path().join("aside");
            std::fs::rename(lost, &aside).unwrap();
            let (code, report) = server.fsck(&["--quick"]);
            let problem = &report["problems"][0];
            assert_eq!((code, &problem["kind"]), (1, &"pack-missing".into()), "{report:#}");
            assert!(problem["detail"].as_str().unwrap().contains(stem(lost)), "{report:#}");
            std::fs::rename(&aside, lost).unwrap();
        }
        assert_eq!(server.fsck(&[]).0, 0);
    }
}

story! {
    async fn a_pack_in_its_row_is_checked_too(engine: Engine) {
        let (server, _, _) = furnished(engine).await;
        execute(&server.app.db, "UPDATE git_pack SET inline_idx = inline_pack WHERE inline_pack IS NOT NULL").await;
        let report = server.checked().await;
        let [problem] = &report.problems[..] else { panic!("{report:?}") };
        assert_eq!((problem.kind, problem.store.as_str()), (ProblemKind::PackDamaged, "database"));
        assert_eq!(problem.healed_by, Remedy::Restore);
    }
}

story! {
    async fn one_dataset_can_be_checked_alone(engine: Engine) {
        let (server, ada, _) = furnished(engine).await;
        server.dataset("ada/other", Visibility::Private).await;
        let oid = server.upload(&ada.token, "ada/other", &noise(30, 500)).await;
        flip(&server.stored(&oid), 499, 1);
        let (code, report) = server.fsck(&["ada/data"]);
        assert_eq!((code, &report["checked"]["objects"], &report["checked"]["datasets"]), (0, &3.into(), &1.into()));
        let (code, report) = server.fsck(&["ada/other"]);
        assert_eq!((code, &report["problems"][0]["oid"]), (1, &oid.as_str().into()), "{report:#}");
        let said = server.fsck_says(&["ada/nothing"]);
        assert_eq!((said.status.code(), said.stdout.len()), (Some(2), 0), "{}", text(&said));
    }
}

story! {
    async fn what_no_row_names_is_noted_once_it_is_old(engine: Engine) {
        let (server, _, _) = furnished(engine).await;
        let bytes = noise(40, 700);
        let stray = server.stored(&Oid::of(&bytes).to_string());
        std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
        std::fs::write(&stray, &bytes).unwrap();
        let mut repos = std::fs::read_dir(server.store().join("packs")).unwrap().map(|entry| entry.unwrap().path());
        let stray_pack = repos.find(|path| path.is_dir()).unwrap().join("stray.pack");
        std::fs::write(&stray_pack, "PACK").unwrap();
        assert_eq!(server.checked().await.notes, Vec::new(), "they may be uploads under way");
        age(&stray, 2);
        age(&stray_pack, 2);
        let report = server.checked().await;
        assert!(report.clean, "{report:?}");
        let noted: Vec<_> = report.notes.iter().map(|note| (note.kind, note.bytes)).collect();
        assert_eq!(noted, [(NoteKind::ObjectStray, 700), (NoteKind::PackStray, 4)]);
        assert!(report.notes[1].key.ends_with("/stray.pack"), "{report:?}");
        let said = server.fsck_says(&[]);
        assert_eq!(said.status.code(), Some(0), "{}", text(&said));
        assert!(text(&said).contains("note: ") && text(&said).ends_with("clean\n"), "{}", text(&said));
    }
}

story! {
    async fn a_store_that_is_away_has_lost_nothing(engine: Engine) {
        let (server, _, _) = furnished(engine).await;
        let (store, aside) = (server.store(), server.app.config.data.join("aside"));
        for part in ["objects", "packs"] {
            // As a disk that is not mounted looks.
            std::fs::rename(store.join(part), &aside).unwrap();
            std::fs::create_dir(store.join(part)).unwrap();
            let report = server.checked().await;
            assert_eq!((report.problems.len(), report.clean), (0, false), "{report:?}");
            assert!(!report.unchecked.is_empty(), "{report:?}");
            let said = server.fsck_says(&["--json"]);
            assert_eq!((said.status.code(), said.stdout.len()), (Some(2), 0), "{part}: {}", text(&said));
            assert!(text(&said).contains("mount the disk"), "{}", text(&said));
            std::fs::remove_dir_all(store.join(part)).unwrap();
            std::fs::rename(&aside, store.join(part)).unwrap();
        }
        assert_eq!(server.events("object.quarantined").await, 0);
        assert_eq!(server.fsck(&[]).0, 0);

        // A store that the configuration has no more.
        let moved = "INSERT INTO object SELECT 'gone', oid, size, state, place, created_at, orphaned_at FROM object";
        execute(&server.app.db, moved).await;
        let (code, report) = server.fsck(&[]);
        assert_eq!((code, report["unchecked"].as_array().unwrap().len()), (2, 1), "{report:#}");
        assert!(report["unchecked"][0]["what"].as_str().unwrap().contains("gone"), "{report:#}");
    }
}

story! {
    async fn a_scrub_reads_everything_once_in_a_round(engine: Engine) {
        let (server, ada, _) = furnished(engine).await;
        // Not the one of the server, which has its own ideas of when.
        let app = &server.app;
        let month = Some(Duration::from_hours(30 * 24));
        let checker = Checker::new(app.db.clone(), app.datasets.clone(), app.storage.clone(), server.clock.clone(), month);
        // The round begins.
        checker.scrub().await.unwrap();
        let mut oids = Vec::new();
        for seed in 0..24 {
            let oid = server.upload(&ada.token, "ada/data", &noise(seed + 50, 400)).await;
            flip(&server.stored(&oid), seed, 1);
            oids.push(oid);
        }
        let pack = server.files().into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
        flip(&pack, 40, 1);
        checker.scrub().await.unwrap();
        assert_eq!(server.events("object.quarantined").await, 0, "nothing is due yet");
        let day = Duration::from_hours(24);
        for eighth in 1..=8_usize {
            server.clock.advance(day * 30 / 8);
            checker.scrub().await.unwrap();
            let until = format!("{:x}", 2 * eighth);
            let due = oids.iter().filter(|oid| eighth == 8 || **oid < until).count();
            let found = server.events("object.quarantined").await;
            assert_eq!(usize::try_from(found).unwrap(), due, "after {eighth} eighths");
        }
        assert_eq!(server.events("pack.damaged").await, 1);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM scrub WHERE last = ''").await, 2, "all begin anew");

        // In the next round they are found to be as they were, and healed ones are used.
        flip(&server.stored(&oids[0]), 0, 1);
        server.clock.advance(day * 30);
        checker.scrub().await.unwrap();
        assert_eq!(server.events("object.quarantined").await, 24);
        assert_eq!(server.events("pack.damaged").await, 2);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object WHERE state = 'quarantined'").await, 23);
    }
}

story! {
    async fn a_scrub_can_be_switched_off(engine: Engine) {
        let server = Server::start_with(engine, |config| config.scrub.interval_days = 0).await;
        server.app.checker.scrub().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM scrub").await, 0);
    }
}

story! {
    /// Checks and uploads of the same object race: whatever they find, in the end the right bytes are in use.
    async fn what_is_healed_while_it_is_checked_stays_in_use(engine: Engine) {
        let (server, ada, _) = furnished(engine).await;
        let bytes = noise(90, 3000);
        let oid = server.upload(&ada.token, "ada/data", &bytes).await;
        for round in 0..25 {
            flip(&server.stored(&oid), round * 7, 1);
            let heals = async {
                // The first may be told that it is there.
                for _ in 0..6 {
                    server.upload(&ada.token, "ada/data", &bytes).await;
                }
            };
            tokio::join!(server.app.checker.run(None, true, |_| {}), server.app.checker.run(None, true, |_| {}), heals).0.unwrap();
            server.checked().await;
            server.upload(&ada.token, "ada/data", &bytes).await;
            assert!(server.checked().await.clean, "round {round}");
        }
        let path = "ada/data".parse().unwrap();
        let grant: rutter::access::DatasetGrant<Read> = server.app.access.authorize(&Actor::operator(), &path).await.unwrap();
        assert_eq!(server.app.datasets.check(grant.id()).await.unwrap(), Vec::<String>::new());
    }
}
