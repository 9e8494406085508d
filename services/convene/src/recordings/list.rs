//! `convene recordings list`.

use convene_recordings::{Copy, Recording};

use super::Place;
use super::words::{date, length, say, size};

const HEAD: [&str; 7] = ["ID", "CODE", "START (UTC)", "LENGTH", "SIZE", "STATE", "REGIONS"];

pub(super) fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let recordings = place.catalogue.recordings()?;
    if json {
        return say(&serde_json::to_string_pretty(&recordings)?);
    }
    let rows: Vec<_> = recordings.iter().map(row).collect();
    table(&rows).iter().try_for_each(|line| say(line))
}

/// What the service says about a recording stands after the regions.
fn row(recording: &Recording) -> [String; 7] {
    let region = |copy: &Copy| format!("{} {}", copy.region, copy.state.word());
    let mut regions = recording.regions.iter().map(region).collect::<Vec<_>>().join(", ");
    if let Some(message) = &recording.message {
        regions = format!("{regions}  {message}");
    }
    [
        recording.id.to_string(),
        recording.code.clone(),
        date(recording.started),
        length(recording.duration_ms),
        size(recording.bytes),
        recording.state.word().to_owned(),
        regions,
    ]
}

/// Each column as wide as its widest field; numbers stand at the right.
fn table(rows: &[[String; 7]]) -> Vec<String> {
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| {
        std::iter::once(&head).chain(rows).map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |row: &[String; 7]| {
        let field = |(at, text): (usize, &String)| match at {
            3 | 4 => format!("{text:>width$}", width = widths[at]),
            _ => format!("{text:<width$}", width = widths[at]),
        };
        row.iter().enumerate().map(field).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&head).chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let row = |id: &str, size: &str| {
            [id, "123456789", "2026-01-31 10:00", "0:01:01", size, "ready", "a complete, b complete"]
                .map(str::to_owned)
        };
        let lines = table(&[row("x", "5 B"), row("longer", "12.0 MB")]);
        assert_eq!(
            lines,
            [
                "ID      CODE       START (UTC)        LENGTH     SIZE  STATE  REGIONS",
                "x       123456789  2026-01-31 10:00  0:01:01      5 B  ready  a complete, b complete",
                "longer  123456789  2026-01-31 10:00  0:01:01  12.0 MB  ready  a complete, b complete",
            ]
        );
    }
}
