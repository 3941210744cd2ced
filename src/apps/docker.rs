//! Docker Engine as the backend of apps, over its socket. The API up to version 1.41 suffices.
//!
//! Each install has one container, on a network of its own, both with a name that follows from its id. What the engine
//! refuses to create a second time is looked at again, so that any number of servers can work on the same install.

pub mod check;
mod engine;
mod images;
mod logs;
mod objects;
pub mod probe;
mod program;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, ContainerSummaryStateEnum,
};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptions, ListNetworksOptions, StopContainerOptions,
};

use self::engine::{Connection, Engine};
use self::images::Downloads;
use self::spec::Site;
use crate::apps::backend::{
    Backend, Egress, ImageRef, LogQuery, LogStream, Observed, Phase, PinnedImage, Plan, Target,
};
use crate::config::DockerConfig;
use crate::error::{Error, Kind, Result};
use crate::types::Id;

/// How many times to look again, when other servers change the same install.
const ROUNDS: u32 = 20;

/// How long a process may take to end after a signal, in seconds, before it is killed.
const STOP_SECONDS: i32 = 5;

/// How to reach the engine.
#[derive(Debug, Clone, Default)]
pub struct DockerSettings {
    /// The engine's socket. Default: `/var/run/docker.sock`.
    pub socket: Option<PathBuf>,
    /// The name of the container in which this server runs; `None` if it runs on the engine's host.
    pub join: Option<String>,
}

impl From<&DockerConfig> for DockerSettings {
    fn from(config: &DockerConfig) -> Self {
        Self { socket: config.socket.clone(), join: config.join.clone() }
    }
}

/// Docker Engine.
pub struct Docker {
    engine: Engine,
    site: Site,
    join: Option<String>,
    downloads: Downloads,
}

/// What became of one step.
enum Step {
    /// Look again: something has been done, or another server was faster.
    Again,
    /// Nothing more can be done now.
    Done(Observed),
}

impl Docker {
    /// Creates the backend, without connecting to the engine. `site` is part of the names and labels of all objects; what
    /// has another one is left alone.
    ///
    /// # Errors
    /// Invalid if a setting is.
    pub fn new(settings: &DockerSettings, site: &str) -> Result<Self> {
        if settings.join.as_deref().is_some_and(|join| !is_name(join)) {
            return Err(Error::invalid("apps.docker.join is not the name of a container"));
        }
        Ok(Self {
            engine: Engine::new(settings.socket.as_ref())?,
            site: Site::new(site),
            join: settings.join.clone(),
            downloads: Downloads::default(),
        })
    }

    fn join(&self) -> Option<&str> {
        self.join.as_deref()
    }

    /// Returns the container of an install.
    ///
    /// # Errors
    /// Conflict if the name belongs to another container.
    async fn find(&self, connection: &Connection, install: Id) -> Result<Option<Container>> {
        let name = self.site.name(install);
        let Some(found) = engine::find(connection.api.inspect_container(&name, None)).await? else { return Ok(None) };
        let container = Container::new(found);
        if !self.site.owns_for(install, Some(&container.labels)) {
            return Err(Error::conflict(format!("the container `{name}` does not belong to this server")));
        }
        Ok(Some(container))
    }

    async fn step(&self, connection: &Connection, plan: &Plan, last_log: &mut Option<String>) -> Result<Step> {
        let Some(container) = self.find(connection, plan.install).await? else {
            if plan.wanted == Target::Running {
                return self.create(connection, plan).await;
            }
            objects::remove_owners(connection, &self.site, plan.install).await?;
            objects::remove_network(connection, &self.site, self.join(), plan.install).await?;
            return Ok(Step::Done(nothing(plan.install, Phase::Absent, "")));
        };
        if container.run > plan.run {
            return Ok(Step::Done(self.observed(plan.install, &container)));
        }
        if container.run < plan.run || plan.wanted == Target::Stopped {
            self.stop(connection, &container).await;
            *last_log = Some(logs::last(connection, &container.id).await);
            self.remove_container(connection, plan.install, &container).await?;
            return Ok(Step::Again);
        }
        let api = &connection.api;
        match (plan.wanted, container.status) {
            (Target::Running, Status::CREATED) => return self.start(connection, plan, &container).await,
            // There is nothing yet that could be paused.
            (Target::Paused, Status::CREATED) => {
                self.remove_container(connection, plan.install, &container).await?;
                return Ok(Step::Again);
            }
            // The engine answers 409 if another server was faster, or if the process has ended since.
            (Target::Running, Status::PAUSED) => {
                engine::settle(&[404, 409], api.unpause_container(&container.id)).await?;
                return Ok(Step::Again);
            }
            (Target::Paused, Status::RUNNING) => {
                engine::settle(&[404, 409], api.pause_container(&container.id)).await?;
                return Ok(Step::Again);
            }
            (_, Status::RUNNING | Status::PAUSED) if self.join.is_some() => {
                objects::network(connection, &self.site, self.join(), plan).await?;
            }
            (Target::Paused, Status::EXITED) => {
                *last_log = Some(logs::last(connection, &container.id).await);
                self.remove_container(connection, plan.install, &container).await?;
                return Ok(Step::Again);
            }
            (_, Status::EXITED) => *last_log = Some(logs::last(connection, &container.id).await),
            _ => {}
        }
        Ok(Step::Done(self.observed(plan.install, &container)))
    }

    /// Creates the container of a run, and everything that it needs.
    async fn create(&self, connection: &Connection, plan: &Plan) -> Result<Step> {
        let failed = |reason: String| Ok(Step::Done(nothing(plan.install, Phase::Failed, reason)));
        if let Some(problem) = spec::problem(plan) {
            return failed(problem);
        }
        let Some(image) = engine::find(connection.api.inspect_image(&plan.image)).await? else {
            self.downloads.begin(connection, &plan.image)?;
            return Ok(Step::Done(nothing(plan.install, Phase::Pending, "the image is being downloaded")));
        };
        if let Some(id) = &plan.image_id
            && image.id.as_ref() != Some(id)
        {
            let actual = image.id.unwrap_or_default();
            return failed(format!("the image `{}` is not the one that was installed: {actual}, not {id}", plan.image));
        }
        let network = objects::network(connection, &self.site, self.join(), plan).await?;
        if let Some(volume) = &plan.volume {
            objects::volume(connection, &self.site, plan, volume).await?;
        }
        // A firewall cannot tell apps without egress from others, because all reach this server at the same address and
        // port: they only lack its name. They have no token either.
        let is_host = self.join.is_none() && plan.egress != Egress::None;
        let gateway = is_host.then_some(network.gateway.as_str());
        let body = self.site.container(plan, &image, connection, gateway);
        let name = Some(self.site.name(plan.install));
        let options = CreateContainerOptions { name, ..CreateContainerOptions::default() };
        match engine::call(connection.api.create_container(Some(options), body)).await {
            Ok(_) => Ok(Step::Again),
            Err(error) => match engine::status(&error) {
                Some(404 | 409) => Ok(Step::Again),
                Some(400) => failed(spec::reason(plan, engine::message(&error))),
                _ => Err(engine::unavailable(error)),
            },
        }
    }

    /// Starts a container that this or another server has created.
    async fn start(&self, connection: &Connection, plan: &Plan, container: &Container) -> Result<Step> {
        let network = objects::network(connection, &self.site, self.join(), plan).await?;
        if network.is_new {
            // It was created for a network with another address.
            self.remove_container(connection, plan.install, container).await?;
            return Ok(Step::Again);
        }
        match engine::call(connection.api.start_container(&container.id, None)).await {
            Ok(()) => Ok(Step::Again),
            Err(error) => {
                let message = engine::message(&error);
                let is_of_app = engine::status(&error) == Some(400) || message.contains("OCI runtime");
                if is_of_app && !message.contains("no space left") {
                    let reason = format!("the app cannot be started: {}", spec::reason(plan, message));
                    return Ok(Step::Done(nothing(plan.install, Phase::Failed, reason)));
                }
                match engine::status(&error) {
                    Some(404 | 409) => Ok(Step::Again),
                    _ => Err(engine::unavailable(error)),
                }
            }
        }
    }

    /// Asks a process to end, and waits a few seconds. The container is removed anyway.
    async fn stop(&self, connection: &Connection, container: &Container) {
        if !matches!(container.status, Status::RUNNING | Status::PAUSED | Status::STOPPING) {
            return;
        }
        let stopped = async {
            // A paused process cannot receive a signal.
            if container.status == Status::PAUSED {
                engine::settle(&[404, 409], connection.api.unpause_container(&container.id)).await?;
            }
            let options = StopContainerOptions { t: Some(STOP_SECONDS), signal: None };
            engine::settle(&[304, 404, 409], connection.api.stop_container(&container.id, Some(options))).await
        };
        if let Err(error) = stopped.await {
            tracing::warn!(container = container.id, error = %error, "an app could not be stopped gently");
        }
    }

    /// Removes a container, and what belongs to its run. By id: another server may have created the next one already.
    async fn remove_container(&self, connection: &Connection, install: Id, container: &Container) -> Result<()> {
        objects::remove_container(connection, &container.id).await?;
        objects::remove_owners(connection, &self.site, install).await?;
        objects::remove_network(connection, &self.site, self.join(), install).await
    }

    fn observed(&self, install: Id, container: &Container) -> Observed {
        let address = container.addresses.get(&self.site.name(install));
        Observed {
            install,
            run: container.run,
            phase: container.phase(),
            endpoint: address.zip(spec::port_of(&container.labels)).map(|(address, port)| format!("{address}:{port}")),
            image_id: container.image.clone(),
            reason: container.reason.clone(),
            last_log: None,
        }
    }

    /// Returns the networks that the container of this server is attached to, by their names.
    async fn joined(&self, connection: &Connection) -> Result<Option<HashSet<String>>> {
        let Some(join) = self.join() else { return Ok(None) };
        let found = engine::find(connection.api.inspect_container(join, None)).await?;
        let networks = found.and_then(|container| container.network_settings).and_then(|settings| settings.networks);
        Ok(Some(networks.into_iter().flatten().map(|(name, _)| name).collect()))
    }
}

#[async_trait]
impl Backend for Docker {
    fn can_pause(&self) -> bool {
        true
    }

    async fn resolve(&self, image: &ImageRef) -> Result<PinnedImage> {
        images::resolve(&self.engine.connect().await?, image).await
    }

    async fn apply(&self, plan: &Plan) -> Result<Observed> {
        let connection = self.engine.connect().await?;
        let mut last_log = None;
        for _ in 0..ROUNDS {
            match self.step(&connection, plan, &mut last_log).await {
                Ok(Step::Done(observed)) => return Ok(Observed { last_log, ..observed }),
                Ok(Step::Again) => {}
                // Nothing of this is better at the next attempt: the name belongs to others, or there is no such image.
                Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => {
                    return Ok(Observed { last_log, ..nothing(plan.install, Phase::Failed, error.detail()) });
                }
                Err(error) => return Err(error),
            }
            // Another server may be at it.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Error::unavailable("the container of the app changes all the time; try again later"))
    }

    /// Returns containers, and installs of which only the network is left. An app whose network this server is not
    /// attached to has no endpoint; `apply` attaches it. Also removes what an interrupted server left beside an app that
    /// runs.
    async fn observe(&self) -> Result<Vec<Observed>> {
        let connection = self.engine.connect().await?;
        let options =
            ListContainersOptions { all: true, filters: Some(self.site.filter()), ..ListContainersOptions::default() };
        let containers = engine::call(connection.api.list_containers(Some(options))).await;
        let options = ListNetworksOptions { filters: Some(self.site.filter()) };
        let networks = engine::call(connection.api.list_networks(Some(options))).await.map_err(engine::unavailable)?;
        let joined = self.joined(&connection).await?;

        let (mut found, mut owners) = (HashMap::new(), Vec::new());
        for network in networks {
            if let Some(install) = network.labels.as_ref().and_then(spec::install_of) {
                found.insert(install, nothing(install, Phase::Absent, ""));
            }
        }
        for summary in containers.map_err(engine::unavailable)? {
            let container = Container::listed(summary);
            let Some(install) = spec::install_of(&container.labels) else { continue };
            if spec::run_of(&container.labels).is_none() {
                found.entry(install).or_insert_with(|| nothing(install, Phase::Absent, ""));
                owners.push((install, container.id));
                continue;
            }
            let mut observed = self.observed(install, &container);
            if joined.as_ref().is_some_and(|joined| !joined.contains(&self.site.name(install))) {
                observed.endpoint = None;
            }
            found.insert(install, observed);
        }
        // The volume of an app that runs has its owner.
        for (install, owner) in owners {
            if found.get(&install).is_some_and(|app| matches!(app.phase, Phase::Running | Phase::Paused)) {
                objects::remove_container(&connection, &owner).await?;
            }
        }
        Ok(found.into_values().collect())
    }

    async fn remove(&self, install: Id) -> Result<()> {
        let connection = self.engine.connect().await?;
        match self.find(&connection, install).await {
            Ok(Some(container)) => {
                self.stop(&connection, &container).await;
                self.remove_container(&connection, install, &container).await
            }
            Ok(None) => {
                objects::remove_owners(&connection, &self.site, install).await?;
                objects::remove_network(&connection, &self.site, self.join(), install).await
            }
            // It is not ours.
            Err(error) if error.kind() == Kind::Conflict => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn logs(&self, install: Id, query: LogQuery) -> Result<LogStream> {
        let connection = self.engine.connect().await?;
        match self.find(&connection, install).await {
            Ok(Some(container)) => Ok(logs::stream(&connection, &container.id, query)),
            Err(error) if error.kind() != Kind::Conflict => Err(error),
            _ => Err(Error::not_found("the app has no container: it is stopped")),
        }
    }

    async fn remove_volume(&self, name: &str) -> Result<()> {
        if !is_name(name) {
            return Err(Error::invalid(format!("`{}` is not the name of a volume", name.escape_debug())));
        }
        objects::remove_volume(&self.engine.connect().await?, &self.site, name).await
    }
}

type Status = ContainerStateStatusEnum;

/// What the engine says about a container.
struct Container {
    id: String,
    run: i64,
    labels: spec::Labels,
    status: Status,
    image: Option<String>,
    /// Its address in each network.
    addresses: HashMap<String, String>,
    /// Why it has ended; empty if it has not.
    reason: String,
}

impl Container {
    fn new(found: ContainerInspectResponse) -> Self {
        let state = found.state.unwrap_or_default();
        let status = state.status.unwrap_or(Status::EMPTY);
        let code = state.exit_code.unwrap_or_default();
        let memory = found.host_config.and_then(|host| host.memory).unwrap_or_default() >> 20;
        let reason = match status {
            // The process itself may go on if the engine killed only a child of it.
            Status::EXITED if state.oom_killed == Some(true) && code != 0 => {
                format!("out of memory: the limit is {memory} MB")
            }
            Status::EXITED => exit_reason(&code.to_string()),
            _ => String::new(),
        };
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let addresses = networks.into_iter().map(|(name, endpoint)| (name, endpoint.ip_address));
        Self::of(found.id, labels, status, found.image, addresses, reason)
    }

    fn listed(found: ContainerSummary) -> Self {
        let status = match found.state.unwrap_or(ContainerSummaryStateEnum::EMPTY) {
            ContainerSummaryStateEnum::CREATED => Status::CREATED,
            ContainerSummaryStateEnum::RUNNING => Status::RUNNING,
            ContainerSummaryStateEnum::STOPPING => Status::STOPPING,
            ContainerSummaryStateEnum::PAUSED => Status::PAUSED,
            ContainerSummaryStateEnum::RESTARTING => Status::RESTARTING,
            ContainerSummaryStateEnum::EXITED => Status::EXITED,
            ContainerSummaryStateEnum::REMOVING => Status::REMOVING,
            ContainerSummaryStateEnum::DEAD => Status::DEAD,
            ContainerSummaryStateEnum::EMPTY => Status::EMPTY,
        };
        // `Exited (137) 3 minutes ago`
        let text = found.status.unwrap_or_default();
        let code = text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(code, _)| code);
        let reason = code.filter(|_| status == Status::EXITED).map(exit_reason).unwrap_or_default();
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let addresses = networks.into_iter().map(|(name, endpoint)| (name, endpoint.ip_address));
        Self::of(found.id, found.labels.unwrap_or_default(), status, found.image_id, addresses, reason)
    }

    fn of(
        id: Option<String>,
        labels: spec::Labels,
        status: Status,
        image: Option<String>,
        addresses: impl Iterator<Item = (String, Option<String>)>,
        reason: String,
    ) -> Self {
        let is_up = matches!(status, Status::RUNNING | Status::PAUSED | Status::STOPPING);
        let address =
            |(name, address): (String, Option<String>)| Some((name, address.filter(|text| !text.is_empty())?));
        Self {
            id: id.unwrap_or_default(),
            run: spec::run_of(&labels).unwrap_or_default(),
            labels,
            status,
            image,
            addresses: if is_up { addresses.filter_map(address).collect() } else { HashMap::new() },
            reason,
        }
    }

    fn phase(&self) -> Phase {
        match self.status {
            Status::RUNNING | Status::STOPPING => Phase::Running,
            Status::PAUSED => Phase::Paused,
            Status::EXITED => Phase::Exited,
            Status::CREATED | Status::RESTARTING | Status::REMOVING | Status::DEAD | Status::EMPTY => Phase::Pending,
        }
    }
}

fn exit_reason(code: &str) -> String {
    format!("the app has ended with exit code {code}")
}

fn nothing(install: Id, phase: Phase, reason: impl Into<String>) -> Observed {
    let (endpoint, image_id, last_log) = (None, None, None);
    Observed { install, run: 0, phase, endpoint, image_id, reason: reason.into(), last_log }
}

/// Returns true for names of containers and volumes. Others could change the path of a call.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}
