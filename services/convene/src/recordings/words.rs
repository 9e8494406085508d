//! Numbers and states as people read them, and where the lines go.

use std::io::{ErrorKind, Write};

use anyhow::Context;
use convene_recordings::Recording;
use time::OffsetDateTime;
use time::macros::format_description;

/// One line on standard output. Whoever reads may have had enough (`… | head`); that is no failure.
pub(super) fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("Standard output cannot be written"),
    }
}

/// A recording in one line.
pub(super) fn line(recording: &Recording) -> String {
    let Recording { id, title, started, duration_ms, bytes, .. } = recording;
    format!("{id}  {title}, {}, {}, {}", date(*started), length(*duration_ms), size(*bytes))
}

pub(super) fn date(date: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    date.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_else(|_| "?".into())
}

pub(super) fn length(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1000.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"kB");
    // What would be rounded to 1000.0 is the next unit's 1.0.
    while 999.95 <= size {
        let Some(next) = units.next() else { break };
        (size, unit) = (size / 1000.0, next);
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_lengths_are_short() {
        assert_eq!(
            [0, 999, 1000, 1_500_000, 999_949, 999_950, 2_000_000_000_000_000].map(size),
            ["0 B", "999 B", "1.0 kB", "1.5 MB", "999.9 kB", "1.0 MB", "2000.0 TB"]
        );
        assert_eq!([0, 61_999, 36_000_000].map(length), ["0:00:00", "0:01:01", "10:00:00"]);
        assert_eq!(date(OffsetDateTime::UNIX_EPOCH), "1970-01-01 00:00");
    }
}
