//! `/api/v1/admin`: users, figures, jobs, stores and the audit trail, for those who administer the site.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::organisations::InvitationItem;
use super::shapes;
use super::{Body, Here, Items, Page, Parameters, Segments, known_id};
use crate::access::Administrator;
use crate::accounts::admin::{AuditQuery, AuditRow, JobRow, KnownUserRow, UserChange};
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{Email, Id, Millis, OwnerKind, OwnerName};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(users))
        .document(routes!(change_user))
        .document(routes!(reset))
        .document(routes!(invitations, invite))
        .document(routes!(withdraw))
        .document(routes!(usage))
        .document(routes!(jobs))
        .document(routes!(run_job))
        .document(routes!(stores))
        .document(routes!(audit))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Sought {
    /// In a name or the address, whatever the case.
    q: Option<String>,
}

/// A user, as administrators see them.
#[derive(Serialize, ToSchema)]
struct KnownUser {
    /// Name of the user.
    name: String,
    /// E-mail address.
    email: String,
    /// As the user wants to be called; null unless said.
    display_name: Option<String>,
    /// Whether they administer the site.
    admin: bool,
    /// Whether nothing is allowed any more.
    suspended: bool,
    /// When the account was made (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When a token or a session was used last (RFC 3339), to the minute; null if none ever was.
    #[schema(format = DateTime)]
    last_used: Option<String>,
    /// Bytes that their datasets hold, in Git LFS and in git.
    bytes: u64,
    /// How many datasets they own.
    datasets: u64,
}

impl From<KnownUserRow> for KnownUser {
    fn from(row: KnownUserRow) -> Self {
        let last_used = row.token_used_at.max(row.session_used_at);
        Self {
            display_name: Some(row.display_name).filter(|name| !name.is_empty()),
            name: row.name,
            email: row.email,
            admin: row.admin,
            suspended: row.suspended_at.is_some(),
            created: row.created_at.rfc3339(),
            last_used: last_used.map(Millis::rfc3339),
            bytes: unsigned(row.bytes),
            datasets: unsigned(row.datasets),
        }
    }
}

/// What is to change of a user; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserUpdate {
    /// Whether nothing is allowed: tokens and sessions are refused at once.
    suspended: Option<bool>,
    /// Whether they administer the site.
    admin: Option<bool>,
}

/// Somebody who is to be asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSiteInvitation {
    /// Where the letter goes.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
}

/// How much there is on the site.
#[derive(Serialize, ToSchema)]
struct SiteUsage {
    /// People with an account.
    users: u64,
    /// Organisations.
    organisations: u64,
    /// Datasets.
    datasets: u64,
    /// Objects that datasets hold in Git LFS; each counts for every dataset.
    objects: u64,
    /// Their bytes.
    bytes: u64,
    /// The 100 owners whose datasets hold most, the largest first.
    items: Vec<OwnerUsage>,
}

/// What the datasets of an owner hold.
#[derive(Serialize, ToSchema)]
struct OwnerUsage {
    /// Name of the owner.
    owner: String,
    /// A person or an organisation.
    kind: OwnerKind,
    /// How many datasets.
    datasets: u64,
    /// Their bytes, in Git LFS and in git.
    bytes: u64,
    /// How many bytes they may hold together; null for as much as there is room.
    quota_bytes: Option<u64>,
}

/// Something that is to be done in the background.
#[derive(Serialize, ToSchema)]
struct Job {
    /// Stable id.
    id: String,
    /// What is to be done.
    kind: String,
    /// With what; empty for what is done again and again.
    subject: String,
    /// When it is due; of one that is being done, when that began (RFC 3339).
    #[schema(format = DateTime)]
    run_at: String,
    /// How often it was begun.
    attempts: u64,
    /// Whether it is being done.
    running: bool,
    /// Why it failed the last time, if it did.
    last_error: Option<String>,
}

/// What a store keeps.
#[derive(Serialize, ToSchema)]
struct StoreUsage {
    /// What it is called.
    name: String,
    /// `folder`, or the kind of bucket: `s3`, `gs`, `az`.
    kind: String,
    /// How many objects.
    objects: u64,
    /// Their bytes.
    bytes: u64,
    /// Objects whose hash is still to be checked.
    unproven: u64,
    /// Objects that were found to be damaged.
    quarantined: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// In what was done with what, whatever the case.
    q: Option<String>,
    /// Who: the name of a user, or `operator`.
    actor: Option<String>,
    /// What was done, such as `token.add`, or the first part of several, such as `token`.
    action: Option<String>,
    /// Not before then (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Before then (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
}

/// A line of the audit trail.
#[derive(Serialize, ToSchema)]
struct AuditLine {
    /// Stable id.
    id: String,
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// Who: the name of a user, or `operator`, or who it is to an issuer of tokens.
    actor: String,
    /// What was done.
    action: String,
    /// With what.
    subject: String,
    /// How.
    detail: String,
    /// In which request, to be found in the server's log; null for what was no request.
    request: Option<String>,
}

impl From<AuditRow> for AuditLine {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id.to_string(),
            at: row.at.rfc3339(),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
            request: Some(row.request_id).filter(|id| !id.is_empty()),
        }
    }
}

/// Lists users by name.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "administration", params(Sought, Page),
    responses((status = 200, description = "The users.", body = Items<KnownUser>)))]
async fn users(
    State(app): State<App>,
    admin: Administrator,
    Parameters(sought): Parameters<Sought>,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let limit = page.limit()?;
    let (text, after) = (sought.q.unwrap_or_default(), page.cursor().unwrap_or_default());
    let mut found = app.accounts.known_users(&admin, &text, after, limit + 1).await?;
    let next = cut(&mut found, limit).map(|last| last.name.clone());
    Ok(here.page(found.into_iter().map(KnownUser::from).collect(), next))
}

/// Suspends a user or ends that; makes an administrator or ends that.
#[utoipa::path(patch, path = "/api/v1/admin/users/{user}", tag = "administration",
    params(("user" = String, Path, description = "Name of the user.")), request_body = UserUpdate,
    responses((status = 204, description = "It is so."), (status = 409, description = "It is the last administrator.")))]
async fn change_user(
    State(app): State<App>,
    admin: Administrator,
    segments: Segments,
    Body(asked): Body<UserUpdate>,
) -> Result<StatusCode> {
    let change = UserChange { suspended: asked.suspended, admin: asked.admin };
    app.accounts.change_user(&admin, &user(&segments)?, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a user a letter with a link to choose a new password.
#[utoipa::path(post, path = "/api/v1/admin/users/{user}/reset", tag = "administration",
    params(("user" = String, Path, description = "Name of the user.")),
    responses((status = 202, description = "The letter will be sent.")))]
async fn reset(State(app): State<App>, admin: Administrator, segments: Segments) -> Result<StatusCode> {
    app.accounts.offer_reset(&admin, &user(&segments)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lists the invitations to the site that are open.
#[utoipa::path(get, path = "/api/v1/admin/invitations", tag = "administration",
    responses((status = 200, description = "The invitations.", body = Items<InvitationItem>)))]
async fn invitations(State(app): State<App>, admin: Administrator) -> Result<Json<Items<InvitationItem>>> {
    let found = app.accounts.invitations_to_site(&admin).await?;
    Ok(Json(Items { items: found.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Asks somebody to make an account, by a letter.
#[utoipa::path(post, path = "/api/v1/admin/invitations", tag = "administration", request_body = NewSiteInvitation,
    responses((status = 201, description = "The invitation.", body = InvitationItem)))]
async fn invite(
    State(app): State<App>,
    admin: Administrator,
    Body(new): Body<NewSiteInvitation>,
) -> Result<(StatusCode, Json<InvitationItem>)> {
    let email: Email = new.email.parse()?;
    let invited = app.accounts.invite_to_site(&admin, &email).await?;
    Ok((StatusCode::CREATED, Json(invited.into())))
}

/// Withdraws an invitation to the site: its link is good no more.
#[utoipa::path(delete, path = "/api/v1/admin/invitations/{id}", tag = "administration",
    params(("id" = String, Path, description = "Of the invitation.")),
    responses((status = 204, description = "It is withdrawn.")))]
async fn withdraw(State(app): State<App>, admin: Administrator, segments: Segments) -> Result<StatusCode> {
    app.accounts.withdraw_to_site(&admin, known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells how much there is on the site, and whose datasets hold most.
#[utoipa::path(get, path = "/api/v1/admin/usage", tag = "administration",
    responses((status = 200, description = "How much there is.", body = SiteUsage)))]
async fn usage(State(app): State<App>, admin: Administrator) -> Result<Json<SiteUsage>> {
    let (totals, owners) = app.accounts.totals(&admin).await?;
    let items = owners.into_iter().map(|row| OwnerUsage {
        owner: row.owner,
        kind: row.kind,
        quota_bytes: app.storage.quota_of_owner(row.kind, row.quota_bytes),
        datasets: unsigned(row.datasets),
        bytes: unsigned(row.bytes),
    });
    Ok(Json(SiteUsage {
        users: unsigned(totals.users),
        organisations: unsigned(totals.organisations),
        datasets: unsigned(totals.datasets),
        objects: unsigned(totals.objects),
        bytes: unsigned(totals.bytes),
        items: items.collect(),
    }))
}

/// Lists what is to be done in the background, in the order in which it is due.
#[utoipa::path(get, path = "/api/v1/admin/jobs", tag = "administration", params(Page),
    responses((status = 200, description = "The jobs.", body = Items<Job>)))]
async fn jobs(
    State(app): State<App>,
    admin: Administrator,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let limit = page.limit()?;
    let after = page.cursor().map(moment_and_id).transpose()?;
    let mut found = app.accounts.jobs(&admin, after, limit + 1).await?;
    let next = cut(&mut found, limit).map(|last| format!("{}.{}", last.run_at.0, last.id));
    let job = |row: JobRow| Job {
        running: app.accounts.is_running(&row),
        id: row.id,
        kind: row.kind,
        subject: row.subject,
        run_at: row.run_at.rfc3339(),
        attempts: unsigned(row.attempts),
        last_error: row.last_error.filter(|error| !error.is_empty()),
    };
    Ok(here.page(found.into_iter().map(job).collect(), next))
}

/// Has a job done as soon as somebody is free.
#[utoipa::path(post, path = "/api/v1/admin/jobs/{id}/run", tag = "administration",
    params(("id" = String, Path, description = "Of the job.")),
    responses((status = 204, description = "It is due."), (status = 409, description = "It is being done.")))]
async fn run_job(State(app): State<App>, admin: Administrator, segments: Segments) -> Result<StatusCode> {
    app.accounts.run_job(&admin, known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells what each store keeps.
#[utoipa::path(get, path = "/api/v1/admin/stores", tag = "administration",
    responses((status = 200, description = "The stores.", body = Items<StoreUsage>)))]
async fn stores(State(app): State<App>, admin: Administrator) -> Result<Json<Items<StoreUsage>>> {
    let kept = app.accounts.store_totals(&admin).await?;
    let items = app.storage.stores().into_iter().map(|(name, place)| {
        let kept = kept.iter().find(|row| row.store == name);
        let kind = place.split_once("://").map_or("folder", |(kind, _)| kind).to_owned();
        StoreUsage {
            name,
            kind,
            objects: kept.map_or(0, |row| unsigned(row.objects)),
            bytes: kept.map_or(0, |row| unsigned(row.bytes)),
            unproven: kept.map_or(0, |row| unsigned(row.unproven)),
            quarantined: kept.map_or(0, |row| unsigned(row.quarantined)),
        }
    });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Searches the audit trail, the newest lines first.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "administration", params(Wanted, Page),
    responses((status = 200, description = "The lines.", body = Items<AuditLine>)))]
async fn audit(
    State(app): State<App>,
    admin: Administrator,
    Parameters(wanted): Parameters<Wanted>,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let limit = page.limit()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let query = AuditQuery {
        text: wanted.q.unwrap_or_default(),
        actor: given(wanted.actor),
        action: given(wanted.action),
        since: given(wanted.since).map(|text| time("since", &text)).transpose()?,
        until: given(wanted.until).map(|text| time("until", &text)).transpose()?,
        before: page.cursor().map(moment_and_id).transpose()?,
    };
    let mut found = app.accounts.audit_trail(&admin, query, limit + 1).await?;
    let next = cut(&mut found, limit).map(|last| format!("{}.{}", last.at.0, last.id));
    Ok(here.page(found.into_iter().map(AuditLine::from).collect(), next))
}

/// Shortens what was found by one more than wanted; gives the last one then, behind which there is more.
fn cut<T>(found: &mut Vec<T>, limit: usize) -> Option<&T> {
    if found.len() <= limit {
        return None;
    }
    found.truncate(limit);
    found.last()
}

fn moment_and_id(cursor: &str) -> Result<(Millis, Id)> {
    let (at, id) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
    let at = at.parse().map(Millis).map_err(|_| Page::bad_cursor())?;
    Ok((at, id.parse().map_err(|_| Page::bad_cursor())?))
}

fn time(name: &str, text: &str) -> Result<Millis> {
    text.parse()
        .map_err(|_: Error| Error::invalid(format!("`{name}` is a time, such as 2026-01-31T12:00:00Z, or a day")))
}

fn user(segments: &Segments) -> Result<OwnerName> {
    let name = segments.get("user");
    name.parse().map_err(|_| Error::not_found(format!("there is no user `{}`", name.escape_debug())))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
