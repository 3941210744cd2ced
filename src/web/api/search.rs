//! Search: for datasets (`GET /api/v1/datasets`), and for datasets and files of the caller's drive together
//! (`GET /api/v1/search`).

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use metastore::EntryKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Page, PageUrl, moment};
use super::shapes;
use crate::access::Read;
use crate::app::App;
use crate::datasets::browse::ListedEntry;
use crate::datasets::search::{Counts, Field, Found, Kind, Match, Place, Query, Quotation, Sort, mark_name};
use crate::error::{Error, Result};
use crate::types::{OwnerName, Visibility};
use crate::web::http::{AuthedActor, Parameters, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(search)).document(routes!(search_everything))
}

/// The search parameters. A dataset must match all values of a repeated parameter.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described: these can be repeated, which a derived struct cannot parse")]
struct SearchParameters {
    /// The search text: words in title, description, keywords, column names, tags, owner, README or the paths of files;
    /// `clim*` matches words with this prefix. Case, accents and a plural `s` are ignored.
    q: Option<String>,
    /// Where the words are searched: `files` searches only the paths of files. Default: everything.
    #[param(value_type = Option<String>, pattern = "^files$")]
    r#in: Option<String>,
    /// True for only the datasets that the caller has starred.
    starred: Option<bool>,
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
    /// `updated` sorts by the last change, newest first. `created` sorts by creation time, newest first. `stars` sorts by
    /// the number of users who have starred them, most first.
    #[param(value_type = Option<String>, pattern = "^(relevance|updated|created|stars)$")]
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
    /// The size of all files at the newest revision, in bytes; null for more than 20,000 files and folders.
    bytes: Option<u64>,
    /// The number of rows of the main table, which is the first resource with columns; null if its `stats` do not say it, or
    /// the file was changed since it was described.
    rows: Option<u64>,
    /// The number of columns of the main table; null if the package describes none.
    columns: Option<u64>,
    /// The default branch.
    default_branch: String,
    /// The newest revision of the default branch.
    revision: Option<String>,
    /// The number of users who have starred the dataset.
    stars: u64,
    /// True if the caller has starred it.
    starred: bool,
    /// What matches the search text, with most of its words first: at most 5, or with `in=files` at most 20. Only for the
    /// first 100 datasets of a page.
    matches: Vec<SearchMatch>,
    /// The number of files with all of the words in their path. Of each dataset, the first 5,000 files and folders are
    /// searched.
    matching_files: usize,
    /// Number of new versions per week over the last 12 weeks, the oldest week first; empty if there are none. Only the first
    /// 100 datasets of a page have it, and none in `GET /api/v1/search`.
    weekly_versions: Vec<u64>,
    /// When the dataset was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The time of the newest revision (RFC 3339).
    #[schema(format = DateTime)]
    updated: String,
}

/// Where a dataset matches a search.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MatchField {
    /// The name or the title.
    Title,
    /// A keyword, license, format, tag, or the owner.
    Keyword,
    /// The path of a file.
    File,
    /// The name of a column.
    Column,
    /// The description of the dataset, or a name or description of a resource.
    Description,
    /// A line of the README.
    Readme,
}

impl From<Field> for MatchField {
    fn from(field: Field) -> Self {
        match field {
            Field::Title => Self::Title,
            Field::Keyword => Self::Keyword,
            Field::File => Self::File,
            Field::Column => Self::Column,
            Field::Description => Self::Description,
            Field::Readme => Self::Readme,
        }
    }
}

/// A part of a text.
#[derive(Serialize, ToSchema)]
struct TextPart {
    text: String,
    /// True if it is what was searched for.
    #[serde(rename = "match")]
    is_match: bool,
}

fn parts(text: Quotation) -> Vec<TextPart> {
    text.into_iter().map(|(text, is_match)| TextPart { text, is_match }).collect()
}

/// Text of a dataset that matches a search.
#[derive(Serialize, ToSchema)]
struct SearchMatch {
    /// Where it is.
    field: MatchField,
    /// The text, in parts. Long text is cut around the match.
    text: Vec<TextPart>,
    /// The path of the file, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl From<Match> for SearchMatch {
    fn from(found: Match) -> Self {
        let path = (found.field == Field::File).then(|| found.text.iter().map(|(text, _)| text.as_str()).collect());
        Self { field: found.field.into(), text: parts(found.text), path }
    }
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
    if asked.query.is_starred_only() && caller.actor.is_anonymous() {
        return Err(Error::unauthenticated("sign in to list the datasets that you have starred"));
    }
    let visible = app.access.visible_datasets(&caller.actor).await?;
    let mut page = app.datasets.search(&visible, &asked.query, asked.sort, after, limit).await?;
    caller.charge(app.datasets.explain(&asked.query, &mut page).await?);
    app.datasets.count_versions(&mut page).await?;
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

/// What is searched.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SearchScope {
    /// Datasets by all of their metadata and files, and the caller's drive by the names of files and folders.
    Everything,
    /// Only datasets.
    Datasets,
    /// Only datasets with all of the words in the paths of their files.
    Files,
    /// Only the caller's drive.
    Drive,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EverythingQuery {
    /// The search text, at most 512 bytes: words, as in `GET /api/v1/datasets`. In the drive, the names of files and folders
    /// must contain all of them.
    #[param(max_length = 512)]
    q: String,
    /// What is searched. Default: everything.
    #[param(inline)]
    r#in: Option<SearchScope>,
    /// The maximum number of datasets, and of files of the drive.
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: Option<usize>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// A file or folder of the caller's drive.
#[derive(Serialize, ToSchema)]
struct FoundFile {
    /// The dataset of the drive, as `owner/name`.
    dataset: String,
    /// The path.
    path: String,
    /// True for a folder.
    folder: bool,
    /// The path, in parts.
    text: Vec<TextPart>,
    /// The size in bytes; null for folders.
    size: Option<u64>,
    /// When it was last changed (RFC 3339); null if that is more than 10,000 revisions ago.
    #[schema(format = DateTime)]
    modified: Option<String>,
}

impl FoundFile {
    fn of(dataset: &str, words: &str, found: &ListedEntry) -> Self {
        let entry = &found.entry;
        Self {
            dataset: dataset.to_owned(),
            text: parts(mark_name(words, &entry.path)),
            path: entry.path.clone(),
            folder: entry.kind == EntryKind::Folder,
            size: entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size),
            modified: found.last.as_ref().map(|last| moment(&last.committer)),
        }
    }
}

/// One page of what was found. A page can have fewer items than its limit.
#[derive(Serialize, ToSchema)]
struct SearchResults {
    /// Datasets, the best ones first: those with all of the words in name or title, then those that changed last.
    datasets: Vec<FoundDataset>,
    /// Files and folders of the caller's drive, those nearest to its root first; on the first page, or with `in=drive`.
    drive: Vec<FoundFile>,
    /// The cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The maximum length of a search text in bytes.
const TEXT: usize = 512;

/// The maximum number of results of each kind on a page, and the default.
const MOST: usize = 50;
const USUAL: usize = 20;

/// The points of the rate limits for searching a drive.
const DRIVE_COST: usize = 10;

/// Searches the datasets that the caller may see and the caller's own drive, and says what matches. Without facets, so it
/// is cheaper than `GET /api/v1/datasets`: use it to search while the user types.
#[utoipa::path(get, path = "/api/v1/search", tag = "datasets", params(EverythingQuery),
    responses((status = 200, description = "What was found.", body = SearchResults)))]
async fn search_everything(
    State(app): State<App>,
    caller: AuthedActor,
    here: PageUrl,
    Parameters(asked): Parameters<EverythingQuery>,
) -> Result<Response> {
    if asked.q.len() > TEXT || asked.q.trim().is_empty() {
        return Err(Error::invalid(format!("`q` must have 1 to {TEXT} bytes of text")));
    }
    let limit = Page::checked(Some(asked.limit.unwrap_or(USUAL)), MOST)?;
    let scope = asked.r#in.unwrap_or(SearchScope::Everything);
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let mut results = SearchResults { datasets: Vec::new(), drive: Vec::new(), next_cursor: None };
    if scope != SearchScope::Drive {
        let query = Query::parse(&asked.q)?;
        let query = if scope == SearchScope::Files { query.only_files() } else { query };
        let place = |cursor| Place::from_cursor(cursor, Sort::Relevance).ok_or_else(Page::bad_cursor);
        let after = cursor.map(place).transpose()?;
        let visible = app.access.visible_datasets(&caller.actor).await?;
        let mut page = app.datasets.search(&visible, &query, Sort::Relevance, after, limit).await?;
        caller.charge(app.datasets.explain(&query, &mut page).await?);
        results.next_cursor = page.next.map(Place::cursor);
        results.datasets = page.found.into_iter().map(Into::into).collect();
    }
    let is_drive = scope == SearchScope::Drive || scope == SearchScope::Everything && cursor.is_none();
    if is_drive && let Ok(path) = caller.actor.own_drive() {
        let offset = match cursor {
            None => 0,
            Some(cursor) => cursor.strip_prefix('d').and_then(|at| at.parse().ok()).ok_or_else(Page::bad_cursor)?,
        };
        // Credentials for other datasets, and those that may not create the drive, find nothing there.
        if let Some(grant) = app.access.authorize_silently::<Read>(&caller.actor, &path).await? {
            caller.charge(DRIVE_COST);
            let most = limit.saturating_add(offset).saturating_add(1);
            // Parts of names are found in any case.
            let words = asked.q.replace('*', " ");
            let found = app.datasets.find_names(&grant, &words, most).await?;
            if scope == SearchScope::Drive && found.len() == most {
                results.next_cursor = Some(format!("d{}", offset + limit));
            }
            let name = path.to_string();
            let page = found.iter().skip(offset).take(limit);
            results.drive = page.map(|found| FoundFile::of(&name, &words, found)).collect();
        }
    }
    Ok((here.next(results.next_cursor.as_deref()), Json(results)).into_response())
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
        let (mut only_files, mut only_starred) = (false, false);
        let mut page = Page { limit: None, cursor: None };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "q" => words = value.into_owned(),
                "owner" => filters.push((Kind::Owner, value.parse::<OwnerName>()?.to_string())),
                "keyword" => filters.push((Kind::Keyword, value.into_owned())),
                "tag" => filters.push((Kind::Tag, value.into_owned())),
                "format" => filters.push((Kind::Format, value.into_owned())),
                "license" => filters.push((Kind::License, value.into_owned())),
                "in" if value == "files" => only_files = true,
                "in" => return Err(Error::invalid(format!("`in` must be files, not {value:?}"))),
                "starred" => {
                    only_starred = value.parse().map_err(|_| Error::invalid("`starred` must be true or false"))?;
                }
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
            Some("stars") => Sort::Stars,
            Some(other) => {
                return Err(Error::invalid(format!(
                    "`sort` must be relevance, updated, created or stars, not {other:?}"
                )));
            }
        };
        let query = filters.into_iter().fold(query, |query, (kind, value)| query.with(kind, &value));
        let query = if only_files { query.only_files() } else { query };
        let query = if only_starred { query.only_starred() } else { query };
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
            bytes: found.card.bytes,
            rows: found.card.rows,
            columns: found.card.columns,
            default_branch: found.branch,
            revision: found.revision,
            stars: found.stars,
            starred: found.is_starred,
            matches: found.matches.best.into_iter().map(Into::into).collect(),
            matching_files: found.matches.files,
            weekly_versions: found.weekly_versions,
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
