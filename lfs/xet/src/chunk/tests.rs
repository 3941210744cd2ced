use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// The definition of the specification (`chunking`, "Pseudocode"): lengths of the chunks.
fn defined(data: &[u8]) -> Vec<usize> {
    let (mut hash, mut start, mut lengths) = (0_u64, 0, Vec::new());
    for (index, byte) in data.iter().enumerate() {
        hash = (hash << 1).wrapping_add(TABLE[usize::from(*byte)]);
        let size = index + 1 - start;
        if size >= MIN_CHUNK && (size >= MAX_CHUNK || hash & CUT_MASK == 0) {
            lengths.push(size);
            (start, hash) = (index + 1, 0);
        }
    }
    if start < data.len() {
        lengths.push(data.len() - start);
    }
    lengths
}

fn lengths<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<usize> {
    let mut chunker = Chunker::new();
    let mut lengths = Vec::new();
    let mut sink = |chunk: &[u8]| {
        lengths.push(chunk.len());
        Ok::<_, Infallible>(())
    };
    for piece in pieces {
        chunker.push(piece, &mut sink).unwrap();
    }
    chunker.finish(&mut sink).unwrap();
    lengths
}

/// Reproducible bytes that look random (`SplitMix64`).
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

#[test]
fn boundaries_are_those_of_the_specification() {
    for length in [0, 1, 63, 64, 8191, 8192, 8193, 131_071, 131_072, 131_073, 1 << 20] {
        let data = random(length, 1);
        assert_eq!(lengths([&data[..]]), defined(&data), "random, {length}");
        let zeros = vec![0; length];
        assert_eq!(lengths([&zeros[..]]), defined(&zeros), "zeros, {length}");
    }
}

#[test]
fn bytes_without_a_boundary_are_cut_at_the_maximum() {
    assert_eq!(lengths([&vec![0; 300_000][..]]), [131_072, 131_072, 37_856]);
}

#[test]
fn an_error_of_the_sink_ends_the_call() {
    let mut calls = 0;
    let result = Chunker::new().push(&vec![0; 300_000], |_| {
        calls += 1;
        Err("full")
    });
    assert_eq!((result, calls), (Err("full"), 1));
}

#[test]
fn chunks_are_the_bytes_of_the_stream() {
    let data = random(500_000, 2);
    let mut joined = Vec::new();
    let mut chunker = Chunker::new();
    let mut sink = |chunk: &[u8]| {
        joined.extend_from_slice(chunk);
        Ok::<_, Infallible>(())
    };
    for piece in data.chunks(10_007) {
        chunker.push(piece, &mut sink).unwrap();
    }
    chunker.finish(&mut sink).unwrap();
    assert!(joined == data);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        seed: u64,
        parts in prop::collection::vec((0..60_000_usize, any::<Option<u8>>()), 1..12),
        pieces in prop::collection::vec(1..40_000_usize, 1..20),
    ) {
        let data: Vec<u8> = parts.into_iter().flat_map(|(length, byte)| match byte {
            Some(byte) => vec![byte; length],
            None => random(length, seed),
        }).collect();
        let mut rest = &data[..];
        let mut cuts = Vec::new();
        for length in pieces.into_iter().cycle() {
            let (piece, others) = rest.split_at(length.min(rest.len()));
            cuts.push(piece);
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(lengths(cuts), defined(&data));
    }
}
