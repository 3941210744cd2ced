//! What clients ask to show which tables there are.

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetExportedKeys, CommandGetPrimaryKeys, CommandGetTables, SqlInfo,
};
use arrow_flight::{FlightClient, FlightInfo};
use futures::TryStreamExt as _;
use rutter::types::Visibility;
use rutter_testing::story;
use serde_json::json;
use tonic::Code;

use super::{add, client, code, fetch, sql_client, status, texts, ticket};
use crate::search::indexed;
use crate::tables::put;

/// Fetches a column of a metadata command.
async fn column(client: &mut FlightClient, info: FlightInfo, name: &str) -> Vec<String> {
    let schema = info.clone().try_decode_schema().unwrap();
    let rows = fetch(client, ticket(info)).await.unwrap();
    assert!(rows.iter().all(|batch| *batch.schema() == schema), "the schema is the one that was announced");
    texts(&rows, name)
}

story! {
    async fn a_caller_sees_the_tables_that_they_may_read(engine: Engine) {
        let server = rutter_testing::Server::start_with(engine, |config| {
            config.rates = rutter::config::Rates::off();
        })
        .await;
        let (ada, ben) = (server.person("ada").await, server.person("ben").await);
        server.dataset("ada/data", Visibility::Private).await;
        put(&server, &ada, "folder/x.jsonl", "{\"a\": 1}\n").await;
        put(&server, &ada, "notes.txt", "no table").await;
        put(&server, &ada, "birds.csv", "id,name\n1,owl\n").await;
        let resource = json!({"name": "birds", "path": "birds.csv", "schema": {
            "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}], "primaryKey": ["id", "name"]}});
        put(&server, &ada, "datapackage.json", json!({"resources": [resource]}).to_string()).await;
        add(&server, &ada, "my_open", Visibility::Public).await;
        add(&server, &ben, "secret", Visibility::Private).await;
        server.dataset("ben/empty", Visibility::Public).await;
        indexed(&server).await;

        let mut sql = sql_client(&server, &ada.token).await;
        let mut here = client(&server.url, Some(&ada.token)).await;
        let catalogs = sql.get_catalogs().await.unwrap();
        assert_eq!(column(&mut here, catalogs, "catalog_name").await, ["rutter"]);
        let types = sql.get_table_types().await.unwrap();
        assert_eq!(column(&mut here, types, "table_type").await, ["TABLE"]);
        for (pattern, expected) in [
            (None, vec!["ada/data", "ada/my_open"]),
            (Some("ada/%"), vec!["ada/data", "ada/my_open"]),
            (Some("%open"), vec!["ada/my_open"]),
            (Some("ada/my\\_open"), vec!["ada/my_open"]),
            (Some("ada/m\\_open"), vec![]),
            (Some("ada/dat_"), vec!["ada/data"]),
            (Some("ben/%"), vec![]),
            (Some("'; DROP TABLE dataset --"), vec![]),
        ] {
            let filter = pattern.map(ToOwned::to_owned);
            let schemas = CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: filter };
            let info = sql.get_db_schemas(schemas).await.unwrap();
            assert_eq!(column(&mut here, info, "db_schema_name").await, expected, "{pattern:?}");
        }
        let other = CommandGetDbSchemas { catalog: Some("other".to_owned()), db_schema_filter_pattern: None };
        let info = sql.get_db_schemas(other).await.unwrap();
        assert_eq!(column(&mut here, info, "db_schema_name").await, [""; 0]);
        for pattern in ["x\\".to_owned(), "%a".repeat(200)] {
            let schemas = CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: Some(pattern) };
            let refused = sql.get_db_schemas(schemas).await.unwrap();
            assert_eq!(code(fetch(&mut here, ticket(refused)).await), Code::InvalidArgument);
        }

        for (dataset, table, kind, expected) in [
            (None, None, None, vec!["birds", "folder/x.jsonl", "my_open.csv"]),
            (Some("ada/data"), None, Some("TABLE"), vec!["birds", "folder/x.jsonl"]),
            (None, Some("b%"), None, vec!["birds"]),
            (None, None, Some("VIEW"), vec![]),
        ] {
            let command = CommandGetTables {
                catalog: Some("rutter".to_owned()),
                db_schema_filter_pattern: dataset.map(ToOwned::to_owned),
                table_name_filter_pattern: table.map(ToOwned::to_owned),
                table_types: kind.into_iter().map(ToOwned::to_owned).collect(),
                include_schema: false,
            };
            let info = sql.get_tables(command).await.unwrap();
            assert_eq!(column(&mut here, info, "table_name").await, expected, "{dataset:?} {table:?} {kind:?}");
        }
        let described = CommandGetTables {
            db_schema_filter_pattern: Some("ada/data".to_owned()),
            include_schema: true,
            ..CommandGetTables::default()
        };
        let info = sql.get_tables(described).await.unwrap();
        let rows = fetch(&mut here, ticket(info)).await.unwrap();
        let schemas = rows[0].column_by_name("table_schema").unwrap().as_binary::<i32>();
        let columns = |row: usize| {
            let schema = arrow_ipc::convert::try_schema_from_ipc_buffer(schemas.value(row)).unwrap();
            schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect::<Vec<_>>()
        };
        assert_eq!((columns(0), columns(1)), (vec!["id Int64".to_owned(), "name Utf8".to_owned()], vec!["a Int64".to_owned()]));

        let key = CommandGetPrimaryKeys {
            catalog: None, db_schema: Some("ada/data".to_owned()), table: "birds".to_owned(),
        };
        let rows = sql.get_primary_keys(key.clone()).await.unwrap();
        let rows = fetch(&mut here, ticket(rows)).await.unwrap();
        assert_eq!(texts(&rows, "column_name"), ["id", "name"]);
        assert_eq!(rows[0].column_by_name("key_sequence").unwrap().as_primitive::<Int32Type>().values(), &[1, 2]);
        let exported = CommandGetExportedKeys {
            catalog: None, db_schema: Some("ada/data".to_owned()), table: "birds".to_owned(),
        };
        let info = sql.get_exported_keys(exported).await.unwrap();
        assert_eq!(column(&mut here, info, "fk_table_name").await, [""; 0]);
        let info = sql.get_sql_info(vec![SqlInfo::FlightSqlServerName, SqlInfo::FlightSqlServerReadOnly]).await.unwrap();
        assert_eq!(fetch(&mut here, ticket(info)).await.unwrap()[0].num_rows(), 2);
        let info = sql.get_xdbc_type_info(arrow_flight::sql::CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
        assert!(column(&mut here, info, "type_name").await.contains(&"VARCHAR".to_owned()));

        let flights: Vec<FlightInfo> = here.list_flights("").await.unwrap().try_collect().await.unwrap();
        let paths: Vec<_> = flights.iter().map(|info| info.flight_descriptor.clone().unwrap().path.join(" ")).collect();
        assert_eq!(paths, ["ada/data birds", "ada/data folder/x.jsonl", "ada/my_open my_open.csv"]);
        for flight in flights {
            let info = here.get_flight_info(flight.flight_descriptor.unwrap()).await.unwrap();
            assert!(fetch(&mut here, ticket(info)).await.unwrap()[0].num_rows() == 1);
        }

        // What others see: the same commands, with their own rights.
        for (token, expected) in [(None, "ada/my_open"), (Some(ben.token.as_str()), "ada/my_open ben/secret")] {
            let mut other = client(&server.url, token).await;
            let flights: Vec<FlightInfo> = other.list_flights("").await.unwrap().try_collect().await.unwrap();
            let seen: Vec<_> = flights.into_iter().map(|info| info.flight_descriptor.unwrap().path.remove(0)).collect();
            assert_eq!(seen.join(" "), expected);
            let info = sql.get_primary_keys(key.clone()).await.unwrap();
            assert_eq!(column(&mut other, info, "column_name").await, [""; 0]);
        }
        let refused = client(&server.url, Some("rut_wrong")).await.list_flights("").await.map(drop).map_err(status);
        assert_eq!(code(refused), Code::Unauthenticated);
    }
}
