use proptest::prelude::*;

use super::*;

/// The definition of the draft ("Merkle Tree Construction"): all hashes of a level are known before the next one.
fn root(mut level: Vec<(Hash, u64)>) -> Hash {
    while level.len() > 1 {
        let mut above = Vec::new();
        let mut rest = &level[..];
        while !rest.is_empty() {
            let end = rest.len().min(9);
            let cut = (2..end).find(|at| rest[*at].0.last_number().is_multiple_of(4)).map_or(end, |at| at + 1);
            let lines: Vec<String> = rest[..cut].iter().map(|(hash, length)| format!("{hash} : {length}\n")).collect();
            above.push((Hash::of_node(lines.concat().as_bytes()), rest[..cut].iter().map(|(_, length)| length).sum()));
            rest = &rest[cut..];
        }
        level = above;
    }
    level.first().map_or(Hash::ZERO, |(hash, _)| *hash)
}

/// Chunks whose hashes are those of their numbers.
fn numbered(count: u32) -> Vec<(Hash, u64)> {
    (0..count).map(|number| (Hash::of_chunk(&number.to_le_bytes()), u64::from(number) + 1)).collect()
}

/// Source: draft, "Internal Node Hash Test Vector".
#[test]
fn the_hash_of_a_node_is_that_of_the_specification() {
    let tree: Tree = [
        ("c28f58387a60d4aa200c311cda7c7f77f686614864f5869eadebf765d0a14a69", 100),
        ("6e4e3263e073ce2c0e78cc770c361e2778db3b054b98ab65e277fc084fa70f22", 200),
    ]
    .into_iter()
    .map(|(text, length)| (text.parse().unwrap(), length))
    .collect();
    assert_eq!(tree.xorb_hash().to_string(), "be64c7003ccd3cf4357364750e04c9592b3c36705dee76a71590c011766b6c14");
}

#[test]
fn a_tree_of_one_chunk_or_none() {
    assert_eq!(Tree::new().xorb_hash(), Hash::ZERO);
    assert_eq!(Tree::new().file_hash(), Hash::ZERO);
    let chunk = Hash::of_chunk(b"one");
    let tree = Tree::from_iter([(chunk, 3)]);
    assert_eq!(tree.clone().xorb_hash(), chunk);
    assert_eq!(tree.file_hash(), chunk.with_key(&[0; 32]));
}

#[test]
fn every_small_tree_has_the_defined_root() {
    let chunks = numbered(600);
    for count in 0..=600 {
        let tree: Tree = chunks[..count].iter().copied().collect();
        assert_eq!(tree.xorb_hash(), root(chunks[..count].to_vec()), "{count}");
    }
}

#[test]
fn a_large_tree_keeps_few_hashes() {
    let chunks = numbered(100_000);
    let tree: Tree = chunks.iter().copied().collect();
    let kept: usize = tree.levels.iter().map(|level| level.children.capacity()).sum();
    assert!(kept <= 16 * tree.levels.len() && tree.levels.len() < 15, "{kept} in {}", tree.levels.len());
    assert_eq!(tree.xorb_hash(), root(chunks));
}

proptest! {
    /// With hashes that end nodes early, late or not at all.
    #[test]
    fn trees_have_the_defined_root(ends in prop::collection::vec(0..8_u8, 0..200)) {
        let chunks: Vec<_> = ends.iter().map(|end| {
            let mut bytes = [7; 32];
            bytes[24] = *end;
            (Hash::from_bytes(bytes), u64::from(*end))
        }).collect();
        prop_assert_eq!(chunks.iter().copied().collect::<Tree>().xorb_hash(), root(chunks));
    }
}
