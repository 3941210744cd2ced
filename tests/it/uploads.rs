//! Uploads in parts, in the three dialects that clients speak, to a folder.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lfs::Oid;
use reqwest::RequestBuilder;
use rutter::access::{Actor, DatasetGrant, Own};
use rutter::db::Db;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, RawConnection, Reply, Server, eventually, noise, story};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::db::{count, execute};

/// More than one part, of which the last is short.
const LARGE: usize = 15_000_000;

/// Bytes of a part but the last.
const PART: usize = 10_000_000;

/// A server that takes everything in parts, and a dataset.
async fn server_with_parts(engine: Engine) -> (Server, Person) {
    let server = Server::start_with(engine, |config| config.limits.multipart_threshold = 1).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    (server, ada)
}

/// What the batch says about one object.
async fn ask(server: &Server, person: &Person, path: &str, way: &str, bytes: &[u8], extra: Value) -> Value {
    let mut object = json!({"oid": Oid::of(bytes), "size": bytes.len()});
    if let Value::Object(fields) = extra {
        object.as_object_mut().unwrap().extend(fields);
    }
    let body = json!({"operation": "upload", "transfers": ["basic", way], "objects": [object]});
    let (status, mut reply) = server.batch(Some(&person.token), path, &body).await;
    assert_eq!(status, 200, "{reply}");
    assert!(reply["objects"][0]["actions"].is_null() || reply["transfer"] == way, "{reply}");
    reply["objects"][0].take()
}

/// The actions of `multipart-basic`.
async fn begin(server: &Server, person: &Person, path: &str, bytes: &[u8]) -> Value {
    ask(server, person, path, "multipart-basic", bytes, Value::Null).await["actions"].take()
}

fn positions(actions: &Value) -> Vec<u64> {
    actions["parts"].as_array().into_iter().flatten().map(|part| part["pos"].as_u64().unwrap()).collect()
}

/// The bytes of a part.
fn piece<'a>(part: &Value, bytes: &'a [u8]) -> &'a [u8] {
    let number = |name: &str| usize::try_from(part[name].as_u64().unwrap()).unwrap();
    &bytes[number("pos")..number("pos") + number("size")]
}

fn put(server: &Server, part: &Value, bytes: &[u8]) -> RequestBuilder {
    server.http.put(part["href"].as_str().unwrap()).body(bytes.to_vec())
}

async fn put_all(server: &Server, actions: &Value, bytes: &[u8]) {
    for part in actions["parts"].as_array().into_iter().flatten() {
        let reply = Reply::of(put(server, part, piece(part, bytes))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// Sends the request of an action.
async fn go(server: &Server, action: &Value) -> Reply {
    let method = action["method"].as_str().unwrap().parse().unwrap();
    let mut request = server.http.request(method, action["href"].as_str().unwrap());
    for (name, value) in action["header"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    Reply::of(request.body(action["body"].as_str().unwrap_or("").to_owned())).await
}

async fn verify(server: &Server, action: &Value, bytes: &[u8]) -> u16 {
    let body = json!({"oid": Oid::of(bytes), "size": bytes.len()}).to_string();
    Reply::of(server.http.post(action["href"].as_str().unwrap()).body(body)).await.status
}

/// Bytes of objects that the server received.
async fn received(server: &Server) -> usize {
    let figures = Reply::of(server.request("GET", "/metrics", None)).await.text();
    let line = figures.lines().find_map(|line| line.strip_prefix("rutter_lfs_received_bytes_total "));
    line.map_or(0, |figure| figure.parse().unwrap())
}

/// Files of running uploads.
fn under_way(server: &Server) -> Vec<PathBuf> {
    let folder = server.app.config.data.join("store").join("objects").join("uploads");
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let content = |ledger: &PathBuf| ledger.extension().is_none() || ledger.with_extension("").exists();
    files.filter(content).collect()
}

/// The request of a step by tus.
fn tus(server: &Server, method: &str, href: &str) -> RequestBuilder {
    server.http.request(method.parse().unwrap(), href).header("tus-resumable", "1.0.0")
}

fn patch(server: &Server, href: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
    let request = tus(server, "PATCH", href).header("content-type", "application/offset+octet-stream");
    request.header("upload-offset", offset).body(bytes.to_vec())
}

async fn upload_by_tus(server: &Server, person: &Person, path: &str, bytes: &[u8]) -> String {
    let object = ask(server, person, path, "tus", bytes, Value::Null).await;
    object["actions"]["upload"]["href"].as_str().unwrap_or_else(|| panic!("{object}")).to_owned()
}

story! {
    async fn after_an_interruption_only_missing_parts_are_sent(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(1, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(positions(&begun), [0, PART as u64]);
        let early = go(&server, &begun["commit"]).await;
        assert_eq!(early.status, 409, "{}", early.text());
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &bytes[..PART])).await.status, 200);
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 409, "a part is missing");
        assert_eq!(received(&server).await, PART);

        // Another client goes on, and is asked for the rest only.
        let rest = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(positions(&rest), [PART as u64]);
        put_all(&server, &rest, &bytes).await;
        assert!(!server.can_download(&ada, "ada/data", &bytes).await, "the whole is not verified yet");
        assert!(!server.stored(&Oid::of(&bytes).to_string()).exists());
        // All parts are there, and the client dies again.
        let rest = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(positions(&rest), [0; 0]);
        for _ in 0..2 {
            let done = go(&server, &rest["commit"]).await;
            assert_eq!(done.status, 200, "{}", done.text());
            assert_eq!(verify(&server, &rest["verify"], &bytes).await, 200);
        }
        assert_eq!(received(&server).await, LARGE);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert!(begin(&server, &ada, "ada/data", &bytes).await.is_null(), "it is there");
        assert_eq!(count(&server.app.db, "SELECT CAST(SUM(bytes) AS BIGINT) FROM usage").await, 15_000_000);

        // With the first URL of a part nothing can be changed any more.
        for part in [&begun["parts"][0], &begun["parts"][1]] {
            let late = Reply::of(put(&server, part, &vec![0; piece(part, &bytes).len()])).await;
            assert_eq!(late.status, 404, "{}", late.text());
        }
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(server.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }
}

story! {
    async fn each_part_can_have_a_checksum(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = b"The quick brown fox jumps over the lazy dog".to_vec();
        let md5 = BASE64_STANDARD.encode(hex::decode("9e107d9d372bb6826bd81d3542a419d6").unwrap());
        let sha256 = format!("SHA-256={}", BASE64_STANDARD.encode(Sha256::digest(&bytes)));
        for (field, digest, header, right) in [
            ("x-want_digest", "contentMD5", "content-md5", &md5),
            ("x-want-digest", "sha-256", "digest", &sha256),
        ] {
            let object = ask(&server, &ada, "ada/data", "multipart-basic", &bytes, json!({(field): digest})).await;
            let part = &object["actions"]["parts"][0];
            assert_eq!(part["want_digest"].as_str().map(str::to_ascii_lowercase), Some(digest.to_ascii_lowercase()));
            let mut wrong = bytes.clone();
            wrong[0] ^= 1;
            let refused = Reply::of(put(&server, part, &wrong).header(header, right)).await;
            assert_eq!(refused.status, 422, "{}", refused.text());
            let damaged = Reply::of(put(&server, part, &bytes).header(header, "no digest")).await;
            assert_eq!(damaged.status, 400, "{}", damaged.text());
            assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await), [0], "nothing was kept");
            assert_eq!(Reply::of(put(&server, part, &bytes).header(header, right)).await.status, 200);
            assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await), [0; 0]);
            assert_eq!(go(&server, &object["actions"]["abort"]).await.status, 204);
        }
    }
}

story! {
    async fn hugging_face_gets_its_urls_in_headers(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(3, LARGE);
        let object = ask(&server, &ada, "ada/data", "multipart", &bytes, Value::Null).await;
        let upload = &object["actions"]["upload"];
        assert_eq!(upload["header"]["chunk_size"], PART.to_string());
        let mut parts: Vec<(String, String)> = upload["header"].as_object().unwrap().iter()
            .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|(name, href)| (name.clone(), href.as_str().unwrap().to_owned()))
            .collect();
        parts.sort();
        assert_eq!(parts.len(), 2);
        let mut answer = Vec::new();
        for ((number, href), chunk) in parts.iter().zip(bytes.chunks(PART)) {
            let reply = Reply::of(server.http.put(href).body(chunk.to_vec())).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert!(!reply.header("etag").is_empty(), "the client repeats it");
            answer.push(json!({"partNumber": number.parse::<u32>().unwrap(), "etag": reply.header("etag")}));
        }
        let complete = async |body: Value| {
            Reply::of(server.http.post(upload["href"].as_str().unwrap()).body(body.to_string())).await
        };
        let other = complete(json!({"oid": Oid::of(b"another"), "parts": answer})).await;
        assert_eq!(other.status, 422, "{}", other.text());
        let done = complete(json!({"oid": Oid::of(&bytes), "parts": answer})).await;
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(verify(&server, &object["actions"]["verify"], &bytes).await, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}

story! {
    async fn tus_resumes_at_the_offset_of_the_server(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(4, 100_000);
        let href = upload_by_tus(&server, &ada, "ada/data", &bytes).await;
        let standing = async || {
            let reply = Reply::of(tus(&server, "HEAD", &href)).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!((reply.header("tus-resumable"), reply.header("cache-control")), ("1.0.0", "no-store"));
            assert_eq!(reply.header("upload-length"), "100000");
            assert!(reply.header("upload-expires").ends_with(" GMT"), "{:?}", reply.headers);
            reply.header("upload-offset").parse::<usize>().unwrap()
        };
        assert_eq!(standing().await, 0);
        let first = Reply::of(patch(&server, &href, 0, &bytes[..30_000])).await;
        assert_eq!((first.status, first.header("upload-offset")), (204, "30000"));
        assert_eq!(standing().await, 30_000);

        // Refused, and nothing is changed.
        let no_version = server.http.head(&href);
        let other_version = server.http.head(&href).header("tus-resumable", "0.2.2");
        let checksum = format!("sha1 {}", BASE64_STANDARD.encode([0; 20]));
        for (request, status) in [
            (no_version, 412),
            (other_version, 412),
            (patch(&server, &href, 0, &bytes), 409),
            (patch(&server, &href, 40_000, &bytes[40_000..]), 409),
            (patch(&server, &href, 30_000, &bytes[30_000..40_000]).header("upload-checksum", checksum), 460),
            (patch(&server, &href, 30_000, &bytes[..80_000]), 413),
            (tus(&server, "PATCH", &href).header("upload-offset", 30_000).body("x"), 415),
            (tus(&server, "POST", &href).header("upload-length", 5), 422),
        ] {
            let asked = request.try_clone().unwrap().build().unwrap();
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, status, "{} {:?}: {}", asked.method(), asked.headers(), reply.text());
            assert_eq!(reply.header("tus-resumable"), "1.0.0", "{status}: {:?}", reply.headers);
        }
        assert_eq!(standing().await, 30_000);

        // An interrupted request keeps the bytes that arrived, and all of them count.
        let before = received(&server).await;
        let mut wire = RawConnection::open(&server).await;
        let headers = [
            "Tus-Resumable: 1.0.0",
            "Content-Type: application/offset+octet-stream",
            "Upload-Offset: 30000",
            "Content-Length: 70000",
        ];
        wire.request("PATCH", &href, &headers).await;
        wire.send(&bytes[30_000..70_000]).await;
        drop(wire);
        eventually("what came before the cut is there", async || standing().await == 70_000).await;
        assert_eq!(received(&server).await - before, 40_000);
        let last = Reply::of(patch(&server, &href, 70_000, &bytes[70_000..])).await;
        assert_eq!((last.status, last.header("upload-offset")), (204, "100000"));
        assert_eq!(standing().await, 100_000);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(Reply::of(tus(&server, "OPTIONS", &href)).await.header("tus-version"), "1.0.0");

        // Aborted: there is nothing to continue.
        let other = upload_by_tus(&server, &ada, "ada/data", &noise(5, 5000)).await;
        assert_eq!(Reply::of(tus(&server, "DELETE", &other)).await.status, 204);
        assert_eq!(Reply::of(tus(&server, "HEAD", &other)).await.status, 404);
    }
}

story! {
    async fn tus_reports_completion_only_for_a_stored_object(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(6, 50_000);
        let href = upload_by_tus(&server, &ada, "ada/data", &bytes).await;
        // Where the folder of the object would be, a file is in the way: the last byte is taken, but the
        // object cannot come about. As when the server dies just then.
        let folder = server.stored(&Oid::of(&bytes).to_string()).parent().unwrap().to_owned();
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        std::fs::write(&folder, "").unwrap();
        assert_eq!(Reply::of(patch(&server, &href, 0, &bytes)).await.status, 500);
        assert_eq!(Reply::of(tus(&server, "HEAD", &href)).await.status, 500);
        std::fs::remove_file(&folder).unwrap();
        let reply = Reply::of(tus(&server, "HEAD", &href)).await;
        assert_eq!((reply.status, reply.header("upload-offset")), (200, "50000"));
        assert!(server.can_download(&ada, "ada/data", &bytes).await, "git-lfs asks no more");

        // Other bytes of the same length are refused, and the upload begins again.
        let bytes = noise(7, 50_000);
        let href = upload_by_tus(&server, &ada, "ada/data", &bytes).await;
        let wrong = Reply::of(patch(&server, &href, 0, &noise(8, 50_000))).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text());
        assert_eq!(Reply::of(tus(&server, "HEAD", &href)).await.status, 404);
        let href = upload_by_tus(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(Reply::of(patch(&server, &href, 0, &bytes)).await.status, 204);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}

story! {
    async fn urls_are_renewed_while_an_upload_is_active(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(9, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(Reply::of(put(&server, &begun["parts"][1], &bytes[PART..])).await.status, 200);
        // A client continues now and then, for three times as long as an upload may rest.
        for _ in 0..6 {
            server.clock.advance(Duration::from_secs(server.app.config.ttl.upload / 2));
            server.app.worker.run_due().await.unwrap();
            let old = Reply::of(put(&server, &begun["parts"][0], &bytes[..PART])).await;
            assert_eq!(old.status, 403);
            assert!(old.text().contains("has expired; request a new one from the batch API"), "{}", old.text());
            assert_eq!(go(&server, &begun["commit"]).await.status, 403);
            assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await), [0]);
        }
        let renewed = begin(&server, &ada, "ada/data", &bytes).await;
        put_all(&server, &renewed, &bytes).await;
        assert_eq!(go(&server, &renewed["commit"]).await.status, 200);
        assert_eq!(received(&server).await, LARGE);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}

story! {
    async fn an_idle_upload_expires(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.limits.multipart_threshold = 1;
            config.ttl.upload = 3600;
            config.ttl.action = 4 * 3600;
        })
        .await;
        let ada = server.person("ada").await;
        let bytes = noise(10, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        put_all(&server, &begun, &bytes).await;
        assert!(!under_way(&server).is_empty());
        server.clock.advance(Duration::from_secs(3500));
        server.app.storage.reap().await.unwrap();
        assert!(!under_way(&server).is_empty());
        server.clock.advance(Duration::from_secs(101));
        server.app.storage.reap().await.unwrap();
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 0);
        let part = Reply::of(put(&server, &begun["parts"][0], &bytes[..PART])).await;
        for reply in [part, go(&server, &begun["commit"]).await, go(&server, &begun["abort"]).await] {
            assert_eq!(reply.status, 404);
            assert!(reply.text().contains("this upload has ended; request the object"), "{}", reply.text());
        }
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 404);
        let again = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(positions(&again).len(), 2);
        put_all(&server, &again, &bytes).await;
        assert_eq!(go(&server, &again["commit"]).await.status, 200);
        // The end of an upload does not affect its stored object.
        server.clock.advance(Duration::from_hours(2));
        server.app.storage.reap().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 0);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}

/// Sends a part without telling its length.
async fn put_chunked(server: &Server, part: &Value, bytes: &[u8]) -> u16 {
    let mut wire = RawConnection::open(server).await;
    wire.request("PUT", part["href"].as_str().unwrap(), &["Transfer-Encoding: chunked"]).await;
    for block in bytes.chunks(1 << 20) {
        let chunk = [format!("{:x}\r\n", block.len()).as_bytes(), block, b"\r\n"].concat();
        if !wire.try_send(&chunk).await {
            break;
        }
    }
    wire.try_send(b"0\r\n\r\n").await;
    wire.head().await.0
}

story! {
    async fn parts_must_match_the_plan(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(11, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        let (first, last) = (&begun["parts"][0], &begun["parts"][1]);
        for wrong in [0, 1, PART - 1] {
            let reply = Reply::of(put(&server, first, &bytes[..wrong])).await;
            assert_eq!(reply.status, 422, "{wrong}: {}", reply.text());
        }
        assert_eq!(received(&server).await, 0, "what is announced wrongly is not even read");
        // Without a length nothing is known before.
        for wrong in [PART - 1, PART + 1] {
            assert_eq!(put_chunked(&server, first, &bytes[..wrong]).await, 422, "{wrong}");
        }
        assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await).len(), 2);
        assert_eq!(put_chunked(&server, first, &bytes[..PART]).await, 200);
        assert_eq!(Reply::of(put(&server, last, &bytes[PART..])).await.status, 200);
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}

story! {
    async fn an_upload_with_the_wrong_oid_is_refused(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let (bytes, mut wrong) = (noise(12, 5000), noise(12, 5000));
        wrong[4999] ^= 1;
        let oid = Oid::of(&bytes).to_string();
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &wrong)).await.status, 200);
        let refused = go(&server, &begun["commit"]).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(!server.stored(&oid).exists() && !server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
        assert_eq!(go(&server, &begun["commit"]).await.status, 404);
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 404);

        // The commit may name only what was planned.
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        put_all(&server, &begun, &bytes).await;
        for body in [
            json!({"oid": Oid::of(&wrong), "size": 5000}),
            json!({"oid": oid, "size": 4999}),
            json!({"oid": oid, "parts": [{"partNumber": 1, "etag": "x"}, {"partNumber": 2, "etag": "x"}]}),
        ] {
            let mut commit = begun["commit"].clone();
            commit["body"] = Value::String(body.to_string());
            let refused = go(&server, &commit).await;
            assert_eq!(refused.status, 422, "{body}: {}", refused.text());
        }
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}

story! {
    async fn a_url_works_only_for_its_step_and_upload(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bob = server.person("bob").await;
        let (bytes, other) = (noise(13, 5000), noise(14, 5000));
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        let of_bob = begin(&server, &bob, "bob/data", &other).await;
        // Bytes sent to the URL of another upload belong to that upload only.
        assert_eq!(Reply::of(put(&server, &of_bob["parts"][0], &bytes)).await.status, 200);
        assert_eq!(go(&server, &begun["commit"]).await.status, 409);
        let mut crossed = of_bob["commit"].clone();
        crossed["body"] = begun["commit"]["body"].clone();
        assert_eq!(go(&server, &crossed).await.status, 422, "another object than it was made for");
        assert_eq!(go(&server, &of_bob["commit"]).await.status, 422);
        assert!(!server.can_download(&bob, "bob/data", &other).await && !server.can_download(&bob, "bob/data", &bytes).await);

        // Each step has its URL, which is no URL of objects, and cannot be bent.
        let href = |action: &Value| action["href"].as_str().unwrap().to_owned();
        let (part, commit) = (href(&begun["parts"][0]), href(&begun["commit"]));
        for (method, url) in [("PUT", &commit), ("POST", &part), ("DELETE", &part), ("DELETE", &commit), ("PATCH", &part), ("HEAD", &commit)] {
            let mut request = server.http.request(method.parse().unwrap(), url);
            if method != "POST" {
                request = request.header("tus-resumable", "1.0.0");
            }
            let request = request.header("content-type", "application/offset+octet-stream").header("upload-offset", 0);
            let reply = Reply::of(request.body(begun["commit"]["body"].as_str().unwrap().to_owned())).await;
            assert_eq!(reply.status, 403, "{method}: {}", reply.text());
        }
        let token = part.rsplit_once('/').unwrap().1.to_owned();
        for at in 0..token.len() {
            let mut bent = token.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            let bent = part.replace(&token, std::str::from_utf8(&bent).unwrap());
            let reply = Reply::of(server.http.put(&bent).body(bytes.clone())).await;
            assert_eq!(reply.status, 403, "{at}");
        }
        for elsewhere in ["/_lfs/", "/_lfs/uploads/../"] {
            let reply = Reply::of(server.http.put(part.replace("/_lfs/uploads/", elsewhere)).body(bytes.clone())).await;
            assert_eq!(reply.status, 403, "{elsewhere}");
        }
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let as_part = upload.replace("/_lfs/", "/_lfs/uploads/");
        assert_eq!(Reply::of(server.http.put(as_part).body(bytes.clone())).await.status, 403);
        assert_eq!(received(&server).await, 5000, "what went to the other upload");
        put_all(&server, &begun, &bytes).await;
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
    }
}

story! {
    async fn an_aborted_upload_is_removed_and_a_completed_one_kept(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(15, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        put_all(&server, &begun, &bytes).await;
        assert_eq!(go(&server, &begun["abort"]).await.status, 204);
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
        for reply in [go(&server, &begun["commit"]).await, go(&server, &begun["abort"]).await] {
            assert_eq!(reply.status, 404);
            assert!(reply.text().contains("this upload has ended"), "{}", reply.text());
        }
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 404);
        let again = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(positions(&again).len(), 2);
        put_all(&server, &again, &bytes).await;

        // Two clients commit at once, several times, while another one reads.
        let commits = (0..4).map(|_| go(&server, &again["commit"]));
        let (commits, verified) =
            tokio::join!(futures::future::join_all(commits), verify(&server, &again["verify"], &bytes));
        assert!(commits.iter().all(|reply| reply.status == 200), "{:?}", commits.iter().map(Reply::text).collect::<Vec<_>>());
        assert_eq!(verified, 200);
        let usage = "SELECT CAST(SUM(bytes) AS BIGINT) FROM usage";
        assert_eq!(count(&server.app.db, usage).await, 15_000_000, "counted once");
        // Giving it up comes too late.
        assert!([204, 404].contains(&go(&server, &again["abort"]).await.status));
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
        assert_eq!(server.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }
}

story! {
    async fn two_clients_that_begin_the_same_upload_share_it(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(16, LARGE);
        let begun = futures::future::join_all((0..6).map(|_| begin(&server, &ada, "ada/data", &bytes))).await;
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 1);
        let puts = begun.iter().enumerate().map(|(number, actions)| {
            let part = &actions["parts"][number % 2];
            Reply::of(put(&server, part, piece(part, &bytes)))
        });
        let statuses: Vec<u16> = futures::future::join_all(puts).await.iter().map(|reply| reply.status).collect();
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await), [0; 0]);
        assert_eq!(go(&server, &begun[3]["commit"]).await.status, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
    }
}

story! {
    async fn a_dataset_deleted_during_an_upload_gets_nothing(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(17, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &bytes[..PART])).await.status, 200);
        let path = "ada/data".parse().unwrap();
        let grant: DatasetGrant<Own> = server.app.access.authorize(&Actor::operator(), &path).await.unwrap();
        server.app.datasets.delete(&grant).await.unwrap();
        let part = Reply::of(put(&server, &begun["parts"][1], &bytes[PART..])).await;
        assert!([200, 404].contains(&part.status), "{}", part.text());
        let refused = go(&server, &begun["commit"]).await;
        assert!([404, 409].contains(&refused.status), "{}", refused.text());
        assert_ne!(verify(&server, &begun["verify"], &bytes).await, 200);
        // A new dataset of the same name does not have it.
        server.dataset("ada/data", Visibility::Private).await;
        assert!(!server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await).len(), 2);
        // In the end nothing is left, neither of the parts nor of the whole.
        server.pass_grace_period();
        server.app.storage.reap().await.unwrap();
        server.collect().await;
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
        assert!(!server.stored(&Oid::of(&bytes).to_string()).exists());
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 0);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM holding").await, 0);
    }
}

story! {
    async fn an_object_of_another_dataset_must_be_uploaded_anyway(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bob = server.person("bob").await;
        let bytes = noise(18, 5000);
        server.upload(&ada.token, "ada/data", &bytes).await;
        let begun = begin(&server, &bob, "bob/data", &bytes).await;
        assert_eq!(positions(&begun), [0]);
        assert_eq!(go(&server, &begun["commit"]).await.status, 409);
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 409);
        // Other bytes neither give it nor affect datasets that have it.
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &noise(19, 5000))).await.status, 200);
        assert_eq!(go(&server, &begun["commit"]).await.status, 422);
        assert!(!server.can_download(&bob, "bob/data", &bytes).await);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        let begun = begin(&server, &bob, "bob/data", &bytes).await;
        put_all(&server, &begun, &bytes).await;
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
        assert!(server.can_download(&bob, "bob/data", &bytes).await && server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object").await, 1);
    }
}

story! {
    async fn an_object_uploaded_elsewhere_needs_no_parts(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(20, LARGE);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &bytes[..PART])).await.status, 200);
        server.upload(&ada.token, "ada/data", &bytes).await;
        assert!(begin(&server, &ada, "ada/data", &bytes).await.is_null());
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 200);
        // A client that continues with the parts is not stopped, and changes nothing.
        assert_eq!(Reply::of(put(&server, &begun["parts"][1], &bytes[PART..])).await.status, 200);
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(count(&server.app.db, "SELECT CAST(SUM(objects) AS BIGINT) FROM usage").await, 1);

        // And an abandoned upload is swept without harm.
        let other = noise(21, LARGE);
        let begun = begin(&server, &ada, "ada/data", &other).await;
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &other[..PART])).await.status, 200);
        server.upload(&ada.token, "ada/data", &other).await;
        server.clock.advance(Duration::from_secs(server.app.config.ttl.upload + 1));
        server.app.storage.reap().await.unwrap();
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
        assert!(server.can_download(&ada, "ada/data", &other).await);
    }
}

story! {
    async fn another_size_is_another_upload(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(22, 5000);
        let lie = json!({"oid": Oid::of(&bytes), "size": 6000});
        let body = json!({"operation": "upload", "transfers": ["multipart-basic"], "objects": [lie]});
        let (_, reply) = server.batch(Some(&ada.token), "ada/data", &body).await;
        let first = &reply["objects"][0]["actions"];
        let mut longer = bytes.clone();
        longer.resize(6000, 0);
        assert_eq!(Reply::of(put(&server, &first["parts"][0], &longer)).await.status, 200);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(begun["parts"][0]["size"], 5000);
        assert_eq!(go(&server, &first["commit"]).await.status, 404, "it made room");
        put_all(&server, &begun, &bytes).await;
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(under_way(&server), Vec::<PathBuf>::new());
    }
}

story! {
    async fn uploads_in_progress_go_on_after_an_upgrade(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let (bytes, file) = (noise(30, LARGE), noise(31, 5000));
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(Reply::of(put(&server, &begun["parts"][0], &bytes[..PART])).await.status, 200);
        let drive = async |method: &str, rest: &str, body: Vec<u8>| {
            let url = format!("/api/v1/drive/ada/data/uploads{rest}");
            let request = server.request(method, &url, Some(&ada.token)).header("content-type", "application/json");
            Reply::of(request.body(body)).await
        };
        let new = json!({"path": "a.bin", "size": file.len()}).to_string();
        let opened = drive("POST", "", new.into_bytes()).await.json();
        let url = format!("/{}", opened["id"].as_str().unwrap());
        assert_eq!(drive("PUT", &format!("{url}/1"), file.clone()).await.status, 204);

        // Back to the tables of before; then the migration again.
        for statement in [
            "CREATE TABLE upload (id TEXT PRIMARY KEY, repo_id TEXT NOT NULL, oid TEXT NOT NULL, size BIGINT NOT NULL,
             store TEXT NOT NULL, place TEXT NOT NULL, remote TEXT NOT NULL, part_bytes BIGINT NOT NULL,
             expires_at BIGINT NOT NULL, finished_at BIGINT, reserved BIGINT NOT NULL, UNIQUE (repo_id, oid))",
            "INSERT INTO upload SELECT id, repo_id, oid, size, store, place, remote, part_bytes, expires_at, NULL, size
             FROM upload_session WHERE kind = 'parts'",
            "CREATE TABLE intake (id TEXT PRIMARY KEY, repo_id TEXT NOT NULL, actor TEXT NOT NULL, path TEXT NOT NULL,
             size BIGINT NOT NULL, oid TEXT, store TEXT NOT NULL, remote TEXT NOT NULL, part_bytes BIGINT NOT NULL,
             expires_at BIGINT NOT NULL, kept_at BIGINT, revision TEXT, reserved BIGINT NOT NULL)",
            "INSERT INTO intake SELECT id, repo_id, actor, path, size, oid, store, remote, part_bytes, expires_at, NULL,
             revision, size FROM upload_session WHERE kind = 'file'",
            "CREATE TABLE direct_upload (repo_id TEXT NOT NULL, oid TEXT NOT NULL, kind TEXT NOT NULL,
             berth TEXT NOT NULL, size BIGINT NOT NULL, store TEXT NOT NULL, expires_at BIGINT NOT NULL,
             PRIMARY KEY (repo_id, oid, kind))",
            "INSERT INTO direct_upload VALUES ('a', 'b', 'place', '0123456789abcdef', 5, 'default', 9000000000000000),
             ('a', 'b', 'staged', '0123456789abcdef0123456789abcde0', 5, 'default', 9000000000000000),
             ('a', 'b', 'part', '0123456789abcdef0123456789abcde1', 5, 'default', 9000000000000000),
             ('a', 'c', 'part', '0123456789abcdef0123456789abcde2', 5, 'default', 9000000000000000)",
            "DROP TABLE upload_session",
            "DELETE FROM _sqlx_migrations WHERE version = 18",
        ] {
            execute(&server.app.db, statement).await;
        }
        drop(Db::connect(&server.app.config.database_url()).await.unwrap());
        let direct = "SELECT COUNT(*) FROM upload_session WHERE state = 'open' AND kind IN ('direct', 'staged')";
        assert_eq!(count(&server.app.db, direct).await, 3);

        assert_eq!(positions(&begin(&server, &ada, "ada/data", &bytes).await), [PART as u64]);
        assert_eq!(Reply::of(put(&server, &begun["parts"][1], &bytes[PART..])).await.status, 200);
        assert_eq!(go(&server, &begun["commit"]).await.status, 200);
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
        assert_eq!(drive("GET", &url, Vec::new()).await.json()["parts"], json!([1]));
        let finished = drive("POST", &format!("{url}/finish"), b"{}".to_vec()).await;
        assert_eq!((finished.status, &finished.json()["entry"]["oid"]), (201, &json!(Oid::of(&file).to_string())));
        let expired = "SELECT COUNT(*) FROM upload_session WHERE state = 'open' AND kind IN ('parts', 'file')";
        assert_eq!(count(&server.app.db, expired).await, 0);
    }
}

story! {
    async fn what_is_marked_for_deletion_cannot_become_an_object(engine: Engine) {
        let (server, ada) = server_with_parts(engine).await;
        let bytes = noise(32, 5000);
        let begun = begin(&server, &ada, "ada/data", &bytes).await;
        put_all(&server, &begun, &bytes).await;
        // As when the server dies between the mark and the deletion.
        execute(&server.app.db, "UPDATE upload_session SET state = 'aborted', expires_at = 0").await;
        assert_eq!(go(&server, &begun["commit"]).await.status, 404);
        assert_eq!(verify(&server, &begun["verify"], &bytes).await, 404);
        assert!(!server.can_download(&ada, "ada/data", &bytes).await);
        // Its bytes are sent again, to an upload of their own.
        let again = begin(&server, &ada, "ada/data", &bytes).await;
        assert_eq!(positions(&again), [0]);
        let open = "SELECT COUNT(*) FROM upload_session WHERE state = 'open'";
        assert_eq!(count(&server.app.db, open).await, 1);
        server.app.storage.reap().await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM upload_session").await, 1);
        assert_eq!(under_way(&server).len(), 2, "the content and the ledger of the new one");
        put_all(&server, &again, &bytes).await;
        assert_eq!(go(&server, &again["commit"]).await.status, 200);
        assert!(server.can_download(&ada, "ada/data", &bytes).await);
    }
}
