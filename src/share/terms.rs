//! Terms of shares: their bounds, and what can be combined.

use super::{Grantee, NewShare};
use crate::db::shares::ShareRow;
use crate::db::{Tx, signed, unsigned};
use crate::error::{Error, Result};
use crate::types::{DiscussionTitle, Id, Millis, Secret, ShareKind, ShareRight};

/// Maximum length of the message of a file request, in characters.
const MESSAGE_MAX: usize = 2000;

/// Default bounds of a file request, and their maximums.
const BYTES: u64 = 1 << 30;
const BYTES_MAX: u64 = 1 << 50;
const FILES: u64 = 100;
const FILES_MAX: u64 = 1000;

/// A change to an optional property of a share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it unchanged.
    #[default]
    Nothing,
    /// Remove it.
    Removed,
    /// Set it to this value.
    To(T),
}

impl<T> Patch<T> {
    /// Returns the new value, if one is set.
    pub(super) fn new_one(&self) -> Option<&T> {
        match self {
            Self::To(new) => Some(new),
            Self::Nothing | Self::Removed => None,
        }
    }

    /// Returns the value after the change, given the one before.
    pub(super) fn of(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Nothing => before,
            Self::Removed => None,
            Self::To(new) => Some(new),
        }
    }
}

/// Changes to a share.
pub struct ShareChange {
    /// View or edit; `None` leaves it unchanged.
    pub right: Option<ShareRight>,
    /// Expiry time.
    pub expires: Patch<Millis>,
    /// Password of a link.
    pub password: Patch<Secret>,
    /// Download limit of a link.
    pub downloads: Patch<u64>,
    /// True if a link also shows revisions from before it was created; `None` leaves it unchanged.
    pub history: Option<bool>,
    /// Changes of a file request.
    pub request: Option<RequestUpdate>,
    /// True to notify the creator when a link is used; `None` leaves it unchanged.
    pub notify: Option<bool>,
}

impl ShareChange {
    /// Returns true if it changes what only links have.
    pub(super) fn is_for_link(&self) -> bool {
        self.history.is_some()
            || self.notify.is_some()
            || !matches!((&self.password, &self.downloads), (Patch::Nothing, Patch::Nothing))
    }

    /// Returns the new terms of a file request; `None` if they do not change.
    ///
    /// # Errors
    /// Invalid if a link would become a file request, or the other way round, and for what the share cannot have.
    pub(super) fn request_of(&self, share: &ShareRow) -> Result<Option<RequestTerms>> {
        let is_request = share.right == ShareRight::Upload;
        if self.right.is_some_and(|right| (right == ShareRight::Upload) != is_request) {
            return Err(Error::invalid("a file request stays one: revoke it, and create another link"));
        }
        if is_request && (self.downloads.new_one().is_some() || self.history == Some(true)) {
            return Err(only_upload());
        }
        match (&self.request, is_request) {
            (None, _) => Ok(None),
            (Some(_), false) => Err(only_requests()),
            (Some(update), true) => update.of(share).map(Some),
        }
    }
}

/// What a file request asks for, and how much it accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTerms {
    title: String,
    message: String,
    max_bytes: u64,
    max_files: u64,
}

/// Changes to a file request; `None` leaves a value unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestUpdate {
    /// Title.
    pub title: Option<String>,
    /// Message to those who upload.
    pub message: Option<String>,
    /// Maximum of bytes in total.
    pub max_bytes: Option<u64>,
    /// Maximum number of files in total.
    pub max_files: Option<u64>,
}

impl RequestTerms {
    /// Checks the terms of a file request.
    ///
    /// # Errors
    /// Invalid for a title that is not one line, and for values out of bounds.
    pub fn new(title: &str, message: &str, max_bytes: Option<u64>, max_files: Option<u64>) -> Result<Self> {
        let title: DiscussionTitle = title.parse()?;
        let message = message.trim().replace("\r\n", "\n");
        let is_bad = |c: char| c != '\n' && c.is_control();
        if message.chars().count() > MESSAGE_MAX || message.chars().any(is_bad) {
            return Err(Error::invalid(format!(
                "`message` can have at most {MESSAGE_MAX} characters, and no control characters except line breaks"
            )));
        }
        let (max_bytes, max_files) = (max_bytes.unwrap_or(BYTES), max_files.unwrap_or(FILES));
        if !(1..=BYTES_MAX).contains(&max_bytes) {
            return Err(Error::invalid(format!("`max_bytes` must be between 1 and {BYTES_MAX}")));
        }
        if !(1..=FILES_MAX).contains(&max_files) {
            return Err(Error::invalid(format!("`max_files` must be between 1 and {FILES_MAX}")));
        }
        Ok(Self { title: title.to_string(), message, max_bytes, max_files })
    }

    /// Writes them to the file request of a share.
    pub(super) async fn put(&self, tx: &mut Tx, share: Id) -> Result<()> {
        let bounds = (signed(self.max_bytes), signed(self.max_files));
        tx.put_file_request(share, (&self.title, &self.message), bounds).await
    }
}

impl RequestUpdate {
    fn of(&self, share: &ShareRow) -> Result<RequestTerms> {
        let title = self.title.as_deref().or(share.request_title.as_deref()).unwrap_or_default();
        let message = self.message.as_deref().or(share.request_message.as_deref()).unwrap_or_default();
        let max_bytes = self.max_bytes.or(share.max_bytes.map(unsigned));
        let max_files = self.max_files.or(share.max_files.map(unsigned));
        RequestTerms::new(title, message, max_bytes, max_files)
    }
}

/// Checks that the permission and the rest of a new share fit together.
///
/// # Errors
/// Invalid if the permission to upload is not that of a link to a folder or a dataset, or comes without its terms, or with
/// what only other links have.
pub(super) fn check_rights(new: &NewShare) -> Result<()> {
    match (new.right, &new.request) {
        (ShareRight::View | ShareRight::Edit, None) => return Ok(()),
        (ShareRight::View | ShareRight::Edit, Some(_)) => return Err(only_requests()),
        (ShareRight::Upload, None) => {
            return Err(Error::invalid("a share with the permission `upload` needs `request`"));
        }
        (ShareRight::Upload, Some(_)) => {}
    }
    if new.with != Grantee::Link {
        return Err(Error::invalid("only a link can have the permission `upload`"));
    }
    if new.kind == ShareKind::File {
        return Err(Error::invalid("files can be requested for a folder or a dataset, not for a file"));
    }
    if new.downloads.is_some() || new.history || new.app.is_some() {
        return Err(only_upload());
    }
    Ok(())
}

pub(super) fn only_links() -> Error {
    Error::invalid("only a link can have a password, a download limit, a history or notifications")
}

fn only_upload() -> Error {
    Error::invalid("a file request has no download limit, history or app")
}

fn only_requests() -> Error {
    Error::invalid("only a link with the permission `upload` has a `request`")
}

pub(super) fn check(expires: Option<Millis>, downloads: Option<u64>, now: Millis) -> Result<()> {
    if expires.is_some_and(|end| end <= now) {
        return Err(Error::invalid("`expires` must be in the future"));
    }
    if downloads == Some(0) {
        return Err(Error::invalid("`downloads` must be at least 1"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_and_bounds_are_bounds() {
        let new = RequestTerms::new(" Your photos ", " Thanks!\r\nAda ", None, None).unwrap();
        let (title, message) = ("Your photos".to_owned(), "Thanks!\nAda".to_owned());
        assert_eq!(new, RequestTerms { title, message, max_bytes: BYTES, max_files: FILES });
        for title in ["", " ", "a\nb", "a\u{202e}b", "a\0", &"x".repeat(201)] {
            assert!(RequestTerms::new(title, "", None, None).is_err(), "{title:?}");
        }
        for message in ["a\u{7}", &"x".repeat(MESSAGE_MAX + 1)] {
            assert!(RequestTerms::new("a", message, None, None).is_err(), "{message:?}");
        }
        for (bytes, files) in [(0, 1), (1, 0), (BYTES_MAX + 1, 1), (1, FILES_MAX + 1)] {
            assert!(RequestTerms::new("a", "", Some(bytes), Some(files)).is_err(), "{bytes} {files}");
        }
        assert!(RequestTerms::new("a", "", Some(BYTES_MAX), Some(FILES_MAX)).is_ok());
    }
}
