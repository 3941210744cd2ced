//! CKAN's clients against this server: giftless-client as it is, and the calls of ckan-client-js, datapub and CKAN's own
//! extensions.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use rutter::types::Role;

use crate::harness::{Server, assert_success, environment, story};

/// What the script needs: giftless-client asks for `six` without saying so.
const PACKAGES: [&str; 3] = ["giftless-client==0.1.1", "six==1.17.0", "requests==2.34.2"];

/// A Python that has the clients. `None` where it cannot be had.
fn clients() -> Option<PathBuf> {
    let home = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("giftless-client");
    let python = home.join("bin").join("python");
    let works = || Command::new(&python).args(["-c", "import giftless_client"]).stderr(Stdio::null()).status();
    let lock = std::fs::File::create(home.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !works().is_ok_and(|status| status.success()) {
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).stdout(Stdio::null()).status().ok()?;
        Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES).status().ok()?;
    }
    works().ok()?.success().then_some(python)
}

story! {
    async fn the_clients_of_ckan_work(engine: Engine) {
        let Some(python) = clients() else {
            assert!(environment("CI").is_none(), "CI must test CKAN's clients: python3-venv and pip");
            eprintln!("skipped: the clients of CKAN cannot be installed");
            return;
        };
        // So that twelve megabytes come in parts.
        let server = Server::start_with(engine, |config| config.limits.parts_from = 5_000_000).await;
        let (ada, rita) = (server.person("ada").await, server.person("rita").await);
        server.organisation("aviary", &[(&ada, Role::Writer), (&rita, Role::Reader)]).await;
        let place = server.nowhere("ckan");
        let mut command = Command::new(&python);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/ckan.py");
        command.env_clear().current_dir(&place.folder).arg(script);
        for (name, value) in [
            ("RUTTER_URL", server.url.as_str()),
            ("RUTTER_KEY", &ada.token),
            ("RUTTER_READER", &rita.token),
            ("HOME", place.folder.to_str().unwrap()),
            ("no_proxy", "127.0.0.1"),
        ] {
            command.env(name, value);
        }
        assert_success(&command.output().unwrap(), "the client");

        // Plain git sees the same.
        let work = server.sound(&ada, "aviary/birds").await;
        assert_eq!(work.read("all.bin").len(), 12_000_000);
        assert_eq!(work.git(&["status", "--porcelain"]), "");
        assert!(work.git(&["ls-remote", "--tags", "origin"]).contains("refs/tags/1.0"));
    }
}
