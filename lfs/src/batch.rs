//! The batch API (`docs/api/batch.md`): read the request once, write the answer fast.
//!
//! What is wrong with one object is told in its place in the answer and does not touch its
//! neighbours; what is wrong with the whole request is a [`BatchError`].

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasher, RandomState},
};

use crate::{
    Oid,
    parts::{Plan, StoredPart, WantDigest},
    sign::{Step, Verb},
};

mod negotiation;
mod reply;
mod request;

use reply::Reply;

/// What the client wants to do with the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Get them.
    Download,
    /// Send them.
    Upload,
}

/// How the bytes will move. One transfer holds for all objects of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transfer {
    /// One GET or PUT per object (`docs/api/basic-transfers.md`).
    Basic,
    /// Parts of giftless: only those that are missing are asked for.
    MultipartBasic,
    /// Parts of Hugging Face: all of them in one go, each URL in a header of the upload action.
    Multipart,
    /// The tus protocol 1.0 (`lfs.tustransfers` of git-lfs).
    Tus,
}

impl Transfer {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::MultipartBasic => "multipart-basic",
            Self::Multipart => "multipart",
            Self::Tus => "tus",
        }
    }
}

/// What a server can do besides [`Transfer::Basic`], for the store that the objects go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Objects of at least so many bytes are worth more than one request.
    pub from: u64,
    /// Whether there is [`Transfer::MultipartBasic`].
    pub multipart_basic: bool,
    /// Whether there is [`Transfer::Multipart`].
    pub multipart: bool,
    /// Whether there is [`Transfer::Tus`].
    pub tus: bool,
}

/// How the objects of a batch are going to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The transfer.
    pub transfer: Transfer,
    /// The objects for which an upload is to be begun, or taken up where it goes on already, before the
    /// answer is written. Distinct, in the order of the request.
    pub begin: Vec<(Oid, u64)>,
}

/// An upload that was begun, or that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its id.
    pub upload: [u8; 16],
    /// How the object is cut.
    pub plan: Plan,
    /// The parts that have arrived.
    pub stored: Vec<StoredPart>,
    /// The digest to send with each part, if the client asked ([`RequestedObject::want_digest`]) and the
    /// store compares it.
    pub want_digest: Option<WantDigest>,
}

/// A request that was understood.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// What to do.
    pub operation: Operation,
    /// Full name of the ref that the objects belong to, if the client told.
    pub ref_name: Option<String>,
    /// At least one, in the order of the request; the same object may be there twice.
    pub objects: Vec<RequestedObject>,
    transfers: Transfers,
}

/// What matters of the transfers that a client can do, in whichever order and among whatever others.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of names, each there or not")]
struct Transfers {
    /// Also where there is no list, or an empty one: every client knows it.
    basic: bool,
    multipart_basic: bool,
    multipart: bool,
    tus: bool,
    /// Names that nobody but git-lfs sends.
    git_lfs: bool,
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
    /// The digest that the client wants to send with each part (`x-want-digest`, `x-want_digest`).
    pub want_digest: Option<WantDigest>,
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
    /// An HTTP status (404, 413, 422, 507, …).
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

    /// Whether the client may send a bare PUT, without the headers of the action: that of Hugging Face,
    /// which offers `multipart`, does.
    pub fn may_ignore_headers(&self) -> bool {
        self.transfers.multipart
    }

    /// Chooses how the objects are sent: in parts if one of them is to be uploaded, large enough, and
    /// both sides know how; else basic. `known` and `max_size` are as in [`answer`].
    ///
    /// Where both know more than one way, `multipart-basic` is better than `multipart`, of which no part
    /// can be left out, and that is better than `tus`, of which no part goes straight to a bucket.
    ///
    /// Errors: [`BatchErrorKind::Unprocessable`] if the client knows nothing that is offered.
    pub fn negotiate<S: BuildHasher>(
        &self,
        offered: &Offered,
        known: &HashMap<Oid, u64, S>,
        max_size: Option<u64>,
    ) -> Result<Negotiated, BatchError> {
        negotiation::negotiate(self, offered, known, max_size)
    }

    /// What an upload asks for that is not known yet and could be taken: distinct, in the order of the
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

    /// Refuses these objects, each in its place in the answer.
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

/// Writes the JSON answer of a batch with [`Transfer::Basic`].
///
/// `known` has the objects that this repository holds, with their sizes; `max_size` bounds new
/// objects, in bytes. `action` makes the URL for a verb on one object of the request; it is called
/// only for what may go ahead. The entries are answered in the order of the request, an object that
/// was asked for twice is answered twice.
pub fn answer<S: BuildHasher>(
    request: &BatchRequest,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
    action: impl FnMut(Verb, Oid, u64, &RequestedObject) -> Action,
) -> Vec<u8> {
    let none: HashMap<_, _, RandomState> = HashMap::new();
    answer_uploads(request, Transfer::Basic, known, max_size, &none, action, |_, _, _, _| {
        unreachable!("no upload was begun")
    })
}

/// Writes the JSON answer of a batch with the transfer that was negotiated, like [`answer`].
///
/// `begun` has the uploads that [`Negotiated::begin`] asked for. What is not there is sent with one
/// request, in the words of the transfer.
/// `upload_action` makes the URL for a step of an upload, and is told how many bytes the step is about.
pub fn answer_uploads<S: BuildHasher, T: BuildHasher>(
    request: &BatchRequest,
    transfer: Transfer,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
    begun: &HashMap<Oid, Begun, T>,
    mut action: impl FnMut(Verb, Oid, u64, &RequestedObject) -> Action,
    mut upload_action: impl FnMut(Step, &Begun, Oid, u64) -> Action,
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
                        reply.upload(transfer, upload, oid, |step, size| upload_action(step, upload, oid, size));
                        reply.raw(",");
                        reply.action(Verb::Verify, &action(Verb::Verify));
                    }
                    None if transfer == Transfer::MultipartBasic && verbs.contains(&Verb::Upload) => {
                        reply.only_part(&action(Verb::Upload), size);
                        reply.raw(",");
                        reply.action(Verb::Verify, &action(Verb::Verify));
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
            Some(max) if size > max => Err(ObjectError {
                code: 413,
                message: Cow::Owned(format!("this object has {size} bytes; the largest allowed here is {max}")),
            }),
            // The other way round is offered, as git-lfs' own test of servers expects: what arrives is refused for its hash.
            _ if size > 0 && oid == Oid::EMPTY => {
                Err(ObjectError::unprocessable("no content has this oid and this size; check the pointer file"))
            }
            _ => Ok(&[Verb::Upload, Verb::Verify]),
        },
    }
}

#[cfg(test)]
mod tests;
