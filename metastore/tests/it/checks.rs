//! Verification of stored packs: no byte may change unnoticed.

use std::sync::Arc;

use metastore::{Error, PackStore};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use proptest::prelude::*;

use crate::support::{World, put};

fn noise(words: u32) -> Vec<u8> {
    (0..words).flat_map(|at| at.wrapping_mul(2_654_435_761).rotate_left(at % 31).to_be_bytes()).collect()
}

/// A bucket with one stored pack, and a row with another, inline pack.
async fn stored() -> (World, Arc<InMemory>) {
    let bucket = Arc::new(InMemory::new());
    let objects: Arc<dyn ObjectStore> = bucket.clone();
    let world = World::on(|_| PackStore::remote(objects));
    world.commit(vec![put("small", "inline")]).await.unwrap();
    for version in 0..4u8 {
        let mut text = noise(20_000);
        text.push(version);
        world.commit(vec![put("big", text), put(&format!("f{version}"), "1")]).await.unwrap();
    }
    world.merge_all().await;
    world.commit(vec![put("another", "inline")]).await.unwrap();
    (world, bucket)
}

async fn problems(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for pack in &world.database.state().packs {
        all.extend(world.engine.check_pack(&world.repo, pack).await.unwrap());
    }
    all
}

#[tokio::test]
async fn what_is_whole_passes_and_what_is_lost_is_named() {
    let (world, bucket) = stored().await;
    assert_eq!(problems(&world).await, Vec::<String>::new());
    let pack = world.database.state().packs.iter().find(|pack| !pack.inline).unwrap().clone();
    for extension in ["pack", "idx"] {
        let name = format!("packs/repo-1/{}.{extension}", pack.key);
        let path = Path::from(name.as_str());
        let bytes = bucket.get(&path).await.unwrap().bytes().await.unwrap();
        bucket.delete(&path).await.unwrap();
        let found = problems(&world).await;
        assert!(found.len() == 1 && found[0].contains(&name), "{found:?}");
        bucket.put(&path, bytes.slice(1..).into()).await.unwrap();
        let found = problems(&world).await;
        assert!(found.len() == 1 && found[0].contains(&name), "{found:?}");
        bucket.put(&path, bytes.into()).await.unwrap();
    }
    assert_eq!(problems(&world).await, Vec::<String>::new());
}

/// An unavailable store says nothing about its packs.
#[tokio::test]
async fn a_store_that_is_away_is_no_problem_of_a_pack() {
    let world = World::new();
    world.commit(vec![put("big", noise(30_000))]).await.unwrap();
    let pack = world.database.state().packs[0].clone();
    assert!(!pack.inline);
    std::fs::rename(world.folder.path().join("store"), world.folder.path().join("away")).unwrap();
    let result = world.engine.check_pack(&world.repo, &pack).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    std::fs::rename(world.folder.path().join("away"), world.folder.path().join("store")).unwrap();
    assert_eq!(world.engine.check_pack(&world.repo, &pack).await.unwrap(), Vec::<String>::new());
}

/// The checksum of an index covers its bytes, but they may be wrong: git builds the index again.
#[tokio::test]
async fn an_index_that_lies_with_good_checksums_is_found() {
    let (world, bucket) = stored().await;
    let pack = world.database.state().packs.iter().find(|pack| !pack.inline).unwrap().clone();
    let path = Path::from(format!("packs/repo-1/{}.idx", pack.key));
    let mut idx = bucket.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
    // A CRC-32 in the table after the object IDs.
    let count = usize::try_from(pack.objects).unwrap();
    idx[8 + 1024 + count * 20] ^= 1;
    let body = idx.len() - 20;
    let file = world.folder.path().join("lie");
    std::fs::write(&file, &idx[..body]).unwrap();
    let sum = std::process::Command::new("sha1sum").arg(&file).output().unwrap().stdout;
    let sum = crate::support::oid(std::str::from_utf8(&sum[..40]).unwrap());
    idx[body..].copy_from_slice(sum.as_slice());
    bucket.put(&path, idx.into()).await.unwrap();
    let found = problems(&world).await;
    assert!(found.len() == 1 && found[0].contains(&pack.key), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_flipped_bit_is_found(flips in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 0u8..8), 4)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (world, bucket) = stored().await;
            let pack = world.database.state().packs.iter().find(|pack| !pack.inline).unwrap().clone();
            for (in_pack, at, bit) in flips {
                let extension = if in_pack { "pack" } else { "idx" };
                let path = Path::from(format!("packs/repo-1/{}.{extension}", pack.key));
                let good = bucket.get(&path).await.unwrap().bytes().await.unwrap();
                let mut bad = good.to_vec();
                let at = at.index(bad.len());
                bad[at] ^= 1 << bit;
                bucket.put(&path, bad.into()).await.unwrap();
                let found = problems(&world).await;
                assert_eq!(found.len(), 1, "bit {bit} of byte {at} of the {extension}: {found:?}");
                bucket.put(&path, good.into()).await.unwrap();
            }
            assert_eq!(problems(&world).await, Vec::<String>::new());
        });
    }
}
