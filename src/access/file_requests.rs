//! Permission check for file requests: links by which others upload files to a folder, and see nothing of it.
//!
//! ```compile_fail,E0308
//! use rutter::access::{FileRequestGrant, Grant, Read};
//! // Senders cannot read.
//! fn read(request: FileRequestGrant) -> Grant<Read> {
//!     request
//! }
//! ```

use metastore::FilePath;

use super::grant::DatasetRights;
use super::{Access, Actor, Grant, Identity, Write, share_links};
use crate::error::{Error, Result};
use crate::types::Id;

/// Maximum length of the name of a file, in bytes. A number may be added, and git has no names above 255 bytes.
const NAME_MAX: usize = 240;

/// A permission check that passed: this actor opened the link of a file request, and may add files to its folder, which
/// may be the root of the dataset. Whatever is there, they must not learn of it.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct FileRequestGrant {
    share: Id,
    folder: Grant<Write>,
}

impl FileRequestGrant {
    /// Returns the id of the share.
    pub fn share(&self) -> Id {
        self.share
    }

    /// Returns the folder, to write new files to. Its content, and errors about it, must not get to the actor.
    pub(crate) fn folder(&self) -> &Grant<Write> {
        &self.folder
    }

    /// Returns a file of this name in the folder, whether it exists or not.
    ///
    /// # Errors
    /// Invalid unless it is the name of one file.
    pub(crate) fn file(&self, name: &str) -> Result<Grant<Write>> {
        if name.is_empty() || name.len() > NAME_MAX || name.contains(['/', '\\']) {
            return Err(Error::invalid(format!(
                "a file needs a name of 1 to {NAME_MAX} bytes, without folders; rename it and try again"
            )));
        }
        // The error for a bad part names the whole path.
        let bad = |_| Error::invalid(format!("`{}` is not a valid name of a file; rename it", name.escape_debug()));
        name.parse::<FilePath>().map_err(bad)?;
        let folder = self.folder.path().map(|folder| format!("{folder}/")).unwrap_or_default();
        self.folder.at(&format!("{folder}{name}").parse().map_err(bad)?)
    }
}

impl Access {
    /// Checks that the actor opened the link of a file request.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden for everybody else; not found if the dataset was deleted.
    pub async fn authorize_file_request(&self, actor: &Actor) -> Result<FileRequestGrant> {
        if actor.is_anonymous() {
            return Err(Error::unauthenticated("open the link of the file request first"));
        }
        let opened = match &actor.identity {
            Identity::Link(opened) => opened.upload_folder().map(|place| (opened.share, place)),
            _ => None,
        };
        let Some((share, (dataset, folder))) = opened else {
            return Err(Error::forbidden("only the link of a file request allows this; open it first"));
        };
        let path = self.db.read().await?.dataset_path(dataset).await?.ok_or_else(share_links::link_not_found)?;
        let known = self.db.dataset(&path, None).await?.filter(|known| known.dataset.id == dataset);
        let rights = DatasetRights::to_add(known.ok_or_else(share_links::link_not_found)?, folder.clone());
        Ok(FileRequestGrant { share, folder: rights.grant(actor, folder.clone(), folder) })
    }
}
