//! Decisions for credentials that may be limited to single objects.
//!
//! ```compile_fail,E0616
//! use rutter::access::{Fetch, Grant, Within};
//! // What it is limited to cannot be passed over.
//! fn bytes(within: Within<Fetch>) -> Grant<Fetch> {
//!     within.grant
//! }
//! ```

use std::collections::HashSet;

use lfs::Oid;

use super::{Grant, Includes, Read, Right};
use crate::error::{Error, Kind, Result};

/// A decision that may be about single objects of a dataset, and gives its grant for nothing else.
#[derive(Debug)]
pub struct Within<R: Right> {
    grant: Grant<R>,
    /// Those that it is about; `None` for the whole dataset.
    objects: Option<HashSet<Oid>>,
}

impl<R: Right> Within<R> {
    pub(super) fn whole(grant: Grant<R>) -> Self {
        Self { grant, objects: None }
    }

    pub(super) fn objects(grant: Grant<R>, objects: Vec<Oid>) -> Self {
        Self { grant, objects: Some(objects.into_iter().collect()) }
    }
}

impl<R: Right + Includes<Read>> Within<R> {
    /// The grant with what `find` has found, if that is of an object that the decision is about, as `object` names it.
    ///
    /// # Errors
    /// Those of `find`. Where the decision is about single objects, `hidden` for everything else, whether it is there or
    /// not: they must not tell what else there is.
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
