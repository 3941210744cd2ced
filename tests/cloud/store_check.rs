//! `rutter store check`.

use rutter_testing::{free_port, text};

use crate::cluster::{Cloud, story};

story! {
    async fn a_store_is_checked_at_its_internal_endpoint_if_only_clients_reach_the_public_one() {
        let cloud = Cloud::shared().await;
        // As with `localhost` in a container: no server listens there.
        let public = format!("http://127.0.0.1:{}", free_port());
        let cluster = cloud.stopped_cluster(1, &[("RUTTER_STORES__DEFAULT__PUBLIC_ENDPOINT", &public)]).await;
        let check = |more: &[&str]| {
            let output = cluster.installation.rutter(&[&["store", "check", "default"], more].concat());
            (output.status.success(), text(&output))
        };
        let line = |said: &str, begin: &str| said.lines().find(|line| line.starts_with(begin)).map(str::to_owned);

        let (good, said) = check(&[]);
        assert!(!good, "{said}");
        let upload = line(&said, "FAIL  signed upload:").unwrap_or_else(|| panic!("{said}"));
        assert!(upload.contains(&format!("clients use {public}")), "{said}");
        let note = line(&said, "NOTE").unwrap_or_else(|| panic!("{said}"));
        assert!(note.contains(&public) && note.contains("--internal"), "{said}");

        let (_, said) = check(&["--internal"]);
        for step in ["signed upload", "signed upload of wrong bytes", "signed download"] {
            assert!(line(&said, &format!("ok    {step}:")).is_some(), "{step}: {said}");
        }
        let note = line(&said, "NOTE").unwrap_or_else(|| panic!("{said}"));
        assert!(note.contains(&format!("{public}, which was not tested")), "{said}");
        assert_eq!(cluster.bucket.keys().await.len(), 0, "nothing is left");
    }
}
