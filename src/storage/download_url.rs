//! Presigned download URLs of single objects.

use lfs::Oid;
use lfs::sign::Verb;

use super::stores::Store;
use super::{FILENAME, Storage, Urls, presented, signed, stores};
use crate::access::{Fetch, Grant};
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};

impl Storage {
    /// Returns a signed URL of the object, under which a browser saves it as `filename`, or with `inline` displays it if
    /// it can. Writes nothing, and does not call the bucket.
    ///
    /// # Errors
    /// Not found if the dataset does not hold the object.
    pub async fn download_url(
        &self,
        grant: &Grant<Fetch>,
        oid: Oid,
        filename: &str,
        inline: bool,
        base: &str,
    ) -> Result<String> {
        self.download_url_in(grant.dataset(), oid, filename, inline, base).await
    }

    /// Like [`Storage::download_url`]. Access was checked when the object was looked up.
    pub(crate) async fn download_url_in(
        &self,
        dataset: &DatasetRow,
        oid: Oid,
        filename: &str,
        inline: bool,
        base: &str,
    ) -> Result<String> {
        let (repo, store) = (dataset.id, dataset.store.as_str());
        let held = self.held(repo, &[oid]).await?;
        let found = held.get(&oid);
        let found = found.ok_or_else(|| {
            Error::not_found(format!("object {oid} not found in this dataset; upload it with `git lfs push --all`"))
        })?;
        let now = self.0.clock.now().seconds();
        signed::count(Verb::Download);
        let bucket = match self.0.stores.named(store)? {
            Store::Bucket(bucket) if !found.is_packed => bucket,
            // A bucket has no file of a packed object.
            Store::Bucket(_) | Store::Folder(_) => {
                let expires = now + 1 + u64::from(self.0.lifetime);
                let urls = Urls { storage: self, repo, store, base, expires };
                return Ok(urls.own(Verb::Download, oid, found.size, presented(Some(filename), inline)).href);
            }
        };
        let signer = Box::pin(bucket.signer(now, self.0.lifetime)).await?;
        let key = stores::key(&oid, &found.place)?;
        let cut = filename.char_indices().nth(FILENAME).map_or(filename.len(), |(at, _)| at);
        Ok(signer.download(&key, Some(&lfs::range::content_disposition(&filename[..cut], inline))).href)
    }
}
