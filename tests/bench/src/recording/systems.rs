//! Who records: as the service does, as GStreamer's own elements do, and as a browser in front of a grabber does.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::material::{CAMERAS, Material};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// `meetingrecorder`.
    Convene,
    /// `compositor ! vp8enc ! webmmux`.
    Stock,
    /// Chromium under Xvfb, grabbed and encoded by FFmpeg as Jibri has it.
    Browser,
}

impl System {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Convene, Self::Stock, Self::Browser];

    /// In the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Convene => "convene",
            Self::Stock => "stock",
            Self::Browser => "browser",
        }
    }

    /// Where it writes.
    pub fn output(self, material: &Material) -> String {
        let ending = if self == Self::Browser { "mp4" } else { "webm" };
        material.file(&format!("{}.{ending}", self.name()))
    }

    /// What is run, in a session of its own; it ends with the material.
    pub fn command(self, material: &Material) -> Result<Command> {
        let mut command = Command::new("setsid");
        match self {
            Self::Convene | Self::Stock => {
                let own = std::env::current_exe()?;
                let plugins = own.parent().map(PathBuf::from).context("we are in a folder")?;
                let line = if self == Self::Convene { convene(material) } else { stock(material) };
                command.env("GST_PLUGIN_PATH", plugins).args(["gst-launch-1.0", "-q", "-e"]);
                command.args(line.split_whitespace());
            }
            Self::Browser => {
                let page = material.file("page.html");
                std::fs::write(&page, PAGE)?;
                let grab = grabber(&page, material);
                command.args(["xvfb-run", "-a", "-s", "-screen 0 1280x720x24", "sh", "-c", &grab]);
            }
        }
        Ok(command)
    }
}

fn convene(material: &Material) -> String {
    let mut line = format!(
        "meetingrecorder name=recorder force-live=true ! filesink location={} \
        filesrc location={} ! screendec ! clocksync ! recorder.screen \
        filesrc location={} ! oggdemux ! opusdec ! queue ! clocksync ! recorder.audio_0",
        System::Convene.output(material),
        material.file("screen.screen"),
        material.file("voice.ogg")
    );
    for camera in 0..CAMERAS {
        let file = material.file(&format!("camera{camera}.webm"));
        line +=
            &format!(" filesrc location={file} ! matroskademux ! queue ! clocksync ! recorder.feed_{camera}");
    }
    line
}

fn stock(material: &Material) -> String {
    let mut places = String::new();
    let mut cameras = String::new();
    for camera in 0..CAMERAS {
        let (sink, y) = (camera + 1, 180 * camera);
        places += &format!(
            "sink_{sink}::xpos=1280 sink_{sink}::ypos={y} sink_{sink}::width=240 sink_{sink}::height=180 "
        );
        let file = material.file(&format!("camera{camera}.webm"));
        cameras += &format!(
            " filesrc location={file} ! matroskademux ! queue ! vp8dec ! clocksync ! queue ! all.sink_{sink}"
        );
    }
    format!(
        "compositor name=all force-live=true background=black {places} \
        ! video/x-raw,format=I420,width=1520,height=720,framerate=30/1,colorimetry=bt601,chroma-site=jpeg ! queue \
        ! vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=2000000 keyframe-max-dist=60 \
        ! webmmux name=mux ! filesink location={} \
        filesrc location={} ! screendec ! clocksync ! queue ! all.sink_0 \
        filesrc location={} ! oggdemux ! opusdec ! audioconvert ! opusenc ! clocksync ! queue ! mux.{cameras}",
        System::Stock.output(material),
        material.file("screen.screen"),
        material.file("voice.ogg")
    )
}

/// Muted, as no browser plays otherwise by itself; the voice goes to the encoder another way.
const PAGE: &str = r#"<style>body{margin:0;background:#000}video{position:fixed}.small{left:1040px;width:240px}</style>
<video src="screen.webm" autoplay muted style="left:0;top:0;width:1280px"></video>
<video class="small" src="camera0.webm" autoplay muted style="top:0"></video>
<video class="small" src="camera1.webm" autoplay muted style="top:180px"></video>
<video class="small" src="camera2.webm" autoplay muted style="top:360px"></video>"#;

fn grabber(page: &str, material: &Material) -> String {
    format!(
        "chromium --no-sandbox --disable-gpu --kiosk --no-first-run --window-size=1280,720 --window-position=0,0 \
        --autoplay-policy=no-user-gesture-required --user-data-dir={} file://{page} >/dev/null 2>&1 & \
        exec ffmpeg -v error -y -f x11grab -framerate 30 -video_size 1280x720 -i $DISPLAY -i {} -c:v libx264 -preset veryfast \
        -profile:v main -pix_fmt yuv420p -r 30 -crf 25 -g 60 -tune zerolatency -c:a aac -t {} {}",
        material.file("profile"),
        material.file("voice.ogg"),
        material.seconds,
        System::Browser.output(material)
    )
}
