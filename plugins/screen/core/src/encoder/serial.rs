//! The series of graphics: what a reader's memory has of letters serves what is painted next.
//!
//! A reader has to have all of a series, so what is recalled one day, or made by others' hands, stands alone: `painting` decides that.

use super::choose::{may_be_graphic, short_bytes};
use crate::graphic::Series;
use crate::{Canvas, Record, Rect};

/// A series that has so many bytes ends, so that a reader that has missed some of it can follow the next one. Measured on pages that are scrolled:
/// half as many take 8 % more, no end takes 5 to 10 % less.
const BYTES_MAX: usize = 128 * 1024;

/// The series that a reader follows.
#[derive(Debug, Default)]
pub(super) struct Serials {
    series: Option<Series>,
    bytes: usize,
}

impl Serials {
    /// The record that paints the rectangle, as the next of the series; `None`, and nothing done, where that is long.
    pub(super) fn record(&mut self, canvas: &Canvas, rect: Rect) -> Option<Record> {
        if !may_be_graphic(canvas, rect) {
            return None;
        }
        let encode =
            |series: &mut Series| series.encode(canvas.pixels(), canvas.stride(), rect, short_bytes(rect));
        let going = self.series.as_mut().filter(|_| self.bytes < BYTES_MAX);
        let begins = going.is_none();
        let graphic = match going {
            Some(series) => encode(series)?,
            None => {
                let mut series = Series::default();
                let graphic = encode(&mut series)?;
                (self.series, self.bytes) = (Some(series), 0);
                graphic
            }
        };
        self.bytes += graphic.len();
        Some(Record::Serial { rect, begins, is_shown: true, graphic })
    }

    /// The next one begins a series.
    pub(super) fn end(&mut self) {
        self.series = None;
    }
}
