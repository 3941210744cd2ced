//! The server starts, ends, and starts again.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{House, Process};
use crate::api::{Reply, Wire};
use crate::harness::{eventually, noise, story, text};

story! {
    on(sqlite) async fn limits_from_the_environment_reach_the_server(engine: Engine) {
        let house = House::new(engine).await;
        let ada = house.person("ada");
        let serving = house.serve_with(|command| {
            command.env("RUTTER_LIMITS__OBJECT_BYTES", "10").env("RUTTER_TTL__ACTION", "120");
            command.arg("--public-url=https://data.example.org/");
        });
        house.does(&["repo", "create", "ada/data"]);
        let refused = serving.batch(&ada, "ada/data", "upload", b"eleven char").await;
        assert_eq!(refused["error"]["code"], 413);
        let upload = serving.batch(&ada, "ada/data", "upload", b"ten chars.").await["actions"]["upload"].clone();
        assert_eq!(upload["expires_in"], 120);
        assert!(upload["href"].as_str().unwrap().starts_with("https://data.example.org/_lfs/"), "{upload}");
        serving.end().await;
    }
}

story! {
    on(sqlite) async fn a_port_in_use_is_told_in_one_sentence(engine: Engine) {
        let house = House::new(engine).await;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let refused = house.run(&["serve", "--listen", &address]);
        let said = House::failed(&refused);
        assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("--listen"), "{said}");
    }
}

story! {
    on(sqlite) async fn an_upload_under_way_ends_before_the_server_does(engine: Engine) {
        let house = House::new(engine).await;
        let mut serving = house.serve();
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/data"]);
        let bytes = noise(3, 500_000);
        let object = serving.batch(&ada, "ada/data", "upload", &bytes).await;
        let upload = object["actions"]["upload"]["href"].as_str().unwrap();
        let mut wire = Wire::connect(&serving.url).await;
        wire.request("PUT", upload, &["Content-Length: 500000", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100);
        wire.send(&bytes[..200_000]).await;

        serving.signal("-TERM");
        let address = serving.url.strip_prefix("http://").unwrap().to_owned();
        eventually("nobody new is let in", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
        assert!(serving.process.0.try_wait().unwrap().is_none(), "it waits for the upload");
        wire.send(&bytes[200_000..]).await;
        let (status, head, _) = wire.reply().await;
        assert_eq!(status, 200, "{head}");
        assert!(serving.ended().await.success());
        let log = serving.log.lock().unwrap().join("\n");
        assert!(log.contains("rutter stopped") && !log.contains("cut off"), "{log}");

        let serving = house.serve();
        assert!(serving.download(&ada, "ada/data", &bytes).await.unwrap() == bytes);
        serving.end().await;
    }
}

story! {
    on(sqlite) async fn a_second_signal_means_now(engine: Engine) {
        let house = House::new(engine).await;
        let mut serving = house.serve();
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/data"]);
        let object = serving.batch(&ada, "ada/data", "upload", b"twelve bytes").await;
        let upload = object["actions"]["upload"]["href"].as_str().unwrap();
        let mut wire = Wire::connect(&serving.url).await;
        wire.request("PUT", upload, &["Content-Length: 12", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100);
        serving.signal("-INT");
        let address = serving.url.strip_prefix("http://").unwrap().to_owned();
        eventually("nobody new is let in", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
        serving.signal("-INT");
        assert_eq!(serving.ended().await.code(), Some(130));
    }
}

story! {
    async fn the_second_start_finds_everything(engine: Engine) {
        let house = House::new(engine).await;
        let first = house.serve();
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/data"]);
        let bytes = noise(4, 100_000);
        first.upload(&ada, "ada/data", &bytes).await;
        let object = first.batch(&ada, "ada/data", "download", &bytes).await;
        let signed = object["actions"]["download"]["href"].as_str().unwrap();
        let (_, signed) = signed.split_once("/_lfs/").unwrap();
        let jwt = house.does(&["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]);
        let keys = Reply::of(first.http.get(format!("{}/.well-known/jwks.json", first.url))).await.json();
        first.end().await;

        let second = house.serve();
        assert!(second.download(&ada, "ada/data", &bytes).await.unwrap() == bytes);
        let again = Reply::of(second.http.get(format!("{}/_lfs/{signed}", second.url))).await;
        assert!(again.status == 200 && again.body == bytes, "URLs stay good");
        assert_eq!(second.locks(jwt.trim(), "ada/data").await, 200, "tokens too");
        let kept = Reply::of(second.http.get(format!("{}/.well-known/jwks.json", second.url))).await.json();
        assert_eq!(kept, keys);
        second.end().await;

        // Nobody else on the machine looks in.
        let data = house.folder.path().join("rutter-data");
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("secret"))), (0o700, 0o600));
        // With another secret the sealed key does not open, and it says what to do.
        std::fs::write(data.join("secret"), "0".repeat(64)).unwrap();
        assert!(house.fails(&["user", "list"]).contains("RUTTER_SECRET"));
        std::fs::write(data.join("secret"), "0").unwrap();
        assert!(house.fails(&["user", "list"]).contains("restore it from a backup"));
    }
}

story! {
    async fn a_server_with_another_secret_does_not_start(engine: Engine) {
        let mut house = House::new(engine).await;
        let file = house.folder.path().join("shared.db");
        house.database.get_or_insert_with(|| format!("sqlite://{}", file.display()));
        house.does(&["user", "list", "--data", "first"]);
        let secret = std::fs::read_to_string(house.folder.path().join("first/secret")).unwrap();

        for command in [&["serve", "--listen", "127.0.0.1:0", "--data", "second"][..], &["user", "list", "--data", "second"]] {
            let refused = House::failed(&house.command(command).env("RUTTER_LOG", "off").output().unwrap());
            for part in ["another secret than second/secret", "set RUTTER_SECRET", "need the same"] {
                assert!(refused.contains(part), "{refused}");
            }
        }
        let mut command = house.command(&["user", "list", "--data", "second"]);
        assert!(command.env("RUTTER_SECRET", secret.trim()).output().unwrap().status.success());
        let wrong = House::failed(&command.env("RUTTER_SECRET", "x".repeat(32)).output().unwrap());
        assert!(wrong.contains("(RUTTER_SECRET): use the secret of the server that created it"), "{wrong}");
        assert!(!wrong.contains("xxxx"), "{wrong}");
        std::fs::write(house.folder.path().join("second/secret"), &secret).unwrap();
        house.does(&["user", "list", "--data", "second"]);
    }
}

story! {
    on(sqlite) async fn the_log_is_for_machines_and_holds_no_secrets(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve_with(|command| _ = command.env("RUTTER_LOG", "debug"));
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/data"]);
        serving.upload(&ada, "ada/data", b"bytes").await;
        let object = serving.batch(&ada, "ada/data", "download", b"bytes").await;
        let signed = object["actions"]["download"]["href"].as_str().unwrap();
        assert_eq!(Reply::of(serving.http.get(signed)).await.status, 200);
        let jwt = house.does(&["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]).trim().to_owned();
        let url = format!("{}/ada/data.git/info/lfs/locks?jwt={jwt}", serving.url);
        let told = Reply::of(serving.http.get(url).header("x-request-id", "find-me")).await;
        assert_eq!(told.status, 200);
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
fn a_log_that_is_no_terminal_has_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let house = House { folder, database: None };
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut process = Process(command.stderr(Stdio::piped()).spawn().unwrap());
    let line = process.lines().find(|line| line.as_ref().unwrap().contains("rutter started")).unwrap().unwrap();
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[test]
fn many_first_starts_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let house = House { folder, database: None };
    let children: Vec<Child> = (0..8)
        .map(|number| {
            let email = format!("u{number}@example.org");
            let mut command = house.command(&["user", "add", &format!("u{number}"), "--email", &email]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    assert_eq!(house.does(&["user", "list"]).lines().count(), 8);
}
