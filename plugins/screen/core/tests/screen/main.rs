//! The encoder, the decoder and the relay, seen from outside.

mod desktop;
mod hostile;
mod network;
mod pixels;
mod relay;
