//! The first rows of a table, as HTML.

use std::fmt::Write as _;

use serde_json::Value;

use super::Frame;
use crate::error::{Error, Result};
use crate::tables::Done;
use crate::web::http::escape_html;

/// Maximum number of columns that are shown, and of characters of a value.
const COLUMNS: usize = 30;
const CHARS: usize = 200;

/// Renders rows, which the table engine sent as JSON.
pub(super) fn frame(json: &[u8], done: &Done) -> Result<Frame> {
    let rows: Vec<Vec<Value>> = serde_json::from_slice(json).map_err(Error::internal)?;
    let columns = &done.columns[..done.columns.len().min(COLUMNS)];
    let mut html = String::from("<table>\n<thead><tr>");
    for column in columns {
        let class = class(&column.r#type);
        let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escape_html(&shortened(&column.name)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &rows {
        html.push_str("<tr>");
        for (column, value) in columns.iter().zip(row) {
            match value {
                Value::Null => html.push_str("<td class=\"none\">–</td>"),
                value => {
                    let _ = write!(html, "<td{}>{}</td>", class(&column.r#type), escape_html(&text(value)));
                }
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table>");
    let shown = rows.len();
    let rows = match done.total {
        Some(total) if total > shown as u64 => format!("First {shown} of {total} rows"),
        None if done.more => format!("First {shown} rows"),
        _ => format!("{shown} {}", if shown == 1 { "row" } else { "rows" }),
    };
    let hidden = done.columns.len() - columns.len();
    let note = if hidden > 0 { format!("{rows}, {COLUMNS} of {} columns", done.columns.len()) } else { rows };
    Ok(Frame { content: html, note })
}

/// Returns the attribute that aligns the values of a type.
fn class(of: &str) -> &'static str {
    if matches!(of, "integer" | "number") { " class=\"number\"" } else { "" }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    }
}

/// Returns the beginning of a text, on one line.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tables::Column;

    #[test]
    fn cells_stay_text_and_are_bounded() {
        let column = |name: &str, kind: &str| Column { name: name.into(), r#type: kind.into(), format: None };
        let mut columns = vec![column("<b>a</b>", "string"), column("n", "number")];
        columns.extend((0..40).map(|n| column(&n.to_string(), "any")));
        let long = "é".repeat(1000);
        let rows = json!([["</td><script>alert('x')</script>", 1.5], [long, null], [{"a": "<i>"}, "\u{0}x"]]);
        let done = Done { columns, more: true, ..Done::default() };
        let frame = frame(rows.to_string().as_bytes(), &done).unwrap();
        assert!(!frame.content.contains("<script") && !frame.content.contains("<b>") && !frame.content.contains("<i>"));
        assert!(
            frame.content.contains("<td class=\"number\">1.5</td>") && frame.content.contains("<td class=\"none\">")
        );
        assert!(frame.content.len() < 4000 && !frame.content.contains('\u{0}'), "{}", frame.content.len());
        assert_eq!(frame.note, "First 3 rows, 30 of 42 columns");
    }
}
