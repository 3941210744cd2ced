//! Small pictures of images, made by an engine: avatars of uploaded images, and thumbnails of files. Like tables, images are
//! never decoded in the server's process.
//!
//! Avatars are kept by the caller. Thumbnails are in the result cache, keyed by content. Failures are cached, too.

use bytes::Bytes;
use futures::TryStreamExt as _;
use metastore::ObjectId;
use sha2::{Digest as _, Sha256};
use tables_wire::{Picture, PictureKind, Task, Work};

use super::cache::{CachedResult, Key};
use super::pool::Owner;
use super::result::TableResult;
use super::runs::{MAX_WAIT, RunKind};
use super::source::{Source, TableContent};
use super::{Charge, Request, Tables};
use crate::access::share_links::DownloadCounted;
use crate::access::{Actor, Fetch, Grant, ProfileGrant};
use crate::accounts::profiles::media_of;
use crate::error::{Error, Kind, Result};

/// Maximum size of an uploaded image, in bytes.
pub const MAX_IMAGE: usize = 1 << 20;

/// Width and height of an avatar, in pixels.
const AVATAR_SIDE: u32 = 256;

/// Maximum size of a file of which a thumbnail is made, in bytes. The engine limits its pixels.
const MAX_ORIGINAL: u64 = 32 << 20;

/// Maximum width and height of a thumbnail, in pixels.
const THUMBNAIL_SIDE: u32 = 320;

/// Maximum size of a thumbnail, in bytes.
const MAX_THUMBNAIL: u64 = 512 << 10;

/// How the names of files end of which thumbnails are made. No engine is started for others.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "gif", "webp"];

/// A thumbnail, as far as it is made.
pub enum Thumbnail {
    /// It is being made.
    Running,
    /// It is made.
    Done {
        /// Different thumbnails have different tags.
        tag: String,
        /// Its media type.
        media: &'static str,
        /// The file.
        picture: Bytes,
        /// The commit id of the revision.
        commit: ObjectId,
    },
}

impl Tables {
    /// Makes a small square picture, as JPEG or WebP, of an image in PNG, JPEG or WebP.
    ///
    /// # Errors
    /// Too large; invalid for anything but such an image; busy; unavailable without the engine.
    pub async fn avatar(&self, by: &ProfileGrant, image: Bytes, charge: Charge) -> Result<Vec<u8>> {
        if image.len() > MAX_IMAGE {
            return Err(Error::too_large("an image can have at most 1 MiB; make it smaller"));
        }
        if image.is_empty() {
            return Err(Error::invalid("the request has no image; send the bytes of a PNG, JPEG or WebP file"));
        }
        let tag = hex::encode(Sha256::digest(&image));
        let picture = Picture { size: image.len() as u64, side: AVATAR_SIDE, kind: PictureKind::Avatar };
        let request = self.picture(by.actor(), picture, TableContent::Bytes { bytes: image, tag }).await?;
        // Its result is kept by the caller.
        let result = self.compute(request, 0, charge).await?;
        let (picture, _) = TableResult::new(Vec::new(), result.parts).await?.gather().await?;
        Ok(picture)
    }

    /// Returns a small picture, as JPEG or WebP, of the image in the file of the grant. It is made once for each content, for
    /// all who may read it somewhere.
    ///
    /// # Errors
    /// Not found; unsupported media type for files whose name is not that of a PNG, JPEG, GIF or WebP image; too large; invalid
    /// for anything but such an image; busy; unavailable without the engine.
    pub async fn thumbnail(
        &self,
        grant: &Grant<Fetch>,
        revision: &str,
        counted: &DownloadCounted,
        charge: Charge,
    ) -> Result<Thumbnail> {
        let file = self.0.files.open(grant, Some(revision), counted).await?;
        if !has_thumbnail(&file.name) {
            return Err(Error::unsupported_media(
                "thumbnails are made of PNG, JPEG, GIF and WebP images only; read the file itself",
            ));
        }
        if file.size == 0 {
            return Err(Error::invalid("the image is empty"));
        }
        if file.size > MAX_ORIGINAL {
            let most = MAX_ORIGINAL >> 20;
            return Err(Error::too_large(format!(
                "thumbnails are made of images of at most {most} MiB; read the file itself"
            )));
        }
        let commit = file.revision();
        let picture = Picture { size: file.size, side: THUMBNAIL_SIDE, kind: PictureKind::Thumbnail };
        let request = self.picture(grant.actor(), picture, TableContent::File(Box::new(file))).await?;
        if let Some(reason) = self.0.cache.get(&failure_key(&request.key)).await {
            return Err(Error::invalid(String::from_utf8_lossy(&reason)));
        }
        let Ok(found) = self.finished(request, RunKind::Thumbnail, MAX_WAIT, &charge).await? else {
            return Ok(Thumbnail::Running);
        };
        let picture = whole(&found).await?;
        let media = media_of(&picture).ok_or_else(|| Error::internal("the engine has not made a small picture"))?;
        Ok(Thumbnail::Done { tag: found.tag, media, picture, commit })
    }

    /// Prepares the request for a picture of an image.
    async fn picture(&self, actor: &Actor, picture: Picture, image: TableContent) -> Result<Request> {
        let engine = self.engine_version().await?;
        let work = Work { tables: Vec::new(), task: Task::Picture(picture) };
        let task = serde_json::to_vec(&work.task).map_err(Error::internal)?;
        let key = Key::of(&[b"picture", &engine, &task, image.tag().as_bytes()]);
        let source = Source::new(self.0.files.clone(), vec![image], 0);
        let owner = Owner { actor: actor.key(), is_visitor: !actor.is_identified() };
        Ok(Request { work, source, engine, key, owner, kind: "picture", timeout: self.0.timeout, is_job: false })
    }

    /// Remembers why there is no thumbnail, if that is because of the content.
    pub(super) async fn remember_failure(&self, request: &Request, error: &Error) {
        if let Task::Picture(Picture { kind: PictureKind::Thumbnail, .. }) = request.work.task
            && error.kind() == Kind::Invalid
        {
            self.0.cache.put(&failure_key(&request.key), error.detail().as_bytes()).await;
        }
    }
}

/// Returns the key of the reason why there is no picture.
fn failure_key(picture: &Key) -> Key {
    Key::of(&[b"failure", picture.as_str().as_bytes()])
}

/// Returns true if the name is that of an image of which a thumbnail can be made.
fn has_thumbnail(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Reads a small result.
async fn whole(found: &CachedResult) -> Result<Bytes> {
    if found.size > MAX_THUMBNAIL {
        return Err(Error::internal(format!("a thumbnail has {} bytes", found.size)));
    }
    let read = found.read(0..found.size).try_fold(Vec::new(), async |mut all, block| {
        all.extend_from_slice(&block);
        Ok(all)
    });
    Ok(read.await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_are_made_of_images_only() {
        for name in ["a.png", "a.JPG", "a.b.jpeg", ".gif", "ü.WebP"] {
            assert!(has_thumbnail(name), "{name}");
        }
        for name in ["a.svg", "a.tiff", "png", "a.png.gz", "a.", ""] {
            assert!(!has_thumbnail(name), "{name}");
        }
    }
}
