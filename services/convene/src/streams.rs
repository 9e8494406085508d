//! The meeting's sound on its way into a recording. It comes beside the screen, and a recording goes on without it.

use std::time::Duration;

use anyhow::Context;
use convene_pipelines::{Connection, RecordingSound};

/// How long to wait before a lost connection is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Where the sound is had, and with which right.
struct Source {
    client: reqwest::Client,
    url: String,
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
            url: format!("{server}/api/meetings/{code}/sound"),
            token: meeting.token.clone().unwrap_or_default(),
        })
    }
}

/// Follows the sound until the meeting is over or this is aborted.
pub(crate) async fn follow(meeting: Connection, mut sound: RecordingSound) {
    // Reading the system's certificates takes half a second, in which the recording runs already.
    let source = match tokio::task::spawn_blocking(move || Source::of(&meeting)).await {
        Ok(Ok(source)) => source,
        Ok(Err(error)) => return tracing::warn!(%error, "the recording has no sound"),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    while let Err(error) = listen(&source, &mut sound).await {
        tracing::debug!(%error, "the meeting's sound is away for a moment");
        sound = sound.again();
        tokio::time::sleep(RETRY).await;
    }
}

/// `Ok` when the meeting is over, or the recording takes nothing more.
async fn listen(source: &Source, sound: &mut RecordingSound) -> anyhow::Result<()> {
    let request = source.client.get(&source.url).bearer_auth(&source.token);
    let mut answer = request.send().await?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(());
    }
    answer = answer.error_for_status()?;
    while let Some(piece) = answer.chunk().await? {
        sound.push(&piece)?;
    }
    // It ends with the meeting; the next question would be answered so.
    anyhow::bail!("the server has ended the sound")
}
