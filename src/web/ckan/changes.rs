//! Text diffs in the formats of Python's `difflib`.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::{Duration, Instant};

use similar::{ChangeTag, DiffTag, TextDiff};

use crate::error::Error;
use crate::web::http::escape_html;

/// How long to search for the shortest diff before accepting any.
const DIFF_TIMEOUT: Duration = Duration::from_millis(500);

/// The number of context lines around each change.
const AROUND: usize = 3;

/// A diff format.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Unified,
    Context,
    Html,
}

impl FromStr for Style {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "unified" => Ok(Self::Unified),
            "context" => Ok(Self::Context),
            "html" => Ok(Self::Html),
            _ => Err(Error::invalid("`diff_type` must be unified, context or html")),
        }
    }
}

pub(super) fn difference(before: &str, after: &str, style: Style) -> String {
    let diff = TextDiff::configure().deadline(Instant::now() + DIFF_TIMEOUT).diff_lines(before, after);
    match style {
        Style::Unified => diff.unified_diff().context_radius(AROUND).header("before", "after").to_string(),
        Style::Context => context(&diff),
        Style::Html => table(&diff),
    }
}

/// Formats a context diff (POSIX, diff, "Diff -c or -C Output Format").
fn context(diff: &TextDiff<'_, '_, '_, str>) -> String {
    let mut out = String::new();
    for group in diff.grouped_ops(AROUND) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        if out.is_empty() {
            out.push_str("*** before\n--- after\n");
        }
        let range = |start: usize, end: usize| match end - start {
            0 => start.to_string(),
            1 => (start + 1).to_string(),
            _ => format!("{},{end}", start + 1),
        };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let changed =
            |tag: ChangeTag| group.iter().flat_map(|op| diff.iter_changes(op)).any(|change| change.tag() == tag);
        let sides = [
            ("***", " ****", old, ChangeTag::Delete, changed(ChangeTag::Delete)),
            ("---", " ----", new, ChangeTag::Insert, changed(ChangeTag::Insert)),
        ];
        out.push_str("***************\n");
        for (mark, end, lines, side, is_changed) in sides {
            let _ = writeln!(out, "{mark} {}{end}", range(lines.start, lines.end));
            for op in group.iter().filter(|_| is_changed) {
                let sign = match (op.tag(), side) {
                    (DiffTag::Equal, _) => ' ',
                    (DiffTag::Replace, _) => '!',
                    (_, ChangeTag::Delete) => '-',
                    _ => '+',
                };
                for change in diff.iter_changes(op) {
                    if change.tag() == ChangeTag::Equal || change.tag() == side {
                        let _ = writeln!(out, "{sign} {}", change.value().trim_end_matches('\n'));
                    }
                }
            }
        }
    }
    out
}

/// Formats an HTML table of deleted and added lines.
fn table(diff: &TextDiff<'_, '_, '_, str>) -> String {
    let mut out = String::from("<table class=\"diff\">\n<tbody>\n");
    for group in diff.grouped_ops(AROUND) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let class = match change.tag() {
                ChangeTag::Equal => "diff_same",
                ChangeTag::Delete => "diff_sub",
                ChangeTag::Insert => "diff_add",
            };
            let number = |index: Option<usize>| index.map_or(String::new(), |index| (index + 1).to_string());
            let text = change.value().trim_end_matches('\n');
            let text = escape_html(text);
            let _ = writeln!(
                out,
                "<tr class=\"{class}\"><td>{}</td><td>{}</td><td><pre>{text}</pre></td></tr>",
                number(change.old_index()),
                number(change.new_index())
            );
        }
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "{\n  \"a\": 1,\n  \"b\": \"<i>\"\n}\n";
    const AFTER: &str = "{\n  \"a\": 2,\n  \"b\": \"<i>\"\n}\n";

    #[test]
    fn each_format_is_that_of_difflib() {
        let of = |style: &str| difference(BEFORE, AFTER, style.parse().unwrap());
        assert_eq!(
            of("unified"),
            "--- before\n+++ after\n@@ -1,4 +1,4 @@\n {\n-  \"a\": 1,\n+  \"a\": 2,\n   \"b\": \"<i>\"\n }\n"
        );
        assert_eq!(
            of("context"),
            "*** before\n--- after\n***************\n*** 1,4 ****\n  {\n!   \"a\": 1,\n    \"b\": \"<i>\"\n  }\n--- 1,4 \
             ----\n  {\n!   \"a\": 2,\n    \"b\": \"<i>\"\n  }\n"
        );
        let html = of("html");
        assert!(
            html.contains("<tr class=\"diff_add\"><td></td><td>2</td><td><pre>  &quot;a&quot;: 2,</pre>"),
            "{html}"
        );
        assert!(html.contains("&lt;i&gt;") && !html.contains("<i>"), "{html}");
        assert!("other".parse::<Style>().is_err());
        for style in ["unified", "context"] {
            assert_eq!(difference(BEFORE, BEFORE, style.parse().unwrap()), "");
        }
    }
}
