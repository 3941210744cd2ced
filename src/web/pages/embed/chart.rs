//! The chart of a column: a histogram, or its most frequent values, as SVG.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::Frame;
use super::rows::shortened;
use crate::error::{Error, Result};
use crate::web::http::escape_html;

/// Size of the drawing, which is scaled to the frame.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;

/// Width of the labels of frequent values, and the characters that fit into it.
const LABEL: f64 = 180.0;
const LABEL_CHARS: usize = 26;

/// What the table engine sends of the statistics, as far as it is drawn.
#[derive(Deserialize)]
struct Statistics {
    rows: u64,
    is_complete: bool,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    count: u64,
    nulls: u64,
    histogram: Option<Histogram>,
    top: Option<Vec<Frequent>>,
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

/// Draws the chart of a column.
///
/// # Errors
/// Not found without such a column; invalid for a column without a chart.
pub(super) fn frame(json: &[u8], name: &str) -> Result<Frame> {
    let statistics: Statistics = serde_json::from_slice(json).map_err(Error::internal)?;
    let column = statistics.columns.iter().find(|column| column.name == name);
    let column = column.ok_or_else(|| Error::invalid(format!("it has no column {name:?}")))?;
    let content = match (&column.histogram, &column.top) {
        (Some(histogram), _) if !histogram.counts.is_empty() => histogram.svg(),
        (_, Some(top)) if !top.is_empty() => frequent(top),
        _ => return Err(Error::invalid(format!("the column {name:?} has no values to draw"))),
    };
    let first = if statistics.is_complete { "" } else { "first " };
    let missing = if column.nulls > 0 { format!(", {} missing", column.nulls) } else { String::new() };
    let note = format!("{} values of the {first}{} rows{missing}", column.count, statistics.rows);
    Ok(Frame { content, note })
}

impl Histogram {
    fn svg(&self) -> String {
        let most = self.counts.iter().copied().max().unwrap_or_default().max(1);
        let (floor, step) = (HEIGHT - 24.0, WIDTH / as_f64(self.counts.len() as u64));
        let mut svg = open("Histogram");
        for (number, count) in self.counts.iter().enumerate() {
            let height = as_f64(*count) / as_f64(most) * (floor - 8.0);
            let (from, to) = (self.edge(number), self.edge(number + 1));
            let _ = write!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{from} to {to}: {count}</title></rect>",
                as_f64(number as u64) * step,
                floor - height,
                (step - 1.0).max(0.5),
            );
        }
        let _ = write!(
            svg,
            "<line x1=\"0\" x2=\"{WIDTH}\" y1=\"{floor}\" y2=\"{floor}\"/><text x=\"0\" y=\"{y}\">{}</text>\
             <text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{}</text></svg>",
            self.edge(0),
            self.edge(self.counts.len()),
            y = HEIGHT - 6.0,
        );
        svg
    }

    /// Returns an edge, as HTML.
    fn edge(&self, number: usize) -> String {
        self.edges.get(number).map(label).unwrap_or_default()
    }
}

fn frequent(top: &[Frequent]) -> String {
    let most = top.iter().map(|value| value.count).max().unwrap_or_default().max(1);
    let step = HEIGHT / as_f64(top.len() as u64);
    let mut svg = open("Most frequent values");
    for (number, Frequent { value, count }) in top.iter().enumerate() {
        let y = as_f64(number as u64) * step;
        let width = as_f64(*count) / as_f64(most) * (WIDTH - LABEL - 60.0);
        let (text, middle) = (label(value), y + step / 2.0 + 4.0);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{text}</text><rect x=\"{LABEL}\" y=\"{:.1}\" width=\"{width:.1}\" \
             height=\"{:.1}\"/><text x=\"{:.1}\" y=\"{middle:.1}\">{count}</text>",
            LABEL - 8.0,
            y + step * 0.15,
            step * 0.7,
            LABEL + width + 6.0,
        );
    }
    svg.push_str("</svg>");
    svg
}

fn open(what: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{what}\">")
}

/// Returns a value as a short label, in HTML.
fn label(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = match value.as_f64() {
        // As much as there is room for.
        Some(number) if text.len() > 10 => format!("{number:.4}"),
        _ => shortened(&text),
    };
    let mut short: String = text.chars().take(LABEL_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escape_html(&short)
}

#[expect(clippy::cast_precision_loss, reason = "it is only drawn")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn charts_show_numbers_and_words_as_text() {
        let hostile = "</text><script>alert(1)</script>";
        let statistics = json!({"rows": 9, "is_complete": false, "columns": [
            {"name": "n", "count": 8, "nulls": 1, "histogram": {"edges": [0.123_456_789_012, 1, hostile], "counts": [3, 5]}, "top": null},
            {"name": "word", "count": 9, "nulls": 0, "top": [{"value": hostile, "count": 7}, {"value": true, "count": 2}]},
            {"name": "empty", "count": 0, "nulls": 9, "top": []},
        ]});
        let json = statistics.to_string().into_bytes();
        for (name, bars) in [("n", 2), ("word", 2)] {
            let frame = frame(&json, name).unwrap();
            assert!(!frame.content.contains("<script"), "{}", frame.content);
            assert_eq!(frame.content.matches("<rect").count(), bars, "{}", frame.content);
        }
        let drawn = frame(&json, "n").unwrap();
        assert!(drawn.content.contains(">0.1235<"), "{}", drawn.content);
        assert_eq!(drawn.note, "8 values of the first 9 rows, 1 missing");
        assert_eq!(frame(&json, "empty").map(|_| ()).unwrap_err().kind(), crate::error::Kind::Invalid);
        assert_eq!(frame(&json, "none").map(|_| ()).unwrap_err().kind(), crate::error::Kind::Invalid);
    }
}
