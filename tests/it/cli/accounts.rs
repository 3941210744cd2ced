//! Users, members, passwords and tokens, by command.

use argon2::PasswordVerifier as _;
use serde_json::{Value, json};

use super::House;
use crate::harness::{eventually, noise, story, text};

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
        assert!(used.contains("`ada@example.org` already has an account"), "{used}");
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
        assert!(nested.contains("only organisations can be nested"), "{nested}");
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
            assert!(refused.contains("`ada` is suspended; to end the suspension, run `rutter user resume ada`"), "{refused}");
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
                ["ada", "2", "3.00 MB", "100 MB", "3%"],
                ["ada/census", "1", "3.00 MB", "4.19 MB", "71%"],
                ["ada/more", "1", "1.00 kB", "-", "-"],
                ["statistics", "0", "0 B", "-", "-"],
                ["statistics/census", "0", "0 B", "0 B", "100%"],
                ["total", "2", "3.00 MB", "-", "-"],
            ]
            .map(|row| row.map(str::to_owned).to_vec())
        );
        let told: Value = serde_json::from_str(&house.does(&["usage", "ada/census", "--json"])).unwrap();
        let census = json!({"path": "ada/census", "objects": 1, "bytes": 3_000_000, "git_bytes": 0, "quota_bytes": 4_194_304});
        let owner = json!({"owner": "ada", "kind": "user", "objects": 2, "bytes": 3_001_000, "git_bytes": 0, "quota_bytes": 100_000_000,
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
            assert!(refused.contains(&format!("user, organisation or dataset `{unknown}` not found")), "{refused}");
            assert!(house.fails(&["usage", unknown]).contains("user, organisation or dataset"));
        }
        for nonsense in ["lots", "-5GB", "5 apples", "", "GB"] {
            let refused = house.run(&["quota", "ada", "--", nonsense]);
            assert_eq!(refused.status.code(), Some(2), "{nonsense}");
            assert!(text(&refused).contains("use a size such as 500GB or 100GiB"), "{}", text(&refused));
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
        assert!(text(&house.run(&member)).contains("`ada` is a member of `statistics` with the role reader; change it with --role"));
        house.does(&[&member[..], &["--role", "owner"]].concat());
        assert!(text(&house.run(&member)).contains("`ada` is a member of `statistics` with the role owner"));
        assert_eq!(house.does(&["org", "member", "statistics"]), "ada owner\n");
        // Nor does the operator leave it without an owner who can act.
        house.person("ben");
        house.does(&["org", "member", "statistics", "ben", "--role", "owner"]);
        house.does(&["user", "suspend", "ben"]);
        for last in [&["--role", "reader"][..], &["--remove"]] {
            assert!(house.fails(&[&member[..], last].concat()).contains("only active owner"));
        }
        house.does(&["user", "resume", "ben"]);
        house.does(&[&member[..], &["--role", "reader"]].concat());
        assert_eq!(house.does(&["org", "member", "statistics"]), "ada reader\nben owner\n");
        for nobody in [&["org", "member", "statistics", "--remove"][..], &["org", "member", "statistics", "--role", "owner"]] {
            assert_eq!(house.run(nobody).status.code(), Some(2), "{nobody:?}");
        }
    }
}

story! {
    on(sqlite) async fn passwords_come_by_standard_input_and_are_not_kept(engine: Engine) {
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
        let log = || serving.log.lock().unwrap().join("\n");
        eventually("the way to begin is told", async || log().contains("rutter setup-link")).await;
        assert!(!log().contains("ruk_"), "a log keeps what it is told");
        let link = house.does(&["setup-link"]);
        let ticket = link.trim().split_once("/setup#").unwrap().1.to_owned();

        // However an administrator is made, the link ends.
        house.does(&["user", "add", "ada", "--email", "ada@example.org", "--admin"]);
        let body = json!({"token": ticket, "name": "eve", "email": "eve@example.org", "password": "correct horse"});
        let late = serving.http.post(format!("{}/api/v1/accounts/setup", serving.url)).json(&body);
        assert_eq!(late.send().await.unwrap().status(), 404);
        assert!(house.fails(&["setup-link"]).contains("there already is an administrator"));
        serving.end().await;

        let set = |name: &str, password: &str| house.told(&["user", "set-password", name], password);
        assert!(House::failed(&set("ada", "short\n")).contains("at least 8 characters"));
        assert!(House::failed(&set("ben", "correct horse\n")).contains("there is no user `ben`"));
        assert!(set("ada", "correct horse\n").status.success());
        let serving = house.serve();
        let body = json!({"login": "ada", "password": "correct horse"});
        let login = serving.http.post(format!("{}/api/v1/session", serving.url)).json(&body);
        assert_eq!(login.send().await.unwrap().status(), 200);
        assert!(!serving.log.lock().unwrap().join("\n").contains("setup-link"), "there is an administrator");
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
        assert_eq!(rows[0], ["ID", "NAME", "LAST", "USED", "EXPIRES", "SCOPES"]);
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
            ("", "it is blank"),
            (" ", "it is blank"),
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
    on(sqlite) async fn a_web_token_that_would_open_nothing_is_not_signed(engine: Engine) {
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
