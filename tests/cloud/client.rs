//! A client of the LFS protocol that follows the URLs it gets.

use lfs::Oid;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) http: reqwest::Client,
}

/// What a client may do with an object, as the batch API says it.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) href: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Client {
    /// The same person at one server, past the proxy.
    pub(crate) fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    /// The same person with another program.
    pub(crate) fn with_user_agent(&self, agent: &str) -> Self {
        Self { http: reqwest::Client::builder().user_agent(agent).build().unwrap(), ..self.clone() }
    }

    /// Sends a batch, and returns any response.
    pub(crate) async fn ask(&self, dataset: &str, body: &Value) -> reqwest::Result<Response> {
        let url = format!("{}/{dataset}.git/info/lfs/objects/batch", self.url);
        let request = self.http.post(url).basic_auth(&self.name, Some(&self.token));
        let kind = "application/vnd.git-lfs+json";
        request.header("content-type", kind).header("accept", kind).body(body.to_string()).send().await
    }

    /// The answer to a batch of one object.
    pub(crate) async fn object(&self, operation: &str, dataset: &str, oid: Oid, size: usize) -> reqwest::Result<Value> {
        let body = json!({"operation": operation, "objects": [{"oid": oid, "size": size}]});
        let mut answer: Value = self.ask(dataset, &body).await?.error_for_status()?.json().await?;
        Ok(answer["objects"][0].take())
    }

    /// Returns the actions of an upload: upload and verify.
    pub(crate) async fn offer(&self, dataset: &str, bytes: &[u8]) -> (Action, Action) {
        let object = self.object("upload", dataset, Oid::of(bytes), bytes.len()).await.unwrap();
        let action = |name: &str| action(&object, name).unwrap_or_else(|| panic!("no {name} is offered: {object}"));
        (action("upload"), action("verify"))
    }

    /// Sends bytes as an action says, and returns the status.
    pub(crate) async fn put(&self, action: &Action, bytes: &[u8]) -> reqwest::Result<u16> {
        let request = action.request(&self.http, Method::PUT);
        Ok(request.body(bytes.to_vec()).send().await?.status().as_u16())
    }

    /// Confirms that the bytes were uploaded.
    pub(crate) async fn verify(&self, action: &Action, oid: Oid, size: usize) -> reqwest::Result<Response> {
        let request = action.request(&self.http, Method::POST);
        let request = request.header("content-type", "application/vnd.git-lfs+json");
        request.body(json!({"oid": oid, "size": size}).to_string()).send().await
    }

    /// All three steps. True once the object is the dataset's.
    pub(crate) async fn upload(&self, dataset: &str, bytes: &[u8]) -> reqwest::Result<bool> {
        let (oid, size) = (Oid::of(bytes), bytes.len());
        let object = self.object("upload", dataset, oid, size).await?;
        let (Some(upload), Some(verify)) = (action(&object, "upload"), action(&object, "verify")) else {
            let is_there = object.get("error").is_none();
            if !is_there {
                eprintln!("no upload of {oid} to {dataset} is offered: {object}");
            }
            return Ok(is_there);
        };
        let put = self.put(&upload, bytes).await?;
        // Azure answers 201.
        if ![200, 201].contains(&put) {
            eprintln!("{oid} of {dataset} was not taken by the bucket: {put}");
            return Ok(false);
        }
        let reply_body = self.verify(&verify, oid, size).await?;
        let is_taken = reply_body.status() == 200;
        if !is_taken {
            eprintln!("{oid} of {dataset} was not taken: {} {}", reply_body.status(), reply_body.text().await?);
        }
        Ok(is_taken)
    }

    /// The bytes, if the dataset offers them; they are what was asked for.
    pub(crate) async fn download(&self, dataset: &str, oid: Oid, size: usize) -> Option<Vec<u8>> {
        let object = self.object("download", dataset, oid, size).await.unwrap();
        let Some(download) = action(&object, "download") else {
            assert_eq!(object["error"]["code"], 404, "{object}");
            return None;
        };
        let response = download.request(&self.http, Method::GET).send().await.unwrap();
        assert_eq!(response.status(), 200, "{oid} of {dataset} was offered");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(Oid::of(&bytes), oid, "{dataset}");
        Some(bytes.into())
    }
}

impl Action {
    pub(crate) fn request(&self, http: &reqwest::Client, method: Method) -> RequestBuilder {
        let request = http.request(method, &self.href);
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// The same URL without the headers.
    pub(crate) fn without_headers(&self) -> Self {
        Self { headers: Vec::new(), ..self.clone() }
    }
}

/// One of the actions of an object, if it is offered.
pub(crate) fn action(object: &Value, name: &str) -> Option<Action> {
    object["actions"].get(name).map(of)
}

/// What the batch API says of an action.
pub(crate) fn of(action: &Value) -> Action {
    let headers = action["header"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    Action { href: action["href"].as_str().unwrap().to_owned(), headers }
}
