//! Browsing: folders, files, their bytes, and differences between revisions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rutter::types::Visibility;
use rutter_testing::{Person, RawConnection, Reply, Server, Tree, noise, story};
use serde_json::{Value, json};

const ROOT: &str = "/api/v1/datasets/ada/data";

/// A dataset of Ada's, with files of all kinds in several revisions, and the tree that they were pushed from.
async fn dataset_with_files(server: &Server) -> (Person, Tree) {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    let tree = server.tree("source");
    tree.with_lfs(&server.remote(&ada, "ada/data"));
    tree.write("a.csv", "id,name\n1,one\n2,two\n");
    tree.write("data/big.bin", noise(1, 5000));
    tree.write("data/deep/er/x.txt", "x\n");
    tree.commit("one");
    tree.write("a-b", "sorts before the folder `a`? no: there is none\n");
    tree.write("data.txt", "sorts behind the folder `data`? no: before it\n");
    tree.write("data/run.sh", "#!/bin/sh\n");
    tree.write("data/empty", "");
    tree.sh("chmod +x data/run.sh; ln -s ../a.csv data/link");
    tree.commit("two");
    tree.write("a.csv", "id,name\n1,one\n2,zwei\n3,three\n");
    tree.write("data/deep/ünï cö#?.txt", "named with care\n");
    tree.commit("three");
    tree.git(&["push", "-q", "origin", "main"]);
    (ada, tree)
}

async fn get(server: &Server, token: &str, path: &str) -> Reply {
    Reply::of(server.request("GET", path, Some(token))).await
}

async fn get_json(server: &Server, token: &str, path: &str) -> Value {
    let reply = get(server, token, path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

/// All pages of a list, by their links.
async fn all_pages(server: &Server, token: &str, path: &str) -> Vec<Value> {
    let (mut items, mut next) = (Vec::new(), path.to_owned());
    loop {
        let reply = get(server, token, &next).await;
        assert_eq!(reply.status, 200, "{next}: {}", reply.text());
        let page = reply.json();
        items.extend(page["items"].as_array().unwrap().clone());
        let link = reply.header("link").to_owned();
        assert_eq!(link.is_empty(), page["next_cursor"].is_null());
        let Some(link) = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) else {
            return items;
        };
        next = link.strip_prefix(&server.url).unwrap().to_owned();
    }
}

fn paths(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["path"].as_str().unwrap()).collect()
}

story! {
    on(sqlite) async fn folders_are_listed_as_git_lists_them(server: Server) {
        let (ada, tree) = dataset_with_files(&server).await;
        let token = &ada.token;
        for (revision, folder) in [("main", ""), ("main", "data"), ("HEAD~1", "data/deep"), ("main~2", "")] {
            let spec = format!("{revision}:{folder}");
            for (asked, flags) in [("", &[][..]), ("&recursive=true", &["-r", "-t"][..])] {
                let url = format!("{ROOT}/tree/{revision}?path={folder}{asked}");
                let all = all_pages(&server, token, &format!("{url}&commits=true")).await;
                let listed = tree.git(&[&["ls-tree", "-z"], flags, &[spec.as_str()]].concat());
                let expected: BTreeMap<&str, (&str, &str)> = listed
                    .split('\0')
                    .filter(|line| !line.is_empty())
                    .map(|line| line.split_once('\t').unwrap())
                    .map(|(about, path)| (path, (&about[..6], about.rsplit(' ').next().unwrap())))
                    .collect();
                assert_eq!(all.len(), expected.len(), "{url}: {all:?}");
                for item in &all {
                    let path = item["path"].as_str().unwrap();
                    let below = path.strip_prefix(folder).unwrap().trim_start_matches('/');
                    let (mode, id) = expected[below];
                    assert_eq!(item["id"], id);
                    let kind = match mode {
                        "040000" => "folder",
                        "120000" => "link",
                        _ => "file",
                    };
                    assert_eq!(item["type"], kind, "{item}");
                    assert_eq!(item["executable"], mode == "100755");
                    let last = tree.git(&["log", "-1", "--first-parent", "--format=%H", revision, "--", path]);
                    assert_eq!(item["last_revision"]["revision"], last.as_str(), "{path}");
                    assert_eq!(item["last_revision"]["author"]["email"], "test@example.org");
                }
                // Small pages list the same items in the same order.
                assert_eq!(all_pages(&server, token, &format!("{url}&commits=true&limit=1")).await, all);
                let plain = all_pages(&server, token, &format!("{url}&limit=2")).await;
                assert_eq!(paths(&plain), paths(&all));
                assert!(plain.iter().all(|item| item.get("last_revision").is_none()));
            }
        }
        let root = all_pages(&server, token, &format!("{ROOT}/tree/main")).await;
        assert_eq!(paths(&root), [".gitattributes", "a-b", "a.csv", "data.txt", "data"]);
        let file = get_json(&server, token, &format!("{ROOT}/files/main/data/big.bin")).await;
        assert_eq!((&file["size"], &file["oid"]), (&json!(5000), &json!(lfs::Oid::of(&noise(1, 5000)).to_string())));
        assert_eq!(file["last_revision"]["description"], "one");
        let named = get_json(&server, token, &format!("{ROOT}/files/main/data/deep/%C3%BCn%C3%AF%20c%C3%B6%23%3F.txt")).await;
        assert_eq!((&named["path"], &named["oid"]), (&json!("data/deep/ünï cö#?.txt"), &Value::Null));
        assert_eq!(get_json(&server, token, &format!("{ROOT}/files/main~2/data")).await["type"], "folder");
    }
}

story! {
    on(sqlite) async fn pages_of_a_list_show_the_revision_of_the_first_page(server: Server) {
        let (ada, tree) = dataset_with_files(&server).await;
        let url = format!("{ROOT}/tree/main?recursive=true&limit=3&commits=true");
        let before = all_pages(&server, &ada.token, &url).await;
        let first = get_json(&server, &ada.token, &url).await;
        tree.git(&["rm", "-rq", "data"]);
        tree.write("new", "new");
        tree.commit("four");
        tree.git(&["push", "-q", "origin", "main"]);
        let cursor = first["next_cursor"].as_str().unwrap();
        let mut all = first["items"].as_array().unwrap().clone();
        all.extend(all_pages(&server, &ada.token, &format!("{url}&cursor={cursor}")).await);
        assert_eq!(all, before);
        let now = all_pages(&server, &ada.token, &url).await;
        assert_eq!(paths(&now), [".gitattributes", "a-b", "a.csv", "data.txt", "new"]);
        // Unchanged entries keep the commit of the older revision.
        let root = all_pages(&server, &ada.token, &format!("{ROOT}/tree/main?commits=true")).await;
        let last: Vec<&str> = root.iter().map(|item| item["last_revision"]["description"].as_str().unwrap()).collect();
        assert_eq!(last, ["one", "two", "three", "two", "four"]);
        for cursor in ["x", ".", "main.YQ", "0000000000000000000000000000000000000000.!", "%00"] {
            let reply = get(&server, &ada.token, &format!("{url}&cursor={cursor}")).await;
            assert_eq!(reply.status, 422, "{cursor}");
        }
        let unknown = format!("{url}&cursor=0000000000000000000000000000000000000000.YQ");
        assert_eq!(get(&server, &ada.token, &unknown).await.status, 404);
        assert_eq!(get(&server, &ada.token, &format!("{ROOT}/tree/main?limit=1001")).await.status, 422);
    }
}

story! {
    on(sqlite) async fn files_are_sent_whole_as_ranges_or_not_modified(server: Server) {
        let (ada, tree) = dataset_with_files(&server).await;
        let url = format!("{ROOT}/raw/main/a.csv");
        let content = tree.read("a.csv");
        let ask = async |method: &str, headers: &[(&str, &str)]| {
            let request = server.request(method, &url, Some(&ada.token));
            Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
        };
        let whole = ask("GET", &[]).await;
        assert_eq!((whole.status, &whole.body), (200, &content));
        let tag = format!("\"{}\"", tree.git(&["rev-parse", "HEAD:a.csv"]));
        for (name, value) in [
            ("etag", tag.as_str()),
            ("content-type", "text/csv; charset=utf-8"),
            ("content-disposition", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("accept-ranges", "bytes"),
            ("content-length", "29"),
        ] {
            assert_eq!(whole.header(name), value, "{name}");
        }
        let head = ask("HEAD", &[("range", "bytes=1-2")]).await;
        assert_eq!((head.status, head.header("content-length"), head.header("etag")), (200, "29", tag.as_str()));
        let part = ask("GET", &[("range", "bytes=3-6"), ("if-range", &tag)]).await;
        assert_eq!((part.status, part.body.as_slice()), (206, &content[3..7]));
        assert_eq!(part.header("content-range"), "bytes 3-6/29");
        assert_eq!(ask("GET", &[("range", "bytes=-4")]).await.body, content[25..]);
        assert_eq!(ask("GET", &[("range", "bytes=3-6"), ("if-range", "\"other\"")]).await.status, 200);
        let beyond = ask("GET", &[("range", "bytes=29-")]).await;
        assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */29"));
        for tags in [tag.as_str(), "*", &format!("\"x\", W/{tag}")] {
            let same = ask("GET", &[("if-none-match", tags)]).await;
            assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, tag.as_str()), "{tags}");
        }
        let inline = get(&server, &ada.token, &format!("{url}?inline=true")).await;
        assert!(inline.header("content-disposition").starts_with("inline"));
        let old = get(&server, &ada.token, &format!("{ROOT}/raw/main~1/a.csv")).await;
        assert_eq!(old.text(), "id,name\n1,one\n2,two\n");
        assert_eq!(get(&server, &ada.token, &format!("{ROOT}/raw/main/data/empty")).await.body, b"");

        // Bytes of Git LFS are redirected.
        let stored = format!("{ROOT}/raw/main/data/big.bin");
        for method in ["GET", "HEAD"] {
            let sent = Reply::of(server.request(method, &format!("{stored}?inline=true"), Some(&ada.token))).await;
            assert_eq!((sent.status, sent.header("cache-control")), (302, "no-store"));
            let bytes = Reply::of(server.http.get(sent.header("location")).header("range", "bytes=10-19")).await;
            assert_eq!((bytes.status, bytes.body.as_slice()), (206, &noise(1, 5000)[10..20]));
            let shown = "inline; filename=\"big.bin\"; filename*=UTF-8''big.bin";
            assert_eq!(bytes.header("content-disposition"), shown);
        }
        for (path, status) in [("data", 404), ("data/big.bin/x", 404), ("nothing", 404), ("a.csv/", 404)] {
            assert_eq!(get(&server, &ada.token, &format!("{ROOT}/raw/main/{path}")).await.status, status, "{path}");
        }
    }
}

story! {
    on(sqlite) async fn uploaded_pages_do_not_run_in_the_browser(server: Server) {
        let (ada, tree) = dataset_with_files(&server).await;
        for name in ["page.html", "drawing.svg", "code.js", "no-type", "x.pdf"] {
            tree.write(name, "<script>alert(1)</script>");
        }
        tree.commit("pages");
        tree.git(&["push", "-q", "origin", "main"]);
        for name in ["page.html", "drawing.svg", "code.js", "no-type", "x.pdf"] {
            let reply = get(&server, &ada.token, &format!("{ROOT}/raw/main/{name}?inline=true")).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, "application/octet-stream"), "{name}");
            assert_eq!(reply.header("content-security-policy"), "sandbox; default-src 'none'");
        }
    }
}

story! {
    on(sqlite) async fn invalid_paths_and_revisions_are_not_found(server: Server) {
        let (ada, _) = dataset_with_files(&server).await;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("x:{}", ada.token));
        let authorization = format!("Authorization: Basic {basic}");
        let long = "x/".repeat(3000) + "x";
        let tricks = [
            "..%2f..%2fetc%2fpasswd", "../../../../etc/passwd", "%2e%2e/a.csv", "data/../a.csv", "data/%2e%2e/a.csv",
            "./a.csv", "%2fa.csv", "data//big.bin", "a.csv%00", "a.csv%0a", ".git/config", ".GIT/config", "git~1/config",
            "data%5cbig.bin", "%252e%252e%252fa.csv", "a.csv%2f", "%ff", "A.CSV", &long,
        ];
        for route in ["files/main/", "raw/main/"] {
            for trick in tricks {
                let mut wire = RawConnection::open(&server).await;
                wire.request("GET", &format!("{ROOT}/{route}{trick}"), &[&authorization]).await;
                let (status, _, body) = wire.reply().await;
                assert_eq!(status, 404, "{route}{trick}: {}", String::from_utf8_lossy(&body));
            }
        }
        for trick in ["../..", "%2e%2e", ".git", "/data", "data//deep", "a.csv", "data/nothing", "%00", &long] {
            let reply = get(&server, &ada.token, &format!("{ROOT}/tree/main?path={trick}")).await;
            assert_eq!(reply.status, 404, "{trick}");
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
        let unknown = ["nothing", "main~99", "main^5", "0000000000000000000000000000000000000000", "main@%7Bnever%7D",
            "%2e%2e", "a%20b", "main~99999999999", "refs%2Frutter%2Fx", "%7B%7D", "-", "%ff"];
        for revision in unknown {
            let urls = [
                format!("{ROOT}/tree/{revision}"),
                format!("{ROOT}/files/{revision}/a.csv"),
                format!("{ROOT}/raw/{revision}/a.csv"),
                format!("{ROOT}/diff?to={revision}"),
                format!("{ROOT}/diff?from={revision}"),
            ];
            for url in urls.iter().filter(|url| !url.contains("/%2e%2e")) {
                assert_eq!(get(&server, &ada.token, url).await.status, 404, "{url}");
            }
        }
        let eve = server.person("eve").await;
        for tail in ["tree/main", "files/main/a.csv", "raw/main/a.csv", "raw/main/data/big.bin", "diff", "diff?path=a.csv"] {
            assert_eq!(get(&server, &eve.token, &format!("{ROOT}/{tail}")).await.status, 404, "{tail}");
            assert_eq!(Reply::of(server.request("GET", &format!("{ROOT}/{tail}"), None)).await.status, 401, "{tail}");
        }
    }
}

story! {
    on(sqlite) async fn a_token_for_one_object_reads_only_that_object(server: Server) {
        let (ada, tree) = dataset_with_files(&server).await;
        tree.write("data/other.bin", noise(2, 600));
        tree.commit("another");
        tree.git(&["push", "-q", "origin", "main"]);
        let oid = lfs::Oid::of(&noise(1, 5000));
        let token = server.app.access.issue(&"ada".parse().unwrap(), &format!("obj:ada/data/{oid}:read"), 600).unwrap();
        let ask = async |tail: &str| {
            Reply::of(server.http.get(format!("{}{ROOT}/{tail}", server.url)).bearer_auth(&token)).await
        };
        let sent = ask("raw/main/data/big.bin").await;
        assert_eq!(sent.status, 302, "{}", sent.text());
        assert_eq!(Reply::of(server.http.get(sent.header("location"))).await.body, noise(1, 5000));
        let tails = ["raw/main/data/other.bin", "raw/main/a.csv", "raw/main/data/nothing", "raw/none/a.csv", "raw/main/data"];
        for tail in tails {
            let refused = ask(tail).await;
            assert_eq!(refused.status, 404, "{tail}");
            let path = tail.splitn(3, '/').last().unwrap();
            let detail = format!("\"{path}\" does not exist, or this token does not cover it");
            assert_eq!(refused.json()["detail"], detail, "{tail}");
        }
        for tail in ["tree/main", "files/main/data/big.bin", "diff"] {
            assert_eq!(ask(tail).await.status, 404, "{tail}");
        }
        // The token does not cover the same object in another dataset.
        server.dataset("ada/twin", Visibility::Private).await;
        server.upload(&ada.token, "ada/twin", &noise(1, 5000)).await;
        tree.git(&["push", "-q", &server.remote(&ada, "ada/twin"), "main~1:refs/heads/main"]);
        let url = format!("{}/api/v1/datasets/ada/twin/raw/main/data/big.bin", server.url);
        assert_eq!(Reply::of(server.http.get(url).bearer_auth(&token)).await.status, 404);
    }
}

story! {
    on(sqlite) async fn differences_are_listed_by_file_and_by_line(server: Server) {
        let (ada, tree) = dataset_with_files(&server).await;
        let token = &ada.token;
        tree.git(&["mv", "data/deep/er/x.txt", "data/moved.txt"]);
        tree.git(&["rm", "-q", "data.txt"]);
        tree.sh("chmod -x data/run.sh");
        tree.write("a.csv", "id,name\n1,one\n2,two\n3,three\n");
        tree.write("data/big.bin", noise(3, 700));
        tree.write("large.txt", "line\n".repeat(300_000));
        tree.write("binary", [0, 1, 2, 255]);
        let four = tree.commit("four");
        tree.git(&["push", "-q", "origin", "main"]);
        let found = get_json(&server, token, &format!("{ROOT}/diff")).await;
        assert_eq!(found["to"], four);
        assert_eq!(found["from"], tree.git(&["rev-parse", "main~1"]));
        let items = found["items"].as_array().unwrap();
        let answer: Vec<(&str, &str)> =
            items.iter().map(|item| (item["path"].as_str().unwrap(), item["change"].as_str().unwrap())).collect();
        assert_eq!(answer, [
            ("a.csv", "changed"), ("binary", "added"), ("data.txt", "removed"), ("data/big.bin", "changed"),
            ("data/moved.txt", "renamed"), ("data/run.sh", "mode"), ("large.txt", "added"),
        ]);
        let big = &items[3];
        assert_eq!((&big["before"]["size"], &big["after"]["size"]), (&json!(5000), &json!(700)));
        assert_eq!(big["after"]["oid"], lfs::Oid::of(&noise(3, 700)).to_string());
        assert_eq!(big["before"]["id"], tree.git(&["rev-parse", "main~1:data/big.bin"]));
        assert_eq!((&items[1]["before"], &items[2]["after"]), (&Value::Null, &Value::Null));
        assert_eq!(items[4]["before"]["path"], "data/deep/er/x.txt");

        // Pages by their links, while branches change.
        let mut next = format!("{ROOT}/diff?limit=2&from=main~1&to=main");
        let mut all = Vec::new();
        tree.write("later", "later");
        tree.commit("five");
        let mut pushed = false;
        loop {
            let reply = get(&server, token, &next).await;
            all.extend(reply.json()["items"].as_array().unwrap().clone());
            if !std::mem::replace(&mut pushed, true) {
                tree.git(&["push", "-q", "origin", "main"]);
            }
            let Some(link) = reply.header("link").strip_prefix('<').and_then(|link| link.split_once('>')) else { break };
            next = link.0.strip_prefix(&server.url).unwrap().to_owned();
        }
        assert_eq!(&all, items);

        let line = async |path: &str| {
            let url = format!("{ROOT}/diff?from={four}~1&to={four}&path={path}");
            let found = get_json(&server, token, &url).await;
            found["items"][0]["text"].clone()
        };
        let text = line("a.csv").await;
        assert_eq!(
            text["unified"],
            "--- a/a.csv\n+++ b/a.csv\n@@ -1,4 +1,4 @@\n id,name\n 1,one\n-2,zwei\n+2,two\n 3,three\n"
        );
        let gone = line("data.txt").await;
        assert!(gone["unified"].as_str().unwrap().starts_with("--- a/data.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-"));
        for (path, why) in [("data/big.bin", "stored"), ("large.txt", "large"), ("binary", "binary")] {
            assert_eq!(line(path).await, json!({"unified": null, "omitted": why}), "{path}");
        }
        // A file that moved is found by both names; one that did not change differs in nothing.
        assert_eq!(line("data/moved.txt").await, line("data/deep/er/x.txt").await);
        assert_eq!(line("a-b").await, Value::Null);
        let nowhere = get(&server, token, &format!("{ROOT}/diff?path=nowhere")).await;
        assert_eq!(nowhere.status, 404);
        // The first revision compared with an empty one, in both directions.
        let first = get_json(&server, token, &format!("{ROOT}/diff?to={four}~3")).await;
        assert_eq!((&first["from"], first["files"].as_u64()), (&Value::Null, Some(4)));
        let back = get_json(&server, token, &format!("{ROOT}/diff?from={four}&to={four}~1")).await;
        assert_eq!(back["files"], items.len());
        let same = get_json(&server, token, &format!("{ROOT}/diff?from={four}&to={four}")).await;
        assert_eq!((&same["items"], &same["files"]), (&json!([]), &json!(0)));
    }
}

story! {
    on(sqlite) async fn differences_of_metadata_and_schemas_are_listed_by_kind(server: Server) {
        let (ada, _) = dataset_with_files(&server).await;
        let put = async |package: &Value| {
            let request = server.request("PUT", ROOT, Some(&ada.token)).header("content-type", "application/json");
            assert_eq!(Reply::of(request.body(json!({"package": package}).to_string())).await.status, 200);
        };
        let none = get_json(&server, &ada.token, &format!("{ROOT}/diff")).await;
        assert!(none.get("package").is_none() && none.get("schemas").is_none(), "{none}");
        let mut package = json!({"name": "data", "title": "Old", "resources": [{"name": "table", "path": "a.csv",
            "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}}]});
        put(&package).await;
        let first = get_json(&server, &ada.token, &format!("{ROOT}/diff")).await;
        assert!(first["package"].as_array().unwrap().iter().any(|change| change["type"] == "new_resource"), "{first}");
        package["title"] = json!("New");
        package["resources"][0]["schema"]["fields"][0]["type"] = json!("string");
        put(&package).await;
        let found = get_json(&server, &ada.token, &format!("{ROOT}/diff")).await;
        let title = json!({"type": "title", "method": "change", "old": "Old", "new": "New"});
        assert!(found["package"].as_array().unwrap().contains(&title), "{found}");
        assert_eq!(found["schemas"]["resources"][0]["resource"], "table");
        assert_eq!(found["schemas"]["resources"][0]["changes"][0]["field"], "id");
        let back = get_json(&server, &ada.token, &format!("{ROOT}/diff?from=main&to=main~1")).await;
        assert_eq!(back["schemas"]["verdict"], "breaking", "{back}");
        let one = get_json(&server, &ada.token, &format!("{ROOT}/diff?path=datapackage.json")).await;
        assert!(one.get("package").is_none());
    }
}

story! {
    on(sqlite) async fn a_tree_with_an_exponential_number_of_paths_is_listed_in_pages(server: Server) {
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        let tree = server.tree("bomb");
        tree.write("blob", "x");
        let blob = tree.git(&["hash-object", "-w", "blob"]);
        let mut below = (format!("100644 blob {blob}"), String::new());
        for _ in 0..12 {
            let mut listing = String::new();
            for name in 0..40 {
                writeln!(listing, "{}\tn{name:02}", below.0).unwrap();
            }
            tree.write("listing", &listing);
            below.1 = tree.sh("git mktree <listing");
            below.0 = format!("040000 tree {}", below.1);
        }
        let commit = tree.git(&["commit-tree", "-m", "bomb", &below.1]);
        let pushed = tree.try_git(&["push", "-q", &server.remote(&ada, "ada/data"), &format!("{commit}:refs/heads/main")]);
        assert!(pushed.status.success(), "{}", rutter_testing::text(&pushed));
        let began = Instant::now();
        let mut next = format!("{ROOT}/tree/main?recursive=true&commits=true&limit=1000");
        let mut last = String::new();
        for _ in 0..3 {
            let reply = get(&server, &ada.token, &next).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let page = reply.json();
            let items = page["items"].as_array().unwrap();
            assert_eq!(items.len(), 1000);
            let first = items[0]["path"].as_str().unwrap();
            assert!(first > last.as_str(), "{first} {last}");
            items[999]["path"].as_str().unwrap().clone_into(&mut last);
            let link = reply.header("link").strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
            next = link.strip_prefix(&server.url).unwrap().to_owned();
        }
        let found = get(&server, &ada.token, &format!("{ROOT}/diff")).await;
        assert_eq!(found.status, 413, "{}", found.text());
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    }
}
