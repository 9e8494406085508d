//! One worker: a shard, its socket, and the thread that carries between them.

use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Instant;

use convene_relay::{Config, Input, Order, Output, RoomId, Shard, ShardId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::RoomListener;
use super::clock::now;
use super::mailbox::{Command, Mailbox};
use super::socket::Line;

/// Reads in one turn, before what they bring is sent.
const READS_MAX: usize = 8;

/// One worker.
pub struct Worker {
    id: ShardId,
    shard: Shard,
    line: Line,
    mailboxes: Vec<Arc<Mailbox>>,
    listeners: BTreeMap<RoomId, Arc<dyn RoomListener>>,
    commands: Vec<Command>,
    is_over: bool,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(config: Config, socket: UdpSocket, mailboxes: Vec<Arc<Mailbox>>) -> io::Result<Self> {
        Ok(Self {
            id: config.id,
            shard: Shard::new(config, now()),
            line: Line::new(socket)?,
            mailboxes,
            listeners: BTreeMap::new(),
            commands: Vec::new(),
            is_over: false,
        })
    }

    /// Works until the hub ends.
    pub fn run(mut self) {
        let mut due = None;
        while !self.is_over {
            self.wait(due);
            let time = now();
            self.obey(time);
            self.read(time);
            if due.is_some_and(|due| due <= time) {
                self.shard.handle(Input::Timeout, time);
            }
            due = self.carry_out();
        }
    }

    fn mailbox(&self) -> &Mailbox {
        &self.mailboxes[usize::from(self.id.0)]
    }

    /// Until a datagram comes, the bell rings, or the time is due.
    fn wait(&self, due: Option<Instant>) {
        let timeout = due.map(|due| {
            let left = due.saturating_duration_since(now());
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
        });
        let line = self.line.as_fd();
        let bell = self.mailbox().bell();
        let mut sources = [PollFd::new(&line, PollFlags::IN), PollFd::new(&bell, PollFlags::IN)];
        // An interrupted wait is one that ends early.
        let _ = poll(&mut sources, timeout.as_ref());
    }

    fn obey(&mut self, time: Instant) {
        let mut commands = std::mem::take(&mut self.commands);
        self.mailbox().take(&mut commands);
        for command in commands.drain(..) {
            match command {
                Command::Open { room, listener } => {
                    self.listeners.insert(room, listener);
                }
                Command::Close(room) => {
                    self.shard.handle(Input::Close(room), time);
                    self.carry_out();
                    self.listeners.remove(&room);
                }
                Command::Offer { room, peer, sdp, reply } => {
                    let answer = self.shard.offer(room, peer, &sdp, time);
                    // Whoever asked may have gone.
                    let _ = reply.send(answer);
                }
                Command::Input(input) => self.shard.handle(input, time),
                Command::Report { room, reply } => {
                    let _ = reply.send(self.shard.reports(room));
                }
                Command::Stop => self.is_over = true,
            }
        }
        self.commands = commands;
    }

    fn read(&mut self, time: Instant) {
        let shard = &mut self.shard;
        for _ in 0..READS_MAX {
            let has_more = self.line.read(|from, to, bytes| {
                shard.handle(Input::Datagram { from, to, bytes }, time);
            });
            if !has_more {
                break;
            }
        }
    }

    /// Does what the shard orders. Returns when it has to be asked again.
    fn carry_out(&mut self) -> Option<Instant> {
        loop {
            match self.shard.poll() {
                Output::Transmit(datagram) => self.line.send(&datagram),
                Output::Event { room, event } => {
                    if let Some(listener) = self.listeners.get(&room) {
                        listener.happened(event);
                    }
                }
                Output::Order { to, order } => {
                    let is_lossy =
                        matches!(order, Order::Packet(_) | Order::Datagram(_) | Order::Heard { .. });
                    let command = Command::Input(Input::Order { from: self.id, order });
                    match self.mailboxes.get(usize::from(to.0)) {
                        Some(mailbox) if is_lossy => mailbox.post_lossy(command),
                        Some(mailbox) => mailbox.post(command),
                        None => {}
                    }
                }
                Output::Timeout(due) => {
                    self.line.flush();
                    return due;
                }
            }
        }
    }
}
