//! `GET /api/v1/datasets`: datasets found by what they say.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Caller;
use super::shapes;
use super::{Here, Page};
use crate::app::App;
use crate::drive::search::{Counts, Found, Kind, Place, Query, Sort};
use crate::error::{Error, Result};
use crate::types::{OwnerName, Visibility};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(search))
}

/// What is looked for. Those that may be there several times must all be met.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the document: each may be there several times, which a struct does not read")]
struct Wanted {
    /// Words in title, description, keywords, column names, tags, owner or README; `clim*` stands for words that begin
    /// so. Case, accents and a plural `s` make no difference.
    q: Option<String>,
    /// A user or an organisation.
    #[param(value_type = Option<shapes::OwnerName>)]
    owner: Option<String>,
    /// A keyword of the package; may be there several times.
    keyword: Option<Vec<String>>,
    /// A git tag; may be there several times.
    tag: Option<Vec<String>>,
    /// The format of a resource, such as `csv`; may be there several times.
    format: Option<Vec<String>>,
    /// A license of the package, such as `CC-BY-4.0`; may be there several times.
    license: Option<Vec<String>>,
    /// `relevance` has those first that bear all words in name or title, and is the default with `q`; `updated` has
    /// those first that changed last, to the minute; `created` those that were made last.
    #[param(value_type = Option<String>, pattern = "^(relevance|updated|created)$")]
    sort: Option<String>,
}

/// A dataset that was found.
#[derive(Serialize, ToSchema)]
struct FoundDataset {
    /// `owner/name`.
    id: String,
    /// A user or an organisation.
    owner: String,
    /// Its own name.
    name: String,
    /// Who sees it.
    visibility: Visibility,
    /// Whether the caller sees it for no other reason than that they administer the site.
    as_administrator: bool,
    /// The title of the package.
    title: Option<String>,
    /// The beginning of its description.
    description: Option<String>,
    /// Its keywords, in small letters.
    keywords: Vec<String>,
    /// The formats of its resources, in small letters.
    formats: Vec<String>,
    /// Its licenses, in small letters.
    licenses: Vec<String>,
    /// The newest revision of the default branch.
    revision: Option<String>,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When its newest revision was made, to the minute (RFC 3339).
    #[schema(format = DateTime)]
    updated: String,
}

/// A value, and how many of the datasets have it.
#[derive(Serialize, ToSchema)]
struct ValueCount {
    value: String,
    count: u64,
}

/// The 20 commonest values of each kind.
#[derive(Serialize, ToSchema)]
struct Facets {
    owner: Vec<ValueCount>,
    keyword: Vec<ValueCount>,
    format: Vec<ValueCount>,
    license: Vec<ValueCount>,
}

/// A part of what was found.
#[derive(Serialize, ToSchema)]
struct FoundDatasets {
    items: Vec<FoundDataset>,
    /// Where the list goes on; absent at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// How many there are on all pages. More than 10,000 are not counted.
    total: u64,
    /// Whether there are no more than these. If there are, `facets` are those of the 10,000 that changed last.
    is_total_exact: bool,
    facets: Facets,
}

/// Finds datasets that the caller may see. The drives of users are not among them.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets", params(Wanted, Page),
    responses((status = 200, description = "What was found.", body = FoundDatasets)))]
async fn search(State(app): State<App>, caller: Caller, here: Here, RawQuery(query): RawQuery) -> Result<Response> {
    let asked = Asked::parse(query.as_deref().unwrap_or_default())?;
    let limit = asked.page.limit()?;
    let after = asked.page.cursor().map(|cursor| place(cursor, asked.sort).ok_or_else(Page::bad_cursor)).transpose()?;
    let sight = app.access.sight(&caller.actor).await?;
    let page = app.drive.search(&sight, &asked.query, asked.sort, after, limit).await?;
    let counts = app.drive.count(&sight, &asked.query).await?;
    // Each of those found is looked at for the facets.
    caller.charge(usize::try_from(counts.total).unwrap_or(usize::MAX) / 10);
    let next_cursor = page.next.map(cursor);
    let headers = here.next(next_cursor.as_deref());
    let items = page.found.into_iter().map(Into::into).collect();
    let Counts { total, is_exact, .. } = counts;
    let found = FoundDatasets { items, next_cursor, total, is_total_exact: is_exact, facets: counts.into() };
    Ok((headers, Json(found)).into_response())
}

/// What the query of the URL asks for.
struct Asked {
    query: Query,
    sort: Sort,
    page: Page,
}

impl Asked {
    /// Pairs that nobody knows are left alone.
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
                    let limit = value.parse().map_err(|_| Error::invalid("`limit` is a number"))?;
                    page.limit = Some(limit);
                }
                _ => {}
            }
        }
        if filters.len() > FILTERS {
            return Err(Error::invalid(format!("filter by at most {FILTERS} values at once")));
        }
        let query = Query::parse(&words)?;
        let sort = match sort.as_deref() {
            None if query.has_words() => Sort::Relevance,
            Some("relevance") => Sort::Relevance,
            None | Some("updated") => Sort::Updated,
            Some("created") => Sort::Created,
            Some(other) => {
                return Err(Error::invalid(format!("`sort` is relevance, updated or created, and not {other:?}")));
            }
        };
        let query = filters.into_iter().fold(query, |query, (kind, value)| query.with(kind, &value));
        Ok(Self { query, sort, page })
    }
}

/// Values to filter by.
const FILTERS: usize = 32;

/// A place in a list as text. It says nothing but what the last item of the page says.
pub(in super::super) fn cursor(place: Place) -> String {
    match place {
        Place::Heading(number) => format!("h{number:x}"),
        Place::Other(number) => format!("o{number:x}"),
        Place::Created(id) => format!("c{id}"),
    }
}

/// The place that a text stands for in a list of this order.
pub(in super::super) fn place(cursor: &str, sort: Sort) -> Option<Place> {
    let mut rest = cursor.chars();
    let kind = rest.next()?;
    let rest = rest.as_str();
    let number = || i64::from_str_radix(rest, 16).ok().filter(|number| *number >= 0);
    match (kind, sort) {
        ('c', Sort::Created) => rest.parse().ok().map(Place::Created),
        ('h', Sort::Relevance) => number().map(Place::Heading),
        ('o', Sort::Relevance | Sort::Updated | Sort::Names) => number().map(Place::Other),
        _ => None,
    }
}

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
