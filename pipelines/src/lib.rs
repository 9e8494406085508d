#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod bus;
mod call_record;
mod connection;
mod cursor;
mod cutter;
mod error;
mod faces;
mod init;
mod listener;
mod media_port;
mod meeting;
mod pointer;
mod present;
mod recording;
mod seat;
mod sound;
mod talk;
mod telephone;
mod voices;

pub use call_record::{CallRecord, CallSound};
pub use connection::Connection;
pub use error::PipelineError;
pub use init::{ELEMENTS, NeededElement, gstreamer_version, init, missing_elements};
pub use listener::Listener;
pub use media_port::{MediaPort, own_addresses};
pub use meeting::{MeetingEvent, MeetingPipeline, Viewer};
pub use present::{Area, FPS_DEFAULT, FPS_MAX, PresentEvent, PresentPipeline, PresentSource, check_x11};
pub use recording::{
    Look as RecordingLook, RecordingEvent, RecordingEvents, RecordingFaces, RecordingPipeline,
    RecordingSound, RecordingVoices,
};
pub use talk::{
    Separator, ShownFeed, ShownScreen, Sight, SightReason, TalkCounts, TalkEvent, TalkPipeline, VoiceCounts,
    Watcher,
};
pub use telephone::{
    CallProgress, CallerNames, PhoneKey, RecordKeeper, Telephone, TelephonePort, TelephoneRoom, Trunk,
};
