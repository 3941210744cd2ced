//! HTTP/1.1, as much as tests need: requests, bodies of both kinds, and responses.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;

/// A request without its body.
pub struct Request {
    pub line: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// Reads a request; `None` at the end of the connection.
    pub fn read(input: &mut impl BufRead) -> Result<Option<Self>> {
        let line = read_line(input)?;
        let Some(target) = line.split(' ').nth(1) else { return Ok(None) };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        let (path, query) = (path.to_owned(), query.collect());
        let mut headers = Vec::new();
        loop {
            let header = read_line(input)?;
            let Some((name, value)) = header.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Some(Self { line, path, query, headers }))
    }

    /// Returns a header; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Returns a parameter of the query; empty if it is absent.
    pub fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Returns all parameters of this name.
    pub fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is a number.
    pub fn number(&self, name: &str, default: u64) -> u64 {
        self.param(name).parse().unwrap_or(default)
    }

    /// Passes on the body in parts, as they come.
    pub fn body(&self, input: &mut BufReader<TcpStream>, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        if self.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            loop {
                let line = read_line(input)?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16).map_err(Error::other)?;
                copy(input, size, &mut buffer, &mut each)?;
                if size == 0 {
                    // Trailers.
                    while !read_line(input)?.is_empty() {}
                    return Ok(());
                }
                read_line(input)?;
            }
        }
        copy(input, self.header("content-length").parse().unwrap_or(0), &mut buffer, &mut each)
    }
}

fn copy(
    input: &mut impl Read,
    mut left: u64,
    buffer: &mut [u8],
    each: &mut impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = input.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(Error::other("the body is truncated"));
        }
        each(&buffer[..count])?;
        left -= count as u64;
    }
    Ok(())
}

fn read_line(input: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    input.take(64 << 10).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a response.
pub fn reply(output: &mut impl Write, status: u64, headers: &[(&str, &str)], body: &[u8]) -> Result<()> {
    let mut head = format!("HTTP/1.1 {status} Probe\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    head.push_str("\r\n");
    output.write_all(head.as_bytes())?;
    output.write_all(body)?;
    output.flush()
}

/// Sends a part of a chunked response; an empty one ends it.
pub fn chunk(output: &mut impl Write, part: &[u8]) -> Result<()> {
    // In one piece, so that it is one packet.
    let framed = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    output.write_all(&framed)?;
    output.flush()
}
