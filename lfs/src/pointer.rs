use std::fmt;

use crate::Oid;

/// A pointer file: the small text that git stores in place of an object.
///
/// It is written exactly as the Git LFS specification (`docs/spec.md`, "The Pointer") requires: `version` first,
/// then the other keys in alphabetical order, one `key value` per line, each line terminated by a single line
/// feed. It is parsed as leniently as by the official client: a blob that the client would download on checkout
/// must be a pointer here too.
///
/// ```
/// let pointer = lfs::Pointer::new(lfs::Oid::of(b"hello"), 5);
/// let text = pointer.to_string();
/// assert!(text.starts_with("version https://git-lfs.github.com/spec/v1\noid sha256:2cf24dba"));
/// assert_eq!(lfs::Pointer::parse(text.as_bytes()), Ok(pointer));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer {
    /// The object.
    pub oid: Oid,
    /// Its size in bytes.
    pub size: u64,
    /// Extension lines of client-side filters, by ascending priority. Priorities are unique.
    pub extensions: Vec<Extension>,
}

/// An `ext-{priority}-{name} sha256:{oid}` line: a client-side filter changed the content, and `oid` is the input
/// of that filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// 0 to 9; filters run in ascending order when a file is added.
    pub priority: u8,
    /// Starts with a letter, a digit or `_`; contains no white space or control characters.
    pub name: String,
    /// The content before the filter.
    pub oid: Oid,
}

/// Why a blob is not a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Ordinary content: it does not start like a pointer, or is too long to be one.
    #[error("this is not a pointer file")]
    NotPointer,
    /// It has a known pointer version but violates the specification.
    #[error("this pointer file is malformed: {0}")]
    Malformed(&'static str),
}

const LATEST: &str = "https://git-lfs.github.com/spec/v1";

/// All three mean version 1: alpha (git-media), pre-release (hawser) and the first release.
const VERSIONS: [&str; 3] = ["http://git-media.io/v/2", "https://hawser.github.com/spec/v1", LATEST];

impl Pointer {
    /// Only a blob of **fewer** bytes than this can be a pointer.
    pub const MAX_LEN: usize = 1024;

    /// Creates a pointer without extensions.
    pub const fn new(oid: Oid, size: u64) -> Self {
        Self { oid, size, extensions: Vec::new() }
    }

    /// Parses the content of a git blob.
    ///
    /// Accepts what the official client accepts: white space around the text, empty lines, CRLF, extension lines
    /// anywhere before the size, and the two version lines from before the first release. The empty file is
    /// ordinary content here, although the specification calls it the pointer of the empty file.
    pub fn parse(blob: &[u8]) -> Result<Self, PointerError> {
        use PointerError::{Malformed, NotPointer};
        const KEYS: [&str; 3] = ["version", "oid", "size"];

        if blob.len() >= Self::MAX_LEN {
            return Err(NotPointer);
        }
        let text = std::str::from_utf8(blob).map_err(|_| NotPointer)?.trim();
        if !VERSIONS.iter().any(|version| text.contains(version)) {
            return Err(NotPointer);
        }

        let mut values = [""; 3];
        let mut found = 0;
        let mut extensions = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let problem = if found == 0 { NotPointer } else { Malformed("a line is unknown or out of order") };
            let (key, value) = line.split_once(' ').ok_or(problem)?;
            let expected = *KEYS.get(found).ok_or(problem)?;
            if key == expected {
                values[found] = value;
                found += 1;
            } else {
                let extension = Extension::parse(key, value).ok_or(problem)?;
                // Of two lines with the same key, the client uses the later one.
                extensions
                    .retain(|other: &Extension| (other.priority, &other.name) != (extension.priority, &extension.name));
                extensions.push(extension);
            }
        }
        let [version, oid, size] = values;
        if !VERSIONS.contains(&version) {
            return Err(NotPointer);
        }
        if found < KEYS.len() {
            return Err(Malformed("the oid or the size is missing"));
        }

        extensions.sort_by_key(|extension| extension.priority);
        if extensions.windows(2).any(|pair| pair[0].priority == pair[1].priority) {
            return Err(Malformed("two extensions have the same priority"));
        }
        Ok(Self {
            oid: parse_oid(oid).ok_or(Malformed("the oid is not sha256: plus 64 lower-case hexadecimal digits"))?,
            size: parse_size(size).ok_or(Malformed("the size is not a number of bytes"))?,
            extensions,
        })
    }
}

/// Writes the canonical text. For the empty object that is the empty text, as the specification requires: an
/// empty file is stored as an empty blob.
impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.size == 0 {
            return Ok(());
        }
        writeln!(formatter, "version {LATEST}")?;
        for Extension { priority, name, oid } in &self.extensions {
            writeln!(formatter, "ext-{priority}-{name} sha256:{oid}")?;
        }
        writeln!(formatter, "oid sha256:{}\nsize {}", self.oid, self.size)
    }
}

impl Extension {
    /// Parses the key `ext-{priority}-{name}` and its value.
    fn parse(key: &str, value: &str) -> Option<Self> {
        let (priority, name) = key.strip_prefix("ext-")?.split_once('-')?;
        let &[digit @ b'0'..=b'9'] = priority.as_bytes() else {
            return None;
        };
        let first = name.bytes().next()?;
        if !(first.is_ascii_alphanumeric() || first == b'_')
            || name.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return None;
        }
        Some(Self { priority: digit - b'0', name: name.to_owned(), oid: parse_oid(value)? })
    }
}

fn parse_oid(value: &str) -> Option<Oid> {
    value.strip_prefix("sha256:")?.parse().ok()
}

/// Parses a size as the client does: a signed 64-bit number, with an optional `+` and leading zeros, not
/// negative.
fn parse_size(value: &str) -> Option<u64> {
    value.parse::<i64>().ok().and_then(|size| size.try_into().ok())
}

#[cfg(test)]
mod tests;
