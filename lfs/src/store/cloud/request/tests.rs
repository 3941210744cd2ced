use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

use super::*;
use crate::{
    Error,
    store::{CloudStore, Key, PartsId, S3Bucket},
};

/// Starts a store that sends these responses, one per request, repeating the last; if empty, it never responds.
/// Counts the requests.
async fn answering(answers: &'static [(u16, &'static str)]) -> (CloudStore, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let (mut length, mut line) = (0, String::new());
                while stream.read_line(&mut line).await.unwrap() > 2 {
                    if let Some(text) = line.strip_prefix("content-length: ") {
                        length = text.trim().parse().unwrap();
                    }
                    line.clear();
                }
                stream.read_exact(&mut vec![0; length]).await.unwrap();
                let index = asked.fetch_add(1, Ordering::SeqCst);
                let Some((status, body)) = answers.get(index).or(answers.last()) else {
                    return std::future::pending().await;
                };
                let text =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).await.unwrap();
            });
        }
    });
    let environment = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let options = S3Bucket {
        bucket: "data".into(),
        prefix: String::new(),
        region: "here".into(),
        endpoint: Some(endpoint),
        public_endpoint: None,
        virtual_host: false,
        trust_checksums: true,
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    (CloudStore::s3(options).unwrap(), count)
}

fn upload() -> (Key, PartsId) {
    (Key::staging([1; 16]), "upload".parse().unwrap())
}

const BEGUN: &str = "<R><UploadId>new</UploadId></R>";
const BROKEN: &str = "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>no</Message></Error>";

#[tokio::test]
async fn transient_errors_are_retried() {
    let (store, asked) = answering(&[(503, "<Error><Code>SlowDown</Code></Error>"), (500, ""), (200, BEGUN)]).await;
    let id = store.begin_parts(&upload().0).await.unwrap();
    assert_eq!((id.to_string().as_str(), asked.load(Ordering::SeqCst)), ("new", 3));
}

#[tokio::test]
async fn an_error_in_a_200_response_is_an_error() {
    let (store, asked) = answering(&[(200, BROKEN), (200, "<CompleteMultipartUploadResult/>")]).await;
    let (key, id) = upload();
    store.complete_parts(&key, &id, &[]).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let (store, _) = answering(&[(200, BROKEN)]).await;
    let error = store.complete_parts(&key, &id, &[]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && error.to_string().contains("InternalError"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_final() {
    let (store, asked) = answering(&[(403, "<Error><Code>InvalidAccessKeyId</Code></Error>")]).await;
    let (key, id) = upload();
    let error = store.parts(&key, &id).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_invalid_response_is_an_error() {
    let (store, _) = answering(&[(200, "<html>Welcome</html>")]).await;
    let error = store.begin_parts(&upload().0).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && error.to_string().contains("cannot parse"), "{error}");
}

#[tokio::test]
async fn repeated_list_pages_are_an_error() {
    const PAGE: &str = "<R><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>\
                        <Part><PartNumber>1</PartNumber><Size>5</Size><ETag>a</ETag></Part></R>";
    let (store, asked) = answering(&[(200, PAGE)]).await;
    let (key, id) = upload();
    assert_eq!(store.parts(&key, &id).await.unwrap().unwrap()[0].size, 5);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_request_without_answer_times_out() {
    let (store, asked) = answering(&[]).await;
    let call = Call { max_duration: Duration::from_millis(300), ..Call::new(Method::GET, "a") };
    let begin = Instant::now();
    let failure = store.0.send(call).await.err().unwrap();
    assert_eq!(failure.status, None);
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn urls_are_encoded() {
    let url = target("http://store/data", "a b/ü+.x", &[("uploads", ""), ("id", "a/b=&")]);
    assert_eq!(url, "http://store/data/a%20b/%C3%BC%2B.x?uploads=&id=a%2Fb%3D%26");
    assert_eq!(target("http://store/data", "", &[("cors", "")]), "http://store/data?cors=");
}
