//! Types shared by the messages of several endpoints.

use serde::{Deserialize, Deserializer};

/// Deserializes `ref`: a missing value, `null`, `{}` and `{"name": ""}` all mean that none was given, and clients
/// send each of them.
pub(crate) fn ref_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Ref {
        #[serde(default)]
        name: Option<String>,
    }
    let given = Option::<Ref>::deserialize(deserializer)?;
    Ok(given.and_then(|given| given.name).filter(|name| !name.is_empty()))
}
