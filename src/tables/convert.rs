//! Conversion of tables to Parquet: a background job that adds the file to the dataset, beside its table.
//!
//! A conversion is a row of `derivation`. Its file is computed into the cache of results, stored as an object, and then added
//! in one revision together with its resource. Each step can be repeated, so a crash at any moment loses nothing.

mod target;

use std::sync::Arc;
use std::time::Duration;

use metastore::{FilePath, ObjectId, RefName};
use metrics::counter;
use serde_json::{Map, Value, json};
use tables_wire::{Convert, Task};
use tokio::sync::{Notify, watch};

use self::target::{default_target, expect_target, with_resource};
use super::Tables;
use super::cache::{CachedResult, Key};
use super::names::LocatedTable;
use super::source::TableContent;
use crate::access::{Access, DatasetGrant, Read, TableGrant, Write};
use crate::clock::Clock;
use crate::datasets::idempotency::IdempotencyKey;
use crate::datasets::package_edit::{AtPath, NewFile, PackageEditOptions};
use crate::datasets::refs::branch_name;
use crate::datasets::revisions::CommitMeta;
use crate::db::derivations::{DerivationEnd, DerivationRow};
use crate::db::{Db, signed};
use crate::error::{Error, Kind, Result};
use crate::jobs;
use crate::storage::Storage;
use crate::types::{DerivationState, Id, RepoPath};

/// Maximum number of derivations of a user that are not finished.
pub const MAX_OPEN: i64 = 20;

/// How many derivations of a dataset are remembered, and for how long after their end.
const REMEMBERED: i64 = 200;
const REMEMBERED_FOR: Duration = Duration::from_hours(30 * 24);

/// How often a derivation is begun before it is given up, because the server breaks off or something is unavailable.
const MAX_ATTEMPTS: i64 = 8;

/// How often the progress is recorded.
const REPORT: Duration = Duration::from_secs(1);

/// The name of this kind of derivation.
const CONVERT: &str = "convert";

/// A table to convert.
#[derive(Debug, Clone)]
pub struct ConvertRequest {
    /// The name of the table.
    pub table: String,
    /// The path of the new file. Default: the name of the table with `.parquet`.
    pub to: Option<FilePath>,
    /// The branch to read from and to write to. Default: the default branch.
    pub branch: Option<RefName>,
    /// True to replace a file.
    pub overwrite: bool,
}

/// Conversions of tables. Cheap to clone.
#[derive(Clone)]
pub struct Conversions(Arc<Inner>);

struct Inner {
    tables: Tables,
    access: Access,
    storage: Storage,
    db: Db,
    clock: Clock,
    /// Wakes the worker.
    queued: Arc<Notify>,
}

impl Conversions {
    /// Creates the service. `queued` wakes the worker that runs conversions.
    pub fn new(
        tables: Tables,
        access: Access,
        storage: Storage,
        (db, clock): (Db, Clock),
        queued: Arc<Notify>,
    ) -> Self {
        Self(Arc::new(Inner { tables, access, storage, db, clock, queued }))
    }

    /// Begins to convert a table, in the background. If the same is being done already, or was done and its file is still
    /// there, returns that.
    ///
    /// # Errors
    /// As for [`Tables::rows`]; conflict if the file exists; invalid for an unsuitable path; forbidden for callers without an
    /// account; busy if too many conversions of the user are not finished.
    pub async fn request(
        &self,
        write: &DatasetGrant<Write>,
        table: &TableGrant,
        request: ConvertRequest,
    ) -> Result<DerivationRow> {
        let Inner { tables, db, clock, queued, .. } = &*self.0;
        let (user, user_name) = write.actor().account().map_err(|error| {
            if error.kind() == Kind::Forbidden {
                return Error::forbidden("a conversion needs an account of this server, with whose rights it runs");
            }
            error
        })?;
        let ConvertRequest { table: source, to, branch, overwrite } = request;
        let (branch, head) = tables.0.datasets.branch_head(write, branch).await?;
        let head = head.ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?;
        let located = tables.find(table, &head.to_string(), &source).await?;
        let target = match to {
            Some(to) => to,
            None => default_target(&source, &located)?,
        };
        expect_target(&target, &located)?;
        tables.engine_version().await?;
        let digest = digest(&source, &located, &branch, &target)?;
        let known = db.read().await?.derivation_by_digest(write.id(), &digest).await?;
        let at_path = tables.0.datasets.at_path(write, head, &target).await?;
        if let Some(known) = known
            && self.is_current(write, &known, &at_path).await?
        {
            return Ok(known);
        }
        at_path.expect_free(&target, overwrite)?;
        let row = DerivationRow {
            id: clock.id(),
            kind: CONVERT.to_owned(),
            repo_id: write.id(),
            revision: head.to_string(),
            source,
            branch: branch.short().to_owned(),
            target: target.to_string(),
            overwrite,
            digest,
            user_id: user,
            user_name: user_name.to_owned(),
            state: DerivationState::Waiting,
            progress: 0,
            attempts: 0,
            rows: None,
            bytes: None,
            error: String::new(),
            result: None,
            created_at: clock.now(),
            finished_at: None,
        };
        let mut tx = db.write().await?;
        if tx.open_derivations(user).await? >= MAX_OPEN {
            return Err(Error::busy(format!(
                "{MAX_OPEN} conversions of yours are not finished yet; wait for one of them"
            )));
        }
        if !tx.insert_derivation(&row).await? {
            // Another request was faster.
            let other = tx.derivation_by_digest(write.id(), &row.digest).await?;
            return other.ok_or_else(|| Error::conflict("the same conversion has just ended; try again"));
        }
        tx.trim_derivations(write.id(), REMEMBERED).await?;
        jobs::enqueue(&mut tx, clock, jobs::Kind::Derive, &row.id.to_string(), Duration::ZERO).await?;
        tx.commit().await?;
        queued.notify_one();
        Ok(row)
    }

    /// Returns true if a derivation need not be made again: it is under way, or its file is still there.
    async fn is_current(&self, write: &DatasetGrant<Write>, known: &DerivationRow, at_path: &AtPath) -> Result<bool> {
        match (&known.state, &known.result, at_path) {
            (DerivationState::Waiting | DerivationState::Running, ..) => Ok(true),
            (DerivationState::Done, Some(result), AtPath::File(_)) => {
                let result = ObjectId::from_hex(result.as_bytes()).map_err(Error::internal)?;
                let then = self.0.tables.0.datasets.at_path(write, result, &known.target.parse()?).await;
                Ok(then.is_ok_and(|then| then == *at_path))
            }
            _ => Ok(false),
        }
    }

    /// Returns a derivation of the dataset.
    ///
    /// # Errors
    /// Not found.
    pub async fn derivation(&self, grant: &DatasetGrant<Read>, id: Id) -> Result<DerivationRow> {
        let found = self.0.db.read().await?.derivation(id).await?.filter(|row| row.repo_id == grant.id());
        found.ok_or_else(|| Error::not_found("there is no such derivation; finished ones are forgotten after 30 days"))
    }

    /// Returns the derivations of the dataset, newest first, and the cursor of the next page.
    pub async fn derivations(
        &self,
        grant: &DatasetGrant<Read>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<DerivationRow>, Option<String>)> {
        let most = i64::try_from(limit + 1).map_err(Error::internal)?;
        let mut rows = self.0.db.read().await?.derivations(grant.id(), cursor.unwrap_or_default(), most).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| last.id.to_string());
        Ok((rows, next))
    }

    /// Forgets derivations that were finished long ago.
    pub async fn forget(&self) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.forget_derivations(self.0.clock.now().minus(REMEMBERED_FOR)).await?;
        tx.commit().await
    }

    /// Runs a derivation, as its job.
    ///
    /// # Errors
    /// If it has to be tried again.
    pub async fn run(&self, id: Id) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        let attempts = tx.begin_derivation(id).await?;
        let row = tx.derivation(id).await?;
        tx.commit().await?;
        // The dataset was deleted, or the server broke off after the end.
        let (Some(attempts), Some(row)) = (attempts, row) else { return Ok(()) };
        let done = match attempts {
            // Not even a failure was recorded.
            attempts if attempts > MAX_ATTEMPTS => Err(given_up(&row.error)),
            _ => self.convert(&row).await,
        };
        let end = match done {
            Ok(end) => end,
            Err(error) if is_temporary(&error) && attempts < MAX_ATTEMPTS => {
                let mut tx = self.0.db.write().await?;
                tx.postpone_derivation(id, error.detail()).await?;
                tx.commit().await?;
                return Err(error);
            }
            Err(error) => {
                error.log();
                let error = if is_temporary(&error) { given_up(error.detail()) } else { error };
                DerivationEnd {
                    state: DerivationState::Failed,
                    rows: None,
                    bytes: None,
                    error: error.detail().to_owned(),
                    result: None,
                }
            }
        };
        counter!("rutter_derivations_total", "kind" => CONVERT, "outcome" => end.state.as_str()).increment(1);
        let mut tx = self.0.db.write().await?;
        tx.finish_derivation(id, &end, self.0.clock.now()).await?;
        tx.commit().await
    }

    async fn convert(&self, row: &DerivationRow) -> Result<DerivationEnd> {
        let Inner { tables, storage, .. } = &*self.0;
        let (write, table) = self.authorize(row).await?;
        let target: FilePath = row.target.parse()?;
        let located = tables.find(&table, &row.revision, &row.source).await?;
        let file = self.compute(row, &table, located.clone()).await?;
        let pointer = storage.keep(&write.at(target.clone()), file.size, file.read(0..file.size)).await?;
        // Computing took its time.
        let (write, _) = self.authorize(row).await?;
        let options = PackageEditOptions {
            unchanged: located.contents()?,
            file: Some(NewFile { path: target.clone(), pointer: pointer.clone(), overwrite: row.overwrite }),
            once: Some(IdempotencyKey { key: format!("derivation:{}", row.id), digest: row.digest.clone() }),
            dry_run: false,
        };
        let meta = CommitMeta { branch: Some(branch_name(&row.branch)?), ..CommitMeta::default() };
        let meta = meta.or_message(&format!("Convert {} to {target}", row.source));
        let new = |package: Option<&Map<String, Value>>| {
            let package = with_resource(package, &write.dataset().name, &target, &pointer, &file.done, &located)?;
            Ok((package, ()))
        };
        let made = tables.0.datasets.edit_package(&write, meta, &options, new).await;
        let (outcome, _) = made.map_err(|error| {
            if error.kind() == Kind::Precondition {
                return Error::conflict(format!("{} was changed while it was converted; convert it again", row.source));
            }
            error
        })?;
        Ok(DerivationEnd {
            state: DerivationState::Done,
            rows: Some(signed(file.done.rows)),
            bytes: Some(signed(file.size)),
            error: String::new(),
            result: Some(outcome.newest()?.to_string()),
        })
    }

    /// Checks what the user of a derivation may do now.
    async fn authorize(&self, row: &DerivationRow) -> Result<(DatasetGrant<Write>, TableGrant)> {
        let Inner { access, db, .. } = &*self.0;
        let path: Option<RepoPath> = db.read().await?.dataset_path(row.repo_id).await?;
        let path = path.ok_or_else(|| Error::not_found("the dataset was deleted"))?;
        let granted = async {
            let actor = access.job_actor(row.user_id, &path).await?;
            Ok((access.authorize(&actor, &path).await?, access.authorize_table(&actor, &path).await?))
        };
        granted.await.map_err(|error: Error| match error.kind() {
            Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated => {
                Error::of_kind(Kind::Forbidden, format!("{} may no longer change this dataset", row.user_name))
            }
            _ => error,
        })
    }

    /// Computes the file into the cache.
    async fn compute(&self, row: &DerivationRow, table: &TableGrant, located: LocatedTable) -> Result<CachedResult> {
        let tables = &self.0.tables;
        let source = &located.source;
        let metadata = json!([format!("{}@{}/{}", source.dataset, source.commit, source.table)]).to_string();
        let task =
            Task::Convert(Convert { metadata: Map::from_iter([("rutter.sources".to_owned(), json!(metadata))]) });
        let (mut request, _) = tables.request(table.actor(), vec![located], task).await?;
        if let Some(file) = tables.0.cache.open(&request.key).await {
            return Ok(file);
        }
        (request.timeout, request.is_job) = (tables.0.convert_timeout, true);
        let (sender, progress) = watch::channel(0.0);
        let computed = tables.compute_file(request, Arc::new(|_| {}), |fraction| {
            sender.send_replace(fraction);
        });
        let computed = tokio::select! {
            computed = computed => computed?,
            error = self.report(row.id, progress) => return Err(error),
        };
        computed.ok_or_else(|| {
            Error::invalid(format!(
                "the Parquet file does not fit into the cache: it has more than {} bytes, half of `tables.cache_bytes`; \
                 convert parts of the table, or ask the operator to raise `tables.cache_bytes`",
                tables.0.cache.file_limit()
            ))
        })
    }

    /// Records the progress of a derivation, until that is not possible.
    async fn report(&self, id: Id, progress: watch::Receiver<f64>) -> Error {
        let mut last = 0;
        loop {
            tokio::time::sleep(REPORT).await;
            let now = thousandths(*progress.borrow());
            if now == last {
                continue;
            }
            let recorded = async {
                let mut tx = self.0.db.write().await?;
                let exists = tx.set_derivation_progress(id, now).await?;
                tx.commit().await?;
                Ok(exists)
            };
            match recorded.await {
                Ok(true) => last = now,
                Ok(false) => return Error::not_found("the dataset was deleted"),
                Err(error) => return error,
            }
        }
    }
}

/// Returns a fraction in thousandths.
#[expect(clippy::cast_possible_truncation, reason = "it is between 0 and 1000")]
fn thousandths(fraction: f64) -> i64 {
    (fraction.clamp(0.0, 1.0) * 1000.0) as i64
}

/// Returns true if the same may succeed later.
fn is_temporary(error: &Error) -> bool {
    matches!(error.kind(), Kind::Busy | Kind::Unavailable | Kind::Internal)
}

fn given_up(why: &str) -> Error {
    let why = if why.is_empty() { "the server broke off" } else { why };
    Error::invalid(format!("given up after {MAX_ATTEMPTS} attempts: {why}"))
}

/// Returns the digest of everything that the result of a conversion depends on.
fn digest(source: &str, located: &LocatedTable, branch: &RefName, target: &FilePath) -> Result<String> {
    let LocatedTable { table, files, .. } = located;
    let read_as = serde_json::to_vec(&(table.format, &table.declared)).map_err(Error::internal)?;
    let tags: Vec<String> = files.iter().map(TableContent::tag).collect();
    let names = [CONVERT, source, branch.as_str(), target.as_str()];
    let mut parts: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    parts.push(&read_as);
    parts.extend(tags.iter().map(String::as_bytes));
    Ok(Key::of(&parts).as_str().to_owned())
}
