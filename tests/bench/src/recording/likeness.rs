//! How much the recorded screen is like the one that was shown: structural similarity, by FFmpeg's `ssim`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::material::{Material, REFERENCE};

/// They are compared so often: twice as often as what was shown changes.
const PICTURES_A_SECOND: u64 = 30;
/// What all of them show of the screen: a browser's faces stand on the rest.
const SEEN: &str = "crop=1040:720:0:0";
/// In such small pictures it is found out by how many a recording is late.
const SMALL: (usize, usize) = (104, 72);
/// Seconds: encoders have settled, and nothing has ended yet.
const WARM_UP: u64 = 5;
const BEFORE_END: u64 = 3;
/// How late a recording may be, in pictures: a browser takes a while to show the page.
const LATE_MAX: usize = 3 * PICTURES_A_SECOND as usize;

/// The mean of all pictures, each against the one that was shown then: 1 is the same.
pub fn ssim(output: &str, material: &Material) -> Result<f64> {
    let reference = material.file(REFERENCE);
    let (from, to) = (WARM_UP * PICTURES_A_SECOND, (material.seconds - BEFORE_END) * PICTURES_A_SECOND);
    let late = lateness(output, &reference, from as usize..to as usize)?;
    let part = |from: u64, to: u64| {
        format!(
            "fps={PICTURES_A_SECOND},{SEEN},format=yuv420p,trim=start_frame={from}:end_frame={to},setpts=N/{PICTURES_A_SECOND}/TB"
        )
    };
    let to = to - late;
    let filter = format!("[0:v]{}[a];[1:v]{}[b];[a][b]ssim", part(from + late, to + late), part(from, to));
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-i", output, "-i", &reference, "-lavfi", &filter, "-f", "null", "-"])
        .output()
        .context("ffmpeg")?;
    let said = String::from_utf8_lossy(&run.stderr);
    let mean = said.rsplit_once("All:").and_then(|(_, mean)| mean.split_whitespace().next()?.parse().ok());
    mean.with_context(|| format!("ffmpeg compares nothing: {said}"))
}

/// By how many pictures the recording is later than what was shown: where both differ least.
fn lateness(output: &str, reference: &str, of: std::ops::Range<usize>) -> Result<u64> {
    let (recorded, shown) = (small(output)?, small(reference)?);
    let difference = |late: usize| -> u64 {
        let pairs =
            of.clone().step_by(3).filter_map(|at| picture(&recorded, at + late).zip(picture(&shown, at)));
        let (count, sum) = pairs.fold((0, 0), |(count, sum), (one, two)| {
            let pixels = one.iter().zip(two).map(|(one, two)| u64::from(one.abs_diff(*two))).sum::<u64>();
            (count + 1, sum + pixels)
        });
        sum.checked_div(count).unwrap_or(u64::MAX)
    };
    let late = (0..LATE_MAX).min_by_key(|late| difference(*late)).context("a recording can be late")?;
    Ok(late as u64)
}

fn picture(pictures: &[u8], number: usize) -> Option<&[u8]> {
    pictures.chunks_exact(SMALL.0 * SMALL.1).nth(number)
}

/// All pictures of a file, one after another.
fn small(file: &str) -> Result<Vec<u8>> {
    let (width, height) = SMALL;
    let filter = format!("fps={PICTURES_A_SECOND},{SEEN},scale={width}:{height}:flags=area,format=gray");
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", file, "-vf", &filter, "-f", "rawvideo", "-"])
        .output()
        .context("ffmpeg")?;
    ensure!(run.status.success(), "ffmpeg does not read {file}: {}", String::from_utf8_lossy(&run.stderr));
    Ok(run.stdout)
}
