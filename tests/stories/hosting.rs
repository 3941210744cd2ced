//! Push, clone and pull with stock clients.

use crate::harness::{noise, story};

story! {
    async fn a_dataset_comes_back_byte_for_byte(server: Server) {
        let ada = server.person("ada").await;
        let tree = server.tree("work");
        tree.with_lfs(&server.remote(&ada, "ada/first"));
        let image = noise(1, 3_000_000);
        tree.write("scans/one.bin", &image);
        tree.write("README.md", "# First\n");
        let revision = tree.commit("first");
        tree.git(&["push", "-q", "origin", "main"]);

        let clone = server.clone(&ada, "ada/first", "clone");
        assert_eq!(clone.read("scans/one.bin"), image);
        assert_eq!(clone.git(&["rev-parse", "HEAD"]), revision);
        clone.git(&["fsck", "--strict"]);
        clone.git(&["lfs", "fsck"]);
    }
}
