//! Arrow Flight and Flight SQL, as `pyarrow`, ADBC and polars use them.

use std::path::Path;
use std::process::Command;

use rutter::config::Rates;
use rutter_testing::{Server, assert_success, story};

use crate::pypi::python;

/// The newest clients, and the oldest that is supported.
const NEW: [&str; 5] = [
    "adbc-driver-flightsql==1.13.0",
    "adbc-driver-manager==1.13.0",
    "polars==2.1.0",
    "pyarrow==26.0.1",
    "requests==2.34.2",
];
const OLD: [&str; 3] = ["pyarrow==16.1.0", "numpy<2", "requests==2.34.2"];

story! {
    on(sqlite) async fn clients_of_flight_read_tables(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let clients = [
            (&NEW[..], "import adbc_driver_flightsql, polars, pyarrow.flight, requests", "new"),
            (&OLD[..], "import pyarrow.flight, requests", "old"),
        ];
        for (packages, probe, name) in clients {
            let Some(python) = python(packages, probe) else { continue };
            let place = server.empty_folder(name);
            let mut command = Command::new(&python);
            command.env_clear().current_dir(&place.folder).arg(here.join("tests/stories/flight.py"));
            for (name, value) in [
                ("SERVER", server.url.as_str()),
                ("TOKEN", &ada.token),
                ("OTHER_TOKEN", &ben.token),
                ("CLIENT", name),
                ("FIXTURES", here.join("fixtures/datasets").to_str().unwrap()),
                ("HOME", place.folder.to_str().unwrap()),
                ("no_proxy", "127.0.0.1"),
            ] {
                command.env(name, value);
            }
            assert_success(&command.output().unwrap(), name);
        }
    }
}
