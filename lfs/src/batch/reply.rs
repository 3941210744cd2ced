//! Serialization of the batch response. It is written by hand because this is the hottest response of the server,
//! and its values are hex digits, numbers and URLs that rarely need escaping.

use serde::Serialize;

use super::{Action, ObjectError, RequestedObject, StartedUpload, Transfer};
use crate::{
    Oid, media,
    parts::Part,
    sign::{Step, Verb},
};

/// A JSON response under construction.
pub(super) struct Reply(Vec<u8>);

/// A header that this server's own actions always have.
type Fixed = Option<(&'static str, &'static str)>;

/// Without it the client guesses a content type from the content.
const BYTES: Fixed = Some(("Content-Type", "application/octet-stream"));

const JSON: Fixed = Some(("Content-Type", media::MEDIA_TYPE));

impl Reply {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: impl Serialize) {
        serde_json::to_writer(&mut self.0, &number).expect("writing to memory cannot fail");
    }

    /// Writes a quoted string.
    fn text(&mut self, text: &str) {
        let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        // Counting never stops early, which lets the compiler vectorize the loop.
        if text.bytes().filter(special).count() == 0 {
            self.raw("\"");
            self.raw(text);
            self.raw("\"");
        } else {
            serde_json::to_writer(&mut self.0, text).expect("writing to memory cannot fail");
        }
    }

    /// Writes the start of an entry, without its closing brace.
    pub(super) fn object(&mut self, object: &RequestedObject) {
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
            // `parse` never produces this, but the fields are public.
            (None, Err(_)) => self.raw("\"\",\"size\":0"),
        }
    }

    pub(super) fn error(&mut self, error: &ObjectError) {
        self.raw(",\"error\":{\"code\":");
        self.number(error.code);
        self.raw(",\"message\":");
        self.text(&error.message);
        self.raw("}");
    }

    /// Writes an action with its name.
    pub(super) fn action(&mut self, verb: Verb, action: &Action) {
        let (name, fixed) = match verb {
            Verb::Download => ("\"download\":{", None),
            Verb::Upload => ("\"upload\":{", BYTES),
            Verb::Verify => ("\"verify\":{", None),
        };
        self.raw(name);
        self.href(action);
        // Headers of other actions are left out: no client sends them.
        if verb == Verb::Upload {
            self.headers(action, fixed);
        }
        self.expiry(action);
        self.raw("}");
    }

    /// Writes the actions of an upload that was started, without `verify`.
    pub(super) fn upload(
        &mut self,
        transfer: Transfer,
        begun: &StartedUpload,
        oid: Oid,
        mut action: impl FnMut(Step, u64) -> Action,
    ) {
        match transfer {
            Transfer::MultipartBasic => self.multipart_basic(begun, oid, action),
            Transfer::Multipart => self.multipart(begun, action),
            // The client asks the URL for the offset. Nothing is started with the basic transfer.
            Transfer::Tus | Transfer::Basic | Transfer::Xet => {
                let action = action(Step::Tus, begun.plan.size());
                self.raw("\"upload\":{");
                self.href(&action);
                self.headers(&action, None);
                self.expiry(&action);
                self.raw("}");
            }
        }
    }

    /// Source: `docs/source/multipart-spec.md` of Giftless, version 0.9.1. There is no `init`: the upload has
    /// already been started. Methods are given where the client could have another default.
    fn multipart_basic(&mut self, begun: &StartedUpload, oid: Oid, mut action: impl FnMut(Step, u64) -> Action) {
        let missing = begun.plan.missing(begun.stored.iter().copied());
        if !missing.is_empty() {
            self.raw("\"parts\":[");
            for (index, part) in missing.iter().enumerate() {
                if index > 0 {
                    self.raw(",");
                }
                self.part(&action(Step::Part(part.number), part.size), part, begun);
            }
            self.raw("],");
        }
        let commit = action(Step::Commit, begun.plan.size());
        self.raw("\"commit\":{");
        self.href(&commit);
        self.raw(",\"method\":\"POST\"");
        self.headers(&commit, JSON);
        self.raw(",\"body\":");
        self.text(&format!("{{\"oid\":\"{oid}\",\"size\":{}}}", begun.plan.size()));
        self.expiry(&commit);
        let abort = action(Step::Abort, begun.plan.size());
        self.raw("},\"abort\":{");
        self.href(&abort);
        self.raw(",\"method\":\"DELETE\"");
        self.headers(&abort, None);
        self.expiry(&abort);
        self.raw("}");
    }

    fn part(&mut self, action: &Action, part: &Part, begun: &StartedUpload) {
        self.raw("{");
        self.href(action);
        self.headers(action, None);
        self.place(part.position, part.size);
        if let Some(digest) = begun.want_digest {
            self.raw(",\"want_digest\":\"");
            self.raw(digest.text());
            self.raw("\"");
        }
        self.expiry(action);
        self.raw("}");
    }

    /// Writes a small object in a batch of large ones, in the `multipart-basic` format: one part, without a
    /// commit.
    pub(super) fn only_part(&mut self, action: &Action, size: u64) {
        self.raw("\"parts\":[{");
        self.href(action);
        self.headers(action, BYTES);
        self.place(0, size);
        self.expiry(action);
        self.raw("}]");
    }

    /// Source: `lfs.py` and `cli/lfs.py` of `huggingface_hub`. The transfer agent treats every header but the
    /// size as a URL and sorts them by name, so there are no other headers, and all numbers have the same length.
    /// All parts are listed, because the client counts them.
    fn multipart(&mut self, begun: &StartedUpload, mut action: impl FnMut(Step, u64) -> Action) {
        let mut commit = action(Step::Commit, begun.plan.size());
        self.raw("\"upload\":{");
        self.href(&commit);
        self.raw(",\"header\":{\"chunk_size\":\"");
        self.number(begun.plan.part_size());
        self.raw("\"");
        for part in begun.plan.parts() {
            let action = action(Step::Part(part.number), part.size);
            self.raw(&format!(",\"{:05}\":", part.number));
            self.text(&action.href);
            commit.expires_in = commit.expires_in.min(action.expires_in);
        }
        self.raw("}");
        self.expiry(&commit);
        self.raw("}");
    }

    fn href(&mut self, action: &Action) {
        self.raw("\"href\":");
        self.text(&action.href);
    }

    fn headers(&mut self, action: &Action, fixed: Fixed) {
        let own = action.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let mut start = ",\"header\":{";
        for (name, value) in fixed.into_iter().chain(own) {
            self.raw(start);
            self.text(name);
            self.raw(":");
            self.text(value);
            start = ",";
        }
        if start == "," {
            self.raw("}");
        }
    }

    fn place(&mut self, position: u64, size: u64) {
        self.raw(",\"pos\":");
        self.number(position);
        self.raw(",\"size\":");
        self.number(size);
    }

    fn expiry(&mut self, action: &Action) {
        self.raw(",\"expires_in\":");
        // The client parses a signed 32-bit number.
        self.number(action.expires_in.min(i32::MAX.unsigned_abs()));
    }
}
