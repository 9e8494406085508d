//! Chromium on the display, led step by step: the page says when it shows the next picture, whatever the machine's load.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Camera, Material};
use crate::display::Running;

/// `tests/browser/bench.ts` prints `shown` when the picture of the next moment is ready and waits for a line before it goes on.
pub fn capture(camera: &mut Camera, scene: &str, material: &Material) -> Result<()> {
    let (width, height) = (camera.display.size().width(), camera.display.size().height());
    let mut command = Command::new("node");
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../browser"))
        .args(["--import", "tsx", "bench.ts", scene]);
    command.args([&camera.display.name, &width.to_string(), &height.to_string(), &camera.frames.to_string()]);
    command.arg(material.folder()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut driver = Running::start(&mut command)?;
    let mut answers = driver.child().stdin.take().expect("stdin is piped");
    let lines = BufReader::new(driver.child().stdout.take().expect("stdout is piped")).lines();
    let mut taken = 0;
    for line in lines {
        match line?.as_str() {
            "shown" => camera.shoot()?,
            other => bail!("the browser's driver said \"{other}\""),
        }
        taken += 1;
        answers.write_all(b"\n").context("the browser's driver is gone")?;
    }
    anyhow::ensure!(taken == camera.frames, "the browser showed {taken} of {} pictures", camera.frames);
    Ok(())
}
