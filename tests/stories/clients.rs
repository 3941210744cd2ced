//! Scripts in Python and Node.js with real clients. What they share is in `clients/`: a browser, and the control, npm's
//! oidc-provider.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rutter_testing::{PASSWORD, environment};

/// Returns a command that runs a script of Node.js.
pub(crate) fn node(script: &Path) -> Command {
    let mut command = Command::new("node");
    command.env_clear().env("PATH", environment("PATH").unwrap_or_default()).arg(script);
    command
}

/// Returns a command that runs a script of Python, which is below this folder.
pub(crate) fn python_script(python: &Path, script: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut command = Command::new(python);
    // nginx is where only administrators look.
    command.env_clear().env("PATH", format!("{}:/usr/sbin", environment("PATH").unwrap_or_default()));
    command.env("NO_PROXY", "127.0.0.1").env("PYTHONPATH", folder.join("clients")).env("PASSWORD", PASSWORD);
    command.env("AUTHLIB_INSECURE_TRANSPORT", "1").env("OAUTHLIB_INSECURE_TRANSPORT", "1");
    command.arg("-B").arg(folder.join(script));
    command
}

/// A process with its input and output.
pub(crate) struct Process {
    pub(crate) child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// Reads a line, which is empty after the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
