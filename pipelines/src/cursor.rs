//! The pointer of an X11 display: where it is, and how it looks.

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask, GetCursorImageReply};
use x11rb::protocol::xproto::{ConnectionExt as _, Window};
use x11rb::rust_connection::{ConnectionError, ReplyError, RustConnection};

use crate::{Area, PipelineError};

/// XFixes gives cursor images from version 1 on and every server of this century has version 2.
const XFIXES_VERSION: (u32, u32) = (2, 0);

/// The last display that has a port.
const DISPLAY_NUMBER_MAX: u32 = 65_535 - 6_000;

/// A display that has been reached, and the part of it that is looked at.
pub(crate) struct Display {
    connection: RustConnection,
    root: Window,
    part: Part,
}

/// What an [`Area`] is on a display that has been reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Window(u32),
    Rect { x: u16, y: u16, width: u16, height: u16 },
}

/// Where the pointer is, in pixels of the presented area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) visible: bool,
}

/// How the pointer looks: BGRA, alpha not multiplied in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) hot_x: u32,
    pub(crate) hot_y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bgra: Vec<u8>,
}

impl Display {
    /// Reaches the display and makes sure that the area is on it.
    pub(crate) fn open(name: Option<&str>, area: &Area) -> Result<Self, PipelineError> {
        let effective = name.map(str::to_owned).or_else(|| std::env::var("DISPLAY").ok());
        if effective.as_deref().is_some_and(number_is_too_large) {
            return Err(PipelineError::NoScreen(no_display(name, "displays are numbered from 0 to 59535")));
        }
        let (connection, screen) = x11rb::connect(name)
            .map_err(|error| PipelineError::NoScreen(no_display(name, &error.to_string())))?;
        let root = connection.setup().roots[screen].root;
        let mut display = Self { connection, root, part: Part::Whole };
        display.part = display.find(area)?;
        Ok(display)
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// Asks to be told when the pointer looks different. Without XFixes the viewers see no pointer.
    pub(crate) fn follow_shape(&self) -> Result<(), ReplyError> {
        self.connection.xfixes_query_version(XFIXES_VERSION.0, XFIXES_VERSION.1)?.reply()?;
        self.connection.xfixes_select_cursor_input(self.root, CursorNotifyMask::DISPLAY_CURSOR)?.check()
    }

    /// Whether the pointer has changed its look since the last call.
    pub(crate) fn shape_changed(&self) -> Result<bool, ConnectionError> {
        let mut changed = false;
        while let Some(event) = self.connection.poll_for_event()? {
            changed |= matches!(event, Event::XfixesCursorNotify(_));
        }
        Ok(changed)
    }

    pub(crate) fn shape(&self) -> Result<Shape, ReplyError> {
        Ok(Shape::from(self.connection.xfixes_get_cursor_image()?.reply()?))
    }

    pub(crate) fn position(&self) -> Result<Position, ReplyError> {
        let (window, left, top) = match self.part {
            Part::Whole => (self.root, 0, 0),
            Part::Window(window) => (window, 0, 0),
            Part::Rect { x, y, .. } => (self.root, x, y),
        };
        let pointer = self.connection.query_pointer(window)?.reply()?;
        Ok(Position {
            x: i32::from(pointer.win_x) - i32::from(left),
            y: i32::from(pointer.win_y) - i32::from(top),
            visible: pointer.same_screen,
        })
    }

    /// The area, if it is on the display.
    fn find(&self, area: &Area) -> Result<Part, PipelineError> {
        match *area {
            Area::Whole => Ok(Part::Whole),
            Area::Window(window) => {
                let found = self.connection.get_geometry(window).map_err(|error| lost(error.into()))?.reply();
                found.map(|_| Part::Window(window)).map_err(|_| {
                    PipelineError::NoScreen(format!(
                        "There is no window {window:#x} on this display. `xwininfo` shows a window's id when one clicks on it."
                    ))
                })
            }
            Area::Monitor(ref name) => self.monitor(name),
            Area::Rect { x, y, width, height } => {
                let screen = self.connection.get_geometry(self.root).map_err(|error| lost(error.into()))?;
                let screen = screen.reply().map_err(lost)?;
                let fits = |start: u16, length: u16, whole: u16| {
                    0 < length && u32::from(start) + u32::from(length) <= u32::from(whole)
                };
                if fits(x, width, screen.width) && fits(y, height, screen.height) {
                    return Ok(Part::Rect { x, y, width, height });
                }
                Err(PipelineError::NoScreen(format!(
                    "The area {width}x{height}+{x}+{y} is not on this display, which has {}x{} pixels.",
                    screen.width, screen.height
                )))
            }
        }
    }

    fn monitor(&self, wanted: &str) -> Result<Part, PipelineError> {
        let lost = |error: ReplyError| {
            match error {
            ReplyError::X11Error(_) => PipelineError::NoScreen(
                "This display does not name its monitors, as it has no RandR 1.5. Say which part is meant by --area.".into(),
            ),
            error => lost(error),
        }
        };
        let request = |error: ConnectionError| lost(error.into());
        self.connection.randr_query_version(1, 5).map_err(request)?.reply().map_err(lost)?;
        let reply =
            self.connection.randr_get_monitors(self.root, true).map_err(request)?.reply().map_err(lost)?;
        let mut there = Vec::new();
        for monitor in reply.monitors {
            let name =
                self.connection.get_atom_name(monitor.name).map_err(request)?.reply().map_err(lost)?.name;
            let name = String::from_utf8_lossy(&name).into_owned();
            let (x, y) = (monitor.x.try_into().unwrap_or(0), monitor.y.try_into().unwrap_or(0));
            if name == wanted {
                return self.find(&Area::Rect { x, y, width: monitor.width, height: monitor.height });
            }
            there.push(format!("{name} ({}x{}+{x}+{y})", monitor.width, monitor.height));
        }
        Err(PipelineError::NoScreen(match there.as_slice() {
            [] => format!("There is no monitor {wanted}: this display has none."),
            there => format!("There is no monitor {wanted}. This display has {}.", there.join(", ")),
        }))
    }
}

fn lost(error: ReplyError) -> PipelineError {
    PipelineError::NoScreen(format!("The X display answers no more: {error}"))
}

impl From<GetCursorImageReply> for Shape {
    fn from(image: GetCursorImageReply) -> Self {
        Self {
            hot_x: u32::from(image.xhot),
            hot_y: u32::from(image.yhot),
            width: u32::from(image.width),
            height: u32::from(image.height),
            bgra: image.cursor_image.into_iter().flat_map(straight).collect(),
        }
    }
}

/// XFixes multiplies alpha into the colours; a picture with alpha has them as they are.
fn straight(argb: u32) -> [u8; 4] {
    let [blue, green, red, alpha] = argb.to_le_bytes();
    let divide = |colour: u8| match u32::from(alpha) {
        0 => 0,
        alpha => u8::try_from((u32::from(colour) * 255 + alpha / 2) / alpha).unwrap_or(u8::MAX),
    };
    [divide(blue), divide(green), divide(red), alpha]
}

/// X11 has one TCP port a display, from 6000 on; x11rb adds the two without looking.
fn number_is_too_large(name: &str) -> bool {
    let (_, number) = name.rsplit_once(':').unwrap_or_default();
    let number = number.split('.').next().unwrap_or_default();
    number.parse::<u32>().is_ok_and(|number| DISPLAY_NUMBER_MAX < number)
}

fn no_display(name: Option<&str>, error: &str) -> String {
    let wayland = std::env::var("XDG_SESSION_TYPE").is_ok_and(|session| session == "wayland");
    let which = match name {
        Some(name) => format!("The X display `{name}` cannot be reached ({error})."),
        None => format!("There is no X display to present ({error})."),
    };
    let remedy = if wayland {
        "This is a Wayland session: give the screen's PipeWire node with --pipewire-node N, or present from the browser."
    } else {
        "Set DISPLAY or give --display, for example --display :0; on Wayland give --pipewire-node N, or present from the browser."
    };
    format!("{which} {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_divided_out() {
        assert_eq!(straight(0x8040_2000), [0, 64, 128, 0x80]);
        assert_eq!(straight(0xff01_0203), [3, 2, 1, 0xff]);
        assert_eq!(straight(0x00ff_ffff), [0, 0, 0, 0]);
        // A colour brighter than its alpha is against the rules; it stays a colour.
        assert_eq!(straight(0x01ff_0000), [0, 0, 255, 1]);
    }
}
