//! Idempotency keys: repeating a commit does not create a second revision.

use std::time::Duration;

use metastore::ObjectId;

use super::{Datasets, object_id};
use crate::access::{Grant, Write};
use crate::error::{Error, Result};

/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_KEY_TTL: Duration = Duration::from_hours(24);

/// An idempotency key: repeating the request does not create a second revision
/// (draft-ietf-httpapi-idempotency-key-header).
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The key chosen by the client.
    pub key: String,
    /// Digest of the whole request: a different request cannot reuse the key.
    pub digest: String,
}

impl Datasets {
    /// Returns the revision that this request has already created.
    ///
    /// # Errors
    /// Invalid if the same actor used the key for a different request.
    pub async fn made_by(&self, by: &Grant<Write>, once: &IdempotencyKey) -> Result<Option<ObjectId>> {
        let after = self.clock.now().minus(IDEMPOTENCY_KEY_TTL);
        let mut tx = self.db.read().await?;
        match tx.idempotency_key(by.id(), &by.actor().key(), &once.key, after).await? {
            None => Ok(None),
            Some((digest, revision)) if digest == once.digest => object_id(&revision).map(Some),
            Some(_) => {
                Err(Error::invalid("the `Idempotency-Key` was already used for a different request; use a new key"))
            }
        }
    }
}
