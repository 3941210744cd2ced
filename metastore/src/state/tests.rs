use proptest::prelude::*;

use super::*;

fn oid(byte: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[byte; 20])
}

fn name(name: &str) -> RefName {
    name.parse().unwrap()
}

fn held(full: &str, target: u8) -> Ref {
    Ref { name: name(full), target: oid(target), peeled: None }
}

fn edit(full: &str, old: Option<u8>, new: Option<u8>) -> RefEdit {
    RefEdit { name: name(full), old: old.map(oid), new: new.map(oid), peeled: None }
}

#[test]
fn repository_keys_are_safe_folder_names() {
    for good in ["a", "0", "0190f3c2-1111-7abc-8def-000000000000", &"x".repeat(64)] {
        assert_eq!(good.parse::<RepoKey>().unwrap().as_str(), good);
    }
    for bad in ["", "..", "a/b", "A", "a.b", "ä", "a\0", &"x".repeat(65)] {
        assert!(bad.parse::<RepoKey>().is_err(), "{bad:?}");
    }
}

#[test]
fn ref_names_follow_git() {
    for good in ["refs/heads/main", "refs/heads/a/b", "refs/tags/v1.0", "refs/heads/ünï", "refs/x"] {
        assert!(good.parse::<RefName>().is_ok(), "{good:?}");
    }
    for bad in [
        "main",
        "HEAD",
        "refs/",
        "refs//x",
        "refs/heads/",
        "refs/heads/a..b",
        "refs/heads/.a",
        "refs/heads/a.lock",
        "refs/heads/a b",
        "refs/heads/a~",
        "refs/heads/a^",
        "refs/heads/a:b",
        "refs/heads/a\\b",
        "refs/heads/a@{0}",
        "refs/heads/a\n",
        "refs/heads/a*",
        "refs/heads/a/",
        "/refs/heads/a",
        "refs/heads/a.",
        "refs/heads/../../x",
    ] {
        assert!(bad.parse::<RefName>().is_err(), "{bad:?}");
    }
    assert_eq!(RefName::branch("a/b").unwrap().short(), "a/b");
    assert_eq!(RefName::tag("v1").unwrap().as_str(), "refs/tags/v1");
    assert!(RefName::branch("-f").is_err() && RefName::branch("HEAD").is_err() && RefName::tag("").is_err());
    assert!(name("refs/internal/x").is_hidden() && !name("refs/internals/x").is_hidden());
}

#[test]
fn an_edit_must_find_what_it_expects() {
    let refs = [held("refs/heads/main", 1)];
    assert!(check_edits(&refs, &[edit("refs/heads/main", Some(1), Some(2))]).is_ok());
    assert!(check_edits(&refs, &[edit("refs/heads/new", None, Some(2))]).is_ok());
    for stale in [
        edit("refs/heads/main", Some(3), Some(2)),
        edit("refs/heads/main", None, Some(2)),
        edit("refs/heads/gone", Some(1), None),
    ] {
        assert!(matches!(check_edits(&refs, &[stale]), Err(Error::Conflict(_))));
    }
    let twice = [edit("refs/heads/main", Some(1), Some(2)), edit("refs/heads/main", Some(1), None)];
    assert!(matches!(check_edits(&refs, &twice), Err(Error::Invalid(_))));
}

#[test]
fn a_ref_cannot_be_the_folder_of_another() {
    let refs = [held("refs/heads/a", 1), held("refs/heads/d/e/f", 1), held("refs/heads/a-b", 1)];
    for clash in ["refs/heads/a/b", "refs/heads/a/b/c", "refs/heads/d", "refs/heads/d/e"] {
        let result = check_edits(&refs, &[edit(clash, None, Some(2))]);
        assert!(matches!(result, Err(Error::Conflict(_))), "{clash}");
    }
    for fine in ["refs/heads/ab", "refs/heads/d/e/g", "refs/heads/d-e", "refs/heads/d.e"] {
        assert!(check_edits(&refs, &[edit(fine, None, Some(2))]).is_ok(), "{fine}");
    }
    let swap = [edit("refs/heads/a/b", None, Some(2)), edit("refs/heads/a", Some(1), None)];
    assert!(check_edits(&refs, &swap).is_ok(), "a deletion makes room");
    let both = [edit("refs/heads/n", None, Some(2)), edit("refs/heads/n/m", None, Some(2))];
    assert!(matches!(check_edits(&refs, &both), Err(Error::Conflict(_))));
}

#[test]
fn edits_that_cannot_be_keep_no_other_from_being() {
    let refs = [held("refs/heads/main", 1), held("refs/heads/old", 1)];
    let edits = [
        edit("refs/heads/main", Some(9), Some(2)),
        edit("refs/heads/main/sub", None, Some(2)),
        edit("refs/heads/topic", None, Some(2)),
        edit("refs/heads/topic/sub", None, Some(2)),
        edit("refs/heads/old/new", None, Some(2)),
        edit("refs/heads/old", Some(1), None),
    ];
    let verdicts: Vec<bool> = judge_edits(&refs, &edits).iter().map(Result::is_ok).collect();
    assert_eq!(verdicts, [false, false, true, false, true, true]);
}

proptest! {
    #[test]
    fn directory_conflict_is_the_prefix_rule(
        existing in proptest::collection::vec("[ab](/[ab]){0,3}", 0..6),
        new in "[ab](/[ab]){0,3}",
    ) {
        let expected = existing.iter().any(|name| {
            name.starts_with(&format!("{new}/")) || new.starts_with(&format!("{name}/"))
        });
        let found = conflict_in(&existing.iter().map(String::as_str).collect(), &new);
        prop_assert_eq!(found.is_some(), expected);
    }

    #[test]
    fn parsers_take_anything(text in "\\PC*") {
        let _ = text.parse::<RefName>();
        let _ = text.parse::<RepoKey>();
        let _ = text.parse::<PackId>();
    }
}
