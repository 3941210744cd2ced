//! Parsing shards.

use super::{
    END, ENTRY, FILE_START, FOOTER, FOOTER_VERSION, File, Footer, MAGIC, Shard, ShardChunk, Term, VERSION, WITH_SHA256,
    WITH_VERIFICATION, XorbChunks,
};
use crate::format::{MAX_CHUNK, MAX_SHARD_LEN, MAX_XORB_CHUNKS};
use crate::hash::reverse_groups;
use crate::{Error, Hash};

impl Shard {
    /// Parses a shard, and its footer if it has one. An uploaded shard has none.
    ///
    /// Numbers of entries are compared with the length before memory is allocated for them. Chunks of a xorb must follow
    /// each other, and have the length of the xorb together.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Option<Footer>), Error> {
        if bytes.len() > MAX_SHARD_LEN {
            return Err(Error::ShardLength(bytes.len()));
        }
        let mut input = Input { bytes, at: 0 };
        let header = input.entry(1)?;
        if header.bytes(0) != MAGIC {
            return Err(Error::ShardHeader("it does not begin with the magic number"));
        }
        if header.long(32) != VERSION {
            return Err(Error::ShardHeader("its version is not 2"));
        }
        let footer_len = header.long(40);

        let mut shard = Self::default();
        while let Some(file) = input.file()? {
            shard.files.push(file);
        }
        let xorbs_at = input.at;
        while let Some(xorb) = input.xorb()? {
            shard.xorbs.push(xorb);
        }
        let footer = match (footer_len, bytes.len() - input.at) {
            (0, 0) => None,
            (0, _) => {
                return Err(Error::ShardFooter("there are bytes after the last entry, but no footer is announced"));
            }
            _ => Some(footer(bytes, xorbs_at, input.at)?),
        };
        Ok((shard, footer))
    }
}

/// The entries that were not read yet.
struct Input<'s> {
    bytes: &'s [u8],
    at: usize,
}

impl<'s> Input<'s> {
    /// Reads the next entry, if it and those that follow it are there: `count` in total.
    fn entry(&mut self, count: u64) -> Result<Entry<'s>, Error> {
        let rest = &self.bytes[self.at..];
        let needed = count.saturating_mul(ENTRY as u64);
        match rest.first_chunk() {
            Some(entry) if needed <= rest.len() as u64 => {
                self.at += ENTRY;
                Ok(Entry(entry))
            }
            _ => Err(Error::ShardTruncated { offset: self.at, needed, found: rest.len() }),
        }
    }

    /// Refuses the entry that was read last.
    fn invalid(&self, reason: &'static str) -> Error {
        Error::ShardEntry { offset: self.at - ENTRY, reason }
    }

    fn file(&mut self) -> Result<Option<File>, Error> {
        let header = self.entry(1)?;
        if header.bytes(0) == END {
            return Ok(None);
        }
        let (flags, count) = (header.number(32), header.number(36));
        let has_verification = flags & WITH_VERIFICATION != 0;
        let has_sha256 = flags & WITH_SHA256 != 0;
        let following = u64::from(count) * (1 + u64::from(has_verification)) + u64::from(has_sha256);
        self.require(following)?;

        let mut terms = Vec::with_capacity(count as usize);
        for _ in 0..count {
            terms.push(self.term()?);
        }
        if has_verification {
            for term in &mut terms {
                term.verification = Some(Hash::from_bytes(self.entry(1)?.bytes(0)));
            }
        }
        let sha256 = if has_sha256 { Some(reverse_groups(self.entry(1)?.bytes(0))) } else { None };
        Ok(Some(File { hash: Hash::from_bytes(header.bytes(0)), terms, sha256 }))
    }

    fn term(&mut self) -> Result<Term, Error> {
        let entry = self.entry(1)?;
        let (raw_len, start, end) = (entry.number(36), entry.number(40), entry.number(44));
        if start >= end || end as usize > MAX_XORB_CHUNKS {
            return Err(self.invalid("it is not a range of chunks"));
        }
        if raw_len < end - start || raw_len as usize > (end - start) as usize * MAX_CHUNK {
            return Err(self.invalid("the chunks cannot have this length together"));
        }
        Ok(Term { xorb: Hash::from_bytes(entry.bytes(0)), chunks: start..end, raw_len, verification: None })
    }

    fn xorb(&mut self) -> Result<Option<XorbChunks>, Error> {
        let header = self.entry(1)?;
        if header.bytes(0) == END {
            return Ok(None);
        }
        let (count, raw_len, packed_len) = (header.number(36), header.number(40), header.number(44));
        if count as usize > MAX_XORB_CHUNKS {
            return Err(self.invalid("the xorb has too many chunks"));
        }
        self.require(u64::from(count))?;

        let mut chunks = Vec::with_capacity(count as usize);
        let mut total = 0;
        for _ in 0..count {
            let entry = self.entry(1)?;
            let (start, length, flags) = (entry.number(32), entry.number(36), entry.number(40));
            if length == 0 || length as usize > MAX_CHUNK {
                return Err(self.invalid("a chunk cannot have this length"));
            }
            if start != total {
                return Err(self.invalid("the chunk does not begin where the one before ends"));
            }
            // At most 8,192 chunks of 128 KiB: 1 GiB.
            total += length;
            let hash = Hash::from_bytes(entry.bytes(0));
            chunks.push(ShardChunk { hash, raw_len: length, is_file_start: flags & FILE_START != 0 });
        }
        if raw_len != total {
            return Err(self.invalid("the chunks do not have the length of the xorb together"));
        }
        Ok(Some(XorbChunks { hash: Hash::from_bytes(header.bytes(0)), packed_len, chunks }))
    }

    /// Checks that the entries are there that the one before announces, and one more at the end.
    fn require(&self, count: u64) -> Result<(), Error> {
        let found = self.bytes.len() - self.at;
        let needed = count.saturating_add(1).saturating_mul(ENTRY as u64);
        if needed <= found as u64 { Ok(()) } else { Err(Error::ShardTruncated { offset: self.at, needed, found }) }
    }
}

/// One entry.
#[derive(Clone, Copy)]
struct Entry<'s>(&'s [u8; ENTRY]);

impl Entry<'_> {
    /// Returns the bytes at an offset that the format fixes.
    fn bytes<const N: usize>(self, at: usize) -> [u8; N] {
        *self.0[at..].first_chunk().expect("offsets are fixed and within an entry")
    }

    fn number(self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    fn long(self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }
}

/// Parses the footer. Tables for lookups, which are between the entries and the footer, are ignored.
fn footer(bytes: &[u8], xorbs_at: usize, end: usize) -> Result<Footer, Error> {
    let footer: &[u8; FOOTER] = bytes[end..].last_chunk().ok_or(Error::ShardFooter("it is incomplete"))?;
    let (numbers, _) = footer.as_chunks::<8>();
    let number = |at: usize| u64::from_le_bytes(numbers[at / 8]);
    if number(0) != FOOTER_VERSION {
        return Err(Error::ShardFooter("its version is not 1"));
    }
    let offsets = [(8, ENTRY), (16, xorbs_at), (192, bytes.len() - FOOTER)];
    if offsets.iter().any(|(at, expected)| number(*at) != *expected as u64) {
        return Err(Error::ShardFooter("it has wrong offsets"));
    }
    let key: [u8; 32] = *footer[72..].first_chunk().expect("the footer has 200 bytes");
    Ok(Footer { key: (key != [0; 32]).then_some(key), created: number(104), expires: number(112) })
}
