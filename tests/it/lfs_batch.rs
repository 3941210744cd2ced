//! The LFS batch API, row by row of what a server must do. How the bytes
//! move is in `transfer`.

use lfs::Oid;
use rutter::types::Visibility;
use rutter_testing::{LFS_JSON, Person, RawConnection, Reply, Server, shape, story};
use serde_json::{Value, json};

/// Ada, with one dataset of hers and one object in it.
async fn ada(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    server.upload(&ada.token, "ada/data", HERE).await;
    ada
}

const HERE: &[u8] = b"an object that is here";
const MISSING: &[u8] = b"an object that is not";

fn object(bytes: &[u8]) -> Value {
    json!({"oid": Oid::of(bytes), "size": bytes.len()})
}

fn batch(operation: &str, objects: &[Value]) -> Value {
    json!({"operation": operation, "transfers": ["basic"], "objects": objects})
}

async fn send_batch(server: &Server, person: &Person, body: &Value) -> Reply {
    server.lfs(Some(&person.token), "ada/data", "objects/batch", body).await
}

/// A batch as bytes, with headers of the test's choice.
async fn raw_batch(server: &Server, person: &Person, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let mut request = server.request("POST", "/ada/data.git/info/lfs/objects/batch", Some(&person.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::of(request.body(body.into())).await
}

story! {
    /// As git-lfs' own test of servers has it; whatever comes then is looked at.
    on(sqlite) async fn an_object_of_size_zero_is_offered_an_upload_for_any_oid(server: Server) {
        let ada = ada(&server).await;
        for transfers in [json!(["basic"]), json!(["tus", "basic"]), json!(["multipart-basic", "basic"])] {
            let wanted = json!({"oid": Oid::of(b"not empty"), "size": 0});
            let body = json!({"operation": "upload", "transfers": transfers, "objects": [wanted]});
            let reply = send_batch(&server, &ada, &body).await.json();
            assert_eq!(reply["transfer"], "basic");
            let actions = &reply["objects"][0]["actions"];
            let href = actions["upload"]["href"].as_str().unwrap_or_else(|| panic!("{reply}"));
            assert_eq!(Reply::of(server.http.put(href).body("")).await.status, 422, "its hash is another");
            let verify = actions["verify"]["href"].as_str().unwrap();
            let answer = Reply::of(server.http.post(verify).body(wanted.to_string())).await;
            assert_eq!(answer.status, 404, "{}", answer.text());
        }
        assert!(!server.can_download(&ada, "ada/data", b"").await);
    }
}

story! {
    async fn each_object_has_its_own_answer(server: Server) {
        let ada = ada(&server).await;
        let other_size = json!({"oid": Oid::of(HERE), "size": HERE.len() + 1});
        let objects = [
            object(HERE),
            object(MISSING),
            other_size.clone(),
            json!({"oid": "../../../etc/passwd", "size": 1}),
            json!({"oid": Oid::of(b"upper").to_string().to_uppercase(), "size": 5}),
            json!({"oid": Oid::of(b"short").to_string()[..63], "size": 5}),
            json!({"oid": Oid::of(b"negative"), "size": -1}),
            json!({"oid": Oid::of(b"fraction"), "size": 1.5}),
            json!({"oid": Oid::of(b"huge"), "size": u64::MAX}),
            json!({"oid": Oid::of(b"no size")}),
            json!({"size": 3}),
            json!({"oid": 17, "size": 3}),
        ];
        // One oid with two sizes is a contradiction, so the wrong size is asked for alone.
        let neighbours: Vec<Value> = objects.iter().filter(|object| **object != other_size).cloned().collect();
        for operation in ["download", "upload"] {
            let reply = send_batch(&server, &ada, &batch(operation, &neighbours)).await;
            insta::assert_snapshot!(format!("{operation}_of_everything"), reply.shape());
            let reply = send_batch(&server, &ada, &batch(operation, std::slice::from_ref(&other_size))).await;
            insta::assert_snapshot!(format!("{operation}_of_another_size"), reply.shape());
            let reply = send_batch(&server, &ada, &batch(operation, &[object(HERE), other_size.clone(), object(MISSING)])).await;
            insta::assert_snapshot!(format!("{operation}_of_two_sizes_at_once"), reply.shape());
        }
    }
}

story! {
    on(sqlite) async fn a_download_of_only_missing_objects_is_answered_with_200(server: Server) {
        let ada = ada(&server).await;
        let reply = send_batch(&server, &ada, &batch("download", &[object(MISSING), object(b"another")])).await;
        assert_eq!(reply.status, 200);
        let json = reply.json();
        let codes: Vec<u64> =
            json["objects"].as_array().unwrap().iter().map(|object| object["error"]["code"].as_u64().unwrap()).collect();
        assert_eq!(codes, [404, 404]);
    }
}

story! {
    on(sqlite) async fn existing_objects_are_not_uploaded_again(server: Server) {
        let ada = ada(&server).await;
        let reply = send_batch(&server, &ada, &batch("upload", &[object(HERE)])).await.json();
        assert_eq!(reply["objects"], json!([object(HERE)]), "no actions, no error");
    }
}

story! {
    on(sqlite) async fn repeated_objects_are_answered_alike(server: Server) {
        let ada = ada(&server).await;
        for (operation, bytes) in [("download", HERE), ("upload", HERE), ("download", MISSING), ("upload", MISSING)] {
            let reply = send_batch(&server, &ada, &batch(operation, &[object(bytes), object(bytes)])).await.json();
            let [first, second] = reply["objects"].as_array().unwrap().as_slice() else { panic!("{reply}") };
            assert_eq!(shape(first), shape(second), "{operation}");
        }
    }
}

story! {
    on(sqlite) async fn the_empty_object_is_an_object(server: Server) {
        let ada = ada(&server).await;
        let reply = send_batch(&server, &ada, &batch("upload", &[object(b"")])).await;
        let upload = reply.json()["objects"][0]["actions"]["upload"]["href"].as_str().unwrap().to_owned();
        assert_eq!(Reply::of(server.http.put(upload).body(Vec::new())).await.status, 200);
        let href = server.download_url(&ada.token, "ada/data", b"").await;
        let got = Reply::of(server.http.get(href)).await;
        assert_eq!((got.status, got.header("content-length"), got.body.len()), (200, "0", 0));
        // Any other size is refused.
        let reply = send_batch(&server, &ada, &batch("upload", &[json!({"oid": Oid::EMPTY, "size": 1})])).await.json();
        assert_eq!(reply["objects"][0]["error"]["code"], 422, "{reply}");
    }
}

story! {
    on(sqlite) async fn invalid_requests_are_refused_with_a_message(server: Server) {
        let ada = ada(&server).await;
        let cases = [
            ("not json", "{".to_owned()),
            ("an empty body", String::new()),
            ("a list", "[]".to_owned()),
            ("no operation", json!({"objects": [object(HERE)]}).to_string()),
            ("another operation", batch("delete", &[object(HERE)]).to_string()),
            ("no objects", json!({"operation": "download"}).to_string()),
            ("objects null", json!({"operation": "download", "objects": null}).to_string()),
            ("an empty list of objects", batch("download", &[]).to_string()),
            ("objects of another type", json!({"operation": "download", "objects": 3}).to_string()),
            (
                "unknown transfers only",
                json!({"operation": "download", "transfers": ["tus", "ssh"], "objects": [object(HERE)]}).to_string(),
            ),
            (
                "another hash",
                json!({"operation": "download", "hash_algo": "sha512", "objects": [object(HERE)]}).to_string(),
            ),
        ];
        let mut answer = String::new();
        for (name, body) in cases {
            let reply = raw_batch(&server, &ada, &[("content-type", LFS_JSON)], body).await;
            assert_eq!(reply.header("content-type"), LFS_JSON, "{name}");
            assert!(!reply.header("x-request-id").is_empty());
            assert_eq!(reply.json()["request_id"], reply.header("x-request-id"), "{name}");
            assert!(reply.json().get("objects").is_none(), "{name}");
            answer.push_str(&format!("{name}: {} {}\n", reply.status, reply.json()["message"].as_str().unwrap()));
        }
        insta::assert_snapshot!("refusals", answer);
    }
}

story! {
    on(sqlite) async fn transfers_are_negotiated(server: Server) {
        let ada = ada(&server).await;
        for transfers in [
            json!(["lfs-standalone-file", "basic", "ssh"]),
            json!(["ssh", "multipart", "basic"]),
            json!(["basic"]),
            json!([]),
            json!(null),
            json!([17, "basic"]),
        ] {
            let body = json!({"operation": "download", "transfers": transfers, "objects": [object(HERE)]});
            let reply = send_batch(&server, &ada, &body).await;
            assert_eq!((reply.status, &reply.json()["transfer"]), (200, &json!("basic")), "{transfers}");
        }
        let reply = send_batch(&server, &ada, &json!({"operation": "download", "objects": [object(HERE)]})).await;
        assert_eq!(reply.json()["transfer"], "basic", "absent means basic");
    }
}

story! {
    on(sqlite) async fn any_ref_that_clients_send_is_accepted(server: Server) {
        let ada = ada(&server).await;
        for name in [json!(null), json!({}), json!({"name": ""}), json!({"name": null}), json!({"name": "refs/heads/x"})] {
            for operation in ["download", "upload"] {
                let body = json!({"operation": operation, "ref": name, "objects": [object(HERE)]});
                let reply = send_batch(&server, &ada, &body).await;
                assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            }
        }
    }
}

story! {
    on(sqlite) async fn only_sha256_is_supported(server: Server) {
        let ada = ada(&server).await;
        for algorithm in [json!("sha256"), json!(""), json!(null)] {
            let body = json!({"operation": "download", "hash_algo": algorithm, "objects": [object(HERE)]});
            let reply = send_batch(&server, &ada, &body).await;
            assert_eq!((reply.status, &reply.json()["hash_algo"]), (200, &json!("sha256")), "{algorithm}");
        }
        for algorithm in [json!("sha512"), json!("SHA256"), json!("md5"), json!(256)] {
            let body = json!({"operation": "upload", "hash_algo": algorithm, "objects": [object(HERE)]});
            assert_eq!(send_batch(&server, &ada, &body).await.status, 409, "{algorithm}");
        }
    }
}

story! {
    on(sqlite) async fn media_types_are_those_of_the_protocol(server: Server) {
        let ada = ada(&server).await;
        let body = batch("download", &[object(HERE)]).to_string();
        for content_type in [LFS_JSON, "application/vnd.git-lfs+json; charset=utf-8", "application/json"] {
            let reply = raw_batch(&server, &ada, &[("content-type", content_type)], body.clone()).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, LFS_JSON), "{content_type}");
        }
        // What a form on a page of another site can send without a preflight request.
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let reply = raw_batch(&server, &ada, &[("content-type", content_type)], body.clone()).await;
            assert_eq!((reply.status, reply.header("content-type")), (415, LFS_JSON), "{content_type}");
        }
        for accept in [LFS_JSON, "application/json", "*/*", "text/html, application/*;q=0.2", ""] {
            let headers = [("content-type", LFS_JSON), ("accept", accept)];
            let reply = raw_batch(&server, &ada, &headers, body.clone()).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, LFS_JSON), "{accept}");
        }
        for accept in ["text/html", "application/json;q=0, text/*"] {
            let headers = [("content-type", LFS_JSON), ("accept", accept)];
            let reply = raw_batch(&server, &ada, &headers, body.clone()).await;
            assert_eq!((reply.status, reply.header("content-type")), (406, LFS_JSON), "{accept}");
        }
    }
}

story! {
    on(sqlite) async fn anonymous_clients_are_asked_for_credentials(server: Server) {
        ada(&server).await;
        let body = batch("download", &[object(HERE)]);
        for token in [None, Some("rut_invented"), Some("a password")] {
            for path in ["ada/data", "ada/nothing"] {
                let reply = server.lfs(token, path, "objects/batch", &body).await;
                assert_eq!(reply.status, 401, "{token:?}");
                assert_eq!(reply.header("content-type"), LFS_JSON);
                assert_eq!(reply.header("lfs-authenticate"), r#"Basic realm="rutter", charset="UTF-8""#);
                assert_eq!(reply.header("www-authenticate"), reply.header("lfs-authenticate"));
                assert_eq!(reply.json()["request_id"], reply.header("x-request-id"));
            }
        }
        let reply = server.lfs(None, "ada/data", "objects/batch", &body).await;
        insta::assert_snapshot!("anonymous", reply.shape());
    }
}

story! {
    on(sqlite) async fn every_way_to_send_a_token_works(server: Server) {
        let ada = ada(&server).await;
        let body = batch("download", &[object(HERE)]).to_string();
        let ask = |request: reqwest::RequestBuilder| Reply::of(request.body(body.clone()));
        let url = format!("{}/ada/data.git/info/lfs/objects/batch", server.url);
        let post = || server.http.post(&url);
        assert_eq!(ask(post().bearer_auth(&ada.token)).await.status, 200);
        assert_eq!(ask(post().basic_auth("ada", Some(&ada.token))).await.status, 200);
        assert_eq!(ask(post().basic_auth("any", Some(&ada.token))).await.status, 200);
        // Where some tools put it.
        assert_eq!(ask(post().basic_auth(&ada.token, Some("x-oauth-basic"))).await.status, 200);
        assert_eq!(ask(post().basic_auth(&ada.token, Some(""))).await.status, 200);
        for header in ["Bearer", "Basic", "Basic !!!", "Basic YWRh", "Negotiate abc", ""] {
            assert_eq!(ask(post().header("authorization", header)).await.status, 401, "{header}");
        }
    }
}

story! {
    on(sqlite) async fn a_plain_request_id_of_the_client_is_kept(server: Server) {
        let ada = ada(&server).await;
        let answer = raw_batch(&server, &ada, &[("x-request-id", "upload-17.b_c")], "{").await;
        assert_eq!(answer.header("x-request-id"), "upload-17.b_c");
        assert_eq!(answer.json()["request_id"], "upload-17.b_c");
        let long = "a".repeat(65);
        for bad in ["", "a b", "<script>", "a\"b", long.as_str()] {
            let answer = raw_batch(&server, &ada, &[("x-request-id", bad)], "{").await;
            assert_ne!(answer.header("x-request-id"), bad);
            assert_eq!(answer.header("x-request-id").len(), 16);
        }
    }
}

story! {
    on(sqlite) async fn limits_are_stated_and_enforced(engine: Engine) {
        let server = Server::start_with(engine, |config| {
            config.limits.batch_objects = 3;
            config.limits.json_bytes = 4096;
            config.limits.object_bytes = Some(1000);
        })
        .await;
        let ada = ada(&server).await;
        let objects: Vec<Value> = (0..4u8).map(|byte| object(&[byte])).collect();
        assert_eq!(send_batch(&server, &ada, &batch("upload", &objects[..3])).await.status, 200);
        let too_many = send_batch(&server, &ada, &batch("upload", &objects)).await;
        insta::assert_snapshot!("too_many_objects", too_many.shape());

        let mut padded = batch("upload", &objects[..1]);
        padded["padding"] = Value::String("x".repeat(4096));
        let too_long = send_batch(&server, &ada, &padded).await;
        insta::assert_snapshot!("too_long_a_body", too_long.shape());

        let sizes = [json!({"oid": Oid::of(b"a"), "size": 1000}), json!({"oid": Oid::of(b"b"), "size": 1001})];
        let reply = send_batch(&server, &ada, &batch("upload", &sizes)).await;
        insta::assert_snapshot!("too_large_an_object", reply.shape());
    }
}

story! {
    on(sqlite) async fn an_oversized_body_is_refused_before_it_is_sent(server: Server) {
        let ada = ada(&server).await;
        let authorization = format!("Authorization: Bearer {}", ada.token);
        let url = "/ada/data.git/info/lfs/objects/batch";
        let (length, expect) = ("Content-Length: 5000000000", "Expect: 100-continue");
        let (status, head, _) = {
            let mut wire = RawConnection::open(&server).await;
            wire.request("POST", url, &[&authorization, length, expect]).await;
            wire.reply().await
        };
        assert_eq!(status, 413, "{head}");
        let (status, head, _) = {
            let mut wire = RawConnection::open(&server).await;
            wire.request("POST", url, &[length, expect]).await;
            wire.reply().await
        };
        assert_eq!(status, 401, "{head}");
        assert!(head.contains("lfs-authenticate"), "{head}");

        // A body within the limit is accepted.
        let mut wire = RawConnection::open(&server).await;
        let body = batch("download", &[object(HERE)]).to_string();
        let length = format!("Content-Length: {}", body.len());
        wire.request("POST", url, &[&authorization, &length, expect]).await;
        assert_eq!(wire.head().await.0, 100);
        wire.send(body).await;
        assert_eq!(wire.reply().await.0, 200);
    }
}

story! {
    on(sqlite) async fn an_endless_body_is_cut_at_the_limit(engine: Engine) {
        let server = Server::start_with(engine, |config| config.limits.json_bytes = 4096).await;
        let ada = ada(&server).await;
        let mut wire = RawConnection::open(&server).await;
        let authorization = format!("Authorization: Bearer {}", ada.token);
        let headers = [authorization.as_str(), "Transfer-Encoding: chunked"];
        wire.request("POST", "/ada/data.git/info/lfs/objects/batch", &headers).await;
        wire.send(format!("1388\r\n{}\r\n", " ".repeat(0x1388))).await;
        assert_eq!(wire.reply().await.0, 413);
    }
}

story! {
    on(sqlite) async fn replies_are_small(server: Server) {
        let ada = ada(&server).await;
        let mut objects = Vec::new();
        for number in 0..10u32 {
            let bytes = number.to_le_bytes();
            server.upload(&ada.token, "ada/data", &bytes).await;
            objects.push(object(&bytes));
        }
        let one = send_batch(&server, &ada, &batch("download", &objects[..1])).await.body.len();
        let ten = send_batch(&server, &ada, &batch("download", &objects)).await.body.len();
        assert!((ten - one) / 9 < 300, "{} bytes for each object", (ten - one) / 9);
    }
}

story! {
    async fn knowing_an_oid_gives_no_access(server: Server) {
        ada(&server).await;
        let eve = server.person("eve").await;
        server.dataset("eve/own", Visibility::Private).await;
        // In her own dataset the object is missing, and an upload is offered.
        let (status, reply) = server.batch(Some(&eve.token), "eve/own", &batch("download", &[object(HERE)])).await;
        assert_eq!((status, &reply["objects"][0]["error"]["code"]), (200, &json!(404)));
        let (upload, verify) = server.upload_urls(&eve.token, "eve/own", HERE).await;
        let proof = json!({"oid": Oid::of(HERE), "size": HERE.len()}).to_string();
        assert_eq!(Reply::of(server.http.post(&verify).body(proof.clone())).await.status, 404);
        // Other bytes of the same length prove nothing.
        let lie = vec![b'x'; HERE.len()];
        assert_eq!(Reply::of(server.http.put(&upload).body(lie)).await.status, 422);
        assert_eq!(Reply::of(server.http.post(&verify).body(proof.clone())).await.status, 404);
        // The bytes themselves do.
        assert_eq!(Reply::of(server.http.put(&upload).body(HERE)).await.status, 200);
        assert_eq!(Reply::of(server.http.post(&verify).body(proof)).await.status, 200);
    }
}

story! {
    on(sqlite) async fn all_lfs_urls_that_clients_build_reach_the_same_dataset(server: Server) {
        let ada = ada(&server).await;
        server.organisation("ministry", &[]).await;
        server.organisation("ministry/statistics/census", &[(&ada, rutter::types::Role::Writer)]).await;
        server.dataset("ministry/statistics/census/data", Visibility::Private).await;
        server.upload(&ada.token, "ministry/statistics/census/data", HERE).await;
        for path in ["ada/data", "Ada/DATA", "ministry/statistics/census/data"] {
            for root in [".git/info/lfs", "/info/lfs", "/", ".git/"] {
                let root = root.trim_end_matches('/');
                let request = server.request("POST", &format!("/{path}{root}/objects/batch"), Some(&ada.token));
                let reply = Reply::of(request.body(batch("download", &[object(HERE)]).to_string())).await;
                assert_eq!(reply.status, 200, "{path}{root}: {}", reply.text());
                let href = reply.json()["objects"][0]["actions"]["download"]["href"].as_str().unwrap().to_owned();
                assert_eq!(Reply::of(server.http.get(href)).await.body, HERE, "{path}{root}");
            }
        }
    }
}

story! {
    on(sqlite) async fn urls_are_built_from_the_configured_or_trusted_host(engine: Engine) {
        let href = async |server: &Server, headers: &[(&str, &str)]| {
            let ada = server.person("ada").await;
            server.dataset("ada/data", Visibility::Private).await;
            let reply = raw_batch(server, &ada, headers, batch("upload", &[object(MISSING)]).to_string()).await.json();
            let href = reply["objects"][0]["actions"]["upload"]["href"].as_str().unwrap().to_owned();
            href.split_once("/_lfs/").unwrap().0.to_owned()
        };
        let forwarded = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "data.example.org"),
            ("x-forwarded-port", "8443"),
            ("x-forwarded-prefix", "/drive"),
        ];
        let server = Server::start(engine).await;
        assert_eq!(href(&server, &forwarded).await, server.url, "no proxy is trusted by default");

        let proxied = |config: &mut rutter::config::Config| {
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        };
        let server = Server::start_with(engine, proxied).await;
        assert_eq!(href(&server, &forwarded).await, "https://data.example.org:8443/drive");

        let public = |config: &mut rutter::config::Config| {
            config.public_url = Some("https://drive.example.org/x".to_owned());
        };
        let server = Server::start_with(engine, public).await;
        assert_eq!(href(&server, &forwarded).await, "https://drive.example.org/x");
    }
}

story! {
    async fn an_upload_before_the_first_push_creates_the_dataset(server: Server) {
        let ada = server.person("ada").await;
        let eve = server.person("eve").await;
        let body = batch("upload", &[object(HERE)]);
        let refused = server.lfs(Some(&eve.token), "ada/fresh", "objects/batch", &body).await;
        assert_eq!(refused.status, 404, "only users that may create it do");
        let reply = server.lfs(Some(&ada.token), "ada/fresh", "objects/batch", &batch("download", &[object(HERE)])).await;
        assert_eq!(reply.status, 404, "a download makes nothing");
        assert_eq!(server.lfs(Some(&ada.token), "ada/fresh", "objects/batch", &body).await.status, 200);
        let hidden = server.lfs(Some(&eve.token), "ada/fresh", "objects/batch", &batch("download", &[object(HERE)])).await;
        assert_eq!(hidden.status, 404, "and it is private");
    }
}

story! {
    on(sqlite) async fn the_legacy_lfs_api_is_answered_with_404(server: Server) {
        // Clients since 2.0 (2017) do not use it; 404 is what they take for "not there".
        let ada = ada(&server).await;
        let oid = Oid::of(HERE);
        for (method, tail) in [("POST", "objects".to_owned()), ("GET", format!("objects/{oid}"))] {
            let url = format!("/ada/data.git/info/lfs/{tail}");
            let reply = Reply::of(server.request(method, &url, Some(&ada.token)).body(object(HERE).to_string())).await;
            assert_eq!(reply.status, 404, "{method} {tail}");
        }
    }
}
