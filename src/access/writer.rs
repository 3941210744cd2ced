//! What making a revision needs of a decision, be it about a dataset or a part of one.

use super::{Actor, Grant, Part, Write};
use crate::db::datasets::DatasetRow;
use crate::types::Id;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Grant<super::Write> {}
    impl Sealed for super::Part<super::Write> {}
}

/// Somebody who may write to a dataset, or to a part of it: where it is only a part, who takes one must look that
/// nothing else is changed.
pub trait Writer: sealed::Sealed + Send + Sync {
    /// The dataset.
    fn dataset(&self) -> &DatasetRow;

    /// Who writes.
    fn actor(&self) -> &Actor;

    /// The dataset's id.
    fn id(&self) -> Id {
        self.dataset().id
    }

    /// `owner/name`.
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

impl Writer for Part<Write> {
    fn dataset(&self) -> &DatasetRow {
        self.dataset()
    }

    fn actor(&self) -> &Actor {
        self.actor()
    }
}
