//! Applications: registration, changes, secrets, and how they authenticate.

use super::failure::{Answer, Failure};
use super::redirect::{self, MAX_URLS};
use super::{CLIENT_CREDENTIALS, DEVICE_CODE_GRANT, OAuth, audience, generate, is_same, words};
use crate::access::app_tokens::AppScopes;
use crate::access::tokens::TokenName;
use crate::access::{ActingGrant, ClientGrant, DeveloperGrant, tokens};
use crate::db::Tx;
pub use crate::db::oauth::ClientRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};

const SECRET: &str = "rcs_";

/// Maximum number of applications of one owner.
const MAX_CLIENTS: usize = 100;

/// The settings of an application, checked.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    name: TokenName,
    home: String,
    redirects: Vec<String>,
    grants: Vec<String>,
    scopes: AppScopes,
    logout_redirects: Vec<String>,
    logout_url: Option<String>,
    pub(super) application: Option<String>,
    /// JSON.
    pub(super) roles: String,
    traits: Vec<String>,
    audience: Option<String>,
    resources: Option<Vec<String>>,
}

/// The trait of an application whose users are not asked. Only administrators can set it.
pub const TRUSTED: &str = "trusted";
/// The trait of a confidential application that does not use PKCE.
pub const NO_PKCE: &str = "no-pkce";
/// The trait of an application whose redirect URLs are compared without their query.
pub const FREE_QUERY: &str = "free-query";
/// The exceptions that an application can have.
pub const TRAITS: [&str; 3] = [TRUSTED, NO_PKCE, FREE_QUERY];

/// The grant types that an application can be registered for.
pub const GRANTS: [&str; 4] = ["authorization_code", "refresh_token", CLIENT_CREDENTIALS, DEVICE_CODE_GRANT];

/// The settings of an application, as they are sent.
#[derive(Debug, Clone, Default)]
pub struct UncheckedSettings {
    /// Name, for people.
    pub name: String,
    /// URL of its home page; empty for none.
    pub home: String,
    /// Redirect URLs.
    pub redirects: Vec<String>,
    /// Grant types.
    pub grants: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Redirect URLs after a logout.
    pub logout_redirects: Vec<String>,
    /// URL to notify of logouts; empty for none.
    pub logout_url: String,
    /// Traits.
    pub traits: Vec<String>,
    /// Audience of tokens of other applications; empty for none.
    pub audience: String,
    /// Audiences that it may ask for; `None` to leave them.
    pub resources: Option<Vec<String>>,
}

impl ClientSettings {
    /// Checks the settings.
    ///
    /// # Errors
    /// Invalid; the message names the value.
    pub fn new(sent: UncheckedSettings) -> Result<Self> {
        let UncheckedSettings {
            name,
            home,
            redirects,
            grants,
            scopes,
            logout_redirects,
            logout_url,
            traits,
            audience,
            resources,
        } = sent;
        let optional = [("home", &home), ("logout_url", &logout_url)];
        for (part, url) in optional.into_iter().filter(|(_, url)| !url.is_empty()) {
            redirect::check(url).map_err(|error| error.of_part(part))?;
        }
        if let Some(unknown) = grants.iter().find(|grant| !GRANTS.contains(&grant.as_str())) {
            let unknown = unknown.escape_debug();
            return Err(Error::invalid(format!("`{unknown}` is not a grant type: use some of {}", GRANTS.join(", "))));
        }
        if let Some(unknown) = traits.iter().find(|name| !TRAITS.contains(&name.as_str())) {
            let unknown = unknown.escape_debug();
            return Err(Error::invalid(format!("`{unknown}` is not a trait: use some of {}", TRAITS.join(", "))));
        }
        let needs_redirect = grants.iter().any(|grant| grant == "authorization_code");
        if redirects.len() > MAX_URLS || logout_redirects.len() > MAX_URLS || (needs_redirect && redirects.is_empty()) {
            return Err(Error::invalid(format!("an application needs 1 to {MAX_URLS} redirect URLs")));
        }
        redirects.iter().chain(&logout_redirects).try_for_each(|url| redirect::check(url))?;
        let scopes: AppScopes = scopes.join(" ").parse()?;
        if audience.is_empty() && (scopes.is_empty() || grants.is_empty()) {
            return Err(Error::invalid("an application needs at least one scope and one grant type, or an audience"));
        }
        let (name, logout_url) = (name.parse()?, Some(logout_url).filter(|url| !url.is_empty()));
        let (application, roles, audience) = (None, "[]".into(), Some(audience).filter(|it| !it.is_empty()));
        Ok(Self {
            name,
            home,
            redirects,
            grants,
            scopes,
            logout_redirects,
            logout_url,
            application,
            roles,
            traits,
            audience,
            resources,
        })
    }

    fn apply(self, row: &mut ClientRow) -> Result<()> {
        self.name.as_str().clone_into(&mut row.name);
        row.home = self.home;
        row.redirects = serde_json::to_string(&self.redirects).map_err(Error::internal)?;
        // In a fixed order, each once.
        let listed = |known: &[&'static str], sent: &[String]| {
            known.iter().filter(|known| sent.iter().any(|it| it == *known)).copied().collect::<Vec<_>>().join(" ")
        };
        row.grants = listed(&GRANTS, &self.grants);
        row.traits = listed(&TRAITS, &self.traits);
        row.scopes = self.scopes.to_string();
        row.logout_redirects = serde_json::to_string(&self.logout_redirects).map_err(Error::internal)?;
        row.logout_url = self.logout_url;
        row.application = self.application;
        row.roles = self.roles;
        row.audience = self.audience;
        Ok(())
    }
}

/// Returns the names of the settings that differ, for the audit trail.
fn changes(before: &ClientRow, after: &ClientRow) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("home", before.home != after.home),
        ("redirects", before.redirects != after.redirects),
        ("grants", before.grants != after.grants),
        ("scopes", before.scopes != after.scopes),
        ("acts_as", before.acts_as != after.acts_as),
        ("logout_redirects", before.logout_redirects != after.logout_redirects),
        ("logout_url", before.logout_url != after.logout_url),
        ("application", before.application != after.application),
        ("roles", before.roles != after.roles),
        ("traits", before.traits != after.traits),
        ("audience", before.audience != after.audience),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// Returns URLs of an application.
pub fn urls(stored: &str) -> Result<Vec<String>> {
    serde_json::from_str(stored).map_err(Error::internal)
}

/// Returns true if an application is registered for a grant type.
pub fn has_grant(client: &ClientRow, grant: &str) -> bool {
    words(&client.grants).contains(&grant)
}

/// Returns true if an application has a trait.
pub(super) fn has_trait(client: &ClientRow, name: &str) -> bool {
    words(&client.traits).contains(&name)
}

/// Returns those of the requested scopes that the application may ask for. Others are ignored (RFC 6749 §3.3): many
/// libraries always ask for `offline_access`. Responses say which scopes a token has.
pub(super) fn requested(client: &ClientRow, scope: &str) -> Answer<AppScopes> {
    let scopes = client.scopes.parse::<AppScopes>()?.and(AppScopes::known(scope));
    if scopes.is_empty() {
        return Err(Failure::new("invalid_scope", "the application may ask for none of these scopes"));
    }
    Ok(scopes)
}

/// How an application authenticates at an endpoint (RFC 6749 §2.3).
pub struct ClientCredentials {
    /// The id of the application.
    pub id: String,
    /// Its secret; `None` for a public client.
    pub secret: Option<Secret>,
}

/// # Errors
/// Conflict for the application of an installed app, which has what its manifest says.
fn expect_own_settings(grant: &ClientGrant) -> Result<()> {
    match grant.client().install_id {
        Some(_) => Err(Error::conflict("this application belongs to an installed app: change or uninstall that")),
        None => Ok(()),
    }
}

async fn expect_room(tx: &mut Tx, grant: &DeveloperGrant) -> Result<()> {
    if tx.clients(grant.owner()).await?.len() >= MAX_CLIENTS {
        return Err(Error::conflict(format!("`{}` has {MAX_CLIENTS} applications: delete one", grant.name())));
    }
    Ok(())
}

impl OAuth {
    /// Registers an application. Returns it with its secret, unless it is public.
    ///
    /// # Errors
    /// Conflict if the owner has too many.
    pub async fn register(
        &self,
        grant: &DeveloperGrant,
        settings: ClientSettings,
        acts_as: Option<&ActingGrant>,
        is_public: bool,
    ) -> Result<(ClientRow, Option<Secret>)> {
        let secret = (!is_public).then(|| generate(SECRET));
        let mut row = self.new_client(grant, secret.as_ref().map(tokens::hash), acts_as.map(ActingGrant::user));
        row.acts_as_name = acts_as.map(|grant| grant.name().to_owned());
        let resources = settings.resources.clone().unwrap_or_default();
        settings.apply(&mut row)?;
        self.check_settings(grant, &row, &resources)?;
        let mut tx = self.db.write().await?;
        let servers = self.servers(&mut tx, grant, &row, &resources).await?;
        expect_room(&mut tx, grant).await?;
        tx.insert_client(&row).await?;
        tx.set_resources(row.id, &servers).await?;
        self.audit_by(&mut tx, grant.actor(), "client.add", grant.name(), &row.id.to_string()).await?;
        tx.commit().await?;
        Ok((row, secret))
    }

    /// Registers the application of an installed app, as part of a transaction. Its secret is derived by the caller.
    ///
    /// # Errors
    /// Conflict if the owner has too many.
    pub(crate) async fn register_for_install(
        &self,
        tx: &mut Tx,
        grant: &DeveloperGrant,
        settings: ClientSettings,
        install: Id,
        acts_as: Option<Id>,
        secret: String,
    ) -> Result<()> {
        let mut row = self.new_client(grant, Some(secret), acts_as);
        row.install_id = Some(install);
        settings.apply(&mut row)?;
        expect_room(tx, grant).await?;
        tx.insert_client(&row).await
    }

    fn new_client(&self, grant: &DeveloperGrant, secret: Option<String>, acts_as: Option<Id>) -> ClientRow {
        ClientRow {
            id: self.clock.id(),
            owner_id: Some(grant.owner()),
            owner: grant.name().to_owned(),
            name: String::new(),
            home: String::new(),
            secret,
            previous_secret: None,
            previous_until: None,
            redirects: String::new(),
            grants: String::new(),
            scopes: String::new(),
            acts_as,
            acts_as_name: None,
            logout_redirects: "[]".into(),
            logout_url: None,
            application: None,
            roles: String::new(),
            traits: String::new(),
            audience: None,
            install_id: None,
            is_container: false,
            created_at: self.clock.now(),
            disabled_at: None,
            is_owner_barred: false,
        }
    }

    /// Checks settings against each other, and against what the developer may set.
    fn check_settings(&self, developer: &DeveloperGrant, row: &ClientRow, resources: &[String]) -> Result<()> {
        if has_grant(row, CLIENT_CREDENTIALS) && (row.secret.is_none() || row.acts_as.is_none()) {
            return Err(Error::invalid("client_credentials require acts_as, and an application that is not public"));
        }
        if has_trait(row, NO_PKCE) && row.secret.is_none() {
            return Err(Error::invalid("a public application must use PKCE: it cannot have the trait `no-pkce`"));
        }
        // Its owner could give it wider scopes, which no user would be asked for.
        let is_unasked = has_trait(row, TRUSTED) || (row.acts_as.is_some() && row.acts_as != row.owner_id);
        if is_unasked && !developer.is_administrator() {
            let why = "only administrators can register or change an application with the trait `trusted`, or one that \
                       acts as the account of someone else; others can remove the trait or `acts_as`";
            return Err(Error::forbidden(why));
        }
        audience::check(row.audience.as_deref(), resources, &self.issuer)
    }

    /// Returns the applications of an owner, newest first.
    pub async fn clients(&self, grant: &DeveloperGrant) -> Result<Vec<ClientRow>> {
        self.db.read().await?.clients(grant.owner()).await
    }

    /// Changes an application: `settings` returns those that it gets from those that it has now, `acts_as` is changed only
    /// if given. While it is disabled, none of its tokens works.
    pub async fn change_client(
        &self,
        grant: &ClientGrant,
        settings: impl FnOnce(ClientRow) -> Result<ClientSettings>,
        acts_as: Option<Option<ActingGrant>>,
        is_disabled: Option<bool>,
    ) -> Result<ClientRow> {
        expect_own_settings(grant)?;
        let mut tx = self.db.write().await?;
        let id = grant.client().id;
        tx.lock_name(&format!("application {id}")).await?;
        // It may have changed since: this must not enable it again, for example.
        let before = tx.client(id).await?.ok_or_else(|| Error::not_found("the application was deleted"))?;
        let (mut row, settings) = (before.clone(), settings(before.clone())?);
        let resources = settings.resources.clone();
        settings.apply(&mut row)?;
        if let Some(acts_as) = acts_as {
            row.acts_as = acts_as.as_ref().map(ActingGrant::user);
            row.acts_as_name = acts_as.map(|grant| grant.name().to_owned());
        }
        let changed = changes(&before, &row);
        // Anyone who manages it can stop it.
        if !(changed.is_empty() && resources.is_none() && is_disabled == Some(true)) {
            self.check_settings(grant.developer(), &row, resources.as_deref().unwrap_or_default())?;
        }
        if let Some(is_disabled) = is_disabled {
            row.disabled_at = is_disabled.then(|| row.disabled_at.unwrap_or(self.clock.now()));
        }
        let servers = self.servers(&mut tx, grant.developer(), &row, resources.as_deref().unwrap_or_default()).await?;
        tx.update_client(&row).await?;
        if resources.is_some() {
            tx.set_resources(row.id, &servers).await?;
        }
        let what = match row.disabled_at {
            Some(_) => "disabled",
            None => "enabled",
        };
        let detail = format!("{id} {what} {}", changed.join(" "));
        self.audit_by(&mut tx, grant.actor(), "client.change", &row.owner, detail.trim()).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Replaces the secret of an application; that of a container is replaced with each start. The secret before stays valid until the returned time.
    ///
    /// # Errors
    /// Conflict for a public client, which has no secret, and for an app that is a container.
    pub async fn replace_secret(&self, grant: &ClientGrant) -> Result<(Secret, Millis)> {
        if grant.client().is_container {
            expect_own_settings(grant)?;
        }
        let (secret, until) = (generate(SECRET), self.clock.now().plus(self.rules.overlap()));
        let row = grant.client();
        let mut tx = self.db.write().await?;
        if !tx.replace_client_secret(row.id, &tokens::hash(&secret), until).await? {
            return Err(Error::conflict("this application is public: it has no secret"));
        }
        self.audit_by(&mut tx, grant.actor(), "client.secret", &row.owner, &row.id.to_string()).await?;
        tx.commit().await?;
        Ok((secret, until))
    }

    /// Deletes an application, with everything that users allowed it.
    pub async fn delete_client(&self, grant: &ClientGrant) -> Result<()> {
        expect_own_settings(grant)?;
        let row = grant.client();
        let mut tx = self.db.write().await?;
        tx.delete_client(row.id).await?;
        self.audit_by(&mut tx, grant.actor(), "client.delete", &row.owner, &row.id.to_string()).await?;
        tx.commit().await
    }

    /// Returns an application that may be used.
    pub async fn enabled_client(&self, id: &str) -> Result<Option<ClientRow>> {
        let Ok(id) = id.parse::<Id>() else { return Ok(None) };
        Ok(self.db.client(id).await?.filter(ClientRow::is_enabled))
    }

    /// Authenticates an application.
    pub async fn authenticate_client(&self, credentials: &ClientCredentials) -> Answer<ClientRow> {
        let refused = || Failure::new("invalid_client", "unknown client, or wrong client authentication");
        let client = self.enabled_client(&credentials.id).await?.ok_or_else(refused)?;
        let fits = match (&client.secret, &credentials.secret) {
            (None, None) => true,
            (Some(current), Some(sent)) => {
                let sent = tokens::hash(sent);
                let overlaps = client.previous_until.is_some_and(|until| until > self.clock.now());
                let previous = client.previous_secret.as_deref().filter(|_| overlaps).unwrap_or_default();
                is_same(current, &sent) | is_same(previous, &sent)
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        if fits { Ok(client) } else { Err(refused()) }
    }
}
