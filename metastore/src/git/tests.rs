use std::{process::Command as StdCommand, time::Duration};

use super::*;

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = StdCommand::new("git").args(["init", "-q", "--bare"]).arg(folder.path()).status().unwrap();
    assert!(made.success());
    folder
}

#[tokio::test]
async fn nothing_of_our_environment_reaches_a_child() {
    let folder = repository();
    let git = Git::new(Path::new("git"), 1, 64 << 20);
    let mut command = git.command(folder.path());
    command.args(["config", "--list", "--show-origin"]);
    let shown = String::from_utf8(Git::output(&mut command, Bytes::new()).await.unwrap()).unwrap();
    let own = format!("file:{}/config\t", folder.path().display());
    assert!(shown.lines().all(|line| line.starts_with(&own)), "{shown}");
    // An alias runs a shell that prints its arguments.
    let mut command = git.command(folder.path());
    command.args(["-c", "alias.e=!env", "e"]);
    let shown = String::from_utf8(Git::output(&mut command, Bytes::new()).await.unwrap()).unwrap();
    for line in shown.lines() {
        let name = line.split('=').next().unwrap_or_default();
        let ours =
            ["PATH", "HOME", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name) || name.starts_with("GIT_");
        assert!(ours, "{line}");
    }
    assert!(shown.contains("HOME=/nonexistent\n") && shown.contains("GIT_NO_REPLACE_OBJECTS=1\n"));
}

#[tokio::test]
async fn a_failure_brings_the_end_of_stderr() {
    let folder = repository();
    let git = Git::new(Path::new("git"), 1, 64 << 20);
    let mut command = git.command(folder.path());
    command.args(["-c", "alias.e=!yes noise | head -c 300000 >&2; echo the end >&2; exit 3", "e"]);
    match Git::output(&mut command, Bytes::new()).await {
        Err(Error::Git(text)) => assert!(text.ends_with("the end") && text.len() <= TAIL, "{text}"),
        other => panic!("{other:?}"),
    }
    let mut command = git.command(folder.path());
    command.arg("cat-file").args(["--batch-check"]);
    // More input than the capacity of a pipe while output is produced: neither side may block the other.
    let input = "HEAD\n".repeat(50_000);
    let output = Git::output(&mut command, input.into()).await.unwrap();
    assert_eq!(output.len(), "HEAD missing\n".len() * 50_000);
}

#[tokio::test]
async fn an_abandoned_child_is_killed() {
    let folder = repository();
    let git = Git::new(Path::new("git"), 1, 64 << 20);
    let mut command = git.command(folder.path());
    command.args(["cat-file", "--batch"]);
    let child = command.spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id().unwrap()));
    assert!(status.exists());
    drop(child);
    let gone = || std::fs::read_to_string(&status).map_or(true, |text| text.contains("State:\tZ"));
    for _ in 0..1000 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still running");
}

#[tokio::test]
async fn concurrent_packing_is_limited() {
    let git = Git::new(Path::new("git"), 2, 64 << 20);
    let first = git.packing().await.unwrap();
    let _second = git.packing().await.unwrap();
    let third = tokio::time::timeout(Duration::from_millis(20), git.packing()).await;
    assert!(third.is_err());
    drop(first);
    let _third = git.packing().await.unwrap();
}

#[tokio::test]
async fn a_child_cannot_take_any_amount_of_memory() {
    let folder = repository();
    let git = Git::new(Path::new("git"), 1, 64 << 20);
    let child = git.command(folder.path()).args(["cat-file", "--batch"]).spawn().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
    let bytes = BASE_MEMORY + 3 * (64 << 20);
    assert!(limit.split_whitespace().any(|word| word == bytes.to_string()), "{limit}");

    // In a single allocation, git itself fails.
    let blob = Bytes::from(vec![0; 65 << 20]);
    let mut command = git.command(folder.path());
    command.args(["hash-object", "--stdin"]);
    match Git::output(&mut command, blob).await {
        Err(Error::Git(text)) => assert!(text.contains("over limit 67108864"), "{text}"),
        other => panic!("{other:?}"),
    }
}
