//! Direct uploads: objects that clients upload to a bucket with presigned URLs, verified here before they become part
//! of the dataset.

use std::time::Duration;

use lfs::Oid;
use lfs::sign::SignedClaim;
use lfs::store::{CloudStore, Key, PartsId, SignedUrl, UrlSigner};

use super::stores::{self, Store};
use super::{Storage, parameter, store_of};
use crate::clock;
use crate::db::objects::NewObject;
use crate::db::signed;
use crate::db::usage::Reservation;
use crate::error::{self, Error, Result};
use crate::jobs::{self, Kind};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::types::Id;

/// The target of a direct upload.
#[derive(Clone, Copy)]
pub(super) enum UploadTarget {
    /// The final key of the object, in stores that verify the checksum and accept no other bytes.
    Proven([u8; 8]),
    /// A staging key; the object is verified afterwards.
    Staged([u8; 16]),
    /// A staging key, as the only part of a multipart upload: for stores where a plain PUT needs a header that the
    /// client does not send.
    Part([u8; 16]),
}

impl UploadTarget {
    /// Creates a target with a random, unguessable key. `is_bare` is true for clients that ignore the headers given in
    /// the response.
    pub(super) fn new(bucket: &CloudStore, is_bare: bool) -> Self {
        if is_bare && !bucket.takes_bare_uploads() {
            Self::Part(clock::random())
        } else if is_bare || !bucket.proves_uploads() {
            Self::Staged(clock::random())
        } else {
            Self::Proven(clock::random())
        }
    }

    /// Returns the presigned URL of the upload.
    pub(super) fn upload(self, signer: &UrlSigner<'_>, oid: &Oid) -> SignedUrl {
        let staged = |id| signer.stage(&Key::staging(id));
        match self {
            // A store without checksum support never gets this target.
            Self::Proven(place) => signer.upload(&Key::new(oid, place), oid).unwrap_or_else(|| staged([0; 16])),
            Self::Staged(id) => staged(id),
            Self::Part(id) => match only_part(id) {
                Ok(part) => signer.part(&Key::staging(id), &part, 1),
                Err(_) => staged(id),
            },
        }
    }

    /// Returns the query of the verify URL.
    pub(super) fn query(self) -> String {
        let (kind, name) = self.named();
        format!("{kind}={name}")
    }

    /// Returns the kind of target and its id.
    pub(super) fn named(self) -> (&'static str, String) {
        match self {
            Self::Proven(place) => ("place", hex::encode(place)),
            Self::Staged(id) => ("staged", hex::encode(id)),
            Self::Part(id) => ("part", hex::encode(id)),
        }
    }

    /// Parses a target from its kind and id.
    pub(super) fn of(kind: &str, name: &str) -> Result<Self> {
        let bytes = hex::decode(name).unwrap_or_default();
        let found = match kind {
            "place" => bytes.try_into().ok().map(Self::Proven),
            "staged" => bytes.try_into().ok().map(Self::Staged),
            "part" => bytes.try_into().ok().map(Self::Part),
            _ => None,
        };
        found.ok_or_else(|| Error::internal("the target of an upload is corrupt in the database"))
    }
}

/// Returns the multipart id of a single-part upload.
pub(super) fn only_part(id: [u8; 16]) -> Result<PartsId> {
    Ok(hex::encode(id).parse()?)
}

/// The uploaded size differs from the one in the batch request.
fn other_size(ticket: &SignedClaim, arrived: u64) -> Error {
    Error::invalid(format!(
        "wrong size of object {}: expected {} bytes, got {arrived}; upload it again",
        ticket.oid, ticket.size
    ))
}

impl Storage {
    /// Verifies an upload; for a bucket, this makes the object part of the dataset.
    ///
    /// # Errors
    /// Not found if nothing was uploaded; invalid for another size or object than the URL was issued for, and for a
    /// wrong checksum.
    pub async fn verify(&self, ticket: &SignedClaim, query: &str, oid: Oid, size: u64) -> Result<()> {
        if ticket.oid != oid {
            return Err(Error::invalid("this URL is for another object; use the verify URL of this object"));
        }
        let repo = Id::from_bytes(ticket.repository);
        let stored = match self.held(repo, &[oid]).await?.get(&oid) {
            Some(held) => Some(held.size),
            None => self.look_for(repo, ticket, query).await?,
        };
        match stored {
            None => Err(Error::not_found(format!("object {oid} has not been uploaded; upload it and verify again"))),
            Some(stored) if stored != size => {
                Err(Error::invalid(format!("object {oid} has {stored} bytes, not {size}; send the right size")))
            }
            Some(_) => Ok(()),
        }
    }

    /// Looks for an upload and records it. Returns the size in bytes of the object if the dataset holds it now.
    async fn look_for(&self, repo: Id, ticket: &SignedClaim, query: &str) -> Result<Option<u64>> {
        if let Some(id) = parameter(query, "upload") {
            self.finish(id).await?;
            return Ok(self.held(repo, &[ticket.oid]).await?.get(&ticket.oid).map(|held| held.size));
        }
        let store = store_of(query);
        let Store::Bucket(bucket) = self.0.stores.named(store)? else { return Ok(None) };
        let found = if let Some(place) = parameter(query, "place") {
            let key = stores::key(&ticket.oid, place)?;
            let Some(found) = bucket.stat(&key).await? else { return Ok(None) };
            // The presigned URL covers the checksum but not the size, and the limits were checked with the size.
            if found.size != ticket.size {
                bucket.remove(&key).await?;
                return Err(other_size(ticket, found.size));
            }
            let place = place.to_owned();
            let arrival = NewObject { repo, oid: ticket.oid, size: found.size, store: store.into(), place };
            self.0.holdings_writer.hold(arrival, Some(Reservation::Direct("place"))).await?;
            found.size
        } else if let Some(id) = parameter(query, "staged").or(parameter(query, "part")) {
            let id = hex::decode(id).ok().and_then(|id| id.try_into().ok());
            let id = id.ok_or_else(|| Error::invalid("invalid upload URL; request a new one from the batch API"))?;
            let staged = Key::staging(id);
            let arrival =
                NewObject { repo, oid: ticket.oid, size: ticket.size, store: store.into(), place: String::new() };
            self.expect_room(&arrival, true).await?;
            if parameter(query, "part").is_some()
                && let Some(parts) = bucket.parts(&staged, &only_part(id)?).await?
                && !parts.is_empty()
            {
                bucket.complete_parts(&staged, &only_part(id)?, &parts).await?;
            }
            let kind = if parameter(query, "part").is_some() { "part" } else { "staged" };
            let reservation = Some(Reservation::Direct(kind));
            match self.admit_staged(ticket, store, bucket, &staged, self.0.hash_bytes, reservation).await? {
                None => return Ok(None),
                Some(size) => size,
            }
        } else {
            return Ok(None);
        };
        metrics::counter!("rutter_lfs_direct_bytes_total").increment(found);
        Ok(Some(found))
    }

    /// Verifies a staged object and, if it is the promised one, moves it to its final key.
    ///
    /// Objects larger than `hashed_up_to` are accepted by size alone if no other dataset is affected.
    ///
    /// The object is copied first: the upload URL can overwrite it at any moment, but only in staging.
    pub(super) async fn admit_staged(
        &self,
        ticket: &SignedClaim,
        store: &str,
        bucket: &CloudStore,
        staged: &Key,
        hashed_up_to: u64,
        reservation: Option<Reservation>,
    ) -> Result<Option<u64>> {
        let SignedClaim { oid, size, repository, .. } = *ticket;
        let repo = Id::from_bytes(repository);
        let Some(found) = bucket.stat(staged).await? else { return Ok(None) };
        if found.size != size {
            bucket.remove(staged).await?;
            return Err(other_size(ticket, found.size));
        }
        let place = clock::random::<8>();
        let key = Key::new(&oid, place);
        if !bucket.promote(staged, &key).await? {
            return Ok(None);
        }
        let arrival = NewObject { repo, oid, size, store: store.to_owned(), place: hex::encode(place) };
        let taken = async {
            if size > hashed_up_to && self.take_on_size(&arrival, reservation.as_ref()).await? {
                return Ok(());
            }
            if bucket.hash(&key).await? != Some((oid, size)) {
                bucket.remove_all(&[key.clone(), staged.clone()]).await?;
                return Err(Error::invalid(format!(
                    "SHA-256 mismatch: the uploaded bytes are not object {oid}; upload it again"
                )));
            }
            self.0.holdings_writer.hold(arrival.clone(), reservation.clone()).await
        };
        if let Err(error) = taken.await {
            if error.kind() == error::Kind::Full {
                // The copy is not referenced by anything. The staged object stays for another attempt, until it is
                // swept.
                bucket.remove(&key).await?;
            }
            return Err(error);
        }
        bucket.remove(staged).await?;
        Ok(Some(size))
    }

    /// Accepts a large object without hashing it; a job verifies it later. Returns false if other datasets use the
    /// object, or might: for them it must be verified first.
    async fn take_on_size(&self, arrival: &NewObject, reservation: Option<&Reservation>) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        let Some(target) = tx.object_target(arrival).await? else {
            return Err(Error::not_found("the dataset has been deleted"));
        };
        if let Some(bounds) = EffectiveQuota::of(&target.dataset, &self.0.quotas) {
            let mut ledger = QuotaUsage::lock(&mut tx, &[&bounds]).await?;
            if let Some(refusal) = ledger.admit(&mut tx, &bounds, arrival, reservation.is_some()).await? {
                return Err(refusal);
            }
        }
        if target.known_bytes.is_some_and(|known| known != signed(arrival.size)) {
            tx.resize(arrival).await?;
        }
        let Some(is_new) = tx.hold_unproven(arrival, self.0.clock.now()).await? else { return Ok(false) };
        if is_new {
            tx.add_usage(arrival.repo, signed(arrival.size), 1).await?;
        }
        if let Some(reservation) = reservation {
            tx.end_reservation(arrival.repo, &arrival.oid, reservation).await?;
        }
        let subject = format!("{}/{}", arrival.store, arrival.oid);
        jobs::enqueue(&mut tx, &self.0.clock, Kind::VerifyObject, &subject, Duration::ZERO).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Verifies an object that was accepted by size. `subject` is `store/oid`.
    pub async fn prove(&self, subject: &str) -> Result<()> {
        let (name, oid) = subject.split_once('/').ok_or_else(|| Error::internal("a verification job has no object"))?;
        let oid = crate::db::oid(oid)?;
        let Some((_, state, place)) = self.0.db.read().await?.object(name, &oid).await? else { return Ok(()) };
        if state != "unproven" {
            return Ok(());
        }
        let is_sound = self.0.stores.named(name)?.is_sound(&oid, &place).await?;
        let mut tx = self.0.db.write().await?;
        tx.set_in_use(name, &oid, &place, is_sound).await?;
        if !is_sound {
            let (id, now, request) = (self.0.clock.id(), self.0.clock.now(), crate::request::id());
            tx.insert_audit(id, now, "rutter", "object.quarantined", subject, "SHA-256 mismatch", &request).await?;
            tracing::error!(store = name, %oid, "SHA-256 mismatch: an object is corrupt and must be uploaded again");
            metrics::counter!("rutter_objects_quarantined_total").increment(1);
        }
        tx.commit().await
    }
}
