//! `/api/v1/admin`: users, statistics, background jobs, stores and the audit log, for site administrators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, Items, Page, PageUrl, known_id};
use super::organisations::InvitationItem;
use super::shapes;
use crate::access::AdminGrant;
use crate::accounts::admin::{AuditQuery, AuditRow, JobRow, KnownUserRow, UserChange};
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{Email, Id, Millis, OwnerKind, OwnerName};
use crate::web::http::{Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(users))
        .document(routes!(change_user))
        .document(routes!(reset))
        .document(routes!(remove_factors))
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
struct UserQuery {
    /// Search text, matched against name and e-mail address. Case-insensitive.
    q: Option<String>,
}

/// A user, as seen by administrators.
#[derive(Serialize, ToSchema)]
struct KnownUser {
    /// The user name.
    name: String,
    /// The e-mail address.
    email: String,
    /// The display name; null if not set.
    display_name: Option<String>,
    /// True if the user is a site administrator.
    admin: bool,
    /// True if the account is suspended.
    suspended: bool,
    /// True if two-factor authentication is on.
    second_factor: bool,
    /// When the account was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When a token or a session of the user was last used (RFC 3339), to the minute; null if never.
    #[schema(format = DateTime)]
    last_used: Option<String>,
    /// Storage used by the user's datasets in bytes, Git LFS objects and git packs together.
    bytes: u64,
    /// The number of datasets that the user owns.
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
            second_factor: row.second_factor_at.is_some(),
            created: row.created_at.rfc3339(),
            last_used: last_used.map(Millis::rfc3339),
            bytes: unsigned(row.bytes),
            datasets: unsigned(row.datasets),
        }
    }
}

/// Changes to a user. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserUpdate {
    /// True to suspend the account: all its tokens and sessions are rejected immediately.
    suspended: Option<bool>,
    /// True to make the user a site administrator.
    admin: Option<bool>,
}

/// An invitation to the site.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSiteInvitation {
    /// The e-mail address to send the invitation to.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
}

/// Usage of the whole site.
#[derive(Serialize, ToSchema)]
struct SiteUsage {
    /// The number of user accounts.
    users: u64,
    /// The number of organisations.
    organisations: u64,
    /// The number of datasets.
    datasets: u64,
    /// The number of Git LFS objects that datasets hold. An object in several datasets counts once for each of them.
    objects: u64,
    /// The total size of these objects in bytes.
    bytes: u64,
    /// The bytes that all data takes in the stores: an object in several datasets counts once, and versions that are packed
    /// count with their difference.
    stored_bytes: u64,
    /// The 100 owners whose datasets use the most storage, largest first.
    items: Vec<OwnerUsage>,
}

/// Storage used by the datasets of an owner.
#[derive(Serialize, ToSchema)]
struct OwnerUsage {
    /// The name of the owner.
    owner: String,
    /// The type of the owner: a user or an organisation.
    kind: OwnerKind,
    /// The number of datasets.
    datasets: u64,
    /// Storage used in bytes, Git LFS objects and git packs together.
    bytes: u64,
    /// The storage quota of the owner in bytes; null if unlimited.
    quota_bytes: Option<u64>,
}

/// A background job.
#[derive(Serialize, ToSchema)]
struct Job {
    /// The id of the job.
    id: String,
    /// The kind of job.
    kind: String,
    /// What the job works on; empty for periodic jobs.
    subject: String,
    /// When the job is due or, if it is running, when it started (RFC 3339).
    #[schema(format = DateTime)]
    run_at: String,
    /// The number of times that the job was started.
    attempts: u64,
    /// True if the job is running.
    running: bool,
    /// The error of the last attempt, if it failed.
    last_error: Option<String>,
}

/// Usage of a store.
#[derive(Serialize, ToSchema)]
struct StoreUsage {
    /// The name of the store.
    name: String,
    /// `folder`, or the type of bucket: `s3`, `gs` or `az`.
    kind: String,
    /// The number of objects.
    objects: u64,
    /// Their total size in bytes.
    bytes: u64,
    /// The bytes that they take: versions that are packed count with their difference.
    stored_bytes: u64,
    /// The number of objects whose hash has not been verified yet.
    unproven: u64,
    /// The number of quarantined objects: those found to be damaged.
    quarantined: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditParameters {
    /// Search text, matched against subject and details. Case-insensitive.
    q: Option<String>,
    /// Only events of this actor: a user name, or `operator`.
    actor: Option<String>,
    /// Only events of this action, such as `token.add`, or with this prefix, such as `token`.
    action: Option<String>,
    /// Only events at or after this time (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only events before this time (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
}

/// An event in the audit log.
#[derive(Serialize, ToSchema)]
struct AuditLine {
    /// The id of the event.
    id: String,
    /// The time of the event (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// The actor: a user name, `operator`, or the subject that an external token issuer named.
    actor: String,
    /// The action.
    action: String,
    /// What the action was performed on.
    subject: String,
    /// Details of the action.
    detail: String,
    /// The id of the request, as in the server's log; null if the event was not caused by a request.
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
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "administration", params(UserQuery, Page),
    responses((status = 200, description = "The users.", body = Items<KnownUser>)))]
async fn users(
    State(app): State<App>,
    admin: AdminGrant,
    Parameters(sought): Parameters<UserQuery>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = page.limit()?;
    let (text, after) = (sought.q.unwrap_or_default(), page.cursor().unwrap_or_default());
    let mut found = app.accounts.known_users(&admin, &text, after, limit + 1).await?;
    let next = cut(&mut found, limit).map(|last| last.name.clone());
    Ok(here.page(found.into_iter().map(KnownUser::from).collect(), next))
}

/// Suspends or unsuspends a user, and grants or revokes administrator rights.
#[utoipa::path(patch, path = "/api/v1/admin/users/{user}", tag = "administration",
    params(("user" = String, Path, description = "The user name.")), request_body = UserUpdate,
    responses((status = 204, description = "The user was updated."),
        (status = 409, description = "The user is the last administrator.")))]
async fn change_user(
    State(app): State<App>,
    admin: AdminGrant,
    segments: Segments,
    Body(asked): Body<UserUpdate>,
) -> Result<StatusCode> {
    let change = UserChange { suspended: asked.suspended, admin: asked.admin };
    app.accounts.change_user(&admin, &user(&segments)?, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a password reset e-mail to a user.
#[utoipa::path(post, path = "/api/v1/admin/users/{user}/reset", tag = "administration",
    params(("user" = String, Path, description = "The user name.")),
    responses((status = 202, description = "The e-mail has been queued.")))]
async fn reset(State(app): State<App>, admin: AdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.offer_reset(&admin, &user(&segments)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Turns two-factor authentication off for a user who lost the device and the recovery codes. The user is notified.
#[utoipa::path(delete, path = "/api/v1/admin/users/{user}/factors", tag = "administration",
    params(("user" = String, Path, description = "The user name.")),
    responses((status = 204, description = "Two-factor authentication is off."),
        (status = 409, description = "It is the caller's own account.")))]
async fn remove_factors(State(app): State<App>, admin: AdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.remove_factor_of(&admin, &user(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists pending invitations to the site.
#[utoipa::path(get, path = "/api/v1/admin/invitations", tag = "administration",
    responses((status = 200, description = "The pending invitations.", body = Items<InvitationItem>)))]
async fn invitations(State(app): State<App>, admin: AdminGrant) -> Result<Json<Items<InvitationItem>>> {
    let found = app.accounts.invitations_to_site(&admin).await?;
    Ok(Json(Items { items: found.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Invites someone by e-mail to create an account.
#[utoipa::path(post, path = "/api/v1/admin/invitations", tag = "administration", request_body = NewSiteInvitation,
    responses((status = 201, description = "The invitation.", body = InvitationItem)))]
async fn invite(
    State(app): State<App>,
    admin: AdminGrant,
    Body(new): Body<NewSiteInvitation>,
) -> Result<(StatusCode, Json<InvitationItem>)> {
    let email: Email = new.email.parse()?;
    let invited = app.accounts.invite_to_site(&admin, &email).await?;
    Ok((StatusCode::CREATED, Json(invited.into())))
}

/// Revokes an invitation to the site. Its link stops working.
#[utoipa::path(delete, path = "/api/v1/admin/invitations/{id}", tag = "administration",
    params(("id" = String, Path, description = "The id of the invitation.")),
    responses((status = 204, description = "The invitation was revoked.")))]
async fn withdraw(State(app): State<App>, admin: AdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.withdraw_to_site(&admin, known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the usage of the site, and the owners whose datasets use the most storage.
#[utoipa::path(get, path = "/api/v1/admin/usage", tag = "administration",
    responses((status = 200, description = "The usage of the site.", body = SiteUsage)))]
async fn usage(State(app): State<App>, admin: AdminGrant) -> Result<Json<SiteUsage>> {
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
        stored_bytes: unsigned(totals.stored_bytes),
        items: items.collect(),
    }))
}

/// Lists background jobs in the order in which they are due.
#[utoipa::path(get, path = "/api/v1/admin/jobs", tag = "administration", params(Page),
    responses((status = 200, description = "The jobs.", body = Items<Job>)))]
async fn jobs(
    State(app): State<App>,
    admin: AdminGrant,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
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

/// Schedules a job to run as soon as possible.
#[utoipa::path(post, path = "/api/v1/admin/jobs/{id}/run", tag = "administration",
    params(("id" = String, Path, description = "The id of the job.")),
    responses((status = 204, description = "The job was scheduled."),
        (status = 409, description = "The job is already running.")))]
async fn run_job(State(app): State<App>, admin: AdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.run_job(&admin, known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the usage of each store.
#[utoipa::path(get, path = "/api/v1/admin/stores", tag = "administration",
    responses((status = 200, description = "The stores.", body = Items<StoreUsage>)))]
async fn stores(State(app): State<App>, admin: AdminGrant) -> Result<Json<Items<StoreUsage>>> {
    let kept = app.accounts.store_totals(&admin).await?;
    let items = app.storage.stores().into_iter().map(|(name, place)| {
        let kept = kept.iter().find(|row| row.store == name);
        let kind = place.split_once("://").map_or("folder", |(kind, _)| kind).to_owned();
        StoreUsage {
            name,
            kind,
            objects: kept.map_or(0, |row| unsigned(row.objects)),
            bytes: kept.map_or(0, |row| unsigned(row.bytes)),
            stored_bytes: kept.map_or(0, |row| unsigned(row.stored_bytes)),
            unproven: kept.map_or(0, |row| unsigned(row.unproven)),
            quarantined: kept.map_or(0, |row| unsigned(row.quarantined)),
        }
    });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Searches the audit log, newest events first.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "administration", params(AuditParameters, Page),
    responses((status = 200, description = "The events.", body = Items<AuditLine>)))]
async fn audit(
    State(app): State<App>,
    admin: AdminGrant,
    Parameters(wanted): Parameters<AuditParameters>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
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

/// Truncates `found`, which was fetched with one item more than `limit`. Returns the last item kept if there are more.
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
        .map_err(|_: Error| Error::invalid(format!("`{name}` must be a time, such as 2026-01-31T12:00:00Z, or a date")))
}

fn user(segments: &Segments) -> Result<OwnerName> {
    let name = segments.get("user");
    name.parse().map_err(|_| Error::not_found(format!("there is no user `{}`", name.escape_debug())))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
