//! Object storage. An object becomes visible only after its SHA-256 was verified.

mod cloud;
mod local;

pub use cloud::{
    AzureContainer, Check, CloudStat, CloudStore, GcsBucket, Key, Listed, Part, PartsId, S3Bucket, SignedUrl, Step,
    UrlSigner, check, install_tls_provider,
};
pub use local::{LocalStore, Object, Stat};
