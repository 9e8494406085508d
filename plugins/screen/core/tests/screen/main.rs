//! The encoder, the decoder and the relay, seen from outside.

mod desktop;
mod pixels;
mod relay;
mod network;
