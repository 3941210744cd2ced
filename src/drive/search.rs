//! Datasets found by what they say, as far as somebody may see them.
//!
//! A dataset is looked at again when something landed in it, before the request that did it is answered. Should that
//! fail, its generation tells that it has changed since, and a job looks at it within a minute.

mod draft;
mod words;

use std::collections::HashMap;
use std::time::Duration;

use metastore::{CommitInfo, ObjectId, Reader, Ref};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use self::draft::Card;
use self::draft::{Draft, Source, normal};
pub use self::words::Kind;
use self::words::{heading, value, words};
use super::Drive;
use crate::access::Sight;
use crate::db::search::{FoundRow, Order, SearchInsert, SubjectRow, Term, Terms};
use crate::db::{signed, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, Millis, OWN_DRIVE, OwnerKind, RepoPath, Visibility};

/// Matches that are counted at most: the ones that changed last.
pub const COUNTED: i64 = 10_000;

/// Values that are told of each kind.
const VALUES: usize = 20;

/// Words of a query.
const WORDS: usize = 32;

/// Letters of a beginning of a word that is looked for.
const BEGINNING: usize = 3;

/// Bytes of the largest package that is looked into.
const PACKAGE: u64 = 8 << 20;

/// Bytes of the largest text about the dataset that is looked into.
const README: u64 = 1 << 20;

/// What a text about the dataset is called, the likeliest first.
const READMES: [&str; 5] = ["README.md", "README", "README.txt", "README.rst", "readme.md"];

/// Where nothing else changed, the time of a new revision may be told so much later: then a job looks.
const TARDY: Duration = Duration::from_mins(1);

/// Datasets that the job asks for at once.
const BATCH: i64 = 200;

/// The rules by which datasets are looked at: others make other digests.
const RULES: &[u8] = b"2";

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<(String, bool)>,
    filters: Vec<String>,
    is_hopeless: bool,
}

impl Query {
    /// All of these words, wherever they stand; `clim*` stands for words that begin so. Whatever is no letter and no
    /// digit only separates words.
    ///
    /// # Errors
    /// Invalid for too many words, or for too short a beginning.
    pub fn parse(text: &str) -> Result<Self> {
        let mut query = Self::default();
        for part in text.split_whitespace() {
            let found: Vec<String> = words(part).collect();
            let last = found.len().saturating_sub(1);
            for (index, word) in found.into_iter().enumerate() {
                let is_beginning = index == last && part.ends_with('*');
                if is_beginning && word.chars().count() < BEGINNING {
                    return Err(Error::invalid(format!("write at least {BEGINNING} letters before a `*`")));
                }
                if !query.words.contains(&(word.clone(), is_beginning)) {
                    query.words.push((word, is_beginning));
                }
            }
            if query.words.len() > WORDS {
                return Err(Error::invalid(format!("look for at most {WORDS} words at once")));
            }
        }
        query.is_hopeless = query.words.is_empty() && !text.trim().is_empty();
        Ok(query)
    }

    /// Whether words are looked for.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// And with this value.
    #[must_use]
    pub fn with(mut self, kind: Kind, text: &str) -> Self {
        let text = if kind == Kind::Tag { text.to_owned() } else { normal(text) };
        self.filters.push(value(kind, &text));
        self
    }

    fn filters(&self) -> impl Iterator<Item = Term> {
        self.filters.iter().map(|filter| Term::new(filter, false))
    }

    /// What says all of it anywhere.
    fn anywhere(&self) -> Vec<Term> {
        self.words.iter().map(|(word, is_beginning)| Term::new(word, *is_beginning)).chain(self.filters()).collect()
    }

    /// What has all words in its name or title.
    fn in_heading(&self) -> Vec<Term> {
        self.words.iter().map(|(word, is_beginning)| Term::new(&heading(word), *is_beginning)).collect()
    }
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// What has the words in its name or title; then what changed last.
    Relevance,
    /// What changed last.
    Updated,
    /// What was made last.
    Created,
    /// As for `Updated`, but only what has words that begin so in its name or title.
    Names,
}

/// Where a page begins: behind the last one of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among those that have the words in their name or title, below this number.
    Heading(i64),
    /// Among the others, below this number.
    Other(i64),
    /// Among all, made before this one.
    Created(Id),
}

/// A dataset that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: Id,
    /// Where it is.
    pub path: RepoPath,
    /// Who sees it.
    pub visibility: Visibility,
    /// When it was made.
    pub created: Millis,
    /// When its newest revision was made, to the minute.
    pub updated: Millis,
    /// The newest revision of its default branch.
    pub revision: Option<String>,
    /// Whether the caller sees it for no other reason than that they administer the site.
    pub is_by_administration: bool,
    /// What it says of itself.
    pub card: Card,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What was found, in order.
    pub found: Vec<Found>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// How many there are of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many there are, up to [`COUNTED`].
    pub total: u64,
    /// Whether there are no more.
    pub is_exact: bool,
    /// The commonest owners.
    pub owners: Vec<(String, u64)>,
    /// The commonest keywords, formats and licenses, in this order.
    pub values: [Vec<(String, u64)>; 3],
}

impl Drive {
    /// Finds datasets that somebody may see. Nothing about the others shows: neither how many there are, nor what
    /// they say, and the order does not depend on them.
    pub async fn search(
        &self,
        sight: &Sight,
        query: &Query,
        sort: Sort,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Page> {
        if query.is_hopeless {
            return Ok(Page::default());
        }
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let seen = sight.seen();
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
        Ok(Page { found: rows.into_iter().map(|(row, _)| found(sight, row)).collect::<Result<_>>()?, next })
    }

    /// Counts what [`Drive::search`] would find, and what of.
    pub async fn count(&self, sight: &Sight, query: &Query) -> Result<Counts> {
        if query.is_hopeless {
            return Ok(Counts { is_exact: true, ..Counts::default() });
        }
        let terms = Terms { all: query.anywhere(), not_all: vec![] };
        let mut tx = self.db.read().await?;
        let (total, text) = tx.count_search(sight.seen(), &terms, COUNTED + 1).await?;
        let (owners, values) = tally(&text);
        let mut named = Vec::with_capacity(owners.len());
        for (owner, number) in owners {
            if let Some(name) = tx.owner_name(owner.parse()?).await? {
                named.push((name.to_string(), number));
            }
        }
        Ok(Counts { total: unsigned(total.min(COUNTED)), is_exact: total <= COUNTED, owners: named, values })
    }

    /// Looks at a dataset, now that something landed in it. What fails here is done by the job.
    pub(crate) async fn look(&self, id: Id) {
        if let Err(error) = Box::pin(self.look_at(id, TARDY)).await {
            tracing::warn!(%error, dataset = %id, "a dataset is found by what it said before, for a minute");
        }
    }

    /// Looks at all datasets that changed since they were looked at: those that nobody has looked at yet, and those
    /// whose server died.
    pub async fn look_around(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let stale = self.db.read_long().await?.search_stale(&after, BATCH).await?;
            let Some(last) = stale.last() else { return Ok(()) };
            after.clone_from(last);
            for id in &stale {
                let id: Id = id.parse()?;
                match self.look_at(id, Duration::ZERO).await {
                    Err(error) if error.kind() != crate::error::Kind::NotFound => {
                        // One that cannot be read must not keep all others.
                        tracing::warn!(%error, dataset = %id, "a dataset cannot be looked at; the next round tries again");
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
    }

    async fn look_at(&self, id: Id, tardy: Duration) -> Result<()> {
        let snapshot = self.snapshot_of(id).await?;
        let subject = self.db.read().await?.search_subject(id).await?;
        let subject = subject.ok_or_else(|| Error::not_found("the dataset was deleted meanwhile"))?;
        let generation = signed(snapshot.state().generation);
        // Drives are found by those who may see them on pages of their own.
        let is_listed = subject.owner_kind != OwnerKind::User.as_str() || subject.name != OWN_DRIVE;
        let now = self.clock.now();
        let seen = snapshot.read(move |reader| look(reader, &subject, now, tardy));
        let mut tx;
        match seen.await? {
            Look::Same => {
                if !tardy.is_zero() {
                    return Ok(());
                }
                tx = self.db.write().await?;
                tx.touch_search(id, generation).await?;
            }
            Look::New { digest, changed_at, draft } => {
                let card = serde_json::to_string(&draft.card).map_err(Error::internal)?;
                tx = self.db.write().await?;
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

/// What a look at a dataset gives.
enum Look {
    Same,
    New { digest: String, changed_at: Millis, draft: Box<Draft> },
}

fn look(reader: &Reader, subject: &SubjectRow, now: Millis, tardy: Duration) -> metastore::Result<Look> {
    let state = reader.state();
    let head = state.find(&state.head).map(|head| head.target);
    let commit: Option<CommitInfo> = head.map(|head| reader.commit(head)).transpose()?;
    let changed_at = commit.map_or(subject.created_at, |commit| {
        // A clock that is wrong must not put a dataset before all others for years.
        Millis(commit.committer.seconds.saturating_mul(1000).clamp(0, now.0))
    });
    let text_of = |name: &str| text_at(reader, head, name);
    let package = text_of(metastore::package::PACKAGE)?;
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
    let is_near = subject.changed_at.is_some_and(|known| {
        let apart = changed_at.0.abs_diff(known.0);
        apart == 0 || u128::from(apart) < tardy.as_millis()
    });
    if is_near && subject.digest.as_ref() == Some(&digest) {
        return Ok(Look::Same);
    }

    let read = |id: Option<ObjectId>, most: u64| match id.map(|id| reader.blob(id, most)).transpose() {
        Ok(text) => Ok(text.unwrap_or_default()),
        // It is found by what else there is.
        Err(metastore::Error::TooLarge(_)) => Ok(bytes::Bytes::new()),
        Err(error) => Err(error),
    };
    let package: Value = serde_json::from_slice(&read(package, PACKAGE)?).unwrap_or_default();
    let readme = read(readme, README)?;
    let readme = String::from_utf8_lossy(&readme);
    let (owner, name) = (subject.owner_name.as_str(), subject.name.as_str());
    let draft = Draft::of(&Source { owner, name, package: &package, readme: &readme, tags: &tags });
    Ok(Look::New { digest, changed_at, draft: Box::new(draft) })
}

/// The file of this name, if there is one in the repository itself.
fn text_at(reader: &Reader, head: Option<ObjectId>, name: &str) -> metastore::Result<Option<ObjectId>> {
    let Some(head) = head else { return Ok(None) };
    match reader.entry(head, &name.parse()?) {
        Ok(entry) => Ok((entry.size.is_some() && entry.pointer.is_none()).then_some(entry.id)),
        Err(metastore::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a dataset stands among all: by the second in which it changed, and within it by the end of its id, which is
/// random. So the number of one says nothing of others.
fn number(id: Id, changed: Millis) -> i64 {
    let [.., a, b, c, d] = *id.as_bytes();
    let random = i64::from(u32::from_be_bytes([a, b, c, d]) >> 2);
    (signed(changed.seconds()) << 30) | random
}

fn found(sight: &Sight, row: FoundRow) -> Result<Found> {
    Ok(Found {
        is_by_administration: sight.is_by_administration(row.id, row.owner_id, row.visibility),
        id: row.id,
        path: RepoPath::from_segments(&row.owner_name, &row.name)?,
        visibility: row.visibility,
        created: row.created_at,
        updated: row.changed_at,
        revision: row.revision,
        card: serde_json::from_str(&row.card).map_err(Error::internal)?,
    })
}

/// The commonest owners and values.
type Tally<'a> = (Vec<(&'a str, u64)>, [Vec<(String, u64)>; 3]);

/// Counts what [`Tx::count_search`](crate::db::Tx::count_search) gives.
fn tally(text: &str) -> Tally<'_> {
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
        let of_kind = values.iter().filter_map(|(value, number)| Some((value.strip_prefix(kind.letter())?, *number)));
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
    fn the_commonest_come_first() {
        let text = "a\u{1f}kx\u{1f}fcsv\u{1e}b\u{1f}ky\u{1f}kx\u{1e}a";
        let (owners, [keywords, formats, licenses]) = tally(text);
        assert_eq!(owners, [("a", 2), ("b", 1)]);
        assert_eq!(keywords, [("x".to_owned(), 2), ("y".to_owned(), 1)]);
        assert_eq!(formats, [("csv".to_owned(), 1)]);
        assert!(licenses.is_empty());
        assert_eq!(tally(""), (vec![], [vec![], vec![], vec![]]));
    }
}
