//! Connections to apps, which are kept for the next request.
//!
//! A connection has no task of its own: the request that uses it drives it, so that no block of data is handed from one
//! thread to another. While it is kept for the next request, nothing drives it. One with a large request body gets a task,
//! because the body must move on even while the client does not read the response.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures::future::{BoxFuture, poll_fn};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::request_body::Progress;

/// Time for connecting to an app: it is on this machine or in this cluster.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(20);
/// Unused connections that are kept for each app.
const MAX_IDLE: usize = 64;
/// Maximum size of the head of a response, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// Request bodies up to this size, in bytes, fit into the buffers on the way.
const SMALL_BODY: u64 = 64 << 10;
/// How long the rest of a request is sent after the app has answered.
const FINISH_TIMEOUT: Duration = Duration::from_secs(60);

/// An error of a connection.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The unused connections, by `host:port`.
#[derive(Default)]
pub(super) struct Connections {
    idle: Mutex<HashMap<Arc<str>, Vec<Connection>>>,
}

struct Connection {
    endpoint: Arc<str>,
    sender: SendRequest<Body>,
    driver: Driver,
    /// When it was last used.
    used: Instant,
}

/// What reads and writes.
enum Driver {
    /// The request itself.
    Request(BoxFuture<'static, hyper::Result<()>>),
    /// A task, which ends with the connection.
    Task { _ends_on_drop: AbortOnDropHandle<()> },
    /// Nothing: the connection is closed.
    Ended,
}

impl Connection {
    /// Connects to an app.
    async fn open(endpoint: &str) -> Result<Self, BoxError> {
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(endpoint)).await??;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream)).await?;
        let driver: BoxFuture<'static, _> = Box::pin(driver.with_upgrades());
        Ok(Self { endpoint: endpoint.into(), sender, driver: Driver::Request(driver), used: Instant::now() })
    }

    /// Reads and writes what can be read and written now.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Driver::Request(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            // The reason, if there is one, is with the request or with its body.
            self.driver = Driver::Ended;
        }
    }

    /// Starts a task that drives the connection.
    fn detach(&mut self) {
        self.driver = match std::mem::replace(&mut self.driver, Driver::Ended) {
            Driver::Request(driver) => {
                let task = tokio::spawn(async move {
                    _ = driver.await;
                });
                Driver::Task { _ends_on_drop: AbortOnDropHandle::new(task) }
            }
            other => other,
        };
    }

    /// Returns true if the app has not closed the connection, as far as that is known.
    fn is_open(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        !matches!(self.driver, Driver::Ended) && self.sender.is_ready()
    }

    /// Sends a request, and returns the response as soon as its head is there.
    ///
    /// # Errors
    /// Has the request if nothing of it was sent.
    async fn send(
        mut self,
        request: Request,
        connections: &Arc<Connections>,
    ) -> Result<Response, TrySendError<Request>> {
        if request.body().size_hint().upper().is_none_or(|size| size > SMALL_BODY) {
            self.detach();
        }
        let progress: Option<Arc<Progress>> = request.extensions().get().cloned();
        let mut answered = pin!(self.sender.try_send_request(request));
        let response = poll_fn(|context| {
            self.drive(context);
            answered.as_mut().poll(context)
        })
        .await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            if let Driver::Request(driver) = self.driver {
                tokio::spawn(driver);
            }
            return Ok(response.map(Body::new));
        }
        let is_kept = progress.is_none_or(|progress| {
            progress.answered(response.status());
            !progress.is_unwanted()
        });
        Ok(response.map(|body| {
            let connections = connections.clone();
            let mut body = ResponseBody { body, connection: Some(self), connections, is_kept };
            if body.is_end_stream() {
                body.release(&mut Context::from_waker(Waker::noop()));
            }
            Body::new(body)
        }))
    }

    /// Sends the rest of a request that was answered before it had arrived, and keeps the connection then. An app that
    /// does not read it must not hold the connection of a client that has gone.
    async fn finish(mut self, connections: Arc<Connections>) {
        let ready = poll_fn(|context| {
            self.drive(context);
            self.sender.poll_ready(context)
        });
        if let Ok(Ok(())) = tokio::time::timeout(FINISH_TIMEOUT, ready).await
            && self.is_open()
        {
            connections.keep(self);
        }
    }
}

impl Connections {
    /// Sends a request to an app, over a connection that is kept or over a new one. A request that only reads is sent
    /// again if the app closes a kept connection when it arrives.
    ///
    /// # Errors
    /// Why the app did not answer.
    pub(super) async fn send(self: &Arc<Self>, endpoint: &str, mut request: Request) -> Result<Response, BoxError> {
        while let Some(connection) = self.take(endpoint) {
            let again = repeatable(&request);
            match connection.send(request, self).await {
                Ok(response) => return Ok(response),
                // The app has closed the connection in the meantime.
                Err(mut error) => {
                    match error.take_message().or(again.filter(|_| error.error().is_incomplete_message())) {
                        Some(unsent) => request = unsent,
                        None => return Err(error.into_error().into()),
                    }
                }
            }
        }
        let connection = Connection::open(endpoint).await?;
        connection.send(request, self).await.map_err(|error| error.into_error().into())
    }

    fn take(&self, endpoint: &str) -> Option<Connection> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(endpoint)?.pop()?;
            if connection.is_open() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, mut connection: Connection) {
        connection.used = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let of_app = idle.entry(connection.endpoint.clone()).or_default();
        if of_app.len() < MAX_IDLE {
            of_app.push(connection);
        }
    }

    /// Closes connections that have not been used for some time. To be called every few seconds.
    pub(super) fn close_unused(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, connections| {
            connections.retain(|connection| connection.used.elapsed() < IDLE);
            !connections.is_empty()
        });
    }
}

/// Returns a copy of a request that changes nothing and has no body.
fn repeatable(request: &Request) -> Option<Request> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD) && request.body().is_end_stream();
    // A WebSocket is bound to the connection of its client.
    if !is_safe || request.headers().contains_key(header::UPGRADE) {
        return None;
    }
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    // With the limit of informational responses.
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// The body of a response, which drives its connection. Dropped before its end, it closes the connection.
struct ResponseBody {
    body: Incoming,
    /// `None` after the end.
    connection: Option<Connection>,
    connections: Arc<Connections>,
    /// False if the request is not complete, and will not be: the connection ends with the response.
    is_kept: bool,
}

impl ResponseBody {
    /// Keeps the connection for the next request.
    fn release(&mut self, context: &mut Context<'_>) {
        let Some(mut connection) = self.connection.take().filter(|_| self.is_kept) else { return };
        connection.drive(context);
        match connection.driver {
            Driver::Ended => {}
            Driver::Request(_) | Driver::Task { .. } if connection.sender.is_ready() => {
                self.connections.keep(connection);
            }
            Driver::Request(_) | Driver::Task { .. } => {
                tokio::spawn(connection.finish(self.connections.clone()));
            }
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.body).poll_frame(context);
        if polled.is_pending()
            && let Some(connection) = &mut this.connection
        {
            connection.drive(context);
            polled = Pin::new(&mut this.body).poll_frame(context);
        }
        match &polled {
            Poll::Ready(Some(Ok(_))) if !this.body.is_end_stream() => {}
            Poll::Ready(Some(Err(_))) => this.connection = None,
            Poll::Ready(_) => this.release(context),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const SHORT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// An app on loopback.
    struct Server {
        listener: TcpListener,
        endpoint: String,
    }

    impl Server {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = listener.local_addr().unwrap().to_string();
            Self { listener, endpoint }
        }

        /// Accepts a connection, and reads the head of a request.
        async fn accept(&self) -> TcpStream {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            head(&mut stream).await;
            stream
        }

        /// Likewise, and answers it.
        async fn answer(&self) -> TcpStream {
            let mut stream = self.accept().await;
            stream.write_all(SHORT.as_bytes()).await.unwrap();
            stream
        }
    }

    async fn head(stream: &mut TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await.unwrap());
        }
        bytes
    }

    fn request(body: Body) -> Request {
        Request::builder().method("POST").uri("/x").header("host", "app").body(body).unwrap()
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_connection_is_used_again() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let serving = async {
            let mut stream = server.accept().await;
            for last in [false, false, true] {
                stream.write_all(SHORT.as_bytes()).await.unwrap();
                if !last {
                    head(&mut stream).await;
                }
            }
            stream
        };
        let asking = async {
            for _ in 0..3 {
                let response = connections.send(&server.endpoint, request(Body::empty())).await.unwrap();
                assert_eq!(body(response).await, "ok");
            }
        };
        let (mut stream, ()) = tokio::join!(serving, asking);
        assert_eq!(connections.idle.lock().unwrap()[&*server.endpoint].len(), 1);
        connections.idle.lock().unwrap().get_mut(&*server.endpoint).unwrap()[0].used -= IDLE;
        connections.close_unused();
        assert!(connections.idle.lock().unwrap().is_empty());
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0, "closed");
    }

    #[tokio::test]
    async fn a_connection_that_the_app_has_closed_is_replaced() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        for _ in 0..3 {
            // It closes the connection after its answer.
            let serving = async { drop(server.answer().await) };
            let asking = connections.send(&server.endpoint, request(Body::from("body")));
            let (response, ()) = tokio::join!(asking, serving);
            assert_eq!(body(response.unwrap()).await, "ok");
        }
    }

    #[tokio::test]
    async fn an_app_can_answer_before_it_has_the_whole_request() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let (send, receive) = tokio::sync::mpsc::unbounded_channel::<Result<Bytes, std::io::Error>>();
        let parts = futures::stream::unfold(receive, async |mut parts| parts.recv().await.map(|part| (part, parts)));
        let asking = connections.send(&server.endpoint, request(Body::from_stream(parts)));
        let (response, mut stream) = tokio::join!(asking, server.answer());
        assert_eq!(body(response.unwrap()).await, "ok");
        // The rest of the request still reaches the app.
        send.send(Ok("rest".into())).unwrap();
        drop(send);
        let mut rest = Vec::new();
        while !rest.ends_with(b"0\r\n\r\n") {
            rest.push(stream.read_u8().await.unwrap());
        }
        assert_eq!(rest, b"4\r\nrest\r\n0\r\n\r\n");
        while connections.idle.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_that_does_not_read_the_rest_of_a_request_loses_the_connection() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 8192])));
        let asking = connections.send(&server.endpoint, request(Body::from_stream(endless)));
        let (response, mut stream) = tokio::join!(asking, server.answer());
        assert_eq!(body(response.unwrap()).await, "ok");
        tokio::time::sleep(FINISH_TIMEOUT + Duration::from_secs(1)).await;
        let mut rest = vec![0; 1 << 20];
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        assert!(connections.idle.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_upload_goes_on_while_the_response_is_not_read() {
        const SIZE: usize = 32 << 20;
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let serving = async {
            let mut stream = server.accept().await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let (mut reader, mut writer) = stream.into_split();
            let writing = tokio::spawn(async move { writer.write_all(&vec![0; SIZE]).await.is_ok() });
            let mut received = vec![0; SIZE];
            reader.read_exact(&mut received).await.unwrap();
            (writing, reader)
        };
        let asking = connections.send(&server.endpoint, request(Body::from(vec![0; SIZE])));
        // Nothing has read the response when the app has all of the request.
        let (response, (writing, _reader)) = tokio::join!(asking, serving);
        assert_eq!(body(response.unwrap()).await.len(), SIZE);
        assert!(writing.await.unwrap());
    }

    #[tokio::test]
    async fn a_request_that_only_reads_is_repeated_if_a_kept_connection_ends() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let get = || Request::builder().uri("/x").header("host", "app").body(Body::empty()).unwrap();
        let serving = async {
            let mut stream = server.answer().await;
            // It closes the connection when the next request has arrived.
            head(&mut stream).await;
            drop(stream);
            server.answer().await;
        };
        let asking = async {
            for _ in 0..2 {
                let response = connections.send(&server.endpoint, get()).await.unwrap();
                assert_eq!(body(response).await, "ok");
            }
        };
        tokio::join!(asking, serving);
    }

    #[tokio::test]
    async fn a_response_that_is_not_read_to_its_end_closes_the_connection() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let serving = async {
            let mut stream = server.accept().await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok").await.unwrap();
            stream
        };
        let asking = connections.send(&server.endpoint, request(Body::empty()));
        let (response, mut stream) = tokio::join!(asking, serving);
        drop(response.unwrap());
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0, "closed");
        assert!(connections.idle.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_is_not_http_is_an_error() {
        let (server, connections) = (Server::start().await, Arc::new(Connections::default()));
        let serving = async {
            server.accept().await.write_all(b"SSH-2.0-x\r\n\r\n").await.unwrap();
        };
        let asking = connections.send(&server.endpoint, request(Body::empty()));
        let (response, ()) = tokio::join!(asking, serving);
        assert!(response.is_err());
        let endpoint = server.endpoint.clone();
        drop(server);
        assert!(connections.send(&endpoint, request(Body::empty())).await.is_err(), "nothing listens");
    }
}
