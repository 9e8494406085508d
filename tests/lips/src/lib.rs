#![doc = include_str!("../README.md")]

mod clapper;
mod clock;
mod film;
mod meeting;
mod offsets;

pub use clapper::{Clapper, Way};
pub use meeting::{Scene, record};
pub use offsets::Offsets;
