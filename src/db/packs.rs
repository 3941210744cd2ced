//! Repositories as rows: refs, packs, and pending pack uploads.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// The state of a repository, which a write is checked against.
#[derive(Debug, Clone, FromRow)]
pub struct RepoRow {
    /// Incremented by each write.
    pub generation: i64,
    /// Incremented when objects may have been dropped.
    pub gc_epoch: i64,
    /// The default branch.
    pub head: String,
}

/// A ref.
#[derive(Debug, Clone, FromRow)]
pub struct RefRow {
    /// Full name.
    pub name: String,
    /// Object id, hexadecimal.
    pub target: String,
    /// Final target of an annotated tag, hexadecimal.
    pub peeled: Option<String>,
}

/// A live pack, without its bytes.
#[derive(Debug, Clone, FromRow)]
pub struct PackRow {
    /// Pack id: the checksum in its trailer, hexadecimal.
    pub pack_id: String,
    /// Key in the pack store.
    pub object_key: String,
    /// Size of the pack in bytes.
    pub pack_bytes: i64,
    /// Size of the index in bytes.
    pub idx_bytes: i64,
    /// Number of objects.
    pub objects: i64,
    /// True if the bytes are in the row.
    pub inline: bool,
}

/// The values of a new pack, for [`Tx::insert_pack`].
pub struct PackInsert<'a> {
    /// Pack id: the checksum in its trailer, hexadecimal.
    pub pack_id: &'a str,
    /// Key in the pack store.
    pub object_key: &'a str,
    /// Size of the pack in bytes.
    pub pack_bytes: i64,
    /// Size of the index in bytes.
    pub idx_bytes: i64,
    /// Number of objects.
    pub objects: i64,
    /// The bytes of a small pack: pack and index.
    pub inline: Option<(&'a [u8], &'a [u8])>,
}

impl Tx {
    /// Returns the state of a repository.
    pub async fn repo(&mut self, id: Id) -> Result<Option<RepoRow>> {
        let sql = "SELECT generation, gc_epoch, head FROM dataset WHERE id = $1";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Like [`Tx::repo`], and locks the repository against other writers.
    pub async fn lock_repo(&mut self, id: Id) -> Result<RepoRow> {
        let sql = match self {
            // On SQLite there is only one writer.
            Self::Sqlite(_) => "SELECT generation, gc_epoch, head FROM dataset WHERE id = $1",
            // Not FOR UPDATE: that would also block every insert of a row that references the dataset.
            Self::Postgres(_) => "SELECT generation, gc_epoch, head FROM dataset WHERE id = $1 FOR NO KEY UPDATE",
        };
        query(sql)
            .bind(id)
            .fetch_optional(self)
            .await?
            .ok_or_else(|| Error::not_found("the dataset was deleted in the meantime"))
    }

    /// Returns all refs by name.
    pub async fn refs(&mut self, repo: Id) -> Result<Vec<RefRow>> {
        let sql = "SELECT name, target, peeled FROM git_ref WHERE repo_id = $1 ORDER BY name";
        Ok(query(sql).bind(repo).fetch_all(self).await?)
    }

    /// Returns the ref with this name.
    pub async fn find_ref(&mut self, id: Id, name: &str) -> Result<Option<RefRow>> {
        let sql = "SELECT name, target, peeled FROM git_ref WHERE repo_id = $1 AND name = $2";
        Ok(query(sql).bind(id).bind(name).fetch_optional(self).await?)
    }

    /// Returns all live packs.
    pub async fn packs(&mut self, repo: Id) -> Result<Vec<PackRow>> {
        let sql = "SELECT pack_id, object_key, pack_bytes, idx_bytes, objects, inline_pack IS NOT NULL AS inline
                   FROM git_pack WHERE repo_id = $1 AND retired_at IS NULL ORDER BY pack_id";
        Ok(query(sql).bind(repo).fetch_all(self).await?)
    }

    /// Returns the bytes of an inline pack: pack and index.
    pub async fn inline_pack(&mut self, repo: Id, pack_id: &str) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let sql = "SELECT inline_pack, inline_idx FROM git_pack
                   WHERE repo_id = $1 AND pack_id = $2 AND inline_pack IS NOT NULL";
        Ok(query(sql).bind(repo).bind(pack_id).fetch_optional(self).await?)
    }

    /// Adds a pack and returns its live key, which is the old one if the pack is already live. A retired pack
    /// that is pushed again becomes live under the new key, so that its old file, which is about to be deleted,
    /// is not used again.
    ///
    /// Busy if the upload of its files took longer than the grace period and the sweep has marked them for
    /// deletion.
    pub async fn insert_pack(&mut self, repo: Id, pack: &PackInsert<'_>, now: Millis) -> Result<String> {
        let old = "SELECT object_key, retired_at FROM git_pack WHERE repo_id = $1 AND pack_id = $2";
        let old: Option<(String, Option<Millis>)> =
            query(old).bind(repo).bind(pack.pack_id).fetch_optional(self).await?;
        match old {
            Some((key, None)) => return Ok(key),
            Some((key, Some(_))) => {
                self.insert_upload(&key, repo, now).await?;
                let sql = "DELETE FROM git_pack WHERE repo_id = $1 AND pack_id = $2";
                query(sql).bind(repo).bind(pack.pack_id).execute(self).await?;
            }
            None => {}
        }
        let sql = "INSERT INTO git_pack (repo_id, pack_id, object_key, pack_bytes, idx_bytes, objects,
                                         inline_pack, inline_idx, added_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        query(sql)
            .bind(repo)
            .bind(pack.pack_id)
            .bind(pack.object_key)
            .bind(pack.pack_bytes)
            .bind(pack.idx_bytes)
            .bind(pack.objects)
            .bind(pack.inline.map(|(pack, _)| pack))
            .bind(pack.inline.map(|(_, idx)| idx))
            .bind(now)
            .execute(self)
            .await?;
        self.add_git_bytes(repo, pack.pack_bytes).await?;
        let sql = "DELETE FROM git_upload WHERE object_key = $1 AND deleted_at IS NULL";
        let announced = query(sql).bind(pack.object_key).execute(self).await?;
        if pack.inline.is_none() && announced == 0 {
            return Err(Error::busy("the upload took too long and its files were cleaned up; try again"));
        }
        Ok(pack.object_key.to_owned())
    }

    /// Returns the live packs that were added after the given time.
    pub async fn packs_since(&mut self, repo: Id, since: Millis) -> Result<Vec<String>> {
        let sql = "SELECT pack_id FROM git_pack WHERE repo_id = $1 AND added_at > $2 AND retired_at IS NULL";
        Ok(query_scalar(sql).bind(repo).bind(since).fetch_all(self).await?)
    }

    /// Retires a pack; returns false if it is not live. Its files are kept for readers until the sweep.
    pub async fn retire_pack(&mut self, repo: Id, pack_id: &str, now: Millis) -> Result<bool> {
        let sql = "UPDATE git_pack SET retired_at = $3 WHERE repo_id = $1 AND pack_id = $2 AND retired_at IS NULL
                   RETURNING pack_bytes";
        let retired: Option<i64> = query_scalar(sql).bind(repo).bind(pack_id).bind(now).fetch_optional(self).await?;
        let Some(bytes) = retired else { return Ok(false) };
        self.add_git_bytes(repo, -bytes).await?;
        Ok(true)
    }

    /// Sets a ref unconditionally: the caller has compared its old value in this transaction.
    pub async fn put_ref(&mut self, repo: Id, name: &str, target: &str, peeled: Option<&str>) -> Result<()> {
        let sql = "INSERT INTO git_ref (repo_id, name, target, peeled) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (repo_id, name) DO UPDATE SET target = excluded.target, peeled = excluded.peeled";
        query(sql).bind(repo).bind(name).bind(target).bind(peeled).execute(self).await?;
        Ok(())
    }

    /// Deletes a ref.
    pub async fn delete_ref(&mut self, repo: Id, name: &str) -> Result<()> {
        let sql = "DELETE FROM git_ref WHERE repo_id = $1 AND name = $2";
        query(sql).bind(repo).bind(name).execute(self).await?;
        Ok(())
    }

    /// Logs the change of a ref and its actor.
    #[expect(clippy::too_many_arguments, reason = "one argument per column")]
    pub async fn log_ref(
        &mut self,
        repo: Id,
        generation: i64,
        name: &str,
        old: Option<&str>,
        new: Option<&str>,
        actor: &str,
        at: Millis,
    ) -> Result<()> {
        let sql = "INSERT INTO git_ref_log (repo_id, generation, name, old_target, new_target, actor, at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        query(sql)
            .bind(repo)
            .bind(generation)
            .bind(name)
            .bind(old)
            .bind(new)
            .bind(actor)
            .bind(at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the target of a ref at the given time, as far as the ref log goes back: `None` if the log does not
    /// cover that time, or the ref did not exist.
    pub async fn ref_at(&mut self, repo: Id, name: &str, at: Millis) -> Result<Option<String>> {
        let sql = "SELECT new_target FROM git_ref_log WHERE repo_id = $1 AND name = $2 AND at <= $3
                   ORDER BY generation DESC LIMIT 1";
        let found: Option<(Option<String>,)> = query(sql).bind(repo).bind(name).bind(at).fetch_optional(self).await?;
        Ok(found.and_then(|(target,)| target))
    }

    /// Sets the generation and the default branch of a repository.
    pub async fn set_generation(&mut self, repo: Id, generation: i64, head: &str) -> Result<()> {
        let sql = "UPDATE dataset SET generation = $2, head = $3 WHERE id = $1";
        query(sql).bind(repo).bind(generation).bind(head).execute(self).await?;
        Ok(())
    }

    /// Records that a file is about to be uploaded to the pack store.
    pub async fn insert_upload(&mut self, key: &str, repo: Id, now: Millis) -> Result<()> {
        let sql = "INSERT INTO git_upload (object_key, repo_id, created_at) VALUES ($1, $2, $3)
                   ON CONFLICT (object_key) DO NOTHING";
        query(sql).bind(key).bind(repo).bind(now).execute(self).await?;
        Ok(())
    }

    /// Removes retired packs. Their files are recorded as unfinished uploads, which the sweep deletes; inline
    /// packs are deleted at once.
    pub async fn drop_retired_packs(&mut self, before: Millis) -> Result<u64> {
        let sql = "INSERT INTO git_upload (object_key, repo_id, created_at)
                   SELECT object_key, repo_id, retired_at FROM git_pack
                   WHERE retired_at < $1 AND inline_pack IS NULL ORDER BY object_key
                   ON CONFLICT (object_key) DO NOTHING";
        query(sql).bind(before).execute(self).await?;
        Ok(query("DELETE FROM git_pack WHERE retired_at < $1").bind(before).execute(self).await?)
    }

    /// Marks uploads started before the given time for deletion: from here on [`Tx::insert_pack`] rejects them,
    /// so that their files can be deleted.
    pub async fn mark_for_deletion(&mut self, before: Millis, now: Millis) -> Result<()> {
        let sql = "UPDATE git_upload SET deleted_at = $2 WHERE created_at < $1 AND deleted_at IS NULL";
        query(sql).bind(before).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns files to delete, ordered by key, after the given one: (key, repo).
    pub async fn marked_uploads(&mut self, after: &str, limit: i64) -> Result<Vec<(String, String)>> {
        let sql = "SELECT object_key, repo_id FROM git_upload
                   WHERE deleted_at IS NOT NULL AND object_key > $1 ORDER BY object_key LIMIT $2";
        Ok(query(sql).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Records that a file was deleted from the pack store.
    pub async fn delete_upload(&mut self, key: &str) -> Result<()> {
        query("DELETE FROM git_upload WHERE object_key = $1").bind(key).execute(self).await?;
        Ok(())
    }
}
