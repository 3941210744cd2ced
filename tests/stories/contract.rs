//! Schemathesis sends requests that the OpenAPI document allows, and requests that it does not allow.

use std::fs;
use std::process::Command;

use rutter::config::Rates;
use rutter_testing::{Engine, Reply, Server, environment};
use serde_json::json;

use crate::pypi::python;

const VERSION: &str = "schemathesis==4.32.5";

/// What has to hold of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      response_headers_conformance";

/// The dataset that most requests are about, and where in it they look.
const PLACE: &str = "[parameters]\n\"path.owner\" = \"ada\"\n\"path.dataset\" = \"birds\"\n\"path.revision\" = \"main\"\n\
                     \"path.path\" = \"notes.txt\"\n";

/// Random requests of each operation; `.ci/run` asks for more.
const EXAMPLES: &str = "5";

/// A file of some exabytes has no room anywhere (507), and the document does not know how much there is.
const ROOM: &str = "[checks]\nnot_a_server_error.expected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"507\"]\n";

/// Sends requests, and checks every answer.
async fn check_answers(settings: &str, arguments: &[&str]) {
    let Some(python) = python(&[VERSION], "import schemathesis") else { return };
    let program = python.with_file_name("schemathesis");
    let server = Server::start_with(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let ada = server.person("ada").await;
    let birds = json!({"name": "birds", "resources": [{"name": "notes", "path": "notes.txt"}]});
    let notes = json!([{"operation": "put", "path": "notes.txt", "content": "Gulls.\n"}]);
    for (url, body) in [
        ("/api/v1/datasets", json!({"id": "ada/birds", "package": birds})),
        ("/api/v1/datasets/ada/birds/commits", json!({"message": "Notes", "operations": notes})),
    ] {
        let made = Reply::of(server.request("POST", url, Some(&ada.token)).json(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }

    let place = server.empty_folder("contract");
    let examples = environment("RUTTER_TEST_EXAMPLES").unwrap_or_else(|| EXAMPLES.to_owned());
    fs::write(place.folder.join("schemathesis.toml"), format!("{settings}{ROOM}")).unwrap();
    let mut command = Command::new(&program);
    command.env_clear().env("HOME", &place.folder).env("no_proxy", "127.0.0.1").current_dir(&place.folder);
    command.args(["run", &format!("{}/api/openapi.json", server.url), "--no-color", "--continue-on-failure"]);
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", &examples]);
    // The same requests every time, so that a failure can be repeated.
    command.args(["--seed", "1"]);
    // It draws names at random, most of which are refused.
    command.args(["--suppress-health-check", "all", "--warnings", "off"]);
    command.args(["--header", &format!("Authorization: Bearer {}", ada.token)]).args(arguments);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains(" passed"), "{said}");
}

/// Paths of a dataset.
const OF_DATASET: &str = r"\{dataset\}";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_dataset_is_described_in_the_openapi_document() {
    // It is not deleted under the requests.
    check_answers(PLACE, &["--include-path-regex", OF_DATASET, "--exclude-method", "DELETE"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_described_in_the_openapi_document() {
    check_answers("", &["--exclude-path-regex", OF_DATASET]).await;
    check_answers("", &["--include-path-regex", OF_DATASET, "--include-method", "DELETE"]).await;
}
