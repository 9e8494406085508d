//! The writer: frames in, blocks out.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::cluster::{Cluster, ticks};
use crate::header::{Cue, Ending, Header};
use crate::interleave::Interleaver;
use crate::voice::{Voice, is_stereo, packet_length};
use crate::{RecordingError, TRACKS_MAX, Track};

/// Azure's block lists hold so many; 27 hours at two seconds a block.
pub const BLOCKS_MAX: u32 = 50_000;
/// A block is held in memory and sent in one request.
pub const CLUSTER_BYTES_MAX: usize = 64 << 20;
/// One frame in a cluster of its own, with both heads.
const FRAME_BYTES_MAX: usize = CLUSTER_BYTES_MAX - 64;
/// Times in a cluster are relative in 16 bits of milliseconds (RFC 9559, 10.1): less than 32.767 s.
pub const CLUSTER_LENGTH_MAX: Duration = Duration::from_secs(30);
/// Shorter ones would be mostly keyframes.
pub const CLUSTER_LENGTH_MIN: Duration = Duration::from_millis(100);

/// How a recording is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a cluster should last. One begins at the first keyframe of a picture after half this time.
    pub cluster: Duration,
    /// How long the other tracks wait for one that is behind; `None` waits as long as it takes.
    pub patience: Option<Duration>,
    /// When the recording began, since the beginning of 1970.
    pub started: Option<Duration>,
    /// What made it: the file's `WritingApp`.
    pub application: String,
}

/// A coded picture, or a packet of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When it is shown or heard. The earliest of all tracks becomes the beginning of the file.
    pub time: Duration,
    /// How long it lasts; zero where that is not known.
    pub length: Duration,
    /// Whether it can be decoded without the ones before. All sound can.
    pub keyframe: bool,
    /// The codec's bytes.
    pub data: Bytes,
}

/// A piece of the file that is put as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its place in the file: 0 is the head, the clusters follow.
    pub number: u32,
    /// Where its first frame is in the recording.
    pub start: Duration,
    /// How long it lasts.
    pub length: Duration,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Makes one WebM of frames as they come. After every call that changes it, call [`Writer::poll`] until `None`.
#[derive(Debug)]
pub struct Writer {
    header: Header,
    cluster_length: Duration,
    order: Interleaver,
    heard: Vec<bool>,
    /// The time of the first frame of all: the beginning of the file.
    origin: Option<Duration>,
    cluster: Option<Cluster>,
    blocks: VecDeque<Block>,
    next_number: u32,
    cues: Vec<Cue>,
    cluster_bytes: u64,
    /// Of the last frame, from the beginning of the file.
    end: Duration,
    /// The same, as `lasts_until` was told.
    end_at: Duration,
    lost: u64,
}

impl Writer {
    /// Block 0 is ready at once.
    pub fn new(tracks: Vec<Track>, settings: Settings) -> Result<Self, RecordingError> {
        if tracks.is_empty() || TRACKS_MAX < tracks.len() {
            return Err(RecordingError::TrackCount { count: tracks.len() });
        }
        if !(CLUSTER_LENGTH_MIN..=CLUSTER_LENGTH_MAX).contains(&settings.cluster) {
            return Err(RecordingError::ClusterLength { length: settings.cluster });
        }
        let mut order = Interleaver::new(tracks.len(), settings.patience);
        let heard = vec![false; tracks.len()];
        let header = Header::new(tracks, settings.application, settings.started);
        // Nobody waits for what is nobody's.
        header.voices.keys().for_each(|track| order.end_track(*track));
        let first =
            Block { number: 0, start: Duration::ZERO, length: Duration::ZERO, bytes: header.open().into() };
        Ok(Self {
            header,
            cluster_length: settings.cluster,
            order,
            heard,
            origin: None,
            cluster: None,
            blocks: VecDeque::from([first]),
            next_number: 1,
            cues: Vec::new(),
            cluster_bytes: 0,
            end: Duration::ZERO,
            end_at: Duration::ZERO,
            lost: 0,
        })
    }

    /// Takes a frame of one track; `track` is its index in what `new` was given.
    pub fn push(&mut self, track: usize, frame: Frame) -> Result<(), RecordingError> {
        let bytes = frame.data.len();
        if FRAME_BYTES_MAX < bytes {
            return Err(RecordingError::FrameTooLarge { bytes });
        }
        if !self.order.push(track, frame)? {
            self.lost += 1;
        }
        self.write()
    }

    /// Somebody has this participant's track from now on, or has another name.
    pub fn name_voice(&mut self, track: usize, name: &str) -> Result<(), RecordingError> {
        self.voice(track)?.set_name(name);
        Ok(())
    }

    /// The others wait for this participant's packets from now on, until its track ends. Else what comes late, after the others' have been written, is lost.
    pub fn await_voice(&mut self, track: usize) -> Result<(), RecordingError> {
        self.voice(track)?;
        self.order.begin_track(track);
        Ok(())
    }

    /// Takes a packet of Opus of a participant's own. One that `follows` the last without a gap is put behind it; others have their time. Where none come there
    /// is silence, once the first has come.
    pub fn push_voice(
        &mut self,
        track: usize,
        time: Duration,
        follows: bool,
        data: Bytes,
    ) -> Result<(), RecordingError> {
        let voice = self.voice(track)?;
        let placed = packet_length(&data).zip(voice.place(time, follows));
        let Some((length, time)) = placed else {
            self.lost += 1;
            return Ok(());
        };
        let stereo = is_stereo(&data);
        if self.order.push(track, Frame { time, length, keyframe: true, data })? {
            let voice = self.voice(track)?;
            voice.took(time + length);
            voice.is_stereo |= stereo;
        } else {
            self.lost += 1;
        }
        self.write()
    }

    fn voice(&mut self, track: usize) -> Result<&mut Voice, RecordingError> {
        self.header.voices.get_mut(&track).ok_or(RecordingError::NoVoice { track })
    }

    /// Block 0 as it should be if the recording was cut off now: with the tracks that participants have by now, and their names.
    pub fn cut_off(&self) -> Bytes {
        self.header.cut_off().into()
    }

    /// No frames of this track will come before this time; the other tracks need not wait for them.
    pub fn gap(&mut self, track: usize, until: Duration) -> Result<(), RecordingError> {
        self.order.gap(track, until);
        self.write()
    }

    /// Ends the block here, because what comes next may be long in coming. It should come with a keyframe.
    pub fn cut(&mut self) -> Result<(), RecordingError> {
        self.end_cluster()
    }

    /// No more frames of this track will come.
    pub fn end_track(&mut self, track: usize) -> Result<(), RecordingError> {
        self.order.end_track(track);
        self.write()
    }

    /// Whether every track has ended: time to [`Writer::finish`].
    pub fn all_ended(&self) -> bool {
        self.order.all_ended()
    }

    /// How far this track is ahead of the slowest other one: who feeds it may want to wait.
    pub fn lead(&self, track: usize) -> Duration {
        self.order.lead(track)
    }

    /// How many frames came too late to be written, because patience had ended.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The next finished block; `None` until a further `push`, `end_track` or `finish`.
    pub fn poll(&mut self) -> Option<Block> {
        self.blocks.pop_front()
    }

    /// The recording lasts at least until this time, whether or not frames come: its length says so.
    pub fn lasts_until(&mut self, time: Duration) {
        self.end_at = self.end_at.max(time);
    }

    /// Ends all tracks and writes what is left.
    pub fn finish(mut self) -> Result<Finished, RecordingError> {
        for track in 0..self.header.tracks.len() {
            self.order.end_track(track);
        }
        self.write()?;
        self.end_cluster()?;
        if self.cluster_bytes == 0 {
            return Err(RecordingError::Empty);
        }
        let duration = self.end.max(self.end_at.saturating_sub(self.origin.unwrap_or_default()));
        if let Some(last) = self.blocks.back_mut() {
            last.length = last.length.max(duration.saturating_sub(last.start));
        }
        Ok(Finished {
            header: self.header,
            blocks: self.blocks,
            cues: self.cues,
            cluster_bytes: self.cluster_bytes,
            duration,
            count: self.next_number,
        })
    }

    fn write(&mut self) -> Result<(), RecordingError> {
        while let Some((track, frame)) = self.order.poll() {
            self.write_frame(track, frame)?;
        }
        Ok(())
    }

    fn write_frame(&mut self, track: usize, frame: Frame) -> Result<(), RecordingError> {
        let origin = *self.origin.get_or_insert(frame.time);
        let time = frame.time - origin;
        // The first packet of sound also carries what is skipped, so it begins earlier than it is heard.
        let delay = if self.heard[track] { self.header.tracks[track].delay() } else { Duration::ZERO };
        self.heard[track] = true;
        let stamp = time + delay;
        let is_voice = self.header.voices.contains_key(&track);
        let begins = self.begins_cluster(track, &frame, stamp);
        if is_voice {
            self.fill(track, time, true)?;
            self.header.voices.entry(track).and_modify(|voice| voice.wrote(time, frame.length, &frame.data));
        } else {
            let voices: Vec<usize> = self.header.voices.keys().copied().collect();
            voices.into_iter().try_for_each(|voice| self.fill(voice, time, begins))?;
        }
        self.put(track, time, stamp, &frame)
    }

    /// What is missing in a participant's track, up to this time of the file; see [`Voice::filling`].
    fn fill(&mut self, track: usize, until: Duration, whole: bool) -> Result<(), RecordingError> {
        while let Some((time, length, packet)) =
            self.header.voices.get_mut(&track).and_then(|voice| voice.filling(until, whole))
        {
            let frame = Frame { time, length, keyframe: true, data: packet };
            self.put(track, time, time, &frame)?;
        }
        Ok(())
    }

    /// `time` and `stamp` are in the file's time: the second is what the file says.
    fn put(
        &mut self,
        track: usize,
        time: Duration,
        stamp: Duration,
        frame: &Frame,
    ) -> Result<(), RecordingError> {
        if self.begins_cluster(track, frame, stamp) {
            self.end_cluster()?;
        }
        let is_voice = self.header.voices.contains_key(&track);
        let video = self.header.tracks[track].is_video();
        let number = track as u8 + 1;
        if self.cluster.is_none() && BLOCKS_MAX <= self.next_number {
            return Err(RecordingError::Full);
        }
        // A player can start at a keyframe, and at any sound where there are no pictures.
        let indexed = self.cues.last().is_some_and(|cue| cue.offset == self.cluster_bytes);
        if !indexed && frame.keyframe && !is_voice && (video || !self.has_video()) {
            self.cues.push(Cue { time: ticks(stamp), track: u64::from(number), offset: self.cluster_bytes });
        }
        // Voices have no delay, and those of the same moment are not before the block.
        let start = if self.header.voices.is_empty() { stamp } else { time };
        let end = time + frame.length;
        let cluster = self.cluster.get_or_insert_with(|| Cluster::new(start));
        cluster.put(number, stamp, end, frame);
        self.end = self.end.max(end);
        Ok(())
    }

    fn begins_cluster(&self, track: usize, frame: &Frame, stamp: Duration) -> bool {
        let Some(cluster) = &self.cluster else { return true };
        let age = cluster.age(stamp);
        if self.header.tracks[track].is_video() && frame.keyframe && self.cluster_length / 2 <= age {
            return true;
        }
        if !self.has_video() && !self.header.voices.contains_key(&track) && self.cluster_length <= age {
            return true;
        }
        // No keyframe came for too long, or there is too much: the block ends, though nobody can start here.
        CLUSTER_LENGTH_MAX < age || CLUSTER_BYTES_MAX < cluster.bytes_with(frame.data.len())
    }

    fn has_video(&self) -> bool {
        self.header.tracks.iter().any(Track::is_video)
    }

    fn end_cluster(&mut self) -> Result<(), RecordingError> {
        let Some(cluster) = self.cluster.take() else { return Ok(()) };
        let (start, end) = (cluster.start(), cluster.end());
        let bytes = cluster.into_bytes();
        self.cluster_bytes += bytes.len() as u64;
        let length = end.saturating_sub(start);
        self.blocks.push_back(Block { number: self.next_number, start, length, bytes });
        self.next_number += 1;
        Ok(())
    }
}

/// A recording that has ended: what was left, and its index in two forms.
#[derive(Debug)]
pub struct Finished {
    header: Header,
    blocks: VecDeque<Block>,
    cues: Vec<Cue>,
    cluster_bytes: u64,
    duration: Duration,
    count: u32,
}

/// How a file that can be written over is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Follows the last block.
    pub tail: Bytes,
    /// Block 0 again, with the length that it had.
    pub first: Bytes,
}

impl Finished {
    /// The next block that was not taken yet.
    pub fn poll(&mut self) -> Option<Block> {
        self.blocks.pop_front()
    }

    /// From the first frame to the end of the last.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// How many blocks there are, block 0 included.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Block 0 again, larger: with the index in front. Nothing else of the file changes.
    pub fn front(&self) -> Bytes {
        self.header.front(&self.ending()).into()
    }

    /// The index for the end of the file, and block 0 again, as long as it was.
    pub fn back(&self) -> Back {
        let in_place = self.header.in_place(&self.ending());
        Back { tail: in_place.tail.into(), first: in_place.first.into() }
    }

    fn ending(&self) -> Ending<'_> {
        Ending { duration: ticks(self.duration), cues: &self.cues, cluster_bytes: self.cluster_bytes }
    }
}
