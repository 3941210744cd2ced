//! From the catalogue to the first token.

use std::collections::BTreeSet;

use rutter::types::Visibility;
use rutter_testing::Reply;
use serde_json::{Value, json};

use crate::containers::{image, variable};
use crate::story;
use crate::world::World;

story! {
    /// Rules 26, 27, 34, 36 and 38.
    async fn an_app_is_installed_from_the_catalogue_and_opened_by_its_owner_alone() {
        let world = World::start().await;
        world.add("probe", &image("probe:1"), "[environment]\nCOLOUR = \"green\"").await;
        // The digest is that of the registry.
        let registry = variable("RUTTER_TEST_REGISTRY");
        let asked = world.server.http.head(format!("http://{registry}/v2/probe/manifests/1"));
        let asked = asked.header("accept", "application/vnd.docker.distribution.manifest.v2+json");
        let digest = Reply::of(asked).await.header("docker-content-digest").to_owned();
        assert_eq!(world.digest("probe").await, digest);

        let ada = world.visit("ada", "probe").await;
        let shown = world.show(&ada.person, "ada/probe").await;
        assert_eq!(shown["image"], format!("{registry}/probe@{digest}"));
        let reply = world.get(&ada, "/hello?x=1").await;
        assert_eq!(reply.status, 404, "of the app");
        let hello = world.get(&ada, "/?x=1").await.json();
        assert_eq!((&hello["hello"], &hello["request"]), (&json!("probe"), &json!("GET /?x=1 HTTP/1.1")));
        let headers = hello["headers"].to_string().to_lowercase();
        assert!(headers.contains("\"x-rutter-user\":\"ada\""), "{headers}");
        assert!(!headers.contains("cookie") && !headers.contains("rua_"), "{headers}");

        // No other user.
        let eve = world.server.person("eve").await;
        assert_eq!(Reply::of(world.at(&ada.host, "/")).await.status, 401);
        assert_eq!(Reply::of(world.at(&ada.host, "/").bearer_auth(&eve.token)).await.status, 404);
        let session = world.server.cookie("eve").await;
        assert_eq!(world.enter(&session, &ada.host).await.unwrap_err().status, 404);

        // The environment is what docs/apps.md says, and what the engine adds.
        let environment = world.environment(&ada).await;
        let names: BTreeSet<_> = environment.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = BTreeSet::from([
            "COLOUR", "HOME", "HOSTNAME", "PATH", "PORT", "RUTTER_API_URL", "RUTTER_APP_URL", "RUTTER_BASE_PATH",
            "RUTTER_CLIENT_ID", "RUTTER_CLIENT_SECRET", "RUTTER_PUBLIC_URL", "RUTTER_SCOPES", "RUTTER_USER",
        ]);
        assert_eq!(names, expected);
        for (name, value) in [
            ("COLOUR", "green"),
            ("PORT", "8000"),
            ("RUTTER_API_URL", &format!("http://rutter:{}", world.port)),
            ("RUTTER_PUBLIC_URL", &world.server.url),
            ("RUTTER_APP_URL", &ada.url),
            ("RUTTER_BASE_PATH", ""),
            ("RUTTER_USER", "ada"),
            ("RUTTER_CLIENT_ID", shown["client"].as_str().unwrap()),
            ("RUTTER_SCOPES", "openid profile files"),
        ] {
            assert_eq!(environment[name], value, "{name}");
        }
        // No secret of ours but that of its client, which is nowhere else.
        let secret = environment["RUTTER_CLIENT_SECRET"].as_str().unwrap();
        assert!(secret.starts_with("rcs_"));
        let text = environment.to_string();
        for ours in [&*world.secret, "rut_", "rus_", "rua_", "rat_", "rrt_", &ada.person.token, "RUTTER_SECRET"] {
            assert!(!text.contains(ours), "{ours}");
        }
        assert_eq!(text.matches("rcs_").count(), 1);
        let container = world.site.container(&ada.url).await.unwrap();
        let config = container.config.unwrap();
        let labels = serde_json::to_string(&(config.labels, config.cmd, config.entrypoint, container.args)).unwrap();
        assert!(!labels.contains("rcs_"), "{labels}");
        let audit = world.server.get(&world.admin, "/api/v1/admin/audit").await.to_string();
        assert!(audit.contains("app.install") && !audit.contains("rcs_"), "{audit}");
        assert!(!world.log(&ada.person, &ada.path).await.contains("rcs_"));
    }
}

story! {
    /// Rules 10 and 32.
    async fn an_app_reads_from_inside_what_its_owner_gave_it_and_nothing_else() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        for dataset in ["ada/data", "ada/secret"] {
            world.server.dataset(dataset, Visibility::Private).await;
            let put = |path: &str, text: &str| json!({ "operation": "put", "path": path, "content": text });
            let operations = [put("given/a.csv", "the given one"), put("kept/b.csv", "the kept one")];
            world.server.commit(&ada.person, dataset, &operations).await;
        }
        let (status, refused) = world.own_token(&ada).await;
        assert_eq!((status, &refused["error"]), (400, &json!("invalid_scope")), "nothing was given");
        let opened = world.open_with(&ada, "ada/data", "given", "view").await;
        assert_eq!(opened.status, 200, "{}", opened.text());
        let location = opened.json()["location"].as_str().unwrap().to_owned();
        assert!(location.starts_with(&format!("{}/open?dataset=ada%2Fdata", ada.url)), "{location}");

        let (status, token) = world.own_token(&ada).await;
        assert_eq!(status, 200, "{token}");
        let bearer = format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap());
        let call = async |method: &str, path: &str, body: &str| {
            world.call_inside(&ada, method, path, &[&bearer, "Content-Type: application/json"], body).await
        };
        let (status, given) = call("GET", "/api/v1/oauth/paths", "").await;
        let given: Value = serde_json::from_str(given.split_once("\r\n\r\n").unwrap().1).unwrap();
        let only = json!([{ "dataset": "ada/data", "path": "given", "right": "view" }]);
        assert_eq!((status, &given["items"]), (200, &only));
        let (status, text) = call("GET", "/api/v1/drive/ada/data/content/given%2Fa.csv", "").await;
        assert!(status == 200 && text.contains("the given one"), "{text}");
        let move_away = json!({ "from": ["given/a.csv"], "to": "given/c.csv" }).to_string();
        for (method, path, body) in [
            ("GET", "/api/v1/drive/ada/data/content/kept%2Fb.csv", ""),
            ("GET", "/api/v1/drive/ada/data/content/given%2F..%2Fkept%2Fb.csv", ""),
            ("GET", "/api/v1/drive/ada/secret/content/given%2Fa.csv", ""),
            ("GET", "/api/v1/datasets/ada/secret", ""),
            ("PUT", "/api/v1/drive/ada/data/files/given%2Fa.csv", "changed"),
            ("POST", "/api/v1/drive/ada/data/move", &move_away),
            ("DELETE", "/api/v1/datasets/ada/data", ""),
            ("GET", "/api/v1/apps", ""),
            ("PUT", "/api/v1/apps/ada/probe/wanted", "{\"wanted\": \"stopped\"}"),
            ("GET", "/api/v1/clients", ""),
            ("GET", "/api/v1/user/consents", ""),
            ("GET", "/api/v1/admin/apps", ""),
            ("GET", "/ada/secret.git/info/refs?service=git-upload-pack", ""),
        ] {
            let (status, text) = call(method, path, body).await;
            // 422: a path with `..`.
            assert!([401, 403, 404, 422].contains(&status), "{method} {path}: {status} {text}");
            assert!(!text.contains("the kept one") && !text.contains("the given one"), "{path}: {text}");
        }
        let url = "/api/v1/drive/ada/data/content/given%2Fa.csv";
        let kept = world.server.call(Some(&ada.person.token), "GET", url, Value::Null).await;
        assert_eq!(kept.text(), "the given one");

        // Each start has another secret, and the one before opens nothing.
        let before = world.environment(&ada).await;
        world.want(&ada.person, "ada/probe", "stopped").await;
        world.want(&ada.person, "ada/probe", "running").await;
        let after = world.environment(&ada).await;
        assert_eq!(before["RUTTER_CLIENT_ID"], after["RUTTER_CLIENT_ID"]);
        assert_ne!(before["RUTTER_CLIENT_SECRET"], after["RUTTER_CLIENT_SECRET"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, old) = (text(&before["RUTTER_CLIENT_ID"]), text(&before["RUTTER_CLIENT_SECRET"]));
        assert_eq!(world.token_from_inside(&ada, &id, &old).await.0, 401);
        assert_eq!(world.own_token(&ada).await.0, 200);

        // What is revoked is gone at the next request.
        let url = format!("/api/v1/user/consents/{id}");
        assert_eq!(world.server.status(&ada.person, "DELETE", &url, Value::Null).await, 204);
        assert_eq!(call("GET", "/api/v1/drive/ada/data/content/given%2Fa.csv", "").await.0, 401);
        assert_eq!(world.own_token(&ada).await.0, 400);
    }
}
