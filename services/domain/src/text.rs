//! What people write: their names and their chat lines.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest display name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 64;

/// The longest chat line, in characters.
pub const CHAT_CHARACTERS_MAX: usize = 4000;

/// Why a name or a chat line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or nothing but spaces.
    #[error("{what} is empty; it needs at least one character.")]
    Empty {
        /// "The name" or "The message".
        what: &'static str,
    },
    /// Too many characters.
    #[error("{what} has {characters} characters; {limit} are allowed.")]
    TooLong {
        /// "The name" or "The message".
        what: &'static str,
        /// How many there were.
        characters: usize,
        /// How many may be there.
        limit: usize,
    },
    /// A character that shows nothing but changes what stands around it.
    #[error("{what} has the control character U+{character:04X}, which is not allowed.")]
    Control {
        /// "The name" or "The message".
        what: &'static str,
        /// The character's number.
        character: u32,
    },
}

/// How a participant is called in the meeting.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

/// One chat line; it may have several lines of text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChatText(String);

impl DisplayName {
    /// Takes 1 to [`NAME_CHARACTERS_MAX`] characters, no control characters among them.
    pub fn parse(text: String) -> Result<Self, TextError> {
        check("The name", &text, NAME_CHARACTERS_MAX, |_| false)?;
        Ok(Self(text))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ChatText {
    /// Takes 1 to [`CHAT_CHARACTERS_MAX`] characters; of the control characters, only tabs and ends of lines.
    pub fn parse(text: String) -> Result<Self, TextError> {
        check("The message", &text, CHAT_CHARACTERS_MAX, |c| matches!(c, '\n' | '\r' | '\t'))?;
        Ok(Self(text))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(
    what: &'static str,
    text: &str,
    limit: usize,
    control_allowed: impl Fn(char) -> bool,
) -> Result<(), TextError> {
    let characters = text.chars().count();
    if limit < characters {
        return Err(TextError::TooLong { what, characters, limit });
    }
    if text.chars().all(char::is_whitespace) {
        return Err(TextError::Empty { what });
    }
    match text.chars().find(|c| is_control(*c) && !control_allowed(*c)) {
        Some(c) => Err(TextError::Control { what, character: c.into() }),
        None => Ok(()),
    }
}

/// Also the direction overrides of Unicode: with one of them, a name rewrites how the text after it looks.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

impl TryFrom<String> for DisplayName {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ChatText {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}

impl From<ChatText> for String {
    fn from(text: ChatText) -> Self {
        text.0
    }
}

/// Names of people stay out of logs.
impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

/// What people say stays out of logs.
impl fmt::Debug for ChatText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<DisplayName, TextError> {
        DisplayName::parse(text.to_owned())
    }

    #[test]
    fn a_name_has_1_to_64_characters() {
        assert!(name("A").is_ok());
        assert!(name(&"ä".repeat(64)).is_ok());
        assert_eq!(
            name(&"ä".repeat(65)),
            Err(TextError::TooLong { what: "The name", characters: 65, limit: 64 })
        );
        assert_eq!(name(""), Err(TextError::Empty { what: "The name" }));
        assert_eq!(name("  "), Err(TextError::Empty { what: "The name" }));
    }

    #[test]
    fn a_name_cannot_rewrite_the_text_around_it() {
        for character in ["\n", "\0", "\u{202e}", "\u{2066}", "\u{2028}"] {
            assert!(matches!(name(&format!("Ann{character}x")), Err(TextError::Control { .. })));
        }
        assert!(name("Ann-Sofie O’Hara 🦀").is_ok());
    }

    #[test]
    fn a_chat_line_has_1_to_4000_characters() {
        let chat = |text: String| ChatText::parse(text);
        assert!(chat("x".repeat(4000)).is_ok());
        assert_eq!(
            chat("x".repeat(4001)),
            Err(TextError::TooLong { what: "The message", characters: 4001, limit: 4000 })
        );
        assert!(chat("two\nlines\tand a tab".into()).is_ok());
        assert_eq!(chat("\u{7}".into()), Err(TextError::Control { what: "The message", character: 7 }));
        assert_eq!(chat("\n".into()), Err(TextError::Empty { what: "The message" }));
    }

    #[test]
    fn names_and_texts_do_not_print_themselves() {
        assert_eq!(format!("{:?}", name("Ann").unwrap()), "REDACTED");
        assert_eq!(format!("{:?}", ChatText::parse("hello".into()).unwrap()), "REDACTED");
    }
}
