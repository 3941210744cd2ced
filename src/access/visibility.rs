//! Dataset visibility: which datasets an actor can read, of all that exist. The same decision as
//! [`Access::authorize`] for `Read`, in a form that a query can apply.

use std::collections::HashSet;

use super::claims::{self, TokenClaim};
use super::tokens::{self, TokenScope};
use super::{Access, Actor, CredentialScope, Identity, Read, Right as _};
use crate::db::Tx;
use crate::db::search::{ScopeFilter, VisibilityFilter};
use crate::error::Result;
use crate::types::{Id, Visibility};

/// The datasets that an actor can see. Created by [`Access::visible_datasets`] only.
#[derive(Debug)]
#[must_use = "the query must be restricted to what the actor can see"]
pub struct VisibleDatasets {
    seen: VisibilityFilter,
    /// For site administrators: what they could see without that role.
    personal: Option<VisibilityFilter>,
}

impl VisibleDatasets {
    /// Returns the filter for the query.
    pub(crate) fn seen(&self) -> &VisibilityFilter {
        &self.seen
    }

    /// Returns true if the actor can see a dataset only because they are a site administrator.
    pub fn is_by_administration(&self, id: Id, owner: Id, visibility: Visibility) -> bool {
        let sees = |seen: &VisibilityFilter| seen.owners.contains(&owner) || seen.shared.contains(&id);
        visibility == Visibility::Private && self.personal.as_ref().is_some_and(|personal| !sees(personal))
    }
}

impl Access {
    /// Returns which datasets the actor can read.
    pub async fn visible_datasets(&self, actor: &Actor) -> Result<VisibleDatasets> {
        let (mut seen, mut personal) = (VisibilityFilter::default(), None);
        let mut tx = self.db.read().await?;
        match &actor.identity {
            // Public datasets: no credential restricts or extends these.
            Identity::Anonymous | Identity::Link(_) => return Ok(VisibleDatasets { seen, personal }),
            Identity::Operator | Identity::Guest { .. } => seen.all = true,
            Identity::User { id, admin, .. } => {
                seen.internal = true;
                seen.owners = tx.organisations_of(*id).await?;
                seen.owners.push(*id);
                seen.shared = self.shared_datasets(&mut tx, actor, *id).await?;
                if *admin {
                    personal = Some(std::mem::take(&mut seen));
                    seen.all = true;
                }
                seen.reader = Some(*id);
            }
        }
        seen.only = match &actor.limit {
            CredentialScope::Nothing => None,
            CredentialScope::Token(scopes) => by_token(&mut tx, scopes).await?,
            CredentialScope::App(app) => {
                let mut only = by_token(&mut tx, app.scopes()).await?;
                if let Some(only) = &mut only {
                    only.datasets.extend(app.datasets());
                }
                only
            }
            CredentialScope::Claims(claims) => by_claims(&mut tx, claims).await?,
            CredentialScope::Enrolment => by_token(&mut tx, &[]).await?,
        };
        Ok(VisibleDatasets { seen, personal })
    }
}

/// Returns the datasets that a personal token is limited to, if it is limited; every scope includes reading.
async fn by_token(tx: &mut Tx, scopes: &[TokenScope]) -> Result<Option<ScopeFilter>> {
    if tokens::open_everywhere(scopes).has(Read::RIGHTS) {
        return Ok(None);
    }
    let mut only = ScopeFilter::default();
    for path in tokens::datasets(scopes) {
        if let Some(dataset) = tx.dataset(path).await? {
            only.datasets.push(dataset.id);
        }
    }
    Ok(Some(only))
}

/// Returns the datasets that the claims of a token are limited to, if they are limited.
async fn by_claims(tx: &mut Tx, claims: &[TokenClaim]) -> Result<Option<ScopeFilter>> {
    if claims.iter().any(TokenClaim::reads_everything) {
        return Ok(None);
    }
    let (mut only, mut named) = (ScopeFilter::default(), HashSet::new());
    for (id, name) in tx.owner_names().await? {
        let readable = claims::readable(claims, &name);
        if readable.whole {
            only.owners.push(id);
        } else {
            named.extend(readable.names.into_iter().map(|name| (name, id)));
        }
    }
    let wanted: HashSet<&String> = named.iter().map(|(name, _)| name).collect();
    for name in wanted {
        for (id, owner) in tx.datasets_called(name).await? {
            if named.contains(&(name.clone(), owner)) {
                only.datasets.push(id);
            }
        }
    }
    Ok(Some(only))
}
