use super::*;

const LIMITS: ReceiveLimits = ReceiveLimits { max_pack_bytes: 1000 };

/// What `git index-pack` of version 2.47 says, and what the client hears.
#[test]
fn complaints_become_reasons() {
    for (complaint, reason) in [
        ("fatal: early EOF", "the pack ends early"),
        ("fatal: pack signature mismatch", "what was sent is not a pack"),
        ("fatal: pack version 9 unsupported", "the version of the pack is not supported"),
        ("fatal: pack is corrupted (SHA1 mismatch)", "the pack is corrupt: its checksum is wrong"),
        (
            "error: object 1234: hasDotgit: contains '.git'\nfatal: fsck error in packed object",
            "object 1234: hasDotgit: contains '.git'; git fsck --strict shows it too",
        ),
        ("fatal: did not receive expected object 1234", "object 1234 is missing; push from a complete clone"),
        (
            "fatal: pack has 2 unresolved deltas",
            "the pack has deltas against objects that are not here; push from a complete clone",
        ),
        ("fatal: pack has bad object at offset 12: inflate returned -3", "the pack is corrupt: it has a bad object"),
    ] {
        assert!(matches!(explain(complaint, LIMITS), Error::Invalid(text) if text == reason), "{complaint}");
    }
}

#[test]
fn what_is_our_trouble_is_not_told_to_the_client() {
    let full = explain("fatal: write error: No space left on device", LIMITS);
    assert!(matches!(full, Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull));
    for complaint in
        ["", "fatal: unable to create '/secret/place/tmp_pack_1': Permission denied", "fatal: Out of memory"]
    {
        assert!(matches!(explain(complaint, LIMITS), Error::Git(_)), "{complaint}");
    }
}

#[test]
fn a_pack_over_the_limit_is_said_to_be_so() {
    let error = explain("fatal: pack exceeds maximum allowed size (1000 bytes)", LIMITS);
    assert!(matches!(error, Error::TooLarge(text) if text.contains("1000 bytes") && text.contains("Git LFS")));
}

#[tokio::test]
async fn a_body_is_drained_up_to_a_bound() {
    let mut short = &[0; 10_000][..];
    drain(&mut short).await;
    assert!(short.is_empty());
    let mut endless = tokio::io::repeat(0).take(u64::MAX);
    drain(&mut endless).await;
    assert_eq!(u64::MAX - endless.limit(), DRAIN);
}
