//! The recorder: a child process that speaks lines of JSON.

use std::process::Stdio;

use convene_recordings::{RecorderEvent, RecorderJob, RecorderOrder};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tracing::warn;

use crate::config::RecorderProgram;

/// The longest line of a recorder: an event with some copies.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A running recorder. Should this process die, the recorder sees its input closed and finishes by itself.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What a recorder did next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It told this.
    Event(RecorderEvent),
    /// It is gone; this is how.
    Gone(String),
}

impl Process {
    /// Starts the program and hands it the job. The error is a sentence.
    pub(crate) async fn start(program: &RecorderProgram, job: &RecorderJob) -> Result<Self, String> {
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!("The recorder {} cannot be started: {error}.", program.path.display())
            })?;
        let mut input = child.stdin.take().expect("its standard input is piped");
        let output = child.stdout.take().expect("its standard output is piped");
        let mut line = serde_json::to_vec(job).expect("a job has string keys only");
        line.push(b'\n');
        if let Err(error) = input.write_all(&line).await {
            return Err(format!("The recorder does not take its job: {error}."));
        }
        Ok(Self { child, input: Some(input), output: BufReader::new(output) })
    }

    /// Tells the recorder something. One that is gone is heard to be.
    pub(crate) async fn order(&mut self, order: RecorderOrder) {
        let Some(input) = &mut self.input else { return };
        let mut line = serde_json::to_vec(&order).expect("an order has string keys only");
        line.push(b'\n');
        if let Err(error) = input.write_all(&line).await {
            warn!(%error, "the recorder does not take an order");
        }
    }

    /// Tells the recorder to finish.
    pub(crate) fn finish(&mut self) {
        self.input = None;
    }

    /// The next thing it says. When this is given up, what was read of a line stays in `line` for the next call.
    pub(crate) async fn next(&mut self, line: &mut Vec<u8>) -> Heard {
        loop {
            let room = LINE_BYTES_MAX.saturating_sub(line.len() as u64);
            let read = (&mut self.output).take(room).read_until(b'\n', line).await;
            match read {
                Ok(0) if line.is_empty() => return Heard::Gone(self.how_it_ended().await),
                Ok(_) => {}
                Err(error) => return Heard::Gone(format!("The recorder cannot be heard any more: {error}.")),
            }
            let whole = std::mem::take(line);
            match serde_json::from_slice(&whole) {
                Ok(event) => return Heard::Event(event),
                Err(error) => {
                    warn!(%error, bytes = whole.len(), "the recorder says something that is no event")
                }
            }
        }
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            warn!(%error, "a recorder cannot be killed");
        }
    }

    async fn how_it_ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("The recorder ended before it had finished ({status})."),
            Err(error) => format!("The recorder is gone: {error}."),
        }
    }
}
