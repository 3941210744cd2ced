//! Protected refs can be changed only by owners, in any way.

use reqwest::Method;
use rutter::types::Role;
use rutter_testing::{Engine, Person, Reply, Server};
use serde_json::{Value, json};

/// Sends a request, and returns the status.
async fn ask(server: &Server, who: &Person, method: Method, path: &str, body: Value) -> u16 {
    let request = server.request(method.as_str(), path, Some(&who.token)).json(&body);
    Reply::of(request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_cannot_move_a_protected_tag() {
    let server = Server::start(Engine::Sqlite).await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    server.organisation("lab", &[(&ada, Role::Owner), (&bob, Role::Writer)]).await;
    let api = "/api/v1/datasets/lab/birds";
    let made = json!({"id": "lab/birds", "package": {"name": "birds", "title": "Then"}});
    assert_eq!(ask(&server, &ada, Method::POST, "/api/v1/datasets", made).await, 201);
    let tags = format!("{api}/tags");
    assert_eq!(ask(&server, &ada, Method::POST, &tags, json!({"name": "v1.0"})).await, 201);
    let patterns = json!({"patterns": ["refs/tags/v*", "release"]});
    assert_eq!(ask(&server, &ada, Method::PUT, &format!("{api}/protection"), patterns).await, 200);
    assert_eq!(ask(&server, &bob, Method::PATCH, api, json!({"package": {"title": "Now"}})).await, 200);

    let refs = async || {
        let tags = Reply::of(server.request("GET", &tags, Some(&ada.token))).await.json();
        let branches = Reply::of(server.request("GET", &format!("{api}/branches"), Some(&ada.token))).await.json();
        (tags, branches)
    };
    for (name, revision) in [("release", "main"), ("free", "main")] {
        let branch = json!({"name": name, "revision": revision});
        assert_eq!(ask(&server, &bob, Method::POST, &format!("{api}/branches"), branch).await, 201, "a new one");
    }
    let before = refs().await;
    let (hub, ckan) = ("/api/datasets/lab/birds", "/api/3/action");
    for (method, path, body) in [
        (Method::PATCH, format!("{tags}/v1.0"), json!({"name": "old"})),
        (Method::PATCH, format!("{tags}/v1.0"), json!({"description": "Another"})),
        (Method::DELETE, format!("{tags}/v1.0"), Value::Null),
        (
            Method::POST,
            format!("{ckan}/dataset_release_update"),
            json!({"dataset": "birds", "release": "v1.0", "name": "old"}),
        ),
        (
            Method::POST,
            format!("{ckan}/dataset_release_update"),
            json!({"dataset": "birds", "release": "v1.0", "description": "Another"}),
        ),
        (Method::POST, format!("{ckan}/dataset_release_delete"), json!({"dataset": "birds", "release": "v1.0"})),
        (Method::DELETE, format!("{hub}/tag/v1.0"), Value::Null),
        (Method::PATCH, format!("{api}/branches/release"), json!({"name": "mine"})),
        (Method::PATCH, format!("{api}/branches/main"), json!({"name": "mine"})),
        (Method::DELETE, format!("{api}/branches/release"), Value::Null),
        (Method::DELETE, format!("{hub}/branch/release"), Value::Null),
        (Method::POST, format!("{hub}/super-squash/release"), json!({})),
        (Method::POST, format!("{hub}/super-squash/main"), json!({})),
    ] {
        assert_eq!(ask(&server, &bob, method.clone(), &path, body.clone()).await, 403, "{method} {path} {body}");
    }
    let tree = server.clone(&bob, "lab/birds", "clone");
    tree.git(&["tag", "-f", "v1.0", "HEAD"]);
    assert!(tree.git_fails(&["push", "-q", "-f", "origin", "v1.0"]).contains("protected"));
    assert_eq!(refs().await, before, "nothing has moved");

    // Writers may change unprotected refs, and create new ones.
    assert_eq!(ask(&server, &bob, Method::POST, &format!("{hub}/super-squash/free"), json!({})).await, 200);
    assert_eq!(ask(&server, &bob, Method::POST, &tags, json!({"name": "draft"})).await, 201);
    assert_eq!(ask(&server, &bob, Method::PATCH, &format!("{tags}/draft"), json!({"name": "v2.0"})).await, 200);
    assert_eq!(ask(&server, &bob, Method::PATCH, &format!("{tags}/v2.0"), json!({"name": "draft"})).await, 403);
    // Owners may change everything.
    for body in [json!({"description": "Another"}), json!({"name": "old"})] {
        assert_eq!(ask(&server, &ada, Method::PATCH, &format!("{tags}/v1.0"), body).await, 200);
    }
}
