//! What a process has taken of processor and memory, as the kernel tells it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time of all its threads that live.
pub fn cpu(process: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task")).context("the server's threads")? {
        // A thread may end while it is looked at.
        let Ok(line) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let nanoseconds = line.split(' ').next().and_then(|word| word.parse().ok());
        total += Duration::from_nanos(nanoseconds.context("schedstat begins with nanoseconds")?);
    }
    Ok(total)
}

/// Bytes of memory that it holds.
pub fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("the server's state")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is in kB")?;
    Ok(kibibytes * 1024)
}

/// Datagrams that sockets of this network namespace had no room for, so far.
pub fn dropped_at_sockets() -> Result<u64> {
    let table = fs::read_to_string("/proc/net/snmp")?;
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = lines.next().zip(lines.next()).context("/proc/net/snmp has UDP's counters")?;
    let mut both = names.split(' ').zip(values.split(' '));
    let value = both.find(|(name, _)| *name == "RcvbufErrors").map(|(_, value)| value.parse());
    Ok(value.context("RcvbufErrors is among them")??)
}
