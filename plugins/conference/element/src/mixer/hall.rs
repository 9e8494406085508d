//! Where the conference is held, and how it is set up.

use std::collections::BTreeMap;
use std::time::Duration;

use convene_conference::{Channels, Conference, Ear, OpusSettings, Pace, Seat};

use super::ConferenceMixerSrcPad;
use super::run::Timing;

#[derive(Debug, Clone)]
pub struct Settings {
    pub bitrate: u32,
    pub complexity: u32,
    pub expected_loss: u32,
    pub stereo: bool,
    pub follow_stereo: bool,
    pub stay_open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let OpusSettings { bitrate, complexity, loss_percent } = OpusSettings::default();
        Self {
            bitrate,
            complexity: complexity.into(),
            expected_loss: loss_percent.into(),
            stereo: false,
            follow_stereo: false,
            stay_open: false,
        }
    }
}

impl Settings {
    /// What is offered where there is a choice.
    pub fn channels(&self) -> Channels {
        if self.stereo && !self.follow_stereo { Channels::Stereo } else { Channels::Mono }
    }

    pub fn opus(&self) -> OpusSettings {
        OpusSettings {
            bitrate: self.bitrate,
            complexity: self.complexity as u8,
            loss_percent: self.expected_loss as u8,
        }
    }
}

/// Where the conference is held.
pub struct Hall {
    pub conference: Conference,
    pub timing: Timing,
    /// The conference's time.
    pub clock: Duration,
    pub paces: BTreeMap<Seat, Pace>,
    pub listeners: BTreeMap<Ear, ConferenceMixerSrcPad>,
    /// Where what a seat brings goes alone.
    pub solos: BTreeMap<Seat, gst::Pad>,
    pub group: gst::GroupId,
    /// What the names of our streams begin with.
    pub stream: u64,
    pub has_ended: bool,
    /// Packets that could not be read.
    pub refused: u64,
}

impl Hall {
    pub fn new(settings: &Settings) -> Self {
        let conference = match settings.follow_stereo {
            true => Conference::following(settings.opus()),
            false => Conference::new(settings.channels(), settings.opus()),
        };
        Self {
            conference,
            timing: Timing::Open,
            clock: Duration::ZERO,
            paces: BTreeMap::new(),
            listeners: BTreeMap::new(),
            solos: BTreeMap::new(),
            group: gst::GroupId::next(),
            stream: rand::random(),
            has_ended: false,
            refused: 0,
        }
    }
}
