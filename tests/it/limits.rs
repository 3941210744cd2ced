//! Rate limits: clients over a limit, or guessing secrets, are refused; others are not affected.

use std::time::{Duration, Instant};

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, LFS_JSON, Person, RawConnection, Reply, Server, eventually, noise, story};
use serde_json::json;

/// A server without limits, but for these.
async fn limited(engine: Engine, rates: Rates) -> Server {
    Server::start_with(engine, |config| config.rates = rates).await
}

/// The same behind a proxy that it trusts: the tests are the proxy.
async fn proxied(engine: Engine, rates: Rates) -> Server {
    Server::start_with(engine, |config| {
        config.rates = rates;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

const ADVERTISEMENT: &str = "/ada/data.git/info/refs?service=git-upload-pack";

/// Gets the refs of ada's dataset with a password, from an address that a proxy forwards.
async fn get_refs_from(server: &Server, address: &str, name: &str, password: &str) -> Reply {
    let request = server.request("GET", ADVERTISEMENT, None).basic_auth(name, Some(password));
    Reply::of(request.header("x-forwarded-for", address)).await
}

async fn get_refs(server: &Server, person: &Person) -> Reply {
    Reply::of(server.request("GET", ADVERTISEMENT, Some(&person.token))).await
}

async fn private_dataset(server: &Server) -> Person {
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    ada
}

async fn metric(server: &Server, name: &str) -> u64 {
    let figures = Reply::of(server.request("GET", "/metrics", None)).await.text();
    let line = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}

/// A token that could be one.
fn guess(number: u64) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let random = noise(number + 1, 43).into_iter().map(|byte| char::from(alphabet[usize::from(byte) % 64]));
    format!("rut_{}", random.collect::<String>())
}

/// Sleeps for the Retry-After of an answer.
async fn wait_as_asked(reply: &Reply) {
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

story! {
    on(sqlite) async fn guessing_tokens_is_slowed_down_and_does_not_affect_known_users(engine: Engine) {
        let server = proxied(engine, Rates { failures_address: 60, ..Rates::off() }).await;
        let (ada, ben) = (private_dataset(&server).await, server.person("ben").await);
        let here = "203.0.113.5";
        assert_eq!(get_refs_from(&server, here, "ada", &ada.token).await.status, 200);

        let began = Instant::now();
        let (mut heard, mut number) = (0, 0);
        let refused = loop {
            let reply = get_refs_from(&server, here, "ada", &guess(number)).await;
            number += 1;
            match reply.status {
                401 => heard += 1,
                429 => break reply,
                other => panic!("{other} {}", reply.text()),
            }
        };
        let fair = 60 + began.elapsed().as_secs() + 1;
        assert!((60..=fair).contains(&heard), "{heard} of {fair}");
        assert_eq!(refused.header("ratelimit"), "\"failures-address\";r=0;t=1");
        assert_eq!(refused.text(), "too many wrong passwords or tokens from your address; try again in 1 second\n");

        // A right guess looks like a wrong one.
        let lucky = async || {
            // One guess per second is allowed.
            let _ = get_refs_from(&server, here, "ada", &guess(0)).await;
            get_refs_from(&server, here, "ada", &ben.token).await.status
        };
        assert_eq!(lucky().await, 429);
        // Known clients are not affected, nor are those at other addresses.
        assert_eq!(get_refs_from(&server, here, "ada", &ada.token).await.status, 200);
        assert_eq!(get_refs_from(&server, "203.0.113.6", "ben", &ben.token).await.status, 404);
        // Anonymous requests are not guesses.
        let anonymous = server.request("GET", ADVERTISEMENT, None).header("x-forwarded-for", here);
        assert_eq!(Reply::of(anonymous).await.status, 401);
        assert!(metric(&server, "rutter_limited_total{limit=\"failures-address\"}").await >= 2);

        wait_as_asked(&refused).await;
        assert_eq!(get_refs_from(&server, here, "ada", &guess(9)).await.status, 401, "one more");
    }
}

story! {
    on(sqlite) async fn concurrent_guesses_are_limited_like_sequential_ones(engine: Engine) {
        let server = limited(engine, Rates { failures_address: 10, ..Rates::off() }).await;
        private_dataset(&server).await;
        let guesses = (0..60).map(|number| {
            let request = server.request("GET", ADVERTISEMENT, Some(&guess(number)));
            async move { Reply::of(request).await.status }
        });
        let answers = futures::future::join_all(guesses).await;
        let heard = answers.iter().filter(|status| **status == 401).count();
        assert!((10..=11).contains(&heard), "{answers:?}");
        assert!(answers.iter().all(|status| [401, 429].contains(status)), "{answers:?}");
    }
}

story! {
    on(sqlite) async fn passwords_of_one_account_are_not_guessed_from_many_addresses(engine: Engine) {
        let server = proxied(engine, Rates { failures_account: 5, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let from = |number: u32| format!("198.51.100.{number}");
        for number in 0..5 {
            assert_eq!(get_refs_from(&server, &from(number), "ada", &format!("password{number}")).await.status, 401);
        }
        for name in ["ada", "Ada", "ADA"] {
            let reply = get_refs_from(&server, &from(50), name, "password5").await;
            assert_eq!(reply.status, 429, "{name}");
            assert!(reply.text().starts_with("too many wrong passwords for this account"), "{}", reply.text());
            assert_eq!(reply.header("retry-after"), "12");
        }
        // A token is not a guess, with any name; and other accounts are not affected.
        assert_eq!(get_refs_from(&server, &from(51), "ada", &ada.token).await.status, 200);
        assert_eq!(get_refs_from(&server, &from(51), "ada", &guess(1)).await.status, 401);
        assert_eq!(get_refs_from(&server, &from(51), "ben", "password").await.status, 401);
    }
}

story! {
    on(sqlite) async fn a_revoked_token_is_no_longer_trusted(engine: Engine) {
        let server = limited(engine, Rates { failures_address: 3, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        assert_eq!(get_refs(&server, &ada).await.status, 200);
        let id = server.app.accounts.tokens(&"ada".parse().unwrap()).await.unwrap()[0].id;
        server.app.accounts.revoke_token(id).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(get_refs(&server, &ada).await.status);
        }
        assert_eq!(answers, [401, 401, 401, 429, 429]);
    }
}

story! {
    on(sqlite) async fn a_user_over_the_limit_is_refused_and_others_at_the_same_address_are_not(engine: Engine) {
        let server = limited(engine, Rates { token: 5, burst_seconds: 20, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let ben = server.person("ben").await;
        let began = Instant::now();
        let mut count = 0;
        let refused = loop {
            let reply = get_refs(&server, &ada).await;
            if reply.status == 429 {
                break reply;
            }
            assert_eq!(reply.status, 200);
            count += 1;
        };
        // 100 points, and 5 for each look.
        let fair = 20 + began.elapsed().as_secs() + 1;
        assert!((20..=fair).contains(&count), "{count} of {fair}");
        assert_eq!((refused.header("retry-after"), refused.header("content-type")), ("1", "text/plain; charset=utf-8"));
        assert_eq!(refused.text(), "too many requests with this token; try again in 1 second\n");
        assert_eq!(refused.header("ratelimit-policy"), "\"token\";q=100;w=20");
        assert_eq!(get_refs(&server, &ben).await.status, 404, "ben is asked who he is, and let in");
        let second = server.token("ada", &[]).await;
        let reply = Reply::of(server.request("GET", ADVERTISEMENT, Some(&second))).await;
        assert_eq!(reply.status, 200, "another token of hers");
        wait_as_asked(&refused).await;
        assert_eq!(get_refs(&server, &ada).await.status, 200);
    }
}

story! {
    on(sqlite) async fn several_tokens_of_a_user_share_one_limit(engine: Engine) {
        let server = limited(engine, Rates { user: 5, burst_seconds: 20, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let second = server.token("ada", &[]).await;
        let began = Instant::now();
        let mut count = 0;
        let refused = loop {
            let token = if count % 2 == 0 { &ada.token } else { &second };
            let reply = Reply::of(server.request("GET", ADVERTISEMENT, Some(token))).await;
            if reply.status == 429 {
                break reply;
            }
            count += 1;
        };
        let fair = 20 + began.elapsed().as_secs() + 1;
        assert!((20..=fair).contains(&count), "{count} of {fair}");
        assert!(refused.text().starts_with("too many requests by your account"), "{}", refused.text());
    }
}

story! {
    on(sqlite) async fn a_client_that_ignores_retry_after_does_not_affect_its_neighbours(engine: Engine) {
        let rates = Rates { token: 10, address: 500, burst_seconds: 1, ..Rates::off() };
        let server = limited(engine, rates).await;
        let ada = private_dataset(&server).await;
        let ben = server.person("ben").await;
        // Each would be 100 points of the address.
        let fetch = "/ada/data.git/git-upload-pack";
        for _ in 0..60 {
            let reply = Reply::of(server.request("POST", fetch, Some(&ada.token)).body("0000")).await;
            assert!([429, 415].contains(&reply.status), "{}", reply.status);
            assert!(!reply.text().contains("address"), "{}", reply.text());
        }
        assert_eq!(get_refs(&server, &ben).await.status, 404);
    }
}

story! {
    on(sqlite) async fn the_cost_of_a_batch_depends_on_its_objects(engine: Engine) {
        let server = limited(engine, Rates { token: 100, burst_seconds: 1, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let batch = |count: u64| {
            let objects: Vec<_> =
                (0..count).map(|number| json!({"oid": lfs::Oid::of(&number.to_le_bytes()), "size": 8})).collect();
            json!({"operation": "download", "objects": objects})
        };
        let ask = async |count| server.lfs(Some(&ada.token), "ada/data", "objects/batch", &batch(count)).await;
        assert_eq!(ask(5).await.status, 200);
        // It is let through, and leaves a debt of some 800 points.
        assert_eq!(ask(900).await.status, 200);
        let refused = ask(1).await;
        assert_eq!((refused.status, refused.header("content-type")), (429, LFS_JSON));
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((6..=9).contains(&seconds), "{seconds}");
        let said = refused.json();
        let answer = format!("too many requests with this token; try again in {seconds} seconds");
        assert_eq!(said["message"], answer);
        assert!(said["request_id"].is_string(), "{said}");
    }
}

/// Asks until refused, or 100 times; each time as if from another address.
async fn answered(server: &Server, forwarded: impl Fn(u32) -> String) -> u32 {
    for number in 0..100 {
        let request = server.request("GET", ADVERTISEMENT, None);
        let request = request.header("x-forwarded-for", forwarded(number));
        // Other headers that proxies use mean nothing here.
        let address = format!("198.51.100.{number}");
        let request = request.header("x-real-ip", &address).header("forwarded", format!("for={address}"));
        let reply = Reply::of(request).await;
        if reply.status == 429 {
            assert!(reply.text().starts_with("too many requests from your address"), "{}", reply.text());
            return number;
        }
        assert_eq!(reply.status, 401);
    }
    100
}

story! {
    on(sqlite) async fn untrusted_forwarding_headers_are_ignored(engine: Engine) {
        let rates = || Rates { address: 5, burst_seconds: 20, ..Rates::off() };
        let direct = limited(engine, rates()).await;
        assert!(answered(&direct, |number| format!("198.51.100.{number}")).await < 100);
        assert_eq!(Reply::of(direct.request("GET", "/healthz", None)).await.status, 200, "it lives all the same");
        let behind = proxied(engine, rates()).await;
        assert_eq!(answered(&behind, |number| format!("198.51.100.{number}")).await, 100, "so says our proxy");
        assert!(answered(&behind, |number| format!("198.51.100.{number}, 203.0.113.5")).await < 100);
        assert!(answered(&behind, |number| format!("2001:db8::{number:x}")).await < 100, "one network");
        assert_eq!(answered(&behind, |number| format!("2001:db8:1:{number:x}::1")).await, 100);
    }
}

story! {
    on(sqlite) async fn git_shows_the_rate_limit_message(engine: Engine) {
        let server = limited(engine, Rates { token: 5, burst_seconds: 1, wait_seconds: 2, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let tree = server.tree("ada");
        let remote = server.remote(&ada, "ada/data");
        // A running operation is delayed, not refused half way: git would not retry.
        tree.git(&["ls-remote", &remote]);
        let said = tree.git_fails(&["ls-remote", &remote]);
        assert!(said.contains("remote: too many requests with this token; try again in "), "{said}");
        assert!(said.contains("429"), "{said}");
    }
}

story! {
    on(sqlite) async fn git_lfs_respects_retry_after(engine: Engine) {
        let server = limited(engine, Rates { token: 100, burst_seconds: 1, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let tree = server.tree("ada");
        tree.with_lfs(&server.remote(&ada, "ada/data"));
        tree.write("one.bin", noise(1, 500));
        tree.commit("One");
        let objects: Vec<_> =
            (0..500u64).map(|number| json!({"oid": lfs::Oid::of(&number.to_le_bytes()), "size": 8})).collect();
        let many = json!({"operation": "download", "objects": objects});
        assert_eq!(server.batch(Some(&ada.token), "ada/data", &many).await.0, 200);
        let began = Instant::now();
        // For locks it treats any refusal as permanent.
        tree.git(&["-c", "lfs.locksverify=false", "lfs", "push", "origin", "main"]);
        assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
        assert!(metric(&server, "rutter_limited_total{limit=\"token\"}").await > 0);
        assert!(server.stored(&lfs::Oid::of(&noise(1, 500)).to_string()).is_file());
    }
}

story! {
    on(sqlite) async fn git_lfs_that_does_not_wait_is_delayed(engine: Engine) {
        const FILES: usize = 60;
        let server = limited(engine, Rates { address: 40, burst_seconds: 1, wait_seconds: 5, ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let tree = server.tree("ada");
        tree.with_lfs(&server.remote(&ada, "ada/data"));
        for number in 0..FILES {
            tree.write(&format!("{number}.bin"), noise(number as u64 + 1, 500));
        }
        tree.commit("Many");
        let began = Instant::now();
        tree.git(&["lfs", "push", "origin", "main"]);
        // A point for each object, each upload and each proof, and 40 to begin with.
        assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
        // Some versions give up when they are refused eight times, which takes them a moment.
        assert_eq!(metric(&server, "rutter_limited_total{limit=\"address\"}").await, 0);
        for number in 0..FILES {
            let oid = lfs::Oid::of(&noise(number as u64 + 1, 500));
            assert!(server.stored(&oid.to_string()).is_file(), "{number}");
        }
    }
}

story! {
    on(sqlite) async fn one_user_cannot_use_all_transfer_slots(engine: Engine) {
        let server = proxied(engine, Rates { transfers_address: Some(2), ..Rates::off() }).await;
        let ada = private_dataset(&server).await;
        let big = noise(1, 32 << 20);
        server.upload(&ada.token, "ada/data", &big).await;
        let href = server.download_url(&ada.token, "ada/data", &big).await;
        let (here, there) = ("X-Forwarded-For: 203.0.113.5", "X-Forwarded-For: 203.0.113.6");
        let get = async |from: &str| {
            let mut wire = RawConnection::open(&server).await;
            wire.request("GET", &href, &[from]).await;
            let (status, head) = wire.head().await;
            (wire, status, head)
        };
        // They do not read the responses.
        let (first, status, _) = get(here).await;
        assert_eq!(status, 200);
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", b"slowly").await;
        let mut second = RawConnection::open(&server).await;
        second.request("PUT", &upload, &[here, "Content-Length: 6"]).await;
        second.send("slo").await;
        eventually("both run", async || {
            metric(&server, "rutter_transfers{direction=\"upload\"}").await == 1
                && metric(&server, "rutter_transfers{direction=\"download\"}").await == 1
        })
        .await;

        let (_, status, head) = get(here).await;
        assert_eq!(status, 429);
        assert!(head.contains("retry-after: 2\r\n") && head.contains(LFS_JSON), "{head}");
        assert!(head.contains("ratelimit-policy: \"transfers\";q=2;qu=\"concurrent-requests\""), "{head}");
        let (third, status, _) = get(there).await;
        assert_eq!(status, 200, "there is room for others");
        assert!(metric(&server, "rutter_limited_total{limit=\"transfers\"}").await >= 1);

        // Every end of a transfer releases its slot.
        second.send("wly").await;
        assert_eq!(second.reply().await.0, 200);
        let (fourth, status, _) = get(here).await;
        assert_eq!(status, 200);
        drop((first, third, fourth));
        eventually("all have ended", async || {
            metric(&server, "rutter_transfers{direction=\"download\"}").await == 0
        })
        .await;
        assert_eq!(metric(&server, "rutter_transfers{direction=\"upload\"}").await, 0);
        assert_eq!(get(here).await.1, 200);
    }
}

story! {
    on(sqlite) async fn a_transfer_waits_briefly_for_a_slot(engine: Engine) {
        let rates = Rates { transfers_address: Some(1), wait_seconds: 10, ..Rates::off() };
        let server = limited(engine, rates).await;
        let ada = private_dataset(&server).await;
        let (upload, _) = server.upload_urls(&ada.token, "ada/data", b"slowly").await;
        let mut slow = RawConnection::open(&server).await;
        slow.request("PUT", &upload, &["Content-Length: 6"]).await;
        slow.send("slo").await;
        eventually("it runs", async || metric(&server, "rutter_transfers{direction=\"upload\"}").await == 1).await;
        let other = server.upload(&ada.token, "ada/data", b"at once");
        let ends = async {
            eventually("one waits", async || metric(&server, "rutter_limited_waiting").await == 1).await;
            slow.send("wly").await;
            slow.reply().await.0
        };
        let (_, status) = tokio::join!(other, ends);
        assert_eq!(status, 200);
        assert_eq!(metric(&server, "rutter_limited_waiting").await, 0);
        assert_eq!(metric(&server, "rutter_limited_total{limit=\"transfers\"}").await, 0);
    }
}

story! {
    on(sqlite) async fn default_limits_allow_a_team_behind_one_address(server: Server) {
        let ada = private_dataset(&server).await;
        let objects: Vec<_> =
            (0..100u64).map(|number| json!({"oid": lfs::Oid::of(&number.to_le_bytes()), "size": 8})).collect();
        let batch = json!({"operation": "download", "objects": objects});
        let asked = (0..30).map(|number| {
            let (server, ada, batch) = (&server, &ada, &batch);
            async move {
                let person = server.person(&format!("person{number}")).await;
                let mut answers = vec![Reply::of(server.request("GET", ADVERTISEMENT, Some(&guess(number)))).await.status];
                for _ in 0..5 {
                    answers.push(get_refs(server, &person).await.status);
                    answers.push(server.batch(Some(&ada.token), "ada/data", batch).await.0);
                }
                answers
            }
        });
        for answers in futures::future::join_all(asked).await {
            assert!(!answers.contains(&429), "{answers:?}");
        }
    }
}

story! {
    async fn the_documented_metrics_exist(server: Server) {
        let ada = private_dataset(&server).await;
        server.upload(&ada.token, "ada/data", b"bytes").await;
        for _ in 0..2 {
            server.download_url(&ada.token, "ada/data", b"bytes").await;
        }
        let names = [
            "rutter_transfers{direction=\"upload\"}",
            "rutter_limited_total{limit=\"address\"}",
            "rutter_limited_total{limit=\"user\"}",
            "rutter_limited_total{limit=\"token\"}",
            "rutter_limited_total{limit=\"failures-address\"}",
            "rutter_limited_total{limit=\"failures-account\"}",
            "rutter_limited_total{limit=\"transfers\"}",
            "rutter_limited_waiting",
            "rutter_lfs_signed_urls_total{kind=\"upload\"} 1",
            "rutter_lfs_signed_urls_total{kind=\"verify\"} 1",
            "rutter_lfs_signed_urls_total{kind=\"download\"} 2",
            "rutter_git_cache_total{what=\"snapshot\",outcome=\"hit\"}",
            "rutter_git_cache_total{what=\"pack\",outcome=\"miss\"}",
            "rutter_git_cache_downloaded_bytes_total",
            "rutter_git_cache_bytes",
            "rutter_jobs{kind=\"sweep\",state=\"waiting\"}",
            "rutter_jobs{kind=\"sweep\",state=\"running\"}",
            "rutter_jobs_oldest_seconds{kind=\"consolidate\"}",
            "rutter_database_connections{pool=",
            "rutter_database_connections_most{pool=",
            "rutter_database_wait_seconds_bucket{transaction=\"read\"",
            "rutter_database_wait_seconds_count{transaction=\"write\"}",
        ];
        eventually("all are there", async || {
            let figures = Reply::of(server.request("GET", "/metrics", None)).await.text();
            let missing: Vec<_> = names.iter().filter(|name| !figures.contains(**name)).collect();
            missing.is_empty()
        })
        .await;
        let figures = Reply::of(server.request("GET", "/metrics", None)).await.text();
        let most: Vec<_> = figures.lines().filter(|line| line.starts_with("rutter_database_connections_most")).collect();
        assert!(!most.is_empty() && most.iter().all(|line| !line.ends_with(" 0")), "{most:?}");
    }
}

story! {
    on(sqlite) async fn reads_are_charged_and_a_history_is_walked_once(engine: Engine) {
        let rates = Rates { address: 1, burst_seconds: 700, wait_seconds: 0, ..Rates::off() };
        let server = proxied(engine, rates).await;
        let ada = private_dataset(&server).await;
        let tree = server.tree("long");
        tree.sh(
            "for n in $(seq 3000); do printf 'commit refs/heads/main\\ncommitter A <a@b> %d +0000\\ndata 1\\nx\\n' \
             $((1600000000 + n)); done | git fast-import --quiet",
        );
        tree.git(&["push", "-q", &server.remote(&ada, "ada/data"), "main"]);
        let ask = async |address: &str, path: &str| {
            let request = server.request("GET", &format!("/api/v1/datasets/ada/data/{path}"), Some(&ada.token));
            Reply::of(request.header("x-forwarded-for", address)).await
        };
        // A walk over all revisions costs some hundred points, and then it is known.
        for _ in 0..20 {
            let reply = ask("203.0.113.1", "revisions?path=nope").await;
            assert_eq!((reply.status, reply.json()), (200, json!({"items": []})));
        }
        // Each of these walks again.
        let mut statuses = Vec::new();
        for back in [2900, 2901, 2902] {
            statuses.push(ask("203.0.113.2", &format!("revisions/HEAD~{back}")).await.status);
        }
        assert_eq!(statuses, [200, 200, 429]);
        // Also one that fails.
        let mut statuses = Vec::new();
        for back in [3001, 3002, 3003] {
            statuses.push(ask("203.0.113.3", &format!("revisions/HEAD~{back}")).await.status);
        }
        assert_eq!(statuses, [404, 404, 429]);
        assert_eq!(ask("203.0.113.4", "revisions/HEAD~4000000000").await.status, 404);
    }
}
