//! Pausing, stopping and waking, by people, by requests and by the time.

use std::time::{Duration, Instant};

use reqwest::Method;
use rutter_testing::{Engine, Reply, eventually};
use serde_json::json;

use crate::containers::image;
use crate::processes::Servers;
use crate::story;
use crate::world::{World, manifest};

story! {
    async fn a_request_wakes_a_paused_app_within_seconds() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        let container = world.site.container(&ada.url).await.unwrap().id;
        let mut longest = Duration::ZERO;
        for _ in 0..5 {
            world.want(&ada.person, &ada.path, "paused").await;
            assert_eq!(world.site.status(&ada.url).await, "paused");
            // Not by strangers.
            assert_eq!(Reply::of(world.at(&ada.host, "/")).await.status, 401);
            assert_eq!(world.show(&ada.person, &ada.path).await["wanted"], "paused");
            let begun = Instant::now();
            let reply = world.get(&ada, "/healthz").await;
            longest = longest.max(begun.elapsed());
            assert_eq!((reply.status, &*reply.text()), (200, "ok\n"));
        }
        println!("woken in at most {longest:?}");
        assert!(longest < Duration::from_secs(3), "{longest:?}");
        // The same process.
        assert_eq!(world.site.container(&ada.url).await.unwrap().id, container);
    }
}

story! {
    async fn a_request_starts_a_stopped_app_and_shows_a_page_that_waits() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        world.want(&ada.person, &ada.path, "stopped").await;
        assert!(world.site.containers().await.is_empty() && world.site.networks().await.is_empty());
        let eve = world.server.person("eve").await;
        assert_eq!(Reply::of(world.at(&ada.host, "/").bearer_auth(&eve.token)).await.status, 404);
        assert_eq!(world.show(&ada.person, &ada.path).await["wanted"], "stopped", "not by strangers");
        let begun = Instant::now();
        let browser = world.at(&ada.host, "/x").header("cookie", &ada.cookie).header("accept", "text/html");
        let page = Reply::of(browser).await;
        assert_eq!((page.status, page.header("retry-after")), (503, "2"));
        assert!(page.text().contains("The app is starting"), "{}", page.text());
        let program = world.get(&ada, "/healthz").await;
        assert!(program.status == 503 || program.status == 200, "{}", program.status);
        eventually("it starts", async || world.get(&ada, "/healthz").await.status == 200).await;
        println!("started in {:?}", begun.elapsed());
    }
}

story! {
    async fn an_idle_app_is_paused_and_then_stopped_unless_it_is_to_be_kept() {
        let world = World::start().await;
        let (ada, bob) = (world.visit("ada", "probe").await, world.visit("bob", "probe").await);
        let keep = json!({ "keep_running": true });
        world.server.ok(&bob.person, "PATCH", "/api/v1/apps/bob/probe", keep).await;
        let pass = async |minutes: u64| {
            world.server.clock.advance(Duration::from_secs(minutes * 60));
            world.server.app.apps.reconcile().await.unwrap();
        };
        pass(29).await;
        assert_eq!(world.show(&ada.person, &ada.path).await["wanted"], "running");
        pass(2).await;
        world.until(&ada.person, &ada.path, "paused").await;
        assert_eq!(world.site.status(&ada.url).await, "paused");
        assert_eq!(world.get(&ada, "/healthz").await.text(), "ok\n");
        world.until(&ada.person, &ada.path, "running").await;
        pass(31).await;
        world.until(&ada.person, &ada.path, "paused").await;
        pass(240).await;
        world.until(&ada.person, &ada.path, "stopped").await;
        assert_eq!(world.site.status(&ada.url).await, "none");
        assert_eq!(world.site.status(&bob.url).await, "running");
        eventually("it starts", async || world.get(&ada, "/healthz").await.status == 200).await;
        // Nothing of a suspended user runs.
        world.server.app.accounts.suspend(&"bob".parse().unwrap()).await.unwrap();
        world.server.app.apps.reconcile().await.unwrap();
        eventually("it ends", async || world.site.status(&bob.url).await == "none").await;
        assert_eq!(world.site.status(&ada.url).await, "running");
    }
}

story! {
    async fn an_app_that_ends_or_never_answers_fails_with_its_reason_and_log() {
        let world = World::start().await;
        world.add("ends", &image("probe:1"), "[environment]\nPROBE_EXIT = \"3\"").await;
        let deaf = manifest("deaf", &image("probe:1"), "start_seconds = 3");
        let deaf = deaf.replace("\"/healthz\"", "\"/status?code=500\"");
        let put = json!({ "manifest": deaf });
        world.server.ok(&world.admin, "PUT", "/api/v1/admin/catalogue/deaf", put).await;
        let ada = world.server.person("ada").await;
        for (name, reason, line) in [
            ("ends", "the app has ended with exit code 3", "probe: ends with 3\n"),
            ("deaf", "it did not answer its health check within 3 seconds", "probe: listens on 8000\n"),
        ] {
            let path = format!("ada/{name}");
            world.install(&ada, name, name).await;
            let failed = world.until(&ada, &path, "failed").await;
            assert_eq!(failed["reason"], reason);
            let log = world.log(&ada, &path).await;
            assert!(log.contains(line), "{log}");
            assert!(world.site.containers().await.is_empty() && world.site.networks().await.is_empty(), "{name}");
            // It stays so.
            world.server.app.apps.reconcile().await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(world.show(&ada, &path).await["state"], "failed");
            assert!(world.site.containers().await.is_empty(), "{name}");
        }
    }
}

story! {
    async fn an_app_for_everybody_has_no_container_before_it_is_opened() {
        let world = World::start().await;
        let body = json!({ "manifest": manifest("probe", &image("probe:1"), ""), "preinstalled": true });
        world.server.ok(&world.admin, "PUT", "/api/v1/admin/catalogue/probe", body).await;
        let ada = world.server.person("ada").await;
        eventually("it is installed", async || {
            world.server.get(&ada, "/api/v1/apps").await["items"].as_array().unwrap().len() == 1
        })
        .await;
        let shown = world.until(&ada, "ada/probe", "stopped").await;
        assert!(world.site.containers().await.is_empty());
        let host = shown["url"].as_str().unwrap().strip_prefix("http://").unwrap().rsplit_once(':').unwrap().0;
        let cookie = world.enter(&world.server.cookie("ada").await, host).await.unwrap();
        let opened = async || Reply::of(world.at(host, "/healthz").header("cookie", &cookie)).await.status;
        assert_eq!(opened().await, 503);
        eventually("it starts", async || opened().await == 200).await;
        assert_eq!(world.site.containers().await.len(), 1);
    }
}

story! {
    async fn a_server_that_starts_again_finds_its_apps_running() {
        let mut servers = Servers::start(Engine::Sqlite, 1, &image("probe:1"), &[]).await;
        let digest = servers.digest().await;
        assert_eq!(servers.install(0, "probe", &digest).send().await.unwrap().status(), 202);
        servers.until_running("probe").await;
        let id = async |servers: &Servers| servers.site.containers().await.remove(0).id;
        let before = id(&servers).await;
        for _ in 0..3 {
            servers.running[0].take().unwrap().kill();
            servers.start_one(0);
            servers.until_ready().await;
            // From the first request on.
            let reply = Reply::of(servers.to_app(0, "probe", Method::GET, "/healthz")).await;
            assert_eq!((reply.status, &*reply.text()), (200, "ok\n"));
        }
        assert_eq!(id(&servers).await, before);
        // The operator sees it, too, whatever the check finds on a host without a firewall.
        let check = servers.installation.rutter(&["app", "check"]);
        let said = String::from_utf8(check.stdout).unwrap();
        assert!(said.contains("containers of this server: 1\n"), "{said}");
        assert_eq!(id(&servers).await, before);
        let listed = servers.installation.rutter(&["app", "list"]);
        assert!(String::from_utf8(listed.stdout).unwrap().starts_with("probe 127.0.0.1:"));
    }
}

story! {
    async fn changes_by_hand_at_the_engine_are_put_right() {
        let world = World::start().await;
        let ada = world.visit("ada", "probe").await;
        let name = world.site.container(&ada.url).await.unwrap().id.unwrap();
        let options = bollard::query_parameters::RemoveContainerOptions { v: true, force: true, link: false };
        world.site.api.remove_container(&name, Some(options)).await.unwrap();
        world.server.app.apps.reconcile().await.unwrap();
        eventually("it starts again", async || world.get(&ada, "/healthz").await.status == 200).await;
        assert_ne!(world.site.container(&ada.url).await.unwrap().id.unwrap(), name);
        // Paused by hand.
        let id = world.site.container(&ada.url).await.unwrap().id.unwrap();
        world.site.api.pause_container(&id).await.unwrap();
        world.server.app.apps.reconcile().await.unwrap();
        eventually("it goes on", async || world.site.status(&ada.url).await == "running").await;
        world.until(&ada.person, &ada.path, "running").await;
        assert_eq!(world.get(&ada, "/healthz").await.text(), "ok\n");
    }
}
