//! TigerVNC on the same pictures: they are drawn on its display at their times, and a viewer of our own counts what comes.

mod rfb;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use convene_screen::{Rect, ScreenSize};

use crate::clock::Clock;
use crate::display::Display;
use crate::report::{Measured, Sent};
use convene_bench::clip::{Clip, Moment, frame_time_us};
use rfb::Viewer;

/// An answer that takes longer is a failure.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// Damage is told in cells of so many pixels.
const CELL: u32 = 16;
/// `utime` and `stime` of `/proc/PID/stat` count in these.
const TICKS_A_SECOND: f64 = 100.0;

/// A viewer's wishes.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name in the output.
    pub name: &'static str,
    encodings: &'static [i32],
}

/// The viewer's defaults (Tight with JPEG at quality 8 of 9, sharpened to exact at rest); Tight without JPEG; ZRLE.
pub const PEERS: [Peer; 3] = [
    Peer { name: "vnc_tight", encodings: &[rfb::TIGHT, rfb::COPY, rfb::QUALITY_0 + 8] },
    Peer { name: "vnc_tight_exact", encodings: &[rfb::TIGHT, rfb::COPY] },
    Peer { name: "vnc_zrle", encodings: &[rfb::ZRLE, rfb::COPY] },
];

/// Each peer has a server of its own; they run side by side, as they are paced by the clip's time.
pub fn measure(peers: &[Peer], clip: &Clip, folder: &Path) -> Result<Vec<(String, Measured)>> {
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            peers.iter().map(|peer| (peer, scope.spawn(move || run(peer, clip, folder)))).collect();
        let measured = runs.into_iter().map(|(peer, run)| {
            let measured = run.join().expect("a run does not panic").with_context(|| peer.name)?;
            Ok((peer.name.to_owned(), measured))
        });
        measured.collect()
    })
}

fn run(peer: &Peer, clip: &Clip, folder: &Path) -> Result<Measured> {
    let mut player = clip.play()?;
    let about = player.about;
    let size = about.size()?;
    let socket = folder.join(format!("{}.socket", peer.name));
    // One that an interrupted run has left.
    let _ = fs::remove_file(&socket);
    let mut display = Display::xvnc(size, &socket)?;
    let mut connection: Option<Connection> = None;
    let mut cpu_before = 0.0;
    let mut sent = Vec::new();
    let clock = Clock::start();
    let mut late = Duration::ZERO;
    let mut last = Vec::new();
    while let Some(moment) = player.next_moment()? {
        display.draw(moment.pixels, &damage(size, &moment, &last))?;
        last.clear();
        last.extend_from_slice(moment.pixels);
        let connection = match &mut connection {
            Some(connection) => connection,
            none => {
                // The first picture is there before the viewer.
                cpu_before = cpu_seconds(display.pid())?;
                none.insert(Connection::open(&socket, size, peer.encodings)?)
            }
        };
        let mut came = if moment.changed.is_some() { connection.answer()? } else { 0 };
        // A server that takes longer than the time between two pictures still gets each of them.
        let due = Duration::from_micros(frame_time_us(moment.number + 1)) + late;
        late += clock.now().saturating_sub(due);
        came += connection.until(clock, due)?;
        sent.push(Sent { bytes: came, has_changed: moment.changed.is_some() });
    }
    let cpu = cpu_seconds(display.pid())? - cpu_before;
    Ok(Measured::new(about, &sent, Duration::from_secs_f64(cpu.max(0.0)), None))
}

/// Updates as they come, read by a thread that asks for the next one at once.
struct Connection {
    updates: Receiver<Result<u64>>,
}

impl Connection {
    fn open(socket: &Path, size: ScreenSize, encodings: &[i32]) -> Result<Self> {
        let stream =
            UnixStream::connect(socket).with_context(|| format!("{} does not answer", socket.display()))?;
        let mut viewer = Viewer::greet(stream, encodings)?;
        viewer.ask(size, false)?;
        let (sender, updates) = channel();
        std::thread::spawn(move || {
            loop {
                let update = viewer.update().and_then(|bytes| viewer.ask(size, true).map(|()| bytes));
                let is_over = update.is_err();
                if sender.send(update).is_err() || is_over {
                    return;
                }
            }
        });
        Ok(Self { updates })
    }

    /// The bytes of the next update.
    fn answer(&mut self) -> Result<u64> {
        self.updates.recv_timeout(ANSWER_PATIENCE).context("the server does not send what was drawn")?
    }

    /// The bytes of what else comes until then: what is sharpened at rest.
    fn until(&mut self, clock: Clock, due: Duration) -> Result<u64> {
        let mut bytes = 0;
        loop {
            match self.updates.recv_timeout(due.saturating_sub(clock.now())) {
                Ok(update) => bytes += update?,
                Err(RecvTimeoutError::Timeout) => return Ok(bytes),
                Err(RecvTimeoutError::Disconnected) => bail!("the server is gone"),
            }
        }
    }
}

/// What a window system would say is damaged: cells that differ, joined to rows and these to rectangles, each no larger than needed.
fn damage(size: ScreenSize, moment: &Moment<'_>, last: &[u8]) -> Vec<Rect> {
    let Some(changed) = moment.changed else { return Vec::new() };
    if last.is_empty() {
        return vec![changed];
    }
    let row_bytes = usize::from(size.width()) * 4;
    let differs = |x: u32, y: u32| {
        let at = y as usize * row_bytes + x as usize * 4;
        moment.pixels[at..at + 4] != last[at..at + 4]
    };
    let mut joined: Vec<[u32; 4]> = Vec::new();
    for top in (u32::from(changed.y)..changed.bottom()).step_by(CELL as usize) {
        let bottom = changed.bottom().min(top + CELL);
        let mut left = None;
        for x in (u32::from(changed.x)..changed.right()).step_by(CELL as usize) {
            let right = changed.right().min(x + CELL);
            let is_last = right == changed.right();
            let is_dirty = (top..bottom).any(|y| (x..right).any(|x| differs(x, y)));
            left = left.or(is_dirty.then_some(x));
            if let Some(begin) = left
                && (!is_dirty || is_last)
            {
                left = None;
                let end = if is_dirty { right } else { x };
                match joined
                    .iter_mut()
                    .find(|[x, _, right, bottom]| (*x, *right, *bottom) == (begin, end, top))
                {
                    Some(above) => above[3] = bottom,
                    None => joined.push([begin, top, end, bottom]),
                }
            }
        }
    }
    let tight = joined.into_iter().filter_map(|[left, top, right, bottom]| {
        let is_row_dirty = |&y: &u32| (left..right).any(|x| differs(x, y));
        let is_column_dirty = |&x: &u32| (top..bottom).any(|y| differs(x, y));
        let (top, last_row) = ((top..bottom).find(is_row_dirty)?, (top..bottom).rfind(is_row_dirty)?);
        let (left, last_column) =
            ((left..right).find(is_column_dirty)?, (left..right).rfind(is_column_dirty)?);
        Some(Rect::new(left as u16, top as u16, (last_column - left + 1) as u16, (last_row - top + 1) as u16))
    });
    tight.collect()
}

fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).context("a process has times");
    Ok((ticks(11)? + ticks(12)?) / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_tight_around_what_differs() {
        let size = ScreenSize::new(100, 60).unwrap();
        let old = vec![0; 100 * 60 * 4];
        let mut new = old.clone();
        for (x, y) in [(3, 5), (20, 9), (4, 30), (90, 50), (91, 51)] {
            new[(y * 100 + x) * 4] = 1;
        }
        let changed = Some(Rect::new(3, 5, 89, 47));
        let moment = Moment { number: 1, time_us: 0, changed, pixels: &new };
        let mut rects = damage(size, &moment, &old);
        rects.sort();
        assert_eq!(rects, [Rect::new(3, 5, 18, 5), Rect::new(4, 30, 1, 1), Rect::new(90, 50, 2, 2)]);
    }
}
