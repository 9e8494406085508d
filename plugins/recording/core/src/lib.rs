#![doc = include_str!("../README.md")]

mod cluster;
mod damage;
mod ebml;
mod encoder;
mod error;
mod faces;
mod header;
mod interleave;
mod layout;
mod loudness;
mod opus;
mod pace;
mod pauses;
mod picture;
mod track;
mod voice;
mod writer;

pub use damage::{BLOCK_PIXELS, Damage};
pub use encoder::{Encoded, Encoder};
pub use error::RecordingError;
pub use faces::{FACES_MAX, Face, Faces, SILENCE_MAX};
pub use interleave::{LATE_MAX, WAITING_BYTES_MAX};
pub use layout::{Arrangement, Layout};
pub use loudness::{LOUDNESS_DELAY_FRAMES, Loudness};
pub use opus::OpusHead;
pub use pace::{FACES_GAP, PATIENCE, Pace, Show, Step};
pub use pauses::{PAUSE_STEP, Pauses};
pub use picture::{Coverage, Planes, PlanesMut, Scaler};
pub use track::{Placement, SIDE_PIXELS_MAX, TRACKS_MAX, Track, VideoSize};
pub use voice::{APART_MAX, VOICE_NAME_BYTES_MAX, VOICES_MAX};
pub use writer::{
    BLOCKS_MAX, Back, Block, CLUSTER_BYTES_MAX, CLUSTER_LENGTH_MAX, CLUSTER_LENGTH_MIN, Finished, Frame,
    Settings, Writer,
};
