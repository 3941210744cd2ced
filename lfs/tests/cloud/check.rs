//! The bucket check, on correct and on incorrect stores.

use futures::TryStreamExt as _;
use lfs::store::{AzureContainer, Check, CloudStore, S3Bucket, Step, check};

use crate::{
    shim::{credulous, gcs},
    stores::{azure, azure_options, now, random, s3, s3_options},
};

const ORIGIN: &str = "https://data.example";

async fn steps(store: &CloudStore, origin: Option<&str>) -> Vec<Step> {
    let steps = check(store, &Check { now: now(), id: random(), origin: origin.map(str::to_owned) }).await;
    for Step { name, outcome } in &steps {
        println!("{name}: {outcome:?}");
    }
    steps
}

/// Returns the failed steps.
fn wrong(steps: &[Step]) -> Vec<(&'static str, &str)> {
    steps.iter().filter_map(|step| Some((step.name, step.outcome.as_ref().err()?.as_str()))).collect()
}

#[tokio::test]
async fn a_correct_store_passes() {
    let found = steps(&s3(), None).await;
    assert_eq!(wrong(&found), []);
    let names: Vec<_> = found.iter().map(|step| step.name).collect();
    let expected = [
        "write",
        "read a range",
        "clock",
        "list",
        "signed upload",
        "signed upload of wrong bytes",
        "signed upload without the checksum",
        "signed upload turned into a copy",
        "signed download",
        "copy",
        "multipart upload",
        "delete",
    ];
    assert_eq!(names, expected);
    for store in [azure(), gcs().await] {
        assert_eq!(wrong(&steps(&store, None).await), []);
        // No objects are left behind.
        let left: Vec<_> = store.list("").try_collect().await.unwrap();
        assert_eq!(left, []);
    }
}

#[tokio::test]
async fn browsers_need_cors_rules() {
    let store = s3();
    // Garage has no CORS rules at first.
    let found = steps(&store, Some("https://other.example")).await;
    let wrong_before = wrong(&found);
    assert_eq!(wrong_before.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["browser"]);
    assert!(wrong_before[0].1.contains("CORS"), "{wrong_before:?}");
    store.set_cors(&[ORIGIN.into()]).await.unwrap();
    assert_eq!(wrong(&steps(&store, Some(ORIGIN)).await), []);
    let found = steps(&store, Some("https://other.example")).await;
    assert_eq!(wrong(&found).len(), 1);

    let store = azure();
    assert!(store.cors_rules(&[ORIGIN.into()]).unwrap().contains("<AllowedOrigins>https://data.example<"));
    store.set_cors(&[ORIGIN.into()]).await.unwrap_err();
    let found = steps(&store, Some(ORIGIN)).await;
    assert_eq!(wrong(&found).len(), 1);
}

#[tokio::test]
async fn a_store_that_refuses_the_credentials() {
    let strange = |name: &str, value: &str| {
        let mut options = s3_options();
        options.environment.iter_mut().find(|(found, _)| found == name).unwrap().1 = value.to_owned();
        options
    };
    for (options, expected) in [
        (strange("AWS_SECRET_ACCESS_KEY", &"00".repeat(32)), "secret"),
        (strange("AWS_ACCESS_KEY_ID", "GK000000000000000000000000"), "key"),
        (S3Bucket { bucket: "nobodys".into(), ..s3_options() }, "bucket"),
        (S3Bucket { region: "elsewhere".into(), ..s3_options() }, "region"),
        (S3Bucket { endpoint: Some("http://127.0.0.1:1".into()), ..s3_options() }, "endpoint"),
    ] {
        let found = steps(&CloudStore::s3(options).unwrap(), None).await;
        let [("write", said)] = wrong(&found)[..] else { panic!("{found:?}") };
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let azure = AzureContainer { container: "nobodys".into(), ..azure_options() };
    let found = steps(&CloudStore::azure(azure).unwrap(), None).await;
    assert!(wrong(&found)[0].1.contains("bucket does not exist"), "{found:?}");
}

#[tokio::test]
async fn a_store_that_checks_nothing() {
    let found = steps(&credulous().await, None).await;
    for (name, words) in [
        ("signed upload of wrong bytes", "trust_checksums = false"),
        ("signed upload without the checksum", "trust_checksums = false"),
        ("signed upload turned into a copy", "do not use it"),
        ("signed download", "filename"),
    ] {
        let said = found.iter().find(|step| step.name == name).unwrap().outcome.clone().unwrap_err();
        assert!(said.contains(words), "{name}: {said}");
    }
    assert_eq!(wrong(&found).len(), 4);
}

#[tokio::test]
async fn a_wrong_clock() {
    let store = s3();
    let options = Check { now: now() - 4000, id: random(), origin: None };
    let found = check(&store, &options).await;
    let clock = found.iter().find(|step| step.name == "clock").unwrap().outcome.clone();
    let said = clock.unwrap_err();
    assert!(said.contains("clock") && said.contains("behind"), "{said}");
}

#[tokio::test]
async fn an_unreachable_public_endpoint() {
    let options = S3Bucket { public_endpoint: Some("http://127.0.0.1:1".into()), ..s3_options() };
    let found = steps(&CloudStore::s3(options).unwrap(), None).await;
    let signed = found.iter().find(|step| step.name == "signed upload").unwrap().outcome.clone();
    assert!(signed.unwrap_err().contains("public_endpoint"));
    assert_eq!(found.iter().find(|step| step.name == "copy").unwrap().outcome, Ok("within the bucket".into()));
}
