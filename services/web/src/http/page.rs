//! The client's files: one page, and what it is made of.

use std::borrow::Cow;

use bytes::Bytes;
use convene_domain::SessionCode;
use rust_embed::{EmbeddedFile, RustEmbed};
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use warp::http::{HeaderMap, HeaderValue, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::{ApiError, answer};

/// `npm run build` makes this folder. A debug build reads it at run time, a release build carries it.
#[derive(RustEmbed)]
#[folder = "../client/dist"]
#[allow_missing = true]
struct Client;

/// Every page of the client is this one; its script looks at the address.
const PAGE: &str = "index.html";

/// The names of these have a hash of their content, so they never change.
const ASSETS: &str = "assets/";
const KEEP_FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Convene</title>\
    <h1>The page is not built yet</h1><p>The service runs, but its page is missing. Build it with \
    <code>npm ci &amp;&amp; npm run build</code> in <code>services/client</code>, then reload. \
    A release build has to be built again after that.</p></html>";

pub(super) fn routes() -> impl Filter<Extract = (Response,), Error = Rejection> + Copy {
    warp::get()
        .or(warp::head())
        .unify()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and_then(|path: FullPath, headers: HeaderMap| answer(async move { file(path.as_str(), &headers) }))
}

fn file(path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let name = path.strip_prefix('/').unwrap_or(path);
    if is_page(name) {
        return Ok(match Client::get(PAGE) {
            Some(file) => reply(file, PAGE, headers),
            None => warp::reply::with_status(warp::reply::html(NOT_BUILT), StatusCode::SERVICE_UNAVAILABLE)
                .into_response(),
        });
    }
    // The page has its own addresses; under its file's name it would be a second one.
    let found = if name == PAGE { None } else { Client::get(name) };
    found.map(|file| reply(file, name, headers)).ok_or(ApiError::NotFound)
}

/// `/`, `/recordings`, `/watch/TOKEN` and `/CODE`, whether there is such a meeting or not: the page tells nobody.
fn is_page(name: &str) -> bool {
    matches!(name, "" | "recordings") || name.starts_with("watch/") || name.parse::<SessionCode>().is_ok()
}

fn reply(file: EmbeddedFile, name: &str, asked: &HeaderMap) -> Response {
    let hash: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = HeaderValue::try_from(format!("\"{hash}\"")).expect("hexadecimal digits and quotes are ASCII");
    let cache = if name.starts_with(ASSETS) { KEEP_FOREVER } else { ASK_AGAIN };

    let has_it = asked.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
        tags.split(',').any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == etag.as_bytes())
    });
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Response::new(body.into())
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(ETAG, etag);
    response
}

/// What a build of the client can contain.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_client_is_its_page() {
        for name in ["", "recordings", "123456789", "000000000"] {
            assert!(is_page(name), "{name}");
        }
        for name in ["12345678", "1234567890", "recordings/x", "index.html", "assets/a.js", "../Cargo.toml"] {
            assert!(!is_page(name), "{name}");
        }
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let headers = HeaderMap::new();
        for path in [
            "/../Cargo.toml",
            "/assets/../../Cargo.toml",
            "//etc/passwd",
            "/%2e%2e/Cargo.toml",
            "/src/lib.rs",
        ] {
            assert!(matches!(file(path, &headers), Err(ApiError::NotFound)), "{path}");
        }
    }
}
