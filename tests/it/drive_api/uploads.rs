//! Large files: through the server into the store, whole or in parts.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lfs::Oid;
use rutter::types::Visibility;
use rutter_testing::{Engine, RawConnection, Reply, Server, eventually, noise, story};
use serde_json::{Value, json};

use super::{DriveClient, ada};

/// Bytes of the parts that the server asks for.
const PART: usize = 10_000_000;

/// The files in a folder and below it.
fn files_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.insert(path.display().to_string());
        }
    }
    found
}

/// A server that keeps more than a KiB by Git LFS.
async fn strict(engine: Engine) -> Server {
    Server::start_with(engine, |config| config.limits.commit_file_bytes = 1024).await
}

story! {
    async fn large_and_binary_files_become_objects(engine: Engine) {
        let server = strict(engine).await;
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let text = "text\n".repeat(1000);
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5000\n", Oid::of(text.as_bytes()));
        for (path, bytes, is_object) in [
            ("small.txt", b"small".to_vec(), false),
            ("large.txt", text.clone().into_bytes(), true),
            ("small.bin", vec![0, 1, 2], true),
            ("latin.txt", b"gr\xfc\xdf".to_vec(), true),
            ("empty.bin", Vec::new(), false),
            // A file that looks like a pointer is stored as text, and gives no object.
            ("pointer.txt", pointer.clone().into_bytes(), true),
        ] {
            let put = drive.put(path, bytes.clone()).await;
            assert_eq!(put.status, 201, "{path}: {}", put.text());
            let entry = &put.json()["entry"];
            let oid = if is_object { json!(Oid::of(&bytes).to_string()) } else { Value::Null };
            assert_eq!((&entry["oid"], &entry["size"]), (&oid, &json!(bytes.len())), "{path}");
            assert_eq!(drive.get(&format!("/content/{path}")).await.body, bytes, "{path}");
        }
        // The attributes of the dataset decide also for small files and new versions.
        assert!(drive.put("large.txt", "small by now").await.json()["entry"]["oid"].is_string());
        let tree = server.clone(&ada, "ada/data", "clone");
        assert_eq!(tree.read("large.txt"), b"small by now");
        assert_eq!(tree.read("pointer.txt"), pointer.as_bytes());
        let attributes = String::from_utf8(tree.read(".gitattributes")).unwrap();
        assert!(attributes.contains("small.bin") && !attributes.contains("small.txt"), "{attributes}");

        // A body of unknown length is small, or refused.
        for (length, status) in [(3, 201), (2000, 400)] {
            let mut wire = RawConnection::open(&server).await;
            let authorization = format!("authorization: Bearer {}", ada.token);
            let headers = [authorization.as_str(), "transfer-encoding: chunked"];
            wire.request("PUT", "/api/v1/drive/ada/data/files/chunked", &headers).await;
            wire.send(format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length))).await;
            assert_eq!(wire.head().await.0, status, "{length}");
        }
    }
}

story! {
    async fn an_interrupted_upload_leaves_nothing(engine: Engine) {
        let server = strict(engine).await;
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let objects = server.app.config.data.join("store").join("objects");
        let before = files_in(&objects);
        let mut wire = RawConnection::open(&server).await;
        let authorization = format!("authorization: Bearer {}", ada.token);
        let headers = [authorization.as_str(), "content-length: 500000"];
        wire.request("PUT", "/api/v1/drive/ada/data/files/broken.bin", &headers).await;
        wire.send(noise(1, 250_000)).await;
        eventually("it began", async || files_in(&objects).len() > before.len()).await;
        drop(wire);
        eventually("it was cleared away", async || files_in(&objects) == before).await;
        assert_eq!(drive.names("").await, Vec::<String>::new());
    }
}

story! {
    async fn parts_are_accepted_in_any_order_and_repeatedly(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let bytes = noise(7, PART + 1000);
        let upload = drive.ok("POST", "/uploads", &json!({"path": "big/file.bin", "size": bytes.len()})).await;
        assert_eq!((&upload["part_bytes"], &upload["parts"]), (&json!(PART), &json!([])));
        let url = format!("/uploads/{}", upload["id"].as_str().unwrap());
        let put = async |number: usize, bytes: &[u8]| {
            Reply::of(drive.request("PUT", &format!("{url}/{number}")).body(bytes.to_vec())).await.status
        };
        assert_eq!(put(2, &bytes[PART..]).await, 204);
        assert_eq!(drive.get(&url).await.json()["parts"], json!([2]));
        assert_eq!(drive.send("POST", &format!("{url}/finish"), &json!({})).await.status, 409, "a part is missing");
        for (number, wrong) in [(1, &bytes[..5]), (3, &bytes[..5]), (0, &bytes[..5])] {
            assert_eq!(put(number, wrong).await, 422, "{number}");
        }
        assert_eq!(put(1, &bytes[..PART]).await, 204);
        assert_eq!(put(1, &bytes[..PART]).await, 204, "an answer that was lost");
        assert_eq!(drive.get(&url).await.json()["parts"], json!([1, 2]));
        let first = drive.send("POST", &format!("{url}/finish"), &json!({"message": "Bring it"})).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let oid = Oid::of(&bytes).to_string();
        assert_eq!(first.json()["entry"]["oid"], oid);
        let again = drive.send("POST", &format!("{url}/finish"), &json!({})).await;
        assert_eq!(again.json()["revision"], first.json()["revision"], "asked again, it is the same");
        assert_eq!(drive.get("/content/big/file.bin").await.body, bytes);
        assert_eq!(put(1, &bytes[..PART]).await, 409, "all of it has come");
        let used = drive.get("/usage").await.json()["bytes"].as_u64().unwrap();
        let git = used - bytes.len() as u64;
        assert!((1..10_000).contains(&git), "{git} bytes of git, for a pointer");
    }
}

story! {
    async fn an_upload_must_match_its_announced_object(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let (promised, other) = (noise(1, 5000), noise(2, 5000));
        let oid = Oid::of(&promised).to_string();
        let begin = json!({"path": "a.bin", "size": 5000, "sha256": oid});
        let one = drive.ok("POST", "/uploads", &begin).await["id"].as_str().unwrap().to_owned();
        let two = drive.ok("POST", "/uploads", &begin).await["id"].as_str().unwrap().to_owned();
        for (id, bytes) in [(&one, &other), (&two, &promised)] {
            let put = drive.request("PUT", &format!("/uploads/{id}/1")).body(bytes.clone());
            assert_eq!(Reply::of(put).await.status, 204);
        }
        assert_eq!(drive.send("POST", &format!("/uploads/{one}/finish"), &json!({})).await.status, 422);
        assert_eq!(drive.get(&format!("/uploads/{one}")).await.status, 404, "it is forgotten");
        assert_eq!(drive.send("POST", &format!("/uploads/{two}/finish"), &json!({})).await.status, 201);
        assert_eq!(drive.get("/content/a.bin").await.body, promised);
        for wrong in [json!({"path": "a", "size": 0}), json!({"path": "a", "size": 1, "sha256": "x"}), json!({"path": ".keep", "size": 1})] {
            assert_eq!(drive.send("POST", "/uploads", &wrong).await.status, 422, "{wrong}");
        }
        // Given up, nothing of it is left.
        let opened = drive.ok("POST", "/uploads", &json!({"path": "b.bin", "size": 5000})).await;
        let url = format!("/uploads/{}", opened["id"].as_str().unwrap());
        assert_eq!(Reply::of(drive.request("DELETE", &url)).await.status, 204);
        assert_eq!(drive.get(&url).await.status, 404);
        assert_eq!(Reply::of(drive.request("PUT", &format!("{url}/1")).body("x")).await.status, 404);
    }
}

story! {
    async fn two_uploads_of_one_path_are_two_versions(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let all = [noise(1, 4000), noise(2, 6000)];
        let mut urls = Vec::new();
        for bytes in &all {
            let begun = drive.ok("POST", "/uploads", &json!({"path": "same.bin", "size": bytes.len()})).await;
            let url = format!("/uploads/{}", begun["id"].as_str().unwrap());
            assert_eq!(Reply::of(drive.request("PUT", &format!("{url}/1")).body(bytes.clone())).await.status, 204);
            urls.push(format!("{url}/finish"));
        }
        let end = json!({});
        let ends = futures::future::join_all(urls.iter().map(|url| drive.send("POST", url, &end))).await;
        assert!(ends.iter().all(|end| end.status < 300), "{:?}", ends.iter().map(Reply::text).collect::<Vec<_>>());
        let versions = drive.get("/versions/same.bin").await.json();
        let sizes: BTreeSet<u64> =
            versions["items"].as_array().unwrap().iter().map(|item| item["size"].as_u64().unwrap()).collect();
        assert_eq!(sizes, BTreeSet::from([4000, 6000]));
    }
}

story! {
    async fn an_upload_is_invisible_to_other_users(server: Server) {
        let ada = ada(&server).await;
        let (bob, mallory) = (server.person("bob").await, server.person("mallory").await);
        server.organisation("org", &[(&ada, rutter::types::Role::Writer), (&bob, rutter::types::Role::Writer)]).await;
        server.dataset("org/data", Visibility::Private).await;
        let (first, second) = (DriveClient::new(&server, &ada, "org/data"), DriveClient::new(&server, &bob, "org/data"));
        let stranger = DriveClient::new(&server, &mallory, "org/data");
        let elsewhere = DriveClient::new(&server, &ada, "ada/data");
        let begun = first.ok("POST", "/uploads", &json!({"path": "a.bin", "size": 3})).await;
        let url = format!("/uploads/{}", begun["id"].as_str().unwrap());
        for hands in [&second, &stranger, &elsewhere] {
            assert_eq!(hands.get(&url).await.status, 404);
            assert_eq!(Reply::of(hands.request("PUT", &format!("{url}/1")).body("bad")).await.status, 404);
            assert_eq!(hands.send("POST", &format!("{url}/finish"), &json!({})).await.status, 404);
            assert_eq!(Reply::of(hands.request("DELETE", &url)).await.status, 404);
        }
        assert_eq!(Reply::of(first.request("PUT", &format!("{url}/1")).body("abc")).await.status, 204);
        // A user that may no longer write cannot finish an upload.
        let (organisation, user) = ("org".parse().unwrap(), "ada".parse().unwrap());
        server.app.accounts.set_member(&organisation, &user, Some(rutter::types::Role::Reader)).await.unwrap();
        assert_eq!(first.send("POST", &format!("{url}/finish"), &json!({})).await.status, 403);
        assert_eq!(second.names("").await, Vec::<String>::new());
    }
}

story! {
    async fn quotas_are_checked_before_an_upload_begins(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.quotas.dataset_bytes = Some(10_000);
            config.limits.object_bytes = Some(50_000);
        }).await;
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        assert_eq!(drive.put("a.bin", noise(1, 6000)).await.status, 201);
        assert_eq!(drive.put("b.bin", noise(2, 8000)).await.status, 507);
        assert_eq!(drive.send("POST", "/uploads", &json!({"path": "b.bin", "size": 8000})).await.status, 507);
        assert_eq!(drive.send("POST", "/uploads", &json!({"path": "b.bin", "size": 60_000})).await.status, 413);
        assert_eq!(drive.names("").await, ["a.bin"]);
        assert_eq!(drive.get("/usage").await.json()["quota_bytes"], 10_000);
        // Two that would fit alone: there is room for one of them, from when it is begun.
        let begun = drive.ok("POST", "/uploads", &json!({"path": "3.bin", "size": 2000})).await;
        assert_eq!(drive.send("POST", "/uploads", &json!({"path": "4.bin", "size": 2000})).await.status, 507);
        let url = format!("/uploads/{}", begun["id"].as_str().unwrap());
        let put = drive.request("PUT", &format!("{url}/1")).body(noise(3, 2000));
        assert_eq!(Reply::of(put).await.status, 204);
        assert_eq!(drive.send("POST", &format!("{url}/finish"), &json!({})).await.status, 201);
        assert_eq!(drive.send("POST", "/uploads", &json!({"path": "4.bin", "size": 2000})).await.status, 507);
    }
}

story! {
    async fn abandoned_uploads_are_swept(engine: Engine) {
        let server = Server::start_without_workers(engine, |_| {}).await;
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let objects = server.app.config.data.join("store").join("objects");
        let before = files_in(&objects);
        let begun = drive.ok("POST", "/uploads", &json!({"path": "a.bin", "size": 5000})).await;
        let url = format!("/uploads/{}", begun["id"].as_str().unwrap());
        assert!(files_in(&objects).len() > before.len());
        server.clock.advance(Duration::from_hours(4 * 24));
        server.app.storage.reap().await.unwrap();
        assert_eq!(drive.get(&url).await.status, 404);
        assert_eq!(files_in(&objects), before);
    }
}
