//! The firewall of `deploy/apps.nft`, with neighbours in a network namespace of their own: a host of the local network, the
//! metadata service of clouds, and a host of the internet.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::fixture::{Fixture, get, get_within, random, variable};
use crate::apps::backend::Egress;

const RULES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/apps.nft"));

/// Addresses of the neighbours.
const LOCAL: &str = "192.168.77.2";
const METADATA: &str = "169.254.169.254";
const INTERNET: &str = "203.0.113.1";

/// Runs a command for each line, which must succeed.
async fn all(lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let done = Command::new(words.next().unwrap()).args(words).output().await.unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Starts the neighbours. They end with the networks of `scripts/docker.sh`, which are private.
async fn neighbours(name: &str) -> Child {
    all(&format!(
        "ip netns add {name}
         ip link add {name} type veth peer name lan netns {name}
         ip address add 192.168.77.1/24 dev {name}
         ip link set {name} up
         ip -n {name} link set lo up
         ip -n {name} link set lan up
         ip -n {name} address add {LOCAL}/24 dev lan
         ip -n {name} address add {METADATA}/32 dev lo
         ip -n {name} address add {INTERNET}/32 dev lo
         ip route add {METADATA}/32 via {LOCAL}
         ip route add {INTERNET}/32 via {LOCAL}"
    ))
    .await;
    let mut probe = Command::new("ip");
    probe.args(["netns", "exec", name]).arg(variable("RUTTER_TEST_PROBE")).env("PORT", "8000").kill_on_drop(true);
    probe.spawn().unwrap()
}

/// The firewall, for one bridge alone, because other tests run at the same time.
pub(super) struct Firewall(String);

impl Firewall {
    pub(super) async fn load(bridge: &str) -> Self {
        let table = format!("rutter_{}", random());
        let rules = RULES.replace("rtr-*", bridge).replace("rutter_apps", &table);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apps.nft");
        tokio::fs::write(&file, rules).await.unwrap();
        // Loading it again replaces it.
        let load = format!("nft -f {}", file.display());
        all(&format!("{load}\n{load}")).await;
        Self(table)
    }

    pub(super) async fn remove(self) {
        all(&format!("nft delete table inet {}", self.0)).await;
    }
}

/// Returns true if the app can connect.
async fn is_open(endpoint: &str, host: &str, port: u16) -> bool {
    let path = format!("/connect?host={host}&port={port}");
    get_within(Duration::from_secs(10), endpoint, &path).await.unwrap() == "open\n"
}

/// Returns the bridge of an install, and the address of this server there.
pub(super) async fn bridge(fixture: &Fixture) -> (String, String) {
    let network = fixture.api.inspect_network(&fixture.name(), None).await.unwrap();
    let gateway = network.ipam.unwrap().config.unwrap()[0].gateway.clone().unwrap();
    (network.options.unwrap()["com.docker.network.bridge.name"].clone(), gateway)
}

#[tokio::test]
#[ignore = "needs a container engine, and private networks: run it in scripts/docker.sh"]
async fn the_firewall_leaves_rutter_and_the_internet() {
    let name = format!("n{}", &random()[..8]);
    let _neighbours = neighbours(&name).await;
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    // Another address of this host.
    let _host = TcpListener::bind(("192.168.77.1", 8000)).await.unwrap();
    for (run, egress) in [(1, Egress::Internet), (2, Egress::Server)] {
        (plan.run, plan.egress) = (run, egress);
        let endpoint = fixture.run(&plan).await;
        let (bridge, gateway) = bridge(&fixture).await;
        let _rutter = TcpListener::bind((gateway.as_str(), 8081)).await.unwrap();
        let _other = TcpListener::bind((gateway.as_str(), 8082)).await.unwrap();
        let mut open = vec![("rutter", 8081)];
        let mut closed = vec![(gateway.as_str(), 8082), ("192.168.77.1", 8000)];
        // An internal network has no way out of this host, with or without the firewall.
        if egress == Egress::Internet {
            open.push((INTERNET, 8000));
            closed.extend([(LOCAL, 8000), (METADATA, 8000)]);
        } else {
            for host in [INTERNET, LOCAL, METADATA] {
                assert!(!is_open(&endpoint, host, 8000).await, "{host}");
            }
        }
        for (host, port) in closed.iter().chain(&open) {
            assert!(is_open(&endpoint, host, *port).await, "{host}:{port}");
        }
        let firewall = Firewall::load(&bridge).await;
        for (host, port) in &closed {
            assert!(!is_open(&endpoint, host, *port).await, "{host}:{port}");
        }
        for (host, port) in &open {
            assert!(is_open(&endpoint, host, *port).await, "{host}:{port}");
        }
        // This server reaches the app.
        assert_eq!(get(&endpoint, "/healthz").await.unwrap(), "ok\n");
        firewall.remove().await;
        for (host, port) in &closed {
            assert!(is_open(&endpoint, host, *port).await, "{host}:{port}");
        }
    }
    fixture.clean().await;
    all(&format!("ip link delete {name}\nip netns delete {name}")).await;
}
