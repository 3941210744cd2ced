//! Batches: however many files and folders are changed, it is one revision.

use std::collections::BTreeSet;
use std::time::Instant;

use rutter::types::Visibility;
use rutter_testing::{Person, Reply, Server, story};
use serde_json::{Value, json};

use super::{DriveClient, ada, unzip};

const FILES: usize = 10_000;

/// Names of the files of a folder, in the order of a listing.
fn paths(folder: &str) -> Vec<String> {
    (0..FILES).map(|number| format!("{folder}/{number:05}.csv")).collect()
}

/// Creates files in a folder.
async fn seed(server: &Server, ada: &Person, folder: &str) {
    let put = |path: &String| json!({"operation": "put", "path": path, "content": format!("{path}\n")});
    let operations: Vec<Value> = paths(folder).iter().map(put).collect();
    server.commit(ada, "ada/data", &operations).await;
}

async fn revisions(drive: &DriveClient<'_>) -> usize {
    let url = drive.url.replace("/drive/", "/datasets/");
    let request = drive.server.request("GET", &format!("{url}/revisions?limit=1000"), drive.token.as_deref());
    Reply::of(request).await.json()["items"].as_array().unwrap().len()
}

/// The names in a folder, all pages of it.
async fn names(drive: &DriveClient<'_>, path: &str) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = drive.get(&format!("/list?path={path}&limit=1000{cursor}")).await.json();
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { return names };
        cursor = format!("&cursor={next}");
    }
}

fn moves(from: &[String], to: &[String]) -> Vec<Value> {
    from.iter().zip(to).map(|(from, to)| json!({"from": from, "to": to})).collect()
}

story! {
    async fn ten_thousand_files_are_moved_copied_deleted_and_restored_as_one_revision_each(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        seed(&server, &ada, "in").await;
        let ben = server.person("ben").await;
        server.share(&ada, "ada/data", json!({"path": "in/01234.csv", "with": {"user": "ben"}, "right": "view"})).await;
        let (inside, moved, copied) = (paths("in"), paths("moved"), paths("copied"));
        let begun = Instant::now();
        let mut took = Vec::new();
        let mut lap = |what: &str| took.push(format!("{what} {:?}", begun.elapsed()));

        drive.ok("POST", "/move", &json!({"items": moves(&inside, &moved)})).await;
        lap("move");
        assert_eq!(revisions(&drive).await, 2);
        assert_eq!(names(&drive, "moved").await, moved);
        assert_eq!(names(&drive, "in").await, Vec::<String>::new(), "the folder is kept");
        // The share moved along; the others had none.
        let shared = DriveClient::new(&server, &ben, "ada/data");
        assert_eq!(shared.get("/content/moved/01234.csv").await.text(), "in/01234.csv\n");
        assert_eq!(shared.get("/content/moved/01235.csv").await.status, 404);

        drive.ok("POST", "/copy", &json!({"items": moves(&moved, &copied)})).await;
        lap("copy");
        assert_eq!((revisions(&drive).await, names(&drive, "copied").await), (3, copied.clone()));

        drive.ok("POST", "/delete", &json!({"paths": moved})).await;
        lap("delete");
        assert_eq!((revisions(&drive).await, names(&drive, "moved").await), (4, Vec::new()));
        assert_eq!(shared.get("/content/moved/01234.csv").await.status, 404, "the share ended");
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = drive.get(&format!("/trash?limit=1000{cursor}")).await.json();
            ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(ids.len(), FILES);
        // All or nothing: an item that is not there, and names that are taken.
        let with_unknown: Vec<&str> = ids.iter().map(String::as_str).chain(["unknown"]).collect();
        assert_eq!(drive.send("POST", "/trash/restore", &json!({"ids": with_unknown})).await.status, 404);
        drive.put("moved/00007.csv", "another\n").await;
        let restored = drive.ok("POST", "/trash/restore", &json!({"ids": ids})).await;
        lap("restore");
        assert_eq!(restored["restored"].as_array().unwrap().len(), FILES);
        assert_eq!(revisions(&drive).await, 6);
        let mut expected: BTreeSet<String> = moved.iter().cloned().collect();
        expected.insert("moved/00007 (restored).csv".to_owned());
        assert_eq!(names(&drive, "moved").await.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(drive.get("/trash").await.json()["items"], json!([]));

        // A selection of them is one archive, by a URL that proxies accept.
        let half: Vec<&String> = moved.iter().step_by(2).collect();
        let link = drive.ok("POST", "/downloads", &json!({"paths": half})).await;
        let url = link["url"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
        assert!(url.len() < 7500, "{}", url.len());
        let archive = Reply::of(server.request("GET", &url, None)).await;
        lap("download");
        assert_eq!(archive.status, 200, "{}", archive.text());
        assert!(archive.header("content-disposition").contains("moved.zip"), "{}", archive.header("content-disposition"));
        let members = unzip(&archive.body);
        assert_eq!(members.len(), FILES / 2);
        assert_eq!(members[1], ("00002.csv".to_owned(), b"in/00002.csv\n".to_vec()));
        eprintln!("{FILES} files: {}", took.join(", "));
    }
}

story! {
    async fn many_files_are_copied_from_another_dataset_and_from_a_revision_at_once(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        seed(&server, &ada, "in").await;
        server.dataset("ada/other", Visibility::Private).await;
        let other = DriveClient::new(&server, &ada, "ada/other");
        let (inside, copies) = (paths("in"), paths("copies"));
        other.ok("POST", "/copy", &json!({"dataset": "ada/data", "items": moves(&inside, &copies)})).await;
        assert_eq!((revisions(&other).await, names(&other, "copies").await), (1, copies));

        let before = server.get(&ada, "/api/v1/datasets/ada/data/revisions").await["items"][0]["revision"].clone();
        drive.ok("POST", "/delete", &json!({"paths": ["in"]})).await;
        let copy = |path: &String| json!({"operation": "copy", "from": path, "to": path, "revision": before});
        let operations: Vec<Value> = inside.iter().map(copy).collect();
        server.commit(&ada, "ada/data", &operations).await;
        assert_eq!((revisions(&drive).await, names(&drive, "in").await), (3, inside));

        // The error names the operation.
        let mut operations = operations[..3].to_vec();
        operations[0]["to"] = json!("a");
        operations[1] = json!({"operation": "delete", "path": "in/00001.csv"});
        operations[2]["from"] = json!("in/nothing");
        let body = json!({"message": "m", "operations": operations});
        let (status, reply) = server.json(Some(&ada.token), "POST", "/api/v1/datasets/ada/data/commits", body).await;
        assert_eq!(status, 422);
        assert!(reply["detail"].as_str().unwrap().starts_with("operations[2]: "), "{reply}");
    }
}

story! {
    on(sqlite) async fn batches_are_bounded_in_items_and_bytes(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        drive.put("a", "1").await;
        let mallory = server.person("mallory").await;
        let theirs = DriveClient::new(&server, &mallory, "ada/data");
        let many: Vec<String> = (0..50_001).map(|number| number.to_string()).collect();
        let items: Vec<Value> = many.iter().map(|path| json!({"from": path, "to": path})).collect();
        for (url, field, list) in [("/delete", "paths", json!(many)), ("/downloads", "paths", json!(many)), ("/trash/restore", "ids", json!(many)),
            ("/move", "items", json!(items)), ("/copy", "items", json!(items))] {
            let reply = drive.send("POST", url, &json!({field: list})).await;
            assert_eq!((reply.status, &reply.json()["code"]), (413, &json!("too-large")), "{url}: {}", reply.text());
            assert!(reply.text().contains("at most 50000 items"), "{url}: {}", reply.text());
            let reply = drive.send("POST", url, &json!({field: []})).await;
            assert_eq!((reply.status, &reply.json()["detail"]), (422, &json!(format!("`{field}` must not be empty"))), "{url}");
            let large: Vec<String> = (0..3000).map(|number| format!("{number}{}", "/x".repeat(1500))).collect();
            let reply = drive.send("POST", url, &json!({field: large})).await;
            assert_eq!(reply.status, 413, "{url}: {}", reply.text());
            // Without access, it looks like a missing dataset whatever is sent.
            for list in [json!([]), json!(["x"]), json!(many)] {
                assert_eq!(theirs.send("POST", url, &json!({field: list})).await.status, 404, "{url}");
            }
        }
        // What is inside of something else is deleted with it, and a path that is named twice is deleted once.
        server.commit(&ada, "ada/data", &[json!({"operation": "put", "path": "b/c/d", "content": "1"})]).await;
        drive.ok("POST", "/delete", &json!({"paths": ["b/c/d", "b", "a", "b/c", "a"]})).await;
        let trash = drive.get("/trash").await.json();
        let deleted: BTreeSet<&str> = trash["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
        assert_eq!(deleted, ["a", "b"].into());
        // What was deleted from a folder, and then with it, gets its place back.
        drive.put("f/one", "1").await;
        drive.put("f/two", "2").await;
        drive.ok("POST", "/delete", &json!({"paths": ["f/one"]})).await;
        drive.ok("POST", "/delete", &json!({"paths": ["f"]})).await;
        let trash = drive.get("/trash?limit=2").await.json();
        let ids: Vec<&Value> = trash["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        drive.ok("POST", "/trash/restore", &json!({"ids": ids})).await;
        assert_eq!(drive.names("f").await, ["one", "two"]);
    }
}

story! {
    on(sqlite) async fn many_copies_of_one_folder_in_a_request_are_bounded(server: Server) {
        let ada = ada(&server).await;
        let drive = DriveClient::new(&server, &ada, "ada/data");
        seed(&server, &ada, "in").await;
        // The request is short, but the paths of all copies would take 500 MiB.
        let far = format!("/{}", "x".repeat(199)).repeat(15);
        let items = |times: usize| -> Vec<Value> {
            (0..times).map(|number| json!({"from": "in", "to": format!("{number}{far}")})).collect()
        };
        let refused = drive.send("POST", "/copy", &json!({"items": items(16)})).await;
        assert_eq!(refused.status, 413, "{}", refused.text());
        assert!(refused.text().contains("in has more bytes or longer paths than one request can copy"), "{}", refused.text());
        drive.ok("POST", "/copy", &json!({"items": items(1)})).await;
        assert_eq!(names(&drive, &format!("0{far}")).await.len(), FILES);
        // The same for the trash: the copies come into being one by one, and are restored together.
        for number in 1..3 {
            drive.ok("POST", "/copy", &json!({"items": [{"from": "in", "to": format!("{number}{far}")}]})).await;
        }
        drive.ok("POST", "/delete", &json!({"paths": ["0", "1", "2"]})).await;
        let trash = drive.get("/trash").await.json();
        let ids: Vec<&Value> = trash["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert_eq!(ids.len(), 3);
        let refused = drive.send("POST", "/trash/restore", &json!({"ids": ids})).await;
        assert_eq!(refused.status, 413, "{}", refused.text());
        drive.ok("POST", "/trash/restore", &json!({"ids": ids[..2]})).await;
    }
}
