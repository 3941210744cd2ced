//! Calls of actions: their parameters, responses and errors.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use serde_json::{Value, json};

use crate::access::{DatasetGrant, Right};
use crate::app::App;
use crate::datasets::ckan::Record;
use crate::error::{Error, Kind, Result};
use crate::web::http::AuthedActor;
use crate::web::http::json::Body;

pub(super) const ROOT: &str = "/api/3/action/";

pub(super) fn help_of(action: &str) -> String {
    format!("{ROOT}help_show?name={action}")
}

/// Builds the response envelope of a successful call.
pub(super) fn done(action: &str, result: impl serde::Serialize) -> Response {
    Json(json!({ "help": help_of(action), "success": true, "result": json!(result) })).into_response()
}

/// The field that caused an error, passed on to [`render_error`].
#[derive(Clone, Copy)]
pub(super) struct Field(pub(super) &'static str);

/// An error and the field that caused it.
pub(super) struct Failure {
    error: Error,
    field: Option<&'static str>,
}

/// The result of a handler.
pub(super) type Answer<T = Response> = Result<T, Failure>;

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), field: None }
    }
}

impl Failure {
    /// Attributes an error to a field, if the request was invalid.
    pub(super) fn of(field: &'static str) -> impl Fn(Error) -> Self {
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
pub(super) struct ActionRequest(pub(super) Record);

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
    pub(super) fn optional(&self, field: &'static str) -> Answer<Option<&str>> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Failure::of(field)(Error::invalid(format!("`{field}` must be a string")))),
        }
    }

    /// Returns a required string.
    pub(super) fn required(&self, field: &'static str) -> Answer<&str> {
        self.optional(field)?.ok_or_else(|| Failure::of(field)(Error::invalid(format!("Missing value: `{field}`"))))
    }

    /// Returns a boolean: a JSON value, or a word for one.
    pub(super) fn switch(&self, field: &'static str) -> Answer<Option<bool>> {
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
    pub(super) async fn dataset<R: Right>(
        &self,
        app: &App,
        caller: &AuthedActor,
        field: &'static str,
    ) -> Answer<DatasetGrant<R>> {
        let name = self.required(field)?;
        app.access.authorize_named(&caller.actor, name).await.map_err(Failure::of(field))
    }
}
