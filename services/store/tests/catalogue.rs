//! The catalogue against a real database file.

use convene_recordings::{
    Copy, CopyState, Recording, RecordingId, RecordingLayout, RecordingState, RegionName,
};
use convene_store::Store;
use time::macros::datetime;

/// A store in a folder that goes away with it.
struct Scene {
    store: Store,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
    Scene { store, _folder: folder }
}

fn region(name: &str) -> RegionName {
    RegionName::new(name).unwrap()
}

fn copy(name: &str, state: CopyState) -> Copy {
    Copy { region: region(name), state, bytes: 0, sha256: None }
}

fn id(number: u128) -> RecordingId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

/// The regions are in the order of nobody's alphabet.
fn recording(number: u128) -> Recording {
    Recording {
        id: id(number),
        code: "012345678".into(),
        title: "Meeting 012345678".into(),
        layout: RecordingLayout::Sound,
        started: datetime!(2026-01-31 10:00 UTC) + time::Duration::minutes(number as i64),
        duration_ms: 0,
        bytes: 0,
        state: RecordingState::Recording,
        message: None,
        keep_until: None,
        regions: vec![copy("west", CopyState::Writing), copy("east", CopyState::Writing)],
    }
}

#[test]
fn a_recording_reads_back_as_it_was_written() {
    let Scene { store, _folder } = scene();
    let mut talk = recording(1);
    store.add_recording(&talk).unwrap();
    assert_eq!(store.recording(id(1)).unwrap(), Some(talk.clone()));

    talk.state = RecordingState::Degraded;
    talk.message = Some("Region east is away.".into());
    (talk.duration_ms, talk.bytes) = (61_000, 5_000_000_000);
    talk.regions[0] = Copy {
        state: CopyState::Complete,
        bytes: 5_000_000_000,
        sha256: Some("ab".repeat(32).parse().unwrap()),
        ..copy("west", CopyState::Complete)
    };
    assert!(store.save_recording(&talk).unwrap());
    assert_eq!(store.recording(id(1)).unwrap(), Some(talk.clone()));

    talk.message = None;
    assert!(store.save_recording(&talk).unwrap());
    assert_eq!(store.recording(id(1)).unwrap().unwrap().message, None);
}

#[test]
fn the_newest_recording_comes_first() {
    let Scene { store, _folder } = scene();
    for number in [2, 3, 1] {
        store.add_recording(&recording(number)).unwrap();
    }
    let ids: Vec<_> = store.recordings().unwrap().into_iter().map(|recording| recording.id).collect();
    assert_eq!(ids, [id(3), id(2), id(1)]);
}

#[test]
fn only_ready_recordings_are_finished() {
    let Scene { store, _folder } = scene();
    for (number, state) in
        [(1, RecordingState::Ready), (2, RecordingState::Failed), (3, RecordingState::Degraded)]
    {
        store.add_recording(&Recording { state, ..recording(number) }).unwrap();
    }
    let ids: Vec<_> =
        store.unfinished_recordings().unwrap().into_iter().map(|recording| recording.id).collect();
    assert_eq!(ids, [id(3), id(2)]);
}

#[test]
fn a_recording_is_forgotten_when_every_region_has_confirmed() {
    let Scene { store, _folder } = scene();
    store.add_recording(&recording(1)).unwrap();
    assert!(store.begin_delete(id(1)).unwrap());
    assert!(store.is_being_deleted(id(1)).unwrap());
    assert_eq!(store.recordings_to_delete().unwrap(), [id(1)]);
    assert_eq!(store.unfinished_recordings().unwrap(), []);
    assert!(!store.save_recording(&recording(1)).unwrap(), "a recorder's late word does not bring it back");

    store.confirm_delete(id(1), &region("west")).unwrap();
    let states: Vec<_> =
        store.recording(id(1)).unwrap().unwrap().regions.into_iter().map(|copy| copy.state).collect();
    assert_eq!(states, [CopyState::Deleted, CopyState::Deleting]);
    assert!(store.begin_delete(id(1)).unwrap(), "asking twice is no harm");

    store.confirm_delete(id(1), &region("east")).unwrap();
    assert_eq!(store.recording(id(1)).unwrap(), None);
    assert_eq!(store.recordings_to_delete().unwrap(), []);
    assert!(!store.begin_delete(id(1)).unwrap());
    assert!(!store.is_being_deleted(id(1)).unwrap());
}

#[test]
fn a_confirmation_alone_deletes_nothing() {
    let Scene { store, _folder } = scene();
    store.add_recording(&recording(1)).unwrap();
    store.confirm_delete(id(1), &region("west")).unwrap();
    store.confirm_delete(id(1), &region("east")).unwrap();
    assert!(store.recording(id(1)).unwrap().is_some());
}

#[test]
fn what_is_not_there_is_not_saved() {
    let Scene { store, _folder } = scene();
    assert!(!store.save_recording(&recording(1)).unwrap());
    assert_eq!(store.recording(id(1)).unwrap(), None);
    store.add_recording(&recording(1)).unwrap();
    assert!(store.add_recording(&recording(1)).is_err(), "and twice is refused");
}

#[test]
fn what_people_say_about_a_recording_outlasts_what_its_recorder_says() {
    let Scene { store, _folder } = scene();
    let talk = recording(1);
    store.add_recording(&talk).unwrap();
    let until = datetime!(2026-12-31 23:59 UTC);
    assert!(store.rename_recording(id(1), "Budget, 山田").unwrap());
    assert!(store.keep_recording(id(1), Some(until)).unwrap());

    assert!(store.save_recording(&Recording { duration_ms: 7, ..talk.clone() }).unwrap());
    let expected =
        Recording { title: "Budget, 山田".into(), keep_until: Some(until), duration_ms: 7, ..talk };
    assert_eq!(store.recording(id(1)).unwrap(), Some(expected));

    assert!(!store.rename_recording(id(2), "Nobody's").unwrap());
    assert!(!store.keep_recording(id(2), None).unwrap());
    store.begin_delete(id(1)).unwrap();
    assert!(!store.rename_recording(id(1), "Too late").unwrap());
}

#[test]
fn recordings_are_due_from_the_moment_that_was_said() {
    let Scene { store, _folder } = scene();
    let until = datetime!(2026-12-31 23:59 UTC);
    for (number, keep_until) in [(1, None), (2, Some(until)), (3, Some(until)), (4, Some(until))] {
        store.add_recording(&Recording { keep_until, ..recording(number) }).unwrap();
    }
    store.keep_recording(id(3), None).unwrap();
    store.begin_delete(id(4)).unwrap();
    let moment = time::Duration::milliseconds(1);
    assert_eq!(store.recordings_kept_long_enough(until - moment).unwrap(), []);
    assert_eq!(store.recordings_kept_long_enough(until).unwrap(), [id(2)]);
}

#[test]
fn links_are_of_a_generation() {
    let Scene { store, _folder } = scene();
    store.add_recording(&recording(1)).unwrap();
    assert_eq!(store.link_generation(id(1)).unwrap(), Some(0));
    assert!(store.take_links_back(id(1)).unwrap());
    assert_eq!(store.link_generation(id(1)).unwrap(), Some(1));
    assert!(!store.take_links_back(id(2)).unwrap());
    assert_eq!(store.link_generation(id(2)).unwrap(), None);
}

#[test]
fn another_process_sees_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    Store::open(&path).unwrap().add_recording(&recording(1)).unwrap();
    assert_eq!(Store::open(&path).unwrap().recordings().unwrap(), [recording(1)]);
}
