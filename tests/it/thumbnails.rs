//! Thumbnails of images (`…/thumbnail`).

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Reply, Server};
use serde_json::{Value, json};

use crate::owners::{png, png_bomb};
use crate::tables::{engines, until};

/// A server with two private datasets: of ada's, and of ben's.
async fn world() -> (Server, Person, Person) {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.idle_seconds = 1;
    })
    .await;
    let (ada, ben) = (server.person("ada").await, server.person("ben").await);
    server.dataset("ada/leaves", Visibility::Private).await;
    server.dataset("ben/own", Visibility::Private).await;
    (server, ada, ben)
}

/// Writes a file. Returns the revision.
async fn put(server: &Server, who: &Person, path: &str, bytes: impl Into<Vec<u8>>) -> String {
    let (dataset, path) = path.split_once(':').unwrap();
    let request = server.request("PUT", &format!("/api/v1/drive/{dataset}/files/{path}"), Some(&who.token));
    let reply = Reply::of(request.body(bytes.into())).await;
    assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
    reply.json()["revision"].as_str().unwrap().to_owned()
}

/// Asks for a thumbnail of `dataset:revision/path`.
async fn get(server: &Server, token: Option<&str>, at: &str) -> Reply {
    let (dataset, rest) = at.split_once(':').unwrap();
    server.call(token, "GET", &format!("/api/v1/datasets/{dataset}/thumbnail/{rest}"), Value::Null).await
}

/// How many pictures engines of this process have made, or tried to.
async fn made(server: &Server) -> f64 {
    let metrics = server.request("GET", "/metrics", None).send().await.unwrap().text().await.unwrap();
    let lines = metrics.lines().filter(|line| line.starts_with("rutter_table_requests_total{"));
    let counts = lines.filter(|line| line.contains("kind=\"picture\"")).filter_map(|line| line.rsplit(' ').next());
    counts.map(|count| count.parse::<f64>().unwrap()).sum()
}

#[tokio::test]
async fn a_thumbnail_is_made_once_for_each_content() {
    let (server, ada, ben) = world().await;
    // With text that must not be in the picture, in Git LFS.
    let image = png(1200, 900, 1);
    let commit = put(&server, &ada, "ada/leaves:images/oak.png", image.clone()).await;
    let at = format!("ada/leaves:{commit}/images/oak.png");
    let all = futures::future::join_all((0..8).map(|_| get(&server, Some(&ada.token), &at))).await;
    let first = &all[0];
    assert_eq!((first.status, first.header("content-type")), (200, "image/jpeg"), "{}", first.text());
    assert!(first.body.starts_with(b"\xff\xd8\xff") && first.body.len() < 40_000, "{}", first.body.len());
    assert!(!first.body.windows(6).any(|part| part == b"secret"));
    assert_eq!(first.header("content-security-policy"), "sandbox; default-src 'none'");
    assert!(all.iter().all(|reply| reply.status == 200 && reply.body == first.body));
    assert!((made(&server).await - 1.0).abs() < 0.1, "many requests make it once");

    // What is at a commit id never changes; a branch does.
    assert_eq!(first.header("cache-control"), "private, max-age=31536000, immutable");
    let at_branch = get(&server, Some(&ada.token), "ada/leaves:HEAD/images/oak.png").await;
    assert_eq!((at_branch.status, at_branch.header("cache-control")), (200, "private, no-cache"));
    let tag = first.header("etag").to_owned();
    assert_eq!(at_branch.header("etag"), tag);
    let url = format!("/api/v1/datasets/ada/leaves/thumbnail/{commit}/images/oak.png");
    let again = server.request("GET", &url, Some(&ada.token)).header("if-none-match", &tag);
    assert_eq!(Reply::of(again).await.status, 304);

    // The same content elsewhere, under another name, needs no engine.
    until("the engine ends", || engines().is_empty()).await;
    put(&server, &ben, "ben/own:copy.png", image).await;
    let same = get(&server, Some(&ben.token), "ben/own:HEAD/copy.png").await;
    assert_eq!((same.status, same.header("etag"), &same.body), (200, tag.as_str(), &first.body));
    assert!(engines().is_empty() && (made(&server).await - 1.0).abs() < 0.1);
    // Although ben has the same content, he cannot read ada's file, nor can she read his.
    assert_eq!(get(&server, Some(&ben.token), &at).await.status, 404);
    assert_eq!(get(&server, Some(&ada.token), "ben/own:HEAD/copy.png").await.status, 404);
    assert_eq!(get(&server, None, &at).await.status, 401);
    // Other content at the same path is another picture.
    put(&server, &ada, "ada/leaves:images/oak.png", png(1200, 900, 2)).await;
    let newer = get(&server, Some(&ada.token), "ada/leaves:HEAD/images/oak.png").await;
    assert!(newer.status == 200 && newer.header("etag") != tag);
}

#[tokio::test]
async fn files_without_a_thumbnail_are_errors_that_are_remembered() {
    let (server, ada, _) = world().await;
    let whole = png(600, 400, 1);
    for (name, bytes, status, reason) in [
        ("bomb.png", png_bomb(), 422, "60000 × 60000 pixels"),
        ("half.png", whole[..whole.len() / 2].to_vec(), 422, "damaged"),
        ("text.jpg", b"not an image".to_vec(), 422, "not a PNG, JPEG, GIF or WebP image"),
        ("page.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), 422, "not a PNG"),
        ("empty.png", Vec::new(), 422, "empty"),
        ("huge.png", vec![0; (32 << 20) + 1], 413, "at most 32 MiB"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), 415, "PNG, JPEG, GIF and WebP"),
        ("table.csv", b"a,b\n1,2\n".to_vec(), 415, "PNG, JPEG, GIF and WebP"),
    ] {
        put(&server, &ada, &format!("ada/leaves:{name}"), bytes).await;
        let mut tries = Vec::new();
        for _ in 0..2 {
            let refused = get(&server, Some(&ada.token), &format!("ada/leaves:HEAD/{name}")).await;
            assert_eq!(refused.status, status, "{name}: {}", refused.text());
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(reason), "{name}: {detail}");
            tries.push((detail, made(&server).await));
        }
        assert_eq!(tries[0], tries[1], "{name}: the engine is not asked again");
    }
    for missing in ["HEAD/missing.png", "HEAD/", "no-such-branch/half.png"] {
        assert_eq!(get(&server, Some(&ada.token), &format!("ada/leaves:{missing}")).await.status, 404, "{missing}");
    }
    // A file that was cut is damaged in a way that does not keep others from theirs.
    put(&server, &ada, "ada/leaves:whole.png", whole).await;
    assert_eq!(get(&server, Some(&ada.token), "ada/leaves:HEAD/whole.png").await.status, 200);
}

#[tokio::test]
async fn shares_and_links_have_thumbnails_of_what_they_share() {
    let (server, ada, ben) = world().await;
    let image = png(500, 500, 1);
    for path in ["shared/oak.png", "other/oak.png"] {
        put(&server, &ada, &format!("ada/leaves:{path}"), image.clone()).await;
    }
    server.share(&ada, "ada/leaves", json!({"path": "shared", "with": {"user": "ben"}, "right": "view"})).await;
    let (_, link) = server.create_link(&ada, "ada/leaves", json!({"path": "shared", "right": "view"})).await;
    let link = server.link_token(&link).await;
    for token in [&ben.token, &link] {
        let shared = get(&server, Some(token), "ada/leaves:HEAD/shared/oak.png").await;
        assert_eq!(shared.status, 200, "{}", shared.text());
        // The same content elsewhere in the dataset is as if it did not exist.
        let [other, missing] = ["other/oak.png", "other/none.png"].map(|path| format!("ada/leaves:HEAD/{path}"));
        let (other, missing) = (get(&server, Some(token), &other).await, get(&server, Some(token), &missing).await);
        assert_eq!((other.status, missing.status), (404, 404));
    }
    // A link counts it as a download, like the file itself.
    let once = json!({"path": "shared", "right": "view", "downloads": 1});
    let (_, once) = server.create_link(&ada, "ada/leaves", once).await;
    let once = server.link_token(&once).await;
    assert_eq!(get(&server, Some(&once), "ada/leaves:HEAD/shared/oak.png").await.status, 200);
    put(&server, &ada, "ada/leaves:shared/elm.png", png(500, 500, 2)).await;
    assert_eq!(get(&server, Some(&once), "ada/leaves:HEAD/shared/elm.png").await.status, 404);
}
