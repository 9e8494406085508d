#![doc = include_str!("../README.md")]

pub mod clip;
pub mod clock;
pub mod network;
pub mod peer;
pub mod processor;
pub mod server;
