//! Calls against the core, under virtual time.

mod call;
mod callee;
mod digest;
mod dtls;
mod engine;
mod hostile;
mod menu;
mod names;
mod outgoing;
mod records;
mod refer;
mod registrar;
mod sound;
mod torture;
mod world;
