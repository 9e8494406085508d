//! Links that show a recording to whoever has them.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use convene_domain::MissLimiter;
use convene_recordings::{LINK_KEY_BYTES, Link, LinkError, LinkKey};
use parking_lot::Mutex;
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::StartError;
use crate::clock::Clock;
use crate::files::write_whole;

/// Gives links out and reads them.
pub(crate) struct Links {
    key: LinkKey,
    /// Passwords are guessed as slowly as codes.
    misses: Mutex<MissLimiter>,
}

/// A link shows nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("Too many wrong passwords came from your address. Try again in a minute.")]
    TooManyTries,
}

impl Links {
    /// With the key in this file, which is made when it is not there.
    pub(crate) fn load(file: &Path) -> Result<Self, StartError> {
        let refuse = |why: String| StartError::LinkKey { path: file.to_owned(), why };
        let key = match fs::read(file) {
            Ok(bytes) => {
                bytes.try_into().map_err(|_| refuse(format!("it does not have {LINK_KEY_BYTES} bytes")))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; LINK_KEY_BYTES];
                OsRng.try_fill_bytes(&mut key).map_err(|error| refuse(error.to_string()))?;
                write_whole(file, &key, 0o600)?;
                key
            }
            Err(error) => return Err(refuse(error.to_string())),
        };
        Ok(Self { key: LinkKey::new(key), misses: Mutex::default() })
    }

    pub(crate) fn sign(&self, link: &Link, password: Option<&str>) -> String {
        self.key.sign(link, password)
    }

    /// What a link shows to somebody at this address. A link cannot be guessed, so only passwords are counted.
    pub(crate) fn read(
        &self,
        token: &str,
        password: Option<&str>,
        who: IpAddr,
        clock: Clock,
    ) -> Result<Link, WatchError> {
        let password = match (self.key.read(token, None, clock.date()), password) {
            (Err(LinkError::PasswordNeeded), Some(password)) => password,
            (link, _) => return Ok(link?),
        };
        let elapsed = clock.elapsed();
        if !self.misses.lock().may_try(who, elapsed) {
            return Err(WatchError::TooManyTries);
        }
        let link = self.key.read(token, Some(password), clock.date());
        if link.is_err() {
            self.misses.lock().missed(who, elapsed);
        }
        Ok(link?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_from_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("links.key");
        Links::load(&file).unwrap();
        let first = fs::read(&file).unwrap();
        Links::load(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), first);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        fs::write(&file, b"short").unwrap();
        let Err(error) = Links::load(&file) else { panic!("a key of five bytes") };
        assert!(error.to_string().contains("32 bytes"), "{error}");
    }
}
