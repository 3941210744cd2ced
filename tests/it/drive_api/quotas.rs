//! Quotas: what counts, running uploads and git included, and what is refused.

use std::time::Duration;

use lfs::Oid;
use rutter::types::{Role, Visibility};
use rutter_testing::{Engine, Person, Reply, Server, noise, story};
use serde_json::{Value, json};

use super::{DRIVE, DriveClient, ada};
use crate::db::{count, execute};

/// Text that packs to about half of its length, and stays in git.
fn text(seed: u64, length: usize) -> String {
    hex::encode(noise(seed, length / 2))
}

/// Begins an upload in parts; returns status and answer.
async fn begin(drive: &DriveClient<'_>, path: &str, size: usize) -> (u16, Value) {
    let reply = drive.send("POST", "/uploads", &json!({"path": path, "size": size})).await;
    (reply.status, reply.json())
}

/// What a batch answers for an upload in parts of one object: the code of an error, or 200 and the actions.
async fn begin_in_lfs(server: &Server, who: &Person, path: &str, bytes: &[u8]) -> (u64, Value) {
    let object = json!({"oid": Oid::of(bytes), "size": bytes.len()});
    let body = json!({"operation": "upload", "transfers": ["multipart-basic", "basic"], "objects": [object]});
    let (status, mut reply) = server.batch(Some(&who.token), path, &body).await;
    assert_eq!(status, 200, "{reply}");
    let object = reply["objects"][0].take();
    (object["error"]["code"].as_u64().unwrap_or(200), object)
}

/// Bytes that an owner's datasets hold, as the operator sees it: all, and those of git.
async fn held(server: &Server, owner: &str) -> (u64, u64) {
    let found = server.app.storage.usage(Some(&owner.parse().unwrap())).await.unwrap().remove(0);
    (found.bytes, found.git_bytes)
}

async fn small_parts(engine: Engine) -> Server {
    Server::start_without_workers(engine, |config| {
        config.limits.multipart_threshold = 1000;
        config.limits.commit_file_bytes = 100_000;
    })
    .await
}

story! {
    async fn running_uploads_cannot_exceed_the_quota(engine: Engine) {
        let server = small_parts(engine).await;
        let mallory = server.person("mallory").await;
        for path in ["mallory/data", "mallory/more"] {
            server.dataset(path, Visibility::Private).await;
        }
        server.quota("mallory", "10000").await;
        let (data, more) = (DriveClient::new(&server, &mallory, "mallory/data"), DriveClient::new(&server, &mallory, "mallory/more"));
        let (status, first) = begin(&data, "a.bin", 6000).await;
        assert_eq!(status, 201, "{first}");
        // Each alone would have room, by whichever way, to whichever dataset.
        let (status, answer) = begin(&data, "b.bin", 6000).await;
        assert_eq!(status, 507, "{answer}");
        let answer = answer["detail"].as_str().unwrap().to_owned();
        assert!(answer.contains("uploads in progress need 6.00 kB") && answer.contains("of at most 10.0 kB"), "{answer}");
        assert_eq!(begin(&more, "b.bin", 6000).await.0, 507);
        assert_eq!(begin_in_lfs(&server, &mallory, "mallory/data", &noise(1, 6000)).await.0, 507);
        assert_eq!(begin_in_lfs(&server, &mallory, "mallory/more", &noise(1, 6000)).await.0, 507);
        assert_eq!(more.put("c.bin", noise(2, 6000)).await.status, 507);
        // An announced oid makes no difference, even if the dataset has that object.
        server.upload(&mallory.token, "mallory/data", b"x").await;
        let promised = json!({"path": "d.bin", "size": 6000, "sha256": Oid::of(b"x")});
        assert_eq!(data.send("POST", "/uploads", &promised).await.status, 507);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 1);

        // A running upload keeps its reserved space.
        assert_eq!(begin_in_lfs(&server, &mallory, "mallory/more", &noise(3, 3000)).await.0, 200);
        assert_eq!(begin_in_lfs(&server, &mallory, "mallory/more", &noise(4, 3000)).await.0, 507);
        let url = format!("/uploads/{}", first["id"].as_str().unwrap());
        assert_eq!(Reply::of(data.request("PUT", &format!("{url}/1")).body(noise(5, 6000))).await.status, 204);
        let finished = data.send("POST", &format!("{url}/finish"), &json!({})).await;
        assert_eq!(finished.status, 201, "{}", finished.text());
        let reserved = "SELECT CAST(SUM(size) AS BIGINT) FROM upload_session WHERE state = 'open'";
        assert_eq!(count(&server.app.db, reserved).await, 3000);
        assert_eq!(server.app.storage.recount().await.unwrap(), []);
    }
}

story! {
    async fn of_many_concurrent_uploads_one_gets_the_remaining_quota(engine: Engine) {
        let server = small_parts(engine).await;
        let ada = ada(&server).await;
        server.quota("ada/data", "10000").await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let paths: Vec<String> = (0..8).map(|number| format!("{number}.bin")).collect();
        let begun = futures::future::join_all(paths.iter().map(|path| begin(&drive, path, 6000))).await;
        let statuses: Vec<u16> = begun.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 507).count(), 7, "{statuses:?}");
        let objects = server.app.config.data.join("store/objects/uploads");
        let parked = std::fs::read_dir(objects).unwrap().filter(|file| file.as_ref().unwrap().path().extension().is_none());
        assert_eq!(parked.count(), 1, "what was refused leaves nothing");
    }
}

story! {
    async fn abandoned_uploads_release_their_quota(engine: Engine) {
        let server = small_parts(engine).await;
        let (ada, ben) = (ada(&server).await, server.person("ben").await);
        server.organisation("lab", &[(&ada, Role::Writer), (&ben, Role::Writer)]).await;
        server.dataset("lab/data", Visibility::Private).await;
        server.quota("lab", "10000").await;
        let (by_ada, by_ben) = (DriveClient::new(&server, &ada, "lab/data"), DriveClient::new(&server, &ben, "lab/data"));
        let (status, first) = begin(&by_ada, "a.bin", 6000).await;
        assert_eq!(status, 201, "{first}");
        assert_eq!(begin(&by_ben, "a.bin", 6000).await.0, 507, "uploads of other users are kept");
        // A second upload of the same file does not wait for the first one.
        let (status, second) = begin(&by_ada, "a.bin", 6000).await;
        assert_eq!(status, 201, "{second}");
        let url = |begun: &Value| format!("/uploads/{}", begun["id"].as_str().unwrap());
        assert_eq!((by_ada.get(&url(&first)).await.status, by_ada.get(&url(&second)).await.status), (404, 200));

        // Each part prolongs the upload by an hour.
        server.clock.advance(Duration::from_secs(3000));
        assert_eq!(Reply::of(by_ada.request("PUT", &format!("{}/1", url(&second))).body(noise(1, 6000))).await.status, 204);
        server.clock.advance(Duration::from_secs(3000));
        assert_eq!(begin_in_lfs(&server, &ben, "lab/data", &noise(2, 6000)).await.0, 507);
        server.clock.advance(Duration::from_secs(601));
        let (code, third) = begin_in_lfs(&server, &ben, "lab/data", &noise(2, 6000)).await;
        assert_eq!(code, 200, "{third}");
        assert_eq!(by_ada.get(&url(&second)).await.status, 404);

        // One that goes on counts once.
        let (code, again) = begin_in_lfs(&server, &ben, "lab/data", &noise(2, 6000)).await;
        assert_eq!(code, 200, "{again}");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 1);
        server.clock.advance(Duration::from_secs(3601));
        assert_eq!(by_ada.put("b.bin", noise(3, 6000)).await.status, 201, "nor does a whole file wait for it");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 0);
    }
}

story! {
    async fn running_uploads_per_owner_are_limited(server: Server) {
        let ada = ada(&server).await;
        let begun = "INSERT INTO upload_session (id, repo_id, kind, state, actor, path, oid, size, store, place, remote,
                                                 part_bytes, expires_at)
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                     SELECT 'a' || i, d.id, 'parts', 'open', '', '', 'a' || i, 1, 'default', '', '', 10000000,
                            9000000000000000
                     FROM n, dataset d WHERE d.name = 'data'";
        execute(&server.app.db, begun).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let (status, answer) = begin(&drive, "a.bin", 10).await;
        assert!(status == 429 && answer["detail"].as_str().unwrap().contains("5000 uploads"), "{status} {answer}");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session WHERE kind = 'file'").await, 0);
        // Uploads of other owners do not count.
        let ben = server.person("ben").await;
        server.dataset("ben/more", Visibility::Private).await;
        assert_eq!(begin(&DriveClient::new(&server, &ben, "ben/more"), "a.bin", 10).await.0, 201);
        execute(&server.app.db, "DELETE FROM upload_session WHERE id = 'a1'").await;
        assert_eq!(begin(&drive, "a.bin", 10).await.0, 201);
    }
}

story! {
    async fn git_content_counts_and_is_refused_over_quota(engine: Engine) {
        let server = small_parts(engine).await;
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        assert_eq!(drive.put("a.txt", text(1, 99_000)).await.status, 201);
        let (all, git) = held(&server, "ada").await;
        assert!(all == git && (45_000..64_000).contains(&git), "{all} {git}");
        assert_eq!(drive.get("/usage").await.json()["bytes"], git);
        let shown = Reply::of(server.request("GET", "/api/v1/datasets/ada/data", Some(&ada.token))).await.json();
        assert_eq!((&shown["bytes"], &shown["objects"]), (&json!(git), &json!(0)));

        // By the API: refused without a trace. The allowance above a quota is small.
        server.quota("ada", &(2 * git + 10_000).to_string()).await;
        let packs = "SELECT COUNT(*) FROM git_pack";
        let before = count(&server.app.db, packs).await;
        for (seed, status) in [(2, 201), (3, 201), (4, 507), (5, 507)] {
            let put = drive.put(&format!("{seed}.txt"), text(seed, 99_000)).await;
            assert_eq!(put.status, status, "{}", put.text());
            assert_eq!(status == 507, put.text().contains("over quota: all datasets of ada together hold"));
        }
        assert_eq!(count(&server.app.db, packs).await, before + 2);
        // By a push: the same message, and neither a pack nor an announcement is left.
        let work = server.clone(&ada, "ada/data", "work");
        work.write("c.txt", text(10, 400_000));
        work.commit("more");
        let said = work.git_fails(&["push", "origin", "main"]);
        assert!(said.contains("over quota: all datasets of ada together hold"), "{said}");
        assert_eq!(count(&server.app.db, packs).await, before + 2);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM git_upload").await, 0);
        // Uploads are refused too, because git content counts.
        assert_eq!(begin(&drive, "d.bin", 1000).await.0, 507);
        server.quota("ada", "1MB").await;
        work.git(&["push", "-q", "origin", "main"]);
        assert_eq!(server.app.storage.recount().await.unwrap(), []);
    }
}

story! {
    async fn over_quota_files_can_be_deleted_and_restored(engine: Engine) {
        let server = small_parts(engine).await;
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        for seed in 1..4 {
            assert_eq!(drive.put(&format!("{seed}.txt"), text(seed, 90_000)).await.status, 201);
        }
        // Far below what is held.
        server.quota("ada/data", "1000").await;
        let deleted = drive.send("POST", "/delete", &json!({"paths": ["1.txt"]})).await;
        assert!(deleted.status < 300, "{} {}", deleted.status, deleted.text());
        let listed = Reply::of(server.request("GET", "/api/v1/datasets/ada/data/revisions", Some(&ada.token))).await.json();
        let newest = listed["items"][0]["revision"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
        let url = "/api/v1/datasets/ada/data/revert";
        let reverted = server.request("POST", url, Some(&ada.token)).header("content-type", "application/json");
        let reverted = Reply::of(reverted.body(json!({"revision": newest}).to_string())).await;
        assert!(reverted.status < 300, "{} {}", reverted.status, reverted.text());
        assert_eq!(drive.names("").await, ["1.txt", "2.txt", "3.txt"]);
        // The allowance ends, and comes back with room.
        assert_eq!(drive.put("4.txt", text(4, 90_000)).await.status, 201);
        assert_eq!(drive.put("5.txt", text(5, 90_000)).await.status, 507);
        server.quota("ada/data", "1MB").await;
        assert_eq!(drive.put("5.txt", text(5, 90_000)).await.status, 201);
        server.quota("ada/data", "1000").await;
        assert_eq!(drive.put("6.txt", text(6, 90_000)).await.status, 201);
        assert_eq!(drive.put("7.txt", text(7, 90_000)).await.status, 507);
        assert_eq!(server.app.storage.recount().await.unwrap(), []);
    }
}

story! {
    async fn the_usage_meter_shows_everything_that_counts(server: Server) {
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.dataset("ada/data", Visibility::Public).await;
        server.upload(&ada.token, "ada/data", &noise(1, 500_000)).await;
        server.quota("ada", "1MB").await;
        let own = async || Reply::of(server.request("GET", DRIVE, Some(&ada.token))).await.json();
        let answer = own().await;
        let meter = |answer: &Value| ["bytes", "used_bytes", "quota_bytes"].map(|name| answer[name].as_u64());
        assert_eq!(meter(&answer), [Some(0), Some(500_000), Some(1_000_000)]);
        server.quota("ada/drive", "2000").await;
        assert_eq!(meter(&own().await), [Some(0), Some(0), Some(2000)], "the drive alone has less room");
        // Her other datasets are not disclosed.
        let answer = DriveClient::new(&server, &ben, "ada/data").get("/usage").await.json();
        assert_eq!(meter(&answer), [Some(500_000), Some(500_000), None]);
        let answer = DriveClient::new(&server, &ada, "ada/data").get("/usage").await.json();
        assert_eq!(meter(&answer), [Some(500_000), Some(500_000), Some(1_000_000)]);
    }
}
