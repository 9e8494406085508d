//! Our certificate, for callers by TLS.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

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
