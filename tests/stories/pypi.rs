//! Clients from the Python Package Index.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rutter_testing::environment;

/// The client of giftless, in the one version that there is, with what it needs and does not say.
pub(crate) const GIFTLESS: [&str; 4] = ["giftless-client==0.1.1", "six==1.17.0", "requests==2.34.2", "click==8.5.1"];

/// JupyterHub, and how Superset and Airflow sign users in.
pub(crate) const PLATFORM: [&str; 5] =
    ["Flask-AppBuilder==5.3.0", "Authlib==1.9.6", "requests==2.34.2", "oauthenticator==17.4.0", "jupyterhub==6.1.1"];

/// A Python that has these packages and can run `probe`, kept between runs. `None` where they cannot be had, which is
/// said, and must not be in CI.
pub(crate) fn python(packages: &[&str], probe: &str) -> Option<PathBuf> {
    let found = installed(packages, probe);
    if found.is_none() {
        assert!(environment("CI").is_none(), "CI must test {packages:?}: it needs python3-venv and pip");
        eprintln!("skipped: {packages:?} cannot be installed");
    }
    found
}

fn installed(packages: &[&str], probe: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(packages[0].replace("==", "-"));
    let python = home.join("bin").join("python");
    let works = || Command::new(&python).args(["-c", probe]).stderr(Stdio::null()).status();
    // Another test may want the same.
    let lock = File::create(home.with_added_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !works().is_ok_and(|status| status.success()) {
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).stdout(Stdio::null()).status().ok()?;
        // Python compiles what is imported when it is.
        let install = ["-m", "pip", "install", "--quiet", "--no-compile"];
        Command::new(&python).args(install).args(packages).status().ok()?;
    }
    works().ok()?.success().then_some(python)
}
