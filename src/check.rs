//! Integrity checks: `rutter fsck` verifies that all stored data exists and matches its hashes; the scrub does the
//! same slowly in the background.

mod scrub;

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use futures::{StreamExt as _, TryStreamExt as _};
use metastore::{Pack, RepoKey, StoredFile};
use serde::Serialize;

use crate::clock::Clock;
use crate::config::DEFAULT_STORE;
use crate::datasets::{Datasets, repo_key};
use crate::db::{Db, unsigned};
use crate::error::{Error, Kind, Result};
use crate::storage::Storage;
use crate::storage::check::{CheckResult, Damage};
use crate::types::{Id, Millis};

/// Age below which data without a database row may belong to a running upload.
const MIN_AGE: Duration = Duration::from_hours(1);

/// Number of packs that are read concurrently.
const CHECK_CONCURRENCY: usize = 4;

/// Checks the integrity of stored data. Cheap to clone.
#[derive(Clone)]
pub struct Checker {
    db: Db,
    drive: Datasets,
    storage: Storage,
    clock: Clock,
    round: Option<Duration>,
}

/// The result of a check. Programs read its JSON form: names of fields and kinds are stable.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// True if everything could be checked, and there are no problems.
    pub clean: bool,
    /// The amount of data that was checked.
    pub checked: Checked,
    /// Problems that were found.
    pub problems: Vec<Problem>,
    /// Harmless irregularities.
    pub notes: Vec<Note>,
    /// Data that could not be checked; its state is unknown.
    pub unchecked: Vec<Unchecked>,
}

/// Progress of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// LFS objects.
    pub objects: u64,
    /// Total size of these objects in bytes, according to the database.
    pub bytes: u64,
    /// Git packs.
    pub packs: u64,
    /// Datasets.
    pub datasets: u64,
}

/// Damaged or missing data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Kind of the problem, as a stable name.
    pub kind: ProblemKind,
    /// Store; `database` for a pack that is stored in its database row.
    pub store: String,
    /// `owner/name` of the repository with the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// `owner/name` of each dataset that contains the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
    /// Id of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oid: Option<String>,
    /// Checksum of the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Description for people.
    pub detail: String,
    /// The remedy.
    pub healed_by: Remedy,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// An object is not in its store.
    ObjectMissing,
    /// The size of an object differs from that in the database.
    ObjectSize,
    /// The content of an object does not match its hash.
    ObjectBytes,
    /// An object was quarantined by an earlier check, and still is.
    ObjectQuarantined,
    /// A pack or its index is not in the store.
    PackMissing,
    /// A pack or its index does not match the database, or git cannot read it.
    PackDamaged,
    /// `git fsck` reports an error in the packs.
    Git,
}

/// The remedy for a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// `git lfs push --all` to a dataset that contains the object, by anyone who has it.
    Push,
    /// Restore files from a backup to the location in the detail, or push a complete clone to a new dataset.
    Restore,
}

/// Stored data that is not in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Kind of the note, as a stable name.
    pub kind: NoteKind,
    /// Name of the store.
    pub store: String,
    /// Key of the file in the store.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Description for people.
    pub detail: String,
}

/// Kinds of harmless irregularities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// An object, or an upload that was not completed.
    ObjectStray,
    /// A file in the folder of packs.
    PackStray,
}

/// Something that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// Name of a store, an object or a dataset.
    pub what: String,
    /// The reason.
    pub detail: String,
}

impl Checker {
    /// Creates a checker. `round` is the time in which the scrub reads all data once; `None` disables it.
    pub fn new(db: Db, drive: Datasets, storage: Storage, clock: Clock, round: Option<Duration>) -> Self {
        Self { db, drive, storage, clock, round }
    }

    /// Checks everything, or one dataset and its objects. Without `rehash`, only names and sizes are compared and no
    /// data is read. Calls `seen` with the progress.
    pub async fn run(&self, only: Option<Id>, rehash: bool, mut seen: impl FnMut(&Checked) + Send) -> Result<Report> {
        let mut report = Report::default();
        let datasets = self.db.read().await?.datasets().await?;
        for dataset in datasets.iter().filter(|dataset| only.is_none_or(|only| only == dataset.id)) {
            let path = format!("{}/{}", dataset.owner_name, dataset.name);
            if let Err(error) = self.dataset(dataset.id, &path, rehash, &mut report, &mut seen).await {
                report.could_not(&path, &error);
            }
            report.checked.datasets += 1;
            if only.is_some() {
                self.objects(&dataset.store, only, rehash, &mut report, &mut seen).await?;
            }
        }
        if only.is_none() {
            let mut stores: Vec<String> = self.storage.stores().into_iter().map(|(name, _)| name).collect();
            let named = self.db.read_long().await?.object_stores().await?;
            // Stores that are no longer configured cannot be checked; the report lists them.
            stores.extend(named.into_iter().filter(|name| !stores.contains(name)).collect::<Vec<_>>());
            for store in stores {
                self.objects(&store, None, rehash, &mut report, &mut seen).await?;
            }
            if let Err(error) = self.stray_packs(&mut report).await {
                report.could_not("packs", &error);
            }
        }
        report.clean = report.problems.is_empty() && report.unchecked.is_empty();
        Ok(report)
    }

    fn before(&self) -> Millis {
        self.clock.now().minus(MIN_AGE)
    }

    async fn objects(
        &self,
        store: &str,
        only: Option<Id>,
        rehash: bool,
        report: &mut Report,
        seen: &mut (dyn FnMut(&Checked) + Send),
    ) -> Result<()> {
        let mut damaged = Vec::new();
        let mut tell = |looked: CheckResult| {
            report.checked.objects += 1;
            report.checked.bytes += looked.size;
            seen(&report.checked);
            match looked.outcome {
                Ok(None) => {}
                Ok(Some(damage)) => damaged.push((looked.oid.to_string(), damage)),
                Err(error) => report.could_not(&format!("object {}", looked.oid), &error),
            }
        };
        let mut looked = self.storage.check_objects(store, only, rehash, &mut tell).await;
        for (oid, damage) in damaged {
            let held_by = self.db.read().await?.holders(store, &oid).await?;
            report.problems.push(Problem {
                kind: damage.into(),
                store: store.to_owned(),
                dataset: None,
                held_by,
                detail: format!("object {oid} {}", damage.words()),
                oid: Some(oid),
                pack: None,
                healed_by: Remedy::Push,
            });
        }
        if only.is_none() && looked.is_ok() {
            let mut note = |stray: crate::storage::check::UntrackedFile| {
                let what = stray.oid.map_or_else(|| "upload".to_owned(), |oid| format!("object {oid}"));
                report.notes.push(Note {
                    kind: NoteKind::ObjectStray,
                    store: store.to_owned(),
                    key: stray.key,
                    bytes: stray.size,
                    detail: format!("the {what} is not in the database; rutter gc deletes it after the grace period"),
                });
            };
            looked = self.storage.strays(store, self.before(), &mut note).await;
        }
        if let Err(error) = looked {
            report.could_not(&format!("store {store}"), &error);
        }
        Ok(())
    }

    async fn dataset(
        &self,
        id: Id,
        path: &str,
        rehash: bool,
        report: &mut Report,
        seen: &mut (dyn FnMut(&Checked) + Send),
    ) -> Result<()> {
        let key = repo_key(id)?;
        let state = match self.drive.state_of(id).await {
            // Deleted meanwhile.
            Err(error) if error.kind() == Kind::NotFound => return Ok(()),
            state => state?,
        };
        let files = self.drive.engine().list_packs(&key).await?;
        let looks = state.packs.iter().map(|pack| self.pack(&key, pack, &files, rehash));
        let mut looks = futures::stream::iter(looks).buffered(CHECK_CONCURRENCY);
        let mut found = Vec::new();
        while let Some(problem) = looks.try_next().await? {
            report.checked.packs += 1;
            seen(&report.checked);
            found.extend(problem);
        }
        drop(looks);
        if !found.is_empty() {
            // A repack may have replaced packs and deleted their files meanwhile.
            let still = self.drive.state_of(id).await?;
            found.retain(|problem| still.packs.iter().any(|pack| problem.pack == Some(pack.id.to_string())));
        }
        let is_whole = found.is_empty();
        report.problems.extend(found.into_iter().map(|problem| Problem { dataset: Some(path.to_owned()), ..problem }));
        if rehash && is_whole {
            let complaints = match self.drive.check(id).await {
                Ok(complaints) => complaints,
                Err(error) if error.kind() == Kind::NotFound => return Ok(()),
                Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Busy | Kind::Full) => return Err(error),
                Err(error) => vec![error.to_string()],
            };
            report.problems.extend(complaints.into_iter().map(|complaint| Problem {
                kind: ProblemKind::Git,
                store: DEFAULT_STORE.to_owned(),
                dataset: Some(path.to_owned()),
                held_by: Vec::new(),
                oid: None,
                pack: None,
                detail: complaint,
                healed_by: Remedy::Restore,
            }));
        }
        Ok(())
    }

    /// Returns the problem of a pack, if it has one.
    async fn pack(&self, key: &RepoKey, pack: &Pack, files: &[StoredFile], rehash: bool) -> Result<Option<Problem>> {
        let problem = |kind, detail| Problem {
            kind,
            store: if pack.inline { "database" } else { DEFAULT_STORE }.to_owned(),
            dataset: None,
            held_by: Vec::new(),
            oid: None,
            pack: Some(pack.id.to_string()),
            detail,
            healed_by: Remedy::Restore,
        };
        if !pack.inline {
            for (extension, bytes) in [("pack", pack.pack_bytes), ("idx", pack.idx_bytes)] {
                let name = format!("packs/{key}/{}.{extension}", pack.key);
                match files.iter().find(|file| file.key == pack.key && file.extension == extension) {
                    None => {
                        return Ok(Some(problem(ProblemKind::PackMissing, format!("{name} is missing in the store"))));
                    }
                    Some(file) if file.bytes != bytes => {
                        let detail = format!("{name} has {} bytes, but {bytes} according to the database", file.bytes);
                        return Ok(Some(problem(ProblemKind::PackDamaged, detail)));
                    }
                    Some(_) => {}
                }
            }
        }
        if !rehash {
            return Ok(None);
        }
        let found = self.drive.engine().check_pack(key, pack).await?;
        Ok((!found.is_empty()).then(|| problem(ProblemKind::PackDamaged, found.join("; "))))
    }

    async fn stray_packs(&self, report: &mut Report) -> Result<()> {
        let newest = UNIX_EPOCH + Duration::from_millis(unsigned(self.before().0));
        let mut pages = self.drive.engine().list_all_packs().try_chunks(500);
        while let Some(page) = pages.try_next().await.map_err(|error| error.1)? {
            let keys: Vec<String> = page.iter().map(|(_, file)| file.key.clone()).collect();
            let known: HashSet<String> = self.db.read().await?.known_packs(&keys).await?.into_iter().collect();
            let strays = page.into_iter().filter(|(_, file)| file.stored <= newest && !known.contains(&file.key));
            report.notes.extend(strays.map(|(repo, file)| Note {
                kind: NoteKind::PackStray,
                store: DEFAULT_STORE.to_owned(),
                key: format!("packs/{repo}/{}.{}", file.key, file.extension),
                bytes: file.bytes,
                detail: "this file is not in the database; it is not needed and can be deleted manually".to_owned(),
            }));
        }
        Ok(())
    }
}

impl Report {
    fn could_not(&mut self, what: &str, error: &Error) {
        error.log();
        self.unchecked.push(Unchecked { what: what.to_owned(), detail: error.to_string() });
    }
}

impl From<Damage> for ProblemKind {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::Missing => Self::ObjectMissing,
            Damage::Size => Self::ObjectSize,
            Damage::Bytes => Self::ObjectBytes,
            Damage::Quarantined => Self::ObjectQuarantined,
        }
    }
}
