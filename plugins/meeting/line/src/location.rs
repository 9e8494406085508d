//! Where a meeting is: `https://host:port/123456789`.

use url::{Host, Url};

const CODE_DIGITS: usize = 9;

/// A meeting's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    host: Host<String>,
    port: u16,
    code: String,
}

/// Why an address is not one of a meeting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The property was not set.
    #[error(
        "The property location is not set. Give the meeting's link, such as https://host:8443/123456789."
    )]
    Missing,
    /// It does not parse, or it is no `https` address.
    #[error(
        "The location “{location}” is not the link of a meeting: {reason}. It looks like https://host:8443/123456789."
    )]
    Malformed {
        /// What was given.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Location {
    /// Takes a meeting's link. Dashes and spaces in the code are dropped, as people write them to read it better.
    pub fn parse(location: &str) -> Result<Self, LocationError> {
        let refuse = |reason: String| LocationError::Malformed { location: location.into(), reason };

        let url = Url::parse(location.trim()).map_err(|error| refuse(error.to_string()))?;
        if url.scheme() != "https" {
            return Err(refuse(format!("its scheme is {}, not https", url.scheme())));
        }
        let host = url.host().ok_or_else(|| refuse("it has no host".into()))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| refuse("it has no port".into()))?;

        let code = url.path().trim_matches('/').replace("%20", "").replace('-', "");
        if code.len() != CODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse(format!("the code at its end must have {CODE_DIGITS} digits")));
        }
        Ok(Self { host, port, code })
    }

    /// The host as TLS and the resolver want it: an IPv6 address without brackets.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, for people.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The session code, nine digits.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Where the meeting's WebSocket is.
    pub fn socket_url(&self) -> String {
        format!("wss://{}:{}/ws", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_taken_apart() {
        let location = Location::parse("https://meet.example:8443/123456789").expect("a good link");
        assert_eq!(location.host(), "meet.example");
        assert_eq!(location.port(), 8443);
        assert_eq!(location.code(), "123456789");
        assert_eq!(location.socket_url(), "wss://meet.example:8443/ws");
    }

    #[test]
    fn the_port_of_https_is_the_default() {
        assert_eq!(Location::parse("https://meet.example/123456789").expect("a good link").port(), 443);
    }

    #[test]
    fn an_address_of_ipv6_loses_its_brackets_only_where_it_must() {
        let location = Location::parse("https://[::1]:8443/123456789").expect("a good link");
        assert_eq!(location.host(), "::1");
        assert_eq!(location.socket_url(), "wss://[::1]:8443/ws");
    }

    #[test]
    fn dashes_and_spaces_in_the_code_are_dropped() {
        assert_eq!(Location::parse("https://a/123-456 789/").expect("a good link").code(), "123456789");
    }

    #[test]
    fn what_is_no_link_is_refused_with_its_reason() {
        for (location, reason) in [
            ("", "relative URL without a base"),
            ("localhost", "relative URL without a base"),
            ("http://a/123456789", "its scheme is http, not https"),
            ("https://a/12345678", "the code at its end must have 9 digits"),
            ("https://a/1234567890", "the code at its end must have 9 digits"),
            ("https://a/12345678x", "the code at its end must have 9 digits"),
            ("https://a/", "the code at its end must have 9 digits"),
            ("https://a/recordings/123456789", "the code at its end must have 9 digits"),
        ] {
            let refused = Location::parse(location).expect_err(location).to_string();
            assert!(refused.contains(reason), "{location}: {refused}");
        }
    }
}
