//! Packing and uploads by Xet end at any moment.

use std::time::Duration;

use rutter_testing::xet::{XetClient, describe, pack, shard};
use rutter_testing::{Installation, Random, Tree, assert_success, audit, noise, story};

const MIB: usize = 1 << 20;

/// Pushes versions of a file that differ a little.
fn push_versions(installation: &Installation, number: u64) -> (Tree, Vec<Vec<u8>>) {
    let work = installation.tree("work");
    work.git(&["init", "-q", "-b", "main"]);
    work.with_lfs(&installation.remote("ada/data"));
    let mut contents = vec![noise(1, 12 * MIB)];
    for version in 1..number {
        let mut next = contents.last().unwrap().clone();
        next.splice(MIB..MIB + 10, noise(version, 100_000));
        contents.push(next);
    }
    for (version, content) in contents.iter().enumerate() {
        work.write("data.bin", content);
        work.commit(&format!("version {version}"));
        work.git(&["tag", &format!("v{version}")]);
    }
    work.git(&["push", "-q", "origin", "main", "--tags"]);
    (work, contents)
}

fn assert_versions(installation: &Installation, name: &str, contents: &[Vec<u8>]) {
    let clone = installation.tree(name);
    clone.git(&["clone", "-q", &installation.remote("ada/data"), "."]);
    for (version, content) in contents.iter().enumerate() {
        clone.git(&["checkout", "-q", &format!("v{version}")]);
        assert!(clone.read("data.bin") == *content, "version {version}");
    }
}

story! {
    async fn packing_can_be_killed(engine: Engine) {
        let installation = Installation::new(engine).await;
        let mut random = Random(u64::from_le_bytes(rutter::clock::random()));
        let running = installation.serve().await;
        let (_, contents) = push_versions(&installation, 5);
        // While the server works; packers of other processes race, too.
        for _ in 0..6 {
            let mut packers = [(); 2].map(|()| installation.spawn(&["pack"]));
            tokio::time::sleep(Duration::from_millis(random.below(900))).await;
            for packer in &mut packers {
                packer.kill().unwrap();
                packer.wait().unwrap();
            }
        }
        assert_versions(&installation, "first", &contents);
        assert_success(&installation.rutter(&["pack"]), "rutter pack");
        let database = installation.database().await;
        assert_eq!(database.count("SELECT COUNT(*) FROM object WHERE form = 'packed'").await, 4);
        database.0.close().await;
        assert_versions(&installation, "second", &contents);
        running.kill();
        assert_success(&installation.rutter(&["fsck"]), "rutter fsck");
        // What a packer was writing when it was killed is deleted after the grace period.
        installation.age_by_nine_hours().await;
        let running = installation.serve().await;
        audit::wait_for_jobs(&installation, "").await;
        audit::wait_for_sweep(&installation).await;
        assert_versions(&installation, "third", &contents);
        running.kill();
        audit::compare_store_and_rows(&installation).await;
    }
}

story! {
    async fn an_upload_by_xet_can_be_killed(engine: Engine) {
        let installation = Installation::new(engine).await;
        let mut random = Random(u64::from_le_bytes(rutter::clock::random()));
        let chunks: Vec<Vec<u8>> = (0..200).map(|seed| noise(seed, 100_000)).collect();
        let content = chunks.concat();
        let (bytes, xorb) = pack(&chunks);
        let shard = shard(describe(&xorb, &content));
        let running = installation.serve().await;
        let (work, _) = push_versions(&installation, 1);
        running.kill();
        for last in [false, false, false, false, true] {
            let running = installation.serve().await;
            let client =
                XetClient::of(&installation.http, &installation.url, "ada/data", &installation.token).await;
            let (hash, bytes, shard) = (xorb.hash(), bytes.clone(), shard.clone());
            let upload = async move {
                let xorb = client.request(&format!("v1/xorbs/default/{hash}"), bytes).send().await?.status();
                let shard = client.request("v1/shards", shard).send().await?.status();
                Ok::<_, reqwest::Error>((xorb.as_u16(), shard.as_u16()))
            };
            let upload = tokio::spawn(upload);
            if last {
                assert_eq!(upload.await.unwrap().unwrap(), (200, 200));
            } else {
                tokio::time::sleep(Duration::from_millis(random.below(500))).await;
                running.kill();
                let _ = upload.await.unwrap();
                assert_success(&installation.rutter(&["fsck"]), "rutter fsck");
                continue;
            }
            work.write("data.bin", &content);
            work.commit("by Xet");
            work.git(&["push", "-q", "origin", "main"]);
            work.git(&["tag", "-f", "v0"]);
            work.git(&["push", "-q", "--force", "origin", "v0"]);
            assert_versions(&installation, "clone", std::slice::from_ref(&content));
            running.kill();
        }
        assert_success(&installation.rutter(&["fsck"]), "rutter fsck");
    }
}
