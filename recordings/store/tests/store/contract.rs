//! What every store does; the memory store is the definition.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use convene_recordings::{BlockId, BlockInfo, StoreConfig};
use convene_recordings_store::{BlobStore, FolderConfig, MemoryConfig, StoreError, open};
use convene_test_support::Azurite;

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(&StoreConfig::Memory(MemoryConfig { region: "a".parse().expect("a name") })).await;
}

#[tokio::test]
async fn folder_keeps_the_contract() {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("made/when/needed");
    keeps_the_contract(&StoreConfig::Folder(FolderConfig { region: "a".parse().expect("a name"), path }))
        .await;
}

#[tokio::test]
async fn azure_keeps_the_contract() {
    let azurite = Azurite::start().await;
    keeps_the_contract(&StoreConfig::Azure(azurite.config("a", "contract"))).await;
    // The container is made by the first block, too.
    let store = open(&StoreConfig::Azure(azurite.config("a", "unchecked"))).expect("a store");
    grows_block_by_block(&Blob::new(&store, "fresh.webm")).await;
    sends_its_headers_with_every_commit(&azurite).await;
}

async fn keeps_the_contract(config: &StoreConfig) {
    let store = open(config).expect("a store");
    assert_eq!(store.region(), config.region());
    nothing_is_there_at_first(&Blob::new(&store, "nothing.webm")).await;
    store.check().await.expect("it can be used");
    grows_block_by_block(&Blob::new(&store, "grows.webm")).await;
    block_0_comes_again_larger(&Blob::new(&store, "again.webm")).await;
    a_block_put_again_is_taken(&Blob::new(&store, "twice.webm")).await;
    blocks_left_out_are_dropped(&Blob::new(&store, "dropped.webm")).await;
    a_missing_block_changes_nothing(&Blob::new(&store, "missing.webm")).await;
    ranges_are_exact(&Blob::new(&store, "ranges.webm")).await;
    deleting_leaves_nothing(&Blob::new(&store, "deleted.webm")).await;
    blobs_are_apart(&Blob::new(&store, "one.webm"), &Blob::new(&store, "two.webm")).await;
    a_long_list_keeps_its_order(&Blob::new(&store, "long.webm")).await;
    odd_names_are_refused(&store).await;
}

async fn nothing_is_there_at_first(blob: &Blob) {
    assert_eq!(blob.list().await, []);
    assert_eq!(blob.size().await, None);
    assert!(matches!(blob.read(0..1).await, Err(StoreError::NoBlob { .. })));
    assert!(matches!(blob.read(0..0).await, Err(StoreError::NoBlob { .. })));
    assert!(matches!(blob.commit(&[id(0)]).await, Err(StoreError::NoBlock { .. })));
    blob.delete().await;
}

async fn grows_block_by_block(blob: &Blob) {
    blob.put(id(0), b"head").await;
    assert_eq!(blob.list().await, [info(id(0), 4, false)]);
    assert_eq!(blob.size().await, None);
    assert!(matches!(blob.read(0..1).await, Err(StoreError::NoBlob { .. })));

    blob.commit(&[id(0)]).await.expect("it is there");
    assert_eq!(blob.whole().await, b"head");
    blob.put(id(1), b"one").await;
    blob.put(id(2), b"two").await;
    assert_eq!(blob.list().await, [info(id(0), 4, true), info(id(1), 3, false), info(id(2), 3, false)]);
    assert_eq!(blob.whole().await, b"head");

    for _ in 0..2 {
        blob.commit(&[id(0), id(1), id(2)]).await.expect("all are there, also the second time");
        assert_eq!(blob.whole().await, b"headonetwo");
        assert_eq!(blob.list().await, [info(id(0), 4, true), info(id(1), 3, true), info(id(2), 3, true)]);
    }
}

async fn block_0_comes_again_larger(blob: &Blob) {
    blob.put(id(0), b"head").await;
    blob.put(id(1), b"one").await;
    blob.commit(&[id(0), id(1)]).await.expect("both are there");
    blob.put(id(2), b"two").await;
    blob.put(BlockId::FIRST_AGAIN, b"a larger head").await;
    blob.commit(&[BlockId::FIRST_AGAIN, id(1), id(2)]).await.expect("all are there");
    assert_eq!(blob.whole().await, b"a larger headonetwo");
    let list = [info(BlockId::FIRST_AGAIN, 13, true), info(id(1), 3, true), info(id(2), 3, true)];
    assert_eq!(blob.list().await, list);
}

async fn a_block_put_again_is_taken(blob: &Blob) {
    blob.put(id(0), b"head").await;
    blob.put(id(1), b"wrong").await;
    blob.put(id(1), b"wrong again").await;
    blob.commit(&[id(0), id(1)]).await.expect("both are there");
    assert_eq!(blob.whole().await, b"headwrong again");
    blob.put(id(1), b"right").await;
    assert_eq!(blob.whole().await, b"headwrong again");
    blob.commit(&[id(0), id(1)]).await.expect("both are there");
    assert_eq!(blob.whole().await, b"headright");
}

async fn blocks_left_out_are_dropped(blob: &Blob) {
    for number in 0..4 {
        blob.put(id(number), format!("<{number}>").as_bytes()).await;
    }
    blob.commit(&[id(0), id(2)]).await.expect("both are there");
    assert_eq!(blob.whole().await, b"<0><2>");
    assert_eq!(blob.list().await, [info(id(0), 3, true), info(id(2), 3, true)]);
    blob.commit(&[id(2)]).await.expect("it is there");
    assert_eq!(blob.whole().await, b"<2>");
    assert!(matches!(blob.commit(&[id(0), id(2)]).await, Err(StoreError::NoBlock { .. })));
}

async fn a_missing_block_changes_nothing(blob: &Blob) {
    blob.put(id(0), b"head").await;
    blob.commit(&[id(0)]).await.expect("it is there");
    blob.put(id(1), b"one").await;
    assert!(matches!(blob.commit(&[id(0), id(1), id(2)]).await, Err(StoreError::NoBlock { .. })));
    assert_eq!(blob.whole().await, b"head");
    blob.commit(&[id(0), id(1)]).await.expect("it is still there");
    assert_eq!(blob.whole().await, b"headone");
}

async fn ranges_are_exact(blob: &Blob) {
    // More than 4 MiB in one block, because stores treat small and large ranges differently.
    let large: Vec<u8> = (0..5 * 1024 * 1024_u32).map(|n| (n / 251 + n) as u8).collect();
    blob.put(id(0), b"head").await;
    blob.put(id(1), &large).await;
    blob.put(id(2), b"tail").await;
    blob.commit(&[id(0), id(1), id(2)]).await.expect("all are there");

    let whole = [b"head", &large[..], b"tail"].concat();
    let size = whole.len() as u64;
    assert_eq!(blob.size().await, Some(size));
    for range in [0..1, 0..4, 2..7, 3..4_200_000, size - 5..size, size - 1..size, 0..size, 9..9, size..size] {
        let bytes = blob.read(range.clone()).await.expect("it is there");
        assert!(bytes == whole[range.start as usize..range.end as usize], "{range:?}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "an empty range that is wrong is refused, too")]
    for range in [0..size + 1, size - 1..size + 1, size..size + 1, size + 7..size + 7, 9..8, 0..u64::MAX] {
        let error = blob.read(range.clone()).await.expect_err("it is not there");
        assert!(matches!(error, StoreError::OutOfRange { size: s, .. } if s == size), "{range:?}: {error}");
    }
}

async fn deleting_leaves_nothing(blob: &Blob) {
    blob.put(id(0), b"head").await;
    blob.commit(&[id(0)]).await.expect("it is there");
    blob.put(id(1), b"one").await;
    for _ in 0..2 {
        blob.delete().await;
        assert_eq!(blob.list().await, []);
        assert_eq!(blob.size().await, None);
    }
    blob.put(id(0), b"never committed").await;
    blob.delete().await;
    assert_eq!(blob.list().await, []);

    blob.put(id(0), b"new").await;
    blob.commit(&[id(0)]).await.expect("it can be written again");
    assert_eq!(blob.whole().await, b"new");
}

async fn blobs_are_apart(one: &Blob, two: &Blob) {
    one.put(id(0), b"one").await;
    two.put(id(0), b"two").await;
    one.commit(&[id(0)]).await.expect("it is there");
    assert_eq!(two.size().await, None);
    two.commit(&[id(0)]).await.expect("it is there");
    one.delete().await;
    assert_eq!(two.whole().await, b"two");
}

async fn a_long_list_keeps_its_order(blob: &Blob) {
    let ids: Vec<_> = (0..120).map(id).collect();
    let mut whole = Vec::new();
    for id in &ids {
        let bytes = format!("{id};");
        blob.put(*id, bytes.as_bytes()).await;
        whole.extend_from_slice(bytes.as_bytes());
    }
    blob.commit(&ids).await.expect("all are there");
    assert_eq!(blob.whole().await, whole);
    assert!(blob.list().await.iter().map(|block| block.id).eq(ids));
}

async fn odd_names_are_refused(store: &Arc<dyn BlobStore>) {
    let long = "x".repeat(201);
    for name in ["", ".", "..", "../x", ".blocks", "a/b", "a\\b", "a b", "ä", "a?b", "a\0b", &long] {
        let put = store.put_block(name, &id(0), Bytes::from_static(b"x")).await;
        assert!(matches!(put, Err(StoreError::BadName { .. })), "{name:?}");
        assert!(matches!(store.delete(name).await, Err(StoreError::BadName { .. })), "{name:?}");
        assert!(matches!(store.read_range(name, 0..0).await, Err(StoreError::BadName { .. })), "{name:?}");
    }
}

/// A commit resets them, so each one must bring them. Asked of the server itself, behind the store's back.
async fn sends_its_headers_with_every_commit(azurite: &Azurite) {
    let config = azurite.config("a", "headers");
    let store = open(&StoreConfig::Azure(config.clone())).expect("a store");
    let blob = Blob::new(&store, "headers.webm");
    blob.put(id(0), b"head").await;
    blob.commit(&[id(0)]).await.expect("it is there");
    let key = config.key.expect("a key").expose().to_owned();
    let uri = config.endpoint.expect("an endpoint");
    let location = azure_storage::CloudLocation::Custom { account: config.account.clone(), uri };
    let key = azure_storage::StorageCredentials::access_key(config.account, key);
    let client = azure_storage_blobs::prelude::ClientBuilder::with_location(location, key)
        .blob_client(config.container, "headers.webm");
    let seen = async || {
        let properties = client.get_properties().await.expect("it is there").blob.properties;
        (properties.content_type, properties.cache_control.unwrap_or_default())
    };
    assert_eq!(seen().await, ("video/webm".to_owned(), "private, no-cache".to_owned()));
    blob.put(BlockId::FIRST_AGAIN, b"larger head").await;
    blob.commit(&[BlockId::FIRST_AGAIN]).await.expect("it is there");
    assert_eq!(seen().await, ("video/webm".to_owned(), "private, max-age=3600".to_owned()));
}

fn id(number: u32) -> BlockId {
    BlockId::new(number).expect("a small number")
}

fn info(id: BlockId, bytes: u64, committed: bool) -> BlockInfo {
    BlockInfo { id, bytes, committed }
}

struct Blob {
    store: Arc<dyn BlobStore>,
    name: &'static str,
}

impl Blob {
    fn new(store: &Arc<dyn BlobStore>, name: &'static str) -> Self {
        Self { store: Arc::clone(store), name }
    }

    async fn put(&self, id: BlockId, bytes: &[u8]) {
        self.store.put_block(self.name, &id, Bytes::copy_from_slice(bytes)).await.expect("it can be put");
    }

    async fn commit(&self, ids: &[BlockId]) -> Result<(), StoreError> {
        self.store.commit(self.name, ids).await
    }

    async fn list(&self) -> Vec<BlockInfo> {
        self.store.block_list(self.name).await.expect("it can be listed")
    }

    async fn size(&self) -> Option<u64> {
        self.store.size(self.name).await.expect("it can be asked")
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.store.read_range(self.name, range).await
    }

    async fn whole(&self) -> Vec<u8> {
        let size = self.size().await.expect("it is there");
        self.read(0..size).await.expect("it can be read").to_vec()
    }

    async fn delete(&self) {
        self.store.delete(self.name).await.expect("it can be deleted");
    }
}
