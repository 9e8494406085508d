//! Which runs there are, and how one is carried out.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use convene_bench::clock::{now, pause};
use convene_bench::network::Network;
use convene_bench::peer::http;
use convene_bench::processor;
use convene_bench::server::{Kind, Server};

use crate::report::{TELEPHONE, Table, name};
use crate::scenario::{Joining, Outcome, Scenario};
use crate::{Arguments, serve};

/// Who are there.
const PARTICIPANTS: [u32; 5] = [10, 50, 100, 150, 250];
/// Janus is not asked for more: it has no core left then.
const JANUS_MAX: u32 = 100;
/// Who are there by telephone, each with a packet every 20 ms both ways, half of them with Opus and half with G.711.
const TELEPHONES: [u32; 1] = [250];
const SPEAKING: u32 = 3;
const REPEATS: usize = 3;
const KINDS: [Kind; 2] = [Kind::Convene, Kind::Janus];
/// Meetings in which nobody is.
const IDLE_MEETINGS: usize = 400;

/// All that were asked for; prints what comes of them.
pub fn all(arguments: &Arguments) -> Result<()> {
    let network = Network::make()?;
    let (repeats, seconds) = if arguments.quick { (1, 5) } else { (REPEATS, 10) };
    let mut table = Table::default();
    for repeat in 0..repeats {
        for participants in PARTICIPANTS.into_iter().filter(|count| arguments.wants_participants(*count)) {
            let kinds = KINDS.into_iter().filter(|kind| arguments.wants(*kind));
            let kinds = kinds.filter(|_| arguments.telephones != Some(true));
            for kind in kinds.filter(|kind| *kind != Kind::Janus || participants <= JANUS_MAX) {
                let outcome = play(&network, kind, Joining::Browser, participants, seconds)?;
                table.add(name(kind), participants, repeat + 1, outcome);
            }
        }
        let counts = TELEPHONES.into_iter().filter(|count| arguments.wants_participants(*count));
        let is_wanted = arguments.wants(Kind::Convene) && arguments.telephones != Some(false);
        for participants in counts.filter(|_| is_wanted) {
            let outcome = play(&network, Kind::Convene, Joining::Telephone, participants, seconds)?;
            table.add(TELEPHONE, participants, repeat + 1, outcome);
        }
    }
    let is_idle_wanted = arguments.wants(Kind::Convene) && arguments.telephones != Some(true);
    let idle_cores = is_idle_wanted.then(|| idle(&network, seconds)).transpose()?;
    table.print();
    if let Some(cores) = idle_cores {
        println!("{IDLE_MEETINGS} meetings in which nobody is: {cores:.4} cores");
    }
    println!("{}", table.json(SPEAKING, idle_cores));
    Ok(())
}

/// One run: a server, and everybody.
fn play(network: &Network, kind: Kind, joining: Joining, participants: u32, seconds: u64) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let server = match kind {
        Kind::Convene => convene(network, folder.path(), 1)?,
        Kind::Janus => {
            let room = "description = \"bench\"; sampling_rate = 48000";
            Server::janus(network.server(), folder.path(), "audiobridge", room)?
        }
    };
    let (address, process) = (server.address(), server.process());
    let scenario = Scenario { kind, joining, address, process, participants, speaking: SPEAKING, seconds };
    let mut generator = network.generator().command(&own_path()?);
    generator.args(["generate", &serde_json::to_string(&scenario)?]);
    let output = generator.stderr(Stdio::inherit()).output().context("the generator")?;
    if !output.status.success() {
        eprintln!("{}", std::fs::read_to_string(folder.path().join("server.log")).unwrap_or_default());
    }
    ensure!(output.status.success(), "the generator fails with {kind:?}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What meetings cost in which nobody is, in cores.
fn idle(network: &Network, seconds: u64) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = convene(network, folder.path(), IDLE_MEETINGS)?;
    let wait = |time: Duration| {
        let until = now() + time;
        while now() < until {
            pause();
        }
    };
    let status = network
        .generator()
        .command(&own_path()?)
        .args(["wait-for", &server.address().to_string()])
        .status()
        .context("ourselves")?;
    ensure!(status.success(), "the meetings do not start");
    wait(Duration::from_secs(2));
    let before = processor::cpu(server.process())?;
    wait(Duration::from_secs(seconds));
    Ok((processor::cpu(server.process())? - before).as_secs_f64() / seconds as f64)
}

/// Waits in the generator's part of the network until somebody listens there.
pub fn wait_for(address: &str) -> Result<()> {
    http::wait_for(address.parse()?)
}

fn convene(network: &Network, folder: &std::path::Path, meetings: usize) -> Result<Server> {
    let mut command = network.server().command(&own_path()?);
    command.args(["serve", &meetings.to_string()]);
    Server::start(command, serve::HTTP, folder)
}

fn own_path() -> Result<String> {
    let own = std::env::current_exe()?;
    Ok(own.to_str().context("our own path is text")?.to_owned())
}
