//! What an app stores.

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptions;
use rutter_testing::eventually;
use serde_json::{Value, json};

use crate::story;
use crate::world::{Visit, World};

const READ: &str = "/read?path=/storage/note";

async fn write(world: &World, visit: &Visit, text: &str) {
    let reply = world.get(visit, &format!("/write?path=/storage/note&data={text}")).await;
    assert_eq!(reply.text(), "written\n");
}

story! {
    /// Rule 39.
    async fn a_volume_is_kept_until_its_owner_says_otherwise_and_no_other_owner_sees_it() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        write(&world, &ada, "adas").await;
        world.want(&ada.person, &ada.path, "stopped").await;
        world.want(&ada.person, &ada.path, "running").await;
        assert_eq!(world.get(&ada, READ).await.text(), "adas");
        let volumes = world.site.volumes().await;
        assert_eq!(volumes.len(), 1);

        // Another user with an app of the same name.
        let eve = world.visit("eve", "probe").await;
        assert_eq!(world.get(&eve, READ).await.status, 502);
        write(&world, &eve, "eves").await;
        assert_eq!(world.site.volumes().await.len(), 2);

        // To uninstall it, one says what becomes of the volume.
        assert_eq!(world.server.status(&ada.person, "DELETE", "/api/v1/apps/ada/probe", Value::Null).await, 422);
        world.uninstall(&ada.person, &ada.path, "keep").await;
        eventually("only eve's app is left", async || {
            world.site.containers().await.len() == 1 && world.site.networks().await.len() == 1
        })
        .await;
        assert_eq!(world.site.volumes().await.len(), 2);
        let kept = world.server.get(&ada.person, "/api/v1/volumes").await;
        let id = kept["items"][0]["id"].as_str().unwrap();
        assert_eq!(world.server.get(&eve.person, "/api/v1/volumes").await["items"], json!([]));
        let url = format!("/api/v1/volumes/{id}");
        assert_eq!(world.server.status(&eve.person, "DELETE", &url, Value::Null).await, 404);
        // Not under another name, and not with another app.
        world.install(&ada.person, "probe", "second").await;
        world.until(&ada.person, "ada/second", "running").await;
        let host = ada.host.replacen("probe--", "second--", 1);
        let cookie = world.enter(&ada.session, &host).await.unwrap();
        let second = Visit { cookie, host, path: "ada/second".into(), ..ada };
        assert_eq!(world.get(&second, READ).await.status, 502);
        let person = second.person.clone();

        // The same app under the same name finds it again.
        world.install(&person, "probe", "probe").await;
        world.until(&person, "ada/probe", "running").await;
        let host = second.host.replacen("second--", "probe--", 1);
        let cookie = world.enter(&second.session, &host).await.unwrap();
        let ada = Visit { cookie, host, path: "ada/probe".into(), ..second };
        assert_eq!(world.get(&ada, READ).await.text(), "adas");
        assert_eq!(world.server.status(&person, "DELETE", &url, Value::Null).await, 404, "in use");

        world.uninstall(&person, "ada/probe", "remove").await;
        eventually("its container is gone", async || world.site.status(&ada.url).await == "none").await;
        world.server.app.apps.reconcile().await.unwrap();
        assert!(!world.site.volumes().await.contains(&volumes[0]));
        assert_eq!(world.site.volumes().await.len(), 2);
        assert_eq!(world.get(&eve, READ).await.text(), "eves");
        // A new one is empty. The name is free a moment after the container is gone.
        let body = json!({ "app": "probe", "name": "probe", "digest": world.digest("probe").await });
        let install = async || world.server.status(&person, "POST", "/api/v1/apps/ada", body.clone()).await;
        eventually("it is installed again", async || install().await == 202).await;
        world.until(&person, "ada/probe", "running").await;
        let ada = Visit { cookie: world.enter(&ada.session, &ada.host).await.unwrap(), ..ada };
        assert_eq!(world.get(&ada, READ).await.status, 502);
    }
}

story! {
    /// As a server leaves it that is killed while it prepares a volume.
    async fn a_container_that_is_left_beside_an_app_is_removed_and_the_app_is_not() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        let app = world.site.container(&ada.url).await.unwrap();
        let config = app.config.unwrap();
        let mut labels = config.labels.unwrap();
        labels.remove("rutter.run").unwrap();
        for wanted in ["running", "paused"] {
            world.want(&ada.person, &ada.path, wanted).await;
            let (image, labels) = (config.image.clone(), Some(labels.clone()));
            let left = ContainerCreateBody { image, labels, ..ContainerCreateBody::default() };
            world.site.api.create_container(None::<CreateContainerOptions>, left).await.unwrap();
            assert_eq!(world.site.containers().await.len(), 2);
            world.server.app.apps.reconcile().await.unwrap();
            let found = world.site.containers().await;
            assert_eq!(found.len(), 1, "{wanted}");
            assert_eq!((&found[0].id, world.site.status(&ada.url).await.as_str()), (&app.id, wanted));
        }
        assert_eq!(world.get(&ada, "/healthz").await.text(), "ok\n");
    }
}
