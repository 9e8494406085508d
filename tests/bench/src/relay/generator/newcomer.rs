//! Somebody who joins while the meeting goes on: how long until the first whole key frame.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};

use super::signalling::Signalling;
use super::viewer::{FIRST_NUMBER, header_bytes, is_video};
use convene_bench::clock::now;
use convene_bench::network::GENERATOR;
use convene_bench::peer::connection::{Connection, Identity};
use convene_bench::peer::reader::Reader;
use convene_bench::peer::sdp::Local;

/// Longer than anybody would wait.
const PICTURE_MAX: Duration = Duration::from_secs(5);

/// Joins as viewer `number`. Returns the time from the offer.
pub fn first_picture(
    signalling: Signalling,
    identity: &Identity,
    cameras: u32,
    number: u32,
) -> Result<Duration> {
    let start = now();
    let (socket, credentials) = Connection::prepare(GENERATOR, FIRST_NUMBER + number)?;
    let local = Local::of(&socket, &credentials, identity)?;
    let remote = signalling.watch(&local, cameras)?;
    let mut connection = Connection::open(socket, credentials, &remote, identity)?;
    connection.socket.set_nonblocking(false)?;
    connection.socket.set_read_timeout(Some(PICTURE_MAX))?;
    let mut cameras: BTreeMap<u32, KeyFrame> = BTreeMap::new();
    let mut reader = Reader::new(1);
    while now() - start < PICTURE_MAX {
        for datagram in reader.read(&connection)?.filter(|datagram| is_video(datagram)) {
            let payload = connection.incoming.open(datagram, header_bytes(datagram))?;
            let ssrc = u32::from_be_bytes([datagram[8], datagram[9], datagram[10], datagram[11]]);
            let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
            let frame = cameras.entry(ssrc).or_default();
            frame.packets.insert(sequence, datagram[1] & 0x80 != 0);
            if is_key_start(&payload) {
                frame.start = Some(sequence);
            }
            if frame.is_whole() {
                return Ok(now() - start);
            }
        }
    }
    bail!("no key frame comes within {} s", PICTURE_MAX.as_secs())
}

/// What has come of one camera's first key frame.
#[derive(Debug, Default)]
struct KeyFrame {
    start: Option<u16>,
    /// Each packet, and whether it is the last of its frame.
    packets: BTreeMap<u16, bool>,
}

impl KeyFrame {
    fn is_whole(&self) -> bool {
        let Some(start) = self.start else {
            return false;
        };
        let mut followers = (0..=u16::MAX).map(|place| self.packets.get(&start.wrapping_add(place)));
        followers.find(|packet| *packet != Some(&false)).flatten().is_some()
    }
}

/// As our cameras write them: a descriptor of four bytes, then the frame's head.
fn is_key_start(payload: &[u8]) -> bool {
    matches!(payload, [descriptor, _, _, _, frame, _, _, 0x9d, 0x01, 0x2a, ..] if descriptor & 0x10 != 0 && frame & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_from_its_start_to_its_last_packet() {
        let mut frame =
            KeyFrame { start: Some(65_535), packets: BTreeMap::from([(65_535, false), (1, true)]) };
        assert!(!frame.is_whole());
        frame.packets.insert(0, false);
        assert!(frame.is_whole());
    }
}
