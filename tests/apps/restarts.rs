//! The container engine dies and comes back, and its containers have ended meanwhile.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rutter_testing::eventually;
use serde_json::{Value, json};

use crate::containers::variable;
use crate::story;
use crate::world::World;

/// The engine of `scripts/docker.sh`, whose process id is next to its socket.
struct EngineProcess {
    id: String,
    command: Vec<String>,
}

impl EngineProcess {
    fn find() -> Self {
        let socket = variable("RUTTER_TEST_DOCKER");
        let id = std::fs::read_to_string(Path::new(&socket).with_file_name("pid")).unwrap().trim().to_owned();
        let command = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap();
        Self { id, command: command.split_terminator('\0').map(str::to_owned).collect() }
    }

    /// `kill -9`.
    fn kill(&self) {
        assert!(Command::new("kill").args(["-KILL", &self.id]).status().unwrap().success());
    }

    /// Starts it for this and later tests. It ends with the processes of `scripts/docker.sh`.
    fn start(&self) {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It outlives this test.
        drop(command.spawn().unwrap());
    }
}

story! {
    /// Alone: other tests need the engine.
    async fn an_engine_that_dies_and_comes_back_runs_what_is_wanted() {
        let world = World::start().await;
        let (ada, bob) = (world.visit("ada", "probe").await, world.visit("bob", "probe").await);
        let eve = world.visit("eve", "probe").await;
        assert_eq!(world.get(&ada, "/write?path=/storage/note&data=kept").await.text(), "written\n");
        world.want(&bob.person, &bob.path, "paused").await;
        world.want(&eve.person, &eve.path, "stopped").await;
        let engine = EngineProcess::find();
        engine.kill();

        // What needs it says so, and what is asked for is done later.
        let url = "/api/v1/catalogue/probe?resolve=true";
        let (status, problem) = world.server.json(Some(&ada.person.token), "GET", url, Value::Null).await;
        assert_eq!(status, 503, "{problem}");
        let wanted = json!({ "wanted": "running" });
        world.server.ok(&eve.person, "PUT", "/api/v1/apps/eve/probe/wanted", wanted).await;
        eventually("the reason is shown", async || {
            let shown = world.show(&eve.person, &eve.path).await;
            shown["reason"].as_str().is_some_and(|reason| reason.contains("container engine"))
        })
        .await;
        assert!(world.server.app.apps.reconcile().await.is_err());
        engine.start();
        eventually("the engine is back", async || world.site.api.ping().await.is_ok()).await;

        world.server.app.apps.reconcile().await.unwrap();
        world.server.clock.advance(Duration::from_secs(31));
        world.until(&eve.person, &eve.path, "running").await;
        assert_eq!(world.get(&eve, "/healthz").await.text(), "ok\n");
        eventually("ada's app starts again", async || world.get(&ada, "/healthz").await.status == 200).await;
        assert_eq!(world.get(&ada, "/read?path=/storage/note").await.text(), "kept");
        for visit in [&ada, &eve] {
            let shown = world.until(&visit.person, &visit.path, "running").await;
            assert_eq!(shown["reason"], Value::Null);
        }
        // A process that was paused is gone. Its container is, too, and a request starts another one.
        eventually("bob's app is stopped", async || {
            world.show(&bob.person, &bob.path).await["state"] == "stopped"
        })
        .await;
        world.server.app.apps.reconcile().await.unwrap();
        eventually("its container is removed", async || world.site.status(&bob.url).await == "none").await;
        assert_eq!((world.site.containers().await.len(), world.site.networks().await.len()), (2, 2));
        eventually("bob's app starts", async || world.get(&bob, "/healthz").await.status == 200).await;
        assert_eq!((world.site.containers().await.len(), world.site.networks().await.len()), (3, 3));
    }
}
