//! The mixer as an application sees it, judged by sound.

mod call;
mod launch;
mod live;
mod support;
