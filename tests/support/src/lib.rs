#![doc = include_str!("../README.md")]

mod link;
mod plugins;
mod sound;

pub use link::{Line, Link};
pub use plugins::{Plugins, Ran};
pub use sound::{AMPLITUDE, Tone, amplitude};
