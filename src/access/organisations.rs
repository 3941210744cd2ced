//! Who may see, change and make organisations, and who may administer the site.
//!
//! ```compile_fail,E0308
//! use rutter::access::{Member, Steward};
//! // To belong to an organisation is not to decide about it.
//! fn decide(member: Member) -> Steward {
//!     member
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use rutter::access::{Actor, Administrator};
//! // Nobody makes themselves an administrator.
//! fn forge(actor: Actor) -> Administrator {
//!     Administrator { actor }
//! }
//! ```

use super::tokens;
use super::{Access, Actor, Identity, Limit, Own, Read, Right as _, Rights};
use crate::config::Makers;
use crate::error::{Error, Result};
use crate::types::{Email, Id, OwnerKind, OwnerName, Role};

/// A decision: this actor may see an organisation from within: who belongs to it, its groups, what it holds.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Member {
    organisation: Id,
    name: OwnerName,
    role: Option<Role>,
    actor: Actor,
}

impl Member {
    /// The id of the organisation.
    pub fn organisation(&self) -> Id {
        self.organisation
    }

    /// Its name.
    pub fn name(&self) -> &OwnerName {
        &self.name
    }

    /// What the actor is there; none for who administers the site and does not belong to it.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Who it is.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A decision: this actor may say who belongs to an organisation, and what becomes of it.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Steward {
    member: Member,
}

impl Steward {
    /// The decision that it includes.
    pub fn member(&self) -> &Member {
        &self.member
    }
}

/// A decision: this actor may end the membership of a user in an organisation, which may be their own.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Departure {
    member: Member,
    user: OwnerName,
}

impl Departure {
    /// The organisation, and who asks.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// Who is to leave.
    pub fn user(&self) -> &OwnerName {
        &self.user
    }
}

/// A decision: this user may make an organisation of this name.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Founding {
    name: OwnerName,
    founder: Id,
    actor: Actor,
}

impl Founding {
    /// What it is to be called.
    pub fn name(&self) -> &OwnerName {
        &self.name
    }

    /// Who is to be its first owner.
    pub fn founder(&self) -> Id {
        self.founder
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A decision: this user may join what they were invited to by a letter to this address.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Joining {
    user: Id,
    name: OwnerName,
    email: Email,
    actor: Actor,
}

impl Joining {
    /// Who joins.
    pub fn user(&self) -> Id {
        self.user
    }

    /// By name.
    pub fn name(&self) -> &OwnerName {
        &self.name
    }

    /// The address of the account.
    pub fn email(&self) -> &Email {
        &self.email
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A decision: this actor may see to what this user belongs.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Oneself(Id);

impl Oneself {
    /// The user.
    pub fn user(&self) -> Id {
        self.0
    }
}

/// A decision: this actor may administer the site.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Administrator {
    actor: Actor,
}

impl Administrator {
    /// Who it is.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// The same answer for what is not there and for what is not to be seen.
fn hidden(actor: &Actor, name: &str) -> Error {
    if actor.is_anonymous() {
        return Error::unauthenticated("sign in to see organisations");
    }
    Error::not_found(format!("there is no organisation `{}`, or you do not belong to it", name.escape_debug()))
}

/// What a credential leaves of rights that are not about datasets.
fn reach(actor: &Actor) -> Rights {
    match &actor.limit {
        Limit::Nothing => Rights::ALL,
        Limit::Token(scopes) => tokens::open_everywhere(scopes),
        // Their scopes speak of datasets alone.
        Limit::Claims(_) | Limit::App(_) => Rights::NONE,
    }
}

fn narrow_token() -> Error {
    Error::forbidden("this token is not for that: it needs the scope `own`, of everything")
}

impl Access {
    /// May the actor see the organisation from within?
    ///
    /// # Errors
    /// Unauthenticated for the anonymous; else not found for everybody who does not belong to it, whether there is one
    /// of that name or not.
    pub async fn authorize_member(&self, actor: &Actor, name: &str) -> Result<Member> {
        let decided = self.decide_member(actor, name).await;
        decided.map_err(|refusal| self.notes.refused_what(actor, "see the organisation", name, refusal))
    }

    async fn decide_member(&self, actor: &Actor, name: &str) -> Result<Member> {
        let unseen = || hidden(actor, name);
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
        Ok(Member { organisation: owner.id, name, role, actor: actor.clone() })
    }

    /// May the actor decide about the organisation?
    ///
    /// # Errors
    /// As for [`Access::authorize_member`]; forbidden for members who are no owners.
    pub async fn authorize_steward(&self, actor: &Actor, name: &str) -> Result<Steward> {
        let member = self.authorize_member(actor, name).await?;
        let decided = expect_steward(&member);
        decided.map_err(|refusal| self.notes.refused_what(actor, "administer the organisation", name, refusal))?;
        Ok(Steward { member })
    }

    /// May the actor end this membership? One's own, always; that of others, as a steward.
    ///
    /// # Errors
    /// As for [`Access::authorize_steward`].
    pub async fn authorize_departure(&self, actor: &Actor, name: &str, user: &str) -> Result<Departure> {
        let member = self.authorize_member(actor, name).await?;
        let user: OwnerName = user.parse().map_err(|_| Error::not_found("nobody of that name belongs to it"))?;
        let own = matches!(&actor.identity, Identity::User { name, .. } if name == user.as_str());
        if own && reach(actor).has(Own::RIGHTS) {
            return Ok(Departure { member, user });
        }
        let decided = expect_steward(&member);
        decided.map_err(|refusal| self.notes.refused_what(actor, "administer the organisation", name, refusal))?;
        Ok(Departure { member, user })
    }

    /// May the actor make an organisation of this name? One within another needs an owner of that one.
    ///
    /// # Errors
    /// Unauthenticated for the anonymous; forbidden where only administrators may, and for tokens that are for less;
    /// for one within another as for [`Access::authorize_steward`].
    pub async fn authorize_founding(&self, actor: &Actor, name: &OwnerName, makers: Makers) -> Result<Founding> {
        let (founder, admin) = match &actor.identity {
            Identity::Anonymous => return Err(Error::unauthenticated("sign in to make an organisation")),
            Identity::User { id, admin, .. } => (*id, *admin),
            _ => return Err(Error::forbidden("only users make organisations")),
        };
        if !reach(actor).has(Own::RIGHTS) {
            return Err(narrow_token());
        }
        if let Some((above, _)) = name.as_str().rsplit_once('/') {
            _ = self.authorize_steward(actor, above).await?;
        } else if makers == Makers::Admins && !admin {
            return Err(Error::forbidden("on this site, administrators make organisations: ask one of them"));
        }
        Ok(Founding { name: name.clone(), founder, actor: actor.clone() })
    }

    /// May the actor accept an invitation to this address? As the user whose address it is.
    ///
    /// # Errors
    /// Unauthenticated for the anonymous; forbidden for everybody else, and for tokens that are for less.
    pub async fn authorize_joining(&self, actor: &Actor, email: &Email) -> Result<Joining> {
        let (user, name) = match &actor.identity {
            Identity::Anonymous => {
                return Err(Error::unauthenticated(format!("sign in with the account of {email} to accept")));
            }
            Identity::User { id, name, .. } => (*id, name.parse()?),
            _ => return Err(Error::forbidden("only users accept invitations")),
        };
        if self.db.read().await?.email(user).await?.as_deref() != Some(email.as_str()) {
            return Err(Error::forbidden(format!(
                "this invitation is for {email}, and your account has another address: sign in with that one"
            )));
        }
        if !reach(actor).has(Own::RIGHTS) {
            return Err(narrow_token());
        }
        Ok(Joining { user, name, email: email.clone(), actor: actor.clone() })
    }

    /// Whose organisations may the actor see as their own?
    ///
    /// # Errors
    /// Unauthenticated for the anonymous; forbidden for who has no account, and for tokens of single datasets.
    pub fn authorize_oneself(&self, actor: &Actor) -> Result<Oneself> {
        match &actor.identity {
            Identity::Anonymous => Err(Error::unauthenticated("sign in to see what you belong to")),
            Identity::User { id, .. } if reach(actor).has(Read::RIGHTS) => Ok(Oneself(*id)),
            Identity::User { .. } => Err(Error::forbidden("this token is for single datasets, and not for that")),
            _ => Err(Error::forbidden("only users belong to organisations")),
        }
    }

    /// May the actor administer the site?
    ///
    /// # Errors
    /// Unauthenticated for the anonymous; forbidden for everybody else.
    pub fn authorize_administrator(&self, actor: &Actor) -> Result<Administrator> {
        let refuse = |refusal| Err(self.notes.refused_what(actor, "administer", "site", refusal));
        match &actor.identity {
            Identity::Anonymous => Err(Error::unauthenticated("sign in as an administrator")),
            Identity::Operator => Ok(Administrator { actor: actor.clone() }),
            Identity::User { admin: true, .. } if reach(actor).has(Own::RIGHTS) => {
                Ok(Administrator { actor: actor.clone() })
            }
            Identity::User { admin: true, .. } => refuse(narrow_token()),
            _ => refuse(Error::forbidden("only administrators of this site may do that")),
        }
    }
}

fn expect_steward(member: &Member) -> Result<()> {
    let admin = matches!(member.actor.identity, Identity::User { admin: true, .. });
    if !admin && member.role != Some(Role::Owner) {
        return Err(Error::forbidden(format!("only owners of `{}` may do that", member.name)));
    }
    if reach(&member.actor).has(Own::RIGHTS) { Ok(()) } else { Err(narrow_token()) }
}
