//! The same operations on every kind of store.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::BoxStream};
use metastore::{Engine, Error, PackStore};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, memory::InMemory, path::Path as At,
};

use crate::support::{World, git, put};

fn noise(words: u32, seed: u32) -> Vec<u8> {
    (0..words).flat_map(|at| (at ^ seed).wrapping_mul(2_654_435_761).rotate_left(at % 31).to_be_bytes()).collect()
}

async fn live(world: World) {
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.state().packs.len(), 0);
    world.commit(vec![put("small", "1")]).await.unwrap();
    world.commit(vec![put("middle", noise(60_000, 1))]).await.unwrap();
    // Larger than one part of a multipart upload.
    world.commit(vec![put("big", noise(2_500_000, 2))]).await.unwrap();
    let snapshot = world.snapshot().await;
    let inputs: Vec<_> = snapshot.state().packs.iter().map(|pack| pack.id).collect();
    let merged = world.engine.consolidate(&snapshot, &inputs).await.unwrap();
    assert!(merged.pack_bytes > 8 << 20);
    world.engine.store(&world.repo, &merged).await.unwrap();
    // Storing the same pack again is harmless.
    world.engine.store(&world.repo, &merged).await.unwrap();
    world.database.swap(&inputs, &merged).unwrap();
    world.engine.forget(&world.repo).await.unwrap();
    world.assert_clean().await;
    let snapshot = world.snapshot().await;
    assert_eq!(git(snapshot.git_dir(), &["cat-file", "-s", "main:big"]).trim(), "10000000");
    assert_eq!(world.engine.list_packs(&world.repo).await.unwrap().len(), 6);
    for file in world.engine.list_packs(&world.repo).await.unwrap() {
        if file.key != merged.key {
            world.engine.delete_pack(&world.repo, &file.key).await.unwrap();
        }
    }
    assert_eq!(world.engine.list_packs(&world.repo).await.unwrap().len(), 2);
    world.engine.forget(&world.repo).await.unwrap();
    world.assert_clean().await;
}

#[tokio::test]
async fn a_local_folder() {
    live(World::new()).await;
}

#[tokio::test]
async fn a_bucket() {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    live(World::on(|_| PackStore::remote(objects))).await;
}

#[tokio::test]
async fn one_repository_does_not_see_the_packs_of_another() {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let world = World::on(|_| PackStore::remote(objects));
    world.commit(vec![put("middle", noise(60_000, 1))]).await.unwrap();
    let other = "repo-10".parse().unwrap();
    assert!(world.engine.list_packs(&other).await.unwrap().is_empty());
    assert_eq!(world.engine.list_packs(&world.repo).await.unwrap().len(), 2);
}

/// A bucket that does not respond.
#[derive(Debug)]
struct Away;

impl std::fmt::Display for Away {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("away")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Away {
    async fn put_opts(&self, _: &At, _: PutPayload, _: PutOptions) -> object_store::Result<PutResult> {
        std::future::pending().await
    }

    async fn put_multipart_opts(
        &self,
        _: &At,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        std::future::pending().await
    }

    async fn get_opts(&self, _: &At, _: GetOptions) -> object_store::Result<GetResult> {
        std::future::pending().await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<At>>,
    ) -> BoxStream<'static, object_store::Result<At>> {
        futures::stream::pending().boxed()
    }

    fn list(&self, _: Option<&At>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        futures::stream::pending().boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&At>) -> object_store::Result<ListResult> {
        std::future::pending().await
    }

    async fn copy_opts(&self, _: &At, _: &At, _: CopyOptions) -> object_store::Result<()> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn those_who_wait_for_a_store_that_is_away_learn_it_together() {
    let world = World::new();
    world.commit(vec![put("middle", noise(60_000, 1))]).await.unwrap();
    let mut options = world.options();
    options.cache = world.folder.path().join("cold");
    options.store = PackStore::remote(Arc::new(Away)).with_timeout(Duration::from_secs(1));
    let engine = Engine::open(options).unwrap();
    let began = Instant::now();
    let waiters: Vec<_> = (0..50)
        .map(|_| {
            let (engine, state) = (engine.clone(), world.database.state());
            tokio::spawn(async move { engine.snapshot(state).await })
        })
        .collect();
    for waiter in waiters {
        let answer = waiter.await.unwrap();
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}
