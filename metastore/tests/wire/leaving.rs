//! Clients that disconnect in the middle of a request.

use std::{process::Stdio, time::Duration};

use metastore::{
    Error,
    wire::{self, Protocol},
};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    client::{Desk, git, lines, noise},
    raw,
    server::{Rules, Server},
};

/// Waits until a process of this name runs for the server.
async fn wait_for(server: &Server, name: &str) {
    for _ in 0..1000 {
        if server.children().iter().any(|child| child.line.contains(name)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no {name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_11_a_push_whose_client_is_killed_leaves_nothing() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    for number in 0..3 {
        work.write(&format!("{number}.bin"), noise(8 << 20, number));
    }
    work.commit("b.txt", "two\n").await;
    // Compression slows the client down.
    work.git(["config", "core.compression", "9"]).await;
    let before = server.state();
    for _ in 0..3 {
        let mut command = git(&work.path);
        command.args(["push", "-q", "origin", "main"]).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("git");
        let group = Pid::from_raw(i32::try_from(child.id().expect("it runs")).expect("a pid")).expect("a pid");
        wait_for(&server, "index-pack").await;
        kill_process_group(group, Signal::KILL).expect("killed");
        child.wait().await.expect("gone");
        // No handler, no index-pack, no quarantine, no ref.
        server.settle().await;
        assert_eq!(server.state(), before);
    }
    work.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.target("refs/heads/main"), Some(work.head().await));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_4_e_a_fetch_whose_client_leaves_ends_its_child_and_grandchild() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    // Similar files in separate packs, so that a fetch makes the server search for deltas: seconds without output.
    for number in 0..10 {
        let alike = lines(250_000, |line| format!("{line},{}", (line * 7919 + number * 31) % 100_003));
        work.commit(&format!("{number}.csv"), alike).await;
        work.git(["-c", "pack.window=0", "push", "-q", "origin", "main"]).await;
    }
    let head = work.head().await;
    server.settle().await;
    let stream = raw::open_fetch(server.address(), &head).await;
    wait_for(&server, "pack-objects").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(server.children().iter().any(|child| child.line.contains("pack-objects")), "it was too fast");
    drop(stream);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(server.children().is_empty(), "{:?}", server.children());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_whose_client_is_killed_leaves_nothing() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("big.bin", noise(40 << 20, 3)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    for number in 0..3 {
        let mut command = git(desk.path());
        command.args(["clone", "-q", &server.url(), &format!("c{number}")]).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("git");
        let group = Pid::from_raw(i32::try_from(child.id().expect("it runs")).expect("a pid")).expect("a pid");
        wait_for(&server, "upload-pack").await;
        kill_process_group(group, Signal::KILL).expect("killed");
        child.wait().await.expect("gone");
        server.settle().await;
    }
    server.finish().await;
}

/// A server with one slot, a pack of 4 MiB, and a client that fetches it and reads only the beginning.
async fn stalled(cache_bytes: Option<u64>) -> (Server, Desk, impl AsyncFn() -> metastore::Result<Blocks>, Blocks) {
    use futures::StreamExt;
    let server = Server::with(Rules { max_concurrent_packs: 1, cache_bytes, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("big.bin", noise(4 << 20, 3)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let snapshot = server.snapshot().await;
    let fetch = async move || {
        let request = std::io::Cursor::new(raw::fetch_request(&head));
        let blocks = wire::upload_pack(&snapshot, Protocol::V0, request, raw::anybody()).await?;
        Ok(Box::pin(blocks) as Blocks)
    };
    let mut stalled = fetch().await.expect("an answer");
    assert!(stalled.next().await.is_some());
    (server, desk, fetch, stalled)
}

type Blocks = std::pin::Pin<Box<dyn futures::Stream<Item = std::io::Result<bytes::Bytes>> + Send>>;

async fn length(blocks: Blocks) -> std::io::Result<usize> {
    futures::TryStreamExt::try_fold(blocks, 0, async |sum, block| Ok(sum + block.len())).await
}

#[tokio::test]
async fn a_client_that_takes_nothing_gives_its_place_to_the_next_one_and_gets_the_rest_from_disk() {
    let (server, _desk, fetch, stalled) = stalled(None).await;
    let maintained = tokio::time::timeout(Duration::from_secs(60), server.snapshot().await.fsck()).await;
    assert!(maintained.expect("maintenance does not wait for clients").expect("fsck").is_empty());
    let began = tokio::time::Instant::now();
    for _ in 0..3 {
        let next = fetch().await.expect("an answer");
        assert!(length(next).await.expect("bytes") > 4 << 20);
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(server.children().is_empty(), "{:?}", server.children());
    assert!(length(stalled).await.expect("all of it") > 4 << 20);
    server.finish().await;
}

#[tokio::test]
async fn where_the_disk_has_no_room_a_client_that_takes_nothing_is_cut_off() {
    let (server, _desk, fetch, stalled) = stalled(Some(4 << 20)).await;
    // From here on, time advances whenever everything is idle.
    tokio::time::pause();
    assert!(matches!(fetch().await, Err(Error::Busy(_))), "a request that waits too long is rejected");
    let next = loop {
        match fetch().await {
            Err(Error::Busy(_)) => {}
            other => break other.expect("an answer"),
        }
    };
    assert!(length(next).await.expect("bytes") > 4 << 20);
    // The truncated response must not look complete.
    length(stalled).await.expect_err("an end in the middle");
    tokio::time::resume();
    server.finish().await;
}
