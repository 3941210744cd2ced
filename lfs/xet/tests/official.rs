//! Results of the official implementation, xet-core 1.8.0, which `tests/xet-parity` wrote: its xorbs and shards are read, and
//! its hashes are found again.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::convert::Infallible;

use xet::chunk::Chunker;
use xet::merkle::Tree;
use xet::shard::{File, Footer, Shard, ShardChunk, Term, XorbChunks};
use xet::xorb::{Decoder, Xorb};
use xet::{Error, Hash};

const XORB: &[u8] = include_bytes!("official/sample.xorb");
const STORED: &[u8] = include_bytes!("official/stored.shard");
const ANSWER: &[u8] = include_bytes!("official/answer.shard");

/// Reproducible bytes that look random (`SplitMix64`).
fn random(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

/// Rows of a table.
fn csv(length: usize) -> Vec<u8> {
    let rows =
        (0..).flat_map(|row: u64| format!("{row},{},temperature,{}\n", row % 97, row * 7919 % 100_003).into_bytes());
    rows.take(length).collect()
}

const TEXT: &[u8] = b"the quick brown fox jumps over the lazy dog\n";

/// The chunks of the sample: one for each compression scheme.
fn parts() -> [Vec<u8>; 3] {
    let numbers = (0..2048_u32).flat_map(|number| (number % 256 + (number / 256) * 0x0307_0000).to_le_bytes());
    [TEXT.repeat(50), numbers.collect(), random(100)]
}

fn decode(bytes: &[u8]) -> Result<(Xorb, Vec<Vec<u8>>), Error> {
    let mut decoder = Decoder::new();
    let mut chunks = Vec::new();
    for mut piece in bytes.chunks(77) {
        while let Some(chunk) = decoder.next_chunk(&mut piece)? {
            chunks.push(chunk.data.to_vec());
        }
    }
    Ok((decoder.finish()?, chunks))
}

/// Number of chunks, and hash of the file.
fn file(data: &[u8]) -> (usize, String) {
    let mut tree = Tree::new();
    let mut count = 0;
    let mut sink = |chunk: &[u8]| {
        tree.push(Hash::of_chunk(chunk), chunk.len() as u64);
        count += 1;
        Ok::<_, Infallible>(())
    };
    let mut chunker = Chunker::new();
    for piece in data.chunks(50_021) {
        chunker.push(piece, &mut sink).unwrap();
    }
    chunker.finish(&mut sink).unwrap();
    (count, tree.file_hash().to_string())
}

#[test]
fn files_have_their_hashes() {
    let text = |length| TEXT.iter().copied().cycle().take(length).collect::<Vec<u8>>();
    let expected = [
        (random(1), 1, "db14a713ab6ac9984dec4b58ec6b4cd80fb23a9e4d5cf47711b3e25b572e0f15"),
        (random(8191), 1, "c9972474e2169b770d0595da498b63ce4ceb28b565bd5395121b648c0c0c8d6a"),
        (random(8192), 1, "092549df2ade2842aaf826348895bc281d6ea61507857a40659ffa139d1e60ae"),
        (random(131_072), 3, "c192e90f65eb8a8e18dc554fcb11697f884301cb1789ea401dfffe717abca740"),
        (random(131_073), 3, "eebb9c2202901ba249894e16fdec34084d6c71a9608665f6b8acebf38cda57c5"),
        (random(5_000_011), 67, "457d84cec05266b883ed68ce8e510a8cdf44abe075183732f20fe47b0090361b"),
        (vec![0; 131_072], 1, "7a7c18448d7ae35cc61c072281981c565fedb8a079b42c6ef4a0c846bb78c50d"),
        (vec![0; 131_073], 2, "83f8f48adc7310b5748295b256ca24cdce2aac457679c98526e3a19e0388f58a"),
        (vec![0; 5_000_011], 39, "097a515fbc879fb4541fc0118e5a099f52cad05b2454ef2ab4decff92b676a5d"),
        (text(131_073), 2, "2b386a63c90143f4fc4ecd54a4777db6cd862aa4ae5e556a97e7f2e5b1826643"),
        (text(5_000_011), 39, "03eb425f8af34f04e4b9ffc10c69d8afd853859f5fe04da48db76892a066817c"),
        (csv(131_073), 3, "17cddcee0af0687932cce805c8c28f4c82f59be2e326894e8494e61bf9426731"),
        (csv(1 << 20), 18, "d6bea9fb041db8077b88a486373f4ab8f68fbd4c29f433bba31e75a9d7b9041e"),
        (csv(20 << 20), 319, "ead1ced93ce07caf64cc09af9d2d04344b371e95ba62bb1cda4bf33d4a105a6e"),
    ];
    for (data, count, hash) in expected {
        assert_eq!(file(&data), (count, hash.to_owned()), "{} bytes", data.len());
    }
    assert_eq!(file(&[]), (0, "0".repeat(64)));
}

#[test]
fn a_xorb_is_read_and_its_footer_is_written() {
    let (xorb, chunks) = decode(XORB).unwrap();
    assert_eq!(chunks, parts());
    let end = xorb.packed_len() as usize;
    assert_eq!(XORB[end..], xorb.footer([0; 4]));
    // Each compression scheme is in it.
    let starts = [0, xorb.chunks()[0].end as usize, xorb.chunks()[1].end as usize];
    assert_eq!(starts.map(|start| XORB[start + 4]), [1, 2, 0]);
    assert_eq!(decode(&XORB[..end]), Ok((xorb, chunks)));
}

/// The shard that describes the sample as a file of two terms.
fn shard() -> Shard {
    let (xorb, chunks) = decode(XORB).unwrap();
    let terms = [0..1, 1..3_usize].map(|range| Term {
        xorb: xorb.hash(),
        chunks: u32::try_from(range.start).unwrap()..u32::try_from(range.end).unwrap(),
        raw_len: u32::try_from(xorb.raw_range(range.clone()).unwrap().len()).unwrap(),
        verification: Some(xorb.verification_hash(range).unwrap()),
    });
    let tree: Tree = chunks.iter().map(|chunk| (Hash::of_chunk(chunk), chunk.len() as u64)).collect();
    // Any 32 bytes: their order is what matters.
    let sha256 = *Hash::of_chunk(&chunks.concat()).with_key(&[1; 32]).as_bytes();
    let list = chunks.iter().enumerate().map(|(index, chunk)| ShardChunk {
        hash: Hash::of_chunk(chunk),
        raw_len: u32::try_from(chunk.len()).unwrap(),
        is_file_start: index == 0,
    });
    Shard {
        files: vec![File { hash: tree.file_hash(), terms: terms.to_vec(), sha256: Some(sha256) }],
        xorbs: vec![XorbChunks { hash: xorb.hash(), packed_len: xorb.packed_len(), chunks: list.collect() }],
    }
}

#[test]
fn a_shard_is_read_and_written() {
    let footer = Footer { key: None, created: 0, expires: u64::MAX };
    assert_eq!(Shard::parse(STORED), Ok((shard(), Some(footer))));
    // As uploaded: without what comes after the entries, and without its length in the header.
    let mut uploaded = shard().write(None).unwrap();
    assert_eq!(uploaded[40], 0);
    uploaded[40] = 200;
    assert!(STORED.starts_with(&uploaded) && STORED.len() == uploaded.len() + 12 + 12 + 3 * 16 + 200);
}

#[test]
fn an_answer_to_a_query_is_read_and_written() {
    let (answer, footer) = Shard::parse(ANSWER).unwrap();
    let footer = footer.unwrap();
    assert_eq!((footer.key, footer.expires - footer.created), (Some([7; 32]), 3600));
    let written = Shard { files: Vec::new(), ..shard() }.write(Some(&footer)).unwrap();
    assert_eq!(Shard::parse(&written), Ok((answer, Some(footer))));
    let entries = written.len() - 200;
    assert_eq!(written[..entries], ANSWER[..entries]);
}
