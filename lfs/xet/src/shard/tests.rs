use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::format::MAX_SHARD_LEN;

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(|bytes| Hash::of_chunk(&bytes))
}

fn any_term() -> impl Strategy<Value = Term> {
    (any_hash(), 0..100_u32, 1..50_u32, 1..131_072_u32).prop_map(|(xorb, start, count, length)| Term {
        xorb,
        chunks: start..start + count,
        raw_len: count * length,
        verification: None,
    })
}

fn any_file() -> impl Strategy<Value = File> {
    let terms = prop::collection::vec(any_term(), 0..5);
    (any_hash(), terms, any::<Option<[u8; 32]>>(), any::<bool>()).prop_map(|(hash, mut terms, sha256, verified)| {
        terms.iter_mut().filter(|_| verified).for_each(|term| term.verification = Some(Hash::of_range([term.xorb])));
        File { hash, terms, sha256 }
    })
}

fn any_xorb() -> impl Strategy<Value = XorbChunks> {
    let chunk = (any_hash(), 1..=131_072_u32, any::<bool>());
    let chunk = chunk.prop_map(|(hash, raw_len, is_file_start)| ShardChunk { hash, raw_len, is_file_start });
    (any_hash(), any::<u32>(), prop::collection::vec(chunk, 0..6)).prop_map(|(hash, packed_len, chunks)| XorbChunks {
        hash,
        packed_len,
        chunks,
    })
}

fn any_shard() -> impl Strategy<Value = Shard> {
    (prop::collection::vec(any_file(), 0..4), prop::collection::vec(any_xorb(), 0..4))
        .prop_map(|(files, xorbs)| Shard { files, xorbs })
}

/// A shard of one file, of one term in a xorb of one chunk.
fn small() -> Shard {
    let chunk = ShardChunk { hash: Hash::of_chunk(b"chunk"), raw_len: 5, is_file_start: false };
    let xorb = XorbChunks { hash: chunk.hash, packed_len: 13, chunks: vec![chunk] };
    let verification = Some(Hash::of_range([chunk.hash]));
    let term = Term { xorb: xorb.hash, chunks: 0..1, raw_len: 5, verification };
    let sha256 = Some(std::array::from_fn(|index| u8::try_from(index).unwrap()));
    Shard { files: vec![File { hash: chunk.hash.with_key(&[0; 32]), terms: vec![term], sha256 }], xorbs: vec![xorb] }
}

/// A small shard with one byte replaced.
fn with(at: usize, byte: u8) -> Result<(Shard, Option<Footer>), Error> {
    let mut bytes = small().write(None).unwrap();
    bytes[at] = byte;
    Shard::parse(&bytes)
}

#[test]
fn the_serialized_form_is_that_of_the_specification() {
    let bytes = small().write(None).unwrap();
    // Header, file, term, verification, SHA-256, end, xorb, chunk, end.
    assert_eq!(bytes.len(), 9 * 48);
    assert_eq!(&bytes[..15], b"HFRepoMetaData\0");
    assert_eq!(bytes[32..48], [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[80..96], [0, 0, 0, 0xc0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[128..144], [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    // The SHA-256 is in groups of 8 reversed bytes.
    assert_eq!(bytes[192..202], [7, 6, 5, 4, 3, 2, 1, 0, 15, 14]);
    assert_eq!(bytes[240..272], [0xff; 32]);
    assert_eq!(bytes[320..336], [0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 13, 0, 0, 0]);
    assert_eq!(bytes[368..384], [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Shard::parse(&bytes), Ok((small(), None)));
}

#[test]
fn reasons_name_the_offset() {
    let entry = |offset, reason| Err(Error::ShardEntry { offset, reason });
    assert_eq!(with(0, 0), Err(Error::ShardHeader("it does not begin with the magic number")));
    assert_eq!(with(32, 3), Err(Error::ShardHeader("its version is not 2")));
    assert_eq!(with(40, 200), Err(Error::ShardFooter("it is incomplete")));
    assert_eq!(with(140, 0), entry(96, "it is not a range of chunks"));
    assert_eq!(with(142, 1), entry(96, "it is not a range of chunks"));
    assert_eq!(with(134, 3), entry(96, "the chunks cannot have this length together"));
    assert_eq!(with(132, 0), entry(96, "the chunks cannot have this length together"));
    assert_eq!(with(325, 0xff), entry(288, "the xorb has too many chunks"));
    assert_eq!(with(368, 1), entry(336, "the chunk does not begin where the one before ends"));
    assert_eq!(with(372, 0), entry(336, "a chunk cannot have this length"));
    assert_eq!(with(374, 3), entry(336, "a chunk cannot have this length"));
    assert_eq!(with(328, 6), entry(336, "the chunks do not have the length of the xorb together"));
    let more = [small().write(None).unwrap(), vec![0]].concat();
    assert!(matches!(Shard::parse(&more), Err(Error::ShardFooter(_))));
}

/// A number of entries is compared with the length of the shard: nothing is allocated for two billion terms.
#[test]
fn announced_entries_must_exist() {
    assert_eq!(with(87, 0xff), Err(Error::ShardTruncated { offset: 96, needed: 0x1_fe00_0004 * 48, found: 336 }));
    assert_eq!(with(325, 0x10), Err(Error::ShardTruncated { offset: 336, needed: 4098 * 48, found: 96 }));
    let bytes = small().write(None).unwrap();
    for length in 0..bytes.len() {
        assert!(matches!(Shard::parse(&bytes[..length]), Err(Error::ShardTruncated { .. })), "{length}");
    }
    assert_eq!(Shard::parse(&vec![0; MAX_SHARD_LEN + 1]), Err(Error::ShardLength(MAX_SHARD_LEN + 1)));
}

#[test]
fn a_shard_that_cannot_be_written_is_an_error() {
    let mut shard = small();
    let mut term = shard.files[0].terms[0].clone();
    term.verification = None;
    shard.files[0].terms.push(term);
    assert_eq!(shard.write(None), Err(Error::ShardVerification(shard.files[0].hash)));
    let chunks = vec![shard.xorbs[0].chunks[0]; 1 << 21];
    let long = Shard { files: Vec::new(), xorbs: vec![XorbChunks { chunks, ..shard.xorbs[0].clone() }] };
    assert!(matches!(long.write(None), Err(Error::ShardLength(length)) if length > 1 << 26));
}

#[test]
fn an_answer_hides_the_hashes_of_chunks() {
    let footer = Footer { key: Some([9; 32]), created: 1_800_000_000, expires: 1_800_003_600 };
    let shard = Shard { files: Vec::new(), ..small() };
    let bytes = shard.write(Some(&footer)).unwrap();
    let (found, found_footer) = Shard::parse(&bytes).unwrap();
    assert_eq!(found_footer, Some(footer));
    assert_eq!(found.xorbs[0].hash, shard.xorbs[0].hash);
    assert_eq!(found.xorbs[0].chunks[0].hash, Hash::of_chunk(b"chunk").with_key(&[9; 32]));
    assert!(!bytes.windows(32).skip(300).any(|window| window == Hash::of_chunk(b"chunk").as_bytes()));
}

proptest! {
    #[test]
    fn shards_round_trip(shard in any_shard(), footer: Option<(u64, u64)>) {
        let footer = footer.map(|(created, expires)| Footer { key: None, created, expires });
        let bytes = shard.write(footer.as_ref()).unwrap();
        prop_assert_eq!(Shard::parse(&bytes), Ok((shard, footer)));
    }

    #[test]
    fn any_bytes_after_a_header_do_not_panic(entries: Vec<u8>, footer in prop::sample::select(&[0_u8, 200][..])) {
        let header = small().write(None).unwrap();
        let mut bytes = [&header[..48], &entries].concat();
        bytes[40] = footer;
        if let Ok((shard, footer)) = Shard::parse(&bytes) {
            prop_assert_eq!(Shard::parse(&shard.write(footer.as_ref()).unwrap()), Ok((shard, footer)));
        }
        prop_assert!(Shard::parse(&entries).is_err());
    }

    #[test]
    fn damaged_shards_do_not_panic(
        shard in any_shard(),
        has_footer: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: Option<prop::sample::Index>,
    ) {
        let footer = Footer { key: Some([1; 32]), ..Footer::default() };
        let mut bytes = shard.write(has_footer.then_some(&footer)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        if let Ok((shard, _)) = Shard::parse(&bytes) {
            let entries = shard.files.iter().map(|file| file.terms.len()).sum::<usize>()
                + shard.xorbs.iter().map(|xorb| xorb.chunks.len()).sum::<usize>();
            prop_assert!(entries * 48 < bytes.len());
        }
    }
}
