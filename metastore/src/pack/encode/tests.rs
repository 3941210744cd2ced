use std::process::Command;

use proptest::prelude::*;

use super::*;

fn object(kind: Kind, data: &[u8]) -> Object {
    Object { id: hash_object(kind, data).unwrap(), kind, data: data.to_vec() }
}

/// Returns git's index of our pack; fails the test if git rejects the pack.
fn index_by_git(pack: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pack");
    std::fs::write(&file, pack).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).arg(&file).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["index-pack", "--no-rev-index", "--object-format=sha1"]);
    run(&["verify-pack"]);
    std::fs::read(folder.path().join("a.idx")).unwrap()
}

#[test]
fn object_ids_are_those_of_git() {
    assert_eq!(hash_object(Kind::Blob, b"").unwrap(), ObjectId::empty_blob(gix::hash::Kind::Sha1));
    assert_eq!(hash_object(Kind::Tree, b"").unwrap(), ObjectId::empty_tree(gix::hash::Kind::Sha1));
}

#[test]
fn sizes_at_every_boundary_of_the_entry_header() {
    let sizes = [0usize, 1, 15, 16, 17, 2047, 2048, 2049, 262_143, 262_144, 262_145];
    let objects: Vec<_> = sizes.iter().map(|size| object(Kind::Blob, &vec![7; *size])).collect();
    let (id, bytes) = encode(&objects).unwrap();
    assert_eq!(bytes.idx, index_by_git(&bytes.pack));
    assert!(bytes.pack.ends_with(id.checksum().as_slice()));
}

#[test]
fn an_empty_pack_is_the_one_git_makes() {
    let (id, bytes) = encode(&[]).unwrap();
    assert_eq!(id.to_string(), "029d08823bd8a8eab510ad6ac75c823cfd3ed31e");
    assert_eq!(bytes.pack.len(), 32);
}

/// A real pack of more than 2 GiB is too large for a test, so gix reads the table of 8-byte offsets.
#[test]
fn large_offsets_have_their_own_table() {
    let offsets = [12, 0x7fff_ffff, 0x8000_0000, 0x1_2345_6789, u64::MAX / 2];
    let entries: Vec<_> = offsets
        .iter()
        .enumerate()
        .map(|(number, &offset)| {
            let id = hash_object(Kind::Blob, number.to_string().as_bytes()).unwrap();
            IndexEntry { id, crc32: 5, offset }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.idx");
    let pack = ObjectId::empty_blob(gix::hash::Kind::Sha1);
    std::fs::write(&file, encode_index(entries.clone(), pack).unwrap()).unwrap();
    let index = gix::odb::pack::index::File::at(&file, gix::hash::Kind::Sha1).unwrap();
    for entry in &entries {
        let at = index.lookup(entry.id).unwrap();
        assert_eq!((index.pack_offset_at_index(at), index.crc32_at_index(at)), (entry.offset, Some(5)));
    }
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    ids.sort();
    assert_eq!(index_ids(&file).unwrap(), ids);
}

#[test]
fn broken_indices_are_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.idx");
    let (_, bytes) = encode(&[object(Kind::Blob, b"x")]).unwrap();
    for damaged in [&b""[..], &b"\xfftOc"[..], &bytes.idx[..IDX_HEAD + 10], &[0; 2000][..]] {
        std::fs::write(&file, damaged).unwrap();
        assert!(matches!(index_ids(&file), Err(Error::Corrupt(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_blobs_make_a_pack_that_git_indexes_alike(
        contents in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 0..3000), 0..20),
    ) {
        let objects: Vec<_> = contents.iter().map(|content| object(Kind::Blob, content)).collect();
        let (id, bytes) = encode(&objects).unwrap();
        if !objects.is_empty() {
            prop_assert_eq!(&bytes.idx[..], &index_by_git(&bytes.pack)[..]);
        }
        prop_assert_eq!(id, PackId::from(checksum(&bytes.pack[..bytes.pack.len() - 20]).unwrap()));
    }
}
