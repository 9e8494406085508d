//! Recordings with a track for each participant.

use std::path::Path;
use std::sync::{Arc, Mutex};

use convene_test_support::amplitude;
use gst::prelude::*;
use tempfile::TempDir;

use crate::live::{recorder, running_time};
use crate::support::{ffmpeg, parse, pass, play, plays, wait};

/// What of an amplitude of full scale is a tone that is there, and one that is not. `audiotestsrc` has 0.8 of it.
const LOUD: f64 = 0.1;
const QUIET: f64 = 0.005;
const BEGINS: f64 = 0.02;

/// Somebody who sounds like this, in the mix and on a track.
fn person(number: u32, hertz: u32, source: &str) -> String {
    format!(
        "{source} freq={hertz} volume=0.2 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! valve name=valve_{number} ! tee name=tee_{number} \
         tee_{number}. ! queue ! r.audio_{number}  tee_{number}. ! queue ! opusenc ! r.voice_{number} "
    )
}

/// The names of the streams of a file.
fn names(file: &Path) -> Vec<String> {
    let name = file.to_str().expect("a plain path");
    let entries = ["-show_entries", "stream_tags=title", "-of", "csv=p=0", name];
    let said = ffmpeg("ffprobe", &[&["-v", "error"], &entries[..]].concat());
    String::from_utf8(said).expect("plain text").lines().map(str::to_owned).collect()
}

/// A stream's sound from the beginning of the file on. From its first packet on, packets follow each other without a gap.
fn sound(file: &Path, stream: usize) -> Vec<i16> {
    let (name, map) = (file.to_str().expect("a plain path"), format!("0:{stream}"));
    let of_stream = ["-v", "error", "-select_streams", &stream.to_string(), "-show_entries"];
    let said = ffmpeg("ffprobe", &[&of_stream[..], &["packet=pts_time", "-of", "csv=p=0", name]].concat());
    let times = String::from_utf8(said).expect("plain text");
    let first = times.lines().next().expect("a packet").trim_end_matches(',').parse().unwrap_or(0.0_f64);
    let mut sound = vec![0; (first.max(0.0) * 48_000.0) as usize];
    let form = ["-ac", "1", "-ar", "48000", "-f", "s16le", "-"];
    let bytes = ffmpeg("ffmpeg", &[&["-v", "error", "-i", name, "-map", &map], &form[..]].concat());
    sound.extend(bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)));
    sound
}

/// How loud a tone is in these seconds, of full scale.
fn tone(sound: &[i16], hertz: f64, seconds: std::ops::Range<f64>) -> f64 {
    let [from, to] =
        [seconds.start, seconds.end].map(|second| ((second * 48_000.0) as usize).min(sound.len()));
    amplitude(&sound[from..to], hertz) / 32_767.0
}

/// The first second at which a tone is heard, however quietly: after silence, a decoder comes up slowly where its encoder has not been silent.
fn onset(sound: &[i16], hertz: f64) -> f64 {
    let step = 480;
    let heard = |at: &usize| BEGINS < amplitude(&sound[*at..at + 2 * step], hertz) / 32_767.0;
    let at = (0..sound.len() - 2 * step).step_by(step).find(heard).expect("the tone is heard");
    at as f64 / 48_000.0
}

/// What the recorder says besides.
#[derive(Default)]
struct Said {
    warnings: Vec<String>,
    /// What the file should begin with if it was cut off.
    heads: Vec<Vec<u8>>,
}

fn listen(pipeline: &gst::Pipeline) -> Arc<Mutex<Said>> {
    let said = Arc::<Mutex<Said>>::default();
    let heard = said.clone();
    let bus = pipeline.bus().expect("a pipeline has a bus");
    bus.set_sync_handler(move |_, message| {
        let mut heard = heard.lock().expect("no panic");
        match message.view() {
            gst::MessageView::Warning(warning) => heard.warnings.push(warning.error().to_string()),
            gst::MessageView::Element(element) => {
                let head = element.structure().filter(|said| said.name() == "meetingrecorder-head");
                let head = head.and_then(|said| said.get::<gst::Buffer>("head").ok());
                heard.heads.extend(head.map(|head| head.map_readable().expect("readable").to_vec()));
            }
            _ => {}
        }
        gst::BusSyncReply::Pass
    });
    said
}

#[test]
fn each_track_has_its_own_tone_and_a_name_and_the_first_has_all() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("talk.webm");
    let hertz = [400, 900, 1500];
    let people: String = (0..)
        .zip(hertz)
        .map(|(number, hertz)| person(number, hertz, "audiotestsrc num-buffers=250"))
        .collect();
    let pipeline = parse(&format!(
        "meetingrecorder name=r layout=tracks voice_0::display-name=Ann voice_1::display-name=山田 \
         voice_2::display-name=Ann ! filesink location={} {people}",
        file.display()
    ));
    let said = listen(&pipeline);
    assert_eq!(play(&pipeline), Vec::<String>::new());
    assert!((plays(&file) - 5.0).abs() < 0.1);
    let mut named = names(&file);
    assert_eq!(named.remove(0), "Everybody");
    let all = sound(&file, 0);
    for hertz in hertz {
        assert!(LOUD < tone(&all, f64::from(hertz), 1.0..4.0), "{hertz} Hz in the mix");
    }
    // Whoever speaks first has the first track.
    let mut owners = Vec::new();
    for stream in 1..=3 {
        let sound = sound(&file, stream);
        let loud = hertz.map(|hertz| tone(&sound, f64::from(hertz), 1.0..4.0));
        let own = loud.iter().position(|loud| LOUD < *loud).expect("a tone");
        assert!(loud.iter().enumerate().all(|(at, loud)| at == own || *loud < QUIET), "{stream}: {loud:?}");
        assert!((sound.len() as f64 / 48_000.0 - 5.0).abs() < 0.1, "{stream}: {} samples", sound.len());
        let name = &named[stream - 1];
        assert!(if own == 1 { name == "山田" } else { name.starts_with("Ann") }, "{name} at {own}");
        owners.push(own);
    }
    owners.sort_unstable();
    assert_eq!(owners, [0, 1, 2]);
    named.sort_unstable();
    assert_eq!(named, ["Ann", "Ann (2)", "山田"]);

    // What a crash leaves has the names, too.
    let said = said.lock().expect("no panic");
    assert_eq!(said.warnings, Vec::<String>::new());
    let head = said.heads.last().expect("names were told");
    let whole = std::fs::read(&file).expect("written");
    let cluster = whole.windows(4).position(|bytes| bytes == [0x1F, 0x43, 0xB6, 0x75]).expect("a cluster");
    std::fs::write(&file, [head, &whole[cluster..whole.len() / 2]].concat()).expect("written");
    assert_eq!(names(&file).len(), 4);
}

/// Real time: somebody who speaks later is on their track when they are in the mix, and a pause leaves nothing out of step.
#[test]
fn a_voice_that_comes_late_lines_up_with_the_mix_also_after_a_pause() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("talk.webm");
    let live = "audiotestsrc is-live=true";
    let pipeline = parse(&format!(
        "meetingrecorder name=r layout=tracks voice_0::display-name=Ann voice_1::display-name=Bob ! filesink location={} {} {}",
        file.display(),
        person(0, 400, live),
        person(1, 900, live)
    ));
    let drop_sound = |number: u32, drops: bool| {
        let valve = pipeline.by_name(&format!("valve_{number}")).expect("a valve");
        valve.set_property("drop", drops);
    };
    drop_sound(1, true);
    pipeline.set_state(gst::State::Playing).expect("it plays");
    pass(&pipeline, 2_000);
    let speaks = running_time(&pipeline);
    drop_sound(1, false);
    pass(&pipeline, 1_000);
    let paused = running_time(&pipeline);
    recorder(&pipeline).set_property("paused", true);
    // Of this nothing is on any track.
    drop_sound(0, true);
    pass(&pipeline, 700);
    let left_out = running_time(&pipeline) - paused;
    recorder(&pipeline).set_property("paused", false);
    pass(&pipeline, 700);
    let again = running_time(&pipeline) - left_out;
    drop_sound(0, false);
    pass(&pipeline, 1_500);
    assert!(recorder(&pipeline).send_event(gst::event::Eos::new()));
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");

    plays(&file);
    assert_eq!(names(&file), ["Everybody", "Ann", "Bob"]);
    let [mix, ann, bob] = [0, 1, 2].map(|stream| sound(&file, stream));
    let (mixed, alone) = (onset(&mix, 900.0), onset(&bob, 900.0));
    assert!((alone - speaks).abs() < 0.3, "Bob speaks at {speaks} s, on his track at {alone} s");
    assert!((alone - mixed).abs() < 0.05, "Bob speaks in the mix at {mixed} s, on his track at {alone} s");
    // And Ann again, after the pause: from half a second after its beginning on.
    let skipped = paused + 0.3;
    let after = |sound: &[i16]| skipped + onset(&sound[(skipped * 48_000.0) as usize..], 400.0);
    let (mixed, alone) = (after(&mix), after(&ann));
    assert!((alone - again).abs() < 0.3, "Ann speaks at {again} s again, on her track at {alone} s");
    assert!(
        (alone - mixed).abs() < 0.05,
        "Ann speaks in the mix at {mixed} s again, on her track at {alone} s"
    );
}

/// Real time.
#[test]
fn whoever_comes_back_has_the_same_track() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("talk.webm");
    let pipeline = parse(&format!(
        "meetingrecorder name=r layout=tracks ! filesink location={} audiotestsrc is-live=true wave=silence ! r.audio_0",
        file.display()
    ));
    pipeline.set_state(gst::State::Playing).expect("it plays");
    for (name, hertz) in [("Ann", 400), ("Bob", 900), ("Ann", 400)] {
        speak(&pipeline, name, hertz, 700);
    }
    assert!(recorder(&pipeline).send_event(gst::event::Eos::new()));
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");
    plays(&file);
    assert_eq!(names(&file), ["Everybody", "Ann", "Bob"]);
    let ann = sound(&file, 1);
    let first = onset(&ann, 400.0);
    let rest = &ann[((first + 0.9) * 48_000.0) as usize..];
    assert!(0.2 < onset(rest, 400.0), "she was silent for a while, and spoke again");
}

/// Somebody comes, speaks for so long, and leaves.
fn speak(pipeline: &gst::Pipeline, name: &str, hertz: u32, milliseconds: u64) {
    let source =
        format!("audiotestsrc is-live=true freq={hertz} ! audio/x-raw,rate=48000,channels=1 ! opusenc");
    let voice = gst::parse::bin_from_description(&source, true).expect("a good line");
    pipeline.add(&voice).expect("a fresh bin");
    let pad = recorder(pipeline).request_pad_simple("voice_%u").expect("a pad");
    pad.set_property("display-name", name);
    voice.static_pad("src").expect("it has one").link(&pad).expect("it fits");
    voice.sync_state_with_parent().expect("it plays");
    pass(pipeline, milliseconds);
    recorder(pipeline).release_request_pad(&pad);
    voice.set_state(gst::State::Null).expect("it stops");
    pipeline.remove(&voice).expect("it was there");
}

#[test]
fn more_participants_than_tracks_are_said() {
    let voices: String = (0..33)
        .map(|number| {
            format!("audiotestsrc num-buffers=20 samplesperbuffer=960 ! opusenc ! queue ! r.voice_{number} ")
        })
        .collect();
    let pipeline = parse(&format!(
        "meetingrecorder name=r layout=tracks ! fakesink audiotestsrc num-buffers=20 samplesperbuffer=960 ! r.audio_0 {voices}"
    ));
    let said = listen(&pipeline);
    assert_eq!(play(&pipeline), Vec::<String>::new());
    assert_eq!(
        said.lock().expect("no panic").warnings,
        ["32 participants have tracks of their own; one more is heard in the mix alone."]
    );
}

#[test]
fn what_does_not_fit_the_layout_is_refused() {
    let pipeline =
        parse("meetingrecorder name=r layout=tracks ! fakesink audiotestsrc num-buffers=50 ! r.audio_0");
    let element = recorder(&pipeline);
    assert!(element.request_pad_simple("screen").is_none());
    assert!(element.request_pad_simple("feed_%u").is_none());
    element.set_property_from_str("layout", "sound");
    assert!(element.request_pad_simple("voice_%u").is_none());
    element.set_property_from_str("layout", "tracks");
    assert!(element.request_pad_simple("voice_%u").is_some());
    assert_eq!(play(&pipeline), Vec::<String>::new(), "a voice of which nothing comes");

    element.set_property_from_str("layout", "sound");
    assert!(play(&pipeline)[0].starts_with("Participants have tracks of their own with layout=tracks alone"));
    let alone = parse("meetingrecorder name=r layout=tracks ! fakesink audiotestsrc ! opusenc ! r.voice_0");
    assert_eq!(
        play(&alone)[0],
        "With layout=tracks the mix of all is the first track: link it to an audio_%u pad."
    );
}
