//! An API server of Kubernetes in memory: objects with versions, server-side apply, labels, pages, logs, and failures
//! on demand. Its controllers run only when a test calls [`FakeApi::controllers`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A request that the server got.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: Method,
    /// `deployments/rutter-…`
    pub(super) what: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
}

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The answer is this error.
    Status(u16, &'static str),
    /// The answer takes this long.
    Delay(Duration),
    /// The request is carried out after the test has let it go on.
    Hold(Arc<Notify>),
    /// The connection is closed after the request was carried out: the client cannot know that.
    Lost,
    /// The connection is closed before.
    Reset,
}

/// A log: what there is of it, and what comes, for those that follow.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    more: Option<UnboundedReceiver<Bytes>>,
}

#[derive(Default)]
struct State {
    /// By resource and name.
    objects: BTreeMap<(String, String), Value>,
    /// What the field manager applied last, by resource and name.
    applied: BTreeMap<(String, String), Value>,
    version: u64,
    seen: Vec<Seen>,
    faults: Vec<(Method, String, Fault)>,
    /// How many continue tokens are refused.
    expired: u32,
    logs: BTreeMap<(String, bool), Log>,
}

/// The server, and how tests change and see what it stores.
pub(super) struct FakeApi {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeApi {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = shared.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| answer(state.clone(), request));
                    // An error of the service closes the connection.
                    _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, state }
    }

    pub(super) fn client(&self) -> kube::Client {
        let mut config = kube::Config::new(format!("http://{}", self.address).parse().unwrap());
        config.default_retry = false;
        // Without TLS, no certificates of the system have to be read.
        config.root_cert = Some(vec![]);
        config.try_into().unwrap()
    }

    /// Lets the next requests with this method for paths that contain `what` fail, one fault each.
    pub(super) fn fail(&self, method: &Method, what: &str, faults: impl IntoIterator<Item = Fault>) {
        let faults = faults.into_iter().map(|fault| (method.clone(), what.to_owned(), fault));
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// Waits until all faults have met a request.
    pub(super) async fn failed(&self) {
        while !self.state.lock().unwrap().faults.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Refuses the next continue tokens.
    pub(super) fn expire(&self, tokens: u32) {
        self.state.lock().unwrap().expired = tokens;
    }

    /// Returns the requests since the last call.
    pub(super) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }

    /// Returns the requests since the last call that may change something.
    pub(super) fn writes(&self) -> Vec<String> {
        let seen = self.seen().into_iter().filter(|seen| seen.method != Method::GET);
        seen.map(|seen| format!("{} {}", seen.method, seen.what)).collect()
    }

    pub(super) fn get(&self, resource: &str, name: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(&(resource.to_owned(), name.to_owned())).cloned()
    }

    pub(super) fn names(&self, resource: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.objects.keys().filter(|(kind, _)| kind == resource).map(|(_, name)| name.clone()).collect()
    }

    /// All objects, to compare.
    pub(super) fn all(&self) -> BTreeMap<(String, String), Value> {
        self.state.lock().unwrap().objects.clone()
    }

    /// Stores an object as another program would.
    pub(super) fn put(&self, resource: &str, object: Value) {
        let mut state = self.state.lock().unwrap();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        state.store(resource, &name, object);
    }

    /// Changes an object as another program would.
    pub(super) fn edit(&self, resource: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(resource, name).unwrap();
        change(&mut object);
        self.put(resource, object);
    }

    pub(super) fn remove(&self, resource: &str, name: &str) {
        self.state.lock().unwrap().objects.remove(&(resource.to_owned(), name.to_owned())).unwrap();
    }

    pub(super) fn log(&self, pod: &str, previous: bool, lines: &[&str]) {
        let lines = lines.iter().map(|line| format!("{line}\n")).collect();
        let log = Log { lines, more: None };
        self.state.lock().unwrap().logs.insert((pod.to_owned(), previous), log);
    }

    /// Returns where to write more of the log of a pod, for those that follow it.
    pub(super) fn log_more(&self, pod: &str) -> UnboundedSender<Bytes> {
        let (sender, receiver) = unbounded_channel();
        let mut state = self.state.lock().unwrap();
        state.logs.entry((pod.to_owned(), false)).or_default().more = Some(receiver);
        sender
    }

    /// Does what the controllers do in the end: objects without their owner and pods that are not wanted any longer are
    /// gone, and a pod that is wanted exists. Returns the names of all pods.
    pub(super) fn controllers(&self) -> Vec<String> {
        let mut state = self.state.lock().unwrap();
        let uids: Vec<Value> = state.objects.values().map(|object| object["metadata"]["uid"].clone()).collect();
        state.objects.retain(|_, object| match object["metadata"]["ownerReferences"].get(0) {
            Some(owner) => uids.contains(&owner["uid"]),
            None => true,
        });
        let deployments: Vec<Value> =
            state.objects.iter().filter(|((kind, _), _)| kind == "deployments").map(|(_, d)| d.clone()).collect();
        let template = |d: &Value| d["spec"]["template"].clone();
        let wanted: Vec<&Value> = deployments.iter().filter(|d| d["spec"]["replicas"] == 1).collect();
        state.objects.retain(|(kind, _), pod| {
            let labels = &pod["metadata"]["labels"];
            kind != "pods" || wanted.iter().any(|d| template(d)["metadata"]["labels"] == *labels)
        });
        for deployment in wanted {
            let template = template(deployment);
            let labels = &template["metadata"]["labels"];
            if !state.objects.iter().any(|((kind, _), pod)| kind == "pods" && pod["metadata"]["labels"] == *labels) {
                let name = format!("{}-{}", deployment["metadata"]["name"].as_str().unwrap(), state.version);
                let metadata = json!({"name": name, "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"});
                let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]});
                state.store("pods", &name, pod);
            }
        }
        state.objects.keys().filter(|(kind, _)| kind == "pods").map(|(_, name)| name.clone()).collect()
    }

    /// Replaces the status of a pod.
    pub(super) fn status(&self, pod: &str, status: &Value) {
        self.edit("pods", pod, |pod| pod["status"] = status.clone());
    }
}

impl State {
    /// Stores an object, if it has changed, with what the API server adds.
    fn store(&mut self, resource: &str, name: &str, mut object: Value) -> Value {
        let key = (resource.to_owned(), name.to_owned());
        let before = self.objects.get(&key);
        if before == Some(&object) {
            return object;
        }
        let generation = before.map_or(json!(1), |before| {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or(0);
            json!(generation + u64::from(before["spec"] != object["spec"]))
        });
        let uid = before.map_or(json!(format!("uid-{}", self.version)), |before| before["metadata"]["uid"].clone());
        self.version += 1;
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.insert("uid".into(), uid);
        metadata.insert("generation".into(), generation);
        metadata.insert("resourceVersion".into(), json!(self.version.to_string()));
        self.objects.insert(key, object.clone());
        object
    }
}

/// An error as Kubernetes answers it.
fn failure(code: u16, reason: &str, message: &str) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code});
    respond(code, &status)
}

fn respond(code: u16, body: &Value) -> Response<Body> {
    let response = Response::builder().status(StatusCode::from_u16(code).unwrap());
    response.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
}

async fn answer(state: Arc<Mutex<State>>, request: Request<hyper::body::Incoming>) -> std::io::Result<Response<Body>> {
    let closed = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let path = head.uri.path();
    let (group, what) = path.split_once("/namespaces/apps/").expect("a path of the namespace");
    let query = head.uri.query().unwrap_or_default();
    let query: BTreeMap<String, String> = form(query);
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let seen = Seen { method: head.method.clone(), what: what.to_owned(), query, body };
    let fault = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        let at = state.faults.iter().position(|(method, text, _)| *method == head.method && what.contains(text));
        at.map(|at| state.faults.remove(at).2)
    };
    match &fault {
        Some(Fault::Status(code, message)) => return Ok(failure(*code, "Injected", message)),
        Some(Fault::Delay(duration)) => tokio::time::sleep(*duration).await,
        Some(Fault::Hold(gate)) => gate.notified().await,
        Some(Fault::Reset) => return Err(closed()),
        Some(Fault::Lost) | None => {}
    }
    let accept = head.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default().to_owned();
    let content = head.headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or_default();
    let response = carry_out(&mut state.lock().unwrap(), &seen, group, &accept, content);
    if matches!(fault, Some(Fault::Lost)) { Err(closed()) } else { Ok(response) }
}

fn form(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = text.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            decoded.push(if byte == b'%' {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            } else {
                byte
            });
        }
        String::from_utf8(decoded).unwrap()
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn carry_out(state: &mut State, seen: &Seen, group: &str, accept: &str, content: &str) -> Response<Body> {
    let mut parts = seen.what.split('/');
    let resource = parts.next().unwrap();
    assert!(
        matches!(
            (group, resource),
            ("/apis/apps/v1", "deployments")
                | ("/apis/networking.k8s.io/v1", "networkpolicies")
                | ("/api/v1", "pods" | "services" | "secrets" | "events" | "persistentvolumeclaims")
        ),
        "{group} {resource}"
    );
    let name = parts.next();
    let is_metadata = accept.contains("as=PartialObjectMetadata");
    let shown = |object: &Value| {
        let metadata = &object["metadata"];
        if is_metadata {
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
        } else {
            object.clone()
        }
    };
    match (&seen.method, name, parts.next()) {
        (&Method::GET, None, None) => list(state, resource, &seen.query, shown),
        (&Method::GET, Some(name), Some("log")) => log(state, name, &seen.query),
        (&Method::GET, Some(name), None) => match state.objects.get(&(resource.to_owned(), name.to_owned())) {
            Some(object) => respond(200, &shown(object)),
            None => failure(404, "NotFound", "not found"),
        },
        (&Method::POST, None, None) => {
            let name = seen.body["metadata"]["name"].as_str().unwrap().to_owned();
            if state.objects.contains_key(&(resource.to_owned(), name.clone())) {
                return failure(409, "AlreadyExists", "already exists");
            }
            respond(201, &shown(&state.store(resource, &name, seen.body.clone())))
        }
        (&Method::PATCH, Some(name), None) => {
            assert_eq!(content, "application/apply-patch+yaml");
            apply(state, resource, name, seen)
        }
        (&Method::DELETE, Some(name), None) => {
            let key = (resource.to_owned(), name.to_owned());
            let Some(object) = state.objects.get(&key) else { return failure(404, "NotFound", "not found") };
            let uid = &seen.body["preconditions"]["uid"];
            if !uid.is_null() && *uid != object["metadata"]["uid"] {
                return failure(409, "Conflict", "the UID in the precondition does not match");
            }
            state.objects.remove(&key);
            respond(200, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}))
        }
        other => panic!("unexpected request: {other:?}"),
    }
}

/// Server-side apply. A field that the manager applied before and does not apply now is removed; one that was created
/// with the object stays. Lists are replaced. Without `force`, no field of another manager may change.
fn apply(state: &mut State, resource: &str, name: &str, seen: &Seen) -> Response<Body> {
    let key = (resource.to_owned(), name.to_owned());
    assert!(seen.query.contains_key("fieldManager"), "apply needs a field manager");
    let mut new = seen.body.clone();
    let metadata = new["metadata"].as_object_mut().unwrap();
    let (uid, version) = (metadata.remove("uid"), metadata.remove("resourceVersion"));
    let Some(mut object) = state.objects.get(&key).cloned() else {
        if uid.is_some() {
            return failure(409, "Conflict", "uid mismatch: no existing object was found");
        }
        state.applied.insert(key, new.clone());
        return respond(201, &state.store(resource, name, new));
    };
    let is = |wanted: Option<Value>, field: &str| wanted.is_none_or(|wanted| wanted == object["metadata"][field]);
    if !is(uid, "uid") || !is(version, "resourceVersion") {
        return failure(409, "Conflict", "the object has been modified");
    }
    if seen.query.get("force").map(String::as_str) != Some("true") && overlaps(&object, &new) {
        return failure(409, "Conflict", "a field is managed by another");
    }
    if let Some(before) = state.applied.insert(key, new.clone()) {
        prune(&mut object, &before, &new);
    }
    merge(&mut object, &new);
    respond(200, &state.store(resource, name, object))
}

fn overlaps(object: &Value, new: &Value) -> bool {
    match (object, new) {
        (Value::Object(object), Value::Object(new)) => {
            new.iter().any(|(key, new)| object.get(key).is_some_and(|object| overlaps(object, new)))
        }
        (object, new) => object != new,
    }
}

fn prune(object: &mut Value, before: &Value, new: &Value) {
    let (Value::Object(object), Value::Object(before)) = (object, before) else { return };
    for (key, before) in before {
        match (new.get(key), object.get_mut(key)) {
            (None, _) => _ = object.remove(key),
            (Some(new), Some(object)) => prune(object, before, new),
            (Some(_), None) => {}
        }
    }
}

fn merge(object: &mut Value, new: &Value) {
    match (object, new) {
        (Value::Object(object), Value::Object(new)) => {
            for (key, new) in new {
                merge(object.entry(key).or_insert(Value::Object(Map::new())), new);
            }
        }
        (object, new) => *object = new.clone(),
    }
}

fn list(
    state: &mut State,
    resource: &str,
    query: &BTreeMap<String, String>,
    shown: impl Fn(&Value) -> Value,
) -> Response<Body> {
    if query.contains_key("continue") && state.expired > 0 {
        state.expired -= 1;
        return failure(410, "Expired", "the provided continue parameter is too old");
    }
    let pairs = |name: &str| -> Vec<(String, String)> {
        let text = query.get(name).cloned().unwrap_or_default();
        let pairs = text.split(',').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (labels, fields) = (pairs("labelSelector"), pairs("fieldSelector"));
    let is_selected = |object: &Value| {
        labels.iter().all(|(key, value)| object["metadata"]["labels"][key] == *value)
            && fields.iter().all(|(path, value)| {
                object.pointer(&format!("/{}", path.replace('.', "/"))).is_some_and(|found| found == value)
            })
    };
    let found = state.objects.iter().filter(|((kind, _), object)| kind == resource && is_selected(object));
    let skip: usize = query.get("continue").map_or(0, |token| token.parse().unwrap());
    let limit: usize = query.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let all: Vec<Value> = found.map(|(_, object)| shown(object)).collect();
    let items: Vec<&Value> = all.iter().skip(skip).take(limit).collect();
    let mut metadata = json!({"resourceVersion": state.version.to_string()});
    if skip + items.len() < all.len() {
        metadata["continue"] = json!((skip + items.len()).to_string());
    }
    respond(200, &json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}))
}

fn log(state: &mut State, pod: &str, query: &BTreeMap<String, String>) -> Response<Body> {
    if !state.objects.contains_key(&("pods".to_owned(), pod.to_owned())) {
        return failure(404, "NotFound", "not found");
    }
    assert_eq!(query["container"], "app");
    let previous = query.get("previous").is_some_and(|previous| previous == "true");
    let Some(log) = state.logs.get_mut(&(pod.to_owned(), previous)) else {
        return failure(400, "BadRequest", "container \"app\" is waiting to start: ContainerCreating");
    };
    let tail: usize = query["tailLines"].parse().unwrap();
    let lines = log.lines[log.lines.len().saturating_sub(tail)..].concat();
    let more = log.more.take().filter(|_| query.get("follow").is_some_and(|follow| follow == "true"));
    let more = futures::stream::unfold(more, async |more| {
        let mut more = more?;
        more.recv().await.map(|bytes| (bytes, Some(more)))
    });
    let stream = futures::stream::iter([Bytes::from(lines)]).chain(more).map(Ok::<_, Infallible>);
    Response::builder().header(CONTENT_TYPE, "text/plain").body(Body::from_stream(stream)).unwrap()
}
