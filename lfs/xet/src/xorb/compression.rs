//! Compression schemes of chunks, and the choice among them.

use std::borrow::Cow;
use std::io::Write as _;

use lz4_flex::frame::FrameEncoder;

/// How a chunk is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Not at all.
    None = 0,
    /// As an LZ4 frame.
    Lz4 = 1,
    /// All first bytes of groups of four, then all second bytes, and so on, as an LZ4 frame. It compresses numbers of two
    /// or four bytes better.
    GroupedLz4 = 2,
}

impl Scheme {
    /// Returns the scheme with a number, if there is one.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::None, Self::Lz4, Self::GroupedLz4].into_iter().find(|scheme| *scheme as u8 == number)
    }

    /// Chooses the scheme for a chunk as the official client does: whether the numbers of set bits per byte are
    /// distributed differently at one of the four positions (Kullback-Leibler divergence above 0.02). Source: `xorb`,
    /// "Best Effort Prediction".
    #[expect(clippy::cast_precision_loss, reason = "counts of at most 128 KiB are exact")]
    pub(super) fn choose(chunk: &[u8]) -> Self {
        // How often each byte occurs at each position: fewer steps per byte than counting its bits at once.
        let mut bytes = [[0_usize; 256]; 4];
        let (groups, rest) = chunk.as_chunks::<4>();
        for group in groups.iter().map(|group| &group[..]).chain([rest]) {
            for (bytes, byte) in bytes.iter_mut().zip(group) {
                bytes[usize::from(*byte)] += 1;
            }
        }
        let mut counts = [[0_usize; 9]; 4];
        for (counts, bytes) in counts.iter_mut().zip(bytes) {
            for (byte, count) in (0..=u8::MAX).zip(bytes) {
                counts[byte.count_ones() as usize] += count;
            }
        }
        let total = chunk.len() as f64;
        // One more than counted, so that no probability is zero.
        let all: [f64; 9] =
            std::array::from_fn(|bits| counts.iter().map(|group| group[bits]).sum::<usize>() as f64 + 1.0);
        let differs = counts.iter().any(|group| {
            let size = group.iter().sum::<usize>() as f64;
            let terms = group.iter().zip(all).map(|(count, all)| {
                let probability = *count as f64 / size;
                probability * (probability / (all / total)).ln()
            });
            // If no byte has this number of set bits, its term is NaN, and the position does not count. The
            // official client does not treat this specially either.
            terms.sum::<f64>() > 0.02
        });
        if differs { Self::GroupedLz4 } else { Self::Lz4 }
    }

    /// Compresses a chunk. Returns `Scheme::None` if it would not become smaller.
    pub(super) fn compress(self, chunk: &[u8]) -> (Self, Cow<'_, [u8]>) {
        let packed = match self {
            Self::None => return (self, chunk.into()),
            Self::Lz4 => frame(chunk),
            Self::GroupedLz4 => frame(&group(chunk)),
        };
        if packed.len() < chunk.len() { (self, packed.into()) } else { (Self::None, chunk.into()) }
    }
}

/// Compresses bytes as an LZ4 frame.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).expect("a vector takes all bytes");
    encoder.finish().expect("a vector takes all bytes")
}

/// Puts all first bytes of groups of four first, then all second bytes, and so on.
fn group(bytes: &[u8]) -> Vec<u8> {
    (0..4).flat_map(|position| bytes.iter().skip(position).step_by(4).copied()).collect()
}

/// Reverts [`group`]. Both have the same length.
pub(super) fn ungroup(grouped: &[u8], bytes: &mut [u8]) {
    let (quarter, rest) = (grouped.len() / 4, grouped.len() % 4);
    let (first, others) = grouped.split_at(quarter + usize::from(rest > 0));
    let (second, others) = others.split_at(quarter + usize::from(rest > 1));
    let (third, fourth) = others.split_at(quarter + usize::from(rest > 2));
    let (groups, last) = bytes.as_chunks_mut::<4>();
    for ((((group, a), b), c), d) in groups.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
        *group = [*a, *b, *c, *d];
    }
    for (byte, group) in last.iter_mut().zip([first, second, third]) {
        *byte = group[quarter];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_are_those_of_the_specification() {
        assert_eq!(group(b"ABCDabcd0123xy"), b"Aa0xBb1yCc2Dd3");
    }

    #[test]
    fn numbers_are_grouped_and_text_is_not() {
        let numbers: Vec<u8> =
            (0..9000_u16).flat_map(|number| (1.0 + f32::from(number) / 9000.0).to_le_bytes()).collect();
        assert_eq!(
            Scheme::choose(&[numbers.clone(), (0..=255).cycle().take(20_000).collect()].concat()),
            Scheme::GroupedLz4
        );
        assert_eq!(Scheme::choose(&b"the quick brown fox, ".repeat(500)), Scheme::Lz4);
        assert_eq!(Scheme::choose(&[]), Scheme::Lz4);
    }

    proptest! {
        #[test]
        fn grouping_round_trips(bytes: Vec<u8>) {
            let mut again = vec![0; bytes.len()];
            ungroup(&group(&bytes), &mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}
