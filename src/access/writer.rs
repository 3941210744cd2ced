//! Common interface of the permission checks that allow creating a revision, for a dataset or a part of one.

use super::{Actor, Grant, PathGrant, Write};
use crate::db::datasets::DatasetRow;
use crate::types::Id;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Grant<super::Write> {}
    impl Sealed for super::PathGrant<super::Write> {}
}

/// Permission to write to a dataset, or to a part of it. For a part, the caller must check that nothing else is
/// changed.
pub trait Writer: sealed::Sealed + Send + Sync {
    /// Returns the dataset.
    fn dataset(&self) -> &DatasetRow;

    /// Returns the actor.
    fn actor(&self) -> &Actor;

    /// Returns the dataset's id.
    fn id(&self) -> Id {
        self.dataset().id
    }

    /// Returns `owner/name` of the dataset.
    fn path(&self) -> String {
        format!("{}/{}", self.dataset().owner_name, self.dataset().name)
    }
}

impl Writer for Grant<Write> {
    fn dataset(&self) -> &DatasetRow {
        self.dataset()
    }

    fn actor(&self) -> &Actor {
        self.actor()
    }
}

impl Writer for PathGrant<Write> {
    fn dataset(&self) -> &DatasetRow {
        self.dataset()
    }

    fn actor(&self) -> &Actor {
        self.actor()
    }
}
