//! `convene present`: this computer's screen, shown in a meeting until a signal.

use std::time::Duration;

use anyhow::{Context, bail};
use convene_pipelines::{Area, Connection, PresentEvent, PresentPipeline, PresentSource};

use crate::arguments::Present;
use crate::signals;

/// How long the last update may take to reach the service after a signal.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Presents until SIGTERM or SIGINT; then what is outstanding is sent and the meeting left.
pub(crate) async fn present(arguments: Present) -> anyhow::Result<()> {
    let stop = signals::asked_to_stop();
    let source = source(&arguments)?;
    let meeting = Connection {
        location: format!("{}/{}", arguments.server.0, arguments.code.0),
        name: Some(arguments.name),
        token: None,
        ca_file: arguments.ca_file,
        insecure: arguments.insecure,
    };
    let (pipeline, mut events) = PresentPipeline::start(&source, arguments.fps, &meeting)?;
    tracing::info!(location = meeting.location, "presenting; Ctrl-C ends it");

    let ended = tokio::select! {
        event = events.recv() => event,
        () = stop => {
            pipeline.finish();
            tokio::time::timeout(FAREWELL_MAX, events.recv()).await.context("The service does not take the last of the screen")?
        }
    };
    match ended {
        Some(PresentEvent::Failed(sentence)) => bail!(sentence),
        Some(PresentEvent::MeetingOver(sentence)) => {
            tracing::info!(sentence, "the meeting is over");
            Ok(())
        }
        Some(PresentEvent::Ended) | None => Ok(()),
    }
}

fn source(arguments: &Present) -> anyhow::Result<PresentSource> {
    if let Some(node) = arguments.pipewire_node {
        return Ok(PresentSource::PipeWire { node });
    }
    let wayland = std::env::var("XDG_SESSION_TYPE").is_ok_and(|session| session == "wayland");
    if wayland && arguments.display.is_none() {
        bail!(
            "This is a Wayland session, whose X display shows no screen. Give the screen's PipeWire node with --pipewire-node N, \
             present from the browser, or name an X display with --display."
        );
    }
    let monitor = arguments.monitor.clone().map(Area::Monitor);
    let area = arguments.window.map(Area::Window).or(monitor).or(arguments.area.clone()).unwrap_or_default();
    Ok(PresentSource::X11 { display: arguments.display.clone(), area })
}
