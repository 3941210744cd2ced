//! What an operator asks of a store: whether it does all that is needed, and whom it lets in.

use lfs::store::{Check, check};

use super::Storage;
use super::stores::Store;
use crate::clock;
use crate::error::{Error, Result};

/// One thing that was tried on a store: what it is called, and what was seen or what is wrong.
pub type Step = (String, std::result::Result<String, String>);

impl Storage {
    /// The names of all stores, and where each is.
    pub fn stores(&self) -> Vec<(String, String)> {
        let place = |name: &str| match self.0.stores.named(name) {
            Ok(Store::Folder(folder)) => folder.root().display().to_string(),
            Ok(Store::Bucket(bucket)) => bucket.to_string(),
            Err(_) => String::new(),
        };
        self.0.stores.names().map(|name| (name.to_owned(), place(name))).collect()
    }

    /// Tries everything on a store that this server does with it. `origin` is that of web pages which
    /// are to reach it.
    pub async fn try_store(&self, name: &str, origin: Option<String>) -> Result<Vec<Step>> {
        self.expect_store(name)?;
        let steps = match self.0.stores.named(name)? {
            Store::Bucket(bucket) => {
                let options = Check { now: self.0.clock.now().seconds(), id: clock::random(), origin };
                let steps = check(bucket, &options).await;
                steps.into_iter().map(|step| (step.name.to_owned(), step.outcome)).collect()
            }
            Store::Folder(folder) => {
                let told = |outcome: std::result::Result<(), lfs::Error>, seen: &str| {
                    outcome.map(|()| seen.to_owned()).map_err(|error| error.to_string())
                };
                let (id, bytes) = (clock::random::<16>(), 1 << 20);
                let begun = folder.begin_parts(&id, bytes).await;
                let ended = folder.discard(&id).await;
                vec![
                    ("write".to_owned(), told(begun, "a file can be made, and there is room")),
                    ("delete".to_owned(), told(ended, "it can be deleted")),
                ]
            }
        };
        Ok(steps)
    }

    /// The rules by which web pages of these origins may reach a bucket, in the form that its cloud
    /// takes. They are set as well if `set` is true.
    pub async fn cors(&self, name: &str, origins: &[String], set: bool) -> Result<String> {
        self.expect_store(name)?;
        let Store::Bucket(bucket) = self.0.stores.named(name)? else {
            return Err(Error::invalid(format!(
                "the store `{name}` is a folder, which web pages reach through rutter"
            )));
        };
        let rules = bucket.cors_rules(origins)?;
        if set {
            bucket.set_cors(origins).await?;
        }
        Ok(rules)
    }
}
