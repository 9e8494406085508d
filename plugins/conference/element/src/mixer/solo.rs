//! A participant alone: what `sink_3` brings into the mix comes out of `solo_3`, packet by packet.

use std::time::Duration;

use convene_conference::{Input, Piece, Seat};
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::form;
use super::imp::{CAT, ConferenceMixer};
use super::inbox::Letter;

impl ConferenceMixer {
    /// Wanted as long as it is active.
    pub(super) fn solo_pad(template: &gst::PadTemplate, seat: Seat) -> gst::Pad {
        gst::Pad::builder_from_template(template)
            .name(format!("solo_{}", seat.0))
            .activatemode_function(move |pad, parent, _mode, active| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "Panicked")),
                    |this| {
                        this.post(Letter::Solo(seat, active.then(|| pad.clone())));
                        Ok(())
                    },
                )
            })
            .flags(gst::PadFlags::FIXED_CAPS)
            .build()
    }

    /// Begins the stream of a participant alone, or ends to want it.
    pub(super) fn set_solo(&self, seat: Seat, pad: Option<gst::Pad>, arrival: Duration) {
        self.handle(Input::Solo(seat, pad.is_some()), arrival);
        let Some(pad) = pad else {
            self.hall.lock().solos.remove(&seat);
            return;
        };
        let (id, group) = {
            let mut hall = self.hall.lock();
            hall.solos.insert(seat, pad.clone());
            (format!("{:016x}/{}", hall.stream, pad.name()), hall.group)
        };
        pad.push_event(gst::event::StreamStart::builder(&id).group_id(group).build());
        pad.push_event(gst::event::Caps::new(&form::solo_caps()));
        pad.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }

    pub(super) fn push_solo(&self, seat: Seat, piece: Piece) {
        let Some(pad) = self.hall.lock().solos.get(&seat).cloned() else { return };
        let time = |time: Duration| gst::ClockTime::from_nseconds(time.as_nanos() as u64);
        let mut buffer = gst::Buffer::from_slice(piece.packet);
        let stamped = buffer.get_mut().expect("a new buffer");
        stamped.set_pts(time(piece.at));
        stamped.set_duration(time(piece.length));
        if !piece.follows {
            stamped.set_flags(gst::BufferFlags::DISCONT);
        }
        // Where nobody takes it any more, the pad is about to go.
        if let Err(error) = pad.push(buffer) {
            gst::debug!(CAT, obj = pad, "Not taken: {error}");
        }
    }

    /// All sources have ended.
    pub(super) fn end_solos(&self) {
        let solos: Vec<gst::Pad> = self.hall.lock().solos.values().cloned().collect();
        for pad in solos {
            pad.push_event(gst::event::Eos::new());
        }
    }
}
