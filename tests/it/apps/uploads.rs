//! Uploads through the proxy, with every byte of the client and of the app under control of the test.

use std::time::Duration;

use rutter_testing::story;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::World;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server with a public app, whose connections the test accepts.
struct Uploads {
    world: World,
    app: TcpListener,
}

impl Uploads {
    async fn start(engine: rutter_testing::Engine) -> Self {
        let world = World::start(engine, true, |_| {}).await;
        let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = app.local_addr().unwrap();
        let manifest = format!(
            "name = \"raw\"\ntitle = \"Raw\"\nkind = \"service\"\nupstream = \"http://{upstream}\"\nwidest = \"public\""
        );
        world.add(&manifest).await;
        let admin = &world.admin;
        let body = json!({ "app": "raw", "name": "raw" });
        world.server.ok(admin, "POST", "/api/v1/apps/adam", body).await;
        world.until(admin, "raw", "running").await;
        world.server.ok(admin, "PATCH", "/api/v1/apps/adam/raw", json!({ "visibility": "public" })).await;
        Self { world, app }
    }

    /// Sends the head of an upload, with further lines, and what follows it.
    async fn upload(&self, lines: &str, body: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.world.server.url.strip_prefix("http://").unwrap()).await.unwrap();
        let host = format!("raw--adam.apps.localhost:{}", self.world.port());
        let head = format!("POST /x HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n\r\n{body}");
        client.write_all(head.as_bytes()).await.unwrap();
        client
    }

    /// Accepts a connection, and reads the head of a request.
    async fn accept(&self) -> TcpStream {
        let (mut app, _) = in_time(self.app.accept()).await.unwrap();
        assert!(head(&mut app).await.starts_with("post /x http/1.1\r\n"));
        app
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("something comes in time")
}

/// Reads a head, in lower case.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(in_time(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// Reads until the other end closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    _ = in_time(stream.read_to_end(&mut rest)).await;
    String::from_utf8(rest).unwrap().to_ascii_lowercase()
}

story! {
    on(sqlite) async fn a_fault_of_the_client_is_none_of_the_app(engine: Engine) {
        let uploads = Uploads::start(engine).await;
        for (lines, body) in [
            ("Content-Length: 10", "hello"),
            ("Transfer-Encoding: chunked", "5\r\nhello\r\n"),
            ("Transfer-Encoding: chunked", "5\r\nhello\r\nxyz\r\nhello\r\n"),
            ("Transfer-Encoding: chunked", "5\r\nhello!!\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked", "fffffffffffffffff\r\nhello"),
        ] {
            let mut client = uploads.upload(lines, body).await;
            let (mut app, _) = in_time(uploads.app.accept()).await.unwrap();
            if !body.contains("xyz") {
                // The client has nothing more to send, but still reads.
                client.shutdown().await.unwrap();
            }
            // If the body is wrong from the start, not even the head has to reach the app.
            let received = rest(&mut app).await;
            assert!(!received.ends_with("0\r\n\r\n"), "the app must not take it for complete: {received:?}");
            let answer = rest(&mut client).await;
            assert!(answer.starts_with("http/1.1 400 "), "{lines} {body:?}: {answer}");
            assert!(answer.contains("connection: close") && answer.contains("the body of the request"), "{answer}");
        }
        // The app's own fault.
        let mut client = uploads.upload("Content-Length: 5", "hello").await;
        drop(uploads.accept().await);
        let answer = head(&mut client).await;
        assert!(answer.starts_with("http/1.1 502 "), "{answer}");
        // The server and the app go on.
        let mut client = uploads.upload("Content-Length: 5", "hello").await;
        let mut app = uploads.accept().await;
        app.write_all(OK.as_bytes()).await.unwrap();
        assert!(head(&mut client).await.starts_with("http/1.1 200 "));
    }
}

story! {
    on(sqlite) async fn an_app_decides_before_a_body_is_sent(engine: Engine) {
        let uploads = Uploads::start(engine).await;
        let expecting = "Expect: 100-continue\r\nContent-Length: 5";

        // It refuses: the client is not asked to send anything, and the connection to the app is not used again.
        let mut client = uploads.upload(expecting, "").await;
        let mut app = uploads.accept().await;
        app.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
        let answer = rest(&mut client).await;
        assert!(answer.starts_with("http/1.1 403 ") && answer.ends_with("\r\n\r\nno"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert_eq!(rest(&mut app).await, "");
        drop(app);

        // It accepts.
        let mut client = uploads.upload(expecting, "").await;
        let mut app = uploads.accept().await;
        let early = tokio::time::timeout(Duration::from_millis(200), client.read_u8()).await;
        assert!(early.is_err(), "the app has not decided: {early:?}");
        app.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        assert!(head(&mut client).await.starts_with("http/1.1 100 "));
        client.write_all(b"hello").await.unwrap();
        let mut body = [0; 5];
        in_time(app.read_exact(&mut body)).await.unwrap();
        assert_eq!(&body, b"hello");
        app.write_all(OK.as_bytes()).await.unwrap();
        let answer = head(&mut client).await;
        assert!(answer.starts_with("http/1.1 200 ") && !answer.contains("connection: close"), "{answer}");
        // Both connections are used again.
        let again = "\r\nPOST /x HTTP/1.1\r\nHost: raw--adam.apps.localhost\r\nContent-Length: 2\r\n\r\nhi";
        client.read_exact(&mut body[..2]).await.unwrap();
        client.write_all(again.trim_start().as_bytes()).await.unwrap();
        assert!(head(&mut app).await.starts_with("post /x "));
        in_time(app.read_exact(&mut body[..2])).await.unwrap();
        app.write_all(OK.as_bytes()).await.unwrap();
        assert!(head(&mut client).await.starts_with("http/1.1 200 "));
        drop(app);

        // It answers while it reads.
        let mut client = uploads.upload(expecting, "").await;
        let mut app = uploads.accept().await;
        app.write_all(OK.as_bytes()).await.unwrap();
        assert!(head(&mut client).await.starts_with("http/1.1 200 "));
        client.write_all(b"hello").await.unwrap();
        let mut body = [0; 5];
        in_time(app.read_exact(&mut body)).await.unwrap();
        assert_eq!(&body, b"hello");
        drop(app);

        // It does not know of this.
        let mut client = uploads.upload("Expect: 100-continue\r\nTransfer-Encoding: chunked", "").await;
        let mut app = uploads.accept().await;
        assert!(head(&mut client).await.starts_with("http/1.1 100 "));
        client.write_all(b"5\r\nhello\r\n0\r\n\r\n").await.unwrap();
        let mut body = [0; 15];
        in_time(app.read_exact(&mut body)).await.unwrap();
        assert_eq!(&body, b"5\r\nhello\r\n0\r\n\r\n");
        app.write_all(OK.as_bytes()).await.unwrap();
        assert!(head(&mut client).await.starts_with("http/1.1 200 "));

        drop(app);

        // The client goes away while it waits.
        let client = uploads.upload(expecting, "").await;
        let mut app = uploads.accept().await;
        drop(client);
        assert_eq!(rest(&mut app).await, "");
    }
}
