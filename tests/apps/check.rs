//! `rutter app check`, which tries from inside of containers what apps reach.

use std::collections::HashMap;
use std::process::{Command, Output};

use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptions, ListImagesOptions, ListNetworksOptions, RemoveContainerOptions,
};
use rutter_testing::{Engine, Installation, eventually, free_port};
use tokio::net::TcpListener;

use crate::confinement::{all, load_rules};
use crate::containers::{Site, image, random, variable};
use crate::processes::Servers;
use crate::story;

/// The metadata service of clouds.
const METADATA: &str = "169.254.169.254";

/// Something that is undone when the test ends, because other tests use the same network.
struct Undo(String);

impl Drop for Undo {
    fn drop(&mut self) {
        let mut words = self.0.split_whitespace();
        _ = Command::new(words.next().unwrap()).args(words).status();
    }
}

/// Loads `deploy/apps.nft` as it is, but for the port.
async fn load_firewall(port: u16) -> Undo {
    let table = format!("rutter_{}", random());
    load_rules(|rules| {
        rules
            .replace("rutter_apps", &table)
            .replace("define rutter_port = 8081", &format!("define rutter_port = {port}"))
    })
    .await;
    Undo(format!("nft delete table inet {table}"))
}

/// What is wrong, by the check: the lines that begin with `FAIL`; and the number of those with `ok`.
fn outcome(output: &Output) -> (Option<i32>, Vec<String>, usize) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let failures = text.lines().filter_map(|line| line.strip_prefix("FAIL  ")).map(str::to_owned).collect();
    let passed = text.lines().filter(|line| line.starts_with("ok    ")).count();
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), failures, passed)
}

/// The number of containers, networks and images that checks of this site have.
async fn left(site: &Site) -> usize {
    let filter = || HashMap::from([("label".to_owned(), vec![format!("rutter.site=check-{}", site.name)])]);
    let options = ListContainersOptions { all: true, filters: Some(filter()), ..ListContainersOptions::default() };
    let containers = site.api.list_containers(Some(options)).await.unwrap().len();
    let options = ListNetworksOptions { filters: Some(filter()) };
    let networks = site.api.list_networks(Some(options)).await.unwrap().len();
    let options = ListImagesOptions { all: true, filters: Some(filter()), ..ListImagesOptions::default() };
    containers + networks + site.api.list_images(Some(options)).await.unwrap().len()
}

story! {
    /// Rule 35. With a server that runs, and apps that may reach the internet.
    async fn the_check_shows_whether_the_firewall_is_loaded() {
        let port = free_port();
        let listen = format!("0.0.0.0:{port}");
        let more = [("RUTTER_APPS__LISTEN", listen.as_str()), ("RUTTER_APPS__EGRESS", "internet")];
        let servers = Servers::start(Engine::Sqlite, 1, &image("probe:1"), &more).await;
        all(&format!("ip address add {METADATA}/32 dev lo")).await;
        let _address = Undo(format!("ip address del {METADATA}/32 dev lo"));
        let _metadata = TcpListener::bind((METADATA, 80)).await.unwrap();
        let check = || servers.installation.rutter(&["app", "check"]);

        let (code, failures, passed) = outcome(&check());
        assert_eq!((code, failures.len(), passed), (Some(1), 4, 5), "{failures:?}");
        for (at, failure) in failures.iter().enumerate() {
            let what = ["other ports of the host", "the metadata service of clouds"][at % 2];
            let egress = ["server", "internet"][at / 2];
            let begin = format!("an app does not reach {what}, with egress = \"{egress}\": connected to ");
            assert!(failure.starts_with(&begin) && failure.contains("load the firewall deploy/apps.nft"), "{failure}");
        }
        assert_eq!(left(&servers.site).await, 0);

        let firewall = load_firewall(port).await;
        assert_eq!(outcome(&check()), (Some(0), Vec::new(), 9));
        drop(firewall);
        // The port of rutter is not open.
        let _firewall = load_firewall(free_port()).await;
        let (code, failures, _) = outcome(&check());
        assert_eq!((code, failures.len()), (Some(1), 2), "{failures:?}");
        assert!(failures.iter().all(|failure| failure.starts_with("an app reaches rutter")), "{failures:?}");
        assert_eq!(left(&servers.site).await, 0);
    }
}

story! {
    /// Without a server: on the host, and for a server that will be in a container.
    async fn the_check_needs_no_server_and_leaves_nothing() {
        let secret = hex::encode(rutter::clock::random::<32>());
        let site = Site::new(&secret).await;
        let (port, name) = (free_port(), format!("server-{}", random()));
        let installation = |listen: &str, join: Option<&str>| {
            let own = [
                ("RUTTER_SECRET", secret.as_str()),
                ("RUTTER_PUBLIC_URL", "http://127.0.0.1:1"),
                ("RUTTER_APPS__URL", "http://apps.localhost:1"),
                ("RUTTER_APPS__BACKEND", "docker"),
                ("RUTTER_APPS__LISTEN", listen),
                ("RUTTER_APPS__DOCKER__SOCKET", &variable("RUTTER_TEST_DOCKER")),
            ];
            let join = join.map(|join| ("RUTTER_APPS__DOCKER__JOIN", join));
            let all = own.into_iter().chain(join);
            Installation::with_environment(all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        };
        let host = installation(&format!("0.0.0.0:{port}"), None);
        let firewall = load_firewall(port).await;
        assert_eq!(outcome(&host.rutter(&["app", "check"])), (Some(0), Vec::new(), 5));
        // At an address that containers do not reach.
        let local = installation(&format!("127.0.0.1:{port}"), None);
        let (code, failures, _) = outcome(&local.rutter(&["app", "check"]));
        assert_eq!((code, failures.len()), (Some(1), 1), "{failures:?}");
        assert!(failures[0].contains("set `apps.listen`"), "{failures:?}");
        drop(firewall);

        // Interrupted, it removes what it has created; killed, the next one does.
        for (signal, remains) in [("-INT", false), ("-TERM", false), ("-KILL", true)] {
            let mut check = host.spawn(&["app", "check"]);
            eventually("something is created", async || left(&site).await > 1).await;
            assert!(Command::new("kill").args([signal, &check.id().to_string()]).status().unwrap().success());
            assert!(!check.wait().unwrap().success(), "{signal}");
            assert_eq!(left(&site).await > 0, remains, "{signal}");
        }
        assert_eq!(host.rutter(&["app", "check"]).status.code(), Some(1));
        assert_eq!(left(&site).await, 0);

        // The probe, in place of a server in a container.
        let home = NetworkCreateRequest { name: name.clone(), internal: Some(true), ..NetworkCreateRequest::default() };
        site.api.create_network(home).await.unwrap();
        let body = ContainerCreateBody {
            image: Some(image("probe:1")),
            host_config: Some(HostConfig { network_mode: Some(name.clone()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
        site.api.create_container(Some(options), body).await.unwrap();
        site.api.start_container(&name, None).await.unwrap();
        let joined = installation("0.0.0.0:8000", Some(&name));
        let (code, failures, passed) = outcome(&joined.rutter(&["app", "check"]));
        assert_eq!((code, failures.len(), passed), (Some(1), 1, 4), "{failures:?}");
        assert!(failures[0].contains("other ports of the host"), "{failures:?}");
        let _firewall = load_firewall(8081).await;
        assert_eq!(outcome(&joined.rutter(&["app", "check"])), (Some(0), Vec::new(), 5));
        let options = RemoveContainerOptions { force: true, v: true, link: false };
        site.api.remove_container(&name, Some(options)).await.unwrap();
        site.api.remove_network(&name).await.unwrap();
        assert_eq!(left(&site).await, 0);
        // Without the engine, it says so.
        let output = Command::new(rutter_testing::program())
            .args(["--data".as_ref(), host.data().as_os_str(), "app".as_ref(), "check".as_ref()])
            .env_clear()
            .envs([("RUTTER_SECRET", secret.as_str()), ("RUTTER_PUBLIC_URL", "http://127.0.0.1:1")])
            .envs([("RUTTER_APPS__URL", "http://apps.localhost:1"), ("RUTTER_APPS__BACKEND", "docker")])
            .env("RUTTER_APPS__DOCKER__SOCKET", "/nowhere")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stdout).contains("the container engine is unavailable"));
    }
}
