//! Health, metrics, logs, and what applies to every answer.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rutter::types::Visibility;
use rutter_testing::{LFS_JSON, Reply, Server, eventually, story, text};
use serde_json::{Value, json};

const PROBLEM: &str = "application/problem+json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// How long the server caches its readiness.
const READY_AGE: Duration = Duration::from_millis(1100);

story! {
    async fn health_and_metrics_are_served(server: Server) {
        for path in ["/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"] {
            let response = server.request("GET", path, None).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            assert!(response.headers().contains_key("x-request-id"), "{path}");
        }
        let ready = Reply::of(server.request("GET", "/readyz", None)).await;
        assert_eq!(ready.json(), json!({"status": "ready"}));
        let metrics = server.request("GET", "/metrics", None).send().await.unwrap().text().await.unwrap();
        assert!(metrics.contains("rutter_http_requests_total"), "{metrics}");
    }
}

story! {
    on(sqlite) async fn every_page_url_serves_the_same_document_with_security_headers(server: Server) {
        let first = server.request("GET", "/", None).send().await.unwrap();
        let policy = first.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';") && !policy.contains("unsafe-inline"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("connect-src 'self';"), "{policy}");
        let first = first.text().await.unwrap();
        // A path may look like one of git's.
        for path in ["/login", "/d/ada/birds/file/main/info/refs", "/d/ada%2Fb/c", "/drive/a/../objects/batch", "/s"] {
            let page = server.request("GET", path, None).send().await.unwrap();
            assert_eq!(page.status(), 200, "{path}");
            assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8", "{path}");
            assert_eq!(page.text().await.unwrap(), first, "{path}");
        }
        for path in ["/_app/../index.html", "/_app/%2e%2e/index.html", "/_app/..%2f..%2f..%2fCargo.toml", "/_app/"] {
            let reply = Reply::of(server.request("GET", path, None)).await;
            assert_eq!(reply.status, 404, "{path}");
        }
        assert_eq!(Reply::of(server.request("POST", "/login", None)).await.status, 405);
        for (path, media) in [("/robots.txt", PLAIN), ("/favicon.ico", "image/x-icon")] {
            let reply = Reply::of(server.request("GET", path, None)).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, media), "{path}");
        }
        // Browsers offer to install the pages.
        let manifest = Reply::of(server.request("GET", "/_app/site.webmanifest", None)).await;
        assert_eq!((manifest.status, manifest.header("content-type")), (200, "application/manifest+json"));
        let icons = manifest.json()["icons"].as_array().unwrap().clone();
        assert_eq!(icons.len(), 3);
        for icon in icons {
            let path = format!("/_app/{}", icon["src"].as_str().unwrap());
            let reply = Reply::of(server.request("GET", &path, None)).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, icon["type"].as_str().unwrap()), "{path}");
        }
        // What crawlers may read, by the rule with the longest path (RFC 9309).
        let robots = Reply::of(server.request("GET", "/robots.txt", None)).await.text();
        let rules: Vec<(&str, &str)> = robots.lines().filter_map(|line| line.split_once(": ")).collect();
        let may_read = |path: &str| {
            let hits = rules.iter().filter(|(kind, pattern)| *kind != "User-agent" && matches(pattern, path));
            hits.max_by_key(|(kind, pattern)| (pattern.len(), *kind == "Allow")).is_none_or(|(kind, _)| *kind == "Allow")
        };
        for path in ["/", "/help", "/api/docs", "/d/ada/birds", "/d/ada/birds/file/main/settings.csv", "/d/ada/birds/releases"] {
            assert!(may_read(path), "{path}");
        }
        for path in [
            "/api/v1/datasets/ada/birds/raw/main/a.csv", "/login", "/search?q=x", "/_lfs/x", "/s", "/embed/ada/birds/main/a.csv",
            "/d/ada/birds/compare/a...b", "/d/ada/birds/settings", "/d/ada/birds/query?q=x", "/datasets/ada/birds/resolve/main/a",
        ] {
            assert!(!may_read(path), "{path}");
        }
    }
}

/// Returns true if a path of `robots.txt` matches: `*` stands for any characters, and `$` for the end.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, is_whole) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    for part in parts {
        let found = if is_whole { rest.rfind(part) } else { rest.find(part) };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    !is_whole || rest.is_empty()
}

story! {
    on(sqlite) async fn a_browser_gets_an_html_page_at_any_url(server: Server) {
        let ada = server.person("ada").await;
        let body = json!({"id": "ada/birds", "visibility": "public"});
        let made = server.request("POST", "/api/v1/datasets", Some(&ada.token)).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 201);
        crate::search::indexed(&server).await;
        server.person("ben").await;
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let browse = async |path: &str| {
            let request = client.get(format!("{}{path}", server.url)).header("accept", "text/html,*/*;q=0.8");
            let reply = request.send().await.unwrap();
            let location = reply.headers().get("location").map(|url| url.to_str().unwrap().to_owned());
            (reply.status().as_u16(), location, reply)
        };
        for (path, page) in [
            ("/ada/birds", "/d/ada/birds"),
            ("/ada/none", "/d/ada/none"),
            ("/datasets/ada/birds", "/d/ada/birds"),
            ("/datasets/ada/birds.git", "/d/ada/birds"),
        ] {
            let (status, location, _) = browse(path).await;
            assert_eq!((status, location.as_deref()), (303, Some(page)), "{path}");
        }
        // An owner has a page. Links to it have the name.
        let (status, _, reply) = browse("/ada").await;
        assert_eq!(status, 200);
        assert!(reply.headers().get_all("vary").iter().any(|by| by == "accept"));
        assert!(reply.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
        assert!(reply.text().await.unwrap().contains("<title>ada · rutter</title>"));
        // A user without visible datasets looks like a missing one.
        let front = server.request("GET", "/", None).send().await.unwrap().text().await.unwrap();
        for path in ["/ben", "/missing", "/helper", "/a/b/c", "/datasets", "/datasets/ada/birds/c/d", "/%ff", "/%ff/x", "/-/x"] {
            let (status, _, reply) = browse(path).await;
            assert_eq!(status, 404, "{path}");
            assert_eq!(reply.headers()["content-type"], "text/html; charset=utf-8", "{path}");
            assert!(reply.headers().get_all("vary").iter().any(|by| by == "accept"), "{path}");
            assert!(reply.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"), "{path}");
            assert_eq!(reply.text().await.unwrap(), front, "{path}");
            let reply = Reply::of(server.request("GET", path, None)).await;
            assert_eq!((reply.status, reply.header("content-type")), (404, PROBLEM), "{path} for a program");
        }
        for path in ["/api/v1/nothing", "/_lfs/nothing/here"] {
            let (status, _, reply) = browse(path).await;
            assert_eq!(status, 404, "{path}");
            assert!(reply.headers()["content-type"].to_str().unwrap().contains("json"), "{path}");
        }
        // git is not redirected.
        let refs = "/datasets/ada/birds.git/info/refs?service=git-upload-pack";
        assert_eq!(browse(refs).await.0, 200);
    }
}

story! {
    on(sqlite) async fn requests_cannot_create_unlimited_metrics(server: Server) {
        for number in 0..20 {
            for path in ["/healthz", "/_lfs/x", "/nothing/here/now"] {
                let reply = Reply::of(server.request(&format!("BREW{number}"), path, None)).await;
                assert!(matches!(reply.status, 404 | 405), "{} {path}", reply.status);
            }
            let path = format!("/invented{number}/invented/x");
            assert_eq!(Reply::of(server.request("GET", &path, None)).await.status, 404);
        }
        let metrics = Reply::of(server.request("GET", "/metrics", None)).await.text();
        assert!(!metrics.contains("BREW") && !metrics.contains("invented"), "{metrics}");
        assert!(metrics.contains(r#"method="other",route="/healthz",status="405""#), "{metrics}");
        assert!(metrics.contains(r#"method="other",route="none",status="404""#), "{metrics}");
        assert!(metrics.contains(r#"method="GET",route="none",status="404""#), "{metrics}");
    }
}

story! {
    async fn readiness_reports_what_is_wrong(engine: Engine) {
        let tools = tempfile::tempdir().unwrap();
        let git = tools.path().join("git");
        let real = text(&Command::new("sh").args(["-c", "command -v git"]).output().unwrap());
        std::os::unix::fs::symlink(real.trim(), &git).unwrap();
        let server = Server::start_with(engine, |config| config.git.clone_from(&git)).await;
        let asked = async || {
            tokio::time::sleep(READY_AGE).await;
            let reply = Reply::of(server.request("GET", "/readyz", None)).await;
            if reply.status == 200 {
                return "ready".to_owned();
            }
            assert_eq!((reply.status, reply.header("content-type")), (503, PROBLEM));
            assert_eq!(reply.header("retry-after"), "2");
            for folder in [server.folder.path(), tools.path()] {
                assert!(!reply.text().contains(folder.to_str().unwrap()), "{}", reply.text());
            }
            reply.json()["detail"].as_str().unwrap().to_owned()
        };
        assert_eq!(asked().await, "ready");

        std::fs::remove_file(&git).unwrap();
        assert_eq!(asked().await, "not ready: git cannot be run");
        std::os::unix::fs::symlink("/bin/false", &git).unwrap();
        assert_eq!(asked().await, "not ready: git cannot be run");
        std::fs::remove_file(&git).unwrap();
        std::os::unix::fs::symlink(real.trim(), &git).unwrap();
        assert_eq!(asked().await, "ready");

        let (store, cache) = (server.app.config.data.join("store"), server.app.config.cache());
        let aside = store.with_extension("aside");
        std::fs::rename(&store, &aside).unwrap();
        std::fs::remove_dir_all(&cache).unwrap();
        std::fs::write(&cache, "no folder").unwrap();
        assert_eq!(asked().await, "not ready: the store is not writable; the cache is not writable");
        std::fs::rename(&aside, &store).unwrap();
        std::fs::remove_file(&cache).unwrap();
        assert_eq!(asked().await, "ready", "a cache that was deleted is made again");

        server.app.db.close().await;
        assert_eq!(asked().await, "not ready: the database is unavailable");
        assert_eq!(Reply::of(server.request("GET", "/healthz", None)).await.status, 200, "the process lives");
    }
}

story! {
    on(sqlite) async fn every_error_has_the_format_of_its_protocol(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        for (method, path, content_type, status, media, allow) in [
            ("GET", "/nothing", "", 404, PROBLEM, ""),
            ("GET", "/no/such/thing", "", 404, PROBLEM, ""),
            ("DELETE", "/no/such/thing", "", 404, PROBLEM, ""),
            ("POST", "/healthz", "", 405, PROBLEM, "GET,HEAD"),
            ("GET", "/_lfs/%FF", "", 400, LFS_JSON, ""),
            ("PUT", "/_lfs/%FF", "", 400, LFS_JSON, ""),
            ("GET", "/_lfs/x", "", 403, LFS_JSON, ""),
            ("DELETE", "/_lfs/x", "", 405, LFS_JSON, "GET,HEAD,POST,PUT"),
            ("GET", "/_lfs/", "", 404, LFS_JSON, ""),
            ("GET", "/_lfs/x/y", "", 404, LFS_JSON, ""),
            ("GET", "/ada/data.git/info/lfs", "", 404, LFS_JSON, ""),
            ("GET", "/ada/data.git/info/lfs/", "", 404, LFS_JSON, ""),
            ("POST", "/ada/data.git/info/lfs/no/such", LFS_JSON, 404, LFS_JSON, ""),
            ("GET", "/org/sub/data.git/info/lfs/no/such", "", 404, LFS_JSON, ""),
            ("PUT", "/ada/data.git/info/lfs/objects/batch", LFS_JSON, 405, LFS_JSON, "POST"),
            ("POST", "/ada/data.git/info/lfs/objects/batch", "text/plain", 415, LFS_JSON, ""),
            ("POST", "/ada/data/objects/batch", "text/plain", 415, LFS_JSON, ""),
            ("POST", "/ada/data.git/info/lfs/locks", "text/plain", 415, LFS_JSON, ""),
            ("GET", "/ada/data.git/info/lfs/locks?limit=x", "", 400, LFS_JSON, ""),
            ("GET", "/%FF/data.git/info/lfs/locks", "", 404, LFS_JSON, ""),
            ("POST", "/ada/data.git/info/lfs/locks/%FF/unlock", LFS_JSON, 404, LFS_JSON, ""),
            ("POST", "/ada/data.git/git-upload-pack", "text/plain", 415, PLAIN, ""),
            ("POST", "/ada/data.git/git-receive-pack", "", 415, PLAIN, ""),
            ("GET", "/ada/data.git/git-upload-pack", "", 405, PLAIN, "POST"),
            ("GET", "/ada/data.git/info/refs?service=a&service=b", "", 400, PLAIN, ""),
            ("GET", "/%FF/data.git/info/refs?service=git-upload-pack", "", 404, PLAIN, ""),
            ("GET", "/ada/data.git/HEAD", "", 404, PROBLEM, ""),
        ] {
            let mut request = server.request(method, path, Some(&ada.token));
            if !content_type.is_empty() {
                request = request.header("content-type", content_type).body("{}");
            }
            let reply = Reply::of(request).await;
            let what = format!("{method} {path}: {}", reply.text());
            assert_eq!((reply.status, reply.header("content-type")), (status, media), "{what}");
            let mut allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
            allowed.sort_unstable();
            assert_eq!(allowed.join(","), allow, "{what}");
            let id = reply.header("x-request-id").to_owned();
            assert_eq!(reply.header("content-length"), reply.body.len().to_string(), "{what}");
            match media {
                PROBLEM => {
                    let answer = reply.json();
                    assert_eq!((&answer["status"], &answer["request_id"]), (&json!(status), &json!(id)), "{what}");
                    assert!(answer["detail"].is_string() && answer["code"].is_string(), "{what}");
                }
                LFS_JSON => {
                    let answer = reply.json();
                    assert_eq!(answer["request_id"], json!(id), "{what}");
                    assert!(!answer["message"].as_str().unwrap().is_empty(), "{what}");
                }
                _ => assert!(reply.text().len() > 5 && reply.text().ends_with('\n'), "{what}"),
            }
        }
    }
}

story! {
    on(sqlite) async fn head_has_the_headers_of_get_without_the_body(server: Server) {
        for path in ["/healthz", "/no/such/thing", "/_lfs/x", "/ada/data.git/info/refs?service=git-upload-pack"] {
            let get = Reply::of(server.request("GET", path, None)).await;
            let head = Reply::of(server.request("HEAD", path, None)).await;
            assert_eq!(head.status, get.status, "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
            assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
            assert!(head.body.is_empty());
        }
    }
}

story! {
    on(sqlite) async fn a_plain_request_id_is_kept_and_any_other_replaced(server: Server) {
        let longest = "a".repeat(64);
        for id in ["x", "Req-1_2.3", &longest] {
            for (path, field) in [("/no/such/thing", "request_id"), ("/_lfs/x", "request_id")] {
                let reply = Reply::of(server.request("GET", path, None).header("x-request-id", id)).await;
                assert_eq!(reply.header("x-request-id"), id);
                assert_eq!(reply.json()[field], json!(id));
            }
        }
        let mut made = BTreeSet::new();
        let too_long = "a".repeat(65);
        for id in ["", "a b", "<b>", "a\"b", "a\tb", "a,b", "ä", "../x", &too_long] {
            let reply = Reply::of(server.request("GET", "/healthz", None).header("x-request-id", id)).await;
            let own = reply.header("x-request-id").to_owned();
            assert!(own.len() == 16 && own.bytes().all(|b| b.is_ascii_hexdigit()), "{id:?} became {own}");
            assert!(made.insert(own), "{id:?}");
        }
    }
}

story! {
    on(sqlite) async fn every_answer_has_security_headers(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        server.upload(&ada.token, "ada/data", b"bytes").await;
        let download = server.download_url(&ada.token, "ada/data", b"bytes").await;
        let batch = json!({"operation": "download", "objects": [{"oid": lfs::Oid::of(b"bytes"), "size": 5}]});
        let token = Some(ada.token.as_str());
        let page = "default-src 'none'; frame-ancestors 'none'";
        let refs = "/ada/data.git/info/refs?service=git-upload-pack";
        for (reply, policy, cache) in [
            (Reply::of(server.request("GET", "/healthz", None)).await, page, "no-store"),
            (Reply::of(server.request("GET", "/no/such/thing", None)).await, page, "no-store"),
            (Reply::of(server.request("GET", "/.well-known/jwks.json", None)).await, page, "public, max-age=300"),
            (Reply::of(server.request("GET", refs, token)).await, page, "no-cache, max-age=0, must-revalidate"),
            (Reply::of(server.request("GET", refs, None)).await, page, "no-store"),
            (server.lfs(token, "ada/data", "objects/batch", &batch).await, page, "no-store"),
            (
                Reply::of(server.http.get(&download)).await,
                "sandbox; default-src 'none'",
                "private, max-age=31536000, immutable",
            ),
        ] {
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert_eq!(reply.header("referrer-policy"), "no-referrer");
            assert_eq!(reply.header("content-security-policy"), policy);
            assert_eq!(reply.header("cache-control"), cache);
        }
    }
}

/// The program in a process of its own, and what it logs.
struct Program {
    process: Child,
    url: String,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let command = command.args(["serve", "--listen", "127.0.0.1:0"]).env("RUTTER_LOG_FORMAT", "json");
        let mut process = command.env("RUTTER_LOG", "debug").stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok).map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let serves = lines.find(|line| line["fields"]["message"] == "rutter started").unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        let url = format!("http://{}", serves["fields"]["address"].as_str().unwrap());
        Self { process, url, log }
    }

    /// The lines that a request left, once its last one is there.
    async fn lines(&self, id: &str) -> Vec<Value> {
        let of_request = |line: &&Value| line["span"]["id"] == id;
        let mut found = Vec::new();
        eventually("the request is in the log", async || {
            found = self.log.lock().unwrap().iter().filter(of_request).cloned().collect();
            found.iter().any(|line| line["fields"]["message"] == "request")
        })
        .await;
        found
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

story! {
    on(sqlite) async fn the_log_contains_each_request_and_no_secret(engine: Engine) {
        let folder = tempfile::tempdir().unwrap();
        let database = engine.database_url().await;
        let program = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
            command.env_clear().env("PATH", rutter_testing::environment("PATH").unwrap_or_default());
            command.current_dir(folder.path()).env("HOME", folder.path());
            command.envs(database.iter().map(|url| ("RUTTER_DATABASE_URL", url)));
            command
        };
        let run = |arguments: &[&str]| {
            let output = program().args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", text(&output));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        run(&["user", "add", "ada", "--email", "ada@example.org"]);
        let token = run(&["token", "add", "ada"]);
        let server = Program::start(&mut program());
        lfs::store::install_tls_provider();
        let http = reqwest::Client::new();

        let batch = format!("{}/ada/data.git/info/lfs/objects/batch", server.url);
        let body = json!({"operation": "upload", "objects": [{"oid": lfs::Oid::of(b"bytes"), "size": 5}]}).to_string();
        let request = http.post(&batch).basic_auth("ada", Some(&token)).header("content-type", LFS_JSON);
        let reply = Reply::of(request.header("x-request-id", "by-basic").body(body.clone())).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let upload = reply.json()["objects"][0]["actions"]["upload"]["href"].as_str().unwrap().to_owned();
        let wrong = "rut_thisisnotatokenthatanybodyhas";
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
        let locks = format!("{}/ada/data.git/info/lfs/locks", server.url);
        let refs = format!("{}/ada/data.git/info/refs?jwt={jwt}", server.url);
        for (request, id, method, route, status) in [
            (http.get(&locks).bearer_auth(&token), "by-bearer", "GET", "/{owner}/{dataset}/info/lfs/locks", 200),
            (http.get(&refs), "by-query", "GET", "/{owner}/{dataset}/info/refs", 401),
            (http.get(&locks).bearer_auth(wrong), "by-nothing", "GET", "/{owner}/{dataset}/info/lfs/locks", 401),
            (http.put(&upload).body("bytes"), "by-ticket", "PUT", "/_lfs/{token}", 200),
            (http.get(format!("{}/{token}/x/y?jwt={jwt}", server.url)), "lost", "GET", "none", 404),
            (http.request("BREW".parse().unwrap(), &upload), "odd", "other", "/_lfs/{token}", 405),
        ] {
            let reply = Reply::of(request.header("x-request-id", id)).await;
            assert_eq!(reply.status, status, "{id}: {}", reply.text());
            let lines = server.lines(id).await;
            let answer: Vec<&Value> = lines.iter().filter(|line| line["fields"]["message"] == "request").collect();
            assert_eq!(answer.len(), 1, "{lines:?}");
            let fields = &answer[0]["fields"];
            assert_eq!(
                (&fields["method"], &fields["route"], &fields["status"]),
                (&json!(method), &json!(route), &json!(status)),
                "{id}"
            );
            assert!(fields["milliseconds"].as_f64().unwrap() > 0.0, "{fields}");
        }
        // A fault of ours is logged under the request's id.
        let store = folder.path().join("rutter-data/store");
        std::fs::remove_dir_all(&store).unwrap();
        std::fs::write(&store, "no folder").unwrap();
        assert_eq!(Reply::of(http.put(&upload).header("x-request-id", "fault").body("bytes")).await.status, 503);
        let lines = server.lines("fault").await;
        assert!(lines.iter().any(|line| line["level"] == "ERROR" && line["fields"]["code"] == "unavailable"), "{lines:?}");

        let ticket = upload.rsplit_once('/').unwrap().1;
        let log = server.log.lock().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let basic = base64(&format!("ada:{token}"));
        for secret in [token.as_str(), &basic, wrong, jwt, ticket, "c2lnbmF0dXJl"] {
            assert!(!log.contains(secret), "the log holds {secret}");
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
