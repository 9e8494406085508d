//! An X server of the test's own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, CreateGCAux, ImageFormat, Rectangle, Window};
use x11rb::rust_connection::RustConnection;

const WIDTH: u16 = 640;
const HEIGHT: u16 = 360;

/// A display, and a client that draws on it.
pub struct Display {
    server: Child,
    pub name: String,
    client: RustConnection,
    root: Window,
}

impl Display {
    pub fn start() -> Self {
        let screen = format!("{WIDTH}x{HEIGHT}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0", &screen])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed: apt-get install xvfb");
        let mut number = String::new();
        let stdout = server.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut number).expect("Xvfb says its display's number");
        let name = format!(":{}", number.trim());
        let (client, screen) = x11rb::connect(Some(&name)).expect("the display is there");
        let root = client.setup().roots[screen].root;
        Self { server, name, client, root }
    }

    /// A rectangle of this colour in the middle.
    pub fn paint(&self, colour: u32) {
        let gc = self.client.generate_id().expect("an id");
        self.client.create_gc(gc, self.root, &CreateGCAux::new().foreground(colour)).expect("sent");
        let middle = Rectangle { x: 100, y: 80, width: 400, height: 200 };
        self.client.poly_fill_rectangle(self.root, gc, &[middle]).expect("sent").check().expect("painted");
    }

    /// All of it, as a viewer's canvas has it.
    pub fn pixels(&self) -> Vec<u8> {
        let image = self.client.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, WIDTH, HEIGHT, u32::MAX);
        let mut pixels = image.expect("sent").reply().expect("an image").data;
        pixels.iter_mut().skip(3).step_by(4).for_each(|x| *x = 0xff);
        pixels
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
