//! The thread that pushes packets out of a relay's source pads, so that no worker ever waits for what follows them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use super::Vp8RelayPad;

/// Packets that wait here: a second of ten cameras and thirty voices. Where more wait, what follows the pads is too slow, and the oldest are
/// dropped.
const QUEUE_MAX: usize = 4096;

/// What waits to be pushed.
#[derive(Default)]
struct Queue {
    packets: VecDeque<(Vp8RelayPad, gst::Buffer)>,
    is_over: bool,
}

/// A relay's pusher.
#[derive(Default)]
pub struct Pusher {
    shared: Arc<(Mutex<Queue>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    /// Begins; each packet is given to `push`.
    pub fn start(push: impl Fn(&Vp8RelayPad, gst::Buffer) + Send + 'static) -> std::io::Result<Self> {
        let shared: Arc<(Mutex<Queue>, Condvar)> = Arc::default();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("vp8relay-pads".to_owned()).spawn(move || {
            while let Some((pad, buffer)) = next(&theirs) {
                push(&pad, buffer);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Where packets are put in.
    pub fn inlet(&self) -> Inlet {
        Inlet { shared: Arc::clone(&self.shared) }
    }

    /// What waits is dropped, and the thread comes home as soon as downstream gives it back.
    pub fn stop(mut self) {
        let (queue, bell) = &*self.shared;
        {
            let mut queue = queue.lock();
            queue.is_over = true;
            queue.packets.clear();
        }
        bell.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Where packets are put in.
#[derive(Clone)]
pub struct Inlet {
    shared: Arc<(Mutex<Queue>, Condvar)>,
}

impl Inlet {
    /// Puts a packet in.
    pub fn put(&self, pad: Vp8RelayPad, buffer: gst::Buffer) {
        let (queue, bell) = &*self.shared;
        let mut queue = queue.lock();
        if queue.is_over {
            return;
        }
        if QUEUE_MAX <= queue.packets.len() {
            queue.packets.pop_front();
        }
        queue.packets.push_back((pad, buffer));
        if queue.packets.len() == 1 {
            bell.notify_one();
        }
    }
}

fn next(shared: &(Mutex<Queue>, Condvar)) -> Option<(Vp8RelayPad, gst::Buffer)> {
    let (queue, bell) = shared;
    let mut queue = queue.lock();
    loop {
        if queue.is_over {
            return None;
        }
        if let Some(next) = queue.packets.pop_front() {
            return Some(next);
        }
        bell.wait(&mut queue);
    }
}
