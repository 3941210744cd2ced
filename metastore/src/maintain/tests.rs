use proptest::prelude::*;

use super::*;

fn packs(sizes: &[u64]) -> Vec<Pack> {
    let row = |(number, &pack_bytes): (usize, &u64)| {
        let id = gix::ObjectId::from_hex(format!("{number:040x}").as_bytes()).unwrap();
        Pack { id: id.into(), key: number.to_string(), pack_bytes, idx_bytes: 1, objects: 1, inline: false }
    };
    sizes.iter().enumerate().map(row).collect()
}

fn sizes_of(packs: &[Pack], ids: &[PackId]) -> Vec<u64> {
    packs.iter().filter(|pack| ids.contains(&pack.id)).map(|pack| pack.pack_bytes).collect()
}

#[test]
fn few_packs_are_left_alone() {
    assert_eq!(consolidation(&[]), None);
    assert_eq!(consolidation(&packs(&[SMALL; 50])), None);
    assert_eq!(consolidation(&packs(&[10; 16])), None);
}

#[test]
fn a_big_pack_is_not_rewritten_for_small_ones() {
    let mut sizes = vec![1000; 33];
    sizes.push(1 << 40);
    let packs = packs(&sizes);
    let chosen = consolidation(&packs).unwrap();
    assert_eq!(sizes_of(&packs, &chosen), vec![1000; 33]);
}

proptest! {
    #[test]
    fn a_merge_ends_the_need_for_one(sizes in prop::collection::vec(32u64..1 << 34, 0..120)) {
        let before = packs(&sizes);
        let needed = sizes.len() > MAX_PACKS || sizes.iter().filter(|size| **size < SMALL).count() > MAX_SMALL_PACKS;
        let chosen = consolidation(&before);
        prop_assert_eq!(chosen.is_some(), needed);
        if let Some(chosen) = chosen {
            prop_assert!(chosen.len() > 1);
            let merged: u64 = sizes_of(&before, &chosen).iter().sum();
            let mut after: Vec<u64> = before.iter().filter(|pack| !chosen.contains(&pack.id)).map(|pack| pack.pack_bytes).collect();
            after.push(merged);
            after.sort_unstable();
            prop_assert_eq!(consolidation(&packs(&after)), None);
            // Each remaining pack is at least twice as large as the merged one, and they grow from there.
            let mut sum = merged;
            for size in after.iter().filter(|size| **size != merged) {
                prop_assert!(*size >= 2 * sum);
                sum += size;
            }
        }
    }
}
