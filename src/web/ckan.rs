//! CKAN's action API, as far as files and their versions go: what ckanext-authz-service, ckanext-blob-storage and
//! ckanext-versioning add to it, and the calls of CKAN itself that their clients make. Names, shapes and statuses are
//! theirs; what they mean is ours.

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
use super::extract::Caller;
use crate::access::{Grant, Right};
use crate::app::App;
use crate::drive::ckan::Record;
use crate::error::{Error, Kind, Result, Told};

const ROOT: &str = "/api/3/action/";

/// The actions, and what each does.
const ACTIONS: &[(&str, &str)] = &[
    ("authz_authorize", "Gives a signed token for those of the `scopes` that you may have; `lifetime` in seconds."),
    ("authz_public_key", "Shows the public key of such tokens."),
    ("authz_verify", "Says whether a `token` is good, and what is in it."),
    ("dataset_release_create", "Names the newest revision of a `dataset`: `name`, and perhaps `description`."),
    ("dataset_release_delete", "Removes a `release` of a `dataset`. What it named stays."),
    (
        "dataset_release_diff",
        "Compares `revision_ref_1` and `revision_ref_2` of the dataset `id`; `diff_type` is unified, context or html.",
    ),
    ("dataset_release_list", "Lists the releases of a `dataset`, the oldest first."),
    ("dataset_release_show", "Shows a `release` of a `dataset`."),
    ("dataset_release_update", "Gives a `release` of a `dataset` another `name` or `description`."),
    ("dataset_revert", "Makes the metadata of a `dataset` what it was at `revision_ref`, as a new revision."),
    ("get_resource_download_spec", "Tells where the file of the resource `id` is to be had, for some minutes."),
    ("help_show", "Says what the action `name` does."),
    ("package_create", "Makes a dataset: `name`, `owner_org`, and what else it says of itself."),
    ("package_show", "Shows the dataset `id`, perhaps at a `revision_ref`."),
    ("package_update", "Replaces what the dataset `id` says of itself."),
    ("resource_create", "Adds a resource to the dataset `package_id`."),
    ("resource_delete", "Takes the resource `id` out of its dataset."),
    ("resource_show", "Shows the resource `id`, perhaps at a `revision_ref`."),
    ("resource_update", "Replaces what the resource `id` says of itself."),
];

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.add(Method::GET, "/api/3/action/help_show", help);
    let routes = authorize::routes(routes);
    let routes = releases::routes(routes);
    let routes = packages::routes(routes);
    let routes = resources::routes(routes);
    download::routes(routes)
}

/// The action whose URL it is; an empty name for one that there is not.
pub(super) fn action(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix(ROOT)?;
    Some(ACTIONS.iter().find(|(known, _)| *known == name).map_or("", |(known, _)| known))
}

async fn help(asked: Asked) -> Answer {
    let name = asked.required("name")?;
    let found = ACTIONS.iter().find(|(known, _)| *known == name);
    let (_, help) = found.ok_or_else(|| Error::not_found(format!("there is no action `{}`", name.escape_debug())))?;
    Ok(done("help_show", help))
}

fn help_of(action: &str) -> String {
    format!("{ROOT}help_show?name={action}")
}

/// The envelope of what succeeded.
fn done(action: &str, result: impl serde::Serialize) -> Response {
    Json(json!({ "help": help_of(action), "success": true, "result": json!(result) })).into_response()
}

/// The field that a failure is about, on its way to [`tell`].
#[derive(Clone, Copy)]
struct Field(&'static str);

/// The envelope of what failed. CKAN has three errors that its clients tell apart, with statuses of their own.
pub(super) fn tell(action: &str, told: &Told, response: &mut Response) {
    let field = response.extensions().get().map(|Field(field)| *field);
    let (status, kind) = match told.kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not Found Error"),
        Kind::Unauthenticated | Kind::Forbidden => (StatusCode::FORBIDDEN, "Authorization Error"),
        Kind::Invalid | Kind::Conflict | Kind::Precondition => (StatusCode::CONFLICT, "Validation Error"),
        other => (other.status(), other.status().canonical_reason().unwrap_or_default()),
    };
    let mut error = json!({ "__type": kind, "message": told.detail });
    if let Some(field) = field {
        error[field] = json!([told.detail]);
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

/// A failure, and the field that is to blame.
struct Failure {
    error: Error,
    field: Option<&'static str>,
}

/// What a handler answers.
type Answer<T = Response> = Result<T, Failure>;

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), field: None }
    }
}

impl Failure {
    /// Of this field, if the request is what is wrong.
    fn of(field: &'static str) -> impl Fn(Error) -> Self {
        move |error| {
            let is_wrong = matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Precondition);
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

/// What is asked of an action: a JSON object in the body, or the query of a GET.
struct Asked(Record);

impl FromRequest<App> for Asked {
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

impl Asked {
    /// A text that may be left out; an empty one is.
    fn optional(&self, field: &'static str) -> Answer<Option<&str>> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Failure::of(field)(Error::invalid(format!("`{field}` must be a text")))),
        }
    }

    /// A text that must be there.
    fn required(&self, field: &'static str) -> Answer<&str> {
        self.optional(field)?.ok_or_else(|| Failure::of(field)(Error::invalid(format!("Missing value: `{field}`"))))
    }

    /// A switch: JSON's, or a word for it.
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

    /// The dataset that a field names: `OWNER/NAME`, its id, or its name alone where that is enough.
    async fn dataset<R: Right>(&self, app: &App, caller: &Caller, field: &'static str) -> Answer<Grant<R>> {
        let name = self.required(field)?;
        app.access.authorize_named(&caller.actor, name).await.map_err(Failure::of(field))
    }
}
