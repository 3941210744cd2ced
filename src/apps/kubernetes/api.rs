//! Requests to the API server of Kubernetes: time limits, pages, preconditions, and what errors mean.

use std::fmt::Debug;
use std::time::Duration;

use futures::io::AsyncBufRead;
use hyper::Request;
use hyper::header::{ACCEPT, HeaderValue};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{
    DeleteParams, ListParams, LogParams, PartialObjectMeta, Patch, PatchParams, PostParams, Preconditions,
    PropagationPolicy,
};
use kube::core::ObjectList;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The name under which Kubernetes notes which fields are ours.
pub(super) const MANAGER: &str = "rutter";

/// Maximum duration of a request; for a log, until its first byte.
const CALL: Duration = Duration::from_secs(10);

/// Number of objects in one page of a list.
const PAGE: u32 = 1000;

/// How often a list is started again after its continue token has expired.
const LISTS: u32 = 3;

/// A kind of object in a namespace.
pub(super) trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize
{
}

impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize
{
}

/// The answer to a request that reached the API server.
pub(super) enum Answer<T> {
    /// It is done.
    Done(T),
    /// There is no such object.
    NotFound,
    /// It exists, or has changed since it was read.
    Conflict,
    /// The object is invalid, for this reason.
    Invalid(String),
}

impl<T> Answer<T> {
    /// Returns the result of a request that has no other answer.
    pub(super) fn done(self) -> Result<T> {
        match self {
            Self::Done(done) => Ok(done),
            Self::NotFound => Err(Error::unavailable("Kubernetes has no such namespace")),
            Self::Conflict => Err(Error::unavailable("the object was changed by another program; try again")),
            Self::Invalid(why) => Err(Error::unavailable("Kubernetes refuses a request of this server").because(why)),
        }
    }
}

/// A namespace of a cluster.
#[derive(Clone)]
pub(super) struct Namespace {
    client: Client,
    name: String,
    page: u32,
    limit: Duration,
}

impl Namespace {
    pub(super) fn new(client: Client, name: String) -> Self {
        Self { client, name, page: PAGE, limit: CALL }
    }

    /// Replaces the size of a page and the time limit of a request.
    #[cfg(test)]
    pub(super) fn with_limits(self, page: u32, limit: Duration) -> Self {
        Self { page, limit, ..self }
    }

    /// Returns the name of the namespace.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn api<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Returns an object, or `None` if it does not exist.
    pub(super) async fn get<K: Object>(&self, name: &str) -> Result<Option<K>> {
        self.call(self.api().get(name)).await.and_then(found)
    }

    /// Returns the metadata of an object, or `None` if it does not exist.
    pub(super) async fn metadata<K: Object>(&self, name: &str) -> Result<Option<ObjectMeta>> {
        let found = self.call(self.api::<K>().get_metadata(name)).await.and_then(found)?;
        Ok(found.map(|object| object.metadata))
    }

    /// Returns all objects with these labels.
    pub(super) async fn list<K: Object>(&self, labels: &str) -> Result<Vec<K>> {
        let requests = kube::core::Request::new(K::url_path(&(), Some(&self.name)));
        self.pages(labels, |params| requests.list(params)).await
    }

    /// Returns the metadata of all objects with these labels: no value of a Secret leaves the API server.
    pub(super) async fn list_metadata<K: Object>(&self, labels: &str) -> Result<Vec<ObjectMeta>> {
        let requests = kube::core::Request::new(K::url_path(&(), Some(&self.name)));
        let found = self.pages::<PartialObjectMeta<K>>(labels, |params| requests.list_metadata(params)).await?;
        Ok(found.into_iter().map(|object| object.metadata).collect())
    }

    /// Returns up to a page of the objects that these fields select.
    pub(super) async fn select<K: Object>(&self, fields: &str) -> Result<Vec<K>> {
        let params = ListParams::default().fields(fields).limit(self.page);
        Ok(self.call(self.api().list(&params)).await?.done()?.items)
    }

    async fn pages<T: Clone + DeserializeOwned>(
        &self,
        labels: &str,
        request: impl Fn(&ListParams) -> Result<Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Vec<T>> {
        'again: for _ in 0..LISTS {
            let mut params = ListParams::default().labels(labels).limit(self.page);
            let mut found = Vec::new();
            loop {
                let request = request(&params).map_err(Error::internal)?;
                let page = match self.within(self.client.request::<ObjectList<T>>(request)).await? {
                    // The token of the next page is valid for some minutes only.
                    Err(kube::Error::Api(status)) if status.code == 410 => continue 'again,
                    page => answer(page)?.done()?,
                };
                found.extend(page.items);
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => params.continue_token = Some(token),
                    None => return Ok(found),
                }
            }
        }
        Err(Error::unavailable("Kubernetes is too slow to list its objects; try again"))
    }

    /// Creates an object, and returns its metadata: what it holds is not sent back. A conflict if it exists.
    pub(super) async fn create<K: Object>(&self, object: &K) -> Result<Answer<ObjectMeta>> {
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), dry_run: false };
        let body = serde_json::to_vec(object).map_err(Error::internal)?;
        let url = K::url_path(&(), Some(&self.name));
        let mut request = kube::core::Request::new(url).create(&params, body).map_err(Error::internal)?;
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"));
        let created = self.call(self.client.request::<PartialObjectMeta<K>>(request)).await?;
        Ok(match created {
            Answer::Done(object) => Answer::Done(object.metadata),
            Answer::NotFound => Answer::NotFound,
            Answer::Conflict => Answer::Conflict,
            Answer::Invalid(why) => Answer::Invalid(why),
        })
    }

    /// Changes an object by server-side apply, if it is still the one with this metadata. Its id is sent, too, because
    /// an object that was deleted meanwhile would be created otherwise.
    pub(super) async fn apply<K: Object>(&self, mut object: K, read: &ObjectMeta) -> Result<Answer<K>> {
        let metadata = object.meta_mut();
        metadata.uid.clone_from(&read.uid);
        metadata.resource_version.clone_from(&read.resource_version);
        let name = metadata.name.clone().unwrap_or_default();
        // By force: what others have set in our fields, such as the number of replicas, is replaced.
        let params = PatchParams::apply(MANAGER).force();
        self.call(self.api().patch(&name, &params, &Patch::Apply(&object))).await
    }

    /// Deletes the object with this metadata, and what it owns; succeeds if it does not exist any longer.
    pub(super) async fn delete<K: Object>(&self, read: &ObjectMeta) -> Result<()> {
        let preconditions = Preconditions { uid: read.uid.clone(), resource_version: None };
        let params = DeleteParams {
            preconditions: Some(preconditions),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let name = read.name.clone().unwrap_or_default();
        match self.call(self.api::<K>().delete(&name, &params)).await? {
            // A conflict: another object has the name by now.
            Answer::Done(_) | Answer::NotFound | Answer::Conflict => Ok(()),
            other @ Answer::Invalid(_) => other.done().map(drop),
        }
    }

    /// Opens the log of a pod.
    pub(super) async fn log(&self, pod: &str, params: &LogParams) -> Result<Answer<impl AsyncBufRead + use<>>> {
        self.within(self.follow(pod, params)).await?
    }

    /// Opens the log of a pod, without a time limit.
    pub(super) async fn follow(&self, pod: &str, params: &LogParams) -> Result<Answer<impl AsyncBufRead + use<>>> {
        let pods: Api<Pod> = self.api();
        answer(pods.log_stream(pod, params).await)
    }

    async fn call<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<Answer<T>> {
        answer(self.within(request).await?)
    }

    /// Waits for a result for at most the time limit of a request.
    pub(super) async fn within<T>(&self, request: impl Future<Output = T>) -> Result<T> {
        tokio::time::timeout(self.limit, request)
            .await
            .map_err(|elapsed| Error::unavailable("Kubernetes does not answer").because(elapsed))
    }
}

fn found<T>(answer: Answer<T>) -> Result<Option<T>> {
    match answer {
        Answer::NotFound => Ok(None),
        other => other.done().map(Some),
    }
}

fn answer<T>(result: kube::Result<T>) -> Result<Answer<T>> {
    let error = match result {
        Ok(done) => return Ok(Answer::Done(done)),
        Err(error) => error,
    };
    if let kube::Error::Api(status) = &error {
        match status.code {
            404 => return Ok(Answer::NotFound),
            409 => return Ok(Answer::Conflict),
            400 | 422 => return Ok(Answer::Invalid(status.message.clone())),
            401 | 403 => {
                let detail =
                    "Kubernetes does not allow this: check the role of this server, and the quota of the namespace";
                return Err(Error::unavailable(detail).because(error));
            }
            _ => {}
        }
    }
    Err(Error::unavailable("Kubernetes does not answer").because(error))
}
