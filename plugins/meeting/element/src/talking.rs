//! A participant's line to a meeting, for voices and faces: what the server says is handed on as it comes, what we say is sent in order.

use std::net::SocketAddr;

use convene_meeting_line::{
    Ears, End, Hear, Heard, Invitation, Message, Mouth, Participant, Say, Seat, farewell, join, next_message,
    ping, runtime,
};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What comes of the line.
pub enum News {
    /// The server has let us in.
    Joined {
        /// Where it is.
        server: SocketAddr,
        /// All, we among them.
        participants: Vec<Participant>,
    },
    /// It says something.
    Said(Hear),
    /// The line has ended, otherwise than by our leaving. Nothing comes after that.
    Ended(End),
}

/// Dropping it leaves the meeting.
pub struct Talking {
    words: UnboundedSender<String>,
}

impl Talking {
    /// Joins in the background, and tells from there.
    pub fn start(invitation: Invitation, mut tell: impl FnMut(News) + Send + 'static) -> Self {
        let (words, unsaid) = unbounded_channel();
        runtime().spawn(async move {
            let end = run(&invitation, unsaid, &mut tell).await;
            if !matches!(end, End::Left) {
                tell(News::Ended(end));
            }
        });
        Self { words }
    }

    /// Says it when it can; nothing when the line has ended.
    pub fn say(&self, what: &Say<'_>) {
        let _ = self.words.send(what.to_text());
    }
}

async fn run(
    invitation: &Invitation,
    mut unsaid: UnboundedReceiver<String>,
    tell: &mut (impl FnMut(News) + Send),
) -> End {
    let Seat { socket, server, participants } = tokio::select! {
        joined = join(invitation) => match joined {
            Ok(seat) => seat,
            Err(error) => return error.into(),
        },
        () = unsaid_forever(&mut unsaid) => return End::Left,
    };
    tell(News::Joined { server, participants });
    let (mouth, mut ears) = socket.split();
    let mouth = tokio::sync::Mutex::new(mouth);
    let end = tokio::select! {
        end = hear(invitation, &mut ears, tell) => end,
        end = speak(invitation, &mouth, &mut unsaid) => end,
        error = ping(&mouth) => invitation.lost(error.to_string()).into(),
    };
    if matches!(end, End::Left) {
        farewell(&mut mouth.into_inner(), &mut ears, &[Say::Leave]).await;
    }
    end
}

/// Before we are in nothing is said, so this returns when we leave.
async fn unsaid_forever(unsaid: &mut UnboundedReceiver<String>) {
    while unsaid.recv().await.is_some() {}
}

async fn hear(invitation: &Invitation, ears: &mut Ears, tell: &mut impl FnMut(News)) -> End {
    loop {
        match next_message(ears, invitation).await {
            Ok(Heard::Message(Hear::Ended { message })) => return End::Over(message),
            Ok(Heard::Message(message)) => tell(News::Said(message)),
            // Nobody has asked for the screen.
            Ok(Heard::Screen(_)) => {}
            Err(error) => return error.into(),
        }
    }
}

async fn speak(
    invitation: &Invitation,
    mouth: &tokio::sync::Mutex<Mouth>,
    unsaid: &mut UnboundedReceiver<String>,
) -> End {
    while let Some(words) = unsaid.recv().await {
        if let Err(error) = mouth.lock().await.send(Message::text(words)).await {
            return invitation.lost(error.to_string()).into();
        }
    }
    End::Left
}
