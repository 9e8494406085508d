//! One test vector: a stream, and what a reader makes of it.

use std::fmt::Write;

use convene_screen::{Decoder, Picture, Record, Rect};
use serde::{Deserialize, Serialize};

/// A stream, and what a reader makes of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Scene {
    /// What the scene shows.
    pub about: String,
    /// The stream in hexadecimal.
    pub stream: String,
    /// More of the stream, too long to be written out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repeat: Option<Repeat>,
    /// What a reader makes of it.
    #[serde(flatten)]
    pub expected: Expected,
}

/// These bytes follow `times` times.
#[derive(Debug, Serialize, Deserialize)]
pub struct Repeat {
    pub stream: String,
    pub times: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    /// The name of the error that refuses the stream.
    Error { error: String },
    /// The records, and the screen after the last `Update`.
    Screen { records: Vec<Seen>, screen: Shown },
}

/// A record without its pictures.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Seen {
    Start,
    Size { width: u16, height: u16 },
    Fill { rect: [u16; 4], colour: String },
    Move { rect: [u16; 4], from: [u16; 2] },
    Picture { rect: [u16; 4] },
    Graphic { rect: [u16; 4] },
    Keep { key: String },
    Recall { rect: [u16; 4], key: String },
    Serial { rect: [u16; 4], begins: bool, shown: bool },
    Video { rect: [u16; 4], key: bool },
    Cursor { x: i16, y: i16, visible: bool },
    CursorShape { hot: [u16; 2], width: u16, height: u16 },
    Update { time_us: u64 },
}

/// What is shown: `pixels` has a string of `RRGGBB` a row.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub width: u16,
    pub height: u16,
    pub pixels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<ShownCursor>,
}

/// The pointer, in scenes that have a shape for it: `pixels` has a string of `RRGGBBAA` a row.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownCursor {
    pub x: i16,
    pub y: i16,
    pub visible: bool,
    pub hot: [u16; 2],
    pub pixels: Vec<String>,
}

impl Scene {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = from_hex(&self.stream);
        if let Some(repeat) = &self.repeat {
            bytes.extend(from_hex(&repeat.stream).repeat(repeat.times));
        }
        bytes
    }
}

impl Seen {
    pub fn of(record: &Record) -> Self {
        let four = |rect: &Rect| [rect.x, rect.y, rect.width, rect.height];
        match record {
            Record::Start => Self::Start,
            Record::Size(size) => Self::Size { width: size.width(), height: size.height() },
            Record::Fill { rect, colour } => {
                Self::Fill { rect: four(rect), colour: to_hex(&[colour.red, colour.green, colour.blue]) }
            }
            Record::Move { rect, from } => Self::Move { rect: four(rect), from: [from.x, from.y] },
            Record::Picture { rect, picture: Picture::WebP(_) } => Self::Picture { rect: four(rect) },
            Record::Picture { rect, picture: Picture::Graphic(_) } => Self::Graphic { rect: four(rect) },
            Record::Keep { key } => Self::Keep { key: to_hex(&key.to_be_bytes()) },
            Record::Recall { rect, key, .. } => {
                Self::Recall { rect: four(rect), key: to_hex(&key.to_be_bytes()) }
            }
            &Record::Serial { rect, begins, is_shown, .. } => {
                Self::Serial { rect: four(&rect), begins, shown: is_shown }
            }
            Record::Video { rect, is_key, .. } => Self::Video { rect: four(rect), key: *is_key },
            &Record::Cursor { x, y, visible } => Self::Cursor { x, y, visible },
            Record::CursorShape(shape) => Self::CursorShape {
                hot: [shape.hot.x, shape.hot.y],
                width: shape.width,
                height: shape.height,
            },
            &Record::Update { time_us } => Self::Update { time_us },
        }
    }
}

impl Shown {
    pub fn of(decoder: &Decoder) -> Self {
        let canvas = decoder.canvas().expect("every scene that is not refused shows a screen");
        let cursor = decoder.cursor();
        Self {
            width: canvas.size().width(),
            height: canvas.size().height(),
            pixels: rows(canvas.pixels(), canvas.size().width(), |[blue, green, red, _]| {
                to_hex(&[red, green, blue])
            }),
            cursor: cursor.picture.as_ref().map(|picture| ShownCursor {
                x: cursor.x,
                y: cursor.y,
                visible: cursor.visible,
                hot: [picture.hot.x, picture.hot.y],
                pixels: rows(&picture.bgra, picture.width, |[blue, green, red, alpha]| {
                    to_hex(&[red, green, blue, alpha])
                }),
            }),
        }
    }
}

fn rows(pixels: &[u8], width: u16, pixel: impl Fn([u8; 4]) -> String) -> Vec<String> {
    pixels
        .chunks(usize::from(width) * 4)
        .map(|row| row.as_chunks().0.iter().map(|&bytes| pixel(bytes)).collect())
        .collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

pub fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).expect("hexadecimal digits"))
        .collect()
}
