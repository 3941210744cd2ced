//! Stores that are unavailable or deny access.

use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use lfs::{
    Error,
    store::{AzureContainer, CloudStore, S3Bucket},
};

use crate::stores::{LIFETIME, azure_options, now, object, s3_options, staging};

/// Returns the errors of every operation that sends a request.
async fn errors(store: &CloudStore) -> Vec<Error> {
    let ((_, key), target, id) = (object(b"some"), staging(), "0123".parse().unwrap());
    let (stat, hash, remove, promote, list, parts, put, complete, abort) = tokio::join!(
        store.stat(&key),
        store.hash(&key),
        store.remove(&key),
        store.promote(&key, &target),
        store.list("").try_collect::<Vec<_>>(),
        store.parts(&key, &id),
        store.put_part(&key, &id, 1, "part".into()),
        store.complete_parts(&key, &id, &[]),
        store.abort_parts(&key, &id),
    );
    let errors = [stat.err(), hash.err(), remove.err(), promote.err(), list.err(), parts.err()];
    let errors = errors.into_iter().chain([put.err(), complete.err(), abort.err()]);
    errors.enumerate().map(|(index, error)| error.unwrap_or_else(|| panic!("{index} of {store:?}"))).collect()
}

/// Both providers, at this address.
fn at(endpoint: &str) -> [CloudStore; 2] {
    let endpoint = Some(endpoint.to_owned());
    let s3 = CloudStore::s3(S3Bucket { endpoint: endpoint.clone(), ..s3_options() }).unwrap();
    let azure = CloudStore::azure(AzureContainer { endpoint, ..azure_options() }).unwrap();
    [s3, azure]
}

/// Checks that every call fails because the store is unavailable, within its timeout: short calls in 12 seconds,
/// all in a minute.
async fn are_away(stores: [CloudStore; 2]) {
    let begin = Instant::now();
    for errors in futures::future::join_all(stores.iter().map(errors)).await {
        for error in errors {
            assert!(matches!(error, Error::Unavailable(_)), "{error}");
            assert!(error.to_string().contains("no response"), "{error}");
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(80), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn nothing_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stores = at(&format!("http://127.0.0.1:{port}"));
    for store in &stores {
        // Signing needs no connection.
        store.signer(now(), LIFETIME).await.unwrap().stage(&staging());
    }
    are_away(stores).await;
}

#[tokio::test]
async fn a_store_does_not_answer() {
    // The system accepts connections, but no process reads from them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    are_away(at(&format!("http://{}", listener.local_addr().unwrap()))).await;
}

/// Objects that cannot be seen are not lost.
#[tokio::test]
async fn there_is_no_such_bucket() {
    let s3 = CloudStore::s3(S3Bucket { bucket: "nobodys".into(), ..s3_options() });
    let azure = CloudStore::azure(AzureContainer { container: "nobodys".into(), ..azure_options() });
    for store in [s3.unwrap(), azure.unwrap()] {
        for error in errors(&store).await {
            assert!(matches!(error, Error::Unavailable(_)), "{store:?}: {error}");
            assert!(error.to_string().contains("the bucket does not exist"), "{store:?}: {error}");
        }
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
        assert!(text.contains("; "), "the message says what to do: {text}");
        println!("{store:?}: {text}");
    }
}
