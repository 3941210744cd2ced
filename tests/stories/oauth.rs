//! Web applications with real OAuth clients.

use std::process::Command;

use rutter::types::Visibility;
use rutter_testing::{Server, assert_success, story};
use serde_json::json;

use crate::pypi::python;

story! {
    on(sqlite) async fn authlib_signs_in_with_rutter(engine: Engine) {
        let packages = ["Authlib==1.9.6", "requests==2.34.2"];
        let Some(python) = python(&packages, "import authlib, requests") else { return };
        let server = Server::start_public(engine).await;
        let ada = server.person("ada").await;
        server.dataset("ada/birds", Visibility::Private).await;
        let new = json!({
            "name": "Notes", "redirects": ["https://app.example.org/cb"], "scopes": ["openid", "profile", "email", "read"],
        });
        let made = server.ok(&ada, "POST", "/api/v1/clients", new).await;
        let cookie = server.cookie("ada").await;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/oauth.py");
        let mut command = Command::new(&python);
        command.env_clear().env("NO_PROXY", "127.0.0.1").env("AUTHLIB_INSECURE_TRANSPORT", "1").arg(script);
        command.env("SERVER", &server.url).env("COOKIE", &cookie);
        command.env("CLIENT_ID", made["id"].as_str().unwrap()).env("CLIENT_SECRET", made["secret"].as_str().unwrap());
        assert_success(&command.output().unwrap(), "the application");
    }
}
