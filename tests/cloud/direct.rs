//! Clients exchange bytes directly with the bucket, which accepts only the announced objects.

use std::time::Duration;

use lfs::Oid;
use rutter_testing::{noise, parquet_file};
use serde_json::json;

use crate::client::action;
use crate::cluster::{Cloud, story};

story! {
    async fn a_push_and_a_clone_transfer_bytes_without_the_server() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let (installation, work) = (&cluster.installation, cluster.installation.tree("work"));
        work.git(&["init", "-q", "-b", "main"]);
        work.with_lfs(&installation.remote("ada/census"));
        for number in 0..20 {
            work.write(&format!("part-{number}.bin"), noise(number, 50_000));
        }
        work.write("large.bin", noise(99, 9_000_000));
        work.write("table.csv", noise(7, 300_000));
        work.commit("Parts, and a table that makes the pack too large for a row");
        work.git(&["push", "-q", "origin", "main"]);

        let clone = installation.tree("clone");
        clone.git(&["clone", "-q", &installation.remote("ada/census"), "."]);
        clone.git(&["fsck", "--strict"]);
        clone.git(&["lfs", "fsck"]);
        for number in 0..20 {
            assert!(clone.read(&format!("part-{number}.bin")) == noise(number, 50_000));
        }
        assert!(clone.read("large.bin") == noise(99, 9_000_000) && clone.read("table.csv") == noise(7, 300_000));

        assert_eq!(cluster.metric(0, "rutter_lfs_received_bytes_total").await, 0, "bytes went through the server");
        assert_eq!(cluster.metric(0, "rutter_lfs_sent_bytes_total").await, 0, "bytes went through the server");
        let objects = cluster.bucket.objects().await;
        assert_eq!(objects.len(), 21, "{objects:?}");
        assert!(cluster.bucket.keys().await.keys().any(|key| key.starts_with("packs/")), "the pack is in the bucket");
        cluster.compare_bucket_and_rows().await;
    }
}

story! {
    async fn a_signed_url_accepts_only_the_bytes_it_was_made_for() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let (ada, bytes) = (cluster.ada(), noise(1, 20_000));
        let oid = Oid::of(&bytes);
        let (upload, verify) = ada.offer("ada/data", &bytes).await;

        let mut wrong = bytes.clone();
        wrong[10_000] ^= 1;
        let refused = |status: u16| (400..500).contains(&status);
        assert!(refused(ada.put(&upload, &wrong).await.unwrap()), "other bytes");
        assert!(refused(ada.put(&upload, &bytes[..19_999]).await.unwrap()), "fewer bytes");
        assert!(refused(ada.put(&upload, &[]).await.unwrap()), "no bytes");
        // The header is signed: neither left out nor that of other bytes.
        assert!(refused(ada.put(&upload.without_headers(), &wrong).await.unwrap()), "without the header");
        assert!(refused(ada.put(&upload.without_headers(), &bytes).await.unwrap()), "without the header");
        let (other, _) = ada.offer("ada/data", &wrong).await;
        let lying = crate::client::Action { headers: other.headers, ..upload.clone() };
        assert!(refused(ada.put(&lying, &wrong).await.unwrap()), "the header of other bytes");
        assert!(cluster.bucket.objects().await.is_empty());

        let answer = ada.verify(&verify, oid, bytes.len()).await.unwrap();
        assert_eq!(answer.status(), 404, "{}", answer.text().await.unwrap());
        assert_eq!(ada.download("ada/data", oid, bytes.len()).await, None);

        // Nothing of this has spoilt the URL for the right bytes.
        assert_eq!(ada.put(&upload, &bytes).await.unwrap(), 200);
        assert_eq!(ada.download("ada/data", oid, bytes.len()).await, None, "not verified yet");
        assert_eq!(ada.verify(&verify, oid, bytes.len() - 1).await.unwrap().status(), 422);
        assert_eq!(ada.verify(&verify, oid, bytes.len()).await.unwrap().status(), 200);
        assert!(ada.download("ada/data", oid, bytes.len()).await == Some(bytes.clone()));
        let again = ada.object("upload", "ada/data", oid, bytes.len()).await.unwrap();
        assert!(action(&again, "upload").is_none(), "it is there: {again}");
        cluster.compare_bucket_and_rows().await;
    }
}

story! {
    async fn an_upload_to_another_dataset_proves_nothing() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let (ada, bea, bytes) = (cluster.ada(), cluster.person("bea"), noise(2, 30_000));
        let oid = Oid::of(&bytes);
        assert!(ada.upload("ada/secret", &bytes).await.unwrap());

        // Bea knows the name of the object, and has not got its bytes.
        let (upload, verify) = bea.offer("bea/data", &bytes).await;
        let answer = bea.verify(&verify, oid, bytes.len()).await.unwrap();
        assert_eq!(answer.status(), 404, "{}", answer.text().await.unwrap());
        assert_eq!(bea.download("bea/data", oid, bytes.len()).await, None);
        let (mine, _) = ada.offer("ada/other", &bytes).await;
        assert_ne!(upload.href.split('?').next(), mine.href.split('?').next(), "each dataset uploads to its own place");

        // While Ada's upload to another dataset is under way, a verification of Bea's finds nothing either.
        assert_eq!(ada.put(&mine, &bytes).await.unwrap(), 200);
        assert_eq!(bea.verify(&verify, oid, bytes.len()).await.unwrap().status(), 404);

        assert_eq!(bea.put(&upload, &bytes).await.unwrap(), 200);
        assert_eq!(bea.verify(&verify, oid, bytes.len()).await.unwrap().status(), 200);
        assert!(bea.download("bea/data", oid, bytes.len()).await == Some(bytes.clone()));
        assert!(ada.download("ada/secret", oid, bytes.len()).await == Some(bytes));
        cluster.compare_bucket_and_rows().await;
    }
}

story! {
    real async fn an_expired_url_is_refused() {
        // The shortest that can be configured is a minute: only where there is time for it.
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[("RUTTER_TTL__ACTION", "60")]).await;
        let (ada, bytes, late) = (cluster.ada(), noise(3, 10_000), noise(4, 10_000));
        assert!(ada.upload("ada/data", &bytes).await.unwrap());
        let object = ada.object("download", "ada/data", Oid::of(&bytes), bytes.len()).await.unwrap();
        assert_eq!(object["actions"]["download"]["expires_in"], 60);
        let download = action(&object, "download").unwrap();
        let (upload, verify) = ada.offer("ada/data", &late).await;
        tokio::time::sleep(Duration::from_secs(63)).await;

        let status = download.request(&ada.http, reqwest::Method::GET).send().await.unwrap().status().as_u16();
        assert!((400..=403).contains(&status), "{status}");
        let status = ada.put(&upload, &late).await.unwrap();
        assert!((400..=403).contains(&status), "{status}");
        let status = ada.verify(&verify, Oid::of(&late), late.len()).await.unwrap().status().as_u16();
        assert!((400..=410).contains(&status), "{status}");
        // A new batch returns a new URL.
        assert!(ada.upload("ada/data", &late).await.unwrap());
        assert!(ada.download("ada/data", Oid::of(&late), late.len()).await == Some(late));
    }
}

story! {
    async fn the_bucket_sends_the_names_and_dispositions_of_downloads() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let (ada, bytes) = (cluster.ada(), noise(5, 5_000));
        assert!(ada.upload("ada/data", &bytes).await.unwrap());
        let wanted = json!({"oid": Oid::of(&bytes), "size": bytes.len(), "x-filename": "Größe & \"Maß\".csv"});
        let body = json!({"operation": "download", "objects": [wanted]});
        let mut answer: serde_json::Value = ada.ask("ada/data", &body).await.unwrap().json().await.unwrap();
        let download = action(&answer["objects"][0].take(), "download").unwrap();
        let response = download.request(&ada.http, reqwest::Method::GET).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with("attachment"), "{disposition}");
        assert!(disposition.contains("filename*=UTF-8''Gr%C3%B6%C3%9Fe"), "{disposition}");
        assert_eq!(response.headers()["content-type"], "application/octet-stream");
        assert!(response.bytes().await.unwrap() == bytes);

        // A part of it, as a download that was interrupted goes on.
        let rest = download.request(&ada.http, reqwest::Method::GET).header("range", "bytes=4000-").send().await.unwrap();
        assert_eq!(rest.status(), 206);
        assert!(rest.bytes().await.unwrap() == bytes[4000..]);
    }
}

story! {
    async fn columns_are_inferred_for_tables_in_the_bucket() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let ada = cluster.ada();
        let lines: Vec<String> = (0..200_000).map(|row| format!("{row},2024-01-02\n")).collect();
        let (csv, parquet) = (format!("id,day\n{}", lines.concat()).into_bytes(), parquet_file());
        let mut operations = Vec::new();
        for (path, bytes) in [("a.csv", &csv), ("b.parquet", &parquet)] {
            assert!(ada.upload("ada/data", bytes).await.unwrap());
            operations.push(json!({"operation": "put", "path": path, "oid": Oid::of(bytes), "size": bytes.len()}));
        }
        let send = async |tail: &str, body: serde_json::Value| {
            let request = ada.http.post(format!("{}/api/v1/datasets/ada/data/{tail}", ada.url));
            let reply = request.basic_auth(&ada.name, Some(&ada.token)).json(&body).send().await.unwrap();
            assert!(reply.status().is_success(), "{}", reply.status());
            reply.json::<serde_json::Value>().await.unwrap()
        };
        send("commits", json!({"message": "Tables", "operations": operations})).await;
        let answer = send("infer", json!({"path": "a.csv"})).await;
        assert_eq!(answer["schema"]["fields"][1], json!({"name": "day", "type": "date"}));
        assert_eq!(answer["is_complete"], false);
        let answer = send("infer", json!({"path": "b.parquet"})).await;
        assert_eq!(answer["schema"]["fields"][1], json!({"name": "seen", "type": "datetime"}));
        assert_eq!(answer["rows"], 2);
    }
}

story! {
    async fn a_push_restores_an_object_lost_in_the_bucket() {
        let cloud = Cloud::shared().await;
        let cluster = cloud.cluster(1, &[]).await;
        let (ada, lost, corrupted) = (cluster.ada(), noise(6, 8_000), noise(7, 8_000));
        for bytes in [&lost, &corrupted] {
            assert!(ada.upload("ada/data", bytes).await.unwrap());
        }
        let objects = cluster.bucket.objects().await;
        cluster.bucket.delete(&objects[&Oid::of(&lost).to_string()][0]).await;
        let mut other = corrupted.clone();
        other[0] ^= 1;
        cluster.bucket.write(&objects[&Oid::of(&corrupted).to_string()][0], other).await;

        let check = cluster.installation.rutter(&["fsck"]);
        assert_eq!(check.status.code(), Some(1), "{}", rutter_testing::text(&check));
        for bytes in [&lost, &corrupted] {
            let oid = Oid::of(bytes);
            assert!(rutter_testing::text(&check).contains(&oid.to_string()), "{}", rutter_testing::text(&check));
            assert_eq!(ada.download("ada/data", oid, bytes.len()).await, None);
            assert!(ada.upload("ada/data", bytes).await.unwrap(), "it is asked for again");
            assert!(ada.download("ada/data", oid, bytes.len()).await.as_ref() == Some(bytes));
        }
        rutter_testing::assert_success(&cluster.installation.rutter(&["fsck"]), "rutter fsck");
    }
}
