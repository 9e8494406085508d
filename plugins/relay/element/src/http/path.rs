//! What a path means.

/// Letters, digits, dashes and underscores, so many.
const NAME_CHARACTERS_MAX: usize = 64;
/// Peers that watch by WHEP are called so, and a session's number.
const WATCHER: &str = "whep-";

/// A path that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// Where this peer may begin to publish.
    Whip(String),
    /// Where anybody may begin to watch.
    Whep,
    /// What such a beginning has made.
    Session {
        /// Whose.
        peer: String,
        /// Its secret.
        session: String,
    },
}

impl Path {
    /// Reads a path.
    pub fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match parts.as_slice() {
            ["whip", name] => is_name(name).then(|| Path::Whip((*name).to_owned())),
            ["whip", name, session] if is_name(name) && is_name(session) => {
                Some(Path::Session { peer: (*name).to_owned(), session: (*session).to_owned() })
            }
            ["whep"] => Some(Path::Whep),
            ["whep", session] if is_name(session) => {
                Some(Path::Session { peer: watcher(session), session: (*session).to_owned() })
            }
            _ => None,
        }
    }

    /// Who begins here, and where what is made will be, under this new secret.
    pub fn begin(&self, session: &str) -> Option<(String, String)> {
        match self {
            Path::Whip(name) => Some((name.clone(), format!("/whip/{name}/{session}"))),
            Path::Whep => Some((watcher(session), format!("/whep/{session}"))),
            Path::Session { .. } => None,
        }
    }
}

fn watcher(session: &str) -> String {
    format!("{WATCHER}{session}")
}

fn is_name(name: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        assert_eq!(Path::parse("/whip/ann"), Some(Path::Whip("ann".to_owned())));
        assert_eq!(Path::parse("/whep"), Some(Path::Whep));
        let session = Path::Session { peer: "ann".to_owned(), session: "s1".to_owned() };
        assert_eq!(Path::parse("/whip/ann/s1"), Some(session));
        let (peer, place) = Path::Whep.begin("s2").expect("anybody may begin");
        assert_eq!(Path::parse(&place), Some(Path::Session { peer, session: "s2".to_owned() }));
    }

    #[test]
    fn other_paths_are_not_served() {
        let long = format!("/whip/{}", "a".repeat(NAME_CHARACTERS_MAX + 1));
        for path in
            ["", "/", "whep", "/whip", "/whip/", "/whip/a b", "/whip/../etc", "/whep/", "/whip/a/b/c", &long]
        {
            assert_eq!(Path::parse(path), None, "{path}");
        }
        assert!(Path::parse(&format!("/whip/{}", "a".repeat(NAME_CHARACTERS_MAX))).is_some());
    }
}
