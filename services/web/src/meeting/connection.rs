//! One participant's WebSocket: a task that reads and a task that writes, so that neither waits for the other.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_domain::{
    Allowance, CallOutId, ChatText, DisplayName, Input, MediaOffer, Message, ParticipantId, PassId,
    PhoneNumber, Rate, Reads, Refusal, Token, Wish,
};
use convene_recordings::RecordingId;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use uuid::Uuid;
use warp::ws::{Message as Frame, WebSocket};

use super::feed::{Feed, Place, Progress};
use super::outbox::{Outbox, Outgoing, text};
use super::pieces::messages;
use super::room::{Letter, RoomHandle};
use super::said::{Join, Said, SaidWish, check_binary};
use super::screen::Stage;
use crate::service::Service;

/// How long the join may take to arrive.
const JOIN_MAX: Duration = Duration::from_secs(10);

/// How often a connection is tried.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// A connection that has been silent for so long is dead; screen data under way gives it more time.
const SILENCE_MAX: Duration = Duration::from_secs(40);

/// How long a closing connection may take for what is in line, and for the answer to its close.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Text messages a second. What comes faster is not read, so the client's own line holds it back and nothing is lost.
const TEXTS: Rate = Rate { burst: 100, every: Duration::from_millis(10) };

/// How often somebody is told that their screen data is not taken.
const COMPLAINTS: Rate = Rate { burst: 1, every: Duration::from_secs(1) };

/// What the reader and the writer of a connection share.
#[derive(Default)]
struct Shared {
    progress: Progress,
    place: Mutex<Option<Arc<Place>>>,
    /// Ends both at once.
    cut: CancellationToken,
    /// The writer has said its last word.
    closing: CancellationToken,
}

/// Serves a WebSocket from its join to its end.
pub(crate) async fn attend(service: Arc<Service>, socket: WebSocket, address: IpAddr) {
    let (sink, mut stream) = socket.split();
    let shared = Arc::new(Shared::default());
    let (outbox, queue) = Outbox::new(shared.cut.clone());
    let writer = Writer { sink, queue, shared: shared.clone(), feed: None, pending: VecDeque::new() };

    let reading = async {
        match join(&service, &mut stream, address, &outbox).await {
            Ok((room, id)) => Reader::new(service, room, id, outbox, shared.clone()).run(&mut stream).await,
            Err(refusal) => {
                if let Some(refusal) = refusal {
                    let _ = outbox.put(Outgoing::Text(text(&Message::Refused(refusal))));
                }
                let _ = outbox.put(Outgoing::Close);
                let _ = timeout(CLOSE_MAX, drain(&mut stream)).await;
            }
        }
        shared.cut.cancel();
    };
    let writing = async {
        writer.run().await;
        shared.closing.cancel();
    };
    tokio::join!(reading, writing);
}

/// Reads the first message and takes it to the meeting's door. `Err(None)` when there is nobody to answer.
async fn join(
    service: &Service,
    stream: &mut SplitStream<WebSocket>,
    address: IpAddr,
    outbox: &Outbox,
) -> Result<(RoomHandle, ParticipantId), Option<Refusal>> {
    let late = |_| Refusal::bad_request(format!("No join arrived within {} s.", JOIN_MAX.as_secs()));
    let first = tokio::select! {
        first = timeout(JOIN_MAX, first_text(stream)) => first.map_err(late)??,
        () = service.directory.shutting_down() => return Err(Some(Refusal::shutting_down())),
    };
    let Join { code, name, token } = Join::parse(&first)?;
    let room = service.directory.find(&code, address, service.clock.elapsed())?;
    let (number, id) = oneshot::channel();
    let media_relay = service.turn.as_ref().map(|turn| turn.access(service.clock.date()));
    let outbox = outbox.clone();
    let sent = room.send(Letter::Join { name, token, media_relay, outbox, number }).await;
    if !sent {
        return Err(Some(Refusal::no_meeting()));
    }
    // A room that closes meanwhile has refused already.
    let id = id.await.map_err(|_| None)?;
    Ok((room, id))
}

async fn first_text(stream: &mut SplitStream<WebSocket>) -> Result<String, Option<Refusal>> {
    while let Some(frame) = stream.next().await {
        let frame = frame.map_err(|error| Refusal::bad_request(unreadable(&error)))?;
        if let Ok(text) = frame.to_str() {
            return Ok(text.to_owned());
        }
        if frame.is_binary() {
            return Err(Some(Refusal::bad_request("The first message must be a join, not screen data.")));
        }
    }
    Err(None)
}

fn unreadable(error: &warp::Error) -> String {
    format!("The message cannot be read, so the connection is closed: {error}.")
}

/// Reads until the client has closed, so that what it still sends does not destroy our last words to it.
async fn drain(stream: &mut SplitStream<WebSocket>) {
    while let Some(Ok(_)) = stream.next().await {}
}

/// What the client says goes to the room.
struct Reader {
    service: Arc<Service>,
    room: RoomHandle,
    id: ParticipantId,
    outbox: Outbox,
    shared: Arc<Shared>,
    stage: watch::Receiver<Stage>,
    /// The presentation whose bytes we are reading, and how many there were.
    presentation: u64,
    sent: u64,
    texts: Allowance,
    complaints: Allowance,
}

impl Reader {
    fn new(
        service: Arc<Service>,
        room: RoomHandle,
        id: ParticipantId,
        outbox: Outbox,
        shared: Arc<Shared>,
    ) -> Self {
        let stage = room.stage();
        let [texts, complaints] = [TEXTS, COMPLAINTS].map(Allowance::new);
        Self { service, room, id, outbox, shared, stage, presentation: 0, sent: 0, texts, complaints }
    }

    async fn run(mut self, stream: &mut SplitStream<WebSocket>) {
        let shared = self.shared.clone();
        tokio::select! {
            () = self.read(stream) => {}
            () = shared.cut.cancelled() => {}
            () = async { shared.closing.cancelled().await; tokio::time::sleep(CLOSE_MAX).await } => {}
        }
        self.room.send(Letter::Input(Input::Leave(self.id))).await;
    }

    async fn read(&mut self, stream: &mut SplitStream<WebSocket>) {
        let mut heard = Instant::now();
        loop {
            let silence = heard + SILENCE_MAX + self.shared.progress.patience();
            let frame = tokio::select! {
                frame = stream.next() => frame,
                () = tokio::time::sleep_until(silence) => {
                    // What was sent since this wait began gives more time.
                    if silence < heard + SILENCE_MAX + self.shared.progress.patience() {
                        continue;
                    }
                    debug!(participant = self.id.0, "a participant has been silent for too long");
                    return;
                }
            };
            match frame {
                None => return,
                Some(Err(error)) => {
                    self.complain(unreadable(&error));
                    let _ = self.outbox.put(Outgoing::Close);
                    return self.shared.closing.cancelled().await;
                }
                Some(Ok(frame)) => {
                    self.take(frame).await;
                    heard = Instant::now();
                }
            }
        }
    }

    async fn take(&mut self, frame: Frame) {
        if self.shared.closing.is_cancelled() {
            return;
        }
        if frame.is_binary() {
            match check_binary(frame.as_bytes().len()) {
                Ok(()) => self.take_screen(frame.into_bytes()).await,
                Err(sentence) => self.complain(sentence),
            }
        } else if let Ok(text) = frame.to_str() {
            while let Err(wait) = self.texts.take(self.service.clock.elapsed()) {
                tokio::time::sleep(wait).await;
            }
            match Said::parse(text) {
                Ok(said) => self.take_said(said).await,
                Err(sentence) => self.complain(sentence),
            }
        }
    }

    async fn take_said(&mut self, said: Said) {
        let id = self.id;
        let input = match said {
            Said::Painted { bytes } => {
                let place = self.shared.place.lock().clone();
                if let Some(place) = place {
                    self.shared.progress.tell(&place, bytes);
                }
                return;
            }
            Said::Join => return self.complain("You have joined already."),
            Said::Chat { text } => match ChatText::parse(text) {
                Ok(text) => Input::Chat(id, text),
                Err(error) => return self.complain(error.to_string()),
            },
            Said::Watch { video, series } => Input::Watch(id, Reads { films: video, series }),
            Said::Unwatch => Input::Unwatch(id),
            Said::Present => Input::Present(id),
            Said::PresentStop => Input::PresentStop(id),
            Said::Record { layout } => Input::Record(id, RecordingId::new(Uuid::new_v4()), layout),
            Said::RecordPause => Input::RecordPause(id, true),
            Said::RecordResume => Input::RecordPause(id, false),
            Said::RecordStop => Input::RecordStop(id),
            Said::MediaOffer { sdp } => match MediaOffer::parse(sdp) {
                Ok(offer) => Input::Offer(id, offer),
                Err(error) => return self.complain(error.to_string()),
            },
            Said::Camera { on } => Input::Camera(id, on),
            Said::Microphone { on } => Input::Microphone(id, on),
            Said::View { feeds } => {
                let wish = |SaidWish { id, height }| Wish { id: ParticipantId(id), height };
                Input::View(id, feeds.into_iter().map(wish).collect())
            }
            Said::Mute { id: muted } => Input::Mute { by: id, id: ParticipantId(muted) },
            Said::Hand { up } => Input::Hand(id, up),
            Said::LowerHand { id: lowered } => Input::LowerHand { by: id, id: ParticipantId(lowered) },
            Said::Lock { on } => Input::Lock(id, on),
            Said::StreamAllow { kind, name } => match DisplayName::parse(name) {
                Ok(name) => {
                    let token = Token::random(&mut OsRng.unwrap_err());
                    Input::Allow { by: id, kind, name, token }
                }
                Err(error) => return self.complain(error.to_string()),
            },
            Said::StreamForbid { id: pass } => Input::Forbid { by: id, id: PassId(pass) },
            Said::CallOut { number, name } => match called(number, name) {
                Ok((number, name)) => Input::CallOut { by: id, number, name },
                Err(sentence) => return self.complain(sentence),
            },
            Said::CallOutStop { id: call } => Input::CallOutStop { by: id, id: CallOutId(call) },
            Said::End => Input::End(id),
            Said::Leave => Input::Leave(id),
        };
        self.room.send(Letter::Input(input)).await;
    }

    /// Takes screen data of the presenter, and not faster than the relay does.
    async fn take_screen(&mut self, bytes: Bytes) {
        let mut stage = *self.stage.borrow_and_update();
        if stage.presenter != Some(self.id) {
            // A former presenter cannot know yet; whoever never presented has a fault.
            if self.presentation == 0 && self.complaints.take(self.service.clock.elapsed()).is_ok() {
                self.complain("Your screen is not taken, as you do not present. Send `present` and wait for `present_granted`.");
            }
            return;
        }
        if stage.number != self.presentation {
            self.presentation = stage.number;
            self.sent = 0;
        }
        while stage.is_ahead(self.sent) {
            if self.stage.changed().await.is_err() {
                return;
            }
            stage = *self.stage.borrow_and_update();
            if stage.number != self.presentation {
                return;
            }
        }
        self.sent += bytes.len() as u64;
        self.room.send(Letter::Screen(self.presentation, bytes)).await;
    }

    /// Tells the client what was wrong with its last message.
    fn complain(&self, message: impl Into<String>) {
        // Who does not read is cut by this, and that ends the connection.
        let _ = self.outbox.put(Outgoing::Text(text(&Message::Error { message: message.into() })));
    }
}

/// Whom somebody wants called, and what they will be called in the meeting.
fn called(number: String, name: Option<String>) -> Result<(PhoneNumber, Option<DisplayName>), String> {
    let number = PhoneNumber::parse(&number).map_err(|error| error.to_string())?;
    let name = name.filter(|name| !name.is_empty()).map(DisplayName::parse);
    Ok((number, name.transpose().map_err(|error| error.to_string())?))
}

/// What is in line goes to the client: first messages, then the screen.
struct Writer {
    sink: SplitSink<WebSocket, Frame>,
    queue: mpsc::Receiver<Outgoing>,
    shared: Arc<Shared>,
    feed: Option<Feed>,
    /// What is left of the last piece of the screen.
    pending: VecDeque<Bytes>,
}

/// Why a writer stops.
enum Stop {
    /// Everything that was in line is sent, or it was cut.
    Done,
    /// The connection is gone.
    Gone,
}

impl Writer {
    async fn run(mut self) {
        let cut = self.shared.cut.clone();
        tokio::select! {
            _ = self.write() => {}
            () = cut.cancelled() => {}
        }
        *self.shared.place.lock() = None;
    }

    async fn write(&mut self) -> Result<(), Stop> {
        let mut pings = tokio::time::interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        loop {
            tokio::select! {
                biased;
                outgoing = self.queue.recv() => self.carry_out(outgoing.ok_or(Stop::Done)?).await?,
                _ = pings.tick() => self.send(Frame::ping(Bytes::new())).await?,
                message = next_message(&mut self.feed, &mut self.pending) => {
                    self.shared.progress.sent(message.len());
                    self.send(Frame::binary(message)).await?;
                }
            }
        }
    }

    async fn carry_out(&mut self, outgoing: Outgoing) -> Result<(), Stop> {
        match outgoing {
            Outgoing::Text(text) => self.send(Frame::text(&*text)).await?,
            Outgoing::Screen(feed) => {
                self.shared.progress.restart();
                self.show(Some(*feed));
            }
            Outgoing::ScreenGoesOn(feed) => {
                self.shared.progress.go_on();
                self.show(Some(*feed));
            }
            Outgoing::NoScreen => self.show(None),
            Outgoing::Close => {
                self.show(None);
                let _ = timeout(CLOSE_MAX, self.send(Frame::close())).await;
                return Err(Stop::Done);
            }
        }
        Ok(())
    }

    fn show(&mut self, feed: Option<Feed>) {
        self.pending.clear();
        *self.shared.place.lock() = feed.as_ref().map(|feed| feed.place.clone());
        self.feed = feed;
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Stop> {
        self.sink.send(frame).await.map_err(|_| Stop::Gone)
    }
}

/// The next message of the screen; never, when nothing is watched or the relay is gone.
async fn next_message(feed: &mut Option<Feed>, pending: &mut VecDeque<Bytes>) -> Bytes {
    loop {
        if let Some(message) = pending.pop_front() {
            return message;
        }
        let piece = match feed {
            Some(feed) => feed.next().await,
            None => std::future::pending().await,
        };
        match piece {
            Some(piece) => pending.extend(messages(piece)),
            None => *feed = None,
        }
    }
}
