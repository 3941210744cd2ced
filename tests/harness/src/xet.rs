//! The protocol of Xet as a client speaks it: xorbs, files in shards, and requests.

use lfs::Oid;
use xet::Hash;
use xet::merkle::Tree;
use xet::shard::{File, Shard, Term};
use xet::xorb::{Encoder, Xorb};

use crate::Reply;

/// Packs these chunks into a xorb.
pub fn pack(chunks: &[Vec<u8>]) -> (Vec<u8>, Xorb) {
    let mut encoder = Encoder::new();
    for chunk in chunks {
        encoder.push(chunk).unwrap();
    }
    encoder.finish().unwrap()
}

/// Describes a file that is all chunks of a xorb.
pub fn describe(xorb: &Xorb, content: &[u8]) -> File {
    describe_all(&[xorb], content)
}

/// Describes a file that is all chunks of some xorbs.
pub fn describe_all(xorbs: &[&Xorb], content: &[u8]) -> File {
    let mut tree = Tree::new();
    let terms = xorbs.iter().map(|xorb| {
        let all = 0..xorb.chunks().len();
        tree.extend(xorb.leaves(all.clone()).unwrap());
        Term {
            xorb: xorb.hash(),
            chunks: 0..u32::try_from(all.end).unwrap(),
            raw_len: xorb.raw_len(),
            verification: Some(xorb.verification_hash(all).unwrap()),
        }
    });
    let terms = terms.collect();
    File { hash: tree.file_hash(), terms, sha256: Some(*Oid::of(content).as_bytes()) }
}

/// Writes a shard with one file.
pub fn shard(file: File) -> Vec<u8> {
    Shard { files: vec![file], xorbs: Vec::new() }.write(None).unwrap()
}

/// What a client gets to upload to a dataset: the URL and the token.
pub struct XetClient {
    http: reqwest::Client,
    pub url: String,
    pub token: String,
}

impl XetClient {
    pub fn new(http: &reqwest::Client, url: &str, token: &str) -> Self {
        Self { http: http.clone(), url: url.to_owned(), token: token.to_owned() }
    }

    /// Requests access to a dataset (`owner/name`) with a personal token.
    pub async fn of(http: &reqwest::Client, server: &str, path: &str, token: &str) -> Self {
        let url = format!("{server}/api/datasets/{path}/xet-write-token/main");
        let reply = Reply::of(http.get(url).bearer_auth(token)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        assert_eq!(reply.header("x-xet-cas-url"), text("casUrl"));
        assert_eq!(reply.header("x-xet-access-token"), text("accessToken"));
        assert_eq!(reply.header("x-xet-token-expiration"), answer["exp"].to_string());
        Self::new(http, &text("casUrl"), &text("accessToken"))
    }

    pub fn request(&self, path: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/{path}", self.url)).bearer_auth(&self.token).body(body)
    }

    pub async fn post(&self, path: &str, body: Vec<u8>) -> Reply {
        Reply::of(self.request(path, body)).await
    }

    pub async fn put_xorb(&self, hash: Hash, body: Vec<u8>) -> Reply {
        self.post(&format!("v1/xorbs/default/{hash}"), body).await
    }

    pub async fn find(&self, chunk: Hash) -> Reply {
        self.get(&format!("v1/chunks/default/{chunk}"), None).await
    }

    /// Requests how to download a file, or a range of it.
    pub async fn reconstruction(&self, version: &str, file: Hash, range: Option<&str>) -> Reply {
        self.get(&format!("{version}/reconstructions/{file}"), range).await
    }

    async fn get(&self, path: &str, range: Option<&str>) -> Reply {
        let mut request = self.http.get(format!("{}/{path}", self.url)).bearer_auth(&self.token);
        if let Some(range) = range {
            request = request.header("Range", format!("bytes={range}"));
        }
        Reply::of(request).await
    }
}
