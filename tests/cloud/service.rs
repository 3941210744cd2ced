//! PostgreSQL and Garage, started by the scripts, as processes that tests can stop.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// One server process with its data. Dropping it ends both.
pub(crate) struct Service {
    /// Deletes everything when its standard input ends.
    script: Child,
    /// The current process.
    process: u32,
    /// One that was started again is our own child.
    again: Option<Child>,
    command: Vec<OsString>,
    environment: Vec<OsString>,
    folder: PathBuf,
    user: (u32, u32),
}

impl Service {
    /// Starts a server with one of the scripts; returns its address too, which the script exports as `variable`.
    pub(crate) fn start(script: &str, variable: &str) -> (Self, String) {
        let reply_body = format!("printf '%s\\n' \"${variable}_PID\" \"${variable}\"; exec cat >/dev/null");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
        let mut command = Command::new(path);
        command.args(["sh", "-c", &reply_body]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let mut line = || lines.next().unwrap_or_else(|| panic!("{command:?} tells nothing")).unwrap();
        let (process, url) = (line().parse::<u32>().unwrap(), line());
        let about = PathBuf::from(format!("/proc/{process}"));
        let owner = std::fs::metadata(&about).unwrap();
        let service = Self {
            script,
            process,
            again: None,
            command: words(&std::fs::read(about.join("cmdline")).unwrap()),
            environment: words(&std::fs::read(about.join("environ")).unwrap()),
            folder: std::fs::read_link(about.join("cwd")).unwrap(),
            user: (owner.uid(), owner.gid()),
        };
        (service, url)
    }

    /// The process ends at once, whatever it is doing: `QUIT` for PostgreSQL, which then ends its children at once,
    /// `KILL` for others.
    pub(crate) fn end(&mut self, signal: &str) {
        self.signal(signal);
        match &mut self.again {
            Some(child) => drop(child.wait().unwrap()),
            None => self.await_end(),
        }
    }

    /// The same command on the same data.
    pub(crate) fn restart(&mut self) {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(&self.folder).uid(self.user.0).gid(self.user.1).env_clear();
        for entry in &self.environment {
            let entry = entry.to_str().unwrap();
            command.envs(entry.split_once('='));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        self.process = child.id();
        self.again = Some(child);
    }

    /// Sends a signal: `STOP` and `CONT` make it hang.
    pub(crate) fn signal(&self, signal: &str) {
        let done = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", signal, &self.process.to_string()]).status();
        assert!(done.unwrap().success(), "kill -{signal}");
    }

    /// `STOP` or `CONT` for it and its children: first for it, so that it starts no more of them. After `STOP` all of
    /// them have stopped.
    pub(crate) fn signal_all(&self, signal: &str) {
        self.signal(signal);
        loop {
            let reply_body =
                self.family().into_iter().filter(|(_, state)| signal != "STOP" || !"TZX".contains(state.as_str()));
            let reply_body: Vec<String> = reply_body.map(|(process, _)| process).collect();
            if reply_body.is_empty() {
                return;
            }
            send(signal, &reply_body);
            if signal != "STOP" {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// It and its children, each with its state.
    fn family(&self) -> Vec<(String, String)> {
        let (own, mut family) = (self.process.to_string(), Vec::new());
        for entry in std::fs::read_dir("/proc").unwrap() {
            let Ok(process) = entry.unwrap().file_name().into_string() else { continue };
            let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let Some((_, rest)) = status.rsplit_once(") ") else { continue };
            let mut fields = rest.split(' ');
            let (state, parent) = (fields.next().unwrap(), fields.next().unwrap());
            if process == own || parent == own {
                family.push((process, state.to_owned()));
            }
        }
        family
    }

    /// Waits until the process has ended or is a zombie: the script reaps its child only at its own end.
    fn await_end(&self) {
        let alive = || {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", self.process)).unwrap_or_default();
            status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
        };
        while alive() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A process that is stopped ends only when it goes on: a story may have failed while it was.
        send("CONT", &self.family().into_iter().map(|(process, _)| process).collect::<Vec<_>>());
        if let Some(child) = &mut self.again {
            let _ = child.kill();
            let _ = child.wait();
        }
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

/// A list as `/proc` gives it.
fn words(list: &[u8]) -> Vec<OsString> {
    let list = list.strip_suffix(b"\0").unwrap_or(list);
    list.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

/// Signals several processes; those that have ended meanwhile are passed over.
fn send(signal: &str, processes: &[String]) {
    let _ = Command::new("sh").args(["-c", "kill -\"$0\" \"$@\"", signal]).args(processes).status();
}
