//! Tokens: what proves that somebody is the host, or the recorder.

use std::fmt;
use std::str::FromStr;

use rand::{CryptoRng, Rng};
use serde::{Deserialize, Serialize};

/// How many characters a token has: 32 of base62 are 190 bits.
pub const TOKEN_CHARACTERS: usize = 32;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A secret of 32 characters, digits and letters.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token([u8; TOKEN_CHARACTERS]);

/// Why something is not a token; it does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A token has {TOKEN_CHARACTERS} characters, digits and letters only.")]
pub struct TokenError;

impl Token {
    /// Draws a new one.
    pub fn random(random: &mut (impl CryptoRng + Rng)) -> Self {
        Self(std::array::from_fn(|_| BASE62[random.random_range(0..BASE62.len())]))
    }

    /// The secret itself, to be handed to whom it belongs.
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base62 is ASCII")
    }
}

/// Takes the same time wherever the two differ.
impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl Eq for Token {}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes: [u8; TOKEN_CHARACTERS] = text.as_bytes().try_into().map_err(|_| TokenError)?;
        if bytes.iter().all(u8::is_ascii_alphanumeric) { Ok(Self(bytes)) } else { Err(TokenError) }
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        text.parse()
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.reveal().to_owned()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn a_token_has_32_characters_of_base62() {
        let token = Token::random(&mut StdRng::seed_from_u64(3));
        assert_eq!(token.reveal().len(), TOKEN_CHARACTERS);
        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        assert_ne!(token, Token::random(&mut StdRng::seed_from_u64(4)));
    }

    #[test]
    fn anything_else_is_no_token() {
        for text in ["", "short", &"x".repeat(31), &"x".repeat(33), &"é".repeat(16), &"-".repeat(32)] {
            assert_eq!(text.parse::<Token>(), Err(TokenError));
        }
    }

    #[test]
    fn a_token_does_not_print_itself() {
        assert_eq!(format!("{:?}", Token::random(&mut StdRng::seed_from_u64(3))), "REDACTED");
    }
}
