//! The applications around a data platform, unmodified and running: JupyterHub, the OAuth of `huggingface_hub`, and a
//! gateway with nginx sign users in with rutter; users sign in to rutter with an account of another provider. The
//! scripts are in `platform/`, and try each application with npm's oidc-provider first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rutter::config::{Makers, ProviderKind, SignInProvider};
use rutter::types::Role;
use rutter_testing::{Person, Server, environment, free_port, story};

use crate::clients::{Process, python_script};
use crate::npm::packages;
use crate::pypi::{PLATFORM, python};

/// A script with the programs that it needs.
struct Script {
    path: &'static str,
    python: PathBuf,
    packages: PathBuf,
}

impl Script {
    /// Installs what a script needs. `None` where that is not possible, which is said, and must not be in CI.
    fn new(path: &'static str, python_packages: &[&str], probe: &str) -> Option<Self> {
        Some(Self { path, python: python(python_packages, probe)?, packages: packages()? })
    }

    /// Runs it to its end, with further variables. It may let time pass at the server.
    fn run(&self, server: &Server, variables: &[(&str, &str)]) {
        let mut command = python_script(&self.python, self.path);
        command.env("SERVER", &server.url).env("PACKAGES", &self.packages).envs(variables.iter().copied());
        let mut script = Process::start(&mut command);
        loop {
            let line = script.line();
            if line.is_empty() {
                break;
            }
            let seconds = line.strip_prefix("later ").unwrap_or_else(|| panic!("unexpected: {line}"));
            server.clock.advance(Duration::from_secs(seconds.parse().unwrap()));
            script.send("done");
        }
        assert!(script.child.wait().unwrap().success(), "{} failed", self.path);
    }
}

/// Adds a user that can sign in with a browser.
async fn add_user(server: &Server, name: &str) -> Person {
    let person = server.person(name).await;
    server.cookie(name).await;
    person
}

story! {
    on(sqlite) async fn rule_44_a_running_jupyterhub_admits_platform_roles(engine: Engine) {
        let script = Script::new("platform/jupyterhub/story.py", &PLATFORM, "import jupyterhub, oauthenticator, requests");
        let Some(script) = script else { return };
        let server = Server::start_public(engine).await;
        let ada = server.person("ada").await;
        let ben = add_user(&server, "ben").await;
        for role in ["admin", "engineer", "scientist", "analyst", "viewer"] {
            add_user(&server, &format!("{role}-1")).await;
        }
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        script.run(&server, &[("OWNER", &ada.token)]);
    }
}

story! {
    on(sqlite) async fn huggingface_hub_signs_in_with_its_four_variables(engine: Engine) {
        let python = [
            "huggingface_hub[oauth]==2.4.0", "Authlib==1.9.10", "fastapi==0.165.0", "starlette==1.10.0",
            "uvicorn==0.54.0", "requests==2.34.2",
        ];
        let probe = "import authlib, fastapi, huggingface_hub, requests, uvicorn";
        let Some(script) = Script::new("platform/huggingface/story.py", &python, probe) else { return };
        let server = Server::start_public(engine).await;
        let ada = add_user(&server, "ada").await;
        script.run(&server, &[("OWNER", &ada.token)]);
    }
}

story! {
    on(sqlite) async fn a_gateway_with_nginx_is_notified_of_logouts(engine: Engine) {
        if !["/usr/sbin/nginx", "/usr/bin/nginx"].iter().any(|path| Path::new(path).exists()) {
            assert!(environment("CI").is_none(), "CI must test the gateway: it needs nginx-light");
            eprintln!("skipped: nginx is not installed");
            return;
        }
        let python = ["Flask==3.1.3", "Authlib==1.9.6", "requests==2.34.2"];
        let Some(script) = Script::new("platform/gateway/story.py", &python, "import authlib, flask, requests") else { return };
        let server = Server::start_public_with(engine, |config| config.accounts.organisations = Makers::Admins).await;
        let (ada, ben) = (add_user(&server, "ada").await, add_user(&server, "ben").await);
        server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
        script.run(&server, &[("OWNER", &ada.token)]);
    }
}

story! {
    on(sqlite) async fn users_sign_in_with_an_account_of_oidc_provider(engine: Engine) {
        let Some(script) = Script::new("platform/upstream.py", &["requests==2.34.2"], "import requests") else { return };
        let (port, secret) = (free_port(), "of rutter at the provider, in a file");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("client-secret");
        std::fs::write(&file, secret).unwrap();
        let provider = |name: &str, secret: Option<PathBuf>| SignInProvider {
            name: name.into(), label: None, kind: ProviderKind::Oidc, issuer: Some(format!("http://127.0.0.1:{port}")),
            client_id: name.into(), client_secret_file: secret, scopes: vec![],
            allowed_domains: vec!["example.org".into()], create: true,
        };
        let sign_in = vec![provider("work", Some(file)), provider("lab", None)];
        let server = Server::start_public_with(engine, |config| config.sign_in = sign_in).await;
        add_user(&server, "ben").await;
        script.run(&server, &[("PORT", &port.to_string()), ("SECRET", secret)]);
    }
}
