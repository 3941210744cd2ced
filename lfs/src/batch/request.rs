//! Parsing of batch requests: strict about what matters, lenient about everything else.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

use super::{
    BatchError, BatchErrorKind, BatchRequest, Disposition, ObjectError, Operation, RequestedObject, Sent, Transfer,
    Transfers, negotiation,
};
use crate::{MAX_SIZE, Oid, parts::WantDigest, wire};

/// Maximum number of objects kept while a request is parsed, whatever limit the caller sets: a body of `{},{},…`
/// must not take a hundred times its size in memory.
const MAX_READ: usize = 20_000;

/// The body as received.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    operation: Loose<'a>,
    #[serde(default)]
    transfers: Option<Offered>,
    #[serde(default, rename = "ref", deserialize_with = "wire::ref_name")]
    ref_name: Option<String>,
    #[serde(borrow, default)]
    hash_algo: Option<Loose<'a>>,
    #[serde(borrow, default)]
    objects: Option<Entries<'a>>,
}

/// One object as received.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    oid: Loose<'a>,
    #[serde(borrow, default)]
    size: Loose<'a>,
    #[serde(borrow, default, rename = "x-filename")]
    filename: Loose<'a>,
    #[serde(borrow, default, rename = "x-disposition")]
    disposition: Loose<'a>,
    #[serde(borrow, default, rename = "x-want-digest")]
    want_digest: Loose<'a>,
    // As the client of Giftless writes it, with an underscore as in Python.
    #[serde(borrow, default, rename = "x-want_digest")]
    want_digest_of_python: Loose<'a>,
    #[serde(borrow, default)]
    extra: Option<Extra<'a>>,
}

/// The field in which some clients put what others send as `x-…`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Extra<'a> {
    Fields {
        #[serde(borrow, default)]
        filename: Loose<'a>,
        #[serde(borrow, default)]
        disposition: Loose<'a>,
    },
    Other(IgnoredAny),
}

/// The supported ones in the list of transfers, and whether the list had any entry. Memory does not grow with the
/// list.
struct Offered {
    any: bool,
    known: Transfers,
}

impl<'de> Deserialize<'de> for Offered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> de::Visitor<'de> for Names {
            type Value = Offered;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of names")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut names: A) -> Result<Offered, A::Error> {
                let mut offered = Offered { any: false, known: Transfers::default() };
                while let Some(name) = names.next_element::<Loose<'de>>()? {
                    offered.any = true;
                    offered.known.note(name.text().unwrap_or_default());
                }
                Ok(offered)
            }
        }
        deserializer.deserialize_seq(Names)
    }
}

impl Transfers {
    const BASIC: Self =
        Self { basic: true, multipart_basic: false, multipart: false, tus: false, xet: false, git_lfs: false };

    fn note(&mut self, name: &str) {
        let of = |transfer: Transfer| name == transfer.name();
        self.basic |= of(Transfer::Basic);
        self.multipart_basic |= of(Transfer::MultipartBasic);
        self.multipart |= of(Transfer::Multipart);
        self.tus |= of(Transfer::Tus);
        self.xet |= of(Transfer::Xet);
        self.git_lfs |= matches!(name, "lfs-standalone-file" | "ssh");
    }

    /// Returns true if the server could support one of them. Downloads always use the basic transfer.
    fn allow(self, operation: Operation) -> bool {
        self.basic
            || (operation == Operation::Upload && (self.multipart_basic || self.multipart || self.tus || self.xet))
    }
}

/// The first objects of the list, and the total number.
struct Entries<'a> {
    kept: Vec<Entry<'a>>,
    count: usize,
}

/// A value of any type: a wrong type in an optional or per-object field must not fail the request.
#[derive(Default)]
enum Loose<'a> {
    Text(Cow<'a, str>),
    Integer(i128),
    /// Missing, null, a fraction, a boolean, a list or an object.
    #[default]
    Other,
}

impl Loose<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

pub(super) fn parse(body: &[u8], max_objects: usize) -> Result<BatchRequest, BatchError> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| malformed("a batch request", &error))?;

    let operation = match body.operation.text() {
        Some("download") => Operation::Download,
        Some("upload") => Operation::Upload,
        _ => {
            return Err(unprocessable("\"operation\" must be \"download\" or \"upload\""));
        }
    };
    match body.hash_algo {
        None => {}
        // As huggingface.js spells it.
        Some(Loose::Text(name)) if matches!(&*name, "" | "sha256" | "sha_256") => {}
        Some(_) => {
            return Err(BatchError {
                kind: BatchErrorKind::HashAlgo,
                message: "this server supports only \"hash_algo\": \"sha256\"".to_owned(),
            });
        }
    }
    // A missing or empty list means basic, which every client supports.
    let transfers = body.transfers.filter(|list| list.any).map_or(Transfers::BASIC, |list| list.known);
    if !transfers.allow(operation) {
        return Err(negotiation::nothing_in_common());
    }
    let entries = body.objects.filter(|entries| entries.count > 0);
    let entries = entries.ok_or_else(|| unprocessable("\"objects\" must list at least one object"))?;
    if entries.count > max_objects.min(MAX_READ) {
        return Err(BatchError {
            kind: BatchErrorKind::TooMany,
            message: format!(
                "a batch can contain at most {} objects, this one has {}; set lfs.transfer.batchSize lower",
                max_objects.min(MAX_READ),
                entries.count
            ),
        });
    }
    let mut objects: Vec<_> = entries.kept.into_iter().map(RequestedObject::from).collect();
    refuse_contradictions(&mut objects);
    Ok(BatchRequest { operation, ref_name: body.ref_name, objects, transfers })
}

pub(super) fn parse_verify(body: &[u8]) -> Result<(Oid, u64), BatchError> {
    let entry: Entry<'_> = serde_json::from_slice(body).map_err(|error| malformed("a verify request", &error))?;
    wanted(&entry.oid, &entry.size).map_err(|error| unprocessable(&error.message))
}

fn malformed(what: &str, error: &serde_json::Error) -> BatchError {
    BatchError { kind: BatchErrorKind::Malformed, message: format!("the body is not {what}: {error}") }
}

fn unprocessable(message: &str) -> BatchError {
    BatchError { kind: BatchErrorKind::Unprocessable, message: message.to_owned() }
}

fn wanted(oid: &Loose<'_>, size: &Loose<'_>) -> Result<(Oid, u64), ObjectError> {
    let oid = oid.text().and_then(|text| text.parse().ok()).ok_or_else(|| {
        ObjectError::unprocessable("\"oid\" must be the SHA-256 of the object: 64 lower-case hexadecimal digits")
    })?;
    let Loose::Integer(size) = *size else {
        return Err(ObjectError::unprocessable("\"size\" must be an integer number of bytes"));
    };
    let size = u64::try_from(size).map_err(|_| ObjectError::unprocessable("\"size\" must not be negative"))?;
    if size > MAX_SIZE {
        return Err(ObjectError::unprocessable("\"size\" exceeds the maximum object size"));
    }
    Ok((oid, size))
}

impl From<Entry<'_>> for RequestedObject {
    fn from(entry: Entry<'_>) -> Self {
        let wanted = wanted(&entry.oid, &entry.size);
        let sent = wanted.is_err().then(|| {
            let size = match entry.size {
                Loose::Integer(size) => size,
                _ => 0,
            };
            let oid = match &entry.oid {
                Loose::Text(text) => text.to_string(),
                Loose::Integer(number) => number.to_string(),
                Loose::Other => String::new(),
            };
            Box::new(Sent { oid, size })
        });
        let (extra_filename, extra_disposition) = match &entry.extra {
            Some(Extra::Fields { filename, disposition }) => (filename.text(), disposition.text()),
            Some(Extra::Other(_)) | None => (None, None),
        };
        Self {
            wanted,
            filename: entry.filename.text().or(extra_filename).map(str::to_owned),
            disposition: match entry.disposition.text().or(extra_disposition) {
                Some("inline") => Some(Disposition::Inline),
                Some("attachment") => Some(Disposition::Attachment),
                _ => None,
            },
            want_digest: entry
                .want_digest
                .text()
                .or(entry.want_digest_of_python.text())
                .and_then(WantDigest::negotiate),
            sent,
        }
    }
}

/// Rejects every entry of an oid that is listed with two sizes, so that the response does not depend on the
/// order.
fn refuse_contradictions(objects: &mut [RequestedObject]) {
    if objects.len() < 2 {
        return;
    }
    let mut sizes = HashMap::with_capacity(objects.len());
    let mut contradicted = Vec::new();
    for &(oid, size) in objects.iter().filter_map(|object| object.wanted.as_ref().ok()) {
        if *sizes.entry(oid).or_insert(size) != size {
            contradicted.push(oid);
        }
    }
    if contradicted.is_empty() {
        return;
    }
    contradicted.sort_unstable();
    for object in objects {
        if let Ok((oid, size)) = object.wanted
            && contradicted.binary_search(&oid).is_ok()
        {
            object.wanted = Err(ObjectError::unprocessable("this oid is listed with two different sizes"));
            object.sent = Some(Box::new(Sent { oid: oid.to_string(), size: size.into() }));
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> de::Visitor<'de> for Any {
            type Value = Loose<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("any value")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Loose::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Loose::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Loose::Integer(number.into()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Loose::Integer(number.into()))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Loose::Other)
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Loose::Other)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Loose::Other)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> de::Visitor<'de> for List {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of objects")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Entries { kept: Vec::new(), count: 0 };
                while entries.kept.len() < MAX_READ {
                    match list.next_element()? {
                        Some(entry) => entries.kept.push(entry),
                        None => break,
                    }
                }
                entries.count = entries.kept.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    entries.count += 1;
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_seq(List)
    }
}
