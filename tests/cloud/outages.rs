//! The store or the database is unavailable for a while. What can be answered is; the rest gets 503; nothing has
//! to be restarted, and nothing acknowledged is lost.

use std::sync::Arc;
use std::time::Duration;

use lfs::Oid;
use reqwest::{Method, Response};
use rutter_testing::{Random, assert_success, eventually, noise};
use serde_json::json;

use crate::client::{Client, action};
use crate::cluster::{Cloud, Cluster, story};
use crate::workload::Workload;

/// 503, with the time to wait.
pub(crate) fn assert_retry_later(response: &Response) {
    assert_eq!(response.status(), 503);
    let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

/// The first request of git.
pub(crate) async fn refs(client: &Client, dataset: &str, service: &str) -> Response {
    let url = format!("{}/{dataset}.git/info/refs?service={service}", client.url);
    client.http.get(url).basic_auth(&client.name, Some(&client.token)).send().await.unwrap()
}

/// A tree with one commit that is too large for a row, and one that is not.
pub(crate) fn pushed_tree(cluster: &Cluster, dataset: &str) -> rutter_testing::Tree {
    let work = cluster.installation.tree(&format!("work/{dataset}"));
    work.git(&["init", "-q", "-b", "main"]);
    work.with_lfs(&cluster.installation.remote(dataset));
    work.write("table.csv", noise(1, 200_000));
    work.write("scan.bin", noise(2, 30_000));
    work.commit("Large");
    work.git(&["push", "-q", "-u", "origin", "main"]);
    work.write("note.txt", "small\n");
    work.commit("Small");
    work.git(&["push", "-q"]);
    work
}

story! {
    async fn during_a_store_outage_a_server_answers_requests_that_do_not_need_the_store() {
        let mut cloud = Cloud::with_own_store().await;
        let mut cluster = cloud.cluster(2, &[]).await;
        let (ada, work) = (cluster.ada(), pushed_tree(&cluster, "ada/data"));
        let (held, waiting, new) = (noise(3, 20_000), noise(4, 20_000), noise(5, 20_000));
        assert!(ada.upload("ada/data", &held).await.unwrap());
        let (upload, verify) = ada.offer("ada/data", &waiting).await;
        assert_eq!(ada.put(&upload, &waiting).await.unwrap(), 200);
        // The first server has everything in its cache, the second one has nothing.
        let (warm, cold) = (ada.at(cluster.url(0)), ada.at(cluster.url(1)));
        let installation = Arc::clone(&cluster.installation);
        let clone_from = |client: &Client, name: &str| {
            let remote = format!("http://ada:{}@{}/ada/data.git", client.token, client.url.replace("http://", ""));
            let pointers_only = ["-c", "lfs.fetchexclude=*"];
            let output = installation.tree(name).try_git(&[&pointers_only[..], &["clone", "-q", &remote, "."]].concat());
            output.status.success()
        };
        assert!(clone_from(&warm, "before"));
        cluster.kill(1);
        cluster.wipe(1);
        cloud.stop_store().await;
        // Now, or work in the background would bring something into its cache.
        cluster.start_alive(1).await;

        // Signing needs no store; refs and small commits are in the database.
        for client in [&warm, &cold] {
            assert_eq!(refs(client, "ada/data", "git-upload-pack").await.status(), 200);
            let object = client.object("download", "ada/data", Oid::of(&held), held.len()).await.unwrap();
            assert!(action(&object, "download").is_some(), "{object}");
            let object = client.object("upload", "ada/data", Oid::of(&new), new.len()).await.unwrap();
            assert!(action(&object, "upload").is_some(), "{object}");
        }
        assert!(clone_from(&warm, "during"), "what is in the cache is served");
        // Requests that need the store are answered with 503 in the format of their protocol.
        assert!(!clone_from(&cold, "cold"));
        assert_retry_later(&ada.verify(&verify, Oid::of(&waiting), waiting.len()).await.unwrap());
        work.write("table.csv", noise(6, 200_000));
        let large = work.commit("Large, while the store is away");
        let refused = work.git_fails(&["push", "-q"]);
        assert!(refused.contains("503") || refused.contains("unavailable") || refused.contains("away"), "{refused}");
        let checked = cluster.installation.rutter(&["fsck", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(checked.status.code(), Some(2), "it cannot look: {report}");
        assert_eq!(report["problems"], json!([]), "nothing is known to be lost");
        assert!(report["unchecked"].to_string().contains("store default"), "{report}");
        for place in 0..2 {
            let alive = ada.http.get(format!("{}/healthz", cluster.url(place))).send().await.unwrap();
            assert_eq!(alive.status(), 200);
            assert_retry_later(&ada.http.get(format!("{}/readyz", cluster.url(place))).send().await.unwrap());
        }

        cloud.start_store().await;
        wait_until_ready(&cluster).await;
        assert_eq!(ada.verify(&verify, Oid::of(&waiting), waiting.len()).await.unwrap().status(), 200);
        work.git(&["push", "-q"]);
        assert!(clone_from(&cold, "after"));
        assert_eq!(cluster.installation.tree("after").git(&["rev-parse", "HEAD"]), large);
        for bytes in [&held, &waiting] {
            assert!(ada.download("ada/data", Oid::of(bytes), bytes.len()).await.as_ref() == Some(bytes));
        }
        assert_success(&cluster.installation.rutter(&["fsck"]), "rutter fsck");
    }
}

story! {
    async fn during_a_database_outage_servers_answer_503_and_recover() {
        let mut cloud = Cloud::with_own_database().await;
        let cluster = cloud.cluster(2, &[]).await;
        let (ada, work, held) = (cluster.ada(), pushed_tree(&cluster, "ada/data"), noise(3, 20_000));
        assert!(ada.upload("ada/data", &held).await.unwrap());
        let object = ada.object("download", "ada/data", Oid::of(&held), held.len()).await.unwrap();
        let download = action(&object, "download").unwrap();

        cloud.stop_database();
        // A signed URL works without the database.
        let response = download.request(&ada.http, Method::GET).send().await.unwrap();
        assert!(response.status() == 200 && response.bytes().await.unwrap() == held);
        eventually("the servers have noticed", async || {
            ada.http.get(format!("{}/readyz", cluster.url(1))).send().await.unwrap().status() == 503
        })
        .await;
        // All at once, for each of them waits a while whether the database comes back.
        let body = |operation: &str| json!({"operation": operation, "objects": [{"oid": Oid::of(&held), "size": 20_000}]});
        let (reading, writing) = (body("download"), body("upload"));
        futures::future::join_all([0, 1].map(async |place| {
            let one = ada.at(cluster.url(place));
            assert_eq!(ada.http.get(format!("{}/healthz", one.url)).send().await.unwrap().status(), 200);
            let ready = ada.http.get(format!("{}/readyz", one.url)).send().await.unwrap();
            let [reading, writing] = [&reading, &writing].map(|body| one.ask("ada/data", body));
            let [fetch, push] = ["git-upload-pack", "git-receive-pack"].map(|service| refs(&one, "ada/data", service));
            let (reading, writing, fetch, push) = tokio::join!(reading, writing, fetch, push);
            for response in [ready, reading.unwrap(), writing.unwrap(), fetch, push] {
                assert_retry_later(&response);
            }
        }))
        .await;
        work.write("note.txt", "later\n");
        work.commit("While the database is away");
        work.git_fails(&["push", "-q"]);

        cloud.start_database();
        wait_until_ready(&cluster).await;
        work.git(&["push", "-q"]);
        let clone = cluster.installation.tree("clone");
        clone.git(&["clone", "-q", &cluster.installation.remote("ada/data"), "."]);
        clone.git(&["lfs", "fsck"]);
        assert_eq!(clone.git(&["rev-parse", "HEAD"]), work.git(&["rev-parse", "HEAD"]));
        assert!(ada.download("ada/data", Oid::of(&held), held.len()).await == Some(held));
        assert_success(&cluster.installation.rutter(&["fsck"]), "rutter fsck");
    }
}

/// Runs a workload during three outages.
async fn work_during_outages(cluster: &Cluster, mut away: impl AsyncFnMut(bool)) {
    let mut random = Random(5);
    let mut workload = Workload::begin(cluster, &mut random);
    let disturbing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(1000 + random.below(1000))).await;
            workload.signal.disturb();
            away(true).await;
            tokio::time::sleep(Duration::from_millis(1000 + random.below(2000))).await;
            away(false).await;
            wait_until_ready(cluster).await;
            workload.signal.disturb();
        }
        let pushes = || workload.ledger.entries().counts["pushes acknowledged"];
        let before = pushes();
        eventually("they go on", async || pushes() > before).await;
    };
    workload.while_they_work(disturbing).await;
    workload.end().await;
    workload.audit(cluster, &mut random).await;
}

/// Waits until both servers say that they can work.
pub(crate) async fn wait_until_ready(cluster: &Cluster) {
    for place in 0..2 {
        eventually("a server is ready again", async || {
            cluster.installation.http.get(format!("{}/readyz", cluster.url(place))).send().await.unwrap().status()
                == 200
        })
        .await;
    }
}

story! {
    async fn a_store_outage_loses_nothing() {
        let mut cloud = Cloud::with_own_store().await;
        let cluster = cloud.cluster(2, &[]).await;
        work_during_outages(&cluster, async |away| if away { cloud.stop_store().await } else { cloud.start_store().await }).await;
    }
}

story! {
    async fn a_database_outage_loses_nothing() {
        let mut cloud = Cloud::with_own_database().await;
        let cluster = cloud.cluster(2, &[]).await;
        work_during_outages(&cluster, async |away| if away { cloud.stop_database() } else { cloud.start_database() }).await;
    }
}
