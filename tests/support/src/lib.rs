#![doc = include_str!("../README.md")]

mod azurite;
mod link;
mod plugins;
mod program;
mod proxy;
mod sound;

pub use azurite::{AZURITE_KEY, Azurite, azurite_config};
pub use link::{Line, Link};
pub use plugins::{Plugins, Ran};
pub use program::Program;
pub use proxy::{Proxy, ProxyLine};
pub use sound::{AMPLITUDE, Tone, amplitude};
