//! The parameter `orderby`: `"col" DESC, other`, as in SQL.

use crate::error::{Error, Result};
use crate::tables::Sort;

/// Maximum number of columns to sort by.
const MAX_SORT: usize = 100;

/// Parses the columns to sort by. Missing values are last either way, as in `DuckDB`.
///
/// # Errors
/// Invalid unless it is a list of columns, each with `ASC` or `DESC` or nothing after it.
pub(super) fn parse(text: &str) -> Result<Vec<Sort>> {
    let mut sort: Vec<Sort> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (column, after) = name(rest).ok_or_else(invalid)?;
        let (end, next) = match after.split_once(',') {
            Some((_, next)) if next.trim().is_empty() => return Err(invalid()),
            Some((end, next)) => (end, next),
            None => (after, ""),
        };
        let descending = match end.trim() {
            "" => false,
            direction if direction.eq_ignore_ascii_case("asc") => false,
            direction if direction.eq_ignore_ascii_case("desc") => true,
            _ => return Err(invalid()),
        };
        if sort.len() == MAX_SORT {
            return Err(Error::invalid(format!("`orderby` must have at most {MAX_SORT} columns")));
        }
        if !sort.iter().any(|other| other.column == column) {
            sort.push(Sort { column, descending });
        }
        rest = next.trim();
    }
    Ok(sort)
}

fn invalid() -> Error {
    Error::invalid("`orderby` must be a list of columns: `\"name\" DESC, other`")
}

/// Reads a name, in double quotes unless it is plain. Returns it, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(text.len());
        let name = &text[..end];
        return (!name.is_empty() && !name.contains('"')).then(|| (name.to_owned(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        // Two quotes stand for one.
        let Some(more) = after.strip_prefix('"') else { return Some((name, after)) };
        name.push('"');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by(text: &str) -> Vec<(String, bool)> {
        parse(text).unwrap().into_iter().map(|sort| (sort.column, sort.descending)).collect()
    }

    #[test]
    fn orders_are_parsed() {
        let expected = [("a b", true), ("c", false), ("say \"x\", y", false), ("d", true)];
        let expected = expected.map(|(name, descending)| (name.to_owned(), descending));
        assert_eq!(by("\"a b\" DESC, c ,\"say \"\"x\"\", y\" asc,d desc, c DESC"), expected);
        assert_eq!(by(" "), []);
        for bad in [",", "a,", "a b", "a DESC c", "\"a", "a\"b", "\"a\" ; DROP", "(SELECT 1)", "a DESC NULLS"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&(0..200).map(|at| format!("c{at}")).collect::<Vec<_>>().join(",")).is_err());
    }

    proptest! {
        #[test]
        fn quoted_names_are_returned(name in ".{1,12}", descending: bool) {
            let text = format!("\"{}\"{}", name.replace('"', "\"\""), if descending { " DESC" } else { "" });
            prop_assert_eq!(by(&text), [(name, descending)]);
        }
    }
}
