//! The catalogue of recordings and the resting codes; the README is the page to read.
#![doc = include_str!("../README.md")]

mod codes;
mod database;
mod error;
mod recordings;
mod rows;
mod schema;

pub use database::Store;
pub use error::StoreError;
pub use recordings::RECORDINGS_LISTED_MAX;
