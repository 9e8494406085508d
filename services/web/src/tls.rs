//! The certificate, made on first start, and what TLS we speak.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use time::{Duration, OffsetDateTime};

use crate::StartError;
use crate::files::write_whole;

/// How long a certificate that we make is valid. It is a development certificate; nobody should have to think of it.
const VALIDITY: Duration = Duration::days(3650);

/// Clocks of other machines may be behind.
const CLOCK_SKEW: Duration = Duration::days(1);

/// The certificate and what rustls makes of it.
pub(crate) struct Identity {
    pub(crate) config: Arc<rustls::ServerConfig>,
    leaf: CertificateDer<'static>,
}

impl Identity {
    /// Reads `cert.pem` and `key.pem`, or makes them for these names when neither is there.
    pub(crate) fn load(
        certificate: &Path,
        key: &Path,
        names: impl FnOnce() -> Vec<String>,
    ) -> Result<Self, StartError> {
        let folder = certificate.parent().unwrap_or(Path::new("."));
        let refuse = |why: String| StartError::Certificate { folder: folder.to_owned(), why };
        match (certificate.exists(), key.exists()) {
            (true, true) => {}
            (false, false) => make(certificate, key, names())?,
            (true, false) => return Err(refuse("key.pem is missing".into())),
            (false, true) => return Err(refuse("cert.pem is missing".into())),
        }

        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| refuse(format!("cert.pem cannot be read: {error}")))?;
        let leaf = chain.first().cloned().ok_or_else(|| refuse("cert.pem holds no certificate".into()))?;
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| refuse(format!("key.pem cannot be read: {error}")))?;
        let config = server_config(chain, key).map_err(|error| refuse(error.to_string()))?;
        Ok(Self { config: Arc::new(config), leaf })
    }

    /// Whether a client that asks for this name takes the certificate, its trust aside.
    pub(crate) fn is_for(&self, name: &str) -> bool {
        let name = ServerName::try_from(name.trim_start_matches('[').trim_end_matches(']'));
        let certificate = ParsedCertificate::try_from(&self.leaf);
        matches!((certificate, name), (Ok(c), Ok(n)) if verify_server_name(&c, &n).is_ok())
    }
}

/// TLS 1.2 and 1.3 with ECDHE only; of what the client can do, AES-256-GCM-SHA384 first.
fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // The provider's own order has AES-256-GCM-SHA384 in front, for both versions.
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), crate::turn::ALPN.to_vec()];
    Ok(config)
}

/// The names by which people and the recorder reach this machine.
pub(crate) fn own_names(listen: IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    // Where the system does not tell its name this way, the others remain.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let is_name =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if is_name && host != "localhost" {
        names.push(host.to_owned());
    }
    if !listen.is_unspecified() && !names.contains(&listen.to_string()) {
        names.push(listen.to_string());
    }
    names
}

/// A self-signed certificate that is no authority. webpki takes it as a trust anchor for itself, because its issuer is its own subject
/// and it is not marked as an authority: an end entity that is one would be refused (`CaUsedAsEndEntity`).
fn make(certificate: &Path, key: &Path, names: Vec<String>) -> Result<(), StartError> {
    let folder = certificate.parent().unwrap_or(Path::new(".")).to_owned();
    let refuse = |error: rcgen::Error| StartError::Certificate {
        folder: folder.clone(),
        why: format!("a development certificate cannot be made: {error}"),
    };
    let mut params = CertificateParams::new(names).map_err(refuse)?;
    let now = OffsetDateTime::now_utc();
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + VALIDITY;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Convene development certificate");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pair = KeyPair::generate().map_err(refuse)?;
    let signed = params.self_signed(&pair).map_err(refuse)?;

    // The key first: a start that is cut off between the two leaves a key alone, which is said to be so.
    write_whole(key, pair.serialize_pem().as_bytes(), 0o600)?;
    write_whole(certificate, signed.pem().as_bytes(), 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::UnixTime;

    fn load(folder: &Path) -> Result<Identity, StartError> {
        let names = || own_names("192.0.2.7".parse().unwrap());
        Identity::load(&folder.join("cert.pem"), &folder.join("key.pem"), names)
    }

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = load(folder.path()).unwrap();
        let second = load(folder.path()).unwrap();
        assert_eq!(first.leaf, second.leaf);
        for name in ["localhost", "127.0.0.1", "::1", "[::1]", "192.0.2.7"] {
            assert!(second.is_for(name), "{name}");
        }
        assert!(!second.is_for("example.org"));
        assert!(!second.is_for("not a name"));
    }

    #[test]
    fn nobody_else_may_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        load(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn who_trusts_the_file_trusts_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let identity = load(folder.path()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().unwrap();
        let verify = |name: &'static str| {
            let name = ServerName::try_from(name).unwrap();
            verifier.verify_server_cert(&identity.leaf, &[], &name, &[], UnixTime::now())
        };
        verify("localhost").unwrap();
        verify("127.0.0.1").unwrap();
        assert!(verify("example.org").is_err());
    }

    #[test]
    fn half_a_pair_and_a_broken_one_are_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path()).unwrap();
        let key = folder.path().join("key.pem");
        fs::write(folder.path().join("cert.pem"), "").unwrap();
        let sentence = load(folder.path()).err().unwrap().to_string();
        assert!(sentence.contains("cert.pem holds no certificate"), "{sentence}");
        fs::remove_file(key).unwrap();
        let sentence = load(folder.path()).err().unwrap().to_string();
        assert!(sentence.contains("key.pem is missing"), "{sentence}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        load(one.path()).unwrap();
        load(other.path()).unwrap();
        fs::copy(one.path().join("key.pem"), other.path().join("key.pem")).unwrap();
        assert!(matches!(load(other.path()), Err(StartError::Certificate { .. })));
    }

    #[test]
    fn only_tls_1_2_and_1_3_with_the_strongest_suite_first() {
        let folder = tempfile::tempdir().unwrap();
        let config = load(folder.path()).unwrap().config;
        let suites: Vec<_> =
            config.crypto_provider().cipher_suites.iter().map(|suite| suite.suite()).collect();
        assert_eq!(suites[0], rustls::CipherSuite::TLS13_AES_256_GCM_SHA384);
        let first_of_1_2 = suites.iter().find(|suite| !format!("{suite:?}").starts_with("TLS13")).unwrap();
        assert_eq!(*first_of_1_2, rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
        assert!(config.ignore_client_order);
    }
}
