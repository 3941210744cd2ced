//! Problem messages: JSON pointers to places in a document, and short representations of values.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum number of problems reported for one document.
pub const PROBLEM_LIMIT: usize = 100;

/// Maximum number of characters of a user's text in a message.
const SHOWN: usize = 80;

/// A validation problem of a package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("{path:?}: {message}")]
pub struct Problem {
    /// The place of the problem: a JSON pointer (RFC 6901) into the package; empty for the whole package.
    pub path: String,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl Problem {
    /// Creates a problem of the package as a whole.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }
}

/// Summarises the problems of a package in one sentence: the first ones, each with its place.
pub fn complaint(problems: &[Problem]) -> String {
    const NAMED: usize = 10;
    let sentence = |problem: &Problem| match problem.path.as_str() {
        "" => problem.message.clone(),
        path => format!("`{path}`: {}", problem.message),
    };
    let named: Vec<String> = problems.iter().take(NAMED).map(sentence).collect();
    let more = match problems.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{} is not valid: {}{more}", crate::PACKAGE, named.join("; "))
}

/// A place in a document. The JSON pointer is only built if there is a problem.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonPointer<'p> {
    parent: Option<&'p JsonPointer<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> JsonPointer<'p> {
    pub(super) const ROOT: JsonPointer<'static> = JsonPointer { parent: None, step: Step::Root };

    pub(super) fn key(&'p self, key: &'p str) -> JsonPointer<'p> {
        JsonPointer { parent: Some(self), step: Step::Key(key) }
    }

    pub(super) fn index(&'p self, index: usize) -> JsonPointer<'p> {
        JsonPointer { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for JsonPointer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(formatter)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) => write!(formatter, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => write!(formatter, "/{index}"),
        }
    }
}

/// The problems found so far: at most the first [`PROBLEM_LIMIT`].
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, place: JsonPointer<'_>, message: impl Into<String>) {
        if !self.full() {
            self.0.push(Problem { path: place.to_string(), message: message.into() });
        }
    }

    /// Returns true if the limit is reached, so that checking can stop.
    pub(super) fn full(&self) -> bool {
        self.0.len() >= PROBLEM_LIMIT
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

/// Formats a user's text for a message: quoted and truncated.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Formats a value for a message: its type, and the value itself if it is short.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_json_pointers() {
        let resources = JsonPointer::ROOT.key("resources");
        let third = resources.index(2);
        assert_eq!(JsonPointer::ROOT.to_string(), "");
        assert_eq!(third.key("a/b~c").to_string(), "/resources/2/a~1b~0c");
    }

    #[test]
    fn messages_show_the_beginning_of_long_texts() {
        assert_eq!(quoted("a\"b\n"), r#""a\"b\n""#);
        let long = quoted(&"ü".repeat(10_000));
        assert_eq!(long.chars().count(), SHOWN + 3);
        assert_eq!(shown(&json!(1.5)), "the number 1.5");
        assert_eq!(shown(&json!({"a": 1})), "an object");
    }

    #[test]
    fn a_problem_is_two_strings_in_json() {
        let problem = Problem { path: "/name".to_owned(), message: "no".to_owned() };
        assert_eq!(serde_json::to_value(&problem).unwrap(), json!({"path": "/name", "message": "no"}));
        assert_eq!(problem.to_string(), r#""/name": no"#);
    }

    fn descend(place: JsonPointer<'_>, keys: &[String]) -> String {
        match keys {
            [] => place.to_string(),
            [first, rest @ ..] => descend(place.key(first), rest),
        }
    }

    proptest! {
        #[test]
        fn a_place_finds_its_value(keys in prop::collection::vec("[a~/é0 ]{0,4}", 0..6)) {
            let mut document = json!("here");
            for key in keys.iter().rev() {
                document = json!({ key.as_str(): document });
            }
            let pointer = descend(JsonPointer::ROOT, &keys);
            prop_assert_eq!(document.pointer(&pointer), Some(&json!("here")));
        }
    }
}
