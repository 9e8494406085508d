//! Block 0 in its three forms, and the index at the end.
//!
//! | form | what it holds |
//! |---|---|
//! | open | EBML head, Segment of unknown size, room for a SeekHead, Info with room for Duration, Tracks; room for names where participants have tracks of their own |
//! | cut off | the same with the names that are known by now, and without the tracks that are nobody's |
//! | in place | the same bytes in number, with the SeekHead, the Duration and the Segment's size filled in; Cues follow the last cluster |
//! | front | the same, longer by the Cues, which stand before the first cluster |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::Track;
use crate::ebml::{self, Id, id};
use crate::voice::{VOICE_NAME_BYTES_MAX, Voice};

/// Positions are relative to the first byte after the Segment's head: an id of 4 and a size of 8 bytes.
#[cfg(test)]
const SEGMENT_HEAD_BYTES: usize = 4 + 8;
/// Three entries of 21 bytes and a head of 5.
const SEEK_HEAD_BYTES: usize = 5 + 3 * 21;
/// An id of 2, a size of 1, a float of 8 bytes.
const DURATION_BYTES: usize = 2 + 1 + 8;
/// The sound of all, beside the tracks of each.
const MIX_NAME: &str = "Everybody";
/// A name with its head, and a number that tells two of one name apart.
const VOICE_ROOM_BYTES: usize = VOICE_NAME_BYTES_MAX + 2 + 8 + 8;
/// From the beginning of 1970 to the beginning of 2001, in seconds.
const EPOCH_2001: i64 = 978_307_200;

/// What stays the same through all forms.
#[derive(Debug)]
pub(crate) struct Header {
    pub tracks: Vec<Track>,
    /// What is known of those that are participants' own.
    pub voices: BTreeMap<usize, Voice>,
    pub application: String,
    /// Since the beginning of 1970.
    pub started: Option<Duration>,
}

/// Where a player finds a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cue {
    /// In ticks of a millisecond.
    pub time: u64,
    /// The track's number.
    pub track: u64,
    /// Bytes from the first cluster to this one.
    pub offset: u64,
}

/// What is known when the recording has ended.
#[derive(Debug)]
pub(crate) struct Ending<'a> {
    /// In ticks of a millisecond.
    pub duration: u64,
    pub cues: &'a [Cue],
    /// Of all clusters together.
    pub cluster_bytes: u64,
}

/// An index after the last cluster, and block 0 with the length that it had.
#[derive(Debug)]
pub(crate) struct InPlace {
    pub tail: Vec<u8>,
    pub first: Vec<u8>,
}

impl Header {
    pub fn new(tracks: Vec<Track>, application: String, started: Option<Duration>) -> Self {
        let is_voice = |(_, track): &(usize, &Track)| **track == Track::Voice;
        let voices =
            tracks.iter().enumerate().filter(is_voice).map(|(at, _)| (at, Voice::default())).collect();
        Self { tracks, voices, application, started }
    }

    pub fn open(&self) -> Vec<u8> {
        let mut out = self.without_end();
        out.append(&mut self.all_tracks());
        out
    }

    /// What a recording that is never ended begins with, as far as it is known.
    pub fn cut_off(&self) -> Vec<u8> {
        let mut out = self.without_end();
        out.append(&mut self.known_tracks());
        out
    }

    fn without_end(&self) -> Vec<u8> {
        let mut out = ebml_head();
        ebml::put_id(&mut out, id::SEGMENT);
        ebml::put_unknown_size(&mut out);
        ebml::put_void(&mut out, SEEK_HEAD_BYTES);
        self.put_info(&mut out, None);
        out
    }

    /// All that a player needs before the first cluster.
    pub fn front(&self, ending: &Ending<'_>) -> Vec<u8> {
        let mut info = Vec::new();
        self.put_info(&mut info, Some(ending.duration));
        let mut tracks = self.known_tracks();

        let tracks_at = SEEK_HEAD_BYTES + info.len();
        let cues_at = tracks_at + tracks.len();
        // Positions have a fixed width, so the length does not depend on them.
        let clusters_at = cues_at + put_cues(ending.cues, 0).len();

        let mut out = ebml_head();
        ebml::put_id(&mut out, id::SEGMENT);
        ebml::put_long_size(&mut out, clusters_at as u64 + ending.cluster_bytes);
        put_seek_head(&mut out, tracks_at as u64, cues_at as u64);
        out.append(&mut info);
        out.append(&mut tracks);
        out.append(&mut put_cues(ending.cues, clusters_at as u64));
        out
    }

    /// For an output that can go back and write over its beginning.
    pub fn in_place(&self, ending: &Ending<'_>) -> InPlace {
        let mut info = Vec::new();
        self.put_info(&mut info, Some(ending.duration));
        let mut tracks = self.known_tracks();
        if !self.voices.is_empty() {
            let room = self.all_tracks().len() - tracks.len();
            ebml::put_void(&mut tracks, room);
        }

        let tracks_at = SEEK_HEAD_BYTES + info.len();
        let clusters_at = (tracks_at + tracks.len()) as u64;
        let cues_at = clusters_at + ending.cluster_bytes;
        let tail = put_cues(ending.cues, clusters_at);

        let mut first = ebml_head();
        ebml::put_id(&mut first, id::SEGMENT);
        ebml::put_long_size(&mut first, cues_at + tail.len() as u64);
        put_seek_head(&mut first, tracks_at as u64, cues_at);
        first.append(&mut info);
        first.append(&mut tracks);
        InPlace { tail, first }
    }

    fn put_info(&self, out: &mut Vec<u8>, duration: Option<u64>) {
        ebml::put_master(out, id::INFO, |info| {
            ebml::put_unsigned(info, id::TIMESTAMP_SCALE, 1_000_000);
            match duration {
                Some(ticks) => ebml::put_float(info, id::DURATION, ticks as f64),
                None => ebml::put_void(info, DURATION_BYTES),
            }
            if let Some(started) = self.started {
                ebml::put_date(info, id::DATE_UTC, since_2001(started));
            }
            ebml::put_text(info, id::MUXING_APP, concat!("convene-recording ", env!("CARGO_PKG_VERSION")));
            ebml::put_text(info, id::WRITING_APP, &self.application);
        });
    }

    /// All that there may be, before anybody has a name, and room for names.
    fn all_tracks(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let entries = self.tracks.iter().enumerate().map(|(at, _)| (at, self.mix_name(at), true));
        self.put_tracks(&mut out, entries);
        if !self.voices.is_empty() {
            ebml::put_void(&mut out, self.voices.len() * VOICE_ROOM_BYTES);
        }
        out
    }

    /// Those that somebody has, with their names. Two of one name are told apart by numbers.
    fn known_tracks(&self) -> Vec<u8> {
        let mut taken = BTreeSet::new();
        let mut entries = Vec::new();
        for at in 0..self.tracks.len() {
            let Some(voice) = self.voices.get(&at) else {
                entries.push((at, self.mix_name(at), false));
                continue;
            };
            let Some(name) = voice.name() else { continue };
            let numbered = (2..).map(|number| format!("{name} ({number})"));
            let mut names = std::iter::once(name.to_owned()).chain(numbered);
            let free = names.find(|name| taken.insert(name.clone())).expect("numbers do not end");
            entries.push((at, Some(free), voice.is_stereo));
        }
        let mut out = Vec::new();
        self.put_tracks(&mut out, entries);
        out
    }

    /// The mix is called so where it is not the only sound.
    fn mix_name(&self, at: usize) -> Option<String> {
        let is_mix = !self.voices.is_empty() && matches!(self.tracks[at], Track::Opus(_));
        is_mix.then(|| MIX_NAME.to_owned())
    }

    fn put_tracks(
        &self,
        out: &mut Vec<u8>,
        entries: impl IntoIterator<Item = (usize, Option<String>, bool)>,
    ) {
        ebml::put_master(out, id::TRACKS, |tracks| {
            for (at, name, is_stereo) in entries {
                self.tracks[at].put(tracks, at as u64 + 1, name.as_deref(), is_stereo);
            }
        });
    }
}

/// WebM is Matroska of a fixed kind; version 4 has `CodecDelay`, version 2 `SimpleBlock`.
fn ebml_head() -> Vec<u8> {
    let mut out = Vec::new();
    ebml::put_master(&mut out, id::EBML, |head| {
        ebml::put_unsigned(head, id::EBML_VERSION, 1);
        ebml::put_unsigned(head, id::EBML_READ_VERSION, 1);
        ebml::put_unsigned(head, id::EBML_MAX_ID_LENGTH, 4);
        ebml::put_unsigned(head, id::EBML_MAX_SIZE_LENGTH, 8);
        ebml::put_text(head, id::DOC_TYPE, "webm");
        ebml::put_unsigned(head, id::DOC_TYPE_VERSION, 4);
        ebml::put_unsigned(head, id::DOC_TYPE_READ_VERSION, 2);
    });
    out
}

/// Info stands right behind it, wherever the others are.
fn put_seek_head(out: &mut Vec<u8>, tracks_at: u64, cues_at: u64) {
    let before = out.len();
    ebml::put_master(out, id::SEEK_HEAD, |seek_head| {
        put_seek(seek_head, id::INFO, SEEK_HEAD_BYTES as u64);
        put_seek(seek_head, id::TRACKS, tracks_at);
        put_seek(seek_head, id::CUES, cues_at);
    });
    debug_assert_eq!(out.len() - before, SEEK_HEAD_BYTES, "the SeekHead fills its room");
}

fn put_seek(out: &mut Vec<u8>, Id(element): Id, position: u64) {
    ebml::put_master(out, id::SEEK, |seek| {
        ebml::put_binary(seek, id::SEEK_ID, &element.to_be_bytes());
        ebml::put_long_unsigned(seek, id::SEEK_POSITION, position);
    });
}

fn put_cues(cues: &[Cue], clusters_at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    ebml::put_master(&mut out, id::CUES, |points| {
        for cue in cues {
            ebml::put_master(points, id::CUE_POINT, |point| {
                ebml::put_unsigned(point, id::CUE_TIME, cue.time);
                ebml::put_master(point, id::CUE_TRACK_POSITIONS, |at| {
                    ebml::put_unsigned(at, id::CUE_TRACK, cue.track);
                    ebml::put_long_unsigned(at, id::CUE_CLUSTER_POSITION, clusters_at + cue.offset);
                });
            });
        }
    });
    out
}

fn since_2001(started: Duration) -> i64 {
    let nanoseconds = i64::try_from(started.as_nanos()).unwrap_or(i64::MAX);
    nanoseconds.saturating_sub(EPOCH_2001 * 1_000_000_000)
}

/// The bytes before a Segment's first element: what positions are counted from.
#[cfg(test)]
fn segment_data_at() -> usize {
    ebml_head().len() + SEGMENT_HEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpusHead, VideoSize};

    #[test]
    fn in_place_has_the_length_of_open() {
        for started in [None, Some(Duration::from_secs(1_800_000_000))] {
            let header = header(started);
            let ending = Ending {
                duration: 3_600_000,
                cues: &[Cue { time: 0, track: 1, offset: 0 }],
                cluster_bytes: 9,
            };
            assert_eq!(header.in_place(&ending).first.len(), header.open().len());
        }
    }

    #[test]
    fn positions_point_at_their_elements() {
        let header = header(None);
        let cues = [Cue { time: 0, track: 1, offset: 0 }, Cue { time: 2000, track: 1, offset: 70_000 }];
        let front = header.front(&Ending { duration: 4000, cues: &cues, cluster_bytes: 100_000 });

        for (element, id) in [("Tracks", id::TRACKS), ("Info", id::INFO), ("Cues", id::CUES)] {
            let mut wanted = vec![0x53, 0xAB, 0x84];
            wanted.extend_from_slice(&id.0.to_be_bytes());
            let entry = find(&front, &wanted).expect(element) + wanted.len() + 3;
            let position = u64::from_be_bytes(front[entry..entry + 8].try_into().expect("eight bytes"));
            assert!(
                front[segment_data_at() + position as usize..].starts_with(&id.0.to_be_bytes()),
                "{element}"
            );
        }
        // The first cluster follows block 0 directly, and the first cue points there.
        let first = find(&front, &[0xF7, 0x81, 1, 0xF1, 0x88]).expect("a cue") + 5;
        let position = u64::from_be_bytes(front[first..first + 8].try_into().expect("eight bytes"));
        assert_eq!(segment_data_at() + position as usize, front.len());
    }

    #[test]
    fn dates_count_from_2001() {
        assert_eq!(since_2001(Duration::from_secs(978_307_201)), 1_000_000_000);
        assert_eq!(since_2001(Duration::ZERO), -978_307_200_000_000_000);
        assert_eq!(since_2001(Duration::MAX), i64::MAX - 978_307_200_000_000_000);
    }

    fn header(started: Option<Duration>) -> Header {
        let tracks = vec![
            Track::Vp8(VideoSize::new(1280, 720).expect("a size")),
            Track::Opus(OpusHead::plain(2, 312, 48_000).expect("a header")),
        ];
        Header::new(tracks, "test".into(), started)
    }

    fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
        haystack.windows(needle.len()).position(|window| window == needle)
    }
}
