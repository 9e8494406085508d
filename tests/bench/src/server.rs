//! The servers that are measured: each a process of its own, set up as its makers say is fastest.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::network::{SERVER, Side};

/// The room that Janus is set up with.
pub const JANUS_ROOM: u32 = 1;
const JANUS_HTTP: u16 = 8088;

/// All of Janus's plugins in Debian's package.
const JANUS_PLUGINS: [&str; 12] = [
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
    "videoroom",
    "voicemail",
];
const JANUS_TRANSPORTS: [&str; 5] = ["websockets", "pfunix", "mqtt", "nanomsg", "rabbitmq"];

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Ours.
    Convene,
    /// Debian's Janus.
    Janus,
}

/// One that runs.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it; its files go into this folder, its HTTP is at this port.
    pub fn start(mut command: Command, port: u16, folder: &Path) -> Result<Self> {
        // A peer of Janus has about five files open.
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
            .context("the limit of open files")?;
        let log = File::create(folder.join("server.log"))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("the server")?;
        Ok(Self { child, address: SocketAddr::new(SERVER, port) })
    }

    /// Starts Janus with one plugin, of which `configuration` says the room.
    pub fn janus(side: &Side, folder: &Path, plugin: &str, configuration: &str) -> Result<Self> {
        let write = |name: &str, text: &str| fs::write(folder.join(name), text);
        let others = JANUS_PLUGINS.into_iter().filter(|other| *other != plugin);
        let main = format!(
            "general: {{ debug_level = 2; session_timeout = 0; event_loops = 2; configs_folder = \"{}\" }}\n\
            nat: {{ ice_lite = true; ice_enforce_list = \"{SERVER}\" }}\n\
            plugins: {{ disable = \"{}\" }}\ntransports: {{ disable = \"{}\" }}\n",
            folder.display(),
            libraries(others),
            libraries(JANUS_TRANSPORTS)
        );
        write("janus.jcfg", &main)?;
        let http = format!("general: {{ http = true; ip = \"{SERVER}\"; port = {JANUS_HTTP} }}\n");
        write("janus.transport.http.jcfg", &http)?;
        write(
            &format!("janus.plugin.{plugin}.jcfg"),
            &format!("room-{JANUS_ROOM}: {{ {configuration} }}\n"),
        )?;
        let mut command = side.command("janus");
        command.arg(format!("--configs-folder={}", folder.display()));
        Self::start(command, JANUS_HTTP, folder)
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

fn libraries(names: impl IntoIterator<Item = &'static str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("libjanus_{name}.so")).collect();
    names.join(",")
}
