//! What others want of a worker, and the bell that wakes it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Sender, SyncSender};

use convene_relay::{Input, OfferError, PeerId, PeerReport, RoomId};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};

use super::RoomListener;
use super::tcp::Connection;

/// Media that waits here for longer than this is of no use when its turn comes: a worker that far behind has lost a tenth of a second.
const LOSSY_MAX: usize = 16_384;

/// What a worker is asked for.
pub enum Command {
    /// A room has an owner.
    Open {
        /// Which.
        room: RoomId,
        /// Who.
        listener: Arc<dyn RoomListener>,
    },
    /// It is over.
    Close(RoomId),
    /// Answer an offer.
    Offer {
        /// Where.
        room: RoomId,
        /// Whose.
        peer: PeerId,
        /// What.
        sdp: String,
        /// To here.
        reply: SyncSender<Result<String, OfferError>>,
    },
    /// Something for the shard.
    Input(Input<'static>),
    /// Tell how the peers of a room fare.
    Report {
        /// Which.
        room: RoomId,
        /// To here.
        reply: Sender<Vec<PeerReport>>,
    },
    /// Somebody has come by TCP.
    Connection(Box<Connection>),
    /// The hub ends.
    Stop,
}

/// A worker's mailbox.
pub struct Mailbox {
    commands: Mutex<Vec<Command>>,
    bell: OwnedFd,
}

impl Mailbox {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { commands: Mutex::default(), bell })
    }

    /// Puts something in.
    pub fn post(&self, command: Command) {
        let mut commands = self.commands.lock();
        commands.push(command);
        self.ring(commands.len());
    }

    /// Puts media in, unless far too much waits already.
    pub fn post_lossy(&self, command: Command) {
        let mut commands = self.commands.lock();
        if commands.len() < LOSSY_MAX {
            commands.push(command);
            self.ring(commands.len());
        }
    }

    /// Takes everything out, into an empty list.
    pub fn take(&self, into: &mut Vec<Command>) {
        let mut commands = self.commands.lock();
        if !commands.is_empty() {
            std::mem::swap(&mut *commands, into);
            let mut counter = [0; 8];
            // Whoever posts next rings anew.
            let _ = rustix::io::read(&self.bell, &mut counter);
        }
    }

    /// Readable while something waits.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// The first that waits rings; those after it find the bell rung.
    fn ring(&self, waiting: usize) {
        if waiting == 1 {
            let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        }
    }
}
