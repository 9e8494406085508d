//! The elements inside of a recorder, made when it starts and thrown away when it stops.
//!
//! ```text
//! screen, feed_%u                                      composer ! writer ! src
//! audio_%u   audioconvert ! audioresample ! audiomixer ! opusenc ! writer      (with loudness, evened out before the encoder)
//! voice_%u                                             writer      (with layout=tracks)
//! ```

use std::time::Duration;

use convene_recording::Loudness;
use gst::prelude::*;
use parking_lot::Mutex;

use super::settings::Settings;
use crate::composer::{self, Composer};
use crate::writer::Writer;

/// Live sound may come this much late, beyond what its source says of itself.
const MIXER_LATENCY: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// One Opus packet.
const MIXER_STEP: gst::ClockTime = gst::ClockTime::from_mseconds(20);
/// Sound that is elsewhere than its times say, by more than this and for a second, is put right: a voice that began late would stay behind its face.
const MIXER_ERROR_MAX: gst::ClockTime = gst::ClockTime::from_mseconds(5);
/// The stream of the pad that keeps a live mixer running.
const SILENCE: &str = "recording/silence";
/// Why the elements could not be put together.
pub(super) enum ChainError {
    /// The element's name and where it is from.
    Missing(&'static str, &'static str),
    /// A sentence of GStreamer's.
    Refused(gst::glib::BoolError),
}

impl From<gst::glib::BoolError> for ChainError {
    fn from(error: gst::glib::BoolError) -> Self {
        Self::Refused(error)
    }
}

/// What a recording is made of.
pub(super) struct Chain {
    pub writer: Writer,
    pub composer: Option<Composer>,
    mixer: Option<Mixer>,
    elements: Vec<gst::Element>,
}

struct Mixer {
    element: gst::Element,
    /// Live, a pad that nothing comes into keeps the mixer running, and ending it ends the sound.
    hold: Option<gst::Pad>,
}

/// One audio pad's way to the mixer.
pub(super) struct Voice {
    elements: [gst::Element; 2],
    mixer_pad: gst::Pad,
    pub entry: gst::Pad,
}

/// What is to be recorded.
pub(super) struct Order<'a> {
    pub settings: &'a Settings,
    /// The running time at which the recording begins.
    pub from: Duration,
    pub pictures: bool,
    pub sound: bool,
    /// Participants may have tracks of their own.
    pub voices: bool,
}

impl Chain {
    /// Puts the elements into the bin and links them; they keep their state until the bin changes its own.
    pub fn build(bin: &gst::Bin, order: &Order<'_>) -> Result<Self, ChainError> {
        let writer = Writer::new(order.settings.cluster());
        writer.set_replaces_header(order.settings.replace_header);
        if order.voices {
            writer.set_voices();
        }
        let mut chain = Self { writer: writer.clone(), composer: None, mixer: None, elements: Vec::new() };
        chain.add(bin, writer.upcast())?;
        if let Err(error) = chain.add_tracks(bin, order) {
            chain.take_down(bin);
            return Err(error);
        }
        Ok(chain)
    }

    fn add_tracks(&mut self, bin: &gst::Bin, order: &Order<'_>) -> Result<(), ChainError> {
        if order.pictures {
            self.add_pictures(bin)?;
        }
        if order.sound {
            self.add_sound(bin, order)?;
        }
        Ok(())
    }

    fn add_pictures(&mut self, bin: &gst::Bin) -> Result<(), ChainError> {
        let composer = Composer::new();
        let writer = self.writer.downgrade();
        composer.connect_end(move |end| {
            if let Some(writer) = writer.upgrade() {
                writer.lasts_until(end);
            }
        });
        self.add(bin, composer.clone().upcast())?;
        link_to(composer.upcast_ref(), &self.writer.add_track("video"))?;
        self.composer = Some(composer);
        Ok(())
    }

    fn add_sound(&mut self, bin: &gst::Bin, order: &Order<'_>) -> Result<(), ChainError> {
        let mixer = make("audiomixer", "base")?;
        mixer.set_property("output-buffer-duration", MIXER_STEP);
        mixer.set_property("alignment-threshold", MIXER_ERROR_MAX);
        mixer.set_property_from_str("start-time-selection", "set");
        mixer.set_property("start-time", order.from.as_nanos() as u64);
        let format = make("capsfilter", "core")?;
        format.set_property("caps", mixed_format()?.to_caps()?);
        let encoder = make("opusenc", "base")?;
        encoder.set_property("bitrate", i32::try_from(order.settings.audio_bitrate).unwrap_or(i32::MAX));

        for element in [&mixer, &format, &encoder] {
            self.add(bin, element.clone())?;
        }
        if !order.from.is_zero() {
            // In a pipeline that runs already it would begin to mix before it is told from when on.
            mixer.set_clock(None::<&gst::Clock>)?;
        }
        gst::Element::link_many([&mixer, &format, &encoder])?;
        if let Some(target) = order.settings.loudness() {
            even_out(&format, target);
        }
        link_to(&encoder, &self.writer.add_track("audio"))?;
        self.mixer = Some(Mixer { element: mixer, hold: None });
        Ok(())
    }

    /// Begins to record, live from this running time, or else by the times of what comes.
    pub fn begin(
        &mut self,
        bin: &gst::Bin,
        settings: &Settings,
        live_from: Option<Duration>,
    ) -> Result<(), ChainError> {
        if live_from.is_some() {
            self.writer.set_live();
            if let Some(mixer) = &mut self.mixer {
                mixer.element.set_property("latency", MIXER_LATENCY.nseconds());
                mixer.hold = Some(mixer_pad(&mixer.element)?);
            }
        }
        if let (Some(from), Some(hold)) = (live_from, self.hold()) {
            begin_mixing(&hold, from)?;
        }
        if let Some(mixer) = &self.mixer {
            mixer.element.set_clock(bin.clock().as_ref())?;
        }
        let plan = composer::Plan {
            live_from,
            size: settings.size(),
            gap: settings.gap(),
            cluster: settings.cluster(),
            bitrate: settings.video_bitrate,
            look: settings.look(),
        };
        if let Some(composer) = &self.composer {
            composer.begin(plan)?;
        }
        Ok(())
    }

    /// Another way into the mixer; there is none where the recording began without sound.
    pub fn add_voice(&self, bin: &gst::Bin) -> Result<Option<Voice>, ChainError> {
        let Some(mixer) = &self.mixer else { return Ok(None) };
        let elements = [make("audioconvert", "base")?, make("audioresample", "base")?];
        let mixer_pad = mixer_pad(&mixer.element)?;
        let entry = elements[0].static_pad("sink").expect("audioconvert has a sink pad");
        let voice = Voice { elements, mixer_pad, entry };
        let [convert, resample] = &voice.elements;
        let joined = bin.add_many([convert, resample]).and_then(|()| convert.link(resample));
        if let Err(error) =
            joined.map_err(ChainError::from).and_then(|()| link_to(resample, &voice.mixer_pad))
        {
            voice.remove(bin, &mixer.element);
            return Err(error);
        }
        Ok(Some(voice))
    }

    /// What releases the voices' pads, where there is sound.
    pub fn mixer(&self) -> Option<gst::Element> {
        self.mixer.as_ref().map(|mixer| mixer.element.clone())
    }

    /// The pad that keeps a live mixer running.
    pub fn hold(&self) -> Option<gst::Pad> {
        self.mixer.as_ref().and_then(|mixer| mixer.hold.clone())
    }

    /// Ends what keeps a live mixer running.
    pub fn end_mixing(hold: &gst::Pad) {
        if hold.sticky_event::<gst::event::StreamStart>(0).is_none() {
            hold.send_event(gst::event::StreamStart::new(SILENCE));
        }
        hold.send_event(gst::event::Eos::new());
    }

    /// Takes all elements out of the bin.
    pub fn take_down(self, bin: &gst::Bin) {
        remove_all(bin, &self.elements);
    }

    fn add(&mut self, bin: &gst::Bin, element: gst::Element) -> Result<(), ChainError> {
        bin.add(&element)?;
        self.elements.push(element);
        Ok(())
    }
}

impl Voice {
    /// The last one first, so that nothing flows into one that sleeps.
    pub fn elements(&self) -> [gst::Element; 2] {
        let [convert, resample] = &self.elements;
        [resample.clone(), convert.clone()]
    }

    /// Silence from here.
    pub fn remove(self, bin: &gst::Bin, mixer: &gst::Element) {
        remove_all(bin, &self.elements);
        mixer.release_request_pad(&self.mixer_pad);
    }
}

/// A mixer begins at the time that it was set to when the first buffer comes, and at zero when none does; so it gets
/// one of silence.
fn begin_mixing(hold: &gst::Pad, from: Duration) -> Result<(), ChainError> {
    if from.is_zero() {
        return Ok(());
    }
    let format = mixed_format()?;
    let mut silence = gst::Buffer::from_slice(vec![0_u8; (format.rate() / 50 * format.bpf()) as usize]);
    let stamped = silence.get_mut().expect("a new buffer is writable");
    stamped.set_pts(gst::ClockTime::from_nseconds(from.as_nanos() as u64));
    stamped.set_duration(MIXER_STEP);
    hold.send_event(gst::event::StreamStart::new(SILENCE));
    hold.send_event(gst::event::Caps::new(&format.to_caps()?));
    hold.send_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    let taken = hold.chain(silence);
    taken
        .map(|_| ())
        .map_err(|error| ChainError::Refused(gst::glib::bool_error!("the mixer refuses silence: {error}")))
}

/// Brings what is mixed to one loudness on its way out of this element.
fn even_out(format: &gst::Element, target: f64) {
    let pad = format.static_pad("src").expect("a capsfilter has a source pad");
    let loudness = Mutex::new(Loudness::new(target));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(mut mapped) = info.buffer_mut().and_then(|buffer| buffer.make_mut().map_writable().ok()) {
            let bytes = mapped.as_mut_slice();
            let mut samples: Vec<i16> =
                bytes.as_chunks().0.iter().map(|sample| i16::from_ne_bytes(*sample)).collect();
            loudness.lock().process(&mut samples);
            for (place, sample) in bytes.as_chunks_mut().0.iter_mut().zip(samples) {
                *place = sample.to_ne_bytes();
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn mixed_format() -> Result<gst_audio::AudioInfo, gst::glib::BoolError> {
    gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_S16, 48_000, 2).build()
}

fn make(factory: &'static str, set: &'static str) -> Result<gst::Element, ChainError> {
    gst::ElementFactory::make(factory).build().map_err(|_| ChainError::Missing(factory, set))
}

fn mixer_pad(mixer: &gst::Element) -> Result<gst::Pad, ChainError> {
    mixer
        .request_pad_simple("sink_%u")
        .ok_or_else(|| ChainError::Refused(gst::glib::bool_error!("the mixer takes no more pads")))
}

fn link_to(from: &gst::Element, to: &gst::Pad) -> Result<(), ChainError> {
    let pad = from.static_pad("src").expect("every converter and encoder has a source pad");
    pad.link(to).map_err(|error| ChainError::Refused(gst::glib::bool_error!("{error}")))?;
    Ok(())
}

fn remove_all(bin: &gst::Bin, elements: &[gst::Element]) {
    for element in elements {
        // Stopping a single element of ours cannot fail, and one that was never added is not there to remove.
        let _ = element.set_state(gst::State::Null);
        let _ = bin.remove(element);
    }
}
