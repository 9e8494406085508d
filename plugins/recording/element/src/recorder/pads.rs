//! The recorder's sink pads: made and released at any time, and ended one by one.

use std::time::Duration;

use gst::prelude::*;
use gst::subclass::prelude::*;

use convene_recording::FACES_MAX;

use super::RecorderPad;
use super::chain::{Chain, ChainError, Voice};
use super::imp::{CAT, MeetingRecorder};
use super::settings::RecordingLayout;
use crate::composer::{Composer, Role};

/// What comes into a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Screen,
    Feed,
    Sound,
    /// A participant's own packets.
    Voice,
}

impl Kind {
    /// All pictures are one track, and all that is mixed is another.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Screen | Self::Feed)
    }
}

/// A sink pad and where it leads.
pub(super) struct Inlet {
    pub pad: gst::GhostPad,
    pub kind: Kind,
    /// Something came, so its source needs no clock to make it, or the clock runs.
    pub has_data: bool,
    ended: bool,
    /// It ended, but its track goes on because the recording does.
    held: bool,
    entry: Option<gst::Pad>,
    voice: Option<Voice>,
}

/// All that changes in a recorder.
#[derive(Default)]
pub(super) struct Inside {
    pub inlets: Vec<Inlet>,
    pub chain: Option<Chain>,
    /// The running time at which it begins.
    pub from: Duration,
    pub plays: bool,
    pub begun: bool,
    pub live: bool,
    /// The next free numbers of feeds, of sound and of voices.
    next: [u32; 3],
}

impl Inlet {
    /// The recording goes on for it; for a voice alone it does not.
    fn is_open(&self) -> bool {
        !self.ended && self.kind != Kind::Voice
    }

    /// Takes no more; gives the pad that has to be told.
    pub fn close(&mut self) -> Option<gst::Pad> {
        self.ended = true;
        self.held = false;
        self.entry.clone()
    }
}

impl Inside {
    /// Leads every pad to its track.
    pub fn connect_all(&mut self, bin: &gst::Bin) -> Result<(), ChainError> {
        let Some(chain) = &self.chain else { return Ok(()) };
        self.inlets.iter_mut().try_for_each(|inlet| connect(chain, bin, inlet))
    }

    /// Leaves out what happens from now on, or no longer. Where the buffers' timestamps tell the time, there is nothing that could be paused.
    pub fn pause(&mut self, paused: bool, now: Duration) {
        let Some(chain) = self.chain.as_ref().filter(|_| self.live) else { return };
        if paused {
            chain.writer.pause(now);
            chain.composer.iter().for_each(Composer::pause);
        } else if let Some(at) = chain.writer.resume(now) {
            chain.composer.iter().for_each(|composer| composer.resume(at));
        }
    }

    /// Lets go of everything that was made at the start.
    pub fn take_apart(&mut self) -> (Option<Chain>, Vec<Voice>) {
        let mut voices = Vec::new();
        for inlet in &mut self.inlets {
            let _ = inlet.pad.set_target(None::<&gst::Pad>);
            (inlet.has_data, inlet.ended, inlet.held, inlet.entry) = (false, false, false, None);
            voices.extend(inlet.voice.take());
        }
        (self.plays, self.begun, self.live) = (false, false, false);
        (self.chain.take(), voices)
    }

    fn inlet(&mut self, pad: &gst::Pad) -> Option<&mut Inlet> {
        self.inlets.iter_mut().find(|inlet| inlet.pad.upcast_ref::<gst::Pad>() == pad)
    }

    /// What follows when this pad has ended. A live recording goes on until every pad has.
    fn end(&mut self, pad: &gst::Pad) -> Ending {
        let Some(at) = self.inlets.iter().position(|inlet| inlet.pad.upcast_ref::<gst::Pad>() == pad) else {
            return Ending::Pass;
        };
        if std::mem::replace(&mut self.inlets[at].ended, true) || !self.live {
            return Ending::Pass;
        }
        let kind = self.inlets[at].kind;
        if kind == Kind::Voice {
            return Ending::Pass;
        }
        let mut open = self.inlets.iter().filter(|inlet| inlet.is_open()).peekable();
        if open.peek().is_some() {
            if open.all(|inlet| inlet.kind.is_picture() != kind.is_picture()) {
                self.inlets[at].held = true;
                let composer = self.chain.as_ref().and_then(|chain| chain.composer.as_ref());
                if let (Kind::Feed, Some(composer), Some(entry)) = (kind, composer, &self.inlets[at].entry) {
                    composer.end_input(entry);
                }
                return Ending::Hold;
            }
            return Ending::Pass;
        }
        Ending::Last(self.let_go())
    }

    /// The pads that ended before the recording did, to be told now.
    fn let_go(&mut self) -> Vec<gst::Pad> {
        self.inlets.iter_mut().filter(|inlet| inlet.held).filter_map(Inlet::close).collect()
    }

    /// Whether a live recording has only pads that have ended.
    fn is_over(&self) -> bool {
        self.live && !self.inlets.is_empty() && !self.inlets.iter().any(Inlet::is_open)
    }
}

enum Ending {
    /// The track hears of it.
    Pass,
    /// The track goes on as it was.
    Hold,
    /// It was the last: these end too.
    Last(Vec<gst::Pad>),
}

impl MeetingRecorder {
    pub(super) fn add_inlet(
        &self,
        template: &gst::PadTemplate,
        kind: Kind,
        name: Option<&str>,
    ) -> Option<gst::Pad> {
        let bin = self.obj().clone().upcast::<gst::Bin>();
        let layout = self.settings().layout;
        let mut inside = self.inside.lock();
        if let Some(why) = inside.refusal(kind, layout) {
            gst::warning!(CAT, imp = self, "{why}");
            return None;
        }
        let name = match kind {
            Kind::Screen => "screen".to_owned(),
            Kind::Feed => inside.free_name("feed_", 0, name),
            Kind::Sound => inside.free_name("audio_", 1, name),
            Kind::Voice => inside.free_name("voice_", 2, name),
        };
        let pad: gst::GhostPad = if kind != Kind::Sound {
            gst::PadBuilder::<RecorderPad>::from_template(template).name(name).build().upcast()
        } else {
            gst::GhostPad::builder_from_template(template).name(name).build()
        };
        let mut inlet = Inlet {
            pad: pad.clone(),
            kind,
            has_data: false,
            ended: false,
            held: false,
            entry: None,
            voice: None,
        };
        if let Some(chain) = &inside.chain {
            match connect(chain, &bin, &mut inlet) {
                Ok(()) if inlet.entry.is_some() => {}
                Ok(()) => {
                    gst::warning!(CAT, imp = self, "the recording began without {kind:?}: request it before");
                    return None;
                }
                Err(error) => {
                    drop(inside);
                    let _ = self.complain(&error);
                    return None;
                }
            }
        }
        let started = inlet.voice.as_ref().filter(|_| inside.chain.is_some()).map(Voice::elements);
        inside.inlets.push(inlet);
        drop(inside);

        for element in started.into_iter().flatten() {
            if let Err(error) = element.sync_state_with_parent() {
                gst::warning!(CAT, imp = self, "{} does not start: {error}", element.name());
            }
        }
        self.watch(&pad);
        // Where the recorder runs, so does its new pad.
        let _ = pad.set_active(self.obj().current_state() >= gst::State::Paused);
        if let Err(error) = self.obj().add_pad(&pad) {
            gst::warning!(CAT, imp = self, "{error}");
            self.remove_inlet(pad.upcast_ref());
            return None;
        }
        self.obj().child_added(&pad, &pad.name());
        Some(pad.upcast())
    }

    pub(super) fn remove_inlet(&self, pad: &gst::Pad) {
        let bin = self.obj().clone().upcast::<gst::Bin>();
        let (inlet, chain_voice, composer, writer, last) = {
            let mut inside = self.inside.lock();
            let Some(at) = inside.inlets.iter().position(|inlet| inlet.pad.upcast_ref::<gst::Pad>() == pad)
            else {
                return;
            };
            let mut inlet = inside.inlets.remove(at);
            let voice = inlet.voice.take().zip(inside.chain.as_ref().and_then(Chain::mixer));
            let was_open = !inlet.ended;
            let last = (was_open && inside.is_over()).then(|| inside.let_go());
            let composer = inside.chain.as_ref().and_then(|chain| chain.composer.clone());
            let writer = inside.chain.as_ref().map(|chain| chain.writer.clone());
            (inlet, voice, composer, writer, last)
        };
        // First, as what waits there for its turn holds the pad.
        if let (true, Some(entry), Some(composer)) = (inlet.kind.is_picture(), &inlet.entry, composer) {
            composer.remove_input(entry);
        }
        if let (Kind::Voice, Some(entry), Some(writer)) = (inlet.kind, &inlet.entry, writer) {
            writer.remove_voice(entry);
        }
        let _ = inlet.pad.set_active(false);
        let _ = inlet.pad.set_target(None::<&gst::Pad>);
        if let Some((voice, mixer)) = chain_voice {
            voice.remove(&bin, &mixer);
        }
        if let Err(error) = self.obj().remove_pad(&inlet.pad) {
            gst::debug!(CAT, imp = self, "{error}");
        }
        self.obj().child_removed(&inlet.pad, &inlet.pad.name());
        if let Some(held) = last {
            self.end_held(held);
        }
    }

    /// Hears of what comes into a pad before its track does.
    fn watch(&self, pad: &gst::GhostPad) {
        let element = self.obj().downgrade();
        let mask =
            gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        pad.add_probe(mask, move |pad, info| {
            let Some(element) = element.upgrade() else { return gst::PadProbeReturn::Ok };
            let recorder = element.imp();
            let event = info.event().map(|event| event.type_());
            let is_end = event == Some(gst::EventType::Eos);
            if event.is_none() || is_end {
                recorder.data_came(pad.upcast_ref());
            }
            if let Err(error) = recorder.begin_if_known() {
                let _ = recorder.complain(&error);
            }
            if is_end { recorder.inlet_ended(pad.upcast_ref()) } else { gst::PadProbeReturn::Ok }
        });
    }

    fn data_came(&self, pad: &gst::Pad) {
        if let Some(inlet) = self.inside.lock().inlet(pad) {
            inlet.has_data = true;
        }
    }

    /// Something about how a pad's pictures are shown has changed.
    pub(super) fn describe(&self, pad: &gst::Pad) {
        let mut inside = self.inside.lock();
        let composer = inside.chain.as_ref().and_then(|chain| chain.composer.clone());
        if let (Some(composer), Some(inlet)) = (composer, inside.inlet(pad))
            && let Some(entry) = &inlet.entry
        {
            let (name, shows) = description(&inlet.pad);
            composer.describe_input(entry, &name, shows);
        }
        let writer = inside.chain.as_ref().map(|chain| chain.writer.clone());
        if let (Some(writer), Some(inlet)) = (writer, inside.inlet(pad))
            && let (Kind::Voice, Some(entry)) = (inlet.kind, &inlet.entry)
        {
            writer.name_voice(entry, &description(&inlet.pad).0);
        }
    }

    fn inlet_ended(&self, pad: &gst::Pad) -> gst::PadProbeReturn {
        let ending = self.inside.lock().end(pad);
        match ending {
            Ending::Pass => gst::PadProbeReturn::Ok,
            Ending::Hold => {
                gst::debug!(CAT, obj = pad, "ended; the recording goes on");
                // Dropped, and counted as taken.
                gst::PadProbeReturn::Handled
            }
            Ending::Last(held) => {
                self.end_held(held);
                gst::PadProbeReturn::Ok
            }
        }
    }

    fn end_held(&self, held: Vec<gst::Pad>) {
        gst::info!(CAT, imp = self, "all pads have ended");
        self.lasts_until(self.now());
        self.end_pictures();
        for entry in held {
            entry.send_event(gst::event::Eos::new());
        }
        self.end_mixer();
    }
}

impl Inside {
    /// Why there can be no other pad of this kind.
    fn refusal(&self, kind: Kind, layout: RecordingLayout) -> Option<String> {
        let count = self.inlets.iter().filter(|inlet| inlet.kind == kind).count();
        match kind {
            Kind::Screen | Kind::Feed if !layout.has_pictures() => {
                Some("with layout=sound and layout=tracks no pictures are recorded".into())
            }
            Kind::Voice if layout != RecordingLayout::Tracks => {
                Some("participants have tracks of their own with layout=tracks alone".into())
            }
            Kind::Screen if 0 < count => Some("a recording has one screen".into()),
            Kind::Feed if FACES_MAX <= count => Some(format!("a recording shows at most {FACES_MAX} feeds")),
            _ => None,
        }
    }

    /// The wanted name, or the next that is free.
    fn free_name(&mut self, prefix: &str, kind: usize, wanted: Option<&str>) -> String {
        let number = wanted.and_then(|name| name.strip_prefix(prefix)).and_then(|number| number.parse().ok());
        let number: u32 = number.unwrap_or(self.next[kind]);
        self.next[kind] = self.next[kind].max(number.saturating_add(1));
        format!("{prefix}{number}")
    }
}

fn description(pad: &gst::GhostPad) -> (String, bool) {
    pad.downcast_ref::<RecorderPad>().map_or_else(|| (String::new(), true), |pad| pad.imp().description())
}

fn connect(chain: &Chain, bin: &gst::Bin, inlet: &mut Inlet) -> Result<(), ChainError> {
    let entry = if inlet.kind == Kind::Sound {
        inlet.voice = chain.add_voice(bin)?;
        inlet.voice.as_ref().map(|voice| voice.entry.clone())
    } else if inlet.kind == Kind::Voice {
        Some(chain.writer.add_voice(&inlet.pad.name(), &description(&inlet.pad).0))
    } else {
        let number = inlet.pad.name().strip_prefix("feed_").and_then(|number| number.parse().ok());
        let (name, shows) = description(&inlet.pad);
        let add = |composer: &crate::composer::Composer| {
            composer.add_input(number.map_or(Role::Screen, Role::Feed), &name, shows)
        };
        chain.composer.as_ref().map(add).transpose()?
    };
    inlet.pad.set_target(entry.as_ref())?;
    inlet.entry = entry;
    Ok(())
}
