//! One's own drive, which exists from the first time that its owner needs it.

use rutter::access::{AppGrant, Credentials, Read};
use rutter::types::{Secret, Visibility};
use rutter_testing::{Person, Reply, Server, noise, story};
use serde_json::{Value, json};

use super::{DRIVE, DriveClient};
use crate::db::count;

const DATASETS: &str = "SELECT COUNT(*) FROM dataset";

async fn datasets(server: &Server) -> i64 {
    count(&server.app.db, DATASETS).await
}

story! {
    async fn a_drive_is_empty_before_its_first_change(server: Server) {
        let ada = server.person("ada").await;
        let drive = DriveClient::new(&server, &ada, "ada/drive");
        let url = "/api/v1/datasets/ada/drive";
        // Two first requests at once.
        let (first, second) = tokio::join!(
            Reply::of(server.request("GET", DRIVE, Some(&ada.token))),
            Reply::of(server.request("GET", url, Some(&ada.token))),
        );
        assert_eq!((first.status, second.status), (200, 200), "{} {}", first.text(), second.text());
        let empty = json!({"dataset": "ada/drive", "bytes": 0, "objects": 0, "quota_bytes": null, "used_bytes": 0, "files": 0, "trash": 0});
        assert_eq!(first.json(), empty);
        assert_eq!((&second.json()["visibility"], datasets(&server).await), (&json!("private"), 1));
        assert_eq!(Reply::of(server.request("GET", DRIVE, Some(&ada.token))).await.json(), empty);
        for (rest, at) in [("/list", DRIVE), ("/trash", DRIVE), ("/search?q=x", DRIVE), ("/shares", "/api/v1/datasets")] {
            let reply = Reply::of(server.request("GET", &format!("{at}/ada/drive{rest}"), Some(&ada.token))).await;
            assert_eq!((reply.status, reply.json()["items"].as_array().map(Vec::len)), (200, Some(0)), "{rest}");
        }
        assert_eq!(drive.get("/usage").await.json()["bytes"], 0);
        assert_eq!(drive.get("/list?path=nowhere").await.status, 404);
        assert_eq!(drive.put("one.txt", "1").await.status, 201);
        assert_eq!(drive.names("").await, ["one.txt"]);
        // A deleted drive is empty again.
        assert_eq!(server.status(&ada, "DELETE", url, Value::Null).await, 204);
        assert_eq!(drive.names("").await, Vec::<String>::new());
        assert_eq!(datasets(&server).await, 1);
    }
}

story! {
    async fn any_request_can_be_the_first_of_a_drive(server: Server) {
        let person = async |name: &str| (server.person(name).await, format!("{name}/drive"));
        // Two first changes at once.
        let (ada, path) = person("ada").await;
        let drive = DriveClient::new(&server, &ada, &path);
        let (one, two) = tokio::join!(drive.put("one.txt", "1"), drive.put("two.txt", "2"));
        assert_eq!((one.status, two.status), (201, 201), "{} {}", one.text(), two.text());
        assert_eq!((drive.names("").await, datasets(&server).await), (vec!["one.txt".to_owned(), "two.txt".to_owned()], 1));

        let (ben, path) = person("ben").await;
        let commit = json!({"message": "m", "operations": [{"operation": "put", "path": "a", "content": "a"}]});
        assert_eq!(server.status(&ben, "POST", &format!("/api/v1/datasets/{path}/commits"), commit).await, 201);

        let (cleo, path) = person("cleo").await;
        let bytes = noise(1, 1000);
        server.upload(&cleo.token, &path, &bytes).await;
        assert!(server.can_download(&cleo, &path, &bytes).await);

        let (dan, path) = person("dan").await;
        let tree = server.clone(&dan, &path, "dan");
        tree.write("a.txt", "a");
        tree.commit("first");
        tree.git(&["push", "-q", "origin", "HEAD:main"]);
        assert_eq!(server.clone(&dan, &path, "again").read("a.txt"), b"a");

        // Its name is taken, but not before.
        let (eve, path) = person("eve").await;
        let new = json!({"id": path, "visibility": "internal"});
        assert_eq!(server.status(&eve, "POST", "/api/v1/datasets", new.clone()).await, 201);
        assert_eq!(server.status(&eve, "POST", "/api/v1/datasets", new).await, 409);
        assert_eq!(datasets(&server).await, 5);
    }
}

story! {
    async fn only_its_owner_brings_a_drive_into_being(server: Server) {
        let (ada, root) = (server.person("ada").await, server.administrator("root").await);
        server.dataset("ada/data", Visibility::Private).await;
        let ben = server.person("ben").await;
        assert_eq!(Reply::of(server.request("GET", DRIVE, None)).await.status, 401);
        let read = Person { token: server.token("ada", &["read"]).await, name: "read".to_owned() };
        let narrow = Person { token: server.token("ada", &["write:ada/data"]).await, name: "narrow".to_owned() };
        for person in [&ben, &root, &read, &narrow] {
            let drive = DriveClient::new(&server, person, "ada/drive");
            assert_eq!(drive.get("/list").await.status, 404, "{}", person.name);
            assert_eq!(drive.send("POST", "/downloads", &json!({"paths": ["a"]})).await.status, 404, "{}", person.name);
            let url = "/ada/drive.git/info/refs?service=git-upload-pack";
            assert_eq!(Reply::of(server.request("GET", url, Some(&person.token))).await.status, 404, "{}", person.name);
            let batch = json!({"operation": "download", "objects": [{"oid": "0".repeat(64), "size": 1}]});
            assert_eq!(server.batch(Some(&person.token), "ada/drive", &batch).await.0, 404, "{}", person.name);
        }
        for person in [&ben, &root, &read, &narrow] {
            assert_eq!(DriveClient::new(&server, person, "ada/drive").put("x", "x").await.status, 404, "{}", person.name);
        }
        for person in [&read, &narrow] {
            assert_eq!(server.status(person, "GET", DRIVE, Value::Null).await, 404, "{}", person.name);
        }
        assert_eq!(Reply::of(server.request("GET", &format!("{DRIVE}/ada/drive/list"), None)).await.status, 401);

        let share = server.share(&ada, "ada/data", json!({"path": "", "with": {"link": true}, "right": "view"})).await;
        let link = share["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
        let link = server.link_token(&link).await;
        assert_eq!(Reply::of(server.request("GET", &format!("{DRIVE}/ada/drive/list"), Some(&link))).await.status, 404);

        let access = &server.app.access;
        let owner = access.authenticate(Credentials::Session(Secret::new(server.cookie("ada").await))).await.unwrap();
        let app = owner.through(AppGrant::new("notes".into(), vec!["own".parse().unwrap()])).unwrap();
        let drive = "ada/drive".parse().unwrap();
        assert!(access.authorize::<Read>(&app, &drive).await.is_err());
        assert_eq!(datasets(&server).await, 1, "all of these created nothing");
        assert!(access.authorize::<Read>(&owner, &drive).await.is_ok());
        assert!(access.authorize::<Read>(&app, &drive).await.is_ok());
        assert_eq!(datasets(&server).await, 2);
    }
}
