//! An app for tests: it answers what it is asked for, and tries what apps must not be able to do.
//!
//! Built by `scripts/docker.sh` with nothing but the standard library, as one static file: the only one of its image.

mod http;
mod websocket;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufReader, Read as _, Result, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use http::{Request, chunk, reply};

/// Longest time for a connection that the probe opens.
const TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    if std::env::args().nth(1).as_deref() == Some("sleep") {
        thread::sleep(Duration::from_secs(600));
        return Ok(());
    }
    let port: u16 = variable("PORT").and_then(|port| port.parse().ok()).unwrap_or(8000);
    println!("probe: listens on {port}");
    if let Some(mb) = variable("PROBE_MEMORY") {
        println!("probe: has {} bytes", memory(mb.parse().unwrap_or(0)));
    }
    if let Some(code) = variable("PROBE_EXIT") {
        eprintln!("probe: ends with {code}");
        std::process::exit(code.parse().unwrap_or(1));
    }
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

fn serve(mut output: TcpStream) -> Result<()> {
    output.set_nodelay(true)?;
    let mut input = BufReader::new(output.try_clone()?);
    while let Some(request) = Request::read(&mut input)? {
        let close = request.header("connection").eq_ignore_ascii_case("close");
        answer(&request, &mut input, &mut output)?;
        if close || request.header("upgrade").eq_ignore_ascii_case("websocket") {
            break;
        }
    }
    output.shutdown(std::net::Shutdown::Both)
}

fn answer(request: &Request, input: &mut BufReader<TcpStream>, output: &mut TcpStream) -> Result<()> {
    if request.path == "/echo" {
        let kind = request.header("content-type");
        let kind = if kind.is_empty() { "application/octet-stream" } else { kind };
        let head = format!("HTTP/1.1 200 Probe\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
        output.write_all(head.as_bytes())?;
        let mut copy = output.try_clone()?;
        request.body(input, |part| chunk(&mut copy, part))?;
        return chunk(output, b"");
    }
    if request.path != "/ws" {
        request.body(input, |_| Ok(()))?;
    }
    match request.path.as_str() {
        "/healthz" => text(output, "ok\n"),
        "/env" => {
            let variables: Vec<_> = std::env::vars().collect();
            text(output, &format!("{{{}}}\n", object(&variables)))
        }
        "/big" => big(output, request.number("bytes", 1 << 20)),
        "/sse" => events(output, request.number("n", 3)),
        "/ws" => upgrade(request, input, output),
        "/cookie" => {
            let cookies: Vec<_> = request.params("set").map(|cookie| ("Set-Cookie", cookie)).collect();
            reply(output, 200, &cookies, b"ok\n")
        }
        "/status" => reply(output, request.number("code", 200), &[], b"status\n"),
        "/redirect" => reply(output, 302, &[("Location", request.param("to"))], b""),
        "/fetch" => outcome(output, fetch(request)),
        "/connect" => {
            outcome(output, connect(request.param("host"), request.number("port", 80)).map(|_| "open\n".into()))
        }
        "/memory" => text(output, &format!("{} bytes\n", memory(request.number("mb", 1)))),
        "/fork" => text(output, &fork(request.number("n", 1))),
        "/write" => {
            let written = fs::write(request.param("path"), request.param("data"));
            outcome(output, written.map(|()| "written\n".into()))
        }
        "/read" => outcome(output, fs::read_to_string(request.param("path"))),
        "/id" => outcome(output, identity()),
        "/log" => {
            println!("{}", request.param("line"));
            text(output, "logged\n")
        }
        "/exit" => {
            text(output, "ends\n")?;
            output.shutdown(std::net::Shutdown::Both)?;
            std::process::exit(request.number("code", 0) as i32)
        }
        "/" => {
            let line = [("request".to_owned(), request.line.clone())];
            let body =
                format!("{{\"hello\": \"probe\", {}, \"headers\": {{{}}}}}\n", object(&line), object(&request.headers));
            reply(output, 200, &[("Content-Type", "application/json")], body.as_bytes())
        }
        _ => reply(output, 404, &[], b"not found\n"),
    }
}

/// Returns the inside of a JSON object. A name may be there twice.
fn object(pairs: &[(String, String)]) -> String {
    let quoted = |text: &str| {
        let mut json = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => json.extend(['\\', c]),
                c if c < ' ' => _ = write!(json, "\\u{:04x}", c as u32),
                c => json.push(c),
            }
        }
        json + "\""
    };
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}: {}", quoted(name), quoted(value))).collect();
    pairs.join(", ")
}

fn text(output: &mut TcpStream, body: &str) -> Result<()> {
    reply(output, 200, &[("Content-Type", "text/plain; charset=utf-8")], body.as_bytes())
}

/// Says how an attempt ended: 200, or 502 with the error.
fn outcome(output: &mut TcpStream, result: Result<String>) -> Result<()> {
    match result {
        Ok(body) => text(output, &body),
        Err(error) => reply(output, 502, &[], format!("error: {error}\n").as_bytes()),
    }
}

fn big(output: &mut TcpStream, mut left: u64) -> Result<()> {
    output.write_all(format!("HTTP/1.1 200 Probe\r\nContent-Length: {left}\r\n\r\n").as_bytes())?;
    let part = vec![b'x'; 64 << 10];
    while left > 0 {
        let count = left.min(part.len() as u64);
        output.write_all(&part[..count as usize])?;
        left -= count;
    }
    output.flush()
}

fn events(output: &mut TcpStream, count: u64) -> Result<()> {
    let head = "HTTP/1.1 200 Probe\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    output.write_all(head.as_bytes())?;
    for number in 0..count {
        chunk(output, format!("id: {number}\ndata: event {number}\n\n").as_bytes())?;
        thread::sleep(Duration::from_millis(100));
    }
    chunk(output, b"")
}

fn upgrade(request: &Request, input: &mut BufReader<TcpStream>, output: &mut TcpStream) -> Result<()> {
    let key = request.header("sec-websocket-key");
    if key.is_empty() {
        return reply(output, 400, &[], b"no key\n");
    }
    let accept = websocket::accept(key);
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
    output.write_all(format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes())?;
    websocket::echo(input, output)
}

fn connect(host: &str, port: u64) -> Result<TcpStream> {
    let mut last = std::io::Error::other("no address");
    for address in (host, port as u16).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Sends a request, by default a GET without a body, and returns status line, headers and body, at most 1 MiB.
fn fetch(request: &Request) -> Result<String> {
    let url = request.param("url");
    let rest = url.strip_prefix("http://").ok_or_else(|| std::io::Error::other("not an http:// address"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let mut stream = connect(name, port.parse().unwrap_or(80))?;
    stream.set_read_timeout(Some(5 * TIMEOUT))?;
    let method = if request.param("method").is_empty() { "GET" } else { request.param("method") };
    let mut head = format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\n");
    if !request.params("header").any(|header| header.to_ascii_lowercase().starts_with("host:")) {
        _ = write!(head, "Host: {host}\r\n");
    }
    let body = request.param("body");
    if !body.is_empty() {
        _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    request.params("header").for_each(|header| _ = write!(head, "{header}\r\n"));
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    let mut response = Vec::new();
    stream.take(1 << 20).read_to_end(&mut response)?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

/// Takes memory, which is not given back, and returns how much.
fn memory(mb: u64) -> usize {
    let mut taken = 0;
    for _ in 0..mb {
        // Written to, so that it is really used.
        let part = vec![1_u8; 1 << 20];
        taken += std::hint::black_box(&part).len();
        std::mem::forget(part);
    }
    taken
}

/// Starts processes at the same time, and says how many could be started.
fn fork(count: u64) -> String {
    let started: Vec<Result<Child>> = (0..count).map(|_| Command::new("/proc/self/exe").arg("sleep").spawn()).collect();
    let failed = started.iter().filter(|child| child.is_err()).count();
    for mut child in started.into_iter().flatten() {
        _ = child.kill();
        _ = child.wait();
    }
    format!("{} started, {failed} failed\n", count as usize - failed)
}

/// Returns user, groups, capabilities and mounts of this process.
fn identity() -> Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let shown = ["Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp"];
    let mut text = String::new();
    for line in status.lines().filter(|line| shown.iter().any(|name| line.starts_with(name))) {
        text.push_str(line);
        text.push('\n');
    }
    Ok(text + &fs::read_to_string("/proc/self/mountinfo")?)
}
