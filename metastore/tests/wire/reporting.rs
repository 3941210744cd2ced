//! The messages that users of git see.

use crate::{
    client::{Desk, noise, table},
    raw::{ZERO, commands, post},
    server::{Rules, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn trap_5_9_progress_is_shown_and_quiet_is_quiet() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let mut table = table(3000);
    for (arguments, shown) in
        [(&["push", "--progress", "origin", "main"][..], true), (&["push", "-q", "origin", "main"], false)]
    {
        for _ in 0..5 {
            table.push_str("more\n");
            work.commit("table.csv", &table).await;
        }
        let output = work.run(arguments).await;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}");
        assert_eq!(words.contains("remote: Resolving deltas: 100%"), shown, "{words}");
        assert!(shown || words.is_empty(), "{words}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_without_side_band_understand_the_report() {
    let server = Server::start().await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let head = work.commit("a.txt", "one\n").await;
    let pack = work.pipe(["pack-objects", "--revs", "--stdout", "-q"], format!("{head}\n").as_bytes()).await;
    let mut body = commands(&[(ZERO, &head, "refs/heads/main")]);
    body.extend(pack);
    let answer = post(server.address(), "git-receive-pack", "", &body).await;
    assert_eq!(answer.lines(), ["unpack ok", "ok refs/heads/main", "flush"]);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_lfs_objects_are_named_by_their_paths() {
    let server = Server::with(Rules { refuse_pointers: true, ..Rules::default() }).await;
    let desk = Desk::new();
    let work = desk.init("work", &server.url()).await;
    let pointer = lfs::Pointer::new(lfs::Oid::of(b"not uploaded"), 12);
    work.write("data/deep in/größe.bin", pointer.to_string());
    work.write("plain.bin", noise(300, 1));
    work.commit("a.txt", "one\n").await;
    for quiet in [&["push", "origin", "main"][..], &["push", "-q", "origin", "main"]] {
        let words = work.fails(quiet).await;
        assert!(words.contains("remote: missing object of data/deep in/größe.bin"), "{words}");
        assert!(words.contains("[remote rejected] main -> main (LFS objects are missing; run git lfs push --all)"));
        assert!(!words.contains("plain.bin"), "{words}");
    }
    server.finish().await;
}
