//! Files of platform roles: TOML with one line for each user, `[roles] ada = "engineer"`. Errors name lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::error::{Error, Result};
use crate::types::{OwnerName, PlatformRole};

/// Maximum length of a file, in bytes.
pub const MAX_FILE_BYTES: usize = 512 << 10;
/// Maximum number of platform roles of an organisation.
pub const MAX_ROLES: usize = 5000;
/// Maximum number of wrong lines in an error message.
const MAX_REPORTED: usize = 10;

/// The content of a file: the role of each user, with its line, for error messages.
#[derive(Debug)]
pub struct RoleFile {
    pub(super) lines: BTreeMap<OwnerName, (usize, PlatformRole)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    roles: BTreeMap<Spanned<String>, Value>,
}

impl RoleFile {
    /// Returns the number of users.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns true if the file names no user.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Parses a file.
    ///
    /// # Errors
    /// Invalid; the message names up to ten wrong lines.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_FILE_BYTES {
            return Err(Error::too_large(format!("a file of roles can have at most {MAX_FILE_BYTES} bytes")));
        }
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let line = |at: usize| 1 + ends.partition_point(|end| *end < at);
        let document: Document = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or_else(String::new, |span| format!("line {}: ", line(span.start)));
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            Error::invalid(format!(
                "{place}{message}; the file must have the form `[roles]`, then `ada = \"engineer\"`"
            ))
        })?;
        if document.roles.len() > MAX_ROLES {
            return Err(Error::invalid(format!("an organisation can have at most {MAX_ROLES} platform roles")));
        }
        let (mut lines, mut wrong) = (BTreeMap::new(), WrongLines::default());
        for (name, role) in &document.roles {
            let number = line(name.span().start);
            let name = name.get_ref();
            match (name.parse::<OwnerName>(), role) {
                (_, Value::Table(_)) => wrong.add(number, "a name with a dot must be in quotes"),
                (Err(error), _) => wrong.add(number, error.detail()),
                (Ok(user), Value::String(role)) => match role.parse::<PlatformRole>() {
                    Err(error) => wrong.add(number, error.detail()),
                    Ok(role) => {
                        if let Some((first, _)) = lines.insert(user, (number, role)) {
                            wrong.add(number, &format!("`{}` is in line {first}, too", name.escape_debug()));
                        }
                    }
                },
                (Ok(_), _) => wrong.add(number, "the role must be text in quotes"),
            }
        }
        wrong.into_result()?;
        Ok(Self { lines })
    }
}

/// What is wrong in a file, by line.
#[derive(Default)]
pub(super) struct WrongLines(Vec<(usize, String)>);

impl WrongLines {
    pub(super) fn add(&mut self, line: usize, what: &str) {
        self.0.push((line, what.to_owned()));
    }

    /// Returns the error for all wrong lines, in order.
    pub(super) fn into_result(mut self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort();
        let mut message = String::from("nothing was changed: ");
        let shown: Vec<String> =
            self.0.iter().take(MAX_REPORTED).map(|(line, what)| format!("line {line}: {what}")).collect();
        message.push_str(&shown.join("; "));
        if let Some(more) = self.0.len().checked_sub(MAX_REPORTED).filter(|more| *more > 0) {
            _ = write!(message, "; and {more} more");
        }
        Err(Error::invalid(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        RoleFile::parse(text).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_file_has_one_line_for_each_user() {
        let file = RoleFile::parse("# team\n[roles]\nada = \"engineer\"\n\"Bob.B\" = \"viewer\"\n").unwrap();
        let lines: Vec<String> =
            file.lines.iter().map(|(name, (line, role))| format!("{line} {name} {role}")).collect();
        assert_eq!(lines, ["3 ada engineer", "4 bob.b viewer"]);
        assert!(RoleFile::parse("[roles]\n").unwrap().lines.is_empty());
    }

    #[test]
    fn errors_name_lines() {
        let wrong = "[roles]\nada = \"engineer\"\nbob = \"king\"\neve = 7\nx.y = \"admin\"\n\"a b\" = \"viewer\"\n";
        let message = error(wrong);
        for part in
            ["line 3: `king` is not a platform role", "line 4: the role", "line 5: a name with a dot", "line 6:"]
        {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains("line 2"));
        assert!(error("[roles]\nada = \"viewer\"\nADA = \"admin\"\n").contains("`ada` is in line 3, too"));
        assert!(error("[roles]\nada = \"viewer\"\nada = \"admin\"\n").starts_with("line 3: duplicate key"));
        assert!(error("[roles\n").starts_with("line 1: "));
        assert!(error("[rules]\nada = \"viewer\"").starts_with("line 1: unknown field"));
        assert!(error("").contains("missing field"));
        let many: String = (0..=MAX_ROLES).fold("[roles]\n".into(), |text, n| format!("{text}u{n} = \"viewer\"\n"));
        assert!(error(&many).contains("at most 5000"));
        let bad: String = (0..12).fold("[roles]\n".into(), |text, n| format!("{text}u{n} = \"king\"\n"));
        assert!(error(&bad).ends_with("and 2 more"));
        assert!(error(&" ".repeat(MAX_FILE_BYTES + 1)).contains("at most"));
    }
}
