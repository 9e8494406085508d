//! The servers that are measured: each a process of its own, set up as its makers say is fastest.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::network::{SERVER, Side};

/// The room that Janus is set up with.
pub const JANUS_ROOM: u32 = 1;
const CONVENE_HTTP: u16 = 8080;
const JANUS_HTTP: u16 = 8088;

/// Parts of Janus that are not needed.
const JANUS_PLUGINS: [&str; 11] = [
    "audiobridge",
    "duktape",
    "echotest",
    "lua",
    "nosip",
    "recordplay",
    "sip",
    "streaming",
    "textroom",
    "videocall",
    "voicemail",
];
const JANUS_TRANSPORTS: [&str; 5] = ["websockets", "pfunix", "mqtt", "nanomsg", "rabbitmq"];

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Our element, in gst-launch-1.0.
    Convene,
    /// Janus's VideoRoom.
    Janus,
}

/// One that runs.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it; its files go into this folder.
    pub fn start(kind: Kind, side: &Side, folder: &Path) -> Result<Self> {
        // A peer of Janus has about five files open.
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
            .context("the limit of open files")?;
        let (mut command, port) = match kind {
            Kind::Convene => (convene(side)?, CONVENE_HTTP),
            Kind::Janus => (janus(side, folder)?, JANUS_HTTP),
        };
        let log = File::create(folder.join("server.log"))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("the server")?;
        Ok(Self { child, address: SocketAddr::new(SERVER, port) })
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its HTTP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn convene(side: &Side) -> Result<std::process::Command> {
    let plugins = std::env::current_exe()?.parent().map(PathBuf::from).context("we are in a folder")?;
    let mut command = side.command("gst-launch-1.0");
    command.env("GST_PLUGIN_PATH", plugins).env("GST_REGISTRY_FORK", "no");
    command.args(["--quiet", "vp8relay", "workers=1"]);
    command.arg(format!("http={SERVER}:{CONVENE_HTTP}"));
    Ok(command)
}

fn janus(side: &Side, folder: &Path) -> Result<std::process::Command> {
    let write = |name: &str, text: String| fs::write(folder.join(name), text);
    write(
        "janus.jcfg",
        format!(
            "general: {{ debug_level = 2; session_timeout = 0; event_loops = 2; configs_folder = \"{}\" }}\n\
            nat: {{ ice_lite = true; ice_enforce_list = \"{SERVER}\" }}\n\
            plugins: {{ disable = \"{}\" }}\ntransports: {{ disable = \"{}\" }}\n",
            folder.display(),
            libraries(&JANUS_PLUGINS),
            libraries(&JANUS_TRANSPORTS)
        ),
    )?;
    write(
        "janus.transport.http.jcfg",
        format!("general: {{ http = true; ip = \"{SERVER}\"; port = {JANUS_HTTP} }}\n"),
    )?;
    write(
        "janus.plugin.videoroom.jcfg",
        format!(
            "room-{JANUS_ROOM}: {{ description = \"bench\"; publishers = 20; bitrate = 0; videocodec = \"vp8\" }}\n"
        ),
    )?;
    let mut command = side.command("janus");
    command.arg(format!("--configs-folder={}", folder.display()));
    Ok(command)
}

fn libraries(names: &[&str]) -> String {
    names.iter().map(|name| format!("libjanus_{name}.so")).collect::<Vec<_>>().join(",")
}
