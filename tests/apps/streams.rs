//! Large bodies, events and WebSockets through the proxy of a real server process to a real container.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use rutter_testing::Engine;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::containers::image;
use crate::processes::Servers;
use crate::story;

const MB: u64 = 1 << 20;

/// How much more memory the server may use for any transfer.
const ROOM: u64 = 16 * MB;

/// A figure of the memory of a process, in bytes: `VmRSS` now, `VmHWM` at most so far.
fn memory(process: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() << 10
}

/// Sends megabytes to an app that sends them back, and compares both.
async fn echo(servers: &Servers, megabytes: u64) {
    let block: Vec<u8> = (0..MB).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let mut sent = Sha256::new();
    (0..megabytes).for_each(|_| sent.update(&block));
    let blocks = futures::stream::iter((0..megabytes).map(move |_| Ok::<_, std::io::Error>(block.clone())));
    let request = servers.to_app(0, "probe", Method::POST, "/echo").body(reqwest::Body::wrap_stream(blocks));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let fold = response.bytes_stream().try_fold((Sha256::new(), 0), async |(mut hash, length), part| {
        hash.update(&part);
        Ok((hash, length + part.len() as u64))
    });
    let (received, length) = fold.await.unwrap();
    assert_eq!((length, received.finalize()), (megabytes * MB, sent.finalize()));
}

/// A server process with the probe as a running app of ada.
pub(crate) async fn servers() -> Servers {
    let servers = Servers::start(Engine::Sqlite, 1, &image("probe:1"), &[]).await;
    let digest = servers.digest().await;
    let installed = servers.install(0, "probe", &digest).send().await.unwrap();
    assert_eq!(installed.status(), 202);
    servers.until_running("probe").await;
    servers
}

story! {
    async fn two_hundred_megabytes_pass_in_both_directions_and_stay_out_of_memory() {
        let servers = servers().await;
        let process = servers.running[0].as_ref().unwrap().id();
        echo(&servers, 8).await;
        let before = memory(process, "VmRSS:");
        let begun = Instant::now();
        echo(&servers, 200).await;
        let (most, took) = (memory(process, "VmHWM:"), begun.elapsed());
        println!("200 MB and back in {took:?}: {} MB before, {} MB at most", before / MB, most / MB);
        assert!(most < before + ROOM, "{before} bytes before, {most} at most");
        // A client that reads slowly does not make the server keep the rest.
        let response = servers.to_app(0, "probe", Method::GET, "/big?bytes=209715200").send().await.unwrap();
        let mut parts = response.bytes_stream();
        for _ in 0..20 {
            assert!(!parts.next().await.unwrap().unwrap().is_empty());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let now = memory(process, "VmHWM:");
        assert!(now < before + ROOM, "{before} bytes before, {now} at most");
    }
}

story! {
    async fn events_arrive_one_by_one() {
        let servers = servers().await;
        let begun = Instant::now();
        let mut events = servers.to_app(0, "probe", Method::GET, "/sse?n=10").send().await.unwrap();
        assert_eq!(events.headers()["content-type"], "text/event-stream");
        let (mut times, mut text) = (Vec::new(), String::new());
        while let Some(part) = events.chunk().await.unwrap() {
            times.push(begun.elapsed());
            text.push_str(std::str::from_utf8(&part).unwrap());
        }
        assert_eq!(text.matches("data: event").count(), 10, "{text}");
        assert!(times.len() >= 8, "{times:?}");
        // The app sends one each 100 ms, and the last one ends the response.
        assert!(times[0] + Duration::from_millis(500) < *times.last().unwrap(), "{times:?}");
    }
}

/// Reads a response up to its body, in lower case.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the connection ends without a response"));
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

story! {
    /// Clients send head and body in two packets, and use the connection again.
    async fn a_refused_request_whose_body_comes_late_leaves_the_connection_usable() {
        let servers = servers().await;
        let address = servers.url(0).strip_prefix("http://").unwrap().to_owned();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let host = servers.host("probe");
        let head = format!("POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.write_all(b"{}").await.unwrap();
        let refused = read_head(&mut stream).await;
        assert!(refused.starts_with("http/1.1 401"), "{refused}");
        if refused.contains("connection: close") {
            return;
        }
        let length = refused.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap().parse().unwrap();
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        let head = format!(
            "GET /healthz HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n",
            servers.installation.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answered = read_head(&mut stream).await;
        assert!(answered.starts_with("http/1.1 200"), "{answered}");
    }
}

/// A frame as a client sends it.
fn frame(opcode: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(data.len()) {
        Ok(length @ 0..126) => frame.push(0x80 | length.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(0x80 | 0x7e);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 0x7f);
            frame.extend((data.len() as u64).to_be_bytes());
        }
    }
    let mask = [7, 11, 13, 17];
    frame.extend(mask);
    frame.extend(data.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Reads a frame as a server sends it: its first byte, and its data.
async fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let (first, short) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
    let length = match short {
        126 => u64::from(stream.read_u16().await.unwrap()),
        127 => stream.read_u64().await.unwrap(),
        short => u64::from(short),
    };
    let mut data = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut data).await.unwrap();
    (first, data)
}

story! {
    async fn web_sockets_pass_frames_of_all_sizes() {
        let servers = servers().await;
        let open = async |token: &str| {
            let address = servers.url(0).strip_prefix("http://").unwrap().to_owned();
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!(
                "GET /ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Authorization: Bearer {token}\r\n\r\n",
                servers.host("probe")
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let head = read_head(&mut stream).await;
            (stream, head)
        };
        let eve = servers.installation.person("eve");
        let (_, refused) = open(&eve).await;
        assert!(refused.starts_with("http/1.1 404"), "{refused}");
        let (mut stream, head) = open(&servers.installation.token).await;
        assert!(head.starts_with("http/1.1 101") && head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        for length in [0, 1, 125, 126, 65_535, 65_536, 3 << 20] {
            let data: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0]).collect();
            let (mut reading, mut writing) = stream.split();
            let sent = frame(2, &data);
            let (written, received) = futures::join!(writing.write_all(&sent), async {
                let mut received = vec![0; sent.len() - 4];
                reading.read_exact(&mut received).await.map(|_| received)
            });
            written.unwrap();
            let received = received.unwrap();
            assert!(received[0] == 0x82 && received.ends_with(&data), "{length}");
        }
        stream.write_all(&frame(9, b"ping")).await.unwrap();
        assert_eq!(read_frame(&mut stream).await, (0x8a, b"ping".to_vec()));
        // Closed by the client, answered by the app, and then the connection ends.
        stream.write_all(&frame(8, &[3, 232])).await.unwrap();
        assert_eq!(read_frame(&mut stream).await, (0x88, vec![3, 232]));
        let end = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 16])).await;
        assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
    }
}
