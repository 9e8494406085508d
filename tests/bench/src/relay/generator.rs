//! The meeting's people: cameras and viewers on one core, in a process of their own, with nothing of the server's stack. They never ask for a
//! packet again, so what is lost shows.

mod camera;
mod newcomer;
mod sdp;
mod signalling;
mod viewer;

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{Timespec, epoll};

use crate::scenario::{Outcome, Scenario};
use camera::Camera;
use convene_bench::clock::{now, own_cpu};
use convene_bench::network::GENERATOR;
use convene_bench::peer::connection::Identity;
use convene_bench::peer::http;
use convene_bench::peer::reader::Reader;
use convene_bench::processor;
use signalling::Signalling;
use viewer::Viewer;

/// All cameras have begun, and what that brought about has passed.
const WARM_UP: Duration = Duration::from_secs(3);
/// How often everybody reports.
const REPORTS: Duration = Duration::from_secs(1);
/// Reads of a socket at once.
const READS: usize = 4;
/// Sockets that are told ready at once.
const READY_MAX: usize = 64;

/// Plays a scenario.
pub fn run(scenario: &Scenario) -> Result<Outcome> {
    let mut crowd = Crowd::gather(scenario)?;
    crowd.begin();
    crowd.go_on(WARM_UP)?;
    crowd.viewers.iter_mut().for_each(Viewer::begin_count);
    crowd.latencies.clear();
    let (began, dropped) = (now(), processor::dropped_at_sockets()?);
    let (server, own) = (processor::cpu(scenario.process)?, own_cpu());
    crowd.go_on(Duration::from_secs(scenario.seconds))?;
    let server_seconds = (processor::cpu(scenario.process)? - server).as_secs_f64();
    let (own_seconds, seconds) = ((own_cpu() - own).as_secs_f64(), (now() - began).as_secs_f64());
    let counts = || crowd.viewers.iter().map(Viewer::counted);
    let mut outcome = Outcome {
        received: counts().map(|count| count.received).sum(),
        expected: counts().map(|count| count.expected).sum(),
        dropped: processor::dropped_at_sockets()? - dropped,
        server_seconds,
        own_seconds,
        seconds,
        latency_ms: quantiles(&mut crowd.latencies),
        unseen: crowd.viewers.iter().map(|viewer| scenario.feeds as usize - viewer.cameras()).sum(),
        resident: processor::resident(scenario.process)?,
        first_frame_ms: Vec::new(),
    };
    for number in 0..scenario.newcomers {
        outcome.first_frame_ms.push(crowd.receive_newcomer(number)?);
    }
    Ok(outcome)
}

/// Everybody.
struct Crowd {
    scenario: Scenario,
    identity: Arc<Identity>,
    signalling: Signalling,
    cameras: Vec<Camera>,
    viewers: Vec<Viewer>,
    ready: OwnedFd,
    reader: Reader,
    start: Instant,
    has_begun: bool,
    /// Who reports next, the cameras first, and when.
    reporter: usize,
    report_at: Instant,
    latencies: Vec<u64>,
}

impl Crowd {
    fn gather(scenario: &Scenario) -> Result<Self> {
        http::wait_for(scenario.address)?;
        let start = now();
        let mut crowd = Self {
            scenario: scenario.clone(),
            identity: Arc::new(Identity::new()?),
            signalling: Signalling { kind: scenario.kind, address: scenario.address },
            cameras: Vec::new(),
            viewers: Vec::new(),
            ready: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            reader: Reader::new(READS),
            start,
            has_begun: false,
            reporter: 0,
            report_at: start,
            latencies: Vec::new(),
        };
        for number in 1..=scenario.feeds {
            let camera = Camera::publish(crowd.signalling, &crowd.identity, GENERATOR, number, start)
                .with_context(|| format!("camera {number}"))?;
            crowd.listen(&camera.connection.socket)?;
            crowd.cameras.push(camera);
            crowd.go_on(Duration::ZERO)?;
        }
        for number in 0..scenario.viewers {
            let viewer = Viewer::join(crowd.signalling, &crowd.identity, GENERATOR, scenario, number)
                .with_context(|| format!("viewer {number}"))?;
            crowd.listen(&viewer.connection.socket)?;
            crowd.viewers.push(viewer);
            crowd.go_on(Duration::ZERO)?;
        }
        Ok(crowd)
    }

    /// Its datagrams will be read; to be called before it is put among the others.
    fn listen(&self, socket: &UdpSocket) -> Result<()> {
        let number = (self.cameras.len() + self.viewers.len()) as u64;
        epoll::add(&self.ready, socket, epoll::EventData::new_u64(number), epoll::EventFlags::IN)?;
        Ok(())
    }

    /// The cameras begin, evenly apart.
    fn begin(&mut self) {
        let apart = Duration::from_secs(1) / self.scenario.frames_a_second / self.scenario.feeds.max(1);
        let now = now();
        for (number, camera) in self.cameras.iter_mut().enumerate() {
            camera.begin(now + apart * number as u32);
        }
        self.has_begun = true;
    }

    /// Lets the meeting go on for so long.
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
        if self.has_begun {
            for camera in self.cameras.iter_mut().filter(|camera| camera.due() <= time) {
                camera.show(&self.scenario, self.start, time)?;
            }
        }
        let people = self.cameras.len() + self.viewers.len();
        while self.report_at <= time && 0 < people {
            self.reporter = (self.reporter + 1) % people;
            self.report_at += REPORTS / people as u32;
            match self.cameras.get_mut(self.reporter) {
                Some(camera) => camera.report(self.start, time)?,
                None => self.viewers[self.reporter - self.cameras.len()].report()?,
            }
        }
        let cameras = self.cameras.iter().map(Camera::due).filter(|_| self.has_begun);
        Ok(cameras.min().map_or(self.report_at, |due| due.min(self.report_at)))
    }

    /// Takes in what comes until then, or at least what comes first.
    fn read(&mut self, until: Instant) -> Result<()> {
        let left = until.saturating_duration_since(now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut events = Vec::with_capacity(READY_MAX);
        epoll::wait(&self.ready, rustix::buffer::spare_capacity(&mut events), Some(&timeout))?;
        for event in events {
            let number = event.data.u64() as usize;
            if let Some(camera) = self.cameras.get_mut(number) {
                for datagram in self.reader.read(&camera.connection)? {
                    camera.hear(datagram)?;
                }
            } else if let Some(viewer) = self.viewers.get_mut(number - self.cameras.len()) {
                let datagrams = self.reader.read(&viewer.connection)?;
                let time = now();
                for datagram in datagrams {
                    self.latencies.extend(viewer.hear(datagram, self.start, time)?);
                }
            }
        }
        Ok(())
    }

    /// Somebody joins while the meeting goes on. Returns the milliseconds until the first picture.
    fn receive_newcomer(&mut self, number: u32) -> Result<f64> {
        let (signalling, identity) = (self.signalling, Arc::clone(&self.identity));
        let (cameras, number) = (self.scenario.feeds, self.scenario.viewers + number);
        let joining: JoinHandle<Result<Duration>> =
            std::thread::spawn(move || newcomer::first_picture(signalling, &identity, cameras, number));
        while !joining.is_finished() {
            self.go_on(Duration::from_millis(10))?;
        }
        let time = joining.join().ok().context("the newcomer breaks down")??;
        Ok(time.as_secs_f64() * 1000.0)
    }
}

/// The middle, the one that 99 of 100 are below, and the highest, in milliseconds.
fn quantiles(nanoseconds: &mut [u64]) -> [f64; 3] {
    nanoseconds.sort_unstable();
    let last = nanoseconds.len().saturating_sub(1);
    [last / 2, last * 99 / 100, last].map(|at| nanoseconds.get(at).map_or(0.0, |time| *time as f64 / 1e6))
}
