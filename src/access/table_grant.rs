//! Permission checks for tables: for all tables of a dataset, or for the table in one file.
//!
//! ```
//! use metastore::FilePath;
//! use rutter::access::{Access, Actor, TableGrant};
//! use rutter::types::RepoPath;
//! async fn tables(access: &Access, actor: &Actor, dataset: &RepoPath) -> rutter::error::Result<TableGrant> {
//!     access.authorize_table(actor, dataset).await
//! }
//! ```
//!
//! ```compile_fail,E0423
//! use rutter::access::{Fetch, Grant, TableGrant};
//! // A table grant cannot be forged: its field is private.
//! fn forge(grant: Grant<Fetch>) -> TableGrant {
//!     TableGrant(grant)
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use rutter::access::{Fetch, Grant, TableGrant};
//! // To read a table does not mean to download its files.
//! fn bytes(grant: TableGrant) -> Grant<Fetch> {
//!     grant
//! }
//! ```
//!
//! ```
//! use rutter::access::TableGrant;
//! use rutter::app::App;
//! use rutter::tables::{Charge, Page, RowDiffRequest};
//! async fn read(app: App, grant: &TableGrant, page: Page, diff: RowDiffRequest, charge: Charge) {
//!     let _ = app.tables.rows(grant, "main", "birds.csv", page, charge.clone()).await;
//!     let _ = app.tables.row_diff(grant, diff, charge).await;
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use rutter::access::{Grant, Read};
//! use rutter::app::App;
//! use rutter::tables::{Charge, Page};
//! // A handler cannot read a table with the right to read names and history.
//! async fn read(app: App, grant: &Grant<Read>, page: Page, charge: Charge) {
//!     let _ = app.tables.rows(grant, "main", "birds.csv", page, charge).await;
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use rutter::access::{Grant, Read};
//! use rutter::app::App;
//! use rutter::tables::{Charge, RowDiffRequest};
//! // Nor can it compare two versions of a table.
//! async fn read(app: App, grant: &Grant<Read>, diff: RowDiffRequest, charge: Charge) {
//!     let _ = app.tables.row_diff(grant, diff, charge).await;
//! }
//! ```

use metastore::FilePath;

use super::share_links::DownloadCounted;
use super::{Access, Actor, DatasetGrant, Fetch, Grant, Read};
use crate::db::datasets::DatasetRow;
use crate::error::Result;
use crate::types::RepoPath;

/// A permission check that passed: this actor may read the rows of the tables at or below a path of this dataset.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct TableGrant(Grant<Fetch>);

impl TableGrant {
    /// Returns the dataset.
    pub fn dataset(&self) -> &DatasetRow {
        self.0.dataset()
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        self.0.actor()
    }

    /// Returns `owner/name` of the dataset.
    pub fn full_name(&self) -> String {
        self.0.full_name()
    }

    /// Returns the path of the file; `None` for all tables of the dataset.
    pub fn path(&self) -> Option<&FilePath> {
        self.0.path()
    }

    /// Returns the grant to list files.
    pub fn narrow(&self) -> Grant<Read> {
        self.0.narrow()
    }

    /// Returns the grant to find the entry at a path at or below this one.
    ///
    /// # Errors
    /// For a path elsewhere the same as for one that does not exist.
    pub fn at(&self, path: &FilePath) -> Result<Grant<Read>> {
        Ok(self.0.at(path)?.narrow())
    }

    /// Returns the grant to read a file that describes tables, such as `datapackage.json`, if the actor has access.
    pub fn beside(&self, path: &FilePath) -> Option<Grant<Read>> {
        self.0.beside(path).map(|grant| grant.narrow())
    }
}

impl Access {
    /// Checks that the actor may read all tables of the dataset.
    ///
    /// # Errors
    /// As for [`Access::authorize`].
    pub async fn authorize_table(&self, actor: &Actor, dataset: &RepoPath) -> Result<TableGrant> {
        let whole: DatasetGrant<Fetch> = self.authorize(actor, dataset).await?;
        Ok(TableGrant(whole.at(None)))
    }

    /// Checks that the actor may read the table at this path of the dataset.
    ///
    /// # Errors
    /// As for [`Access::authorize_path`].
    pub async fn authorize_table_at(&self, actor: &Actor, dataset: &RepoPath, path: &FilePath) -> Result<TableGrant> {
        self.authorize_path(actor, dataset, Some(path)).await.map(TableGrant)
    }

    /// Like [`Access::count_download`], for reading a table.
    ///
    /// # Errors
    /// As for [`Access::count_download`].
    pub async fn count_table_read(&self, grant: &TableGrant) -> Result<DownloadCounted> {
        self.count_download(std::slice::from_ref(&grant.0)).await
    }
}
