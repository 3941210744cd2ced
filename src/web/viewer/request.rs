//! Requests: the dataset, config and split in the query, and access to them.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use metastore::ObjectId;
use serde::{Deserialize, Serialize};

use crate::access::TableGrant;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::tables::{Charge, Page, Split, Splits, TableResult};
use crate::types::RepoPath;
use crate::web::http::{AuthedActor, Parameters};

pub(super) const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");
pub(super) const REVISION: HeaderName = HeaderName::from_static("x-revision");

/// The code of a config or split that does not exist.
pub(super) const NOT_FOUND: &str = "ResponseNotFound";
const MISSING: &str = "MissingRequiredParameter";

/// The largest offset, which all JSON parsers represent exactly.
const MAX_OFFSET: u64 = (1 << 53) - 1;

/// Maximum number of rows of a page.
pub(super) const MAX_LENGTH: u64 = 100;

/// An error with a code that clients distinguish it by.
pub(super) struct Failure {
    error: Error,
    code: Option<&'static str>,
}

/// The result of a handler.
pub(super) type Answer<T = Response> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, code: None }
    }
}

impl Failure {
    /// An error of which a missing revision, config, split or table is one.
    pub(super) fn missing(error: Error) -> Self {
        Self { code: (error.kind() == Kind::NotFound).then_some(NOT_FOUND), error }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(code) = self.code {
            response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(code));
        }
        response
    }
}

/// The parameters of all routes. Their names are the Hub's.
#[expect(clippy::struct_field_names, reason = "names of the Hub")]
#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    dataset: Option<String>,
    pub(super) config: Option<String>,
    split: Option<String>,
    /// A branch, tag or commit id. The viewer of the Hub has no such parameter.
    revision: Option<String>,
    offset: Option<String>,
    length: Option<String>,
    pub(super) r#where: Option<String>,
    pub(super) orderby: Option<String>,
    pub(super) query: Option<String>,
}

/// A caller who may read the tables of the dataset in the query.
pub(super) struct Visitor {
    pub(super) grant: TableGrant,
    pub(super) path: RepoPath,
    pub(super) query: Query,
    /// Charges the caller for work.
    pub(super) charge: Charge,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let caller = AuthedActor::from_request_parts(parts, app).await?;
        let Parameters(mut query) = Parameters::<Query>::from_request_parts(parts, app).await?;
        let name = required(&mut query.dataset, "dataset")?;
        let path = match name.parse::<RepoPath>() {
            Ok(path) => path,
            // The same answer as for a valid name.
            Err(_) if caller.actor.is_anonymous() => Err(Error::unauthenticated("sign in to see this dataset"))?,
            Err(error) => Err(Error::not_found(error.detail()))?,
        };
        let grant = app.access.authorize_table(&caller.actor, &path).await?;
        Ok(Self { grant, path, query, charge: Arc::new(move |points| caller.charge(points)) })
    }
}

pub(super) fn required(value: &mut Option<String>, name: &str) -> Answer<String> {
    let given = value.take().filter(|value| !value.is_empty());
    let missing = || Error::invalid(format!("the parameter `{name}` is required"));
    given.ok_or_else(|| Failure { error: missing(), code: Some(MISSING) })
}

/// A number of the query, or its default.
fn number(value: Option<&String>, name: &str, default: u64, max: u64) -> Result<u64> {
    let Some(text) = value else { return Ok(default) };
    let number = text.parse::<u64>().ok().filter(|number| *number <= max);
    number.ok_or_else(|| Error::invalid(format!("the parameter `{name}` must be a number from 0 to {max}")))
}

/// A config and a split, as in responses.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SplitName {
    pub(super) dataset: String,
    pub(super) config: String,
    pub(super) split: String,
}

impl Visitor {
    /// Returns all splits of the dataset, or those of the config in the query.
    pub(super) async fn splits(&self, app: &App) -> Answer<Splits> {
        let mut splits = self.all(app).await?;
        let Some(config) = &self.query.config else { return Ok(splits) };
        let wanted: Vec<Split> = splits.all.iter().filter(|split| split.config == *config).cloned().collect();
        splits.all = wanted;
        if splits.all.is_empty() {
            // A table by its name.
            let split = self.find(&splits, config, "train")?;
            let files = app.tables.files_of_split(&self.grant, splits.commit, &split).await;
            files.map_err(Failure::missing)?;
            splits.all.push(split);
        }
        Ok(splits)
    }

    /// Returns the revision, and the split in the query, which must name one.
    pub(super) async fn split(&mut self, app: &App) -> Answer<(ObjectId, Split)> {
        let config = required(&mut self.query.config, "config")?;
        let split = required(&mut self.query.split, "split")?;
        let splits = self.all(app).await?;
        Ok((splits.commit, self.find(&splits, &config, &split)?))
    }

    async fn all(&self, app: &App) -> Answer<Splits> {
        let revision = self.query.revision.as_deref().unwrap_or("HEAD");
        app.tables.splits(&self.grant, revision).await.map_err(Failure::missing)
    }

    fn find(&self, splits: &Splits, config: &str, split: &str) -> Answer<Split> {
        splits.find(config, split).ok_or_else(|| {
            let path = &self.path;
            Failure::missing(Error::not_found(format!(
                "the dataset {path} has no config {config:?} with a split {split:?}; /splits?dataset={path} lists them"
            )))
        })
    }

    /// Returns how responses name a split.
    pub(super) fn name(&self, split: &Split) -> SplitName {
        SplitName { dataset: self.path.to_string(), config: split.config.clone(), split: split.split.clone() }
    }

    /// Returns the first row and the number of rows in the query.
    pub(super) fn range(&self) -> Result<(u64, u64)> {
        let offset = number(self.query.offset.as_ref(), "offset", 0, MAX_OFFSET)?;
        Ok((offset, number(self.query.length.as_ref(), "length", MAX_LENGTH, MAX_LENGTH)?))
    }

    /// Reads rows of a split.
    pub(super) async fn read(&self, app: &App, commit: ObjectId, split: &Split, page: Page) -> Answer<TableResult> {
        let rows = app.tables.rows_of_split(&self.grant, commit, split, page, Arc::clone(&self.charge)).await;
        rows.map_err(Failure::missing)
    }
}

/// Adds the revision that was read to a response.
pub(super) fn with_revision(commit: ObjectId, body: &impl Serialize) -> Response {
    let mut response = axum::Json(body).into_response();
    let value = HeaderValue::from_str(&commit.to_string()).expect("an id is plain ASCII");
    response.headers_mut().insert(REVISION, value);
    response
}
