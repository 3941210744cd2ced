//! Permission checks for credentials that may be limited to single objects.
//!
//! ```compile_fail,E0616
//! use rutter::access::{Fetch, Grant, ObjectGrant};
//! // The limit to single objects cannot be bypassed.
//! fn bytes(within: ObjectGrant<Fetch>) -> Grant<Fetch> {
//!     within.grant
//! }
//! ```

use std::collections::HashSet;

use lfs::Oid;

use super::{Grant, Includes, Read, Right};
use crate::error::{Error, Kind, Result};

/// A permission check that passed, possibly for single objects of a dataset only. It reveals its grant for nothing
/// else.
#[derive(Debug)]
pub struct ObjectGrant<R: Right> {
    grant: Grant<R>,
    /// The objects; `None` for the whole dataset.
    objects: Option<HashSet<Oid>>,
}

impl<R: Right> ObjectGrant<R> {
    pub(super) fn whole(grant: Grant<R>) -> Self {
        Self { grant, objects: None }
    }

    pub(super) fn objects(grant: Grant<R>, objects: Vec<Oid>) -> Self {
        Self { grant, objects: Some(objects.into_iter().collect()) }
    }
}

impl<R: Right + Includes<Read>> ObjectGrant<R> {
    /// Returns the grant with the result of `find`, if that is an object that the check covers; `object` extracts its
    /// id.
    ///
    /// # Errors
    /// Those of `find`. If the check covers single objects only, `hidden` for everything else, whether it exists or
    /// not: the credential must not reveal other objects.
    pub async fn reveal<T>(
        self,
        find: impl AsyncFnOnce(&Grant<Read>) -> Result<T>,
        object: impl FnOnce(&T) -> Option<Oid>,
        hidden: impl FnOnce() -> Error,
    ) -> Result<(Grant<R>, T)> {
        let found = find(&self.grant.narrow()).await;
        let Some(objects) = self.objects else { return Ok((self.grant, found?)) };
        match found {
            Ok(found) if object(&found).is_some_and(|oid| objects.contains(&oid)) => Ok((self.grant, found)),
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            Ok(_) | Err(_) => Err(hidden()),
        }
    }
}
