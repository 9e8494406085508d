//! DTLS by OpenSSL, under the core's own trait. Telephones have RSA certificates, Debian's baresip has no others, and the
//! engines in Rust do not take those, or only on lines that lose nothing. Of time OpenSSL knows by itself; SRTP is not its concern.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_sip::{
    EXPORTER, Engine, EngineFailed, Fingerprint, Identity, MATERIAL_BYTES, Material, Role, Suite,
};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::{X509, X509Name};

/// Forward secrecy and authenticated encryption, with certificates of either kind.
const CIPHERS: &str = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// The longer tag first; the other end chooses among what both have.
const SRTP_PROFILES: &str = "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";
/// How often a handshake is looked at, for what has to be sent again; OpenSSL itself knows when: after one second, two, four and eight.
const HANDSHAKE_INTERVAL: Duration = Duration::from_millis(100);
/// Records fit into a datagram of this.
const MTU: u32 = 1200;
/// Longer than the hub's process lives. Nobody looks at it: the certificate is who it is by its fingerprint.
const VALID_DAYS: u32 = 3650;
const SERIAL_BITS: i32 = 127;

/// Our certificate, made anew by each hub, so that nobody is known again by it.
pub struct Certificate {
    context: SslContext,
    fingerprint: Fingerprint,
}

impl Certificate {
    /// A new one, with an elliptic curve's key.
    pub fn make() -> Result<Arc<dyn Identity>, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut name = X509Name::builder()?;
        name.append_entry_by_text("CN", "convene")?;
        let name = name.build();
        let mut serial = BigNum::new()?;
        serial.rand(SERIAL_BITS, MsbOption::MAYBE_ZERO, false)?;
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        certificate.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
        certificate.set_subject_name(&name)?;
        certificate.set_issuer_name(&name)?;
        certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
        certificate.set_not_after(Asn1Time::days_from_now(VALID_DAYS)?.as_ref())?;
        certificate.set_pubkey(&key)?;
        certificate.sign(&key, MessageDigest::sha256())?;
        let certificate = certificate.build();
        let fingerprint = Fingerprint::of(&certificate.to_der()?);

        let mut context = SslContext::builder(SslMethod::dtls())?;
        context.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
        context.set_cipher_list(CIPHERS)?;
        context.set_options(SslOptions::NO_QUERY_MTU | SslOptions::NO_RENEGOTIATION | SslOptions::NO_TICKET);
        context.set_tlsext_use_srtp(SRTP_PROFILES)?;
        context.set_certificate(&certificate)?;
        context.set_private_key(&key)?;
        // Certificates are self-signed; the core compares them with the fingerprint in the session description.
        context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, _| true);
        Ok(Arc::new(Self { context: context.build(), fingerprint }))
    }
}

impl Identity for Certificate {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn engine(&self, role: Role, now: Instant) -> Option<Box<dyn Engine>> {
        let mut ssl = Ssl::new(&self.context).ok()?;
        // Without a socket below, OpenSSL cannot ask how long a datagram may be.
        ssl.set_mtu(MTU).ok()?;
        let stream = SslStream::new(ssl, Datagrams::default()).ok()?;
        let mut handshake = Handshake {
            stream,
            is_client: role == Role::Client,
            material: None,
            is_done: false,
            looked_at: now,
        };
        // A server only waits for the first datagram.
        handshake.timeout(now).ok()?;
        Some(Box::new(handshake))
    }
}

/// What OpenSSL takes for a socket.
#[derive(Debug, Default)]
struct Datagrams {
    incoming: Option<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.take().ok_or(io::ErrorKind::WouldBlock)?;
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

struct Handshake {
    stream: SslStream<Datagrams>,
    is_client: bool,
    material: Option<Material>,
    is_done: bool,
    looked_at: Instant,
}

impl Handshake {
    fn go_on(&mut self) -> Result<(), EngineFailed> {
        if !self.is_done {
            let step = if self.is_client { self.stream.connect() } else { self.stream.accept() };
            match step {
                Ok(()) => {}
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(()),
                Err(_) => return Err(EngineFailed),
            }
            self.is_done = true;
            self.material = Some(self.exported().ok_or(EngineFailed)?);
        }
        // What comes now is the other end's last word once more, which has ours sent once more.
        let mut buffer = [0; 2048];
        match self.stream.ssl_read(&mut buffer) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == ErrorCode::WANT_READ => Ok(()),
            Err(_) => Err(EngineFailed),
        }
    }

    fn exported(&self) -> Option<Material> {
        let ssl = self.stream.ssl();
        let certificate = ssl.peer_certificate()?.to_der().ok()?;
        let suite = match ssl.selected_srtp_profile()?.name() {
            "SRTP_AES128_CM_SHA1_80" => Suite::Tag80,
            "SRTP_AES128_CM_SHA1_32" => Suite::Tag32,
            _ => return None,
        };
        let mut keys = [0; MATERIAL_BYTES];
        ssl.export_keying_material(&mut keys, EXPORTER, None).ok()?;
        Some(Material { certificate, suite, keys })
    }
}

impl Engine for Handshake {
    fn receive(&mut self, datagram: &[u8], now: Instant) -> Result<(), EngineFailed> {
        self.looked_at = now;
        self.stream.get_mut().incoming = Some(datagram.to_vec());
        let result = self.go_on();
        // Of what it did not want it is not to hear later.
        self.stream.get_mut().incoming = None;
        result
    }

    fn timeout(&mut self, now: Instant) -> Result<(), EngineFailed> {
        self.looked_at = now;
        if self.is_done { Ok(()) } else { self.go_on() }
    }

    fn due(&self) -> Option<Instant> {
        Some(self.looked_at + HANDSHAKE_INTERVAL)
    }

    fn poll(&mut self) -> Option<Vec<u8>> {
        self.stream.get_mut().outgoing.pop_front()
    }

    fn material(&mut self) -> Option<Material> {
        self.material.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::now;
    use super::*;

    struct Pair {
        ends: [Box<dyn Engine>; 2],
        certificates: [Arc<dyn Identity>; 2],
        sent: Vec<(usize, Vec<u8>)>,
    }

    impl Pair {
        fn new() -> Self {
            let certificates = [(); 2].map(|()| Certificate::make().expect("one can be made"));
            let roles = [Role::Client, Role::Server];
            let ends =
                [0, 1].map(|at: usize| certificates[at].engine(roles[at], now()).expect("it can begin"));
            Self { ends, certificates, sent: Vec::new() }
        }

        /// Carries over what there is, as long as there is any.
        fn carry(&mut self) {
            loop {
                let from = usize::from(!self.sent.len().is_multiple_of(2));
                let next = [from, 1 - from].into_iter().find_map(|at| Some((at, self.ends[at].poll()?)));
                let Some((at, datagram)) = next else {
                    break;
                };
                let _ = self.ends[1 - at].receive(&datagram, now());
                self.sent.push((at, datagram));
            }
        }

        fn material(&mut self) -> [Option<Material>; 2] {
            self.ends.each_mut().map(|end| end.material())
        }

        fn assert_done(&mut self) {
            let [Some(client), Some(server)] = self.material() else { panic!("both have keys") };
            assert!(client.keys == server.keys && client.suite == Suite::Tag80);
            let fingerprints = [&server, &client].map(|material| Fingerprint::of(&material.certificate));
            assert_eq!(fingerprints.each_ref(), self.certificates.each_ref().map(|own| own.fingerprint()));
        }
    }

    #[test]
    fn two_ends_export_the_same_keys() {
        let mut pair = Pair::new();
        pair.carry();
        pair.assert_done();
        assert!(pair.sent.iter().all(|(_, datagram)| datagram.len() <= MTU as usize));
    }

    #[test]
    fn what_gets_lost_is_sent_again() {
        let mut pair = Pair::new();
        assert!(pair.ends[0].poll().is_some(), "the client has begun, and nobody hears it");
        let is_over = |pair: &Pair| !pair.sent.is_empty();
        let start = now();
        while !is_over(&pair) && start.elapsed() < Duration::from_secs(30) {
            #[expect(clippy::disallowed_methods, reason = "OpenSSL has its own clock")]
            std::thread::sleep(HANDSHAKE_INTERVAL);
            pair.ends.iter_mut().for_each(|end| end.timeout(now()).expect("it goes on"));
            pair.carry();
        }
        pair.assert_done();
        assert!(pair.ends.iter().all(|end| end.due().is_some_and(|due| start < due)));
    }

    #[test]
    fn rubbish_hurts_nobody() {
        let mut good = Pair::new();
        good.carry();
        let pair = Pair::new();
        for number in 0..400_usize {
            let (from, sample) = &good.sent[number % good.sent.len()];
            let mut damaged = sample.clone();
            let at = (number * 7919) % damaged.len();
            match number % 3 {
                0 => damaged.truncate(at),
                1 => damaged[at] ^= 1 << (number % 8),
                _ => damaged.splice(at..at, sample.iter().copied()).for_each(drop),
            }
            let roles = [Role::Client, Role::Server];
            let mut end = pair.certificates[1 - from].engine(roles[1 - from], now()).expect("it can begin");
            let _ = end.receive(&damaged, now());
            assert!(end.material().is_none());
        }
    }
}
