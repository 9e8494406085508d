//! Calls against the core, under virtual time.

mod call;
mod hostile;
mod menu;
mod sound;
mod torture;
mod world;
