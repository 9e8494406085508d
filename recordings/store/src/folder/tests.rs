//! What a crash leaves in the folder, and what others do to it. The rest is in the contract of all stores.

use std::fs;
use std::path::Path;

use super::*;

const BLOB: &str = "talk.webm";

fn id(number: u32) -> BlockId {
    BlockId::new(number).expect("a small number")
}

struct Place {
    root: tempfile::TempDir,
    files: BlobFiles,
}

impl Place {
    /// A file of three blocks, and block 0 put again.
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let files = BlobFiles::new(root.path(), BLOB);
        for (number, bytes) in [(0, "head;"), (1, "one;"), (2, "two;")] {
            files.put(id(number), bytes.as_bytes()).expect("it can be put");
        }
        files.commit(&[id(0), id(1), id(2)]).expect("all are there");
        files.put(BlockId::FIRST_AGAIN, b"larger head;").expect("it can be put");
        Self { root, files }
    }

    fn finish(&self) {
        self.files.commit(&[BlockId::FIRST_AGAIN, id(1), id(2)]).expect("all are there");
    }

    fn whole(&self) -> Vec<u8> {
        let size = self.files.size().expect("it can be asked").expect("it is there");
        self.files.read(0..size).expect("it can be read").to_vec()
    }

    fn plain(&self) -> Vec<u8> {
        fs::read(self.root.path().join(BLOB)).expect("it is a plain file")
    }

    fn beside(&self) -> std::path::PathBuf {
        self.root.path().join(".blocks").join(BLOB)
    }
}

#[test]
fn the_blob_is_one_plain_file() {
    let place = Place::new();
    assert_eq!(place.plain(), b"head;one;two;");
    place.finish();
    assert_eq!(place.plain(), b"larger head;one;two;");
    let beside: Vec<_> = fs::read_dir(place.beside()).expect("it is there").collect();
    assert_eq!(beside.len(), 1, "only the list is left beside it: {beside:?}");
}

#[test]
fn a_rewrite_that_was_cut_off_before_the_file_was_renamed_goes_back() {
    let place = Place::new();
    let list = fs::read_to_string(place.beside().join("list")).expect("it is there");
    // Another file's inode: the new file was written and never took its name.
    let next = list.replacen("file ", "file 9", 1).replace("00000.0 5", "00000.1 12");
    fs::write(place.beside().join("list.next"), next).expect("it can be written");
    fs::write(place.beside().join("file.next"), b"larger he").expect("it can be written");
    assert_eq!(place.whole(), b"head;one;two;");
    place.finish();
    assert_eq!(place.whole(), b"larger head;one;two;");
}

#[test]
fn a_rewrite_that_was_cut_off_after_the_file_was_renamed_goes_forward() {
    let place = Place::new();
    let before = fs::read(place.beside().join("list")).expect("it is there");
    place.finish();
    fs::rename(place.beside().join("list"), place.beside().join("list.next")).expect("it is there");
    fs::write(place.beside().join("list"), before).expect("it can be written");
    assert_eq!(place.whole(), b"larger head;one;two;");

    place.files.put(id(3), b"three;").expect("it can be put");
    place.files.commit(&[BlockId::FIRST_AGAIN, id(1), id(2), id(3)]).expect("all are there");
    assert_eq!(place.plain(), b"larger head;one;two;three;");
    assert!(!place.beside().join("list.next").exists());
}

#[test]
fn an_append_that_was_cut_off_is_not_seen_and_is_made_good() {
    let place = Place::new();
    let mut longer = place.plain();
    longer.extend_from_slice(b"thr");
    append(&place.root.path().join(BLOB), b"thr");
    assert_eq!(place.plain(), longer);
    assert_eq!(place.whole(), b"head;one;two;");
    place.files.put(id(3), b"three;").expect("it can be put");
    place.files.commit(&[id(0), id(1), id(2), id(3)]).expect("all are there");
    assert_eq!(place.plain(), b"head;one;two;three;");
}

#[test]
fn a_first_commit_that_was_cut_off_is_no_blob() {
    let root = tempfile::tempdir().expect("a folder");
    let files = BlobFiles::new(root.path(), BLOB);
    files.put(id(0), b"head;").expect("it can be put");
    fs::write(root.path().join(BLOB), b"he").expect("it can be written");
    assert_eq!(files.size().expect("it can be asked"), None);
    files.commit(&[id(0)]).expect("it is there");
    assert_eq!(files.read(0..5).expect("it is there"), "head;");
}

#[test]
fn a_file_that_lost_its_end_shows_what_it_has() {
    let place = Place::new();
    let file = fs::OpenOptions::new().write(true).open(place.root.path().join(BLOB)).expect("it is there");
    file.set_len(11).expect("it can be cut");
    assert_eq!(place.whole(), b"head;one;");
    let missing = place.files.commit(&[id(0), id(1), id(2)]);
    assert!(matches!(missing, Err(Trouble::NoBlock)), "{missing:?}");
    place.files.put(id(2), b"two;").expect("it can be put");
    place.files.commit(&[id(0), id(1), id(2)]).expect("all are there");
    assert_eq!(place.plain(), b"head;one;two;");
}

#[test]
fn a_copied_folder_is_as_good() {
    let place = Place::new();
    let copied = tempfile::tempdir().expect("a folder");
    copy(place.root.path(), copied.path());
    let files = BlobFiles::new(copied.path(), BLOB);
    assert_eq!(files.read(0..13).expect("it is there"), "head;one;two;");
    files.commit(&[BlockId::FIRST_AGAIN, id(1), id(2)]).expect("all are there");
    assert_eq!(files.read(0..20).expect("it is there"), "larger head;one;two;");
}

#[test]
fn a_file_that_somebody_else_put_there_is_not_read_and_can_be_made_good() {
    let place = Place::new();
    fs::write(place.root.path().join("other"), b"something else").expect("it can be written");
    fs::rename(place.root.path().join("other"), place.root.path().join(BLOB)).expect("it can be renamed");
    assert!(matches!(place.files.read(0..1), Err(Trouble::NotOurs(_))));
    assert!(place.files.blocks().expect("it can be listed").iter().all(|block| !block.committed));
    for (number, bytes) in [(0, "head;"), (1, "one;")] {
        place.files.put(id(number), bytes.as_bytes()).expect("it can be put");
    }
    place.files.commit(&[id(0), id(1)]).expect("all are there");
    assert_eq!(place.plain(), b"head;one;");
}

#[test]
fn a_reader_sees_the_old_file_or_the_new_one() {
    let place = Place::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0_u32;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let bytes = place.files.read(0..9).expect("there is always one");
                assert!(bytes == "head;one;" || bytes == "larger he", "{bytes:?}");
                seen += 1;
            }
            seen
        });
        for _ in 0..20 {
            place.finish();
            place.files.put(id(0), b"head;").expect("it can be put");
            place.files.commit(&[id(0), id(1), id(2)]).expect("all are there");
            place.files.put(BlockId::FIRST_AGAIN, b"larger head;").expect("it can be put");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(0 < reader.join().expect("it never saw anything else"));
    });
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_says_which() {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("file");
    fs::write(&path, b"in the way").expect("it can be written");
    let store = FolderStore::new("a".parse().expect("a name"), path.clone());
    for error in [
        store.check().await.expect_err("a file is no folder"),
        store.put_block(BLOB, &id(0), Bytes::from_static(b"x")).await.expect_err("a file is no folder"),
    ] {
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
    let full = store.error(BLOB, Trouble::Io(io::Error::from_raw_os_error(libc::ENOSPC)));
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(path).expect("it is there");
    io::Write::write_all(&mut file, bytes).expect("it can be written");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be made");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("a file");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it has one").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}
