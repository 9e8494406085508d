//! TURN over TLS at the port of the page: who may use it, and towards whom.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use turn_server_proto::stun::types::attribute::{ErrorCode, Nonce, Realm, Username};
use turn_server_proto::stun::types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageWriteVec, Method,
};
use turn_server_proto::stun::types::prelude::{MessageWrite as _, MessageWriteExt as _};
use turn_server_proto::types::attribute::ChannelNumber;
use turn_server_proto::types::attribute::{
    Data, Lifetime, RequestedTransport, XorPeerAddress, XorRelayedAddress,
};
use turn_server_proto::types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH, SEND};

use super::support::{PATIENCE, Scene, scene_with};

const REALM: &str = "convene";

/// A scene whose media comes in at a port of its own.
async fn scene() -> (Scene, SocketAddr) {
    let free = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    (scene_with(|config| config.media_port = free.port()).await, free)
}

/// What `joined` gives.
async fn access(scene: &Scene) -> (String, String) {
    let meeting = scene.start_meeting().await;
    let (_client, joined) = scene.join(&meeting.code, "Ann", None).await;
    let relay = &joined["media_relay"];
    let text = |field: &str| relay[field].as_str().unwrap().to_owned();
    (text("username"), text("credential"))
}

/// One that speaks no more of TURN than is asked here.
struct Client {
    stream: TlsStream<TcpStream>,
    user: LongTermKeyCredentials,
    nonce: Option<String>,
    /// Where the allocation is, once there is one.
    relayed: Option<SocketAddr>,
}

impl Client {
    async fn of(scene: &Scene, protocols: &[&[u8]], (username, password): (String, String)) -> Self {
        let user = LongTermKeyCredentials::new(username, password, REALM.to_owned());
        Self { stream: scene.connect_tls(protocols).await, user, nonce: None, relayed: None }
    }

    async fn frame(&mut self) -> Vec<u8> {
        timeout(PATIENCE, async {
            let mut head = [0; 4];
            self.stream.read_exact(&mut head).await.unwrap();
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let rest = if head[0] < 0x40 { 16 + length } else { length.next_multiple_of(4) };
            let mut frame = head.to_vec();
            frame.resize(4 + rest, 0);
            self.stream.read_exact(&mut frame[4..]).await.unwrap();
            frame
        })
        .await
        .unwrap()
    }

    /// The answer's error code, or 0, and the answer.
    async fn ask(&mut self, method: Method, add: impl Fn(&mut MessageWriteVec)) -> (u16, Vec<u8>) {
        let mut request = Message::builder_request(method, MessageWriteVec::new());
        add(&mut request);
        if let Some(nonce) = &self.nonce {
            request.add_attribute(&Username::new(self.user.username()).unwrap()).unwrap();
            request.add_attribute(&Realm::new(REALM).unwrap()).unwrap();
            request.add_attribute(&Nonce::new(nonce).unwrap()).unwrap();
            request.add_message_integrity(&self.user.clone().into(), IntegrityAlgorithm::Sha1).unwrap();
        }
        self.stream.write_all(&request.finish()).await.unwrap();
        let answer = self.frame().await;
        let message = Message::from_bytes(&answer).unwrap();
        if let Ok(nonce) = message.attribute::<Nonce>() {
            self.nonce = Some(nonce.nonce().to_owned());
        }
        let code = message.attribute::<ErrorCode>().map_or(0, |error| error.code());
        if self.nonce.is_some() && code != 401 {
            message.validate_integrity(&self.user.clone().into()).unwrap();
        }
        (code, answer)
    }

    /// First without credentials, to learn the nonce, then with them.
    async fn allocate(&mut self) -> u16 {
        let udp = |request: &mut MessageWriteVec| {
            request.add_attribute(&RequestedTransport::new(RequestedTransport::UDP)).unwrap();
        };
        assert_eq!(self.ask(ALLOCATE, udp).await.0, 401);
        let (code, answer) = self.ask(ALLOCATE, udp).await;
        if code == 0 {
            let answer = Message::from_bytes(&answer).unwrap();
            let relayed = answer.attribute::<XorRelayedAddress>().unwrap();
            self.relayed = Some(relayed.addr(answer.transaction_id()));
        }
        code
    }

    async fn permit(&mut self, peer: SocketAddr) -> u16 {
        let add = |request: &mut MessageWriteVec| {
            request.add_attribute(&XorPeerAddress::new(peer, request.transaction_id())).unwrap();
        };
        self.ask(CREATE_PERMISSION, add).await.0
    }

    async fn bind(&mut self, channel: u16, peer: SocketAddr) -> u16 {
        let add = |request: &mut MessageWriteVec| {
            request.add_attribute(&ChannelNumber::new(channel)).unwrap();
            request.add_attribute(&XorPeerAddress::new(peer, request.transaction_id())).unwrap();
        };
        self.ask(CHANNEL_BIND, add).await.0
    }

    async fn send(&mut self, peer: SocketAddr, data: &[u8]) {
        let mut message = Message::builder_indication(SEND, MessageWriteVec::new());
        message.add_attribute(&XorPeerAddress::new(peer, message.transaction_id())).unwrap();
        message.add_attribute(&Data::new(data)).unwrap();
        self.stream.write_all(&message.finish()).await.unwrap();
    }
}

async fn received(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut datagram = [0; 2048];
    let (bytes, from) = timeout(PATIENCE, socket.recv_from(&mut datagram)).await.unwrap().unwrap();
    (datagram[..bytes].to_vec(), from)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_goes_both_ways_whether_or_not_a_client_names_the_protocol() {
    let (scene, media) = scene().await;
    let access = access(&scene).await;
    let peer = UdpSocket::bind(media).await.unwrap();
    for protocols in [&[][..], &[&b"stun.turn"[..]]] {
        let mut client = Client::of(&scene, protocols, access.clone()).await;
        assert_eq!(client.allocate().await, 0);
        assert_eq!(client.permit(media).await, 0);
        client.send(media, b"hello").await;
        let (datagram, from) = received(&peer).await;
        assert_eq!(
            (&*datagram, Some(from)),
            (&b"hello"[..], client.relayed),
            "it comes from where the client was told"
        );
        peer.send_to(b"good day", from).await.unwrap();
        let told = client.frame().await;
        let told = Message::from_bytes(&told).unwrap();
        assert_eq!(told.attribute::<Data>().unwrap().data(), b"good day");
        assert_eq!(told.attribute::<XorPeerAddress>().unwrap().addr(told.transaction_id()), media);

        assert_eq!(client.bind(0x4000, media).await, 0);
        client.stream.write_all(&[0x40, 0, 0, 5, b'v', b'o', b'i', b'c', b'e', 0, 0, 0]).await.unwrap();
        assert_eq!(received(&peer).await.0, b"voice");
        peer.send_to(b"face", from).await.unwrap();
        assert_eq!(client.frame().await, b"\x40\x00\x00\x04face");

        let end = |request: &mut MessageWriteVec| request.add_attribute(&Lifetime::new(0)).unwrap();
        assert_eq!(client.ask(REFRESH, end).await.0, 0);
        let rest = timeout(PATIENCE, client.stream.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(rest, Ok(0) | Err(_)), "the connection ends with its allocation");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_media_port_is_reached() {
    let (scene, media) = scene().await;
    let access = access(&scene).await;
    let peer = UdpSocket::bind(media).await.unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut client = Client::of(&scene, &[], access).await;
    assert_eq!(client.allocate().await, 0);
    let elsewhere =
        [other.local_addr().unwrap(), scene.address, SocketAddr::from(([192, 0, 2, 1], media.port()))];
    for address in elsewhere {
        assert_eq!(client.permit(address).await, 403, "{address}");
        assert_eq!(client.bind(0x4001, address).await, 403, "{address}");
    }
    assert_eq!(client.permit(media).await, 0);
    // A permission is for all ports of an address, but not here.
    client.send(other.local_addr().unwrap(), b"secret").await;
    client.send(media, b"for you").await;
    assert_eq!(received(&peer).await.0, b"for you");
    assert!(other.try_recv(&mut [0; 16]).is_err());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_password_gets_nothing() {
    let (scene, _) = scene().await;
    let (username, password) = access(&scene).await;
    let (_, who) = username.split_once(':').unwrap();
    for wrong in [
        (username.clone(), "guess".to_owned()),
        // Another end is another user name, for which the password is none.
        (format!("9999999999:{who}"), password.clone()),
        (format!("1:{who}"), password.clone()),
        ("ann".to_owned(), password.clone()),
    ] {
        let mut client = Client::of(&scene, &[], wrong).await;
        assert_eq!(client.allocate().await, 401);
    }
    let mut client = Client::of(&scene, &[], (username, password)).await;
    assert_eq!(client.allocate().await, 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_neither_http_nor_turn_is_sent_away() {
    let (scene, _) = scene().await;
    for nonsense in [&[0xff; 64][..], &[0; 64], b"\x00\x03\xff\xff\x21\x12\xa4\x42\x80\x80\x80\x80"] {
        let mut stream = scene.connect_tls(&[b"stun.turn"]).await;
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    }
    assert_eq!(scene.http.get(scene.url("/healthz")).send().await.unwrap().status(), 200);
    scene.stop().await;
}

/// What an allocation holds is free again when its connection is gone, however that went.
#[tokio::test(flavor = "multi_thread")]
async fn a_participant_has_so_many_allocations_at_once() {
    let (scene, media) = scene().await;
    let access = access(&scene).await;
    let mut held = Vec::new();
    loop {
        let mut client = Client::of(&scene, &[], access.clone()).await;
        match client.allocate().await {
            0 => held.push(client),
            code => {
                assert_eq!((code, held.len()), (508, 16));
                break;
            }
        }
    }
    let relayed = held[0].relayed.unwrap();
    assert!(UdpSocket::bind(relayed).await.is_err(), "the allocation has its socket");
    // Somebody else is not kept out by it.
    let mut other = Client::of(&scene, &[], self::access(&scene).await).await;
    assert_eq!(other.allocate().await, 0);
    assert_eq!(other.permit(media).await, 0);

    drop(held.remove(0));
    timeout(PATIENCE, async {
        let mut client = Client::of(&scene, &[], access.clone()).await;
        while client.allocate().await != 0 {
            client = Client::of(&scene, &[], access.clone()).await;
        }
    })
    .await
    .expect("there is a place again");
    let closed = async {
        while UdpSocket::bind(relayed).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("and its socket is closed");
    scene.stop().await;
}
