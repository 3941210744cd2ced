//! Every fault in the store is found and named, a push restores lost objects, and what cannot be
//! read is not reported as lost.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use lfs::Oid;
use rutter::access::{Actor, Read};
use rutter::check::{Checker, NoteKind, ProblemKind, Remedy, Report};
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Server, Tree, environment, noise, story, text};
use serde_json::Value;

use crate::db::{count, execute};

/// A server that collects only on request, with a dataset that has objects, and packs of all kinds.
async fn server_with_dataset(engine: Engine) -> (Server, Person, Tree) {
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

async fn check(server: &Server) -> Report {
    server.app.checker.run(None, true, |_| {}).await.unwrap()
}

/// Runs the program on the data of this server, and reads its report.
fn fsck(server: &Server, arguments: &[&str]) -> (i32, Value) {
    let output = fsck_output(server, &[&["--json"], arguments].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    (output.status.code().unwrap(), report)
}

fn fsck_output(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
    command.env_clear().env("PATH", environment("PATH").unwrap_or_default());
    command.env("RUTTER_DATABASE_URL", server.app.config.database_url().expose());
    command.arg("--data").arg(&server.app.config.data).arg("fsck").args(arguments).output().unwrap()
}

fn store_folder(server: &Server) -> PathBuf {
    server.app.config.data.join("store")
}

/// The files of the store with user data.
fn store_files(server: &Server) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![store_folder(server)]);
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

async fn audit_events(server: &Server, action: &'static str) -> i64 {
    match action {
        "pack.damaged" => count(&server.app.db, "SELECT COUNT(*) FROM audit WHERE action = 'pack.damaged'").await,
        _ => count(&server.app.db, "SELECT COUNT(*) FROM audit WHERE action = 'object.quarantined'").await,
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
    async fn any_corrupted_byte_is_found(engine: Engine) {
        let (server, _, _) = server_with_dataset(engine).await;
        let (code, clean) = fsck(&server, &[]);
        assert_eq!((code, &clean["clean"]), (0, &true.into()), "{clean}");
        let checked = serde_json::json!({"objects": 3, "bytes": 1 + 70_002 + 1000, "packs": 3, "datasets": 1});
        assert_eq!(clean["checked"], checked);
        assert_eq!((&clean["problems"], &clean["notes"], &clean["unchecked"]), (&Value::Array(vec![]), &Value::Array(vec![]), &Value::Array(vec![])));

        let files = store_files(&server);
        assert_eq!(files.len(), 3 + 2 * 2, "{files:?}");
        for (index, path) in files.iter().cycle().take(2 * files.len()).enumerate() {
            let random = noise(index as u64 + 100, 16);
            let size = std::fs::metadata(path).unwrap().len();
            let at = u64::from_le_bytes(random[..8].try_into().unwrap()) % size;
            let bits = random[8].max(1);
            flip(path, at, bits);
            let (code, report) = fsck(&server, &[]);
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
                assert_eq!(fsck(&server, &["--quick"]).1["problems"][0]["kind"], "object-quarantined");
            }
            flip(path, at, bits);
        }
        // Intact objects are used again.
        assert_eq!(fsck(&server, &[]).0, 0);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object WHERE state = 'ready'").await, 3);
        assert_eq!(audit_events(&server, "object.quarantined").await, 2 * 3);
    }
}

story! {
    async fn missing_files_are_found_without_reading_and_a_push_restores_them(engine: Engine) {
        let (server, ada, tree) = server_with_dataset(engine).await;
        let files = store_files(&server);
        let (packs, objects): (Vec<_>, Vec<_>) = files.iter().partition(|path| path.extension().is_some());
        std::fs::remove_file(objects[0]).unwrap();
        File::options().write(true).open(objects[1]).unwrap().set_len(0).unwrap();
        for arguments in [&["--quick"][..], &["--quick", "ada/data"]] {
            let (code, report) = fsck(&server, arguments);
            assert_eq!((code, report["problems"].as_array().unwrap().len()), (1, 2), "{report:#}");
        }
        assert_eq!(audit_events(&server, "object.quarantined").await, 2, "each is taken out of use once");
        tree.git(&["lfs", "push", "--all", "origin"]);
        let report = check(&server).await;
        assert!(report.clean, "{report:?}");
        let clone = server.clone(&ada, "ada/data", "clone");
        assert!(clone.read("1.bin") == noise(11, 70_002));

        // Packs are restored from a copy.
        for lost in packs {
            let aside = server.folder.path().join("aside");
            std::fs::rename(lost, &aside).unwrap();
            let (code, report) = fsck(&server, &["--quick"]);
            let problem = &report["problems"][0];
            assert_eq!((code, &problem["kind"]), (1, &"pack-missing".into()), "{report:#}");
            assert!(problem["detail"].as_str().unwrap().contains(stem(lost)), "{report:#}");
            std::fs::rename(&aside, lost).unwrap();
        }
        assert_eq!(fsck(&server, &[]).0, 0);
    }
}

story! {
    async fn packs_stored_in_the_database_are_checked(engine: Engine) {
        let (server, _, _) = server_with_dataset(engine).await;
        execute(&server.app.db, "UPDATE git_pack SET inline_idx = inline_pack WHERE inline_pack IS NOT NULL").await;
        let report = check(&server).await;
        let [problem] = &report.problems[..] else { panic!("{report:?}") };
        assert_eq!((problem.kind, problem.store.as_str()), (ProblemKind::PackDamaged, "database"));
        assert_eq!(problem.healed_by, Remedy::Restore);
    }
}

story! {
    async fn one_dataset_can_be_checked_alone(engine: Engine) {
        let (server, ada, _) = server_with_dataset(engine).await;
        server.dataset("ada/other", Visibility::Private).await;
        let oid = server.upload(&ada.token, "ada/other", &noise(30, 500)).await;
        flip(&server.stored(&oid), 499, 1);
        let (code, report) = fsck(&server, &["ada/data"]);
        assert_eq!((code, &report["checked"]["objects"], &report["checked"]["datasets"]), (0, &3.into(), &1.into()));
        let (code, report) = fsck(&server, &["ada/other"]);
        assert_eq!((code, &report["problems"][0]["oid"]), (1, &oid.as_str().into()), "{report:#}");
        let said = fsck_output(&server, &["ada/nothing"]);
        assert_eq!((said.status.code(), said.stdout.len()), (Some(2), 0), "{}", text(&said));
    }
}

story! {
    async fn old_keys_without_a_row_are_reported(engine: Engine) {
        let (server, _, _) = server_with_dataset(engine).await;
        let bytes = noise(40, 700);
        let stray = server.stored(&Oid::of(&bytes).to_string());
        std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
        std::fs::write(&stray, &bytes).unwrap();
        let mut repos = std::fs::read_dir(store_folder(&server).join("packs")).unwrap().map(|entry| entry.unwrap().path());
        let stray_pack = repos.find(|path| path.is_dir()).unwrap().join("stray.pack");
        std::fs::write(&stray_pack, "PACK").unwrap();
        assert_eq!(check(&server).await.notes, Vec::new(), "they may be uploads under way");
        age(&stray, 2);
        age(&stray_pack, 2);
        let report = check(&server).await;
        assert!(report.clean, "{report:?}");
        let noted: Vec<_> = report.notes.iter().map(|note| (note.kind, note.bytes)).collect();
        assert_eq!(noted, [(NoteKind::ObjectStray, 700), (NoteKind::PackStray, 4)]);
        assert!(report.notes[1].key.ends_with("/stray.pack"), "{report:?}");
        let said = fsck_output(&server, &[]);
        assert_eq!(said.status.code(), Some(0), "{}", text(&said));
        assert!(text(&said).contains("note: ") && text(&said).ends_with("clean\n"), "{}", text(&said));
    }
}

story! {
    async fn an_unavailable_store_is_not_reported_as_loss(engine: Engine) {
        let (server, _, _) = server_with_dataset(engine).await;
        let (store, aside) = (store_folder(&server), server.app.config.data.join("aside"));
        for part in ["objects", "packs"] {
            // Like a disk that is not mounted.
            std::fs::rename(store.join(part), &aside).unwrap();
            std::fs::create_dir(store.join(part)).unwrap();
            let report = check(&server).await;
            assert_eq!((report.problems.len(), report.clean), (0, false), "{report:?}");
            assert!(!report.unchecked.is_empty(), "{report:?}");
            let said = fsck_output(&server, &["--json"]);
            assert_eq!((said.status.code(), said.stdout.len()), (Some(2), 0), "{part}: {}", text(&said));
            assert!(text(&said).contains("mount the disk"), "{}", text(&said));
            std::fs::remove_dir_all(store.join(part)).unwrap();
            std::fs::rename(&aside, store.join(part)).unwrap();
        }
        assert_eq!(audit_events(&server, "object.quarantined").await, 0);
        assert_eq!(fsck(&server, &[]).0, 0);

        // A store that was removed from the configuration.
        let moved = "INSERT INTO object (store, oid, size, state, place, created_at)
                     SELECT 'gone', oid, size, state, place, created_at FROM object";
        execute(&server.app.db, moved).await;
        let (code, report) = fsck(&server, &[]);
        assert_eq!((code, report["unchecked"].as_array().unwrap().len()), (2, 1), "{report:#}");
        assert!(report["unchecked"][0]["what"].as_str().unwrap().contains("gone"), "{report:#}");
    }
}

story! {
    async fn a_scrub_reads_everything_once_per_round(engine: Engine) {
        let (server, ada, _) = server_with_dataset(engine).await;
        // Not the scrubber of the server, which has its own schedule.
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
        let pack = store_files(&server).into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
        flip(&pack, 40, 1);
        checker.scrub().await.unwrap();
        assert_eq!(audit_events(&server, "object.quarantined").await, 0, "nothing is due yet");
        let day = Duration::from_hours(24);
        for eighth in 1..=8_usize {
            server.clock.advance(day * 30 / 8);
            checker.scrub().await.unwrap();
            let until = format!("{:x}", 2 * eighth);
            let due = oids.iter().filter(|oid| eighth == 8 || **oid < until).count();
            let found = audit_events(&server, "object.quarantined").await;
            assert_eq!(usize::try_from(found).unwrap(), due, "after {eighth} eighths");
        }
        assert_eq!(audit_events(&server, "pack.damaged").await, 1);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM scrub WHERE last = ''").await, 2, "all begin anew");

        // In the next round damaged objects are found again, and restored ones are used.
        flip(&server.stored(&oids[0]), 0, 1);
        server.clock.advance(day * 30);
        checker.scrub().await.unwrap();
        assert_eq!(audit_events(&server, "object.quarantined").await, 24);
        assert_eq!(audit_events(&server, "pack.damaged").await, 2);
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
    /// Checks and uploads of the same object race: in the end the right bytes are in use.
    async fn an_object_restored_during_a_check_stays_in_use(engine: Engine) {
        let (server, ada, _) = server_with_dataset(engine).await;
        let bytes = noise(90, 3000);
        let oid = server.upload(&ada.token, "ada/data", &bytes).await;
        for round in 0..25 {
            flip(&server.stored(&oid), round * 7, 1);
            let heals = async {
                // The first one may find that it exists already.
                for _ in 0..6 {
                    server.upload(&ada.token, "ada/data", &bytes).await;
                }
            };
            tokio::join!(server.app.checker.run(None, true, |_| {}), server.app.checker.run(None, true, |_| {}), heals).0.unwrap();
            check(&server).await;
            server.upload(&ada.token, "ada/data", &bytes).await;
            assert!(check(&server).await.clean, "round {round}");
        }
        let path = "ada/data".parse().unwrap();
        let grant: rutter::access::DatasetGrant<Read> = server.app.access.authorize(&Actor::operator(), &path).await.unwrap();
        assert_eq!(server.app.datasets.check(grant.id()).await.unwrap(), Vec::<String>::new());
    }
}
