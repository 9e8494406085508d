//! Handshakes under virtual time, by `dimpl`. What runs outside of tests is the shell's, and is tried there against telephones.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use convene_sip::{Engine, EngineFailed, Fingerprint, Identity, MATERIAL_BYTES, Material, Role, Suite};
use dimpl::{Config, Dtls, DtlsCertificate, Output};

/// A certificate with its key.
pub struct Certificate {
    certificate: DtlsCertificate,
    fingerprint: Fingerprint,
}

impl Certificate {
    pub fn make() -> Arc<dyn Identity> {
        let certificate = dimpl::certificate::generate_self_signed_certificate().expect("one can be made");
        let fingerprint = Fingerprint::of(&certificate.certificate);
        Arc::new(Self { certificate, fingerprint })
    }
}

/// The same for all tests: to make one takes a while.
pub fn identity() -> Arc<dyn Identity> {
    static IDENTITY: OnceLock<Arc<dyn Identity>> = OnceLock::new();
    Arc::clone(IDENTITY.get_or_init(Certificate::make))
}

impl Identity for Certificate {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn engine(&self, role: Role, now: Instant) -> Option<Box<dyn Engine>> {
        let mut dtls = Dtls::new_12(Arc::new(Config::default()), self.certificate.clone(), now);
        dtls.set_active(role == Role::Client);
        let mut made =
            Made { dtls, certificate: Vec::new(), material: None, datagrams: VecDeque::new(), due: now };
        made.timeout(now).ok()?;
        Some(Box::new(made))
    }
}

struct Made {
    dtls: Dtls,
    certificate: Vec<u8>,
    material: Option<Material>,
    datagrams: VecDeque<Vec<u8>>,
    due: Instant,
}

impl Made {
    fn drain(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(datagram) => self.datagrams.push_back(datagram.to_vec()),
                Output::PeerCert(certificate) => self.certificate = certificate.to_vec(),
                Output::KeyingMaterial(material, _) => {
                    // It is of a better cipher, which we have not; for two ends of one kind its beginning is as good.
                    let keys = material[..MATERIAL_BYTES].try_into().expect("so long");
                    let certificate = std::mem::take(&mut self.certificate);
                    self.material = Some(Material { certificate, suite: Suite::Tag80, keys });
                }
                Output::Timeout(due) => return self.due = due,
                _ => {}
            }
        }
    }
}

impl Engine for Made {
    fn receive(&mut self, datagram: &[u8], now: Instant) -> Result<(), EngineFailed> {
        self.timeout(now)?;
        let result = self.dtls.handle_packet(datagram).map_err(|_| EngineFailed);
        self.drain();
        result
    }

    fn timeout(&mut self, now: Instant) -> Result<(), EngineFailed> {
        let result = self.dtls.handle_timeout(now).map_err(|_| EngineFailed);
        self.drain();
        result
    }

    fn due(&self) -> Option<Instant> {
        Some(self.due)
    }

    fn poll(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    fn material(&mut self) -> Option<Material> {
        self.material.take()
    }
}
