//! Memory for pieces of files, used again and again. Blocks are freed on other threads than they
//! were made on; an allocator would keep a heap for each of these threads, and grow them all.

use std::{
    fs::File,
    io::{self, Read},
    mem,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

/// The length of a full block, in bytes.
pub(super) const LENGTH: usize = 128 * 1024;

/// So many blocks wait to be used again (8 MiB); more are given back to the system.
const KEPT: usize = 64;

static IDLE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Reads the next `length` bytes, at most [`LENGTH`], into memory that is not cleared first. Blocks.
pub(super) fn read(file: &File, length: usize) -> io::Result<Bytes> {
    let mut block = Block::empty();
    if file.take(length as u64).read_to_end(&mut block.0)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Bytes::from_owner(block))
}

/// Up to [`LENGTH`] bytes. Its memory is used again when it is dropped.
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
        if idle.len() < KEPT {
            idle.push(memory);
        }
    }
}
