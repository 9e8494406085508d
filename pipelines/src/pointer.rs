//! The thread that follows a display's pointer and tells `screenenc`.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use parking_lot::{Condvar, Mutex};
use x11rb::rust_connection::ReplyError;

use crate::cursor::{Display, Position, Shape};

/// Runs until it is dropped or the display is gone.
pub(crate) struct PointerThread {
    stop: Arc<Stop>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl PointerThread {
    /// Looks once an `interval`; X tells of a new shape by itself, but of a new position only to the window under the pointer.
    pub(crate) fn start(display: Display, encoder: gst::Pad, interval: Duration) -> Self {
        let stop = Arc::new(Stop::default());
        let asked = stop.clone();
        let run = move || match follow(&display, &encoder, interval, &asked) {
            Ok(()) => {}
            // The screen's own capture says it on the bus when the display is gone.
            Err(error) => tracing::warn!(%error, "the pointer is followed no more"),
        };
        let thread = std::thread::Builder::new().name("pointer".into()).spawn(run);
        if let Err(error) = &thread {
            tracing::warn!(%error, "the pointer is not shown, because the system gives no thread");
        }
        Self { stop, thread: thread.ok() }
    }
}

impl Drop for PointerThread {
    fn drop(&mut self) {
        *self.stop.asked.lock() = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It ends by returning; a panic in it has already been printed.
            let _ = thread.join();
        }
    }
}

fn follow(display: &Display, encoder: &gst::Pad, interval: Duration, stop: &Stop) -> Result<(), ReplyError> {
    display.follow_shape()?;
    let mut shape_due = true;
    let mut shown = None;
    let mut asked = stop.asked.lock();

    while !*asked {
        parking_lot::MutexGuard::unlocked(&mut asked, || -> Result<(), ReplyError> {
            shape_due |= display.shape_changed()?;
            if shape_due {
                shape_due = !tell_shape(encoder, display.shape()?);
            }
            let position = display.position()?;
            if shown != Some(position) && tell_position(encoder, position) {
                shown = Some(position);
            }
            Ok(())
        })?;
        if !*asked {
            stop.changed.wait_for(&mut asked, interval);
        }
    }
    Ok(())
}

/// False when the encoder does not take events yet; then it is told again.
fn tell_position(encoder: &gst::Pad, position: Position) -> bool {
    let structure = gst::Structure::builder("convene-screen-cursor")
        .field("x", position.x)
        .field("y", position.y)
        .field("visible", position.visible)
        .build();
    encoder.send_event(gst::event::CustomDownstreamOob::new(structure))
}

fn tell_shape(encoder: &gst::Pad, shape: Shape) -> bool {
    let structure = gst::Structure::builder("convene-screen-cursor-shape")
        .field("hot-x", shape.hot_x)
        .field("hot-y", shape.hot_y)
        .field("width", shape.width)
        .field("height", shape.height)
        .field("pixels", gst::Buffer::from_slice(shape.bgra))
        .build();
    encoder.send_event(gst::event::CustomDownstreamOob::new(structure))
}
