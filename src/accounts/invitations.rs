//! Invitations by letter: to an organisation, or to the site alone. Who has the link has got the letter, so the address
//! is theirs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::joining::{MailLimits, NewUser};
use super::sessions::{SignedIn, Visit};
use super::tickets::{self, Purpose, gone};
use super::{Accounts, by};
use crate::access::{Actor, Administrator, Joining, Steward};
use crate::config::SignUp;
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::db::invitations::InvitationRow;
use crate::error::{Error, Result};
use crate::mail::Letter;
use crate::types::{DisplayName, Email, Id, Millis, OwnerName, Role, Secret};

/// For how long an invitation is good.
const LIFETIME: Duration = Duration::from_hours(14 * 24);

/// Open invitations to one organisation, and to the site: each is a letter to somebody who did not ask for one.
const OPEN: usize = 200;

/// An invitation that is open.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Stable id.
    pub id: Id,
    /// Where to; none for the site alone.
    pub organisation: Option<OwnerName>,
    /// Whom.
    pub email: Email,
    /// As what, in the organisation.
    pub role: Option<Role>,
    /// When it was made.
    pub created: Millis,
    /// When it ends.
    pub expires: Millis,
}

/// Invitations that one user may send in an hour, as for shares.
const PER_HOUR: i64 = 100;

/// How many e-mails of this kind one address gets, whoever sends them.
const MAIL: MailLimits = &[(Duration::from_hours(1), 5), (Duration::from_hours(24), 10)];
/// The subjects of those, as a pattern of SQL.
const SUBJECTS: &str = "% invites you to %";

/// What a ticket is about: its row says the rest, and is gone when it was withdrawn.
#[derive(Serialize, Deserialize)]
struct Subject {
    /// The id of the user who invites, whose right to do so must last until the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inviter: Option<String>,
}

/// What became of an invitation.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Who has accepted it.
    pub user: Id,
    /// By name.
    pub name: OwnerName,
    /// Where to.
    pub organisation: Option<OwnerName>,
}

/// An invitation that is to be sent.
struct Draft<'a> {
    actor: &'a Actor,
    to: Option<(Id, &'a OwnerName, Role)>,
    email: &'a Email,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = Error;

    fn try_from(row: InvitationRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            organisation: row.organisation.map(|name| name.parse()).transpose()?,
            email: row.email.parse()?,
            role: row.role.map(|role| role.parse()).transpose()?,
            created: row.created_at,
            expires: row.expires_at,
        })
    }
}

impl Accounts {
    /// Asks somebody to join an organisation, by a letter. One to the same address
    /// before is withdrawn.
    ///
    /// # Errors
    /// Conflict where too many have not answered; busy for too many in an hour, by the user or to the address.
    pub async fn invite(&self, steward: &Steward, email: &Email, role: Role) -> Result<Invitation> {
        let member = steward.member();
        let to = Some((member.organisation(), member.name(), role));
        self.send_invitation(&Draft { actor: member.actor(), to, email }).await
    }

    /// Asks somebody to make an account.
    ///
    /// # Errors
    /// As for [`Accounts::invite`]; conflict for an address that has one, forbidden where nobody makes accounts.
    pub async fn invite_to_site(&self, admin: &Administrator, email: &Email) -> Result<Invitation> {
        self.expect_open()?;
        if self.db.read().await?.user_by_email(email).await?.is_some() {
            return Err(Error::conflict(format!("the address `{email}` has an account already")));
        }
        self.send_invitation(&Draft { actor: admin.actor(), to: None, email }).await
    }

    async fn send_invitation(&self, draft: &Draft<'_>) -> Result<Invitation> {
        let Draft { actor, to, email } = *draft;
        let (place, now) = (to.map(|(id, ..)| id), self.clock.now());
        let mut tx = self.db.write().await?;
        // Requests side by side would all count the same.
        let key = actor.key();
        tx.lock_name(&format!("invitations by {key}")).await?;
        tx.lock_name(to.map_or("invitations to the site", |(_, name, _)| name.as_str())).await?;
        let hour = now.minus(Duration::from_hours(1));
        if tx.count_audit(&key, "invitation.add", hour).await? >= PER_HOUR {
            return Err(Error::busy(format!("you sent {PER_HOUR} invitations within an hour: send more later")));
        }
        let open = tx.invitations(place, now).await?;
        for before in open.iter().filter(|invitation| invitation.email == email.as_str()) {
            withdraw(&mut tx, before.id, place).await?;
        }
        if open.len() >= OPEN {
            return Err(Error::conflict(format!(
                "{OPEN} invitations have not been answered: withdraw some of them before you send more"
            )));
        }
        let subject = Subject { inviter: actor.user().map(|id| id.to_string()) };
        let (id, ticket) = tickets::issue(&mut tx, &self.clock, Purpose::Invitation, &subject, None, LIFETIME).await?;
        let expires = now.plus(LIFETIME);
        tx.insert_invitation(id, to.map(|(id, _, role)| (id, role)), email, now, expires).await?;
        if !self.post_within(&mut tx, &letter(draft, &self.base, &ticket), SUBJECTS, MAIL).await? {
            return Err(Error::busy(format!("{email} has got several invitations lately: send another one tomorrow")));
        }
        let subject = to.map_or("site", |(_, name, _)| name.as_str());
        self.note(&mut tx, actor, "invitation.add", subject, email.as_str()).await?;
        tx.commit().await?;
        Ok(Invitation {
            id,
            organisation: to.map(|(_, name, _)| name.clone()),
            email: email.clone(),
            role: to.map(|(.., role)| role),
            created: now,
            expires,
        })
    }

    /// The open invitations to an organisation, the oldest first.
    pub async fn invitations(&self, steward: &Steward) -> Result<Vec<Invitation>> {
        self.open_invitations(Some(steward.member().organisation())).await
    }

    /// The open invitations to the site alone, the oldest first.
    pub async fn invitations_to_site(&self, _: &Administrator) -> Result<Vec<Invitation>> {
        self.open_invitations(None).await
    }

    async fn open_invitations(&self, place: Option<Id>) -> Result<Vec<Invitation>> {
        let rows = self.db.read().await?.invitations(place, self.clock.now()).await?;
        rows.into_iter().map(Invitation::try_from).collect()
    }

    /// Withdraws an invitation to an organisation: its link is good no more.
    ///
    /// # Errors
    /// Not found.
    pub async fn withdraw(&self, steward: &Steward, id: Id) -> Result<()> {
        let member = steward.member();
        self.withdraw_from(member.actor(), Some(member.organisation()), member.name().as_str(), id).await
    }

    /// Withdraws an invitation to the site.
    ///
    /// # Errors
    /// Not found.
    pub async fn withdraw_to_site(&self, admin: &Administrator, id: Id) -> Result<()> {
        self.withdraw_from(admin.actor(), None, "site", id).await
    }

    async fn withdraw_from(&self, actor: &Actor, place: Option<Id>, subject: &str, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !withdraw(&mut tx, id, place).await? {
            return Err(Error::not_found("there is no such invitation; it was answered, or its time is over"));
        }
        self.note(&mut tx, actor, "invitation.withdraw", subject, &id.to_string()).await?;
        tx.commit().await
    }

    /// What a link invites to, and whether its address has an account.
    ///
    /// # Errors
    /// Not found for a link that is not good.
    pub async fn invitation(&self, ticket: &Secret) -> Result<(Invitation, bool)> {
        let mut tx = self.db.read().await?;
        let found = tickets::look::<Subject>(&mut tx, &self.clock, Purpose::Invitation, ticket).await?;
        let invitation = opened(&mut tx, found.id).await?;
        expect_inviter(&mut tx, &found.subject, &invitation).await?;
        let has_account = tx.user_by_email(&invitation.email).await?.is_some();
        Ok((invitation, has_account))
    }

    /// Accepts an invitation for who has an account.
    ///
    /// # Errors
    /// As for [`Accounts::invitation`].
    pub async fn accept(&self, ticket: &Secret, joining: &Joining) -> Result<Accepted> {
        let mut tx = self.db.write().await?;
        let invitation = self.redeem(&mut tx, ticket).await?;
        if invitation.email != *joining.email() {
            return Err(Error::forbidden("this invitation is for another address"));
        }
        let user = (joining.user(), joining.name().clone());
        let accepted = self.enter(&mut tx, joining.actor().key(), user, &invitation).await?;
        tx.commit().await?;
        Ok(accepted)
    }

    /// Accepts an invitation for who has no account: makes one, and begins a session. The link shows that the address is
    /// theirs.
    ///
    /// # Errors
    /// As for [`Accounts::invitation`]; conflict for a name in use, invalid for a short password; forbidden where nobody
    /// makes accounts.
    pub async fn accept_as_new(
        &self,
        ticket: &Secret,
        (name, display_name): (&OwnerName, DisplayName),
        password: Secret,
        visit: &Visit,
    ) -> Result<(Accepted, SignedIn)> {
        self.expect_open()?;
        // Nobody has passwords hashed who has no invitation.
        _ = self.invitation(ticket).await?;
        let password = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let invitation = self.redeem(&mut tx, ticket).await?;
        let new = NewUser { name, email: &invitation.email, display_name, password: Some(&password), admin: false };
        let id = self.insert_user(&mut tx, new).await?;
        self.audit_by(&mut tx, &by(id), "user.add", name.as_str()).await?;
        let accepted = self.enter(&mut tx, by(id), (id, name.clone()), &invitation).await?;
        let signed_in = self.begin_session(&mut tx, id, visit).await?;
        tx.commit().await?;
        Ok((accepted, signed_in))
    }

    async fn redeem(&self, tx: &mut Tx, ticket: &Secret) -> Result<Invitation> {
        let found = tickets::redeem::<Subject>(tx, &self.clock, Purpose::Invitation, ticket).await?;
        let invitation = opened(tx, found.id).await?;
        expect_inviter(tx, &found.subject, &invitation).await?;
        let place = tx.invitation(found.id).await?.and_then(|row| row.organisation_id);
        let place = place.map(Id::try_from).transpose()?;
        tx.delete_invitation(found.id, place).await?;
        Ok(invitation)
    }

    /// Nobody is less than before for having been invited.
    async fn enter(
        &self,
        tx: &mut Tx,
        actor: String,
        (user, name): (Id, OwnerName),
        invitation: &Invitation,
    ) -> Result<Accepted> {
        let organisation = invitation.organisation.clone();
        if let (Some(place), Some(role)) = (&organisation, invitation.role) {
            let owner = tx.owner(place).await?.ok_or_else(gone)?;
            tx.lock_name(place.as_str()).await?;
            let role = tx.member_role(owner.id, user).await?.map_or(role, |before| before.max(role));
            tx.put_member(owner.id, user, role).await?;
            let (detail, request) = (format!("{name} {role} by invitation"), crate::request::id());
            let (id, now) = (self.clock.id(), self.clock.now());
            tx.insert_audit(id, now, &actor, "organisation.member", place.as_str(), &detail, &request).await?;
        }
        Ok(Accepted { user, name, organisation })
    }

    /// # Errors
    /// Forbidden where nobody makes an account.
    fn expect_open(&self) -> Result<()> {
        match self.rules.sign_up {
            SignUp::Open | SignUp::Invitation => Ok(()),
            SignUp::Closed => Err(Error::forbidden(
                "this site takes no new accounts: its operator makes them, with `rutter user add`",
            )),
        }
    }
}

/// The invitation that a ticket opens.
async fn opened(tx: &mut Tx, ticket: Id) -> Result<Invitation> {
    tx.invitation(ticket).await?.ok_or_else(gone)?.try_into()
}

/// An invitation is good as long as its sender may still invite: whoever lost that right must not come back by a link
/// that was kept.
///
/// # Errors
/// Not found, as for a link that was withdrawn.
async fn expect_inviter(tx: &mut Tx, subject: &Subject, invitation: &Invitation) -> Result<()> {
    let Some(inviter) = &subject.inviter else { return Ok(()) };
    let inviter = tx.user_by_id(inviter.parse()?).await?.filter(UserRow::is_active).ok_or_else(gone)?;
    let is_owner = match &invitation.organisation {
        Some(place) => {
            let owner = tx.owner(place).await?.ok_or_else(gone)?;
            tx.member_role(owner.id, inviter.id).await? == Some(Role::Owner)
        }
        None => false,
    };
    if is_owner || inviter.admin { Ok(()) } else { Err(gone()) }
}

async fn withdraw(tx: &mut Tx, id: Id, place: Option<Id>) -> Result<bool> {
    let withdrawn = tx.delete_invitation(id, place).await?;
    if withdrawn {
        tx.withdraw_ticket(id).await?;
    }
    Ok(withdrawn)
}

fn letter(draft: &Draft<'_>, base: &str, ticket: &Secret) -> Letter {
    let who = draft.actor.name();
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    let (subject, what) = match draft.to {
        Some((_, name, role)) => (
            format!("{who} invites you to {name}"),
            format!("{who} invites you to join {name} on {host}, as {}.", described(role)),
        ),
        None => (format!("{who} invites you to {host}"), format!("{who} invites you to make an account on {host}.")),
    };
    let link = ticket.expose();
    let text = format!(
        "Hello,\n\n{what}\n\nTo accept, open this link within 14 days:\n\n{base}/invite#{link}\n\nIf you do not want \
         to, or do not know who that is, you need do nothing.\n"
    );
    Letter { to: draft.email.clone(), subject, text }
}

fn described(role: Role) -> &'static str {
    match role {
        Role::Reader => "a reader, who sees its datasets",
        Role::Writer => "a writer, who changes its datasets",
        Role::Owner => "an owner, who decides about it",
    }
}
