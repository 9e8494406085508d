#![doc = include_str!("../README.md")]

mod link;
mod plugins;

pub use link::{Line, Link};
pub use plugins::{Plugins, Ran};
