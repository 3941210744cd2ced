//! The program itself, as an operator runs it, also beside a running server.

mod accounts;
mod api_client;
mod serving;
mod tables;

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use rutter_testing::{Engine, Reply, eventually, noise, story, text};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One installation: a folder and a database.
struct Cli {
    folder: TempDir,
    database: Option<String>,
}

impl Cli {
    async fn new(engine: Engine) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: engine.database_url().await }
    }

    /// The program with an empty environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
        command
            .env_clear()
            .env("PATH", rutter_testing::environment("PATH").unwrap_or_default())
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

    /// Runs a command that must succeed; returns its standard output.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "rutter {}: {}", arguments.join(" "), text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with status 1; returns its standard error.
    fn fails(&self, arguments: &[&str]) -> String {
        Self::error_of(&self.run(arguments))
    }

    fn error_of(output: &Output) -> String {
        assert_eq!(output.status.code(), Some(1), "{}", text(output));
        assert!(output.stdout.is_empty(), "{}", text(output));
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(said.starts_with("rutter: "), "{said}");
        said
    }

    /// Runs a command with something on its standard input.
    fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.command(arguments);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Adds a user with a token.
    fn person(&self, name: &str) -> String {
        self.ok(&["user", "add", name, "--email", &format!("{name}@example.org")]);
        self.ok(&["token", "add", name]).trim().to_owned()
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
            if entry["fields"]["message"] == "rutter started" {
                break format!("http://{}", entry["fields"]["address"].as_str().unwrap());
            }
        };
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        lfs::store::install_tls_provider();
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
    async fn commands_take_effect_at_once_beside_a_running_server(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve();
        let (ada, ben) = (cli.person("ada"), cli.person("ben"));
        cli.ok(&["org", "add", "statistics"]);
        cli.ok(&["repo", "create", "statistics/census"]);
        let census = "statistics/census";
        assert_eq!(serving.locks(&ada, census).await, 404);
        cli.ok(&["org", "member", "statistics", "ada", "--role", "writer"]);
        assert_eq!(serving.locks(&ada, census).await, 200);
        cli.ok(&["org", "member", "statistics", "ben"]);
        assert_eq!(cli.ok(&["org", "member", "statistics"]), "ada writer\nben reader\n");
        assert_eq!(serving.locks(&ben, census).await, 200);
        cli.ok(&["org", "member", "statistics", "ben", "--remove"]);
        assert_eq!(serving.locks(&ben, census).await, 404);
        cli.ok(&["repo", "visibility", census, "internal"]);
        assert_eq!(serving.locks(&ben, census).await, 200);
        cli.ok(&["repo", "visibility", census, "private"]);
        assert_eq!(serving.locks(&ben, census).await, 404);

        // A token works until it is revoked.
        let list = cli.ok(&["token", "list", "ada"]);
        let id = list.lines().nth(1).unwrap().split_whitespace().next().unwrap();
        for _ in 0..3 {
            assert_eq!(serving.locks(&ada, census).await, 200);
        }
        cli.ok(&["token", "revoke", id]);
        assert_eq!(serving.locks(&ada, census).await, 401);
        assert!(cli.fails(&["token", "revoke", id]).contains("already revoked"));
        assert!(cli.ok(&["token", "list", "ada"]).contains("revoked 20"));
        let ada = cli.ok(&["token", "add", "ada"]).trim().to_owned();
        assert_eq!(serving.locks(&ada, census).await, 200);

        let jwt = cli.ok(&["token", "jwt", "ada", "--scope", "obj:statistics/census/*:read", "--expires", "2h"]);
        assert_eq!(serving.locks(jwt.trim(), census).await, 200);
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(jwt.trim()).unwrap();
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 900, "cut to the maximum");

        for (arguments, said) in [
            (&["org", "add", "statistics"][..], "the name `statistics` is taken"),
            (&["org", "member", "statistics", "missing"], "there is no user `missing`"),
            (&["org", "member", "nothing", "ada"], "there is no organisation `nothing`"),
            (&["org", "member", "ben", "ada"], "there is no organisation `ben`"),
            (&["org", "member", "statistics", "ben", "--remove"], "is not a member"),
            (&["repo", "create", census], "exists already"),
            (&["repo", "visibility", "statistics/nothing", "public"], "there is no dataset"),
        ] {
            let refused = cli.fails(arguments);
            assert!(refused.contains(said), "{refused}");
        }
        serving.end().await;
    }
}

story! {
    async fn deleting_a_dataset_requires_typing_its_name(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/one"]);
        cli.ok(&["repo", "create", "ada/two", "--visibility", "public"]);
        assert_eq!(cli.ok(&["repo", "list"]), "ada/one private\nada/two public\n");
        for wrong in ["", "\n", "y\n", "yes\n", "ada/two\n"] {
            let asked = cli.run_with_input(&["repo", "delete", "ada/one"], wrong);
            assert_eq!(asked.status.code(), Some(1));
            assert!(text(&asked).contains("Type its name") && text(&asked).contains("nothing was deleted"));
        }
        assert_eq!(serving.locks(&ada, "ada/one").await, 200);
        assert!(cli.run_with_input(&["repo", "delete", "ada/one"], "ada/one\n").status.success());
        assert_eq!(serving.locks(&ada, "ada/one").await, 404);
        cli.ok(&["repo", "delete", "ada/two", "--yes"]);
        assert_eq!(cli.ok(&["repo", "list"]), "");
        assert!(cli.fails(&["repo", "delete", "ada/two", "--yes"]).contains("there is no dataset"));
        serving.end().await;
    }
}

story! {
    async fn fsck_finds_a_flipped_bit_and_a_push_restores_the_object(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/data"]);
        let (good, bad) = (noise(1, 10_000), noise(2, 10_000));
        serving.upload(&ada, "ada/data", &good).await;
        serving.upload(&ada, "ada/data", &bad).await;
        assert_eq!(cli.ok(&["fsck"]), "clean\n");

        let oid = lfs::Oid::of(&bad).to_string();
        let file = cli.folder.path().join("rutter-data/store/objects").join(&oid[..2]).join(&oid[2..4]).join(&oid);
        let mut flipped = bad.clone();
        flipped[5000] ^= 4;
        std::fs::write(&file, flipped).unwrap();
        assert_eq!(cli.ok(&["fsck", "--quick"]), "clean\n", "that one compares sizes only");
        let found = cli.run(&["fsck"]);
        assert_eq!(found.status.code(), Some(1));
        let corrupt = format!("object {oid} is corrupt (SHA-256 mismatch); held by ada/data\n");
        assert_eq!(String::from_utf8(found.stdout).unwrap(), corrupt);

        // It is quarantined, clients get an error, and it stays so until it is pushed again.
        assert_eq!(serving.batch(&ada, "ada/data", "download", &bad).await["error"]["code"], 404);
        for arguments in [&["fsck"][..], &["fsck", "--quick"]] {
            let still = cli.run(arguments);
            assert_eq!(still.status.code(), Some(1));
            assert!(text(&still).contains("is quarantined until it is pushed again"), "{}", text(&still));
        }
        serving.upload(&ada, "ada/data", &bad).await;
        assert!(serving.download(&ada, "ada/data", &bad).await.unwrap() == bad);
        assert_eq!(cli.ok(&["fsck"]), "clean\n");

        // Lost and cut files are found without reading them.
        let oid = lfs::Oid::of(&good).to_string();
        let good_file = cli.folder.path().join("rutter-data/store/objects").join(&oid[..2]).join(&oid[2..4]).join(&oid);
        std::fs::write(&good_file, &good[..9999]).unwrap();
        std::fs::remove_file(&file).unwrap();
        let found = cli.run(&["fsck", "--quick"]);
        assert_eq!(found.status.code(), Some(1));
        assert!(text(&found).contains("has the wrong size") && text(&found).contains("is missing"), "{}", text(&found));
        for bytes in [&good, &bad] {
            serving.upload(&ada, "ada/data", bytes).await;
        }
        assert_eq!(cli.ok(&["fsck"]), "clean\n");
        serving.end().await;
    }
}

#[test]
fn help_and_version_describe_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli { folder, database: None };
    let version = format!("rutter {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(cli.ok(&["version"]), version);
    assert_eq!(cli.ok(&["--version"]), version);
    let help = cli.ok(&["--help"]);
    for example in ["Examples:", "rutter serve --listen", "rutter user add", "rutter token add", "git clone http"] {
        assert!(help.contains(example), "{example}: {help}");
    }
    let mut commands = vec![Vec::new()];
    let mut seen = 0;
    while let Some(command) = commands.pop() {
        let help = cli.ok(&[&command[..], &["--help"]].concat());
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
        let refused = cli.run(nonsense);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{nonsense:?}");
        assert!(text(&refused).contains("--help") || text(&refused).contains("Usage: "), "{}", text(&refused));
    }
    assert!(!cli.folder.path().join("rutter-data").exists(), "none of this makes anything");
}

/// The keys of the configuration, as the sources declare them: (key, environment variable).
fn keys() -> Vec<(String, String)> {
    let source = concat!(
        include_str!("../../src/config.rs"),
        include_str!("../../src/config/rates.rs"),
        include_str!("../../src/config/accounts.rs"),
        include_str!("../../src/config/oauth.rs"),
        include_str!("../../src/config/apps.rs"),
        include_str!("../../src/config/tables.rs")
    );
    let mut keys = Vec::new();
    let groups =
        [("", "Config"), ("limits.", "Limits"), ("ttl.", "Ttl"), ("gc.", "GcConfig"), ("scrub.", "ScrubConfig")];
    let more = [
        ("rates.", "Rates"),
        ("quotas.", "Quotas"),
        ("accounts.", "AccountRules"),
        ("mail.", "MailConfig"),
        ("oauth.", "OAuthConfig"),
        ("apps.", "AppsConfig"),
        ("apps.docker.", "DockerConfig"),
        ("apps.kubernetes.", "KubernetesConfig"),
        ("tables.", "TablesConfig"),
    ];
    for (group, structure) in groups.into_iter().chain(more) {
        let (_, fields) = source.split_once(&format!("pub struct {structure} {{")).unwrap();
        let fields = fields.split_once("\n}").unwrap().0.lines().filter_map(|line| line.trim().strip_prefix("pub "));
        for name in fields.map(|field| field.split(':').next().unwrap()) {
            let groups =
                ["limits", "ttl", "gc", "scrub", "rates", "quotas", "accounts", "mail", "oauth", "apps", "tables"];
            let engines = ["docker", "kubernetes"];
            let others = ["issuers", "sign_in", "stores", "cloud_environment", "service_links", "renamed"];
            if !groups.contains(&name) && !others.contains(&name) && !engines.contains(&name) {
                let variable = format!("RUTTER_{}{name}", group.replace('.', "__")).to_uppercase();
                keys.push((format!("{group}{name}"), variable));
            }
        }
    }
    assert!(keys.len() > 20, "the sources were not understood: {keys:?}");
    keys
}

#[test]
fn every_configuration_key_is_documented_and_read_from_the_environment() {
    let readme = include_str!("../../README.md");
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli { folder, database: None };
    let help = cli.ok(&["serve", "--help"]);
    for (key, variable) in keys() {
        assert!(readme.contains(&format!("| `{key}` | `{variable}` |")), "README.md has no row for {key}");
        let group = variable.split_once("__").map_or(variable.clone(), |(group, _)| format!("{group}__…"));
        assert!(help.contains(&group), "`rutter serve --help` does not name {group}");
        // No key takes a list of numbers: a refusal shows that the variable reaches its key.
        let mut command = cli.command(&["user", "list"]);
        assert!(!command.env(&variable, "[1]").output().unwrap().status.success(), "{variable} is not read");
    }
}

#[test]
fn the_configuration_is_read_strictly_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli { folder, database: None };
    let refused = |file: &str, environment: &[(&str, &str)]| {
        std::fs::write(cli.folder.path().join("rutter.toml"), file).unwrap();
        let mut command = cli.command(&["--config", "rutter.toml", "user", "list"]);
        command.envs(environment.iter().copied());
        Cli::error_of(&command.output().unwrap())
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
        ("log = \"rutter=loud\"", &[], "use a form like info,rutter=debug"),
        ("", &[("RUTTER_SECRET", "918273645")], "secret"),
        ("", &[("RUTTER_DATABASE_URL", "918273.645")], "database_url"),
        ("mail.url = 918273645", &[], "url"),
        ("", &[("RUTTER_LISTEM", "127.0.0.1:1")], "listem"),
        ("", &[("RUTTER_LIMITS__TRANSFER", "1")], "transfer"),
        ("", &[("RUTTER_LIMITS__TRANSFERS", "-1")], "transfers"),
        ("", &[("RUTTER_TTL__ACTION", "5")], "ttl.action"),
    ] {
        let refusal = refused(file, environment);
        assert!(refusal.to_lowercase().contains(&said.to_lowercase()), "{file} {environment:?}: {refusal}");
        assert!(!refusal.contains("\"short\"") && !refusal.contains("918273"), "a secret is not repeated: {refusal}");
    }
    // The message says why.
    let closed = refused("", &[("RUTTER_DATABASE_URL", "sqlite:///nowhere/at/all.db")]);
    assert!(closed.contains("cannot open the database file: ") && closed.contains("unable to open"), "{closed}");
    let missing = cli.fails(&["--config", "nothing.toml", "user", "list"]);
    assert!(missing.contains("nothing.toml does not exist"), "{missing}");

    // The file, then the environment, then the command line; the file may be named by the environment.
    std::fs::write(cli.folder.path().join("rutter.toml"), "data = \"by-file\"").unwrap();
    let made = |name: &str| cli.folder.path().join(name).join("rutter.db").exists();
    cli.ok(&["--config", "rutter.toml", "user", "list"]);
    assert!(made("by-file"));
    let mut command = cli.command(&["user", "list"]);
    command.env("RUTTER_CONFIG", "rutter.toml").env("RUTTER_DATA", "by-environment");
    assert!(command.output().unwrap().status.success());
    assert!(made("by-environment"));
    let mut command = cli.command(&["user", "list", "--data", "by-hand"]);
    command.env("RUTTER_CONFIG", "rutter.toml").env("RUTTER_DATA", "by-environment-2");
    assert!(command.output().unwrap().status.success());
    assert!(made("by-hand") && !made("by-environment-2") && !made("rutter-data"));
}
