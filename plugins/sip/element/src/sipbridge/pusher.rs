//! The thread that pushes packets out of a bridge's source pads and tells applications what happens, so that the hub never waits for either.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use convene_sip::CallId;
use gst::glib;
use parking_lot::{Condvar, Mutex};

/// Letters that wait here: a second of eighty callers. Where more wait, what follows the pads is too slow, and voices are dropped.
const QUEUE_MAX: usize = 4096;

/// What is to be done.
pub enum Letter {
    /// A packet of this call's voice.
    Voice(CallId, gst::Buffer),
    /// What is sent to this call is lost on the way, now and then.
    Lost(CallId),
    /// Who sits here has another codec than who sat here before.
    Introduce(u32),
    /// Applications are told.
    Signal(&'static str, Vec<glib::SendValue>),
}

#[derive(Default)]
struct Queue {
    letters: VecDeque<Letter>,
    is_over: bool,
}

/// A bridge's pusher.
pub struct Pusher {
    shared: Arc<(Mutex<Queue>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    /// Begins; each letter is given to `carry_out`.
    pub fn start(carry_out: impl Fn(Letter) + Send + 'static) -> std::io::Result<Self> {
        let shared: Arc<(Mutex<Queue>, Condvar)> = Arc::default();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sipbridge-pads".to_owned()).spawn(move || {
            while let Some(letter) = next(&theirs) {
                carry_out(letter);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Where letters are put in.
    pub fn inlet(&self) -> Inlet {
        Inlet { shared: Arc::clone(&self.shared) }
    }

    /// What waits is dropped, and the thread comes home as soon as downstream gives it back.
    pub fn stop(mut self) {
        let (queue, bell) = &*self.shared;
        {
            let mut queue = queue.lock();
            queue.is_over = true;
            queue.letters.clear();
        }
        bell.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Where letters are put in.
#[derive(Clone)]
pub struct Inlet {
    shared: Arc<(Mutex<Queue>, Condvar)>,
}

impl Inlet {
    /// Puts a letter in; one of those that come all the time only if there is room.
    pub fn put(&self, letter: Letter) {
        let (queue, bell) = &*self.shared;
        let mut queue = queue.lock();
        let is_full =
            QUEUE_MAX <= queue.letters.len() && matches!(letter, Letter::Voice(..) | Letter::Lost(_));
        if queue.is_over || is_full {
            return;
        }
        queue.letters.push_back(letter);
        if queue.letters.len() == 1 {
            bell.notify_one();
        }
    }
}

fn next(shared: &(Mutex<Queue>, Condvar)) -> Option<Letter> {
    let (queue, bell) = shared;
    let mut queue = queue.lock();
    loop {
        if queue.is_over {
            return None;
        }
        if let Some(next) = queue.letters.pop_front() {
            return Some(next);
        }
        bell.wait(&mut queue);
    }
}
