//! Commits over HTTP: many operations as one revision, and everything that must not become one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lfs::Oid;
use rutter::app::App;
use rutter::types::{Role, Visibility};
use rutter_testing::{LFS_JSON, Person, Reply, Server, noise, story};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::db::{count, execute};

mod follow;

async fn ask(server: &Server, who: &Person, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
    let request = server.request("POST", &format!("/api/v1/datasets/{path}/commits"), Some(&who.token));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Reply::of(request.header("content-type", "application/json").body(body.to_string())).await
}

/// Commits successfully; returns the revision.
async fn commit(server: &Server, who: &Person, path: &str, operations: Value) -> String {
    let reply = ask(server, who, path, &json!({"message": "Change", "operations": operations}), &[]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["revision"].as_str().unwrap().to_owned()
}

/// Commits without success; returns status and message.
async fn fails(server: &Server, who: &Person, path: &str, operations: Value) -> (u16, String) {
    let reply = ask(server, who, path, &json!({"message": "Change", "operations": operations}), &[]).await;
    assert!(reply.status >= 400, "{operations} should have failed: {}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    (reply.status, reply.json()["detail"].as_str().unwrap().to_owned())
}

fn put(path: &str, content: &str) -> Value {
    json!({"operation": "put", "path": path, "content": content})
}

fn object(path: &str, bytes: &[u8]) -> Value {
    json!({"operation": "put", "path": path, "oid": Oid::of(bytes).to_string(), "size": bytes.len()})
}

async fn revisions(server: &Server, who: &Person, path: &str) -> usize {
    let url = format!("/api/v1/datasets/{path}/revisions?limit=1000");
    let reply = Reply::of(server.request("GET", &url, Some(&who.token))).await;
    reply.json()["items"].as_array().unwrap().len()
}

async fn ada(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    ada
}

story! {
    async fn a_clone_contains_what_was_committed(server: Server) {
        let ada = ada(&server).await;
        let big = noise(1, 5000);
        server.upload(&ada.token, "ada/data", &big).await;
        let first = commit(&server, &ada, "ada/data", json!([
            {"operation": "put", "path": "datapackage.json", "content": "{\"name\": \"d\", \"resources\": []}"},
            put(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"),
            {"operation": "put", "path": "bytes", "content_base64": BASE64.encode([0, 255, 10])},
            {"operation": "put", "path": "run.sh", "content": "#!/bin/sh\n", "executable": true},
            object("data/big.bin", &big),
            put("data/a.csv", "id\n1\n"),
            put("empty", ""),
        ])).await;
        let asked = json!({
            "parent": &first[..10],
            "author": {"name": "Grace", "email": "grace@example.org"},
            "message": "Tidy up",
            "operations": [
                {"operation": "move", "from": "data", "to": "files"},
                {"operation": "copy", "from": "files/a.csv", "to": "files/b.csv"},
                {"operation": "copy", "from": "data", "to": "as-it-was", "revision": "HEAD"},
                {"operation": "delete", "path": "empty"},
                {"operation": "patch", "package": {"title": "Title", "version": "2"}},
            ],
        });
        let reply = ask(&server, &ada, "ada/data", &asked, &[]).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let made = reply.json();
        let second = made["revision"].as_str().unwrap();
        assert_eq!(reply.header("location"), format!("/api/v1/datasets/ada/data/revisions/{second}"));
        assert_eq!(made["parents"], json!([first]));
        assert_eq!(made["author"], json!({"name": "Grace", "email": "grace@example.org"}));
        assert_eq!(made["committer"]["name"], "ada");
        assert_eq!(made["description"], "Tidy up");

        let tree = server.clone(&ada, "ada/data", "clone");
        assert_eq!(tree.git(&["rev-parse", "HEAD"]), second);
        let listed = tree.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD"]);
        assert_eq!(listed.lines().collect::<Vec<_>>(), [
            "100644 .gitattributes", "100644 as-it-was/a.csv", "100644 as-it-was/big.bin", "100644 bytes",
            "100644 datapackage.json", "100644 files/a.csv", "100644 files/b.csv", "100644 files/big.bin",
            "100755 run.sh",
        ]);
        assert_eq!(tree.read("bytes"), [0, 255, 10]);
        assert_eq!(tree.read("files/b.csv"), b"id\n1\n");
        assert_eq!((tree.read("files/big.bin"), tree.read("as-it-was/big.bin")), (big.clone(), big));
        let package = "{\n  \"name\": \"d\",\n  \"resources\": [],\n  \"title\": \"Title\",\n  \"version\": \"2\"\n}\n";
        assert_eq!(String::from_utf8(tree.read("datapackage.json")).unwrap(), package);
        tree.git(&["fsck", "--strict"]);

        // Each operation sees the result of the earlier ones.
        commit(&server, &ada, "ada/data", json!([
            put("datapackage.json", "{\"name\": \"new\"}"),
            {"operation": "patch", "package": {"title": "T"}},
            {"operation": "move", "from": "run.sh", "to": "x/y"},
            put("x/z", "z"),
            {"operation": "delete", "path": "x"},
        ])).await;
        tree.git(&["pull", "-q"]);
        assert_eq!(String::from_utf8(tree.read("datapackage.json")).unwrap(), "{\n  \"name\": \"new\",\n  \"title\": \"T\"\n}\n");
        assert!(!tree.folder.join("x").exists() && !tree.folder.join("run.sh").exists());
    }
}

story! {
    async fn a_stale_parent_and_a_conflict_have_different_errors(server: Server) {
        let ada = ada(&server).await;
        let first = commit(&server, &ada, "ada/data", json!([put("a", "1"), put("b/c", "2")])).await;
        let second = commit(&server, &ada, "ada/data", json!([put("a", "2")])).await;
        let body = json!({"message": "m", "parent": first, "operations": [put("a", "3")]});
        assert_eq!(ask(&server, &ada, "ada/data", &body, &[]).await.status, 412);
        let body = json!({"message": "m", "operations": [put("a", "3")]});
        let stale = format!("\"{first}\"");
        assert_eq!(ask(&server, &ada, "ada/data", &body, &[("if-match", &stale)]).await.status, 412);
        for (operation, place) in [
            (put("b", "a file for a folder"), "operations[1]: b is a folder"),
            (put("a/x", "a folder for a file"), "operations[1]: a is a file"),
            (json!({"operation": "move", "from": "a", "to": "b/c"}), "operations[1]: b/c already exists"),
            (json!({"operation": "copy", "from": "a", "to": "b"}), "operations[1]: b already exists"),
            (json!({"operation": "copy", "from": "a", "to": "b", "revision": "HEAD~1"}), "operations[1]: b already exists"),
        ] {
            let (status, answer) = fails(&server, &ada, "ada/data", json!([put("ok", "1"), operation])).await;
            assert_eq!(status, 409, "{answer}");
            assert!(answer.starts_with(place), "{answer}");
        }
        // None of these changed anything.
        assert_eq!(revisions(&server, &ada, "ada/data").await, 2);
        let current = format!("\"{second}\"");
        assert_eq!(ask(&server, &ada, "ada/data", &body, &[("if-match", &current)]).await.status, 201);
    }
}

story! {
    on(sqlite) async fn errors_name_the_invalid_operation(server: Server) {
        let ada = ada(&server).await;
        commit(&server, &ada, "ada/data", json!([put("a", "1"), put("text.json", "[]")])).await;
        let unknown = Oid::of(b"in no dataset").to_string();
        let deep = "a/".repeat(300) + "b";
        for (operation, answer) in [
            (put("../x", "1"), "operations[1].path: "),
            (put("/etc/passwd", "1"), "operations[1].path: "),
            (put(".git/config", "1"), "operations[1].path: "),
            (put("x/.GIT/hooks/post-checkout", "1"), "operations[1].path: "),
            (put("git~1/config", "1"), "operations[1].path: "),
            (put("a\u{0}b", "1"), "operations[1].path: "),
            (put("", "1"), "operations[1].path: "),
            (put(&deep, "1"), "operations[1].path: "),
            (put(".gitmodules", "[submodule \"x\"]"), "operations[1]: "),
            (put(".gitattributes", &"x".repeat(3000)), "operations[1]: "),
            (json!({"operation": "delete", "path": "nothing"}), "operations[1]: there is no nothing"),
            (json!({"operation": "delete", "path": "../.."}), "operations[1].path: "),
            (json!({"operation": "move", "from": "a", "to": ".git"}), "operations[1].to: "),
            (json!({"operation": "move", "from": "nothing", "to": "b"}), "operations[1]: there is no nothing"),
            (json!({"operation": "move", "from": "a", "to": "a"}), "operations[1]: "),
            (json!({"operation": "copy", "from": "..", "to": "b"}), "operations[1].from: "),
            (json!({"operation": "copy", "from": "a", "to": "b", "revision": "nope"}), "operations[1]: "),
            (json!({"operation": "copy", "from": "n", "to": "b", "revision": "HEAD"}), "operations[1]: there is no n"),
            (json!({"operation": "copy", "from": "a", "to": "b", "dataset": "../../etc"}), "operations[1]: "),
            (json!({"operation": "put", "path": "b"}), "operations[1]: give"),
            (json!({"operation": "put", "path": "b", "content": "a", "content_base64": "YQ=="}), "operations[1]: give"),
            (json!({"operation": "put", "path": "b", "oid": unknown}), "operations[1]: give"),
            (json!({"operation": "put", "path": "b", "oid": "xyz", "size": 1}), "operations[1].oid: "),
            (json!({"operation": "put", "path": "b", "oid": unknown, "size": 13}), "operations[1]: the dataset does not hold"),
            (json!({"operation": "put", "path": "b", "content_base64": "not base64"}), "operations[1].content_base64: "),
            (json!({"operation": "put", "path": "b", "content": 1}), "`operations[1]`: "),
            (json!({"operation": "put", "path": "b", "content": "1", "mode": "120000"}), "`operations[1]`: "),
            (json!({"operation": "chmod", "path": "b"}), "`operations[1].operation`: "),
            (put("datapackage.json", "[]"), "operations[1]: datapackage.json is not a JSON object"),
            (put("datapackage.json", "{\"resources\": 1}"), "operations[1]: datapackage.json is not valid: `/resources`"),
            (json!({"path": "b"}), "`operations[1]`: "),
            (json!({"operation": "patch", "package": {"a": 1}}), "operations[1]: there is no datapackage.json"),
            (json!({"operation": "patch", "package": []}), "`operations[1].package`: "),
            (json!(null), "`operations[1]`: "),
        ] {
            let (status, detail) = fails(&server, &ada, "ada/data", json!([put("ok", "1"), operation])).await;
            assert_eq!(status, 422, "{operation}: {detail}");
            assert!(detail.starts_with(answer), "{operation}: {detail}");
        }
        // A patched package must be valid too.
        let sound = put("datapackage.json", "{\"name\": \"d\"}");
        let patched = json!([sound, {"operation": "patch", "package": {"resources": 1}}]);
        let (status, detail) = fails(&server, &ada, "ada/data", patched).await;
        assert_eq!((status, detail.starts_with("operations[1]: datapackage.json is not valid: `/resources`")), (422, true), "{detail}");
        // A pointer that was put as text is one.
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{unknown}\nsize 13\n");
        let (status, detail) = fails(&server, &ada, "ada/data", json!([put("p", &pointer)])).await;
        assert_eq!((status, detail.starts_with("operations[0]: the dataset does not hold")), (422, true), "{detail}");

        for (body, status) in [
            (json!({"message": "m", "operations": []}), 422),
            (json!({"message": "m"}), 422),
            (json!({"message": " \n", "operations": [put("b", "1")]}), 422),
            (json!({"operations": [put("b", "1")]}), 422),
            (json!({"message": "m\u{0}", "operations": [put("b", "1")]}), 422),
            (json!({"message": "m", "operations": [put("b", "1")], "author": {"name": "<script>"}}), 422),
            (json!({"message": "m", "operations": [put("b", "1")], "branch": "refs/../x"}), 422),
            (json!({"message": "m", "operations": [put("b", "1")], "branch": "other"}), 404),
            (json!({"message": "m", "operations": [put("b", "1")], "parent": "nope"}), 404),
            (json!({"message": "m", "operations": [put("b", "1")], "force": true}), 422),
            (json!({"message": "m", "operations": [put("a", "1")]}), 422),
            (json!([]), 422),
        ] {
            let reply = ask(&server, &ada, "ada/data", &body, &[]).await;
            assert_eq!(reply.status, status, "{body}: {}", reply.text());
        }
        assert_eq!(revisions(&server, &ada, "ada/data").await, 1);
        let unchanged = json!({"message": "m", "operations": [put("a", "1")]});
        let reply = ask(&server, &ada, "ada/data", &unchanged, &[]).await.json();
        assert_eq!((&reply["code"], &reply["detail"]), (&json!("unchanged"), &json!("nothing would change")));
    }
}

story! {
    on(sqlite) async fn commits_over_the_limits_are_refused(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.limits.commit_bytes = 3 << 20;
            config.limits.commit_file_bytes = 1 << 20;
        })
        .await;
        let ada = ada(&server).await;
        let (status, answer) = fails(&server, &ada, "ada/data", json!([put("big", &"x".repeat((1 << 20) + 1))])).await;
        assert_eq!(status, 413);
        assert!(answer.starts_with("operations[0]: ") && answer.contains("objects/batch"), "{answer}");
        assert_eq!(fails(&server, &ada, "ada/data", json!([put("big", &"x".repeat(3 << 20))])).await.0, 413);
        let many: Vec<Value> = (0..50_001).map(|at| json!({"operation": "delete", "path": at.to_string()})).collect();
        let (status, answer) = fails(&server, &ada, "ada/data", json!(many)).await;
        assert_eq!(status, 413);
        assert!(answer.contains("at most 50000 items"), "{answer}");
        // Copies are limited too: folders that double repeatedly.
        let grace = server.person("grace").await;
        server.dataset("grace/bomb", Visibility::Public).await;
        let mut doubling = vec![put("0/f", "x")];
        for at in 0..16 {
            for side in ["a", "b"] {
                doubling.push(json!({"operation": "copy", "from": at.to_string(), "to": format!("{}/{side}", at + 1)}));
            }
        }
        commit(&server, &grace, "grace/bomb", json!(doubling)).await;
        let bomb = json!({"operation": "copy", "dataset": "grace/bomb", "from": "16", "to": "x"});
        let (status, answer) = fails(&server, &ada, "ada/data", json!([bomb])).await;
        assert_eq!(status, 413, "{answer}");
        commit(&server, &ada, "ada/data", json!([put("half", &"x".repeat(1 << 20))])).await;
        server.dataset("ada/more", Visibility::Private).await;
        let half = |to: &str| json!({"operation": "copy", "dataset": "ada/data", "from": "half", "to": to});
        assert_eq!(fails(&server, &ada, "ada/more", json!([half("1"), half("2"), half("3"), half("4")])).await.0, 413);
        commit(&server, &ada, "ada/more", json!([half("1"), half("2"), half("3")])).await;
    }
}

story! {
    async fn ten_thousand_operations_are_one_revision(server: Server) {
        let ada = ada(&server).await;
        let many: Vec<Value> = (0..10_000).map(|at| put(&format!("{}/{at}.csv", at % 100), &format!("id\n{at}\n"))).collect();
        let begun = Instant::now();
        commit(&server, &ada, "ada/data", json!(many)).await;
        eprintln!("10,000 operations: {:?}", begun.elapsed());
        assert_eq!(revisions(&server, &ada, "ada/data").await, 1);
        let tree = server.clone(&ada, "ada/data", "clone");
        assert_eq!(tree.git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().count(), 10_000);
        assert_eq!(tree.read("17/9917.csv"), b"id\n9917\n");
    }
}

story! {
    async fn an_idempotency_key_creates_one_revision(engine: Engine) {
        // Keys are forgotten only when this story says so, however far the clock goes.
        let server = Server::start_with(engine, |config| config.gc.enabled = false).await;
        let ada = ada(&server).await;
        let body = json!({"message": "m", "operations": [put("a", "1")]});
        let key = [("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")];
        let first = ask(&server, &ada, "ada/data", &body, &key).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let revision = first.json()["revision"].clone();
        // Later commits make no difference, nor does a stale parent.
        commit(&server, &ada, "ada/data", json!([put("b", "1")])).await;
        let again = ask(&server, &ada, "ada/data", &body, &key).await;
        assert_eq!((again.status, &again.json()), (201, &first.json()));
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(revisions(&server, &ada, "ada/data").await, 2);
        // The bare key is the same key.
        let bare = [("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324")];
        assert_eq!(ask(&server, &ada, "ada/data", &body, &bare).await.json()["revision"], revision);
        // Another request is not.
        let other = json!({"message": "m", "operations": [put("a", "2")]});
        let refused = ask(&server, &ada, "ada/data", &other, &key).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains("Idempotency-Key"), "{}", refused.text());
        let expecting = [key[0], ("if-match", "\"main\"")];
        assert_eq!(ask(&server, &ada, "ada/data", &body, &expecting).await.status, 422);
        // The key of another user is, and that of another dataset.
        server.organisation("org", &[(&ada, Role::Writer)]).await;
        server.dataset("org/data", Visibility::Private).await;
        let elsewhere = ask(&server, &ada, "org/data", &body, &key).await;
        assert_eq!(elsewhere.status, 201);
        assert_eq!(revisions(&server, &ada, "org/data").await, 1);
        for bad in ["", "\"\"", "\"open", "a b", "a\"b", &"x".repeat(256)] {
            assert_eq!(ask(&server, &ada, "ada/data", &other, &[("idempotency-key", bad)]).await.status, 400, "{bad}");
        }
        // A refused request does not use its key.
        let retry = [("idempotency-key", "retry")];
        let wrong = json!({"message": "m", "operations": [json!({"operation": "delete", "path": "none"})]});
        assert_eq!(ask(&server, &ada, "ada/data", &wrong, &retry).await.status, 422);
        assert_eq!(ask(&server, &ada, "ada/data", &other, &retry).await.status, 201);

        // After a day it is a new one; the collector forgets it.
        server.clock.advance(Duration::from_hours(25));
        commit(&server, &ada, "ada/data", json!([put("a", "9")])).await;
        let later = ask(&server, &ada, "ada/data", &body, &key).await;
        assert_eq!(later.status, 201);
        assert_ne!(later.json()["revision"], revision);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM idempotency_key").await, 3);
        server.app.collector.run(None, false, |_| {}).await.unwrap();
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM idempotency_key").await, 1);
        let gone = Reply::of(server.request("DELETE", "/api/v1/datasets/ada/data", Some(&ada.token))).await;
        assert_eq!(gone.status, 204, "{}", gone.text());
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM idempotency_key").await, 0);
    }
}

story! {
    async fn concurrent_identical_requests_create_one_revision(server: Server) {
        let (ada, server) = (ada(&server).await, Arc::new(server));
        let first = commit(&server, &ada, "ada/data", json!([put("a", "0")])).await;
        // Also with a parent: for all but the first it has moved on, by their own doing.
        for (key, parent) in [("free", Value::Null), ("bound", json!("HEAD")), ("stale", json!(first))] {
            let body = json!({"message": "m", "parent": parent, "operations": [put(key, "1")]});
            let asking = (0..10).map(|_| {
                let (server, ada, body) = (server.clone(), ada.clone(), body.clone());
                tokio::spawn(async move { ask(&server, &ada, "ada/data", &body, &[("idempotency-key", key)]).await })
            });
            let mut made = BTreeSet::new();
            for answer in asking.collect::<Vec<_>>() {
                let reply = answer.await.unwrap();
                made.insert((reply.status, reply.json()["revision"].as_str().map(str::to_owned)));
            }
            assert_eq!(made.len(), 1, "{key}: {made:?}");
            assert_eq!(made.first().unwrap().0, if key == "stale" { 412 } else { 201 });
        }
        assert_eq!(revisions(&server, &ada, "ada/data").await, 3);
    }
}

story! {
    async fn fifty_concurrent_writers_lose_nothing(server: Server) {
        let (ada, server) = (ada(&server).await, Arc::new(server));
        let writers = (0..50).map(|at| {
            let (server, ada) = (server.clone(), ada.clone());
            tokio::spawn(async move { commit(&server, &ada, "ada/data", json!([put(&format!("w/{at}"), "x")])).await })
        });
        let mut made = BTreeSet::new();
        for writer in writers.collect::<Vec<_>>() {
            made.insert(writer.await.unwrap());
        }
        assert_eq!(made.len(), 50);
        let tree = Server::clone(&server, &ada, "ada/data", "clone");
        let history: BTreeSet<String> = tree.git(&["log", "--first-parent", "--format=%H"]).lines().map(str::to_owned).collect();
        assert_eq!(history, made);
        assert_eq!(tree.git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().count(), 50);
    }
}

story! {
    async fn two_servers_create_one_revision_for_one_request(server: Server) {
        let (ada, server) = (ada(&server).await, Arc::new(server));
        let mut config = server.app.config.clone();
        config.cache = Some(config.data.join("second-cache"));
        let second = App::open_at(config, server.clock.clone()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(rutter::web::serve(second, vec![listener], stop.clone()));
        let ask = |url: &str, key: Option<&str>, path: &str| {
            let body = json!({"message": "m", "operations": [put(path, "x")]}).to_string();
            let request = server.http.post(format!("{url}/api/v1/datasets/ada/data/commits"));
            let request = request.basic_auth("x", Some(&ada.token)).header("content-type", "application/json").body(body);
            tokio::spawn(Reply::of(match key {
                Some(key) => request.header("idempotency-key", key),
                None => request,
            }))
        };
        for round in 0..10 {
            let key = format!("round-{round}");
            let asking: Vec<_> = [&server.url, &other].into_iter().cycle().take(6)
                .map(|url| ask(url, Some(&key), &format!("once/{round}"))).collect();
            let mut made = BTreeSet::new();
            for answer in asking {
                let reply = answer.await.unwrap();
                assert_eq!(reply.status, 201, "{}", reply.text());
                made.insert(reply.json()["revision"].as_str().unwrap().to_owned());
            }
            assert_eq!(made.len(), 1, "{made:?}");
        }
        assert_eq!(revisions(&server, &ada, "ada/data").await, 10);
        // And of fifty requests fifty.
        let asking: Vec<_> = (0..50).map(|at| ask([&server.url, &other][at % 2], None, &format!("all/{at}"))).collect();
        for answer in asking {
            let reply = answer.await.unwrap();
            assert_eq!(reply.status, 201, "{}", reply.text());
        }
        let tree = Server::clone(&server, &ada, "ada/data", "clone");
        assert_eq!(tree.git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().count(), 60);
        assert_eq!(tree.git(&["rev-list", "--count", "HEAD"]), "60");
        stop.cancel();
    }
}

story! {
    async fn locks_of_others_are_respected(server: Server) {
        let (ada, grace) = (server.person("ada").await, server.person("grace").await);
        server.organisation("org", &[(&ada, Role::Writer), (&grace, Role::Writer)]).await;
        server.dataset("org/data", Visibility::Private).await;
        commit(&server, &ada, "org/data", json!([put("d/locked", "1"), put("free", "1")])).await;
        let locked = server.lfs(Some(&ada.token), "org/data", "locks", &json!({"path": "d/locked"})).await;
        assert_eq!(locked.status, 201, "{}", locked.text());
        for operation in [
            put("d/locked", "2"),
            json!({"operation": "delete", "path": "d"}),
            json!({"operation": "move", "from": "d", "to": "e"}),
        ] {
            let (status, answer) = fails(&server, &grace, "org/data", json!([put("free", "2"), operation])).await;
            assert_eq!(status, 409);
            assert_eq!(answer, "operations[1]: `d/locked` is locked by ada; ask them to unlock it");
        }
        commit(&server, &grace, "org/data", json!([put("free", "2")])).await;
        commit(&server, &ada, "org/data", json!([put("d/locked", "2")])).await;
    }
}

async fn downloads(server: &Server, who: &Person, path: &str, bytes: &[u8]) -> Value {
    let body = json!({"operation": "download", "objects": [{"oid": Oid::of(bytes).to_string(), "size": bytes.len()}]});
    let reply = server.request("POST", &format!("/{path}.git/info/lfs/objects/batch"), Some(&who.token));
    let reply =
        Reply::of(reply.header("content-type", LFS_JSON).header("accept", LFS_JSON).body(body.to_string())).await;
    reply.json()["objects"][0].clone()
}

story! {
    async fn files_are_copied_between_datasets(server: Server) {
        let (ada, grace) = (server.person("ada").await, server.person("grace").await);
        server.dataset("ada/source", Visibility::Public).await;
        server.dataset("grace/target", Visibility::Private).await;
        let (one, two) = (noise(1, 4000), noise(2, 3000));
        let tree = server.tree("source");
        tree.with_lfs(&server.remote(&ada, "ada/source"));
        tree.write("f/one.bin", &one);
        tree.write("f/deep/two.bin", &two);
        tree.write("f/run.sh", "#!/bin/sh\n");
        tree.sh("chmod +x f/run.sh; ln -s run.sh f/link");
        tree.commit("one");
        tree.git(&["tag", "v1"]);
        tree.write("f/run.sh", "changed\n");
        tree.commit("two");
        tree.git(&["push", "-q", "origin", "main", "v1"]);
        let files = std::fs::read_dir(server.app.config.data.join("store/objects")).unwrap().count();

        commit(&server, &grace, "grace/target", json!([
            put(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"),
            {"operation": "copy", "dataset": "ada/source", "from": "f", "to": "g", "revision": "v1"},
            {"operation": "copy", "dataset": "ada/source", "from": "f/run.sh", "to": "new.sh"},
            {"operation": "move", "from": "g/one.bin", "to": "first.bin"},
        ])).await;
        // No bytes were moved: a row each.
        assert_eq!(std::fs::read_dir(server.app.config.data.join("store/objects")).unwrap().count(), files);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM holding").await, 4);
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM object").await, 2);
        let used = "SELECT CAST(MIN(bytes) AS BIGINT) FROM usage";
        assert_eq!(count(&server.app.db, used).await, 7000, "each dataset counts what it holds");
        let clone = server.clone(&grace, "grace/target", "clone");
        assert_eq!((clone.read("first.bin"), clone.read("g/deep/two.bin")), (one.clone(), two));
        assert_eq!((clone.read("g/run.sh"), clone.read("new.sh")), (b"#!/bin/sh\n".to_vec(), b"changed\n".to_vec()));
        let listed = clone.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD"]);
        assert!(listed.contains("100755 g/run.sh") && listed.contains("120000 g/link"), "{listed}");
        clone.git(&["fsck", "--strict"]);
        // It stays when the source goes.
        let gone = Reply::of(server.request("DELETE", "/api/v1/datasets/ada/source", Some(&ada.token))).await;
        assert_eq!(gone.status, 204);
        assert!(downloads(&server, &grace, "grace/target", &one).await["actions"].is_object());
        assert!(server.app.storage.recount().await.unwrap().is_empty(), "the counts are right");
    }
}

story! {
    async fn a_copy_requires_read_access_to_its_source(server: Server) {
        let (ada, mallory) = (server.person("ada").await, server.person("mallory").await);
        server.dataset("ada/secret", Visibility::Private).await;
        server.dataset("ada/public", Visibility::Public).await;
        server.dataset("mallory/own", Visibility::Private).await;
        server.dataset("mallory/more", Visibility::Private).await;
        let secret = noise(7, 2000);
        server.upload(&ada.token, "ada/secret", &secret).await;
        commit(&server, &ada, "ada/secret", json!([object("s.bin", &secret), put("plain", "secret")])).await;
        commit(&server, &mallory, "mallory/own", json!([put("a", "1")])).await;
        let copy = |dataset: &str, from: &str| json!([{"operation": "copy", "dataset": dataset, "from": from, "to": "x"}]);

        // A dataset without read access looks missing for all operations.
        let hidden = fails(&server, &mallory, "mallory/own", copy("ada/secret", "s.bin")).await;
        assert_eq!(hidden.0, 422);
        let none = fails(&server, &mallory, "mallory/own", copy("ada/nothing", "s.bin")).await;
        assert_eq!((hidden.0, hidden.1.replace("secret", "nothing")), none);
        assert_eq!(fails(&server, &mallory, "mallory/own", copy("ada/secret", "no-such")).await, hidden);
        // Knowing an object's name gives nothing.
        let (status, answer) = fails(&server, &mallory, "mallory/own", json!([object("x", &secret)])).await;
        assert_eq!(status, 422);
        assert!(answer.contains("does not hold"), "{answer}");
        // Nor does an old pointer in a dataset that does not have the object.
        let known = noise(8, 100);
        server.upload(&mallory.token, "mallory/more", &known).await;
        commit(&server, &mallory, "mallory/more", json!([object("s.bin", &known)])).await;
        execute(&server.app.db, "DELETE FROM holding WHERE repo_id = (SELECT id FROM dataset WHERE name = 'more')").await;
        server.upload(&ada.token, "ada/secret", &known).await;
        let (status, answer) = fails(&server, &mallory, "mallory/own", copy("mallory/more", "s.bin")).await;
        assert_eq!(status, 422);
        assert!(answer.contains("mallory/more does not hold"), "{answer}");
        assert_eq!(count(&server.app.db, "SELECT COUNT(*) FROM holding WHERE repo_id <> (SELECT id FROM dataset WHERE name = 'secret')").await, 0);
        assert!(downloads(&server, &mallory, "mallory/own", &secret).await["actions"].is_null());
        // Unverified bytes are not shared.
        execute(&server.app.db, "UPDATE object SET state = 'unproven'").await;
        server.dataset("ada/mine", Visibility::Private).await;
        assert_eq!(fails(&server, &ada, "ada/mine", copy("ada/secret", "s.bin")).await.0, 422);
        execute(&server.app.db, "UPDATE object SET state = 'ready'").await;
        // Over quota a copy is refused like an upload.
        server.quota("ada/mine", "1999").await;
        let (status, answer) = fails(&server, &ada, "ada/mine", copy("ada/secret", "s.bin")).await;
        assert_eq!(status, 507, "{answer}");
        assert!(answer.contains("over quota"), "{answer}");
        server.quota("ada/mine", "2000").await;
        commit(&server, &ada, "ada/mine", copy("ada/secret", "s.bin")).await;
        // Existing objects cost nothing more.
        commit(&server, &ada, "ada/mine", json!([
            {"operation": "copy", "dataset": "ada/secret", "from": "s.bin", "to": "again"},
            {"operation": "copy", "dataset": "ada/secret", "from": "plain", "to": "plain"},
        ])).await;
        assert!(server.app.storage.recount().await.unwrap().iter().all(|(path, ..)| path == "mallory/more"));

        // Readers write nothing; strangers learn nothing.
        let body = json!({"message": "m", "operations": [put("x", "1")]});
        assert_eq!(ask(&server, &mallory, "ada/public", &body, &[]).await.status, 403);
        assert_eq!(ask(&server, &mallory, "ada/secret", &body, &[]).await.status, 404);
        let reads = server.token("ada", &["read:ada/secret"]).await;
        let reader = Person { name: "ada".into(), token: reads };
        assert_eq!(ask(&server, &reader, "ada/secret", &body, &[]).await.status, 403);
        assert_eq!(revisions(&server, &ada, "ada/secret").await, 1);
    }
}
