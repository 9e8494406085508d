//! Reports that peers make, and requests that they get (RFC 3550, RFC 4585).

use std::time::Duration;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const PICTURE_FEEDBACK: u8 = 206;
const PICTURE_LOSS: u8 = 1;
const FULL_INTRA_REQUEST: u8 = 4;
/// Five bits count them.
const BLOCKS_MAX: usize = 31;

/// What a receiver says of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Whose.
    pub ssrc: u32,
    /// 256ths that were lost since the last report.
    pub lost: u8,
    /// The highest number, with its rollovers.
    pub newest: u32,
}

/// Whether it is RTCP and neither RTP nor anything else (RFC 5761, section 4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, 192..=223, ..])
}

/// Whether a compound packet asks for a key frame.
pub fn asks_for_key_frame(mut compound: &[u8]) -> bool {
    while let &[first, kind, high, low, ..] = compound {
        let is_asking = matches!(first & 31, PICTURE_LOSS | FULL_INTRA_REQUEST);
        if kind == PICTURE_FEEDBACK && is_asking {
            return true;
        }
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        compound = compound.get(length..).unwrap_or_default();
    }
    false
}

/// A sender's report, without the bytes that it has sent.
pub fn sender_report(ssrc: u32, packets: u32, time: Duration) -> Vec<u8> {
    let mut report = head(0, SENDER_REPORT, 6);
    report.extend(ssrc.to_be_bytes());
    report.extend((time.as_secs() as u32).to_be_bytes());
    report.extend([0; 4]);
    report.extend(((time.as_millis() * 90) as u32).to_be_bytes());
    report.extend(packets.to_be_bytes());
    report.extend([0; 4]);
    report
}

/// A receiver's report.
pub fn receiver_report(blocks: &[Block]) -> Vec<u8> {
    let blocks = &blocks[..blocks.len().min(BLOCKS_MAX)];
    let mut report = head(blocks.len() as u8, RECEIVER_REPORT, 1 + 6 * blocks.len() as u16);
    report.extend(1_u32.to_be_bytes());
    for block in blocks {
        report.extend(block.ssrc.to_be_bytes());
        report.extend([block.lost, 0, 0, 0]);
        report.extend(block.newest.to_be_bytes());
        report.extend([0; 12]);
    }
    report
}

fn head(count: u8, kind: u8, words: u16) -> Vec<u8> {
    let [high, low] = words.to_be_bytes();
    vec![0x80 | count, kind, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_behind_a_report() {
        let mut compound = receiver_report(&[Block { ssrc: 7, lost: 0, newest: 9 }]);
        assert!(!asks_for_key_frame(&compound));
        compound.extend([0x81, PICTURE_FEEDBACK, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert!(asks_for_key_frame(&compound));
        assert!(!asks_for_key_frame(&compound[..3]));
    }
}
