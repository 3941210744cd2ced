//! Entering an app with a browser that is signed in, and opening a file with an app: choosing a file for an app gives the
//! app access to it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::Apps;
use super::installs::{InstallRow, manifest};
use crate::access::app_tokens::AppScopes;
use crate::access::{Actor, AppUseGrant, SessionGrant, tokens};
use crate::clock::random;
use crate::config::Origin;
use crate::error::{Error, Result};
use crate::oauth::consent::ChosenPath;
use crate::types::{Id, Secret, url_segment};

/// Kind of the one-time tokens with which a browser enters an app.
const ENTRY: &str = "app-entry";
/// Lifetime of such a token.
const ENTRY_TTL: Duration = Duration::from_secs(60);
/// Sessions that a browser can have at an app.
const MAX_SESSIONS: i64 = 5;
/// Maximum length of a path within an app, in bytes.
const MAX_PATH: usize = 4096;

/// What an entry token says.
#[derive(Serialize, Deserialize)]
struct Entry {
    install: String,
    session: String,
    /// Hash of the state that the app's host gave to the browser which wants to enter.
    state: String,
}

/// Where in an app a browser wants to go.
#[derive(Debug)]
pub struct AppPlace {
    /// The app.
    pub install: Arc<InstallRow>,
    /// Path and query below the base URL of the app; begins with a slash.
    pub path: String,
}

impl Apps {
    /// Finds the app of a URL on the origin of apps.
    ///
    /// # Errors
    /// Not found for any other URL.
    pub async fn place(&self, url: &str) -> Result<AppPlace> {
        let missing = || Error::not_found("there is no such app, or you cannot use it");
        if url.len() > MAX_PATH || !url.bytes().all(|b| b.is_ascii_graphic()) || url.contains(['\\', '#']) {
            return Err(missing());
        }
        let (apps, found) = self.origin().zip(Origin::of(url)).ok_or_else(missing)?;
        let rest = url.split_once("://").and_then(|(_, rest)| rest.find(['/', '?']).map(|at| &rest[at..]));
        let rest = rest.unwrap_or("/");
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        if self.has_wildcard() {
            let label = apps.label(found.host()).ok_or_else(missing)?;
            if found != apps.below(label) {
                return Err(missing());
            }
            let install = self.by_host(label).await?.ok_or_else(missing)?;
            return Ok(AppPlace { install, path: rest });
        }
        let mut parts = rest.splitn(5, '/').skip(1);
        let (Some("user"), Some(owner), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(missing());
        };
        let name = name.split('?').next().unwrap_or_default();
        if found != *apps {
            return Err(missing());
        }
        let install = self.by_name(owner, name).await?.ok_or_else(missing)?;
        let path = rest[self.base_path(&install).len().min(rest.len())..].to_owned();
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        Ok(AppPlace { install, path })
    }

    /// Returns the URL that lets the browser of this session into an app, once, within a minute. It must be the browser
    /// that the app's host gave this state to: otherwise another user could sign it in as themselves.
    pub async fn entry_url(&self, grant: &AppUseGrant, path: &str, state: &str) -> Result<String> {
        let session = grant.session().ok_or_else(|| Error::forbidden("sign in with a browser"))?;
        let install = grant.install();
        let ticket = Secret::new(BASE64.encode(random::<32>()));
        let entry = Entry { install: install.id.to_string(), session: session.to_string(), state: state.to_owned() };
        let subject = serde_json::to_string(&entry).map_err(Error::internal)?;
        let now = self.0.clock.now();
        let (id, hash) = (self.0.clock.id(), tokens::hash(&ticket));
        let mut tx = self.0.db.write().await?;
        tx.insert_ticket(id, ENTRY, &hash, &subject, None, now, now.plus(ENTRY_TTL)).await?;
        tx.commit().await?;
        let to = url_segment(path);
        Ok(format!("{}/_rutter/enter?ticket={}&to={to}", self.url(install), ticket.expose()))
    }

    /// Redeems such a token. Returns the value of the cookie for this app.
    ///
    /// # Errors
    /// Forbidden for a token that is expired, used, or of another app.
    pub async fn enter(&self, install: Option<Id>, ticket: &Secret, state: &Secret) -> Result<Secret> {
        let refused = || Error::forbidden("this link is expired or used: open the app again");
        let now = self.0.clock.now();
        let mut tx = self.0.db.write().await?;
        let row = tx.use_ticket(ENTRY, &tokens::hash(ticket), now).await?.ok_or_else(refused)?;
        let entry: Entry = serde_json::from_str(&row.subject).map_err(Error::internal)?;
        let install = install.ok_or_else(refused)?;
        if entry.install != install.to_string() || entry.state != tokens::hash(state) {
            return Err(refused());
        }
        let cookie = Secret::new(format!("rua_{}", BASE64.encode(random::<32>())));
        let session = entry.session.parse::<Id>()?;
        tx.insert_app_session(&tokens::hash(&cookie), install, session, now).await?;
        tx.trim_app_sessions(install, session, MAX_SESSIONS).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// Opens a file, a folder or a dataset with an app: gives the app access to it, and returns the URL to go to.
    ///
    /// # Errors
    /// Forbidden if the user does not have the right; conflict if the app opens no files.
    pub async fn open_with(
        &self,
        actor: &Actor,
        seat: &SessionGrant,
        grant: &AppUseGrant,
        chosen: &ChosenPath,
        revision: &str,
    ) -> Result<String> {
        let install = grant.install();
        let manifest = manifest(install)?;
        let client = install.client_id.ok_or_else(|| Error::conflict("this app has no access to files"))?;
        let scopes: AppScopes = manifest.scopes.parse()?;
        if !scopes.has(AppScopes::FILES) {
            return Err(Error::conflict("this app does not open files: its manifest lacks the scope `files`"));
        }
        // The rest is asked for on the consent page.
        let given = scopes.and(AppScopes::OPENID.with(AppScopes::PROFILE).with(AppScopes::FILES));
        self.0.oauth.give_path(actor, seat.holder(), client, given, chosen).await?;
        let values = [
            ("{dataset}", chosen.dataset.to_string()),
            ("{path}", chosen.path.as_ref().map_or(String::new(), |path| path.as_str().to_owned())),
            ("{revision}", revision.to_owned()),
        ];
        // In one pass, so that a file named `{revision}` stays what it is.
        let (mut path, mut rest) = (String::new(), manifest.open_path.as_str());
        while let Some(at) = rest.find('{') {
            path.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((name, value)) = values.iter().find(|(name, _)| rest.starts_with(name)) {
                path.push_str(&url_segment(value));
                rest = &rest[name.len()..];
            } else {
                path.push('{');
                rest = &rest[1..];
            }
        }
        path.push_str(rest);
        Ok(format!("{}{path}", self.base_of(install, &manifest)))
    }
}
