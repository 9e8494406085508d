//! Somebody types, into an editor and into a terminal, in real time.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::material::{HANDBOOK, run};
use super::{Camera, Material};
use crate::display::{Display, Running};

const START_PATIENCE: Duration = Duration::from_secs(60);
/// Fifteen pictures a second, a key at every other one.
const FRAMES_A_KEY: u64 = 2;
/// While a listing is read.
const FRAMES_A_COMMAND: usize = 30;

const PROGRAM: &str = "/* Counts words. */\n#include <stdio.h>\n\nint main(void)\n{\nint words = 0, inside = 0;\nfor (int c; (c = getchar()) != EOF;) \
{\nint is_letter = c > 32;\nwords += is_letter && !inside;\ninside = is_letter;\n}\nprintf(\"%d\\n\", words);\nreturn 0;\n}\n";

/// Geany with a file open, and a program typed below it.
pub fn editor(camera: &mut Camera, material: &Material) -> Result<()> {
    let file = material.folder().join("words.c");
    fs::write(&file, PROGRAM.repeat(3))?;
    let settings = material.folder().join("geany");
    let size = camera.display.size();
    let mut command = on(&camera.display, "geany");
    command.arg("--no-session").arg("--no-terminal").arg("-c").arg(&settings).arg("--line=18").arg(&file);
    let editor = Running::start(&mut command)?;
    camera.wait_until_ready(START_PATIENCE)?;
    let (width, height) = (size.width().to_string(), size.height().to_string());
    let all = [
        "search",
        "--onlyvisible",
        "--name",
        "Geany",
        "windowmove",
        "%@",
        "0",
        "0",
        "windowsize",
        "%@",
        &width,
        &height,
    ];
    press(&camera.display, &all)?;
    press(&camera.display, &["mousemove", "700", "300", "click", "1", "key", "Return"])?;
    camera.wait_until_ready(START_PATIENCE)?;
    let mut keys = PROGRAM.chars().cycle();
    camera.roll(|display, number| match number % FRAMES_A_KEY {
        0 => key(display, keys.next().unwrap_or(' ')),
        _ => Ok(()),
    })?;
    drop(editor);
    Ok(())
}

/// xterm over the whole screen: commands are typed, their listings appear.
pub fn terminal(camera: &mut Camera, material: &Material) -> Result<()> {
    let start = material.folder().join("bashrc");
    fs::write(&start, format!("PS1='ann@ship:\\W\\$ '; cd {HANDBOOK}; alias ls='ls --color'\n"))?;
    let mut command = on(&camera.display, "xterm");
    command.args([
        "-geometry",
        "142x43+0+0",
        "-fa",
        "DejaVu Sans Mono",
        "-fs",
        "11",
        "-bg",
        "black",
        "-fg",
        "gray90",
        "-e",
    ]);
    let shell = Running::start(command.args(["bash", "--noprofile", "--rcfile"]).arg(&start).arg("-i"))?;
    camera.wait_until_ready(START_PATIENCE)?;
    press(&camera.display, &["mousemove", "700", "300"])?;
    let commands = [
        "ls -l *.html | head -30\n",
        "grep -c para sect.*.html\n",
        "ls images\n",
        "head -c 3000 network-services.html\n",
    ];
    let mut steps = Vec::new();
    for command in commands.iter().cycle().take(12) {
        for character in command.chars() {
            steps.extend([Some(character), None]);
        }
        steps.extend([None; FRAMES_A_COMMAND]);
    }
    let mut steps = steps.into_iter().cycle();
    camera.roll(|display, _| steps.next().flatten().map_or(Ok(()), |character| key(display, character)))?;
    drop(shell);
    Ok(())
}

fn on(display: &Display, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("DISPLAY", &display.name).env("NO_AT_BRIDGE", "1").env_remove("WAYLAND_DISPLAY");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn key(display: &Display, character: char) -> Result<()> {
    match character {
        '\n' => press(display, &["key", "Return"]),
        other => press(display, &["type", "--delay", "0", &other.to_string()]),
    }
}

/// One call of xdotool.
pub fn press(display: &Display, arguments: &[&str]) -> Result<()> {
    run("env", &[&[format!("DISPLAY={}", display.name).as_str(), "xdotool"], arguments].concat())
        .with_context(|| format!("on {}", display.name))
}
