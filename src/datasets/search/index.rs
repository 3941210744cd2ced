//! Indexing: reads what is to be found of a dataset at the head of its default branch, and replaces its entry.

use metastore::{CommitInfo, EntryKind, ObjectId, Reader, Ref};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::document::{IndexDocument, MainTable, Source};
use super::passages::{OVERHEAD, PATH_BYTES, PATHS, Passages};
use crate::datasets::Datasets;
use crate::datasets::tree_api::is_shown;
use crate::db::search::{SearchInsert, SubjectRow};
use crate::db::signed;
use crate::error::{self, Error, Result};
use crate::types::{Id, Millis, OWN_DRIVE, OwnerKind};

/// Maximum size in bytes of a package that is indexed.
const PACKAGE: u64 = 8 << 20;

/// Maximum length in bytes of a path that is indexed.
const MAX_PATH_BYTES: usize = 1000;

/// Maximum size in bytes of a README that is indexed.
const README: u64 = 1 << 20;

/// File names of READMEs, in order of preference.
const READMES: [&str; 5] = ["README.md", "README", "README.txt", "README.rst", "readme.md"];

/// Maximum number of files and folders of a dataset whose size is indexed.
const SIZED: usize = 20_000;

/// Number of datasets that the job fetches at once.
const BATCH: i64 = 200;

/// Version of the indexing rules: it is part of the digest, so changing it reindexes all datasets.
const RULES: &[u8] = b"4";

impl Datasets {
    /// Reindexes all datasets that changed since they were last indexed, for whatever reason that was missed.
    pub async fn reindex_stale(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let stale = self.db.read_long().await?.search_stale(&after, BATCH).await?;
            let Some(last) = stale.last() else { return Ok(()) };
            after.clone_from(last);
            for id in &stale {
                let id: Id = id.parse()?;
                if let Err(error) = self.reindex(id).await {
                    // One dataset that cannot be read must not block the others.
                    tracing::warn!(%error, dataset = %id, "cannot index a dataset; the next run retries it");
                }
            }
        }
    }

    /// Updates the index entry of a dataset, unless it has been deleted.
    pub(crate) async fn reindex(&self, id: Id) -> Result<()> {
        match self.reindex_existing(id).await {
            Err(error) if error.kind() == error::Kind::NotFound => Ok(()),
            done => done,
        }
    }

    async fn reindex_existing(&self, id: Id) -> Result<()> {
        let snapshot = self.snapshot_of(id).await?;
        let subject = self.db.read().await?.search_subject(id).await?;
        let subject = subject.ok_or_else(|| Error::not_found("the dataset has been deleted"))?;
        let generation = signed(snapshot.state().generation);
        // Personal drives are not listed in the search; they have pages of their own.
        let is_listed = subject.owner_kind != OwnerKind::User.as_str() || subject.name != OWN_DRIVE;
        let now = self.clock.now();
        let seen = snapshot.read(move |reader| look(reader, &subject, now)).await?;
        let mut tx = self.db.write().await?;
        match seen {
            IndexOutcome::Same => tx.touch_search(id, generation).await?,
            IndexOutcome::New { digest, changed_at, draft, passages } => {
                let card = serde_json::to_string(&draft.card).map_err(Error::internal)?;
                tx.lock_repo(id).await?;
                let insert = SearchInsert {
                    is_listed,
                    generation,
                    number: number(id, changed_at),
                    changed_at,
                    digest: &digest,
                    card: &card,
                    facets: &draft.facets,
                    words: &draft.words,
                    passages: &passages,
                };
                tx.put_search(id, &insert).await?;
            }
        }
        tx.commit().await
    }
}

/// The result of indexing a dataset.
enum IndexOutcome {
    Same,
    New { digest: String, changed_at: Millis, draft: Box<IndexDocument>, passages: String },
}

fn look(reader: &Reader, subject: &SubjectRow, now: Millis) -> metastore::Result<IndexOutcome> {
    let state = reader.state();
    let head = state.find(&state.head).map(|head| head.target);
    let commit: Option<CommitInfo> = head.map(|head| reader.commit(head)).transpose()?;
    let changed_at = commit.map_or(subject.created_at, |commit| {
        // A client with a wrong clock must not put a dataset at the top for years.
        Millis(commit.committer.seconds.saturating_mul(1000).clamp(0, now.0))
    });
    let text_of = |name: &str| text_at(reader, head, name);
    let package = text_of(datapackage::PACKAGE)?;
    let mut readme = None;
    for name in READMES {
        if readme.is_none() {
            readme = text_of(name)?;
        }
    }
    let tags: Vec<String> =
        state.refs.iter().filter(|each| each.name.is_tag()).map(|tag: &Ref| tag.name.short().to_owned()).collect();

    let paths = head.map_or(Ok(Vec::new()), |head| paths_at(reader, head))?;
    let mut digest = Sha256::new_with_prefix(RULES);
    for part in [&subject.owner_name, &subject.name].into_iter().chain(&tags).chain(&paths) {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    // The head has the sizes of the files.
    for id in [package, readme, head] {
        digest.update(id.map(|id| id.to_string()).unwrap_or_default().as_bytes());
        digest.update([0]);
    }
    let digest = hex::encode(digest.finalize());
    if subject.changed_at == Some(changed_at) && subject.digest.as_ref() == Some(&digest) {
        return Ok(IndexOutcome::Same);
    }

    let read = |id: Option<ObjectId>, most: u64| match id.map(|id| reader.blob(id, most)).transpose() {
        Ok(text) => Ok(text.unwrap_or_default()),
        // The dataset is indexed without this file.
        Err(metastore::Error::TooLarge(_)) => Ok(bytes::Bytes::new()),
        Err(error) => Err(error),
    };
    let package: Value = serde_json::from_slice(&read(package, PACKAGE)?).unwrap_or_default();
    let readme = read(readme, README)?;
    let readme = String::from_utf8_lossy(&readme);
    let (owner, name) = (subject.owner_name.as_str(), subject.name.as_str());
    let bytes = head.map(|head| bytes_at(reader, head)).transpose()?.flatten();
    let table = head.zip(MainTable::of(&package)).map(|(head, table)| current(reader, head, table)).transpose()?;
    let source = Source { owner, name, package: &package, readme: &readme, tags: &tags, paths: &paths, bytes, table };
    let draft = IndexDocument::of(&source);
    let passages = Passages::of(name, &draft.card, &source).into_text();
    Ok(IndexOutcome::New { digest, changed_at, draft: Box::new(draft), passages })
}

/// Returns the paths of the files that are indexed: the first ones in git's order, up to a limit.
fn paths_at(reader: &Reader, head: ObjectId) -> metastore::Result<Vec<String>> {
    let (mut paths, mut bytes, mut entries) = (Vec::new(), 0, 0);
    let end = reader.visit(head, None, &mut |path, kind, _| {
        let is_file = matches!(kind, EntryKind::File | EntryKind::Executable | EntryKind::Link);
        let is_sane = path.len() <= MAX_PATH_BYTES && !path.contains(char::is_control);
        // Almost every dataset has these, so their names find nothing.
        let is_usual = path == datapackage::PACKAGE || READMES.contains(&path);
        if is_file && is_sane && !is_usual && is_shown(path.rsplit('/').next().unwrap_or(path)) {
            bytes += path.len() + OVERHEAD;
            if bytes > PATH_BYTES {
                return false;
            }
            paths.push(path.to_owned());
        }
        entries += 1;
        entries < PATHS
    });
    match end {
        Ok(()) | Err(metastore::Error::TooLarge(_)) => Ok(paths),
        Err(error) => Err(error),
    }
}

/// Returns the size of all files, in bytes; `None` if there are very many, because each has to be looked up.
fn bytes_at(reader: &Reader, head: ObjectId) -> metastore::Result<Option<u64>> {
    match reader.summary(head, None, Some(SIZED)) {
        Ok(summary) => Ok(Some(summary.whole.bytes)),
        Err(metastore::Error::TooLarge(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the main table without its number of rows if its file has another size than the package says: it was changed
/// since it was described.
fn current(reader: &Reader, head: ObjectId, mut table: MainTable) -> metastore::Result<MainTable> {
    let Some((path, bytes)) = &table.file else { return Ok(table) };
    // It may be elsewhere.
    let Ok(path) = path.parse() else { return Ok(table) };
    let size = match reader.entry(head, &path) {
        Ok(entry) => entry.pointer.map(|pointer| pointer.size).or(entry.size),
        Err(metastore::Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    if size != Some(*bytes) {
        table.rows = None;
    }
    Ok(table)
}

/// Returns the blob of the file of this name, if it is stored in the repository itself.
fn text_at(reader: &Reader, head: Option<ObjectId>, name: &str) -> metastore::Result<Option<ObjectId>> {
    let Some(head) = head else { return Ok(None) };
    match reader.entry(head, &name.parse()?) {
        Ok(entry) => Ok((entry.size.is_some() && entry.pointer.is_none()).then_some(entry.id)),
        Err(metastore::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the sort number of a dataset: the second of its last change, and within it the end of its id, which is
/// random. So a number reveals nothing about other datasets.
fn number(id: Id, changed: Millis) -> i64 {
    let [.., a, b, c, d] = *id.as_bytes();
    let random = i64::from(u32::from_be_bytes([a, b, c, d]) >> 2);
    (signed(changed.seconds()) << 30) | random
}
