//! Shims in front of Garage that behave like another store.
//!
//! One speaks Google's protocol. It is not Google: it verifies, with the public key and from the request as
//! received, that requests are signed as Google's documents say ("V4 signing process", "Authenticating using
//! self-signed JWTs"), and that the XML API is used in a way that S3 understands too. The other accepts
//! everything without checks.

use std::{convert::Infallible, fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use lfs::store::{CloudStore, GcsBucket, S3Bucket};
use object_store::{
    ClientOptions,
    aws::{AwsAuthorizer, AwsCredential},
    client::{HttpClient, HttpConnector as _, ReqwestConnector},
};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::stores::{now, s3_options};

const KEY: &str = include_str!("../../src/store/cloud/sigv4/test-key.pem");
const ACCOUNT: &str = "signer@project.iam.gserviceaccount.com";

/// A bucket that is used as one of Google's.
pub(crate) async fn gcs() -> CloudStore {
    CloudStore::gcs(gcs_options().await).unwrap()
}

async fn gcs_options() -> GcsBucket {
    let s3 = s3_options();
    let endpoint = start(Words::Google, &s3).await;
    let account = json!({"client_email": ACCOUNT, "private_key": KEY, "private_key_id": "1"});
    GcsBucket {
        bucket: s3.bucket,
        prefix: s3.prefix,
        endpoint: Some(endpoint),
        public_endpoint: None,
        environment: vec![("GOOGLE_SERVICE_ACCOUNT_KEY".into(), account.to_string())],
    }
}

/// An S3 bucket that verifies nothing.
pub(crate) async fn credulous() -> CloudStore {
    let s3 = s3_options();
    let endpoint = Some(start(Words::Nobodys, &s3).await);
    CloudStore::s3(S3Bucket { endpoint, ..s3 }).unwrap()
}

/// The protocol whose signatures are verified.
#[derive(PartialEq)]
enum Words {
    Google,
    Nobodys,
}

/// Listens as long as the test runs, and returns the address.
async fn start(words: Words, s3: &S3Bucket) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let secret = |name: &str| s3.environment.iter().find(|(found, _)| found == name).unwrap().1.clone();
    lfs::store::install_tls_provider();
    let options = ClientOptions::new().with_allow_http(true).with_timeout_disabled();
    let shim = Arc::new(Shim {
        words,
        garage: s3.endpoint.clone().unwrap(),
        region: s3.region.clone(),
        credential: AwsCredential {
            key_id: secret("AWS_ACCESS_KEY_ID"),
            secret_key: secret("AWS_SECRET_ACCESS_KEY"),
            token: None,
        },
        http: ReqwestConnector::default().connect(&options).unwrap(),
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shim = Arc::clone(&shim);
            let service = service_fn(move |request| {
                let shim = Arc::clone(&shim);
                async move { Ok::<_, Infallible>(shim.answer(request).await) }
            });
            tokio::spawn(async move {
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    endpoint
}

struct Shim {
    words: Words,
    garage: String,
    region: String,
    credential: AwsCredential,
    http: HttpClient,
}

impl Shim {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let permitted = match self.words {
            Words::Nobodys => Ok(()),
            Words::Google if query.contains("X-Goog-Signature=") => {
                signed(head.method.as_str(), head.uri.path(), query, &head.headers)
            }
            Words::Google => bearer(&head.headers),
        };
        if let Err(reason) = permitted {
            let text = format!("<Error><Code>AccessDenied</Code><Message>{reason}</Message></Error>");
            return Response::builder().status(StatusCode::FORBIDDEN).body(text.into()).unwrap();
        }
        let ours = |pair: &&str| !pair.starts_with("X-Goog-") && !pair.starts_with("X-Amz-") && !pair.is_empty();
        let named = |pair: &&str| self.words == Words::Google || !pair.starts_with("response-");
        let query: Vec<_> = query.split('&').filter(ours).filter(named).collect();
        // Google accepts encoded slashes, too.
        let path = format!("path={}", head.uri.path());
        let path = url::form_urlencoded::parse(path.as_bytes()).next().unwrap().1;
        let url = format!("{}{path}?{}", self.garage, query.join("&"));
        let mut forward = Request::builder().method(head.method).uri(url).body(body.into()).unwrap();
        for (theirs, ours) in [
            ("x-goog-copy-source", "x-amz-copy-source"),
            ("x-amz-copy-source", "x-amz-copy-source"),
            ("content-type", "content-type"),
            ("content-length", "content-length"),
            ("range", "range"),
            ("if-match", "if-match"),
        ] {
            if let Some(value) = head.headers.get(theirs) {
                forward.headers_mut().insert(ours, value.clone());
            }
        }
        AwsAuthorizer::new(&self.credential, "s3", &self.region)
            .with_sign_payload(false)
            .try_authorize(&mut forward, None)
            .unwrap();
        let (head, body) = self.http.execute(forward).await.unwrap().into_parts();
        let mut answer = Response::new(Full::new(body.bytes().await.unwrap()));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = head.headers;
        answer.headers_mut().remove("transfer-encoding");
        answer
    }
}

fn verify(message: &str, signature: &[u8]) -> Result<(), &'static str> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key())
        .verify(message.as_bytes(), signature)
        .map_err(|_| "the signature does not match")
}

/// Verifies a presigned URL ("Signatures"): the signed text is rebuilt from the request as received.
fn signed(method: &str, path: &str, query: &str, headers: &HeaderMap) -> Result<(), &'static str> {
    let value = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.split_once('=').filter(|(found, _)| *found == name));
        pair.map(|(_, value)| value).ok_or("a parameter is missing")
    };
    let scope = value("X-Goog-Credential")?.replace("%2F", "/").replace("%40", "@");
    let scope = scope.strip_prefix(&format!("{ACCOUNT}/")).ok_or("another account")?;
    let date = value("X-Goog-Date")?;
    let (day, time) = date.split_once('T').filter(|(day, time)| (day.len(), time.len()) == (8, 7)).ok_or("no date")?;
    let start = format!("{}-{}-{}T{}:{}:{}", &day[..4], &day[4..6], &day[6..], &time[..2], &time[2..4], &time[4..]);
    let start: jiff::Timestamp = start.parse().map_err(|_| "no date")?;
    let age = i64::try_from(now()).unwrap() - start.as_second();
    if !(-60..value("X-Goog-Expires")?.parse().unwrap()).contains(&age) {
        return Err("it has expired");
    }
    if scope != format!("{day}/auto/storage/goog4_request") || value("X-Goog-Algorithm")? != "GOOG4-RSA-SHA256" {
        return Err("another kind of signature");
    }
    let names = value("X-Goog-SignedHeaders")?.replace("%3B", ";");
    let mut lines = String::new();
    for name in names.split(';') {
        let value = headers.get(name).ok_or("a signed header is missing")?.to_str().unwrap();
        let _ = writeln!(lines, "{name}:{}", value.trim());
    }
    if headers.keys().any(|name| name.as_str().starts_with("x-goog-") && !names.split(';').any(|n| n == name.as_str()))
    {
        return Err("a header is not signed");
    }
    let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("X-Goog-Signature=")).collect();
    pairs.sort_unstable();
    let request = format!("{method}\n{path}\n{}\n{lines}\n{names}\nUNSIGNED-PAYLOAD", pairs.join("&"));
    let digest = hex::encode(Sha256::digest(request));
    let text = format!("GOOG4-RSA-SHA256\n{date}\n{scope}\n{digest}");
    verify(&text, &hex::decode(value("X-Goog-Signature")?).map_err(|_| "the signature does not match")?)
}

/// Verifies a token signed by the service account itself (AIP 4111).
fn bearer(headers: &HeaderMap) -> Result<(), &'static str> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let (message, signature) = token.and_then(|token| token.rsplit_once('.')).ok_or("no token")?;
    let (_, claims) = message.split_once('.').ok_or("no token")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    if claims["iss"] != ACCOUNT || claims["exp"].as_u64().unwrap() < now() {
        return Err("another account, or another time");
    }
    verify(message, &URL_SAFE_NO_PAD.decode(signature).unwrap())
}
