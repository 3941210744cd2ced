//! Stores: where objects and packs are stored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lfs::store::{AzureContainer, GcsBucket, S3Bucket};
use serde::Deserialize;

use super::Config;
use crate::error::{Error, Result};
use crate::types::Secret;

/// Name of the store of datasets that were created without choosing one.
pub const DEFAULT_STORE: &str = "default";

/// Configuration of one store.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
    pub url: Option<String>,
    /// `https://host[:port]` of a service other than the cloud's own. Default: that of the cloud.
    pub endpoint: Option<String>,
    /// Endpoint for clients, for which URLs are presigned. Default: `endpoint`.
    pub public_endpoint: Option<String>,
    /// Region of the bucket, such as `eu-central-1`.
    pub region: Option<String>,
    /// True if the bucket is part of the host name (S3), as in `https://bucket.host`. Default: false.
    pub virtual_host: bool,
    /// True if the store refuses bytes that do not match a signed checksum (S3); `rutter store check` tests it.
    /// Default: true.
    pub trust_checksums: bool,
    /// Display name of the location, such as `Frankfurt`. Default: the region, or the name of the store.
    pub label: Option<String>,
    /// Which objects are packed, so that versions of a file share what they have in common: `never`, `old` (those that no
    /// branch has any more) or `all`. Default: `old` in a folder, `never` in a bucket.
    pub pack: Option<PackPolicy>,
    /// Credentials of this store only, named like environment variables, such as `AWS_ACCESS_KEY_ID`.
    pub environment: BTreeMap<String, Secret>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: None,
            endpoint: None,
            public_endpoint: None,
            region: None,
            virtual_host: false,
            trust_checksums: true,
            label: None,
            pack: None,
            environment: BTreeMap::new(),
        }
    }
}

/// Which objects of a store are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackPolicy {
    /// None.
    Never,
    /// Those that no branch has any more.
    Old,
    /// All, also when they are uploaded.
    All,
}

/// The validated options of a store.
pub struct StoreOptions {
    /// Name of the store in rows and URLs.
    pub name: String,
    /// Display name of the location.
    pub label: String,
    /// Which of its objects are packed.
    pub pack: PackPolicy,
    /// Location of the store.
    pub place: StorePlace,
}

/// Location of a store.
pub enum StorePlace {
    /// A local folder.
    Folder(PathBuf),
    /// An S3-compatible bucket.
    S3(S3Bucket),
    /// A Google Cloud Storage bucket.
    Gcs(GcsBucket),
    /// An Azure Blob Storage container.
    Azure(AzureContainer),
}

impl Config {
    /// Returns all stores, the default one first.
    ///
    /// # Errors
    /// Invalid for an unsupported URL or option; the message names the store.
    pub fn store_options(&self) -> Result<Vec<StoreOptions>> {
        let mut all = vec![self.default_store()?];
        for (name, store) in self.stores.iter().filter(|(name, _)| *name != DEFAULT_STORE) {
            // The name is used in URLs and rows.
            if name.is_empty()
                || name.len() > 40
                || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            {
                return Err(Error::invalid(format!(
                    "stores.{name}: a store name has at most 40 characters: letters, digits and `-`"
                )));
            }
            let url = store.url.as_deref().ok_or_else(|| Error::invalid(format!("stores.{name} needs a url")))?;
            all.push(self.store_at(name, url, store)?);
        }
        Ok(all)
    }

    fn default_store(&self) -> Result<StoreOptions> {
        let more = self.stores.get(DEFAULT_STORE).cloned().unwrap_or_default();
        match (&self.store_url, &more.url) {
            (Some(_), Some(_)) => {
                Err(Error::invalid("store_url and stores.default.url are the same key: set only one of them"))
            }
            (Some(url), None) | (None, Some(url)) => self.store_at(DEFAULT_STORE, url, &more),
            (None, None) => {
                let place = StorePlace::Folder(self.data.join("store"));
                let label = more.label.unwrap_or_else(|| DEFAULT_STORE.to_owned());
                let pack = more.pack.unwrap_or(PackPolicy::Old);
                Ok(StoreOptions { name: DEFAULT_STORE.to_owned(), label, pack, place })
            }
        }
    }

    fn store_at(&self, name: &str, url: &str, store: &StoreConfig) -> Result<StoreOptions> {
        let wrong = |what: &str| Error::invalid(format!("store `{name}`: {what}"));
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/').to_owned();
        for endpoint in [&store.endpoint, &store.public_endpoint].into_iter().flatten() {
            let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['?', '#', ' ', '@'])) {
                return Err(wrong(&format!("the endpoint `{endpoint}` must look like https://s3.example.org:9000")));
            }
        }
        if scheme != "file" && (bucket.is_empty() || bucket.contains(['?', '#', ' ', '@', ':'])) {
            return Err(wrong("its URL must look like s3://bucket/prefix, gs://…, az://… or file:///folder"));
        }
        let place = match scheme {
            "file" if rest.starts_with('/') => StorePlace::Folder(PathBuf::from(rest)),
            "file" => return Err(wrong("the folder must be absolute, as in file:///srv/rutter")),
            "s3" => StorePlace::S3(S3Bucket {
                bucket: bucket.to_owned(),
                prefix,
                region: self.region(store).unwrap_or_else(|| "us-east-1".to_owned()),
                endpoint: store.endpoint.clone().or_else(|| self.of_cloud(store, "aws_endpoint_url")),
                public_endpoint: store.public_endpoint.clone(),
                virtual_host: store.virtual_host,
                trust_checksums: store.trust_checksums,
                environment: self.cloud(store),
            }),
            "gs" => StorePlace::Gcs(GcsBucket {
                bucket: bucket.to_owned(),
                prefix,
                endpoint: store.endpoint.clone(),
                public_endpoint: store.public_endpoint.clone(),
                environment: self.cloud(store),
            }),
            "az" => StorePlace::Azure(AzureContainer {
                container: bucket.to_owned(),
                prefix,
                endpoint: store.endpoint.clone(),
                public_endpoint: store.public_endpoint.clone(),
                environment: self.cloud(store),
            }),
            _ => return Err(wrong(&format!("`{url}` must begin with file://, s3://, gs:// or az://"))),
        };
        let label = store.label.clone().or_else(|| store.region.clone()).unwrap_or_else(|| name.to_owned());
        let is_folder = matches!(place, StorePlace::Folder(_));
        // A bucket sends whole objects to clients directly; packed ones have to pass through this server.
        let pack = store.pack.unwrap_or(if is_folder { PackPolicy::Old } else { PackPolicy::Never });
        Ok(StoreOptions { name: name.to_owned(), label, pack, place })
    }

    fn region(&self, store: &StoreConfig) -> Option<String> {
        let named = |name| self.of_cloud(store, name);
        store.region.clone().or_else(|| named("aws_region")).or_else(|| named("aws_default_region"))
    }

    /// Returns one environment variable of the store, or else of the process.
    fn of_cloud(&self, store: &StoreConfig, name: &str) -> Option<String> {
        self.cloud(store).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the environment for the cloud's SDK: that of the process, overridden by that of the store.
    fn cloud(&self, store: &StoreConfig) -> Vec<(String, String)> {
        let common = self.cloud_environment.iter().map(|(name, value)| (name.clone(), value));
        let own = store.environment.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let all: BTreeMap<String, &Secret> = common.chain(own).collect();
        all.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(store_url: Option<&str>, stores: &[(&str, StoreConfig)]) -> Config {
        Config {
            store_url: store_url.map(str::to_owned),
            stores: stores.iter().map(|(name, store)| ((*name).to_owned(), store.clone())).collect(),
            ..Config::default()
        }
    }

    fn at(url: &str) -> StoreConfig {
        StoreConfig { url: Some(url.to_owned()), ..StoreConfig::default() }
    }

    #[test]
    fn the_default_is_a_folder() {
        let stores = config(None, &[]).store_options().unwrap();
        assert!(matches!(&stores[..], [StoreOptions { name, place: StorePlace::Folder(path), .. }]
            if name == "default" && path.ends_with("rutter-data/store")));
    }

    #[test]
    fn a_bucket_has_a_prefix_and_its_settings() {
        let more = StoreConfig {
            endpoint: Some("http://127.0.0.1:3900".into()),
            region: Some("garage".into()),
            ..StoreConfig::default()
        };
        let mut config = config(Some("s3://data/team/a/"), &[("default", more), ("eu", at("file:///srv/eu"))]);
        config.cloud_environment = vec![("aws_access_key_id".into(), Secret::new("K".into()))];
        let stores = config.store_options().unwrap();
        let StorePlace::S3(bucket) = &stores[0].place else { panic!("a bucket") };
        assert_eq!((bucket.bucket.as_str(), bucket.prefix.as_str()), ("data", "team/a"));
        assert_eq!((bucket.region.as_str(), stores[0].label.as_str()), ("garage", "garage"));
        assert_eq!(bucket.environment, [("aws_access_key_id".to_owned(), "K".to_owned())]);
        assert_eq!(stores[1].name, "eu");
    }

    #[test]
    fn old_versions_are_packed_in_folders_only() {
        let packed = StoreConfig { pack: Some(PackPolicy::All), ..at("s3://packed") };
        let config = config(None, &[("eu", at("s3://data")), ("lab", at("file:///srv/lab")), ("old", packed)]);
        let policies: Vec<PackPolicy> = config.store_options().unwrap().iter().map(|store| store.pack).collect();
        assert_eq!(policies, [PackPolicy::Old, PackPolicy::Never, PackPolicy::Old, PackPolicy::All]);
    }

    #[test]
    fn invalid_stores_are_refused_by_name() {
        for (url, stores) in [
            (Some("data"), vec![]),
            (Some("s3://"), vec![]),
            (Some("s3://user@bucket"), vec![]),
            (Some("file://relative"), vec![]),
            (Some("ftp://bucket"), vec![]),
            (Some("s3://a"), vec![("default", at("s3://b"))]),
            (None, vec![("e u", at("s3://b"))]),
            (None, vec![("eu", StoreConfig::default())]),
            (None, vec![("eu", StoreConfig { endpoint: Some("host".into()), ..at("s3://b") })]),
        ] {
            let error = config(url, &stores).store_options().err().expect("refused").to_string();
            assert!(error.contains("store"), "{error}");
        }
    }
}
