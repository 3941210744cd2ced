//! Rebuilds the server when the embedded web UI or the migrations have changed.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "the environment is how cargo talks to build scripts")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Builds with debug assertions read the web UI when they run, so they need not be built again. `PROFILE` is "release"
    // for all profiles that inherit from it; the name is in TARGET/PROFILE/build/PACKAGE/out.
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    let profile = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    if profile.is_none_or(|profile| profile != "debug" && profile != "quick") {
        // A path that does not exist counts as changed each time, and the whole crate would be built again.
        let pages = if Path::new("ui/dist").exists() { "ui/dist" } else { "ui" };
        println!("cargo:rerun-if-changed={pages}");
    }
    println!("cargo:rerun-if-changed=migrations");
}
