#![doc = include_str!("../README.md")]

mod feeds;
mod link;
mod meetingsink;
mod meetingsrc;
mod plugin;
mod session;
mod talking;

use gst::glib;

/// Registers the elements inside this process, for programs that link this crate instead of loading the plugin file.
/// To be called after `gst::init`; calling it again does no harm.
pub fn plugin_register_static() -> Result<(), glib::BoolError> {
    plugin::plugin_desc::plugin_register_static()
}
