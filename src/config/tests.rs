#![expect(clippy::result_large_err, reason = "figment::Jail dictates the error type")]

use super::*;

#[test]
fn file_then_environment_then_command_line() {
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

#[test]
fn service_links_of_kubernetes_are_passed_over() {
    // As a pod gets them beside Services named `rutter` and `rutter-db`.
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
        links.iter().for_each(|(name, value)| jail.set_env(name, value));
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
    // Without such a Service these are keys that nobody reads; and a port is not an address.
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
        ("LIMITS__IDLE_SECONDS", "0"),
        ("LIMITS__PACK_BYTES", "0"),
        ("LIMITS__JSON_BYTES", "10"),
        ("LIMITS__TRANSFERS", "0"),
        ("LIFETIMES__JWT", "0"),
        ("LIFETIMES__GRACE", "60"),
        ("LIFETIMES__ACTION", "59"),
        ("LIFETIMES__ACTION", "604801"),
        ("LIMITS__IDLE_SECONDS", "3601"),
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
