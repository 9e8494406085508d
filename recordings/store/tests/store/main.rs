//! The stories of recordings in their regions. One binary, so that it is linked once.

mod contract;
mod crash;
mod delete;
mod meeting;
mod named;
mod reader;
mod real_line;
mod regions;
mod repair;
