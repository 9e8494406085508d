//! The private element that puts coded pictures and sound into blocks, and pushes the blocks.

use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

mod imp;
mod outbox;
mod state;
mod tracks;
mod voices;

glib::wrapper! {
    pub(crate) struct Writer(ObjectSubclass<imp::Writer>) @extends gst::Element, gst::Object;
}

impl Writer {
    /// `cluster` is how long one should last.
    pub fn new(cluster: Duration) -> Self {
        let writer: Self = glib::Object::builder().property("name", "writer").build();
        writer.imp().plan(|plan| plan.cluster = cluster);
        writer
    }

    /// From now on nobody waits for a track that stays away for long.
    pub fn set_live(&self) {
        self.imp().plan(|plan| plan.live = true);
    }

    /// Whether block 0 is sent again at the end where the output cannot go back.
    pub fn set_replaces_header(&self, replaces: bool) {
        self.imp().plan(|plan| plan.replaces_header = replaces);
    }

    /// Another track; only before the first data. The recording waits for all of them to begin or to end.
    pub fn add_track(&self, name: &str) -> gst::Pad {
        self.imp().add_track(name)
    }

    /// Participants may have tracks of their own, besides the others; to be said before the first data.
    pub fn set_voices(&self) {
        self.imp().plan(|plan| plan.voices = true);
    }

    /// Where one participant's own packets of Opus go in; at any time.
    pub fn add_voice(&self, name: &str, display_name: &str) -> gst::Pad {
        self.imp().add_voice(name, display_name)
    }

    /// What this participant's track is called from now on.
    pub fn name_voice(&self, pad: &gst::Pad, display_name: &str) {
        self.imp().name_voice(pad, display_name);
    }

    /// The participant has gone.
    pub fn remove_voice(&self, pad: &gst::Pad) {
        self.imp().remove_voice(pad);
    }

    /// Nothing that happens from this running time on is written, until [`Writer::resume`].
    pub fn pause(&self, now: Duration) {
        self.imp().pauses(|pauses| pauses.pause(now));
    }

    /// What happens is written again. From when on, in running time; `None` when there was no pause.
    pub fn resume(&self, now: Duration) -> Option<Duration> {
        self.imp().pauses(|pauses| pauses.resume(now))
    }

    /// The recording lasts until this running time at least.
    pub fn lasts_until(&self, time: Duration) {
        self.imp().lasts_until(time);
    }

    /// Where the blocks come out.
    pub fn src_pad(&self) -> gst::Pad {
        self.static_pad("src").expect("the writer has a source pad")
    }
}
