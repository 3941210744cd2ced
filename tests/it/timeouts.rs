//! Timeouts: clients that stall, or nearly so, release their slots.

use std::time::{Duration, Instant};

use rutter::types::Visibility;
use rutter_testing::{Engine, LFS_JSON, Person, RawConnection, Reply, Server, eventually, story};
use serde_json::json;

/// More than all buffers between the server's file and a client on this machine.
const LARGE: usize = 48 << 20;

/// A server with one transfer slot and short timeouts.
async fn server_with_short_timeouts(engine: Engine) -> (Server, Person) {
    let server = Server::start_with(engine, |config| {
        (config.limits.transfers, config.limits.idle_timeout) = (1, 1);
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    (server, ada)
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    Reply::of(request).await.status
}

story! {
    on(sqlite) async fn a_download_that_is_not_read_is_aborted(engine: Engine) {
        let (server, ada) = server_with_short_timeouts(engine).await;
        let (large, small) = (vec![7; LARGE], b"small".to_vec());
        server.upload(&ada.token, "ada/data", &large).await;
        server.upload(&ada.token, "ada/data", &small).await;
        let href = server.download_url(&ada.token, "ada/data", &large).await;
        let other = server.download_url(&ada.token, "ada/data", &small).await;
        let mut stalled = RawConnection::open(&server).await;
        stalled.request("GET", &href, &[]).await;
        assert_eq!(stalled.head().await.0, 200);
        assert_eq!(status(server.http.get(&other)).await, 429, "the only place is taken");
        eventually("the place is free again", async || status(server.http.get(&other)).await == 200).await;
        // The connection ended in the middle.
        assert!(stalled.read_to_end().await < large.len());
    }
}

story! {
    on(sqlite) async fn a_slow_reader_gets_everything(engine: Engine) {
        let (server, ada) = server_with_short_timeouts(engine).await;
        let large = vec![7; LARGE];
        server.upload(&ada.token, "ada/data", &large).await;
        let href = server.download_url(&ada.token, "ada/data", &large).await;
        let mut slow = RawConnection::open(&server).await;
        slow.request("GET", &href, &["Connection: close"]).await;
        assert_eq!(slow.head().await.0, 200);
        let mut read = 0;
        // Far longer than the timeout in total, and never that long without a byte.
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            read += slow.read_at_least(4 << 20).await;
        }
        assert_eq!(read + slow.read_to_end().await, large.len());
    }
}

story! {
    on(sqlite) async fn an_http2_stream_without_window_is_aborted(engine: Engine) {
        use http_body_util::{BodyExt as _, Empty};
        use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

        let (server, ada) = server_with_short_timeouts(engine).await;
        let (large, small) = (vec![7; 1 << 20], b"small".to_vec());
        server.upload(&ada.token, "ada/data", &large).await;
        server.upload(&ada.token, "ada/data", &small).await;
        let href = server.download_url(&ada.token, "ada/data", &large).await;
        let other = server.download_url(&ada.token, "ada/data", &small).await;
        let host = server.url.strip_prefix("http://").unwrap();
        let socket = TokioIo::new(tokio::net::TcpStream::connect(host).await.unwrap());
        // The connection stays alive: it answers pings, and has window for other streams.
        let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        client.timer(TokioTimer::new()).initial_stream_window_size(1000).initial_connection_window_size(1 << 20);
        let (mut client, connection) = client.handshake(socket).await.unwrap();
        tokio::spawn(connection);
        let get = |url: &str| hyper::Request::get(url).body(Empty::<bytes::Bytes>::new()).unwrap();
        let stalled = client.send_request(get(&href)).await.unwrap();
        assert_eq!(stalled.status(), 200);
        assert_eq!(status(server.http.get(&other)).await, 429, "the only place is taken");
        eventually("the place is free again", async || status(server.http.get(&other)).await == 200).await;
        // The connection is as good as before, and the stream ends with an error.
        let fresh = client.send_request(get(&other)).await.unwrap();
        assert_eq!(fresh.into_body().collect().await.unwrap().to_bytes(), small);
        assert!(stalled.into_body().collect().await.is_err());
    }
}

story! {
    on(sqlite) async fn a_very_slow_upload_is_aborted(engine: Engine) {
        let (server, ada) = server_with_short_timeouts(engine).await;
        let (bytes, small) = (vec![7; 100_000], b"small".to_vec());
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let (other, _) = server.upload_urls(&ada.token, "ada/data", &small).await;
        let mut slow = RawConnection::open(&server).await;
        slow.request("PUT", &upload, &["Content-Length: 100000", "Expect: 100-continue"]).await;
        assert_eq!(slow.head().await.0, 100);
        // Never silent for as long as the server would wait.
        let began = Instant::now();
        let dripping = async {
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                if !slow.try_send(b"x").await {
                    break;
                }
            }
        };
        let freed = eventually("the place is free again", async || {
            status(server.http.put(&other).body(small.clone())).await == 200
        });
        tokio::select! { () = dripping => {}, () = freed => {} }
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        assert_eq!(slow.head().await.0, 400);
        assert_eq!(status(server.http.put(&other).body(small.clone())).await, 200);
    }
}

story! {
    on(sqlite) async fn small_bodies_have_a_short_timeout(engine: Engine) {
        let (server, ada) = server_with_short_timeouts(engine).await;
        let authorization = format!("Authorization: Bearer {}", ada.token);
        let media = format!("Content-Type: {LFS_JSON}");
        let headers = [authorization.as_str(), &media, "Content-Length: 1000"];
        for path in ["objects/batch", "locks", "locks/verify"] {
            let mut silent = RawConnection::open(&server).await;
            silent.request("POST", &format!("/ada/data.git/info/lfs/{path}"), &headers).await;
            silent.send("{").await;
            let (status, head, body) = silent.reply().await;
            assert_eq!(status, 400, "{path}");
            assert!(head.contains(LFS_JSON), "{head}");
            assert!(String::from_utf8_lossy(&body).contains("the client sent nothing"), "{path}");
        }
    }
}

story! {
    on(sqlite) async fn a_verification_without_its_body_holds_no_slot(engine: Engine) {
        let (server, ada) = server_with_short_timeouts(engine).await;
        let bytes = b"to be verified".to_vec();
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        assert_eq!(status(server.http.put(&upload).body(bytes.clone())).await, 200);
        let proof = json!({"oid": lfs::Oid::of(&bytes), "size": bytes.len()}).to_string();
        let length = format!("Content-Length: {}", proof.len());
        let mut slow = RawConnection::open(&server).await;
        slow.request("POST", &verify, &[&format!("Content-Type: {LFS_JSON}"), &length]).await;
        slow.send(&proof[..5]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        assert_eq!(status(server.http.get(&href)).await, 200, "the place is not taken");
        slow.send(&proof[5..]).await;
        assert_eq!(slow.reply().await.0, 200);
        // A URL that is no good is refused before the body.
        let mut forged = RawConnection::open(&server).await;
        forged.request("POST", "/_lfs/forged", &[&format!("Content-Type: {LFS_JSON}"), &length]).await;
        assert_eq!(forged.reply().await.0, 403);
    }
}

story! {
    on(sqlite) async fn a_client_refused_while_sending_gets_the_answer(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let bytes = vec![7; 1000];
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        for _ in 0..10 {
            let reply = Reply::of(server.http.put(&upload).body(vec![7; 4 << 20])).await;
            assert_eq!((reply.status, reply.header("content-type")), (422, LFS_JSON));
            // What was sent of the body is in the way of a next request.
            assert_eq!(reply.header("connection"), "close");
        }
    }
}
