//! Files in the browser API: upload, download, copy and preview, whether stored in git or in Git LFS. Operations on
//! trees alone are in [`crate::datasets::place`].

mod download;
mod download_token;
mod requests;
mod streaming;
mod usage;
mod zip;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use lfs::Pointer;
use metastore::{Content, ObjectId};

pub use self::download::Download;
use self::download_token::DownloadSigner;
pub use self::requests::{ReceivedFiles, SenderName};
pub(crate) use self::streaming::FileReader;
pub use self::streaming::Opened;
pub use self::usage::Usage;
use crate::access::{Fetch, Grant, Write};
use crate::clock::Clock;
use crate::config::Config;
use crate::datasets::Datasets;
use crate::datasets::copies::CopyBudget;
use crate::datasets::revisions::CommitMeta;
use crate::datasets::tree_api::{IfMatch, path_of};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::upload_sessions::{UploadSession, interrupted};

/// Copy budget for one copy from another dataset.
const ROOM: CopyBudget = CopyBudget::new(50_000, 64 << 20);

/// Files of datasets. Cheap to clone.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    db: Db,
    drive: Datasets,
    storage: Storage,
    clock: Clock,
    links: DownloadSigner,
    /// Maximum size in bytes of text that is stored in git itself.
    inline_bytes: usize,
}

/// The result of writing a file.
#[derive(Debug, Clone, Copy)]
pub struct Put {
    /// The revision that contains the file.
    pub revision: ObjectId,
    /// True if the path did not exist before.
    pub is_new: bool,
}

impl Files {
    /// Creates the service. `key` signs download URLs.
    pub fn new(config: &Config, db: Db, drive: Datasets, storage: Storage, clock: Clock, key: [u8; 32]) -> Self {
        Self(Arc::new(Inner {
            db,
            drive,
            storage,
            clock,
            links: DownloadSigner::new(key),
            inline_bytes: config.limits.commit_file_bytes,
        }))
    }

    /// Writes a file as a new revision. Small text files are stored in git; all others, and those that the dataset's
    /// rules select, in Git LFS. `length` is the `Content-Length` of the request. If the content is unchanged, no
    /// revision is created.
    ///
    /// # Errors
    /// As for [`Storage::keep`] and [`Datasets::commit_operations`]; precondition failed if the file in `known` has changed;
    /// malformed for a large body without a `Content-Length`.
    pub async fn put<S, E>(
        &self,
        grant: &Grant<Write>,
        length: Option<u64>,
        mut body: S,
        message: Option<String>,
        known: Option<IfMatch>,
    ) -> Result<Put>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = path_of(grant)?;
        let (is_kept, is_there) = self.0.drive.storage_rules(grant).await?;
        let most = self.0.inline_bytes;
        let content = match length {
            Some(length) if length > most as u64 => Content::Pointer(self.0.storage.keep(grant, length, body).await?),
            _ => {
                let bytes = small_body(&mut body, most).await?;
                if length.is_some_and(|length| length != bytes.len() as u64) {
                    return Err(Error::malformed("the request body is shorter than its Content-Length; send it again"));
                }
                if is_kept && !bytes.is_empty() || !is_plain(&bytes) {
                    let size = bytes.len() as u64;
                    let body = stream::iter([Ok::<_, std::io::Error>(bytes)]);
                    Content::Pointer(self.0.storage.keep(grant, size, body).await?)
                } else {
                    Content::Bytes(bytes)
                }
            }
        };
        let word = if is_there { "Update" } else { "Add" };
        let message = CommitMeta { message, ..CommitMeta::default() }.or_message(&format!("{word} {path}"));
        let done = self.0.drive.put_file(grant, content, message, known).await?;
        Ok(Put { revision: done.newest()?, is_new: !is_there })
    }

    /// Completes a multipart upload: writes the file as a new revision. Idempotent: a repeated call returns the same
    /// revision.
    ///
    /// # Errors
    /// As for [`Storage::finish_upload`] and [`Datasets::commit_operations`].
    pub async fn finish(&self, grant: &Grant<Write>, session: &UploadSession, message: Option<String>) -> Result<Put> {
        if let Some(revision) = session.revision() {
            let revision = ObjectId::from_hex(revision.as_bytes()).map_err(Error::internal)?;
            return Ok(Put { revision, is_new: false });
        }
        let path = path_of(grant)?;
        let (_, is_there) = self.0.drive.storage_rules(grant).await?;
        let pointer = self.0.storage.finish_upload(session).await?;
        let word = if is_there { "Update" } else { "Add" };
        let message = CommitMeta { message, ..CommitMeta::default() }.or_message(&format!("{word} {path}"));
        let done = self.0.drive.put_file(grant, Content::Pointer(pointer), message, None).await?;
        let revision = done.newest()?;
        self.0.storage.set_upload_revision(session, &revision.to_string()).await?;
        Ok(Put { revision, is_new: !is_there })
    }

    /// Copies files and folders from one other dataset, as one revision.
    ///
    /// # Errors
    /// Not found; conflict if a target path exists; invalid for datasets in different stores; full if a quota is
    /// exceeded.
    pub async fn copy_from(&self, items: &[(Grant<Fetch>, Grant<Write>)], message: CommitMeta) -> Result<ObjectId> {
        let Some((from, to)) = items.first() else { return Err(Error::invalid("name at least one file or folder")) };
        let (sources, targets): (Vec<Grant<Fetch>>, Vec<Grant<Write>>) = items.iter().cloned().unzip();
        let paths = targets.iter().map(path_of).collect::<Result<_>>()?;
        let copied = self.0.drive.copy_files(&sources, None, paths, &mut { ROOM }).await;
        let copied = copied.map_err(|refusal| refusal.error)?;
        let pointers: Vec<Pointer> = copied.iter().flat_map(|copied| &copied.pointers).cloned().collect();
        self.0.storage.reuse_objects(from, &to.narrow(), &pointers).await?;
        let edits = copied.into_iter().map(|copied| copied.edit).collect();
        self.0.drive.write_copied(&targets, edits, message).await
    }
}

/// Reads a body into memory.
async fn small_body<S, E>(body: &mut S, most: usize) -> Result<Bytes>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut whole = BytesMut::new();
    while let Some(block) = body.next().await {
        let block = block.map_err(interrupted)?;
        if whole.len() + block.len() > most {
            return Err(Error::malformed(format!("a file of more than {most} bytes requires a Content-Length header")));
        }
        whole.extend_from_slice(&block);
    }
    Ok(whole.freeze())
}

/// Returns true if git can store the content as it is: text, and nothing that looks like an LFS pointer.
fn is_plain(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() && Pointer::parse(bytes).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_content_is_not_a_pointer() {
        assert!(is_plain(b"id,name\n1,\xc3\xbc\n") && is_plain(b""));
        assert!(!is_plain(b"a\0b") && !is_plain(b"\xff\xfe"));
        assert!(!is_plain(&Pointer::new(lfs::Oid::EMPTY, 5).to_string().into_bytes()));
    }
}
