//! Downloads: one block is read ahead while the network sends the previous one.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    ops::Range,
    os::unix::fs::FileExt as _,
    path::Path,
};

use bytes::Bytes;
use futures::{Stream, stream};

use super::buffer_pool;
use crate::blocking;

/// Maximum size in bytes of objects that are read when they are opened: one task on the blocking pool instead of
/// two.
const SMALL: usize = 32 * 1024;

/// An object opened for reading.
#[derive(Debug)]
pub struct Object {
    size: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    File(File),
}

impl Object {
    /// Opens the file. Blocks.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let size = found.len();
        let content = match usize::try_from(size) {
            Ok(length) if length <= SMALL => Content::Memory(buffer_pool::read(&file, length)?),
            _ => Content::File(file),
        };
        Ok(Self { size, content })
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads a range into memory; shorter if the object ends before. Blocks.
    pub(super) fn read(self, range: Range<u64>) -> io::Result<Bytes> {
        let end = range.end.min(self.size);
        let (start, length) = (range.start.min(end), end.saturating_sub(range.start));
        let length = usize::try_from(length).map_err(io::Error::other)?;
        match self.content {
            Content::Memory(bytes) => {
                let start = usize::try_from(start).map_err(io::Error::other)?;
                Ok(bytes.slice(start..start + length))
            }
            Content::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(Bytes::from(bytes))
            }
        }
    }

    /// Streams the bytes of `range`, truncated to the size of the object. A file that turns out to be shorter is
    /// an [`io::ErrorKind::UnexpectedEof`].
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let end = range.end.min(self.size);
        let start = range.start.min(end);
        let first = match self.content {
            _ if start == end => Next::End,
            Content::Memory(bytes) => {
                let index = |at| usize::try_from(at).expect("the bytes are in memory");
                Next::Last(bytes.slice(index(start)..index(end)))
            }
            Content::File(file) => Next::First(Reader { file, position: start, end }),
        };
        stream::unfold(first, Next::step)
    }
}

/// The source of the next block.
enum Next {
    First(Reader),
    Running(blocking::Task<io::Result<(Bytes, Reader)>>),
    Last(Bytes),
    End,
}

impl Next {
    async fn step(self) -> Option<(io::Result<Bytes>, Self)> {
        let task = match self {
            Self::First(reader) => blocking::spawn(move || reader.seek()?.block()),
            Self::Running(task) => task,
            Self::Last(bytes) => return Some((Ok(bytes), Self::End)),
            Self::End => return None,
        };
        Some(match task.join().await {
            Err(error) => (Err(error), Self::End),
            Ok((block, reader)) if reader.position == reader.end => (Ok(block), Self::End),
            Ok((block, reader)) => (Ok(block), Self::Running(blocking::spawn(move || reader.block()))),
        })
    }
}

/// The rest of a file to read. All methods block.
struct Reader {
    file: File,
    position: u64,
    end: u64,
}

impl Reader {
    fn seek(mut self) -> io::Result<Self> {
        self.file.seek(SeekFrom::Start(self.position))?;
        Ok(self)
    }

    fn block(mut self) -> io::Result<(Bytes, Self)> {
        let length =
            usize::try_from(self.end - self.position).map_or(buffer_pool::LENGTH, |left| left.min(buffer_pool::LENGTH));
        let block = buffer_pool::read(&self.file, length)?;
        self.position += length as u64;
        Ok((block, self))
    }
}
