//! Tables that are large or damaged, read from a server of its own, whose memory is measured. `make test-tables` runs them at
//! full size: `RUTTER_TEST_MUTATIONS` says how often each sample is damaged (default 20), `RUTTER_TEST_TABLE_ROWS` how many rows
//! the largest revisions have (default 10,000); 250 rows have a cell of as many bytes, and 200 times as many rows two bytes.

use std::path::Path;
use std::process::Command;

use rutter_testing::{Installation, assert_success, environment};

use crate::pypi::python;

/// What the scripts need.
const PACKAGES: [&str; 2] = ["pyarrow==26.0.1", "numpy==2.4.6"];

fn number(name: &str) -> Option<u64> {
    environment(name).map(|number| number.parse().unwrap())
}

fn table_rows() -> u64 {
    number("RUTTER_TEST_TABLE_ROWS").unwrap_or(10_000)
}

/// Runs a script beside a server, and prints its output.
async fn run(script: &str, arguments: &[String]) {
    let Some(python) = python(&PACKAGES, "import numpy, pyarrow") else { return };
    let rates = ["ADDRESS", "USER", "TOKEN"].map(|of| (format!("RUTTER_RATES__{of}"), "10000000".to_owned()));
    let installation = Installation::with_environment(rates.into());
    let server = installation.serve().await;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = installation.folder("tables");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(&python);
    command.env_clear().current_dir(&folder).arg(here.join("tests/stories").join(script)).args(arguments);
    for (name, value) in [
        ("SERVER", installation.url.as_str()),
        ("TOKEN", &installation.token),
        ("PROCESS", &server.id().to_string()),
        ("PROGRAM", rutter_testing::program().to_str().unwrap()),
        ("FOLDER", folder.to_str().unwrap()),
        ("HOME", folder.to_str().unwrap()),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("no_proxy", "127.0.0.1"),
    ] {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert_success(&output, script);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_tables_are_rows_or_errors() {
    run("damaged_tables.py", &[number("RUTTER_TEST_MUTATIONS").unwrap_or(20).to_string()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_cells_are_read_within_the_limits() {
    run("large_tables.py", &["cells".to_owned(), "250".to_owned(), table_rows().to_string()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_rows_are_read_within_the_limits() {
    run("large_tables.py", &["tiny".to_owned(), (table_rows() * 200).to_string()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_of_a_table_are_read_and_compared() {
    run("large_tables.py", &["revisions".to_owned(), table_rows().to_string()]).await;
}
