//! What peers know the relay by, and what it encrypts with.

use std::fmt;
use std::sync::Arc;

use str0m::config::{CryptoProvider, DtlsCert};
use str0m::crypto;
use str0m::crypto::dtls::DtlsProvider;
use thiserror::Error;

use crate::keys::Overheard;

/// No certificate could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("No certificate for DTLS can be made.")]
pub struct IdentityError;

/// A certificate and the cryptography to use it with. All shards of a port share one: its fingerprint is in every answer.
#[derive(Clone)]
pub struct Identity {
    pub(crate) certificate: DtlsCert,
    pub(crate) crypto: Arc<CryptoProvider>,
}

impl Identity {
    /// A new one; with another DTLS than str0m's own, if there is one to take.
    pub fn new(dtls: Option<&'static dyn DtlsProvider>) -> Result<Self, IdentityError> {
        let mut crypto = crypto::from_feature_flags();
        // Two words for each port that is ever opened: str0m takes providers for good.
        crypto.dtls_provider = Box::leak(Box::new(Overheard(dtls.unwrap_or(crypto.dtls_provider))));
        let crypto = Arc::new(crypto);
        let certificate = crypto.dtls_provider.generate_certificate().ok_or(IdentityError)?;
        Ok(Self { certificate, crypto })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Identity")
    }
}
