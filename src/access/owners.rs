//! Whose datasets somebody may make.

use super::tokens;
use super::{Access, Actor, Identity, Limit, Right as _, Write};
use crate::error::{Error, Result};
use crate::types::{OwnerKind, OwnerName, Role};

impl Access {
    /// May the actor see which stores there are, to choose one? Whoever may have datasets.
    ///
    /// # Errors
    /// Unauthenticated for the anonymous; forbidden for who came by a link.
    pub fn authorize_choice(&self, actor: &Actor) -> Result<()> {
        match &actor.identity {
            Identity::Anonymous => Err(Error::unauthenticated("sign in to see the stores")),
            Identity::Link(_) => Err(Error::forbidden("the link is not for that")),
            Identity::Guest { .. } | Identity::User { .. } | Identity::Operator => Ok(()),
        }
    }

    /// The owners that the actor may make datasets for, the actor's own name first; of those who administer the site,
    /// all organisations. As for [`Access::creation`], but a credential that is limited to single datasets has none.
    ///
    /// # Errors
    /// Unauthenticated for the anonymous.
    pub async fn owners(&self, actor: &Actor) -> Result<Vec<(OwnerName, OwnerKind)>> {
        let (id, name, admin) = match &actor.identity {
            Identity::Anonymous => return Err(Error::unauthenticated("sign in to see for whom you may make datasets")),
            Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => return Ok(Vec::new()),
            Identity::User { id, name, admin } => (*id, name, *admin),
        };
        let in_scope = match &actor.limit {
            Limit::Nothing => true,
            Limit::Token(scopes) => tokens::open_everywhere(scopes).has(Write::RIGHTS),
            Limit::Claims(_) | Limit::App(_) => false,
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
