//! Downloads by Xet: clients get the chunks of a packed object from the xorbs, and put it together.

use std::collections::BTreeMap;
use std::ops::Range;

use lfs::Oid;
use lfs::sign::Verb;
use lfs::store::UrlSigner;
use xet::Hash;
use xet::xorb::Xorb;

use super::corrupt;
use crate::access::{DatasetGrant, Fetch};
use crate::db::objects::XorbRow;
use crate::db::{oid, unsigned};
use crate::error::Result;
use crate::storage::stores::Store;
use crate::storage::{Storage, Urls, signed, stores};

/// How a client can download a range of an object.
pub struct XetDownload {
    /// Where the range starts in the chunks of the first term, in bytes.
    pub offset: u64,
    /// Chunks that follow each other in a xorb, in the order of the object.
    pub terms: Vec<XetTerm>,
    /// Where these chunks are, by the hash of their xorb, in the order of the xorb. Each term is in one of them.
    pub xorbs: BTreeMap<String, Vec<XetRange>>,
}

/// A part of a download.
pub struct XetTerm {
    /// Hash of the xorb.
    pub xorb: String,
    /// Its chunks.
    pub chunks: Range<usize>,
    /// Length of the chunks before compression, in bytes.
    pub length: u64,
}

/// Chunks that can be downloaded together.
pub struct XetRange {
    /// A signed URL, for these bytes only.
    pub url: String,
    /// The chunks.
    pub chunks: Range<usize>,
    /// Where they are in the xorb, in bytes.
    pub bytes: Range<u64>,
}

impl Storage {
    /// Returns the hashes that clients of Xet have for those of these objects that are packed.
    pub async fn xet_hashes(&self, grant: &DatasetGrant<Fetch>, oids: &[Oid]) -> Result<Vec<(Oid, String)>> {
        let rows = self.0.db.read().await?.packed_hashes(&grant.dataset().store, oids).await?;
        rows.into_iter().map(|(found, hash)| Ok((oid(&found)?, hash))).collect()
    }

    /// Returns how a client can download a range of the file with this hash; `None` if the dataset does not hold it packed,
    /// or if it ends before the range.
    pub async fn xet_download(
        &self,
        grant: &DatasetGrant<Fetch>,
        hash: Hash,
        range: Range<u64>,
        base: &str,
    ) -> Result<Option<XetDownload>> {
        let Some((store, name)) = self.0.db.read().await?.packed_by_hash(grant.id(), &hash.to_string()).await? else {
            return Ok(None);
        };
        let Some(object) = self.reconstruction(&store, &oid(&name)?).await? else { return Ok(None) };
        let end = range.end.min(object.len());
        if range.start >= end {
            return Ok(None);
        }
        let (first, last) = (object.term_at(range.start), object.term_at(end - 1));
        let mut download = XetDownload { offset: 0, terms: Vec::new(), xorbs: BTreeMap::new() };
        let mut wanted: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for number in first..=last {
            let term = &object.terms[number];
            let row = &object.xorbs[term.xorb];
            let xorb = self.xorb(row).await?;
            let (start, raw) = (object.start_of(number), xorb.raw_range(term.chunks.clone()).map_err(corrupt)?);
            // Where the range is among the chunks of the xorb.
            let from = u64::from(raw.start) + range.start.saturating_sub(start);
            let to = u64::from(raw.start) + (end.min(term.end) - start);
            let chunks = chunks_of(&xorb, &term.chunks, from..to);
            let raw = xorb.raw_range(chunks.clone()).map_err(corrupt)?;
            if number == first {
                download.offset = from - u64::from(raw.start);
            }
            wanted.entry(term.xorb).or_default().push(chunks.clone());
            let length = u64::from(raw.end - raw.start);
            download.terms.push(XetTerm { xorb: row.hash.clone(), chunks, length });
        }
        let expires = self.0.clock.now().seconds() + 1 + u64::from(self.0.lifetime);
        let urls = Urls { storage: self, repo: grant.id(), store: &store, base, expires };
        let signer = match self.0.stores.named(&store)? {
            Store::Bucket(bucket) => Some(bucket.signer(self.0.clock.now().seconds(), self.0.lifetime).await?),
            Store::Folder(_) => None,
        };
        for (number, chunks) in wanted {
            let row = &object.xorbs[number];
            let xorb = self.xorb(row).await?;
            let ranges = joined(chunks).into_iter();
            let ranges = ranges.map(|chunks| xorb_range(&urls, signer.as_ref(), row, &xorb, chunks));
            download.xorbs.insert(row.hash.clone(), ranges.collect::<Result<_>>()?);
        }
        Ok(Some(download))
    }
}

/// Returns those of these chunks that have bytes in a range, as offsets among all chunks of the xorb before compression.
fn chunks_of(xorb: &Xorb, chunks: &Range<usize>, raw: Range<u64>) -> Range<usize> {
    let ends = &xorb.chunks()[chunks.clone()];
    let first = ends.partition_point(|chunk| u64::from(chunk.raw_end) <= raw.start);
    let last = ends.partition_point(|chunk| u64::from(chunk.raw_end) < raw.end);
    chunks.start + first..(chunks.start + last + 1).min(chunks.end)
}

/// Joins ranges that overlap or follow each other.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Signs a URL of the bucket if it can be limited to the range, or else of this server: a xorb can have chunks of other
/// files, which the client may not read.
fn xorb_range(
    urls: &Urls<'_>,
    signer: Option<&UrlSigner<'_>>,
    row: &XorbRow,
    xorb: &Xorb,
    chunks: Range<usize>,
) -> Result<XetRange> {
    let (object, bytes) = (oid(&row.oid)?, xorb.packed_range(chunks.clone()).map_err(corrupt)?);
    let bytes = u64::from(bytes.start)..u64::from(bytes.end);
    signed::count(Verb::Download);
    let key = stores::key(&object, &row.place);
    let direct = signer.zip(key.ok()).and_then(|(signer, key)| signer.download_range(&key, &bytes));
    let own = || {
        let query = format!("xorb={}-{}", bytes.start, bytes.end);
        urls.own(Verb::Download, object, unsigned(row.size), query).href
    };
    let url = direct.map_or_else(own, |url| url.href);
    Ok(XetRange { url, chunks, bytes })
}

/// Returns the bytes of a xorb that a signed URL is for; `None` if it is for an object.
pub(in crate::storage) fn signed_range(query: &str) -> Option<Range<u64>> {
    let text = crate::types::query_value(query, "xorb")?;
    let (start, end) = text.split_once('-')?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        assert_eq!(joined(vec![4..6, 0..2, 2..3, 5..9, 11..12]), [0..3, 4..9, 11..12]);
        assert_eq!(joined(Vec::new()), Vec::<Range<usize>>::new());
    }

    #[test]
    fn a_signed_url_names_its_bytes() {
        assert_eq!(signed_range("store=eu&xorb=5-90"), Some(5..90));
        assert_eq!(signed_range("filename=xorb=5-90"), None);
    }
}
