//! A talk laid out by LibreOffice Impress: plain bullets, or pictures on a designed ground.
//!
//! Impress makes the pages (as PDF, then pixels); a full-screen page of Chromium turns them, as the slide show of Impress draws nothing on a display
//! without a desktop.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Material;
use super::material::run;

/// A template that LibreOffice ships, with drawings on its masters.
const TEMPLATE: &str = "/usr/lib/libreoffice/share/template/common/presnt/Forestbird.otp";
/// Of each talk; the plain one has more pages, as some of its slides come in steps.
pub const SLIDES: usize = 10;
const BULLETS: usize = 4;

/// `plain-NN.png` and `rich-NN.png` at 1280 x 720 in the material's folder.
pub fn make(material: &Material) -> Result<()> {
    let folder = material.folder().to_str().context("the folder's name is text")?;
    let lines = talk(material)?;
    for talk in [plain_talk(material, &lines)?, rich_talk(material, &lines)?] {
        let talk = talk.to_str().context("a talk's name is text")?;
        convert(material, "pdf", talk)?;
        let (stem, _) = talk.rsplit_once('.').context("a talk's name has an ending")?;
        run(
            "pdftoppm",
            &["-scale-to-x", "1280", "-scale-to-y", "720", "-png", &format!("{stem}.pdf"), stem],
        )?;
    }
    anyhow::ensure!(
        Path::new(folder).join("rich-10.png").exists(),
        "Impress made fewer than {SLIDES} rich slides"
    );
    Ok(())
}

fn convert(material: &Material, ending: &str, file: &str) -> Result<()> {
    let folder = material.folder().to_str().context("the folder's name is text")?;
    let profile = format!("-env:UserInstallation=file://{folder}/office");
    run("soffice", &[profile.as_str(), "--headless", "--convert-to", ending, "--outdir", folder, file])
}

/// A headline and four bullets for each slide, from the handbook.
fn talk(material: &Material) -> Result<Vec<(String, Vec<String>)>> {
    let words = |text: &str, count| text.split_whitespace().take(count).collect::<Vec<_>>().join(" ");
    let paragraphs = material.paragraphs("network-services.html")?;
    let slides = paragraphs
        .chunks_exact(BULLETS + 1)
        .map(|part| (words(&part[0], 5), part[1..].iter().map(|paragraph| words(paragraph, 9)).collect()));
    Ok(slides.take(SLIDES).collect())
}

/// Black on white; every second slide comes bullet by bullet, in two steps.
fn plain_talk(material: &Material, lines: &[(String, Vec<String>)]) -> Result<PathBuf> {
    let mut pages = String::new();
    for (number, (title, bullets)) in lines.iter().enumerate() {
        let steps: &[usize] = if number % 2 == 1 { &[BULLETS / 2, BULLETS] } else { &[BULLETS] };
        for &shown in steps {
            pages += &page("Plain", &text(title, &bullets[..shown], "24cm"), pages.len());
        }
    }
    let path = material.folder().join("plain.fodp");
    fs::write(&path, PLAIN.replace("PAGES", &pages).replace("STYLES", STYLES))?;
    Ok(path)
}

/// A template's ground, photographs beside the bullets.
fn rich_talk(material: &Material, lines: &[(String, Vec<String>)]) -> Result<PathBuf> {
    let folder = material.folder().to_str().context("the folder's name is text")?;
    convert(material, "fodp", TEMPLATE)?;
    let template = fs::read_to_string(Path::new(folder).join("Forestbird.fodp"))?;
    let mut pages = String::new();
    for (number, (title, bullets)) in lines.iter().enumerate() {
        let still = format!("file://{folder}/still-{}{}.jpg", 1 + number % 2, 1 + number / 2);
        let picture = format!(
            "<draw:frame svg:x=\"16cm\" svg:y=\"4.2cm\" svg:width=\"10.5cm\" svg:height=\"6.2cm\">\
             <draw:image xlink:href=\"{still}\" xlink:type=\"simple\" xlink:show=\"embed\" xlink:actuate=\"onLoad\"/></draw:frame>"
        );
        let master = format!("Forestbird{}", 1 + number % 3);
        pages += &page(&master, &(text(title, bullets, "13cm") + &picture), number);
    }
    let (head, rest) = template.split_once("<draw:page ").context("the template has a slide")?;
    let tail = rest.rfind("</draw:page>").context("the template's slide ends")?;
    let head =
        head.replace("</office:automatic-styles>", &(STYLES.to_owned() + "</office:automatic-styles>"));
    let path = material.folder().join("rich.fodp");
    fs::write(&path, head + &pages + &rest[tail + "</draw:page>".len()..])?;
    Ok(path)
}

fn page(master: &str, content: &str, number: usize) -> String {
    format!("<draw:page draw:name=\"p{number}\" draw:master-page-name=\"{master}\">{content}</draw:page>\n")
}

fn text(title: &str, bullets: &[String], width: &str) -> String {
    let bullets: String = bullets
        .iter()
        .map(|bullet| format!("<text:p text:style-name=\"bullet\">\u{2022} {bullet}</text:p>"))
        .collect();
    format!(
        "<draw:frame svg:x=\"2cm\" svg:y=\"1cm\" svg:width=\"24cm\" svg:height=\"2.4cm\"><draw:text-box>\
         <text:p text:style-name=\"title\">{title}</text:p></draw:text-box></draw:frame>\
         <draw:frame svg:x=\"2cm\" svg:y=\"4cm\" svg:width=\"{width}\" svg:height=\"9cm\"><draw:text-box>{bullets}</draw:text-box></draw:frame>"
    )
}

const STYLES: &str = r#"
<style:style style:name="title" style:family="paragraph"><style:text-properties fo:font-size="36pt" style:font-name="Liberation Sans" fo:font-family="Liberation Sans" fo:font-weight="bold"/></style:style>
<style:style style:name="bullet" style:family="paragraph"><style:paragraph-properties fo:margin-bottom="0.4cm"/><style:text-properties fo:font-size="22pt" fo:font-family="Liberation Sans"/></style:style>
"#;

const PLAIN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"
 office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.presentation">
<office:automatic-styles><style:page-layout style:name="wide"><style:page-layout-properties fo:margin-top="0cm" fo:margin-bottom="0cm"
 fo:margin-left="0cm" fo:margin-right="0cm" fo:page-width="28cm" fo:page-height="15.75cm" style:print-orientation="landscape"/></style:page-layout>STYLES
</office:automatic-styles>
<office:master-styles><style:master-page style:name="Plain" style:page-layout-name="wide"/></office:master-styles>
<office:body><office:presentation>PAGES</office:presentation></office:body></office:document>
"#;
