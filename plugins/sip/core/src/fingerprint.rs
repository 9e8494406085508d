//! Who is who in DTLS-SRTP (RFC 5763): the fingerprints of certificates in session descriptions (RFC 8122), and who begins (RFC 4145).

use std::fmt::Write;

use sha2::{Digest, Sha256, Sha384, Sha512};

/// More fingerprints of one hash than anybody has certificates.
pub const FINGERPRINTS_MAX: usize = 8;
/// What RFC 8842, section 4, has as the longest.
const TLS_ID_BYTES_MAX: usize = 255;

/// A hash function; the better ones are greater. SHA-1 and MD5 are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    /// The one that everybody has.
    Sha256,
    /// With 48 bytes.
    Sha384,
    /// With 64 bytes.
    Sha512,
}

impl Hash {
    fn named(word: &str) -> Option<Self> {
        [("sha-256", Self::Sha256), ("sha-384", Self::Sha384), ("sha-512", Self::Sha512)]
            .into_iter()
            .find_map(|(name, hash)| word.eq_ignore_ascii_case(name).then_some(hash))
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// What a certificate hashes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    value: Vec<u8>,
}

impl Fingerprint {
    /// Of a certificate in DER, by SHA-256.
    pub fn of(certificate: &[u8]) -> Self {
        Self { hash: Hash::Sha256, value: Hash::Sha256.of(certificate) }
    }

    /// Reads the value of the attribute; none when it is not well written, or of a hash that is not taken.
    pub fn parse(value: &str) -> Option<Self> {
        let (hash, bytes) = value.trim().split_once(' ')?;
        let hash = Hash::named(hash)?;
        let byte = |word: &str| {
            let is_hex = word.len() == 2 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hex.then(|| u8::from_str_radix(word, 16).ok()).flatten()
        };
        // One too many is enough to be refused.
        let value: Option<Vec<u8>> = bytes.trim().split(':').take(hash.bytes() + 1).map(byte).collect();
        value.filter(|value| value.len() == hash.bytes()).map(|value| Self { hash, value })
    }

    /// The value of the attribute.
    pub fn write(&self) -> String {
        let mut text = match self.hash {
            Hash::Sha256 => "sha-256",
            Hash::Sha384 => "sha-384",
            Hash::Sha512 => "sha-512",
        }
        .to_owned();
        for (at, byte) in self.value.iter().enumerate() {
            let before = if at == 0 { ' ' } else { ':' };
            let _ = write!(text, "{before}{byte:02X}");
        }
        text
    }

    fn is_of(&self, certificate: &[u8]) -> bool {
        self.hash.of(certificate) == self.value
    }
}

/// Who begins the handshake, as one side says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// It does.
    Active,
    /// The other does.
    Passive,
    /// As the other likes.
    Either,
}

impl Setup {
    /// Reads the value of the attribute; `holdconn` is not taken, as a call has its sound at once.
    pub fn parse(value: &str) -> Option<Self> {
        match value.trim() {
            "active" => Some(Self::Active),
            "passive" => Some(Self::Passive),
            "actpass" => Some(Self::Either),
            _ => None,
        }
    }
}

/// Who we are in a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We begin.
    Client,
    /// The other end does.
    Server,
}

impl Role {
    /// The value of the attribute in an answer.
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "active",
            Self::Server => "passive",
        }
    }
}

/// What the other end says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Of one hash: its certificate is one of these (RFC 8122, section 5.1).
    fingerprints: Vec<Fingerprint>,
    setup: Setup,
    /// Another one means another handshake (RFC 8842, section 5.1).
    tls_id: Option<String>,
}

impl Peer {
    /// From the attributes `fingerprint`, `setup` and `tls-id`; none when they name nobody who could be known.
    pub fn read<'a>(
        fingerprints: impl Iterator<Item = &'a str>,
        setup: Option<&str>,
        tls_id: Option<&str>,
    ) -> Option<Self> {
        let known: Vec<Fingerprint> = fingerprints.filter_map(Fingerprint::parse).collect();
        let best = known.iter().map(|fingerprint| fingerprint.hash).max()?;
        let fingerprints: Vec<Fingerprint> =
            known.into_iter().filter(|known| known.hash == best).take(FINGERPRINTS_MAX).collect();
        // Who says nothing begins (RFC 4145, section 4).
        let setup = setup.map_or(Some(Setup::Active), Setup::parse)?;
        let tls_id = tls_id.map(str::to_owned);
        let is_short = tls_id.as_ref().is_none_or(|id| id.len() <= TLS_ID_BYTES_MAX);
        is_short.then_some(Self { fingerprints, setup, tls_id })
    }

    /// Whether this certificate, in DER, is the other end's.
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        self.fingerprints.iter().any(|fingerprint| fingerprint.is_of(certificate))
    }

    /// Whether it is the same one, and wants no other handshake.
    pub fn is_same(&self, other: &Self) -> bool {
        self.is_same_one(other) && self.tls_id == other.tls_id
    }

    /// Whether it is the same one.
    pub fn is_same_one(&self, other: &Self) -> bool {
        self.fingerprints == other.fingerprints
    }

    /// Who we are to it. Where we may choose, we stay what we are. At first it is the other end that begins, although RFC 5763,
    /// section 5, would have us do it: callers sit behind NATs, and where they are we know when something has come from them.
    pub fn role(&self, ours: Option<Role>) -> Role {
        match self.setup {
            Setup::Active => Role::Server,
            Setup::Passive => Role::Client,
            Setup::Either => ours.unwrap_or(Role::Server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8122's own example is of SHA-1, which is not taken.
    const OLD: &str = "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB";

    #[test]
    fn fingerprints_go_there_and_back_and_bad_ones_do_not() {
        let good = Fingerprint::of(b"a certificate");
        let text = good.write();
        assert_eq!(Fingerprint::parse(&text), Some(good.clone()));
        assert_eq!(Fingerprint::parse(&text.replace("sha", "SHA").to_lowercase()), Some(good.clone()));
        for length in 0..text.len() {
            assert_eq!(Fingerprint::parse(&text[..length]), None, "{length}");
        }
        for wrong in [
            OLD.to_owned(),
            format!("{text}:00"),
            text.replace("sha-256", "sha-512"),
            text.replace("sha-256", "md5"),
            text.replace(':', ""),
            text.replace(':', ":+"),
        ] {
            assert_eq!(Fingerprint::parse(&wrong), None, "{wrong}");
        }
        let long = "sha-512 ".to_owned() + &["AB"; 64].join(":");
        assert!(Fingerprint::parse(&long).is_some());
    }

    #[test]
    fn the_best_hash_counts_and_others_do_not() {
        let good = Fingerprint::of(b"ours").write();
        let other = Fingerprint { hash: Hash::Sha512, value: Hash::Sha512.of(b"theirs") }.write();
        let peer = |lines: &[&str]| Peer::read(lines.iter().copied(), Some("actpass"), None);
        let both = peer(&[OLD, &good, &other]).expect("two are good");
        assert!(both.is_of(b"theirs") && !both.is_of(b"ours"));
        assert!(peer(&[OLD, &good]).is_some_and(|peer| peer.is_of(b"ours")));
        assert_eq!(peer(&[OLD]), None);
        assert_eq!(peer(&[]), None);
        let many: Vec<String> = (0..20_u8).map(|number| Fingerprint::of(&[number]).write()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let some = peer(&many).expect("they are good");
        assert!(some.is_of(&[FINGERPRINTS_MAX as u8 - 1]) && !some.is_of(&[FINGERPRINTS_MAX as u8]));
    }

    #[test]
    fn one_begins() {
        let good = Fingerprint::of(b"theirs").write();
        let peer = |setup| Peer::read([good.as_str()].into_iter(), setup, None);
        let role = |setup, ours| peer(setup).map(|peer| peer.role(ours));
        assert_eq!(role(Some("active"), Some(Role::Client)), Some(Role::Server));
        assert_eq!(role(Some("passive"), Some(Role::Server)), Some(Role::Client));
        assert_eq!(role(Some("actpass"), None), Some(Role::Server));
        assert_eq!(role(Some("actpass"), Some(Role::Client)), Some(Role::Client));
        assert_eq!(role(None, None), Some(Role::Server));
        assert_eq!((role(Some("holdconn"), None), role(Some("x"), None)), (None, None));
        let long = "x".repeat(TLS_ID_BYTES_MAX + 1);
        let with = |id| Peer::read([good.as_str()].into_iter(), None, Some(id));
        assert!(with(&long).is_none() && with(&long[1..]).is_some());
        let [one, other] = ["a", "b"].map(|id| with(id).expect("it is good"));
        assert!(!one.is_same(&other) && one.is_same_one(&other) && one.is_same(&one));
    }
}
