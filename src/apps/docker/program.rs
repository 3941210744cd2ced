//! An image of this program: its file, and the shared libraries that it has loaded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::query_parameters::CreateImageOptions;
use bytes::Bytes;
use futures::StreamExt as _;
use tar::EntryType;
use tokio::sync::mpsc;

use super::engine::Connection;
use super::spec::{self, Site};
use crate::apps::backend::is_digest;
use crate::error::{Error, Result};

/// Where this program finds itself.
const PROGRAM: &str = "/proc/self/exe";
/// Longest time for an import.
const TIMEOUT: Duration = Duration::from_mins(5);
/// Size of the parts that are sent to the engine, in bytes, and how many wait.
const PART: usize = 256 << 10;
const PARTS: usize = 4;
/// How names are looked up: first in the file that the engine writes. Older libraries look there last.
const NAMES: &[u8] = b"hosts: files dns\n";

/// Imports the image, without a name but with the label of the site. Returns its id.
///
/// # Errors
/// Unavailable if the engine does not take it.
pub(super) async fn import(connection: &Connection, site: &Site) -> Result<String> {
    let maps = crate::blocking(|| std::fs::read_to_string("/proc/self/maps")).await??;
    let own = crate::blocking(|| std::fs::read_link(PROGRAM)).await??;
    let libraries = libraries(&maps, &own);
    let entrypoint = serde_json::to_string(&command(&libraries)).map_err(Error::internal)?;
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        changes: vec![format!("ENTRYPOINT {entrypoint}"), format!("LABEL {}", site.label())],
        ..CreateImageOptions::default()
    };
    let (sender, receiver) = mpsc::channel(PARTS);
    let writing = crate::blocking(move || {
        let parts = BufWriter::with_capacity(PART, Parts(sender.clone()));
        if let Err(error) = write(&libraries, parts) {
            // The engine would take an archive that is cut off at the end of a file.
            _ = sender.blocking_send(Err(error));
        }
    });
    let parts = futures::stream::unfold(receiver, async |mut parts| parts.recv().await.map(|part| (part, parts)));
    let importing = async {
        let api = connection.api.clone().with_timeout(TIMEOUT);
        let mut progress = std::pin::pin!(api.create_image(Some(options), Some(bollard::body_try_stream(parts)), None));
        let mut id = None;
        while let Some(step) = progress.next().await {
            id = step?.status.filter(|status| is_digest(status)).or(id);
        }
        Ok(id)
    };
    let (written, imported) = tokio::join!(writing, tokio::time::timeout(TIMEOUT, importing));
    written?;
    let refused = |error| Error::unavailable("the container engine refuses the image of this program").because(error);
    let late = |_| Err(bollard::errors::Error::RequestTimeoutError);
    let id: Option<String> = imported.unwrap_or_else(late).map_err(refused)?;
    id.ok_or_else(|| Error::unavailable("the container engine states no id of the image of this program"))
}

/// Returns the files that a process executes, beside its program.
fn libraries(maps: &str, own: &Path) -> BTreeSet<PathBuf> {
    let executed = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.contains('x')));
    let paths = executed.filter_map(|line| Some(Path::new(&line[line.find('/')?..])));
    paths.filter(|path| *path != own && path.is_file()).map(Path::to_owned).collect()
}

/// Returns the command of the container. The loader of a dynamic program is named, because the place where the kernel
/// looks for it is not known here; so are the libraries, because their files may have other names than they.
fn command(libraries: &BTreeSet<PathBuf>) -> Vec<String> {
    let names = libraries.iter().map(|path| in_image(path));
    let (loaders, libraries): (Vec<_>, Vec<_>) =
        names.partition(|name| name.starts_with("lib/ld-") || name.starts_with("lib/ld64"));
    let libraries: Vec<_> = libraries.iter().map(|name| format!("/{name}")).collect();
    let mut command: Vec<_> = loaders.iter().take(1).map(|loader| format!("/{loader}")).collect();
    if !command.is_empty() {
        command.extend(["--library-path", "/lib"].map(str::to_owned));
    }
    if !libraries.is_empty() {
        command.extend(["--preload".to_owned(), libraries.join(":")]);
    }
    command.extend(["/rutter", "app", "probe"].map(str::to_owned));
    command
}

fn in_image(path: &Path) -> String {
    format!("lib/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Writes the root of the image as a tar archive.
fn write(libraries: &BTreeSet<PathBuf>, to: impl Write) -> io::Result<()> {
    let mut root = tar::Builder::new(to);
    let add = |root: &mut tar::Builder<_>, name: &str, path: &Path| {
        let file = File::open(path)?;
        let mut header = spec::header(EntryType::Regular, 0o755, 0, file.metadata()?.len());
        root.append_data(&mut header, name, file)
    };
    add(&mut root, "rutter", Path::new(PROGRAM))?;
    for path in libraries {
        add(&mut root, &in_image(path), path)?;
    }
    let mut header = spec::header(EntryType::Regular, 0o644, 0, NAMES.len() as u64);
    root.append_data(&mut header, "etc/nsswitch.conf", NAMES)?;
    root.into_inner()?.flush()
}

/// Sends what is written to the engine.
struct Parts(mpsc::Sender<io::Result<Bytes>>);

impl Write for Parts {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(Bytes::copy_from_slice(part))).map_err(gone)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_has_the_program_and_what_it_has_loaded() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let own = std::fs::read_link(PROGRAM).unwrap();
        let found = libraries(&maps, &own);
        assert!(!found.contains(&own) && found.iter().all(|path| path.is_absolute()), "{found:?}");
        let command = command(&found);
        assert_eq!(command[command.len() - 3..], ["/rutter", "app", "probe"]);
        // It is dynamic, or nothing is loaded.
        assert_eq!(command.len() == 3, found.is_empty(), "{command:?}");

        let mut root = Vec::new();
        write(&found, &mut root).unwrap();
        let mut archive = tar::Archive::new(&*root);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), entry.size())
        });
        let entries: Vec<_> = entries.collect();
        assert_eq!(entries.len(), found.len() + 2);
        assert_eq!(entries[0], ("rutter".to_owned(), std::fs::metadata(own).unwrap().len()));
        if let Some(loader) = command[0].strip_prefix("/lib/") {
            assert!(entries.iter().any(|(name, size)| name == &format!("lib/{loader}") && *size > 0), "{entries:?}");
        }
    }

    #[test]
    fn only_files_that_are_executed_are_libraries() {
        let file = std::fs::read_link(PROGRAM).unwrap();
        let file = file.to_str().unwrap();
        let maps = format!(
            "55d0-55d1 r--p 00000000 fe:01 12    {file}\n\
             55d1-55d2 r-xp 00001000 fe:01 13                 /usr/bin/rutter\n\
             7f00-7f01 r-xp 00000000 00:00 0 \n\
             7f01-7f02 r-xp 00000000 fe:01 14    /nowhere/libgone.so (deleted)\n\
             7ffe-7fff r-xp 00000000 00:00 0                  [vdso]\n"
        );
        assert!(libraries(&maps, Path::new("/usr/bin/rutter")).is_empty());
        let maps = maps.replace("r--p", "r-xp");
        assert_eq!(libraries(&maps, Path::new("/usr/bin/rutter")).len(), 1);
        let names = |names: &[&str]| names.iter().map(PathBuf::from).collect();
        assert_eq!(command(&names(&[])), ["/rutter", "app", "probe"]);
        assert_eq!(
            command(&names(&["/lib64/ld-linux-x86-64.so.2", "/usr/lib/libc-2.31.so", "/usr/lib/libm.so.6"])).join(" "),
            "/lib/ld-linux-x86-64.so.2 --library-path /lib --preload /lib/libc-2.31.so:/lib/libm.so.6 /rutter app probe"
        );
    }
}
