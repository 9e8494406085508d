//! The ports of the telephone, for all bridges of the process that name the same ones: the first opens them, the last closes them.

mod account;
mod clock;
mod connection;
mod dtls;
mod line;
mod mailbox;
mod names;
mod prompts;
mod sockets;
mod tls;
mod tones;
mod worker;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::thread::JoinHandle;

use convene_conference::Codec;
use convene_sip::{
    About, CallId, CallRecord, Progress, Prompt, RoomId, RoomRules, SessionStats, Trunk, TrunkState, Wish,
};
use parking_lot::Mutex;
use thiserror::Error;

pub use clock::now;
pub use line::{Line, PortRange};
use mailbox::{Command, Mailbox};
pub use prompts::languages;
use worker::Worker;

/// Why a hub cannot be started, in sentences for the bus.
#[derive(Debug, Error)]
pub enum HubError {
    /// The port is taken, or the address is not this machine's.
    #[error("Port {port} on {address} cannot be opened: {reason}.")]
    Bind {
        /// Which port.
        port: u16,
        /// On which address.
        address: IpAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Another bridge of this process has opened the ports in another way.
    #[error(
        "Another sipbridge of this process has opened these ports with other addresses, certificates, rtp-ports or prompts."
    )]
    Differs,
    /// The system gives no thread or no event counter.
    #[error("The telephone's thread cannot be started: {0}.")]
    Worker(#[from] std::io::Error),
    /// There is no way in.
    #[error("No port is to be opened: set one of tls-port, tcp-port and udp-port.")]
    NoPort,
    /// The files are no good.
    #[error("{0}")]
    Certificate(String),
    /// Our account at the trunk is no good.
    #[error("{0}")]
    Account(String),
}

/// How the ports are to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSettings {
    /// None is closed; 0 is any free one, for this bridge alone. Needs a certificate.
    pub tls: Option<u16>,
    /// The same for TCP.
    pub tcp: Option<u16>,
    /// The same for UDP.
    pub udp: Option<u16>,
    /// None is all addresses of both families, or of IPv4 where there is no IPv6.
    pub bind: Option<IpAddr>,
    /// PEM files.
    pub certificate: Option<(String, String)>,
    /// What callers are told; none is the address that they reach us at.
    pub media_address: Option<IpAddr>,
    /// For sound.
    pub rtp_ports: PortRange,
    /// Digits are looked for in the voices of those who have no other way to send them.
    pub has_inband_digits: bool,
    /// In which callers are spoken to.
    pub language: String,
    /// Files that are played instead of what was spoken.
    pub prompts: Option<String>,
    /// By which numbers are called, without its account.
    pub trunk: Option<Trunk>,
    /// The file with the account; none is the environment.
    pub account: Option<String>,
    /// A PEM file with those whom we trust when we call by TLS, besides those whom the system does.
    pub ca_file: Option<String>,
}

/// What a room's owner is told, on the hub's thread: it must not block.
pub trait RoomListener: Send + Sync {
    /// Somebody would come in. Returns whether there is a seat.
    fn joined(&self, call: CallId, about: &About, line: &Arc<Line>) -> bool;
    /// The voice comes in another codec from now on.
    fn changed(&self, call: CallId, codec: Codec, payload_type: u8);
    /// A packet of a voice.
    fn voice(&self, call: CallId, packet: Vec<u8>);
    /// Packets of what is sent to a caller were lost on the way, as his report says.
    fn lost(&self, call: CallId);
    /// A caller wants something of the meeting.
    fn wished(&self, call: CallId, wish: Wish);
    /// A call of ours gets on.
    fn progressed(&self, call: CallId, progress: Progress);
    /// Whether the trunk brings calls.
    fn trunk_changed(&self, state: TrunkState);
    /// A call is over, whosever it was; with what has gone through, if it had sound.
    fn recorded(&self, call: CallId, record: &CallRecord, sound: Option<SessionStats>);
    /// Somebody is gone.
    fn left(&self, call: CallId, why: &'static str);
}

/// For so long it is waited for the worker, which never waits itself.
const HANG_UP_ALL_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// The ports that are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenPorts {
    /// None is closed.
    pub tls: Option<u16>,
    /// The same for TCP.
    pub tcp: Option<u16>,
    /// The same for UDP.
    pub udp: Option<u16>,
}

/// The ports and their worker.
struct Hub {
    settings: HubSettings,
    ports: OpenPorts,
    mailbox: Arc<Mailbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A bridge's place at a hub.
pub struct RoomSeat {
    hub: Arc<Hub>,
    room: RoomId,
}

type Ports = (Option<u16>, Option<u16>, Option<u16>);

/// All hubs of the process whose ports were named.
static HUBS: LazyLock<Mutex<BTreeMap<Ports, Weak<Hub>>>> = LazyLock::new(Mutex::default);
static NEXT_ROOM: AtomicU64 = AtomicU64::new(1);
static NEXT_CALL: AtomicU64 = AtomicU64::new(CallId::OURS.0);

impl Hub {
    /// The hub of these ports, opened now if it is not yet.
    fn find(settings: &HubSettings) -> Result<Arc<Self>, HubError> {
        let ports = (settings.tls, settings.tcp, settings.udp);
        if ports == (None, None, None) {
            return Err(HubError::NoPort);
        }
        if [ports.0, ports.1, ports.2].contains(&Some(0)) {
            return Self::start(settings.clone());
        }
        let mut hubs = HUBS.lock();
        if let Some(hub) = hubs.get(&ports).and_then(Weak::upgrade) {
            return if hub.settings == *settings { Ok(hub) } else { Err(HubError::Differs) };
        }
        let hub = Self::start(settings.clone())?;
        hubs.retain(|_, hub| 0 < hub.strong_count());
        hubs.insert(ports, Arc::downgrade(&hub));
        Ok(hub)
    }

    fn start(settings: HubSettings) -> Result<Arc<Self>, HubError> {
        let config = settings.certificate.as_ref().map(|(certificate, key)| tls::configure(certificate, key));
        let config = config.transpose().map_err(HubError::Certificate)?;
        let trust = tls::Trust::read(settings.ca_file.as_deref()).map_err(HubError::Certificate)?;
        let trunk = settings.trunk.clone().map(|trunk| {
            account::read(settings.account.as_deref()).map(|credentials| Trunk { credentials, ..trunk })
        });
        let trunk = trunk.transpose().map_err(HubError::Account)?;
        let sockets = sockets::open(&settings)?;
        let port =
            |address: std::io::Result<std::net::SocketAddr>| address.ok().map(|address| address.port());
        let ports = OpenPorts {
            tls: sockets.tls.as_ref().and_then(|socket| port(socket.local_addr())),
            tcp: sockets.tcp.as_ref().and_then(|socket| port(socket.local_addr())),
            udp: sockets.udp.as_ref().and_then(|socket| port(socket.local_addr())),
        };
        let mailbox = Arc::new(Mailbox::new()?);
        let worker = Worker::new(&settings, sockets, (config, trust), Arc::clone(&mailbox))?;
        let thread =
            std::thread::Builder::new().name("sipbridge".to_owned()).spawn(move || worker.run(trunk))?;
        Ok(Arc::new(Self { settings, ports, mailbox, thread: Mutex::new(Some(thread)) }))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.mailbox.post(Command::Stop);
        // The last listener may be dropped by the worker itself, which then ends without being waited for.
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl RoomSeat {
    /// Opens a room at the ports.
    pub fn take(
        settings: &HubSettings,
        rules: RoomRules,
        listener: &Arc<dyn RoomListener>,
    ) -> Result<Self, HubError> {
        let hub = Hub::find(settings)?;
        let room = RoomId(NEXT_ROOM.fetch_add(1, Ordering::Relaxed));
        hub.mailbox.post(Command::Open { room, rules, listener: Arc::clone(listener) });
        Ok(Self { hub, room })
    }

    /// The ports that are open.
    pub fn ports(&self) -> OpenPorts {
        self.hub.ports
    }

    /// Callers are taken in another way from now on.
    pub fn change(&self, rules: RoomRules) {
        self.hub.mailbox.post(Command::Change(self.room, rules));
    }

    /// A caller is told something.
    pub fn announce(&self, call: CallId, prompt: Prompt) {
        self.hub.mailbox.post(Command::Announce(call, prompt));
    }

    /// Somebody is called: a number by way of the trunk, or a URI. Returns what the call is known by.
    pub fn call(&self, to: String) -> CallId {
        let call = CallId(NEXT_CALL.fetch_add(1, Ordering::Relaxed));
        self.hub.mailbox.post(Command::Call { call, room: self.room, to });
        call
    }

    /// A call of ours is to end, however far it has come.
    pub fn cancel(&self, call: CallId) {
        self.hub.mailbox.post(Command::Cancel(call));
    }

    /// All calls of these ports end. Returns when they have, and have been recorded.
    pub fn hang_up_all(&self) {
        let (done, is_done) = std::sync::mpsc::sync_channel(1);
        self.hub.mailbox.post(Command::HangUpAll(done));
        // It fails at once when the worker is gone, and with it all calls; and late when the worker itself asks.
        let _ = is_done.recv_timeout(HANG_UP_ALL_MAX);
    }

    /// A caller is to go.
    pub fn hang_up(&self, call: CallId) {
        self.hub.mailbox.post(Command::HangUp(call));
    }
}

impl Drop for RoomSeat {
    fn drop(&mut self) {
        self.hub.mailbox.post(Command::Close(self.room));
    }
}
