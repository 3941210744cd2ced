//! Multipart and tus uploads, for each transfer.

use super::*;

const MIB: u64 = 1 << 20;

const OFFERED: TransferOffer =
    TransferOffer { from: 10 * MIB, multipart_basic: true, multipart: true, tus: true, xet: false };
const NOTHING: TransferOffer =
    TransferOffer { from: 0, multipart_basic: false, multipart: false, tus: false, xet: false };

/// The transfers that git-lfs always lists.
const GIT_LFS: [&str; 3] = ["lfs-standalone-file", "basic", "ssh"];

fn upload(transfers: &[&str], objects: &[(&str, u64)]) -> BatchRequest {
    let objects: Vec<_> = objects.iter().map(|(oid, size)| json!({"oid": oid, "size": size})).collect();
    parse(&json!({"operation": "upload", "transfers": transfers, "objects": objects})).unwrap()
}

fn wanted(objects: &[(&str, u64)]) -> Vec<(Oid, u64)> {
    objects.iter().map(|(oid, size)| (oid.parse().unwrap(), *size)).collect()
}

fn negotiate(transfers: &[&str], objects: &[(&str, u64)], offered: &TransferOffer) -> Negotiated {
    upload(transfers, objects).negotiate(offered, &known(&[]), None).unwrap()
}

fn begin(size: u64, stored: &[u32]) -> StartedUpload {
    let plan = Plan::with_part_size(size, 5 * MIB).unwrap();
    let stored = stored.iter().map(|number| StoredPart { number: *number, size: plan.part(*number).unwrap().size });
    StartedUpload { upload: [9; 16], plan, stored: stored.collect(), want_digest: None }
}

fn upload_action(step: Step, begun: &StartedUpload, oid: Oid, size: u64) -> Action {
    assert_eq!(begun.upload, [9; 16]);
    Action { href: format!("https://h/{step:?}/{oid}/{size}"), expires_in: 7200, headers: Vec::new() }
}

fn reply_with(request: &BatchRequest, transfer: Transfer, begun: &[(&str, StartedUpload)]) -> Value {
    let begun: HashMap<Oid, StartedUpload> =
        begun.iter().map(|(oid, begun)| (oid.parse().unwrap(), begun.clone())).collect();
    let bytes = answer_uploads(request, transfer, &known(&[]), None, &begun, action, upload_action);
    let reply: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(reply.to_string().len(), bytes.len(), "the response is compact and has no duplicate keys");
    assert_eq!(reply["transfer"], transfer.name());
    reply
}

#[test]
fn one_transfer_is_chosen_for_all_objects() {
    let large = [(A, 20 * MIB), (B, 1)];
    for (transfers, chosen) in [
        (&["basic"][..], Transfer::Basic),
        (&[], Transfer::Basic),
        (&["basic", "multipart"], Transfer::Multipart),
        (&["multipart-basic", "basic"], Transfer::MultipartBasic),
        (&["tus", "ssh", "basic", "lfs-standalone-file"], Transfer::Tus),
        (&["tus", "multipart", "x", "basic", "multipart-basic"], Transfer::MultipartBasic),
        (&["tus", "multipart"], Transfer::Multipart),
        (&["multipart", "basic", "xet"], Transfer::Multipart),
        (&["Tus", "basic", "MULTIPART"], Transfer::Basic),
    ] {
        let found = negotiate(transfers, &large, &OFFERED);
        assert_eq!(found.transfer, chosen, "{transfers:?}");
        let begun = match chosen {
            Transfer::Basic => 0,
            // Each of its URLs is queried for an offset.
            Transfer::Tus => 2,
            _ => 1,
        };
        assert_eq!(found.begin, wanted(&large[..begun]), "{transfers:?}");
        let none = upload(transfers, &large).negotiate(&NOTHING, &known(&[]), None);
        match none {
            Ok(found) => assert_eq!(found.transfer, Transfer::Basic),
            Err(error) => {
                assert_eq!(error.kind, BatchErrorKind::Unprocessable);
                assert!(!transfers.contains(&"basic"));
            }
        }
    }
    let only_tus = TransferOffer { multipart_basic: false, multipart: false, ..OFFERED };
    assert_eq!(negotiate(&["multipart", "basic", "tus"], &large, &only_tus).transfer, Transfer::Tus);
}

#[test]
fn small_objects_are_not_split() {
    let all = ["multipart-basic", "multipart", "tus", "basic"];
    assert_eq!(negotiate(&all, &[(A, 10 * MIB - 1)], &OFFERED).transfer, Transfer::Basic);
    assert_eq!(negotiate(&all, &[(A, 10 * MIB)], &OFFERED).transfer, Transfer::MultipartBasic);
    // Unless the client supports nothing else.
    let found = negotiate(&["tus"], &[(A, 1)], &OFFERED);
    assert_eq!(found, Negotiated { transfer: Transfer::Tus, begin: wanted(&[(A, 1)]) });
    // The empty object has no parts, whatever the threshold.
    let empty = Oid::EMPTY.to_string();
    assert_eq!(negotiate(&all, &[(&empty, 0)], &TransferOffer { from: 0, ..OFFERED }).transfer, Transfer::Basic);
}

#[test]
fn existing_objects_do_not_affect_the_transfer() {
    let request = upload(&["multipart-basic", "basic"], &[(A, 20 * MIB), (B, 30 * MIB), (C, 5), (C, 5)]);
    let held = known(&[(A, 20 * MIB)]);
    assert_eq!(request.negotiate(&OFFERED, &held, Some(25 * MIB)).unwrap().transfer, Transfer::Basic);
    let found = request.negotiate(&OFFERED, &held, None).unwrap();
    assert_eq!(found.begin, [(B.parse().unwrap(), 30 * MIB)]);
    let twice = negotiate(&["tus"], &[(A, 20 * MIB), (A, 20 * MIB)], &OFFERED);
    assert_eq!(twice.begin.len(), 1);

    let downloads = |transfers: Value| {
        parse(&json!({"operation": "download", "transfers": transfers, "objects": [{"oid": A, "size": 20 * MIB}]}))
    };
    let request = downloads(json!(["multipart-basic", "multipart", "tus", "basic"])).unwrap();
    assert_eq!(request.negotiate(&OFFERED, &held, None).unwrap().transfer, Transfer::Basic);
    assert_eq!(downloads(json!(["multipart"])).unwrap_err().kind, BatchErrorKind::Unprocessable);
}

/// Hugging Face's transfer agent for git-lfs looks for parts in each upload, its own client only where there are
/// some; git-lfs itself requests the offset of each.
#[test]
fn some_clients_need_an_upload_for_everything() {
    let empty = Oid::EMPTY.to_string();
    let objects = [(A, 20 * MIB), (B, 1), (&*empty, 0)];
    assert_eq!(negotiate(&["basic", "multipart"], &objects, &OFFERED).begin.len(), 1);
    let agent = [&GIT_LFS[..], &["multipart"]].concat();
    assert_eq!(negotiate(&agent, &objects, &OFFERED).begin.len(), 3);
    assert_eq!(negotiate(&agent, &objects[1..], &OFFERED).transfer, Transfer::Basic);
    let tus = [&GIT_LFS[..], &["tus"]].concat();
    assert_eq!(negotiate(&tus, &objects, &OFFERED).begin.len(), 3);
    assert_eq!(negotiate(&tus, &objects[1..], &OFFERED).transfer, Transfer::Basic);
}

#[test]
fn clients_that_may_ignore_headers() {
    assert!(upload(&["basic", "multipart"], &[(A, 1)]).may_ignore_headers());
    assert!(!upload(&GIT_LFS, &[(A, 1)]).may_ignore_headers());
    assert!(!upload(&["multipart-basic", "basic"], &[(A, 1)]).may_ignore_headers());
}

#[test]
fn digests_that_are_wanted() {
    let wanted = |more: Value| {
        let mut entry = json!({"oid": A, "size": 5});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parse(&one(json!({"objects": [entry]}))).unwrap().objects.remove(0).want_digest
    };
    assert_eq!(wanted(json!({"x-want-digest": "sha-256"})), Some(WantDigest::Sha256));
    assert_eq!(wanted(json!({"x-want_digest": "contentMD5"})), Some(WantDigest::ContentMd5));
    assert_eq!(wanted(json!({"x-want-digest": "md5", "x-want_digest": "sha-256"})), Some(WantDigest::Md5));
    for none in [json!({}), json!({"x-want-digest": 5}), json!({"x-want-digest": null}), json!({"x-want-digest": "x"})]
    {
        assert_eq!(wanted(none), None);
    }
}

#[test]
fn multipart_basic_in_full() {
    let request = upload(&["multipart-basic"], &[(A, 12 * MIB), (B, 3)]);
    let mut begun = begin(12 * MIB, &[2]);
    begun.want_digest = Some(WantDigest::ContentMd5);
    let reply = reply_with(&request, Transfer::MultipartBasic, &[(A, begun)]);
    let step = |name: &str, size: u64| format!("https://h/{name}/{A}/{size}");
    assert_eq!(
        reply["objects"][0],
        json!({
            "oid": A, "size": 12 * MIB, "authenticated": true,
            "actions": {
                "parts": [
                    {"href": step("Part(1)", 5 * MIB), "pos": 0, "size": 5 * MIB, "want_digest": "contentMD5",
                        "expires_in": 7200},
                    {"href": step("Part(3)", 2 * MIB), "pos": 10 * MIB, "size": 2 * MIB, "want_digest": "contentMD5",
                        "expires_in": 7200},
                ],
                "commit": {
                    "href": step("Commit", 12 * MIB), "method": "POST", "expires_in": 7200,
                    "header": {"Content-Type": "application/vnd.git-lfs+json"},
                    "body": format!("{{\"oid\":\"{A}\",\"size\":{}}}", 12 * MIB),
                },
                "abort": {"href": step("Abort", 12 * MIB), "method": "DELETE", "expires_in": 7200},
                "verify": {"href": format!("https://h/Verify/{A}/{}", 12 * MIB), "expires_in": 3600},
            },
        })
    );
    // The body can be parsed again by this server.
    let body = reply["objects"][0]["actions"]["commit"]["body"].as_str().unwrap();
    let said = crate::batch::Completion::parse(body.as_bytes()).unwrap();
    said.expect(&A.parse().unwrap(), &begin(12 * MIB, &[]).plan).unwrap();
    // Small objects in the same batch need no upload of their own.
    assert_eq!(
        reply["objects"][1]["actions"],
        json!({
            "parts": [{
                "href": format!("https://h/Upload/{B}/3"), "header": {"Content-Type": "application/octet-stream"},
                "pos": 0, "size": 3, "expires_in": 3600,
            }],
            "verify": {"href": format!("https://h/Verify/{B}/3"), "expires_in": 3600},
        })
    );

    let complete = reply_with(&request, Transfer::MultipartBasic, &[(A, begin(12 * MIB, &[1, 2, 3]))]);
    let actions = complete["objects"][0]["actions"].as_object().unwrap();
    assert!(!actions.contains_key("parts") && actions.contains_key("commit"), "only the commit is missing");
}

#[test]
fn multipart_in_full() {
    let request = upload(&["basic", "multipart"], &[(A, 12 * MIB), (B, 3)]);
    // Stored parts are listed too: the client counts them.
    let reply = reply_with(&request, Transfer::Multipart, &[(A, begin(12 * MIB, &[2]))]);
    let step = |name: &str, size: u64| format!("https://h/{name}/{A}/{size}");
    assert_eq!(
        reply["objects"][0]["actions"],
        json!({
            "upload": {
                "href": step("Commit", 12 * MIB), "expires_in": 7200,
                "header": {
                    "chunk_size": (5 * MIB).to_string(),
                    "00001": step("Part(1)", 5 * MIB), "00002": step("Part(2)", 5 * MIB),
                    "00003": step("Part(3)", 2 * MIB),
                },
            },
            "verify": {"href": format!("https://h/Verify/{A}/{}", 12 * MIB), "expires_in": 3600},
        })
    );
    let small = &reply["objects"][1]["actions"]["upload"];
    assert_eq!(small["header"], json!({"Content-Type": "application/octet-stream"}));
    assert_eq!(small["href"], format!("https://h/Upload/{B}/3"));

    // Numbers of equal length sort numerically, up to the largest possible one.
    let most = begin(5 * MIB * 10_000, &[]);
    let reply = reply_with(&upload(&["multipart"], &[(A, most.plan.size())]), Transfer::Multipart, &[(A, most)]);
    let header = reply["objects"][0]["actions"]["upload"]["header"].as_object().unwrap();
    let names: Vec<_> = header.keys().filter(|name| *name != "chunk_size").collect();
    assert_eq!(names.len(), 10_000);
    assert!(names.iter().all(|name| name.len() == 5));
    assert_eq!(header["10000"], format!("https://h/Part(10000)/{A}/{}", 5 * MIB));

    // The empty object, as the transfer agent needs it.
    let empty = Oid::EMPTY.to_string();
    let request = upload(&["multipart"], &[(&empty, 0)]);
    let reply = reply_with(&request, Transfer::Multipart, &[(&empty, begin(0, &[]))]);
    let header = &reply["objects"][0]["actions"]["upload"]["header"];
    assert_eq!(*header, json!({"chunk_size": (5 * MIB).to_string()}));
}

#[test]
fn tus_in_full() {
    let request = upload(&["tus", "basic"], &[(A, 12 * MIB)]);
    let reply = reply_with(&request, Transfer::Tus, &[(A, begin(12 * MIB, &[]))]);
    assert_eq!(
        reply["objects"][0]["actions"],
        json!({
            "upload": {"href": format!("https://h/Tus/{A}/{}", 12 * MIB), "expires_in": 7200},
            "verify": {"href": format!("https://h/Verify/{A}/{}", 12 * MIB), "expires_in": 3600},
        })
    );
}

#[test]
fn headers_and_lifetimes_of_steps() {
    let request = upload(&["multipart-basic"], &[(A, 6 * MIB)]);
    let begun: HashMap<Oid, StartedUpload> = [(A.parse().unwrap(), begin(6 * MIB, &[]))].into();
    let made = |step: Step, _: &StartedUpload, _: Oid, _: u64| Action {
        href: format!("https://h/\"{step:?}\\"),
        expires_in: if step == Step::Part(2) { 60 } else { u32::MAX },
        headers: vec![("x-a", "\"1\"".to_owned()), ("x-b", String::new())],
    };
    let object = |transfer: Transfer| {
        let bytes = answer_uploads(&request, transfer, &known(&[]), None, &begun, action, made);
        serde_json::from_slice::<Value>(&bytes).unwrap()["objects"][0]["actions"].take()
    };
    let actions = object(Transfer::MultipartBasic);
    let headers = json!({"x-a": "\"1\"", "x-b": ""});
    assert_eq!(actions["parts"][0]["header"], headers);
    assert_eq!(actions["parts"][0]["href"], "https://h/\"Part(1)\\");
    assert_eq!(actions["parts"][1]["expires_in"], 60);
    assert_eq!(actions["abort"]["header"], headers);
    assert_eq!(actions["abort"]["expires_in"], i32::MAX);
    let of_commit = json!({"Content-Type": "application/vnd.git-lfs+json", "x-a": "\"1\"", "x-b": ""});
    assert_eq!(actions["commit"]["header"], of_commit);

    let actions = object(Transfer::Multipart);
    assert_eq!(actions["upload"]["header"].as_object().unwrap().len(), 3, "no header that would be treated as a URL");
    assert_eq!(actions["upload"]["expires_in"], 60, "the shortest lifetime of its URLs");
    assert_eq!(object(Transfer::Tus)["upload"]["header"], headers);
}

proptest! {
    /// Whatever is negotiated, each object to upload gets what its transfer needs, and every missing part is
    /// requested once.
    #[test]
    fn every_upload_is_offered_in_full(
        transfers in proptest::sample::subsequence(
            vec!["multipart-basic", "multipart", "tus", "basic", "lfs-standalone-file", "xet"], 1..6),
        sizes in proptest::collection::vec(0..30 * MIB, 1..4),
        offered in (0..20 * MIB, any::<bool>(), any::<bool>(), any::<bool>()),
        max_size in proptest::option::of(1..30 * MIB),
        arrived in proptest::collection::vec(1u32..7, 0..6),
        lose: bool,
    ) {
        let body = json!({
            "operation": "upload", "transfers": transfers,
            "objects": sizes.iter().zip([A, B, C]).map(|(size, oid)| json!({"oid": oid, "size": size})).collect::<Vec<_>>(),
        });
        let Ok(request) = parse(&body) else { return Ok(()) };
        let (from, multipart_basic, multipart, tus) = offered;
        let offered = TransferOffer { from, multipart_basic, multipart, tus, xet: false };
        let Ok(found) = request.negotiate(&offered, &known(&[]), max_size) else {
            prop_assert!(!transfers.contains(&"basic"));
            return Ok(());
        };
        prop_assert!(transfers.contains(&found.transfer.name()));
        let mut begun = HashMap::new();
        for &(oid, size) in found.begin.iter().skip(usize::from(lose)) {
            let count = begin(size, &[]).plan.count();
            let stored: Vec<u32> = arrived.iter().copied().filter(|number| *number <= count).collect();
            begun.insert(oid, begin(size, &stored));
        }
        let bytes = answer_uploads(&request, found.transfer, &known(&[]), max_size, &begun, action, upload_action);
        let reply: Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(reply.to_string().len(), bytes.len());
        for (object, entry) in reply["objects"].as_array().unwrap().iter().zip(&request.objects) {
            let (oid, size) = entry.wanted.clone().unwrap();
            let actions = &object["actions"];
            if object.get("error").is_some() {
                prop_assert!(actions.is_null());
                continue;
            }
            prop_assert!(actions["verify"]["href"].is_string());
            match (begun.get(&oid), found.transfer) {
                (Some(begun), Transfer::MultipartBasic) => {
                    let parts = actions["parts"].as_array().cloned().unwrap_or_default();
                    let listed: Vec<_> = parts.iter().map(|part| (part["pos"].as_u64(), part["size"].as_u64())).collect();
                    let missing = begun.plan.missing(begun.stored.clone());
                    let expected: Vec<_> =
                        missing.iter().map(|&Part { position, size, .. }| (Some(position), Some(size))).collect();
                    prop_assert_eq!(listed, expected);
                    prop_assert!(actions["commit"]["href"].is_string() && actions["abort"]["href"].is_string());
                    prop_assert!(actions.get("upload").is_none());
                }
                (None, Transfer::MultipartBasic) => {
                    prop_assert_eq!(&actions["parts"][0]["size"], &json!(size));
                    prop_assert_eq!(actions.as_object().unwrap().len(), 2);
                }
                (Some(begun), Transfer::Multipart) => {
                    let header = actions["upload"]["header"].as_object().unwrap();
                    let chunk: u64 = header["chunk_size"].as_str().unwrap().parse().unwrap();
                    prop_assert_eq!(header.len() as u64 - 1, size.div_ceil(chunk));
                    prop_assert_eq!(begun.plan.size(), size);
                }
                _ => prop_assert!(actions["upload"]["href"].is_string()),
            }
        }
    }
}

#[test]
fn xet_is_chosen_where_both_sides_support_it() {
    let offered = TransferOffer { xet: true, ..OFFERED };
    let large = [(A, 12 * MIB)];
    for (transfers, expected) in
        [(&["basic", "multipart", "xet"][..], Transfer::Xet), (&["xet"], Transfer::Xet), (&["basic"], Transfer::Basic)]
    {
        let found = negotiate(transfers, &large, &offered);
        assert_eq!((found.transfer, found.begin.len()), (expected, 0), "{transfers:?}");
    }
    assert_eq!(negotiate(&["multipart", "xet", "basic"], &large, &OFFERED).transfer, Transfer::Multipart);
}
