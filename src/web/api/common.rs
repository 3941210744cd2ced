//! What the resources of the API share: bodies, pages, persons and revisions.

use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metastore::{CommitInfo, ObjectId, Signature};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::openapi;
use super::shape::Shape;
use crate::app::App;
use crate::datasets::revisions::Author;
use crate::datasets::sorted::{Sort, SortKey};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};
use crate::web::http::json::{self, parse};
use crate::web::http::{BaseUrl, Client, next_query, segment};

/// A JSON request body. Invalid JSON is rejected as malformed; valid JSON of the wrong shape is rejected as invalid,
/// with the path of the offending value.
pub(super) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let body = json_text(app, request, app.config.limits.json_bytes).await?;
        parse(&body).map(Self)
    }
}

/// Reads a request body with a JSON content type of at most `limit` bytes. Rejects arrays where the OpenAPI document
/// requires an object: a derived `Deserialize` would accept an array as a struct, taking its items for the fields in
/// order.
pub(super) async fn json_text(app: &App, request: Request, limit: usize) -> Result<bytes::Bytes> {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let shape = Shape::of(&openapi::JSON, request.method(), route.as_ref().map_or("", MatchedPath::as_str));
    let body = json::text(app, request, limit).await?;
    json::read(shape, &body)?;
    Ok(body)
}

/// The order of the entries of a folder. Folders always come first; a minus sorts descending. Names are compared without
/// regard to case and accents, and numbers in them by their value.
#[derive(Clone, Copy, Deserialize, ToSchema)]
pub(super) enum FolderOrder {
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "size")]
    Size,
    #[serde(rename = "-size")]
    SizeDescending,
    #[serde(rename = "modified")]
    Modified,
    #[serde(rename = "-modified")]
    ModifiedDescending,
}

impl FolderOrder {
    /// Returns the order for a listing.
    ///
    /// # Errors
    /// Invalid for a recursive listing, which is only in git's order.
    pub(super) fn of(asked: Option<Self>, recursive: bool) -> Result<Option<Sort>> {
        let Some(asked) = asked else { return Ok(None) };
        if recursive {
            return Err(Error::invalid("`sort` sorts one folder; leave out `recursive`"));
        }
        let (key, descending) = match asked {
            Self::Name => (SortKey::Name, false),
            Self::NameDescending => (SortKey::Name, true),
            Self::Size => (SortKey::Size, false),
            Self::SizeDescending => (SortKey::Size, true),
            Self::Modified => (SortKey::Modified, false),
            Self::ModifiedDescending => (SortKey::Modified, true),
        };
        Ok(Some(Sort { key, descending }))
    }
}

/// Pagination parameters of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The maximum number of items to return.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(super) limit: Option<usize>,
    /// The `next_cursor` of the previous page.
    pub(super) cursor: Option<String>,
}

impl Page {
    pub(super) const LIMIT: usize = 100;
    pub(super) const MAX: usize = 1000;

    pub(super) fn limit(&self) -> Result<usize> {
        Self::checked(self.limit, Self::MAX)
    }

    /// Checks the requested page size against the maximum `most`.
    pub(super) fn checked(limit: Option<usize>, most: usize) -> Result<usize> {
        match limit {
            None => Ok(Self::LIMIT.min(most)),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Error::invalid(format!("`limit` must be between 1 and {most}"))),
        }
    }

    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref().filter(|cursor| !cursor.is_empty())
    }

    pub(super) fn bad_cursor() -> Error {
        Error::invalid("invalid `cursor`; restart the list without it")
    }
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
    /// The cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// The URL of the current request, for links to the next page.
pub(super) struct PageUrl {
    pub(super) base: String,
    pub(super) path: String,
    pub(super) query: String,
}

impl FromRequestParts<App> for PageUrl {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let BaseUrl(base) = BaseUrl::from_request_parts(parts, app).await?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Self { base, path: parts.uri.path().to_owned(), query })
    }
}

impl PageUrl {
    /// Returns a page with a `Link` header to the next one (RFC 8288).
    pub(super) fn page<T: Serialize>(&self, items: Vec<T>, next_cursor: Option<String>) -> Response {
        (self.next(next_cursor.as_deref()), axum::Json(Items { items, next_cursor })).into_response()
    }

    /// Returns only the `Link` header, if there is a next page.
    pub(super) fn next(&self, cursor: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(cursor) = cursor {
            let Self { base, path, query } = self;
            let link = format!("<{base}{path}?{}>; rel=\"next\"", next_query(query, cursor));
            if let Ok(link) = HeaderValue::from_str(&link) {
                headers.insert(header::LINK, link);
            }
        }
        headers
    }
}

/// A person, as recorded by git.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitAuthor {
    /// The display name.
    pub(super) name: Option<String>,
    /// The e-mail address.
    pub(super) email: Option<String>,
}

impl From<&Signature> for CommitAuthor {
    fn from(person: &Signature) -> Self {
        let kept = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self { name: kept(&person.name), email: kept(&person.email) }
    }
}

impl CommitAuthor {
    /// Converts a person, leaving out the e-mail address.
    pub(super) fn named(person: &Signature) -> Self {
        Self { email: None, ..person.into() }
    }
}

impl From<CommitAuthor> for Author {
    fn from(author: CommitAuthor) -> Self {
        let kept = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Self { name: kept(author.name), email: kept(author.email) }
    }
}

/// A revision (a git commit).
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the API names the id `revision`")]
pub(super) struct Revision {
    /// The id of the revision (commit hash).
    pub(super) revision: String,
    /// The commit time (RFC 3339).
    #[schema(format = DateTime)]
    pub(super) created: String,
    /// The author of the change.
    pub(super) author: CommitAuthor,
    /// The committer of the revision.
    pub(super) committer: CommitAuthor,
    /// The commit message.
    pub(super) description: String,
    /// The ids of the parent revisions; more than one for a merge.
    pub(super) parents: Vec<String>,
}

impl From<&CommitInfo> for Revision {
    fn from(commit: &CommitInfo) -> Self {
        Self {
            revision: commit.id.to_string(),
            created: moment(&commit.committer),
            author: (&commit.author).into(),
            committer: (&commit.committer).into(),
            description: commit.message.trim_end().to_owned(),
            parents: commit.parents.iter().map(ObjectId::to_string).collect(),
        }
    }
}

/// Returns the time of a git signature, in UTC.
pub(super) fn moment(person: &Signature) -> String {
    Millis(person.seconds.saturating_mul(1000)).rfc3339()
}

/// Decodes a name in a cursor. Names are hex-encoded because they may contain characters that are reserved in URLs.
pub(super) fn name_of(part: &str) -> Result<String> {
    hex::decode(part).ok().and_then(|name| String::from_utf8(name).ok()).ok_or_else(Page::bad_cursor)
}

/// Parses a full commit id. Returns `None` for anything else, such as a branch name.
pub(super) fn object_id(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).ok()
}

/// Returns the URL of the avatar of a user or an organisation, which changes with the picture.
pub(super) fn avatar_url(owner: &str, digest: Option<&str>) -> Option<String> {
    digest.map(|digest| format!("/api/v1/owners/{}/avatar?v={digest}", segment(owner)))
}

/// Parses an id in a URL. An id of invalid syntax is answered as not found.
pub(super) fn known_id(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::not_found(format!("there is no item with the id `{}`", text.escape_debug())))
}

/// Returns 201 Created, with the URL of the new resource in `Location`.
pub(super) fn created(location: &str, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The client that tries a password or a code, if known.
pub(super) struct RequestClient(pub(super) Option<Client>);

impl FromRequestParts<App> for RequestClient {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        Ok(Self(parts.extensions.get::<Client>().cloned()))
    }
}
