//! What can be wrong with a recording, one sentence each.

use std::time::Duration;

use crate::{
    BLOCKS_MAX, CLUSTER_BYTES_MAX, CLUSTER_LENGTH_MAX, CLUSTER_LENGTH_MIN, FACES_MAX, SIDE_PIXELS_MAX,
    TRACKS_MAX, WAITING_BYTES_MAX,
};

/// Why a recording cannot be made, or cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// There is nothing to record, or more than the format's short track numbers can tell apart.
    #[error("a recording has 1 to {TRACKS_MAX} tracks, not {count}")]
    TrackCount {
        /// How many were given.
        count: usize,
    },
    /// A frame for a track that the recording does not have.
    #[error("there is no track {track} in this recording")]
    UnknownTrack {
        /// Its index.
        track: usize,
    },
    /// Packets of a participant for a track that is not a participant's.
    #[error("track {track} of this recording is no participant's own")]
    NoVoice {
        /// Its index.
        track: usize,
    },
    /// A picture that VP8 cannot hold.
    #[error(
        "a picture of {width} x {height} pixels cannot be recorded: each side has 1 to {SIDE_PIXELS_MAX}"
    )]
    PictureSize {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// More faces than one picture can show.
    #[error("a recording shows at most {FACES_MAX} feeds at once; release a feed pad first")]
    FaceCount,
    /// The Opus header that came with the sound is not one.
    #[error("the sound's Opus header is not valid: {reason}")]
    OpusHead {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// libvpx does not encode a picture.
    #[error("a picture cannot be encoded as VP8: {reason}")]
    Encoder {
        /// What it says.
        reason: &'static str,
    },
    /// A cluster length out of its limits.
    #[error(
        "a cluster of {length:?} cannot be written: it lasts {CLUSTER_LENGTH_MIN:?} to {CLUSTER_LENGTH_MAX:?}"
    )]
    ClusterLength {
        /// What was asked for.
        length: Duration,
    },
    /// One frame alone is larger than a block may be.
    #[error("a frame of {bytes} bytes is too large: a block holds {CLUSTER_BYTES_MAX}")]
    FrameTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// One track is so far behind that what waits for it does not fit.
    #[error("{bytes} bytes wait for a track that is behind, and the limit is {WAITING_BYTES_MAX}")]
    TooMuchWaiting {
        /// What would wait.
        bytes: usize,
    },
    /// The recording is as long as a block list can say.
    #[error("the recording is full: it has {BLOCKS_MAX} blocks, as many as a block list holds")]
    Full,
    /// All tracks ended before anything came.
    #[error("nothing was recorded: the streams ended before the first picture or sound")]
    Empty,
}
