//! The dial-pad by RTP (RFC 4733).

/// Finds the key strokes among the packets of telephone events: each comes many times.
#[derive(Debug, Default)]
pub struct Keys {
    /// The timestamp at which the last one was pressed.
    last: Option<u32>,
}

impl Keys {
    /// A packet's payload and timestamp; gives the key when it is another stroke.
    pub fn read(&mut self, payload: &[u8], timestamp: u32) -> Option<char> {
        let (&[event, _volume, _, _], _) = payload.split_first_chunk::<4>()?;
        let is_new = self.last.is_none_or(|last| 0 < timestamp.wrapping_sub(last) as i32);
        let key = match event {
            0..=9 => char::from(b'0' + event),
            10 => '*',
            11 => '#',
            _ => return None,
        };
        is_new.then(|| {
            self.last = Some(timestamp);
            key
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_is_one_however_often_it_comes() {
        let mut keys = Keys::default();
        let mut strokes = String::new();
        let first = 0xffff_f000;
        for (event, timestamp) in
            [(5, first), (5, first), (5, first), (5, 0xffff_ff00), (11, 200), (5, first)]
        {
            strokes.extend(keys.read(&[event, 10, 0, 160], timestamp));
        }
        // The one after the clock's wrap is new, what comes late is not.
        assert_eq!(strokes, "55#");
        assert_eq!(keys.read(&[16, 0, 0, 0], 9999), None);
        for short in 0..4 {
            assert_eq!(keys.read(&[1, 2, 3, 4][..short], 99_999), None);
        }
    }
}
