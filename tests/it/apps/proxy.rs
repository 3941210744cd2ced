//! The proxy: what reaches an app, and which callers.

use std::time::Duration;

use rutter_testing::{Reply, story};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::World;

const HOST: &str = "notes--ada.apps.localhost";

impl World {
    /// Installs the app for a new user, and waits until it runs. Returns the session of the user's browser.
    async fn running(&self) -> String {
        let ada = self.server.person("ada").await;
        let reply = self.install(&ada, "ada", "notes").await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        for _ in 0..200 {
            if self.show(&ada, "notes").await["state"] == "running" {
                return self.server.cookie("ada").await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}", self.show(&ada, "notes").await);
    }

    async fn change(&self, body: Value) {
        let reply = self.server.call(Some(&self.admin.token), "PATCH", "/api/v1/apps/ada/notes", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Opens a WebSocket with this cookie. Returns the stream after the response head, and the head.
    async fn web_socket(&self, cookie: &str, extra: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(self.server.url.strip_prefix("http://").unwrap()).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {HOST}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\n{extra}\r\n",
            self.port()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await;
            match byte {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        (stream, String::from_utf8_lossy(&head).into_owned())
    }
}

story! {
    /// Rules 26, 27 and 38.
    async fn an_app_is_for_those_who_may_use_it(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let session = world.running().await;
        let app = world.enter(&session, HOST, "/hello?x=1").await.unwrap();
        let reply = Reply::of(world.at(HOST, "/hello?x=1").header("cookie", format!("{app}; own=1; rutter=x"))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text().to_lowercase();
        assert!(text.starts_with("get /hello?x=1 http/1.1"), "{text}");
        assert!(text.contains("cookie: own=1\r") && text.contains("x-rutter-user: ada"), "{text}");
        assert!(!text.contains("rutter-app") && !text.contains("rua_"), "{text}");
        // A token of ours opens the app, and does not reach it; others do.
        let ada = world.server.token("ada", &[]).await;
        let by_token = Reply::of(world.at(HOST, "/").bearer_auth(&ada)).await;
        assert!(by_token.status == 200 && !by_token.text().to_lowercase().contains("authorization"), "{}", by_token.text());
        let own = Reply::of(world.at(HOST, "/").header("cookie", &app).bearer_auth("of the app")).await;
        assert!(own.text().to_lowercase().contains("authorization: bearer of the app"), "{}", own.text());

        // No route of ours is on the host of an app, and no page of the app is on ours.
        for path in ["/api/v1/datasets", "/oauth/token", "/healthz", "/_app/x", "/metrics", "/ada/data.git/info/refs"] {
            let reply = Reply::of(world.at(HOST, path).header("cookie", &app)).await;
            assert!(reply.text().starts_with("GET "), "{path}: {}", reply.text());
            assert_eq!(Reply::of(world.at("apps.localhost", path)).await.status, 404, "{path}");
        }
        // The cookie of an app opens no route of ours.
        let value = app.split_once('=').unwrap().1;
        for cookie in [format!("rutter={value}"), app.clone(), format!("__Host-rutter={value}")] {
            let reply = world.server.http.get(format!("{}/api/v1/user", world.server.url)).header("cookie", cookie);
            assert_eq!(Reply::of(reply).await.status, 401);
        }

        // Others: an unknown app looks like one that is private.
        for host in [HOST, "nothing--ada.apps.localhost"] {
            assert_eq!(Reply::of(world.at(host, "/")).await.status, 401, "{host}");
            assert_eq!(Reply::of(world.at(host, "/").header("accept", "text/html")).await.status, 303, "{host}");
            let eve = if host == HOST { world.server.person("eve").await.token } else { world.server.token("eve", &[]).await };
            let refused = Reply::of(world.at(host, "/").bearer_auth(&eve)).await;
            assert_eq!(refused.status, 404);
            assert!(refused.text().contains("there is no such app, or you cannot use it"));
            let session = world.server.cookie("eve").await;
            assert_eq!(world.enter(&session, host, "/").await.unwrap_err().status, 404);
        }
        world.change(json!({ "visibility": "internal" })).await;
        let session = world.server.cookie("eve").await;
        let eves = world.enter(&session, HOST, "/").await.unwrap();
        let reply = Reply::of(world.at(HOST, "/").header("cookie", &eves)).await;
        assert!(reply.text().to_lowercase().contains("x-rutter-user: eve"));
        assert_eq!(Reply::of(world.at(HOST, "/")).await.status, 401);
        world.change(json!({ "visibility": "public" })).await;
        let anyone = Reply::of(world.at(HOST, "/").header("x-rutter-user", "ada")).await;
        assert!(anyone.status == 200 && !anyone.text().to_lowercase().contains("x-rutter-user"));
        // A public name.
        world.change(json!({ "host": "my-notes" })).await;
        assert_eq!(Reply::of(world.at("my-notes.apps.localhost", "/")).await.status, 200);
        // Also one by which clients look for the dataset viewer elsewhere.
        world.change(json!({ "host": "datasets-server" })).await;
        let reply = Reply::of(world.at("datasets-server.apps.localhost", "/rows?dataset=ada/x")).await;
        assert!(reply.text().starts_with("GET /rows?"), "{}", reply.text());
        world.change(json!({ "visibility": "private" })).await;
        assert_eq!(Reply::of(world.at(HOST, "/").header("cookie", &eves)).await.status, 404, "from the next request on");
    }
}

story! {
    /// Rule 28, and entering as someone else.
    async fn a_cookie_is_for_one_app_and_one_browser(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let session = world.running().await;
        let ada = world.server.token("ada", &[]).await;
        let body = json!({ "app": "notes", "name": "other", "digest": world.digest().await });
        assert_eq!(world.server.call(Some(&ada), "POST", "/api/v1/apps/ada", body).await.status, 202);
        let app = world.enter(&session, HOST, "/").await.unwrap();
        let other = Reply::of(world.at("other--ada.apps.localhost", "/").header("cookie", &app)).await;
        assert_eq!(other.status, 401);
        // Requests of pages of other origins do not count as the user's.
        let from = |name: &str, value: &str| world.at(HOST, "/").header("cookie", &app).header(name, value);
        let sibling = format!("http://other--ada.apps.localhost:{}", world.port());
        assert_eq!(Reply::of(from("origin", &sibling)).await.status, 401);
        assert_eq!(Reply::of(from("sec-fetch-site", "same-site")).await.status, 401);
        assert_eq!(Reply::of(from("sec-fetch-site", "same-origin")).await.status, 200);
        let (_, head) = world.web_socket(&app, &format!("Origin: {sibling}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 401"), "{head}");

        // The link of one browser does not sign another one in; and it works once.
        let opened = Reply::of(world.at(HOST, "/").header("accept", "text/html")).await;
        let state = super::cookie_of(&opened);
        let url = opened.header("location").strip_prefix(&world.server.url).unwrap().to_owned();
        let ours = Reply::of(world.server.request("GET", &url, Some(&session))).await;
        let path = ours.header("location").split_once(&format!("{HOST}:{}", world.port())).unwrap().1.to_owned();
        let victim = Reply::of(world.at(HOST, "/").header("accept", "text/html")).await;
        let taken = Reply::of(world.at(HOST, &path).header("cookie", super::cookie_of(&victim))).await;
        assert_eq!(taken.status, 403);
        for expected in [303, 403] {
            assert_eq!(Reply::of(world.at(HOST, &path).header("cookie", &state)).await.status, expected, "once");
        }
        for to in ["http://evil.example", "http://localhost", "http://apps.localhost:1", "javascript:alert(1)"] {
            let url = format!("/apps/open?to={to}&state={}", "0".repeat(64));
            assert_eq!(Reply::of(world.server.request("GET", &url, Some(&session))).await.status, 404, "{to}");
        }
        // Signing out ends it, and so does suspending.
        world.server.app.accounts.suspend(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(Reply::of(world.at(HOST, "/").header("cookie", &app)).await.status, 401);
        world.server.app.accounts.resume(&"ada".parse().unwrap()).await.unwrap();
    }
}

story! {
    /// Rules 30 and 31.
    async fn headers_cannot_be_smuggled(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let _ = world.running().await;
        world.change(json!({ "visibility": "public" })).await;
        let reply = Reply::of(world.at(HOST, "/").header("x-forwarded-for", "1.2.3.4").header("x-forwarded-host", "evil")).await;
        let text = reply.text().to_lowercase();
        assert!(text.contains("x-forwarded-for: 127.0.0.1") && !text.contains("evil"), "{text}");
        let reply = Reply::of(world.at(HOST, "/cookies")).await;
        let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["own=1; Path=/"]);
        let reply = Reply::of(world.at(HOST, "/headers")).await;
        assert!(!reply.headers.contains_key("alt-svc") && reply.headers["x-own"] == "1");
        assert!(!reply.headers.contains_key("clear-site-data"), "it deletes cookies of other hosts, too");
        assert!(!reply.headers.contains_key("content-security-policy"), "the policy of a page is the app's");

        // Two lengths are one request, whatever stands behind it.
        let raw = async |request: String| {
            let mut stream = TcpStream::connect(world.server.url.strip_prefix("http://").unwrap()).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
            String::from_utf8_lossy(&answer).into_owned()
        };
        let host = format!("{HOST}:{}", world.port());
        let both = raw(format!(
            "POST /one HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
             0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: {host}\r\n\r\n"
        )).await;
        let one = both.to_lowercase();
        assert!(!one.contains("content-length: 5\r\n") || one.contains("400"), "{both}");
        assert!(!(one.contains("post /one") && one.contains("transfer-encoding") && one.contains("content-length: 5")), "{both}");
        for bad in [
            format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
            format!("POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
            format!("POST / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"),
        ] {
            let answer = raw(bad.clone()).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{bad}: {answer}");
        }
    }
}

story! {
    async fn bodies_stream_both_ways(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let _ = world.running().await;
        world.change(json!({ "visibility": "public" })).await;
        let body = vec![7; 5 << 20];
        let url = format!("{}/echo", world.server.url);
        let host = format!("{HOST}:{}", world.port());
        let echoed = world.server.http.post(&url).header("host", &host).body(body.clone()).send().await.unwrap();
        assert_eq!(echoed.bytes().await.unwrap().as_ref(), &body[..]);
        // In chunks of unknown length.
        let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![8u8; 10_000])));
        let body = reqwest::Body::wrap_stream(chunks);
        let echoed = world.server.http.post(&url).header("host", &host).body(body).send().await.unwrap();
        assert_eq!(echoed.bytes().await.unwrap().len(), 1_000_000);
        // Events arrive while the response goes on.
        let mut events = world.at(HOST, "/events").send().await.unwrap();
        for _ in 0..3 {
            assert!(events.chunk().await.unwrap().unwrap().starts_with(b"data: x"));
        }
    }
}

story! {
    /// Rules 42 and 43.
    async fn a_web_socket_ends_with_its_session(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let session = world.running().await;
        let app = world.enter(&session, HOST, "/").await.unwrap();
        let (mut stream, head) = world.web_socket(&app, "").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let mut answer = [0; 8];
        // A ping frame, then a data frame.
        stream.write_all(&[0x89, 0x80, 1, 2, 3, 4]).await.unwrap();
        stream.read_exact(&mut answer[..6]).await.unwrap();
        stream.write_all(&[0x81, 0x82, 1, 2, 3, 4, 5, 6]).await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0x81, 0x82, 1, 2, 3, 4, 5, 6]);
        let mut events = world.at(HOST, "/events").header("cookie", &app).send().await.unwrap();
        assert!(events.chunk().await.unwrap().is_some());
        let reply = Reply::of(world.server.request("DELETE", "/api/v1/session", Some(&session))).await;
        assert!(reply.status < 300, "{}", reply.text());
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
        assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
        let drained = async { while let Ok(Some(_)) = events.chunk().await {} };
        tokio::time::timeout(Duration::from_secs(5), drained).await.expect("the events end, too");
    }
}

story! {
    async fn a_stopped_app_is_started_when_it_is_used(engine: Engine) {
        let world = World::start(engine, true, |_| {}).await;
        let session = world.running().await;
        let ada = world.server.token("ada", &[]).await;
        let want = async |wanted: &str| {
            let url = "/api/v1/apps/ada/notes/wanted";
            world.server.call(Some(&ada), "PUT", url, json!({ "wanted": wanted })).await;
            for _ in 0..200 {
                let shown = world.server.call(Some(&ada), "GET", "/api/v1/apps/ada/notes", Value::Null).await.json();
                if shown["state"] == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("not {wanted}");
        };
        let app = world.enter(&session, HOST, "/").await.unwrap();
        want("paused").await;
        assert_eq!(Reply::of(world.at(HOST, "/").header("cookie", &app)).await.status, 200, "waits for it");
        want("stopped").await;
        let page = Reply::of(world.at(HOST, "/").header("cookie", &app).header("accept", "text/html")).await;
        assert_eq!((page.status, page.header("retry-after")), (503, "2"));
        assert!(page.text().contains("The app is starting") && page.text().contains("http-equiv=\"refresh\""), "{}", page.text());
        for _ in 0..100 {
            let reply = Reply::of(world.at(HOST, "/").header("cookie", &app)).await;
            if reply.status == 200 {
                return;
            }
            assert_eq!(reply.status, 503);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it does not start");
    }
}

story! {
    /// Rule 29: apps that share a host.
    async fn on_a_shared_host_only_the_owner_passes(engine: Engine) {
        let world = World::start(engine, true, |config| config.apps.wildcard = false).await;
        let session = world.running().await;
        let host = "apps.localhost";
        let app = world.enter(&session, host, "/user/ada/notes/x").await.unwrap();
        let reply = Reply::of(world.at(host, "/user/ada/notes/x?y").header("cookie", &app)).await;
        assert!(reply.text().starts_with("GET /x?y "), "{}", reply.text());
        assert!(reply.text().to_lowercase().contains("x-forwarded-prefix: /user/ada/notes"));
        let reply = Reply::of(world.at(host, "/user/ada/notes/cookies").header("cookie", &app)).await;
        assert_eq!(reply.header("set-cookie"), "own=1; Path=/user/ada/notes/");
        let reply = Reply::of(world.at(host, "/user/ada/notes/headers").header("cookie", &app)).await;
        for name in ["service-worker-allowed", "clear-site-data"] {
            assert!(!reply.headers.contains_key(name), "{name}");
        }
        let reply = Reply::of(world.at(host, "/user/ada/notes").header("cookie", &app)).await;
        assert_eq!((reply.status, reply.header("location")), (303, "/user/ada/notes/"));
        let reply = Reply::of(world.at(host, "/app/ada/notes/x").header("cookie", &app)).await;
        assert!(reply.status == 303 && reply.header("location").ends_with("/user/ada/notes/x"));
        // Whatever its visibility.
        world.change(json!({ "visibility": "public" })).await;
        assert_eq!(Reply::of(world.at(host, "/user/ada/notes/")).await.status, 404);
        let eve = world.server.person("eve").await;
        assert_eq!(Reply::of(world.at(host, "/user/ada/notes/").bearer_auth(&eve.token)).await.status, 404);
        for path in ["/", "/user", "/user/ada", "/api/v1/user", "/user/ada/notes/../../../api"] {
            let status = Reply::of(world.at(host, path)).await.status;
            assert!([401, 404].contains(&status), "{path}: {status}");
        }
    }
}
