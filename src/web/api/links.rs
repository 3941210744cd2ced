//! Share links (`/links`): exchanges the secret of a link for a token.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, RequestClient};
use crate::app::App;
use crate::error::{Error, Result};
use crate::share::{LinkOpened, ShareRow};
use crate::types::{Millis, Secret, ShareKind, ShareRight};
use crate::web::http::{OptionalActor, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(open))
}

/// The secret of a share link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkSecret {
    /// The token from the link: the part after `#`.
    #[schema(value_type = String, example = "rsl_…")]
    token: Secret,
    /// The password of the link, if it has one.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
}

/// An opened share link.
#[derive(Serialize, ToSchema)]
struct LinkTarget {
    /// The dataset, as `owner/name`; absent for a file request.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<String>,
    /// The owner of the dataset; for a file request, the user who asks.
    owner: String,
    /// The path of the shared file or folder; empty for the whole dataset, absent for a file request.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The type of the shared item.
    r#type: ShareKind,
    /// The name of the shared item: the last part of its path, or the name of the dataset; for a file request, its title.
    name: String,
    /// The permission that the link grants.
    right: ShareRight,
    /// What a file request asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestedFiles>,
    /// When the link expires (RFC 3339).
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// A token for the shared item; send it to the drive API as `Authorization: Bearer`.
    #[schema(example = "rla_…")]
    token: String,
    /// When the token expires (RFC 3339). Open the link again to get a new one.
    #[schema(format = DateTime)]
    token_expires: String,
}

/// What a file request asks for, as those who open its link see it.
#[derive(Serialize, ToSchema)]
struct RequestedFiles {
    /// A message; may be empty.
    message: String,
    /// The maximum of bytes that it accepts in all.
    max_bytes: i64,
    /// The maximum number of files that it accepts in all.
    max_files: i64,
}

impl LinkTarget {
    fn of(share: ShareRow, token: &str, ends: Millis) -> Self {
        let (right, expires) = (share.right, share.expires_at.map(Millis::rfc3339));
        let (token, token_expires, kind) = (token.to_owned(), ends.rfc3339(), share.kind);
        // Senders do not learn where the files go.
        if let Some(title) = share.request_title {
            let request = RequestedFiles {
                message: share.request_message.unwrap_or_default(),
                max_bytes: share.max_bytes.unwrap_or_default(),
                max_files: share.max_files.unwrap_or_default(),
            };
            let (owner, request) = (share.creator, Some(request));
            let (dataset, path) = (None, None);
            return Self {
                dataset,
                owner,
                path,
                r#type: ShareKind::Folder,
                name: title,
                right,
                request,
                expires,
                token,
                token_expires,
            };
        }
        let name = share.path.rsplit('/').next().filter(|name| !name.is_empty());
        let name = name.unwrap_or(&share.dataset_name).to_owned();
        let dataset = Some(format!("{}/{}", share.owner_name, share.dataset_name));
        let (owner, path, request) = (share.owner_name, Some(share.path), None);
        Self { dataset, owner, path, r#type: kind, name, right, request, expires, token, token_expires }
    }
}

/// A link that requires a password.
#[derive(Serialize, ToSchema)]
struct PasswordRequired {
    /// Always `true`.
    password_required: bool,
    /// A message for users.
    detail: String,
}

/// Opens a share link. To renew the token, send it along, as `Authorization: Bearer`: then this is not counted as another
/// opening.
#[utoipa::path(post, path = "/api/v1/links/open", tag = "shares", request_body = LinkSecret,
    responses((status = 200, description = "The shared item and a token for it.", body = LinkTarget),
              (status = 401, description = "The password is missing or wrong.", body = PasswordRequired,
               content_type = "application/problem+json")))]
async fn open(
    State(app): State<App>,
    guesser: RequestClient,
    OptionalActor(by): OptionalActor,
    Body(key): Body<LinkSecret>,
) -> Result<Response> {
    let (client, is_try) = (guesser.0, key.password.is_some());
    let mut guess = None;
    let try_it = || -> Result<()> {
        guess = client.as_ref().map(|client| client.guess_from_here(key.token.expose())).transpose()?;
        Ok(())
    };
    match app.shares.open(&by, &key.token, key.password, try_it).await? {
        LinkOpened::Open(share, bearer, ends) => {
            if let Some(guess) = guess {
                guess.forget();
            }
            let target = LinkTarget::of(*share, bearer.expose(), ends);
            let mut response = Json(target).into_response();
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        LinkOpened::Locked => {
            Ok(locked(if is_try { "wrong password for this link" } else { "this link requires a password" }))
        }
    }
}

/// Returns 401 with `password_required`. The challenge is `Bearer`, unlike other responses, because `Basic` would make
/// browsers ask for a user name.
fn locked(detail: &str) -> Response {
    let (mut head, _) = Error::unauthenticated(detail).into_response().into_parts();
    head.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rutter\""));
    let body = serde_json::json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "unauthenticated",
        "detail": detail,
        "request_id": crate::request::id(),
        "password_required": true,
    });
    Response::from_parts(head, body.to_string().into())
}
