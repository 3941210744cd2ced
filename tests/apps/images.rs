//! The image that was shown is the one that runs.

use bollard::query_parameters::RemoveImageOptions;
use rutter_testing::Person;
use serde_json::{Value, json};

use crate::containers::{image, push, random, variable};
use crate::story;
use crate::world::World;

story! {
    /// Rule 33.
    async fn a_tag_that_moves_changes_nothing_until_the_owner_updates() {
        let world = World::start().await;
        let repository = format!("moving-{}", random());
        let tag = push(&repository, "VERSION=1").await;
        world.add("moving", &tag, "").await;
        let first = world.digest("moving").await;
        let ada = world.visit("ada", "moving").await;
        assert_eq!(world.environment(&ada).await["VERSION"], "1");

        push(&repository, "VERSION=2").await;
        let second = world.digest("moving").await;
        assert_ne!(first, second);
        world.want(&ada.person, "ada/moving", "stopped").await;
        let shown = world.want(&ada.person, "ada/moving", "running").await;
        assert_eq!(shown["image"], format!("{}@{first}", image(&repository)));
        assert_eq!(world.environment(&ada).await["VERSION"], "1");

        // A user that looked at the image before it moved does not get the new one.
        let eve = world.server.person("eve").await;
        let install = async |by: &Person, digest: &str| {
            let body = json!({ "app": "moving", "digest": digest });
            world.server.call(Some(&by.token), "POST", &format!("/api/v1/apps/{}", by.name), body).await
        };
        let refused = install(&eve, &first).await;
        assert!(refused.status == 409 && refused.text().contains(&second), "{}", refused.text());
        // An image that was never pushed.
        assert_eq!(install(&eve, &format!("sha256:{}", "1".repeat(64))).await.status, 409);
        assert_eq!(world.server.get(&eve, "/api/v1/apps").await["items"], json!([]));

        let update = async |digest: &str| {
            let body = json!({ "digest": digest });
            world.server.call(Some(&ada.person.token), "PATCH", "/api/v1/apps/ada/moving", body).await
        };
        assert_eq!(update(&first).await.status, 409);
        let updated = update(&second).await;
        assert_eq!(updated.status, 200, "{}", updated.text());
        let shown = world.until(&ada.person, "ada/moving", "running").await;
        assert_eq!(shown["image"], format!("{}@{second}", image(&repository)));
        assert_eq!(world.environment(&ada).await["VERSION"], "2");
        assert_eq!(world.site.containers().await.len(), 1);
    }
}

story! {
    async fn an_image_that_does_not_exist_is_a_clear_error() {
        let world = World::start().await;
        let ada = world.server.person("ada").await;
        for (name, missing) in [("none", image("none:1")), ("tag", image("probe:none"))] {
            world.add(name, &missing, "").await;
            let url = format!("/api/v1/catalogue/{name}?resolve=true");
            let (status, problem) = world.server.json(Some(&ada.token), "GET", &url, Value::Null).await;
            assert_eq!(status, 404, "{problem}");
            let why = problem["detail"].as_str().unwrap();
            assert!(why.contains(&missing) && why.contains("no image"), "{why}");
            let body = json!({ "app": name, "digest": format!("sha256:{}", "1".repeat(64)) });
            let (status, problem) = world.server.json(Some(&ada.token), "POST", "/api/v1/apps/ada", body).await;
            assert!(status == 404 && problem["detail"] == why, "{problem}");
        }
        // A registry that does not answer.
        world.add("away", "127.0.0.1:1/probe:1", "").await;
        let url = "/api/v1/catalogue/away?resolve=true";
        let (status, problem) = world.server.json(Some(&ada.token), "GET", url, Value::Null).await;
        assert_eq!(status, 503, "{problem}");

        // Not from the catalogue, and not allowed.
        let body = json!({ "image": image("probe:1"), "name": "mine", "digest": world.digest("probe").await });
        assert_eq!(world.server.status(&ada, "POST", "/api/v1/apps/ada", body).await, 403);
        assert_eq!(world.server.get(&ada, "/api/v1/apps").await["items"], json!([]));
        assert_eq!(world.site.containers().await.len(), 0);
    }
}

story! {
    async fn an_image_that_has_left_its_registry_fails_with_a_reason() {
        let world = World::start().await;
        let repository = format!("leaving-{}", random());
        let tag = push(&repository, "VERSION=1").await;
        world.add("leaving", &tag, "").await;
        let digest = world.digest("leaving").await;
        let ada = world.visit("ada", "leaving").await;
        world.want(&ada.person, "ada/leaving", "stopped").await;
        // From the registry, and from the engine.
        let url = format!("http://{}/v2/{repository}/manifests/{digest}", variable("RUTTER_TEST_REGISTRY"));
        assert_eq!(world.server.http.delete(url).send().await.unwrap().status(), 202);
        for name in [format!("{}@{digest}", image(&repository)), tag] {
            _ = world.site.api.remove_image(&name, None::<RemoveImageOptions>, None).await;
        }
        let wanted = json!({ "wanted": "running" });
        world.server.ok(&ada.person, "PUT", "/api/v1/apps/ada/leaving/wanted", wanted).await;
        let failed = world.until(&ada.person, "ada/leaving", "failed").await;
        let reason = failed["reason"].as_str().unwrap();
        assert!(reason.contains(&repository) && reason.contains("registry"), "{reason}");
        assert_eq!(world.site.containers().await.len(), 0);
    }
}
