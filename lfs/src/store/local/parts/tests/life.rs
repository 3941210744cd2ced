//! Uploads under faults: broken connections, wrong bytes, crashes, kills.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use proptest::prelude::*;

use super::*;

/// An action of a client on an upload.
#[derive(Clone, Debug)]
enum Deed {
    /// Sends a part: all of it, or as many bytes as given before the connection breaks.
    Send(usize, Option<usize>),
    /// The same with other bytes.
    SendWrong(usize, Option<usize>),
    /// Drops a request before its end.
    Drop(usize, usize),
    /// Completes the upload.
    Finish,
    /// The power fails.
    Crash,
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let cut = || proptest::option::of(0usize..150_000);
    prop_oneof![
        6 => (0usize..100, cut()).prop_map(|(part, cut)| Deed::Send(part, cut)),
        2 => (0usize..100, cut()).prop_map(|(part, cut)| Deed::SendWrong(part, cut)),
        1 => (0usize..100, 0usize..150_000).prop_map(|(part, cut)| Deed::Drop(part, cut)),
        1 => Just(Deed::Finish),
        2 => Just(Deed::Crash),
    ]
}

/// After a crash of the machine, any bytes that the ledger does not record may have changed.
fn scramble(fixture: &Fixture, plan: &Plan, noted: u64, here: &[StoredPart]) {
    let path = fixture.content_path();
    let Ok(mut bytes) = fs::read(&path) else { return };
    bytes.resize(usize::try_from(plan.size()).unwrap(), 0);
    for part in plan.missing(here.iter().copied()) {
        let from = part.position.max(noted);
        if let Some(bytes) =
            bytes.get_mut(usize::try_from(from).unwrap()..usize::try_from(part.position + part.size).unwrap())
        {
            for byte in bytes {
                *byte = byte.wrapping_add(0x5a);
            }
        }
    }
    OpenOptions::new().write(true).open(path).unwrap().write_all(&bytes).unwrap();
}

/// The pool of this runtime works in order: when the next response arrives, the cleanup of a dropped request is
/// done.
fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn parts_survive_any_sequence_of_events(
        size in 1usize..700_000,
        part_size in 50_000u64..200_000,
        deeds in proptest::collection::vec(any_deed(), 0..14),
    ) {
        let runtime = one_thread();
        runtime.block_on(async {
            let fixture = Fixture::new();
            let content = noise(size);
            let wrong: Vec<u8> = content.iter().map(|byte| byte ^ 1).collect();
            let (oid, plan) = (Oid::of(&content), plan(size, part_size));
            let parts: Vec<Part> = plan.parts().collect();
            // For each stored part, whether its bytes are right.
            let mut model = BTreeMap::new();
            fixture.begin(size).await;
            for deed in deeds {
                match deed {
                    Deed::Send(index, None) => {
                        let part = &parts[index % parts.len()];
                        fixture.send(&content, part).await.unwrap();
                        model.insert(part.number, true);
                    }
                    Deed::SendWrong(index, None) => {
                        let part = &parts[index % parts.len()];
                        fixture.send(&wrong, part).await.unwrap();
                        model.insert(part.number, false);
                    }
                    Deed::Send(index, Some(cut)) | Deed::SendWrong(index, Some(cut)) => {
                        let part = &parts[index % parts.len()];
                        let is_right = matches!(deed, Deed::Send(..));
                        let bytes = piece(if is_right { &content } else { &wrong }, part);
                        let cut = cut.min(bytes.len());
                        let result = fixture.store.put_part(&UPLOAD, part, None, broken(&bytes[..cut])).await;
                        assert!(matches!(result, Err(Error::Interrupted(_))));
                        if cut > 0 && model.get(&part.number).is_some_and(|here| *here != is_right) {
                            model.remove(&part.number);
                        }
                    }
                    Deed::Drop(index, cut) => {
                        let part = parts[index % parts.len()];
                        let bytes = piece(&content, &part);
                        let body = frames(&bytes[..cut.min(bytes.len())], 20_000).chain(stream::pending());
                        let request = fixture.store.put_part(&UPLOAD, &part, None, body);
                        assert!(tokio::time::timeout(Duration::from_millis(2), request).await.is_err());
                        if model.get(&part.number) == Some(&false) {
                            let here = fixture.store.parts(&UPLOAD).await.unwrap();
                            if here.iter().all(|here| here.number != part.number) {
                                model.remove(&part.number);
                            }
                        }
                    }
                    Deed::Finish => match fixture.store.finish(&UPLOAD, &oid, &plan).await {
                        Err(Error::Incomplete(missing)) => {
                            assert_eq!(missing as usize, parts.len() - model.len());
                        }
                        Err(Error::WrongHash { .. }) => {
                            assert!(model.len() == parts.len() && model.values().any(|right| !right));
                            fixture.begin(size).await;
                            model.clear();
                        }
                        Ok(()) => {
                            assert!(model.len() == parts.len() && model.values().all(|right| *right));
                            fixture.expect_object(&content).await;
                            fixture.store.remove(&oid).await.unwrap();
                            fixture.begin(size).await;
                            model.clear();
                        }
                        Err(error) => panic!("{error:?}"),
                    },
                    Deed::Crash => {
                        let here = fixture.store.parts(&UPLOAD).await.unwrap();
                        scramble(&fixture, &plan, 0, &here);
                    }
                }
                let here: Vec<u32> = fixture.store.parts(&UPLOAD).await.unwrap().iter().map(|part| part.number).collect();
                assert_eq!(here, model.keys().copied().collect::<Vec<_>>());
            }
            for part in &parts {
                if model.get(&part.number) != Some(&true) {
                    fixture.send(&content, part).await.unwrap();
                }
            }
            fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
            fixture.expect_object(&content).await;
        });
    }

    #[test]
    fn appending_survives_any_sequence_of_events(
        size in 1usize..900_000,
        requests in proptest::collection::vec((0usize..300_000, 0u8..4, any::<bool>()), 0..12),
    ) {
        let runtime = one_thread();
        runtime.block_on(async {
            let fixture = Fixture::new();
            let content = noise(size);
            let (oid, plan, whole) = (Oid::of(&content), Plan::new(size as u64), size as u64);
            fixture.begin(size).await;
            let mut stands = 0usize;
            for (length, end, crash) in requests {
                let piece = &content[stands..size.min(stands + length)];
                let offset = stands as u64;
                let checksum = Checksum::Sha256(*Oid::of(piece).as_bytes());
                match end {
                    0 => {
                        let cut = fixture.store.append(&UPLOAD, offset, whole, None, broken(piece)).await;
                        assert!(matches!(cut, Err(Error::Interrupted(_))));
                        stands += piece.len();
                    }
                    1 => {
                        let cut = fixture.store.append(&UPLOAD, offset, whole, Some(checksum), broken(piece)).await;
                        assert!(matches!(cut, Err(Error::Interrupted(_))));
                    }
                    2 => {
                        let body = frames(piece, 40_000).chain(stream::pending());
                        let request = fixture.store.append(&UPLOAD, offset, whole, None, body);
                        assert!(tokio::time::timeout(Duration::from_millis(3), request).await.is_err());
                        // A request takes over, so that the previous one records nothing more.
                        stands = loop {
                            let stands = fixture.store.offset(&UPLOAD).await.unwrap();
                            let nothing = frames(&[], 1);
                            if fixture.store.append(&UPLOAD, stands, whole, None, nothing).await.is_ok() {
                                break usize::try_from(stands).unwrap();
                            }
                        };
                    }
                    _ => {
                        let body = frames(piece, 40_000);
                        let new = fixture.store.append(&UPLOAD, offset, whole, Some(checksum), body).await.unwrap();
                        stands += piece.len();
                        assert_eq!(new, stands as u64);
                    }
                }
                assert_eq!(fixture.store.offset(&UPLOAD).await.unwrap(), stands as u64);
                if crash {
                    scramble(&fixture, &plan, stands as u64, &[]);
                }
                if stands < size {
                    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::Incomplete(_))));
                }
            }
            let rest = frames(&content[stands..], 70_000);
            assert_eq!(fixture.store.append(&UPLOAD, stands as u64, whole, None, rest).await.unwrap(), whole);
            fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
            fixture.expect_object(&content).await;
        });
    }
}

/// The content that the killed process uploads.
const KILLED: usize = 12_000_000;

/// Its part size in bytes.
const PART: u64 = 400_000;

/// Not a test of its own: the process that the next test kills. It reads a directory and a mode from its standard
/// input and prints the parts that were stored.
#[tokio::test]
#[ignore = "it is started by `a_killed_process_loses_only_running_writes`"]
async fn victim() {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).unwrap();
    let Some((how, folder)) = line.trim_end().split_once(' ') else { return };
    let store = LocalStore::open(folder.into()).unwrap();
    let content = noise(KILLED);
    store.begin_parts(&UPLOAD, KILLED as u64).await.unwrap();
    if how == "append" {
        let offset = usize::try_from(store.offset(&UPLOAD).await.unwrap()).unwrap();
        // Throttled, so that there is time to be killed.
        let body = frames(&content[offset..], 60_000).then(async |frame| {
            tokio::time::sleep(Duration::from_millis(2)).await;
            frame
        });
        let body = Box::pin(body);
        store.append(&UPLOAD, offset as u64, KILLED as u64, None, body).await.unwrap();
    } else {
        let plan = plan(KILLED, PART);
        let missing = plan.missing(store.parts(&UPLOAD).await.unwrap());
        stream::iter(missing)
            .for_each_concurrent(3, |part| {
                let (store, content) = (&store, &content);
                async move {
                    store.put_part(&UPLOAD, &part, None, frames(piece(content, &part), 60_000)).await.unwrap();
                    writeln!(io::stdout().lock(), "arrived {}", part.number).unwrap();
                }
            })
            .await;
    }
    let plan = plan(KILLED, PART);
    store.finish(&UPLOAD, &Oid::of(&content), &plan).await.unwrap();
    writeln!(io::stdout().lock(), "finished").unwrap();
}

#[tokio::test]
async fn a_killed_process_loses_only_running_writes() {
    let content = noise(KILLED);
    let (oid, plan) = (Oid::of(&content), plan(KILLED, PART));
    for how in ["parts", "append"] {
        let fixture = Fixture::new();
        let folder = fixture.folder.path().join("objects");
        let mut arrived = BTreeSet::new();
        let (mut stood, mut lives) = (0, 0);
        let is_over = loop {
            lives += 1;
            let mut victim = Command::new(std::env::current_exe().unwrap())
                .args(["store::local::parts::tests::life::victim", "--exact", "--ignored", "--nocapture"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            writeln!(victim.stdin.take().unwrap(), "{how} {}", folder.display()).unwrap();
            let mut output = BufReader::new(victim.stdout.take().unwrap()).lines();
            // Each life is a little longer than the previous one and ends at an arbitrary moment.
            let mut is_over = false;
            let mut left = lives * 4;
            while left > 0 && !is_over {
                if how == "parts" {
                    let Some(line) = output.next() else { break };
                    let line = line.unwrap();
                    if let Some((_, number)) = line.split_once("arrived ") {
                        arrived.insert(number.parse::<u32>().unwrap());
                        left -= 1;
                    }
                    is_over = line.contains("finished");
                } else {
                    thread::sleep(Duration::from_millis(50));
                    is_over = victim.try_wait().unwrap().is_some();
                    left -= 1;
                    stood = fixture.store.offset(&UPLOAD).await.map_or(stood, |offset| offset.max(stood));
                }
            }
            victim.kill().unwrap();
            victim.wait().unwrap();
            if is_over {
                break true;
            }
            if !fixture.store.shared.ledger(UPLOAD).exists() {
                continue;
            }
            let missing = fixture.missing(&plan).await;
            assert!(arrived.iter().all(|number| !missing.contains(number)), "{arrived:?} {missing:?}");
            let offset = fixture.store.offset(&UPLOAD).await.unwrap();
            assert!(offset >= stood);
            // As if the machine had crashed with it.
            scramble(&fixture, &plan, offset, &fixture.store.parts(&UPLOAD).await.unwrap());
            if lives == 20 {
                break false;
            }
        };
        assert!(is_over && lives > 1, "{how}: it completed after {lives} lives");
        fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
        fixture.expect_object(&content).await;
    }
}
