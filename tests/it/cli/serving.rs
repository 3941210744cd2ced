//! The server starts, ends, and starts again.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use rutter_testing::{RawConnection, Reply, eventually, noise, story, text};
use serde_json::Value;

use super::{Cli, Process};

story! {
    on(sqlite) async fn limits_from_the_environment_reach_the_server(engine: Engine) {
        let cli = Cli::new(engine).await;
        let ada = cli.person("ada");
        let serving = cli.serve_with(|command| {
            command.env("RUTTER_LIMITS__OBJECT_BYTES", "10").env("RUTTER_TTL__ACTION", "120");
            command.arg("--public-url=https://data.example.org/");
        });
        cli.ok(&["repo", "create", "ada/data"]);
        let refused = serving.batch(&ada, "ada/data", "upload", b"eleven char").await;
        assert_eq!(refused["error"]["code"], 413);
        let upload = serving.batch(&ada, "ada/data", "upload", b"ten chars.").await["actions"]["upload"].clone();
        assert_eq!(upload["expires_in"], 120);
        assert!(upload["href"].as_str().unwrap().starts_with("https://data.example.org/_lfs/"), "{upload}");
        serving.end().await;
    }
}

story! {
    on(sqlite) async fn a_port_in_use_is_reported_in_one_sentence(engine: Engine) {
        let cli = Cli::new(engine).await;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let refused = cli.run(&["serve", "--listen", &address]);
        let said = Cli::error_of(&refused);
        assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("--listen"), "{said}");
    }
}

story! {
    on(sqlite) async fn the_server_waits_for_running_uploads_before_it_stops(engine: Engine) {
        let cli = Cli::new(engine).await;
        let mut serving = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/data"]);
        let bytes = noise(3, 500_000);
        let object = serving.batch(&ada, "ada/data", "upload", &bytes).await;
        let upload = object["actions"]["upload"]["href"].as_str().unwrap();
        let mut wire = RawConnection::connect(&serving.url).await;
        wire.request("PUT", upload, &["Content-Length: 500000", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100);
        wire.send(&bytes[..200_000]).await;

        serving.signal("-TERM");
        let address = serving.url.strip_prefix("http://").unwrap().to_owned();
        eventually("no new connection is accepted", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
        assert!(serving.process.0.try_wait().unwrap().is_none(), "it waits for the upload");
        wire.send(&bytes[200_000..]).await;
        let (status, head, _) = wire.reply().await;
        assert_eq!(status, 200, "{head}");
        assert!(serving.ended().await.success());
        let log = serving.log.lock().unwrap().join("\n");
        assert!(log.contains("rutter stopped") && !log.contains("cut off"), "{log}");

        let serving = cli.serve();
        assert!(serving.download(&ada, "ada/data", &bytes).await.unwrap() == bytes);
        serving.end().await;
    }
}

story! {
    on(sqlite) async fn a_second_signal_stops_the_server_immediately(engine: Engine) {
        let cli = Cli::new(engine).await;
        let mut serving = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/data"]);
        let object = serving.batch(&ada, "ada/data", "upload", b"twelve bytes").await;
        let upload = object["actions"]["upload"]["href"].as_str().unwrap();
        let mut wire = RawConnection::connect(&serving.url).await;
        wire.request("PUT", upload, &["Content-Length: 12", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100);
        serving.signal("-INT");
        let address = serving.url.strip_prefix("http://").unwrap().to_owned();
        eventually("no new connection is accepted", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
        serving.signal("-INT");
        assert_eq!(serving.ended().await.code(), Some(130));
    }
}

story! {
    async fn a_restart_keeps_all_data(engine: Engine) {
        let cli = Cli::new(engine).await;
        let first = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/data"]);
        let bytes = noise(4, 100_000);
        first.upload(&ada, "ada/data", &bytes).await;
        let object = first.batch(&ada, "ada/data", "download", &bytes).await;
        let signed = object["actions"]["download"]["href"].as_str().unwrap();
        let (_, signed) = signed.split_once("/_lfs/").unwrap();
        let jwt = cli.ok(&["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]);
        let keys = Reply::of(first.http.get(format!("{}/.well-known/jwks.json", first.url))).await.json();
        first.end().await;

        let second = cli.serve();
        assert!(second.download(&ada, "ada/data", &bytes).await.unwrap() == bytes);
        let again = Reply::of(second.http.get(format!("{}/_lfs/{signed}", second.url))).await;
        assert!(again.status == 200 && again.body == bytes, "URLs stay good");
        assert_eq!(second.locks(jwt.trim(), "ada/data").await, 200, "tokens too");
        let kept = Reply::of(second.http.get(format!("{}/.well-known/jwks.json", second.url))).await.json();
        assert_eq!(kept, keys);
        second.end().await;

        // Other users of the machine cannot read it.
        let data = cli.folder.path().join("rutter-data");
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("secret"))), (0o700, 0o600));
        // With another secret the sealed key cannot be read, and the message says what to do.
        std::fs::write(data.join("secret"), "0".repeat(64)).unwrap();
        assert!(cli.fails(&["user", "list"]).contains("RUTTER_SECRET"));
        std::fs::write(data.join("secret"), "0").unwrap();
        assert!(cli.fails(&["user", "list"]).contains("restore it from a backup"));
    }
}

story! {
    async fn a_server_with_another_secret_does_not_start(engine: Engine) {
        let mut cli = Cli::new(engine).await;
        let file = cli.folder.path().join("shared.db");
        cli.database.get_or_insert_with(|| format!("sqlite://{}", file.display()));
        cli.ok(&["user", "list", "--data", "first"]);
        let secret = std::fs::read_to_string(cli.folder.path().join("first/secret")).unwrap();

        for command in [&["serve", "--listen", "127.0.0.1:0", "--data", "second"][..], &["user", "list", "--data", "second"]] {
            let refused = Cli::error_of(&cli.command(command).env("RUTTER_LOG", "off").output().unwrap());
            for part in ["another secret than second/secret", "set RUTTER_SECRET", "need the same"] {
                assert!(refused.contains(part), "{refused}");
            }
        }
        let mut command = cli.command(&["user", "list", "--data", "second"]);
        assert!(command.env("RUTTER_SECRET", secret.trim()).output().unwrap().status.success());
        let wrong = Cli::error_of(&command.env("RUTTER_SECRET", "x".repeat(32)).output().unwrap());
        assert!(wrong.contains("(RUTTER_SECRET): use the secret of the server that created it"), "{wrong}");
        assert!(!wrong.contains("xxxx"), "{wrong}");
        std::fs::write(cli.folder.path().join("second/secret"), &secret).unwrap();
        cli.ok(&["user", "list", "--data", "second"]);
    }
}

story! {
    on(sqlite) async fn the_json_log_contains_no_secrets(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve_with(|command| _ = command.env("RUTTER_LOG", "debug"));
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/data"]);
        serving.upload(&ada, "ada/data", b"bytes").await;
        let object = serving.batch(&ada, "ada/data", "download", b"bytes").await;
        let signed = object["actions"]["download"]["href"].as_str().unwrap();
        assert_eq!(Reply::of(serving.http.get(signed)).await.status, 200);
        let jwt = cli.ok(&["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]).trim().to_owned();
        let url = format!("{}/ada/data.git/info/lfs/locks?jwt={jwt}", serving.url);
        let answer = Reply::of(serving.http.get(url).header("x-request-id", "find-me")).await;
        assert_eq!(answer.status, 200);
        let log = serving.log.clone();
        serving.end().await;
        let log = log.lock().unwrap();
        for line in log.iter() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not a line of JSON: {line}"));
            assert!(entry["timestamp"].is_string() && entry["level"].is_string(), "{line}");
        }
        let all = log.join("\n");
        assert!(all.contains("find-me"), "a request is found by its id");
        for secret in [&ada, &jwt, signed.rsplit('/').next().unwrap()] {
            assert!(!all.contains(secret), "the log holds {secret}");
        }
    }
}

#[test]
fn the_log_has_colours_only_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli { folder, database: None };
    let mut command = cli.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut process = Process(command.stderr(Stdio::piped()).spawn().unwrap());
    let line = process.lines().find(|line| line.as_ref().unwrap().contains("rutter started")).unwrap().unwrap();
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[test]
fn concurrent_first_starts_agree_on_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli { folder, database: None };
    let children: Vec<Child> = (0..8)
        .map(|number| {
            let email = format!("u{number}@example.org");
            let mut command = cli.command(&["user", "add", &format!("u{number}"), "--email", &email]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    assert_eq!(cli.ok(&["user", "list"]).lines().count(), 8);
}
