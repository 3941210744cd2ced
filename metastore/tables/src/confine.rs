//! Confines the process (resource limits, Landlock) before it reads any input.
//!
//! Threads inherit the restrictions of the thread that starts them, so this happens before there are any.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::set_no_new_privs;

/// Memory of the program itself, of its threads, and of what its pools do not count, in bytes.
const EXTRA_MEMORY: u64 = 512 << 20;

/// Maximum number of open files; a merge of spilled rows opens several.
const OPEN_FILES: u64 = 64;

/// What Landlock restricts, as far as the kernel supports it.
const RESTRICTIONS: ABI = ABI::V10;

/// What could be taken from a process.
#[derive(Debug, Default)]
pub(crate) struct Confinement {
    /// What should have been, and could not: for the log.
    pub(crate) weaknesses: Vec<String>,
    /// True if the kernel can refuse UDP, which few can.
    pub(crate) covers_udp: bool,
}

/// Checks that the environment is empty, and closes open files that the process has inherited besides the standard
/// streams, such as those of a shell or of make.
pub(crate) fn drop_inherited() -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "it must be empty")]
    let variable = std::env::vars_os().next();
    if let Some((name, _)) = variable {
        return Err(format!("the environment must be empty, but has {}; start with `env -i`", name.display()));
    }
    let listed = fs::read_dir("/proc/self/fd").and_then(|list| list.map(|entry| Ok(entry?.file_name())).collect());
    let listed: Vec<OsString> = listed.map_err(|error| format!("cannot list open files in /proc/self/fd: {error}"))?;
    for number in listed.iter().filter_map(|number| number.to_str()?.parse::<i32>().ok()).filter(|number| *number > 2) {
        // That of the list itself is closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Takes all rights from the process but to use its standard streams, this much memory, and the files in one folder.
pub(crate) fn confine(memory_bytes: u64, folder: Option<&Path>) -> Result<Confinement, String> {
    let mut weaknesses = Vec::new();
    // If memory runs out, an engine has to go rather than the server.
    let score = OpenOptions::new().write(true).open("/proc/self/oom_score_adj");
    if let Err(error) = score.and_then(|mut file| file.write_all(b"1000")) {
        weaknesses.push(format!("cannot set /proc/self/oom_score_adj: {error}"));
    }
    for (resource, name, value) in [
        (Resource::Data, "RLIMIT_DATA", memory_bytes.saturating_add(EXTRA_MEMORY)),
        (Resource::Nofile, "RLIMIT_NOFILE", OPEN_FILES),
        (Resource::Core, "RLIMIT_CORE", 0),
    ] {
        let value = getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit).map_err(|error| format!("cannot set {name} to {value}: {error}"))?;
    }
    set_no_new_privs(true).map_err(|error| format!("cannot set no_new_privs: {error}"))?;
    let (weakness, covers_udp) =
        restrict(folder).map_err(|error| format!("cannot restrict the process with Landlock: {error}"))?;
    weaknesses.extend(weakness);
    Ok(Confinement { weaknesses, covers_udp })
}

/// Restricts files and connections (Landlock). Returns what the kernel does not support, and whether it supports UDP.
fn restrict(folder: Option<&Path>) -> Result<(Option<String>, bool), RulesetError> {
    let files: BitFlags<AccessFs> = AccessFs::ReadFile
        | AccessFs::WriteFile
        | AccessFs::ReadDir
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Truncate;
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(RESTRICTIONS))?
        .handle_access(AccessNet::from_all(RESTRICTIONS))?
        .scope(Scope::from_all(RESTRICTIONS))?
        .create()?;
    if let Some(folder) = folder {
        // A folder that cannot be opened is one that cannot be used, either.
        if let Ok(folder) = PathFd::new(folder) {
            ruleset = ruleset.add_rule(PathBeneath::new(folder, files))?;
        }
    }
    let status = ruleset.restrict_self()?;
    let covers_udp =
        matches!(status.landlock, LandlockStatus::Available { effective_abi, .. } if effective_abi >= ABI::V10);
    let weakness = match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => {
            Some("the kernel does not support Landlock: files and connections are not restricted".to_owned())
        }
        (_, LandlockStatus::Available { effective_abi, .. }) if effective_abi < ABI::V4 => {
            Some("the kernel is older than Linux 6.7: Landlock does not restrict connections".to_owned())
        }
        _ => None,
    };
    Ok((weakness, covers_udp))
}

/// The attempt that only the newest kernels refuse.
pub(crate) const UDP: &str = "send UDP to 127.0.0.1";

/// Tries what a confined process must not be able to do. Returns what it tried, and whether that was refused.
pub(crate) fn attempts() -> [(&'static str, bool); 4] {
    // Refused connections also end with an error: the port is closed.
    fn is_refused<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    }
    // To the port for what is to be discarded.
    let datagram = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.send_to(&[], (Ipv4Addr::LOCALHOST, 9));
    [
        ("open /etc/passwd", is_refused(fs::File::open("/etc/passwd"))),
        ("connect to 127.0.0.1", is_refused(TcpStream::connect((Ipv4Addr::LOCALHOST, 1)))),
        ("listen on 127.0.0.1", is_refused(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))),
        (UDP, is_refused(datagram())),
    ]
}
