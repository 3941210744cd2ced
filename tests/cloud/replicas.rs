//! Several servers that do not know each other, on one installation.

use std::time::{Duration, Instant};

use lfs::Oid;
use rutter_testing::xet::{XetClient, describe, pack, shard};
use rutter_testing::{DATABASE, Random, StopSignal, Tree, assert_success, environment, noise};
use serde_json::Value;

use crate::cluster::{Cloud, Cluster, has_real_store, story};
use crate::workload::Workload;

/// For how long servers are killed, in seconds, where there is time, and where there is not.
const SECONDS: u64 = 60;
const FEW_SECONDS: u64 = 8;

story! {
    async fn restarting_servers_lose_nothing_acknowledged() {
        let number = |name: &str| environment(name).and_then(|text| text.parse().ok());
        let seconds = number("RUTTER_TEST_CLOUD_SECONDS").unwrap_or(if has_real_store() { SECONDS } else { FEW_SECONDS });
        let seed = number("RUTTER_TEST_SEED").unwrap_or_else(|| u64::from_le_bytes(rutter::clock::random()));
        println!("{seconds} s, RUTTER_TEST_SEED={seed}");
        let mut random = Random(seed);
        let cloud = Cloud::shared().await;
        let mut cluster = cloud.cluster(3, &[]).await;
        let mut workload = Workload::begin(&cluster, &mut random);
        let begin = Instant::now();
        let killing = async {
            while begin.elapsed() < Duration::from_secs(seconds) {
                tokio::time::sleep(Duration::from_millis(200 + random.below(1500))).await;
                kill_and_restart(&mut cluster, &workload.signal, &mut random).await;
                workload.ledger.entries().count("servers killed");
            }
        };
        workload.while_they_work(killing).await;
        workload.end().await;

        // All servers that took part are gone.
        for place in 0..3 {
            cluster.kill(place);
            cluster.wipe(place);
            cluster.start(place).await;
        }
        workload.audit(&cluster, &mut random).await;
        let served = cluster.proxy.served();
        assert!(served.iter().all(|count| *count > 0), "the proxy went to {served:?}");
    }
}

/// Kills one server and restarts it with or without its disk.
async fn kill_and_restart(cluster: &mut Cluster, signal: &StopSignal, random: &mut Random) {
    let place = usize::try_from(random.below(3)).unwrap();
    cluster.kill_disturbing(place, signal).await;
    if !random.one_in(3) {
        cluster.wipe(place);
    }
    tokio::time::sleep(Duration::from_millis(random.below(500))).await;
    cluster.start(place).await;
}

story! {
    async fn an_upload_to_one_server_is_visible_on_the_others() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(3, &[]).await;
        let (work, readers) = (cluster.installation.tree("work"), ["one", "two"].map(|name| cluster.installation.tree(name)));
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&remote_at(&cluster, 0));
        for (place, reader) in readers.iter().enumerate() {
            reader.git(&["init", "-q", "-b", "main"]);
            reader.git(&["remote", "add", "origin", &remote_at(&cluster, place + 1)]);
            reader.git(&["lfs", "install", "--local"]);
        }
        for round in 0..6 {
            // Below and above what fits into a row.
            work.write("table.csv", noise(round, if round % 2 == 0 { 100_000 } else { 100 }));
            work.write("scan.bin", noise(100 + round, 20_000));
            let head = work.commit(&format!("Round {round}"));
            work.git(&["push", "-q", "origin", "main"]);
            for reader in &readers {
                reader.git(&["pull", "-q", "--ff-only", "origin", "main"]);
                assert_eq!(reader.git(&["rev-parse", "HEAD"]), head);
                assert!(reader.read("scan.bin") == noise(100 + round, 20_000));
            }
        }
        // And the other way round.
        readers[1].write("answer.txt", "seen\n");
        let head = readers[1].commit("Seen");
        readers[1].git(&["push", "-q", "origin", "main"]);
        work.git(&["pull", "-q", "--ff-only", "origin", "main"]);
        assert_eq!(work.git(&["rev-parse", "HEAD"]), head);
    }
}

fn remote_at(cluster: &Cluster, place: usize) -> String {
    let host = cluster.url(place).replace("http://", "");
    format!("http://ada:{}@{host}/ada/data.git", cluster.installation.token)
}

/// A tree with some history, pushed through the proxy.
fn pushed_tree(cluster: &Cluster, revisions: u64) -> Tree {
    let work = cluster.installation.tree("work");
    work.git(&["init", "-q", "-b", "main"]);
    work.with_lfs(&cluster.installation.remote("ada/data"));
    for revision in 0..revisions {
        work.write(&format!("table-{}.csv", revision % 7), noise(revision, 90_000));
        work.write("scan.bin", noise(1000 + revision, 30_000));
        work.commit(&format!("Revision {revision}"));
        work.git(&["push", "-q", "origin", "main"]);
    }
    work
}

/// A clone of what `published` made is whole.
fn assert_clone_complete(cluster: &Cluster, name: &str, work: &Tree) {
    let clone = cluster.installation.tree(name);
    clone.git(&["clone", "-q", &cluster.installation.remote("ada/data"), "."]);
    clone.git(&["fsck", "--strict"]);
    clone.git(&["lfs", "fsck"]);
    assert_eq!(clone.git(&["rev-parse", "HEAD"]), work.git(&["rev-parse", "HEAD"]));
}

story! {
    async fn a_server_with_an_empty_disk_serves_everything() {
        let cloud = Cloud::shared().await;
        let mut cluster = cloud.cluster(1, &[]).await;
        let work = pushed_tree(&cluster, 12);
        for round in 0..2 {
            cluster.kill(0);
            cluster.wipe(0);
            cluster.start(0).await;
            assert_clone_complete(&cluster, &format!("clone-{round}"), &work);
        }
        // The first thing that an empty server is asked may as well be to write.
        cluster.kill(0);
        cluster.wipe(0);
        cluster.start(0).await;
        work.write("more.csv", noise(77, 90_000));
        work.commit("More");
        work.git(&["push", "-q", "origin", "main"]);
        assert_clone_complete(&cluster, "clone", &work);
        assert_success(&cluster.installation.rutter(&["fsck"]), "rutter fsck");
    }
}

story! {
    async fn the_cache_may_be_deleted_at_any_time() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let work = pushed_tree(&cluster, 4);
        let (signal, cache) = (StopSignal::default(), cluster.folder(0).join("cache"));
        let vandal = std::thread::spawn({
            let signal = signal.clone();
            move || {
                while !signal.is_stopped() {
                    // A server may be writing there: what cannot be deleted now is deleted later.
                    let _ = std::fs::remove_dir_all(&cache);
                    std::thread::sleep(Duration::from_millis(40));
                }
            }
        });
        let mut failures = 0;
        for round in 0..10 {
            work.write("table-0.csv", noise(500 + round, 90_000));
            work.commit("While the cache vanishes");
            failures += u32::from(!work.try_git(&["push", "-q", "origin", "main"]).status.success());
            let clone = cluster.installation.tree(&format!("clone-{round}"));
            let output = clone.try_git(&["clone", "-q", &cluster.installation.remote("ada/data"), "."]);
            failures += u32::from(!output.status.success());
        }
        signal.stop();
        vandal.join().unwrap();
        println!("{failures} of 20 were disturbed");
        work.git(&["push", "-q", "origin", "main"]);
        assert_clone_complete(&cluster, "clone", &work);
        assert_success(&cluster.installation.rutter(&["fsck"]), "rutter fsck");
    }
}

story! {
    async fn two_servers_may_share_a_cache() {
        let cloud = Cloud::shared().await;
        let shared = tempfile::tempdir().unwrap();
        let mut cluster = cloud.cluster(2, &[("RUTTER_CACHE", shared.path().to_str().unwrap())]).await;
        let mut random = Random(11);
        let mut workload = Workload::begin(&cluster, &mut random);
        let killing = async {
            for round in 0..4 {
                tokio::time::sleep(Duration::from_millis(1500)).await;
                cluster.kill_disturbing(round % 2, &workload.signal).await;
                // A start tidies the cache, in which another is at work.
                cluster.start(round % 2).await;
            }
            tokio::time::sleep(Duration::from_millis(1500)).await;
        };
        workload.while_they_work(killing).await;
        workload.end().await;
        workload.audit(&cluster, &mut random).await;
    }
}

story! {
    async fn several_servers_start_at_once_on_an_empty_database() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.stopped_cluster(3, &[]).await;
        for _ in 0..3 {
            let empty = rutter_testing::new_postgres_database(&rutter_testing::postgres().unwrap()).await;
            let mut running: Vec<_> = (0..3).map(|place| cluster.begin(place, &[(DATABASE, &empty)])).collect();
            let mut keys = Vec::new();
            for (place, running) in running.iter_mut().enumerate() {
                cluster.installation.wait_until_ready_at(&cluster.url(place), running).await;
                let published = format!("{}/.well-known/jwks.json", cluster.url(place));
                keys.push(cluster.installation.http.get(published).send().await.unwrap().text().await.unwrap());
            }
            assert!(keys[0].contains("\"kty\"") && keys.iter().all(|key| *key == keys[0]), "one key for all: {keys:?}");
            for (place, running) in running.into_iter().enumerate() {
                running.kill();
                cluster.wipe(place);
            }
        }
    }
}

story! {
    async fn an_upload_by_xet_goes_on_at_another_server() {
        let cloud = Cloud::shared().await;
        let mut cluster = cloud.cluster(3, &[]).await;
        let work = pushed_tree(&cluster, 1);
        let installation = &cluster.installation;
        let client = XetClient::of(&installation.http, &installation.url, "ada/data", &installation.token).await;
        // The same token at each server.
        let path = client.url.strip_prefix(&installation.url).unwrap().to_owned();
        let at = |cluster: &Cluster, place: usize| {
            XetClient::new(&cluster.installation.http, &format!("{}{path}", cluster.url(place)), &client.token)
        };
        let chunks: Vec<Vec<u8>> = (0..200).map(|seed| noise(seed, 100_000)).collect();
        let content = chunks.concat();
        let (bytes, xorb) = pack(&chunks);
        // One server is killed while it receives the xorb, and another one while it puts the file together.
        let first = at(&cluster, 0);
        let sending = tokio::spawn(first.request(&format!("v1/xorbs/default/{}", xorb.hash()), bytes.clone()).send());
        tokio::time::sleep(Duration::from_millis(30)).await;
        cluster.kill(0);
        let _ = sending.await.unwrap();
        assert_eq!(at(&cluster, 1).put_xorb(xorb.hash(), bytes).await.status, 200);
        let second = at(&cluster, 1);
        let shard = shard(describe(&xorb, &content));
        let sending = tokio::spawn(second.request("v2/shards", shard.clone()).send());
        tokio::time::sleep(Duration::from_millis(30)).await;
        cluster.kill(1);
        let _ = sending.await.unwrap();
        let done = at(&cluster, 2).post("v2/shards", shard).await;
        assert_eq!(done.text().lines().last(), Some(r#"{"type":"result"}"#), "{}", done.text());

        // git-lfs gets what was uploaded, and need not send it.
        for place in [0, 1] {
            cluster.wipe(place);
            cluster.start(place).await;
        }
        work.write("scan.bin", &content);
        work.commit("By Xet");
        work.git(&["push", "-q", "origin", "main"]);
        assert_clone_complete(&cluster, "clone", &work);
        assert!(cluster.installation.tree("clone").read("scan.bin") == content);
    }
}

story! {
    async fn old_versions_in_a_bucket_are_packed_by_any_server() {
        let cloud = Cloud::shared().await;
        let mut cluster = cloud.cluster(2, &[("RUTTER_STORES__DEFAULT__PACK", "old")]).await;
        let work = cluster.installation.tree("work");
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&cluster.installation.remote("ada/data"));
        let mut contents = vec![noise(1, 3 << 20)];
        for version in 1..4 {
            let mut next = contents.last().unwrap().clone();
            next.splice(700_000..700_010, noise(version, 5000));
            contents.push(next);
        }
        for (version, content) in contents.iter().enumerate() {
            work.write("scan.bin", content);
            work.commit(&format!("version {version}"));
            work.git(&["tag", &format!("v{version}")]);
        }
        work.git(&["push", "-q", "origin", "main", "--tags"]);
        let before: u64 = cluster.bucket.keys().await.values().sum();

        // Two at once, of which one is killed.
        let mut killed = cluster.installation.spawn(&["pack"]);
        let packed = cluster.installation.rutter(&["pack"]);
        assert_success(&packed, "rutter pack");
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert_success(&cluster.installation.rutter(&["pack"]), "rutter pack");
        let database = cluster.installation.database().await;
        assert_eq!(database.count("SELECT COUNT(*) FROM object WHERE form = 'packed'").await, 3);
        database.0.close().await;

        let clone = cluster.installation.tree("clone");
        clone.git(&["clone", "-q", &remote_at(&cluster, 1), "."]);
        for (version, content) in contents.iter().enumerate() {
            clone.git(&["checkout", "-q", &format!("v{version}")]);
            assert!(clone.read("scan.bin") == *content, "version {version}");
        }
        // The newest one comes from the bucket, an old one from a server, also its ranges.
        let ada = cluster.ada();
        for (content, is_direct) in [(&contents[3], true), (&contents[0], false)] {
            let answer = ada.object("download", "ada/data", Oid::of(content), content.len()).await.unwrap();
            let url = answer["actions"]["download"]["href"].as_str().unwrap().to_owned();
            assert_eq!(!url.starts_with(&cluster.installation.url), is_direct, "{url}");
            let part = cluster.installation.http.get(&url).header("Range", "bytes=700000-2000000").send().await.unwrap();
            assert_eq!(part.status(), 206);
            assert!(part.bytes().await.unwrap() == content[700_000..=2_000_000]);
        }

        // Clients of Xet get chunks from the bucket, each URL for its bytes only.
        let (http, token) = (&cluster.installation.http, &cluster.installation.token);
        let file = format!("{}/datasets/ada/data/resolve/v0/scan.bin", cluster.installation.url);
        let head = http.head(&file).bearer_auth(token).send().await.unwrap();
        let header = |name: &str| head.headers()[name].to_str().unwrap().to_owned();
        let access = http.get(header("x-xet-refresh-route")).bearer_auth(token).send().await.unwrap();
        let access: Value = access.json().await.unwrap();
        let text = |name: &str| access[name].as_str().unwrap().to_owned();
        let client = XetClient::new(http, &text("casUrl"), &text("accessToken"));
        let answer = client.reconstruction("v2", header("x-xet-hash").parse().unwrap(), Some("0-99")).await.json();
        let fetch = &answer["xorbs"].as_object().unwrap().values().next().unwrap()[0];
        let (url, bytes) = (fetch["url"].as_str().unwrap(), &fetch["ranges"][0]["bytes"]);
        assert!(!url.starts_with(&cluster.installation.url), "{url}");
        let (start, last) = (bytes["start"].as_u64().unwrap(), bytes["end"].as_u64().unwrap());
        for (range, status) in [(format!("{start}-{last}"), 206), (format!("{start}-{}", last + 1), 403)] {
            let part = http.get(url).header("Range", format!("bytes={range}")).send().await.unwrap();
            assert_eq!(part.status(), status, "{range}");
        }
        assert!(http.get(url).send().await.unwrap().status().is_client_error());

        // The files that are no longer needed are deleted after the URLs have expired.
        cluster.kill(0);
        cluster.kill(1);
        cluster.collect(crate::cluster::AFTER_GRACE_PERIOD).await;
        let after: u64 = cluster.bucket.keys().await.values().sum();
        assert!(after < before * 6 / 10, "{after} of {before}");
        cluster.compare_bucket_and_rows().await;
        cluster.start(0).await;
        assert_success(&cluster.installation.rutter(&["fsck"]), "rutter fsck");
        let again = cluster.installation.tree("again");
        again.git(&["clone", "-q", &remote_at(&cluster, 0), "."]);
        again.git(&["checkout", "-q", "v1"]);
        assert!(again.read("scan.bin") == contents[1]);
    }
}
