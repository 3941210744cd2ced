//! Names of columns in requests.

use tables_wire::Column;

use crate::error::{Error, Result, shortened};

/// How many similar names a message lists.
const SIMILAR: usize = 5;

/// Maximum length of a name in a message, in characters.
const SHOWN: usize = 60;

/// Maximum length of names that are compared, in bytes: the cost is the product of both lengths.
const COMPARED: usize = 64;

/// Where the columns of a table are.
const ADVICE: &str = "the statistics of the table list its columns";

/// Returns the positions of the columns with these names; of all columns by default.
pub(crate) fn positions(columns: &[Column], names: Option<&[String]>) -> Result<Vec<usize>> {
    let Some(names) = names else { return Ok((0..columns.len()).collect()) };
    let known = columns.iter().map(|column| column.name.as_str());
    names.iter().map(|name| position(known.clone(), name)).collect()
}

/// Returns the position of the column with exactly this name.
pub(crate) fn position<'a>(names: impl IntoIterator<Item = &'a str> + Clone, name: &str) -> Result<usize> {
    let found = names.clone().into_iter().position(|other| other == name);
    found.ok_or_else(|| unknown(names, name, ADVICE))
}

/// Returns the position of the column that an unquoted SQL identifier stands for: in any case, if that is unique.
pub(crate) fn unquoted<'a>(names: impl IntoIterator<Item = &'a str> + Clone, name: &str) -> Result<usize> {
    let folded = name.to_lowercase();
    let mut found = None;
    for (position, other) in names.clone().into_iter().enumerate() {
        if other == name {
            return Ok(position);
        }
        if other.to_lowercase() == folded && found.replace(position).is_some() {
            // An exact match may still follow.
            let exact = names.into_iter().position(|other| other == name);
            return exact.ok_or_else(|| {
                let name = shortened(name, SHOWN);
                Error::invalid(format!("{name} matches several columns; write the name in double quotes, in its case"))
            });
        }
    }
    found.ok_or_else(|| unknown(names, name, ADVICE))
}

/// Returns the error of an unknown column, with the names that are similar, or `advice` where to find the names.
pub(crate) fn unknown<'a>(names: impl IntoIterator<Item = &'a str>, name: &str, advice: &str) -> Error {
    let folded = name.to_lowercase();
    let mut similar: Vec<_> = names
        .into_iter()
        .filter_map(|other| {
            if name.len().max(other.len()) > COMPARED {
                return None;
            }
            let distance = strsim::levenshtein(&folded, &other.to_lowercase());
            // Half of the characters may differ.
            let allowed = folded.chars().count().div_ceil(2);
            (distance <= allowed).then_some((distance, other))
        })
        .collect();
    similar.sort_by_key(|(distance, _)| *distance);
    let similar: Vec<_> =
        similar.iter().take(SIMILAR).map(|(_, name)| format!("\"{}\"", shortened(name, SHOWN))).collect();
    let advice = match similar.as_slice() {
        [] => advice.to_owned(),
        similar => format!("similar names: {}", similar.join(", ")),
    };
    Error::invalid(format!("unknown column \"{}\"; {advice}", shortened(name, SHOWN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["id", "Name", "station", "Station", "TEMPERATURE"];

    #[test]
    fn names_match_as_in_sql() {
        for (name, expected) in [("ID", Some(0)), ("name", Some(1)), ("Station", Some(3)), ("temperature", Some(4))] {
            assert_eq!(unquoted(NAMES, name).ok(), expected, "{name}");
        }
        assert!(unquoted(NAMES, "STATION").unwrap_err().message.contains("several columns"));
        assert_eq!(position(NAMES, "Name").unwrap(), 1);
        assert!(position(NAMES, "name").unwrap_err().message.contains("\"Name\""));
    }

    #[test]
    fn messages_list_similar_names() {
        let message = unknown(NAMES, "temprature", ADVICE).message;
        assert_eq!(message, "unknown column \"temprature\"; similar names: \"TEMPERATURE\"");
        assert!(unknown(NAMES, "zzzzzz", ADVICE).message.ends_with("the statistics of the table list its columns"));
    }
}
