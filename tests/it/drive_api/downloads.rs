//! Bytes for browsers: shown without running, saved, packed.

use std::time::Duration;

use rutter_testing::{Reply, noise, story};
use serde_json::{Value, json};

use super::{DriveClient, ada, unzip};

/// The path of the URL that was made for these.
async fn chosen(drive: &DriveClient<'_>, paths: Value) -> String {
    let link = drive.ok("POST", "/downloads", &json!({"paths": paths})).await;
    let url = link["url"].as_str().unwrap();
    url.strip_prefix(&drive.server.url).unwrap().to_owned()
}

story! {
    on(sqlite) async fn stored_files_never_run_as_pages_of_the_site(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let page = "<script>alert(1)</script>";
        for (name, media, inline) in [
            ("a.html", "application/octet-stream", false),
            ("a.xhtml", "application/octet-stream", false),
            ("a.xml", "application/octet-stream", false),
            ("a.js", "application/octet-stream", false),
            ("a.svg", "image/svg+xml", false),
            ("a.pdf", "application/pdf", false),
            ("noextension", "application/octet-stream", false),
            ("a.txt", "text/plain; charset=utf-8", true),
            ("a.png", "image/png", true),
            ("a.mp4", "video/mp4", true),
        ] {
            // As text, which git keeps, and as bytes, which Git LFS does.
            for (folder, bytes) in [("t", page.as_bytes().to_vec()), ("b", [page.as_bytes(), b"\0"].concat())] {
                drive.put(&format!("{folder}/{name}"), bytes.clone()).await;
                let reply = drive.get(&format!("/content/{folder}/{name}")).await;
                assert_eq!((reply.status, &reply.body), (200, &bytes), "{name}");
                assert_eq!(reply.header("content-type"), media, "{name}");
                assert_eq!(reply.header("content-disposition").starts_with("inline"), inline, "{name}");
                assert_eq!(reply.header("x-content-type-options"), "nosniff");
                assert_eq!(reply.header("content-security-policy"), "sandbox; default-src 'none'");
            }
        }
    }
}

story! {
    async fn ranges_of_files_are_sent_from_git_and_from_lfs(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let object = noise(1, 200_000);
        drive.put("object.bin", object.clone()).await;
        drive.put("text.txt", "0123456789").await;
        let part = |path: &'static str, range: &'static str| {
            Reply::of(drive.request("GET", &format!("/content/{path}")).header("range", range))
        };
        let reply = part("object.bin", "bytes=1000-1999").await;
        assert_eq!((reply.status, reply.header("content-range")), (206, "bytes 1000-1999/200000"));
        assert_eq!(reply.body, object[1000..2000]);
        let reply = part("text.txt", "bytes=-3").await;
        assert_eq!((reply.status, reply.text().as_str()), (206, "789"));
        assert_eq!(part("text.txt", "bytes=20-").await.status, 416);
        let tag = drive.get("/content/object.bin").await.header("etag").to_owned();
        let again = drive.request("GET", "/content/object.bin").header("if-none-match", tag);
        assert_eq!(Reply::of(again).await.status, 304);
        let head = Reply::of(drive.request("HEAD", "/content/object.bin")).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "200000", 0));

        let saved = drive.get("/download/text.txt").await;
        assert_eq!((saved.status, saved.text().as_str()), (200, "0123456789"));
        assert!(saved.header("content-disposition").starts_with("attachment"));
        let saved = drive.get("/download/object.bin").await;
        assert_eq!(saved.status, 302);
        let object_again = Reply::of(server.http.get(saved.header("location"))).await;
        assert_eq!(object_again.body, object);
        assert!(object_again.header("content-disposition").contains("object.bin"));
    }
}

story! {
    async fn a_folder_is_streamed_as_a_zip_archive(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        let object = noise(2, 3_000_000);
        drive.put("all/object.bin", object.clone()).await;
        drive.put("all/%C3%BC/a%20b.txt", "text").await;
        drive.put("all/none.txt", "").await;
        drive.ok("POST", "/folders", &json!({"path": "all/empty"})).await;
        drive.put("alone.csv", "a,b\n").await;
        let url = chosen(&drive, json!(["all"])).await;
        let reply = Reply::of(server.http.get(format!("{}{url}", server.url))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), "application/zip");
        assert!(reply.header("content-disposition").starts_with("attachment; filename=\"all.zip\""));
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
        let expected = vec![
            ("all/empty/".to_owned(), Vec::new()),
            ("all/none.txt".to_owned(), Vec::new()),
            ("all/object.bin".to_owned(), object.clone()),
            ("all/ü/a b.txt".to_owned(), b"text".to_vec()),
        ];
        assert_eq!(unzip(&reply.body), expected);
        let head = Reply::of(server.http.head(format!("{}{url}", server.url))).await;
        assert_eq!((head.status, head.header("content-length")), (200, reply.header("content-length")));

        // Paths omit the common folder; a single file is not packed.
        let url = chosen(&drive, json!(["all/%C3%BC", "all/none.txt"].map(|path| path.replace("%C3%BC", "ü")))).await;
        let reply = Reply::of(server.http.get(format!("{}{url}", server.url))).await;
        let names: Vec<String> = unzip(&reply.body).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ü/a b.txt", "none.txt"]);
        let url = chosen(&drive, json!(["alone.csv"])).await;
        let reply = Reply::of(server.http.get(format!("{}{url}", server.url))).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "a,b\n"));
        assert!(reply.header("content-disposition").starts_with("attachment"));
        let object_url = chosen(&drive, json!(["all/object.bin"])).await;
        let reply = Reply::of(server.http.get(format!("{}{object_url}", server.url))).await;
        assert_eq!(Reply::of(server.http.get(reply.header("location"))).await.body, object);

        // For ten minutes the URL serves exactly the revision at its creation.
        drive.put("alone.csv", "changed").await;
        let reply = Reply::of(server.http.get(format!("{}{url}", server.url))).await;
        assert_eq!(reply.text(), "a,b\n");
        let forged = format!("{}{}B", server.url, &url[..url.len() - 1]);
        let forged = if forged.ends_with(&url) { format!("{}{}C", server.url, &url[..url.len() - 1]) } else { forged };
        assert_eq!(Reply::of(server.http.get(forged)).await.status, 403);
        server.clock.advance(Duration::from_secs(601));
        assert_eq!(Reply::of(server.http.get(format!("{}{url}", server.url))).await.status, 403);

        for (paths, status) in [(json!([]), 422), (json!(["nothing"]), 404), (json!(["", "all"]), 422)] {
            let reply = drive.send("POST", "/downloads", &json!({"paths": paths})).await;
            assert_eq!(reply.status, status, "{paths}: {}", reply.text());
        }
    }
}

story! {
    on(sqlite) async fn a_dataset_is_downloaded_as_a_zip_archive(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        assert_eq!(drive.send("POST", "/downloads", &json!({"paths": [""]})).await.status, 404, "there is no revision yet");
        let object = noise(3, 2_000);
        drive.put("deep/in/object.bin", object.clone()).await;
        let first = drive.put("README.md", "# Birds").await.json()["revision"].as_str().unwrap().to_owned();
        drive.put("README.md", "# Owls").await;
        let packed = async |body: Value| {
            let link = drive.ok("POST", "/downloads", &body).await;
            Reply::of(server.http.get(link["url"].as_str().unwrap())).await
        };
        let reply = packed(json!({"paths": [""]})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.header("content-disposition").starts_with("attachment; filename=\"data.zip\""));
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
        let all = |readme: &str| {
            vec![("README.md".to_owned(), readme.into()), ("deep/in/object.bin".to_owned(), object.clone())]
        };
        assert_eq!(unzip(&reply.body), all("# Owls"), "without what is for tools");
        assert_eq!(unzip(&packed(json!({"paths": [""], "revision": first})).await.body), all("# Birds"));

        // Only callers that may read it, signed in or not.
        let anonymous = DriveClient { server: &server, token: None, url: drive.url.clone() };
        let body = json!({"paths": [""]});
        assert_eq!(anonymous.send("POST", "/downloads", &body).await.status, 401);
        let public = server.request("PATCH", "/api/v1/datasets/ada/data/visibility", Some(&ada.token));
        assert_eq!(Reply::of(public.json(&json!({"visibility": "public"}))).await.status, 200);
        assert_eq!(anonymous.send("POST", "/downloads", &body).await.status, 200);
    }
}
