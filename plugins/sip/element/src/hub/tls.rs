//! Our certificate, for callers by TLS, and whose certificates we trust when we call.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Reads both files; the error is a sentence.
pub fn configure(certificate: &str, key: &str) -> Result<Arc<ServerConfig>, String> {
    let unread =
        |file: &str, error: &dyn std::fmt::Display| format!("\"{file}\" cannot be read as PEM: {error}.");
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unread(certificate, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unread(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, private));
    config.map(Arc::new).map_err(|error| format!("\"{certificate}\" and \"{key}\" cannot be used: {error}."))
}

/// Whom we trust: those whom the system does, and those of a file.
pub struct Trust {
    file: RootCertStore,
    /// Once anybody was connected to: the system's certificates are many.
    config: Option<Arc<ClientConfig>>,
}

impl Trust {
    /// Reads the file; the error is a sentence.
    pub fn read(ca_file: Option<&str>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = ca_file {
            let refuse = |reason: String| format!("The ca-file \"{path}\" cannot be used: {reason}.");
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.to_string()))?
            {
                let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
                roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(refuse("it has no certificate".to_owned()));
            }
        }
        Ok(Self { file: roots, config: None })
    }

    /// For a connection of ours.
    pub fn config(&mut self) -> Arc<ClientConfig> {
        let made = || {
            let mut roots = self.file.clone();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("aws-lc-rs has cipher suites for TLS 1.2 and 1.3");
            Arc::new(config.with_root_certificates(roots).with_no_client_auth())
        };
        Arc::clone(self.config.get_or_insert_with(made))
    }
}
