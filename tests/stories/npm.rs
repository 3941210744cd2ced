//! Packages from npm.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rutter_testing::environment;

/// The folders of the lock file, and of scripts.
const FOLDERS: [&str; 2] = ["clients", "oauth"];

/// Returns a folder with the packages of the lock file in `clients/`, and copies of the scripts, which find packages only
/// above themselves. Kept between runs. `None` where Node.js or the packages cannot be had, which is said, and must not
/// be in CI.
pub(crate) fn packages() -> Option<PathBuf> {
    let found = installed();
    if found.is_none() {
        assert!(environment("CI").is_none(), "CI must test the packages of npm: it needs Node.js 20 and npm");
        eprintln!("skipped: the packages of npm cannot be installed");
    }
    found
}

/// A Node.js command without output.
fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn installed() -> Option<PathBuf> {
    let is_recent = "process.exit(Number(process.versions.node.split('.')[0]) >= 20 ? 0 : 1)";
    quiet("node").args(["-e", is_recent]).status().ok()?.success().then_some(())?;
    let sources = FOLDERS.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories").join(folder));
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    fs::create_dir_all(&home).unwrap();
    // Another test may want the same.
    let lock = File::create(home.with_added_extension("lock")).unwrap();
    lock.lock().unwrap();
    let (versions, stamp) = (fs::read(sources[0].join("package-lock.json")).unwrap(), home.join("installed.json"));
    if fs::read(&stamp).ok().as_ref() != Some(&versions) {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources[0].join(file), home.join(file)).unwrap();
        }
        let options = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
        quiet("npm").current_dir(&home).args(options).status().ok()?.success().then_some(())?;
        fs::write(&stamp, versions).unwrap();
    }
    for script in sources.iter().flat_map(|source| fs::read_dir(source).unwrap()).map(|entry| entry.unwrap().path()) {
        let text = fs::read(&script).unwrap();
        let copy = home.join(script.file_name()?);
        if script.extension().is_some_and(|kind| kind == "mjs") && fs::read(&copy).ok().as_ref() != Some(&text) {
            // At once, for another test may be reading it.
            let new = copy.with_added_extension("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, &copy).unwrap();
        }
    }
    Some(home)
}
