//! Sharing: gives others access to a file, a folder or a dataset. `access` decides what a share allows; this module
//! creates, lists, changes and revokes shares, and opens share links.

mod emails;
mod notify;
mod open;
mod terms;

use std::sync::Arc;
use std::time::Duration;

use metastore::{FilePath, ObjectId};
use tokio::sync::Semaphore;

pub use self::open::LinkOpened;
pub use self::terms::{Patch, RequestTerms, RequestUpdate, ShareChange};
use self::terms::{check, check_rights, only_links};
use crate::access::secret::ServerSecret;
use crate::access::{Access, Actor, SessionGrant, ShareGrant, share_links};
use crate::clock::Clock;
use crate::config::{Config, SignUp};
pub use crate::db::shares::ShareRow;
use crate::db::shares::{GranteeId, NewLink, ShareInsert, ShareTerms};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::types::{Email, Id, Millis, OwnerName, RepoPath, Secret, ShareKind, ShareRight};

/// Maximum number of shares that a user can create per [`HOUR`]: each may be an unsolicited e-mail.
const PER_HOUR: i64 = 200;
const HOUR: Duration = Duration::from_hours(1);

/// Maximum length of the message in an e-mail, in characters.
const MESSAGE_MAX: usize = 2000;

/// Concurrent password checks: each takes 19 MiB.
const CHECKS: usize = 2;

/// Maximum count of new shares that is reported.
const UNSEEN: usize = 100;

/// Shares of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Shares {
    db: Db,
    clock: Clock,
    access: Access,
    /// Base URL of the links in e-mails.
    base: String,
    /// The sign-up rule, for the text of e-mails.
    sign_up: SignUp,
    /// Encrypts links.
    secret: Arc<ServerSecret>,
    checks: Arc<Semaphore>,
}

/// The recipient of a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// A user.
    User(OwnerName),
    /// A group of an organisation.
    Group(OwnerName, String),
    /// Anyone who has an account with this address, now or later.
    Email(Email),
    /// Anyone who has the link.
    Link,
}

/// A share to create.
pub struct NewShare {
    /// A file or a folder; `None` for the whole dataset.
    pub path: Option<FilePath>,
    /// Type of the shared item.
    pub kind: ShareKind,
    /// The recipient.
    pub with: Grantee,
    /// View, edit, or upload only.
    pub right: ShareRight,
    /// Expiry time; `None` for no expiry.
    pub expires: Option<Millis>,
    /// Password of a link.
    pub password: Option<Secret>,
    /// Download limit of a link.
    pub downloads: Option<u64>,
    /// True if a link also shows revisions from before it was created.
    pub history: bool,
    /// The newest revision of the default branch, if there is one.
    pub newest: Option<ObjectId>,
    /// Personal message in the e-mail.
    pub message: Option<String>,
    /// The only app through which the share can be used; `None` for no such limit.
    pub app: Option<String>,
    /// What a file request asks for.
    pub request: Option<RequestTerms>,
    /// True to notify the creator when a link is used.
    pub notify: bool,
}

/// The result of creating a share.
pub struct CreatedShare {
    /// The share.
    pub share: ShareRow,
    /// The link, for a share by link.
    pub link: Option<Secret>,
    /// True if the share is new, false if an existing one was changed.
    pub is_new: bool,
}

impl Shares {
    /// Creates the service on this database.
    pub fn new(config: &Config, db: Db, clock: Clock, access: Access, secret: Arc<ServerSecret>) -> Self {
        let (base, sign_up) = (config.link_base(), config.accounts.sign_up);
        Self { db, clock, access, base, sign_up, secret, checks: Arc::new(Semaphore::new(CHECKS)) }
    }

    /// Shares an item. If it is already shared with the recipient, that share gets the new terms.
    ///
    /// # Errors
    /// Invalid for impossible terms: an expiry in the past, a password without a link, an unknown user or group. Busy
    /// if the user creates too many shares at a time.
    pub async fn share(&self, sharing: &ShareGrant, new: NewShare) -> Result<CreatedShare> {
        let now = self.clock.now();
        let is_link = new.with == Grantee::Link;
        if !is_link && (new.password.is_some() || new.downloads.is_some() || new.history || new.notify) {
            return Err(only_links());
        }
        check(new.expires, new.downloads, now)?;
        check_rights(&new)?;
        let message = new.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if message.is_some_and(|text| text.chars().count() > MESSAGE_MAX) {
            return Err(Error::invalid(format!("`message` has more than {MESSAGE_MAX} characters")));
        }
        let password = match new.password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        let terms = ShareTerms {
            right: new.right,
            expires_at: new.expires,
            password,
            max_downloads: new.downloads,
            app: new.app,
            history: new.history,
            notify: new.notify,
        };
        let (fresh, link) = (self.clock.id(), is_link.then(share_links::generate));
        let grant = sharing.grant();
        let path = new.path.as_ref().map_or("", FilePath::as_str);
        let mut tx = self.db.write().await?;
        if tx.count_audit(&grant.actor().key(), "share.add", now.minus(HOUR)).await? >= PER_HOUR {
            return Err(Error::busy(format!("you can create at most {PER_HOUR} shares per hour; try again later")));
        }
        let with = match &link {
            Some(link) => GranteeId::Link(NewLink {
                hash: share_links::hash(link),
                sealed: self.secret.seal(&sealed_as(fresh), link.expose().as_bytes())?,
                since: new.newest.map(|newest| newest.to_string()).unwrap_or_default(),
            }),
            None => self.grantee(&mut tx, sharing, &new.with).await?,
        };
        let same = tx.same_share(grant.id(), path, &with).await?;
        let (id, is_new) = (same.unwrap_or(fresh), same.is_none());
        if is_new {
            let creator = grant.actor().name();
            let (repo, kind, creator_id) = (grant.id(), new.kind, grant.actor().user());
            let insert =
                ShareInsert { id, repo, path, kind, with: &with, terms: &terms, creator_id, creator: &creator };
            tx.insert_share(&insert, now).await?;
            if let Some(request) = &new.request {
                request.put(&mut tx, id).await?;
            }
        } else {
            tx.update_share(id, &terms).await?;
        }
        let share = known(&mut tx, sharing, id).await?;
        if is_new {
            self.announce(&mut tx, sharing, &share, &with, message).await?;
        }
        let action = if is_new { "share.add" } else { "share.change" };
        self.audit(&mut tx, sharing, action, &share).await?;
        tx.commit().await?;
        Ok(CreatedShare { share, link, is_new })
    }

    /// Returns the shares of a dataset and its parts, newest first, before the given one; at most `limit`.
    pub async fn list(&self, sharing: &ShareGrant, before: Option<Id>, limit: usize) -> Result<Vec<ShareRow>> {
        let mut tx = self.db.read().await?;
        tx.shares_of(sharing.grant().id(), &bound(before), count(limit)).await
    }

    /// Returns a share, and the link itself for a share by link. Links from before they were stored encrypted are
    /// lost.
    ///
    /// # Errors
    /// Not found.
    pub async fn show(&self, sharing: &ShareGrant, id: Id) -> Result<(ShareRow, Option<Secret>)> {
        let mut tx = self.db.read().await?;
        let share = known(&mut tx, sharing, id).await?;
        let link = match tx.sealed_link(id).await? {
            Some(sealed) => {
                let opened = self.secret.open(&sealed_as(id), &sealed).map_err(Error::internal)?;
                Some(Secret::new(String::from_utf8(opened).map_err(Error::internal)?))
            }
            None => None,
        };
        Ok((share, link))
    }

    /// Changes a share. Recipients who have opened a link must open it again.
    ///
    /// # Errors
    /// As for [`Shares::share`]; not found.
    pub async fn change(&self, sharing: &ShareGrant, id: Id, mut change: ShareChange) -> Result<ShareRow> {
        check(change.expires.new_one().copied(), change.downloads.new_one().copied(), self.clock.now())?;
        let is_for_link = change.is_for_link();
        let password = match std::mem::replace(&mut change.password, Patch::Nothing) {
            Patch::To(password) => Patch::To(self.hashed(password).await?),
            Patch::Removed => Patch::Removed,
            Patch::Nothing => Patch::Nothing,
        };
        let mut tx = self.db.write().await?;
        let share = known(&mut tx, sharing, id).await?;
        if is_for_link && !share.is_link {
            return Err(only_links());
        }
        let request = change.request_of(&share)?;
        let terms = ShareTerms {
            right: change.right.unwrap_or(share.right),
            expires_at: change.expires.of(share.expires_at),
            password: password.of(tx.share_password(id).await?),
            max_downloads: change.downloads.of(share.max_downloads.map(crate::db::unsigned)),
            app: share.app,
            history: change.history.unwrap_or(share.history),
            notify: change.notify.unwrap_or(share.notify),
        };
        tx.update_share(id, &terms).await?;
        if let Some(request) = request {
            request.put(&mut tx, id).await?;
        }
        let share = known(&mut tx, sharing, id).await?;
        self.audit(&mut tx, sharing, "share.change", &share).await?;
        tx.commit().await?;
        Ok(share)
    }

    /// Revokes a share. Takes effect at once.
    ///
    /// # Errors
    /// Not found.
    pub async fn revoke(&self, sharing: &ShareGrant, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let share = known(&mut tx, sharing, id).await?;
        tx.delete_share(sharing.grant().id(), id).await?;
        self.audit(&mut tx, sharing, "share.revoke", &share).await?;
        tx.commit().await
    }

    /// Returns the shares that the user has received and can read with the credential of this request: newest first,
    /// before the given one, each with whether it is new since the user last looked. The id is the cursor of the next
    /// page, if there is one.
    ///
    /// # Errors
    /// Unauthenticated if the actor is not a user.
    pub async fn received(
        &self,
        actor: &Actor,
        before: Option<Id>,
        limit: usize,
    ) -> Result<(Vec<(ShareRow, bool)>, Option<Id>)> {
        let user = user_id(actor)?;
        let mut tx = self.db.read().await?;
        let looked = tx.shares_seen_at(user).await?.unwrap_or(Millis(0));
        let rows = tx.shares_received(user, self.clock.now(), &bound(before), count(limit)).await?;
        drop(tx);
        let next = next(&rows, limit);
        let mut seen = Vec::with_capacity(rows.len());
        for share in rows {
            if self.reaches(actor, &share).await? {
                let is_own = share.creator_id.as_ref().is_some_and(|creator| *creator == user.to_string());
                let is_new = share.created_at > looked && !is_own;
                seen.push((share, is_new));
            }
        }
        Ok((seen, next))
    }

    /// Returns how many shares the user has not seen yet, [`UNSEEN`] at most; otherwise like [`Shares::received`].
    ///
    /// # Errors
    /// Unauthenticated if the actor is not a user.
    pub async fn unseen(&self, actor: &Actor) -> Result<usize> {
        let user = user_id(actor)?;
        let rows = self.db.read().await?.shares_unseen(user, self.clock.now(), count(UNSEEN)).await?;
        let mut unseen = 0;
        for share in rows {
            unseen += usize::from(self.reaches(actor, &share).await?);
        }
        Ok(unseen)
    }

    /// Marks the shares that the user has received as seen.
    pub async fn see(&self, seat: &SessionGrant) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.set_shares_seen(seat.user(), self.clock.now()).await?;
        tx.commit().await
    }

    async fn reaches(&self, actor: &Actor, share: &ShareRow) -> Result<bool> {
        let (path, at) = place(share)?;
        self.access.reaches(actor, &path, at.as_ref()).await
    }

    /// Returns the shares that the user has created, of datasets that they can still share; otherwise like
    /// [`Shares::received`].
    ///
    /// # Errors
    /// Unauthenticated if the actor is not a user.
    pub async fn given(&self, actor: &Actor, before: Option<Id>, limit: usize) -> Result<(Vec<ShareRow>, Option<Id>)> {
        let user = user_id(actor)?;
        let mut tx = self.db.read().await?;
        let rows = tx.shares_given(user, &bound(before), count(limit)).await?;
        drop(tx);
        let next = next(&rows, limit);
        let mut seen = Vec::with_capacity(rows.len());
        for share in rows {
            if self.access.may_share(actor, &place(&share)?.0).await? {
                seen.push(share);
            }
        }
        Ok((seen, next))
    }

    async fn hashed(&self, password: Secret) -> Result<String> {
        let _turn = self.checks.acquire().await.map_err(Error::internal)?;
        share_links::hash_password(password).await
    }

    async fn grantee(&self, tx: &mut Tx, sharing: &ShareGrant, with: &Grantee) -> Result<GranteeId> {
        let dataset = sharing.grant().dataset();
        match with {
            Grantee::User(name) => {
                let user = tx.user(name).await?;
                let user = user.ok_or_else(|| Error::invalid(format!("there is no user `{name}`")))?;
                if user.id == dataset.owner_id {
                    return Err(Error::invalid(format!("`{name}` is the owner of `{}`", sharing.grant().full_name())));
                }
                Ok(GranteeId::User(user.id))
            }
            Grantee::Group(organisation, name) => {
                // Must not reveal the groups of other organisations.
                let unseen = || {
                    Error::invalid(format!("there is no group `{organisation}:{name}`, or you cannot share with it"))
                };
                let (group, owner) = tx.group_named(organisation, name).await?.ok_or_else(unseen)?;
                let is_own = owner == dataset.owner_id
                    || match sharing.grant().actor().user() {
                        Some(user) => tx.member_role(owner, user).await?.is_some(),
                        None => sharing.grant().actor().is_operator(),
                    };
                if is_own { Ok(GranteeId::Group(group)) } else { Err(unseen()) }
            }
            Grantee::Email(address) => Ok(GranteeId::Email(address.clone())),
            Grantee::Link => Err(Error::internal("a link has no grantee")),
        }
    }

    async fn audit(&self, tx: &mut Tx, sharing: &ShareGrant, action: &str, share: &ShareRow) -> Result<()> {
        let (grant, request) = (sharing.grant(), crate::request::id());
        let subject =
            if share.path.is_empty() { grant.full_name() } else { format!("{}/{}", grant.full_name(), share.path) };
        let detail = format!("{} {} {}", share.id, share.right, with(share));
        let id = self.clock.id();
        tx.insert_audit(id, self.clock.now(), &grant.actor().key(), action, &subject, &detail, &request).await
    }
}

/// Returns the encryption context of a link.
fn sealed_as(share: Id) -> String {
    format!("link of share {share}")
}

/// Describes the recipient of a share, for the audit trail.
fn with(share: &ShareRow) -> String {
    match share {
        ShareRow { user_name: Some(name), .. } => format!("user {name}"),
        ShareRow { organisation_name: Some(organisation), group_name: Some(group), .. } => {
            format!("group {organisation}:{group}")
        }
        ShareRow { email: Some(email), .. } => format!("e-mail {email}"),
        _ => "link".to_owned(),
    }
}

async fn known(tx: &mut Tx, sharing: &ShareGrant, id: Id) -> Result<ShareRow> {
    let found = tx.share(sharing.grant().id(), id).await?;
    found.ok_or_else(|| Error::not_found(format!("there is no share `{id}` of `{}`", sharing.grant().full_name())))
}

fn user_id(actor: &Actor) -> Result<Id> {
    let refusal = || {
        if actor.is_anonymous() {
            return Error::unauthenticated("sign in to list shares");
        }
        Error::forbidden("only users can list their shares")
    };
    actor.user().ok_or_else(refusal)
}

/// Returns the dataset of a share, and the path in it.
fn place(share: &ShareRow) -> Result<(RepoPath, Option<FilePath>)> {
    let path = RepoPath::from_segments(&share.owner_name, &share.dataset_name)?;
    let at = match share.path.as_str() {
        "" => None,
        at => Some(at.parse::<FilePath>()?),
    };
    Ok((path, at))
}

/// Ids are hexadecimal digits, so all sort before `g`.
fn bound(before: Option<Id>) -> String {
    before.map_or_else(|| "g".to_owned(), |id| id.to_string())
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn next(rows: &[ShareRow], limit: usize) -> Option<Id> {
    rows.last().filter(|_| rows.len() >= limit).map(|row| row.id)
}
