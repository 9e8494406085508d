//! Pipelines with blobs in them, folders and a real Azurite as regions.

use std::path::PathBuf;
use std::sync::{LazyLock, Once};

use convene_test_support::{AZURITE_KEY, Azurite, Proxy};
use gst::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A pipeline that takes longer hangs.
const PIPELINE_SECONDS_MAX: u64 = 60;

/// For what the tests themselves have on the network.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Loads GStreamer with our elements in it. A critical warning of GStreamer's fails the test.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer is installed");
        gst::glib::log_set_always_fatal(
            gst::glib::LogLevels::LEVEL_CRITICAL | gst::glib::LogLevels::LEVEL_ERROR,
        );
        gstconveneazure::plugin_register_static().expect("the elements register");
        gstconvenerecording::plugin_register_static().expect("the recorder registers");
    });
}

/// A spool, and two folders as regions.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        init();
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The properties for both folders.
    pub fn stores(&self) -> String {
        format!("primary={} secondary={}", self.region("a"), self.region("b"))
    }

    /// One of them as a property's value.
    pub fn region(&self, name: &str) -> String {
        format!("folder,region={name},path={}", self.path(name).display())
    }

    /// An `azureblobsink` that writes to both folders.
    pub fn sink(&self, location: &str) -> String {
        format!("azureblobsink name=sink location={location} spool={} {}", self.spool(), self.stores())
    }

    pub fn spool(&self) -> String {
        self.path("spool").display().to_string()
    }

    /// So many recordings wait in the spool.
    pub fn waiting(&self) -> usize {
        std::fs::read_dir(self.path("spool")).map_or(0, Iterator::count)
    }

    /// What the folder has under this name.
    pub fn read(&self, region: &str, location: &str) -> Vec<u8> {
        std::fs::read(self.path(region).join(location)).expect("the region has it")
    }
}

/// A spool, an Azurite, and a line to it that can fail: region a is reached directly, region b by the line.
pub struct Cloud {
    pub place: Place,
    pub proxy: Proxy,
    azurite: Azurite,
}

impl Cloud {
    pub fn new() -> Self {
        let place = Place::new();
        std::fs::write(place.path("key"), AZURITE_KEY).expect("it can be written");
        let (azurite, proxy) = RUNTIME.block_on(async {
            let azurite = Azurite::start().await;
            let proxy = Proxy::start(azurite.port).await;
            (azurite, proxy)
        });
        Self { place, proxy, azurite }
    }

    /// A region as a property's value.
    pub fn region(&self, name: &str) -> String {
        let port = if name == "b" { self.proxy.port } else { self.azurite.port };
        let key = self.place.path("key");
        format!(
            "azure,region={name},account=devstoreaccount1,container=region-{name},endpoint=http://127.0.0.1:{port}/devstoreaccount1,key_file={}",
            key.display()
        )
    }

    pub fn sink(&self, location: &str) -> String {
        let spool = self.place.spool();
        let (a, b) = (self.region("a"), self.region("b"));
        format!("azureblobsink name=sink location={location} spool={spool} primary={a} secondary={b}")
    }

    /// What this region alone has under this name.
    pub fn read(&self, region: &str, location: &str) -> Vec<u8> {
        read(&format!("azureblobsrc location={location} primary={}", self.region(region)))
    }
}

/// All that this source has.
pub fn read(source: &str) -> Vec<u8> {
    let pipeline = parse(&format!("{source} ! appsink name=out sync=false"));
    let out = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("an appsink");
    pipeline.set_state(gst::State::Playing).expect("it starts");
    let mut all = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        all.extend_from_slice(&sample.buffer().expect("a buffer").map_readable().expect("readable"));
    }
    let ended = wait(&pipeline);
    assert_eq!(ended.errors, Vec::<String>::new(), "{source}");
    all
}

/// A pipeline from a gst-launch line.
pub fn parse(line: &str) -> gst::Pipeline {
    init();
    let element = gst::parse::launch(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    element.downcast().expect("more than one element makes a pipeline")
}

/// What a pipeline has said on its bus.
#[derive(Debug, Default)]
pub struct Ended {
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
    pub news: Vec<gst::Structure>,
}

impl Ended {
    /// The news of this name.
    pub fn news_of(&self, name: &str) -> Vec<&gst::Structure> {
        self.news.iter().filter(|news| news.name() == name).collect()
    }
}

/// Plays until everything has ended, or something failed.
pub fn play(line: &str) -> Ended {
    let pipeline = parse(line);
    // Whether it starts is told on the bus.
    let _ = pipeline.set_state(gst::State::Playing);
    wait(&pipeline)
}

/// Waits for the end or the first error, and stops.
pub fn wait(pipeline: &gst::Pipeline) -> Ended {
    let mut ended = Ended::default();
    wait_for(pipeline, &mut ended, |message| {
        matches!(message.view(), gst::MessageView::Eos(_) | gst::MessageView::Error(_))
    });
    pipeline.set_state(gst::State::Null).expect("a pipeline stops");
    ended
}

/// Waits for a message like that; what comes until then is noted.
pub fn wait_for(pipeline: &gst::Pipeline, ended: &mut Ended, wanted: impl Fn(&gst::Message) -> bool) {
    let bus = pipeline.bus().expect("a pipeline has a bus");
    let patience = gst::ClockTime::from_seconds(PIPELINE_SECONDS_MAX);
    loop {
        let message =
            bus.timed_pop(patience).unwrap_or_else(|| panic!("nothing happens any more: {ended:?}"));
        match message.view() {
            gst::MessageView::Error(error) => ended.errors.push(error.error().to_string()),
            gst::MessageView::Warning(warning) => ended.warnings.push(warning.error().to_string()),
            gst::MessageView::Element(element) => {
                ended.news.extend(element.structure().map(|news| news.to_owned()));
            }
            _ => {}
        }
        if wanted(&message) {
            return;
        }
    }
}

/// For each region: name, state, bytes.
pub fn regions(news: &gst::StructureRef) -> Vec<(String, String, u64)> {
    let regions = news.get::<gst::Array>("regions").expect("there are regions");
    let region = |region: &gst::glib::SendValue| {
        let region = region.get::<gst::Structure>().expect("a structure");
        let text = |name| region.get::<String>(name).expect("a text");
        (text("name"), text("state"), region.get::<u64>("bytes").expect("a number"))
    };
    regions.iter().map(region).collect()
}

/// Bytes that are not the same anywhere near.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}
