//! Files whose name somebody has chosen: what was there goes, and what others have written can be read.

use azure_storage::{CloudLocation, StorageCredentials};
use azure_storage_blobs::blob::{BlobBlockType, BlockList};
use azure_storage_blobs::prelude::{ClientBuilder, ContainerClient};
use bytes::Bytes;
use convene_recordings::{AzureConfig, BlobName, BlockId, StoreConfig};
use convene_recordings_store::{
    BlobStore, MediaReader, MemoryStore, ReadError, RecordingWriter, SpoolError, Weather, WriterOptions, open,
};
use convene_test_support::Azurite;

use crate::meeting::{LONG, Meeting, PATIENCE, are_whole, block, file, first_again, is_empty, put, resume};

fn talk() -> BlobName {
    BlobName::new("Talk_1.webm").expect("a name")
}

async fn writer(meeting: &Meeting) -> Result<RecordingWriter, SpoolError> {
    let options = WriterOptions { patience: PATIENCE, others_max: LONG, ..WriterOptions::default() };
    RecordingWriter::create_named(meeting.spool.path(), talk(), meeting.regions(), options).await
}

/// Another file in blocks that have the same lengths and other bytes, and one block that was never committed.
async fn write_another(store: &MemoryStore, blocks: u32) {
    let blob = talk();
    let ids: Vec<_> = (0..blocks).map(|number| BlockId::new(number).expect("small")).collect();
    for id in &ids {
        let bytes = Bytes::from(vec![b'?'; block(id.number()).len()]);
        store.put_block(blob.as_str(), id, bytes).await.expect("it works");
    }
    store.commit(blob.as_str(), &ids[..ids.len() - 1]).await.expect("they are there");
    let last = Bytes::from(vec![b'?'; block(blocks - 1).len()]);
    store.put_block(blob.as_str(), &ids[ids.len() - 1], last).await.expect("it works");
}

async fn read(store: &MemoryStore) -> Vec<u8> {
    let size = store.size(talk().as_str()).await.expect("it works").expect("it is there");
    store.read_range(talk().as_str(), 0..size).await.expect("it works").to_vec()
}

#[tokio::test(start_paused = true)]
async fn what_was_there_under_the_name_is_replaced_in_every_region_however_late_it_comes_back() {
    for calls in 0..12 {
        let meeting = Meeting::new();
        write_another(&meeting.a, 9).await;
        write_another(&meeting.b, 20).await;
        meeting.b.set_weather(Weather::AwayAfter(calls));
        let mut writer = writer(&meeting).await.expect("the spool can be written");
        put(&mut writer, 0..8).await;
        let trouble = writer.progress().troubles().remove(1).expect("region b is away");
        assert!(trouble.contains("region b is away"), "{trouble}");
        meeting.b.set_weather(Weather::Fine);
        put(&mut writer, 8..15).await;
        let copies = writer.finish(first_again(), LONG).await.expect("the spool is fine");
        are_whole(&copies, &file(15, true));
        assert_eq!(read(&meeting.a).await, file(15, true));
        assert_eq!(read(&meeting.b).await, file(15, true), "after {calls} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn while_nothing_comes_what_is_there_stays() {
    let meeting = Meeting::new();
    write_another(&meeting.a, 3).await;
    let writer = writer(&meeting).await.expect("the spool can be written");
    tokio::time::sleep(LONG).await;
    writer.stop(LONG).await.expect("the spool is fine");
    assert!(!read(&meeting.a).await.is_empty());
    assert!(is_empty(meeting.spool.path()));
}

/// The region's own file is not taken for another one, though most of its blocks have left the spool.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_is_finished_under_its_name() {
    for calls in 0..30 {
        let meeting = Meeting::new();
        write_another(&meeting.a, 9).await;
        write_another(&meeting.b, 9).await;
        meeting.b.set_weather(Weather::AwayAfter(calls));
        let mut writer = writer(&meeting).await.expect("the spool can be written");
        put(&mut writer, 0..11).await;
        assert!(matches!(self::writer(&meeting).await.err(), Some(SpoolError::Exists { .. })));
        drop(writer);
        meeting.b.set_weather(Weather::Fine);
        let resumed = resume(meeting.spool.path(), &meeting.regions()).await;
        assert_eq!((resumed.blob.as_str(), resumed.finished), (talk().as_str(), false));
        are_whole(&resumed.copies, &file(11, false));
        assert_eq!(read(&meeting.b).await, file(11, false), "after {calls} calls");
        assert!(is_empty(meeting.spool.path()));
    }
}

/// At one go, as `az storage blob upload` does, and in blocks with ids of its own.
#[tokio::test]
async fn a_file_that_somebody_else_has_written_is_read_as_it_is() {
    let azurite = Azurite::start().await;
    let configs = ["a", "b"].map(|name| azurite.config(name, &format!("region-{name}")));
    let open = |config: &AzureConfig| open(&StoreConfig::Azure(config.clone())).expect("a store");
    let stores: Vec<_> = configs.iter().map(open).collect();
    for store in &stores {
        store.check().await.expect("it can be reached");
    }
    let blob = BlobName::new("notes.txt").expect("a name");
    let missing = MediaReader::open_named(&blob, &stores, PATIENCE).await.err();
    assert_eq!(missing, Some(ReadError::NotFound { blob: "notes.txt".to_owned() }));

    let theirs = configs.map(|config| stranger(&config).blob_client(blob.as_str()));
    theirs[0].put_block_blob("plain notes").await.expect("it works");
    theirs[1].put_block("their-id", "plain notes").await.expect("it works");
    let list = BlockList { blocks: vec![BlobBlockType::new_uncommitted("their-id")] };
    theirs[1].put_block_list(list).await.expect("it works");

    let reader = MediaReader::open_named(&blob, &stores, PATIENCE).await.expect("both have it");
    assert_eq!((reader.size(), reader.is_whole()), (11, false));
    assert_eq!(reader.read_range(0..5).await.expect("both have it"), "plain");
    theirs[0].delete().await.expect("it is there");
    assert_eq!(reader.read_range(6..11).await.expect("region b has it"), "notes");
    theirs[1].put_block_blob("shorter").await.expect("it works");
    assert_eq!(reader.read_range(0..5).await, Err(ReadError::Changed));
}

/// A region as others write it, without our store.
fn stranger(config: &AzureConfig) -> ContainerClient {
    let key = config.key.as_ref().expect("Azurite's own").expose().to_owned();
    let credentials =
        StorageCredentials::access_key(config.account.clone(), azure_core::auth::Secret::new(key));
    let uri = config.endpoint.clone().expect("this machine");
    let location = CloudLocation::Custom { account: config.account.clone(), uri };
    ClientBuilder::with_location(location, credentials).container_client(config.container.clone())
}
