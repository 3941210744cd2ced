//! Queries on small tables.

use std::sync::Mutex;

use bytes::Bytes;
use serde_json::{Map, Value};
use tables_wire::{Format, Output, Piece, Sql, Table, TableFile, TableName};

use super::*;
use crate::connection::tests::serve;
use crate::query::Sink;
use crate::query::tests::{CONTEXT, run};

mod limits;
mod named;
mod refused;
mod results;

/// Keeps what is sent.
#[derive(Default)]
pub(super) struct Kept(Mutex<Vec<u8>>);

impl Sink for Kept {
    async fn send(&self, part: Bytes) -> Result<()> {
        self.0.lock().unwrap().extend_from_slice(&part);
        Ok(())
    }
}

pub(super) const BIRDS: &str = "id,name,Family,weight,seen\n1,Wren,A,9.5,2024-05-01\n2,Robin,B,18,2024-05-02\n\
                                3,Crow,C,500,2023-01-31\n4,Finch,B,,2024-12-31\n5,Owl,C,,\n";
pub(super) const OLD_BIRDS: &str = "id,name,Family,weight,seen\n1,Wren,A,9,2024-05-01\n2,Robin,B,18,2024-05-02\n\
                                    6,Dodo,D,10000,1662-01-01\n";
pub(super) const FAMILIES: &str = "{\"code\": \"A\", \"title\": \"Wrens\", \"Info\": {\"Rank\": 1, \"tags\": [\"x\", \"y\"]}}\n\
                                   {\"code\": \"B\", \"title\": \"Songbirds\", \"Info\": {\"Rank\": 2, \"tags\": []}}\n\
                                   {\"code\": \"D\", \"title\": \"Doves\", \"Info\": {\"Rank\": 3, \"tags\": [\"z\"]}}\n";

/// Returns format and content of a table, as a server would find it.
pub(super) fn table(name: &TableName) -> (Format, Bytes) {
    let of = |format, text: &str| (format, Bytes::copy_from_slice(text.as_bytes()));
    match (name.dataset.as_deref(), name.table.as_str()) {
        (Some("ada/birds@v1.0"), "birds") => of(Format::Csv, OLD_BIRDS),
        (_, "birds" | "birds.csv" | "Birds") => of(Format::Csv, BIRDS),
        (_, "families") => of(Format::JsonLines, FAMILIES),
        other => panic!("no table {other:?}"),
    }
}

pub(super) fn request(query: &str) -> Sql {
    Sql {
        query: query.to_owned(),
        parameters: Value::Null,
        limit: None,
        output: Output::Json,
        metadata: Map::new(),
        diff_rows: 1000,
    }
}

/// Runs a query as the server does: finds its tables, opens them, and runs it.
pub(super) fn answer_with(context: Context, request: &Sql) -> Result<(Done, Vec<u8>)> {
    let names = references(&request.query)?.tables;
    run(async {
        let (formats, files): (Vec<_>, Vec<_>) = names.iter().map(table).unzip();
        let (connection, _) = serve(files.clone());
        let mut opened = Vec::new();
        for (number, (format, file)) in formats.iter().zip(&files).enumerate() {
            let connection = connection.for_files(u32::try_from(number).unwrap());
            let file = TableFile { name: names[number].table.clone(), size: file.len() as u64, compression: None };
            let table = Table { files: vec![file], format: *format, declared: Map::new() };
            opened.push(OpenTable::open(&connection, &table, &HashMap::new(), context.memory).await?);
        }
        let kept = Kept::default();
        let done = sql(&context, &opened, request, &kept).await?;
        Ok((done, kept.0.into_inner().unwrap()))
    })
}

pub(super) fn answer(request: &Sql) -> Result<(Done, Vec<u8>)> {
    answer_with(CONTEXT, request)
}

/// Returns the names of the columns, and the rows.
pub(super) fn rows(query: &str) -> Result<(Vec<String>, Value)> {
    let (done, json) = answer(&request(query))?;
    Ok((done.columns.into_iter().map(|column| column.name).collect(), serde_json::from_slice(&json).unwrap()))
}

pub(super) fn message(query: &str) -> String {
    match rows(query) {
        Err(error) => error.message,
        Ok(rows) => panic!("{query}: {rows:?}"),
    }
}

/// Writes a normal form with a commit for each dataset.
pub(super) fn written(references: &References) -> String {
    let dataset =
        |number: usize| references.tables[number].dataset.clone().unwrap_or_else(|| "ada/birds@main".to_owned());
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Table(number) => format!("\"{}\".\"{}\"", dataset(*number), references.tables[*number].table),
        Piece::Dataset(number) => format!("'{}'", dataset(*number)),
    };
    references.canonical.iter().map(piece).collect()
}
