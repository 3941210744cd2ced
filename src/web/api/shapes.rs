//! String formats for the OpenAPI document, with patterns. Strings that do not match are rejected (422). Each pattern
//! accepts everything that the server accepts, and as little else as one short expression allows.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! shapes {
    ($($name:ident, $what:literal, $most:expr, $pattern:expr;)+) => {
        $(
            #[doc = $what]
            pub(super) enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let text = ObjectBuilder::new().schema_type(Type::String).description(Some($what));
                    RefOr::T(text.pattern(Some($pattern)).max_length($most).into())
                }
            }

            impl ToSchema for $name {}
        )+

        /// Returns all formats, by name.
        pub(super) fn all() -> Vec<(String, RefOr<Schema>)> {
            vec![$(($name::name().into_owned(), $name::schema())),+]
        }
    };
}

/// The pattern of one part of a name, simplified: it does not exclude invalid endings.
macro_rules! part {
    () => {
        "[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
    };
}

/// The characters allowed in a branch name; not all of them are allowed at the start of a part.
macro_rules! class {
    ($more:literal) => {
        concat!(r"[^\u0000-\u0020\u007f~^:?*\[\\/", $more, "]")
    };
}

/// The pattern of a line of text that may be empty.
macro_rules! text_line {
    () => {
        r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$"
    };
}

pub(super) const OWNER: &str = concat!("^", part!(), "(/", part!(), "){0,7}$");
pub(super) const NAME: &str = concat!("^", part!(), "$");

shapes! {
    OwnerName, "A user or an organisation; a nested one is written `ministry/statistics`.", None, OWNER;
    DatasetId, "A dataset, as `owner/name`.", None, concat!("^", part!(), "(/", part!(), "){1,8}$");
    GroupName, "The name of a group: letters, digits, `.`, `_` and `-`.", None, NAME;
    GroupId, "A group of an organisation, as `organisation:group`.", None,
        concat!("^", part!(), "(/", part!(), "){0,7}:", part!(), "$");
    FilePath, "The path of a file or a folder, without empty, `.` or `..` parts, backslashes or control characters; at most \
        4096 bytes, 255 in each part.",
        Some(4096), r"^[^/\\\u0000-\u001f\u007f-\u009f]+(/[^/\\\u0000-\u001f\u007f-\u009f]+)*/?$";
    BranchName, "The name of a branch, in the syntax of git-check-ref-format(1).", Some(1013),
        concat!("^", class!(".-"), class!(""), "*(/", class!("."), class!(""), "*)*$");
    TagName, "The name of a tag: letters and digits of any script, and `_ + . , / -`.", Some(1013),
        r"^[^\u0000-\u002a\u002d-\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u00a9][^\u0000-\u002a\u003a-\u0040\u005b-\u005e\u0060\u007b-\u00a9]*$";
    EmailAddress, "An e-mail address.", Some(254),
        r#"^[^\u0000-\u0020\u007f-\u00a0@<>"\\]+@[^\u0000-\u0020\u007f-\u00a0@<>"\\.][^\u0000-\u0020\u007f-\u00a0@<>"\\]*$"#;
    TokenScope, "The scope of a token: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`.",
        None, concat!("^(read|write|own)(:", part!(), "(/", part!(), "){1,8})?$");
    RefPattern, "A pattern of branch names, or of full ref names below `refs/heads/` and `refs/tags/`; `*` matches any \
        characters except `/`, `**` matches any characters.", Some(1024), r"^[^\u0000-\u001f\u007f-\u009f]+$";
    RevisionTag, "A revision, in quotes.", None, r#"^"[!#-~]{1,1000}"$"#;
    RequestKey, "At most 255 visible ASCII characters, optionally in quotes.", None, r#"^"?[!#-\[\]-~]{1,255}"?$"#;
    RevisionId, "The full id of a revision (commit hash).", Some(40), "^[0-9a-f]{40}$";
    DiscussionTitle, "A title: one line of 1 to 200 characters.", Some(200),
        r"^[^\u0000-\u0020\u007f-\u00a0\u2028-\u202e\u2066-\u2069]([^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*)$";
    DisplayName, "A full name: one line of at most 100 characters.", Some(100), text_line!();
    Bio, "What a user or an organisation does: one line of at most 300 characters.", Some(300), text_line!();
    Place, "A place: one line of at most 100 characters.", Some(100), text_line!();
    Website, "The address of a web site, `http` or `https`.", Some(200),
        r"^([Hh][Tt][Tt][Pp][Ss]?://[^\u0000-\u0020\u007f-\u00a0\u2028-\u202e\u2066-\u2069]+)?$";
    Sha256, "SHA-256, in hex.", Some(64), "^[0-9a-f]{64}$";
}

/// Raw bytes.
pub(super) enum Bytes {}

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        RefOr::T(ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into())
    }
}

impl ToSchema for Bytes {}
