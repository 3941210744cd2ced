//! Users, members, passwords and tokens, by command.

use argon2::PasswordVerifier as _;
use rutter_testing::{eventually, noise, story, text};
use serde_json::{Value, json};

use super::Cli;

story! {
    async fn a_user_is_added_only_once(engine: Engine) {
        let cli = Cli::new(engine).await;
        let added = cli.run(&["user", "add", "ada", "--email", "Ada@Example.org", "--admin"]);
        assert!(added.status.success() && added.stdout.is_empty(), "{}", text(&added));
        assert!(text(&added).contains("rutter token add ada"), "it says what comes next");
        cli.ok(&["user", "add", "ben", "--email", "ben@example.org"]);
        assert_eq!(cli.ok(&["user", "list"]), "ada ada@example.org admin\nben ben@example.org\n");

        let taken = cli.fails(&["user", "add", "Ada", "--email", "other@example.org"]);
        assert!(taken.contains("the name `ada` is taken"), "{taken}");
        let used = cli.fails(&["user", "add", "carl", "--email", "ADA@example.org"]);
        assert!(used.contains("`ada@example.org` already has an account"), "{used}");
        // Contradictory arguments are refused by the parser: status 2.
        for (name, email, said) in [
            ("carl", "carl", "is not an e-mail address"),
            ("carl", "a b@example.org", "is not an e-mail address"),
            ("..", "c@example.org", "is not a valid owner name"),
            ("a b", "c@example.org", "is not a valid owner name"),
            ("api", "c@example.org", "is reserved"),
        ] {
            let refused = cli.run(&["user", "add", name, "--email", email]);
            assert_eq!(refused.status.code(), Some(2), "{name} {email}");
            assert!(text(&refused).contains(said), "{}", text(&refused));
        }
        let nested = cli.fails(&["user", "add", "a/b", "--email", "c@example.org"]);
        assert!(nested.contains("only organisations can be nested"), "{nested}");
        assert_eq!(cli.ok(&["user", "list"]).lines().count(), 2);
    }
}

story! {
    async fn a_suspended_user_cannot_use_any_token(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["repo", "create", "ada/data"]);
        let jwt = cli.ok(&["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]).trim().to_owned();
        for token in [&ada, &jwt] {
            assert_eq!(serving.locks(token, "ada/data").await, 200);
        }
        cli.ok(&["user", "suspend", "ada"]);
        assert_eq!(cli.ok(&["user", "list"]), "ada ada@example.org suspended\n");
        for token in [&ada, &jwt] {
            assert_eq!(serving.locks(token, "ada/data").await, 401);
        }
        for command in [&["token", "add", "ada"][..], &["token", "jwt", "ada", "--scope", "obj:ada/data/*:read"]] {
            let refused = cli.fails(command);
            assert!(refused.contains("`ada` is suspended; to end the suspension, run `rutter user resume ada`"), "{refused}");
        }
        assert!(cli.fails(&["user", "suspend", "ada"]).contains("suspended already"));
        cli.ok(&["user", "resume", "ada"]);
        for token in [&ada, &jwt] {
            assert_eq!(serving.locks(token, "ada/data").await, 200);
        }
        assert_eq!(cli.ok(&["user", "list"]), "ada ada@example.org\n");
        assert!(cli.fails(&["user", "resume", "ada"]).contains("not suspended"));
        assert!(cli.fails(&["user", "suspend", "missing"]).contains("there is no user `missing`"));
        serving.end().await;
    }
}

story! {
    async fn the_operator_sees_usage_and_sets_quotas(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve();
        let ada = cli.person("ada");
        cli.ok(&["org", "add", "statistics"]);
        cli.ok(&["repo", "create", "ada/census"]);
        cli.ok(&["repo", "create", "statistics/census"]);
        serving.upload(&ada, "ada/census", &noise(1, 3_000_000)).await;
        serving.upload(&ada, "ada/more", &noise(2, 1000)).await;
        cli.ok(&["quota", "ada", "100MB"]);
        cli.ok(&["quota", "ada/census", "4 MiB"]);
        cli.ok(&["quota", "statistics/census", "0"]);
        let table: Vec<Vec<String>> = cli
            .ok(&["usage"])
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect())
            .collect();
        assert_eq!(
            table,
            [
                ["PATH", "OBJECTS", "SIZE", "STORED", "QUOTA", "USED"],
                ["ada", "2", "3.00 MB", "3.00 MB", "100 MB", "3%"],
                ["ada/census", "1", "3.00 MB", "3.00 MB", "4.19 MB", "71%"],
                ["ada/more", "1", "1.00 kB", "1.00 kB", "-", "-"],
                ["statistics", "0", "0 B", "0 B", "-", "-"],
                ["statistics/census", "0", "0 B", "0 B", "0 B", "100%"],
                ["total", "2", "3.00 MB", "3.00 MB", "-", "-"],
            ]
            .map(|row| row.map(str::to_owned).to_vec())
        );
        let reply_body: Value = serde_json::from_str(&cli.ok(&["usage", "ada/census", "--json"])).unwrap();
        let census = json!({"path": "ada/census", "objects": 1, "bytes": 3_000_000, "git_bytes": 0, "stored_bytes": 3_000_000,
            "quota_bytes": 4_194_304});
        let owner = json!({"owner": "ada", "kind": "user", "objects": 2, "bytes": 3_001_000, "git_bytes": 0, "quota_bytes": 100_000_000,
            "datasets": [census]});
        assert_eq!(reply_body["owners"], json!([owner]));

        // The running server knows it at once.
        let answer = serving.batch(&ada, "ada/census", "upload", &noise(3, 1_194_305)).await;
        assert_eq!(answer["error"]["code"], 507, "{answer}");
        assert!(serving.batch(&ada, "ada/census", "upload", &noise(3, 1_194_304)).await["actions"].is_object());
        cli.ok(&["quota", "ada/census", "none"]);
        assert!(serving.batch(&ada, "ada/census", "upload", &noise(3, 1_194_305)).await["actions"].is_object());
        assert_eq!(cli.ok(&["usage", "--recount"]), "", "nothing is wrong");

        for unknown in ["ben", "ada/other", "ben/census"] {
            let refused = cli.fails(&["quota", unknown, "1GB"]);
            assert!(refused.contains(&format!("user, organisation or dataset `{unknown}` not found")), "{refused}");
            assert!(cli.fails(&["usage", unknown]).contains("user, organisation or dataset"));
        }
        for nonsense in ["lots", "-5GB", "5 apples", "", "GB"] {
            let refused = cli.run(&["quota", "ada", "--", nonsense]);
            assert_eq!(refused.status.code(), Some(2), "{nonsense}");
            assert!(text(&refused).contains("use a size such as 500GB or 100GiB"), "{}", text(&refused));
        }
    }
}

story! {
    async fn a_member_changes_only_if_a_role_is_given(engine: Engine) {
        let cli = Cli::new(engine).await;
        cli.person("ada");
        assert_eq!(cli.ok(&["org", "list"]), "");
        cli.ok(&["org", "add", "statistics"]);
        cli.ok(&["org", "add", "ministry"]);
        cli.ok(&["org", "add", "ministry/statistics"]);
        assert_eq!(cli.ok(&["org", "list"]), "ministry\nministry/statistics\nstatistics\n");
        let member = ["org", "member", "statistics", "ada"];
        assert!(text(&cli.run(&member)).contains("`ada` is a member of `statistics` with the role reader; change it with --role"));
        cli.ok(&[&member[..], &["--role", "owner"]].concat());
        assert!(text(&cli.run(&member)).contains("`ada` is a member of `statistics` with the role owner"));
        assert_eq!(cli.ok(&["org", "member", "statistics"]), "ada owner\n");
        // The operator cannot leave it without an active owner either.
        cli.person("ben");
        cli.ok(&["org", "member", "statistics", "ben", "--role", "owner"]);
        cli.ok(&["user", "suspend", "ben"]);
        for last in [&["--role", "reader"][..], &["--remove"]] {
            assert!(cli.fails(&[&member[..], last].concat()).contains("only active owner"));
        }
        cli.ok(&["user", "resume", "ben"]);
        cli.ok(&[&member[..], &["--role", "reader"]].concat());
        assert_eq!(cli.ok(&["org", "member", "statistics"]), "ada reader\nben owner\n");
        for incomplete in [&["org", "member", "statistics", "--remove"][..], &["org", "member", "statistics", "--role", "owner"]] {
            assert_eq!(cli.run(incomplete).status.code(), Some(2), "{incomplete:?}");
        }
    }
}

story! {
    on(sqlite) async fn passwords_are_read_from_standard_input_and_not_kept(engine: Engine) {
        let cli = Cli::new(engine).await;
        let add = |name: &str, password: &str| {
            let email = format!("{name}@example.org");
            cli.run_with_input(&["user", "add", name, "--email", &email, "--password-stdin"], password)
        };
        for short in ["", "\n", "seven77\n", "ééééééé\n"] {
            assert!(Cli::error_of(&add("ada", short)).contains("at least 8 characters"), "{short:?}");
        }
        let password = "correct horse battery";
        assert!(add("ada", &format!("{password}\r\n")).status.success());
        let config = rutter::config::Config {
            data: cli.folder.path().join("rutter-data"),
            database_url: cli.database.clone().map(rutter::types::Secret::new),
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
    async fn an_operator_sets_a_password_and_a_new_server_prints_its_setup_link(engine: Engine) {
        let cli = Cli::new(engine).await;
        let serving = cli.serve();
        let log = || serving.log.lock().unwrap().join("\n");
        eventually("the log says how to begin", async || log().contains("rutter setup-link")).await;
        assert!(!log().contains("ruk_"), "logs are kept, so they contain no secret");
        let link = cli.ok(&["setup-link"]);
        let ticket = link.trim().split_once("/setup#").unwrap().1.to_owned();

        // Any new administrator ends the link.
        cli.ok(&["user", "add", "ada", "--email", "ada@example.org", "--admin"]);
        let body = json!({"token": ticket, "name": "eve", "email": "eve@example.org", "password": "correct horse"});
        let late = serving.http.post(format!("{}/api/v1/accounts/setup", serving.url)).json(&body);
        assert_eq!(late.send().await.unwrap().status(), 404);
        assert!(cli.fails(&["setup-link"]).contains("there already is an administrator"));
        serving.end().await;

        let set = |name: &str, password: &str| cli.run_with_input(&["user", "set-password", name], password);
        assert!(Cli::error_of(&set("ada", "short\n")).contains("at least 8 characters"));
        assert!(Cli::error_of(&set("ben", "correct horse\n")).contains("there is no user `ben`"));
        assert!(set("ada", "correct horse\n").status.success());
        let serving = cli.serve();
        let body = json!({"login": "ada", "password": "correct horse"});
        let login = serving.http.post(format!("{}/api/v1/session", serving.url)).json(&body);
        assert_eq!(login.send().await.unwrap().status(), 200);
        assert!(!serving.log.lock().unwrap().join("\n").contains("setup-link"), "there is an administrator");
        serving.end().await;
    }
}

story! {
    async fn a_token_is_alone_on_standard_output_and_stored_as_a_hash(engine: Engine) {
        let cli = Cli::new(engine).await;
        cli.ok(&["user", "add", "ada", "--email", "ada@example.org"]);
        let made = cli.run(&["token", "add", "ada", "--name", "laptop", "--expires", "30d", "--scope", "write:ada/census"]);
        let token = String::from_utf8(made.stdout.clone()).unwrap();
        assert!(made.status.success() && made.stderr.is_empty(), "{}", text(&made));
        assert!(token.starts_with("rut_") && token.len() == 48 && token.ends_with('\n'), "{token:?}");
        cli.ok(&["token", "add", "ada", "--scope", "read", "--scope", "own:ada/own"]);

        let list = cli.ok(&["token", "list", "ada"]);
        assert!(!list.contains(token.trim()), "it is not shown again");
        let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["ID", "NAME", "LAST", "USED", "EXPIRES", "SCOPES"]);
        assert_eq!(rows[1][1..], ["token", "never", "never", "read", "own:ada/own"], "newest first");
        assert_eq!((rows[2][1], rows[2][2], rows[2][4]), ("laptop", "never", "write:ada/census"));
        assert!(rows[2][3].ends_with('Z'), "it ends: {list}");

        assert!(cli.fails(&["token", "add", "missing"]).contains("there is no user `missing`"));
        assert!(cli.fails(&["token", "list", "missing"]).contains("there is no user `missing`"));
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
            let refused = cli.run(&["token", "add", "ada", &format!("{option}={value}")]);
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{option} {value}");
        }
        for (name, said) in [
            ("", "it is blank"),
            (" ", "it is blank"),
            ("a\nb", "control characters"),
            ("\u{1b}[2J", "control characters"),
            (&"x".repeat(101), "more than 100 characters"),
        ] {
            let refused = cli.run(&["token", "add", "ada", "--name", name]);
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{name:?}");
            assert!(text(&refused).contains(said), "{}", text(&refused));
        }
        assert_eq!(cli.ok(&["token", "list", "ada"]).lines().count(), 3);
        cli.ok(&["token", "add", "ada", "--name", &"é".repeat(100)]);
    }
}

story! {
    on(sqlite) async fn a_jwt_without_any_rights_is_not_signed(engine: Engine) {
        let cli = Cli::new(engine).await;
        cli.person("ada");
        let unknown = cli.fails(&["token", "jwt", "missing", "--scope", "obj:ada/data/*:read"]);
        assert!(unknown.contains("there is no user `missing`"), "{unknown}");
        for scope in ["read", "write:ada/data", "obj:ada/data/*:raed", "obj:ada/data:a:b:c", "org:ada:read", "", "obj ds"] {
            let refused = cli.run(&["token", "jwt", "ada", "--scope", scope]);
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{scope}");
            assert!(text(&refused).contains("invalid value") && text(&refused).contains("--scope"), "{}", text(&refused));
        }
    }
}

story! {
    async fn a_file_of_platform_roles_is_imported(engine: Engine) {
        let cli = Cli::new(engine).await;
        for name in ["ada", "ben"] {
            cli.ok(&["user", "add", name, "--email", &format!("{name}@example.org")]);
        }
        cli.ok(&["org", "add", "org"]);
        let write = |text: &str| std::fs::write(cli.folder.path().join("roles.toml"), text).unwrap();
        let import = ["role", "import", "roles.toml", "--organisation", "org"];
        let dry = [&import[..], &["--dry-run"]].concat();
        assert!(cli.fails(&import).contains("cannot read roles.toml"));
        write("[roles]\nada = \"engineer\"\n\nbob = \"viewer\"\n");
        for arguments in [&import[..], &dry] {
            let said = cli.fails(arguments);
            assert!(said.contains("roles.toml: nothing was changed: line 4: there is no user `bob`"), "{said}");
        }
        assert_eq!(cli.ok(&["org", "member", "org"]), "");
        write("[roles]\nada = \"engineer\"\nben = \"viewer\"\n");
        let changes = "ada none -> engineer, becomes writer of org\nben none -> viewer, becomes reader of org\n";
        assert_eq!(cli.ok(&dry), changes);
        assert_eq!(cli.ok(&["org", "member", "org"]), "");
        assert_eq!(cli.ok(&import), changes);
        assert_eq!(cli.ok(&["org", "member", "org"]), "ada writer\nben reader\n");
        write("[roles]\nben = \"admin\"\n");
        assert_eq!(cli.ok(&import), "ada engineer -> none\nben viewer -> admin, becomes owner of org\n");
        assert_eq!(cli.ok(&import), "");
        assert!(cli.fails(&["role", "import", "roles.toml", "--organisation", "none"]).contains("no organisation `none`"));
    }
}
