//! Negotiation of the transfer: which one both sides support, and whether the objects are large enough for it.

use std::{collections::HashMap, hash::BuildHasher};

use super::{BatchError, BatchErrorKind, BatchRequest, Negotiated, Operation, Transfer, TransferOffer};
use crate::Oid;

pub(super) fn negotiate<S: BuildHasher>(
    request: &BatchRequest,
    offered: &TransferOffer,
    known: &HashMap<Oid, u64, S>,
    max_size: Option<u64>,
) -> Result<Negotiated, BatchError> {
    let client = request.transfers;
    if request.offers_xet() && offered.xet {
        return Ok(Negotiated { transfer: Transfer::Xet, begin: Vec::new() });
    }
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
    // A tus client requests the offset at each URL first. Hugging Face's transfer agent for git-lfs expects all
    // objects of such a batch to be split; Hugging Face's own client checks each object.
    let all = match transfer {
        Transfer::Tus => true,
        Transfer::Multipart => client.git_lfs,
        Transfer::Basic | Transfer::MultipartBasic | Transfer::Xet => false,
    };
    uploads.retain(|(_, size)| all || is_large(*size));
    Ok(Negotiated { transfer, begin: uploads })
}

pub(super) fn nothing_in_common() -> BatchError {
    BatchError {
        kind: BatchErrorKind::Unprocessable,
        message: "none of the \"transfers\" is supported; offer \"basic\"".to_owned(),
    }
}
