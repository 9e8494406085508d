//! One worker's share of the relay: its peers, and what it has to know of all rooms they are in.

mod arrange;
mod people;
mod relay;
mod review;
mod supply;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::directory::{Directory, Owner, PeerKey};
use crate::identity::Identity;
use crate::order::{Datagram, Order};
use crate::peer::{Happening, Peer, PeerState, VoicePacket};
use crate::room::Room;
use crate::spare::Spare;
use crate::wish::{Selection, Wish};
use crate::{PeerId, PicturePacket, Remote, RoomId, ShardId, TapId};

/// For [`Config::estimated_peers_max`]: an estimator for each of more viewers would cost more than all else.
pub const ESTIMATED_PEERS_MAX: usize = 32;
/// To fewer than these a packet is sent at once: estimators take it for a slow line if it is held.
const GATHERING_PEERS_MIN: usize = 48;
/// To more it waits for others to the same viewer, for about as long as it takes to send to all: the first waits no longer than the last does
/// anyway, and each system call has its price.
const GATHERING_A_VIEWER: Duration = Duration::from_micros(12);
/// The longest that it waits: less than anybody sees.
const GATHERING_MAX: Duration = Duration::from_millis(3);

/// How a shard is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which it is.
    pub id: ShardId,
    /// How many there are.
    pub shards: u8,
    /// The addresses that peers are told.
    pub candidates: Vec<SocketAddr>,
    /// The same for those who can only come by TCP.
    pub tcp_candidates: Vec<SocketAddr>,
    /// What peers know the relay by.
    pub identity: Identity,
    /// Whoever comes into a room with fewer peers on the shard has the line estimated by TWCC, others by their losses alone.
    pub estimated_peers_max: usize,
}

/// What happens to a shard.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram came from the network.
    Datagram {
        /// Who sent it.
        peer: Remote,
        /// To which of our addresses.
        own: SocketAddr,
        /// What.
        bytes: &'a [u8],
    },
    /// Another shard says something.
    Order {
        /// Which.
        from: ShardId,
        /// What.
        order: Order,
    },
    /// Time has passed.
    Timeout,
    /// A peer is to go.
    Remove(PeerId),
    /// A viewer says which feeds it wants, the most wanted first.
    Select {
        /// Who.
        peer: PeerId,
        /// What.
        wish: Vec<Wish>,
        /// ... and after these all other cameras, whoever speaks or spoke last first, as for somebody who says nothing.
        others: bool,
    },
    /// A peer is to hear this.
    Voice {
        /// Who.
        peer: PeerId,
        /// What.
        packet: VoicePacket,
    },
    /// Somebody in this process wants a peer's voice, or no longer.
    TapVoice {
        /// Where.
        room: RoomId,
        /// Whose.
        peer: PeerId,
        /// It is wanted.
        on: bool,
    },
    /// Somebody in this process wants a peer's camera. To be told to the shard that the peer is on.
    Tap {
        /// Where.
        room: RoomId,
        /// Under which number.
        tap: TapId,
        /// Whose.
        feed: PeerId,
    },
    /// No longer.
    Untap {
        /// Where.
        room: RoomId,
        /// Under which number.
        tap: TapId,
    },
    /// Somebody in this process needs a key frame.
    TapKeyframe {
        /// Where.
        room: RoomId,
        /// Under which number.
        tap: TapId,
    },
    /// A packet of a camera in this process: pictures that no peer sends. Always to be told to the same shard, that of [`Input::Tap`] for it.
    Supply {
        /// Where it is shown.
        room: RoomId,
        /// Under whose number.
        feed: PeerId,
        /// What.
        packet: PicturePacket,
    },
    /// A camera in this process is over.
    EndSupply {
        /// Where.
        room: RoomId,
        /// Whose.
        feed: PeerId,
    },
    /// A peer whose camera is [`RoomEvent::H264`] is to make a key frame.
    Keyframe(PeerId),
    /// No camera of the room may send more bits a second.
    LimitFeeds {
        /// Which room.
        room: RoomId,
        /// How many; none for no limit.
        bitrate: Option<u64>,
    },
    /// The room is over: its peers and taps go.
    Close(RoomId),
}

/// What to do for a shard.
#[derive(Debug)]
pub enum Output {
    /// Send this to the peer; it may be several datagrams.
    Transmit(Datagram),
    /// Tell the room's owner.
    Event {
        /// Which room.
        room: RoomId,
        /// What.
        event: RoomEvent,
    },
    /// Hand this to another shard.
    Order {
        /// Which.
        to: ShardId,
        /// What.
        order: Order,
    },
    /// Nothing now. Handle the next input, or [`Input::Timeout`] then.
    Timeout(Option<Instant>),
}

/// What a room's owner is told.
#[derive(Debug)]
pub enum RoomEvent {
    /// A peer's connection changed.
    Peer {
        /// Whose.
        peer: PeerId,
        /// To what.
        state: PeerState,
    },
    /// Which camera each of a viewer's receiving lines carries now.
    Slots {
        /// Whose.
        peer: PeerId,
        /// Each line's name in the viewer's description, and the camera.
        slots: Vec<(String, Option<PeerId>)>,
    },
    /// Who sends video now.
    Feeds(Vec<PeerId>),
    /// A camera in H.264, which the relay does not carry: of a peer whose offer has no VP8. What is made of it may come back as [`Input::Supply`].
    H264 {
        /// Whose.
        peer: PeerId,
        /// Its packet.
        packet: PicturePacket,
    },
    /// A camera in this process is to make a key frame.
    KeyframeWanted(PeerId),
    /// Packets of what this peer hears were lost on the way lately, as its reports say (RFC 3550, section 6.4); told once a second while they do.
    VoiceLost(PeerId),
    /// Who speaks now, the loudest first.
    Speakers(Vec<PeerId>),
    /// A voice that is tapped.
    Voice {
        /// Whose.
        peer: PeerId,
        /// Its level in decibels, 0 being the loudest, where it is told.
        level: Option<i8>,
        /// When it was captured, since 1900 by its sender's clock, where reports tell. The peer's camera goes by the same clock.
        captured: Option<Duration>,
        /// Its packet.
        packet: VoicePacket,
    },
    /// A camera that is tapped: an RTP packet but for the payload type and the source.
    Feed {
        /// Under which number.
        tap: TapId,
        /// Its packet.
        packet: TapPacket,
    },
}

/// A packet of a tapped camera.
#[derive(Clone, Debug)]
pub struct TapPacket {
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, 90,000 a second.
    pub timestamp: u32,
    /// When it was captured, since 1900 by its sender's clock, where reports tell.
    pub captured: Option<Duration>,
    /// The last of a frame.
    pub marker: bool,
    /// VP8 with its descriptor.
    pub payload: Vec<u8>,
}

/// One worker's share. Give it everything that happens, then poll until [`Output::Timeout`]; several inputs may be handled before, and then what
/// they bring for one peer comes out together. Where much is to be sent, inputs may be handled in between, too.
pub struct Shard {
    config: Config,
    peers: Vec<Option<Box<Peer>>>,
    free: Vec<PeerKey>,
    keys: BTreeMap<PeerId, PeerKey>,
    rooms: BTreeMap<RoomId, Room>,
    directory: Directory,
    /// Peers with something written that is not sent yet, and when it shall be: the longest waiting first, but
    /// before them those who wait for nothing.
    dirty: VecDeque<(Instant, PeerKey)>,
    due: BTreeSet<(Instant, PeerKey)>,
    review_at: Option<Instant>,
    transmits: VecDeque<Datagram>,
    /// Room for the next ones.
    spare: Spare,
    happenings: VecDeque<Happening>,
    outputs: VecDeque<Output>,
    now: Instant,
}

impl Shard {
    /// A shard without peers.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            peers: Vec::new(),
            free: Vec::new(),
            keys: BTreeMap::new(),
            rooms: BTreeMap::new(),
            directory: Directory::default(),
            dirty: VecDeque::new(),
            due: BTreeSet::new(),
            review_at: None,
            transmits: VecDeque::new(),
            spare: Spare::default(),
            happenings: VecDeque::new(),
            outputs: VecDeque::new(),
            now,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.now = self.now.max(now);
        match input {
            Input::Datagram { peer, own, bytes } => self.datagram(peer, own, bytes),
            Input::Order { from, order } => self.order(from, order),
            Input::Timeout => self.pass_time(),
            Input::Remove(peer) => self.remove(peer),
            Input::Select { peer, wish, others } => self.select(peer, Selection { wish, others }),
            Input::Voice { peer, packet } => self.speak_to(peer, &packet),
            Input::TapVoice { room, peer, on } => self.tap_voice(room, peer, on),
            Input::Tap { room, tap, feed } => self.tap(room, tap, feed),
            Input::Untap { room, tap } => self.untap(room, tap),
            Input::TapKeyframe { room, tap } => self.tap_keyframe(room, tap),
            Input::Keyframe(peer) => self.ask_peer(peer),
            Input::Supply { room, feed, packet } => self.supply(room, feed, packet),
            Input::EndSupply { room, feed } => self.end_supply(room, feed),
            Input::LimitFeeds { room, bitrate } => self.limit_feeds(room, bitrate),
            Input::Close(room) => self.close(room),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Output {
        loop {
            if let Some(datagram) = self.transmits.pop_front() {
                return Output::Transmit(datagram);
            }
            if let Some(output) = self.outputs.pop_front() {
                return output;
            }
            match self.dirty.front().copied() {
                Some((time, key)) if time <= self.now => {
                    self.dirty.pop_front();
                    self.send_on(key);
                }
                _ => return Output::Timeout(self.wakes_at()),
            }
        }
    }

    /// What held a datagram that has been sent is used again: the system takes its time to give and to take so much room.
    pub fn take_back(&mut self, room: Vec<u8>) {
        self.spare.put(room);
    }

    /// Which shard a TCP connection belongs to, by the first datagram in it: that of the peer whom it names. None: nobody is expected by it.
    pub fn shard_of(&self, first: &[u8]) -> Option<ShardId> {
        match self.directory.named(crate::stun::user_fragment(first)?)? {
            Owner::Here(_) => Some(self.config.id),
            Owner::There(shard) => Some(shard),
        }
    }

    /// How many peers it has.
    pub fn peer_count(&self) -> usize {
        self.keys.len()
    }

    /// Its peers in a room.
    pub(crate) fn peers_of(&self, room: RoomId) -> impl Iterator<Item = &Peer> {
        let keys = self.rooms.get(&room).map_or(&[][..], |room| &room.peers);
        keys.iter().filter_map(|key| self.peers.get(key.0)?.as_deref())
    }

    /// For how long packets to so many viewers wait for others.
    fn gathering(viewers: usize) -> Duration {
        match viewers {
            ..GATHERING_PEERS_MIN => Duration::ZERO,
            _ => (GATHERING_A_VIEWER * viewers as u32).min(GATHERING_MAX),
        }
    }

    fn wakes_at(&self) -> Option<Instant> {
        let due = self.due.first().map(|(due, _)| *due);
        let gathered = self.dirty.front().map(|(time, _)| *time);
        [due, self.review_at, gathered].into_iter().flatten().min()
    }

    fn datagram(&mut self, peer: Remote, own: SocketAddr, bytes: &[u8]) {
        match self.owner_of(peer, bytes) {
            Some(Owner::Here(key)) => self.receive(key, peer, own, bytes),
            Some(Owner::There(shard)) => {
                let datagram = Datagram::one(peer, own, bytes.to_vec());
                self.tell(shard, Order::Datagram(Box::new(datagram)));
            }
            None => {}
        }
    }

    fn order(&mut self, from: ShardId, order: Order) {
        let there = Owner::There(from);
        match order {
            Order::Named(name) => self.directory.name(&name, there),
            Order::Unnamed(name) => self.directory.unname(&name, there),
            Order::Located(address) => self.directory.locate(address, there),
            Order::Unlocated(address) => self.directory.unlocate(address, there),
            Order::Datagram(datagram) => {
                let Datagram { peer, own, bytes, .. } = *datagram;
                if let Some(Owner::Here(key)) = self.owner_of(peer, &bytes) {
                    self.receive(key, peer, own, &bytes);
                }
            }
            Order::Present { room, asks } => self.present(from, room, asks),
            Order::Absent(room) => {
                if let Some(state) = self.rooms.get_mut(&room) {
                    state.elsewhere.remove(&from);
                }
                self.tidy(room);
            }
            Order::Packet(packet) => self.relay(packet, from),
            Order::FeedEnded { room, feed } => self.end_feed(room, feed),
            Order::Keyframe { room, feed, layer } => self.need_keyframe(room, feed, layer),
            Order::Heard { room, peer, level } => self.heard(room, peer, level),
            Order::Left { room, peer } => self.voice_left(room, peer),
        }
    }

    fn owner_of(&self, peer: Remote, bytes: &[u8]) -> Option<Owner> {
        match crate::stun::is_stun(bytes) {
            // An address may be another peer's by now; the user fragment tells.
            true => crate::stun::user_fragment(bytes).and_then(|name| self.directory.named(name)),
            false => self.directory.located(peer),
        }
    }

    /// The shard that tells of what a room has only once: its cameras and its speakers.
    fn home_of(&self, room: RoomId) -> ShardId {
        ShardId((room.0 % u64::from(self.config.shards.max(1))) as u8)
    }

    fn tell(&mut self, to: ShardId, order: Order) {
        self.outputs.push_back(Output::Order { to, order });
    }

    fn tell_all(&mut self, order: &Order) {
        for shard in (0..self.config.shards).map(ShardId).filter(|shard| *shard != self.config.id) {
            self.outputs.push_back(Output::Order { to: shard, order: order.clone() });
        }
    }

    /// Tells the shards that have to do with a room.
    fn tell_room(&mut self, room: RoomId, order: &Order) {
        let home = self.home_of(room);
        let Some(room) = self.rooms.get(&room) else {
            return;
        };
        let home = (home != self.config.id && !room.elsewhere.contains(&home)).then_some(home);
        for to in room.elsewhere.iter().copied().chain(home) {
            self.outputs.push_back(Output::Order { to, order: order.clone() });
        }
    }

    fn report(&mut self, room: RoomId, event: RoomEvent) {
        self.outputs.push_back(Output::Event { room, event });
    }

    fn peer_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.peers.get_mut(key.0)?.as_deref_mut()
    }

    fn mark(&mut self, key: PeerKey) {
        if let Some(peer) = self.peer_mut(key) {
            peer.is_stirred = true;
            self.queue(key);
        }
    }

    /// What was written for a peer is sent with the next ones.
    fn queue(&mut self, key: PeerKey) {
        if let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut())
            && !peer.is_dirty
        {
            peer.is_dirty = true;
            self.dirty.push_front((self.now, key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_sent_to_at_once_and_a_crowd_does_not_wait_for_long() {
        let gathering = [GATHERING_PEERS_MIN - 1, GATHERING_PEERS_MIN, 4096].map(Shard::gathering);
        assert_eq!(gathering, [Duration::ZERO, Duration::from_micros(576), GATHERING_MAX]);
    }
}
