use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use proptest::prelude::*;

use super::*;
use crate::wire::{
    Command,
    pktline::{Packet, PacketReader},
};

fn push(names: &[&str], capabilities: Capabilities) -> Push {
    let command = |name: &&str| Command { name: (*name).into(), old: None, new: None };
    Push { commands: names.iter().map(command).collect(), capabilities, options: Vec::new() }
}

fn chosen(side_band: bool) -> Capabilities {
    Capabilities { report_status: ReportStatus::V2, side_band, ..Capabilities::default() }
}

fn packets(mut wire: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut reader = PacketReader::new(&mut wire, usize::MAX);
    while let Some(packet) = reader.next().now_or_never().expect("ready").expect("well formed") {
        packets.push(packet);
    }
    packets
}

/// Returns the payloads of bands 1 and 2; checks that the outer stream ends with a flush packet.
fn demultiplex(wire: &[u8]) -> (Vec<u8>, String) {
    let (mut data, mut text) = (Vec::new(), Vec::new());
    let packets = packets(wire);
    let (end, packets) = packets.split_last().expect("packets");
    assert_eq!(*end, Packet::Flush);
    for packet in packets {
        let Packet::Data(payload) = packet else { panic!("{packet:?} inside") };
        match payload[0] {
            1 => data.extend_from_slice(&payload[1..]),
            2 => text.extend_from_slice(&payload[1..]),
            band => panic!("band {band}"),
        }
    }
    (data, String::from_utf8(text).expect("text"))
}

fn lines(wire: &[u8]) -> Vec<String> {
    let packets = packets(wire);
    let (end, packets) = packets.split_last().expect("packets");
    assert_eq!(*end, Packet::Flush);
    packets.iter().map(|packet| String::from_utf8_lossy(packet.line().expect("a line")).into_owned()).collect()
}

async fn collect(capabilities: Capabilities, report: Report) -> Vec<u8> {
    let stream = respond(capabilities, |_| async move { report }).await;
    stream.map(|block| block.expect("bytes").to_vec()).concat().await
}

#[tokio::test]
async fn a_plain_report_lists_every_command_in_order() {
    let push = push(&["refs/heads/main", "refs/heads/dev"], chosen(false));
    let report = Report::new(&push, [Ok(()), Err("non-fast-forward".to_owned())]);
    assert!(!report.is_success());
    let wire = collect(push.capabilities.clone(), report).await;
    assert_eq!(lines(&wire), ["unpack ok", "ok refs/heads/main", "ng refs/heads/dev non-fast-forward"]);
}

#[tokio::test]
async fn trap_5_9_the_report_rides_on_band_1_and_ends_with_an_outer_flush() {
    let push = push(&["refs/heads/main"], chosen(true));
    let wire = collect(push.capabilities.clone(), Report::new(&push, [Ok(())])).await;
    let (data, text) = demultiplex(&wire);
    assert_eq!(lines(&data), ["unpack ok", "ok refs/heads/main"]);
    assert_eq!(text, "");
}

#[tokio::test]
async fn trap_5_9_a_report_longer_than_a_packet_is_split_at_65515_bytes() {
    let names: Vec<_> = (0..3000).map(|number| format!("refs/tags/a-rather-long-name-of-a-tag-{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let push = push(&names, chosen(true));
    let wire = collect(push.capabilities.clone(), Report::new(&push, names.iter().map(|_| Ok(())))).await;
    let longest = packets(&wire).iter().filter_map(Packet::line).map(<[u8]>::len).max();
    assert_eq!(longest, Some(65_516));
    let (data, _) = demultiplex(&wire);
    let lines = lines(&data);
    assert_eq!(lines.len(), 3001);
    assert_eq!(lines[3000], format!("ok {}", names[2999]));
}

#[tokio::test]
async fn a_client_without_report_status_gets_none() {
    let push = push(&["refs/heads/main"], Capabilities::default());
    assert!(collect(push.capabilities.clone(), Report::new(&push, [Ok(())])).await.is_empty());
    let side_band = Capabilities { side_band: true, ..Capabilities::default() };
    assert_eq!(collect(side_band, Report::new(&push, [Ok(())])).await, b"0000");
}

#[tokio::test]
async fn a_failed_unpack_fails_every_command() {
    let push = push(&["refs/heads/a", "refs/heads/b"], chosen(false));
    let report = Report::unpack_failed(&push, "the pack\nends early");
    assert!(!report.is_success());
    let wire = collect(push.capabilities.clone(), report).await;
    assert_eq!(
        lines(&wire),
        ["unpack the pack ends early", "ng refs/heads/a unpacker error", "ng refs/heads/b unpacker error"]
    );
}

#[test]
fn atomic_lets_one_refusal_refuse_all() {
    let mut outcomes = [Ok(()), Err("no".to_owned()), Ok(())];
    push(&["a", "b", "c"], chosen(true)).settle(&mut outcomes);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    let atomic = push(&["a", "b", "c"], Capabilities { atomic: true, ..chosen(true) });
    atomic.settle(&mut outcomes);
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(outcomes[1], Err("no".to_owned()));
    let mut fine = [Ok(()), Ok(()), Ok(())];
    atomic.settle(&mut fine);
    assert!(fine.iter().all(Result::is_ok));
}

#[tokio::test]
async fn messages_precede_the_report_and_quiet_silences_only_progress() {
    for (quiet, expected) in [(false, "Checking\ndelta 1\rlook here\n"), (true, "look here\n")] {
        let push = push(&["refs/heads/main"], Capabilities { quiet, ..chosen(true) });
        let report = Report::new(&push, [Ok(())]);
        let stream = respond(push.capabilities.clone(), |progress| async move {
            progress.update("Checking");
            progress.update("delta 1\r");
            progress.say("look here");
            report
        });
        let wire = stream.await.map(|block| block.expect("bytes").to_vec()).concat().await;
        assert_eq!(demultiplex(&wire).1, expected);
    }
}

#[tokio::test]
async fn a_terminal_does_not_obey_names_in_messages() {
    let push = push(&["refs/heads/main"], chosen(true));
    let report = Report::new(&push, [Err("bad \x1b[2Jpath\u{9b}".to_owned())]);
    let stream = respond(push.capabilities.clone(), |progress| async move {
        progress.say("see \x1b]0;pwned\x07here");
        report
    });
    let wire = stream.await.map(|block| block.expect("bytes").to_vec()).concat().await;
    let (data, text) = demultiplex(&wire);
    assert_eq!(text, "see ?]0;pwned?here\n");
    assert_eq!(lines(&data)[1], "ng refs/heads/main bad ?[2Jpath?");
}

#[tokio::test]
async fn messages_are_dropped_where_there_is_no_side_band() {
    let push = push(&["refs/heads/main"], chosen(false));
    let report = Report::new(&push, [Ok(())]);
    let stream = respond(push.capabilities.clone(), |progress| async move {
        progress.say("not sent");
        report
    });
    let wire = stream.await.map(|block| block.expect("bytes").to_vec()).concat().await;
    assert_eq!(lines(&wire), ["unpack ok", "ok refs/heads/main"]);
}

#[tokio::test(start_paused = true)]
async fn trap_5_9_silence_is_broken_by_empty_packets_once_the_request_was_read() {
    let push = push(&["refs/heads/main"], chosen(true));
    let report = Report::new(&push, [Ok(())]);
    let started = tokio::time::Instant::now();
    let stream = respond(push.capabilities.clone(), |progress| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        progress.begin();
        tokio::time::sleep(Duration::from_secs(12)).await;
        report
    })
    .await;
    // There is no response while the request is being read.
    assert!(started.elapsed() >= Duration::from_mins(1));
    let blocks: Vec<_> = stream.map(|block| block.expect("bytes")).collect().await;
    assert_eq!(blocks[..2], [Bytes::from_static(b"0005\x02"), Bytes::from_static(b"0005\x02")]);
    assert_eq!(blocks.len(), 3);
}

#[tokio::test]
async fn dropping_the_response_drops_the_work() {
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = Guard(Arc::clone(&dropped));
    let push = push(&["refs/heads/main"], chosen(true));
    let mut stream = Box::pin(
        respond(push.capabilities.clone(), |progress| async move {
            let _guard = guard;
            progress.begin();
            progress.say("started");
            std::future::pending::<Report>().await
        })
        .await,
    );
    assert!(stream.next().await.is_some());
    assert!(!dropped.load(Ordering::SeqCst));
    drop(stream);
    assert!(dropped.load(Ordering::SeqCst));
}

proptest! {
    #[test]
    fn any_reason_makes_a_well_formed_report(reasons in proptest::collection::vec(".{0,2000}", 1..5), side_band: bool) {
        let names: Vec<_> = reasons.iter().map(|_| "refs/heads/main").collect();
        let push = push(&names, chosen(side_band));
        let report = Report::new(&push, reasons.iter().map(|reason| Err(reason.clone())));
        let wire = report.encode(&push.capabilities);
        let plain = if side_band { demultiplex(&wire).0 } else { wire.to_vec() };
        let lines = lines(&plain);
        prop_assert_eq!(lines.len(), reasons.len() + 1);
        for line in &lines[1..] {
            prop_assert!(line.len() > "ng refs/heads/main ".len());
            prop_assert!(!line.contains('\n'));
        }
    }

    #[test]
    fn any_name_fits_the_report(length in 60_000usize..65_430) {
        let name = "x".repeat(length);
        let push = push(&[&name], chosen(false));
        let wire = Report::new(&push, [Err("y".repeat(5000))]).encode(&push.capabilities);
        let lines = lines(&wire);
        prop_assert!(lines[1].starts_with("ng x"));
    }
}
