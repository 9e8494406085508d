//! Something about a person, kept out of the logs.

use std::fmt;

/// Prints as `REDACTED`, whatever is inside: addresses, names, tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing_of_what_is_inside() {
        assert_eq!(format!("{} {:?}", Redacted("192.0.2.1"), Redacted("Ann")), "REDACTED REDACTED");
    }
}
