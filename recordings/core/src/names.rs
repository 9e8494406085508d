//! The names of recordings, of files in a region, and of regions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A region's name becomes part of file names and of log lines; nobody needs a longer one.
pub const REGION_NAME_BYTES_MAX: usize = 63;

/// Long enough for any name that somebody gives, short enough for every file system.
pub const BLOB_NAME_BYTES_MAX: usize = 200;

/// Which recording. The caller brings the chance: `RecordingId::new(Uuid::new_v4())`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordingId(Uuid);

impl RecordingId {
    /// The recording with this UUID.
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID itself.
    #[must_use]
    pub const fn uuid(&self) -> Uuid {
        self.0
    }

    /// What the recording's file is called in every region.
    #[must_use]
    pub fn blob_name(&self) -> String {
        format!("{self}.webm")
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RecordingId {
    type Err = NameError;

    /// Takes the hyphenated form only, so that one recording has one spelling.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let uuid = Uuid::try_parse(text).map_err(|_| NameError::NoRecordingId { bytes: text.len() })?;
        let id = Self(uuid);
        if id.to_string() == text { Ok(id) } else { Err(NameError::NoRecordingId { bytes: text.len() }) }
    }
}

/// What a file is called in every region: 1 to 200 letters, digits, dashes, underscores and dots, no dot first. So it is
/// also the name of a file in a folder, and every store spells it in one way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobName(String);

impl BlobName {
    /// Checks the name.
    ///
    /// # Errors
    /// When it is empty, too long, begins with a dot, or has a character that is not allowed.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        if name.is_empty() || BLOB_NAME_BYTES_MAX < name.len() {
            return Err(NameError::BlobLength { bytes: name.len() });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let wrong = name.chars().enumerate().find(|&(at, c)| !allowed(c) || at == 0 && c == '.');
        match wrong {
            Some((_, character)) => Err(NameError::BlobCharacter { character }),
            None => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BlobName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for BlobName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<BlobName> for String {
    fn from(name: BlobName) -> Self {
        name.0
    }
}

/// What a region is called: 1 to 63 lower-case letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionName(String);

impl RegionName {
    /// Checks the name.
    ///
    /// # Errors
    /// When it is empty, too long, or has a character that is not allowed.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        if name.is_empty() || REGION_NAME_BYTES_MAX < name.len() {
            return Err(NameError::RegionLength { bytes: name.len() });
        }
        match name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            Some(character) => Err(NameError::RegionCharacter { character }),
            None => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RegionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for RegionName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<RegionName> for String {
    fn from(name: RegionName) -> Self {
        name.0
    }
}

/// A name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a UUID in its hyphenated form.
    #[error("a recording is named by a UUID of 36 characters in lower case; these {bytes} bytes are none")]
    NoRecordingId {
        /// How long the text was.
        bytes: usize,
    },
    /// Empty or too long.
    #[error("a file's name has 1 to {BLOB_NAME_BYTES_MAX} characters, this one has {bytes}")]
    BlobLength {
        /// How long the name was.
        bytes: usize,
    },
    /// A character outside a-z, A-Z, 0-9, dash, underscore and dot, or a dot in front.
    #[error(
        "a file's name has letters, digits, dashes, underscores and dots only, and no dot first; this one has {character:?}"
    )]
    BlobCharacter {
        /// The first character that is not allowed.
        character: char,
    },
    /// Empty or too long.
    #[error("a region's name has 1 to {REGION_NAME_BYTES_MAX} characters, this one has {bytes}")]
    RegionLength {
        /// How long the name was.
        bytes: usize,
    },
    /// A character outside a-z, 0-9 and dash.
    #[error("a region's name has lower-case letters, digits and dashes only, this one has {character:?}")]
    RegionCharacter {
        /// The first character that is not allowed.
        character: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_names_are_checked_at_both_ends() {
        assert!(RegionName::new("a".repeat(REGION_NAME_BYTES_MAX)).is_ok());
        assert_eq!(
            RegionName::new("a".repeat(REGION_NAME_BYTES_MAX + 1)),
            Err(NameError::RegionLength { bytes: 64 })
        );
        assert_eq!(RegionName::new(""), Err(NameError::RegionLength { bytes: 0 }));
        assert_eq!(RegionName::new("../b"), Err(NameError::RegionCharacter { character: '.' }));
        assert!(serde_json::from_str::<RegionName>("\"West Europe\"").is_err());
    }

    #[test]
    fn blob_names_are_checked_at_both_ends() {
        for name in ["a", "Talk_1.webm", "..a".trim_start_matches('.'), &"a".repeat(BLOB_NAME_BYTES_MAX)] {
            assert_eq!(BlobName::new(name).map(String::from).as_deref(), Ok(name));
        }
        let length = |bytes| Err(NameError::BlobLength { bytes });
        assert_eq!(BlobName::new(""), length(0));
        assert_eq!(BlobName::new("a".repeat(BLOB_NAME_BYTES_MAX + 1)), length(BLOB_NAME_BYTES_MAX + 1));
        for (name, character) in [(".a", '.'), ("../a", '.'), ("a/b", '/'), ("a b", ' '), ("ä", 'ä')] {
            assert_eq!(BlobName::new(name), Err(NameError::BlobCharacter { character }), "{name}");
        }
    }

    #[test]
    fn one_recording_has_one_spelling() {
        let id = RecordingId::new(Uuid::from_u128(0xabc));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.blob_name(), "00000000-0000-0000-0000-000000000abc.webm");
        for other in ["", "00000000000000000000000000000abc", "00000000-0000-0000-0000-000000000ABC", "../x"]
        {
            assert!(other.parse::<RecordingId>().is_err(), "{other}");
        }
    }
}
