//! File locks (Git LFS locking API). A lock holds on all branches.

use lfs::locks::{
    self, ListQuery, Lock, LockList, LockPath, LockRequest, Owner, UnlockRequest, VerifyList, VerifyRequest,
};

use super::Hosting;
use crate::access::{Grant, Own, Read, Target, Write};
use crate::db::locks::LockRow;
use crate::error::{Error, Result};
use crate::types::Id;

/// A lock, or the one that is in the way.
pub enum Locked {
    /// It is the caller's now.
    Taken(Lock),
    /// Somebody has it.
    Held(Lock),
}

impl Hosting {
    /// Takes a lock.
    ///
    /// # Errors
    /// Invalid for a path that no file can have; not found for a dataset that
    /// nothing was pushed to: a mistyped address must not make one.
    pub async fn lock(&self, target: Target<Write>, request: LockRequest) -> Result<Locked> {
        let path = LockPath::parse(&request.path).map_err(|error| Error::invalid(error.to_string()))?;
        let ref_name = request.ref_name.unwrap_or_default();
        if ref_name.chars().any(char::is_control) || ref_name.len() > 1024 {
            return Err(Error::invalid("the name of the ref cannot be one"));
        }
        let Target::Existing(grant) = target else {
            return Err(Error::not_found("there is no such dataset yet; push to it first"));
        };
        if !grant.actor().is_somebody() {
            return Err(Error::forbidden("a lock needs a holder, and this token does not say for whom it is (`sub`)"));
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
        // Whoever comes second waits here, and then sees the first one's lock.
        tx.lock_repo(grant.id()).await?;
        if let Some(held) = tx.lock_of(grant.id(), &row.path).await? {
            return Ok(Locked::Held(shown(held)));
        }
        tx.insert_lock(grant.id(), &row).await?;
        tx.commit().await?;
        Ok(Locked::Taken(shown(row)))
    }

    /// Lists locks, newest first.
    pub async fn locks(&self, grant: &Grant<Read>, query: ListQuery) -> Result<LockList> {
        let path = match query.path.as_deref() {
            None | Some("") => String::new(),
            Some(path) => match LockPath::parse(path) {
                Ok(path) => path.as_str().to_owned(),
                // No lock has such a path.
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

    /// Lists locks before a push: the caller's own and everybody else's.
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

    /// Gives up a lock; with `force`, an owner of the dataset takes away that of somebody else.
    ///
    /// # Errors
    /// Not found; forbidden for somebody else's lock.
    pub async fn unlock(&self, grant: &Grant<Write>, id: &str, request: &UnlockRequest) -> Result<Lock> {
        let mut tx = self.0.db.write().await?;
        let row = match id.parse::<Id>() {
            Ok(id) => tx.lock(grant.id(), &id.to_string()).await?,
            Err(_) => None,
        };
        let row = row.ok_or_else(|| Error::not_found("there is no such lock"))?;
        if row.owner != grant.actor().key() {
            if !request.force {
                return Err(Error::forbidden(format!(
                    "`{}` is locked by {}; an owner can use --force",
                    row.path, row.owner_name
                )));
            }
            if grant.also::<Own>().is_none() {
                return Err(Error::forbidden("only an owner of the dataset may take away the lock of somebody else"));
            }
        }
        if !tx.delete_lock(grant.id(), &row.id).await? {
            return Err(Error::not_found("the lock was given up meanwhile"));
        }
        tx.commit().await?;
        Ok(shown(row))
    }

    async fn page(
        &self,
        grant: &Grant<Read>,
        path: &str,
        id: &str,
        cursor: Option<String>,
        limit: Option<u64>,
    ) -> Result<(Vec<LockRow>, Option<String>)> {
        let limit = locks::page(limit);
        let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let cursor = match cursor.as_deref() {
            None | Some("") => String::new(),
            Some(cursor) => cursor
                .parse::<Id>()
                .map_err(|_| Error::invalid("the cursor is not one that this server gave; begin without one"))?
                .to_string(),
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
