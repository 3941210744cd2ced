//! Batches: requests about many files and folders, which succeed or fail as a whole.

use std::fmt;
use std::marker::PhantomData;

use axum::extract::Request;
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::common::json_text;
use crate::access::{Grant, Right};
use crate::app::App;
use crate::error::{Error, Result};
use crate::web::http::DatasetRequest;
use crate::web::http::json::parse;

/// The maximum number of items in one batch.
pub(super) const MAX_ITEMS: usize = 50_000;

/// The maximum size of a request with paths or ids, in bytes: 50,000 moves have about 7 MiB.
const MAX_BYTES: usize = 8 << 20;

/// A list of up to [`MAX_ITEMS`] items. Of a list that is too long, only one more is read.
pub(super) struct Batch<T>(Vec<T>);

impl<T> Batch<T> {
    /// Returns the items of the list in this field.
    ///
    /// # Errors
    /// Invalid for an empty list; too large for one that is too long.
    pub(super) fn items(self, field: &str) -> Result<Vec<T>> {
        match self.0.len() {
            0 => Err(Error::invalid(format!("`{field}` must not be empty"))),
            1..=MAX_ITEMS => Ok(self.0),
            _ => Err(Error::too_large(format!(
                "`{field}` must have at most {MAX_ITEMS} items; send several requests, or name the folder that contains \
                 the files"
            ))),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Batch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = Batch<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Batch<T>, A::Error> {
                let mut items = Vec::new();
                while items.len() <= MAX_ITEMS {
                    match list.next_element()? {
                        Some(item) => items.push(item),
                        None => return Ok(Batch(items)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Batch(items))
            }
        }
        deserializer.deserialize_seq(Bounded(PhantomData))
    }
}

/// Reads the body of a request about many paths of a dataset. It may be large, so the caller must have the right on some
/// path. Returns the grants for all paths on which they have it.
///
/// # Errors
/// As for [`Access::authorize_paths`](crate::access::Access::authorize_paths); too large for a body beyond the limit.
pub(super) async fn read<R: Right, T: DeserializeOwned>(
    app: &App,
    visitor: &DatasetRequest,
    request: Request,
) -> Result<(Vec<Grant<R>>, T)> {
    let grants = app.access.authorize_paths(&visitor.actor, &visitor.path).await?;
    let body = json_text(app, request, app.config.limits.commit_bytes.min(MAX_BYTES)).await?;
    Ok((grants, parse(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded() {
        let list = |items: usize| parse::<Batch<u8>>(format!("[{}]", vec!["1"; items].join(",")).as_bytes()).unwrap();
        assert_eq!(list(MAX_ITEMS).items("paths").unwrap().len(), MAX_ITEMS);
        let refused = list(MAX_ITEMS + 10);
        assert_eq!(refused.0.len(), MAX_ITEMS + 1);
        assert!(refused.items("paths").unwrap_err().detail().contains("at most 50000"));
        assert_eq!(list(0).items("paths").unwrap_err().detail(), "`paths` must not be empty");
        assert!(parse::<Batch<u8>>(b"[1, \"x\"]").is_err() && parse::<Batch<u8>>(b"{}").is_err());
    }
}
