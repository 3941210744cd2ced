//! What a dataset has: `/is-valid`, `/splits`, `/size`, `/parquet` and `/info`.

use std::sync::Arc;

use axum::extract::State;
use metastore::{FilePath, ObjectId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::{Answer, SplitName, Visitor, with_revision};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::tables::{Done, Format, Output, Page, Split, SplitFiles};
use crate::web::http::{BaseUrl, segment};

/// Maximum number of splits that one request describes, each of which may need the table engine. The others are pending.
const MAX_DESCRIBED: usize = 20;

/// The cost of looking up the files of a split, in points of the rate limits.
const FILES_COST: usize = 1;

/// A split without a result.
#[derive(Serialize)]
struct FailedSplit {
    #[serde(flatten)]
    name: SplitName,
    error: Value,
}

impl FailedSplit {
    fn new(name: SplitName, why: &str) -> Self {
        Self { name, error: json!({ "error": why }) }
    }
}

/// Returns what the viewer can do with a dataset: everything, if it has tables.
pub(super) async fn is_valid(State(app): State<App>, visitor: Visitor) -> Answer {
    let splits = visitor.splits(&app).await?;
    let has = !splits.all.is_empty();
    let body = json!({"preview": has, "viewer": has, "search": has, "filter": has, "statistics": has});
    Ok(with_revision(splits.commit, &body))
}

/// Lists the configs and splits of a dataset.
pub(super) async fn splits(State(app): State<App>, visitor: Visitor) -> Answer {
    let splits = visitor.splits(&app).await?;
    let names: Vec<_> = splits.all.iter().map(|split| visitor.name(split)).collect();
    Ok(with_revision(splits.commit, &json!({"splits": names, "pending": [], "failed": []})))
}

/// Lists the Parquet files of the splits. Others are not converted: they have failed.
pub(super) async fn parquet(State(app): State<App>, visitor: Visitor, base: BaseUrl) -> Answer {
    let splits = visitor.splits(&app).await?;
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for split in &splits.all {
        (visitor.charge)(FILES_COST);
        let name = visitor.name(split);
        match expected(app.tables.files_of_split(&visitor.grant, splits.commit, split).await)? {
            Ok(SplitFiles { format: Format::Parquet, files: found }) => {
                for (path, size) in found {
                    let mut file = json!(name);
                    file["url"] = url(&base, &visitor, splits.commit, &path).into();
                    file["filename"] = path.as_str().rsplit('/').next().into();
                    file["size"] = size.into();
                    files.push(file);
                }
            }
            Ok(SplitFiles { format, .. }) => {
                let why = format!("the format of this table is {}; convert it to Parquet", format.as_str());
                failed.push(FailedSplit::new(name, &why));
            }
            Err(error) => failed.push(FailedSplit::new(name, error.detail())),
        }
    }
    let body = json!({"parquet_files": files, "pending": [], "failed": failed, "partial": splits.more});
    Ok(with_revision(splits.commit, &body))
}

fn url(base: &BaseUrl, visitor: &Visitor, commit: ObjectId, path: &FilePath) -> String {
    let (owner, name) = (segment(visitor.path.owner.as_str()), segment(visitor.path.name.as_str()));
    let path: Vec<String> = path.as_str().split('/').map(segment).collect();
    format!("{}/datasets/{owner}/{name}/resolve/{commit}/{}", base.0, path.join("/"))
}

/// Returns a result, or an error that is about this table alone.
fn expected<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error) if !matches!(error.kind(), Kind::Invalid | Kind::NotFound | Kind::UnsupportedMedia) => Err(error),
        result => Ok(result),
    }
}

/// What is known of a split.
struct Description {
    name: SplitName,
    format: Format,
    bytes: u64,
    done: Done,
}

impl Description {
    /// Returns false for columns that are inferred from the first rows of text: what the library `datasets` makes of it may
    /// have other types.
    fn is_exact(&self) -> bool {
        matches!(self.format, Format::Parquet | Format::Arrow) && self.done.total.is_some()
    }

    fn parquet_bytes(&self) -> u64 {
        if self.format == Format::Parquet { self.bytes } else { 0 }
    }
}

/// What is known of the splits of a request.
#[derive(Default)]
struct Descriptions {
    known: Vec<Description>,
    pending: Vec<SplitName>,
    failed: Vec<FailedSplit>,
    /// False if other clients may find other splits, types or numbers of rows.
    is_exact: bool,
}

impl Visitor {
    /// Describes the splits of the dataset, or of the config in the query. Returns the revision, too.
    async fn describe(&self, app: &App) -> Answer<(ObjectId, Descriptions)> {
        let splits = self.splits(app).await?;
        let mut all = Descriptions { is_exact: !splits.more, ..Descriptions::default() };
        for (place, split) in splits.all.iter().enumerate() {
            let name = self.name(split);
            if place >= MAX_DESCRIBED {
                all.pending.push(name);
                continue;
            }
            match expected(self.description(app, splits.commit, split).await)? {
                Ok(described) => {
                    all.is_exact &= split.is_certain && described.is_exact();
                    all.known.push(described);
                }
                Err(error) => all.failed.push(FailedSplit::new(name, error.detail())),
            }
        }
        Ok((splits.commit, all))
    }

    async fn description(&self, app: &App, commit: ObjectId, split: &Split) -> Result<Description> {
        let (tables, charge) = (&app.tables, Arc::clone(&self.charge));
        let SplitFiles { format, files } = tables.files_of_split(&self.grant, commit, split).await?;
        let (columns, filter, sort, output) = (None, None, Vec::new(), Output::Json);
        let page = Page { offset: 0, limit: 0, columns, filter, sort, output, detailed: true };
        let (_, done) = tables.rows_of_split(&self.grant, commit, split, page, charge).await?.gather().await?;
        let bytes = files.iter().map(|(_, size)| size).sum();
        Ok(Description { name: self.name(split), format, bytes, done })
    }
}

/// Returns the number of rows and the size of the splits, of the configs and of the dataset.
pub(super) async fn size(State(app): State<App>, visitor: Visitor) -> Answer {
    let (commit, all) = visitor.describe(&app).await?;
    let mut configs: Vec<(Sizes, Value)> = Vec::new();
    let (mut whole, mut splits) = (Sizes::default(), Vec::new());
    for described in &all.known {
        let sizes = Sizes::of(described);
        let SplitName { dataset, config, .. } = &described.name;
        whole.add(&sizes);
        let columns = described.done.columns.len();
        let mut split = json!(described.name);
        sizes.write(&mut split);
        split["num_columns"] = columns.into();
        splits.push(split);
        match configs.last_mut().filter(|(_, last)| last["config"] == *config) {
            Some((all, _)) => all.add(&sizes),
            None => configs.push((sizes, json!({"dataset": dataset, "config": config, "num_columns": columns}))),
        }
    }
    let mut dataset = json!({"dataset": visitor.path.to_string()});
    whole.write(&mut dataset);
    let configs: Vec<Value> = configs
        .into_iter()
        .map(|(sizes, mut config)| {
            sizes.write(&mut config);
            config
        })
        .collect();
    let size = match &visitor.query.config {
        Some(_) => json!({"config": configs.first(), "splits": splits}),
        None => json!({"dataset": dataset, "configs": configs, "splits": splits}),
    };
    let is_whole = all.known.iter().all(|described| described.done.total.is_some());
    let body = json!({"size": size, "pending": all.pending, "failed": all.failed, "partial": !is_whole});
    Ok(with_revision(commit, &body))
}

/// Sizes of splits together.
#[derive(Clone, Copy, Default)]
struct Sizes {
    bytes: u64,
    parquet_bytes: u64,
    rows: u64,
}

impl Sizes {
    fn of(described: &Description) -> Self {
        let rows = described.done.total.unwrap_or_default();
        Self { bytes: described.bytes, parquet_bytes: described.parquet_bytes(), rows }
    }

    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.parquet_bytes += other.parquet_bytes;
        self.rows += other.rows;
    }

    fn write(&self, to: &mut Value) {
        to["num_bytes_original_files"] = self.bytes.into();
        to["num_bytes_parquet_files"] = self.parquet_bytes.into();
        // Nothing is loaded to find that out.
        to["num_bytes_memory"] = Value::Null;
        to["num_rows"] = self.rows.into();
    }
}

/// Returns columns and splits of the configs, as the library `datasets` describes them.
pub(super) async fn info(State(app): State<App>, visitor: Visitor) -> Answer {
    let (commit, all) = visitor.describe(&app).await?;
    let mut infos = Map::new();
    for described in &all.known {
        let config = &described.name.config;
        let info = infos.entry(config.clone()).or_insert_with(|| about(described, &visitor));
        let bytes = info["download_size"].as_u64().unwrap_or_default();
        info["download_size"] = (bytes + described.bytes).into();
        let split = &described.name.split;
        info["splits"][split] = json!({"name": split, "num_examples": described.done.total, "dataset_name": null});
    }
    let infos = match &visitor.query.config {
        Some(_) if infos.is_empty() => {
            let why = all.failed.first().and_then(|failed| failed.error["error"].as_str()).unwrap_or_default();
            return Err(Error::invalid(why).into());
        }
        Some(_) => infos.into_iter().next().map(|(_, info)| info),
        None => Some(Value::Object(infos)),
    };
    let body = json!({"dataset_info": infos, "pending": all.pending, "failed": all.failed, "partial": !all.is_exact});
    Ok(with_revision(commit, &body))
}

/// Returns the description of a config, without its splits.
fn about(described: &Description, visitor: &Visitor) -> Value {
    let columns = described.done.columns.iter().zip(&described.done.features);
    let features: Map<String, Value> =
        columns.map(|(column, feature)| (column.name.clone(), feature.clone())).collect();
    let builder = match described.format {
        Format::JsonLines => "json",
        format => format.as_str(),
    };
    json!({
        "description": "",
        "citation": "",
        "homepage": "",
        "license": "",
        "features": features,
        "builder_name": builder,
        "dataset_name": visitor.path.name.as_str(),
        "config_name": described.name.config,
        "version": {"version_str": "0.0.0", "major": 0, "minor": 0, "patch": 0},
        "splits": {},
        "download_size": 0,
    })
}
