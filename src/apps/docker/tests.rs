//! Tests on a real engine: `scripts/docker.sh cargo nextest run -E 'test(apps::docker)' --run-ignored all`.

mod confinement;
mod firewall;
mod fixture;

use std::time::Duration;

use bollard::models::{ContainerCreateBody, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{CreateContainerOptions, ListContainersOptions, RemoveImageOptions};
use futures::StreamExt as _;

use self::fixture::{Fixture, get, random, with};
use super::{Docker, DockerSettings, Site, Step};
use crate::apps::backend::{Backend as _, Egress, LogQuery, Phase, Plan, Target};
use crate::error::Kind;

#[tokio::test]
#[ignore = "needs a container engine"]
async fn an_app_is_started_observed_and_stopped() {
    let fixture = Fixture::new();
    let mut plan = with(fixture.plan().await, "COLOUR", "green");
    let endpoint = fixture.run(&plan).await;
    assert!(get(&endpoint, "/env").await.unwrap().contains("\"COLOUR\": \"green\""));
    let running = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!((running.run, running.phase, running.endpoint.as_ref()), (1, Phase::Running, Some(&endpoint)));
    assert_eq!(fixture.observed().await, Some(running.clone()));
    plan.image_id = running.image_id;
    assert!(plan.image_id.as_ref().unwrap().starts_with("sha256:"));
    fixture.run(&plan).await;

    assert!(fixture.log().await.contains("probe: listens on 8000\n"));
    let mut follow = fixture.docker.logs(fixture.install, LogQuery { tail: 0, follow: true }).await.unwrap();
    // The stream begins when it is read.
    let next = tokio::spawn(async move { (follow.next().await, follow) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    get(&endpoint, "/log?line=a+new+line").await.unwrap();
    let (line, mut follow) = tokio::time::timeout(Duration::from_secs(5), next).await.unwrap().unwrap();
    assert_eq!(line.unwrap().unwrap(), "a new line\n");

    plan.wanted = Target::Stopped;
    let stopped = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!((stopped.phase, stopped.run, stopped.endpoint), (Phase::Absent, 0, None));
    assert!(stopped.last_log.unwrap().contains("a new line\n"));
    assert!(tokio::time::timeout(Duration::from_secs(5), follow.next()).await.unwrap().is_none());
    assert_eq!(fixture.observed().await, None);
    assert!(fixture.api.inspect_network(&fixture.name(), None).await.is_err());
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().last_log, None);
    let missing = fixture.docker.logs(fixture.install, LogQuery { tail: 1, follow: false }).await.err().unwrap();
    assert_eq!(missing.kind(), Kind::NotFound);
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn servers_that_start_one_app_at_once_make_one_container() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    plan.volume = Some(fixture.volume());
    let replicas: Vec<_> = (0..6).map(|_| fixture.replica()).collect();
    for run in 1..=3 {
        // Later ones replace the container of the run before.
        plan.run = run;
        let all = replicas.iter().map(|replica| replica.apply(&plan));
        for observed in futures::future::join_all(all).await {
            let observed = observed.unwrap();
            assert_eq!((observed.run, observed.phase), (run, Phase::Running), "{observed:?}");
        }
        let filters = Some([("label".to_owned(), vec![format!("rutter.site={}", fixture.site)])].into());
        let options = ListContainersOptions { all: true, filters: filters.clone(), ..ListContainersOptions::default() };
        assert_eq!(fixture.api.list_containers(Some(options)).await.unwrap().len(), 1);
        let options = bollard::query_parameters::ListNetworksOptions { filters };
        assert_eq!(fixture.api.list_networks(Some(options)).await.unwrap().len(), 1);
    }
    plan.wanted = Target::Stopped;
    for observed in futures::future::join_all(replicas.iter().map(|replica| replica.apply(&plan))).await {
        assert_eq!(observed.unwrap().phase, Phase::Absent);
    }
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn a_later_run_replaces_an_earlier_one_and_is_left_alone() {
    let fixture = Fixture::new();
    let first = fixture.plan().await;
    let endpoint = fixture.run(&first).await;
    get(&endpoint, "/log?line=of+the+first").await.unwrap();
    let mut second = first.clone();
    second.run = 2;
    let observed = fixture.docker.apply(&second).await.unwrap();
    assert_eq!((observed.run, observed.phase), (2, Phase::Running));
    assert!(observed.last_log.unwrap().contains("of the first\n"));
    let id = fixture.api.inspect_container(&fixture.name(), None).await.unwrap().id;
    for wanted in [Target::Running, Target::Paused, Target::Stopped] {
        let late = Plan { wanted, ..first.clone() };
        let observed = fixture.docker.apply(&late).await.unwrap();
        assert_eq!((observed.run, observed.phase), (2, Phase::Running), "{wanted:?}");
    }
    assert_eq!(fixture.api.inspect_container(&fixture.name(), None).await.unwrap().id, id);
    // Without egress, the next run needs another network.
    let mut third = first.clone();
    (third.run, third.egress) = (3, Egress::Internet);
    fixture.run(&third).await;
    assert_eq!(fixture.api.inspect_network(&fixture.name(), None).await.unwrap().internal, Some(false));
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn an_app_that_ends_says_why() {
    let fixture = Fixture::new();
    let plan = with(fixture.plan().await, "PROBE_EXIT", "3");
    let exited = fixture.reach(&plan, Phase::Exited).await;
    assert_eq!(exited.reason, "the app has ended with exit code 3");
    let log = exited.last_log.unwrap();
    assert!(log.contains("probe: listens on 8000\n") && log.contains("probe: ends with 3\n"), "{log}");
    let observed = fixture.observed().await.unwrap();
    assert_eq!((observed.phase, observed.endpoint, observed.reason), (Phase::Exited, None, exited.reason));

    let mut plan = with(fixture.plan().await, "PROBE_MEMORY", "100");
    (plan.run, plan.limits.memory_mb) = (2, 32);
    let exited = fixture.reach(&plan, Phase::Exited).await;
    assert_eq!(exited.reason, "out of memory: the limit is 32 MB");
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn a_paused_app_does_not_answer_until_it_is_resumed() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    let paused = |plan: &Plan| Plan { wanted: Target::Paused, ..plan.clone() };
    assert_eq!(fixture.docker.apply(&paused(&plan)).await.unwrap().phase, Phase::Absent);
    let endpoint = fixture.run(&plan).await;
    for _ in 0..2 {
        let observed = fixture.docker.apply(&paused(&plan)).await.unwrap();
        assert_eq!((observed.phase, observed.endpoint.as_ref()), (Phase::Paused, Some(&endpoint)));
        assert_eq!(fixture.observed().await, Some(observed));
    }
    assert_eq!(get(&endpoint, "/healthz").await, None);
    let begin = std::time::Instant::now();
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().phase, Phase::Running);
    assert_eq!(get(&endpoint, "/healthz").await.unwrap(), "ok\n");
    assert!(begin.elapsed() < Duration::from_secs(1));
    fixture.docker.apply(&paused(&plan)).await.unwrap();
    plan.wanted = Target::Stopped;
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().phase, Phase::Absent);
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn a_start_that_was_interrupted_is_finished_or_undone() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    plan.volume = Some(fixture.volume());
    let connection = fixture.docker.engine.connect().await.unwrap();
    let create = async || assert!(matches!(fixture.docker.create(&connection, &plan).await.unwrap(), Step::Again));

    // Created, but not started.
    create().await;
    let observed = fixture.observed().await.unwrap();
    assert_eq!((observed.run, observed.phase, observed.endpoint), (1, Phase::Pending, None));
    let paused = Plan { wanted: Target::Paused, ..plan.clone() };
    assert_eq!(fixture.docker.apply(&paused).await.unwrap().phase, Phase::Absent);
    assert_eq!(fixture.observed().await, None);
    create().await;
    fixture.run(&plan).await;
    fixture.docker.remove(fixture.install).await.unwrap();

    // Its network is gone, and others have taken its addresses: the container still has the old one of this server.
    create().await;
    fixture.api.remove_network(&fixture.name()).await.unwrap();
    let other = NetworkCreateRequest { name: random(), ..NetworkCreateRequest::default() };
    fixture.api.create_network(other.clone()).await.unwrap();
    let endpoint = fixture.run(&plan).await;
    let (_, gateway) = firewall::bridge(&fixture).await;
    let hosts = get(&endpoint, "/read?path=/etc/hosts").await.unwrap();
    assert!(hosts.contains(&format!("{gateway}\trutter\n")), "{gateway}: {hosts}");
    fixture.docker.remove(fixture.install).await.unwrap();
    fixture.api.remove_network(&other.name).await.unwrap();

    // The container that sets the owner of the volume, and the network.
    let site = Site::new(&fixture.site);
    let body = site.owner(&plan, plan.volume.as_ref().unwrap());
    for finished in [true, false] {
        fixture.api.create_container(None::<CreateContainerOptions>, body.clone()).await.unwrap();
        fixture.api.create_network(site.network(&plan)).await.unwrap();
        let observed = fixture.observed().await.unwrap();
        assert_eq!((observed.run, observed.phase), (0, Phase::Absent));
        if finished {
            fixture.run(&plan).await;
        }
        fixture.docker.remove(fixture.install).await.unwrap();
        assert_eq!(fixture.observed().await, None);
    }
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn only_the_pinned_image_runs() {
    let fixture = Fixture::new();
    let repository = format!("moved-{}", fixture.site);
    let tag = fixture.push(&repository, "VERSION=one").await.parse().unwrap();
    let first = fixture.docker.resolve(&tag).await.unwrap().digest;
    fixture.push(&repository, "VERSION=two").await;
    let second = fixture.docker.resolve(&tag).await.unwrap().digest;
    assert_ne!(first, second);
    let pinned = tag.pinned(&first).parse().unwrap();
    assert_eq!(fixture.docker.resolve(&pinned).await.unwrap().digest, first);

    // Nothing of it is here: it is downloaded.
    for digest in [&first, &second] {
        let options = RemoveImageOptions { force: true, ..RemoveImageOptions::default() };
        fixture.api.remove_image(&tag.pinned(digest), Some(options), None).await.unwrap();
    }
    let mut plan = fixture.plan().await;
    plan.image = tag.pinned(&first);
    let observed = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!((observed.phase, observed.run), (Phase::Pending, 0));
    let endpoint = fixture.run(&plan).await;
    assert!(get(&endpoint, "/env").await.unwrap().contains("\"VERSION\": \"one\""));

    let one = fixture.docker.apply(&plan).await.unwrap().image_id;
    (plan.run, plan.image_id) = (2, Some(format!("sha256:{}", "0".repeat(64))));
    let failed = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!(failed.phase, Phase::Failed);
    assert!(failed.reason.contains("is not the one that was installed"), "{}", failed.reason);
    assert!(fixture.api.inspect_container(&fixture.name(), None).await.is_err());
    plan.image_id = one;
    fixture.run(&plan).await;

    plan.run = 3;
    plan.image = tag.pinned(&format!("sha256:{}", "1".repeat(64)));
    let failed = fixture.reach(&plan, Phase::Failed).await;
    assert!(failed.reason.contains(&plan.image), "{}", failed.reason);
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn images_that_do_not_exist_differ_from_registries_that_do_not_answer() {
    let fixture = Fixture::new();
    let registry = &fixture.registry;
    for image in [format!("{registry}/probe:none"), format!("{registry}/none:1")] {
        let error = fixture.docker.resolve(&image.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound, "{image}");
        assert!(error.detail().contains(&image), "{}", error.detail());
    }
    let error = fixture.docker.resolve(&"127.0.0.1:1/probe:1".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    let mut plan = fixture.plan().await;
    plan.image = format!("127.0.0.1:1/probe@sha256:{}", "1".repeat(64));
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().phase, Phase::Pending);
    let begin = std::time::Instant::now();
    let error = loop {
        match fixture.docker.apply(&plan).await {
            Ok(observed) => assert_eq!(observed.phase, Phase::Pending),
            Err(error) => break error,
        }
        assert!(begin.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(error.kind(), Kind::Unavailable);
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn what_belongs_to_others_is_left_alone() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    plan.volume = Some(fixture.volume());
    let name = fixture.name();

    // The same names, without our label, or with that of another site or install.
    let labels = [("rutter.install".to_owned(), fixture.install.to_string()), ("rutter.site".to_owned(), random())];
    let body = ContainerCreateBody {
        image: Some(plan.image.clone()),
        labels: Some(labels.into()),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
    let id = fixture.api.create_container(Some(options), body).await.unwrap().id;
    for wanted in [Target::Running, Target::Paused, Target::Stopped] {
        plan.wanted = wanted;
        let failed = fixture.docker.apply(&plan).await.unwrap();
        assert_eq!(failed.phase, Phase::Failed, "{wanted:?}");
        assert!(failed.reason.contains("does not belong to this server"), "{}", failed.reason);
    }
    plan.wanted = Target::Running;
    fixture.docker.remove(fixture.install).await.unwrap();
    let error = fixture.docker.logs(fixture.install, LogQuery { tail: 1, follow: false }).await.err().unwrap();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(fixture.observed().await, None);
    fixture.api.remove_container(&id, None).await.expect("it is still there");

    let volume = plan.volume.as_ref().unwrap().name.clone();
    let request = VolumeCreateRequest { name: Some(volume.clone()), ..VolumeCreateRequest::default() };
    fixture.api.create_volume(request).await.unwrap();
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().phase, Phase::Failed);
    assert_eq!(fixture.docker.remove_volume(&volume).await.unwrap_err().kind(), Kind::Conflict);
    fixture.docker.remove(fixture.install).await.unwrap();
    let none = None::<bollard::query_parameters::RemoveVolumeOptions>;
    fixture.api.remove_volume(&volume, none).await.expect("it is still there");

    let request = NetworkCreateRequest { name: name.clone(), ..NetworkCreateRequest::default() };
    fixture.api.create_network(request).await.unwrap();
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().phase, Phase::Failed);
    fixture.docker.remove(fixture.install).await.unwrap();
    fixture.api.remove_network(&name).await.expect("it is still there");
    for name in ["../containers/x", "", "a/b"] {
        assert_eq!(fixture.docker.remove_volume(name).await.unwrap_err().kind(), Kind::Invalid);
    }
    fixture.run(&plan).await;
    fixture.clean().await;
}

#[tokio::test]
#[ignore = "needs a container engine"]
async fn an_app_that_cannot_be_started_fails_without_its_secrets() {
    let fixture = Fixture::new();
    let mut plan = fixture.plan().await;
    plan.user = 0;
    assert_eq!(fixture.docker.apply(&plan).await.unwrap().phase, Phase::Failed);
    let plan = with(fixture.plan().await, "A=B", "very secret");
    let failed = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!((failed.phase, &*failed.reason), (Phase::Failed, "the environment variable `A` is invalid"));
    // Too little for the engine.
    let mut plan = fixture.plan().await;
    plan.limits.memory_mb = 1;
    let failed = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!(failed.phase, Phase::Failed);
    assert!(failed.reason.to_lowercase().contains("memory"), "{}", failed.reason);
    // What the engine says is not passed on if it repeats a variable.
    let mut plan = with(plan, "WORD", "Minimum memory limit");
    plan.environment.push(("OTHER".to_owned(), crate::types::Secret::new("x".to_owned())));
    let failed = fixture.docker.apply(&plan).await.unwrap();
    assert_eq!(failed.reason, "the container engine refuses the container");
    fixture.clean().await;
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let settings = DockerSettings { socket: Some(folder.path().join("socket")), join: None };
    let docker = Docker::new(&settings, "site").unwrap();
    assert_eq!(docker.observe().await.unwrap_err().kind(), Kind::Unavailable);
    for join in ["", "a/b", "-a"] {
        let settings = DockerSettings { socket: None, join: Some(join.to_owned()) };
        assert_eq!(Docker::new(&settings, "site").err().unwrap().kind(), Kind::Invalid);
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let docker = Docker::new(&DockerSettings { socket: Some(socket), join: None }, "site").unwrap();
    assert_eq!(docker.observe().await.unwrap_err().kind(), Kind::Unavailable);
    drop(listener);
}
