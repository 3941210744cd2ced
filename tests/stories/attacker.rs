//! Attacks by Mallory, a user that knows secrets of others.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use lfs::{Oid, Pointer};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::EncodePublicKey as _;
use rutter::config::Config;
use rutter::types::{Role, Visibility};
use rutter_testing::{LFS_JSON, Person, RawConnection, Reply, Server, eventually, names, noise, story};
use serde_json::{Value, json};

use crate::fault_proxy::FaultProxy;

/// Ada with a private dataset, and Mallory without access to it.
struct Fixture {
    ada: Person,
    mallory: Person,
    /// The content of `scans/one.bin`.
    secret: Vec<u8>,
}

const SECRET: &str = "ada/secret";

impl Fixture {
    async fn open(server: &Server) -> Self {
        let (ada, mallory) = (server.person("ada").await, server.person("mallory").await);
        let work = server.published_dataset(&ada, SECRET, "ada");
        server.dataset("mallory/own", Visibility::Private).await;
        Self { ada, mallory, secret: work.read("scans/one.bin") }
    }

    fn oid(&self) -> Oid {
        Oid::of(&self.secret)
    }

    /// Ada's data is unchanged for Ada.
    async fn assert_unharmed(&self, server: &Server) {
        let sound = server.assert_intact(&self.ada, SECRET).await;
        assert!(sound.read("scans/one.bin") == self.secret);
    }
}

/// A batch about one object.
fn batch_of(operation: &str, bytes: &[u8]) -> Value {
    json!({"operation": operation, "objects": [{"oid": Oid::of(bytes), "size": bytes.len()}]})
}

story! {
    async fn knowing_an_oid_gives_no_object(server: Server) {
        let fixture = Fixture::open(&server).await;
        let (mallory, secret) = (&fixture.mallory, &fixture.secret);

        let (status, reply) = server.batch(Some(&mallory.token), "mallory/own", &batch_of("download", secret)).await;
        assert_eq!((status, reply["objects"][0]["error"]["code"].as_u64()), (200, Some(404)), "{reply}");
        assert!(reply["objects"][0]["actions"].is_null(), "{reply}");

        // The server has the bytes, and still requires her to upload them.
        let (upload, verify) = server.upload_urls(&mallory.token, "mallory/own", secret).await;
        let proof = json!({"oid": fixture.oid(), "size": secret.len()}).to_string();
        let request = server.http.post(&verify).header("content-type", LFS_JSON).body(proof);
        assert_eq!(Reply::of(request).await.status, 404);
        for wrong in [noise(2, secret.len()), Vec::new()] {
            assert_eq!(Reply::of(server.http.put(&upload).body(wrong)).await.status, 422);
        }

        // Nor does a commit that names it.
        let tree = server.tree("mallory");
        tree.with_lfs(&server.remote(mallory, "mallory/own"));
        let pointer = Pointer::new(fixture.oid(), secret.len() as u64).to_string();
        tree.write("pointer", &pointer);
        let blob = tree.git(&["hash-object", "-w", "--no-filters", "pointer"]);
        tree.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},stolen.bin")]);
        tree.git(&["commit", "-q", "-m", "Stolen"]);
        let said = tree.git_fails(&["push", "--no-verify", "origin", "main"]);
        assert!(said.contains("missing LFS object: stolen.bin"), "{said}");
        // Whatever the size she claims, whatever the name of the ref, whatever the way to the pointer.
        for size in ["0", "1", "99999"] {
            tree.write("pointer", pointer.replace("size 100000", &format!("size {size}")));
            let blob = tree.git(&["hash-object", "-w", "--no-filters", "pointer"]);
            tree.git(&["update-index", "--cacheinfo", &format!("100644,{blob},stolen.bin")]);
            tree.git(&["commit", "-q", "--amend", "-m", "Stolen again"]);
            let said = tree.git_fails(&["push", "--no-verify", "origin", "main:refs/notes/x", "main:refs/tags/x"]);
            assert!(said.contains("missing LFS object: stolen.bin"), "{size}: {said}");
        }
        let said = tree.git_fails(&["push", "--no-verify", "origin", &format!("{blob}:refs/tags/blob")]);
        assert!(said.contains("1 LFS object(s) are missing"), "{said}");
        assert!(tree.remote_refs().is_empty());

        let (_, reply) = server.batch(Some(&mallory.token), "mallory/own", &batch_of("download", secret)).await;
        assert_eq!(reply["objects"][0]["error"]["code"], 404, "{reply}");
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    on(sqlite) async fn a_signed_url_grants_only_what_was_signed(server: Server) {
        let fixture = Fixture::open(&server).await;
        let fresh = noise(3, 500);
        let named = json!({"oid": fixture.oid(), "size": fixture.secret.len(), "x-filename": "one.bin"});
        let download = server.download_url_of(&fixture.ada.token, SECRET, &named).await;
        let (upload, verify) = server.upload_urls(&fixture.ada.token, SECRET, &fresh).await;
        let status = async |method: &str, url: &str| {
            let method: reqwest::Method = method.parse().unwrap();
            let body = if method == reqwest::Method::PUT { fresh.clone() } else { Vec::new() };
            let request = server.http.request(method, url).header("content-type", LFS_JSON).body(body);
            Reply::of(request).await.status
        };
        assert_eq!(status("GET", &download).await, 200, "as ada uses it");

        for (method, url) in [
            ("PUT", &download), ("POST", &download), ("GET", &upload), ("POST", &upload), ("GET", &verify),
            ("PUT", &verify), ("HEAD", &upload), ("HEAD", &verify),
        ] {
            assert_eq!(status(method, url).await, 403, "{method} {url}");
        }
        assert!([404, 405].contains(&status("DELETE", &download).await));

        // Every single character counts.
        let start = download.find("/_lfs/").unwrap() + 6;
        let query = download.find('?').unwrap();
        assert_eq!(query - start, 100);
        for place in start..query {
            let other = if download.as_bytes()[place] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &download[..place], &download[place + 1..]);
            assert_eq!(status("GET", &changed).await, 403, "{changed}");
        }
        for changed in [
            download[..query].to_owned(),
            download.replace("one.bin", "two.bin"),
            download.replace("one.bin", "one%2Ebin"),
            format!("{download}&disposition=inline"),
            format!("{download}&"),
            format!("{}?disposition=inline&{}", &download[..query], &download[query + 1..]),
            format!("{}=?{}", &download[..query], &download[query + 1..]),
        ] {
            assert_eq!(status("GET", &changed).await, 403, "{changed}");
        }
        // It is valid for one object only.
        let token = &download[start..query];
        for token in [token.to_owned(), format!("rut_{token}")] {
            assert_eq!(server.batch(Some(&token), SECRET, &batch_of("download", &fixture.secret)).await.0, 401);
        }

        server.clock.advance(Duration::from_secs(u64::from(server.app.config.ttl.action) + 1));
        for (method, url) in [("GET", &download), ("HEAD", &download), ("PUT", &upload), ("POST", &verify)] {
            assert_eq!(status(method, url).await, 403, "{method} after its time");
        }
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    async fn a_url_of_a_deleted_dataset_is_refused(server: Server) {
        let fixture = Fixture::open(&server).await;
        let download = server.download_url(&fixture.ada.token, SECRET, &fixture.secret).await;
        let fresh = noise(4, 100);
        let (upload, _) = server.upload_urls(&fixture.ada.token, SECRET, &fresh).await;
        let operator = rutter::access::Actor::operator();
        let grant = server.app.access.authorize(&operator, &SECRET.parse().unwrap()).await.unwrap();
        server.app.datasets.delete(&grant).await.unwrap();
        assert_eq!(Reply::of(server.http.get(&download)).await.status, 404);
        assert_eq!(Reply::of(server.http.put(&upload).body(fresh)).await.status, 404);
        // A new dataset of that name begins empty.
        server.dataset(SECRET, Visibility::Public).await;
        let (_, reply) = server.batch(None, SECRET, &batch_of("download", &fixture.secret)).await;
        assert_eq!(reply["objects"][0]["error"]["code"], 404, "{reply}");
        assert_eq!(server.empty_folder("x").git(&["ls-remote", &server.remote_without_credentials(SECRET)]), "");
        server.assert_store_intact(SECRET).await;
    }
}

story! {
    async fn revoked_rights_are_effective_immediately(server: Server) {
        let (ada, mallory) = (server.person("ada").await, server.person("mallory").await);
        server.organisation("lab", &[(&ada, Role::Owner), (&mallory, Role::Writer)]).await;
        let work = server.published_dataset(&ada, "lab/data", "ada");
        let clone = server.clone_with_hooks(&mallory, "lab/data", "mallory");
        let set_member = async |role| {
            let (lab, name) = ("lab".parse().unwrap(), "mallory".parse().unwrap());
            server.app.accounts.set_member(&lab, &name, role).await.unwrap();
        };
        clone.write("scans/two.bin", noise(2, 100));
        clone.commit("Two");
        clone.git(&["push", "-q"]);

        set_member(Some(Role::Reader)).await;
        clone.write("scans/three.bin", noise(3, 100));
        clone.commit("Three");
        for command in [&["push"][..], &["lfs", "push", "--all", "origin"], &["lfs", "lock", "README.md"]] {
            let said = clone.git_fails(command);
            assert!(said.contains("you can read `lab/data`, but you cannot write"), "{command:?} {said}");
        }
        clone.git(&["fetch", "-q"]);

        set_member(None).await;
        for command in [&["fetch"][..], &["push"], &["lfs", "locks"]] {
            let said = clone.git_fails(command);
            assert!(said.contains("there is no dataset `lab/data`"), "{command:?} {said}");
        }

        // The same for a public dataset that becomes private.
        let operator = rutter::access::Actor::operator();
        let owned = server.app.access.authorize(&operator, &"lab/data".parse().unwrap()).await.unwrap();
        server.app.datasets.set_visibility(&owned, Visibility::Public).await.unwrap();
        clone.git(&["fetch", "-q"]);
        server.clone_url(&server.remote_without_credentials("lab/data"), "open", &[]);
        server.app.datasets.set_visibility(&owned, Visibility::Private).await.unwrap();
        clone.git_fails(&["fetch"]);
        assert!(clone.git_fails(&["ls-remote", &server.remote_without_credentials("lab/data")]).contains("could not read Username"));
        work.git(&["pull", "-q"]);
        assert!(server.assert_intact(&ada, "lab/data").await.files() == work.files());
    }
}

story! {
    on(sqlite) async fn no_path_leaves_the_store(server: Server) {
        let fixture = Fixture::open(&server).await;
        // What a way out of the objects' or the repositories' folder would lead to.
        let private = std::fs::read_to_string(server.app.config.secret_file()).unwrap();
        let climbs =
            ["..", "../..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..", "..%252f..", "%c0%ae%c0%ae", "..;", "%00"];
        let mut paths = Vec::new();
        for climb in climbs {
            for tail in [
                "info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack", "HEAD", "config",
                "objects/info/packs", "info/lfs/locks", "secret",
            ] {
                paths.push(format!("/{climb}/secret.git/{tail}"));
                paths.push(format!("/ada/{climb}/{tail}"));
                paths.push(format!("/ada/{climb}.git/{tail}"));
                paths.push(format!("/mallory/{climb}/ada/secret.git/{tail}"));
                paths.push(format!("/ada/secret.git/{climb}/{tail}"));
                paths.push(format!("/mallory/own.git/info/lfs/{climb}/{tail}"));
            }
            paths.push(format!("/_lfs/{climb}/secret"));
            paths.push(format!("/_lfs/{climb}%2fsecret"));
            paths.push(format!("/{climb}/{climb}/secret"));
        }
        let authorization = format!("Authorization: Bearer {}", fixture.mallory.token);
        let mut wire = RawConnection::open(&server).await;
        for path in &paths {
            for headers in [&[][..], &[authorization.as_str()]] {
                wire.request("GET", path, headers).await;
                let (status, head, body) = wire.reply().await;
                let allowed: &[u16] = if headers.is_empty() { &[400, 401, 403, 404] } else { &[400, 403, 404] };
                assert!(allowed.contains(&status), "{path}: {head}");
                let body = String::from_utf8_lossy(&body);
                assert!(!body.contains(private.trim()) && !body.contains("refs/heads"), "{path}: {body}");
            }
        }

        let climb = format!("../../../../{}", "a".repeat(52));
        let real = fixture.oid().to_string();
        for oid in [
            "../../secret", &climb, "..%2f..%2fsecret", &format!("{}/", &real[..63]), &real.to_uppercase(), &real[..63],
            &format!("{real}\0"), "",
        ] {
            for operation in ["download", "upload"] {
                let body = json!({"operation": operation, "objects": [{"oid": oid, "size": 10}]});
                let (status, reply) = server.batch(Some(&fixture.mallory.token), "mallory/own", &body).await;
                assert_eq!((status, reply["objects"][0]["error"]["code"].as_u64()), (200, Some(422)), "{oid}: {reply}");
            }
        }

        let own = Some(fixture.mallory.token.as_str());
        for path in ["../x", "a/../../x", "/etc/passwd", "..", ".", "", "a\0b", &"x".repeat(5000)] {
            let reply = server.lfs(own, "mallory/own", "locks", &json!({"path": path})).await;
            assert_eq!(reply.status, 422, "{path:?} {}", reply.text());
        }
        // Encoded, it is only an unusual file name: it is not decoded.
        let reply = server.lfs(own, "mallory/own", "locks", &json!({"path": "%2e%2e%2fx"})).await;
        assert_eq!((reply.status, &reply.json()["lock"]["path"]), (201, &json!("%2e%2e%2fx")));
        for id in ["..%2f..%2fx", "%27%20OR%201=1", "%00"] {
            let reply = server.lfs(own, "mallory/own", &format!("locks/{id}/unlock"), &json!({"force": true})).await;
            assert!([400, 404].contains(&reply.status), "{id} {}", reply.text());
        }
        let reply = Reply::of(server.request("GET", "/mallory/own.git/info/lfs/locks", own)).await;
        assert_eq!(reply.json()["locks"].as_array().unwrap().len(), 1);
        fixture.assert_unharmed(&server).await;
    }
}

/// A JSON Web Token put together by hand.
fn forged_jwt(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

story! {
    on(sqlite) async fn a_forged_token_is_refused(engine: Engine) {
        use jsonwebtoken::{Algorithm, EncodingKey, Header};

        // Each one must be checked, not only the first hundred.
        let server = Server::start_with(engine, |config| config.rates.failures_address = 0).await;
        let fixture = Fixture::open(&server).await;
        let genuine = server.app.access.issue(&"ada".parse().unwrap(), "obj:ada/secret/*:read ds:ada/secret:update", 60);
        let genuine = genuine.unwrap();
        // Every way in that takes such a token; 200 where it is good.
        let attempts = async |token: &str| {
            let refs = format!("/{SECRET}.git/info/refs?service=git-upload-pack");
            let batch = format!("/{SECRET}.git/info/lfs/objects/batch");
            let ask = batch_of("download", &fixture.secret).to_string();
            let bearer = server.request("GET", &refs, None).bearer_auth(token);
            let basic = server.request("GET", &refs, None).basic_auth("_jwt", Some(token));
            let query = server.request("GET", &format!("{refs}&jwt={token}"), None);
            let push = refs.replace("upload", "receive");
            let push = server.request("GET", &push, None).bearer_auth(token);
            let lfs = server.request("POST", &batch, None).bearer_auth(token).header("content-type", LFS_JSON).body(ask);
            let mut statuses = Vec::new();
            for request in [bearer, basic, query, push, lfs] {
                statuses.push(Reply::of(request).await.status);
            }
            statuses
        };
        assert_eq!(attempts(&genuine).await, [200; 5]);

        let parts: Vec<&str> = genuine.split('.').collect();
        let header: Value = serde_json::from_slice(&BASE64.decode(parts[0]).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&BASE64.decode(parts[1]).unwrap()).unwrap();
        let key_id = header["kid"].as_str().unwrap();
        let mut forged = Vec::new();

        for algorithm in ["none", "None", "NONE", "nOnE", ""] {
            let header = json!({"alg": algorithm, "typ": "JWT", "kid": key_id});
            forged.push(forged_jwt(&header, &claims, ""));
            forged.push(forged_jwt(&header, &claims, parts[2]));
        }
        forged.push(forged_jwt(&json!({"typ": "JWT"}), &claims, ""));
        forged.push(format!("{}.{}.", parts[0], parts[1]));

        // The public key as if it were a shared secret, in every form of it.
        let published = server.app.access.keys().ours().published();
        let jwk = serde_json::to_value(&published.keys[0]).unwrap();
        let number = |name: &str| rsa::BigUint::from_bytes_be(&BASE64.decode(jwk[name].as_str().unwrap()).unwrap());
        let public = rsa::RsaPublicKey::new(number("n"), number("e")).unwrap();
        let pem = public.to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap();
        let der = public.to_public_key_der().unwrap().as_bytes().to_vec();
        let document = Reply::of(server.request("GET", "/.well-known/jwks.json", None)).await.body;
        let modulus = jwk["n"].as_str().unwrap().as_bytes().to_vec();
        let secrets = [pem.trim_end().as_bytes().to_vec(), pem.into_bytes(), der, document, modulus, Vec::new()];
        for secret in secrets {
            for algorithm in [Algorithm::HS256, Algorithm::HS512] {
                let header = Header { kid: Some(key_id.to_owned()), ..Header::new(algorithm) };
                forged.push(jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap());
            }
        }

        // The key of another issuer, with and without the id of ours.
        let other = rsa::RsaPrivateKey::new(&mut rand_core::OsRng, 2048).unwrap();
        let other = EncodingKey::from_rsa_der(other.to_pkcs1_der().unwrap().as_bytes());
        for kid in [Some(key_id.to_owned()), Some("mine".to_owned()), None] {
            for algorithm in [Algorithm::RS256, Algorithm::PS256] {
                let header = Header { kid: kid.clone(), ..Header::new(algorithm) };
                forged.push(jsonwebtoken::encode(&header, &claims, &other).unwrap());
            }
        }
        // The token contains its own key.
        let mut header = Header::new(Algorithm::RS256);
        header.jwk = Some(jsonwebtoken::jwk::Jwk::from_encoding_key(&other, Algorithm::RS256).unwrap());
        header.jku = Some(format!("{}/mallory/keys.json", server.url));
        forged.push(jsonwebtoken::encode(&header, &claims, &other).unwrap());

        // Ours, for other claims.
        let wider = json!({"sub": "ada", "scopes": "obj:* ds:*", "iss": "rutter", "exp": u32::MAX});
        forged.push(format!("{}.{}.{}", parts[0], BASE64.encode(wider.to_string()), parts[2]));
        forged.push(forged_jwt(&json!({"alg": "RS256", "kid": key_id}), &json!({"iss": "missing", "exp": u32::MAX}), parts[2]));
        forged.push(format!("{}.{}.{}", parts[0], parts[1], parts[2].chars().rev().collect::<String>()));

        for token in &forged {
            assert_eq!(attempts(token).await, [401; 5], "{token}");
        }

        // A token of mallory's own that claims ada's scopes is still mallory's.
        let own = server.app.access.issue(&"mallory".parse().unwrap(), "obj:ada/secret/*:read ds:ada/secret", 60).unwrap();
        assert_eq!(attempts(&own).await, [404; 5]);

        assert_eq!(attempts(&genuine).await, [200; 5]);
        server.clock.advance(Duration::from_secs(61));
        assert_eq!(attempts(&genuine).await, [401; 5], "expired");
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    async fn a_revoked_token_is_refused_immediately_and_everywhere(server: Server) {
        let fixture = Fixture::open(&server).await;
        let stolen = server.token("ada", &[]).await;
        let clone = server.clone_url(&server.remote_with_token(&stolen, SECRET), "stolen", &[]);
        clone.write("README.md", "# Mine\n");
        clone.commit("Mine");
        let attempts = async || {
            let token = Some(stolen.as_str());
            let get = |tail: &str| server.request("GET", &format!("/{SECRET}.git/{tail}"), token);
            let mut statuses = vec![
                Reply::of(get("info/refs?service=git-upload-pack")).await.status,
                Reply::of(get("info/refs?service=git-receive-pack")).await.status,
                Reply::of(get("info/lfs/locks")).await.status,
                server.lfs(token, SECRET, "locks/verify", &json!({})).await.status,
            ];
            for operation in ["download", "upload"] {
                statuses.push(server.batch(token, SECRET, &batch_of(operation, &fixture.secret)).await.0);
            }
            statuses
        };
        assert_eq!(attempts().await, [200; 6]);

        let tokens = server.app.accounts.tokens(&"ada".parse().unwrap()).await.unwrap();
        server.app.accounts.revoke_token(tokens[0].id).await.unwrap();
        assert_eq!(attempts().await, [401; 6]);
        for command in [&["fetch"][..], &["push", "origin", "main"], &["lfs", "fetch", "--all"], &["lfs", "locks"]] {
            // Whatever is here already is not fetched again.
            let _ = std::fs::remove_dir_all(clone.folder.join(".git/lfs/objects"));
            let said = clone.git_fails(command);
            assert!(said.contains("revoked") || said.contains("uthentication"), "{command:?}: {said}");
        }
        // Nor does it work where no token is needed.
        server.dataset("ada/open", Visibility::Public).await;
        let refs = "/ada/open.git/info/refs?service=git-upload-pack";
        assert_eq!(Reply::of(server.request("GET", refs, Some(&stolen))).await.status, 401);
        assert_eq!(Reply::of(server.request("GET", refs, None)).await.status, 200);
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    async fn wrong_bytes_for_an_oid_affect_no_other_dataset(server: Server) {
        let fixture = Fixture::open(&server).await;
        // In her own dataset she may upload. The store is one for all, so the aim is what ada is going to upload, and
        // what ada has.
        let future = noise(6, 70_000);
        for target in [&future, &fixture.secret] {
            let (upload, verify) = server.upload_urls(&fixture.mallory.token, "mallory/own", target).await;
            let mut flipped = target.clone();
            *flipped.last_mut().unwrap() ^= 1;
            let short = &target[..target.len() - 1];
            let long = [&target[..], b"x"].concat();
            for wrong in [&flipped[..], short, &long, b""] {
                let reply = Reply::of(server.http.put(&upload).body(wrong.to_vec())).await;
                assert_eq!((reply.status, reply.header("content-type")), (422, LFS_JSON), "{}", reply.text());

                // Without a length that tells, it takes reading.
                let mut wire = RawConnection::open(&server).await;
                wire.request("PUT", &upload, &["Transfer-Encoding: chunked"]).await;
                if !wrong.is_empty() {
                    wire.send(format!("{:x}\r\n", wrong.len())).await;
                    wire.send(wrong).await;
                    wire.send("\r\n").await;
                }
                wire.send("0\r\n\r\n").await;
                assert_eq!(wire.reply().await.0, 422, "{} bytes in chunks", wrong.len());
            }
            let proof = json!({"oid": Oid::of(target), "size": target.len()}).to_string();
            let request = server.http.post(&verify).header("content-type", LFS_JSON).body(proof);
            assert_eq!(Reply::of(request).await.status, 404);
            let (_, reply) = server.batch(Some(&fixture.mallory.token), "mallory/own", &batch_of("download", target)).await;
            assert_eq!(reply["objects"][0]["error"]["code"], 404, "{reply}");
        }
        assert!(!server.stored(&Oid::of(&future).to_string()).exists());
        assert_eq!(parts(&server), Vec::<String>::new());

        server.upload(&fixture.ada.token, SECRET, &future).await;
        let href = server.download_url(&fixture.ada.token, SECRET, &future).await;
        assert!(Reply::of(server.http.get(href)).await.body == future);
        fixture.assert_unharmed(&server).await;
    }
}

/// Temporary files in the object store.
fn parts(server: &Server) -> Vec<String> {
    let mut names = names(&server.app.config.data.join("store").join("objects"));
    names.retain(|name| name.contains(".part"));
    names
}

story! {
    on(sqlite) async fn huge_requests_are_refused(server: Server) {
        let fixture = Fixture::open(&server).await;
        let own = Some(fixture.mallory.token.as_str());
        let padding = " ".repeat(server.app.config.limits.json_bytes + 1);
        for tail in ["info/lfs/objects/batch", "objects/batch", "info/lfs/locks", "info/lfs/locks/verify"] {
            let request = server.request("POST", &format!("/mallory/own.git/{tail}"), own);
            let request = request.header("content-type", LFS_JSON);
            let reply = Reply::of(request.body(format!("{{{padding}}}"))).await;
            assert_eq!((reply.status, reply.header("content-type")), (413, LFS_JSON), "{tail} {}", reply.text());

            // Announced, it need not even be sent; in chunks, reading stops.
            let authorization = format!("Authorization: Bearer {}", fixture.mallory.token);
            let media = format!("Content-Type: {LFS_JSON}");
            let path = format!("/mallory/own.git/{tail}");
            let mut wire = RawConnection::open(&server).await;
            wire.request("POST", &path, &[&authorization, &media, "Content-Length: 99999999999"]).await;
            assert_eq!(wire.reply().await.0, 413, "{tail}");
            let mut wire = RawConnection::open(&server).await;
            wire.request("POST", &path, &[&authorization, &media, "Transfer-Encoding: chunked"]).await;
            wire.send(format!("{:x}\r\n{padding}\r\n", padding.len())).await;
            assert_eq!(wire.reply().await.0, 413, "{tail}");
        }
        let objects: Vec<Value> = (0_u32..1001).map(|n| json!({"oid": Oid::of(&n.to_be_bytes()), "size": 1})).collect();
        let body = json!({"operation": "upload", "objects": objects});
        assert_eq!(server.batch(own, "mallory/own", &body).await.0, 413, "too many objects");
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let request = server.request("POST", "/mallory/own.git/info/lfs/objects/batch", own);
        let reply = Reply::of(request.header("content-type", LFS_JSON).body(nested)).await;
        assert!([400, 422].contains(&reply.status), "{} {}", reply.status, reply.text());
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    on(sqlite) async fn a_decompression_bomb_is_refused(server: Server) {
        let fixture = Fixture::open(&server).await;
        let tree = server.tree("bomb");
        // A fetch request of 300 MB that is as well-formed as it can be, in little more than 1 MB.
        let line = format!("0032have {}", "1".repeat(40));
        tree.sh(&format!("{{ printf '0011command=fetch0001'; yes '{line}' | head -n 6000000; }} | gzip -1 >fetch.gz"));
        tree.sh("head -c 200M /dev/zero | gzip -1 >zeros.gz");
        for (bomb, service, protocol) in [
            ("fetch.gz", "git-upload-pack", "version=2"),
            ("zeros.gz", "git-upload-pack", "version=2"),
            ("zeros.gz", "git-upload-pack", "version=0"),
            ("zeros.gz", "git-receive-pack", ""),
        ] {
            let request = server.request("POST", &format!("/{SECRET}.git/{service}"), Some(&fixture.ada.token));
            let request = request
                .header("content-type", format!("application/x-{service}-request"))
                .header("content-encoding", "gzip")
                .header("git-protocol", protocol)
                .body(tree.read(bomb));
            let started = std::time::Instant::now();
            // The server may hang up on a client that is still sending.
            if let Ok(response) = request.send().await {
                let status = response.status().as_u16();
                let said = response.text().await.unwrap_or_default();
                assert!(status < 500, "{bomb} {service}: {status} {said}");
                assert!(said.len() < 10_000_000, "{bomb} {service}");
            }
            assert!(started.elapsed() < Duration::from_mins(1), "{bomb} {service}");
        }
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    on(sqlite) async fn invalid_compression_is_answered_with_400(server: Server) {
        let fixture = Fixture::open(&server).await;
        let tree = server.tree("gzip");
        tree.sh("printf '0014command=ls-refs\\n00000000' | gzip >whole.gz");
        let whole = tree.read("whole.gz");
        for (body, service, expected) in [
            (&whole[..], "git-upload-pack", &[200][..]),
            (&whole[..whole.len() - 12], "git-upload-pack", &[400, 422]),
            (b"not gzip at all", "git-upload-pack", &[400]),
            (b"not gzip at all", "git-receive-pack", &[400]),
            (b"", "git-receive-pack", &[400, 422]),
        ] {
            let request = server.request("POST", &format!("/{SECRET}.git/{service}"), Some(&fixture.ada.token));
            let request = request
                .header("content-type", format!("application/x-{service}-request"))
                .header("content-encoding", "gzip")
                .header("git-protocol", "version=2")
                .body(body.to_vec());
            let reply = Reply::of(request).await;
            let (status, said) = (reply.status, reply.text());
            assert!(expected.contains(&status), "{} bytes to {service}: {status} {said}", body.len());
        }
        fixture.assert_unharmed(&server).await;
    }
}

story! {
    on(sqlite) async fn a_push_may_be_compressed(server: Server) {
        let fixture = Fixture::open(&server).await;
        let tree = server.tree("gzip");
        tree.write("a.txt", "a");
        let new = tree.commit("Compressed on its way");
        let command = format!("{} {new} refs/heads/main\0report-status", "0".repeat(40));
        let line = format!("{:04x}{command}0000", command.len() + 4);
        tree.write("head", line);
        tree.sh("{ cat head; echo HEAD | git pack-objects --revs --stdout -q; } | gzip -c >push.gz");
        let request = server.request("POST", "/mallory/zipped.git/git-receive-pack", Some(&fixture.mallory.token));
        let request = request
            .header("content-type", "application/x-git-receive-pack-request")
            .header("content-encoding", "gzip")
            .body(tree.read("push.gz"));
        let reply = Reply::of(request).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "000eunpack ok\n0017ok refs/heads/main\n0000"));
        assert_eq!(server.assert_intact(&fixture.mallory, "mallory/zipped").await.revision("HEAD"), new);
    }
}

story! {
    on(sqlite) async fn an_interrupted_upload_or_push_leaves_nothing(server: Server) {
        let ada = server.person("ada").await;
        let work = server.published_dataset(&ada, "ada/data", "work");
        let before = work.remote_refs();
        let packs = names(&server.app.config.data.join("store")).len();
        work.write("scans/large.bin", noise(30, 3_000_000));
        work.commit("A large object");
        work.write("large.txt", noise(31, 3_000_000));
        work.commit("A large file");

        // Both the object and the pack break off after a third.
        let line = FaultProxy::open(&server, 1_000_000, u64::MAX, usize::MAX).await;
        let remote = line.remote(&ada, "ada/data");
        work.git(&["config", "lfs.transfer.maxretries", "1"]);
        let oid = work.git(&["lfs", "ls-files", "--long", "--include=scans/large.bin"])[..64].to_owned();
        work.git_fails(&["lfs", "push", &remote, "main"]);
        assert!(line.breaks_left() < usize::MAX);
        eventually("the broken upload is removed", async || parts(&server).is_empty()).await;
        assert!(!server.stored(&oid).exists());

        work.git(&["lfs", "push", "origin", "main"]);
        let breaks = line.breaks_left();
        work.git_fails(&["push", "--no-verify", &remote, "main"]);
        assert!(line.breaks_left() < breaks);
        assert_eq!(work.remote_refs(), before);
        eventually("the broken push is removed", async || {
            let cache = names(&server.app.config.cache());
            !cache.iter().any(|name| name.starts_with("q-") || name.starts_with("tmp-"))
        })
        .await;
        let objects = 3; // Two folders and a file.
        assert_eq!(names(&server.app.config.data.join("store")).len(), packs + objects, "no pack was stored");
        server.assert_intact(&ada, "ada/data").await;

        work.git(&["push", "-q", "origin", "main"]);
        assert!(server.assert_intact(&ada, "ada/data").await.files() == work.files());
    }
}

story! {
    on(sqlite) async fn a_slow_client_does_not_block_others(engine: Engine) {
        let limit = |config: &mut Config| {
            config.limits.idle_timeout = 1;
            config.limits.git_processes = 1;
        };
        let server = Server::start_with(engine, limit).await;
        let fixture = Fixture::open(&server).await;
        let bytes = noise(40, 100_000);
        let (upload, _) = server.upload_urls(&fixture.mallory.token, "mallory/own", &bytes).await;
        let mut slow = RawConnection::open(&server).await;
        slow.request("PUT", &upload, &["Content-Length: 100000"]).await;
        slow.send(&bytes[..50_000]).await;
        let authorization = format!("Authorization: Bearer {}", fixture.mallory.token);
        let media = "Content-Type: application/x-git-receive-pack-request";
        let mut push = RawConnection::open(&server).await;
        push.request("POST", "/mallory/own.git/git-receive-pack", &[&authorization, media, "Content-Length: 5000"]).await;
        push.send("00").await;
        // The only slot for a fetch is taken by a complete request.
        let media = "Content-Type: application/x-git-upload-pack-request";
        let mut fetch = RawConnection::open(&server).await;
        fetch.request("POST", "/mallory/own.git/git-upload-pack", &[&authorization, media, "Content-Length: 5000"]).await;
        fetch.send("0032want ").await;

        fixture.assert_unharmed(&server).await;
        let (status, _, body) = slow.reply().await;
        assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
        for mut dawdler in [push, fetch] {
            let (status, _, body) = dawdler.reply().await;
            assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
        }
        assert_eq!(parts(&server), Vec::<String>::new());
        assert!(!server.stored(&Oid::of(&bytes).to_string()).exists());
    }
}

story! {
    on(sqlite) async fn a_small_pack_cannot_expand_without_limit(server: Server) {
        let fixture = Fixture::open(&server).await;
        let tree = server.tree("bomb");
        // 500,000 files, each with a path of 52 KB, in 10 KB.
        let tip = tree.sh(
            "b=$(echo x | git hash-object -w --stdin); L=$(printf 'n%.0s' $(seq 3990))
             t=$(for i in $(seq -w 0 999); do printf '100644 blob %s\\t%s%s\\n' $b $L $i; done | git mktree)
             t=$(for i in $(seq -w 0 498); do printf '040000 tree %s\\t%s%s\\n' $t $L $i; done | git mktree)
             for k in 1 2 3 4 5 6 7 8 9 10; do t=$(printf '040000 tree %s\\t%s\\n' $t $L | git mktree); done
             git commit-tree $t -m x 2>/dev/null",
        );
        let own = server.remote(&fixture.mallory, "mallory/own");
        let said = tree.git_fails(&["push", "--no-verify", &own, &format!("{tip}:refs/heads/main")]);
        assert!(said.contains("a path with more than 4096 bytes"), "{}", &said[said.len().saturating_sub(2000)..]);
        // A message of 100 MB, in 100 KB.
        tree.sh("head -c 100M /dev/zero | tr '\\0' m >message");
        let tip = tree.sh("t=$(git mktree </dev/null); git commit-tree $t -F message 2>/dev/null");
        let said = tree.git_fails(&["push", "--no-verify", &own, &format!("{tip}:refs/heads/main")]);
        assert!(said.contains("the limit is 1 MiB"), "{}", &said[said.len().saturating_sub(2000)..]);
        fixture.assert_unharmed(&server).await;
    }
}
