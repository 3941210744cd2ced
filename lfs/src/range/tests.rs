use proptest::prelude::*;

use super::*;

const OTHER: &str = "\"0000000000000000000000000000000000000000000000000000000000000000\"";

fn ranged(range: &str, size: u64) -> Answer {
    evaluate(&Oid::EMPTY.to_string(), size, &Conditions { range: Some(range), ..Conditions::default() })
}

#[test]
fn single_ranges() {
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-99", 0..100),
        ("bytes=0-1000", 0..100),
        ("bytes=99-99", 99..100),
        ("bytes=10-", 10..100),
        ("bytes=-1", 99..100),
        ("bytes=-100", 0..100),
        ("bytes=-1000", 0..100),
        ("BYTES=5-6", 5..7),
        ("bytes= 5-6 ", 5..7),
        ("bytes=,5-6,", 5..7),
        ("bytes=0-99999999999999999999999", 0..100),
        ("bytes=-99999999999999999999999", 0..100),
        ("bytes=0-18446744073709551615", 0..100),
    ] {
        assert_eq!(ranged(range, 100), Answer::Partial(expected), "{range}");
    }
}

#[test]
fn unsatisfiable_ranges() {
    for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
        assert_eq!(ranged(range, 100), Answer::Unsatisfiable, "{range}");
    }
}

#[test]
fn invalid_ranges_are_ignored() {
    for range in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5",
        "bytes=6-5",
        "bytes=a-b",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=1 - 2",
        "bytes=--1",
        "bytes=0-1,3-4",
        "bytes=0-1,x",
        "lines=1-2",
        "=1-2",
        "bytes=१-२",
        "bytes:0-1",
    ] {
        assert_eq!(ranged(range, 100), Answer::Full, "{range}");
    }
    for range in ["bytes=0-", "bytes=-5", "bytes=0-0", "bytes=7-"] {
        assert_eq!(ranged(range, 0), Answer::Full, "{range}");
    }
    assert_eq!(evaluate(&Oid::EMPTY.to_string(), 100, &Conditions::default()), Answer::Full);
}

#[test]
fn if_range_needs_the_strong_tag() {
    let oid = Oid::EMPTY;
    let answer = |if_range: &str| {
        let conditions = Conditions { range: Some("bytes=1-2"), if_range: Some(if_range), ..Conditions::default() };
        evaluate(&oid.to_string(), 100, &conditions)
    };
    assert_eq!(answer(&etag(&oid)), Answer::Partial(1..3));
    for other in [OTHER, &format!("W/{}", etag(&oid)), &oid.to_string(), "*", "", "Tue, 15 Nov 1994 12:45:26 GMT"] {
        assert_eq!(answer(other), Answer::Full, "{other}");
    }
}

#[test]
fn if_none_match_precedes_range() {
    let oid = Oid::EMPTY;
    let own = etag(&oid);
    let answer = |tags: &str| {
        let conditions = Conditions { range: Some("bytes=200-"), if_range: Some(OTHER), if_none_match: Some(tags) };
        evaluate(&oid.to_string(), 100, &conditions)
    };
    for tags in ["*", " * ", &own, &format!("W/{own}"), &format!("{OTHER}, {own}"), &format!("\"a,b\",W/\"\" ,{own}")] {
        assert_eq!(answer(tags), Answer::NotModified, "{tags}");
    }
    for tags in ["", OTHER, &oid.to_string(), "W/", "\"", &format!("x, {own}"), &own[..20], &own.to_uppercase()] {
        assert_eq!(answer(tags), Answer::Full, "{tags}");
    }
}

#[test]
fn dispositions() {
    for (name, expected) in [
        ("a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
        ("naïve €.txt", "attachment; filename=\"na_ve _.txt\"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt"),
        ("a\"b\\c;%41.csv", "attachment; filename=\"a_b_c;_41.csv\"; filename*=UTF-8''a%22b_c%3B%2541.csv"),
        ("../../etc/passwd", "attachment; filename=\".._.._etc_passwd\"; filename*=UTF-8''.._.._etc_passwd"),
        (
            "x\r\nSet-Cookie: a=b",
            "attachment; filename=\"x__Set-Cookie: a=b\"; filename*=UTF-8''x__Set-Cookie%3A%20a%3Db",
        ),
        ("gpj\u{202e}exe.txt", "attachment; filename=\"gpj_exe.txt\"; filename*=UTF-8''gpj_exe.txt"),
        ("", "attachment"),
        (" .. ", "attachment"),
    ] {
        assert_eq!(content_disposition(name, false), expected, "{name}");
    }
    assert_eq!(content_disposition("a", true), "inline; filename=\"a\"; filename*=UTF-8''a");
}

proptest! {
    #[test]
    fn ranges_are_inside_the_object(size: u64, range in "bytes=[0-9]{0,20}-[0-9]{0,20}(,[0-9]{0,3}-)?") {
        if let Answer::Partial(part) = ranged(&range, size) {
            prop_assert!(part.start < part.end && part.end <= size);
        }
    }

    #[test]
    fn the_named_bytes_are_sent(size in 1u64..1000, first in 0u64..1000, length in 1u64..1000) {
        let answer = ranged(&format!("bytes={first}-{}", first + length - 1), size);
        if first < size {
            prop_assert_eq!(answer, Answer::Partial(first..size.min(first + length)));
        } else {
            prop_assert_eq!(answer, Answer::Unsatisfiable);
        }
    }

    #[test]
    fn hostile_headers_do_no_harm(
        size: u64,
        range in "\\PC{0,30}|bytes=[-0-9, \t]{0,30}",
        if_range in "\\PC{0,30}",
        tags in "\\PC{0,30}|[W/\", *]{0,30}",
    ) {
        let conditions =
            Conditions { range: Some(&range), if_range: Some(&if_range), if_none_match: Some(&tags) };
        evaluate(&Oid::EMPTY.to_string(), size, &conditions);
    }

    #[test]
    fn dispositions_stay_in_their_header(name in "\\PC{0,300}|[\\x00-\\x7f]{0,300}", inline: bool) {
        let value = content_disposition(&name, inline);
        prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let quotes = value.matches('"').count();
        prop_assert!(quotes == 0 || quotes == 2);
        prop_assert!(value.len() < 4096);
    }
}
