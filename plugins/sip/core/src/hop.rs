//! Where the next message of ours goes to, before it is known by which connection.

use crate::flow::Transport;
use crate::uri::Uri;

/// The other end of a connection that is to be there, or of datagrams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// What carries messages.
    pub transport: Transport,
    /// A name or an address, IPv6 without brackets. A name is also what a certificate has to say.
    pub host: String,
    /// Where it listens.
    pub port: u16,
}

impl Hop {
    /// Of a URI. RFC 3263's NAPTR and SRV records are not asked for: without a port it is the usual one, and without a transport UDP, as section 4.1
    /// has it for hosts that have no such records.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let said = uri.parameters.iter().find(|(name, _)| name == "transport");
        let said = said.and_then(|(_, value)| value.as_deref()).map(str::to_ascii_lowercase);
        let transport = match (uri.is_secure, said.as_deref()) {
            // `sips:` with `transport=tcp` is TLS over it (RFC 3261, section 26.2.2).
            (true, None | Some("tls" | "tcp")) | (false, Some("tls")) => Transport::Tls,
            (false, Some("tcp")) => Transport::Tcp,
            (false, None | Some("udp")) => Transport::Udp,
            _ => return None,
        };
        let port = uri.port.unwrap_or(if transport == Transport::Tls { 5061 } else { 5060 });
        let host = uri.host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        Some(Self { transport, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_say_where_to_connect() {
        let hop = |uri: &str| Hop::of(&Uri::parse(uri).expect("a good URI"));
        for (uri, transport, host, port) in [
            ("sip:a@B.example", Transport::Udp, "b.example", 5060),
            ("sip:b.example:5070;transport=TCP", Transport::Tcp, "b.example", 5070),
            ("sip:[2001:db8::1];transport=tls", Transport::Tls, "2001:db8::1", 5061),
            ("sips:a@b.example;transport=tcp", Transport::Tls, "b.example", 5061),
        ] {
            assert_eq!(hop(uri), Some(Hop { transport, host: host.to_owned(), port }), "{uri}");
        }
        assert_eq!((hop("sip:a;transport=sctp"), hop("sips:a;transport=udp")), (None, None));
    }
}
