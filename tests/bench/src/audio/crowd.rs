//! Everybody in the conference, on one core, in a process of their own.

use std::net::UdpSocket;
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
use crate::scenario::{Joining, Outcome, Scenario};
use crate::signalling::Signalling;
use crate::sip::Registrar;
use crate::telephone::Telephone;
use crate::voice::{FRAME, Voice};

/// All speak, and what that brought about has passed.
const WARM_UP: Duration = Duration::from_secs(3);
const REPORTS: Duration = Duration::from_secs(1);
/// Those of them who say nothing and listen for whistles; the others count. By telephone, even numbers have Opus.
const EARS: [u32; 2] = [4, 6];
/// A frame that comes later than this after the earliest is too late for a browser's smallest buffer.
const IN_TIME: Duration = Duration::from_millis(40);
const READS: usize = 4;
const READY_MAX: usize = 64;

/// Somebody in the conference.
pub trait Person {
    /// Where what is sent to them arrives.
    fn socket(&self) -> &UdpSocket;
    /// Speaks from then on.
    fn begin(&mut self, at: Instant);
    /// When the next packet is due.
    fn due(&self) -> Instant;
    /// Sends the packet that is due. Returns when the whistle that begins with it left the mouth, if one does: its first sample is as old as
    /// the packet is long.
    fn speak(&mut self) -> Result<Option<Instant>>;
    /// Reads what has come, as far as one call does.
    fn read<'a>(&self, reader: &'a mut Reader) -> Result<Vec<&'a [u8]>>;
    /// Takes in a datagram. Returns when a whistle began in this ear.
    fn hear(&mut self, datagram: &[u8], now: Instant) -> Result<Option<Instant>>;
    /// Counts from now on.
    fn begin_count(&mut self);
    /// Frames that came, and came no later than this after the earliest.
    fn in_time(&self, margin: Duration) -> u64;
    /// From the offer to the first sound.
    fn set_up(&self) -> Option<Duration>;
    /// What everybody says every second.
    fn report(&mut self, since_start: Duration) -> Result<()>;
}

/// Plays a scenario.
pub fn run(scenario: &Scenario) -> Result<Outcome> {
    http::wait_for(scenario.address)?;
    match scenario.joining {
        Joining::Browser => {
            let signalling = Signalling { kind: scenario.kind, address: scenario.address };
            let identity = Identity::new()?;
            play(scenario, |number, voice, listens| {
                Participant::join(signalling, &identity, number, voice, listens)
            })
        }
        Joining::Telephone => {
            let mut registrar = Registrar::new()?;
            play(scenario, |number, voice, listens| Telephone::join(&mut registrar, number, voice, listens))
        }
    }
}

fn play<P: Person>(
    scenario: &Scenario,
    join: impl FnMut(u32, Option<Arc<Voice>>, bool) -> Result<P>,
) -> Result<Outcome> {
    let mut crowd = Crowd::gather(scenario, join)?;
    crowd.go_on(WARM_UP)?;
    crowd.people.iter_mut().for_each(P::begin_count);
    crowd.delays.clear();
    let began = now();
    let (server, own) = (processor::cpu(scenario.process)?, own_cpu());
    crowd.go_on(Duration::from_secs(scenario.seconds))?;
    let server_seconds = (processor::cpu(scenario.process)? - server).as_secs_f64();
    let (own_seconds, seconds) = ((own_cpu() - own).as_secs_f64(), (now() - began).as_secs_f64());
    let frames = (seconds / FRAME.as_secs_f64()) as u64;
    let last = crowd.people.last().and_then(P::set_up);
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

struct Crowd<P> {
    people: Vec<P>,
    ready: OwnedFd,
    reader: Reader,
    start: Instant,
    reporter: usize,
    report_at: Instant,
    /// When the last whistle left the mouth.
    whistled: Option<Instant>,
    delays: Vec<Duration>,
}

impl<P: Person> Crowd<P> {
    fn gather(
        scenario: &Scenario,
        mut join: impl FnMut(u32, Option<Arc<Voice>>, bool) -> Result<P>,
    ) -> Result<Self> {
        let start = now();
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
            let listens = EARS.contains(&number);
            let person = join(number, voice, listens).with_context(|| format!("participant {number}"))?;
            let place = epoll::EventData::new_u64(number.into());
            epoll::add(&crowd.ready, person.socket(), place, epoll::EventFlags::IN)?;
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
        let due = self.people.iter().map(P::due).min();
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
            let datagrams = person.read(&mut self.reader)?;
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
