//! CKAN's clients against this server: giftless-client as it is, and the calls of ckan-client-js, datapub and CKAN's own
//! extensions.

use std::process::Command;

use rutter::types::Role;
use rutter_testing::{Server, assert_success, story};

use crate::pypi::{GIFTLESS, python};

story! {
    on(sqlite) async fn the_clients_of_ckan_work(engine: Engine) {
        let Some(python) = python(&GIFTLESS, "import giftless_client") else { return };
        // So that twelve megabytes come in parts.
        let server = Server::start_with(engine, |config| config.limits.multipart_threshold = 5_000_000).await;
        let (ada, rita) = (server.person("ada").await, server.person("rita").await);
        server.organisation("aviary", &[(&ada, Role::Writer), (&rita, Role::Reader)]).await;
        let place = server.empty_folder("ckan");
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
        let work = server.assert_intact(&ada, "aviary/birds").await;
        assert_eq!(work.read("all.bin").len(), 12_000_000);
        assert_eq!(work.git(&["status", "--porcelain"]), "");
        assert!(work.git(&["ls-remote", "--tags", "origin"]).contains("refs/tags/1.0"));
    }
}
