//! Hugging Face's own clients, both generations that are in use, against this server; and somebody who speaks as they
//! do and wants more.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lfs::Oid;
use rutter::types::{Role, Visibility};
use serde_json::{Value, json};

use crate::api::Reply;
use crate::harness::{Engine, Server, assert_success, environment, noise, story};

/// The generations: `huggingface_hub` and the `datasets` that fits it.
const OLD: [&str; 2] = ["huggingface_hub==0.36.2", "datasets==5.0.1"];
const NEW: [&str; 2] = ["huggingface_hub==2.4.0", "datasets==5.2.0"];

/// What both read tables with.
const TABLES: [&str; 2] = ["pandas==3.1.1", "pyarrow==26.0.1"];

/// A Python that has these clients. `None` where it cannot be had.
fn clients(generation: [&str; 2]) -> Option<PathBuf> {
    let home = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(generation[0].replace("==", "-"));
    let python = home.join("bin").join("python");
    let works =
        || Command::new(&python).args(["-c", "import datasets, pandas, pyarrow"]).stderr(Stdio::null()).status();
    let lock = std::fs::File::create(home.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !works().is_ok_and(|status| status.success()) {
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).stdout(Stdio::null()).status().ok()?;
        Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(generation).args(TABLES).status().ok()?;
    }
    works().ok()?.success().then_some(python)
}

async fn works_with(engine: Engine, generation: [&str; 2]) {
    let Some(python) = clients(generation) else {
        assert!(environment("CI").is_none(), "CI must test Hugging Face's clients: python3-venv and pip");
        eprintln!("skipped: the clients of Hugging Face cannot be installed");
        return;
    };
    // So that twelve megabytes come in parts.
    let server = Server::start_with(engine, |config| config.limits.parts_from = 5_000_000).await;
    let ada = server.person("ada").await;
    server.organisation("aviary", &[(&ada, Role::Writer)]).await;
    let place = server.nowhere("hub");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/hub.py");
    let mut command = Command::new(&python);
    command.env_clear().current_dir(&place.folder).arg(script);
    for (name, value) in [
        ("HF_ENDPOINT", server.url.as_str()),
        ("HF_TOKEN", &ada.token),
        ("HF_HUB_DISABLE_XET", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HOME", place.folder.to_str().unwrap()),
        ("no_proxy", "127.0.0.1"),
    ] {
        command.env(name, value);
    }
    assert_success(&command.output().unwrap(), "the client");

    // Plain git sees the same: objects where the clients put objects, and nothing that only looks changed.
    let work = server.sound(&ada, "ada/birds").await;
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
    async fn the_old_clients_of_hugging_face_work(engine: Engine) {
        works_with(engine, OLD).await;
    }
}

story! {
    async fn the_new_clients_of_hugging_face_work(engine: Engine) {
        works_with(engine, NEW).await;
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
    async fn a_hash_is_no_key_to_what_others_have(server: Server) {
        let (ada, mallory) = (server.person("ada").await, server.person("mallory").await);
        let work = server.published(&ada, "ada/secret", "ada");
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
        // The size tells nothing either: what nobody has is answered alike.
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
    async fn lines_of_a_commit_are_read_with_care(server: Server) {
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

        // The last of several lines counts, and a change that was made already is told as made.
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
    async fn long_lists_come_in_pages(server: Server) {
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
