//! Messages between rutter and its table engine, the program `rutter-tables`, over the engine's standard input and output.
//!
//! The engine sends `Hello`. Then the server sends requests, one at a time: an `Index` for each file that has one, and
//! `Work`. The engine answers with `Read`s, which the server answers with `Bytes`; then with `Chunk`s of the result, and at
//! the end `Done` or `Failed`; and with `Progress` while that takes long. A server that loses interest ends the process.
//!
//! The server decides which files a request may read; the engine names them by their position in [`Table::files`], and has
//! no other access to data.

#![forbid(unsafe_code)]

mod format;
mod frame;
mod message;

pub use format::{Compression, Format};
pub use frame::{Frame, Kind, MAX_PAYLOAD, read_frame, write_frame};
pub use message::{
    Column, ColumnChange, Convert, Diff, DiffColumn, DiffSummary, Done, Failure, FailureKind, Hello, KeySource, Output,
    PROTOCOL, Page, Picture, PictureKind, Piece, Progress, Query, Read, References, Sort, Sql, Statistics, Table,
    TableFile, TableName, Task, Work,
};

/// Maximum length of a `Bytes` or `Chunk` frame, in bytes.
pub const BLOCK: usize = 1 << 20;
