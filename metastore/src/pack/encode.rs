//! Pack files and their version 2 indexes (`gitformat-pack(5)`).

use std::{io::Write as _, path::Path};

use gix::{ObjectId, objs::Kind, zlib::Compression};

use crate::{Error, PackBytes, PackId, Result};

/// Size in bytes of an index before its object IDs: magic, version and the fan-out table of 256 counts.
const IDX_HEAD: usize = 8 + 256 * 4;

/// An object to be packed.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) id: ObjectId,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

/// Position of an object in a pack.
#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    id: ObjectId,
    crc32: u32,
    offset: u64,
}

/// Returns the object ID of `data`.
pub(crate) fn hash_object(kind: Kind, data: &[u8]) -> Result<ObjectId> {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&gix::objs::encode::loose_header(kind, data.len() as u64));
    hasher.update(data);
    finish(hasher)
}

/// Returns a pack of a blob, and of a second one that repeats it, stored as a small delta.
#[cfg(test)]
pub(crate) fn encode_repeated(base: &[u8], times: usize) -> Result<Vec<u8>> {
    let varint = |mut number: usize| {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        bytes
    };
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x02".to_vec();
    let begin = pack.len();
    let deflated = |pack: &mut Vec<u8>, data: &[u8]| -> Result<()> {
        let mut deflate = gix::zlib::stream::deflate::Write::new(pack, Compression::DEFAULT);
        deflate.write_all(data)?;
        deflate.flush().map_err(Into::into)
    };
    write_entry_head(&mut pack, Kind::Blob, base.len() as u64);
    deflated(&mut pack, base)?;
    let mut delta = [varint(base.len()), varint(base.len() * times)].concat();
    let size = u32::try_from(base.len()).map_err(|_| too_many())?.to_le_bytes();
    for _ in 0..times {
        delta.extend([0xf0, size[0], size[1], size[2]]);
    }
    // An offset delta has type 6 (a blob has 3), followed by the distance back to its delta base.
    let mut distance = pack.len() - begin;
    let mut back = vec![distance.to_le_bytes()[0] & 0x7f];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        back.insert(0, distance.to_le_bytes()[0] | 0x80);
    }
    let at = pack.len();
    write_entry_head(&mut pack, Kind::Blob, delta.len() as u64);
    pack[at] = pack[at] & 0x8f | 6 << 4;
    pack.extend(back);
    deflated(&mut pack, &delta)?;
    let checksum = checksum(&pack)?;
    pack.extend_from_slice(checksum.as_slice());
    Ok(pack)
}

/// Packs `objects` without deltas (consolidation creates those) and builds the index.
pub(crate) fn encode(objects: &[Object]) -> Result<(PackId, PackBytes)> {
    let count = u32::try_from(objects.len()).map_err(|_| too_many())?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend(count.to_be_bytes());
    let mut entries = Vec::with_capacity(objects.len());
    for object in objects {
        let start = pack.len();
        write_entry_head(&mut pack, object.kind, object.data.len() as u64);
        let mut deflate = gix::zlib::stream::deflate::Write::new(&mut pack, Compression::DEFAULT);
        deflate.write_all(&object.data)?;
        deflate.flush()?;
        let crc32 = crc32fast::hash(&pack[start..]);
        entries.push(IndexEntry { id: object.id, crc32, offset: start as u64 });
    }
    let checksum = checksum(&pack)?;
    pack.extend_from_slice(checksum.as_slice());
    let idx = encode_index(entries, checksum)?;
    Ok((checksum.into(), PackBytes { pack: pack.into(), idx: idx.into() }))
}

/// Writes an entry header: the type in three bits, the size in 4 + 7 + 7 + … bits, least significant first.
fn write_entry_head(pack: &mut Vec<u8>, kind: Kind, mut size: u64) {
    let kind = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let low = |size: u64, mask: u8| size.to_le_bytes()[0] & mask;
    let mut byte = kind << 4 | low(size, 0x0f);
    size >>= 4;
    while size > 0 {
        pack.push(byte | 0x80);
        byte = low(size, 0x7f);
        size >>= 7;
    }
    pack.push(byte);
}

fn encode_index(mut entries: Vec<IndexEntry>, pack: ObjectId) -> Result<Vec<u8>> {
    entries.sort_by_key(|entry| entry.id);
    let mut idx = b"\xfftOc\0\0\0\x02".to_vec();
    let mut fanout = [0u32; 256];
    for entry in &entries {
        fanout[usize::from(entry.id.first_byte())] += 1;
    }
    let mut sum = 0;
    for count in fanout {
        sum += count;
        idx.extend(sum.to_be_bytes());
    }
    for entry in &entries {
        idx.extend_from_slice(entry.id.as_slice());
    }
    for entry in &entries {
        idx.extend(entry.crc32.to_be_bytes());
    }
    let mut large = Vec::new();
    for entry in &entries {
        // Offsets of 2 GiB and more do not fit in 31 bits; they go into the table of 8-byte offsets.
        let small = u32::try_from(entry.offset).ok().filter(|offset| offset >> 31 == 0);
        let slot = if let Some(offset) = small {
            offset
        } else {
            large.push(entry.offset);
            0x8000_0000 | u32::try_from(large.len() - 1).map_err(|_| too_many())?
        };
        idx.extend(slot.to_be_bytes());
    }
    for offset in large {
        idx.extend(offset.to_be_bytes());
    }
    idx.extend_from_slice(pack.as_slice());
    let own = checksum(&idx)?;
    idx.extend_from_slice(own.as_slice());
    Ok(idx)
}

/// Returns the object IDs in the index file at `path`, in ascending order. Blocks.
pub(crate) fn index_ids(path: &Path) -> Result<Vec<ObjectId>> {
    let idx = std::fs::read(path)?;
    let broken = || Error::Corrupt(format!("{} is not a version 2 index", path.display()));
    let head = idx.get(..IDX_HEAD).filter(|head| head.starts_with(b"\xfftOc\0\0\0\x02")).ok_or_else(broken)?;
    let count = head.last_chunk().map_or(0, |count| u32::from_be_bytes(*count) as usize);
    let ids = idx.get(IDX_HEAD..IDX_HEAD + count * 20).ok_or_else(broken)?;
    Ok(ids.chunks_exact(20).map(ObjectId::from_bytes_or_panic).collect())
}

fn checksum(bytes: &[u8]) -> Result<ObjectId> {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(bytes);
    finish(hasher)
}

fn finish(hasher: gix::hash::Hasher) -> Result<ObjectId> {
    // Fails only for a SHA-1 collision attack.
    hasher.try_finalize().map_err(|error| Error::Refused(error.to_string()))
}

fn too_many() -> Error {
    Error::TooLarge("a pack can have at most 4,294,967,295 objects".to_owned())
}

#[cfg(test)]
mod tests;
