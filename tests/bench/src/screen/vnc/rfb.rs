//! As much of a viewer (RFC 6143, and Tight as the community's `rfbproto` describes it) as counting needs: where each rectangle ends, not what it shows.

use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, bail, ensure};
use convene_screen::ScreenSize;

const RAW: i32 = 0;
/// `CopyRect`.
pub const COPY: i32 = 1;
/// Tight, with or without JPEG.
pub const TIGHT: i32 = 7;
/// ZRLE.
pub const ZRLE: i32 = 16;
/// JPEG's quality from 0 to 9 is added to it.
pub const QUALITY_0: i32 = -32;

/// 32 bits a pixel, depth 24, little-endian, true colour of 255 each, blue first: Tight and ZRLE make three bytes of it.
const PIXEL_FORMAT: [u8; 16] = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
const PIXEL_BYTES: usize = 4;
const PACKED_PIXEL_BYTES: usize = 3;
/// Tight leaves shorter data as it is.
const TIGHT_COMPRESSED_BYTES_MIN: usize = 12;

/// A viewer that has said hello.
#[derive(Debug)]
pub struct Viewer {
    reader: Counted<BufReader<UnixStream>>,
    writer: UnixStream,
}

impl Viewer {
    /// Shakes hands without a password and says what it wants.
    pub fn greet(stream: UnixStream, encodings: &[i32]) -> Result<Self> {
        let mut writer = stream.try_clone()?;
        let mut reader = Counted { inner: BufReader::new(stream), bytes: 0 };
        let version = reader.take_array::<12>()?;
        ensure!(
            version.starts_with(b"RFB 003.008"),
            "the server speaks {}",
            String::from_utf8_lossy(&version)
        );
        writer.write_all(b"RFB 003.008\n")?;
        let [methods] = reader.take_array()?;
        let mut offered = vec![0; methods.into()];
        reader.read_exact(&mut offered)?;
        ensure!(offered.contains(&1), "the server wants a password");
        writer.write_all(&[1])?;
        ensure!(reader.take_array::<4>()? == [0; 4], "the server refused");
        // Others may watch too.
        writer.write_all(&[1])?;
        reader.skip(4 + PIXEL_FORMAT.len())?;
        let name = u32::from_be_bytes(reader.take_array()?);
        reader.skip(usize::try_from(name)?)?;

        let mut wishes = vec![0, 0, 0, 0];
        wishes.extend_from_slice(&PIXEL_FORMAT);
        wishes.extend_from_slice(&[2, 0]);
        wishes.extend_from_slice(&u16::try_from(encodings.len())?.to_be_bytes());
        encodings.iter().for_each(|encoding| wishes.extend_from_slice(&encoding.to_be_bytes()));
        writer.write_all(&wishes)?;
        Ok(Self { reader, writer })
    }

    /// Asks for the whole screen, or for what will have changed.
    pub fn ask(&mut self, size: ScreenSize, is_incremental: bool) -> Result<()> {
        let mut request = vec![3, u8::from(is_incremental), 0, 0, 0, 0];
        request.extend_from_slice(&size.width().to_be_bytes());
        request.extend_from_slice(&size.height().to_be_bytes());
        Ok(self.writer.write_all(&request)?)
    }

    /// Reads up to the end of the next update; its bytes, and those of other messages before it.
    pub fn update(&mut self) -> Result<u64> {
        let before = self.reader.bytes;
        loop {
            let [kind] = self.reader.take_array()?;
            match kind {
                0 => break,
                2 => {}
                3 => {
                    self.reader.skip(3)?;
                    let text = u32::from_be_bytes(self.reader.take_array()?);
                    self.reader.skip(usize::try_from(text)?)?;
                }
                other => bail!("the server sent a message of kind {other}, which nobody asked for"),
            }
        }
        self.reader.skip(1)?;
        let rectangles = u16::from_be_bytes(self.reader.take_array()?);
        for _ in 0..rectangles {
            skip_rectangle(&mut self.reader)?;
        }
        Ok(self.reader.bytes - before)
    }
}

fn skip_rectangle(reader: &mut Counted<impl Read>) -> Result<()> {
    reader.skip(4)?;
    let [w0, w1, h0, h1, e0, e1, e2, e3] = reader.take_array()?;
    let (width, height) =
        (usize::from(u16::from_be_bytes([w0, w1])), usize::from(u16::from_be_bytes([h0, h1])));
    match i32::from_be_bytes([e0, e1, e2, e3]) {
        RAW => reader.skip(width * height * PIXEL_BYTES),
        COPY => reader.skip(4),
        ZRLE => {
            let bytes = u32::from_be_bytes(reader.take_array()?);
            reader.skip(usize::try_from(bytes)?)
        }
        TIGHT => skip_tight(reader, width, height),
        other => bail!("a rectangle has the encoding {other}, which nobody asked for"),
    }
}

fn skip_tight(reader: &mut Counted<impl Read>, width: usize, height: usize) -> Result<()> {
    let [control] = reader.take_array()?;
    match control >> 4 {
        8 => return reader.skip(PACKED_PIXEL_BYTES),
        9 => {
            let bytes = compact_length(reader)?;
            return reader.skip(bytes);
        }
        0..8 => {}
        other => bail!("Tight has no way {other}"),
    }
    // The filter's number follows when it is not the plain one.
    let [filter] = if control & 0x40 == 0 { [0] } else { reader.take_array()? };
    let bytes = match filter {
        0 | 2 => width * height * PACKED_PIXEL_BYTES,
        1 => {
            let [colours] = reader.take_array()?;
            let colours = usize::from(colours) + 1;
            reader.skip(colours * PACKED_PIXEL_BYTES)?;
            if colours == 2 { width.div_ceil(8) * height } else { width * height }
        }
        other => bail!("Tight has no filter {other}"),
    };
    if bytes < TIGHT_COMPRESSED_BYTES_MIN {
        return reader.skip(bytes);
    }
    let bytes = compact_length(reader)?;
    reader.skip(bytes)
}

/// Seven bits a byte, the lowest first, three bytes at most.
fn compact_length(reader: &mut Counted<impl Read>) -> Result<usize> {
    let mut length = 0;
    for shift in [0, 7, 14] {
        let [byte] = reader.take_array()?;
        let bits = if shift == 14 { byte } else { byte & 0x7f };
        length |= usize::from(bits) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(length)
}

/// Counts what is read.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Counted<R> {
    fn read_exact(&mut self, out: &mut [u8]) -> Result<()> {
        self.inner.read_exact(out).context("the server is gone")?;
        self.bytes += out.len() as u64;
        Ok(())
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        self.read_exact(&mut array)?;
        Ok(array)
    }

    fn skip(&mut self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let skipped = std::io::copy(&mut self.inner.by_ref().take(bytes), &mut std::io::sink())?;
        ensure!(skipped == bytes, "the server is gone");
        self.bytes += bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes of a rectangle of 10 x 4 pixels are read.
    fn tight_bytes(data: &[u8]) -> u64 {
        let mut reader = Counted { inner: data, bytes: 0 };
        skip_tight(&mut reader, 10, 4).unwrap();
        reader.bytes
    }

    #[test]
    fn each_way_of_tight_ends_where_it_says() {
        let rest = [0; 300];
        let with = |head: &[u8]| [head, &rest].concat();
        assert_eq!(tight_bytes(&with(&[0x80])), 1 + 3);
        assert_eq!(tight_bytes(&with(&[0x90, 0x85, 0x01])), 3 + 133);
        // Plain, compressed.
        assert_eq!(tight_bytes(&with(&[0x00, 20])), 2 + 20);
        // Two colours: eight bytes of bits are too few to be compressed.
        assert_eq!(tight_bytes(&with(&[0x50, 1, 1])), 3 + 6 + 8);
        // Sixteen colours: forty bytes are compressed.
        assert_eq!(tight_bytes(&[&[0x60, 1, 15][..], &[0; 48], &[7], &rest].concat()), 3 + 48 + 1 + 7);
    }

    #[test]
    fn a_compact_length_has_three_bytes_at_most() {
        let length = |data: &[u8]| compact_length(&mut Counted { inner: data, bytes: 0 }).unwrap();
        assert_eq!(length(&[0x7f]), 127);
        assert_eq!(length(&[0x80, 0x01]), 128);
        assert_eq!(length(&[0xff, 0xff, 0xff, 0xff]), 0x3f_ffff);
    }
}
