//! A screen stream becomes a file, block by block. The stream comes from the test instead of a meeting, and time is real: a recording's
//! length is the time that passes.

use std::process::Command;

use convene_screen::{Encoder, Frame, PixelOrder, ScreenSize};
use tokio::time::{sleep, timeout};

use super::*;

/// Whoever waits longer than this for a block waits in vain.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What a recording may be longer or shorter than the time that passed.
const LENGTH_ERROR_MAX: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_becomes_a_file_that_has_its_length() {
    let meeting = Meeting::record();
    meeting.show(40);
    sleep(Duration::from_secs(2)).await;
    meeting.show(200);
    sleep(Duration::from_secs(1)).await;
    meeting.recording.finish();
    let file = File::of(meeting.events).await;

    assert_eq!(file.lost, None);
    file.lasts(Duration::from_secs(3));
    assert!(2 <= file.blocks, "{} blocks", file.blocks);
}

/// Nobody presents: the file has the meeting's length all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_without_a_screen_is_recorded_dark() {
    let meeting = Meeting::record();
    sleep(Duration::from_secs(2)).await;
    meeting.recording.finish();
    File::of(meeting.events).await.lasts(Duration::from_secs(2));
}

/// What is shown comes later than the order to pause, and still is on its own side of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_leaves_out_what_happened_in_it_and_nothing_else() {
    let meeting = Meeting::record();
    meeting.show(40);
    sleep(Duration::from_secs(1)).await;
    meeting.show(100);
    sleep(Duration::from_millis(100)).await;
    meeting.recording.set_paused(true);
    meeting.show(250);
    sleep(Duration::from_secs(1)).await;
    meeting.show(40);
    meeting.recording.set_paused(false);
    sleep(Duration::from_secs(1)).await;
    meeting.recording.finish();
    let file = File::of(meeting.events).await;

    file.lasts(Duration::from_millis(2100));
    let shown = file.greys();
    assert!(shown.iter().any(|grey| (90.0..115.0).contains(grey)), "{shown:?}");
    assert!(shown.iter().all(|grey| *grey < 150.0), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_meetings_end_is_the_files_end() {
    let meeting = Meeting::record();
    meeting.show(90);
    sleep(Duration::from_secs(1)).await;
    meeting.source.end_of_stream().expect("taken");
    let file = File::of(meeting.events).await;
    assert_eq!(file.lost, None);
    file.lasts(Duration::from_secs(1));
}

/// The decoder cannot go on; what was recorded until then becomes a whole file.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_meeting_leaves_a_whole_file() {
    let meeting = Meeting::record();
    meeting.show(90);
    sleep(Duration::from_secs(1)).await;
    meeting.source.push_buffer(gst::Buffer::from_slice(*b"this is no screen stream")).expect("taken");
    let file = File::of(meeting.events).await;
    assert!(file.lost.as_ref().is_some_and(|sentence| !sentence.is_empty()));
    file.lasts(Duration::from_secs(1));
}

#[tokio::test]
async fn a_wrong_address_is_refused_with_a_sentence() {
    let nowhere = Connection { location: "https://localhost:1/12345".into(), ..Connection::default() };
    let sentence = match RecordingPipeline::start(&nowhere, &Look::default()) {
        Err(error) => error.to_string(),
        Ok((_recording, mut events)) => match timeout(WAIT_MAX, events.next()).await {
            Ok(Some(RecordingEvent::Lost(sentence))) => sentence,
            other => panic!("{other:?}"),
        },
    };
    assert!(sentence.contains("12345"), "{sentence}");
}

/// What was said at the same time is at the same time in the mix and on the track, however long it was under way; and a track has its participant's name.
#[tokio::test(flavor = "multi_thread")]
async fn voices_have_tracks_of_their_own() {
    let look = Look { layout: Some("tracks"), ..Look::default() };
    let (recording, events) = RecordingPipeline::start_sound(&look).expect("it records");
    let (mut sound, mut voices) = (recording.sound(), recording.voices());
    let began = tokio::time::Instant::now();
    // The meeting's clock began an hour before.
    let talk = |ms: u64| Duration::from_secs(3600) + Duration::from_millis(ms);
    voices.push(&crate::voices::present([(7, "Ann"), (9, "Bøb")])).expect("taken");
    for frame in 0..100_u64 {
        tokio::time::sleep_until(began + Duration::from_millis(frame * 20)).await;
        sound.push(&crate::sound::frame(talk(frame * 20), &[0xFC, 0xFF, 0xFE])).expect("taken");
        let follows = frame != 50;
        if follows || 50 < frame {
            voices
                .push(&crate::voices::packet(7, talk(frame * 20), follows, &[0xF8, 0xFF, 0xFE]))
                .expect("taken");
        }
        if frame == 60 {
            // Who has said nothing and goes leaves nothing behind, and a stranger is passed over.
            voices.push(&crate::voices::present([(7, "Ann")])).expect("taken");
            voices.push(&crate::voices::packet(8, talk(0), true, &[0xF8, 0xFF, 0xFE])).expect("taken");
        }
    }
    assert!(voices.push(&[0, 0, 0, 1, 9]).is_err(), "no record");
    voices = voices.again();
    voices.push(&crate::voices::present([])).expect("taken");
    recording.finish();
    let file = File::of(events).await;
    let probe = |arguments: &[&str]| {
        let found =
            Command::new("ffprobe").args(["-v", "error"]).args(arguments).arg(file.file.path()).output();
        let found = found.expect("ffprobe is installed: apt-get install ffmpeg");
        assert!(found.stderr.is_empty(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8_lossy(&found.stdout).into_owned()
    };
    let names = probe(&["-show_entries", "stream_tags=title", "-of", "csv=p=0"]);
    assert_eq!(names.lines().collect::<Vec<_>>(), ["Everybody", "Ann"]);
    let times = probe(&["-select_streams", "1", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]);
    let times: Vec<f64> =
        times.lines().map(|line| line.trim_end_matches(',').parse().expect("a time")).collect();
    let (first, last) = (times[0], times[times.len() - 1]);
    assert!(first < 0.1, "{first} s");
    assert!((90..=110).contains(&times.len()), "{} packets", times.len());
    assert!((last - first - 1.98).abs() < 0.1, "from {first} s to {last} s");
}

/// A recording whose screen comes from here.
pub(super) struct Meeting {
    pub(super) recording: RecordingPipeline,
    pub(super) events: RecordingEvents,
    source: gst_app::AppSrc,
    encoder: Mutex<Encoder>,
}

impl Meeting {
    pub(super) fn record() -> Self {
        init().expect("GStreamer");
        let source = gst_app::AppSrc::builder()
            .name(BEFORE_THE_RECORDER[0])
            .is_live(true)
            .do_timestamp(true)
            .format(gst::Format::Time)
            .caps(&gst::Caps::new_empty_simple("video/x-convene-screen"))
            .build();
        let (recording, events) = RecordingPipeline::record(source.clone().upcast()).expect("it records");
        Self { recording, events, source, encoder: Mutex::new(Encoder::new()) }
    }

    /// The whole screen in one grey.
    fn show(&self, grey: u8) {
        let size = ScreenSize::new(320, 240).expect("a size");
        let pixels = vec![grey; size.area() * 4];
        let frame = Frame { size, stride: 320 * 4, order: PixelOrder::Bgrx, pixels: &pixels };
        let update =
            self.encoder.lock().frame(frame, Duration::from_millis(u64::from(grey))).expect("another grey");
        self.source.push_buffer(gst::Buffer::from_slice(update)).expect("taken");
    }
}

/// What has been recorded, put together as the stores do.
pub(super) struct File {
    blocks: u32,
    lost: Option<String>,
    duration: Duration,
    pub(super) file: tempfile::NamedTempFile,
}

impl File {
    pub(super) async fn of(mut events: RecordingEvents) -> Self {
        let (mut first, mut rest, mut blocks, mut lost) = (None, Vec::new(), 0, None);
        let duration = loop {
            match timeout(WAIT_MAX, events.next()).await.expect("it goes on").expect("it ends with an event")
            {
                RecordingEvent::Joined | RecordingEvent::CutOff(_) => {}
                RecordingEvent::Block { number, bytes, .. } => {
                    assert_eq!(number, blocks);
                    blocks += 1;
                    if 0 < number {
                        rest.extend_from_slice(&bytes);
                    }
                }
                RecordingEvent::FirstAgain(bytes) => first = Some(bytes),
                RecordingEvent::Lost(sentence) => lost = Some(sentence),
                RecordingEvent::Ended { duration } => break duration,
                RecordingEvent::Failed(sentence) => panic!("{sentence}"),
            }
        };
        let file = tempfile::NamedTempFile::new().expect("a file");
        let whole = [first.expect("block 0 comes again").to_vec(), rest].concat();
        std::fs::write(file.path(), whole).expect("written");
        Self { blocks, lost, duration, file }
    }

    /// How bright each picture is.
    fn greys(&self) -> Vec<f64> {
        let meter = ["-an", "-vf", "signalstats,metadata=print:file=-", "-f", "null", "/dev/null"];
        let read =
            Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(self.file.path()).args(meter).output();
        let read = read.expect("ffmpeg is installed: apt-get install ffmpeg").stdout;
        let lines = String::from_utf8_lossy(&read);
        let greys = lines.lines().filter_map(|line| line.strip_prefix("lavfi.signalstats.YAVG="));
        greys.map(|grey| grey.trim().parse().expect("a number")).collect()
    }

    /// Both what the pipeline says and what an independent reader finds.
    fn lasts(&self, wanted: Duration) {
        let found = Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
            .arg(self.file.path())
            .output()
            .expect("ffprobe is installed: apt-get install ffmpeg");
        assert!(found.stderr.is_empty(), "{}", String::from_utf8_lossy(&found.stderr));
        let seconds: f64 = String::from_utf8_lossy(&found.stdout).trim().parse().expect("a duration");
        for duration in [self.duration, Duration::from_secs_f64(seconds)] {
            assert!(duration.abs_diff(wanted) <= LENGTH_ERROR_MAX, "{duration:?} instead of {wanted:?}");
        }
    }
}
