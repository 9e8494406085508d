//! The custom events that the elements exchange with their neighbours.

use convene_screen::Point;

/// Upstream: so many bytes of the stream are on show (or taken in); field `bytes`, u64.
pub const PAINTED: &str = "convene-screen-painted";
/// Upstream: what the line carries; fields `bits-a-second`, u64, 0 while that is not known, and `update-bytes`, u64: an update should not have
/// more, so that what is newest then goes next.
pub const LINE: &str = "convene-screen-line";
/// Downstream: the pointer's place; fields `x` and `y` (i32), `visible` (bool).
pub const CURSOR: &str = "convene-screen-cursor";
/// Downstream: the pointer's picture; fields `hot-x`, `hot-y`, `width`, `height` (u32), `pixels` (a buffer of BGRA).
pub const CURSOR_SHAPE: &str = "convene-screen-cursor-shape";

/// A change of the pointer, as whoever captures the screen tells it.
#[derive(Debug)]
pub enum Cursor {
    /// Its hot spot is here.
    Place {
        /// Pixels from the left edge.
        x: i16,
        /// Pixels from the top edge.
        y: i16,
        /// Whether it is to be shown.
        visible: bool,
    },
    /// It looks like this.
    Shape {
        /// The pixel that points.
        hot: Point,
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
        /// BGRA, tight rows.
        pixels: gst::Buffer,
    },
}

/// A cursor event whose fields are not what they must be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("The event {event} needs the field {field}, {what}.")]
pub struct BadCursorEvent {
    event: &'static str,
    field: &'static str,
    what: &'static str,
}

impl Cursor {
    /// `None` when the structure is of another event.
    pub fn parse(structure: &gst::StructureRef) -> Option<Result<Self, BadCursorEvent>> {
        match structure.name().as_str() {
            CURSOR => Some(Self::parse_place(structure)),
            CURSOR_SHAPE => Some(Self::parse_shape(structure)),
            _ => None,
        }
    }

    /// A place beyond what the format can say is moved to its edge: it is far outside of every screen.
    fn parse_place(structure: &gst::StructureRef) -> Result<Self, BadCursorEvent> {
        let side = |field| {
            let bad = BadCursorEvent { event: CURSOR, field, what: "a signed number of 32 bits" };
            let value: i32 = structure.get(field).map_err(|_| bad)?;
            Ok(value.clamp(i16::MIN.into(), i16::MAX.into()) as i16)
        };
        let bad = BadCursorEvent { event: CURSOR, field: "visible", what: "true or false" };
        Ok(Self::Place { x: side("x")?, y: side("y")?, visible: structure.get("visible").map_err(|_| bad)? })
    }

    fn parse_shape(structure: &gst::StructureRef) -> Result<Self, BadCursorEvent> {
        let side = |field| {
            let bad = || BadCursorEvent {
                event: CURSOR_SHAPE,
                field,
                what: "an unsigned number of 32 bits, at most 65,535",
            };
            let value: u32 = structure.get(field).map_err(|_| bad())?;
            u16::try_from(value).map_err(|_| bad())
        };
        let bad = BadCursorEvent { event: CURSOR_SHAPE, field: "pixels", what: "a buffer of BGRA pixels" };
        Ok(Self::Shape {
            hot: Point { x: side("hot-x")?, y: side("hot-y")? },
            width: side("width")?,
            height: side("height")?,
            pixels: structure.get("pixels").map_err(|_| bad)?,
        })
    }
}

/// Tells upstream how much is on show.
pub fn painted(bytes: u64) -> gst::Event {
    gst::event::CustomUpstream::new(gst::Structure::builder(PAINTED).field("bytes", bytes).build())
}

/// How much is on show, if that is what the event tells.
pub fn parse_painted(event: &gst::EventRef) -> Option<u64> {
    let structure = event.structure().filter(|structure| structure.has_name(PAINTED))?;
    structure.get("bytes").ok()
}

/// What a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// `None` while that is not known.
    pub bits_a_second: Option<u64>,
    /// What an update should have at most.
    pub update_bytes: u64,
}

/// Tells upstream what the line carries.
pub fn line(line: Line) -> gst::Event {
    let structure = gst::Structure::builder(LINE)
        .field("bits-a-second", line.bits_a_second.unwrap_or_default())
        .field("update-bytes", line.update_bytes);
    gst::event::CustomUpstream::new(structure.build())
}

/// What the line carries, if that is what the event tells.
pub fn parse_line(event: &gst::EventRef) -> Option<Line> {
    let structure = event.structure().filter(|structure| structure.has_name(LINE))?;
    let bits_a_second: u64 = structure.get("bits-a-second").ok()?;
    let bits_a_second = Some(bits_a_second).filter(|bits| *bits != 0);
    Some(Line { bits_a_second, update_bytes: structure.get("update-bytes").ok()? })
}

/// Asks upstream to begin anew, so that a reader can begin.
pub fn begin_anew() -> gst::Event {
    gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> gst::structure::Builder {
        gst::Structure::builder(CURSOR).field("x", 70_000).field("y", -5).field("visible", true)
    }

    #[test]
    fn a_place_far_outside_is_moved_to_the_edge_of_what_can_be_said() {
        gst::init().expect("GStreamer is installed");
        let cursor = Cursor::parse(&place().build()).expect("a cursor event").expect("a good one");
        assert!(matches!(cursor, Cursor::Place { x: i16::MAX, y: -5, visible: true }), "{cursor:?}");
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        gst::init().expect("GStreamer is installed");
        let refused =
            Cursor::parse(&place().field("y", 3u32).build()).expect("a cursor event").expect_err("a bad one");
        assert_eq!(
            refused.to_string(),
            "The event convene-screen-cursor needs the field y, a signed number of 32 bits."
        );
    }

    #[test]
    fn another_event_is_none_of_ours() {
        gst::init().expect("GStreamer is installed");
        assert!(Cursor::parse(&gst::Structure::new_empty("application/x-whatever")).is_none());
    }

    #[test]
    fn what_was_painted_travels() {
        gst::init().expect("GStreamer is installed");
        assert_eq!(parse_painted(&painted(52_311)), Some(52_311));
        assert_eq!(parse_painted(&begin_anew()), None);
    }

    #[test]
    fn what_a_line_carries_travels() {
        gst::init().expect("GStreamer is installed");
        for bits_a_second in [None, Some(56_000)] {
            let told = Line { bits_a_second, update_bytes: 3_072 };
            assert_eq!(parse_line(&line(told)), Some(told));
        }
        assert_eq!(parse_line(&painted(56_000)), None);
    }
}
