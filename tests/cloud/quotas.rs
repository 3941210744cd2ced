//! Quotas with direct uploads: checked before the bytes are sent, and again when they
//! have arrived.

use std::time::Duration;

use lfs::Oid;
use reqwest::Response;
use rutter::access::Actor;
use rutter::app::App;
use rutter_testing::noise;
use serde_json::{Value, json};

use crate::client::{Action, Client, action};
use crate::cluster::{Cloud, Cluster, story};
use crate::parts::{HUB_AGENT, begin_multipart, try_begin_multipart};

/// A client that sends the headers of the batch.
const GIT_LFS_AGENT: &str = "git-lfs/3.6.1 (GitHub; linux amd64; go 1.23.3)";

/// Commands of the operator.
struct Operator(App);

impl Operator {
    async fn quota(&self, subject: &str, quota: &str) {
        let operator = self.0.access.authorize_administrator(&Actor::operator()).unwrap();
        self.0.storage.set_quota(&operator, &subject.parse().unwrap(), quota.parse().unwrap()).await.unwrap();
    }

    /// Objects and bytes of a dataset; a count anew gives the same.
    async fn usage(&self, dataset: &str) -> (u64, u64) {
        assert_eq!(self.0.storage.recount().await.unwrap(), []);
        let owners = self.0.storage.usage(Some(&dataset.parse().unwrap())).await.unwrap();
        let found = &owners[0].datasets[0];
        (found.objects, found.bytes)
    }
}

/// What the batch says about an object for which there is no room.
async fn refused(client: &Client, dataset: &str, bytes: &[u8]) -> (u64, String) {
    let object = client.object("upload", dataset, Oid::of(bytes), bytes.len()).await.unwrap();
    assert!(object["actions"].is_null(), "{object}");
    let message = object["error"]["message"].as_str().unwrap_or_else(|| panic!("it is not refused: {object}"));
    (object["error"]["code"].as_u64().unwrap(), message.to_owned())
}

/// 507, with the numbers.
async fn expect_full(response: Response, numbers: &[&str]) {
    let (status, answer) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, 507, "{answer}");
    for number in numbers.iter().chain(&["over quota", "ada/data"]) {
        assert!(answer.contains(number), "{number}: {answer}");
    }
}

/// Sends both requests at once, to different servers; returns which one won.
async fn race(
    first: impl Future<Output = Response>,
    second: impl Future<Output = Response>,
    numbers: &[&str],
) -> usize {
    let (first, second) = tokio::join!(first, second);
    let (winner, won, lost) = if first.status() == 200 { (0, first, second) } else { (1, second, first) };
    assert_eq!(won.status(), 200, "{}", won.text().await.unwrap());
    expect_full(lost, numbers).await;
    winner
}

/// Clients, each at a server of its own, and a dataset with 6000 of 10000 bytes.
async fn dataset_near_quota<const N: usize>(
    cloud: &Cloud,
    agent: &str,
    more: &[(&str, &str)],
) -> (Cluster, Operator, [Client; N]) {
    let cluster = cloud.cluster(N, more).await;
    assert!(cluster.ada().upload("ada/data", &noise(1, 6000)).await.unwrap());
    let operator = Operator(cluster.after(Duration::ZERO).await);
    operator.quota("ada/data", "10000").await;
    let clients = std::array::from_fn(|place| cluster.ada().at(cluster.url(place)).with_user_agent(agent));
    (cluster, operator, clients)
}

/// Of two objects that each fit, one is accepted; returns the other.
async fn one_of_two_comes_in(operator: &Operator, clients: &[Client; 2]) -> (Vec<u8>, Action) {
    let both = [noise(2, 3000), noise(3, 3000)];
    let mut verifies = Vec::new();
    // There is room for both while they are asked for, and not when they have come.
    operator.quota("ada/data", "12000").await;
    for (client, bytes) in clients.iter().zip(&both) {
        let (upload, verify) = client.offer("ada/data", bytes).await;
        assert!([200, 201].contains(&client.put(&upload, bytes).await.unwrap()));
        verifies.push(verify);
    }
    assert_eq!(operator.usage("ada/data").await, (1, 6000), "nothing is held that did not arrive");
    operator.quota("ada/data", "10000").await;
    let answer = async |place: usize| {
        let bytes = &both[place];
        clients[place].verify(&verifies[place], Oid::of(bytes), bytes.len()).await.unwrap()
    };
    let numbers = ["holds 9.00 kB of at most 10.0 kB", "1 new file would add 3.00 kB"];
    let winner = race(answer(0), answer(1), &numbers).await;
    assert_eq!(operator.usage("ada/data").await, (2, 9000));
    let [won, lost] = [&both[winner], &both[1 - winner]];
    assert!(clients[0].download("ada/data", Oid::of(won), won.len()).await.as_ref() == Some(won));
    assert_eq!(clients[0].download("ada/data", Oid::of(lost), lost.len()).await, None);
    (lost.clone(), verifies.swap_remove(1 - winner))
}

story! {
    each async fn an_object_over_quota_is_refused_before_and_after_its_upload(cloud: Cloud) {
        let (cluster, operator, clients) = dataset_near_quota::<2>(&cloud, GIT_LFS_AGENT, &[("RUTTER_LIMITS__OBJECT_BYTES", "50000")]).await;
        let [ada, _] = &clients;
        let (code, answer) = refused(ada, "ada/data", &noise(9, 5000)).await;
        assert_eq!(code, 507, "{answer}");
        for number in ["holds 6.00 kB of at most 10.0 kB", "1 new file would add 5.00 kB"] {
            assert!(answer.contains(number), "{number}: {answer}");
        }
        let (code, answer) = refused(ada, "ada/data", &noise(9, 50_001)).await;
        assert!(code == 413 && answer.contains("50001") && answer.contains("50000"), "{code} {answer}");

        let (lost, verify) = one_of_two_comes_in(&operator, &clients).await;
        // Again, and with room again.
        let (oid, size) = (Oid::of(&lost), lost.len());
        expect_full(ada.verify(&verify, oid, size).await.unwrap(), &["add 3.00 kB"]).await;
        assert_eq!(refused(ada, "ada/data", &lost).await.0, 507);
        operator.quota("ada/data", "12000").await;
        assert_eq!(ada.verify(&verify, oid, size).await.unwrap().status(), 200, "it need not be sent again");
        assert!(ada.download("ada/data", oid, size).await == Some(lost));
        assert_eq!(operator.usage("ada/data").await, (3, 12_000));

        // All datasets of an owner together; this time it stays outside.
        operator.quota("ada/data", "none").await;
        operator.quota("ada", "17000").await;
        let (fits, waits) = (noise(4, 2000), noise(5, 3000));
        let (upload, verify) = ada.offer("ada/more", &waits).await;
        assert!([200, 201].contains(&ada.put(&upload, &waits).await.unwrap()));
        assert!(ada.upload("ada/data", &fits).await.unwrap());
        operator.quota("ada", "15000").await;
        let answer = ada.verify(&verify, Oid::of(&waits), waits.len()).await.unwrap();
        assert_eq!(answer.status(), 507);
        let answer = answer.text().await.unwrap();
        assert!(answer.contains("all datasets of ada together hold 14.0 kB of at most 15.0 kB"), "{answer}");
        assert_eq!((operator.usage("ada/data").await, operator.usage("ada/more").await), ((4, 14_000), (0, 0)));
        cluster.expect_clean_after_grace_period().await;
    }
}

story! {
    each async fn uploads_without_checksum_have_the_same_quota(cloud: Cloud) {
        let (cluster, operator, clients) = dataset_near_quota::<2>(&cloud, HUB_AGENT, &[]).await;
        let (lost, verify) = one_of_two_comes_in(&operator, &clients).await;
        let objects = cluster.bucket.objects().await;
        assert!(!objects.contains_key(&Oid::of(&lost).to_string()), "a copy of what was refused stays: {objects:?}");
        operator.quota("ada/data", "12000").await;
        assert_eq!(clients[0].verify(&verify, Oid::of(&lost), lost.len()).await.unwrap().status(), 200);
        assert!(clients[1].download("ada/data", Oid::of(&lost), lost.len()).await == Some(lost));
        assert_eq!(operator.usage("ada/data").await, (3, 12_000));

        let waits = noise(4, 1000);
        operator.quota("ada/data", "13000").await;
        let (upload, verify) = clients[0].offer("ada/data", &waits).await;
        assert!([200, 201].contains(&clients[0].put(&upload, &waits).await.unwrap()));
        operator.quota("ada/data", "12999").await;
        let answer = clients[1].verify(&verify, Oid::of(&waits), waits.len()).await.unwrap();
        expect_full(answer, &["holds 12.0 kB of at most 13.0 kB", "add 1.00 kB"]).await;
        cluster.expect_clean_after_grace_period().await;
    }
}

story! {
    each async fn uploads_in_parts_have_the_same_quota(cloud: Cloud) {
        let (cluster, operator, clients) = dataset_near_quota::<2>(&cloud, "giftless", &[("RUTTER_LIMITS__MULTIPART_THRESHOLD", "1000")]).await;
        let both = [noise(2, 3000), noise(3, 3000)];
        let mut cuts = Vec::new();
        operator.quota("ada/data", "12000").await;
        for (client, bytes) in clients.iter().zip(&both) {
            let begun = begin_multipart(client, "ada/data", Oid::of(bytes), 3000).await;
            for (part, _, _) in &begun.parts {
                assert!([200, 201].contains(&client.put(part, bytes).await.unwrap()));
            }
            cuts.push(begun);
        }
        operator.quota("ada/data", "10000").await;
        let end = async |place: usize| cuts[place].try_end(&clients[place]).await;
        let winner = race(end(0), end(1), &["holds 9.00 kB of at most 10.0 kB", "add 3.00 kB"]).await;
        assert_eq!(operator.usage("ada/data").await, (2, 9000));
        let lost = &both[1 - winner];
        let oid = Oid::of(lost);
        assert_eq!(clients[0].download("ada/data", oid, 3000).await, None);
        // No upload is started for an object that would be refused.
        let answer = try_begin_multipart(&clients[0], "ada/data", oid, 3000).await.err().unwrap();
        assert_eq!(answer["objects"][0]["error"]["code"], 507, "{answer}");
        expect_full(end(1 - winner).await, &["holds 9.00 kB of at most 10.0 kB", "add 3.00 kB"]).await;

        operator.quota("ada/data", "12000").await;
        let answer = end(1 - winner).await;
        assert_eq!(answer.status(), 200, "it need not be sent again: {}", answer.text().await.unwrap());
        assert!(clients[0].download("ada/data", oid, 3000).await.as_ref() == Some(lost));
        assert_eq!(operator.usage("ada/data").await, (3, 12_000));

        // One that is whole, and for which there never is room.
        operator.quota("ada/data", "none").await;
        let waits = noise(4, 1000);
        let begun = begin_multipart(&clients[0], "ada/data", Oid::of(&waits), 1000).await;
        assert!([200, 201].contains(&clients[0].put(&begun.parts[0].0, &waits).await.unwrap()));
        operator.quota("ada/data", "12999").await;
        expect_full(begun.try_end(&clients[0]).await, &["holds 12.0 kB", "add 1.00 kB"]).await;
        cluster.expect_clean_after_grace_period().await;
    }
}

story! {
    real async fn the_client_of_hugging_face_has_the_same_quota() {
        let cloud = Cloud::shared().await;
        let (_scene, operator, [ada]) = dataset_near_quota(&cloud, HUB_AGENT, &[("RUTTER_LIMITS__MULTIPART_THRESHOLD", "1000")]).await;
        let bytes = noise(2, 3000);
        let wanted = json!({"oid": Oid::of(&bytes), "size": 3000});
        let body = json!({"operation": "upload", "transfers": ["basic", "multipart"], "objects": [wanted]});
        let answer: Value = ada.ask("ada/data", &body).await.unwrap().json().await.unwrap();
        assert_eq!(answer["transfer"], "multipart", "{answer}");
        let upload = action(&answer["objects"][0], "upload").unwrap();
        let (_, part) = upload.headers.iter().find(|(name, _)| name.parse::<u32>() == Ok(1)).unwrap();
        let sent = ada.http.put(part).body(bytes.clone()).send().await.unwrap();
        let etag = sent.headers()["etag"].to_str().unwrap().to_owned();
        let end = async || {
            let completion = json!({"oid": Oid::of(&bytes), "parts": [{"partNumber": 1, "etag": etag}]});
            ada.http.post(&upload.href).body(completion.to_string()).send().await.unwrap()
        };
        operator.quota("ada/data", "8999").await;
        expect_full(end().await, &["holds 6.00 kB", "add 3.00 kB"]).await;
        assert_eq!(operator.usage("ada/data").await, (1, 6000));
        operator.quota("ada/data", "9000").await;
        assert_eq!(end().await.status(), 200);
        assert!(ada.download("ada/data", Oid::of(&bytes), 3000).await == Some(bytes));
        assert_eq!(operator.usage("ada/data").await, (2, 9000));
    }
}

story! {
    each async fn a_false_size_does_not_bypass_the_quota(cloud: Cloud) {
        let (cluster, operator, [ada]) = dataset_near_quota(&cloud, GIT_LFS_AGENT, &[("RUTTER_LIMITS__OBJECT_BYTES", "20000")]).await;
        for (number, ada) in [ada.clone(), ada.with_user_agent(HUB_AGENT)].into_iter().enumerate() {
            operator.quota("ada/data", "10000").await;
            // Far more than there is room for, and more than any object may have.
            let bytes = noise(2 + number as u64, 30_000);
            let oid = Oid::of(&bytes);
            let object = ada.object("upload", "ada/data", oid, 10).await.unwrap();
            let (upload, verify) = (action(&object, "upload").unwrap(), action(&object, "verify").unwrap());
            assert!([200, 201].contains(&ada.put(&upload, &bytes).await.unwrap()), "the bucket knows of no size");
            operator.quota("ada/data", "none").await;
            for size in [bytes.len(), 10] {
                let answer = ada.verify(&verify, oid, size).await.unwrap();
                assert!([404, 422].contains(&answer.status().as_u16()), "{size}: {}", answer.text().await.unwrap());
            }
            assert_eq!(operator.usage("ada/data").await, (1, 6000));
            for size in [bytes.len(), 10] {
                assert_eq!(ada.download("ada/data", oid, size).await, None);
            }
        }
        cluster.expect_only_referenced_keys().await;
    }
}

story! {
    async fn an_unconfirmed_upload_counts_until_it_is_deleted() {
        let cloud = Cloud::shared().await;
        let (cluster, operator, [plain]) = dataset_near_quota(&cloud, GIT_LFS_AGENT, &[]).await;
        for (number, ada) in [plain.clone(), plain.with_user_agent(HUB_AGENT)].into_iter().enumerate() {
            let (parked, other) = (noise(20 + number as u64, 3000), noise(30 + number as u64, 3000));
            let (upload, _) = ada.offer("ada/data", &parked).await;
            // Each batch alone would have room for it.
            let (code, answer) = refused(&ada, "ada/data", &other).await;
            assert!(code == 507 && answer.contains("uploads in progress need 3.00 kB"), "{code} {answer}");
            // A second batch returns the same key, so that it cannot be stored twice.
            let place = |action: &Action| action.href.split('?').next().unwrap().to_owned();
            let (again, verify) = ada.offer("ada/data", &parked).await;
            assert_eq!(place(&upload), place(&again));
            assert!([200, 201].contains(&ada.put(&again, &parked).await.unwrap()));
            let before = cluster.bucket.keys().await.len();
            // When no URL leads there any more, it goes first.
            let later = cluster.after(Duration::from_secs(2 * 3600 + 60)).await;
            later.storage.reap().await.unwrap();
            assert_eq!(cluster.bucket.keys().await.len(), before - 1, "what was parked is deleted");
            assert_eq!(ada.verify(&verify, Oid::of(&parked), 3000).await.unwrap().status(), 404);
            ada.offer("ada/data", &other).await;
            later.storage.reap().await.unwrap();
            let later = cluster.after(Duration::from_secs(2 * 3600 + 60)).await;
            later.storage.reap().await.unwrap();
        }
        // What was confirmed is not touched.
        let kept = noise(40, 3000);
        assert!(plain.upload("ada/data", &kept).await.unwrap());
        let later = cluster.after(Duration::from_secs(2 * 3600 + 60)).await;
        later.storage.reap().await.unwrap();
        assert!(plain.download("ada/data", Oid::of(&kept), 3000).await == Some(kept));
        assert_eq!(operator.usage("ada/data").await, (2, 9000));
    }
}
