//! Programs that send by WHIP and watch by WHEP: a session each, from its first offer until it is deleted, or the way to it is lost.

use std::collections::BTreeMap;

use convene_domain::{
    DisplayName, IceCredentials, Input, MediaOffer, ParticipantId, StreamKind, StreamRefusal, Token,
};
use convene_pipelines::PipelineError;
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::Room;

/// From a program, with its pass.
pub(crate) struct StreamLetter {
    pub(crate) token: Token,
    pub(crate) kind: StreamKind,
    pub(crate) ask: StreamAsk,
    pub(crate) answer: oneshot::Sender<Result<StreamAnswer, StreamError>>,
}

/// What it wants.
pub(crate) enum StreamAsk {
    /// Begin; who watches may name whom it wants to see.
    Begin { offer: MediaOffer, whom: Option<ParticipantId> },
    /// Tell of its candidates, on the way that has this tag.
    Trickle { session: Token, tag: String },
    /// Go on, on another way.
    Restart { session: Token, ice: IceCredentials },
    /// End.
    End { session: Token },
}

/// What it gets.
pub(crate) enum StreamAnswer {
    Begun { sdp: String, session: Token, tag: String },
    Trickled,
    Restarted { sdp: String, tag: String },
    Ended,
}

/// Why it does not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Refused(#[from] StreamRefusal),
    #[error("{0}")]
    NoAnswer(PipelineError),
    #[error(
        "There is no such session: it has ended, or its meeting has. Begin with a POST to the address that you were given."
    )]
    NoSession,
    #[error("If-Match does not have the session's ETag: ICE was restarted since. Use the newest one.")]
    Stale,
}

/// Which programs are there.
#[derive(Default)]
pub(super) struct Streams(BTreeMap<ParticipantId, Session>);

struct Session {
    /// Names it in its address.
    secret: Token,
    /// What it came with, so that no other pass speaks for it.
    token: Token,
    kind: StreamKind,
    /// It watches one participant alone.
    sees_one: bool,
    offer: MediaOffer,
    /// How often ICE was restarted.
    restarts: u32,
}

impl Session {
    fn tag(&self) -> String {
        self.restarts.to_string()
    }
}

impl Streams {
    pub(super) fn forget(&mut self, id: ParticipantId) {
        self.0.remove(&id);
    }

    /// Somebody watches who has not said whom.
    pub(super) fn see_all(&self) -> bool {
        self.0.values().any(|session| session.kind == StreamKind::Watch && !session.sees_one)
    }

    fn find(
        &mut self,
        secret: &Token,
        token: &Token,
        kind: StreamKind,
    ) -> Result<(ParticipantId, &mut Session), StreamError> {
        let mut sessions = self.0.iter_mut();
        let found = sessions.find(|(_, session)| {
            session.secret == *secret && session.token == *token && session.kind == kind
        });
        found.map(|(id, session)| (*id, session)).ok_or(StreamError::NoSession)
    }
}

impl Room {
    pub(super) async fn take_stream(&mut self, letter: StreamLetter) {
        let StreamLetter { token, kind, ask, answer } = letter;
        let answered = match ask {
            StreamAsk::Begin { offer, whom } => self.begin_stream(token.clone(), kind, &offer, whom).await,
            StreamAsk::Trickle { session, tag } => self.trickle(&session, &token, kind, &tag),
            StreamAsk::Restart { session, ice } => self.restart_stream(&session, &token, kind, &ice).await,
            StreamAsk::End { session } => self.end_stream(&session, &token, kind).await,
        };
        if let Err(Ok(StreamAnswer::Begun { session, .. })) = answer.send(answered) {
            // Whoever asked is gone, and does not know what it would have to delete.
            let _ = self.end_stream(&session, &token, kind).await;
        }
    }

    async fn begin_stream(
        &mut self,
        token: Token,
        kind: StreamKind,
        offer: &MediaOffer,
        whom: Option<ParticipantId>,
    ) -> Result<StreamAnswer, StreamError> {
        let pass = self.meeting.admit(&token, kind, offer, self.service.clock.now())?;
        let id = self.next_id();
        let offer = offer.only(kind.flow());
        let sdp = self.answer_stream(id, Some(pass.name.clone()), &offer).await?;
        let secret = Token::random(&mut OsRng.unwrap_err());
        let sees_one = whom.is_some();
        let session =
            Session { secret: secret.clone(), token, kind, sees_one, offer: offer.clone(), restarts: 0 };
        let tag = session.tag();
        self.streams.0.insert(id, session);
        self.handle(Input::Stream { id, pass, offer }).await;
        match whom {
            Some(whom) => self.handle(Input::StreamView(id, whom)).await,
            None if kind == StreamKind::Watch => self.talk.show_all(id).await,
            None => {}
        }
        debug!(meeting = self.number, participant = id.0, "a program sends or watches");
        Ok(StreamAnswer::Begun { sdp, session: secret, tag })
    }

    /// An ICE-lite agent needs no candidates of others (RFC 8445, section 2.5), so they are taken and forgotten.
    fn trickle(
        &mut self,
        session: &Token,
        token: &Token,
        kind: StreamKind,
        tag: &str,
    ) -> Result<StreamAnswer, StreamError> {
        let (_, session) = self.streams.find(session, token, kind)?;
        if session.tag() == tag { Ok(StreamAnswer::Trickled) } else { Err(StreamError::Stale) }
    }

    async fn restart_stream(
        &mut self,
        session: &Token,
        token: &Token,
        kind: StreamKind,
        ice: &IceCredentials,
    ) -> Result<StreamAnswer, StreamError> {
        let (id, known) = self.streams.find(session, token, kind)?;
        let offer = known.offer.restarted(ice);
        self.meeting.may_offer(token, kind, self.service.clock.now())?;
        let name = self.meeting.name(id).cloned();
        let sdp = match self.answer_stream(id, name, &offer).await {
            Ok(sdp) => sdp,
            Err(error) => {
                self.stream_over(id).await;
                return Err(error);
            }
        };
        let (_, known) = self.streams.find(session, token, kind)?;
        known.offer = offer;
        known.restarts += 1;
        Ok(StreamAnswer::Restarted { sdp, tag: known.tag() })
    }

    async fn end_stream(
        &mut self,
        session: &Token,
        token: &Token,
        kind: StreamKind,
    ) -> Result<StreamAnswer, StreamError> {
        let (id, _) = self.streams.find(session, token, kind)?;
        self.stream_over(id).await;
        Ok(StreamAnswer::Ended)
    }

    /// A program is gone, if this is one: it does not come back by itself as browsers do.
    pub(super) async fn stream_over(&mut self, id: ParticipantId) {
        if self.streams.0.contains_key(&id) {
            self.handle(Input::Leave(id)).await;
        }
    }

    async fn answer_stream(
        &mut self,
        id: ParticipantId,
        name: Option<DisplayName>,
        offer: &MediaOffer,
    ) -> Result<String, StreamError> {
        let policy = self.meeting.camera_policy();
        let answer = self.talk.answer(id, name, offer.clone(), policy).await;
        answer.map_err(|error| {
            warn!(meeting = self.number, participant = id.0, %error, "a program's offer is not answered");
            StreamError::NoAnswer(error)
        })
    }
}
