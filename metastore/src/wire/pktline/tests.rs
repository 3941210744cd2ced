use futures::FutureExt;
use proptest::prelude::*;

use super::*;

fn read_all(mut input: &[u8], limit: usize) -> (Vec<Packet>, Option<PacketError>) {
    let mut packets = Vec::new();
    let mut reader = PacketReader::new(&mut input, limit);
    loop {
        // Reading from a slice never blocks.
        match reader.next().now_or_never().expect("a slice is always ready") {
            Ok(Some(packet)) => packets.push(packet),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error)),
        }
    }
}

#[test]
fn markers_and_payloads_are_distinguished() {
    let (packets, error) = read_all(b"0000000100020004000ahello\n", 1024);
    assert!(error.is_none());
    assert_eq!(
        packets,
        [
            Packet::Flush,
            Packet::Delimiter,
            Packet::ResponseEnd,
            Packet::Data(Bytes::new()),
            Packet::Data(Bytes::from_static(b"hello\n")),
        ]
    );
    assert_eq!(packets[4].line(), Some(&b"hello"[..]));
    assert_eq!(packets[0].line(), None);
}

#[test]
fn impossible_lengths_are_refused() {
    for input in [&b"0003"[..], b"fff1", b"ffff", b"+00a", b" 00a", b"000g", b"PACK", b"\0\0\0\0", b"-001"] {
        let (packets, error) = read_all(input, 1 << 20);
        assert!(packets.is_empty(), "{input:?}");
        assert!(matches!(error, Some(PacketError::Length(header)) if header == input[..4]), "{input:?}");
    }
}

#[test]
fn the_longest_packet_is_accepted() {
    let mut wire = BytesMut::new();
    wire.packet(&vec![b'x'; MAX_PAYLOAD]);
    assert_eq!(&wire[..4], b"fff0");
    let (packets, error) = read_all(&wire, 1 << 20);
    assert!(error.is_none());
    assert_eq!(packets, [Packet::Data(Bytes::from(vec![b'x'; MAX_PAYLOAD]))]);
}

#[test]
fn a_longer_payload_is_cut_rather_than_misframed() {
    let mut wire = BytesMut::new();
    wire.packet(&vec![b'x'; MAX_PAYLOAD + 10]);
    wire.flush();
    let (packets, error) = read_all(&wire, 1 << 20);
    assert!(error.is_none());
    assert_eq!(packets.len(), 2);
}

#[test]
fn truncation_is_distinguished_from_a_clean_end() {
    for input in [&b"0"[..], b"000", b"0005", b"000ahell"] {
        assert!(matches!(read_all(input, 1024), (_, Some(PacketError::Truncated))), "{input:?}");
    }
    assert!(matches!(read_all(b"", 1024), (packets, None) if packets.is_empty()));
}

#[test]
fn the_limit_covers_all_packets_and_is_checked_before_memory_is_taken() {
    let (packets, error) = read_all(b"0006ab0006cd0006ef", 12);
    assert_eq!(packets.len(), 2);
    assert!(matches!(error, Some(PacketError::TooLong(12))));
    // The payload is missing: only the declared length counts.
    assert!(matches!(read_all(b"fff0", 100), (_, Some(PacketError::TooLong(100)))));
}

#[test]
fn what_follows_the_packets_stays_in_the_stream() {
    let mut input = &b"0006ab0000PACK...."[..];
    let mut reader = PacketReader::new(&mut input, 1024);
    for _ in 0..2 {
        reader.next().now_or_never().expect("ready").expect("a packet");
    }
    assert_eq!(input, b"PACK....");
}

proptest! {
    #[test]
    fn packets_survive_the_round_trip(payloads in proptest::collection::vec(
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)), 0..40,
    )) {
        let mut wire = BytesMut::new();
        for payload in &payloads {
            match payload {
                Some(payload) => wire.packet(payload),
                None => wire.flush(),
            }
        }
        let (packets, error) = read_all(&wire, wire.len());
        prop_assert!(error.is_none());
        let expected: Vec<_> = payloads
            .into_iter()
            .map(|payload| payload.map_or(Packet::Flush, |bytes| Packet::Data(bytes.into())))
            .collect();
        prop_assert_eq!(packets, expected);
    }

    #[test]
    fn hostile_bytes_never_panic_and_never_exceed_the_limit(input in proptest::collection::vec(any::<u8>(), 0..400), limit in 0usize..500) {
        let (packets, _) = read_all(&input, limit);
        let total: usize = packets.iter().map(|packet| packet.line().map_or(0, <[u8]>::len)).sum();
        prop_assert!(total <= limit);
    }

    #[test]
    fn near_valid_bytes_never_panic(input in "[0-9a-f]{0,4}[0-9a-fP ]{0,60}") {
        read_all(input.as_bytes(), 64);
    }
}
