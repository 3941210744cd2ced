//! Uploads that a bucket does not prove: bare ones, which are looked at where they are staged, and those in parts,
//! which go on after an interruption.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use lfs::Oid;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Action, Client, action, of};
use crate::harness::{eventually, git_command, noise};
use crate::scene::{Cloud, Scene, story};

/// How the client of Hugging Face calls itself; it sends its bytes bare to whatever URL it is told.
pub(crate) const BARE: &str = "unknown/None; hf_hub/1.16.1; python/3.13";

async fn staged(scene: &Scene) -> Vec<String> {
    scene.bucket.keys().await.into_keys().filter(|key| key.starts_with("staging/")).collect()
}

story! {
    async fn bytes_that_come_bare_are_looked_at() {
        let cloud = Cloud::shared().await;
        let scene = cloud.scene(1, &[]).await;
        let bare = scene.ada().called(BARE);
        let (bytes, oid) = (noise(1, 50_000), Oid::of(&noise(1, 50_000)));

        let (upload, verify) = bare.offer("ada/data", &bytes).await;
        assert!(upload.headers.iter().all(|(name, _)| !name.starts_with("x-amz-")), "{upload:?}");
        let mut wrong = bytes.clone();
        wrong[0] ^= 1;
        // The bucket takes anything here; the server does not.
        assert_eq!(bare.put(&upload.without_headers(), &wrong).await.unwrap(), 200);
        let told = bare.verify(&verify, oid, bytes.len()).await.unwrap();
        assert_eq!(told.status(), 422, "{}", told.text().await.unwrap());
        assert_eq!(bare.download("ada/data", oid, bytes.len()).await, None);
        assert!(scene.bucket.objects().await.is_empty());

        let (upload, verify) = bare.offer("ada/data", &bytes).await;
        assert_eq!(bare.put(&upload.without_headers(), &bytes).await.unwrap(), 200);
        assert_eq!(bare.download("ada/data", oid, bytes.len()).await, None, "nobody has looked at it yet");
        assert_eq!(bare.verify(&verify, oid, bytes.len()).await.unwrap().status(), 200);
        assert!(bare.download("ada/data", oid, bytes.len()).await.as_ref() == Some(&bytes));
        // Whoever still has the URL can change nothing any more.
        let _ = bare.put(&upload.without_headers(), &wrong).await.unwrap();
        assert!(bare.download("ada/data", oid, bytes.len()).await == Some(bytes));
        scene.compare_bucket_and_rows().await;
    }
}

/// An upload as the `multipart-basic` transfer describes it.
pub(crate) struct Cut {
    pub(crate) parts: Vec<(Action, u64, u64)>,
    commit: Action,
    body: String,
}

/// Asks for an upload in parts.
pub(crate) async fn cut(client: &Client, dataset: &str, oid: Oid, size: u64) -> Cut {
    try_cut(client, dataset, oid, size).await.unwrap_or_else(|answer| panic!("no upload in parts is offered: {answer}"))
}

/// The same; what the batch says if it offers none.
pub(crate) async fn try_cut(client: &Client, dataset: &str, oid: Oid, size: u64) -> Result<Cut, Value> {
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
    Ok(Cut {
        parts: parts.map(|part| (of(part), number(part, "pos"), number(part, "size"))).collect(),
        commit: of(&actions["commit"]),
        body: actions["commit"]["body"].as_str().unwrap().to_owned(),
    })
}

impl Cut {
    /// Ends the upload, whatever comes of it.
    pub(crate) async fn try_end(&self, client: &Client) -> Response {
        self.commit.request(&client.http, Method::POST).body(self.body.clone()).send().await.unwrap()
    }

    /// Ends the upload; as long as its bytes are being looked at, it is asked again.
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
    real async fn an_upload_in_parts_goes_on_where_it_was_cut_off() {
        let cloud = Cloud::shared().await;
        let mut scene = cloud.scene(2, &[("RUTTER_LIMITS__MULTIPART_THRESHOLD", "1000000")]).await;
        let (ada, bytes) = (scene.ada(), noise(3, 40_000_000));
        let (oid, size) = (Oid::of(&bytes), bytes.len() as u64);
        let piece = |position: u64, size: u64| {
            let range = usize::try_from(position).unwrap()..usize::try_from(position + size).unwrap();
            bytes[range].to_vec()
        };
        let begun = cut(&ada, "ada/data", oid, size).await;
        let (count, sum) = (begun.parts.len(), begun.parts.iter().map(|part| part.2).sum::<u64>());
        assert!(count >= 3 && sum == size, "{count} parts with {sum} bytes");
        let (part, position, length) = &begun.parts[1];
        assert_eq!(ada.put(part, &piece(*position, *length)).await.unwrap(), 200);
        assert_eq!(begun.end(&ada).await, 409, "parts are missing");

        // The client is killed, and so is the server that it spoke to.
        for place in 0..2 {
            scene.kill(place);
            scene.wipe(place);
            scene.start(place).await;
        }
        let rest = cut(&ada, "ada/data", oid, size).await;
        let positions = |cut: &Cut| cut.parts.iter().map(|part| part.1).collect::<Vec<_>>();
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
        assert_eq!(scene.metric(0, "rutter_lfs_received_bytes_total").await, 0, "parts went through the server");
        scene.compare_bucket_and_rows().await;
    }
}

story! {
    real async fn parts_that_are_another_whole_are_not_taken() {
        let cloud = Cloud::shared().await;
        let scene = cloud.scene(1, &[("RUTTER_LIMITS__MULTIPART_THRESHOLD", "1000000")]).await;
        let (ada, bytes) = (scene.ada(), noise(4, 3_000_000));
        let (oid, size) = (Oid::of(&bytes), bytes.len() as u64);
        let lie = cut(&ada, "ada/data", oid, size).await;
        for (part, _, length) in &lie.parts {
            assert_eq!(ada.put(part, &vec![7; usize::try_from(*length).unwrap()]).await.unwrap(), 200);
        }
        assert_eq!(lie.end(&ada).await, 422);
        assert_eq!(ada.download("ada/data", oid, bytes.len()).await, None);
        assert!(scene.bucket.objects().await.is_empty());
        assert!(ada.upload("ada/data", &bytes).await.unwrap());
        assert!(ada.download("ada/data", oid, bytes.len()).await == Some(bytes));
        assert_eq!(staged(&scene).await, Vec::<String>::new());
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
    real async fn stock_git_lfs_goes_on_by_tus() {
        const SIZE: u64 = 512 << 20;
        let cloud = Cloud::shared().await;
        let scene = cloud.scene(1, &[]).await;
        let (ada, work) = (scene.ada(), scene.house.tree("work"));
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&scene.house.remote("ada/data"));
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
        let count = async || scene.metric(0, "rutter_lfs_received_bytes_total").await;
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
        let clone = scene.house.tree("clone");
        clone.git(&["clone", "-q", &scene.house.remote("ada/data"), "."]);
        assert!(clone.read("large.bin") == zeros(0, SIZE));
        scene.compare_bucket_and_rows().await;
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

story! {
    real async fn six_gigabytes_killed_in_the_middle_send_only_the_rest() {
        let cloud = Cloud::shared().await;
        let scene = cloud.scene(1, &[]).await;
        let ada = scene.ada();
        // A debug build alone maps about 80 MiB.
        let idle = scene.peak_memory(0);
        let mut hash = Sha256::new();
        for block in 0..HUGE >> 20 {
            hash.update(zeros(block << 20, 1 << 20));
        }
        let oid = Oid::from_bytes(hash.finalize().into());

        let begun = cut(&ada, "ada/data", oid, HUGE).await;
        let half = begun.parts.len() / 2;
        for (part, position, length) in &begun.parts[..half] {
            assert_eq!(ada.put(part, &zeros(*position, *length)).await.unwrap(), 200);
        }
        // In the middle of a part, the client is gone.
        let (part, position, length) = &begun.parts[half];
        let cut_off = part.request(&ada.http, Method::PUT).body(zeros(*position, *length)).send();
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), cut_off).await;

        let rest = cut(&ada, "ada/data", oid, HUGE).await;
        let sent: u64 = rest.parts.iter().map(|part| part.2).sum();
        let had: u64 = begun.parts[..half].iter().map(|part| part.2).sum();
        assert!(sent == HUGE - had || sent == HUGE - had - length, "{sent} bytes are asked for after {had} have come");
        for (part, position, length) in &rest.parts {
            assert_eq!(ada.put(part, &zeros(*position, *length)).await.unwrap(), 200);
        }
        assert_eq!(rest.end(&ada).await, 200);
        let grown = scene.peak_memory(0) - idle;
        assert!(grown < 50, "the server took {grown} MiB more than when it was idle");

        let object = ada.object("download", "ada/data", oid, usize::try_from(HUGE).unwrap()).await.unwrap();
        let download = action(&object, "download").unwrap();
        let range = format!("bytes={}-", HUGE - (2 << 20));
        let end = download.request(&ada.http, Method::GET).header("range", range).send().await.unwrap();
        assert!(end.bytes().await.unwrap() == zeros(HUGE - (2 << 20), 2 << 20));
        assert_eq!(staged(&scene).await, Vec::<String>::new());
    }
}
