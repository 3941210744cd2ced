use proptest::prelude::*;

use super::super::{Fetch, Read, Right as _, Write};
use super::*;
use crate::types::Level;

fn path(text: &str) -> Option<FilePath> {
    (!text.is_empty()).then(|| text.parse().unwrap())
}

fn reach(list: &[(&str, Rights)]) -> Vec<PathRights> {
    list.iter().map(|(root, rights)| PathRights { root: path(root), rights: *rights }).collect()
}

const VIEW: Rights = Read::RIGHTS.with(Fetch::RIGHTS);
const EDIT: Rights = VIEW.with(Write::RIGHTS);

#[test]
fn a_folder_does_not_cover_its_siblings() {
    let inside = |root: &str, at: &str| covers(path(root).as_ref(), path(at).as_ref());
    for (root, at) in [("", ""), ("", "a"), ("a", "a"), ("a", "a/b"), ("a/b", "a/b/c/d"), ("a.csv", "a.csv")] {
        assert!(inside(root, at), "{root} {at}");
    }
    for (root, at) in [("a", ""), ("a", "ab"), ("a", "ab/c"), ("a/b", "a"), ("a/b", "a/bc"), ("a", "A"), ("a", "b/a")] {
        assert!(!inside(root, at), "{root} {at}");
    }
}

#[test]
fn rights_are_inherited_and_combined() {
    let reach = reach(&[("a", VIEW), ("a/b", EDIT), ("x/y", VIEW)]);
    let level = |at: &str| Level::of(rights_at(&reach, path(at).as_ref()));
    assert_eq!(level("a/c"), Some(Level::View));
    assert_eq!(level("a/b/c"), Some(Level::Edit));
    assert_eq!([level(""), level("x"), level("ab"), level("x/z")], [None; 4]);
    let top = |at: &str, wanted| widest(&reach, path(at).as_ref(), wanted).map(|found| found.root.clone());
    assert_eq!(top("a/b/c", Read::RIGHTS), Some(path("a")));
    assert_eq!(top("a/b/c", Write::RIGHTS), Some(path("a/b")));
    assert_eq!(top("a/c", Write::RIGHTS), None);
    assert_eq!(top("", Read::RIGHTS), None);
}

fn component() -> impl Strategy<Value = String> {
    "[ab.]{1,3}".prop_filter("a name", |name| name.parse::<FilePath>().is_ok())
}

fn some_path() -> impl Strategy<Value = Option<FilePath>> {
    proptest::collection::vec(component(), 0..4).prop_map(|parts| path(&parts.join("/")))
}

fn some_reach() -> impl Strategy<Value = Vec<PathRights>> {
    let rights = prop_oneof![Just(Rights::NONE), Just(VIEW), Just(EDIT), Just(Rights::ALL), Just(Write::RIGHTS)];
    let one = (some_path(), rights).prop_map(|(root, rights)| PathRights { root, rights });
    proptest::collection::vec(one, 0..5)
}

proptest! {
    #[test]
    fn an_app_has_what_both_its_user_and_its_paths_have(user in some_reach(), app in some_reach(), at in some_path()) {
        let both = meet(&user, &app);
        let at = at.as_ref();
        prop_assert_eq!(rights_at(&both, at), rights_at(&user, at).and(rights_at(&app, at)));
        prop_assert_eq!(rights_at(&meet(&app, &user), at), rights_at(&both, at));
    }

    #[test]
    fn covered_paths_begin_with_the_components_of_the_root(root in some_path(), at in some_path()) {
        let parts = |path: &Option<FilePath>| -> Vec<String> {
            path.as_ref().map(|path| path.as_str().split('/').map(str::to_owned).collect()).unwrap_or_default()
        };
        prop_assert_eq!(covers(root.as_ref(), at.as_ref()), parts(&at).starts_with(&parts(&root)));
    }

    #[test]
    fn a_path_grant_covers_only_shared_paths(
        roots in proptest::collection::vec((some_path(), any::<bool>()), 0..4),
        at in some_path(), deeper in component(),
    ) {
        let reach: Vec<PathRights> = roots.into_iter()
            .map(|(root, edit)| PathRights { root, rights: if edit { EDIT } else { VIEW } }).collect();
        for wanted in [Read::RIGHTS, Write::RIGHTS] {
            let found = widest(&reach, at.as_ref(), wanted);
            // A part exists exactly where the right does, and everything below it has the right.
            prop_assert_eq!(found.is_some(), rights_at(&reach, at.as_ref()).has(wanted));
            if let Some(found) = found {
                prop_assert!(covers(found.root.as_ref(), at.as_ref()));
                let below = found.root.as_ref().map_or(deeper.clone(), |root| format!("{root}/{deeper}"));
                prop_assert!(rights_at(&reach, path(&below).as_ref()).has(wanted));
            }
        }
    }
}
