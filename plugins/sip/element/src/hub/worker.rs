//! The thread that carries between the sockets, the exchange and the rooms.

mod accept;
mod reach;
mod voice;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_sip::{CallId, CallRecord, Exchange, Flow, Hop, Order, RoomId, Transport, Trunk};
use rustix::event::{Timespec, epoll};
use rustls::ServerConfig;

use super::clock::now;
use super::connection::Connection;
use super::dtls;
use super::line::{Line, Ports};
use super::mailbox::{Command, Mailbox};
use super::names::{Name, NameListener};
use super::prompts::Prompts;
use super::sockets::{self, Sockets};
use super::tls::Trust;
use super::tones::ToneListener;
use super::{HubError, HubSettings, RoomListener};

/// Connections at once: a proxy brings all its calls by one.
const CONNECTIONS_MAX: usize = 2048;
/// Connections of one address.
const ADDRESS_CONNECTIONS_MAX: usize = 128;
/// Datagrams with messages that are read, and connections that are accepted, before others have their turn.
const READS_MAX: usize = 32;
/// How often calls are looked after of which nothing comes any more, and connections that do nothing.
const ROUND: Duration = Duration::from_secs(1);
/// From so many calls on, what comes in is read together: a packet comes each 20 ms and call, and to wake for each would cost more than to read it.
const CROWD_MIN: usize = 16;
/// For so long it is let come.
const CROWD_PAUSE: Duration = Duration::from_millis(2);
/// Longer than any datagram of a telephone.
const BUFFER_BYTES: usize = 65_536;

/// What a descriptor belongs to, as the system keeps it for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Bell,
    Udp,
    Tcp,
    Tls,
    Connection(u64),
    Sound(u64),
    Reports(u64),
}

impl Token {
    fn pack(self) -> epoll::EventData {
        let (id, kind) = match self {
            Self::Bell => (0, 0),
            Self::Udp => (1, 0),
            Self::Tcp => (2, 0),
            Self::Tls => (3, 0),
            Self::Connection(id) => (id, 1),
            Self::Sound(id) => (id, 2),
            Self::Reports(id) => (id, 3),
        };
        epoll::EventData::new_u64(id << 2 | kind)
    }

    fn unpack(data: epoll::EventData) -> Self {
        let id = data.u64() >> 2;
        match (data.u64() & 3, id) {
            (1, id) => Self::Connection(id),
            (2, id) => Self::Sound(id),
            (3, id) => Self::Reports(id),
            (_, 0) => Self::Bell,
            (_, 1) => Self::Udp,
            (_, 2) => Self::Tcp,
            _ => Self::Tls,
        }
    }
}

/// A call's ports, and where its voice goes.
struct Entry {
    line: Arc<Line>,
    room: Option<Arc<dyn RoomListener>>,
    /// While the caller says a name.
    listener: Option<Box<NameListener>>,
    /// Gone with the call.
    name: Option<Name>,
    /// Where digits come as tones.
    tones: Option<Box<ToneListener>>,
}

/// The thread's own.
pub struct Worker {
    exchange: Exchange,
    sockets: Sockets,
    config: Option<Arc<ServerConfig>>,
    poll: OwnedFd,
    mailbox: Arc<Mailbox>,
    listeners: BTreeMap<RoomId, Arc<dyn RoomListener>>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    /// Connections of ours.
    ways: BTreeMap<Hop, u64>,
    /// Whose names are looked up just now.
    lookups: BTreeSet<Hop>,
    /// Where we connect from.
    bind: Option<IpAddr>,
    trust: Trust,
    has_inband_digits: bool,
    lines: BTreeMap<CallId, Entry>,
    prompts: Prompts,
    /// Calls that hear a prompt.
    playing: BTreeSet<CallId>,
    /// Calls whose keys are being agreed on.
    shaking: BTreeSet<CallId>,
    ports: Ports,
    /// When the exchange has something to do.
    exchange_due: Option<Instant>,
    round_at: Option<Instant>,
    buffer: Vec<u8>,
    is_over: bool,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(
        settings: &HubSettings,
        sockets: Sockets,
        (config, trust): (Option<Arc<ServerConfig>>, Trust),
        mailbox: Arc<Mailbox>,
    ) -> Result<Self, HubError> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from)?;
        let identity = dtls::Certificate::make().map_err(io::Error::other)?;
        let worker = Self {
            exchange: Exchange::new([rand::random(), rand::random()], identity, settings.media_address),
            sockets,
            config,
            poll,
            mailbox,
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 1,
            ways: BTreeMap::new(),
            lookups: BTreeSet::new(),
            bind: settings.bind,
            trust,
            has_inband_digits: settings.has_inband_digits,
            lines: BTreeMap::new(),
            prompts: Prompts::new(&settings.language, settings.prompts.as_deref()),
            playing: BTreeSet::new(),
            shaking: BTreeSet::new(),
            ports: Ports::new(settings.rtp_ports, rand::random()),
            exchange_due: None,
            round_at: None,
            buffer: vec![0; BUFFER_BYTES],
            is_over: false,
        };
        worker.watch(worker.mailbox.bell(), Token::Bell)?;
        let Sockets { udp, tcp, tls } = &worker.sockets;
        udp.as_ref().map_or(Ok(()), |socket| worker.watch(socket, Token::Udp))?;
        tcp.as_ref().map_or(Ok(()), |socket| worker.watch(socket, Token::Tcp))?;
        tls.as_ref().map_or(Ok(()), |socket| worker.watch(socket, Token::Tls))?;
        Ok(worker)
    }

    fn watch(&self, source: impl AsFd, token: Token) -> io::Result<()> {
        Ok(epoll::add(&self.poll, source, token.pack(), epoll::EventFlags::IN)?)
    }

    /// Works until the hub ends; registers with the trunk, if there is one.
    pub fn run(mut self, trunk: Option<Trunk>) {
        if let Some(trunk) = trunk {
            let time = now();
            self.exchange.connect(trunk, time);
            self.carry_out(time);
        }
        let mut events = Vec::with_capacity(256);
        while !self.is_over {
            let timeout = self.timeout();
            events.clear();
            // An interrupted wait is one that ends early.
            let _ = epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref());
            for event in &events {
                let (flags, data) = (event.flags, event.data);
                self.happen(Token::unpack(data), flags);
            }
            self.tick();
            if CROWD_MIN <= self.lines.len() {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this thread has nothing else to do, and is woken less often so"
                )]
                std::thread::sleep(CROWD_PAUSE);
            }
        }
    }

    /// How long nothing is due.
    fn timeout(&self) -> Option<Timespec> {
        let time = now();
        let prompts = self
            .playing
            .iter()
            .map(|call| self.lines.get(call).and_then(|entry| entry.line.due()).unwrap_or(time));
        let shakes = self.shaking.iter().filter_map(|call| self.lines.get(call)?.line.shake_due());
        let due = prompts.chain(shakes).chain(self.exchange_due).chain(self.round_at).min()?;
        let left = due.saturating_duration_since(time);
        Some(Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) })
    }

    fn happen(&mut self, token: Token, flags: epoll::EventFlags) {
        match token {
            Token::Bell => self.obey(),
            Token::Udp => self.read_udp(),
            Token::Tcp => self.accept(Transport::Tcp),
            Token::Tls => self.accept(Transport::Tls),
            Token::Connection(id) => self.serve(id, flags),
            Token::Sound(id) => self.read_sound(CallId(id)),
            Token::Reports(id) => {
                let call = CallId(id);
                if self.lines.get(&call).is_some_and(|entry| entry.line.read_reports(&mut self.buffer)) {
                    self.tell_loss(call);
                }
            }
        }
    }

    fn obey(&mut self) {
        let time = now();
        for command in self.mailbox.take() {
            match command {
                Command::Open { room, rules, listener } => {
                    self.listeners.insert(room, listener);
                    self.exchange.open(room, rules);
                }
                Command::Change(room, rules) => self.exchange.open(room, rules),
                Command::Close(room) => {
                    self.exchange.close(room, time);
                    self.carry_out(time);
                    self.listeners.remove(&room);
                }
                Command::Announce(call, prompt) => self.exchange.announce(call, prompt),
                Command::HangUp(call) => self.exchange.hang_up(call, time),
                Command::Call { call, room, to } => self.exchange.call(call, room, &to, time),
                Command::Cancel(call) => self.exchange.cancel(call, time),
                Command::Resolved(hop, address) => self.resolved(&hop, address),
                Command::HangUpAll(done) => {
                    self.exchange.hang_up_all(time);
                    self.carry_out(time);
                    let _ = done.send(());
                }
                Command::Stop => {
                    self.exchange.hang_up_all(time);
                    self.is_over = true;
                }
            }
        }
        self.carry_out(time);
    }

    fn read_udp(&mut self) {
        let Some(address) = self.sockets.udp.as_ref().and_then(|socket| socket.local_addr().ok()) else {
            return;
        };
        for _ in 0..READS_MAX {
            let socket = self.sockets.udp.as_ref();
            let Some(Ok((length, from))) = socket.map(|socket| socket.recv_from(&mut self.buffer)) else {
                return;
            };
            let peer = sockets::plain(from);
            let local = sockets::plain(sockets::facing(sockets::plain(address), peer));
            let flow = Flow { id: 0, transport: Transport::Udp, peer, local };
            let time = now();
            self.exchange.receive(flow, &self.buffer[..length], time);
            self.carry_out(time);
        }
    }

    fn serve(&mut self, id: u64, flags: epoll::EventFlags) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let time = now();
        let mut messages = Vec::new();
        let flow = connection.flow;
        let mut result = connection.flush();
        if result.is_ok()
            && flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR)
        {
            result = connection.read(&mut self.buffer, time, &mut messages);
        }
        for message in messages {
            self.exchange.receive(flow, &message, time);
            self.carry_out(time);
        }
        match result {
            Ok(()) => self.await_line(id),
            Err(_) => self.disconnect(id),
        }
    }

    /// The line is waited for while something is unsent.
    fn await_line(&mut self, id: u64) {
        if let Some(connection) = self.connections.get(&id) {
            let mut flags = epoll::EventFlags::IN;
            flags.set(epoll::EventFlags::OUT, connection.has_unsent());
            let _ = epoll::modify(&self.poll, connection.stream(), Token::Connection(id).pack(), flags);
        }
    }

    /// What time brings.
    fn tick(&mut self) {
        let time = now();
        let lines = &self.lines;
        self.shaking.retain(|call| lines.get(call).is_some_and(|entry| entry.line.shake(time).is_some()));
        let is_over = |call: &CallId| !lines.get(call).is_some_and(|entry| entry.line.tick(time));
        let played: Vec<CallId> = self.playing.iter().copied().filter(is_over).collect();
        let is_quiet = played.is_empty();
        for call in played {
            self.playing.remove(&call);
            self.exchange.played(call, time);
        }
        let mut is_asked = self.exchange_due.is_some_and(|due| due <= time);
        if is_asked {
            self.exchange.timeout(time);
        }
        if self.round_at.is_some_and(|at| at <= time) {
            is_asked = true;
            self.lines.values().for_each(|entry| entry.line.report(time));
            let closing = self.connections.iter().filter(|(_, connection)| connection.close_at <= time);
            let closing: Vec<u64> = closing.map(|(id, _)| *id).collect();
            closing.into_iter().for_each(|id| self.disconnect(id));
            let is_lost = |entry: &Entry| {
                let lost_at = entry.line.with(|session| session.lost_at()).flatten();
                lost_at.is_some_and(|at| at <= time)
            };
            let lost: Vec<CallId> =
                self.lines.iter().filter(|(_, entry)| is_lost(entry)).map(|(call, _)| *call).collect();
            lost.into_iter().for_each(|call| self.exchange.lose(call, time));
            let is_busy = !(self.lines.is_empty() && self.connections.is_empty());
            self.round_at = is_busy.then(|| time + ROUND);
        }
        // Packets of sound come by the ten thousand a second, and leave the exchange as it is.
        if is_asked || !is_quiet {
            self.carry_out(time);
        }
    }

    /// Does what the exchange orders.
    fn carry_out(&mut self, time: Instant) {
        while let Some(order) = self.exchange.poll() {
            match order {
                Order::Send(flow, bytes) => self.send(flow, &bytes),
                Order::Reach(hop) => self.reach(hop),
                Order::Progress { room, call, progress } => {
                    if let Some(listener) = self.listeners.get(&room) {
                        listener.progressed(call, progress);
                    }
                }
                Order::Trunk(state) => {
                    self.listeners.values().for_each(|listener| listener.trunk_changed(state));
                }
                Order::Open { call, flow } => {
                    let at = self.open_line(call, flow.local);
                    self.exchange.opened(call, at, time);
                }
                Order::Agreed { call, agreement, ours } => {
                    if let Some(entry) = self.lines.get_mut(&call) {
                        if let Some(room) = &entry.room {
                            room.changed(call, agreement.codec, agreement.payload_type);
                        }
                        if let Some(listener) = &mut entry.listener {
                            **listener = NameListener::new(agreement.codec, agreement.payload_type);
                        }
                        let has_tones = self.has_inband_digits && agreement.digits.is_none();
                        entry.tones = has_tones
                            .then(|| Box::new(ToneListener::new(agreement.codec, agreement.payload_type)));
                        entry.line.agree(*agreement, ours.as_ref());
                        self.shaking.insert(call);
                    }
                }
                Order::Join { room, call, about } => {
                    let is_seated = self.join(room, call, &about);
                    self.exchange.seated(call, is_seated, time);
                }
                Order::Leave { room, call, why } => {
                    if let Some(listener) = self.listeners.get(&room) {
                        listener.left(call, why);
                    }
                }
                Order::Wish { room, call, wish } => {
                    if let Some(listener) = self.listeners.get(&room) {
                        listener.wished(call, wish);
                    }
                }
                Order::Say(call, prompts) => self.say(call, &prompts, time),
                Order::Listen(call) => {
                    if let Some(entry) = self.lines.get_mut(&call) {
                        let form = entry.line.with(|session| {
                            let agreement = session.agreement();
                            (agreement.codec, agreement.payload_type)
                        });
                        entry.listener =
                            form.map(|(codec, number)| Box::new(NameListener::new(codec, number)));
                    }
                }
                Order::EndName(call) => self.end_name(call),
                Order::SayNames { to, of } => self.say_names(to, &of, time),
                Order::Hush(call) => {
                    if let Some(entry) = self.lines.get(&call) {
                        entry.line.with(|session| session.be_quiet());
                    }
                }
                Order::Record { rooms, call, record } => self.record(&rooms, call, &record),
                Order::Close(call) => self.close_line(call),
            }
        }
        self.exchange_due = self.exchange.due();
    }

    fn send(&mut self, flow: Flow, bytes: &[u8]) {
        if flow.transport == Transport::Udp {
            let socket = self.sockets.udp.as_ref();
            if let Some((socket, address)) =
                socket.and_then(|socket| Some((socket, socket.local_addr().ok()?)))
            {
                // What a full socket does not take is sent again by its transaction.
                let _ = socket.send_to(bytes, sockets::dressed(flow.peer, address));
            }
        } else if let Some(connection) = self.connections.get_mut(&flow.id) {
            match connection.send(bytes) {
                Ok(()) => self.await_line(flow.id),
                Err(_) => self.disconnect(flow.id),
            }
        }
    }

    fn open_line(&mut self, call: CallId, local: SocketAddr) -> Option<(std::net::IpAddr, u16)> {
        let line = Line::open(&mut self.ports, local.ip())?;
        let [sound, reports] = line.sockets();
        self.watch(sound, Token::Sound(call.0)).ok()?;
        self.watch(reports, Token::Reports(call.0)).ok()?;
        let port = line.port();
        self.lines.insert(
            call,
            Entry { line: Arc::new(line), room: None, listener: None, name: None, tones: None },
        );
        self.round_at.get_or_insert(now() + ROUND);
        Some((local.ip(), port))
    }

    fn record(&self, rooms: &[RoomId], call: CallId, record: &CallRecord) {
        let sound = self.lines.get(&call).and_then(|entry| entry.line.with(|session| session.stats()));
        for listener in rooms.iter().filter_map(|room| self.listeners.get(room)) {
            listener.recorded(call, record, sound);
        }
    }

    fn close_line(&mut self, call: CallId) {
        if let Some(entry) = self.lines.remove(&call) {
            // The room may still hold it for a moment.
            for socket in entry.line.sockets() {
                let _ = epoll::delete(&self.poll, socket);
            }
        }
        self.playing.remove(&call);
    }

    fn join(&mut self, room: RoomId, call: CallId, about: &convene_sip::About) -> bool {
        let (Some(listener), Some(entry)) = (self.listeners.get(&room), self.lines.get_mut(&call)) else {
            return false;
        };
        let is_seated = listener.joined(call, about, &entry.line);
        if is_seated {
            entry.room = Some(Arc::clone(listener));
        }
        is_seated
    }
}
