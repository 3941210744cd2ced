//! Tables whose bytes are in a bucket: responses say neither where they are, nor how to get them without the server.

use arrow_flight::{FlightClient, FlightDescriptor};
use futures::TryStreamExt as _;
use rutter_testing::{TableClient, assert_hidden, table_engine};
use tonic::transport::Endpoint;

use crate::cluster::{Cluster, story};

/// Requests the rows of a table over Arrow Flight; returns the description, and the error.
async fn flight(cluster: &Cluster, table: &str) -> String {
    let channel = Endpoint::from_shared(cluster.url(0)).unwrap().connect().await.unwrap();
    let mut client = FlightClient::new(channel);
    client.add_header("authorization", &format!("Bearer {}", cluster.ada().token)).unwrap();
    let path = FlightDescriptor::new_path(vec!["ada/tables".to_owned(), table.to_owned()]);
    match client.get_flight_info(path).await {
        Err(error) => format!("{error:?}"),
        Ok(info) => {
            let ticket = info.endpoint[0].ticket.clone().unwrap();
            let rows = match client.do_get(ticket).await {
                Err(error) => Err(error),
                Ok(stream) => stream.try_collect::<Vec<_>>().await,
            };
            let ended = rows.map(|batches| batches.len());
            format!("{info:?} {:?} {ended:?}", String::from_utf8_lossy(&info.app_metadata))
        }
    }
}

story! {
    each async fn no_response_says_where_a_table_is(cloud: Cloud) {
        let rates = ["USER", "TOKEN", "ADDRESS"].map(|of| format!("RUTTER_RATES__{of}"));
        let cluster = cloud.cluster(1, &rates.each_ref().map(|name| (name.as_str(), "10000000"))).await;
        let ada = cluster.ada();
        let client = TableClient { http: &ada.http, url: &ada.url, token: &ada.token };
        client.create_tables().await;
        let keys: Vec<String> = cluster.bucket.objects().await.into_values().flatten().collect();
        assert!(keys.len() >= 8, "the tables are in the bucket: {keys:?}");
        let bucket = &cluster.bucket;
        let program = table_engine().parent().unwrap().to_str().unwrap().to_owned();
        let mut hidden = vec![
            bucket.prefix.clone(), bucket.endpoint.clone(), bucket.secret.clone(), program,
            cluster.folder(0).to_str().unwrap().to_owned(),
        ];
        hidden.extend(["X-Amz-", "Signature=", "sig=", "objects/", "table://", "engine-", "os error"].map(str::to_owned));
        hidden.extend(keys.clone());
        for table in ["t.csv", "t.parquet", "damaged.parquet", "damaged.csv", "missing.csv"] {
            let replies = client.responses(table).await;
            assert_hidden(&replies, &hidden);
            let statuses: Vec<u16> = replies.iter().map(|(_, reply)| reply.status).collect();
            assert!(!table.starts_with("t.") || statuses.contains(&200), "{table}: {statuses:?}");
            assert!(statuses.iter().all(|status| *status < 500), "{table}: {statuses:?}");
            let said = flight(&cluster, table).await;
            assert!(!hidden.iter().any(|hidden| said.contains(hidden.as_str())), "{table}: {said}");
        }
        for key in keys {
            bucket.delete(&key).await;
        }
        let replies = client.responses("lost.csv").await;
        assert!(replies.iter().filter(|(_, reply)| reply.status >= 404).count() > 10, "nothing can be read");
        assert_hidden(&replies, &hidden);
        let said = flight(&cluster, "lost.csv").await;
        assert!(!hidden.iter().any(|hidden| said.contains(hidden.as_str())), "{said}");
    }
}
