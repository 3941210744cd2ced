//! Lists the owners for whom an actor can create datasets.

use super::tokens;
use super::{Access, Actor, CredentialScope, Identity, Right as _, Write};
use crate::error::{Error, Result};
use crate::types::{OwnerKind, OwnerName, Role};

impl Access {
    /// Checks that the actor may list the stores, to choose one for a dataset.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden for share links.
    pub fn authorize_choice(&self, actor: &Actor) -> Result<()> {
        match &actor.identity {
            Identity::Anonymous => Err(Error::unauthenticated("sign in to list the stores")),
            Identity::Link(_) => Err(Error::forbidden("a share link does not allow this")),
            Identity::Guest { .. } | Identity::User { .. } | Identity::Operator => Ok(()),
        }
    }

    /// Returns the owners for whom the actor can create datasets, the actor's own name first; for site
    /// administrators, all organisations. Follows the rules of [`Access::creation`], but is empty for a credential
    /// that is limited to single datasets.
    ///
    /// # Errors
    /// Unauthenticated without credentials.
    pub async fn owners(&self, actor: &Actor) -> Result<Vec<(OwnerName, OwnerKind)>> {
        let (id, name, admin) = match &actor.identity {
            Identity::Anonymous => {
                return Err(Error::unauthenticated("sign in to list the owners for whom you can create datasets"));
            }
            Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => return Ok(Vec::new()),
            Identity::User { id, name, admin } => (*id, name, *admin),
        };
        let in_scope = match &actor.limit {
            CredentialScope::Nothing => true,
            CredentialScope::Token(scopes) => tokens::open_everywhere(scopes).has(Write::RIGHTS),
            CredentialScope::Claims(_) | CredentialScope::App(_) | CredentialScope::Enrolment => false,
        };
        if !in_scope {
            return Ok(Vec::new());
        }
        let mut owners = vec![(name.parse()?, OwnerKind::User)];
        let mut tx = self.db.read().await?;
        let organisations = if admin {
            tx.organisations().await?
        } else {
            let may_write = |role: &String| role.parse::<Role>().is_ok_and(|role| role >= Role::Writer);
            let mine = tx.memberships(id).await?.into_iter();
            mine.filter(|(_, role)| may_write(role)).map(|(name, _)| name).collect()
        };
        for organisation in organisations {
            owners.push((organisation.parse()?, OwnerKind::Organisation));
        }
        Ok(owners)
    }
}
