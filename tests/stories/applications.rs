//! The applications of a data platform: their own code signs users in, with generated configuration.

use std::path::Path;

use rutter::types::Role;
use rutter_testing::{Person, Server, assert_success, story};
use serde_json::{Value, json};

use crate::clients::python_script;
use crate::pypi::{PLATFORM, python};

const ROLES: [&str; 5] = ["admin", "engineer", "scientist", "analyst", "viewer"];

/// Signs a user of each platform role in to an application. Returns what they are there, by role.
async fn sign_in(server: &Server, ada: &Person, python: &Path, application: &str) -> Value {
    for role in ROLES {
        let url = format!("/api/v1/organisations/org/roles/{role}-1");
        server.ok(ada, "PUT", &url, json!({"role": role})).await;
    }
    let new = json!({
        "name": application, "owner": "org", "application": application,
        "redirects": ["https://app.example.org/oauth-authorized/keycloak"],
        "scopes": ["openid", "profile", "email", "groups", "offline_access"],
    });
    let made = server.ok(ada, "POST", "/api/v1/clients", new).await;
    let config = server.get(ada, &format!("/api/v1/clients/{}/config", made["id"].as_str().unwrap())).await;
    let file = &config["files"][0];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file["name"].as_str().unwrap());
    std::fs::write(&path, file["text"].as_str().unwrap()).unwrap();
    let kind = if application == "jupyterhub" { application } else { "flask_appbuilder" };
    let mut command = python_script(python, "applications.py");
    command.env("SERVER", &server.url).env("OWNER", &ada.token).env("JUPYTERHUB_CRYPT_KEY", "0".repeat(64));
    command.env("RUTTER_CLIENT_SECRET", made["secret"].as_str().unwrap()).arg(kind).arg(path).args(ROLES);
    let output = command.output().unwrap();
    assert_success(&output, application);
    serde_json::from_slice::<Value>(&output.stdout).unwrap()
}

story! {
    on(sqlite) async fn rule_44_each_cell_of_the_matrix_in_superset_airflow_and_jupyterhub(engine: Engine) {
        let Some(python) = python(&PLATFORM, "import flask_appbuilder, oauthenticator, authlib") else { return };
        let server = Server::start_public(engine).await;
        let ada = server.person("ada").await;
        server.organisation("org", &[(&ada, Role::Owner)]).await;
        for role in ROLES {
            server.person(&format!("{role}-1")).await;
            server.cookie(&format!("{role}-1")).await;
        }
        let refused = json!("access_denied");
        let all = |cells: [Value; 5]| {
            let cells = ROLES.iter().zip(cells).map(|(role, cell)| (format!("{role}-1"), cell));
            Value::Object(cells.collect())
        };
        // Flask-AppBuilder adds the role for new users, `Public`, which allows nothing.
        let alpha = json!(["Alpha", "Public", "sql_lab"]);
        let superset = [json!(["Admin", "Public"]), alpha.clone(), alpha.clone(), alpha, json!(["Gamma", "Public"])];
        assert_eq!(sign_in(&server, &ada, &python, "superset").await, all(superset));
        let user = json!(["Public", "User"]);
        let airflow = [json!(["Admin", "Public"]), json!(["Op", "Public"]), user.clone(), user, refused.clone()];
        assert_eq!(sign_in(&server, &ada, &python, "airflow").await, all(airflow));
        let jupyterhub = [
            json!(["org", "platform:admin", "is admin"]), json!(["org", "platform:engineer"]),
            json!(["org", "platform:scientist"]), refused.clone(), refused,
        ];
        assert_eq!(sign_in(&server, &ada, &python, "jupyterhub").await, all(jupyterhub));
    }
}
