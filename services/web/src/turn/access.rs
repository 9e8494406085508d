//! Credentials that tell themselves when they end, so that none has to be kept: the user name is that time, and the password is made from it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use convene_domain::MediaRelay;
use hmac::{Hmac, Mac};
use rand::{CryptoRng, Rng};
use sha2::Sha256;

/// A meeting rarely takes longer; who comes back after a lost connection gets new ones.
const LIFETIME_SECONDS: i64 = 12 * 60 * 60;

/// Made at every start, so that nothing from before opens anything.
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) fn random(random: &mut (impl CryptoRng + Rng)) -> Self {
        Self(random.random())
    }

    /// `now` is in seconds since 1970. A random part tells one participant's from another's.
    pub(super) fn access(&self, now: i64, random: &mut (impl CryptoRng + Rng)) -> MediaRelay {
        let username = format!("{}:{:016x}", now.saturating_add(LIFETIME_SECONDS), random.random::<u64>());
        let credential = self.sign(&username);
        MediaRelay { username, credential }
    }

    /// The password of a user name that has not ended.
    pub(super) fn password(&self, username: &str, now: i64) -> Option<String> {
        let (end, _) = username.split_once(':')?;
        let end: i64 = end.parse().ok()?;
        (now < end).then(|| self.sign(username))
    }

    fn sign(&self, username: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(username.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_holds_until_the_time_in_its_user_name() {
        let secret = Secret([7; 32]);
        let access = secret.access(1_000, &mut rand::rng());
        let end = 1_000 + LIFETIME_SECONDS;
        assert_eq!(secret.password(&access.username, end - 1), Some(access.credential.clone()));
        assert_eq!(secret.password(&access.username, end), None);
        assert_ne!(Secret([8; 32]).password(&access.username, 1_000), Some(access.credential));
        for wrong in ["", ":", "ann", "99999999999", "x:ann", "-5:ann"] {
            assert_eq!(secret.password(wrong, 0), None, "{wrong}");
        }
    }
}
