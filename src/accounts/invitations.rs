//! Invitations by e-mail: to an organisation, or to the site alone. Having the link proves that the recipient owns
//! the address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::one_time_tokens::{self, Purpose, gone};
use super::sessions::{ClientInfo, SignInMethod, SignedIn};
use super::signup::{MailLimits, NewUser};
use super::{Accounts, by};
use crate::access::{AcceptInviteGrant, Actor, AdminGrant, OrgAdminGrant};
use crate::config::SignUp;
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::db::invitations::InvitationRow;
use crate::error::{Error, Result};
use crate::mail::OutgoingEmail;
use crate::types::{DisplayName, Email, Id, Millis, OwnerName, Role, Secret};

/// How long an invitation is valid.
const INVITATION_TTL: Duration = Duration::from_hours(14 * 24);

/// Maximum number of open invitations per organisation, and to the site: each is an unsolicited e-mail.
const MAX_OPEN_INVITATIONS: usize = 200;

/// An open invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Stable id.
    pub id: Id,
    /// The organisation; `None` for the site alone.
    pub organisation: Option<OwnerName>,
    /// Address of the invited person.
    pub email: Email,
    /// Role in the organisation; `None` for the site alone.
    pub role: Option<Role>,
    /// Time at which it was sent.
    pub created: Millis,
    /// Time at which it expires.
    pub expires: Millis,
}

/// Maximum number of invitations that one user can send per hour, as for shares.
const PER_HOUR: i64 = 100;

/// Limits on the invitations that one address gets, from all senders together.
const MAIL: MailLimits = &[(Duration::from_hours(1), 5), (Duration::from_hours(24), 10)];
/// SQL LIKE pattern of the subjects of these e-mails.
const SUBJECTS: &str = "% invites you to %";

/// Subject of an invitation ticket. The rest is in the row of the invitation, which is deleted when it is withdrawn.
#[derive(Serialize, Deserialize)]
struct Subject {
    /// Id of the user who invites. They must still have the right to invite when the invitation is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inviter: Option<String>,
}

/// An accepted invitation.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Id of the user who accepted it.
    pub user: Id,
    /// Name of the user.
    pub name: OwnerName,
    /// The organisation that they joined; `None` for the site alone.
    pub organisation: Option<OwnerName>,
}

/// An invitation to send.
struct NewInvitation<'a> {
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
    /// Invites someone to join an organisation, by e-mail. Withdraws an earlier invitation to the same address.
    ///
    /// # Errors
    /// Conflict if too many invitations are open; busy if the user sent, or the address got, too many in an hour.
    pub async fn invite(&self, steward: &OrgAdminGrant, email: &Email, role: Role) -> Result<Invitation> {
        let member = steward.member();
        let to = Some((member.organisation(), member.name(), role));
        self.send_invitation(&NewInvitation { actor: member.actor(), to, email }).await
    }

    /// Invites someone to create an account on the site.
    ///
    /// # Errors
    /// As for [`Accounts::invite`]; conflict if the address has an account, forbidden if the site does not allow new
    /// accounts.
    pub async fn invite_to_site(&self, admin: &AdminGrant, email: &Email) -> Result<Invitation> {
        self.expect_open()?;
        if self.db.read().await?.user_by_email(email).await?.is_some() {
            return Err(Error::conflict(format!("the address `{email}` already has an account")));
        }
        self.send_invitation(&NewInvitation { actor: admin.actor(), to: None, email }).await
    }

    async fn send_invitation(&self, draft: &NewInvitation<'_>) -> Result<Invitation> {
        let NewInvitation { actor, to, email } = *draft;
        let (place, now) = (to.map(|(id, ..)| id), self.clock.now());
        let mut tx = self.db.write().await?;
        // Serializes concurrent requests, which would otherwise all read the same count.
        let key = actor.key();
        tx.lock_name(&format!("invitations by {key}")).await?;
        tx.lock_name(to.map_or("invitations to the site", |(_, name, _)| name.as_str())).await?;
        let hour = now.minus(Duration::from_hours(1));
        if tx.count_audit(&key, "invitation.add", hour).await? >= PER_HOUR {
            return Err(Error::busy(format!("you can send at most {PER_HOUR} invitations per hour: try again later")));
        }
        let open = tx.invitations(place, now).await?;
        for before in open.iter().filter(|invitation| invitation.email == email.as_str()) {
            withdraw(&mut tx, before.id, place).await?;
        }
        if open.len() >= MAX_OPEN_INVITATIONS {
            return Err(Error::conflict(format!(
                "there are {MAX_OPEN_INVITATIONS} open invitations: withdraw some of them before you send more"
            )));
        }
        let subject = Subject { inviter: actor.user().map(|id| id.to_string()) };
        let (id, ticket) =
            one_time_tokens::issue(&mut tx, &self.clock, Purpose::Invitation, &subject, None, INVITATION_TTL).await?;
        let expires = now.plus(INVITATION_TTL);
        tx.insert_invitation(id, to.map(|(id, _, role)| (id, role)), email, now, expires).await?;
        if !self.post_within(&mut tx, &invitation_email(draft, &self.base, &ticket), SUBJECTS, MAIL).await? {
            return Err(Error::busy(format!("{email} got too many invitations recently: try again tomorrow")));
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

    /// Returns the open invitations to an organisation, oldest first.
    pub async fn invitations(&self, steward: &OrgAdminGrant) -> Result<Vec<Invitation>> {
        self.open_invitations(Some(steward.member().organisation())).await
    }

    /// Returns the open invitations to the site alone, oldest first.
    pub async fn invitations_to_site(&self, _: &AdminGrant) -> Result<Vec<Invitation>> {
        self.open_invitations(None).await
    }

    async fn open_invitations(&self, place: Option<Id>) -> Result<Vec<Invitation>> {
        let rows = self.db.read().await?.invitations(place, self.clock.now()).await?;
        rows.into_iter().map(Invitation::try_from).collect()
    }

    /// Withdraws an invitation to an organisation: its link stops working.
    ///
    /// # Errors
    /// Not found if it is not open.
    pub async fn withdraw(&self, steward: &OrgAdminGrant, id: Id) -> Result<()> {
        let member = steward.member();
        self.withdraw_from(member.actor(), Some(member.organisation()), member.name().as_str(), id).await
    }

    /// Withdraws an invitation to the site.
    ///
    /// # Errors
    /// Not found if it is not open.
    pub async fn withdraw_to_site(&self, admin: &AdminGrant, id: Id) -> Result<()> {
        self.withdraw_from(admin.actor(), None, "site", id).await
    }

    async fn withdraw_from(&self, actor: &Actor, place: Option<Id>, subject: &str, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !withdraw(&mut tx, id, place).await? {
            return Err(Error::not_found("invitation not found: it was accepted, withdrawn or has expired"));
        }
        self.note(&mut tx, actor, "invitation.withdraw", subject, &id.to_string()).await?;
        tx.commit().await
    }

    /// Returns the invitation of a link, and whether its address has an account.
    ///
    /// # Errors
    /// Not found for an invalid link.
    pub async fn invitation(&self, ticket: &Secret) -> Result<(Invitation, bool)> {
        let mut tx = self.db.read().await?;
        let found = one_time_tokens::look::<Subject>(&mut tx, &self.clock, Purpose::Invitation, ticket).await?;
        let invitation = opened(&mut tx, found.id).await?;
        expect_inviter(&mut tx, &found.subject, &invitation).await?;
        let has_account = tx.user_by_email(&invitation.email).await?.is_some();
        Ok((invitation, has_account))
    }

    /// Accepts an invitation for a user who has an account.
    ///
    /// # Errors
    /// As for [`Accounts::invitation`].
    pub async fn accept(&self, ticket: &Secret, joining: &AcceptInviteGrant) -> Result<Accepted> {
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

    /// Accepts an invitation for someone without an account: creates the account, and starts a session. The link
    /// proves that they own the address.
    ///
    /// # Errors
    /// As for [`Accounts::invitation`]; conflict for a name in use, invalid for a short password; forbidden if the
    /// site does not allow new accounts.
    pub async fn accept_as_new(
        &self,
        ticket: &Secret,
        (name, display_name): (&OwnerName, DisplayName),
        password: Secret,
        visit: &ClientInfo,
    ) -> Result<(Accepted, SignedIn)> {
        self.expect_open()?;
        self.expect_passwords()?;
        // Check first: hashing is expensive, so it requires a valid invitation.
        _ = self.invitation(ticket).await?;
        let password = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let invitation = self.redeem(&mut tx, ticket).await?;
        let new = NewUser { name, email: &invitation.email, display_name, password: Some(&password), admin: false };
        let id = self.insert_user(&mut tx, new).await?;
        self.audit_by(&mut tx, &by(id), "user.add", name.as_str()).await?;
        let accepted = self.enter(&mut tx, by(id), (id, name.clone()), &invitation).await?;
        let signed_in = self.begin_session(&mut tx, id, visit, SignInMethod::Password).await?;
        tx.commit().await?;
        Ok((accepted, signed_in))
    }

    async fn redeem(&self, tx: &mut Tx, ticket: &Secret) -> Result<Invitation> {
        let found = one_time_tokens::redeem::<Subject>(tx, &self.clock, Purpose::Invitation, ticket).await?;
        let invitation = opened(tx, found.id).await?;
        expect_inviter(tx, &found.subject, &invitation).await?;
        let place = tx.invitation(found.id).await?.and_then(|row| row.organisation_id);
        tx.delete_invitation(found.id, place).await?;
        Ok(invitation)
    }

    /// Applies an invitation. Never lowers the role of an existing member.
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
    /// Forbidden if the site does not allow new accounts.
    fn expect_open(&self) -> Result<()> {
        match self.rules.sign_up {
            SignUp::Open | SignUp::Invitation => Ok(()),
            SignUp::Closed => Err(Error::forbidden(
                "this site does not allow new accounts: its operator adds them with `rutter user add`",
            )),
        }
    }
}

/// Returns the invitation of a ticket.
async fn opened(tx: &mut Tx, ticket: Id) -> Result<Invitation> {
    tx.invitation(ticket).await?.ok_or_else(gone)?.try_into()
}

/// Returns true if there is a valid invitation to this address.
pub(super) async fn is_invited(tx: &mut Tx, email: &Email, now: Millis) -> Result<bool> {
    for (id, subject) in tx.invitations_to(email, now).await? {
        let subject: Subject = serde_json::from_str(&subject).map_err(Error::internal)?;
        let invitation = opened(tx, id).await?;
        match expect_inviter(tx, &subject, &invitation).await {
            Ok(()) => return Ok(true),
            Err(error) if error.kind().status().is_server_error() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(false)
}

/// Checks that the inviter may still invite. A former owner or administrator must not regain access by an invitation
/// that they kept.
///
/// # Errors
/// Not found, as for a withdrawn link.
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

fn invitation_email(draft: &NewInvitation<'_>, base: &str, ticket: &Secret) -> OutgoingEmail {
    let who = draft.actor.name();
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    let (subject, what) = match draft.to {
        Some((_, name, role)) => (
            format!("{who} invites you to {name}"),
            format!("{who} invites you to join {name} on {host}, as {}.", described(role)),
        ),
        None => (format!("{who} invites you to {host}"), format!("{who} invites you to create an account on {host}.")),
    };
    let link = ticket.expose();
    let text = format!(
        "Hello,\n\n{what}\n\nTo accept, open this link within 14 days:\n\n{base}/invite#{link}\n\nIf you do not want \
         to accept, or do not know the sender, you can ignore this e-mail.\n"
    );
    OutgoingEmail { to: draft.email.clone(), subject, text }
}

fn described(role: Role) -> &'static str {
    match role {
        Role::Reader => "a reader, who can view its datasets",
        Role::Writer => "a writer, who can change its datasets",
        Role::Owner => "an owner, who can manage it",
    }
}
