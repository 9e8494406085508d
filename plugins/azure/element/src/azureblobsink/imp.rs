//! The hands of `azureblobsink`.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use convene_recordings::BLOCK_BYTES_MAX;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use parking_lot::Mutex;

use super::settings::{self, Settings};
use crate::gate::Gate;
use crate::messages;
use crate::pieces::{Kind, Mark, Pieces};
use crate::place::Place;
use crate::writing::{Piece, Report, Stopped, Writing};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("azureblobsink", gst::DebugColorFlags::empty(), Some("Blob writer"))
});

/// What a buffer has for an offset when it has none.
const OFFSET_NONE: u64 = u64::MAX;

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::AzureBlobSink)]
pub struct AzureBlobSink {
    #[property(
        name = "location", nick = "Location", get, set, type = Option<String>, member = location,
        blurb = "The blob's name; not set, only what is in the spool is finished"
    )]
    #[property(
        name = "primary", nick = "Primary", get = Self::primary, set = Self::set_primary, type = Option<String>,
        blurb = "The nearest store: azure,region=NAME,account=NAME,container=NAME,key_env=VARIABLE (or key_file=PATH; endpoint=URL), or folder,region=NAME,path=PATH"
    )]
    #[property(
        name = "secondary", nick = "Secondary", get = Self::secondary, set = Self::set_secondary, type = Option<String>,
        blurb = "The store of the second region, written likewise; not set, there is one copy"
    )]
    #[property(
        name = "spool", nick = "Spool", get, set, type = Option<PathBuf>, member = spool,
        blurb = "The folder on local disk for what the regions do not have yet"
    )]
    #[property(
        name = "spool-bytes-max", nick = "Spool limit", get, set, type = u64, member = spool_bytes_max,
        default = convene_recordings_store::SPOOL_BYTES_MAX,
        blurb = "Bytes that this blob may have in the spool"
    )]
    #[property(
        name = "spool-timeout", nick = "Spool timeout", get, set, type = u32, member = spool_timeout,
        default = settings::SPOOL_TIMEOUT,
        blurb = "Seconds that a full spool or disk may stay full, with no region taking anything, before it is an error"
    )]
    #[property(
        name = "block-size", nick = "Block size", get, set, type = u32, member = block_size,
        minimum = 1024, maximum = BLOCK_BYTES_MAX as u32, default = settings::BLOCK_SIZE,
        blurb = "Bytes of a full block; the first has 65536 at most, and after each 8192 blocks they become twice as large"
    )]
    #[property(
        name = "block-time", nick = "Block time", get, set, type = u32, member = block_time,
        minimum = 100, maximum = 3_600_000, default = settings::BLOCK_TIME,
        blurb = "Milliseconds after which a block is put though it is not full; after each 8192 blocks twice as many"
    )]
    #[property(
        name = "eos-timeout", nick = "EOS timeout", get, set, type = u32, member = eos_timeout,
        default = settings::EOS_TIMEOUT,
        blurb = "Seconds that the end of the stream waits for the regions"
    )]
    #[property(
        name = "region-timeout", nick = "Region timeout", get, set, type = u32, member = region_timeout,
        minimum = 1, default = settings::REGION_TIMEOUT,
        blurb = "Seconds for a region's answer, and one more for each 32768 bytes that it moves"
    )]
    settings: std::sync::Mutex<Settings>,
    gate: Arc<Gate>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    writing: Option<Arc<Writing>>,
    has_location: bool,
    pieces: Pieces,
}

impl AzureBlobSink {
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

    fn stats(&self) -> gst::Structure {
        let writing = self.state.lock().writing.clone();
        messages::describe_stats(&writing.map(|writing| writing.stats()).unwrap_or_default())
    }

    fn writing(&self) -> Option<Arc<Writing>> {
        self.state.lock().writing.clone()
    }

    fn flow_error(&self, stopped: Stopped) -> gst::FlowError {
        gst::debug!(CAT, imp = self, "The stream stops: {stopped:?}");
        match stopped {
            Stopped::Unlocked => gst::FlowError::Flushing,
            Stopped::Ended => gst::FlowError::Eos,
            // Its sentence is on the bus already.
            Stopped::Failed => gst::FlowError::Error,
        }
    }

    /// What this buffer is. Says so when nothing can be written.
    fn kind(&self, mark: Mark, bytes: u64) -> Result<Kind, gst::FlowError> {
        let mut state = self.state.lock();
        if state.has_location {
            return Ok(state.pieces.take(mark, bytes));
        }
        drop(state);
        gst::element_imp_error!(
            self,
            gst::ResourceError::Settings,
            ("Set location to the blob's name: there is something to write.")
        );
        Err(gst::FlowError::Error)
    }

    /// Ends the file. Being paused meanwhile interrupts the waiting, until it plays again.
    fn finish(&self) -> Result<(), Stopped> {
        let writing = self.writing().ok_or(Stopped::Unlocked)?;
        loop {
            match writing.finish() {
                // The base class holds the preroll lock around events as around buffers, and a pause waits for it.
                Err(Stopped::Unlocked) => self.obj().wait_preroll().map_err(|_| Stopped::Unlocked)?,
                done => return done,
            };
        }
    }

    fn report(&self) -> impl Fn(Report) + Send + Sync + 'static {
        let sink = self.obj().downgrade();
        move |report| {
            if let Some(sink) = sink.upgrade() {
                gst::debug!(CAT, obj = sink, "{report:?}");
                messages::post(sink.upcast_ref(), &report);
            }
        }
    }
}

fn shown(place: &Place) -> String {
    place.shown().to_owned()
}

#[glib::object_subclass]
impl ObjectSubclass for AzureBlobSink {
    const NAME: &'static str = "ConveneAzureBlobSink";
    type Type = super::AzureBlobSink;
    type ParentType = gst_base::BaseSink;
}

impl ObjectImpl for AzureBlobSink {
    /// The derived ones and `stats`, as a structure is no type that can be derived.
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let stats = glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb("Blocks, bytes, and for each region its name, state and bytes, and the reason when it is behind")
                .read_only()
                .build();
            AzureBlobSink::derived_properties().iter().cloned().chain([stats]).collect()
        });
        &PROPERTIES
    }

    fn set_property(&self, id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.derived_set_property(id, value, pspec);
    }

    fn property(&self, id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => self.stats().to_value(),
            _ => self.derived_property(id, pspec),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        // Bytes are stored as they come.
        self.obj().set_sync(false);
    }
}

impl GstObjectImpl for AzureBlobSink {}

impl ElementImpl for AzureBlobSink {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Azure blob writer",
                "Sink/Network",
                "Writes bytes to a blob in one or two regions, block by block, through a spool on local disk",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let (sink, any) = (gst::PadDirection::Sink, gst::Caps::new_any());
            vec![
                gst::PadTemplate::new("sink", sink, gst::PadPresence::Always, &any).expect("a good template"),
            ]
        });
        &TEMPLATES
    }
}

impl BaseSinkImpl for AzureBlobSink {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings.lock().expect("no holder of the settings panics").clone();
        let plan =
            settings.plan().map_err(|error| gst::error_msg!(gst::ResourceError::Settings, ("{error}")))?;
        let has_location = plan.blob.is_some();
        self.gate.unlock_stop();
        let writing = Writing::start(plan, &self.gate, self.report())
            .map_err(|_| gst::error_msg!(gst::ResourceError::Busy, ("The start was given up.")))?
            .map_err(|error| gst::error_msg!(gst::ResourceError::OpenWrite, ("{error}")))?;
        let pieces = Pieces::default();
        *self.state.lock() = State { writing: Some(Arc::new(writing)), has_location, pieces };
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        // What is left goes to the disk meanwhile; not while the lock is held.
        let former = std::mem::take(&mut *self.state.lock());
        drop(former);
        Ok(())
    }

    fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let writing = self.writing().ok_or(gst::FlowError::Flushing)?;
        let bytes = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
        if bytes.is_empty() {
            return Ok(gst::FlowSuccess::Ok);
        }
        let mark = Mark {
            header: buffer.flags().contains(gst::BufferFlags::HEADER),
            offset: Some(buffer.offset()).filter(|&offset| offset != OFFSET_NONE),
            offset_end: Some(buffer.offset_end()).filter(|&offset| offset != OFFSET_NONE),
        };
        let kind = self.kind(mark, bytes.len() as u64)?;
        gst::trace!(CAT, imp = self, "{kind:?}: {} bytes", bytes.len());
        let bytes = Bytes::copy_from_slice(&bytes);
        let piece = match kind {
            Kind::Bytes => Piece::Bytes(bytes),
            Kind::Block => Piece::Block(bytes),
            Kind::FirstAgain => Piece::FirstAgain(bytes),
            Kind::Over { at } => Piece::Over { at, bytes },
        };
        loop {
            match writing.push(piece.clone()) {
                Ok(()) => return Ok(gst::FlowSuccess::Ok),
                // Paused: the piece goes on when it plays again. Flushed: this says so.
                Err(Stopped::Unlocked) => self.obj().wait_preroll()?,
                Err(stopped) => return Err(self.flow_error(stopped)),
            };
        }
    }

    fn event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Segment(segment) => {
                if let Some(segment) = segment.segment().downcast_ref::<gst::format::Bytes>() {
                    self.state.lock().pieces.go_to(segment.start().map_or(0, u64::from));
                }
            }
            gst::EventView::Eos(_) => {
                // Without the end in the spool there is no end to tell.
                if let Err(stopped) = self.finish() {
                    gst::debug!(CAT, imp = self, "The end is not told: {stopped:?}");
                    return false;
                }
            }
            _ => {}
        }
        self.parent_event(event)
    }

    fn query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Seeking(seeking) = query.view_mut()
            && seeking.format() == gst::Format::Bytes
        {
            seeking.set(false, gst::format::Bytes::ZERO, gst::format::Bytes::NONE);
            return true;
        }
        BaseSinkImplExt::parent_query(self, query)
    }

    fn unlock(&self) -> Result<(), gst::ErrorMessage> {
        self.gate.unlock();
        if let Some(writing) = self.writing() {
            writing.unlock();
        }
        Ok(())
    }

    fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
        self.gate.unlock_stop();
        if let Some(writing) = self.writing() {
            writing.unlock_stop();
        }
        Ok(())
    }
}
