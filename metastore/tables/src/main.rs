//! The table engine of rutter: reads tables for the server, in a process without rights of its own.

mod arrow_file;
mod connection;
mod error;
mod infer;
mod kept;
mod page;
mod panics;
mod parquet_file;
mod serve;
mod source;
mod text;
mod types;

mod names {
    use crate::error::{Error, Result};

    pub(crate) fn position<'a>(names: impl IntoIterator<Item = &'a str>, name: &str) -> Result<usize> {
        let found = names.into_iter().position(|other| other == name);
        found.ok_or_else(|| Error::invalid(format!("there is no column {name:?}")))
    }
}

mod output {
    use arrow::array::RecordBatch;
    use arrow::datatypes::SchemaRef;
    use bytes::Bytes;
    use tables_wire::{Column, Output};

    use crate::error::{Error, Result};

    pub(crate) struct Encoder(Vec<u8>);

    impl Encoder {
        pub(crate) fn new(output: Output, _: &SchemaRef, columns: &[Column]) -> Result<Self> {
            if output != Output::Csv {
                return Err(Error::invalid("not supported"));
            }
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            Ok(Self((names.join(",") + "\r\n").into_bytes()))
        }

        pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<usize> {
            arrow::csv::WriterBuilder::new().with_header(false).build(&mut self.0).write(batch)?;
            Ok(batch.num_rows())
        }

        pub(crate) fn take(&mut self) -> Bytes {
            std::mem::take(&mut self.0).into()
        }

        pub(crate) fn finish(self) -> Result<Bytes> {
            Ok(self.0.into())
        }
    }
}

mod query {
    pub(crate) struct Context {
        pub(crate) memory: usize,
    }
}

fn main() -> std::process::ExitCode {
    let runtime = tokio::runtime::Runtime::new();
    let result = runtime.map_err(error::Error::internal).and_then(|runtime| runtime.block_on(serve::serve(query::Context { memory: 1 << 29 }, Vec::new())));
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rutter-tables: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
