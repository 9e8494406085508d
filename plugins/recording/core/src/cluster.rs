//! A cluster being filled: one block of the recording.

use std::time::Duration;

use bytes::Bytes;

use crate::Frame;
use crate::ebml::{self, id};

/// A frame's head: its element's id and longest size, track, relative time, flags.
const FRAME_HEAD_BYTES: usize = 1 + 8 + 1 + 2 + 1;
/// Flags of a `SimpleBlock` (RFC 9559, 10.2).
const KEYFRAME: u8 = 0x80;

/// Frames with one base time. The caller holds the limits: times are relative in 16 bits.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// In ticks of a millisecond.
    start: u64,
    end: Duration,
    body: Vec<u8>,
}

impl Cluster {
    pub fn new(start: Duration) -> Self {
        let start = ticks(start);
        let mut body = Vec::new();
        ebml::put_unsigned(&mut body, id::TIMESTAMP, start);
        Self { start, end: Duration::from_millis(start), body }
    }

    pub fn start(&self) -> Duration {
        Duration::from_millis(self.start)
    }

    /// The end of the last frame.
    pub fn end(&self) -> Duration {
        self.end
    }

    /// How long the cluster would have lasted when this time comes.
    pub fn age(&self, time: Duration) -> Duration {
        time.saturating_sub(self.start())
    }

    /// How large it would be, at most, with a frame of this size.
    pub fn bytes_with(&self, frame: usize) -> usize {
        4 + 8 + self.body.len() + FRAME_HEAD_BYTES + frame
    }

    /// `stamp` and `end` are in the file's time.
    pub fn put(&mut self, number: u8, stamp: Duration, end: Duration, frame: &Frame) {
        let data = &frame.data;
        let relative = ticks(stamp).saturating_sub(self.start).min(i16::MAX as u64) as i16;
        ebml::put_id(&mut self.body, id::SIMPLE_BLOCK);
        ebml::put_size(&mut self.body, data.len() as u64 + 4);
        self.body.push(0x80 | number);
        self.body.extend_from_slice(&relative.to_be_bytes());
        self.body.push(if frame.keyframe { KEYFRAME } else { 0 });
        self.body.extend_from_slice(data);
        self.end = self.end.max(end);
    }

    pub fn into_bytes(self) -> Bytes {
        let mut out = Vec::with_capacity(4 + 8 + self.body.len());
        ebml::put_binary(&mut out, id::CLUSTER, &self.body);
        Bytes::from(out)
    }
}

/// The file counts in milliseconds.
pub(crate) fn ticks(time: Duration) -> u64 {
    (time + Duration::from_micros(500)).as_millis() as u64
}
