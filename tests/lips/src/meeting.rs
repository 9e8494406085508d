//! A talk and its recording: what the service and `convene record` join by HTTP, joined by hand.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use convene_pipelines::{
    MediaPort, PipelineError, RecordingEvent, RecordingEvents, RecordingFaces, RecordingPipeline,
    RecordingSound, TalkEvent, TalkPipeline, Watcher, init,
};
use convene_screen::{Encoder, Frame, PixelOrder, ScreenSize};
use gst::prelude::*;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use crate::{Clapper, Way};

/// As the service has them.
const WAITING_PACKETS_MAX: usize = 250;
const WAITING_RECORDS_MAX: usize = 1_500;
/// Whoever waits longer for the recorder waits in vain.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The clapper's number.
const PERSON: u32 = 3;

/// What is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// How the clapper's packets come.
    pub way: Way,
    /// Somebody presents a screen, which rests.
    pub has_screen: bool,
    /// For how long.
    pub length: Duration,
}

/// Records a clapper into this file.
pub async fn record(scene: Scene, file: &Path) -> Result<()> {
    init()?;
    let own = "127.0.0.1".parse()?;
    let at = MediaPort { port: 0, bind: Some(own), addresses: vec![own], tcp_port: None };
    let (talk, mut events) = TalkPipeline::start(&at, None)?;
    let screen = gst_app::AppSrc::builder()
        .is_live(true)
        .do_timestamp(true)
        .format(gst::Format::Time)
        .caps(&gst::Caps::new_empty_simple("video/x-convene-screen"))
        .build();
    let (recording, blocks) = RecordingPipeline::record(screen.clone().upcast())?;
    if scene.has_screen {
        screen.push_buffer(gst::Buffer::from_slice(dark_screen()?)).context("the screen is taken")?;
    }
    let (ear, packets) = channel(WAITING_PACKETS_MAX);
    let (eye, records) = channel(WAITING_RECORDS_MAX);
    let listener = talk.listen(ear)?;
    let mut watcher = Watcher::new(eye);
    let carried = [
        tokio::spawn(carry(packets, Intake::Sound(recording.sound()))),
        tokio::spawn(carry(records, Intake::Faces(recording.faces()))),
    ];
    let (mut clapper, offer) = Clapper::new(scene.way)?;
    clapper.join(&talk.answer(PERSON, "Ann", &offer)?)?;
    let watching = async {
        watcher.update(Some(&talk), scene.has_screen)?;
        while let Some(event) = events.recv().await {
            match event {
                TalkEvent::FeedsChanged => watcher.update(Some(&talk), scene.has_screen)?,
                TalkEvent::Failed(sentence) => bail!(sentence),
                _ => {}
            }
        }
        Ok(())
    };
    if let Ok(ended) = timeout(scene.length, watching).await {
        ended?;
    }
    recording.finish();
    let whole = collect(blocks).await?;
    drop((clapper, watcher, listener));
    for carried in carried {
        carried.abort();
    }
    std::fs::write(file, whole).with_context(|| file.display().to_string())
}

enum Intake {
    Sound(RecordingSound),
    Faces(RecordingFaces),
}

async fn carry(mut pieces: Receiver<Bytes>, mut intake: Intake) -> Result<(), PipelineError> {
    while let Some(piece) = pieces.recv().await {
        match &mut intake {
            Intake::Sound(sound) => sound.push(&piece)?,
            Intake::Faces(faces) => faces.push(&piece)?,
        }
    }
    Ok(())
}

/// The whole file, put together as the stores do.
async fn collect(mut events: RecordingEvents) -> Result<Vec<u8>> {
    let (mut first, mut rest) = (Bytes::new(), Vec::new());
    loop {
        match timeout(WAIT_MAX, events.next()).await?.context("it ends with an event")? {
            RecordingEvent::Block { number: 0, bytes, .. } | RecordingEvent::FirstAgain(bytes) => {
                first = bytes
            }
            RecordingEvent::Block { bytes, .. } => rest.extend_from_slice(&bytes),
            RecordingEvent::Joined | RecordingEvent::CutOff(_) => {}
            RecordingEvent::Ended { .. } => return Ok([&first, &rest[..]].concat()),
            RecordingEvent::Lost(sentence) | RecordingEvent::Failed(sentence) => bail!(sentence),
        }
    }
}

fn dark_screen() -> Result<Bytes> {
    let size = ScreenSize::new(640, 360).context("a size")?;
    let pixels = vec![40; size.area() * 4];
    let frame = Frame { size, stride: 640 * 4, order: PixelOrder::Bgrx, pixels: &pixels };
    let update = Encoder::new().frame(frame, Duration::ZERO).context("the first picture is another one")?;
    Ok(update)
}
