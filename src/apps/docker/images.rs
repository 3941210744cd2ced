//! Images: looking them up in their registries, and downloading them in the background.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::query_parameters::CreateImageOptions;
use futures::StreamExt as _;

use super::engine::{self, Connection};
use crate::apps::backend::{ImageRef, PinnedImage, is_digest};
use crate::error::{Error, Result};

/// Longest time without progress of a download.
const STALLED: Duration = Duration::from_mins(5);

/// What registries and the engine say about images that do not exist, are private, or are for another platform.
const ABSENT: [&str; 9] = [
    "manifest unknown",
    "not found",
    "name unknown",
    "no matching manifest",
    "cannot be used on this platform",
    "denied",
    "unauthorized",
    "authentication required",
    "does not exist",
];

/// Looks up an image in its registry.
///
/// # Errors
/// Not found if there is no such image; unavailable if the registry does not answer.
pub(super) async fn resolve(connection: &Connection, image: &ImageRef) -> Result<PinnedImage> {
    let reference = image.digest().map_or_else(|| image.to_string(), |digest| image.pinned(digest));
    let found = engine::call(connection.api.inspect_registry_image(&reference, None)).await;
    let found = found.map_err(|error| match engine::status(&error) {
        Some(_) if is_absent(&error) => {
            Error::not_found(format!("the registry has no image `{image}`, or it is private")).because(error)
        }
        Some(_) => {
            Error::unavailable(format!("the registry of `{image}` is unavailable; try again later")).because(error)
        }
        None => engine::unavailable(error),
    })?;
    let digest = found.descriptor.digest.filter(|digest| is_digest(digest));
    let digest = digest.ok_or_else(|| Error::unavailable(format!("the registry states no digest of `{image}`")))?;
    Ok(PinnedImage { digest })
}

fn is_absent(error: &ApiError) -> bool {
    let message = engine::message(error).to_lowercase();
    ABSENT.iter().any(|text| message.contains(text))
        || matches!(error, ApiError::DockerStreamError { .. }) && message.contains("unsupported manifest")
}

/// Downloads of this process, by image.
#[derive(Default)]
pub(super) struct Downloads(Arc<Mutex<HashMap<String, Download>>>);

enum Download {
    UnderWay,
    Failed(ApiError),
}

impl Downloads {
    /// Begins to download an image, unless that is under way. Reports once how the last attempt failed.
    ///
    /// # Errors
    /// Unavailable if the registry or the engine did not answer; not found if it has no such image for this platform.
    pub(super) fn begin(&self, connection: &Connection, image: &str) -> Result<()> {
        let mut downloads = self.0.lock().expect("no code panics with this lock");
        match downloads.entry(image.to_owned()) {
            Entry::Occupied(entry) => match entry.get() {
                Download::UnderWay => return Ok(()),
                Download::Failed(_) => {
                    let Download::Failed(error) = entry.remove() else { return Ok(()) };
                    return Err(failure(image, error));
                }
            },
            Entry::Vacant(entry) => _ = entry.insert(Download::UnderWay),
        }
        let (downloads, api, image) = (Arc::clone(&self.0), connection.api.clone(), image.to_owned());
        tokio::spawn(async move {
            let result = download(&api, &image).await;
            let mut downloads = downloads.lock().expect("no code panics with this lock");
            match result {
                Ok(()) => _ = downloads.remove(&image),
                Err(error) => _ = downloads.insert(image, Download::Failed(error)),
            }
        });
        Ok(())
    }
}

async fn download(api: &bollard::Docker, image: &str) -> Result<(), ApiError> {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    let options = CreateImageOptions {
        from_image: Some(name.to_owned()),
        tag: Some(digest.to_owned()),
        ..CreateImageOptions::default()
    };
    let api = api.clone().with_timeout(STALLED);
    let mut progress = std::pin::pin!(api.create_image(Some(options), None, None));
    loop {
        match tokio::time::timeout(STALLED, progress.next()).await {
            Ok(Some(step)) => _ = step?,
            Ok(None) => return Ok(()),
            Err(_) => return Err(ApiError::RequestTimeoutError),
        }
    }
}

fn failure(image: &str, error: ApiError) -> Error {
    if is_absent(&error) {
        return Error::not_found(format!("the registry has no image `{image}` for this platform, or it is private"))
            .because(error);
    }
    match error {
        ApiError::DockerStreamError { .. } | ApiError::DockerResponseServerError { .. } => {
            Error::unavailable(format!("the image `{image}` could not be downloaded; try again later")).because(error)
        }
        error => engine::unavailable(error),
    }
}
