//! What a crash leaves in the spool, file by file.

use std::collections::BTreeMap;

use super::*;

struct Place {
    spool: tempfile::TempDir,
    id: RecordingId,
}

impl Place {
    fn new() -> Self {
        let spool = tempfile::tempdir().expect("a folder");
        Self { spool, id: RecordingId::new(uuid::Uuid::new_v4()) }
    }

    fn create(&self) -> Spool {
        self.create_with(u64::MAX).expect("it can be made")
    }

    fn create_with(&self, bytes_max: u64) -> Result<Spool, SpoolError> {
        Spool::create(self.spool.path(), Job::recording(self.id, regions()), bytes_max)
    }

    fn open(&self) -> Option<Spool> {
        Spool::open(self.spool.path(), self.id).expect("it can be opened")
    }

    fn folder(&self) -> PathBuf {
        self.spool.path().join(self.id.to_string())
    }

    /// The recording's files by name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.folder()).expect("it is there").map(|entry| {
            let entry = entry.expect("a file");
            (
                entry.file_name().into_string().expect("our name"),
                fs::read(entry.path()).expect("it can be read"),
            )
        });
        files.collect()
    }

    fn write(&self, files: &BTreeMap<String, Vec<u8>>) {
        fs::create_dir_all(self.folder()).expect("it can be made");
        for (name, bytes) in files {
            fs::write(self.folder().join(name), bytes).expect("it can be written");
        }
    }
}

fn regions() -> Vec<RegionName> {
    vec!["a".parse().expect("a name")]
}

fn whole(spool: &Spool) -> Vec<u8> {
    let read = |entry: &Entry| spool.read(entry).expect("it can be read").expect("it is there");
    spool.file().iter().flat_map(read).collect()
}

fn recorded(place: &Place) -> Spool {
    let spool = place.create();
    spool.put(0, b"head;").expect("it fits");
    spool.put(1, b"one;").expect("it fits");
    spool.put(2, b"two;").expect("it fits");
    spool
}

#[test]
fn what_was_put_is_there_after_a_crash() {
    let place = Place::new();
    drop(recorded(&place));
    let spool = place.open().expect("there are blocks");
    assert_eq!(whole(&spool), b"head;one;two;");
    drop(spool);
    assert_eq!(whole(&place.open().expect("opening changes nothing")), b"head;one;two;");
}

#[test]
fn a_crash_between_any_two_writes_of_a_block_is_recovered() {
    let place = Place::new();
    let spool = recorded(&place);
    let before = place.files();
    spool.put(3, b"three;").expect("it fits");
    let after = place.files();
    drop(spool);

    let mut half = before.clone();
    half.insert("block-00003.webm.half".to_owned(), b"thr".to_vec());
    let mut unlogged = before.clone();
    unlogged.insert("block-00003.webm".to_owned(), b"three;".to_vec());
    let mut torn = after.clone();
    torn.get_mut(LOG).expect("there is a log").pop();
    let cases = [
        (before, &b"head;one;two;"[..]),
        (half, b"head;one;two;"),
        (unlogged, b"head;one;two;three;"),
        (torn, b"head;one;two;three;"),
        (after, b"head;one;two;three;"),
    ];
    for (files, file) in cases {
        let place = Place { spool: tempfile::tempdir().expect("a folder"), id: place.id };
        place.write(&files);
        let spool = place.open().expect("there are blocks");
        assert_eq!(whole(&spool), file);
        drop(spool);
        assert_eq!(whole(&place.open().expect("it was repaired")), file);
    }
}

#[test]
fn the_end_of_a_recording_is_recovered_too() {
    let place = Place::new();
    let spool = recorded(&place);
    let before = place.files();
    spool.put_first_again(b"larger head;").expect("it fits");
    assert!(!place.files().contains_key(RESERVE), "its room is given back before the end is written");
    assert!(matches!(spool.put(3, b"late"), Err(SpoolError::OutOfOrder { .. })));
    assert!(matches!(spool.put_first_again(b"later"), Err(SpoolError::NoFirst)));
    drop(spool);
    assert_eq!(whole(&place.open().expect("there are blocks")), b"larger head;one;two;");

    let other = Place { spool: tempfile::tempdir().expect("a folder"), id: place.id };
    let mut unlogged = before;
    unlogged.insert("block-00000-again.webm".to_owned(), b"larger head;".to_vec());
    other.write(&unlogged);
    let spool = other.open().expect("there are blocks");
    assert_eq!(whole(&spool), b"larger head;one;two;");
    assert!(spool.entries_from(0).1.is_some());
}

#[test]
fn blocks_that_are_everywhere_give_back_their_room() {
    let place = Place::new();
    let spool = place.create_with(20).expect("it can be made");
    spool.put(0, b"head;").expect("it fits");
    spool.put(1, b"ten bytes;").expect("it fits");
    let error = spool.put(2, b"ten bytes;").expect_err("25 are more than 20");
    assert!(matches!(error, SpoolError::Limit { held: 15, max: 20, .. }), "{error}");
    spool.free(2).expect("it can be freed");
    spool.put(2, b"ten bytes;").expect("it fits now");
    let [first, one, two] = spool.file()[..] else { panic!("three blocks") };
    assert!(spool.read(&first).expect("block 0 stays").is_some());
    assert_eq!(spool.read(&one).expect("it is freed"), None);
    assert!(spool.read(&two).expect("it is held").is_some());
    drop(spool);
    assert_eq!(place.open().expect("there are blocks").file().len(), 3);
}

#[test]
fn a_block_that_the_disk_has_spoilt_is_not_given_out() {
    let place = Place::new();
    let spool = recorded(&place);
    fs::write(place.folder().join("block-00001.webm"), b"0ne;").expect("it can be written");
    assert_eq!(spool.read(&spool.file()[1]).expect("it can be read"), None);
}

#[test]
fn one_recording_has_one_writer() {
    let place = Place::new();
    let spool = recorded(&place);
    assert!(matches!(Spool::open(place.spool.path(), place.id), Err(SpoolError::Busy { .. })));
    assert!(matches!(discard(place.spool.path(), place.id), Err(SpoolError::Busy { .. })));
    assert!(matches!(place.create_with(1), Err(SpoolError::Exists { .. })));
    drop(spool);
    discard(place.spool.path(), place.id).expect("nobody has it");
    assert!(!place.folder().exists());
}

#[test]
fn leftovers_are_removed_and_strangers_are_left_alone() {
    let place = Place::new();
    drop(recorded(&place));
    for name in
        [format!("{}.new", uuid::Uuid::nil()), format!("{}.done", uuid::Uuid::nil()), "notes".to_owned()]
    {
        fs::create_dir(place.spool.path().join(&name)).expect("it can be made");
        fs::write(place.spool.path().join(&name).join("block-00000.webm"), b"x").expect("it can be written");
    }
    assert_eq!(recordings(place.spool.path()).expect("it can be read"), [place.id]);
    assert_eq!(fs::read_dir(place.spool.path()).expect("it is there").count(), 2);
    assert_eq!(recordings(&place.spool.path().join("missing")).expect("no spool is no problem"), []);
}

#[test]
fn an_empty_recording_is_removed() {
    let place = Place::new();
    drop(place.create());
    assert!(place.open().is_none());
    assert!(!place.folder().exists());
}

#[test]
fn a_damaged_job_is_told_and_left() {
    for (name, bytes) in [(JOB, &b"{}"[..]), (LOG, b"x\n")] {
        let place = Place::new();
        drop(recorded(&place));
        fs::write(place.folder().join(name), bytes).expect("it can be written");
        let error = Spool::open(place.spool.path(), place.id).expect_err("it is damaged");
        assert!(matches!(error, SpoolError::Broken { .. }), "{error}");
        assert!(place.folder().join("block-00002.webm").exists());
    }
}

#[test]
fn a_full_disk_is_called_by_its_name() {
    let path = Path::new("/spool/block-00001.webm");
    let full = SpoolError::io(path, io::Error::from_raw_os_error(libc::ENOSPC)).to_string();
    assert_eq!(
        full,
        "the disk is full: /spool/block-00001.webm could not be written; what was recorded before is safe, free some room"
    );
    assert!(matches!(
        SpoolError::io(path, io::Error::from_raw_os_error(libc::EDQUOT)),
        SpoolError::DiskFull { .. }
    ));
    assert!(matches!(SpoolError::io(path, io::Error::from_raw_os_error(libc::EIO)), SpoolError::Io { .. }));
}
