//! What the system says of this process.

use std::fs;

use super::{Metrics, number};

impl Metrics {
    /// Where the system does not say it, the numbers stay as they were.
    pub(super) fn look_at_process(&self) {
        if let Some((cpu, pages)) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(parse) {
            let ticks = rustix::param::clock_ticks_per_second().max(1);
            let seconds = cpu as f64 / ticks as f64;
            let before = self.process.cpu.get();
            if before < seconds {
                self.process.cpu.inc_by(seconds - before);
            }
            self.process.memory.set(number(pages.saturating_mul(rustix::param::page_size() as u64)));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.process.files.set(number(files.count() as u64));
        }
    }
}

/// Ticks of CPU, and pages of memory: fields 14, 15 and 24 of proc_pid_stat(5). The name, field 2, may have blanks and parentheses in it.
fn parse(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some((field(14)? + field(15)?, field(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_is_no_trap() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1000 4096 321 0 0";
        assert_eq!(parse(stat), Some((300, 321)));
        for cut in ["", "7 (a)", "7 (a) S 1"] {
            assert_eq!(parse(cut), None);
        }
    }
}
