//! A real X server is presented to a decoder: pixels, pointer, a change of size, and the sentences when there is nothing to present.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use convene_screen::{CursorState, Decoder};
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo, Rotation};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, ImageFormat, Rectangle,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::*;

/// Nothing here takes a second; whoever waits longer than this waits in vain.
const WAIT_MAX: Duration = Duration::from_secs(20);

const WIDTH: u16 = 320;
const HEIGHT: u16 = 240;

#[test]
fn a_viewer_sees_the_display_pixel_for_pixel() {
    let x = Xvfb::start();
    let mut viewer = Viewer::of(&x, &Area::Whole);
    for colour in [0x00ff_0000, 0x0012_3456] {
        x.paint(x.root, colour, Rectangle { x: 10, y: 20, width: 100, height: 50 });
        viewer.see("the painted screen", |decoder| {
            decoder.canvas().is_some_and(|canvas| canvas.pixels() == x.pixels(x.root))
        });
    }
}

#[test]
fn a_part_of_the_display_is_presented_alone() {
    let x = Xvfb::start();
    x.paint(x.root, 0x0000_ff00, Rectangle { x: 100, y: 50, width: 64, height: 48 });
    let mut viewer = Viewer::of(&x, &Area::Rect { x: 100, y: 50, width: 64, height: 48 });
    let green = [0, 255, 0, 255].repeat(64 * 48);
    viewer.see("the green part", |decoder| decoder.canvas().is_some_and(|canvas| canvas.pixels() == green));
}

#[test]
fn a_monitor_is_presented_alone() {
    let x = Xvfb::start();
    x.set_monitor("LEFT", Rectangle { x: 0, y: 0, width: 200, height: HEIGHT });
    x.set_monitor("RIGHT", Rectangle { x: 200, y: 0, width: 120, height: HEIGHT });
    x.paint(x.root, 0x0000_00ff, Rectangle { x: 200, y: 0, width: 120, height: HEIGHT });
    let mut viewer = Viewer::of(&x, &Area::Monitor("RIGHT".into()));
    let blue = [255, 0, 0, 255].repeat(120 * usize::from(HEIGHT));
    viewer.see("the blue monitor", |decoder| decoder.canvas().is_some_and(|canvas| canvas.pixels() == blue));
    x.point_at(210, 7);
    viewer.see("the pointer on the monitor", |decoder| points_at(decoder.cursor(), 10, 7));
    let error = Display::open(Some(&x.name), &Area::Monitor("MIDDLE".into())).err().expect("it is refused");
    let sentence = error.to_string();
    assert!(sentence.contains("MIDDLE") && sentence.contains("RIGHT (120x240+200+0)"), "{sentence}");
}

#[test]
fn a_window_is_presented_alone() {
    let x = Xvfb::start();
    let window = x.window(30, 40, 50, 60);
    x.paint(window, 0x00ff_00ff, Rectangle { x: 0, y: 0, width: 50, height: 60 });
    let mut viewer = Viewer::of(&x, &Area::Window(window));
    let magenta = [255, 0, 255, 255].repeat(50 * 60);
    viewer.see("the magenta window", |decoder| {
        decoder.canvas().is_some_and(|canvas| canvas.pixels() == magenta)
    });
    x.point_at(35, 47);
    viewer.see("the pointer in the window", |decoder| points_at(decoder.cursor(), 5, 7));
}

#[test]
fn the_pointer_comes_apart_from_the_pixels() {
    let x = Xvfb::start();
    let mut viewer = Viewer::of(&x, &Area::Whole);
    x.point_at(60, 70);
    viewer.see("the pointer", |decoder| points_at(decoder.cursor(), 60, 70));
    let nothing_drawn = [0, 0, 0, 255].repeat(usize::from(WIDTH) * usize::from(HEIGHT));
    viewer.see("a screen without it", |decoder| {
        decoder.canvas().is_some_and(|canvas| canvas.pixels() == nothing_drawn)
    });

    x.shape_pointer(3, 2);
    viewer.see("its new shape", |decoder| {
        decoder.cursor().picture.as_ref().is_some_and(|picture| {
            (picture.hot.x, picture.hot.y, picture.width, picture.height) == (3, 2, 8, 8)
                && picture.bgra == [0, 0, 255, 255].repeat(64)
        })
    });
}

#[test]
fn a_display_that_changes_its_size_is_presented_on() {
    let x = Xvfb::start();
    let mut viewer = Viewer::of(&x, &Area::Whole);
    viewer.see("the first size", |decoder| {
        decoder.canvas().is_some_and(|canvas| canvas.size().width() == WIDTH)
    });
    x.resize(200, 100);
    x.paint(x.root, 0x00ab_cdef, Rectangle { x: 0, y: 0, width: 200, height: 100 });
    let painted = [0xef, 0xcd, 0xab, 255].repeat(200 * 100);
    viewer.see("the new size", |decoder| decoder.canvas().is_some_and(|canvas| canvas.pixels() == painted));
}

#[test]
fn what_was_outstanding_is_sent_before_the_end() {
    let x = Xvfb::start();
    let mut viewer = Viewer::of(&x, &Area::Whole);
    viewer.see("a screen", |decoder| decoder.canvas().is_some());
    viewer.pipeline.finish();
    assert_eq!(viewer.events.blocking_recv(), Some(PresentEvent::Ended));
}

#[test]
fn an_absent_display_is_named_with_a_remedy() {
    for name in [":59535", ":59536", "localhost:70000.0", ":x", "display"] {
        let sentence = check_x11(Some(name)).expect_err("nobody has such a display").to_string();
        assert!(sentence.contains(name) && sentence.contains("--pipewire-node"), "{sentence}");
    }
}

#[test]
fn an_area_beyond_the_display_is_refused() {
    let x = Xvfb::start();
    let refuse = |area| match Display::open(Some(&x.name), &area) {
        Ok(_) => panic!("{area:?} was taken"),
        Err(error) => error.to_string(),
    };
    let beyond = refuse(Area::Rect { x: 1, y: 0, width: WIDTH, height: HEIGHT });
    assert!(beyond.contains("320x240 pixels"), "{beyond}");
    let empty = refuse(Area::Rect { x: 0, y: 0, width: 0, height: 1 });
    assert!(empty.contains("0x1+0+0"), "{empty}");
    let nobody = refuse(Area::Window(0xdead_beef));
    assert!(nobody.contains("0xdeadbeef"), "{nobody}");
}

fn points_at(cursor: &CursorState, x: i16, y: i16) -> bool {
    cursor.visible && (cursor.x, cursor.y) == (x, y)
}

/// Sees what the pipeline sends.
struct Viewer {
    // The pipeline goes before the channel that it sends into.
    pipeline: PresentPipeline,
    events: UnboundedReceiver<PresentEvent>,
    updates: Receiver<gst::Buffer>,
    decoder: Decoder,
}

impl Viewer {
    fn of(x: &Xvfb, area: &Area) -> Self {
        init().expect("GStreamer");
        let (sender, updates) = channel();
        let callbacks = gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
                sender.send(buffer).map(|()| gst::FlowSuccess::Ok).map_err(|_| gst::FlowError::Eos)
            })
            .build();
        let sink = gst_app::AppSink::builder().sync(false).callbacks(callbacks).build();
        let source = PresentSource::X11 { display: Some(x.name.clone()), area: area.clone() };
        let (pipeline, events) =
            PresentPipeline::present(&source, 30, sink.upcast_ref()).expect("it presents");
        Self { pipeline, events, updates, decoder: Decoder::new() }
    }

    /// Decodes until `what` is seen.
    fn see(&mut self, what: &str, seen: impl Fn(&Decoder) -> bool) {
        while !seen(&self.decoder) {
            let Ok(update) = self.updates.recv_timeout(WAIT_MAX) else {
                panic!("{what} never came: {:?}", self.events.try_recv());
            };
            self.decoder.push(&update.map_readable().expect("memory"));
            while self.decoder.next_update().expect("a sound stream").is_some() {}
        }
    }
}

/// A display of its own, and a client that draws on it.
struct Xvfb {
    server: Child,
    name: String,
    client: RustConnection,
    root: Window,
}

impl Xvfb {
    fn start() -> Self {
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

    fn paint(&self, window: Window, colour: u32, rectangle: Rectangle) {
        let gc = self.client.generate_id().expect("an id");
        self.client.create_gc(gc, window, &CreateGCAux::new().foreground(colour)).expect("sent");
        self.client.poly_fill_rectangle(window, gc, &[rectangle]).expect("sent").check().expect("painted");
    }

    fn window(&self, x: i16, y: i16, width: u16, height: u16) -> Window {
        let window = self.client.generate_id().expect("an id");
        let look = CreateWindowAux::new().override_redirect(1);
        self.client
            .create_window(24, window, self.root, x, y, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &look)
            .expect("sent");
        self.client.map_window(window).expect("sent").check().expect("mapped");
        window
    }

    fn pixels(&self, window: Window) -> Vec<u8> {
        let image = self.client.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, WIDTH, HEIGHT, u32::MAX);
        let mut pixels = image.expect("sent").reply().expect("an image").data;
        pixels.iter_mut().skip(3).step_by(4).for_each(|x| *x = 0xff);
        pixels
    }

    fn point_at(&self, x: i16, y: i16) {
        self.client
            .warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, x, y)
            .expect("sent")
            .check()
            .expect("moved");
    }

    /// A red square of 8 x 8 pixels.
    fn shape_pointer(&self, hot_x: u16, hot_y: u16) {
        let (pixmap, gc, cursor) = (
            self.client.generate_id().expect("an id"),
            self.client.generate_id().expect("an id"),
            self.client.generate_id().expect("an id"),
        );
        self.client.create_pixmap(1, pixmap, self.root, 8, 8).expect("sent");
        self.client.create_gc(gc, pixmap, &CreateGCAux::new().foreground(1)).expect("sent");
        let all = Rectangle { x: 0, y: 0, width: 8, height: 8 };
        self.client.poly_fill_rectangle(pixmap, gc, &[all]).expect("sent");
        self.client
            .create_cursor(cursor, pixmap, pixmap, u16::MAX, 0, 0, 0, 0, 0, hot_x, hot_y)
            .expect("sent");
        let look = ChangeWindowAttributesAux::new().cursor(cursor);
        self.client.change_window_attributes(self.root, &look).expect("sent").check().expect("changed");
    }

    /// Part of the display as a monitor.
    fn set_monitor(&self, name: &str, place: Rectangle) {
        self.client.randr_query_version(1, 5).expect("sent").reply().expect("RandR");
        let name =
            self.client.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("an atom").atom;
        let info = MonitorInfo {
            name,
            primary: false,
            automatic: false,
            x: place.x,
            y: place.y,
            width: place.width,
            height: place.height,
            width_in_millimeters: 100,
            height_in_millimeters: 100,
            outputs: vec![],
        };
        self.client.randr_set_monitor(self.root, info).expect("sent").check().expect("set");
    }

    fn resize(&self, width: u16, height: u16) {
        self.client.randr_query_version(1, 5).expect("sent").reply().expect("RandR");
        let resources =
            self.client.randr_get_screen_resources(self.root).expect("sent").reply().expect("resources");
        let time = resources.config_timestamp;
        for crtc in resources.crtcs {
            let off = self.client.randr_set_crtc_config(crtc, 0, time, 0, 0, 0, Rotation::ROTATE0, &[]);
            off.expect("sent").reply().expect("switched off");
        }
        let resized = self.client.randr_set_screen_size(self.root, width, height, 100, 100);
        resized.expect("sent").check().expect("resized");
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        // Killing fails only when it has ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
