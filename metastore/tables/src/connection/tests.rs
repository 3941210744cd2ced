//! A server over an in-memory stream, also for the tests of other modules.

use proptest::prelude::*;
use tables_wire::FailureKind;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use super::*;

/// What a test server got.
#[derive(Default)]
pub(crate) struct Log {
    /// The reads that it answered.
    pub(crate) reads: Vec<Read>,
    /// The result.
    pub(crate) chunks: Vec<u8>,
}

/// Runs a future in a runtime of its own.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Connects to a server that has these files, for a request that has begun.
pub(crate) fn serve(files: Vec<Bytes>) -> (Connection, Arc<Mutex<Log>>) {
    let log = Arc::new(Mutex::new(Log::default()));
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    let (connection, (_, driver)) = start(ours);
    drop(driver);
    connection.begin();
    tokio::spawn(answer(files, Arc::clone(&log), theirs));
    (connection, log)
}

fn start(stream: DuplexStream) -> (Connection, (mpsc::Receiver<Request>, JoinHandle<std::io::Result<()>>)) {
    let (input, output) = tokio::io::split(stream);
    let (connection, frames, requests) = connect();
    let driver = tokio::spawn(frames.run(input, output));
    (connection, (requests, driver))
}

async fn answer(files: Vec<Bytes>, log: Arc<Mutex<Log>>, stream: DuplexStream) {
    let (mut input, mut output) = tokio::io::split(stream);
    while let Ok(Some(frame)) = read_frame(&mut input).await {
        if frame.kind == Kind::Chunk {
            log.lock().unwrap().chunks.extend_from_slice(&frame.payload);
        }
        if frame.kind != Kind::Read {
            continue;
        }
        let read: Read = frame.parse().unwrap();
        log.lock().unwrap().reads.push(read);
        let [start, end] = [read.offset, read.offset + read.length].map(|at| usize::try_from(at).unwrap());
        let Some(file) = files.get(read.file as usize).filter(|file| end <= file.len()) else {
            write_frame(&mut output, &Frame::data(Kind::ReadFailed, frame.number, "")).await.unwrap();
            continue;
        };
        for part in file.slice(start..end).chunks(BLOCK) {
            let bytes = Frame::data(Kind::Bytes, frame.number, part.to_vec());
            write_frame(&mut output, &bytes).await.unwrap();
        }
    }
}

#[test]
fn long_reads_are_split_and_put_together() {
    let file: Bytes = (0..20_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>().into();
    run(async {
        let (connection, reads) = serve(vec![Bytes::new(), file.clone()]);
        assert_eq!(connection.read(1, 5..19_000_005).await.unwrap(), file[5..19_000_005]);
        let lengths: Vec<u64> = reads.lock().unwrap().reads.iter().map(|read| read.length).collect();
        assert_eq!(lengths, [MAX_READ, MAX_READ, 19_000_000 - 2 * MAX_READ]);
        assert!(connection.read(1, 7..7).await.unwrap().is_empty());
        assert_eq!(connection.read(0, 0..1).await.unwrap_err().kind, FailureKind::Read);
        assert_eq!(reads.lock().unwrap().reads.len(), 4);
    });
}

#[test]
fn no_read_follows_the_end_of_a_request() {
    run(async {
        let (connection, reads) = serve(vec![Bytes::from_static(b"abc")]);
        connection.done(&Done::default()).await.unwrap();
        assert!(connection.read(0, 0..1).await.is_err());
        assert!(reads.lock().unwrap().reads.is_empty());
        connection.begin();
        assert_eq!(connection.read(0, 0..2).await.unwrap(), "ab");
    });
}

#[test]
fn at_most_eight_reads_are_unanswered() {
    run(async {
        let (theirs, ours) = tokio::io::duplex(1 << 20);
        let (connection, _requests) = start(ours);
        connection.begin();
        let reads = (0..20).map(|at| {
            let connection = connection.clone();
            tokio::spawn(async move { connection.read(0, at..at + 1).await })
        });
        let reads: Vec<_> = reads.collect();
        let (mut input, mut output) = tokio::io::split(theirs);
        let mut waiting = Vec::new();
        for _ in 0..8 {
            waiting.push(read_frame(&mut input).await.unwrap().unwrap());
        }
        let more = tokio::time::timeout(std::time::Duration::from_millis(50), read_frame(&mut input)).await;
        assert!(more.is_err(), "{more:?}");
        // A dropped read keeps its turn until it is answered.
        for read in &reads[..8] {
            read.abort();
        }
        tokio::task::yield_now().await;
        while let Some(frame) = waiting.pop() {
            let read: Read = frame.parse().unwrap();
            let byte = vec![u8::try_from(read.offset).unwrap()];
            write_frame(&mut output, &Frame::data(Kind::Bytes, frame.number, byte)).await.unwrap();
            if read.offset < 12 {
                waiting.push(read_frame(&mut input).await.unwrap().unwrap());
            }
        }
        for (at, read) in reads.into_iter().enumerate().skip(8) {
            assert_eq!(read.await.unwrap().unwrap()[..], [u8::try_from(at).unwrap()]);
        }
    });
}

#[test]
fn requests_come_with_indexes_and_the_end_ends_the_driver() {
    run(async {
        let (theirs, ours) = tokio::io::duplex(1 << 20);
        let (connection, (mut requests, driver)) = start(ours);
        let (mut input, mut output) = tokio::io::split(theirs);
        connection.hello(&Hello { protocol: 1, weaknesses: Vec::new() }).await.unwrap();
        connection.chunk(vec![7; BLOCK + 1].into()).await.unwrap();
        connection.index(3, Bytes::from_static(b"offsets")).await.unwrap();
        let mut found = Vec::new();
        for _ in 0..4 {
            let frame = read_frame(&mut input).await.unwrap().unwrap();
            found.push((frame.kind, frame.number, frame.payload.len()));
        }
        assert_eq!(found[1..], [(Kind::Chunk, 0, BLOCK), (Kind::Chunk, 0, 1), (Kind::Index, 3, 7)]);

        let work = serde_json::json!({"tables": [{"files": [], "format": "csv"}], "task": "infer"});
        write_frame(&mut output, &Frame::data(Kind::Index, 2, "old")).await.unwrap();
        write_frame(&mut output, &Frame::data(Kind::Bytes, 99, "late")).await.unwrap();
        for _ in 0..2 {
            write_frame(&mut output, &Frame::message(Kind::Work, 0, &work).unwrap()).await.unwrap();
        }
        assert_eq!(requests.recv().await.unwrap().indexes, HashMap::from([(2, Bytes::from_static(b"old"))]));
        assert!(requests.recv().await.unwrap().indexes.is_empty());
        drop((input, output));
        driver.await.unwrap().unwrap();
    });
}

#[test]
fn the_server_must_keep_to_the_protocol() {
    run(async {
        let (theirs, ours) = tokio::io::duplex(1 << 20);
        let (_connection, (_requests, driver)) = start(ours);
        let (_input, mut output) = tokio::io::split(theirs);
        write_frame(&mut output, &Frame::data(Kind::Hello, 0, "{}")).await.unwrap();
        assert_eq!(driver.await.unwrap().unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn close_ranges_are_read_at_once(ranges in prop::collection::vec((0_u64..6_000_000, 0_u64..500_000), 0..8)) {
        let file: Bytes = (0..7_000_000_u32).map(|at| u8::try_from(at % 253).unwrap()).collect::<Vec<_>>().into();
        let ranges: Vec<Range<u64>> = ranges.into_iter().map(|(start, length)| start..start + length).collect();
        run(async {
            let (connection, reads) = serve(vec![file.clone()]);
            let found = connection.read_ranges(0, &ranges).await.unwrap();
            for (range, found) in ranges.iter().zip(&found) {
                let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
                assert_eq!(*found, file[start..end]);
            }
            let mut reads = reads.lock().unwrap().reads.clone();
            reads.sort_unstable_by_key(|read| read.offset);
            assert!(reads.windows(2).all(|pair| pair[0].offset + pair[0].length + MAX_GAP <= pair[1].offset));
        });
    }
}
