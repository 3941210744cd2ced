//! The command line logs in, and git and git-lfs use its login.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rutter::types::Visibility;
use rutter_testing::{Server, Tree, assert_success, environment, program, story, text};
use serde_json::{Value, json};

fn rutter(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().env("PATH", environment("PATH").unwrap_or_default()).env("HOME", home).args(arguments);
    command
}

/// Logs in, and allows or refuses it in the browser with this cookie.
async fn log_in(server: &Server, home: &Path, cookie: &str, allow: bool) -> Output {
    let mut login = rutter(home, &["login", &server.url]);
    let mut login = login.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut page = String::new();
    BufReader::new(login.stdout.as_mut().unwrap()).read_line(&mut page).unwrap();
    let code = page.trim().split_once('#').unwrap().1.to_owned();
    let url = format!("/api/v1/oauth/devices/{code}");
    let asked = server.call(Some(cookie), "GET", &url, Value::Null).await.json();
    assert!(
        asked["name"] == "rutter command line" && asked["agent"].as_str().unwrap().starts_with("rutter/"),
        "{asked}"
    );
    assert_eq!(server.call(Some(cookie), "POST", &url, json!({"allow": allow})).await.status, 204);
    login.wait_with_output().unwrap()
}

fn saved(home: &Path) -> Value {
    serde_json::from_slice(&fs::read(home.join(".config/rutter/logins.json")).unwrap()).unwrap()
}

story! {
    async fn git_and_git_lfs_use_the_login_of_the_command_line(engine: Engine) {
        let server = Server::start_public(engine).await;
        let ada = server.person("ada").await;
        server.dataset("ada/birds", Visibility::Private).await;
        let cookie = server.cookie("ada").await;
        let tree: Tree = server.tree("tree");
        let home = tree.home.clone();

        let refused = log_in(&server, &home, &cookie, false).await;
        assert!(!refused.status.success() && text(&refused).contains("you refused the login"), "{}", text(&refused));
        assert!(!home.join(".config/rutter/logins.json").exists());
        let output = log_in(&server, &home, &cookie, true).await;
        assert_success(&output, "rutter login");
        let said = text(&output);
        assert!(said.contains("You are logged in to") && !said.contains("rat_") && !said.contains("rrt_"), "{said}");
        let mode = |path: &str| fs::metadata(home.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(".config/rutter"), mode(".config/rutter/logins.json")), (0o700, 0o600));
        let list = rutter(&home, &["login"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&list.stdout), format!("ada\t{}\n", server.url));

        // A push with LFS objects and a clone, with a URL without credentials.
        let url = format!("{}/ada/birds.git", server.url);
        tree.with_lfs(&url);
        tree.write("birds.bin", vec![7; 300_000]);
        tree.commit("birds");
        tree.git(&["push", "-q", "origin", "HEAD:main"]);
        let clone = tree.folder.with_file_name("clone");
        tree.git(&["clone", "-q", &url, clone.to_str().unwrap()]);
        assert_eq!(fs::read(clone.join("birds.bin")).unwrap(), vec![7; 300_000]);

        // The access token expires, which the program cannot know: the server refuses it, git says so, and it is
        // refreshed.
        let before = saved(&home)[&server.url]["access_token"].clone();
        server.clock.advance(Duration::from_mins(16));
        assert!(!tree.try_git(&["fetch", "-q", "origin"]).status.success(), "git does not try twice");
        tree.git(&["fetch", "-q", "origin"]);
        let after = saved(&home)[&server.url].clone();
        assert_ne!(before, after["access_token"]);

        // So do commands that use the API, which refresh it themselves.
        let diff = || rutter(&home, &["diff", "ada/birds", "main", "main"]).output().unwrap();
        assert_success(&diff(), "rutter diff");
        server.clock.advance(Duration::from_mins(16));
        assert_success(&diff(), "rutter diff with an expired token");
        assert_ne!(after["access_token"], saved(&home)[&server.url]["access_token"]);

        // Many at one time refresh it once: a second refresh with the old token would end the login.
        server.clock.advance(Duration::from_mins(16));
        let mut expired = saved(&home);
        expired[&server.url]["expires_at"] = json!(0);
        fs::write(home.join(".config/rutter/logins.json"), expired.to_string()).unwrap();
        let fetches: Vec<_> = (0..6).map(|_| {
            rutter_testing::git_command(&tree.home, &tree.folder).args(["ls-remote", "origin"]).stdout(Stdio::null()).spawn().unwrap()
        }).collect();
        for mut fetch in fetches {
            assert!(fetch.wait().unwrap().success());
        }
        server.clock.advance(Duration::from_secs(60));
        tree.git(&["fetch", "-q", "origin"]);

        // Revoked in the account.
        let consent = server.ok(&ada, "GET", "/api/v1/user/consents", Value::Null).await["items"][0]["client"].clone();
        let url = format!("/api/v1/user/consents/{}", consent.as_str().unwrap());
        assert_eq!(server.call(Some(&ada.token), "DELETE", &url, Value::Null).await.status, 204);
        assert!(!tree.try_git(&["fetch", "origin"]).status.success());
        let failed = tree.git_fails(&["fetch", "origin"]);
        assert!(failed.contains(&format!("run `rutter login {}`", server.url)), "{failed}");

        assert_success(&rutter(&home, &["logout", &server.url]).output().unwrap(), "rutter logout");
        assert_eq!(saved(&home), json!({}));
        assert_eq!(tree.try_git(&["config", "--global", "--get-regexp", "credential.http"]).stdout, b"");
        let again = rutter(&home, &["logout", &server.url]).output().unwrap();
        assert!(!again.status.success() && text(&again).contains("you are not logged in"));
    }
}

story! {
    on(sqlite) async fn a_login_goes_to_rutter_servers_only(engine: Engine) {
        let server = Server::start_public(engine).await;
        let home = server.tree("tree").home;
        let other = server.url.replace("127.0.0.1", "localhost");
        for (url, message) in [
            ("http://data.example.org", "use https"),
            ("nothing", "give the URL of a server"),
            (other.as_str(), "run rutter login http://127.0.0.1"),
            ("http://127.0.0.1:9", "cannot reach"),
        ] {
            let output = rutter(&home, &["login", url]).output().unwrap();
            assert!(!output.status.success() && text(&output).contains(message), "{url}: {}", text(&output));
        }
        // A helper without a login is silent: git asks the next one.
        let mut helper = rutter(&home, &["credential", "get"]);
        let mut helper = helper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut helper.stdin.take().unwrap(), b"protocol=https\nhost=example.org\n\n").unwrap();
        let output = helper.wait_with_output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty());
    }
}
