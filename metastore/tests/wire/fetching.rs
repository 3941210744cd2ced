//! Clones and fetches.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use metastore::{
    RefName,
    wire::{self, Protocol, Service},
};

use crate::{
    client::{Desk, noise},
    raw::{self, packet},
    server::{Rules, Server},
};

const VERSIONS: [&str; 3] = ["protocol.version=0", "protocol.version=1", "protocol.version=2"];

#[tokio::test(flavor = "multi_thread")]
async fn cloning_an_empty_repository_works_and_tells_its_branch() {
    let server = Server::with(Rules { head: "trunk", ..Rules::default() }).await;
    let desk = Desk::new();
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let clone = desk.clone(&format!("v{number}"), &server.url(), [version]).await;
        assert_eq!(clone.git(["for-each-ref"]).await, "");
        if version.ends_with('2') {
            assert_eq!(clone.git(["symbolic-ref", "HEAD"]).await, "refs/heads/trunk");
        }
    }
    server.finish().await;
}

/// A repository with branches, both kinds of tags and 40 commits.
async fn filled(server: &Server, desk: &Desk) -> crate::client::Clone {
    let work = desk.init("work", &server.url()).await;
    for number in 0..20 {
        work.write(&format!("data/{number}.txt"), noise(2000, number));
    }
    work.commit("readme.md", "hello\n").await;
    work.many_commits("main", 30).await;
    work.git(["reset", "-q", "--hard", "main"]).await;
    work.git(["tag", "light"]).await;
    work.git(["tag", "-a", "-m", "first", "v1"]).await;
    work.git(["tag", "-a", "-m", "a tag of a tag", "v1-signed-off", "v1"]).await;
    work.git(["branch", "dev", "HEAD~5"]).await;
    work.git(["push", "-q", "origin", "--all"]).await;
    work.git(["push", "-q", "origin", "--tags"]).await;
    work
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_clone_is_the_same_under_every_protocol() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    let listing = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/tags", "refs/heads/main"];
    let expected = work.git(listing).await;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let clone = desk.clone(&format!("v{number}"), &server.url(), [version]).await;
        clone.fsck().await;
        assert_eq!(clone.git(listing).await, expected, "{version}");
        assert_eq!(clone.git(["rev-parse", "origin/dev"]).await, work.git(["rev-parse", "dev"]).await);
        assert_eq!(clone.git(["status", "--porcelain"]).await, "");
        let bare = desk.clone(&format!("m{number}"), &server.url(), [version, "--mirror"]).await;
        bare.fsck().await;
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shallow_clones_and_unshallow() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let clone = desk.clone(&format!("v{number}"), &server.url(), [version, "--depth=1"]).await;
        assert_eq!(clone.git(["rev-list", "--count", "HEAD"]).await, "1");
        assert_eq!(clone.head().await, work.head().await);
        clone.git(["-c", version, "fetch", "-q", "--deepen=3"]).await;
        assert_eq!(clone.git(["rev-list", "--count", "HEAD"]).await, "4");
        clone.git(["-c", version, "fetch", "-q", "--unshallow"]).await;
        assert_eq!(clone.git(["rev-list", "--count", "HEAD"]).await, "31");
        clone.fsck().await;
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_clones_fetch_blobs_when_they_need_them() {
    let server = Server::start().await;
    let desk = Desk::new();
    filled(&server, &desk).await;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let name = format!("v{number}");
        let clone = desk.clone(&name, &server.url(), [version, "--filter=blob:none", "--no-checkout"]).await;
        let missing = clone.git(["rev-list", "--objects", "--all", "--missing=print"]).await;
        assert!(missing.lines().filter(|line| line.starts_with('?')).count() > 40, "{missing}");
        // In v0 this depends on `allowAnySHA1InWant`.
        clone.git(["-c", version, "checkout", "-q", "main"]).await;
        assert_eq!(std::fs::read(clone.path.join("data/7.txt")).expect("the file"), noise(2000, 7));
        assert_eq!(clone.git(["status", "--porcelain"]).await, "");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_after_a_new_generation_brings_only_what_is_new() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    let clone = desk.clone("clone", &server.url(), []).await;
    let generation = server.state().generation;
    let head = work.commit("data/new.txt", "new\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.state().generation, generation + 1);
    let output = clone.run(["fetch", "--progress", "origin"]).await;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("Total 4 "), "a commit, two trees and a blob: {words}");
    assert_eq!(clone.git(["rev-parse", "origin/main"]).await, head);
    clone.git(["pull", "-q", "--ff-only"]).await;
    clone.fsck().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_4_b_git_compresses_requests_with_many_haves() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let clone = desk.clone(&format!("v{number}"), &server.url(), [version]).await;
        // The server has none of these, so the client has to send many `have` lines.
        clone.many_commits("main", 300).await;
        let head = work.commit("data/new.txt", format!("{version}\n")).await;
        work.git(["push", "-q", "origin", "main"]).await;
        let before = server.seen().len();
        clone.git(["-c", version, "fetch", "-q", "origin"]).await;
        let seen = server.seen();
        let compressed = seen[before..].iter().filter(|request| request.header("content-encoding") == Some("gzip"));
        assert!(compressed.count() > 0, "{version}: {seen:?}");
        assert_eq!(clone.git(["rev-parse", "origin/main"]).await, head);
        clone.fsck().await;
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_4_c_the_rounds_of_one_fetch_may_meet_different_generations() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    let advertised = work.head().await;
    let dev = server.state().refs.iter().find(|each| each.name.as_str() == "refs/heads/dev").cloned();
    let dev = dev.expect("the branch").target;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        // What was advertised is no longer the target of any ref when the wants arrive.
        let original = server.state().refs;
        server.before_fetch(move |app| {
            app.change_refs(|refs| {
                refs.retain(|each| each.name.as_str() == "refs/heads/main");
                refs[0].target = dev;
            });
        });
        let clone = desk.clone(&format!("v{number}"), &server.url(), [version, "--no-tags", "--single-branch"]).await;
        // In v2 the listing was the first request.
        let expected = if version.ends_with('2') { dev.to_string() } else { advertised.clone() };
        assert_eq!(clone.head().await, expected);
        clone.fsck().await;
        server.app.change_refs(|refs| *refs = original);
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_4_d_any_object_that_is_here_can_be_fetched_even_after_its_branch_is_gone() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    work.git(["checkout", "-q", "-b", "secret"]).await;
    let secret = work.commit("secret.txt", "s3cret\n").await;
    work.git(["push", "-q", "origin", "secret"]).await;
    work.git(["push", "-q", "origin", ":secret"]).await;
    assert_eq!(server.target("refs/heads/secret"), None);
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let clone = desk.init(&format!("v{number}"), &server.url()).await;
        clone.git(["-c", version, "fetch", "-q", "origin", &secret]).await;
        assert_eq!(clone.git(["show", "FETCH_HEAD:secret.txt"]).await, "s3cret");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_cannot_be_fetched_and_the_reason_reaches_the_client() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    for version in VERSIONS {
        let words = work.fails(["-c", version, "fetch", "origin", &"12".repeat(20)]).await;
        assert!(words.contains("not our ref"), "{words}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn advertisements_are_those_of_git_itself() {
    let server = Server::start().await;
    let desk = Desk::new();
    filled(&server, &desk).await;
    let mut state = server.state();
    let hidden: RefName = "refs/internal/keep".parse().expect("a name");
    let target = state.refs[0].target;
    state.refs.push(metastore::Ref { name: hidden, target, peeled: None });
    server.app.change_refs(|refs| *refs = state.refs);

    let empty = Server::start().await;
    for server in [&server, &empty] {
        let snapshot = server.snapshot().await;
        for (protocol, version) in [(Protocol::V0, 0), (Protocol::V1, 1), (Protocol::V2, 2)] {
            let output = tokio::process::Command::new("git")
                .args(["upload-pack", "--stateless-rpc", "--http-backend-info-refs"])
                .arg(snapshot.git_dir())
                .env("GIT_PROTOCOL", format!("version={version}"))
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .output()
                .await
                .expect("git");
            let ours = wire::advertise(snapshot.state(), Service::UploadPack, protocol);
            let preamble: &[u8] = if version == 2 { b"" } else { b"001e# service=git-upload-pack\n0000" };
            let ours = ours.strip_prefix(preamble).expect("the preamble");
            assert_eq!(comparable(ours), comparable(&output.stdout), "version {version}");
        }
        for arguments in [
            &["peel", "symrefs", "unborn", "ref-prefix refs/heads/", "ref-prefix refs/tags/", "ref-prefix HEAD"][..],
            &[],
            &["symrefs"],
            &["peel", "ref-prefix refs/tags/v"],
            &["unborn", "ref-prefix HEAD"],
        ] {
            let mut request = packet("command=ls-refs\n");
            request.extend(packet("agent=git/2.47.3"));
            request.extend(packet("object-format=sha1"));
            request.extend(b"0001");
            for argument in arguments {
                request.extend(packet(format!("{argument}\n")));
            }
            request.extend(b"0000");
            let ours = raw::post(server.address(), "git-upload-pack", "Git-Protocol: version=2\r\n", &request).await;
            let theirs = git_upload_pack(snapshot.git_dir(), &request).await;
            assert_eq!(String::from_utf8_lossy(&ours.body), String::from_utf8_lossy(&theirs), "{arguments:?}");
        }
    }
    empty.finish().await;
    server.finish().await;
}

async fn git_upload_pack(git_dir: &std::path::Path, request: &[u8]) -> Vec<u8> {
    use tokio::io::AsyncWriteExt;
    let mut child = tokio::process::Command::new("git")
        .args(["upload-pack", "--stateless-rpc"])
        .arg(git_dir)
        .env("GIT_PROTOCOL", "version=2")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("git");
    child.stdin.take().expect("a pipe").write_all(request).await.expect("sent");
    child.wait_with_output().await.expect("git").stdout
}

/// Returns the packets without their lengths and without the agent, which differ.
fn comparable(wire: &[u8]) -> Vec<String> {
    let answer = raw::Answer { status: 200, body: wire.to_vec() };
    let lines = answer.lines().into_iter().map(|line| match line.find("agent=") {
        Some(at) => {
            let end = line[at..].find(' ').map_or(line.len(), |length| at + length);
            format!("{}agent{}", &line[..at], &line[end..])
        }
        None => line,
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_4_e_concurrent_pack_builds_are_limited_and_every_client_is_served() {
    let server = Server::with(Rules { max_concurrent_packs: 1, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    work.commit("big.bin", noise(20 << 20, 5)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    server.settle().await;
    let finished = AtomicBool::new(false);
    let clones = async {
        let url = server.url();
        let clone = |number: u32| desk_clone(&desk, number, &url);
        futures::future::join_all((0..4).map(clone)).await;
        finished.store(true, Ordering::SeqCst);
    };
    let watch = async {
        let mut most = 0;
        loop {
            // A session and the processes it starts are one process group.
            let groups: HashSet<_> = server.children().into_iter().map(|child| child.group).collect();
            most = most.max(groups.len());
            if finished.load(Ordering::SeqCst) {
                return most;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let ((), most) = tokio::join!(clones, watch);
    assert_eq!(most, 1);
    server.finish().await;
}

async fn desk_clone(desk: &Desk, number: u32, url: &str) {
    desk.clone(&format!("at-once-{number}"), url, []).await.fsck().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_refs_does_not_wait_for_packs() {
    let server = Server::with(Rules { max_concurrent_packs: 1, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    work.commit("big.bin", noise(20 << 20, 6)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    // Occupies the only slot and does not read.
    let stalled = raw::open_fetch(server.address(), &work.head().await).await;
    while !server.children().iter().any(|child| child.line.contains("upload-pack")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(work.git(["ls-remote", "origin"]).await.contains("refs/heads/main"));
    drop(stalled);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_answered_as_such() {
    let server = Server::start().await;
    let desk = Desk::new();
    filled(&server, &desk).await;
    let v2 = "Git-Protocol: version=2\r\n";
    for (headers, body) in [
        (v2, &b""[..]),
        (v2, b"0001"),
        (v2, b"zzzz"),
        (v2, b"0014command=ls-refs\n0001000ebad argum\n"),
        (v2, b"0014command=nonsense0000"),
        ("", b"0009hello0000"),
        ("", b"not packets at all"),
    ] {
        let answer = raw::post(server.address(), "git-upload-pack", headers, body).await;
        assert_eq!(answer.status, 400, "{:?}: {}", body.escape_ascii(), String::from_utf8_lossy(&answer.body));
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_big_pack_is_streamed_in_small_blocks() {
    use futures::StreamExt;
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("big.bin", noise(30 << 20, 7)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let snapshot = server.snapshot().await;
    let request = std::io::Cursor::new(raw::fetch_request(&head));
    let mut blocks =
        Box::pin(wire::upload_pack(&snapshot, Protocol::V0, request, raw::anybody()).await.expect("an answer"));
    let (mut total, mut longest) = (0, 0);
    while let Some(block) = blocks.next().await {
        let block = block.expect("bytes");
        total += block.len();
        longest = longest.max(block.len());
    }
    assert!(total > 30 << 20);
    assert!(longest <= 64 * 1024, "{longest}");
    drop(blocks);
    server.finish().await;
}

/// The cache may be deleted during a fetch.
#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_survives_the_deletion_of_the_cache() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = filled(&server, &desk).await;
    let snapshot = server.snapshot().await;
    let cache = snapshot.git_dir().ancestors().nth(2).expect("a cache").to_owned();
    let mut request = packet("command=fetch\n");
    request.extend(b"0001");
    request.extend(packet(format!("want {}\n", work.head().await)));
    request.extend(packet("done\n"));
    request.extend(b"0000");
    let ask = async || {
        let answer = wire::upload_pack(&snapshot, Protocol::V2, &request.clone().leak()[..], raw::anybody())
            .await
            .expect("an answer");
        let blocks: Vec<_> = futures::TryStreamExt::try_collect(answer).await.expect("all of it");
        blocks.concat()
    };
    let whole = ask().await;
    assert!(whole.windows(4).any(|bytes| bytes == b"PACK"));
    for damage in ["", "packed-refs", "objects/pack", "refs"] {
        let target = snapshot.git_dir().join(damage);
        let removed = match damage {
            "" => std::fs::remove_dir_all(&cache),
            "packed-refs" => std::fs::remove_file(target),
            _ => std::fs::remove_dir_all(target),
        };
        removed.expect("removed");
        let again = ask().await;
        assert!(again.windows(4).any(|bytes| bytes == b"PACK"), "{}", String::from_utf8_lossy(&again));
        assert!(again.len().abs_diff(whole.len()) < whole.len() / 10, "{} and {}", again.len(), whole.len());
    }
    std::fs::remove_dir_all(&cache).expect("removed");
    work.commit("after.txt", "all of that").await;
    work.git(["push", "-q", "origin", "HEAD"]).await;
    std::fs::remove_dir_all(&cache).expect("removed");
    let clone = desk.clone("late", &server.url(), []).await;
    clone.fsck().await;
    assert_eq!(clone.head().await, work.head().await);
    server.finish().await;
}
