//! Store diagnostics for operators: whether a store supports all required operations, and its CORS rules.

use lfs::store::{Check, check};

use super::Storage;
use super::stores::Store;
use crate::clock;
use crate::error::{Error, Result};

/// One check of a store: its name, and the result or the problem.
pub type Step = (String, std::result::Result<String, String>);

impl Storage {
    /// Returns the names and locations of all stores.
    pub fn stores(&self) -> Vec<(String, String)> {
        let place = |name: &str| match self.0.stores.named(name) {
            Ok(Store::Folder(folder)) => folder.root().display().to_string(),
            Ok(Store::Bucket(bucket)) => bucket.to_string(),
            Err(_) => String::new(),
        };
        self.0.stores.names().map(|name| (name.to_owned(), place(name))).collect()
    }

    /// Tests every operation on a store that this server uses. `origin` is the origin of web pages that have to reach
    /// it.
    pub async fn try_store(&self, name: &str, origin: Option<String>) -> Result<Vec<Step>> {
        self.expect_store(name)?;
        let steps = match self.0.stores.named(name)? {
            Store::Bucket(bucket) => {
                let options = Check { now: self.0.clock.now().seconds(), id: clock::random(), origin };
                let steps = check(bucket, &options).await;
                steps.into_iter().map(|step| (step.name.to_owned(), step.outcome)).collect()
            }
            Store::Folder(folder) => {
                let describe = |outcome: std::result::Result<(), lfs::Error>, seen: &str| {
                    outcome.map(|()| seen.to_owned()).map_err(|error| error.to_string())
                };
                let (id, bytes) = (clock::random::<16>(), 1 << 20);
                let begun = folder.begin_parts(&id, bytes).await;
                let ended = folder.discard(&id).await;
                vec![
                    ("write".to_owned(), describe(begun, "a file can be created, and there is enough space")),
                    ("delete".to_owned(), describe(ended, "the file can be deleted")),
                ]
            }
        };
        Ok(steps)
    }

    /// Returns the CORS rules that allow web pages of these origins to use a bucket, in the format of its cloud
    /// provider. With `set`, also applies them.
    pub async fn cors(&self, name: &str, origins: &[String], set: bool) -> Result<String> {
        self.expect_store(name)?;
        let Store::Bucket(bucket) = self.0.stores.named(name)? else {
            return Err(Error::invalid(format!(
                "the store `{name}` is a local folder and needs no CORS rules: web pages access it through rutter"
            )));
        };
        let rules = bucket.cors_rules(origins)?;
        if set {
            bucket.set_cors(origins).await?;
        }
        Ok(rules)
    }
}
