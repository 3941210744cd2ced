//! Rebuilds the server when the embedded web UI or the migrations have changed.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "the environment is how cargo talks to build scripts")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Debug builds read the web UI when they run, so they need not be built again.
    if std::env::var("PROFILE").is_ok_and(|profile| profile != "debug") {
        // A path that does not exist counts as changed each time, and the whole crate would be built again.
        let pages = if Path::new("ui/dist").exists() { "ui/dist" } else { "ui" };
        println!("cargo:rerun-if-changed={pages}");
    }
    println!("cargo:rerun-if-changed=migrations");
}
