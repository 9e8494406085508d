//! Another program for as long as a test needs it.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};

/// It lives until its standard input is closed, and that happens when this is dropped or the test's process ends; whatever happens to the
/// test, two minutes end it. It might wait for connections that a test has left open, so it gets a second and no more.
const RUN: &str =
    r#"exec 3<&0; timeout -k 1 120 "$@" </dev/null 3<&- 2>&1 & pid=$!; read -r _ <&3; kill $pid; wait $pid"#;

/// A running program; dropping it ends it.
#[derive(Debug)]
pub struct Program {
    child: Child,
}

impl Program {
    /// Starts it; what it says comes to `output`.
    ///
    /// # Panics
    /// When there is no shell.
    pub fn start(
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        output: Stdio,
    ) -> Self {
        let child = Command::new("sh")
            .args(["-c", RUN, "program"])
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(output)
            // The shell itself only has to say that it ended what it was to end.
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        Self { child }
    }

    /// What it says, if that is piped; once.
    pub fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When it cannot be told.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it can be asked")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
