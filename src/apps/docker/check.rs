//! Tries from inside of a container what apps reach, for `rutter app check`.
//!
//! The containers run this program itself, so no registry is needed, and the backend confines them like apps. All objects
//! have a label of their own: no server takes them for its apps, and the next check removes what one that was killed has
//! left.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::probe::{Answer, CONNECT, LISTEN};
use super::{Docker, engine, objects, program};
use crate::apps::backend::{Backend as _, Egress, Observed, Phase, Plan, RunLimits, Target};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::types::Secret;

/// The metadata service of clouds.
const METADATA: &str = "169.254.169.254:80";
/// The port that the other app listens on.
const PORT: u16 = 8000;
/// The port of the host to try if this program runs in a container, and cannot listen there: nothing does.
const UNUSED_PORT: u16 = 1;
/// User id of the processes.
const USER: u32 = 10001;
/// Longest time until a container runs, answers or has ended.
const TIMEOUT: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(100);

const LOAD: &str = "load the firewall deploy/apps.nft on the host of the container engine";
const LISTENS: &str = "set `apps.listen` to an address that containers reach, such as 0.0.0.0:8081; the firewall of the \
                       host must accept this port from the bridges rtr-*";
const APART: &str = "run this program on the host of the container engine, or set `apps.docker.join`";

/// What was tried, and what was seen; or what is wrong, and what to do.
pub type Step = (String, std::result::Result<String, String>);

/// What apps may reach.
pub(in crate::apps) struct Reach {
    pub(in crate::apps) egress: Egress,
    /// `host:port` of this server for them; `None` if they reach nothing.
    pub(in crate::apps) server: Option<String>,
}

/// An attempt to connect.
struct Attempt {
    what: &'static str,
    address: String,
    /// What to do if it connects; or if it does not, for what apps must reach.
    advice: &'static str,
    must: bool,
    /// True if a refusal shows that the packet arrived.
    refusal_counts: bool,
}

impl Docker {
    /// Tries what containers reach, each in a container of its own, and removes everything then. If `stop` is cancelled,
    /// it ends after the current call, with an error.
    ///
    /// # Errors
    /// Unavailable if a container cannot be run.
    pub(in crate::apps) async fn check(
        &self,
        clock: &Clock,
        reaches: &[Reach],
        limits: RunLimits,
        stop: &CancellationToken,
    ) -> Result<Vec<Step>> {
        self.clean().await?;
        let tried = self.try_reaches(clock, reaches, limits, stop).await;
        let cleaned = self.clean().await;
        let tried = tried?;
        cleaned.map(|()| tried)
    }

    async fn try_reaches(
        &self,
        clock: &Clock,
        reaches: &[Reach],
        limits: RunLimits,
        stop: &CancellationToken,
    ) -> Result<Vec<Step>> {
        let connection = self.engine.connect().await?;
        let image = program::import(&connection, &self.site).await?;
        let plan = |egress| Plan {
            install: clock.id(),
            run: 1,
            wanted: Target::Running,
            image: image.clone(),
            image_id: None,
            port: PORT,
            environment: Vec::new(),
            volume: None,
            egress,
            limits,
            user: USER,
            writable: false,
        };
        let mut other = plan(reaches.last().map_or(Egress::Server, |reach| reach.egress));
        other.environment = vec![(LISTEN.to_owned(), Secret::new(PORT.to_string()))];
        let other = self.until(&other, Phase::Running, stop).await?.endpoint.unwrap_or_default();
        let what = "this program reaches an app".to_owned();
        if !answers(&other, stop).await {
            unless_stopped(stop)?;
            return Ok(vec![(what, Err(format!("{other} does not answer: {APART}")))]);
        }
        let mut steps = vec![(what, Ok(format!("connected to {other}")))];
        for reach in reaches {
            let mut plan = plan(reach.egress);
            let gateway = objects::network(&connection, &self.site, self.join(), &plan).await?.gateway;
            // Only that an attempt to connect fails while something listens shows that the port is closed.
            let listener = match self.join() {
                Some(_) => None,
                None => Some(TcpListener::bind((gateway.as_str(), 0)).await.map_err(|error| {
                    Error::unavailable(format!("{gateway} is not an address of this host: {APART}")).because(error)
                })?),
            };
            let port = match &listener {
                Some(listener) => listener.local_addr()?.port(),
                None => UNUSED_PORT,
            };
            let attempt = |what, address, advice| {
                let (must, refusal_counts) = (false, false);
                Attempt { what, address, advice, must, refusal_counts }
            };
            let host = attempt("an app does not reach other ports of the host", format!("{gateway}:{port}"), LOAD);
            let mut attempts = vec![
                Attempt { refusal_counts: listener.is_none(), ..host },
                attempt("an app does not reach the metadata service of clouds", METADATA.to_owned(), LOAD),
                attempt("an app does not reach another app", other.clone(), LOAD),
            ];
            if let Some(server) = &reach.server {
                let server = attempt("an app reaches rutter", server.clone(), LISTENS);
                attempts.insert(0, Attempt { must: true, ..server });
            }
            let addresses: Vec<_> = attempts.iter().map(|attempt| attempt.address.as_str()).collect();
            plan.environment = vec![(CONNECT.to_owned(), Secret::new(addresses.join(",")))];
            let log = self.until(&plan, Phase::Exited, stop).await?.last_log.unwrap_or_default();
            let answers: HashMap<_, _> = log.lines().filter_map(Answer::parse).collect();
            for attempt in attempts {
                let Some(answer) = answers.get(attempt.address.as_str()) else {
                    tracing::warn!(log, "the container ended early");
                    return Err(Error::unavailable("the container of the check ended early; see the log above"));
                };
                steps.push(attempt.step(*answer, reach.egress));
            }
        }
        Ok(steps)
    }

    /// Applies a plan until its container is in this phase.
    async fn until(&self, plan: &Plan, phase: Phase, stop: &CancellationToken) -> Result<Observed> {
        let begun = Instant::now();
        loop {
            unless_stopped(stop)?;
            let observed = self.apply(plan).await?;
            if observed.phase == phase {
                return Ok(observed);
            }
            if begun.elapsed() > TIMEOUT || matches!(observed.phase, Phase::Failed | Phase::Exited | Phase::Absent) {
                let log = observed.last_log.unwrap_or_default();
                let why = format!("the container of the check is {:?}: {} {log}", observed.phase, observed.reason);
                return Err(Error::unavailable(why.trim_end().to_owned()));
            }
            sleep(INTERVAL).await;
        }
    }

    /// Removes the containers, networks and images of all checks.
    async fn clean(&self) -> Result<()> {
        for found in self.observe().await? {
            self.remove(found.install).await?;
        }
        let api = self.engine.connect().await?.api;
        let options = ListImagesOptions { filters: Some(self.site.filter()), ..ListImagesOptions::default() };
        for image in engine::call(api.list_images(Some(options))).await.map_err(engine::unavailable)? {
            let options = RemoveImageOptions { force: true, ..RemoveImageOptions::default() };
            let removed = async { api.remove_image(&image.id, Some(options), None).await.map(drop) };
            engine::settle(&[404, 409], removed).await?;
        }
        Ok(())
    }
}

impl Attempt {
    fn step(self, answer: Answer, egress: Egress) -> Step {
        let Self { what, address, advice, must, refusal_counts } = self;
        let has_reached = answer == Answer::Open || refusal_counts && answer == Answer::Refused;
        let seen = match answer {
            Answer::Open => format!("connected to {address}"),
            Answer::Refused => format!("{address} refuses the connection"),
            Answer::Silent => format!("{address} does not answer"),
        };
        let egress = match egress {
            Egress::None => "none",
            Egress::Server => "server",
            Egress::Internet => "internet",
        };
        let what = format!("{what}, with egress = \"{egress}\"");
        (what, if has_reached == must { Ok(seen) } else { Err(format!("{seen}: {advice}")) })
    }
}

fn unless_stopped(stop: &CancellationToken) -> Result<()> {
    if stop.is_cancelled() { Err(Error::conflict("interrupted")) } else { Ok(()) }
}

/// Waits until a server accepts connections; returns false if it does not.
async fn answers(endpoint: &str, stop: &CancellationToken) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT && !stop.is_cancelled() {
        if let Ok(Ok(_)) = timeout(TIMEOUT, TcpStream::connect(endpoint)).await {
            return true;
        }
        sleep(INTERVAL).await;
    }
    false
}
