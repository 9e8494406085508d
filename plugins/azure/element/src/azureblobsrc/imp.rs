//! The hands of `azureblobsrc`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use convene_recordings::BlobName;
use convene_recordings_store::{Patience, ReadError};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_src::CreateSuccess;
use gst_base::subclass::prelude::*;
use parking_lot::Mutex;

use crate::gate::Gate;
use crate::place::{Place, open_both};
use crate::reading::{Failure, Reading, Source};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("azureblobsrc", gst::DebugColorFlags::empty(), Some("Blob reader"))
});

/// Bytes of a buffer in push mode, unless set otherwise.
const BUFFER_BYTES: u32 = 64 * 1024;

/// Seconds for a region's answer: somebody waits, and there is another region.
const REGION_TIMEOUT: u32 = 5;

#[derive(Debug, Clone)]
struct Settings {
    location: Option<String>,
    primary: Option<Place>,
    secondary: Option<Place>,
    region_timeout: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { location: None, primary: None, secondary: None, region_timeout: REGION_TIMEOUT }
    }
}

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::AzureBlobSrc)]
pub struct AzureBlobSrc {
    #[property(
        name = "location", nick = "Location", get, set, type = Option<String>, member = location,
        blurb = "The blob's name"
    )]
    #[property(
        name = "primary", nick = "Primary", get = Self::primary, set = Self::set_primary, type = Option<String>,
        blurb = "The nearest store: azure,region=NAME,account=NAME,container=NAME,key_env=VARIABLE (or key_file=PATH; endpoint=URL), or folder,region=NAME,path=PATH"
    )]
    #[property(
        name = "secondary", nick = "Secondary", get = Self::secondary, set = Self::set_secondary, type = Option<String>,
        blurb = "The store of the second region, written likewise, which is read when the first one fails or has less"
    )]
    #[property(
        name = "region-timeout", nick = "Region timeout", get, set, type = u32, member = region_timeout,
        minimum = 1, default = REGION_TIMEOUT,
        blurb = "Seconds for a region's answer, and one more for each MiB that it moves, before the other one is asked"
    )]
    settings: std::sync::Mutex<Settings>,
    gate: Arc<Gate>,
    reading: Mutex<Option<Arc<Reading>>>,
}

impl AzureBlobSrc {
    fn primary(&self) -> Option<String> {
        self.settings.lock().expect("no holder of the settings panics").primary.as_ref().map(shown)
    }

    fn set_primary(&self, text: Option<String>) {
        let place = text.map(|text| Place::parse(&text, "primary"));
        self.settings.lock().expect("no holder of the settings panics").primary = place;
    }

    fn secondary(&self) -> Option<String> {
        self.settings.lock().expect("no holder of the settings panics").secondary.as_ref().map(shown)
    }

    fn set_secondary(&self, text: Option<String>) {
        let place = text.map(|text| Place::parse(&text, "secondary"));
        self.settings.lock().expect("no holder of the settings panics").secondary = place;
    }

    /// What the properties say; the regions are asked nothing.
    fn source(&self) -> Result<Source, String> {
        let settings = self.settings.lock().expect("no holder of the settings panics").clone();
        let location = settings.location.ok_or("Set location to the blob's name.")?;
        let blob = BlobName::new(&location)
            .map_err(|error| format!("{location:?} cannot be a blob's name: {error}."))?;
        let stores = open_both(settings.primary.as_ref(), settings.secondary.as_ref())
            .map_err(|error| error.to_string())?;
        let call = Duration::from_secs(settings.region_timeout.into());
        Ok(Source { blob, stores, patience: Patience { call, ..Patience::READING } })
    }
}

fn shown(place: &Place) -> String {
    place.shown().to_owned()
}

fn error_code(error: &Failure) -> gst::ResourceError {
    match error {
        Failure::Read(ReadError::NotFound { .. }) => gst::ResourceError::NotFound,
        _ => gst::ResourceError::Read,
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AzureBlobSrc {
    const NAME: &'static str = "ConveneAzureBlobSrc";
    type Type = super::AzureBlobSrc;
    type ParentType = gst_base::BaseSrc;
}

#[glib::derived_properties]
impl ObjectImpl for AzureBlobSrc {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.set_format(gst::Format::Bytes);
        obj.set_blocksize(BUFFER_BYTES);
    }
}

impl GstObjectImpl for AzureBlobSrc {}

impl ElementImpl for AzureBlobSrc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Azure blob reader",
                "Source/Network",
                "Reads a blob by ranges, from whichever of one or two regions has it",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let (src, any) = (gst::PadDirection::Src, gst::Caps::new_any());
            vec![gst::PadTemplate::new("src", src, gst::PadPresence::Always, &any).expect("a good template")]
        });
        &TEMPLATES
    }
}

impl BaseSrcImpl for AzureBlobSrc {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let source =
            self.source().map_err(|error| gst::error_msg!(gst::ResourceError::Settings, ("{error}")))?;
        let blob = source.blob.clone();
        self.gate.unlock_stop();
        let reading = Reading::open(source, &self.gate)
            .map_err(|error| gst::error_msg!(error_code(&error), ("{blob} cannot be read: {error}.")))?;
        gst::debug!(CAT, imp = self, "{blob} has {} bytes", reading.size());
        *self.reading.lock() = Some(Arc::new(reading));
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.reading.lock() = None;
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn size(&self) -> Option<u64> {
        let reading = self.reading.lock().clone();
        reading.map(|reading| reading.size())
    }

    fn create(
        &self,
        offset: u64,
        buffer: Option<&mut gst::BufferRef>,
        length: u32,
    ) -> Result<CreateSuccess, gst::FlowError> {
        let reading = self.reading.lock().clone().ok_or(gst::FlowError::Flushing)?;
        let bytes = reading.read(offset, length.into()).map_err(|error| match error {
            Failure::Unlocked => gst::FlowError::Flushing,
            error => {
                gst::element_imp_error!(self, error_code(&error), ("The blob cannot be read on: {error}."));
                gst::FlowError::Error
            }
        })?;
        gst::trace!(CAT, imp = self, "{} bytes from {offset}", bytes.len());
        if bytes.is_empty() {
            return Err(gst::FlowError::Eos);
        }
        let end = offset + bytes.len() as u64;
        if let Some(buffer) = buffer {
            buffer.copy_from_slice(0, &bytes).map_err(|_| gst::FlowError::Error)?;
            buffer.set_size(bytes.len());
            buffer.set_offset(offset);
            buffer.set_offset_end(end);
            return Ok(CreateSuccess::FilledBuffer);
        }
        let mut buffer = gst::Buffer::from_slice(bytes);
        let stamped = buffer.get_mut().expect("a new buffer is writable");
        stamped.set_offset(offset);
        stamped.set_offset_end(end);
        Ok(CreateSuccess::NewBuffer(buffer))
    }

    fn unlock(&self) -> Result<(), gst::ErrorMessage> {
        self.gate.unlock();
        Ok(())
    }

    fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
        self.gate.unlock_stop();
        Ok(())
    }
}
