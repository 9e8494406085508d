//! A peer's way to the server: ICE's request, DTLS by OpenSSL, and the keys that come of it. It blocks until all that is done.

use std::io::{self, IoSliceMut, Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode};
use openssl::x509::{X509, X509Ref};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use rustix::net::sockopt;

use super::sdp::{Credentials, Remote};
use super::srtp::{KEYING_BYTES, Srtp};
use super::stun;
use crate::clock::now;

/// Both servers have it, and it is their fastest.
const PROFILE: &str = "SRTP_AEAD_AES_128_GCM";
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";
const MTU: u32 = 1200;
/// Connecting takes some milliseconds, a lost datagram a second.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long is waited for a datagram before the last step is taken again.
const PATIENCE: Duration = Duration::from_millis(50);
/// What comes in while others are served: some seconds of ten cameras.
const RECEIVE_BYTES: usize = 8 << 20;

/// What all peers know themselves by.
pub struct Identity {
    context: SslContext,
    /// As SDP writes it.
    pub fingerprint: String,
}

impl Identity {
    /// A new certificate.
    pub fn new() -> Result<Self> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        certificate.set_pubkey(&key)?;
        certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
        certificate.set_not_after(Asn1Time::days_from_now(2)?.as_ref())?;
        certificate.sign(&key, MessageDigest::sha256())?;
        let certificate = certificate.build();
        let mut context = SslContext::builder(SslMethod::dtls())?;
        context.set_options(SslOptions::NO_QUERY_MTU);
        context.set_tlsext_use_srtp(PROFILE)?;
        context.set_certificate(&certificate)?;
        context.set_private_key(&key)?;
        // The fingerprint is compared afterwards.
        context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        Ok(Self { context: context.build(), fingerprint: fingerprint(&certificate)? })
    }
}

/// A way to the server over which media can flow.
pub struct Connection {
    /// Connected, and without blocking.
    pub socket: UdpSocket,
    reading: UdpSocketState,
    ours: Credentials,
    theirs: Credentials,
    requests: u32,
    /// What we send.
    pub outgoing: Srtp,
    /// What we receive.
    pub incoming: Srtp,
}

impl Connection {
    /// A socket and its credentials, for the description.
    pub fn prepare(own: IpAddr, number: u32) -> Result<(UdpSocket, Credentials)> {
        let socket = UdpSocket::bind((own, 0)).context("a socket for a peer")?;
        sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BYTES)?;
        let fragment = format!("peer{number:04}");
        let password = format!("password-of-the-peer-{number:04}");
        Ok((socket, Credentials { fragment, password }))
    }

    /// Goes to where their description says.
    pub fn open(socket: UdpSocket, ours: Credentials, remote: &Remote, identity: &Identity) -> Result<Self> {
        socket.connect(remote.address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let theirs = remote.credentials.clone();
        let until = now() + CONNECT_MAX;
        let mut way = Way { socket: &socket, ours: &ours, theirs: &theirs, requests: 0 };
        way.ask_until_answered(until)?;
        let keying = way.shake_hands(identity, &remote.fingerprint, until)?;
        let requests = way.requests;
        let (outgoing, incoming) = Srtp::of_client(&keying)?;
        socket.set_nonblocking(true)?;
        let reading = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { socket, reading, ours, theirs, requests, outgoing, incoming })
    }

    /// Tells the server that we are still there.
    pub fn keep_alive(&mut self) -> Result<()> {
        self.requests += 1;
        self.send(&stun::request(&self.ours, &self.theirs, self.requests)?)
    }

    /// Reads what has come, as many as there are places; what the kernel has put together in one.
    pub fn receive(&self, places: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]) -> io::Result<usize> {
        self.reading.recv(UdpSockRef::from(&self.socket), places, metas)
    }

    /// Answers a STUN request, if it is one.
    pub fn answer(&self, datagram: &[u8]) -> Result<()> {
        answer(&self.socket, &self.ours, datagram)
    }

    /// Sends; a full socket loses it.
    pub fn send(&self, datagram: &[u8]) -> Result<()> {
        match self.socket.send(datagram) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// A connection in the making.
struct Way<'a> {
    socket: &'a UdpSocket,
    ours: &'a Credentials,
    theirs: &'a Credentials,
    requests: u32,
}

impl<'a> Way<'a> {
    fn ask_until_answered(&mut self, until: Instant) -> Result<()> {
        let mut datagram = [0; 2048];
        while now() < until {
            self.ask()?;
            if let Ok(length) = self.socket.recv(&mut datagram) {
                if stun::is_success(&datagram[..length]) {
                    return Ok(());
                }
                answer(self.socket, self.ours, &datagram[..length])?;
            }
        }
        bail!("the server does not answer our STUN requests")
    }

    fn ask(&mut self) -> Result<()> {
        self.requests += 1;
        self.socket.send(&stun::request(self.ours, self.theirs, self.requests)?)?;
        Ok(())
    }

    fn shake_hands(
        &mut self,
        identity: &Identity,
        expected: &str,
        until: Instant,
    ) -> Result<[u8; KEYING_BYTES]> {
        let mut stream = self.dtls(identity)?;
        loop {
            match stream.connect() {
                Ok(()) => break,
                Err(error) if error.code() == ErrorCode::WANT_READ && now() < until => {
                    // Janus forgets what comes before it is through with its own requests; OpenSSL would wait for a second.
                    if !stream.get_ref().has_heard {
                        self.ask()?;
                        stream = self.dtls(identity)?;
                    }
                }
                Err(error) => return Err(error).context("the DTLS handshake"),
            }
        }
        let certificate = stream.ssl().peer_certificate().context("they have no certificate")?;
        ensure!(fingerprint(&certificate)? == expected, "their certificate is another than they said");
        let mut keying = [0; KEYING_BYTES];
        stream.ssl().export_keying_material(&mut keying, EXPORTER, None)?;
        Ok(keying)
    }

    fn dtls(&self, identity: &Identity) -> Result<SslStream<Records<'a>>> {
        let mut ssl = Ssl::new(&identity.context)?;
        ssl.set_mtu(MTU)?;
        Ok(SslStream::new(ssl, Records { socket: self.socket, ours: self.ours, has_heard: false })?)
    }
}

fn fingerprint(certificate: &X509Ref) -> Result<String> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(bytes.join(":"))
}

/// Answers a STUN request, if it is one.
fn answer(socket: &UdpSocket, ours: &Credentials, datagram: &[u8]) -> Result<()> {
    if let SocketAddr::V4(theirs) = socket.peer_addr()?
        && let Some(answer) = stun::answer(datagram, ours, theirs)?
    {
        socket.send(&answer)?;
    }
    Ok(())
}

/// The DTLS records among what comes in (RFC 7983).
struct Records<'a> {
    socket: &'a UdpSocket,
    ours: &'a Credentials,
    has_heard: bool,
}

impl Read for Records<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.socket.recv(buffer)?;
            if matches!(buffer.first(), Some(20..=63)) {
                self.has_heard = true;
                return Ok(length);
            }
            answer(self.socket, self.ours, &buffer[..length]).map_err(io::Error::other)?;
        }
    }
}

impl Write for Records<'_> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.socket.send(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
