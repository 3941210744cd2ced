//! Web applications with real OAuth clients. Each signs in with a control first, the provider `oidc-provider` of npm, and
//! then with rutter: a script that fails with both is wrong.

mod openidconnect_client;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rutter::types::Visibility;
use rutter_testing::{Engine, Server, assert_success, story};
use serde_json::{Value, json};

use crate::clients::{Process, node, python_script};
use crate::npm::packages;
use crate::pypi::python;

const REDIRECT: &str = "https://app.example.org/cb";
const AFTER_LOGOUT: &str = "https://app.example.org/bye";
const SCOPES: [&str; 4] = ["openid", "profile", "email", "read"];
const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The clients of the Python Package Index, and what moves the clock of a script.
const PYTHON: [&str; 6] = [
    "PyJWT==2.15.1",
    "Authlib==1.9.6",
    "requests-oauthlib==2.0.0",
    "requests==2.34.2",
    "cryptography==50.0.2",
    "time-machine==3.6.0",
];

/// Returns a Python with the clients, and the folder of npm's packages.
fn programs() -> Option<(PathBuf, PathBuf)> {
    let python = python(&PYTHON, "import authlib, cryptography, jwt, requests_oauthlib, time_machine")?;
    Some((python, packages()?))
}

/// Returns what scripts know of a provider. `cookie` is that of a browser which is signed in.
fn provider(issuer: &str, cookie: &str, resource: &str, clients: &Value) -> Value {
    json!({
        "issuer": issuer, "cookie": cookie, "resource": format!("{issuer}{resource}"), "clients": clients,
        "redirect": REDIRECT, "after": AFTER_LOGOUT,
    })
}

/// Starts the control. Returns what scripts know of it.
fn control(home: &Path) -> (Process, Value) {
    let (scope, secret) = (SCOPES.join(" "), "s".repeat(40));
    let web = |method: &str| {
        json!({
            "client_id": method, "client_secret": secret, "token_endpoint_auth_method": format!("client_secret_{method}"),
            "scope": scope, "redirect_uris": [REDIRECT], "post_logout_redirect_uris": [AFTER_LOGOUT], "grant_types": GRANTS,
        })
    };
    let device = json!({
        "client_id": "device", "token_endpoint_auth_method": "none", "application_type": "native", "scope": scope,
        "redirect_uris": [], "response_types": [], "grant_types": [DEVICE_CODE, "refresh_token"],
    });
    let clients = json!([web("basic"), web("post"), device]).to_string();
    let mut process = Process::start(node(&home.join("provider.mjs")).env("CLIENTS", clients));
    let issuer = process.line();
    assert!(!issuer.is_empty(), "the control does not start");
    let clients = ["basic", "post", "device"].map(|id| (id.to_owned(), json!({"id": id, "secret": secret})));
    (process, provider(&issuer, "user=ada", "/resource", &Value::Object(clients.into_iter().collect())))
}

/// Starts a rutter with the clients of the control. Returns what scripts know of it.
async fn rutter(engine: Engine) -> (Server, Value) {
    // The shortest time after which a key is replaced.
    let server = Server::start_public_with(engine, |config| config.oauth.key_days = 1).await;
    let ada = server.person("ada").await;
    server.dataset("ada/birds", Visibility::Private).await;
    let register = async |new: Value| {
        let made = server.ok(&ada, "POST", "/api/v1/clients", new).await;
        json!({"id": made["id"], "secret": made["secret"]})
    };
    let web = json!({
        "name": "Notes", "redirects": [REDIRECT], "logout_redirects": [AFTER_LOGOUT], "scopes": SCOPES, "grants": GRANTS,
        "acts_as": "ada",
    });
    let device = json!({
        "name": "Program", "public": true, "redirects": [], "scopes": SCOPES, "grants": [DEVICE_CODE, "refresh_token"],
    });
    // One client for both ways to authenticate, of which those of the control have one each.
    let (web, device) = (register(web).await, register(device).await);
    let clients = json!({"basic": web, "post": web, "device": device});
    let cookie = format!("rutter={}", server.cookie("ada").await);
    let provider = provider(&server.url, &cookie, "/api/v1/datasets/ada/birds", &clients);
    (server, provider)
}

/// Runs a script with both providers at one time. The result with the control is looked at first.
async fn sign_in(engine: Engine, home: &Path, script: impl Fn() -> Command) {
    let (_control, known) = control(home);
    let (_server, ours) = rutter(engine).await;
    let start = |provider: &Value| {
        let mut command = script();
        command.env("PROVIDER", provider.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (known, ours) = (start(&known), start(&ours));
    let (known, ours) = (known.wait_with_output().unwrap(), ours.wait_with_output().unwrap());
    assert_success(&known, "the application with the control");
    assert_success(&ours, "the application with rutter");
}

story! {
    on(sqlite) async fn authlib_signs_in(engine: Engine) {
        let Some((python, home)) = programs() else { return };
        sign_in(engine, &home, || python_script(&python, "oauth/authlib_client.py")).await;
    }
}

story! {
    on(sqlite) async fn requests_oauthlib_signs_in(engine: Engine) {
        let Some((python, home)) = programs() else { return };
        sign_in(engine, &home, || python_script(&python, "oauth/requests_oauthlib_client.py")).await;
    }
}

story! {
    on(sqlite) async fn openid_client_signs_in(engine: Engine) {
        let Some(home) = packages() else { return };
        sign_in(engine, &home, || node(&home.join("openid_client.mjs"))).await;
    }
}

/// Runs the script of PyJWT. At each step that it names, `change` changes the provider, and returns how far its clock is
/// ahead of the system's.
async fn verify_tokens(name: &str, python: &Path, provider: &Value, mut change: impl AsyncFnMut(&str) -> Duration) {
    let mut command = python_script(python, "oauth/pyjwt_client.py");
    let mut script = Process::start(command.env("PROVIDER", provider.to_string()));
    for step in ["rotate", "sign"] {
        assert_eq!(script.line(), step, "PyJWT fails with {name}");
        let ahead = change(step).await;
        script.send(&ahead.as_secs().to_string());
    }
    assert_eq!(script.line(), "", "PyJWT with {name}");
    assert!(script.child.wait().unwrap().success(), "PyJWT fails with {name}");
}

story! {
    on(sqlite) async fn rule_17_pyjwt_verifies_tokens_while_the_key_is_replaced(engine: Engine) {
        let Some((python, home)) = programs() else { return };
        let (mut control, provider) = control(&home);
        verify_tokens("the control", &python, &provider, async |step| {
            if step == "rotate" {
                control.send("");
                assert_eq!(control.line(), "rotated");
            }
            Duration::ZERO
        }).await;

        let (server, provider) = rutter(engine).await;
        // The new key signs a day after it was published.
        let (day, before) = (Duration::from_hours(24), Duration::from_mins(23 * 60 + 59));
        let rest = Duration::from_mins(2);
        verify_tokens("rutter", &python, &provider, async |step| {
            if step == "rotate" {
                server.clock.advance(day);
                server.app.access.keys().ours().rotate().await.unwrap();
                // The old key still signs.
                server.clock.advance(before);
                return day + before;
            }
            server.clock.advance(rest);
            day + before + rest
        }).await;
    }
}

story! {
    on(sqlite) async fn the_openidconnect_crate_signs_in(engine: Engine) {
        let Some(home) = packages() else { return };
        let (_control, known) = control(&home);
        let (_server, ours) = rutter(engine).await;
        for (name, provider) in [("the control", known), ("rutter", ours)] {
            let outcome = tokio::spawn(openidconnect_client::sign_in(provider)).await;
            outcome.unwrap_or_else(|error| panic!("openidconnect fails with {name}: {error}"));
        }
    }
}
