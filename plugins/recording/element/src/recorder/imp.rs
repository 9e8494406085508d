//! The hands of `meetingrecorder`: its pads, its properties, and when it begins and ends.
//!
//! Locks: `settings` (copied out at start), then `inside`. `inside` is not held across an event or a state change.

use std::sync::{LazyLock, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::RecorderPad;
use super::chain::{Chain, ChainError, Order};
use super::pads::{Inlet, Inside, Kind};
use super::settings::{
    CLUSTER_MS_MAX, CLUSTER_MS_MIN, FRAMERATE_MAX, LOUDNESS_MIN, RecordingLayout, Settings,
};
use crate::composer;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "meetingrecorder",
        gst::DebugColorFlags::empty(),
        Some("Records a meeting into one WebM"),
    )
});

/// The private part of [`super::MeetingRecorder`].
#[derive(glib::Properties)]
#[properties(wrapper_type = super::MeetingRecorder)]
pub struct MeetingRecorder {
    #[property(
        name = "width", get, set, type = u32, member = width, maximum = 16_383, default = 0, mutable_ready,
        blurb = "Width of the recording in pixels (0: that of the first picture, or 1280 where a live \
                 recording gets none in its first second; used together with height)"
    )]
    #[property(
        name = "height", get, set, type = u32, member = height, maximum = 16_383, default = 0, mutable_ready,
        blurb = "Height of the recording in pixels (0: that of the first picture, or 720 where a live \
                 recording gets none in its first second; used together with width)"
    )]
    #[property(
        name = "max-framerate", get, set, type = u32, member = max_framerate, minimum = 1,
        maximum = FRAMERATE_MAX, default = 30, mutable_ready,
        blurb = "Most pictures recorded a second"
    )]
    #[property(
        name = "video-bitrate", get, set, type = u32, member = video_bitrate, minimum = 50_000,
        maximum = 100_000_000, default = 2_500_000, mutable_ready,
        blurb = "Bits a second for moving pictures; a resting screen takes fewer, sharp text takes precedence"
    )]
    #[property(
        name = "audio-bitrate", get, set, type = u32, member = audio_bitrate, minimum = 6_000,
        maximum = 510_000, default = 64_000, mutable_ready,
        blurb = "Bits a second for sound"
    )]
    #[property(
        name = "loudness", get, set, type = f64, member = loudness, minimum = LOUDNESS_MIN, maximum = 0.0,
        default = 0.0, mutable_ready,
        blurb = "Loudness of speech in LUFS (EBU R 128), quiet voices and loud ones alike, with true peaks of \
                 about -1 dBTP at most: -23 as for broadcasts, -18 to -16 for speech on small speakers (0: as it was spoken)"
    )]
    #[property(
        name = "cluster-duration", get, set, type = u32, member = cluster_duration, minimum = CLUSTER_MS_MIN,
        maximum = CLUSTER_MS_MAX, default = 2000, mutable_ready,
        blurb = "Milliseconds between keyframes: the length of a cluster, which is one buffer of the output"
    )]
    #[property(
        name = "force-live", get, set, type = bool, member = force_live, default = false, mutable_ready,
        blurb = "Record by the clock even if no source that is linked at the start is live"
    )]
    #[property(
        name = "replace-header", get, set, type = bool, member = replace_header, default = true, mutable_ready,
        blurb = "At the end, where the output cannot seek, send block 0 again (flag HEADER) to be put in the \
                 place of the first; false where the output is a plain stream of bytes, such as a pipe"
    )]
    #[property(
        name = "layout", get, set, type = RecordingLayout, member = layout, mutable_ready,
        blurb = "What is recorded: the screen with the faces beside it, the screen alone, the faces alone, \
                 or the sound alone, with a track of its own for each participant (tracks) or without (sound); sound takes no \
                 screen and feed_%u pads, and tracks alone takes voice_%u pads",
        builder(RecordingLayout::default())
    )]
    #[property(
        name = "title", get, set, type = Option<String>, member = title, mutable_ready,
        blurb = "What is written where neither a screen nor a face is shown, in any script that a font is there for"
    )]
    #[property(
        name = "pause-card", get, set, type = Option<String>, member = pause_card, mutable_ready,
        blurb = "What stands in the picture, with the title below it, for the second after a pause, such as Paused; \
                 without it, or if it is empty, the picture goes on at once"
    )]
    settings: StdMutex<Settings>,
    #[property(
        name = "paused", get, set = Self::set_paused, default = false, mutable_playing,
        blurb = "Leave out what happens meanwhile, in a recording by the clock: the file goes on without a gap \
                 when this is false again"
    )]
    paused: StdMutex<bool>,
    srcpad: gst::GhostPad,
    pub(super) inside: Mutex<Inside>,
}

#[glib::object_subclass]
impl ObjectSubclass for MeetingRecorder {
    const NAME: &'static str = "ConveneMeetingRecorder";
    type Type = super::MeetingRecorder;
    type ParentType = gst::Bin;
    type Interfaces = (gst::ChildProxy,);

    fn with_class(class: &Self::Class) -> Self {
        let template = class.pad_template("src").expect("the class has this template");
        let srcpad = gst::GhostPad::builder_from_template(&template).build();
        Self { settings: StdMutex::default(), paused: StdMutex::default(), srcpad, inside: Mutex::default() }
    }
}

#[glib::derived_properties]
impl ObjectImpl for MeetingRecorder {
    fn constructed(&self) {
        self.parent_constructed();
        self.obj().add_pad(&self.srcpad).expect("a new element takes its pads");
        // A pipeline that is told to end tells its sources. Those may have ended long ago, or have nothing to send, so
        // the recorder wants to hear of it as well.
        self.obj().set_element_flags(gst::ElementFlags::SOURCE);
    }
}

impl GstObjectImpl for MeetingRecorder {}

impl ElementImpl for MeetingRecorder {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Meeting recorder",
                "Codec/Muxer/Video/Audio",
                "Records a screen, faces and sound into one seekable WebM, block by block while they happen",
                "The Convene authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template = |name, direction, presence, caps: &gst::Caps| {
                gst::PadTemplate::new(name, direction, presence, caps).expect("the template is well formed")
            };
            let (sink, request) = (gst::PadDirection::Sink, gst::PadPresence::Request);
            let described = |name, caps: &gst::Caps| {
                gst::PadTemplate::with_gtype(name, sink, request, caps, RecorderPad::static_type())
                    .expect("the template is well formed")
            };
            let sound = gst_audio::AudioCapsBuilder::new().build();
            let voice = gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0).build();
            let webm = gst::Caps::new_empty_simple("video/webm");
            vec![
                described("screen", &composer::screen_caps()),
                described("feed_%u", &composer::feed_caps()),
                template("audio_%u", sink, request, &sound),
                described("voice_%u", &voice),
                template("src", gst::PadDirection::Src, gst::PadPresence::Always, &webm),
            ]
        });
        TEMPLATES.as_ref()
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let kind = match template.name_template() {
            "screen" => Kind::Screen,
            "feed_%u" => Kind::Feed,
            "voice_%u" => Kind::Voice,
            _ => Kind::Sound,
        };
        self.add_inlet(template, kind, name)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        self.remove_inlet(pad);
    }

    fn change_state(
        &self,
        change: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        match change {
            gst::StateChange::ReadyToPaused => self.start()?,
            gst::StateChange::PausedToPlaying => self.play()?,
            _ => {}
        }
        let success = self.parent_change_state(change);
        match change {
            gst::StateChange::ReadyToPaused if success.is_err() => self.stop(),
            gst::StateChange::PausedToReady => self.stop(),
            // Sources say whether they are live when they are paused, so a recording begins when it plays, and
            // nobody may wait for its first block before.
            gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                return success.map(|_| gst::StateChangeSuccess::NoPreroll);
            }
            _ => {}
        }
        success
    }

    /// EOS ends the recording here and now, whatever comes in or does not.
    fn send_event(&self, event: gst::Event) -> bool {
        if event.type_() != gst::EventType::Eos {
            return self.parent_send_event(event);
        }
        if self.inside.lock().chain.is_none() {
            return false;
        }
        gst::info!(CAT, imp = self, "told to end");
        let now = self.now();
        // A thread that brings data may hold a pad while it waits for another one.
        self.obj().call_async(move |element| element.imp().finish(now));
        true
    }
}

impl BinImpl for MeetingRecorder {}

/// Its children are the pads, so that their properties can be set in a line of `gst-launch-1.0`.
impl ChildProxyImpl for MeetingRecorder {
    fn children_count(&self) -> u32 {
        self.obj().sink_pads().len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        self.obj().sink_pads().into_iter().find(|pad| pad.name() == name).map(|pad| pad.upcast())
    }

    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.obj().sink_pads().into_iter().nth(index as usize).map(|pad| pad.upcast())
    }
}

impl MeetingRecorder {
    fn start(&self) -> Result<(), gst::StateChangeError> {
        let settings = self.settings();
        let kinds: Vec<Kind> = self.inside.lock().inlets.iter().map(|inlet| inlet.kind).collect();
        let pictures = kinds.iter().any(|kind| kind.is_picture());
        if kinds.is_empty() {
            gst::element_imp_error!(
                self,
                gst::CoreError::Negotiation,
                ("There is nothing to record: link something to the recorder's screen, feed_%u or audio_%u pad first.")
            );
            return Err(gst::StateChangeError);
        }
        if let Some(refusal) = refusal(settings.layout, &kinds) {
            gst::element_imp_error!(self, gst::CoreError::Negotiation, ("{refusal}"));
            return Err(gst::StateChangeError);
        }
        let from = self.now_or_zero();
        let (sound, voices) = (kinds.contains(&Kind::Sound), settings.layout == RecordingLayout::Tracks);
        let order = Order { settings: &settings, from, pictures, sound, voices };
        let bin = self.obj().clone().upcast::<gst::Bin>();
        let chain = Chain::build(&bin, &order).map_err(|error| self.complain(&error))?;
        // The target of a source ghost pad of our own class always fits.
        let _ = self.srcpad.set_target(Some(&chain.writer.src_pad()));
        let mut inside = self.inside.lock();
        inside.from = from;
        inside.chain = Some(chain);
        let connected = inside.connect_all(&bin);
        drop(inside);
        if let Err(error) = connected {
            self.stop();
            return Err(self.complain(&error));
        }
        Ok(())
    }

    /// From here on the clock runs.
    fn play(&self) -> Result<(), gst::StateChangeError> {
        self.inside.lock().plays = true;
        self.begin_if_known().map_err(|error| self.complain(&error))
    }

    /// Begins as soon as it is known whether the recording is live. A source can tell when it is active, some only
    /// when they have agreed on a format, so this is asked again whenever something new comes.
    pub(super) fn begin_if_known(&self) -> Result<(), ChainError> {
        let settings = self.settings();
        let inlets: Vec<(gst::GhostPad, bool)> = {
            let inside = self.inside.lock();
            if !inside.plays || inside.begun {
                return Ok(());
            }
            inside.inlets.iter().map(|inlet| (inlet.pad.clone(), inlet.has_data)).collect()
        };
        let Some(live) = (if settings.force_live { Some(true) } else { liveness(&inlets) }) else {
            return Ok(());
        };

        let mut inside = self.inside.lock();
        if std::mem::replace(&mut inside.begun, true) {
            return Ok(());
        }
        gst::info!(CAT, imp = self, "records {}", if live { "live" } else { "by the times of what comes" });
        inside.live = live;
        let bin = self.obj().clone().upcast::<gst::Bin>();
        let live_from = live.then_some(inside.from);
        inside.chain.as_mut().map_or(Ok(()), |chain| chain.begin(&bin, &settings, live_from))?;
        if self.obj().paused() {
            let from = inside.from;
            inside.pause(true, from);
        }
        Ok(())
    }

    fn set_paused(&self, paused: bool) {
        *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = paused;
        let now = self.now().unwrap_or_default();
        let mut inside = self.inside.lock();
        if inside.begun {
            gst::info!(CAT, imp = self, "{} at {now:?}", if paused { "pauses" } else { "goes on" });
            inside.pause(paused, now);
        }
    }

    fn stop(&self) {
        let bin = self.obj().clone().upcast::<gst::Bin>();
        let _ = self.srcpad.set_target(None::<&gst::Pad>);
        let (chain, voices) = self.inside.lock().take_apart();
        if let Some(chain) = chain {
            if let Some(mixer) = chain.mixer() {
                voices.into_iter().for_each(|voice| voice.remove(&bin, &mixer));
            }
            chain.take_down(&bin);
        }
    }

    /// Ends all tracks, wherever their data stands.
    fn finish(&self, now: Option<Duration>) {
        let (entries, live) = {
            let mut inside = self.inside.lock();
            let entries: Vec<_> = inside.inlets.iter_mut().filter_map(Inlet::close).collect();
            (entries, inside.live)
        };
        if live {
            self.lasts_until(now);
        }
        self.end_pictures();
        for entry in entries {
            entry.send_event(gst::event::Eos::new());
        }
        self.end_mixer();
    }

    /// Live, the length of the recording is that of the meeting, whatever the last picture or sound was.
    pub(super) fn lasts_until(&self, now: Option<Duration>) {
        if let (Some(now), Some(chain)) = (now, &self.inside.lock().chain) {
            chain.writer.lasts_until(now);
        }
    }

    /// Before the pads hear of it one by one, so that nobody leaves a picture that ends.
    pub(super) fn end_pictures(&self) {
        let composer = self.inside.lock().chain.as_ref().and_then(|chain| chain.composer.clone());
        if let Some(composer) = composer {
            composer.end();
        }
    }

    pub(super) fn end_mixer(&self) {
        let hold = self.inside.lock().chain.as_ref().and_then(Chain::hold);
        if let Some(hold) = hold {
            Chain::end_mixing(&hold);
        }
    }

    pub(super) fn complain(&self, error: &ChainError) -> gst::StateChangeError {
        match error {
            ChainError::Missing(element, set) => gst::element_imp_error!(
                self,
                gst::CoreError::MissingPlugin,
                ("The element {element} is missing: install GStreamer's {set} plugins.")
            ),
            ChainError::Refused(error) => gst::element_imp_error!(
                self,
                gst::CoreError::Failed,
                ("The recorder could not be put together: {error}.")
            ),
        }
        gst::StateChangeError
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings.lock().expect("nobody panics while setting a property").clone()
    }

    pub(super) fn now(&self) -> Option<Duration> {
        self.obj().current_running_time().map(Duration::from)
    }

    /// A recorder that joins a pipeline which runs already begins now; else at the pipeline's beginning.
    fn now_or_zero(&self) -> Duration {
        let parents = std::iter::successors(self.obj().parent(), |parent| parent.parent());
        let pipeline = parents.last().and_downcast::<gst::Element>();
        let runs = pipeline.is_some_and(|pipeline| pipeline.current_state() == gst::State::Playing);
        if runs { self.now().unwrap_or_default() } else { Duration::ZERO }
    }
}

/// Why what is linked is not what is to be recorded.
fn refusal(layout: RecordingLayout, kinds: &[Kind]) -> Option<String> {
    let settings =
        gst::glib::EnumValue::from_value(&layout.to_value()).map(|(_, value)| value.nick().to_owned());
    let nick = settings.unwrap_or_default();
    if !layout.has_pictures() && kinds.iter().any(|kind| kind.is_picture()) {
        return Some(format!(
            "With layout={nick} no pictures are recorded: release the screen and feed_%u pads, or set another layout."
        ));
    }
    if layout != RecordingLayout::Tracks && kinds.contains(&Kind::Voice) {
        return Some("Participants have tracks of their own with layout=tracks alone: release the voice_%u pads, or set it.".into());
    }
    (layout == RecordingLayout::Tracks && !kinds.contains(&Kind::Sound))
        .then(|| "With layout=tracks the mix of all is the first track: link it to an audio_%u pad.".into())
}

/// Whether any pad's data comes by the clock; `None` while that is open.
fn liveness(inlets: &[(gst::GhostPad, bool)]) -> Option<bool> {
    let mut known = false;
    let mut open = false;
    for (pad, has_data) in inlets {
        let mut query = gst::query::Latency::new();
        let answered = pad.peer_query(&mut query);
        if answered && query.result().0 {
            return Some(true);
        }
        known |= answered || *has_data;
        open |= pad.is_linked() && !answered && !has_data;
    }
    (known && !open).then_some(false)
}
