//! What these tests share: the relay, its signals as they come, and waiting that ends.

use std::sync::{Arc, Once};
use std::time::Duration;

use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

/// Far more than anything here takes; a test that reaches it has failed.
pub const LIMIT: Duration = Duration::from_secs(20);

/// GStreamer with our element.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer is installed");
        gstconvenerelay::plugin_register_static().expect("the element can be registered");
    });
}

/// Something that threads tell, and a test waits for.
pub struct Told<T>(Arc<(Mutex<Vec<T>>, Condvar)>);

impl<T> Clone for Told<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone + std::fmt::Debug> Told<T> {
    pub fn new() -> Self {
        Self(Arc::new((Mutex::new(Vec::new()), Condvar::new())))
    }

    pub fn tell(&self, news: T) {
        self.0.0.lock().push(news);
        self.0.1.notify_all();
    }

    /// All so far.
    pub fn all(&self) -> Vec<T> {
        self.0.0.lock().clone()
    }

    /// The first that is as wished, which may have come already.
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&T) -> bool) -> T {
        self.wait_until(what, |all| all.iter().find(|one| is_it(one)).cloned())
    }

    /// Something that can be made of all that was told.
    pub fn wait_until<R>(&self, what: &str, make: impl Fn(&[T]) -> Option<R>) -> R {
        let mut all = self.0.0.lock();
        loop {
            if let Some(made) = make(&all) {
                return made;
            }
            if self.0.1.wait_for(&mut all, LIMIT).timed_out() {
                let last: Vec<_> = all.iter().rev().take(10).collect();
                panic!("{what} has not come; the last were {last:?} of {}", all.len());
            }
        }
    }
}

/// A relay in a pipeline of its own, on a free port. It announces the machine's own addresses: libnice binds its sockets to interfaces, and from
/// there the loopback is out of reach.
pub struct Relay {
    pub pipeline: gst::Pipeline,
    pub element: gst::Element,
    /// Every signal, as text.
    pub signals: Told<String>,
}

impl Relay {
    pub fn start() -> Self {
        Self::with("workers=2")
    }

    pub fn with(properties: &str) -> Self {
        init();
        let line = format!("vp8relay name=relay port=0 {properties}");
        let element = gst::parse::launch(&line).expect("the line is sound");
        let pipeline = gst::Pipeline::new();
        pipeline.add(&element).expect("an element can be added");
        let signals = Told::new();
        for name in ["slots-changed", "peer-state", "feeds-changed", "speakers-changed"] {
            let told = signals.clone();
            element.connect(name, false, move |values| {
                let words: Vec<String> = values[1..].iter().map(words).collect();
                told.tell(format!("{name} {}", words.join(" ")));
                None
            });
        }
        pipeline.set_state(gst::State::Playing).expect("the relay starts");
        Self { pipeline, element, signals }
    }

    pub fn offer(&self, peer: &str, sdp: &str) -> Result<String, String> {
        let answer = self.element.emit_by_name::<gst::Structure>("offer", &[&peer, &sdp]);
        match answer.name().as_str() {
            "answer" => Ok(answer.get("sdp").expect("an answer has a description")),
            _ => Err(answer.get("message").expect("a refusal has a sentence")),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Text as it is, and lists of text between commas.
fn words(value: &gst::glib::Value) -> String {
    if let Ok(text) = value.get::<String>() {
        return text;
    }
    let structure = value.get::<gst::Structure>().expect("a signal carries text or a structure");
    let lists = structure.iter().map(|(name, value)| {
        let list = value.get::<gst::Array>().expect("a structure of lists");
        let words: Vec<String> = list.iter().map(|word| word.get().expect("a list of text")).collect();
        format!("{name}={}", words.join(","))
    });
    lists.collect::<Vec<_>>().join(" ")
}
