//! Idle connections, and clients that are slow on purpose: other clients do not have to wait for them.

use std::time::{Duration, Instant};

use rutter::config::{Config, Rates};
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, RawConnection, Reply, Server, noise};
use serde_json::json;

async fn server(change: impl FnOnce(&mut Config)) -> Server {
    Server::start_with(Engine::Sqlite, change).await
}

/// First bytes of connections that never send a request.
const BEGINNINGS: [&[u8]; 5] = [
    b"",
    b"PRI * HT",
    b"GET /healthz HTTP/1.1\r\nHost: exa",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    // Settings, and a ping.
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_closed() {
    let server = server(|config| config.limits.idle_timeout = 1).await;
    let silent = BEGINNINGS.map(|beginning| {
        let server = &server;
        async move {
            let mut wire = RawConnection::open(server).await;
            wire.send(beginning).await;
            let began = Instant::now();
            wire.read_to_end().await;
            (String::from_utf8_lossy(beginning).into_owned(), began.elapsed())
        }
    });
    for (beginning, open) in futures::future::join_all(silent).await {
        assert!(open < Duration::from_secs(20), "{beginning:?} {open:?}");
    }
    // Pings are answered, and do not count as use.
    let mut pings = RawConnection::open(&server).await;
    pings.send(BEGINNINGS[4]).await;
    let began = Instant::now();
    while pings.try_send(&BEGINNINGS[4][33..]).await {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // A connection in use stays open.
    let mut used = RawConnection::open(&server).await;
    for _ in 0..8 {
        used.request("GET", "/healthz", &[]).await;
        assert_eq!(used.reply().await.0, 200);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_many_connections_does_not_block_others() {
    let server = server(|config| config.rates.connections_address = Some(8)).await;
    let mut first = RawConnection::open(&server).await;
    let mut silent = Vec::new();
    for number in 0..40 {
        let mut wire = RawConnection::open(&server).await;
        wire.send(BEGINNINGS[number % BEGINNINGS.len()]).await;
        silent.push(wire);
    }
    // The oldest was closed, and so on for each new connection from the same address.
    let began = Instant::now();
    first.read_to_end().await;
    for _ in 0..5 {
        let mut fresh = RawConnection::open(&server).await;
        fresh.request("GET", "/healthz", &[]).await;
        assert_eq!(fresh.reply().await.0, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_use_all_connections_except_those_of_others() {
    let server = server(|config| {
        config.rates.connections_address = Some(2);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut wires = Vec::new();
    for _ in 0..10 {
        wires.push(RawConnection::open(&server).await);
    }
    for wire in &mut wires {
        wire.request("GET", "/healthz", &[]).await;
        assert_eq!(wire.reply().await.0, 200);
    }
}

/// Ada has a public dataset whose pack is larger than what lies between a server and a client that does not read.
async fn public_dataset(server: &Server) -> (Person, String) {
    let ada = server.person("ada").await;
    server.dataset("ada/large", Visibility::Public).await;
    server.dataset("ada/small", Visibility::Public).await;
    let tree = server.tree("ada");
    tree.write("large.txt", noise(1, 24 << 20));
    let head = tree.commit("Large");
    tree.git(&["push", "-q", &server.remote(&ada, "ada/large"), "main"]);
    (ada, head)
}

const FETCH: &str = "Content-Type: application/x-git-upload-pack-request";
const PUSH: &str = "Content-Type: application/x-git-receive-pack-request";

/// A fetch of everything.
async fn fetch(server: &Server, head: &str, headers: &[&str]) -> RawConnection {
    let body = format!("0032want {head}\n00000009done\n");
    let length = format!("Content-Length: {}", body.len());
    let mut wire = RawConnection::open(server).await;
    wire.request("POST", "/ada/large.git/git-upload-pack", &[&[FETCH, &length], headers].concat()).await;
    wire.send(body).await;
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_a_pack_hold_no_git_process() {
    let server = server(|config| config.limits.git_processes = 2).await;
    let (ada, head) = public_dataset(&server).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(fetch(&server, &head, &["Connection: close"]).await);
    }
    let began = Instant::now();
    let clone = server.clone(&ada, "ada/large", "clone");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(clone.read("large.txt").len(), 24 << 20);
    drop(clone);
    // Clients that retry get everything.
    for wire in &mut slow {
        assert_eq!(wire.head().await.0, 200);
        assert!(wire.read_to_end().await > 24 << 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_use_all_git_processes() {
    let server = server(|config| {
        config.limits.git_processes = 2;
        config.rates.git_address = Some(1);
        // Nothing can wait on disk, so that a client that does not read holds a process.
        config.limits.cache_bytes = 0;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (ada, head) = public_dataset(&server).await;
    let mut first = fetch(&server, &head, &["X-Forwarded-For: 2001:db8:1::1"]).await;
    assert_eq!(first.head().await.0, 200);
    // One more from the same network has to wait.
    let mut second = fetch(&server, &head, &["X-Forwarded-For: 2001:db8:1:2::1"]).await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), second.head()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    let other = server.clone(&ada, "ada/large", "clone");
    assert_eq!(other.read("large.txt").len(), 24 << 20);
    drop(first);
    assert_eq!(second.head().await.0, 200, "what has ended makes room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_push_holds_no_git_process() {
    let server = server(|config| config.limits.git_processes = 1).await;
    let (ada, _) = public_dataset(&server).await;
    let authorization = format!("Authorization: Bearer {}", ada.token);
    let (none, new) = ("0".repeat(40), "1".repeat(40));
    let command = format!("{none} {new} refs/heads/x\0 report-status");
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut wire = RawConnection::open(&server).await;
        let headers = [authorization.as_str(), PUSH, "Content-Length: 5000000"];
        wire.request("POST", "/ada/small.git/git-receive-pack", &headers).await;
        wire.send(format!("{:04x}{command}0000PACK", command.len() + 4)).await;
        slow.push(wire);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let tree = server.tree("other");
    tree.write("a.txt", "a");
    tree.commit("A");
    let began = Instant::now();
    tree.git(&["push", "-q", &server.remote(&ada, "ada/small"), "main"]);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // A complete request is checked, and refused with a reason.
    let mut wire = slow.pop().unwrap();
    wire.send(vec![b'x'; 5_000_000 - command.len() - 4 - 4 - 4]).await;
    let (status, _) = wire.head().await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_any_granted_object_are_not_signed() {
    let server = server(|config| config.rates = Rates { address: 200, burst_seconds: 1, ..Rates::off() }).await;
    server.person("ada").await;
    server.dataset("ada/open", Visibility::Public).await;
    server.dataset("ada/own", Visibility::Private).await;
    let ask = async |scope: &str| {
        let request = server.request("POST", "/api/3/action/authz_authorize", None);
        let body = json!({"scopes": [scope]}).to_string();
        Reply::of(request.header("content-type", "application/json").body(body)).await
    };
    let nothing = ask("ds:ada/own:read").await;
    assert_eq!(nothing.status, 200, "{}", nothing.text());
    let nothing = nothing.json()["result"].clone();
    assert_eq!((&nothing["token"], &nothing["expires_at"]), (&json!(null), &json!(null)));
    assert_eq!(nothing["granted_scopes"], json!([]));
    // A signature costs as much as a fetch.
    let mut signed = 0;
    while signed < 20 {
        let reply = ask("obj:ada/open/*:read").await;
        if reply.status == 429 {
            break;
        }
        assert!(reply.json()["result"]["token"].is_string(), "{}", reply.text());
        signed += 1;
    }
    assert!((2..6).contains(&signed), "{signed}");
}
