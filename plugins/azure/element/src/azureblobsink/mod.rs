//! The element `azureblobsink`: writes bytes to a blob in one or two regions.
//!
//! SECTION:element-azureblobsink
//!
//! Cuts what comes into blocks, syncs each to the spool on local disk, and puts them into the regions, each region at its own pace. The blob can be
//! read while it is made. A region that is away, slow or wrong delays nothing: what it misses stays in the spool, and this run or a later one brings it.
//!
//! ```text
//! export AZURE_KEY=...
//! gst-launch-1.0 -e videotestsrc ! vp8enc ! webmmux streamable=true ! azureblobsink location=talk.webm spool=/var/spool/talks primary=azure,region=west-europe,account=NAME,container=talks,key_env=AZURE_KEY
//! ```
//!
//! What was there under this name is replaced. It cannot seek, and says so to muxers that ask; only the first block, of 64 KiB at most, may be written over until the end.

use gst::glib;
use gst::prelude::*;

mod imp;
mod settings;

glib::wrapper! {
    /// Writes bytes to a blob in one or two regions.
    pub struct AzureBlobSink(ObjectSubclass<imp::AzureBlobSink>) @extends gst_base::BaseSink, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "azureblobsink", gst::Rank::NONE, AzureBlobSink::static_type())
}
