//! The bare repository of a snapshot on disk: laid out from a state and packs, and opened by gix.

use std::{io, path::Path};

use crate::{
    Result, State,
    pack::{PackFile, PackFolder},
};

/// git configuration of every snapshot. Memory: a 200 MB push must not need hundreds of megabytes.
/// `allowAnySHA1InWant`: the rounds of one fetch may be served from different generations. `hideRefs`:
/// `refs/internal` belongs to the engine. `allocLimit` applies to readers in this process: even a small
/// object can have a delta base of any size. Packs are mapped in windows, so that the memory limit of a git
/// process can be lower than the size of a pack.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tbare = true
\tbigFileThreshold = 4m
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
\thideRefs = refs/internal
[gc]
\tauto = 0
[pack]
\tthreads = 2
\twindowMemory = 64m
\twriteReverseIndex = false
";

/// Opens a folder created by [`lay_out`], using only its own configuration, without searching parent folders.
pub(crate) fn open(folder: &Path) -> Result<gix::ThreadSafeRepository> {
    open_with(folder, None)
}

/// Like [`open`], with a memory limit in bytes for an object and its delta bases.
pub(crate) fn open_with(folder: &Path, alloc_limit: Option<usize>) -> Result<gix::ThreadSafeRepository> {
    let limit = alloc_limit.map(|limit| format!("gitoxide.objects.allocLimit={limit}"));
    let options = gix::open::Options::isolated().open_path_as_is(true).strict_config(true).config_overrides(limit);
    let repository = gix::ThreadSafeRepository::open_opts(folder, options)?;
    // Counting loads every index now. If threads sharing them loaded them lazily, a look-up during the load
    // of another thread could miss an object and never retry.
    repository.to_thread_local().objects.packed_object_count()?;
    Ok(repository)
}

/// Writes a bare repository: `HEAD`, `config`, `packed-refs`, and hard links of `packs`.
pub(crate) fn lay_out(folder: &Path, state: &State, packs: &[PackFile]) -> io::Result<()> {
    let target = PackFolder(folder.join("objects/pack"));
    std::fs::create_dir_all(&target.0)?;
    std::fs::create_dir(folder.join("objects/info"))?;
    std::fs::create_dir(folder.join("refs"))?;
    std::fs::write(folder.join("HEAD"), format!("ref: {}\n", state.head))?;
    std::fs::write(folder.join("config"), CONFIG)?;
    std::fs::write(folder.join("packed-refs"), packed_refs(state))?;
    for pack in packs {
        // git and gix find a pack by its index, so the index comes last.
        for half in [&pack.pack, &pack.idx] {
            let name = half.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            std::fs::hard_link(half, target.0.join(name))?;
        }
    }
    Ok(())
}

/// Returns the `packed-refs` file as git writes it: sorted bytewise, with the peeled target of every
/// annotated tag, and a header that announces both.
fn packed_refs(state: &State) -> String {
    let mut refs: Vec<_> = state.refs.iter().collect();
    refs.sort_by(|left, right| left.name.as_str().as_bytes().cmp(right.name.as_str().as_bytes()));
    let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    let mut hex = gix::hash::Kind::hex_buf();
    for each in refs {
        text.extend([each.target.hex_to_buf(&mut hex), " ", each.name.as_str(), "\n"]);
        if let Some(peeled) = each.peeled {
            text.extend(["^", peeled.hex_to_buf(&mut hex), "\n"]);
        }
    }
    text
}
