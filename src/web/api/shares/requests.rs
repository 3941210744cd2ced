//! Shapes of file requests, and of changes that can remove a value.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::super::shapes;
use crate::error::Result;
use crate::share::{Patch, RequestTerms, RequestUpdate, ShareRow};

/// What a file request asks for, and how much it accepts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFileRequest {
    /// The title, which those who open the link see.
    #[schema(value_type = shapes::DiscussionTitle)]
    title: String,
    /// A message to them.
    #[serde(default)]
    #[schema(max_length = 2000)]
    message: String,
    /// The maximum of bytes that it accepts in all. Default: 1 GiB.
    #[schema(minimum = 1, maximum = 1_125_899_906_842_624_u64)]
    max_bytes: Option<u64>,
    /// The maximum number of files that it accepts in all. Default: 100.
    #[schema(minimum = 1, maximum = 1000)]
    max_files: Option<u64>,
}

/// Changes to a file request. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRequestUpdate {
    /// The title.
    #[schema(value_type = Option<shapes::DiscussionTitle>)]
    title: Option<String>,
    /// A message to those who open the link.
    #[schema(max_length = 2000)]
    message: Option<String>,
    /// The maximum of bytes that it accepts in all.
    #[schema(minimum = 1, maximum = 1_125_899_906_842_624_u64)]
    max_bytes: Option<u64>,
    /// The maximum number of files that it accepts in all.
    #[schema(minimum = 1, maximum = 1000)]
    max_files: Option<u64>,
}

/// A file request: what it asks for, and what it has received.
#[derive(Serialize, ToSchema)]
pub(super) struct FileRequest {
    /// The title.
    title: String,
    /// The message to those who open the link; may be empty.
    message: String,
    /// The maximum of bytes that it accepts in all.
    max_bytes: i64,
    /// The maximum number of files that it accepts in all.
    max_files: i64,
    /// The bytes that it has received.
    bytes: i64,
    /// The number of files that it has received.
    files: i64,
}

impl NewFileRequest {
    pub(super) fn terms(self) -> Result<RequestTerms> {
        let Self { title, message, max_bytes, max_files } = self;
        RequestTerms::new(&title, &message, max_bytes, max_files).map_err(|error| error.of_part("`request`"))
    }
}

impl From<FileRequestUpdate> for RequestUpdate {
    fn from(update: FileRequestUpdate) -> Self {
        let FileRequestUpdate { title, message, max_bytes, max_files } = update;
        Self { title, message, max_bytes, max_files }
    }
}

impl FileRequest {
    /// Returns the file request of a share; `None` for other shares.
    pub(super) fn of(row: &ShareRow) -> Option<Self> {
        Some(Self {
            title: row.request_title.clone()?,
            message: row.request_message.clone().unwrap_or_default(),
            max_bytes: row.max_bytes.unwrap_or_default(),
            max_files: row.max_files.unwrap_or_default(),
            bytes: row.received_bytes.unwrap_or_default(),
            files: row.received_files.unwrap_or_default(),
        })
    }
}

/// A field where `null` differs from an omitted value.
pub(super) struct PatchField<T>(pub(super) Patch<T>);

impl<T> Default for PatchField<T> {
    fn default() -> Self {
        Self(Patch::Nothing)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PatchField<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<T>::deserialize(deserializer)?.map_or(Patch::Removed, Patch::To)))
    }
}
