//! Clients as users have them, through the proxy of a real server process to a real container: `websockets` of PyPI, `ws`
//! of npm, and curl.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rutter_testing::environment;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::processes::Servers;
use crate::samples::prepared;
use crate::story;
use crate::streams::servers;

/// A program with an environment of its own, which ends with the test.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", environment("PATH").unwrap()).env("NO_PROXY", "127.0.0.1,localhost");
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apps/clients")).kill_on_drop(true);
    command
}

/// Runs a script that opens WebSockets of the app.
async fn web_sockets(mut script: Command, servers: &Servers) {
    let port = servers.url(0).rsplit_once(':').unwrap().1.to_owned();
    script.env("URL", format!("ws://{}/ws", servers.host("probe"))).env("PORT", port);
    script.env("TOKEN", &servers.installation.token).env("OTHER", servers.installation.person("eve"));
    let status = script.status().await.unwrap();
    assert!(status.success(), "{status}");
}

story! {
    async fn web_sockets_work_with_the_client_of_pypi() {
        let mut script = command(prepared("python/bin/python"));
        script.args(["-B", "sockets.py"]);
        web_sockets(script, &servers().await).await;
    }
}

story! {
    async fn web_sockets_work_with_the_client_of_npm() {
        let mut script = command("node");
        script.arg("sockets.mjs").env("PACKAGES", prepared("node_modules"));
        web_sockets(script, &servers().await).await;
    }
}

/// curl, with a request to the app.
fn curl(servers: &Servers, path: &str) -> Command {
    let mut command = command("curl");
    // It looks up hosts of `localhost` itself.
    command.args(["--silent", "--show-error", "--fail", "--no-buffer", "--max-time", "60"]);
    command
        .args(["--oauth2-bearer", &servers.installation.token])
        .arg(format!("http://{}{path}", servers.host("probe")));
    command.stdout(Stdio::piped());
    command
}

story! {
    async fn curl_sees_events_when_they_are_sent() {
        let servers = servers().await;
        let mut curl = curl(&servers, "/sse?n=10").spawn().unwrap();
        let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines();
        let mut times = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(event) = line.strip_prefix("data: ") {
                assert_eq!(event, format!("event {}", times.len()));
                times.push(Instant::now());
            }
        }
        assert!(curl.wait().await.unwrap().success());
        assert_eq!(times.len(), 10);
        // The app sends one each 100 ms.
        let first_to_last = times[9] - times[0];
        assert!(first_to_last > Duration::from_millis(700), "{first_to_last:?}");
    }
}

story! {
    async fn curl_uploads_what_it_reads_from_a_pipe() {
        let servers = servers().await;
        // Chunked, and after `100 Continue`.
        let mut curl = curl(&servers, "/echo");
        let mut curl = curl.args(["--upload-file", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        let (mut input, mut output) = (curl.stdin.take().unwrap(), curl.stdout.take().unwrap());
        let block: Vec<u8> = (0..1_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        let (mut sent, mut received) = (Sha256::new(), Vec::new());
        let writing = async {
            for _ in 0..30 {
                sent.update(&block);
                input.write_all(&block).await.unwrap();
            }
            drop(input);
        };
        let ((), length) = futures::join!(writing, tokio::io::AsyncReadExt::read_to_end(&mut output, &mut received));
        assert!(curl.wait().await.unwrap().success());
        assert_eq!((length.unwrap(), Sha256::digest(&received)), (30 << 20, sent.finalize()));
    }
}
