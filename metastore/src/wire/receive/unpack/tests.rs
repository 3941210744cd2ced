use gix::objs::Kind;
use proptest::prelude::*;

use super::*;
use crate::{RefName, State, pack, repository};

const LIMITS: ReceiveLimits = ReceiveLimits { max_pack_bytes: 1000 };

/// The messages of `git index-pack` 2.47, and what the client is sent.
#[test]
fn complaints_become_reasons() {
    for (complaint, reason) in [
        ("fatal: early EOF", "the pack is truncated; push again"),
        ("fatal: pack signature mismatch", "the data is not a pack"),
        ("fatal: pack version 9 unsupported", "the pack version is not supported"),
        ("fatal: pack is corrupted (SHA1 mismatch)", "the pack is corrupt: its checksum does not match; push again"),
        (
            "error: object 1234: hasDotgit: contains '.git'\nfatal: fsck error in packed object",
            "object 1234: hasDotgit: contains '.git'; run git fsck --strict to find such objects",
        ),
        ("fatal: did not receive expected object 1234", "object 1234 is missing; push from a complete clone"),
        (
            "fatal: pack has 2 unresolved deltas",
            "the pack has deltas whose delta base is missing; push from a complete clone",
        ),
        (
            "fatal: pack has bad object at offset 12: inflate returned -3",
            "the pack is corrupt: it contains a bad object",
        ),
    ] {
        assert!(matches!(explain(complaint, LIMITS, 1 << 29), Error::Invalid(text) if text == reason), "{complaint}");
    }
}

#[test]
fn internal_errors_are_not_shown_to_the_client() {
    let full = explain("fatal: write error: No space left on device", LIMITS, 1 << 29);
    assert!(matches!(full, Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull));
    for complaint in
        ["", "fatal: unable to create '/secret/place/tmp_pack_1': Permission denied", "fatal: Out of memory"]
    {
        assert!(matches!(explain(complaint, LIMITS, 1 << 29), Error::Git(_)), "{complaint}");
    }
}

#[test]
fn a_pack_over_the_limit_is_said_to_be_so() {
    let error = explain("fatal: pack exceeds maximum allowed size (1000 bytes)", LIMITS, 1 << 29);
    assert!(matches!(error, Error::TooLarge(text) if text.contains("1000 bytes") && text.contains("Git LFS")));
}

#[test]
fn an_object_over_the_limit_is_said_to_be_so() {
    let error = explain("fatal: attempting to allocate 1006632960 over limit 536870912", LIMITS, 1 << 29);
    assert!(matches!(error, Error::TooLarge(text) if text.contains("536870912 bytes") && text.contains("Git LFS")));
}

/// Maximum object size of a git process in the property below.
const OBJECT: usize = 8 << 20;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever a small pack unpacks to: it is accepted and readable, or rejected with the reason, within the
    /// memory limit.
    #[test]
    fn no_delta_makes_a_child_take_more_than_it_may(length in 1..300_000_usize, times in 2..200_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let base = vec![7; length];
        let pack = pack::encode_repeated(&base, times).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let state = State::empty("demo".parse().unwrap(), RefName::branch("main").unwrap());
        repository::lay_out(folder.path(), &state, &[]).unwrap();
        let git = Git::new(Path::new("git"), 1, OBJECT as u64);
        let progress = Progress::silent();
        let limits = ReceiveLimits { max_pack_bytes: 1 << 20 };
        let taken = runtime.block_on(index_pack(&git, folder.path(), &mut pack.as_slice(), limits, &progress));
        match taken {
            Ok(id) => {
                prop_assert!(id.is_some() && length * times <= OBJECT);
                let repository = repository::open(folder.path()).unwrap().to_thread_local();
                let reader = crate::Reader::new(repository, std::sync::Arc::new(state));
                let whole = base.repeat(times);
                let id = pack::hash_object(Kind::Blob, &whole).unwrap();
                prop_assert!(reader.blob(id, 1 << 30).unwrap() == whole);
            }
            Err(Error::TooLarge(why)) => {
                prop_assert!(length * times + 1 >= OBJECT, "{} bytes: {why}", length * times);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
