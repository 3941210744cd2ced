//! Splits: the tables of a dataset as Hugging Face's clients name them, by a config and a split such as `train`.
//!
//! They are those of the dataset card, if it has `configs`. Otherwise files whose names all say a split, such as `train.csv`
//! and `test.csv`, are the splits of one config, as the library `datasets` loads them; else each table is a config. The names
//! must agree with those of the library: it compares what it has loaded with what the server tells about a split.

use globset::{GlobBuilder, GlobMatcher};
use metastore::{FilePath, ObjectId};
use serde_json::{Map, Value};
use tables_wire::{Format, Page, Task};

use super::list::{MAX_LISTED, tables_of};
use super::names::{LocatedTable, package_path};
use super::result::TableResult;
use super::{Charge, Tables};
use crate::access::TableGrant;
use crate::error::Result;

/// The name of the only config.
const DEFAULT: &str = "default";

/// The name of a split that has no other one.
const TRAIN: &str = "train";

/// The words in the name of a file or folder that say of which split it is.
const WORDS: [(&str, &[&str]); 3] = [
    (TRAIN, &["train", "training"]),
    ("validation", &["validation", "valid", "dev", "val"]),
    ("test", &["test", "testing", "eval", "evaluation"]),
];

/// Maximum number of patterns of a dataset card, and length of each in bytes.
const MAX_PATTERNS: usize = 200;
const MAX_PATTERN: usize = 1024;

/// The splits of a revision.
#[derive(Debug, Clone)]
pub struct Splits {
    /// The revision.
    pub commit: ObjectId,
    /// The splits, those of a config one after the other.
    pub all: Vec<Split>,
    /// True if there are more, which are not listed.
    pub more: bool,
}

/// A table as a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The name of the config.
    pub config: String,
    /// The name of the split.
    pub split: String,
    /// False if the library may name it otherwise.
    pub is_certain: bool,
    table: SplitTable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum SplitTable {
    /// The table with this name.
    Named(String),
    /// The table that consists of these files.
    Files(Vec<FilePath>),
}

/// The files of a split.
#[derive(Debug, Clone)]
pub struct SplitFiles {
    /// Their format.
    pub format: Format,
    /// Path and size in bytes of each.
    pub files: Vec<(FilePath, u64)>,
}

impl Split {
    fn new(config: &str, split: &str, table: SplitTable) -> Self {
        Self { config: config.to_owned(), split: split.to_owned(), is_certain: true, table }
    }
}

impl Splits {
    /// Returns the split with these names. A table can also be named as in the other APIs, as a config with the split
    /// `train`.
    pub fn find(&self, config: &str, split: &str) -> Option<Split> {
        let listed = self.all.iter().find(|found| found.config == config && found.split == split);
        let is_other = split == TRAIN && !self.all.iter().any(|found| found.config == config);
        let named = || is_other.then(|| Split::new(config, split, SplitTable::Named(config.to_owned())));
        listed.cloned().or_else(named)
    }
}

impl Tables {
    /// Lists the splits of a revision.
    ///
    /// # Errors
    /// Not found if the revision does not exist.
    pub async fn splits(&self, grant: &TableGrant, revision: &str) -> Result<Splits> {
        let datasets = &self.0.datasets;
        let (commit, package) = datasets.package_for(&grant.at(&package_path())?, Some(revision)).await?;
        let readme: FilePath = "README.md".parse()?;
        let card = datasets.front_matter_for(&grant.at(&readme)?, commit).await?;
        let files = self.table_files(grant, commit).await?;
        // Patterns take a while.
        let find = move || {
            let mut all = card.as_ref().map(|card| splits_of_card(card, &files)).unwrap_or_default();
            if all.is_empty() {
                all = splits_of_tables(tables_of(package.as_ref(), files));
            }
            let more = all.len() > MAX_LISTED;
            all.truncate(MAX_LISTED);
            Splits { commit, all, more }
        };
        crate::blocking(find).await
    }

    /// Reads rows of a split of the revision `commit`.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn rows_of_split(
        &self,
        grant: &TableGrant,
        commit: ObjectId,
        split: &Split,
        page: Page,
        charge: Charge,
    ) -> Result<TableResult> {
        let found = self.find_split(grant, commit, split).await?;
        self.start(grant.actor(), vec![found], Task::Page(page), charge).await
    }

    /// Computes statistics of each column of a split of the revision `commit`.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn statistics_of_split(
        &self,
        grant: &TableGrant,
        commit: ObjectId,
        split: &Split,
        charge: Charge,
    ) -> Result<TableResult> {
        let found = self.find_split(grant, commit, split).await?;
        self.start(grant.actor(), vec![found], self.statistics_task(), charge).await
    }

    /// Returns the files of a split of the revision `commit`.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn files_of_split(&self, grant: &TableGrant, commit: ObjectId, split: &Split) -> Result<SplitFiles> {
        let found = self.find_split(grant, commit, split).await?;
        let files = found.table.files.iter().map(|file| Ok((file.name.parse()?, file.size)));
        Ok(SplitFiles { format: found.table.format, files: files.collect::<Result<_>>()? })
    }

    async fn find_split(&self, grant: &TableGrant, commit: ObjectId, split: &Split) -> Result<LocatedTable> {
        match &split.table {
            SplitTable::Named(name) => self.find(grant, &commit.to_string(), name).await,
            SplitTable::Files(paths) => {
                let name = format!("{}/{}", split.config, split.split);
                self.find_files(grant, commit, name, paths).await
            }
        }
    }
}

/// Returns the splits of these tables, each with its files.
fn splits_of_tables(tables: impl IntoIterator<Item = (String, Vec<FilePath>)>) -> Vec<Split> {
    let tables: Vec<_> = tables.into_iter().collect();
    let said: Option<Vec<String>> = tables.iter().map(|(_, files)| said_by_all(files)).collect();
    if let [(name, files)] = &tables[..] {
        let split = said.as_ref().map_or(TRAIN, |said| said[0].as_str());
        let is_certain = said.is_some() || files.iter().all(|path| said_by(path).is_empty());
        return vec![Split { is_certain, ..Split::new(DEFAULT, split, SplitTable::Named(name.clone())) }];
    }
    let Some(said) = said else {
        let split = |(name, _): (String, _)| Split::new(&name, TRAIN, SplitTable::Named(name.clone()));
        return tables.into_iter().map(split).collect();
    };
    let mut names = said.clone();
    names.sort_by_key(|name| (order(name), name.clone()));
    names.dedup();
    let split = |split: &String| {
        let of_split = tables.iter().zip(&said).filter(|(_, said)| *said == split).map(|(table, _)| table);
        match &of_split.collect::<Vec<_>>()[..] {
            [(name, _)] => Split::new(DEFAULT, split, SplitTable::Named(name.clone())),
            all => {
                let files = all.iter().flat_map(|(_, files)| files.iter().cloned()).collect();
                Split::new(DEFAULT, split, SplitTable::Files(files))
            }
        }
    };
    names.iter().map(split).collect()
}

/// Returns the place of a split in lists: the usual ones come first.
fn order(split: &str) -> usize {
    WORDS.iter().position(|(known, _)| *known == split).unwrap_or(WORDS.len())
}

/// Returns the split that the names of all these files say.
fn said_by_all(files: &[FilePath]) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for file in files {
        match &mut said_by(file)[..] {
            [one] => all.push(std::mem::take(one)),
            _ => return None,
        }
    }
    all.dedup();
    if all.len() == 1 { all.pop() } else { None }
}

/// Returns the splits that the name of a file says: `data/NAME-00000-of-00001.parquet`, or a word in its name, or in those of
/// its folders.
fn said_by(path: &FilePath) -> Vec<String> {
    if let Some(name) = path.as_str().strip_prefix("data/").and_then(sharded) {
        return vec![name.to_owned()];
    }
    let (folders, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    let splits_in = |text: &str| {
        let is_end = |c: char| "-._ /".contains(c) || c.is_ascii_digit();
        let words: Vec<&str> = text.split(is_end).collect();
        let known = WORDS.iter().filter(|(_, known)| words.iter().any(|word| known.contains(word)));
        known.map(|(split, _)| (*split).to_owned()).collect::<Vec<_>>()
    };
    let of_name = splits_in(name);
    if of_name.is_empty() { splits_in(folders) } else { of_name }
}

/// Returns `NAME` of `NAME-00000-of-00001.parquet`.
fn sharded(name: &str) -> Option<&str> {
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (begin, end) = name.rsplit_once("-of-").filter(|_| !name.contains('/'))?;
    let (split, number) = begin.rsplit_once('-')?;
    (is_number(number) && is_number(end.get(..5)?) && !split.is_empty()).then_some(split)
}

/// Returns the splits that the dataset card names in `configs`, as far as they have files.
fn splits_of_card(card: &Map<String, Value>, files: &[FilePath]) -> Vec<Split> {
    let mut splits: Vec<Split> = Vec::new();
    let mut patterns_left = MAX_PATTERNS;
    for config in card.get("configs").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = config["config_name"].as_str() else { continue };
        let folder = config["data_dir"].as_str().map(|folder| format!("{}/", folder.trim_matches('/')));
        for (split, patterns) in data_files(&config["data_files"], folder.is_some()) {
            let patterns: Vec<_> = patterns
                .into_iter()
                .take(patterns_left)
                .filter_map(|pattern| Pattern::new(&format!("{}{pattern}", folder.as_deref().unwrap_or_default())))
                .collect();
            patterns_left -= patterns.len();
            let matching = |path: &&FilePath| patterns.iter().any(|pattern| pattern.matches(path.as_str()));
            let found: Vec<FilePath> = files.iter().filter(matching).cloned().collect();
            let is_new = !splits.iter().any(|other| other.config == name && other.split == split);
            if is_new && splits.len() <= MAX_LISTED && !found.is_empty() {
                // A single file has the description of its resource.
                let table = match &found[..] {
                    [only] => SplitTable::Named(only.to_string()),
                    _ => SplitTable::Files(found),
                };
                splits.push(Split::new(name, split, table));
            }
        }
    }
    splits
}

/// Returns the splits of a config, each with its patterns. Without any, a config with a folder has all files in it.
fn data_files(value: &Value, has_folder: bool) -> Vec<(&str, Vec<&str>)> {
    match value {
        Value::Null if has_folder => vec![(TRAIN, vec!["**"])],
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().filter_map(|item| Some((item["split"].as_str()?, strings(&item["path"])))).collect()
        }
        other => vec![(TRAIN, strings(other))],
    }
}

/// Returns a text, or those of a list.
fn strings(value: &Value) -> Vec<&str> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter().filter_map(Value::as_str).collect()
}

/// A pattern of paths.
enum Pattern {
    Path(String),
    Glob(GlobMatcher),
}

impl Pattern {
    /// Parses a pattern; `None` if it is invalid or too long.
    fn new(text: &str) -> Option<Self> {
        if !text.contains(['*', '?', '[', '{']) {
            return Some(Self::Path(text.to_owned()));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        glob.ok().filter(|_| text.len() <= MAX_PATTERN).map(|glob| Self::Glob(glob.compile_matcher()))
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Path(own) => own == path,
            Self::Glob(glob) => glob.is_match(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn files(paths: &[&str]) -> Vec<FilePath> {
        paths.iter().map(|path| path.parse().unwrap()).collect()
    }

    fn shown(splits: &[Split]) -> Vec<String> {
        let show = |split: &Split| {
            let table = match &split.table {
                SplitTable::Named(name) => name.clone(),
                SplitTable::Files(files) => files.iter().map(FilePath::as_str).collect::<Vec<_>>().join("+"),
            };
            format!("{}/{}={table}{}", split.config, split.split, if split.is_certain { "" } else { "?" })
        };
        splits.iter().map(show).collect()
    }

    #[test]
    fn tables_are_configs_unless_their_names_say_splits() {
        for (paths, expected) in [
            (&["birds.csv"][..], &["default/train=birds.csv"][..]),
            (&["a/eval-2.csv"], &["default/test=a/eval-2.csv"]),
            (&["test/rows.csv"], &["default/test=test/rows.csv"]),
            (&["test/train.csv"], &["default/train=test/train.csv"]),
            (&["test-train.csv"], &["default/train=test-train.csv?"]),
            (&["data/extra-00000-of-00001.parquet"], &["default/extra=data/extra-00000-of-00001.parquet"]),
            (&["birds.csv", "sites.csv"], &["birds.csv/train=birds.csv", "sites.csv/train=sites.csv"]),
            (&["birds.csv", "test.csv"], &["birds.csv/train=birds.csv", "test.csv/train=test.csv"]),
            (&["test.csv", "train.csv"], &["default/train=train.csv", "default/test=test.csv"]),
            (
                &["dev.csv", "train/1.csv", "train/2.csv"],
                &["default/train=train/1.csv+train/2.csv", "default/validation=dev.csv"],
            ),
            (&["contest.csv"], &["default/train=contest.csv"]),
            (&[], &[]),
        ] {
            let tables = files(paths).into_iter().map(|path| (path.to_string(), vec![path]));
            assert_eq!(shown(&splits_of_tables(tables)), expected, "{paths:?}");
        }
        let resource = [("birds".to_owned(), files(&["1.csv", "2.csv"])), ("sites".to_owned(), files(&["s.csv"]))];
        assert_eq!(shown(&splits_of_tables(resource)), ["birds/train=birds", "sites/train=sites"]);
    }

    #[test]
    fn cards_name_configs_and_splits() {
        let all = files(&["a/train-1.csv", "a/train-2.csv", "a/x/test.csv", "b.parquet", "c/deep/d.csv"]);
        let splits = |configs: Value| {
            let card = json!({ "configs": configs });
            shown(&splits_of_card(card.as_object().unwrap(), &all))
        };
        let configs = json!([
            {"config_name": "default", "data_files": [
                {"split": "train", "path": "a/train-*"}, {"split": "test", "path": ["a/x/*.csv", "none.csv"]},
                {"split": "empty", "path": "none/*"}, {"split": "train", "path": "b.parquet"}]},
            {"config_name": "b", "data_files": "b.parquet"},
            {"config_name": "c", "data_dir": "/c/"},
        ]);
        let expected = ["default/train=a/train-1.csv+a/train-2.csv", "default/test=a/x/test.csv", "b/train=b.parquet"];
        assert_eq!(splits(configs), [&expected[..], &["c/train=c/deep/d.csv"]].concat());
        assert_eq!(
            splits(json!([{"config_name": "a", "data_files": ["a/*"]}])),
            ["a/train=a/train-1.csv+a/train-2.csv"]
        );
        for nothing in [
            json!(null),
            json!("x"),
            json!([1, {"config_name": 1}, {"config_name": "x"}, {"config_name": "x", "data_files": [[{}]]}]),
            json!([{"config_name": "x", "data_files": "[".repeat(9)}, {"config_name": "x", "data_files": "../b.parquet"}]),
        ] {
            assert_eq!(splits(nothing.clone()), Vec::<String>::new(), "{nothing}");
        }
        let many: Vec<_> =
            (0..5000).map(|at| json!({"config_name": at.to_string(), "data_files": "*.parquet"})).collect();
        assert_eq!(splits(json!(many)).len(), MAX_PATTERNS);
    }

    #[test]
    fn tables_are_found_by_their_names_too() {
        let all = splits_of_tables([("birds.csv".to_owned(), files(&["birds.csv"]))]);
        let splits = Splits { commit: "1".repeat(40).parse().unwrap(), all, more: false };
        assert_eq!(splits.find("default", "train").unwrap().table, SplitTable::Named("birds.csv".into()));
        assert_eq!(splits.find("birds.csv", "train").unwrap().table, SplitTable::Named("birds.csv".into()));
        assert_eq!((splits.find("default", "test"), splits.find("birds.csv", "test")), (None, None));
    }
}
