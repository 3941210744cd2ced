//! History walks, compared with `git log`.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::support::{World, git, oid, path, put, real_repository, try_git};

/// One commit of a random history: its parents among earlier commits, what it writes, and the error of its clock.
#[derive(Debug, Clone)]
struct Made {
    parents: Vec<usize>,
    writes: Vec<(u8, u8)>,
    clock: u8,
}

fn any_history() -> impl Strategy<Value = Vec<Made>> {
    let commit = (prop::collection::vec(0usize..6, 1..3), prop::collection::vec((0u8..6, 0u8..3), 0..3), 0u8..4);
    prop::collection::vec(commit, 1..24).prop_map(|commits| {
        let made = commits.into_iter().enumerate().map(|(index, (back, writes, clock))| {
            let mut parents: Vec<_> = back.into_iter().filter_map(|back| index.checked_sub(back + 1)).collect();
            parents.dedup();
            if parents.is_empty() && index > 0 {
                parents.push(index - 1);
            }
            Made { parents, writes, clock }
        });
        made.collect()
    })
}

const FILES: [&str; 6] = ["a", "b", "d/x", "d/y", "d/e/z", "f/x"];

fn stream(history: &[Made]) -> String {
    let mut text = String::new();
    for (index, commit) in history.iter().enumerate() {
        let mark = index + 1;
        // Some share a second, some are older than their parents.
        let seconds = 1_700_000_000 + 10 * (index as u64 / 2) - 15 * u64::from(commit.clock == 3);
        let _ = write!(text, "commit refs/heads/main\nmark :{mark}\ncommitter A <a@b> {seconds} +0000\ndata 1\nm\n");
        for (number, parent) in commit.parents.iter().enumerate() {
            let _ = writeln!(text, "{} :{}", if number == 0 { "from" } else { "merge" }, parent + 1);
        }
        for &(file, content) in &commit.writes {
            let name = FILES[usize::from(file)];
            let _ = if content == 0 {
                writeln!(text, "D {name}")
            } else {
                writeln!(text, "M 100644 inline {name}\ndata 1\n{content}")
            };
        }
    }
    let _ = writeln!(text, "reset refs/heads/main\nfrom :{}", history.len());
    text
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

async fn log(world: &World, at: Option<&str>) -> Vec<String> {
    let at = at.map(path);
    let snapshot = world.snapshot().await;
    let commits = snapshot.read(move |reader| reader.log(reader.resolve("main")?, 1000, at.as_ref(), None)).await;
    commits.unwrap().iter().map(|commit| commit.id.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn random_histories_read_as_git_reads_them(history in any_history()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let source = real_repository(&stream(&history));
            let world = World::new();
            world.import(source.path());
            let oracle = |arguments: &[&str]| lines(&git(source.path(), arguments));
            assert_eq!(log(&world, None).await, oracle(&["log", "--format=%H", "main"]));
            for at in ["a", "d", "d/x", "d/e", "d/e/z", "nothing"] {
                let expected = oracle(&["log", "--format=%H", "main", "--", at]);
                assert_eq!(log(&world, Some(at)).await, expected, "{at}");
            }
            // Last changes along first parents.
            let everywhere = world.snapshot().await;
            let everywhere = everywhere.read(|reader| reader.last_commits_everywhere(reader.resolve("main")?, 1000, 1000));
            let everywhere = everywhere.await.unwrap().unwrap();
            for at in [None, Some("d"), Some("d/e")] {
                let folder = at.map(path);
                let result = world.snapshot().await;
                let result = result.read(move |reader| reader.last_commits(reader.resolve("main")?, folder.as_ref(), 1000, |_| None)).await;
                let spec = format!("main:{}", at.unwrap_or(""));
                let (exists, names, _) = try_git(source.path(), &["ls-tree", "--name-only", &spec], b"");
                if !exists {
                    assert!(matches!(result, Err(metastore::Error::NotFound(_))));
                    continue;
                }
                let mut expected = Vec::new();
                for name in names.lines() {
                    let full = at.map_or(name.to_owned(), |at| format!("{at}/{name}"));
                    let last = git(source.path(), &["log", "-1", "--first-parent", "--format=%H", "main", "--", &full]);
                    expected.push((name.to_owned(), Some(oid(last.trim()))));
                }
                expected.sort();
                assert_eq!(result.unwrap(), expected);
                assert_eq!(everywhere.get(&at.map(str::to_owned)).cloned().unwrap_or_default(), expected);
            }
            // Ancestry between all pairs of some commits.
            let all = oracle(&["rev-list", "main"]);
            for left in all.iter().step_by(5) {
                for right in all.iter().step_by(4) {
                    let (expected, _, _) = try_git(source.path(), &["merge-base", "--is-ancestor", left, right], b"");
                    let (left, right) = (oid(left), oid(right));
                    let found = world.snapshot().await.read(move |reader| reader.is_ancestor(left, right)).await.unwrap();
                    assert_eq!(found, expected);
                    let range = format!("{left}..{right}");
                    let mut expected = oracle(&["rev-list", "--ancestry-path", &range]);
                    if left == right || !expected.is_empty() {
                        expected.push(left.to_string());
                    }
                    let found = world.snapshot().await.read(move |reader| reader.descendants(left, right, 1000)).await;
                    let mut found: Vec<String> = found.unwrap().iter().map(ToString::to_string).collect();
                    expected.sort();
                    found.sort();
                    assert_eq!(found, expected, "{range}");
                }
            }
        });
    }
}

#[tokio::test]
async fn pages_fit_together() {
    let world = World::new();
    for number in 0..10 {
        world.commit(vec![put(if number % 2 == 0 { "even" } else { "odd" }, number.to_string())]).await.unwrap();
    }
    let snapshot = world.snapshot().await;
    for at in [None, Some(path("even"))] {
        let pages = snapshot
            .read(move |reader| {
                let tip = reader.resolve("main")?;
                let whole = reader.log(tip, 100, at.as_ref(), None)?;
                let mut pages = reader.log(tip, 3, at.as_ref(), None)?;
                loop {
                    let page = reader.log(tip, 3, at.as_ref(), pages.last().map(|last| last.id))?;
                    if page.is_empty() {
                        return Ok((whole, pages));
                    }
                    pages.extend(page);
                }
            })
            .await
            .unwrap();
        assert_eq!(pages.0, pages.1);
    }
    let stranger = oid(&"1".repeat(40));
    let lost = snapshot.read(move |reader| reader.log(reader.resolve("main")?, 3, None, Some(stranger))).await;
    assert!(matches!(lost, Err(metastore::Error::NotFound(_))));
}

#[tokio::test]
async fn a_capped_search_for_last_changes_says_so() {
    let world = World::new();
    let first = world.commit(vec![put("old", "1"), put("new", "1")]).await.unwrap();
    let mut last = first;
    for number in 0..5 {
        last = world.commit(vec![put("new", format!("{number}"))]).await.unwrap();
    }
    let snapshot = world.snapshot().await;
    let capped = snapshot.read(move |reader| reader.last_commits(last, None, 3, |_| None)).await.unwrap();
    assert_eq!(capped, [("new".to_owned(), Some(last)), ("old".to_owned(), None)]);
    let full = snapshot.read(move |reader| reader.last_commits(last, None, 100, |_| None)).await.unwrap();
    assert_eq!(full[1], ("old".to_owned(), Some(first)));
    let snapshot = world.snapshot().await;
    let found = snapshot.read(move |reader| {
        assert!(reader.is_near(last, 6, |commit| commit == first)?);
        assert!(!reader.is_near(last, 5, |commit| commit == first)?);
        assert!(!reader.is_near(last, 50, |_| false)?);
        Ok((reader.last_commits_everywhere(last, 3, 2)?, reader.last_commits_everywhere(last, 3, 1)?))
    });
    let (all, too_many) = found.await.unwrap();
    assert_eq!(all.unwrap()[&None], capped);
    assert_eq!(too_many, None);
    // Few paths, but longer in total than many ordinary ones.
    let deep = world.commit(vec![put(&format!("{}x", "deep-folder/".repeat(60)), "1")]).await.unwrap();
    let found = world.snapshot().await.read(move |reader| reader.last_commits_everywhere(deep, 10, 63)).await.unwrap();
    assert_eq!(found, None);
}
