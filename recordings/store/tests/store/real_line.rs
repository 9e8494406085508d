//! A recording to a real Azurite, over a line that is cut and that stalls.

use std::sync::Arc;
use std::time::Duration;

use convene_recordings::CopyState::{Behind, Complete};
use convene_recordings::{RecordingId, StoreConfig};
use convene_recordings_store::{
    BlobStore, MediaReader, Patience, RecordingWriter, StoreError, WriterOptions, delete_with, open,
    resume_with,
};
use convene_test_support::{Azurite, Proxy, ProxyLine as Line, azurite_config as config};

use crate::meeting::{are_whole, block, file, first_again, is_empty, read, states};

const PATIENCE: Patience = Patience { call: Duration::from_millis(400), bytes_per_second_min: 1024 * 1024 };
const ENOUGH: Duration = Duration::from_secs(20);

struct Place {
    spool: tempfile::TempDir,
    proxy: Proxy,
    stores: Vec<Arc<dyn BlobStore>>,
    id: RecordingId,
    _azurite: Azurite,
}

impl Place {
    async fn new() -> Self {
        let azurite = Azurite::start().await;
        let proxy = Proxy::start(azurite.port).await;
        let azure = |config| open(&StoreConfig::Azure(config)).expect("a store");
        let stores = vec![azure(azurite.config("a", "region-a")), azure(config(proxy.port, "b", "region-b"))];
        for store in &stores {
            store.check().await.expect("it can be reached");
        }
        let spool = tempfile::tempdir().expect("a folder");
        Self { spool, proxy, stores, id: RecordingId::new(uuid::Uuid::new_v4()), _azurite: azurite }
    }

    async fn writer(&self) -> RecordingWriter {
        let options = WriterOptions {
            patience: PATIENCE,
            others_max: Duration::from_secs(60),
            ..WriterOptions::default()
        };
        let writer =
            RecordingWriter::create_with(self.spool.path(), self.id, self.stores.clone(), options).await;
        writer.expect("the spool can be written")
    }

    /// Puts these blocks, the next one when region a has taken what it commits of the ones before.
    async fn put(&self, writer: &mut RecordingWriter, numbers: std::ops::Range<u32>) {
        for number in numbers {
            writer.put(number, block(number)).await.expect("the spool takes it");
            if number % 4 == 1 {
                has_taken(writer, 0, number + 1).await;
            }
        }
    }
}

/// Waits until the region has so many blocks in its file.
async fn has_taken(writer: &RecordingWriter, region: usize, blocks: u32) {
    let whole = file(blocks, false).len() as u64;
    let taken = async {
        while writer.copies()[region].bytes < whole {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(ENOUGH, taken)
        .await
        .unwrap_or_else(|_| panic!("{blocks} blocks in {:?}", writer.copies()));
}

#[tokio::test]
async fn a_line_that_is_cut_and_stalls_delays_nothing_and_loses_nothing() {
    let place = Place::new().await;
    let mut writer = place.writer().await;
    place.put(&mut writer, 0..6).await;
    place.proxy.set(Line::Cut);
    place.put(&mut writer, 6..14).await;
    place.proxy.set(Line::Open);
    place.put(&mut writer, 14..18).await;
    place.proxy.set(Line::Stalled);
    place.put(&mut writer, 18..26).await;
    place.proxy.set(Line::Open);
    let copies = writer.finish(first_again(), ENOUGH).await.expect("the spool is fine");
    are_whole(&copies, &file(26, true));
    for store in &place.stores {
        assert_eq!(read(store.as_ref(), place.id).await, Some(file(26, true)));
    }
    assert!(is_empty(place.spool.path()));
}

#[tokio::test]
async fn a_lost_region_is_finished_later_and_meanwhile_the_other_one_is_read() {
    let place = Place::new().await;
    let mut writer = place.writer().await;
    place.put(&mut writer, 0..10).await;
    has_taken(&writer, 1, 10).await;
    assert!(place.proxy.connections() <= 3, "{} connections for one recording", place.proxy.connections());
    place.proxy.set(Line::Stalled);
    place.put(&mut writer, 10..18).await;
    let copies = writer.finish(first_again(), Duration::from_secs(2)).await.expect("the spool is fine");
    assert_eq!(states(&copies), [Complete, Behind]);

    // Region b is the nearest to this reader, and does not answer.
    let nearest_first: Vec<_> = place.stores.iter().rev().cloned().collect();
    let reader = MediaReader::open_with(place.id, &nearest_first, PATIENCE).await.expect("region a has it");
    assert_eq!(reader.read_range(0..reader.size()).await.expect("region a has it"), file(18, true));
    let away = place.stores[1].size("x.webm");
    assert!(tokio::time::timeout(PATIENCE.call, away).await.is_err(), "region b is stalled");

    place.proxy.set(Line::Cut);
    let away = place.stores[1].size("x.webm").await.expect_err("region b is away");
    assert!(matches!(away, StoreError::Away { .. }), "{away}");
    let resumed = resume_with(place.spool.path(), &place.stores, PATIENCE).await;
    assert_eq!(states(&resumed[0].copies), [Complete, Behind]);

    place.proxy.set(Line::Open);
    let resumed = resume_with(place.spool.path(), &place.stores, PATIENCE).await;
    are_whole(&resumed[0].copies, &file(18, true));
    assert!(is_empty(place.spool.path()));

    // Now the nearest one answers, and is lost in the middle.
    let reader = MediaReader::open_with(place.id, &nearest_first, PATIENCE).await.expect("both have it");
    let mut whole = reader.read_range(0..100).await.expect("both have it").to_vec();
    place.proxy.set(Line::Cut);
    whole.extend_from_slice(&reader.read_range(100..reader.size()).await.expect("region a has it"));
    assert_eq!(whole, file(18, true));

    let done = delete_with(place.id, &place.stores, PATIENCE).await;
    assert!(done[0].1.is_ok() && done[1].1.is_err(), "{done:?}");
    place.proxy.set(Line::Open);
    let done = delete_with(place.id, &place.stores, PATIENCE).await;
    assert!(done.iter().all(|(_, result)| result.is_ok()), "{done:?}");
    assert_eq!(read(place.stores[1].as_ref(), place.id).await, None);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_shown() {
    let azurite = Azurite::start().await;
    let mut config = azurite.config("a", "refused");
    let key = "aHVzaCwgdGhpcyBpcyBub3QgdGhlIGtleQ==";
    config.key = Some(key.into());
    let store = open(&StoreConfig::Azure(config)).expect("it looks like a key");
    let error = store.check().await.expect_err("it is another account's key");
    assert!(matches!(&error, StoreError::Refused { .. }), "{error}");
    assert!(!error.to_string().contains(key) && error.to_string().contains("403"), "{error}");
}
