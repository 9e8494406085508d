//! Two network namespaces joined by a virtual cable, there for as long as the value lives.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where the server is.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 253, 17, 1));
/// Where the generator is.
pub const GENERATOR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 253, 17, 2));
/// Real time, so that what else this machine does is not measured.
const PRIORITY: &str = "1";
/// What the names of both sides begin with; the number of our process follows.
const NAMES: [&str; 2] = ["convene-server-", "convene-peers-"];

/// Both sides.
#[derive(Debug)]
pub struct Network {
    server: Side,
    generator: Side,
}

/// A namespace with one core of the machine.
#[derive(Debug)]
pub struct Side {
    name: String,
    core: usize,
}

impl Network {
    /// Makes it; needs root.
    pub fn make() -> Result<Self> {
        clear_leftovers()?;
        let number = std::process::id();
        let [server, peers] = NAMES.map(|name| format!("{name}{number}"));
        let network = Self { server: Side::make(server, 0)?, generator: Side::make(peers, 1)? };
        let [server, peers] = [&network.server.name, &network.generator.name];
        ip(&format!("link add wire netns {server} type veth peer name wire netns {peers}"))?;
        for (side, address) in [(server, SERVER), (peers, GENERATOR)] {
            ip(&format!("-n {side} address add {address}/24 dev wire"))?;
            ip(&format!("-n {side} link set wire up"))?;
            ip(&format!("-n {side} link set lo up"))?;
        }
        // Else the kernel would do the receivers' part on the server's core, in the middle of its sending.
        let steer = "echo 2 > /sys/class/net/wire/queues/rx-0/rps_cpus";
        let status = network.generator.command("sh").args(["-c", steer]).status()?;
        ensure!(status.success(), "receiving cannot be steered to the generator's core");
        Ok(network)
    }

    /// The server's side, with the first core.
    pub fn server(&self) -> &Side {
        &self.server
    }

    /// The generator's, with the second.
    pub fn generator(&self) -> &Side {
        &self.generator
    }
}

impl Side {
    fn make(name: String, core: usize) -> Result<Self> {
        ip(&format!("netns add {name}")).context("network namespaces need root")?;
        Ok(Self { name, core })
    }

    /// A program that will run there, for no longer than we do; its process is the one that is started.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "setpriv", "--pdeathsig", "KILL"]);
        command.args(["taskset", "--cpu-list", &self.core.to_string()]);
        command.args(["chrt", "--rr", PRIORITY, program]);
        command
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It goes with its end of the cable; what is left if this fails is a name.
        let _ = ip(&format!("netns delete {}", self.name));
    }
}

/// Deletes what a bench that was killed has left: its process is gone.
fn clear_leftovers() -> Result<()> {
    let listed = Command::new("ip").args(["netns", "list"]).output().context("the program ip (iproute2)")?;
    let listed = String::from_utf8(listed.stdout).context("names of network namespaces are text")?;
    for name in listed.lines().filter_map(|line| line.split(' ').next()) {
        let number = NAMES.iter().find_map(|prefix| name.strip_prefix(prefix)?.parse::<u32>().ok());
        if number.is_some_and(|number| !Path::new(&format!("/proc/{number}")).exists()) {
            ip(&format!("netns delete {name}"))?;
        }
    }
    Ok(())
}

fn ip(arguments: &str) -> Result<()> {
    let status =
        Command::new("ip").args(arguments.split(' ')).status().context("the program ip (iproute2)")?;
    ensure!(status.success(), "ip {arguments} fails");
    Ok(())
}
