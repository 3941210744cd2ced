//! Pictures of uploaded images, such as avatars, made by an engine: like tables, images are never decoded in the server's
//! process.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tables_wire::{Picture, Task, Work};

use super::cache::Key;
use super::pool::Owner;
use super::result::TableResult;
use super::source::{Source, TableContent};
use super::{Charge, Request, Tables};
use crate::access::ProfileGrant;
use crate::error::{Error, Result};

/// Maximum size of an uploaded image, in bytes.
pub const MAX_IMAGE: usize = 1 << 20;

/// Width and height of an avatar, in pixels.
const SIDE: u32 = 256;

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
        let engine = self.engine_version().await?;
        let tag = hex::encode(Sha256::digest(&image));
        let key = Key::of(&[b"picture", &engine, &SIDE.to_le_bytes(), tag.as_bytes()]);
        let size = image.len() as u64;
        let source = Source::new(self.0.files.clone(), vec![TableContent::Bytes { bytes: image, tag }], 0);
        let work = Work { tables: Vec::new(), task: Task::Picture(Picture { size, side: SIDE }) };
        let owner = Owner { actor: by.actor().key(), is_visitor: false };
        let timeout = self.0.timeout;
        let request = Request { work, source, engine, key, owner, kind: "picture", timeout, is_job: false };
        // Its result is kept by the caller.
        let result = self.compute(request, 0, charge).await?;
        let (picture, _) = TableResult::new(Vec::new(), result.parts).await?.gather().await?;
        Ok(picture)
    }
}
