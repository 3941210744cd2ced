//! The stores under test, and a client that has only presigned URLs.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use lfs::{
    Oid,
    store::{AzureContainer, CloudStore, Key, S3Bucket, SignedUrl},
};
use reqwest::{Client, Method, Response, Url};

/// Lifetime of presigned URLs in seconds.
pub(crate) const LIFETIME: u32 = 300;

/// Defines one test for each provider.
#[macro_export]
macro_rules! for_each_cloud {
    ($(#[$attribute:meta])* async fn $name:ident($store:ident: CloudStore) $body:block) => {
        mod $name {
            use super::*;

            async fn test($store: lfs::store::CloudStore) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn on_s3() {
                test($crate::stores::s3()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_azure() {
                test($crate::stores::azure()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_google() {
                test($crate::shim::gcs().await).await;
            }
        }
    };
}

/// A Garage bucket, with a prefix of its own.
pub(crate) fn s3() -> CloudStore {
    CloudStore::s3(s3_options()).unwrap()
}

pub(crate) fn s3_options() -> S3Bucket {
    let (url, secret) = address("RUTTER_TEST_S3", "garage.sh");
    let region = url.query_pairs().find(|(name, _)| name == "region").unwrap().1.into_owned();
    let credentials = [("AWS_ACCESS_KEY_ID", url.username()), ("AWS_SECRET_ACCESS_KEY", &secret)];
    S3Bucket {
        bucket: url.path()[1..].to_owned(),
        prefix: folder(),
        region,
        endpoint: Some(origin(&url)),
        public_endpoint: None,
        virtual_host: false,
        trust_checksums: true,
        environment: credentials.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

/// An azurite container, with a prefix of its own.
pub(crate) fn azure() -> CloudStore {
    CloudStore::azure(azure_options()).unwrap()
}

pub(crate) fn azure_options() -> AzureContainer {
    let (url, key) = address("RUTTER_TEST_AZURE", "azurite.sh");
    let (account, container) = url.path()[1..].split_once('/').unwrap();
    let credentials = [("AZURE_STORAGE_ACCOUNT", url.username()), ("AZURE_STORAGE_KEY", &key)];
    AzureContainer {
        container: container.to_owned(),
        prefix: folder(),
        endpoint: Some(format!("{}/{account}", origin(&url))),
        public_endpoint: None,
        environment: credentials.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the addresses of the stores are environment variables")]
fn address(variable: &str, script: &str) -> (Url, String) {
    let text = std::env::var(variable).unwrap_or_else(|_| panic!("run this test with scripts/{script}"));
    let url: Url = text.parse().unwrap();
    let encoded = format!("password={}", url.password().unwrap());
    let password = url::form_urlencoded::parse(encoded.as_bytes()).next().unwrap().1.into_owned();
    (url, password)
}

fn origin(url: &Url) -> String {
    format!("http://127.0.0.1:{}", url.port().unwrap())
}

fn folder() -> String {
    format!("tests/{}", hex::encode(random()))
}

/// Returns the current time in Unix seconds.
#[expect(clippy::disallowed_methods, reason = "the stores use the system clock")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn random() -> [u8; 16] {
    use ring::rand::{SecureRandom as _, SystemRandom};
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes
}

/// Returns an unused key.
pub(crate) fn staging() -> Key {
    Key::staging(random())
}

pub(crate) fn object(bytes: &[u8]) -> (Oid, Key) {
    let oid = Oid::of(bytes);
    (oid, Key::new(&oid, random()[..8].try_into().unwrap()))
}

/// Returns incompressible bytes.
pub(crate) fn noise(length: usize) -> Bytes {
    let mut state = u64::from_le_bytes(random()[..8].try_into().unwrap()) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes.into()
}

/// Sends a presigned request with its required headers and some others.
pub(crate) async fn send(method: Method, url: &SignedUrl, bytes: Bytes) -> Response {
    let mut request = Client::new().request(method, &url.href).header("content-type", "text/plain");
    request = request.header("content-length", bytes.len());
    for (name, value) in &url.headers {
        request = request.header(*name, value);
    }
    request.body(bytes).send().await.unwrap()
}

pub(crate) async fn put(url: &SignedUrl, bytes: Bytes) -> Response {
    send(Method::PUT, url, bytes).await
}

/// Like [`put`], but the request must succeed.
pub(crate) async fn put_well(url: &SignedUrl, bytes: Bytes) -> Response {
    let answer = put(url, bytes).await;
    let status = answer.status();
    if status.is_success() { answer } else { panic!("{status}: {}", answer.text().await.unwrap()) }
}

pub(crate) async fn get(url: &SignedUrl, range: Option<&str>) -> Response {
    let mut request = Client::new().get(&url.href);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    request.send().await.unwrap()
}

/// Returns the headers of a response by name.
pub(crate) fn headers(answer: &Response) -> HashMap<String, String> {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
