//! What an app cannot do, what it keeps, and whom it reaches.

use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest};
use bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::firewall::{Firewall, bridge};
use super::fixture::{Fixture, USER, get, with};
use crate::apps::backend::{Backend as _, Egress, Phase, Target};
use crate::error::Kind;

#[tokio::test]
#[ignore = "needs a container engine"]
async fn an_app_has_no_privileges() {
    let fixture = Fixture::new();
    let mut plan = with(fixture.plan().await, "PASSWORD", "very secret");
    plan.volume = Some(fixture.volume());
    let endpoint = fixture.run(&plan).await;
    let id = get(&endpoint, "/id").await.unwrap();
    let field = |name: &str| {
        let value = id.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let user = USER.to_string();
    assert!(field("Uid:").iter().chain(&field("Gid:")).chain(&field("Groups:")).all(|id| *id == user), "{id}");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), (vec!["1".to_owned()], vec!["2".to_owned()]));

    // Mounts: `36 35 98:0 /root /point options … - type source options`
    let mounts = id.lines().filter(|line| line.contains(" - "));
    let mount = |point: &str| mounts.clone().find(|line| line.split(' ').nth(4) == Some(point)).unwrap();
    assert!(mount("/").contains(" / ro,"), "{id}");
    let temporary = mount("/tmp");
    assert!(temporary.contains(" - tmpfs ") && temporary.contains("size=32768k"), "{temporary}");
    assert!(!temporary.contains("noexec"), "{temporary}");
    assert!(!id.contains("docker.sock"));
    let write = async |path: &str| get(&endpoint, &format!("/write?path={path}&data=x")).await.unwrap();
    assert_eq!(write("/tmp/a").await, "written\n");
    for path in ["/a", "/etc/hosts", "/etc/resolv.conf", "/sys/fs/cgroup/a", "/proc/sys/kernel/hostname"] {
        assert!(write(path).await.starts_with("error: "), "{path}");
    }
    let forked = get(&endpoint, "/fork?n=100").await.unwrap();
    let count: u32 = forked.split(' ').next().unwrap().parse().unwrap();
    assert!((1..64).contains(&count), "{forked}");
    assert_eq!(get(&endpoint, "/healthz").await.unwrap(), "ok\n");

    let found = fixture.api.inspect_container(&fixture.name(), None).await.unwrap();
    let host = found.host_config.unwrap();
    assert_eq!((host.memory, host.memory_swap, host.pids_limit), (Some(64 << 20), Some(64 << 20), Some(64)));
    assert_eq!((host.nano_cpus, host.init, host.privileged), (Some(500_000_000), Some(true), Some(false)));
    assert!(host.port_bindings.is_none_or(|ports| ports.is_empty()) && host.binds.is_none());
    assert!(found.mounts.unwrap().iter().all(|mount| mount.typ.as_deref() == Some("volume")));
    // Other name servers would be asked by the engine, from the host's network.
    assert_eq!(host.dns, Some(vec!["127.0.0.1".to_owned()]));
    let labels = found.config.unwrap().labels.unwrap();
    assert!(labels.values().all(|value| !value.contains("secret")), "{labels:?}");
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn a_volume_belongs_to_the_app_and_is_kept() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    let volume = fixture.volume();
    plan.volume = Some(volume.clone());
    let endpoint = fixture.run(&plan).await;
    assert_eq!(get(&endpoint, "/write?path=/storage/data/a&data=kept").await.unwrap(), "written\n");
    assert_eq!(fixture.docker.remove_volume(&volume.name).await.unwrap_err().kind(), Kind::Conflict);

    // In the next run, and in one after a stop.
    plan.run = 2;
    let endpoint = fixture.run(&plan).await;
    assert_eq!(get(&endpoint, "/read?path=/storage/data/a").await.unwrap(), "kept");
    plan.wanted = Target::Stopped;
    fixture.docker.apply(&plan).await.unwrap();
    (plan.run, plan.wanted) = (3, Target::Running);
    let endpoint = fixture.run(&plan).await;
    assert_eq!(get(&endpoint, "/read?path=/storage/data/a").await.unwrap(), "kept");

    // An uninstalled app leaves its volume, which has the label of the site, until it is deleted.
    fixture.docker.remove(fixture.install).await.unwrap();
    assert_eq!(fixture.observed().await, None);
    let labels = fixture.api.inspect_volume(&volume.name).await.unwrap().labels;
    assert_eq!(labels["rutter.site"], fixture.site);
    fixture.docker.remove_volume(&volume.name).await.unwrap();
    assert!(fixture.api.inspect_volume(&volume.name).await.is_err());
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn an_app_reaches_this_server_by_name_and_no_other_app() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    let endpoint = fixture.run(&plan).await;
    let network = fixture.api.inspect_network(&fixture.name(), None).await.unwrap();
    let bridge = &network.options.unwrap()["com.docker.network.bridge.name"];
    assert!(bridge.starts_with("rtr-") && bridge.len() == 15, "{bridge}");
    assert_eq!((network.internal, network.enable_ipv6), (Some(true), Some(false)));
    let gateway = network.ipam.unwrap().config.unwrap()[0].gateway.clone().unwrap();
    let server = tokio::net::TcpListener::bind((gateway.as_str(), 0)).await.unwrap();
    let port = server.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = server.accept().await {
            // What is not read would reset the connection.
            _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nrutter").await.unwrap();
        }
    });
    let answer = get(&endpoint, &format!("/fetch?url=http://rutter:{port}/")).await.unwrap();
    assert!(answer.ends_with("rutter"), "{answer}");

    let other = Fixture::new();
    let other_endpoint = other.run(&other.plan().await).await;
    let (host, port) = other_endpoint.split_once(':').unwrap();
    let reached = get(&endpoint, &format!("/connect?host={host}&port={port}")).await;
    assert!(reached.as_ref().is_none_or(|answer| answer.starts_with("error: ")), "{reached:?}");
    other.clean().await;

    (plan.run, plan.egress) = (2, Egress::None);
    let endpoint = fixture.run(&plan).await;
    let answer = get(&endpoint, "/connect?host=rutter&port=80").await.unwrap();
    assert!(answer.contains("lookup"), "{answer}");
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn a_server_in_a_container_is_attached_to_the_networks() {
    let name = format!("server-{}", super::fixture::random());
    let fixture = Fixture::joined(Some(&name));
    let plan = fixture.plan().await;
    let home = NetworkCreateRequest { name: name.clone(), internal: Some(true), ..NetworkCreateRequest::default() };
    fixture.api.create_network(home).await.unwrap();
    let body = ContainerCreateBody {
        image: Some(plan.image.clone()),
        host_config: Some(HostConfig { network_mode: Some(name.clone()), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
    fixture.api.create_container(Some(options), body).await.unwrap();
    fixture.api.start_container(&name, None).await.unwrap();

    // This test is on the host, and reaches the app, too.
    let endpoint = fixture.run(&plan).await;
    let reaches = async || get(&endpoint, "/fetch?url=http://rutter:8000/healthz").await.unwrap().ends_with("ok\n");
    assert!(reaches().await);
    // The firewall is not in the way of traffic within a bridge, which it sees on many hosts.
    let firewall = Firewall::load(&bridge(&fixture).await.0).await;
    assert!(reaches().await);
    firewall.remove().await;
    assert_eq!(fixture.observed().await.unwrap().endpoint.as_ref(), Some(&endpoint));

    // A new container of this server is attached by the next `apply`.
    let request = bollard::models::NetworkDisconnectRequest { container: name.clone(), force: Some(true) };
    fixture.api.disconnect_network(&fixture.name(), request).await.unwrap();
    let observed = fixture.observed().await.unwrap();
    assert_eq!((observed.phase, observed.endpoint), (Phase::Running, None));
    fixture.docker.apply(&plan).await.unwrap();
    assert_eq!(fixture.observed().await.unwrap().endpoint, Some(endpoint));

    let mut plan = plan;
    (plan.run, plan.egress) = (2, Egress::None);
    let endpoint = fixture.run(&plan).await;
    let answer = get(&endpoint, "/connect?host=rutter&port=8000").await.unwrap();
    assert!(answer.contains("lookup"), "{answer}");
    fixture.clean().await;

    let networks =
        fixture.api.inspect_container(&name, None).await.unwrap().network_settings.unwrap().networks.unwrap();
    assert_eq!(networks.into_keys().collect::<Vec<_>>(), std::slice::from_ref(&name));
    let options = RemoveContainerOptions { force: true, v: true, link: false };
    fixture.api.remove_container(&name, Some(options)).await.unwrap();
    fixture.api.remove_network(&name).await.unwrap();
}
