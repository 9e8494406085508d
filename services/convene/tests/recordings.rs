//! `convene recordings`, as an operator uses it: with regions that lose and spoil what they had, and a spool that holds the rest.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use convene_recordings::{Recording, RecordingId, RecordingState};
use convene_recordings_store::{BlobStore, FolderStore, RecordingWriter};
use convene_store::Store;
use tempfile::TempDir;
use time::macros::datetime;

/// The service's folder, without a service.
struct Data {
    folder: TempDir,
    catalogue: Store,
}

/// An id that begins with these four digits.
fn id(beginning: &str) -> RecordingId {
    format!("{beginning}0000-0000-4000-8000-000000000001").parse().expect("an id")
}

impl Data {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let catalogue = Store::open(&folder.path().join("convene.sqlite")).expect("a catalogue");
        Self { folder, catalogue }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn blob(&self, region: &str, id: RecordingId) -> PathBuf {
        self.path("regions").join(region).join(id.blob_name())
    }

    async fn writer(&self, id: RecordingId) -> RecordingWriter {
        let region = |name: &str| -> Arc<dyn BlobStore> {
            Arc::new(FolderStore::new(name.parse().expect("a name"), self.path("regions").join(name)))
        };
        let mut writer = RecordingWriter::create(&self.path("spool"), id, vec![region("a"), region("b")])
            .await
            .expect("a spool");
        for number in 0..6 {
            writer.put(number, format!("<block {number}>").into()).await.expect("put");
        }
        writer
    }

    /// A recording in both regions, and in the catalogue.
    async fn record(&self, beginning: &str) -> RecordingId {
        let id = id(beginning);
        let writer = self.writer(id).await;
        let copies = writer.finish("<head>".into(), Duration::from_secs(30)).await.expect("it ends");
        let mut recording = self.catalogued(id);
        recording.settle(copies);
        recording.bytes = recording.regions[0].bytes;
        assert_eq!(recording.state, RecordingState::Ready);
        self.catalogue.add_recording(&recording).expect("added");
        id
    }

    fn catalogued(&self, id: RecordingId) -> Recording {
        let mut recording = Recording::recovered(
            id,
            convene_recordings::RecordingLayout::default(),
            datetime!(2026-01-31 10:00 UTC),
        );
        recording.code = "123456789".into();
        recording.title = "Meeting 123456789".into();
        recording.duration_ms = 61_000;
        recording
    }

    fn state(&self, id: RecordingId) -> RecordingState {
        self.catalogue.recording(id).expect("readable").expect("it is there").state
    }

    fn convene(&self, arguments: &[&str]) -> (bool, String) {
        let (success, out, error) = self.convene_both(arguments);
        assert_eq!(error, "", "{arguments:?}");
        (success, out)
    }

    fn convene_both(&self, arguments: &[&str]) -> (bool, String, String) {
        let data = self.folder.path().to_str().expect("UTF-8").to_owned();
        let output = convene(self.folder.path(), &[&["recordings", "--data", &data], arguments].concat());
        said(output)
    }
}

fn convene(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convene"));
    command.current_dir(folder).env("CONVENE_LOG", "error").env_remove("CONVENE_DATA");
    command.args(arguments).stdin(std::process::Stdio::null()).output().expect("it ends")
}

fn said(output: Output) -> (bool, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let (success, out, error) = (output.status.success(), text(output.stdout), text(output.stderr));
    for trace in ["panicked", "RUST_BACKTRACE", "Error {"] {
        assert!(!error.contains(trace), "{error}");
    }
    (success, out, error)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_a_table_and_json() {
    let data = Data::new();
    let id = data.record("3f2a").await;
    let (_, table) = data.convene(&["list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("ID ") && lines[0].ends_with("REGIONS"), "{table}");
    for field in
        [&id.to_string(), "123456789", "2026-01-31 10:00", "0:01:01", "ready", "a complete, b complete"]
    {
        assert!(lines[1].contains(field), "{field} is missing in {table}");
    }
    let (_, json) = data.convene(&["list", "--json"]);
    let recordings: Vec<Recording> = serde_json::from_str(&json).expect("JSON");
    assert_eq!(recordings, data.catalogue.recordings().expect("readable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_that_differ_are_found_and_repaired() {
    let data = Data::new();
    let (good, lost, spoilt) =
        (data.record("aaaa").await, data.record("bbbb").await, data.record("cccc").await);
    let (all_well, out) = data.convene(&["verify"]);
    assert!(all_well && out.matches("ok ").count() == 3, "{out}");

    let whole = std::fs::read(data.blob("b", good)).expect("readable");
    std::fs::remove_file(data.blob("a", lost)).expect("removed");
    std::fs::remove_dir_all(data.path("regions/a/.blocks").join(lost.blob_name())).expect("removed");
    let mut bytes = whole.clone();
    bytes[20] ^= 1;
    std::fs::write(data.blob("b", spoilt), bytes).expect("written");

    let (all_well, out) = data.convene(&["verify"]);
    assert!(!all_well, "{out}");
    for wanted in [
        format!("WRONG    {lost}  region a has nothing of it"),
        format!("WRONG    {spoilt}  region b differs in block 2, bytes"),
        "2 of 3 recordings are not as they should be.".into(),
    ] {
        assert!(out.contains(&wanted), "{wanted:?} is missing in:\n{out}");
    }
    assert!(data.convene(&["verify", "aaaa"]).0);
    assert!(!data.convene(&["verify", "bbbb"]).0);

    let (all_well, out) = data.convene(&["repair"]);
    assert!(all_well, "{out}");
    assert!(out.contains(&format!("repaired  {lost}  region a, from b")), "{out}");
    assert!(out.contains(&format!("repaired  {spoilt}  region b, from a")), "{out}");
    assert!(data.convene(&["verify"]).0);
    for (region, id) in [("a", lost), ("b", spoilt)] {
        assert_eq!(std::fs::read(data.blob(region, id)).expect("readable"), whole);
        assert_eq!(data.state(id), RecordingState::Ready);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_the_spool_goes_to_the_regions() {
    let data = Data::new();
    let id = id("3f2a");
    let mut recording = data.catalogued(id);
    recording.state = RecordingState::Failed;
    data.catalogue.add_recording(&recording).expect("added");
    let writer = data.writer(id).await;
    let (all_well, out) = data.convene(&["resume"]);
    assert!(all_well && out.contains("is being recorded or finished by another process"), "{out}");
    let (_, _, refused) = data.convene_both(&["delete", "3f2a", "--yes"]);
    assert!(refused.contains("End the recording first"), "{refused}");

    drop(writer);
    let mut tries = 0;
    // The writer's tasks hold the lock until they are gone.
    while data.convene(&["resume"]).1.contains("another process") {
        tries += 1;
        assert!(tries < 20);
    }
    assert_eq!(data.convene(&["resume"]).1, "Nothing lies in the spool.\n");
    assert_eq!(data.state(id), RecordingState::Ready);
    let file = std::fs::read_to_string(data.blob("b", id)).expect("readable");
    assert_eq!(file, "<block 0><block 1><block 2><block 3><block 4><block 5>");
    assert!(data.convene(&["verify"]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_keeps_its_spool() {
    let data = Data::new();
    let owner = convene_recordings_store::SpoolOwner::take(&data.path("spool")).expect("nobody has it");
    let (all_well, _, refused) = data.convene_both(&["resume"]);
    assert!(!all_well, "{refused}");
    assert!(refused.contains(&format!("belongs to the process {}", std::process::id())), "{refused}");
    drop(owner);
    assert!(data.convene(&["resume"]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_asks_and_leaves_nothing() {
    let data = Data::new();
    let (id, other) = (data.record("aaaa").await, data.record("bbbb").await);
    let (all_well, _, refused) = data.convene_both(&["delete", "aaaa"]);
    assert!(!all_well && refused.contains("--yes"), "{refused}");
    let (_, _, refused) = data.convene_both(&["delete", "123456789", "--yes"]);
    assert!(refused.contains("Several recordings") && refused.contains(&other.to_string()), "{refused}");

    let (all_well, out) = data.convene(&["delete", "aaaa", "--yes"]);
    assert!(all_well, "{out}");
    for wanted in ["region a: nothing is left", "region b: nothing is left", "is deleted everywhere"] {
        assert!(out.contains(wanted), "{out}");
    }
    assert!(!data.blob("a", id).exists() && data.blob("a", other).exists());
    assert_eq!(data.catalogue.recordings().expect("readable").len(), 1);
    let (_, _, refused) = data.convene_both(&["delete", "aaaa", "--yes"]);
    assert!(refused.contains("No recording is called `aaaa`"), "{refused}");
}

/// A region that is away is named, and its key is not.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_never_shown() {
    const KEY: &str = "c2VjcmV0IGtleSBvZiBhbiBvcGVyYXRvcg==";
    let data = Data::new();
    let id = data.record("3f2a").await;
    let config = format!(
        "[[stores]]\nkind = \"folder\"\nregion = \"a\"\npath = {:?}\n\
         [[stores]]\nkind = \"azure\"\nregion = \"b\"\naccount = \"acc\"\ncontainer = \"rec\"\n\
         endpoint = \"http://127.0.0.1:1/acc\"\nkey = \"{KEY}\"\n",
        data.path("regions/a")
    );
    std::fs::write(data.path("convene.toml"), config).expect("written");
    for action in [&["verify"][..], &["repair", "3f2a"], &["delete", "3f2a", "--yes"]] {
        let (all_well, out, error) = data.convene_both(&[&["--log", "trace"], action].concat());
        assert!(!all_well && out.contains("region b"), "{out}{error}");
        assert!(!out.contains(KEY) && !error.contains(KEY), "{out}{error}");
    }
    // Once it is noted that it shall go, it stays noted.
    assert!(data.catalogue.is_being_deleted(id).expect("readable"));
}

#[test]
fn an_empty_folder_is_no_catalogue() {
    let folder = tempfile::tempdir().expect("a folder");
    let (success, _, error) = said(convene(folder.path(), &["recordings", "list"]));
    assert!(!success && error.contains("--data"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0, "nothing was made");
}

/// `convene recordings list | head -1` is no reason to panic.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_may_have_had_enough() {
    let data = Data::new();
    data.record("3f2a").await;
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_convene"));
    command.args(["recordings", "list", "--data"]).arg(data.folder.path());
    let error = File::create(data.path("error")).expect("a file");
    assert!(command.stdout(writer).stderr(error).status().expect("it ends").success());
    assert_eq!(std::fs::read_to_string(data.path("error")).expect("readable"), "");
}
