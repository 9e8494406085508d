//! A viewer's line: pieces of the screen stream come in, and the server hears what was painted.

use std::collections::VecDeque;
use std::sync::Arc;

use convene_meeting_line::{
    Bytes, Ears, End, Hear, Heard, Invitation, MESSAGE_BYTES_MAX, MeetingError, Mouth, Say, Seat, farewell,
    join, next_message, ping, runtime, say,
};
use futures_util::StreamExt;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::Stopped;

/// What may wait for the streaming thread. The server is paced by `painted` long before; this holds one that does not care.
const WAITING_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// A viewer's line. Dropping it leaves the meeting.
pub struct Watching {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// For the streaming thread: something in `state` changed.
    changed: Condvar,
    /// For the speaking task: there is something to acknowledge, or we leave.
    wake: Notify,
    /// For the listening task: `incoming` has room again.
    room: Notify,
}

#[derive(Default)]
struct State {
    incoming: VecDeque<Bytes>,
    incoming_bytes: usize,
    /// Bytes since `watch` that are on show.
    painted: u64,
    unlocked: bool,
    leaving: bool,
    end: Option<End>,
}

impl Watching {
    /// Joins in the background. From there `joined` is called once the server has let us in, and `report` when the line ends otherwise than by
    /// our leaving.
    pub fn start(
        invitation: Invitation,
        joined: impl FnOnce() + Send + 'static,
        report: impl FnOnce(&End) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let task = Arc::clone(&shared);
        runtime().spawn(async move {
            let end = run(&invitation, &task, joined).await;
            if !matches!(end, End::Left) {
                // First, so that no streaming thread's error comes before the one that says why.
                report(&end);
            }
            task.state.lock().end = Some(end);
            task.changed.notify_all();
        });
        Self { shared }
    }

    /// Waits for the next piece of the stream. What came before the line's end is handed out before the end is.
    pub fn next(&self) -> Result<Bytes, Stopped> {
        let mut state = self.shared.state.lock();
        self.shared.changed.wait_while(&mut state, |state| {
            !state.unlocked && state.incoming.is_empty() && state.end.is_none()
        });
        if state.unlocked {
            return Err(Stopped::Unlocked);
        }
        match (state.incoming.pop_front(), &state.end) {
            (Some(piece), _) => {
                state.incoming_bytes -= piece.len();
                drop(state);
                self.shared.room.notify_one();
                Ok(piece)
            }
            (None, Some(end)) => Err(Stopped::Ended(end.clone())),
            (None, None) => unreachable!("the wait ends with a piece, with the line's end, or unlocked"),
        }
    }

    /// So many bytes of the stream are on show since the line began.
    pub fn painted(&self, bytes: u64) {
        self.shared.state.lock().painted = bytes;
        self.shared.wake.notify_one();
    }

    /// Ends every wait from now on, until [`Watching::unlock_stop`].
    pub fn unlock(&self) {
        self.shared.state.lock().unlocked = true;
        self.shared.changed.notify_all();
    }

    /// Waits wait again.
    pub fn unlock_stop(&self) {
        self.shared.state.lock().unlocked = false;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.shared.state.lock().leaving = true;
        self.shared.wake.notify_one();
    }
}

async fn run(invitation: &Invitation, shared: &Shared, tell_joined: impl FnOnce()) -> End {
    let Seat { socket, .. } = tokio::select! {
        joined = join(invitation) => match joined {
            Ok(seat) => seat,
            Err(error) => return error.into(),
        },
        () = leaving(shared) => return End::Left,
    };
    tell_joined();
    let (mouth, mut ears) = socket.split();
    let mouth = tokio::sync::Mutex::new(mouth);

    let end = tokio::select! {
        end = hear(invitation, shared, &mut ears) => end,
        end = speak(invitation, shared, &mouth) => end,
        error = ping(&mouth) => invitation.lost(error.to_string()).into(),
    };
    if matches!(end, End::Left) {
        farewell(&mut mouth.into_inner(), &mut ears, &[Say::Leave]).await;
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
        match next_message(ears, invitation).await {
            Ok(Heard::Screen(piece)) => take_in(shared, piece).await,
            Ok(Heard::Message(Hear::Ended { message })) => return End::Over(message),
            Ok(Heard::Message(Hear::Refused { reason, message })) => {
                return MeetingError::Refused { reason, message }.into();
            }
            Ok(Heard::Message(_)) => {}
            Err(error) => return error.into(),
        }
    }
}

/// While there is no room nothing more is read, and the server feels it.
async fn take_in(shared: &Shared, piece: Bytes) {
    loop {
        let room = shared.room.notified();
        {
            let mut state = shared.state.lock();
            if state.incoming_bytes == 0 || state.incoming_bytes + piece.len() <= WAITING_BYTES_MAX {
                state.incoming_bytes += piece.len();
                state.incoming.push_back(piece);
                shared.changed.notify_all();
                return;
            }
        }
        room.await;
    }
}

async fn speak(invitation: &Invitation, shared: &Shared, mouth: &tokio::sync::Mutex<Mouth>) -> End {
    let mut acknowledged = 0;
    let mut result = say(&mut *mouth.lock().await, &Say::Watch { video: true, series: true }).await;
    loop {
        if let Err(error) = result {
            return invitation.lost(error.to_string()).into();
        }
        let (painted, leaving) = {
            let state = shared.state.lock();
            (state.painted, state.leaving)
        };
        if leaving {
            return End::Left;
        }
        if painted == acknowledged {
            shared.wake.notified().await;
        } else {
            result = say(&mut *mouth.lock().await, &Say::Painted { bytes: painted }).await;
            acknowledged = painted;
        }
    }
}
