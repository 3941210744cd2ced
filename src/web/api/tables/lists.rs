//! Lists of columns in URLs: `name,-price,"a, b"`.

use crate::error::{Error, Result};
use crate::tables::Sort;

/// Maximum number of columns to sort by.
const MAX_SORT: usize = 100;

/// Parses a list of columns.
///
/// # Errors
/// Invalid if a quote is not closed, or the list is empty.
pub(super) fn columns(text: &str) -> Result<Vec<String>> {
    Ok(items(text)?.into_iter().map(|Item { name, .. }| name).collect())
}

/// Parses a list of columns to sort by; a leading minus means descending order.
///
/// # Errors
/// Invalid if a quote is not closed, or the list is too long.
pub(super) fn sort(text: &str) -> Result<Vec<Sort>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let items = items(text)?;
    if items.len() > MAX_SORT {
        return Err(Error::invalid(format!("`sort` must have at most {MAX_SORT} columns")));
    }
    let sort = items.into_iter().map(|Item { name, is_negative }| {
        // Without quotes, the minus is not part of the name.
        let column = if is_negative { name[1..].to_owned() } else { name };
        Sort { column, descending: is_negative }
    });
    let mut sort: Vec<Sort> = sort.collect();
    let mut seen = std::collections::HashSet::new();
    sort.retain(|by| seen.insert(by.column.clone()));
    Ok(sort)
}

struct Item {
    /// The name, with a minus before it that was not quoted.
    name: String,
    is_negative: bool,
}

fn items(text: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        let (minus, quoted) = match rest.strip_prefix('-') {
            Some(after) if after.starts_with('"') => ("-", Some(after)),
            _ => ("", Some(rest).filter(|rest| rest.starts_with('"'))),
        };
        let (name, is_negative, after) = if let Some(quoted) = quoted {
            let (name, after) = unquote(&quoted[1..])?;
            (format!("{minus}{name}"), !minus.is_empty(), after)
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest[..end].to_owned(), rest.starts_with('-'), &rest[end..])
        };
        if name.is_empty() || name == "-" && is_negative {
            return Err(Error::invalid("a list of columns has an empty name; write names as `name,\"other, name\"`"));
        }
        items.push(Item { name, is_negative });
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(items),
            None => return Err(Error::invalid("in a list of columns, a comma must follow a closing quote")),
        }
    }
}

/// Reads a quoted name, in which two quotes stand for one. Returns it, and what follows.
fn unquote(text: &str) -> Result<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or_else(|| Error::invalid("a list of columns has a quote that is not closed"))?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Ok((name, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by(text: &str) -> Vec<(String, bool)> {
        sort(text).unwrap().into_iter().map(|sort| (sort.column, sort.descending)).collect()
    }

    #[test]
    fn lists_are_parsed() {
        assert_eq!(columns("a,b c,ü").unwrap(), ["a", "b c", "ü"]);
        assert_eq!(columns("\"a, b\",\"say \"\"x\"\"\",c").unwrap(), ["a, b", "say \"x\"", "c"]);
        assert_eq!(columns("-a").unwrap(), ["-a"], "a minus has no meaning here");
        let expected = [("a", false), ("b", true), ("-c", false), ("d,e", true)];
        assert_eq!(by("a,-b,\"-c\",-\"d,e\",-a"), expected.map(|(name, down)| (name.to_owned(), down)));
        assert_eq!(by(""), []);
        for bad in ["", ",a", "a,", "\"a", "\"a\"b", "a,,b"] {
            assert!(columns(bad).is_err(), "{bad}");
        }
        assert!(sort("-").is_err());
    }

    proptest! {
        #[test]
        fn quoted_names_are_returned(names in prop::collection::vec(".{1,8}", 1..5)) {
            let text: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
            prop_assert_eq!(columns(&text.join(",")).unwrap(), names);
        }

        #[test]
        fn no_list_panics(text in "[-\",ab]{0,12}") {
            let _ = (columns(&text), sort(&text));
        }
    }
}
