#![expect(clippy::result_large_err, reason = "figment::Jail dictates the error type")]

use super::*;

#[test]
fn the_environment_overrides_the_file_and_the_command_line_both() {
    figment::Jail::expect_with(|jail| {
        jail.create_file("rutter.toml", "listen = \"127.0.0.1:1\"\nlog = \"warn\"\n[limits]\nbatch_objects = 5\n")?;
        jail.set_env("RUTTER_LOG", "debug");
        jail.set_env("RUTTER_LIMITS__TRANSFERS", "7");
        let config = Config::load(Overrides {
            file: Some("rutter.toml".into()),
            listen: Some(([127, 0, 0, 1], 2).into()),
            ..Overrides::default()
        })
        .map_err(|error| error.to_string())?;
        assert_eq!((config.listen.port(), config.log.as_str()), (2, "debug"));
        assert_eq!((config.limits.batch_objects, config.limits.transfers), (5, 7));
        Ok(())
    });
}

#[test]
fn unknown_keys_are_refused() {
    figment::Jail::expect_with(|jail| {
        jail.set_env("RUTTER_LISTEM", "127.0.0.1:1");
        let error = Config::load(Overrides::default()).err().expect("refused").to_string();
        assert!(error.contains("listem"), "{error}");
        Ok(())
    });
}

/// Loads a file and variables; returns the configuration, or the error.
fn load(file: &str, variables: &[(&str, &str)]) -> std::result::Result<Config, String> {
    let mut outcome = Err(String::new());
    figment::Jail::expect_with(|jail| {
        jail.create_file("rutter.toml", file)?;
        for (name, value) in variables {
            jail.set_env(name, value);
        }
        let overrides = Overrides { file: Some("rutter.toml".into()), ..Overrides::default() };
        outcome = Config::load(overrides).map_err(|error| error.to_string());
        Ok(())
    });
    outcome
}

#[test]
fn old_keys_work_and_are_reported() {
    let file = "collect = false\nscrub_days = 7\n[limits]\nparts_from = \"8MiB\"\ntransfers = 3\n\
                [lifetimes]\naction = 600\ngrace = \"2d\"\n";
    let variables = [
        ("RUTTER_LIFETIMES__JWT", "60"),
        ("RUTTER_LIFETIMES__UPLOAD", "1d"),
        ("RUTTER_LIMITS__HASH_BYTES", "1MiB"),
        ("RUTTER_LIMITS__IDLE_SECONDS", "2m"),
        // A variable overrides the file, also under its old name.
        ("RUTTER_LIFETIMES__ACTION", "700"),
    ];
    let config = load(file, &variables).unwrap();
    assert_eq!((config.gc.enabled, config.gc.grace, config.scrub.interval_days), (false, 2 * 86_400, 7));
    assert_eq!((config.ttl.action, config.ttl.jwt, config.ttl.upload), (700, 60, 86_400));
    let Limits { multipart_threshold, verify_before_commit_max, idle_timeout, transfers, .. } = config.limits;
    assert_eq!((multipart_threshold, verify_before_commit_max, idle_timeout, transfers), (8 << 20, 1 << 20, 120, 3));
    let renamed: Vec<_> = config.renamed.iter().map(|key| (key.old, key.new)).collect();
    assert_eq!(
        renamed,
        [
            ("collect", "gc.enabled"),
            ("lifetimes.action", "ttl.action"),
            ("lifetimes.grace", "gc.grace"),
            ("lifetimes.jwt", "ttl.jwt"),
            ("lifetimes.upload", "ttl.upload"),
            ("limits.hash_bytes", "limits.verify_before_commit_max"),
            ("limits.idle_seconds", "limits.idle_timeout"),
            ("limits.parts_from", "limits.multipart_threshold"),
            ("scrub_days", "scrub.interval_days"),
        ]
    );
    assert_eq!(config.renamed[6].variable(), "RUTTER_LIMITS__IDLE_TIMEOUT");
    assert_eq!(load("[gc]\ngrace = \"2d\"\n", &[("RUTTER_TTL__JWT", "60")]).unwrap().renamed, []);
}

#[test]
fn old_and_new_key_together_are_refused() {
    for (file, variables) in [
        ("[limits]\nidle_seconds = 5\nidle_timeout = 5\n", &[][..]),
        ("[limits]\nidle_seconds = 5\n", &[("RUTTER_LIMITS__IDLE_TIMEOUT", "5")]),
        ("[limits]\nidle_timeout = 5\n", &[("RUTTER_LIMITS__IDLE_SECONDS", "5")]),
        ("", &[("RUTTER_LIMITS__IDLE_TIMEOUT", "5"), ("RUTTER_LIMITS__IDLE_SECONDS", "5")]),
    ] {
        let error = load(file, variables).err().expect("refused");
        assert!(error.contains("limits.idle_seconds") && error.contains("limits.idle_timeout"), "{error}");
    }
}

#[test]
fn unknown_keys_beside_old_ones_are_refused() {
    for (file, key) in [
        ("[lifetimes]\nuploads = 5\n", "lifetimes"),
        ("[lifetimes]\nupload = 86400\nuploads = 5\n", "lifetimes"),
        ("gc = true\ncollect = false\n", "gc"),
        ("collect = \"maybe\"\n", "gc.enabled"),
    ] {
        let error = load(file, &[]).err().expect("refused");
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn service_links_of_kubernetes_are_ignored() {
    // The environment of a pod in a namespace with Services named `rutter` and `rutter-db`.
    let links = [
        ("RUTTER_SERVICE_HOST", "10.96.12.7"),
        ("RUTTER_SERVICE_PORT", "8080"),
        ("RUTTER_SERVICE_PORT_HTTP", "8080"),
        ("RUTTER_PORT", "tcp://10.96.12.7:8080"),
        ("RUTTER_PORT_8080_TCP", "tcp://10.96.12.7:8080"),
        ("RUTTER_PORT_8080_TCP_PROTO", "tcp"),
        ("RUTTER_PORT_8080_TCP_PORT", "8080"),
        ("RUTTER_PORT_8080_TCP_ADDR", "10.96.12.7"),
        ("RUTTER_DB_SERVICE_HOST", "10.96.12.8"),
        ("RUTTER_DB_PORT_5432_TCP", "tcp://10.96.12.8:5432"),
    ];
    figment::Jail::expect_with(|jail| {
        for (name, value) in links {
            jail.set_env(name, value);
        }
        jail.set_env("RUTTER_LOG", "debug");
        let config = Config::load(Overrides::default()).map_err(|error| error.to_string())?;
        assert_eq!(config.log, "debug");
        let mut passed_over = config.service_links;
        passed_over.sort();
        let mut all = links.map(|(name, _)| name.to_owned());
        all.sort();
        assert_eq!(passed_over, all);
        Ok(())
    });
    // Without such a Service these are unknown keys; and a port number is not a URL.
    for (beside, name, value) in [
        ("RUTTER_LOG", "RUTTER_PORT", "tcp://10.96.12.7:8080"),
        ("RUTTER_LOG", "RUTTER_SERVICE_PORT", "8080"),
        ("RUTTER_SERVICE_HOST", "RUTTER_PORT", "8080"),
        ("RUTTER_SERVICE_HOST", "RUTTER_LISTEM", "127.0.0.1:1"),
    ] {
        figment::Jail::expect_with(|jail| {
            jail.set_env(beside, "10.96.12.7");
            jail.set_env(name, value);
            let error = Config::load(Overrides::default()).err().expect("refused").to_string();
            assert!(error.contains(&name["RUTTER_".len()..].to_lowercase()), "{error}");
            Ok(())
        });
    }
}

#[test]
fn values_out_of_bounds_are_refused_by_name() {
    for (key, value) in [
        ("LIMITS__IDLE_TIMEOUT", "0"),
        ("LIMITS__PACK_BYTES", "0"),
        ("LIMITS__JSON_BYTES", "10"),
        ("LIMITS__TRANSFERS", "0"),
        ("TTL__JWT", "0"),
        ("GC__GRACE", "60"),
        ("TTL__ACTION", "59"),
        ("TTL__ACTION", "604801"),
        ("LIMITS__IDLE_TIMEOUT", "3601"),
    ] {
        figment::Jail::expect_with(|jail| {
            jail.set_env(format!("RUTTER_{key}"), value);
            let error = Config::load(Overrides::default()).err().expect("refused").to_string();
            assert!(error.contains(&key.to_lowercase().replace("__", ".")), "{error}");
            Ok(())
        });
    }
}

#[test]
fn sizes_and_durations_take_units() {
    figment::Jail::expect_with(|jail| {
        let text = "[scrub]\ninterval_days = \"2w\"\n[limits]\nmultipart_threshold = \"8MiB\"\nobject_bytes = \"10GB\"\npack_bytes = 5000\n\
                    idle_timeout = \"2m\"\n[ttl]\nupload = \"3d\"\naction = 600\n[quotas]\nuser_bytes = \"1.5 GB\"\n\
                    [accounts]\ngrace_days = \"7d\"\n";
        jail.create_file("rutter.toml", text)?;
        jail.set_env("RUTTER_LIMITS__VERIFY_BEFORE_COMMIT_MAX", "64MiB");
        jail.set_env("RUTTER_LIMITS__CACHE_BYTES", "1000000");
        jail.set_env("RUTTER_GC__GRACE", "12h");
        jail.set_env("RUTTER_RATES__WAIT_SECONDS", "3s");
        jail.set_env("RUTTER_QUOTAS__DATASET_BYTES", "500MB");
        let overrides = Overrides { file: Some("rutter.toml".into()), ..Overrides::default() };
        let config = Config::load(overrides).map_err(|error| error.to_string())?;
        let Limits { multipart_threshold, object_bytes, pack_bytes, cache_bytes, idle_timeout, .. } = config.limits;
        assert_eq!((multipart_threshold, object_bytes, pack_bytes), (8 << 20, Some(10_000_000_000), 5000));
        assert_eq!((config.limits.verify_before_commit_max, cache_bytes, idle_timeout), (64 << 20, 1_000_000, 120));
        assert_eq!((config.ttl.action, config.ttl.upload, config.gc.grace), (600, 3 * 86_400, 12 * 3600));
        let days = (config.scrub.interval_days, config.accounts.grace_days);
        assert_eq!((days, config.rates.wait_seconds), ((14, 7), 3));
        assert_eq!((config.quotas.user_bytes, config.quotas.dataset_bytes), (Some(1_500_000_000), Some(500_000_000)));
        assert_eq!(config.quotas.organisation_bytes, None);
        Ok(())
    });
}

#[test]
fn invalid_sizes_and_durations_are_refused_with_an_example() {
    for (key, value, example) in [
        ("LIMITS__MULTIPART_THRESHOLD", "8 apples", "64MiB"),
        ("LIMITS__MULTIPART_THRESHOLD", "-1", "64MiB"),
        ("LIMITS__OBJECT_BYTES", "many", "64MiB"),
        ("TTL__UPLOAD", "3 months", "3d"),
        ("TTL__ACTION", "-5", "90s"),
        ("LIMITS__IDLE_TIMEOUT", "1500ms", "90s"),
        ("SCRUB__INTERVAL_DAYS", "36h", "30d"),
        ("ACCOUNTS__SESSION_DAYS", "soon", "30d"),
    ] {
        figment::Jail::expect_with(|jail| {
            jail.set_env(format!("RUTTER_{key}"), value);
            let error = Config::load(Overrides::default()).err().expect("refused").to_string().to_lowercase();
            assert!(error.contains(&key.to_lowercase().replace("__", ".")), "{error}");
            assert!(error.contains(&example.to_lowercase()), "{error}");
            Ok(())
        });
    }
}

#[test]
fn issuers_that_could_be_forged_are_refused() {
    let load = |issuer: &str, url: &str| {
        let mut outcome = Ok(());
        figment::Jail::expect_with(|jail| {
            let text = format!("[[issuers]]\nissuer = \"{issuer}\"\njwks_url = \"{url}\"\n");
            jail.create_file("rutter.toml", &text)?;
            let overrides = Overrides { file: Some("rutter.toml".into()), ..Overrides::default() };
            outcome = Config::load(overrides).map(drop).map_err(|error| error.to_string());
            Ok(())
        });
        outcome
    };
    assert_eq!(load("ckan", "https://ckan.example.org/jwks"), Ok(()));
    assert_eq!(load("ckan", "http://127.0.0.1:5000/jwks"), Ok(()));
    assert_eq!(load("ckan", "http://[::1]:5000/jwks"), Ok(()));
    for url in [
        "http://ckan.example.org/jwks",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.1:80@example.org/",
        "ftp://127.0.0.1/",
        "https:///jwks",
        "jwks",
        "",
    ] {
        assert!(load("ckan", url).unwrap_err().contains("https://"), "{url}");
    }
    assert!(load("rutter", "https://x.example/").unwrap_err().contains("cannot be named"));
}

#[test]
fn public_urls_are_checked() {
    for bad in ["data.example.org", "ftp://x", "https://", "https://x?y"] {
        let overrides = Overrides { public_url: Some(bad.into()), ..Overrides::default() };
        assert!(Config::load(overrides).is_err(), "{bad}");
    }
}

#[test]
fn rule_9_an_issuer_cannot_have_the_url_of_this_server() {
    let file =
        |issuer: &str| format!("[[issuers]]\nissuer = \"{issuer}\"\njwks_url = \"https://ckan.example.org/keys\"\n");
    let public = [("RUTTER_PUBLIC_URL", "https://data.example.org/")];
    for own in ["https://data.example.org", "https://data.example.org/", "https://Data.example.org"] {
        let said = load(&file(own), &public).err().unwrap();
        assert!(said.contains("the URL of this server"), "{said}");
    }
    // Without a public URL, the address that the server listens on.
    assert!(load(&file("http://127.0.0.1:8080"), &[]).is_err());
    assert!(load(&file("https://data.example.org.evil.example"), &public).is_ok());
}

#[test]
fn the_age_of_keys_has_a_bound() {
    assert!(load("[oauth]\nkey_days = 3651\n", &[]).err().unwrap().contains("oauth.key_days"));
    assert_eq!(load("[oauth]\nkey_days = 0\n", &[]).unwrap().oauth.key_age(), None);
}
