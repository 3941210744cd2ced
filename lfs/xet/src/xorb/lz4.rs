//! LZ4 frames of a known length.
//!
//! The decoder of `lz4_flex` allocates and clears 4 MiB or more if a frame announces blocks of that size, as those of some
//! clients do for every chunk of 64 KiB. This one writes each block to its place in the chunk, and allocates nothing.
//! Source: the LZ4 frame format, <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>.

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
const UNCOMPRESSED: u32 = 1 << 31;
/// How far a block can refer to earlier blocks, in bytes.
const WINDOW: usize = 64 << 10;

const TRUNCATED: &str = "the LZ4 frame is incomplete";
const TOO_LONG: &str = "the LZ4 frame has more bytes than the chunk";

/// Decompresses one frame that has exactly the length of `raw`, and nothing after it. Returns what is wrong otherwise.
pub(super) fn decompress(frame: &[u8], raw: &mut [u8]) -> Result<(), &'static str> {
    let mut input = Input(frame);
    if input.take()? != MAGIC {
        return Err("there is no LZ4 frame");
    }
    let descriptor = input.0;
    let [flags, block_size] = input.take()?;
    if flags >> 6 != 1 || flags & 0b10 != 0 || block_size & 0b1000_1111 != 0 || block_size >> 4 < 4 {
        return Err("the header of the LZ4 frame is not valid");
    }
    if flags & 1 != 0 {
        return Err("the LZ4 frame needs a dictionary");
    }
    let is_linked = flags & 1 << 5 == 0;
    let has_block_checksums = flags & 1 << 4 != 0;
    if flags & 1 << 3 != 0 && u64::from_le_bytes(input.take()?) != raw.len() as u64 {
        return Err("the LZ4 frame does not have the length of the chunk");
    }
    let described = &descriptor[..descriptor.len() - input.0.len()];
    let [checksum] = input.take()?;
    if checksum != XxHash32::oneshot(0, described).to_le_bytes()[1] {
        return Err("the header of the LZ4 frame has a wrong checksum");
    }
    // 64 KiB, 256 KiB, 1 MiB or 4 MiB.
    let max_block = 1_usize << (8 + 2 * (block_size >> 4));

    let mut at = 0;
    loop {
        let word = u32::from_le_bytes(input.take()?);
        if word == 0 {
            break;
        }
        let block = input.take_slice((word & !UNCOMPRESSED) as usize)?;
        if block.len() > max_block {
            return Err("a block of the LZ4 frame is too long");
        }
        if has_block_checksums && input.take()? != XxHash32::oneshot(0, block).to_le_bytes() {
            return Err("a block of the LZ4 frame has a wrong checksum");
        }
        let (done, rest) = raw.split_at_mut(at);
        let rest_len = rest.len().min(max_block);
        let rest = &mut rest[..rest_len];
        at += if word & UNCOMPRESSED != 0 {
            rest.get_mut(..block.len()).ok_or(TOO_LONG)?.copy_from_slice(block);
            block.len()
        } else if is_linked && !done.is_empty() {
            let window = &done[done.len().saturating_sub(WINDOW)..];
            decompress_into_with_dict(block, rest, window).map_err(reason)?
        } else {
            decompress_into(block, rest).map_err(reason)?
        };
    }
    if at != raw.len() {
        return Err("the LZ4 frame has fewer bytes than the chunk");
    }
    if flags & 1 << 2 != 0 && input.take()? != XxHash32::oneshot(0, raw).to_le_bytes() {
        return Err("the LZ4 frame has a wrong checksum");
    }
    if !input.0.is_empty() {
        return Err("there are bytes after the LZ4 frame");
    }
    Ok(())
}

/// Returns what is wrong with a block.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn reason(error: lz4_flex::block::DecompressError) -> &'static str {
    match error {
        lz4_flex::block::DecompressError::OutputTooSmall { .. } => TOO_LONG,
        _ => "a block of the LZ4 frame is not valid",
    }
}

/// The bytes that were not read yet.
struct Input<'f>(&'f [u8]);

impl<'f> Input<'f> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn take_slice(&mut self, length: usize) -> Result<&'f [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use proptest::prelude::*;

    use super::*;

    fn any_frame() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        let sizes = [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max4MB];
        let raw = (prop::collection::vec(any::<u8>(), 1..400), 1..500_usize);
        let raw = raw.prop_map(|(part, times)| part.repeat(times.min(131_072 / part.len())));
        (raw, prop::sample::select(sizes.to_vec()), any::<[bool; 4]>()).prop_map(
            |(raw, size, [linked, length, block, content])| {
                let info = FrameInfo::new()
                    .block_size(size)
                    .block_mode(if linked { BlockMode::Linked } else { BlockMode::Independent })
                    .content_size(length.then_some(raw.len() as u64))
                    .block_checksums(block)
                    .content_checksum(content);
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&raw).unwrap();
                (encoder.finish().unwrap(), raw)
            },
        )
    }

    #[test]
    fn reasons_are_plain() {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(&[7; 1000]).unwrap();
        let frame = encoder.finish().unwrap();
        let of = |frame: &[u8], length| decompress(frame, &mut vec![0; length]);
        assert_eq!(of(&frame, 1000), Ok(()));
        assert_eq!(of(&frame, 999), Err(TOO_LONG));
        assert_eq!(of(&frame, 1001), Err("the LZ4 frame has fewer bytes than the chunk"));
        assert_eq!(of(&frame[..frame.len() - 4], 1000), Err(TRUNCATED));
        assert_eq!(of(&[&frame[..], &[0]].concat(), 1000), Err("there are bytes after the LZ4 frame"));
        assert_eq!(of(&[7; 1000], 1000), Err("there is no LZ4 frame"));
        let mut wrong = frame;
        wrong[6] ^= 1;
        assert_eq!(of(&wrong, 1000), Err("the header of the LZ4 frame has a wrong checksum"));
    }

    proptest! {
        #[test]
        fn frames_of_every_form_round_trip((frame, raw) in any_frame()) {
            let mut found = vec![0; raw.len()];
            prop_assert_eq!(decompress(&frame, &mut found), Ok(()));
            prop_assert_eq!(found, raw);
        }

        #[test]
        fn damaged_frames_do_not_panic((mut frame, raw) in any_frame(), at: prop::sample::Index, bit in 0..8_u8, cut: bool) {
            let at = at.index(frame.len());
            if cut {
                frame.truncate(at);
                prop_assert!(decompress(&frame, &mut vec![0; raw.len()]).is_err());
            } else {
                frame[at] ^= 1_u8 << bit;
                let _ = decompress(&frame, &mut vec![0; raw.len()]);
            }
        }
    }
}
