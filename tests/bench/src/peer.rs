//! A peer on OpenSSL, which shares no code with the servers: ICE, DTLS, SRTP, and as much of SDP and of Janus's messages as it takes.

pub mod connection;
pub mod http;
pub mod janus;
pub mod reader;
pub mod rtcp;
pub mod sdp;
pub mod srtp;
pub mod srtp_cm;
pub mod stun;
