//! Digest authentication as a client (RFC 7616, and RFC 2617 for those who never heard of it): challenges in, credentials out.

use std::fmt::Write;

use md5::Digest;

use crate::chance::Chance;
use crate::message::Message;
use crate::uri::split_outside_quotes;

/// How often one request answers challenges of one kind: a first one, and some whose nonce had become too old meanwhile.
const TRIES_MAX: u32 = 3;

/// By which we are known to a trunk.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account's name.
    pub user: String,
    /// Its password, which never goes over the wire.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn word(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text)),
            Self::Sha256 => hex(&sha2::Sha256::digest(text)),
        }
    }
}

/// What somebody wants to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The name of the algorithm was said, so it is said in the answer, too.
    is_algorithm_said: bool,
    /// Without it, the answer is RFC 2069's.
    has_qop: bool,
    is_stale: bool,
}

impl Challenge {
    /// Reads one; none when it is of a kind that is not spoken here.
    fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parts = split_outside_quotes(rest, ',').ok()?;
        let parameters: Vec<(String, String)> = parts
            .iter()
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), unquoted(value.trim())))
            .collect();
        let parameter = |name: &str| {
            let found = parameters.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let said = parameter("algorithm");
        let algorithm = match said.as_deref().map(str::to_ascii_uppercase).as_deref() {
            None | Some("MD5") => Algorithm::Md5,
            Some("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let qop = parameter("qop");
        let knows_auth = |qop: &String| qop.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth"));
        // Whoever insists on auth-int is not answered with less.
        if qop.as_ref().is_some_and(|qop| !knows_auth(qop)) {
            return None;
        }
        Some(Self {
            realm: parameter("realm")?,
            nonce: parameter("nonce")?,
            opaque: parameter("opaque"),
            algorithm,
            is_algorithm_said: said.is_some(),
            has_qop: qop.is_some(),
            is_stale: parameter("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    fn answer(&self, who: &Credentials, (method, uri): (&str, &str), count: u32, cnonce: &str) -> String {
        let Self { realm, nonce, algorithm, .. } = self;
        let secret = algorithm.hash(&format!("{}:{realm}:{}", who.user, who.password));
        let asked = algorithm.hash(&format!("{method}:{uri}"));
        let middle = if self.has_qop { format!(":{count:08x}:{cnonce}:auth") } else { String::new() };
        let response = algorithm.hash(&format!("{secret}:{nonce}{middle}:{asked}"));
        let [user, realm, nonce] = [&who.user, realm, nonce].map(|text| quoted(text));
        let mut text = format!(
            "Digest username={user}, realm={realm}, nonce={nonce}, uri={}, response=\"{response}\"",
            quoted(uri)
        );
        if self.is_algorithm_said {
            let _ = write!(text, ", algorithm={}", algorithm.word());
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(text, ", opaque={}", quoted(opaque));
        }
        if self.has_qop {
            let _ = write!(text, ", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\"");
        }
        text
    }
}

/// Whose challenge it is, and how often it has been answered.
#[derive(Debug)]
struct Known {
    challenge: Challenge,
    count: u32,
}

/// Who challenges: its status, and the fields of the challenge and of its answer.
const KINDS: [(u16, &str, &str); 2] =
    [(401, "www-authenticate", "Authorization"), (407, "proxy-authenticate", "Proxy-Authorization")];

/// How often a request has answered challenges of each kind.
pub type Tries = [u32; KINDS.len()];

/// Credentials, and the challenges that were last seen: requests that follow are answered for before they are challenged.
#[derive(Debug, Default)]
pub struct Login {
    credentials: Option<Credentials>,
    known: [Option<Known>; KINDS.len()],
}

impl Login {
    /// Without a challenge yet.
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, ..Self::default() }
    }

    /// Takes a challenge in. Returns whether the request is to be sent again: not when its credentials were wrong, rather than old.
    pub fn challenged(&mut self, response: &Message, status: u16, tries: &mut Tries) -> bool {
        let Some(kind) = KINDS.iter().position(|(other, ..)| *other == status) else {
            return false;
        };
        let challenges = response.all(KINDS[kind].1).filter_map(Challenge::parse);
        // The strongest; the first, if there are several (RFC 7616, section 3.7).
        let best = challenges.reduce(|best, next| if best.algorithm < next.algorithm { next } else { best });
        let Some(challenge) = best.filter(|_| self.credentials.is_some()) else {
            return false;
        };
        let was_answered = 0 < tries[kind];
        tries[kind] += 1;
        let may_try = !was_answered || challenge.is_stale && tries[kind] <= TRIES_MAX;
        let is_known =
            self.known[kind].as_ref().is_some_and(|known| known.challenge.nonce == challenge.nonce);
        if !is_known {
            self.known[kind] = Some(Known { challenge, count: 0 });
        }
        may_try
    }

    /// The fields that answer for a request.
    pub fn answers(&mut self, method: &str, uri: &str, chance: &mut Chance) -> Vec<(&'static str, String)> {
        let Some(who) = &self.credentials else {
            return Vec::new();
        };
        let known =
            self.known.iter_mut().zip(KINDS).filter_map(|(known, kind)| Some((known.as_mut()?, kind.2)));
        known
            .map(|(known, field)| {
                known.count += 1;
                (field, known.challenge.answer(who, (method, uri), known.count, &chance.word()))
            })
            .collect()
    }
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut is_escaped = false;
    for c in inner.chars() {
        is_escaped = c == '\\' && !is_escaped;
        if !is_escaped {
            text.push(c);
        }
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mufasa(password: &str) -> Credentials {
        Credentials { user: "Mufasa".to_owned(), password: password.to_owned() }
    }

    /// The examples of RFC 2617, section 3.5, and RFC 7616, section 3.9.1.
    #[test]
    fn the_examples_of_the_rfcs_come_out() {
        let challenge = Challenge::parse(
            "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        );
        let answer = challenge.expect("a good challenge").answer(
            &mufasa("Circle Of Life"),
            ("GET", "/dir/index.html"),
            1,
            "0a4f113b",
        );
        assert!(answer.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{answer}");
        assert!(!answer.contains("algorithm"), "who does not name it may not know the word: {answer}");
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = Challenge::parse(&format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
            ));
            let answer = challenge.expect("a good challenge").answer(
                &mufasa("Circle of Life"),
                ("GET", "/dir/index.html"),
                1,
                "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            );
            assert!(answer.contains(&format!("response=\"{response}\", algorithm={algorithm}")), "{answer}");
            assert!(answer.contains("nc=00000001"), "{answer}");
        }
    }

    #[test]
    fn challenges_that_cannot_be_answered_are_left() {
        for wrong in [
            "",
            "Digest",
            "Basic realm=\"a\"",
            "Digest realm=\"a\"",
            "Digest nonce=\"a\"",
            "Digest realm=\"a\", nonce=\"b\", algorithm=MD5-sess",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\"",
            "Digest realm=\"a, nonce=\"b\"",
        ] {
            assert_eq!(Challenge::parse(wrong), None, "{wrong}");
        }
        let odd = Challenge::parse("dIGEST Nonce=b , realm=\"a\\\"\\\\,\",stale=TRUE,x").expect("a good one");
        assert_eq!((odd.realm.as_str(), odd.nonce.as_str(), odd.is_stale), ("a\"\\,", "b", true));
        assert!(odd.answer(&mufasa("x"), ("BYE", "sip:a"), 1, "c").contains("realm=\"a\\\"\\\\,\", "));
    }

    #[test]
    fn passwords_are_not_for_logs() {
        assert_eq!(format!("{:?}", mufasa("Circle of Life")), "REDACTED");
    }
}
