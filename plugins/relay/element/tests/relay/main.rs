//! `vp8relay` with real WebRTC peers around it.

mod client;
mod flood;
mod hostile;
mod http;
mod launch;
mod media;
mod picture;
mod supply;
mod support;
mod tcp;
