//! Keys for SRTP in session descriptions (RFC 4568).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::chance::Chance;

/// 128 bits of key and 112 of salt.
pub const KEY_BYTES: usize = 30;

/// How much of the authentication tag is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`.
    Tag80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    Tag32,
}

impl Suite {
    fn word(self) -> &'static str {
        match self {
            Self::Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Self::Tag32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }
}

/// A master key with its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub [u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

/// A line `a=crypto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// The answer names the offer's line by it.
    pub tag: u32,
    /// Which.
    pub suite: Suite,
    /// What its sender encrypts with.
    pub key: Key,
}

impl Crypto {
    /// Whether it encrypts the same way with the same key. The tag only names a line of a description.
    pub fn is_same_key(&self, other: &Self) -> bool {
        (self.suite, &self.key) == (other.suite, &other.key)
    }

    /// Reads the value of the attribute; none when it is of a kind that is not taken.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9)?.parse().ok()?;
        let suite = match words.next()? {
            word if word == Suite::Tag80.word() => Suite::Tag80,
            word if word == Suite::Tag32.word() => Suite::Tag32,
            _ => return None,
        };
        let mut parameters = words.next()?.strip_prefix("inline:")?.split('|');
        let key = BASE64_STANDARD.decode(parameters.next()?).ok()?.try_into().ok()?;
        // A lifetime is fine, as no call lasts so long; an MKI (`1:4`) would change the packets. So do session parameters.
        let is_plain = parameters.all(|parameter| !parameter.contains(':'));
        (is_plain && words.next().is_none()).then_some(Self { tag, suite, key: Key(key) })
    }

    /// A new key.
    pub fn new(tag: u32, suite: Suite, chance: &mut Chance) -> Self {
        let mut key = [0; KEY_BYTES];
        chance.fill(&mut key);
        Self { tag, suite, key: Key(key) }
    }

    /// The value of the attribute.
    pub fn write(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.word(), BASE64_STANDARD.encode(self.key.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_there_and_back() {
        let crypto = Crypto::new(3, Suite::Tag32, &mut Chance::new([1; 32]));
        assert_eq!(Crypto::parse(&crypto.write()), Some(crypto.clone()));
        assert_eq!(Crypto::parse(&format!("{}|2^31", crypto.write())), Some(crypto.clone()));
        for wrong in [
            format!("{}|1:4", crypto.write()),
            format!("{} KDR=1", crypto.write()),
            crypto.write().replace("HMAC", "F8"),
            crypto.write().replace("inline:", "inline:AAAA"),
            String::new(),
        ] {
            assert_eq!(Crypto::parse(&wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?}", crypto.key), "REDACTED");
    }
}
