use futures::FutureExt;
use proptest::prelude::*;

use super::*;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).expect("hex")
}

fn state() -> State {
    let mut state = State::empty("demo".parse().expect("a key"), RefName::branch("main").expect("a name"));
    // Unsorted, as the database may return them.
    for (name, target, peeled) in [
        ("refs/tags/v1", ONE, Some(TWO)),
        ("refs/heads/main", TWO, None),
        ("refs/internal/secret", TWO, None),
        ("refs/heads/dev", ONE, None),
        ("refs/heads-and-tails", ONE, None),
    ] {
        state.refs.push(Ref { name: name.parse().expect("a name"), target: id(target), peeled: peeled.map(id) });
    }
    state
}

fn lines(mut wire: &[u8]) -> Vec<String> {
    let mut reader = PacketReader::new(&mut wire, usize::MAX);
    let mut lines = Vec::new();
    while let Some(packet) = reader.next().now_or_never().expect("ready").expect("well formed") {
        lines.push(match packet.line() {
            Some(line) => String::from_utf8(line.to_vec()).expect("text").replace('\0', "|"),
            None => format!("{packet:?}"),
        });
    }
    lines
}

fn list(arguments: &[&str]) -> Vec<String> {
    let mut body = BytesMut::new();
    body.packet(b"agent=git/2.47.3\n");
    body.packet(b"object-format=sha1\n");
    body.delimiter();
    for argument in arguments {
        body.packet(format!("{argument}\n").as_bytes());
    }
    body.flush();
    let mut body = &body[..];
    let list = ListRefs::read(&mut body).now_or_never().expect("ready").expect("a request");
    assert!(body.is_empty());
    lines(&list.answer(&state()))
}

fn prefixes<'text>(list: impl IntoIterator<Item = &'text str>) -> Prefixes {
    let mut prefixes = Prefixes::default();
    for prefix in list {
        prefixes.add(prefix.to_owned());
    }
    prefixes.settle();
    prefixes
}

fn refused(body: &[u8]) -> Error {
    ListRefs::read(&mut &body[..]).now_or_never().expect("ready").expect_err("malformed")
}

#[test]
fn trap_4_a_the_preamble_is_ours_and_only_for_v0_and_v1() {
    for (protocol, service, expected) in [
        (Protocol::V0, Service::UploadPack, "# service=git-upload-pack"),
        (Protocol::V1, Service::UploadPack, "# service=git-upload-pack"),
        (Protocol::V2, Service::UploadPack, "version 2"),
        (Protocol::V0, Service::ReceivePack, "# service=git-receive-pack"),
        (Protocol::V2, Service::ReceivePack, "# service=git-receive-pack"),
    ] {
        assert_eq!(lines(&advertise(&state(), service, protocol))[0], expected);
    }
    let v1 = lines(&advertise(&state(), Service::UploadPack, Protocol::V1));
    assert_eq!(v1[1..3], ["Flush", "version 1"]);
}

#[test]
fn v0_lists_refs_in_order_with_what_tags_peel_to_and_without_the_engines_own() {
    let lines = lines(&advertise(&state(), Service::UploadPack, Protocol::V0));
    assert!(lines[2].starts_with(&format!("{TWO} HEAD|multi_ack thin-pack")), "{}", lines[2]);
    assert!(lines[2].contains(" symref=HEAD:refs/heads/main "));
    assert_eq!(
        lines[3..],
        [
            format!("{ONE} refs/heads-and-tails"),
            format!("{ONE} refs/heads/dev"),
            format!("{TWO} refs/heads/main"),
            format!("{ONE} refs/tags/v1"),
            format!("{TWO} refs/tags/v1^{{}}"),
            "Flush".to_owned(),
        ]
    );
}

#[test]
fn trap_5_12_pushing_is_advertised_in_v0_form_whatever_is_asked() {
    let answers =
        [Protocol::V0, Protocol::V1, Protocol::V2].map(|protocol| advertise(&state(), Service::ReceivePack, protocol));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let lines = lines(&answers[0]);
    assert_eq!(
        lines[2],
        format!(
            "{ONE} refs/heads-and-tails|report-status report-status-v2 delete-refs side-band-64k quiet atomic \
             ofs-delta push-options object-format=sha1 {AGENT}"
        )
    );
    assert!(!lines.iter().any(|line| line.contains("^{}") || line.contains("HEAD") || line.contains("internal")));
    assert!(!lines[2].contains("push-cert"));
}

#[test]
fn trap_5_12_an_empty_repository_advertises_its_capabilities() {
    let head = RefName::branch("main").expect("a name");
    for service in [Service::UploadPack, Service::ReceivePack] {
        let lines = lines(&advertise_empty(&head, service, Protocol::V0));
        assert!(lines[2].starts_with(&format!("{} capabilities^{{}}|", "0".repeat(40))));
        assert_eq!(lines[3..], ["Flush"]);
        assert!(!lines[2].contains("symref"));
    }
}

#[test]
fn ls_refs_answers_what_was_asked() {
    assert_eq!(
        list(&["peel", "symrefs", "ref-prefix HEAD", "ref-prefix refs/tags/"]),
        [
            format!("{TWO} HEAD symref-target:refs/heads/main"),
            format!("{ONE} refs/tags/v1 peeled:{TWO}"),
            "Flush".to_owned(),
        ]
    );
    assert_eq!(
        list(&["ref-prefix refs/heads/"]),
        [format!("{ONE} refs/heads/dev"), format!("{TWO} refs/heads/main"), "Flush".to_owned()]
    );
    assert_eq!(list(&[]).len(), 6);
    assert_eq!(list(&["ref-prefix refs/internal/"]), ["Flush"]);
    assert_eq!(list(&["ref-prefix nowhere"]), ["Flush"]);
}

#[test]
fn ls_refs_tells_of_an_unborn_head_only_where_asked() {
    let empty = State::empty("demo".parse().expect("a key"), RefName::branch("trunk").expect("a name"));
    let asked = ListRefs { peel: true, symrefs: true, unborn: true, prefixes: prefixes(["HEAD"]) };
    assert_eq!(lines(&asked.answer(&empty)), ["unborn HEAD symref-target:refs/heads/trunk", "Flush"]);
    let silent = ListRefs { unborn: false, ..asked };
    assert_eq!(lines(&silent.answer(&empty)), ["Flush"]);
}

#[test]
fn with_too_many_prefixes_everything_is_listed() {
    let many = vec!["refs/nowhere"; TOO_MANY_PREFIXES - 1];
    assert!(!prefixes(many.iter().copied()).want("refs/heads/main"));
    assert!(prefixes(many.into_iter().chain(["refs/none"])).want("refs/heads/main"));
}

#[test]
fn malformed_listings_are_refused() {
    assert!(matches!(refused(b""), Error::Invalid(_)));
    assert!(matches!(refused(b"00010001"), Error::Invalid(_)));
    assert!(matches!(refused(b"0002"), Error::Invalid(_)));
    assert!(matches!(refused(b"0001000dnonsense\n0000"), Error::Invalid(reason) if reason.contains("nonsen")));
    assert!(matches!(refused(b"0019object-format=sha256\n0000"), Error::Refused(_)));
}

proptest! {
    #[test]
    fn a_ref_is_wanted_if_any_prefix_is_its_start(
        list in proptest::collection::vec("[ab/é]{0,4}", 1..8),
        name in "[ab/é]{0,6}",
    ) {
        let expected = list.iter().any(|prefix| name.starts_with(prefix.as_str()));
        prop_assert_eq!(prefixes(list.iter().map(String::as_str)).want(&name), expected);
    }

    #[test]
    fn hostile_listings_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200), tail in "[0-9a-z \n]{0,80}") {
        let _ = ListRefs::read(&mut &body[..]).now_or_never();
        let mut framed = BytesMut::new();
        framed.delimiter();
        framed.packet(&body);
        framed.packet(tail.as_bytes());
        framed.flush();
        let _ = ListRefs::read(&mut &framed[..]).now_or_never();
    }
}
