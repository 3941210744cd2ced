//! Decompression of text files (gzip, Zstandard) in pieces of bounded size.

use std::io::Write as _;

use flate2::write::MultiGzDecoder;
use tables_wire::Compression;
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

use crate::error::{Error, Result};

/// Maximum ratio of uncompressed to compressed bytes, after the first MiB.
const MAX_RATIO: u64 = 200;
const FREE: u64 = 1 << 20;

/// Approximate length of the output of a step, in bytes.
const STEP: usize = 1 << 18;

/// Length of the buffer for the output of Zstandard, in bytes.
const BUFFER: usize = 1 << 15;

/// Decompresses a file from its beginning.
pub(super) struct Unpacker {
    decoder: Algorithm,
    read: u64,
    written: u64,
}

enum Algorithm {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd {
        decoder: Decoder<'static>,
        /// Room for a part of the output.
        buffer: Vec<u8>,
        /// True within a frame.
        is_open: bool,
    },
}

impl Unpacker {
    pub(super) fn new(compression: Compression) -> Result<Self> {
        let decoder = match compression {
            Compression::Gzip => Algorithm::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Compression::Zstd => Algorithm::Zstd {
                decoder: Decoder::new().map_err(Error::internal)?,
                buffer: vec![0; BUFFER],
                is_open: false,
            },
        };
        Ok(Self { decoder, read: 0, written: 0 })
    }

    /// Decompresses the beginning of `input`, adds the result to `output`, and returns how much of `input` was used.
    ///
    /// # Errors
    /// Invalid for malformed data; limit for data that are too much compressed.
    pub(super) fn step(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize> {
        let before = output.len();
        let mut used = 0;
        while used < input.len() && output.len() - before < STEP {
            used += self.decoder.run(&input[used..], output).map_err(|error| malformed(&error))?;
        }
        self.read += used as u64;
        self.written += (output.len() - before) as u64;
        if self.written > FREE + self.read * MAX_RATIO {
            return Err(Error::limit(format!(
                "the file is compressed to less than 1/{MAX_RATIO} of its length; decompress it, or convert it to Parquet"
            )));
        }
        Ok(used)
    }

    /// Ends the file, and adds the rest to `output`.
    ///
    /// # Errors
    /// Invalid if the file is truncated.
    pub(super) fn finish(&mut self, output: &mut Vec<u8>) -> Result<()> {
        match &mut self.decoder {
            Algorithm::Gzip(decoder) => {
                if self.read > 0 {
                    decoder.try_finish().map_err(|error| malformed(&error))?;
                }
                output.append(decoder.get_mut());
            }
            Algorithm::Zstd { is_open: true, .. } => return Err(Error::invalid("the compressed file is truncated")),
            Algorithm::Zstd { .. } => {}
        }
        Ok(())
    }
}

impl Algorithm {
    /// Uses a part of the input. The output is bounded: libraries stop when their buffer is full.
    fn run(&mut self, input: &[u8], output: &mut Vec<u8>) -> std::io::Result<usize> {
        match self {
            Self::Gzip(decoder) => {
                let used = decoder.write(input)?;
                output.append(decoder.get_mut());
                Ok(used)
            }
            Self::Zstd { decoder, buffer, is_open } => {
                let mut source = InBuffer::around(input);
                loop {
                    let mut target = OutBuffer::around(&mut buffer[..]);
                    let hint = decoder.run(&mut source, &mut target)?;
                    let written = target.as_slice();
                    output.extend_from_slice(written);
                    *is_open = hint != 0;
                    let is_full = written.len() == BUFFER;
                    // A full buffer may leave output behind after the end of the input, unless the frame has ended.
                    if source.pos() < input.len() || !is_full || hint == 0 {
                        return Ok(source.pos());
                    }
                }
            }
        }
    }
}

fn malformed(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::invalid("the compressed file is truncated"),
        _ => Error::invalid("the file is not compressed as its name says, or is damaged"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use tables_wire::FailureKind;

    use super::*;

    pub(crate) fn packed(bytes: &[u8], compression: Compression) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        }
    }

    fn unpacked(file: &[u8], piece: usize, compression: Compression) -> Result<Vec<u8>> {
        let mut unpacker = Unpacker::new(compression)?;
        let mut output = Vec::new();
        for piece in file.chunks(piece) {
            let mut used = 0;
            while used < piece.len() {
                used += unpacker.step(&piece[used..], &mut output)?;
            }
        }
        unpacker.finish(&mut output)?;
        Ok(output)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn all_members_are_decompressed(
            parts in prop::collection::vec(("[a-c]{0,50}", 0_usize..4000), 1..4), piece in 1_usize..5000, is_zstd: bool,
        ) {
            let compression = if is_zstd { Compression::Zstd } else { Compression::Gzip };
            let parts: Vec<String> = parts.into_iter().map(|(text, times)| text.repeat(times % 50)).collect();
            let file: Vec<u8> = parts.iter().flat_map(|part| packed(part.as_bytes(), compression)).collect();
            prop_assert_eq!(unpacked(&file, piece, compression).unwrap(), parts.concat().into_bytes());
            for cut in [1, file.len() / 2] {
                let _ = unpacked(&file[..file.len() - cut], piece, compression);
            }
        }
    }

    #[test]
    fn truncated_and_damaged_files_are_refused() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let file = packed(&b"some text, some more text".repeat(9), compression);
            for end in 1..file.len() {
                assert!(unpacked(&file[..end], 7, compression).is_err(), "{compression:?} {end}");
            }
            assert!(unpacked(b"a,b\n1,2\n", 100, compression).is_err());
            assert_eq!(unpacked(b"", 1, compression).unwrap(), b"");
        }
    }

    #[test]
    fn little_may_not_become_much() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let small = packed(&vec![b'a'; 1 << 20], compression);
            assert_eq!(unpacked(&small, 1000, compression).unwrap().len(), 1 << 20);
            let large = packed(&vec![b'a'; 1 << 24], compression);
            assert_eq!(unpacked(&large, 1 << 20, compression).unwrap_err().kind, FailureKind::Limit);
        }
    }
}
