//! A small S3 server within the test: it checks signatures and checksums, and can be stopped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rutter_testing::free_port;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bucket::{self, Bucket};

const KEY_ID: &str = "stub";
const SECRET: &str = "stub-secret";
const BUCKET: &str = "rutter";

/// The server. Dropping it ends it.
pub(crate) struct S3Stub {
    service: S3Service,
    port: u16,
    serving: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl S3Stub {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let mut stub = Self { service: builder.build(), port: free_port(), serving: None, _folder: folder };
        stub.resume_serving().await;
        stub
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Bucket {
            provider: bucket::Provider::S3 { region: "us-east-1".to_owned() },
            endpoint: format!("http://127.0.0.1:{}", self.port),
            name: BUCKET.to_owned(),
            prefix: String::new(),
            key_id: KEY_ID.to_owned(),
            secret: SECRET.to_owned(),
        }
    }

    /// Cuts all connections, and takes no new ones.
    pub(crate) async fn stop_serving(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Serves again what is there.
    pub(crate) async fn resume_serving(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.serving = Some(tokio::spawn(serve(listener, self.service.clone())));
    }
}

impl Drop for S3Stub {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// Checks the checksum before anything is stored, as real stores do; the library checks it afterwards.
async fn answer(service: S3Service, request: Request<Incoming>) -> Result<Response<s3s::Body>, s3s::HttpError> {
    let promised = request.headers().get("x-amz-checksum-sha256").cloned();
    let (head, body) = request.into_parts();
    if head.method == Method::GET && head.uri.query().is_some_and(|query| query.contains("uploadId=")) {
        // The library lists parts without their ETags, and does not look at ETags when it puts parts together.
        let (head, body) = service.call(Request::from_parts(head, body.into())).await?.into_parts();
        let list = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let list = String::from_utf8_lossy(&list).replace("<Part>", "<Part><ETag>0</ETag>");
        return Ok(Response::from_parts(head, Bytes::from(list).into()));
    }
    let Some(promised) = promised else { return service.call(Request::from_parts(head, body.into())).await };
    let Ok(bytes) = body.collect().await.map(Collected::to_bytes) else {
        return Ok(refusal("IncompleteBody"));
    };
    if promised.as_bytes() != STANDARD.encode(Sha256::digest(&bytes)).as_bytes() {
        return Ok(refusal("BadDigest"));
    }
    service.call(Request::from_parts(head, bytes.into())).await
}

fn refusal(code: &str) -> Response<s3s::Body> {
    let body = Bytes::from(format!("<Error><Code>{code}</Code></Error>"));
    Response::builder().status(400).body(body.into()).unwrap()
}

async fn serve(listener: TcpListener, service: S3Service) {
    // Connections end with this task.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let service = service.clone();
        connections.spawn(async move {
            let answer = service_fn(|request| answer(service.clone(), request));
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
