//! Statistics of columns: `/statistics`. They depend on the kind of the column.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::request::{Answer, Failure, Visitor, with_revision};
use crate::app::App;
use crate::error::Error;

/// A column of strings is one of labels if it has at most this number of different values; or fewer than `MAX_LABELS`, and at
/// most a fifth as many as rows.
const FEW_LABELS: u64 = 10;
const MAX_LABELS: u64 = 1000;

/// Maximum number of bins of a histogram.
const MAX_BINS: usize = 10;

/// The statistics of the table engine.
#[derive(Deserialize)]
struct Statistics {
    rows: u64,
    is_complete: bool,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    r#type: String,
    #[serde(default)]
    count: u64,
    nulls: u64,
    distinct: Option<u64>,
    #[serde(flatten)]
    values: Distribution,
    top: Option<Vec<Frequent>>,
    lengths: Option<Distribution>,
}

/// The distribution of values, or of their lengths.
#[derive(Default, Deserialize)]
struct Distribution {
    min: Option<Value>,
    max: Option<Value>,
    mean: Option<Value>,
    std: Option<Value>,
    quartiles: Option<Vec<Value>>,
    histogram: Option<Histogram>,
}

#[derive(Deserialize)]
struct Histogram {
    edges: Vec<Value>,
    counts: Vec<u64>,
}

#[derive(Deserialize)]
struct Frequent {
    value: Value,
    count: u64,
}

/// Returns statistics of the columns of a split. Columns of other types than the Hub has statistics of are left out.
pub(super) async fn statistics(State(app): State<App>, mut visitor: Visitor) -> Answer {
    let (commit, split) = visitor.split(&app).await?;
    let charge = Arc::clone(&visitor.charge);
    let result = app.tables.statistics_of_split(&visitor.grant, commit, &split, charge).await;
    let (json, _) = result.map_err(Failure::missing)?.gather().await?;
    let found: Statistics = serde_json::from_slice(&json).map_err(Error::internal)?;
    let rows = found.rows;
    let columns: Vec<Value> = found.columns.into_iter().filter_map(|column| column.into_json(rows)).collect();
    let body = json!({"num_examples": rows, "statistics": columns, "partial": !found.is_complete});
    Ok(with_revision(commit, &body))
}

impl Column {
    fn into_json(self, rows: u64) -> Option<Value> {
        let mut about = Map::new();
        about.insert("nan_count".to_owned(), self.nulls.into());
        about.insert("nan_proportion".to_owned(), proportion(self.nulls, rows));
        let distinct = self.distinct.unwrap_or(u64::MAX);
        let is_label = distinct <= FEW_LABELS || distinct < MAX_LABELS && distinct.saturating_mul(5) <= rows;
        let top = self.top.unwrap_or_default();
        let kind = match self.r#type.as_str() {
            "integer" | "year" => "int",
            "number" => "float",
            "boolean" => "bool",
            "date" | "datetime" => "datetime",
            "array" => "list",
            // The engine knows the most frequent values only.
            "string" if is_label && distinct <= top.len() as u64 => "string_label",
            "string" => "string_text",
            _ => return None,
        };
        match kind {
            "bool" => {
                let name = |value: &Value| if *value == true { "True" } else { "False" };
                let counts = top.iter().map(|Frequent { value, count }| (name(value).to_owned(), json!(count)));
                about.insert("frequencies".to_owned(), Value::Object(counts.collect()));
            }
            "string_label" => {
                about.insert("n_unique".to_owned(), distinct.into());
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let counts = top.iter().map(|Frequent { value, count }| (text(value), json!(count)));
                about.insert("frequencies".to_owned(), Value::Object(counts.collect()));
            }
            "list" | "string_text" => self.lengths?.write(self.count, &mut about),
            _ => self.values.write(self.count, &mut about),
        }
        Some(json!({"column_name": self.name, "column_type": kind, "column_statistics": about}))
    }
}

impl Distribution {
    /// Adds the distribution of this number of values.
    fn write(self, count: u64, about: &mut Map<String, Value>) {
        let median = self.quartiles.and_then(|quartiles| quartiles.into_iter().nth(1));
        for (name, value) in
            [("min", self.min), ("max", self.max), ("mean", self.mean), ("median", median), ("std", self.std)]
        {
            about.insert(name.to_owned(), value.map_or(Value::Null, as_number));
        }
        let histogram = match (self.histogram, &about["min"], &about["max"]) {
            (Some(histogram), ..) => histogram.into_json(),
            (None, Value::Null, _) => Value::Null,
            // All values are the same.
            (None, min, max) => json!({"hist": [count], "bin_edges": [min, max]}),
        };
        about.insert("histogram".to_owned(), histogram);
    }
}

impl Histogram {
    /// Joins bins until they are few enough.
    fn into_json(self) -> Value {
        let Self { edges, counts } = self;
        let joined = counts.len().div_ceil(MAX_BINS).max(1);
        let hist: Vec<u64> = counts.chunks(joined).map(|bins| bins.iter().sum()).collect();
        let last = edges.len().saturating_sub(1);
        let is_kept = |place: usize| place.is_multiple_of(joined) || place == last;
        let edges: Vec<Value> =
            edges.into_iter().enumerate().filter(|(place, _)| is_kept(*place)).map(|(_, edge)| edge).collect();
        json!({"hist": hist, "bin_edges": edges})
    }
}

/// Returns an integer that is a string, because a double does not hold it, as a number.
fn as_number(value: Value) -> Value {
    let number = value.as_str().and_then(|text| text.parse::<i64>().map(Number::from).ok());
    number.map_or(value, Value::Number)
}

/// Returns a part as a fraction with five digits.
#[expect(clippy::cast_precision_loss, reason = "it is rounded")]
fn proportion(part: u64, whole: u64) -> Value {
    if whole == 0 {
        return json!(0.0);
    }
    json!((part as f64 / whole as f64 * 1e5).round() / 1e5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(column: Value, rows: u64) -> Option<Value> {
        serde_json::from_value::<Column>(column).unwrap().into_json(rows)
    }

    #[test]
    fn columns_have_the_kinds_of_the_hub() {
        let edges: Vec<u64> = (0..=20).collect();
        let numbers = json!({"name": "n", "type": "integer", "count": 3, "nulls": 1, "distinct": 3, "min": -1,
            "max": "9007199254740993", "mean": 2.5, "std": 1.0, "quartiles": [0, 2, 3],
            "histogram": {"edges": edges, "counts": vec![1; 20]}});
        let expected = json!({"column_name": "n", "column_type": "int", "column_statistics": {
            "nan_count": 1, "nan_proportion": 0.33333, "min": -1, "max": 9_007_199_254_740_993_u64, "mean": 2.5,
            "median": 2, "std": 1.0,
            "histogram": {"hist": vec![2; 10], "bin_edges": [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]}}});
        assert_eq!(shown(numbers, 3), Some(expected));
        let labels = json!({"name": "s", "type": "string", "count": 3, "nulls": 0, "distinct": 2,
            "top": [{"value": "a", "count": 2}, {"value": "b", "count": 1}], "lengths": {"min": 1}});
        let expected = json!({"column_name": "s", "column_type": "string_label", "column_statistics": {
            "nan_count": 0, "nan_proportion": 0.0, "n_unique": 2, "frequencies": {"a": 2, "b": 1}}});
        assert_eq!(shown(labels, 3), Some(expected));
        let kind = |r#type: &str, distinct: u64, rows: u64| {
            let column =
                json!({"name": "x", "type": r#type, "nulls": 0, "distinct": distinct, "top": [], "lengths": {}});
            shown(column, rows).map(|shown| shown["column_type"].as_str().unwrap().to_owned())
        };
        assert_eq!(kind("string", 500, 500).unwrap(), "string_text");
        assert_eq!(kind("array", 1, 2).unwrap(), "list");
        assert_eq!(kind("date", 1, 2).unwrap(), "datetime");
        let same = json!({"name": "x", "type": "integer", "count": 4, "nulls": 0, "min": 7, "max": 7});
        assert_eq!(
            shown(same, 4).unwrap()["column_statistics"]["histogram"],
            json!({"hist": [4], "bin_edges": [7, 7]})
        );
        assert_eq!((kind("object", 1, 2), kind("time", 1, 2), kind("any", 1, 2)), (None, None, None));
    }

    #[test]
    fn bins_are_joined() {
        for (bins, hist, edges) in [(1, 1, 2), (10, 10, 11), (11, 6, 7), (20, 10, 11), (15, 8, 9)] {
            let histogram = Histogram { edges: (0..=bins).map(Value::from).collect(), counts: vec![1; bins] };
            let json = histogram.into_json();
            assert_eq!(json["hist"].as_array().unwrap().len(), hist, "{bins}");
            assert_eq!(json["bin_edges"].as_array().unwrap().len(), edges, "{bins}");
        }
    }
}
