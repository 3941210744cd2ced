//! Dataset search (`GET /api/v1/datasets`).

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::common::{Page, PageUrl};
use super::shapes;
use crate::app::App;
use crate::datasets::search::{Counts, Found, Kind, Place, Query, Sort};
use crate::error::{Error, Result};
use crate::types::{OwnerName, Visibility};
use crate::web::http::{AuthedActor, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(search))
}

/// The search parameters. A dataset must match all values of a repeated parameter.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described: these can be repeated, which a derived struct cannot parse")]
struct SearchParameters {
    /// The search text: words in title, description, keywords, column names, tags, owner or README; `clim*` matches
    /// words with this prefix. Case, accents and a plural `s` are ignored.
    q: Option<String>,
    /// The owner: a user or an organisation.
    #[param(value_type = Option<shapes::OwnerName>)]
    owner: Option<String>,
    /// A keyword of the package. Can be repeated.
    keyword: Option<Vec<String>>,
    /// A git tag. Can be repeated.
    tag: Option<Vec<String>>,
    /// The format of a resource, such as `csv`. Can be repeated.
    format: Option<Vec<String>>,
    /// A license of the package, such as `CC-BY-4.0`. Can be repeated.
    license: Option<Vec<String>>,
    /// The sort order. `relevance` ranks datasets with all words in name or title first; it is the default with `q`.
    /// `updated` sorts by the last change, newest first. `created` sorts by creation time, newest first.
    #[param(value_type = Option<String>, pattern = "^(relevance|updated|created)$")]
    sort: Option<String>,
}

/// A search result.
#[derive(Serialize, ToSchema)]
struct FoundDataset {
    /// The id of the dataset, as `owner/name`.
    id: String,
    /// The owner: a user or an organisation.
    owner: String,
    /// The name of the dataset, without the owner.
    name: String,
    /// Who can see the dataset.
    visibility: Visibility,
    /// True if the caller can see the dataset only as a site administrator.
    as_administrator: bool,
    /// The title of the package.
    title: Option<String>,
    /// The beginning of the description.
    description: Option<String>,
    /// The keywords, in lower case.
    keywords: Vec<String>,
    /// The formats of the resources, in lower case.
    formats: Vec<String>,
    /// The licenses, in lower case.
    licenses: Vec<String>,
    /// The newest revision of the default branch.
    revision: Option<String>,
    /// When the dataset was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The time of the newest revision (RFC 3339).
    #[schema(format = DateTime)]
    updated: String,
}

/// A value and the number of datasets that have it.
#[derive(Serialize, ToSchema)]
struct ValueCount {
    value: String,
    count: u64,
}

/// The 20 most common values of each kind.
#[derive(Serialize, ToSchema)]
struct Facets {
    owner: Vec<ValueCount>,
    keyword: Vec<ValueCount>,
    format: Vec<ValueCount>,
    license: Vec<ValueCount>,
}

/// One page of search results.
#[derive(Serialize, ToSchema)]
struct FoundDatasets {
    items: Vec<FoundDataset>,
    /// The cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// The number of results on all pages. Counting stops at 10,000.
    total: u64,
    /// True if `total` is exact. If false, `facets` cover the 10,000 most recently changed datasets.
    is_total_exact: bool,
    facets: Facets,
}

/// Searches the datasets that the caller may see. Users' personal drives are not included.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets", params(SearchParameters, Page),
    responses((status = 200, description = "The search results.", body = FoundDatasets)))]
async fn search(
    State(app): State<App>,
    caller: AuthedActor,
    here: PageUrl,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let asked = SearchQuery::parse(query.as_deref().unwrap_or_default())?;
    let limit = asked.page.limit()?;
    let after = asked
        .page
        .cursor()
        .map(|cursor| Place::from_cursor(cursor, asked.sort).ok_or_else(Page::bad_cursor))
        .transpose()?;
    let visible = app.access.visible_datasets(&caller.actor).await?;
    let page = app.datasets.search(&visible, &asked.query, asked.sort, after, limit).await?;
    let counts = app.datasets.count(&visible, &asked.query).await?;
    // Computing the facets reads every result.
    caller.charge(usize::try_from(counts.total).unwrap_or(usize::MAX) / 10);
    let next_cursor = page.next.map(Place::cursor);
    let headers = here.next(next_cursor.as_deref());
    let items = page.found.into_iter().map(Into::into).collect();
    let Counts { total, is_exact, .. } = counts;
    let found = FoundDatasets { items, next_cursor, total, is_total_exact: is_exact, facets: counts.into() };
    Ok((headers, Json(found)).into_response())
}

/// The parsed query string.
struct SearchQuery {
    query: Query,
    sort: Sort,
    page: Page,
}

impl SearchQuery {
    /// Parses the query string. Unknown parameters are ignored.
    fn parse(text: &str) -> Result<Self> {
        let (mut words, mut sort, mut filters) = (String::new(), None, Vec::new());
        let mut page = Page { limit: None, cursor: None };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "q" => words = value.into_owned(),
                "owner" => filters.push((Kind::Owner, value.parse::<OwnerName>()?.to_string())),
                "keyword" => filters.push((Kind::Keyword, value.into_owned())),
                "tag" => filters.push((Kind::Tag, value.into_owned())),
                "format" => filters.push((Kind::Format, value.into_owned())),
                "license" => filters.push((Kind::License, value.into_owned())),
                "sort" => sort = Some(value.into_owned()),
                "cursor" => page.cursor = Some(value.into_owned()),
                "limit" => {
                    let limit = value.parse().map_err(|_| Error::invalid("`limit` must be a number"))?;
                    page.limit = Some(limit);
                }
                _ => {}
            }
        }
        if filters.len() > FILTERS {
            return Err(Error::invalid(format!("at most {FILTERS} filter values are allowed")));
        }
        let query = Query::parse(&words)?;
        let sort = match sort.as_deref() {
            None if query.has_words() => Sort::Relevance,
            Some("relevance") => Sort::Relevance,
            None | Some("updated") => Sort::Updated,
            Some("created") => Sort::Created,
            Some(other) => {
                return Err(Error::invalid(format!("`sort` must be relevance, updated or created, not {other:?}")));
            }
        };
        let query = filters.into_iter().fold(query, |query, (kind, value)| query.with(kind, &value));
        Ok(Self { query, sort, page })
    }
}

/// The maximum number of filter values.
const FILTERS: usize = 32;

impl From<Found> for FoundDataset {
    fn from(found: Found) -> Self {
        Self {
            id: found.path.to_string(),
            owner: found.path.owner.to_string(),
            name: found.path.name.to_string(),
            visibility: found.visibility,
            as_administrator: found.is_by_administration,
            title: found.card.title,
            description: found.card.description,
            keywords: found.card.keywords,
            formats: found.card.formats,
            licenses: found.card.licenses,
            revision: found.revision,
            created: found.created.rfc3339(),
            updated: found.updated.rfc3339(),
        }
    }
}

impl From<Counts> for Facets {
    fn from(counts: Counts) -> Self {
        let list = |values: Vec<(String, u64)>| {
            values.into_iter().map(|(value, count)| ValueCount { value, count }).collect::<Vec<_>>()
        };
        let [keyword, format, license] = counts.values.map(list);
        Self { owner: list(counts.owners), keyword, format, license }
    }
}
