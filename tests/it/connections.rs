//! Connections that are of no use, and clients that are slow on purpose: nobody else has to wait for them.

use std::time::{Duration, Instant};

use rutter::config::{Config, Rates};
use rutter::types::Visibility;
use serde_json::json;

use crate::api::{Reply, Wire};
use crate::harness::{Engine, Person, Server, noise};

async fn server(change: impl FnOnce(&mut Config)) -> Server {
    Server::start_with(Engine::Sqlite, change).await
}

/// Beginnings of connections that never become a request.
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
            let mut wire = Wire::open(server).await;
            wire.send(beginning).await;
            let began = Instant::now();
            wire.rest().await;
            (String::from_utf8_lossy(beginning).into_owned(), began.elapsed())
        }
    });
    for (beginning, open) in futures::future::join_all(silent).await {
        assert!(open < Duration::from_secs(20), "{beginning:?} {open:?}");
    }
    // Pings are answered, and are no use of it either.
    let mut pings = Wire::open(&server).await;
    pings.send(BEGINNINGS[4]).await;
    let began = Instant::now();
    while pings.try_send(&BEGINNINGS[4][33..]).await {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // One that is used goes on.
    let mut used = Wire::open(&server).await;
    for _ in 0..8 {
        used.request("GET", "/healthz", &[]).await;
        assert_eq!(used.reply().await.0, 200);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_many_connections_is_in_nobodys_way() {
    let server = server(|config| config.rates.connections_address = Some(8)).await;
    let mut first = Wire::open(&server).await;
    let mut silent = Vec::new();
    for number in 0..40 {
        let mut wire = Wire::open(&server).await;
        wire.send(BEGINNINGS[number % BEGINNINGS.len()]).await;
        silent.push(wire);
    }
    // The oldest made room, and so it goes on for whoever comes from the same address.
    let began = Instant::now();
    first.rest().await;
    for _ in 0..5 {
        let mut fresh = Wire::open(&server).await;
        fresh.request("GET", "/healthz", &[]).await;
        assert_eq!(fresh.reply().await.0, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_trusted_may_have_all_connections_but_those_of_others() {
    let server = server(|config| {
        config.rates.connections_address = Some(2);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut wires = Vec::new();
    for _ in 0..10 {
        wires.push(Wire::open(&server).await);
    }
    for wire in &mut wires {
        wire.request("GET", "/healthz", &[]).await;
        assert_eq!(wire.reply().await.0, 200);
    }
}

/// Ada has a public dataset whose pack is larger than what lies between a server and a client that does not read.
async fn furnished(server: &Server) -> (Person, String) {
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

/// Somebody who asks for all of it.
async fn fetch(server: &Server, head: &str, headers: &[&str]) -> Wire {
    let body = format!("0032want {head}\n00000009done\n");
    let length = format!("Content-Length: {}", body.len());
    let mut wire = Wire::open(server).await;
    wire.request("POST", "/ada/large.git/git-upload-pack", &[&[FETCH, &length], headers].concat()).await;
    wire.send(body).await;
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_read_a_pack_slowly_hold_no_git_process() {
    let server = server(|config| config.limits.git_processes = 2).await;
    let (ada, head) = furnished(&server).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(fetch(&server, &head, &["Connection: close"]).await);
    }
    let began = Instant::now();
    let clone = server.clone(&ada, "ada/large", "clone");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(clone.read("large.txt").len(), 24 << 20);
    drop(clone);
    // Those who come back get all that they asked for.
    for wire in &mut slow {
        assert_eq!(wire.head().await.0, 200);
        assert!(wire.rest().await > 24 << 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_has_all_git_processes() {
    let server = server(|config| {
        config.limits.git_processes = 2;
        config.rates.git_address = Some(1);
        // Nothing can wait on disk, so that who does not read holds a process.
        config.limits.cache_bytes = 0;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (ada, head) = furnished(&server).await;
    let mut first = fetch(&server, &head, &["X-Forwarded-For: 2001:db8:1::1"]).await;
    assert_eq!(first.head().await.0, 200);
    // From the same site one more has to wait.
    let mut second = fetch(&server, &head, &["X-Forwarded-For: 2001:db8:1:2::1"]).await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), second.head()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    let other = server.clone(&ada, "ada/large", "clone");
    assert_eq!(other.read("large.txt").len(), 24 << 20);
    drop(first);
    assert_eq!(second.head().await.0, 200, "what has ended makes room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_drips_holds_no_git_process() {
    let server = server(|config| config.limits.git_processes = 1).await;
    let (ada, _) = furnished(&server).await;
    let authorization = format!("Authorization: Bearer {}", ada.token);
    let (none, new) = ("0".repeat(40), "1".repeat(40));
    let command = format!("{none} {new} refs/heads/x\0 report-status");
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::open(&server).await;
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
    // What is sent to its end is looked at, and refused with a reason.
    let mut wire = slow.pop().unwrap();
    wire.send(vec![b'x'; 5_000_000 - command.len() - 4 - 4 - 4]).await;
    let (status, _) = wire.head().await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_nothing_that_he_may_have_gets_no_signature() {
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
