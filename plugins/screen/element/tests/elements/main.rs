//! The elements, each alone and in small pipelines, as an application sees them.

mod decode;
mod encode;
mod independent;
mod launch;
mod meeting;
mod relay;
mod server;
mod support;
mod viewer;
