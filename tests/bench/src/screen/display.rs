//! An X display that nobody looks at: started, drawn on, grabbed from, ended.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use convene_screen::{Rect, ScreenSize};
use rustix::process::{Pid, Signal, kill_process};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateGCAux, ImageFormat};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::clock::Clock;

/// A process that was asked to end has so long.
const END_PATIENCE: Duration = Duration::from_secs(3);
const END_POLL: Duration = Duration::from_millis(20);

/// A child process that is asked to end, and waited for, when this goes.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it; its output goes nowhere unless the command says otherwise.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Self).with_context(|| format!("{name} cannot be started: is it installed?"))
    }

    /// The process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, and it may not want to (an editor asks whether to save).
        if let Some(process) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, Signal::TERM);
        }
        let clock = Clock::start();
        while matches!(self.0.try_wait(), Ok(None)) && clock.now() < END_PATIENCE {
            clock.sleep_until(clock.now() + END_POLL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An X server of our own and a connection to it.
#[derive(Debug)]
pub struct Display {
    /// As `DISPLAY` wants it.
    pub name: String,
    size: ScreenSize,
    connection: RustConnection,
    root: u32,
    context: u32,
    server: Running,
}

impl Display {
    /// A plain virtual display.
    pub fn xvfb(size: ScreenSize) -> Result<Self> {
        let screen = format!("{}x{}x24", size.width(), size.height());
        Self::start(
            Command::new("Xvfb").args(["-screen", "0", &screen, "-nolisten", "tcp", "-noreset"]),
            size,
        )
    }

    /// A display that VNC viewers reach at a Unix socket.
    pub fn xvnc(size: ScreenSize, socket: &Path) -> Result<Self> {
        let geometry = format!("{}x{}", size.width(), size.height());
        let mut command = Command::new("Xtigervnc");
        command.args(["-geometry", &geometry, "-depth", "24", "-SecurityTypes", "None", "-nolisten", "tcp"]);
        // Compares with what viewers have, as drawing whole pictures says nothing about what changed in them.
        command.args(["-rfbport", "-1", "-CompareFB", "1", "-noreset", "-rfbunixpath"]).arg(socket);
        Self::start(&mut command, size)
    }

    fn start(command: &mut Command, size: ScreenSize) -> Result<Self> {
        command.args(["-displayfd", "1"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Running::start(command)?;
        let mut number = String::new();
        BufReader::new(server.child().stdout.take().expect("stdout is piped")).read_line(&mut number)?;
        ensure!(!number.trim().is_empty(), "the X server did not say its number");
        let name = format!(":{}", number.trim());
        let (connection, screen) = RustConnection::connect(Some(&name))?;
        let root = connection.setup().roots[screen].root;
        let context = connection.generate_id()?;
        connection.create_gc(context, root, &CreateGCAux::new())?;
        Ok(Self { name, size, connection, root, context, server })
    }

    /// The server's process number.
    pub fn pid(&mut self) -> u32 {
        self.server.child().id()
    }

    /// The screen's size.
    pub fn size(&self) -> ScreenSize {
        self.size
    }

    /// What it shows now: BGRx, tight rows.
    pub fn grab(&self) -> Result<Vec<u8>> {
        let (width, height) = (self.size.width(), self.size.height());
        let image =
            self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, height, !0)?.reply()?;
        Ok(image.data)
    }

    /// Draws these parts of a whole picture (BGRx, tight rows); the server has drawn them when this returns.
    pub fn draw(&self, pixels: &[u8], parts: &[Rect]) -> Result<()> {
        let row_bytes = usize::from(self.size.width()) * 4;
        for rect in parts {
            let mut part = Vec::with_capacity(rect.area() * 4);
            for row in pixels.chunks_exact(row_bytes).skip(rect.y.into()).take(rect.height.into()) {
                let start = usize::from(rect.x) * 4;
                part.extend_from_slice(&row[start..start + usize::from(rect.width) * 4]);
            }
            let ((x, y), (width, height)) =
                ((i16::try_from(rect.x)?, i16::try_from(rect.y)?), (rect.width, rect.height));
            let (root, context) = (self.root, self.context);
            self.connection.put_image(
                ImageFormat::Z_PIXMAP,
                root,
                context,
                width,
                height,
                x,
                y,
                0,
                24,
                &part,
            )?;
        }
        self.connection.sync()?;
        Ok(())
    }
}
