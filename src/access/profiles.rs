//! Permission to see the page of a user or an organisation, and to change their profile.

use super::organisations::reach;
use super::{Access, AccountGrant, Actor, Identity, OrgAdminGrant, Own, Read, Right as _};
use crate::db::profiles::ProfileRow;
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind, OwnerName, Role};

/// Maximum number of datasets that are counted for a page.
const COUNTED: i64 = 10_000;

/// A permission check that passed: this actor may see the page of this user or organisation.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct OwnerViewGrant {
    profile: ProfileRow,
    datasets: u64,
    viewer: Option<Id>,
    is_self: bool,
    role: Option<Role>,
    is_inside: bool,
    may_edit: bool,
}

impl OwnerViewGrant {
    /// Returns the profile, as the actor may see it.
    pub fn profile(&self) -> &ProfileRow {
        &self.profile
    }

    /// Returns the number of datasets of the owner that the actor can see, up to 10,000.
    pub fn datasets(&self) -> u64 {
        self.datasets
    }

    /// Returns the id of the actor, if they have an account.
    pub fn viewer(&self) -> Option<Id> {
        self.viewer
    }

    /// Returns true if the page is that of the actor.
    pub fn is_self(&self) -> bool {
        self.is_self
    }

    /// Returns the role of the actor in the organisation.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Returns true if the actor may see all organisations of the user, or the members of the organisation: as themselves, a
    /// member, or a site administrator.
    pub fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Returns true if the actor may change the profile.
    pub fn may_edit(&self) -> bool {
        self.may_edit
    }
}

/// A permission check that passed: this actor may change the profile of a user or an organisation.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct ProfileGrant {
    owner: Id,
    kind: OwnerKind,
    name: String,
    actor: Actor,
}

impl ProfileGrant {
    /// Returns the id of the owner.
    pub fn owner(&self) -> Id {
        self.owner
    }

    /// Returns what the owner is.
    pub fn kind(&self) -> OwnerKind {
        self.kind
    }

    /// Returns the name of the owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

impl Actor {
    /// Checks that the actor may change their own profile.
    ///
    /// # Errors
    /// As for [`Actor::holder`].
    pub fn own_profile(&self) -> Result<ProfileGrant> {
        let holder: AccountGrant = self.holder()?;
        let (owner, name) = (holder.user(), holder.name().to_owned());
        Ok(ProfileGrant { owner, kind: OwnerKind::User, name, actor: self.clone() })
    }
}

impl From<&OrgAdminGrant> for ProfileGrant {
    fn from(steward: &OrgAdminGrant) -> Self {
        let member = steward.member();
        let (owner, name) = (member.organisation(), member.name().to_string());
        Self { owner, kind: OwnerKind::Organisation, name, actor: member.actor().clone() }
    }
}

impl Access {
    /// Checks that the actor may see the page of an owner:
    ///
    /// - all who can see one of its datasets,
    /// - everybody, once its profile is filled in,
    /// - users of this site, the page of another user,
    /// - members, that of their organisation, and site administrators.
    ///
    /// # Errors
    /// Not found for everyone else, as if the owner did not exist.
    pub async fn authorize_owner_view(&self, actor: &Actor, name: &str) -> Result<OwnerViewGrant> {
        let unseen = || {
            Error::not_found(format!(
                "there is no user or organisation `{}`, or you cannot see it",
                name.escape_debug()
            ))
        };
        let parsed: OwnerName = name.parse().map_err(|_| unseen())?;
        let visible = self.visible_datasets(actor).await?;
        let mut tx = self.db.read().await?;
        let mut profile = tx.profile(parsed.as_str()).await?.ok_or_else(unseen)?;
        if !profile.is_active() {
            // Their datasets stay what they are, but what they said about themselves is not shown.
            profile.avatar = None;
            for text in [
                &mut profile.display_name,
                &mut profile.bio,
                &mut profile.website,
                &mut profile.place,
                &mut profile.readme,
            ] {
                text.clear();
            }
        }
        let reads = reach(actor).has(Read::RIGHTS);
        let (viewer, is_admin) = match &actor.identity {
            Identity::User { id, admin, .. } if reads => (Some(*id), *admin),
            Identity::Operator => (None, true),
            _ => (None, false),
        };
        let is_self = viewer == Some(profile.id);
        let role = match (profile.kind, viewer) {
            (OwnerKind::Organisation, Some(user)) => tx.member_role(profile.id, user).await?,
            _ => None,
        };
        let is_inside = is_self || role.is_some() || is_admin;
        let datasets = tx.count_visible_of(visible.seen(), profile.id, COUNTED).await?;
        let is_fellow = profile.kind == OwnerKind::User && viewer.is_some() && profile.is_active();
        if !is_inside && datasets == 0 && !profile.is_filled_in() && !is_fellow {
            return Err(unseen());
        }
        let owns = is_self || role == Some(Role::Owner) || (is_admin && profile.kind == OwnerKind::Organisation);
        let may_edit = owns && reach(actor).has(Own::RIGHTS);
        Ok(OwnerViewGrant { profile, datasets, viewer, is_self, role, is_inside, may_edit })
    }
}
