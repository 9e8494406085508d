//! Whose faces are in the recording, and which of them are shown by name alone.

use std::time::Duration;

use crate::RecordingError;

/// A face that sends nothing for so long is not there any more: its last picture gives way to its name.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);
/// More faces than these in one picture cannot be told apart.
pub const FACES_MAX: usize = 16;

/// The faces, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Faces<P> {
    faces: Vec<Face<P>>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Face<P> {
    /// The number that it was given when it came.
    pub id: u32,
    /// What is written on it.
    pub name: String,
    /// The newest picture; a face is seen from the first one on.
    pub picture: Option<P>,
    /// Its picture is too old to be shown.
    pub is_silent: bool,
    is_hidden: bool,
    /// When the newest picture came.
    seen: Duration,
    leaves: Option<Duration>,
}

impl<P> Default for Faces<P> {
    fn default() -> Self {
        Self { faces: Vec::new() }
    }
}

impl<P> Faces<P> {
    /// Somebody comes, with a number that nobody else has.
    pub fn join(&mut self, id: u32, name: String) -> Result<(), RecordingError> {
        if FACES_MAX <= self.faces.len() {
            return Err(RecordingError::FaceCount);
        }
        let seen = Duration::ZERO;
        let (is_silent, is_hidden) = (false, false);
        self.faces.push(Face { id, name, picture: None, is_silent, is_hidden, seen, leaves: None });
        Ok(())
    }

    /// Somebody has gone. Says whether that changes the picture.
    pub fn leave(&mut self, id: u32) -> bool {
        let Some(at) = self.faces.iter().position(|face| face.id == id) else { return false };
        self.faces.remove(at).picture.is_some()
    }

    /// Somebody goes at this time: not before, as pictures of others may come that are older.
    pub fn leave_at(&mut self, id: u32, time: Duration) {
        if let Some(face) = self.face(id) {
            face.leaves = Some(time);
        }
    }

    /// Writes another name on a face. Says whether that changes the picture.
    pub fn rename(&mut self, id: u32, name: &str) -> bool {
        let Some(face) = self.face(id).filter(|face| face.name != name) else { return false };
        face.name = name.to_owned();
        face.picture.is_some()
    }

    /// Keeps a face out of the picture, whatever comes, or lets it in again. Says whether that changes the picture.
    pub fn hide(&mut self, id: u32, hides: bool) -> bool {
        let Some(face) = self.face(id) else { return false };
        std::mem::replace(&mut face.is_hidden, hides) != hides && face.picture.is_some()
    }

    /// A face shows another picture.
    pub fn show(&mut self, id: u32, picture: P, time: Duration) {
        if let Some(face) = self.face(id) {
            face.picture = Some(picture);
            (face.seen, face.is_silent) = (face.seen.max(time), false);
        }
    }

    /// The newest picture has come once more. Says whether that changes the picture.
    pub fn still(&mut self, id: u32, time: Duration) -> bool {
        let Some(face) = self.face(id) else { return false };
        face.seen = face.seen.max(time);
        std::mem::take(&mut face.is_silent)
    }

    /// Finds those who have gone or fallen silent by now. Says whether that changes the picture; repeat at [`Self::next_change`].
    pub fn poll(&mut self, now: Duration) -> bool {
        let before = self.faces.len();
        self.faces.retain(|face| face.leaves.is_none_or(|at| now <= at));
        let mut changed = self.faces.len() != before;
        for face in &mut self.faces {
            let falls_silent = !face.is_silent && face.picture.is_some() && face.seen + SILENCE_MAX <= now;
            face.is_silent |= falls_silent;
            changed |= falls_silent;
        }
        changed
    }

    /// When somebody falls silent who sends nothing until then.
    pub fn next_change(&self) -> Option<Duration> {
        let speaking = self.faces.iter().filter(|face| face.picture.is_some() && !face.is_silent);
        speaking.map(|face| face.seen + SILENCE_MAX).min()
    }

    /// Those who are seen.
    pub fn seen(&self) -> impl Iterator<Item = &Face<P>> {
        self.faces.iter().filter(|face| face.picture.is_some() && !face.is_hidden)
    }

    /// The newest picture of one of them.
    pub fn picture(&self, id: u32) -> Option<&P> {
        self.faces.iter().find(|face| face.id == id)?.picture.as_ref()
    }

    fn face(&mut self, id: u32) -> Option<&mut Face<P>> {
        self.faces.iter_mut().find(|face| face.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn two() -> Faces<char> {
        let mut faces = Faces::default();
        faces.join(7, "Ann".into()).unwrap();
        faces.join(3, "Bob".into()).unwrap();
        faces
    }

    fn seen(faces: &Faces<char>) -> Vec<(u32, bool)> {
        faces.seen().map(|face| (face.id, face.is_silent)).collect()
    }

    #[test]
    fn faces_are_seen_from_their_first_picture_in_the_order_in_which_they_came() {
        let mut faces = two();
        assert_eq!(seen(&faces), []);
        faces.show(3, 'b', at(1));
        faces.show(7, 'a', at(2));
        faces.show(9, 'x', at(2));
        assert_eq!(seen(&faces), [(7, false), (3, false)]);
        assert!(faces.leave(7) && !faces.leave(7));
        assert_eq!(seen(&faces), [(3, false)]);
    }

    #[test]
    fn who_falls_silent_is_shown_by_name_until_the_next_picture() {
        let mut faces = two();
        assert_eq!(faces.next_change(), None);
        faces.show(7, 'a', at(1));
        faces.show(3, 'b', at(2));
        assert_eq!(faces.next_change(), Some(at(11)));
        assert!(!faces.still(7, at(3)));
        assert!(!faces.poll(at(11)));
        assert_eq!(faces.next_change(), Some(at(12)));
        assert!(faces.poll(at(12)) && !faces.poll(at(12)));
        assert_eq!(seen(&faces), [(7, false), (3, true)]);
        assert!(faces.still(3, at(13)) && !faces.still(3, at(13)));
        assert_eq!(seen(&faces), [(7, false), (3, false)]);
    }

    #[test]
    fn who_goes_later_is_seen_until_then() {
        let mut faces = two();
        faces.show(7, 'a', at(1));
        faces.leave_at(7, at(2));
        assert!(!faces.poll(at(2)));
        assert!(faces.poll(at(3)));
        assert_eq!(seen(&faces), []);
    }

    #[test]
    fn a_name_changes_the_picture_only_where_it_is_seen() {
        let mut faces = two();
        assert!(!faces.rename(7, "Anna"));
        faces.show(7, 'a', at(1));
        assert!(!faces.rename(7, "Anna") && faces.rename(7, "Ann"));
    }

    #[test]
    fn a_hidden_face_keeps_its_place() {
        let mut faces = two();
        faces.show(7, 'a', at(1));
        faces.show(3, 'b', at(1));
        assert!(faces.hide(7, true) && !faces.hide(7, true));
        assert_eq!(seen(&faces), [(3, false)]);
        assert!(faces.hide(7, false));
        assert_eq!(seen(&faces), [(7, false), (3, false)]);
    }

    #[test]
    fn there_are_at_most_16() {
        let mut faces = Faces::<char>::default();
        for id in 0..FACES_MAX as u32 {
            faces.join(id, String::new()).unwrap();
        }
        assert_eq!(faces.join(99, String::new()), Err(RecordingError::FaceCount));
        faces.leave(4);
        assert_eq!(faces.join(99, String::new()), Ok(()));
    }
}
