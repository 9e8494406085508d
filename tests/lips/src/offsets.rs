//! How far flashes and beeps are apart in a file.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A picture whose mean is brighter than most by so much flashes: a face may be a twentieth of it. Louder than this, a sample beeps.
const BRIGHTER: f64 = 4.0;
const LOUD: i16 = 3000;
/// Quiet for so long, and the next loud sample begins a beep. Seconds.
const QUIET: f64 = 0.3;
/// A flash and a beep that are further apart are of two claps. Seconds.
const APART_MAX: f64 = 0.5;

/// By how many milliseconds each flash comes after its beep; fewer than none, before.
#[derive(Clone, Debug, PartialEq)]
pub struct Offsets(pub Vec<f64>);

impl Offsets {
    /// Those in this file, without the first so many seconds.
    pub fn measure(file: &Path, from: f64) -> Result<Self> {
        let (flashes, beeps) = (flashes(file)?, beeps(file)?);
        let offset = |beep: &f64| {
            let apart = flashes.iter().map(|flash| flash - beep);
            apart.min_by(|one, other| one.abs().total_cmp(&other.abs()))
        };
        let late = beeps.iter().filter(|beep| from <= **beep).filter_map(offset);
        let mut offsets: Vec<f64> =
            late.filter(|offset| offset.abs() < APART_MAX).map(|offset| offset * 1000.0).collect();
        ensure!(!offsets.is_empty(), "no clap is in the file: {flashes:?}, {beeps:?}");
        offsets.sort_by(f64::total_cmp);
        Ok(Self(offsets))
    }

    /// How many claps were both seen and heard.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// As many are more as are less.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

/// When pictures become bright.
fn flashes(file: &Path) -> Result<Vec<f64>> {
    let told = ffmpeg(file, &["-an", "-vf", "signalstats,metadata=print:file=-", "-f", "null", "/dev/null"])?;
    let told = String::from_utf8_lossy(&told);
    let (mut pictures, mut time) = (Vec::new(), None);
    for line in told.lines() {
        if let Some((_, rest)) = line.split_once("pts_time:") {
            time = rest.split_whitespace().next().and_then(|time| time.parse::<f64>().ok());
        } else if let Some(luma) = line.strip_prefix("lavfi.signalstats.YAVG=") {
            pictures.extend(time.zip(luma.trim().parse::<f64>().ok()));
        }
    }
    let mut lumas: Vec<f64> = pictures.iter().map(|(_, luma)| *luma).collect();
    lumas.sort_by(f64::total_cmp);
    let usual = *lumas.get(lumas.len() / 2).context("the file has no picture")?;
    let is_bright = |luma: f64| usual + BRIGHTER < luma;
    let pairs = pictures.windows(2);
    Ok(pairs.filter(|pair| !is_bright(pair[0].1) && is_bright(pair[1].1)).map(|pair| pair[1].0).collect())
}

/// When beeps begin.
fn beeps(file: &Path) -> Result<Vec<f64>> {
    // What is missing in between is silence.
    let format =
        ["-vn", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"];
    let bytes = ffmpeg(file, &format)?;
    let samples = bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes));
    let (mut beeps, mut loud_until) = (Vec::new(), f64::MIN);
    for (number, _) in samples.enumerate().filter(|(_, sample)| LOUD < sample.saturating_abs()) {
        let time = number as f64 / 48_000.0;
        if loud_until + QUIET < time {
            beeps.push(time);
        }
        loud_until = time;
    }
    Ok(beeps)
}

fn ffmpeg(file: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let ran = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(file).args(arguments).output();
    let ran = ran.context("ffmpeg is not installed: apt-get install ffmpeg")?;
    ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Ok(ran.stdout)
}
