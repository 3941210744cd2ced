//! Networks and volumes.

use bollard::models::{EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest, NetworkInspect};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptions, RemoveContainerOptions, RemoveVolumeOptions,
    UploadToContainerOptions,
};

use super::engine::{self, Connection};
use super::spec::{self, SERVER, Site};
use crate::apps::backend::{Egress, Plan, VolumeMount};
use crate::error::{Error, Result};
use crate::types::Id;

/// How often to look for an object that another server creates or removes at the same time.
const ATTEMPTS: u32 = 20;

/// Pause between these attempts, in milliseconds.
const PAUSE_MS: u64 = 50;

/// The network of an install.
pub(super) struct Network {
    /// The address of its host.
    pub(super) gateway: String,
    /// True if it was created just now.
    pub(super) is_new: bool,
}

/// Returns the network of a run, and creates it if it does not exist. The container `join`, in which this server runs, is
/// attached to it.
///
/// # Errors
/// Conflict if it belongs to others; unavailable if the engine does not answer.
pub(super) async fn network(connection: &Connection, site: &Site, join: Option<&str>, plan: &Plan) -> Result<Network> {
    let name = site.name(plan.install);
    let mut is_new = false;
    for _ in 0..ATTEMPTS {
        let Some(found) = engine::find(connection.api.inspect_network(&name, None)).await? else {
            match engine::call(connection.api.create_network(site.network(plan))).await {
                Ok(_) => is_new = true,
                // Another server creates it: there cannot be two with the same bridge. It is not visible at once.
                Err(error) if matches!(engine::status(&error), Some(403 | 409)) => pause().await,
                Err(error) => return Err(engine::unavailable(error)),
            }
            continue;
        };
        if !site.owns_for(plan.install, found.labels.as_ref()) {
            return Err(Error::conflict(format!("the network `{name}` does not belong to this server")));
        }
        if found.internal != Some(plan.egress != Egress::Internet) {
            // It is from an earlier run.
            remove_network(connection, site, join, plan.install).await?;
            pause().await;
            continue;
        }
        if let Some(join) = join {
            attach(connection, join, &found, plan.egress).await?;
        }
        let gateway = found.ipam.into_iter().flat_map(|ipam| ipam.config.into_iter().flatten());
        let gateway = gateway.filter_map(|range| range.gateway).find(|address| !address.is_empty());
        let gateway =
            gateway.ok_or_else(|| Error::unavailable("the container engine states no gateway of a network"))?;
        return Ok(Network { gateway, is_new });
    }
    Err(Error::unavailable("the network of the app cannot be created; try again later"))
}

async fn pause() {
    tokio::time::sleep(std::time::Duration::from_millis(PAUSE_MS)).await;
}

/// Attaches the container in which this server runs. Without egress it is attached, too, because it has to reach the app,
/// but not by name.
async fn attach(connection: &Connection, join: &str, network: &NetworkInspect, egress: Egress) -> Result<()> {
    let attached = network.containers.iter().flatten();
    let is_join = |id: &str, name: Option<&String>| name.is_some_and(|name| name == join) || id.starts_with(join);
    if attached.into_iter().any(|(id, endpoint)| is_join(id, endpoint.name.as_ref())) {
        return Ok(());
    }
    let aliases = (egress != Egress::None).then(|| vec![SERVER.to_owned()]);
    let request = NetworkConnectRequest {
        container: join.to_owned(),
        endpoint_config: Some(EndpointSettings { aliases, ..EndpointSettings::default() }),
    };
    let name = network.name.as_deref().unwrap_or_default();
    match engine::call(connection.api.connect_network(name, request)).await {
        Ok(()) => Ok(()),
        // Another server was faster.
        Err(error) if engine::message(&error).contains("already exists in network") => Ok(()),
        Err(error) => Err(Error::unavailable(format!(
            "the container `{join}` cannot be attached to the network of an app: check apps.docker.join"
        ))
        .because(error)),
    }
}

/// Removes the network of an install, if there is one, and nothing else is attached to it.
///
/// # Errors
/// Unavailable if the engine does not answer.
pub(super) async fn remove_network(
    connection: &Connection,
    site: &Site,
    join: Option<&str>,
    install: Id,
) -> Result<()> {
    let name = site.name(install);
    let Some(found) = engine::find(connection.api.inspect_network(&name, None)).await? else { return Ok(()) };
    if !site.owns_for(install, found.labels.as_ref()) {
        return Ok(());
    }
    // By its id: another server may create a new one by this name.
    let id = found.id.unwrap_or(name);
    if let Some(join) = join {
        let request = NetworkDisconnectRequest { container: join.to_owned(), force: Some(true) };
        engine::settle(&[403, 404, 500], connection.api.disconnect_network(&id, request)).await?;
    }
    match engine::call(connection.api.remove_network(&id)).await {
        // Something is attached to it. `observe` still returns it, so that it is tried again.
        Err(error) if engine::status(&error) == Some(403) => {
            tracing::warn!(network = id, "the network of an app is still in use");
            Ok(())
        }
        Err(error) if engine::status(&error) != Some(404) => Err(engine::unavailable(error)),
        _ => Ok(()),
    }
}

/// Creates a volume if it does not exist, and makes the app's user its owner.
///
/// # Errors
/// Conflict if it belongs to others; unavailable if the engine does not answer.
pub(super) async fn volume(connection: &Connection, site: &Site, plan: &Plan, volume: &VolumeMount) -> Result<()> {
    // Does nothing if there is one of this name.
    let created = engine::call(connection.api.create_volume(site.volume(plan.install, volume))).await;
    created.map_err(engine::unavailable)?;
    // After a restart of the engine, its answer lacks the labels of a volume that existed (20.10).
    let found = engine::call(connection.api.inspect_volume(&volume.name)).await.map_err(engine::unavailable)?;
    if !site.owns(Some(&found.labels)) {
        return Err(Error::conflict(format!("the volume `{}` does not belong to this server", volume.name)));
    }
    // A new volume belongs to root. The engine can change that by unpacking an archive, but not at the top of a volume
    // and not with a read-only root: this takes a second container, above the volume, in which nothing ever runs.
    // Each server takes a container of its own, so that none removes that of another.
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let created = connection.api.create_container(None::<CreateContainerOptions>, site.owner(plan, volume));
        let id = engine::call(created).await.map_err(engine::unavailable)?.id;
        let options = UploadToContainerOptions { path: "/".to_owned(), ..UploadToContainerOptions::default() };
        let archive = bollard::body_full(spec::owner_archive(plan.user).into());
        let uploaded = engine::call(connection.api.upload_to_container(&id, Some(options), archive)).await;
        remove_container(connection, &id).await?;
        match uploaded {
            Ok(()) => return Ok(()),
            // Another server stops the app, and has removed the container, which fails in various ways.
            Err(error) => last = Some(error),
        }
        pause().await;
    }
    let error = Error::unavailable("the volume of the app cannot be prepared; try again later");
    Err(match last {
        Some(cause) => error.because(cause),
        None => error,
    })
}

/// Removes containers that were to set the owner of a volume, and are left because a server was interrupted.
///
/// # Errors
/// Unavailable if the engine does not answer.
pub(super) async fn remove_owners(connection: &Connection, site: &Site, install: Id) -> Result<()> {
    let filters = Some(site.filter_for(install));
    let options = ListContainersOptions { all: true, filters, ..ListContainersOptions::default() };
    let found = engine::call(connection.api.list_containers(Some(options))).await.map_err(engine::unavailable)?;
    for container in found {
        if spec::run_of(&container.labels.unwrap_or_default()).is_none() {
            remove_container(connection, &container.id.unwrap_or_default()).await?;
        }
    }
    Ok(())
}

/// Removes a container, with volumes that have no name.
///
/// # Errors
/// Unavailable if the engine does not answer.
pub(super) async fn remove_container(connection: &Connection, id: &str) -> Result<()> {
    let options = RemoveContainerOptions { v: true, force: true, link: false };
    // 409: another server removes it.
    engine::settle(&[404, 409], connection.api.remove_container(id, Some(options))).await
}

/// Deletes a volume.
///
/// # Errors
/// Conflict while a container uses it, or if it belongs to others; unavailable if the engine does not answer.
pub(super) async fn remove_volume(connection: &Connection, site: &Site, name: &str) -> Result<()> {
    let Some(found) = engine::find(connection.api.inspect_volume(name)).await? else { return Ok(()) };
    if !site.owns(Some(&found.labels)) {
        return Err(Error::conflict(format!("the volume `{name}` does not belong to this server")));
    }
    match engine::call(connection.api.remove_volume(name, None::<RemoveVolumeOptions>)).await {
        Err(error) if engine::status(&error) == Some(409) => {
            Err(Error::conflict(format!("the volume `{name}` is in use: stop its app first")).because(error))
        }
        Err(error) if engine::status(&error) != Some(404) => Err(engine::unavailable(error)),
        _ => Ok(()),
    }
}
