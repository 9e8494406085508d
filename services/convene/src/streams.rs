//! The meeting's sound and faces on their way into a recording. They come beside the screen, and a recording goes on without them.

use std::time::Duration;

use anyhow::Context;
use convene_pipelines::{Connection, PipelineError, RecordingFaces, RecordingSound};

/// How long to wait before a lost connection is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What takes in a stream.
trait Intake {
    /// The stream's name, at the meeting's address.
    const NAME: &'static str;

    /// A piece, cut anywhere.
    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError>;

    /// The next piece is of another connection.
    fn again(self) -> Self;
}

impl Intake for RecordingSound {
    const NAME: &'static str = "sound";

    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        Self::push(self, piece)
    }

    fn again(self) -> Self {
        Self::again(self)
    }
}

impl Intake for RecordingFaces {
    const NAME: &'static str = "faces";

    fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        Self::push(self, piece)
    }

    fn again(self) -> Self {
        Self::again(self)
    }
}

/// Where the streams are had, and with which right.
struct Source {
    client: reqwest::Client,
    meeting: String,
    token: String,
}

impl Source {
    /// Beside the meeting's screen.
    fn of(meeting: &Connection) -> anyhow::Result<Self> {
        let (server, code) =
            meeting.location.rsplit_once('/').context("The meeting's address has no code")?;
        let mut client = reqwest::Client::builder();
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
}

/// Follows both until the meeting is over or this is aborted.
pub(crate) async fn follow(meeting: Connection, sound: RecordingSound, faces: RecordingFaces) {
    // Reading the system's certificates takes half a second, in which the recording runs already.
    let source = match tokio::task::spawn_blocking(move || Source::of(&meeting)).await {
        Ok(Ok(source)) => source,
        Ok(Err(error)) => return tracing::warn!(%error, "the recording has neither sound nor faces"),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    tokio::join!(take_in(&source, sound), take_in(&source, faces));
}

async fn take_in<I: Intake>(source: &Source, mut intake: I) {
    while let Err(error) = listen(source, &mut intake).await {
        tracing::debug!(%error, stream = I::NAME, "the meeting is away for a moment");
        intake = intake.again();
        tokio::time::sleep(RETRY).await;
    }
}

/// `Ok` when the meeting is over, or the recording takes nothing more.
async fn listen<I: Intake>(source: &Source, intake: &mut I) -> anyhow::Result<()> {
    let request = source.client.get(format!("{}/{}", source.meeting, I::NAME)).bearer_auth(&source.token);
    let mut answer = request.send().await?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(());
    }
    answer = answer.error_for_status()?;
    while let Some(piece) = answer.chunk().await? {
        intake.push(&piece)?;
    }
    // It ends with the meeting; the next question would be answered so.
    anyhow::bail!("the server has ended the stream")
}
