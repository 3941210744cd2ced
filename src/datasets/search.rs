//! Full-text search for datasets, limited to those that the caller can see.
//!
//! A transaction that changes a dataset queues the job that reindexes it, so that it is found within a second. A second
//! job looks every minute for datasets whose generation shows that their entry is outdated.

mod document;
mod order;
mod tokenizer;

use std::collections::HashMap;
use std::time::Duration;

use metastore::{CommitInfo, ObjectId, Reader, Ref};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use self::document::SearchHit;
use self::document::{IndexDocument, Source, normal};
pub use self::order::{Place, Sort};
pub use self::tokenizer::Kind;
use self::tokenizer::{heading, value, words};
use super::Datasets;
use crate::access::{DatasetGrant, Read, VisibleDatasets};
use crate::db::search::{FoundRow, Order, SearchInsert, SubjectRow, Term, Terms};
use crate::db::{Tx, signed, unsigned};
use crate::error::{self, Error, Result};
use crate::jobs;
use crate::types::{Id, Millis, OWN_DRIVE, OwnerKind, RepoPath, Visibility};

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

/// Maximum size in bytes of a package that is indexed.
const PACKAGE: u64 = 8 << 20;

/// Maximum size in bytes of a README that is indexed.
const README: u64 = 1 << 20;

/// File names of READMEs, in order of preference.
const READMES: [&str; 5] = ["README.md", "README", "README.txt", "README.rst", "readme.md"];

/// How long after a change a dataset is reindexed, so that many changes in a row are indexed together.
const INDEX_DELAY: Duration = Duration::from_millis(100);

/// Number of datasets that the job fetches at once.
const BATCH: i64 = 200;

/// Version of the indexing rules: it is part of the digest, so changing it reindexes all datasets.
const RULES: &[u8] = b"2";

/// A search query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<(String, bool)>,
    filters: Vec<String>,
    is_hopeless: bool,
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

    fn filters(&self) -> impl Iterator<Item = Term> {
        self.filters.iter().map(|filter| Term::new(filter, false))
    }

    /// Returns the terms for matches anywhere in the dataset.
    fn anywhere(&self) -> Vec<Term> {
        self.words.iter().map(|(word, is_beginning)| Term::new(word, *is_beginning)).chain(self.filters()).collect()
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
    /// The newest revision of its default branch.
    pub revision: Option<String>,
    /// True if the caller can see it only as a site administrator.
    pub is_by_administration: bool,
    /// Metadata for display.
    pub card: SearchHit,
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
        let in_heading =
            || Terms { all: query.in_heading().into_iter().chain(query.filters()).collect(), not_all: vec![] };
        let below = match after {
            Some(Place::Heading(number) | Place::Other(number)) => number,
            Some(Place::Created(_)) | None => i64::MAX,
        };
        match (sort, after) {
            (Sort::Created, _) => {
                let after = if let Some(Place::Created(id)) = after { Some(id) } else { None };
                let terms = Terms { all: query.anywhere(), not_all: vec![] };
                let found = tx.search(seen, &terms, Order::Created(after), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
            (Sort::Names, _) => {
                let names = query.words.iter().map(|(word, _)| Term::new(&heading(word), true));
                let terms = Terms { all: names.chain(query.filters()).collect(), not_all: vec![] };
                let found = tx.search(seen, &terms, Order::Changed(below), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
            (Sort::Relevance, after) if query.has_words() => {
                if !matches!(after, Some(Place::Other(_))) {
                    let found = tx.search(seen, &in_heading(), Order::Changed(below), wanted).await?;
                    rows.extend(found.into_iter().map(|row| (row, true)));
                }
                let missing = wanted - i64::try_from(rows.len()).unwrap_or(i64::MAX);
                if missing > 0 {
                    let below = if matches!(after, Some(Place::Other(_))) { below } else { i64::MAX };
                    let terms = Terms { all: query.anywhere(), not_all: query.in_heading() };
                    let found = tx.search(seen, &terms, Order::Changed(below), missing).await?;
                    rows.extend(found.into_iter().map(|row| (row, false)));
                }
            }
            (Sort::Relevance | Sort::Updated, _) => {
                let terms = Terms { all: query.anywhere(), not_all: vec![] };
                let found = tx.search(seen, &terms, Order::Changed(below), wanted).await?;
                rows.extend(found.into_iter().map(|row| (row, false)));
            }
        }
        drop(tx);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_more).map(|(row, in_heading)| match sort {
            Sort::Created => Place::Created(row.id),
            _ if *in_heading => Place::Heading(row.number),
            _ => Place::Other(row.number),
        });
        Ok(Page { found: rows.into_iter().map(|(row, _)| found(visible, row)).collect::<Result<_>>()?, next })
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
        let terms = Terms { all: query.anywhere(), not_all: vec![] };
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

    /// Reindexes all datasets that changed since they were last indexed, for whatever reason that was missed.
    pub async fn reindex_stale(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let stale = self.db.read_long().await?.search_stale(&after, BATCH).await?;
            let Some(last) = stale.last() else { return Ok(()) };
            after.clone_from(last);
            for id in &stale {
                let id: Id = id.parse()?;
                if let Err(error) = self.reindex(id).await {
                    // One dataset that cannot be read must not block the others.
                    tracing::warn!(%error, dataset = %id, "cannot index a dataset; the next run retries it");
                }
            }
        }
    }

    /// Updates the index entry of a dataset, unless it has been deleted.
    pub(crate) async fn reindex(&self, id: Id) -> Result<()> {
        match self.reindex_existing(id).await {
            Err(error) if error.kind() == error::Kind::NotFound => Ok(()),
            done => done,
        }
    }

    async fn reindex_existing(&self, id: Id) -> Result<()> {
        let snapshot = self.snapshot_of(id).await?;
        let subject = self.db.read().await?.search_subject(id).await?;
        let subject = subject.ok_or_else(|| Error::not_found("the dataset has been deleted"))?;
        let generation = signed(snapshot.state().generation);
        // Personal drives are not listed in the search; they have pages of their own.
        let is_listed = subject.owner_kind != OwnerKind::User.as_str() || subject.name != OWN_DRIVE;
        let now = self.clock.now();
        let seen = snapshot.read(move |reader| look(reader, &subject, now)).await?;
        let mut tx = self.db.write().await?;
        match seen {
            IndexOutcome::Same => tx.touch_search(id, generation).await?,
            IndexOutcome::New { digest, changed_at, draft } => {
                let card = serde_json::to_string(&draft.card).map_err(Error::internal)?;
                tx.lock_repo(id).await?;
                let insert = SearchInsert {
                    is_listed,
                    generation,
                    number: number(id, changed_at),
                    changed_at,
                    digest: &digest,
                    card: &card,
                    facets: &draft.facets,
                    words: &draft.words,
                };
                tx.put_search(id, &insert).await?;
            }
        }
        tx.commit().await
    }
}

/// The result of indexing a dataset.
enum IndexOutcome {
    Same,
    New { digest: String, changed_at: Millis, draft: Box<IndexDocument> },
}

fn look(reader: &Reader, subject: &SubjectRow, now: Millis) -> metastore::Result<IndexOutcome> {
    let state = reader.state();
    let head = state.find(&state.head).map(|head| head.target);
    let commit: Option<CommitInfo> = head.map(|head| reader.commit(head)).transpose()?;
    let changed_at = commit.map_or(subject.created_at, |commit| {
        // A client with a wrong clock must not put a dataset at the top for years.
        Millis(commit.committer.seconds.saturating_mul(1000).clamp(0, now.0))
    });
    let text_of = |name: &str| text_at(reader, head, name);
    let package = text_of(datapackage::PACKAGE)?;
    let mut readme = None;
    for name in READMES {
        if readme.is_none() {
            readme = text_of(name)?;
        }
    }
    let tags: Vec<String> =
        state.refs.iter().filter(|each| each.name.is_tag()).map(|tag: &Ref| tag.name.short().to_owned()).collect();

    let mut digest = Sha256::new_with_prefix(RULES);
    for part in [&subject.owner_name, &subject.name].into_iter().chain(&tags) {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    for id in [package, readme] {
        digest.update(id.map(|id| id.to_string()).unwrap_or_default().as_bytes());
        digest.update([0]);
    }
    let digest = hex::encode(digest.finalize());
    if subject.changed_at == Some(changed_at) && subject.digest.as_ref() == Some(&digest) {
        return Ok(IndexOutcome::Same);
    }

    let read = |id: Option<ObjectId>, most: u64| match id.map(|id| reader.blob(id, most)).transpose() {
        Ok(text) => Ok(text.unwrap_or_default()),
        // The dataset is indexed without this file.
        Err(metastore::Error::TooLarge(_)) => Ok(bytes::Bytes::new()),
        Err(error) => Err(error),
    };
    let package: Value = serde_json::from_slice(&read(package, PACKAGE)?).unwrap_or_default();
    let readme = read(readme, README)?;
    let readme = String::from_utf8_lossy(&readme);
    let (owner, name) = (subject.owner_name.as_str(), subject.name.as_str());
    let draft = IndexDocument::of(&Source { owner, name, package: &package, readme: &readme, tags: &tags });
    Ok(IndexOutcome::New { digest, changed_at, draft: Box::new(draft) })
}

/// Returns the blob of the file of this name, if it is stored in the repository itself.
fn text_at(reader: &Reader, head: Option<ObjectId>, name: &str) -> metastore::Result<Option<ObjectId>> {
    let Some(head) = head else { return Ok(None) };
    match reader.entry(head, &name.parse()?) {
        Ok(entry) => Ok((entry.size.is_some() && entry.pointer.is_none()).then_some(entry.id)),
        Err(metastore::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the sort number of a dataset: the second of its last change, and within it the end of its id, which is
/// random. So a number reveals nothing about other datasets.
fn number(id: Id, changed: Millis) -> i64 {
    let [.., a, b, c, d] = *id.as_bytes();
    let random = i64::from(u32::from_be_bytes([a, b, c, d]) >> 2);
    (signed(changed.seconds()) << 30) | random
}

fn found(visible: &VisibleDatasets, row: FoundRow) -> Result<Found> {
    Ok(Found {
        is_by_administration: visible.is_by_administration(row.id, row.owner_id, row.visibility),
        id: row.id,
        path: RepoPath::from_segments(&row.owner_name, &row.name)?,
        visibility: row.visibility,
        created: row.created_at,
        updated: row.changed_at,
        revision: row.revision,
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
