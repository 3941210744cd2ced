//! Direct uploads: objects that clients send to a bucket in one request, with presigned URLs. Where a quota applies, they
//! are recorded, so that their bytes are reserved until they are verified or their URLs have expired, and then deleted.
//! Otherwise the URL of the verification says where they are.

use std::collections::HashMap;

use lfs::Oid;
use lfs::parts::Plan;
use lfs::sign::SignedClaim;
use lfs::store::{CloudStore, Key, PartsId, SignedUrl, UrlSigner};

use super::UploadSession;
use crate::clock;
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::storage::Storage;
use crate::storage::stores::Store;
use crate::storage::transfers::store_of;
use crate::types::{Id, UploadKind, query_value};

/// The target of a direct upload: a random, unguessable key.
#[derive(Clone, Copy)]
pub(in crate::storage) enum UploadTarget {
    /// The final key of the object, in stores that verify the checksum and accept no other bytes.
    Final([u8; 8]),
    /// A staging key; the object is verified afterwards.
    Staged([u8; 16]),
}

impl UploadTarget {
    /// Creates a target. `is_bare` is true for clients that ignore the headers given in the response.
    pub(in crate::storage) fn new(bucket: &CloudStore, is_bare: bool) -> Self {
        if is_bare || !bucket.proves_uploads() { Self::Staged(clock::random()) } else { Self::Final(clock::random()) }
    }

    /// Returns the presigned URL of the upload. In stores where a plain PUT needs a header, a bare client sends the only
    /// part of a multipart upload.
    pub(in crate::storage) fn upload(self, signer: &UrlSigner<'_>, oid: &Oid, is_part: bool) -> SignedUrl {
        let staged = |id| signer.stage(&Key::staging(id));
        match self {
            // A store without checksum support never gets this target.
            Self::Final(place) => signer.upload(&Key::new(oid, place), oid).unwrap_or_else(|| staged([0; 16])),
            Self::Staged(id) => match only_part(id) {
                Ok(part) if is_part => signer.part(&Key::staging(id), &part, 1),
                _ => staged(id),
            },
        }
    }

    /// Returns the query of the verify URL, with the id of the upload if it is recorded.
    pub(in crate::storage) fn query(self, recorded: Option<[u8; 16]>) -> String {
        match (recorded, self) {
            (Some(id), _) => format!("upload={}", hex::encode(id)),
            (None, Self::Final(place)) => format!("place={}", hex::encode(place)),
            (None, Self::Staged(id)) => format!("staged={}", hex::encode(id)),
        }
    }

    /// Parses the query of a verify URL. Earlier versions gave `part` to bare clients.
    fn parse(query: &str) -> Option<Self> {
        let value = |name| query_value(query, name).and_then(|value| hex::decode(value).ok());
        if let Some(place) = value("place") {
            return place.try_into().ok().map(Self::Final);
        }
        value("staged").or_else(|| value("part"))?.try_into().ok().map(Self::Staged)
    }
}

/// Returns the multipart id of a single-part upload.
fn only_part(id: [u8; 16]) -> Result<PartsId> {
    Ok(hex::encode(id).parse()?)
}

impl UploadSession {
    /// Creates a direct upload that is not recorded.
    fn direct(bucket: &CloudStore, target: UploadTarget, repo: Id, store: &str, oid: Oid, size: u64) -> Self {
        let mut session = Self::new(UploadKind::Staged, repo, store, size);
        session.row.oid = Some(oid.to_string());
        match target {
            UploadTarget::Final(place) => {
                session.row.kind = UploadKind::Direct;
                session.row.place = hex::encode(place);
            }
            UploadTarget::Staged(id) => {
                session.row.id = hex::encode(id);
                if !bucket.takes_bare_uploads() {
                    session.row.remote.clone_from(&session.row.id);
                }
            }
        }
        session
    }

    fn target(&self) -> Result<UploadTarget> {
        let place = hex::decode(&self.row.place).ok().and_then(|place| place.try_into().ok());
        Ok(match place {
            Some(place) => UploadTarget::Final(place),
            None => UploadTarget::Staged(self.raw_id()?),
        })
    }
}

impl Storage {
    /// Returns the upload targets of these objects, with the ids of their uploads. If the dataset has a quota,
    /// their bytes are reserved; a repeated request returns the same targets. Otherwise nothing is returned.
    ///
    /// # Errors
    /// Full if a quota is exceeded by concurrent uploads.
    pub(in crate::storage) async fn offer_direct(
        &self,
        dataset: &DatasetRow,
        store: &str,
        bucket: &CloudStore,
        is_bare: bool,
        wanted: &[(Oid, u64)],
    ) -> Result<HashMap<Oid, (UploadTarget, Option<[u8; 16]>)>> {
        let mut targets = HashMap::new();
        let Some(bounds) = EffectiveQuota::of(dataset, &self.0.quotas).filter(|_| !wanted.is_empty()) else {
            return Ok(targets);
        };
        let mut tx = self.0.db.write().await?;
        let mut ledger = QuotaUsage::lock(&mut tx, &[&bounds]).await?;
        if let Some(refusal) = ledger.refusal_of_news(&mut tx, &bounds, &mut wanted.to_vec(), 0).await? {
            return Err(Error::full(refusal));
        }
        for (oid, size) in wanted {
            let target = UploadTarget::new(bucket, is_bare);
            let mut session = UploadSession::direct(bucket, target, dataset.id, store, *oid, *size);
            session.row.expires_at = self.expiry(session.row.kind);
            let session = UploadSession::of(tx.add_upload_session(&session.row).await?)?;
            targets.insert(*oid, (session.target()?, Some(session.raw_id()?)));
        }
        tx.commit().await?;
        Ok(targets)
    }

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
            None => self.finish_signed(repo, ticket, query).await?,
        };
        match stored {
            None => Err(Error::not_found(format!("object {oid} has not been uploaded; upload it and verify again"))),
            Some(stored) if stored != size => {
                Err(Error::invalid(format!("object {oid} has {stored} bytes, not {size}; send the right size")))
            }
            Some(_) => Ok(()),
        }
    }

    /// Completes the upload of a verify URL. Returns the size in bytes of the object if the dataset holds it now.
    async fn finish_signed(&self, repo: Id, ticket: &SignedClaim, query: &str) -> Result<Option<u64>> {
        let SignedClaim { oid, size, .. } = *ticket;
        if let Some(id) = query_value(query, "upload") {
            let mut session = self.upload_by_id(repo, &id).await?;
            if session.is_direct() {
                // That of this URL: another one may have been announced with another size.
                session.plan = Plan::new(size);
                self.finish_now(&session).await?;
            } else {
                self.finish_upload(&session).await?;
            }
            return Ok(self.held(repo, &[oid]).await?.get(&oid).map(|held| held.size));
        }
        let (store, Some(target)) = (store_of(query), UploadTarget::parse(query)) else { return Ok(None) };
        let Store::Bucket(bucket) = self.0.stores.named(&store)? else { return Ok(None) };
        let session = UploadSession::direct(bucket, target, repo, &store, oid, size);
        self.finish_in_store(&session).await?;
        Ok(Some(size))
    }
}
