//! What these tests share: a pipeline with a bridge and a mixer, and what the bridge tells.

use std::path::Path;
use std::sync::{Arc, Mutex, Once};

use gst::prelude::*;
use tempfile::TempDir;

/// A conference for callers.
pub struct Conference {
    pipeline: gst::Pipeline,
    pub bridge: gst::Element,
    pub mixer: gst::Element,
    told: Arc<Mutex<Vec<String>>>,
    /// Its own, which it trusts, too.
    pub certificate: Certificate,
    _folder: TempDir,
}

pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer is installed");
        gstconvenesip::plugin_register_static().expect("the element can be registered");
        gstconveneconference::plugin_register_static().expect("the element can be registered");
    });
}

/// A certificate for this machine, its key, and one file with both.
pub struct Certificate {
    pub file: String,
    pub key: String,
    pub both: String,
}

impl Certificate {
    pub fn new(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("one can be made");
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let both = format!("{pem}{key}");
        let [file, key, both] =
            [("cert.pem", pem), ("key.pem", key), ("both.pem", both)].map(|(name, text)| {
                let path = folder.join(name);
                std::fs::write(&path, text).expect("a file in an empty folder can be written");
                path.display().to_string()
            });
        Self { file, key, both }
    }
}

impl Conference {
    /// With so many seats, and a code or none.
    pub fn new(seats: u32, room: &str) -> Self {
        Self::with(seats, room, &[])
    }

    /// And with other properties.
    pub fn with(seats: u32, room: &str, properties: &[(&str, &str)]) -> Self {
        init();
        let folder = TempDir::new().expect("a temporary folder can be made");
        let certificate = Certificate::new(folder.path());
        let bridge = gst::ElementFactory::make("sipbridge")
            .property("room", room)
            .property("bind-address", "127.0.0.1")
            .property("tls-port", 0)
            .property("tcp-port", 0)
            .property("udp-port", 0)
            .property("certificate", &certificate.file)
            .property("private-key", &certificate.key)
            .property("ca-file", &certificate.file)
            .property("pin", "4711")
            .build()
            .expect("the element is registered");
        properties.iter().for_each(|(name, value)| bridge.set_property_from_str(name, value));
        let mixer = gst::ElementFactory::make("conferencemixer").property("stay-open", true).build();
        let mixer = mixer.expect("the element is registered");
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([&bridge, &mixer]).expect("an empty pipeline takes elements");
        for seat in 0..seats {
            let (src, sink) = (format!("call_src_{seat}"), format!("call_sink_{seat}"));
            bridge.link_pads(Some(&src), &mixer, Some(&format!("sink_{seat}"))).expect("they fit");
            mixer.link_pads(Some(&format!("src_{seat}")), &bridge, Some(&sink)).expect("they fit");
        }
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let note =
            |told: &Arc<Mutex<Vec<String>>>, what: String| told.lock().expect("nobody panics").push(what);
        let theirs = Arc::clone(&told);
        bridge.connect("command", false, move |values| {
            let (seat, what): (u32, String) = (values[1].get().ok()?, values[2].get().ok()?);
            note(&theirs, format!("{seat} {what}"));
            None
        });
        let theirs = Arc::clone(&told);
        bridge.connect("call-left", false, move |values| {
            let (seat, why): (u32, String) = (values[1].get().ok()?, values[2].get().ok()?);
            note(&theirs, format!("{seat} left {why}"));
            None
        });
        for signal in ["call-progress", "call-failed"] {
            let theirs = Arc::clone(&told);
            bridge.connect(signal, false, move |values| {
                note(&theirs, values[2].get().ok()?);
                None
            });
        }
        let theirs = Arc::clone(&told);
        bridge.connect("trunk-changed", false, move |values| {
            note(&theirs, format!("trunk {}", values[1].get::<String>().ok()?));
            None
        });
        pipeline.set_state(gst::State::Playing).expect("it starts");
        Self { pipeline, bridge, mixer, told, certificate, _folder: folder }
    }

    /// Where it is called: `udp`, `tcp` or `tls`.
    pub fn uri(&self, transport: &str) -> String {
        let port: i32 = self.bridge.property(&format!("actual-{transport}-port"));
        format!("sip:meeting@127.0.0.1:{port};transport={transport}")
    }

    /// Calls somebody.
    pub fn call(&self, to: &str) -> u64 {
        let call: u64 = self.bridge.emit_by_name("call", &[&to]);
        assert_ne!(call, 0);
        call
    }

    /// What it has told.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().expect("nobody panics").clone()
    }

    /// The codecs of those who are there.
    pub fn codecs(&self) -> Vec<String> {
        let stats: gst::Structure = self.bridge.emit_by_name("stats", &[]);
        let calls: gst::Array = stats.get("calls").expect("it has calls");
        let codec =
            |call: &gst::glib::SendValue| call.get::<gst::Structure>().ok()?.get::<String>("codec").ok();
        calls.iter().filter_map(codec).collect()
    }

    /// Packets that were sent to who sits there.
    pub fn sent(&self, seat: u32) -> u64 {
        let stats: gst::Structure = self.bridge.emit_by_name("stats", &[]);
        let calls: gst::Array = stats.get("calls").expect("it has calls");
        let calls = calls.iter().filter_map(|call| call.get::<gst::Structure>().ok());
        let mut there = calls.filter(|call| call.get::<u32>("seat") == Ok(seat));
        there.next().map_or(0, |call| call.get("sent").expect("it is counted"))
    }

    /// No error was posted.
    pub fn assert_well(&self) {
        let bus = self.pipeline.bus().expect("a pipeline has a bus");
        let error = bus.pop_filtered(&[gst::MessageType::Error, gst::MessageType::Warning]);
        assert!(error.is_none(), "{error:?}");
    }
}

impl Drop for Conference {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
