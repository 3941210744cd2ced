//! Pushes of well-behaved clients.

use std::time::Duration;

use crate::{
    client::{Desk, lines, noise, table},
    server::{Rules, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn create_then_fast_forward() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let first = work.commit("a.txt", "one\n").await;
    let words = work.git(["push", "--porcelain", "origin", "main"]).await;
    assert!(words.contains("[new branch]"), "{words}");
    assert_eq!(server.target("refs/heads/main"), Some(first));
    let second = work.commit("a.txt", "two\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.target("refs/heads/main"), Some(second.clone()));
    assert_eq!(server.state().generation, 2);
    assert_eq!(work.git(["push", "--porcelain", "origin", "main"]).await.lines().count(), 3, "up to date");
    let clone = desk.clone("clone", &server.url(), []).await;
    assert_eq!(clone.head().await, second);
    clone.fsck().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_13_losing_history_is_the_servers_to_refuse() {
    let server = Server::with(Rules { protect_history: true, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    let kept = work.commit("a.txt", "two\n").await;
    work.git(["tag", "-a", "-m", "one", "v1"]).await;
    work.git(["push", "-q", "origin", "main", "v1"]).await;
    work.git(["reset", "-q", "--hard", "HEAD~1"]).await;
    work.commit("a.txt", "three\n").await;
    let words = work.fails(["push", "--force", "origin", "main"]).await;
    assert!(words.contains("[remote rejected] main -> main (non-fast-forward)"), "{words}");
    let words = work.fails(["push", "--force", "origin", "HEAD~1:main"]).await;
    assert!(words.contains("non-fast-forward"), "{words}");
    // Moving a tag loses its old target, too.
    work.git(["tag", "-f", "-a", "-m", "another", "v1"]).await;
    let words = work.fails(["push", "--force", "origin", "v1"]).await;
    assert!(words.contains("non-fast-forward"), "{words}");
    assert_eq!(server.target("refs/heads/main"), Some(kept));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn force_pushes_land_where_the_server_has_no_objection() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    work.commit("a.txt", "two\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    work.git(["reset", "-q", "--hard", "HEAD~1"]).await;
    let forced = work.commit("a.txt", "three\n").await;
    work.fails(["push", "origin", "main"]).await;
    work.git(["push", "-q", "--force-with-lease", "origin", "main"]).await;
    assert_eq!(server.target("refs/heads/main"), Some(forced));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn light_and_annotated_tags_and_tags_of_tags() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let commit = work.commit("a.txt", "one\n").await;
    work.git(["tag", "light"]).await;
    work.git(["tag", "-a", "-m", "annotated", "v1"]).await;
    work.git(["tag", "-a", "-m", "nested", "v1-nested", "v1"]).await;
    work.git(["tag", "blob", "HEAD:a.txt"]).await;
    work.git(["tag", "-a", "-m", "of a tree", "tree", "HEAD^{tree}"]).await;
    work.git(["push", "-q", "origin", "main", "--tags"]).await;
    let peeled = |name: &str| {
        let state = server.state();
        let found = state.refs.iter().find(|each| each.name.as_str() == name).expect("the tag").peeled;
        found.map(|id| id.to_string())
    };
    assert_eq!(peeled("refs/tags/light"), None);
    assert_eq!(peeled("refs/tags/v1"), Some(commit.clone()));
    assert_eq!(peeled("refs/tags/v1-nested"), Some(commit));
    assert_eq!(peeled("refs/tags/blob"), None);
    assert_eq!(peeled("refs/tags/tree"), Some(work.git(["rev-parse", "HEAD^{tree}"]).await));
    let clone = desk.clone("clone", &server.url(), []).await;
    assert_eq!(clone.git(["tag", "-l"]).await, work.git(["tag", "-l"]).await);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_refs_at_once_and_one_of_them_refused() {
    let server = Server::with(Rules { protect_history: true, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    let kept = work.commit("a.txt", "two\n").await;
    work.git(["push", "-q", "origin", "main", "main:a", "main:b"]).await;
    work.git(["reset", "-q", "--hard", "HEAD~1"]).await;
    let new = work.commit("a.txt", "three\n").await;
    let words = work.fails(["push", "--porcelain", "origin", "+main:a", "main:c", ":b"]).await;
    assert!(words.contains("!\trefs/heads/main:refs/heads/a\t[remote rejected] (non-fast-forward)"), "{words}");
    assert_eq!(server.target("refs/heads/a"), Some(kept));
    assert_eq!(server.target("refs/heads/b"), None);
    assert_eq!(server.target("refs/heads/c"), Some(new));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn atomic_pushes_land_as_a_whole_or_not_at_all() {
    let server = Server::with(Rules { protect_history: true, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    let kept = work.commit("a.txt", "two\n").await;
    work.git(["push", "-q", "--atomic", "origin", "main", "main:a", "main:b"]).await;
    assert_eq!(server.state().refs.len(), 3);
    let before = server.state();
    work.git(["reset", "-q", "--hard", "HEAD~1"]).await;
    work.commit("a.txt", "three\n").await;
    let words = work.fails(["push", "--atomic", "--porcelain", "origin", "+main:a", "main:c", ":b"]).await;
    assert!(words.contains("non-fast-forward") && words.contains("atomic push failed"), "{words}");
    assert_eq!(server.state(), before);
    assert_eq!(server.target("refs/heads/b"), Some(kept));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_2_a_push_that_only_deletes_brings_no_pack() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main", "main:old", "main:older"]).await;
    let words = work.git(["push", "--porcelain", "origin", ":old", ":older"]).await;
    assert!(words.contains("[deleted]"), "{words}");
    assert_eq!(server.state().refs.len(), 1);
    assert_eq!(server.landed().last().expect("a landing").pack_objects, None);
    let words = work.fails(["push", "origin", ":never-was"]).await;
    assert!(words.contains("remote ref does not exist"), "{words}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_2_a_new_name_for_old_objects_brings_an_empty_pack_that_is_not_stored() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    work.git(["push", "-q", "origin", "main:copy", "main:refs/tags/copy"]).await;
    assert_eq!(server.target("refs/heads/copy"), Some(head.clone()));
    assert_eq!(server.target("refs/tags/copy"), Some(head));
    assert_eq!(server.landed().last().expect("a landing").pack_objects, None);
    assert_eq!(server.state().packs.len(), 1);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_13_a_name_cannot_be_the_folder_of_another() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "origin", "main", "main:data"]).await;
    let words = work.fails(["push", "origin", "main:data/january"]).await;
    assert!(words.contains("conflicts with refs/heads/data"), "{words}");
    let words = work.fails(["push", "origin", "main:refs/heads/main/sub"]).await;
    assert!(words.contains("conflicts with refs/heads/main"), "{words}");
    // Within one push, too.
    let words = work.fails(["push", "origin", "main:x/y", "main:x/y/z"]).await;
    assert!(words.contains("conflicts with refs/heads/x/y"), "{words}");
    assert_eq!(server.target("refs/heads/x/y"), Some(head.clone()));
    // A deletion in the same push frees the name.
    work.git(["push", "-q", "origin", ":data", "main:data/january"]).await;
    assert_eq!(server.target("refs/heads/data"), None);
    assert_eq!(server.target("refs/heads/data/january"), Some(head));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_3_push_options_arrive() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("a.txt", "one\n").await;
    work.git(["push", "-q", "-o", "ci.skip", "-o", "note=two words", "origin", "main"]).await;
    assert_eq!(server.landed()[0].options, ["ci.skip", "note=two words"]);
    let words = work.fails(["push", "--signed=yes", "origin", "main:other"]).await;
    assert!(words.contains("does not support --signed"), "{words}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_7_two_thousand_tags_are_no_two_thousand_children() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.many_commits("main", 20).await;
    let head = work.git(["rev-parse", "main"]).await;
    let input = lines(1000, |number| format!("create refs/tags/light/{number} {head}"));
    work.pipe(["update-ref", "--stdin"], input.as_bytes()).await;
    let tagger = "Ada <ada@example.org> 1900000000 +0000";
    let stream = lines(1000, |number| format!("tag annotated/{number}\nfrom {head}\ntagger {tagger}\ndata 1\nx"));
    work.pipe(["fast-import", "--quiet"], stream.as_bytes()).await;
    work.git(["push", "-q", "origin", "main", "--tags"]).await;
    // The client itself takes longer than that.
    let taken = server.landed()[0].taken;
    assert!(taken < Duration::from_secs(6), "{taken:?}");
    assert_eq!(server.state().refs.len(), 2001);
    assert_eq!(server.state().refs.iter().filter(|each| each.peeled.is_some()).count(), 1000);
    work.git(["push", "-q", "origin", "--delete", "annotated/0", "annotated/1", "light/1"]).await;
    assert_eq!(server.state().refs.len(), 1998);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_6_thin_packs_are_completed() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let mut table = table(5000);
    work.commit("table.csv", &table).await;
    work.git(["push", "-q", "origin", "main"]).await;
    table.push_str("5000,1\n");
    work.commit("table.csv", &table).await;
    let sent = work.pipe(["pack-objects", "--thin", "--revs", "--stdout", "-q"], b"main\n^origin/main\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    // Commit, tree and blob, and the delta base of the blob, which the client did not send.
    assert_eq!(u32::from_be_bytes(sent[8..12].try_into().expect("four bytes")), 3);
    assert_eq!(server.landed()[1].pack_objects, Some(4));
    let clone = desk.clone("clone", &server.url(), []).await;
    assert_eq!(std::fs::read_to_string(clone.path.join("table.csv")).expect("the file"), table);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_4_pushes_from_shallow_clones_whose_base_is_here() {
    let server = Server::with(Rules { protect_history: true, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.many_commits("main", 30).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let shallow = desk.clone("shallow", &server.url(), ["--depth=2"]).await;
    let head = shallow.commit("from-ci.txt", "built\n").await;
    shallow.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.target("refs/heads/main"), Some(head.clone()));
    shallow.git(["push", "-q", "origin", "main:refs/heads/side"]).await;
    let full = desk.clone("full", &server.url(), []).await;
    assert_eq!(full.git(["rev-list", "--count", "HEAD"]).await, "31");
    full.fsck().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_4_pushes_from_shallow_clones_whose_base_is_elsewhere_are_refused() {
    let server = Server::start().await;
    let other = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.many_commits("main", 30).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let shallow = desk.clone("shallow", &server.url(), ["--depth=2"]).await;
    shallow.commit("from-ci.txt", "built\n").await;
    let words = shallow.fails(["push", &other.url(), "main"]).await;
    assert!(words.contains("push from a complete clone"), "{words}");
    assert!(other.state().refs.is_empty());
    other.finish().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_from_partial_clones() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    for number in 0..10 {
        work.write(&format!("data/{number}.bin"), noise(5000, number));
    }
    work.commit("a.txt", "one\n").await;
    work.commit("a.txt", "two\n").await;
    work.git(["push", "-q", "origin", "main"]).await;
    let partial = desk.clone("partial", &server.url(), ["--filter=blob:none", "--sparse"]).await;
    partial.write("a.txt", "three\n");
    partial.git(["commit", "-q", "-a", "-m", "three"]).await;
    let head = partial.head().await;
    partial.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.target("refs/heads/main"), Some(head));
    desk.clone("full", &server.url(), []).await.fsck().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_1_a_body_over_the_post_buffer_is_probed_for_and_then_sent_in_chunks() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("big.bin", noise(3 << 20, 1)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.target("refs/heads/main"), Some(head));
    let seen = server.seen();
    let posts: Vec<_> = seen.iter().filter(|request| request.method == "POST").collect();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].header("content-length"), Some("4"));
    assert_eq!(posts[1].header("transfer-encoding"), Some("chunked"));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_10_and_12_what_git_does_not_send() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("big.bin", noise(3 << 20, 2)).await;
    work.git(["-c", "protocol.version=2", "push", "-q", "origin", "main"]).await;
    for request in server.seen() {
        assert_eq!(request.header("expect"), None);
        assert!(request.target.contains("receive-pack"), "{request:?}");
        assert_eq!(request.header("git-protocol"), None, "{request:?}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_push_to_branches_of_their_own() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.many_commits("main", 20).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let push = |number: u32| {
        let (desk, url) = (&desk, server.url());
        async move {
            let clone = desk.clone(&format!("c{number}"), &url, []).await;
            clone.commit(&format!("{number}.txt"), format!("{number}\n")).await;
            clone.git(["push", "-q", "origin", &format!("main:person-{number}")]).await;
        }
    };
    futures::future::join_all((0..8).map(push)).await;
    assert_eq!(server.state().refs.len(), 9);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_push_to_one_branch_and_nothing_is_lost() {
    let server = Server::with(Rules { protect_history: true, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.many_commits("main", 5).await;
    work.git(["push", "-q", "origin", "main"]).await;
    let push = |number: u32| {
        let (desk, url) = (&desk, server.url());
        async move {
            let clone = desk.clone(&format!("c{number}"), &url, []).await;
            clone.commit(&format!("{number}.txt"), format!("{number}\n")).await;
            for _ in 0..40 {
                if clone.run(["push", "-q", "origin", "main"]).await.status.success() {
                    return;
                }
                clone.git(["pull", "-q", "--rebase", "origin", "main"]).await;
            }
            panic!("never got through");
        }
    };
    futures::future::join_all((0..6).map(push)).await;
    let clone = desk.clone("all", &server.url(), []).await;
    assert_eq!(clone.git(["rev-list", "--count", "HEAD"]).await, "11");
    for number in 0..6 {
        assert!(clone.path.join(format!("{number}.txt")).exists());
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_pack_may_come_twice() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.commit("big.bin", noise(200_000, 3)).await;
    work.git(["push", "-q", "origin", "main"]).await;
    work.git(["push", "-q", "origin", ":main"]).await;
    assert!(server.state().refs.is_empty());
    work.git(["push", "-q", "origin", "main"]).await;
    assert_eq!(server.state().packs.len(), 1);
    desk.clone("clone", &server.url(), []).await.fsck().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_14_a_big_blob_is_indexed_in_little_memory() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    work.git(["config", "core.bigFileThreshold", "4m"]).await;
    work.commit("big.bin", noise(60 << 20, 4)).await;
    let watch = async {
        let mut most = 0;
        loop {
            for child in server.children().iter().filter(|child| child.line.contains("index-pack")) {
                most = most.max(child.peak_kib().unwrap_or(0));
            }
            if server.target("refs/heads/main").is_some() {
                return most;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (_, most) = tokio::join!(work.git(["push", "-q", "origin", "main"]), watch);
    assert!(most > 1000, "index-pack was never seen");
    assert!(most < 40 << 10, "{most} KiB");
    server.finish().await;
}
