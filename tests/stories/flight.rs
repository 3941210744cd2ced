//! Arrow Flight and Flight SQL, as `pyarrow`, ADBC and polars use them, and behind nginx.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_flight::error::FlightError;
use arrow_flight::{FlightClient, FlightDescriptor};
use futures::TryStreamExt as _;
use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Reply, Server, assert_success, environment, free_port, story};
use tonic::Code;
use tonic::transport::Endpoint;

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

/// An nginx that forwards Flight to a server. It ends when dropped.
struct Proxy {
    child: Child,
    url: String,
}

impl Proxy {
    /// Starts it with the location of an example in `deploy/`.
    fn start(program: &str, example: &str, server: &Server) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(here.join("deploy").join(example)).unwrap();
        let begin = text.find("location /arrow.flight.").unwrap();
        let end = begin + text[begin..].find('}').unwrap();
        let (location, port) = (&text[begin..=end], free_port());
        let folder = server.folder.path().join("nginx");
        std::fs::create_dir_all(&folder).unwrap();
        let below = |name: &str| folder.join(name).display().to_string();
        let places: Vec<_> = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {};", below(name)))
            .collect();
        let configuration = format!(
            "daemon off; master_process off; pid {}; error_log stderr; events {{}}
            http {{
                access_log off; {}
                upstream rutter_grpc {{ server {}; keepalive 8; }}
                server {{ listen 127.0.0.1:{port} http2; {location} }}
            }}",
            below("pid"),
            places.join(" "),
            server.url.trim_start_matches("http://"),
        );
        std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder).arg("-c").arg(folder.join("nginx.conf")).stdin(Stdio::null());
        Self { child: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}") }
    }

    /// Returns a client, once it listens.
    async fn client(&self) -> FlightClient {
        let endpoint = Endpoint::from_shared(self.url.clone()).unwrap();
        for _ in 0..100 {
            if let Ok(channel) = endpoint.connect().await {
                return FlightClient::new(channel);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nginx does not listen");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

story! {
    on(sqlite) async fn flight_passes_nginx(engine: Engine) {
        let Some(program) = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists()) else {
            assert!(environment("CI").is_none(), "CI must test the proxy: it needs nginx-light");
            eprintln!("skipped: nginx is not installed");
            return;
        };
        let server = Server::start(engine).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let request = server.request("PUT", "/api/v1/drive/ada/data/files/t.csv", Some(&ada.token));
        assert_eq!(Reply::of(request.body("id\n1\n2\n")).await.status, 201);
        for example in ["proxy/nginx.conf", "compose/nginx.conf"] {
            let proxy = Proxy::start(program, example, &server);
            let mut client = proxy.client().await;
            let path = FlightDescriptor::new_path(vec!["ada/data".to_owned(), "t.csv".to_owned()]);
            // The reason is in a trailer, which arrives as well.
            let Err(FlightError::Tonic(refused)) = client.get_flight_info(path.clone()).await else { panic!("{example}") };
            assert!(refused.code() == Code::Unauthenticated && !refused.message().is_empty(), "{example}: {refused}");
            client.add_header("authorization", &format!("Bearer {}", ada.token)).unwrap();
            let info = client.get_flight_info(path).await.unwrap();
            let ticket = info.endpoint.into_iter().next().unwrap().ticket.unwrap();
            let rows: Vec<_> = client.do_get(ticket).await.unwrap().try_collect().await.unwrap();
            assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2, "{example}");
        }
    }
}
