//! What there is to show: the shared screen and the faces, each with its newest picture.

use std::time::Duration;

use convene_recording::{Faces, VideoSize};

use super::canvas::Picture;

/// What comes into a composer's pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Screen,
    /// A face, by its number.
    Feed(u32),
}

/// The newest pictures.
#[derive(Clone, Default)]
pub(super) struct Scene {
    screen: Option<Picture>,
    /// The screen stays out of the picture, whatever comes.
    hides_screen: bool,
    screen_leaves: Option<Duration>,
    pub faces: Faces<Picture>,
}

impl Scene {
    /// The screen's picture, if one is shared.
    pub fn screen(&self) -> Option<&Picture> {
        self.screen.as_ref().filter(|_| !self.hides_screen)
    }

    /// Shows another picture. Says whether it is another one than before.
    pub fn take(&mut self, role: Role, picture: Picture, time: Duration) -> bool {
        let before = match role {
            Role::Screen => self.screen.as_ref(),
            Role::Feed(id) => self.faces.picture(id),
        };
        let is_same = before.is_some_and(|before| before.equals(&picture));
        match role {
            Role::Screen if is_same => false,
            Role::Screen => {
                self.screen = Some(picture);
                !self.hides_screen
            }
            Role::Feed(id) if is_same => self.faces.still(id, time),
            Role::Feed(id) => {
                self.faces.show(id, picture, time);
                true
            }
        }
    }

    /// Writes another name on a face, and shows it or the screen or not. Says whether that changes the picture.
    pub fn describe(&mut self, role: Role, name: &str, shows: bool) -> bool {
        match role {
            Role::Screen => {
                std::mem::replace(&mut self.hides_screen, !shows) == shows && self.screen.is_some()
            }
            Role::Feed(id) => self.faces.hide(id, !shows) | self.faces.rename(id, name),
        }
    }

    /// One goes, now. Says whether that changes the picture.
    pub fn leave(&mut self, role: Role) -> bool {
        match role {
            Role::Screen => self.screen.take().is_some() && !self.hides_screen,
            Role::Feed(id) => self.faces.leave(id),
        }
    }

    /// One goes at this time.
    pub fn leave_at(&mut self, role: Role, time: Duration) {
        match role {
            Role::Screen => self.screen_leaves = Some(time),
            Role::Feed(id) => self.faces.leave_at(id, time),
        }
    }

    /// Finds out who has gone or fallen silent by now. Says whether that changes the picture.
    pub fn poll(&mut self, now: Duration) -> bool {
        let leaves = self.screen_leaves.is_some_and(|at| at < now);
        if leaves {
            self.screen_leaves = None;
        }
        let screen_left = leaves && self.leave(Role::Screen);
        self.faces.poll(now) || screen_left
    }

    /// The screen's size, where its pixels are square.
    pub fn screen_size(&self) -> Option<Result<VideoSize, convene_recording::RecordingError>> {
        self.screen().map(Picture::size)
    }
}
