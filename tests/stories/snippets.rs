//! "Use in code" of the web interface: what it shows, run by the tools themselves.

use std::path::Path;
use std::process::{Command, Stdio};

use rutter::config::Rates;
use rutter_testing::{Server, assert_success, environment, story};

use crate::hub::{NEW, NEW_PROBE};
use crate::pypi::python;

/// The command line client, and the extension for HTTP, which it downloads itself elsewhere.
const DUCKDB: [&str; 3] = ["duckdb==1.5.5", "duckdb-cli==1.5.5", "duckdb-extension-httpfs==1.5.5"];

/// The program that prints the snippets.
const PRINTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/scripts/snippets.mjs");

/// Returns true if a program is there. Without it, that is said, and must not be in CI.
fn has(what: &str, command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let works = quiet.status().is_ok_and(|status| status.success());
    assert!(works || environment("CI").is_none(), "CI must run the snippets: it needs {what}");
    if !works {
        eprintln!("skipped: {what} is missing");
    }
    works
}

story! {
    on(sqlite) async fn what_use_in_code_shows_loads_the_data(engine: Engine) {
        let (Some(python), Some(duckdb)) = (python(NEW, NEW_PROBE), python(&DUCKDB, "import duckdb_extension_httpfs")) else {
            return;
        };
        if !has("the packages of ui/ (make ui)", Command::new("node").args([PRINTER, "--check"])) {
            return;
        }
        has("r-base-core and r-cran-jsonlite", Command::new("Rscript").args(["-e", "library(jsonlite)"]));
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let ada = server.person("ada").await;
        let reader = server.token("ada", &["read:ada/secret"]).await;
        let place = server.empty_folder("snippets");
        let mut command = Command::new(&python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/snippets.py");
        command.env_clear().current_dir(&place.folder).arg(script);
        // `datasets` looks for the dataset viewer at the host `datasets-server.localhost`.
        let url = server.url.replace("127.0.0.1", "localhost");
        for (name, value) in [
            ("SERVER", url.as_str()),
            ("TOKEN", &ada.token),
            ("READER", &reader),
            ("PRINTER", PRINTER),
            ("DUCKDB", duckdb.parent().unwrap().to_str().unwrap()),
            ("PATH", &environment("PATH").unwrap_or_default()),
            ("HOME", place.folder.to_str().unwrap()),
            ("no_proxy", "127.0.0.1,localhost"),
        ] {
            command.env(name, value);
        }
        assert_success(&command.output().unwrap(), "the script");
    }
}
