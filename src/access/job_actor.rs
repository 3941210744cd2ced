//! The actors of background jobs that users have asked for.

use super::{Access, Actor, CredentialScope, Identity};
use crate::access::tokens::TokenScope;
use crate::db::accounts::UserRow;
use crate::error::{Error, Result};
use crate::types::{Id, RepoPath};

impl Access {
    /// Returns a user as the actor of a job that changes a dataset. What the job may do depends on the user's rights at
    /// this time, and is limited to reading and writing this dataset.
    ///
    /// # Errors
    /// Forbidden if the account is suspended, closed or deleted.
    pub async fn job_actor(&self, user: Id, dataset: &RepoPath) -> Result<Actor> {
        let row = self.db.read().await?.user_by_id(user).await?.filter(UserRow::is_active);
        let row = row.ok_or_else(|| Error::forbidden("the account is suspended, closed or deleted"))?;
        let admin = self.is_administrator(row.id, row.admin).await?;
        let scope: TokenScope = format!("write:{dataset}").parse()?;
        Ok(Actor {
            identity: Identity::User { id: row.id, name: row.name, admin },
            limit: CredentialScope::Token(vec![scope]),
            session: None,
        })
    }
}
