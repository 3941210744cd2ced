//! `rutter fsck`: whether everything that was promised is there and is what its name says; and the same
//! bit by bit, all the time.

mod scrub;

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use futures::{StreamExt as _, TryStreamExt as _};
use metastore::{Pack, RepoKey, StoredFile};
use serde::Serialize;

use crate::clock::Clock;
use crate::config::DEFAULT_STORE;
use crate::db::{Db, unsigned};
use crate::drive::{Drive, repo_key};
use crate::error::{Error, Kind, Result};
use crate::storage::Storage;
use crate::storage::check::{Damage, Looked};
use crate::types::{Id, Millis};

/// What is younger and has no row may be an upload under way.
const YOUNG: Duration = Duration::from_hours(1);

/// Packs that are read at one time.
const SIDE_BY_SIDE: usize = 4;

/// Checks what is stored. Cheap to clone.
#[derive(Clone)]
pub struct Checker {
    db: Db,
    drive: Drive,
    storage: Storage,
    clock: Clock,
    round: Option<Duration>,
}

/// What a check found. Its JSON is for programs: fields and kinds keep their names.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether everything could be looked at, and nothing is wrong.
    pub clean: bool,
    /// How much was looked at.
    pub checked: Checked,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is odd, and harms nobody.
    pub notes: Vec<Note>,
    /// What could not be looked at; nothing is known about it.
    pub unchecked: Vec<Unchecked>,
}

/// How much a check has looked at so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// LFS objects.
    pub objects: u64,
    /// Bytes of these objects, by their rows.
    pub bytes: u64,
    /// Packs of git.
    pub packs: u64,
    /// Datasets.
    pub datasets: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What, in a word that does not change.
    pub kind: ProblemKind,
    /// In which store; `database` for a pack that is kept in its row.
    pub store: String,
    /// `owner/name`, for what is wrong with a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// `owner/name` of each dataset that holds the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oid: Option<String>,
    /// The pack, by its checksum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// A sentence for people.
    pub detail: String,
    /// What makes it well again.
    pub healed_by: Remedy,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Nothing lies where an object should.
    ObjectMissing,
    /// An object has another size than its row says.
    ObjectSize,
    /// The bytes of an object are not what its name says.
    ObjectBytes,
    /// An object was taken out of use before, and still is.
    ObjectQuarantined,
    /// A pack or its index is not in the store.
    PackMissing,
    /// A pack or its index is not what its row says, or git cannot read it.
    PackDamaged,
    /// git finds fault with what the packs hold.
    Git,
}

/// What makes it well again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// `git lfs push --all` by anybody who has the object, to a dataset that holds it.
    Push,
    /// Files from a backup, at the place that the detail names; or a complete clone, pushed to a new dataset.
    Restore,
}

/// Something that no row names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What, in a word that does not change.
    pub kind: NoteKind,
    /// In which store.
    pub store: String,
    /// What the store calls it.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// A sentence for people.
    pub detail: String,
}

/// What nobody misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// An object, or an upload that never became one.
    ObjectStray,
    /// A file among the packs.
    PackStray,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// A whole store, an object or a dataset, by its name.
    pub what: String,
    /// Why.
    pub detail: String,
}

impl Checker {
    /// Puts it together. `round` is the time in which the slow check reads everything once; none for never.
    pub fn new(db: Db, drive: Drive, storage: Storage, clock: Clock, round: Option<Duration>) -> Self {
        Self { db, drive, storage, clock, round }
    }

    /// Checks everything, or one dataset and what it holds. Without `rehash`, names and sizes are compared
    /// and no bytes are read. `seen` hears how far it is.
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
            // Those that the configuration has no more cannot be looked at, and that is told.
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
        self.clock.now().minus(YOUNG)
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
        let mut tell = |looked: Looked| {
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
            let mut note = |stray: crate::storage::check::Stray| {
                let what = stray.oid.map_or_else(|| "upload".to_owned(), |oid| format!("object {oid}"));
                report.notes.push(Note {
                    kind: NoteKind::ObjectStray,
                    store: store.to_owned(),
                    key: stray.key,
                    bytes: stray.size,
                    detail: format!("no row names the {what}; rutter gc deletes it once it is old enough"),
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
        let mut looks = futures::stream::iter(looks).buffered(SIDE_BY_SIDE);
        let mut found = Vec::new();
        while let Some(problem) = looks.try_next().await? {
            report.checked.packs += 1;
            seen(&report.checked);
            found.extend(problem);
        }
        drop(looks);
        if !found.is_empty() {
            // Packs are replaced by others now and then, and their files follow.
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

    /// What is wrong with a pack, where it lies.
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
                    None => return Ok(Some(problem(ProblemKind::PackMissing, format!("the store has lost {name}")))),
                    Some(file) if file.bytes != bytes => {
                        let detail = format!("{name} has {} bytes, but its row says {bytes}", file.bytes);
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
                detail: "no row names this file; nothing needs it, and it can be deleted by hand".to_owned(),
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
