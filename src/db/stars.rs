//! Datasets that users have starred.

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

impl Tx {
    /// Stars a dataset, or removes the star.
    pub async fn set_star(&mut self, user: Id, repo: Id, is_starred: bool, now: Millis) -> Result<()> {
        if is_starred {
            let sql = "INSERT INTO star (user_id, repo_id, created_at) VALUES ($1, $2, $3)
                       ON CONFLICT (user_id, repo_id) DO NOTHING";
            query(sql).bind(user).bind(repo).bind(now).execute(self).await?;
        } else {
            query("DELETE FROM star WHERE user_id = $1 AND repo_id = $2").bind(user).bind(repo).execute(self).await?;
        }
        Ok(())
    }

    /// Returns the number of users who have starred a dataset, and whether this user has.
    pub async fn stars(&mut self, repo: Id, user: Option<Id>) -> Result<(i64, bool)> {
        let sql =
            "SELECT stars, (SELECT COUNT(*) FROM star WHERE repo_id = $1 AND user_id = $2) FROM dataset WHERE id = $1";
        let user = user.map(|id| id.to_string()).unwrap_or_default();
        let (stars, own): (i64, i64) = query(sql).bind(repo).bind(user).fetch_one(self).await?;
        Ok((stars, own > 0))
    }

    /// Returns the number of datasets that a user has starred.
    pub async fn starred_count(&mut self, user: Id) -> Result<i64> {
        Ok(query_scalar("SELECT COUNT(*) FROM star WHERE user_id = $1").bind(user).fetch_one(self).await?)
    }
}
