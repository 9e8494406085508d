//! DTLS by OpenSSL, under str0m's own trait: str0m's DTLS takes no RSA certificates, and GStreamer's `webrtcbin` had no others until 1.24.
//! Only the handshake goes through here; SRTP stays with aws-lc-rs.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, from_feature_flags};

/// Forward secrecy and authenticated encryption, with certificates of either kind.
const CIPHERS: &str = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// The first is the fastest by far, and every browser has it.
const SRTP_PROFILES: &str = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
/// RFC 5764, section 4.2.
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";
/// How often a handshake under way is looked at, for what has to be sent again; OpenSSL itself knows when.
const HANDSHAKE_INTERVAL: Duration = Duration::from_millis(100);
/// A connection without a handshake under way needs no time.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// A peer that sends more than this in one go is up to no good.
const INCOMING_MAX: usize = 64;
/// Records fit into a datagram of this.
const MTU: u32 = 1200;

/// See the module.
#[derive(Debug)]
pub struct OpenSsl;

impl DtlsProvider for OpenSsl {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        _mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let failed = |error: ErrorStack| CryptoError::Other(error.to_string());
        let context = context(certificate).map_err(failed)?;
        let mut ssl = Ssl::new(&context).map_err(failed)?;
        // Without a socket below, OpenSSL cannot ask how long a datagram may be.
        ssl.set_mtu(MTU).map_err(failed)?;
        let stream = SslStream::new(ssl, Datagrams::default()).map_err(failed)?;
        Ok(Box::new(Connection {
            stream,
            is_active: None,
            is_connected: false,
            is_closed: false,
            outputs: VecDeque::new(),
            now,
        }))
    }
}

fn context(certificate: &DtlsCert) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::dtls())?;
    builder.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    builder.set_cipher_list(CIPHERS)?;
    builder.set_options(SslOptions::NO_QUERY_MTU | SslOptions::NO_RENEGOTIATION | SslOptions::NO_TICKET);
    builder.set_tlsext_use_srtp(SRTP_PROFILES)?;
    builder.set_certificate(X509::from_der(&certificate.certificate)?.as_ref())?;
    builder.set_private_key(PKey::private_key_from_der(&certificate.private_key)?.as_ref())?;
    // Certificates are self-signed; whether it is the right one says the fingerprint in the peer's description, which str0m compares.
    builder.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, _| true);
    Ok(builder.build())
}

/// What OpenSSL takes for a socket.
#[derive(Debug, Default)]
struct Datagrams {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok(length)
    }
}

impl Write for Datagrams {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.outgoing.push_back(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One connection.
struct Connection {
    stream: SslStream<Datagrams>,
    is_active: Option<bool>,
    is_connected: bool,
    is_closed: bool,
    outputs: VecDeque<Told>,
    now: Instant,
}

/// What str0m is told beside datagrams.
enum Told {
    Certificate(Vec<u8>),
    Keys(KeyingMaterial, SrtpProfile),
    Connected,
    Data(Vec<u8>),
    Closed,
}

impl Connection {
    fn go_on(&mut self) -> Result<(), DtlsImplError> {
        if self.is_closed {
            return Ok(());
        }
        if !self.is_connected {
            let step =
                if self.is_active == Some(true) { self.stream.connect() } else { self.stream.accept() };
            match step {
                Ok(()) => self.connected()?,
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(()),
                Err(_) => return Err(DtlsImplError::ConnectionClosed),
            }
        }
        let mut buffer = [0; 2048];
        loop {
            match self.stream.ssl_read(&mut buffer) {
                Ok(length) => self.outputs.push_back(Told::Data(buffer[..length].to_vec())),
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(()),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => {
                    self.outputs.push_back(Told::Closed);
                    return Ok(());
                }
                Err(_) => return Err(DtlsImplError::ConnectionClosed),
            }
        }
    }

    fn connected(&mut self) -> Result<(), DtlsImplError> {
        let ssl = self.stream.ssl();
        let certificate = ssl.peer_certificate().and_then(|certificate| certificate.to_der().ok());
        let profile = match ssl.selected_srtp_profile().map(|profile| profile.name()) {
            Some("SRTP_AEAD_AES_128_GCM") => SrtpProfile::AEAD_AES_128_GCM,
            Some("SRTP_AES128_CM_SHA1_80") => SrtpProfile::AES128_CM_SHA1_80,
            _ => return Err(DtlsImplError::ConnectionClosed),
        };
        let mut keys = [0; 60];
        let keys = &mut keys[..profile.keying_material_len()];
        ssl.export_keying_material(keys, EXPORTER, None).map_err(|_| DtlsImplError::ConnectionClosed)?;
        let keys = KeyingMaterial::new(keys);
        self.is_connected = true;
        self.outputs.push_back(Told::Certificate(certificate.ok_or(DtlsImplError::ConnectionClosed)?));
        self.outputs.push_back(Told::Keys(keys, profile));
        self.outputs.push_back(Told::Connected);
        Ok(())
    }
}

impl DtlsInstance for Connection {
    fn set_active(&mut self, active: bool) {
        self.is_active = Some(active);
        if active {
            // The first step of a client only writes; what is wrong shows in the next.
            let _ = self.go_on();
        }
    }

    fn is_active(&self) -> bool {
        self.is_active == Some(true)
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        let incoming = &mut self.stream.get_mut().incoming;
        if INCOMING_MAX <= incoming.len() {
            return Err(DtlsImplError::ReceiveQueueFull);
        }
        incoming.push_back(packet.to_vec());
        self.go_on()
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        if let Some(datagram) = self.stream.get_mut().outgoing.pop_front() {
            return DtlsOutput::Packet(fill(buffer, &datagram));
        }
        match self.outputs.pop_front() {
            Some(Told::Certificate(certificate)) => DtlsOutput::PeerCert(fill(buffer, &certificate)),
            Some(Told::Keys(keys, profile)) => DtlsOutput::KeyingMaterial(keys, profile),
            Some(Told::Connected) => DtlsOutput::Connected,
            Some(Told::Data(data)) => DtlsOutput::ApplicationData(fill(buffer, &data)),
            Some(Told::Closed) => DtlsOutput::CloseNotify,
            None => {
                let is_waiting = self.is_active.is_none() || self.is_connected || self.is_closed;
                DtlsOutput::Timeout(self.now + if is_waiting { NEVER } else { HANDSHAKE_INTERVAL })
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        if self.is_active.is_some() && !self.is_connected { self.go_on() } else { Ok(()) }
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.stream.ssl_write(data).map_err(|_| DtlsImplError::ConnectionClosed)
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.is_connected.then_some(ProtocolVersion::DTLS1_2)
    }

    fn is_closing(&self) -> bool {
        self.is_closed
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        if self.is_connected && !self.is_closed {
            // The word is written, and whether it is answered does not matter.
            let _ = self.stream.shutdown();
        }
        self.is_closed = true;
        Ok(())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("is_connected", &self.is_connected).finish_non_exhaustive()
    }
}

/// Copies what there is, as far as there is room; str0m's buffer has room for any datagram, and a longer certificate fails its fingerprint.
fn fill<'a>(buffer: &'a mut [u8], bytes: &[u8]) -> &'a [u8] {
    let length = bytes.len().min(buffer.len());
    buffer[..length].copy_from_slice(&bytes[..length]);
    &buffer[..length]
}
