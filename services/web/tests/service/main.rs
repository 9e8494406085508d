//! The service as a whole: a real server on a free port, and clients over TLS.

mod call_out;
mod calls;
mod cdn;
mod limits;
mod meeting;
mod metrics;
mod native;
mod page;
mod phone;
mod recordings;
mod screen;
mod sharing;
mod start;
mod support;
mod talk;
mod telephone;
mod turn;
mod whip;
mod whip_peer;
