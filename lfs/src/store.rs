//! Where objects are kept. An object becomes visible only when its SHA-256 is established.

mod local;

pub use local::{LocalStore, Object, Stamp};
