//! One presenter and 250 viewers on mixed lines: how old what they see is, and what the relay costs.

mod ages;
mod meeting;

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use convene_screen::{Decoder, Encoder, Rect, ScreenSize};
use serde_json::{Value, json};

use crate::convene::frame;
use crate::measure::text_cells;
use crate::report::rounded;
use ages::{History, Seen, View, is_near};
use convene_bench::clip::{Clip, Player, frame_time_us};
use meeting::{Class, Meeting, Viewer};

const fn class(
    name: &'static str,
    viewers: usize,
    kbps: u64,
    round_trip_ms: u64,
    loss_per_mille: u64,
) -> Class {
    Class { name, viewers, kbps, round_trip: Duration::from_millis(round_trip_ms), loss_per_mille }
}

/// GPRS, a poor mobile line, an old ADSL line, a good one.
const CLASSES: [Class; 4] = [
    class("56 kbit/s", 25, 56, 300, 20),
    class("400 kbit/s", 75, 400, 150, 10),
    class("1 Mbit/s", 75, 1_000, 80, 5),
    class("20 Mbit/s", 75, 20_000, 20, 0),
];
const SLOWEST: Class = CLASSES[0];
const FASTEST: Class = CLASSES[3];
/// Of each class, so many decode what they get and are looked at.
const LOOKING: usize = 2;
/// Ages are read so often.
const SAMPLE: Duration = Duration::from_millis(100);
/// Between two slides, where it is measured how soon they can be read.
const SLIDE_EVERY: Duration = Duration::from_secs(10);

const FRAME: Duration = Duration::from_micros(frame_time_us(1));

/// A clip with its name.
pub type Named = (&'static str, Clip);

/// Meets and measures, prints what came out, and returns it for the last line: `relay` and the time until a slide can be read.
pub fn measure(scenes: &[Named], slides: &Clip) -> Result<(Value, f64)> {
    let mixed = meet(scenes, &CLASSES)?;
    mixed.print("250 viewers on mixed lines");
    let fast = meet(scenes, &[Class { viewers: 250, ..FASTEST }])?;
    fast.print("250 viewers on fast lines");
    let alone = meet(scenes, &[Class { viewers: 1, ..FASTEST }])?;
    alone.print("one viewer on a fast line");
    let delays = readable(slides)?;
    let worst = delays.last().copied().unwrap_or_default();
    println!(
        "\nA new plain slide can be read on {} after {:.1} s, the slowest of {} after {worst:.1} s",
        SLOWEST.name,
        delays[delays.len() / 2],
        delays.len()
    );
    // What 249 more viewers cost the relay, with the copying that nobody can spare.
    let more_cores = fast.relay_cores - alone.relay_cores + fast.copy_cores;
    let goals = [
        ("a slide is readable on 56 kbit/s within 3 s", worst <= 3.0),
        ("nothing old is shown after something new", mixed.steps_back == 0),
        (
            "a fast viewer sees what it sees alone",
            mixed.p99(FASTEST.name) <= alone.p99(FASTEST.name) + SAMPLE,
        ),
        (
            "a turn of the relay, which fast viewers wait for, takes 20 ms at most, 99 of 100",
            mixed.turn_ms.0 <= 20.0,
        ),
        (
            "250 fast viewers cost less than twice the copying, beside what one costs",
            more_cores < 2.0 * fast.copy_cores,
        ),
        ("250 mixed viewers cost less than two cores", mixed.relay_cores < 2.0),
    ];
    for (goal, is_met) in goals {
        println!("  {}  {goal}", if is_met { "pass" } else { "FAIL" });
    }
    let value = json!({
        "viewers": mixed.viewers, "cores": rounded(mixed.relay_cores), "copy_cores": rounded(mixed.copy_cores),
        "turn_ms": [rounded(mixed.turn_ms.0), rounded(mixed.turn_ms.1)], "steps_back": mixed.steps_back, "age_ms": mixed.ages_json(),
        "fast": { "viewers": fast.viewers, "cores": rounded(fast.relay_cores), "copy_cores": rounded(fast.copy_cores) },
        "alone": { "cores": rounded(alone.relay_cores), "age_ms": alone.ages_json() },
    });
    Ok((value, worst))
}

/// A scene's ages in milliseconds.
type SceneAges = (&'static str, Vec<u64>);
/// A class's ages, scene by scene.
type ClassAges = (&'static str, Vec<SceneAges>);

/// How a meeting went.
struct Went {
    viewers: usize,
    /// Sorted.
    ages: Vec<ClassAges>,
    /// By class, what a viewer got.
    kbps: Vec<f64>,
    relay_cores: f64,
    copy_cores: f64,
    /// The relay's processor time for one tick: 99 of 100, and the longest.
    turn_ms: (f64, f64),
    steps_back: u64,
}

fn meet(scenes: &[Named], classes: &[Class]) -> Result<Went> {
    let mut talk = Talk::new(scenes)?;
    let mut meeting = Meeting::new();
    let mut watching = Vec::new();
    let mut history = History::new(talk.size);
    for class in classes {
        for number in 0..class.viewers {
            if number < LOOKING {
                watching.push((meeting.viewers.len(), Seen::new(&history)));
            }
            meeting.join(*class, number < LOOKING)?;
        }
    }
    meeting.copy_into_sockets()?;
    let empty = || scenes.iter().map(|(name, _)| (*name, Vec::new())).collect::<Vec<_>>();
    let mut ages: Vec<_> = classes.iter().map(|class| (class.name, empty())).collect();
    let mut next_sample = SAMPLE;
    let mut newest = Vec::new();
    let mut step = talk.next_step()?;
    while let Some(due) = &step {
        let scene = due.scene;
        if due.time <= meeting.now {
            newest.clone_from(&talk.pixels);
            if let Some(changed) = due.changed {
                history.show(&newest, changed, meeting.now);
            }
            meeting.stream(due.update.clone());
            step = talk.next_step()?;
        }
        meeting.tick()?;
        for (viewer, seen) in &mut watching {
            let viewer = &mut meeting.viewers[*viewer];
            let sent_by = meeting.now.saturating_sub(viewer.class.round_trip / 2);
            look(viewer, seen, &history, sent_by, &newest);
        }
        if next_sample <= meeting.now {
            next_sample += SAMPLE;
            for (viewer, seen) in &watching {
                let name = meeting.viewers[*viewer].class.name;
                let place =
                    ages.iter_mut().find(|(class, _)| *class == name).context("each viewer has a class")?;
                place.1[scene].1.push(seen.age(&history, meeting.now).as_millis() as u64);
            }
        }
    }
    for (_, scenes) in &mut ages {
        scenes.iter_mut().for_each(|(_, ages)| ages.sort_unstable());
    }
    let steps_back = watching.iter().map(|(_, seen)| seen.steps_back).sum();
    Ok(Went::new(&mut meeting, classes, ages, steps_back))
}

/// What a viewer has painted since is looked at.
fn look(viewer: &mut Viewer, seen: &mut Seen, history: &History, sent_by: Duration, newest: &[u8]) {
    let damage = std::mem::take(&mut viewer.damage);
    if let Some(canvas) = viewer.decoder.as_ref().and_then(Decoder::canvas) {
        seen.look(history, View { sent_by, newest, shown: canvas.pixels(), damage: &damage });
    }
}

impl Went {
    fn new(meeting: &mut Meeting, classes: &[Class], ages: Vec<ClassAges>, steps_back: u64) -> Self {
        let seconds = meeting.now.as_secs_f64();
        meeting.tick_cpu.sort_unstable();
        let turns = &meeting.tick_cpu;
        let turn_ms = |place: usize| turns.get(place).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        let kbps = classes.iter().map(|class| {
            let painted =
                meeting.viewers.iter().filter(|viewer| viewer.class.name == class.name).map(Viewer::painted);
            painted.sum::<u64>() as f64 * 8.0 / 1000.0 / seconds / class.viewers as f64
        });
        Self {
            viewers: meeting.viewers.len(),
            kbps: kbps.collect(),
            relay_cores: meeting.relay_cpu.as_secs_f64() / seconds,
            copy_cores: meeting.copy_cpu.as_secs_f64() / seconds,
            turn_ms: (turn_ms(turns.len() * 99 / 100), turn_ms(turns.len().saturating_sub(1))),
            ages,
            steps_back,
        }
    }

    fn print(&self, title: &str) {
        println!(
            "\n{title}: {:.3} cores for the relay, {:.3} for copying the same bytes into sockets;",
            self.relay_cores, self.copy_cores
        );
        let each = self.relay_cores * 1e6 / self.viewers as f64;
        println!(
            "  {each:.0} microseconds a viewer and second; a turn takes {:.1} ms (99 of 100), {:.1} ms at most",
            self.turn_ms.0, self.turn_ms.1
        );
        print!("  {:<12} {:>8}", "age, ms", "kbit/s");
        let scenes = self.ages.first().map_or(&[][..], |(_, scenes)| scenes);
        scenes.iter().for_each(|(scene, _)| print!(" {:>18}", format!("{scene} 50/99")));
        println!();
        for ((class, scenes), kbps) in self.ages.iter().zip(&self.kbps) {
            print!("  {class:<12} {kbps:>8.0}");
            scenes
                .iter()
                .for_each(|(_, ages)| print!(" {:>18}", format!("{} / {}", part(ages, 50), part(ages, 99))));
            println!();
        }
    }

    /// The worst of a class, over its scenes.
    fn p99(&self, class: &str) -> Duration {
        let scenes = self.ages.iter().filter(|(name, _)| *name == class).flat_map(|(_, scenes)| scenes);
        Duration::from_millis(scenes.map(|(_, ages)| part(ages, 99)).max().unwrap_or_default())
    }

    fn ages_json(&self) -> Value {
        let by_scene = |scenes: &[SceneAges]| {
            let scenes = scenes
                .iter()
                .map(|(scene, ages)| ((*scene).to_owned(), json!([part(ages, 50), part(ages, 99)])));
            Value::Object(scenes.collect())
        };
        Value::Object(
            self.ages.iter().map(|(class, scenes)| ((*class).to_owned(), by_scene(scenes))).collect(),
        )
    }
}

/// So many of a hundred are at most this.
fn part(sorted: &[u64], per_cent: usize) -> u64 {
    sorted.get(sorted.len() * per_cent / 100).copied().unwrap_or_default()
}

/// How long it takes until all text of each new slide has arrived at one viewer on the slowest line, sorted, in seconds.
fn readable(slides: &Clip) -> Result<Vec<f64>> {
    let mut player = slides.play()?;
    let size = player.about.size()?;
    let mut encoder = Encoder::new();
    let mut meeting = Meeting::new();
    meeting.join(SLOWEST, true)?;
    let mut delays = Vec::new();
    while let Some(moment) = player.next_moment()? {
        let update = encoder.frame(frame(size, moment.pixels), meeting.now);
        if moment.changed.is_none() {
            continue;
        }
        let shown_at = meeting.now;
        meeting.stream(update.unwrap_or_default());
        let mut missing = text_cells(size, moment.pixels);
        let mut delay = None;
        let mut next_frame = shown_at + FRAME;
        while meeting.now < shown_at + SLIDE_EVERY {
            if next_frame <= meeting.now {
                next_frame += FRAME;
                meeting.stream(encoder.frame(frame(size, moment.pixels), meeting.now).unwrap_or_default());
            }
            meeting.tick()?;
            let viewer = &mut meeting.viewers[0];
            if std::mem::take(&mut viewer.damage).is_empty() {
                continue;
            }
            if let Some(canvas) = viewer.decoder.as_ref().and_then(Decoder::canvas) {
                missing.retain(|&rect| !is_near(size, rect, moment.pixels, canvas.pixels()));
            }
            if missing.is_empty() && delay.is_none() {
                delay = Some((meeting.now - shown_at).as_secs_f64());
            }
        }
        // The first picture comes to an empty screen: that is joining, and measured by nobody here.
        if moment.number != 0 {
            delays.push(delay.unwrap_or(SLIDE_EVERY.as_secs_f64()));
        }
    }
    anyhow::ensure!(!delays.is_empty(), "the talk has no second slide");
    delays.sort_by(f64::total_cmp);
    Ok(delays)
}

/// The scenes one after the other, as one presenter shows them.
struct Talk {
    size: ScreenSize,
    scenes: Vec<Clip>,
    next_scene: usize,
    player: Option<Player>,
    begins: Duration,
    ends: Duration,
    encoder: Encoder,
    /// The screen at the last step.
    pixels: Vec<u8>,
}

/// What the presenter does next.
struct Step {
    time: Duration,
    scene: usize,
    changed: Option<Rect>,
    update: Bytes,
}

impl Talk {
    fn new(scenes: &[Named]) -> Result<Self> {
        let scenes: Vec<Clip> = scenes.iter().map(|(_, clip)| clip.clone()).collect();
        let size = scenes.first().and_then(Clip::about).context("there is a scene")?.size()?;
        let (begins, ends) = (Duration::ZERO, Duration::ZERO);
        Ok(Self {
            size,
            scenes,
            next_scene: 0,
            player: None,
            begins,
            ends,
            encoder: Encoder::new(),
            pixels: Vec::new(),
        })
    }

    fn next_step(&mut self) -> Result<Option<Step>> {
        loop {
            if let Some(player) = &mut self.player
                && let Some(moment) = player.next_moment()?
            {
                let time = self.begins + Duration::from_micros(moment.time_us);
                self.pixels.clear();
                self.pixels.extend_from_slice(moment.pixels);
                let update = self.encoder.frame(frame(self.size, &self.pixels), time).unwrap_or_default();
                return Ok(Some(Step { time, scene: self.next_scene - 1, changed: moment.changed, update }));
            }
            let Some(clip) = self.scenes.get(self.next_scene) else { return Ok(None) };
            let player = clip.play()?;
            anyhow::ensure!(player.about.size()? == self.size, "the scenes of a meeting have one size");
            self.begins = self.ends;
            self.ends += Duration::from_secs_f64(player.about.seconds());
            self.player = Some(player);
            self.next_scene += 1;
        }
    }
}
