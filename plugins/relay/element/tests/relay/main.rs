//! `vp8relay` with real WebRTC peers around it.

mod client;
mod launch;
mod media;
mod picture;
mod support;
