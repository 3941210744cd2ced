//! A bucket as its owner sees it, beside rutter's back.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

/// A folder of a bucket, with the keys to it.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// `http://host:port`
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) key_id: String,
    pub(crate) secret: String,
}

impl Bucket {
    /// What a program has to be told to keep its objects here.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let Self { endpoint, region, name, prefix, key_id, secret } = self;
        [
            ("RUTTER_STORE_URL", format!("s3://{name}/{prefix}")),
            ("RUTTER_STORES__DEFAULT__ENDPOINT", endpoint.clone()),
            ("RUTTER_STORES__DEFAULT__REGION", region.clone()),
            ("AWS_ACCESS_KEY_ID", key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", secret.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// A folder of its own for one test.
    pub(crate) fn fresh(mut self) -> Self {
        self.prefix = format!("test-{}", hex::encode(rutter::clock::random::<8>()));
        self
    }

    /// Every key below the prefix, without it, and how many bytes lie there.
    pub(crate) async fn keys(&self) -> BTreeMap<String, u64> {
        let prefix = Path::from(self.prefix.as_str());
        let listed: Vec<_> = self.client().list(Some(&prefix)).try_collect().await.unwrap();
        let name = |path: &Path| path.as_ref().strip_prefix(&format!("{}/", self.prefix)).unwrap().to_owned();
        listed.into_iter().map(|found| (name(&found.location), found.size)).collect()
    }

    /// Those of LFS objects that are in their final place, by oid.
    pub(crate) async fn objects(&self) -> BTreeMap<String, Vec<String>> {
        let mut objects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for key in self.keys().await.into_keys() {
            if let Some((oid, _)) = key.get(6..).and_then(|name| name.split_once('.'))
                && oid.parse::<lfs::Oid>().is_ok()
            {
                objects.entry(oid.to_owned()).or_default().push(key);
            }
        }
        objects
    }

    pub(crate) async fn read(&self, key: &str) -> Bytes {
        self.client().get(&self.path(key)).await.unwrap().bytes().await.unwrap()
    }

    pub(crate) async fn delete(&self, key: &str) {
        self.client().delete(&self.path(key)).await.unwrap();
    }

    pub(crate) async fn write(&self, key: &str, bytes: Vec<u8>) {
        self.client().put(&self.path(key), bytes.into()).await.unwrap();
    }

    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}/{key}", self.prefix))
    }

    fn client(&self) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_region(&self.region)
            .with_bucket_name(&self.name)
            .with_access_key_id(&self.key_id)
            .with_secret_access_key(&self.secret)
            .build()
            .unwrap()
    }
}
