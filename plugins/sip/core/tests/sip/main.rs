//! Calls against the core, under virtual time.

mod call;
mod hostile;
mod menu;
mod torture;
mod world;
