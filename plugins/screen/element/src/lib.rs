#![doc = include_str!("../README.md")]

mod events;
mod meeting;
mod plugin;
mod screendec;
mod screenenc;
mod screenrelay;
mod screensink;
mod screensrc;
mod stream;

use gst::glib;

/// Registers the elements and the typefinder inside this process, for programs that link this crate instead of loading the plugin file.
/// To be called after `gst::init`; calling it again does no harm.
pub fn plugin_register_static() -> Result<(), glib::BoolError> {
    plugin::plugin_desc::plugin_register_static()
}
