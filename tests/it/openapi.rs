//! What the OpenAPI document says about requests, and that it is true.

use std::collections::BTreeSet;

use rutter_testing::{Engine, Reply, Server};
use serde_json::{Value, json};

/// All operations of the document, with their paths.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[tokio::test]
async fn the_document_describes_every_operation_completely() {
    let server = Server::start(Engine::Sqlite).await;
    let document = Reply::of(server.request("GET", "/api/openapi.json", None)).await.json();
    let mut names = BTreeSet::new();
    for (place, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{place}: {name} is there twice");
        assert!(name.starts_with(operation["tags"][0].as_str().unwrap()), "{place}: {name}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(!parameter["schema"].to_string().contains("\"null\""), "{place}: no client can send {parameter}");
        }
        for (media, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            if media == "application/octet-stream" {
                assert_eq!(body["schema"], json!({"type": "string", "format": "binary"}), "{place}");
            }
        }
    }
    let rows = &document["components"]["schemas"]["TableRows"]["properties"]["rows"];
    assert_eq!((&rows["type"], &rows["items"]["type"]), (&json!("array"), &json!("array")));
    assert_eq!(rows["items"]["items"], json!({}), "any value");
}

#[tokio::test]
async fn numbers_outside_the_documented_range_are_refused() {
    let server = Server::start(Engine::Sqlite).await;
    let ada = server.person("ada").await;
    let put = server.request("PUT", "/api/v1/drive/ada/data/files/a.csv", Some(&ada.token)).body("a,b\n1,2\n");
    let made = server.request("POST", "/api/v1/datasets", Some(&ada.token)).json(&json!({"id": "ada/data"}));
    assert_eq!((Reply::of(made).await.status, Reply::of(put).await.status), (201, 201));
    let get = async |tail: &str| {
        Reply::of(server.request("GET", &format!("/api/v1/drive/ada/data/{tail}"), Some(&ada.token))).await.status
    };
    for (good, bad) in [
        ("search?q=a&limit=1000", "search?q=a&limit=1001"),
        ("search?q=a&limit=1", "search?q=a&limit=0"),
        ("rows/a.csv?limit=1000", "rows/a.csv?limit=1001"),
        ("rows/a.csv?limit=1", "rows/a.csv?limit=0"),
        ("rows/a.csv?offset=9007199254740991", "rows/a.csv?offset=9007199254740992"),
        ("rows/a.csv?offset=1", "rows/a.csv?offset=9223372036854775808"),
        ("rows/a.csv?offset=0", "rows/a.csv?offset=-1"),
    ] {
        assert_eq!((get(good).await, get(bad).await), (200, 422), "{good} {bad}");
    }
}

#[tokio::test]
async fn a_json_array_is_not_accepted_as_an_object() {
    let server = Server::start(Engine::Sqlite).await;
    let ada = server.person("ada").await;
    let send = async |method: &str, path: &str, body: Value| {
        let reply = Reply::of(server.request(method, path, Some(&ada.token)).json(&body)).await;
        let answer = if reply.status < 400 { Value::Null } else { reply.json() };
        // The clients of the Hub read `error`.
        let detail = answer["detail"].as_str().or(answer["error"].as_str());
        (reply.status, detail.unwrap_or_default().to_owned())
    };
    let datasets = "/api/v1/datasets";
    assert_eq!(send("POST", datasets, json!({"id": "ada/data", "package": {"name": "data"}})).await.0, 201);
    let (commits, put) =
        (format!("{datasets}/ada/data/commits"), json!({"operation": "put", "path": "a", "content": "a"}));
    for (method, path, body, place) in [
        ("POST", datasets, json!(["ada/b", null, null, null, null, null]), ""),
        ("POST", datasets, json!({"id": "ada/b", "author": ["a name", "a@example.org"]}), "`author`: "),
        ("PATCH", "/api/v1/datasets/ada/data", json!({"package": {"title": "T"}, "author": ["a", "b"]}), "`author`: "),
        ("POST", &commits, json!({"message": "m", "operations": [["put", "a", "a"]]}), "`operations[0]`: "),
        ("POST", &commits, json!({"message": "m", "operations": [put], "author": ["a", "b"]}), "`author`: "),
        ("POST", "/api/v1/organisations", json!(["lab"]), ""),
        ("POST", "/api/v1/datasets/ada/data/shares", json!({"with": ["ben"], "right": "view"}), "`with`: "),
        // Where nothing is described, as in the API of the Hub, at least the whole is no list.
        ("POST", "/api/datasets/ada/data/branch/b", json!(["main"]), ""),
    ] {
        let (status, detail) = send(method, path, body.clone()).await;
        let expected = format!("{place}invalid type: sequence, expected an object");
        assert!(status == 422 && detail.starts_with(&expected), "{method} {path} {body}: {status} {detail}");
    }
    let good = json!({"message": "m", "operations": [put], "author": {"name": "a name", "email": "a@example.org"}});
    assert_eq!(send("POST", &commits, good).await.0, 201);
}
