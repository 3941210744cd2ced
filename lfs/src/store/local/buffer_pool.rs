//! A buffer pool for file reads. Blocks are freed on other threads than those that allocated them; an allocator
//! would keep a heap for each of these threads, and all of them would grow.

use std::{
    fs::File,
    io::{self, Read},
    mem,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

/// Size of a full block in bytes.
pub(super) const LENGTH: usize = 128 * 1024;

/// Maximum number of idle blocks (8 MiB); the others are freed.
const MAX_IDLE_BLOCKS: usize = 64;

static IDLE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Reads the next `length` bytes, at most [`LENGTH`], into memory that is not zeroed first. Blocks.
pub(super) fn read(file: &File, length: usize) -> io::Result<Bytes> {
    let mut block = Block::empty();
    if file.take(length as u64).read_to_end(&mut block.0)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Bytes::from_owner(block))
}

/// A buffer of up to [`LENGTH`] bytes. Its memory returns to the pool when it is dropped.
struct Block(Vec<u8>);

impl Block {
    fn empty() -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(idle.unwrap_or_else(|| Vec::with_capacity(LENGTH)))
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut memory = mem::take(&mut self.0);
        memory.clear();
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE_BLOCKS {
            idle.push(memory);
        }
    }
}
