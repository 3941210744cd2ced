//! Permission checks for organisations (who can see, change and create them) and for the administration of the site.
//!
//! ```compile_fail,E0308
//! use rutter::access::{OrgMemberGrant, OrgAdminGrant};
//! // A member does not have the rights of an organisation owner.
//! fn decide(member: OrgMemberGrant) -> OrgAdminGrant {
//!     member
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use rutter::access::{Actor, AdminGrant};
//! // The administrator check cannot be forged: its field is private.
//! fn forge(actor: Actor) -> AdminGrant {
//!     AdminGrant { actor }
//! }
//! ```

use super::tokens;
use super::{Access, Actor, CredentialScope, Identity, Own, Read, Right as _, Rights};
use crate::config::{Makers, SecondFactor};
use crate::error::{Error, Result};
use crate::types::{Email, Id, OwnerKind, OwnerName, Role};

/// A permission check that passed: this actor may see the inside of an organisation (members, groups, datasets).
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct OrgMemberGrant {
    organisation: Id,
    name: OwnerName,
    role: Option<Role>,
    actor: Actor,
}

impl OrgMemberGrant {
    /// Returns the id of the organisation.
    pub fn organisation(&self) -> Id {
        self.organisation
    }

    /// Returns the name of the organisation.
    pub fn name(&self) -> &OwnerName {
        &self.name
    }

    /// Returns the actor's role; `None` for a site administrator who is not a member.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A permission check that passed: this actor may manage the members of an organisation, and change or delete it.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct OrgAdminGrant {
    member: OrgMemberGrant,
}

impl OrgAdminGrant {
    /// Returns the included permission to see the organisation.
    pub fn member(&self) -> &OrgMemberGrant {
        &self.member
    }
}

/// A permission check that passed: this actor may end a user's membership in an organisation, possibly their own.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct RemoveMemberGrant {
    member: OrgMemberGrant,
    user: OwnerName,
}

impl RemoveMemberGrant {
    /// Returns the organisation and the actor.
    pub fn member(&self) -> &OrgMemberGrant {
        &self.member
    }

    /// Returns the user to remove.
    pub fn user(&self) -> &OwnerName {
        &self.user
    }
}

/// A permission check that passed: this user may create an organisation with this name.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct CreateOrgGrant {
    name: OwnerName,
    founder: Id,
    actor: Actor,
}

impl CreateOrgGrant {
    /// Returns the name of the new organisation.
    pub fn name(&self) -> &OwnerName {
        &self.name
    }

    /// Returns the id of the user who becomes its first owner.
    pub fn founder(&self) -> Id {
        self.founder
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A permission check that passed: this user may accept invitations that were sent to this address.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct AcceptInviteGrant {
    user: Id,
    name: OwnerName,
    email: Email,
    actor: Actor,
}

impl AcceptInviteGrant {
    /// Returns the id of the user who accepts.
    pub fn user(&self) -> Id {
        self.user
    }

    /// Returns the name of the user.
    pub fn name(&self) -> &OwnerName {
        &self.name
    }

    /// Returns the e-mail address of the account.
    pub fn email(&self) -> &Email {
        &self.email
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A permission check that passed: this actor may list the organisations of this user.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct SelfGrant(Id);

impl SelfGrant {
    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.0
    }
}

/// A permission check that passed: this actor may administer the site.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct AdminGrant {
    actor: Actor,
}

impl AdminGrant {
    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Returns the same error for an organisation that does not exist and for one that the actor cannot see.
fn organisation_not_found(actor: &Actor, name: &str) -> Error {
    if actor.is_anonymous() {
        return Error::unauthenticated("sign in to see organisations");
    }
    Error::not_found(format!("there is no organisation `{}`, or you are not a member", name.escape_debug()))
}

/// Returns the rights that a credential has beyond single datasets.
pub(super) fn reach(actor: &Actor) -> Rights {
    match &actor.limit {
        CredentialScope::Nothing => Rights::ALL,
        CredentialScope::Token(scopes) => tokens::open_everywhere(scopes),
        // Their scopes apply to datasets only.
        CredentialScope::Claims(_) | CredentialScope::App(_) | CredentialScope::Enrolment => Rights::NONE,
    }
}

fn narrow_token() -> Error {
    Error::forbidden("this requires a token with the scope `own` for everything")
}

impl Access {
    /// Checks that the actor may see the inside of the organisation.
    ///
    /// # Errors
    /// Unauthenticated without credentials; otherwise not found if the actor is not a member, whether the
    /// organisation exists or not.
    pub async fn authorize_member(&self, actor: &Actor, name: &str) -> Result<OrgMemberGrant> {
        let decided = self.decide_member(actor, name).await;
        decided.map_err(|refusal| self.notes.refused_what(actor, "see the organisation", name, refusal))
    }

    async fn decide_member(&self, actor: &Actor, name: &str) -> Result<OrgMemberGrant> {
        let unseen = || organisation_not_found(actor, name);
        let Identity::User { id, admin, .. } = &actor.identity else { return Err(unseen()) };
        let name: OwnerName = name.parse().map_err(|_| unseen())?;
        if !reach(actor).has(Read::RIGHTS) {
            return Err(unseen());
        }
        let mut tx = self.db.read().await?;
        let owner = tx.owner(&name).await?.filter(|owner| owner.kind == OwnerKind::Organisation);
        let owner = owner.ok_or_else(unseen)?;
        let role = tx.member_role(owner.id, *id).await?;
        if role.is_none() && !admin {
            return Err(unseen());
        }
        Ok(OrgMemberGrant { organisation: owner.id, name, role, actor: actor.clone() })
    }

    /// Checks that the actor may manage the organisation.
    ///
    /// # Errors
    /// As for [`Access::authorize_member`]; forbidden for members who are not owners.
    pub async fn authorize_steward(&self, actor: &Actor, name: &str) -> Result<OrgAdminGrant> {
        let member = self.authorize_member(actor, name).await?;
        let decided = expect_steward(&member);
        decided.map_err(|refusal| self.notes.refused_what(actor, "administer the organisation", name, refusal))?;
        Ok(OrgAdminGrant { member })
    }

    /// Checks that the actor may end this membership: their own, or as an owner that of others.
    ///
    /// # Errors
    /// As for [`Access::authorize_steward`].
    pub async fn authorize_departure(&self, actor: &Actor, name: &str, user: &str) -> Result<RemoveMemberGrant> {
        let member = self.authorize_member(actor, name).await?;
        let user: OwnerName = user.parse().map_err(|_| Error::not_found("there is no member with that name"))?;
        let own = matches!(&actor.identity, Identity::User { name, .. } if name == user.as_str());
        if own && reach(actor).has(Own::RIGHTS) {
            return Ok(RemoveMemberGrant { member, user });
        }
        let decided = expect_steward(&member);
        decided.map_err(|refusal| self.notes.refused_what(actor, "administer the organisation", name, refusal))?;
        Ok(RemoveMemberGrant { member, user })
    }

    /// Checks that the actor may create an organisation with this name. A nested one requires an owner of its parent.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden where only administrators may create organisations, and for
    /// tokens with a narrower scope; for a nested one as for [`Access::authorize_steward`].
    pub async fn authorize_founding(&self, actor: &Actor, name: &OwnerName, makers: Makers) -> Result<CreateOrgGrant> {
        let (founder, admin) = match &actor.identity {
            Identity::Anonymous => return Err(Error::unauthenticated("sign in to create an organisation")),
            Identity::User { id, admin, .. } => (*id, *admin),
            _ => return Err(Error::forbidden("only users can create organisations")),
        };
        if !reach(actor).has(Own::RIGHTS) {
            return Err(narrow_token());
        }
        if let Some((above, _)) = name.as_str().rsplit_once('/') {
            _ = self.authorize_steward(actor, above).await?;
        } else if makers == Makers::Admins && !admin {
            return Err(Error::forbidden("only administrators can create organisations on this site"));
        }
        Ok(CreateOrgGrant { name: name.clone(), founder, actor: actor.clone() })
    }

    /// Checks that the actor may accept an invitation to this address, which must be the address of their account.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden for everyone else, and for tokens with a narrower scope.
    pub async fn authorize_joining(&self, actor: &Actor, email: &Email) -> Result<AcceptInviteGrant> {
        let (user, name) = match &actor.identity {
            Identity::Anonymous => {
                return Err(Error::unauthenticated(format!(
                    "sign in with the account of {email} to accept the invitation"
                )));
            }
            Identity::User { id, name, .. } => (*id, name.parse()?),
            _ => return Err(Error::forbidden("only users can accept invitations")),
        };
        if self.db.read().await?.email(user).await?.as_deref() != Some(email.as_str()) {
            return Err(Error::forbidden(format!(
                "this invitation is for {email}, but your account has another address: sign in with the invited account"
            )));
        }
        if !reach(actor).has(Own::RIGHTS) {
            return Err(narrow_token());
        }
        Ok(AcceptInviteGrant { user, name, email: email.clone(), actor: actor.clone() })
    }

    /// Checks that the actor may list their own organisations.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden without an account, and for tokens that are limited to single
    /// datasets.
    pub fn authorize_oneself(&self, actor: &Actor) -> Result<SelfGrant> {
        match &actor.identity {
            Identity::Anonymous => Err(Error::unauthenticated("sign in to list your organisations")),
            Identity::User { id, .. } if reach(actor).has(Read::RIGHTS) => Ok(SelfGrant(*id)),
            Identity::User { .. } => Err(Error::forbidden("this token is limited to single datasets")),
            _ => Err(Error::forbidden("only users can be members of organisations")),
        }
    }

    /// Checks that the actor may administer the site.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden for everyone else.
    pub fn authorize_administrator(&self, actor: &Actor) -> Result<AdminGrant> {
        let refuse = |refusal| Err(self.notes.refused_what(actor, "administer", "site", refusal));
        match &actor.identity {
            Identity::Anonymous => Err(Error::unauthenticated("sign in as an administrator")),
            Identity::Operator => Ok(AdminGrant { actor: actor.clone() }),
            Identity::User { admin: true, .. } if reach(actor).has(Own::RIGHTS) => {
                Ok(AdminGrant { actor: actor.clone() })
            }
            Identity::User { admin: true, .. } => refuse(narrow_token()),
            _ if self.second_factor == SecondFactor::Optional => {
                refuse(Error::forbidden("only administrators of this site can do that"))
            }
            _ => refuse(Error::forbidden(
                "only administrators of this site can do that, after they have set up two-factor authentication",
            )),
        }
    }
}

fn expect_steward(member: &OrgMemberGrant) -> Result<()> {
    let admin = matches!(member.actor.identity, Identity::User { admin: true, .. });
    if !admin && member.role != Some(Role::Owner) {
        return Err(Error::forbidden(format!("only owners of `{}` can do that", member.name)));
    }
    if reach(&member.actor).has(Own::RIGHTS) { Ok(()) } else { Err(narrow_token()) }
}
