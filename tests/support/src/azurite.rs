//! A real Azurite, started by the test that needs it and ended with it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use convene_recordings::AzureConfig;
use tokio::sync::mpsc;

use crate::Program;

/// A slow machine starts it in this time; a hanging one fails the test.
const START_TIME: Duration = Duration::from_secs(60);
const INSTALL_SECONDS: &str = "240";

/// The account that every Azurite has; it and its key open nothing else.
const ACCOUNT: &str = "devstoreaccount1";
/// The shared key that every Azurite has.
pub const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running one; dropping it ends it.
#[derive(Debug)]
pub struct Azurite {
    /// Where it listens on this machine.
    pub port: u16,
    _program: Program,
    _folder: tempfile::TempDir,
}

impl Azurite {
    /// Starts one, installing it before where that is needed.
    ///
    /// # Panics
    /// When it does not start: then nothing could be tested.
    pub async fn start() -> Self {
        let script = tokio::task::spawn_blocking(installed).await.expect("it is installed");
        let folder = tempfile::tempdir().expect("a folder");
        let options =
            ["--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", "0"];
        let mut args = vec![script.as_os_str()];
        args.extend(options.map(OsStr::new));
        args.extend([OsStr::new("--location"), folder.path().as_os_str()]);
        let mut program = Program::start("node", args, Stdio::piped());
        let output = BufReader::new(program.output().expect("it is piped"));
        let (said, mut lines) = mpsc::unbounded_channel();
        // Read to the end, or it would fail at its log. Nobody needs the lines after the first ones.
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).for_each(|line| drop(said.send(line)))
        });

        let mut so_far = String::new();
        let listening = async {
            while let Some(line) = lines.recv().await {
                if let Some((_, port)) = line.split_once("successfully listens on http://127.0.0.1:") {
                    return port.trim().parse().ok();
                }
                so_far.push_str(&line);
                so_far.push('\n');
            }
            None
        };
        let port = tokio::time::timeout(START_TIME, listening).await.ok().flatten();
        let port = port.unwrap_or_else(|| panic!("Azurite did not start: {so_far}"));
        Self { port, _program: program, _folder: folder }
    }

    /// A container of this one as a region.
    #[must_use]
    pub fn config(&self, region: &str, container: &str) -> AzureConfig {
        azurite_config(self.port, region, container)
    }
}

/// A container as a region that is reached through this port.
///
/// # Panics
/// When the region's name is none.
#[must_use]
pub fn azurite_config(port: u16, region: &str, container: &str) -> AzureConfig {
    AzureConfig {
        region: region.parse().expect("a name"),
        account: ACCOUNT.to_owned(),
        container: container.to_owned(),
        endpoint: Some(format!("http://127.0.0.1:{port}/{ACCOUNT}")),
        key: Some(AZURITE_KEY.into()),
        key_env: None,
        key_file: None,
    }
}

/// Installs what `tests/azurite` pins, unless it is there.
fn installed() -> PathBuf {
    let room = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../azurite");
    let test = std::env::current_exe().expect("a running test has a path");
    let lock = File::create(test.with_file_name("azurite.lock")).expect("a lock file beside the test");
    lock.lock().expect("tests install one after the other");

    let script = room.join("node_modules/azurite/dist/src/blob/main.js");
    // npm writes this file last.
    if !room.join("node_modules/.package-lock.json").exists() || !script.exists() {
        let npm = Command::new("timeout")
            .args([INSTALL_SECONDS, "npm", "ci", "--no-audit", "--no-fund", "--prefix"])
            .arg(&room)
            .output()
            .expect("`timeout` of coreutils");
        assert!(
            npm.status.success(),
            "`npm ci` in tests/azurite failed ({}); Azurite is needed for the tests of the azure store: {}",
            npm.status,
            String::from_utf8_lossy(&npm.stderr)
        );
    }
    script
}
