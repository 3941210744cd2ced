use bytes::BytesMut;
use futures::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::wire::pktline::WritePackets;

const ZERO: &str = "0000000000000000000000000000000000000000";
const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).expect("hex")
}

/// Returns the head of the push, and the rest of the body.
fn read(body: &[u8]) -> (Result<PushHead>, Vec<u8>) {
    let mut rest = body;
    let head = Push::read(&mut rest).now_or_never().expect("a slice is always ready");
    (head, rest.to_vec())
}

fn push(body: &[u8]) -> Push {
    match read(body).0.expect("a push") {
        PushHead::Push(push) => push,
        PushHead::Probe => panic!("a probe"),
    }
}

fn lines(lines: &[&str]) -> BytesMut {
    let mut wire = BytesMut::new();
    for line in lines {
        wire.packet(line.as_bytes());
    }
    wire.flush();
    wire
}

fn invalid(body: &[u8]) -> String {
    match read(body).0 {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn trap_5_1_a_probe_is_exactly_one_flush_packet() {
    assert_eq!(read(b"0000").0.expect("a probe"), PushHead::Probe);
    assert!(invalid(b"00000000").contains("no command"));
    assert!(invalid(b"0000PACK").contains("no command"));
    assert!(invalid(b"").contains("ends in the middle"));
}

#[test]
fn trap_5_2_only_a_push_that_creates_or_updates_has_a_pack() {
    let delete = push(&lines(&[&format!("{ONE} {ZERO} refs/heads/a\0report-status")]));
    assert!(!delete.has_pack());
    assert_eq!(delete.commands[0], Command { name: "refs/heads/a".into(), old: Some(id(ONE)), new: None });
    let mixed =
        push(&lines(&[&format!("{ONE} {ZERO} refs/heads/a\0report-status"), &format!("{ZERO} {TWO} refs/heads/b")]));
    assert!(mixed.has_pack());
    assert_eq!(mixed.commands[1], Command { name: "refs/heads/b".into(), old: None, new: Some(id(TWO)) });
}

#[test]
fn trap_5_3_capabilities_follow_the_first_command_and_shallow_lines_precede_it() {
    let push = push(&lines(&[
        &format!("shallow {TWO}"),
        &format!(
            "{ZERO} {ONE} refs/heads/main\0 report-status report-status-v2 side-band-64k atomic quiet object-format=sha1 agent=git/2.47.3"
        ),
        &format!("{ONE} {TWO} refs/heads/dev\n"),
    ]));
    assert_eq!(
        push.capabilities,
        Capabilities {
            report_status: ReportStatus::V2,
            side_band: true,
            atomic: true,
            quiet: true,
            agent: Some("git/2.47.3".to_owned()),
        }
    );
    assert_eq!(push.commands[1].name, "refs/heads/dev");
    assert!(push.options.is_empty());
}

#[test]
fn trap_5_3_a_signed_push_is_refused_with_a_word() {
    let body = lines(&["push-cert\0report-status", "certificate version 0.1"]);
    assert!(matches!(read(&body).0, Err(Error::Refused(reason)) if reason.contains("--signed")));
}

#[test]
fn trap_5_3_push_options_exist_only_where_they_were_chosen() {
    let mut wire = lines(&[&format!("{ZERO} {ONE} refs/heads/main\0report-status push-options")]);
    wire.extend_from_slice(&lines(&["ci.skip", "note=two words\n"]));
    wire.extend_from_slice(b"PACK");
    let (head, rest) = read(&wire);
    let PushHead::Push(push) = head.expect("a push") else { panic!("a probe") };
    assert_eq!(push.options, ["ci.skip", "note=two words"]);
    assert_eq!(rest, b"PACK");

    let mut wire = lines(&[&format!("{ZERO} {ONE} refs/heads/main\0report-status")]);
    wire.extend_from_slice(b"0000 is not read");
    let (head, rest) = read(&wire);
    assert!(head.is_ok());
    assert_eq!(rest, b"0000 is not read");
}

#[test]
fn old_clients_that_want_no_report_are_understood() {
    let push = push(&lines(&[&format!("{ZERO} {ONE} refs/heads/main")]));
    assert_eq!(push.capabilities, Capabilities::default());
}

#[test]
fn report_status_v2_wins_in_any_order() {
    for list in ["report-status report-status-v2", "report-status-v2 report-status"] {
        let push = push(&lines(&[&format!("{ZERO} {ONE} refs/heads/main\0{list}")]));
        assert_eq!(push.capabilities.report_status, ReportStatus::V2);
    }
}

#[test]
fn another_hash_is_refused() {
    let body = lines(&[&format!("{ZERO} {ONE} refs/heads/main\0object-format=sha256")]);
    assert!(matches!(read(&body).0, Err(Error::Refused(reason)) if reason.contains("SHA-1")));
}

#[test]
fn malformed_commands_are_refused() {
    for line in [
        "",
        "hello",
        &format!("{ZERO} {ONE}"),
        &format!("{ZERO} {ONE} "),
        &format!("{ZERO}{ONE} refs/heads/main"),
        &format!("{} {ONE} refs/heads/main", &ZERO[1..]),
        &format!("{ZERO}0 {ONE} refs/heads/main"),
        &format!("{ZERO} {} refs/heads/main", "g".repeat(40)),
        &format!("{ZERO} {} refs/heads/main", "1".repeat(64)),
        "shallow 1234",
    ] {
        invalid(&lines(&[line]));
    }
    let late = [format!("{ZERO} {ONE} refs/heads/a"), format!("{ZERO} {ONE} refs/heads/b\0atomic")];
    assert!(invalid(&lines(&[&late[0], &late[1]])).contains("capabilities"));
    assert!(invalid(&lines(&[&format!("shallow {ONE}")])).contains("no command"));
    assert!(invalid(b"0001").contains("v2"));
}

#[test]
fn strange_names_reach_the_report_and_not_a_ref() {
    let push = push(&lines(&[
        &format!("{ZERO} {ONE} refs/heads/a b"),
        &format!("{ZERO} {ONE} HEAD"),
        &format!("{ZERO} {ONE} refs/heads/../x"),
        &format!("{ZERO} {ONE} refs/heads/fine"),
    ]));
    let valid: Vec<_> = push.commands.iter().map(|command| command.ref_name().is_ok()).collect();
    assert_eq!(valid, [false, false, false, true]);
    assert_eq!(push.commands[0].name, "refs/heads/a b");
    let foreign = Command { name: b"refs/heads/caf\xe9"[..].into(), old: None, new: None };
    assert!(foreign.ref_name().is_err());
}

#[test]
fn a_head_without_end_is_cut_off() {
    let mut wire = BytesMut::new();
    while wire.len() <= HEAD_LIMIT {
        wire.packet(format!("{ZERO} {ONE} refs/heads/{}", "x".repeat(60_000)).as_bytes());
    }
    assert!(matches!(read(&wire).0, Err(Error::TooLarge(_))));
}

#[test]
fn refs_and_options_are_counted() {
    let named = |count: usize| {
        let mut wire = BytesMut::new();
        wire.packet(format!("{ZERO} {ONE} refs/heads/first\0push-options").as_bytes());
        for number in 1..count {
            wire.packet(format!("{ZERO} {ONE} refs/heads/{number}").as_bytes());
        }
        wire.flush();
        wire
    };
    let with_options = |mut wire: BytesMut, count: usize| {
        wire.extend_from_slice(&lines(&vec!["ci.skip"; count]));
        wire
    };
    let most = push(&with_options(named(MAX_COMMANDS), MAX_OPTIONS));
    assert_eq!((most.commands.len(), most.options.len()), (MAX_COMMANDS, MAX_OPTIONS));
    for (wire, expected) in [
        (with_options(named(MAX_COMMANDS + 1), 0), "20000 refs in one push; push fewer at a time"),
        (with_options(named(1), MAX_OPTIONS + 1), "1000 push options"),
    ] {
        assert!(matches!(read(&wire).0, Err(Error::TooLarge(reason)) if reason.contains(expected)));
    }
}

proptest! {
    #[test]
    fn hostile_heads_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&body);
    }

    #[test]
    fn hostile_lines_never_panic(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..160), 0..8)) {
        let mut wire = BytesMut::new();
        for line in &lines {
            wire.packet(line);
        }
        wire.flush();
        let _ = read(&wire);
    }

    #[test]
    fn commands_survive(names in proptest::collection::vec("refs/(heads|tags)/[a-z]{1,20}(/[a-z0-9.-]{1,9})?", 1..20), pack in any::<[u8; 8]>()) {
        let mut wire = BytesMut::new();
        for (index, name) in names.iter().enumerate() {
            let tail = if index == 0 { "\0report-status side-band-64k" } else { "" };
            wire.packet(format!("{ONE} {TWO} {name}{tail}").as_bytes());
        }
        wire.flush();
        wire.extend_from_slice(&pack);
        let (head, rest) = read(&wire);
        let PushHead::Push(push) = head.expect("a push") else { panic!("a probe") };
        prop_assert_eq!(push.commands.iter().map(|command| command.name.to_string()).collect::<Vec<_>>(), names);
        prop_assert!(push.capabilities.side_band);
        prop_assert_eq!(rest, pack);
    }
}
