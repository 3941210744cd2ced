//! The apps of `deploy/apps`: their images are built, pushed, installed and used as `docs/apps.md` says. `prepare.sh` has
//! downloaded what that needs.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rutter_testing::{PASSWORD, environment};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::containers::{image, random, variable};
use crate::story;
use crate::world::World;

/// A file or folder that `prepare.sh` has made.
pub(crate) fn prepared(name: &str) -> PathBuf {
    let path = Path::new(&variable("RUTTER_TEST_APP_FILES")).join(name);
    assert!(path.exists(), "{} is missing: run tests/apps/prepare.sh", path.display());
    path
}

/// Commands with the container engine of the test, and no settings of the user.
struct Commands {
    /// The configuration of `docker`.
    folder: TempDir,
}

impl Commands {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().kill_on_drop(true).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("PATH", environment("PATH").unwrap()).env("NO_PROXY", "127.0.0.1,localhost");
        command.env("DOCKER_HOST", format!("unix://{}", variable("RUTTER_TEST_DOCKER")));
        // Newer clients have a builder of their own, which is not installed with them.
        command.env("DOCKER_CONFIG", self.folder.path()).env("DOCKER_BUILDKIT", "0");
        command
    }

    /// Runs a program, which must succeed.
    async fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) {
        let mut command = self.command(program);
        let status = command.args(arguments).envs(variables.iter().copied()).status().await.unwrap();
        assert!(status.success(), "{program} {}: {status}", arguments.join(" "));
    }

    /// Runs a script of this folder, which acts as a user of the server.
    async fn script(&self, script: &str, world: &World, login: &str, variables: &[(&str, &str)]) {
        let mut command = self.command(prepared("python/bin/python"));
        command.env("PYTHONPATH", "tests/stories/clients").env("PASSWORD", PASSWORD).env("LOGIN", login);
        command.env("RUTTER_URL", &world.server.url).envs(variables.iter().copied());
        let status = command.args(["-B", &format!("tests/apps/{script}")]).status().await.unwrap();
        assert!(status.success(), "{script}: {status}");
    }
}

/// The manifest of an app, with another image.
fn manifest(app: &str, image: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/apps").join(app).join("manifest.toml");
    let manifest = std::fs::read_to_string(file).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("image = ")).unwrap();
    manifest.replacen(line, &format!("image = \"{image}\""), 1)
}

story! {
    async fn the_sample_app_takes_its_eight_steps() {
        let (world, commands) = (World::start().await, Commands::new());
        let base = format!("base:{}", random());
        commands.run("docker", &["import", prepared("base.tar").to_str().unwrap(), &base], &[]).await;
        world.server.person("ada").await;
        world.server.cookie("ada").await;
        let registry = variable("RUTTER_TEST_REGISTRY");
        let variables = [("ADMIN", &*world.admin.token), ("REGISTRY", &registry), ("BASE_IMAGE", &base)];
        commands.script("notes.py", &world, "ada", &variables).await;
    }
}

story! {
    async fn jupyterlab_edits_and_runs_notebooks_of_its_owner() {
        let begun = Instant::now();
        let (world, commands) = (World::start().await, Commands::new());
        let image = image(&format!("jupyterlab:{}", random()));
        let root = prepared("jupyterlab.tar");
        commands.run("deploy/apps/jupyterlab/build.sh", &[&image], &[("IN", root.to_str().unwrap())]).await;
        commands.run("docker", &["push", "--quiet", &image], &[]).await;
        let built = begun.elapsed();
        let body = json!({ "manifest": manifest("jupyterlab", &image) });
        world.server.ok(&world.admin, "PUT", "/api/v1/admin/catalogue/jupyterlab", body).await;
        let ada = world.server.person("ada").await;
        world.server.cookie("ada").await;
        world.install(&ada, "jupyterlab", "jupyterlab").await;
        let url = world.until(&ada, "ada/jupyterlab", "running").await["url"].as_str().unwrap().to_owned();
        println!("built in {built:?}, runs after {:?}", begun.elapsed());
        let url = url.trim_end_matches('/');
        commands.script("jupyterlab.py", &world, "ada", &[("APP_URL", url), ("INSTALL", "jupyterlab")]).await;
        println!("used after {:?}", begun.elapsed());
    }
}
