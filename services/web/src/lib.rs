//! The meeting service; the README is the page to read.
#![doc = include_str!("../README.md")]

mod accept;
mod blocking;
mod calls;
mod clock;
mod config;
mod error;
mod files;
mod http;
mod meeting;
mod metrics;
mod recording;
mod server;
mod service;
mod telephone;
mod tls;
mod turn;

pub use calls::CallRecords;
pub use config::{Config, RecorderProgram};
pub use error::StartError;
pub use server::Server;
