//! The meeting's sound and faces on their way into a recording. They come beside the screen, and a recording goes on without them.

use std::time::Duration;

use anyhow::Context;
use convene_pipelines::{Connection, PipelineError, RecordingFaces, RecordingSound, RecordingVoices};
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

/// How long to wait before a lost connection is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How long a recording of the sound alone waits for a meeting that does not answer any more. Silence is recorded meanwhile.
pub(crate) const AWAY_MAX: Duration = Duration::from_secs(30);

/// How long the server may take to let a recorder connect.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// What takes in a stream.
trait Intake {
    /// The stream's name, at the meeting's address.
    const NAME: &'static str;
    /// A stream that says nothing for so long is gone, however its line looks.
    const SILENCE_MAX: Duration;

    /// A piece, cut anywhere.
    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError>;

    /// The next piece is of another connection.
    fn again(self) -> Self;
}

impl Intake for RecordingSound {
    const NAME: &'static str = "sound";
    /// Silence has its packets, too.
    const SILENCE_MAX: Duration = AWAY_MAX;

    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        Self::push(self, piece)
    }

    fn again(self) -> Self {
        Self::again(self)
    }
}

impl Intake for RecordingFaces {
    const NAME: &'static str = "faces";
    /// Where nobody is seen there is nothing to say.
    const SILENCE_MAX: Duration = Duration::MAX;

    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        Self::push(self, piece)
    }

    fn again(self) -> Self {
        Self::again(self)
    }
}

impl Intake for RecordingVoices {
    const NAME: &'static str = "voices";
    /// Where nobody speaks there is nothing to say.
    const SILENCE_MAX: Duration = Duration::MAX;

    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        Self::push(self, piece)
    }

    fn again(self) -> Self {
        Self::again(self)
    }
}

/// Where the streams are had, and with which right.
#[derive(Clone)]
struct Source {
    client: reqwest::Client,
    meeting: String,
    token: String,
}

impl Source {
    async fn open(meeting: Connection) -> anyhow::Result<Self> {
        // Reading the system's certificates takes half a second.
        match tokio::task::spawn_blocking(move || Self::of(&meeting)).await {
            Ok(source) => source,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Beside the meeting's screen.
    fn of(meeting: &Connection) -> anyhow::Result<Self> {
        let (server, code) =
            meeting.location.rsplit_once('/').context("The meeting's address has no code")?;
        let mut client = reqwest::Client::builder().connect_timeout(CONNECT_MAX);
        if let Some(file) = &meeting.ca_file {
            let pem = std::fs::read(file)
                .with_context(|| format!("The certificate {} cannot be read", file.display()))?;
            for certificate in reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{} holds no certificate", file.display()))?
            {
                client = client.add_root_certificate(certificate);
            }
        }
        Ok(Self {
            client: client.build().context("HTTPS cannot be spoken")?,
            meeting: format!("{server}/api/meetings/{code}"),
            token: meeting.token.clone().unwrap_or_default(),
        })
    }

    /// A stream of the meeting's, or `None` when the meeting is over.
    async fn ask(&self, stream: &str) -> anyhow::Result<Option<Response>> {
        let request = self.client.get(format!("{}/{stream}", self.meeting)).bearer_auth(&self.token);
        let answer = request.send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?))
    }

    /// The same, asked for again while nobody answers.
    async fn ask_until_answered(&self, stream: &str) -> Option<Response> {
        loop {
            match self.ask(stream).await {
                Ok(answer) => return answer,
                Err(error) => tracing::debug!(%error, stream, "the meeting is away for a moment"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Follows both until the meeting is over or this is aborted.
pub(crate) async fn follow(meeting: Connection, sound: RecordingSound, faces: RecordingFaces) {
    let source = match Source::open(meeting).await {
        Ok(source) => source,
        Err(error) => return tracing::warn!(%error, "the recording has neither sound nor faces"),
    };
    tokio::join!(take_in(&source, sound), take_in(&source, faces));
}

async fn take_in<I: Intake>(source: &Source, mut intake: I) {
    while let Some(answer) = source.ask_until_answered(I::NAME).await {
        intake = hear_out(answer, intake).await;
    }
}

/// The meeting's sound alone, for a recording without pictures.
pub(crate) struct Voices {
    source: Source,
    answer: Response,
    /// What each says, where that is wanted.
    each: Option<Response>,
}

impl Voices {
    /// Asks the meeting for them. Where there is none, or nobody answers, an error says so.
    pub(crate) async fn ask(meeting: Connection, wants_each: bool) -> anyhow::Result<Self> {
        let source = Source::open(meeting).await?;
        // First, so that each has what the mix has from its beginning.
        let each =
            if wants_each { source.ask(RecordingVoices::NAME).await.unwrap_or_default() } else { None };
        let answer = source.ask(RecordingSound::NAME).await.context("The meeting cannot be heard")?;
        let answer = answer.context("No meeting can be joined with this code.")?;
        Ok(Self { source, answer, each })
    }

    /// The same with a track for each. Whether these come or not, the sound tells when the meeting is over.
    pub(crate) async fn follow_each(mut self, sound: RecordingSound, mut voices: RecordingVoices) {
        let (source, each) = (self.source.clone(), self.each.take());
        let each = async {
            if let Some(answer) = each {
                voices = hear_out(answer, voices).await;
            }
            take_in(&source, voices).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.follow(sound) => {}
            () = each => {}
        }
    }

    /// Takes them in until the meeting is over, or has been away for so long that it does not come back.
    pub(crate) async fn follow(self, mut sound: RecordingSound) {
        let Self { source, mut answer, .. } = self;
        loop {
            sound = hear_out(answer, sound).await;
            let again = source.ask_until_answered(RecordingSound::NAME);
            answer = match timeout(AWAY_MAX, again).await {
                Ok(Some(answer)) => answer,
                Ok(None) => return,
                Err(_) => {
                    return tracing::warn!("the meeting is lost; the recording ends here");
                }
            };
        }
    }
}

/// Takes in a stream until it ends, is cut, or is silent for too long; then it is to be asked for again, after a while.
async fn hear_out<I: Intake>(mut answer: Response, mut intake: I) -> I {
    let error = loop {
        let Ok(piece) = timeout(I::SILENCE_MAX, answer.chunk()).await else {
            break anyhow::anyhow!("nothing has come for {:?}", I::SILENCE_MAX);
        };
        match piece {
            Ok(Some(piece)) => {
                if let Err(error) = intake.push(&piece) {
                    break anyhow::Error::from(error);
                }
            }
            // It ends with the meeting; the next question is answered so.
            Ok(None) => break anyhow::anyhow!("the server has ended the stream"),
            Err(error) => break error.into(),
        }
    };
    tracing::debug!(%error, stream = I::NAME, "the meeting is away for a moment");
    tokio::time::sleep(RETRY).await;
    intake.again()
}
