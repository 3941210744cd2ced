use std::time::{Duration, UNIX_EPOCH};

use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};

use super::*;
use crate::{Error, Oid};

/// 21 November 2026, 10:11:12.
const NOW: u64 = 1_795_255_872;

/// Runs a future that sends no request.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn s3() -> S3Bucket {
    S3Bucket {
        bucket: "data".into(),
        prefix: "folder".into(),
        region: "eu-central-1".into(),
        endpoint: None,
        public_endpoint: None,
        virtual_host: false,
        trust_checksums: true,
        environment: pairs(&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]),
    }
}

fn azure() -> AzureContainer {
    AzureContainer {
        container: "objects".into(),
        prefix: "folder".into(),
        endpoint: None,
        public_endpoint: None,
        environment: pairs(&[("AZURE_STORAGE_ACCOUNT", "rutter"), ("AZURE_STORAGE_KEY", "MDEyMzQ1Njc4OWFiY2RlZg==")]),
    }
}

fn gcs(account: &str) -> GcsBucket {
    GcsBucket {
        bucket: "data".into(),
        prefix: String::new(),
        endpoint: None,
        public_endpoint: None,
        environment: pairs(&[("GOOGLE_SERVICE_ACCOUNT_KEY", account)]),
    }
}

fn object() -> (Oid, Key) {
    let oid = Oid::from_bytes([0xab; 32]);
    (oid, Key::new(&oid, [1, 2, 3, 4, 5, 6, 7, 8]))
}

/// An independent implementation signs the same URL for each addressing style of the bucket.
#[test]
fn signed_urls_use_the_public_endpoint() {
    let internal = Some("http://10.0.0.1:3900".to_owned());
    let own = Some("https://objects.example".to_owned());
    for (options, endpoint, style) in [
        (s3(), "https://s3.eu-central-1.amazonaws.com", UrlStyle::Path),
        (S3Bucket { virtual_host: true, ..s3() }, "https://s3.eu-central-1.amazonaws.com", UrlStyle::VirtualHost),
        (S3Bucket { endpoint: internal.clone(), ..s3() }, "http://10.0.0.1:3900", UrlStyle::Path),
        (
            S3Bucket { endpoint: internal, public_endpoint: own.clone(), ..s3() },
            "https://objects.example",
            UrlStyle::Path,
        ),
        (S3Bucket { endpoint: own, virtual_host: true, ..s3() }, "https://objects.example", UrlStyle::VirtualHost),
    ] {
        let store = CloudStore::s3(options).unwrap();
        let (_, key) = object();
        let ours = block_on(store.signer(NOW, 900)).unwrap().stage(&key).href;
        let bucket = Bucket::new(endpoint.parse().unwrap(), style, "data", "eu-central-1").unwrap();
        let credentials = Credentials::new("id", "secret");
        let path = format!("folder/{key}");
        let action = bucket.put_object(Some(&credentials), &path);
        let now = (UNIX_EPOCH + Duration::from_secs(NOW)).try_into().unwrap();
        assert_eq!(ours, action.sign_with_time(Duration::from_secs(900), &now).as_str());
    }
}

/// The signatures were made by another program, following "Create a service SAS".
#[test]
fn azure_is_signed_by_its_account() {
    let (_, key) = object();
    let store = CloudStore::azure(azure()).unwrap();
    let signer = block_on(store.signer(NOW, 900)).unwrap();
    let download = signer.download(&key, Some("attachment; filename=\"a.csv\""));
    let blob = format!("https://rutter.blob.core.windows.net/objects/folder/{key}");
    let common = "sv=2023-11-03&sr=b";
    assert_eq!(
        download.href,
        format!(
            "{blob}?{common}&sp=r&se=2026-11-21T10%3A26%3A12Z&spr=https&rscd=attachment%3B%20filename%3D%22a.csv%22\
             &rsct=application%2Foctet-stream&sig=wRBTvpDzoBc3HSboRTT4pn8MkKeWauXo1isgq22f9L8%3D"
        )
    );
    let stage = signer.stage(&key);
    assert_eq!(
        stage.href,
        format!(
            "{blob}?{common}&sp=w&se=2026-11-21T10%3A26%3A12Z&spr=https&sig=LgexNsZUGqhuHH85nli1eDL76rDr0apfNhBJ318PwGw%3D"
        )
    );
    assert_eq!(stage.headers, [("x-ms-blob-type", "BlockBlob".to_owned())]);
    assert_eq!(signer.upload(&key, &object().0), None);
}

#[test]
fn azure_is_configured_by_its_connection_string() {
    let (_, key) = object();
    let href = |environment: Vec<(String, String)>, public_endpoint: Option<String>| {
        let store = CloudStore::azure(AzureContainer { public_endpoint, environment, ..azure() }).unwrap();
        block_on(store.signer(NOW, 900)).unwrap().stage(&key).href
    };
    let expected = href(azure().environment, None);
    let text = "DefaultEndpointsProtocol=https;AccountName=rutter;AccountKey=MDEyMzQ1Njc4OWFiY2RlZg==;\
                EndpointSuffix=core.windows.net";
    assert_eq!(href(pairs(&[("AZURE_STORAGE_CONNECTION_STRING", text)]), None), expected);
    let emulator = format!("{text};BlobEndpoint=http://127.0.0.1:10000/rutter;");
    let found = href(pairs(&[("AZURE_STORAGE_CONNECTION_STRING", &emulator)]), None);
    assert!(found.starts_with("http://127.0.0.1:10000/rutter/objects/folder/ab/ab/"), "{found}");
    assert!(found.contains("spr=https%2Chttp"), "{found}");
    let found = href(azure().environment, Some("https://blobs.example".into()));
    assert_eq!(found.split_once('?').unwrap().1, expected.split_once('?').unwrap().1, "only the account is signed");
    assert!(found.starts_with("https://blobs.example/objects/folder/"), "{found}");
}

#[test]
fn missing_settings_are_named() {
    let no_account = CloudStore::azure(AzureContainer { environment: Vec::new(), ..azure() });
    let no_key = CloudStore::gcs(GcsBucket { environment: Vec::new(), ..gcs("") });
    let no_file = pairs(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")]);
    for (end, words) in [
        (no_account, "AZURE_STORAGE_ACCOUNT"),
        (no_key, "GOOGLE_APPLICATION_CREDENTIALS"),
        (CloudStore::gcs(GcsBucket { environment: no_file, ..gcs("") }), "/nowhere/key.json"),
        (CloudStore::gcs(gcs("{}")), "client_email"),
        (CloudStore::gcs(gcs(r#"{"client_email": "a@b", "private_key": "no", "private_key_id": "1"}"#)), "PEM"),
        (
            CloudStore::azure(AzureContainer {
                environment: pairs(&[("AZURE_STORAGE_ACCOUNT", "a"), ("AZURE_STORAGE_KEY", "%")]),
                ..azure()
            }),
            "base64",
        ),
        (CloudStore::s3(S3Bucket { endpoint: Some("objects.example".into()), ..s3() }), "https://"),
        (CloudStore::s3(S3Bucket { prefix: "a//b".into(), ..s3() }), "a//b"),
        (CloudStore::s3(S3Bucket { bucket: String::new(), ..s3() }), "bucket"),
    ] {
        let error = end.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)) && error.to_string().contains(words), "{error}");
    }
}

#[test]
fn lifetimes_are_bounded() {
    let store = CloudStore::s3(s3()).unwrap();
    let signer = block_on(store.signer(NOW, u32::MAX)).unwrap();
    assert_eq!(signer.lifetime(), 7 * 24 * 3600);
    assert!(signer.stage(&object().1).href.contains("X-Amz-Expires=604800"));
}

#[test]
fn no_secret_is_printed() {
    let stores = [CloudStore::s3(s3()).unwrap(), CloudStore::azure(azure()).unwrap()];
    assert_eq!(format!("{stores:?}"), "[CloudStore(\"s3://data/folder\"), CloudStore(\"az://objects/folder\")]");
}
