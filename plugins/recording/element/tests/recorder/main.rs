//! The element in real pipelines, its files read by ffprobe and ffmpeg.

mod faces;
mod faults;
mod files;
mod launch;
mod live;
mod loudness;
mod pause;
mod sound;
mod stage;
mod support;
mod tracks;
