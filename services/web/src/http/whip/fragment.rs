//! What of an answer a restart of ICE needs (RFC 8840, section 9; RFC 9725, section 4.3.3).

/// Attributes of the whole, and of its first m-line, which carries all others with it.
const ALL: [&str; 3] = ["a=ice-lite", "a=ice-options:", "a=group:BUNDLE"];
const FIRST: [&str; 6] =
    ["m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates"];

/// The fragment of an answer.
pub(super) fn of(answer: &str) -> String {
    let (whole, lines) = answer.split_once("\nm=").unwrap_or((answer, ""));
    let first = format!("m={}", lines.split("\nm=").next().unwrap_or_default());
    let kept = |line: &&str, names: &[&str]| names.iter().any(|name| line.starts_with(name));
    let whole = whole.lines().filter(|line| kept(line, &ALL) || kept(line, &FIRST[2..4]));
    let lines = whole.chain(first.lines().filter(|line| kept(line, &FIRST))).map(str::trim_end);
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_has_what_tells_the_way() {
        let answer = "v=0\r\no=x 1 2 IN IP4 0.0.0.0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 X 111\r\na=mid:0\r\n\
            a=ice-ufrag:abcd\r\na=ice-pwd:secret\r\na=rtpmap:111 opus/48000/2\r\na=candidate:1 1 udp 1 192.0.2.7 1853 typ host\r\n\
            a=end-of-candidates\r\nm=video 9 X 96\r\na=mid:1\r\na=ice-ufrag:abcd\r\n";
        assert_eq!(
            of(answer),
            "a=group:BUNDLE 0 1\r\na=ice-lite\r\nm=audio 9 X 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\n\
             a=candidate:1 1 udp 1 192.0.2.7 1853 typ host\r\na=end-of-candidates\r\n"
        );
    }
}
