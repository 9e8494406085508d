//! Blocks as buffers, and the two ways in which a recording is finished.

use convene_recording::{Back, Block, Finished};
use gst::prelude::*;

/// The head of the file, and that it is one; its number is its offset.
pub(super) fn block_buffer(block: Block) -> gst::Buffer {
    let mut buffer = numbered(block.bytes, block.number, block.number + 1);
    let stamped = buffer.get_mut().expect("a new buffer is writable");
    stamped.set_pts(clock_time(block.start));
    stamped.set_duration(clock_time(block.length));
    stamped.set_flags(if block.number == 0 { gst::BufferFlags::HEADER } else { gst::BufferFlags::empty() });
    buffer
}

/// Events, then a buffer.
pub(super) struct Parcel {
    pub segment: Option<gst::Event>,
    pub buffer: gst::Buffer,
}

/// Block 0 again, larger: it replaces the first.
pub(super) fn finish_in_front(finished: &Finished) -> Vec<Parcel> {
    vec![Parcel { segment: None, buffer: header_again(finished, finished.front()) }]
}

/// The index behind the last block, then block 0 written over with the length that it had.
pub(super) fn finish_in_place(finished: &Finished) -> Vec<Parcel> {
    let Back { tail, first } = finished.back();
    let tail = numbered(tail, finished.count(), finished.count() + 1);
    let segment = Some(gst::event::Segment::new(&bytes_segment()));
    vec![Parcel { segment: None, buffer: tail }, Parcel { segment, buffer: header_again(finished, first) }]
}

/// A sink that takes bytes writes them at the segment's start.
pub(super) fn bytes_segment() -> gst::FormattedSegment<gst::format::Bytes> {
    gst::FormattedSegment::new()
}

/// Whether what is downstream can go back to the beginning.
pub(super) fn is_seekable(pad: &gst::Pad) -> bool {
    let mut query = gst::query::Seeking::new(gst::Format::Bytes);
    if !pad.peer_query(&mut query) {
        return false;
    }
    let (seekable, _, _) = query.result();
    seekable
}

fn header_again(finished: &Finished, bytes: bytes::Bytes) -> gst::Buffer {
    let mut buffer = numbered(bytes, 0, finished.count());
    let stamped = buffer.get_mut().expect("a new buffer is writable");
    stamped.set_pts(gst::ClockTime::ZERO);
    stamped.set_duration(clock_time(finished.duration()));
    stamped.set_flags(gst::BufferFlags::HEADER);
    buffer
}

fn numbered(bytes: bytes::Bytes, number: u32, count: u32) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(bytes);
    let stamped = buffer.get_mut().expect("a new buffer is writable");
    stamped.set_offset(u64::from(number));
    stamped.set_offset_end(u64::from(count));
    buffer
}

fn clock_time(time: std::time::Duration) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1))
}
