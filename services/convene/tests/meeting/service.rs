//! The program, running.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::display::Display;

/// Whoever waits longer than this waits in vain.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// `convene serve` with a folder of its own. Killed when it is dropped.
pub struct Service {
    program: Program,
    data: TempDir,
    port: u16,
}

/// A meeting as its host knows it.
pub struct Meeting {
    pub code: String,
    pub token: String,
}

impl AsRef<str> for Meeting {
    fn as_ref(&self) -> &str {
        &self.code
    }
}

impl Service {
    pub async fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder")).await
    }

    /// With the `convene.toml` that lies there, if one does.
    pub async fn start_in(data: TempDir) -> Self {
        let log = std::fs::File::create(data.path().join("log")).expect("a file");
        let mut command = convene();
        command
            .current_dir(data.path())
            .args(["--log-format", "json", "serve", "--listen", "127.0.0.1:0", "--media-port", "0", "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut program = Program(command.spawn().expect("it starts"));
        let mut line = String::new();
        let stdout = program.0.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        Self { program, data, port: port.unwrap_or_else(|| panic!("no address: {line}")) }
    }

    pub fn id(&self) -> u32 {
        self.program.0.id()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn certificate(&self) -> PathBuf {
        self.data.path().join("tls/cert.pem")
    }

    pub async fn meeting(&self) -> Meeting {
        let pem = std::fs::read(self.certificate()).expect("the certificate is made at the first start");
        let trust = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let client = reqwest::Client::builder().add_root_certificate(trust).build().expect("a client");
        let answer = client
            .post(format!("https://localhost:{}/api/meetings", self.port))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 201);
        let text = answer.text().await.expect("a body");
        let meeting: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let field = |name: &str| meeting[name].as_str().expect("a text").to_owned();
        Meeting { code: field("code"), token: field("token") }
    }

    pub fn present(&self, code: impl AsRef<str>, display: &Display) -> Program {
        Program::start(self.presenter(code.as_ref(), display).arg("--ca-file").arg(self.certificate()))
    }

    pub fn present_without_trust(&self, code: impl AsRef<str>, display: &Display) -> Program {
        Program::start(&mut self.presenter(code.as_ref(), display))
    }

    /// What it and its recorders have logged, an object a line.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.data.path().join("log")).expect("readable");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// The files of the recordings, in all regions.
    pub fn recorded(&self) -> Vec<PathBuf> {
        recorded(self.data.path())
    }

    pub fn end_by_signal(self) -> bool {
        self.program.end_by_signal()
    }

    /// Waits for its end; the data stays for a look.
    pub fn wait(mut self) -> TempDir {
        assert!(self.program.0.wait().expect("it ends").success());
        self.data
    }

    /// Kills it without a warning; the data stays for a look.
    pub fn kill(mut self) -> TempDir {
        self.program.0.kill().expect("it runs");
        self.program.0.wait().expect("it ends");
        self.data
    }

    fn presenter(&self, code: &str, display: &Display) -> Command {
        let mut command = convene();
        let server = format!("https://localhost:{}", self.port);
        command.args(["present", "--server", &server, "--code", code, "--display", &display.name]);
        command
    }
}

/// A running program that is killed when it is dropped.
pub struct Program(pub Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    /// Whether it ends well after a SIGTERM.
    pub fn end_by_signal(mut self) -> bool {
        terminate(self.0.id());
        self.0.wait().expect("it ends").success()
    }

    /// Whether it ends well by itself.
    pub fn ends_well(mut self) -> bool {
        self.0.wait().expect("it ends").success()
    }

    /// What a program that fails has said.
    pub fn said_at_its_end(mut self) -> String {
        let mut said = String::new();
        self.0.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
        assert!(!self.0.wait().expect("it ends").success(), "{said}");
        said
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `convene record` prints for this job, with its standard input left open until it fails.
pub fn record(job: &str) -> String {
    let mut command = convene();
    command.arg("record").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut program = Program(command.spawn().expect("it starts"));
    let mut input = program.0.stdin.take().expect("it is piped");
    writeln!(input, "{job}").expect("written");
    let mut said = String::new();
    program.0.stdout.take().expect("it is piped").read_to_string(&mut said).expect("text");
    assert!(!program.0.wait().expect("it ends").success(), "{said}");
    said
}

/// Sends SIGTERM.
pub fn terminate(id: u32) {
    let killed = Command::new("kill").args(["-TERM", &id.to_string()]).status().expect("kill is there");
    assert!(killed.success());
}

/// The files of the recordings below this data folder, in all regions.
pub fn recorded(data: &Path) -> Vec<PathBuf> {
    let list =
        |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let regions = list(data.join("regions"));
    let mut files: Vec<_> =
        regions.flat_map(list).filter(|path| path.extension().is_some_and(|end| end == "webm")).collect();
    files.sort();
    files
}

/// Looks again and again until there is something.
pub async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, search).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

pub fn convene() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convene"));
    for variable in
        ["DISPLAY", "XDG_SESSION_TYPE", "CONVENE_LISTEN", "CONVENE_DATA", "CONVENE_LOG", "CONVENE_SERVER"]
    {
        command.env_remove(variable);
    }
    command
}
