//! Multipart uploads to Azure: `Put Block`, `Get Block List`, `Put Block List`. The blocks are uncommitted until
//! the upload is completed; the service removes uncommitted blocks after a week.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;

use super::{
    super::{
        Inner,
        failure::Failure,
        request::{Call, LONG_TIMEOUT},
    },
    Part, PartsId,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlockList {
    uncommitted_blocks: Option<Blocks>,
}

#[derive(Deserialize)]
struct Blocks {
    #[serde(default, rename = "Block")]
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Block {
    name: String,
    size: u64,
}

impl PartsId {
    /// Returns the id of a block. All block ids of a blob have the same length.
    pub(in super::super) fn block(&self, number: u32) -> String {
        STANDARD.encode(format!("{}-{number:05}", self.0))
    }

    /// Returns the part number of a block, if it belongs to this upload.
    fn number(&self, block: &str) -> Option<u32> {
        let text = String::from_utf8(STANDARD.decode(block).ok()?).ok()?;
        let number = text.strip_prefix(&self.0)?.strip_prefix('-')?.parse().ok()?;
        (self.block(number) == block).then_some(number)
    }
}

/// Returns an id that distinguishes the blocks of this upload from others of the same blob.
pub(super) fn begin() -> PartsId {
    let mut nonce = [0; 8];
    SystemRandom::new().fill(&mut nonce).expect("the system has random bytes");
    PartsId(hex::encode(nonce))
}

impl Inner {
    pub(super) async fn blocks(&self, path: &str, id: &PartsId) -> Result<Vec<Part>, Failure> {
        let query = [("comp", "blocklist"), ("blocklisttype", "uncommitted")];
        let list: BlockList = match self.send(Call { query: &query, ..Call::new(Method::GET, path) }).await {
            Ok(answer) => answer.xml()?,
            // Without a blob there are no blocks.
            Err(failure) if failure.code == "BlobNotFound" => return Ok(Vec::new()),
            Err(failure) => return Err(failure),
        };
        let blocks = list.uncommitted_blocks.map(|list| list.blocks).unwrap_or_default();
        let mut parts: Vec<_> = blocks
            .into_iter()
            .filter_map(|Block { name, size }| Some(Part { number: id.number(&name)?, size, etag: name }))
            .collect();
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    pub(super) async fn commit_blocks(&self, path: &str, id: &PartsId, parts: &[Part]) -> Result<(), Failure> {
        let mut body = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for part in parts {
            // `Latest`, so that a repeated request finds the committed blocks.
            let _ = write!(body, "<Latest>{}</Latest>", id.block(part.number));
        }
        body += "</BlockList>";
        let query = [("comp", "blocklist")];
        let headers = [("content-type", "application/xml"), ("x-ms-blob-content-type", "application/octet-stream")];
        let body = body.into();
        let call =
            Call { query: &query, headers: &headers, body, max_duration: LONG_TIMEOUT, ..Call::new(Method::PUT, path) };
        self.send(call).await.map(drop)
    }

    /// Committing an empty list is the only way to remove the blocks.
    pub(super) async fn discard_blocks(&self, path: &str) -> Result<(), Failure> {
        let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList></BlockList>".into();
        self.send(Call { query: &[("comp", "blocklist")], body, ..Call::new(Method::PUT, path) }).await?;
        self.send(Call::new(Method::DELETE, path)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_are_known_by_their_ids(number in 1..=crate::parts::MAX_PARTS, other in 1..=crate::parts::MAX_PARTS) {
            let (id, stranger) = (begin(), begin());
            let block = id.block(number);
            prop_assert_eq!(id.number(&block), Some(number));
            prop_assert_eq!(stranger.number(&block), None);
            prop_assert_eq!(block.len(), stranger.block(other).len());
            prop_assert!(STANDARD.decode(block).unwrap().len() <= 64);
        }
    }
}
