//! CKAN action API, for files and their versions: the actions that ckanext-authz-service, ckanext-blob-storage and
//! ckanext-versioning add, and the CKAN actions that their clients call. Names, formats and status codes are CKAN's;
//! the semantics are those of this server.

mod authorize;
mod changes;
mod download;
mod packages;
mod releases;
mod resources;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use serde_json::{Value, json};

use super::Routes;
use super::api::Body;
use super::extract::AuthedActor;
use crate::access::{DatasetGrant, Right};
use crate::app::App;
use crate::datasets::ckan::Record;
use crate::error::{Error, ErrorDetails, Kind, Result};

const ROOT: &str = "/api/3/action/";

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

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.add(Method::GET, "/api/3/action/help_show", help);
    let routes = authorize::routes(routes);
    let routes = releases::routes(routes);
    let routes = packages::routes(routes);
    let routes = resources::routes(routes);
    download::routes(routes)
}

/// Returns the action of a URL; an empty name if the action is unknown.
pub(super) fn action(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix(ROOT)?;
    Some(ACTIONS.iter().find(|(known, _)| *known == name).map_or("", |(known, _)| known))
}

async fn help(asked: ActionRequest) -> Answer {
    let name = asked.required("name")?;
    let found = ACTIONS.iter().find(|(known, _)| *known == name);
    let (_, help) = found.ok_or_else(|| Error::not_found(format!("unknown action `{}`", name.escape_debug())))?;
    Ok(done("help_show", help))
}

fn help_of(action: &str) -> String {
    format!("{ROOT}help_show?name={action}")
}

/// Builds the response envelope of a successful call.
fn done(action: &str, result: impl serde::Serialize) -> Response {
    Json(json!({ "help": help_of(action), "success": true, "result": json!(result) })).into_response()
}

/// The field that caused an error, passed on to [`render_error`].
#[derive(Clone, Copy)]
struct Field(&'static str);

/// Builds the response envelope of an error. CKAN clients distinguish three errors, each with its own status code.
pub(super) fn render_error(action: &str, details: &ErrorDetails, response: &mut Response) {
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
    *response.body_mut() = Json(body).into_response().into_body();
    let headers = response.headers_mut();
    headers.remove(header::WWW_AUTHENTICATE);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// An error and the field that caused it.
struct Failure {
    error: Error,
    field: Option<&'static str>,
}

/// The result of a handler.
type Answer<T = Response> = Result<T, Failure>;

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), field: None }
    }
}

impl Failure {
    /// Attributes an error to a field, if the request was invalid.
    fn of(field: &'static str) -> impl Fn(Error) -> Self {
        move |error| {
            let is_wrong =
                matches!(error.kind(), Kind::Invalid | Kind::Unchanged | Kind::Conflict | Kind::Precondition);
            Self { error, field: is_wrong.then_some(field) }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(field) = self.field {
            response.extensions_mut().insert(Field(field));
        }
        response
    }
}

/// The parameters of an action: a JSON object in the body, or the query string of a GET.
struct ActionRequest(Record);

impl FromRequest<App> for ActionRequest {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let query = form_urlencoded::parse(query).into_owned().filter(|(key, _)| key != "jwt");
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(Self(query.map(|(key, value)| (key, Value::String(value))).collect()));
        }
        let beside: Option<(String, String)> = query.into_iter().find(|(key, _)| key == "revision_ref");
        let is_empty = request.body().size_hint().exact() == Some(0);
        let Body(mut fields) =
            if is_empty { Body(Record::new()) } else { Body::<Record>::from_request(request, app).await? };
        if let Some((key, value)) = beside {
            fields.entry(key).or_insert_with(|| value.into());
        }
        Ok(Self(fields))
    }
}

impl ActionRequest {
    /// Returns an optional string; an empty string counts as absent.
    fn optional(&self, field: &'static str) -> Answer<Option<&str>> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Failure::of(field)(Error::invalid(format!("`{field}` must be a string")))),
        }
    }

    /// Returns a required string.
    fn required(&self, field: &'static str) -> Answer<&str> {
        self.optional(field)?.ok_or_else(|| Failure::of(field)(Error::invalid(format!("Missing value: `{field}`"))))
    }

    /// Returns a boolean: a JSON value, or a word for one.
    fn switch(&self, field: &'static str) -> Answer<Option<bool>> {
        let wrong = || Failure::of(field)(Error::invalid(format!("`{field}` must be true or false")));
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "" => Ok(None),
                "true" | "yes" | "on" | "t" | "y" | "1" => Ok(Some(true)),
                "false" | "no" | "off" | "f" | "n" | "0" => Ok(Some(false)),
                _ => Err(wrong()),
            },
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Some(true)),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Some(false)),
            Some(_) => Err(wrong()),
        }
    }

    /// Returns the dataset that a field names: `OWNER/NAME`, its id, or its name alone if that is unambiguous.
    async fn dataset<R: Right>(&self, app: &App, caller: &AuthedActor, field: &'static str) -> Answer<DatasetGrant<R>> {
        let name = self.required(field)?;
        app.access.authorize_named(&caller.actor, name).await.map_err(Failure::of(field))
    }
}
