//! A picture as a record has it.

use bytes::Bytes;

use crate::graphic;
use crate::webp::{self, Alpha};

/// A picture in one of its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A whole WebP file.
    WebP(Bytes),
    /// Few colours, without loss; see [`crate::graphic`].
    Graphic(Bytes),
}

impl Picture {
    /// Its bytes, whatever they are.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::WebP(bytes) | Self::Graphic(bytes) => bytes,
        }
    }

    /// With bytes of its own, which hold no larger buffer.
    pub(crate) fn copied(&self) -> Self {
        match self {
            Self::WebP(bytes) => Self::WebP(Bytes::copy_from_slice(bytes)),
            Self::Graphic(bytes) => Self::Graphic(Bytes::copy_from_slice(bytes)),
        }
    }

    /// Decodes a picture of just this size to BGRx rows of `stride` bytes, the first at `out[0]`. After an error some of the pixels may have
    /// been written.
    pub(crate) fn decode(&self, size: (u16, u16), out: &mut [u8], stride: usize) -> Result<(), Undecodable> {
        match self {
            Self::WebP(file) => webp::decode(file, size, out, stride, Alpha::Opaque).map_err(|_| Undecodable),
            Self::Graphic(graphic) => graphic::decode(graphic, size, out, stride).map_err(|_| Undecodable),
        }
    }
}

/// A picture is not what its record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;
