//! What users allow applications: the consent page, and the list of connected applications.

use metastore::FilePath;

use super::OAuth;
use super::authorize::{AuthorizationRequest, REQUEST, is_registered, scopes_at};
use super::clients::ClientRow;
use super::redirect::without_query;
use crate::access::app_tokens::AppScopes;
use crate::access::{AccountGrant, Actor, Grant, Read, SessionGrant, Write, tokens};
use crate::db::Tx;
use crate::db::consents::ConsentPathRow;
pub use crate::db::consents::{ConsentRow, NamedConsentPathRow};
pub use crate::db::oauth_resources::ConsentResourceRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, RepoPath, Secret, ShareRight};

/// Maximum number of files, folders and datasets that a user gives to an application.
const MAX_PATHS: usize = 100;

/// A file, folder or dataset that a user gives to an application (scope `files`).
#[derive(Debug)]
pub struct ChosenPath {
    /// The dataset.
    pub dataset: RepoPath,
    /// Path in the dataset; `None` for the whole dataset.
    pub path: Option<FilePath>,
    /// Right to view or to edit.
    pub right: ShareRight,
}

/// What an application asks of a user.
#[derive(Debug)]
pub struct Asked {
    /// The application.
    pub client: ClientRow,
    /// The scopes.
    pub scopes: AppScopes,
    /// The server that its tokens are for; `None` for this one.
    pub resource: Option<Resource>,
    /// The URL that the browser returns to, without its query.
    pub returns_to: String,
    /// What the user gave it before (scope `files`).
    pub paths: Vec<NamedConsentPathRow>,
}

/// Another server that an application asks a token for.
#[derive(Debug)]
pub struct Resource {
    /// Its audience.
    pub audience: String,
    /// Its name.
    pub name: String,
}

fn gone() -> Error {
    Error::not_found("this request is invalid, already answered or expired; return to the application and try again")
}

impl OAuth {
    /// Returns a request, if this browser session began it.
    ///
    /// # Errors
    /// Not found for a request that is unknown, answered, expired, or of another session, with the same message for all.
    pub async fn asked(&self, seat: &SessionGrant, ticket: &Secret) -> Result<Asked> {
        let row = self.db.read().await?.ticket(REQUEST, &tokens::hash(ticket), self.clock.now()).await?;
        let request = of_session(seat, &row.ok_or_else(gone)?.subject)?;
        let client = self.enabled_client(&request.client).await?.ok_or_else(gone)?;
        let scopes = request.scopes.parse()?;
        // It may have changed since.
        if !is_registered(&client, &request.redirect)? || !client.scopes.parse::<AppScopes>()?.has(scopes) {
            return Err(gone());
        }
        let returns_to = without_query(&request.redirect).to_owned();
        let mut tx = self.db.read().await?;
        let paths = tx.named_consent_paths(seat.user(), Some(client.id)).await?;
        let resource = match request.resource {
            Some(server) => {
                let server = tx.client(server.parse()?).await?.ok_or_else(gone)?;
                Some(Resource { audience: server.audience.ok_or_else(gone)?, name: server.name })
            }
            None => None,
        };
        Ok(Asked { client, scopes, resource, returns_to, paths })
    }

    /// Refuses a request. Returns the URL to send the browser to.
    ///
    /// # Errors
    /// As for [`OAuth::asked`].
    pub async fn refuse(&self, seat: &SessionGrant, ticket: &Secret) -> Result<String> {
        let mut tx = self.db.write().await?;
        let row = tx.use_ticket(REQUEST, &tokens::hash(ticket), self.clock.now()).await?.ok_or_else(gone)?;
        let request = of_session(seat, &row.subject)?;
        tx.commit().await?;
        let refusal = [("error", "access_denied"), ("error_description", "the user did not allow it")];
        Ok(request.respond(&self.issuer, &refusal))
    }

    /// Allows a request. `paths` replace what the user gave the application before, if it asks for files. Returns the URL
    /// to send the browser to.
    ///
    /// # Errors
    /// As for [`OAuth::asked`]. Invalid if files are asked for, and none is given; as for [`Access::authorize_path`] for
    /// paths that the user does not have the right for.
    ///
    /// [`Access::authorize_path`]: crate::access::Access::authorize_path
    pub async fn allow(
        &self,
        actor: &Actor,
        seat: &SessionGrant,
        ticket: &Secret,
        paths: &[ChosenPath],
    ) -> Result<String> {
        let asked = self.asked(seat, ticket).await?;
        let given = self.given(actor, asked.scopes, paths).await?;
        let mut tx = self.db.write().await?;
        let row = tx.use_ticket(REQUEST, &tokens::hash(ticket), self.clock.now()).await?.ok_or_else(gone)?;
        let request = of_session(seat, &row.subject)?;
        let (user, client) = (seat.user(), asked.client.id);
        self.put_consent(&mut tx, user, client, &request, &given).await?;
        let code = self.issue_code(&mut tx, user, &request).await?;
        tx.commit().await?;
        Ok(request.respond(&self.issuer, &[("code", code.expose())]))
    }

    /// Checks the files that a user gives to an application that asks for these scopes.
    pub(super) async fn given(
        &self,
        actor: &Actor,
        asked: AppScopes,
        paths: &[ChosenPath],
    ) -> Result<Vec<ConsentPathRow>> {
        let asks_files = asked.has(AppScopes::FILES);
        if asks_files && paths.is_empty() {
            return Err(Error::invalid("choose at least one file, folder or dataset for the application"));
        }
        self.chosen(actor, asks_files, paths).await
    }

    /// Adds what an authorization request asks for to what a user allows an application; see [`OAuth::put_scopes`].
    pub(super) async fn put_consent(
        &self,
        tx: &mut Tx,
        user: Id,
        client: Id,
        request: &AuthorizationRequest,
        given: &[ConsentPathRow],
    ) -> Result<()> {
        let asked = request.scopes.parse::<AppScopes>()?;
        let Some(server) = &request.resource else { return self.put_scopes(tx, user, client, asked, given).await };
        let server = server.parse()?;
        // Scopes at another server open nothing here, and the other way round.
        let before = tx.consent(user, client).await?.map(|row| row.scopes).unwrap_or_default();
        tx.put_consent(self.clock.id(), user, client, &before, self.clock.now()).await?;
        let consent = tx.consent(user, client).await?.ok_or_else(not_connected)?;
        let scopes = scopes_at(tx, user, client, server).await?.with(asked);
        tx.put_consent_resource(consent.id, server, &scopes.to_string()).await?;
        let detail = format!("{scopes} at {server}");
        self.audit(tx, &format!("user:{user}"), "consent.give", &client.to_string(), &detail).await
    }

    /// Adds scopes to what a user allows an application; `given` replaces its files if it asks for some.
    pub(super) async fn put_scopes(
        &self,
        tx: &mut Tx,
        user: Id,
        client: Id,
        asked: AppScopes,
        given: &[ConsentPathRow],
    ) -> Result<()> {
        let now = self.clock.now();
        let before = tx.consent(user, client).await?.map(|row| row.scopes).unwrap_or_default();
        let scopes = before.parse::<AppScopes>()?.with(asked).to_string();
        tx.put_consent(self.clock.id(), user, client, &scopes, now).await?;
        if asked.has(AppScopes::FILES) {
            put_paths(tx, user, client, given, now).await?;
        }
        self.audit(tx, &format!("user:{user}"), "consent.give", &client.to_string(), &scopes).await
    }

    /// Adds a file, folder or dataset to what an application has, and the scopes that it needs for it.
    ///
    /// # Errors
    /// Forbidden if the user does not have the right; conflict if the application has too many.
    pub async fn give_path(
        &self,
        actor: &Actor,
        holder: &AccountGrant,
        client: Id,
        scopes: AppScopes,
        chosen: &ChosenPath,
    ) -> Result<()> {
        let (user, now) = (holder.user(), self.clock.now());
        let mut rows = self.chosen(actor, true, std::slice::from_ref(chosen)).await?;
        let mut tx = self.db.write().await?;
        let before = tx.consent(user, client).await?.map(|row| row.scopes).unwrap_or_default();
        let all = before.parse::<AppScopes>()?.with(scopes).to_string();
        tx.put_consent(self.clock.id(), user, client, &all, now).await?;
        let consent = tx.consent(user, client).await?.ok_or_else(not_connected)?.id;
        let given = tx.consent_paths(consent).await?;
        for row in &mut rows {
            match given.iter().find(|other| other.repo_id == row.repo_id && other.path == row.path) {
                // Opening a file to view it takes nothing away.
                Some(other) => row.right = row.right.max(other.right),
                None if given.len() >= MAX_PATHS => {
                    let why =
                        format!("the app has {MAX_PATHS} files and folders already: remove some on your account page");
                    return Err(Error::conflict(why));
                }
                None => {}
            }
            tx.put_consent_path(consent, row, now).await?;
        }
        let detail = chosen
            .path
            .as_ref()
            .map_or_else(|| chosen.dataset.to_string(), |path| format!("{}/{path}", chosen.dataset));
        self.audit(&mut tx, &format!("user:{user}"), "consent.path", &client.to_string(), &detail).await?;
        tx.commit().await
    }

    /// Checks that the user has the rights that they give to an application.
    async fn chosen(&self, actor: &Actor, may: bool, paths: &[ChosenPath]) -> Result<Vec<ConsentPathRow>> {
        if !may && !paths.is_empty() {
            return Err(Error::invalid("the application does not have the scope `files`"));
        }
        if paths.len() > MAX_PATHS {
            return Err(Error::invalid(format!(
                "an application can have at most {MAX_PATHS} files, folders and datasets"
            )));
        }
        let mut rows = Vec::with_capacity(paths.len());
        for ChosenPath { dataset, path, right } in paths {
            let grant: Grant<Read> = match right {
                ShareRight::Upload => {
                    return Err(Error::invalid("an application can view or edit; use `view` or `edit`"));
                }
                ShareRight::View => self.access.authorize_path(actor, dataset, path.as_ref()).await?,
                ShareRight::Edit => self.access.authorize_path::<Write>(actor, dataset, path.as_ref()).await?.narrow(),
            };
            let path = path.as_ref().map_or("", FilePath::as_str).to_owned();
            rows.push(ConsentPathRow { repo_id: grant.id(), path, right: *right });
        }
        Ok(rows)
    }

    /// Changes what a user allows a connected application; omitted values stay.
    ///
    /// # Errors
    /// Not found if it is not connected; invalid for scopes that it may not ask for; as for [`OAuth::allow`].
    pub async fn change_consent(
        &self,
        actor: &Actor,
        holder: &AccountGrant,
        client: Id,
        scopes: Option<AppScopes>,
        paths: Option<&[ChosenPath]>,
    ) -> Result<ConsentRow> {
        let (user, now) = (holder.user(), self.clock.now());
        let mut tx = self.db.read().await?;
        let row = tx.consent(user, client).await?.filter(ConsentRow::is_given).ok_or_else(not_connected)?;
        let most = tx.client(client).await?.map_or(Ok(AppScopes::default()), |client| client.scopes.parse())?;
        drop(tx);
        let scopes = match scopes {
            Some(scopes) if scopes.is_empty() => {
                return Err(Error::invalid("leave at least one scope, or disconnect the application"));
            }
            Some(scopes) if !most.has(scopes) => {
                return Err(Error::invalid(format!("the application may have only these scopes: {most}")));
            }
            Some(scopes) => scopes,
            None => row.scopes.parse()?,
        };
        let paths = match paths {
            Some(paths) => Some(self.chosen(actor, scopes.has(AppScopes::FILES), paths).await?),
            None => None,
        };
        let mut tx = self.db.write().await?;
        // It may have been disconnected since.
        let row = tx.consent(user, client).await?.filter(ConsentRow::is_given).ok_or_else(not_connected)?;
        tx.put_consent(row.id, user, client, &scopes.to_string(), now).await?;
        if let Some(paths) = &paths {
            put_paths(&mut tx, user, client, paths, now).await?;
        }
        let row = tx.consent(user, client).await?.ok_or_else(not_connected)?;
        self.audit(&mut tx, &format!("user:{user}"), "consent.change", &client.to_string(), &row.scopes).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Returns the files, folders and datasets that a user gave to applications, or to one of them.
    pub async fn paths(&self, user: Id, client: Option<Id>) -> Result<Vec<NamedConsentPathRow>> {
        self.db.read().await?.named_consent_paths(user, client).await
    }

    /// Returns what a user allows applications, or one of them, at other servers.
    pub async fn resources_of(&self, user: Id, client: Option<Id>) -> Result<Vec<ConsentResourceRow>> {
        self.db.read().await?.consent_resources(user, client).await
    }

    /// Returns the applications that a user allows something, by name.
    pub async fn consents(&self, holder: &AccountGrant) -> Result<Vec<ConsentRow>> {
        self.db.read().await?.consents(holder.user()).await
    }

    /// Revokes what a user allows an application. None of its tokens works for that user from now on.
    ///
    /// # Errors
    /// Not found if it was allowed nothing.
    pub async fn revoke_consent(&self, holder: &AccountGrant, client: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !tx.end_consent(holder.user(), client, self.clock.now()).await? {
            return Err(not_connected());
        }
        let by = format!("user:{}", holder.user());
        self.audit(&mut tx, &by, "consent.end", &client.to_string(), "").await?;
        tx.commit().await
    }
}

fn not_connected() -> Error {
    Error::not_found("this application is not connected to your account")
}

async fn put_paths(tx: &mut Tx, user: Id, client: Id, paths: &[ConsentPathRow], now: Millis) -> Result<()> {
    let consent = tx.consent(user, client).await?.ok_or_else(not_connected)?.id;
    tx.clear_consent_paths(consent).await?;
    for path in paths {
        tx.put_consent_path(consent, path, now).await?;
    }
    Ok(())
}

fn of_session(seat: &SessionGrant, subject: &str) -> Result<AuthorizationRequest> {
    let request: AuthorizationRequest = serde_json::from_str(subject).map_err(Error::internal)?;
    let is_own = request.session == seat.session().to_string() && request.user == seat.user().to_string();
    if is_own { Ok(request) } else { Err(gone()) }
}
