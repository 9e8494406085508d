//! Reads a finished recording back, strictly: for tests only.

/// An element and where its data begins.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    pub id: u32,
    /// Of the element's first byte, in the bytes that were read.
    pub at: usize,
    /// `None` for an unknown size, which then reaches to the end.
    pub size: Option<u64>,
    pub data: &'a [u8],
}

/// A frame as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub track: u8,
    /// In milliseconds.
    pub time: i64,
    pub keyframe: bool,
    pub data: Vec<u8>,
}

/// The elements of which these bytes consist, to the last byte.
pub fn elements(bytes: &[u8]) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let id_bytes = bytes[at].leading_zeros() as usize + 1;
        assert!(id_bytes <= 4, "an id has at most four bytes, at {at}");
        let id = bytes[at..at + id_bytes].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let size_at = at + id_bytes;
        let size_bytes = bytes[size_at].leading_zeros() as usize + 1;
        assert!(size_bytes <= 8, "a size has at most eight bytes, at {size_at}");
        let raw =
            bytes[size_at..size_at + size_bytes].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let all_ones = (1_u64 << (7 * size_bytes)) - 1;
        let value = raw & all_ones;
        let size = (value != all_ones).then_some(value);
        let data_at = size_at + size_bytes;
        let end = size.map_or(bytes.len(), |size| data_at + size as usize);
        assert!(end <= bytes.len(), "the element {id:x} at {at} ends at {end} of {}", bytes.len());
        found.push(Element { id, at, size, data: &bytes[data_at..end] });
        at = end;
    }
    found
}

pub fn child<'a>(parent: &[Element<'a>], id: u32) -> Element<'a> {
    *parent.iter().find(|element| element.id == id).unwrap_or_else(|| panic!("no element {id:x}"))
}

pub fn unsigned(data: &[u8]) -> u64 {
    data.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The packets of a cluster, in their order.
pub fn packets(cluster: &Element<'_>) -> Vec<Packet> {
    let children = elements(cluster.data);
    assert_eq!(children[0].id, 0xE7, "a cluster begins with its timestamp");
    let base = unsigned(children[0].data) as i64;
    let blocks = children[1..].iter();
    blocks
        .map(|block| {
            assert_eq!(block.id, 0xA3, "a cluster has simple blocks only");
            let [number, t0, t1, flags, data @ ..] = block.data else { panic!("a block has a head") };
            Packet {
                track: number & 0x7F,
                time: base + i64::from(i16::from_be_bytes([*t0, *t1])),
                keyframe: flags & 0x80 != 0,
                data: data.to_vec(),
            }
        })
        .collect()
}
