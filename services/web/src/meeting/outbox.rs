//! What is on its way to one participant.

use std::sync::Arc;

use convene_domain::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::feed::Feed;

/// How many messages may wait for a participant. The longest burst is a full meeting's roster changing at once; whoever lets more wait
/// does not read.
const WAITING_MAX: usize = 512;

/// One thing for the writer of a connection to do.
pub(crate) enum Outgoing {
    /// Send this text; it is shared by all who get it.
    Text(Arc<str>),
    /// Send this screen from now on, instead of any other.
    Screen(Box<Feed>),
    /// The screen that was sent has ended with its relay; this one goes on in its place.
    ScreenGoesOn(Box<Feed>),
    /// Send no screen any more.
    NoScreen,
    /// Close the connection.
    Close,
}

/// The room's end of a connection.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    cut: CancellationToken,
}

/// The participant does not read; its connection is cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotReading;

impl Outbox {
    /// The room's end, and the writer's. The token cuts the connection at once, whatever still waits.
    pub(crate) fn new(cut: CancellationToken) -> (Self, mpsc::Receiver<Outgoing>) {
        let (queue, receiver) = mpsc::channel(WAITING_MAX);
        (Self { queue, cut }, receiver)
    }

    /// Puts something in line. A connection that is closing takes it and forgets it.
    pub(crate) fn put(&self, outgoing: Outgoing) -> Result<(), NotReading> {
        match self.queue.try_send(outgoing) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.cut.cancel();
                Err(NotReading)
            }
        }
    }
}

/// The message as it goes over the wire.
pub(crate) fn text(message: &Message) -> Arc<str> {
    serde_json::to_string(message).expect("our own messages have string keys only").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_lets_more_wait_than_the_limit_is_cut() {
        let cut = CancellationToken::new();
        let (outbox, mut receiver) = Outbox::new(cut.clone());
        for _ in 0..WAITING_MAX {
            assert_eq!(outbox.put(Outgoing::Text("x".into())), Ok(()));
        }
        assert!(!cut.is_cancelled());
        assert_eq!(outbox.put(Outgoing::Text("x".into())), Err(NotReading));
        assert!(cut.is_cancelled());
        assert!(receiver.recv().await.is_some(), "what was in line is still there");
    }

    #[test]
    fn a_closing_connection_is_no_fault() {
        let (outbox, receiver) = Outbox::new(CancellationToken::new());
        drop(receiver);
        assert_eq!(outbox.put(Outgoing::Close), Ok(()));
    }
}
