//! File requests: files that others upload to a folder through a link. They see nothing of it: no names, no sizes, and
//! no errors that tell of them.

use bytes::Bytes;
use lfs::Oid;
use metastore::{Content, FilePath};
use sha2::{Digest as _, Sha256};

use super::Files;
use crate::access::{FileRequestGrant, share_links, tokens};
use crate::datasets::commits::CommitOutcome;
use crate::datasets::idempotency::IdempotencyKey;
use crate::datasets::revisions::{Author, CommitMeta};
use crate::datasets::tree_api::expect_shown;
use crate::db::file_requests::FileRequestRow;
use crate::db::{signed, unsigned};
use crate::error::{Error, Kind, Result};
use crate::storage::upload_sessions::UploadSession;
use crate::types::Id;

/// Maximum number of files in one revision.
const FILES: usize = 1000;

/// Maximum length of the name of a sender, in characters.
const SENDER_MAX: usize = 100;

/// The name that the sender of files gives: one line, which may be wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SenderName(String);

impl SenderName {
    /// Parses the name; blank for none.
    ///
    /// # Errors
    /// Invalid if it is too long, or has control characters or invisible ones.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.chars().count() > SENDER_MAX || text.chars().any(|c| c.is_control() || tokens::is_invisible(c)) {
            return Err(Error::invalid(format!(
                "`from` must be a name of at most {SENDER_MAX} characters on one line, without invisible ones"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    fn or_unknown(&self) -> &str {
        if self.0.is_empty() { "someone with the link" } else { &self.0 }
    }
}

/// Files that are uploaded together.
#[derive(Debug, Clone, Default)]
pub struct ReceivedFiles {
    /// Ids of uploads of which all parts have arrived.
    pub uploads: Vec<String>,
    /// Names of files without content, which need no upload.
    pub empty: Vec<String>,
    /// The name of the sender.
    pub from: SenderName,
}

impl Files {
    /// Starts an upload to a file request.
    ///
    /// # Errors
    /// Invalid for a name that no file can have; full if the request does not accept as much, or if the owner has no room;
    /// as for [`Storage::begin_file`](crate::storage::Storage::begin_file).
    pub async fn begin_requested(
        &self,
        grant: &FileRequestGrant,
        name: &str,
        size: u64,
        promised: Option<Oid>,
    ) -> Result<UploadSession> {
        let file = grant.file(name)?;
        file.path().map_or(Ok(()), expect_shown)?;
        if size == 0 {
            return Err(Error::invalid("a file without content needs no upload; send its name in `empty`"));
        }
        let mut tx = self.0.db.read().await?;
        let request = tx.file_request(grant.share()).await?.ok_or_else(share_links::link_not_found)?;
        let pending = tx.pending_files(file.id(), &file.actor().key()).await?;
        drop(tx);
        if signed(size) > request.max_bytes {
            let most = request.max_bytes;
            return Err(Error::too_large(format!(
                "the file has {size} bytes, but this request accepts at most {most}"
            )));
        }
        let files = request.files.saturating_add(pending.files).saturating_add(1);
        let bytes = request.bytes.saturating_add(pending.bytes).saturating_add(signed(size));
        if files > request.max_files || bytes > request.max_bytes {
            return Err(no_more(&request));
        }
        self.0.storage.begin_file(&file, size, promised).await.map_err(|error| no_room(&request, error))
    }

    /// Returns an upload to a file request by its id.
    ///
    /// # Errors
    /// Not found.
    pub async fn requested(&self, grant: &FileRequestGrant, id: &str) -> Result<UploadSession> {
        let folder = grant.folder();
        let session = self.0.storage.upload_of_file(folder.id(), &folder.actor().key(), id).await?;
        // The folder may have been renamed: the link moves along, and an upload does not.
        let parent = session.path().rsplit_once('/').map(|(parent, _)| parent);
        let is_here = parent == folder.path().map(FilePath::as_str);
        if is_here { Ok(session) } else { Err(Error::not_found("the folder was moved; start the upload again")) }
    }

    /// Adds files to the folder of a file request, as one revision; none is replaced. Repeating it adds nothing. Returns the
    /// number of files, and false if they had been added before.
    ///
    /// # Errors
    /// As for [`Storage::finish_upload`](crate::storage::Storage::finish_upload) of any upload; full if they are more than
    /// the request accepts.
    pub async fn receive(&self, grant: &FileRequestGrant, received: &ReceivedFiles) -> Result<(usize, bool)> {
        let mut ids = received.uploads.clone();
        ids.sort_unstable();
        ids.dedup();
        let count = ids.len() + received.empty.len();
        if count == 0 || count > FILES {
            return Err(Error::invalid(format!("send 1 to {FILES} files at a time")));
        }
        let request = self.0.db.read().await?.file_request(grant.share()).await?;
        let request = request.ok_or_else(share_links::link_not_found)?;
        let mut sessions = Vec::with_capacity(ids.len());
        for id in &ids {
            sessions.push(self.requested(grant, id).await?);
        }
        if !sessions.is_empty() && sessions.iter().all(|session| session.revision().is_some()) {
            return Ok((count, false));
        }
        if sessions.iter().any(|session| session.revision().is_some()) {
            return Err(Error::conflict("some of these uploads were completed already; send only the others"));
        }
        let mut files = Vec::with_capacity(count);
        let mut bytes = 0_u64;
        for name in &received.empty {
            grant.file(name)?.path().map_or(Ok(()), expect_shown)?;
            files.push((name.clone(), Content::Bytes(Bytes::new())));
        }
        for session in &sessions {
            let pointer = self.0.storage.finish_upload(session).await.map_err(|error| no_room(&request, error))?;
            bytes = bytes.saturating_add(pointer.size);
            let name = session.path().rsplit('/').next().unwrap_or_default().to_owned();
            files.push((name, Content::Pointer(pointer)));
        }
        let (files_now, bytes_now) = (i64::try_from(count).unwrap_or(i64::MAX), signed(bytes));
        let mut tx = self.0.db.write().await?;
        if !tx.receive_files(grant.share(), files_now, bytes_now).await? {
            return Err(no_more(&request));
        }
        tx.commit().await?;
        let meta = self.meta(&request, &received.from, &files).await?;
        let once = key(&ids, &received.empty, grant.share(), &self.0.clock.id());
        let made = self.0.drive.add_beside(grant.folder(), files, meta, &once).await;
        let revision = match made.and_then(CommitOutcome::newest) {
            Ok(revision) => revision.to_string(),
            Err(error) => {
                let mut tx = self.0.db.write().await?;
                tx.unreceive_files(grant.share(), files_now, bytes_now).await?;
                tx.commit().await?;
                return Err(no_room(&request, error));
            }
        };
        for session in &sessions {
            self.0.storage.set_upload_revision(session, &revision).await?;
        }
        Ok((count, true))
    }

    /// Returns the revision's author and message: by the user who asked, with the sender in the message.
    async fn meta(
        &self,
        request: &FileRequestRow,
        from: &SenderName,
        files: &[(String, Content)],
    ) -> Result<CommitMeta> {
        let what = match files {
            [(name, _)] => name.clone(),
            _ => format!("{} files", files.len()),
        };
        let message =
            format!("From {}: {what}\n\nReceived by the file request \"{}\".", from.or_unknown(), request.title);
        let creator: Option<Id> = request.creator_id.as_ref().and_then(|id| id.parse().ok());
        let email = match creator {
            Some(creator) => self.0.db.read().await?.email(creator).await?,
            None => None,
        };
        let author = Author { name: Some(request.creator.clone()), email };
        Ok(CommitMeta { message: Some(message), author, ..CommitMeta::default() })
    }
}

/// Returns the key by which the same files are added once. Without uploads, every request is another one.
fn key(ids: &[String], empty: &[String], share: Id, fresh: &Id) -> IdempotencyKey {
    let fresh = if ids.is_empty() { fresh.to_string() } else { String::new() };
    let text = [ids.join("\n"), empty.join("/"), share.to_string(), fresh].join("\n\n");
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    IdempotencyKey { key: format!("file-request {digest}"), digest }
}

fn no_more(request: &FileRequestRow) -> Error {
    let (files, bytes) = (request.max_files, unsigned(request.max_bytes));
    Error::full(format!(
        "this file request accepts {files} files and {bytes} bytes in all, and has no room for this; ask {}",
        request.creator
    ))
}

/// Replaces errors about the owner's quota, which say how much they have stored.
fn no_room(request: &FileRequestRow, error: Error) -> Error {
    match error.kind() {
        Kind::Full => Error::full(format!("there is no room for this; ask {}", request.creator)),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_sender_is_one_line() {
        assert_eq!(SenderName::parse("  Jane Doe ").unwrap().or_unknown(), "Jane Doe");
        assert_eq!(SenderName::parse(" ").unwrap().or_unknown(), "someone with the link");
        for bad in ["a\nSigned-off-by: ada", "a\u{202e}b", "a\u{200b}", &"x".repeat(SENDER_MAX + 1)] {
            assert!(SenderName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_same_uploads_have_the_same_key() {
        let ids = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<String>>();
        let clock = crate::clock::Clock::default();
        let share = clock.id();
        let key = |uploads: &[&str], empty: &[&str]| key(&ids(uploads), &ids(empty), share, &clock.id()).key;
        assert_eq!(key(&["a", "b"], &[]), key(&["a", "b"], &[]));
        assert_ne!(key(&["a", "b"], &[]), key(&["a"], &["b"]));
        assert_ne!(key(&[], &["a"]), key(&[], &["a"]), "empty files are not uploads");
    }
}
