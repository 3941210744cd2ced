//! Full-text search for datasets, limited to those that the caller can see.
//!
//! A transaction that changes a dataset queues the job that reindexes it, so that it is found within a second. A second
//! job looks every minute for datasets whose generation shows that their entry is outdated.

mod document;
mod index;
mod names;
mod order;
mod passages;
mod tokenizer;

use std::collections::HashMap;
use std::time::Duration;

pub use self::document::SearchHit;
use self::document::normal;
pub use self::names::mark_name;
pub use self::order::{Place, Sort};
pub use self::passages::{Field, Match, Matches, Quotation};
pub use self::tokenizer::Kind;
use self::tokenizer::{heading, in_path, value, words};
use super::Datasets;
use crate::access::{DatasetGrant, Read, VisibleDatasets};
use crate::db::search::{FoundRow, Order, Term, Terms};
use crate::db::{Tx, unsigned};
use crate::error::{Error, Result};
use crate::jobs;
use crate::types::{Id, Millis, RepoPath, Visibility};

/// Maximum number of matches that are counted: the most recently updated ones.
pub const COUNTED: i64 = 10_000;

/// Maximum number of facet values returned per kind.
const VALUES: usize = 20;

/// Maximum number of words in a query.
const WORDS: usize = 32;

/// Maximum length in bytes of a pattern for names.
const MAX_PATTERN: usize = 256;

/// Minimum length in characters of a prefix search.
const BEGINNING: usize = 3;

/// Maximum number of results of which it is said what matches, and when they changed.
const EXPLAINED: usize = 100;

/// Number of bytes of passages that are searched for one point of the rate limits.
const BYTES_FOR_ONE: usize = 64 << 10;

/// How long after a change a dataset is reindexed, so that many changes in a row are indexed together.
const INDEX_DELAY: Duration = Duration::from_millis(100);

/// A search query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<(String, bool)>,
    filters: Vec<String>,
    is_hopeless: bool,
    only_files: bool,
    only_starred: bool,
}

impl Query {
    /// Parses a query: all words must match, anywhere; `clim*` matches words with that prefix. Characters that are not
    /// letters or digits only separate words.
    ///
    /// # Errors
    /// Invalid for too many words, or for too short a prefix.
    pub fn parse(text: &str) -> Result<Self> {
        let mut query = Self::default();
        for part in text.split_whitespace() {
            let found: Vec<String> = words(part).collect();
            let last = found.len().saturating_sub(1);
            for (index, word) in found.into_iter().enumerate() {
                let is_beginning = index == last && part.ends_with('*');
                if is_beginning && word.chars().count() < BEGINNING {
                    return Err(Error::invalid(format!(
                        "a prefix is too short; use at least {BEGINNING} characters before `*`"
                    )));
                }
                if !query.words.contains(&(word.clone(), is_beginning)) {
                    query.words.push((word, is_beginning));
                }
            }
            if query.words.len() > WORDS {
                return Err(Error::invalid(format!("too many search words; use at most {WORDS}")));
            }
        }
        query.is_hopeless = query.words.is_empty() && !text.trim().is_empty();
        Ok(query)
    }

    /// Returns true if the query contains words.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Adds a filter for a value.
    #[must_use]
    pub fn with(mut self, kind: Kind, text: &str) -> Self {
        let text = if kind == Kind::Tag { text.to_owned() } else { normal(text) };
        self.filters.push(value(kind, &text));
        self
    }

    /// Restricts the words to the paths of files: all of them must be in these.
    #[must_use]
    pub fn only_files(self) -> Self {
        Self { only_files: true, ..self }
    }

    /// Restricts the search to the datasets that the caller has starred.
    #[must_use]
    pub fn only_starred(self) -> Self {
        Self { only_starred: true, ..self }
    }

    /// Returns true if only starred datasets are searched.
    pub fn is_starred_only(&self) -> bool {
        self.only_starred
    }

    fn filters(&self) -> impl Iterator<Item = Term> {
        self.filters.iter().map(|filter| Term::new(filter, false))
    }

    /// Returns the terms for matches anywhere in the dataset.
    fn anywhere(&self) -> Vec<Term> {
        let term = |(word, is_beginning): &(String, bool)| {
            if self.only_files { Term::new(&in_path(word), *is_beginning) } else { Term::new(word, *is_beginning) }
        };
        self.words.iter().map(term).chain(self.filters()).collect()
    }

    /// Returns the terms of a search in the database.
    fn terms(&self, all: Vec<Term>, not_all: Vec<Term>) -> Terms {
        Terms { all, not_all, starred: self.only_starred }
    }

    /// Returns the terms for matches of all words in the name or title.
    fn in_heading(&self) -> Vec<Term> {
        self.words.iter().map(|(word, is_beginning)| Term::new(&heading(word), *is_beginning)).collect()
    }
}

/// A search result.
#[derive(Debug, Clone)]
pub struct Found {
    /// Id of the dataset.
    pub id: Id,
    /// Path of the dataset (`owner/name`).
    pub path: RepoPath,
    /// Visibility of the dataset.
    pub visibility: Visibility,
    /// Creation time.
    pub created: Millis,
    /// Time of its newest revision.
    pub updated: Millis,
    /// Name of its default branch.
    pub branch: String,
    /// The newest revision of its default branch.
    pub revision: Option<String>,
    /// Number of users who have starred it.
    pub stars: u64,
    /// True if the caller has starred it.
    pub is_starred: bool,
    /// True if the caller can see it only as a site administrator.
    pub is_by_administration: bool,
    /// New versions per week, the oldest week first; empty without any, and until [`Datasets::count_versions`] is called.
    pub weekly_versions: Vec<u64>,
    /// Metadata for display.
    pub card: SearchHit,
    /// What matches, once [`Datasets::explain`] has found it.
    pub matches: Matches,
}

/// A page of results.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The results, in order.
    pub found: Vec<Found>,
    /// Cursor of the next page, if there is one.
    pub next: Option<Place>,
}

/// Facet counts of the matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Number of matches, up to [`COUNTED`].
    pub total: u64,
    /// True if `total` is exact.
    pub is_exact: bool,
    /// The most frequent owners.
    pub owners: Vec<(String, u64)>,
    /// The most frequent keywords, formats and licenses, in this order.
    pub values: [Vec<(String, u64)>; 3],
}

impl Datasets {
    /// Searches the datasets that the caller can see. The result reveals nothing about other datasets: neither their
    /// number nor their content, and the order does not depend on them.
    pub async fn search(
        &self,
        visible: &VisibleDatasets,
        query: &Query,
        sort: Sort,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Page> {
        if query.is_hopeless {
            return Ok(Page::default());
        }
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let seen = visible.seen();
        let mut tx = self.db.read().await?;
        let mut rows: Vec<(FoundRow, bool)> = Vec::new();
        let in_heading = || query.terms(query.in_heading().into_iter().chain(query.filters()).collect(), vec![]);
        let below = match after {
            Some(Place::Heading(number) | Place::Other(number)) => number,
            Some(Place::Created(_) | Place::Stars(..)) | None => i64::MAX,
        };
        match (sort, after) {
            (Sort::Stars, _) => {
                let after = if let Some(Place::Stars(stars, id)) = after { Some((stars, id)) } else { None };
                let terms = query.terms(query.anywhere(), vec![]);
                let found = tx.search(seen, &terms, Order::Stars(after), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
            (Sort::Created, _) => {
                let after = if let Some(Place::Created(id)) = after { Some(id) } else { None };
                let terms = query.terms(query.anywhere(), vec![]);
                let found = tx.search(seen, &terms, Order::Created(after), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
            (Sort::Names, _) => {
                let names = query.words.iter().map(|(word, _)| Term::new(&heading(word), true));
                let terms = query.terms(names.chain(query.filters()).collect(), vec![]);
                let found = tx.search(seen, &terms, Order::Changed(below), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
            (Sort::Relevance, after) if query.has_words() && !query.only_files => {
                if !matches!(after, Some(Place::Other(_))) {
                    let found = tx.search(seen, &in_heading(), Order::Changed(below), wanted).await?;
                    rows.extend(found.into_iter().map(|row| (row, true)));
                }
                let missing = wanted - i64::try_from(rows.len()).unwrap_or(i64::MAX);
                if missing > 0 {
                    let below = if matches!(after, Some(Place::Other(_))) { below } else { i64::MAX };
                    let terms = query.terms(query.anywhere(), query.in_heading());
                    let found = tx.search(seen, &terms, Order::Changed(below), missing).await?;
                    rows.extend(found.into_iter().map(|row| (row, false)));
                }
            }
            (Sort::Relevance | Sort::Updated, _) => {
                let terms = query.terms(query.anywhere(), vec![]);
                let found = tx.search(seen, &terms, Order::Changed(below), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
        }
        drop(tx);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_more).map(|(row, in_heading)| match sort {
            Sort::Created => Place::Created(row.id),
            Sort::Stars => Place::Stars(unsigned(row.stars), row.id),
            _ if *in_heading => Place::Heading(row.number),
            _ => Place::Other(row.number),
        });
        Ok(Page { found: rows.into_iter().map(|(row, _)| found(visible, row)).collect::<Result<_>>()?, next })
    }

    /// Finds what of each result matches, for the first hundred of a page. Returns the work in points of the rate limits.
    pub async fn explain(&self, query: &Query, page: &mut Page) -> Result<usize> {
        if !query.has_words() || page.found.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Id> = page.found.iter().take(EXPLAINED).map(|found| found.id).collect();
        let passages = self.db.read().await?.search_passages(&ids).await?;
        let work = passages.iter().map(|(_, text)| text.len()).sum::<usize>().div_ceil(BYTES_FOR_ONE);
        let (words, only_files) = (query.words.clone(), query.only_files);
        let matches = crate::blocking(move || {
            let matches = |(id, text): (Id, String)| (id, passages::find(&words, &text, only_files));
            passages.into_iter().map(matches).collect::<HashMap<Id, Matches>>()
        });
        let mut matches = matches.await?;
        for found in &mut page.found {
            found.matches = matches.remove(&found.id).unwrap_or_default();
        }
        Ok(work)
    }

    /// Counts the versions of each result in the last weeks, for the first hundred of a page.
    pub async fn count_versions(&self, page: &mut Page) -> Result<()> {
        let ids: Vec<Id> = page.found.iter().take(EXPLAINED).map(|found| found.id).collect();
        let mut counted = self.weekly_versions(&ids).await?;
        for found in &mut page.found {
            found.weekly_versions = counted.remove(&found.id).map(Vec::from).unwrap_or_default();
        }
        Ok(())
    }

    /// Returns the names of datasets that the caller can see and that match an SQL pattern with `%` and `_`, in order.
    ///
    /// # Errors
    /// Invalid for a pattern that is too long, or that ends with `\`.
    pub async fn matching_names(
        &self,
        visible: &VisibleDatasets,
        pattern: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        if let Some(pattern) = pattern {
            let escapes = pattern.len() - pattern.trim_end_matches('\\').len();
            if pattern.len() > MAX_PATTERN || pattern.contains('\0') || escapes % 2 == 1 {
                return Err(Error::invalid(format!(
                    "a pattern for datasets must have at most {MAX_PATTERN} bytes, and must not end with \\"
                )));
            }
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.read().await?.search_names(visible.seen(), pattern, limit).await
    }

    /// Returns what lists show of a dataset: that of its newest revision, empty until it has been indexed.
    pub async fn search_hit(&self, grant: &DatasetGrant<Read>) -> Result<SearchHit> {
        let card = self.db.read().await?.search_card(grant.id()).await?;
        card.map_or_else(|| Ok(SearchHit::default()), |card| serde_json::from_str(&card).map_err(Error::internal))
    }

    /// Counts the matches of [`Datasets::search`] by facet.
    pub async fn count(&self, visible: &VisibleDatasets, query: &Query) -> Result<Counts> {
        if query.is_hopeless {
            return Ok(Counts { is_exact: true, ..Counts::default() });
        }
        let terms = query.terms(query.anywhere(), vec![]);
        let mut tx = self.db.read().await?;
        let (total, text) = tx.count_search(visible.seen(), &terms, COUNTED + 1).await?;
        let (owners, values) = tally(&text);
        let mut named = Vec::with_capacity(owners.len());
        for (owner, number) in owners {
            if let Some(name) = tx.owner_name(owner.parse()?).await? {
                named.push((name.to_string(), number));
            }
        }
        Ok(Counts { total: unsigned(total.min(COUNTED)), is_exact: total <= COUNTED, owners: named, values })
    }

    /// Commits a transaction that changed a dataset, and queues in it the job that reindexes the dataset.
    pub(crate) async fn commit_and_index(&self, mut tx: Tx, id: Id) -> Result<()> {
        jobs::enqueue(&mut tx, &self.clock, jobs::Kind::IndexDataset, &id.to_string(), INDEX_DELAY).await?;
        tx.commit().await?;
        self.queued.notify_one();
        Ok(())
    }
}

fn found(visible: &VisibleDatasets, row: FoundRow) -> Result<Found> {
    Ok(Found {
        is_by_administration: visible.is_by_administration(row.id, row.owner_id, row.visibility),
        id: row.id,
        path: RepoPath::from_segments(&row.owner_name, &row.name)?,
        visibility: row.visibility,
        created: row.created_at,
        updated: row.changed_at,
        branch: row.head.strip_prefix("refs/heads/").unwrap_or(&row.head).to_owned(),
        revision: row.revision,
        stars: unsigned(row.stars),
        is_starred: row.starred > 0,
        weekly_versions: Vec::new(),
        matches: Matches::default(),
        card: serde_json::from_str(&row.card).map_err(Error::internal)?,
    })
}

/// The most frequent owners and values.
type FacetCounts<'a> = (Vec<(&'a str, u64)>, [Vec<(String, u64)>; 3]);

/// Counts the facets in the result of [`Tx::count_search`](crate::db::Tx::count_search).
fn tally(text: &str) -> FacetCounts<'_> {
    let mut owners: HashMap<&str, u64> = HashMap::new();
    let mut values: HashMap<&str, u64> = HashMap::new();
    for dataset in text.split('\u{1e}').take(usize::try_from(COUNTED).unwrap_or(usize::MAX)) {
        let mut parts = dataset.split('\u{1f}');
        if let Some(owner) = parts.next().filter(|owner| !owner.is_empty()) {
            *owners.entry(owner).or_default() += 1;
        }
        for value in parts {
            *values.entry(value).or_default() += 1;
        }
    }
    let of_kind = |kind: Kind| {
        let of_kind = values.iter().filter_map(|(value, number)| Some((value.strip_prefix(kind.tag())?, *number)));
        commonest(of_kind.collect()).into_iter().map(|(value, number)| (value.to_owned(), number)).collect()
    };
    (commonest(owners.into_iter().collect()), Kind::COUNTED.map(of_kind))
}

fn commonest(mut counted: Vec<(&str, u64)>) -> Vec<(&str, u64)> {
    counted.sort_unstable_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    counted.truncate(VALUES);
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_words() {
        let query = Query::parse("Birds* NEAR/2 \"of\" OR *").unwrap();
        let words: Vec<(&str, bool)> = query.words.iter().map(|(word, begins)| (word.as_str(), *begins)).collect();
        assert_eq!(words, [("bird", true), ("near", false), ("2", false), ("of", false), ("or", false)]);
        assert!(Query::parse("\"*'\0").unwrap().is_hopeless);
        assert!(!Query::parse("  ").unwrap().is_hopeless);
        assert!(Query::parse("ab*").is_err());
        let many: Vec<String> = (0..100).map(|number| format!("w{number}")).collect();
        assert!(Query::parse(&many.join(" ")).is_err());
        assert!(Query::parse(&"x ".repeat(5000)).is_ok());
    }

    #[test]
    fn facets_are_ordered_by_count() {
        let text = "a\u{1f}kx\u{1f}fcsv\u{1e}b\u{1f}ky\u{1f}kx\u{1e}a";
        let (owners, [keywords, formats, licenses]) = tally(text);
        assert_eq!(owners, [("a", 2), ("b", 1)]);
        assert_eq!(keywords, [("x".to_owned(), 2), ("y".to_owned(), 1)]);
        assert_eq!(formats, [("csv".to_owned(), 1)]);
        assert!(licenses.is_empty());
        assert_eq!(tally(""), (vec![], [vec![], vec![], vec![]]));
    }
}
