//! Which transfer both sides know, and whether it is worth it.

use std::{collections::HashMap, hash::BuildHasher};

use super::{BatchError, BatchErrorKind, BatchRequest, Negotiated, Offered, Operation, Transfer};
use crate::Oid;

pub(super) fn negotiate<S: BuildHasher>(
    request: &BatchRequest,
    offered: &Offered,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
) -> Result<Negotiated, BatchError> {
    let client = request.transfers;
    let resumable = match request.operation {
        Operation::Upload if client.multipart_basic && offered.multipart_basic => Some(Transfer::MultipartBasic),
        Operation::Upload if client.multipart && offered.multipart => Some(Transfer::Multipart),
        Operation::Upload if client.tus && offered.tus => Some(Transfer::Tus),
        Operation::Upload | Operation::Download => None,
    };
    let basic = Negotiated { transfer: Transfer::Basic, begin: Vec::new() };
    let Some(transfer) = resumable else {
        return if client.basic { Ok(basic) } else { Err(nothing_in_common()) };
    };
    let mut uploads = request.news(known, max_size);
    let is_large = |size: u64| size > 0 && size >= offered.from;
    if client.basic && !uploads.iter().any(|(_, size)| is_large(*size)) {
        return Ok(basic);
    }
    // A client of tus asks each URL for an offset first. The agent that Hugging Face has for git-lfs takes
    // all objects of such a batch for cut ones; its own client looks at each.
    let all = match transfer {
        Transfer::Tus => true,
        Transfer::Multipart => client.git_lfs,
        Transfer::Basic | Transfer::MultipartBasic => false,
    };
    uploads.retain(|(_, size)| all || is_large(*size));
    Ok(Negotiated { transfer, begin: uploads })
}

pub(super) fn nothing_in_common() -> BatchError {
    BatchError {
        kind: BatchErrorKind::Unprocessable,
        message: "none of the offered \"transfers\" is known here; offer \"basic\"".to_owned(),
    }
}
