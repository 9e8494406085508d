//! What all of them record: a screen, three cameras, a voice, as files that last equally long.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use convene_bench::clip::{Clip, FRAMES_A_SECOND, frame_time_us};
use convene_screen::{Encoder, Frame, PixelOrder};

/// How many look into a camera.
pub const CAMERAS: usize = 3;
/// The film that they are taken for.
const FILM: &str = "bikes.webm";

/// The screen as a film without a loss, but for colours of half the size, which all recordings have.
pub const REFERENCE: &str = "reference.mkv";

/// Where it lies.
#[derive(Debug)]
pub struct Material {
    /// Everything, and what is recorded.
    pub folder: PathBuf,
    /// How long it lasts.
    pub seconds: u64,
}

impl Material {
    /// Makes `screen.screen`, `screen.webm`, `reference.mkv`, `camera0.webm` and so on, `voice.ogg`.
    pub fn make(clip: &Clip, films: &Path, folder: &Path, seconds: u64) -> Result<Self> {
        let material = Self { folder: folder.to_owned(), seconds };
        material.make_screen(clip)?;
        let length = seconds.to_string();
        for camera in 0..CAMERAS {
            let start = (2 * camera).to_string();
            let film = films.join(FILM).to_string_lossy().into_owned();
            let file = material.file(&format!("camera{camera}.webm"));
            ffmpeg(&[
                "-stream_loop",
                "-1",
                "-ss",
                &start,
                "-i",
                &film,
                "-t",
                &length,
                "-vf",
                "scale=320:240,fps=20",
                "-an",
                "-c:v",
                "libvpx",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-b:v",
                "400k",
                "-g",
                "100",
                &file,
            ])?;
        }
        let voice = format!("anoisesrc=amplitude=0.2:color=pink:duration={seconds},tremolo=f=4:d=0.9");
        let file = material.file("voice.ogg");
        ffmpeg(&["-f", "lavfi", "-i", &voice, "-c:a", "libopus", "-b:a", "32k", "-ar", "48000", &file])?;
        Ok(material)
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// The clip again and again, as a screen stream, as a film for browsers, and as what recordings are compared with.
    fn make_screen(&self, clip: &Clip) -> Result<()> {
        let about = clip.about().context("the clip is not captured")?;
        let size = about.size()?;
        let pixels = format!("{}x{}", size.width(), size.height());
        let rate = FRAMES_A_SECOND.to_string();
        let mut film = Command::new("ffmpeg")
            .args([
                "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr0", "-s", &pixels, "-r", &rate, "-i",
                "-",
            ])
            .args([
                "-c:v",
                "libvpx",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-b:v",
                "2M",
                &self.file("screen.webm"),
            ])
            .args(["-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
            .arg(self.file(REFERENCE))
            .stdin(Stdio::piped())
            .spawn()
            .context("ffmpeg")?;
        let mut to_film = film.stdin.take().context("ffmpeg reads")?;
        let mut stream = BufWriter::new(File::create(self.file("screen.screen"))?);
        let (mut encoder, mut player) = (Encoder::new(), clip.play()?);
        for number in 0..self.seconds * FRAMES_A_SECOND {
            if number % about.frames == 0 {
                player = clip.play()?;
            }
            let picture = player.next_moment()?.context("a clip has as many pictures as it says")?.pixels;
            let stride = usize::from(size.width()) * 4;
            let frame = Frame { size, stride, order: PixelOrder::Bgrx, pixels: picture };
            let update = encoder.frame(frame, Duration::from_micros(frame_time_us(number)));
            stream.write_all(&update.unwrap_or_default())?;
            to_film.write_all(picture)?;
        }
        stream.flush()?;
        drop(to_film);
        ensure!(film.wait()?.success(), "ffmpeg fails");
        Ok(())
    }
}

fn ffmpeg(arguments: &[&str]) -> Result<()> {
    let status =
        Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).status().context("ffmpeg")?;
    ensure!(status.success(), "ffmpeg fails");
    Ok(())
}

/// Bytes of a file.
pub fn bytes(path: &str) -> Result<u64> {
    Ok(fs::metadata(path).with_context(|| path.to_owned())?.len())
}
