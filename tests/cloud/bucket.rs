//! A bucket as its owner sees it, without rutter.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rutter::config::{Config, StoreConfig};
use rutter::types::Secret;

/// A folder of a bucket, with the keys to it.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) provider: Provider,
    /// `http://host:port`, and the account on Azure.
    pub(crate) endpoint: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
    /// The account on Azure.
    pub(crate) key_id: String,
    pub(crate) secret: String,
}

/// Whose API it has.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    S3 { region: String },
    Azure,
}

impl Bucket {
    /// The environment of a program that stores its objects here.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut environment = vec![
            ("RUTTER_STORE_URL".to_owned(), self.url()),
            ("RUTTER_STORES__DEFAULT__ENDPOINT".to_owned(), self.endpoint.clone()),
        ];
        if let Provider::S3 { region } = &self.provider {
            environment.push(("RUTTER_STORES__DEFAULT__REGION".to_owned(), region.clone()));
        }
        environment.extend(self.credentials().map(|(name, value)| (name.to_owned(), value.clone())));
        environment
    }

    /// The same, for a server of this process.
    pub(crate) fn configure(&self, config: &mut Config) {
        let region = match &self.provider {
            Provider::S3 { region } => Some(region.clone()),
            Provider::Azure => None,
        };
        let store = StoreConfig { endpoint: Some(self.endpoint.clone()), region, ..StoreConfig::default() };
        config.store_url = Some(self.url());
        config.stores.insert("default".to_owned(), store);
        let credentials = self.credentials().map(|(name, value)| (name.to_lowercase(), Secret::new(value.clone())));
        config.cloud_environment = credentials.into();
    }

    fn url(&self) -> String {
        let scheme = match self.provider {
            Provider::S3 { .. } => "s3",
            Provider::Azure => "az",
        };
        format!("{scheme}://{}/{}", self.name, self.prefix)
    }

    fn credentials(&self) -> [(&'static str, &String); 2] {
        let names = match self.provider {
            Provider::S3 { .. } => ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            Provider::Azure => ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"],
        };
        [(names[0], &self.key_id), (names[1], &self.secret)]
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

    fn client(&self) -> Arc<dyn ObjectStore> {
        match &self.provider {
            Provider::S3 { region } => Arc::new(
                AmazonS3Builder::new()
                    .with_endpoint(&self.endpoint)
                    .with_allow_http(true)
                    .with_region(region)
                    .with_bucket_name(&self.name)
                    .with_access_key_id(&self.key_id)
                    .with_secret_access_key(&self.secret)
                    .build()
                    .unwrap(),
            ),
            Provider::Azure => Arc::new(
                MicrosoftAzureBuilder::new()
                    .with_endpoint(self.endpoint.clone())
                    .with_allow_http(true)
                    .with_container_name(&self.name)
                    .with_account(&self.key_id)
                    .with_access_key(&self.secret)
                    .build()
                    .unwrap(),
            ),
        }
    }
}
