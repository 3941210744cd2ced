//! Transfers through signed URLs of this server.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use lfs::sign::{SignError, SignedClaim, Verb};
use lfs::store::Object;
use lfs::{LocalStore, Oid};
use tokio::sync::OwnedSemaphorePermit;

use super::Storage;
use super::check::Damage;
use super::packed::{Reconstruction, signed_range};
use super::read_range::Blocks;
use super::stores::{Stat, Store};
use crate::config::DEFAULT_STORE;
use crate::db::objects::{NewObject, XorbRow};
use crate::db::{oid, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, query_value};

/// Permission to transfer one object, from a signed URL, and one of the concurrent transfer slots.
pub struct Transfer {
    /// The signed ticket.
    pub ticket: SignedClaim,
    permit: OwnedSemaphorePermit,
}

/// An object to be sent.
pub struct Sending(Source);

enum Source {
    File(Object),
    /// It is put together from chunks.
    Packed(Storage, Arc<Reconstruction>),
    /// It is a xorb, of this size.
    Stored(Storage, Arc<XorbRow>, u64),
}

impl Sending {
    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Source::File(object) => object.size(),
            Source::Packed(_, object) => object.len(),
            Source::Stored(.., size) => *size,
        }
    }

    /// Streams the bytes of a range.
    pub async fn stream(self, range: Range<u64>) -> Result<Blocks> {
        match self.0 {
            Source::File(object) => Ok(object.stream(range).map_err(Error::from).boxed()),
            Source::Packed(storage, object) => Ok(storage.read_packed(object, range)),
            Source::Stored(storage, row, _) => {
                let blocks = storage.read_from_store(&row.store, &oid(&row.oid)?, &row.place, range).await?;
                blocks.ok_or_else(|| Error::not_found("the xorb is missing in the store"))
            }
        }
    }
}

impl Storage {
    /// Verifies a signed URL. `query` is the URL's query string as received, which the signature covers.
    ///
    /// # Errors
    /// Forbidden for a token that is forged, expired, or issued for another operation (git-lfs then requests a new
    /// one); busy over the limit of concurrent transfers.
    pub fn admit(&self, token: &str, query: &str, verb: Verb) -> Result<Transfer> {
        let ticket = self.ticket(token, query, verb)?;
        Ok(Transfer { ticket, permit: self.place()? })
    }

    /// Takes a transfer slot.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit> {
        let permit = self.0.transfers.clone().try_acquire_owned();
        permit.map_err(|_| Error::busy("too many concurrent transfers; try again in a moment"))
    }

    /// Like [`Storage::admit`], for operations that finish at once and need no transfer slot.
    pub fn ticket(&self, token: &str, query: &str, verb: Verb) -> Result<SignedClaim> {
        let ticket = self.0.signer.open(token, query, self.0.clock.now().seconds()).map_err(|error| match error {
            SignError::Expired => Error::forbidden("this URL has expired; request a new one from the batch API"),
            SignError::Malformed | SignError::Forged => {
                Error::forbidden("invalid signed URL; request a new one from the batch API")
            }
        })?;
        if ticket.verb != verb {
            return Err(Error::forbidden("this URL is for another operation; request a new one from the batch API"));
        }
        Ok(ticket)
    }

    /// Receives the bytes of an object. It becomes visible only if they match the ticket, and only to the ticket's
    /// dataset.
    ///
    /// # Errors
    /// Invalid for wrong bytes or a wrong size, detected early from `content_length`; not found if the dataset is gone;
    /// full if a quota is exceeded.
    pub async fn receive<S, E>(
        &self,
        transfer: Transfer,
        query: &str,
        content_length: Option<u64>,
        body: S,
    ) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let SignedClaim { repository, oid, size, .. } = transfer.ticket;
        if content_length.is_some_and(|length| length != size) {
            return Err(Error::invalid(format!(
                "Content-Length does not match the object's size of {size} bytes; send exactly that many bytes"
            )));
        }
        let store = store_of(query);
        let folder = self.folder(&store)?;
        let repo = Id::from_bytes(repository);
        let arrival = NewObject { repo, oid, size, store, place: String::new(), xorb: None, packed: None };
        self.expect_room(&arrival, false).await?;
        folder.put(&oid, size, counted(body)).await?;
        self.record_in_folder(folder, arrival, None).await
    }

    /// Returns a local store, whose bytes pass through this server.
    fn folder(&self, store: &str) -> Result<&LocalStore> {
        match self.0.stores.named(store)? {
            Store::Folder(folder) => Ok(folder),
            // Clients use the bucket's own URLs; this one was issued before the configuration changed.
            Store::Bucket(_) => {
                Err(Error::forbidden("the dataset has moved to another store; request a new URL from the batch API"))
            }
        }
    }

    /// Opens an object for sending. The transfer slot is held until the response body is dropped.
    pub async fn send(&self, transfer: &Transfer, query: &str) -> Result<Sending> {
        let SignedClaim { repository, oid, .. } = transfer.ticket;
        let repo = Id::from_bytes(repository);
        if signed_range(query).is_some() {
            return self.send_xorb(&store_of(query), &oid).await;
        }
        let missing =
            || Error::not_found(format!("object {oid} not found in this dataset; upload it with `git lfs push --all`"));
        let held = self.held(repo, &[oid]).await?;
        let is_packed = held.get(&oid).ok_or_else(missing)?.is_packed;
        let store = store_of(query);
        if is_packed {
            return self.send_packed(&store, &oid).await;
        }
        let folder = self.folder(&store)?;
        let seen = match folder.get(&oid).await {
            Ok(object) if object.size() == transfer.ticket.size => return Ok(Sending(Source::File(object))),
            Ok(_) | Err(lfs::Error::NotFound(_)) => folder.stat(&oid).await?,
            Err(error) => return Err(error.into()),
        };
        if seen.is_some_and(|stamp| stamp.size == transfer.ticket.size) {
            return Err(Error::busy("the object has just been replaced; try again"));
        }
        if seen.is_none() && self.is_packed(&store, &oid).await? {
            // Packed since it was looked up.
            return self.send_packed(&store, &oid).await;
        }
        tracing::error!(%oid, "an object is missing in the store or has the wrong size");
        let damage = if seen.is_some() { Damage::Size } else { Damage::Missing };
        self.quarantine(&store, &oid, "", seen.map(Stat::Folder), damage).await?;
        Err(Error::not_found(format!("object {oid} is damaged; upload it again with `git lfs push --all`")))
    }

    /// Opens a packed object for sending.
    async fn send_packed(&self, store: &str, oid: &Oid) -> Result<Sending> {
        let object = self.reconstruction(store, oid).await?;
        let object = object.ok_or_else(|| Error::busy("the object has just been replaced; try again"))?;
        Ok(Sending(Source::Packed(self.clone(), Arc::new(object))))
    }

    /// Opens a xorb for sending, to a client with a signed URL for a part of it.
    async fn send_xorb(&self, store: &str, oid: &Oid) -> Result<Sending> {
        let found = self.0.db.read().await?.object(store, oid).await?;
        let (size, _, place) = found
            .filter(|(_, state, _)| state == "ready")
            .ok_or_else(|| Error::not_found("the xorb was deleted; request the URLs of the file again"))?;
        let row = XorbRow { hash: String::new(), store: store.to_owned(), oid: oid.to_string(), size, place };
        Ok(Sending(Source::Stored(self.clone(), Arc::new(row), unsigned(size))))
    }
}

impl Transfer {
    /// Checks that a URL for a part of a xorb is not used for another part.
    ///
    /// # Errors
    /// Forbidden.
    pub fn expect_range(&self, query: &str, wanted: &Range<u64>) -> Result<()> {
        match signed_range(query) {
            Some(signed) if wanted.start < signed.start || wanted.end > signed.end => Err(Error::forbidden(format!(
                "this URL is for bytes {} to {}; request them with the header Range",
                signed.start, signed.end
            ))),
            _ => Ok(()),
        }
    }

    /// Holds the transfer slot for as long as the stream lives, and counts its bytes.
    pub fn guard(
        self,
        body: impl Stream<Item = Result<Bytes>> + Send + 'static,
    ) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let sent = metrics::counter!("rutter_lfs_sent_bytes_total");
        body.inspect_ok(move |block| {
            let _place = &self.permit;
            sent.increment(block.len() as u64);
        })
    }
}

/// Counts the received bytes of an upload, whether it succeeds or not.
pub(super) fn counted<E>(
    body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> impl Stream<Item = Result<Bytes, E>> + Unpin {
    let received = metrics::counter!("rutter_lfs_received_bytes_total");
    body.inspect_ok(move |block| received.increment(block.len() as u64))
}

/// Returns the store named in the query of a signed URL.
pub(super) fn store_of(query: &str) -> String {
    query_value(query, "store").unwrap_or_else(|| DEFAULT_STORE.to_owned())
}
