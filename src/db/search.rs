//! The search index of datasets, with visibility filtering.
//!
//! `search_card` has what is displayed of a dataset, `search` the columns read for every match, and the words are
//! in the engine's own full-text index: `search_text` (FTS5) or `search.words` (a `tsvector` under GIN).
//! Tokenization is the same for both, because nothing is left to their parsers.

mod index;

use sqlx_macros::FromRow;

pub use self::index::{SearchInsert, SubjectRow};
use super::query::{Argument, Query, query, query_scalar};
use super::{Tx, listed, unsigned};
use crate::error::Result;
use crate::types::{Id, Millis, Visibility};

/// The datasets that a reader may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VisibilityFilter {
    /// True to see every dataset.
    pub all: bool,
    /// True to see internal datasets.
    pub internal: bool,
    /// Owners whose datasets are visible.
    pub owners: Vec<Id>,
    /// Datasets shared as a whole.
    pub shared: Vec<Id>,
    /// Restricts all of the above; public datasets are always visible.
    pub only: Option<ScopeFilter>,
    /// The reader, if they are a user: whose stars are meant.
    pub reader: Option<Id>,
}

/// The restriction of a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeFilter {
    /// Owners whose datasets are included.
    pub owners: Vec<Id>,
    /// Single datasets that are included.
    pub datasets: Vec<Id>,
}

/// A search term. It contains no characters that an engine could interpret as query syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    text: String,
    is_beginning: bool,
}

impl Term {
    /// Creates a term for a whole word, or with `is_beginning` for a prefix.
    pub fn new(text: &str, is_beginning: bool) -> Self {
        Self { text: text.chars().filter(|c| c.is_alphanumeric() || *c == '=').collect(), is_beginning }
    }
}

/// The terms of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// All of these must match.
    pub all: Vec<Term>,
    /// At least one of these must not match, if there are any.
    pub not_all: Vec<Term>,
    /// True for only the datasets that the reader has starred.
    pub starred: bool,
}

impl Terms {
    /// Formats the search for FTS5 ("Full-text Query Syntax"); `None` if there are no terms.
    fn fts(&self) -> Option<String> {
        self.describe(" AND ", " NOT ", |Term { text, is_beginning }| {
            format!("\"{text}\"{}", if *is_beginning { "*" } else { "" })
        })
    }

    /// Formats the search for PostgreSQL (`tsquery`).
    fn tsquery(&self) -> Option<String> {
        self.describe(" & ", " & !", |Term { text, is_beginning }| {
            format!("'{text}'{}", if *is_beginning { ":*" } else { "" })
        })
    }

    fn describe(&self, and: &str, not: &str, term: impl Fn(&Term) -> String) -> Option<String> {
        let list = |terms: &[Term]| terms.iter().map(&term).collect::<Vec<_>>().join(and);
        match (self.all.is_empty(), self.not_all.is_empty()) {
            (true, _) => None,
            (false, true) => Some(list(&self.all)),
            (false, false) => Some(format!("({}){not}({})", list(&self.all), list(&self.not_all))),
        }
    }
}

/// The sort order, with the cursor of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Most recently changed first; only numbers below this one.
    Changed(i64),
    /// Newest dataset first; only those created before this one.
    Created(Option<Id>),
    /// Most stars first; only those after the dataset with this number of stars and this id.
    Stars(Option<(u64, Id)>),
}

/// A search result.
#[derive(Debug, Clone, FromRow)]
pub struct FoundRow {
    /// Its number in the order of changes.
    pub number: i64,
    /// Id of the dataset.
    pub id: Id,
    /// Id of the owner.
    pub owner_id: Id,
    /// Name of the owner.
    pub owner_name: String,
    /// Name of the dataset.
    pub name: String,
    /// Visibility of the dataset.
    pub visibility: Visibility,
    /// Creation time.
    pub created_at: Millis,
    /// Time of its newest revision.
    pub changed_at: Millis,
    /// What is displayed of it, as JSON.
    pub card: String,
    /// Full name of its default branch.
    pub head: String,
    /// Head of its default branch.
    pub revision: Option<String>,
    /// Number of users who have starred it.
    pub stars: i64,
    /// 1 if the reader has starred it.
    pub starred: i64,
}

macro_rules! sqlite_list {
    ($parameter:literal) => {
        concat!("IN (SELECT value FROM json_each(", $parameter, "))")
    };
}

macro_rules! postgres_list {
    ($parameter:literal) => {
        concat!("= ANY(", $parameter, ")")
    };
}

/// SQL condition: the reader may see row `s`, and has starred it if that is asked for. It must agree with what
/// `Access::authorize` decides for one dataset.
macro_rules! seen {
    ($list:ident) => {
        concat!(
            "(s.visibility = 'public' OR (($3 OR s.owner_id ",
            $list!("$4"),
            " OR ($5 AND s.visibility = 'internal') OR s.number IN (
                   SELECT own.number FROM search_card own WHERE own.repo_id ",
            $list!("$9"),
            ")) AND ($6 OR s.owner_id ",
            $list!("$7"),
            " OR s.number IN (SELECT own.number FROM search_card own WHERE own.repo_id ",
            $list!("$8"),
            ")))) AND (NOT $11 OR s.number IN (
                SELECT own.number FROM star st JOIN search_card own ON own.repo_id = st.repo_id WHERE st.user_id = $10))"
        )
    };
}

/// Selects the matches in order of change: `$1` maximum number (exclusive), `$2` limit, `$12` terms.
macro_rules! changed {
    ($columns:literal, sqlite, matching) => {
        // CROSS JOIN fixes the order: the index returns the matches sorted, and the scan stops at the limit.
        concat!(
            "SELECT ",
            $columns,
            " FROM search_text t CROSS JOIN search s ON s.number = t.rowid
              WHERE search_text MATCH $12 AND t.rowid < $1 AND ",
            seen!(sqlite_list),
            " ORDER BY t.rowid DESC LIMIT $2"
        )
    };
    ($columns:literal, postgres, matching) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM search s WHERE s.words @@ $12::tsquery AND s.number < $1 AND ",
            seen!(postgres_list),
            " ORDER BY s.number DESC LIMIT $2"
        )
    };
    ($columns:literal, $list:ident) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM search s WHERE s.number < $1 AND ",
            seen!($list),
            " ORDER BY s.number DESC LIMIT $2"
        )
    };
}

/// Selects the matches in order of creation: ids grow with time.
macro_rules! created {
    ($list:ident, $matching:literal) => {
        concat!(
            "SELECT s.number FROM search_card n JOIN search s ON s.number = n.number WHERE n.repo_id < $1 AND ",
            $matching,
            seen!($list),
            " ORDER BY n.repo_id DESC LIMIT $2"
        )
    };
}

/// Selects the matches in order of their stars: `$1` begins with the number of stars of the last dataset, in as many digits
/// as the largest number has; its id follows.
macro_rules! stars {
    ($list:ident, $matching:literal) => {
        concat!(
            "SELECT s.number FROM dataset k JOIN search_card n ON n.repo_id = k.id JOIN search s ON s.number = n.number
             WHERE (k.stars, k.id) < (CAST(substr($1, 1, 19) AS BIGINT), substr($1, 20)) AND ",
            $matching,
            seen!($list),
            " ORDER BY k.stars DESC, k.id DESC LIMIT $2"
        )
    };
}

/// Selects the columns of a page of results.
macro_rules! page {
    ($inner:expr, $order:literal) => {
        concat!(
            "SELECT m.number, d.id, d.owner_id, o.name AS owner_name, d.name, d.visibility, d.created_at, c.changed_at, c.card,
                    d.head, r.target AS revision, d.stars,
                    (SELECT COUNT(*) FROM star st WHERE st.repo_id = d.id AND st.user_id = $10) AS starred FROM (",
            $inner,
            ") m JOIN search_card c ON c.number = m.number JOIN dataset d ON d.id = c.repo_id
             JOIN owner o ON o.id = d.owner_id LEFT JOIN git_ref r ON r.repo_id = d.id AND r.name = d.head
             ORDER BY ",
            $order
        )
    };
}

macro_rules! counted {
    ($joined:literal, $inner:expr) => {
        concat!("SELECT COUNT(*), ", $joined, " FROM (", $inner, ") f")
    };
}

/// Selects the names of datasets that match a pattern: `$1` maximum number (exclusive), `$2` limit, `$12` the pattern.
macro_rules! named {
    ($list:ident) => {
        concat!(
            "SELECT o.name || '/' || d.name FROM search s JOIN search_card c ON c.number = s.number
             JOIN dataset d ON d.id = c.repo_id JOIN owner o ON o.id = d.owner_id
             WHERE s.number < $1 AND lower(o.name || '/' || d.name) LIKE lower($12) ESCAPE '\\' AND ",
            seen!($list),
            " ORDER BY 1 LIMIT $2"
        )
    };
}

/// Counts the datasets of the owner `$12`: `$1` maximum number (exclusive), `$2` limit.
macro_rules! owned {
    ($list:ident) => {
        concat!(
            "SELECT COUNT(*) FROM (SELECT s.number FROM dataset d JOIN search_card c ON c.repo_id = d.id
             JOIN search s ON s.number = c.number WHERE d.owner_id = $12 AND s.number < $1 AND ",
            seen!($list),
            " LIMIT $2) f"
        )
    };
}

/// What every search of a reader has in common.
struct Filter<'a> {
    seen: &'a VisibilityFilter,
    /// The terms, in the syntax of the engine.
    expression: Option<String>,
    starred: bool,
    is_sqlite: bool,
}

impl<'a> Filter<'a> {
    fn new(tx: &Tx, seen: &'a VisibilityFilter, terms: &Terms) -> Self {
        let (expression, is_sqlite) = match tx {
            Tx::Sqlite(_) => (terms.fts(), true),
            Tx::Postgres(_) => (terms.tsquery(), false),
        };
        Self { seen, expression, starred: terms.starred, is_sqlite }
    }

    /// Creates a query with the parameters that all searches share. They differ too much for PostgreSQL to reuse
    /// one plan.
    fn query(&self, sql: &'static str, first: impl Into<Argument>, limit: i64) -> Query {
        let none = ScopeFilter::default();
        let only = self.seen.only.as_ref().unwrap_or(&none);
        let query = query(sql)
            .bind(first)
            .bind(limit)
            .bind(self.seen.all)
            .bind(self.seen.owners.as_slice())
            .bind(self.seen.internal)
            .bind(self.seen.only.is_none())
            .bind(only.owners.as_slice())
            .bind(only.datasets.as_slice())
            .bind(self.seen.shared.as_slice())
            .bind(self.seen.reader.map(|id| id.to_string()).unwrap_or_default())
            .bind(self.starred);
        let query = match &self.expression {
            Some(expression) => query.bind(expression),
            None => query,
        };
        query.persistent(self.is_sqlite)
    }
}

impl Tx {
    /// Returns the next matching datasets that are visible, in order.
    pub async fn search(
        &mut self,
        seen: &VisibilityFilter,
        terms: &Terms,
        order: Order,
        limit: i64,
    ) -> Result<Vec<FoundRow>> {
        let filter = Filter::new(self, seen, terms);
        let (is_sqlite, is_matching) = (filter.is_sqlite, filter.expression.is_some());
        match order {
            Order::Changed(below) => {
                let sql = match (is_sqlite, is_matching) {
                    (true, true) => page!(changed!("s.number", sqlite, matching), "m.number DESC"),
                    (true, false) => page!(changed!("s.number", sqlite_list), "m.number DESC"),
                    (false, true) => page!(changed!("s.number", postgres, matching), "m.number DESC"),
                    (false, false) => page!(changed!("s.number", postgres_list), "m.number DESC"),
                };
                Ok(filter.query(sql, below, limit).fetch_all(self).await?)
            }
            Order::Created(before) => {
                // Ids are hexadecimal digits, which sort before `g`.
                let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
                let sql = match (is_sqlite, is_matching) {
                    (true, true) => page!(
                        created!(
                            sqlite_list,
                            "s.number IN (SELECT t.rowid FROM search_text t WHERE search_text MATCH $12) AND "
                        ),
                        "c.repo_id DESC"
                    ),
                    (true, false) => page!(created!(sqlite_list, ""), "c.repo_id DESC"),
                    (false, true) => {
                        page!(created!(postgres_list, "s.words @@ $12::tsquery AND "), "c.repo_id DESC")
                    }
                    (false, false) => page!(created!(postgres_list, ""), "c.repo_id DESC"),
                };
                Ok(filter.query(sql, before.as_str(), limit).fetch_all(self).await?)
            }
            Order::Stars(after) => {
                let after = after.map_or_else(|| format!("{}g", i64::MAX), |(stars, id)| format!("{stars:019}{id}"));
                let sql = match (is_sqlite, is_matching) {
                    (true, true) => page!(
                        stars!(
                            sqlite_list,
                            "s.number IN (SELECT t.rowid FROM search_text t WHERE search_text MATCH $12) AND "
                        ),
                        "d.stars DESC, d.id DESC"
                    ),
                    (true, false) => page!(stars!(sqlite_list, ""), "d.stars DESC, d.id DESC"),
                    (false, true) => {
                        page!(stars!(postgres_list, "s.words @@ $12::tsquery AND "), "d.stars DESC, d.id DESC")
                    }
                    (false, false) => page!(stars!(postgres_list, ""), "d.stars DESC, d.id DESC"),
                };
                Ok(filter.query(sql, after.as_str(), limit).fetch_all(self).await?)
            }
        }
    }

    /// Returns the names (`owner/name`) of visible datasets that match an SQL pattern with `%`, `_` and `\`, in order.
    pub async fn search_names(
        &mut self,
        seen: &VisibilityFilter,
        pattern: Option<&str>,
        limit: i64,
    ) -> Result<Vec<String>> {
        let mut filter = Filter::new(self, seen, &Terms::default());
        filter.expression = Some(pattern.unwrap_or("%").to_owned());
        let sql = if filter.is_sqlite { named!(sqlite_list) } else { named!(postgres_list) };
        let names: Vec<(String,)> = filter.query(sql, i64::MAX, limit).fetch_all(self).await?;
        Ok(names.into_iter().map(|(name,)| name).collect())
    }

    /// Counts the matches, up to a limit, and returns the owner id and the facets of each, separated by U+001E.
    pub async fn count_search(&mut self, seen: &VisibilityFilter, terms: &Terms, limit: i64) -> Result<(i64, String)> {
        let filter = Filter::new(self, seen, terms);
        let (is_sqlite, is_matching) = (filter.is_sqlite, filter.expression.is_some());
        let sql = match (is_sqlite, is_matching) {
            (true, true) => counted!(
                "group_concat(f.owner_id || f.facets, char(30))",
                changed!("s.owner_id, s.facets", sqlite, matching)
            ),
            (true, false) => counted!(
                "group_concat(f.owner_id || f.facets, char(30))",
                changed!("s.owner_id, s.facets", sqlite_list)
            ),
            (false, true) => counted!(
                "string_agg(f.owner_id || f.facets, chr(30))",
                changed!("s.owner_id, s.facets", postgres, matching)
            ),
            (false, false) => {
                counted!("string_agg(f.owner_id || f.facets, chr(30))", changed!("s.owner_id, s.facets", postgres_list))
            }
        };
        let counted: (i64, Option<String>) = filter.query(sql, i64::MAX, limit).fetch_one(self).await?;
        Ok((counted.0, counted.1.unwrap_or_default()))
    }

    /// Counts the visible datasets of an owner, up to a limit.
    pub async fn count_visible_of(&mut self, seen: &VisibilityFilter, owner: Id, limit: i64) -> Result<u64> {
        let mut filter = Filter::new(self, seen, &Terms::default());
        filter.expression = Some(owner.to_string());
        let sql = if filter.is_sqlite { owned!(sqlite_list) } else { owned!(postgres_list) };
        let (count,): (i64,) = filter.query(sql, i64::MAX, limit).fetch_one(self).await?;
        Ok(unsigned(count))
    }

    /// Returns all owners: (id, name).
    pub async fn owner_names(&mut self) -> Result<Vec<(Id, String)>> {
        let sql = "SELECT id, name FROM owner";
        Ok(query(sql).fetch_all(self).await?)
    }

    /// Returns the datasets with this name, of any owner: (id, owner id).
    pub async fn datasets_called(&mut self, name: &str) -> Result<Vec<(Id, Id)>> {
        let sql = "SELECT id, owner_id FROM dataset WHERE name = $1";
        Ok(query(sql).bind(name).fetch_all(self).await?)
    }

    /// Returns the ids of the organisations that a user is a member of.
    pub async fn organisations_of(&mut self, user: Id) -> Result<Vec<Id>> {
        let sql = "SELECT organisation_id FROM member WHERE user_id = $1";
        Ok(query_scalar(sql).bind(user).fetch_all(self).await?)
    }

    /// Returns what lists show of a dataset, as JSON; `None` until it has been indexed.
    pub async fn search_card(&mut self, id: Id) -> Result<Option<String>> {
        let sql = "SELECT card FROM search_card WHERE repo_id = $1";
        Ok(query_scalar(sql).bind(id).fetch_optional(self).await?)
    }

    /// Returns the text that results quote, of each of these datasets that is indexed.
    pub async fn search_passages(&mut self, ids: &[Id]) -> Result<Vec<(Id, String)>> {
        let sql = listed!(self, "SELECT repo_id, passages FROM search_source WHERE repo_id", "$1", "");
        Ok(query(sql).bind(ids).fetch_all(self).await?)
    }

    /// Returns the numbers of versions that were added to each of these datasets since a time, by week: the number of the
    /// week that begins on a Monday, from that of the Unix epoch. Without weeks that have none.
    pub async fn weekly_versions(&mut self, ids: &[Id], since: Millis) -> Result<Vec<(Id, i64, i64)>> {
        // The index by dataset holds at most a thousand entries of each; that by time those of all datasets. `+` excludes it.
        let sql = listed!(
            self,
            "SELECT repo_id, (created_at / 86400000 + 3) / 7, COUNT(*) FROM activity
             WHERE kind = 'version' AND +created_at >= $2 AND repo_id",
            "$1",
            " GROUP BY 1, 2"
        );
        Ok(query(sql).bind(ids).bind(since).fetch_all(self).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_syntax_is_escaped() {
        let odd = Term::new("a\"b'c\0*:(&|!) NEAR/2 d\\=", false);
        let terms =
            Terms { all: vec![odd, Term::new("=clim", true)], not_all: vec![Term::new("x", false)], starred: false };
        assert_eq!(terms.fts().unwrap(), "(\"abcNEAR2d=\" AND \"=clim\"*) NOT (\"x\")");
        assert_eq!(terms.tsquery().unwrap(), "('abcNEAR2d=' & '=clim':*) & !('x')");
        assert_eq!(Terms::default().fts(), None);
    }
}
