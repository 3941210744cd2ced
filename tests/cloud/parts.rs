//! Uploads that a bucket does not verify: without a checksum, which the server reads where they are staged, and in parts,
//! which can be resumed.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use lfs::Oid;
use reqwest::{Method, Response};
use rutter_testing::{eventually, git_command, noise};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Action, Client, action, of};
use crate::cluster::{Cloud, Cluster, story};

/// The user agent of Hugging Face's client, which sends bytes without the headers of the batch.
pub(crate) const HUB_AGENT: &str = "unknown/None; hf_hub/1.16.1; python/3.13";

async fn staged(cluster: &Cluster) -> Vec<String> {
    cluster.bucket.keys().await.into_keys().filter(|key| key.starts_with("staging/")).collect()
}

story! {
    async fn bytes_without_a_signed_checksum_are_verified() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let bare = cluster.ada().with_user_agent(HUB_AGENT);
        let (bytes, oid) = (noise(1, 50_000), Oid::of(&noise(1, 50_000)));

        let (upload, verify) = bare.offer("ada/data", &bytes).await;
        assert!(upload.headers.iter().all(|(name, _)| !name.starts_with("x-amz-")), "{upload:?}");
        let mut wrong = bytes.clone();
        wrong[0] ^= 1;
        // The bucket takes anything here; the server does not.
        assert_eq!(bare.put(&upload.without_headers(), &wrong).await.unwrap(), 200);
        let answer = bare.verify(&verify, oid, bytes.len()).await.unwrap();
        assert_eq!(answer.status(), 422, "{}", answer.text().await.unwrap());
        assert_eq!(bare.download("ada/data", oid, bytes.len()).await, None);
        assert!(cluster.bucket.objects().await.is_empty());

        let (upload, verify) = bare.offer("ada/data", &bytes).await;
        assert_eq!(bare.put(&upload.without_headers(), &bytes).await.unwrap(), 200);
        assert_eq!(bare.download("ada/data", oid, bytes.len()).await, None, "not verified yet");
        assert_eq!(bare.verify(&verify, oid, bytes.len()).await.unwrap().status(), 200);
        assert!(bare.download("ada/data", oid, bytes.len()).await.as_ref() == Some(&bytes));
        // The URL can no longer change anything.
        let _ = bare.put(&upload.without_headers(), &wrong).await.unwrap();
        assert!(bare.download("ada/data", oid, bytes.len()).await == Some(bytes));
        cluster.compare_bucket_and_rows().await;
    }
}

/// An upload as the `multipart-basic` transfer describes it.
pub(crate) struct MultipartUpload {
    pub(crate) parts: Vec<(Action, u64, u64)>,
    commit: Action,
    body: String,
}

/// Asks for an upload in parts.
pub(crate) async fn begin_multipart(client: &Client, dataset: &str, oid: Oid, size: u64) -> MultipartUpload {
    try_begin_multipart(client, dataset, oid, size)
        .await
        .unwrap_or_else(|answer| panic!("no upload in parts is offered: {answer}"))
}

/// The same; what the batch says if it offers none.
pub(crate) async fn try_begin_multipart(
    client: &Client,
    dataset: &str,
    oid: Oid,
    size: u64,
) -> Result<MultipartUpload, Value> {
    let body = json!({
        "operation": "upload",
        "transfers": ["multipart-basic", "basic"],
        "objects": [{"oid": oid, "size": size}],
    });
    let answer: Value = client.ask(dataset, &body).await.unwrap().error_for_status().unwrap().json().await.unwrap();
    if answer["transfer"] != "multipart-basic" || answer["objects"][0]["actions"].is_null() {
        return Err(answer);
    }
    let actions = &answer["objects"][0]["actions"];
    let parts = actions["parts"].as_array().into_iter().flatten();
    let number = |part: &Value, name: &str| part[name].as_u64().unwrap();
    Ok(MultipartUpload {
        parts: parts.map(|part| (of(part), number(part, "pos"), number(part, "size"))).collect(),
        commit: of(&actions["commit"]),
        body: actions["commit"]["body"].as_str().unwrap().to_owned(),
    })
}

impl MultipartUpload {
    /// Ends the upload, whatever comes of it.
    pub(crate) async fn try_end(&self, client: &Client) -> Response {
        self.commit.request(&client.http, Method::POST).body(self.body.clone()).send().await.unwrap()
    }

    /// Ends the upload; repeats the request while its bytes are being hashed.
    async fn end(&self, client: &Client) -> u16 {
        for _ in 0..10 {
            let response = self.try_end(client).await;
            if response.status() != 503 {
                return response.status().as_u16();
            }
            println!("{}", response.text().await.unwrap());
        }
        503
    }
}

story! {
    real async fn an_upload_in_parts_resumes_after_an_interruption() {
        let cloud = Cloud::shared().await;
        let mut cluster = cloud.cluster(2, &[("RUTTER_LIMITS__MULTIPART_THRESHOLD", "1000000")]).await;
        let (ada, bytes) = (cluster.ada(), noise(3, 40_000_000));
        let (oid, size) = (Oid::of(&bytes), bytes.len() as u64);
        let piece = |position: u64, size: u64| {
            let range = usize::try_from(position).unwrap()..usize::try_from(position + size).unwrap();
            bytes[range].to_vec()
        };
        let begun = begin_multipart(&ada, "ada/data", oid, size).await;
        let (count, sum) = (begun.parts.len(), begun.parts.iter().map(|part| part.2).sum::<u64>());
        assert!(count >= 3 && sum == size, "{count} parts with {sum} bytes");
        let (part, position, length) = &begun.parts[1];
        assert_eq!(ada.put(part, &piece(*position, *length)).await.unwrap(), 200);
        assert_eq!(begun.end(&ada).await, 409, "parts are missing");

        // The client is killed, and so is the server that it spoke to.
        for place in 0..2 {
            cluster.kill(place);
            cluster.wipe(place);
            cluster.start(place).await;
        }
        let rest = begin_multipart(&ada, "ada/data", oid, size).await;
        let positions = |cut: &MultipartUpload| cut.parts.iter().map(|part| part.1).collect::<Vec<_>>();
        let mut missing = positions(&begun);
        missing.remove(1);
        assert_eq!(positions(&rest), missing, "only what is missing is asked for");
        for (part, position, length) in &rest.parts {
            assert_eq!(ada.put(part, &piece(*position, *length)).await.unwrap(), 200);
        }
        assert_eq!(ada.download("ada/data", oid, bytes.len()).await, None, "it is not looked at yet");
        assert_eq!(rest.end(&ada).await, 200);
        assert_eq!(rest.end(&ada).await, 200, "said twice, it is done once");
        // No URL of a part can change what was looked at.
        let _ = ada.put(&rest.parts[0].0, &vec![0; usize::try_from(rest.parts[0].2).unwrap()]).await;
        assert!(ada.download("ada/data", oid, bytes.len()).await == Some(bytes));
        assert_eq!(cluster.metric(0, "rutter_lfs_received_bytes_total").await, 0, "parts went through the server");
        cluster.compare_bucket_and_rows().await;
    }
}

story! {
    real async fn parts_of_another_object_are_refused() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[("RUTTER_LIMITS__MULTIPART_THRESHOLD", "1000000")]).await;
        let (ada, bytes) = (cluster.ada(), noise(4, 3_000_000));
        let (oid, size) = (Oid::of(&bytes), bytes.len() as u64);
        let lie = begin_multipart(&ada, "ada/data", oid, size).await;
        for (part, _, length) in &lie.parts {
            assert_eq!(ada.put(part, &vec![7; usize::try_from(*length).unwrap()]).await.unwrap(), 200);
        }
        assert_eq!(lie.end(&ada).await, 422);
        assert_eq!(ada.download("ada/data", oid, bytes.len()).await, None);
        assert!(cluster.bucket.objects().await.is_empty());
        assert!(ada.upload("ada/data", &bytes).await.unwrap());
        assert!(ada.download("ada/data", oid, bytes.len()).await == Some(bytes));
        assert_eq!(staged(&cluster).await, Vec::<String>::new());
    }
}

/// How far an upload by tus has come.
async fn offset(client: &Client, dataset: &str, oid: Oid, size: u64) -> u64 {
    let body = json!({"operation": "upload", "transfers": ["tus"], "objects": [{"oid": oid, "size": size}]});
    let answer: Value = client.ask(dataset, &body).await.unwrap().json().await.unwrap();
    let Some(upload) = action(&answer["objects"][0], "upload") else { return size };
    let asked = upload.request(&client.http, Method::HEAD).header("tus-resumable", "1.0.0").send().await.unwrap();
    asked.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
}

story! {
    real async fn git_lfs_resumes_with_tus() {
        const SIZE: u64 = 512 << 20;
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let (ada, work) = (cluster.ada(), cluster.installation.tree("work"));
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&cluster.installation.remote("ada/data"));
        work.git(&["config", "lfs.tustransfers", "true"]);
        work.write("large.bin", zeros(0, SIZE));
        work.commit("Large");
        let oid: Oid = work.git(&["lfs", "ls-files", "--long"])[..64].parse().unwrap();

        // git, its hook and git-lfs are killed together.
        let push = ["push", "-q", "origin", "main"];
        let mut killed = git_command(&work.home, &work.folder);
        let mut killed = killed.args(push).process_group(0).stderr(Stdio::null()).spawn().unwrap();
        eventually("some of it has come", async || offset(&ada, "ada/data", oid, SIZE).await > 0).await;
        let group = format!("-{}", killed.id());
        assert!(Command::new("sh").args(["-c", "kill -KILL \"$0\"", &group]).status().unwrap().success());
        assert!(!killed.wait().unwrap().success());
        let count = async || cluster.metric(0, "rutter_lfs_received_bytes_total").await;
        let mut before = count().await;
        eventually("what was on its way has come", async || {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = count().await;
            std::mem::replace(&mut before, now) == now
        })
        .await;
        let kept = offset(&ada, "ada/data", oid, SIZE).await;
        assert!(kept < SIZE, "the push was through before it was killed");

        work.git(&push);
        let received = count().await - before;
        assert!(received <= SIZE - kept, "{received} bytes were sent after {kept} had come");
        let clone = cluster.installation.tree("clone");
        clone.git(&["clone", "-q", &cluster.installation.remote("ada/data"), "."]);
        assert!(clone.read("large.bin") == zeros(0, SIZE));
        cluster.compare_bucket_and_rows().await;
    }
}

const HUGE: u64 = 6 << 30;

/// A piece of a large file that is nearly all zeros, but nowhere the same: each MiB begins with its number.
fn zeros(position: u64, length: u64) -> Vec<u8> {
    let mut piece = vec![0; usize::try_from(length).unwrap()];
    let end = position + length;
    // A piece may begin and end within such a number.
    for number in position >> 20..end.div_ceil(1 << 20) {
        for (place, byte) in (number << 20..).zip(number.to_le_bytes()) {
            if (position..end).contains(&place) {
                piece[usize::try_from(place - position).unwrap()] = byte;
            }
        }
    }
    piece
}

/// Sends a part as clients do: once more if the store did not answer in time, as happens where its disk is slow.
async fn send_zeros(ada: &Client, (part, position, length): &(Action, u64, u64)) {
    let bytes = zeros(*position, *length);
    let sent = match ada.put(part, &bytes).await {
        Err(error) if error.is_timeout() => ada.put(part, &bytes).await,
        sent => sent,
    };
    assert_eq!(sent.unwrap(), 200);
}

story! {
    real async fn an_interrupted_upload_of_six_gigabytes_sends_only_the_rest() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let ada = cluster.ada();
        // A debug build alone maps about 80 MiB.
        let idle = cluster.peak_memory(0);
        let mut hash = Sha256::new();
        for block in 0..HUGE >> 20 {
            hash.update(zeros(block << 20, 1 << 20));
        }
        let oid = Oid::from_bytes(hash.finalize().into());

        let begun = begin_multipart(&ada, "ada/data", oid, HUGE).await;
        let half = begun.parts.len() / 2;
        for part in &begun.parts[..half] {
            send_zeros(&ada, part).await;
        }
        // In the middle of a part, the client is gone.
        let (part, position, length) = &begun.parts[half];
        let cut_off = part.request(&ada.http, Method::PUT).body(zeros(*position, *length)).send();
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), cut_off).await;

        let rest = begin_multipart(&ada, "ada/data", oid, HUGE).await;
        let sent: u64 = rest.parts.iter().map(|part| part.2).sum();
        let had: u64 = begun.parts[..half].iter().map(|part| part.2).sum();
        assert!(sent == HUGE - had || sent == HUGE - had - length, "{sent} bytes are asked for after {had} have come");
        for part in &rest.parts {
            send_zeros(&ada, part).await;
        }
        assert_eq!(rest.end(&ada).await, 200);
        let grown = cluster.peak_memory(0) - idle;
        assert!(grown < 50, "the server took {grown} MiB more than when it was idle");

        let object = ada.object("download", "ada/data", oid, usize::try_from(HUGE).unwrap()).await.unwrap();
        let download = action(&object, "download").unwrap();
        let range = format!("bytes={}-", HUGE - (2 << 20));
        let end = download.request(&ada.http, Method::GET).header("range", range).send().await.unwrap();
        assert!(end.bytes().await.unwrap() == zeros(HUGE - (2 << 20), 2 << 20));
        assert_eq!(staged(&cluster).await, Vec::<String>::new());
    }
}
