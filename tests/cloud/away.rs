//! The store or the database is away for a while. What can be answered is; the rest is told to come again; nothing has
//! to be started anew, and nothing that was acknowledged is lost.

use std::sync::Arc;
use std::time::Duration;

use lfs::Oid;
use reqwest::{Method, Response};
use serde_json::json;

use crate::client::{Client, action};
use crate::crew::Crew;
use crate::harness::{assert_success, eventually, noise};
use crate::people::Dice;
use crate::scene::{Cloud, Scene, story};

/// 503, with the time to wait.
pub(crate) fn come_again(response: &Response) {
    assert_eq!(response.status(), 503);
    let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

/// The status of what git asks first.
pub(crate) async fn refs(client: &Client, dataset: &str, service: &str) -> Response {
    let url = format!("{}/{dataset}.git/info/refs?service={service}", client.url);
    client.http.get(url).basic_auth(&client.name, Some(&client.token)).send().await.unwrap()
}

/// A tree with one commit that is too large for a row, and one that is not.
pub(crate) fn published(scene: &Scene, dataset: &str) -> crate::harness::Tree {
    let work = scene.house.tree(&format!("work/{dataset}"));
    work.git(&["init", "-q", "-b", "main"]);
    work.with_lfs(&scene.house.remote(dataset));
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
    async fn without_its_store_a_server_answers_what_it_can() {
        let mut cloud = Cloud::with_own_store().await;
        let mut scene = cloud.scene(2, &[]).await;
        let (ada, work) = (scene.ada(), published(&scene, "ada/data"));
        let (held, waiting, new) = (noise(3, 20_000), noise(4, 20_000), noise(5, 20_000));
        assert!(ada.upload("ada/data", &held).await.unwrap());
        let (upload, verify) = ada.offer("ada/data", &waiting).await;
        assert_eq!(ada.put(&upload, &waiting).await.unwrap(), 200);
        // The first server has everything in its cache, the second one has nothing.
        let (warm, cold) = (ada.at(scene.url(0)), ada.at(scene.url(1)));
        let house = Arc::clone(&scene.house);
        let clone_from = |client: &Client, name: &str| {
            let remote = format!("http://ada:{}@{}/ada/data.git", client.token, client.url.replace("http://", ""));
            let pointers_only = ["-c", "lfs.fetchexclude=*"];
            let output = house.tree(name).try_git(&[&pointers_only[..], &["clone", "-q", &remote, "."]].concat());
            output.status.success()
        };
        assert!(clone_from(&warm, "before"));
        scene.kill(1);
        scene.wipe(1);
        cloud.stop_store().await;
        // Now, or work in the background would bring something into its cache.
        scene.start_alive(1).await;

        // Signing asks nobody; refs and small commits are in the database.
        for client in [&warm, &cold] {
            assert_eq!(refs(client, "ada/data", "git-upload-pack").await.status(), 200);
            let object = client.object("download", "ada/data", Oid::of(&held), held.len()).await.unwrap();
            assert!(action(&object, "download").is_some(), "{object}");
            let object = client.object("upload", "ada/data", Oid::of(&new), new.len()).await.unwrap();
            assert!(action(&object, "upload").is_some(), "{object}");
        }
        assert!(clone_from(&warm, "during"), "what is in the cache is served");
        // What needs the store is told to come again, on the way that its client understands.
        assert!(!clone_from(&cold, "cold"));
        come_again(&ada.verify(&verify, Oid::of(&waiting), waiting.len()).await.unwrap());
        work.write("table.csv", noise(6, 200_000));
        let large = work.commit("Large, while the store is away");
        let refused = work.git_fails(&["push", "-q"]);
        assert!(refused.contains("503") || refused.contains("unavailable") || refused.contains("away"), "{refused}");
        let checked = scene.house.rutter(&["fsck", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(checked.status.code(), Some(2), "it cannot look: {report}");
        assert_eq!(report["problems"], json!([]), "nothing is known to be lost");
        assert!(report["unchecked"].to_string().contains("store default"), "{report}");
        for place in 0..2 {
            let alive = ada.http.get(format!("{}/healthz", scene.url(place))).send().await.unwrap();
            assert_eq!(alive.status(), 200);
            come_again(&ada.http.get(format!("{}/readyz", scene.url(place))).send().await.unwrap());
        }

        cloud.start_store().await;
        ready_again(&scene).await;
        assert_eq!(ada.verify(&verify, Oid::of(&waiting), waiting.len()).await.unwrap().status(), 200);
        work.git(&["push", "-q"]);
        assert!(clone_from(&cold, "after"));
        assert_eq!(scene.house.tree("after").git(&["rev-parse", "HEAD"]), large);
        for bytes in [&held, &waiting] {
            assert!(ada.download("ada/data", Oid::of(bytes), bytes.len()).await.as_ref() == Some(bytes));
        }
        assert_success(&scene.house.rutter(&["fsck"]), "rutter fsck");
    }
}

story! {
    async fn without_their_database_servers_say_so_and_recover() {
        let mut cloud = Cloud::with_own_database().await;
        let scene = cloud.scene(2, &[]).await;
        let (ada, work, held) = (scene.ada(), published(&scene, "ada/data"), noise(3, 20_000));
        assert!(ada.upload("ada/data", &held).await.unwrap());
        let object = ada.object("download", "ada/data", Oid::of(&held), held.len()).await.unwrap();
        let download = action(&object, "download").unwrap();

        cloud.stop_database();
        // Whoever has a URL already needs nobody else.
        let response = download.request(&ada.http, Method::GET).send().await.unwrap();
        assert!(response.status() == 200 && response.bytes().await.unwrap() == held);
        eventually("the servers have noticed", async || {
            ada.http.get(format!("{}/readyz", scene.url(1))).send().await.unwrap().status() == 503
        })
        .await;
        // All at once, for each of them waits a while whether the database comes back.
        let body = |operation: &str| json!({"operation": operation, "objects": [{"oid": Oid::of(&held), "size": 20_000}]});
        let (reading, writing) = (body("download"), body("upload"));
        futures::future::join_all([0, 1].map(async |place| {
            let one = ada.at(scene.url(place));
            assert_eq!(ada.http.get(format!("{}/healthz", one.url)).send().await.unwrap().status(), 200);
            let ready = ada.http.get(format!("{}/readyz", one.url)).send().await.unwrap();
            let [reading, writing] = [&reading, &writing].map(|body| one.ask("ada/data", body));
            let [fetch, push] = ["git-upload-pack", "git-receive-pack"].map(|service| refs(&one, "ada/data", service));
            let (reading, writing, fetch, push) = tokio::join!(reading, writing, fetch, push);
            for response in [ready, reading.unwrap(), writing.unwrap(), fetch, push] {
                come_again(&response);
            }
        }))
        .await;
        work.write("note.txt", "later\n");
        work.commit("While the database is away");
        work.git_fails(&["push", "-q"]);

        cloud.start_database();
        ready_again(&scene).await;
        work.git(&["push", "-q"]);
        let clone = scene.house.tree("clone");
        clone.git(&["clone", "-q", &scene.house.remote("ada/data"), "."]);
        clone.git(&["lfs", "fsck"]);
        assert_eq!(clone.git(&["rev-parse", "HEAD"]), work.git(&["rev-parse", "HEAD"]));
        assert!(ada.download("ada/data", Oid::of(&held), held.len()).await == Some(held));
        assert_success(&scene.house.rutter(&["fsck"]), "rutter fsck");
    }
}

/// People work while something goes away and comes back, three times.
async fn work_through(scene: &Scene, mut away: impl AsyncFnMut(bool)) {
    let mut dice = Dice(5);
    let mut crew = Crew::begin(scene, &mut dice);
    let disturbing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(1000 + dice.below(1000))).await;
            crew.doom.disturb();
            away(true).await;
            tokio::time::sleep(Duration::from_millis(1000 + dice.below(2000))).await;
            away(false).await;
            ready_again(scene).await;
            crew.doom.disturb();
        }
        let pushes = || crew.ledger.book().tally["pushes acknowledged"];
        let before = pushes();
        eventually("they go on", async || pushes() > before).await;
    };
    crew.while_they_work(disturbing).await;
    crew.end().await;
    crew.audit(scene, &mut dice).await;
}

/// Waits until both servers say that they can work.
pub(crate) async fn ready_again(scene: &Scene) {
    for place in 0..2 {
        eventually("a server is ready again", async || {
            scene.house.http.get(format!("{}/readyz", scene.url(place))).send().await.unwrap().status() == 200
        })
        .await;
    }
}

story! {
    async fn a_store_that_goes_away_in_the_middle_of_work_loses_nothing() {
        let mut cloud = Cloud::with_own_store().await;
        let scene = cloud.scene(2, &[]).await;
        work_through(&scene, async |away| if away { cloud.stop_store().await } else { cloud.start_store().await }).await;
    }
}

story! {
    async fn a_database_that_goes_away_in_the_middle_of_work_loses_nothing() {
        let mut cloud = Cloud::with_own_database().await;
        let scene = cloud.scene(2, &[]).await;
        work_through(&scene, async |away| if away { cloud.stop_database() } else { cloud.start_database() }).await;
    }
}
