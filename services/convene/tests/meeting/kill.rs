//! Recorders that are killed without a warning, at random moments; and what an operator does then.
//!
//! Before anything is done about it, what the regions have plays as far as it reached. After `convene recordings resume` both regions have every
//! block that had reached the spool, once and in order.

mod display;
#[expect(dead_code, reason = "the other stories record by the service")]
mod participant;
#[expect(dead_code, reason = "the other stories end services in many ways")]
mod service;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use convene_store::Store;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use display::Display;
use participant::Participant;
use service::{Program, Service, convene, until};

/// How long recorders are started and killed.
const BUDGET: Duration = Duration::from_secs(60);

/// How many at once; a meeting has at most four.
const AT_ONCE: u64 = 3;

/// A recorder lives for three to four blocks at most.
const LIFE_MAX: Duration = Duration::from_secs(7);

/// While the end is being written, everything happens within this.
const END_MAX: Duration = Duration::from_millis(400);

/// What was said to be safe lasts until the next picture would have come, five of which come a second on a machine that has time; a block that was
/// missing would be two seconds.
const LAST_PICTURE_SECONDS_MAX: f64 = 1.0;

/// Set this to what a failed run printed, to have the same moments again.
const SEED: &str = "CONVENE_TEST_SEED";

/// When a recorder is killed.
#[derive(Debug, Clone, Copy)]
struct Plan {
    life: Duration,
    /// It was told to finish, and is killed so long after that.
    finish: Option<Duration>,
    /// A region is away until the recorder is dead.
    without_b: bool,
    /// What it records.
    layout: &'static str,
}

/// What it may record. With pictures there is more to lose.
const LAYOUTS: [&str; 6] = ["beside", "beside", "beside", "beside", "sound", "tracks"];

impl Plan {
    fn random(random: &mut StdRng) -> Self {
        let mut within = |max: Duration| max.mul_f64(random.random());
        let (life, end) = (within(LIFE_MAX), within(END_MAX));
        Self {
            life,
            finish: random.random_bool(0.3).then_some(end),
            without_b: random.random_bool(0.3),
            layout: LAYOUTS[random.random_range(0..LAYOUTS.len())],
        }
    }
}

/// One recorder's data folder, after its death.
struct Dead {
    data: TempDir,
    id: String,
    plan: Plan,
    /// The length that it had last said to be safe, in seconds.
    told: f64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_recorder_loses_nothing_that_had_reached_the_spool() {
    let seed: u64 = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("{SEED}={seed}");
    let (service, job) = service_that_gives_its_job_away().await;
    let meeting = service.meeting().await;
    let mut host = Participant::join(&service, &meeting, "Ann").await;
    let display = Arc::new(Display::start());
    let _presenter = service.present(&meeting, &display);
    host.say(json!({"type": "watch"})).await;
    host.see(&display.pixels()).await;
    host.say(json!({"type": "record"})).await;
    let job = until("the job", || serde_json::from_slice::<Value>(&std::fs::read(&job).ok()?).ok()).await;

    assert_eq!(job["loudness"], -16);
    let painting = tokio::spawn(paint(display));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|task| {
            let (job, random) = (job.clone(), StdRng::seed_from_u64(seed.wrapping_add(task)));
            tokio::spawn(record_and_kill_again_and_again(job, random))
        })
        .collect();
    let mut lengths = Vec::new();
    for task in tasks {
        lengths.extend(task.await.unwrap_or_else(|_| panic!("with {SEED}={seed}")));
    }
    painting.abort();
    let with_pictures = lengths.iter().filter(|length| 0.0 < **length).count();
    let (killed, seconds) = (lengths.len(), lengths.iter().sum::<f64>());
    println!("{killed} recorders were killed; {with_pictures} had recorded something, {seconds:.0} s in all");
    assert!(5 < with_pictures, "{with_pictures} of {killed} had recorded something");
}

/// The length of each recording, in seconds.
async fn record_and_kill_again_and_again(job: Value, mut random: StdRng) -> Vec<f64> {
    let began = Instant::now();
    let mut lengths = Vec::new();
    while began.elapsed() < BUDGET {
        let dead = record_and_kill(job.clone(), Plan::random(&mut random)).await;
        let (told, plan) = (dead.told, dead.plan);
        let length = spawn_blocking(move || dead.examine()).await.expect("it is as it should be");
        assert!(told <= length + LAST_PICTURE_SECONDS_MAX, "{length} s of {told} s, {plan:?}");
        lengths.push(length);
    }
    lengths
}

/// Its recorder writes down what it is to do, and does nothing.
async fn service_that_gives_its_job_away() -> (Service, PathBuf) {
    let data = tempfile::tempdir().expect("a folder");
    let job = data.path().join("job");
    let script = format!("head -n 1 > {}.new; mv {0}.new {0}; cat", job.display());
    let config = format!(
        "recordings_loudness = -16\n[recorder]\npath = \"/bin/sh\"\narguments = [\"-c\", {script:?}]\n"
    );
    std::fs::write(data.path().join("convene.toml"), config).expect("written");
    (Service::start_in(data).await, job)
}

/// Something new on the screen all the time.
async fn paint(display: Arc<Display>) {
    for step in 0.. {
        display.paint((step * 0x0001_0203) & 0x00ff_ffff);
        sleep(Duration::from_millis(200)).await;
    }
}

async fn record_and_kill(mut job: Value, plan: Plan) -> Dead {
    let data = tempfile::tempdir().expect("a folder");
    // The catalogue of a service that was never told.
    Store::open(&data.path().join("convene.sqlite")).expect("a catalogue");
    let regions = data.path().join("regions");
    std::fs::create_dir(&regions).expect("a folder");
    if plan.without_b {
        std::fs::write(regions.join("b"), "in the way").expect("written");
    }
    let id = uuid::Uuid::new_v4().to_string();
    let store = |name: &str| json!({"kind": "folder", "region": name, "path": regions.join(name)});
    job["id"] = json!(id);
    job["layout"] = json!(plan.layout);
    job["spool"] = json!(data.path().join("spool"));
    job["stores"] = json!([store("a"), store("b")]);

    let mut command = convene();
    command.arg("record").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut program = Program(command.spawn().expect("it starts"));
    let mut input = program.0.stdin.take().expect("it is piped");
    writeln!(input, "{job}").expect("written");
    let output = program.0.stdout.take().expect("it is piped");
    let listener = spawn_blocking(move || {
        let events = BufReader::new(output).lines().map_while(Result::ok);
        let length = |line: String| serde_json::from_str::<Value>(&line).ok()?["duration_ms"].as_f64();
        events.filter_map(length).fold(0.0, f64::max) / 1000.0
    });
    sleep(plan.life).await;
    if let Some(end) = plan.finish {
        drop(input);
        sleep(end).await;
    }
    // It may have ended in order before.
    let _ = program.0.kill();
    program.0.wait().expect("it has ended");
    let told = listener.await.expect("it listens");
    if plan.without_b {
        std::fs::remove_file(regions.join("b")).expect("removed");
    }
    Dead { data, id, plan, told }
}

impl Dead {
    /// Looks at what is there, lets an operator finish it, and looks again. Gives the length in the end, in seconds.
    fn examine(&self) -> f64 {
        let spooled = Spooled::read(&self.data.path().join("spool").join(&self.id));
        let head = spooled.as_ref().and_then(|spooled| spooled.blocks.first()).map_or(0, |(bytes, _)| *bytes);
        for file in ["a", "b"].map(|region| self.file(region)) {
            // Committed as soon as there is a block. The first one is the file's head, without a picture.
            if file.metadata().is_ok_and(|file| file.len() != head as u64) {
                self.plays(&file);
            }
        }
        self.operate(&["resume"]);
        self.operate(&["verify"]);
        let files = ["a", "b"].map(|region| std::fs::read(self.file(region)).ok());
        assert!(files[0] == files[1], "the regions differ, {:?}", self.plan);
        let Some(file) = &files[0] else {
            assert_eq!(head, 0, "{:?}", self.plan);
            return 0.0;
        };
        self.is_known_as_what_it_was(spooled.is_some());
        if let Some(spooled) = &spooled {
            spooled.is_all_in(file, &self.plan);
        }
        if file.len() == head { 0.0 } else { self.plays(&self.file("b")) }
    }

    /// A catalogue that was never told learns it from the spool; what was ended in order is not there any more.
    fn is_known_as_what_it_was(&self, was_in_spool: bool) {
        let catalogue = Store::open(&self.data.path().join("convene.sqlite")).expect("a catalogue");
        let known = catalogue.recording(self.id.parse().expect("an id")).expect("it can be read");
        let layout = known.map(|recording| recording.layout.word());
        assert_eq!(layout, was_in_spool.then_some(self.plan.layout), "{:?}", self.plan);
    }

    fn file(&self, region: &str) -> PathBuf {
        self.data.path().join("regions").join(region).join(format!("{}.webm", self.id))
    }

    fn operate(&self, arguments: &[&str]) {
        let done = convene()
            .args(["recordings", "--data"])
            .arg(self.data.path())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("it ends");
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(done.status.success(), "{arguments:?}, {:?}: {said}", self.plan);
    }

    /// An independent reader has nothing to complain of, and no picture or sound comes twice or too early. Gives the time of the last one.
    fn plays(&self, file: &Path) -> f64 {
        let found = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-select_streams",
                if self.plan.layout == "beside" { "v" } else { "a:0" },
                "-show_entries",
                "packet=pts_time",
                "-of",
                "csv=p=0",
            ])
            .arg(file)
            .output()
            .expect("ffprobe is installed: apt-get install ffmpeg");
        let complaints = String::from_utf8_lossy(&found.stderr);
        assert!(complaints.is_empty(), "{:?}: {complaints}", self.plan);
        let times = String::from_utf8_lossy(&found.stdout);
        let times: Vec<f64> =
            times.lines().map(|line| line.trim_end_matches(',').parse().expect("a time")).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "{:?}: {times:?}", self.plan);
        let pause = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        // Something changes five times a second; a block that was missing would be two seconds.
        assert!(pause < 1.9, "{:?}: a pause of {pause} s in {times:?}", self.plan);
        times.last().copied().unwrap_or(0.0)
    }
}

/// What had reached the spool when the recorder died, read without any code of ours.
struct Spooled {
    /// Length and SHA-256 of each block in the log, in the order of the file.
    blocks: Vec<(usize, String)>,
    /// The block after these, if it was whole and not yet in the log.
    next: Option<Vec<u8>>,
}

impl Spooled {
    fn read(folder: &Path) -> Option<Self> {
        let log = std::fs::read_to_string(folder.join("blocks.log")).ok()?;
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let mut blocks: Vec<(usize, String)> = Vec::new();
        for line in whole.lines() {
            let [id, bytes, digest] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let block = (bytes.parse().expect("a length"), digest.to_owned());
            match id {
                "00000.1" => blocks[0] = block,
                _ => blocks.push(block),
            }
        }
        let next = std::fs::read(folder.join(format!("block-{:05}.webm", blocks.len()))).ok();
        Some(Self { blocks, next })
    }

    /// Every block once, in order, and nothing besides but the one that the log did not have yet. Block 0 may have come again without the log.
    fn is_all_in(&self, file: &[u8], plan: &Plan) {
        let mut rest = file;
        for (number, (bytes, digest)) in self.blocks.iter().enumerate() {
            let (block, after) =
                rest.split_at_checked(*bytes).unwrap_or_else(|| panic!("{number} is cut, {plan:?}"));
            let found: String = Sha256::digest(block).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, *digest, "block {number} of {}, {plan:?}", self.blocks.len());
            rest = after;
        }
        let next = self.next.as_deref().unwrap_or_default();
        assert!(rest == next, "{} bytes besides where {} were to be, {plan:?}", rest.len(), next.len());
    }
}
