//! A camera that makes frames without pictures: VP8 as far as a relay and a decoder's book-keeping look.

/// One packet of a frame.
pub struct Piece {
    pub payload: Vec<u8>,
    pub marker: bool,
}

/// One encoding.
pub struct Encoding {
    pub rid: Option<&'static str>,
    pub height: u16,
    /// Bytes of a frame; a key frame has eight times as many.
    pub bytes: usize,
    /// Every second frame is of temporal layer 1.
    pub has_layers: bool,
    pub wants_key: bool,
    /// It sends nothing.
    pub is_off: bool,
    pub keys: usize,
    picture: u16,
    tl0: u8,
    is_first: bool,
}

impl Encoding {
    pub fn new(rid: Option<&'static str>, height: u16, kbps: usize) -> Self {
        // Thirty frames a second.
        let bytes = kbps * 1000 / 8 / 30;
        Self {
            rid,
            height,
            bytes,
            has_layers: false,
            wants_key: true,
            is_off: false,
            keys: 0,
            picture: 32_700,
            tl0: 250,
            is_first: true,
        }
    }

    pub fn layered(mut self) -> Self {
        self.has_layers = true;
        self
    }

    /// The next frame, numbered.
    pub fn frame(&mut self, number: u32) -> Vec<Piece> {
        let key = std::mem::take(&mut self.wants_key);
        self.keys += usize::from(key);
        let temporal = u8::from(self.has_layers && !key && number % 2 == 1);
        if !self.is_first {
            self.picture = (self.picture + 1) & 0x7fff;
        }
        self.is_first = false;
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
        }
        let bytes = if key { self.bytes * 8 } else { self.bytes };
        let count = bytes.div_ceil(1000).max(1);
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        (0..count)
            .map(|index| {
                let start = if index == 0 { 0x10 } else { 0 };
                // Layer 1 depends on layer 0 alone.
                let layer = temporal << 6 | if temporal == 1 { 0x20 } else { 0 };
                let mut payload = vec![0x80 | start, 0xe0, high, low, self.tl0, layer];
                if index == 0 {
                    payload.extend_from_slice(&[u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a, 0, 5]);
                    payload.extend_from_slice(&self.height.to_le_bytes());
                }
                payload.extend_from_slice(&number.to_be_bytes());
                payload.resize((bytes / count).max(24), 0);
                Piece { payload, marker: index + 1 == count }
            })
            .collect()
    }
}
