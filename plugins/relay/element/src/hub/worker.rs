//! One worker: a shard, its socket, and the thread that carries between them.

use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_relay::{Config, Datagram, Input, Order, Output, Remote, RoomId, Shard, ShardId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::RoomListener;
use super::clock::now;
use super::mailbox::{Command, Mailbox};
use super::socket::Line;
use super::tcp::{Connection, Connections, accept};

/// Reads in one turn, before what they bring is sent.
const READS_MAX: usize = 8;
/// Sent in one turn, before what has come meanwhile is read: a part of what goes to many viewers, who would all wait for the last of them.
const TRANSMITS_MAX: usize = 64;
/// When it has been so for this long, all is sent before more is read: then what is too much is lost at the socket, and does not heap up within.
const BEHIND_MAX: Duration = Duration::from_millis(10);

/// One worker.
pub struct Worker {
    id: ShardId,
    shard: Shard,
    line: Line,
    /// Where those knock who come by TCP; one worker opens.
    door: Option<TcpListener>,
    is_knocked: bool,
    connections: Connections,
    mailboxes: Vec<Arc<Mailbox>>,
    listeners: BTreeMap<RoomId, Arc<dyn RoomListener>>,
    commands: Vec<Command>,
    /// Since when there has always been something left to send.
    behind_since: Option<Instant>,
    is_over: bool,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(
        config: Config,
        socket: UdpSocket,
        door: Option<TcpListener>,
        mailboxes: Vec<Arc<Mailbox>>,
    ) -> io::Result<Self> {
        Ok(Self {
            id: config.id,
            shard: Shard::new(config, now()),
            line: Line::new(socket)?,
            door,
            is_knocked: false,
            connections: Connections::default(),
            mailboxes,
            listeners: BTreeMap::new(),
            commands: Vec::new(),
            behind_since: None,
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
            self.let_in(time);
            self.read_connections(time);
            if due.is_some_and(|due| due <= time) {
                self.shard.handle(Input::Timeout, time);
            }
            let is_far_behind = self.behind_since.is_some_and(|since| since + BEHIND_MAX <= time);
            due = self.carry_out(if is_far_behind { usize::MAX } else { TRANSMITS_MAX });
        }
    }

    fn mailbox(&self) -> &Mailbox {
        &self.mailboxes[usize::from(self.id.0)]
    }

    /// Until a datagram or a connection comes, the bell rings, or the time is due.
    fn wait(&mut self, due: Option<Instant>) {
        let timeout = due.map(|due| {
            let left = due.saturating_duration_since(now());
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
        });
        let line = self.line.as_fd();
        let bell = self.mailboxes[usize::from(self.id.0)].bell();
        let mut sources = vec![PollFd::new(&line, PollFlags::IN), PollFd::new(&bell, PollFlags::IN)];
        sources.extend(self.door.iter().map(|door| PollFd::new(door, PollFlags::IN)));
        self.connections.watch(&mut sources);
        // An interrupted wait is one that ends early.
        let _ = poll(&mut sources, timeout.as_ref());
        let mut ready = sources.iter().skip(2).map(|source| !source.revents().is_empty());
        self.is_knocked = self.door.is_some() && ready.next().unwrap_or_default();
        let ready: Vec<bool> = ready.collect();
        self.connections.note(ready.into_iter());
    }

    fn let_in(&mut self, time: Instant) {
        let Some(door) = self.door.as_ref().filter(|_| self.is_knocked) else {
            return;
        };
        let accepted = accept(door, |stream| {
            // One that is over already is none.
            if let Ok(connection) = Connection::new(stream, time) {
                self.connections.add(connection, time);
            }
        });
        if accepted.is_err() {
            self.connections.make_room();
        }
    }

    fn read_connections(&mut self, time: Instant) {
        while let Some(connection) = self.connections.next(time) {
            let remote = connection.remote();
            if !connection.is_introduced {
                let shard = match connection.first() {
                    Ok(None) => continue,
                    Ok(Some(first)) => self.shard.shard_of(first),
                    Err(_) => None,
                };
                connection.is_introduced = shard == Some(self.id);
                if !connection.is_introduced {
                    let connection = self.connections.remove(remote);
                    let mailbox = shard.and_then(|shard| self.mailboxes.get(usize::from(shard.0)));
                    if let (Some(connection), Some(mailbox)) = (connection, mailbox) {
                        mailbox.post(Command::Connection(Box::new(connection)));
                    }
                    continue;
                }
            }
            let (own, shard) = (connection.own(), &mut self.shard);
            let taken =
                connection.take(|bytes| shard.handle(Input::Datagram { peer: remote, own, bytes }, time));
            if taken.is_err() {
                self.connections.remove(remote);
            }
        }
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
                    self.carry_out(usize::MAX);
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
                Command::Connection(connection) => self.connections.add(*connection, time),
                Command::Stop => self.is_over = true,
            }
        }
        self.commands = commands;
    }

    fn read(&mut self, time: Instant) {
        let shard = &mut self.shard;
        for _ in 0..READS_MAX {
            let has_more = self.line.read(|from, own, bytes| {
                shard.handle(Input::Datagram { peer: Remote::Udp(from), own, bytes }, time);
            });
            if !has_more {
                break;
            }
        }
    }

    /// Does what the shard orders, up to so many datagrams. Returns when it has to be asked again.
    fn carry_out(&mut self, transmits_max: usize) -> Option<Instant> {
        let mut transmits = 0;
        while transmits < transmits_max {
            match self.shard.poll() {
                Output::Transmit(datagram) => {
                    transmits += 1;
                    self.send(datagram);
                }
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
                    self.flush();
                    self.behind_since = None;
                    return due;
                }
            }
        }
        self.flush();
        Some(*self.behind_since.get_or_insert_with(now))
    }

    fn send(&mut self, datagram: Datagram) {
        match datagram.peer {
            Remote::Udp(_) => {
                if self.line.hold(datagram) {
                    self.flush_line();
                }
            }
            Remote::Tcp(to) => datagram.each().for_each(|bytes| self.connections.send(to, bytes)),
        }
    }

    fn flush(&mut self) {
        self.flush_line();
        self.connections.flush();
    }

    fn flush_line(&mut self) {
        let shard = &mut self.shard;
        self.line.flush(|room| shard.take_back(room));
    }
}
