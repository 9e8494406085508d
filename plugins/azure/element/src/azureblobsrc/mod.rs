//! The element `azureblobsrc`: reads a blob, from whichever region has it.
//!
//! SECTION:element-azureblobsrc
//!
//! Seekable, in push and in pull mode; reads by ranges. When a region fails in the middle of a read, the other one goes on.
//!
//! ```text
//! export AZURE_KEY=...
//! gst-launch-1.0 azureblobsrc location=talk.webm primary=azure,account=NAME,container=talks,key_env=AZURE_KEY ! matroskademux ! vp8dec ! autovideosink
//! ```
//!
//! A blob that grows is read as far as it is when its end is reached.

use gst::glib;
use gst::prelude::*;

mod imp;

glib::wrapper! {
    /// Reads a blob, from whichever region has it.
    pub struct AzureBlobSrc(ObjectSubclass<imp::AzureBlobSrc>) @extends gst_base::BaseSrc, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "azureblobsrc", gst::Rank::NONE, AzureBlobSrc::static_type())
}
