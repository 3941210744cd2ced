//! Where objects are kept. An object becomes visible only when its SHA-256 is established.

mod cloud;
mod local;

pub use cloud::{CloudStore, Key, S3Bucket, SignedUrl, UrlSigner};
pub use local::{LocalStore, Object, Stamp};
