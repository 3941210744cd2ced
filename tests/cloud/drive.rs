//! Files of the drive whose bytes are in a bucket: uploads pass through the server, and there is no download
//! URL before the bytes are verified.

use reqwest::Method;
use rutter_testing::{eventually, noise};
use serde_json::{Value, json};

use crate::client::Client;
use crate::cluster::{Cloud, Cluster, story};

async fn staged(cluster: &Cluster) -> Vec<String> {
    cluster.bucket.keys().await.into_keys().filter(|key| key.starts_with("staging/")).collect()
}

/// Ada, whose drive is there from now on.
async fn ada_with_a_drive(cluster: &Cluster) -> Client {
    let ada = cluster.ada();
    let made = ada.http.get(format!("{}/api/v1/drive", ada.url)).bearer_auth(&ada.token).send().await.unwrap();
    assert_eq!(made.status(), 200);
    ada
}

/// Sends a request to ada's drive; returns status and body.
async fn ask(client: &Client, method: &str, rest: &str, body: Vec<u8>, is_json: bool) -> (u16, Vec<u8>) {
    let url = format!("{}/api/v1/drive/ada/drive{rest}", client.url);
    let request = client.http.request(method.parse::<Method>().unwrap(), url).bearer_auth(&client.token);
    let request = if is_json { request.header("content-type", "application/json") } else { request };
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

async fn json(client: &Client, method: &str, rest: &str, body: &Value) -> Value {
    let (status, bytes) = ask(client, method, rest, body.to_string().into_bytes(), true).await;
    assert!(status < 300, "{method} {rest}: {status} {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}

story! {
    async fn files_of_the_drive_are_stored_in_the_bucket() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let ada = ada_with_a_drive(&cluster).await;
        let bytes = noise(1, 6_000_000);
        let (status, answer) = ask(&ada, "PUT", "/files/folder/large.bin", bytes.clone(), false).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
        assert_eq!(cluster.bucket.objects().await.len(), 1);
        eventually("staging is empty", async || staged(&cluster).await.is_empty()).await;
        assert_eq!(ask(&ada, "GET", "/content/folder/large.bin", Vec::new(), false).await, (200, bytes.clone()));
        ask(&ada, "PUT", "/files/folder/small.txt", b"small".to_vec(), false).await;

        let link = json(&ada, "POST", "/downloads", &json!({"paths": ["folder"]})).await;
        let packed = ada.http.get(link["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(packed.status(), 200);
        let length: usize = packed.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let packed = packed.bytes().await.unwrap();
        assert_eq!(packed.len(), length);
        assert!(packed.windows(1000).any(|part| part == &bytes[3_000_000..3_001_000]), "nothing is compressed");
        cluster.compare_bucket_and_rows().await;
    }
}

story! {
    each async fn a_file_is_uploaded_in_parts(cloud: Cloud) {
        let cluster = cloud.cluster(2, &[]).await;
        let ada = ada_with_a_drive(&cluster).await;
        let bytes = noise(2, 10_500_000);
        let begun = json(&ada, "POST", "/uploads", &json!({"path": "big.bin", "size": bytes.len()})).await;
        let url = format!("/uploads/{}", begun["id"].as_str().unwrap());
        let part = usize::try_from(begun["part_bytes"].as_u64().unwrap()).unwrap();
        assert_eq!(ask(&ada, "PUT", &format!("{url}/2"), bytes[part..].to_vec(), false).await.0, 204);
        assert_eq!(json(&ada, "GET", &url, &json!(null)).await["parts"], json!([2]));
        assert_eq!(ask(&ada, "POST", &format!("{url}/finish"), b"{}".to_vec(), true).await.0, 409);
        assert_eq!(ask(&ada, "PUT", &format!("{url}/1"), bytes[..part].to_vec(), false).await.0, 204);
        let ended = json(&ada, "POST", &format!("{url}/finish"), &json!({})).await;
        assert_eq!(ended["entry"]["size"], bytes.len());
        assert!(ask(&ada, "GET", "/content/big.bin", Vec::new(), false).await == (200, bytes));
        assert_eq!(staged(&cluster).await, Vec::<String>::new());

        // Given up, and what was promised and did not come: nothing is left.
        for promised in [None, Some("ab".repeat(32))] {
            let begun = json(&ada, "POST", "/uploads", &json!({"path": "no.bin", "size": 5, "sha256": promised.clone()})).await;
            let url = format!("/uploads/{}", begun["id"].as_str().unwrap());
            assert_eq!(ask(&ada, "PUT", &format!("{url}/1"), b"bytes".to_vec(), false).await.0, 204);
            match promised {
                None => assert_eq!(ask(&ada, "DELETE", &url, Vec::new(), false).await.0, 204),
                Some(_) => assert_eq!(ask(&ada, "POST", &format!("{url}/finish"), b"{}".to_vec(), true).await.0, 422),
            }
        }
        assert_eq!(staged(&cluster).await, Vec::<String>::new());
        cluster.compare_bucket_and_rows().await;
    }
}
