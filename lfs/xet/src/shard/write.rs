//! Writing shards.

use super::{
    END, ENTRY, FILE_START, FOOTER, FOOTER_VERSION, File, Footer, MAGIC, Shard, Term, VERSION, WITH_SHA256,
    WITH_VERIFICATION, XorbChunks,
};
use crate::format::MAX_SHARD_LEN;
use crate::hash::reverse_groups;
use crate::{Error, Hash};

impl Shard {
    /// Serializes the shard: without a footer, as clients upload one, or with a footer, as the answer to a deduplication
    /// query is. If the footer has a key, the hashes of chunks are replaced with it.
    ///
    /// Fails if the shard is too long, or if only some terms of a file have a verification hash. There are no tables for
    /// lookups: clients read the entries.
    pub fn write(&self, footer: Option<&Footer>) -> Result<Vec<u8>, Error> {
        let length = self.written_len() + if footer.is_some() { FOOTER } else { 0 };
        if length > MAX_SHARD_LEN {
            return Err(Error::ShardLength(length));
        }
        let mut out = Output(Vec::with_capacity(length));
        out.0.extend_from_slice(&MAGIC);
        out.longs(&[VERSION, if footer.is_some() { FOOTER as u64 } else { 0 }]);
        for file in &self.files {
            out.file(file)?;
        }
        out.entry(&END, [0; 4]);
        let xorbs_at = out.0.len();
        let key = footer.and_then(|footer| footer.key);
        for xorb in &self.xorbs {
            out.xorb(xorb, key.as_ref());
        }
        out.entry(&END, [0; 4]);
        if let Some(footer) = footer {
            self.footer(footer, xorbs_at, &mut out);
        }
        Ok(out.0)
    }

    /// Returns the length in bytes without a footer.
    fn written_len(&self) -> usize {
        let terms =
            |file: &File| file.terms.iter().map(|term| 1 + usize::from(term.verification.is_some())).sum::<usize>();
        let files = self.files.iter().map(|file| 1 + terms(file) + usize::from(file.sha256.is_some())).sum::<usize>();
        let xorbs = self.xorbs.iter().map(|xorb| 1 + xorb.chunks.len()).sum::<usize>();
        (3 + files + xorbs) * ENTRY
    }

    fn footer(&self, footer: &Footer, xorbs_at: usize, out: &mut Output) {
        let end = out.0.len() as u64;
        // Three tables for lookups, of no entries.
        out.longs(&[FOOTER_VERSION, ENTRY as u64, xorbs_at as u64, end, 0, end, 0, end, 0]);
        out.0.extend_from_slice(&footer.key.unwrap_or_default());
        out.longs(&[footer.created, footer.expires, 0, 0, 0, 0, 0, 0]);
        let packed = self.xorbs.iter().map(|xorb| u64::from(xorb.packed_len)).sum();
        let files = self.files.iter().map(File::len).sum();
        let raw = self.xorbs.iter().flat_map(|xorb| &xorb.chunks).map(|chunk| u64::from(chunk.raw_len)).sum();
        out.longs(&[packed, files, raw, end]);
    }
}

struct Output(Vec<u8>);

impl Output {
    fn entry(&mut self, hash: &[u8; 32], numbers: [u32; 4]) {
        self.0.extend_from_slice(hash);
        self.0.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
    }

    fn longs(&mut self, numbers: &[u64]) {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    #[expect(clippy::cast_possible_truncation, reason = "a shard of 64 MiB has fewer entries")]
    fn file(&mut self, file: &File) -> Result<(), Error> {
        let verified = file.terms.iter().filter(|term| term.verification.is_some()).count();
        if verified != 0 && verified != file.terms.len() {
            return Err(Error::ShardVerification(file.hash));
        }
        let flags =
            if verified > 0 { WITH_VERIFICATION } else { 0 } | if file.sha256.is_some() { WITH_SHA256 } else { 0 };
        self.entry(file.hash.as_bytes(), [flags, file.terms.len() as u32, 0, 0]);
        for Term { xorb, chunks, raw_len, .. } in &file.terms {
            self.entry(xorb.as_bytes(), [0, *raw_len, chunks.start, chunks.end]);
        }
        for hash in file.terms.iter().filter_map(|term| term.verification) {
            self.entry(hash.as_bytes(), [0; 4]);
        }
        if let Some(sha256) = file.sha256 {
            self.entry(&reverse_groups(sha256), [0; 4]);
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "a shard of 64 MiB has fewer entries")]
    fn xorb(&mut self, xorb: &XorbChunks, key: Option<&[u8; 32]>) {
        let raw_len = xorb.chunks.iter().fold(0_u32, |total, chunk| total.saturating_add(chunk.raw_len));
        self.entry(xorb.hash.as_bytes(), [0, xorb.chunks.len() as u32, raw_len, xorb.packed_len]);
        let mut start = 0_u32;
        for chunk in &xorb.chunks {
            let hash: Hash = key.map_or(chunk.hash, |key| chunk.hash.with_key(key));
            let flags = if chunk.is_file_start { FILE_START } else { 0 };
            self.entry(hash.as_bytes(), [start, chunk.raw_len, flags, 0]);
            start = start.saturating_add(chunk.raw_len);
        }
    }
}
