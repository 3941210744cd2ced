//! What the confined program can do, and what it cannot.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rutter-tables");

fn serve() -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--memory-bytes", "67108864", "--scratch-bytes", "1048576", "--threads", "2"]);
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(command: &mut Command) -> Output {
    let mut child = command.spawn().unwrap();
    drop(child.stdin.take());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_reports_what_is_possible() {
    let output = Command::new(PROGRAM).arg("check").output().unwrap();
    let report = text(&output.stdout);
    let lines: Vec<_> = report.lines().collect();
    let possible: Vec<_> = lines.iter().filter(|line| line.ends_with(": possible")).collect();
    // Most kernels cannot refuse UDP.
    let failed = possible.iter().any(|line| !line.starts_with("send UDP"));
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{report}");
    // The report says what the kernel does not support.
    assert_eq!(!possible.is_empty(), report.contains("Landlock"), "{report}");
    for attempt in ["open /etc/passwd", "connect to 127.0.0.1", "listen on 127.0.0.1", "send UDP to 127.0.0.1"] {
        assert!(lines.iter().any(|line| line.starts_with(attempt)), "{report}");
    }
}

#[test]
fn the_environment_must_be_empty() {
    let output = run(serve().env("SECRET", "1"));
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains("SECRET") && message.contains("env -i"), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_process_is_confined_when_it_says_hello() {
    let folder = tempfile::tempdir().unwrap();
    // With a file that the process must close.
    let script = format!(
        "exec env -i {PROGRAM} serve --memory-bytes 67108864 --scratch-bytes 1048576 --threads 2 7< /etc/passwd"
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut header = [0; 9];
    child.stdout.as_mut().unwrap().read_exact(&mut header).unwrap();
    assert_eq!(header[4], 16, "the first frame is Hello");
    let place = format!("/proc/{}", child.id());
    let proc = |name: &str| std::fs::read_to_string(format!("{place}/{name}")).unwrap();
    let limits = proc("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let memory = ((64_u64 << 20) + (512 << 20)).to_string();
    assert_eq!(limit("Max data size"), [memory.clone(), memory]);
    assert_eq!(limit("Max open files"), ["64", "64"]);
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    assert_eq!(proc("oom_score_adj").trim(), "1000");
    let files = std::fs::read_dir(format!("{place}/fd")).unwrap();
    let files: Vec<_> = files.map(|file| std::fs::read_link(file.unwrap().path()).unwrap()).collect();
    assert!(files.iter().all(|file| file.starts_with("/dev/null") || !file.starts_with("/")), "{files:?}");
    // Threads, too.
    let mut threads = 0;
    for task in std::fs::read_dir(format!("{place}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("NoNewPrivs:")).unwrap();
        assert!(line.ends_with('1'), "{line}");
        threads += 1;
    }
    assert!(threads >= 3, "{threads}");
    // The end of the input ends the process.
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn malformed_input_ends_the_process_with_a_line_for_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = serve().current_dir(&folder).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&[255; 64]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
}
