use std::convert::Infallible;

use futures::{StreamExt as _, channel::mpsc, stream};

use super::*;
use crate::store::local::tests::{Fixture, frames, noise};

mod life;

const UPLOAD: [u8; 16] = [7; 16];

/// Parts far below the minimum size, so that there are many.
fn plan(size: usize, part_size: u64) -> Plan {
    Plan::for_tests(size as u64, part_size)
}

fn piece<'a>(content: &'a [u8], part: &Part) -> &'a [u8] {
    let position = usize::try_from(part.position).unwrap();
    &content[position..][..usize::try_from(part.size).unwrap()]
}

impl Fixture {
    async fn begin(&self, size: usize) {
        self.store.begin_parts(&UPLOAD, size as u64).await.unwrap();
    }

    async fn send(&self, content: &[u8], part: &Part) -> Result<(), Error> {
        self.store.put_part(&UPLOAD, part, None, frames(piece(content, part), 50_000)).await
    }

    async fn missing(&self, plan: &Plan) -> Vec<u32> {
        let parts = self.store.parts(&UPLOAD).await.unwrap();
        plan.missing(parts).iter().map(|part| part.number).collect()
    }

    async fn send_missing(&self, content: &[u8], plan: &Plan) {
        for part in plan.missing(self.store.parts(&UPLOAD).await.unwrap()) {
            self.send(content, &part).await.unwrap();
        }
    }

    async fn expect_object(&self, content: &[u8]) {
        let oid = Oid::of(content);
        assert_eq!(self.read(&oid, 0..u64::MAX).await.unwrap(), content);
        self.store.discard(&UPLOAD).await.unwrap();
        assert_eq!(self.files(), [oid.to_string()], "no other files are left");
    }

    fn content_path(&self) -> PathBuf {
        self.store.shared.content(UPLOAD)
    }
}

/// A body that is interrupted.
fn broken(content: &[u8]) -> impl futures::Stream<Item = Result<Bytes, io::Error>> + Unpin + Send {
    let sent: Vec<_> = content.chunks(10_000).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    stream::iter(sent).chain(stream::iter([Err(io::Error::other("gone"))]))
}

#[tokio::test]
async fn parts_in_any_order_become_the_object() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    let plan = plan(content.len(), 300_000);
    fixture.begin(content.len()).await;
    assert_eq!(fixture.missing(&plan).await, [1, 2, 3, 4]);
    for number in [4, 2, 1] {
        fixture.send(&content, &plan.part(number).unwrap()).await.unwrap();
    }
    assert_eq!(fixture.missing(&plan).await, [3]);
    let oid = Oid::of(&content);
    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::Incomplete(1))));
    assert_eq!(fixture.missing(&plan).await, [3], "completing too early has no effect");
    // Started again, as by another batch.
    fixture.begin(content.len()).await;
    fixture.send_missing(&content, &plan).await;
    assert_eq!(fixture.size(&oid).await, None, "nothing is visible before completion");
    let inode = fs::metadata(fixture.content_path()).unwrap().ino();

    fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
    assert_eq!(fs::metadata(fixture.store.shared.object(&oid)).unwrap().ino(), inode, "nothing was copied");
    // Repeated, because the response was lost or could not be recorded.
    fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
    assert!(matches!(fixture.store.finish(&UPLOAD, &Oid::EMPTY, &plan).await, Err(Error::UploadGone)));
    fixture.expect_object(&content).await;
    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::UploadGone)));
}

#[tokio::test]
async fn parts_at_the_same_time() {
    let fixture = Fixture::new();
    let content = noise(4_000_000);
    let plan = plan(content.len(), 300_000);
    fixture.begin(content.len()).await;
    let parts: Vec<Part> = plan.parts().chain(plan.parts()).collect();
    let sent = futures::future::join_all(parts.iter().map(|part| fixture.send(&content, part))).await;
    assert!(sent.iter().all(Result::is_ok));
    let oid = Oid::of(&content);
    let (first, second) =
        tokio::join!(fixture.store.finish(&UPLOAD, &oid, &plan), fixture.store.finish(&UPLOAD, &oid, &plan));
    first.unwrap();
    second.unwrap();
    fixture.expect_object(&content).await;
}

#[tokio::test]
async fn the_empty_object_has_no_parts() {
    let fixture = Fixture::new();
    fixture.begin(0).await;
    let plan = Plan::new(0);
    assert!(matches!(fixture.store.finish(&UPLOAD, &Oid::of(b"x"), &plan).await, Err(Error::WrongHash { .. })));
    fixture.begin(0).await;
    fixture.store.finish(&UPLOAD, &Oid::EMPTY, &plan).await.unwrap();
    fixture.store.finish(&UPLOAD, &Oid::EMPTY, &plan).await.unwrap();
    fixture.expect_object(b"").await;
}

#[tokio::test]
async fn wrong_bytes_end_the_upload() {
    let fixture = Fixture::new();
    let mut content = noise(500_000);
    let (oid, plan) = (Oid::of(&content), plan(content.len(), 200_000));
    content[450_000] ^= 1;
    fixture.begin(content.len()).await;
    fixture.send_missing(&content, &plan).await;
    let result = fixture.store.finish(&UPLOAD, &oid, &plan).await;
    assert!(
        matches!(result, Err(Error::WrongHash { expected, actual }) if expected == oid && actual == Oid::of(&content))
    );
    assert!(fixture.files().is_empty());
    assert!(matches!(fixture.store.parts(&UPLOAD).await, Err(Error::UploadGone)));
}

/// An existing object must not make an upload succeed that sent nothing.
#[tokio::test]
async fn an_upload_id_alone_grants_nothing() {
    let fixture = Fixture::new();
    let content = noise(500_000);
    let (oid, plan) = (fixture.put(&content).await, plan(content.len(), 200_000));
    fixture.begin(content.len()).await;
    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::Incomplete(3))));
    fs::remove_file(fixture.content_path()).unwrap();
    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::UploadGone)));
    fixture.store.discard(&UPLOAD).await.unwrap();
    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::UploadGone)));
}

#[tokio::test]
async fn sizes_and_checksums_of_parts() {
    let fixture = Fixture::new();
    let content = noise(500_000);
    let plan = plan(content.len(), 200_000);
    let part = plan.part(2).unwrap();
    let right = piece(&content, &part);
    fixture.begin(content.len()).await;
    let put = |checksum: Option<Checksum>, body: &[u8]| {
        let body = frames(body, 30_000);
        let store = fixture.store.clone();
        async move { store.put_part(&UPLOAD, &part, checksum, body).await }
    };
    assert!(matches!(put(None, &right[1..]).await, Err(Error::WrongSize { expected: 200_000, actual: 199_999 })));
    assert!(matches!(put(None, &content[..200_001]).await, Err(Error::WrongSize { expected: 200_000, .. })));
    let checksum = Checksum::Sha256(*Oid::of(right).as_bytes());
    assert!(matches!(put(Some(checksum), &content[..200_000]).await, Err(Error::WrongChecksum)));
    assert_eq!(fixture.missing(&plan).await, [1, 2, 3]);
    put(Some(checksum), right).await.unwrap();
    assert_eq!(fixture.missing(&plan).await, [1, 3]);
    for (number, size) in [(0, 1), (10_001, 1), (u32::MAX, 1), (1, 0)] {
        let part = Part { number, position: 0, size };
        let result = fixture.store.put_part(&UPLOAD, &part, None, frames(b"x", 1)).await;
        assert!(matches!(result, Err(Error::Invalid(_))), "other slots of the ledger are not parts");
    }
    // The stored part does not match the checksum.
    assert!(matches!(put(Some(Checksum::Md5([0; 16])), right).await, Err(Error::WrongChecksum)));
    assert_eq!(fixture.missing(&plan).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_part_is_replaced_only_by_a_complete_one() {
    let fixture = Fixture::new();
    let content = noise(600_000);
    let (oid, plan) = (Oid::of(&content), plan(content.len(), 600_000));
    let part = plan.part(1).unwrap();
    let mut wrong = content.clone();
    wrong[300_000] ^= 1;
    fixture.begin(content.len()).await;
    fixture.send(&wrong, &part).await.unwrap();
    assert!(fixture.missing(&plan).await.is_empty());

    // The same bytes again, interrupted; and the start of the right ones, which is the same.
    for same in [&wrong[..400_000], &content[..290_000], &[]] {
        let result = fixture.store.put_part(&UPLOAD, &part, None, broken(same)).await;
        assert!(matches!(result, Err(Error::Interrupted(_))));
        assert!(fixture.missing(&plan).await.is_empty());
    }
    let before = fs::metadata(fixture.content_path()).unwrap().modified().unwrap();
    fixture.send(&wrong, &part).await.unwrap();
    assert_eq!(fs::metadata(fixture.content_path()).unwrap().modified().unwrap(), before, "nothing was written");

    let result = fixture.store.put_part(&UPLOAD, &part, None, broken(&content[..400_000])).await;
    assert!(matches!(result, Err(Error::Interrupted(_))));
    assert_eq!(fixture.missing(&plan).await, [1], "half of each");
    fixture.send(&content, &part).await.unwrap();
    fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
    fixture.expect_object(&content).await;
}

/// A request on a dead connection continues while its replacement runs, with other bytes.
#[tokio::test]
async fn late_writes_do_not_change_the_object() {
    let fixture = Fixture::new();
    let content = noise(600_000);
    let (oid, plan) = (Oid::of(&content), plan(content.len(), 600_000));
    let part = plan.part(1).unwrap();
    fixture.begin(content.len()).await;
    let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
    let store = fixture.store.clone();
    let lingering = tokio::spawn(async move { store.put_part(&UPLOAD, &part, None, body).await });
    sender.unbounded_send(Ok(Bytes::from(vec![1; 200_000]))).unwrap();
    while fs::metadata(fixture.content_path()).unwrap().len() < 100_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fixture.send(&content, &part).await.unwrap();
    fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();

    sender.unbounded_send(Ok(Bytes::from(vec![1; 400_000]))).unwrap();
    drop(sender);
    assert!(matches!(lingering.await.unwrap(), Err(Error::UploadGone)));
    fixture.expect_object(&content).await;
}

#[tokio::test]
async fn no_part_is_written_while_the_object_is_hashed() {
    let fixture = Fixture::new();
    let content = noise(600_000);
    let (oid, plan) = (Oid::of(&content), plan(content.len(), 200_000));
    fixture.begin(content.len()).await;
    fixture.send_missing(&content, &plan).await;
    let held = Content::open(&fixture.store.shared, UPLOAD).unwrap();
    held.try_hold(Mode::Alone).unwrap().unwrap().keep();
    let other = vec![1; 200_000];
    let part = plan.part(1).unwrap();
    let result = fixture.store.put_part(&UPLOAD, &part, None, frames(&other, 100_000)).await;
    assert!(matches!(result, Err(Error::Finishing)), "{result:?}");
    assert!(matches!(fixture.store.append(&UPLOAD, 0, 600_000, None, frames(&other, 9)).await, Err(Error::Finishing)));
    assert_eq!(fixture.store.reap_uploads(Duration::ZERO).await.unwrap(), 0);
    drop(held);
    fixture.send(&content, &part).await.unwrap();
    fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
    fixture.expect_object(&content).await;
}

#[tokio::test]
async fn bytes_are_appended_in_sequence() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    let (oid, plan) = (Oid::of(&content), Plan::new(1_000_000));
    fixture.begin(content.len()).await;
    let append = |offset: usize, checksum: Option<Checksum>, body: &[u8]| {
        let (body, store) = (frames(body, 30_000), fixture.store.clone());
        async move { store.append(&UPLOAD, offset as u64, 1_000_000, checksum, body).await }
    };
    assert_eq!(fixture.store.offset(&UPLOAD).await.unwrap(), 0);
    assert_eq!(append(0, None, &content[..300_000]).await.unwrap(), 300_000);
    assert!(matches!(append(0, None, &content).await, Err(Error::WrongOffset { claimed: 0, actual: 300_000 })));
    assert!(matches!(append(300_001, None, &content).await, Err(Error::WrongOffset { .. })));
    assert!(matches!(fixture.store.finish(&UPLOAD, &oid, &plan).await, Err(Error::Incomplete(1))));

    // With a checksum: all or nothing.
    let checksum = Checksum::Sha256(*Oid::of(&content[300_000..400_000]).as_bytes());
    let wrong = append(300_000, Some(checksum), &content[300_000..399_999]).await;
    assert!(matches!(wrong, Err(Error::WrongChecksum)));
    let cut = fixture.store.append(&UPLOAD, 300_000, 1_000_000, Some(checksum), broken(&content[300_000..400_000]));
    assert!(matches!(cut.await, Err(Error::Interrupted(_))));
    assert_eq!(fixture.store.offset(&UPLOAD).await.unwrap(), 300_000);
    assert_eq!(append(300_000, Some(checksum), &content[300_000..400_000]).await.unwrap(), 400_000);

    // What was received before the connection broke is kept, however little.
    for _ in 0..3 {
        let offset = usize::try_from(fixture.store.offset(&UPLOAD).await.unwrap()).unwrap();
        let body = broken(&content[offset..offset + 7_000]);
        let cut = fixture.store.append(&UPLOAD, offset as u64, 1_000_000, None, body).await;
        assert!(matches!(cut, Err(Error::Interrupted(_))));
        assert_eq!(fixture.store.offset(&UPLOAD).await.unwrap(), offset as u64 + 7_000);
    }
    let long = append(421_000, None, &[&content[421_000..], b"x"].concat()).await;
    assert!(matches!(long, Err(Error::WrongSize { expected: 1_000_000, actual: 1_000_001 })), "{long:?}");
    let offset = usize::try_from(fixture.store.offset(&UPLOAD).await.unwrap()).unwrap();
    assert!(offset < 1_000_000);
    assert_eq!(append(offset, None, &content[offset..]).await.unwrap(), 1_000_000);
    assert_eq!(append(1_000_000, None, &[]).await.unwrap(), 1_000_000);
    fixture.store.finish(&UPLOAD, &oid, &plan).await.unwrap();
    assert_eq!(fixture.store.offset(&UPLOAD).await.unwrap(), 1_000_000);
    fixture.expect_object(&content).await;
}

#[tokio::test]
async fn a_dropped_request_keeps_the_received_bytes() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    fixture.begin(content.len()).await;
    let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
    let store = fixture.store.clone();
    let request = tokio::spawn(async move { store.append(&UPLOAD, 0, 1_000_000, None, body).await });
    sender.unbounded_send(Ok(Bytes::copy_from_slice(&content[..400_000]))).unwrap();
    while fs::metadata(fixture.content_path()).unwrap().len() < 400_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    while fixture.store.offset(&UPLOAD).await.unwrap() < 400_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rest = frames(&content[400_000..], 100_000);
    assert_eq!(fixture.store.append(&UPLOAD, 400_000, 1_000_000, None, rest).await.unwrap(), 1_000_000);
    fixture.store.finish(&UPLOAD, &Oid::of(&content), &Plan::new(1_000_000)).await.unwrap();
    fixture.expect_object(&content).await;
}

#[tokio::test]
async fn of_two_appending_requests_the_later_one_continues() {
    let fixture = Fixture::new();
    let content = noise(1_000_000);
    fixture.begin(content.len()).await;
    let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
    let store = fixture.store.clone();
    let lingering = tokio::spawn(async move { store.append(&UPLOAD, 0, 1_000_000, None, body).await });
    sender.unbounded_send(Ok(Bytes::from(vec![1; 200_000]))).unwrap();
    while fs::metadata(fixture.content_path()).unwrap().len() < 200_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let all = fixture.store.append(&UPLOAD, 0, 1_000_000, None, frames(&content, 100_000)).await;
    assert_eq!(all.unwrap(), 1_000_000);
    sender.unbounded_send(Ok(Bytes::from(vec![1; 300_000]))).unwrap();
    drop(sender);
    assert!(matches!(lingering.await.unwrap(), Err(Error::WrongOffset { claimed: 200_000, actual: 1_000_000 })));
    fixture.store.finish(&UPLOAD, &Oid::of(&content), &Plan::new(1_000_000)).await.unwrap();
    fixture.expect_object(&content).await;
}

#[tokio::test]
async fn unknown_uploads_and_unavailable_stores() {
    let fixture = Fixture::new();
    let plan = plan(10, 10);
    let part = plan.part(1).unwrap();
    let all = |fixture: &Fixture| {
        let (store, oid) = (fixture.store.clone(), Oid::EMPTY);
        async move {
            [
                store.put_part(&UPLOAD, &part, None, frames(b"0123456789", 10)).await.unwrap_err(),
                store.append(&UPLOAD, 0, 10, None, frames(b"0123456789", 10)).await.unwrap_err(),
                store.parts(&UPLOAD).await.unwrap_err(),
                store.offset(&UPLOAD).await.unwrap_err(),
                store.finish(&UPLOAD, &oid, &plan).await.unwrap_err(),
            ]
        }
    };
    assert!(all(&fixture).await.iter().all(|error| matches!(error, Error::UploadGone)));
    fixture.store.discard(&UPLOAD).await.unwrap();
    assert_eq!(fixture.store.reap_uploads(Duration::ZERO).await.unwrap(), 0);

    let body = || stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, Infallible>>> { panic!("was polled") });
    assert!(matches!(fixture.store.begin_parts(&UPLOAD, crate::MAX_SIZE).await, Err(Error::Full)));
    fixture.begin(10).await;
    let huge = Part { number: 1, position: 0, size: crate::MAX_SIZE };
    assert!(matches!(fixture.store.put_part(&UPLOAD, &huge, None, body()).await, Err(Error::Full)));
    assert!(matches!(fixture.store.append(&UPLOAD, 0, crate::MAX_SIZE, None, body()).await, Err(Error::Full)));

    let (root, aside) = (fixture.folder.path().join("objects"), fixture.folder.path().join("aside"));
    fs::rename(&root, &aside).unwrap();
    fs::create_dir(&root).unwrap();
    assert!(all(&fixture).await.iter().all(|error| matches!(error, Error::Away)));
    assert!(matches!(fixture.store.begin_parts(&UPLOAD, 10).await, Err(Error::Away)));
    assert!(matches!(fixture.store.discard(&UPLOAD).await, Err(Error::Away)));
    assert!(matches!(fixture.store.reap_uploads(Duration::ZERO).await, Err(Error::Away)));
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0, "nothing is written to an unmounted store");
}

#[tokio::test]
async fn uploads_are_reaped_by_age() {
    let fixture = Fixture::new();
    let hour = Duration::from_hours(1);
    let age = |path: PathBuf, age: Duration| {
        let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - age).unwrap();
    };
    for upload in [[1; 16], [2; 16], [3; 16]] {
        fixture.store.begin_parts(&upload, 10).await.unwrap();
    }
    let shared = &fixture.store.shared;
    age(shared.content([1; 16]), hour * 3);
    age(shared.ledger([1; 16]), hour * 3);
    age(shared.content([2; 16]), hour * 3);
    age(shared.content([3; 16]), hour);
    age(shared.ledger([3; 16]), hour * 3);
    // Completed, but never recorded.
    age(shared.ledger([4; 16]), hour * 3);
    age(shared.root.join(UPLOADS).join("notes"), hour * 3);
    assert_eq!(fixture.store.reap_uploads(hour * 2).await.unwrap(), 2);
    assert!(fixture.store.parts(&[2; 16]).await.is_ok());
    assert!(fixture.store.parts(&[3; 16]).await.is_ok());
    assert!(matches!(fixture.store.parts(&[1; 16]).await, Err(Error::UploadGone)));
    assert_eq!(fixture.store.reap_uploads(Duration::ZERO).await.unwrap(), 2);
    assert_eq!(fixture.files(), ["notes"]);
    // Neither the list nor the cleanup of objects is affected.
    fixture.begin(10).await;
    assert_eq!(fixture.store.reap(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(fixture.list().await, []);
}

#[tokio::test]
async fn a_damaged_ledger_reports_no_false_parts() {
    let fixture = Fixture::new();
    let content = noise(60_000);
    let plan = plan(content.len(), 20_000);
    fixture.begin(content.len()).await;
    fixture.send_missing(&content, &plan).await;
    let path = fixture.store.shared.ledger(UPLOAD);
    let sound = fs::read(&path).unwrap();
    for bit in (0..sound.len() * 8).step_by(5) {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        let number = u32::try_from(bit / 8 / 32).unwrap();
        let expected: &[u32] = if number == 0 { &[] } else { &[number] };
        assert_eq!(fixture.missing(&plan).await, expected);
        assert_eq!(fixture.store.offset(&UPLOAD).await.unwrap(), 0);
    }
    for length in 0..sound.len() {
        fs::write(&path, &sound[..length]).unwrap();
        let whole = u32::try_from(length / 32).unwrap();
        assert_eq!(fixture.missing(&plan).await, (whole.max(1)..4).collect::<Vec<_>>());
    }
    // The ledger of another upload.
    fixture.store.begin_parts(&[8; 16], 60_000).await.unwrap();
    fs::write(fixture.store.shared.ledger([8; 16]), &sound).unwrap();
    assert_eq!(fixture.store.parts(&[8; 16]).await.unwrap(), []);
}
