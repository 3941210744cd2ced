//! Rewriting JSON text: what does not change stays as its author wrote it, with its order and its white space.

use std::fmt;

use serde::Serialize as _;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The indentation of documents without line breaks, and of new ones.
const INDENT: &str = "  ";

/// Returns the text of `value`, with as much of `text` as possible: members and items that stay keep their text, new ones
/// come last. `text` must be JSON that [`parse`](crate::parse()) accepts, which limits its depth; otherwise the result is
/// written anew.
pub fn rewrite(text: &str, value: &Value) -> String {
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let body = &text[mark.len()..];
    let Ok(raw) = serde_json::from_str::<&RawValue>(body) else { return format!("{}\n", fresh(value, INDENT, "")) };
    let start = offset(body, raw.get());
    let (before, after) = (&body[..start], &body[start + raw.get().len()..]);
    let style = Style::of(body);
    format!("{mark}{before}{}{after}", style.value(raw.get(), value, ""))
}

/// How a document is written.
struct Style {
    /// What each level is indented by; `None` if the document is in one line.
    indent: Option<String>,
    /// The end of lines.
    line: &'static str,
    /// What separates a name from its value.
    colon: &'static str,
}

/// The members of an object, in their order.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Members)
    }
}

impl Style {
    fn of(text: &str) -> Self {
        let line = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let indented = text.trim_end().lines().skip(1).find_map(|line| {
            let rest = line.trim_start_matches([' ', '\t']);
            (!rest.is_empty() && rest.len() < line.len()).then(|| line[..line.len() - rest.len()].to_owned())
        });
        let is_one_line = !text.trim().contains('\n');
        let indent = (!is_one_line).then(|| indented.unwrap_or_else(|| INDENT.to_owned()));
        let colon = if is_one_line && !text.contains("\": ") && text.contains("\":") { ":" } else { ": " };
        Self { indent, line, colon }
    }

    /// Returns the text of a value, of which `text` is the old one. `margin` is the indentation of the line in which it
    /// begins.
    fn value(&self, text: &str, value: &Value, margin: &str) -> String {
        if serde_json::from_str::<Value>(text).is_ok_and(|old| old == *value) {
            return text.to_owned();
        }
        let kept = match value {
            Value::Object(new) => self.object(text, new, margin),
            Value::Array(new) => self.array(text, new, margin),
            _ => None,
        };
        kept.unwrap_or_else(|| self.fresh(value, margin))
    }

    /// Returns the text of an object; `None` if its members cannot be kept.
    fn object(&self, text: &str, new: &Map<String, Value>, margin: &str) -> Option<String> {
        let Members(old) = serde_json::from_str(text).ok()?;
        let mut names = std::collections::HashSet::new();
        if !old.iter().all(|(name, _)| new.contains_key(name) && names.insert(name.as_str())) {
            return None;
        }
        let kept: Vec<(&RawValue, &Value)> =
            old.iter().map(|(name, raw)| Some((*raw, new.get(name)?))).collect::<Option<_>>()?;
        let added = new.iter().filter(|(name, _)| !names.contains(name.as_str()));
        let with_margin = |margin: &str| {
            let member = |(name, value): (&String, &Value)| {
                format!("{}{}{}", Value::from(name.as_str()), self.colon, self.fresh(value, margin))
            };
            added.map(member).collect()
        };
        Some(self.with(text, &kept, margin, with_margin))
    }

    /// Returns the text of an array; `None` if items were removed.
    fn array(&self, text: &str, new: &[Value], margin: &str) -> Option<String> {
        let old: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        let (first, added) = new.split_at_checked(old.len())?;
        let kept: Vec<(&RawValue, &Value)> = old.into_iter().zip(first).collect();
        Some(self.with(text, &kept, margin, |margin| added.iter().map(|value| self.fresh(value, margin)).collect()))
    }

    /// Returns the text of a container, with the new text of what it has already, and with what `added` returns for the
    /// indentation of its lines. `outer` is that of the line in which it begins.
    fn with(
        &self,
        text: &str,
        kept: &[(&RawValue, &Value)],
        outer: &str,
        added: impl FnOnce(&str) -> Vec<String>,
    ) -> String {
        let (mut result, mut done) = (String::new(), 0);
        // The indentation of the last line in which a member begins: new ones follow it.
        let mut own = None;
        for (raw, value) in kept {
            let start = offset(text, raw.get());
            own = line_margin(&text[done..start]).or(own);
            result.push_str(&text[done..start]);
            result.push_str(&self.value(raw.get(), value, own.unwrap_or(outer)));
            done = start + raw.get().len();
        }
        // An empty container is written as a new one is.
        let opened = self.indent.as_ref().filter(|_| kept.is_empty()).map(|indent| format!("{outer}{indent}"));
        if kept.is_empty() {
            result.push_str(&text[..1]);
            done = text.len() - 1;
        }
        let margin = own.or(opened.as_deref());
        let added = added(margin.unwrap_or(outer));
        for (number, item) in added.iter().enumerate() {
            let is_first = number == 0 && kept.is_empty();
            if !is_first {
                result.push(',');
            }
            match margin {
                Some(margin) => result.extend([self.line, margin]),
                None if self.colon == ": " && !is_first => result.push(' '),
                None => {}
            }
            result.push_str(item);
        }
        if opened.is_some() && !added.is_empty() {
            result.extend([self.line, outer]);
        }
        result.push_str(&text[done..]);
        result
    }

    /// Returns the text of a new value, whose further lines begin with `margin`.
    fn fresh(&self, value: &Value, margin: &str) -> String {
        match &self.indent {
            Some(indent) => fresh(value, indent, margin).replace('\n', self.line),
            None if self.colon == ":" => value.to_string(),
            None => one_line(value),
        }
    }
}

/// Returns where a part of a text is in it. The part must be a slice of it.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// Returns the white space at the beginning of the last line; `None` without a line break.
fn line_margin(text: &str) -> Option<&str> {
    let line = &text[text.rfind('\n')? + 1..];
    Some(&line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
}

fn fresh(value: &Value, indent: &str, margin: &str) -> String {
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut text = Vec::new();
    // A value can always be written to memory.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter));
    // Line breaks in strings are escaped, so each one is between two values.
    String::from_utf8(text).unwrap_or_default().replace('\n', &format!("\n{margin}"))
}

/// Returns a value in one line, with a space after each comma and colon.
fn one_line(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), one_line(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
