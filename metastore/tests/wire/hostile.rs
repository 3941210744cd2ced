//! Malformed and malicious requests.

use std::time::Duration;

use metastore::{
    Error,
    wire::{self, Progress, Protocol, Push, PushHead, ReceiveLimits},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    client::{Clone, Desk, noise, table},
    raw::{self, Answer, ZERO, commands, empty_pack, packet},
    server::{Rules, Server},
};

async fn push(server: &Server, lines: &[(&str, &str, &str)], pack: &[u8]) -> Answer {
    let mut body = commands(lines);
    body.extend_from_slice(pack);
    raw::post(server.address(), "git-receive-pack", "", &body).await
}

/// Creates a working copy with one commit, the same commit on the server, and a second one only in the working copy.
async fn prepared(server: &Server, desk: &Desk) -> (Clone, String, String) {
    let work = desk.init("work", &server.url()).await;
    let first = work.commit("a.txt", noise(3000, 1)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let second = work.commit("b.txt", noise(3000, 2)).await;
    (work, first, second)
}

async fn pack_of(work: &Clone, revisions: &str) -> Vec<u8> {
    work.pipe(["pack-objects", "--revs", "--stdout", "-q"], revisions.as_bytes()).await
}

/// Replaces the trailer of the pack with a matching one.
fn resealed(mut pack: Vec<u8>) -> Vec<u8> {
    pack.truncate(pack.len() - 20);
    let mut hasher = gix_hash();
    hasher.update(&pack);
    pack.extend_from_slice(hasher.try_finalize().expect("no collision").as_slice());
    pack
}

fn gix_hash() -> gix::hash::Hasher {
    gix::hash::hasher(gix::hash::Kind::Sha1)
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_packs_are_refused_with_a_reason() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (work, first, second) = prepared(&server, &desk).await;
    let good = pack_of(&work, &format!("{second}\n^{first}\n")).await;
    let mut wrong_checksum = good.clone();
    *wrong_checksum.last_mut().expect("a byte") ^= 1;
    let mut damaged = good.clone();
    damaged[40] ^= 0x55;
    let mut version = good.clone();
    version[7] = 9;
    let mut too_many = good.clone();
    too_many[11] += 1;
    let before = server.state();
    for (what, pack, expected) in [
        ("nothing at all", vec![], "is truncated"),
        ("cut in the header", good[..7].to_vec(), "is truncated"),
        ("cut in an object", good[..good.len() / 2].to_vec(), "is truncated"),
        ("without its checksum", good[..good.len() - 20].to_vec(), "is truncated"),
        ("garbage", noise(5000, 9), "not a pack"),
        ("text", b"<html>hello</html>\n".repeat(100), "not a pack"),
        ("another version", resealed(version), "version"),
        ("a wrong checksum", wrong_checksum, "checksum"),
        ("a damaged object", resealed(damaged), "the pack"),
        ("fewer objects than it says", resealed(too_many), "the pack"),
    ] {
        let answer = push(&server, &[(&first, &second, "refs/heads/main")], &pack).await;
        assert_eq!(answer.status, 200, "{what}");
        let lines = answer.lines();
        // The last object is followed by the checksum, which may look like the header of an enormous object.
        let is_said = lines[0].contains(expected) || (what.starts_with("fewer") && lines[0].contains("Out of memory"));
        assert!(lines[0].starts_with("unpack ") && is_said, "{what}: {lines:?}");
        assert_eq!(lines[1], "ng refs/heads/main unpacker error", "{what}");
        assert_eq!(server.state(), before, "{what}");
    }
    // The valid one is accepted, so the others failed for their own reasons.
    let answer = push(&server, &[(&first, &second, "refs/heads/main")], &good).await;
    assert_eq!(answer.lines(), ["unpack ok", "ok refs/heads/main", "flush"]);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_5_a_command_that_names_a_missing_object() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (work, first, second) = prepared(&server, &desk).await;
    let answer = push(&server, &[(&first, &second, "refs/heads/main")], &empty_pack()).await;
    let lines = answer.lines();
    assert_eq!(lines[0], "unpack ok");
    assert_eq!(
        lines[1],
        format!("ng refs/heads/main object {second} is missing from both the repository and the push")
    );
    // Other commands in the same push succeed, unless they lack objects too.
    let blob = work.git(["rev-parse", "HEAD:a.txt"]).await;
    let answer = push(
        &server,
        &[(ZERO, &second, "refs/heads/bad"), (ZERO, &first, "refs/heads/good"), (ZERO, &blob, "refs/heads/blob")],
        &empty_pack(),
    )
    .await;
    let lines = answer.lines();
    assert!(lines[1].starts_with("ng refs/heads/bad object"), "{lines:?}");
    assert_eq!(lines[2], "ok refs/heads/good");
    assert_eq!(lines[3], format!("ng refs/heads/blob a branch must point to a commit, but {blob} is a blob"));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_5_a_pack_with_a_hole_is_refused() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (work, first, second) = prepared(&server, &desk).await;
    let tree = work.git(["rev-parse", "HEAD^{tree}"]).await;
    let blob = work.git(["rev-parse", "HEAD:b.txt"]).await;
    for (objects, missing) in [(format!("{second}\n"), &tree), (format!("{second}\n{tree}\n"), &blob)] {
        let pack = work.pipe(["pack-objects", "--stdout", "-q"], objects.as_bytes()).await;
        let lines = push(&server, &[(&first, &second, "refs/heads/main")], &pack).await.lines();
        assert!(lines[0].starts_with("unpack ") && lines[0].contains(missing.as_str()), "{lines:?}");
        assert_eq!(lines[1], "ng refs/heads/main unpacker error");
    }
    assert_eq!(server.target("refs/heads/main"), Some(first));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_6_a_thin_pack_whose_base_is_not_here_is_refused() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let mut table = table(3000);
    let first = work.commit("table.csv", &table).await;
    table.push_str("more\n");
    let second = work.commit("table.csv", &table).await;
    let thin = format!("{second}\n^{first}\n");
    let pack = work.pipe(["pack-objects", "--thin", "--revs", "--stdout", "-q"], thin.as_bytes()).await;
    let lines = push(&server, &[(ZERO, &second, "refs/heads/main")], &pack).await.lines();
    assert!(lines[0].contains("push from a complete clone"), "{lines:?}");
    assert!(server.state().refs.is_empty());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_git_forbids_are_refused_with_a_readable_reason() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    let blob = work.git(["rev-parse", "HEAD:a.txt"]).await;
    for (name, expected) in [(".git", "'.git'"), (".GIT", "'.git'"), ("..", "'..'"), ("git~1", "'.git'"), (".", "'.'")]
    {
        let tree = work.pipe(["mktree", "-z"], format!("100644 blob {blob}\t{name}\0").as_bytes()).await;
        let tree = String::from_utf8(tree).expect("hex");
        let commit = work.git(["commit-tree", "-m", "evil", tree.trim()]).await;
        // Real git, to check that its user sees the reason.
        let words = work.fails(["push", "origin", &format!("{commit}:refs/heads/evil")]).await;
        assert!(words.contains("unpack failed") || words.contains("unpacker error"), "{words}");
        assert!(words.contains(expected) && words.contains(tree.trim()), "{name}: {words}");
    }
    assert!(server.state().refs.is_empty());
    server.finish().await;
}

/// Creates a tree of one entry.
async fn tree_of(work: &Clone, entry: &str, name: &str) -> String {
    let tree = work.pipe(["mktree"], format!("{entry}\t{name}\n").as_bytes()).await;
    String::from_utf8(tree).expect("hex").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_paths_are_refused() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    let blob = work.git(["rev-parse", "HEAD:a.txt"]).await;
    // 16 folders and a file: 17 names of 240 bytes, 16 slashes between them, and the rest of 4096 bytes, or more.
    for (last, is_good) in [(240, true), (241, false)] {
        let mut entry = format!("100644 blob {blob}");
        for length in [last].into_iter().chain([240; 16]) {
            let tree = tree_of(&work, &entry, &"n".repeat(length)).await;
            entry = format!("040000 tree {tree}");
        }
        let commit = work.git(["commit-tree", "-m", "long", &entry[12..]]).await;
        let target = format!("{commit}:refs/heads/long");
        if is_good {
            work.git(["push", "-q", "origin", &target]).await;
        } else {
            let words = work.fails(["push", "-f", "origin", &target]).await;
            assert!(words.contains("a path with more than 4096 bytes"), "{words}");
        }
    }
    let good = server.target("refs/heads/long").expect("pushed");
    // A tree that already exists counts, in a place where its paths are too long.
    let inner = work.git(["rev-parse", &format!("{good}^{{tree}}")]).await;
    let outer = tree_of(&work, &format!("040000 tree {inner}"), "more").await;
    let commit = work.git(["commit-tree", "-m", "longer", "-p", &good, &outer]).await;
    let words = work.fails(["push", "origin", &format!("{commit}:refs/heads/long")]).await;
    assert!(words.contains("a path with more than 4096 bytes"), "{words}");

    for (depth, is_good) in [(256, true), (257, false)] {
        let mut entry = format!("100644 blob {blob}");
        for _ in 0..depth {
            let tree = tree_of(&work, &entry, "d").await;
            entry = format!("040000 tree {tree}");
        }
        let commit = work.git(["commit-tree", "-m", "deep", &entry[12..]]).await;
        let target = format!("{commit}:refs/heads/deep{depth}");
        if is_good {
            work.git(["push", "-q", "origin", &target]).await;
        } else {
            let words = work.fails(["push", "origin", &target]).await;
            assert!(words.contains("or 256 levels"), "{words}");
        }
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_any_length_are_refused() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    work.write("message", "m".repeat(1 << 20));
    let commit = work.git(["commit-tree", "-F", "message", "HEAD^{tree}"]).await;
    work.git(["tag", "-a", "-F", "message", "large"]).await;
    for what in [format!("{commit}:refs/heads/large"), "refs/tags/large".to_owned()] {
        let words = work.fails(["push", "origin", &what]).await;
        assert!(words.contains("the limit is 1 MiB"), "{words}");
    }
    // Also if it is in the pack but unreachable.
    let pack = work.pipe(["pack-objects", "--stdout", "-q"], format!("{commit}\n").as_bytes()).await;
    let lines = push(&server, &[(ZERO, &head, "refs/heads/copy")], &pack).await.lines();
    assert!(lines[0].contains("the limit is 1 MiB"), "{lines:?}");
    assert_eq!(server.state().refs.len(), 1);
    work.write("message", "m".repeat((1 << 20) - 1000));
    let commit = work.git(["commit-tree", "-F", "message", "HEAD^{tree}"]).await;
    work.git(["push", "-q", "origin", &format!("{commit}:refs/heads/long")]).await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_that_unpacks_to_any_size_is_refused() {
    let server = Server::with(Rules { git_object_bytes: 8 << 20, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.git(["config", "core.bigFileThreshold", "1g"]).await;
    // As a whole object, a file may have any size: it is never held in memory.
    let mut content = vec![0; 20 << 20];
    work.commit("zeros", &content).await;
    work.git(["push", "-q", "origin", "main"]).await;
    content.push(1);
    work.commit("zeros", &content).await;
    let words = work.fails(["push", "origin", "main"]).await;
    assert!(words.contains("more than 8388608 bytes to unpack") && words.contains("Git LFS"), "{words}");
    // With the suggested option it works.
    work.git(["-c", "core.bigFileThreshold=1m", "push", "-q", "origin", "main"]).await;
    let again = desk.clone("again", &server.url(), []).await;
    again.fsck().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_13_names_that_no_ref_may_have_and_refs_of_the_server() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (_, first, _) = prepared(&server, &desk).await;
    for (name, expected) in [
        ("HEAD", "not a valid ref name"),
        ("main", "not a valid ref name"),
        ("refs/heads/", "not a valid ref name"),
        ("refs/heads/a..b", "not a valid ref name"),
        ("refs/heads/../../etc/passwd", "not a valid ref name"),
        ("refs/heads/x.lock", "not a valid ref name"),
        ("refs/heads/@{1}", "not a valid ref name"),
        ("refs/heads/a b", "not a valid ref name"),
        ("refs/internal/x", "reserved for the server"),
        ("../refs/heads/x", "not a valid ref name"),
    ] {
        let lines = push(&server, &[(ZERO, &first, name)], &empty_pack()).await.lines();
        assert_eq!(lines[..2], ["unpack ok".to_owned(), format!("ng {name} {}", full(expected))], "{name}");
    }
    let long = format!("refs/heads/{}", "x".repeat(5000));
    let lines = push(&server, &[(ZERO, &first, &long)], &empty_pack()).await.lines();
    assert_eq!(lines[1], format!("ng {long} not a valid ref name"));
    assert_eq!(server.state().refs.len(), 1);
    server.finish().await;
}

fn full(reason: &str) -> &str {
    if reason == "reserved for the server" { "refs/internal is reserved for the server" } else { reason }
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_and_contradictory_commands_are_refused_one_by_one() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (work, first, second) = prepared(&server, &desk).await;
    let pack = pack_of(&work, &format!("{second}\n^{first}\n")).await;
    let answer = push(
        &server,
        &[
            (&second, &first, "refs/heads/main"),
            (ZERO, &second, "refs/heads/new"),
            (ZERO, &first, "refs/heads/new"),
            (&first, &second, "refs/heads/gone"),
            (ZERO, ZERO, "refs/heads/never"),
            (&first, ZERO, "refs/heads/never"),
            (ZERO, &first, "refs/tags/main"),
        ],
        &pack,
    )
    .await;
    assert_eq!(
        answer.lines(),
        [
            "unpack ok",
            "ng refs/heads/main was updated in the meantime; fetch first",
            "ok refs/heads/new",
            "ng refs/heads/new the push contains this ref twice",
            "ng refs/heads/gone was deleted in the meantime; fetch first",
            "ng refs/heads/never no such ref",
            "ng refs/heads/never was deleted in the meantime; fetch first",
            "ok refs/tags/main",
            "flush",
        ]
    );
    let lines = push(&server, &[(ZERO, &second, "refs/heads/main")], &empty_pack()).await.lines();
    assert_eq!(lines[1], "ng refs/heads/main already exists; fetch first");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_heads_are_bad_requests() {
    let server = Server::start().await;
    for body in [&b""[..], b"hello, is this git?", b"00000000", b"0001", b"0012not a command\n0000", b"ffff", b"0094"] {
        let answer = raw::post(server.address(), "git-receive-pack", "", body).await;
        assert_eq!(answer.status, 400, "{:?}: {answer:?}", body.escape_ascii());
    }
    let answer = raw::post(server.address(), "git-receive-pack", "", b"0000").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let mut signed = packet("push-cert\0report-status");
    signed.extend(b"0000");
    assert_eq!(raw::post(server.address(), "git-receive-pack", "", &signed).await.status, 400);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_8_a_pack_over_the_limit_is_read_on_so_that_the_reason_arrives() {
    let server = Server::with(Rules { max_pack_bytes: 1 << 20, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("big.bin", noise(30 << 20, 8)).await;
    let words = work.fails(["push", "origin", "main"]).await;
    assert!(words.contains("the pack is larger than 1048576 bytes"), "{words}");
    assert!(words.contains("Git LFS"), "{words}");
    assert!(!words.contains("RPC failed"), "{words}");
    assert!(server.state().refs.is_empty());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_8_a_body_without_end_is_not_read_for_ever() {
    let server = Server::with(Rules { max_pack_bytes: 1 << 20, ..Rules::default() }).await;
    let mut stream = raw::open(server.address(), "git-receive-pack", "Transfer-Encoding: chunked\r\n").await;
    raw::send_chunk(&mut stream, &commands(&[(ZERO, &"12".repeat(20), "refs/heads/main")])).await.expect("sent");
    let block = noise(1 << 20, 3);
    let mut sent = 0;
    while sent < 600 && raw::send_chunk(&mut stream, &block).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 600, "the server took everything");
    drop(stream);
    server.finish().await;
}

/// Returns a request of more than 64 KiB, which repeats a `want` of `head`.
fn long_request(head: &str) -> Vec<u8> {
    let mut wire = packet(format!("want {head} side-band-64k ofs-delta no-progress\n"));
    while wire.len() <= 64 << 10 {
        wire.extend(packet(format!("want {head}\n")));
    }
    wire.extend(b"0000");
    wire.extend(packet("done\n"));
    wire
}

/// Long requests are held in memory, so their number is limited; those still being received do not count.
#[tokio::test]
async fn clients_that_send_long_requests_slowly_are_in_nobodys_way() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (_, head, _) = prepared(&server, &desk).await;
    let snapshot = server.snapshot().await;
    let fetch =
        |request: Vec<u8>| wire::upload_pack(&snapshot, Protocol::V0, std::io::Cursor::new(request), raw::anybody());
    let mut slow: Vec<_> = (0..20)
        .map(|_| {
            let (client, rest) = tokio::io::duplex(1);
            let body = std::io::Cursor::new(long_request(&head)).chain(rest);
            (Box::pin(wire::upload_pack(&snapshot, Protocol::V0, body, raw::anybody())), client)
        })
        .collect();
    for (request, _) in &mut slow {
        let waiting = tokio::time::timeout(Duration::from_millis(20), request).await;
        assert!(waiting.is_err(), "its end has not come");
    }
    for _ in 0..5 {
        assert!(fetch(long_request(&head)).await.is_ok());
    }
    // One that is complete gets a response.
    let (request, client) = slow.pop().expect("a request");
    drop(client);
    assert!(request.await.is_ok());
    drop(slow);
    server.finish().await;
}

/// A request is read before a slot is taken, with the same result whether it fits into memory, on disk, or neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_read_ahead_is_whole() {
    for cache_bytes in [None, Some(0), Some(2 << 20)] {
        let server = Server::with(Rules { cache_bytes, ..Rules::default() }).await;
        for (length, most) in [(0, 1 << 30), (1, 1 << 30), (64 << 10, 1 << 30), (3 << 20, 1 << 30), (3 << 20, 1 << 20)]
        {
            let bytes = noise(length, 6);
            let body = std::io::Cursor::new(bytes.clone());
            let mut ahead = wire::read_ahead(server.engine(), body, most).await.expect("read");
            let mut read = Vec::new();
            ahead.read_to_end(&mut read).await.expect("all of it");
            if most > length as u64 {
                assert!(read == bytes, "{length} {cache_bytes:?}");
            } else {
                assert!(read.len() as u64 > most && bytes.starts_with(&read), "too long, and to be seen to be so");
            }
        }
        server.finish().await;
    }
}

/// A client that is still sending does not read the response, so it would miss the error of the server.
#[tokio::test(flavor = "multi_thread")]
async fn trap_5_8_the_body_is_read_also_where_we_are_at_fault() {
    let without_git = Server::with(Rules { git: "/nonexistent/git", ..Rules::default() }).await;
    let without_folder = Server::start().await;
    let desk = Desk::new();
    prepared(&without_folder, &desk).await;
    let broken = without_folder.snapshot().await;
    // A deleted folder would be rebuilt; one that cannot be rebuilt is an error of the server.
    let cache = broken.git_dir().ancestors().nth(2).expect("a cache").to_owned();
    std::fs::remove_dir_all(&cache).expect("removed");
    std::fs::write(&cache, "in the way").expect("written");

    let mut body = commands(&[(ZERO, &"12".repeat(20), "refs/heads/new")]);
    body.extend_from_slice(&noise(1 << 20, 4));
    for snapshot in [without_git.snapshot().await, broken] {
        let mut body = &body[..];
        let Ok(PushHead::Push(push)) = Push::read(&mut body).await else { panic!("no push") };
        let limits = ReceiveLimits { max_pack_bytes: 1 << 30 };
        let received = wire::receive(&snapshot, &push, &mut body, limits, &Progress::silent()).await;
        assert!(matches!(received, Err(Error::Io(_))), "{:?}", received.err());
        assert!(body.is_empty(), "{} bytes are unread", body.len());
    }
}

/// Returns the number of zombie children of this process.
fn zombies() -> usize {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let states = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    states
        .filter(|stat| {
            // `pid (name) state parent`
            let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
            fields.next() == Some("Z") && fields.next() == Some(&own)
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_has_ended_is_waited_for_while_its_client_still_sends() {
    let server = Server::start().await;
    let desk = Desk::new();
    prepared(&server, &desk).await;
    let snapshot = server.snapshot().await;
    let mut wire = commands(&[(ZERO, &"12".repeat(20), "refs/heads/new")]);
    wire.extend_from_slice(&noise(100_000, 4));
    let (client, rest) = tokio::io::duplex(1);
    let mut body = std::io::Cursor::new(wire).chain(rest);
    let receiving = tokio::spawn(async move {
        let Ok(PushHead::Push(push)) = Push::read(&mut body).await else { panic!("no push") };
        let limits = ReceiveLimits { max_pack_bytes: 1 << 30 };
        wire::receive(&snapshot, &push, &mut body, limits, &Progress::silent()).await.err()
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!receiving.is_finished(), "the body has not ended");
    assert_eq!((server.children().len(), zombies()), (0, 0));
    drop(client);
    let error = receiving.await.expect("no panic");
    assert!(matches!(error, Some(Error::Invalid(_))), "{error:?}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_11_a_body_that_breaks_off_ends_the_child_and_changes_nothing() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (work, first, second) = prepared(&server, &desk).await;
    work.commit("big.bin", noise(2 << 20, 5)).await;
    let third = work.head().await;
    let pack = pack_of(&work, &format!("{third}\n^{first}\n")).await;
    let mut body = commands(&[(&first, &third, "refs/heads/main")]);
    body.extend_from_slice(&pack);
    let before = server.state();
    for (headers, chunked) in
        [("Transfer-Encoding: chunked\r\n".to_owned(), true), (format!("Content-Length: {}\r\n", body.len()), false)]
    {
        let mut stream = raw::open(server.address(), "git-receive-pack", &headers).await;
        let half = &body[..body.len() / 2];
        if chunked {
            raw::send_chunk(&mut stream, half).await.expect("sent");
        } else {
            stream.write_all(half).await.expect("sent");
        }
        wait_for_child(&server, "index-pack").await;
        drop(stream);
        server.settle().await;
        assert_eq!(server.state(), before);
    }
    // Chunked and properly terminated, but the pack itself is truncated.
    let mut stream = raw::open(server.address(), "git-receive-pack", "Transfer-Encoding: chunked\r\n").await;
    raw::send_chunk(&mut stream, &body[..body.len() / 2]).await.expect("sent");
    stream.write_all(b"0\r\n\r\n").await.expect("sent");
    let lines = raw::answer(stream).await.lines();
    assert!(lines[0].contains("is truncated"), "{lines:?}");
    assert_eq!(server.state(), before);
    let _ = second;
    server.finish().await;
}

async fn wait_for_child(server: &Server, name: &str) {
    for _ in 0..400 {
        if server.children().iter().any(|child| child.line.contains(name)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {name}");
}
