//! How the two relays are started.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use convene_bench::network::{SERVER, Side};
use convene_bench::server::{Kind, Server};

const CONVENE_HTTP: u16 = 8080;

/// Starts one; its files go into this folder.
pub fn start(kind: Kind, side: &Side, folder: &Path) -> Result<Server> {
    match kind {
        Kind::Convene => {
            let own = std::env::current_exe()?;
            let plugins = own.parent().map(PathBuf::from).context("we are in a folder")?;
            let mut command = side.command("gst-launch-1.0");
            command.env("GST_PLUGIN_PATH", plugins).env("GST_REGISTRY_FORK", "no");
            command.args(["--quiet", "vp8relay", "workers=1"]);
            command.arg(format!("http={SERVER}:{CONVENE_HTTP}"));
            Server::start(command, CONVENE_HTTP, folder)
        }
        Kind::Janus => {
            let room = "description = \"bench\"; publishers = 20; bitrate = 0; videocodec = \"vp8\"";
            Server::janus(side, folder, "videoroom", room)
        }
    }
}
