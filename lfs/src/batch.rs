//! The Git LFS batch API (`docs/api/batch.md`): parses the request and writes the response.
//!
//! An error that concerns one object is reported in that object's entry and does not affect the others; an error
//! in the request as a whole is a [`BatchError`].

use std::{
    borrow::{Borrow, Cow},
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasher, RandomState},
};

use crate::{
    Oid,
    parts::{Plan, StoredPart, WantDigest},
    sign::{Step, Verb},
};

mod completion;
mod negotiation;
mod reply;
mod request;

pub use completion::{CompletedPart, Completion};
use reply::Reply;

/// The operation that the client requests for the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Download the objects.
    Download,
    /// Upload the objects.
    Upload,
}

/// The transfer adapter: how the bytes will move. One transfer applies to all objects of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transfer {
    /// One GET or PUT per object (`docs/api/basic-transfers.md`).
    Basic,
    /// Multipart uploads of Giftless: only the missing parts are requested.
    MultipartBasic,
    /// Multipart uploads of Hugging Face: all parts at once, with each URL in a header of the upload action.
    Multipart,
    /// The tus protocol 1.0 (`lfs.tustransfers` of git-lfs).
    Tus,
    /// Xet, by Hugging Face's clients and git-xet: the upload action has the URL of a token and, in its headers, the
    /// first token. There is no verify action.
    Xet,
}

impl Transfer {
    /// Returns its name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::MultipartBasic => "multipart-basic",
            Self::Multipart => "multipart",
            Self::Tus => "tus",
            Self::Xet => "xet",
        }
    }
}

/// The transfers that a server offers besides [`Transfer::Basic`], given the store that the objects go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of names, each there or not")]
pub struct TransferOffer {
    /// Size in bytes from which an object is uploaded in several requests.
    pub from: u64,
    /// True if [`Transfer::MultipartBasic`] is offered.
    pub multipart_basic: bool,
    /// True if [`Transfer::Multipart`] is offered.
    pub multipart: bool,
    /// True if [`Transfer::Tus`] is offered.
    pub tus: bool,
    /// True if [`Transfer::Xet`] is offered.
    pub xet: bool,
}

/// The negotiated transfer of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The transfer.
    pub transfer: Transfer,
    /// The objects whose upload must be started, or resumed if it is already under way, before the response is
    /// written. Distinct, in the order of the request.
    pub begin: Vec<(Oid, u64)>,
}

/// An upload that was started, or that is being resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedUpload {
    /// Its upload id.
    pub upload: [u8; 16],
    /// How the object is split into parts.
    pub plan: Plan,
    /// The parts that the store already has.
    pub stored: Vec<StoredPart>,
    /// The digest to send with each part, if the client asked for one ([`RequestedObject::want_digest`]) and the
    /// store verifies it.
    pub want_digest: Option<WantDigest>,
}

/// A parsed batch request.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// The requested operation.
    pub operation: Operation,
    /// Full name of the ref that the objects belong to, if the client sent one.
    pub ref_name: Option<String>,
    /// The requested objects: at least one, in the order of the request. The same object may be listed twice.
    pub objects: Vec<RequestedObject>,
    transfers: Transfers,
}

/// The relevant ones among the transfers that a client supports.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of names, each there or not")]
struct Transfers {
    /// Also true if the list is missing or empty: every client supports it.
    basic: bool,
    multipart_basic: bool,
    multipart: bool,
    tus: bool,
    xet: bool,
    /// True for names that only git-lfs sends.
    git_lfs: bool,
}

/// One entry of the request.
#[derive(Clone, Debug)]
pub struct RequestedObject {
    /// The object and its size in bytes, or what is wrong with the entry.
    pub wanted: Result<(Oid, u64), ObjectError>,
    /// Filename under which a browser saves the download (`x-filename`, or `filename` in `extra`).
    pub filename: Option<String>,
    /// How a browser handles the download (`x-disposition`, or `disposition` in `extra`).
    pub disposition: Option<Disposition>,
    /// The digest that the client wants to send with each part (`x-want-digest`, `x-want_digest`).
    pub want_digest: Option<WantDigest>,
    /// The values to echo for an entry that could not be parsed.
    sent: Option<Box<Sent>>,
}

/// Oid and size of an invalid entry as the client sent them.
#[derive(Clone, Debug)]
struct Sent {
    oid: String,
    size: i128,
}

/// How a browser handles a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Displayed in the browser, if that is safe.
    Inline,
    /// Saved as a file.
    Attachment,
}

/// Why one object of a batch gets no action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectError {
    /// HTTP status code (404, 413, 422, 507, …).
    pub code: u16,
    /// Message for the user.
    pub message: Cow<'static, str>,
}

impl ObjectError {
    fn unprocessable(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 422, message: message.into() }
    }
}

/// Why the whole request is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    /// Determines the HTTP status.
    pub kind: BatchErrorKind,
    /// Message for the user, with what to do about it.
    pub message: String,
}

/// Kinds of [`BatchError`], each with its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchErrorKind {
    /// The body is not valid JSON of a batch request: 400.
    Malformed,
    /// Unknown operation, no objects, or no transfer in common: 422.
    Unprocessable,
    /// A hash algorithm other than SHA-256: 409.
    HashAlgo,
    /// More objects than a batch may contain: 413.
    TooMany,
}

impl BatchErrorKind {
    /// Returns the HTTP status that the protocol assigns to it.
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
    /// Parses the body of `POST objects/batch`.
    pub fn parse(body: &[u8], max_objects: usize) -> Result<Self, BatchError> {
        request::parse(body, max_objects)
    }

    /// Returns true if the client may send a bare PUT without the headers of the action, as Hugging Face's
    /// client, which supports `multipart`, does.
    pub fn may_ignore_headers(&self) -> bool {
        self.transfers.multipart
    }

    /// Returns true for an upload by a client that supports [`Transfer::Xet`].
    pub fn offers_xet(&self) -> bool {
        self.operation == Operation::Upload && self.transfers.xet
    }

    /// Chooses the transfer: Xet if both sides support it, since it sends only what is new; a multipart one if at least one object to upload is large enough and both sides
    /// support it; otherwise basic. `known` and `max_size` are as in [`answer`].
    ///
    /// If both sides support several, `multipart-basic` is preferred to `multipart`, which cannot skip parts that
    /// are already stored, and `multipart` to `tus`, whose bytes never go directly to a bucket.
    ///
    /// Errors: [`BatchErrorKind::Unprocessable`] if the client supports no offered transfer.
    pub fn negotiate<S: BuildHasher>(
        &self,
        offered: &TransferOffer,
        known: &HashMap<Oid, u64, S>,
        max_size: Option<u64>,
    ) -> Result<Negotiated, BatchError> {
        negotiation::negotiate(self, offered, known, max_size)
    }

    /// Returns the requested uploads that are not stored yet and can be accepted: distinct, in the order of the
    /// request. `known` and `max_size` are as in [`answer`].
    pub fn news<S: BuildHasher>(&self, known: &HashMap<Oid, u64, S>, max_size: Option<u64>) -> Vec<(Oid, u64)> {
        let mut seen = HashSet::new();
        let wanted = self.objects.iter().filter_map(|object| object.wanted.as_ref().ok());
        let goes_ahead = wanted.filter(|&&(oid, size)| {
            let verbs = decide(Operation::Upload, oid, size, known.get(&oid).copied(), max_size);
            verbs.is_ok_and(|verbs| !verbs.is_empty()) && seen.insert(oid)
        });
        goes_ahead.copied().collect()
    }

    /// Rejects these objects, each in its own entry of the response.
    pub fn refuse(&mut self, oids: &HashSet<Oid>, error: &ObjectError) {
        for object in &mut self.objects {
            if let Ok((oid, size)) = object.wanted
                && oids.contains(&oid)
            {
                object.sent = Some(Box::new(Sent { oid: oid.to_string(), size: size.into() }));
                object.wanted = Err(error.clone());
            }
        }
    }
}

/// Parses the body of a verify action, `{"oid": …, "size": …}`. Invalid values are
/// [`BatchErrorKind::Unprocessable`].
pub fn parse_verify(body: &[u8]) -> Result<(Oid, u64), BatchError> {
    request::parse_verify(body)
}

/// The URL for a transfer of one object, with its headers and lifetime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Absolute URL.
    pub href: String,
    /// Lifetime of the URL in seconds from now.
    pub expires_in: u32,
    /// Headers that the client must send unchanged: names and values.
    pub headers: Vec<(&'static str, String)>,
}

/// Writes the JSON response of a batch with [`Transfer::Basic`].
///
/// `known` maps the objects that this repository has to their sizes; `max_size` limits new objects, in bytes.
/// `action` builds the URL for a verb on one object of the request; it is called only for objects that may be
/// transferred. The entries are in the order of the request; an object that is listed twice is answered twice.
pub fn answer<S: BuildHasher>(
    request: &BatchRequest,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
    action: impl FnMut(Verb, Oid, u64, &RequestedObject) -> Action,
) -> Vec<u8> {
    let none: HashMap<Oid, StartedUpload, RandomState> = HashMap::new();
    answer_uploads(request, Transfer::Basic, known, max_size, &none, action, |_, _, _, _| {
        unreachable!("no upload was begun")
    })
}

/// Writes the JSON response of a batch with the negotiated transfer, like [`answer`].
///
/// `begun` contains the uploads that [`Negotiated::begin`] asked for. An object that is not in it is sent in one
/// request, in the format of the transfer. `upload_action` builds the URL for a step of an upload; its last
/// argument is the number of bytes of the step.
pub fn answer_uploads<S: BuildHasher, T: BuildHasher, U: Borrow<StartedUpload>>(
    request: &BatchRequest,
    transfer: Transfer,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
    begun: &HashMap<Oid, U, T>,
    mut action: impl FnMut(Verb, Oid, u64, &RequestedObject) -> Action,
    mut upload_action: impl FnMut(Step, &U, Oid, u64) -> Action,
) -> Vec<u8> {
    let per_object = match request.operation {
        Operation::Download => 400,
        Operation::Upload => 750,
    };
    let mut reply = Reply::with_capacity(80 + request.objects.len() * per_object);
    reply.raw("{\"transfer\":\"");
    reply.raw(transfer.name());
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
                let mut action = |verb| action(verb, oid, size, object);
                match begun.get(&oid).filter(|_| verbs.contains(&Verb::Upload)) {
                    Some(upload) => {
                        reply.upload(transfer, upload.borrow(), oid, |step, size| {
                            upload_action(step, upload, oid, size)
                        });
                        reply.raw(",");
                        reply.action(Verb::Verify, &action(Verb::Verify));
                    }
                    None if transfer == Transfer::MultipartBasic && verbs.contains(&Verb::Upload) => {
                        reply.only_part(&action(Verb::Upload), size);
                        reply.raw(",");
                        reply.action(Verb::Verify, &action(Verb::Verify));
                    }
                    None if transfer == Transfer::Xet && verbs.contains(&Verb::Upload) => {
                        reply.action(Verb::Upload, &action(Verb::Upload));
                    }
                    None => {
                        for (index, &verb) in verbs.iter().enumerate() {
                            if index > 0 {
                                reply.raw(",");
                            }
                            reply.action(verb, &action(verb));
                        }
                    }
                }
                reply.raw("}");
            }
        }
        reply.raw("}");
    }
    reply.raw("],\"hash_algo\":\"sha256\"}");
    reply.into_bytes()
}

/// Returns the actions for one object; empty if there is nothing to do.
fn decide(
    operation: Operation,
    oid: Oid,
    size: u64,
    held: Option<u64>,
    max_size: Option<u64>,
) -> Result<&'static [Verb], ObjectError> {
    match (operation, held) {
        (_, Some(held)) if held != size => Err(ObjectError::unprocessable(format!(
            "the server has this object with {held} bytes, not {size}; check the pointer file"
        ))),
        (Operation::Download, Some(_)) => Ok(&[Verb::Download]),
        (Operation::Download, None) => Err(ObjectError {
            code: 404,
            message: Cow::Borrowed("this object is not on the server; push it from a clone that has it"),
        }),
        (Operation::Upload, Some(_)) => Ok(&[]),
        (Operation::Upload, None) => match max_size {
            Some(max) if size > max => Err(ObjectError {
                code: 413,
                message: Cow::Owned(format!("the object has {size} bytes; the maximum object size is {max}")),
            }),
            // The opposite case is offered, as the server tests of git-lfs expect: the content is then rejected
            // because of its hash.
            _ if size > 0 && oid == Oid::EMPTY => {
                Err(ObjectError::unprocessable("no content has this oid and this size; check the pointer file"))
            }
            _ => Ok(&[Verb::Upload, Verb::Verify]),
        },
    }
}

#[cfg(test)]
mod tests;
