//! Which bytes of a recording a request asks for (RFC 9110, 13 and 14).

use std::ops::Range;

use warp::http::HeaderMap;
use warp::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};

/// What to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200 with everything.
    Everything,
    /// 206 with these bytes; never an empty range.
    Part(Range<u64>),
    /// 304: the client has it.
    NotModified,
    /// 412: the client wants another version.
    PreconditionFailed,
    /// 416: nothing of the range is there.
    Unsatisfiable,
}

/// Weighs the conditions in the order of RFC 9110, 13.2.2. `etag` is our strong tag, with its quotes.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    if let Some(tags) = text(headers, &IF_MATCH)
        && !matches_any(tags, |tag| tag == etag)
    {
        return Wanted::PreconditionFailed;
    }
    if let Some(tags) = text(headers, &IF_NONE_MATCH)
        && matches_any(tags, |tag| tag.trim_start_matches("W/") == etag)
    {
        return Wanted::NotModified;
    }
    // A date would have to match our Last-Modified exactly, and we send none (RFC 9110, 13.1.5).
    if text(headers, &IF_RANGE).is_some_and(|tag| tag.trim() != etag) {
        return Wanted::Everything;
    }
    text(headers, &RANGE).map_or(Wanted::Everything, |range| part(range, size))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn matches_any(tags: &str, is_ours: impl Fn(&str) -> bool) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || is_ours(tag))
}

/// What we do not understand, another unit, and several ranges at once are ignored, as RFC 9110, 14.2 allows.
fn part(range: &str, size: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Everything };
    let Some((first, last)) = set.split_once('-') else { return Wanted::Everything };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Everything;
    }
    let range = match (number(first), number(last)) {
        (Given::Number(first), Given::Number(last)) if first <= last => {
            first..size.min(last.saturating_add(1))
        }
        (Given::Number(first), Given::Nothing) => first..size,
        (Given::Nothing, Given::Number(0)) => return Wanted::Unsatisfiable,
        (Given::Nothing, Given::Number(suffix)) => size.saturating_sub(suffix)..size,
        _ => return Wanted::Everything,
    };
    if range.is_empty() { Wanted::Unsatisfiable } else { Wanted::Part(range) }
}

enum Given {
    Nothing,
    Number(u64),
    Nonsense,
}

/// Digits only; a number too large for us is larger than any file.
fn number(text: &str) -> Given {
    match text.trim() {
        "" => Given::Nothing,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Given::Number(digits.parse().unwrap_or(u64::MAX))
        }
        _ => Given::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warp::http::HeaderValue;

    const ETAG: &str = "\"abc\"";

    fn asks(fields: &[(HeaderName, &str)]) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        wanted(&headers, ETAG, 1000)
    }

    #[test]
    fn ranges_as_the_rfc_has_them() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=0-499", Wanted::Part(0..500)),
            ("bytes=500-999", Wanted::Part(500..1000)),
            ("bytes=500-1000", Wanted::Part(500..1000)),
            ("bytes=999-", Wanted::Part(999..1000)),
            ("bytes=0-", Wanted::Part(0..1000)),
            ("bytes=-1", Wanted::Part(999..1000)),
            ("bytes=-1000", Wanted::Part(0..1000)),
            ("bytes=-1001", Wanted::Part(0..1000)),
            ("bytes=0-99999999999999999999999", Wanted::Part(0..1000)),
            ("bytes=0-18446744073709551615", Wanted::Part(0..1000)),
            ("BYTES = 0-1", Wanted::Part(0..2)),
            ("bytes=1000-", Wanted::Unsatisfiable),
            ("bytes=1000-1000", Wanted::Unsatisfiable),
            ("bytes=99999999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
        ] {
            assert_eq!(asks(&[(RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=x-y",
            "bytes=5-4",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=1--2",
        ] {
            assert_eq!(asks(&[(RANGE, range)]), Wanted::Everything, "{range}");
        }
    }

    #[test]
    fn an_empty_file_has_no_range() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-"));
        assert_eq!(wanted(&headers, ETAG, 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn a_range_of_another_version_gets_everything() {
        assert_eq!(asks(&[(RANGE, "bytes=0-1"), (IF_RANGE, ETAG)]), Wanted::Part(0..2));
        for other in ["\"other\"", "W/\"abc\"", "Sat, 31 Jan 2026 10:00:00 GMT"] {
            assert_eq!(asks(&[(RANGE, "bytes=0-1"), (IF_RANGE, other)]), Wanted::Everything, "{other}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        assert_eq!(asks(&[(IF_NONE_MATCH, "\"x\", W/\"abc\""), (RANGE, "bytes=0-1")]), Wanted::NotModified);
        assert_eq!(asks(&[(IF_NONE_MATCH, "*")]), Wanted::NotModified);
        assert_eq!(asks(&[(IF_NONE_MATCH, "\"x\"")]), Wanted::Everything);
        assert_eq!(asks(&[(IF_MATCH, "\"x\""), (RANGE, "bytes=0-1")]), Wanted::PreconditionFailed);
        assert_eq!(asks(&[(IF_MATCH, "W/\"abc\"")]), Wanted::PreconditionFailed);
        assert_eq!(asks(&[(IF_MATCH, ETAG), (RANGE, "bytes=0-1")]), Wanted::Part(0..2));
    }
}
