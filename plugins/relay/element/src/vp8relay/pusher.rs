//! The thread that pushes packets out of a relay's source pads, and events out of its sink pads, so that no worker ever waits for what follows them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use super::Vp8RelayPad;

/// Packets that wait here: a second of ten cameras and thirty voices. Where more wait, what follows the pads is too slow, and the oldest are
/// dropped.
const QUEUE_MAX: usize = 4096;

/// What is pushed.
#[derive(Debug)]
pub enum Item {
    /// Out of a source pad.
    Packet(gst::Buffer),
    /// Upstream, out of a sink pad.
    Event(gst::Event),
}

impl From<gst::Buffer> for Item {
    fn from(packet: gst::Buffer) -> Self {
        Self::Packet(packet)
    }
}

impl From<gst::Event> for Item {
    fn from(event: gst::Event) -> Self {
        Self::Event(event)
    }
}

/// What waits to be pushed.
#[derive(Default)]
struct Queue {
    items: VecDeque<(Vp8RelayPad, Item)>,
    is_over: bool,
}

/// A relay's pusher.
#[derive(Default)]
pub struct Pusher {
    shared: Arc<(Mutex<Queue>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    /// Begins; each item is given to `push`.
    pub fn start(push: impl Fn(&Vp8RelayPad, Item) + Send + 'static) -> std::io::Result<Self> {
        let shared: Arc<(Mutex<Queue>, Condvar)> = Arc::default();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("vp8relay-pads".to_owned()).spawn(move || {
            while let Some((pad, item)) = next(&theirs) {
                push(&pad, item);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Where items are put in.
    pub fn inlet(&self) -> Inlet {
        Inlet { shared: Arc::clone(&self.shared) }
    }

    /// What waits is dropped, and the thread comes home as soon as downstream gives it back.
    pub fn stop(mut self) {
        let (queue, bell) = &*self.shared;
        {
            let mut queue = queue.lock();
            queue.is_over = true;
            queue.items.clear();
        }
        bell.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Where items are put in.
#[derive(Clone)]
pub struct Inlet {
    shared: Arc<(Mutex<Queue>, Condvar)>,
}

impl Inlet {
    /// Puts an item in.
    pub fn put(&self, pad: Vp8RelayPad, item: Item) {
        let (queue, bell) = &*self.shared;
        let mut queue = queue.lock();
        if queue.is_over {
            return;
        }
        if QUEUE_MAX <= queue.items.len() {
            queue.items.pop_front();
        }
        queue.items.push_back((pad, item));
        if queue.items.len() == 1 {
            bell.notify_one();
        }
    }
}

fn next(shared: &(Mutex<Queue>, Condvar)) -> Option<(Vp8RelayPad, Item)> {
    let (queue, bell) = shared;
    let mut queue = queue.lock();
    loop {
        if queue.is_over {
            return None;
        }
        if let Some(next) = queue.items.pop_front() {
            return Some(next);
        }
        bell.wait(&mut queue);
    }
}
