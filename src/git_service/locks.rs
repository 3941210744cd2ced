//! File locks (Git LFS locking API). A lock holds on all branches.

use lfs::locks::{
    self, ListQuery, Lock, LockList, LockPath, LockRequest, Owner, UnlockRequest, VerifyList, VerifyRequest,
};

use super::GitService;
use crate::access::{DatasetGrant, Own, Read, Target, Write};
use crate::db::locks::LockRow;
use crate::error::{Error, Result};
use crate::types::Id;

/// The result of a lock request: the new lock, or the conflicting one.
pub enum Locked {
    /// The caller now holds the lock.
    Taken(Lock),
    /// The path is already locked.
    Held(Lock),
}

impl GitService {
    /// Locks a path.
    ///
    /// # Errors
    /// Invalid for an invalid path; not found for a dataset that does not exist yet: a mistyped URL must not create
    /// one.
    pub async fn lock(&self, target: Target<Write>, request: LockRequest) -> Result<Locked> {
        let path = LockPath::parse(&request.path).map_err(|error| Error::invalid(error.to_string()))?;
        let ref_name = request.ref_name.unwrap_or_default();
        if ref_name.chars().any(char::is_control) || ref_name.len() > 1024 {
            return Err(Error::invalid("invalid ref name"));
        }
        let Target::Existing(grant) = target else {
            return Err(Error::not_found("dataset not found; push to it first"));
        };
        if !grant.actor().is_identified() {
            return Err(Error::forbidden("locking requires a token with a `sub` claim that identifies the lock owner"));
        }
        let row = LockRow {
            id: self.0.clock.id().to_string(),
            path: path.as_str().to_owned(),
            ref_name,
            owner: grant.actor().key(),
            owner_name: grant.actor().name(),
            locked_at: self.0.clock.now(),
        };
        let mut tx = self.0.db.write().await?;
        // A concurrent request waits here, and then sees the first one's lock.
        tx.lock_repo(grant.id()).await?;
        if let Some(held) = tx.lock_of(grant.id(), &row.path).await? {
            return Ok(Locked::Held(shown(held)));
        }
        tx.insert_lock(grant.id(), &row).await?;
        tx.commit().await?;
        Ok(Locked::Taken(shown(row)))
    }

    /// Lists locks, newest first.
    pub async fn locks(&self, grant: &DatasetGrant<Read>, query: ListQuery) -> Result<LockList> {
        let path = match query.path.as_deref() {
            None | Some("") => String::new(),
            Some(path) => match LockPath::parse(path) {
                Ok(path) => path.as_str().to_owned(),
                // No lock can have an invalid path.
                Err(_) => return Ok(LockList { locks: Vec::new(), next_cursor: None }),
            },
        };
        let id = match query.id.as_deref() {
            None | Some("") => String::new(),
            Some(id) => match id.parse::<Id>() {
                Ok(id) => id.to_string(),
                Err(_) => return Ok(LockList { locks: Vec::new(), next_cursor: None }),
            },
        };
        let (rows, next_cursor) = self.page(grant, &path, &id, query.cursor, query.limit).await?;
        Ok(LockList { locks: rows.into_iter().map(shown).collect(), next_cursor })
    }

    /// Lists locks before a push, split into the caller's own and those of others.
    pub async fn verify_locks(&self, target: &Target<Write>, request: VerifyRequest) -> Result<VerifyList> {
        let Target::Existing(grant) = target else {
            return Ok(VerifyList { ours: Vec::new(), theirs: Vec::new(), next_cursor: None });
        };
        let (rows, next_cursor) = self.page(&grant.narrow(), "", "", request.cursor, request.limit).await?;
        let me = grant.actor().key();
        let (ours, theirs): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.owner == me);
        Ok(VerifyList {
            ours: ours.into_iter().map(shown).collect(),
            theirs: theirs.into_iter().map(shown).collect(),
            next_cursor,
        })
    }

    /// Releases a lock; with `force`, an owner of the dataset can release the lock of another user.
    ///
    /// # Errors
    /// Not found; forbidden for the lock of another user.
    pub async fn unlock(&self, grant: &DatasetGrant<Write>, id: &str, request: &UnlockRequest) -> Result<Lock> {
        let mut tx = self.0.db.write().await?;
        let row = match id.parse::<Id>() {
            Ok(id) => tx.lock(grant.id(), &id.to_string()).await?,
            Err(_) => None,
        };
        let row = row.ok_or_else(|| Error::not_found("lock not found"))?;
        if row.owner != grant.actor().key() {
            if !request.force {
                return Err(Error::forbidden(format!(
                    "`{}` is locked by {}; an owner of the dataset can release it with --force",
                    row.path, row.owner_name
                )));
            }
            if grant.also::<Own>().is_none() {
                return Err(Error::forbidden("only an owner of the dataset can release the lock of another user"));
            }
        }
        if !tx.delete_lock(grant.id(), &row.id).await? {
            return Err(Error::not_found("lock not found: it has just been released"));
        }
        tx.commit().await?;
        Ok(shown(row))
    }

    async fn page(
        &self,
        grant: &DatasetGrant<Read>,
        path: &str,
        id: &str,
        cursor: Option<String>,
        limit: Option<u64>,
    ) -> Result<(Vec<LockRow>, Option<String>)> {
        let limit = locks::page(limit);
        let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let cursor = match cursor.as_deref() {
            None | Some("") => String::new(),
            Some(cursor) => {
                cursor.parse::<Id>().map_err(|_| Error::invalid("invalid cursor; start again without one"))?.to_string()
            }
        };
        let mut rows = self.0.db.read().await?.locks(grant.id(), path, id, &cursor, more).await?;
        let next = (rows.len() > limit).then(|| rows[limit - 1].id.clone());
        rows.truncate(limit);
        Ok((rows, next))
    }
}

fn shown(row: LockRow) -> Lock {
    Lock { id: row.id, path: row.path, locked_at: row.locked_at.rfc3339(), owner: Owner { name: row.owner_name } }
}
