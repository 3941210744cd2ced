//! JSON request bodies.

use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::body;
use crate::app::App;
use crate::error::{Error, Result};

/// A JSON object as request body. Invalid JSON is rejected as malformed; valid JSON of the wrong shape is rejected as
/// invalid, with the path of the offending value.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let body = text(app, request, app.config.limits.json_bytes).await?;
        // A derived `Deserialize` would accept an array as a struct, taking its items for the fields in order.
        if body.trim_ascii_start().starts_with(b"[") {
            return Err(Error::invalid("invalid type: sequence, expected an object"));
        }
        parse(&body).map(Self)
    }
}

/// Reads a request body with a JSON content type of at most `limit` bytes.
pub(crate) async fn text(app: &App, request: Request, limit: usize) -> Result<bytes::Bytes> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    // This also keeps browsers from posting HTML forms to the API.
    if !media.is_some_and(|media| media == "application/json" || media.ends_with("+json")) {
        return Err(Error::unsupported_media("Content-Type must be application/json"));
    }
    body::read_up_to(app, request, limit).await
}

/// Parses a JSON document.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    read(PhantomData::<T>, body)
}

/// Reads a JSON document with a seed.
pub(crate) fn read<'de, S: DeserializeSeed<'de>>(seed: S, body: &'de [u8]) -> Result<S::Value> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let read = seed.deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    let read = read.map_err(|cause| match (cause.is_data(), track.path().to_string().as_str()) {
        (false, _) => Error::malformed(format!("the body is not JSON: {cause}")),
        (true, ".") => Error::invalid(cause.to_string()),
        (true, place) => Error::invalid(format!("`{place}`: {cause}")),
    })?;
    reader.end().map_err(|error| Error::malformed(format!("the body is not JSON: {error}")))?;
    Ok(read)
}
