use proptest::prelude::*;

use super::*;

const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

fn canonical() -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n")
}

#[test]
fn the_example_of_the_specification() {
    let pointer = Pointer::parse(canonical().as_bytes()).unwrap();
    assert_eq!(pointer, Pointer::new(OID.parse().unwrap(), 12345));
    assert_eq!(pointer.to_string(), canonical());
}

#[test]
fn extensions_are_kept_and_sorted() {
    let text = format!(
        "version https://git-lfs.github.com/spec/v1\next-1-bar sha256:{OID}\next-0-foo sha256:{OID}\noid sha256:{OID}\nsize 3\n"
    );
    let pointer = Pointer::parse(text.as_bytes()).unwrap();
    let names: Vec<_> = pointer.extensions.iter().map(|extension| (extension.priority, &*extension.name)).collect();
    assert_eq!(names, [(0, "foo"), (1, "bar")]);
    assert_eq!(
        pointer.to_string(),
        format!(
            "version https://git-lfs.github.com/spec/v1\next-0-foo sha256:{OID}\next-1-bar sha256:{OID}\noid sha256:{OID}\nsize 3\n"
        )
    );
}

#[test]
fn of_two_lines_for_one_extension_the_later_counts() {
    let last = Oid::EMPTY;
    let text = canonical()
        .replace("oid ", &format!("ext-1-a sha256:{OID}\noid "))
        .replace("size", &format!("ext-1-a sha256:{last}\nsize"));
    let extensions = Pointer::parse(text.as_bytes()).unwrap().extensions;
    assert_eq!(extensions, [Extension { priority: 1, name: "a".to_owned(), oid: last }]);
}

#[test]
fn pointers_that_git_lfs_accepts_are_accepted() {
    let expected = Pointer::new(OID.parse().unwrap(), 12345);
    let text = canonical();
    for accepted in [
        text.replace("https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2"),
        text.replace("https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"),
        text.trim_end().to_owned(),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\n\n"),
        format!("\n \t{text}\n\n"),
        text.replace("size 12345", "size 0012345"),
        text.replace("size 12345", "size +12345"),
    ] {
        assert_eq!(Pointer::parse(accepted.as_bytes()), Ok(expected.clone()), "{accepted}");
    }
}

#[test]
fn ordinary_content_is_not_a_pointer() {
    let text = canonical();
    for content in [
        String::new(),
        "hello".to_owned(),
        "version".to_owned(),
        "version https://git-lfs.github.com/spec/v2\n".to_owned(),
        text.replace("spec/v1", "spec/v2"),
        text.replace("version ", "Version "),
        text.replace("version ", "version  "),
        format!("# see https://git-lfs.github.com/spec/v1\n{text}"),
        format!("{text}{}", "\n".repeat(1024)),
    ] {
        assert_eq!(Pointer::parse(content.as_bytes()), Err(PointerError::NotPointer), "{content}");
    }
    assert_eq!(Pointer::parse(b"version https://git-lfs.github.com/spec/v1\xff"), Err(PointerError::NotPointer));
}

#[test]
fn damaged_pointers_are_reported() {
    let text = canonical();
    let extension = format!("ext-0-a sha256:{OID}\n");
    for damaged in [
        "version https://git-lfs.github.com/spec/v1\n".to_owned(),
        text.replace("oid sha256:", "oid md5:"),
        text.replace("oid sha256:", "oid "),
        text.replace("4d7a", "4D7A"),
        text.replace("4d7a", "4d7"),
        text.replace("size 12345", "size -1"),
        text.replace("size 12345", "size 1.5"),
        text.replace("size 12345", "size 9223372036854775808"),
        text.replace("size 12345", "size"),
        text.replace("size 12345\n", ""),
        format!("{text}more of it\n"),
        format!("{text}{extension}"),
        text.replace("size", "x-key 1\nsize"),
        text.replace("size", &format!("{extension}ext-0-b sha256:{OID}\nsize")),
        text.replace("size", "ext-a-b sha256:00\nsize"),
        text.replace("size", &format!("ext-10-b sha256:{OID}\nsize")),
        text.replace("size", &format!("ext-1- sha256:{OID}\nsize")),
        text.replace("size", &format!("ext-1-b {OID}\nsize")),
    ] {
        assert!(matches!(Pointer::parse(damaged.as_bytes()), Err(PointerError::Malformed(_))), "{damaged}");
    }
}

#[test]
fn the_empty_object_is_an_empty_file() {
    assert_eq!(Pointer::new(Oid::EMPTY, 0).to_string(), "");
    let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 0\n", Oid::EMPTY);
    assert_eq!(Pointer::parse(text.as_bytes()), Ok(Pointer::new(Oid::EMPTY, 0)));
}

#[test]
fn one_byte_below_the_limit_is_the_longest() {
    let text = canonical();
    let padded = format!("{text}{}", "\n".repeat(Pointer::MAX_LEN - 1 - text.len()));
    assert!(Pointer::parse(padded.as_bytes()).is_ok());
    assert_eq!(Pointer::parse(format!("{padded}\n").as_bytes()), Err(PointerError::NotPointer));
}

prop_compose! {
    fn any_extension()(priority in 0u8..10, name in "[A-Za-z0-9_][!-~é]{0,20}", oid: [u8; 32]) -> Extension {
        Extension { priority, name, oid: Oid::from_bytes(oid) }
    }
}

prop_compose! {
    fn any_pointer()(
        oid: [u8; 32],
        size in 1..=i64::MAX.unsigned_abs(),
        extensions in proptest::collection::vec(any_extension(), 0..5),
    ) -> Pointer {
        let mut extensions = extensions;
        extensions.sort_by_key(|extension| extension.priority);
        extensions.dedup_by_key(|extension| extension.priority);
        Pointer { oid: Oid::from_bytes(oid), size, extensions }
    }
}

proptest! {
    #[test]
    fn canonical_text_round_trips(pointer in any_pointer()) {
        let text = pointer.to_string();
        prop_assert!(text.ends_with('\n') && !text.contains('\r'));
        let keys: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
        prop_assert_eq!(keys[0], "version");
        prop_assert!(keys[1..].is_sorted());
        prop_assert_eq!(Pointer::parse(text.as_bytes()), Ok(pointer));
    }

    #[test]
    fn reading_is_stable(pointer in any_pointer(), at in 0usize..1024, byte: u8) {
        let mut text = pointer.to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(read) = Pointer::parse(&text)
            && read.size > 0
        {
            prop_assert_eq!(Pointer::parse(read.to_string().as_bytes()), Ok(read));
        }
    }

    #[test]
    fn hostile_bytes_do_no_harm(blob in proptest::collection::vec(any::<u8>(), 0..1100)) {
        let _ = Pointer::parse(&blob);
    }

    #[test]
    fn hostile_lines_do_no_harm(
        lines in proptest::collection::vec("(version|oid|size|ext-[0-9]-[a-z]*)?[ -]?(https://git-lfs.github.com/spec/v1|sha256:[0-9a-f]{64}|[+-]?[0-9]{1,20})?\r?", 0..8),
    ) {
        let _ = Pointer::parse(lines.join("\n").as_bytes());
    }
}
