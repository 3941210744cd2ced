//! The search document of a dataset: metadata for display, facet values, and words.

use std::collections::BTreeSet;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tokenizer::{Kind, heading, in_path, value, words};
use crate::datasets::card::Stated;

/// Maximum length in characters of the description shown in results.
const SHOWN: usize = 500;

/// Maximum number of facet values of one kind per dataset.
const VALUES: usize = 30;

/// Maximum number of git tags that are indexed: the last ones by name.
const TAGS: usize = 1000;

/// Maximum length in characters of a facet value.
const MAX_VALUE_CHARS: usize = 100;

/// Maximum number of distinct words that are indexed.
const WORDS: usize = 10_000;

/// Maximum number of distinct words of the paths of files that are indexed.
const PATH_WORDS: usize = 3000;

/// Maximum number of characters of one text that are indexed.
const TEXT: usize = 100_000;

/// Maximum number of rows that is believed: the largest integer that all JSON parsers represent exactly.
const MAX_ROWS: u64 = (1 << 53) - 1;

/// Metadata of a search result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchHit {
    /// Title of the package.
    pub title: Option<String>,
    /// The beginning of the description.
    pub description: Option<String>,
    /// Keywords.
    pub keywords: Vec<String>,
    /// Formats of the resources.
    pub formats: Vec<String>,
    /// Licenses.
    pub licenses: Vec<String>,
    /// Size of all files at the head, in bytes; `None` for very many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Number of rows of the main table, as far as the package says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Number of columns of the main table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<u64>,
}

/// The input of a search document.
pub(super) struct Source<'a> {
    pub(super) owner: &'a str,
    pub(super) name: &'a str,
    /// Content of `datapackage.json`. Fields that it lacks are taken from the README's front matter.
    pub(super) package: &'a Value,
    pub(super) readme: &'a str,
    /// Short names of the git tags, in order.
    pub(super) tags: &'a [String],
    /// Paths of the files.
    pub(super) paths: &'a [String],
    /// Size of all files, in bytes, if it is known.
    pub(super) bytes: Option<u64>,
    /// The main table, if the package describes one.
    pub(super) table: Option<MainTable>,
}

/// The main table of a package: its first resource with columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MainTable {
    /// Number of columns.
    pub(super) columns: u64,
    /// Number of rows: `stats.rows`, as by `describe` and by Frictionless.
    pub(super) rows: Option<u64>,
    /// The path and the size of its file that the package says, if it has one file and a size.
    pub(super) file: Option<(String, u64)>,
}

impl MainTable {
    /// Finds the main table of a package.
    pub(super) fn of(package: &Value) -> Option<Self> {
        let resources = package["resources"].as_array()?;
        let columns =
            |resource: &Value| Some(resource["schema"]["fields"].as_array()?.len()).filter(|count| *count > 0);
        let (resource, columns) = resources.iter().find_map(|resource| Some((resource, columns(resource)?)))?;
        let path = resource["path"].as_str().or_else(|| match resource["path"].as_array()?.as_slice() {
            [only] => only.as_str(),
            _ => None,
        });
        let file = path.zip(resource["bytes"].as_u64()).map(|(path, bytes)| (path.to_owned(), bytes));
        let rows = resource["stats"]["rows"].as_u64().filter(|rows| *rows <= MAX_ROWS);
        Some(Self { columns: columns as u64, rows, file })
    }
}

/// A search document.
#[derive(Debug)]
pub(super) struct IndexDocument {
    pub(super) card: SearchHit,
    pub(super) facets: String,
    pub(super) words: String,
}

/// Collects distinct words, the most relevant ones first.
#[derive(Default)]
struct Words {
    seen: HashSet<String>,
    text: String,
}

impl Words {
    fn add(&mut self, word: String) {
        if self.seen.len() < WORDS && !self.seen.contains(&word) {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(&word);
            self.seen.insert(word);
        }
    }

    fn read(&mut self, text: &str) {
        words(beginning(text, TEXT)).for_each(|word| self.add(word));
    }
}

impl IndexDocument {
    pub(super) fn of(source: &Source<'_>) -> Self {
        let Source { owner, name, package, readme, tags, paths, bytes, table } = source;
        let stated = Stated::of(readme);
        let mut keywords = values(package["keywords"].as_array().into_iter().flatten().filter_map(Value::as_str));
        if keywords.is_empty() {
            keywords = values(stated.keywords.iter().map(String::as_str));
        }
        let resources = || package["resources"].as_array().into_iter().flatten();
        let formats = values(resources().filter_map(format_of));
        let licenses = package["licenses"].as_array().into_iter().flatten();
        let mut licenses = values(licenses.filter_map(|license| {
            ["name", "title", "path"].iter().find_map(|field| license[*field].as_str().filter(|text| !text.is_empty()))
        }));
        if licenses.is_empty() {
            licenses = values(stated.licenses.iter().map(String::as_str));
        }
        let text = |field: &str| package[field].as_str().map(str::trim).filter(|text| !text.is_empty());

        let title = text("title").or(stated.title.as_deref());

        let mut found = Words::default();
        for text in [Some(*name), title].into_iter().flatten() {
            for word in words(beginning(text, TEXT)) {
                found.add(heading(&word));
                found.add(word);
            }
        }
        found.add(value(Kind::Owner, owner));
        let counted = [(Kind::Keyword, &keywords), (Kind::Format, &formats), (Kind::License, &licenses)];
        let mut facets = String::new();
        for (kind, values) in counted {
            for one in values {
                found.add(value(kind, one));
                facets.extend(['\u{1f}', kind.tag()]);
                facets.push_str(one);
            }
        }
        for tag in tags.iter().rev().take(TAGS) {
            found.add(value(Kind::Tag, tag));
            found.read(tag);
        }
        found.read(owner);
        keywords.iter().chain(&licenses).chain(&formats).for_each(|text| found.read(text));
        if let Some(text) = text("description") {
            found.read(text);
        }
        for resource in resources() {
            for field in ["name", "title", "description"] {
                resource[field].as_str().into_iter().for_each(|text| found.read(text));
            }
            for column in resource["schema"]["fields"].as_array().into_iter().flatten() {
                for field in ["name", "title"] {
                    column[field].as_str().into_iter().for_each(|text| found.read(text));
                }
            }
        }
        let mut in_paths = HashSet::new();
        for word in paths.iter().flat_map(|path| words(path)) {
            if in_paths.len() < PATH_WORDS && in_paths.insert(word.clone()) {
                found.add(in_path(&word));
                found.add(word);
            }
        }
        found.read(readme);

        let cut = |text: &str| plain(beginning(text, SHOWN));
        let card = SearchHit {
            title: title.map(cut),
            description: text("description").map(cut),
            keywords,
            formats,
            licenses,
            bytes: *bytes,
            rows: table.as_ref().and_then(|table| table.rows),
            columns: table.as_ref().map(|table| table.columns),
        };
        Self { card, facets, words: found.text }
    }
}

/// Returns the format of a resource, as declared or from its file extension.
fn format_of(resource: &Value) -> Option<&str> {
    if let Some(format) = resource["format"].as_str() {
        return Some(format);
    }
    let path = resource["path"].as_str().or_else(|| resource["path"][0].as_str())?;
    let (stem, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    let is_plain = extension.len() <= 10 && extension.chars().all(char::is_alphanumeric);
    (!stem.is_empty() && is_plain).then_some(extension)
}

/// Returns the distinct values in normalised form.
fn values<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.map(normal).filter(|text| !text.is_empty() && seen.insert(text.clone())).take(VALUES).collect()
}

/// Normalises a facet value: case and surrounding whitespace make no difference.
pub(super) fn normal(text: &str) -> String {
    plain(beginning(text.trim(), MAX_VALUE_CHARS)).trim().to_lowercase()
}

/// Replaces control characters: some of them separate values in the index.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn beginning(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_descriptive_fields_are_indexed() {
        let package = json!({
            "title": "Birds of Ruritania", "description": "Counted at dawn\u{1f}.", "keywords": ["Climate ", "climate", "Owls"],
            "licenses": [{"name": "CC-BY-4.0"}, {"path": "https://x"}],
            "resources": [
                {"name": "counts", "path": "data/counts.CSV", "schema": {"fields": [{"name": "wing_span"}]}},
                {"format": "parquet"},
            ],
        });
        let tags = ["v1.0".to_owned(), "v2".to_owned()];
        let source = Source {
            owner: "ada",
            name: "birds",
            package: &package,
            readme: "# About\nnests",
            tags: &tags,
            paths: &["a/Zug 9.csv".into()],
            bytes: Some(5),
            table: MainTable::of(&package),
        };
        let draft = IndexDocument::of(&source);
        assert_eq!(draft.card.keywords, ["climate", "owls"]);
        assert_eq!(draft.card.formats, ["csv", "parquet"]);
        assert_eq!(draft.card.licenses, ["cc-by-4.0", "https://x"]);
        assert_eq!((draft.card.bytes, draft.card.rows, draft.card.columns), (Some(5), None, Some(1)));
        assert_eq!(draft.facets, "\u{1f}kclimate\u{1f}kowls\u{1f}fcsv\u{1f}fparquet\u{1f}lcc-by-4.0\u{1f}lhttps://x");
        let found: HashSet<&str> = draft.words.split(' ').collect();
        for word in ["bird", "=bird", "=ruritania", "dawn", "climate", "owl", "wing", "span", "nest", "ada", "v2"] {
            assert!(found.contains(word), "{word}");
        }
        assert!(found.contains(&*value(Kind::Tag, "v1.0")));
        assert!(found.contains(&*value(Kind::Keyword, &normal(" CLIMATE"))));
    }

    #[test]
    fn the_header_of_the_readme_fills_missing_fields() {
        let readme = "---\npretty_name: Owls at night\nlicense: CC-BY-4.0\ntags: [ornithology]\n---\n# About\n";
        let source = Source {
            owner: "ada",
            name: "birds",
            package: &json!({}),
            readme,
            tags: &[],
            paths: &[],
            bytes: None,
            table: None,
        };
        let draft = IndexDocument::of(&source);
        assert_eq!(draft.card.title.as_deref(), Some("Owls at night"));
        assert_eq!((draft.card.licenses, draft.card.keywords), (vec!["cc-by-4.0".into()], vec!["ornithology".into()]));
        assert_eq!(draft.facets, "\u{1f}kornithology\u{1f}lcc-by-4.0");
        assert!(draft.words.split(' ').any(|word| word == "=owl"), "{}", draft.words);
        let package = json!({"title": "Birds", "licenses": [{"name": "MIT"}], "keywords": ["x"]});
        let draft = IndexDocument::of(&Source { package: &package, ..source });
        assert_eq!(draft.card.title.as_deref(), Some("Birds"));
        assert_eq!((draft.card.licenses, draft.card.keywords), (vec!["mit".into()], vec!["x".into()]));
    }

    #[test]
    fn an_invalid_package_is_ignored() {
        for package in
            [json!(null), json!([1]), json!({"title": 1, "keywords": "x", "resources": {"a": 1}, "licenses": [1]})]
        {
            let table = MainTable::of(&package);
            let (tags, paths) = (&[], &[]);
            let source =
                Source { owner: "a", name: "b", package: &package, readme: "", tags, paths, bytes: None, table };
            assert_eq!(IndexDocument::of(&source).card, SearchHit::default());
        }
    }

    #[test]
    fn the_main_table_is_the_first_with_columns() {
        let fields = json!([{"name": "a"}, {"name": "b"}]);
        let package = json!({"resources": [
            {"path": "notes.txt"}, {"path": "x.csv", "schema": {"fields": []}}, {"path": "y.csv", "schema": "y.json"},
            {"path": ["t.csv"], "bytes": 9, "schema": {"fields": fields}, "stats": {"rows": 3}},
            {"path": "u.csv", "schema": {"fields": [{"name": "c"}]}},
        ]});
        let expected = MainTable { columns: 2, rows: Some(3), file: Some(("t.csv".to_owned(), 9)) };
        assert_eq!(MainTable::of(&package), Some(expected));
        for (resource, rows) in [
            (
                json!({"path": ["1.csv", "2.csv"], "bytes": 9, "schema": {"fields": fields}, "stats": {"rows": 0}}),
                Some(0),
            ),
            (json!({"schema": {"fields": fields}, "stats": {"rows": -1}}), None),
            (json!({"schema": {"fields": fields}, "stats": {"rows": u64::MAX}}), None),
            (json!({"schema": {"fields": fields}, "stats": "many"}), None),
        ] {
            let table = MainTable::of(&json!({"resources": [resource]})).unwrap();
            assert_eq!(table, MainTable { columns: 2, rows, file: None });
        }
    }
}
