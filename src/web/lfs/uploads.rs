//! Signed URLs of multipart uploads: `PUT` a part, `POST` to complete, `DELETE` to abort. Also the tus protocol 1.0
//! (<https://tus.io/protocols/resumable-upload>) with `HEAD`, `PATCH` and `POST`.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lfs::batch::Completion;
use lfs::parts::tus::{self, Headers, TusError};
use lfs::parts::{Checksum, InvalidChecksum};
use lfs::sign::Step;

use super::json::{from_batch, lfs_json};
use crate::app::App;
use crate::error::{Error, Result};
use crate::storage::upload_sessions::UploadSession;
use crate::web::http::{Routes, read_body, with_idle_timeout};

const PATH: &str = "/_lfs/uploads/{token}";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::PUT, PATH, put_part)
        .add(Method::POST, PATH, end)
        .add(Method::DELETE, PATH, abort)
        .add(Method::HEAD, PATH, offset)
        .add(Method::PATCH, PATH, append)
        .add(Method::OPTIONS, PATH, abilities)
}

/// Checks that a URL is for this step of an upload.
fn expect_step(is_permitted: bool) -> Result<()> {
    if is_permitted { Ok(()) } else { Err(wrong_step()) }
}

fn wrong_step() -> Error {
    Error::forbidden("this URL is for another operation; request a new one from the batch API")
}

async fn put_part(State(app): State<App>, Path(token): Path<String>, request: Request) -> Result<Response> {
    let (upload, step) = app.storage.upload_of_object(&token).await?;
    let Step::Part(number) = step else { return Err(wrong_step()) };
    let (parts, body) = request.into_parts();
    let value = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let length = value("content-length").and_then(|length| length.parse().ok());
    let wrong = |error: InvalidChecksum| Error::malformed(error.to_string());
    let checksum = match (value("content-md5"), value("digest")) {
        (Some(md5), _) => Some(Checksum::from_content_md5(md5).map_err(wrong)?),
        (None, Some(digest)) => Some(Checksum::from_digest(digest).map_err(wrong)?),
        (None, None) => None,
    };
    let body = Box::pin(with_idle_timeout(&app, body));
    app.storage.receive_part(&upload, number, length, checksum, body).await?;
    // S3 clients repeat the tag when they complete the upload.
    Ok((StatusCode::OK, [(header::ETAG, format!("\"{token}\""))]).into_response())
}

/// Completes an upload. With tus, returns the upload that the batch request created.
async fn end(State(app): State<App>, Path(token): Path<String>, request: Request) -> Result<Response> {
    let (upload, step) = app.storage.upload_of_object(&token).await?;
    if request.headers().contains_key(&TUS_RESUMABLE) {
        expect_step(step == Step::Tus)?;
        return match tus_headers(request.headers()).create(upload.size()) {
            Ok(()) => {
                let mut response = upload_state(&upload, StatusCode::CREATED, app.storage.offset(&upload).await?);
                let location = HeaderValue::from_str(request.uri().path()).map_err(Error::internal)?;
                response.headers_mut().insert(header::LOCATION, location);
                Ok(response)
            }
            Err(refusal) => Ok(refused(&refusal)),
        };
    }
    expect_step(step == Step::Commit)?;
    let completion = Completion::parse(&read_body(&app, request).await?).map_err(from_batch)?;
    app.storage.commit_upload(&upload, &completion).await?;
    Ok(lfs_json(StatusCode::OK, "{}"))
}

async fn abort(State(app): State<App>, Path(token): Path<String>) -> Result<Response> {
    let (upload, step) = app.storage.upload_of_object(&token).await?;
    expect_step(matches!(step, Step::Abort | Step::Tus))?;
    app.storage.abort_upload(&upload).await?;
    Ok((StatusCode::NO_CONTENT, [(TUS_RESUMABLE, tus::VERSION)]).into_response())
}

async fn offset(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response> {
    let (upload, step) = app.storage.upload_of_object(&token).await?;
    expect_step(step == Step::Tus)?;
    if let Err(refusal) = tus_headers(&headers).expect_version() {
        return Ok(refused(&refusal));
    }
    Ok(upload_state(&upload, StatusCode::OK, app.storage.offset(&upload).await?))
}

async fn append(State(app): State<App>, Path(token): Path<String>, request: Request) -> Result<Response> {
    let (upload, step) = app.storage.upload_of_object(&token).await?;
    expect_step(step == Step::Tus)?;
    let (parts, body) = request.into_parts();
    let body = Box::pin(with_idle_timeout(&app, body));
    Ok(match app.storage.append(&upload, &tus_headers(&parts.headers), body).await? {
        Ok(offset) => upload_state(&upload, StatusCode::NO_CONTENT, offset),
        Err(refusal) => refused(&refusal),
    })
}

async fn abilities() -> Response {
    (StatusCode::NO_CONTENT, tus::OPTIONS).into_response()
}

fn tus_headers(headers: &HeaderMap) -> Headers<'_> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Headers {
        tus_resumable: value("tus-resumable"),
        content_type: value("content-type"),
        content_length: value("content-length"),
        upload_offset: value("upload-offset"),
        upload_length: value("upload-length"),
        upload_defer_length: value("upload-defer-length"),
        upload_checksum: value("upload-checksum"),
        upload_metadata: value("upload-metadata"),
    }
}

/// Returns the state of a tus upload.
fn upload_state(upload: &UploadSession, status: StatusCode, offset: u64) -> Response {
    let state = tus::State { offset, size: upload.size(), expires: Some(upload.expires().seconds()) };
    let mut response = status.into_response();
    for (name, value) in state.headers() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn refused(refusal: &TusError) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    // Not plain text, which is how errors of the framework are recognized.
    let body = serde_json::json!({"message": refusal.to_string(), "request_id": crate::request::id()});
    let mut response = lfs_json(status, body.to_string());
    response.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(tus::VERSION));
    response.headers_mut().insert(TUS_VERSION, HeaderValue::from_static(tus::VERSION));
    response
}
