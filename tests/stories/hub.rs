//! Hugging Face's own clients, both generations that are in use, against this server; and attacks with
//! their API.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lfs::Oid;
use rutter::types::{Role, Visibility};
use rutter_testing::{Engine, Reply, Server, assert_success, noise, story};
use serde_json::{Value, json};

use crate::pypi::python;

/// The generations: `huggingface_hub`, the `datasets` that fits it, and what both read tables with.
const OLD: &[&str] = &["huggingface_hub==0.36.2", "datasets==5.0.1", "pandas==3.1.1", "pyarrow==26.0.1"];
/// With all that runs the snippets of the web interface.
pub(crate) const NEW: &[&str] = &[
    "huggingface_hub==2.4.0",
    "datasets==5.2.0",
    "pandas==3.1.1",
    "pyarrow==26.0.1",
    "polars==2.1.0",
    "requests==2.34.2",
];

const OLD_PROBE: &str = "import datasets, pandas, pyarrow";
pub(crate) const NEW_PROBE: &str = "import datasets, pandas, polars, pyarrow, requests";

async fn works_with(engine: Engine, generation: &[&str], probe: &str) {
    let Some(python) = python(generation, probe) else { return };
    // So that twelve megabytes come in parts.
    let server = Server::start_with(engine, |config| config.limits.multipart_threshold = 5_000_000).await;
    let ada = server.person("ada").await;
    server.organisation("aviary", &[(&ada, Role::Writer)]).await;
    let place = server.empty_folder("hub");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/hub.py");
    let mut command = Command::new(&python);
    command.env_clear().current_dir(&place.folder).arg(script);
    // `datasets` looks for the dataset viewer at the host `datasets-server.localhost`.
    let endpoint = server.url.replace("127.0.0.1", "localhost");
    for (name, value) in [
        ("HF_ENDPOINT", endpoint.as_str()),
        ("HF_TOKEN", &ada.token),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HOME", place.folder.to_str().unwrap()),
        ("no_proxy", "127.0.0.1,localhost"),
    ] {
        command.env(name, value);
    }
    if generation == OLD {
        // Otherwise both would use Xet, and none Git LFS.
        command.env("HF_HUB_DISABLE_XET", "1");
    }
    assert_success(&command.output().unwrap(), "the client");

    // Plain git sees the same: objects where the clients put objects, and nothing that only looks changed.
    let work = server.assert_intact(&ada, "ada/birds").await;
    assert_eq!(work.read("copies/all.wav").len(), 12_000_000);
    assert_eq!(work.read("recordings/owl 1.raw").len(), 300_000);
    assert_eq!(work.git(&["status", "--porcelain"]), "");
    assert!(work.git(&["lfs", "ls-files", "--name-only"]).contains("recordings/owl 1.raw"));
    assert_eq!(work.git(&["check-attr", "filter", "--", "recordings/owl 1.raw"]), "recordings/owl 1.raw: filter: lfs");
    // Also at the URL that the clients show.
    let remote = server.remote(&ada, "datasets/ada/birds");
    assert!(work.git(&["ls-remote", &remote, "refs/tags/*"]).contains("refs/tags/v1.0"));
}

story! {
    on(sqlite) async fn the_old_clients_of_hugging_face_work(engine: Engine) {
        works_with(engine, OLD, OLD_PROBE).await;
    }
}

story! {
    on(sqlite) async fn the_new_clients_of_hugging_face_work(engine: Engine) {
        works_with(engine, NEW, NEW_PROBE).await;
    }
}

/// A commit by these lines.
async fn commit(server: &Server, token: &str, path: &str, lines: &[Value]) -> Reply {
    let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let url = format!("/api/datasets/{path}/commit/main");
    Reply::of(server.request("POST", &url, Some(token)).header("content-type", "application/x-ndjson").body(text)).await
}

#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes is given away")]
fn line(key: &str, value: Value) -> Value {
    json!({"key": key, "value": value})
}

story! {
    async fn knowing_a_hash_gives_no_access_to_objects_of_others(server: Server) {
        let (ada, mallory) = (server.person("ada").await, server.person("mallory").await);
        let work = server.published_dataset(&ada, "ada/secret", "ada");
        let secret = work.read("scans/one.bin");
        server.dataset("mallory/own", Visibility::Private).await;
        let header = line("header", json!({"summary": "Mine"}));
        let file = line("file", json!({"path": "a.txt", "content": BASE64.encode("a\n"), "encoding": "base64"}));
        let first = commit(&server, &mallory.token, "mallory/own", &[header.clone(), file.clone()]).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let head = first.json()["commitOid"].clone();

        let oid = Oid::of(&secret).to_string();
        let other = line("file", json!({"path": "b.txt", "content": "Yg==", "encoding": "base64"}));
        for size in [json!(secret.len()), json!(1), Value::Null] {
            let stolen = line("lfsFile", json!({"path": "stolen.bin", "algo": "sha256", "oid": oid, "size": size}));
            let reply = commit(&server, &mallory.token, "mallory/own", &[header.clone(), other.clone(), stolen]).await;
            assert_eq!(reply.status, 422, "{}", reply.text());
            assert!(reply.header("x-error-message").contains("does not hold the object"), "{}", reply.text());
        }
        // Nor does a pointer that is sent as a file.
        let pointer = lfs::Pointer::new(Oid::of(&secret), secret.len() as u64).to_string();
        let stolen = json!({"path": "stolen.bin", "content": BASE64.encode(&pointer), "encoding": "base64"});
        let reply = commit(&server, &mallory.token, "mallory/own", &[header.clone(), line("file", stolen)]).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
        // The size discloses nothing either: an unknown object gets the same answer.
        let size_of = async |oid: String| {
            let line = line("lfsFile", json!({"path": "x", "algo": "sha256", "oid": oid}));
            let reply = commit(&server, &mallory.token, "mallory/own", &[header.clone(), line]).await;
            (reply.status, reply.text().replace(&oid, "OID").replace(reply.header("x-request-id"), "ID"))
        };
        assert_eq!(size_of(oid.clone()).await, size_of(Oid::of(&noise(9, 10)).to_string()).await);

        let info = Reply::of(server.request("GET", "/api/datasets/mallory/own", Some(&mallory.token))).await.json();
        assert_eq!(info["sha"], head, "nothing was changed");
        assert_eq!(info["siblings"], json!([{"rfilename": "a.txt"}]));

        // What she may not see is not there, in every way to ask.
        for (method, url) in [
            ("GET", "/api/datasets/ada/secret"),
            ("GET", "/api/datasets/ada/secret/tree/main"),
            ("GET", "/api/datasets/ada/secret/commits/main"),
            ("GET", "/api/datasets/ada/secret/refs"),
            ("GET", "/datasets/ada/secret/resolve/main/scans/one.bin"),
            ("HEAD", "/datasets/ada/secret/resolve/main/scans/one.bin"),
            ("POST", "/api/datasets/ada/secret/commit/main"),
            ("DELETE", "/api/datasets/ada/secret/branch/main"),
        ] {
            let reply = Reply::of(server.request(method, url, Some(&mallory.token))).await;
            assert_eq!((reply.status, reply.header("x-error-code")), (404, "RepoNotFound"), "{method} {url}");
            let reply = Reply::of(server.request(method, url, None)).await;
            assert_eq!((reply.status, reply.header("x-error-code")), (401, "RepoNotFound"), "{method} {url}");
        }
    }
}

story! {
    async fn a_readable_object_can_be_committed_by_its_hash(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("aviary", &[(&ada, Role::Writer), (&bob, Role::Reader)]).await;
        let objects: Vec<Vec<u8>> = (1..6).map(|seed| noise(seed, 1000 + usize::try_from(seed).unwrap())).collect();
        for (path, visibility, kept) in [
            ("ada/open", Visibility::Public, &objects[..2]),
            ("aviary/shared", Visibility::Private, &objects[2..3]),
            ("ada/hidden", Visibility::Private, &objects[3..4]),
            ("ada/inside", Visibility::Internal, &objects[4..5]),
        ] {
            server.dataset(path, visibility).await;
            for bytes in kept {
                server.upload(&ada.token, path, bytes).await;
            }
        }
        server.dataset("bob/own", Visibility::Private).await;
        let header = line("header", json!({"summary": "Copies"}));
        let file = |at: usize| {
            let oid = Oid::of(&objects[at]).to_string();
            line("lfsFile", json!({"path": format!("{at}.bin"), "algo": "sha256", "oid": oid}))
        };
        // One that bob may not have spoils the whole, and tells nothing.
        let lines = [header.clone(), file(0), file(3)];
        let refused = commit(&server, &bob.token, "bob/own", &lines).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(refused.header("x-error-message").contains("does not hold the object"), "{}", refused.text());
        // Nor may a token that is limited to his own dataset reach what he could read.
        let narrow = server.token("bob", &["own:bob/own"]).await;
        assert_eq!(commit(&server, &narrow, "bob/own", &[header.clone(), file(2)]).await.status, 422);
        let made = commit(&server, &bob.token, "bob/own", &[header.clone(), file(0), file(1), file(2), file(4)]).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let work = server.clone(&bob, "bob/own", "work");
        for at in [0, 1, 2, 4] {
            assert_eq!(work.read(&format!("{at}.bin")), objects[at], "{at}");
        }
        // The size that is said must be the true one.
        let wrong = json!({"path": "w", "algo": "sha256", "oid": Oid::of(&objects[0]).to_string(), "size": 5});
        assert_eq!(commit(&server, &bob.token, "bob/own", &[header.clone(), line("lfsFile", wrong)]).await.status, 422);
        // It stays when the other dataset goes, and counts.
        let gone = Reply::of(server.request("DELETE", "/api/v1/datasets/ada/open", Some(&ada.token))).await;
        assert_eq!(gone.status, 204);
        assert_eq!(server.clone(&bob, "bob/own", "again").read("0.bin"), objects[0]);
        assert!(server.app.storage.recount().await.unwrap().is_empty());
    }
}

story! {
    on(sqlite) async fn history_is_squashed_only_by_owners(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        let work = server.published_dataset(&ada, "lab/birds", "ada");
        work.git(&["push", "-q", "origin", "main:work"]);
        let before = work.git(&["rev-parse", "HEAD^{tree}"]);
        let squash = async |token: &str, branch: &str| {
            let url = format!("/api/datasets/lab/birds/super-squash/{branch}");
            let request = server.request("POST", &url, Some(token)).header("content-type", "application/json");
            Reply::of(request.body(json!({"message": "All at once"}).to_string())).await
        };
        assert_eq!(squash(&bob.token, "main").await.status, 403, "the default branch is its owners'");
        assert_eq!(squash(&bob.token, "work").await.status, 200);
        let none = squash(&ada.token, "no-such").await;
        assert_eq!((none.status, none.header("x-error-code")), (404, "RevisionNotFound"));
        let done = squash(&ada.token, "main").await;
        assert_eq!(done.status, 200, "{}", done.text());
        let clone = server.clone(&ada, "lab/birds", "clone");
        assert_eq!(clone.git(&["rev-list", "--count", "HEAD"]), "1");
        assert_eq!(clone.git(&["rev-parse", "HEAD^{tree}"]), before, "all files are as they were");
        assert_eq!(clone.git(&["log", "-1", "--format=%s by %an"]), "All at once by ada");
        assert_eq!(clone.git(&["rev-parse", "HEAD"]), done.json()["commitOid"]);
        // What was known by its id is still there for a while.
        let url = format!("/api/v1/datasets/lab/birds/revisions/{}", work.git(&["rev-parse", "HEAD"]));
        assert_eq!(Reply::of(server.request("GET", &url, Some(&ada.token))).await.status, 200);
    }
}

story! {
    async fn only_objects_that_no_revision_names_are_deleted(server: Server) {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
        server.dataset("lab/birds", Visibility::Private).await;
        let objects: Vec<Vec<u8>> = (1..4).map(|seed| noise(seed, 1000)).collect();
        let header = line("header", json!({"summary": "s"}));
        for (at, bytes) in objects.iter().enumerate().take(2) {
            server.upload(&ada.token, "lab/birds", bytes).await;
            let oid = Oid::of(bytes).to_string();
            let file = line("lfsFile", json!({"path": format!("{at}.bin"), "algo": "sha256", "oid": oid}));
            assert_eq!(commit(&server, &ada.token, "lab/birds", &[header.clone(), file]).await.status, 200);
        }
        server.upload(&ada.token, "lab/birds", &objects[2]).await;
        let gone = line("deletedFile", json!({"path": "0.bin"}));
        assert_eq!(commit(&server, &ada.token, "lab/birds", &[header.clone(), gone]).await.status, 200);

        let list = async |query: &str| {
            let url = format!("/api/datasets/lab/birds/lfs-files{query}");
            Reply::of(server.request("GET", &url, Some(&bob.token))).await
        };
        let all = list("").await.json();
        let mut names: Vec<(String, String)> = all.as_array().unwrap().iter()
            .map(|item| (item["oid"].as_str().unwrap().to_owned(), item["filename"].as_str().unwrap().to_owned())).collect();
        let mut expected: Vec<(String, String)> = [(0, ""), (1, "1.bin"), (2, "")].iter()
            .map(|(at, name)| (Oid::of(&objects[*at]).to_string(), (*name).to_owned())).collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
        let page = list("?limit=2").await;
        let next = page.header("link").strip_prefix('<').unwrap().split_once(">;").unwrap().0.to_owned();
        let rest = list(next.split_once("lfs-files").unwrap().1).await;
        assert_eq!((page.json().as_array().unwrap().len(), rest.json().as_array().unwrap().len()), (2, 1));
        assert_eq!(rest.header("link"), "");

        let delete = async |token: &str, at: &[usize]| {
            let oids: Vec<String> = at.iter().map(|at| Oid::of(&objects[*at]).to_string()).collect();
            let body = json!({"deletions": {"sha": oids, "rewriteHistory": true}}).to_string();
            let request = server.request("POST", "/api/datasets/lab/birds/lfs-files/batch", Some(token));
            Reply::of(request.header("content-type", "application/json").body(body)).await
        };
        assert_eq!(delete(&bob.token, &[2]).await.status, 403);
        // What a revision names is refused, and all that is asked for with it.
        for (at, answer) in [([1, 2], "1.bin (in main)"), ([0, 2], "earlier revision")] {
            let refused = delete(&ada.token, &at).await;
            assert_eq!(refused.status, 409, "{}", refused.text());
            assert!(refused.text().contains(answer) && refused.text().contains("does not rewrite history"), "{}", refused.text());
        }
        assert_eq!(list("").await.json().as_array().unwrap().len(), 3);
        assert_eq!(delete(&ada.token, &[2]).await.status, 200);
        assert_eq!(delete(&ada.token, &[2]).await.status, 200, "once more is no fault");
        // With the history goes what it named.
        let url = "/api/datasets/lab/birds/super-squash/main";
        let squashed = server.request("POST", url, Some(&ada.token)).header("content-type", "application/json").body("{}");
        assert_eq!(Reply::of(squashed).await.status, 200);
        assert_eq!(delete(&ada.token, &[0]).await.status, 200);
        let left = list("").await.json();
        assert_eq!((left.as_array().unwrap().len(), &left[0]["filename"], &left[0]["ref"]), (1, &json!("1.bin"), &json!("refs/heads/main")));
        let usage = server.app.storage.usage(Some(&"lab/birds".parse().unwrap())).await.unwrap();
        let held = &usage[0].datasets[0];
        assert_eq!((held.objects, held.bytes - held.git_bytes), (1, 1000));
        assert!(server.app.storage.recount().await.unwrap().is_empty());
        // The bytes are gone for those who ask.
        let body = json!({"operation": "download", "objects": [{"oid": Oid::of(&objects[0]).to_string(), "size": 1000}]});
        let (_, reply) = server.batch(Some(&ada.token), "lab/birds", &body).await;
        assert_eq!(reply["objects"][0]["error"]["code"], 404, "{reply}");
        assert_eq!(server.clone(&ada, "lab/birds", "clone").read("1.bin"), objects[1]);
    }
}

story! {
    on(sqlite) async fn invalid_lines_of_a_commit_are_refused(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/lines", Visibility::Private).await;
        let header = line("header", json!({"summary": "s"}));
        let file = |path: &str| line("file", json!({"path": path, "content": "YQ==", "encoding": "base64"}));
        for (lines, status) in [
            (vec![file("a")], 422),
            (vec![header.clone(), file("../a")], 422),
            (vec![header.clone(), file(".git/config")], 422),
            (vec![header.clone(), line("file", json!({"path": "a", "content": "!", "encoding": "base64"}))], 422),
            (vec![header.clone(), line("copyFile", json!({"path": "a"}))], 400),
            (vec![header.clone(), line("deletedFile", json!({"path": "none"}))], 404),
            (vec![line("header", json!({"summary": "s", "parentCommit": "a".repeat(40)})), file("a")], 412),
        ] {
            let reply = commit(&server, &ada.token, "ada/lines", &lines).await;
            assert_eq!(reply.status, status, "{lines:?} {}", reply.text());
        }
        let large = line("file", json!({"path": "a", "content": "A".repeat(20 << 20), "encoding": "base64"}));
        assert_eq!(commit(&server, &ada.token, "ada/lines", &[header.clone(), large]).await.status, 413);
        let info = Reply::of(server.request("GET", "/api/datasets/ada/lines", Some(&ada.token))).await.json();
        assert_eq!(info["sha"], Value::Null, "nothing was changed");

        // The last of several lines counts, and a repeated change is reported as done.
        let other = line("file", json!({"path": "a", "content": "Yg==", "encoding": "base64"}));
        let made = commit(&server, &ada.token, "ada/lines", &[header.clone(), file("a"), other.clone()]).await.json();
        let again = commit(&server, &ada.token, "ada/lines", &[header, other]).await.json();
        assert_eq!(made["commitOid"], again["commitOid"]);
        let url = format!("/datasets/ada/lines/resolve/{}/a", made["commitOid"].as_str().unwrap());
        let reply = Reply::of(server.request("GET", &url, Some(&ada.token)).header("range", "bytes=0-0")).await;
        assert_eq!((reply.status, reply.text().as_str()), (206, "b"));
        assert_eq!(reply.header("content-range"), "bytes 0-0/1");
        assert_eq!(reply.header("x-repo-commit"), made["commitOid"]);
        let reply = Reply::of(server.request("GET", &url, Some(&ada.token)).header("range", "bytes=5-")).await;
        assert_eq!(reply.status, 416);
    }
}

story! {
    on(sqlite) async fn long_lists_are_paginated(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/pages", Visibility::Private).await;
        for round in 0..3 {
            let header = line("header", json!({"summary": format!("round {round}")}));
            let names = ["a", "b/c", "b/d/e", "b-", "f"];
            let file = |name: &&str| {
                line("file", json!({"path": format!("{name}{round}"), "content": "YQ==", "encoding": "base64"}))
            };
            let lines: Vec<Value> = std::iter::once(header).chain(names.iter().map(file)).collect();
            assert_eq!(commit(&server, &ada.token, "ada/pages", &lines).await.status, 200);
        }
        let pages = async |url: &str, key: &str, limit: usize| {
            let mut url = format!("{url}{}limit={limit}", if url.contains('?') { '&' } else { '?' });
            let mut names = Vec::new();
            loop {
                let reply = Reply::of(server.request("GET", &url, Some(&ada.token))).await;
                assert_eq!(reply.status, 200, "{}", reply.text());
                let items = reply.json();
                assert!(items.as_array().unwrap().len() <= limit);
                names.extend(items.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()));
                let link = reply.header("link").to_owned();
                let Some(next) = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")) else {
                    return names;
                };
                url = next.strip_prefix(&server.url).unwrap().to_owned();
            }
        };
        for url in [
            "/api/datasets/ada/pages/tree/main?recursive=True",
            "/api/datasets/ada/pages/tree/main?expand=True&recursive=True",
            "/api/datasets/ada/pages/tree/main",
            "/api/datasets/ada/pages/tree/main/b%2Fd",
            "/api/datasets/ada/pages/tree/main/b/d",
        ] {
            let whole = pages(url, "path", 100).await;
            assert!(whole.len() >= 3, "{whole:?}");
            assert_eq!(pages(url, "path", 1).await, whole, "{url}");
            assert_eq!(pages(url, "path", 2).await, whole, "{url}");
        }
        let titles = ["round 2", "round 1", "round 0"];
        for limit in [1, 2, 3] {
            assert_eq!(pages("/api/datasets/ada/pages/commits/main", "title", limit).await, titles);
        }
    }
}
