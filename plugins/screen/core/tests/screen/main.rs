//! The encoder, the decoder and the relay, seen from outside.

mod coarse;
mod desktop;
mod hostile;
mod network;
mod photographs;
mod pixels;
mod relay;
