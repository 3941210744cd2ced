//! CKAN action API, for files and their versions: the actions that ckanext-authz-service, ckanext-blob-storage and
//! ckanext-versioning add, and the CKAN actions that their clients call. Names, formats and status codes are CKAN's;
//! the semantics are those of this server.

mod action;
mod authorize;
mod changes;
mod download;
mod packages;
mod releases;
mod resources;

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use self::action::{ActionRequest, Answer, Field, ROOT, done, help_of};
use super::http::{RouteGroup, Routes, replace_body};
use crate::error::{Error, ErrorDetails, Kind};

/// The actions and their help texts.
const ACTIONS: &[(&str, &str)] = &[
    (
        "authz_authorize",
        "Returns a signed token for those of the `scopes` that you have access to; `lifetime` is in seconds.",
    ),
    ("authz_public_key", "Returns the public key that verifies these tokens."),
    ("authz_verify", "Verifies a `token` and returns its claims."),
    (
        "dataset_release_create",
        "Creates a release of the newest revision of a `dataset`, with `name` and optional `description`.",
    ),
    ("dataset_release_delete", "Deletes a `release` of a `dataset`. Its revision is kept."),
    (
        "dataset_release_diff",
        "Compares `revision_ref_1` and `revision_ref_2` of the dataset `id`; `diff_type` is unified, context or html.",
    ),
    ("dataset_release_list", "Lists the releases of a `dataset`, oldest first."),
    ("dataset_release_show", "Returns a `release` of a `dataset`."),
    ("dataset_release_update", "Changes the `name` or `description` of a `release` of a `dataset`."),
    ("dataset_revert", "Reverts the metadata of a `dataset` to `revision_ref`, as a new revision."),
    ("get_resource_download_spec", "Returns a temporary download URL for the file of the resource `id`."),
    ("help_show", "Describes the action `name`."),
    ("package_create", "Creates a dataset with `name`, `owner_org` and other metadata."),
    ("package_show", "Returns the dataset `id`, optionally at a `revision_ref`."),
    ("package_update", "Replaces the metadata of the dataset `id`."),
    ("resource_create", "Adds a resource to the dataset `package_id`."),
    ("resource_delete", "Removes the resource `id` from its dataset."),
    ("resource_show", "Returns the resource `id`, optionally at a `revision_ref`."),
    ("resource_update", "Replaces the metadata of the resource `id`."),
];

/// The actions. Clients written in Python send a body separately, after the head; others are pages.
const ACTION: RouteGroup = RouteGroup {
    render_error,
    is_below: |path| path.starts_with(ROOT),
    is_open: true,
    sends_body_later: true,
    ..RouteGroup::DEFAULT
};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = download::routes(routes);
    let routes = routes.group(ACTION).add(Method::GET, "/api/3/action/help_show", help);
    let routes = authorize::routes(routes);
    let routes = releases::routes(routes);
    let routes = packages::routes(routes);
    let routes = resources::routes(routes);
    // The key is that of an action, too.
    authorize::key_route(routes.group(RouteGroup { is_open: true, ..RouteGroup::DEFAULT }))
}

async fn help(asked: ActionRequest) -> Answer {
    let name = asked.required("name")?;
    let found = ACTIONS.iter().find(|(known, _)| *known == name);
    let (_, help) = found.ok_or_else(|| Error::not_found(format!("unknown action `{}`", name.escape_debug())))?;
    Ok(done("help_show", help))
}

/// Builds the response envelope of an error. CKAN clients distinguish three errors, each with its own status code.
fn render_error(route: &str, details: &ErrorDetails, response: &mut Response) {
    let action = route.strip_prefix(ROOT).unwrap_or_default();
    let field = response.extensions().get().map(|Field(field)| *field);
    let (status, kind) = match details.kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not Found Error"),
        Kind::Unauthenticated | Kind::Forbidden => (StatusCode::FORBIDDEN, "Authorization Error"),
        Kind::Invalid | Kind::Unchanged | Kind::Conflict | Kind::Precondition => {
            (StatusCode::CONFLICT, "Validation Error")
        }
        other => (other.status(), other.status().canonical_reason().unwrap_or_default()),
    };
    let mut error = json!({ "__type": kind, "message": details.detail });
    if let Some(field) = field {
        error[field] = json!([details.detail]);
    }
    let body = json!({
        "help": help_of(action), "success": false, "error": error, "request_id": crate::request::id(),
    });
    *response.status_mut() = status;
    response.headers_mut().remove(header::WWW_AUTHENTICATE);
    replace_body(response, "application/json", body.to_string());
}
