#![doc = include_str!("../README.md")]

mod azureblobsink;
mod azureblobsrc;
mod cutter;
mod gate;
mod messages;
mod pieces;
mod place;
mod plugin;
mod reading;
mod writing;

use std::sync::LazyLock;

use gst::glib;
use tokio::runtime::{Builder, Runtime};

/// Registers the elements inside this process, for programs that link this crate instead of loading the plugin file.
/// To be called after `gst::init`; calling it again does no harm.
pub fn plugin_register_static() -> Result<(), glib::BoolError> {
    plugin::plugin_desc::plugin_register_static()
}

/// One thread carries the network of all elements of this process, which waits nearly always; what waits for the disk gets threads
/// of its own for as long as it does.
fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("convene-azure")
            .enable_all()
            .build()
            .expect("a process that can run a pipeline can start one more thread")
    });
    &RUNTIME
}
