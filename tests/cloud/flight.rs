//! Rows over Arrow Flight from several servers, one of which ends in the middle.

use std::fmt::Write as _;

use arrow_flight::{FlightClient, FlightDescriptor, Ticket};
use futures::TryStreamExt as _;
use tonic::transport::Endpoint;

use crate::cluster::{Cloud, story};

/// More than fits into the buffers of a connection.
const ROWS: usize = 1_000_000;

async fn client(url: &str, token: &str) -> FlightClient {
    let channel = Endpoint::from_shared(url.to_owned()).unwrap().connect().await.unwrap();
    let mut client = FlightClient::new(channel);
    client.add_header("authorization", &format!("Bearer {token}")).unwrap();
    client
}

async fn rows(client: &mut FlightClient, ticket: Ticket) -> usize {
    let batches: Vec<_> = client.do_get(ticket).await.unwrap().try_collect().await.unwrap();
    batches.iter().map(arrow_array::RecordBatch::num_rows).sum()
}

story! {
    async fn a_ticket_is_read_from_another_server_if_one_is_killed() {
        let cloud = Cloud::shared().await;
        let mut cluster = cloud.cluster(2, &[]).await;
        let ada = cluster.ada();
        let mut table = "id,name\n".to_owned();
        for id in 0..ROWS {
            writeln!(table, "{id},n{id:07}").unwrap();
        }
        let drive = format!("{}/api/v1/drive", ada.url);
        ada.http.get(&drive).bearer_auth(&ada.token).send().await.unwrap();
        let put = ada.http.put(format!("{drive}/ada/drive/files/t.csv")).bearer_auth(&ada.token).body(table).send().await.unwrap();
        assert_eq!(put.status(), 201, "{}", put.text().await.unwrap());

        let mut first = client(&cluster.url(0), &ada.token).await;
        let mut second = client(&cluster.url(1), &ada.token).await;
        let path = FlightDescriptor::new_path(vec!["ada/drive".to_owned(), "t.csv".to_owned()]);
        let info = first.get_flight_info(path).await.unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        assert_eq!(rows(&mut second, ticket.clone()).await, ROWS);

        let mut stream = first.do_get(ticket.clone()).await.unwrap();
        let mut read = stream.try_next().await.unwrap().unwrap().num_rows();
        cluster.kill(0);
        let ended = loop {
            match stream.try_next().await {
                Ok(Some(batch)) => read += batch.num_rows(),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert!(ended.is_err() && read < ROWS, "a part looks like the whole: {read}");
        // The client connects again, and reaches a server that is there.
        let mut again = client(&ada.url, &ada.token).await;
        assert_eq!(rows(&mut again, ticket).await, ROWS);
    }
}
