use proptest::prelude::*;

use super::{tus::Headers, tus::TusError, *};

const MIB: u64 = 1 << 20;

fn all(plan: &Plan) -> Vec<StoredPart> {
    plan.parts().map(|Part { number, size, .. }| StoredPart { number, size }).collect()
}

#[test]
fn sizes_of_parts() {
    let cases = [
        (0, DEFAULT_PART, 0),
        (1, DEFAULT_PART, 1),
        (DEFAULT_PART, DEFAULT_PART, 1),
        (DEFAULT_PART + 1, DEFAULT_PART, 2),
        (6_000_000_000, DEFAULT_PART, 600),
        (DEFAULT_PART * 1000, DEFAULT_PART, 1000),
        (DEFAULT_PART * 1000 + 1, 2 * DEFAULT_PART, 501),
        (100_000_000_000, 16 * DEFAULT_PART, 625),
        (640_000_000_000, 64 * DEFAULT_PART, 1000),
        (6_400_000_000_000, 64 * DEFAULT_PART, 10_000),
        (6_400_000_000_001, 128 * DEFAULT_PART, 5001),
        (MAX_SIZE, 4096 * DEFAULT_PART, 6872),
        (u64::MAX, 4096 * DEFAULT_PART, 6872),
    ];
    for (size, part_size, count) in cases {
        let plan = Plan::new(size);
        assert_eq!((plan.part_size(), plan.count()), (part_size, count), "{size}");
    }
}

#[test]
fn plans_of_others_have_limits() {
    for (size, part_size, fine) in [
        (0, MIN_PART, true),
        (6_000_000_000, 10_240_000, true),
        (10_000 * MIN_PART, MIN_PART, true),
        (10_000 * MIN_PART + 1, MIN_PART, false),
        (1, MIN_PART - 1, false),
        (1, 0, false),
        (MAX_SIZE, u64::MAX, true),
        (MAX_SIZE + 1, u64::MAX, false),
    ] {
        assert_eq!(Plan::with_part_size(size, part_size).is_ok(), fine, "{size} {part_size}");
    }
}

#[test]
fn what_is_missing() {
    let plan = Plan::with_part_size(12 * MIB, 5 * MIB).unwrap();
    let stored = |list: &[(u32, u64)]| -> Vec<u32> {
        let stored = list.iter().map(|&(number, size)| StoredPart { number, size: size * MIB });
        plan.missing(stored).iter().map(|part| part.number).collect()
    };
    assert_eq!(stored(&[]), [1, 2, 3]);
    assert_eq!(stored(&[(2, 5)]), [1, 3]);
    assert_eq!(stored(&[(3, 5), (1, 2), (2, 5)]), [1, 3], "other sizes than planned");
    assert!(stored(&[(3, 2), (1, 5), (2, 5)]).is_empty());
    assert_eq!(stored(&[(1, 2), (1, 5), (2, 5), (2, 2)]), [2, 3], "the last entry counts");
    assert_eq!(stored(&[(0, 5), (4, 5), (u32::MAX, 5)]), [1, 2, 3]);
    assert!(plan.is_complete(all(&plan)));
    assert!(Plan::new(0).is_complete([]));

    assert_eq!(plan.expect(3, 2 * MIB).unwrap(), Part { number: 3, position: 10 * MIB, size: 2 * MIB });
    assert!(matches!(plan.expect(3, 5 * MIB), Err(Error::WrongSize { expected, .. }) if expected == 2 * MIB));
    assert!(matches!(plan.expect(0, 5 * MIB), Err(Error::Invalid(_))));
    assert!(matches!(plan.expect(4, 5 * MIB), Err(Error::Invalid(_))));
}

proptest! {
    #[test]
    fn parts_cover_an_object_once(size in prop_oneof![0..=MAX_SIZE, 0..40 * DEFAULT_PART, (0u64..48).prop_map(|bit| 1 << bit)]) {
        let plan = Plan::new(size);
        prop_assert!(plan.count() <= MAX_PARTS);
        prop_assert!(plan.count() <= 1000 || size > 640_000_000_000);
        prop_assert_eq!(Plan::with_part_size(size, plan.part_size()).unwrap(), plan);
        let mut end = 0;
        for (index, part) in plan.parts().enumerate() {
            prop_assert_eq!(part.number as usize, index + 1);
            prop_assert_eq!(part.position, end);
            prop_assert_eq!(plan.part(part.number), Some(part));
            end += part.size;
            prop_assert!(part.size > 0);
            prop_assert!(part.size >= MIN_PART || end == size);
        }
        prop_assert_eq!(end, size);
        prop_assert_eq!(plan.parts().count(), plan.count() as usize);
        prop_assert_eq!(plan.part(0), None);
        prop_assert_eq!(plan.part(plan.count() + 1), None);
    }

    /// Parts arrive in any order, some twice, some with another size; the missing ones are sent until none is
    /// left.
    #[test]
    fn an_upload_comes_to_its_end(
        size in 0..200 * MIN_PART,
        arrivals in proptest::collection::vec((0u32..220, 0u64..3), 0..400),
    ) {
        let plan = Plan::with_part_size(size, MIN_PART).unwrap();
        let mut stored = Vec::new();
        let mut right = std::collections::BTreeSet::new();
        for (number, off) in arrivals {
            let planned = plan.part(number).map_or(7, |part| part.size);
            stored.push(StoredPart { number, size: planned - off.min(1) });
            if off == 0 && plan.part(number).is_some() { right.insert(number); } else { right.remove(&number); }
            let missing: Vec<u32> = plan.missing(stored.iter().copied()).iter().map(|part| part.number).collect();
            let expected: Vec<u32> = (1..=plan.count()).filter(|number| !right.contains(number)).collect();
            prop_assert_eq!(missing, expected);
        }
        for part in plan.missing(stored.iter().copied()) {
            prop_assert!(!plan.is_complete(stored.iter().copied()));
            stored.push(StoredPart { number: part.number, size: part.size });
        }
        prop_assert!(plan.is_complete(stored));
    }

    #[test]
    fn any_numbers_do_no_harm(size: u64, part_size: u64, number: u32, stored in proptest::collection::vec((any::<u32>(), any::<u64>()), 0..20)) {
        for plan in [Some(Plan::new(size)), Plan::with_part_size(size, part_size).ok()].into_iter().flatten() {
            let _ = (plan.part(number), plan.expect(number, size).is_ok());
            let missing = plan.missing(stored.iter().map(|&(number, size)| StoredPart { number, size }));
            prop_assert!(missing.len() <= plan.count() as usize);
        }
    }
}

/// Digests of `hello world`, computed with coreutils, and the CRC-32 of zlib.
#[test]
fn checksums_in_their_headers() {
    let content = b"hello world";
    let upload = [
        "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
        "SHA256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
        "md5 XrY7u+Ae7tCTyyK7j1rNww==",
        "crc32 DUoRhQ==",
    ];
    for header in upload {
        let checksum = Checksum::from_upload_checksum(header).unwrap();
        assert!(checksum.matches(content), "{header}");
        assert!(!checksum.matches(b"hello worlD"), "{header}");
    }
    assert!(Checksum::from_content_md5("XrY7u+Ae7tCTyyK7j1rNww==").unwrap().matches(content));
    let digest = "MD5=XrY7u+Ae7tCTyyK7j1rNww==, x=1,SHA-256=uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=";
    assert_eq!(Checksum::from_digest(digest), Checksum::from_upload_checksum(upload[1]));

    for (header, error) in [
        ("", InvalidChecksum::Malformed),
        ("sha1", InvalidChecksum::Malformed),
        ("sha1 ", InvalidChecksum::Malformed),
        ("sha1 ?", InvalidChecksum::Malformed),
        ("sha1 XrY7u+Ae7tCTyyK7j1rNww==", InvalidChecksum::Malformed),
        ("blake3 XrY7u+Ae7tCTyyK7j1rNww==", InvalidChecksum::Unknown),
    ] {
        assert_eq!(Checksum::from_upload_checksum(header), Err(error), "{header}");
    }
    assert_eq!(Checksum::from_digest("blake3=x"), Err(InvalidChecksum::Unknown));
    assert_eq!(Checksum::from_digest("md5"), Err(InvalidChecksum::Malformed));
    assert_eq!(Checksum::from_digest("md5=x"), Err(InvalidChecksum::Malformed));
}

#[test]
fn digests_are_negotiated() {
    for (wanted, chosen) in [
        ("contentMD5", Some(WantDigest::ContentMd5)),
        ("contentmd5", Some(WantDigest::ContentMd5)),
        ("sha-256;q=1.0, md5;q=0.5", Some(WantDigest::Sha256)),
        ("sha-256;q=0.1, MD5;q=0.5", Some(WantDigest::Md5)),
        ("md5, sha-256", Some(WantDigest::Sha256)),
        ("md5;q=0", None),
        ("sha-512, SHA-256;q=0.25", Some(WantDigest::Sha256)),
        ("md5;q=2, sha-256;q=.5, contentMD5;x", None),
        ("unixsum", None),
        ("", None),
    ] {
        assert_eq!(WantDigest::negotiate(wanted), chosen, "{wanted}");
    }
}

/// As git-lfs sends it (`tq/tus_upload.go`).
const PATCH: Headers<'_> = Headers {
    tus_resumable: Some("1.0.0"),
    content_type: Some("application/offset+octet-stream"),
    content_length: Some("60"),
    upload_offset: Some("40"),
    upload_length: None,
    upload_defer_length: None,
    upload_checksum: None,
    upload_metadata: None,
};

#[test]
fn patches() {
    let patch = PATCH.patch(40, 100).unwrap();
    assert_eq!(patch, tus::Patch { offset: 40, length: Some(60), checksum: None });
    let chunked = Headers { content_length: None, ..PATCH }.patch(40, 100).unwrap();
    assert_eq!(chunked.length, None);
    let checked = Headers { upload_checksum: Some("crc32 DUoRhQ=="), ..PATCH }.patch(40, 100).unwrap();
    assert!(checked.checksum.unwrap().matches(b"hello world"));

    let refused = |headers: Headers<'_>, status: u16| {
        let error = headers.patch(40, 100).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        error
    };
    refused(Headers { tus_resumable: None, ..PATCH }, 412);
    refused(Headers { tus_resumable: Some("0.2.2"), ..PATCH }, 412);
    refused(Headers { content_type: None, ..PATCH }, 415);
    refused(Headers { content_type: Some("application/octet-stream"), ..PATCH }, 415);
    refused(Headers { upload_offset: None, ..PATCH }, 400);
    for bad in ["", "-1", "+4", "4 0", "0x1", "99999999999999999999"] {
        refused(Headers { upload_offset: Some(bad), ..PATCH }, 400);
        refused(Headers { content_length: Some(bad), ..PATCH }, 400);
    }
    let error = refused(Headers { upload_offset: Some("41"), ..PATCH }, 409);
    assert_eq!(error, TusError::Offset { claimed: 41, actual: 40 });
    refused(Headers { content_length: Some("61"), ..PATCH }, 413);
    refused(Headers { upload_checksum: Some("sha1 x"), ..PATCH }, 400);
    refused(Headers { upload_checksum: Some("adler32 DUoRhQ=="), ..PATCH }, 400);
    assert_eq!(TusError::Checksum.status(), 460);
}

#[test]
fn creations() {
    let create = Headers { tus_resumable: Some("1.0.0"), upload_length: Some("100"), ..Headers::default() };
    create.create(100).unwrap();
    assert_eq!(create.create(99).unwrap_err().status(), 422);
    for good in ["", "filename d29ybGQ=", "is_confidential", "filename d29ybGQ=,empty, other d29ybGQ="] {
        Headers { upload_metadata: Some(good), ..create }.create(100).unwrap();
    }
    for bad in ["filename ?", ",", "a b c", "a d29ybGQ=,a d29ybGQ=", "é d29ybGQ="] {
        let error = Headers { upload_metadata: Some(bad), ..create }.create(100).unwrap_err();
        assert_eq!(error.status(), 400, "{bad}");
    }
    assert_eq!(Headers { upload_defer_length: Some("1"), ..create }.create(100).unwrap_err().status(), 400);
    assert_eq!(Headers { upload_length: None, ..create }.create(100).unwrap_err().status(), 400);
    assert_eq!(Headers { tus_resumable: None, ..create }.create(100).unwrap_err().status(), 412);
}

#[test]
fn dates() {
    assert_eq!(tus::expires(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(tus::expires(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
}

#[test]
fn states() {
    let state = |expires| tus::State { offset: 40, size: 100, expires };
    let headers = state(Some(784_111_777)).headers();
    let value = |name: &str| headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str());
    assert_eq!(value("Upload-Offset"), Some("40"));
    assert_eq!(value("Upload-Length"), Some("100"));
    assert_eq!(value("Cache-Control"), Some("no-store"));
    assert_eq!(value("Tus-Resumable"), Some("1.0.0"));
    assert_eq!(value("Upload-Expires"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert!(!state(None).headers().iter().any(|(name, _)| *name == "Upload-Expires"));
}

#[test]
fn algorithms_that_are_announced_are_known() {
    for name in Checksum::TUS_ALGORITHMS.split(',') {
        let known = Checksum::from_upload_checksum(&format!("{name} AAAA"));
        assert_eq!(known, Err(InvalidChecksum::Malformed), "{name}: only the length is wrong");
    }
}

prop_compose! {
    fn any_header()(text in proptest::option::of(prop_oneof![
        "\\PC{0,20}",
        "[0-9]{1,21}",
        "(1\\.0\\.0|application/offset\\+octet-stream)",
        "(sha1|sha256|md5|crc32) [A-Za-z0-9+/=]{0,44}",
        "[a-z]{1,3} [A-Za-z0-9+/]{4}(,[a-z]{0,3} [A-Za-z0-9+/=]{0,4}){0,3}",
    ])) -> Option<String> {
        text
    }
}

proptest! {
    #[test]
    fn hostile_headers_do_no_harm(
        texts in proptest::collection::vec(any_header(), 8),
        stored: u64,
        size: u64,
    ) {
        let text = |index: usize| texts[index].as_deref();
        let headers = Headers {
            tus_resumable: text(0),
            content_type: text(1),
            content_length: text(2),
            upload_offset: text(3),
            upload_length: text(4),
            upload_defer_length: text(5),
            upload_checksum: text(6),
            upload_metadata: text(7),
        };
        for right in [headers, Headers { tus_resumable: Some(tus::VERSION), content_type: Some(tus::CONTENT_TYPE), ..headers }] {
            if let Ok(patch) = right.patch(stored, size) {
                prop_assert_eq!(patch.offset, stored);
                prop_assert!(patch.length.is_none_or(|length| length == 0 || length <= size - stored));
            }
            let _ = right.create(size);
        }
        for text in texts.iter().flatten() {
            let _ = (Checksum::from_digest(text), Checksum::from_content_md5(text), WantDigest::negotiate(text));
        }
    }
}
