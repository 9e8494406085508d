//! Files of lines, one a day, that do not grow for ever.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use time::{Date, Duration, OffsetDateTime};

const NAME: &str = "calls";
const EXTENSION: &str = "jsonl";

/// A day's file that is longer is continued in another: some 100,000 calls.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// All files together; then the oldest goes.
const ALL_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Today's file, and those of earlier days beside it.
pub(super) struct Files {
    folder: PathBuf,
    keep: Duration,
    today: Date,
    file: File,
    bytes: u64,
    file_bytes_max: u64,
    all_bytes_max: u64,
}

impl Files {
    /// Goes on where an earlier run has ended.
    pub(super) fn open(folder: PathBuf, keep: Duration, now: OffsetDateTime) -> io::Result<Self> {
        let (mut file, bytes) = open(&folder)?;
        let today = match file.metadata()?.modified() {
            Ok(time) if bytes != 0 => OffsetDateTime::from(time).date(),
            _ => now.date(),
        };
        let bytes = bytes + end_line(&mut file)?;
        let (file_bytes_max, all_bytes_max) = (FILE_BYTES_MAX, ALL_BYTES_MAX);
        let mut files = Self { folder, keep, today, file, bytes, file_bytes_max, all_bytes_max };
        files.tidy(now)?;
        Ok(files)
    }

    /// One more line, whole.
    pub(super) fn append(&mut self, line: &str, now: OffsetDateTime) -> io::Result<()> {
        let line = format!("{line}\n");
        if self.file_bytes_max < self.bytes + line.len() as u64 {
            self.turn_over(now)?;
        }
        self.tidy(now)?;
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Another day has another file, and the oldest ones go.
    pub(super) fn tidy(&mut self, now: OffsetDateTime) -> io::Result<()> {
        if self.today != now.date() {
            self.turn_over(now)?;
        }
        let mut earlier = self.earlier()?;
        earlier.sort();
        let mut left = self.bytes + earlier.iter().map(|earlier| earlier.bytes).sum::<u64>();
        for Earlier { day, path, bytes, .. } in earlier {
            if now.date() - day <= self.keep && left <= self.all_bytes_max {
                continue;
            }
            fs::remove_file(path)?;
            left -= bytes;
        }
        Ok(())
    }

    /// Today's file becomes that of its day.
    fn turn_over(&mut self, now: OffsetDateTime) -> io::Result<()> {
        if self.bytes != 0 {
            let earlier = self.earlier()?;
            let parts =
                earlier.iter().filter(|earlier| earlier.day == self.today).map(|earlier| earlier.part);
            let path = self.path_of(self.today, parts.max().unwrap_or(0) + 1);
            fs::rename(path_in(&self.folder), path)?;
            (self.file, self.bytes) = open(&self.folder)?;
        }
        self.today = now.date();
        Ok(())
    }

    fn path_of(&self, day: Date, part: u32) -> PathBuf {
        let part = if part == 1 { String::new() } else { format!(".{part}") };
        self.folder.join(format!("{NAME}-{day}{part}.{EXTENSION}"))
    }

    fn earlier(&self) -> io::Result<Vec<Earlier>> {
        let mut earlier = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Some((day, part)) = entry.file_name().to_str().and_then(day_of) {
                earlier.push(Earlier { day, part, path: entry.path(), bytes: entry.metadata()?.len() });
            }
        }
        Ok(earlier)
    }
}

/// The oldest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Earlier {
    day: Date,
    part: u32,
    path: PathBuf,
    bytes: u64,
}

/// Of an earlier day's file; others are none of ours.
fn day_of(name: &str) -> Option<(Date, u32)> {
    let middle = name.strip_prefix(NAME)?.strip_prefix('-')?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let (day, part) = middle.split_once('.').unwrap_or((middle, "1"));
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Some((Date::parse(day, format).ok()?, part.parse().ok()?))
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}.{EXTENSION}"))
}

/// Readable for nobody but the service: who calls when is theirs.
fn open(folder: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path_in(folder))?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

/// What a crash has left of a line is ended, so that the next is one of its own. Returns the bytes that took.
fn end_line(file: &mut File) -> io::Result<u64> {
    let mut last = [0];
    match file.seek(SeekFrom::End(-1)) {
        Ok(_) => file.read_exact(&mut last)?,
        // It is empty.
        Err(error) if error.kind() == ErrorKind::InvalidInput => return Ok(0),
        Err(error) => return Err(error),
    }
    if last == *b"\n" {
        return Ok(0);
    }
    file.write_all(b"\n")?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-01-30 12:00 UTC);

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn files(folder: &Path, keep: i64) -> Files {
        Files { today: NOON.date(), ..Files::open(folder.into(), Duration::days(keep), NOON).unwrap() }
    }

    #[test]
    fn each_day_has_its_file_and_the_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("calls-notes.jsonl"), "the operator's own").unwrap();
        let mut files = files(folder.path(), 2);
        for day in 0..5 {
            files.append(&format!("day {day}"), NOON + Duration::days(day)).unwrap();
        }
        let there = ["calls-2026-02-01.jsonl", "calls-2026-02-02.jsonl", "calls-notes.jsonl", "calls.jsonl"];
        assert_eq!(names(folder.path()), there);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("calls-2026-02-01.jsonl"), read("calls.jsonl")),
            ("day 2\n".into(), "day 4\n".into())
        );
        files.tidy(NOON + Duration::days(40)).unwrap();
        assert_eq!(names(folder.path()), ["calls-notes.jsonl", "calls.jsonl"]);
        assert_eq!(read("calls.jsonl"), "");
    }

    #[test]
    fn a_file_and_all_files_have_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path(), 90);
        (files.file_bytes_max, files.all_bytes_max) = (10, 25);
        for line in ["111111111", "222222222", "333333333", "4"] {
            files.append(line, NOON).unwrap();
        }
        assert_eq!(
            names(folder.path()),
            ["calls-2026-01-30.2.jsonl", "calls-2026-01-30.3.jsonl", "calls.jsonl"],
            "the oldest has gone"
        );
        assert_eq!(fs::read_to_string(folder.path().join("calls.jsonl")).unwrap(), "4\n");
    }

    #[test]
    fn a_start_goes_on_and_ends_a_line_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        fs::write(&path, "{\"a\":1}\n{\"b\"").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified((NOON - Duration::days(1)).into()).unwrap();
        let mut files = Files::open(folder.path().into(), Duration::days(9), NOON).unwrap();
        files.append("{\"c\":3}", NOON).unwrap();
        assert_eq!(names(folder.path()), ["calls-2026-01-29.jsonl", "calls.jsonl"], "it was yesterday's");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("calls-2026-01-29.jsonl"), "{\"a\":1}\n{\"b\"\n");
        drop(files);
        fs::write(&path, "{\"c\"").unwrap();
        Files::open(folder.path().into(), Duration::days(9), OffsetDateTime::now_utc()).unwrap();
        assert_eq!(read("calls.jsonl"), "{\"c\"\n");
    }
}
