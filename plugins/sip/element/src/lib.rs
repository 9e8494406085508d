#![doc = include_str!("../README.md")]

mod hub;
mod plugin;
mod sipbridge;

use gst::glib;

/// Registers the element inside this process, for programs that link this crate instead of loading the plugin file. To be called after
/// `gst::init`; calling it again does no harm.
pub fn plugin_register_static() -> Result<(), glib::BoolError> {
    plugin::plugin_desc::plugin_register_static()
}
