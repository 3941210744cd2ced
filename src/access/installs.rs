//! Permission checks for installed apps: they are managed by the user that owns them, or by the owners of the
//! organisation that owns them; its visibility says which users may use one.
//!
//! ```compile_fail,E0308
//! use rutter::access::{AppUseGrant, InstallGrant};
//! // Users of an app do not manage it.
//! fn manage(user: AppUseGrant) -> InstallGrant {
//!     user
//! }
//! ```

use std::sync::Arc;

use super::account::AccountGrant;
use super::clients::DeveloperGrant;
use super::{Access, Actor, Credentials, Identity, tokens};
use crate::db::accounts::UserRow;
use crate::db::app_installs::{AppSessionRow, InstallRow};
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind, OwnerName, Role, Secret, Visibility, WantedState};

/// Minimum interval between updates of a session's last use, in milliseconds; the same as for tokens.
const TOUCHED: i64 = 60_000;

/// A permission check that passed: this actor may manage this installed app.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct InstallGrant {
    install: InstallRow,
    developer: DeveloperGrant,
}

impl InstallGrant {
    /// Returns the app.
    pub fn install(&self) -> &InstallRow {
        &self.install
    }

    /// Returns the permission to manage the applications of its owner.
    pub fn developer(&self) -> &DeveloperGrant {
        &self.developer
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        self.developer.actor()
    }
}

/// A permission check that passed: this user, or everyone, may use this app.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct AppUseGrant {
    install: Arc<InstallRow>,
    user: Option<(Id, String)>,
    is_member: bool,
    session: Option<Id>,
}

impl AppUseGrant {
    /// Returns the app.
    pub fn install(&self) -> &InstallRow {
        &self.install
    }

    /// Returns the app, shared.
    pub fn shared_install(&self) -> Arc<InstallRow> {
        self.install.clone()
    }

    /// Returns the same permission with the app as it is now.
    pub fn refreshed(&self, install: Arc<InstallRow>) -> Self {
        let same = install.id == self.install.id;
        Self { install: if same { install } else { self.install.clone() }, ..self.clone() }
    }

    /// Returns the name of the user; `None` for someone who is not signed in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(|(_, name)| name.as_str())
    }

    /// Returns the session of the browser, if there is one.
    pub fn session(&self) -> Option<Id> {
        self.session
    }

    /// Returns true if the user is a member of the organisation that owns the app.
    pub fn is_member(&self) -> bool {
        self.is_member
    }

    /// Returns true if the user is the owner of the app, and not a member of the owning organisation.
    pub fn is_owner(&self) -> bool {
        self.user.as_ref().is_some_and(|(id, _)| *id == self.install.owner_id)
    }
}

/// How a request to an app authenticates.
#[derive(Clone)]
pub enum AppCredentials {
    /// Not at all.
    None,
    /// The cookie of this app.
    Cookie(Secret),
    /// A token of ours in `Authorization`.
    Token(Credentials),
}

impl AppCredentials {
    /// Returns a key that identifies these credentials, without their secret.
    pub fn key(&self) -> String {
        let hash = |secret: Option<&Secret>| secret.map(tokens::hash).unwrap_or_default();
        match self {
            Self::None => String::new(),
            Self::Cookie(cookie) => format!("cookie {}", hash(Some(cookie))),
            Self::Token(credentials) => format!("token {}", hash(credentials.secret())),
        }
    }
}

/// The same error for an app that does not exist and one that the user may not use.
fn missing() -> Error {
    Error::not_found("there is no such app, or you cannot use it")
}

/// The same error for an app that does not exist and one that is not public.
fn sign_in_to_use() -> Error {
    Error::unauthenticated("sign in to use this app")
}

impl Access {
    /// Checks that the actor may manage an installed app: administrators also those of other owners.
    ///
    /// # Errors
    /// As for [`Actor::holder`]; not found for apps of others, whether they exist or not.
    pub async fn authorize_install(&self, actor: &Actor, owner: &OwnerName, name: &str) -> Result<InstallGrant> {
        let _ = actor.holder()?;
        let install = self.db.read().await?.install_by_name(owner.as_str(), name).await?.ok_or_else(missing)?;
        if install.wanted == WantedState::Removed {
            return Err(missing());
        }
        let is_admin = matches!(actor.identity, Identity::User { admin: true, .. });
        if is_admin {
            let (name, is_organisation) = (install.owner.clone(), install.owner_kind == OwnerKind::Organisation);
            let developer = DeveloperGrant::of_owner(install.owner_id, name, is_organisation, actor.clone());
            return Ok(InstallGrant { install, developer });
        }
        match self.authorize_developer(actor, Some(owner)).await {
            Ok(developer) => Ok(InstallGrant { install, developer }),
            Err(error) if error.kind().status().is_server_error() => Err(error),
            Err(_) => Err(missing()),
        }
    }

    /// Returns the permission to install apps for a new account; `None` if it is not active.
    pub(crate) async fn preinstalling(&self, user: Id) -> Result<Option<DeveloperGrant>> {
        let user = self.db.read().await?.user_by_id(user).await?.filter(UserRow::is_active);
        Ok(user.map(|user| DeveloperGrant::of_owner(user.id, user.name, false, Actor::operator())))
    }

    /// Checks that the sender of a request may use an app.
    ///
    /// # Errors
    /// Unauthenticated if signing in could help; not found if the user may not use it.
    pub async fn authorize_app_use(
        &self,
        install: &Arc<InstallRow>,
        credentials: AppCredentials,
    ) -> Result<AppUseGrant> {
        let is_open = !install.is_owner_barred && install.wanted != WantedState::Removed;
        let user = match credentials {
            AppCredentials::None => None,
            AppCredentials::Cookie(cookie) => {
                let row = self.db.app_session(&tokens::hash(&cookie)).await?;
                // The cookie of another app, or of a session that has ended, is no cookie.
                match row.filter(|row| row.install_id == install.id) {
                    Some(row) if self.is_session_open(&row).await? => {
                        Some((row.user_id, row.user_name, row.role, Some(row.session_id)))
                    }
                    _ => None,
                }
            }
            AppCredentials::Token(credentials) => {
                let holder = self.authenticate(credentials).await?.holder()?;
                let role = self.db.read().await?.member_role(install.owner_id, holder.user()).await?;
                Some((holder.user(), holder.name().to_owned(), role, None))
            }
        };
        let may = |user: Id, role: Option<Role>| {
            is_open && (install.visibility >= Visibility::Internal || user == install.owner_id || role.is_some())
        };
        match user {
            None if is_open && install.visibility == Visibility::Public => {
                Ok(AppUseGrant { install: install.clone(), user: None, is_member: false, session: None })
            }
            None => Err(sign_in_to_use()),
            Some((user, name, role, session)) if may(user, role) => Ok(AppUseGrant {
                install: install.clone(),
                user: Some((user, name)),
                is_member: role.is_some(),
                session,
            }),
            Some(_) => Err(missing()),
        }
    }

    /// Returns true if the actor may still manage an app, for what goes on for long.
    pub async fn still_manages(&self, grant: &InstallGrant) -> Result<bool> {
        let user = match grant.actor().user() {
            Some(user) => self.db.read().await?.user_by_id(user).await?,
            None => None,
        };
        let owner = grant.install.owner.parse()?;
        Ok(user.is_some_and(|user| user.is_active())
            && self.authorize_install(grant.actor(), &owner, &grant.install.name).await.is_ok())
    }

    /// Returns the error for a request to an app that does not exist.
    ///
    /// # Errors
    /// Always: as for [`Access::authorize_app_use`] of an app that the sender may not use.
    pub async fn refuse_app_use(&self, credentials: AppCredentials) -> Result<AppUseGrant> {
        match credentials {
            AppCredentials::None | AppCredentials::Cookie(_) => Err(sign_in_to_use()),
            AppCredentials::Token(credentials) => {
                let _ = self.authenticate(credentials).await?.holder()?;
                Err(missing())
            }
        }
    }

    /// Checks that a signed-in user may use an app.
    ///
    /// # Errors
    /// Not found if not.
    pub async fn authorize_app_opening(&self, actor: &Actor, install: &Arc<InstallRow>) -> Result<AppUseGrant> {
        let seat = actor.seat()?;
        let role = self.db.read().await?.member_role(install.owner_id, seat.user()).await?;
        let is_open = install.visibility >= Visibility::Internal || role.is_some();
        if install.is_owner_barred
            || install.wanted == WantedState::Removed
            || !(is_open || seat.user() == install.owner_id)
        {
            return Err(missing());
        }
        let user = Some((seat.user(), seat.holder().name().to_owned()));
        Ok(AppUseGrant { install: install.clone(), user, is_member: role.is_some(), session: Some(seat.session()) })
    }

    /// Returns true if an account is that of a site administrator.
    pub async fn is_site_administrator(&self, holder: &AccountGrant) -> Result<bool> {
        let user = self.db.read().await?.user_by_id(holder.user()).await?;
        self.is_administrator(holder.user(), user.is_some_and(|user| user.admin)).await
    }

    /// Records that an installed app was used.
    pub fn note_app_used(&self, install: Id) {
        self.notes.app_used(install);
    }

    /// Returns true if the session of a browser that uses an app is valid.
    async fn is_session_open(&self, row: &AppSessionRow) -> Result<bool> {
        let now = self.clock.now();
        if row.expires_at <= now
            || row.last_used_at.plus(self.session_idle) <= now
            || row.suspended_at.is_some()
            || row.closed_at.is_some()
            || self.session_lacks_second_factor(row.user_id, row.admin, &row.amr).await?
        {
            return Ok(false);
        }
        if now.0 - row.last_used_at.0 > TOUCHED {
            self.notes.seen(row.session_id);
        }
        Ok(true)
    }
}
