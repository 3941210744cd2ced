//! The program itself, as an operator runs it, also beside a running server.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use argon2::PasswordVerifier as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Reply, Wire};
use crate::harness::{Engine, eventually, noise, story, text};

/// One installation: a folder and a database.
struct House {
    folder: TempDir,
    database: Option<String>,
}

impl House {
    async fn new(engine: Engine) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: engine.database_url().await }
    }

    /// The program with nothing of our environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
        command
            .env_clear()
            .env("PATH", crate::harness::environment("PATH").unwrap_or_default())
            .env("HOME", self.folder.path());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("RUTTER_DATABASE_URL", database);
        }
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must do; gives its standard output.
    fn does(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "rutter {}: {}", arguments.join(" "), text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with status 1; gives what it said on standard error.
    fn fails(&self, arguments: &[&str]) -> String {
        Self::failed(&self.run(arguments))
    }

    fn failed(output: &Output) -> String {
        assert_eq!(output.status.code(), Some(1), "{}", text(output));
        assert!(output.stdout.is_empty(), "{}", text(output));
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(said.starts_with("rutter: "), "{said}");
        said
    }

    /// Runs a command with something on its standard input.
    fn told(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.command(arguments);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Adds a user with a token.
    fn person(&self, name: &str) -> String {
        self.does(&["user", "add", name, "--email", &format!("{name}@example.org")]);
        self.does(&["token", "add", name]).trim().to_owned()
    }

    fn serve(&self) -> Serving {
        self.serve_with(|_| {})
    }

    fn serve_with(&self, change: impl FnOnce(&mut Command)) -> Serving {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("RUTTER_LOG_FORMAT", "json").stderr(Stdio::piped());
        change(&mut command);
        let mut process = Process(command.spawn().unwrap());
        let mut lines = process.lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let url = loop {
            let line = lines.next().expect("the server says where it listens").unwrap();
            let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a line of JSON: {line}"));
            log.lock().unwrap().push(line);
            if entry["fields"]["message"] == "rutter serves" {
                break format!("http://{}", entry["fields"]["address"].as_str().unwrap());
            }
        };
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        // The server of a test sees to this itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Serving { process, url, log, http: reqwest::Client::new() }
    }
}

/// A program that does not outlive its test.
struct Process(Child);

impl Process {
    fn lines(&mut self) -> Lines<BufReader<ChildStderr>> {
        BufReader::new(self.0.stderr.take().unwrap()).lines()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of the real program.
struct Serving {
    process: Process,
    url: String,
    log: Arc<Mutex<Vec<String>>>,
    http: reqwest::Client,
}

impl Serving {
    async fn locks(&self, token: &str, path: &str) -> u16 {
        let request = self.http.get(format!("{}/{path}.git/info/lfs/locks", self.url));
        Reply::of(request.basic_auth("x", Some(token))).await.status
    }

    /// The answer of a batch for one object.
    async fn batch(&self, token: &str, path: &str, operation: &str, bytes: &[u8]) -> Value {
        let objects = json!([{"oid": lfs::Oid::of(bytes), "size": bytes.len()}]);
        let request = self.http.post(format!("{}/{path}.git/info/lfs/objects/batch", self.url));
        let request = request.basic_auth("x", Some(token)).header("content-type", "application/vnd.git-lfs+json");
        let body = json!({"operation": operation, "objects": objects}).to_string();
        Reply::of(request.body(body)).await.json()["objects"][0].clone()
    }

    async fn upload(&self, token: &str, path: &str, bytes: &[u8]) {
        let object = self.batch(token, path, "upload", bytes).await;
        let href = object["actions"]["upload"]["href"].as_str().unwrap_or_else(|| panic!("{object}"));
        assert_eq!(Reply::of(self.http.put(href).body(bytes.to_vec())).await.status, 200);
    }

    async fn download(&self, token: &str, path: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let object = self.batch(token, path, "download", bytes).await;
        let href = object["actions"]["download"]["href"].as_str()?;
        Some(Reply::of(self.http.get(href)).await.body)
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.process.0.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    async fn ended(&mut self) -> std::process::ExitStatus {
        let mut status = None;
        eventually("the server ends", async || {
            status = self.process.0.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    async fn end(mut self) {
        self.signal("-TERM");
        assert!(self.ended().await.success());
    }
}

story! {
    async fn users_are_added_once(engine: Engine) {
        let house = House::new(engine).await;
        let added = house.run(&["user", "add", "ada", "--email", "Ada@Example.org", "--admin"]);
        assert!(added.status.success() && added.stdout.is_empty(), "{}", text(&added));
        assert!(text(&added).contains("rutter token add ada"), "it says what comes next");
        house.does(&["user", "add", "ben", "--email", "ben@example.org"]);
        assert_eq!(house.does(&["user", "list"]), "ada ada@example.org admin\nben ben@example.org\n");

        let taken = house.fails(&["user", "add", "Ada", "--email", "other@example.org"]);
        assert!(taken.contains("the name `ada` is taken"), "{taken}");
        let used = house.fails(&["user", "add", "carl", "--email", "ADA@example.org"]);
        assert!(used.contains("`ada@example.org` has an account already"), "{used}");
        // What cannot be meant is refused by the parser of the command line: status 2.
        for (name, email, said) in [
            ("carl", "carl", "is not an e-mail address"),
            ("carl", "a b@example.org", "is not an e-mail address"),
            ("..", "c@example.org", "is not a valid owner name"),
            ("a b", "c@example.org", "is not a valid owner name"),
            ("api", "c@example.org", "is reserved"),
        ] {
            let refused = house.run(&["user", "add", name, "--email", email]);
            assert_eq!(refused.status.code(), Some(2), "{name} {email}");
            assert!(text(&refused).contains(said), "{}", text(&refused));
        }
        let nested = house.fails(&["user", "add", "a/b", "--email", "c@example.org"]);
        assert!(nested.contains("only organisations may be nested"), "{nested}");
        assert_eq!(house.does(&["user", "list"]).lines().count(), 2);
    }
}

story! {
    async fn a_suspended_user_gets_in_by_no_token(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve();
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/data"]);
        let jwt = house.does(&["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]).trim().to_owned();
        for token in [&ada, &jwt] {
            assert_eq!(serving.locks(token, "ada/data").await, 200);
        }
        house.does(&["user", "suspend", "ada"]);
        assert_eq!(house.does(&["user", "list"]), "ada ada@example.org suspended\n");
        for token in [&ada, &jwt] {
            assert_eq!(serving.locks(token, "ada/data").await, 401);
        }
        for command in [&["token", "add", "ada"][..], &["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]] {
            let refused = house.fails(command);
            assert!(refused.contains("`ada` is suspended; `rutter user resume ada` ends that"), "{refused}");
        }
        assert!(house.fails(&["user", "suspend", "ada"]).contains("suspended already"));
        house.does(&["user", "resume", "ada"]);
        for token in [&ada, &jwt] {
            assert_eq!(serving.locks(token, "ada/data").await, 200);
        }
        assert_eq!(house.does(&["user", "list"]), "ada ada@example.org\n");
        assert!(house.fails(&["user", "resume", "ada"]).contains("not suspended"));
        assert!(house.fails(&["user", "suspend", "nobody"]).contains("there is no user `nobody`"));
        serving.end().await;
    }
}

story! {
    async fn the_operator_sees_what_is_held_and_bounds_it(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve();
        let ada = house.person("ada");
        house.does(&["org", "add", "statistics"]);
        house.does(&["repo", "create", "ada/census"]);
        house.does(&["repo", "create", "statistics/census"]);
        serving.upload(&ada, "ada/census", &noise(1, 3_000_000)).await;
        serving.upload(&ada, "ada/more", &noise(2, 1000)).await;
        house.does(&["quota", "ada", "100MB"]);
        house.does(&["quota", "ada/census", "4 MiB"]);
        house.does(&["quota", "statistics/census", "0"]);
        let table: Vec<Vec<String>> = house
            .does(&["usage"])
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect())
            .collect();
        assert_eq!(
            table,
            [
                ["PATH", "OBJECTS", "SIZE", "QUOTA", "USED"],
                ["ada", "2", "2.9 MiB", "95.4 MiB", "3%"],
                ["ada/census", "1", "2.9 MiB", "4.0 MiB", "71%"],
                ["ada/more", "1", "1000 B", "-", "-"],
                ["statistics", "0", "0 B", "-", "-"],
                ["statistics/census", "0", "0 B", "0 B", "100%"],
                ["total", "2", "2.9 MiB", "-", "-"],
            ]
            .map(|row| row.map(str::to_owned).to_vec())
        );
        let told: Value = serde_json::from_str(&house.does(&["usage", "ada/census", "--json"])).unwrap();
        let census = json!({"path": "ada/census", "objects": 1, "bytes": 3_000_000, "quota_bytes": 4_194_304});
        let owner = json!({"owner": "ada", "kind": "user", "objects": 2, "bytes": 3_001_000, "quota_bytes": 100_000_000,
            "datasets": [census]});
        assert_eq!(told["owners"], json!([owner]));

        // The running server knows it at once.
        let answer = serving.batch(&ada, "ada/census", "upload", &noise(3, 1_194_305)).await;
        assert_eq!(answer["error"]["code"], 507, "{answer}");
        assert!(serving.batch(&ada, "ada/census", "upload", &noise(3, 1_194_304)).await["actions"].is_object());
        house.does(&["quota", "ada/census", "none"]);
        assert!(serving.batch(&ada, "ada/census", "upload", &noise(3, 1_194_305)).await["actions"].is_object());
        assert_eq!(house.does(&["usage", "--recount"]), "", "nothing is wrong");

        for unknown in ["ben", "ada/other", "ben/census"] {
            let refused = house.fails(&["quota", unknown, "1GB"]);
            assert!(refused.contains(&format!("no user, organisation or dataset `{unknown}`")), "{refused}");
            assert!(house.fails(&["usage", unknown]).contains("there is no user"));
        }
        for nonsense in ["lots", "-5GB", "5 apples", "", "GB"] {
            let refused = house.run(&["quota", "ada", "--", nonsense]);
            assert_eq!(refused.status.code(), Some(2), "{nonsense}");
            assert!(text(&refused).contains("write 500GB, 100GiB, none or default"), "{}", text(&refused));
        }
    }
}

story! {
    async fn only_a_role_that_is_named_changes_a_member(engine: Engine) {
        let house = House::new(engine).await;
        house.person("ada");
        assert_eq!(house.does(&["org", "list"]), "");
        house.does(&["org", "add", "statistics"]);
        house.does(&["org", "add", "ministry"]);
        house.does(&["org", "add", "ministry/statistics"]);
        assert_eq!(house.does(&["org", "list"]), "ministry\nministry/statistics\nstatistics\n");
        let member = ["org", "member", "statistics", "ada"];
        assert!(text(&house.run(&member)).contains("`ada` is a member of `statistics` as reader; change it with --role"));
        house.does(&[&member[..], &["--role", "owner"]].concat());
        assert!(text(&house.run(&member)).contains("`ada` is a member of `statistics` as owner"));
        assert_eq!(house.does(&["org", "member", "statistics"]), "ada owner\n");
        house.does(&[&member[..], &["--role", "reader"]].concat());
        assert_eq!(house.does(&["org", "member", "statistics"]), "ada reader\n");
        for nobody in [&["org", "member", "statistics", "--remove"][..], &["org", "member", "statistics", "--role", "owner"]] {
            assert_eq!(house.run(nobody).status.code(), Some(2), "{nobody:?}");
        }
    }
}

story! {
    async fn passwords_come_by_standard_input_and_are_not_kept(engine: Engine) {
        let house = House::new(engine).await;
        let add = |name: &str, password: &str| {
            let email = format!("{name}@example.org");
            house.told(&["user", "add", name, "--email", &email, "--password-stdin"], password)
        };
        for short in ["", "\n", "seven77\n", "ééééééé\n"] {
            assert!(House::failed(&add("ada", short)).contains("at least 8 characters"), "{short:?}");
        }
        let password = "correct horse battery";
        assert!(add("ada", &format!("{password}\r\n")).status.success());
        let config = rutter::config::Config {
            data: house.folder.path().join("rutter-data"),
            database_url: house.database.clone().map(rutter::types::Secret::new),
            ..rutter::config::Config::default()
        };
        let db = rutter::db::Db::connect(&config.database_url()).await.unwrap();
        let stored: String = match &mut db.read().await.unwrap() {
            rutter::db::Tx::Sqlite(tx) => sqlx::query_scalar("SELECT password FROM account").fetch_one(&mut **tx).await,
            rutter::db::Tx::Postgres(tx) => sqlx::query_scalar("SELECT password FROM account").fetch_one(&mut **tx).await,
        }
        .unwrap();
        assert!(stored.starts_with("$argon2id$") && !stored.contains(password));
        let hash = argon2::password_hash::phc::PasswordHash::new(&stored).unwrap();
        let fits = |text: &str| argon2::Argon2::default().verify_password(text.as_bytes(), &hash).is_ok();
        assert!(fits(password) && !fits("wrong horse"));
    }
}

story! {
    async fn an_operator_gives_a_password_and_a_new_server_tells_how_to_begin(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve();
        let told = || {
            let log = serving.log.lock().unwrap().join("\n");
            log.split_once("/setup#ruk_").map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
        };
        eventually("the link is told", async || told().is_some()).await;
        serving.end().await;

        house.does(&["user", "add", "ada", "--email", "ada@example.org", "--admin"]);
        let set = |name: &str, password: &str| house.told(&["user", "set-password", name], password);
        assert!(House::failed(&set("ada", "short\n")).contains("at least 8 characters"));
        assert!(House::failed(&set("ben", "correct horse\n")).contains("there is no user `ben`"));
        assert!(set("ada", "correct horse\n").status.success());
        let serving = house.serve();
        let body = json!({"login": "ada", "password": "correct horse"});
        let login = serving.http.post(format!("{}/api/v1/session", serving.url)).json(&body);
        assert_eq!(login.send().await.unwrap().status(), 200);
        assert!(!serving.log.lock().unwrap().join("\n").contains("/setup#"), "there is an administrator");
        serving.end().await;
    }
}

story! {
    async fn a_token_is_alone_on_standard_output_and_stored_as_a_hash(engine: Engine) {
        let house = House::new(engine).await;
        house.does(&["user", "add", "ada", "--email", "ada@example.org"]);
        let made = house.run(&["token", "add", "ada", "--name", "laptop", "--expires", "30d", "--scope", "write:ada/census"]);
        let token = String::from_utf8(made.stdout.clone()).unwrap();
        assert!(made.status.success() && made.stderr.is_empty(), "{}", text(&made));
        assert!(token.starts_with("rut_") && token.len() == 48 && token.ends_with('\n'), "{token:?}");
        house.does(&["token", "add", "ada", "--scope", "read", "--scope", "own:ada/own"]);

        let list = house.does(&["token", "list", "ada"]);
        assert!(!list.contains(token.trim()), "nobody sees it again");
        let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["ID", "NAME", "LAST", "USED", "ENDS", "SCOPES"]);
        assert_eq!(rows[1][1..], ["token", "never", "never", "read", "own:ada/own"], "newest first");
        assert_eq!((rows[2][1], rows[2][2], rows[2][4]), ("laptop", "never", "write:ada/census"));
        assert!(rows[2][3].ends_with('Z'), "it ends: {list}");

        assert!(house.fails(&["token", "add", "nobody"]).contains("there is no user `nobody`"));
        assert!(house.fails(&["token", "list", "nobody"]).contains("there is no user `nobody`"));
        for (option, value) in [
            ("--expires", "30"),
            ("--expires", "d"),
            ("--expires", "0d"),
            ("--expires", "-1d"),
            ("--expires", "99999999999999999999d"),
            ("--expires", "1000y"),
            ("--expires", "é"),
            ("--scope", "admin"),
            ("--scope", "write:nothing"),
            ("--scope", ""),
        ] {
            let refused = house.run(&["token", "add", "ada", &format!("{option}={value}")]);
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{option} {value}");
        }
        for (name, said) in [
            ("", "it says nothing"),
            (" ", "it says nothing"),
            ("a\nb", "control characters"),
            ("\u{1b}[2J", "control characters"),
            (&"x".repeat(101), "more than 100 characters"),
        ] {
            let refused = house.run(&["token", "add", "ada", "--name", name]);
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{name:?}");
            assert!(text(&refused).contains(said), "{}", text(&refused));
        }
        assert_eq!(house.does(&["token", "list", "ada"]).lines().count(), 3);
        house.does(&["token", "add", "ada", "--name", &"é".repeat(100)]);
    }
}

story! {
    async fn a_web_token_that_would_open_nothing_is_not_signed(engine: Engine) {
        let house = House::new(engine).await;
        house.person("ada");
        let unknown = house.fails(&["token", "jwt", "nobody", "--scope", "obj:ada/data/*:read"]);
        assert!(unknown.contains("there is no user `nobody`"), "{unknown}");
        for scope in ["read", "write:ada/data", "obj:ada/data/*:raed", "obj:ada/data:a:b:c", "org:ada:read", "", "obj ds"] {
            let refused = house.run(&["token", "jwt", "ada", "--scope", scope]);
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{scope}");
            assert!(text(&refused).contains("invalid value") && text(&refused).contains("--scope"), "{}", text(&refused));
        }
    }
}

story! {
    async fn commands_take_effect_at_once_beside_a_running_server(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve();
        let (ada, ben) = (house.person("ada"), house.person("ben"));
        house.does(&["org", "add", "statistics"]);
        house.does(&["repo", "create", "statistics/census"]);
        let census = "statistics/census";
        assert_eq!(serving.locks(&ada, census).await, 404);
        house.does(&["org", "member", "statistics", "ada", "--role", "writer"]);
        assert_eq!(serving.locks(&ada, census).await, 200);
        house.does(&["org", "member", "statistics", "ben"]);
        assert_eq!(house.does(&["org", "member", "statistics"]), "ada writer\nben reader\n");
        assert_eq!(serving.locks(&ben, census).await, 200);
        house.does(&["org", "member", "statistics", "ben", "--remove"]);
        assert_eq!(serving.locks(&ben, census).await, 404);
        house.does(&["repo", "visibility", census, "internal"]);
        assert_eq!(serving.locks(&ben, census).await, 200);
        house.does(&["repo", "visibility", census, "private"]);
        assert_eq!(serving.locks(&ben, census).await, 404);

        // A token is good until the moment it is revoked.
        let list = house.does(&["token", "list", "ada"]);
        let id = list.lines().nth(1).unwrap().split_whitespace().next().unwrap();
        for _ in 0..3 {
            assert_eq!(serving.locks(&ada, census).await, 200);
        }
        house.does(&["token", "revoke", id]);
        assert_eq!(serving.locks(&ada, census).await, 401);
        assert!(house.fails(&["token", "revoke", id]).contains("revoked already"));
        assert!(house.does(&["token", "list", "ada"]).contains("revoked 20"));
        let ada = house.does(&["token", "add", "ada"]).trim().to_owned();
        assert_eq!(serving.locks(&ada, census).await, 200);

        let jwt = house.does(&["token", "jwt", "ada", "--scope", "obj:statistics/census/*:read", "--expires", "2h"]);
        assert_eq!(serving.locks(jwt.trim(), census).await, 200);
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(jwt.trim()).unwrap();
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 900, "cut to the maximum");

        for (arguments, said) in [
            (&["org", "add", "statistics"][..], "the name `statistics` is taken"),
            (&["org", "member", "statistics", "nobody"], "there is no user `nobody`"),
            (&["org", "member", "nothing", "ada"], "there is no organisation `nothing`"),
            (&["org", "member", "ben", "ada"], "there is no organisation `ben`"),
            (&["org", "member", "statistics", "ben", "--remove"], "is not a member"),
            (&["repo", "create", census], "exists already"),
            (&["repo", "visibility", "statistics/nothing", "public"], "there is no dataset"),
        ] {
            let refused = house.fails(arguments);
            assert!(refused.contains(said), "{refused}");
        }
        serving.end().await;
    }
}

story! {
    async fn a_dataset_is_deleted_only_by_who_types_its_name(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve();
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/one"]);
        house.does(&["repo", "create", "ada/two", "--visibility", "public"]);
        assert_eq!(house.does(&["repo", "list"]), "ada/one private\nada/two public\n");
        for wrong in ["", "\n", "y\n", "yes\n", "ada/two\n"] {
            let asked = house.told(&["repo", "delete", "ada/one"], wrong);
            assert_eq!(asked.status.code(), Some(1));
            assert!(text(&asked).contains("Type its name") && text(&asked).contains("nothing was deleted"));
        }
        assert_eq!(serving.locks(&ada, "ada/one").await, 200);
        assert!(house.told(&["repo", "delete", "ada/one"], "ada/one\n").status.success());
        assert_eq!(serving.locks(&ada, "ada/one").await, 404);
        house.does(&["repo", "delete", "ada/two", "--yes"]);
        assert_eq!(house.does(&["repo", "list"]), "");
        assert!(house.fails(&["repo", "delete", "ada/two", "--yes"]).contains("there is no dataset"));
        serving.end().await;
    }
}

story! {
    async fn fsck_finds_a_flipped_bit_and_a_push_heals_it(engine: Engine) {
        let house = House::new(engine).await;
        let serving = house.serve();
        let ada = house.person("ada");
        house.does(&["repo", "create", "ada/data"]);
        let (good, bad) = (noise(1, 10_000), noise(2, 10_000));
        serving.upload(&ada, "ada/data", &good).await;
        serving.upload(&ada, "ada/data", &bad).await;
        assert_eq!(house.does(&["fsck"]), "clean\n");

        let oid = lfs::Oid::of(&bad).to_string();
        let file = house.folder.path().join("rutter-data/store/objects").join(&oid[..2]).join(&oid[2..4]).join(&oid);
        let mut flipped = bad.clone();
        flipped[5000] ^= 4;
        std::fs::write(&file, flipped).unwrap();
        assert_eq!(house.does(&["fsck", "--quick"]), "clean\n", "that one compares sizes only");
        let found = house.run(&["fsck"]);
        assert_eq!(found.status.code(), Some(1));
        assert_eq!(String::from_utf8(found.stdout).unwrap(), format!("object {oid} has other bytes; held by ada/data\n"));

        // It is out of use, everybody is told, and it stays so until somebody pushes it.
        assert_eq!(serving.batch(&ada, "ada/data", "download", &bad).await["error"]["code"], 404);
        for arguments in [&["fsck"][..], &["fsck", "--quick"]] {
            let still = house.run(arguments);
            assert_eq!(still.status.code(), Some(1));
            assert!(text(&still).contains("out of use until it is pushed again"), "{}", text(&still));
        }
        serving.upload(&ada, "ada/data", &bad).await;
        assert!(serving.download(&ada, "ada/data", &bad).await.unwrap() == bad);
        assert_eq!(house.does(&["fsck"]), "clean\n");

        // Lost and cut files are found without reading them.
        let oid = lfs::Oid::of(&good).to_string();
        let good_file = house.folder.path().join("rutter-data/store/objects").join(&oid[..2]).join(&oid[2..4]).join(&oid);
        std::fs::write(&good_file, &good[..9999]).unwrap();
        std::fs::remove_file(&file).unwrap();
        let found = house.run(&["fsck", "--quick"]);
        assert_eq!(found.status.code(), Some(1));
        assert!(text(&found).contains("has another size") && text(&found).contains("is missing"), "{}", text(&found));
        for bytes in [&good, &bad] {
            serving.upload(&ada, "ada/data", bytes).await;
        }
        assert_eq!(house.does(&["fsck"]), "clean\n");
        serving.end().await;
    }
}

#[test]
fn it_says_what_it_is_and_how_to_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = House { folder, database: None };
    let version = format!("rutter {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(house.does(&["version"]), version);
    assert_eq!(house.does(&["--version"]), version);
    let help = house.does(&["--help"]);
    for example in ["Examples:", "rutter serve --listen", "rutter user add", "rutter token add", "git clone http"] {
        assert!(help.contains(example), "{example}: {help}");
    }
    let mut commands = vec![Vec::new()];
    let mut seen = 0;
    while let Some(command) = commands.pop() {
        let help = house.does(&[&command[..], &["--help"]].concat());
        assert!(help.contains("Usage: rutter") && help.contains("--data"), "{help}");
        let (_, examples) = help.split_once("\nExample").unwrap_or_else(|| panic!("no example: {help}"));
        let shown = format!("\n  rutter {}", command.join(" "));
        assert!(examples.contains(shown.trim_end()), "an example of another command: {help}");
        for option in ["config", "data", "listen", "public-url"] {
            let variable = format!("[env: RUTTER_{}", option.replace('-', "_").to_uppercase());
            assert_eq!(help.contains(&format!("--{option} <")), help.contains(&variable), "{variable}: {help}");
        }
        let list = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split_once("\n\n").unwrap().0);
        let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
        for name in names.filter(|name| *name != "help") {
            let name: &'static str = name.to_owned().leak();
            commands.push([&command[..], &[name]].concat());
        }
        seen += 1;
    }
    assert!(seen > 20, "only {seen} commands were found");
    for nonsense in [&[][..], &["serv"], &["user"], &["serve", "--listen", "nowhere"], &["user", "add", "ada"]] {
        let refused = house.run(nonsense);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{nonsense:?}");
        assert!(text(&refused).contains("--help") || text(&refused).contains("Usage: "), "{}", text(&refused));
    }
    assert!(!house.folder.path().join("rutter-data").exists(), "none of this makes anything");
}

/// The keys of the configuration, as the sources declare them: (key, environment variable).
fn keys() -> Vec<(String, String)> {
    let source = concat!(
        include_str!("../../src/config.rs"),
        include_str!("../../src/config/rates.rs"),
        include_str!("../../src/config/accounts.rs")
    );
    let mut keys = Vec::new();
    let groups = [("", "Config"), ("limits.", "Limits"), ("lifetimes.", "Lifetimes"), ("rates.", "Rates")];
    let more = [("quotas.", "Quotas"), ("accounts.", "AccountRules"), ("mail.", "MailConfig")];
    for (group, structure) in groups.into_iter().chain(more) {
        let (_, fields) = source.split_once(&format!("pub struct {structure} {{")).unwrap();
        let fields = fields.split_once("\n}").unwrap().0.lines().filter_map(|line| line.trim().strip_prefix("pub "));
        for name in fields.map(|field| field.split(':').next().unwrap()) {
            let groups = ["limits", "lifetimes", "rates", "quotas", "accounts", "mail"];
            if !groups.contains(&name) && !matches!(name, "issuers" | "stores" | "cloud_environment") {
                let variable = format!("RUTTER_{}{name}", group.replace('.', "__")).to_uppercase();
                keys.push((format!("{group}{name}"), variable));
            }
        }
    }
    assert!(keys.len() > 20, "the sources were not understood: {keys:?}");
    keys
}

#[test]
fn every_key_is_in_the_handbook_and_read_from_the_environment() {
    let readme = include_str!("../../README.md");
    let folder = tempfile::tempdir().unwrap();
    let house = House { folder, database: None };
    let help = house.does(&["serve", "--help"]);
    for (key, variable) in keys() {
        assert!(readme.contains(&format!("| `{key}` | `{variable}` |")), "README.md has no row for {key}");
        let group = variable.split_once("__").map_or(variable.clone(), |(group, _)| format!("{group}__…"));
        assert!(help.contains(&group), "`rutter serve --help` does not name {group}");
        // No key takes a list of numbers: a refusal shows that the variable reaches its key.
        let mut command = house.command(&["user", "list"]);
        assert!(!command.env(&variable, "[1]").output().unwrap().status.success(), "{variable} is not read");
    }
}

#[test]
fn the_configuration_is_read_strictly_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let house = House { folder, database: None };
    let refused = |file: &str, environment: &[(&str, &str)]| {
        std::fs::write(house.folder.path().join("rutter.toml"), file).unwrap();
        let mut command = house.command(&["--config", "rutter.toml", "user", "list"]);
        command.envs(environment.iter().copied());
        House::failed(&command.output().unwrap())
    };
    for (file, environment, said) in [
        ("listem = \"127.0.0.1:1\"", &[][..], "listem"),
        ("[limits]\ntransfer = 1", &[], "transfer"),
        ("[limits]\ntransfers = \"many\"", &[], "transfers"),
        ("[limits]\ntransfers = 0", &[], "limits"),
        ("listen = \"nowhere\"", &[], "listen"),
        ("secret = \"short\"", &[], "secret must have at least 32 characters"),
        ("database_url = \"mysql://x\"", &[], "sqlite:// or postgres://"),
        ("public_url = \"data.example.org\"", &[], "public_url"),
        ("[[issuers]]\nissuer = \"x\"", &[], "public_key_file and jwks_url"),
        ("this is not toml", &[], "configuration"),
        ("log = \"rutter=loud\"", &[], "write it as in info,rutter=debug"),
        ("", &[("RUTTER_LISTEM", "127.0.0.1:1")], "listem"),
        ("", &[("RUTTER_LIMITS__TRANSFER", "1")], "transfer"),
        ("", &[("RUTTER_LIMITS__TRANSFERS", "-1")], "transfers"),
        ("", &[("RUTTER_LIFETIMES__ACTION", "5")], "lifetimes.action"),
    ] {
        let refusal = refused(file, environment);
        assert!(refusal.to_lowercase().contains(&said.to_lowercase()), "{file} {environment:?}: {refusal}");
        assert!(!refusal.contains("\"short\""), "a secret is not repeated: {refusal}");
    }
    // The operator is told why.
    let closed = refused("", &[("RUTTER_DATABASE_URL", "sqlite:///nowhere/at/all.db")]);
    assert!(closed.contains("the database file cannot be opened: ") && closed.contains("unable to open"), "{closed}");
    let missing = house.fails(&["--config", "nothing.toml", "user", "list"]);
    assert!(missing.contains("nothing.toml does not exist"), "{missing}");

    // The file, then the environment, then the command line; the file may be named by the environment.
    std::fs::write(house.folder.path().join("rutter.toml"), "data = \"by-file\"").unwrap();
    let made = |name: &str| house.folder.path().join(name).join("rutter.db").exists();
    house.does(&["--config", "rutter.toml", "user", "list"]);
    assert!(made("by-file"));
    let mut command = house.command(&["user", "list"]);
    command.env("RUTTER_CONFIG", "rutter.toml").env("RUTTER_DATA", "by-environment");
    assert!(command.output().unwrap().status.success());
    assert!(made("by-environment"));
    let mut command = house.command(&["user", "list", "--data", "by-hand"]);
    command.env("RUTTER_CONFIG", "rutter.toml").env("RUTTER_DATA", "by-environment-2");
    assert!(command.output().unwrap().status.success());
    assert!(made("by-hand") && !made("by-environment-2") && !made("rutter-data"));
}

story! {
    async fn limits_from_the_environment_reach_the_server(engine: Engine) {
        let house = House::new(engine).await;
        let ada = house.person("ada");
        let serving = house.serve_with(|command| {
            command.env("RUTTER_LIMITS__OBJECT_BYTES", "10").env("RUTTER_LIFETIMES__ACTION", "120");
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
    async fn a_port_in_use_is_told_in_one_sentence(engine: Engine) {
        let house = House::new(engine).await;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let refused = house.run(&["serve", "--listen", &address]);
        let said = House::failed(&refused);
        assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("--listen"), "{said}");
    }
}

story! {
    async fn an_upload_under_way_ends_before_the_server_does(engine: Engine) {
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
        assert!(log.contains("rutter ended") && !log.contains("cut off"), "{log}");

        let serving = house.serve();
        assert!(serving.download(&ada, "ada/data", &bytes).await.unwrap() == bytes);
        serving.end().await;
    }
}

story! {
    async fn a_second_signal_means_now(engine: Engine) {
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
        assert!(wrong.contains("(RUTTER_SECRET): set it to the one of that server"), "{wrong}");
        assert!(!wrong.contains("xxxx"), "{wrong}");
        std::fs::write(house.folder.path().join("second/secret"), &secret).unwrap();
        house.does(&["user", "list", "--data", "second"]);
    }
}

story! {
    async fn the_log_is_for_machines_and_holds_no_secrets(engine: Engine) {
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
    let line = process.lines().find(|line| line.as_ref().unwrap().contains("rutter serves")).unwrap().unwrap();
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
