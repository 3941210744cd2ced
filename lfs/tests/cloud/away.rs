//! Stores that are away, or refuse us.

use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use lfs::{
    Error,
    store::{AzureContainer, CloudStore, S3Bucket},
};

use crate::stores::{LIFETIME, azure_options, now, object, s3_options, staging};

/// Everything that asks the store.
async fn errors(store: &CloudStore) -> Vec<Error> {
    let (_, key) = object(b"some");
    let mut errors = vec![
        store.stat(&key).await.unwrap_err(),
        store.hash(&key).await.unwrap_err(),
        store.remove(&key).await.unwrap_err(),
        store.promote(&key, &staging()).await.unwrap_err(),
        store.list("").try_collect::<Vec<_>>().await.unwrap_err(),
    ];
    let id = "0123".parse().unwrap();
    errors.push(store.parts(&key, &id).await.unwrap_err());
    errors.push(store.put_part(&key, &id, 1, "part".into()).await.unwrap_err());
    errors.push(store.abort_parts(&key, &id).await.unwrap_err());
    errors
}

#[tokio::test]
async fn nothing_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let s3 = CloudStore::s3(S3Bucket { endpoint: Some(endpoint.clone()), ..s3_options() }).unwrap();
    let azure = CloudStore::azure(AzureContainer { endpoint: Some(endpoint), ..azure_options() }).unwrap();
    for store in [s3, azure] {
        let begin = Instant::now();
        store.signer(now(), LIFETIME).await.unwrap().stage(&staging());
        for error in errors(&store).await {
            assert!(matches!(error, Error::Unavailable(_)), "{error}");
            assert!(error.to_string().contains("no answer"), "{error}");
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn the_store_refuses_us() {
    let strange = |environment: &[(String, String)], name: &str, value: &str| {
        let mut environment = environment.to_vec();
        for (found, old) in &mut environment {
            if found == name {
                value.clone_into(old);
            }
        }
        environment
    };
    let options = s3_options();
    let unknown = strange(&options.environment, "AWS_ACCESS_KEY_ID", "GK000000000000000000000000");
    let wrong = strange(&options.environment, "AWS_SECRET_ACCESS_KEY", &"00".repeat(32));
    let azure = azure_options();
    let forged = strange(&azure.environment, "AZURE_STORAGE_KEY", "AAAA");
    for store in [
        CloudStore::s3(S3Bucket { environment: unknown, ..s3_options() }),
        CloudStore::s3(S3Bucket { environment: wrong, ..s3_options() }),
        CloudStore::s3(S3Bucket { bucket: "nobodys".into(), ..s3_options() }),
        CloudStore::azure(AzureContainer { environment: forged, ..azure }),
        CloudStore::azure(AzureContainer { container: "nobodys".into(), ..azure_options() }),
    ] {
        let store = store.unwrap();
        let list: Result<Vec<_>, _> = store.list("").try_collect().await;
        let text = list.unwrap_err().to_string();
        assert!(text.contains("; "), "it says what to do: {text}");
        println!("{store:?}: {text}");
    }
}
