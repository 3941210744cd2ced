//! Queries and row diffs, as pandas, `pyarrow`, `DuckDB` and daff see them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Reply, Server, assert_success, story};
use serde_json::{Value, json};

use crate::pypi::python;

/// The judges of results, and the readers of each format.
const PACKAGES: [&str; 5] = ["daff==1.4.2", "duckdb==2.0.1", "pandas==3.1.1", "pyarrow==26.0.1", "requests==2.34.2"];

story! {
    on(sqlite) async fn results_are_those_of_other_tools(engine: Engine) {
        let Some(python) = python(&PACKAGES, "import daff, duckdb, pandas, pyarrow, requests") else { return };
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        let place = server.empty_folder("tables");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(&python);
        command.env_clear().current_dir(&place.folder).arg(here.join("tests/stories/tables.py"));
        for (name, value) in [
            ("SERVER", server.url.as_str()),
            ("TOKEN", &ada.token),
            ("OTHER_TOKEN", &ben.token),
            ("FIXTURES", here.join("fixtures/datasets").to_str().unwrap()),
            ("HOME", place.folder.to_str().unwrap()),
            ("no_proxy", "127.0.0.1"),
        ] {
            command.env(name, value);
        }
        assert_success(&command.output().unwrap(), "the script");
    }
}

story! {
    on(sqlite) async fn a_converted_table_is_in_every_clone(engine: Engine) {
        let Some(python) = python(&PACKAGES, "import daff, duckdb, pandas, pyarrow, requests") else { return };
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut arguments = Vec::new();
        for (file, name) in [("air-quality/data/readings.csv", "readings"), ("air-quality/stations.csv", "stations"),
            ("trade-prices/prices.csv", "prices"), ("trade-prices/prices.jsonl", "lines")] {
            let extension = file.rsplit_once('.').unwrap().1;
            let table = format!("{name}.{extension}");
            let content = std::fs::read(here.join("fixtures/datasets").join(file)).unwrap();
            let url = format!("/api/v1/drive/ada/data/files/{table}");
            let put = Reply::of(server.request("PUT", &url, Some(&ada.token)).body(content)).await;
            assert!(put.status < 300, "{}", put.text());
            let url = "/api/v1/datasets/ada/data/convert";
            let begun = server.call(Some(&ada.token), "POST", url, json!({"path": table})).await;
            assert_eq!(begun.status, 202, "{}", begun.text());
            arguments.push(begun.json());
        }
        for derivation in &mut arguments {
            while derivation["finished"].is_null() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let url = format!("/api/v1/datasets/ada/data/derivations/{}", derivation["id"].as_str().unwrap());
                *derivation = server.call(Some(&ada.token), "GET", &url, Value::Null).await.json();
            }
            assert_eq!(derivation["state"], "done", "{derivation}");
        }
        let described = server.call(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/describe", json!({})).await;
        assert_eq!(described.json()["added"].as_array().unwrap().len(), 4, "{}", described.text());
        let clone = server.clone(&ada, "ada/data", "clone");
        assert_eq!(clone.git(&["lfs", "ls-files", "--name-only"]).matches(".parquet").count(), 4);
        assert_eq!(clone.git(&["status", "--porcelain"]), "", "what is checked out is what was committed");
        let mut command = Command::new(&python);
        command.env_clear().current_dir(&clone.folder).arg(here.join("tests/stories/converted.py"));
        for derivation in &arguments {
            command.args(["table", "path", "revision"].map(|key| derivation[key].as_str().unwrap()));
        }
        assert_success(&command.output().unwrap(), "the comparison");
    }
}
