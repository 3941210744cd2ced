//! The batch API (`docs/api/batch.md`): read the request once, write the answer fast.
//!
//! What is wrong with one object is told in its place in the answer and does not touch its
//! neighbours; what is wrong with the whole request is a [`BatchError`].

use std::{borrow::Cow, collections::HashMap, fmt, hash::BuildHasher};

use serde::Serialize;

use crate::{Oid, sign::Verb};

mod request;

/// What the client wants to do with the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Get them.
    Download,
    /// Send them.
    Upload,
}

/// How the bytes will move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transfer {
    /// One GET or PUT per object (`docs/api/basic-transfers.md`).
    Basic,
}

impl Transfer {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
        }
    }
}

/// A request that was understood.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// What to do.
    pub operation: Operation,
    /// The best transfer that both sides know.
    pub transfer: Transfer,
    /// Full name of the ref that the objects belong to, if the client told.
    pub ref_name: Option<String>,
    /// At least one, in the order of the request; the same object may be there twice.
    pub objects: Vec<RequestedObject>,
}

/// One entry of the request.
#[derive(Clone, Debug)]
pub struct RequestedObject {
    /// The object and its size in bytes, or what is wrong with the entry.
    pub wanted: Result<(Oid, u64), ObjectError>,
    /// Name under which a browser saves the download (`x-filename`, or `filename` in `extra`).
    pub filename: Option<String>,
    /// How a browser treats the download (`x-disposition`, or `disposition` in `extra`).
    pub disposition: Option<Disposition>,
    /// What to repeat for an entry that was not understood.
    sent: Option<Box<Sent>>,
}

/// Oid and size of a wrong entry as the client wrote them.
#[derive(Clone, Debug)]
struct Sent {
    oid: String,
    size: i128,
}

/// How a browser treats a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Shown in place, if that is safe.
    Inline,
    /// Saved as a file.
    Attachment,
}

/// Why one object of a batch gets no action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectError {
    /// An HTTP status (404, 422, …).
    pub code: u16,
    /// For the user.
    pub message: Cow<'static, str>,
}

impl ObjectError {
    fn unprocessable(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 422, message: message.into() }
    }
}

/// Why a whole request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    /// Decides the status.
    pub kind: BatchErrorKind,
    /// For the user: what to do about it.
    pub message: String,
}

/// Kinds of [`BatchError`], each with its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchErrorKind {
    /// The body is not the JSON of such a request: 400.
    Malformed,
    /// Unknown operation, no objects, no transfer in common: 422.
    Unprocessable,
    /// Another hash than SHA-256: 409.
    HashAlgo,
    /// More objects than a batch may hold: 413.
    TooMany,
}

impl BatchErrorKind {
    /// The HTTP status that the protocol has for it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unprocessable => 422,
            Self::HashAlgo => 409,
            Self::TooMany => 413,
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for BatchError {}

impl BatchRequest {
    /// Reads the body of `POST objects/batch`.
    pub fn parse(body: &[u8], max_objects: usize) -> Result<Self, BatchError> {
        request::parse(body, max_objects)
    }
}

/// Reads the body of a verify action, `{"oid": …, "size": …}`. What is wrong with the values is
/// [`BatchErrorKind::Unprocessable`].
pub fn parse_verify(body: &[u8]) -> Result<(Oid, u64), BatchError> {
    request::parse_verify(body)
}

/// Where and how long an object can be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Absolute URL.
    pub href: String,
    /// Seconds from now for which the URL is good.
    pub expires_in: u32,
    /// Headers that the client must send as they are, names and values.
    pub headers: Vec<(&'static str, String)>,
}

/// Writes the JSON answer.
///
/// `known` has the objects that this repository holds, with their sizes; `max_size` bounds new
/// objects, in bytes. `action` makes the URL for a verb on one object of the request; it is called
/// only for what may go ahead. The entries are answered in the order of the request, an object that
/// was asked for twice is answered twice.
pub fn answer<S: BuildHasher>(
    request: &BatchRequest,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
    mut action: impl FnMut(Verb, Oid, u64, &RequestedObject) -> Action,
) -> Vec<u8> {
    let per_object = match request.operation {
        Operation::Download => 400,
        Operation::Upload => 750,
    };
    let mut reply = Reply(Vec::with_capacity(80 + request.objects.len() * per_object));
    reply.raw("{\"transfer\":\"");
    reply.raw(request.transfer.name());
    reply.raw("\",\"objects\":[");
    for (index, object) in request.objects.iter().enumerate() {
        if index > 0 {
            reply.raw(",");
        }
        reply.object(object);
        let decided = object.wanted.as_ref().map_err(ObjectError::clone).and_then(|&(oid, size)| {
            let verbs = decide(request.operation, oid, size, known.get(&oid).copied(), max_size)?;
            Ok((oid, size, verbs))
        });
        match decided {
            Err(error) => reply.error(&error),
            Ok((_, _, [])) => {}
            Ok((oid, size, verbs)) => {
                reply.raw(",\"authenticated\":true,\"actions\":{");
                for (index, &verb) in verbs.iter().enumerate() {
                    if index > 0 {
                        reply.raw(",");
                    }
                    reply.action(verb, &action(verb, oid, size, object));
                }
                reply.raw("}");
            }
        }
        reply.raw("}");
    }
    reply.raw("],\"hash_algo\":\"sha256\"}");
    reply.0
}

/// The actions that one object gets; none if there is nothing to do.
fn decide(
    operation: Operation,
    oid: Oid,
    size: u64,
    held: Option<u64>,
    max_size: Option<u64>,
) -> Result<&'static [Verb], ObjectError> {
    match (operation, held) {
        (_, Some(held)) if held != size => Err(ObjectError::unprocessable(format!(
            "this object has {held} bytes here, not {size}; check the pointer file"
        ))),
        (Operation::Download, Some(_)) => Ok(&[Verb::Download]),
        (Operation::Download, None) => Err(ObjectError {
            code: 404,
            message: Cow::Borrowed("this object is not on the server; push it from a clone that has it"),
        }),
        (Operation::Upload, Some(_)) => Ok(&[]),
        (Operation::Upload, None) => match max_size {
            Some(max) if size > max => Err(ObjectError::unprocessable(format!(
                "this object has {size} bytes; the largest allowed here is {max}"
            ))),
            _ if (size == 0) != (oid == Oid::EMPTY) => {
                Err(ObjectError::unprocessable("no content has this oid and this size; check the pointer file"))
            }
            _ => Ok(&[Verb::Upload, Verb::Verify]),
        },
    }
}

/// JSON text in the making. Written by hand: a batch is the hottest answer of the server, and its
/// parts are digits, numbers and URLs that rarely need an escape.
struct Reply(Vec<u8>);

impl Reply {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: impl Serialize) {
        serde_json::to_writer(&mut self.0, &number).expect("writing to memory cannot fail");
    }

    /// A string with its quotes.
    fn text(&mut self, text: &str) {
        let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        // Counting has no early end, which lets the compiler look at many bytes at a time.
        if text.bytes().filter(special).count() == 0 {
            self.raw("\"");
            self.raw(text);
            self.raw("\"");
        } else {
            serde_json::to_writer(&mut self.0, text).expect("writing to memory cannot fail");
        }
    }

    /// The head of an entry, without its closing brace.
    fn object(&mut self, object: &RequestedObject) {
        self.raw("{\"oid\":");
        match (&object.sent, &object.wanted) {
            (Some(sent), _) => {
                self.text(&sent.oid);
                self.raw(",\"size\":");
                self.number(sent.size);
            }
            (None, Ok((oid, size))) => {
                self.raw("\"");
                self.0.extend_from_slice(&oid.digits());
                self.raw("\",\"size\":");
                self.number(size);
            }
            // Not made by `parse`, but the fields are public.
            (None, Err(_)) => self.raw("\"\",\"size\":0"),
        }
    }

    fn error(&mut self, error: &ObjectError) {
        self.raw(",\"error\":{\"code\":");
        self.number(error.code);
        self.raw(",\"message\":");
        self.text(&error.message);
        self.raw("}");
    }

    fn action(&mut self, verb: Verb, action: &Action) {
        self.raw(match verb {
            Verb::Download => "\"download\":{\"href\":",
            Verb::Upload => "\"upload\":{\"href\":",
            Verb::Verify => "\"verify\":{\"href\":",
        });
        self.text(&action.href);
        if verb == Verb::Upload {
            // Without it the client guesses a type from the content.
            self.raw(",\"header\":{\"Content-Type\":\"application/octet-stream\"");
            for (name, value) in &action.headers {
                self.raw(",");
                self.text(name);
                self.raw(":");
                self.text(value);
            }
            self.raw("}");
        }
        self.raw(",\"expires_in\":");
        // The client reads a signed 32-bit number.
        self.number(action.expires_in.min(i32::MAX.unsigned_abs()));
        self.raw("}");
    }
}

#[cfg(test)]
mod tests;
