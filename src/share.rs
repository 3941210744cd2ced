//! Sharing: who else gets at a file, a folder or a dataset. What a share allows is decided in `access`; here shares are
//! made, listed, changed and taken back, and links are opened.

mod letters;
mod open;

use std::sync::Arc;
use std::time::Duration;

use metastore::{FilePath, ObjectId};
use tokio::sync::Semaphore;

pub use self::open::Door;
use crate::access::secret::ServerSecret;
use crate::access::{Access, Actor, Seat, Sharing, links};
use crate::clock::Clock;
use crate::config::{Config, SignUp};
pub use crate::db::shares::ShareRow;
use crate::db::shares::{GranteeId, NewLink, ShareInsert, Terms};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::types::{Email, Id, Millis, OwnerName, RepoPath, Secret, ShareKind, ShareRight};

/// How many shares somebody may make in [`HOUR`]: each may be a letter to somebody who did not ask for it.
const PER_HOUR: i64 = 200;
const HOUR: Duration = Duration::from_hours(1);

/// Longest message in a letter, in characters.
const MESSAGE_MAX: usize = 2000;

/// Passwords that are checked at one time: each takes 19 MiB.
const CHECKS: usize = 2;

/// How many shares that somebody has not seen yet are counted.
const UNSEEN: usize = 100;

/// Shares of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Shares {
    db: Db,
    clock: Clock,
    access: Access,
    /// What comes before the path in links of letters.
    base: String,
    /// Who may make an account, which e-mails say.
    sign_up: SignUp,
    /// Seals links.
    secret: Arc<ServerSecret>,
    checks: Arc<Semaphore>,
}

/// Whom something is shared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// A user.
    User(OwnerName),
    /// A group of an organisation.
    Group(OwnerName, String),
    /// Whoever has an account with this address, now or later.
    Email(Email),
    /// Whoever has the link.
    Link,
}

/// What is to be shared, with whom, and how.
pub struct NewShare {
    /// A file or a folder; none for the dataset.
    pub path: Option<FilePath>,
    /// What is there.
    pub kind: ShareKind,
    /// Whom with.
    pub with: Grantee,
    /// To look, or to change.
    pub right: ShareRight,
    /// When it ends, if ever.
    pub expires: Option<Millis>,
    /// The password of a link.
    pub password: Option<Secret>,
    /// How often a link may be used to download.
    pub downloads: Option<u64>,
    /// Whether a link shows what was before it was made, too.
    pub history: bool,
    /// The newest revision of the default branch, if there is one.
    pub newest: Option<ObjectId>,
    /// What the letter says besides.
    pub message: Option<String>,
    /// The app through which alone it is good.
    pub app: Option<String>,
}

/// What becomes of something that a share may have, or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Nothing,
    /// There is none any more.
    Removed,
    /// It is this.
    To(T),
}

impl<T> Change<T> {
    /// The new one, if there is a new one.
    fn new_one(&self) -> Option<&T> {
        match self {
            Self::To(new) => Some(new),
            Self::Nothing | Self::Removed => None,
        }
    }

    /// What there is then, where there was this.
    fn of(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Nothing => before,
            Self::Removed => None,
            Self::To(new) => Some(new),
        }
    }
}

/// What is to change of a share.
pub struct ShareChange {
    /// To look, or to change; as it is unless said.
    pub right: Option<ShareRight>,
    /// When it ends.
    pub expires: Change<Millis>,
    /// The password of a link.
    pub password: Change<Secret>,
    /// How often a link may be used to download.
    pub downloads: Change<u64>,
    /// Whether a link shows what was before it was made, too; as it is unless said.
    pub history: Option<bool>,
}

/// A share that was made.
pub struct Made {
    /// The share.
    pub share: ShareRow,
    /// The link, if it is one.
    pub link: Option<Secret>,
    /// Whether it is new, or one that was there has changed.
    pub is_new: bool,
}

impl Shares {
    /// Works on this database.
    pub fn new(config: &Config, db: Db, clock: Clock, access: Access, secret: Arc<ServerSecret>) -> Self {
        let (base, sign_up) = (config.link_base(), config.accounts.sign_up);
        Self { db, clock, access, base, sign_up, secret, checks: Arc::new(Semaphore::new(CHECKS)) }
    }

    /// Shares something. Who has it already gets these terms in the place of those before.
    ///
    /// # Errors
    /// Invalid for what cannot be: an end in the past, a password without a link, a user or group that there is not.
    /// Busy for who shares too much at one time.
    pub async fn share(&self, sharing: &Sharing, new: NewShare) -> Result<Made> {
        let now = self.clock.now();
        let is_link = new.with == Grantee::Link;
        if !is_link && (new.password.is_some() || new.downloads.is_some() || new.history) {
            return Err(only_links());
        }
        check(new.expires, new.downloads, now)?;
        let message = new.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if message.is_some_and(|text| text.chars().count() > MESSAGE_MAX) {
            return Err(Error::invalid(format!("`message` has more than {MESSAGE_MAX} characters")));
        }
        let password = match new.password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        let terms = Terms {
            right: new.right,
            expires_at: new.expires,
            password,
            downloads_most: new.downloads,
            app: new.app,
            history: new.history,
        };
        let (fresh, link) = (self.clock.id(), is_link.then(links::generate));
        let grant = sharing.grant();
        let path = new.path.as_ref().map_or("", FilePath::as_str);
        let mut tx = self.db.write().await?;
        if tx.count_audit(&grant.actor().key(), "share.add", now.minus(HOUR)).await? >= PER_HOUR {
            return Err(Error::busy(format!("more than {PER_HOUR} shares in an hour; go on later")));
        }
        let with = match &link {
            Some(link) => GranteeId::Link(NewLink {
                hash: links::hash(link),
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
        Ok(Made { share, link, is_new })
    }

    /// The shares of a dataset and its parts, the newest first, before this one; at most so many.
    pub async fn list(&self, sharing: &Sharing, before: Option<Id>, limit: usize) -> Result<Vec<ShareRow>> {
        let mut tx = self.db.read().await?;
        tx.shares_of(sharing.grant().id(), &bound(before), count(limit)).await
    }

    /// A share, and the link itself, if it is one. Links that were made before they were kept are not known any more.
    ///
    /// # Errors
    /// Not found.
    pub async fn show(&self, sharing: &Sharing, id: Id) -> Result<(ShareRow, Option<Secret>)> {
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

    /// Changes a share. Who has opened a link has to open it again.
    ///
    /// # Errors
    /// As for [`Shares::share`]; not found.
    pub async fn change(&self, sharing: &Sharing, id: Id, change: ShareChange) -> Result<ShareRow> {
        check(change.expires.new_one().copied(), change.downloads.new_one().copied(), self.clock.now())?;
        let is_for_link = change.history.is_some()
            || !matches!((&change.password, &change.downloads), (Change::Nothing, Change::Nothing));
        let password = match change.password {
            Change::To(password) => Change::To(self.hashed(password).await?),
            Change::Removed => Change::Removed,
            Change::Nothing => Change::Nothing,
        };
        let mut tx = self.db.write().await?;
        let share = known(&mut tx, sharing, id).await?;
        if is_for_link && !share.is_link {
            return Err(only_links());
        }
        let terms = Terms {
            right: change.right.unwrap_or(share.right),
            expires_at: change.expires.of(share.expires_at),
            password: password.of(tx.share_password(id).await?),
            downloads_most: change.downloads.of(share.downloads_most.map(crate::db::unsigned)),
            app: share.app,
            history: change.history.unwrap_or(share.history),
        };
        tx.update_share(id, &terms).await?;
        let share = known(&mut tx, sharing, id).await?;
        self.audit(&mut tx, sharing, "share.change", &share).await?;
        tx.commit().await?;
        Ok(share)
    }

    /// Takes a share back, at once.
    ///
    /// # Errors
    /// Not found.
    pub async fn revoke(&self, sharing: &Sharing, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let share = known(&mut tx, sharing, id).await?;
        tx.delete_share(sharing.grant().id(), id).await?;
        self.audit(&mut tx, sharing, "share.revoke", &share).await?;
        tx.commit().await
    }

    /// What is shared with the user who asks and can be read with the credential that they use: the newest first, before
    /// this one, each with whether it is new since they last looked. The id is where the next page begins, if there is
    /// one.
    ///
    /// # Errors
    /// Unauthenticated for who is no user.
    pub async fn received(
        &self,
        actor: &Actor,
        before: Option<Id>,
        limit: usize,
    ) -> Result<(Vec<(ShareRow, bool)>, Option<Id>)> {
        let user = somebody(actor)?;
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

    /// How many shares the user who asks has not seen yet, [`UNSEEN`] at most; otherwise as [`Shares::received`].
    ///
    /// # Errors
    /// Unauthenticated for who is no user.
    pub async fn unseen(&self, actor: &Actor) -> Result<usize> {
        let user = somebody(actor)?;
        let rows = self.db.read().await?.shares_unseen(user, self.clock.now(), count(UNSEEN)).await?;
        let mut unseen = 0;
        for share in rows {
            unseen += usize::from(self.reaches(actor, &share).await?);
        }
        Ok(unseen)
    }

    /// The user has seen what is shared with them.
    pub async fn see(&self, seat: &Seat) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.set_shares_seen(seat.user(), self.clock.now()).await?;
        tx.commit().await
    }

    async fn reaches(&self, actor: &Actor, share: &ShareRow) -> Result<bool> {
        let (path, at) = place(share)?;
        self.access.reaches(actor, &path, at.as_ref()).await
    }

    /// What the user who asks has shared, of datasets that they may still share; otherwise as [`Shares::received`].
    ///
    /// # Errors
    /// Unauthenticated for who is no user.
    pub async fn given(&self, actor: &Actor, before: Option<Id>, limit: usize) -> Result<(Vec<ShareRow>, Option<Id>)> {
        let user = somebody(actor)?;
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
        links::hash_password(password).await
    }

    async fn grantee(&self, tx: &mut Tx, sharing: &Sharing, with: &Grantee) -> Result<GranteeId> {
        let dataset = sharing.grant().dataset();
        match with {
            Grantee::User(name) => {
                let user = tx.user(name).await?;
                let user = user.ok_or_else(|| Error::invalid(format!("there is no user `{name}`")))?;
                if user.id == dataset.owner_id {
                    return Err(Error::invalid(format!("`{}` is `{name}`'s own", sharing.grant().path())));
                }
                Ok(GranteeId::User(user.id))
            }
            Grantee::Group(organisation, name) => {
                // Of what groups others have, one learns nothing.
                let unseen =
                    || Error::invalid(format!("there is no group `{organisation}:{name}`, or it is not yours"));
                let (team, owner) = tx.team_named(organisation, name).await?.ok_or_else(unseen)?;
                let owner = Id::try_from(owner)?;
                let is_own = owner == dataset.owner_id
                    || match sharing.grant().actor().user() {
                        Some(user) => tx.member_role(owner, user).await?.is_some(),
                        None => sharing.grant().actor().is_operator(),
                    };
                if is_own { Ok(GranteeId::Team(Id::try_from(team)?)) } else { Err(unseen()) }
            }
            Grantee::Email(address) => Ok(GranteeId::Email(address.clone())),
            Grantee::Link => Err(Error::internal("a link has no name")),
        }
    }

    async fn audit(&self, tx: &mut Tx, sharing: &Sharing, action: &str, share: &ShareRow) -> Result<()> {
        let (grant, request) = (sharing.grant(), crate::request::id());
        let subject = if share.path.is_empty() { grant.path() } else { format!("{}/{}", grant.path(), share.path) };
        let detail = format!("{} {} {}", share.id, share.right, with(share));
        let id = self.clock.id();
        tx.insert_audit(id, self.clock.now(), &grant.actor().key(), action, &subject, &detail, &request).await
    }
}

fn only_links() -> Error {
    Error::invalid("only a link has a password, a number of downloads, or a history")
}

/// What a link is sealed for.
fn sealed_as(share: Id) -> String {
    format!("link of share {share}")
}

/// Whom a share is with, in words for the audit trail.
fn with(share: &ShareRow) -> String {
    match share {
        ShareRow { user_name: Some(name), .. } => format!("user {name}"),
        ShareRow { organisation_name: Some(organisation), team_name: Some(team), .. } => {
            format!("group {organisation}:{team}")
        }
        ShareRow { email: Some(email), .. } => format!("e-mail {email}"),
        _ => "link".to_owned(),
    }
}

async fn known(tx: &mut Tx, sharing: &Sharing, id: Id) -> Result<ShareRow> {
    let found = tx.share(sharing.grant().id(), id).await?;
    found.ok_or_else(|| Error::not_found(format!("there is no share `{id}` of `{}`", sharing.grant().path())))
}

fn check(expires: Option<Millis>, downloads: Option<u64>, now: Millis) -> Result<()> {
    if expires.is_some_and(|end| end <= now) {
        return Err(Error::invalid("`expires` has passed already"));
    }
    if downloads == Some(0) {
        return Err(Error::invalid("`downloads` is at least 1"));
    }
    Ok(())
}

fn somebody(actor: &Actor) -> Result<Id> {
    let refusal = || {
        if actor.is_anonymous() {
            return Error::unauthenticated("sign in to see what is shared");
        }
        Error::forbidden("only users have shares of their own")
    };
    actor.user().ok_or_else(refusal)
}

/// Where a share is.
fn place(share: &ShareRow) -> Result<(RepoPath, Option<FilePath>)> {
    let path = RepoPath::from_segments(&share.owner_name, &share.dataset_name)?;
    let at = match share.path.as_str() {
        "" => None,
        at => Some(at.parse::<FilePath>()?),
    };
    Ok((path, at))
}

/// Ids are hexadecimal digits: all are below `g`.
fn bound(before: Option<Id>) -> String {
    before.map_or_else(|| "g".to_owned(), |id| id.to_string())
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn next(rows: &[ShareRow], limit: usize) -> Option<Id> {
    rows.last().filter(|_| rows.len() >= limit).map(|row| row.id)
}
