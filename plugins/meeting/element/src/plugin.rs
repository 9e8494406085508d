//! What GStreamer sees of this plugin when it loads it.

use gst::glib;

use crate::{meetingsink, meetingsrc};

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    meetingsink::register(plugin)?;
    meetingsrc::register(plugin)
}

gst::plugin_define!(
    convenemeeting,
    env!("CARGO_PKG_DESCRIPTION"),
    plugin_init,
    env!("CARGO_PKG_VERSION"),
    // GStreamer refuses a plugin whose licence is not on its list, and "MIT OR Apache-2.0" is not.
    "MIT/X11",
    env!("CARGO_PKG_NAME"),
    "convene",
    env!("CARGO_PKG_REPOSITORY")
);
