//! Video encoders on the same pictures: set as products set them for a shared screen, decoded again and compared.
//!
//! All run with constant quality, no frames ahead and one key frame at the start. The qualities are chosen so that scrolled text comes out within
//! about two dB of x264's default (CRF 23), so bytes can be compared; a fixed rate would only say which rate was set.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::display::Running;
use crate::measure::{Comparison, Shown};
use crate::report::{Measured, Sent};
use convene_bench::clip::{Clip, FRAMES_A_SECOND};

/// A video encoder and how it is set.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name in the output.
    pub name: &'static str,
    /// What turns raw BGRx on stdin (`$RAW` describes it) into the file `$OUT`, for bash.
    command: &'static str,
}

/// All of them.
pub const PEERS: [Peer; 4] = [
    Peer {
        name: "x264",
        command: "ffmpeg $RAW -c:v libx264 -preset veryfast -tune zerolatency -crf 23 -pix_fmt yuv420p -g 99999 -f matroska $OUT",
    },
    // WebRTC's settings for a shared screen, but for the rate; FFmpeg cannot switch the screen mode on, so libvpx's own program does.
    Peer {
        name: "vp8",
        command: "ffmpeg $RAW -pix_fmt yuv420p -f rawvideo - | vpxenc --quiet --codec=vp8 --i420 --width=$WIDTH --height=$HEIGHT --fps=$RATE/1 --rt \
            --cpu-used=-6 --lag-in-frames=0 --screen-content-mode=1 --end-usage=cq --cq-level=20 --min-q=2 --max-q=56 --target-bitrate=20000 \
            --static-thresh=100 --threads=2 --kf-max-dist=99999 --output=$OUT -",
    },
    Peer {
        name: "vp9",
        command: "ffmpeg $RAW -c:v libvpx-vp9 -deadline realtime -cpu-used 7 -lag-in-frames 0 -tune-content screen -aq-mode 0 -row-mt 1 \
            -crf 32 -b:v 0 -pix_fmt yuv420p -g 99999 -threads 2 -f matroska $OUT",
    },
    Peer {
        name: "av1",
        command: "ffmpeg $RAW -c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -row-mt 1 -crf 32 -b:v 0 \
            -aom-params tune-content=screen:enable-palette=1:aq-mode=0 -pix_fmt yuv420p -g 99999 -threads 2 -f matroska $OUT",
    },
];

/// The peer's bytes, processor time and pictures for a clip.
pub fn measure(peer: &Peer, clip: &Clip, folder: &Path) -> Result<Measured> {
    let about = clip.play()?.about;
    let file = folder.join(format!("{}.film", peer.name));
    let encode = encode(peer, clip, &file)?;
    let bytes = packet_bytes(&file)?;
    ensure!(
        bytes.len() as u64 == about.frames,
        "{} made {} packets of {} pictures",
        peer.name,
        bytes.len(),
        about.frames
    );
    let (shown, changes) = compare(clip, &file)?;
    let sent = bytes.into_iter().zip(changes).map(|(bytes, has_changed)| Sent { bytes, has_changed });
    let sent: Vec<Sent> = sent.collect();
    std::fs::remove_file(&file)?;
    Ok(Measured::new(about, &sent, encode, Some(shown)))
}

/// Returns the processor time: reading the pictures, turning them into 4:2:0, and encoding.
fn encode(peer: &Peer, clip: &Clip, file: &Path) -> Result<Duration> {
    let mut player = clip.play()?;
    let size = player.about.size()?;
    let (width, height, rate) =
        (size.width().to_string(), size.height().to_string(), FRAMES_A_SECOND.to_string());
    let raw =
        format!("-v error -y -f rawvideo -pix_fmt bgr0 -video_size {width}x{height} -framerate {rate} -i -");
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("set -o pipefail; TIMEFORMAT='%U %S'; time {{ {}; }}", peer.command));
    command.envs([("RAW", &raw), ("WIDTH", &width), ("HEIGHT", &height), ("RATE", &rate)]).env("OUT", file);
    let mut child =
        Running::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()))?;
    let mut pictures = child.child().stdin.take().expect("stdin is piped");
    let mut errors = child.child().stderr.take().expect("stderr is piped");
    let report = std::thread::spawn(move || {
        let mut report = String::new();
        errors.read_to_string(&mut report).map(|_| report)
    });
    let mut written = Ok(());
    while let Some(moment) = player.next_moment()? {
        written = pictures.write_all(moment.pixels);
        if written.is_err() {
            break;
        }
    }
    drop(pictures);
    let report = report.join().expect("the reader does not panic")?;
    let complaint = || format!("{} says:\n{report}", peer.name);
    written.with_context(complaint)?;
    ensure!(child.child().wait()?.success(), complaint());
    let (user, system) =
        report.lines().last().and_then(|times| times.split_once(' ')).with_context(complaint)?;
    Ok(Duration::from_secs_f64(user.parse::<f64>()? + system.parse::<f64>()?))
}

fn packet_bytes(file: &Path) -> Result<Vec<u64>> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=size", "-of", "csv=p=0"]);
    let listing = command.arg(file).output()?;
    ensure!(listing.status.success(), "ffprobe cannot read {}", file.display());
    let lines = String::from_utf8(listing.stdout)?;
    lines.lines().map(|line| Ok(line.trim_end_matches(',').parse()?)).collect()
}

/// Also tells at which moments something changed.
fn compare(clip: &Clip, file: &Path) -> Result<(Shown, Vec<bool>)> {
    let mut player = clip.play()?;
    let size = player.about.size()?;
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(file);
    command.args([
        "-fps_mode",
        "passthrough",
        "-sws_flags",
        "accurate_rnd+full_chroma_int",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "bgr0",
        "-",
    ]);
    let mut child = Running::start(command.stdout(Stdio::piped()))?;
    let mut pictures = child.child().stdout.take().expect("stdout is piped");
    let mut shown = vec![0; size.area() * 4];
    let mut comparison = Comparison::new(size);
    let mut changes = Vec::new();
    while let Some(moment) = player.next_moment()? {
        pictures.read_exact(&mut shown).context("the decoded film is shorter than the clip")?;
        shown.iter_mut().skip(3).step_by(4).for_each(|x| *x = 0xff);
        comparison.add(&moment, &shown);
        changes.push(moment.changed.is_some());
    }
    Ok((comparison.finish(), changes))
}
