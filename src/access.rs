//! Who is asking, and what they may do. Grants are born here and nowhere
//! else: a [`Grant`] has private fields and no public constructor, so a
//! function that takes one cannot be reached without the decision.
//!
//! ```compile_fail,E0451
//! use rutter::access::{Grant, Write};
//! // A grant cannot be forged: its fields are private.
//! fn forge(dataset: std::sync::Arc<rutter::db::datasets::DatasetRow>) -> Grant<Write> {
//!     Grant { dataset, actor: unimplemented!(), rights: unimplemented!(), right: std::marker::PhantomData }
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{Grant, Read, Write};
//! // Reading does not include writing.
//! fn widen(grant: &Grant<Read>) -> Grant<Write> {
//!     grant.narrow::<Write>()
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{Fetch, Grant, Own};
//! // Not even an owner gets raw bytes without asking for them by name.
//! fn bytes(grant: &Grant<Own>) -> Grant<Fetch> {
//!     grant.narrow::<Fetch>()
//! }
//! ```
//!
//! ```
//! use rutter::access::{Grant, Own, Read, Write};
//! fn narrow(grant: &Grant<Own>) -> (Grant<Write>, Grant<Read>) {
//!     (grant.narrow::<Write>(), grant.narrow::<Read>())
//! }
//! ```

mod apps;
pub mod claims;
mod issue;
pub mod jwt;
pub mod links;
mod lookup;
mod notes;
mod organisations;
mod own;
mod owners;
mod part;
mod resolve;
mod rights;
pub mod scopes;
pub mod secret;
pub mod sessions;
mod shares;
mod sight;
mod standing;
pub mod tokens;
mod within;
mod writer;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use lfs::Oid;
use tokio::sync::{Semaphore, mpsc};

pub use self::apps::AppGrant;
use self::claims::Claim;
use self::jwt::Keys;
use self::notes::Notes;
pub use self::notes::{Note, RefusalQuota};
pub use self::organisations::{Administrator, Departure, Founding, Joining, Member, Oneself, Steward};
pub use self::own::{Holder, Seat};
pub use self::part::{History, Part, Spot};
pub use self::rights::{Fetch, Includes, Own, Read, Right, Rights, Upload, Write};
pub use self::shares::Sharing;
pub use self::sight::Sight;
use self::standing::hidden;
use self::tokens::TokenScope;
pub use self::within::Within;
pub use self::writer::Writer;
use crate::clock::Clock;
use crate::db::Db;
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Kind, Result};
use crate::types::{Id, RepoPath, Role, Secret};

/// What came with the request, not yet believed.
pub enum Credentials {
    /// Nothing.
    None,
    /// `Authorization: Bearer`, or `?jwt=`.
    Bearer(Secret),
    /// The cookie of a browser.
    Session(Secret),
    /// `Authorization: Basic`.
    Basic {
        /// User name; `_jwt` says that the password is a JSON Web Token. Some tools put the token here.
        user: Secret,
        /// A token.
        password: Secret,
    },
}

impl Credentials {
    /// What decides who it is.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::None => None,
            Self::Basic { user, password } if matches!(password.expose(), "" | "x-oauth-basic") => Some(user),
            Self::Bearer(secret) | Self::Session(secret) | Self::Basic { password: secret, .. } => Some(secret),
        }
    }
}

/// Somebody who asks, after authentication.
#[derive(Debug, Clone)]
pub struct Actor {
    identity: Identity,
    limit: Limit,
    /// The session of a browser, if it is one.
    session: Option<Id>,
}

#[derive(Debug, Clone)]
enum Identity {
    Anonymous,
    User {
        id: Id,
        name: String,
        admin: bool,
    },
    /// Known to an issuer we trust; has no account here.
    Guest {
        issuer: String,
        subject: Option<String>,
        name: Option<String>,
    },
    /// Whoever has opened a link, and may do what the link says and nothing else.
    Link(Arc<links::Opened>),
    /// Whoever runs commands on the server itself.
    Operator,
}

/// What the credential leaves of the identity's rights.
#[derive(Debug, Clone)]
enum Limit {
    Nothing,
    Token(Vec<TokenScope>),
    Claims(Vec<Claim>),
    /// It is a program, to which the user has given some of it.
    App(AppGrant),
}

impl Actor {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { identity: Identity::Anonymous, limit: Limit::Nothing, session: None }
    }

    /// The person at the server's own terminal.
    pub fn operator() -> Self {
        Self { identity: Identity::Operator, limit: Limit::Nothing, session: None }
    }

    /// Whether nothing is known.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.identity, Identity::Anonymous)
    }

    /// Whether this is the person at the server's own terminal.
    pub fn is_operator(&self) -> bool {
        matches!(self.identity, Identity::Operator)
    }

    /// The user with an account here.
    pub fn user(&self) -> Option<Id> {
        match &self.identity {
            Identity::User { id, .. } => Some(*id),
            Identity::Anonymous | Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => None,
        }
    }

    /// Whether [`Actor::key`] names one person or program. The token of an issuer need not say for whom
    /// it is; all such tokens of one issuer then have the same key.
    pub fn is_somebody(&self) -> bool {
        match &self.identity {
            Identity::Anonymous | Identity::Guest { subject: None, .. } | Identity::Link(_) => false,
            Identity::Guest { subject: Some(subject), .. } => !subject.is_empty(),
            Identity::User { .. } | Identity::Operator => true,
        }
    }

    /// A stable key for rows: who did this, who holds that.
    pub fn key(&self) -> String {
        match &self.identity {
            Identity::Anonymous => "anonymous".into(),
            Identity::User { id, .. } => format!("user:{id}"),
            Identity::Guest { issuer, subject, .. } => {
                format!("guest:{issuer}#{}", subject.as_deref().unwrap_or_default())
            }
            Identity::Link(opened) => format!("link:{}", opened.share),
            Identity::Operator => "operator".into(),
        }
    }

    /// Whether it is somebody who opened a link, and may be anybody.
    pub fn came_by_link(&self) -> bool {
        matches!(self.identity, Identity::Link(_))
    }

    /// A name to show to people.
    pub fn name(&self) -> String {
        match &self.identity {
            Identity::Anonymous => "anonymous".into(),
            Identity::User { name, .. } => name.clone(),
            Identity::Guest { issuer, subject, name } => {
                name.clone().or_else(|| subject.clone()).unwrap_or_else(|| issuer.clone())
            }
            Identity::Link(_) => "somebody with a link".into(),
            Identity::Operator => "operator".into(),
        }
    }
}

/// A decision: this actor has the right `R` on this dataset.
#[derive(Debug)]
#[must_use = "a grant that nobody uses is a check that protects nothing"]
pub struct Grant<R: Right> {
    dataset: Arc<DatasetRow>,
    actor: Arc<Actor>,
    rights: Rights,
    right: PhantomData<R>,
}

impl<R: Right> Clone for Grant<R> {
    fn clone(&self) -> Self {
        self.cast()
    }
}

impl<R: Right> Grant<R> {
    /// The dataset it is about.
    pub fn dataset(&self) -> &DatasetRow {
        &self.dataset
    }

    /// The dataset's id, which is also the key of its repository.
    pub fn id(&self) -> Id {
        self.dataset.id
    }

    /// `owner/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.dataset.owner_name, self.dataset.name)
    }

    /// Who was granted it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The same decision, used for less.
    pub fn narrow<S: Right>(&self) -> Grant<S>
    where
        R: Includes<S>,
    {
        self.cast()
    }

    /// All that the same actor may do with the same dataset.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// A further right that the same actor has on the same dataset, if so.
    pub fn also<S: Right>(&self) -> Option<Grant<S>> {
        self.rights.has(S::RIGHTS).then(|| self.cast())
    }

    fn cast<S: Right>(&self) -> Grant<S> {
        Grant { dataset: self.dataset.clone(), actor: self.actor.clone(), rights: self.rights, right: PhantomData }
    }
}

/// A decision: this actor may create this dataset, which does not exist.
#[derive(Debug)]
pub struct Creation {
    path: RepoPath,
    owner: Id,
    actor: Actor,
}

impl Creation {
    /// Where it will be.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// The id of its owner to be.
    pub fn owner(&self) -> Id {
        self.owner
    }

    /// Who will have created it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// What a push aims at.
#[derive(Debug)]
pub enum Target<R: Right> {
    /// A dataset that is there.
    Existing(Grant<R>),
    /// One that this push may create.
    New(Creation),
}

/// The one place that decides. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    db: Db,
    keys: Arc<Keys>,
    clock: Clock,
    notes: Notes,
    counted: links::Counted,
    /// For how long a session lasts that is not used.
    session_idle: Duration,
    /// Tokens that are signed at one time.
    signing: Arc<Semaphore>,
}

/// Tokens that are signed at one time, each for some milliseconds: others need the processor too.
const SIGNATURES: usize = 1;

impl Access {
    /// Puts it together. Notes go to whoever holds the receiver.
    pub fn new(db: Db, keys: Arc<Keys>, clock: Clock, notes: mpsc::Sender<Note>, session_idle: Duration) -> Self {
        let signing = Arc::new(Semaphore::new(SIGNATURES));
        Self { db, keys, clock, notes: Notes(notes), counted: links::counted(), session_idle, signing }
    }

    /// Our public keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// May the actor do `R` with the dataset? The only maker of grants.
    ///
    /// # Errors
    /// Without the right to know of it, the answer is the same as for what
    /// does not exist: 401 to the anonymous, 404 to others. Who may read but
    /// not do `R` gets 403.
    pub async fn authorize<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Grant<R>> {
        self.authorize_objects(actor, path, &[]).await
    }

    /// Like [`Access::authorize`], for a credential that may be limited to
    /// single objects: all of these must be covered. An empty list means the
    /// whole dataset.
    pub async fn authorize_objects<R: Right>(&self, actor: &Actor, path: &RepoPath, oids: &[Oid]) -> Result<Grant<R>> {
        let decided = self.decide(actor, path, oids).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    /// Like [`Access::authorize`], but also for a credential that is limited to single objects.
    pub async fn authorize_within<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Within<R>> {
        if let Limit::Claims(claims) = &actor.limit {
            let opened = claims::open(claims, path).objects.into_iter();
            let objects: Vec<Oid> = opened.filter(|(_, rights)| rights.has(R::RIGHTS)).map(|(oid, _)| oid).collect();
            if !objects.is_empty() && self.decide::<R>(actor, path, &[]).await.is_err() {
                let grant = self.authorize_objects(actor, path, &objects).await?;
                return Ok(Within::objects(grant, objects));
            }
        }
        self.authorize(actor, path).await.map(Within::whole)
    }

    async fn decide<R: Right>(&self, actor: &Actor, path: &RepoPath, oids: &[Oid]) -> Result<Grant<R>> {
        let Some(known) = self.db.standing(path, actor.user()).await? else {
            return Err(hidden(actor, path));
        };
        let by_object = standing::by_object::<R>(actor, path, oids);
        let rights = self.whole(actor, path, &known, by_object);
        if rights.has(R::RIGHTS) {
            self.note_shares(actor, &known, None);
            return Ok(Grant { dataset: known.dataset, actor: Arc::new(actor.clone()), rights, right: PhantomData });
        }
        Err(part::refusal::<R>(actor, path, rights))
    }

    /// What a push aims at: a dataset it may write, or one it may create.
    pub async fn authorize_target<R: Right>(&self, actor: &Actor, path: &RepoPath, oids: &[Oid]) -> Result<Target<R>> {
        match self.decide(actor, path, oids).await {
            Ok(grant) => return Ok(Target::Existing(grant)),
            // It was not decided.
            Err(error) if error.kind().status().is_server_error() => return Err(error),
            Err(_) => {}
        }
        if let Some(creation) = self.creatable::<R>(actor, path).await? {
            return Ok(Target::New(creation));
        }
        // Somebody else's push may have made it between the two questions.
        let decided = self.decide(actor, path, oids).await;
        decided.map(Target::Existing).map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    async fn creatable<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Option<Creation>> {
        let mut tx = self.db.read().await?;
        if actor.is_anonymous() || tx.dataset(path).await?.is_some() {
            return Ok(None);
        }
        let Some(owner) = tx.owner(&path.owner).await? else {
            let missing = || Error::not_found(format!("there is no user or organisation `{}`", path.owner));
            return if actor.is_operator() { Err(missing()) } else { Ok(None) };
        };
        let allowed = match &actor.identity {
            Identity::Anonymous | Identity::Link(_) => false,
            Identity::Operator | Identity::Guest { .. } => true,
            Identity::User { id, admin, .. } => {
                *admin
                    || *id == owner.id
                    || tx.member_role(owner.id, *id).await?.is_some_and(|role| role >= Role::Writer)
            }
        };
        let in_scope = match &actor.limit {
            Limit::Nothing => true,
            Limit::Token(scopes) => tokens::open(scopes, path).has(Write::RIGHTS),
            Limit::App(app) => app.open(path).has(Write::RIGHTS),
            Limit::Claims(claims) => claims::open(claims, path).whole.has(R::RIGHTS),
        };
        let creation = Creation { path: path.clone(), owner: owner.id, actor: actor.clone() };
        Ok((allowed && in_scope).then_some(creation))
    }

    /// May the actor create the dataset?
    ///
    /// # Errors
    /// Conflict if it is there and the actor may know; else as for [`Access::authorize`].
    pub async fn creation(&self, actor: &Actor, path: &RepoPath) -> Result<Creation> {
        match self.authorize_target::<Write>(actor, path, &[]).await {
            Ok(Target::New(creation)) => Ok(creation),
            Ok(Target::Existing(_)) => Err(Error::conflict(format!("`{path}` exists already"))),
            Err(error) if error.kind() == Kind::NotFound && !actor.is_operator() => {
                Err(Error::not_found(format!("there is no `{}` that you may make a dataset for", path.owner)))
            }
            Err(error) => Err(error),
        }
    }
}
