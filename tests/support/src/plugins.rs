//! `gst-inspect-1.0` and `gst-launch-1.0` with the plugins just built, as a developer's shell would run them.

use std::{
    io::Read,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// Seconds after which a command is ended: a pipeline that hangs has failed.
const COMMAND_SECONDS_MAX: u32 = 60;

/// A folder of plugins and a registry of its own.
#[derive(Debug)]
pub struct Plugins {
    folder: TempDir,
}

/// How a command ended and what it printed, on both outputs.
#[derive(Debug)]
pub struct Ran {
    /// It ended with 0.
    pub ok: bool,
    /// Both outputs, one after the other.
    pub output: String,
}

impl Plugins {
    /// Takes `lib{name}.so` for each name from the folder that the running test lies in: cargo builds it there together with the test.
    ///
    /// # Panics
    /// When one of them is not built: then nothing could be tested.
    pub fn new(names: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        for name in names {
            let file = format!("lib{name}.so");
            let built = build_folder().join(&file);
            assert!(built.exists(), "{} is not built: the test's own crate builds it", built.display());
            symlink(&built, folder.path().join(&file)).expect("a link in an empty folder can be made");
        }
        Self { folder }
    }

    /// Where commands can leave files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `gst-inspect-1.0 ELEMENT`.
    pub fn inspect(&self, element: &str) -> Ran {
        self.run("gst-inspect-1.0", &[element])
    }

    /// `gst-launch-1.0 LINE`, the line split at white space as a shell would without quotes.
    pub fn launch(&self, line: &str) -> Ran {
        let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "\\").collect();
        self.run("gst-launch-1.0", &words)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        let mut child = Command::new("timeout")
            .arg(COMMAND_SECONDS_MAX.to_string())
            .arg(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("GST_PLUGIN_PATH", self.folder.path())
            .env("GST_REGISTRY", self.folder.path().join("registry.bin"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("coreutils and gstreamer1.0-tools are installed");
        let mut errors = child.stderr.take().expect("stderr is piped");
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            errors.read_to_end(&mut text).map(|_| text)
        });
        let done = child.wait_with_output().expect("a child can be waited for");
        let errors = reader.join().expect("the reader does not panic").expect("a pipe can be read");
        let output = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&errors);
        Ran { ok: done.status.success(), output }
    }
}

/// `target/debug/deps` or the like.
fn build_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    test.parent().expect("a test lies in a folder").to_path_buf()
}
