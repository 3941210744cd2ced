//! What the tests of the engine share: a site of their own, and the probe of `tests/apps/probe` as their app.

use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CommitContainerOptions, CreateContainerOptions, PushImageOptions, TagImageOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::{Docker, DockerSettings};
use crate::apps::backend::{Backend as _, Egress, LogQuery, Observed, Phase, Plan, RunLimits, Target, VolumeMount};
use crate::clock;
use crate::types::{Id, Secret};

/// The user of the probe.
pub(super) const USER: u32 = 10_001;

/// Returns 16 random hexadecimal digits.
pub(super) fn random() -> String {
    hex::encode(clock::random::<8>())
}

#[expect(clippy::disallowed_methods, reason = "scripts/docker.sh passes its engine in the environment")]
pub(super) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test in scripts/docker.sh"))
}

/// A site with one install.
pub(super) struct Fixture {
    pub(super) docker: Docker,
    pub(super) api: bollard::Docker,
    pub(super) site: String,
    pub(super) install: Id,
    pub(super) registry: String,
    join: Option<String>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::joined(None)
    }

    pub(super) fn joined(join: Option<&str>) -> Self {
        let (site, join) = (random(), join.map(str::to_owned));
        let socket = variable("RUTTER_TEST_DOCKER");
        let api = bollard::Docker::connect_with_unix(&socket, 60, bollard::API_DEFAULT_VERSION).unwrap();
        let docker = open(&site, join.clone());
        let registry = variable("RUTTER_TEST_REGISTRY");
        Self { docker, api, site, install: Id::from_bytes(clock::random()), registry, join }
    }

    /// Returns a second server of the same site.
    pub(super) fn replica(&self) -> Docker {
        open(&self.site, self.join.clone())
    }

    /// Returns the name of the container and the network.
    pub(super) fn name(&self) -> String {
        format!("rutter-{}-{}", self.site, self.install)
    }

    /// Returns a plan that runs the probe.
    pub(super) async fn plan(&self) -> Plan {
        let image = format!("{}/probe:1", self.registry).parse().unwrap();
        let digest = self.docker.resolve(&image).await.unwrap().digest;
        Plan {
            install: self.install,
            run: 1,
            wanted: Target::Running,
            image: image.pinned(&digest),
            image_id: None,
            port: 8000,
            environment: Vec::new(),
            volume: None,
            egress: Egress::Server,
            limits: RunLimits { memory_mb: 64, cpu_millis: 500, pids: 64 },
            user: USER,
            writable: false,
        }
    }

    pub(super) fn volume(&self) -> VolumeMount {
        VolumeMount { name: format!("rutter-{}-volume", self.site), path: "/storage/data".to_owned(), size_mb: 10 }
    }

    /// Applies a plan until it is in this phase.
    pub(super) async fn reach(&self, plan: &Plan, phase: Phase) -> Observed {
        let begin = Instant::now();
        loop {
            let observed = self.docker.apply(plan).await.unwrap();
            if observed.phase == phase {
                return observed;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{phase:?} is not reached: {observed:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a plan, and returns where the app answers.
    pub(super) async fn run(&self, plan: &Plan) -> String {
        let endpoint = self.reach(plan, Phase::Running).await.endpoint.unwrap();
        let begin = Instant::now();
        while get(&endpoint, "/healthz").await.is_none() {
            assert!(begin.elapsed() < Duration::from_secs(10), "the app does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        endpoint
    }

    /// Returns what `observe` says about the install.
    pub(super) async fn observed(&self) -> Option<Observed> {
        let mut all = self.docker.observe().await.unwrap();
        assert!(all.len() < 2, "{all:?}");
        all.pop()
    }

    /// Returns the whole log.
    pub(super) async fn log(&self) -> String {
        let query = LogQuery { tail: 1000, follow: false };
        let parts: Vec<_> = self.docker.logs(self.install, query).await.unwrap().try_collect().await.unwrap();
        String::from_utf8(parts.concat()).unwrap()
    }

    /// Pushes another image than the probe's, which is the probe with a variable, and returns its reference.
    pub(super) async fn push(&self, repository: &str, variable: &str) -> String {
        let body = ContainerCreateBody {
            image: Some(format!("{}/probe:1", self.registry)),
            env: Some(vec![variable.to_owned()]),
            ..ContainerCreateBody::default()
        };
        let container = self.api.create_container(None::<CreateContainerOptions>, body).await.unwrap().id;
        let name = format!("{}/{repository}", self.registry);
        let options = CommitContainerOptions {
            container: Some(container.clone()),
            repo: Some(name.clone()),
            tag: Some("1".to_owned()),
            ..CommitContainerOptions::default()
        };
        let config = bollard::models::ContainerConfig { env: Some(vec![variable.to_owned()]), ..Default::default() };
        let id = self.api.commit_container(options, config).await.unwrap().id;
        self.api.remove_container(&container, None).await.unwrap();
        let options = TagImageOptions { repo: Some(name.clone()), tag: Some("1".to_owned()) };
        self.api.tag_image(&id, Some(options)).await.unwrap();
        let options = PushImageOptions { tag: Some("1".to_owned()), ..PushImageOptions::default() };
        let pushed = self.api.push_image(&name, Some(options), None);
        pushed.for_each(|step| async move { drop(step.unwrap()) }).await;
        format!("{name}:1")
    }

    /// Removes what is left of the install.
    pub(super) async fn clean(&self) {
        self.docker.remove(self.install).await.unwrap();
        self.docker.remove_volume(&self.volume().name).await.unwrap();
        assert_eq!(self.observed().await, None);
    }
}

fn open(site: &str, join: Option<String>) -> Docker {
    let socket = Some(variable("RUTTER_TEST_DOCKER").into());
    Docker::new(&DockerSettings { socket, join }, site).unwrap()
}

/// Returns the body of a response; `None` if the app does not answer within two seconds.
pub(super) async fn get(endpoint: &str, path: &str) -> Option<String> {
    get_within(Duration::from_secs(2), endpoint, path).await
}

/// Returns the body of a response; `None` if the app does not answer in time.
pub(super) async fn get_within(limit: Duration, endpoint: &str, path: &str) -> Option<String> {
    let answer = async {
        let mut stream = TcpStream::connect(endpoint).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await.ok()?;
        Some(response.split_once("\r\n\r\n")?.1.to_owned())
    };
    tokio::time::timeout(limit, answer).await.ok().flatten()
}

/// Adds a variable to a plan.
pub(super) fn with(mut plan: Plan, name: &str, value: &str) -> Plan {
    plan.environment.push((name.to_owned(), Secret::new(value.to_owned())));
    plan
}
