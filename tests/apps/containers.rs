//! What the container engine has of one site, asked of the engine itself.

use std::collections::{BTreeMap, HashMap};

use bollard::Docker;
use bollard::models::{ContainerConfig, ContainerCreateBody, ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    CommitContainerOptions, CreateContainerOptions, ListContainersOptions, ListNetworksOptions, ListVolumesOptions,
    PushImageOptions, RemoveContainerOptions, RemoveVolumeOptions, TagImageOptions,
};
use futures::StreamExt as _;
use rutter::access::secret::ServerSecret;
use rutter::config::Config;
use rutter::types::Secret;
use rutter_testing::environment;

/// A variable that `scripts/docker.sh` sets.
pub(crate) fn variable(name: &str) -> String {
    environment(name).unwrap_or_else(|| panic!("{name} is not set: run this in scripts/docker.sh"))
}

/// Random hexadecimal digits.
pub(crate) fn random() -> String {
    hex::encode(rutter::clock::random::<4>())
}

/// An image of the test's registry.
pub(crate) fn image(name: &str) -> String {
    format!("{}/{name}", variable("RUTTER_TEST_REGISTRY"))
}

/// The containers, networks and volumes of a site. Dropping it removes them.
pub(crate) struct Site {
    pub(crate) api: Docker,
    /// The label of the site's objects.
    pub(crate) name: String,
}

impl Site {
    /// The site of the servers with this secret.
    pub(crate) async fn new(secret: &str) -> Self {
        let config = Config { secret: Some(Secret::new(secret.to_owned())), ..Config::default() };
        let name = rutter::apps::site(&ServerSecret::load(&config).unwrap());
        Self { api: connect().await, name }
    }

    fn filter(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![format!("rutter.site={}", self.name)])])
    }

    /// All containers, also those that have ended.
    pub(crate) async fn containers(&self) -> Vec<ContainerSummary> {
        let options =
            ListContainersOptions { all: true, filters: Some(self.filter()), ..ListContainersOptions::default() };
        self.api.list_containers(Some(options)).await.unwrap()
    }

    /// The installs that have a network, with the number of their networks.
    pub(crate) async fn networks(&self) -> BTreeMap<String, usize> {
        let options = ListNetworksOptions { filters: Some(self.filter()) };
        let mut counts = BTreeMap::new();
        for network in self.api.list_networks(Some(options)).await.unwrap() {
            *counts.entry(network.labels.unwrap()["rutter.install"].clone()).or_default() += 1;
        }
        counts
    }

    /// The names of all volumes.
    pub(crate) async fn volumes(&self) -> Vec<String> {
        let options = ListVolumesOptions { filters: Some(self.filter()) };
        let found = self.api.list_volumes(Some(options)).await.unwrap().volumes.unwrap_or_default();
        let mut names: Vec<_> = found.into_iter().map(|volume| volume.name).collect();
        names.sort();
        names
    }

    /// The container of the app at this URL.
    pub(crate) async fn container(&self, url: &str) -> Option<ContainerInspectResponse> {
        let own = format!("RUTTER_APP_URL={url}");
        for container in self.containers().await {
            // It may be removed at this moment.
            let Ok(found) = self.api.inspect_container(&container.id.unwrap(), None).await else { continue };
            let environment = found.config.as_ref().and_then(|config| config.env.as_ref());
            if environment.is_some_and(|variables| variables.contains(&own)) {
                return Some(found);
            }
        }
        None
    }

    /// `running`, `paused` and so on; `none` without a container.
    pub(crate) async fn status(&self, url: &str) -> String {
        let status = self.container(url).await.and_then(|container| container.state?.status);
        status.map_or("none".to_owned(), |status| status.to_string())
    }

    /// Address and bridge of the app at this URL.
    pub(crate) async fn network(&self, url: &str) -> (String, String) {
        let networks = self.container(url).await.unwrap().network_settings.unwrap().networks.unwrap();
        let (name, endpoint) = networks.into_iter().next().unwrap();
        let network = self.api.inspect_network(&name, None).await.unwrap();
        (endpoint.ip_address.unwrap(), network.options.unwrap()["com.docker.network.bridge.name"].clone())
    }

    async fn remove_all(&self) {
        for container in self.containers().await {
            let options = RemoveContainerOptions { v: true, force: true, link: false };
            _ = self.api.remove_container(&container.id.unwrap(), Some(options)).await;
        }
        for network in self.api.list_networks(Some(ListNetworksOptions { filters: Some(self.filter()) })).await.unwrap()
        {
            _ = self.api.remove_network(&network.id.unwrap()).await;
        }
        for volume in self.volumes().await {
            _ = self.api.remove_volume(&volume, None::<RemoveVolumeOptions>).await;
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let name = self.name.clone();
        // On a thread of its own: a test that fails has no other place to wait.
        let removal = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let site = std::mem::ManuallyDrop::new(Self { api: connect().await, name });
                site.remove_all().await;
            });
        });
        _ = removal.join();
    }
}

async fn connect() -> Docker {
    let socket = variable("RUTTER_TEST_DOCKER");
    let api = Docker::connect_with_unix(&socket, 60, bollard::API_DEFAULT_VERSION).unwrap();
    api.negotiate_version().await.unwrap()
}

/// Pushes an image to `NAME:1`, which is the probe with a variable. Returns its reference.
pub(crate) async fn push(name: &str, variable: &str) -> String {
    let api = connect().await;
    let body = ContainerCreateBody {
        image: Some(image("probe:1")),
        env: Some(vec![variable.to_owned()]),
        ..ContainerCreateBody::default()
    };
    let container = api.create_container(None::<CreateContainerOptions>, body).await.unwrap().id;
    let name = image(name);
    let options = CommitContainerOptions {
        container: Some(container.clone()),
        repo: Some(name.clone()),
        tag: Some("1".to_owned()),
        ..CommitContainerOptions::default()
    };
    let config = ContainerConfig { env: Some(vec![variable.to_owned()]), ..ContainerConfig::default() };
    let id = api.commit_container(options, config).await.unwrap().id;
    api.remove_container(&container, None).await.unwrap();
    let options = TagImageOptions { repo: Some(name.clone()), tag: Some("1".to_owned()) };
    api.tag_image(&id, Some(options)).await.unwrap();
    let options = PushImageOptions { tag: Some("1".to_owned()), ..PushImageOptions::default() };
    let pushed = api.push_image(&name, Some(options), None);
    pushed.for_each(|step| async move { drop(step.unwrap()) }).await;
    format!("{name}:1")
}
