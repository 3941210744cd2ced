//! What an app cannot do, and what becomes of one that tries.

use std::time::Duration;

use rutter_testing::Reply;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::containers::{image, random};
use crate::story;
use crate::world::{Visit, World};

story! {
    /// Rule 34.
    async fn an_app_has_no_privileges_and_writes_to_its_volume_alone() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        let id = world.get(&ada, "/id").await.text();
        let field = |name: &str| id.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        let ids = field("Uid:").split_whitespace().chain(field("Gid:").split_whitespace());
        assert!(ids.clone().count() == 8 && ids.clone().all(|id| id == "10001"), "{id}");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{set}");
        }
        assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1", "2"));
        let root = id.lines().find(|line| line.contains(" - ") && line.split(' ').nth(4) == Some("/")).unwrap();
        assert!(root.split(' ').nth(5).unwrap().starts_with("ro"), "{root}");
        assert!(!id.contains("docker.sock"), "{id}");
        let kernel = ["/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/fs/cgroup/memory.max"];
        for path in ["/a", "/etc/hosts"].into_iter().chain(kernel) {
            let reply = world.get(&ada, &format!("/write?path={path}&data=x")).await;
            assert_eq!(reply.status, 502, "{path}: {}", reply.text());
        }
        for path in ["/tmp/a", "/storage/a"] {
            assert_eq!(world.get(&ada, &format!("/write?path={path}&data=x")).await.text(), "written\n", "{path}");
        }
        let host = world.site.container(&ada.url).await.unwrap().host_config.unwrap();
        assert!(host.port_bindings.is_none_or(|ports| ports.is_empty()) && host.binds.is_none());
        assert_eq!((host.memory, host.memory_swap, host.pids_limit), (Some(64 << 20), Some(64 << 20), Some(32)));
    }
}

story! {
    async fn the_limits_of_the_operator_hold_whatever_a_manifest_says() {
        let world = World::start_with(|config| {
            (config.apps.memory_mb, config.apps.cpus, config.apps.pids) = (48, 0.25, 16);
            config.apps.egress = rutter::config::MaxEgress::Server;
        })
        .await;
        world.add("probe", &image("probe:1"), "egress = \"internet\"").await;
        let eve = world.visit("eve", "probe").await;
        let host = world.site.container(&eve.url).await.unwrap().host_config.unwrap();
        assert_eq!((host.memory, host.nano_cpus, host.pids_limit), (Some(48 << 20), Some(250_000_000), Some(16)));
        let shown = world.show(&eve.person, &eve.path).await;
        assert_eq!((&shown["limits"]["memory_mb"], &shown["limits"]["pids"]), (&48.into(), &16.into()));
        let network = host.network_mode.unwrap();
        assert_eq!(world.site.api.inspect_network(&network, None).await.unwrap().internal, Some(true));
    }
}

/// Takes more memory than there is, and has the server look. The app may be gone before it answers.
async fn explode(world: &World, visit: &Visit) {
    let bomb = world.get(visit, "/memory?mb=500").await;
    assert_eq!(bomb.status, 502, "{}", bomb.text());
    for _ in 0..100 {
        if world.site.status(&visit.url).await == "exited" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.server.app.apps.reconcile().await.unwrap();
}

story! {
    async fn a_memory_bomb_kills_the_app_alone_and_the_owner_sees_why() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        let bob = world.visit("bob", "probe").await;
        let why = "out of memory: the limit is 64 MB";
        for attempt in 1..=2 {
            assert_eq!(world.get(&ada, &format!("/log?line=attempt+{attempt}")).await.status, 200);
            explode(&world, &ada).await;
            rutter_testing::eventually("the reason is shown", async || {
                world.show(&ada.person, &ada.path).await["reason"] == why
            })
            .await;
            world.until(&ada.person, &ada.path, "running").await;
        }
        assert_eq!(world.get(&ada, "/log?line=the+last+words").await.status, 200);
        explode(&world, &ada).await;
        let failed = world.until(&ada.person, &ada.path, "failed").await;
        assert_eq!(failed["reason"], why);
        let log = world.log(&ada.person, &ada.path).await;
        assert!(log.contains("the last words\n") && !log.contains("attempt 2"), "{log}");
        assert_eq!(world.site.status(&ada.url).await, "none");
        // Visitors learn that it has failed, and that it stays so.
        let browser = world.at(&ada.host, "/").header("cookie", &ada.cookie).header("accept", "text/html");
        let page = Reply::of(browser).await;
        assert!(page.status == 503 && page.text().contains("could not be started"), "{}", page.text());
        assert_eq!(world.show(&ada.person, &ada.path).await["state"], "failed");
        // Its neighbour did not notice; and its owner can start it again.
        assert_eq!(world.get(&bob, "/healthz").await.text(), "ok\n");
        world.want(&ada.person, &ada.path, "running").await;
        assert_eq!(world.get(&ada, "/healthz").await.text(), "ok\n");
    }
}

story! {
    async fn a_fork_bomb_is_bounded() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        let forked = world.get(&ada, "/fork?n=200").await.text();
        let started: u32 = forked.split(' ').next().unwrap().parse().unwrap();
        assert!((1..32).contains(&started), "{forked}");
        assert_eq!(world.get(&ada, "/healthz").await.text(), "ok\n");
    }
}

/// Runs a command for each line, which must succeed.
pub(crate) async fn all(lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let done = Command::new(words.next().unwrap()).args(words).output().await.unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Loads `deploy/apps.nft` for these bridges alone, because other tests run at the same time.
pub(crate) async fn load_firewall(bridges: &[&str], port: u16) {
    let set = format!("{{ \"{}\" }}", bridges.join("\", \""));
    load_rules(|rules| {
        let rules = rules.replace("\"rtr-*\"", &set).replace("rutter_apps", &format!("rutter_{}", random()));
        let rules = rules.replace("define rutter_port = 8081", &format!("define rutter_port = {port}"));
        assert!(rules.contains(&set) && rules.contains(&port.to_string()));
        rules
    })
    .await;
}

/// Loads what becomes of `deploy/apps.nft`.
pub(crate) async fn load_rules(change: impl FnOnce(&str) -> String) {
    let rules = change(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/apps.nft")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apps.nft");
    std::fs::write(&file, rules).unwrap();
    all(&format!("nft -f {}", file.display())).await;
}

story! {
    /// Rule 35. The addresses end with the networks of `scripts/docker.sh`, which are private.
    async fn an_app_reaches_rutter_and_no_other_app_port_or_metadata_service() {
        // A metadata service of a cloud, and a service of the local network, both of this host.
        const METADATA: &str = "169.254.170.2";
        const LOCAL: &str = "192.168.78.1";
        let world = World::start_with(|config| config.apps.egress = rutter::config::MaxEgress::Internet).await;
        world.add("wide", &image("probe:1"), "egress = \"internet\"").await;
        world.add("alone", &image("probe:1"), "egress = \"none\"").await;
        all(&format!("ip address add {METADATA}/32 dev lo\nip address add {LOCAL}/32 dev lo")).await;
        let other = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let other = (other.local_addr().unwrap().port(), other);
        let (ada, eve) = (world.visit("ada", "probe").await, world.visit("eve", "wide").await);
        let (alone, victim) = (world.visit("bob", "alone").await, world.visit("vic", "probe").await);
        let pages: u16 = world.server.url.rsplit_once(':').unwrap().1.parse().unwrap();

        // Without the firewall, the host's ports are open: the test would see it.
        let (victims, victims_bridge) = world.site.network(&victim.url).await;
        assert!(world.reaches(&eve, METADATA, other.0).await && world.reaches(&eve, LOCAL, other.0).await);
        let mut bridges = Vec::new();
        for visit in [&ada, &eve, &alone] {
            bridges.push(world.site.network(&visit.url).await.1);
        }
        bridges.push(victims_bridge);
        load_firewall(&bridges.iter().map(String::as_str).collect::<Vec<_>>(), world.port).await;
        for visit in [&ada, &eve] {
            let (status, text) = world.call_inside(visit, "GET", "/healthz", &[], "").await;
            assert_eq!(status, 200, "{text}");
            let gateway = "rutter";
            for (host, port) in [
                (gateway, other.0),
                (gateway, pages),
                (gateway, 5000),
                (METADATA, other.0),
                (METADATA, 80),
                (LOCAL, other.0),
                (victims.as_str(), 8000),
                ("127.0.0.1", pages),
            ] {
                assert!(!world.reaches(visit, host, port).await, "{} reaches {host}:{port}", visit.path);
            }
        }
        // Without egress, not even by name.
        let reply = world.get(&alone, &format!("/connect?host=rutter&port={}", world.port)).await;
        assert!(reply.status == 502 && reply.text().contains("lookup"), "{}", reply.text());
        // The engine answers no questions for names of the internet.
        let reply = world.get(&ada, "/connect?host=example.org&port=80").await;
        assert!(reply.status == 502 && reply.text().contains("lookup"), "{}", reply.text());
        assert_eq!(world.get(&victim, "/healthz").await.text(), "ok\n");
    }
}
