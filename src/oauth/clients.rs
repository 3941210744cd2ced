//! Applications: registration, changes, secrets, and how they authenticate.

use super::failure::{Answer, Failure};
use super::redirect::{self, MAX_URLS};
use super::{OAuth, generate, is_same};
use crate::access::app_tokens::AppScopes;
use crate::access::tokens::TokenName;
use crate::access::{ClientGrant, DeveloperGrant, tokens};
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
    scopes: AppScopes,
}

impl ClientSettings {
    /// Checks the settings. An empty `home` means that there is no home page.
    ///
    /// # Errors
    /// Invalid; the message names the value.
    pub fn new(name: &str, home: &str, redirects: Vec<String>, scopes: &[String]) -> Result<Self> {
        if !home.is_empty() {
            redirect::check(home).map_err(|error| error.of_part("home"))?;
        }
        if redirects.is_empty() || redirects.len() > MAX_URLS {
            return Err(Error::invalid(format!("an application needs 1 to {MAX_URLS} redirect URLs")));
        }
        redirects.iter().try_for_each(|url| redirect::check(url))?;
        let scopes: AppScopes = scopes.join(" ").parse()?;
        if scopes.is_empty() {
            return Err(Error::invalid("an application needs at least one scope"));
        }
        Ok(Self { name: name.parse()?, home: home.to_owned(), redirects, scopes })
    }

    fn apply(self, row: &mut ClientRow) -> Result<()> {
        self.name.as_str().clone_into(&mut row.name);
        row.home = self.home;
        row.redirects = serde_json::to_string(&self.redirects).map_err(Error::internal)?;
        row.scopes = self.scopes.to_string();
        Ok(())
    }
}

/// Returns the redirect URLs of an application.
pub fn redirects(client: &ClientRow) -> Result<Vec<String>> {
    serde_json::from_str(&client.redirects).map_err(Error::internal)
}

/// How an application authenticates at an endpoint (RFC 6749 §2.3).
pub struct ClientCredentials {
    /// The id of the application.
    pub id: String,
    /// Its secret; `None` for a public client.
    pub secret: Option<Secret>,
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
        is_public: bool,
    ) -> Result<(ClientRow, Option<Secret>)> {
        let secret = (!is_public).then(|| generate(SECRET));
        let mut row = ClientRow {
            id: self.clock.id(),
            owner_id: grant.owner(),
            owner: grant.name().to_owned(),
            name: String::new(),
            home: String::new(),
            secret: secret.as_ref().map(tokens::hash),
            previous_secret: None,
            previous_until: None,
            redirects: String::new(),
            scopes: String::new(),
            created_at: self.clock.now(),
            disabled_at: None,
        };
        settings.apply(&mut row)?;
        let mut tx = self.db.write().await?;
        if tx.clients(grant.owner()).await?.len() >= MAX_CLIENTS {
            return Err(Error::conflict(format!("`{}` has {MAX_CLIENTS} applications: delete one", grant.name())));
        }
        tx.insert_client(&row).await?;
        self.audit_by(&mut tx, grant.actor(), "client.add", grant.name(), &row.id.to_string()).await?;
        tx.commit().await?;
        Ok((row, secret))
    }

    /// Returns the applications of an owner, newest first.
    pub async fn clients(&self, grant: &DeveloperGrant) -> Result<Vec<ClientRow>> {
        self.db.read().await?.clients(grant.owner()).await
    }

    /// Changes an application. While it is disabled, none of its tokens works.
    pub async fn change_client(
        &self,
        grant: &ClientGrant,
        settings: ClientSettings,
        is_disabled: bool,
    ) -> Result<ClientRow> {
        let mut row = grant.client().clone();
        settings.apply(&mut row)?;
        row.disabled_at = is_disabled.then(|| row.disabled_at.unwrap_or(self.clock.now()));
        let mut tx = self.db.write().await?;
        tx.update_client(&row).await?;
        self.audit_by(&mut tx, grant.actor(), "client.change", &row.owner, &row.id.to_string()).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Replaces the secret of an application. The secret before stays valid until the returned time.
    ///
    /// # Errors
    /// Conflict for a public client, which has no secret.
    pub async fn replace_secret(&self, grant: &ClientGrant) -> Result<(Secret, Millis)> {
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
        let row = grant.client();
        let mut tx = self.db.write().await?;
        tx.delete_client(row.id).await?;
        self.audit_by(&mut tx, grant.actor(), "client.delete", &row.owner, &row.id.to_string()).await?;
        tx.commit().await
    }

    /// Returns an application that may be used.
    pub async fn enabled_client(&self, id: &str) -> Result<Option<ClientRow>> {
        let Ok(id) = id.parse::<Id>() else { return Ok(None) };
        Ok(self.db.read().await?.client(id).await?.filter(|client| client.disabled_at.is_none()))
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
