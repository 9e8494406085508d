//! SIP URIs and the addresses that name somebody (RFC 3261, sections 19.1 and 20.10).

use thiserror::Error;

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// A quotation does not end, or something else is where no thing of its kind may be.
    #[error("an address is not written as RFC 3261 has it")]
    Syntax,
    /// Neither `sip:` nor `sips:`.
    #[error("a URI is neither sip: nor sips:")]
    Scheme,
}

/// Where to reach somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// `sips:`, all the way by TLS.
    pub is_secure: bool,
    /// Before the `@`, its escapes resolved.
    pub user: Option<String>,
    /// A name or an address; IPv6 in brackets.
    pub host: String,
    /// If it is said.
    pub port: Option<u16>,
    /// After the host: `transport=tcp` and the like.
    pub parameters: Vec<(String, Option<String>)>,
}

impl Uri {
    /// Reads a URI without header fields, as all are but those on web pages.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once(':').ok_or(AddressError::Syntax)?;
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(AddressError::Syntax);
        }
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "sip" => false,
            "sips" => true,
            _ => return Err(AddressError::Scheme),
        };
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"');
        if !rest.chars().all(is_plain) {
            return Err(AddressError::Syntax);
        }
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        if rest.contains('?') {
            return Err(AddressError::Syntax);
        }
        let mut parts = rest.split(';');
        let (host, port) = host_and_port(parts.next().unwrap_or_default())?;
        let user = user.map(|user| user.split_once(':').map_or(user, |(user, _password)| user));
        Ok(Self {
            is_secure,
            user: user.map(unescape).transpose()?,
            host: host.to_owned(),
            port,
            parameters: parameters(parts),
        })
    }
}

/// `host`, `host:port`, `[::1]:port`.
pub fn host_and_port(text: &str) -> Result<(&str, Option<u16>), AddressError> {
    let end = if text.starts_with('[') { text.find(']').ok_or(AddressError::Syntax)? + 1 } else { 0 };
    let (host, port) = match text[end..].find(':') {
        Some(colon) => (&text[..end + colon], Some(&text[end + colon + 1..])),
        None => (text, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(AddressError::Syntax);
    }
    let port = port.map(|port| port.parse().map_err(|_| AddressError::Syntax)).transpose()?;
    Ok((host, port))
}

fn parameters<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<(String, Option<String>)> {
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim().to_ascii_lowercase(), Some(value.trim().to_owned())),
            None => (part.to_ascii_lowercase(), None),
        })
        .collect()
}

fn unescape(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>().ok_or(AddressError::Syntax)?;
        let digits = std::str::from_utf8(digits).map_err(|_| AddressError::Syntax)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| AddressError::Syntax)?);
        rest = after;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `"Ann" <sip:ann@example.org>;tag=1`, as in From, To and Contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddress {
    /// What the caller is called, without quotation marks; often nothing.
    pub name: String,
    /// The URI as it was written.
    pub uri: String,
    /// After it: `tag` and the like.
    pub parameters: Vec<(String, Option<String>)>,
}

impl NameAddress {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (name, rest) = display_name(text)?;
        let (uri, after) = match rest.strip_prefix('<') {
            Some(rest) => rest.split_once('>').ok_or(AddressError::Syntax)?,
            // Without brackets, whatever follows a semicolon is the header's.
            None => rest.split_at(rest.find(';').unwrap_or(rest.len())),
        };
        let after = after.trim_start();
        let is_uri = uri.contains(':') && !uri.contains(|c: char| c.is_whitespace() || c == '<' || c == '"');
        if !is_uri || !(after.is_empty() || after.starts_with(';')) {
            return Err(AddressError::Syntax);
        }
        let parameters = parameters(split_outside_quotes(after, ';')?.into_iter());
        Ok(Self { name, uri: uri.to_owned(), parameters })
    }

    /// The dialog's tag.
    pub fn tag(&self) -> Option<&str> {
        let tag = self.parameters.iter().find(|(name, _)| name == "tag");
        tag.and_then(|(_, value)| value.as_deref()).filter(|tag| !tag.is_empty())
    }
}

fn display_name(text: &str) -> Result<(String, &str), AddressError> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Ok(match text.find('<') {
            Some(bracket) => (text[..bracket].trim().to_owned(), &text[bracket..]),
            None => (String::new(), text),
        });
    };
    let mut name = String::new();
    let mut is_escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if is_escaped => {
                name.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => {
                let rest = quoted[at + 1..].trim_start();
                return if rest.starts_with('<') { Ok((name, rest)) } else { Err(AddressError::Syntax) };
            }
            _ => name.push(c),
        }
    }
    Err(AddressError::Syntax)
}

/// The parts between separators that are not inside quotation marks or angle brackets.
pub fn split_outside_quotes(text: &str, separator: char) -> Result<Vec<&str>, AddressError> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped, mut is_bracketed) = (0, false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '<' if !is_quoted => is_bracketed = true,
            '>' if !is_quoted => is_bracketed = false,
            _ if c == separator && !is_quoted && !is_bracketed => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if is_quoted {
        return Err(AddressError::Syntax);
    }
    parts.push(&text[start..]);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read() {
        let uri = Uri::parse("sips:%31%32:secret@Example.org:5061;transport=TCP;lr").expect("a good URI");
        assert_eq!((uri.is_secure, uri.user.as_deref(), uri.port), (true, Some("12"), Some(5061)));
        assert_eq!((uri.host.as_str(), uri.parameters.len()), ("Example.org", 2));
        assert_eq!(Uri::parse("sip:[::1]:9").expect("a good URI").host, "[::1]");
        assert_eq!(Uri::parse("sip:a;x@b").expect("a good URI").user.as_deref(), Some("a;x"));
        for wrong in
            ["sip:", "sip:a@", "sip:a b@c", "sip:a@b:99999", "sip:a%4@b", "sip:a@b?Route=c", "sip:[::1"]
        {
            assert_eq!(Uri::parse(wrong), Err(AddressError::Syntax), "{wrong}");
        }
        assert_eq!(Uri::parse("tel:+4930123"), Err(AddressError::Scheme));
    }

    #[test]
    fn addresses_are_read() {
        let ann = NameAddress::parse(r#""Ann \"A\", <b>"  <sip:ann@a;x=y> ;tag=17"#).expect("a good address");
        assert_eq!(
            (ann.name.as_str(), ann.uri.as_str(), ann.tag()),
            ("Ann \"A\", <b>", "sip:ann@a;x=y", Some("17"))
        );
        let bob = NameAddress::parse("sip:bob@b;tag=a").expect("a good address");
        assert_eq!((bob.uri.as_str(), bob.tag()), ("sip:bob@b", Some("a")));
        for wrong in ["\"Ann <sip:a@b>", "< sip:a@b>", "<sip:a@b", "", "\"Ann\" sip:a@b", "<sip:a@b> x"] {
            assert!(NameAddress::parse(wrong).is_err(), "{wrong}");
        }
    }
}
