//! Which addresses peers are told.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::HubSettings;

/// Why the property `candidates` is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum CandidateError {
    /// One is no address.
    #[error("The property candidates is a comma separated list of IP addresses, and \"{0}\" is none.")]
    NoAddress(String),
}

/// Reads the property: addresses between commas; nothing is an empty list.
pub fn parse(list: &str) -> Result<Vec<IpAddr>, CandidateError> {
    let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| CandidateError::NoAddress(word.to_owned()))).collect()
}

/// The addresses to announce for a socket that is bound to `bound`: those that were named, the one it is bound to, or the machine's own.
pub fn announced(settings: &HubSettings, bound: SocketAddr) -> Vec<IpAddr> {
    if !settings.candidates.is_empty() {
        return settings.candidates.clone();
    }
    if !bound.ip().is_unspecified() {
        return vec![bound.ip()];
    }
    let mut own: Vec<IpAddr> =
        if_addrs::get_if_addrs().map_or_else(|_| Vec::new(), |all| all.iter().map(|one| one.ip()).collect());
    own.retain(|ip| !is_link_local(*ip) && (ip.is_ipv4() || bound.is_ipv6()));
    own.sort();
    own.dedup();
    // A peer on another machine can do nothing with the loopback, and one on this machine reaches any address; unless there is no other.
    if own.iter().any(|ip| !ip.is_loopback()) {
        own.retain(|ip| !ip.is_loopback());
    }
    own
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::TcpDoor;
    use super::*;

    #[test]
    fn a_list_of_addresses_is_read() {
        assert_eq!(parse("127.0.0.1, ::1,"), Ok(vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]));
        assert_eq!(parse(""), Ok(Vec::new()));
        assert_eq!(parse("localhost"), Err(CandidateError::NoAddress("localhost".to_owned())));
    }

    #[test]
    fn a_bound_address_is_announced_and_a_named_one_instead_of_it() {
        let mut settings =
            HubSettings { port: 0, bind: None, candidates: Vec::new(), workers: 1, tcp: TcpDoor::None };
        let bound = "127.0.0.1:5000".parse().unwrap();
        assert_eq!(announced(&settings, bound), [bound.ip()]);
        settings.candidates = parse("192.0.2.7").unwrap();
        assert_eq!(announced(&settings, bound), settings.candidates);
    }
}
