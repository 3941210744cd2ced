//! Compares the crate `xet` with the official implementation, `xet-core-structures` and `xet-data`: chunks, hashes, xorbs and
//! shards, in both directions. Run it with `cargo run --release` in this folder; it panics at the first difference. It is
//! not part of the workspace, because the official crates need many others.
//!
//! With the argument `write`, it also writes small files of the official implementation for the tests of the crate.

use std::convert::Infallible;
use std::io::Cursor;
use std::time::Duration;

use xet::Hash;
use xet::chunk::Chunker;
use xet::merkle::Tree;
use xet::shard::{File, Footer, Shard, ShardChunk, Term, XorbChunks};
use xet::xorb::{Decoder, Encoder, Xorb};
use xet_core_structures::merklehash::{MerkleHash, file_hash, xorb_hash};
use xet_core_structures::metadata_shard::chunk_verification::range_hash_from_chunks;
use xet_core_structures::metadata_shard::file_structs::{
    FileDataSequenceEntry, FileDataSequenceHeader, FileMetadataExt, FileVerificationEntry, MDBFileInfo,
};
use xet_core_structures::metadata_shard::hash_is_global_dedup_eligible;
use xet_core_structures::metadata_shard::shard_in_memory::MDBInMemoryShard;
use xet_core_structures::metadata_shard::streaming_shard::MDBMinimalShard;
use xet_core_structures::metadata_shard::{MDBShardInfo, Sha256};
use xet_core_structures::xorb_object::{Chunk, CompressionScheme, RawXorbData, SerializedXorbObject, XorbObject};

const SIZES: [usize; 9] = [0, 1, 8191, 8192, 131_072, 131_073, 1 << 20, 5_000_011, 20 << 20];

fn main() {
    let mut shard = MDBInMemoryShard::default();
    let mut files = Vec::new();
    let mut xorbs = Vec::new();
    for size in SIZES {
        for (kind, data) in kinds(size) {
            let chunks = compare_chunks(&data);
            let hash = compare_hashes(&chunks);
            println!("{kind:8} {size:9} bytes {:4} chunks, file {hash}", chunks.len());
            if !chunks.is_empty() {
                let xorb = compare_xorbs(&chunks, &data);
                add(&mut shard, &mut files, &mut xorbs, &chunks, &xorb, hash, &data);
            }
        }
    }
    compare_shards(&shard, files, xorbs);
    println!("no differences");
    if std::env::args().nth(1).as_deref() == Some("write") {
        write_samples();
    }
}

/// Writes a xorb with its footer, a shard and the answer to a deduplication query, by the official implementation.
fn write_samples() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../lfs/xet/tests/official");
    let write = |name: &str, bytes: &[u8]| std::fs::write(format!("{folder}/{name}"), bytes).unwrap();

    // One for each compression scheme: text, numbers that all bytes occur in, and incompressible bytes.
    let text = b"the quick brown fox jumps over the lazy dog\n".repeat(50);
    let numbers: Vec<u8> =
        (0..2048_u32).flat_map(|number| (number % 256 + (number / 256) * 0x0307_0000).to_le_bytes()).collect();
    let parts = [text, numbers, random(100, 1)];
    let chunks: Vec<_> = parts.iter().map(|part| Chunk::new(part.clone().into())).collect();
    let raw = RawXorbData::from_chunks(&chunks, vec![0]);
    let packed = SerializedXorbObject::from_xorb_with_compression(raw, CompressionScheme::Auto, true, 1).unwrap();
    write("sample.xorb", &packed.serialized_data);

    let xorb = compare_xorbs(&chunks, &parts.concat());
    let hash = compare_hashes(&chunks);
    let mut shard = MDBInMemoryShard::default();
    add(&mut shard, &mut Vec::new(), &mut Vec::new(), &chunks, &xorb, hash, &parts.concat());
    let stored = shard.to_bytes().unwrap();
    write("stored.shard", &stored);
    let info = MDBShardInfo::load_from_reader(&mut Cursor::new(&stored)).unwrap();
    let mut keyed = Vec::new();
    let valid = Duration::from_secs(3600);
    info.export_as_keyed_shard(&mut Cursor::new(&stored), &mut keyed, [7; 32].into(), valid, false, true, true)
        .unwrap();
    write("answer.shard", &keyed);
}

/// Data of a size: each kind is cut differently.
fn kinds(size: usize) -> [(&'static str, Vec<u8>); 5] {
    let rows =
        (0..).flat_map(|row: u64| format!("{row},{},temperature,{}\n", row % 97, row * 7919 % 100_003).into_bytes());
    let floats = (0..).flat_map(|number: u32| ((number as f32) / 1000.0).sin().to_le_bytes());
    [
        ("random", random(size, 1)),
        ("zeros", vec![0; size]),
        ("text", b"the quick brown fox jumps over the lazy dog\n".iter().copied().cycle().take(size).collect()),
        ("CSV", rows.take(size).collect()),
        ("floats", floats.take(size).collect()),
    ]
}

/// Reproducible bytes that look random (`SplitMix64`), as in the tests of the crate.
fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

fn theirs(hash: Hash) -> MerkleHash {
    MerkleHash::from(hash.as_bytes())
}

fn ours(hash: MerkleHash) -> Hash {
    Hash::from_bytes(hash.into())
}

/// Cuts the data, in pieces and as a whole.
fn compare_chunks(data: &[u8]) -> Vec<Chunk> {
    let expected = xet_data::deduplication::Chunker::default().next_block(data, true);
    for piece in [data.len().max(1), 65_537, 1021] {
        let mut found = Vec::new();
        let mut sink = |chunk: &[u8]| {
            found.push((Hash::of_chunk(chunk), chunk.len()));
            Ok::<_, Infallible>(())
        };
        let mut chunker = Chunker::new();
        for piece in data.chunks(piece) {
            chunker.push(piece, &mut sink).unwrap();
        }
        chunker.finish(&mut sink).unwrap();
        let expected: Vec<_> = expected.iter().map(|chunk| (ours(chunk.hash), chunk.data.len())).collect();
        assert_eq!(found, expected);
    }
    for chunk in &expected {
        assert_eq!(ours(chunk.hash).is_dedup_eligible(), hash_is_global_dedup_eligible(&chunk.hash));
        assert_eq!(ours(chunk.hash).to_string(), chunk.hash.hex());
    }
    expected
}

/// Compares the hashes of a xorb, a file and a term; returns that of the file.
fn compare_hashes(chunks: &[Chunk]) -> Hash {
    let leaves: Vec<_> = chunks.iter().map(|chunk| (chunk.hash, chunk.data.len() as u64)).collect();
    let tree: Tree = leaves.iter().map(|(hash, length)| (ours(*hash), *length)).collect();
    assert_eq!(theirs(tree.clone().xorb_hash()), xorb_hash(&leaves));
    assert_eq!(theirs(tree.clone().file_hash()), file_hash(&leaves));
    let hashes: Vec<_> = leaves.iter().map(|(hash, _)| *hash).collect();
    let range = Hash::of_range(hashes.iter().copied().map(ours));
    assert_eq!(theirs(range), range_hash_from_chunks(&hashes));
    tree.file_hash()
}

/// Decodes what they encode, and the reverse. Returns the list of chunks.
fn compare_xorbs(chunks: &[Chunk], data: &[u8]) -> Xorb {
    let mut encoder = Encoder::new();
    for chunk in chunks {
        encoder.push(&chunk.data).unwrap();
    }
    let (bytes, xorb) = encoder.finish().unwrap();

    let schemes =
        [CompressionScheme::None, CompressionScheme::LZ4, CompressionScheme::ByteGrouping4LZ4, CompressionScheme::Auto];
    for scheme in schemes {
        for has_footer in [false, true] {
            let raw = RawXorbData::from_chunks(chunks, vec![0]);
            let packed = SerializedXorbObject::from_xorb_with_compression(raw, scheme, has_footer, 1).unwrap();
            assert_eq!(ours(packed.hash), xorb.hash());
            let mut decoder = Decoder::new();
            let mut joined = Vec::new();
            for mut piece in packed.serialized_data.chunks(100_003) {
                while let Some(chunk) = decoder.next_chunk(&mut piece).unwrap() {
                    joined.extend_from_slice(chunk.data);
                }
            }
            assert!(joined == data);
            let found = decoder.finish().unwrap();
            assert_eq!(found.hash(), xorb.hash());
            let end = found.packed_len() as usize;
            assert!(!has_footer || packed.serialized_data[end..] == found.footer([0; 4]), "footer, {scheme}");
            if scheme == CompressionScheme::Auto {
                assert!(packed.serialized_data[..end] == bytes, "the encoder differs");
            }
        }
    }

    let stored = [bytes, xorb.footer(*b"once")].concat();
    let object = XorbObject::validate_xorb_object(&mut Cursor::new(&stored), &theirs(xorb.hash())).unwrap().unwrap();
    let count = chunks.len() as u32;
    let range = object.generate_chunk_range_hash(count / 2, count).unwrap();
    assert_eq!(ours(range), xorb.verification_hash(chunks.len() / 2..chunks.len()).unwrap());
    let bytes = object.get_byte_offset(count / 2, count).unwrap();
    assert_eq!(xorb.packed_range(chunks.len() / 2..chunks.len()), Ok(bytes.0..bytes.1));
    assert!(object.get_all_bytes(&mut Cursor::new(&stored)).unwrap() == data);
    xorb
}

/// Adds a file of one xorb, in two terms if it has more than one chunk, to a shard of theirs and to ours.
fn add(
    shard: &mut MDBInMemoryShard,
    files: &mut Vec<File>,
    xorbs: &mut Vec<XorbChunks>,
    chunks: &[Chunk],
    xorb: &Xorb,
    hash: Hash,
    data: &[u8],
) {
    let mut info = RawXorbData::from_chunks(chunks, vec![0]).xorb_info;
    info.metadata.num_bytes_on_disk = xorb.packed_len();
    info.chunks[0] = info.chunks[0].clone().with_global_dedup_flag(true);
    shard.add_xorb_block(info).unwrap();
    let half = chunks.len() / 2;
    let ranges: Vec<_> = [0..half, half..chunks.len()].into_iter().filter(|range| !range.is_empty()).collect();
    let digest: [u8; 32] = any_digest(data);
    let lengths = |range: &std::ops::Range<usize>| xorb.raw_range(range.clone()).unwrap().len() as u32;
    shard
        .add_file_reconstruction_info(MDBFileInfo {
            metadata: FileDataSequenceHeader::new(theirs(hash), ranges.len(), true, true),
            segments: ranges
                .iter()
                .map(|range| {
                    let (start, end) = (range.start as u32, range.end as u32);
                    FileDataSequenceEntry::new(theirs(xorb.hash()), lengths(range), start, end)
                })
                .collect(),
            verification: ranges
                .iter()
                .map(|range| {
                    let hashes: Vec<_> = chunks[range.clone()].iter().map(|chunk| chunk.hash).collect();
                    FileVerificationEntry::new(range_hash_from_chunks(&hashes))
                })
                .collect(),
            metadata_ext: Some(FileMetadataExt::new(Sha256::from_be_bytes(digest))),
        })
        .unwrap();
    let terms = ranges.iter().map(|range| Term {
        xorb: xorb.hash(),
        chunks: range.start as u32..range.end as u32,
        raw_len: lengths(range),
        verification: Some(xorb.verification_hash(range.clone()).unwrap()),
    });
    files.push(File { hash, terms: terms.collect(), sha256: Some(digest) });
    let list = chunks.iter().enumerate().map(|(index, chunk)| ShardChunk {
        hash: ours(chunk.hash),
        raw_len: chunk.data.len() as u32,
        is_file_start: index == 0,
    });
    xorbs.push(XorbChunks { hash: xorb.hash(), packed_len: xorb.packed_len(), chunks: list.collect() });
}

/// Any 32 bytes that stand for a SHA-256.
fn any_digest(data: &[u8]) -> [u8; 32] {
    *Hash::of_chunk(data).with_key(&[1; 32]).as_bytes()
}

/// Parses what they write, and the reverse.
fn compare_shards(shard: &MDBInMemoryShard, mut files: Vec<File>, mut xorbs: Vec<XorbChunks>) {
    // They sort by four numbers, and drop duplicates.
    files.sort_by_key(|file| theirs(file.hash));
    files.dedup_by_key(|file| file.hash);
    xorbs.sort_by_key(|xorb| theirs(xorb.hash));
    xorbs.dedup_by_key(|xorb| xorb.hash);
    let expected = Shard { files, xorbs };

    let stored = shard.to_bytes().unwrap();
    let (found, footer) = Shard::parse(&stored).unwrap();
    assert_eq!(found, expected);
    assert_eq!(footer, Some(Footer { key: None, created: 0, expires: u64::MAX }));

    // As uploaded: without the tables and the footer, and their length in the header.
    let info = MDBShardInfo::load_from_reader(&mut Cursor::new(&stored)).unwrap();
    let mut uploaded = stored[..info.metadata.file_lookup_offset as usize].to_vec();
    uploaded[40..48].fill(0);
    assert_eq!(Shard::parse(&uploaded), Ok((expected.clone(), None)));
    assert!(expected.write(None).unwrap() == uploaded);

    // With a footer, but without tables.
    let footer = Footer { key: None, created: 1_800_000_000, expires: 0 };
    let minimal = MDBMinimalShard::from_reader(&mut Cursor::new(&uploaded), true, true).unwrap();
    let mut written = Vec::new();
    minimal.serialize(&mut written, true, Some(footer.created)).unwrap();
    assert!(expected.write(Some(&footer)).unwrap() == written);

    // An answer to a deduplication query: theirs is read by us, and ours by them.
    let key = [7; 32];
    let mut keyed = Vec::new();
    let valid = Duration::from_secs(3600);
    info.export_as_keyed_shard(&mut Cursor::new(&stored), &mut keyed, key.into(), valid, false, true, true).unwrap();
    let (answer, footer) = Shard::parse(&keyed).unwrap();
    let footer = footer.unwrap();
    assert_eq!((footer.key, footer.expires - footer.created), (Some(key), 3600));
    let question = Shard { files: Vec::new(), xorbs: expected.xorbs.clone() };
    let written = question.write(Some(&footer)).unwrap();
    assert_eq!(Shard::parse(&written), Ok((answer, Some(footer))));
    let info = MDBShardInfo::load_from_reader(&mut Cursor::new(&written)).unwrap();
    assert_eq!(info.chunk_hmac_key(), Some(key.into()));
    assert_eq!(info.metadata.shard_key_expiry, footer.expires);
    let places = info.read_all_truncated_hashes(&mut Cursor::new(&written)).unwrap();
    let chunks: usize = expected.xorbs.iter().map(|xorb| xorb.chunks.len()).sum();
    assert_eq!(places.len(), chunks);
    let mut entry = 0;
    for xorb in &expected.xorbs {
        let hashes: Vec<_> = xorb.chunks.iter().map(|chunk| theirs(chunk.hash)).collect();
        let (count, term) =
            info.chunk_hash_dedup_query_direct(&mut Cursor::new(&written), &hashes, entry, 0).unwrap().unwrap();
        assert_eq!((count, ours(term.xorb_hash)), (hashes.len(), xorb.hash));
        entry += 1 + hashes.len() as u32;
    }
    println!("shards: {} files, {} xorbs, {chunks} chunks", expected.files.len(), expected.xorbs.len());
}
