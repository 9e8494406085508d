//! Everybody in the conference, on one core, in a process of their own.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use convene_bench::clock::{now, own_cpu};
use convene_bench::peer::connection::Identity;
use convene_bench::peer::http;
use convene_bench::peer::reader::Reader;
use convene_bench::processor;
use rustix::event::{Timespec, epoll};

use crate::participant::Participant;
use crate::scenario::{Outcome, Scenario};
use crate::signalling::Signalling;
use crate::voice::{FRAME, Voice};

/// All speak, and what that brought about has passed.
const WARM_UP: Duration = Duration::from_secs(3);
const REPORTS: Duration = Duration::from_secs(1);
/// So many of those who say nothing listen for whistles; the others count.
const EARS: u32 = 2;
/// A frame that comes later than this after the earliest is too late for a browser's smallest buffer.
const IN_TIME: Duration = Duration::from_millis(40);
const READS: usize = 4;
const READY_MAX: usize = 64;

/// Plays a scenario.
pub fn run(scenario: &Scenario) -> Result<Outcome> {
    let mut crowd = Crowd::gather(scenario)?;
    crowd.go_on(WARM_UP)?;
    crowd.people.iter_mut().for_each(Participant::begin_count);
    crowd.delays.clear();
    let began = now();
    let (server, own) = (processor::cpu(scenario.process)?, own_cpu());
    crowd.go_on(Duration::from_secs(scenario.seconds))?;
    let server_seconds = (processor::cpu(scenario.process)? - server).as_secs_f64();
    let (own_seconds, seconds) = ((own_cpu() - own).as_secs_f64(), (now() - began).as_secs_f64());
    let frames = (seconds / FRAME.as_secs_f64()) as u64;
    let last = crowd.people.last().and_then(|person| person.set_up);
    crowd.delays.sort_unstable();
    let at = |sorted: &[Duration], share: usize| {
        let place = sorted.len().saturating_sub(1) * share / 100;
        sorted.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    Ok(Outcome {
        server_seconds,
        own_seconds,
        seconds,
        expected: frames * u64::from(scenario.participants),
        // The last frame may be one too many.
        in_time: crowd.people.iter().map(|person| person.in_time(IN_TIME).min(frames)).sum(),
        mouth_to_ear_ms: [50, 95, 100].map(|share| at(&crowd.delays, share)),
        heard: crowd.delays.len(),
        set_up_ms: last.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3),
        resident: processor::resident(scenario.process)?,
    })
}

struct Crowd {
    people: Vec<Participant>,
    ready: OwnedFd,
    reader: Reader,
    start: Instant,
    reporter: usize,
    report_at: Instant,
    /// When the last whistle left the mouth.
    whistled: Option<Instant>,
    delays: Vec<Duration>,
}

impl Crowd {
    fn gather(scenario: &Scenario) -> Result<Self> {
        http::wait_for(scenario.address)?;
        let (start, identity) = (now(), Identity::new()?);
        let signalling = Signalling { kind: scenario.kind, address: scenario.address };
        let mut crowd = Self {
            people: Vec::new(),
            ready: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            reader: Reader::new(READS),
            start,
            reporter: 0,
            report_at: start,
            whistled: None,
            delays: Vec::new(),
        };
        for number in 0..scenario.participants {
            let speaks = number < scenario.speaking;
            let voice = speaks.then(|| Voice::of(number).map(Arc::new)).transpose()?;
            let listens = (scenario.speaking..scenario.speaking + EARS).contains(&number);
            let person = Participant::join(signalling, &identity, number, voice, listens)
                .with_context(|| format!("participant {number}"))?;
            let place = epoll::EventData::new_u64(number.into());
            epoll::add(&crowd.ready, &person.connection.socket, place, epoll::EventFlags::IN)?;
            crowd.people.push(person);
            crowd.go_on(Duration::ZERO)?;
        }
        // Evenly apart, as people are.
        let begin = now();
        for (number, person) in (0..).zip(&mut crowd.people) {
            person.begin(begin + FRAME * number / scenario.participants.max(1));
        }
        Ok(crowd)
    }

    /// Lets the conference go on for so long.
    fn go_on(&mut self, duration: Duration) -> Result<()> {
        let until = now() + duration;
        loop {
            let time = now();
            let due = self.act(time)?;
            if until <= time {
                return Ok(());
            }
            self.read(due.min(until))?;
        }
    }

    /// Does what is due. Returns when something is again.
    fn act(&mut self, time: Instant) -> Result<Instant> {
        for person in self.people.iter_mut().filter(|person| person.due() <= time) {
            if let Some(spoken) = person.speak()? {
                self.whistled = Some(spoken);
            }
        }
        while self.report_at <= time && !self.people.is_empty() {
            self.reporter = (self.reporter + 1) % self.people.len();
            self.report_at += REPORTS / self.people.len() as u32;
            self.people[self.reporter].report(time - self.start)?;
        }
        let due = self.people.iter().map(Participant::due).min();
        Ok(due.map_or(self.report_at, |due| due.min(self.report_at)))
    }

    /// Takes in what comes until then, or at least what comes first.
    fn read(&mut self, until: Instant) -> Result<()> {
        let left = until.saturating_duration_since(now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut events = Vec::with_capacity(READY_MAX);
        epoll::wait(&self.ready, rustix::buffer::spare_capacity(&mut events), Some(&timeout))?;
        for event in events {
            let Some(person) = self.people.get_mut(event.data.u64() as usize) else { continue };
            let datagrams = self.reader.read(&person.connection)?;
            let time = now();
            for datagram in datagrams {
                if let Some((heard, whistled)) = person.hear(datagram, time)?.zip(self.whistled) {
                    self.delays.push(heard.saturating_duration_since(whistled));
                }
            }
        }
        Ok(())
    }
}
