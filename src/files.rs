//! Files in the browser API: upload, download, copy and preview, whether stored in git or in Git LFS. Operations on
//! trees alone are in [`crate::datasets::place`].

mod download;
mod download_token;
mod infer;
pub mod rows;
mod streaming;
mod zip;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use lfs::Pointer;
use metastore::{Content, ObjectId};

pub use self::download::Download;
use self::download_token::DownloadSigner;
pub use self::infer::TableFormat;
pub use self::streaming::Opened;
use crate::access::{Actor, DatasetGrant, Fetch, Grant, Own, Read, Write};
use crate::clock::Clock;
use crate::config::Config;
use crate::datasets::Datasets;
use crate::datasets::commits::CopyBudget;
use crate::datasets::revisions::CommitMeta;
use crate::datasets::tree_api::{IfMatch, path_of};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::upload_sessions::{UploadSession, interrupted};
use crate::types::{OWN_DRIVE, OwnerName, RepoPath, Slug};

/// Copy budget for one copy from another dataset.
const ROOM: CopyBudget = CopyBudget { files: 50_000, bytes: 64 << 20 };

/// Files of datasets. Cheap to clone.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    db: Db,
    drive: Datasets,
    storage: Storage,
    clock: Clock,
    links: DownloadSigner,
    tables: rows::RowIndexCache,
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

/// Storage usage of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Total bytes of its objects and its git packs.
    pub bytes: u64,
    /// Number of objects.
    pub objects: u64,
    /// Quota in bytes: that of the dataset or that of all datasets of its owner together, whichever leaves less room.
    pub quota_bytes: Option<u64>,
    /// Bytes used of that quota.
    pub used_bytes: u64,
    /// Number of visible files at its newest revision.
    pub files: u64,
    /// Number of items in its trash.
    pub trash: u64,
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
            tables: rows::RowIndexCache::default(),
            inline_bytes: config.limits.commit_file_bytes,
        }))
    }

    /// Returns the path of the actor's personal drive.
    ///
    /// # Errors
    /// Unauthenticated for anonymous callers; forbidden for actors without an account.
    pub fn own_drive(actor: &Actor) -> Result<RepoPath> {
        if actor.is_anonymous() {
            return Err(Error::unauthenticated("sign in to use your drive"));
        }
        if actor.user().is_none() {
            return Err(Error::forbidden("you need an account on this server to have a drive"));
        }
        Ok(RepoPath { owner: actor.name().parse::<OwnerName>()?, name: OWN_DRIVE.parse::<Slug>()? })
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

    /// Copies files and folders from another dataset, as one revision.
    ///
    /// # Errors
    /// Not found; conflict if a target path exists; invalid for datasets in different stores; full if a quota is
    /// exceeded.
    pub async fn copy_from(&self, items: &[(Grant<Fetch>, Grant<Write>)], message: CommitMeta) -> Result<ObjectId> {
        let (mut room, mut edits) = (ROOM, Vec::with_capacity(items.len()));
        for (from, to) in items {
            let lifted = self.0.drive.copy_files(from, None, path_of(to)?, &mut room).await?;
            self.0.storage.reuse_objects(from, &to.narrow(), &lifted.pointers).await?;
            edits.push(lifted.edit);
        }
        let targets: Vec<Grant<Write>> = items.iter().map(|(_, to)| to.clone()).collect();
        self.0.drive.write_copied(&targets, edits, message).await
    }

    /// Returns the storage usage of a dataset.
    pub async fn usage(&self, grant: &DatasetGrant<Read>) -> Result<Usage> {
        let (dataset, path) = (grant.dataset(), grant.full_name());
        let subject = path.parse()?;
        let owner = self.0.storage.usage(Some(&subject)).await?.into_iter().next();
        let own = owner.as_ref().and_then(|owner| owner.datasets.iter().find(|dataset| dataset.path == path));
        let (bytes, objects) = own.map(|own| (own.bytes, own.objects)).unwrap_or_default();
        let alone = own.and_then(|own| Some((own.bytes, own.quota_bytes?)));
        // The owner's total is only disclosed to owners.
        let together = owner.as_ref().filter(|_| grant.also::<Own>().is_some());
        let together = together.and_then(|owner| Some((owner.bytes, owner.quota_bytes?)));
        let tightest = alone.into_iter().chain(together).min_by_key(|(used, quota)| quota.saturating_sub(*used));
        Ok(Usage {
            bytes,
            objects,
            quota_bytes: tightest.map(|(_, quota)| quota),
            used_bytes: tightest.map_or(bytes, |(used, _)| used),
            files: self.0.drive.count_files(dataset.id).await?,
            trash: self.0.drive.trash_count(dataset.id).await?,
        })
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
