//! What rooms want of the worker, and the bell that wakes it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use convene_sip::{CallId, Hop, Prompt, RoomId, RoomRules};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};

use super::RoomListener;

/// What the worker is asked for.
pub enum Command {
    /// A room has an owner.
    Open {
        /// Which.
        room: RoomId,
        /// How it takes callers.
        rules: RoomRules,
        /// Who.
        listener: Arc<dyn RoomListener>,
    },
    /// It takes callers in another way.
    Change(RoomId, RoomRules),
    /// It is over.
    Close(RoomId),
    /// A caller is told something.
    Announce(CallId, Prompt),
    /// A caller is to go.
    HangUp(CallId),
    /// Somebody is to be called.
    Call {
        /// What the call is known by.
        call: CallId,
        /// Whose call it is.
        room: RoomId,
        /// Whom: a number or a URI, which is not for logs.
        to: String,
    },
    /// A call of ours is to end, however far it has come.
    Cancel(CallId),
    /// A name was looked up.
    Resolved(Hop, Option<SocketAddr>),
    /// All calls are to end, and then whoever waits is told.
    HangUpAll(SyncSender<()>),
    /// The hub ends.
    Stop,
}

/// The worker's mailbox.
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
        self.commands.lock().push(command);
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Takes everything out.
    pub fn take(&self) -> Vec<Command> {
        let mut counter = [0; 8];
        // Whoever posts next rings anew.
        let _ = rustix::io::read(&self.bell, &mut counter);
        std::mem::take(&mut *self.commands.lock())
    }

    /// Readable while something waits.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
