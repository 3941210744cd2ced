//! History visible at a path: all of it with read access to the whole dataset, the default branch with access to a
//! part, and only changes since the link was created with a share link.

use std::slice::from_ref;
use std::sync::Arc;

use metastore::{CommitInfo, FilePath, ObjectId, Reader, Snapshot};

use super::super::Datasets;
use super::super::revisions::head;
use crate::access::{Grant, History, Read};
use crate::error::{Error, Kind, Result};

/// Maximum number of revisions since a link was created; if there are more, only the newest is visible.
const MAX_REVISIONS: usize = 50_000;

/// Page size for walking the history behind a link.
const STEP: usize = 100;

impl Datasets {
    /// Resolves `expression` to a revision that is visible to the actor. Without access to the whole history, a revision
    /// can only be named by its full id, as in the list of versions, or as the newest one: other names would reveal
    /// branches and tags.
    ///
    /// # Errors
    /// Not found, with the same message for revisions that do not exist and those that are not visible; as for
    /// [`Datasets::resolve`].
    pub(in crate::datasets) async fn resolve_visible(
        &self,
        grant: &Grant<Read>,
        snapshot: &Arc<Snapshot>,
        expression: &str,
    ) -> Result<ObjectId> {
        let path = grant.path().cloned();
        self.resolve_visible_at(grant, snapshot, expression, path.into_iter().collect()).await
    }

    /// Like [`Datasets::resolve_visible`], for several paths at once, of grants with the same history.
    pub(in crate::datasets) async fn resolve_visible_at(
        &self,
        grant: &Grant<Read>,
        snapshot: &Arc<Snapshot>,
        expression: &str,
        paths: Vec<FilePath>,
    ) -> Result<ObjectId> {
        if grant.history() == History::Whole {
            return self.resolve(grant.id(), snapshot, expression).await;
        }
        if expression == "HEAD" || expression == snapshot.state().head.short() {
            return head(snapshot).ok_or_else(|| unseen(expression));
        }
        let id = Some(expression).filter(|id| id.len() == 40).and_then(|id| ObjectId::from_hex(id.as_bytes()).ok());
        let id = id.ok_or_else(|| unseen(expression))?;
        self.expect_seen(grant, snapshot, id, paths).await?;
        Ok(id)
    }

    /// Checks that the actor sees a revision at each of these paths.
    ///
    /// # Errors
    /// Not found for a revision that is not visible to the actor.
    async fn expect_seen(
        &self,
        grant: &Grant<Read>,
        snapshot: &Arc<Snapshot>,
        revision: ObjectId,
        paths: Vec<FilePath>,
    ) -> Result<()> {
        let history = grant.history();
        let hidden = || unseen(&revision.to_string());
        if history == History::Whole {
            return Ok(());
        }
        let head = head(snapshot).ok_or_else(hidden)?;
        if revision == head {
            return Ok(());
        }
        let seen = snapshot
            .read(move |reader| match history {
                History::Whole => Ok(true),
                History::Branch => reader.is_ancestor(revision, head),
                History::Since(None, _) => Ok(false),
                History::Since(Some(since), _) => {
                    // The version from before the link was created is identified by the revision that created it.
                    Ok(reader.descendants(since, head, MAX_REVISIONS)?.contains(&revision)
                        || !paths.is_empty()
                            && same(reader, &paths, since, revision)
                            && reader.is_ancestor(revision, head)?)
                }
            })
            .await
            .map_err(Error::from);
        match seen {
            Ok(true) => Ok(()),
            Ok(false) => Err(hidden()),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::TooLarge) => Err(hidden()),
            Err(error) => Err(error),
        }
    }
}

fn unseen(expression: &str) -> Error {
    Error::not_found(format!("revision `{}` not found, or you do not have access to it", expression.escape_debug()))
}

/// Returns true if each of the paths has the same entry in both revisions.
fn same(reader: &Reader, paths: &[FilePath], one: ObjectId, other: ObjectId) -> bool {
    match (reader.sides(one, paths), reader.sides(other, paths)) {
        (Ok(one), Ok(other)) => one == other && one.iter().all(Option::is_some),
        _ => false,
    }
}

/// Returns up to `limit` revisions that changed `path`, as [`Reader::log`] does, from those since a link was created.
/// The last one is the revision that created the version of that time; its message is removed.
pub(super) fn log_since(
    reader: &Reader,
    since: Option<ObjectId>,
    head: ObjectId,
    path: &FilePath,
    after: Option<ObjectId>,
    limit: usize,
) -> metastore::Result<Vec<CommitInfo>> {
    let Some(since) = since else { return Ok(Vec::new()) };
    let seen = match reader.descendants(since, head, MAX_REVISIONS) {
        Err(metastore::Error::TooLarge(_)) => return Ok(Vec::new()),
        seen => seen?,
    };
    let (mut found, mut after) = (Vec::new(), after);
    loop {
        let commits = reader.log(head, STEP, Some(path), after)?;
        let is_end = commits.len() < STEP;
        for mut commit in commits {
            after = Some(commit.id);
            if commit.id != since && seen.contains(&commit.id) {
                found.push(commit);
            } else if !seen.is_empty() && reader.is_ancestor(commit.id, since)? {
                if same(reader, from_ref(path), since, commit.id) {
                    commit.message.clear();
                    found.push(commit);
                }
                return Ok(found);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
        if is_end {
            return Ok(found);
        }
    }
}
