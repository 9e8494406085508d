#![doc = include_str!("../README.md")]

mod http;
mod hub;
mod plugin;
mod vp8relay;

use gst::glib;

/// Hands a TCP connection to the relay of this process that has this UDP `port` and `tcp-shared` set: one that a peer has opened for ICE-TCP
/// (RFC 6544) at a port where others listen as well, such as the one for HTTPS. Nothing of it may have been read. Where no relay has the port
/// open, nobody is expected, and the connection is closed.
///
/// # Errors
/// When the connection is over already.
pub fn take_connection(port: u16, connection: std::net::TcpStream) -> std::io::Result<()> {
    hub::take_connection(port, connection)
}

/// Registers the element inside this process, for programs that link this crate instead of loading the plugin file. To be called after
/// `gst::init`; calling it again does no harm.
pub fn plugin_register_static() -> Result<(), glib::BoolError> {
    plugin::plugin_desc::plugin_register_static()
}
