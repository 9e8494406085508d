//! One recording: what all its processes take.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use convene_bench::clock::{now, pause};
use rustix::process::{Pid, Signal, kill_process};

use crate::material::{Material, bytes};
use crate::systems::System;

/// Programs have started, and encoders have settled.
const WARM_UP: Duration = Duration::from_secs(5);
/// Nothing has ended yet.
const BEFORE_END: Duration = Duration::from_secs(2);
/// Whoever has not ended by itself so long after the material is told to.
const END_MAX: Duration = Duration::from_secs(3);
/// Whoever takes longer than this then hangs.
const READY_MAX: Duration = Duration::from_secs(30);
const TICKS_A_SECOND: f64 = 100.0;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Processor time for a second.
    pub cores: f64,
    /// Memory of all processes at its highest, shared parts counted for each.
    pub peak_mib: f64,
    /// Of the file.
    pub kbps: f64,
    /// From the material's end, or from when it was told to end, until the file is whole.
    pub ready_s: f64,
}

/// Records all of the material.
pub fn record(system: System, material: &Material) -> Result<Outcome> {
    let length = Duration::from_secs(material.seconds);
    let start = now();
    let mut session = Session::start(system, material)?;
    wait_until(start + WARM_UP);
    let (began, before) = (now(), session.ticks());
    wait_until(start + length.saturating_sub(BEFORE_END));
    let seconds = (now() - began).as_secs_f64();
    let cores = (session.ticks() - before) / TICKS_A_SECOND / seconds;
    let peak_mib = session.peak_mib();
    let mut ended = start + length;
    if !session.has_ended_until(ended + END_MAX)? {
        // A live compositor does not notice that all has ended.
        session.interrupt()?;
        ended = now();
        ensure!(session.has_ended_until(ended + READY_MAX)?, "the recorder does not end");
    }
    let ready_s = now().saturating_duration_since(ended).as_secs_f64();
    let kbps = bytes(&system.output(material))? as f64 * 8.0 / 1000.0 / length.as_secs_f64();
    Ok(Outcome { cores, peak_mib, kbps, ready_s })
}

/// How much of what happened until then is not in the file of a recorder that is killed; starting counts too.
pub fn seconds_lost_on_kill(system: System, material: &Material, after: Duration) -> Result<f64> {
    let session = Session::start(system, material)?;
    let start = now();
    wait_until(start + after);
    drop(session);
    let output = system.output(material);
    let times = ["-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", &output];
    let probe = Command::new("ffprobe").args(times).output().context("ffprobe")?;
    let times = String::from_utf8_lossy(&probe.stdout);
    let last =
        times.lines().filter_map(|time| time.trim_end_matches(',').parse::<f64>().ok()).fold(0.0, f64::max);
    Ok(after.as_secs_f64() - last)
}

/// All processes of a recorder; they end with the value.
struct Session {
    child: Child,
}

impl Session {
    fn start(system: System, material: &Material) -> Result<Self> {
        let mut command = system.command(material)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
        Ok(Self { child: child.with_context(|| format!("{system:?}"))? })
    }

    fn has_ended_until(&mut self, until: Instant) -> Result<bool> {
        while self.child.try_wait()?.is_none() {
            if until <= now() {
                return Ok(false);
            }
            pause();
        }
        Ok(true)
    }

    /// As somebody at a terminal would end it.
    fn interrupt(&self) -> Result<()> {
        let id = Pid::from_raw(self.child.id().try_into()?).context("a process has a number")?;
        Ok(kill_process(id, Signal::INT)?)
    }

    /// Processor time, in clock ticks.
    fn ticks(&self) -> f64 {
        self.processes().iter().map(|process| process.ticks).sum()
    }

    fn peak_mib(&self) -> f64 {
        let peak = |process: &Process| {
            let status = fs::read_to_string(format!("/proc/{}/status", process.id)).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches(" kB").parse::<f64>().ok()
        };
        self.processes().iter().filter_map(peak).sum::<f64>() / 1024.0
    }

    fn processes(&self) -> Vec<Process> {
        let Ok(listed) = fs::read_dir("/proc") else { return Vec::new() };
        let session = i64::from(self.child.id());
        listed.flatten().filter_map(|entry| Process::read(entry.file_name().to_str()?, session)).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for process in self.processes() {
            if let Some(id) = Pid::from_raw(process.id) {
                // It may have ended by itself.
                let _ = kill_process(id, Signal::KILL);
            }
        }
        let _ = self.child.wait();
    }
}

struct Process {
    id: i32,
    ticks: f64,
}

impl Process {
    /// One of this session; proc(5).
    fn read(id: &str, session: i64) -> Option<Self> {
        let id = id.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<i64> =
            rest.split(' ').skip(1).filter_map(|field| field.trim().parse().ok()).collect();
        // Behind the state: parent, group, session; user and system time come eighth after that.
        (*fields.get(2)? == session).then_some(Self { id, ticks: (fields.get(10)? + fields.get(11)?) as f64 })
    }
}

fn wait_until(at: Instant) {
    while now() < at {
        pause();
    }
}
