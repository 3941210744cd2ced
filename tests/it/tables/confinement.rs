//! What an engine can reach.

use std::process::Command;

use super::{engines, numbers, ok, put, server};

#[test]
fn an_engine_confines_itself_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(rutter_testing::table_engine());
    let done = command.arg("check").env_clear().current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{text}");
    assert!(text.contains("/etc/passwd") && text.contains("connect") && text.contains("UDP"), "{text}");
    // With the environment of a server it refuses to start: there are secrets in it.
    let serve = ["serve", "--memory-bytes", "100000000", "--scratch-bytes", "100000000", "--threads", "1"];
    let mut command = Command::new(rutter_testing::table_engine());
    let done = command.args(serve).env_clear().env("RUTTER_SECRET", "x").current_dir(folder.path()).output().unwrap();
    assert!(!done.status.success());
}

#[tokio::test]
async fn an_engine_has_no_environment_and_no_files() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", numbers(10)).await;
    ok(&server, &ada, "rows/t.csv?sort=id").await;
    let engine = engines()[0];
    let environment = std::fs::read(format!("/proc/{engine}/environ")).unwrap();
    assert_eq!(String::from_utf8_lossy(&environment), "", "it is empty");
    let scratch = std::fs::read_link(format!("/proc/{engine}/cwd")).unwrap();
    for entry in std::fs::read_dir(format!("/proc/{engine}/fd")).unwrap().flatten() {
        let target = std::fs::read_link(entry.path()).unwrap();
        let text = target.to_string_lossy();
        // The three pipes, what its runtime waits with, and its temporary files.
        let is_own = ["pipe:", "anon_inode:", "socket:"].iter().any(|kind| text.starts_with(kind));
        assert!(is_own || target.starts_with(&scratch), "{text}");
    }
    let limits = std::fs::read_to_string(format!("/proc/{engine}/limits")).unwrap();
    let limit = |name: &str| {
        limits.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().nth(3).unwrap().to_owned()
    };
    assert_ne!(limit("Max data size"), "unlimited");
    let status = std::fs::read_to_string(format!("/proc/{engine}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
}
