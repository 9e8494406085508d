//! A line for each telephone call that is over, in a file of the operator's: when, how long and how well, and nothing of what was said. Numbers and
//! names are left out unless the operator wants them.
//!
//! `calls.jsonl` is today's file; yesterday's is `calls-2026-01-30.jsonl`, and `calls-2026-01-30.2.jsonl` where a day has more than one. They are
//! deleted when they are old enough, or too much together. A thread of its own writes: a disk that stands still must not hold up voices.

mod files;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use convene_pipelines::CallRecord;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use crate::clock::Clock;
use files::Files;

/// Records that wait for the disk: more calls than the telephone holds at once.
const WAITING_MAX: usize = 8192;

/// How often old files are looked for when nobody calls.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// What is kept of telephone calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallRecords {
    /// Nothing.
    Off,
    /// A line for each call, without numbers and names.
    #[default]
    Anonymous,
    /// The same, with the caller's number and name as the telephone tells them, or the number that was called.
    Numbers,
}

/// Where records go. They are written when this is dropped, at the latest.
pub(crate) struct CallLog {
    records: Mutex<Option<SyncSender<CallRecord>>>,
    thread: Option<JoinHandle<()>>,
}

impl CallLog {
    /// Begins; the error is the system's about the folder.
    pub(crate) fn open(folder: PathBuf, rules: CallRecords, keep: time::Duration) -> std::io::Result<Self> {
        let clock = Clock::start();
        let files = Files::open(folder, keep, clock.date())?;
        let (sender, records) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("call-records".into())
            .spawn(move || write_all(files, &records, rules, clock))?;
        Ok(Self { records: Mutex::new(Some(sender)), thread: Some(thread) })
    }

    /// A call is over. Never blocks.
    pub(crate) fn note(&self, record: CallRecord) {
        let is_lost = self.records.lock().as_ref().is_some_and(|records| records.try_send(record).is_err());
        if is_lost {
            warn!("the record of a call is lost, as the disk does not take the ones before");
        }
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.records.lock().take();
        if let Some(thread) = self.thread.take() {
            // What it had to say, it has logged.
            let _ = thread.join();
        }
    }
}

fn write_all(mut files: Files, records: &Receiver<CallRecord>, rules: CallRecords, clock: Clock) {
    loop {
        let written = match records.recv_timeout(TIDY_EVERY) {
            Ok(record) => files.append(&line(&record, Uuid::new_v4(), rules), clock.date()),
            Err(RecvTimeoutError::Timeout) => files.tidy(clock.date()),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Err(error) = written {
            warn!(%error, "the records of calls cannot be written");
        }
    }
}

fn line(record: &CallRecord, call: Uuid, rules: CallRecords) -> String {
    let millis = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let has_numbers = rules == CallRecords::Numbers;
    let line = Line {
        call,
        meeting: record.label.as_deref(),
        direction: if record.is_outgoing { "out" } else { "in" },
        transport: record.transport.as_deref(),
        trunk: record.is_trunk,
        number: has_numbers.then_some(&record.number),
        name: has_numbers.then_some(&record.name),
        begin: &record.begin,
        answer: record.answer.as_deref(),
        end: &record.end,
        duration_s: record.duration.as_millis() as f64 / 1000.0,
        codec: record.codec.as_deref(),
        encryption: &record.encryption,
        ended_by: &record.ended_by,
        reason: &record.reason,
        status: record.status,
        packets: record.sound.map(|sound| Packets {
            received: sound.received,
            lost: sound.expected.saturating_sub(sound.received),
            sent: sound.sent,
            lost_there: (sound.lost_there * 1000.0).round() / 1000.0,
            jitter_ms: millis(sound.jitter),
            round_trip_ms: sound.round_trip.map(millis),
        }),
    };
    serde_json::to_string(&line).expect("numbers and texts are JSON")
}

/// As the README has it.
#[derive(Serialize)]
struct Line<'a> {
    call: Uuid,
    meeting: Option<&'a str>,
    direction: &'static str,
    transport: Option<&'a str>,
    trunk: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a String>,
    begin: &'a str,
    answer: Option<&'a str>,
    end: &'a str,
    duration_s: f64,
    codec: Option<&'a str>,
    encryption: &'a str,
    ended_by: &'a str,
    reason: &'a str,
    status: Option<u32>,
    packets: Option<Packets>,
}

#[derive(Serialize)]
struct Packets {
    received: u64,
    lost: u64,
    sent: u64,
    lost_there: f64,
    jitter_ms: f64,
    round_trip_ms: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use convene_pipelines::CallSound;
    use serde_json::json;

    fn record() -> CallRecord {
        CallRecord {
            label: Some("7f3a".into()),
            is_outgoing: false,
            transport: Some("tls".into()),
            is_trunk: true,
            name: "Dan".into(),
            number: "+4930123".into(),
            begin: "2026-01-31T10:00:00.000000Z".into(),
            answer: Some("2026-01-31T10:00:00.100000Z".into()),
            end: "2026-01-31T10:01:01.100000Z".into(),
            duration: Duration::from_secs(61),
            codec: Some("OPUS".into()),
            encryption: "sdes".into(),
            ended_by: "telephone".into(),
            reason: "hung-up".into(),
            status: None,
            sound: Some(CallSound {
                received: 2990,
                expected: 3000,
                sent: 3050,
                lost_there: 0.0039,
                jitter: Duration::from_micros(2340),
                round_trip: None,
            }),
        }
    }

    #[test]
    fn numbers_and_names_are_there_only_when_they_are_wanted() {
        let anonymous = line(&record(), Uuid::nil(), CallRecords::Anonymous);
        for personal in ["Dan", "4930123", "name", "number"] {
            assert!(!anonymous.contains(personal), "{personal} in {anonymous}");
        }
        let read: serde_json::Value = serde_json::from_str(&anonymous).unwrap();
        assert_eq!((&read["meeting"], &read["duration_s"]), (&json!("7f3a"), &json!(61.0)));
        assert_eq!(
            read["packets"],
            json!({"received": 2990, "lost": 10, "sent": 3050, "lost_there": 0.004, "jitter_ms": 2.3, "round_trip_ms": null})
        );
        let read: serde_json::Value =
            serde_json::from_str(&line(&record(), Uuid::nil(), CallRecords::Numbers)).unwrap();
        assert_eq!((&read["number"], &read["name"]), (&json!("+4930123"), &json!("Dan")));
        let silent = CallRecord { sound: None, ..record() };
        assert!(line(&silent, Uuid::nil(), CallRecords::Anonymous).contains(r#""packets":null"#));
    }

    #[test]
    fn what_was_noted_is_written_when_the_log_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let keep = time::Duration::days(1);
        let log = CallLog::open(folder.path().into(), CallRecords::Anonymous, keep).unwrap();
        (0..100).for_each(|_| log.note(record()));
        drop(log);
        let text = std::fs::read_to_string(folder.path().join("calls.jsonl")).unwrap();
        let ids: std::collections::BTreeSet<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["call"].to_string())
            .collect();
        assert_eq!(ids.len(), 100, "each has an id of its own");
    }
}
