//! What the operator is told about a store.

use crate::harness::text;
use crate::house::quiet_port;
use crate::scene::{Cloud, story};

story! {
    async fn a_store_is_tried_from_inside_where_only_clients_reach_its_public_endpoint() {
        let cloud = Cloud::shared().await;
        // As with `localhost` in a container: nobody is there.
        let public = format!("http://127.0.0.1:{}", quiet_port());
        let scene = cloud.empty_scene(1, &[("RUTTER_STORES__DEFAULT__PUBLIC_ENDPOINT", &public)]).await;
        let check = |more: &[&str]| {
            let output = scene.house.rutter(&[&["store", "check", "default"], more].concat());
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
        assert_eq!(scene.bucket.keys().await.len(), 0, "nothing is left");
    }
}
