//! The encoder, the decoder and the relay, seen from outside.

mod audience;
mod coarse;
mod desktop;
mod film;
mod graphics;
mod hostile;
mod hostile_film;
mod network;
mod photographs;
mod pixels;
mod rates;
mod relay;
mod restless;
mod series;
mod uplink;
