//! Session codes: nine digits that let somebody into a meeting.

use std::fmt;
use std::str::FromStr;

use rand::{CryptoRng, Rng};
use serde::{Deserialize, Serialize};

/// How many digits a session code has.
const DIGITS: usize = 9;

/// Nine digits; the first is not zero in a code that we make, so that nobody loses it in a table or at a dial-pad.
const FIRST: u32 = 100_000_000;
const LAST: u32 = 999_999_999;

/// How many codes are drawn before we give up. With half of all codes taken this fails once in 2^64.
const DRAWS_MAX: u32 = 64;

/// Nine digits that let somebody into a meeting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionCode(u32);

/// Why something is not a session code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not nine characters.
    #[error("A session code has nine digits, this has {characters} characters.")]
    Length {
        /// How many there were.
        characters: usize,
    },
    /// A character that is no digit.
    #[error("A session code has digits only, character {position} is none.")]
    NotADigit {
        /// Which character, counted from 1.
        position: usize,
    },
    /// Every code that was drawn is in use or resting.
    #[error("No free session code was found in {draws} draws; too many meetings are open.")]
    NoneFree {
        /// How many were drawn.
        draws: u32,
    },
}

impl SessionCode {
    /// Draws a code that is not taken. `taken` knows the codes in use and those that rest.
    pub fn random(
        random: &mut (impl CryptoRng + Rng),
        mut taken: impl FnMut(Self) -> bool,
    ) -> Result<Self, CodeError> {
        (0..DRAWS_MAX)
            .map(|_| Self(random.random_range(FIRST..=LAST)))
            .find(|code| !taken(*code))
            .ok_or(CodeError::NoneFree { draws: DRAWS_MAX })
    }
}

impl FromStr for SessionCode {
    type Err = CodeError;

    /// Just nine ASCII digits; nothing is dropped or repaired.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let characters = text.chars().count();
        if characters != DIGITS {
            return Err(CodeError::Length { characters });
        }
        let mut number = 0;
        for (index, character) in text.chars().enumerate() {
            let digit = character.to_digit(10).ok_or(CodeError::NotADigit { position: index + 1 })?;
            number = number * 10 + digit;
        }
        Ok(Self(number))
    }
}

impl TryFrom<String> for SessionCode {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, CodeError> {
        text.parse()
    }
}

impl From<SessionCode> for String {
    fn from(code: SessionCode) -> Self {
        code.to_string()
    }
}

impl fmt::Display for SessionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.0, width = DIGITS)
    }
}

impl fmt::Debug for SessionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn nine_digits_and_nothing_else_are_a_code() {
        assert_eq!("123456789".parse::<SessionCode>().unwrap().to_string(), "123456789");
        assert_eq!("000000001".parse::<SessionCode>().unwrap().to_string(), "000000001");
        for (text, error) in [
            ("", CodeError::Length { characters: 0 }),
            ("12345678", CodeError::Length { characters: 8 }),
            ("1234567890", CodeError::Length { characters: 10 }),
            ("123 456 789", CodeError::Length { characters: 11 }),
            ("12345678x", CodeError::NotADigit { position: 9 }),
            ("+23456789", CodeError::NotADigit { position: 1 }),
            ("12345678٣", CodeError::NotADigit { position: 9 }),
        ] {
            assert_eq!(text.parse::<SessionCode>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_drawn_code_is_never_a_taken_one() {
        let first = SessionCode::random(&mut StdRng::seed_from_u64(1), |_| false).unwrap();
        let second = SessionCode::random(&mut StdRng::seed_from_u64(1), |code| code == first).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn drawing_ends_when_every_code_is_taken() {
        let drawn = SessionCode::random(&mut StdRng::seed_from_u64(1), |_| true);
        assert_eq!(drawn, Err(CodeError::NoneFree { draws: DRAWS_MAX }));
    }

    #[test]
    fn drawn_codes_have_nine_digits_without_a_zero_in_front() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..1000 {
            let code = SessionCode::random(&mut random, |_| false).unwrap().to_string();
            assert_eq!(code.len(), DIGITS);
            assert!(!code.starts_with('0'));
        }
    }
}
