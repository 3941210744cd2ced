//! Superset and Airflow themselves, installed from PyPI and running, sign users in with rutter: `make test-platform`.
//! `applications.rs` tries the same with Flask-AppBuilder alone, the library that both of them use.

use std::path::Path;

use rutter::types::Role;
use rutter_testing::{Engine, Server, run};

use crate::clients::python_script;
use crate::npm::packages;
use crate::pypi::python;

/// Tries the configuration of an application in the application itself, in this version. `module` is its own code.
async fn try_application(name: &str, version: &str, module: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/flask_appbuilder");
    let requirements = folder.join(format!("{name}.txt"));
    let path = requirements.to_str().unwrap();
    // An interrupted installation, or one of other versions, is replaced.
    let probe = format!(
        "import importlib.metadata, {module}\n\
         lines = [line.strip().split('==') for line in open({path:?}) if not line.startswith('#')]\n\
         assert all(importlib.metadata.version(name) == version for name, version in lines)"
    );
    let Some(python) = python(&[version, "-r", path], &probe) else { panic!("{name} cannot be installed") };
    let Some(packages) = packages() else { panic!("the packages of npm cannot be installed") };
    let server = Server::start_public(Engine::Sqlite).await;
    let (ada, ben) = (server.person("ada").await, server.person("ben").await);
    for user in ["ben", "admin-1", "engineer-1", "scientist-1", "analyst-1", "viewer-1"] {
        if user != "ben" {
            server.person(user).await;
        }
        server.cookie(user).await;
    }
    server.organisation("org", &[(&ada, Role::Owner), (&ben, Role::Reader)]).await;
    let mut story = python_script(&python, "flask_appbuilder/story.py");
    story.env("SERVER", &server.url).env("OWNER", &ada.token).env("PACKAGES", packages).arg(name);
    assert!(story.status().unwrap().success(), "{name} failed");
}

#[test]
#[ignore = "installs 1.1 GB; for `make test-platform`"]
fn rule_44_each_cell_of_the_matrix_in_a_running_superset() {
    run(try_application("superset", "apache-superset==6.1.0", "superset"));
}

#[test]
#[ignore = "installs 1.1 GB; for `make test-platform`"]
fn rule_44_each_cell_of_the_matrix_in_a_running_airflow() {
    run(try_application("airflow", "apache-airflow==3.3.2", "airflow.providers.fab"));
}
