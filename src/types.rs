//! Value types that are parsed once at the edge. Inside, no function takes `&str` for a name, an id or a secret.

mod amount;
mod millis;
mod secret;
mod url;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::amount::amount;
pub use self::millis::Millis;
pub use self::secret::Secret;
pub use self::url::{query_value, url_segment};
use crate::error::Error;

/// Name of the dataset that is a user's personal drive.
pub const OWN_DRIVE: &str = "drive";

/// A random, time-ordered identifier (`UUIDv7`, RFC 9562), stored as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Uuid);

impl Id {
    pub(crate) fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the 16 bytes of the id, for signed URLs.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Creates an id from its 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Uuid::try_parse(text).map(Self).map_err(|_| Error::invalid(format!("`{text}` is not an id")))
    }
}

/// Reads values from columns of text.
macro_rules! text_column {
    ($name:ty) => {
        impl<DB: sqlx::Database> sqlx::Type<DB> for $name
        where
            str: sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as sqlx::Type<DB>>::type_info()
            }

            fn compatible(column: &DB::TypeInfo) -> bool {
                <str as sqlx::Type<DB>>::compatible(column)
            }
        }

        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $name
        where
            &'r str: sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<DB>>::decode(value)?.parse::<Self>()?)
            }
        }
    };
}

text_column!(Id);

/// Maximum length of a dataset name, and of one segment of an owner name, in bytes.
pub const NAME_MAX: usize = 96;

/// First path segments of URLs that the server itself uses.
const RESERVED: &[&str] = &[
    "account", "admin", "api", "apps", "assets", "authz", "d", "dataset", "datasets", "docs", "drive", "email",
    "embed", "healthz", "help", "invite", "login", "logout", "metrics", "models", "new", "o", "oauth", "readyz",
    "reset", "s", "search", "settings", "setup", "shared", "signup", "spaces", "static", "trash", "verify", "viewer",
];

/// Files in the root folder that browsers and crawlers ask for.
const FILES: &[&str] = &["favicon.ico", "robots.txt"];

fn parse_segment(text: &str, what: &str) -> Result<String, Error> {
    let refuse = |why: &str| Err(Error::invalid(format!("`{}` is not a valid {what}: {why}", text.escape_debug())));
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.len() > NAME_MAX {
        return refuse("it is longer than 96 characters");
    }
    if text.chars().any(char::is_whitespace) {
        return refuse("it must not contain spaces; use `-` or `_` between words");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return refuse("use the letters a to z without accents, digits, `.`, `_` and `-`");
    }
    let name = text.to_ascii_lowercase();
    if !name.as_bytes()[0].is_ascii_alphanumeric() {
        return refuse("it must begin with a letter or a digit");
    }
    let reserved_end = [".", ".git", ".lock"].iter().any(|end| name.ends_with(end));
    if reserved_end || name.contains("..") {
        return refuse("it must not contain `..` or end in `.`, `.git` or `.lock`");
    }
    Ok(name)
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// Returns the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// The name of a dataset within its owner: letters, digits, `.`, `_`, `-`; in lower case, so that two names never
/// differ by case alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);
text_newtype!(Slug);

impl FromStr for Slug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse_segment(text, "dataset name").map(Self)
    }
}

/// The name of a group of an organisation; same rules as [`Slug`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(String);
text_newtype!(GroupName);

impl FromStr for GroupName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse_segment(text, "group name").map(Self)
    }
}

/// The name of a user or an organisation. Organisations can be nested: `ministry/statistics`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerName(String);
text_newtype!(OwnerName);

impl FromStr for OwnerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let segments =
            text.split('/').map(|segment| parse_segment(segment, "owner name")).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > 8 {
            return Err(Error::invalid("an owner name can have at most 8 levels"));
        }
        if RESERVED.contains(&segments[0].as_str()) || FILES.contains(&segments[0].as_str()) {
            return Err(Error::invalid(format!("the name `{}` is reserved", segments[0])));
        }
        Ok(Self(segments.join("/")))
    }
}

/// The path of a dataset: `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepoPath {
    /// The user or organisation.
    pub owner: OwnerName,
    /// The name of the dataset.
    pub name: Slug,
}

impl RepoPath {
    /// Creates a path from two URL segments; git clients append `.git` to the second.
    pub fn from_segments(owner: &str, name: &str) -> Result<Self, Error> {
        Ok(Self { owner: owner.parse()?, name: name.strip_suffix(".git").unwrap_or(name).parse()? })
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl FromStr for RepoPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (owner, name) = text
            .rsplit_once('/')
            .ok_or_else(|| Error::invalid(format!("`{text}` is not a dataset path: use OWNER/NAME")))?;
        Self::from_segments(owner, name)
    }
}

/// An e-mail address. Only the syntax is checked: delivery is the real test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);
text_newtype!(Email);

impl FromStr for Email {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let plausible = text.len() <= 254
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
            })
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"\\".contains(c));
        if plausible {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(Error::invalid(format!("`{}` is not an e-mail address", text.escape_debug())))
        }
    }
}

/// Maximum length of a [`DisplayName`], in characters.
pub const DISPLAY_NAME_MAX: usize = 100;

/// The display name of a user, in any script; may be empty. Not unique, and not used in URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisplayName(String);
text_newtype!(DisplayName);

impl FromStr for DisplayName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.chars().count() > DISPLAY_NAME_MAX || text.chars().any(char::is_control) {
            return Err(Error::invalid(format!(
                "`display_name` can have at most {DISPLAY_NAME_MAX} characters, and no control characters"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Returns the name that is stored and displayed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(Error::invalid(format!(
                        concat!("`{}` is not a ", $what, ": use ", $("`", $text, "` "),+), other.escape_debug()))),
                }
            }
        }

        text_column!($name);
    };
}

text_enum! {
    /// Who can see a dataset without being a member of its owner.
    Visibility, "visibility" {
        /// Only members.
        Private = "private",
        /// Every signed-in user.
        Internal = "internal",
        /// Everyone.
        Public = "public",
    }
}

text_enum! {
    /// The role of a member of an organisation, which determines their rights on its datasets. Ordered.
    Role, "role" {
        /// Can view and download.
        Reader = "reader",
        /// Can also push.
        Writer = "writer",
        /// Can also delete, protect and share.
        Owner = "owner",
    }
}

text_enum! {
    /// The role of a member of an organisation on its data platform: what they may do in its applications.
    PlatformRole, "platform role" {
        /// Administers the platform.
        Admin = "admin",
        /// Builds and runs pipelines.
        Engineer = "engineer",
        /// Explores data, and keeps own tables.
        Scientist = "scientist",
        /// Queries data.
        Analyst = "analyst",
        /// Sees dashboards.
        Viewer = "viewer",
    }
}

impl PlatformRole {
    /// Returns the role in the organisation that a user needs at least.
    pub fn membership(self) -> Role {
        match self {
            Self::Admin => Role::Owner,
            Self::Engineer | Self::Scientist => Role::Writer,
            Self::Analyst | Self::Viewer => Role::Reader,
        }
    }
}

text_enum! {
    /// Permission on a file, a folder or a dataset. Ordered.
    Level, "right" {
        /// Can view and download.
        View = "view",
        /// Can also edit.
        Edit = "edit",
        /// Can also share, and has all other rights of an owner.
        Own = "own",
    }
}

text_enum! {
    /// Permission that a share gives. Ordered.
    ShareRight, "right" {
        /// Can upload files to a folder, and sees nothing of it: a file request.
        Upload = "upload",
        /// Can view and download.
        View = "view",
        /// Can also edit.
        Edit = "edit",
    }
}

text_enum! {
    /// Type of a shared item.
    ShareKind, "kind of share" {
        /// One file.
        File = "file",
        /// A folder with everything below it.
        Folder = "folder",
        /// A whole dataset.
        Dataset = "dataset",
    }
}

text_enum! {
    /// Type of an owner.
    OwnerKind, "kind of owner" {
        /// A person with an account.
        User = "user",
        /// A group of people.
        Organisation = "organisation",
    }
}

text_enum! {
    /// What an upload brings, and how.
    UploadKind, "kind of upload" {
        /// An LFS object in parts.
        Parts = "parts",
        /// A file at a path, in parts.
        File = "file",
        /// An LFS object to its final key in a bucket that verifies it.
        Direct = "direct",
        /// An LFS object to a staging key in a bucket.
        Staged = "staged",
    }
}

text_enum! {
    /// How far an upload is.
    UploadState, "state of an upload" {
        /// Its bytes may arrive.
        Open = "open",
        /// It has become an object.
        Finished = "finished",
        /// Its bytes are being deleted.
        Aborted = "aborted",
    }
}

text_enum! {
    /// How far a derivation is.
    DerivationState, "state of a derivation" {
        /// It has not begun, or is to be tried again.
        Waiting = "waiting",
        /// It is being computed.
        Running = "running",
        /// Its file is in the dataset.
        Done = "done",
        /// It has ended without a file.
        Failed = "failed",
    }
}

mod apps;
pub use apps::{InstallState, WantedState};
mod discussion;
pub use discussion::{
    ActivityKind, CommentText, DiscussionEventKind, DiscussionKind, DiscussionState, DiscussionTitle,
    NotificationEvent, NotificationReason,
};
mod profile;
pub use profile::{Bio, Place, ReadmeText, Website};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_leave_their_folder_are_refused() {
        for bad in
            ["a", "/a", "a/", "../a", "a/..", "a/b c", "a/b\n", "a/.git", "api/x", "a/b\\c", "a//b", "-a/b", "a/%2e"]
        {
            assert!(bad.parse::<RepoPath>().is_err(), "{bad}");
        }
        assert_eq!("Demo/Air.git".parse::<RepoPath>().unwrap().to_string(), "demo/air");
        assert_eq!("a/b/c".parse::<RepoPath>().unwrap().owner.as_str(), "a/b");
    }

    proptest! {
        #[test]
        fn a_parsed_path_is_safe_and_stable(text in ".{0,40}") {
            if let Ok(path) = text.parse::<RepoPath>() {
                let shown = path.to_string();
                prop_assert!(!shown.contains("..") && !shown.contains("//") && !shown.starts_with('/'));
                prop_assert_eq!(shown.parse::<RepoPath>().unwrap(), path);
            }
        }

        #[test]
        fn emails_never_hold_header_breaks(text in "\\PC{0,40}@\\PC{0,20}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert!(!email.as_str().contains(['\r', '\n', '<', '>', ' ']));
            }
        }
    }
}
