//! Real clients that upload an object in parts, and are killed meanwhile.

use std::process::{Command, Stdio};

use rutter_testing::{Engine, Person, Reply, Server, Tree, assert_success, eventually, git_command, noise, story};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::pypi::{GIFTLESS, python};

/// Large enough that a client can be killed in the middle.
const LENGTH: usize = 40_000_000;

async fn server_with_parts(engine: Engine) -> Server {
    Server::start_with(engine, |config| config.limits.multipart_threshold = 1_000_000).await
}

/// A figure of the server, all of its labels that contain these words taken together.
async fn metric(server: &Server, name: &str, labels: &[&str]) -> u64 {
    let figures = Reply::of(server.request("GET", "/metrics", None)).await.text();
    let lines = figures.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// How many bytes of the only upload are on the disk.
fn arrived(server: &Server) -> u64 {
    let folder = server.app.config.data.join("store").join("objects").join("uploads");
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let content = files.filter(|path| path.extension().is_none()).find_map(|path| path.metadata().ok());
    content.map_or(0, |content| content.len())
}

/// A proxy that forwards `limit` bytes of a connection, and then no more until it is cut.
/// Returns its host.
async fn throttled_proxy(server: &Server, limit: usize, cut: CancellationToken) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = server.url.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (cut, server) = (cut.clone(), TcpStream::connect(&server).await.unwrap());
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let up = async {
                    let (mut block, mut carried) = (vec![0; 65_536], 0);
                    while carried < limit
                        && let Ok(read @ 1..) = from_client.read(&mut block).await
                    {
                        carried += read;
                        to_server.write_all(&block[..read]).await?;
                    }
                    if carried >= limit {
                        cut.cancelled().await;
                    }
                    to_server.shutdown().await
                };
                let down = tokio::io::copy(&mut from_server, &mut to_client);
                tokio::select! { () = cut.cancelled() => {}, _ = async { tokio::join!(up, down) } => {} }
            });
        }
    });
    host
}

/// Starts git and git-lfs as a group of their own, which can be killed together.
fn start(tree: &Tree, arguments: &[&str]) -> std::process::Child {
    use std::os::unix::process::CommandExt as _;
    let mut command = git_command(&tree.home, &tree.folder);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().unwrap()
}

story! {
    on(sqlite) async fn git_lfs_with_tus_resumes_after_it_was_killed(engine: Engine) {
        let server = server_with_parts(engine).await;
        let ada = server.person("ada").await;
        let tree = server.tree("work");
        let cut = CancellationToken::new();
        let host = throttled_proxy(&server, 12_000_000, cut.clone()).await;
        let Person { name, token } = &ada;
        tree.with_lfs(&format!("http://{name}:{token}@{host}/ada/data.git"));
        tree.git(&["config", "lfs.tustransfers", "true"]);
        let bytes = noise(1, LENGTH);
        tree.write("large.bin", &bytes);
        tree.commit("Large");
        let mut push = start(&tree, &["push", "-q", "origin", "main"]);
        let group = format!("-{}", push.id());
        eventually("some of it is there", async || arrived(&server) > 5_000_000).await;
        let killed = Command::new("kill").args(["-9", "--", &group]).status().unwrap();
        assert!(killed.success());
        push.wait().unwrap();
        cut.cancel();
        let patches = ["route=\"/_lfs/uploads/{token}\"", "method=\"PATCH\""];
        eventually("the request has ended", async || metric(&server, "rutter_http_requests_total", &patches).await > 0)
            .await;

        let before = arrived(&server);
        assert!(before < LENGTH as u64);
        assert_eq!(server.app.storage.check(true).await.unwrap(), Vec::<String>::new());
        // From here on it goes straight to the server.
        tree.git(&["remote", "set-url", "origin", &server.remote(&ada, "ada/data")]);
        let received = metric(&server, "rutter_lfs_received_bytes_total", &[]).await;
        tree.git(&["push", "-q", "origin", "main"]);
        let more = metric(&server, "rutter_lfs_received_bytes_total", &[]).await - received;
        assert!(more > 0 && more <= LENGTH as u64 - 5_000_000, "{more} bytes were sent, though {before} were there");
        assert_eq!(metric(&server, "rutter_http_requests_total", &["method=\"PUT\""]).await, 0, "all of it was by tus");
        let clone = server.assert_intact(&ada, "ada/data").await;
        assert!(clone.read("large.bin") == bytes);
    }
}

/// Sends `work.bin` and fetches it again; exits after a number of parts.
const CLIENT: &str = r#"
import os, sys
from giftless_client import LfsClient, transfer
url, token, parts = sys.argv[1], sys.argv[2], int(sys.argv[3])
send = transfer.MultipartTransferAdapter._send_part_request
def counted(self, *arguments, **named):
    global parts
    if parts == 0:
        os.kill(os.getpid(), 9)
    parts -= 1
    return send(self, *arguments, **named)
transfer.MultipartTransferAdapter._send_part_request = counted
client = LfsClient(url, token)
with open("work.bin", "rb") as file:
    known = client.upload(file, "ada", "data", want_digest="contentMD5")
with open("back.bin", "wb") as file:
    client.download(file, known["oid"], known["size"], "ada", "data")
"#;

story! {
    on(sqlite) async fn the_client_of_giftless_sends_only_what_is_missing(engine: Engine) {
        let Some(python) = python(&GIFTLESS, "import giftless_client") else { return };
        let server = server_with_parts(engine).await;
        let ada = server.person("ada").await;
        let place = server.empty_folder("giftless");
        let bytes = noise(2, LENGTH);
        place.write("work.bin", &bytes);
        let run = |parts: &str| {
            let mut command = Command::new(&python);
            command.env_clear().env("no_proxy", "127.0.0.1").current_dir(&place.folder);
            command.args(["-c", CLIENT, &server.url, &ada.token, parts]).output().unwrap()
        };
        assert!(!run("1").status.success());
        let first = metric(&server, "rutter_lfs_received_bytes_total", &[]).await;
        assert_eq!(first, 10_000_000);
        let done = run("-1");
        assert_success(&done, "the client");
        assert_eq!(metric(&server, "rutter_lfs_received_bytes_total", &[]).await, LENGTH as u64);
        assert_eq!(metric(&server, "rutter_http_requests_total", &["route=\"/_lfs/uploads/{token}\"", "method=\"PUT\""]).await, 4);
        assert!(place.read("back.bin") == bytes);
    }
}
