//! How a line is listened to, how it ends, and how it is left.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

use super::connection::Socket;
use super::message::{Hear, Say};
use super::{Invitation, MeetingError};

/// How often we make the server say something, so that a dead line is noticed.
const PING_SECONDS: u64 = 10;
/// A line on which nothing was heard for so long is dead: two pings and their answers were lost.
const SILENCE_SECONDS_MAX: u64 = 30;
/// How long the server may take to close the line after we have left. Without this a socket with unread bytes would be reset, and the
/// farewell with it.
const FAREWELL_SECONDS_MAX: u64 = 1;

/// The line's outgoing half.
pub type Mouth = SplitSink<Socket, Message>;
/// The line's incoming half.
pub type Ears = SplitStream<Socket>;

/// How a line ended.
#[derive(Clone, Debug)]
pub enum End {
    /// The meeting is over; the server's sentence about it.
    Over(String),
    /// Something went wrong.
    Failed(Arc<MeetingError>),
    /// We left.
    Left,
}

impl From<MeetingError> for End {
    fn from(error: MeetingError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// The next message that matters; pings are answered underneath.
pub async fn next_message(ears: &mut Ears, invitation: &Invitation) -> Result<Heard, MeetingError> {
    loop {
        let message = timeout(Duration::from_secs(SILENCE_SECONDS_MAX), ears.next())
            .await
            .map_err(|_| invitation.lost(format!("nothing was heard for {SILENCE_SECONDS_MAX} s")))?;
        match message {
            None | Some(Ok(Message::Close(_))) => return Err(invitation.lost("the server closed it".into())),
            Some(Err(error)) => return Err(invitation.lost(error.to_string())),
            Some(Ok(Message::Text(text))) => {
                if let Some(message) = Hear::parse(&text) {
                    return Ok(Heard::Message(message));
                }
            }
            Some(Ok(Message::Binary(bytes))) => return Ok(Heard::Screen(bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
        }
    }
}

/// What came in.
pub enum Heard {
    /// A text message of the protocol.
    Message(Hear),
    /// A piece of the screen stream.
    Screen(Bytes),
}

/// Sends one message.
pub async fn say(mouth: &mut Mouth, what: &Say<'_>) -> Result<(), tungstenite::Error> {
    mouth.send(Message::text(what.to_text())).await
}

/// Sends pings for ever; returns only when the line broke.
pub async fn ping(mouth: &tokio::sync::Mutex<Mouth>) -> tungstenite::Error {
    let mut ticks = interval(Duration::from_secs(PING_SECONDS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = mouth.lock().await.send(Message::Ping(Bytes::new())).await {
            return error;
        }
    }
}

/// Says that we leave and lets the server close the line. All errors are passed over: we are going anyway.
pub async fn farewell(mouth: &mut Mouth, ears: &mut Ears, last_words: &[Say<'_>]) {
    let parting = async {
        for words in last_words {
            say(mouth, words).await?;
        }
        mouth.close().await?;
        while let Some(Ok(_)) = ears.next().await {}
        Ok::<_, tungstenite::Error>(())
    };
    let _ = timeout(Duration::from_secs(FAREWELL_SECONDS_MAX), parting).await;
}
