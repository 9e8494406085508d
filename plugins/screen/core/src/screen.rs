//! A screen that changes by whole updates only.
//!
//! Records paint the back canvas as they come; an `Update` brings what they painted to the front. Whatever ends a stream in the middle of an
//! update (an error, a presenter that vanished) is undone from the front. So nothing has to be held until its `Update` but pixels, and
//! those are bounded by the largest screen.

use crate::canvas::PIXEL_BYTES;
use crate::cells::{Cells, Grid};
use crate::decoder::{CursorPicture, CursorState, Shown};
use crate::graphic::Series;
use crate::webp::{self, Alpha};
use crate::{Canvas, CursorShape, Record, Rect, StreamError, vp8};

/// More rectangles of damage than this are told as cells.
const DAMAGE_RECTS_MAX: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Screen {
    front: Option<Canvas>,
    back: Option<Canvas>,
    cursor: CursorState,
    next_cursor: CursorState,
    film: Option<vp8::Decoder>,
    series: Option<Series>,
    change: Change,
}

/// What the records since the last `Update` did.
#[derive(Debug, Default)]
struct Change {
    resized: bool,
    cursor: bool,
    rects: Vec<Rect>,
    /// Takes the place of `rects` when they are too many.
    cells: Option<Cells>,
}

impl Screen {
    /// The canvas after the last update.
    pub(crate) fn canvas(&self) -> Option<&Canvas> {
        self.front.as_ref()
    }

    /// The pointer after the last update.
    pub(crate) fn cursor(&self) -> &CursorState {
        &self.cursor
    }

    /// Paints a record; an `Update` shows all since the last one. After an error [`Screen::undo`] is to be called.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<Option<Shown>, StreamError> {
        match record {
            Record::Start => {
                self.back = None;
                self.film = None;
                self.series = None;
                self.next_cursor = CursorState::default();
                self.change.resized = true;
                self.change.cursor = true;
            }
            Record::Size(size) => {
                self.back = Some(Canvas::new(*size));
                self.film = None;
                self.change.resized = true;
            }
            Record::Fill { rect, .. }
            | Record::Move { rect, .. }
            | Record::Picture { rect, .. }
            | Record::Recall { rect, .. } => self.painted(*rect).apply(record)?,
            Record::Keep { .. } => {}
            Record::Serial { rect, begins, is_shown, graphic } => {
                let mut series = self.series.take().filter(|_| !begins).unwrap_or_default();
                let size = (rect.width, rect.height);
                let decoded = if *is_shown {
                    let canvas = self.painted(*rect);
                    let stride = canvas.stride();
                    series.decode(graphic, size, canvas.corner_mut(*rect), stride)
                } else {
                    let mut unseen = vec![0; rect.area() * PIXEL_BYTES];
                    series.decode(graphic, size, &mut unseen, usize::from(rect.width) * PIXEL_BYTES)
                };
                decoded.map_err(|_| StreamError::BadPicture { width: rect.width, height: rect.height })?;
                self.series = Some(series);
            }
            Record::Video { rect, is_key, frame } => self.play(*rect, *is_key, frame)?,
            Record::Cursor { x, y, visible } => {
                self.next_cursor =
                    CursorState { x: *x, y: *y, visible: *visible, picture: self.next_cursor.picture.take() };
                self.change.cursor = true;
            }
            Record::CursorShape(shape) => {
                self.next_cursor.picture = Some(decode_cursor(shape)?);
                self.change.cursor = true;
            }
            Record::Update { time_us } => return Ok(Some(self.show(*time_us))),
        }
        Ok(None)
    }

    /// Forgets what was painted since the last `Update`; a film needs a key frame then, and a series its beginning.
    pub(crate) fn undo(&mut self) {
        self.film = None;
        self.series = None;
        let change = std::mem::take(&mut self.change);
        if change.cursor {
            self.next_cursor = self.cursor.clone();
        }
        if change.resized {
            self.back = self.front.clone();
        } else if let (Some(back), Some(front)) = (&mut self.back, &self.front) {
            change.damage().into_iter().for_each(|rect| back.copy_from(front, rect));
        }
    }

    /// The canvas to paint on, after the damage was noted.
    fn painted(&mut self, rect: Rect) -> &mut Canvas {
        let canvas = self.back.as_mut().expect("a reader lets nothing that paints pass without a size");
        if !self.change.resized {
            self.change.add(rect, Grid::new(canvas.size()));
        }
        canvas
    }

    fn play(&mut self, rect: Rect, is_key: bool, frame: &[u8]) -> Result<(), StreamError> {
        let bad_video = StreamError::BadVideo { width: rect.width, height: rect.height };
        if vp8::Header::parse(frame).map(|header| header.is_key()) != Ok(is_key) {
            return Err(bad_video);
        }
        let mut film = self.film.take().unwrap_or_default();
        let decoded = film.decode(frame, self.painted(rect), rect);
        self.film = Some(film);
        decoded.map_err(|_| bad_video)
    }

    fn show(&mut self, time_us: u64) -> Shown {
        let change = std::mem::take(&mut self.change);
        let (resized, cursor_changed) = (change.resized, change.cursor);
        let mut damage = change.damage();
        if resized {
            self.front.clone_from(&self.back);
            damage = self.front.iter().map(|canvas| canvas.size().rect()).collect();
        } else if let (Some(front), Some(back)) = (&mut self.front, &self.back) {
            damage.iter().for_each(|&rect| front.copy_from(back, rect));
        }
        if cursor_changed {
            self.cursor.clone_from(&self.next_cursor);
        }
        Shown { time_us, damage, resized, cursor_changed }
    }
}

impl Change {
    fn add(&mut self, rect: Rect, grid: Grid) {
        if let Some(cells) = &mut self.cells {
            cells.mark(rect);
            return;
        }
        self.rects.push(rect);
        if DAMAGE_RECTS_MAX < self.rects.len() {
            let mut cells = Cells::none(grid);
            self.rects.drain(..).for_each(|rect| cells.mark(rect));
            self.cells = Some(cells);
        }
    }

    fn damage(self) -> Vec<Rect> {
        self.cells.map_or(self.rects, |cells| cells.rects())
    }
}

fn decode_cursor(shape: &CursorShape) -> Result<CursorPicture, StreamError> {
    let CursorShape { hot, width, height, ref webp } = *shape;
    let stride = usize::from(width) * 4;
    let mut bgra = vec![0; stride * usize::from(height)];
    webp::decode(webp, (width, height), &mut bgra, stride, Alpha::Keep)
        .map_err(|_| StreamError::BadPicture { width, height })?;
    Ok(CursorPicture { hot, width, height, bgra })
}
