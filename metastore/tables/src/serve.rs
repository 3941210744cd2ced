//! Requests from the server, one after the other.

use std::os::fd::AsFd as _;
use std::sync::Arc;

use tables_wire::{BLOCK, Done, Hello, PROTOCOL, Task};
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::connection::{Connection, Frames, Request, connect};
use crate::convert::convert;
use crate::diff::{daff, diff};
use crate::error::{Error, Result};
use crate::page::page;
use crate::picture::picture;
use crate::query::Context;
use crate::source::OpenTable;
use crate::sql::{references, sql};
use crate::statistics::statistics;

/// Serves requests until the server closes standard input, which ends the process at once.
///
/// # Errors
/// Internal if the connection breaks.
pub(crate) async fn serve(context: Context, weaknesses: Vec<String>) -> Result<()> {
    let (connection, frames, mut requests) = connect();
    let thread = std::thread::Builder::new().name("frames".to_owned());
    let thread = thread.spawn(|| end(&drive(frames))).map_err(Error::internal)?;
    let hello = connection.hello(&Hello { protocol: PROTOCOL, weaknesses }).await;
    while hello.is_ok()
        && let Some(request) = requests.recv().await
        && answer(&context, request, &connection).await.is_ok()
    {}
    // The connection is over. Its thread knows why, and ends the process with the status.
    thread.join().map_err(|_| Error::internal("the thread of the connection panicked"))
}

/// Moves frames until there are no more.
fn drive(frames: Frames) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        for pipe in [std::io::stdin().as_fd(), std::io::stdout().as_fd()] {
            // Fewer turns of server and engine for each block. The kernel may refuse, and then they take more.
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, BLOCK);
        }
        let input = Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
        let output = Sender::from_owned_fd(std::io::stdout().as_fd().try_clone_to_owned()?)?;
        frames.run(input, output).await
    })
}

/// Ends the process, whatever is running.
fn end(result: &std::io::Result<()>) -> ! {
    if let Err(error) = result {
        eprintln!("rutter-tables: the connection with the server broke: {error}");
    }
    std::process::exit(i32::from(result.is_err()))
}

/// Answers a request.
async fn answer(context: &Context, request: Request, connection: &Connection) -> Result<()> {
    connection.begin();
    match run(context, &request, connection).await {
        Ok(done) => connection.done(&done).await,
        Err(error) => connection.failed(&error.into_failure()).await,
    }
}

async fn run(context: &Context, request: &Request, connection: &Connection) -> Result<Done> {
    let tables = open(context, request, connection).await?;
    let one = || match &tables[..] {
        [(_, table)] => Ok(table),
        _ => Err(Error::internal(format!("a task for one table with {}", tables.len()))),
    };
    let done = match &request.work.task {
        Task::Infer => {
            connection.chunk(serde_json::to_vec(&one()?.describe())?.into()).await?;
            Ok(Done::default())
        }
        Task::Page(wanted) => page(context, one()?, wanted, connection).await,
        Task::Statistics(options) => match statistics(context, &one()?.as_source(), options).await {
            Ok(found) => {
                connection.chunk(found.into()).await?;
                Ok(Done { total: one()?.total(), ..Done::default() })
            }
            Err(error) => Err(error),
        },
        Task::Diff(options) => match &tables[..] {
            [(_, from), (_, to)] => diff(context, from, to, options, connection).await,
            _ => Err(Error::internal(format!("a comparison of {} tables", tables.len()))),
        },
        Task::Daff => match &tables[..] {
            [(_, from), (_, to), (_, result)] => daff(context, from, to, result, connection).await,
            _ => Err(Error::internal(format!("a comparison of {} tables", tables.len()))),
        },
        Task::Convert(options) => convert(one()?, options, connection).await,
        Task::References(query) => {
            connection.chunk(serde_json::to_vec(&references(&query.query)?)?.into()).await?;
            Ok(Done::default())
        }
        Task::Picture(wanted) => picture(wanted, connection).await,
        Task::Sql(query) => {
            let tables: Vec<_> = tables.iter().map(|(_, table)| Arc::clone(table)).collect();
            sql(context, &tables, query, connection).await
        }
    };
    // Also of a failed request: the next one may need less of the file.
    for (connection, table) in &tables {
        for (file, index) in table.indexes()? {
            connection.index(file, index).await?;
        }
    }
    done
}

/// Opens the tables of a request, each with the connection that has its files.
async fn open(
    context: &Context,
    request: &Request,
    connection: &Connection,
) -> Result<Vec<(Connection, Arc<OpenTable>)>> {
    let mut tables = Vec::new();
    let mut first = 0;
    for table in &request.work.tables {
        let count = u32::try_from(table.files.len()).map_err(Error::internal)?;
        let connection = connection.for_files(first);
        let indexes = (0..count).filter_map(|file| Some((file, request.indexes.get(&(first + file))?.clone())));
        let opened = OpenTable::open(&connection, table, &indexes.collect(), context.memory).await?;
        tables.push((connection, opened));
        first += count;
    }
    Ok(tables)
}
