//! Only our own pages act for a person: a browser says which page makes a request.

use warp::http::uri::Authority;
use warp::{Filter, Rejection};

use super::ApiError;

/// Lets a request pass when it comes from no page, or from a page of the host that it goes to.
pub(super) fn same_origin() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::header::optional::<String>("origin")
        .and(warp::host::optional())
        .and_then(|origin: Option<String>, host: Option<Authority>| async move {
            match origin {
                Some(origin) if !is_of_host(&origin, host.as_ref()) => {
                    Err(warp::reject::custom(ApiError::ForeignOrigin { origin }))
                }
                _ => Ok(()),
            }
        })
        .untuple_one()
}

/// We serve HTTPS only, so no other scheme is ours; an absent port is 443 on both sides.
fn is_of_host(origin: &str, host: Option<&Authority>) -> bool {
    let Some(host) = host else { return false };
    let Some(origin) = origin.strip_prefix("https://").and_then(|text| text.parse::<Authority>().ok()) else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(443);
    origin.host().eq_ignore_ascii_case(host.host()) && port(&origin) == port(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_same_host_and_port_is_ours() {
        let host = |text: &str| text.parse::<Authority>().unwrap();
        for (origin, of, ours) in [
            ("https://meet.example.org", "meet.example.org", true),
            ("https://meet.example.org", "meet.example.org:443", true),
            ("https://Localhost:8443", "localhost:8443", true),
            ("https://[::1]:8443", "[::1]:8443", true),
            ("https://meet.example.org", "meet.example.org:8443", false),
            ("https://evil.example.org", "meet.example.org", false),
            ("https://meet.example.org.evil.org", "meet.example.org", false),
            ("http://meet.example.org", "meet.example.org", false),
            ("null", "meet.example.org", false),
            ("", "meet.example.org", false),
        ] {
            assert_eq!(is_of_host(origin, Some(&host(of))), ours, "{origin} of {of}");
        }
        assert!(!is_of_host("https://meet.example.org", None));
    }
}
