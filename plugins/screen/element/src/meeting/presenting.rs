//! A presenter's line: pieces of the screen stream go out, and never more than the line carries and the server has room for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_meeting_line::{
    Bytes, Ears, End, Hear, Heard, Invitation, MeetingError, Message, Mouth, Say, Seat, farewell, join,
    next_message, ping, runtime, say,
};
use convene_screen::Window;
use futures_util::{SinkExt, StreamExt};
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::Stopped;
use crate::events::Line;

/// What the protocol lets a presenter have sent and not yet taken in by the server.
const IN_FLIGHT_BYTES_MAX: u64 = 1024 * 1024;
/// How long the end of a stream waits for a server that takes nothing in any more.
const STALL_SECONDS_MAX: u64 = 10;
/// How long the end of a stream waits for the line to be closed in good order.
const LEAVE_SECONDS_MAX: u64 = 3;

/// A presenter's line. Dropping it leaves the meeting.
pub struct Presenting {
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    state: Mutex<State>,
    /// For the streaming thread: something in `state` changed.
    changed: Condvar,
    /// For the task: there is something to send, or we leave.
    wake: Notify,
}

#[derive(Default)]
struct State {
    granted: bool,
    unlocked: bool,
    leaving: bool,
    outgoing: VecDeque<Bytes>,
    /// What the streaming thread has handed over since `present_granted`, and what of it the server has taken in.
    window: Window,
    end: Option<End>,
}

impl Presenting {
    /// Joins in the background. `report` is called once, from the background, when the line ends otherwise than by our leaving.
    pub fn start(invitation: Invitation, report: impl FnOnce(&End) + Send + 'static) -> Self {
        let shared = Arc::new(Shared::new());
        let task = Arc::clone(&shared);
        runtime().spawn(async move {
            let end = run(&invitation, &task).await;
            if !matches!(end, End::Left) {
                // First, so that no streaming thread's error comes before the one that says why.
                report(&end);
            }
            task.state.lock().end = Some(end);
            task.changed.notify_all();
        });
        Self { shared }
    }

    /// Waits until the meeting wants our screen. True when nothing was sent yet: the stream must begin with `Start`.
    pub fn wait_granted(&self) -> Result<bool, Stopped> {
        self.wait_until(|state| state.granted).map(|state| state.window.sent_bytes() == 0)
    }

    /// Hands over whole records; waits while more are on their way than the line carries, so that what comes next is what is newest then.
    pub fn send(&self, piece: Bytes) -> Result<(), Stopped> {
        let bytes = piece.len() as u64;
        let mut has_waited = false;
        let mut state = self.wait_until(|state| {
            let is_ready = state.granted && state.has_room(bytes, self.shared.now());
            has_waited |= !is_ready;
            is_ready
        })?;
        state.window.sent(piece.len(), has_waited, self.shared.now());
        state.outgoing.push_back(piece);
        drop(state);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// What the line carries, as far as is known.
    pub fn carries(&self) -> Line {
        let window = &self.shared.state.lock().window;
        Line {
            bits_a_second: window.known_bytes_a_second().map(|bytes| 8 * bytes),
            update_bytes: window.piece_bytes(),
        }
    }

    /// Waits until the server has taken in all that was handed over, or stalls.
    pub fn drain(&self) -> Result<(), Stopped> {
        loop {
            let mut state = self.shared.state.lock();
            let before = state.window.in_flight();
            if before == 0 {
                return Ok(());
            }
            let limit = Duration::from_secs(STALL_SECONDS_MAX);
            self.shared.changed.wait_while_for(
                &mut state,
                |state| state.stopped().is_none() && state.window.in_flight() == before,
                limit,
            );
            if let Some(stopped) = state.stopped() {
                return Err(stopped);
            }
            if state.window.in_flight() == before {
                return Ok(());
            }
        }
    }

    /// Stops presenting and leaves the meeting; waits a moment for the farewell to get out.
    pub fn leave(&self) {
        let mut state = self.shared.state.lock();
        state.leaving = true;
        self.shared.wake.notify_one();
        let limit = Duration::from_secs(LEAVE_SECONDS_MAX);
        self.shared.changed.wait_while_for(&mut state, |state| state.end.is_none() && !state.unlocked, limit);
    }

    /// Ends every wait from now on, until [`Presenting::unlock_stop`].
    pub fn unlock(&self) {
        self.shared.state.lock().unlocked = true;
        self.shared.changed.notify_all();
    }

    /// Waits wait again.
    pub fn unlock_stop(&self) {
        self.shared.state.lock().unlocked = false;
    }

    fn wait_until(&self, mut ready: impl FnMut(&State) -> bool) -> Result<MutexGuard<'_, State>, Stopped> {
        let mut state = self.shared.state.lock();
        self.shared.changed.wait_while(&mut state, |state| state.stopped().is_none() && !ready(state));
        match state.stopped() {
            Some(stopped) => Err(stopped),
            None => Ok(state),
        }
    }
}

impl Drop for Presenting {
    fn drop(&mut self) {
        self.shared.state.lock().leaving = true;
        self.shared.wake.notify_one();
    }
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "the place where a presenter's line reads the real clock")]
    fn new() -> Self {
        Self { began: Instant::now(), state: Mutex::default(), changed: Condvar::new(), wake: Notify::new() }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

impl State {
    /// A piece that is longer than all room goes alone: nothing else could ever make room for it.
    fn has_room(&self, bytes: u64, now: Duration) -> bool {
        let in_flight = self.window.in_flight();
        in_flight == 0 || in_flight + bytes <= IN_FLIGHT_BYTES_MAX && 0 < self.window.room(now)
    }

    fn stopped(&self) -> Option<Stopped> {
        if let Some(end) = &self.end {
            return Some(Stopped::Ended(end.clone()));
        }
        self.unlocked.then_some(Stopped::Unlocked)
    }
}

async fn run(invitation: &Invitation, shared: &Shared) -> End {
    let Seat { socket, .. } = tokio::select! {
        joined = join(invitation) => match joined {
            Ok(seat) => seat,
            Err(error) => return error.into(),
        },
        () = leaving(shared) => return End::Left,
    };
    let (mouth, mut ears) = socket.split();
    let mouth = tokio::sync::Mutex::new(mouth);

    let end = tokio::select! {
        end = hear(invitation, shared, &mut ears) => end,
        end = speak(invitation, shared, &mouth) => end,
        error = ping(&mouth) => invitation.lost(error.to_string()).into(),
    };
    if matches!(end, End::Left) {
        farewell(&mut mouth.into_inner(), &mut ears, &[Say::PresentStop, Say::Leave]).await;
    }
    end
}

async fn leaving(shared: &Shared) {
    while !shared.state.lock().leaving {
        shared.wake.notified().await;
    }
}

async fn hear(invitation: &Invitation, shared: &Shared, ears: &mut Ears) -> End {
    loop {
        let message = match next_message(ears, invitation).await {
            Ok(Heard::Message(message)) => message,
            Ok(Heard::Screen(_)) => continue,
            Err(error) => return error.into(),
        };
        let mut state = shared.state.lock();
        match message {
            Hear::PresentGranted => state.granted = true,
            Hear::Taken { bytes } => state.window.painted(bytes, shared.now()),
            Hear::PresentEnded { message } => return MeetingError::PresentEnded { message }.into(),
            Hear::Error { message } if !state.granted => {
                return MeetingError::PresentEnded { message }.into();
            }
            Hear::Ended { message } => return End::Over(message),
            Hear::Refused { reason, message } => return MeetingError::Refused { reason, message }.into(),
            _ => continue,
        }
        drop(state);
        shared.changed.notify_all();
    }
}

async fn speak(invitation: &Invitation, shared: &Shared, mouth: &tokio::sync::Mutex<Mouth>) -> End {
    if let Err(error) = say(&mut *mouth.lock().await, &Say::Present).await {
        return invitation.lost(error.to_string()).into();
    }
    loop {
        let (piece, leaving) = {
            let mut state = shared.state.lock();
            (state.outgoing.pop_front(), state.leaving)
        };
        match piece {
            Some(piece) => {
                if let Err(error) = mouth.lock().await.send(Message::Binary(piece)).await {
                    return invitation.lost(error.to_string()).into();
                }
            }
            None if leaving => return End::Left,
            None => shared.wake.notified().await,
        }
    }
}
