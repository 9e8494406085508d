//! Which runs there are, and how one is carried out.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::report::{self, Table};
use crate::scenario::{Outcome, Scenario};
use crate::{Arguments, servers};
use convene_bench::network::Network;
use convene_bench::server::Kind;

/// How many watch two cameras, where the price of a packet is measured.
const VIEWERS: [u32; 3] = [50, 100, 250];
const KINDS: [Kind; 2] = [Kind::Convene, Kind::Janus];
const REPEATS: usize = 5;

/// What is shown: cameras, viewers, bytes of a packet; each camera 20 pictures a second of three packets.
#[derive(Clone, Copy, Debug)]
struct Show {
    feeds: u32,
    viewers: u32,
    packet_bytes: usize,
    seconds: u64,
    newcomers: u32,
}

/// All that were asked for; prints what comes of them.
pub fn all(arguments: &Arguments) -> Result<()> {
    let network = Network::make()?;
    let seconds = if arguments.quick { 5 } else { 10 };
    let mut table = Table::default();
    if arguments.wants("packet") {
        for repeat in 0..if arguments.quick { 1 } else { REPEATS } {
            for viewers in VIEWERS {
                for kind in KINDS.into_iter().filter(|kind| arguments.wants_server(*kind)) {
                    let show = Show { feeds: 2, viewers, packet_bytes: 1100, seconds, newcomers: 0 };
                    let outcome = play(&network, kind, show)?;
                    report::print_run(&format!("{kind:?}, {viewers} viewers, run {}", repeat + 1), &outcome);
                    table.add(kind, viewers, &outcome);
                }
            }
        }
        table.print();
    }
    let load = if arguments.wants("load") {
        // 60 packets a second of 1,041 bytes are 500 kbit/s.
        let show = Show { feeds: 10, viewers: 250, packet_bytes: 1041, seconds: 2 * seconds, newcomers: 5 };
        let outcome = play(&network, Kind::Convene, show)?;
        report::print_run("Convene, 10 cameras, 250 viewers", &outcome);
        Some(outcome)
    } else {
        None
    };
    println!("{}", report::json(&table, load.as_ref()));
    Ok(())
}

/// One run: a server, and everybody.
fn play(network: &Network, kind: Kind, show: Show) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let server = servers::start(kind, network.server(), folder.path())?;
    let scenario = Scenario {
        kind,
        address: server.address(),
        process: server.process(),
        feeds: show.feeds,
        viewers: show.viewers,
        frames_a_second: 20,
        packets_a_frame: 3,
        packet_bytes: show.packet_bytes,
        seconds: show.seconds,
        newcomers: show.newcomers,
    };
    let own = std::env::current_exe()?;
    let mut generator = network.generator().command(own.to_str().context("our own path is text")?);
    generator.args(["generate", &serde_json::to_string(&scenario)?]);
    let output = generator.stderr(Stdio::inherit()).output().context("the generator")?;
    if !output.status.success() {
        let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
        eprintln!("{log}");
    }
    ensure!(output.status.success(), "the generator fails with {kind:?}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
