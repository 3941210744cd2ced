//! Queries and row diffs, as pandas, `pyarrow`, `DuckDB` and daff see them.

use std::path::Path;
use std::process::Command;

use rutter::config::Rates;
use rutter_testing::{Server, assert_success, story};

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
