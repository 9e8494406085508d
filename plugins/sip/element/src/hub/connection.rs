//! A connection by TCP or TLS: bytes in, messages out, and limits on both.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_sip::{Flow, Frame, Framer};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

/// Whoever connects has said something by then, with TLS and all.
const FIRST_MESSAGE_MAX: Duration = Duration::from_secs(10);
/// Whoever we connect to has said something by then: later than that nobody waits for its answer any longer.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(35);
/// A connection on which nothing comes for so long is closed; telephones send a line end every two minutes at least.
const IDLE_MAX: Duration = Duration::from_secs(3600);
/// Reads before others have their turn: a peer that never stops sending would keep the thread, and all its messages, to itself.
const READS_MAX: usize = 8;
/// What a peer that does not read may leave with us.
const UNSENT_BYTES_MAX: usize = 256 * 1024;

/// One connection.
pub struct Connection {
    pub flow: Flow,
    stream: TcpStream,
    tls: Option<Box<rustls::Connection>>,
    framer: Framer,
    unsent: VecDeque<u8>,
    /// When it is closed, if nothing comes until then.
    pub close_at: Instant,
}

impl Connection {
    /// Just accepted.
    pub fn new(
        stream: TcpStream,
        flow: Flow,
        tls: Option<&Arc<ServerConfig>>,
        now: Instant,
    ) -> io::Result<Self> {
        let tls = tls.map(|config| ServerConnection::new(Arc::clone(config)));
        let tls = tls.transpose().map_err(io::Error::other)?;
        Self::begin(stream, flow, tls.map(rustls::Connection::from), now + FIRST_MESSAGE_MAX)
    }

    /// Just begun by us; by TLS, to whom a certificate has to name.
    pub fn open(
        stream: TcpStream,
        flow: Flow,
        tls: Option<(Arc<ClientConfig>, &str)>,
        now: Instant,
    ) -> io::Result<Self> {
        let tls = tls.map(|(config, name)| {
            let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
            ClientConnection::new(config, name).map_err(io::Error::other)
        });
        Self::begin(stream, flow, tls.transpose()?.map(rustls::Connection::from), now + FIRST_ANSWER_MAX)
    }

    fn begin(
        stream: TcpStream,
        flow: Flow,
        tls: Option<rustls::Connection>,
        close_at: Instant,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let _ = stream.set_nodelay(true);
        let (framer, unsent) = (Framer::default(), VecDeque::new());
        Ok(Self { flow, stream, tls: tls.map(Box::new), framer, unsent, close_at })
    }

    /// To wait for it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads what has come, as far as it is its turn; the system tells again of the rest. TLS holds nothing back in between, as a buffer takes all
    /// that one of its reads brings. An error, also the end of the stream, is the end of the connection.
    pub fn read(&mut self, buffer: &mut [u8], now: Instant, messages: &mut Vec<Vec<u8>>) -> io::Result<()> {
        for _ in 0..READS_MAX {
            let length = match self.read_some(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            self.framer.push(&buffer[..length]);
            while let Some(frame) = self.framer.cut().map_err(io::Error::other)? {
                self.close_at = now + IDLE_MAX;
                match frame {
                    Frame::Message(message) => messages.push(message),
                    Frame::Ping => self.send(b"\r\n")?,
                }
            }
        }
        self.flush()
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if tls.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    /// Sends, or keeps what the line does not take yet; see [`Self::has_unsent`].
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes)?,
            None => self.unsent.extend(bytes),
        }
        self.flush()?;
        if UNSENT_BYTES_MAX < self.unsent.len() {
            return Err(io::Error::other("the peer does not read"));
        }
        Ok(())
    }

    /// Sends what was kept.
    pub fn flush(&mut self) -> io::Result<()> {
        let result = match &mut self.tls {
            Some(tls) => loop {
                if !tls.wants_write() {
                    break Ok(());
                }
                if let Err(error) = tls.write_tls(&mut self.stream) {
                    break Err(error);
                }
            },
            None => loop {
                let (front, _) = self.unsent.as_slices();
                if front.is_empty() {
                    break Ok(());
                }
                match self.stream.write(front) {
                    Ok(length) => drop(self.unsent.drain(..length)),
                    Err(error) => break Err(error),
                }
            },
        };
        result.or_else(|error| if error.kind() == io::ErrorKind::WouldBlock { Ok(()) } else { Err(error) })
    }

    /// Whether the line has to be waited for.
    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }
}
