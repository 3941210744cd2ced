//! Access control: authentication (which actor sends a request) and authorization (what the actor may do).
//!
//! Grants are created here and nowhere else: a [`Grant`] has private fields and no public constructor, so a function
//! that takes one cannot be called without a permission check.
//!
//! The compiler refuses to forge or widen a grant: see the examples in `grant.rs`, `organisations.rs` and `shares.rs`.

mod account;
pub mod app_tokens;
pub mod applications;
mod apps;
mod audit;
mod base_rights;
mod by_name;
pub mod claims;
mod clients;
mod discussions;
mod file_requests;
mod grant;
mod installs;
mod issue;
mod job_actor;
pub mod jwt;
mod object_scope;
mod organisations;
mod own_drive;
mod owners;
mod path_rights;
mod profiles;
mod resolve;
mod rights;
pub mod scopes;
mod second_factor;
pub mod secret;
pub mod sessions;
pub mod share_links;
mod shares;
mod signing_keys;
mod table_grant;
pub mod tokens;
mod visibility;

use std::sync::Arc;
use std::time::Duration;

use lfs::Oid;
use tokio::sync::{Semaphore, mpsc};

pub use self::account::{AccountGrant, SessionGrant};
pub use self::applications::DatabaseGrant;
pub use self::apps::AppGrant;
use self::audit::AuditSender;
pub use self::audit::{AuditEvent, AuditRateLimit};
use self::claims::TokenClaim;
pub use self::clients::{ActingGrant, ClientGrant, DeveloperGrant};
pub use self::discussions::ParticipantGrant;
pub use self::file_requests::FileRequestGrant;
pub use self::grant::{DatasetGrant, Grant, History};
pub use self::installs::{AppCredentials, AppUseGrant, InstallGrant};
use self::jwt::Keys;
pub use self::organisations::{
    AcceptInviteGrant, AdminGrant, CreateOrgGrant, OrgAdminGrant, OrgMemberGrant, RemoveMemberGrant, SelfGrant,
};
pub use self::profiles::{OwnerViewGrant, ProfileGrant};
pub use self::rights::{Fetch, Includes, Own, Read, Right, Rights, Upload, Write};
use self::second_factor::BrowserSession;
pub use self::second_factor::{FactorChangeGrant, FactorGrant, IdentityChangeGrant, is_recent, sign_in_again};
pub use self::shares::ShareGrant;
pub(crate) use self::shares::keep_shares;
pub use self::table_grant::TableGrant;
use self::tokens::TokenScope;
pub use self::visibility::VisibleDatasets;
use crate::clock::Clock;
use crate::config::{AccountRules, SecondFactor};
use crate::db::{Db, Tx};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, RepoPath, Role, Secret, Visibility};

/// Credentials of a request, not verified yet.
#[derive(Clone)]
pub enum Credentials {
    /// No credentials.
    None,
    /// `Authorization: Bearer`, or `?jwt=`.
    Bearer(Secret),
    /// The session cookie of a browser.
    Session(Secret),
    /// `Authorization: Basic`.
    Basic {
        /// User name; `_jwt` means that the password is a JSON Web Token. Some tools send the token here.
        user: Secret,
        /// Personal token or JSON Web Token.
        password: Secret,
    },
}

impl Credentials {
    /// Returns the part of the credentials that identifies the actor.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::None => None,
            Self::Basic { user, password } if matches!(password.expose(), "" | "x-oauth-basic") => Some(user),
            Self::Bearer(secret) | Self::Session(secret) | Self::Basic { password: secret, .. } => Some(secret),
        }
    }
}

/// The sender of a request, after authentication.
#[derive(Debug, Clone)]
pub struct Actor {
    identity: Identity,
    limit: CredentialScope,
    /// The browser session, if the actor signed in with one.
    session: Option<BrowserSession>,
}

#[derive(Debug, Clone)]
enum Identity {
    Anonymous,
    User {
        id: Id,
        name: String,
        admin: bool,
    },
    /// Authenticated by a trusted external issuer; has no account on this server.
    Guest {
        issuer: String,
        subject: Option<String>,
        name: Option<String>,
    },
    /// Opened a share link, and may do what the link allows and nothing else.
    Link(Arc<share_links::OpenedLink>),
    /// Runs commands on the server itself.
    Operator,
}

/// The restrictions that a credential puts on the rights of its identity.
#[derive(Debug, Clone)]
enum CredentialScope {
    Nothing,
    Token(Vec<TokenScope>),
    Claims(Vec<TokenClaim>),
    /// An application that acts for the user, with the scopes that the user gave it.
    App(AppGrant),
    /// A browser session of a user who must set up a second factor before anything else.
    Enrolment,
}

impl Actor {
    /// Creates an actor without credentials.
    pub fn anonymous() -> Self {
        Self { identity: Identity::Anonymous, limit: CredentialScope::Nothing, session: None }
    }

    /// Creates the actor for commands that run on the server itself.
    pub fn operator() -> Self {
        Self { identity: Identity::Operator, limit: CredentialScope::Nothing, session: None }
    }

    /// Returns true if there were no credentials.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.identity, Identity::Anonymous)
    }

    /// Returns true for the operator, who runs commands on the server itself.
    pub fn is_operator(&self) -> bool {
        matches!(self.identity, Identity::Operator)
    }

    /// Returns the id of the user, if the actor has an account on this server.
    pub fn user(&self) -> Option<Id> {
        match &self.identity {
            Identity::User { id, .. } => Some(*id),
            Identity::Anonymous | Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => None,
        }
    }

    /// Returns true if [`Actor::key`] identifies one person or program. The token of an external issuer may lack a
    /// subject; all such tokens of one issuer share a key.
    pub fn is_identified(&self) -> bool {
        match &self.identity {
            Identity::Anonymous | Identity::Guest { subject: None, .. } | Identity::Link(_) => false,
            Identity::Guest { subject: Some(subject), .. } => !subject.is_empty(),
            Identity::User { .. } | Identity::Operator => true,
        }
    }

    /// Returns a stable key of the actor, for database rows and the audit trail.
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

    /// Returns true if the actor came by a share link, which anyone may have.
    pub fn came_by_link(&self) -> bool {
        matches!(self.identity, Identity::Link(_))
    }

    /// Returns true if the actor has opened the link of this share.
    pub fn has_open(&self, share: Id) -> bool {
        matches!(&self.identity, Identity::Link(opened) if opened.share == share)
    }

    /// Returns a name to show to people.
    pub fn name(&self) -> String {
        match &self.identity {
            Identity::Anonymous => "anonymous".into(),
            Identity::User { name, .. } => name.clone(),
            Identity::Guest { issuer, subject, name } => {
                name.clone().or_else(|| subject.clone()).unwrap_or_else(|| issuer.clone())
            }
            Identity::Link(_) => "someone with the link".into(),
            Identity::Operator => "operator".into(),
        }
    }
}

/// A permission check that passed: this actor may create this dataset, which does not exist yet.
#[derive(Debug)]
pub struct CreateGrant {
    path: RepoPath,
    owner: Id,
    actor: Actor,
}

impl CreateGrant {
    /// Returns the path of the new dataset.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Returns the id of the owner of the new dataset.
    pub fn owner(&self) -> Id {
        self.owner
    }

    /// Returns the actor who creates it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Inserts the empty dataset into the database. Returns its id.
    ///
    /// # Errors
    /// Conflict if the dataset was created concurrently, or if an organisation has that name.
    pub(crate) async fn insert(&self, tx: &mut Tx, clock: &Clock, visibility: Visibility, store: &str) -> Result<Id> {
        let (id, now, subject) = (clock.id(), clock.now(), self.path.to_string());
        tx.lock_dataset_name(&self.path).await?;
        tx.insert_dataset(id, self.owner, &self.path, visibility, store, now).await?;
        let (by, request) = (self.actor.key(), crate::request::id());
        tx.insert_audit(clock.id(), now, &by, "dataset.create", &subject, visibility.as_str(), &request).await?;
        Ok(id)
    }
}

/// The target of a push.
#[derive(Debug)]
pub enum Target<R: Right> {
    /// An existing dataset.
    Existing(DatasetGrant<R>),
    /// A dataset that this push may create.
    New(CreateGrant),
}

/// Authenticates requests and makes all permission decisions. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    db: Db,
    keys: Arc<Keys>,
    clock: Clock,
    notes: AuditSender,
    counted: share_links::Counted,
    /// Idle timeout of sessions.
    session_idle: Duration,
    /// Users that must have a second factor.
    second_factor: SecondFactor,
    /// Limits how many tokens are signed concurrently.
    signing: Arc<Semaphore>,
}

/// Tokens that are signed concurrently. Each takes some milliseconds of CPU time that other requests need, too.
const SIGNATURES: usize = 1;

impl Access {
    /// Creates the service. Audit notes go to the receiver of `notes`.
    pub fn new(db: Db, keys: Arc<Keys>, clock: Clock, notes: mpsc::Sender<AuditEvent>, rules: &AccountRules) -> Self {
        let signing = Arc::new(Semaphore::new(SIGNATURES));
        let (session_idle, second_factor) = (rules.session_idle(), rules.second_factor);
        let (notes, counted) = (AuditSender(notes), share_links::counted());
        Self { db, keys, clock, notes, counted, session_idle, second_factor, signing }
    }

    /// Returns the keys that sign and verify JSON Web Tokens.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Authorizes a push: to a dataset that the actor may write to, or to one that the push may create.
    pub async fn authorize_target<R: Right>(&self, actor: &Actor, path: &RepoPath, oids: &[Oid]) -> Result<Target<R>> {
        match self.decide(actor, path, oids).await {
            Ok(grant) => return Ok(Target::Existing(grant)),
            // The check itself failed, for example because the database did not answer.
            Err(error) if error.kind().status().is_server_error() => return Err(error),
            Err(_) => {}
        }
        if let Some(creation) = self.creatable::<R>(actor, path).await? {
            return Ok(Target::New(creation));
        }
        // A concurrent push may have created it between the two checks.
        let decided = self.decide(actor, path, oids).await;
        decided.map(Target::Existing).map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    async fn creatable<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Option<CreateGrant>> {
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
            CredentialScope::Nothing => true,
            CredentialScope::Token(scopes) => tokens::open(scopes, path).has(Write::RIGHTS),
            CredentialScope::App(app) => app.open(path).has(Write::RIGHTS),
            CredentialScope::Claims(claims) => claims::open(claims, path).whole.has(R::RIGHTS),
            CredentialScope::Enrolment => false,
        };
        let creation = CreateGrant { path: path.clone(), owner: owner.id, actor: actor.clone() };
        Ok((allowed && in_scope).then_some(creation))
    }

    /// Checks that the actor may create the dataset.
    ///
    /// # Errors
    /// Conflict if it exists and the actor can see it; otherwise as for [`Access::authorize`].
    pub async fn creation(&self, actor: &Actor, path: &RepoPath) -> Result<CreateGrant> {
        // First, because a permission check creates the actor's own drive.
        if let Some(creation) = self.creatable::<Write>(actor, path).await? {
            return Ok(creation);
        }
        match self.authorize::<Write>(actor, path).await {
            Ok(_) => Err(Error::conflict(format!("`{path}` exists already"))),
            Err(error) if error.kind() == Kind::NotFound && !actor.is_operator() => Err(Error::not_found(format!(
                "there is no owner `{}`, or you cannot create datasets there",
                path.owner
            ))),
            Err(error) => Err(error),
        }
    }
}
