//! Where clients of the API write results: to standard output, or to a file, which appears once it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use clap::builder::styling::Style;
use rutter::clock::Clock;
use rutter::error::{Error, Result};

use super::text_table::escaped;

/// A destination. One that is not finished leaves no file.
pub(super) struct Output {
    to: Destination,
    /// Its name, for messages.
    name: String,
    /// For a terminal, which must not get control characters of data.
    filter: Option<TerminalFilter>,
    has_colours: bool,
}

enum Destination {
    Stdout(BufWriter<Stdout>),
    /// Something that cannot be replaced, such as `/dev/null` or a named pipe.
    Device(BufWriter<File>),
    File(NewFile),
}

/// A file beside the one that it will replace.
struct NewFile {
    file: BufWriter<File>,
    temporary: PathBuf,
    target: PathBuf,
    is_complete: bool,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_complete {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

impl Output {
    /// Opens a file, or standard output without a path or for `-`.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            let to = Destination::Stdout(BufWriter::new(io::stdout()));
            return Ok(Self::new(to, "to standard output".into()));
        };
        let name = path.display().to_string();
        let failed = |error: io::Error| Error::invalid(format!("cannot write {name}: {error}"));
        let to = match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(Error::invalid(format!("{name} is a folder: give the name of a file")));
            }
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
                Destination::Device(BufWriter::new(file))
            }
            // A link stays one.
            Ok(_) => Destination::File(NewFile::create(path.canonicalize().map_err(failed)?).map_err(failed)?),
            Err(_) => Destination::File(NewFile::create(path.to_owned()).map_err(failed)?),
        };
        Ok(Self::new(to, name))
    }

    fn new(to: Destination, name: String) -> Self {
        let is_terminal = match &to {
            Destination::Stdout(out) => out.get_ref().is_terminal(),
            Destination::Device(file) => file.get_ref().is_terminal(),
            Destination::File(_) => false,
        };
        // Users turn colours off with `NO_COLOR`.
        let has_colours = is_terminal && AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Self { to, name, filter: is_terminal.then(TerminalFilter::default), has_colours }
    }

    /// Returns true if a user sees the output at once.
    pub(super) fn is_terminal(&self) -> bool {
        self.filter.is_some()
    }

    /// Returns true if this is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.to, Destination::Stdout(_))
    }

    /// Returns the format that the extension of the file names.
    pub(super) fn format_by_name<F: ValueEnum>(&self) -> Option<F> {
        let Destination::File(file) = &self.to else { return None };
        F::from_str(file.target.extension()?.to_str()?, true).ok()
    }

    /// Returns a style, or the plain one unless this is a terminal with colours.
    pub(super) fn style(&self, style: Style) -> Style {
        if self.has_colours { style } else { Style::new() }
    }

    /// Returns the number of columns of the terminal; `None` if this is not one.
    pub(super) fn width(&self) -> Option<usize> {
        let size = match &self.to {
            Destination::Stdout(out) => rustix::termios::tcgetwinsize(out.get_ref()),
            Destination::Device(file) => rustix::termios::tcgetwinsize(file.get_ref()),
            Destination::File(_) => return None,
        };
        size.ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0)
    }

    /// Refuses to show bytes of a binary format to a user.
    pub(super) fn expect_binary(&self, format: &str) -> Result<()> {
        if self.is_terminal() {
            return Err(Error::invalid(format!(
                "{format} is a binary format: write it to a file with -o FILE, or redirect standard output"
            )));
        }
        Ok(())
    }

    /// Writes bytes of data.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.filter {
            Some(filter) => {
                let safe = filter.piece(bytes);
                self.put_lines(&safe)
            }
            None => self.put_raw(bytes),
        }
    }

    /// Writes text of this program, in which data has no control characters: it may have colours.
    pub(super) fn put_lines(&mut self, text: &str) -> Result<()> {
        self.put_raw(text.as_bytes())
    }

    fn put_raw(&mut self, bytes: &[u8]) -> Result<()> {
        let out: &mut dyn Write = match &mut self.to {
            Destination::Stdout(out) => out,
            Destination::Device(file) => file,
            Destination::File(new) => &mut new.file,
        };
        let done = out.write_all(bytes);
        done.map_err(|error| self.failed(error))
    }

    /// Writes what a terminal must have received by now.
    pub(super) fn flush(&mut self) -> Result<()> {
        let done = match &mut self.to {
            Destination::Stdout(out) => out.flush(),
            Destination::Device(file) => file.flush(),
            Destination::File(new) => new.file.flush(),
        };
        done.map_err(|error| self.failed(error))
    }

    /// Ends the output: a file gets its name.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()?;
        if let Destination::File(new) = &mut self.to {
            let done = new.keep();
            done.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::unavailable(format!("cannot write {}: {error}", self.name)).because(error)
    }
}

impl NewFile {
    fn create(target: PathBuf) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        // The name may have all the bytes that a name can have.
        let name: String = name.chars().take(40).collect();
        let temporary = target.with_file_name(format!(".{name}.{}.part", Clock::default().id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        Ok(Self { file: BufWriter::new(file), temporary, target, is_complete: false })
    }

    fn keep(&mut self) -> io::Result<()> {
        if let Ok(replaced) = std::fs::metadata(&self.target) {
            self.file.get_ref().set_permissions(replaced.permissions())?;
        }
        std::fs::rename(&self.temporary, &self.target)?;
        self.is_complete = true;
        Ok(())
    }
}

/// Returns true if the reader of standard output has closed it, as `head` does.
pub(super) fn is_closed_pipe(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Makes text that arrives in pieces safe for a terminal. Lines and tabs stay.
#[derive(Default)]
struct TerminalFilter {
    /// The beginning of a character whose end is in the next piece.
    rest: Vec<u8>,
}

impl TerminalFilter {
    /// Returns the text of a piece, with control characters escaped.
    fn piece(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let complete = match str::from_utf8(&self.rest) {
            // An unfinished character at the end.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // Anything else that is not UTF-8 is replaced; a character is split at most three bytes before the end.
            _ => self.rest.len(),
        };
        let rest = self.rest.split_off(complete);
        let text = String::from_utf8_lossy(&std::mem::replace(&mut self.rest, rest)).into_owned();
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' => safe.push(c),
                // CSV may end its lines with it.
                '\r' => {}
                c => safe.extend(escaped(c)),
            }
        }
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_once_it_is_complete() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut first = Output::open(Some(&path)).unwrap();
        first.put(b"a\n1\n").unwrap();
        assert!(!path.exists() && names(folder.path()).len() == 1);
        drop(first);
        assert_eq!(names(folder.path()), [] as [&str; 0], "an interrupted download leaves nothing");

        let mut second = Output::open(Some(&path)).unwrap();
        second.put(b"a\n2\n").unwrap();
        assert!(!second.is_terminal() && !second.is_stdout() && second.width().is_none());
        second.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n2\n");

        // A file is replaced as a whole, keeps its permissions, and stays as it is until then; a link stays a link.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("a.csv", &link).unwrap();
        let mut third = Output::open(Some(&link)).unwrap();
        third.put(b"a\n3\n").unwrap();
        third.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n2\n");
        third.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n3\n");
        assert!(link.is_symlink());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), ["a.csv", "link"]);
    }

    #[test]
    fn names_that_cannot_be_written_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| Output::open(Some(path)).err().unwrap().to_string();
        assert!(error(folder.path()).contains("is a folder"));
        assert!(error(&folder.path().join("none/a.csv")).starts_with("cannot write "));
        // The longest name that file systems allow.
        let long = folder.path().join("é".repeat(127));
        Output::open(Some(&long)).unwrap().finish().unwrap();
        assert!(long.exists());
    }

    #[test]
    fn devices_are_written_and_not_replaced() {
        let mut null = Output::open(Some(Path::new("/dev/null"))).unwrap();
        null.put(b"x").unwrap();
        assert!(matches!(null.to, Destination::Device(_)));
        null.finish().unwrap();
    }

    #[test]
    fn terminals_get_no_control_characters() {
        let text = "a,\u{1b}]0;title\u{7}\r\n\"é\u{9b}1m\t\u{202e}\"\n".as_bytes();
        let expected = "a,\\u{1b}]0;title\\u{7}\n\"é\\u{9b}1m\t\\u{202e}\"\n";
        for size in 1..=text.len() {
            let mut filter = TerminalFilter::default();
            let shown: String = text.chunks(size).map(|piece| filter.piece(piece)).collect();
            assert_eq!(shown, expected, "in pieces of {size}");
        }
        let mut filter = TerminalFilter::default();
        assert_eq!(filter.piece(b"a\xff\x1bb"), "a\u{fffd}\\u{1b}b");
        // Bytes that never become a character do not collect.
        for _ in 0..10 {
            filter.piece(b"\xe2\x82");
        }
        assert!(filter.rest.len() < 4);
    }
}
