//! What is captured: real programs doing what is shown in meetings, each scene on a display of its own.

mod browser;
mod material;
mod slides;
mod typing;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use convene_screen::ScreenSize;

use crate::clock::Clock;
use crate::display::Display;
use convene_bench::clip::{Clip, FRAMES_A_SECOND, Recorder, START_FRAMES, frame_time_us};
pub use material::Material;

/// How long the last picture stands: time enough to become exact.
const REST_SECONDS: u64 = 3;

/// One thing that is shown in meetings.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Its name in the output.
    pub name: &'static str,
    /// What happens on the screen.
    pub about: &'static str,
    /// kbit/s that the papers promise for it.
    pub table_kbps: Option<u64>,
    width: u32,
    height: u32,
    seconds: u64,
    quick_seconds: u64,
    program: Program,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// Chromium, driven by `tests/browser/bench.ts`.
    Page(&'static str),
    Editor,
    Terminal,
}

const fn scene(name: &'static str, about: &'static str, table_kbps: Option<u64>, program: Program) -> Scene {
    Scene { name, about, table_kbps, width: 1280, height: 720, seconds: 12, quick_seconds: 5, program }
}

/// All scenes, in the order of the report.
pub const SCENES: [Scene; 9] = [
    scene("typing", "Geany, a program is typed, seven keys a second", None, Program::Editor),
    scene("terminal", "xterm, commands and their listings", None, Program::Terminal),
    scene(
        "text_mild",
        "Chromium, handbook page, notches of the wheel",
        Some(400),
        Program::Page("text_mild"),
    ),
    scene("text_heavy", "the same page, scrolled without a stop", None, Program::Page("text_heavy")),
    scene("mixed_heavy", "pictures and text, flung through", Some(800), Program::Page("mixed_heavy")),
    Scene {
        seconds: 24,
        quick_seconds: 9,
        ..scene("slides_plain", "Impress, bullets, a step in 3 s", Some(400), Program::Page("slides_plain"))
    },
    Scene {
        seconds: 24,
        quick_seconds: 9,
        ..scene(
            "slides_rich",
            "Impress, pictures, crossfade, a step in 4 s",
            Some(800),
            Program::Page("slides_rich"),
        )
    },
    scene("film_window", "640 x 360 film in a page of text", Some(800), Program::Page("film_window")),
    Scene {
        width: 1920,
        height: 1080,
        seconds: 8,
        quick_seconds: 3,
        ..scene("film_full", "1080p film, full screen", Some(2500), Program::Page("film_full"))
    },
];

/// Pages of text at 1080p, to time one update each; no scene of the report.
pub const PAGES_1080P: Scene = Scene {
    width: 1920,
    height: 1080,
    seconds: 1,
    quick_seconds: 1,
    ..scene("pages_1080p", "pages of text", None, Program::Page("pages_1080p"))
};

/// Where clips are kept, and how long they are.
#[derive(Debug)]
pub struct Studio {
    folder: PathBuf,
    material: PathBuf,
    is_quick: bool,
}

impl Studio {
    /// Clips in `folder`; short ones beside the long ones.
    pub fn new(folder: &Path, is_quick: bool) -> Result<Self> {
        let clips = folder.join(if is_quick { "quick" } else { "full" });
        fs::create_dir_all(&clips).with_context(|| format!("{} cannot be made", clips.display()))?;
        Ok(Self { folder: clips, material: folder.join("material"), is_quick })
    }

    /// The scene's clip, captured now unless it was before.
    pub fn clip(&self, scene: &Scene) -> Result<Clip> {
        let clip = Clip::new(&self.folder, scene.name);
        if clip.about().is_some() {
            return Ok(clip);
        }
        eprintln!("capturing {}: {}", scene.name, scene.about);
        let size = ScreenSize::new(scene.width, scene.height).context("a scene's size is a screen's")?;
        let material = Material::gather(&self.material)?;
        let display = Display::xvfb(size)?;
        let seconds = if self.is_quick { scene.quick_seconds } else { scene.seconds };
        let mut camera = Camera {
            display,
            recorder: clip.record(size)?,
            frames: seconds * FRAMES_A_SECOND,
            is_first: true,
        };
        match scene.program {
            Program::Page(name) => browser::capture(&mut camera, name, &material)?,
            Program::Editor => typing::editor(&mut camera, &material)?,
            Program::Terminal => typing::terminal(&mut camera, &material)?,
        }
        camera.recorder.finish(REST_SECONDS * FRAMES_A_SECOND)?;
        Ok(clip)
    }
}

/// Takes the pictures of a scene.
#[derive(Debug)]
struct Camera {
    display: Display,
    recorder: Recorder,
    /// How many are wanted, besides those in which the first one stands.
    frames: u64,
    is_first: bool,
}

impl Camera {
    /// Adds what the display shows now.
    fn shoot(&mut self) -> Result<()> {
        let pixels = self.display.grab()?;
        self.recorder.add(&pixels)?;
        if self.is_first {
            self.is_first = false;
            self.recorder.stand(START_FRAMES - 1)?;
        }
        Ok(())
    }

    /// Takes all pictures in real time; before each, `act` may press keys and the like.
    fn roll(&mut self, mut act: impl FnMut(&Display, u64) -> Result<()>) -> Result<()> {
        let clock = Clock::start();
        for number in 0..self.frames {
            act(&self.display, number)?;
            clock.sleep_until(Duration::from_micros(frame_time_us(number + 1)));
            self.shoot()?;
        }
        Ok(())
    }

    /// Waits until the display has shown something for a while: a program has started.
    fn wait_until_ready(&self, patience: Duration) -> Result<()> {
        const SHOWN: Duration = Duration::from_secs(2);
        let clock = Clock::start();
        let mut plain_until = Duration::ZERO;
        while clock.now() - plain_until < SHOWN {
            anyhow::ensure!(clock.now() < patience, "the program did not show itself within {patience:?}");
            clock.sleep_until(clock.now() + Duration::from_millis(100));
            let pixels = self.display.grab()?;
            if pixels.chunks_exact(4).all(|pixel| pixel[..3] == pixels[..3]) {
                plain_until = clock.now();
            }
        }
        Ok(())
    }
}
