//! Prints how many MiB per second one thread cuts, hashes, encodes and decodes:
//! `cargo run --release -p xet --example speed`.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use xet::Hash;
use xet::chunk::Chunker;
use xet::xorb::{Decoder, Encoder};

const LENGTH: usize = 60 << 20;

fn main() {
    let random = random(LENGTH);
    let rows =
        (0..).flat_map(|row: u64| format!("{row},{},temperature,{}\n", row % 97, row * 7919 % 100_003).into_bytes());
    let table: Vec<u8> = rows.take(LENGTH).collect();
    for (name, data) in [("random", &random), ("CSV", &table)] {
        measure(name, "chunker", || chunks(data, |chunk| _ = black_box(chunk)));
        measure(name, "chunker, hash of chunks", || chunks(data, |chunk| _ = black_box(Hash::of_chunk(chunk))));
        let mut xorb = Vec::new();
        measure(name, "encode xorb", || {
            let mut encoder = Encoder::new();
            chunks(data, |chunk| _ = encoder.push(chunk).expect("60 MiB fit"));
            xorb = encoder.finish().expect("there are chunks").0;
        });
        measure(name, "decode xorb, hash of chunks", || {
            let mut decoder = Decoder::new();
            for mut piece in xorb.chunks(64 << 10) {
                while let Some(chunk) = decoder.next_chunk(&mut piece).expect("it was just xorb") {
                    black_box(chunk.data);
                }
            }
            black_box(decoder.finish().expect("it was just xorb"));
        });
    }
}

/// Calls `sink` with the chunks of some data that arrives in pieces of 1 MiB.
fn chunks(data: &[u8], mut sink: impl FnMut(&[u8])) {
    let mut chunker = Chunker::new();
    let mut sink = |chunk: &[u8]| {
        sink(chunk);
        Ok::<_, Infallible>(())
    };
    for piece in data.chunks(1 << 20) {
        let Ok(()) = chunker.push(piece, &mut sink);
    }
    let Ok(()) = chunker.finish(&mut sink);
}

/// Prints the best of five runs.
fn measure(data: &str, name: &str, mut run: impl FnMut()) {
    let seconds = (0..5).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    let best = seconds.fold(f64::INFINITY, f64::min);
    println!("{data:8} {name:30} {:7.0} MiB/s", 60.0 / best);
}

/// Returns reproducible bytes that look random (`SplitMix64`).
fn random(length: usize) -> Vec<u8> {
    let numbers = (1_u64..).map(|number| {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    numbers.flat_map(u64::to_le_bytes).take(length).collect()
}
