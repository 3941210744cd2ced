//! A container engine in memory: its containers are small HTTP servers. It fails, forgets and answers late on demand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use rutter::apps::backend::{Backend, ImageRef, LogQuery, LogStream, Observed, Phase, PinnedImage, Plan, Target};
use rutter::error::{Error, Result};
use rutter::types::Id;
use tokio_util::sync::CancellationToken;

use super::upstream::Upstream;

/// What the engine has.
#[derive(Default)]
pub(super) struct State {
    /// The digests of images in the registry.
    pub(super) registry: HashMap<String, String>,
    /// The containers.
    pub(super) containers: HashMap<Id, Container>,
    /// Names of volumes.
    pub(super) volumes: Vec<String>,
    /// The number of containers that were ever created.
    pub(super) created: usize,
    /// The number of calls that fail from now on.
    pub(super) failures: usize,
    /// Time that each call takes.
    pub(super) delay: Duration,
    /// The configuration digest that images have; `None` for one that is derived from the reference.
    pub(super) image_id: Option<String>,
    /// True if the apps do not answer.
    pub(super) is_deaf: bool,
}

/// A container.
pub(super) struct Container {
    pub(super) run: i64,
    pub(super) phase: Phase,
    pub(super) environment: HashMap<String, String>,
    endpoint: String,
    stop: CancellationToken,
}

impl Drop for Container {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The engine.
#[derive(Clone, Default)]
pub(super) struct MemoryEngine(pub(super) Arc<Mutex<State>>);

impl MemoryEngine {
    /// An engine whose registry has this image.
    pub(super) fn with_image(image: &str, digit: char) -> Self {
        let engine = Self::default();
        engine.push(image, digit);
        engine
    }

    /// Moves a tag to another image.
    pub(super) fn push(&self, image: &str, digit: char) {
        let digest = format!("sha256:{}", digit.to_string().repeat(64));
        self.0.lock().unwrap().registry.insert(image.to_owned(), digest);
    }

    pub(super) fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    async fn call(&self) -> Result<()> {
        let (delay, fails) = self.state(|state| {
            let fails = state.failures > 0;
            state.failures = state.failures.saturating_sub(1);
            (state.delay, fails)
        });
        tokio::time::sleep(delay).await;
        if fails { Err(Error::unavailable("the container engine does not answer")) } else { Ok(()) }
    }
}

fn observed(install: Id, container: Option<&Container>, image_id: Option<String>) -> Observed {
    Observed {
        install,
        run: container.map_or(0, |container| container.run),
        phase: container.map_or(Phase::Absent, |container| container.phase),
        endpoint: container
            .filter(|container| matches!(container.phase, Phase::Running | Phase::Paused))
            .map(|container| container.endpoint.clone()),
        image_id,
        reason: if container.is_some_and(|container| container.phase == Phase::Exited) {
            "it ended with exit code 1".into()
        } else {
            String::new()
        },
        last_log: None,
    }
}

#[async_trait]
impl Backend for MemoryEngine {
    fn can_pause(&self) -> bool {
        true
    }

    async fn resolve(&self, image: &ImageRef) -> Result<PinnedImage> {
        self.call().await?;
        let digest = self.state(|state| state.registry.get(&image.to_string()).cloned());
        digest.map(|digest| PinnedImage { digest }).ok_or_else(|| Error::not_found(format!("there is no `{image}`")))
    }

    async fn apply(&self, plan: &Plan) -> Result<Observed> {
        self.call().await?;
        let image_id = self.state(|state| state.image_id.clone()).unwrap_or_else(|| format!("id of {}", plan.image));
        let is_later = self.state(|state| state.containers.get(&plan.install).is_some_and(|it| it.run > plan.run));
        if is_later {
            return Ok(self.state(|state| observed(plan.install, state.containers.get(&plan.install), Some(image_id))));
        }
        match plan.wanted {
            Target::Stopped => {
                let last_log =
                    self.state(|state| state.containers.remove(&plan.install)).map(|it| format!("run {}\n", it.run));
                return Ok(Observed { last_log, ..observed(plan.install, None, None) });
            }
            Target::Paused => self.state(|state| {
                if let Some(container) = state.containers.get_mut(&plan.install)
                    && container.phase == Phase::Running
                {
                    container.phase = Phase::Paused;
                }
            }),
            Target::Running => {
                if plan.image_id.as_ref().is_some_and(|known| *known != image_id) {
                    let failed = observed(plan.install, None, Some(image_id));
                    return Ok(Observed { phase: Phase::Failed, reason: "another image".into(), ..failed });
                }
                let upstream = Upstream::start(self.state(|state| state.is_deaf)).await;
                self.state(|state| {
                    if let Some(volume) = &plan.volume
                        && !state.volumes.contains(&volume.name)
                    {
                        state.volumes.push(volume.name.clone());
                    }
                    state.containers.retain(|install, it| *install != plan.install || it.run == plan.run);
                    let container = state.containers.entry(plan.install).or_insert_with(|| {
                        state.created += 1;
                        let variables = plan.environment.iter();
                        Container {
                            run: plan.run,
                            phase: Phase::Running,
                            environment: variables
                                .map(|(name, value)| (name.clone(), value.expose().to_owned()))
                                .collect(),
                            endpoint: upstream.endpoint,
                            stop: upstream.stop,
                        }
                    });
                    if container.phase == Phase::Paused {
                        container.phase = Phase::Running;
                    }
                });
            }
        }
        Ok(self.state(|state| observed(plan.install, state.containers.get(&plan.install), Some(image_id))))
    }

    async fn observe(&self) -> Result<Vec<Observed>> {
        self.call().await?;
        Ok(self.state(|state| state.containers.iter().map(|(id, it)| observed(*id, Some(it), None)).collect()))
    }

    async fn remove(&self, install: Id) -> Result<()> {
        self.call().await?;
        self.state(|state| drop(state.containers.remove(&install)));
        Ok(())
    }

    async fn logs(&self, install: Id, _: LogQuery) -> Result<LogStream> {
        self.call().await?;
        let run = self.state(|state| state.containers.get(&install).map(|container| container.run));
        let run = run.ok_or_else(|| Error::not_found("there is no container"))?;
        Ok(futures::stream::once(async move { Ok(Bytes::from(format!("now run {run}\n"))) }).boxed())
    }

    async fn remove_volume(&self, name: &str) -> Result<()> {
        self.call().await?;
        self.state(|state| state.volumes.retain(|volume| volume != name));
        Ok(())
    }
}
