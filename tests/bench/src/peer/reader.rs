//! Reads datagrams as the kernel has put them together.

use std::io::{self, ErrorKind, IoSliceMut};

use anyhow::Result;
use quinn_udp::RecvMeta;

use super::connection::Connection;

/// Room for as many datagrams as the kernel puts together.
const READ_BYTES: usize = 64 * 1500;

/// Reads many datagrams at once.
pub struct Reader {
    buffers: Vec<Vec<u8>>,
    metas: Vec<RecvMeta>,
}

impl Reader {
    /// So many reads at once. Where reading blocks, it waits for as many.
    pub fn new(reads: usize) -> Self {
        Self { buffers: vec![vec![0; READ_BYTES]; reads], metas: vec![RecvMeta::default(); reads] }
    }

    /// What has come, as far as one call reads.
    pub fn read<'a>(
        &'a mut self,
        connection: &Connection,
    ) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>> {
        Ok(self.read_by(|places, metas| connection.receive(places, metas))?.into_iter())
    }

    /// The same by a call of another kind.
    pub fn read_by(
        &mut self,
        receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
    ) -> Result<Vec<&[u8]>> {
        let mut slices = self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect::<Vec<_>>();
        let count = match receive(&mut slices, &mut self.metas) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            count => count?,
        };
        let read = self.metas.iter().zip(&self.buffers).take(count);
        Ok(read.flat_map(|(meta, buffer)| buffer[..meta.len].chunks(meta.stride.max(1))).collect())
    }
}
