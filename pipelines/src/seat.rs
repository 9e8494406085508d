//! Somebody's place in a talk: their voice into the mix, and what the others say back to them.

use gst::prelude::*;

use crate::PipelineError;

/// Two pads of whatever carries their voice and two of the mixer, linked crosswise. Dropping it gives them back.
pub(crate) struct Seat {
    carrier: gst::Element,
    mixer: gst::Element,
    /// From the carrier into the mixer.
    voice: [gst::Pad; 2],
    /// And back.
    mix: [gst::Pad; 2],
}

impl Seat {
    /// Takes the pads: the carrier's by the names of its source and its sink, the mixer's by the person's number.
    pub(crate) fn take(
        carrier: &gst::Element,
        [source, sink]: [String; 2],
        mixer: &gst::Element,
        person: u32,
    ) -> Result<Self, PipelineError> {
        let request = |element: &gst::Element, name: String| {
            element.request_pad_simple(&name).ok_or_else(|| {
                PipelineError::Build(format!("{} has no pad {name} for another participant", element.name()))
            })
        };
        let voice = [request(carrier, source)?, request(mixer, format!("sink_{person}"))?];
        let mix = [request(mixer, format!("src_{person}"))?, request(carrier, sink)?];
        Ok(Self { carrier: carrier.clone(), mixer: mixer.clone(), voice, mix })
    }

    /// The carrier's two.
    pub(crate) fn carrier_pads(&self) -> [&gst::Pad; 2] {
        [&self.voice[0], &self.mix[1]]
    }

    /// Where their voice goes into the mix.
    pub(crate) fn mixer_pad(&self) -> &gst::Pad {
        &self.voice[1]
    }

    /// Lets them hear and be heard.
    pub(crate) fn link(&self) -> Result<(), PipelineError> {
        let mut links = [&self.mix, &self.voice].into_iter();
        let linked = links.try_for_each(|[from, to]| from.link(to).map(drop));
        linked.map_err(|error| PipelineError::Build(format!("a participant could not be linked: {error}")))
    }

    /// Lets nobody hear them, or everybody again.
    pub(crate) fn silence(&self, is_silenced: bool) {
        self.voice[1].set_property("mute", is_silenced);
    }

    /// Lets them hear all others so many decibels louder, or quieter.
    pub(crate) fn turn(&self, decibels: i32) {
        self.mix[0].set_property("gain", decibels);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        for ([from, to], (source, sink)) in
            [(&self.voice, (&self.carrier, &self.mixer)), (&self.mix, (&self.mixer, &self.carrier))]
        {
            // They may never have been linked.
            let _ = from.unlink(to);
            source.release_request_pad(from);
            sink.release_request_pad(to);
        }
    }
}
