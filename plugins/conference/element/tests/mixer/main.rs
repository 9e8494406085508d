//! The mixer as an application sees it, judged by sound.

mod launch;
mod live;
mod support;
