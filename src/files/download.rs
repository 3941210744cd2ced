//! Downloads through signed URLs that need no credentials: one file as it is, or several as a ZIP archive created on
//! the fly.

use std::io;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use metastore::{Entry, EntryKind, FilePath, ObjectId};
use tokio::sync::mpsc;

use super::download_token::{DownloadRequest, Selection, TTL_SECONDS};
use super::zip::{self, Member, Moment, Names, Written};
use super::{Files, Opened};
use crate::access::share_links::DownloadCounted;
use crate::access::{DatasetGrant, Fetch, Grant};
use crate::datasets::is_empty;
use crate::datasets::tree_api::{KEEP, is_shown};
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// Maximum number of files in one archive.
const MAX_ARCHIVE_FILES: usize = 50_000;

/// Number of paths that a URL always names: more of them are numbers of entries of their folder.
const NAMED: usize = 100;

/// Number of blocks buffered for the client.
const MAX_QUEUED_BLOCKS: usize = 4;

/// The content behind a download URL.
pub enum Download {
    /// A single file.
    File(Opened),
    /// A ZIP archive.
    Archive(Archive),
}

/// A ZIP archive to be streamed.
pub struct Archive {
    /// File name.
    pub name: String,
    /// Length in bytes.
    pub length: u64,
    dataset: DatasetRow,
    moment: Moment,
    members: Vec<(Member, Option<Opened>)>,
}

impl Files {
    /// Creates a download token for these files and folders of one dataset, at a revision or the newest one. Returns
    /// the token and its expiry time. The caller has been authorised to download them.
    ///
    /// # Errors
    /// Not found if a path does not exist; invalid for too many paths.
    pub async fn choose(
        &self,
        grants: &[Grant<Fetch>],
        revision: Option<&str>,
        taken: impl AsyncFnOnce(&[Grant<Fetch>]) -> Result<DownloadCounted>,
    ) -> Result<(String, Millis)> {
        let first = grants.first().ok_or_else(|| Error::invalid("`paths`: at least one file or folder is required"))?;
        let paths: Vec<FilePath> = grants.iter().filter_map(|grant| grant.path().cloned()).collect();
        if paths.len() < grants.len() {
            return Err(Error::invalid("`paths`: use a single empty path for the whole dataset"));
        }
        let (at, numbers) = self.0.drive.locate_numbers(&first.narrow(), revision, paths.clone(), NAMED).await?;
        // Counted only after everything was found: a request that fails uses up no download.
        let _ = taken(grants).await?;
        let folder = common_folder(&paths);
        let selection = match numbers {
            Some(numbers) => Selection::of_entries(numbers.into_iter()),
            None => Selection::Paths(paths),
        };
        self.sealed(first.id(), at, folder, selection)
    }

    /// Like [`Files::choose`], for all files of a revision.
    ///
    /// # Errors
    /// Not found if the revision does not exist, or the dataset has none.
    pub async fn choose_all(&self, grant: &DatasetGrant<Fetch>, revision: Option<&str>) -> Result<(String, Millis)> {
        let (_, commit) = self.0.drive.revision(&grant.narrow(), revision.unwrap_or("HEAD")).await?;
        self.sealed(grant.id(), commit.id, None, Selection::Paths(Vec::new()))
    }

    /// Creates a token.
    fn sealed(
        &self,
        dataset: Id,
        revision: ObjectId,
        folder: Option<FilePath>,
        selection: Selection,
    ) -> Result<(String, Millis)> {
        let expires = self.0.clock.now().plus(std::time::Duration::from_secs(TTL_SECONDS));
        let choice = DownloadRequest { dataset, revision, expires: expires.seconds(), folder, selection };
        Ok((self.0.links.seal(&choice)?, expires))
    }

    /// Opens a download token.
    ///
    /// # Errors
    /// Forbidden for a forged or expired token; not found if the content is gone; too large for too many files.
    pub async fn chosen(&self, token: &str) -> Result<Download> {
        let choice = self.0.links.open(token, self.0.clock.now().seconds())?;
        let gone = || Error::not_found("the dataset of this download URL no longer exists");
        let mut tx = self.0.db.read().await?;
        let path = tx.dataset_path(choice.dataset).await?.ok_or_else(gone)?;
        let dataset = tx.dataset(&path).await?.filter(|dataset| dataset.id == choice.dataset).ok_or_else(gone)?;
        drop(tx);
        let (located, is_whole) = match &choice.selection {
            Selection::Paths(paths) => {
                (self.0.drive.locate_all(dataset.id, choice.revision, paths.clone()).await?, paths.is_empty())
            }
            Selection::Entries(bits) => {
                let entries = self.0.drive.entries_of(dataset.id, choice.revision, choice.folder.clone()).await?;
                let entries = entries.into_iter().enumerate();
                let located = entries.filter(|(number, _)| Selection::has_entry(bits, *number)).map(|(_, entry)| entry);
                (located.collect(), false)
            }
        };
        if let [only] = located.as_slice()
            && only.entry.kind != EntryKind::Folder
        {
            return Opened::of(&dataset, only.clone()).map(Download::File);
        }
        let names: Vec<&str> = located.iter().map(|located| located.entry.path.as_str()).collect();
        let name = archive_name(&dataset.name, choice.folder.as_ref(), &names);
        let (seconds, files) = if is_whole {
            self.0.drive.files_of(dataset.id, choice.revision, MAX_ARCHIVE_FILES).await?
        } else {
            self.0.drive.files_below(&located, MAX_ARCHIVE_FILES).await?
        };
        let prefix = choice.folder.as_ref().map_or(0, |folder| folder.as_str().len() + 1);
        let mut members = Vec::with_capacity(files.len());
        let (mut wanted, mut names) = (Vec::new(), Names::default());
        for located in files {
            let Entry { path, kind, pointer, .. } = &located.entry;
            let inner = zip::portable(path.get(prefix..).unwrap_or(path));
            let member = match inner.rsplit_once('/') {
                _ if is_shown(path.rsplit('/').next().unwrap_or(path)) => {
                    let opened = Opened::of(&dataset, located.clone())?;
                    let size = if pointer.as_ref().is_some_and(is_empty) { 0 } else { opened.size };
                    wanted.extend(opened.oid.map(|oid| (oid, size)));
                    let executable = *kind == EntryKind::Executable;
                    (Member { name: inner, size, executable }, Some(opened))
                }
                // A placeholder file stands for its folder.
                Some((folder, KEEP)) => (Member { name: format!("{folder}/"), size: 0, executable: false }, None),
                _ => continue,
            };
            let (mut member, opened) = member;
            member.name = names.unused(member.name);
            members.push((member, opened));
        }
        let held = self.0.db.holds(dataset.id, &wanted).await?;
        if let Some(((oid, _), _)) = wanted.iter().zip(held).find(|(_, held)| !held) {
            return Err(Error::not_found(format!(
                "object {oid} is missing on the server; upload it again with `git lfs push --all`"
            )));
        }
        let listed: Vec<Member> = members.iter().map(|(member, _)| member.clone()).collect();
        let length = zip::length(&listed);
        let moment = Moment::of(seconds);
        Ok(Download::Archive(Archive { name: format!("{name}.zip"), length, dataset, moment, members }))
    }

    /// Streams an archive. If a file turns out to be missing, the stream ends with an error.
    pub fn pack(&self, archive: Archive) -> BoxStream<'static, io::Result<Bytes>> {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED_BLOCKS);
        let files = self.clone();
        tokio::spawn(crate::request::scope(crate::request::id(), async move {
            if let Err(error) = files.pack_into(archive, &sender).await {
                error.log();
                let _ = sender.send(Err(io::Error::other(error))).await;
            }
        }));
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed()
    }

    async fn pack_into(&self, archive: Archive, sender: &mpsc::Sender<io::Result<Bytes>>) -> Result<()> {
        let Archive { dataset, moment, members, .. } = archive;
        let (mut at, mut written) = (0, Vec::with_capacity(members.len()));
        for (member, file) in members {
            let offset = at;
            let mut crc = crc32fast::Hasher::new();
            let mut sent = 0;
            at += push(sender, member.header(moment).into()).await?;
            if let Some(file) = file {
                let mut blocks = self.blocks(&dataset, &file).await?;
                while let Some(block) = blocks.try_next().await? {
                    crc.update(&block);
                    sent += push(sender, block).await?;
                }
            }
            if sent != member.size {
                return Err(Error::internal(format!("{} has {sent} bytes, not {}", member.name, member.size)));
            }
            at += sent;
            let crc = crc.finalize();
            at += push(sender, member.descriptor(crc).into()).await?;
            written.push((member, Written { offset, crc }));
        }
        push(sender, zip::directory(&written, at, moment).into()).await.map(drop)
    }

    async fn blocks(&self, dataset: &DatasetRow, file: &Opened) -> Result<crate::storage::read_range::Blocks> {
        let located = &file.located;
        match file.oid {
            Some(oid) => self.0.storage.read(dataset, oid, 0..file.size).await,
            None if located.entry.pointer.is_some() => Ok(stream::empty().boxed()),
            None => {
                let sending = self.0.drive.open_in_turn(&located.snapshot, &located.entry).await?;
                Ok(sending.stream(0..file.size).map_err(Error::from).boxed())
            }
        }
    }
}

/// Sends bytes to the client and returns their number.
async fn push(sender: &mpsc::Sender<io::Result<Bytes>>, bytes: Bytes) -> Result<u64> {
    let length = bytes.len() as u64;
    if length > 0 {
        sender.send(Ok(bytes)).await.map_err(|_| Error::malformed("the client closed the connection"))?;
    }
    Ok(length)
}

/// Returns the deepest folder that contains all paths.
fn common_folder(paths: &[FilePath]) -> Option<FilePath> {
    let mut common = paths.first()?.as_str().rsplit_once('/')?.0;
    for path in paths {
        while !path.as_str().strip_prefix(common).is_some_and(|rest| rest.starts_with('/')) {
            common = common.rsplit_once('/')?.0;
        }
    }
    common.parse().ok()
}

/// Returns the name of an archive without extension: its only entry, the common folder, or the first of several entries
/// and the number of others. An archive of a whole dataset has the dataset's name.
fn archive_name(dataset: &str, folder: Option<&FilePath>, paths: &[&str]) -> String {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    match (paths, folder) {
        ([], _) => dataset.to_owned(),
        ([only], _) => name(only),
        (_, Some(folder)) => folder.name().to_owned(),
        ([first, others @ ..], None) => format!("{} and {} more", name(first), others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_paths_omit_the_common_folder() {
        let common = |paths: &[&str]| {
            let paths: Vec<FilePath> = paths.iter().map(|path| path.parse().unwrap()).collect();
            common_folder(&paths).map(|folder| folder.to_string())
        };
        assert_eq!(common(&["a/b/c", "a/b/d/e"]).as_deref(), Some("a/b"));
        assert_eq!(common(&["a/b/c", "a/bc"]).as_deref(), Some("a"));
        assert_eq!(common(&["a/b"]).as_deref(), Some("a"));
        assert_eq!(common(&["a/b", "c"]), None);
    }

    #[test]
    fn archives_are_named_after_what_is_in_them() {
        let name = |paths: &[&str]| {
            let paths: Vec<FilePath> = paths.iter().map(|path| path.parse().unwrap()).collect();
            let names: Vec<&str> = paths.iter().map(FilePath::as_str).collect();
            archive_name("drive", common_folder(&paths).as_ref(), &names)
        };
        assert_eq!(name(&[]), "drive");
        assert_eq!(name(&["a/b"]), "b");
        assert_eq!(name(&["a/b/c", "a/b/d"]), "b");
        assert_eq!(name(&["notes.md", "maps", "plans"]), "notes.md and 2 more");
    }
}
