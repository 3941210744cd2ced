use proptest::prelude::*;

use super::*;
use crate::format::MAX_XORB_LEN;

/// Decodes a xorb that arrives in pieces of this length.
fn decode(bytes: &[u8], piece: usize) -> Result<(Xorb, Vec<Vec<u8>>), Error> {
    let mut decoder = Decoder::new();
    let mut chunks = Vec::new();
    let (mut read, mut known) = (0, 0);
    for mut piece in bytes.chunks(piece.max(1)) {
        read += piece.len();
        while let Some(chunk) = decoder.next_chunk(&mut piece)? {
            chunks.push(chunk.data.to_vec());
        }
        assert!(piece.is_empty());
        assert!((known..=read).contains(&decoder.chunk_bytes()));
        known = decoder.chunk_bytes();
    }
    let xorb = decoder.finish()?;
    assert_eq!(known, xorb.packed_len() as usize);
    Ok((xorb, chunks))
}

fn encode(chunks: &[Vec<u8>]) -> (Vec<u8>, Xorb) {
    let mut encoder = Encoder::new();
    for chunk in chunks {
        assert_eq!(encoder.push(chunk), Ok(Hash::of_chunk(chunk)));
    }
    encoder.finish().unwrap()
}

/// Text, numbers and random bytes: the three schemes.
fn samples() -> Vec<Vec<u8>> {
    let numbers = (0..9000_u16).flat_map(|number| (1.0 + f32::from(number) / 9000.0).to_le_bytes());
    let bytes = (0..=255).cycle().take(20_000);
    let random = (0..1000_u32).flat_map(|number| *Hash::of_chunk(&number.to_le_bytes()).as_bytes());
    vec![b"the quick brown fox, ".repeat(500), numbers.chain(bytes).collect(), random.collect(), vec![1]]
}

fn place(chunk: usize, offset: usize) -> Place {
    Place { chunk, offset }
}

fn header(scheme: u8, packed: u32, raw: u32) -> Vec<u8> {
    let ([p0, p1, p2, _], [r0, r1, r2, _]) = (packed.to_le_bytes(), raw.to_le_bytes());
    vec![0, p0, p1, p2, scheme, r0, r1, r2]
}

#[test]
fn each_scheme_is_used_where_it_fits() {
    let (bytes, xorb) = encode(&samples());
    let starts = std::iter::once(0).chain(xorb.chunks().iter().map(|chunk| chunk.end as usize));
    let schemes: Vec<u8> = starts.take(4).map(|start| bytes[start + 4]).collect();
    assert_eq!(schemes, [1, 2, 0, 0]);
    assert!(bytes.len() < samples().concat().len());
}

#[test]
fn a_footer_is_accepted_and_compared() {
    let (bytes, xorb) = encode(&samples());
    let footer = xorb.footer(*b"nonc");
    assert_eq!(footer.len(), 92 + 40 * 4 + 4);
    assert_eq!(Xorb::footer_len(*footer.last_chunk().unwrap()), Ok(footer.len()));
    assert_eq!(Xorb::parse_footer(&footer).as_ref(), Ok(&xorb));
    let with_footer = [&bytes[..], &footer].concat();
    for piece in [1, 7, 100_000] {
        assert_eq!(decode(&with_footer, piece), Ok((xorb.clone(), samples())));
    }

    let (_, other) = encode(&samples()[1..]);
    assert_eq!(decode(&[&bytes[..], &other.footer([0; 4])].concat(), 9), Err(Error::XorbFooterDiffers));
    assert_eq!(decode(&footer, 9), Err(Error::XorbEmpty));
    let wrong_length = Err(Error::XorbFooter("it has a wrong length"));
    assert_eq!(decode(&[&with_footer[..], &[0]].concat(), 9), wrong_length);
    assert_eq!(decode(&with_footer[..with_footer.len() - 1], 9), wrong_length);
    assert_eq!(decode(&[&with_footer[..], &vec![0; MAX_FOOTER]].concat(), 1 << 20), wrong_length);
}

#[test]
fn reasons_name_the_place() {
    let (bytes, xorb) = encode(&samples()[..1]);
    let at = place(1, xorb.packed_len() as usize);
    let then = |more: &[u8]| decode(&[&bytes[..], more].concat(), 1000).unwrap_err();
    assert_eq!(decode(&[], 1), Err(Error::XorbEmpty));
    assert_eq!(decode(&[0; 5], 1), Err(Error::XorbTruncated(place(0, 0))));
    assert_eq!(then(&[0]), Error::XorbTruncated(at));
    assert_eq!(then(&header(0, 2, 2)), Error::XorbTruncated(at));
    assert_eq!(then(&[1, 1, 0, 0, 0, 1, 0, 0]), Error::ChunkVersion { place: at, version: 1 });
    assert_eq!(then(&header(3, 1, 1)), Error::ChunkScheme { place: at, scheme: 3 });
    assert_eq!(then(&header(1, 1, 0)), Error::ChunkLength { place: at, length: 0 });
    assert_eq!(then(&header(1, 1, 131_073)), Error::ChunkLength { place: at, length: 131_073 });
    assert_eq!(then(&header(1, 0, 1)), Error::PackedLength { place: at, length: 0 });
    assert_eq!(then(&header(1, 262_145, 1)), Error::PackedLength { place: at, length: 262_145 });
    assert_eq!(then(&header(0, 3, 4)), Error::StoredLength { place: at, raw: 4, packed: 3 });
    let no_frame = Error::Lz4 { place: at, reason: "there is no LZ4 frame" };
    assert_eq!(then(&[header(1, 4, 4), vec![0; 4]].concat()), no_frame);
}

/// A xorb of more chunks or bytes than allowed is refused before the first one too many is read.
#[test]
fn limits_hold_before_reading() {
    let chunk = [header(0, 1, 1), vec![7]].concat();
    let most = chunk.repeat(MAX_XORB_CHUNKS);
    let (xorb, _) = decode(&most, 1 << 20).unwrap();
    assert_eq!(xorb.chunks().len(), MAX_XORB_CHUNKS);
    assert_eq!(xorb.footer([0; 4]).len(), MAX_FOOTER);
    assert_eq!(decode(&[&most[..], &header(0, 1, 1)].concat(), 1 << 20), Err(Error::XorbChunks));

    let large = [header(0, 131_072, 131_072), vec![0; 131_072]].concat();
    let mut decoder = Decoder::new();
    let mut read = 0;
    let error = loop {
        match decoder.next_chunk(&mut &large[..]) {
            Ok(_) => read += large.len(),
            Err(error) => break error,
        }
    };
    assert!(read <= MAX_XORB_LEN && read + large.len() > MAX_XORB_LEN);
    assert_eq!(error, Error::XorbLength(place(read / large.len(), read)));
}

#[test]
fn the_encoder_refuses_what_a_xorb_cannot_have() {
    let mut encoder = Encoder::new();
    assert_eq!(encoder.push(&[]), Err(Error::ChunkLength { place: place(0, 0), length: 0 }));
    assert_eq!(encoder.push(&vec![0; 131_073]), Err(Error::ChunkLength { place: place(0, 0), length: 131_073 }));
    assert_eq!(encoder.clone().finish(), Err(Error::XorbEmpty));
    while encoder.has_room(1) {
        encoder.push(&[1]).unwrap();
    }
    assert_eq!(encoder.push(&[1]), Err(Error::XorbChunks));
    assert_eq!(encoder.finish().unwrap().1.chunks().len(), MAX_XORB_CHUNKS);

    let noise: Vec<u8> = (0..4096_u32).flat_map(|number| *Hash::of_chunk(&number.to_le_bytes()).as_bytes()).collect();
    let mut encoder = Encoder::new();
    while encoder.has_room(noise.len()) {
        encoder.push(&noise).unwrap();
    }
    assert!(matches!(encoder.push(&noise), Err(Error::XorbLength(_))));
    let (bytes, _) = encoder.finish().unwrap();
    assert!(bytes.len() <= 64 << 20 && bytes.len() + noise.len() + 8 > 64 << 20);
}

#[test]
fn ranges_are_decoded_and_compared() {
    let chunks = samples();
    let (bytes, xorb) = encode(&chunks);
    for (start, end) in [(0, 4), (0, 1), (1, 3), (3, 4)] {
        let packed = xorb.packed_range(start..end).unwrap();
        let packed = &bytes[packed.start as usize..packed.end as usize];
        let mut raw = Vec::new();
        let decoded = xorb.decode_range(start..end, packed, &mut raw).unwrap();
        assert_eq!(decoded.len(), end - start);
        for (bytes, chunk) in decoded.into_iter().zip(&chunks[start..end]) {
            let bytes = match bytes {
                DecodedBytes::Packed(range) => &packed[range],
                DecodedBytes::Raw(range) => &raw[range],
            };
            assert!(bytes == chunk);
        }
        assert_eq!(xorb.raw_range(start..end).unwrap().len(), chunks[start..end].concat().len());
        let leaves = chunks[start..end].iter().map(|chunk| (Hash::of_chunk(chunk), chunk.len() as u64));
        assert!(xorb.leaves(start..end).unwrap().eq(leaves.clone()));
        let hashes = leaves.map(|(hash, _)| hash);
        assert_eq!(xorb.verification_hash(start..end), Ok(Hash::of_range(hashes)));
        let short = xorb.decode_range(start..end, &packed[..packed.len() - 1], &mut raw);
        assert!(matches!(short, Err(Error::XorbTruncated(_))), "{short:?}");
    }
    let stored = xorb.packed_range(2..3).unwrap();
    let mut wrong = bytes[stored.start as usize..stored.end as usize].to_vec();
    wrong[100] ^= 1;
    let result = xorb.decode_range(2..3, &wrong, &mut Vec::new());
    assert!(matches!(result, Err(Error::ChunkHash { place: Place { chunk: 2, .. }, .. })), "{result:?}");
    wrong[5] ^= 1;
    wrong[1] ^= 1;
    let result = xorb.decode_range(2..3, &wrong, &mut Vec::new());
    assert_eq!(result, Err(Error::ChunkBounds(place(2, stored.start as usize))));
    for (start, end) in [(0, 0), (0, 5), (4, 5), (3, 2)] {
        assert_eq!(xorb.packed_range(start..end), Err(Error::ChunkRange { start, end, count: 4 }));
    }
}

fn any_chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let chunk = (prop::collection::vec(any::<u8>(), 1..300), 1..40_usize).prop_map(|(part, times)| part.repeat(times));
    prop::collection::vec(chunk, 1..8)
}

proptest! {
    #[test]
    fn chunks_round_trip(chunks in any_chunks(), piece in 1..9000_usize) {
        let (bytes, xorb) = encode(&chunks);
        prop_assert_eq!(xorb.packed_len() as usize, bytes.len());
        prop_assert_eq!(decode(&bytes, piece), Ok((xorb, chunks)));
    }

    #[test]
    fn any_bytes_are_no_xorb_or_one(bytes: Vec<u8>, piece in 1..40_usize) {
        if let Ok((xorb, chunks)) = decode(&bytes, piece) {
            prop_assert_eq!(xorb.raw_len() as usize, chunks.concat().len());
        }
        prop_assert!(Xorb::parse_footer(&bytes).is_err());
    }

    #[test]
    fn damaged_xorbs_are_refused_or_are_others(
        chunks in any_chunks(),
        at: prop::sample::Index,
        mask in 1_u8..,
        with_footer: bool,
        piece in 1..9000_usize,
    ) {
        let (mut bytes, xorb) = encode(&chunks);
        let nonce = bytes.len() + 92 + 40 * chunks.len() - 16;
        if with_footer {
            bytes.extend(xorb.footer([0; 4]));
        }
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        match decode(&bytes, piece) {
            Ok((found, others)) if found == xorb => {
                // Some bits have no meaning: in the nonce, and in the header of an LZ4 frame.
                prop_assert_eq!(others, chunks);
                prop_assert!(at < xorb.packed_len() as usize || (nonce..nonce + 16).contains(&at), "{}", at);
            }
            Ok(_) => prop_assert!(!with_footer),
            Err(_) => {}
        }
    }

    #[test]
    fn damaged_footers_do_not_panic(chunks in any_chunks(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let (_, xorb) = encode(&chunks);
        let mut footer = xorb.footer([0; 4]);
        let at = at.index(footer.len());
        footer[at] = byte;
        if let Ok(found) = Xorb::parse_footer(&footer) {
            prop_assert_eq!(found.hash(), xorb.hash());
        }
        prop_assert!(Xorb::parse_footer(&footer[..cut.index(footer.len())]).is_err());
    }
}
