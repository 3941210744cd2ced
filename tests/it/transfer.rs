//! Moving bytes by signed URLs: upload, download, verify.

use std::time::Duration;

use async_compression::tokio::bufread::ZstdDecoder;
use lfs::Oid;
use rutter::access::Actor;
use rutter::types::Visibility;
use rutter_testing::{LFS_JSON, Person, RawConnection, Reply, Server, noise, story};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

async fn ada(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    ada
}

async fn get(server: &Server, href: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = server.http.get(href);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::of(request).await
}

async fn put(server: &Server, href: &str, bytes: &[u8]) -> u16 {
    Reply::of(server.http.put(href).body(bytes.to_vec())).await.status
}

async fn held(server: &Server, person: &Person, bytes: &[u8]) -> bool {
    let body = json!({"operation": "download", "objects": [{"oid": Oid::of(bytes), "size": bytes.len()}]});
    let (_, reply) = server.batch(Some(&person.token), "ada/data", &body).await;
    reply["objects"][0]["error"].is_null()
}

/// All temporary files of the object store.
fn temporary_files(server: &Server) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![server.app.config.data.join("store").join("objects")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "part") {
                found.push(path);
            }
        }
    }
    found
}

story! {
    on(sqlite) async fn uploaded_bytes_are_downloaded_unchanged(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(1, 1_000_003);
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let sent = Reply::of(server.http.put(&upload).body(bytes.clone())).await;
        assert_eq!((sent.status, sent.body.len()), (200, 0));
        let proof = json!({"oid": Oid::of(&bytes), "size": bytes.len()});
        let verified = Reply::of(server.http.post(&verify).body(proof.to_string())).await;
        assert_eq!((verified.status, verified.header("content-type")), (200, LFS_JSON));

        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let got = get(&server, &href, &[]).await;
        assert_eq!(got.status, 200);
        assert!(got.body == bytes);
        assert_eq!(got.header("content-length"), "1000003");
        assert_eq!(got.header("etag"), format!("\"{}\"", Oid::of(&bytes)));
        assert_eq!(got.header("accept-ranges"), "bytes");
        assert_eq!(got.header("cache-control"), "private, max-age=31536000, immutable");
        assert_eq!(got.header("content-type"), "application/octet-stream");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(got.header("content-security-policy"), "sandbox; default-src 'none'");
        assert_eq!(got.header("content-disposition"), "");
    }
}

story! {
    on(sqlite) async fn head_has_all_headers_without_the_bytes(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(2, 5000);
        server.upload(&ada.token, "ada/data", &bytes).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let whole = get(&server, &href, &[]).await;
        // A range means something to GET only (RFC 9110 §14.2).
        for range in [None, Some("bytes=0-9"), Some("bytes=9999-")] {
            let request = server.http.head(&href);
            let request = range.into_iter().fold(request, |request, range| request.header("range", range));
            let head = Reply::of(request).await;
            assert_eq!(head.status, 200, "{range:?}");
            assert!(head.body.is_empty());
            for name in ["content-length", "etag", "accept-ranges", "cache-control", "content-type"] {
                assert_eq!(head.header(name), whole.header(name), "{name}");
            }
        }
        let known = server.http.head(&href).header("if-none-match", whole.header("etag"));
        assert_eq!(Reply::of(known).await.status, 304);
    }
}

story! {
    on(sqlite) async fn a_range_can_be_requested(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(3, 1000);
        server.upload(&ada.token, "ada/data", &bytes).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let etag = format!("\"{}\"", Oid::of(&bytes));
        for (range, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-999", 0..1000),
            ("bytes=100-199", 100..200),
            ("bytes=500-", 500..1000),
            ("bytes=990-99999", 990..1000),
            ("bytes=-10", 990..1000),
            ("bytes=-5000", 0..1000),
            ("Bytes=7-7", 7..8),
        ] {
            let part = get(&server, &href, &[("range", range)]).await;
            assert_eq!(part.status, 206, "{range}");
            assert_eq!(part.body, bytes[expected.clone()], "{range}");
            let content_range = format!("bytes {}-{}/1000", expected.start, expected.end - 1);
            assert_eq!(part.header("content-range"), content_range, "{range}");
            assert_eq!(part.header("content-length"), expected.len().to_string(), "{range}");
            assert_eq!(part.header("etag"), etag, "{range}");
        }
        for range in ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=99999999999999999999999-"] {
            let none = get(&server, &href, &[("range", range)]).await;
            assert_eq!((none.status, none.header("content-range")), (416, "bytes */1000"), "{range}");
            assert!(none.body.is_empty());
        }
        // Other Range headers are ignored.
        for range in ["bytes=0-1,5-6", "bytes=9-1", "bytes=a-b", "bytes=", "lines=1-2", "bytes", ""] {
            let whole = get(&server, &href, &[("range", range)]).await;
            assert_eq!((whole.status, whole.body.len()), (200, 1000), "{range}");
        }
    }
}

story! {
    on(sqlite) async fn a_client_that_has_the_object_gets_304(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(4, 1000);
        let oid = server.upload(&ada.token, "ada/data", &bytes).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let other = Oid::of(b"other");
        for tags in [format!("\"{oid}\""), format!("W/\"{oid}\""), format!("\"{other}\", \"{oid}\""), "*".to_owned()] {
            let known = get(&server, &href, &[("if-none-match", &tags)]).await;
            assert_eq!((known.status, known.body.len()), (304, 0), "{tags}");
            assert_eq!(known.header("etag"), format!("\"{oid}\""));
            // It comes before the range.
            let known = get(&server, &href, &[("if-none-match", &tags), ("range", "bytes=0-1")]).await;
            assert_eq!(known.status, 304, "{tags}");
        }
        let news = get(&server, &href, &[("if-none-match", &format!("\"{other}\""))]).await;
        assert_eq!((news.status, news.body.len()), (200, 1000));
    }
}

story! {
    on(sqlite) async fn if_range_resumes_only_the_same_object(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(5, 1000);
        let oid = server.upload(&ada.token, "ada/data", &bytes).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let range = ("range", "bytes=10-");
        let same = get(&server, &href, &[range, ("if-range", &format!("\"{oid}\""))]).await;
        assert_eq!((same.status, same.body.len()), (206, 990));
        for tag in [format!("\"{}\"", Oid::of(b"other")), format!("W/\"{oid}\""), oid, "Sat, 21 Nov 2026 00:00:00 GMT".into()] {
            let whole = get(&server, &href, &[range, ("if-range", &tag)]).await;
            assert_eq!((whole.status, whole.body.len()), (200, 1000), "{tag}");
        }
    }
}

story! {
    on(sqlite) async fn a_download_has_the_requested_name(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(6, 100);
        let oid = server.upload(&ada.token, "ada/data", &bytes).await;
        let wishes = [
            json!({"x-filename": "Air quality 2026.csv"}),
            json!({"x-filename": "données/2026 \"été\".csv"}),
            json!({"x-filename": "a.png", "x-disposition": "inline"}),
            json!({"x-filename": "a.csv", "x-disposition": "attachment"}),
            json!({"x-disposition": "inline"}),
            json!({"extra": {"filename": "from-extra.csv", "disposition": "inline"}}),
            json!({"x-filename": "../../etc/passwd"}),
            json!({"x-filename": "a\r\nSet-Cookie: x=y"}),
            json!({"x-filename": "100%25 & more=#1?.csv"}),
            json!({"x-filename": 17, "x-disposition": "sideways"}),
        ];
        let mut answer = String::new();
        for wish in wishes {
            let mut object = wish.clone();
            object["oid"] = json!(oid);
            object["size"] = json!(bytes.len());
            let href = server.download_url_of(&ada.token, "ada/data", &object).await;
            let got = get(&server, &href, &[]).await;
            assert!(got.status == 200 && got.body == bytes, "{wish}");
            assert_eq!(got.header("set-cookie"), "");
            assert_eq!(got.header("content-type"), "application/octet-stream");
            let header = Some(got.header("content-disposition")).filter(|header| !header.is_empty());
            answer.push_str(&format!("{wish}\n    {}\n", header.unwrap_or("(no header)")));
            // Also for a part of it.
            let part = get(&server, &href, &[("range", "bytes=0-1")]).await;
            assert_eq!(part.header("content-disposition"), got.header("content-disposition"));
        }
        insta::assert_snapshot!("dispositions", answer);
    }
}

story! {
    on(sqlite) async fn a_signed_url_works_only_for_its_object_and_action(server: Server) {
        let ada = ada(&server).await;
        let (here, fresh) = (noise(7, 64), noise(8, 64));
        let oid = server.upload(&ada.token, "ada/data", &here).await;
        let download = server.download_url(&ada.token, "ada/data", &here).await;
        let named = json!({"oid": oid, "size": here.len(), "x-filename": "a.csv"});
        let named = server.download_url_of(&ada.token, "ada/data", &named).await;
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &fresh).await;

        let mut foreign = Vec::new();
        for (method, urls) in
            [("GET", [&upload, &verify]), ("PUT", [&download, &verify]), ("POST", [&download, &upload])]
        {
            foreign.extend(urls.map(|url| (method, url.clone())));
        }
        foreign.push(("GET", format!("{download}?filename=evil.html")));
        foreign.push(("GET", format!("{download}?")));
        foreign.push(("GET", named.replace("a.csv", "b.csv")));
        foreign.push(("GET", format!("{named}&disposition=inline")));
        foreign.push(("GET", named.split_once('?').unwrap().0.to_owned()));
        foreign.push(("GET", format!("{download}A")));
        foreign.push(("GET", download[..download.len() - 1].to_owned()));
        foreign.push(("GET", format!("{}/_lfs/{}", server.url, "A".repeat(100))));
        foreign.push(("GET", format!("{}/_lfs/..%2f..%2fsecret", server.url)));
        let begin = download.len() - 100;
        for at in (0..100).step_by(7) {
            let mut bytes = download.clone().into_bytes();
            bytes[begin + at] = if bytes[begin + at] == b'A' { b'B' } else { b'A' };
            foreign.push(("GET", String::from_utf8(bytes).unwrap()));
        }
        for (method, url) in foreign {
            let request = server.http.request(method.parse().unwrap(), &url).body(fresh.clone());
            let reply = Reply::of(request).await;
            // `?` with nothing behind it is the same URL.
            let expected = if url.ends_with('?') { 200 } else { 403 };
            assert_eq!(reply.status, expected, "{method} {url}");
            if expected == 403 {
                assert_eq!(reply.header("content-type"), LFS_JSON);
                assert!(reply.json()["message"].as_str().unwrap().contains("request a new one"), "{}", reply.text());
            }
        }
        // Other bytes are refused too, and the right ones still accepted.
        assert_eq!(put(&server, &upload, &here).await, 422);
        assert_eq!(put(&server, &upload, &fresh).await, 200);
        // Another object than the URL's cannot be verified with it.
        let proof = json!({"oid": oid, "size": here.len()});
        assert_eq!(Reply::of(server.http.post(&verify).body(proof.to_string())).await.status, 422);
        // Nor is it accepted by the API.
        let token = upload.rsplit('/').next().unwrap();
        assert_eq!(server.batch(Some(token), "ada/data", &json!({})).await.0, 401);
    }
}

story! {
    on(sqlite) async fn a_signed_url_expires(server: Server) {
        let ada = ada(&server).await;
        let (here, fresh) = (noise(9, 10), noise(10, 10));
        let oid = server.upload(&ada.token, "ada/data", &here).await;
        let body = json!({"operation": "download", "objects": [{"oid": oid, "size": here.len()}]});
        let (_, reply) = server.batch(Some(&ada.token), "ada/data", &body).await;
        let action = &reply["objects"][0]["actions"]["download"];
        assert_eq!(reply["objects"][0]["authenticated"], true, "so that no credentials are sent along");
        let expires_in = action["expires_in"].as_u64().unwrap();
        assert_eq!(expires_in, u64::from(server.app.config.ttl.action));
        let download = action["href"].as_str().unwrap();
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &fresh).await;
        let proof = json!({"oid": oid, "size": here.len()}).to_string();

        // Room for a slow machine.
        server.clock.advance(Duration::from_secs(expires_in - 120));
        assert_eq!(get(&server, download, &[]).await.status, 200);
        server.clock.advance(Duration::from_secs(121));
        let late = get(&server, download, &[]).await;
        assert_eq!((late.status, late.header("content-type")), (403, LFS_JSON));
        assert_eq!(late.json()["message"], "this URL has expired; request a new one from the batch API");
        assert_eq!(put(&server, &upload, &fresh).await, 403);
        assert_eq!(Reply::of(server.http.post(&verify).body(proof)).await.status, 403);
        assert!(!held(&server, &ada, &fresh).await);
    }
}

story! {
    async fn an_upload_started_before_expiry_may_finish_later(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(11, 1000);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &["Content-Length: 1000", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100);
        wire.send(&bytes[..500]).await;
        server.clock.advance(Duration::from_hours(24));
        wire.send(&bytes[500..]).await;
        assert_eq!(wire.reply().await.0, 200);
        assert!(held(&server, &ada, &bytes).await);
    }
}

story! {
    on(sqlite) async fn wrong_bytes_are_refused_and_leave_nothing(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(12, 300_000);
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let mut flipped = bytes.clone();
        flipped[299_999] ^= 1;
        let longer = [&bytes[..], b"x"].concat();
        for wrong in [&flipped[..], &bytes[..299_999], &longer, b""] {
            let reply = Reply::of(server.http.put(&upload).body(wrong.to_vec())).await;
            assert_eq!((reply.status, reply.header("content-type")), (422, LFS_JSON), "{} bytes", wrong.len());
            assert!(!reply.json()["message"].as_str().unwrap().is_empty());
        }
        assert!(!held(&server, &ada, &bytes).await);
        assert!(!server.stored(&Oid::of(&bytes).to_string()).exists());
        assert_eq!(temporary_files(&server), Vec::<std::path::PathBuf>::new());
        let proof = json!({"oid": Oid::of(&bytes), "size": bytes.len()}).to_string();
        assert_eq!(Reply::of(server.http.post(&verify).body(proof)).await.status, 404);
        // The URL still works.
        assert_eq!(put(&server, &upload, &bytes).await, 200);
    }
}

story! {
    on(sqlite) async fn a_wrong_upload_is_refused_before_its_bytes_are_sent(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(13, 1000);
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let forged = format!("{}AAAA", &upload[..upload.len() - 4]);
        let size = "Content-Length: 1000";
        for (url, length, expected) in [
            (&forged, size, 403),
            (&verify, size, 403),
            (&upload, "Content-Length: 5000000000", 422),
            (&upload, "Content-Length: 999", 422),
        ] {
            let mut wire = RawConnection::open(&server).await;
            wire.request("PUT", url, &[length, "Expect: 100-continue"]).await;
            let (status, head, body) = wire.reply().await;
            assert_eq!(status, expected, "{head}");
            assert!(head.contains(LFS_JSON) && !body.is_empty(), "{head}");
        }
        // Without the header too: the answer does not wait for what would be thrown away.
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &["Content-Length: 5000000000"]).await;
        assert_eq!(wire.reply().await.0, 422);

        server.clock.advance(Duration::from_hours(2));
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &[size, "Expect: 100-continue"]).await;
        assert_eq!(wire.reply().await.0, 403, "expired");

        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let (operator, path) = (Actor::operator(), "ada/data".parse().unwrap());
        let grant = server.app.access.authorize(&operator, &path).await.unwrap();
        server.app.datasets.delete(&grant).await.unwrap();
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &[size, "Expect: 100-continue"]).await;
        assert_eq!(wire.reply().await.0, 404, "the dataset is gone");
    }
}

story! {
    on(sqlite) async fn a_chunked_upload_needs_no_content_length(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(14, 5000);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let mut wire = RawConnection::open(&server).await;
        let headers = ["Transfer-Encoding: chunked", "Expect: 100-continue"];
        wire.request("PUT", &upload, &headers).await;
        assert_eq!(wire.head().await.0, 100);
        for chunk in bytes.chunks(999) {
            wire.send(format!("{:x}\r\n", chunk.len())).await;
            wire.send(chunk).await;
            wire.send("\r\n").await;
        }
        wire.send("0\r\n\r\n").await;
        assert_eq!(wire.reply().await.0, 200);
        assert!(held(&server, &ada, &bytes).await);
    }
}

story! {
    on(sqlite) async fn a_chunked_upload_over_its_size_is_aborted(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(15, 100);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &["Transfer-Encoding: chunked"]).await;
        wire.send("65\r\n").await;
        wire.send(noise(15, 101)).await;
        // The body goes on; the answer does not wait for its end.
        wire.send("\r\n").await;
        assert_eq!(wire.reply().await.0, 422);
        assert!(!held(&server, &ada, &bytes).await);
    }
}

story! {
    async fn two_concurrent_uploads_of_one_object_both_succeed(server: Server) {
        let ada = ada(&server).await;
        server.dataset("ada/second", Visibility::Private).await;
        let bytes = noise(16, 400_000);
        let mut wires = Vec::new();
        for path in ["ada/data", "ada/data", "ada/second"] {
            let (upload, _) = server.upload_urls(&ada.token, path, &bytes).await;
            let mut wire = RawConnection::open(&server).await;
            wire.request("PUT", &upload, &["Content-Length: 400000", "Expect: 100-continue"]).await;
            assert_eq!(wire.head().await.0, 100);
            wire.send(&bytes[..300_000]).await;
            wires.push(wire);
        }
        for wire in &mut wires {
            wire.send(&bytes[300_000..]).await;
            assert_eq!(wire.reply().await.0, 200);
        }
        for path in ["ada/data", "ada/second"] {
            let href = server.download_url(&ada.token, path, &bytes).await;
            assert!(get(&server, &href, &[]).await.body == bytes);
        }
        assert_eq!(temporary_files(&server), Vec::<std::path::PathBuf>::new());
    }
}

story! {
    async fn an_existing_object_is_replaced_only_by_identical_bytes(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(17, 1000);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        assert_eq!(put(&server, &upload, &bytes).await, 200);
        let file = server.stored(&Oid::of(&bytes).to_string());
        assert_eq!(put(&server, &upload, &bytes).await, 200, "the same once more");
        assert_eq!(put(&server, &upload, &noise(18, 1000)).await, 422, "other bytes, though it is there");
        assert!(std::fs::read(&file).unwrap() == bytes);
        // Unnoticed damage ends with the next upload.
        std::fs::write(&file, noise(18, 1000)).unwrap();
        assert_eq!(put(&server, &upload, &bytes).await, 200);
        assert!(std::fs::read(&file).unwrap() == bytes);
    }
}

story! {
    on(sqlite) async fn an_unavailable_store_loses_nothing(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(20, 1000);
        server.upload(&ada.token, "ada/data", &bytes).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &noise(21, 1000)).await;
        let (store, aside) = (server.app.config.data.join("store").join("objects"), server.app.config.data.join("aside"));
        std::fs::rename(&store, &aside).unwrap();
        // As a disk that is not mounted looks.
        std::fs::create_dir(&store).unwrap();
        let reply = Reply::of(server.http.get(&href)).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "2"), "{}", reply.text());
        assert_eq!(put(&server, &upload, &noise(21, 1000)).await, 503);
        assert_eq!(server.app.storage.check(true).await.unwrap_err().kind(), rutter::error::Kind::Unavailable);
        // A server that starts now says what is wrong.
        let refused = rutter::app::App::open(server.app.config.clone()).await.err().unwrap();
        assert!(refused.to_string().contains("mount the disk"), "{refused}");
        std::fs::remove_dir(&store).unwrap();
        std::fs::rename(&aside, &store).unwrap();
        assert!(get(&server, &href, &[]).await.body == bytes);
        assert_eq!(server.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }
}

story! {
    async fn a_quarantined_object_that_is_intact_is_used_again(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(22, 1000);
        let oid = server.upload(&ada.token, "ada/data", &bytes).await;
        let href = server.download_url(&ada.token, "ada/data", &bytes).await;
        let (file, aside) = (server.stored(&oid), server.app.config.data.join("aside"));
        std::fs::rename(&file, &aside).unwrap();
        assert_eq!(get(&server, &href, &[]).await.status, 404, "it is taken out of use");
        std::fs::rename(&aside, &file).unwrap();
        assert_eq!(get(&server, &href, &[]).await.status, 404);
        assert_eq!(server.app.storage.check(false).await.unwrap(), Vec::<String>::new());
        assert!(get(&server, &href, &[]).await.body == bytes);
    }
}

story! {
    async fn an_aborted_upload_leaves_no_files(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(19, 1_000_000);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &["Content-Length: 1000000", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100);
        wire.send(&bytes[..700_000]).await;
        rutter_testing::eventually("a part of the upload is on the disk", async || !temporary_files(&server).is_empty()).await;
        drop(wire);
        rutter_testing::eventually("it is removed", async || temporary_files(&server).is_empty()).await;
        assert!(!held(&server, &ada, &bytes).await);
    }
}

story! {
    on(sqlite) async fn a_stalled_upload_is_aborted(engine: Engine) {
        let server = Server::start_with(engine, |config| config.limits.idle_timeout = 1).await;
        let ada = ada(&server).await;
        let bytes = noise(20, 1000);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &upload, &["Content-Length: 1000"]).await;
        wire.send(&bytes[..500]).await;
        let (status, _, body) = wire.reply().await;
        assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
        assert_eq!(temporary_files(&server), Vec::<std::path::PathBuf>::new());
    }
}

story! {
    on(sqlite) async fn verify_reports_what_is_wrong(server: Server) {
        let ada = ada(&server).await;
        let bytes = noise(21, 100);
        let oid = Oid::of(&bytes);
        let (upload, verify) = server.upload_urls(&ada.token, "ada/data", &bytes).await;
        let ask = async |body: String| {
            let reply = Reply::of(server.http.post(&verify).header("content-type", LFS_JSON).body(body)).await;
            assert_eq!(reply.header("content-type"), LFS_JSON);
            reply.status
        };
        let right = json!({"oid": oid, "size": 100}).to_string();
        assert_eq!(ask(right.clone()).await, 404, "it has not come yet");
        assert_eq!(put(&server, &upload, &bytes).await, 200);
        assert_eq!(ask(right.clone()).await, 200);
        assert_eq!(ask(json!({"oid": oid, "size": 99}).to_string()).await, 422);
        assert_eq!(ask(json!({"oid": Oid::of(b"other"), "size": 100}).to_string()).await, 422);
        assert_eq!(ask(json!({"oid": "x", "size": 100}).to_string()).await, 422);
        assert_eq!(ask(json!({"oid": oid}).to_string()).await, 422);
        assert_eq!(ask("{".to_owned()).await, 400);
        // Some clients send their own credentials, valid or not: the URL is enough.
        let request = server.http.post(&verify).bearer_auth("rut_wrong").body(right);
        assert_eq!(Reply::of(request).await.status, 200);
    }
}

story! {
    on(sqlite) async fn too_many_concurrent_transfers_are_asked_to_wait(engine: Engine) {
        let server = Server::start_with(engine, |config| config.limits.transfers = 1).await;
        let ada = ada(&server).await;
        let (here, slow, fresh) = (noise(22, 1000), noise(23, 1000), noise(24, 1000));
        server.upload(&ada.token, "ada/data", &here).await;
        let download = server.download_url(&ada.token, "ada/data", &here).await;
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", &fresh).await;
        let (stalled, _) = server.upload_urls(&ada.token, "ada/data", &slow).await;

        let mut wire = RawConnection::open(&server).await;
        wire.request("PUT", &stalled, &["Content-Length: 1000", "Expect: 100-continue"]).await;
        assert_eq!(wire.head().await.0, 100, "it has its place now");
        for request in [server.http.get(&download), server.http.put(&upload).body(fresh.clone())] {
            let busy = Reply::of(request).await;
            assert_eq!((busy.status, busy.header("retry-after")), (429, "2"));
            insta::assert_snapshot!("busy", busy.shape());
        }
        let mut second = RawConnection::open(&server).await;
        second.request("PUT", &upload, &["Content-Length: 1000", "Expect: 100-continue"]).await;
        assert_eq!(second.reply().await.0, 429, "before the bytes are sent");

        wire.send(&slow).await;
        assert_eq!(wire.reply().await.0, 200);
        assert_eq!(get(&server, &download, &[]).await.status, 200);
        assert_eq!(put(&server, &upload, &fresh).await, 200);
    }
}

story! {
    async fn a_lost_object_is_requested_again(server: Server) {
        let ada = ada(&server).await;
        let (gone, cut) = (noise(25, 1000), noise(26, 1000));
        for (bytes, damage) in [(&gone, None), (&cut, Some(10))] {
            let oid = server.upload(&ada.token, "ada/data", bytes).await;
            let href = server.download_url(&ada.token, "ada/data", bytes).await;
            match damage {
                None => std::fs::remove_file(server.stored(&oid)).unwrap(),
                Some(length) => std::fs::write(server.stored(&oid), &bytes[..length]).unwrap(),
            }
            let lost = get(&server, &href, &[]).await;
            assert_eq!((lost.status, lost.header("content-type")), (404, LFS_JSON));
            assert!(lost.json()["message"].as_str().unwrap().contains("git lfs push --all"));
            // Clients never send again what the server claims to have.
            assert!(!held(&server, &ada, bytes).await);
            server.upload(&ada.token, "ada/data", bytes).await;
            let href = server.download_url(&ada.token, "ada/data", bytes).await;
            assert!(get(&server, &href, &[]).await.body == **bytes);
        }
    }
}

story! {
    async fn downloads_are_compressed_for_clients_that_ask(server: Server) {
        let ada = ada(&server).await;
        let table: Vec<u8> = (0..60_000).flat_map(|row| format!("{row},{},a name\n", row * 7).into_bytes()).collect();
        let random = noise(5, table.len());
        let small = vec![b'a'; 1000];
        let zstd = [("Accept-Encoding", "gzip, zstd")];
        for (content, expected) in [(&table, true), (&random, false), (&small, false)] {
            server.upload(&ada.token, "ada/data", content).await;
            let url = server.download_url(&ada.token, "ada/data", content).await;
            let reply = get(&server, &url, &zstd).await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("vary"), "accept-encoding");
            assert_eq!(reply.headers.contains_key("content-encoding"), expected, "{} bytes", content.len());
            if expected {
                assert!(reply.body.len() * 3 < content.len(), "{} of {}", reply.body.len(), content.len());
                let mut decoder = ZstdDecoder::new(&reply.body[..]);
                let mut decoded = Vec::new();
                decoder.read_to_end(&mut decoded).await.unwrap();
                assert!(decoded == *content);
            } else {
                assert!(reply.body == *content);
            }
            // A range is of the object, and nothing is compressed unasked.
            let part = get(&server, &url, &[zstd[0], ("Range", "bytes=10-99")]).await;
            assert_eq!((part.status, &part.body[..]), (206, &content[10..100]));
            let plain = get(&server, &url, &[("Accept-Encoding", "gzip")]).await;
            assert!(plain.body == *content && !plain.headers.contains_key("content-encoding"));
        }
    }
}
