//! The headers that every answer carries.

use warp::http::HeaderValue;
use warp::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// What the page may do: its own scripts, WebAssembly for pictures, workers, pictures and films made in the page, and its own server.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; \
    style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// One year, as the preload lists want it at least.
const STRICT: &str = "max-age=31536000";

/// Adds what protects the page and those who use it. A code in an address is a secret, so no other site gets to see it.
///
/// `is_local` is for `localhost`: there, strict transport would reach every other service of a developer's machine.
pub(crate) fn protect(headers: &mut HeaderMap, is_local: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(
        HeaderName::from_static("permissions-policy"),
        "display-capture=(self), camera=(self), microphone=(self)",
    );
    if !is_local {
        set(STRICT_TRANSPORT_SECURITY, STRICT);
    }
}
