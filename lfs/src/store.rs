//! Where objects are kept. An object becomes visible only when its SHA-256 is established.

mod cloud;
mod local;

pub use cloud::{
    AzureContainer, Check, CloudStamp, CloudStore, GcsBucket, Key, LARGEST_PART, Listed, MAX_PARTS, Part, PartsId,
    S3Bucket, SMALLEST_PART, SignedUrl, Step, UrlSigner, check,
};
pub use local::{LocalStore, Object, Stamp};
