use std::fmt;

use crate::Oid;

/// A pointer file: the small text that git keeps instead of an object.
///
/// Written exactly as the Git LFS specification (`docs/spec.md`, "The Pointer") asks: `version`
/// first, then the other keys in alphabetical order, one `key value` per line, each line ended by a
/// single line feed. Read as leniently as the official client does: a blob that the client would
/// try to download on checkout must be a pointer for us too.
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
    /// Lines of client-side filters, by ascending priority, each priority once.
    pub extensions: Vec<Extension>,
}

/// An `ext-{priority}-{name} sha256:{oid}` line: a client-side filter changed the content, and `oid`
/// is what went into that filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// 0 to 9; filters run in ascending order on the way in.
    pub priority: u8,
    /// Begins with a letter, a digit or `_`; holds no white space and no control characters.
    pub name: String,
    /// The content before the filter.
    pub oid: Oid,
}

/// Why some bytes are not a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Ordinary content: it does not begin like a pointer, or is too long to be one.
    #[error("this is not a pointer file")]
    NotPointer,
    /// It names a pointer version that we know, but breaks the specification.
    #[error("this pointer file is damaged: {0}")]
    Malformed(&'static str),
}

const LATEST: &str = "https://git-lfs.github.com/spec/v1";

/// All three mean version 1: the alpha (git-media), the pre-release (hawser) and the public launch.
const VERSIONS: [&str; 3] = ["http://git-media.io/v/2", "https://hawser.github.com/spec/v1", LATEST];

impl Pointer {
    /// Only a blob of **fewer** bytes than this can be a pointer.
    pub const MAX_LEN: usize = 1024;

    /// A pointer without extensions.
    pub const fn new(oid: Oid, size: u64) -> Self {
        Self { oid, size, extensions: Vec::new() }
    }

    /// Reads the content of a git blob.
    ///
    /// Accepts what the official client accepts: white space around the text, empty lines, CRLF,
    /// extension lines at any place before the size, the two version lines from before the first
    /// release. The empty file, although the specification calls it the pointer of the empty file,
    /// is ordinary content here.
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
            let problem = if found == 0 { NotPointer } else { Malformed("a line is unknown or not in its place") };
            let (key, value) = line.split_once(' ').ok_or(problem)?;
            let expected = *KEYS.get(found).ok_or(problem)?;
            if key == expected {
                values[found] = value;
                found += 1;
            } else {
                let extension = Extension::parse(key, value).ok_or(problem)?;
                // Of two lines with one key the client takes the later.
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
            oid: parse_oid(oid).ok_or(Malformed("the oid is not sha256: and 64 lower-case hexadecimal digits"))?,
            size: parse_size(size).ok_or(Malformed("the size is not a number of bytes"))?,
            extensions,
        })
    }
}

/// The canonical text. For the empty object that is no text at all, as the specification wants: an
/// empty file is kept as an empty blob.
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
    /// Reads the key `ext-{priority}-{name}` and its value.
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

/// As the client reads it: a signed 64-bit number, a leading `+` or zeros allowed, not negative.
fn parse_size(value: &str) -> Option<u64> {
    value.parse::<i64>().ok().and_then(|size| size.try_into().ok())
}

#[cfg(test)]
mod tests;
